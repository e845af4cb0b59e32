/* SPDX-License-Identifier: PostgreSQL */
/*
 * The operations of the door on values in memory of exactly their size, each with a workspace of exactly the size it asks for, so that
 * a sanitizer sees the first byte too many.
 */
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/graded.hpp"
#include "core/hllset_core.h"

namespace hllset::test
{

using Bytes = std::vector<uint8_t>;

inline HllsetBytes
door(const Bytes &bytes)
{
	return {bytes.data(), bytes.size()};
}

inline Bytes
copy(HllsetBytes bytes)
{
	return Bytes(bytes.data, bytes.data + bytes.size);
}

/* Memory aligned as malloc does it, not a byte larger than asked for, with other contents than zeros. */
class Buffer
{
public:
	explicit Buffer(size_t size) : memory_(std::malloc(size), std::free)
	{
		if (memory_ == nullptr)
			throw std::bad_alloc();
		memset(memory_.get(), 0xa5, size);
	}

	void *
	data() const
	{
		return memory_.get();
	}

private:
	std::unique_ptr<void, void (*)(void *)> memory_;
};

inline void
require(HllsetStatus status)
{
	if (status != HLLSET_OK)
		throw std::logic_error("unexpected status " + std::to_string(status));
}

/* The status and, if it is OK, the value; `itself` if the operand was handed back. */
struct Outcome
{
	HllsetStatus status;
	Bytes bytes;
	bool itself;
};

/* Plans and runs, with a workspace of exactly the size that the plan says. */
template <typename Planning, typename Run>
HllsetStatus
carry_out(Planning &&planning, Run &&run)
{
	/* not on the stack, so that a sanitizer sees what is not initialised as other than zeros */
	Buffer memory(sizeof(HllsetPlan));
	HllsetPlan *plan = static_cast<HllsetPlan *>(memory.data());
	HllsetStatus status = planning(plan);

	if (status != HLLSET_OK)
		return status;

	Buffer work(plan->work_size);

	return run(plan, work.data());
}

template <typename Planning>
Outcome
outcome(const Bytes &operand, Planning &&planning)
{
	Outcome result = {};

	result.status = carry_out(planning, [&](HllsetPlan *plan, void *work) {
		HllsetBytes made = {};
		HllsetStatus status = hllset_core_make(plan, work, &made);

		if (status == HLLSET_OK)
		{
			result.bytes = copy(made);
			result.itself = made.data == operand.data();
		}
		return status;
	});
	return result;
}

inline Outcome
try_combine(HllsetOp op, const Bytes &a, const Bytes &b)
{
	return outcome(
		a, [&](HllsetPlan *plan) { return hllset_core_plan_combine(plan, op, door(a), door(b)); });
}

inline Outcome
try_unite(const Bytes &a, const Bytes &b)
{
	return try_combine(HLLSET_UNION, a, b);
}

inline Outcome
try_sample(const Bytes &value)
{
	return outcome(value,
				   [&](HllsetPlan *plan) { return hllset_core_plan_sample(plan, door(value)); });
}

inline Outcome
try_convert(const Bytes &set, int precision, HllsetForm form = HLLSET_AS_IT_IS)
{
	return outcome(set, [&](HllsetPlan *plan) {
		return hllset_core_plan_convert(plan, door(set), precision, form);
	});
}

inline Outcome
try_add(const Bytes &set, uint64_t hash)
{
	return outcome(set,
				   [&](HllsetPlan *plan) { return hllset_core_plan_add(plan, door(set), hash); });
}

inline Bytes
combine(HllsetOp op, const Bytes &a, const Bytes &b)
{
	Outcome made = try_combine(op, a, b);

	require(made.status);
	return made.bytes;
}

inline Bytes
unite(const Bytes &a, const Bytes &b)
{
	return combine(HLLSET_UNION, a, b);
}

inline Bytes
intersect(const Bytes &a, const Bytes &b)
{
	return combine(HLLSET_INTERSECTION, a, b);
}

inline Bytes
subtract(const Bytes &a, const Bytes &b)
{
	return combine(HLLSET_DIFFERENCE, a, b);
}

inline Bytes
differ(const Bytes &a, const Bytes &b)
{
	return combine(HLLSET_SYMMETRIC_DIFFERENCE, a, b);
}

inline Bytes
sample(const Bytes &value)
{
	Outcome made = try_sample(value);

	require(made.status);
	return made.bytes;
}

inline Bytes
convert(const Bytes &set, int precision, HllsetForm form = HLLSET_AS_IT_IS)
{
	Outcome made = try_convert(set, precision, form);

	require(made.status);
	return made.bytes;
}

inline Bytes
add(const Bytes &set, uint64_t hash)
{
	Outcome made = try_add(set, hash);

	require(made.status);
	return made.bytes;
}

inline Bytes
empty(int precision, bool compact = false)
{
	uint8_t bytes[HLLSET_EMPTY_SIZE];

	return Bytes(bytes, bytes + hllset_core_empty(precision, compact, bytes));
}

inline HllsetStatus
check(const Bytes &set)
{
	return hllset_core_check(door(set), nullptr);
}

inline HllsetInfo
info(const Bytes &set)
{
	HllsetInfo info = {};

	require(hllset_core_check(door(set), &info));
	return info;
}

inline HllsetStatus
try_cardinality(const Bytes &value, double &cardinality)
{
	return carry_out([&](HllsetPlan *plan) { return hllset_core_plan_count(plan, door(value)); },
					 [&](HllsetPlan *plan, void *work) {
						 return hllset_core_cardinality(plan, work, &cardinality);
					 });
}

inline HllsetStatus
try_estimate(const Bytes &value, HllsetEstimate &estimate)
{
	return carry_out(
		[&](HllsetPlan *plan) { return hllset_core_plan_count(plan, door(value)); },
		[&](HllsetPlan *plan, void *work) { return hllset_core_estimate(plan, work, &estimate); });
}

inline HllsetEstimate
estimate(const Bytes &value)
{
	HllsetEstimate estimate = {};

	require(try_estimate(value, estimate));
	return estimate;
}

inline double
relative_error(const HllsetEstimate &estimate)
{
	return hllset_core_relative_error(&estimate);
}

inline double
relative_error(const Bytes &value)
{
	return relative_error(estimate(value));
}

inline HllsetStatus
try_may_contain(const Bytes &value, uint64_t hash)
{
	bool result;

	return hllset_core_may_contain(door(value), hash, &result);
}

inline bool
may_contain(const Bytes &value, uint64_t hash)
{
	bool result;

	require(hllset_core_may_contain(door(value), hash, &result));
	return result;
}

/* The keys of a value's sample. */
inline HllsetStatus
try_member_keys(const Bytes &value, int least_level, std::vector<uint32_t> &keys)
{
	keys.clear();
	return carry_out(
		[&](HllsetPlan *plan) {
			return hllset_core_plan_member_keys(plan, door(value), least_level);
		},
		[&](HllsetPlan *plan, void *work) {
			const uint32_t *first = nullptr;
			size_t count = 0;
			HllsetStatus status = hllset_core_member_keys(plan, work, &first, &count);

			keys.assign(first, first + count);
			return status;
		});
}

inline std::vector<uint32_t>
member_keys(const Bytes &value, int least_level = 0)
{
	std::vector<uint32_t> keys;

	require(try_member_keys(value, least_level, keys));
	return keys;
}

inline int
sample_level(const Bytes &value, int least_level = 0)
{
	int level;

	require(hllset_core_sample_level(door(value), least_level, &level));
	return level;
}

/* A question to several values. */
template <typename Question>
HllsetStatus
ask(const std::vector<Bytes> &values, Question &&question)
{
	std::vector<HllsetBytes> doors;

	for (const Bytes &value : values)
		doors.push_back(door(value));
	return carry_out(
		[&](HllsetPlan *plan) {
			return hllset_core_plan_census(plan, doors.data(), static_cast<int>(doors.size()));
		},
		question);
}

inline HllsetStatus
try_venn(const std::vector<Bytes> &values, std::vector<HllsetEstimate> &regions)
{
	regions.resize(size_t{1} << values.size());
	return ask(values, [&](HllsetPlan *plan, void *work) {
		return hllset_core_venn(plan, work, regions.data());
	});
}

/* The regions of a Venn diagram by mask; [0] is nothing. Their numbers alone are the same. */
inline std::vector<HllsetEstimate>
venn(const std::vector<Bytes> &values)
{
	std::vector<HllsetEstimate> regions;

	require(try_venn(values, regions));

	std::vector<double> sizes(regions.size());

	require(ask(values, [&](HllsetPlan *plan, void *work) {
		return hllset_core_venn_sizes(plan, work, sizes.data());
	}));
	for (size_t x = 1; x < sizes.size(); x++)
		if (memcmp(&sizes[x], &regions[x].cardinality, sizeof(double)) != 0)
			throw std::logic_error("a size differs from that of its region");
	return regions;
}

inline HllsetStatus
try_contained(const Bytes &a, const Bytes &b, bool &result)
{
	return ask({a, b}, [&](HllsetPlan *plan, void *work) {
		return hllset_core_contained(plan, work, &result);
	});
}

inline HllsetStatus
try_overlap(const Bytes &a, const Bytes &b, bool &result)
{
	return ask({a, b}, [&](HllsetPlan *plan, void *work) {
		return hllset_core_overlap(plan, work, &result);
	});
}

inline bool
contained(const Bytes &a, const Bytes &b)
{
	bool result;

	require(try_contained(a, b, result));
	return result;
}

inline bool
overlap(const Bytes &a, const Bytes &b)
{
	bool result;

	require(try_overlap(a, b, result));
	return result;
}

/* A set decoded into a state and written anew. */
inline Bytes
reencode(const Bytes &set)
{
	View view;

	require(hllset::check_single(door(set), view));

	int precision = view.counts.precision;
	Buffer work(Graded::work_size(precision, precision));
	Graded state(work.data(), precision, view.counts.compact, precision);

	require(state.merge(view));
	return copy(state.encode());
}

} // namespace hllset::test
