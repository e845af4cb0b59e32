/* SPDX-License-Identifier: PostgreSQL */
/* Every operation is one truth table over the sources of its operands, which is then resolved to the value it stands for. */
#include "algebra.hpp"

#include "aligned.hpp"
#include "one_element.hpp"
#include "shortcut.hpp"

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

HllsetStatus
join(HllsetOp op, HllsetBytes a, HllsetBytes b, Expression &joined)
{
	Expression right;
	HllsetStatus status = parse_expression(a, joined);

	if (status == HLLSET_OK)
		status = parse_expression(b, right);
	if (status != HLLSET_OK)
		return status;

	int left_count = joined.count();

	joined.precision = std::min(joined.precision, right.precision);
	joined.compact = joined.compact || right.compact;
	joined.table = TruthTable::joined(joined.table, right.table, bit_operation(op));
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

/* Calls sink(token) for each token that satisfies the table. */
template <typename Sink>
void
for_each_selected(const TruthTable &table, const Aligned &lists, Sink &&sink)
{
	uint32_t around = 0;
	auto select = [&](Coupon token, uint32_t pattern) {
		if (table.get(pattern))
			sink(token);
	};

	/* two lists are as fast to go through at once */
	for (int i = 0; i < table.sources() && table.sources() > 2; i++)
		around |= static_cast<uint32_t>(table.is_within(i)) << i;
	if (around != 0)
		lists.for_each_common_token(around, select);
	else
		lists.for_each_token(select);
}

/* The tokens that satisfy the table, at the largest L0 of the sources or the next with at most S of them. */
HllsetStatus
take_sample(const Expression &expression, const Survey &all, void *work, HllsetBytes &result)
{
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
	for_each_selected(expression.table, lists, [&](Coupon token) { selected[count++] = token; });

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
	for_each_selected(expression.table, lists, [&](Coupon token) { state.append(token); });
	state.settle();
	result = state.encode();
	return HLLSET_OK;
}

/* The workspace is: what reduce() makes; then lists, or what is written. */
size_t
first_part(const Expression &expression, const Survey &all)
{
	return all.samples ? 0 : reduce_work(expression.count(), expression.precision, all.finest);
}

/* An expression that is to become a value, and what its sources say of themselves. */
struct Resolution
{
	Expression expression;
	Survey all;
	OneElement element; /* where an element's own set lies, if one is a source */

	size_t
	work_size() const
	{
		int p = expression.precision;
		size_t lists = Graded::work_size(p, p) + lists_work(expression, all);
		size_t bound = encoded_bound(p, kLevels, list_limit(p));
		size_t written = written_size(expression) + static_cast<size_t>(expression.count()) * bound;

		return first_part(expression, all) + std::max(lists, written);
	}
};

HllsetStatus
resolve(Resolution &own, void *work, HllsetBytes &result)
{
	Expression &expression = own.expression;
	Survey all = own.all;
	uint8_t *second = static_cast<uint8_t *>(work) + first_part(expression, all);

	if (all.samples)
		return take_sample(expression, all, second, result);

	HllsetStatus status = reduce(expression, all.finest, work);

	if (status != HLLSET_OK)
		return status;
	if (expression.count() == 0)
	{
		result = {second, write_empty(expression.precision, expression.compact, second)};
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
		return take_sample(expression, all, second, result);
	expression.compact = all.compact;
	result = {second, write_expression(expression, second)};
	return HLLSET_OK;
}

void
plan_resolution(Resolution &own, HllsetPlan &plan)
{
	own.all = survey(own.expression);
	plan.work_size = own.work_size();
	plan.run = [](HllsetPlan *planned, void *work, HllsetBytes *result) {
		return resolve(content_of<Resolution>(*planned), work, *result);
	};
}

} // namespace

HllsetStatus
plan_combine(HllsetOp op, HllsetBytes a, HllsetBytes b, HllsetPlan &plan)
{
	Empties empties;
	HllsetStatus status = look_for_empties(a, b, empties);

	/* a caller in C can pass any number */
	if (bit_operation(op) == nullptr)
		return HLLSET_BAD_ARGUMENT;
	if (status != HLLSET_OK)
		return status;
	if (empties.a || empties.b)
		return plan_with_empty(op, a, b, empties, plan);
	if (is_union_of_sets(op, a, b))
		return plan_union(a, b, plan);

	Resolution &own = start_plan<Resolution>(plan);

	status = join(op, a, b, own.expression);
	if (status == HLLSET_OK)
		plan_resolution(own, plan);
	return status;
}

HllsetStatus
plan_with_element(HllsetBytes value, Coupon full, HllsetPlan &plan)
{
	Resolution &own = start_plan<Resolution>(plan);
	Header header;
	HllsetStatus status = read_header(value, header);

	if (status != HLLSET_OK)
		return status;
	own.element = OneElement(header.precision, header.compact, full);
	status = join(HLLSET_UNION, value, own.element.bytes(), own.expression);
	if (status == HLLSET_OK)
		plan_resolution(own, plan);
	return status;
}

HllsetStatus
plan_fold(HllsetBytes value, int precision, HllsetPlan &plan)
{
	Resolution &own = start_plan<Resolution>(plan);
	HllsetStatus status = parse_expression(value, own.expression);

	if (status != HLLSET_OK)
		return status;
	if (precision < kMinPrecision)
		return HLLSET_BAD_PRECISION;
	if (precision > own.expression.precision)
		return HLLSET_RAISES_PRECISION;
	own.expression.precision = precision;
	plan_resolution(own, plan);
	return HLLSET_OK;
}

HllsetStatus
plan_sample(HllsetBytes value, HllsetPlan &plan)
{
	Resolution &own = start_plan<Resolution>(plan);
	HllsetStatus status = parse_expression(value, own.expression);

	if (status != HLLSET_OK)
		return status;
	own.all = survey(own.expression);
	if (own.all.level0 == 0)
	{
		plan_known(value, plan);
		return HLLSET_OK;
	}
	plan.work_size = lists_work(own.expression, own.all);
	plan.run = [](HllsetPlan *planned, void *work, HllsetBytes *result) {
		const Resolution &sampled = content_of<Resolution>(*planned);

		return take_sample(sampled.expression, sampled.all, work, *result);
	};
	return HLLSET_OK;
}

} // namespace hllset
