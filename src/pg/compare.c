/* SPDX-License-Identifier: PostgreSQL */
/* Equality, order and hash of hllset: those of the canonical bytes, which are never interpreted here. */
#include "hllset_pg.h"

#include "access/detoast.h"
#include "common/hashfn.h"

PG_FUNCTION_INFO_V1(hllset_eq);
PG_FUNCTION_INFO_V1(hllset_ne);
PG_FUNCTION_INFO_V1(hllset_lt);
PG_FUNCTION_INFO_V1(hllset_le);
PG_FUNCTION_INFO_V1(hllset_gt);
PG_FUNCTION_INFO_V1(hllset_ge);
PG_FUNCTION_INFO_V1(hllset_cmp);
PG_FUNCTION_INFO_V1(hllset_hashcode);
PG_FUNCTION_INFO_V1(hllset_hashcode_extended);

static int
compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	struct varlena *b = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	HllsetBytes bytes_a = {(const uint8 *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a)};
	HllsetBytes bytes_b = {(const uint8 *) VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b)};
	int order = hllset_compare(bytes_a, bytes_b);

	/* Index and sort code keeps no context for one comparison. */
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

/* Sizes are compared first: they are known without fetching a value that is stored out of line. */
static bool
are_equal(FunctionCallInfo fcinfo)
{
	return toast_raw_datum_size(PG_GETARG_DATUM(0)) == toast_raw_datum_size(PG_GETARG_DATUM(1)) &&
		   compare(fcinfo) == 0;
}

Datum
hllset_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(are_equal(fcinfo));
}

Datum
hllset_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!are_equal(fcinfo));
}

Datum
hllset_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
hllset_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
hllset_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
hllset_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
hllset_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

Datum
hllset_hashcode(PG_FUNCTION_ARGS)
{
	struct varlena *set = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	Datum code = hash_any((unsigned char *) VARDATA_ANY(set), (int) VARSIZE_ANY_EXHDR(set));

	PG_FREE_IF_COPY(set, 0);
	return code;
}

Datum
hllset_hashcode_extended(PG_FUNCTION_ARGS)
{
	struct varlena *set = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	Datum code = hash_any_extended((unsigned char *) VARDATA_ANY(set), (int) VARSIZE_ANY_EXHDR(set),
								   PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(set, 0);
	return code;
}
