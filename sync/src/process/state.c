/* SPDX-License-Identifier: PostgreSQL */
/* What a round means for the status of its peer, and the half of the status that outlives a restart: the table peer_state. */
#include "process/process.h"

#include "mb/pg_wchar.h"

const char *const sync_state_names[] = {
	[SYNC_CONNECTING] = "connecting",
	[SYNC_OK] = "ok",
	[SYNC_BACKOFF] = "backoff",
	[SYNC_PAUSED] = "paused",
	[SYNC_WAITING_FOR_SLOT] = "waiting_for_slot",
	[SYNC_IDENTITY] = "identity",
	[SYNC_ERROR] = "error",
};

const char *
sync_error_text(const ErrorData *error)
{
	return error->hint == NULL ? error->message : psprintf("%s: %s", error->message, error->hint);
}

void
sync_round_ended(SyncStatus *status, SyncTime started, const SyncRound *round)
{
	SyncRound sums = status->last;

	status->last = *round;
	status->last.rows_in += sums.rows_in;
	status->last.bytes_in += sums.bytes_in;
	status->last.rows_out += sums.rows_out;
	status->last.bytes_out += sums.bytes_out;
	status->rounds++;
	status->attempted = started;
	/* One that was broken off says nothing of some sets. */
	if (round->whole)
		status->ended = started;
	status->last_attempt = sync_wall(started);
	status->last_success = GetCurrentTimestamp();
	status->last_round_ms = (double) (sync_clock() - started) / 1000;
	if (round->caught_up)
		status->caught_up = started;
	if (status->connected_since == 0)
		status->connected_since = status->last_success;
	status->failures = 0;
	status->state = SYNC_OK;
	status->next_attempt = 0;
}

void
sync_round_failed(SyncStatus *status, SyncTime started, const ErrorData *error)
{
	const char *text = sync_error_text(error);

	strlcpy(status->error, text, pg_mbcliplen(text, strlen(text), SYNC_REASON_SIZE - 1) + 1);
	strlcpy(status->sqlstate, unpack_sql_state(error->sqlerrcode), sizeof(status->sqlstate));
	status->attempted = status->ended = started;
	status->last_attempt = sync_wall(started);
	status->last_error_at = GetCurrentTimestamp();
	status->connected_since = 0;
	status->failures++;
	status->state = error->sqlerrcode == ERRCODE_SYNC_IDENTITY ? SYNC_IDENTITY : SYNC_BACKOFF;
}

/* ---- as a row ---- */

static SyncValue
time_value(TimestampTz time)
{
	return SYNC_NULLABLE(time != 0, SYNC_VALUE(TIMESTAMPTZOID, TimestampTzGetDatum(time)));
}

static SyncValue
staleness(const SyncStatus *status)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = sync_clock() - status->caught_up;
	return sync_pointer_value(INTERVALOID, status->caught_up == 0 ? NULL : interval);
}

const SyncValue *
sync_status_values(const char *server, const SyncStatus *status)
{
	const SyncRound *last = &status->last;
	bool met = last->peer.protocol != 0;
	TimestampTz next = status->next_attempt == 0 ? 0 : sync_wall(status->next_attempt);
	SyncValue values[] = {
		SYNC_TEXT(server),
		SYNC_TEXT(sync_state_names[status->state]),
		SYNC_NULLABLE(status->pid != 0, SYNC_INT4(status->pid)),
		time_value(status->connected_since),
		time_value(status->last_attempt),
		time_value(status->last_success),
		staleness(status),
		time_value(next),
		SYNC_INT4(status->failures),
		SYNC_TEXT(status->error[0] == '\0' ? NULL : status->error),
		SYNC_TEXT(status->sqlstate[0] == '\0' ? NULL : status->sqlstate),
		time_value(status->last_error_at),
		SYNC_INT8(status->rounds),
		SYNC_NULLABLE(status->last_success != 0,
					  SYNC_VALUE(FLOAT8OID, Float8GetDatum(status->last_round_ms))),
		SYNC_INT8(last->rows_in),
		SYNC_INT8(last->bytes_in),
		SYNC_INT8(last->rows_out),
		SYNC_INT8(last->bytes_out),
		SYNC_NULLABLE(met, SYNC_INT4(last->peer.protocol)),
		SYNC_NULLABLE(met, SYNC_INT4(last->peer.server_version)),
		SYNC_UUID(met ? &last->peer.node_id : NULL),
		SYNC_TEXT(met ? last->peer.node_name : NULL),
		SYNC_NONE,
	};

	return memcpy(palloc(sizeof(values)), values, sizeof(values));
}

void
sync_save_status(const char *server, SyncStatus *status)
{
	SyncRound *last = &status->last;

	(void) sync_catalog_values(
		"SELECT hllset_sync.save_status(ROW($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
		"$13, $14, $15, $16, $17, $18, $19, $20, $21, $22)::hllset_sync.peer_status)",
		sync_status_values(server, status));
	status->rounds = last->rows_in = last->bytes_in = last->rows_out = last->bytes_out = 0;
}
