/* SPDX-License-Identifier: PostgreSQL */
/*
 * A batch for the copies of another node's rows: written in one transaction with the cursor that says how far they go. A procedure, since what is
 * locked must not outlive the call: a function's caller could keep it.
 */
#include "receive/receive.h"

#include "access/detoast.h"
#include "access/xact.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_receive);

/* So many batches may be begun and not ended, as when one crashes the server, before no more are taken. */
#define MAX_ATTEMPTS 3

typedef struct Delivery
{
	SyncReceiveMode mode;
	const char *set_name;
	const pg_uuid_t *node;
	const char *node_name;
	SyncToken from, to;
	bool moves; /* the cursor, to TO */
	int64 truncated_at;
	bool patient; /* attempts that did not end don't count */
	/* the rows as they arrived */
	int count;
	Datum *seqs; /* int8 */
	Datum *keys; /* bytea */
	Datum *sketches;
	/* no sketches: it was deleted, or, with number 0 in a repair, is kept though its owner lost it */
	bool *gone;
	/* found anew in each transaction */
	SyncSet *set;
	int16 origin;
	int64 orphans;                /* that the last delivery left */
	SPIPlanPtr put, drop, orphan; /* of a row */
	SyncDigester digester;
	/* what came of it */
	SyncToken cursor;
	bool more;
	bool elsewhere; /* nothing was done: the cursor is not where the caller believed it to be */
} Delivery;

/* ---- arguments ---- */

static SyncReceiveMode
read_mode(const char *name)
{
	for (int mode = sync_is_local() ? SYNC_ATTEMPT : SYNC_CHANGES; mode < SYNC_RECEIVE_MODES;
		 mode++)
		if (strcmp(name, sync_receive_modes[mode]) == 0)
			return mode;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown mode \"%s\"", name)));
}

static SyncToken
read_token(FunctionCallInfo fcinfo, int seq)
{
	SyncToken token = {.seq = PG_ARGISNULL(seq) ? 0 : PG_GETARG_INT64(seq),
					   .has_nonce = !PG_ARGISNULL(seq + 1)};

	if (token.has_nonce)
		token.nonce = *PG_GETARG_UUID_P(seq + 1);
	return token;
}

/* All of it outlives the transactions of the call. */
static Delivery
read_delivery(FunctionCallInfo fcinfo)
{
	Delivery delivery = {.set_name = TextDatumGetCString(PG_GETARG_DATUM(0)),
						 .node = PG_GETARG_UUID_P(1),
						 .from = read_token(fcinfo, 4),
						 .to = read_token(fcinfo, 10),
						 .moves = !PG_ARGISNULL(10),
						 .truncated_at = PG_ARGISNULL(6) ? 0 : PG_GETARG_INT64(6),
						 .patient = PG_GETARG_BOOL(12)};
	const char *both = "numbers and keys";
	int nkeys, nsketches;

	if (!PG_ARGISNULL(2))
		delivery.node_name = TextDatumGetCString(PG_GETARG_DATUM(2));
	delivery.mode = read_mode(TextDatumGetCString(PG_GETARG_DATUM(3)));
	delivery.count = sync_elements(PG_GETARG_DATUM(7), INT8OID, both, &delivery.seqs);
	nkeys = sync_elements(PG_GETARG_DATUM(8), BYTEAOID, both, &delivery.keys);
	nsketches =
		sync_nullable_elements(PG_GETARG_DATUM(9), BYTEAOID, &delivery.sketches, &delivery.gone);
	if (nkeys != delivery.count || nsketches != delivery.count)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("numbers, keys and sketches must be equally many")));
	if (delivery.mode == SYNC_CHANGES &&
		(delivery.moves ? delivery.to.seq < delivery.from.seq : delivery.count > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a cursor can't go back")));
	return delivery;
}

/* ---- cursor ---- */

/* Begins a transaction's work; what was found in the one before is gone with its locks. */
static void
find_copies(Delivery *delivery)
{
	SyncIdentity identity;

	delivery->set = sync_set(delivery->set_name, SYNC_PUSH);
	identity = sync_identity();
	if (sync_same_node(&identity.node_id, delivery->node))
		ereport(ERROR, (errcode(ERRCODE_SYNC_IDENTITY),
						errmsg("a node does not keep copies of its own rows"),
						errdetail("The origin is this node, \"%s\".", identity.name)));
	sync_check_speaker(delivery->set, delivery->node);
	if (delivery->node_name != NULL)
		(void) sync_check_node_name(delivery->node_name);
	sync_catalog("SELECT hllset_sync.origin_number($1, $2)", SYNC_UUID(delivery->node),
				 SYNC_TEXT(delivery->node_name));
	delivery->origin = sync_int2(0, 1);
}

static void
count_attempt(Delivery *delivery)
{
	find_copies(delivery);
	sync_catalog(
		"INSERT INTO hllset_sync.cursors AS c (set_id, origin_id, seq, attempts, verified_ran)"
		" SELECT $1, $2, 0, 1, running FROM hllset_sync.node ON CONFLICT (set_id, origin_id)"
		" DO UPDATE SET attempts = c.attempts + 1 RETURNING attempts",
		SYNC_INT4(delivery->set->id), SYNC_INT2(delivery->origin));
	if (sync_int4(0, 1) > MAX_ATTEMPTS && !delivery->patient)
		ereport(ERROR, (errcode(ERRCODE_SYNC_ATTEMPTS),
						errmsg("%d batches in a row for set \"%s\" were begun and did not end",
							   MAX_ATTEMPTS, delivery->set_name)));
}

static void
lock_copies(void *argument)
{
	Delivery *delivery = argument;
	SyncValue set, origin;

	find_copies(delivery);
	set = SYNC_INT4(delivery->set->id);
	origin = SYNC_INT2(delivery->origin);
	if (sync_catalog("SELECT seq, nonce, orphans FROM hllset_sync.cursors"
					 " WHERE set_id = $1 AND origin_id = $2 FOR UPDATE",
					 set, origin) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the copies were dropped meanwhile")));
	delivery->cursor.seq = sync_int8(0, 1);
	delivery->cursor.has_nonce = sync_uuid(0, 2, &delivery->cursor.nonce);
	delivery->orphans = sync_int8(0, 3);
	/* Looked at when the cursor is locked: who drops the copies says so before he locks it. */
	if (sync_catalog(
			"SELECT FROM hllset_sync.cursors c JOIN hllset_sync.origins o USING (origin_id)"
			" WHERE set_id = $1 AND origin_id = $2 AND (c.dropping OR o.dropping)",
			set, origin) > 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the copies of node \"%s\" are being dropped",
							   delivery->node_name ? delivery->node_name : ""),
						errhint("If nothing does it any more, call drop_origin() or "
								"absorb_origin() there again, as before.")));
}

/* The attempt has ended. What moves nothing may be one of many, before one that never ends: it forgets only itself. */
static void
end_attempt(const Delivery *delivery)
{
	sync_catalog("UPDATE hllset_sync.cursors SET attempts = greatest(attempts - 1, 0)"
				 " WHERE set_id = $1 AND origin_id = $2",
				 SYNC_INT4(delivery->set->id), SYNC_INT2(delivery->origin));
}

static void
move_cursor(Delivery *delivery, int64 orphans)
{
	delivery->cursor = delivery->to;
	sync_catalog(
		"UPDATE hllset_sync.cursors SET seq = $3, nonce = $4, applied_at = now(), orphans = $5,"
		" rewinds = rewinds + CASE WHEN $6 THEN 1 ELSE 0 END, attempts = 0,"
		" last_verified = CASE WHEN $7 THEN now() ELSE last_verified END,"
		" verified_ran = CASE WHEN $7 THEN (SELECT running FROM hllset_sync.node)"
		"  ELSE verified_ran END WHERE set_id = $1 AND origin_id = $2",
		SYNC_INT4(delivery->set->id), SYNC_INT2(delivery->origin), SYNC_INT8(delivery->to.seq),
		SYNC_NONCE(delivery->to), SYNC_INT8(orphans), SYNC_BOOL(delivery->mode == SYNC_REWOUND),
		SYNC_BOOL(delivery->mode != SYNC_CHANGES));
}

/* ---- rows ---- */

/* Keys, origin and number of a row, with room for sketches and digest, which a row that is gone has not. */
static SyncValue *
row_values(const Delivery *delivery, int64 seq)
{
	SyncSet *set = delivery->set;
	SyncValue *values = sync_column_values(set->keys, set->nkeys, set->nsketches + 3);

	values[set->nkeys] = SYNC_INT2(delivery->origin);
	values[set->nkeys + 1] = SYNC_INT8(seq);
	return values;
}

static void
prepare_writes(Delivery *delivery)
{
	SyncSet *set = delivery->set;
	int n = set->nkeys;
	bool feed = delivery->mode == SYNC_CHANGES;
	const char *keys = sync_keys(set, ", ", "k#");
	const char *here =
		psprintf("%s AND origin_id = $%d", sync_keys(set, " AND ", "k# = $#"), n + 1);
	SyncValue *values = row_values(delivery, 0);

	delivery->drop = sync_prepare(psprintf("DELETE FROM hllset_sync.copy_%d WHERE %s AND %s$%d",
										   set->id, here, feed ? "seq < " : "0 < ", n + 2),
								  values);
	delivery->orphan = sync_prepare(
		psprintf("UPDATE hllset_sync.copy_%d SET seq = $%d WHERE %s", set->id, n + 2, here),
		values);
	memcpy(values + n + 2, sync_column_values(set->sketches, set->nsketches, 0),
		   set->nsketches * sizeof(SyncValue));
	values[n + 2 + set->nsketches] = SYNC_UUID(NULL);
	delivery->put = sync_prepare(
		psprintf("INSERT INTO hllset_sync.copy_%d AS c (%s, origin_id, seq, %s, digest) VALUES (%s)"
				 " ON CONFLICT (%s, origin_id) DO UPDATE"
				 " SET %s, seq = excluded.seq, digest = excluded.digest%s",
				 set->id, keys, sync_sketches(set, ", ", "s#"),
				 sync_each(NULL, n + set->nsketches + 3, ", ", "$#"), keys,
				 sync_sketches(set, ", ", "s# = excluded.s#"),
				 feed ? " WHERE c.seq < excluded.seq" : ""),
		values);
	sync_digester_init(&delivery->digester, CurrentMemoryContext);
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
	if (seq < 0 || (seq == 0 && (delivery->mode == SYNC_CHANGES || !delivery->gone[row])))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number " INT64_FORMAT " is out of range", seq)));
}

static void
write_row(Delivery *delivery, int row)
{
	SyncSet *set = delivery->set;
	int64 seq = DatumGetInt64(delivery->seqs[row]);
	SyncValue *values = row_values(delivery, seq);
	SyncValue *sketches = values + set->nkeys + 2;
	pg_uuid_t digest;

	check_row(delivery, row);
	sync_unpack(DatumGetByteaPP(delivery->keys[row]), set->keys, set->nkeys, false, values);
	if (delivery->gone[row])
	{
		sync_execute_plan(seq == 0 ? delivery->orphan : delivery->drop, values, 0);
		return;
	}
	sync_unpack(DatumGetByteaPP(delivery->sketches[row]), set->sketches, set->nsketches, true,
				sketches);
	if (!sync_digest(&delivery->digester, sketches, set->nsketches, &digest))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("a peer sent an expression or a sample in place of a set")));
	sketches[set->nsketches] = SYNC_UUID(&digest);
	sync_execute_plan(delivery->put, values, 0);
}

/* As the owner of the copies. In the feed only newer states are written. */
static void
write_rows(Delivery *delivery)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch;
	SyncUser user;

	if (delivery->count == 0)
		return;
	user = sync_enter(delivery->set->owner);
	scratch = AllocSetContextCreate(caller, "hllset_sync row", ALLOCSET_DEFAULT_SIZES);
	prepare_writes(delivery);
	for (int i = 0; i < delivery->count; i++)
	{
		if (i == delivery->count / 2)
			sync_fault("mid_batch");
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(scratch);
		write_row(delivery, i);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
	sync_leave(user);
}

/* ---- copies ---- */

static int64
count_orphans(const Delivery *delivery)
{
	SyncUser user = sync_enter(delivery->set->owner);
	int64 count;

	sync_run("SELECT count(*) FROM hllset_sync.copy_%d WHERE origin_id = %d AND seq = 0",
			 delivery->set->id, delivery->origin);
	count = sync_int8(0, 1);
	sync_leave(user);
	return count;
}

/*
 * What concerns all copies comes before the rows, in parts: those from before a TRUNCATE go; numbers of a history that was undone become those of the
 * last row of this one. True if another part may be left.
 */
static bool
change_all(const Delivery *delivery)
{
	bool truncated = delivery->mode == SYNC_CHANGES && delivery->from.seq > 0 &&
					 delivery->truncated_at > delivery->from.seq;
	bool rewound = delivery->mode == SYNC_REWOUND && delivery->moves;
	SyncPass pass = {.set = delivery->set,
					 .origin = delivery->origin,
					 .rewinds = rewound,
					 .seq = truncated ? delivery->truncated_at : delivery->to.seq};

	return (truncated || rewound) && sync_pass_part(&pass);
}

/* With the copies locked. Compares the cursor with where the caller believes it to be, and does nothing if they differ. */
static void
receive(void *argument)
{
	Delivery *delivery = argument;

	delivery->elsewhere = !sync_token_equal(&delivery->cursor, &delivery->from);
	delivery->more = !delivery->elsewhere && change_all(delivery);
	if (!delivery->elsewhere && !delivery->more)
		write_rows(delivery);
	if (delivery->elsewhere || delivery->more || !delivery->moves)
		end_attempt(delivery);
	else
		move_cursor(delivery, delivery->orphans > 0 || delivery->mode != SYNC_CHANGES
								  ? count_orphans(delivery)
								  : 0);
}

/* An attempt that ends in an error has ended, too: only those count that crash the server. */
static void
receive_alone(Delivery *delivery)
{
	ErrorData *error;

	SPI_commit();
	/* Whatever the session's default is: what is looked at after a lock must be what is there then. */
	XactIsoLevel = XACT_READ_COMMITTED;
	sync_send_no_messages();
	error = sync_try(lock_copies, delivery, false);
	/* They stay locked if the rest is undone: the attempt ends before another delivery that has waited begins. */
	if (error == NULL)
		error = sync_try(receive, delivery, false);
	if (error != NULL)
		end_attempt(delivery);
	SPI_commit();
	if (error != NULL)
		ReThrowError(error);
}

Datum
hllset_sync_p_receive(PG_FUNCTION_ARGS)
{
	bool local = sync_is_local(); /* its rounds call it in transactions of theirs */
	Delivery delivery;

	sync_require_arguments(fcinfo, SYNC_ARGUMENT(2) | SYNC_ARGUMENT(5) | SYNC_ARGUMENT(6) |
									   SYNC_ARGUMENT(10) | SYNC_ARGUMENT(11) | SYNC_ARGUMENT(13) |
									   SYNC_ARGUMENT(14) | SYNC_ARGUMENT(15));
	if (!local)
	{
		sync_require_own_transactions(fcinfo);
		sync_send_no_messages();
	}
	SPI_connect_ext(local ? 0 : SPI_OPT_NONATOMIC);
	delivery = read_delivery(fcinfo);
	if (!local || delivery.mode == SYNC_ATTEMPT)
		count_attempt(&delivery);
	if (!local)
		receive_alone(&delivery);
	else if (delivery.mode != SYNC_ATTEMPT)
	{
		lock_copies(&delivery);
		receive(&delivery);
		sync_fault("before_apply_commit");
	}
	SPI_finish();
	return sync_one_row(fcinfo, SYNC_INT8(delivery.cursor.seq), SYNC_NONCE(delivery.cursor),
						SYNC_NULLABLE(!delivery.elsewhere, SYNC_BOOL(delivery.more)));
}

/* ---- p_cursor ---- */

/* Of the sets in which the caller speaks for the node. */
SYNC_LOOK(hllset_sync_p_cursor)
{
	sync_catalog("SELECT s.set_name, coalesce(c.seq, 0), c.nonce FROM hllset_sync.sets s"
				 " LEFT JOIN (hllset_sync.cursors c JOIN hllset_sync.origins o"
				 "  ON o.origin_id = c.origin_id AND o.node_id = $2) ON c.set_id = s.set_id"
				 " WHERE s.relid IS NOT NULL AND s.set_name IN (SELECT unnest($1))"
				 " AND ($4 OR EXISTS (SELECT FROM hllset_sync.acl a WHERE a.set_id = s.set_id"
				 "  AND a.role::oid = $3 AND a.push AND a.node = $2))",
				 sync_names(fcinfo, 0), SYNC_GIVEN(UUIDOID, 1), SYNC_OID(GetUserId()),
				 SYNC_BOOL(sync_is_local()));
	sync_return_rows(result);
}
