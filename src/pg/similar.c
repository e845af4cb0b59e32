/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets that are similar to one: the type hllsimilar, operator % and its operator class for GIN, whose keys are the signature of a set. Both answer by
 * signatures, so an index finds the same rows as a scan.
 */
#include "hllset_pg.h"

#include "access/gin.h"

PG_FUNCTION_INFO_V1(hllset_similar_in);
PG_FUNCTION_INFO_V1(hllset_similar_out);
PG_FUNCTION_INFO_V1(hllset_similar_recv);
PG_FUNCTION_INFO_V1(hllset_similar_send);
PG_FUNCTION_INFO_V1(hllset_similar_to);
PG_FUNCTION_INFO_V1(hllset_is_similar);
PG_FUNCTION_INFO_V1(hllset_gin_signature);
PG_FUNCTION_INFO_V1(hllset_gin_similar_query);
PG_FUNCTION_INFO_V1(hllset_gin_similar_consistent);
PG_FUNCTION_INFO_V1(hllset_gin_similar_triconsistent);

static const HllsetQueryType type = {
	"hllsimilar", {HLLSET_SIMILAR, "function hll_similar_to"}, {HLLSET_SIMILAR, "operator %"}};

static const HllsetAsker index_class = {HLLSET_SIMILAR, "operator class hllset_ops"};

Datum
hllset_similar_in(PG_FUNCTION_ARGS)
{
	return hllset_query_in(fcinfo, &type);
}

Datum
hllset_similar_out(PG_FUNCTION_ARGS)
{
	return hllset_query_out(fcinfo);
}

Datum
hllset_similar_recv(PG_FUNCTION_ARGS)
{
	return hllset_query_recv(fcinfo, &type);
}

Datum
hllset_similar_send(PG_FUNCTION_ARGS)
{
	return hllset_query_send(fcinfo);
}

Datum
hllset_similar_to(PG_FUNCTION_ARGS)
{
	return hllset_query_make(fcinfo, &type);
}

Datum
hllset_is_similar(PG_FUNCTION_ARGS)
{
	return hllset_query_holds(fcinfo, &type);
}

/* ---- the operator class ---- */

static Datum
entry_of(uint32 key)
{
	return Int32GetDatum((int32) hllset_core_similar_entry(key));
}

Datum
hllset_gin_signature(PG_FUNCTION_ARGS)
{
	int32 *count = (int32 *) PG_GETARG_POINTER(1);
	HllsetKeys keys = hllset_keys(&index_class, hllset_bytes(PG_GETARG_HLLSET(0)));
	Datum *entries = palloc(Max(keys.count, 1) * sizeof(Datum));

	*count = (int32) keys.count;
	for (size_t i = 0; i < keys.count; i++)
		entries[i] = entry_of(keys.keys[i]);
	PG_RETURN_POINTER(entries);
}

/* Without keys nothing is similar: GIN then looks for nothing. */
Datum
hllset_gin_similar_query(PG_FUNCTION_ARGS)
{
	int32 *count = (int32 *) PG_GETARG_POINTER(1);
	Pointer **extra_data = (Pointer **) PG_GETARG_POINTER(4);
	HllsetBytes bytes;
	HllsetQuery query = hllset_query_argument(fcinfo, 0, &type, &bytes);
	Datum *entries;
	int *least;

	*count = (int32) query.count;
	if (query.count == 0)
		PG_RETURN_POINTER(NULL);
	entries = palloc(query.count * sizeof(Datum));
	least = palloc(sizeof(int));
	*extra_data = palloc0(query.count * sizeof(Pointer));
	*least = hllset_core_least_shared(bytes);
	(*extra_data)[0] = (Pointer) least;
	for (size_t i = 0; i < query.count; i++)
		entries[i] = entry_of(hllset_query_key(&query, i));
	PG_RETURN_POINTER(entries);
}

/* A row may be similar if so many keys are, or may be, shared. */
static bool
may_be_similar(const char *seen, int32 count, Pointer *extra_data)
{
	int shared = 0;

	for (int32 i = 0; i < count; i++)
		shared += seen[i] != GIN_FALSE;
	return shared >= *(int *) extra_data[0];
}

Datum
hllset_gin_similar_consistent(PG_FUNCTION_ARGS)
{
	const char *check = (const char *) PG_GETARG_POINTER(0);
	bool *recheck = (bool *) PG_GETARG_POINTER(5);

	*recheck = true;
	PG_RETURN_BOOL(may_be_similar(check, PG_GETARG_INT32(3), (Pointer *) PG_GETARG_POINTER(4)));
}

Datum
hllset_gin_similar_triconsistent(PG_FUNCTION_ARGS)
{
	const char *check = (const char *) PG_GETARG_POINTER(0);
	bool may = may_be_similar(check, PG_GETARG_INT32(3), (Pointer *) PG_GETARG_POINTER(4));

	PG_RETURN_GIN_TERNARY_VALUE(may ? GIN_MAYBE : GIN_FALSE);
}
