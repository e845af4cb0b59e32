/* SPDX-License-Identifier: PostgreSQL */
/*
 * Mean bytes of sets of 10^4 to 10^9 elements, in steps of an eighth of a decade, against the bars of size: whole values at precision 12, and
 * at other precisions bits a bucket, header apart.
 *
 *     sizes [SETS]        default: 20 sets of each number of elements
 *
 * Up to 10^7 elements are integers with their real hash. Beyond, a level of the matrix that holds over 40 elements a bucket has no empty
 * one (chance m e^-40), and the other levels get as many random addresses as a Poisson distribution says: the same states, without
 * the work of a billion elements. Exit status 1 if a bar is broken.
 */
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "sample.hpp"

namespace hllset::bench
{

namespace
{

constexpr int kStepsOfDecade = 8;
constexpr int kFirstDecade = 4;
constexpr int kLastDecade = 9;
constexpr double kMostHashed = 1e7;
constexpr double kFull = 40;
constexpr double kHeader = 5; /* docs/format.md: the four bytes of every value, and L0 */

/* Of whole values at precision 12; at others so much more for a bucket is allowed. */
constexpr int kPrecision = 12;
constexpr double kCompactBar = 2440;
constexpr double kGradedBar = 3250;
constexpr double kOtherPrecisions = 1.03;
/* Of the graded sets of any one size at precision 12. */
constexpr double kLargestBar = 3650;

struct Mean
{
	double bytes = 0;
	double largest = 0; /* of those of one size */
};

/* A hash with so many leading zeros (31: at least) and the lowest bits of an address. */
uint64_t
hash_of(int level, uint64_t address)
{
	return uint64_t{1} << (63 - level) | (address & ((uint64_t{1} << 26) - 1));
}

void
add_simulated(Aggregate &set, double n, int precision, std::mt19937_64 &random)
{
	uint64_t buckets = uint64_t{1} << precision;

	for (int level = 0; level < HLLSET_LEVELS; level++)
	{
		double elements = std::ldexp(n, -std::min(level + 1, HLLSET_LEVELS - 1));

		if (elements > kFull * static_cast<double>(buckets))
		{
			for (uint64_t bucket = 0; bucket < buckets; bucket++)
				set.add(hash_of(level, bucket));
			continue;
		}
		for (auto left = std::poisson_distribution<uint64_t>(elements)(random); left > 0; left--)
			set.add(hash_of(level, random()));
	}
}

double
mean_bytes(double n, int precision, bool compact, uint64_t sets, std::mt19937_64 &random)
{
	double sum = 0;

	for (uint64_t i = 0; i < sets; i++)
	{
		Aggregate set(precision, compact);

		if (n <= kMostHashed)
			set.add_integers(i << 32, static_cast<uint64_t>(std::llround(n)));
		else
			add_simulated(set, n, precision, random);
		sum += static_cast<double>(set.bytes().size());
	}
	return sum / static_cast<double>(sets);
}

Mean
measure(int precision, bool compact, uint64_t sets)
{
	constexpr int kSteps = (kLastDecade - kFirstDecade) * kStepsOfDecade + 1;
	std::mt19937_64 random(static_cast<uint64_t>(precision));
	Mean mean;

	for (int i = 0; i < kSteps; i++)
	{
		double n = std::pow(10, kFirstDecade + static_cast<double>(i) / kStepsOfDecade);
		double bytes = mean_bytes(n, precision, compact, sets, random);

		mean.bytes += bytes / kSteps;
		mean.largest = std::max(mean.largest, bytes);
	}
	return mean;
}

double
bits_a_bucket(double bytes, int precision)
{
	return std::ldexp(8 * (bytes - kHeader), -precision);
}

/* Prints a line; whether the bars hold. */
bool
judge(int precision, bool compact, const Mean &mean)
{
	double bar = compact ? kCompactBar : kGradedBar;
	double most = bits_a_bucket(bar, kPrecision) * (precision == kPrecision ? 1 : kOtherPrecisions);
	double bits = bits_a_bucket(mean.bytes, precision);
	bool largest_holds = precision != kPrecision || compact || mean.largest <= kLargestBar;
	bool holds = bits <= most && largest_holds;

	printf("%9d  %-7s  %10.1f  %12.1f  %13.3f  %7.3f  %s\n", precision,
		   compact ? "compact" : "graded", mean.bytes, mean.largest, bits, most,
		   holds ? "holds" : "BROKEN");
	return holds;
}

int
run(uint64_t sets)
{
	int broken = 0;
	int count = 0;

	printf("%llu sets of each of 10^%d to 10^%d elements, in steps of 1/%d decade\n",
		   static_cast<unsigned long long>(sets), kFirstDecade, kLastDecade, kStepsOfDecade);
	puts("precision  form     mean bytes  largest mean  bits a bucket  at most");
	for (int precision : {10, 11, 12, 14})
	{
		for (bool compact : {false, true})
		{
			broken += !judge(precision, compact, measure(precision, compact, sets));
			count++;
		}
	}
	printf("sizes: %d of %d bounds hold\n", count - broken, count);
	return broken == 0 ? 0 : 1;
}

} // namespace

} // namespace hllset::bench

int
main(int count, char **arguments)
{
	uint64_t sets = count > 1 ? strtoull(arguments[1], nullptr, 10) : 20;

	if (count > 2 || sets == 0)
	{
		fputs("usage: sizes [SETS]\n", stderr);
		return 2;
	}
	return hllset::bench::run(sets);
}
