/* SPDX-License-Identifier: PostgreSQL */
/*
 * Elements of any type: finding out how a type is reduced to canonical bytes (docs/format.md), and
 * hashing a value by it.
 *
 * What is learnt of a type stays at the call site, so that it is learnt once. What a value needs on the
 * way is allocated in the current context, which a caller resets for each row.
 */
#include "element.h"

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* ---- what is known of a type ---- */

static void
check_collation(Oid collation)
{
	if (collation == DEFAULT_COLLATION_OID || collation == C_COLLATION_OID)
		return;
	if (!OidIsValid(collation) || !get_collation_isdeterministic(collation))
		hllset_refuse_collation(collation);
}

static void
resolve_only_part(HllsetElement *element, Oid type, Oid collation)
{
	HllsetElementKey key = {type, -1, collation};

	hllset_element_make_parts(element, 1);
	element->parts[0] = hllset_element_part(element, key);
}

static void
resolve_array(HllsetElement *element, Oid member)
{
	element->family = HLLSET_FAMILY_ARRAY;
	element->append = hllset_nested_append_array;
	element->cache = lookup_type_cache(member, 0);
	resolve_only_part(element, member, element->key.collation);
}

/* Bounds that another operator class than their type's own calls equal would have different hashes. */
static void
check_bounds_order(Oid type, Oid bound)
{
	HeapTuple tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(type));
	Oid order;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for range type %u", type);
	order = ((Form_pg_range) GETSTRUCT(tuple))->rngsubopc;
	ReleaseSysCache(tuple);
	if (order != GetDefaultOpClass(bound, BTREE_AM_OID))
		hllset_refuse_range(type);
}

static void
resolve_range(HllsetElement *element, Oid type)
{
	element->family = HLLSET_FAMILY_RANGE;
	element->append = hllset_nested_append_range;
	element->cache = lookup_type_cache(type, TYPECACHE_RANGE_INFO);
	check_bounds_order(type, element->cache->rngelemtype->type_id);
	resolve_only_part(element, element->cache->rngelemtype->type_id, element->cache->rng_collation);
}

static void
resolve_multirange(HllsetElement *element, Oid type)
{
	resolve_range(element, lookup_type_cache(type, TYPECACHE_MULTIRANGE_INFO)->rngtype->type_id);
	element->family = HLLSET_FAMILY_MULTIRANGE;
	element->append = hllset_nested_append_multirange;
}

/* The columns of a record are only known from its value. */
static void
resolve_composite(HllsetElement *element, Oid type)
{
	HllsetElementKey row = {type, element->key.typmod, InvalidOid};

	element->family = HLLSET_FAMILY_COMPOSITE;
	element->append = hllset_nested_append_composite;
	element->row = NULL;
	if (type != element->key.type)
		element->row = hllset_element_part(element, row);
	else if (type != RECORDOID || row.typmod >= 0)
	{
		TupleDesc columns = hllset_nested_resolve_columns(element);

		ReleaseTupleDesc(columns);
		element->row = element;
	}
}

static uint64
hash_nested(HllsetElement *element, Datum value)
{
	StringInfoData out;
	uint64 hash;

	initStringInfo(&out);
	element->append(&out, element, value);
	hash = hllset_core_hash(out.data, out.len, element->family);
	pfree(out.data);
	return hash;
}

static void
resolve_other(HllsetElement *element, Oid type)
{
	Oid member = get_element_type(type);

	element->hash = hash_nested;
	if (type == JSONBOID)
	{
		element->family = HLLSET_FAMILY_JSONB;
		element->append = hllset_jsonb_append;
	}
	else if (type == RECORDOID)
		resolve_composite(element, type);
	else if (OidIsValid(member))
		resolve_array(element, member);
	else
	{
		switch (get_typtype(type))
		{
			case TYPTYPE_ENUM:
				element->scalar = &hllset_scalar_enum;
				element->hash = hllset_scalar_enum.hash;
				break;
			case TYPTYPE_RANGE:
				resolve_range(element, type);
				break;
			case TYPTYPE_MULTIRANGE:
				resolve_multirange(element, type);
				break;
			case TYPTYPE_COMPOSITE:
				resolve_composite(element, type);
				break;
			default:
				hllset_refuse_type(type);
		}
	}
}

/* Makes the element ready for values of its type, or refuses the type or one within it. */
static void
resolve(HllsetElement *element)
{
	Oid base;

	if (!OidIsValid(element->key.type))
		hllset_refuse_type(element->key.type);
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();

	base = getBaseType(element->key.type);
	element->scalar = hllset_scalar_find(base);
	if (element->scalar == NULL)
		resolve_other(element, base);
	else
	{
		element->hash = element->scalar->hash;
		if (type_is_collatable(base))
			check_collation(element->key.collation);
	}
	element->is_resolved = true;
}

/* ---- values ---- */

static uint64
hash_under_key(HllsetElement *element, Datum value, const uint8 *key)
{
	uint64 hash;

	if (element->scalar != NULL)
	{
		HllsetCanonical canonical;

		hllset_scalar_read(element->scalar, value, &canonical);
		hash = hllset_core_keyed_hash(canonical.data, canonical.size, canonical.family, key);
		hllset_canonical_free(&canonical);
	}
	else
	{
		StringInfoData out;

		initStringInfo(&out);
		element->append(&out, element, value);
		hash = hllset_core_keyed_hash(out.data, out.len, element->family, key);
		pfree(out.data);
	}
	return hash;
}

/* ---- arguments of functions ---- */

/* An hllhash is a hash already; within another value it is no element. */
static uint64
hash_hllhash(HllsetElement *element, Datum value)
{
	(void) element;
	return DatumGetUInt64(value);
}

/* Should an error come in between, the element is unresolved. */
static void
resolve_argument(HllsetElement *element, Oid type, Oid collation)
{
	element->is_resolved = false;
	element->key.type = type;
	element->key.typmod = -1;
	element->key.collation = collation;
	if (OidIsValid(type) && hllset_is_own_type(getBaseType(type), "hllhash"))
	{
		element->hash = hash_hllhash;
		element->is_resolved = true;
	}
	else
		resolve(element);
}

/* What is known of the types of arguments; the first time nothing is. */
static HllsetElement *
site_elements(FunctionCallInfo fcinfo, int count)
{
	HllsetSite *site = hllset_site(fcinfo->flinfo);

	if (site->elements == NULL)
	{
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		site->elements = MemoryContextAllocZero(context, count * sizeof(HllsetElement));
		for (int i = 0; i < count; i++)
		{
			site->elements[i].context = context;
			site->elements[i].resolve = resolve;
		}
	}
	return site->elements;
}

void
hllset_hash_resolve(FunctionCallInfo fcinfo, int argno)
{
	HllsetElement *element = site_elements(fcinfo, 1);

	resolve_argument(element, get_fn_expr_argtype(fcinfo->flinfo, argno), PG_GET_COLLATION());
	hllset_site(fcinfo->flinfo)->hash = element->hash;
}

uint64
hllset_hash_first(FunctionCallInfo fcinfo, int argno)
{
	hllset_hash_resolve(fcinfo, argno);
	return hllset_hash_argument(fcinfo, argno);
}

uint64
hllset_hash_keyed(FunctionCallInfo fcinfo, int argno, const uint8 *key)
{
	HllsetElement *element = site_elements(fcinfo, 1);

	if (unlikely(!element->is_resolved))
		resolve_argument(element, get_fn_expr_argtype(fcinfo->flinfo, argno), PG_GET_COLLATION());
	if (unlikely(element->hash == hash_hllhash))
		hllset_refuse_keyed_hash();
	return hash_under_key(element, PG_GETARG_DATUM(argno), key);
}

uint64
hllset_hash_one_of(FunctionCallInfo fcinfo, int argno)
{
	HllsetElement *element = &site_elements(fcinfo, PG_NARGS())[argno];

	if (!element->is_resolved)
		resolve_argument(element, get_fn_expr_argtype(fcinfo->flinfo, argno), PG_GET_COLLATION());
	return element->hash(element, PG_GETARG_DATUM(argno));
}

uint64
hllset_hash_member(FunctionCallInfo fcinfo, Datum member, Oid type)
{
	HllsetElement *element = site_elements(fcinfo, 1);

	if (!element->is_resolved || element->key.type != type)
		resolve_argument(element, type, PG_GET_COLLATION());
	return element->hash(element, member);
}
