/* SPDX-License-Identifier: PostgreSQL */
/* What the types hllsimilar and hllwithin have in common: input and output, how a query is made, and its operator. */
#include "hllset_pg.h"

#include "libpq/pqformat.h"

HllsetKeys
hllset_keys(const HllsetAsker *asker, HllsetBytes set)
{
	HllsetPlan plan;
	HllsetKeys keys;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_core_plan_keys(&plan, set);
	if (status == HLLSET_OK && asker->kind == HLLSET_SIMILAR)
		status =
			hllset_core_signature(&plan, HLLSET_SIGNATURE_KEYS, hllset_workspace(&plan), &keys);
	else if (status == HLLSET_OK)
		status = hllset_core_contain_keys(&plan, hllset_workspace(&plan), &keys);
	if (status != HLLSET_OK)
		hllset_refuse_keys(asker, status, set);
	return keys;
}

Datum
hllset_query_in(FunctionCallInfo fcinfo, const HllsetQueryType *type)
{
	const char *text = PG_GETARG_CSTRING(0);
	fmNodePtr escontext = HLLSET_ESCONTEXT(fcinfo);
	Hllset *query = hllset_from_hex(text);
	HllsetStatus status;

	if (query == NULL)
		return hllset_refuse_hex(escontext, type->name, text);
	status = hllset_core_query_read(type->maker.kind, hllset_bytes(query), NULL);
	if (status != HLLSET_OK)
		return hllset_refuse_text(escontext, type->name, text, status);
	return PointerGetDatum(query);
}

Datum
hllset_query_out(FunctionCallInfo fcinfo)
{
	PG_RETURN_CSTRING(hllset_to_hex(hllset_bytes(PG_GETARG_HLLSET(0))));
}

Datum
hllset_query_recv(FunctionCallInfo fcinfo, const HllsetQueryType *type)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int size = message->len - message->cursor;
	HllsetBytes bytes = {(const uint8 *) pq_getmsgbytes(message, size), size};
	HllsetStatus status = hllset_core_query_read(type->maker.kind, bytes, NULL);

	if (status != HLLSET_OK)
		hllset_refuse_binary(type->name, status);
	return hllset_new(bytes);
}

Datum
hllset_query_send(FunctionCallInfo fcinfo)
{
	HllsetBytes bytes = hllset_bytes(PG_GETARG_HLLSET(0));
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbytes(&message, (const char *) bytes.data, (int) bytes.size);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* From a set and a threshold. */
Datum
hllset_query_make(FunctionCallInfo fcinfo, const HllsetQueryType *type)
{
	double at_least = PG_GETARG_FLOAT8(1);
	HllsetKeys keys = hllset_keys(&type->maker, hllset_bytes(PG_GETARG_HLLSET(0)));
	Hllset *query = palloc(VARHDRSZ + HLLSET_QUERY_HEADER + keys.count * sizeof(uint32));
	size_t size = hllset_core_query(type->maker.kind, keys, at_least, query->body);

	if (size == 0)
		hllset_refuse_threshold(at_least);
	SET_VARSIZE(query, VARHDRSZ + size);
	return PointerGetDatum(query);
}

HllsetQuery
hllset_query_argument(FunctionCallInfo fcinfo, int argno, const HllsetQueryType *type,
					  HllsetBytes *bytes)
{
	HllsetQuery query;
	HllsetStatus status;

	*bytes = hllset_bytes(PG_GETARG_HLLSET(argno));
	status = hllset_core_query_read(type->maker.kind, *bytes, &query);
	if (status != HLLSET_OK)
		hllset_report_query(type, status);
	return query;
}

uint32
hllset_query_key(const HllsetQuery *query, size_t i)
{
	uint32 key;

	memcpy(&key, query->keys + i * sizeof(key), sizeof(key));
	return key;
}

Datum
hllset_query_holds(FunctionCallInfo fcinfo, const HllsetQueryType *type)
{
	HllsetBytes set = hllset_bytes(PG_GETARG_HLLSET(0));
	HllsetBytes query = hllset_bytes(PG_GETARG_HLLSET(1));
	HllsetPlan plan;
	bool result;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_core_plan_keys(&plan, set);
	if (status == HLLSET_OK)
		status = hllset_core_query_holds(&plan, type->maker.kind, query, hllset_workspace(&plan),
										 &result);
	if (status != HLLSET_OK)
	{
		hllset_query_argument(fcinfo, 1, type, &query);
		hllset_refuse_keys(&type->operator, status, set);
	}
	PG_RETURN_BOOL(result);
}
