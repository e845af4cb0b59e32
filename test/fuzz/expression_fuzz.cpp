/* SPDX-License-Identifier: PostgreSQL */
/*
 * The input is a value of any kind. Every function answers within its memory; what is accepted is canonical: its own union and its own
 * intersection, with a finite estimate, and folds to values that are accepted too.
 */
#include "fuzz.hpp"

#include <cmath>

using namespace hllset;
using namespace hllset::test;

/* An estimate of more than four sources takes too long for a fuzzer. */
static constexpr int kMostSources = 4;

static void
check_numbers(const HllsetEstimate &made)
{
	double lower;
	double upper;

	FUZZ_CHECK(std::isfinite(made.cardinality) && made.cardinality >= 0);
	FUZZ_CHECK(std::isfinite(made.standard_error) && made.standard_error >= 0);
	FUZZ_CHECK(made.least <= made.cardinality && made.cardinality <= made.most);
	hllset_core_bounds(&made, 0.95, &lower, &upper);
	FUZZ_CHECK(lower >= 0 && lower <= made.cardinality);
	FUZZ_CHECK(made.cardinality <= upper);
	FUZZ_CHECK(std::isfinite(upper) == (made.law != HLLSET_SATURATED));
}

static void
check_refused(const Bytes &value)
{
	HllsetEstimate estimated;
	std::vector<HllsetEstimate> regions;
	bool answer;

	if (value.size() > 4 && value[4] <= kMostSources)
	{
		if (try_estimate(value, estimated) == HLLSET_OK)
			check_numbers(estimated);
		if (try_venn({value, empty(4)}, regions) == HLLSET_OK)
			check_numbers(regions[1]);
	}
	try_contained(value, empty(4), answer);
	try_may_contain(value, 1);
	try_sample(value);
	try_add(value, 1);
	try_convert(value, 4);
	for (HllsetOp op : {HLLSET_UNION, HLLSET_INTERSECTION})
		try_combine(op, value, value);
}

static void
check_accepted(const Bytes &value, const HllsetInfo &told)
{
	Outcome sampled = try_sample(value);
	bool answer;

	FUZZ_CHECK(unite(value, value) == value);
	FUZZ_CHECK(intersect(value, value) == value);
	FUZZ_CHECK(estimate(subtract(value, value)).cardinality == 0);
	FUZZ_CHECK(try_convert(value, told.precision).itself);
	for (int p = kMinPrecision; p < told.precision; p++)
	{
		Outcome folded = try_convert(value, p);

		/* of a sample, more than S tokens of the last level may be left */
		if (told.kind == HLLSET_SAMPLE && folded.status == HLLSET_TOO_MANY_SOURCES)
			continue;
		FUZZ_CHECK(folded.status == HLLSET_OK && check(folded.bytes) == HLLSET_OK);
		FUZZ_CHECK(info(folded.bytes).precision == p);
	}
	FUZZ_CHECK(sampled.status == HLLSET_OK || sampled.status == HLLSET_TOO_MANY_SOURCES);
	FUZZ_CHECK(sampled.status != HLLSET_OK || check(sampled.bytes) == HLLSET_OK);
	if (told.sources > kMostSources)
		return;
	check_numbers(estimate(value));

	HllsetStatus status = try_contained(value, value, answer);

	FUZZ_CHECK(status == HLLSET_OK && answer);
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Bytes value(data, data + size);
	HllsetInfo told;
	HllsetStatus status = hllset_core_check(door(value), &told);

	if (size > 2 && data[2] > 9)
		return 0;
	if (status == HLLSET_OK)
		check_accepted(value, told);
	else
		check_refused(value);
	return 0;
}
