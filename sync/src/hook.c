/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements that our workers would be in the way of, or that they should know of at once. A database that is dropped, renamed, moved or
 * copied must have no other sessions, so its workers leave it first, if the caller may do what he asks for.
 */
#include "process.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/syscache.h"

static ProcessUtility_hook_type next_utility;
static Oid suspended; /* by this transaction */

/* ---- databases ---- */

static Oid
if_owned(const char *name)
{
	Oid database = get_database_oid(name, true);

	return OidIsValid(database) && sync_owns_database(database) ? database : InvalidOid;
}

static bool
may_create_databases(void)
{
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	bool may = superuser();

	if (HeapTupleIsValid(tuple))
	{
		may |= ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
		ReleaseSysCache(tuple);
	}
	return may;
}

/* A template may be copied by all who may create databases, anything else by its owner. */
static Oid
if_copied(const char *name)
{
	Oid database = get_database_oid(name, true);
	HeapTuple tuple;
	bool is_template;

	if (!OidIsValid(database) || !may_create_databases())
		return InvalidOid;
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	is_template = ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
	ReleaseSysCache(tuple);
	return is_template || sync_owns_database(database) ? database : InvalidOid;
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

static Oid
copied_by(const CreatedbStmt *statement)
{
	const DefElem *option = find_option(statement->options, "template");

	return option != NULL && option->arg != NULL ? if_copied(defGetString((DefElem *) option))
												 : InvalidOid;
}

/* The database that nobody else may use while STATEMENT runs, InvalidOid if there is none or the caller may not do this. */
static Oid
database_of(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return if_owned(((const DropdbStmt *) statement)->dbname);
		case T_RenameStmt:
			if (((const RenameStmt *) statement)->renameType == OBJECT_DATABASE)
				return if_owned(((const RenameStmt *) statement)->subname);
			return InvalidOid;
		case T_AlterDatabaseStmt:
			if (find_option(((const AlterDatabaseStmt *) statement)->options, "tablespace") != NULL)
				return if_owned(((const AlterDatabaseStmt *) statement)->dbname);
			return InvalidOid;
		case T_CreatedbStmt:
			return copied_by((const CreatedbStmt *) statement);
		default:
			return InvalidOid;
	}
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

/* Of this extension: the numbers of its sets start anew. */
static bool
is_creation(const Node *statement)
{
	return IsA(statement, CreateExtensionStmt) &&
		   strcmp(((const CreateExtensionStmt *) statement)->extname, "hllset_sync") == 0;
}

/* ---- the hook ---- */

static void
run(PlannedStmt *pstmt, const char *query, bool read_only_tree, ProcessUtilityContext context,
	ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
	QueryCompletion *completion)
{
	ProcessUtility_hook_type next = next_utility ? next_utility : standard_ProcessUtility;

	next(pstmt, query, read_only_tree, context, params, environment, dest, completion);
}

/* Not before the transaction's end, for until then the database looks half done. An error ends it too, and so does the end of this session. */
static void
at_end(XactEvent event, void *argument)
{
	if (OidIsValid(suspended) &&
		(event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE))
	{
		sync_resume(suspended);
		suspended = InvalidOid;
	}
}

/* Makes the workers leave the database that STATEMENT wants to have for itself. */
static void
make_room(const Node *statement)
{
	Oid database = InvalidOid;

	/* Inside a transaction block these statements fail anyway, except for one. */
	if (IsTransactionState() && (!IsTransactionBlock() || IsA(statement, RenameStmt)))
		database = database_of(statement);
	if (OidIsValid(suspended) || !OidIsValid(database) || !sync_suspend(database))
		return;
	suspended = database;
	sync_await_empty(database);
}

static void
utility(PlannedStmt *pstmt, const char *query, bool read_only_tree, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
		QueryCompletion *completion)
{
	/* The statement may be gone when it has run. */
	bool peers = concerns_peers(pstmt->utilityStmt);
	bool creation = is_creation(pstmt->utilityStmt);

	make_room(pstmt->utilityStmt);
	run(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	if (peers)
		sync_peers_changed();
	if (creation)
		sync_forget_consumers(0, InvalidOid);
}

void
sync_install_hooks(void)
{
	RegisterXactCallback(at_end, NULL);
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}
