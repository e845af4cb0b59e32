/* SPDX-License-Identifier: PostgreSQL */
/* Newton's method on the likelihood equation, Fisher information, and the normal quantile. */
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

/* E[estimate] / n = 1 + 0.296/m, by simulation (docs/design.md, "Why is the estimate divided by 1 + 0.3/m?"). */
constexpr double kBias = 0.3;

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
	/* of n >> m, log2(n/m) + 0.3321 ones a bucket are expected (Flajolet and Martin 1985: phi = 0.77351, by all bits) */
	return m * (ones_per_bucket < 1 ? ones_per_bucket : 0.7944 * (std::exp2(ones_per_bucket) - 1));
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

/*
 * Variance of the estimate at fixed n, relative to n². The Poisson model's 1/I has variance n too much; where the two nearly
 * cancel, at n << m, the loss by collisions within levels remains: n² / 2 * sum of p_k² / m_k.
 */
double
relative_variance(const Counts &counts, double n)
{
	double information = 0;
	double collisions = 0;

	for_each_level(counts, n, [&](int k, double r, Shares shares) {
		information += counts.cells(k) * r * r * shares.zeros / shares.ones;
		collisions += level_probability(k) * r / 2;
	});
	return std::max((1 / information - n) / (n * n), collisions);
}

/* The z with upper tail probability `tail` in (0, 1/2]: Newton on erfc, which is convex there, from its left. */
double
normal_quantile(double tail)
{
	double z = 0;

	for (int i = 0; i < 200; i++)
	{
		double excess = 0.5 * std::erfc(z / std::sqrt(2.0)) - tail;
		double density = std::exp(-z * z / 2) / std::sqrt(2 * 3.14159265358979323846);
		double step = excess / density;

		z += step;
		if (std::fabs(step) < 1e-12)
			break;
	}
	return z;
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
	/* each pair with chance 2^-26 / 3; the number that share one is Poisson, and shifts the count by its mean */
	double pairs = tokens * (tokens - 1) / 2 + losing + gaining;
	double shared = std::max(0.0, pairs) / (3 * std::ldexp(1.0, kAddressBits));
	double least = gaining > 0 ? 0 : tokens;

	return {tokens,          std::sqrt(shared + shared * shared), least, kNoLimit, 0, 0, 0,
			HLLSET_LOGNORMAL};
}

HllsetEstimate
estimate_sample(double tokens, int level0)
{
	double weight = std::ldexp(1.0, level0);
	double n = tokens * weight;

	/* a token may be of elements of different operands, so not one is certain */
	return {n, std::sqrt(n * (weight - 1)), 0, kNoLimit, 0, weight, 0, HLLSET_SAMPLED};
}

HllsetEstimate
estimate(const Counts &counts)
{
	double certain = 0;

	for (int k = 0; k < kLevels; k++)
		certain += counts.ones[k];
	if (counts.level0 == 0 || certain == 0)
		return estimate_small(certain);

	double n = is_saturated(counts) ? saturated_estimate(counts) : most_likely(counts);
	double error = std::sqrt(relative_variance(counts, n));
	double unbiased = std::max(n / (1 + kBias / buckets(counts.precision)), certain);

	return {unbiased, unbiased * error, certain, kNoLimit, 0, 0, 0, HLLSET_LOGNORMAL};
}

double
relative_error(const HllsetEstimate &estimate)
{
	return estimate.standard_error / std::max(estimate.cardinality, 1.0);
}

void
bounds(const HllsetEstimate &estimate, double confidence, double &lower, double &upper)
{
	double n = estimate.cardinality;
	double z = normal_quantile((1 - confidence) / 2);

	if (estimate.law == HLLSET_SAMPLED)
	{
		/* the square root of a binomial count of small chance q has variance (1 - q)/4 (Anscombe 1948) */
		double tokens = n / estimate.token_weight;
		double half = z / 2 * std::sqrt(1 - 1 / estimate.token_weight);
		double low = std::max(std::sqrt(tokens) - half, 0.0);
		double high = std::sqrt(tokens + 1) + half;

		lower = low * low * estimate.token_weight;
		upper = high * high * estimate.token_weight;
	}
	else if (estimate.law == HLLSET_NORMAL)
	{
		/* the numbers at whose own variance the estimate is no further off than z (Wilson 1927) */
		double shift = z * z * estimate.variance_slope / 2;
		double half = std::hypot(z * estimate.standard_error, shift);

		lower = n + shift - half;
		upper = n + shift + half;
	}
	else
	{
		double factor = std::exp(z * relative_error(estimate));

		lower = n / factor;
		upper = n * factor;
	}
	lower = std::clamp(lower, std::min(estimate.least, n), n);
	if (estimate.most < kNoLimit)
		upper = std::min(upper, estimate.most * std::exp(z * estimate.most_error));
	upper = std::max(upper, n);
}

} // namespace hllset
