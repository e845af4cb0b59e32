/* SPDX-License-Identifier: PostgreSQL */
/* p_heads: the heads of this node's sets, as the catalog has them; and what its caller says to have of them. */
#include "publish/publish.h"

#include "common/hashfn.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_heads);

#define COLUMNS 7

/* A head that this session was last told; in order of set_id. */
typedef struct Told
{
	SyncSetToken token;
	char *name;
	uint64 hash; /* of the row */
} Told;

static MemoryContext told_context = NULL;
static Told *told = NULL;
static int ntold = 0;
static pg_uuid_t told_hash;

/* ---- p_heads ---- */

static pg_uuid_t
hash_of(const Told *heads, int count)
{
	uint64 *rows = palloc((count + 1) * sizeof(uint64));
	pg_uuid_t hash;

	for (int i = 0; i < count; i++)
		rows[i] = heads[i].hash;
	for (int i = 0; i < 2; i++)
	{
		uint64 half = hash_bytes_extended((unsigned char *) rows, count * sizeof(uint64), i + 1);

		memcpy(hash.data + i * sizeof(half), &half, sizeof(half));
	}
	return hash;
}

/* A row of the last statement. Returns what is told by it. */
static Told
read_head(MemoryContext context, uint64 row)
{
	Told head = {.token = {.set_id = sync_int4(row, COLUMNS + 1), .seq = sync_int8(row, 2)},
				 .name = MemoryContextStrdup(context, sync_text(row, 1)),
				 .hash = (uint64) sync_int8(row, COLUMNS + 2)};

	(void) sync_uuid(row, 3, &head.token.nonce);
	return head;
}

static void
return_head(SyncResult *result, uint64 row)
{
	Datum values[COLUMNS + 2];
	bool nulls[COLUMNS + 2];

	heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, values, nulls);
	tuplestore_putvalues(result->store, result->row, values, nulls);
}

/* A set that is gone, or the end: the hash of all, and whether only CHANGES were told. */
static void
return_other(SyncResult *result, const char *name, const pg_uuid_t *hash, bool changes)
{
	SyncValue none = SYNC_NULLABLE(false, SYNC_INT8(0));

	sync_add_row(result, SYNC_TEXT(name), none, SYNC_UUID(hash), none, none,
				 SYNC_NULLABLE(false, SYNC_BOOL(false)),
				 SYNC_NULLABLE(hash != NULL, SYNC_BOOL(changes)));
}

/* Sets that were told of before ID and are not there any more. */
static void
return_gone(SyncResult *result, int *place, int id)
{
	for (; *place < ntold && told[*place].token.set_id < id; (*place)++)
		return_other(result, told[*place].name, NULL, false);
}

static void
keep_told(MemoryContext context, Told *heads, int count)
{
	told_hash = hash_of(heads, count);
	if (told_context != NULL)
		MemoryContextDelete(told_context);
	MemoryContextSetParent(context, TopMemoryContext);
	told_context = context;
	told = heads;
	ntold = count;
}

/* One who has the last answer is told what has changed since; the last row says so, and has the hash of all. */
Datum
hllset_sync_p_heads(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	bool changes =
		!PG_ARGISNULL(1) && told != NULL && memcmp(PG_GETARG_UUID_P(1), &told_hash, UUID_LEN) == 0;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "hllset_sync heads", ALLOCSET_DEFAULT_SIZES);
	Told *heads;
	int place = 0;
	int count;

	SPI_connect();
	count =
		(int) sync_catalog("SELECT * FROM hllset_sync.heads($1, $2, $3, $4)", sync_names(fcinfo, 0),
						   sync_caller_role(), sync_held(), sync_unseen());
	if (count == 0)
		sync_require_peer(fcinfo);
	heads = MemoryContextAlloc(context, (count + 1) * sizeof(Told));
	for (int i = 0; i < count; i++)
	{
		bool same;

		heads[i] = read_head(context, i);
		if (changes)
			return_gone(&result, &place, heads[i].token.set_id);
		same = changes && place < ntold && told[place].token.set_id == heads[i].token.set_id;
		if (!same || told[place].hash != heads[i].hash)
			return_head(&result, i);
		place += same;
	}
	if (changes)
		return_gone(&result, &place, PG_INT32_MAX);
	keep_told(context, heads, count);
	return_other(&result, NULL, &told_hash, changes);
	SPI_finish();
	return (Datum) 0;
}

/* ---- what the caller has ---- */

void
sync_confirm_same(const pg_uuid_t *same)
{
	int count = memcmp(same, &told_hash, UUID_LEN) == 0 ? ntold : 0;
	SyncSetToken *tokens = palloc((count + 1) * sizeof(SyncSetToken));

	for (int i = 0; i < count; i++)
		tokens[i] = told[i].token;
	sync_confirm(tokens, count);
}
