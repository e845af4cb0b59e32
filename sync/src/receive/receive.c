/* SPDX-License-Identifier: PostgreSQL */
/*
 * A batch for the copies of another node's rows: written in one transaction with the cursor that says how far they go. A procedure, since what is
 * locked must not outlive the call: a function's caller could keep it.
 */
#include "receive/receive.h"

#include "access/xact.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_receive);

/* So many batches may be begun and not ended, as when one crashes the server, before no more are taken. */
#define MAX_ATTEMPTS 3

typedef struct Delivery
{
	SyncIncoming rows;
	const char *set_name;
	const pg_uuid_t *node;
	const char *node_name;
	SyncToken from, to;
	bool moves; /* the cursor, to TO */
	int64 truncated_at;
	bool patient; /* attempts that did not end don't count */
	/* what came of it */
	SyncToken cursor;
	bool more;
	bool elsewhere; /* nothing was done: the cursor is not where the caller believed it to be */
} Delivery;

/* ---- arguments ---- */

static SyncReceiveMode
read_mode(const char *name)
{
	for (int mode = 0; mode < SYNC_RECEIVE_MODES; mode++)
		if (strcmp(name, sync_receive_modes[mode]) == 0 &&
			(mode != SYNC_ATTEMPT || sync_is_local()))
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

static void
read_rows(FunctionCallInfo fcinfo, SyncIncoming *rows)
{
	const char *both = "numbers and keys";
	int nkeys = sync_elements(PG_GETARG_DATUM(8), BYTEAOID, both, &rows->keys);
	int nsketches =
		sync_nullable_elements(PG_GETARG_DATUM(9), BYTEAOID, &rows->sketches, &rows->gone);

	rows->count = sync_elements(PG_GETARG_DATUM(7), INT8OID, both, &rows->seqs);
	if (nkeys != rows->count || nsketches != rows->count)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("numbers, keys and sketches must be equally many")));
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

	if (!PG_ARGISNULL(2))
		delivery.node_name = TextDatumGetCString(PG_GETARG_DATUM(2));
	delivery.rows.mode = read_mode(TextDatumGetCString(PG_GETARG_DATUM(3)));
	read_rows(fcinfo, &delivery.rows);
	if (delivery.rows.mode == SYNC_CHANGES &&
		(delivery.moves ? delivery.to.seq < delivery.from.seq : delivery.rows.count > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a cursor can't go back")));
	return delivery;
}

/* ---- cursor ---- */

/* Begins a transaction's work; what was found in the one before is gone with its locks. */
static void
find_copies(Delivery *delivery)
{
	delivery->rows.set = sync_set(delivery->set_name, SYNC_PUSH);
	delivery->rows.origin = sync_origin_id(delivery->rows.set, delivery->node, delivery->node_name);
}

static void
count_attempt(Delivery *delivery)
{
	find_copies(delivery);
	sync_catalog(
		"INSERT INTO hllset_sync.cursors AS c (set_id, origin_id, seq, attempts, verified_ran)"
		" SELECT $1, $2, 0, 1, running FROM hllset_sync.node ON CONFLICT (set_id, origin_id)"
		" DO UPDATE SET attempts = c.attempts + 1 RETURNING attempts",
		SYNC_INT4(delivery->rows.set->id), SYNC_INT2(delivery->rows.origin));
	if (sync_int4(0, 1) > MAX_ATTEMPTS && !delivery->patient)
		ereport(ERROR, (errcode(ERRCODE_SYNC_ATTEMPTS),
						errmsg("%d batches in a row for set \"%s\" were begun and did not end",
							   MAX_ATTEMPTS, delivery->set_name)));
}

/* Returns how many orphans the last delivery left. */
static int64
lock_cursor(Delivery *delivery)
{
	SyncValue set = SYNC_INT4(delivery->rows.set->id);
	SyncValue origin = SYNC_INT2(delivery->rows.origin);
	int64 orphans;

	if (sync_catalog("SELECT seq, nonce, orphans FROM hllset_sync.cursors"
					 " WHERE set_id = $1 AND origin_id = $2 FOR UPDATE",
					 set, origin) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the copies were dropped meanwhile")));
	delivery->cursor.seq = sync_int8(0, 1);
	delivery->cursor.has_nonce = sync_uuid(0, 2, &delivery->cursor.nonce);
	orphans = sync_int8(0, 3);
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
	return orphans;
}

/* The attempt has ended. What moves nothing may be one of many, before one that never ends: it forgets only itself. */
static void
end_attempt(const Delivery *delivery)
{
	sync_catalog("UPDATE hllset_sync.cursors SET attempts = greatest(attempts - 1, 0)"
				 " WHERE set_id = $1 AND origin_id = $2",
				 SYNC_INT4(delivery->rows.set->id), SYNC_INT2(delivery->rows.origin));
}

static void
move_cursor(Delivery *delivery, int64 orphans)
{
	delivery->cursor = delivery->to;
	sync_catalog(
		"UPDATE hllset_sync.cursors SET seq = $3, nonce = $4, applied_at = now(), orphans = $5,"
		" rewinds = rewinds + CASE WHEN $6 THEN 1 ELSE 0 END, attempts = 0,"
		" last_verified = CASE WHEN $7 THEN now() ELSE last_verified END,"
		" verified_ran = CASE WHEN $7 THEN (SELECT running FROM hllset_sync.node) ELSE "
		"verified_ran END"
		" WHERE set_id = $1 AND origin_id = $2",
		SYNC_INT4(delivery->rows.set->id), SYNC_INT2(delivery->rows.origin),
		SYNC_INT8(delivery->to.seq),
		SYNC_NULLABLE(delivery->to.has_nonce, SYNC_UUID(&delivery->to.nonce)), SYNC_INT8(orphans),
		SYNC_BOOL(delivery->rows.mode == SYNC_REWOUND),
		SYNC_BOOL(delivery->rows.mode != SYNC_CHANGES));
}

/* ---- copies ---- */

static int64
count_orphans(const Delivery *delivery)
{
	SyncUser user = sync_enter(delivery->rows.set->owner);
	int64 count;

	sync_run("SELECT count(*) FROM hllset_sync.copy_%d WHERE origin_id = %d AND seq = 0",
			 delivery->rows.set->id, delivery->rows.origin);
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
	bool truncated = delivery->rows.mode == SYNC_CHANGES && delivery->from.seq > 0 &&
					 delivery->truncated_at > delivery->from.seq;
	bool rewound = delivery->rows.mode == SYNC_REWOUND && delivery->moves;
	SyncPass pass = {.set = delivery->rows.set,
					 .origin = delivery->rows.origin,
					 .change = psprintf(truncated ? "DELETE FROM hllset_sync.copy_%d"
												  : "UPDATE hllset_sync.copy_%d SET seq = $4",
										delivery->rows.set->id),
					 .which = truncated ? "seq < $4" : "seq > $4",
					 .seq = truncated ? delivery->truncated_at : delivery->to.seq};

	return (truncated || rewound) && sync_pass_part(&pass);
}

/* Compares the cursor with where the caller believes it to be, and does nothing if they differ. */
static void
receive(void *argument)
{
	Delivery *delivery = argument;
	int64 orphans;

	find_copies(delivery);
	orphans = lock_cursor(delivery);
	delivery->elsewhere = !sync_token_equal(&delivery->cursor, &delivery->from);
	delivery->more = !delivery->elsewhere && change_all(delivery);
	if (!delivery->elsewhere && !delivery->more)
	{
		sync_write_copies(&delivery->rows);
		if (delivery->moves)
		{
			bool counts = orphans > 0 || delivery->rows.mode != SYNC_CHANGES;

			move_cursor(delivery, counts ? count_orphans(delivery) : 0);
			return;
		}
	}
	end_attempt(delivery);
}

/* An attempt that ends in an error has ended, too: only those count that crash the server. */
static void
receive_alone(Delivery *delivery)
{
	ErrorData *error = sync_try(receive, delivery, false);

	if (error == NULL)
		return;
	end_attempt(delivery);
	SPI_commit();
	ReThrowError(error);
}

/* ---- the procedure ---- */

/* Whatever the session's default is: what is looked at after a lock must be what is there then. */
static void
end_part(void)
{
	SPI_commit();
	XactIsoLevel = XACT_READ_COMMITTED;
	sync_send_no_messages();
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
	if (!local || delivery.rows.mode == SYNC_ATTEMPT)
		count_attempt(&delivery);
	if (!local)
	{
		end_part();
		receive_alone(&delivery);
		SPI_commit();
	}
	else if (delivery.rows.mode != SYNC_ATTEMPT)
	{
		receive(&delivery);
		sync_fault("before_apply_commit");
	}
	SPI_finish();
	return sync_one_row(fcinfo, SYNC_INT8(delivery.cursor.seq),
						SYNC_NULLABLE(delivery.cursor.has_nonce, SYNC_UUID(&delivery.cursor.nonce)),
						SYNC_NULLABLE(!delivery.elsewhere, SYNC_BOOL(delivery.more)));
}
