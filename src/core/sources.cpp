/* SPDX-License-Identifier: PostgreSQL */
/* Gathering of the distinct sources, and counting of what they show. */
#include "sources.hpp"

#include "estimate.hpp"

namespace hllset
{

/* The index of a source among the distinct ones. */
HllsetStatus
Sources::add_source(HllsetBytes source, uint8_t &index)
{
	for (index = 0; index < source_count_; index++)
		if (sources_[index].size == source.size &&
			memcmp(sources_[index].data, source.data, source.size) == 0)
			return HLLSET_OK;

	View view;
	HllsetStatus status = parse_single(source, view);

	if (status != HLLSET_OK)
		return status;
	if (source_count_ == kMaxAligned)
		return HLLSET_BAD_ARGUMENT;
	sources_[source_count_] = source;
	views_[source_count_++] = view;
	precision_ = std::min(precision_, view.counts.precision);
	finest_ = std::max(finest_, view.counts.precision);
	level0_ = std::max(level0_, view.counts.level0);
	if (view.kind == Kind::sample)
		mode_ = Mode::sampled;
	return HLLSET_OK;
}

HllsetStatus
Sources::add_value(HllsetBytes bytes, Value &value)
{
	bool is_empty;
	HllsetStatus status = look_for_empty(bytes, is_empty);

	value.table = 0;
	value.sources = 0;
	if (status != HLLSET_OK || is_empty)
		return status;

	Header header;

	status = read_header(bytes, header);
	if (status == HLLSET_OK && header.kind != Kind::expression)
	{
		value.table = 2;
		value.sources = 1;
		return add_source(bytes, value.index[0]);
	}

	Expression expression;

	status = parse_expression(bytes, expression);
	value.table = expression.table.word();
	for (int i = 0; i < expression.count() && status == HLLSET_OK; i++)
		status = add_source(expression.sources[i], value.index[value.sources++]);
	return status;
}

HllsetStatus
Sources::open(const HllsetBytes *values, int count)
{
	HllsetStatus status = HLLSET_OK;

	if (count < 1 || count > kMaxValues)
		return HLLSET_BAD_ARGUMENT;
	value_count_ = count;
	for (int v = 0; v < count && status == HLLSET_OK; v++)
		status = add_value(values[v], values_[v]);
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
Sources::work_size() const
{
	size_t lists = Aligned::work_size(source_count_, precision_, finest_, mode_ == Mode::joint);

	if (mode_ == Mode::exact)
		return lists;

	size_t patterns = size_t{1} << counts_.sources;

	return lists + kLevels * patterns * sizeof(uint32_t) + patterns * patterns * sizeof(double) +
		   std::max(joint_work(counts_.sources), patterns * plane_words(precision_) * 8);
}

HllsetStatus
Sources::read_sources()
{
	HllsetStatus status = HLLSET_OK;

	for (int i = 0; i < source_count_ && mode_ == Mode::joint; i++)
		alone_[i] = estimate(views_[i].counts);
	if (source_count_ == 2)
		return lists_.add(views_[0], views_[1]);
	for (int i = 0; i < source_count_ && status == HLLSET_OK; i++)
		status = lists_.add(views_[i]);
	return status;
}

HllsetStatus
Sources::read(void *work)
{
	bool planes = mode_ == Mode::joint;

	lists_ = Aligned(work, source_count_, precision_, level0_, finest_, planes);

	HllsetStatus status = read_sources();

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
Sources::count_patterns(uint64_t *scratch)
{
	int bits = token_bits(precision_, level0_);
	int shift = counts_.sources;

	for (int k = 0; k < kLevels; k++)
		counts_.cells[k] = k < level0_ ? buckets(precision_) : 1u << bits;
	for (int k = 0; k < level0_; k++)
		lists_.count_patterns(k, patterns_ + (static_cast<size_t>(k) << shift), scratch);
	lists_.count_token_patterns(patterns_, shift);
}

/*
 * Of the first two values, in the cells of the tokens. A sample of rate 2^-L0 is to its elements what a set is: its level L0 is
 * their level 0.
 */
void
Sources::count_values()
{
	for (int k = 0; k < kLevels; k++)
		counts_.cells[k] = 1u << token_bits(precision_, level0_);
	lists_.for_each_token([&](Coupon token, uint32_t pattern) {
		patterns_[((level_of(token) - level0_) << 2) + (values_of(pattern) & 3)]++;
	});
}

Regions
Sources::regions_of(uint32_t mask, uint32_t values) const
{
	Regions regions = 0;

	for (uint32_t r = 1; r < 1u << source_count_; r++)
		if ((values_of(r) & mask) == values)
			regions |= Regions{1} << r;
	return regions;
}

} // namespace hllset
