/* SPDX-License-Identifier: PostgreSQL */
/*
 * Functions that change the catalog for a caller who has no rights on it: NAME(...) calls NAME_by(caller, ...), which is in SQL, may be executed by
 * the extension's owner only, runs with his rights, and sees to it that the caller may do what he asks for.
 */
#include "common/common.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "parser/parse_func.h"

PG_FUNCTION_INFO_V1(hllset_sync_delegate);

Datum
hllset_sync_delegate(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	Oid id = fcinfo->flinfo->fn_oid;
	Oid types[FUNC_MAX_ARGS] = {OIDOID};
	Oid *given;
	int count;
	char *name = psprintf("%s_by", get_func_name(id));
	FmgrInfo function;
	SyncUser user;
	Datum result;

	(void) get_func_signature(id, &given, &count);
	memcpy(&types[1], given, count * sizeof(Oid));
	fmgr_info(LookupFuncName(list_make2(makeString(SYNC_SCHEMA), makeString(name)), count + 1,
							 types, false),
			  &function);
	InitFunctionCallInfoData(*call, &function, count + 1, PG_GET_COLLATION(), NULL, NULL);
	call->args[0] = (NullableDatum){ObjectIdGetDatum(GetUserId()), false};
	memcpy(&call->args[1], fcinfo->args, count * sizeof(NullableDatum));
	user = sync_enter_catalog();
	result = FunctionCallInvoke(call);
	sync_leave(user);
	fcinfo->isnull = call->isnull;
	return result;
}
