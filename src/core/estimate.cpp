/* SPDX-License-Identifier: PostgreSQL */
/* Newton's method on the likelihood equation, and what the Fisher information tells of its root. */
#include "estimate.hpp"

#include <cmath>
#include <limits>

namespace hllset
{

namespace
{

constexpr int kMaxIterations = 60;
constexpr double kTolerance = 1e-9;
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

/* p_k, exactly. */
double
level_probability(int level)
{
	return std::ldexp(1.0, -std::min(level + 1, kLevels - 1));
}

double
hit_probability(const Counts &counts, int level)
{
	return level_probability(level) / counts.cells(level);
}

/* Expected share of zeros and of ones in a level: exp(-n r) and 1 - exp(-n r), each without cancellation. */
struct Shares
{
	double zeros;
	double ones;

	/* At twice the r. Squaring doubles the relative error of zeros, so it waits until they are few. */
	Shares
	doubled() const
	{
		double more = ones * (2 - ones);

		return {more < 0.5 ? 1 - more : zeros * zeros, more};
	}
};

/*
 * Calls sink(level, r, shares) from the highest level down. Where r doubles, as it does from level to level among those with the
 * same number of cells, squaring replaces the exponential.
 */
template <typename Sink>
void
for_each_level(const Counts &counts, double n, Sink &&sink)
{
	double r_above = 0;
	Shares shares = {};

	for (int k = kLevels - 1; k >= 0; k--)
	{
		double r = hit_probability(counts, k);

		if (r == 2 * r_above)
			shares = shares.doubled();
		else if (r != r_above)
			shares = {std::exp(-n * r), -std::expm1(-n * r)};
		sink(k, r, shares);
		r_above = r;
	}
}

/* A first guess within a factor of two for counts that sets produce. */
double
starting_point(const Counts &counts)
{
	double m = buckets(counts.precision);
	double ones_per_bucket = 0;

	if (counts.level0 < kLevels)
		return std::ldexp(std::max(counts.tokens, 1u), counts.level0);
	for (int k = 0; k < kLevels; k++)
		ones_per_bucket += counts.ones[k] / m;
	/* of n >> m, log2(n/m) + gamma / ln 2 - 1/2 ones a bucket are expected: 0.7940 is exp(-gamma) sqrt(2) */
	return m * (ones_per_bucket < 1 ? ones_per_bucket : 0.7940 * (std::exp2(ones_per_bucket) - 1));
}

/*
 * The root of F(n) = sum over c_k > 0 of c_k r_k / (1 - exp(-n r_k)) = 1, by Newton on ln F against ln n: F is convex and falls.
 * Because the m_k r_k add up to 1, F - 1 = sum of c_k r_k exp(-n r_k) / (1 - exp(-n r_k)) - sum of (m_k - c_k) r_k, which
 * keeps its digits when hardly a cell is left.
 */
double
most_likely(const Counts &counts)
{
	double n = starting_point(counts);
	double missing = 0;

	for (int k = 0; k < kLevels; k++)
		missing += (counts.cells(k) - counts.ones[k]) * hit_probability(counts, k);
	for (int i = 0; i < kMaxIterations; i++)
	{
		double excess = -missing;
		double slope = 0;

		for_each_level(counts, n, [&](int k, double r, Shares shares) {
			if (counts.ones[k] > 0)
			{
				double w = counts.ones[k] * r * shares.zeros / shares.ones;

				excess += w;
				slope += w * n * r / shares.ones;
			}
		});

		double step = std::clamp((1 + excess) / slope * std::log1p(excess), -3.0, 3.0);

		n *= std::exp(step);
		if (std::fabs(step) < kTolerance)
			break;
	}
	return n;
}

/* Where half an empty cell is expected: the last two levels, of m cells each, are the last to fill. */
double
saturated_estimate(const Counts &counts)
{
	double m = buckets(counts.precision);

	return m * std::ldexp(1.0, kLevels - 1) * std::log(4 * m);
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

	for_each_level(counts, n, [&](int k, double r, Shares shares) {
		double odds = shares.zeros / shares.ones;
		double x = n * r;
		double term = counts.cells(k) * x * x * odds;

		information += term;
		a += term * x * (1 + odds);
		b += term * x * odds;
		collisions += level_probability(k) * r / 2;
	});

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
			std::hypot(result.standard_error, std::min(poisson_rms(result.gained), tokens));
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
	double weight = std::ldexp(1.0, level0);
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

	bool saturated = is_saturated(counts);
	double n = saturated ? saturated_estimate(counts) : most_likely(counts);
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
	result.law = saturated ? HLLSET_SATURATED : HLLSET_NORMAL;
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
