/* SPDX-License-Identifier: PostgreSQL */
/* The shim's one private header: the datum, argument macros, prototypes grouped by file, and all that depends on the server's version. */
#ifndef HLLSET_PG_H
#define HLLSET_PG_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "nodes/supportnodes.h"
#endif

#include "core/hllset_core.h"

/* ---- server versions ---- */

#if PG_VERSION_NUM >= 160000
#define HLLSET_SOFT_ERROR(context, ...) ereturn(context, (Datum) 0, __VA_ARGS__)
#define HLLSET_ESCONTEXT(fcinfo) ((fcinfo)->context)
#else
#define HLLSET_SOFT_ERROR(context, ...) \
	do                                  \
	{                                   \
		(void) (context);               \
		ereport(ERROR, __VA_ARGS__);    \
	} while (0)
#define HLLSET_ESCONTEXT(fcinfo) NULL
#endif

/* of a context from which goes first what came first */
#if PG_VERSION_NUM >= 150000
#define HLLSET_GENERATION_SIZES 0, 1024, 65536
#else
#define HLLSET_GENERATION_SIZES 8192
#endif

#if PG_VERSION_NUM >= 180000
#define HLLSET_NORETURN pg_noreturn
#else
#define HLLSET_NORETURN pg_attribute_noreturn()
#endif

#if PG_VERSION_NUM >= 180000
#define HLLSET_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "hllset", .version = "1.0.0")
#else
#define HLLSET_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* The first argument of a call, if the server asks whether it may be changed where it lies, which no older server does. */
static inline Node *
hllset_changeable_argument(Node *request)
{
#if PG_VERSION_NUM >= 180000
	if (IsA(request, SupportRequestModifyInPlace))
	{
		SupportRequestModifyInPlace *call = (SupportRequestModifyInPlace *) request;
		Param *first = (Param *) linitial(call->args);

		if (first != NULL && IsA(first, Param) && first->paramkind == PARAM_EXTERN &&
			first->paramid == call->paramid)
			return (Node *) first;
	}
#else
	(void) request;
#endif
	return NULL;
}

/* ---- the datum ---- */

typedef struct Hllset
{
	int32 vl_len_; /* varlena header, do not touch directly */
	uint8 body[FLEXIBLE_ARRAY_MEMBER];
} Hllset;

#define DatumGetHllset(d) ((Hllset *) PG_DETOAST_DATUM(d))
#define PG_GETARG_HLLSET(n) DatumGetHllset(PG_GETARG_DATUM(n))

static inline HllsetBytes
hllset_bytes(const Hllset *set)
{
	HllsetBytes bytes = {set->body, VARSIZE(set) - VARHDRSZ};

	return bytes;
}

static inline bool
hllset_same(HllsetBytes a, HllsetBytes b)
{
	return a.size == b.size && (a.data == b.data || memcmp(a.data, b.data, a.size) == 0);
}

/* Memory of the current context to run a plan in. */
static inline void *
hllset_workspace(const HllsetPlan *plan)
{
	return plan->work_size > 0 ? palloc(plan->work_size) : NULL;
}

/* Runs a plan that makes a value, if making the plan had this status. */
static inline HllsetStatus
hllset_make(HllsetPlan *plan, HllsetStatus planned, HllsetBytes *result)
{
	return planned == HLLSET_OK ? hllset_core_make(plan, hllset_workspace(plan), result) : planned;
}

/* The order of bytes, shorter first. */
static inline int
hllset_compare(HllsetBytes a, HllsetBytes b)
{
	int order = memcmp(a.data, b.data, Min(a.size, b.size));

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* in datum.c: a new datum with these bytes */
extern Datum hllset_new(HllsetBytes bytes);

/* in type.c: the datum whose text form this is, unchecked, or NULL if it is not of hexadecimal digits; and that text */
extern Hllset *hllset_from_hex(const char *text);
extern char *hllset_to_hex(HllsetBytes bytes);

/* in info.c: what a value is; every byte is checked */
extern HllsetInfo hllset_inspect(HllsetBytes bytes);

/* in estimate.c: the count of a value and its error */
extern HllsetEstimate hllset_estimate(HllsetBytes bytes);

/* in setops.c: what the operation makes of two values; the bytes lie in the current context, or are an operand's */
extern HllsetBytes hllset_combine(HllsetOp op, HllsetBytes a, HllsetBytes b);

/* in kept.c: values that an aggregate's state keeps, in the context given, and how they are serialised and read again */
extern void hllset_kept_replace(MemoryContext context, Hllset **kept, HllsetBytes bytes);
extern void hllset_kept_send(StringInfo message, HllsetBytes bytes);
extern HllsetBytes hllset_kept_receive(StringInfo message);

/* The state that was passed to an aggregate's function, or NULL. */
static inline void *
hllset_state_argument(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : PG_GETARG_POINTER(argno);
}

/* in aggregate.c: where the state of an aggregate lies; the state or NULL as a result */
extern MemoryContext hllset_aggregate_context(FunctionCallInfo fcinfo);
extern Datum hllset_return_state(FunctionCallInfo fcinfo, void *state);

/* in error.c: whether a type is this extension's, of that name */
extern bool hllset_is_own_type(Oid type, const char *name);

/* ---- the state of aggregates ---- */

typedef struct HllsetPending HllsetPending;

typedef struct HllsetState
{
	HllsetAccum *accum;
	HllsetPending *pending; /* where elements of it may wait; NULL if they don't */
} HllsetState;

/* in state.c; none of its elements may wait */
extern HllsetState *hllset_state_new(MemoryContext context, int precision);
extern HllsetState *hllset_state_of_form(MemoryContext context, int precision, bool compact);
extern HllsetState *hllset_state_like(MemoryContext context, HllsetBytes value);
extern HllsetState *hllset_state_copy(MemoryContext context, const HllsetState *original);
extern void hllset_state_enlarge(HllsetState *state);
extern void hllset_state_merge(HllsetState *state, const HllsetState *other);
extern void hllset_state_union(HllsetState *state, HllsetBytes set);
/* false, and nothing done, if the value is no set */
extern bool hllset_state_try_union(HllsetState *state, HllsetBytes value);
extern HllsetEstimate hllset_state_estimate(const HllsetState *state);
extern Datum hllset_state_encode(const HllsetState *state);

/* Its accumulator no longer lies behind the head. */
static inline bool
hllset_state_has_grown(const HllsetState *state)
{
	return state->accum != (const HllsetAccum *) (state + 1);
}

static inline void
hllset_state_add(HllsetState *state, uint64 hash)
{
	while (unlikely(hllset_core_accum_add(state->accum, hash) == HLLSET_NEEDS_ROOM))
		hllset_state_enlarge(state);
}

/* ---- elements on their way into the state of a group ---- */

/* in pending.c */
extern void hllset_pending_join(FunctionCallInfo fcinfo, HllsetState *state, MemoryContext context);
extern void hllset_pending_add(HllsetState *state, uint64 hash);
extern void hllset_pending_settle(HllsetPending *pending);

/* At once, or when the states of some more elements are near. */
static inline void
hllset_state_add_later(HllsetState *state, uint64 hash)
{
	if (state->pending != NULL)
		hllset_pending_add(state, hash);
	else
		hllset_state_add(state, hash);
}

/* Before a state is read or merged. */
static inline void
hllset_state_settle(const HllsetState *state)
{
	if (state->pending != NULL)
		hllset_pending_settle(state->pending);
}

/* ---- the state of unions ---- */

typedef struct HllsetUnion
{
	HllsetState *sets;
	Hllset *others; /* of the values that are no sets; NULL until there is one */
} HllsetUnion;

/* in union.c: a state with one more value, a new one if it was NULL; what it is, in the current context */
extern HllsetUnion *hllset_union_add(MemoryContext context, HllsetUnion *state, HllsetBytes value);
extern Datum hllset_union_encode(const HllsetUnion *state);

/* ---- sets in memory ---- */

/* in expanded.c: the state of an expanded object, or NULL for a flat value */
extern const HllsetState *hllset_expanded_state(Datum value);

/*
 * A value that comes back where it was made just before is in a loop, and stays expanded from then on. Nowhere else: a value that is
 * stored at once would be expanded in vain. So a new flat value is noted, and an operand is 0 if it isn't, and shall not be, expanded.
 */
extern Datum hllset_made(FunctionCallInfo fcinfo, HllsetBytes bytes);
extern Datum hllset_expanded_operand(FunctionCallInfo fcinfo, Datum value);

/* An expanded operand with one more element, or with those of another value: 0 if that is no set. */
extern Datum hllset_expanded_add(Datum value, uint64 hash);
extern Datum hllset_expanded_union(Datum value, HllsetBytes other);

/* ---- queries by keys of sets ---- */

/* What asks for the keys of a set: of which kind, and how messages call it. */
typedef struct HllsetAsker
{
	HllsetQueryKind kind;
	const char *name;
} HllsetAsker;

/* A type of queries, and the operator that takes them. */
typedef struct HllsetQueryType
{
	const char *name;
	HllsetAsker maker;
	HllsetAsker operator;
} HllsetQueryType;

/* in query.c: the keys of a set, in the current context; what is the same for both types of queries */
extern HllsetKeys hllset_keys(const HllsetAsker *asker, HllsetBytes set);
extern Datum hllset_query_in(FunctionCallInfo fcinfo, const HllsetQueryType *type);
extern Datum hllset_query_out(FunctionCallInfo fcinfo);
extern Datum hllset_query_recv(FunctionCallInfo fcinfo, const HllsetQueryType *type);
extern Datum hllset_query_send(FunctionCallInfo fcinfo);
extern Datum hllset_query_make(FunctionCallInfo fcinfo, const HllsetQueryType *type);
extern Datum hllset_query_holds(FunctionCallInfo fcinfo, const HllsetQueryType *type);
/* the argument of a support function, which is checked */
extern HllsetQuery hllset_query_argument(FunctionCallInfo fcinfo, int argno,
										 const HllsetQueryType *type, HllsetBytes *bytes);
/* key i of a query, in the order of the index */
extern uint32 hllset_query_key(const HllsetQuery *query, size_t i);

/* ---- what a call site keeps, in fn_extra ---- */

/* in element.h: what is known of the type of an element, and the hash of a value of it */
typedef struct HllsetElement HllsetElement;
typedef uint64 (*HllsetHash)(HllsetElement *element, Datum value);

typedef struct HllsetSite
{
	HllsetHash hash;         /* of the element; NULL until its type is known */
	HllsetElement *elements; /* one; of hllset_of one for each argument; or NULL */
	HllsetPending *pending;
	int precision;           /* of an aggregate, in its last row; 0 before the first */
	bool precision_is_fixed; /* all rows of a group have the same one */
	size_t made_size;        /* of the last value that was made here, 0 if none was, and its hash */
	uint64 made_hash;
} HllsetSite;

static inline HllsetSite *
hllset_site(FmgrInfo *flinfo)
{
	if (flinfo->fn_extra == NULL)
		flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(HllsetSite));
	return flinfo->fn_extra;
}

/* ---- the precision of an aggregate ---- */

/* in precision.c: the argument, which is checked against the plan and the state, or NULL; two states that are to be merged */
extern int hllset_precision_argument(FunctionCallInfo fcinfo, const HllsetState *state);
extern void hllset_precision_check_combined(FunctionCallInfo fcinfo, const HllsetState *a,
											const HllsetState *b);

/* ---- elements ---- */

/* in element.c: the hash of one of many arguments, or of a member of the array that is the only one */
extern uint64 hllset_hash_first(FunctionCallInfo fcinfo, int argno);
extern void hllset_hash_resolve(FunctionCallInfo fcinfo, int argno);
extern uint64 hllset_hash_one_of(FunctionCallInfo fcinfo, int argno);
extern uint64 hllset_hash_member(FunctionCallInfo fcinfo, Datum member, Oid type);

/* The hash under a key of the one argument that is an element, of HLLSET_HASH_KEY_SIZE bytes; an hllhash is refused. */
extern uint64 hllset_hash_keyed(FunctionCallInfo fcinfo, int argno, const uint8 *key);

/* Refuses the type of the one argument that is an element, if it is to be, without a value. */
static inline void
hllset_hash_prepare(FunctionCallInfo fcinfo, int argno)
{
	HllsetSite *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL || site->hash == NULL))
		hllset_hash_resolve(fcinfo, argno);
}

/* The hash of the one argument that is an element, of any supported type; an hllhash is a hash already. Inline, since this is done for every row. */
static inline uint64
hllset_hash_argument(FunctionCallInfo fcinfo, int argno)
{
	HllsetSite *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL || site->hash == NULL))
		return hllset_hash_first(fcinfo, argno);
	return site->hash(site->elements, PG_GETARG_DATUM(argno));
}

/* ---- errors ---- */

/* in error.c; those that return Datum may report softly, and return 0 then */
extern void hllset_check_precision(int precision);
extern void hllset_check_aggregate_precision(int precision);
extern Datum hllset_refuse_hex(fmNodePtr escontext, const char *type, const char *text);
extern Datum hllset_refuse_text(fmNodePtr escontext, const char *type, const char *text,
								HllsetStatus status);
extern Datum hllset_refuse_hash_text(fmNodePtr escontext, const char *text);
extern Datum hllset_refuse_convert(fmNodePtr escontext, HllsetStatus status, HllsetBytes value,
								   int to, HllsetForm form);
HLLSET_NORETURN extern void hllset_refuse_binary(const char *type, HllsetStatus status);
HLLSET_NORETURN extern void hllset_refuse_bits(void);
/* of an operation on stored values: one is corrupted, or they can't be combined */
HLLSET_NORETURN extern void hllset_report(HllsetStatus status);
HLLSET_NORETURN extern void hllset_refuse_modifier(const char *word);
HLLSET_NORETURN extern void hllset_refuse_null_precision(void);
HLLSET_NORETURN extern void hllset_refuse_column_precision(void);
HLLSET_NORETURN extern void hllset_refuse_other_precision(int first, int other);
HLLSET_NORETURN extern void hllset_refuse_confidence(double confidence);
HLLSET_NORETURN extern void hllset_refuse_type(Oid type);
HLLSET_NORETURN extern void hllset_refuse_range(Oid type);
HLLSET_NORETURN extern void hllset_refuse_array(void);
HLLSET_NORETURN extern void hllset_refuse_large_element(void);
HLLSET_NORETURN extern void hllset_refuse_collation(Oid collation);
/* what is wrong with bytes, as a sentence */
extern const char *hllset_status_detail(HllsetStatus status);

/* in error_search.c: of keys that a value does not have, with the reason why; of their number and of a threshold; of a stored query */
HLLSET_NORETURN extern void hllset_refuse_keys(const HllsetAsker *asker, HllsetStatus status,
											   HllsetBytes value);
HLLSET_NORETURN extern void hllset_refuse_key_number(int keys);
HLLSET_NORETURN extern void hllset_refuse_more_keys(int keys, int precision);
HLLSET_NORETURN extern void hllset_refuse_threshold(double at_least);
HLLSET_NORETURN extern void hllset_report_query(const HllsetQueryType *type, HllsetStatus status);

/* in error_members.c */
HLLSET_NORETURN extern void hllset_refuse_key(size_t size);
HLLSET_NORETURN extern void hllset_refuse_null_key(void);
HLLSET_NORETURN extern void hllset_refuse_keyed_hash(void);
HLLSET_NORETURN extern void hllset_refuse_sample(HllsetStatus status, HllsetBytes value, int level);
HLLSET_NORETURN extern void hllset_refuse_regions(int count);
HLLSET_NORETURN extern void hllset_refuse_null_region(int number);
HLLSET_NORETURN extern void hllset_refuse_sources(void);

#endif /* HLLSET_PG_H */
