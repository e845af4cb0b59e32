/* SPDX-License-Identifier: PostgreSQL */
/* p_heads: the heads of this node's sets, as the catalog has them; and what its caller says to have of them. */
#include "publish/publish.h"

#include "access/htup_details.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_heads);

#define COLUMNS 7

/* The heads that this session was last told, in order of set_id. */
typedef struct Told
{
	MemoryContext context; /* NULL: none were */
	int count;
	SyncSetToken *tokens;
	char **names;
	uint64 *hashes; /* of the rows */
	pg_uuid_t hash; /* of all */
} Told;

static Told told;

/* A row of the last statement. */
static void
note_head(Told *now, uint64 row)
{
	SyncSetToken *token = &now->tokens[row];

	token->set_id = sync_int4(row, COLUMNS + 1);
	token->seq = sync_int8(row, 2);
	(void) sync_uuid(row, 3, &token->nonce);
	now->names[row] = MemoryContextStrdup(now->context, sync_text(row, 1));
	now->hashes[row] = (uint64) sync_int8(row, COLUMNS + 2);
}

static void
return_head(SyncResult *result, uint64 row)
{
	Datum values[COLUMNS + 2];
	bool nulls[COLUMNS + 2];

	heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, values, nulls);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
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
	for (; *place < told.count && told.tokens[*place].set_id < id; (*place)++)
		return_other(result, told.names[*place], NULL, false);
}

static bool
is_last_answer(const pg_uuid_t *hash)
{
	return told.context != NULL && memcmp(hash, &told.hash, UUID_LEN) == 0;
}

static void
keep_told(const Told *now)
{
	if (told.context != NULL)
		MemoryContextDelete(told.context);
	MemoryContextSetParent(now->context, TopMemoryContext);
	told = *now;
	told.hash = sync_hash(told.hashes, told.count * sizeof(uint64));
}

/* One who has the last answer is told what has changed since; the last row says so, and has the hash of all. */
Datum
hllset_sync_p_heads(PG_FUNCTION_ARGS)
{
	SyncResult *result = sync_result(fcinfo);
	bool changes = !PG_ARGISNULL(1) && is_last_answer(PG_GETARG_UUID_P(1));
	Told now = {.context = AllocSetContextCreate(CurrentMemoryContext, "hllset_sync heads",
												 ALLOCSET_DEFAULT_SIZES)};
	int place = 0;

	SPI_connect();
	now.count =
		(int) sync_catalog("SELECT * FROM hllset_sync.heads($1, $2, $3, $4)", sync_names(fcinfo, 0),
						   sync_caller_role(), sync_held(), sync_unseen());
	if (now.count == 0)
		sync_require_peer(fcinfo);
	now.tokens = MemoryContextAlloc(now.context, (now.count + 1) * sizeof(SyncSetToken));
	now.names = MemoryContextAlloc(now.context, (now.count + 1) * sizeof(char *));
	now.hashes = MemoryContextAlloc(now.context, (now.count + 1) * sizeof(uint64));
	for (int i = 0; i < now.count; i++)
	{
		int id = sync_int4(i, COLUMNS + 1);
		bool same;

		note_head(&now, i);
		if (changes)
			return_gone(result, &place, id);
		same = changes && place < told.count && told.tokens[place].set_id == id;
		if (!same || told.hashes[place] != now.hashes[i])
			return_head(result, i);
		place += same;
	}
	if (changes)
		return_gone(result, &place, PG_INT32_MAX);
	keep_told(&now);
	return_other(result, NULL, &told.hash, changes);
	SPI_finish();
	return (Datum) 0;
}

/* ---- what the caller has ---- */

void
sync_confirm_same(const pg_uuid_t *same)
{
	sync_confirm(told.tokens, is_last_answer(same) ? told.count : 0);
}
