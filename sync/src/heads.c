/* SPDX-License-Identifier: PostgreSQL */
/* The heads of this node's sets, after the sequencers have looked for changes; and who has got how far. */
#include "process.h"
#include "set.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_heads);

/* What is wrong with the rows of one set is a state of that set; what is wrong with the moment is not. */
static bool
concerns_set(int sqlstate)
{
	int class = ERRCODE_TO_CATEGORY(sqlstate);

	return class != ERRCODE_TRANSACTION_ROLLBACK &&
		   class != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
}

/* Whether the statement was cancelled. What the owner of a set runs can only raise an error that says so. */
static bool
is_cancel(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION &&
		   error->funcname != NULL && strcmp(error->funcname, "ProcessInterrupts") == 0;
}

typedef enum Look
{
	LOOK_SKIPPED,  /* nothing can be said of the set now */
	LOOK_DONE = 1, /* return_heads() knows this number and the next */
	LOOK_MORE = 2, /* changes are left to be numbered */
	LOOK_HELD,     /* changes can't be numbered for now: someone holds a lock */
} Look;

static Look
look(SyncSet *set, bool advance)
{
	if (!sync_set_usable(set))
		return LOOK_SKIPPED;
	return advance && sync_pending(set) && sync_advance(set) ? LOOK_MORE : LOOK_DONE;
}

/* An error of one set does not stop the others. */
static Look
look_alone(SyncSet *set, bool advance)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile Look result = LOOK_SKIPPED;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		result = look(set, advance);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		if (is_cancel(error))
			ReThrowError(error);
		if (concerns_set(error->sqlerrcode))
			sync_set_state(set, "error", error->message);
		else
			result = LOOK_HELD;
	}
	PG_END_TRY();
	return result;
}

typedef struct Heads
{
	TimestampTz started; /* before anything was looked at */
	Datum *ids;
	Datum *looks;
	int count;
} Heads;

/* Heads are read after the sequencers have looked, so they hold whatever was committed before the start. */
static void
return_heads(SyncResult *result, const Heads *heads, bool advanced)
{
	Oid types[2] = {INT4ARRAYOID, INT4ARRAYOID};
	Datum values[2] = {
		PointerGetDatum(construct_array(heads->ids, heads->count, INT4OID, 4, true, TYPALIGN_INT)),
		PointerGetDatum(
			construct_array(heads->looks, heads->count, INT4OID, 4, true, TYPALIGN_INT))};
	SyncUser user = sync_enter_catalog();
	uint64 count =
		sync_execute("SELECT s.set_name, s.head, h.nonce, s.floor, s.truncated_at, "
					 "CASE l.look WHEN 1 THEN false WHEN 2 THEN true END, s.set_id"
					 " FROM unnest($1, $2) l (set_id, look) JOIN hllset_sync.sets s USING (set_id)"
					 " LEFT JOIN hllset_sync.history h ON h.set_id = s.set_id AND h.seq_to = s.head"
					 " ORDER BY s.set_id",
					 2, types, values, NULL, false);

	for (uint64 i = 0; i < count; i++)
	{
		Datum row[6];
		bool nulls[6];

		for (int j = 0; j < 6; j++)
			row[j] = sync_field(i, j + 1, &nulls[j]);
		sync_result_add(result, row, nulls);
		if (advanced && !nulls[5] && !DatumGetBool(row[5]))
			sync_tell_sequenced(DatumGetInt32(sync_field(i, 7, &nulls[0])), heads->started,
								DatumGetInt64(row[1]));
	}
	sync_leave(user);
}

/* ACKED stands beside NAMES. */
static void
note_consumers(List *sets, ArrayType *names, ArrayType *acked)
{
	Datum *name;
	Datum *seq;
	bool *null;
	int nnames;
	int nseqs;
	ListCell *cell;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &name, NULL, &nnames);
	deconstruct_array(acked, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &seq, &null, &nseqs);
	if (nnames != nseqs)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("there must be one acknowledged number for each set")));
	for (int i = 0; i < nseqs; i++)
		foreach (cell, sets)
		{
			SyncSet *set = lfirst(cell);

			if (!null[i] && strcmp(set->name, TextDatumGetCString(name[i])) == 0 &&
				sync_set_allows(set, SYNC_PULL))
				sync_consumer_seen(set->id, GetUserId(), &sync_caller.node_id, sync_caller.name,
								   DatumGetInt64(seq[i]));
		}
}

Datum
hllset_sync_p_heads(PG_FUNCTION_ARGS)
{
	SyncResult result = sync_result(fcinfo);
	bool advance = PG_ARGISNULL(1) || PG_GETARG_BOOL(1);
	Heads heads = {GetCurrentTimestamp()};
	List *sets;
	ListCell *cell;

	SPI_connect();
	sets = sync_sets(PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0), GetUserId());
	heads.ids = palloc(list_length(sets) * sizeof(Datum));
	heads.looks = palloc(list_length(sets) * sizeof(Datum));
	foreach (cell, sets)
	{
		SyncSet *set = lfirst(cell);
		Look seen = sync_set_allows(set, SYNC_EITHER) ? look_alone(set, advance) : LOOK_SKIPPED;

		if (seen == LOOK_SKIPPED)
			continue;
		heads.ids[heads.count] = Int32GetDatum(set->id);
		heads.looks[heads.count++] = Int32GetDatum(seen);
	}
	return_heads(&result, &heads, advance);
	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(2))
		note_consumers(sets, PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(2));
	SPI_finish();
	return (Datum) 0;
}
