/* SPDX-License-Identifier: PostgreSQL */
/* The input is a set, or is refused. What is accepted is written back as it was read and is the value of a real set. */
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

/* Building the set behind a value takes a hash for each one of its matrix: enough for coverage at small precisions. */
static constexpr int kFinestWitness = 6;

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes set(data, data + size);
	HllsetInfo info;
	HllsetEstimate estimated;

	if (is_no_set(set))
		return 0;

	HllsetStatus status = hllset_core_check(door(set), &info);
	int precision =
		size > 2 ? std::clamp<int>(data[2], kMinPrecision, kMaxPrecision) : kMinPrecision;
	std::vector<uint32_t> words(buckets(precision));

	FUZZ_CHECK(status == HLLSET_OK || (status >= HLLSET_TRUNCATED && status <= HLLSET_BAD_PADDING));
	FUZZ_CHECK(try_estimate(set, estimated) == status);
	FUZZ_CHECK(hllset_core_bits(door(set), words.data()) == status);
	if (status != HLLSET_OK)
		return 0;
	FUZZ_CHECK(reencode(set) == set);
	FUZZ_CHECK(try_convert(set, info.precision).itself);
	if (info.precision <= kFinestWitness)
	{
		ModelState state = decode(set);

		FUZZ_CHECK(bytes_of(state) == set);
		FUZZ_CHECK(set_of(witness(state), info.precision, info.compact) == set);
	}
	return 0;
}
