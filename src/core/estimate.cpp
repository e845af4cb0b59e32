/* SPDX-License-Identifier: PostgreSQL */
/* What the most likely number is too large by, and what the Fisher information tells of its error. */
#include "estimate.hpp"

#include <limits>

#include "elementary.hpp"
#include "likelihood.hpp"

namespace hllset
{

namespace
{

/* Of the search, whose error is about the square of it. */
constexpr double kTolerance = 1e-6;
constexpr double kNoLimit = std::numeric_limits<double>::max();

/*
 * What large sets are too large by, relative and times m. By simulation it is .30 of graded and .315 of compact sets (bench/constants.cpp;
 * docs/design.md, "Why is the estimate divided by 1 + 0.3/m?").
 */
constexpr double kBias = 0.3;

/* The same to first order, of the model: 36 zeta(3) ln 2 / pi^4. */
constexpr double kFirstOrderBias = 0.30793;

/* The chance that two elements have one coupon: that they are of one level is 1/3. */
constexpr double kSharedCoupon = 1 / (3.0 * (1 << kAddressBits));

/* Up to this precision shared coupons put an intersection of small sets wrong by .08 elements at most. */
constexpr int kMaxExactPrecision = 14;

/* The most likely number of elements. */
double
most_likely(const Counts &counts)
{
	Levels levels;
	double ones[kLevels];
	double zero_rate = 0;

	for (int k = 0; k < kLevels; k++)
	{
		double cells = counts.cells(k);
		double zeros = cells - counts.ones[k];

		zero_rate += level_probability(k) * zeros / cells;
		if (counts.ones[k] > 0)
		{
			ones[levels.count] = counts.ones[k];
			levels.add(k, cells);
		}
	}
	return most_likely_number({levels, ones, zero_rate}, kTolerance);
}

/* What is to be expected of the estimate of n elements, in parts of n. */
struct Moments
{
	double bias;
	double variance;
	double slope; /* by which the variance grows with n */
};

/*
 * With o = exp(-n r) / (1 - exp(-n r)) and the sums I of m n² r² o, A of m n³ r³ o (1 + o) and B of m n³ r³ o² over the levels, the
 * Poisson model has, to first order, the bias (A - B) / 2I² (Cox and Snell 1968), the variance 1/I and the third cumulant (2A - B) / I³
 * (docs/design.md, "How are the bounds of a set made?"). What the number of elements itself adds to them, 1/n to the variance, a fixed
 * n takes off. Where that leaves nothing, at n << m, the loss by collisions within levels remains: 1/2 sum of p_k² / m_k.
 *
 * A skew estimate is further off on one side than on the other. For an interval that is as if its variance had less of a slope: by a
 * third of cumulant over variance, times 1 - 1/z² (Cornish and Fisher 1938), which is 3/4 at z = 2.
 */
Moments
expected_moments(const Counts &counts, double n)
{
	double information = 0;
	double a = 0;
	double b = 0;
	double collisions = 0;

	Levels levels;
	double hit[kLevels];
	double miss[kLevels];

	for (int k = 0; k < kLevels; k++)
		levels.add(k, counts.cells(k));
	levels.chances(n, hit, miss);
	for (int k = 0; k < kLevels; k++)
	{
		double odds = miss[k] / hit[k];
		double x = n * levels.r[k];
		double term = levels.cells[k] * x * x * odds;

		information += term;
		a += term * x * (1 + odds);
		b += term * x * odds;
		collisions += level_probability(k) * levels.r[k] / 2;
	}

	double square = information * information;
	double slope = a / square - 1 / n;
	double cumulant = (2 * a - b) / (square * information) - (1 / n + 3 * slope) / n;
	double variance = std::max(1 / information - 1 / n, collisions);

	return {(a - b) / (2 * square), variance, std::max(slope - cumulant / (4 * variance), 0.0)};
}

/* Root mean square of a Poisson number. */
double
poisson_rms(double mean)
{
	return std::sqrt(mean + mean * mean);
}

/*
 * A set has forgotten whether it is an intersection, and of what. So what it may have too many is that of the two largest small sets of its
 * precision, but not more than there is.
 */
HllsetEstimate
estimate_small_set(double tokens, int precision)
{
	HllsetEstimate result = estimate_small(tokens);
	double most = list_limit(precision);

	if (precision > kMaxExactPrecision)
	{
		result.gained = most * most * kSharedCoupon;
		result.standard_error =
			elementary::hypot(result.standard_error, std::min(poisson_rms(result.gained), tokens));
	}
	return result;
}

} // namespace

bool
is_saturated(const Counts &counts)
{
	for (int k = 0; k < kLevels; k++)
		if (counts.ones[k] < counts.cells(k))
			return false;
	return true;
}

HllsetEstimate
estimate_small(double tokens, double losing, double gaining)
{
	HllsetEstimate result = {};

	/* the number of pairs that share one is Poisson, and shifts the count by its mean */
	result.lost = std::max(tokens * (tokens - 1) / 2 + losing, 0.0) * kSharedCoupon;
	result.gained = gaining * kSharedCoupon;
	result.cardinality = tokens;
	result.standard_error = poisson_rms(result.lost + result.gained);
	result.least = gaining > 0 ? 0 : tokens;
	result.most = kNoLimit;
	result.law = HLLSET_SMALL;
	return result;
}

HllsetEstimate
estimate_sample(double tokens, int level0)
{
	double weight = elementary::power_of_two(level0);
	double n = tokens * weight;
	HllsetEstimate result = {};

	/* a token may be of elements of different operands, so not one is certain; that there is none is as uncertain as one */
	result.cardinality = n;
	result.standard_error = std::sqrt(std::max(n, weight) * (weight - 1));
	result.most = kNoLimit;
	result.token_weight = weight;
	result.law = HLLSET_SAMPLED;
	return result;
}

HllsetEstimate
estimate(const Counts &counts)
{
	double certain = 0;

	for (int k = 0; k < kLevels; k++)
		certain += counts.ones[k];
	if (counts.level0 == 0 || certain == 0)
		return estimate_small_set(certain, counts.precision);

	double n = most_likely(counts);
	Moments moments = expected_moments(counts, n);
	/* near saturation the first order is far off */
	double bias =
		std::min(kBias / kFirstOrderBias * moments.bias, kBias / buckets(counts.precision));
	HllsetEstimate result = {};

	result.cardinality = std::max(n / (1 + bias), certain);
	result.standard_error = result.cardinality * std::sqrt(moments.variance);
	result.variance = result.standard_error * result.standard_error;
	result.slope_below = result.slope_above = result.cardinality * moments.slope;
	result.least = certain;
	result.most = kNoLimit;
	result.law = is_saturated(counts) ? HLLSET_SATURATED : HLLSET_NORMAL;
	return result;
}

double
relative_error(const HllsetEstimate &estimate)
{
	return estimate.standard_error / std::max(estimate.cardinality, 1.0);
}

double
missing_error(const HllsetEstimate &estimate)
{
	return estimate.law == HLLSET_SMALL
			   ? poisson_rms(estimate.lost) / std::max(estimate.cardinality, 1.0)
			   : relative_error(estimate);
}

} // namespace hllset
