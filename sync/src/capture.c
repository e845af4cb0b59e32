/* SPDX-License-Identifier: PostgreSQL */
/*
 * The trigger that notes keys of changed rows, by plain inserts into the dirty heap of the set. It never makes a statement of a user fail
 * because a column was altered: then it notes that everything is to be compared, as after TRUNCATE.
 */
#include "set.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(hllset_sync_capture);

/* Arguments of the trigger: id of the set, number of keys, names of the key and of the sketch columns. */
#define ARGUMENT_SET 0
#define ARGUMENT_KEYS 1
#define ARGUMENT_NAMES 2

typedef struct Capture
{
	Oid dirty;
	int nkeys;
	int ncolumns;
	bool known; /* all columns are there */
	AttrNumber numbers[FLEXIBLE_ARRAY_MEMBER];
} Capture;

/* Its owner may do with it what he likes, except crash the server. */
Relation
sync_open_dirty(Oid relid, LOCKMODE mode)
{
	Relation dirty = table_open(relid, mode);

	if (dirty->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("hllset_sync.%s is no table any more", RelationGetRelationName(dirty))));
	return dirty;
}

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

static bool
find_columns(Capture *capture, Relation relation, char **names)
{
	for (int i = 0; i < capture->ncolumns; i++)
	{
		capture->numbers[i] = get_attnum(RelationGetRelid(relation), names[i]);
		if (capture->numbers[i] <= 0)
			return false;
	}
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
	capture->nkeys = atoi(trigger->tgargs[ARGUMENT_KEYS]);
	capture->ncolumns = ncolumns;
	capture->known = find_columns(capture, data->tg_relation, &trigger->tgargs[ARGUMENT_NAMES]);
	flinfo->fn_extra = capture;
	return capture;
}

static void
note(Capture *capture, TriggerData *data, HeapTuple row)
{
	Relation dirty = sync_open_dirty(capture->dirty, RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(dirty, NULL);

	/* Looked at each time, as another trigger of the same statement may have altered it. */
	if (row != NULL && !fits(capture, RelationGetDescr(dirty), RelationGetDescr(data->tg_relation)))
		row = NULL;
	ExecClearTuple(slot);
	for (int i = 0; i < RelationGetDescr(dirty)->natts; i++)
	{
		slot->tts_isnull[i] = row == NULL;
		slot->tts_values[i] =
			row == NULL ? (Datum) 0
						: heap_getattr(row, capture->numbers[i],
									   RelationGetDescr(data->tg_relation), &slot->tts_isnull[i]);
	}
	ExecStoreVirtualTuple(slot);
	simple_table_tuple_insert(dirty, slot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(dirty, NoLock);
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

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("hllset_sync.capture was not called as a trigger")));
	if (!TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("hllset_sync.capture must be an AFTER trigger")));
	if (capture == NULL)
		capture = start_capture(fcinfo->flinfo, data);

	if (!capture->known || TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		note(capture, data, NULL);
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		note_update(capture, data);
	else
		note(capture, data, data->tg_trigtuple);
	return PointerGetDatum(NULL);
}
