/* SPDX-License-Identifier: PostgreSQL */
/* A value as a datum of the server. */
#include "hllset_pg.h"

Datum
hllset_new(HllsetBytes bytes)
{
	Hllset *set = palloc(VARHDRSZ + bytes.size);

	SET_VARSIZE(set, VARHDRSZ + bytes.size);
	memcpy(set->body, bytes.data, bytes.size);
	return PointerGetDatum(set);
}
