/* SPDX-License-Identifier: PostgreSQL */
/*
 * Elements of any type: finding out how a type is reduced to canonical bytes (docs/format.md), and
 * hashing a value by it.
 *
 * What is learnt of a type stays at the call site, so that it is learnt once. What a value needs on the
 * way is allocated in the current context, which a caller resets for each row.
 */
#include "element.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

/* ---- what is known of a type ---- */

void
hllset_element_check_collation(Oid collation)
{
	if (collation == DEFAULT_COLLATION_OID || collation == C_COLLATION_OID)
		return;
	if (!OidIsValid(collation) || !get_collation_isdeterministic(collation))
		hllset_refuse_collation(collation);
}

static void
free_parts(HllsetElement *element)
{
	for (int i = 0; i < element->nparts; i++)
		free_parts(&element->parts[i]);
	if (element->parts != NULL)
		pfree(element->parts);
	element->parts = NULL;
	element->nparts = 0;
}

/* Gives the element this many parts. If it has as many, they stay as they are. */
void
hllset_element_make_parts(HllsetElement *element, int nparts)
{
	if (element->nparts == nparts)
		return;
	free_parts(element);
	if (nparts == 0)
		return;
	element->parts = MemoryContextAllocZero(element->context, nparts * sizeof(HllsetElement));
	element->nparts = nparts;
	for (int i = 0; i < nparts; i++)
		element->parts[i].context = element->context;
}

static void
resolve_array(HllsetElement *element, Oid member)
{
	element->family = HLLSET_FAMILY_ARRAY;
	element->append = hllset_nested_append_array;
	element->cache = lookup_type_cache(member, 0);
	hllset_element_make_parts(element, 1);
	hllset_element_resolve(&element->parts[0], member, element->collation);
}

static void
resolve_range(HllsetElement *element, Oid type)
{
	element->family = HLLSET_FAMILY_RANGE;
	element->append = hllset_nested_append_range;
	element->cache = lookup_type_cache(type, TYPECACHE_RANGE_INFO);
	hllset_element_make_parts(element, 1);
	hllset_element_resolve(&element->parts[0], element->cache->rngelemtype->type_id,
						   element->cache->rng_collation);
}

static void
resolve_multirange(HllsetElement *element, Oid type)
{
	resolve_range(element, lookup_type_cache(type, TYPECACHE_MULTIRANGE_INFO)->rngtype->type_id);
	element->family = HLLSET_FAMILY_MULTIRANGE;
	element->append = hllset_nested_append_multirange;
}

/* The columns of an anonymous record are only known from its value. */
static void
resolve_composite(HllsetElement *element, Oid type)
{
	element->family = HLLSET_FAMILY_COMPOSITE;
	element->append = hllset_nested_append_composite;
	if (type != RECORDOID)
	{
		TupleDesc columns = hllset_nested_resolve_columns(element, type, -1);

		ReleaseTupleDesc(columns);
	}
}

static void
resolve_other(HllsetElement *element, Oid type)
{
	Oid member = get_element_type(type);

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

/* Makes the element ready for values of the type, or refuses the type or one within it. */
void
hllset_element_resolve(HllsetElement *element, Oid type, Oid collation)
{
	Oid base;

	if (OidIsValid(type) && element->type == type && element->collation == collation)
		return;
	if (!OidIsValid(type))
		hllset_refuse_type(type);
	check_stack_depth();

	/* until all is known, and should an error come in between, the element is unresolved */
	element->type = InvalidOid;
	element->collation = collation;
	base = getBaseType(type);
	element->scalar = hllset_scalar_find(base);
	if (element->scalar == NULL)
		resolve_other(element, base);
	else if (type_is_collatable(base))
		hllset_element_check_collation(collation);
	element->type = type;
}

/* ---- values ---- */

void
hllset_element_append_item(StringInfo out, HllsetElement *element, Datum value, bool isnull)
{
	HllsetCanonical canonical;
	int start;

	if (isnull)
		hllset_element_append_byte(out, 0);
	else if (element->scalar != NULL)
	{
		hllset_scalar_read(element->scalar, value, &canonical);
		hllset_element_append_byte(out, canonical.family);
		hllset_element_append_sized(out, canonical.data, canonical.size);
		hllset_canonical_free(&canonical);
	}
	else
	{
		check_stack_depth();
		start = hllset_element_open_item(out, element->family);
		element->append(out, element, value);
		hllset_element_close_item(out, start);
	}
}

uint64
hllset_element_hash_nested(HllsetElement *element, Datum value)
{
	StringInfoData out;
	uint64 hash;

	initStringInfo(&out);
	element->append(&out, element, value);
	hash = hllset_core_hash(out.data, out.len, element->family);
	pfree(out.data);
	return hash;
}

uint64
hllset_hash_value(FmgrInfo *flinfo, Datum value, Oid type, Oid collation)
{
	HllsetSite *site = hllset_site(flinfo);
	HllsetElement *element = site->element;
	HllsetCanonical canonical;

	if (element == NULL)
	{
		element = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(HllsetElement));
		element->context = flinfo->fn_mcxt;
		site->element = element;
	}
	hllset_element_resolve(element, type, collation);
	if (element->scalar == NULL)
		return hllset_element_hash_nested(element, value);
	hllset_scalar_read(element->scalar, value, &canonical);
	return hllset_canonical_hash(&canonical);
}

uint64
hllset_hash_argument(FunctionCallInfo fcinfo, int argno)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argno);

	return hllset_hash_value(fcinfo->flinfo, PG_GETARG_DATUM(argno), type, PG_GET_COLLATION());
}
