/* SPDX-License-Identifier: PostgreSQL */
/*
 * The trigger that notes keys of changed rows, by plain inserts into the dirty heap of the set, and once in a transaction in pending that there
 * are some. It never makes a statement of a user fail because a column was altered: then it notes that everything is to be compared.
 */
#include "publish/publish.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "utils/datum.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(hllset_sync_capture);

/* Arguments of the trigger: id of the set, number of keys, names of the key and of the sketch columns. */
#define ARGUMENT_SET 0
#define ARGUMENT_KEYS 1
#define ARGUMENT_NAMES 2

typedef struct Capture
{
	int set_id;
	Oid dirty;
	int nkeys;
	int ncolumns;
	bool known; /* all columns are there */
	AttrNumber numbers[FLEXIBLE_ARRAY_MEMBER];
} Capture;

/* ---- pending ---- */

/* What this transaction has written into pending. A row is lost with the subtransaction that wrote it. */
typedef struct Pending
{
	int set_id;
	SyncPending kind;
	SubTransactionId within;
} Pending;

static List *written = NIL; /* in TopTransactionContext */

static void
forget_written(XactEvent event, void *unused)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		written = NIL;
}

/* Subtransactions that began later are within this one. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *unused)
{
	ListCell *cell;

	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach (cell, written)
		if (((const Pending *) lfirst(cell))->within >= mine)
			written = foreach_delete_current(written, cell);
}

void
sync_install_capture(void)
{
	RegisterXactCallback(forget_written, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

static void
insert_row(Relation relation, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	int count = RelationGetDescr(relation)->natts;

	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, count * sizeof(Datum));
	memcpy(slot->tts_isnull, nulls, count * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	simple_table_tuple_insert(relation, slot);
	ExecDropSingleTupleTableSlot(slot);
}

/* Rows of other transactions may go at any time; one of this transaction stays until its end. */
void
sync_note_pending(int set_id, SyncPending kind)
{
	Datum values[2] = {Int32GetDatum(set_id), CharGetDatum(kind)};
	bool nulls[2] = {false, false};
	MemoryContext caller;
	Relation pending;
	Pending *row;
	ListCell *cell;

	foreach (cell, written)
	{
		row = lfirst(cell);
		if (row->set_id == set_id && row->kind == kind)
			return;
	}
	pending = table_open(get_relname_relid("pending", sync_schema()), RowExclusiveLock);
	insert_row(pending, values, nulls);
	table_close(pending, NoLock);
	caller = MemoryContextSwitchTo(TopTransactionContext);
	row = palloc(sizeof(Pending));
	*row = (Pending){set_id, kind, GetCurrentSubTransactionId()};
	written = lappend(written, row);
	MemoryContextSwitchTo(caller);
}

/* ---- keys ---- */

/* Whether the dirty heap takes keys of the table as they are. */
static bool
fits(const Capture *capture, TupleDesc dirty, TupleDesc table)
{
	if (dirty->natts != capture->nkeys)
		return false;
	for (int i = 0; i < capture->nkeys; i++)
		if (TupleDescAttr(table, capture->numbers[i] - 1)->atttypid !=
			TupleDescAttr(dirty, i)->atttypid)
			return false;
	return true;
}

static Capture *
start_capture(FmgrInfo *flinfo, TriggerData *data)
{
	Trigger *trigger = data->tg_trigger;
	int ncolumns = trigger->tgnargs - ARGUMENT_NAMES;
	Capture *capture;
	char *table;

	if (ncolumns < 1)
		elog(ERROR, "trigger \"%s\" lacks arguments", trigger->tgname);
	capture = MemoryContextAllocZero(flinfo->fn_mcxt,
									 offsetof(Capture, numbers) + ncolumns * sizeof(AttrNumber));
	table = psprintf("dirty_%s", trigger->tgargs[ARGUMENT_SET]);
	capture->dirty = get_relname_relid(table, sync_schema());
	if (!OidIsValid(capture->dirty))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table hllset_sync.%s was dropped", table),
						errhint("SELECT hllset_sync.unregister(...) the set of table \"%s\".",
								RelationGetRelationName(data->tg_relation))));
	capture->set_id = atoi(trigger->tgargs[ARGUMENT_SET]);
	capture->nkeys = atoi(trigger->tgargs[ARGUMENT_KEYS]);
	capture->ncolumns = ncolumns;
	capture->known = true;
	for (int i = 0; i < ncolumns; i++)
	{
		capture->numbers[i] =
			get_attnum(RelationGetRelid(data->tg_relation), trigger->tgargs[ARGUMENT_NAMES + i]);
		capture->known &= capture->numbers[i] > 0;
	}
	flinfo->fn_extra = capture;
	return capture;
}

static void
note(Capture *capture, TriggerData *data, HeapTuple row)
{
	TupleDesc columns = RelationGetDescr(data->tg_relation);
	Relation dirty = table_open(capture->dirty, RowExclusiveLock);
	SyncPending kind = SYNC_PENDING_ALL;
	Datum *values;
	bool *nulls;

	/* Its owner may do with it what he likes, except crash the server. */
	if (dirty->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("hllset_sync.%s is no table any more", RelationGetRelationName(dirty))));
	/* Looked at each time, as another trigger of the same statement may have altered it. */
	if (fits(capture, RelationGetDescr(dirty), columns))
	{
		values = palloc(capture->nkeys * sizeof(Datum));
		nulls = palloc(capture->nkeys * sizeof(bool));
		for (int i = 0; i < capture->nkeys; i++)
			values[i] = heap_getattr(row, capture->numbers[i], columns, &nulls[i]);
		insert_row(dirty, values, nulls);
		kind = SYNC_PENDING_KEYS;
	}
	table_close(dirty, NoLock);
	sync_note_pending(capture->set_id, kind);
}

/* Whether the columns FROM to TO hold the same bytes in both rows; large values are compared by their place. */
static bool
same(Capture *capture, TriggerData *data, int from, int to)
{
	TupleDesc descriptor = RelationGetDescr(data->tg_relation);

	for (int i = from; i < to; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, capture->numbers[i] - 1);
		bool old_null;
		bool new_null;
		Datum old_value =
			heap_getattr(data->tg_trigtuple, capture->numbers[i], descriptor, &old_null);
		Datum new_value =
			heap_getattr(data->tg_newtuple, capture->numbers[i], descriptor, &new_null);

		if (old_null != new_null ||
			(!old_null &&
			 !datumIsEqual(old_value, new_value, attribute->attbyval, attribute->attlen)))
			return false;
	}
	return true;
}

static void
note_update(Capture *capture, TriggerData *data)
{
	bool same_key = same(capture, data, 0, capture->nkeys);

	if (same_key && same(capture, data, capture->nkeys, capture->ncolumns))
		return;
	if (!same_key)
		note(capture, data, data->tg_trigtuple);
	note(capture, data, data->tg_newtuple);
}

Datum
hllset_sync_capture(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Capture *capture = fcinfo->flinfo->fn_extra;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						CALLED_AS_TRIGGER(fcinfo)
							? errmsg("hllset_sync.capture must be an AFTER trigger")
							: errmsg("hllset_sync.capture was not called as a trigger")));
	if (capture == NULL)
		capture = start_capture(fcinfo->flinfo, data);

	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		sync_note_pending(capture->set_id, SYNC_PENDING_TRUNCATION);
	else if (!capture->known)
		sync_note_pending(capture->set_id, SYNC_PENDING_ALL);
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		note_update(capture, data);
	else
		note(capture, data, data->tg_trigtuple);
	return PointerGetDatum(NULL);
}
