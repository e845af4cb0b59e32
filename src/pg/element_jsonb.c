/* SPDX-License-Identifier: PostgreSQL */
/* jsonb to canonical bytes (docs/format.md, Nested values). */
#include "element.h"

#include "miscadmin.h"
#include "utils/jsonb.h"

/* A pair of an object, its key in UTF-8. */
typedef struct JsonbEntry
{
	const char *key;
	size_t size;
	JsonbValue value;
} JsonbEntry;

static void append_container(StringInfo out, JsonbContainer *container);

static void
append_string(StringInfo out, const JsonbValue *string)
{
	size_t size = string->val.string.len;
	const char *utf8 = hllset_scalar_to_utf8(string->val.string.val, &size);

	hllset_element_append_sized(out, utf8, size);
	if (utf8 != string->val.string.val)
		pfree(unconstify(char *, utf8));
}

static void
append_number(StringInfo out, Numeric number)
{
	HllsetCanonical canonical;

	canonical.family = HLLSET_FAMILY_NUMERIC;
	canonical.copy = NULL;
	hllset_numeric_read(NumericGetDatum(number), &canonical);
	if (canonical.family == HLLSET_FAMILY_INTEGER)
	{
		hllset_element_append_byte(out, 'i');
		hllset_element_append(out, canonical.data, canonical.size);
	}
	else
	{
		hllset_element_append_byte(out, 'd');
		hllset_element_append_sized(out, canonical.data, canonical.size);
	}
	hllset_canonical_free(&canonical);
}

static void
append_value(StringInfo out, const JsonbValue *value)
{
	CHECK_FOR_INTERRUPTS();
	switch (value->type)
	{
		case jbvNull:
			hllset_element_append_byte(out, 'n');
			break;
		case jbvBool:
			hllset_element_append_byte(out, value->val.boolean ? 't' : 'f');
			break;
		case jbvString:
			hllset_element_append_byte(out, 's');
			append_string(out, value);
			break;
		case jbvNumeric:
			append_number(out, value->val.numeric);
			break;
		case jbvBinary:
			append_container(out, value->val.binary.data);
			break;
		default:
			elog(ERROR, "unrecognized jsonb value type: %d", (int) value->type);
	}
}

/* A scalar at the top is stored as an array of one element, flagged. */
static void
append_array(StringInfo out, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue value;
	JsonbIteratorToken token;

	if (!JsonContainerIsScalar(container))
	{
		hllset_element_append_byte(out, 'a');
		hllset_element_append_u32(out, JsonContainerSize(container));
	}
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			append_value(out, &value);
}

/* Objects are stored in the order of their keys, by length and then by bytes. */
static void
append_object(StringInfo out, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue value;
	JsonbIteratorToken token;

	hllset_element_append_byte(out, 'o');
	hllset_element_append_u32(out, JsonContainerSize(container));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			append_string(out, &value);
		else if (token == WJB_VALUE)
			append_value(out, &value);
	}
}

static int
compare_entries(const void *a, const void *b)
{
	const JsonbEntry *left = a;
	const JsonbEntry *right = b;

	CHECK_FOR_INTERRUPTS();
	if (left->size != right->size)
		return left->size < right->size ? -1 : 1;
	return memcmp(left->key, right->key, left->size);
}

/* The same where the stored order is that of another encoding. */
static void
append_object_sorted(StringInfo out, JsonbContainer *container)
{
	uint32 size = JsonContainerSize(container);
	JsonbEntry *entries = palloc(sizeof(JsonbEntry) * Max(size, 1));
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue value;
	JsonbIteratorToken token;
	uint32 keys = 0;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			entries[keys].size = value.val.string.len;
			entries[keys].key = hllset_scalar_to_utf8(value.val.string.val, &entries[keys].size);
			keys++;
		}
		else if (token == WJB_VALUE)
			entries[keys - 1].value = value;
	}
	qsort(entries, keys, sizeof(JsonbEntry), compare_entries);

	hllset_element_append_byte(out, 'o');
	hllset_element_append_u32(out, keys);
	for (uint32 i = 0; i < keys; i++)
	{
		hllset_element_append_sized(out, entries[i].key, entries[i].size);
		append_value(out, &entries[i].value);
	}
	pfree(entries);
}

static void
append_container(StringInfo out, JsonbContainer *container)
{
	check_stack_depth();
	if (JsonContainerIsArray(container))
		append_array(out, container);
	else if (hllset_scalar_is_utf8())
		append_object(out, container);
	else
		append_object_sorted(out, container);
}

void
hllset_jsonb_append(StringInfo out, HllsetElement *element, Datum value)
{
	Jsonb *jsonb = DatumGetJsonbP(value);

	(void) element; /* all jsonb is alike */
	append_container(out, &jsonb->root);
	if ((Pointer) jsonb != DatumGetPointer(value))
		pfree(jsonb);
}
