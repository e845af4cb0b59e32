/* SPDX-License-Identifier: PostgreSQL */
/* Copies of another node's rows: written in one transaction with the cursor that says how far they go. */
#include "link.h"
#include "set.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_receive);

typedef enum DeliveryMode
{
	CHANGES, /* the next part of the feed */
	REPAIR,  /* rows that were found to differ */
	REWOUND, /* likewise, and the last call of a repair after the origin lost part of its history */
} DeliveryMode;

/* A place in an origin's history; nonce is 0 at its beginning. */
typedef struct Token
{
	int64 seq;
	Datum nonce;
} Token;

typedef struct Delivery
{
	SyncSet *set;
	int16 origin;
	DeliveryMode mode;
	Token from;
	Token to; /* seq < 0: the cursor stays */
	int64 truncated_at;
	Datum *seqs;
	Datum *keys;
	Datum *sketches;
	bool *gone;
	int count;
} Delivery;

/* ---- the claim (see sync_ask_claim) ---- */

static LOCKTAG claim;
static bool claim_ends = false; /* with this transaction */

/* Not before others see the cursor: who claims the copies next looks at it. */
static void
at_end(XactEvent event, void *unused)
{
	if (claim_ends && event == XACT_EVENT_COMMIT)
		(void) LockRelease(&claim, ExclusiveLock, true);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		claim_ends = false;
}

void
sync_install_receive(void)
{
	RegisterXactCallback(at_end, NULL);
}

/* As SQL makes it of CLAIM_KEY. */
static void
end_claim(const char *set_name, const pg_uuid_t *origin)
{
	char *node = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(origin)));
	Datum key = CStringGetTextDatum(psprintf("%s%s", set_name, node));
	int32 hash = DatumGetInt32(DirectFunctionCall1Coll(hashtext, DEFAULT_COLLATION_OID, key));

	SET_LOCKTAG_ADVISORY(claim, MyDatabaseId, CLAIM_CLASS, (uint32) hash, 2);
	claim_ends = true;
}

/* ---- arguments ---- */

static DeliveryMode
read_mode(const char *name)
{
	if (strcmp(name, "changes") == 0)
		return CHANGES;
	if (strcmp(name, "repair") == 0)
		return REPAIR;
	if (strcmp(name, "rewound") == 0)
		return REWOUND;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown mode \"%s\"", name)));
}

static Token
read_token(FunctionCallInfo fcinfo, int seq)
{
	Token token = {PG_ARGISNULL(seq) ? -1 : PG_GETARG_INT64(seq),
				   PG_ARGISNULL(seq + 1) ? (Datum) 0 : PG_GETARG_DATUM(seq + 1)};

	return token;
}

static void
refuse_null(const bool *nulls, int count)
{
	for (int i = 0; i < count; i++)
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("numbers and keys must not be null")));
}

static void
read_rows(FunctionCallInfo fcinfo, Delivery *delivery)
{
	bool *nulls;
	int nkeys;
	int nsketches;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(7), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &delivery->seqs, &nulls, &delivery->count);
	refuse_null(nulls, delivery->count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(8), BYTEAOID, -1, false, TYPALIGN_INT, &delivery->keys,
					  &nulls, &nkeys);
	refuse_null(nulls, nkeys);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(9), BYTEAOID, -1, false, TYPALIGN_INT,
					  &delivery->sketches, &delivery->gone, &nsketches);
	if (nkeys != delivery->count || nsketches != delivery->count)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("numbers, keys and sketches must be equally many")));
}

/* ---- cursor ---- */

/* Makes the cursor if there is none, locks it and returns it. */
static Token
lock_cursor(const Delivery *delivery)
{
	Token cursor;
	bool isnull;
	Datum nonce;
	SyncUser user = sync_enter_catalog();

	sync_run("INSERT INTO hllset_sync.cursors (set_id, origin_id, seq) VALUES (%d, %d, 0) ON "
			 "CONFLICT DO NOTHING",
			 delivery->set->id, delivery->origin);
	sync_run("SELECT seq, nonce FROM hllset_sync.cursors WHERE set_id = %d AND origin_id = %d FOR "
			 "UPDATE",
			 delivery->set->id, delivery->origin);
	cursor.seq = DatumGetInt64(sync_field(0, 1, &isnull));
	nonce = sync_field(0, 2, &isnull);
	cursor.nonce = isnull ? (Datum) 0 : nonce;
	sync_leave(user);
	return cursor;
}

static bool
same_token(const Token *a, const Token *b)
{
	return a->seq == b->seq && (a->nonce == 0) == (b->nonce == 0) &&
		   (a->nonce == 0 ||
			memcmp(DatumGetUUIDP(a->nonce)->data, DatumGetUUIDP(b->nonce)->data, UUID_LEN) == 0);
}

static void
move_cursor(const Delivery *delivery, int64 orphans)
{
	Oid types[7] = {INT4OID, INT2OID, INT8OID, UUIDOID, INT8OID, INT4OID, BOOLOID};
	Datum values[7] = {Int32GetDatum(delivery->set->id),
					   Int16GetDatum(delivery->origin),
					   Int64GetDatum(delivery->to.seq),
					   delivery->to.nonce,
					   Int64GetDatum(orphans),
					   Int32GetDatum(delivery->mode == REWOUND ? 1 : 0),
					   BoolGetDatum(delivery->mode != CHANGES)};
	SyncUser user = sync_enter_catalog();

	sync_execute(
		"UPDATE hllset_sync.cursors SET seq = $3, nonce = $4, applied_at = now(), orphans = $5,"
		" rewinds = rewinds + $6, attempts = 0,"
		" last_verified = CASE WHEN $7 THEN now() ELSE last_verified END"
		" WHERE set_id = $1 AND origin_id = $2",
		7, types, values, delivery->to.nonce ? "       " : "   n   ", false);
	sync_leave(user);
}

/* ---- rows ---- */

typedef struct Writer
{
	SPIPlanPtr put;
	SPIPlanPtr drop;
	SPIPlanPtr orphan;
	SyncDigester digester;
} Writer;

static SPIPlanPtr
prepare(const char *sql, int count, Oid *types)
{
	SPIPlanPtr plan = SPI_prepare(sql, count, types);

	if (plan == NULL)
		elog(ERROR, "%s in: %s", SPI_result_code_string(SPI_result), sql);
	return plan;
}

/* "k1 = $1 AND k2 = $2" */
static char *
match_parameters(const SyncSet *set)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 1; i <= set->nkeys; i++)
		appendStringInfo(&text, "%sk%d = $%d", i > 1 ? " AND " : "", i, i);
	return text.data;
}

static char *
sketch_assignments(const SyncSet *set)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 1; i <= set->nsketches; i++)
		appendStringInfo(&text, "s%d = excluded.s%d, ", i, i);
	return text.data;
}

/* Parameters: keys, origin, seq, sketches, digest. In the feed only newer states are written. */
static void
prepare_writer(Writer *writer, const Delivery *delivery)
{
	SyncSet *set = delivery->set;
	int n = set->nkeys;
	const char *newer = delivery->mode == CHANGES ? " WHERE c.seq < excluded.seq" : "";
	char *keys = sync_numbered("k", 1, n, "");
	Oid *types = palloc((n + set->nsketches + 3) * sizeof(Oid));

	for (int i = 0; i < n; i++)
		types[i] = set->keys[i].type;
	types[n] = INT2OID;
	types[n + 1] = INT8OID;
	for (int i = 0; i < set->nsketches; i++)
		types[n + 2 + i] = set->sketches[i].type;
	types[n + 2 + set->nsketches] = UUIDOID;

	writer->put = prepare(
		psprintf("INSERT INTO hllset_sync.copy_%d AS c (%s, origin_id, seq, %s, digest) VALUES (%s)"
				 " ON CONFLICT (%s, origin_id) DO UPDATE"
				 " SET %sseq = excluded.seq, digest = excluded.digest%s",
				 set->id, keys, sync_numbered("s", 1, set->nsketches, ""),
				 sync_numbered("$", 1, n + set->nsketches + 3, ""), keys, sketch_assignments(set),
				 newer),
		n + set->nsketches + 3, types);
	writer->drop =
		prepare(psprintf("DELETE FROM hllset_sync.copy_%d WHERE %s AND origin_id = $%d%s", set->id,
						 match_parameters(set), n + 1,
						 delivery->mode == CHANGES ? psprintf(" AND seq < $%d", n + 2)
												   : psprintf(" AND $%d > 0", n + 2)),
				n + 2, types);
	writer->orphan =
		prepare(psprintf("UPDATE hllset_sync.copy_%d SET seq = $%d WHERE %s AND origin_id = $%d",
						 set->id, n + 2, match_parameters(set), n + 1),
				n + 2, types);
	sync_digester_init(&writer->digester, CurrentMemoryContext);
}

static void
run_plan(SPIPlanPtr plan, Datum *values, const char *nulls)
{
	int code = SPI_execute_plan(plan, values, nulls, false, 0);

	if (code < 0)
		elog(ERROR, "%s while a copy was written", SPI_result_code_string(code));
}

/* The key is in VALUES already. */
static void
put_row(Writer *writer, SyncSet *set, bytea *sketches, Datum *values)
{
	Datum *first = values + set->nkeys + 2;
	bool *null = palloc(set->nsketches * sizeof(bool));
	char *nulls = palloc(set->nkeys + set->nsketches + 3);
	pg_uuid_t digest;

	sync_unpack(sketches, set->sketches, set->nsketches, first, null);
	if (!sync_digest(&writer->digester, first, null, set->nsketches, &digest))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("a peer sent an expression or a sample in place of a set")));
	first[set->nsketches] = UUIDPGetDatum(&digest);
	memset(nulls, ' ', set->nkeys + set->nsketches + 3);
	for (int i = 0; i < set->nsketches; i++)
		if (null[i])
			nulls[set->nkeys + 2 + i] = 'n';
	run_plan(writer->put, values, nulls);
}

static void
check_row(const Delivery *delivery, int row)
{
	int64 seq = DatumGetInt64(delivery->seqs[row]);
	Size size = toast_raw_datum_size(delivery->keys[row]) +
				(delivery->gone[row] ? 0 : toast_raw_datum_size(delivery->sketches[row]));

	if (size > (Size) sync_max_row_bytes)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a peer sent a row of %zu bytes, more than hllset_sync.max_row_bytes", size)));
	if (seq < 0 || (seq == 0 && (delivery->mode == CHANGES || !delivery->gone[row])))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number " INT64_FORMAT " is out of range", seq)));
}

/* A row without sketches is gone, or, with number 0 in a repair, kept though its owner lost it. */
static void
write_row(Writer *writer, const Delivery *delivery, int row)
{
	SyncSet *set = delivery->set;
	Datum *values = palloc((set->nkeys + set->nsketches + 3) * sizeof(Datum));

	check_row(delivery, row);
	sync_unpack(DatumGetByteaPP(delivery->keys[row]), set->keys, set->nkeys, values, NULL);
	values[set->nkeys] = Int16GetDatum(delivery->origin);
	values[set->nkeys + 1] = delivery->seqs[row];
	if (!delivery->gone[row])
		put_row(writer, set, DatumGetByteaPP(delivery->sketches[row]), values);
	else
		run_plan(DatumGetInt64(delivery->seqs[row]) == 0 ? writer->orphan : writer->drop, values,
				 NULL);
}

static void
write_rows(const Delivery *delivery)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch =
		AllocSetContextCreate(caller, "hllset_sync row", ALLOCSET_DEFAULT_SIZES);
	Writer writer;

	if (delivery->count == 0)
		return;
	prepare_writer(&writer, delivery);
	for (int i = 0; i < delivery->count; i++)
	{
		if (i == delivery->count / 2)
			sync_fault("mid_batch");
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(scratch);
		write_row(&writer, delivery, i);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
}

static int64
count_orphans(const Delivery *delivery)
{
	bool isnull;

	sync_run("SELECT count(*) FROM hllset_sync.copy_%d WHERE origin_id = %d AND seq = 0",
			 delivery->set->id, delivery->origin);
	return DatumGetInt64(sync_field(0, 1, &isnull));
}

static void
apply(const Delivery *delivery)
{
	SyncUser user = sync_enter(delivery->set->owner);
	int64 orphans = 0;

	if (delivery->mode == CHANGES && delivery->truncated_at > delivery->from.seq)
		sync_run("DELETE FROM hllset_sync.copy_%d WHERE origin_id = %d", delivery->set->id,
				 delivery->origin);
	write_rows(delivery);
	if (delivery->mode != CHANGES && delivery->to.seq >= 0)
		sync_run("UPDATE hllset_sync.copy_%d SET seq = " INT64_FORMAT
				 " WHERE origin_id = %d AND seq > " INT64_FORMAT,
				 delivery->set->id, delivery->to.seq, delivery->origin, delivery->to.seq);
	if (delivery->to.seq >= 0)
		orphans = count_orphans(delivery);
	sync_leave(user);
	if (delivery->to.seq >= 0)
		move_cursor(delivery, orphans);
}

Datum
hllset_sync_p_receive(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	Delivery delivery;
	Token cursor;
	Datum row[2];
	bool nulls[2] = {false, false};

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(2) | SYNC_ARGUMENT(5) | SYNC_ARGUMENT(6) |
									   SYNC_ARGUMENT(10) | SYNC_ARGUMENT(11));
	SPI_connect();
	delivery.set = sync_set(TextDatumGetCString(PG_GETARG_DATUM(0)), SYNC_PUSH);
	delivery.mode = read_mode(TextDatumGetCString(PG_GETARG_DATUM(3)));
	delivery.from = read_token(fcinfo, 4);
	delivery.truncated_at = PG_ARGISNULL(6) ? 0 : PG_GETARG_INT64(6);
	delivery.to = read_token(fcinfo, 10);
	if (delivery.mode == CHANGES && delivery.to.seq < delivery.from.seq)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a cursor can't go back")));
	read_rows(fcinfo, &delivery);
	delivery.origin =
		sync_origin_id(delivery.set, PG_GETARG_UUID_P(1),
					   PG_ARGISNULL(2) ? NULL : TextDatumGetCString(PG_GETARG_DATUM(2)));

	cursor = lock_cursor(&delivery);
	if (same_token(&cursor, &delivery.from))
	{
		apply(&delivery);
		if (delivery.to.seq >= 0)
			cursor = delivery.to;
	}
	if (PG_GETARG_BOOL(12))
		end_claim(delivery.set->name, PG_GETARG_UUID_P(1));
	row[0] = Int64GetDatum(cursor.seq);
	row[1] = cursor.nonce;
	nulls[1] = cursor.nonce == 0;
	sync_result_add(&result, row, nulls);
	SPI_finish();
	return (Datum) 0;
}
