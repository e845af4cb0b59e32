/* SPDX-License-Identifier: PostgreSQL */
/*
 * One to seven values, each as two bytes of length and its bytes. The sizes of all their regions are finite and in their order, or a bad value
 * is refused; of two and three they are those of the same values among empty ones.
 */
#include "fuzz.hpp"

#include <cmath>

using namespace hllset;
using namespace hllset::test;

/* A joint estimate of more sources takes too long for a fuzzer. */
static constexpr int kMostSources = 4;
static constexpr int kFinest = 9;

static bool
is_quick(const std::vector<Bytes> &values)
{
	int sources = 0;

	for (const Bytes &value : values)
	{
		if (value.size() > 4 && value[2] > kFinest)
			return false;
		sources += value.size() > 4 && (value[1] & 15) == HLLSET_EXPRESSION ? value[4] : 1;
	}
	return sources <= kMostSources;
}

static void
check_regions(const std::vector<HllsetEstimate> &regions)
{
	for (size_t x = 1; x < regions.size(); x++)
	{
		FUZZ_CHECK(std::isfinite(regions[x].cardinality) && regions[x].cardinality >= 0);
		FUZZ_CHECK(std::isfinite(regions[x].standard_error) && regions[x].standard_error >= 0);
	}
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	std::vector<Bytes> values;
	std::vector<HllsetEstimate> regions;
	bool good = true;

	do
		values.push_back(input.string());
	while (input.left() > 0 && values.size() <= HLLSET_MAX_VALUES);
	if (!is_quick(values))
		return 0;
	for (const Bytes &value : values)
		good = good && check(value) == HLLSET_OK;

	HllsetStatus status = try_venn(values, regions);

	if (values.size() > HLLSET_MAX_VALUES)
	{
		FUZZ_CHECK(status == HLLSET_BAD_ARGUMENT);
		return 0;
	}
	if (good)
		FUZZ_CHECK(status == HLLSET_OK || status == HLLSET_TOO_MANY_SOURCES);
	if (status != HLLSET_OK)
		return 0;
	check_regions(regions);

	/* an empty set more changes nothing, and has nothing */
	if (values.size() < HLLSET_MAX_VALUES)
	{
		std::vector<HllsetEstimate> more;

		values.push_back(empty(kMinPrecision));
		FUZZ_CHECK(try_venn(values, more) == HLLSET_OK);
		for (size_t x = 1; x < regions.size(); x++)
			FUZZ_CHECK(more[x].cardinality == regions[x].cardinality);
		for (size_t x = regions.size(); x < more.size(); x++)
			FUZZ_CHECK(more[x].cardinality == 0);
	}
	return 0;
}
