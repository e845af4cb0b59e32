/* SPDX-License-Identifier: PostgreSQL */
/* Each function turns to the value's kind; sets are worked on here, the others by the algebra. */
#include "value.hpp"

#include "algebra.hpp"
#include "estimate.hpp"
#include "shortcut.hpp"

namespace hllset
{

namespace
{

/* Bytes that are no value are taken for a set; the parser of sets then refuses them. */
Kind
kind_of(HllsetBytes value)
{
	Header header;

	return read_header(value, header) == HLLSET_OK ? header.kind : Kind::set;
}

HllsetInfo
describe(const View &view)
{
	const Counts &counts = view.counts;
	HllsetInfo info = {};

	info.version = HLLSET_FORMAT_VERSION;
	info.hash_id = HLLSET_HASH_ID;
	info.kind = static_cast<HllsetKind>(view.kind);
	info.precision = counts.precision;
	info.compact = counts.compact;
	info.sources = 1;
	info.level0 = counts.level0;
	info.tokens = counts.tokens;
	for (int k = 0; k < counts.level0; k++)
		info.set_bits += counts.ones[k];
	info.saturated = is_saturated(counts);
	return info;
}

/* Tokens, bits and L0 of an expression are those of its sources together. */
HllsetStatus
check_and_describe_expression(HllsetBytes value, HllsetInfo &info)
{
	Expression expression;
	uint32_t saturated = 0;
	HllsetStatus status = check_expression(value);

	if (status != HLLSET_OK)
		return status;
	status = parse_expression(value, expression);
	for (int i = 0; i < expression.count() && status == HLLSET_OK; i++)
	{
		View view;
		HllsetInfo source;

		status = parse(expression.sources[i], view);
		source = describe(view);
		if (i == 0)
			info = source;
		else
		{
			info.level0 = std::max(info.level0, source.level0);
			info.tokens += source.tokens;
			info.set_bits += source.set_bits;
		}
		saturated |= static_cast<uint32_t>(source.saturated) << i;
	}
	/* where only saturated sources have elements, no number is too large */
	info.saturated = false;
	for (uint32_t x = 1; x < expression.table.size(); x++)
		info.saturated = info.saturated || ((x & ~saturated) == 0 && expression.table.get(x));
	info.kind = HLLSET_EXPRESSION;
	info.compact = expression.compact;
	info.sources = expression.count();
	return status;
}

/* Of a set or a sample. */
HllsetStatus
single_may_contain(HllsetBytes value, Coupon full, bool &result)
{
	View view;
	HllsetStatus status = parse_single(value, view);

	if (status != HLLSET_OK)
		return status;

	const Counts &counts = view.counts;
	uint32_t bucket = address_of(full) & (buckets(counts.precision) - 1);
	Coupon token = cut(full, token_bits(counts.precision, counts.level0));

	/* a sample knows nothing of the levels below its L0 */
	result = view.kind == Kind::sample && level_of(full) < counts.level0;
	return walk(
		view,
		[&](int level, size_t index, uint64_t word) {
			if (level == level_of(full) && index == bucket / 64)
				result = (word >> (bucket % 64) & 1) != 0;
		},
		[&](Coupon there) { result = result || there == token; });
}

/* A clear bit of a source means that the element is not in it; a set bit says nothing. */
HllsetStatus
expression_may_contain(HllsetBytes value, Coupon full, bool &result)
{
	Expression expression;
	uint32_t maybe = 0;
	HllsetStatus status = parse_expression(value, expression);

	for (int i = 0; i < expression.count() && status == HLLSET_OK; i++)
	{
		bool in_source = false;

		status = single_may_contain(expression.sources[i], full, in_source);
		maybe |= static_cast<uint32_t>(in_source) << i;
	}
	result = false;
	for (uint32_t x = 0; x < expression.table.size(); x++)
		result = result || ((x & ~maybe) == 0 && expression.table.get(x));
	return status;
}

/* The coupon's bit is in the matrix of a set. Reads no level below its own, and nothing where its plane is full: of a large set, mostly. */
bool
has_bucket(const View &view, Coupon full)
{
	const Counts &counts = view.counts;
	int level = level_of(full);
	uint32_t bucket = address_of(full) & (buckets(counts.precision) - 1);
	bool found = false;

	if (level >= counts.level0 || level < view.full)
		return level < view.full;

	HllsetStatus status = walk_levels(
		view, level,
		[&](int k, size_t index, uint64_t word) {
			if (k == level && index == bucket / 64)
				found = (word >> (bucket % 64) & 1) != 0;
		},
		[](int, auto &&read) { read([](uint32_t) {}); });

	return status == HLLSET_OK && found;
}

HllsetEstimate
estimate_counts(const View &view)
{
	return view.kind == Kind::sample ? estimate_sample(view.counts.tokens, view.counts.level0)
									 : estimate(view.counts);
}

/* The precision and form are the wanted ones. */
bool
fits(const Header &header, int precision, HllsetForm form)
{
	if (form == HLLSET_COMPACT && header.kind != Kind::set)
		return false;
	return precision == header.precision &&
		   (form == HLLSET_AS_IT_IS || header.compact == (form == HLLSET_COMPACT));
}

/* The empty set has nothing to lose: it takes any precision and form. */
HllsetStatus
plan_convert_empty(const Header &header, int precision, HllsetForm form, HllsetPlan &plan)
{
	bool compact = form == HLLSET_AS_IT_IS ? header.compact : form == HLLSET_COMPACT;

	if (precision > kMaxPrecision)
		return HLLSET_BAD_PRECISION;
	plan_empty(precision, compact, plan);
	return HLLSET_OK;
}

/* A set that is to be merged into a state of a precision and form, and an element that comes to it. */
struct Merged
{
	HllsetBytes set;
	View view;
	int precision;
	bool compact;
	Coupon full;

	Graded::Room
	room() const
	{
		return Graded::room(precision, view.counts.precision);
	}

	HllsetStatus
	convert(void *work, HllsetBytes &result) const
	{
		Graded state(work, precision, compact, room());
		HllsetStatus status = state.merge(view);

		if (status == HLLSET_OK)
			result = state.encode();
		return status;
	}

	HllsetStatus
	add(void *work, HllsetBytes &result) const
	{
		Graded state(work, precision, compact, room());
		HllsetStatus status = state.merge(view);

		if (status != HLLSET_OK)
			return status;
		if (state.contains(full))
		{
			result = set;
			return HLLSET_OK;
		}
		state.add(full);
		result = state.encode();
		return HLLSET_OK;
	}
};

} // namespace

HllsetStatus
check_value(HllsetBytes value, HllsetInfo *info)
{
	HllsetInfo found = {};
	View view;
	HllsetStatus status;

	if (kind_of(value) == Kind::expression)
		status = check_and_describe_expression(value, found);
	else
	{
		status = check_single(value, view);
		if (status == HLLSET_OK)
			found = describe(view);
	}
	if (status == HLLSET_OK && info != nullptr)
		*info = found;
	return status;
}

HllsetStatus
ValueCount::open(HllsetBytes value)
{
	is_expression_ = kind_of(value) == Kind::expression;
	return is_expression_ ? sources_.open(&value, 1) : parse_single(value, view_);
}

HllsetStatus
ValueCount::count(void *work, double &result)
{
	if (!is_expression_)
	{
		result = estimate_counts(view_).cardinality;
		return HLLSET_OK;
	}

	double sizes[2];
	HllsetStatus status = sources_.read(work);

	if (status != HLLSET_OK)
		return status;
	Census(sources_).count(sizes);
	result = sizes[1];
	return HLLSET_OK;
}

HllsetStatus
ValueCount::estimate(void *work, HllsetEstimate &result)
{
	HllsetEstimate regions[2];
	HllsetStatus status = is_expression_ ? sources_.read(work) : check_positions(view_);

	if (status != HLLSET_OK)
		return status;
	if (!is_expression_)
	{
		result = estimate_counts(view_);
		return HLLSET_OK;
	}
	Census(sources_).measure(regions);
	result = regions[1];
	return HLLSET_OK;
}

HllsetStatus
plan_convert(HllsetBytes value, int precision, HllsetForm form, HllsetPlan &plan)
{
	Header header;
	HllsetStatus status = read_header(value, header);

	if (status != HLLSET_OK)
		return status;
	if (form < HLLSET_AS_IT_IS || form > HLLSET_COMPACT)
		return HLLSET_BAD_ARGUMENT;
	if (precision < kMinPrecision)
		return HLLSET_BAD_PRECISION;
	if (form != HLLSET_AS_IT_IS && header.kind != Kind::set)
		return HLLSET_NOT_A_SET;
	if (fits(header, precision, form))
	{
		plan_known(value, plan);
		return HLLSET_OK;
	}

	bool is_empty;

	status = look_for_empty(value, is_empty);
	if (status != HLLSET_OK)
		return status;
	if (is_empty)
		return plan_convert_empty(header, precision, form, plan);
	if (precision > header.precision)
		return HLLSET_RAISES_PRECISION;
	if (form == HLLSET_GRADED && header.compact)
		return HLLSET_NOT_GRADED;
	if (header.kind != Kind::set)
		return plan_fold(value, precision, plan);

	Merged &own = start_plan<Merged>(plan);

	status = parse(value, own.view);
	own.precision = precision;
	own.compact = header.compact || form == HLLSET_COMPACT;
	plan.work_size = own.room().bytes();
	plan.run = [](HllsetPlan *planned, void *work, HllsetBytes *result) {
		return content_of<Merged>(*planned).convert(work, *result);
	};
	return status;
}

HllsetStatus
plan_add(HllsetBytes value, Coupon full, HllsetPlan &plan)
{
	Header header;
	HllsetStatus status = read_header(value, header);

	if (status != HLLSET_OK)
		return status;
	if (header.kind != Kind::set)
		return plan_with_element(value, full, plan);

	Merged &own = start_plan<Merged>(plan);

	status = parse(value, own.view);
	if (status == HLLSET_OK && has_bucket(own.view, full))
	{
		plan_known(value, plan);
		return HLLSET_OK;
	}
	own.set = value;
	own.precision = header.precision;
	own.compact = header.compact;
	own.full = full;
	plan.work_size = own.room().bytes();
	plan.run = [](HllsetPlan *planned, void *work, HllsetBytes *result) {
		return content_of<Merged>(*planned).add(work, *result);
	};
	return status;
}

HllsetStatus
may_contain(HllsetBytes value, Coupon full, bool &result)
{
	if (kind_of(value) == Kind::expression)
		return expression_may_contain(value, full, result);
	return single_may_contain(value, full, result);
}

HllsetStatus
write_bits(HllsetBytes set, uint32_t *words)
{
	View view;
	HllsetStatus status = parse(set, view);

	if (status != HLLSET_OK)
		return status;

	uint32_t mask = buckets(view.counts.precision) - 1;

	return walk(
		view,
		[&](int level, size_t index, uint64_t word) {
			for (; word != 0; word &= word - 1)
				words[index * 64 + static_cast<size_t>(std::countr_zero(word))] |= 1u << level;
		},
		[&](Coupon token) { words[address_of(token) & mask] |= 1u << level_of(token); });
}

} // namespace hllset
