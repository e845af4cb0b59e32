/* SPDX-License-Identifier: PostgreSQL */
/* The tokens of a value's sources that satisfy its table, from one level on. */
#include "sample.hpp"

#include "aligned.hpp"

namespace hllset
{

namespace
{

static_assert(token_bits(kKeyPrecision, 1) == kKeyBits);

/* The largest precision that the sources claim. */
int
finest_of(const Expression &expression)
{
	int finest = kMinPrecision;

	for (int i = 0; i < expression.count(); i++)
	{
		Header header;

		if (read_header(expression.sources[i], header) == HLLSET_OK)
			finest = std::max(finest, header.precision);
	}
	return finest;
}

/* Raises level to the largest L0 of the sources, each of which must have tokens. */
HllsetStatus
raise_to_sources(const Expression &expression, int &level)
{
	for (int i = 0; i < expression.count(); i++)
	{
		View view;
		HllsetStatus status = parse_single(expression.sources[i], view);

		if (status != HLLSET_OK)
			return status;
		if (view.counts.level0 == kLevels)
			return HLLSET_NO_TOKENS;
		level = std::max(level, view.counts.level0);
	}
	return HLLSET_OK;
}

} // namespace

/* The empty set has no parts, and nothing to be too coarse for. */
HllsetStatus
Sample::open(HllsetBytes value, int least_level)
{
	bool is_empty;
	HllsetStatus status = look_for_empty(value, is_empty);

	if (status != HLLSET_OK)
		return status;
	if (least_level < 0 || least_level >= kLevels)
		return HLLSET_BAD_ARGUMENT;
	level_ = least_level;
	expression_.table = TruthTable(0);
	if (is_empty)
		return HLLSET_OK;
	status = parse_expression(value, expression_);
	if (status != HLLSET_OK)
		return status;
	if (expression_.precision < kKeyPrecision)
		return HLLSET_TOO_COARSE;
	finest_ = finest_of(expression_);
	return raise_to_sources(expression_, level_);
}

size_t
Sample::lists_size() const
{
	return Aligned::work_size(expression_.count(), expression_.precision, finest_, false);
}

/* The lists, then the keys, no more than the sources have tokens together, and as much room to sort them. */
size_t
Sample::work_size() const
{
	size_t most = static_cast<size_t>(expression_.count()) * list_limit(finest_);

	return expression_.count() == 0 ? 0 : lists_size() + 2 * most * sizeof(MemberKey);
}

HllsetStatus
Sample::keys(void *work, const MemberKey *&keys, size_t &count) const
{
	HllsetStatus status = HLLSET_OK;

	keys = nullptr;
	count = 0;
	if (expression_.count() == 0)
		return HLLSET_OK;

	Aligned lists(work, expression_.count(), expression_.precision, level_, finest_, false);
	MemberKey *chosen = reinterpret_cast<MemberKey *>(static_cast<uint8_t *>(work) + lists_size());

	for (int i = 0; i < expression_.count() && status == HLLSET_OK; i++)
	{
		View view;

		status = parse_single(expression_.sources[i], view);
		if (status == HLLSET_OK)
			status = lists.add(view);
	}
	if (status != HLLSET_OK)
		return status;
	lists.for_each_token([&](Coupon token, uint32_t pattern) {
		if (expression_.table.get(pattern))
			chosen[count++] = key_of(token);
	});
	/* tokens with more bits than a key come neither distinct nor in its order */
	count = sort_unique(chosen, count, chosen + count);
	keys = chosen;
	return HLLSET_OK;
}

} // namespace hllset
