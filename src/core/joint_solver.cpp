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

/*
 * No logarithm of a likelihood needs more than this: a step that promises less is the last. What sets have is found in a dozen steps; a
 * search that takes longer creeps along what the counts hardly tell, and from then on each step must gain ten times as much.
 */
constexpr double kLeastGain = 1e-7;
constexpr double kMostLeastGain = 0.01;
constexpr int kUsualSteps = 12;

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

/*
 * Work in parts of an evaluation of the model and its score, for all 63 regions of six sources, as measured. What the score and the
 * information are computed from is a part of them that the likelihood does without.
 */
constexpr double kScoreWork = 0.35;
constexpr double kInformationWork = 0.7;
constexpr double kFactorWork = 0.2;
constexpr double kLikelihoodWork = 0.2;

constexpr double
power(double base, int exponent)
{
	double product = 1;

	for (int i = 0; i < exponent; i++)
		product *= base;
	return product;
}

/* What an evaluation goes through: each region with each pattern, each pattern with its subsets. */
constexpr double
evaluation_steps(int sources)
{
	return power(4, sources) / 2 + 3 * power(3, sources);
}

} // namespace

JointSolver::JointSolver(const JointCounts &counts, Regions chosen, const JointWork &work)
	: model_(counts, false, work.rows), observed_(work.matrices[0]), expected_(work.matrices[1]),
	  system_(work.matrices[2]),
	  evaluation_work_(evaluation_steps(counts.sources) / evaluation_steps(kMaxSources)),
	  information_work_(kInformationWork * power(5, counts.sources) / power(5, kMaxSources)),
	  likelihood_work_(kLikelihoodWork * model_.patterns() / kMaxPatterns), size_{}
{
	joint_start(model_, size_, total_);
	for (int region = 1; region < model_.patterns(); region++)
		if ((chosen >> region & 1) == 0)
			size_[region] = 0;
		else
			chosen_[chosen_count_++] = region;
}

void
JointSolver::evaluate(const double *size)
{
	model_.evaluate(size);
	work_ += evaluation_work_ * (1 - kScoreWork);
}

/* At the sizes last given to evaluate(). */
void
JointSolver::compute_score(double *score)
{
	model_.score(score);
	work_ += evaluation_work_ * kScoreWork;
}

/* At the sizes last given to evaluate(). */
double
JointSolver::compute_likelihood()
{
	work_ += likelihood_work_;
	return model_.log_likelihood();
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
		work_ += kFactorWork * power(count, 3) / power(kMaxPatterns, 3);
		if (!cholesky_factor(system_, count) || work_ >= kMostJointWork)
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

/* By how much the likelihood would rise from size_ to next_ if this score held all the way. */
double
JointSolver::slope(const double *score) const
{
	double slope = 0;

	for (int a = 0; a < free_count_; a++)
		slope += (next_[free_[a]] - size_[free_[a]]) * score[free_[a]];
	return slope;
}

/* Whether next_, at which the model is evaluated, is more likely than size_, or hardly less. Then next_score_ is its score. */
bool
JointSolver::is_better(double gain)
{
	if (gain < kTrustedGain)
	{
		compute_score(next_score_);

		double first_slope = slope(score_);
		double last_slope = slope(next_score_);

		if (first_slope > 0 && last_slope >= -first_slope / 2 && last_slope <= first_slope)
		{
			likelihood_known_ = false;
			return true;
		}
	}
	if (!likelihood_known_)
	{
		evaluate(size_);
		log_likelihood_ = compute_likelihood();
		likelihood_known_ = true;
		evaluate(next_);
	}

	double next = compute_likelihood();

	if (!(next >= log_likelihood_ - 1e-11 * std::fabs(log_likelihood_)))
		return false;
	log_likelihood_ = next;
	if (gain >= kTrustedGain)
		compute_score(next_score_);
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

		/* where slopes will not do; later it would take two evaluations */
		if (i == 0 && (gain >= kTrustedGain || metric_.expected_part > 0) && !likelihood_known_)
		{
			log_likelihood_ = compute_likelihood();
			likelihood_known_ = true;
		}
		if (gain < least_gain_ || work_ >= kMostJointWork)
			return false;
		evaluate(next_);
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
	work_ += information_work_;
	for (const Metric &metric : kMetrics)
	{
		metric_ = metric;
		if (metric.expected_part > 0 && !expected_known)
		{
			model_.expected_information(expected_);
			work_ += information_work_;
			expected_known = true;
		}
		if (!find_direction())
			continue;
		if (propose(1) < least_gain_)
			return false;
		/* those at their bound may have turned the others downhill */
		if (!(slope(score_) > 0))
			continue;
		if (search())
			return true;
		if (work_ >= kMostJointWork)
			return false;
		evaluate(size_);
		work_ += evaluation_work_ * kScoreWork; /* the next metric's information needs it again */
	}
	return false;
}

int
JointSolver::solve()
{
	int iterations = 0;

	evaluate(size_);
	compute_score(score_);
	free_or_freeze();
	least_gain_ = kLeastGain;
	while (free_count_ > 0 && iterations < kMaxIterations && work_ < kMostJointWork)
	{
		iterations++;
		if (iterations > kUsualSteps)
			least_gain_ = std::min(10 * least_gain_, kMostLeastGain);
		if (!advance())
			break;
		free_or_freeze();
	}
	return iterations;
}

double
JointSolver::log_likelihood()
{
	evaluate(size_);
	return compute_likelihood();
}

} // namespace hllset
