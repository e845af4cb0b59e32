/* SPDX-License-Identifier: PostgreSQL */
/* What the programs of this folder measure with: sets of consecutive integers, as accumulators and as bytes, through the door. */
#pragma once

#include <cstdint>
#include <vector>

#include "core/hllset_core.h"

namespace hllset::bench
{

/* Memory that is aligned as an allocator's. */
using Block = std::vector<uint64_t>;

inline Block
block_of(size_t bytes)
{
	return Block((bytes + 7) / 8);
}

/* So many hashes of consecutive integers. */
inline std::vector<uint64_t>
hashes(uint64_t first, size_t count)
{
	std::vector<uint64_t> result;

	result.reserve(count);
	for (uint64_t i = first; i < first + count; i++)
		result.push_back(hllset_core_hash(&i, sizeof(i), HLLSET_FAMILY_INTEGER));
	return result;
}

/* The state of an aggregate, moved as the extension moves it. */
class Aggregate
{
public:
	Aggregate(int precision, bool compact) : block_(block_of(hllset_core_accum_start(precision)))
	{
		hllset_core_accum_init(get(), precision, compact);
	}

	HllsetAccum *
	get()
	{
		return reinterpret_cast<HllsetAccum *>(block_.data());
	}

	void
	add(uint64_t hash)
	{
		while (hllset_core_accum_add(get(), hash) == HLLSET_NEEDS_ROOM)
			enlarge();
	}

	void
	add(const std::vector<uint64_t> &hashes)
	{
		for (uint64_t hash : hashes)
			add(hash);
	}

	/* So many consecutive integers. */
	void
	add_integers(uint64_t first, uint64_t count)
	{
		for (uint64_t i = first; i < first + count; i++)
			add(hllset_core_hash_word(i, HLLSET_FAMILY_INTEGER));
	}

	HllsetStatus
	unite(HllsetBytes set)
	{
		HllsetStatus status;

		while ((status = hllset_core_accum_union(get(), set)) == HLLSET_NEEDS_ROOM)
			enlarge();
		return status;
	}

	void
	merge(Aggregate &other)
	{
		while (hllset_core_accum_merge(get(), other.get()) == HLLSET_NEEDS_ROOM)
			enlarge();
	}

	std::vector<uint8_t>
	bytes()
	{
		Block work = block_of(hllset_core_accum_encode_work(get()));
		HllsetBytes set = hllset_core_accum_encode(get(), work.data());

		return {set.data, set.data + set.size};
	}

private:
	void
	enlarge()
	{
		Block larger = block_of(hllset_core_accum_want(get()));

		hllset_core_accum_move(reinterpret_cast<HllsetAccum *>(larger.data()), get());
		block_.swap(larger);
	}

	Block block_;
};

inline HllsetBytes
view(const std::vector<uint8_t> &bytes)
{
	return {bytes.data(), bytes.size()};
}

/* Memory for plans to run in, no smaller than the largest so far needed. */
class Workspace
{
public:
	void *
	of(const HllsetPlan &plan)
	{
		if (block_.size() * sizeof(block_[0]) < plan.work_size)
			block_ = block_of(plan.work_size);
		return block_.data();
	}

private:
	Block block_;
};

/* What the operation makes of two values; it lies in the workspace, or is an operand. */
inline HllsetStatus
combine(Workspace &work, HllsetOp op, HllsetBytes a, HllsetBytes b, HllsetBytes &result)
{
	HllsetPlan plan;
	HllsetStatus status = hllset_core_plan_combine(&plan, op, a, b);

	return status == HLLSET_OK ? hllset_core_make(&plan, work.of(plan), &result) : status;
}

inline HllsetStatus
estimate(Workspace &work, HllsetBytes value, HllsetEstimate &result)
{
	HllsetPlan plan;
	HllsetStatus status = hllset_core_plan_count(&plan, value);

	return status == HLLSET_OK ? hllset_core_estimate(&plan, work.of(plan), &result) : status;
}

inline HllsetStatus
count(Workspace &work, HllsetBytes value, double &result)
{
	HllsetPlan plan;
	HllsetStatus status = hllset_core_plan_count(&plan, value);

	return status == HLLSET_OK ? hllset_core_cardinality(&plan, work.of(plan), &result) : status;
}

inline HllsetStatus
venn(Workspace &work, const HllsetBytes *values, int count, HllsetEstimate *regions)
{
	HllsetPlan plan;
	HllsetStatus status = hllset_core_plan_census(&plan, values, count);

	return status == HLLSET_OK ? hllset_core_venn(&plan, work.of(plan), regions) : status;
}

} // namespace hllset::bench
