/* SPDX-License-Identifier: PostgreSQL */
/* Quantiles, and from them the two ends by each law. */
#include "bounds.hpp"

#include <algorithm>
#include <limits>

#include "coupon.hpp"
#include "elementary.hpp"

namespace hllset
{

namespace
{

constexpr int kBisections = 60;
constexpr int kNewtonSteps = 10; /* two or three are taken */

/* The z with upper tail probability `tail` in (0, 1/2], off by 5e-4 at most (Hastings 1955; Abramowitz and Stegun 26.2.23). */
double
coarse_quantile(double tail)
{
	double t = std::sqrt(-2 * elementary::log(tail));
	double above = 2.515517 + t * (0.802853 + t * 0.010328);
	double below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));

	return std::max(t - above / below, 0.0);
}

/* To a dozen digits: Newton on erfc, each of whose steps squares the error. */
double
normal_quantile(double tail)
{
	constexpr double root_half = 0.70710678118654752440;
	constexpr double root_two_pi = 2.50662827463100050242;
	double z = coarse_quantile(tail);
	double step = 1;

	for (int i = 0; i < kNewtonSteps && std::fabs(step) > 1e-6; i++)
	{
		double excess = 0.5 * elementary::erfc(z * root_half) - tail;
		double density = elementary::exp(-z * z / 2) / root_two_pi;

		step = excess / density;
		z += step;
	}
	return z;
}

/* The least c that a Poisson variable exceeds with no more than this chance. */
double
poisson_quantile(double mean, double tail)
{
	double chance = elementary::exp(-mean);

	for (double c = 0;; c++)
	{
		double above = 0;

		chance *= mean / (c + 1);
		for (double next = chance, i = c + 2; next > above * 1e-17; next *= mean / i++)
			above += next;
		if (above <= tail)
			return c;
	}
}

/* The number of elements that leaves no cell of m buckets empty with this chance, if it is under a half. */
double
saturating_number(double m, double chance)
{
	double low = 0;
	double high = elementary::log(4 * m);

	for (int i = 0; i < kBisections; i++)
	{
		double middle = (low + high) / 2;
		/* hits of a cell: as many in level 30 as in level 31, and twice as many in each that is lower */
		double x = middle;
		double logarithm = elementary::log(elementary::chances(x).hit);

		for (int k = kLevels - 2; k >= 0; k--, x *= 2)
			logarithm += elementary::log(elementary::chances(x).hit);
		if (m * logarithm < elementary::log(chance))
			low = middle;
		else
			high = middle;
	}
	return m * low * elementary::power_of_two(kLevels - 1);
}

/* How far off the number is at whose own variance the estimate is no further off than z (Wilson 1927). The slope is that away from it. */
double
wilson(double variance, double slope, double z)
{
	double shift = z * z * slope / 2;

	return shift + elementary::hypot(z * std::sqrt(variance), shift);
}

/* That of the smallest set around an expression. */
double
highest_end(const HllsetEstimate &estimate, double z)
{
	double upper = estimate.most;

	if (upper < std::numeric_limits<double>::max())
	{
		double error = estimate.most_error * std::max(upper, 1.0);

		upper += wilson(error * error, estimate.most_slope, z);
	}
	return upper;
}

/* The square root of a binomial count of small chance q has variance (1 - q)/4 (Anscombe 1948). */
void
sampled_bounds(const HllsetEstimate &estimate, double z, double &lower, double &upper)
{
	double tokens = estimate.cardinality / estimate.token_weight;
	double half = z / 2 * std::sqrt(1 - 1 / estimate.token_weight);
	double low = std::max(std::sqrt(tokens) - half, 0.0);
	double high = std::sqrt(tokens + 1) + half;

	lower = low * low * estimate.token_weight;
	upper = high * high * estimate.token_weight;
}

} // namespace

void
bounds(const HllsetEstimate &estimate, double confidence, double &lower, double &upper)
{
	double n = estimate.cardinality;
	double tail = (1 - confidence) / 2;
	double z = normal_quantile(tail);

	switch (estimate.law)
	{
		case HLLSET_SMALL:
			lower = n - poisson_quantile(estimate.gained, tail);
			upper = n + poisson_quantile(estimate.lost, tail);
			break;
		case HLLSET_NORMAL:
			lower = n - wilson(estimate.variance, -estimate.slope_below, z);
			lower = std::max(lower, estimate.least);
			upper = n + wilson(estimate.variance, estimate.slope_above, z);
			upper = std::min(upper, highest_end(estimate, z));
			break;
		case HLLSET_SAMPLED:
			sampled_bounds(estimate, z, lower, upper);
			break;
		case HLLSET_SATURATED:
			/* of a set all cells are counted, of an expression none */
			lower = estimate.least > 0 ? saturating_number(estimate.least / kLevels, tail) : 0;
			upper = std::numeric_limits<double>::infinity();
			break;
	}
	lower = std::clamp(lower, 0.0, n);
	upper = std::max(upper, n);
}

} // namespace hllset
