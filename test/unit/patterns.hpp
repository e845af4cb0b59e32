/* SPDX-License-Identifier: PostgreSQL */
/*
 * Pattern counts of several sources for the joint estimate: drawn from the Poisson model for given sizes of the regions, or
 * arbitrary ones. The probabilities are computed apart from the core's, level by level in long double.
 */
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/joint.hpp"

namespace hllset::test
{

using Sizes = std::vector<double>;

class Patterns
{
public:
	/* Levels from level0 on have the cells of tokens. */
	Patterns(int sources, int precision, int level0)
		: precision_(precision), rows_(static_cast<size_t>(kLevels) << sources)
	{
		counts_.sources = sources;
		for (int k = 0; k < kLevels; k++)
			counts_.cells[k] =
				k < level0 ? buckets(precision) : 1u << token_bits(precision, std::max(level0, 1));
		counts_.patterns = rows_.data();
	}

	Patterns(const Patterns &) = delete;
	Patterns &operator=(const Patterns &) = delete;

	const JointCounts &
	counts() const
	{
		return counts_;
	}

	int
	sources() const
	{
		return counts_.sources;
	}

	int
	patterns() const
	{
		return 1 << counts_.sources;
	}

	int
	precision() const
	{
		return precision_;
	}

	uint32_t &
	at(int level, int pattern)
	{
		return rows_[(static_cast<size_t>(level) << counts_.sources) + pattern];
	}

	double
	hit_probability(int level) const
	{
		return std::ldexp(1.0, -std::min(level + 1, kLevels - 1)) / counts_.cells[level];
	}

	/* Of every pattern at a level: one region after the other either hits a cell or not. */
	std::vector<long double>
	probabilities(const Sizes &size, int level) const
	{
		std::vector<long double> result(patterns(), 0.0L);
		long double r = hit_probability(level);

		result[0] = 1;
		for (int region = 1; region < patterns(); region++)
		{
			std::vector<long double> next(patterns(), 0.0L);
			long double hit = -std::expm1(-r * size[region]);

			for (int pattern = 0; pattern < patterns(); pattern++)
			{
				next[pattern] += result[pattern] * std::exp(-r * size[region]);
				next[pattern | region] += result[pattern] * hit;
			}
			result = next;
		}
		return result;
	}

	void
	draw(const Sizes &size, std::mt19937_64 &random)
	{
		std::vector<int> order(patterns());

		for (int k = 0; k < kLevels; k++)
		{
			std::vector<long double> p = probabilities(size, k);
			uint32_t left = counts_.cells[k];
			long double rest = 0;

			/* the rarest first, so that what rests is never rounded away */
			for (int pattern = 0; pattern < patterns(); pattern++)
				order[pattern] = pattern;
			std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return p[a] < p[b]; });
			for (int pattern : order)
				rest += p[pattern];
			for (int pattern : order)
			{
				double part = static_cast<double>(std::min(p[pattern] / rest, 1.0L));
				bool last = pattern == order.back();

				at(k, pattern) =
					last ? left : std::binomial_distribution<uint32_t>(left, part)(random);
				left -= at(k, pattern);
				rest -= p[pattern];
			}
		}
	}

private:
	JointCounts counts_;
	int precision_;
	std::vector<uint32_t> rows_;
};

/* The L0 that a set of n elements has, or 32 if it is compact. */
inline int
level0_of(double n, int precision)
{
	int level0 = 0;

	while (level0 < kLevels && std::ldexp(n, -level0) > list_limit(precision))
		level0++;
	return level0;
}

/* Sizes that add up to n, some of them 0, the others spread over orders of magnitude. */
inline Sizes
random_sizes(int sources, double n, std::mt19937_64 &random)
{
	std::uniform_real_distribution<> part(0, 1);
	std::normal_distribution<> normal;
	Sizes size(1 << sources, 0.0);
	double spread = 4 * part(random);
	double empty = part(random);
	double sum = 0;

	for (size_t region = 1; region < size.size(); region++)
	{
		size[region] = part(random) < empty ? 0 : std::exp(spread * normal(random));
		sum += size[region];
	}
	if (sum == 0)
		size[1] = sum = 1;
	for (double &s : size)
		s *= n / sum;
	return size;
}

/* The functions of joint.hpp with a workspace of exactly the size asked for. */
class Joint
{
public:
	explicit Joint(const Patterns &patterns)
		: counts_(patterns.counts()), work_(joint_work(patterns.sources()))
	{
		joint_fit(counts_, work_.data(), fit_);
	}

	const JointFit &
	fit() const
	{
		return fit_;
	}

	double
	size(Regions chosen) const
	{
		return joint_size(counts_.sources, fit_, chosen);
	}

	double
	log_likelihood(const Sizes &size)
	{
		return joint_log_likelihood(counts_, size.data(), work_.data());
	}

	double
	log_likelihood()
	{
		return log_likelihood(Sizes(fit_.size, fit_.size + kMaxPatterns));
	}

	double
	ratio(Regions without)
	{
		return joint_likelihood_ratio(counts_, without, work_.data());
	}

	const Sizes &
	covariance()
	{
		covariance_.assign(size_t{1} << 2 * counts_.sources, NAN);
		joint_covariance(counts_, fit_, work_.data(), covariance_.data());
		return covariance_;
	}

	/* After covariance(). */
	double
	variance(Regions chosen) const
	{
		return joint_variance(counts_.sources, fit_, covariance_.data(), chosen);
	}

	/* After covariance(), which it spoils. */
	JointSlopes
	variance_slopes(Regions chosen)
	{
		return joint_variance_slopes(counts_, fit_, chosen, work_.data(), covariance_.data());
	}

private:
	const JointCounts &counts_;
	std::vector<uint8_t> work_;
	JointFit fit_;
	Sizes covariance_;
};

} // namespace hllset::test
