/* SPDX-License-Identifier: PostgreSQL */
/* Probabilities and derivatives, each step for all levels at once: rows of one number per level are what the compiler vectorises. */
#include "joint_model.hpp"

#include <cstring>

#include "elementary.hpp"

namespace hllset
{

namespace
{

constexpr int kRowUnit = Levels::kRowUnit;

/* Of the workspace: what vector instructions like. */
constexpr size_t kAlignment = 16;

/*
 * Probabilities below this are taken for this, so that squares of their inverses stay finite. Elements can't make a pattern so
 * unlikely: at the highest level six regions of one element, each with its token, come to 2^-342 = 1e-103.
 */
constexpr double kLeastProbability = 1e-140;

/* How many pairs of a pattern and a subset of it. */
constexpr size_t
subset_pairs(int sources)
{
	size_t pairs = 1;

	for (int i = 0; i < sources; i++)
		pairs *= 3;
	return pairs;
}

/* Rows of a model: counts and probabilities of each pattern, and the excesses. */
constexpr size_t
model_rows(int sources)
{
	return 2 * (size_t{1} << sources) + subset_pairs(sources);
}

/* The subset after this one in ascending order; 0 after the last. */
constexpr int
next_subset(int subset, int set)
{
	return (subset - set) & set;
}

/* The part of a row outside which it is 0, in units. */
struct Span
{
	int first = 0;
	int end;

	Span(const double *row, int count) : end(count)
	{
		auto is_zero = [&](int i) {
			return row[i] == 0 && row[i + 1] == 0 && row[i + 2] == 0 && row[i + 3] == 0;
		};

		while (first < end && is_zero(first))
			first += kRowUnit;
		while (first < end && is_zero(end - kRowUnit))
			end -= kRowUnit;
	}
};

double
dot(const double *__restrict a, const double *__restrict b, Span span)
{
	double sum[kRowUnit] = {};

	for (int i = span.first; i < span.end; i += kRowUnit)
		for (int j = 0; j < kRowUnit; j++)
			sum[j] += a[i + j] * b[i + j];
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Two neighbours of a row, for which even a plain x86-64 or arm64 has one instruction. */
using Pair = double __attribute__((vector_size(2 * sizeof(double))));

Pair
pair_at(const double *row)
{
	Pair pair;

	memcpy(&pair, row, sizeof(pair));
	return pair;
}

/* dot() with four rows b, one after the other: what is read of a serves all, and no sum waits for another. */
constexpr int kBlock = 4;
void
dot_block(const double *a, const double *b, int count, Span span, double *result)
{
	Pair low[kBlock] = {};
	Pair high[kBlock] = {};

	for (int i = span.first; i < span.end; i += kRowUnit)
	{
		Pair first = pair_at(a + i);
		Pair second = pair_at(a + i + 2);

		for (int row = 0; row < kBlock; row++)
		{
			low[row] += first * pair_at(b + row * count + i);
			high[row] += second * pair_at(b + row * count + i + 2);
		}
	}
	for (int row = 0; row < kBlock; row++)
		result[row] = (low[row][0] + low[row][1]) + (high[row][0] + high[row][1]);
}

} // namespace

size_t
JointWork::size(int sources)
{
	return (model_rows(sources) * kLevels + (size_t{kMatrices} << 2 * sources)) * sizeof(double) +
		   kAlignment;
}

JointWork::JointWork(int sources, void *work)
{
	uintptr_t address = reinterpret_cast<uintptr_t>(work);

	rows = reinterpret_cast<double *>((address + kAlignment - 1) / kAlignment * kAlignment);
	matrices[0] = rows + model_rows(sources) * kLevels;
	for (int i = 1; i < kMatrices; i++)
		matrices[i] = matrices[i - 1] + (size_t{1} << 2 * sources);
}

JointModel::JointModel(const JointCounts &counts, bool every_level, double *rows)
	: patterns_(1 << counts.sources), rate_{}
{
	for (int k = 0; k < kLevels; k++)
	{
		bool empty = true;

		for (int pattern = 1; pattern < patterns_ && empty; pattern++)
			empty = counts.of(k, pattern) == 0;
		if (empty && !every_level)
			rate_[0] += level_probability(k);
		else
			levels_.add(k, counts.cells[k]);
	}
	levels_.pad();

	first_subset_[0] = 0;
	first_subset_[1] = 1;
	for (int pattern = 1; pattern < patterns_; pattern++)
		first_subset_[pattern + 1] =
			first_subset_[pattern] + (subsets(pattern / 2) << (pattern % 2));
	counts_ = rows;
	probabilities_ = counts_ + patterns_ * levels_.count;
	excess_ = probabilities_ + patterns_ * levels_.count;
	read(counts);
}

void
JointModel::read(const JointCounts &counts)
{
	for (int i = 0; i < levels_.count; i++)
	{
		bool is_padding = levels_.level[i] == kLevels;
		double rest = levels_.cells[i];

		for (int pattern = 1; pattern < patterns_; pattern++)
		{
			double cells = is_padding ? 0 : counts.of(levels_.level[i], pattern);

			counts_[pattern * levels_.count + i] = cells;
			rate_[pattern] += levels_.r[i] * cells;
			rest -= cells;
		}
		counts_[i] = rest;
		rate_[0] += levels_.r[i] * rest;
	}
	for (int region = 1; region < patterns_; region++)
	{
		rate_without_[region] = 0;
		for (int pattern = 0; pattern < patterns_; pattern++)
			if ((pattern & region) != region)
				rate_without_[region] += rate_[pattern];
	}
}

void
JointModel::evaluate(const double *size)
{
	std::copy_n(size, patterns_, size_);
	std::fill(probabilities_, probabilities_ + levels_.count, 1.0);
	std::fill(probabilities_ + levels_.count, probabilities_ + patterns_ * levels_.count, 0.0);
	for (int region = 1; region < patterns_; region++)
		if (size[region] > 0)
			add_region(region, size[region]);
	is_related_ = false;
}

void
JointModel::ensure_related()
{
	if (!is_related_)
		relate();
	is_related_ = true;
}

/* P'[S | R] += E P[S], P'[S] = (1 - E) P[S] for every S that doesn't hold R. */
void
JointModel::add_region(int region, double n)
{
	int count = levels_.count;
	int reached = 2 * static_cast<int>(std::bit_floor(static_cast<unsigned>(region)));
	double hit[kLevels];
	double miss[kLevels];

	levels_.chances(n, hit, miss);
	for (int pattern = 0; pattern < reached; pattern++)
		if ((pattern & region) != region)
		{
			double *__restrict from = probability(pattern);
			double *__restrict to = probability(pattern | region);

			for (int i = 0; i < count; i++)
			{
				to[i] += hit[i] * from[i];
				from[i] *= miss[i];
			}
		}
}

/*
 * D_R[S] = D_(R - t)[S] + P[S - t] + D_(R - t)[S - t] for any t in R; then e. The subsets of a pattern are numbered in ascending
 * order: with t the highest source of R, R - t has the same number in S and in S - t.
 */
void
JointModel::relate()
{
	int count = levels_.count;

	std::fill(excess(0, 0), excess(1, 0), 0.0);
	for (int pattern = 1; pattern < patterns_; pattern++)
	{
		int rank = 1;

		std::fill(excess(pattern, 0), excess(pattern, 1), 0.0);
		for (int rest = pattern; rest != 0; rest &= rest - 1)
		{
			int smaller = pattern & ~(rest & -rest);
			const double *__restrict p = probability(smaller);

			for (int lower = 0; lower < rank; lower++)
			{
				const double *__restrict here = excess(pattern, lower);
				const double *__restrict there = excess(smaller, lower);
				double *__restrict to = excess(pattern, rank + lower);

				for (int i = 0; i < count; i++)
					to[i] = here[i] + (p[i] + there[i]);
			}
			rank *= 2;
		}
	}
	for (int pattern = 1; pattern < patterns_; pattern++)
	{
		const double *__restrict p = probability(pattern);
		double inverse[kLevels];

		for (int i = 0; i < count; i++)
			inverse[i] = 1 / std::max(p[i], kLeastProbability);
		for (int rank = 1; rank < subsets(pattern); rank++)
		{
			double *__restrict e = excess(pattern, rank);

			for (int i = 0; i < count; i++)
				e[i] *= inverse[i];
		}
	}
}

double
JointModel::log_likelihood() const
{
	double total = 0;
	double result = 0;

	for (int region = 1; region < patterns_; region++)
		total += size_[region];
	for (int pattern = 1; pattern < patterns_; pattern++)
		if (rate_[pattern] > 0)
			result += pattern_log_likelihood(pattern);
	return result - rate_[0] * total;
}

/* Of the cells that show this pattern, which are some. */
double
JointModel::pattern_log_likelihood(int pattern) const
{
	const double *cells = counts(pattern);
	const double *p = probability(pattern);
	Span span(cells, levels_.count);
	double known[kLevels];
	double logarithm[kLevels];
	double outside = 0;
	double result = 0;

	for (int region = 1; region < patterns_; region++)
		if ((region & ~pattern) != 0)
			outside += size_[region];
	for (int i = span.first; i < span.end; i++)
		known[i] = std::max(p[i], kLeastProbability);
	elementary::log_each(known + span.first, span.end - span.first, logarithm + span.first);
	for (int i = span.first; i < span.end; i++)
	{
		/* far below, only the chance that no region outside hits is known: it is exact in the logarithm */
		if (p[i] < kLeastProbability)
			logarithm[i] = std::min(logarithm[i], -outside * levels_.r[i]);
		result += cells[i] * logarithm[i];
	}
	return result;
}

void
JointModel::score(double *g)
{
	ensure_related();
	for (int region = 1; region < patterns_; region++)
		g[region] = -rate_without_[region];
	for (int pattern = 1; pattern < patterns_; pattern++)
	{
		double weight[kLevels];
		int rank = 1;

		if (rate_[pattern] == 0)
			continue;
		for (int i = 0; i < levels_.count; i++)
			weight[i] = levels_.r[i] * counts(pattern)[i];

		Span span(weight, levels_.count);

		for (int region = next_subset(0, pattern); region != 0;
			 region = next_subset(region, pattern))
			g[region] += dot(weight, excess(pattern, rank++), span);
	}
}

void
JointModel::observed_information(double *matrix)
{
	ensure_related();
	std::fill(matrix, matrix + patterns_ * patterns_, 0.0);
	for (int pattern = 1; pattern < patterns_; pattern++)
	{
		double weight[kLevels];

		if (rate_[pattern] == 0)
			continue;
		for (int i = 0; i < levels_.count; i++)
			weight[i] = levels_.r[i] * levels_.r[i] * counts(pattern)[i];
		add_information(pattern, weight, matrix);
	}
}

void
JointModel::expected_information(double *matrix)
{
	ensure_related();
	std::fill(matrix, matrix + patterns_ * patterns_, 0.0);
	for (int pattern = 1; pattern < patterns_; pattern++)
	{
		double weight[kLevels];

		for (int i = 0; i < levels_.count; i++)
			weight[i] = levels_.r[i] * levels_.r[i] * levels_.cells[i] * probability(pattern)[i];
		add_information(pattern, weight, matrix);
	}
}

void
JointModel::add_information(int pattern, const double *weight, double *matrix) const
{
	int region[kMaxPatterns];
	double linear[kMaxPatterns];
	int count = subsets(pattern);
	Span span(weight, levels_.count);

	region[0] = 0;
	for (int rank = 1; rank < count; rank++)
	{
		region[rank] = next_subset(region[rank - 1], pattern);
		linear[rank] = dot(weight, excess(pattern, rank), span);
	}
	for (int a = 1; a < count; a++)
	{
		double weighted[kLevels];
		double product[kMaxPatterns];
		double *row = matrix + region[a] * patterns_;
		int b = a;

		for (int i = span.first; i < span.end; i++)
			weighted[i] = weight[i] * excess(pattern, a)[i];
		for (; b % kBlock != 0 && b < count; b++)
			product[b] = dot(weighted, excess(pattern, b), span);
		for (; b + kBlock <= count; b += kBlock)
			dot_block(weighted, excess(pattern, b), levels_.count, span, product + b);
		for (; b < count; b++)
			product[b] = dot(weighted, excess(pattern, b), span);
		for (b = a; b < count; b++)
			row[region[b]] += product[b] + (linear[a] + linear[b] - linear[a | b]);
	}
}

} // namespace hllset
