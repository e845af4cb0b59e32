/* SPDX-License-Identifier: PostgreSQL */
/* Token lists and the token table, which is run against std::set at every small size and at its fullest. */
#include <gtest/gtest.h>

#include "model.hpp"

namespace hllset::test
{

TEST(Tokens, SortsAnyNumber)
{
	Random random(51);

	for (size_t count : {0, 1, 2, 100, 127, 128, 129, 1000, 5000})
		for (uint64_t mask : {0x7fffffffu, 0xffu, 0x70000001u})
		{
			std::vector<Coupon> tokens(count);
			std::vector<Coupon> spare(count);

			for (Coupon &token : tokens)
				token = static_cast<Coupon>(random() & mask);

			std::vector<Coupon> wanted = tokens;

			std::sort(wanted.begin(), wanted.end());
			sort_tokens(tokens.data(), count, spare.data());
			EXPECT_EQ(wanted, tokens);
		}
}

/* The one of Fibonacci hashing, and two that put tokens of one level into one place, as crafted tokens would. */
static constexpr uint32_t kMultipliers[] = {0x9e3779b1, 1, 0xffffffff};

static std::set<Coupon>
contents(const TokenTable &table)
{
	std::set<Coupon> tokens;

	table.for_each([&](Coupon token) { EXPECT_TRUE(tokens.insert(token).second); });
	return tokens;
}

TEST(Tokens, SortUnique)
{
	Random random(10);

	for (size_t count = 0; count < 600; count += 1 + count / 7)
		for (int levels : {1, 3, 32})
		{
			std::vector<Coupon> tokens(count), spare(count);

			for (Coupon &token : tokens)
				token = static_cast<Coupon>(random() % static_cast<uint64_t>(levels))
							<< kAddressBits |
						(random() & 0xff);

			std::set<Coupon> model(tokens.begin(), tokens.end());

			tokens.resize(sort_unique(tokens.data(), count, spare.data()));
			EXPECT_EQ(std::vector<Coupon>(model.begin(), model.end()), tokens);
		}
}

TEST(Tokens, UniteSorted)
{
	Random random(11);

	for (int round = 0; round < 300; round++)
	{
		std::set<Coupon> a, b;

		for (uint64_t i = random() % 50; i > 0; i--)
			a.insert(static_cast<Coupon>(random() % 64));
		for (uint64_t i = random() % 50; i > 0; i--)
			b.insert(static_cast<Coupon>(random() % 64));

		std::vector<Coupon> lists[2] = {{a.begin(), a.end()}, {b.begin(), b.end()}};
		std::vector<Coupon> out(a.size() + b.size());

		a.merge(b);
		out.resize(unite_sorted(lists[0], lists[1], out.data()));
		EXPECT_EQ(std::vector<Coupon>(a.begin(), a.end()), out);
	}
}

TEST(Tokens, CountCommon)
{
	Random random(12);

	for (int round = 0; round < 1000; round++)
	{
		uint64_t most = uint64_t{1} << random() % 12;
		std::set<Coupon> a, b;
		std::vector<uint32_t> wanted(kLevels), common(kLevels);

		for (uint64_t i = random() % most; i > 0; i--)
			a.insert(coupon_at(static_cast<int>(random() % 4), random() % most));
		for (uint64_t i = random() % most; i > 0; i--)
			b.insert(coupon_at(static_cast<int>(random() % 4), random() % most));
		for (Coupon token : a)
			wanted[static_cast<size_t>(level_of(token))] += b.contains(token);

		std::vector<Coupon> lists[2] = {{a.begin(), a.end()}, {b.begin(), b.end()}};

		count_common(lists[0], lists[1], common.data());
		EXPECT_EQ(wanted, common);
	}
}

TEST(TokenTable, CapacityLeavesAFreeSlot)
{
	for (uint32_t slots = 8; slots < 5000; slots++)
	{
		EXPECT_LT(TokenTable::capacity(slots), slots);
		EXPECT_GE(TokenTable::capacity(slots), slots * 7 / 8);
	}
}

TEST(TokenTable, HoldsTheCouponZeroAndTheLargest)
{
	uint32_t slots[4] = {};
	TokenTable table(slots, 4, 1);

	EXPECT_TRUE(table.insert(0));
	EXPECT_FALSE(table.insert(0));
	EXPECT_TRUE(table.insert((1u << 31) - 1));
	EXPECT_FALSE(table.insert((1u << 31) - 1));
	EXPECT_EQ((std::set<Coupon>{0, (1u << 31) - 1}), contents(table));
}

static std::set<Coupon>
copied(const TokenTable &table, size_t count)
{
	std::vector<Coupon> out(count + 1);

	table.copy(out.data(), static_cast<uint32_t>(count));
	return {out.begin(), out.begin() + static_cast<ptrdiff_t>(count)};
}

/* Coupons of few levels, so that a level is many tokens, up to one free slot. */
static void
exercise(Random &random, uint32_t slot_count, uint32_t multiplier, int levels)
{
	std::vector<uint32_t> slots(slot_count);
	TokenTable table(slots.data(), slot_count, multiplier);
	std::set<Coupon> model;

	for (int step = 0; step < 400; step++)
	{
		int level = static_cast<int>(random() % static_cast<uint64_t>(levels));
		int end = level + 1;

		if (model.size() + 1 < slot_count && random() % 50 != 0)
		{
			Coupon token = static_cast<Coupon>(level) << kAddressBits | (random() & 0x3ffffff);

			ASSERT_EQ(model.insert(token).second, table.insert(token));
			ASSERT_FALSE(table.insert(token));
			continue;
		}

		std::set<Coupon> removed;
		size_t before = model.size();

		std::erase_if(model, [&](Coupon token) { return level_of(token) < end; });

		uint32_t count = table.remove_below(end, [&](Coupon token) {
			EXPECT_LT(level_of(token), end);
			EXPECT_TRUE(removed.insert(token).second);
		});

		ASSERT_EQ(before - model.size(), count);
		ASSERT_EQ(count, removed.size());
		ASSERT_EQ(model, contents(table));
		ASSERT_EQ(model, copied(table, model.size()));
		/* what is left must still be found from where its probing begins */
		for (Coupon token : model)
			ASSERT_FALSE(table.insert(token));
	}
}

TEST(TokenTable, AgreesWithASetAtEverySize)
{
	Random random(8);

	for (uint32_t slot_count = 2; slot_count <= 70; slot_count++)
		for (uint32_t multiplier : kMultipliers)
			for (int levels : {1, 2, 5, 32})
				exercise(random, slot_count, multiplier, levels);
}

TEST(TokenTable, AgreesWithASetWhenLarge)
{
	Random random(9);

	for (uint32_t slot_count : {250, 384, 399})
		for (uint32_t multiplier : kMultipliers)
			exercise(random, slot_count, multiplier, 3);
}

static void
check_copy(uint32_t slot_count, Coupon count)
{
	std::vector<uint32_t> slots(slot_count);
	TokenTable table(slots.data(), slot_count, kMultipliers[0]);
	std::vector<Coupon> out(count + 1);
	std::vector<Coupon> spare(count);
	uint32_t ones[kLevels] = {};

	for (Coupon token = count; token-- > 0;)
		table.insert(token << kAddressBits | token * 1000);
	table.copy(out.data(), count);
	sort_tokens(out.data(), count, spare.data());
	for (Coupon token = 0; token < count; token++)
		EXPECT_EQ(token << kAddressBits | token * 1000, out[token]);
	count_levels(out.data(), count, ones);
	for (Coupon level = 0; level < kLevels; level++)
		EXPECT_EQ(level < count, ones[level]);
}

TEST(TokenTable, CopyIsAllOfIt)
{
	for (uint32_t slot_count : {20, 24, 25, 40})
		for (Coupon count : {0, 1, 15, 16, 17, 19})
			check_copy(slot_count, count);
}

TEST(TokenTable, NoSlotsHoldNothing)
{
	TokenTable table(nullptr, 0, 1);

	EXPECT_EQ(0u, table.remove_below(3, [](Coupon) { FAIL(); }));
	EXPECT_TRUE(contents(table).empty());
}

} // namespace hllset::test
