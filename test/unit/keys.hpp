/* SPDX-License-Identifier: PostgreSQL */
/* Keys and queries of the door on values in memory of exactly their size. */
#pragma once

#include <algorithm>

#include "model.hpp"

namespace hllset::test
{

struct FoundKeys
{
	HllsetStatus status;
	std::vector<uint32_t> keys;
	int level0;
};

template <typename Operation>
FoundKeys
found_keys(const Bytes &set, Operation &&operation)
{
	FoundKeys result = {};

	result.status =
		carry_out([&](HllsetPlan *plan) { return hllset_core_plan_keys(plan, door(set)); },
				  [&](HllsetPlan *plan, void *work) {
					  HllsetKeys found = {};
					  HllsetStatus status = operation(plan, work, &found);

					  result.keys.assign(found.keys, found.keys + found.count);
					  result.level0 = found.level0;
					  return status;
				  });
	return result;
}

inline FoundKeys
try_signature(const Bytes &set, int keys = HLLSET_SIGNATURE_KEYS)
{
	return found_keys(set, [&](HllsetPlan *plan, void *work, HllsetKeys *found) {
		return hllset_core_signature(plan, keys, work, found);
	});
}

inline FoundKeys
try_contain_keys(const Bytes &set)
{
	return found_keys(set, [&](HllsetPlan *plan, void *work, HllsetKeys *found) {
		return hllset_core_contain_keys(plan, work, found);
	});
}

inline FoundKeys
keys_for(HllsetQueryKind kind, const Bytes &set)
{
	return kind == HLLSET_SIMILAR ? try_signature(set) : try_contain_keys(set);
}

/* Empty if the threshold is out of range. */
inline Bytes
query_of(HllsetQueryKind kind, const FoundKeys &found, double at_least)
{
	Bytes query(HLLSET_QUERY_HEADER + 4 * found.keys.size());
	HllsetKeys keys = {found.keys.data(), found.keys.size(), found.level0};

	query.resize(hllset_core_query(kind, keys, at_least, query.data()));
	return query;
}

inline Bytes
query_of(HllsetQueryKind kind, const Bytes &set, double at_least)
{
	FoundKeys found = keys_for(kind, set);

	require(found.status);
	return query_of(kind, found, at_least);
}

inline HllsetStatus
check_query(HllsetQueryKind kind, const Bytes &query)
{
	return hllset_core_query_read(kind, door(query), nullptr);
}

inline HllsetStatus
try_holds(HllsetQueryKind kind, const Bytes &query, const Bytes &set, bool &result)
{
	return carry_out([&](HllsetPlan *plan) { return hllset_core_plan_keys(plan, door(set)); },
					 [&](HllsetPlan *plan, void *work) {
						 return hllset_core_query_holds(plan, kind, door(query), work, &result);
					 });
}

inline bool
holds(HllsetQueryKind kind, const Bytes &query, const Bytes &set)
{
	bool result = false;

	require(try_holds(kind, query, set, result));
	return result;
}

/*
 * What an index that holds this row answers. unsure: for each key that is asked for, whether the index can't tell; then it says HLLSET_MAYBE of it.
 */
template <typename Unsure>
HllsetVerdict
index_verdict(HllsetQueryKind kind, const Bytes &query, const FoundKeys &row, Unsure &&unsure)
{
	HllsetQuery asked;
	std::vector<char> seen;
	auto look = [&](bool is_there) {
		seen.push_back(unsure() ? char{HLLSET_MAYBE} : static_cast<char>(is_there));
	};

	require(hllset_core_query_read(kind, door(query), &asked));
	for (size_t i = asked.count; i-- > 0;)
	{
		uint32_t key;

		memcpy(&key, asked.keys + 4 * i, 4);
		look(kind == HLLSET_SIMILAR ? std::any_of(row.keys.begin(), row.keys.end(),
												  [&](uint32_t k) {
													  return hllset_core_similar_entry(k) ==
															 hllset_core_similar_entry(key);
												  })
									: std::binary_search(row.keys.begin(), row.keys.end(), key));
	}
	if (asked.count == 0)
		return HLLSET_NO;
	if (kind == HLLSET_SIMILAR)
	{
		auto possible = seen.end() - std::remove(seen.begin(), seen.end(), char{HLLSET_NO});

		return static_cast<int>(seen.size()) - static_cast<int>(possible) <
					   hllset_core_least_shared(door(query))
				   ? HLLSET_NO
				   : HLLSET_MAYBE;
	}

	HllsetContainPlan plan;

	require(hllset_core_contain_plan(door(query), &plan));
	for (int level = plan.level0 + 1; level <= plan.highest; level++)
		look(row.level0 == level);
	return hllset_core_contain_verdict(&plan, seen.data());
}

} // namespace hllset::test
