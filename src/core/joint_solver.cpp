/* SPDX-License-Identifier: PostgreSQL */
/* Each step maximises a quadratic approximation within bounds; whether it leads up is checked by slopes or the likelihood itself. */
#include "joint_solver.hpp"

#include <cmath>
#include <cstring>

#include "cholesky.hpp"
#include "joint_start.hpp"

namespace hllset
{

namespace
{

constexpr int kMaxIterations = 40;

/* No logarithm of a likelihood needs more than this: a step that promises less is the last. */
constexpr double kLeastGain = 1e-7;

/* Up to this promise the slopes at both ends are trusted; above, the likelihood is computed. */
constexpr double kTrustedGain = 1;

/* In one step a size falls to this part of itself at the lowest, or to 0 if it is small. */
constexpr double kLeastPart = 0.02;
constexpr double kSmallPart = 1e-6;

/* Nor does it rise above this part of the total. */
constexpr double kMostPart = 1.5;

/* A region of less than this part of the total is empty. */
constexpr double kNothing = 1e-10;

constexpr double kRidge = 1e-9;
constexpr double kShortening = 0.4;

} // namespace

JointSolver::JointSolver(const JointCounts &counts, Regions chosen, const JointWork &work)
	: model_(counts, false, work.rows), observed_(work.matrices[0]), expected_(work.matrices[1]),
	  system_(work.matrices[2]), size_{}
{
	joint_start(counts, model_, size_, total_);
	for (int region = 1; region < model_.patterns(); region++)
		if ((chosen >> region & 1) == 0)
			size_[region] = 0;
		else
			chosen_[chosen_count_++] = region;
}

/* A region without elements stays so while the first ones would not make the counts more likely. */
void
JointSolver::free_or_freeze()
{
	free_count_ = 0;
	for (int i = 0; i < chosen_count_; i++)
	{
		int region = chosen_[i];

		if (size_[region] > kNothing * total_ || score_[region] > 0)
			free_[free_count_++] = region;
		else
			size_[region] = 0;
	}
}

/* The information about two free regions. */
double
JointSolver::curvature(int a, int b) const
{
	int i = free_[std::min(a, b)] * model_.patterns() + free_[std::max(a, b)];

	if (metric_.expected_part == 0)
		return observed_[i];
	if (metric_.diagonal && a != b)
		return 0;
	return observed_[i] + metric_.expected_part * (expected_[i] - observed_[i]);
}

bool
JointSolver::set_scale()
{
	for (int a = 0; a < free_count_; a++)
	{
		scale_[a] = std::sqrt(curvature(a, a));
		if (!(scale_[a] > 0))
			return false;
		at_bound_[a] = false;
	}
	return true;
}

/*
 * The best point of the quadratic approximation within the lower bounds of a step: those that it would pass are set to their
 * bound, and the others solved for again. False if the approximation has no maximum.
 */
bool
JointSolver::find_direction()
{
	int open[kMaxPatterns];
	int count;

	if (!set_scale())
		return false;
	do
	{
		count = 0;
		for (int a = 0; a < free_count_; a++)
			if (!at_bound_[a])
				open[count++] = a;
		for (int i = 0; i < count; i++)
		{
			double *row = system_ + i * count;

			direction_[open[i]] = score_[free_[open[i]]];
			for (int a = 0; a < free_count_ && count < free_count_; a++)
				if (at_bound_[a])
					direction_[open[i]] -= curvature(open[i], a) * direction_[a];
			row[i] = 1 + kRidge;
			for (int j = i + 1; j < count; j++)
				row[j] = curvature(open[i], open[j]) / (scale_[open[i]] * scale_[open[j]]);
		}
		if (!cholesky_factor(system_, count))
			return false;
	} while (!settle(open, count));
	return true;
}

/* Solves for the open ones. False if some have come to their bound. */
bool
JointSolver::settle(const int *open, int count)
{
	double x[kMaxPatterns];
	bool settled = true;

	for (int i = 0; i < count; i++)
		x[i] = direction_[open[i]] / scale_[open[i]];
	cholesky_solve(system_, count, x);
	for (int i = 0; i < count; i++)
	{
		int a = open[i];
		double size = size_[free_[a]];

		/* what is known about a small size is less than itself: 0 is as likely as any */
		bool is_small = size < kSmallPart * total_ || size * scale_[a] < 1;
		double lowest = is_small ? -size : (kLeastPart - 1) * size;

		direction_[a] = x[i] / scale_[a];
		if (!(direction_[a] >= lowest))
		{
			direction_[a] = lowest;
			at_bound_[a] = true;
			settled = false;
		}
	}
	return settled;
}

/* Sets next_ and returns the gain that the score promises, every region's taken as positive. */
double
JointSolver::propose(double length)
{
	double gain = 0;

	memcpy(next_, size_, sizeof(next_));
	for (int a = 0; a < free_count_; a++)
	{
		int region = free_[a];
		double value = size_[region] + length * direction_[a];

		next_[region] = std::clamp(value, 0.0, kMostPart * total_);
		gain += std::fabs((next_[region] - size_[region]) * score_[region]);
	}
	return gain;
}

/* Whether next_, at which the model is evaluated, is more likely than size_, or hardly less. */
bool
JointSolver::is_better(double gain)
{
	double slope = 0;
	double next_slope = 0;

	for (int a = 0; a < free_count_; a++)
	{
		double step = next_[free_[a]] - size_[free_[a]];

		slope += step * score_[free_[a]];
		next_slope += step * next_score_[free_[a]];
	}
	if (gain < kTrustedGain && slope > 0 && next_slope >= -slope / 2 && next_slope <= slope)
	{
		likelihood_known_ = false;
		return true;
	}
	if (!likelihood_known_)
	{
		model_.evaluate(size_);
		log_likelihood_ = model_.log_likelihood();
		likelihood_known_ = true;
		model_.evaluate(next_);
	}

	double next = model_.log_likelihood();

	if (!(next >= log_likelihood_ - 1e-11 * std::fabs(log_likelihood_)))
		return false;
	log_likelihood_ = next;
	return true;
}

/* Goes along the direction as far as it leads up. False if that is nowhere. */
bool
JointSolver::search()
{
	double length = 1;

	for (int i = 0; i <= metric_.shortenings; i++, length *= kShortening)
	{
		double gain = propose(length);

		if (i == 0 && gain >= kTrustedGain && !likelihood_known_)
		{
			log_likelihood_ = model_.log_likelihood();
			likelihood_known_ = true;
		}
		model_.evaluate(next_);
		model_.score(next_score_);
		if (is_better(gain))
		{
			memcpy(size_, next_, sizeof(size_));
			memcpy(score_, next_score_, sizeof(score_));
			return true;
		}
	}
	return false;
}

/* One step. False if there is none that gains anything. The model is evaluated at size_. */
bool
JointSolver::advance()
{
	bool expected_known = false;

	model_.observed_information(observed_);
	for (const Metric &metric : kMetrics)
	{
		metric_ = metric;
		if (metric.expected_part > 0 && !expected_known)
		{
			model_.evaluate(size_);
			model_.expected_information(expected_);
			expected_known = true;
		}
		if (!find_direction())
			continue;
		if (propose(1) < kLeastGain)
			return false;
		if (search())
			return true;
		model_.evaluate(size_);
	}
	return false;
}

int
JointSolver::solve()
{
	int iterations = 0;

	model_.evaluate(size_);
	model_.score(score_);
	free_or_freeze();
	while (free_count_ > 0 && iterations < kMaxIterations)
	{
		iterations++;
		if (!advance())
			break;
		free_or_freeze();
	}
	return iterations;
}

double
JointSolver::log_likelihood()
{
	model_.evaluate(size_);
	return model_.log_likelihood();
}

} // namespace hllset
