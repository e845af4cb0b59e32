/* SPDX-License-Identifier: PostgreSQL */
/*
 * Each function halves its argument's range until a short series does. The series are those of Taylor, cut where the next term would
 * be less than a quarter of the last place: nothing is fitted, so that every coefficient can be checked by hand. Only erfc has none that is short.
 */
#include "elementary.hpp"

#include <bit>
#include <cfloat>
#include <cstdint>
#include <limits>

static_assert(FLT_EVAL_METHOD == 0,
			  "a double is rounded after each operation (for 32-bit x86: -msse2 -mfpmath=sse)");

namespace hllset::elementary
{

namespace
{

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/* ln 2 in two parts: the first has 32 bits, so that its product with any exponent is exact. */
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kInverseLn2 = 0x1.71547652b82fep+0;

/* Added and taken away again, it rounds to a whole number. */
constexpr double kRounder = 0x1.8p52;

/* Beyond these e^x is infinite, or less than half the smallest number. */
constexpr double kMostExponent = 0x1.62e42fefa39efp+9;
constexpr double kLeastExponent = -0x1.74910d52d3051p+9;

constexpr int kMantissaBits = 52;
constexpr int kExponentBias = 1023;

/* sqrt(1/2) as a word: what is between it and twice that has the exponent 0. */
constexpr uint64_t kRootHalf = 0x3fe6a09e667f3bcd;

/* e^x = 2^exponent (1 + rest), rest from sqrt(1/2) - 1 to sqrt(2) - 1. */
struct Power
{
	int exponent;
	double rest;
};

/*
 * rest = e^r - 1 with r = x - exponent ln 2, |r| <= ln(2)/2 = 0.347: r + r²/2! + ... + r^13/13!, the next term being 2^-56 of the sum at most. What r
 * loses by rounding is added at the end. Without branches, and in an order in which products do not wait for each other.
 */
Power
power(double x)
{
	double exponent = (x * kInverseLn2 + kRounder) - kRounder;
	double high = x - exponent * kLn2High;
	double low = exponent * kLn2Low;
	double r = high - low;
	double lost = (high - r) - low;
	double r2 = r * r;
	double r4 = r2 * r2;
	double a = (1 / 2.0 + r * (1 / 6.0)) + r2 * (1 / 24.0 + r * (1 / 120.0));
	double b = (1 / 720.0 + r * (1 / 5040.0)) + r2 * (1 / 40320.0 + r * (1 / 362880.0));
	double c =
		(1 / 3628800.0 + r * (1 / 39916800.0)) + r2 * (1 / 479001600.0 + r * (1 / 6227020800.0));

	return {static_cast<int>(exponent), r + (lost + r2 * (a + r4 * (b + r4 * c)))};
}

/* x 2^exponent, rounded once, -1200 < exponent < 1200; x is of the size of 1. */
double
scaled(double x, int exponent)
{
	int half = exponent / 2;

	return x * power_of_two(half) * power_of_two(exponent - half);
}

/*
 * log(1 + f) as f - reduced(f, ...) for f from sqrt(1/2) - 1 to sqrt(2) - 1. With s = f/(2 + f), |s| <= 0.172, it is 2 artanh(s) =
 * 2s + s (2s²/3 + 2s⁴/5 + ... + 2s^20/21), the next term being 2^-60 of the sum at most; and 2s = f - s f. `low` is added to the result.
 */
inline double
reduced(double f, double low)
{
	double s = f / (2 + f);
	double z = s * s;
	double w = z * z;
	double w2 = w * w;
	double odd = (2 / 3.0 + w * (2 / 7.0)) + w2 * ((2 / 11.0 + w * (2 / 15.0)) + w2 * (2 / 19.0));
	double even = (2 / 5.0 + w * (2 / 9.0)) + w2 * ((2 / 13.0 + w * (2 / 17.0)) + w2 * (2 / 21.0));
	double half_square = 0.5 * f * f;

	return half_square - (s * (half_square + (z * odd + w * even)) + low);
}

/* A positive, normal number as 2^exponent (1 + fraction), the fraction from sqrt(1/2) - 1 to sqrt(2) - 1. */
struct Split
{
	double exponent;
	double fraction;
};

/* 2^52 as a word: with a whole number in the lowest bits it is the sum of both. */
constexpr uint64_t kWhole = 0x4330000000000000;

/* Without a conversion, for which plain x86-64 has no vector instruction. */
inline Split
split(double x)
{
	constexpr uint64_t bias = uint64_t{kExponentBias} << kMantissaBits;
	uint64_t word = std::bit_cast<uint64_t>(x);
	uint64_t biased = (word - kRootHalf + bias) >> kMantissaBits;

	return {std::bit_cast<double>(biased | kWhole) - (0x1p52 + kExponentBias),
			std::bit_cast<double>(word + bias - (biased << kMantissaBits)) - 1};
}

/* Of a positive, normal number. */
inline double
log_of(double x)
{
	Split of = split(x);

	return of.exponent * kLn2High - (reduced(of.fraction, of.exponent * kLn2Low) - of.fraction);
}

/* Of numbers that log can't split. */
double
log_at_edge(double x)
{
	if (x == 0)
		return -kInfinity;
	if (x < 0)
		return kNaN;
	if (x < DBL_MIN)
		return log(x * 0x1p54) - 54 * (kLn2High + kLn2Low);
	return x; /* infinite, or no number */
}

/*
 * (1 + 2x) e^(x²) erfc(x) by its Chebyshev series in t = (x - 3.75) / (x + 3.75), over all x >= 0 (Shepherd and Laframboise, Math. Comp. 36,
 * 1981; computed anew to 60 digits). The coefficient after the last is 2.3e-18.
 */
constexpr int kErfcTerms = 25;
constexpr double kErfc[kErfcTerms] = {
	1.1775789345674017,     -0.004590054580646478,   -0.08424913336651792,
	0.05920993999819189,    -0.026658668435305753,   0.009074997670705265,
	-0.002413163540417608,  0.0004907758365258086,   -6.916973302501207e-05,
	4.13902798607301e-06,   7.74038306619849e-07,    -2.1886401049234397e-07,
	1.076499946567091e-08,  4.521959811218287e-09,   -7.754400208831351e-10,
	-6.318088340886684e-11, 2.86879501093067e-11,    1.9455868545777347e-13,
	-9.65469674843344e-13,  3.25254814814874e-14,    3.3478119482868056e-14,
	-1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624044e-17,
	5.068148904796111e-17,
};

/* The sum of the series by Clenshaw's recurrence. */
double
chebyshev(double t)
{
	double next = 0;
	double after = 0;

	for (int i = kErfcTerms - 1; i > 0; i--)
	{
		double sum = kErfc[i] + 2 * t * next - after;

		after = next;
		next = sum;
	}
	return kErfc[0] + t * next - after;
}

} // namespace

double
power_of_two(int exponent)
{
	return std::bit_cast<double>(static_cast<uint64_t>(exponent + kExponentBias) << kMantissaBits);
}

double
exp(double x)
{
	if (!(x <= kMostExponent))
		return x > 0 ? kInfinity : x;
	if (x < kLeastExponent)
		return 0;

	Power e = power(x);

	return scaled(1 + e.rest, e.exponent);
}

Chances
chances(double x)
{
	if (!(x < -kLeastExponent))
		return {x > 0 ? 0 : x, x > 0 ? 1 : x};

	Power e = power(-x);

	if (e.exponent == 0)
		return {1 + e.rest, -e.rest};

	double miss = scaled(1 + e.rest, e.exponent);

	/* no digit is lost: the second term is a half at most, and the first no less */
	return {miss, e.exponent < -60
					  ? 1
					  : (1 - power_of_two(e.exponent)) - power_of_two(e.exponent) * e.rest};
}

double
log(double x)
{
	if (!(x >= DBL_MIN && x <= DBL_MAX))
		return log_at_edge(x);

	return log_of(x);
}

void
log_each(const double *x, int count, double *result)
{
	for (int i = 0; i < count; i++)
		result[i] = log_of(x[i]);
}

double
log1p(double x)
{
	if (!(x > -1 && x <= DBL_MAX))
		return x == -1 ? -kInfinity : x < -1 ? kNaN : x;
	/* what the sum below would round away */
	if (std::fabs(x) < 0x1p-54)
		return x;
	if (x > -0.2928 && x < 0.4142)
		return x - reduced(x, 0);

	double sum = 1 + x;
	double lost = x >= 1 ? 1 - (sum - x) : x - (sum - 1);
	Split of = split(sum);

	return of.exponent * kLn2High -
		   (reduced(of.fraction, of.exponent * kLn2Low + lost / sum) - of.fraction);
}

double
erfc(double x)
{
	if (!(x < 28))
		return x > 0 ? 0 : x;

	/* x² in two parts, the first of which is exact */
	double high = static_cast<float>(x);
	double square = exp(-high * high) * exp((high - x) * (high + x));

	return square * chebyshev((x - 3.75) / (x + 3.75)) / (1 + 2 * x);
}

} // namespace hllset::elementary
