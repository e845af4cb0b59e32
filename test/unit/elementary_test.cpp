/* SPDX-License-Identifier: PostgreSQL */
/* The elementary functions against the library's, in units of the last place over their whole range, and at its ends. */
#include "core/elementary.hpp"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "core/hllset_core.h"

namespace hllset::test
{

namespace
{

/* With more digits than a double where the processor has them, so that the library's own error is none; else that is one more unit. */
using Real = long double;
constexpr double kLibrary = LDBL_MANT_DIG > DBL_MANT_DIG ? 0 : 1;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/* From the smallest number up. */
double
units_off(double made, Real wanted)
{
	double size = std::fabs(static_cast<double>(wanted));

	if (!std::isfinite(size))
		return made == static_cast<double>(wanted) ? 0 : kInfinity;

	Real unit = std::nextafter(size, kInfinity) - size;

	return static_cast<double>(std::fabs(made - wanted) / unit);
}

/* The largest error of `made` among numbers from low to high, spread evenly or by their logarithms. */
template <typename Made, typename Wanted>
double
worst(Made made, Wanted wanted, double low, double high)
{
	constexpr int kNumbers = 200000;
	std::mt19937_64 random(1);
	std::uniform_real_distribution<double> evenly(0, 1);
	double most = 0;

	for (int i = 0; i < kNumbers; i++)
	{
		double part = evenly(random);
		double x = low + (high - low) * part;

		if (low > 0)
			x = std::exp2(std::log2(low) + (std::log2(high) - std::log2(low)) * part);
		most = std::max(most, units_off(made(x), wanted(static_cast<Real>(x))));
	}
	return most;
}

} // namespace

TEST(Elementary, Exp)
{
	auto wanted = [](Real x) {
		return std::exp(x);
	};

	EXPECT_LE(worst(elementary::exp, wanted, -745, 709.7), 0.95 + kLibrary);
	EXPECT_LE(worst(elementary::exp, wanted, -1, 1), 0.95 + kLibrary);
	EXPECT_LE(worst(elementary::exp, wanted, 1e-300, 1), 0.95 + kLibrary);
	EXPECT_EQ(1, elementary::exp(0));
	EXPECT_EQ(1, elementary::exp(-1e-300));
	EXPECT_EQ(0, elementary::exp(-746));
	EXPECT_EQ(0, elementary::exp(-kInfinity));
	EXPECT_EQ(std::numeric_limits<double>::denorm_min(), elementary::exp(-745));
	EXPECT_LT(elementary::exp(709.78), kInfinity);
	EXPECT_EQ(kInfinity, elementary::exp(710));
	EXPECT_EQ(kInfinity, elementary::exp(kInfinity));
	EXPECT_TRUE(std::isnan(elementary::exp(std::nan(""))));
}

TEST(Elementary, Log)
{
	auto wanted = [](Real x) {
		return std::log(x);
	};

	EXPECT_LE(worst(elementary::log, wanted, 5e-324, DBL_MAX), 0.95 + kLibrary);
	EXPECT_LE(worst(elementary::log, wanted, 0.25, 4), 0.95 + kLibrary);
	EXPECT_LE(worst(elementary::log, wanted, 1 - 1e-9, 1 + 1e-9), 0.95 + kLibrary);
	EXPECT_EQ(0, elementary::log(1));
	EXPECT_EQ(-kInfinity, elementary::log(0));
	EXPECT_EQ(kInfinity, elementary::log(kInfinity));
	EXPECT_TRUE(std::isnan(elementary::log(-1)));
	EXPECT_TRUE(std::isnan(elementary::log(std::nan(""))));
}

/* Many at once are the same as each alone, wherever in a vector they stand. */
TEST(Elementary, LogEach)
{
	std::vector<double> x;

	for (double value = 1e-307; value < 1e307; value *= 3.7)
		x.push_back(value);
	for (size_t first = 0; first < 4; first++)
	{
		std::vector<double> made(x.size());

		elementary::log_each(x.data() + first, static_cast<int>(x.size() - first), made.data());
		for (size_t i = first; i < x.size(); i++)
			ASSERT_EQ(elementary::log(x[i]), made[i - first]) << x[i];
	}
}

TEST(Elementary, Log1p)
{
	auto wanted = [](Real x) {
		return std::log1p(x);
	};
	auto made_below = [](double x) {
		return elementary::log1p(-x);
	};
	auto wanted_below = [](Real x) {
		return std::log1p(-x);
	};

	EXPECT_LE(worst(elementary::log1p, wanted, 1e-300, 1e300), 0.95 + kLibrary);
	EXPECT_LE(worst(elementary::log1p, wanted, -0.999999, 3), 0.95 + kLibrary);
	EXPECT_LE(worst(made_below, wanted_below, 1e-300, 1 - 1e-15), 0.95 + kLibrary);
	EXPECT_EQ(0, elementary::log1p(0));
	EXPECT_EQ(-kInfinity, elementary::log1p(-1));
	EXPECT_EQ(kInfinity, elementary::log1p(kInfinity));
	EXPECT_TRUE(std::isnan(elementary::log1p(-1.5)));
	EXPECT_TRUE(std::isnan(elementary::log1p(std::nan(""))));
}

TEST(Elementary, Chances)
{
	auto hit = [](double x) {
		return elementary::chances(x).hit;
	};
	auto miss = [](double x) {
		return elementary::chances(x).miss;
	};
	auto wanted_hit = [](Real x) {
		return -std::expm1(-x);
	};
	auto wanted_miss = [](Real x) {
		return std::exp(-x);
	};

	EXPECT_LE(worst(hit, wanted_hit, 1e-307, 746), 1 + kLibrary);
	EXPECT_LE(worst(hit, wanted_hit, 0.1, 3), 1 + kLibrary);
	EXPECT_LE(worst(miss, wanted_miss, 1e-307, 745), 1 + kLibrary);
	EXPECT_LE(worst(miss, wanted_miss, 0.1, 3), 1 + kLibrary);
	EXPECT_EQ(0, hit(0));
	EXPECT_EQ(1, miss(0));
	for (double x : {745.2, 746.0, 1e300, kInfinity})
	{
		EXPECT_EQ(1, hit(x)) << x;
		EXPECT_EQ(0, miss(x)) << x;
	}
	EXPECT_TRUE(std::isnan(hit(std::nan(""))));
	EXPECT_TRUE(std::isnan(miss(std::nan(""))));
}

TEST(Elementary, Erfc)
{
	auto wanted = [](Real x) {
		return std::erfc(x);
	};

	EXPECT_LE(worst(elementary::erfc, wanted, 0, 6), 9 + kLibrary);
	EXPECT_LE(worst(elementary::erfc, wanted, 1e-20, 26), 9 + kLibrary);
	EXPECT_NEAR(1, elementary::erfc(0), 2e-15);
	EXPECT_EQ(0, elementary::erfc(28));
	EXPECT_EQ(0, elementary::erfc(kInfinity));
	EXPECT_TRUE(std::isnan(elementary::erfc(std::nan(""))));
}

TEST(Elementary, PowersOfTwo)
{
	for (int exponent = -1022; exponent <= 1023; exponent++)
		ASSERT_EQ(std::ldexp(1.0, exponent), elementary::power_of_two(exponent)) << exponent;
}

TEST(Elementary, Nearest)
{
	for (double x : {0.0, 0.3, 0.5, 1.5, 2.5, 0.49999999999999994, 4503599627370495.5,
					 4503599627370497.0, 1e15 + 0.5, 9e15, 1e18})
	{
		EXPECT_EQ(std::nearbyint(x), elementary::nearest(x)) << x;
		EXPECT_EQ(std::llrint(x), hllset_core_whole(x)) << x;
	}
}

TEST(Elementary, Hypot)
{
	EXPECT_EQ(5, elementary::hypot(3, -4));
	EXPECT_EQ(0, elementary::hypot(0, 0));
}

} // namespace hllset::test
