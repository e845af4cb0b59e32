/* SPDX-License-Identifier: PostgreSQL */
/* Operands are told apart by their first bytes. */
#include "shortcut.hpp"

namespace hllset
{

namespace
{

uint64_t
unite_bits(uint64_t a, uint64_t b)
{
	return a | b;
}

uint64_t
intersect_bits(uint64_t a, uint64_t b)
{
	return a & b;
}

uint64_t
subtract_bits(uint64_t a, uint64_t b)
{
	return a & ~b;
}

uint64_t
differ_bits(uint64_t a, uint64_t b)
{
	return a ^ b;
}

/* Every byte of an operand that the result may be. */
HllsetStatus
check_operand(HllsetBytes value, Kind kind)
{
	View view;

	return kind == Kind::expression ? check_expression(value) : check_single(value, view);
}

bool
are_equal(HllsetBytes a, HllsetBytes b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* Two sets that are to be united. */
struct Union
{
	HllsetBytes bytes_a;
	HllsetBytes bytes_b;
	View a;
	View b;

	int
	precision() const
	{
		return std::min(a.counts.precision, b.counts.precision);
	}

	/* Of two small sets that stay small there are only tokens. */
	Graded::Room
	room() const
	{
		size_t tokens = size_t{a.counts.tokens} + b.counts.tokens;

		if (a.counts.level0 == 0 && b.counts.level0 == 0 && tokens <= list_limit(precision()))
			return Graded::small_room(tokens);
		return Graded::room(precision(), std::max(a.counts.precision, b.counts.precision));
	}
};

HllsetStatus
unite(const Union &both, void *work, HllsetBytes &result)
{
	Graded state(work, both.precision(), both.a.counts.compact || both.b.counts.compact,
				 both.room());
	HllsetStatus status = state.merge(both.a, both.b);

	if (status != HLLSET_OK)
		return status;

	Counts counts = state.counts();

	if (counts == both.a.counts)
		result = both.bytes_a;
	else if (counts == both.b.counts)
		result = both.bytes_b;
	else
		result = state.encode(counts);
	return HLLSET_OK;
}

} // namespace

TruthTable::Apply
bit_operation(HllsetOp op)
{
	switch (op)
	{
		case HLLSET_UNION:
			return unite_bits;
		case HLLSET_INTERSECTION:
			return intersect_bits;
		case HLLSET_DIFFERENCE:
			return subtract_bits;
		case HLLSET_SYMMETRIC_DIFFERENCE:
			return differ_bits;
	}
	return nullptr;
}

HllsetStatus
look_for_empties(HllsetBytes a, HllsetBytes b, Empties &empties)
{
	HllsetStatus status = look_for_empty(a, empties.a);

	return status == HLLSET_OK ? look_for_empty(b, empties.b) : status;
}

void
plan_known(HllsetBytes value, HllsetPlan &plan)
{
	start_plan<HllsetBytes>(plan) = value;
	plan.run = [](HllsetPlan *own, void *, HllsetBytes *result) {
		*result = content_of<HllsetBytes>(*own);
		return HLLSET_OK;
	};
}

void
plan_empty(int precision, bool compact, HllsetPlan &plan)
{
	start_plan<Header>(plan) = {Kind::set, compact, precision};
	plan.work_size = HLLSET_EMPTY_SIZE;
	plan.run = [](HllsetPlan *own, void *work, HllsetBytes *result) {
		const Header &header = content_of<Header>(*own);
		uint8_t *out = static_cast<uint8_t *>(work);

		*result = {out, write_empty(header.precision, header.compact, out)};
		return HLLSET_OK;
	};
}

HllsetStatus
plan_with_empty(HllsetOp op, HllsetBytes a, HllsetBytes b, Empties empties, HllsetPlan &plan)
{
	Header ha;
	Header hb;
	HllsetStatus status = read_header(a, ha);

	if (status == HLLSET_OK)
		status = read_header(b, hb);
	if (status != HLLSET_OK)
		return status;
	if (empties.a && empties.b)
	{
		plan_empty(std::max(ha.precision, hb.precision), ha.compact && hb.compact, plan);
		return HLLSET_OK;
	}

	HllsetBytes other = empties.a ? b : a;
	Header header = empties.a ? hb : ha;

	status = check_operand(other, header.kind);
	if (status != HLLSET_OK)
		return status;
	if ((bit_operation(op)(!empties.a, !empties.b) & 1) != 0)
		plan_known(other, plan);
	else
		plan_empty(header.precision, header.compact, plan);
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

HllsetStatus
plan_union(HllsetBytes a, HllsetBytes b, HllsetPlan &plan)
{
	Union &own = start_plan<Union>(plan);
	HllsetStatus status = parse(a, own.a);

	if (status != HLLSET_OK)
		return status;
	if (are_equal(a, b))
	{
		plan_known(a, plan);
		return HLLSET_OK;
	}
	status = parse(b, own.b);
	own.bytes_a = a;
	own.bytes_b = b;
	plan.work_size = own.room().bytes();
	plan.run = [](HllsetPlan *planned, void *work, HllsetBytes *result) {
		return unite(content_of<Union>(*planned), work, *result);
	};
	return status;
}

} // namespace hllset
