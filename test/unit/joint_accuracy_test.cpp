/* SPDX-License-Identifier: PostgreSQL */
/* How accurate the joint estimate is, over many draws from the model, beside what its covariance promises and figures from elsewhere. */
#include <gtest/gtest.h>

#include "patterns.hpp"

namespace hllset::test
{

static double
sum_of(const Sizes &size, Regions chosen)
{
	double sum = 0;

	for (size_t region = 1; region < size.size(); region++)
		if ((chosen >> region & 1) != 0)
			sum += size[region];
	return sum;
}

struct Question
{
	const char *name;
	Regions regions;
	double error; /* rmse in parts of the truth, known from elsewhere; 0 if it isn't */
};

struct Point
{
	int sources;
	Sizes size;
	int level0;
	std::vector<Question> questions;
};

/* The square root of the chi-square quantile per degree at the normal quantile z (Wilson and Hilferty 1931). */
static double
error_factor(double degrees, double z)
{
	double a = 2 / (9 * degrees);

	return std::sqrt(std::pow(1 - a + z * std::sqrt(a), 3));
}

/* The quantile of 1e-6 on both sides. */
constexpr double kZ = 4.9;
constexpr int kTrials = 300;

/*
 * Over many draws: rmse as 1' Cov 1 at the true sizes promises, and as known; no bias; intervals of 95 % hold the truth as often. Draws
 * have Poisson sizes, so that the elements themselves add to the variance.
 */
static void
expect_accurate(const Point &point, uint64_t seed)
{
	std::mt19937_64 random(seed);
	Patterns patterns(point.sources, 12, point.level0);
	size_t count = point.questions.size();
	std::vector<double> sum(count), squares(count), covered(count), promised(count);

	for (int trial = 0; trial < kTrials; trial++)
	{
		patterns.draw(point.size, random);

		Joint joint(patterns);

		joint.covariance();
		for (size_t q = 0; q < count; q++)
		{
			double truth = sum_of(point.size, point.questions[q].regions);
			double error = joint.size(point.questions[q].regions) - truth;
			double variance = joint.variance(point.questions[q].regions) + truth;

			sum[q] += error;
			squares[q] += error * error;
			promised[q] += variance / kTrials;
			covered[q] += std::fabs(error) <= 1.96 * std::sqrt(variance);
		}
	}
	for (size_t q = 0; q < count; q++)
	{
		const Question &question = point.questions[q];
		double truth = sum_of(point.size, question.regions);
		double rmse = std::sqrt(squares[q] / kTrials);
		double bias = sum[q] / kTrials;

		SCOPED_TRACE(question.name);
		EXPECT_GT(rmse, std::sqrt(promised[q]) * error_factor(kTrials, -kZ));
		EXPECT_LT(rmse, std::sqrt(promised[q]) * error_factor(kTrials, kZ));
		EXPECT_LT(std::fabs(bias), kZ * std::sqrt(promised[q] / kTrials));
		EXPECT_GE(covered[q], 0.90 * kTrials);
		EXPECT_LE(covered[q], 0.99 * kTrials);
		if (question.error > 0)
		{
			EXPECT_NEAR(question.error, std::sqrt(promised[q]) / truth, 0.1 * question.error);
		}
	}
}

/* Two sets of a million with this Jaccard index. */
static Sizes
pair_of(double jaccard)
{
	double common = 2e6 * jaccard / (1 + jaccard);

	return {0, 1e6 - common, 1e6 - common, common};
}

constexpr Regions kOnlyA = 1 << 1;
constexpr Regions kBoth = 1 << 3;

TEST(JointAccuracy, PairsCompact)
{
	expect_accurate(
		{2, pair_of(0.5), kLevels, {{"A & B", kBoth, 0.0128}, {"A - B", kOnlyA, 0.023}}}, 11);
	expect_accurate({2, pair_of(0.1), kLevels, {{"A & B", kBoth, 0.049}, {"A - B", kOnlyA, 0.015}}},
					12);
	expect_accurate({2, pair_of(0.01), kLevels, {{"A & B", kBoth, 0.33}, {"A - B", kOnlyA, 0.012}}},
					13);
}

TEST(JointAccuracy, PairsGraded)
{
	int level0 = level0_of(1e6, 12);

	expect_accurate({2, pair_of(0.5), level0, {{"A & B", kBoth, 0.0128}, {"A - B", kOnlyA, 0.023}}},
					14);
	expect_accurate({2, pair_of(0.1), level0, {{"A & B", kBoth, 0.044}, {"A - B", kOnlyA, 0.015}}},
					15);
	expect_accurate({2, pair_of(0.01), level0, {{"A & B", kBoth, 0.21}, {"A - B", kOnlyA, 0}}}, 16);
}

TEST(JointAccuracy, LopsidedPairs)
{
	expect_accurate({2, {0, 5e4, 9.5e5, 5e4}, kLevels, {{"A & B", kBoth, 0}, {"A - B", kOnlyA, 0}}},
					17);
	expect_accurate(
		{2, {0, 5e3, 9.95e5, 5e3}, kLevels, {{"A & B", kBoth, 0}, {"A - B", kOnlyA, 0}}}, 18);
}

TEST(JointAccuracy, ThreeSets)
{
	std::vector<Question> questions = {{"(A & B) & C", 1 << 7, 0},
									   {"(A - B) - C", 1 << 1, 0},
									   {"(A # B) & C", 1 << 5 | 1 << 6, 0},
									   {"A - (B & C)", 1 << 1 | 1 << 3 | 1 << 5, 0}};
	Sizes size = {0, 4e4, 4e4, 2e4, 4e4, 2e4, 2e4, 2e4};

	expect_accurate({3, size, kLevels, questions}, 19);
	expect_accurate({3, size, level0_of(1e5, 12), questions}, 20);
}

TEST(JointAccuracy, CommonCoreOfTenPercent)
{
	constexpr double kErrors[] = {0, 0, 0.082, 0.054, 0.046, 0.041};

	for (int sources = 2; sources <= 4; sources++)
	{
		Sizes size(1 << sources, 0.0);
		double squares = 0;
		std::mt19937_64 random(20 + sources);

		size.back() = 1e4;
		for (int i = 0; i < sources; i++)
			size[1 << i] = 9e4;
		for (int trial = 0; trial < 200; trial++)
		{
			Patterns patterns(sources, 12, kLevels);

			patterns.draw(size, random);
			squares += std::pow(Joint(patterns).fit().size[size.size() - 1] / 1e4 - 1, 2) / 200;
		}
		EXPECT_GT(std::sqrt(squares), kErrors[sources] * error_factor(200, -kZ));
		EXPECT_LT(std::sqrt(squares), kErrors[sources] * error_factor(200, kZ));
	}
}

/* Nothing in common: half of the errors are 0, the others half a normal distribution; the mean square varies by sqrt(5 / trials). */
TEST(JointAccuracy, DisjointPairs)
{
	constexpr double kErrors[] = {0.0040, 0.00045};
	constexpr int kLevel0[] = {kLevels, 10};

	for (int form = 0; form < 2; form++)
	{
		std::mt19937_64 random(30);
		double squares = 0;
		int covered = 0;

		for (int trial = 0; trial < kTrials; trial++)
		{
			Patterns patterns(2, 12, kLevel0[form]);

			patterns.draw(pair_of(0), random);

			Joint joint(patterns);

			joint.covariance();
			squares += std::pow(joint.size(kBoth) / 1e6, 2) / kTrials;
			covered += joint.size(kBoth) <= 1.96 * std::sqrt(joint.variance(kBoth));
		}

		double spread = kZ * std::sqrt(5.0 / kTrials);

		EXPECT_GT(squares, std::pow(kErrors[form], 2) * (1 - spread));
		EXPECT_LT(squares, std::pow(kErrors[form], 2) * (1 + spread));
		EXPECT_GE(covered, 0.90 * kTrials);
	}
}

/* Overlaps that often leave no trace: without a floor under what is known of them, intervals would be far too short. */
TEST(JointAccuracy, IntervalsOfTinyOverlaps)
{
	struct
	{
		double alone;
		double common;
		int level0;
	} cases[] = {{1e6, 2000, kLevels}, {1e6, 200, 10}, {5000, 12, 3}};

	for (const auto &c : cases)
	{
		std::mt19937_64 random(50);
		int covered = 0;

		for (int trial = 0; trial < kTrials; trial++)
		{
			Patterns patterns(2, 12, c.level0);

			patterns.draw({0, c.alone, c.alone, c.common}, random);

			Joint joint(patterns);

			joint.covariance();
			covered += std::fabs(joint.size(kBoth) - c.common) <=
					   1.96 * std::sqrt(joint.variance(kBoth) + c.common);
		}
		EXPECT_GE(covered, 0.90 * kTrials) << c.common << " common elements of " << c.alone;
	}
}

/* 2 (log likelihood - log likelihood without common elements) > 9.55 is 0.1 % by chance; at the bound 0, half of that. */
TEST(JointAccuracy, LikelihoodRatioTellsOverlap)
{
	constexpr double kJaccard[] = {0, 0.01, 0.1};
	int found[3] = {};

	for (int i = 0; i < 3; i++)
	{
		std::mt19937_64 random(40);

		for (int trial = 0; trial < kTrials; trial++)
		{
			Patterns patterns(2, 12, kLevels);

			patterns.draw(pair_of(kJaccard[i]), random);
			found[i] += Joint(patterns).ratio(kBoth) > 9.55;
		}
	}
	/* Poisson with mean 0.3 exceeds 6 with a chance of 4e-8 */
	EXPECT_LE(found[0], 6);
	EXPECT_NEAR(0.6 * kTrials, found[1], kZ * std::sqrt(0.24 * kTrials));
	EXPECT_EQ(kTrials, found[2]);
}

} // namespace hllset::test
