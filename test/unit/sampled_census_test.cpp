/* SPDX-License-Identifier: PostgreSQL */
/* Several values with more sources than a joint estimate takes, counted by their tokens. */
#include "core/census.hpp"

#include <gtest/gtest.h>

#include "random_sets.hpp"
#include "sane.hpp"

namespace hllset::test
{

/* Seven sets or more, or a sample: the tokens decide. */
class SampledCensus : public testing::Test
{
protected:
	Random random{177};
	Hashes common = random_hashes(random, 30000);
	std::vector<Bytes> sets;
	std::vector<Bytes> expressions;

	void
	SetUp() override
	{
		for (int i = 0; i < 9; i++)
		{
			Hashes hashes = random_hashes(random, 30000);

			hashes.insert(hashes.end(), common.begin(), common.end());
			sets.push_back(set_of(hashes, 12));
		}
		for (size_t i = 0; i < 9; i += 3)
			expressions.push_back(intersect(intersect(sets[i], sets[i + 1]), sets[i + 2]));
	}
};

TEST_F(SampledCensus, CountsTheTokens)
{
	std::vector<HllsetEstimate> regions = venn(expressions);

	for (size_t x = 1; x < 8; x++)
	{
		expect_sane(regions[x]);
		EXPECT_EQ(HLLSET_SAMPLED, regions[x].law);
	}
	EXPECT_NEAR(30000, regions[7].cardinality, 4 * regions[7].standard_error);
	for (size_t x = 1; x < 7; x++)
		EXPECT_LE(regions[x].cardinality, 300);

	/* of samples and a set, too */
	regions = venn({sample(sets[0]), sets[1]});
	EXPECT_NEAR(30000, regions[1].cardinality, 4 * regions[1].standard_error);
	EXPECT_NEAR(30000, regions[3].cardinality, 4 * regions[3].standard_error);
}

TEST_F(SampledCensus, ContainmentAndOverlap)
{
	Bytes all = sets[0];

	for (size_t i = 1; i < 9; i++)
		all = intersect(all, sets[i]);
	ASSERT_EQ(HLLSET_SAMPLE, info(all).kind);
	EXPECT_TRUE(contained(all, sets[3]));
	EXPECT_TRUE(contained(all, intersect(sets[3], sets[4])));
	EXPECT_FALSE(contained(sets[3], all));
	EXPECT_TRUE(overlap(all, sets[5]));
	EXPECT_TRUE(overlap(expressions[0], unite(expressions[1], expressions[2])));
	EXPECT_FALSE(overlap(all, subtract(sets[0], sets[1])));
}

/* Disjoint sets share tokens by chance, as sets of elements share cells: that is no overlap. */
TEST_F(SampledCensus, OverlapIsSeldomImagined)
{
	int imagined = 0;

	for (int trial = 0; trial < 100; trial++)
		imagined += overlap(sample(set_of(random_hashes(random, 20000), 12)),
							set_of(random_hashes(random, 20000), 12));
	EXPECT_LE(imagined, 4);
}

TEST_F(SampledCensus, CompactSetsHaveNoTokens)
{
	std::vector<HllsetEstimate> regions;
	bool answer;
	Bytes compact = convert(sets[8], 12, HLLSET_COMPACT);

	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES,
			  try_venn({expressions[0], expressions[1], compact}, regions));
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_contained(sample(sets[0]), compact, answer));
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_overlap(compact, sample(sets[0]), answer));
	/* six sources are none too many */
	EXPECT_EQ(HLLSET_OK, try_venn({expressions[0], sets[0], compact}, regions));
}

} // namespace hllset::test
