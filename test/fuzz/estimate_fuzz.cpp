/* SPDX-License-Identifier: PostgreSQL */
/*
 * First byte even: the rest is a value. Odd: precision, L0, and counts of any size within their cells, whether or not some
 * set has them. Every estimate and every bound is a finite number in its order, but the upper one of a saturated set.
 */
#include "fuzz.hpp"

#include <cmath>

#include "core/estimate.hpp"

using namespace hllset;
using namespace hllset::test;

static void
check_numbers(const HllsetEstimate &made)
{
	FUZZ_CHECK(std::isfinite(made.cardinality) && made.cardinality >= 0);
	FUZZ_CHECK(std::isfinite(made.standard_error) && made.standard_error >= 0);
	FUZZ_CHECK(made.least >= 0 && made.least <= made.cardinality && made.cardinality <= made.most);
	for (double confidence : {1e-300, 0.5, 0.95, 1 - 1e-16})
	{
		double lower;
		double upper;

		hllset_core_bounds(&made, confidence, &lower, &upper);
		FUZZ_CHECK(lower >= 0 && lower <= made.cardinality);
		FUZZ_CHECK(made.cardinality <= upper);
		FUZZ_CHECK(std::isfinite(upper) == (made.law != HLLSET_SATURATED));
	}
}

static Counts
any_counts(Input &input)
{
	Counts counts = {};

	counts.precision = kMinPrecision + static_cast<int>(input.number(1) % 15);
	counts.level0 = static_cast<int>(input.number(1) % 33);
	counts.compact = counts.level0 % 32 == 0 && input.number(1) % 2 == 1;
	for (int k = 0; k < kLevels; k++)
	{
		uint64_t shape = input.number(1);
		uint32_t cells = counts.cells(k);
		uint32_t any =
			static_cast<uint32_t>(input.number(shape % 2 == 0 ? 1 : 4) % (uint64_t{cells} + 1));

		/* from either end */
		counts.ones[k] = shape / 2 % 2 == 0 ? any : cells - any;
		if (k >= counts.level0)
			counts.tokens += counts.ones[k];
	}
	return counts;
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	HllsetEstimate made;

	if (input.number(1) % 2 == 1)
	{
		check_numbers(estimate(any_counts(input)));
		return 0;
	}

	Bytes set = input.bytes(input.left());

	if (is_no_set(set) || try_estimate(set, made) != HLLSET_OK)
		return 0;
	check_numbers(made);

	Aggregate aggregate(kMaxPrecision);

	aggregate.unite(set);
	FUZZ_CHECK(aggregate.estimate().cardinality == made.cardinality);
	FUZZ_CHECK(aggregate.estimate().standard_error == made.standard_error);
	return 0;
}
