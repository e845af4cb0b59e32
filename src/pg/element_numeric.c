/* SPDX-License-Identifier: PostgreSQL */
/* Numerics to canonical bytes (docs/format.md, Numeric). */
#include "element.h"

/*
 * The stored form of a numeric, of which the server exports no declaration: a 16-bit header, which
 * for the long form is followed by a 16-bit weight; then base-10000 digits of 16 bits. As in the
 * server's numeric.c; unchanged since 9.1, infinities since 14.
 */
#define NUMERIC_KIND 0xF000
#define NUMERIC_NOT_LONG 0x8000
#define NUMERIC_LONG_NEGATIVE 0x4000
#define NUMERIC_SHORT_NEGATIVE 0x2000
#define NUMERIC_SHORT_WEIGHT_NEGATIVE 0x0040
#define NUMERIC_SHORT_WEIGHT 0x003F
#define NUMERIC_NAN 0xC000
#define NUMERIC_PLUS_INFINITY 0xD000
#define NUMERIC_MINUS_INFINITY 0xF000

typedef struct NumericView
{
	bool negative;
	int32 weight; /* of the first digit, as a power of 10000 */
	int ndigits;
	const char *digits; /* not aligned */
} NumericView;

static int16
numeric_digit(const NumericView *view, int i)
{
	int16 digit;

	memcpy(&digit, view->digits + i * sizeof(digit), sizeof(digit));
	return digit;
}

/* Zero digits at either end are not stored by the server, but nothing forbids them. */
static void
numeric_trim(NumericView *view)
{
	while (view->ndigits > 0 && numeric_digit(view, 0) == 0)
	{
		view->digits += sizeof(int16);
		view->weight--;
		view->ndigits--;
	}
	while (view->ndigits > 0 && numeric_digit(view, view->ndigits - 1) == 0)
		view->ndigits--;
}

static NumericView
numeric_view(uint16 header, const char *data, size_t size)
{
	NumericView view;
	size_t offset = sizeof(header);

	if ((header & NUMERIC_NOT_LONG) == 0)
	{
		int16 weight;

		memcpy(&weight, data + offset, sizeof(weight));
		offset += sizeof(weight);
		view.weight = weight;
		view.negative = (header & NUMERIC_LONG_NEGATIVE) != 0;
	}
	else
	{
		view.weight = header & NUMERIC_SHORT_WEIGHT;
		if (header & NUMERIC_SHORT_WEIGHT_NEGATIVE)
			view.weight -= NUMERIC_SHORT_WEIGHT + 1;
		view.negative = (header & NUMERIC_SHORT_NEGATIVE) != 0;
	}
	view.digits = data + offset;
	view.ndigits = (int) ((size - offset) / sizeof(int16));
	numeric_trim(&view);
	return view;
}

/* True, and *integer, if the value is integral and in bigint's range. */
static bool
numeric_to_integer(const NumericView *view, int64 *integer)
{
	int128 sum = 0;

	/* 10000^5 is beyond the range, and a digit below weight 0 is a fraction */
	if (view->ndigits > 0 && (view->weight > 4 || view->ndigits > view->weight + 1))
		return false;
	for (int i = 0; view->ndigits > 0 && i <= view->weight; i++)
		sum = sum * 10000 + (i < view->ndigits ? numeric_digit(view, i) : 0);
	if (view->negative)
		sum = -sum;
	*integer = (int64) sum;
	return *integer == sum;
}

static void
numeric_put(HllsetCanonical *canonical, const NumericView *view)
{
	uint8 sign = view->negative ? 1 : 0;
	size_t digits = view->ndigits * sizeof(int16);
	uint8 *room = hllset_canonical_room(canonical, sizeof(sign) + sizeof(view->weight) + digits);

	memcpy(room, &sign, sizeof(sign));
	memcpy(room + sizeof(sign), &view->weight, sizeof(view->weight));
	memcpy(room + sizeof(sign) + sizeof(view->weight), view->digits, digits);
}

static void
numeric_put_special(HllsetCanonical *canonical, uint16 header)
{
	uint8 byte = 2;

	if ((header & NUMERIC_KIND) == NUMERIC_PLUS_INFINITY)
		byte = 3;
	else if ((header & NUMERIC_KIND) == NUMERIC_MINUS_INFINITY)
		byte = 4;
	hllset_canonical_put(canonical, &byte, sizeof(byte));
}

/* Integral values in bigint's range are integers. */
void
hllset_numeric_read(Datum value, HllsetCanonical *canonical)
{
	struct varlena *numeric = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(numeric);
	uint16 header;

	memcpy(&header, data, sizeof(header));
	if ((header & NUMERIC_KIND) >= NUMERIC_NAN)
		numeric_put_special(canonical, header);
	else
	{
		NumericView view = numeric_view(header, data, VARSIZE_ANY_EXHDR(numeric));
		int64 integer;

		if (numeric_to_integer(&view, &integer))
		{
			hllset_canonical_put(canonical, &integer, sizeof(integer));
			canonical->family = HLLSET_FAMILY_INTEGER;
		}
		else
			numeric_put(canonical, &view);
	}
	if ((Pointer) numeric != DatumGetPointer(value))
		pfree(numeric);
}
