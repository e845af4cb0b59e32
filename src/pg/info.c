/* SPDX-License-Identifier: PostgreSQL */
/* What a value says about itself: precision, kind, contents, content id. */
#include "hllset_pg.h"

#include "access/htup_details.h"
#include "common/shortest_dec.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(hllset_precision);
PG_FUNCTION_INFO_V1(hllset_kind);
PG_FUNCTION_INFO_V1(hllset_info);
PG_FUNCTION_INFO_V1(hllset_digest);
PG_FUNCTION_INFO_V1(hllset_bits);

HllsetInfo
hllset_inspect(HllsetBytes bytes)
{
	HllsetInfo info;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	status = hllset_core_check(bytes, &info);
	if (status != HLLSET_OK)
		hllset_report(status);
	return info;
}

static const char *
kind_name(HllsetKind kind)
{
	switch (kind)
	{
		case HLLSET_SET:
			return "set";
		case HLLSET_EXPRESSION:
			return "expression";
		case HLLSET_SAMPLE:
			return "sample";
	}
	elog(ERROR, "unexpected hllset kind %d", (int) kind);
}

Datum
hllset_precision(PG_FUNCTION_ARGS)
{
	int precision;
	HllsetStatus status = hllset_core_precision(hllset_bytes(PG_GETARG_HLLSET(0)), &precision);

	if (status != HLLSET_OK)
		hllset_report(status);
	PG_RETURN_INT32(precision);
}

Datum
hllset_kind(PG_FUNCTION_ARGS)
{
	HllsetInfo info = hllset_inspect(hllset_bytes(PG_GETARG_HLLSET(0)));

	PG_RETURN_TEXT_P(cstring_to_text(kind_name(info.kind)));
}

Datum
hllset_info(PG_FUNCTION_ARGS)
{
	HllsetBytes bytes = hllset_bytes(PG_GETARG_HLLSET(0));
	HllsetInfo info = hllset_inspect(bytes);
	HllsetEstimate count = hllset_estimate(bytes);
	char *json = psprintf("{\"cardinality\": %s, \"relative_error\": %s, "
						  "\"kind\": \"%s\", \"compact\": %s, \"precision\": %d, \"sources\": %d, "
						  "\"level0\": %d, \"bytes\": %zu, \"tokens\": %u, \"set_bits\": %u, "
						  "\"saturated\": %s, \"format_version\": %d, \"hash_id\": %d}",
						  double_to_shortest_decimal(count.cardinality),
						  double_to_shortest_decimal(hllset_core_relative_error(&count)),
						  kind_name(info.kind), info.compact ? "true" : "false", info.precision,
						  info.sources, info.level0, bytes.size, info.tokens, info.set_bits,
						  info.saturated ? "true" : "false", info.version, info.hash_id);

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

Datum
hllset_digest(PG_FUNCTION_ARGS)
{
	HllsetBytes bytes = hllset_bytes(PG_GETARG_HLLSET(0));
	pg_uuid_t *digest = palloc(sizeof(pg_uuid_t));

	hllset_inspect(bytes);
	hllset_core_digest(bytes, digest->data);
	PG_RETURN_UUID_P(digest);
}

typedef struct BitsCursor
{
	uint32 *words;
	uint32 count;
	uint32 bucket;
} BitsCursor;

static BitsCursor *
start_bits(HllsetBytes bytes)
{
	BitsCursor *cursor = palloc(sizeof(BitsCursor));
	HllsetStatus status;

	cursor->count = UINT32_C(1) << hllset_inspect(bytes).precision;
	cursor->bucket = 0;
	cursor->words = palloc0(cursor->count * sizeof(uint32));
	status = hllset_core_bits(bytes, cursor->words);
	if (status == HLLSET_NOT_A_SET)
		hllset_refuse_bits();
	if (status != HLLSET_OK)
		hllset_report(status);
	return cursor;
}

/* One row for each bit, by bucket and level. */
Datum
hllset_bits(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	BitsCursor *cursor;
	uint32 *word;
	Datum values[2];
	bool nulls[2] = {false, false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;
		TupleDesc row;

		call = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->tuple_desc = BlessTupleDesc(row);
		call->user_fctx = start_bits(hllset_bytes(PG_GETARG_HLLSET(0)));
		MemoryContextSwitchTo(caller);
	}

	call = SRF_PERCALL_SETUP();
	cursor = call->user_fctx;
	while (cursor->bucket < cursor->count && cursor->words[cursor->bucket] == 0)
		cursor->bucket++;
	if (cursor->bucket == cursor->count)
		SRF_RETURN_DONE(call);

	word = &cursor->words[cursor->bucket];
	values[0] = Int32GetDatum(cursor->bucket);
	values[1] = Int32GetDatum(pg_rightmost_one_pos32(*word));
	*word &= *word - 1;
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
