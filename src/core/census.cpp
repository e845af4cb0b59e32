/* SPDX-License-Identifier: PostgreSQL */
/* The three ways to count: exactly, jointly, by sampling. */
#include "census.hpp"

#include <cmath>

#include "estimate.hpp"

namespace hllset
{

namespace
{

/* The likelihood ratio above which elements count as seen: a false alarm in at most 0.3 % of disjoint pairs, by simulation. */
constexpr double kSeen = 9.55;

constexpr int kFittingRounds = 10;

} // namespace

/* Two elements of different regions that share a coupon are taken for one that is in all the values that hold either of them. */
HllsetEstimate
Census::measure_exactly(const double *tokens, uint32_t region) const
{
	double losing = 0;
	double gaining = 0;

	for (uint32_t a = 1; a < 1u << sources_.value_count(); a++)
		for (uint32_t b = 1; b < a; b++)
			if ((a == region) != (b == region))
				losing += (a | b) != region ? tokens[a] * tokens[b] : 0;
			else if ((a | b) == region)
				gaining += tokens[a] * tokens[b];
	return estimate_small(tokens[region], losing, gaining);
}

void
Census::measure_tokens(HllsetEstimate *regions) const
{
	double tokens[kMaxRegions] = {};

	if (sources_.count() <= kMaxSources)
	{
		/* which values that is, is asked once for each pattern */
		uint32_t seen[kMaxPatterns] = {};

		sources_.lists().for_each_token([&](Coupon, uint32_t pattern) { seen[pattern]++; });
		for (uint32_t s = 1; s < 1u << sources_.count(); s++)
			tokens[sources_.values_of(s)] += seen[s];
	}
	else
		sources_.lists().for_each_token(
			[&](Coupon, uint32_t pattern) { tokens[sources_.values_of(pattern)]++; });
	for (uint32_t x = 1; x < 1u << sources_.value_count(); x++)
		regions[x] = sources_.mode() == Sources::Mode::exact
						 ? measure_exactly(tokens, x)
						 : estimate_sample(tokens[x], sources_.level0());
}

/* The smallest source that holds all these regions; without one, an estimate beyond all others. */
HllsetEstimate
Census::smallest_around(Regions regions) const
{
	HllsetEstimate smallest = estimate_small(estimate_small(0).most);

	for (int i = 0; i < sources_.count(); i++)
	{
		bool around = true;

		for (uint32_t r = 1; r < 1u << sources_.count(); r++)
			around = around && ((regions >> r & 1) == 0 || (r >> i & 1) != 0);
		if (around && sources_.alone(i).cardinality < smallest.cardinality)
			smallest = sources_.alone(i);
	}
	return smallest;
}

/* Some of these regions lie in saturated sources alone: no number of elements is too large for them. */
bool
Census::has_no_end(Regions regions) const
{
	uint32_t saturated = 0;
	bool found = false;

	for (int i = 0; i < sources_.count(); i++)
		if (sources_.alone(i).law == HLLSET_SATURATED)
			saturated |= 1u << i;
	for (uint32_t r = 1; r < 1u << sources_.count(); r++)
		found = found || ((regions >> r & 1) != 0 && (r & ~saturated) == 0);
	return found;
}

/*
 * A small source among large ones is counted exactly, though its cells are as coarse as theirs: scales the regions within each such
 * source to its count, in turn (iterative proportional fitting).
 */
void
Census::settle_exact_sources(JointFit &fit) const
{
	for (int round = 0; round < kFittingRounds; round++)
		for (int i = 0; i < sources_.count(); i++)
		{
			double sum = 0;

			for (uint32_t r = 1; r < 1u << sources_.count(); r++)
				sum += (r >> i & 1) != 0 ? fit.size[r] : 0;
			if (sources_.alone(i).least < sources_.alone(i).cardinality || sum == 0)
				continue;
			for (uint32_t r = 1; r < 1u << sources_.count(); r++)
				if ((r >> i & 1) != 0)
					fit.size[r] *= sources_.alone(i).cardinality / sum;
		}
}

/* Never more than there are in the sources around. */
double
Census::size_of(const JointFit &fit, Regions regions) const
{
	if (regions == 0)
		return 0;
	return std::min(joint_size(sources_.counts().sources, fit, regions),
					smallest_around(regions).cardinality);
}

/* Of the sources: what is in these values and in no other. */
Regions
Census::regions_of_exactly(uint32_t values) const
{
	return sources_.regions_of((1u << sources_.value_count()) - 1, values);
}

void
Census::count(double *sizes)
{
	HllsetEstimate regions[kMaxRegions];
	JointFit fit;
	bool jointly = sources_.mode() == Sources::Mode::joint;

	if (jointly)
	{
		joint_fit(sources_.counts(), sources_.model_work(), fit);
		settle_exact_sources(fit);
	}
	else
		measure_tokens(regions);
	for (uint32_t x = 1; x < 1u << sources_.value_count(); x++)
		sizes[x] = jointly ? size_of(fit, regions_of_exactly(x)) : regions[x].cardinality;
}

void
Census::measure_jointly(HllsetEstimate *regions)
{
	JointFit fit;

	joint_fit(sources_.counts(), sources_.model_work(), fit);
	joint_covariance(sources_.counts(), fit, sources_.model_work(), sources_.covariance());
	JointFit settled = fit;

	settle_exact_sources(settled);
	for (uint32_t x = 1; x < 1u << sources_.value_count(); x++)
	{
		Regions chosen = regions_of_exactly(x);
		HllsetEstimate around = estimate_small(0);
		double n = size_of(settled, chosen);
		double variance = 0;

		if (chosen != 0)
		{
			around = smallest_around(chosen);
			variance =
				joint_variance(sources_.counts().sources, settled, sources_.covariance(), chosen);
		}
		regions[x] = {};
		regions[x].cardinality = n;
		/* of a number between 0 and what can be there */
		regions[x].standard_error = std::min({std::sqrt(variance), around.cardinality, fit.total});
		regions[x].variance = variance;
		regions[x].most = around.cardinality;
		regions[x].most_error = missing_error(around);
		regions[x].most_slope = around.slope_above;
		regions[x].law = has_no_end(chosen) ? HLLSET_SATURATED : HLLSET_NORMAL;
	}
	/* the bounds of several values together are nowhere asked for */
	if (sources_.value_count() == 1)
	{
		JointSlopes slopes =
			joint_variance_slopes(sources_.counts(), fit, sources_.regions_of(1, 1),
								  sources_.model_work(), sources_.covariance());

		regions[1].slope_below = slopes.below;
		regions[1].slope_above = slopes.above;
	}
}

void
Census::measure(HllsetEstimate *regions)
{
	if (sources_.mode() == Sources::Mode::joint)
		measure_jointly(regions);
	else
		measure_tokens(regions);
}

/* Some token is in exactly `values`, of those in the mask. */
bool
Census::has_token(uint32_t mask, uint32_t values) const
{
	bool found = false;

	sources_.lists().for_each_token([&](Coupon, uint32_t pattern) {
		found = found || (sources_.values_of(pattern) & mask) == values;
	});
	return found;
}

/* A cell can show the pattern if only the allowed regions have elements: those within it cover it. */
bool
Census::is_possible(uint32_t pattern, Regions allowed) const
{
	uint32_t covered = 0;

	for (uint32_t r = 1; r <= pattern; r++)
		if ((allowed >> r & 1) != 0 && (r & ~pattern) == 0)
			covered |= r;
	return covered == pattern;
}

bool
Census::are_possible(Regions allowed) const
{
	for (uint32_t s = 1; s < 1u << sources_.count(); s++)
	{
		uint32_t seen = 0;

		for (int k = 0; k < kLevels; k++)
			seen |= sources_.counts().of(k, s);
		if (seen != 0 && !is_possible(s, allowed))
			return false;
	}
	return true;
}

bool
Census::is_contained()
{
	constexpr uint32_t both = 3;
	constexpr uint32_t first_only = 1;

	if (sources_.mode() == Sources::Mode::exact)
		return !has_token(both, first_only);
	if (sources_.mode() == Sources::Mode::sampled)
		return !is_seen(Regions{1} << first_only);
	return are_possible(~sources_.regions_of(both, first_only));
}

bool
Census::overlap()
{
	constexpr uint32_t both = 3;

	if (sources_.mode() == Sources::Mode::exact)
		return has_token(both, both);
	if (sources_.mode() == Sources::Mode::sampled)
		return is_seen(Regions{1} << both);

	Regions shared = sources_.regions_of(both, both);

	if (!are_possible(~shared))
		return true;
	return shared != 0 && is_seen(shared);
}

/* That these regions of the model are empty is too unlikely. */
bool
Census::is_seen(Regions regions)
{
	return joint_likelihood_ratio(sources_.counts(), regions, sources_.model_work()) > kSeen;
}

} // namespace hllset
