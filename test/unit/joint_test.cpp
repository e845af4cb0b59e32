/* SPDX-License-Identifier: PostgreSQL */
/* The joint estimate: that it is the maximum, and that any counts give one. */
#include <gtest/gtest.h>

#include "core/estimate.hpp"
#include "patterns.hpp"

namespace hllset::test
{

/* The regions within a source. */
static Regions
source(int sources, int number)
{
	Regions regions = 0;

	for (int region = 1; region < 1 << sources; region++)
		if ((region >> number & 1) != 0)
			regions |= Regions{1} << region;
	return regions;
}

static Regions
all_of(int sources)
{
	Regions regions = 0;

	for (int i = 0; i < sources; i++)
		regions |= source(sources, i);
	return regions;
}

/* The last step may take it beyond the limit: information twice, an evaluation, and what they are followed by. */
constexpr double kMostWork = kMostJointWork + 4;

/* What every answer must be, whatever the counts. Returns the number of iterations. */
static int
expect_sound(const Patterns &patterns)
{
	Joint joint(patterns);
	int regions = patterns.patterns();

	EXPECT_TRUE(std::isfinite(joint.fit().total) && joint.fit().total >= 0);
	EXPECT_LE(joint.fit().iterations, 40);
	EXPECT_LE(joint.fit().work, kMostWork);
	for (int region = 1; region < regions; region++)
		EXPECT_TRUE(std::isfinite(joint.fit().size[region]) && joint.fit().size[region] >= 0)
			<< "region " << region;
	EXPECT_LE(joint.size(all_of(patterns.sources())), joint.fit().total);
	EXPECT_TRUE(std::isfinite(joint.log_likelihood()));
	for (double covariance : joint.covariance())
		EXPECT_TRUE(std::isfinite(covariance));
	for (int i = 0; i < patterns.sources(); i++)
	{
		double variance = joint.variance(source(patterns.sources(), i));

		EXPECT_TRUE(std::isfinite(variance) && variance >= 0.25);
	}
	return joint.fit().iterations;
}

TEST(Joint, LikelihoodIsThatOfTheModel)
{
	std::mt19937_64 random(1);

	for (int sources = 1; sources <= kMaxSources; sources++)
		for (int trial = 0; trial < 10; trial++)
		{
			Patterns patterns(sources, 8, trial % 2 == 0 ? kLevels : 4);
			Sizes size = random_sizes(sources, 1000 << trial, random);
			Sizes other(size);
			long double ratio = 0;

			patterns.draw(size, random);
			for (size_t region = 1; region < size.size(); region++)
				other[region] = 1.5 * size[region] + 1;
			for (int k = 0; k < kLevels; k++)
			{
				std::vector<long double> p = patterns.probabilities(size, k);
				std::vector<long double> q = patterns.probabilities(other, k);

				for (int pattern = 0; pattern < patterns.patterns(); pattern++)
					if (patterns.at(k, pattern) > 0)
						ratio +=
							patterns.at(k, pattern) * (std::log(p[pattern]) - std::log(q[pattern]));
			}

			Joint joint(patterns);

			EXPECT_NEAR(static_cast<double>(ratio),
						joint.log_likelihood(size) - joint.log_likelihood(other),
						1e-9 * std::fabs(static_cast<double>(ratio)) + 1e-7);
		}
}

/* A maximum: to change any size by a part of its standard error, or several at once, makes the counts no more likely. */
TEST(Joint, FindsAMaximum)
{
	std::mt19937_64 random(2);
	std::normal_distribution<> normal;

	for (int trial = 0; trial < 1500; trial++)
	{
		int sources = 2 + trial % 3;
		int precision = 5 + static_cast<int>(random() % 9);
		double n = std::exp(std::uniform_real_distribution<>(5, 19)(random));
		Patterns patterns(sources, precision, trial % 2 == 0 ? kLevels : level0_of(n, precision));

		patterns.draw(random_sizes(sources, n, random), random);

		Joint joint(patterns);
		double best = joint.log_likelihood();
		int regions = patterns.patterns();
		Sizes covariance = joint.covariance();

		for (int change = 0; change < 6 * regions; change++)
		{
			Sizes size(joint.fit().size, joint.fit().size + kMaxPatterns);

			for (int region = 1; region < regions; region++)
				if (change >= 4 * regions || change / 4 == region)
				{
					double step = 0.03 * std::sqrt(covariance[region * (regions + 1)]);

					size[region] = std::max(size[region] + step * normal(random), 0.0);
				}
			EXPECT_LT(joint.log_likelihood(size), best + 1e-3) << "trial " << trial;
		}
	}
}

/* What estimate() takes off the most likely number of elements of a set, relative to it. */
static double
bias_of(const Counts &counts, double n)
{
	double information = 0;
	double third = 0;

	for (int k = 0; k < kLevels; k++)
	{
		double x = n * std::ldexp(1, -std::min(k + 1, 31)) / counts.cells(k);

		information += counts.cells(k) * x * x / std::expm1(x);
		third += counts.cells(k) * x * x * x / std::expm1(x);
	}
	return 0.3 * std::min(third / (2 * information * information) / 0.30793,
						  1.0 / buckets(counts.precision));
}

TEST(Joint, OneSourceIsEstimatedAsASet)
{
	std::mt19937_64 random(3);

	for (int trial = 0; trial < 200; trial++)
	{
		int precision = 4 + trial % 15;
		double n = std::exp(std::uniform_real_distribution<>(8, 22)(random));
		int level0 = std::max(trial % 2 == 0 ? kLevels : level0_of(n, precision), 1);
		Patterns patterns(1, precision, level0);
		Counts counts = {};

		patterns.draw({0, n}, random);
		counts.precision = precision;
		counts.level0 = level0;
		for (int k = 0; k < kLevels; k++)
		{
			counts.ones[k] = patterns.at(k, 1);
			counts.tokens += k >= level0 ? counts.ones[k] : 0;
		}

		Joint joint(patterns);
		double expected = estimate(counts).cardinality * (1 + bias_of(counts, joint.fit().total));

		EXPECT_NEAR(expected, joint.fit().total, 1e-6 * expected);
		EXPECT_NEAR(expected, joint.fit().size[1], 1e-4 * expected);
		joint.covariance();
		EXPECT_NEAR(estimate(counts).standard_error / estimate(counts).cardinality,
					std::sqrt(joint.variance(1 << 1)) / expected,
					0.01 * std::sqrt(joint.variance(1 << 1)) / expected);
	}
}

TEST(Joint, OrderOfSourcesDoesNotMatter)
{
	std::mt19937_64 random(4);

	for (int trial = 0; trial < 100; trial++)
	{
		Patterns there(3, 12, kLevels);
		Patterns back(3, 12, kLevels);

		there.draw(random_sizes(3, 1e6, random), random);
		for (int k = 0; k < kLevels; k++)
			for (int pattern = 0; pattern < 8; pattern++)
				back.at(k, (pattern >> 2) | (pattern & 2) | (pattern & 1) << 2) =
					there.at(k, pattern);

		Joint a(there);
		Joint b(back);

		EXPECT_NEAR(a.log_likelihood(), b.log_likelihood(), 1e-3);
		for (int i = 0; i < 3; i++)
			EXPECT_NEAR(a.size(source(3, i)), b.size(source(3, 2 - i)), 1e-4 * a.fit().total);
	}
}

TEST(Joint, EqualEmptyAndContainedSources)
{
	std::mt19937_64 random(5);
	Patterns patterns(2, 12, kLevels);

	patterns.draw({0, 0, 0, 1e6}, random);
	{
		Joint joint(patterns);

		EXPECT_EQ(0, joint.fit().size[1]);
		EXPECT_EQ(0, joint.fit().size[2]);
		EXPECT_NEAR(joint.fit().total, joint.fit().size[3], 1e-4 * joint.fit().total);
		EXPECT_LT(joint.ratio(1 << 1 | 1 << 2), 1e-6);
		EXPECT_GT(joint.ratio(1 << 3), 1e4);
	}
	patterns.draw({0, 1e6, 0, 0}, random);
	{
		Joint joint(patterns);

		EXPECT_EQ(0, joint.fit().size[2]);
		EXPECT_EQ(0, joint.fit().size[3]);
		EXPECT_NEAR(joint.fit().total, joint.fit().size[1], 1e-4 * joint.fit().total);
		EXPECT_LT(joint.ratio(1 << 3), 1e-6);
		EXPECT_GT(joint.ratio(1 << 1), 1e4);
	}
	patterns.draw({0, 9e5, 0, 1e5}, random);
	{
		Joint joint(patterns);

		EXPECT_LT(joint.fit().size[2], 1);
		EXPECT_NEAR(9e5, joint.fit().size[1], 9e4);
		EXPECT_NEAR(1e5, joint.fit().size[3], 1e4);
	}
	patterns.draw({0, 0, 0, 0}, random);
	EXPECT_EQ(0, Joint(patterns).size(all_of(2)));
	EXPECT_EQ(0, Joint(patterns).ratio(1 << 3));
	expect_sound(patterns);
}

TEST(Joint, EndsOnRandomSets)
{
	constexpr int kTrials[] = {0, 0, 12000, 6000, 2000, 300, 60};
	std::mt19937_64 random(6);

	for (int sources = 2; sources <= kMaxSources; sources++)
	{
		int iterations = 0;
		int stuck = 0;

		for (int trial = 0; trial < kTrials[sources]; trial++)
		{
			int precision = 6 + static_cast<int>(random() % 13);
			double n = std::exp(std::uniform_real_distribution<>(0, 20)(random));
			Patterns patterns(sources, precision,
							  trial % 2 == 0 ? kLevels : level0_of(n, precision));
			JointFit fit;
			std::vector<uint8_t> work(joint_work(sources));

			patterns.draw(random_sizes(sources, n, random), random);
			joint_fit(patterns.counts(), work.data(), fit);
			iterations += fit.iterations;
			stuck += fit.work >= kMostJointWork;
			for (double size : fit.size)
				ASSERT_TRUE(std::isfinite(size) && size >= 0);
		}
		EXPECT_LT(iterations, (sources + 2) * kTrials[sources]) << sources << " sources";
		EXPECT_LE(stuck, 1 + kTrials[sources] / 1000) << sources << " sources";
	}
}

/* Counts that no sets have. */
TEST(Joint, EndsOnArbitraryCounts)
{
	std::mt19937_64 random(7);

	for (int trial = 0; trial < 3000; trial++)
	{
		int sources = 1 + static_cast<int>(random() % (trial % 50 == 0 ? 6 : 4));
		int precision = 4 + static_cast<int>(random() % 15);
		Patterns patterns(sources, precision, static_cast<int>(random() % 33));
		int style = trial % 5;

		for (int k = 0; k < kLevels; k++)
		{
			uint32_t left = patterns.counts().cells[k];

			if (style == 1 && random() % 4 != 0)
				continue;
			while (left > 0)
			{
				uint32_t part = 1 + static_cast<uint32_t>(random() % left);

				/* 2: full but for a few cells, 3: hardly any ones, 4: each level of one pattern */
				if (style == 2)
					part = std::max(part, left - 1);
				if (style == 3)
					part = std::min(part, 2u);
				if (style == 4)
					part = left;
				patterns.at(k, static_cast<int>(random() % patterns.patterns())) += part;
				left -= part;
				if (random() % 8 == 0 || style == 3)
					break;
			}
		}
		expect_sound(patterns);
		if (trial % 10 == 0)
		{
			double ratio = Joint(patterns).ratio(Regions{1} << (1 + random() % 3));

			EXPECT_TRUE(std::isfinite(ratio) && ratio >= 0);
		}
		ASSERT_FALSE(HasFailure()) << "trial " << trial;
	}
}

/*
 * Of the most sources, whose fits take longest: sets in which hardly a cell is empty, levels that are any mixture of patterns, levels of
 * one pattern. No fit does more work than it may.
 */
TEST(Joint, WorkIsBounded)
{
	std::mt19937_64 random(8);
	int most = 0;

	for (int trial = 0; trial < 120; trial++)
	{
		int precision = 4 + 2 * (trial % 8);
		Patterns patterns(kMaxSources, precision, kLevels);
		int style = trial % 3;
		double n = std::ldexp(1.0, precision + 22 + static_cast<int>(random() % 13));

		if (style == 0)
			patterns.draw(random_sizes(kMaxSources, n, random), random);
		for (int k = 0; k < kLevels && style > 0; k++)
			for (uint32_t left = buckets(precision); left > 0;)
			{
				uint32_t part = style == 1 ? 1 + static_cast<uint32_t>(random() % left) : left;

				patterns.at(k, static_cast<int>(random() % patterns.patterns())) += part;
				left -= part;
			}

		Joint joint(patterns);

		EXPECT_LE(joint.fit().work, kMostWork) << "trial " << trial;
		most += joint.fit().work >= kMostJointWork;
	}
	EXPECT_GT(most, 0) << "no fit has been cut";
}

TEST(Joint, SaturatedSources)
{
	for (int sources = 1; sources <= kMaxSources; sources++)
		for (int pattern = 1; pattern < 1 << sources; pattern *= 2)
		{
			Patterns patterns(sources, 10, kLevels);

			for (int k = 0; k < kLevels; k++)
			{
				patterns.at(k, pattern) = buckets(10) / 2;
				patterns.at(k, patterns.patterns() - 1) += buckets(10) / 2;
			}
			expect_sound(patterns);
			patterns.at(0, pattern)--;
			expect_sound(patterns);
		}
}

} // namespace hllset::test
