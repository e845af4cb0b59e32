/* SPDX-License-Identifier: PostgreSQL */
/* Arrays, ranges, multiranges and composites to canonical bytes (docs/format.md, Nested values). */
#include "element.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/arrayaccess.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"

/* ---- arrays ---- */

void
hllset_nested_append_array(StringInfo out, HllsetElement *element, Datum value)
{
	AnyArrayType *array = DatumGetAnyArrayP(value);
	TypeCacheEntry *cache = element->cache;
	int ndim = AARR_NDIM(array);
	int nitems = ArrayGetNItems(ndim, AARR_DIMS(array));
	array_iter iterator;

	hllset_element_append_u32(out, ndim);
	for (int i = 0; i < ndim; i++)
	{
		hllset_element_append_u32(out, AARR_DIMS(array)[i]);
		hllset_element_append_u32(out, AARR_LBOUND(array)[i]);
	}
	array_iter_setup(&iterator, array);
	for (int i = 0; i < nitems; i++)
	{
		bool isnull;
		Datum item =
			array_iter_next(&iterator, &isnull, i, cache->typlen, cache->typbyval, cache->typalign);

		hllset_element_append_item(out, &element->parts[0], item, isnull);
	}
	if (!VARATT_IS_EXPANDED_HEADER(array) && (Pointer) array != DatumGetPointer(value))
		pfree(array);
}

/* ---- ranges and multiranges ---- */

static void
append_bounds(StringInfo out, HllsetElement *bound, const RangeBound *lower,
			  const RangeBound *upper, bool empty)
{
	uint8 flags = empty ? 1 : 0;

	if (!empty)
		flags |= (lower->inclusive ? 2 : 0) | (upper->inclusive ? 4 : 0) |
				 (lower->infinite ? 8 : 0) | (upper->infinite ? 16 : 0);
	hllset_element_append_byte(out, flags);
	if (!empty && !lower->infinite)
		hllset_element_append_item(out, bound, lower->val, false);
	if (!empty && !upper->infinite)
		hllset_element_append_item(out, bound, upper->val, false);
}

void
hllset_nested_append_range(StringInfo out, HllsetElement *element, Datum value)
{
	RangeType *range = DatumGetRangeTypeP(value);
	RangeBound lower;
	RangeBound upper;
	bool empty;

	range_deserialize(element->cache, range, &lower, &upper, &empty);
	append_bounds(out, &element->parts[0], &lower, &upper, empty);
	if ((Pointer) range != DatumGetPointer(value))
		pfree(range);
}

void
hllset_nested_append_multirange(StringInfo out, HllsetElement *element, Datum value)
{
	MultirangeType *multirange = DatumGetMultirangeTypeP(value);

	hllset_element_append_u32(out, multirange->rangeCount);
	for (uint32 i = 0; i < multirange->rangeCount; i++)
	{
		RangeBound lower;
		RangeBound upper;
		int start = hllset_element_open_item(out, HLLSET_FAMILY_RANGE);

		multirange_get_bounds(element->cache, multirange, i, &lower, &upper);
		append_bounds(out, &element->parts[0], &lower, &upper, false);
		hllset_element_close_item(out, start);
	}
	if ((Pointer) multirange != DatumGetPointer(value))
		pfree(multirange);
}

/* ---- composites ---- */

/*
 * Makes the element's parts ready for the columns of a row type, which is returned and to be
 * released. It is looked up each time, since a named one may change; the rest is cheap once done.
 */
TupleDesc
hllset_nested_resolve_columns(HllsetElement *element, Oid type, int32 typmod)
{
	TupleDesc columns = lookup_rowtype_tupdesc(type, typmod);

	hllset_element_make_parts(element, columns->natts);
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (!column->attisdropped)
			hllset_element_resolve(&element->parts[i], column->atttypid, column->attcollation);
	}
	return columns;
}

static void
append_columns(StringInfo out, HllsetElement *element, HeapTupleHeader row, TupleDesc columns)
{
	Datum *values = palloc(columns->natts * sizeof(Datum));
	bool *nulls = palloc(columns->natts * sizeof(bool));
	HeapTupleData tuple = {0};
	uint32 live = 0;

	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, columns, values, nulls);

	for (int i = 0; i < columns->natts; i++)
		live += TupleDescAttr(columns, i)->attisdropped ? 0 : 1;
	hllset_element_append_u32(out, live);
	for (int i = 0; i < columns->natts; i++)
		if (!TupleDescAttr(columns, i)->attisdropped)
			hllset_element_append_item(out, &element->parts[i], values[i], nulls[i]);
	pfree(values);
	pfree(nulls);
}

void
hllset_nested_append_composite(StringInfo out, HllsetElement *element, Datum value)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(value);
	TupleDesc columns = hllset_nested_resolve_columns(element, HeapTupleHeaderGetTypeId(row),
													  HeapTupleHeaderGetTypMod(row));

	append_columns(out, element, row, columns);
	ReleaseTupleDesc(columns);
	if ((Pointer) row != DatumGetPointer(value))
		pfree(row);
}
