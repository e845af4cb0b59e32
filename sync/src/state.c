/* SPDX-License-Identifier: PostgreSQL */
/* What a round means for the status of its peer, and the half of the status that outlives a restart: the table peer_state. */
#include "process.h"
#include "round.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

static double
milliseconds_since(TimestampTz started)
{
	return (double) (GetCurrentTimestamp() - started) / 1000;
}

void
sync_round_ended(SyncStatus *status, TimestampTz started, const SyncRound *round)
{
	SyncRound sums = status->last;

	status->last = *round;
	status->last.rows_in += sums.rows_in;
	status->last.bytes_in += sums.bytes_in;
	status->last.rows_out += sums.rows_out;
	status->last.bytes_out += sums.bytes_out;
	status->rounds++;
	status->last_attempt = status->ended = started;
	status->last_success = GetCurrentTimestamp();
	status->last_round_ms = milliseconds_since(started);
	if (round->caught_up)
		status->caught_up_at = started;
	if (status->connected_since == 0)
		status->connected_since = status->last_success;
	status->failures = 0;
	status->state = SYNC_OK;
	status->next_attempt = 0;
}

void
sync_round_failed(SyncStatus *status, TimestampTz started, const ErrorData *error)
{
	char *text =
		error->hint == NULL ? error->message : psprintf("%s: %s", error->message, error->hint);
	int length = pg_mbcliplen(text, strlen(text), SYNC_REASON_SIZE - 1);

	memcpy(status->error, text, length);
	status->error[length] = '\0';
	strlcpy(status->sqlstate, unpack_sql_state(error->sqlerrcode), sizeof(status->sqlstate));
	status->last_attempt = status->ended = started;
	status->last_error_at = GetCurrentTimestamp();
	status->connected_since = 0;
	status->failures++;
	status->state = error->sqlerrcode == ERRCODE_SYNC_IDENTITY ? SYNC_IDENTITY : SYNC_BACKOFF;
}

static Datum
time_or_null(TimestampTz time, char *null)
{
	*null = time == 0 ? 'n' : ' ';
	return TimestampTzGetDatum(time);
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text[0] == '\0' ? 'n' : ' ';
	return CStringGetTextDatum(text);
}

/* Columns that are NULL here keep what they have there. */
static const char save[] =
	"INSERT INTO hllset_sync.peer_state AS s (server, node_id, node_name, protocol, peer_version, "
	"last_attempt, last_success,"
	" caught_up_at, failures, last_error, last_sqlstate, last_error_at, rounds, last_round_ms, "
	"rows_in, bytes_in, rows_out, bytes_out)"
	" SELECT p.server, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18"
	" FROM hllset_sync.peers p WHERE p.server = $1"
	" ON CONFLICT (server) DO UPDATE SET"
	" node_id = coalesce(excluded.node_id, s.node_id), node_name = coalesce(excluded.node_name, "
	"s.node_name),"
	" protocol = coalesce(excluded.protocol, s.protocol), peer_version = "
	"coalesce(excluded.peer_version, s.peer_version),"
	" last_attempt = greatest(excluded.last_attempt, s.last_attempt),"
	" last_success = greatest(excluded.last_success, s.last_success),"
	" caught_up_at = greatest(excluded.caught_up_at, s.caught_up_at), failures = excluded.failures,"
	" last_error = coalesce(excluded.last_error, s.last_error),"
	" last_sqlstate = coalesce(excluded.last_sqlstate, s.last_sqlstate),"
	" last_error_at = greatest(excluded.last_error_at, s.last_error_at), rounds = s.rounds + "
	"excluded.rounds,"
	" last_round_ms = coalesce(excluded.last_round_ms, s.last_round_ms), rows_in = s.rows_in + "
	"excluded.rows_in,"
	" bytes_in = s.bytes_in + excluded.bytes_in, rows_out = s.rows_out + excluded.rows_out,"
	" bytes_out = s.bytes_out + excluded.bytes_out";

void
sync_save_status(const char *server, SyncStatus *status)
{
	Oid types[] = {NAMEOID,        UUIDOID,        TEXTOID, INT4OID, INT4OID, TIMESTAMPTZOID,
				   TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
				   INT8OID,        FLOAT8OID,      INT8OID, INT8OID, INT8OID, INT8OID};
	Datum values[lengthof(types)];
	char nulls[lengthof(types)];
	SyncRound *last = &status->last;
	NameData name;
	SyncUser user;

	memset(nulls, ' ', sizeof(nulls));
	namestrcpy(&name, server);
	values[0] = NameGetDatum(&name);
	values[1] = UUIDPGetDatum(&last->peer_id);
	values[2] = text_or_null(last->peer_name, &nulls[2]);
	values[3] = Int32GetDatum(last->protocol);
	values[4] = Int32GetDatum(last->peer_version);
	if (last->protocol == 0)
		nulls[1] = nulls[3] = nulls[4] = 'n';
	values[5] = time_or_null(status->last_attempt, &nulls[5]);
	values[6] = time_or_null(status->last_success, &nulls[6]);
	values[7] = time_or_null(status->caught_up_at, &nulls[7]);
	values[8] = Int32GetDatum(status->failures);
	values[9] = text_or_null(status->error, &nulls[9]);
	values[10] = text_or_null(status->sqlstate, &nulls[10]);
	values[11] = time_or_null(status->last_error_at, &nulls[11]);
	values[12] = Int64GetDatum(status->rounds);
	values[13] = Float8GetDatum(status->last_round_ms);
	nulls[13] = status->last_success == 0 ? 'n' : ' ';
	values[14] = Int64GetDatum(last->rows_in);
	values[15] = Int64GetDatum(last->bytes_in);
	values[16] = Int64GetDatum(last->rows_out);
	values[17] = Int64GetDatum(last->bytes_out);

	user = sync_enter_catalog();
	(void) sync_execute(save, lengthof(types), types, values, nulls, false);
	sync_leave(user);
	status->rounds = last->rows_in = last->bytes_in = last->rows_out = last->bytes_out = 0;
}
