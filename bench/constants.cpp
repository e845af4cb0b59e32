/* SPDX-License-Identifier: PostgreSQL */
/*
 * The constants of the core that rest on simulation, made again, each with its sampling error (one standard error):
 *
 *     kBias, src/core/estimate.cpp: by how much the most likely number of elements of a large set is too large
 *     kSeen, src/core/census.cpp: the likelihood ratio above which two sets are said to overlap, as false alarms of disjoint ones
 *
 *     constants [SCALE]        default: 1; 10 takes ten times as many sets
 *
 * Sets are drawn without elements (test/unit/drawn_counts.hpp, test/unit/patterns.hpp). Exit status 1 if a constant is surely off: by so
 * many standard errors that a correct build shows it once in a million times.
 */
#include <cstdio>
#include <cstdlib>

#include "../test/unit/drawn_counts.hpp"
#include "../test/unit/patterns.hpp"
#include "core/estimate.hpp"

namespace hllset::bench
{

namespace
{

using test::CountsDrawer;
using test::Joint;
using test::Patterns;

constexpr double kSure = 4.9;

/* As in the core; what they may be off by. */
constexpr double kBias = 0.3;
constexpr double kBiasOff = 0.01;
constexpr double kSeen = 9.55;
constexpr double kFalseAlarms = 0.003;

struct Mean
{
	double sets = 0;
	double sum = 0;
	double squares = 0;

	void
	take(double value)
	{
		sets++;
		sum += value;
		squares += value * value;
	}

	double
	mean() const
	{
		return sum / sets;
	}

	double
	error() const
	{
		return std::sqrt((squares / sets - mean() * mean()) / sets);
	}
};

/* Times m, of the count times `divisor`; of sets of 2^low m to 2^high m elements that are not small. */
Mean
bias(int precision, bool compact, int low, int high, double divisor, double sets)
{
	CountsDrawer drawer(static_cast<uint64_t>(1000 * precision + 100 * compact + high));
	double m = buckets(precision);
	Mean mean;

	while (mean.sets < sets)
	{
		uint64_t n = drawer.number(std::ldexp(m, low) + 1, std::ldexp(m, high));
		Counts counts = drawer.draw(n, precision, compact);

		if (counts.level0 > 0)
			mean.take(m * (divisor * estimate(counts).cardinality / static_cast<double>(n) - 1));
	}
	return mean;
}

/* The weighted mean over precisions; whether it is the constant. */
bool
print_bias(double scale)
{
	double weight = 0;
	double sum = 0;

	puts("relative bias times m: what large sets are divided for, and what is left of it among "
		 "sets just beyond the small ones");
	puts("precision  form     n > 128 m, undivided    m/4 to m, as counted");
	for (int precision : {4, 5, 6, 8})
		for (bool compact : {false, true})
		{
			double sets = scale * std::ldexp(1, 24 - precision);
			Mean large = bias(precision, compact, 7, 20, 1 + kBias / buckets(precision), sets);
			Mean small = bias(precision, compact, -2, 0, 1, sets);

			printf("%9d  %-7s  %+.4f +- %.4f      %+.4f +- %.4f\n", precision,
				   compact ? "compact" : "graded", large.mean(), large.error(), small.mean(),
				   small.error());
			weight += 1 / (large.error() * large.error());
			sum += large.mean() / (large.error() * large.error());
		}

	double mean = sum / weight;
	double error = 1 / std::sqrt(weight);
	bool holds = std::fabs(mean - kBias) <= kBiasOff + kSure * error;

	printf("all                %+.4f +- %.4f; the core divides by 1 + %.1f/m: %s\n\n", mean, error,
		   kBias, holds ? "holds" : "BROKEN");
	return holds;
}

/* The share of disjoint pairs whose likelihood ratio is above the threshold, and the ratio that so many as are allowed exceed. */
bool
print_false_alarms(int precision, double n, double ratio, bool compact, int pairs)
{
	std::mt19937_64 random(static_cast<uint64_t>(precision * 31 + compact));
	int level0 = compact ? kLevels : std::max(test::level0_of(n, precision), 1);
	std::vector<double> ratios;
	double seen = 0;

	for (int i = 0; i < pairs; i++)
	{
		Patterns patterns(2, precision, level0);

		patterns.draw({0, n, n * ratio, 0}, random);
		ratios.push_back(Joint(patterns).ratio(1 << 3));
		seen += ratios.back() > kSeen;
	}
	std::sort(ratios.begin(), ratios.end());

	double share = seen / pairs;
	double error = std::sqrt(std::max(share, 1.0 / pairs) / pairs);
	bool holds = share - kSure * std::sqrt(kFalseAlarms / pairs) <= kFalseAlarms;

	printf("%9d  %-7s  %9.0f  %5.2f   %.3f +- %.3f   %10.2f  %s\n", precision,
		   compact ? "compact" : "graded", n, ratio, 100 * share, 100 * error,
		   ratios[ratios.size() - 1 - static_cast<size_t>(kFalseAlarms * pairs)],
		   holds ? "holds" : "BROKEN");
	return holds;
}

int
print_all_false_alarms(double scale, int &count)
{
	int held = 0;

	printf("disjoint pairs, n and so many times n: those with a likelihood ratio above %.2f, in %% "
		   "(at most %.1f), and the ratio of %.1f %%\n",
		   kSeen, 100 * kFalseAlarms, 100 * kFalseAlarms);
	puts("precision  form             n  times     above        exceeded");
	for (int precision : {6, 8, 12})
		for (double n : {4.0, 100.0, 3000.0})
			for (double ratio : {1.0, 0.1})
				for (bool compact : {false, true})
				{
					held += print_false_alarms(precision, n * buckets(precision), ratio, compact,
											   static_cast<int>(10000 * scale));
					count++;
				}
	return held;
}

int
run(double scale)
{
	int count = 1;
	int held = print_bias(scale);

	held += print_all_false_alarms(scale, count);
	printf("constants: %d of %d bounds hold\n", held, count);
	return held == count ? 0 : 1;
}

} // namespace

} // namespace hllset::bench

int
main(int count, char **arguments)
{
	double scale = count > 1 ? strtod(arguments[1], nullptr) : 1;

	if (count > 2 || !(scale >= 0.1 && scale <= 1000))
	{
		fputs("usage: constants [SCALE]        from 0.1 to 1000\n", stderr);
		return 2;
	}
	return hllset::bench::run(scale);
}
