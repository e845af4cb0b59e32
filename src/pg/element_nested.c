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

		hllset_element_append_item(out, element->parts[0], item, isnull);
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
	append_bounds(out, element->parts[0], &lower, &upper, empty);
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
		append_bounds(out, element->parts[0], &lower, &upper, false);
		hllset_element_close_item(out, start);
	}
	if ((Pointer) multirange != DatumGetPointer(value))
		pfree(multirange);
}

/* ---- composites ---- */

/*
 * Makes ready the parts of an element of a row type for its columns, which are returned and to be
 * released. They are looked up each time, since a named row type may change; the rest is cheap once
 * done. A column of a type that has no hash is refused even if it is NULL.
 */
TupleDesc
hllset_nested_resolve_columns(HllsetElement *row)
{
	TupleDesc columns = lookup_rowtype_tupdesc(row->key.type, row->key.typmod);

	hllset_element_make_parts(row, columns->natts);
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);
		HllsetElementKey key = {column->atttypid, -1, column->attcollation};

		if (!column->attisdropped &&
			(row->parts[i] == NULL || row->parts[i]->key.type != key.type ||
			 row->parts[i]->key.collation != key.collation))
			row->parts[i] = hllset_element_part(row, key);
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
			hllset_element_append_item(out, element->parts[i], values[i], nulls[i]);
	pfree(values);
	pfree(nulls);
}

/* A record may be of another row type each time; within it may be records of the same one. */
static HllsetElement *
row_element(HllsetElement *element, HeapTupleHeader row)
{
	HllsetElementKey key = {HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row),
							InvalidOid};

	if (element->row == NULL || element->row->key.type != key.type ||
		element->row->key.typmod != key.typmod)
		element->row = hllset_element_part(element, key);
	return element->row;
}

void
hllset_nested_append_composite(StringInfo out, HllsetElement *element, Datum value)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(value);
	HllsetElement *of_row = row_element(element, row);
	TupleDesc columns = hllset_nested_resolve_columns(of_row);

	append_columns(out, of_row, row, columns);
	ReleaseTupleDesc(columns);
	if ((Pointer) row != DatumGetPointer(value))
		pfree(row);
}
