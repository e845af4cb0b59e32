/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a foreign server and a user mapping may say of a peer. Checked when they are made and again before each connection, since catalogs
 * outlive the rules. An option is allowed only if it is listed here: what a later libpq adds is refused.
 */
#include "round.h"

#include "access/reloptions.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

typedef struct AllowedOption
{
	const char *name;
	Oid catalog;
	bool superuser_only;
} AllowedOption;

static const AllowedOption allowed[] = {
	{"host", ForeignServerRelationId, false},
	{"hostaddr", ForeignServerRelationId, false},
	{"port", ForeignServerRelationId, false},
	{"dbname", ForeignServerRelationId, false},
	{"sslmode", ForeignServerRelationId, false},
	{"sslrootcert", ForeignServerRelationId, false},
	{"sslcrl", ForeignServerRelationId, false},
	{"ssl_min_protocol_version", ForeignServerRelationId, false},
	{"channel_binding", ForeignServerRelationId, false},
	{"connect_timeout", ForeignServerRelationId, false},
	{"keepalives", ForeignServerRelationId, false},
	{"keepalives_idle", ForeignServerRelationId, false},
	{"keepalives_interval", ForeignServerRelationId, false},
	{"keepalives_count", ForeignServerRelationId, false},
	{"tcp_user_timeout", ForeignServerRelationId, false},
	{"target_session_attrs", ForeignServerRelationId, false},
	{"user", UserMappingRelationId, false},
	{"password", UserMappingRelationId, false},
	{"password_required", UserMappingRelationId, true},
	{"sslcert", UserMappingRelationId, true},
	{"sslkey", UserMappingRelationId, true},
};

static const AllowedOption *
find_allowed(const char *name, Oid catalog)
{
	for (size_t i = 0; i < lengthof(allowed); i++)
		if (allowed[i].catalog == catalog && strcmp(allowed[i].name, name) == 0)
			return &allowed[i];
	return NULL;
}

static char *
list_allowed(Oid catalog)
{
	StringInfoData names;

	initStringInfo(&names);
	for (size_t i = 0; i < lengthof(allowed); i++)
		if (allowed[i].catalog == catalog)
			appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", allowed[i].name);
	return names.data;
}

static const char *
option_value(List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return defGetString(option);
	}
	return NULL;
}

static bool
passwordless(List *options)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "password_required") == 0)
			return !defGetBoolean(option);
	}
	return false;
}

static void
check_names(List *options, Oid catalog)
{
	ListCell *cell;

	foreach (cell, options)
	{
		const char *name = lfirst_node(DefElem, cell)->defname;

		if (find_allowed(name, catalog) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("invalid option \"%s\"", name),
					 *list_allowed(catalog)
						 ? errhint("Valid options in this context are: %s", list_allowed(catalog))
						 : errhint("There are no valid options in this context.")));
	}
}

/* An entry of the list of hosts that is no name or address of a machine makes libpq use a Unix socket. */
static bool
uses_socket(List *options)
{
	const char *hosts = option_value(options, "hostaddr");

	if (hosts == NULL)
		hosts = option_value(options, "host");
	if (hosts == NULL)
		return true;
	for (const char *host = hosts;; host = strchr(host, ',') + 1)
	{
		if (strchr(",/@", *host) != NULL) /* also at the end of the string */
			return true;
		if (strchr(host, ',') == NULL)
			return false;
	}
}

static void
refuse_socket(void)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("only a superuser may make a server that is reached by a Unix socket"),
					errhint("Set host or hostaddr to a name or an address.")));
}

static void
check_superuser_options(List *options, Oid catalog)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		const AllowedOption *found = find_allowed(option->defname, catalog);

		/* Asking for a password is no privilege. */
		if (!found->superuser_only ||
			(strcmp(found->name, "password_required") == 0 && defGetBoolean(option)))
			continue;
		if (!superuser())
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("only a superuser may set option \"%s\"", found->name)));
	}
}

static void
check_values(List *options)
{
	const char *mode = option_value(options, "sslmode");
	static const char *const modes[] = {"disable", "allow",     "prefer",
										"require", "verify-ca", "verify-full"};

	if (mode == NULL)
		return;
	for (size_t i = 0; i < lengthof(modes); i++)
		if (strcmp(mode, modes[i]) == 0)
			return;
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					errmsg("invalid value for option \"sslmode\": \"%s\"", mode)));
}

PG_FUNCTION_INFO_V1(hllset_sync_fdw_validator);

Datum
hllset_sync_fdw_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);

	check_names(options, catalog);
	check_superuser_options(options, catalog);
	check_values(options);
	if (catalog == ForeignServerRelationId && uses_socket(options) && !superuser())
		refuse_socket();
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

static void
check_server(ForeignServer *server, Oid role)
{
	check_wrapper(server);
	check_names(server->options, ForeignServerRelationId);
	check_values(server->options);
	if (uses_socket(server->options) && !superuser_arg(server->owner) && !superuser_arg(role))
		refuse_socket();
}

void
sync_check_usage(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	AclResult result = sync_server_usage(server->serverid, GetUserId());

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FOREIGN_SERVER, name);
	check_wrapper(server);
}

static void
check_mapping(SyncTarget *target, List *options)
{
	const char *password = option_value(options, "password");

	check_names(options, UserMappingRelationId);
	if (target->password_required && (password == NULL || *password == '\0'))
		ereport(ERROR,
				(errcode(ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED),
				 errmsg("a password is required"),
				 errdetail("The user mapping for server \"%s\" has no password.", target->server),
				 errhint("Set password in the user mapping; a superuser may set password_required "
						 "to false.")));
}

static void
add_option(SyncTarget *target, int *count, const char *keyword, const char *value)
{
	target->keywords[*count] = pstrdup(keyword);
	target->values[*count] = pstrdup(value);
	(*count)++;
}

static void
add_options(SyncTarget *target, int *count, List *options)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "password_required") != 0)
			add_option(target, count, option->defname, defGetString(option));
	}
}

SyncTarget *
sync_target(const char *name, Oid role)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	UserMapping *mapping = GetUserMapping(role, server->serverid);
	SyncTarget *target = palloc0(sizeof(SyncTarget));
	int room = list_length(server->options) + list_length(mapping->options) + 3;
	int count = 0;

	target->serverid = server->serverid;
	target->server = pstrdup(server->servername);
	target->password_required = !superuser_arg(role) && !passwordless(mapping->options);
	check_server(server, role);
	check_mapping(target, mapping->options);

	target->keywords = palloc0(room * sizeof(char *));
	target->values = palloc0(room * sizeof(char *));
	add_options(target, &count, server->options);
	add_options(target, &count, mapping->options);
	if (option_value(server->options, "sslmode") == NULL)
		add_option(target, &count, "sslmode", "verify-full");
	add_option(target, &count, "gssencmode", "disable");
	return target;
}
