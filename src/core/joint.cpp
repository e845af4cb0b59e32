/* SPDX-License-Identifier: PostgreSQL */
/* The fit, the likelihood ratio, and the covariance at the solution. */
#include "joint.hpp"

#include <cmath>

#include "cholesky.hpp"
#include "joint_solver.hpp"

namespace hllset
{

namespace
{

constexpr int kCovarianceRounds = 5;

/* Nothing is less certain than this many times the total: a bound for what saturated sources leave open. */
constexpr double kLargestError = 100;

/* Of a number of elements: it is a whole number. */
constexpr double kLeastVariance = 0.25;

/* How far the slope of a variance is looked for, and how far is too little, in standard errors. */
constexpr double kSlopeErrors = 2;
constexpr double kLeastMove = 1e-3;

/* Nearly dependent regions may need more of a ridge than others: with 1 there is always a factor. */
constexpr double kRidges[] = {1e-12, 1e-9, 1e-6, 1e-3, 1};

/* The inverse of an information matrix, as a triangular factor of it and what that is scaled by. */
class InverseInformation
{
public:
	/* `factor` is room for another matrix. Region 0 is no part of it. */
	InverseInformation(const double *information, int patterns, double *factor)
		: size_(patterns - 1), factor_(factor)
	{
		for (int a = 0; a < size_; a++)
			scale_[a] = std::sqrt(information[(a + 1) * (patterns + 1)]);
		for (double ridge : kRidges)
		{
			for (int a = 0; a < size_; a++)
			{
				factor[a * size_ + a] = 1 + ridge;
				for (int b = a + 1; b < size_; b++)
					factor[a * size_ + b] =
						information[(a + 1) * patterns + b + 1] / (scale_[a] * scale_[b]);
			}
			if (cholesky_factor(factor, size_))
				break;
		}
		cholesky_invert(factor, size_);
	}

	double
	at(int a, int b) const
	{
		return cholesky_inverse_at(factor_, size_, a - 1, b - 1) / (scale_[a - 1] * scale_[b - 1]);
	}

	double
	error(int region) const
	{
		return std::sqrt(at(region, region));
	}

	/* All of it, with 0 for region 0. */
	void
	copy(double *inverse) const
	{
		int patterns = size_ + 1;

		for (int b = 0; b < patterns; b++)
			inverse[b] = 0;
		for (int a = 1; a < patterns; a++)
		{
			inverse[a * patterns] = 0;
			for (int b = a; b < patterns; b++)
				inverse[a * patterns + b] = inverse[b * patterns + a] = at(a, b);
		}
	}

private:
	int size_;
	double scale_[kMaxPatterns];
	const double *factor_;
};

static_assert(kMaxPatterns <= kMaxRows);

/* Raises sizes of the fit to their standard errors, but together by no more than the total: not all of them can be that large. */
void
raise_sizes(const JointFit &fit, const InverseInformation &inverse, int patterns, double *size)
{
	double added = 0;

	for (int region = 1; region < patterns; region++)
	{
		size[region] = std::max(fit.size[region], std::min(inverse.error(region), fit.total));
		added += size[region] - fit.size[region];
	}
	if (added > fit.total)
		for (int region = 1; region < patterns; region++)
			size[region] =
				fit.size[region] + (size[region] - fit.size[region]) * (fit.total / added);
}

/* How each size goes with that of the chosen regions together: the column sums of their covariance. */
double
follow(int patterns, const double *covariance, Regions chosen, double *direction)
{
	double sum = 0;

	for (int a = 1; a < patterns; a++)
	{
		direction[a] = 0;
		for (int b = 1; b < patterns; b++)
			if ((chosen >> b & 1) != 0)
				direction[a] += covariance[a * patterns + b];
		if ((chosen >> a & 1) != 0)
			sum += direction[a];
	}
	return sum;
}

/* The logarithm of the greatest likelihood if only the chosen regions have elements. */
double
most_likely(const JointCounts &counts, Regions chosen, void *work)
{
	JointSolver solver(counts, chosen, JointWork(counts.sources, work));

	solver.solve();
	return solver.log_likelihood();
}

} // namespace

size_t
joint_work(int sources)
{
	return JointWork::size(sources);
}

void
joint_fit(const JointCounts &counts, void *work, JointFit &fit)
{
	JointSolver solver(counts, ~Regions{0}, JointWork(counts.sources, work));

	fit = {};
	fit.total = solver.total();
	fit.iterations = solver.solve();
	fit.work = solver.work();
	std::copy_n(solver.size(), 1 << counts.sources, fit.size);
}

double
joint_size(int sources, const JointFit &fit, Regions chosen)
{
	double sum = 0;

	for (int region = 1; region < 1 << sources; region++)
		if ((chosen >> region & 1) != 0)
			sum += fit.size[region];
	return std::min(sum, fit.total);
}

double
joint_log_likelihood(const JointCounts &counts, const double *size, void *work)
{
	JointModel model(counts, false, JointWork(counts.sources, work).rows);

	model.evaluate(size);
	return model.log_likelihood();
}

double
joint_likelihood_ratio(const JointCounts &counts, Regions without, void *work)
{
	double best = most_likely(counts, ~Regions{0}, work);

	return std::max(2 * (best - most_likely(counts, ~without, work)), 0.0);
}

/*
 * Where an estimate is small or 0, the information there would promise far too much: every size is taken for at least its own
 * standard error, as far as the total allows.
 */
void
joint_covariance(const JointCounts &counts, const JointFit &fit, void *work, double *covariance)
{
	JointWork parts(counts.sources, work);
	JointModel model(counts, true, parts.rows);
	int patterns = model.patterns();
	double *information = parts.matrices[0];
	double largest_error = kLargestError * std::max(fit.total, 1.0);
	double least_information = 1 / (largest_error * largest_error);
	double size[kMaxPatterns] = {};

	for (int region = 1; region < patterns; region++)
		size[region] = std::max(fit.size[region], 1.0);
	for (int round = 1;; round++)
	{
		double last[kMaxPatterns];

		model.evaluate(size);
		model.expected_information(information);
		for (int region = 1; region < patterns; region++)
			information[region * (patterns + 1)] += least_information;

		InverseInformation inverse(information, patterns, parts.matrices[1]);

		std::copy_n(size, patterns, last);
		raise_sizes(fit, inverse, patterns, size);
		if (round < kCovarianceRounds && !std::equal(size, size + patterns, last))
			continue;
		inverse.copy(covariance);
		return;
	}
}

double
joint_variance(int sources, const JointFit &fit, const double *covariance, Regions chosen)
{
	int patterns = 1 << sources;
	double variance = 0;

	for (int a = 1; a < patterns; a++)
		if ((chosen >> a & 1) != 0)
		{
			variance -= fit.size[a];
			for (int b = 1; b < patterns; b++)
				if ((chosen >> b & 1) != 0)
					variance += covariance[a * patterns + b];
		}
	return std::max(variance, kLeastVariance);
}

/*
 * Over two standard errors, or to 0 if that is nearer: about to where a 95 % interval ends. The other regions follow as the covariance
 * says, since what an overlap loses they have.
 */
JointSlopes
joint_variance_slopes(const JointCounts &counts, const JointFit &fit, Regions chosen, void *work,
					  double *covariance)
{
	int patterns = 1 << counts.sources;
	double here = joint_variance(counts.sources, fit, covariance, chosen);
	double direction[kMaxPatterns];
	double sum = std::max(follow(patterns, covariance, chosen, direction), kLeastVariance);
	double slopes[2] = {};

	for (int side = 0; side < 2; side++)
	{
		double sign = side == 0 ? -1 : 1;
		double step = sign * kSlopeErrors * std::sqrt(here) / sum;
		double moved = 0;
		JointFit other = fit;

		for (int a = 1; a < patterns; a++)
		{
			other.size[a] =
				std::clamp(fit.size[a] + step * direction[a], 0.0, fit.size[a] + fit.total);
			if ((chosen >> a & 1) != 0)
				moved += other.size[a] - fit.size[a];
		}
		/* an estimate of hardly anything has nowhere to go */
		if (sign * moved <= kLeastMove * std::sqrt(here))
			continue;
		joint_covariance(counts, other, work, covariance);
		slopes[side] = (joint_variance(counts.sources, other, covariance, chosen) - here) / moved;
	}
	return {slopes[0], std::max(slopes[1], 0.0)};
}

} // namespace hllset
