/* SPDX-License-Identifier: PostgreSQL */
/* Gathering of the distinct sources, and the three ways to count: exactly, jointly, by sampling. */
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

/* The index of a source among the distinct ones. */
HllsetStatus
Census::add_source(HllsetBytes source, uint8_t &index)
{
	View view;
	HllsetStatus status = parse_single(source, view);

	if (status != HLLSET_OK)
		return status;
	for (index = 0; index < source_count_; index++)
		if (sources_[index].size == source.size &&
			memcmp(sources_[index].data, source.data, source.size) == 0)
			return HLLSET_OK;
	sources_[source_count_] = source;
	estimates_[source_count_++] = estimate(view.counts);
	precision_ = std::min(precision_, view.counts.precision);
	finest_ = std::max(finest_, view.counts.precision);
	level0_ = std::max(level0_, view.counts.level0);
	if (view.kind == Kind::sample)
		mode_ = Mode::sampled;
	return HLLSET_OK;
}

HllsetStatus
Census::open(const HllsetBytes *values, int count)
{
	HllsetStatus status = HLLSET_OK;

	if (count < 1 || count > kMaxValues)
		return HLLSET_BAD_ARGUMENT;
	value_count_ = count;
	for (int v = 0; v < count && status == HLLSET_OK; v++)
	{
		bool is_empty;

		status = look_for_empty(values[v], is_empty);
		if (status != HLLSET_OK)
			return status;
		/* it has no source, so that it coarsens none and takes no place among six */
		if (is_empty)
		{
			values_[v].table = TruthTable(0);
			continue;
		}
		status = parse_expression(values[v], values_[v]);
		for (int i = 0; i < values_[v].count() && status == HLLSET_OK; i++)
			status = add_source(values_[v].sources[i], index_[v][i]);
	}
	if (status != HLLSET_OK)
		return status;
	if (source_count_ > kMaxSources)
		mode_ = Mode::sampled;
	if (level0_ == 0)
		mode_ = Mode::exact;
	else if (mode_ != Mode::sampled)
		mode_ = Mode::joint;
	else if (level0_ == kLevels)
		return HLLSET_TOO_MANY_SOURCES;

	/* of a sample, the first two values themselves are what is modelled; the model knows no fewer than two sources */
	counts_.sources = mode_ == Mode::joint ? std::max(source_count_, 2) : 2;
	return HLLSET_OK;
}

size_t
Census::work_size() const
{
	size_t lists = Aligned::work_size(source_count_, precision_, finest_, mode_ == Mode::joint);

	if (mode_ == Mode::exact)
		return lists;

	size_t patterns = size_t{1} << counts_.sources;

	return lists + kLevels * patterns * sizeof(uint32_t) + patterns * patterns * sizeof(double) +
		   std::max(joint_work(counts_.sources), patterns * plane_words(precision_) * 8);
}

HllsetStatus
Census::read(void *work)
{
	bool planes = mode_ == Mode::joint;
	HllsetStatus status = HLLSET_OK;

	lists_ = Aligned(work, source_count_, precision_, level0_, finest_, planes);
	for (int i = 0; i < source_count_ && status == HLLSET_OK; i++)
	{
		View view;

		status = parse_single(sources_[i], view);
		if (status == HLLSET_OK)
			status = lists_.add(view);
	}
	if (status != HLLSET_OK || mode_ == Mode::exact)
		return status;

	size_t patterns = size_t{1} << counts_.sources;
	uint8_t *next = static_cast<uint8_t *>(work) +
					Aligned::work_size(source_count_, precision_, finest_, planes);

	patterns_ = reinterpret_cast<uint32_t *>(next);
	covariance_ = reinterpret_cast<double *>(patterns_ + kLevels * patterns);
	joint_ = covariance_ + patterns * patterns;
	counts_.patterns = patterns_;
	memset(patterns_, 0, kLevels * patterns * sizeof(uint32_t));
	if (mode_ == Mode::joint)
		count_patterns(static_cast<uint64_t *>(joint_));
	else
		count_values();
	return HLLSET_OK;
}

/* Of the sources, in all cells. */
void
Census::count_patterns(uint64_t *scratch)
{
	int bits = token_bits(precision_, level0_);
	int shift = counts_.sources;

	for (int k = 0; k < kLevels; k++)
		counts_.cells[k] = k < level0_ ? buckets(precision_) : 1u << bits;
	for (int k = 0; k < level0_; k++)
		lists_.count_patterns(k, patterns_ + (static_cast<size_t>(k) << shift), scratch);
	lists_.for_each_token([&](Coupon token, uint32_t pattern) {
		patterns_[(static_cast<size_t>(level_of(token)) << shift) + pattern]++;
	});
}

/*
 * Of the first two values, in the cells of the tokens. A sample of rate 2^-L0 is to its elements what a set is: its level L0 is
 * their level 0.
 */
void
Census::count_values()
{
	for (int k = 0; k < kLevels; k++)
		counts_.cells[k] = 1u << token_bits(precision_, level0_);
	lists_.for_each_token([&](Coupon token, uint32_t pattern) {
		patterns_[((level_of(token) - level0_) << 2) + (values_of(pattern) & 3)]++;
	});
}

/* The values that hold what is in exactly the sources of the pattern. */
uint32_t
Census::values_of(uint32_t pattern) const
{
	uint32_t values = 0;

	for (int v = 0; v < value_count_; v++)
	{
		uint32_t own = 0;

		for (int i = 0; i < values_[v].count(); i++)
			own |= (pattern >> index_[v][i] & 1) << i;
		values |= static_cast<uint32_t>(values_[v].table.get(own)) << v;
	}
	return values;
}

/* The regions of sources that are in exactly `values`, of those in the mask. */
Regions
Census::regions_of(uint32_t mask, uint32_t values) const
{
	Regions regions = 0;

	for (uint32_t r = 1; r < 1u << source_count_; r++)
		if ((values_of(r) & mask) == values)
			regions |= Regions{1} << r;
	return regions;
}

/* Two elements of different regions that share a coupon are taken for one that is in all the values that hold either of them. */
HllsetEstimate
Census::measure_exactly(const double *tokens, uint32_t region) const
{
	double losing = 0;
	double gaining = 0;

	for (uint32_t a = 1; a < 1u << value_count_; a++)
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

	lists_.for_each_token([&](Coupon, uint32_t pattern) { tokens[values_of(pattern)]++; });
	for (uint32_t x = 1; x < 1u << value_count_; x++)
		regions[x] =
			mode_ == Mode::exact ? measure_exactly(tokens, x) : estimate_sample(tokens[x], level0_);
}

/* The smallest source that holds all these regions; without one, an estimate beyond all others. */
HllsetEstimate
Census::smallest_around(Regions regions) const
{
	HllsetEstimate smallest = estimate_small(estimate_small(0).most);

	for (int i = 0; i < source_count_; i++)
	{
		bool around = true;

		for (uint32_t r = 1; r < 1u << source_count_; r++)
			around = around && ((regions >> r & 1) == 0 || (r >> i & 1) != 0);
		if (around && estimates_[i].cardinality < smallest.cardinality)
			smallest = estimates_[i];
	}
	return smallest;
}

/* Some of these regions lie in saturated sources alone: no number of elements is too large for them. */
bool
Census::has_no_end(Regions regions) const
{
	uint32_t saturated = 0;
	bool found = false;

	for (int i = 0; i < source_count_; i++)
		if (estimates_[i].law == HLLSET_SATURATED)
			saturated |= 1u << i;
	for (uint32_t r = 1; r < 1u << source_count_; r++)
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
		for (int i = 0; i < source_count_; i++)
		{
			double sum = 0;

			for (uint32_t r = 1; r < 1u << source_count_; r++)
				sum += (r >> i & 1) != 0 ? fit.size[r] : 0;
			if (estimates_[i].least < estimates_[i].cardinality || sum == 0)
				continue;
			for (uint32_t r = 1; r < 1u << source_count_; r++)
				if ((r >> i & 1) != 0)
					fit.size[r] *= estimates_[i].cardinality / sum;
		}
}

/* Never more than there are in the sources around. */
double
Census::size_of(const JointFit &fit, Regions regions) const
{
	if (regions == 0)
		return 0;
	return std::min(joint_size(counts_.sources, fit, regions),
					smallest_around(regions).cardinality);
}

double
Census::count()
{
	HllsetEstimate regions[2];
	JointFit fit;

	if (mode_ != Mode::joint)
	{
		measure_tokens(regions);
		return regions[1].cardinality;
	}
	joint_fit(counts_, joint_, fit);
	settle_exact_sources(fit);
	return size_of(fit, regions_of(1, 1));
}

void
Census::measure_jointly(HllsetEstimate *regions)
{
	JointFit fit;

	joint_fit(counts_, joint_, fit);
	joint_covariance(counts_, fit, joint_, covariance_);
	JointFit settled = fit;

	settle_exact_sources(settled);
	for (uint32_t x = 1; x < 1u << value_count_; x++)
	{
		Regions chosen = regions_of((1u << value_count_) - 1, x);
		HllsetEstimate around = estimate_small(0);
		double n = size_of(settled, chosen);
		double variance = 0;

		if (chosen != 0)
		{
			around = smallest_around(chosen);
			variance = joint_variance(counts_.sources, settled, covariance_, chosen);
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
	if (value_count_ == 1)
	{
		JointSlopes slopes =
			joint_variance_slopes(counts_, fit, regions_of(1, 1), joint_, covariance_);

		regions[1].slope_below = slopes.below;
		regions[1].slope_above = slopes.above;
	}
}

void
Census::measure(HllsetEstimate *regions)
{
	if (mode_ == Mode::joint)
		measure_jointly(regions);
	else
		measure_tokens(regions);
}

/* Some token is in exactly `values`, of those in the mask. */
bool
Census::has_token(uint32_t mask, uint32_t values) const
{
	bool found = false;

	lists_.for_each_token(
		[&](Coupon, uint32_t pattern) { found = found || (values_of(pattern) & mask) == values; });
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
	for (uint32_t s = 1; s < 1u << source_count_; s++)
	{
		uint32_t seen = 0;

		for (int k = 0; k < kLevels; k++)
			seen |= counts_.of(k, s);
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

	if (mode_ == Mode::exact)
		return !has_token(both, first_only);
	if (mode_ == Mode::sampled)
		return !is_seen(Regions{1} << first_only);
	return are_possible(~regions_of(both, first_only));
}

bool
Census::overlap()
{
	constexpr uint32_t both = 3;

	if (mode_ == Mode::exact)
		return has_token(both, both);
	if (mode_ == Mode::sampled)
		return is_seen(Regions{1} << both);

	Regions shared = regions_of(both, both);

	if (!are_possible(~shared))
		return true;
	return shared != 0 && is_seen(shared);
}

/* That these regions of the model are empty is too unlikely. */
bool
Census::is_seen(Regions regions)
{
	return joint_likelihood_ratio(counts_, regions, joint_) > kSeen;
}

} // namespace hllset
