/* SPDX-License-Identifier: PostgreSQL */
/*
 * How close compact sets come to the limit of what bits can tell: bits times relative variance of the count, from the canonical bytes
 * and the errors of independent sets. No two sets share an element, all have the real hash, and each is counted from its bytes.
 *
 *     limit [SETS [ELEMENTS [PRECISION]]]        default: 10000 sets of a million at precision 12
 *
 * Exit status 1 if the product is surely above the goal: by so many standard errors that a correct build shows it once in a million times.
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "sample.hpp"

namespace hllset::bench
{

namespace
{

constexpr double kGoal = 2.03;
constexpr double kSure = 4.75;

struct Sums
{
	double bytes = 0;
	double error = 0;
	double square = 0;
	double fourth = 0;
};

/* A set of so many integers from first, as its bytes. */
std::vector<uint8_t>
set_of(uint64_t first, uint64_t count, int precision)
{
	Aggregate set(precision, true);

	set.add_integers(first, count);
	return set.bytes();
}

double
count_of(const std::vector<uint8_t> &bytes)
{
	Workspace work;
	double result = 0;

	if (count(work, view(bytes), result) != HLLSET_OK)
		abort();
	return result;
}

int
measure(uint64_t sets, uint64_t elements, int precision)
{
	Sums sums;

	for (uint64_t i = 0; i < sets; i++)
	{
		std::vector<uint8_t> bytes = set_of(i * elements, elements, precision);
		double error = count_of(bytes) / static_cast<double>(elements) - 1;

		sums.bytes += static_cast<double>(bytes.size());
		sums.error += error;
		sums.square += error * error;
		sums.fourth += std::pow(error, 4);
	}

	double n = static_cast<double>(sets);
	double bytes = sums.bytes / n;
	double square = sums.square / n;
	double product = 8 * bytes * square;
	/* That of the mean square error; bytes hardly vary. */
	double standard_error = 8 * bytes * std::sqrt((sums.fourth / n - square * square) / n);
	bool holds = product - kSure * standard_error <= kGoal;

	printf("%llu compact sets of %llu elements at precision %d\n",
		   static_cast<unsigned long long>(sets), static_cast<unsigned long long>(elements),
		   precision);
	printf("mean bytes                %9.1f\n", bytes);
	printf("mean error, %%             %+9.4f, standard error %.4f\n", 100 * sums.error / n,
		   100 * std::sqrt(square / n));
	printf("rmse, %%                   %9.4f\n", 100 * std::sqrt(square));
	printf("bits x relative variance  %9.4f, standard error %.4f; goal: at most %.2f\n", product,
		   standard_error, kGoal);
	puts(holds ? "holds" : "BROKEN");
	return holds ? 0 : 1;
}

} // namespace

} // namespace hllset::bench

int
main(int count, char **arguments)
{
	uint64_t sets = count > 1 ? strtoull(arguments[1], nullptr, 10) : 10000;
	uint64_t elements = count > 2 ? strtoull(arguments[2], nullptr, 10) : 1000000;
	int precision = count > 3 ? atoi(arguments[3]) : 12;

	if (count > 4 || sets == 0 || elements == 0 || precision < 4 || precision > 18)
	{
		fputs("usage: limit [SETS [ELEMENTS [PRECISION]]]\n", stderr);
		return 2;
	}
	return hllset::bench::measure(sets, elements, precision);
}
