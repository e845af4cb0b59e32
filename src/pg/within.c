/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets that contain a part of one: the type hllwithin, operator %> and its operator class for GIN. Its keys are all tokens that a set has at precision
 * 12, and one that says from which level on it has them. So the index knows what the operator knows, and decides.
 */
#include "hllset_pg.h"

#include "access/gin.h"

PG_FUNCTION_INFO_V1(hllset_within_in);
PG_FUNCTION_INFO_V1(hllset_within_out);
PG_FUNCTION_INFO_V1(hllset_within_recv);
PG_FUNCTION_INFO_V1(hllset_within_send);
PG_FUNCTION_INFO_V1(hllset_within);
PG_FUNCTION_INFO_V1(hllset_contains_part);
PG_FUNCTION_INFO_V1(hllset_gin_contain_keys);
PG_FUNCTION_INFO_V1(hllset_gin_within_query);
PG_FUNCTION_INFO_V1(hllset_gin_within_consistent);
PG_FUNCTION_INFO_V1(hllset_gin_within_triconsistent);

static const HllsetQueryType type = {
	"hllwithin", {HLLSET_CONTAIN, "function hll_within"}, {HLLSET_CONTAIN, "operator %>"}};

static const HllsetAsker index_class = {HLLSET_CONTAIN, "operator class hllset_contain_ops"};

/* The verdicts of the core are those of GIN, and its booleans the first two of them. */
StaticAssertDecl((int) HLLSET_NO == GIN_FALSE && (int) HLLSET_YES == GIN_TRUE &&
					 (int) HLLSET_MAYBE == GIN_MAYBE,
				 "the core answers with other numbers than GIN");

Datum
hllset_within_in(PG_FUNCTION_ARGS)
{
	return hllset_query_in(fcinfo, &type);
}

Datum
hllset_within_out(PG_FUNCTION_ARGS)
{
	return hllset_query_out(fcinfo);
}

Datum
hllset_within_recv(PG_FUNCTION_ARGS)
{
	return hllset_query_recv(fcinfo, &type);
}

Datum
hllset_within_send(PG_FUNCTION_ARGS)
{
	return hllset_query_send(fcinfo);
}

Datum
hllset_within(PG_FUNCTION_ARGS)
{
	return hllset_query_make(fcinfo, &type);
}

Datum
hllset_contains_part(PG_FUNCTION_ARGS)
{
	return hllset_query_holds(fcinfo, &type);
}

/* ---- the operator class ---- */

/* As the integer of these bits: no key has the sign bit. */
static Datum
key_entry(uint32 key)
{
	return Int32GetDatum((int32) key);
}

static Datum
level0_key(int level0)
{
	return Int32GetDatum(-1 - level0);
}

Datum
hllset_gin_contain_keys(PG_FUNCTION_ARGS)
{
	int32 *count = (int32 *) PG_GETARG_POINTER(1);
	HllsetKeys keys = hllset_keys(&index_class, hllset_bytes(PG_GETARG_HLLSET(0)));
	Datum *entries = palloc((keys.count + 1) * sizeof(Datum));

	*count = (int32) keys.count + 1;
	entries[0] = level0_key(keys.level0);
	for (size_t i = 0; i < keys.count; i++)
		entries[i + 1] = key_entry(keys.keys[i]);
	PG_RETURN_POINTER(entries);
}

/* In the order of the plan. Without keys nothing is contained: GIN then looks for nothing. */
Datum
hllset_gin_within_query(PG_FUNCTION_ARGS)
{
	int32 *count = (int32 *) PG_GETARG_POINTER(1);
	Pointer **extra_data = (Pointer **) PG_GETARG_POINTER(4);
	HllsetBytes bytes;
	HllsetQuery query = hllset_query_argument(fcinfo, 0, &type, &bytes);
	HllsetContainPlan *plan = palloc(sizeof(HllsetContainPlan));
	Datum *entries;
	int asked = 0;

	*count = 0;
	if (query.count == 0)
		PG_RETURN_POINTER(NULL);
	hllset_core_contain_plan(bytes, plan);
	*count = plan->keys + plan->highest - plan->level0;
	entries = palloc(*count * sizeof(Datum));
	for (size_t i = query.count; i-- > 0;)
		entries[asked++] = key_entry(hllset_query_key(&query, i));
	for (int level = plan->level0 + 1; level <= plan->highest; level++)
		entries[asked++] = level0_key(level);
	*extra_data = palloc0(*count * sizeof(Pointer));
	(*extra_data)[0] = (Pointer) plan;
	PG_RETURN_POINTER(entries);
}

static HllsetVerdict
verdict(FunctionCallInfo fcinfo)
{
	Pointer *extra_data = (Pointer *) PG_GETARG_POINTER(4);

	return hllset_core_contain_verdict((HllsetContainPlan *) extra_data[0],
									   (const char *) PG_GETARG_POINTER(0));
}

Datum
hllset_gin_within_consistent(PG_FUNCTION_ARGS)
{
	bool *recheck = (bool *) PG_GETARG_POINTER(5);

	*recheck = false;
	PG_RETURN_BOOL(verdict(fcinfo) == HLLSET_YES);
}

Datum
hllset_gin_within_triconsistent(PG_FUNCTION_ARGS)
{
	PG_RETURN_GIN_TERNARY_VALUE((GinTernaryValue) verdict(fcinfo));
}
