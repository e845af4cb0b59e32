/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the element files share: how a value of a type becomes canonical bytes (docs/format.md, From
 * an element to a hash).
 */
#ifndef HLLSET_ELEMENT_H
#define HLLSET_ELEMENT_H

#include "hllset_pg.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

/* The canonical bytes of one scalar: in the datum itself, in room, or in a palloc'd copy. */
typedef struct HllsetCanonical
{
	const void *data;
	size_t size;
	HllsetFamily family;
	void *copy;
	uint8 room[64];
} HllsetCanonical;

/* Fills canonical, in which the family stands and copy is NULL. Only numeric changes the family. */
typedef void (*HllsetRead)(Datum value, HllsetCanonical *canonical);

typedef struct HllsetScalar
{
	Oid type;
	HllsetFamily family;
	HllsetRead read;
	HllsetHash hash; /* of the canonical bytes, perhaps by a shorter way */
} HllsetScalar;

/* What a type is known by at a call site. */
typedef struct HllsetElementKey
{
	Oid type;     /* as asked for, perhaps a domain */
	int32 typmod; /* of an anonymous row type; -1 for every other, and for records of any columns */
	Oid collation;
} HllsetElementKey;

/*
 * How to reduce values of one type. Types other than scalars append their bytes to a string, and
 * keep in parts what they know of the types inside: one part for an array's elements or the bounds
 * of a (multi)range, one for each column of a composite. Parts are shared: at a call site each type
 * is resolved once, however often it occurs within others.
 */
struct HllsetElement
{
	HllsetElementKey key; /* the first field, as the table of a call site needs it */
	bool is_resolved;
	HllsetHash hash;
	const HllsetScalar *scalar; /* NULL for the others */
	HllsetFamily family;        /* of the others */
	void (*append)(StringInfo out, HllsetElement *element, Datum value);
	TypeCacheEntry *cache; /* array: of its element type; range, multirange: of the range type */
	HllsetElement *row;    /* composite: of the row type of the last value */
	int nparts;
	HllsetElement **parts;
	MemoryContext context; /* where the call site keeps what it knows */
	HTAB *known;           /* all parts of the call site; NULL until there is one */
	void (*resolve)(HllsetElement *element); /* element.c's, for the parts */
};

/* in element_part.c: what the call site of the element knows of a type within it, resolved; room for so many parts; one value within another */
extern HllsetElement *hllset_element_part(HllsetElement *element, HllsetElementKey key);
extern void hllset_element_make_parts(HllsetElement *element, int nparts);
extern void hllset_element_append_item(StringInfo out, HllsetElement *element, Datum value,
									   bool isnull);

/* in element_scalar.c */
extern const HllsetScalar hllset_scalar_enum;
extern const HllsetScalar *hllset_scalar_find(Oid type);
extern const char *hllset_scalar_to_utf8(const char *text, size_t *size);

/* in element_numeric.c */
extern void hllset_numeric_read(Datum value, HllsetCanonical *canonical);

/* in element_nested.c */
extern TupleDesc hllset_nested_resolve_columns(HllsetElement *row);
extern void hllset_nested_append_array(StringInfo out, HllsetElement *element, Datum value);
extern void hllset_nested_append_range(StringInfo out, HllsetElement *element, Datum value);
extern void hllset_nested_append_multirange(StringInfo out, HllsetElement *element, Datum value);
extern void hllset_nested_append_composite(StringInfo out, HllsetElement *element, Datum value);

/* in element_jsonb.c */
extern void hllset_jsonb_append(StringInfo out, HllsetElement *element, Datum value);

/* Whether text needs no conversion. In SQL_ASCII the bytes are taken as they are. */
static inline bool
hllset_scalar_is_utf8(void)
{
	int encoding = GetDatabaseEncoding();

	return encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
}

/* A block for canonical bytes. */
static inline uint8 *
hllset_canonical_room(HllsetCanonical *canonical, size_t size)
{
	uint8 *room = canonical->room;

	if (size > sizeof(canonical->room))
		canonical->copy = room = palloc(size);
	canonical->data = room;
	canonical->size = size;
	return room;
}

static inline void
hllset_canonical_put(HllsetCanonical *canonical, const void *data, size_t size)
{
	memcpy(hllset_canonical_room(canonical, size), data, size);
}

static inline void
hllset_scalar_read(const HllsetScalar *scalar, Datum value, HllsetCanonical *canonical)
{
	canonical->family = scalar->family;
	canonical->copy = NULL;
	scalar->read(value, canonical);
}

static inline void
hllset_canonical_free(HllsetCanonical *canonical)
{
	if (canonical->copy != NULL)
		pfree(canonical->copy);
}

static inline uint64
hllset_canonical_hash(HllsetCanonical *canonical)
{
	uint64 hash = hllset_core_hash(canonical->data, canonical->size, canonical->family);

	hllset_canonical_free(canonical);
	return hash;
}

/* As appendBinaryStringInfo, but inline and without the zero byte at the end. */
static inline void
hllset_element_append(StringInfo out, const void *data, size_t size)
{
	if (unlikely(size >= (size_t) (out->maxlen - out->len)))
	{
		if (size >= MaxAllocSize - (size_t) out->len)
			hllset_refuse_large_element();
		enlargeStringInfo(out, (int) size);
	}
	memcpy(out->data + out->len, data, size);
	out->len += (int) size;
}

static inline void
hllset_element_append_byte(StringInfo out, uint8 byte)
{
	hllset_element_append(out, &byte, sizeof(byte));
}

static inline void
hllset_element_append_u32(StringInfo out, uint32 value)
{
	hllset_element_append(out, &value, sizeof(value));
}

static inline void
hllset_element_append_sized(StringInfo out, const void *data, size_t size)
{
	hllset_element_append_u32(out, (uint32) size);
	hllset_element_append(out, data, size);
}

/* Begins an item whose size isn't known yet; close_item writes the size. */
static inline int
hllset_element_open_item(StringInfo out, HllsetFamily family)
{
	hllset_element_append_byte(out, family);
	hllset_element_append_u32(out, 0);
	return out->len;
}

static inline void
hllset_element_close_item(StringInfo out, int start)
{
	uint32 size = out->len - start;

	memcpy(out->data + start - sizeof(size), &size, sizeof(size));
}

#endif /* HLLSET_ELEMENT_H */
