/* SPDX-License-Identifier: PostgreSQL */
/* Each function turns to the value's kind; sets are worked on here, the others by the algebra. */
#include "value.hpp"

#include "algebra.hpp"
#include "census.hpp"
#include "estimate.hpp"

namespace hllset
{

namespace
{

/* What is no value counts as a set, which its parser then refuses. */
Kind
kind_of(HllsetBytes value)
{
	Header header;

	return read_header(value, header) == HLLSET_OK ? header.kind : Kind::set;
}

/* The precision that a workspace must serve; what is no value is refused before it is used. */
int
precision_of(HllsetBytes value)
{
	Header header;

	return read_header(value, header) == HLLSET_OK ? header.precision : kMinPrecision;
}

/* A value with one element, in a buffer of its own. */
class Single
{
public:
	Single(int precision, bool compact, Coupon full)
	{
		Counts counts = {};

		counts.precision = precision;
		counts.compact = compact;
		counts.tokens = 1;
		counts.ones[level_of(full)] = 1;
		size_ = encode(counts, Matrix(), &full, bytes_);
	}

	HllsetBytes
	bytes() const
	{
		return {bytes_, size_};
	}

private:
	uint8_t bytes_[32];
	size_t size_;
};

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
convert_empty(const Header &header, int precision, HllsetForm form, void *work, HllsetBytes &result)
{
	bool compact = form == HLLSET_AS_IT_IS ? header.compact : form == HLLSET_COMPACT;
	uint8_t *out = static_cast<uint8_t *>(work);

	if (precision > kMaxPrecision)
		return HLLSET_BAD_PRECISION;
	result = {out, hllset_core_empty(precision, compact, out)};
	return HLLSET_OK;
}

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

size_t
estimate_work(HllsetBytes value)
{
	Census census;

	if (kind_of(value) != Kind::expression || census.open(&value, 1) != HLLSET_OK)
		return 0;
	return census.work_size();
}

HllsetStatus
count_value(HllsetBytes value, void *work, double &result)
{
	if (kind_of(value) != Kind::expression)
	{
		View view;
		HllsetStatus status = parse_single(value, view);

		if (status == HLLSET_OK)
			result = estimate_counts(view).cardinality;
		return status;
	}

	Census census;
	HllsetStatus status = census.open(&value, 1);

	if (status == HLLSET_OK)
		status = census.read(work);
	if (status == HLLSET_OK)
		result = census.count();
	return status;
}

HllsetStatus
estimate_value(HllsetBytes value, void *work, HllsetEstimate &result)
{
	if (kind_of(value) == Kind::expression)
	{
		Census census;
		HllsetEstimate regions[2];
		HllsetStatus status = census.open(&value, 1);

		if (status == HLLSET_OK)
			status = census.read(work);
		if (status != HLLSET_OK)
			return status;
		census.measure(regions);
		result = regions[1];
		return HLLSET_OK;
	}

	View view;
	HllsetStatus status = check_single(value, view);

	if (status == HLLSET_OK)
		result = estimate_counts(view);
	return status;
}

size_t
convert_work(HllsetBytes value)
{
	int p = precision_of(value);

	/* the state is no larger than at the set's own precision */
	return kind_of(value) == Kind::set ? Graded::work_size(p, p) : fold_work(value);
}

HllsetStatus
convert(HllsetBytes value, int precision, HllsetForm form, void *work, HllsetBytes &result)
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
		result = value;
		return HLLSET_OK;
	}

	bool is_empty;

	status = look_for_empty(value, is_empty);
	if (status != HLLSET_OK)
		return status;
	if (is_empty)
		return convert_empty(header, precision, form, work, result);
	if (precision > header.precision)
		return HLLSET_RAISES_PRECISION;
	if (form == HLLSET_GRADED && header.compact)
		return HLLSET_NOT_GRADED;

	if (header.kind != Kind::set)
		return fold(value, precision, work, result);

	View view;
	Graded state(work, precision, header.compact || form == HLLSET_COMPACT, header.precision);

	status = parse(value, view);
	if (status == HLLSET_OK)
		status = state.merge(view);
	if (status == HLLSET_OK)
		result = state.encode();
	return status;
}

size_t
add_work(HllsetBytes value)
{
	int p = precision_of(value);

	if (kind_of(value) == Kind::set)
		return Graded::work_size(p, p);
	return combine_work(HLLSET_UNION, value, Single(p, false, 0).bytes());
}

HllsetStatus
add(HllsetBytes value, Coupon full, void *work, HllsetBytes &result)
{
	Header header;
	HllsetStatus status = read_header(value, header);

	if (status != HLLSET_OK)
		return status;

	if (header.kind != Kind::set)
		return combine(HLLSET_UNION, value, Single(header.precision, header.compact, full).bytes(),
					   work, result);

	View view;
	Graded state(work, header.precision, header.compact, header.precision);

	status = parse(value, view);
	if (status == HLLSET_OK && has_bucket(view, full))
	{
		result = value;
		return HLLSET_OK;
	}
	if (status == HLLSET_OK)
		status = state.merge(view);
	if (status != HLLSET_OK)
		return status;
	if (state.contains(full))
	{
		result = value;
		return HLLSET_OK;
	}
	state.add(full);
	result = state.encode();
	return HLLSET_OK;
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
