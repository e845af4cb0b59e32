/* SPDX-License-Identifier: PostgreSQL */
/* A population of users for populations.cpp: its sets, the expressions of them, who is a member of which, and whom their samples find. */
#pragma once

#include <cmath>
#include <cstdlib>
#include <functional>
#include <vector>

#include "sample.hpp"

namespace hllset::bench
{

inline constexpr int kPrecision = 12;

/* A user of a population. */
inline uint64_t
hash_of(uint64_t population, uint64_t user)
{
	return hllset_core_hash_word(population << 32 | user, HLLSET_FAMILY_INTEGER);
}

/* What a user has spent: exponential, independent of all else. */
inline double
spent_by(uint64_t population, uint64_t user)
{
	uint64_t bits = hllset_core_hash_word(population << 32 | user, HLLSET_FAMILY_MONEY);

	return -std::log((static_cast<double>(bits >> 11) + 0.5) * 0x1p-53);
}

struct Range
{
	uint64_t first;
	uint64_t end;

	bool
	has(uint64_t user) const
	{
		return user >= first && user < end;
	}
};

using Bytes = std::vector<uint8_t>;

inline Bytes
combine(HllsetOp op, const Bytes &a, const Bytes &b)
{
	Workspace work;
	HllsetBytes made = {};

	if (bench::combine(work, op, view(a), view(b), made) != HLLSET_OK)
		abort();
	return Bytes(made.data, made.data + made.size);
}

/* The sets of a population of so many users: as parts of them, in thousandths. */
enum Set
{
	kA,
	kB,
	kC,
	kD,
	kE,
	kF,
	kSmall,
	kSets
};

struct World
{
	uint64_t users;
	Range sets[kSets];

	explicit World(uint64_t count) : users(count)
	{
		uint64_t part = count / 1000;
		uint64_t few = std::min<uint64_t>(800, part * 100);

		sets[kA] = {0, 200 * part};
		sets[kB] = {100 * part, 300 * part};
		sets[kC] = {50 * part, 150 * part};
		sets[kD] = {90 * part, 250 * part};
		sets[kE] = {400 * part, 420 * part};
		sets[kF] = {410 * part, 430 * part};
		sets[kSmall] = {60 * part, 60 * part + few};
	}

	bool
	in(Set set, uint64_t user) const
	{
		return sets[set].has(user);
	}
};

struct Term
{
	const char *name;
	std::function<Bytes(const std::vector<Bytes> &)> value;
	std::function<bool(const World &, uint64_t)> has; /* the truth */
	std::function<bool(const World &, uint64_t)>
		removes; /* who can't be taken for a member, being in what is subtracted */
	bool small;  /* it is compared by all 26 bits of the address */
	bool judged; /* its means are: a sample of some hundred */
};

inline bool
never(const World &, uint64_t)
{
	return false;
}

inline const Term kTerms[] = {
	{"small set", [](auto &s) { return s[kSmall]; },
	 [](auto &w, uint64_t u) { return w.in(kSmall, u); }, never, true, false},
	{"a", [](auto &s) { return s[kA]; }, [](auto &w, uint64_t u) { return w.in(kA, u); }, never,
	 false, true},
	{"a - b", [](auto &s) { return combine(HLLSET_DIFFERENCE, s[kA], s[kB]); },
	 [](auto &w, uint64_t u) { return w.in(kA, u) && !w.in(kB, u); },
	 [](auto &w, uint64_t u) { return w.in(kB, u); }, false, true},
	{"a & b", [](auto &s) { return combine(HLLSET_INTERSECTION, s[kA], s[kB]); },
	 [](auto &w, uint64_t u) { return w.in(kA, u) && w.in(kB, u); }, never, false, true},
	{"(a & c) - d",
	 [](auto &s) {
		 return combine(HLLSET_DIFFERENCE, combine(HLLSET_INTERSECTION, s[kA], s[kC]), s[kD]);
	 },
	 [](auto &w, uint64_t u) { return w.in(kA, u) && w.in(kC, u) && !w.in(kD, u); },
	 [](auto &w, uint64_t u) { return w.in(kD, u); }, false, true},
	{"e - f, of 1 % of the users", [](auto &s) { return combine(HLLSET_DIFFERENCE, s[kE], s[kF]); },
	 [](auto &w, uint64_t u) { return w.in(kE, u) && !w.in(kF, u); },
	 [](auto &w, uint64_t u) { return w.in(kF, u); }, false, true},
	{"a & small set", [](auto &s) { return combine(HLLSET_INTERSECTION, s[kA], s[kSmall]); },
	 [](auto &w, uint64_t u) { return w.in(kSmall, u); }, never, true, false},
};
inline constexpr size_t kTermCount = std::size(kTerms);

/* A population's values, and which keys are in the sample of which. */
class Population
{
public:
	Population(uint64_t number, const World &world) : number_(number), masks_(size_t{1} << 25)
	{
		std::vector<Bytes> sets;

		for (const Range &range : world.sets)
		{
			Aggregate aggregate(kPrecision, false);

			for (uint64_t user = range.first; user < range.end; user++)
				aggregate.add(hash_of(number, user));
			sets.push_back(aggregate.bytes());
		}
		for (size_t t = 0; t < kTermCount; t++)
		{
			const uint32_t *keys;
			size_t count;

			values_.push_back(kTerms[t].value(sets));

			HllsetBytes value = view(values_[t]);
			HllsetPlan plan;
			Workspace work;

			if (hllset_core_plan_member_keys(&plan, value, 0) != HLLSET_OK ||
				hllset_core_member_keys(&plan, work.of(plan), &keys, &count) != HLLSET_OK ||
				hllset_core_sample_level(value, 0, &levels_[t]) != HLLSET_OK)
				abort();
			for (size_t i = 0; i < count; i++)
				masks_[keys[i]] |= static_cast<uint8_t>(1u << t);
			keys_[t] = count;
		}
	}

	/* Calls sink(user, term) for each user and value in whose sample the user is found. */
	template <typename Sink>
	void
	join(const World &world, Sink &&sink) const
	{
		for (uint64_t user = 0; user < world.users; user++)
		{
			uint64_t hash = hash_of(number_, user);
			uint32_t key = hllset_core_member_key(hash);

			if (masks_[key] != 0)
				for (size_t t = 0; t < kTermCount; t++)
				{
					bool there = false;

					if ((masks_[key] >> t & 1) != 0)
						hllset_core_may_contain(view(values_[t]), hash, &there);
					if (there)
						sink(user, t);
				}
		}
	}

	int
	level(size_t term) const
	{
		return levels_[term];
	}

	size_t
	keys(size_t term) const
	{
		return keys_[term];
	}

	HllsetEstimate
	estimate(size_t term) const
	{
		Workspace work;
		HllsetEstimate made;

		if (bench::estimate(work, view(values_[term]), made) != HLLSET_OK)
			abort();
		return made;
	}

private:
	uint64_t number_;
	std::vector<uint8_t> masks_;
	std::vector<Bytes> values_;
	int levels_[kTermCount];
	size_t keys_[kTermCount];
};

} // namespace hllset::bench
