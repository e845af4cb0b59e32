/* SPDX-License-Identifier: PostgreSQL */
/* Keys of sets, against the elements that they were made from. */
#include <gtest/gtest.h>

#include "keys.hpp"

namespace hllset::test
{

static uint32_t
model_key(uint64_t hash, int bits)
{
	uint32_t level = 0;

	while (level < 31 && (hash >> (63 - level) & 1) == 0)
		level++;
	return level << bits | static_cast<uint32_t>(hash & ((uint64_t{1} << bits) - 1));
}

static std::vector<uint32_t>
model_keys(const Hashes &hashes, int bits)
{
	std::set<uint32_t> keys;

	for (uint64_t hash : hashes)
		keys.insert(model_key(hash, bits));
	return {keys.begin(), keys.end()};
}

static std::vector<uint32_t>
largest(std::vector<uint32_t> keys, size_t count)
{
	if (keys.size() > count)
		keys.erase(keys.begin(), keys.end() - static_cast<ptrdiff_t>(count));
	return keys;
}

static bool
is_small(const Bytes &set)
{
	return info(set).level0 == 0;
}

TEST(Signature, IsThatOfTheElementsAtEveryPrecision)
{
	Random random(160);
	int found = 0;
	int refused = 0;

	for (Spread spread : kSpreads)
		for (size_t count : {0, 1, 5, 63, 64, 65, 300, 2000, 30000})
		{
			Hashes hashes = random_hashes(random, count, spread);
			std::vector<uint32_t> all = model_keys(hashes, 18);

			for (int p = 10; p <= 18; p++)
			{
				Bytes set = set_of(hashes, p);
				FoundKeys signature = try_signature(set);

				if (signature.status == HLLSET_OK)
				{
					ASSERT_EQ(largest(all, 64), signature.keys) << p << " " << count;
					found++;
					continue;
				}
				/* only large sets of chosen hashes */
				ASSERT_EQ(HLLSET_FEW_TOKENS, signature.status);
				ASSERT_FALSE(is_small(set));
				ASSERT_NE(Spread::uniform, spread);
				refused++;
			}
		}
	EXPECT_GT(found, 300);
	EXPECT_GT(refused, 10);
}

TEST(Signature, OfAUnionIsOfBoth)
{
	Random random(161);

	for (int pair = 0; pair < 400; pair++)
	{
		Hashes both = random_hashes(random, random() % 3000);
		Hashes a = random_hashes(random, random() % 3000);
		Hashes b = random_hashes(random, random() % 3000);

		a.insert(a.end(), both.begin(), both.end());
		b.insert(b.end(), both.begin(), both.end());

		Bytes x = set_of(a, 10 + static_cast<int>(random() % 9));
		Bytes y = set_of(b, 10 + static_cast<int>(random() % 9));
		std::vector<uint32_t> keys = try_signature(x).keys;
		std::vector<uint32_t> others = try_signature(y).keys;
		std::vector<uint32_t> united;

		std::set_union(keys.begin(), keys.end(), others.begin(), others.end(),
					   std::back_inserter(united));
		ASSERT_EQ(largest(united, 64), try_signature(unite(x, y)).keys);
	}
}

TEST(Signature, HasAsManyKeysAsAreWanted)
{
	Random random(162);
	Hashes hashes = random_hashes(random, 50000);
	std::vector<uint32_t> all = model_keys(hashes, 18);

	for (int p = 10; p <= 18; p++)
	{
		Bytes set = set_of(hashes, p);
		int most = 1 << (p - 4);

		for (int keys : {1, 2, 63, 64, most - 1, most})
			if (keys <= most)
			{
				EXPECT_EQ(largest(all, static_cast<size_t>(keys)), try_signature(set, keys).keys);
			}
		for (int keys : {0, -1, most + 1, HLLSET_MOST_SIGNATURE_KEYS + 1})
			EXPECT_EQ(HLLSET_BAD_ARGUMENT, try_signature(set, keys).status) << p << " " << keys;
	}

	/* a small set has no more than it has elements, however many are wanted */
	Hashes few(hashes.begin(), hashes.begin() + 200);

	EXPECT_EQ(model_keys(few, 18), try_signature(set_of(few, 10), 16384).keys);
	EXPECT_EQ(HLLSET_BAD_ARGUMENT, try_signature(set_of(few, 10), 16385).status);
}

/* Tokens that share a key make it read on below the level where there would be enough of them. */
TEST(Signature, CountsKeysNotTokens)
{
	Hashes hashes;

	for (uint64_t i = 0; i < 200; i++)
		hashes.push_back(make_hash(20, i << 18 | 5));
	for (uint64_t i = 0; i < 70; i++)
		hashes.push_back(make_hash(3, i));
	EXPECT_EQ(largest(model_keys(hashes, 18), 64), try_signature(set_of(hashes, 12)).keys);
	EXPECT_EQ(1u,
			  try_signature(set_of(Hashes(hashes.begin(), hashes.begin() + 200), 12)).keys.size());
}

TEST(ContainKeys, AreTheTokensOfTheFoldedSet)
{
	Random random(163);
	int found = 0;
	int refused = 0;

	for (Spread spread : kSpreads)
		for (size_t count : {0, 1, 5, 64, 900, 1024, 1025, 1100, 3000, 5000, 40000})
		{
			Hashes hashes = random_hashes(random, count, spread);

			for (int p = 12; p <= 18; p++)
			{
				Bytes set = set_of(hashes, p);
				ModelState state = decode(convert(set, 12));
				std::set<uint32_t> keys;

				for (const Pair &token : state.tokens)
					keys.insert(static_cast<uint32_t>(token.first) << 20 |
								(token.second & 0xfffff));

				FoundKeys made = try_contain_keys(set);

				ASSERT_EQ(state.level0 > 0 && keys.size() < 64 ? HLLSET_FEW_TOKENS : HLLSET_OK,
						  made.status);
				if (made.status == HLLSET_OK)
				{
					ASSERT_EQ(std::vector<uint32_t>(keys.begin(), keys.end()), made.keys);
					ASSERT_EQ(state.level0, made.level0);
					found++;
					continue;
				}
				ASSERT_NE(Spread::uniform, spread);
				refused++;
			}
		}
	EXPECT_GT(found, 300);
	EXPECT_GT(refused, 10);
}

/* A small set knows its elements in either form, also where folding makes it large. */
TEST(ContainKeys, OfSmallCompactSets)
{
	Random random(171);
	Hashes hashes = random_hashes(random, 3000);
	FoundKeys graded = try_contain_keys(set_of(hashes, 14));
	FoundKeys compact = try_contain_keys(set_of(hashes, 14, true));

	EXPECT_EQ(HLLSET_OK, compact.status);
	EXPECT_EQ(graded.level0, compact.level0);
	EXPECT_GT(graded.level0, 0);
	EXPECT_EQ(graded.keys, compact.keys);
}

/* Coupons that share their keys: more of them than a small set has, and fewer keys. */
TEST(ContainKeys, OfCouponsThatShareThem)
{
	Hashes hashes;

	for (uint64_t i = 0; i < 1100; i++)
		hashes.push_back(make_hash(4, (i % 100) | (i / 100) << 20));
	for (int p : {12, 13, 14, 18})
	{
		FoundKeys made = try_contain_keys(set_of(hashes, p));

		EXPECT_EQ(HLLSET_OK, made.status);
		EXPECT_EQ(1, made.level0);
		EXPECT_EQ(model_keys(hashes, 20), made.keys);
	}
}

TEST(Signature, RefusesWhatHasNone)
{
	Random random(164);
	Hashes hashes = random_hashes(random, 5000);
	Bytes large = set_of(hashes, 12);
	Bytes other = set_of(random_hashes(random, 5000), 12);
	Bytes expression = intersect(large, other);
	Bytes broken = large;

	broken[2] = 3;
	for (int p = 4; p <= 18; p++)
		for (bool compact : {false, true})
			for (const Bytes &set : {set_of(hashes, p, compact), empty(p, compact)})
			{
				bool is_large = info(set).level0 > 0;
				HllsetStatus of_form = is_large && compact ? HLLSET_NOT_GRADED : HLLSET_OK;

				EXPECT_EQ(p < 10 ? HLLSET_COARSE : of_form, try_signature(set).status);
				EXPECT_EQ(p < 12 ? HLLSET_COARSE : of_form, try_contain_keys(set).status);
			}
	for (const Bytes &value : {expression, sample(expression)})
	{
		EXPECT_EQ(HLLSET_NOT_A_SET, try_signature(value).status);
		EXPECT_EQ(HLLSET_NOT_A_SET, try_contain_keys(value).status);
	}
	EXPECT_EQ(HLLSET_BAD_PRECISION, try_signature(broken).status);
	EXPECT_EQ(HLLSET_BAD_PRECISION, try_contain_keys(broken).status);
	for (size_t size = 0; size < 100; size++)
	{
		Bytes cut(large.begin(), large.begin() + static_cast<ptrdiff_t>(size));

		EXPECT_EQ(HLLSET_TRUNCATED, try_signature(cut).status);
		EXPECT_EQ(HLLSET_TRUNCATED, try_contain_keys(cut).status);
	}
}

TEST(Signature, RefusesLargeSetsWithoutTokens)
{
	Hashes lowest;

	for (uint64_t i = 0; i < 2000; i++)
		lowest.push_back(make_hash(0, i));

	Bytes bare = set_of(lowest, 12);

	EXPECT_EQ(HLLSET_FEW_TOKENS, try_signature(bare).status);
	EXPECT_EQ(HLLSET_FEW_TOKENS, try_signature(bare, 1).status);
	EXPECT_EQ(HLLSET_FEW_TOKENS, try_contain_keys(bare).status);
	for (uint64_t i = 0; i < 64; i++)
	{
		EXPECT_EQ(HLLSET_FEW_TOKENS, try_signature(set_of(lowest, 12)).status) << i;
		EXPECT_EQ(HLLSET_FEW_TOKENS, try_contain_keys(set_of(lowest, 12)).status) << i;
		lowest.push_back(make_hash(1 + static_cast<int>(i % 5), i));
	}
	EXPECT_EQ(64u, try_signature(set_of(lowest, 12)).keys.size());
	EXPECT_EQ(64u, try_contain_keys(set_of(lowest, 12)).keys.size());
}

} // namespace hllset::test
