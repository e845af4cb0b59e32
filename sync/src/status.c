/* SPDX-License-Identifier: PostgreSQL */
/* How it goes with each peer: what its worker or its scheduler last said, in shared memory. */
#include "process.h"

#include <signal.h>

#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

PG_FUNCTION_INFO_V1(hllset_sync_worker_status);

#define MAX_PEERS 256

typedef struct Key
{
	Oid dboid;
	char server[NAMEDATALEN];
} Key;

typedef struct Entry
{
	Key key;
	SyncStatus status;
	TimestampTz requested; /* when a round was last asked for */
} Entry;

static HTAB *entries;

Size
sync_statuses_size(void)
{
	return hash_estimate_size(MAX_PEERS, sizeof(Entry));
}

void
sync_init_statuses(void)
{
	HASHCTL control = {.keysize = sizeof(Key), .entrysize = sizeof(Entry)};

	entries = ShmemInitHash("hllset_sync peers", MAX_PEERS, MAX_PEERS, &control,
							HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
}

static Entry *
find(Oid dboid, const char *server, HASHACTION action)
{
	Key key;
	Entry *entry;
	bool found;

	memset(&key, 0, sizeof(key));
	key.dboid = dboid;
	strlcpy(key.server, server, NAMEDATALEN);
	entry = hash_search(entries, &key, action, &found);
	if (entry != NULL && !found && action == HASH_ENTER_NULL)
	{
		memset(&entry->status, 0, sizeof(SyncStatus));
		entry->status.state = SYNC_CONNECTING;
		entry->requested = 0;
	}
	return entry;
}

/* Drops an entry nobody runs for, so that dropped peers and databases do not fill the table. */
static void
make_room(void)
{
	HASH_SEQ_STATUS scan;
	Entry *entry;

	hash_seq_init(&scan, entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->status.pid == 0)
		{
			(void) hash_search(entries, &entry->key, HASH_REMOVE, NULL);
			hash_seq_term(&scan);
			return;
		}
	}
}

static Entry *
enter(Oid dboid, const char *server)
{
	Entry *entry = find(dboid, server, HASH_ENTER_NULL);

	if (entry == NULL)
	{
		make_room();
		entry = find(dboid, server, HASH_ENTER_NULL);
	}
	return entry;
}

int
sync_signal_peers(Oid dboid, int signal)
{
	HASH_SEQ_STATUS scan;
	Entry *entry;
	int count = 0;

	hash_seq_init(&scan, entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->key.dboid == dboid && entry->status.pid != 0)
		{
			kill(entry->status.pid, signal);
			count++;
		}
	}
	return count;
}

static void
leave_peer(int code, Datum order)
{
	SyncOrder *mine = (SyncOrder *) DatumGetPointer(order);
	Entry *entry;

	sync_shared_lock();
	entry = find(mine->dboid, mine->peer, HASH_FIND);
	if (entry != NULL && entry->status.pid == MyProcPid)
	{
		entry->status.pid = 0;
		entry->status.state = SYNC_CONNECTING;
		entry->status.connected_since = 0;
	}
	sync_shared_unlock();
	sync_shared_changed();
}

bool
sync_enter_peer(const SyncOrder *order)
{
	static SyncOrder mine;
	Entry *entry;
	bool open;

	mine = *order;
	before_shmem_exit(leave_peer, PointerGetDatum(&mine));
	sync_shared_lock();
	entry = enter(order->dboid, order->peer);
	open = entry != NULL && entry->status.pid == 0 && !sync_is_suspended(order->dboid);
	if (open)
		entry->status.pid = MyProcPid;
	sync_shared_unlock();
	return open;
}

void
sync_show_status(const char *server, const SyncStatus *status)
{
	Entry *entry;

	sync_shared_lock();
	if ((entry = enter(MyDatabaseId, server)) != NULL)
		entry->status = *status;
	sync_shared_unlock();
	sync_shared_changed();
}

bool
sync_shown_status(const char *server, SyncStatus *status)
{
	Entry *entry;

	sync_shared_lock();
	if ((entry = find(MyDatabaseId, server, HASH_FIND)) != NULL)
		*status = entry->status;
	sync_shared_unlock();
	return entry != NULL;
}

void
sync_show_state(const char *server, SyncState state, const char *error)
{
	Entry *entry;

	sync_shared_lock();
	if ((entry = enter(MyDatabaseId, server)) != NULL && entry->status.pid == 0)
	{
		entry->status.state = state;
		entry->status.connected_since = 0;
		if (error != NULL && strcmp(entry->status.error, error) != 0)
		{
			strlcpy(entry->status.error, error, SYNC_REASON_SIZE);
			entry->status.sqlstate[0] = '\0';
			entry->status.last_error_at = GetCurrentTimestamp();
		}
	}
	sync_shared_unlock();
	sync_shared_changed();
}

void
sync_forget_status(const char *server)
{
	Entry *entry;

	sync_shared_lock();
	entry = find(MyDatabaseId, server, HASH_FIND);
	if (entry != NULL && entry->status.pid == 0)
		(void) hash_search(entries, &entry->key, HASH_REMOVE, NULL);
	sync_shared_unlock();
}

bool
sync_request_round(const char *server)
{
	Entry *entry;
	pid_t pid = 0;

	if (!sync_has_shared_memory())
		return false;
	sync_shared_lock();
	if ((entry = find(MyDatabaseId, server, HASH_FIND)) != NULL)
	{
		entry->requested = GetCurrentTimestamp();
		pid = entry->status.pid;
	}
	sync_shared_unlock();
	sync_wake(pid);
	return pid != 0;
}

TimestampTz
sync_round_requested(const char *server)
{
	Entry *entry;
	TimestampTz requested = 0;

	sync_shared_lock();
	if ((entry = find(MyDatabaseId, server, HASH_FIND)) != NULL)
		requested = entry->requested;
	sync_shared_unlock();
	return requested;
}

/* ---- worker_status() ---- */

static bool
may_see(const char *server)
{
	ForeignServer *found;

	if (has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		return true;
	found = GetForeignServerByName(server, true);
	return found != NULL && sync_may_use_server(found->serverid);
}

static void
put_time(Datum *value, bool *null, TimestampTz time)
{
	*value = TimestampTzGetDatum(time);
	*null = time == 0;
}

static void
put_row(SyncResult *result, const Entry *entry)
{
	const SyncStatus *status = &entry->status;
	Datum values[22];
	bool nulls[22] = {false};

	values[0] = CStringGetTextDatum(entry->key.server);
	values[1] = CStringGetTextDatum(sync_state_name(status->state));
	values[2] = Int32GetDatum(status->pid);
	nulls[2] = status->pid == 0;
	put_time(&values[3], &nulls[3], status->connected_since);
	put_time(&values[4], &nulls[4], status->last_attempt);
	put_time(&values[5], &nulls[5], status->last_success);
	put_time(&values[6], &nulls[6], status->caught_up_at);
	put_time(&values[7], &nulls[7], status->next_attempt);
	values[8] = Int32GetDatum(status->failures);
	values[9] = CStringGetTextDatum(status->error);
	nulls[9] = status->error[0] == '\0';
	values[10] = CStringGetTextDatum(status->sqlstate);
	nulls[10] = status->sqlstate[0] == '\0';
	put_time(&values[11], &nulls[11], status->last_error_at);
	values[12] = Int64GetDatum(status->rounds);
	values[13] = Float8GetDatum(status->last_round_ms);
	nulls[13] = status->last_success == 0;
	values[14] = Int64GetDatum(status->last.rows_in);
	values[15] = Int64GetDatum(status->last.bytes_in);
	values[16] = Int64GetDatum(status->last.rows_out);
	values[17] = Int64GetDatum(status->last.bytes_out);
	values[18] = Int32GetDatum(status->last.protocol);
	values[19] = Int32GetDatum(status->last.peer_version);
	values[20] = UUIDPGetDatum(&status->last.peer_id);
	values[21] = CStringGetTextDatum(status->last.peer_name);
	nulls[18] = nulls[19] = nulls[20] = nulls[21] = status->last.protocol == 0;
	sync_result_add(result, values, nulls);
}

/* A copy, because the lock may not be held where the catalog is read. */
static List *
copy_entries(void)
{
	List *copies = NIL;
	HASH_SEQ_STATUS scan;
	Entry *entry;

	sync_shared_lock();
	hash_seq_init(&scan, entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->key.dboid == MyDatabaseId)
		{
			Entry *copy = palloc(sizeof(Entry));

			*copy = *entry;
			copies = lappend(copies, copy);
		}
	}
	sync_shared_unlock();
	return copies;
}

/* The peers of this database that the caller may see. */
Datum
hllset_sync_worker_status(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	ListCell *cell;

	if (!sync_has_shared_memory())
		return (Datum) 0;
	foreach (cell, copy_entries())
	{
		const Entry *entry = lfirst(cell);

		if (may_see(entry->key.server))
			put_row(&result, entry);
	}
	return (Datum) 0;
}
