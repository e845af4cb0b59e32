/* SPDX-License-Identifier: PostgreSQL */
/* Every operation is one truth table over the sources of its operands, which is then resolved to the value it stands for. */
#include "algebra.hpp"

#include "aligned.hpp"

namespace hllset
{

namespace
{

/* What is known of the sources from their first bytes. */
struct Survey
{
	int finest = kMinPrecision;
	int level0 = 0; /* the largest */
	bool compact = false;
	bool samples = false;
};

Survey
survey(const Expression &expression)
{
	Survey all;

	for (int i = 0; i < expression.count(); i++)
	{
		HllsetBytes source = expression.sources[i];
		Header header;

		if (read_header(source, header) != HLLSET_OK || source.size <= kHeaderSize)
			continue;
		all.finest = std::max(all.finest, header.precision);
		all.level0 = std::max<int>(all.level0, source.data[kHeaderSize]);
		all.compact = all.compact || header.compact;
		all.samples = all.samples || header.kind == Kind::sample;
	}
	return all;
}

bool
apply(HllsetOp op, bool a, bool b)
{
	switch (op)
	{
		case HLLSET_UNION:
			return a || b;
		case HLLSET_INTERSECTION:
			return a && b;
		case HLLSET_DIFFERENCE:
			return a && !b;
		case HLLSET_SYMMETRIC_DIFFERENCE:
			return a != b;
	}
	return false;
}

HllsetStatus
join(HllsetOp op, HllsetBytes a, HllsetBytes b, Expression &joined)
{
	/* a caller in C can pass any number */
	if (op < HLLSET_UNION || op > HLLSET_SYMMETRIC_DIFFERENCE)
		return HLLSET_BAD_ARGUMENT;

	Expression right;
	HllsetStatus status = parse_expression(a, joined);

	if (status == HLLSET_OK)
		status = parse_expression(b, right);
	if (status != HLLSET_OK)
		return status;

	int left_count = joined.count();
	TruthTable table(left_count + right.count());

	for (uint32_t x = 0; x < table.size(); x++)
		table.put(x, apply(op, joined.table.get(x & ((1u << left_count) - 1)),
						   right.table.get(x >> left_count)));
	joined.precision = std::min(joined.precision, right.precision);
	joined.compact = joined.compact || right.compact;
	joined.table = table;
	for (int i = 0; i < right.count(); i++)
		joined.sources[left_count + i] = right.sources[i];
	return HLLSET_OK;
}

/* Adds all sources to lists at the largest L0. */
HllsetStatus
read_lists(const Expression &expression, Aligned &lists)
{
	HllsetStatus status = HLLSET_OK;

	for (int i = 0; i < expression.count() && status == HLLSET_OK; i++)
	{
		View view;

		status = parse_single(expression.sources[i], view);
		if (status == HLLSET_OK)
			status = lists.add(view);
	}
	return status;
}

/* Token lists are wanted by samples, and by small sets, whose algebra is exact. */
size_t
lists_work(const Expression &expression, const Survey &all)
{
	size_t lists = Aligned::work_size(expression.count(), expression.precision, all.finest, false);

	/* the lists, as many selected tokens, and what is written of them */
	return 2 * lists + encoded_bound(expression.precision, 0, list_limit(expression.precision));
}

/* Of sources that can't be sampled: a bad one, or one that has no tokens. */
HllsetStatus
refuse_sources(const Expression &expression)
{
	for (int i = 0; i < expression.count(); i++)
	{
		View view;
		HllsetStatus status = parse_single(expression.sources[i], view);

		if (status != HLLSET_OK)
			return status;
	}
	return HLLSET_TOO_MANY_SOURCES;
}

/* The tokens that satisfy the table, at the largest L0 of the sources or the next with at most S of them. */
HllsetStatus
take_sample(const Expression &expression, void *work, HllsetBytes &result)
{
	Survey all = survey(expression);

	if (all.level0 >= kLevels)
		return refuse_sources(expression);

	size_t lists_size =
		Aligned::work_size(expression.count(), expression.precision, all.finest, false);
	Aligned lists(work, expression.count(), expression.precision, all.level0, all.finest, false);
	Coupon *selected = reinterpret_cast<Coupon *>(static_cast<uint8_t *>(work) + lists_size);
	size_t count = 0;
	HllsetStatus status = read_lists(expression, lists);

	if (status != HLLSET_OK)
		return status;
	lists.for_each_token([&](Coupon token, uint32_t pattern) {
		if (expression.table.get(pattern))
			selected[count++] = token;
	});

	Counts counts = {};
	Coupon *first = selected;
	uint8_t *out = reinterpret_cast<uint8_t *>(selected + count);

	counts.precision = expression.precision;
	counts.level0 = all.level0;
	while (count > list_limit(expression.precision) ||
		   (count > 0 && level_of(*first) < counts.level0))
	{
		if (level_of(*first) >= counts.level0)
			counts.level0++;
		else
		{
			first++;
			count--;
		}
	}
	if (counts.level0 == kLevels)
		return HLLSET_TOO_MANY_SOURCES;
	counts.tokens = static_cast<uint32_t>(count);
	for (size_t i = 0; i < count; i++)
		counts.ones[level_of(first[i])]++;
	result = {out, encode_sample(counts, first, out)};
	return HLLSET_OK;
}

/* The exact result over small sets. */
HllsetStatus
evaluate(const Expression &expression, void *work, HllsetBytes &result)
{
	int p = expression.precision;
	size_t lists_size = Aligned::work_size(expression.count(), p, p, false);
	Aligned lists(work, expression.count(), p, 0, p, false);
	Graded state(static_cast<uint8_t *>(work) + lists_size, p, expression.compact, p);
	HllsetStatus status = read_lists(expression, lists);

	if (status != HLLSET_OK)
		return status;
	lists.for_each_token([&](Coupon token, uint32_t pattern) {
		if (expression.table.get(pattern))
			state.append(token);
	});
	state.settle();
	result = state.encode();
	return HLLSET_OK;
}

bool
is_union_of_sets(HllsetOp op, HllsetBytes a, HllsetBytes b)
{
	Header ha;
	Header hb;

	return op == HLLSET_UNION && read_header(a, ha) == HLLSET_OK &&
		   read_header(b, hb) == HLLSET_OK && ha.kind == Kind::set && hb.kind == Kind::set;
}

/* Which operands are the empty set. */
struct Empties
{
	bool a = false;
	bool b = false;
};

HllsetStatus
look_for_empties(HllsetBytes a, HllsetBytes b, Empties &empties)
{
	HllsetStatus status = look_for_empty(a, empties.a);

	return status == HLLSET_OK ? look_for_empty(b, empties.b) : status;
}

/* Every byte of an operand that the result may be. */
HllsetStatus
check_operand(HllsetBytes value, Kind kind)
{
	View view;

	return kind == Kind::expression ? check_expression(value) : check_single(value, view);
}

/* The empty set has no say in precision and form, and nothing to add: the other operand stays as it is, or nothing of it does. */
HllsetStatus
combine_with_empty(HllsetOp op, HllsetBytes a, HllsetBytes b, Empties empties, void *work,
				   HllsetBytes &result)
{
	uint8_t *out = static_cast<uint8_t *>(work);
	Header ha;
	Header hb;
	HllsetStatus status = read_header(a, ha);

	if (status == HLLSET_OK)
		status = read_header(b, hb);
	if (status != HLLSET_OK)
		return status;
	if (empties.a && empties.b)
	{
		int finer = std::max(ha.precision, hb.precision);

		result = {out, hllset_core_empty(finer, ha.compact && hb.compact, out)};
		return HLLSET_OK;
	}

	HllsetBytes other = empties.a ? b : a;
	Header header = empties.a ? hb : ha;

	status = check_operand(other, header.kind);
	if (status != HLLSET_OK)
		return status;
	result = other;
	if (!apply(op, !empties.a, !empties.b))
		result = {out, hllset_core_empty(header.precision, header.compact, out)};
	return HLLSET_OK;
}

/* The union of sets needs no table. */
HllsetStatus
unite(const Expression &sets, void *work, HllsetBytes &result)
{
	Graded state(work, sets.precision, sets.compact, survey(sets).finest);
	HllsetStatus status = HLLSET_OK;

	for (int i = 0; i < sets.count() && status == HLLSET_OK; i++)
	{
		View view;

		status = parse(sets.sources[i], view);
		if (status == HLLSET_OK)
			status = state.merge(view);
	}
	if (status == HLLSET_OK)
		result = state.encode();
	return status;
}

/* The workspace is: what reduce() makes; then lists, or what is written. */
size_t
first_part(const Expression &expression, const Survey &all)
{
	return all.samples ? 0 : reduce_work(expression.count(), expression.precision, all.finest);
}

size_t
resolve_work(const Expression &expression)
{
	Survey all = survey(expression);
	int p = expression.precision;
	size_t lists = Graded::work_size(p, p) + lists_work(expression, all);
	size_t bound = encoded_bound(p, kLevels, list_limit(p));
	size_t written = written_size(expression) + static_cast<size_t>(expression.count()) * bound;

	return first_part(expression, all) + std::max(lists, written);
}

HllsetStatus
resolve(Expression &expression, void *work, HllsetBytes &result)
{
	Survey all = survey(expression);
	uint8_t *second = static_cast<uint8_t *>(work) + first_part(expression, all);

	if (all.samples)
		return take_sample(expression, second, result);

	HllsetStatus status = reduce(expression, all.finest, work);

	if (status != HLLSET_OK)
		return status;
	if (expression.count() == 0)
	{
		result = {second, hllset_core_empty(expression.precision, expression.compact, second)};
		return HLLSET_OK;
	}
	if (expression.count() == 1)
	{
		result = expression.sources[0];
		return HLLSET_OK;
	}
	all = survey(expression);
	if (all.level0 == 0)
		return evaluate(expression, second, result);
	if (expression.count() > kMaxSources)
		return take_sample(expression, second, result);
	expression.compact = all.compact;
	result = {second, write_expression(expression, second)};
	return HLLSET_OK;
}

} // namespace

size_t
combine_work(HllsetOp op, HllsetBytes a, HllsetBytes b)
{
	Expression joined;
	Empties empties;

	if (look_for_empties(a, b, empties) != HLLSET_OK)
		return 0;
	if (empties.a || empties.b)
		return HLLSET_EMPTY_SIZE;
	if (join(op, a, b, joined) != HLLSET_OK)
		return 0;
	if (is_union_of_sets(op, a, b))
		return Graded::work_size(joined.precision, survey(joined).finest);
	return resolve_work(joined);
}

HllsetStatus
combine(HllsetOp op, HllsetBytes a, HllsetBytes b, void *work, HllsetBytes &result)
{
	Expression joined;
	Empties empties;
	HllsetStatus status = look_for_empties(a, b, empties);

	if (status == HLLSET_OK && (empties.a || empties.b))
		return combine_with_empty(op, a, b, empties, work, result);
	if (status == HLLSET_OK)
		status = join(op, a, b, joined);
	if (status != HLLSET_OK)
		return status;
	return is_union_of_sets(op, a, b) ? unite(joined, work, result) : resolve(joined, work, result);
}

size_t
fold_work(HllsetBytes value)
{
	Expression expression;

	return parse_expression(value, expression) == HLLSET_OK ? resolve_work(expression) : 0;
}

HllsetStatus
fold(HllsetBytes value, int precision, void *work, HllsetBytes &result)
{
	Expression expression;
	HllsetStatus status = parse_expression(value, expression);

	if (status != HLLSET_OK)
		return status;
	if (precision < kMinPrecision)
		return HLLSET_BAD_PRECISION;
	if (precision > expression.precision)
		return HLLSET_RAISES_PRECISION;
	expression.precision = precision;
	return resolve(expression, work, result);
}

size_t
sample_work(HllsetBytes value)
{
	Expression expression;

	if (parse_expression(value, expression) != HLLSET_OK)
		return 0;
	return lists_work(expression, survey(expression));
}

HllsetStatus
sample(HllsetBytes value, void *work, HllsetBytes &result)
{
	Expression expression;
	HllsetStatus status = parse_expression(value, expression);

	if (status != HLLSET_OK)
		return status;
	if (survey(expression).level0 > 0)
		return take_sample(expression, work, result);
	result = value;
	return HLLSET_OK;
}

} // namespace hllset
