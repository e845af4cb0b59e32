/* SPDX-License-Identifier: PostgreSQL */
/*
 * The elementary functions that estimates need, from + - * / and square roots alone: IEEE 754 rounds these alike everywhere, so that a
 * count that is stored, indexed or compared between servers is the same on all of them. Those of the system's library differ in the last
 * digits from one processor to the next.
 *
 * Errors are in units of the last place of the result, and are measured by elementary_test.cpp, which has somewhat higher limits.
 */
#pragma once

#include <cmath>

namespace hllset::elementary
{

/* e^x; 0.9 units. Past the range of a double it is 0 or infinite. */
double exp(double x);

/* The natural logarithm; 0.9 units. */
double log(double x);

/* Of positive numbers that are no smaller than 1e-307, two at a time. */
void log_each(const double *x, int count, double *result);

/* log(1 + x), also of the smallest x; 0.9 units. */
double log1p(double x);

/* The chance that a normal variable of variance 1/2 is further from 0 than x, for x >= 0; 8 units. */
double erfc(double x);

/* 2^exponent, exactly; -1022 to 1023. */
double power_of_two(int exponent);

/* e^-x and 1 - e^-x for x >= 0, each to 1 unit, however small it is: the chances that a cell is missed, and hit, by what hits it x times in the mean. */
struct Chances
{
	double miss;
	double hit;
};

Chances chances(double x);

/* The nearest whole number of one that is not negative; of two the even one. */
inline double
nearest(double x)
{
	/* where sums are rounded to whole numbers; from there on there are no others */
	constexpr double whole = 0x1p52;

	return x < whole ? (x + whole) - whole : x;
}

/* Of operands whose squares are no larger than a double can be. */
inline double
hypot(double a, double b)
{
	return std::sqrt(a * a + b * b);
}

} // namespace hllset::elementary
