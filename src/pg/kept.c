/* SPDX-License-Identifier: PostgreSQL */
/* Values that the state of an aggregate keeps: copies in the state's context, and their place in its serial form. */
#include "hllset_pg.h"

#include "libpq/pqformat.h"
#include "utils/memutils.h"

/* The bytes may lie in the kept value itself. */
void
hllset_kept_replace(MemoryContext context, Hllset **kept, HllsetBytes bytes)
{
	MemoryContext caller;
	Hllset *old = *kept;

	if (old != NULL && hllset_same(hllset_bytes(old), bytes))
		return;
	caller = MemoryContextSwitchTo(context);
	*kept = (Hllset *) DatumGetPointer(hllset_new(bytes));
	MemoryContextSwitchTo(caller);
	if (old != NULL)
		pfree(old);
}

void
hllset_kept_send(StringInfo message, HllsetBytes bytes)
{
	pq_sendint32(message, (uint32) bytes.size);
	pq_sendbytes(message, (const char *) bytes.data, (int) bytes.size);
}

/* The next value, which is validated. It lies in the message. */
HllsetBytes
hllset_kept_receive(StringInfo message)
{
	int size = (int) pq_getmsgint(message, 4);
	HllsetBytes bytes = {(const uint8 *) pq_getmsgbytes(message, size), size};

	hllset_inspect(bytes);
	return bytes;
}
