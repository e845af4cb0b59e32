/* SPDX-License-Identifier: PostgreSQL */
/* Text that came from a peer, before anyone sees it. */
#include "common/common.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#define LONGEST 1024

char *
sync_clean_text(const char *text)
{
	StringInfoData out;
	int size = strnlen(text, LONGEST + 1);
	bool valid;

	if (size > LONGEST)
		size = pg_mbcliplen(text, size, LONGEST);
	while (size > 0 && text[size - 1] == '\n')
		size--;
	/* The peer speaks this session's client encoding; what would need a conversion is escaped. */
	valid = pg_get_client_encoding() == GetDatabaseEncoding() &&
			pg_verify_mbstr(GetDatabaseEncoding(), text, size, true);
	initStringInfo(&out);
	for (int i = 0; i < size; i++)
	{
		unsigned char byte = text[i];

		if (byte == '\n' || byte == '\t')
			appendStringInfoChar(&out, ' ');
		else if (byte < ' ' || byte == 0x7F || (byte > 0x7F && !valid))
			appendStringInfo(&out, "\\x%02X", byte);
		else
			appendStringInfoChar(&out, byte);
	}
	return out.data;
}

const char *
sync_peer_hint(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return "There, the owner of a set lets this login in with SELECT "
				   "hllset_sync.grant_peer(set, role).";
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_SCHEMA:
			return "Is it the right database, and extension hllset_sync created in it?";
		default:
			return NULL;
	}
}
