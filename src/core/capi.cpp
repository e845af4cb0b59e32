/* SPDX-License-Identifier: PostgreSQL */
/* Bodies of the door: from C types to the core's and back. */
#include "accum.hpp"
#include "algebra.hpp"
#include "bounds.hpp"
#include "census.hpp"
#include "estimate.hpp"
#include "hash.hpp"
#include "value.hpp"

#include <type_traits>

using namespace hllset;

/* A signal handler may longjmp through a frame of the core; then nothing must be lost. */
static_assert(std::is_trivially_copyable_v<View> && std::is_trivially_destructible_v<View>);
static_assert(std::is_trivially_copyable_v<Graded> && std::is_trivially_destructible_v<Graded>);
static_assert(std::is_trivially_copyable_v<Accum> && std::is_trivially_destructible_v<Accum>);
static_assert(std::is_trivially_copyable_v<Census> && std::is_trivially_destructible_v<Census>);
static_assert(std::is_trivially_copyable_v<HllsetAccum>);
static_assert(std::is_trivially_copyable_v<BitReader> && std::is_trivially_copyable_v<BitWriter>);

static bool
is_precision(int precision)
{
	return precision >= kMinPrecision && precision <= kMaxPrecision;
}

/* Bytes of a line of the cache, and of the part of a value that is brought near at once. */
constexpr size_t kLine = 64;
constexpr size_t kNear = 8 * kLine;

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
	Counts counts = {};

	if (!is_precision(precision))
		return 0;
	counts.precision = precision;
	counts.compact = compact;
	return encode(counts, Matrix(), nullptr, out);
}

size_t
hllset_core_combine_work(HllsetOp op, HllsetBytes a, HllsetBytes b)
{
	return combine_work(op, a, b);
}

HllsetStatus
hllset_core_combine(HllsetOp op, HllsetBytes a, HllsetBytes b, void *work, HllsetBytes *result)
{
	return combine(op, a, b, work, *result);
}

size_t
hllset_core_sample_work(HllsetBytes value)
{
	return sample_work(value);
}

HllsetStatus
hllset_core_sample(HllsetBytes value, void *work, HllsetBytes *result)
{
	return sample(value, work, *result);
}

size_t
hllset_core_convert_work(HllsetBytes value)
{
	return convert_work(value);
}

HllsetStatus
hllset_core_convert(HllsetBytes value, int precision, HllsetForm form, void *work,
					HllsetBytes *result)
{
	return convert(value, precision, form, work, *result);
}

size_t
hllset_core_add_work(HllsetBytes value)
{
	return add_work(value);
}

HllsetStatus
hllset_core_add(HllsetBytes value, uint64_t hash, void *work, HllsetBytes *result)
{
	return add(value, coupon_of(hash), work, *result);
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

size_t
hllset_core_estimate_work(HllsetBytes value)
{
	return estimate_work(value);
}

HllsetStatus
hllset_core_cardinality(HllsetBytes value, void *work, double *result)
{
	return count_value(value, work, *result);
}

HllsetStatus
hllset_core_estimate(HllsetBytes value, void *work, HllsetEstimate *result)
{
	return estimate_value(value, work, *result);
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

size_t
hllset_core_census_work(const HllsetBytes *values, int count)
{
	Census census;

	return census.open(values, count) == HLLSET_OK ? census.work_size() : 0;
}

/* Opens and reads a census; the workspace was sized by the same open(). */
static HllsetStatus
take_census(Census &census, const HllsetBytes *values, int count, void *work)
{
	HllsetStatus status = census.open(values, count);

	return status == HLLSET_OK ? census.read(work) : status;
}

HllsetStatus
hllset_core_venn(const HllsetBytes *values, int count, void *work, HllsetEstimate *regions)
{
	Census census;
	HllsetStatus status = take_census(census, values, count, work);

	if (status == HLLSET_OK)
		census.measure(regions);
	return status;
}

HllsetStatus
hllset_core_contained(const HllsetBytes values[2], void *work, bool *result)
{
	Census census;
	HllsetStatus status = take_census(census, values, 2, work);

	if (status == HLLSET_OK)
		*result = census.is_contained();
	return status;
}

HllsetStatus
hllset_core_overlap(const HllsetBytes values[2], void *work, bool *result)
{
	Census census;
	HllsetStatus status = take_census(census, values, 2, work);

	if (status == HLLSET_OK)
		*result = census.overlap();
	return status;
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
hllset_core_accum_union(HllsetAccum *accum, HllsetBytes set)
{
	View view;

	/* the processor sees only after some lines that it is read on */
	for (size_t i = 0; i < set.size && i < kNear; i += kLine)
		__builtin_prefetch(set.data + i);

	HllsetStatus status = parse(set, view);

	return status == HLLSET_OK ? Accum(accum).merge(view) : status;
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
