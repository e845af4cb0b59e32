/* SPDX-License-Identifier: PostgreSQL */
/* Who has got what from this node, in shared memory: consumers that pull, peers that are pushed to, and how far the sequencer is. */
#include "process.h"

#include "catalog/pg_authid.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

PG_FUNCTION_INFO_V1(hllset_sync_consumer_status);

#define MAX_READERS 2048
#define MAX_SEQUENCERS 1024

/* A consumer has a node, a peer that is pushed to has a server, the sequencer has neither. */
typedef struct Key
{
	Oid dboid;
	int set_id;
	Oid role;
	pg_uuid_t node_id;
	char server[NAMEDATALEN];
} Key;

typedef struct Entry
{
	Key key;
	int64 seq;
	TimestampTz at;
	char node_name[NAMEDATALEN];
} Entry;

static HTAB *readers;
static HTAB *sequencers;

Size
sync_consumers_size(void)
{
	return add_size(hash_estimate_size(MAX_READERS, sizeof(Entry)),
					hash_estimate_size(MAX_SEQUENCERS, sizeof(Entry)));
}

static HTAB *
create(const char *name, int size)
{
	HASHCTL control = {.keysize = sizeof(Key), .entrysize = sizeof(Entry)};

	return ShmemInitHash(name, size, size, &control, HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
}

void
sync_init_consumers(void)
{
	readers = create("hllset_sync readers", MAX_READERS);
	sequencers = create("hllset_sync sequencers", MAX_SEQUENCERS);
}

static Key
make_key(int set_id)
{
	Key key;

	memset(&key, 0, sizeof(key));
	key.dboid = MyDatabaseId;
	key.set_id = set_id;
	return key;
}

/* The one that was not heard of for longest gives its place to a new one. */
static void
make_room(HTAB *table)
{
	HASH_SEQ_STATUS scan;
	Entry *entry;
	Key oldest = {0};
	TimestampTz at = DT_NOEND;

	hash_seq_init(&scan, table);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->at < at)
		{
			oldest = entry->key;
			at = entry->at;
		}
	}
	(void) hash_search(table, &oldest, HASH_REMOVE, NULL);
}

static Entry *
enter(HTAB *table, const Key *key)
{
	bool found;
	Entry *entry = hash_search(table, key, HASH_ENTER_NULL, &found);

	if (entry == NULL)
	{
		make_room(table);
		entry = hash_search(table, key, HASH_ENTER_NULL, &found);
	}
	if (entry != NULL && !found)
		entry->at = 0;
	return entry;
}

/* The news of the later AT holds: transactions of two sequencers may end in another order than they began. */
static void
note(HTAB *table, const Key *key, int64 seq, TimestampTz at, const char *name)
{
	Entry *entry;

	if (!sync_has_shared_memory())
		return;
	sync_shared_lock();
	if ((entry = enter(table, key)) != NULL && at >= entry->at)
	{
		entry->seq = seq;
		entry->at = at;
		strlcpy(entry->node_name, name, NAMEDATALEN);
	}
	sync_shared_unlock();
	sync_shared_changed();
}

void
sync_consumer_seen(int set_id, Oid role, const pg_uuid_t *node_id, const char *node_name,
				   int64 acked_seq)
{
	Key key = make_key(set_id);

	key.role = role;
	key.node_id = *node_id;
	note(readers, &key, acked_seq, GetCurrentTimestamp(), node_name);
}

void
sync_push_confirmed(int set_id, const char *server, int64 seq)
{
	Key key = make_key(set_id);

	strlcpy(key.server, server, NAMEDATALEN);
	note(readers, &key, seq, GetCurrentTimestamp(), "");
}

void
sync_sequenced(int set_id, TimestampTz started, int64 head)
{
	Key key = make_key(set_id);

	note(sequencers, &key, head, started, "");
}

void
sync_forget_consumers(int set_id, Oid role)
{
	HASH_SEQ_STATUS scan;
	Entry *entry;

	if (!sync_has_shared_memory())
		return;
	sync_shared_lock();
	hash_seq_init(&scan, readers);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->key.dboid == MyDatabaseId &&
			(set_id == 0 || (entry->key.set_id == set_id && entry->key.role == role)))
			(void) hash_search(readers, &entry->key, HASH_REMOVE, NULL);
	}
	sync_shared_unlock();
	sync_shared_changed();
}

static bool
look_up(HTAB *table, const Key *key, Entry *copy)
{
	Entry *entry;

	sync_shared_lock();
	if ((entry = hash_search(table, key, HASH_FIND, NULL)) != NULL)
		*copy = *entry;
	sync_shared_unlock();
	return entry != NULL;
}

int64
sync_sequenced_since(int set_id, TimestampTz since)
{
	Key key = make_key(set_id);
	Entry entry;

	return look_up(sequencers, &key, &entry) && entry.at >= since ? entry.seq : -1;
}

int64
sync_pushed_to(int set_id, const char *server)
{
	Key key = make_key(set_id);
	Entry entry;

	strlcpy(key.server, server, NAMEDATALEN);
	return look_up(readers, &key, &entry) ? entry.seq : -1;
}

static bool
is_consumer(const Entry *entry, int set_id)
{
	return entry->key.dboid == MyDatabaseId && entry->key.server[0] == '\0' &&
		   (set_id == 0 || entry->key.set_id == set_id);
}

static bool
is_among(List *nodes, const pg_uuid_t *node)
{
	ListCell *cell;

	foreach (cell, nodes)
	{
		if (memcmp(lfirst(cell), node, sizeof(pg_uuid_t)) == 0)
			return true;
	}
	return false;
}

bool
sync_consumers_reached(int set_id, int64 seq, List *but)
{
	HASH_SEQ_STATUS scan;
	Entry *entry;
	bool reached = true;

	sync_shared_lock();
	hash_seq_init(&scan, readers);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (is_consumer(entry, set_id) && entry->seq < seq && !is_among(but, &entry->key.node_id))
			reached = false;
	}
	sync_shared_unlock();
	return reached;
}

/* ---- consumer_status() ---- */

static List *
copy_consumers(void)
{
	List *copies = NIL;
	HASH_SEQ_STATUS scan;
	Entry *entry;

	sync_shared_lock();
	hash_seq_init(&scan, readers);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (is_consumer(entry, 0))
		{
			Entry *copy = palloc(sizeof(Entry));

			*copy = *entry;
			copies = lappend(copies, copy);
		}
	}
	sync_shared_unlock();
	return copies;
}

/* The owner of the table of a set, InvalidOid if there is none. */
static Oid
owner_of(int set_id)
{
	SyncUser user = sync_enter_catalog();
	Oid owner = InvalidOid;
	bool null;

	SPI_connect();
	if (sync_run("SELECT c.relowner FROM hllset_sync.sets s JOIN pg_catalog.pg_class c ON c.oid = "
				 "s.relid"
				 " WHERE s.set_id = %d",
				 set_id) > 0)
		owner = DatumGetObjectId(sync_field(0, 1, &null));
	SPI_finish();
	sync_leave(user);
	return owner;
}

static bool
may_see(const Entry *entry)
{
	Oid owner;

	if (has_privs_of_role(GetUserId(), ROLE_PG_MONITOR))
		return true;
	owner = owner_of(entry->key.set_id);
	return OidIsValid(owner) && has_privs_of_role(GetUserId(), owner);
}

/* (set_id, role, node_id, node_name, acked_seq, last_seen) of the consumers that the caller may see. */
Datum
hllset_sync_consumer_status(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	ListCell *cell;

	if (!sync_has_shared_memory())
		return (Datum) 0;
	foreach (cell, copy_consumers())
	{
		Entry *entry = lfirst(cell);
		Datum values[6];
		bool nulls[6] = {false};

		if (!may_see(entry))
			continue;
		values[0] = Int32GetDatum(entry->key.set_id);
		values[1] = ObjectIdGetDatum(entry->key.role);
		values[2] = UUIDPGetDatum(&entry->key.node_id);
		values[3] = CStringGetTextDatum(entry->node_name);
		values[4] = Int64GetDatum(entry->seq);
		values[5] = TimestampTzGetDatum(entry->at);
		sync_result_add(&result, values, nulls);
	}
	return (Datum) 0;
}
