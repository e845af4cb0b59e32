/* SPDX-License-Identifier: PostgreSQL */
/* The keys of the elements behind a value, against the elements themselves. */
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <map>

#include "algebra_model.hpp"
#include "core/sample.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

using Keys = std::vector<uint32_t>;
using Rule = std::function<bool(uint32_t)>;

/* As docs/format.md says it: the tokens of level `level` and more, each in the sources that have an element of it, that satisfy the rule. */
static Keys
keys_of(const std::vector<Hashes> &sources, int precision, int level, bool whole, const Rule &rule)
{
	std::map<Coupon, uint32_t> tokens;
	std::set<uint32_t> keys;

	for (size_t i = 0; i < sources.size(); i++)
		for (uint64_t hash : sources[i])
		{
			Coupon coupon = coupon_of(hash);

			if (level_of(coupon) >= level)
				tokens[cut(coupon, whole ? 26 : std::min(precision + 8, 26))] |= 1u << i;
		}
	for (auto [token, pattern] : tokens)
		if (rule(pattern))
			keys.insert(static_cast<uint32_t>(level_of(token)) * (1u << 20) + token % (1u << 20));
	return Keys(keys.begin(), keys.end());
}

TEST(MemberKeys, OfAHash)
{
	EXPECT_EQ(0u, hllset_core_member_key(uint64_t{1} << 63));
	EXPECT_EQ(31u << 20, hllset_core_member_key(0));
	EXPECT_EQ(31u << 20 | 0xfffff, hllset_core_member_key(0xffffffff));
	EXPECT_EQ(0xfffffu, hllset_core_member_key(~uint64_t{0}));
	EXPECT_EQ(3u << 20 | 0x45678, hllset_core_member_key(0x1000000012345678u));
}

struct Term
{
	const char *name;
	std::function<Bytes(const std::vector<Bytes> &)> value;
	Rule rule;
};

static const Term kTerms[] = {
	{"a", [](auto &s) { return s[0]; },
	 [](uint32_t x) {
		 return (x & 1) != 0;
	 }},
	{"a - b", [](auto &s) { return subtract(s[0], s[1]); },
	 [](uint32_t x) {
		 return (x & 3) == 1;
	 }},
	{"a & b", [](auto &s) { return intersect(s[0], s[1]); },
	 [](uint32_t x) {
		 return (x & 3) == 3;
	 }},
	{"a # b", [](auto &s) { return differ(s[0], s[1]); },
	 [](uint32_t x) {
		 return (x & 3) == 1 || (x & 3) == 2;
	 }},
	{"(a & b) - c", [](auto &s) { return subtract(intersect(s[0], s[1]), s[2]); },
	 [](uint32_t x) {
		 return x == 3;
	 }},
	{"(a # b) # c", [](auto &s) { return differ(differ(s[0], s[1]), s[2]); },
	 [](uint32_t x) {
		 return ones_of(x) % 2 == 1;
	 }},
};

/* The largest L0 of the sets that matter to a term, and whether one of them is small: what small sets make may be a large one. */
static int
level_of_sets(const std::vector<Bytes> &sets, const Rule &rule, bool &small)
{
	int level = 0;

	small = false;
	for (size_t i = 0; i < sets.size(); i++)
	{
		bool matters = false;

		for (uint32_t x = 0; x < 1u << sets.size(); x++)
			matters = matters || rule(x) != rule(x ^ 1u << i);
		if (matters)
			level = std::max(level, info(sets[i]).level0);
		small = small || (matters && info(sets[i]).level0 == 0);
	}
	return level;
}

/* Sets of all sizes, small ones too, and of the precisions at which tokens have 20, 21 and 26 bits. */
TEST(MemberKeys, AreThoseOfTheElements)
{
	Random random(310);
	size_t several = 0;

	for (int trial = 0; trial < 30; trial++)
	{
		int precision = std::array{12, 13, 18}[static_cast<size_t>(trial % 3)];
		std::vector<Hashes> hashes =
			overlapping_hashes(random, 3, random() % (trial % 4 == 0 ? 1500 : 60000));
		std::vector<Bytes> sets;

		if (trial % 5 == 0)
			hashes[1] = random_hashes(random, 50, kSpreads[trial % std::size(kSpreads)]);
		for (const Hashes &each : hashes)
			sets.push_back(set_of(each, precision));
		for (const Term &term : kTerms)
		{
			Bytes value = term.value(sets);
			bool small;
			int least_of_sets = level_of_sets(sets, term.rule, small);
			int level = sample_level(value);

			if (!small)
			{
				EXPECT_EQ(least_of_sets, level);
			}
			else if (value.size() > HLLSET_EMPTY_SIZE)
			{
				EXPECT_LE(least_of_sets, level);
			}
			for (int least : {0, 1, 8, 31})
			{
				int from = std::max(level, least);
				Keys keys = member_keys(value, least);

				EXPECT_EQ(from, sample_level(value, least));
				EXPECT_EQ(keys_of(hashes, precision, from, level == 0, term.rule), keys)
					<< term.name << " of trial " << trial << " from level " << least;
				several += keys.size() > 1;
			}
		}
	}
	EXPECT_GT(several, 200u);
}

/* An element of a high enough level is in the sample, but for one whose token an element of the other set has too. */
TEST(MemberKeys, FindEachElementOfTheSample)
{
	Random random(311);
	std::vector<Hashes> hashes = overlapping_hashes(random, 2, 200000);
	Bytes a = set_of(hashes[0], 12);
	Bytes b = set_of(hashes[1], 12);
	Bytes value = subtract(a, b);
	std::set<uint64_t> removed(hashes[1].begin(), hashes[1].end());
	Keys keys = member_keys(value);
	int level = sample_level(value);
	int found = 0;
	int missed = 0;

	ASSERT_EQ(std::max(info(a).level0, info(b).level0), level);
	for (uint64_t hash : hashes[0])
		if (!removed.contains(hash) && level_of(coupon_of(hash)) >= level)
		{
			bool there = std::binary_search(keys.begin(), keys.end(), hllset_core_member_key(hash));

			found += there;
			missed += !there;
			EXPECT_TRUE(may_contain(value, hash));
		}
	EXPECT_GT(found, 50);
	EXPECT_LE(missed, 1);
	for (uint32_t key : keys)
		EXPECT_GE(static_cast<int>(key >> 20), level);
}

/* Of more than six sets a value is a sample already, whose L0 may have risen. */
TEST(MemberKeys, OfASample)
{
	Random random(312);
	std::vector<Hashes> hashes = overlapping_hashes(random, 8, 50000);
	Bytes all = set_of(hashes[0], 12);
	int level = info(all).level0;

	for (size_t i = 1; i < hashes.size(); i++)
	{
		Bytes set = set_of(hashes[i], 12);

		level = std::max(level, info(set).level0);
		all = differ(all, set);
	}
	ASSERT_EQ(HLLSET_SAMPLE, info(all).kind);
	EXPECT_LE(level, sample_level(all));
	EXPECT_EQ(info(all).level0, sample_level(all));
	EXPECT_EQ(keys_of(hashes, 12, sample_level(all), false,
					  [](uint32_t x) { return ones_of(x) % 2 == 1; }),
			  member_keys(all));
	/* sampled here or there, the keys are the same */
	Bytes pair = subtract(set_of(hashes[0], 12), set_of(hashes[1], 12));

	EXPECT_EQ(member_keys(sample(pair)), member_keys(pair, info(sample(pair)).level0));
}

/* Two tokens of a fine set that differ above the 20th bit of their addresses have one key. */
TEST(MemberKeys, AreDistinct)
{
	Bytes set = set_of({make_hash(3, 5), make_hash(3, 5 | 1 << 20), make_hash(3, 6)}, 12);

	EXPECT_EQ((Keys{3u << 20 | 5, 3u << 20 | 6}), member_keys(set));
	EXPECT_EQ(3, estimate(set).cardinality);
}

static HllsetStatus
status_of(const Bytes &value, int least_level = 0)
{
	Keys keys;
	int level;
	HllsetStatus status = try_member_keys(value, least_level, keys);

	/* the level alone reads no positions */
	if (status != HLLSET_TRUNCATED)
	{
		EXPECT_EQ(status, hllset_core_sample_level(door(value), least_level, &level));
	}
	EXPECT_TRUE(status == HLLSET_OK || keys.empty());
	return status;
}

TEST(MemberKeys, OfCoarseValuesAreRefused)
{
	Random random(313);

	for (int precision = kMinPrecision; precision <= 13; precision++)
	{
		HllsetStatus wanted = precision < 12 ? HLLSET_TOO_COARSE : HLLSET_OK;
		Bytes a = set_of(random_hashes(random, 20000), precision);
		Bytes b = set_of(random_hashes(random, 20000), precision);

		EXPECT_EQ(wanted, status_of(a));
		EXPECT_EQ(wanted, status_of(intersect(a, b)));
		EXPECT_EQ(wanted, status_of(sample(intersect(a, b))));
		/* also where it is small, or it would be refused once it has grown */
		EXPECT_EQ(wanted, status_of(set_of({17}, precision)));
		EXPECT_EQ(HLLSET_OK, status_of(empty(precision)));
		EXPECT_EQ(HLLSET_OK, status_of(empty(precision, true)));
		EXPECT_TRUE(member_keys(empty(precision)).empty());
		EXPECT_EQ(0, sample_level(empty(precision)));
		EXPECT_EQ(9, sample_level(empty(precision), 9));
	}
}

TEST(MemberKeys, NeedTokens)
{
	Random random(314);
	Hashes hashes = random_hashes(random, 20000);
	Bytes graded = set_of(random_hashes(random, 20000), 12);
	Bytes compact = set_of(hashes, 12, true);
	Bytes full = set_of(random_hashes(random, 5000, Spread::last_level), 12);
	Bytes small = set_of({1, 2, 3}, 12, true);

	for (int i = 0; info(full).level0 < kLevels && i < 100; i++)
		full = unite(full, set_of(random_hashes(random, 5000, Spread::last_level), 12));
	ASSERT_EQ(kLevels, info(full).level0);
	EXPECT_EQ(HLLSET_NO_TOKENS, status_of(compact));
	EXPECT_EQ(HLLSET_NO_TOKENS, status_of(full));
	EXPECT_EQ(HLLSET_NO_TOKENS, status_of(intersect(graded, compact)));
	EXPECT_EQ(HLLSET_NO_TOKENS, status_of(subtract(compact, small)));
	EXPECT_EQ(HLLSET_OK, status_of(small));
	EXPECT_EQ(HLLSET_OK, status_of(subtract(graded, small)));
	EXPECT_EQ(3u, member_keys(small).size());
}

TEST(MemberKeys, BadArguments)
{
	Bytes small = set_of({1, 2, 3}, 12);

	for (int level : {-1, 32, 33, INT_MIN, INT_MAX})
	{
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, status_of(small, level)) << level;
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, status_of(empty(12), level)) << level;
	}
	small.pop_back();
	EXPECT_EQ(HLLSET_TRUNCATED, status_of(small));
	EXPECT_EQ(HLLSET_TRUNCATED, status_of({}));
}

} // namespace hllset::test
