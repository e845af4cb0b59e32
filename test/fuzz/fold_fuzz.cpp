/* SPDX-License-Identifier: PostgreSQL */
/* A precision, a form, and a value: converting gives a value of that precision and form, or says why not, by any path. */
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	int precision = static_cast<int8_t>(input.number(1));
	HllsetForm form = static_cast<HllsetForm>(input.number(1) % 3);
	Bytes set = input.bytes(input.left());

	if (is_no_set(set))
		return 0;

	Outcome made = try_convert(set, precision, form);

	if (check(set) != HLLSET_OK)
	{
		FUZZ_CHECK(made.status != HLLSET_OK || made.itself);
		return 0;
	}

	HllsetInfo before = info(set);
	bool is_empty = before.level0 == 0 && before.tokens == 0;
	bool compact =
		(before.compact && !(is_empty && form == HLLSET_GRADED)) || form == HLLSET_COMPACT;

	FUZZ_CHECK((made.status == HLLSET_OK) ==
			   (precision >= kMinPrecision &&
				precision <= (is_empty ? kMaxPrecision : before.precision) &&
				!(before.compact && form == HLLSET_GRADED && !is_empty)));
	if (made.status != HLLSET_OK)
		return 0;

	HllsetInfo after = info(made.bytes);
	Aggregate aggregate(before.precision, before.compact);

	FUZZ_CHECK(after.precision == precision && after.compact == compact);
	FUZZ_CHECK(made.itself == (precision == before.precision && compact == before.compact));
	FUZZ_CHECK(reencode(made.bytes) == made.bytes);
	aggregate.unite(set);
	FUZZ_CHECK(convert(aggregate.encode(), precision, form) == made.bytes);
	if (precision < before.precision)
		FUZZ_CHECK(convert(convert(set, precision + 1), precision, form) == made.bytes);
	FUZZ_CHECK(convert(convert(set, before.precision, form), precision) == made.bytes);
	return 0;
}
