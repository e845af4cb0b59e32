/* SPDX-License-Identifier: PostgreSQL */
/* Bodies of the door: from C types to the core's and back. */
#include "accum.hpp"
#include "algebra.hpp"
#include "bounds.hpp"
#include "elementary.hpp"
#include "estimate.hpp"
#include "hash.hpp"
#include "sample.hpp"
#include "query.hpp"
#include "value.hpp"

#include <type_traits>

using namespace hllset;

/* A signal handler may longjmp through a frame of the core; then nothing must be lost. */
static_assert(std::is_trivially_copyable_v<View> && std::is_trivially_destructible_v<View>);
static_assert(std::is_trivially_copyable_v<Graded> && std::is_trivially_destructible_v<Graded>);
static_assert(std::is_trivially_copyable_v<Accum> && std::is_trivially_destructible_v<Accum>);
static_assert(std::is_trivially_copyable_v<Sources> && std::is_trivially_destructible_v<Sources>);
static_assert(std::is_trivially_copyable_v<HllsetAccum>);
static_assert(std::is_trivially_copyable_v<BitReader> && std::is_trivially_copyable_v<BitWriter>);

static bool
is_precision(int precision)
{
	return precision >= kMinPrecision && precision <= kMaxPrecision;
}

HllsetStatus
hllset_core_precision(HllsetBytes value, int *precision)
{
	Header header;
	HllsetStatus status = read_header(value, header);

	if (status == HLLSET_OK)
		*precision = header.precision;
	return status;
}

HllsetStatus
hllset_core_form(HllsetBytes value, int *precision, bool *compact)
{
	Header header;
	HllsetStatus status = read_header(value, header);

	if (status == HLLSET_OK)
	{
		*precision = header.precision;
		*compact = header.compact;
	}
	return status;
}

HllsetStatus
hllset_core_check(HllsetBytes value, HllsetInfo *info)
{
	return check_value(value, info);
}

void
hllset_core_digest(HllsetBytes set, uint8_t out[16])
{
	hash128(set.data, set.size, out);
}

size_t
hllset_core_empty(int precision, bool compact, uint8_t *out)
{
	return is_precision(precision) ? write_empty(precision, compact, out) : 0;
}

HllsetStatus
hllset_core_plan_combine(HllsetPlan *plan, HllsetOp op, HllsetBytes a, HllsetBytes b)
{
	return plan_combine(op, a, b, *plan);
}

HllsetStatus
hllset_core_plan_sample(HllsetPlan *plan, HllsetBytes value)
{
	return plan_sample(value, *plan);
}

HllsetStatus
hllset_core_plan_convert(HllsetPlan *plan, HllsetBytes value, int precision, HllsetForm form)
{
	return plan_convert(value, precision, form, *plan);
}

HllsetStatus
hllset_core_plan_add(HllsetPlan *plan, HllsetBytes value, uint64_t hash)
{
	return plan_add(value, coupon_of(hash), *plan);
}

HllsetStatus
hllset_core_make(HllsetPlan *plan, void *work, HllsetBytes *result)
{
	return plan->run != nullptr ? plan->run(plan, work, result) : HLLSET_BAD_ARGUMENT;
}

HllsetStatus
hllset_core_may_contain(HllsetBytes value, uint64_t hash, bool *result)
{
	return may_contain(value, coupon_of(hash), *result);
}

HllsetStatus
hllset_core_bits(HllsetBytes set, uint32_t *words)
{
	return write_bits(set, words);
}

HllsetStatus
hllset_core_plan_count(HllsetPlan *plan, HllsetBytes value)
{
	ValueCount &own = start_plan<ValueCount>(*plan);
	HllsetStatus status = own.open(value);

	if (status == HLLSET_OK)
		plan->work_size = own.work_size();
	return status;
}

HllsetStatus
hllset_core_cardinality(HllsetPlan *plan, void *work, double *result)
{
	return content_of<ValueCount>(*plan).count(work, *result);
}

HllsetStatus
hllset_core_estimate(HllsetPlan *plan, void *work, HllsetEstimate *result)
{
	return content_of<ValueCount>(*plan).estimate(work, *result);
}

int64_t
hllset_core_whole(double cardinality)
{
	return static_cast<int64_t>(elementary::nearest(cardinality));
}

double
hllset_core_relative_error(const HllsetEstimate *estimate)
{
	return relative_error(*estimate);
}

void
hllset_core_bounds(const HllsetEstimate *estimate, double confidence, double *lower, double *upper)
{
	bounds(*estimate, confidence, *lower, *upper);
}

HllsetStatus
hllset_core_plan_census(HllsetPlan *plan, const HllsetBytes *values, int count)
{
	Sources &own = start_plan<Sources>(*plan);
	HllsetStatus status = own.open(values, count);

	if (status == HLLSET_OK)
		plan->work_size = own.work_size();
	return status;
}

/* Lets what is asked of a census answer, once the values are read. */
template <typename Question>
static HllsetStatus
ask(HllsetPlan *plan, void *work, Question &&question)
{
	Sources &own = content_of<Sources>(*plan);
	HllsetStatus status = own.read(work);

	if (status == HLLSET_OK)
		question(Census(own));
	return status;
}

HllsetStatus
hllset_core_venn(HllsetPlan *plan, void *work, HllsetEstimate *regions)
{
	return ask(plan, work, [&](Census census) { census.measure(regions); });
}

HllsetStatus
hllset_core_venn_sizes(HllsetPlan *plan, void *work, double *sizes)
{
	return ask(plan, work, [&](Census census) { census.count(sizes); });
}

/* A question to the first two of the values. */
static HllsetStatus
ask_two(HllsetPlan *plan, void *work, bool (Census::*question)(), bool *result)
{
	if (content_of<Sources>(*plan).value_count() != 2)
		return HLLSET_BAD_ARGUMENT;
	return ask(plan, work, [&](Census census) { *result = (census.*question)(); });
}

HllsetStatus
hllset_core_contained(HllsetPlan *plan, void *work, bool *result)
{
	return ask_two(plan, work, &Census::is_contained, result);
}

HllsetStatus
hllset_core_overlap(HllsetPlan *plan, void *work, bool *result)
{
	return ask_two(plan, work, &Census::overlap, result);
}

uint32_t
hllset_core_member_key(uint64_t hash)
{
	return key_of(coupon_of(hash));
}

HllsetStatus
hllset_core_sample_level(HllsetBytes value, int least_level, int *level)
{
	Sample sample;
	HllsetStatus status = sample.open(value, least_level);

	if (status == HLLSET_OK)
		*level = sample.level();
	return status;
}

HllsetStatus
hllset_core_plan_member_keys(HllsetPlan *plan, HllsetBytes value, int least_level)
{
	Sample &own = start_plan<Sample>(*plan);
	HllsetStatus status = own.open(value, least_level);

	if (status == HLLSET_OK)
		plan->work_size = own.work_size();
	return status;
}

HllsetStatus
hllset_core_member_keys(HllsetPlan *plan, void *work, const uint32_t **keys, size_t *count)
{
	return content_of<Sample>(*plan).keys(work, *keys, *count);
}

HllsetStatus
hllset_core_plan_keys(HllsetPlan *plan, HllsetBytes set)
{
	View &own = start_plan<View>(*plan);
	HllsetStatus status = parse(set, own);

	if (status == HLLSET_OK)
		plan->work_size = keys_work(own);
	return status;
}

/* What the core found, if it did. */
static HllsetStatus
give_keys(HllsetStatus status, const Keys &found, HllsetKeys *result)
{
	if (status == HLLSET_OK)
		*result = {found.first, found.count, found.level0};
	return status;
}

HllsetStatus
hllset_core_signature(HllsetPlan *plan, int wanted, void *work, HllsetKeys *result)
{
	Keys found;

	if (wanted < 1 || wanted > HLLSET_MOST_SIGNATURE_KEYS)
		return HLLSET_BAD_ARGUMENT;

	HllsetStatus status =
		find_signature(content_of<View>(*plan), static_cast<size_t>(wanted), work, found);

	return give_keys(status, found, result);
}

HllsetStatus
hllset_core_contain_keys(HllsetPlan *plan, void *work, HllsetKeys *result)
{
	Keys found;
	HllsetStatus status = find_contain_keys(content_of<View>(*plan), work, found);

	return give_keys(status, found, result);
}

static bool
is_query_kind(HllsetQueryKind kind)
{
	return kind == HLLSET_SIMILAR || kind == HLLSET_CONTAIN;
}

size_t
hllset_core_query(HllsetQueryKind kind, HllsetKeys keys, double at_least, uint8_t *out)
{
	if (!is_query_kind(kind) || !is_threshold(at_least))
		return 0;
	return write_query(static_cast<QueryKind>(kind), {keys.keys, keys.count, keys.level0}, at_least,
					   out);
}

HllsetStatus
hllset_core_query_read(HllsetQueryKind kind, HllsetBytes query, HllsetQuery *result)
{
	Query found;

	if (!is_query_kind(kind))
		return HLLSET_BAD_ARGUMENT;

	HllsetStatus status = read_query(static_cast<QueryKind>(kind), query, found);

	if (status == HLLSET_OK && result != nullptr)
		*result = {found.at_least, found.keys, found.count};
	return status;
}

HllsetStatus
hllset_core_query_holds(HllsetPlan *plan, HllsetQueryKind kind, HllsetBytes query, void *work,
						bool *result)
{
	const View &set = content_of<View>(*plan);
	Query found;

	if (!is_query_kind(kind))
		return HLLSET_BAD_ARGUMENT;

	HllsetStatus status = read_query(static_cast<QueryKind>(kind), query, found);

	if (status != HLLSET_OK)
		return status;
	return kind == HLLSET_SIMILAR ? is_similar(set, found, work, *result)
								  : contains_part(set, found, work, *result);
}

int
hllset_core_least_shared(HllsetBytes query)
{
	Query found;

	return read_query(QueryKind::similar, query, found) == HLLSET_OK ? least_shared(found) : 0;
}

uint32_t
hllset_core_similar_entry(uint32_t key)
{
	return similar_entry(key);
}

HllsetStatus
hllset_core_contain_plan(HllsetBytes query, HllsetContainPlan *plan)
{
	Query found;
	HllsetStatus status = read_query(QueryKind::contain, query, found);

	if (status == HLLSET_OK)
		*plan = plan_contain(found);
	return status;
}

HllsetVerdict
hllset_core_contain_verdict(const HllsetContainPlan *plan, const char *seen)
{
	return judge_contain(*plan, seen);
}

size_t
hllset_core_accum_start(int precision)
{
	return is_precision(precision) ? Shape::small(precision, false, 0).bytes() : 0;
}

HllsetStatus
hllset_core_accum_init(HllsetAccum *accum, int precision, bool compact)
{
	if (!is_precision(precision))
		return HLLSET_BAD_ARGUMENT;
	Accum::init(accum, Shape::small(precision, compact, 0));
	return HLLSET_OK;
}

HllsetStatus
hllset_core_accum_merge(HllsetAccum *accum, const HllsetAccum *other)
{
	return Accum(accum).merge(reader(other));
}

size_t
hllset_core_accum_want(const HllsetAccum *accum)
{
	return accum->wanted.bytes();
}

void
hllset_core_accum_move(HllsetAccum *to, const HllsetAccum *from)
{
	/* tokens may still overflow in the new place: then the call that is made again asks for more */
	Accum::init(to, from->wanted).merge(reader(from));
}

size_t
hllset_core_accum_size(const HllsetAccum *accum)
{
	return accum->shape.bytes();
}

int
hllset_core_accum_precision(const HllsetAccum *accum)
{
	return accum->shape.precision;
}

bool
hllset_core_accum_is_compact(const HllsetAccum *accum)
{
	return accum->shape.compact;
}

size_t
hllset_core_accum_encode_work(const HllsetAccum *accum)
{
	return reader(accum).encode_work();
}

HllsetBytes
hllset_core_accum_encode(const HllsetAccum *accum, void *work)
{
	return reader(accum).encode(work);
}

void
hllset_core_accum_estimate(const HllsetAccum *accum, HllsetEstimate *result)
{
	*result = estimate(reader(accum).counts());
}
