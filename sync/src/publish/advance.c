/* SPDX-License-Identifier: PostgreSQL */
/*
 * p_advance: what changed gets its numbers, set by set, in short transactions, so that nothing is held for longer than a chunk takes; and how far its
 * caller has got. A set at which nothing changed costs a row of one statement.
 */
#include "publish/publish.h"

#include "utils/inval.h"

PG_FUNCTION_INFO_V1(hllset_sync_p_advance);

/* Nothing tells of columns that were altered without a write: so now and then (ms) so many sets are looked at, chosen at random. */
#define LOOK_EVERY 60000
#define LOOK_AT 50
#define WORK_TIME 400 /* ms that one call works; what is left is the next one's */

/* What one call does. The last one's is kept: what it could not do is said with the heads. */
typedef struct Work
{
	MemoryContext context;
	SyncTime until;
	SyncValue asked; /* text[], NULL: all */
	bool rescans;    /* these sets, if that was not done lately */
	bool looks;      /* at some sets that only their columns may have made unusable, too */
	List *names;     /* of sets that have something to do */
	int to_be_seen;  /* so many are to be looked at for the first time; they come first */
	int next;
	bool again;     /* there is more to do for the set that was looked at last */
	List *held;     /* ids of sets that it could not get at */
	uint64 changes; /* that this session had heard of before it began */
} Work;

static Work work;

/*
 * Whatever changes the layout of a table makes all sessions forget what they have cached of a relation. As long as this one hears of no such change, tables
 * that were as noted are so still. Only of who writes into the system catalogs himself it does not hear; that is found within LOOK_EVERY.
 */
typedef struct Known
{
	uint64 changes; /* that it had heard of before it looked at all of these sets */
	SyncTime until;
	Oid caller; /* whose sets they are; InvalidOid: all */
	int64 sets; /* a hash of which they are */
} Known;

static Known known;
static uint64 changes;

static void
hear_of_change(Datum unused, Oid relid)
{
	changes++;
}

static uint64
count_changes(void)
{
	static bool hears = false;

	if (!hears)
		CacheRegisterRelcacheCallback(hear_of_change, (Datum) 0);
	hears = true;
	return changes;
}

static void
start_work(SyncValue asked)
{
	static MemoryContext context = NULL;

	if (context == NULL)
		context =
			AllocSetContextCreate(TopMemoryContext, "hllset_sync advance", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);
	work = (Work){.context = context,
				  .until = sync_after(WORK_TIME),
				  .asked = asked,
				  .changes = count_changes()};
}

SyncValue
sync_held(void)
{
	return SYNC_INT4_ARRAY(work.held);
}

SyncValue
sync_unseen(void)
{
	List *to_be_seen = list_truncate(list_copy(work.names), work.to_be_seen);

	return SYNC_TEXT_ARRAY(list_copy_tail(to_be_seen, work.next));
}

bool
sync_all_seen(void)
{
	return work.next >= work.to_be_seen;
}

SyncValue
sync_caller_role(void)
{
	return SYNC_NULLABLE(!sync_is_local(), SYNC_OID(GetUserId()));
}

/* ---- which sets ---- */

static void
add_name(const char *name)
{
	MemoryContext caller = MemoryContextSwitchTo(work.context);

	work.names = lappend(work.names, pstrdup(name));
	MemoryContextSwitchTo(caller);
}

static bool
begin_scans(void *unused)
{
	sync_catalog("SELECT hllset_sync.begin_scans($1, $2, $3, $4)", SYNC_INT8(sync_running()),
				 SYNC_INT8(sync_rescan_every), SYNC_NULLABLE(work.rescans, work.asked),
				 sync_caller_role());
	return true;
}

/* What would be known if all layouts were as noted. */
static Known
look_now(void)
{
	SyncValue caller = sync_caller_role();

	sync_catalog("SELECT coalesce(bit_xor(hash_record_extended(ROW(set_id, relid::oid), 0)), 0)"
				 " FROM hllset_sync.sets_of($1)",
				 caller);
	return (Known){.changes = work.changes,
				   .until = sync_after(LOOK_EVERY),
				   .caller = caller.isnull ? InvalidOid : DatumGetObjectId(caller.value),
				   .sets = sync_int8(0, 1)};
}

static bool
is_known(const Known *now)
{
	return known.changes == now->changes && known.caller == now->caller &&
		   known.sets == now->sets && sync_left(known.until) > 0;
}

/* Those that were asked for, or else all that the caller may read or push, if there is something to do for them. */
static bool
find_work(void *unused)
{
	Known now = look_now();
	bool looks = work.asked.isnull && !is_known(&now);
	bool differs = false;
	uint64 count;

	(void) begin_scans(NULL);
	count =
		sync_catalog("SELECT * FROM hllset_sync.work($1, $2, $3, $4)", work.asked,
					 sync_caller_role(), SYNC_INT4(work.looks ? LOOK_AT : 0), SYNC_BOOL(!looks));
	for (uint64 i = 0; i < count; i++)
	{
		add_name(sync_text(i, 1));
		differs |= sync_bool(i, 2);
	}
	work.to_be_seen = (int) count;
	if (looks && !differs)
		known = now;
	return true;
}

/* ---- one set ---- */

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

static void
note_held(int set_id)
{
	MemoryContext caller = MemoryContextSwitchTo(work.context);

	work.held = list_append_unique_int(work.held, set_id);
	MemoryContextSwitchTo(caller);
	/* Nothing may be pending where only the layout has changed: those who wait must know that the rows were not looked at. */
	sync_catalog("INSERT INTO hllset_sync.pending SELECT set_id, 'r' FROM hllset_sync.sets"
				 " WHERE set_id = $1 AND scan IS NULL AND NOT EXISTS ("
				 "SELECT FROM hllset_sync.pending WHERE set_id = $1 AND kind <> 'c')",
				 SYNC_INT4(set_id));
}

/* One that is broken, or whose table is locked, is left. */
static void
advance_usable(void *argument)
{
	SyncSet *set = argument;

	if (sync_set_usable(set) || (set->foreign && sync_take_over(set) && sync_set_usable(set)))
		work.again = sync_advance(set);
	else if (strcmp(set->state, "broken") != 0)
		note_held(set->id);
}

/* Whether there is more to do for the set. An error of one set does not stop the others. */
static bool
advance_alone(SyncSet *set)
{
	ErrorData *error;

	work.again = false;
	error = sync_try(advance_usable, set, false);
	if (error == NULL)
		return work.again;
	if (is_cancel(error))
		ReThrowError(error);
	if (concerns_set(error->sqlerrcode))
		sync_set_state(set, "error", error->message);
	note_held(set->id);
	return false;
}

/* ---- one after the other ---- */

/* What fits into one transaction; false: there was nothing to do. Those that have more to do are looked at again in turn. */
static bool
work_on(void *unused)
{
	const char *name;
	SyncSet *set;

	if (work.next >= list_length(work.names) || (work.next > 0 && sync_left(work.until) == 0))
		return false;
	name = list_nth(work.names, work.next++);
	set = sync_find_set(name);
	if (set != NULL && advance_alone(set))
		add_name(name);
	return true;
}

static void
do_work(bool as_node)
{
	(void) sync_turn(as_node, find_work, NULL);
	while (sync_turn(as_node, work_on, NULL))
		;
}

/* ---- here ---- */

bool
sync_advance_here(void)
{
	static SyncTime next_look = 0;

	start_work(SYNC_NULL(TEXTARRAYOID));
	work.looks = sync_left(next_look) == 0;
	if (work.looks)
		next_look = sync_after(LOOK_EVERY);
	do_work(true);
	return work.next < list_length(work.names);
}

void
sync_rescan_here(const char *set_name)
{
	start_work(SYNC_TEXT_ARRAY(list_make1((char *) set_name)));
	work.rescans = true;
	(void) sync_turn(true, begin_scans, NULL);
}

/* ---- p_advance ---- */

static bool
confirm(void *arg)
{
	FunctionCallInfo fcinfo = arg;

	sync_check_told();
	/* Whoever was a peer when it was noted gets at nothing that it may not read now, either. */
	if (!sync_caller.noted)
	{
		sync_require_peer(fcinfo);
		sync_note_caller(sync_names(fcinfo, 0));
	}
	if (!PG_ARGISNULL(4))
		sync_confirm_same(PG_GETARG_UUID_P(4));
	else if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3))
		sync_confirm_named(sync_names(fcinfo, 1).value, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
	else
		sync_confirm(NULL, 0);
	return true;
}

Datum
hllset_sync_p_advance(PG_FUNCTION_ARGS)
{
	sync_require_own_transactions(fcinfo);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	start_work(sync_names(fcinfo, 0));
	work.rescans = !PG_ARGISNULL(5) && PG_GETARG_BOOL(5);
	(void) sync_turn(false, confirm, fcinfo);
	sync_caller.noted = true;
	do_work(false);
	SPI_finish();
	PG_RETURN_VOID();
}
