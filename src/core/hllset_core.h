/* SPDX-License-Identifier: PostgreSQL */
/*
 * The door of the core: the only core header that C may see.
 *
 * Everything is a pure function over byte strings (docs/format.md). Every function here is total (any bytes are legal input),
 * bounded, reentrant, allocates nothing and touches no global. Results are written to memory that the caller owns. A
 * function that returns a set takes a workspace of the size that its _work function tells, aligned for uint64_t; the set it
 * returns lies inside that workspace, or is an operand or a part of one, of which then no more than the header and counts have
 * been checked.
 */
#ifndef HLLSET_CORE_H
#define HLLSET_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HLLSET_MIN_PRECISION 4
#define HLLSET_MAX_PRECISION 18
#define HLLSET_DEFAULT_PRECISION 12
#define HLLSET_LEVELS 32
#define HLLSET_MAX_SOURCES 6
#define HLLSET_FORMAT_VERSION 1
#define HLLSET_HASH_ID 1

typedef struct HllsetBytes
{
	const uint8_t *data;
	size_t size;
} HllsetBytes;

typedef enum HllsetStatus
{
	HLLSET_OK = 0,
	HLLSET_NEEDS_ROOM,   /* an accumulator must be moved to a larger place, then call again */
	HLLSET_BAD_ARGUMENT, /* a number of the caller's that the function does not take */

	/* the bytes are no value (docs/format.md, What a reader refuses) */
	HLLSET_TRUNCATED, /* they end early */
	HLLSET_TRAILING,  /* they go on after the end */
	HLLSET_BAD_VERSION,
	HLLSET_BAD_KIND, /* unknown kind or a reserved bit */
	HLLSET_BAD_PRECISION,
	HLLSET_BAD_HASH,     /* unknown hash id */
	HLLSET_BAD_LEVEL,    /* L0 out of range, or not the one that the counts demand */
	HLLSET_BAD_COUNT,    /* a count out of range or not canonical */
	HLLSET_BAD_POSITION, /* a position beyond its plane */
	HLLSET_BAD_PADDING,
	HLLSET_BAD_EXPRESSION, /* an expression that is not in its canonical form */

	/* the operands are values, but the operation can't be done */
	HLLSET_RAISES_PRECISION, /* a fold to a higher precision */
	HLLSET_NOT_GRADED,       /* a compact set can't become graded */
	HLLSET_NOT_A_SET,        /* an expression or a sample where a set is needed */
	HLLSET_TOO_MANY_SOURCES  /* more than six sources, one of them compact: no tokens to sample */
} HllsetStatus;

typedef enum HllsetFamily /* the XXH3 seeds; docs/format.md */
{
	HLLSET_FAMILY_INTEGER = 1,
	HLLSET_FAMILY_NUMERIC,
	HLLSET_FAMILY_FLOAT,
	HLLSET_FAMILY_TEXT,
	HLLSET_FAMILY_BYTES,
	HLLSET_FAMILY_BOOLEAN,
	HLLSET_FAMILY_UUID,
	HLLSET_FAMILY_DATE,
	HLLSET_FAMILY_TIME,
	HLLSET_FAMILY_TIMETZ,
	HLLSET_FAMILY_TIMESTAMP,
	HLLSET_FAMILY_TIMESTAMPTZ,
	HLLSET_FAMILY_INTERVAL,
	HLLSET_FAMILY_INET,
	HLLSET_FAMILY_MACADDR,
	HLLSET_FAMILY_MACADDR8,
	HLLSET_FAMILY_BITS,
	HLLSET_FAMILY_MONEY,
	HLLSET_FAMILY_OID,
	HLLSET_FAMILY_ENUM,
	HLLSET_FAMILY_JSONB,
	HLLSET_FAMILY_ARRAY,
	HLLSET_FAMILY_RANGE,
	HLLSET_FAMILY_MULTIRANGE,
	HLLSET_FAMILY_COMPOSITE
} HllsetFamily;

/* XXH3-64 of the canonical bytes of an element, seeded with its family. */
uint64_t hllset_core_hash(const void *data, size_t size, HllsetFamily family);
/* The same of the eight bytes of a word. */
uint64_t hllset_core_hash_word(uint64_t word, HllsetFamily family);

/* ---- values ---- */

typedef enum HllsetKind
{
	HLLSET_SET = 1,
	HLLSET_EXPRESSION,
	HLLSET_SAMPLE
} HllsetKind;

typedef struct HllsetInfo
{
	int version;
	int hash_id;
	HllsetKind kind;
	int precision;
	bool compact;
	int sources; /* of an expression 2 to 6, otherwise 1; what follows is the largest or the sum over them */
	int level0; /* L0; 0 = small */
	uint32_t tokens;
	uint32_t set_bits; /* ones in the matrix */
	bool saturated;    /* all or a part lies in full sources alone: the estimate is a lower bound */
} HllsetInfo;

/* The precision, from the header alone. */
HllsetStatus hllset_core_precision(HllsetBytes value, int *precision);

/* The same with the form. */
HllsetStatus hllset_core_form(HllsetBytes value, int *precision, bool *compact);

/* Validates every byte. info may be NULL. */
HllsetStatus hllset_core_check(HllsetBytes value, HllsetInfo *info);

/* 128-bit content id: XXH3-128 of the bytes, high half first, each half big-endian (its canonical form). */
void hllset_core_digest(HllsetBytes value, uint8_t out[16]);

/* The empty set. out has room for HLLSET_EMPTY_SIZE bytes. 0, and nothing is written, if the precision is out of range. */
#define HLLSET_EMPTY_SIZE 8
size_t hllset_core_empty(int precision, bool compact, uint8_t *out);

/* Enums that are passed in: of a fixed type, so that a number that is none of them can be refused. */
#ifdef __cplusplus
#define HLLSET_ENUM_TYPE : int
#else
#define HLLSET_ENUM_TYPE
#endif

typedef enum HllsetOp HLLSET_ENUM_TYPE
{
	HLLSET_UNION,
	HLLSET_INTERSECTION,
	HLLSET_DIFFERENCE,
	HLLSET_SYMMETRIC_DIFFERENCE
} HllsetOp;

/*
 * Operands of different precision meet at the smaller one, but for the empty set, which leaves the other operand and its precision and
 * form as they are, or nothing of it (docs/format.md, Operations). More than six sources that can't be reduced become a sample, or
 * HLLSET_TOO_MANY_SOURCES if one of them is a compact set beyond its small size. An unknown operation is HLLSET_BAD_ARGUMENT.
 */
size_t hllset_core_combine_work(HllsetOp op, HllsetBytes a, HllsetBytes b);
HllsetStatus hllset_core_combine(HllsetOp op, HllsetBytes a, HllsetBytes b, void *work,
								 HllsetBytes *result);

/* A small set as it is; anything else as a sample of its elements: what intersections of many sets are made of. */
size_t hllset_core_sample_work(HllsetBytes value);
HllsetStatus hllset_core_sample(HllsetBytes value, void *work, HllsetBytes *result);

/*
 * The value folded to a smaller or equal precision and in the wanted form. A graded set becomes compact by pouring its tokens;
 * compact into graded answers HLLSET_NOT_GRADED, an expression or a sample into either HLLSET_NOT_A_SET, a higher precision
 * HLLSET_RAISES_PRECISION, one below 4 HLLSET_BAD_PRECISION, an unknown form HLLSET_BAD_ARGUMENT. The empty set takes any precision and form. If nothing
 * changes, *result is value itself, of which only the header has been read.
 */
typedef enum HllsetForm HLLSET_ENUM_TYPE
{
	HLLSET_AS_IT_IS,
	HLLSET_GRADED,
	HLLSET_COMPACT
} HllsetForm;
size_t hllset_core_convert_work(HllsetBytes value);
HllsetStatus hllset_core_convert(HllsetBytes value, int precision, HllsetForm form, void *work,
								 HllsetBytes *result);

/* The value with one more element. If that changes nothing in a set, *result is value itself. */
size_t hllset_core_add_work(HllsetBytes value);
HllsetStatus hllset_core_add(HllsetBytes value, uint64_t hash, void *work, HllsetBytes *result);

/*
 * False is certain; true may be wrong for an element that shares its bits with others. Of a sample, false may be wrong too, for
 * the one element in 2^(p - 1) or so that shares its token with an element of another operand.
 */
HllsetStatus hllset_core_may_contain(HllsetBytes value, uint64_t hash, bool *result);

/*
 * The whole bit matrix of a set, tokens included: word b has bit k if bucket b saw level k. words: 2^precision zeroed words. Other kinds
 * of value: HLLSET_NOT_A_SET.
 */
HllsetStatus hllset_core_bits(HllsetBytes set, uint32_t *words);

/* ---- estimates ---- */

typedef enum HllsetLaw
{
	HLLSET_SMALL,    /* of a small set: exact but for elements that share a coupon */
	HLLSET_NORMAL,   /* the error is normal, its variance linear in the true number */
	HLLSET_SAMPLED,  /* of a sample: so many tokens are binomial */
	HLLSET_SATURATED /* of what lies in saturated sets alone: there is no upper end */
} HllsetLaw;

/* Numbers of elements, but for the relative error. */
typedef struct HllsetEstimate
{
	double cardinality; /* finite, >= 0; an exact integer for small sets */
	double standard_error;
	/* So many are certainly there; of what came of small sets by & - #, but for shared coupons. */
	double least;
	/* The count of the smallest set around an expression, its relative error and the slope of its variance: no estimate goes beyond. */
	double most;
	double most_error;
	double token_weight; /* that a token of a sample stands for; else 0 */
	double
		variance; /* for the interval: as if any number could be there, which standard_error leaves out */
	double slope_below; /* what each element adds to the variance, below the estimate and above */
	double slope_above;
	HllsetLaw law;
	double most_slope;
	/* In the mean, of a small set: what it lacks since elements share a coupon, and what it may have too many if it is an intersection. */
	double lost;
	double gained;
} HllsetEstimate;

/*
 * Only expressions need a workspace. The cardinality alone takes no error, and reads no positions of a set or a sample: what is wrong
 * with them stays unseen.
 */
size_t hllset_core_estimate_work(HllsetBytes value);
HllsetStatus hllset_core_cardinality(HllsetBytes value, void *work, double *result);
HllsetStatus hllset_core_estimate(HllsetBytes value, void *work, HllsetEstimate *result);

/* standard_error in units of the estimate, or of one element if that is less than one. */
double hllset_core_relative_error(const HllsetEstimate *estimate);

/* Interval of an estimate. confidence in (0, 1). 0 <= *lower <= cardinality <= *upper, all finite but that of HLLSET_SATURATED. */
void hllset_core_bounds(const HllsetEstimate *estimate, double confidence, double *lower,
						double *upper);

/* ---- two or three values at once, from one joint estimate ---- */

#define HLLSET_MAX_VALUES 3

/* 0 if the values can't be read, or are more than three or none; then the question answers why. */
size_t hllset_core_census_work(const HllsetBytes *values, int count);

/* regions[X], X = 1 .. 2^count - 1: the elements that are in exactly the values of the mask X. count: 1 to 3. */
HllsetStatus hllset_core_venn(const HllsetBytes *values, int count, void *work,
							  HllsetEstimate *regions);

/*
 * True unless an element of the first is seen to be outside the second; exact for small sets. False is certain, but of samples and of
 * more than six sources together, where it is as sure as an overlap.
 */
HllsetStatus hllset_core_contained(const HllsetBytes values[2], void *work, bool *result);

/* True if the two are seen to share elements; exact for small sets, and otherwise wrong for at most 0.3 % of disjoint pairs. */
HllsetStatus hllset_core_overlap(const HllsetBytes values[2], void *work, bool *result);

/* ---- accumulator: the state of an aggregate, one flat block that the caller allocates and moves ---- */

typedef struct HllsetAccum HllsetAccum;

/* Bytes that a new accumulator leaves of 128, where the caller may keep a head of its own. */
#define HLLSET_ACCUM_HEAD 16

/* Bytes of a new accumulator; 0 if the precision is out of range, which init answers with HLLSET_BAD_ARGUMENT. */
size_t hllset_core_accum_start(int precision);
HllsetStatus hllset_core_accum_init(HllsetAccum *accum, int precision, bool compact);

/*
 * These answer HLLSET_OK or HLLSET_NEEDS_ROOM (union: or that the bytes are bad). On HLLSET_NEEDS_ROOM the caller allocates
 * hllset_core_accum_want bytes, calls hllset_core_accum_move, frees the old block and calls again. After bad bytes the
 * accumulator may hold a part of them: it is good only for being freed. Blocks are aligned for uint64_t. A union reads no level
 * on which it can't change anything: what is wrong with the set there stays unseen.
 */
HllsetStatus hllset_core_accum_add(HllsetAccum *accum, uint64_t hash);
HllsetStatus hllset_core_accum_union(HllsetAccum *accum, HllsetBytes set);
HllsetStatus hllset_core_accum_merge(HllsetAccum *accum, const HllsetAccum *other);

/* Brings the memory near that an add of the hash will touch: with many accumulators in turn, waiting for it is most of the time. */
void hllset_core_accum_prefetch(const HllsetAccum *accum, uint64_t hash);

size_t hllset_core_accum_want(const HllsetAccum *accum);
void hllset_core_accum_move(HllsetAccum *to, const HllsetAccum *from);

/* A block may be copied as it is. */
size_t hllset_core_accum_size(const HllsetAccum *accum);
int hllset_core_accum_precision(const HllsetAccum *accum);
bool hllset_core_accum_is_compact(const HllsetAccum *accum);

/* The canonical bytes of the state, which is left as it is. */
size_t hllset_core_accum_encode_work(const HllsetAccum *accum);
HllsetBytes hllset_core_accum_encode(const HllsetAccum *accum, void *work);
void hllset_core_accum_estimate(const HllsetAccum *accum, HllsetEstimate *result);

#ifdef __cplusplus
}
#endif

#endif /* HLLSET_CORE_H */
