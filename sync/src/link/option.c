/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a foreign server and a user mapping may say of a peer. Checked when they are made and again before each connection, since catalogs
 * outlive the rules. An option is allowed only if it is listed here: what a later libpq adds is refused.
 */
#include "link/link.h"

#include "access/reloptions.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"

#define SERVER_OPTIONS                                                                       \
	"host, hostaddr, port, dbname, sslmode, sslrootcert, sslcrl, ssl_min_protocol_version, " \
	"channel_binding, connect_timeout, keepalives, keepalives_idle, keepalives_interval, "   \
	"keepalives_count, tcp_user_timeout, target_session_attrs"
#define MAPPING_OPTIONS "user, password, password_required, sslcert, sslkey"
#define SUPERUSERS_OPTIONS "password_required, sslcert, sslkey"
#define WEAK_SSLMODES "disable, allow, prefer"
#define MORE_OPTIONS 4 /* that we add */
#define SSLMODES WEAK_SSLMODES ", require, verify-ca, verify-full"

/* NAMES as above. */
static bool
is_among(const char *name, const char *names)
{
	return strchr(name, ',') == NULL &&
		   strstr(psprintf(", %s,", names), psprintf(", %s,", name)) != NULL;
}

static DefElem *
find_option(List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, name) == 0)
			return lfirst(cell);
	return NULL;
}

static const char *
option_value(List *options, const char *name)
{
	DefElem *option = find_option(options, name);

	return option == NULL ? NULL : defGetString(option);
}

/* What only a superuser may set has been checked where the options were made. */
static void
check_options(List *options, Oid catalog, bool making)
{
	const char *names = catalog == ForeignServerRelationId ? SERVER_OPTIONS
						: catalog == UserMappingRelationId ? MAPPING_OPTIONS
														   : "";
	const char *mode = option_value(options, "sslmode");
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (!is_among(option->defname, names))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("invalid option \"%s\"", option->defname),
					 names[0] != '\0' ? errhint("Valid options in this context are: %s", names)
									  : errhint("There are no valid options in this context.")));
		/* Asking for a password is no privilege. */
		if (making && !superuser() && is_among(option->defname, SUPERUSERS_OPTIONS) &&
			(strcmp(option->defname, "password_required") != 0 || !defGetBoolean(option)))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("only a superuser may set option \"%s\"", option->defname)));
	}
	if (mode != NULL && !is_among(mode, SSLMODES))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("invalid value for option \"sslmode\": \"%s\"", mode)));
}

/* An entry of the list of hosts that is no name or address of a machine makes libpq use a Unix socket. */
static bool
uses_socket(List *options)
{
	const char *hosts = option_value(options, "hostaddr");

	if (hosts == NULL)
		hosts = option_value(options, "host");
	while (hosts != NULL && strchr(",/@", *hosts) == NULL) /* also at the end of the string */
	{
		hosts = strchr(hosts, ',');
		if (hosts++ == NULL)
			return false;
	}
	return true;
}

static void
check_socket(List *options, bool may_use)
{
	if (!may_use && uses_socket(options))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only a superuser may make a server that is reached by a Unix socket"),
				 errhint("Set host or hostaddr to a name or an address.")));
}

PG_FUNCTION_INFO_V1(hllset_sync_fdw_validator);

Datum
hllset_sync_fdw_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);

	check_options(options, catalog, true);
	check_socket(options, catalog != ForeignServerRelationId || superuser());
	PG_RETURN_VOID();
}

/* ---- for a connection ---- */

static void
check_wrapper(ForeignServer *server)
{
	ForeignDataWrapper *wrapper = GetForeignDataWrapper(server->fdwid);

	if (strcmp(wrapper->fdwname, SYNC_SCHEMA) != 0)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("server \"%s\" is not of the foreign-data wrapper \"%s\"",
							   server->servername, SYNC_SCHEMA)));
}

void
sync_check_usage(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	AclResult result = sync_server_usage(server->serverid);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FOREIGN_SERVER, name);
	check_wrapper(server);
}

static void
add_option(SyncTarget *target, const char *keyword, const char *value)
{
	target->keywords[target->count] = keyword;
	target->values[target->count++] = value;
}

/* Less than a certified connection needs to be asked for, and is worth a line in the log once per process. */
static void
warn_of_sslmode(const ForeignServer *server, const char *mode)
{
	static List *warned = NIL;
	MemoryContext caller;

	if (mode == NULL || !is_among(mode, WEAK_SSLMODES) || list_member_oid(warned, server->serverid))
		return;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	warned = lappend_oid(warned, server->serverid);
	MemoryContextSwitchTo(caller);
	ereport(
		WARNING,
		(errmsg(
			"hllset_sync: peer \"%s\": sslmode is \"%s\": others may read and change what crosses",
			server->servername, mode)));
}

SyncTarget *
sync_target(const char *name, Oid role, const char *node_name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	List *mapping = GetUserMapping(role, server->serverid)->options;
	DefElem *required = find_option(mapping, "password_required");
	const char *password = option_value(mapping, "password");
	const char *mode = option_value(server->options, "sslmode");
	SyncTarget *target = palloc0(sizeof(SyncTarget));
	Size size =
		(list_length(server->options) + list_length(mapping) + MORE_OPTIONS + 1) * sizeof(char *);
	ListCell *cell;

	target->server = server->servername;
	target->keywords = palloc0(size);
	target->values = palloc0(size);
	target->password_required =
		!superuser_arg(role) && (required == NULL || defGetBoolean(required));
	check_wrapper(server);
	check_options(server->options, ForeignServerRelationId, false);
	check_socket(server->options, superuser_arg(server->owner) || superuser_arg(role));
	check_options(mapping, UserMappingRelationId, false);
	foreach (cell, list_concat_copy(server->options, mapping))
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "password_required") != 0)
			add_option(target, option->defname, defGetString(option));
	}
	if (target->password_required && (password == NULL || *password == '\0'))
		ereport(ERROR,
				(errcode(ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED),
				 errmsg("a password is required"),
				 errdetail("The user mapping for server \"%s\" has no password.", target->server),
				 errhint("Set password in the user mapping; a superuser may set password_required "
						 "to false.")));
	warn_of_sslmode(server, mode);
	if (mode == NULL)
		add_option(target, "sslmode", "verify-full");
	add_option(target, "gssencmode", "disable");
	add_option(target, "application_name", psprintf("hllset_sync/%s", node_name));
	/* typsend and typreceive convert texts as for this session's client, so the peer must take it for the same. */
	add_option(target, "client_encoding", pg_get_client_encoding_name());
	return target;
}
