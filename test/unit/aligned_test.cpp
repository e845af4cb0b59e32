/* SPDX-License-Identifier: PostgreSQL */
/* Sets of any precision and L0 side by side: the patterns of their cells are those of folded sets of elements. */
#include "core/aligned.hpp"

#include <gtest/gtest.h>

#include <map>

#include "model.hpp"

namespace hllset::test
{

/* What a set of coupons shows at a precision and an L0 that is at least its own. */
static ModelState
shown(const Bytes &set, int precision, int level0)
{
	ModelState state = decode(set);
	ModelState made{precision, false, level0, {}, {}};
	uint32_t cells = level0 == 0 ? 1u << 26 : 1u << std::min(precision + 8, 26);

	for (auto [level, bucket] : state.matrix)
		made.matrix.insert({level, bucket % buckets(precision)});
	for (auto [level, address] : state.tokens)
	{
		if (level < level0)
			made.matrix.insert({level, address % buckets(precision)});
		else
			made.tokens.insert({level, address % cells});
	}
	return made;
}

static View
view_of(const Bytes &value)
{
	View view;

	require(parse_single(door(value), view));
	return view;
}

struct Sets
{
	std::vector<Bytes> bytes;
	int precision = kMaxPrecision;
	int finest = kMinPrecision;
	int level0 = 0;
};

static Sets
random_sets(Random &random, size_t count)
{
	Sets sets;

	for (size_t i = 0; i < count; i++)
	{
		int p = 4 + static_cast<int>(random() % 5);
		size_t elements = random() % (size_t{2} << (random() % 11));

		sets.bytes.push_back(
			set_of(random_hashes(random, elements, kSpreads[random() % std::size(kSpreads)]), p,
				   random() % 5 == 0));
		sets.precision = std::min(sets.precision, p);
		sets.finest = std::max(sets.finest, p);
		sets.level0 = std::max(sets.level0, info(sets.bytes.back()).level0);
	}
	return sets;
}

static void
expect_patterns(const Sets &sets, bool with_planes)
{
	int count = static_cast<int>(sets.bytes.size());
	Buffer work(Aligned::work_size(count, sets.precision, sets.finest, with_planes));
	Aligned aligned(work.data(), count, sets.precision, sets.level0, sets.finest, with_planes);
	std::map<Pair, uint32_t> cells;
	std::map<Pair, uint32_t> tokens;
	bool together = count == 2;

	if (together)
		require(aligned.add(view_of(sets.bytes[0]), view_of(sets.bytes[1])));
	for (int i = 0; i < count; i++)
	{
		ModelState state = shown(sets.bytes[i], sets.precision, sets.level0);

		if (!together)
			require(aligned.add(view_of(sets.bytes[i])));
		for (const Pair &cell : state.matrix)
			cells[cell] |= 1u << i;
		for (const Pair &token : state.tokens)
			tokens[token] |= 1u << i;
	}
	EXPECT_EQ(count, aligned.count());
	EXPECT_EQ(sets.level0, aligned.level0());

	auto next = tokens.begin();

	aligned.for_each_token([&](Coupon token, uint32_t pattern) {
		ASSERT_NE(tokens.end(), next);
		ASSERT_EQ(next->first, Pair(level_of(token), address_of(token)));
		ASSERT_EQ(next->second, pattern);
		++next;
	});
	ASSERT_EQ(tokens.end(), next);
	for (uint32_t all = 1; all < 1u << count; all++)
	{
		std::map<Pair, uint32_t> wanted;
		std::map<Pair, uint32_t> found;

		for (auto [token, pattern] : tokens)
			if ((pattern & all) == all)
				wanted[token] = pattern;
		aligned.for_each_common_token(all, [&](Coupon token, uint32_t pattern) {
			found[Pair(level_of(token), address_of(token))] = pattern;
		});
		ASSERT_EQ(wanted, found) << all;
	}
	if (count <= kMaxSources)
	{
		std::vector<uint32_t> wanted(size_t{kLevels} << count);
		std::vector<uint32_t> counted(size_t{kLevels} << count);

		for (auto [token, pattern] : tokens)
			wanted[(static_cast<size_t>(token.first) << count) + pattern]++;
		aligned.count_token_patterns(counted.data(), count);
		ASSERT_EQ(wanted, counted);
	}
	for (int k = 0; k < sets.level0 && with_planes; k++)
	{
		std::vector<uint32_t> wanted(size_t{1} << count);
		std::vector<uint32_t> counted(size_t{1} << count);
		Buffer scratch((size_t{8} << count) * plane_words(sets.precision));

		for (auto [cell, pattern] : cells)
			wanted[pattern] += cell.first == k;
		aligned.count_patterns(k, counted.data(), static_cast<uint64_t *>(scratch.data()));
		for (size_t pattern = 1; pattern < wanted.size(); pattern++)
			ASSERT_EQ(wanted[pattern], counted[pattern]) << "level " << k;
	}
}

TEST(Aligned, PatternsOfSetsOfAnyPrecision)
{
	Random random(160);

	for (int trial = 0; trial < 150; trial++)
	{
		expect_patterns(random_sets(random, 1 + random() % 6), true);
		ASSERT_FALSE(HasFailure()) << trial;
	}
}

/* Two of one precision, which are read in one pass. */
TEST(Aligned, PatternsOfPairs)
{
	Random random(163);

	for (int trial = 0; trial < 300; trial++)
	{
		Sets sets = random_sets(random, 2);

		if (random() % 4 != 0)
			for (Bytes &set : sets.bytes)
				set = convert(set, sets.precision);
		sets.level0 = std::max(info(sets.bytes[0]).level0, info(sets.bytes[1]).level0);
		expect_patterns(sets, true);
		ASSERT_FALSE(HasFailure()) << trial;
	}
}

/* As many as three expressions have, by their tokens. */
TEST(Aligned, TokensOfManySets)
{
	Random random(161);

	for (int trial = 0; trial < 40; trial++)
	{
		expect_patterns(random_sets(random, 1 + random() % kMaxAligned), false);
		ASSERT_FALSE(HasFailure()) << trial;
	}
}

/* A sample stands for the tokens of its set. */
TEST(Aligned, SamplesAsSets)
{
	Random random(162);

	for (int trial = 0; trial < 40; trial++)
	{
		Sets sets = random_sets(random, 3);
		Bytes dense = set_of(random_hashes(random, 2000), 8);
		std::vector<std::pair<Coupon, uint32_t>> seen[2];

		sets.level0 = std::max(sets.level0, info(dense).level0);
		sets.finest = 8;
		if (sets.level0 == kLevels)
			continue;
		for (int pass = 0; pass < 2; pass++)
		{
			Buffer work(Aligned::work_size(4, sets.precision, sets.finest, false));
			Aligned aligned(work.data(), 4, sets.precision, sets.level0, sets.finest, false);

			require(aligned.add(view_of(pass == 0 ? dense : sample(dense))));
			for (const Bytes &set : sets.bytes)
				require(aligned.add(view_of(set)));
			aligned.for_each_token([&](Coupon token, uint32_t pattern) {
				seen[pass].push_back({token, pattern});
			});
		}
		EXPECT_EQ(seen[0], seen[1]);
	}
}

} // namespace hllset::test
