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

/* The inverse, with 0 for region 0. `system` is room for another matrix. */
void
invert_information(const double *information, int patterns, double *system, double *inverse)
{
	int size = patterns - 1;
	double scale[kMaxPatterns];

	for (int a = 0; a < size; a++)
		scale[a] = std::sqrt(information[(a + 1) * (patterns + 1)]);
	/* nearly dependent regions may need more of a ridge than others: with 1 it always has a factor */
	for (double ridge = 1e-12; ridge <= 1; ridge *= 1e3)
	{
		for (int a = 0; a < size; a++)
		{
			system[a * size + a] = 1 + ridge;
			for (int b = a + 1; b < size; b++)
				system[a * size + b] =
					information[(a + 1) * patterns + b + 1] / (scale[a] * scale[b]);
		}
		if (cholesky_factor(system, size))
			break;
	}
	std::fill(inverse, inverse + patterns * patterns, 0.0);
	for (int a = 0; a < size; a++)
	{
		double *row = inverse + (a + 1) * patterns + 1;

		row[a] = 1 / scale[a];
		cholesky_solve(system, size, row);
		for (int b = 0; b < size; b++)
			row[b] /= scale[b];
	}
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
 * standard error.
 */
void
joint_covariance(const JointCounts &counts, const JointFit &fit, void *work, double *covariance)
{
	JointWork parts(counts.sources, work);
	JointModel model(counts, true, parts.rows);
	int patterns = model.patterns();
	double *information = parts.matrices[0];
	double *system = parts.matrices[1];
	double least_information = std::pow(kLargestError * std::max(fit.total, 1.0), -2);
	double size[kMaxPatterns] = {};

	for (int region = 1; region < patterns; region++)
		size[region] = std::max(fit.size[region], 1.0);
	for (int round = 0; round < kCovarianceRounds; round++)
	{
		bool changed = false;

		model.evaluate(size);
		model.expected_information(information);
		for (int region = 1; region < patterns; region++)
			information[region * (patterns + 1)] += least_information;
		invert_information(information, patterns, system, covariance);
		for (int region = 1; region < patterns; region++)
		{
			double error = std::sqrt(covariance[region * (patterns + 1)]);
			double wanted = std::max(fit.size[region], std::min(error, fit.total));

			changed = changed || wanted != size[region];
			size[region] = wanted;
		}
		if (!changed)
			break;
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
	return std::max(variance, 0.25);
}

/*
 * Over one standard error: over less than an interval nothing else bends. An estimate of 0 has the variance of a size of its standard error
 * already.
 */
double
joint_variance_slope(const JointCounts &counts, const JointFit &fit, Regions chosen, void *work,
					 double *covariance)
{
	int patterns = 1 << counts.sources;
	double here = joint_variance(counts.sources, fit, covariance, chosen);
	double step = std::sqrt(here);
	double sum = 0;
	JointFit larger = fit;

	for (int region = 1; region < patterns; region++)
		if ((chosen >> region & 1) != 0)
			sum += fit.size[region];
	if (sum == 0)
		return 0;
	for (int region = 1; region < patterns; region++)
		if ((chosen >> region & 1) != 0)
			larger.size[region] += step * (fit.size[region] / sum);
	joint_covariance(counts, larger, work, covariance);
	return std::max((joint_variance(counts.sources, larger, covariance, chosen) - here) / step,
					0.0);
}

} // namespace hllset
