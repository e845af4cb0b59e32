/* SPDX-License-Identifier: PostgreSQL */
/*
 * Precision, form, then elements: one byte of leading zeros and four of low bits each. Added to an accumulator, to a value one by
 * one, and in two halves that are united, they give the bytes of the model.
 */
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

/* The model and adding to values take time in proportion. */
static constexpr size_t kMostElements = 100;

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	int precision = kMinPrecision + static_cast<int>(input.number(1) % 4);
	bool compact = input.number(1) % 2 == 1;
	Aggregate whole(precision, compact);
	Aggregate halves[2] = {Aggregate(precision + 1), Aggregate(precision, compact)};
	Bytes set = empty(precision, compact);
	Hashes hashes;

	while (input.left() > 0 && hashes.size() < kMostElements)
	{
		int zeros = static_cast<int>(input.number(1) % 65);

		hashes.push_back(make_hash(zeros, input.number(4)));
	}
	for (size_t i = 0; i < hashes.size(); i++)
	{
		bool there;

		require(hllset_core_may_contain(door(set), hashes[i], &there));

		Outcome added = try_add(set, hashes[i]);

		FUZZ_CHECK(added.status == HLLSET_OK && added.itself == there);
		FUZZ_CHECK(there == (added.bytes == set));
		set = added.bytes;
		whole.add(hashes[i]);
		halves[i % 2].add(hashes[i]);
	}
	FUZZ_CHECK(set == model_of(hashes, precision, compact));
	FUZZ_CHECK(whole.encode() == set);
	/* an empty half would leave the other its precision and form */
	if (hashes.size() < 2)
		return 0;
	FUZZ_CHECK(unite(halves[0].encode(), halves[1].encode()) == set);
	halves[0].merge(halves[1]);
	FUZZ_CHECK(halves[0].encode() == set);
	return 0;
}
