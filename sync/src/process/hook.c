/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements that our workers would be in the way of, or that they should know of at once. A database that is dropped, renamed, moved or
 * copied must have no other sessions, so its workers leave it first, if the caller may do what he asks for.
 */
#include "process/process.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(hllset_sync_peers_changed);

static ProcessUtility_hook_type next_utility;
bool sync_peers_changed = false;

/* ---- databases ---- */

/* InvalidOid unless the caller may drop or alter the database; a template may be copied by all who may create databases, anything else by its owner. */
static Oid
if_allowed(const char *name, bool copies)
{
	Oid database = get_database_oid(name, true);
	HeapTuple role = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	bool may = HeapTupleIsValid(tuple) && sync_owns_database(database);

	if (copies && HeapTupleIsValid(tuple) && HeapTupleIsValid(role))
		may = (superuser() || ((Form_pg_authid) GETSTRUCT(role))->rolcreatedb) &&
			  (may || ((Form_pg_database) GETSTRUCT(tuple))->datistemplate);
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (HeapTupleIsValid(role))
		ReleaseSysCache(role);
	return may ? database : InvalidOid;
}

static const DefElem *
find_option(List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
	{
		const DefElem *option = lfirst(cell);

		if (strcmp(option->defname, name) == 0)
			return option;
	}
	return NULL;
}

/* The database that nobody else may use while STATEMENT runs, InvalidOid if there is none or the caller may not do this. */
static Oid
database_of(const Node *statement)
{
	const DefElem *template = NULL;
	const char *name = NULL;

	if (IsA(statement, DropdbStmt))
		name = ((const DropdbStmt *) statement)->dbname;
	else if (IsA(statement, RenameStmt) &&
			 ((const RenameStmt *) statement)->renameType == OBJECT_DATABASE)
		name = ((const RenameStmt *) statement)->subname;
	else if (IsA(statement, AlterDatabaseStmt) &&
			 find_option(((const AlterDatabaseStmt *) statement)->options, "tablespace") != NULL)
		name = ((const AlterDatabaseStmt *) statement)->dbname;
	else if (IsA(statement, CreatedbStmt))
		template = find_option(((const CreatedbStmt *) statement)->options, "template");
	if (template != NULL && template->arg != NULL)
		name = defGetString((DefElem *) template);
	return name == NULL ? InvalidOid : if_allowed(name, template != NULL);
}

/* ---- peers ---- */

static bool
concerns_peers(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterForeignServerStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
			return true;
		case T_DropStmt:
			return ((const DropStmt *) statement)->removeType == OBJECT_FOREIGN_SERVER ||
				   ((const DropStmt *) statement)->removeType == OBJECT_EXTENSION;
		case T_RenameStmt:
			return ((const RenameStmt *) statement)->renameType == OBJECT_FOREIGN_SERVER;
		default:
			return false;
	}
}

/* ---- the hook ---- */

/* A trigger of the table of peers. */
Datum
hllset_sync_peers_changed(PG_FUNCTION_ARGS)
{
	sync_peers_changed = true;
	return PointerGetDatum(NULL);
}

/* Not before the transaction's end, for until then the database looks half done. An error ends it too, and so does the end of this session. */
static void
at_end(XactEvent event, void *argument)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	sync_open_database();
	if (sync_peers_changed && event == XACT_EVENT_COMMIT)
		sync_request_all();
	sync_peers_changed = false;
}

static void
utility(PlannedStmt *pstmt, const char *query, bool read_only_tree, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
		QueryCompletion *completion)
{
	ProcessUtility_hook_type next = next_utility ? next_utility : standard_ProcessUtility;
	/* The statement may be gone when it has run. */
	bool peers = concerns_peers(pstmt->utilityStmt);

	/* Inside a transaction block the statements that want a database for themselves fail anyway, except for one. */
	if (IsTransactionState() && (!IsTransactionBlock() || IsA(pstmt->utilityStmt, RenameStmt)))
		sync_close_database(database_of(pstmt->utilityStmt));
	next(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	sync_peers_changed |= peers;
}

void
sync_install_hooks(void)
{
	RegisterXactCallback(at_end, NULL);
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}
