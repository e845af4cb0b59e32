/* SPDX-License-Identifier: PostgreSQL */
/* Making sets, adding to them, the operations on two values. */
#include "hllset_pg.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(hllset_empty);
PG_FUNCTION_INFO_V1(hllset_of);
PG_FUNCTION_INFO_V1(hllset_add);
PG_FUNCTION_INFO_V1(hllset_union);
PG_FUNCTION_INFO_V1(hllset_intersection);
PG_FUNCTION_INFO_V1(hllset_difference);
PG_FUNCTION_INFO_V1(hllset_symmetric_difference);
PG_FUNCTION_INFO_V1(hllset_diff);

Datum
hllset_empty(PG_FUNCTION_ARGS)
{
	int precision = PG_GETARG_INT32(0);
	uint8 body[HLLSET_EMPTY_SIZE];
	HllsetBytes bytes = {body, 0};

	hllset_check_precision(precision);
	bytes.size = hllset_core_empty(precision, false, body);
	return hllset_new(bytes);
}

static void
add_members(FunctionCallInfo fcinfo, HllsetState *state)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	Oid type = ARR_ELEMTYPE(array);
	ArrayIterator members = array_create_iterator(array, 0, NULL);
	Datum member;
	bool isnull;

	while (array_iterate(members, &member, &isnull))
	{
		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			hllset_state_add(state, hllset_hash_member(fcinfo, member, type));
	}
	array_free_iterator(members);
}

/* An array among the elements is refused: most often VARIADIC was forgotten. */
static void
add_arguments(FunctionCallInfo fcinfo, HllsetState *state)
{
	for (int i = 0; i < PG_NARGS(); i++)
	{
		Oid type = get_fn_expr_argtype(fcinfo->flinfo, i);

		if (OidIsValid(type) && OidIsValid(get_base_element_type(type)))
			hllset_refuse_array();
		if (!PG_ARGISNULL(i))
			hllset_state_add(state, hllset_hash_one_of(fcinfo, i));
	}
}

Datum
hllset_of(PG_FUNCTION_ARGS)
{
	HllsetState *state = hllset_state_new(CurrentMemoryContext, HLLSET_DEFAULT_PRECISION);

	if (!get_fn_expr_variadic(fcinfo->flinfo))
		add_arguments(fcinfo, state);
	else if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	else
		add_members(fcinfo, state);
	return hllset_state_encode(state);
}

/* hll_add is not strict: a NULL element leaves the set as it is. */
static Datum
set_unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return PG_GETARG_DATUM(0);
}

static Datum
add_hash(FunctionCallInfo fcinfo, uint64 hash)
{
	Datum original = PG_GETARG_DATUM(0);
	Datum expanded = hllset_expanded_operand(fcinfo, original);
	HllsetPlan plan;
	HllsetBytes bytes;
	HllsetBytes result;
	HllsetStatus status;

	if (expanded != (Datum) 0)
		return hllset_expanded_add(expanded, hash);
	bytes = hllset_bytes(DatumGetHllset(original));
	status = hllset_make(&plan, hllset_core_plan_add(&plan, bytes, hash), &result);
	if (status != HLLSET_OK)
		hllset_report(status);
	return hllset_same(bytes, result) ? original : hllset_made(fcinfo, result);
}

Datum
hllset_add(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return set_unchanged(fcinfo);
	return add_hash(fcinfo, hllset_hash_argument(fcinfo, 1));
}

HllsetBytes
hllset_combine(HllsetOp op, HllsetBytes a, HllsetBytes b)
{
	HllsetPlan plan;
	HllsetBytes result;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_make(&plan, hllset_core_plan_combine(&plan, op, a, b), &result);
	if (status != HLLSET_OK)
		hllset_report(status);
	return result;
}

static Datum
combine(FunctionCallInfo fcinfo, HllsetOp op)
{
	HllsetBytes a = hllset_bytes(PG_GETARG_HLLSET(0));
	HllsetBytes b = hllset_bytes(PG_GETARG_HLLSET(1));
	HllsetBytes result = hllset_combine(op, a, b);

	/* An operand itself is returned as it is stored, so that an update that changes nothing keeps its out-of-line bytes. */
	if (hllset_same(a, result))
		return PG_GETARG_DATUM(0);
	if (hllset_same(b, result))
		return PG_GETARG_DATUM(1);
	return hllset_made(fcinfo, result);
}

Datum
hllset_union(PG_FUNCTION_ARGS)
{
	Datum expanded = hllset_expanded_operand(fcinfo, PG_GETARG_DATUM(0));

	if (expanded != (Datum) 0)
		expanded = hllset_expanded_union(expanded, hllset_bytes(PG_GETARG_HLLSET(1)));
	if (expanded != (Datum) 0)
		return expanded;
	return combine(fcinfo, HLLSET_UNION);
}

Datum
hllset_intersection(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, HLLSET_INTERSECTION);
}

Datum
hllset_difference(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, HLLSET_DIFFERENCE);
}

Datum
hllset_symmetric_difference(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, HLLSET_SYMMETRIC_DIFFERENCE);
}

/* What is gone, what stayed, what came, between an old value and a new one. */
Datum
hllset_diff(PG_FUNCTION_ARGS)
{
	HllsetBytes before = hllset_bytes(PG_GETARG_HLLSET(0));
	HllsetBytes after = hllset_bytes(PG_GETARG_HLLSET(1));
	TupleDesc row;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = hllset_new(hllset_combine(HLLSET_DIFFERENCE, before, after));
	values[1] = hllset_new(hllset_combine(HLLSET_INTERSECTION, before, after));
	values[2] = hllset_new(hllset_combine(HLLSET_DIFFERENCE, after, before));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}
