/* SPDX-License-Identifier: PostgreSQL */
/* What array, range and composite types have in common: the types within them, and how a value within another is written. */
#include "element.h"

#include "miscadmin.h"

/* Gives the element room for this many parts. If it has as many, they stay as they are. */
void
hllset_element_make_parts(HllsetElement *element, int nparts)
{
	if (element->nparts == nparts)
		return;
	if (element->parts != NULL)
		pfree(element->parts);
	element->parts = NULL;
	element->nparts = 0;
	if (nparts == 0)
		return;
	element->parts = MemoryContextAllocZero(element->context, nparts * sizeof(HllsetElement *));
	element->nparts = nparts;
}

/* What the call site of the element knows of a type within it, resolved. */
HllsetElement *
hllset_element_part(HllsetElement *element, HllsetElementKey key)
{
	HllsetElement *part;
	bool found;

	if (element->known == NULL)
	{
		HASHCTL control = {.keysize = sizeof(HllsetElementKey),
						   .entrysize = sizeof(HllsetElement),
						   .hcxt = element->context};

		element->known = hash_create("hllset element types", 16, &control,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	part = hash_search(element->known, &key, HASH_ENTER, &found);
	if (!found)
	{
		memset(part, 0, sizeof(HllsetElement));
		part->key = key;
		part->context = element->context;
		part->resolve = element->resolve;
		part->known = element->known;
	}
	/* no type contains itself, so one that is not resolved is one whose resolution failed */
	if (!part->is_resolved)
		part->resolve(part);
	return part;
}

void
hllset_element_append_item(StringInfo out, HllsetElement *element, Datum value, bool isnull)
{
	HllsetCanonical canonical;
	int start;

	CHECK_FOR_INTERRUPTS();
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
