/* SPDX-License-Identifier: PostgreSQL */
/*
 * The door of the core: the only core header that C may see.
 *
 * Everything is a pure function over byte strings (docs/format.md). Every function here is total (any bytes are legal input),
 * bounded, reentrant, allocates nothing and touches no global. Results are written to memory that the caller owns. What needs
 * memory to work in is done in two calls: the first reads the operands into a plan, the second runs it (HllsetPlan). A set that
 * it returns lies inside that memory or the plan, or is an operand or a part of one, of which then no more than the header and counts have been checked.
 *
 * Words of this project, as docs/format.md defines them:
 *   element     what a set is of, in canonical bytes, so that equal values of a family of types are one element
 *   hash        64 bits of an element; all else is made of it
 *   coupon      what is kept of a hash: its level and 26 bits of address. Elements with the same coupon are taken for one
 *   level       how many zeros the hash begins with, 31 at most: half of all elements are of level 0, a quarter of level 1, and so on
 *   bucket      one of the m = 2^precision cells of a level, chosen by the low bits of the address
 *   plane       the bits of a level: which of its buckets an element has hit; the planes of a set are its matrix
 *   token       a coupon that is kept in a sorted list instead of as a bit of a plane
 *   L0          the level from which on there are tokens; below it are planes. 0 while a set is small, 32 if it has no tokens
 *   small       a set with at most m/4 coupons, which are all tokens: its count and its algebra are exact, unless two elements share a coupon
 *   graded      a large set with tokens above its planes, which know overlaps best; compact: one without, a quarter smaller
 *   source      a set that an expression is made of
 *   expression  what & - # of large sets give: up to six sources and a truth table that says which elements belong
 *   sample      what they give of more than six: the tokens that belong, each of which stands for 2^L0 elements
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
	HLLSET_BAD_THRESHOLD,  /* of a query: out of range */
	HLLSET_BAD_KEY,        /* of a query: out of range or out of order */

	/* the operands are values, but the operation can't be done */
	HLLSET_RAISES_PRECISION, /* a fold to a higher precision */
	HLLSET_NOT_GRADED,       /* a compact set can't become graded */
	HLLSET_NOT_A_SET,        /* an expression or a sample where a set is needed */
	HLLSET_TOO_MANY_SOURCES, /* more than six sources, one of them compact: no tokens to sample */
	HLLSET_TOO_COARSE,       /* a precision below what the function needs */
	HLLSET_NO_TOKENS,        /* a large compact set, or one that is full, where tokens are needed */
	HLLSET_COARSE,           /* a precision at which there are no keys */
	HLLSET_FEW_TOKENS        /* a large set of chosen hashes, with fewer tokens than wanted */
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

/* SipHash-2-4 of the family as one byte and the canonical bytes, under a key of HLLSET_HASH_KEY_SIZE bytes. */
#define HLLSET_HASH_KEY_SIZE 16
uint64_t hllset_core_keyed_hash(const void *data, size_t size, HllsetFamily family,
								const uint8_t *key);

/* ---- plans ---- */

/*
 * What has been read of the operands of a call, and how much memory it needs. It lies where the caller wants, on the stack most often, is good for one
 * run, and refers to the bytes of the operands. A plan that could not be made (another status than HLLSET_OK) must not be run. The workspace
 * of a run has work_size bytes, aligned for uint64_t, and may be NULL if that is 0.
 */
#define HLLSET_PLAN_WORDS 840

typedef struct HllsetPlan
{
	size_t work_size;
	/* the rest is the core's */
	HllsetStatus (*run)(struct HllsetPlan *plan, void *work, HllsetBytes *result);
	uint64_t content[HLLSET_PLAN_WORDS];
} HllsetPlan;

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
HllsetStatus hllset_core_plan_combine(HllsetPlan *plan, HllsetOp op, HllsetBytes a, HllsetBytes b);

/* A small set as it is; anything else as a sample of its elements: what intersections of many sets are made of. */
HllsetStatus hllset_core_plan_sample(HllsetPlan *plan, HllsetBytes value);

/*
 * The value folded to a smaller or equal precision and in the wanted form. A graded set becomes compact by pouring its tokens;
 * compact into graded answers HLLSET_NOT_GRADED, an expression or a sample into either HLLSET_NOT_A_SET, a higher precision
 * HLLSET_RAISES_PRECISION, one below 4 HLLSET_BAD_PRECISION, an unknown form HLLSET_BAD_ARGUMENT. The empty set takes any precision and form. If nothing
 * changes, the result is value itself, of which only the header has been read.
 */
typedef enum HllsetForm HLLSET_ENUM_TYPE
{
	HLLSET_AS_IT_IS,
	HLLSET_GRADED,
	HLLSET_COMPACT
} HllsetForm;
HllsetStatus hllset_core_plan_convert(HllsetPlan *plan, HllsetBytes value, int precision,
									  HllsetForm form);

/* The value with one more element. If that changes nothing in a set, the result is value itself. */
HllsetStatus hllset_core_plan_add(HllsetPlan *plan, HllsetBytes value, uint64_t hash);

/* Runs a plan of one of these four. HLLSET_BAD_ARGUMENT for another one. */
HllsetStatus hllset_core_make(HllsetPlan *plan, void *work, HllsetBytes *result);

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
	/* So many are certainly there. (If & - # of small sets made the value: unless two elements share a coupon.) */
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
 * Both run a plan of a count. Only expressions need a workspace. The cardinality alone takes no error, and reads no positions of a set or a
 * sample: what is wrong with them stays unseen.
 */
HllsetStatus hllset_core_plan_count(HllsetPlan *plan, HllsetBytes value);
HllsetStatus hllset_core_cardinality(HllsetPlan *plan, void *work, double *result);
HllsetStatus hllset_core_estimate(HllsetPlan *plan, void *work, HllsetEstimate *result);

/* The nearest whole number; of two the even one. */
int64_t hllset_core_whole(double cardinality);

/* standard_error in units of the estimate, or of one element if that is less than one. */
double hllset_core_relative_error(const HllsetEstimate *estimate);

/* Interval of an estimate. confidence in (0, 1). 0 <= *lower <= cardinality <= *upper, all finite but that of HLLSET_SATURATED. */
void hllset_core_bounds(const HllsetEstimate *estimate, double confidence, double *lower,
						double *upper);

/* ---- up to six values at once, from one joint estimate ---- */

#define HLLSET_MAX_VALUES 6

/* The most distinct sources that they may have together. */
#define HLLSET_MAX_ALIGNED 18

/* HLLSET_BAD_ARGUMENT if there are more than six values or none, or more than HLLSET_MAX_ALIGNED distinct sources. */
HllsetStatus hllset_core_plan_census(HllsetPlan *plan, const HllsetBytes *values, int count);

/* regions[X], X = 1 .. 2^count - 1: the elements in exactly the values of the mask X. sizes[X]: their numbers alone, which take less time. */
HllsetStatus hllset_core_venn(HllsetPlan *plan, void *work, HllsetEstimate *regions);
HllsetStatus hllset_core_venn_sizes(HllsetPlan *plan, void *work, double *sizes);

/*
 * Of a census of two values. True unless an element of the first is seen to be outside the second; exact for small sets. False is certain, but of samples and of
 * more than six sources together, where it is as sure as an overlap.
 */
HllsetStatus hllset_core_contained(HllsetPlan *plan, void *work, bool *result);

/* Of two values, too: true if they are seen to share elements; exact for small sets, and otherwise wrong for at most 0.3 % of disjoint pairs. */
HllsetStatus hllset_core_overlap(HllsetPlan *plan, void *work, bool *result);

/* ---- members: which elements of a table are in a value ---- */

#define HLLSET_KEY_PRECISION 12

/* What an element and a sample are joined by: level << 20 | address & (2^20 - 1). */
uint32_t hllset_core_member_key(uint64_t hash);

/*
 * The value's sample is of all its elements of this level or a higher one: the largest L0 of its sources, or least_level if that is more.
 * HLLSET_TOO_COARSE below precision 12, but for the empty set; HLLSET_NO_TOKENS if a source has none; HLLSET_BAD_ARGUMENT for a least_level
 * that is none. It reads no positions of tokens: what is wrong with them stays unseen.
 */
HllsetStatus hllset_core_sample_level(HllsetBytes value, int least_level, int *level);

/* The sample's distinct keys, ascending; they lie in work. */
HllsetStatus hllset_core_plan_member_keys(HllsetPlan *plan, HllsetBytes value, int least_level);
HllsetStatus hllset_core_member_keys(HllsetPlan *plan, void *work, const uint32_t **keys,
									 size_t *count);

/* ---- keys of a set and queries by them, for indexes: signature.hpp and query.hpp ---- */

/* Keys of a signature that is compared, and the most that a function takes. */
#define HLLSET_SIGNATURE_KEYS 64
#define HLLSET_MOST_SIGNATURE_KEYS 16384
/* The smallest precisions of sets that have them. */
#define HLLSET_SIGNATURE_PRECISION 10
#define HLLSET_CONTAIN_PRECISION 12
#define HLLSET_MOST_CONTAIN_KEYS 1024
/* With 64 keys a share below can't be seen. */
#define HLLSET_LEAST_THRESHOLD 0.06
#define HLLSET_QUERY_HEADER 12

typedef struct HllsetKeys
{
	const uint32_t *keys; /* ascending, distinct, below 2^31; in the workspace */
	size_t count;
	int level0; /* of containment keys: that of the set folded to their precision */
} HllsetKeys;

/* What asks for the keys of a set runs this. Refused: HLLSET_NOT_A_SET and bytes that are no value. */
HllsetStatus hllset_core_plan_keys(HllsetPlan *plan, HllsetBytes set);

/*
 * The largest keys of a set, `wanted` of them or all that a small one has; the containment keys. A large set has at most 2^precision / 16 for its
 * signature: more, or none, is HLLSET_BAD_ARGUMENT. Refused: HLLSET_COARSE, HLLSET_NOT_GRADED (a large compact set), HLLSET_FEW_TOKENS.
 */
HllsetStatus hllset_core_signature(HllsetPlan *plan, int wanted, void *work, HllsetKeys *result);
HllsetStatus hllset_core_contain_keys(HllsetPlan *plan, void *work, HllsetKeys *result);

typedef enum HllsetQueryKind HLLSET_ENUM_TYPE
{
	HLLSET_SIMILAR = 4,
	HLLSET_CONTAIN = 5
} HllsetQueryKind;

typedef struct HllsetQuery
{
	double at_least;
	const uint8_t *keys; /* of four bytes each, not aligned; in the query */
	size_t count;
} HllsetQuery;

/* Writes HLLSET_QUERY_HEADER bytes and four for each key. Returns the size; 0, with nothing written, for a bad kind or threshold. */
size_t hllset_core_query(HllsetQueryKind kind, HllsetKeys keys, double at_least, uint8_t *out);

/* Validates every byte. result may be NULL. An unknown kind is HLLSET_BAD_ARGUMENT, here and below. */
HllsetStatus hllset_core_query_read(HllsetQueryKind kind, HllsetBytes query, HllsetQuery *result);

/* Whether the query holds of the set that keys are planned of: of its signature or of its containment keys. */
HllsetStatus hllset_core_query_holds(HllsetPlan *plan, HllsetQueryKind kind, HllsetBytes query,
									 void *work, bool *result);

/* A row that shares fewer keys with a query for similar sets is none of them; 0 if the query can't be read. */
int hllset_core_least_shared(HllsetBytes query);

/* What an index of signatures has for a key: a shorter one, which is the same for some keys. A row shares a key of the query if it has its entry, or may. */
uint32_t hllset_core_similar_entry(uint32_t key);

typedef enum HllsetVerdict /* the numbers of GinTernaryValue */
{
	HLLSET_NO,
	HLLSET_YES,
	HLLSET_MAYBE
} HllsetVerdict;

/*
 * What an index needs to answer a query for containing sets. It asks for the query's keys, the largest first, and then for the keys -1 - L0 with
 * L0 = level0 + 1 .. highest; seen[i] says whether a row has the i-th of these.
 */
typedef struct HllsetContainPlan
{
	int keys;
	int level0;
	int highest;
	int above[HLLSET_LEVELS]; /* by a row's L0: how many of the query's keys count */
	int least[HLLSET_LEVELS]; /* and how many of these it must share */
} HllsetContainPlan;

HllsetStatus hllset_core_contain_plan(HllsetBytes query, HllsetContainPlan *plan);
HllsetVerdict hllset_core_contain_verdict(const HllsetContainPlan *plan, const char *seen);

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
