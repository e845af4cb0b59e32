/* SPDX-License-Identifier: PostgreSQL */
/*
 * A set in memory while elements come one by one, as in a loop of PL/pgSQL: an expanded object, so that a step neither decodes
 * nor encodes the others. The server stores it flat by itself, and every other function sees the flat form.
 */
#include "hllset_pg.h"

#include "utils/expandeddatum.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(hllset_add_support);

typedef struct Expanded
{
	ExpandedObjectHeader head;
	HllsetState *state;
	Hllset *flat; /* what the state is when stored; NULL until someone asks */
	bool is_new;  /* nobody but the function that made it has seen it */
} Expanded;

static Size
flat_size(ExpandedObjectHeader *head)
{
	Expanded *expanded = (Expanded *) head;

	if (expanded->flat == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(head->eoh_context);

		expanded->flat = (Hllset *) DatumGetPointer(hllset_state_encode(expanded->state));
		MemoryContextSwitchTo(caller);
	}
	return VARSIZE(expanded->flat);
}

static void
flatten(ExpandedObjectHeader *head, void *result, Size size)
{
	Assert(size == flat_size(head));
	memcpy(result, ((Expanded *) head)->flat, size);
}

static const ExpandedObjectMethods methods = {flat_size, flatten};

static Expanded *
expanded_of(Datum value)
{
	Expanded *expanded;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return NULL;
	expanded = (Expanded *) DatumGetEOHP(value);
	return expanded->head.eoh_methods == &methods ? expanded : NULL;
}

/* An object in a context of its own, still without a state. */
static Expanded *
new_expanded(MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "expanded hllset", ALLOCSET_START_SMALL_SIZES);
	Expanded *expanded = MemoryContextAlloc(context, sizeof(Expanded));

	EOH_init_header(&expanded->head, &methods, context);
	expanded->flat = NULL;
	expanded->is_new = true;
	return expanded;
}

static Datum
handed_over(Expanded *expanded)
{
	expanded->is_new = false;
	return EOHPGetRWDatum(&expanded->head);
}

const HllsetState *
hllset_expanded_state(Datum value)
{
	Expanded *expanded = expanded_of(value);

	return expanded != NULL ? expanded->state : NULL;
}

/* A flat value as an object, where the caller's result is kept; 0 if it is no set. */
static Datum
expand(FunctionCallInfo fcinfo, HllsetBytes value)
{
	MemoryContext
		aggregate; /* NULL outside an aggregate: a context without a parent would live as long as the session */
	bool in_aggregate = AggCheckCallContext(fcinfo, &aggregate) != 0;
	Expanded *expanded = new_expanded(in_aggregate ? aggregate : CurrentMemoryContext);

	expanded->state = hllset_state_like(expanded->head.eoh_context, value);
	if (hllset_state_try_union(expanded->state, value))
		return EOHPGetRWDatum(&expanded->head);
	MemoryContextDelete(expanded->head.eoh_context);
	return (Datum) 0;
}

static uint64
hash_of(HllsetBytes bytes)
{
	return hllset_core_hash(bytes.data, bytes.size, HLLSET_FAMILY_BYTES);
}

Datum
hllset_made(FunctionCallInfo fcinfo, HllsetBytes bytes)
{
	HllsetSite *site = hllset_site(fcinfo->flinfo);

	site->made_size = bytes.size;
	site->made_hash = hash_of(bytes);
	return hllset_new(bytes);
}

/* What comes from a table is often packed or stored elsewhere; then it is not looked at. */
static bool
was_made_here(const HllsetSite *site, Datum value)
{
	HllsetBytes bytes;

	if (VARATT_IS_EXTENDED(DatumGetPointer(value)))
		return false;
	bytes = hllset_bytes((Hllset *) DatumGetPointer(value));
	return bytes.size == site->made_size && hash_of(bytes) == site->made_hash;
}

Datum
hllset_expanded_operand(FunctionCallInfo fcinfo, Datum value)
{
	if (expanded_of(value) != NULL)
		return value;
	if (was_made_here(hllset_site(fcinfo->flinfo), value))
		return expand(fcinfo, hllset_bytes((Hllset *) DatumGetPointer(value)));
	return (Datum) 0;
}

/* One that may be written to: the value itself, if its giver needs it no more, or a copy. */
static Expanded *
writable(Datum value)
{
	Expanded *expanded = expanded_of(value);
	const HllsetState *state = expanded->state;

	if (!VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
	{
		expanded = new_expanded(CurrentMemoryContext);
		expanded->state = hllset_state_copy(expanded->head.eoh_context, state);
	}
	if (expanded->flat != NULL)
		pfree(expanded->flat);
	expanded->flat = NULL;
	return expanded;
}

Datum
hllset_expanded_add(Datum value, uint64 hash)
{
	Expanded *expanded = writable(value);

	hllset_state_add(expanded->state, hash);
	return handed_over(expanded);
}

Datum
hllset_expanded_union(Datum value, HllsetBytes other)
{
	Expanded *expanded = writable(value);

	if (hllset_state_try_union(expanded->state, other))
		return handed_over(expanded);
	if (expanded->is_new)
		MemoryContextDelete(expanded->head.eoh_context);
	return (Datum) 0;
}

/*
 * For the planner. In s := hll_add(s, x) s may be changed where it lies: when an error ends the function, either nothing has changed or
 * the element is in. That is not so of a union, which may find bad bytes midway, while a copy of the state costs little beside it.
 */
Datum
hllset_add_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(hllset_changeable_argument((Node *) PG_GETARG_POINTER(0)));
}
