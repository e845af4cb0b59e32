/* SPDX-License-Identifier: PostgreSQL */
/* The regions of four to six values, which hll_regions tells; those of one to three are in census_test.cpp. */
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "algebra_model.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

/* How many elements are in exactly the sets of each mask. */
static std::vector<double>
exact_regions(const std::vector<Hashes> &sets)
{
	std::map<uint64_t, uint32_t> masks;
	std::vector<double> regions(size_t{1} << sets.size());

	for (size_t i = 0; i < sets.size(); i++)
		for (uint64_t hash : sets[i])
			masks[hash] |= 1u << i;
	for (auto [hash, mask] : masks)
		regions[mask]++;
	return regions;
}

static std::vector<Bytes>
build(const std::vector<Hashes> &sets, int precision)
{
	std::vector<Bytes> built;

	for (const Hashes &hashes : sets)
		built.push_back(set_of(hashes, precision));
	return built;
}

static double
sum_of(const std::vector<HllsetEstimate> &regions)
{
	double sum = 0;

	for (size_t x = 1; x < regions.size(); x++)
		sum += regions[x].cardinality;
	return sum;
}

TEST(Regions, OfSmallSetsAreExact)
{
	Random random(320);

	for (size_t count = 1; count <= 6; count++)
	{
		std::vector<Hashes> sets = overlapping_hashes(random, count, 800);
		std::vector<double> exact = exact_regions(sets);
		std::vector<HllsetEstimate> regions = venn(build(sets, 12));

		ASSERT_EQ(exact.size(), regions.size());
		for (size_t x = 1; x < exact.size(); x++)
			EXPECT_EQ(exact[x], regions[x].cardinality) << count << " sets, region " << x;
	}
}

/*
 * Of large ones most are within two of their errors, all near. Together they are the union, and nearer to it than its own count, for which the
 * sets have told less.
 */
TEST(Regions, OfLargeSetsAreNearTheTruth)
{
	Random random(321);
	int within = 0;
	int all = 0;
	double sum_off = 0;
	double union_off = 0;

	for (int trial = 0; trial < 30; trial++)
	{
		size_t count = 4 + static_cast<size_t>(trial % 3);
		std::vector<Hashes> sets = overlapping_hashes(random, count, 40000);
		std::vector<double> exact = exact_regions(sets);
		std::vector<Bytes> built = build(sets, 12);
		std::vector<HllsetEstimate> regions = venn(built);
		Bytes whole = built[0];

		for (const Bytes &set : built)
			whole = unite(whole, set);
		double total = std::accumulate(exact.begin(), exact.end(), 0.0);
		double sum = sum_of(regions) / total - 1;

		EXPECT_NEAR(0, sum, 0.04) << trial;
		sum_off += sum * sum;
		union_off += std::pow(estimate(whole).cardinality / total - 1, 2);
		for (size_t x = 1; x < exact.size(); x++)
		{
			double off = std::abs(regions[x].cardinality - exact[x]);

			/* of a region of few elements among large sets the error is no normal one */
			EXPECT_LE(off, 8 * regions[x].standard_error) << trial << " region " << x;
			within += off <= 1.96 * regions[x].standard_error;
			all++;
		}
	}
	EXPECT_GE(within, 0.93 * all);
	EXPECT_LT(sum_off, union_off);
}

/* Which values go together does not matter to what a region is. */
TEST(Regions, OfExpressionsAreSumsOfThoseOfTheirSets)
{
	Random random(322);
	std::vector<Bytes> built = build(overlapping_hashes(random, 4, 40000), 12);
	std::vector<HllsetEstimate> fine = venn(built);
	std::vector<HllsetEstimate> coarse =
		venn({intersect(built[0], built[1]), subtract(built[2], built[3]), built[0], built[1]});
	double wanted[16] = {};

	for (uint32_t x = 1; x < 16; x++)
		wanted[((x & 3) == 3) | ((x & 12) == 4) << 1 | (x & 1) << 2 | (x >> 1 & 1) << 3] +=
			fine[x].cardinality;
	for (uint32_t x = 1; x < 16; x++)
		EXPECT_NEAR(wanted[x], coarse[x].cardinality, 1e-6 * sum_of(fine)) << x;
}

TEST(Regions, OfSamples)
{
	Random random(323);
	std::vector<Hashes> sets = overlapping_hashes(random, 8, 60000);
	std::vector<Bytes> built = build(sets, 12);
	Bytes all = built[0];

	for (const Bytes &set : built)
		all = intersect(all, set);
	ASSERT_EQ(HLLSET_SAMPLE, info(all).kind);

	std::vector<HllsetEstimate> regions = venn({all, built[0], built[1], built[2], built[3]});

	/* what is in all of them is in each */
	for (size_t x = 1; x < regions.size(); x++)
	{
		bool possible = (x & 1) == 0 || x == 31;

		EXPECT_TRUE(possible || regions[x].cardinality == 0) << x;
	}
	EXPECT_NEAR(estimate(all).cardinality, regions[31].cardinality,
				5 * regions[31].standard_error + 1);
}

/* Beyond eighteen sources patterns have no room. */
TEST(Regions, OfTooManySourcesAreRefused)
{
	Random random(324);
	std::vector<Bytes> values;
	std::vector<HllsetEstimate> regions;

	for (int v = 0; v < 4; v++)
	{
		Bytes value = set_of(random_hashes(random, 3000), 8);

		for (int i = 1; i < 6; i++)
			value = intersect(value, set_of(random_hashes(random, 3000), 8));
		ASSERT_EQ(6, info(value).sources);
		values.push_back(value);
	}
	EXPECT_EQ(HLLSET_BAD_ARGUMENT, try_venn(values, regions));
	values[3] = values[0];
	EXPECT_EQ(HLLSET_OK, try_venn(values, regions));
	values.pop_back();
	values.push_back(set_of({1}, 8));
	EXPECT_EQ(HLLSET_BAD_ARGUMENT, try_venn(values, regions));
}

} // namespace hllset::test
