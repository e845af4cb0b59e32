/* SPDX-License-Identifier: PostgreSQL */
/* Queries: their bytes, their thresholds, what they hold of, and that what an index says of its keys is the same. */
#include <cmath>
#include <gtest/gtest.h>

#include "core/query.hpp"
#include "keys.hpp"

namespace hllset::test
{

static constexpr HllsetQueryKind kKinds[] = {HLLSET_SIMILAR, HLLSET_CONTAIN};
static constexpr double kThresholds[] = {0.06, 0.1, 0.2, 0.25, 0.5, 0.55, 0.8, 0.95, 1.0};

/* The chance that a binomial(n, x) is t or more, summed from the other side than the core does, by logarithms. */
static long double
reaches(int n, double x, int t)
{
	long double sum = 0;

	if (x == 1)
		return t <= n ? 1 : 0;
	for (int k = n; k >= t; k--)
		sum += expl(lgammal(n + 1) - lgammal(k + 1) - lgammal(n - k + 1) + k * logl(x) +
					(n - k) * log1pl(-x));
	return sum;
}

TEST(Threshold, IsReachedWithAChanceOf98Percent)
{
	for (int n : {1, 2, 3, 10, 63, 64, 65, 200, 511, 1000, 1024})
		for (int i = 0; i <= 470; i++)
		{
			double x = i == 470 ? 1 : 0.06 + i * 0.002;
			int t = least_of_sampled(n, x);

			ASSERT_GE(reaches(n, x, t), 0.98L - 1e-12L) << n << " " << x;
			if (t < n)
			{
				ASSERT_LT(reaches(n, x, t + 1), 0.98L + 1e-12L) << n << " " << x;
			}
		}
	EXPECT_EQ(64, least_of_sampled(64, 1));
	EXPECT_EQ(1, least_of_sampled(64, 0.06));
	EXPECT_EQ(2, least_of_sampled(64, 0.1));
	EXPECT_EQ(1024, least_of_sampled(1024, 1));
}

TEST(Threshold, OfKnownElementsIsTheirShare)
{
	for (int n = 1; n <= 1024; n++)
	{
		for (int k = n / 10; k <= n; k++)
			if (k > 0 && is_threshold(static_cast<double>(k) / n))
			{
				ASSERT_EQ(k, least_of_known(n, static_cast<double>(k) / n)) << n;
			}
		for (double x : kThresholds)
		{
			int t = least_of_known(n, x);

			ASSERT_GE(static_cast<double>(t) / n, x);
			ASSERT_LT(static_cast<double>(t - 1) / n, x);
		}
	}
	EXPECT_EQ(11, least_of_known(20, 0.55));
}

TEST(Query, HasAThresholdFrom6PercentTo1)
{
	FoundKeys keys = try_signature(set_of({1, 2, 3}, 12));

	for (double x : {0.06, 0.5, 1.0})
		EXPECT_EQ(24u, query_of(HLLSET_SIMILAR, keys, x).size());
	for (double x : {0.0, -0.5, 0.0599999, std::nextafter(0.06, 0), std::nextafter(1, 2), 1e300,
					 HUGE_VAL, -HUGE_VAL, std::nan("")})
		EXPECT_EQ(0u, query_of(HLLSET_SIMILAR, keys, x).size()) << x;
}

/* Sets that overlap in all ways: of shared elements and own ones, of several sizes and precisions. */
static std::vector<Bytes>
overlapping(Random &random)
{
	std::vector<Bytes> sets = {empty(12), empty(18)};
	Hashes pool = random_hashes(random, 6000);

	for (int i = 0; i < 40; i++)
	{
		size_t from_pool = size_t{1} << (random() % 13);
		Hashes hashes(pool.begin(),
					  pool.begin() + static_cast<ptrdiff_t>(std::min(from_pool, pool.size())));

		for (uint64_t hash : random_hashes(random, (size_t{1} << (random() % 14)) / 2))
			hashes.push_back(hash);
		sets.push_back(set_of(hashes, 12 + static_cast<int>(random() % 7)));
	}
	return sets;
}

/* r is the threshold or more: a binomial reaches r + 1 with a chance below 98 %. */
static bool
is_enough(int n, double x, int r)
{
	return r > 0 && (r == n || reaches(n, x, r + 1) < 0.98L);
}

static bool
model_similar(const std::vector<uint32_t> &a, const std::vector<uint32_t> &b, double x)
{
	std::set<uint32_t> both(a.begin(), a.end());
	int n = 0;
	int r = 0;

	both.insert(b.begin(), b.end());
	for (auto key = both.rbegin(); key != both.rend() && n < 64; ++key, n++)
		r += std::binary_search(a.begin(), a.end(), *key) &&
			 std::binary_search(b.begin(), b.end(), *key);
	if (n < 64)
		return n > 0 && static_cast<double>(r) / n >= x;
	return is_enough(64, x, r);
}

static bool
model_contains(const FoundKeys &set, const FoundKeys &query, double x)
{
	int level0 = std::max(set.level0, query.level0);
	int n = 0;
	int r = 0;

	for (uint32_t key : query.keys)
		if (key >= static_cast<uint32_t>(level0) << 20)
		{
			n++;
			r += std::binary_search(set.keys.begin(), set.keys.end(), key);
		}
	if (n == 0)
		return false;
	if (level0 == 0)
		return static_cast<double>(r) / n >= x;
	return is_enough(n, x, r);
}

TEST(Query, HoldsAsItIsDefined)
{
	Random random(165);
	std::vector<Bytes> sets = overlapping(random);
	int found[2] = {};

	for (const Bytes &q : sets)
		for (const Bytes &s : sets)
		{
			double x = kThresholds[random() % std::size(kThresholds)];
			bool similar = holds(HLLSET_SIMILAR, query_of(HLLSET_SIMILAR, q, x), s);
			bool contains = holds(HLLSET_CONTAIN, query_of(HLLSET_CONTAIN, q, x), s);

			ASSERT_EQ(model_similar(try_signature(s).keys, try_signature(q).keys, x), similar);
			ASSERT_EQ(model_contains(try_contain_keys(s), try_contain_keys(q), x), contains);
			found[0] += similar;
			found[1] += contains;
		}
	EXPECT_GT(found[0], 40);
	EXPECT_GT(found[1], 100);
}

TEST(Query, NothingIsSimilarToNothing)
{
	Random random(166);

	for (HllsetQueryKind kind : kKinds)
		for (const Bytes &set : overlapping(random))
		{
			EXPECT_FALSE(holds(kind, query_of(kind, empty(12), 0.06), set));
			EXPECT_FALSE(holds(kind, query_of(kind, set, 0.06), empty(14)));
		}
}

/* An index that sees all keys says what the set says; where it can't tell of some, it excludes no answer that is right. */
TEST(Query, IndexAnswersAsTheSetDoes)
{
	Random random(167);
	int unsure = 0;
	int candidates = 0;

	for (int round = 0; round < 3; round++)
	{
		std::vector<Bytes> sets = overlapping(random);

		for (const Bytes &q : sets)
			for (const Bytes &s : sets)
				for (HllsetQueryKind kind : kKinds)
				{
					Bytes query = query_of(kind, q, kThresholds[random() % std::size(kThresholds)]);
					FoundKeys row = keys_for(kind, s);
					bool wanted = holds(kind, query, s);
					HllsetVerdict verdict = index_verdict(kind, query, row, [] { return false; });
					HllsetVerdict dim =
						index_verdict(kind, query, row, [&] { return random() % 8 == 0; });

					if (kind == HLLSET_CONTAIN)
					{
						ASSERT_EQ(wanted ? HLLSET_YES : HLLSET_NO, verdict);
						unsure += dim == HLLSET_MAYBE;
					}
					candidates += kind == HLLSET_SIMILAR && verdict == HLLSET_MAYBE;
					ASSERT_TRUE(!wanted || (verdict != HLLSET_NO && dim != HLLSET_NO));
					ASSERT_TRUE(wanted || (verdict != HLLSET_YES && dim != HLLSET_YES));
				}
	}
	EXPECT_GT(unsure, 50);
	EXPECT_GT(candidates, 100);
}

/* Keys of the query that are one entry count as often as they are keys, else a row that shares them would be missed. */
TEST(Query, IndexCountsKeysThatAreOneEntry)
{
	Hashes hashes;

	for (uint64_t i = 0; i < 32; i++)
		for (uint64_t high : {0, 1})
			hashes.push_back(make_hash(7, i | high << (kSignatureBits - 1)));

	Bytes set = set_of(hashes, 12);
	FoundKeys row = try_signature(set);
	std::set<uint32_t> entries;

	for (uint32_t key : row.keys)
		entries.insert(hllset_core_similar_entry(key));
	EXPECT_EQ(64u, row.keys.size());
	EXPECT_EQ(32u, entries.size());
	for (double x : kThresholds)
		EXPECT_EQ(HLLSET_MAYBE, index_verdict(HLLSET_SIMILAR, query_of(HLLSET_SIMILAR, set, x), row,
											  [] { return false; }));
}

/* Keys of different levels have different entries, and no more than half of the keys of a level share theirs. */
TEST(Query, EntriesAreShorterKeys)
{
	std::set<uint32_t> entries;

	for (uint32_t level = 0; level < 32; level++)
		for (uint32_t address = 0; address < 1u << kSignatureBits; address += 0x101)
			entries.insert(hllset_core_similar_entry(level << kSignatureBits | address));
	EXPECT_GE(entries.size(), 32u << kEntryBits >> 8);
	EXPECT_EQ(31u, *entries.rbegin() >> kEntryBits);
	EXPECT_EQ(hllset_core_similar_entry(5), hllset_core_similar_entry(5 | 1u << kEntryBits));
}

/* Pairs with just the Jaccard index that is asked for, of equal and unequal sizes: 98 % are found. */
TEST(Query, FindsWhatHasTheShare)
{
	Random random(168);
	const int pairs = 3000;

	for (size_t smaller : {550, 1000})
	{
		int found = 0;

		for (int i = 0; i < pairs; i++)
		{
			/* |a & b| = 110, |a | b| = 1100 * (1 or 2) */
			size_t both = smaller == 550 ? 110 : 200;
			size_t all = 10 * both;
			Hashes shared = random_hashes(random, both);
			Hashes a = random_hashes(random, smaller - both);
			Hashes b = random_hashes(random, all - smaller);

			a.insert(a.end(), shared.begin(), shared.end());
			b.insert(b.end(), shared.begin(), shared.end());
			found +=
				holds(HLLSET_SIMILAR, query_of(HLLSET_SIMILAR, set_of(a, 10), 0.1), set_of(b, 10));
		}
		/* at least .98, less 3.3 standard deviations; a binomial(64, .1) reaches 2 with .9904 */
		EXPECT_GE(found, static_cast<int>(pairs * 0.98 - 3.3 * std::sqrt(pairs * 0.98 * 0.02)));
		EXPECT_LT(found, pairs);
	}
}

TEST(Query, RefusesWhatIsNone)
{
	Random random(169);
	Bytes large = set_of(random_hashes(random, 4000), 12);

	for (HllsetQueryKind kind : kKinds)
	{
		Bytes query = query_of(kind, large, 0.5);
		auto with = [&](size_t index, int value) {
			Bytes changed = query;

			changed[index] = static_cast<uint8_t>(value);
			return check_query(kind, changed);
		};

		ASSERT_EQ(HLLSET_OK, check_query(kind, query));
		EXPECT_EQ(HLLSET_BAD_VERSION, with(0, 2));
		for (int other : {0, 1, 2, 3, 6, 9 - kind, 20, 255})
			EXPECT_EQ(HLLSET_BAD_KIND, with(1, other));
		for (int level : {32, 33, 255})
			EXPECT_EQ(HLLSET_BAD_LEVEL, with(2, level));
		EXPECT_EQ(kind == HLLSET_SIMILAR ? HLLSET_BAD_LEVEL : HLLSET_BAD_KEY, with(2, 31));
		EXPECT_EQ(HLLSET_BAD_HASH, with(3, 2));
		EXPECT_EQ(HLLSET_BAD_THRESHOLD, with(11, 0x7f));
		EXPECT_EQ(HLLSET_BAD_THRESHOLD, with(11, 0));
		EXPECT_EQ(HLLSET_BAD_KEY, with(15, 0x7f));
		EXPECT_EQ(HLLSET_BAD_KEY, with(query.size() - 1, 0x02));
		for (size_t size = 0; size < query.size(); size++)
			EXPECT_EQ(size < 12 || size % 4 != 0                       ? HLLSET_TRUNCATED
					  : kind == HLLSET_CONTAIN && (size - 12) / 4 < 64 ? HLLSET_BAD_COUNT
																	   : HLLSET_OK,
					  check_query(kind, Bytes(query.begin(),
											  query.begin() + static_cast<ptrdiff_t>(size))));
	}
}

TEST(Query, IsOfOneOfTwoKinds)
{
	FoundKeys keys = try_signature(set_of({1}, 12));

	for (int kind : {-1, 0, 1, 2, 3, 6, 255})
	{
		HllsetQueryKind none = static_cast<HllsetQueryKind>(kind);
		Bytes query = query_of(HLLSET_SIMILAR, keys, 0.5);
		bool result;

		EXPECT_EQ(0u, query_of(none, keys, 0.5).size());
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, check_query(none, query));
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, try_holds(none, query, empty(12), result));
	}
}

/* More keys than any set has; keys out of order; one twice. */
TEST(Query, RefusesKeysThatNoSetHas)
{
	for (HllsetQueryKind kind : kKinds)
	{
		size_t most = kind == HLLSET_SIMILAR ? 64 : 1024;
		FoundKeys found = {HLLSET_OK, {}, 0};

		for (uint32_t i = 0; i < most; i++)
			found.keys.push_back(i);
		EXPECT_EQ(HLLSET_OK, check_query(kind, query_of(kind, found, 0.5)));
		found.keys.push_back(static_cast<uint32_t>(most));
		EXPECT_EQ(HLLSET_BAD_COUNT, check_query(kind, query_of(kind, found, 0.5)));
		found.keys = {1, 3, 3};
		EXPECT_EQ(HLLSET_BAD_KEY, check_query(kind, query_of(kind, found, 0.5)));
		found.keys = {1, 3, 2};
		EXPECT_EQ(HLLSET_BAD_KEY, check_query(kind, query_of(kind, found, 0.5)));
		found.keys = {uint32_t{32} << (kind == HLLSET_SIMILAR ? 18 : 20)};
		EXPECT_EQ(HLLSET_BAD_KEY, check_query(kind, query_of(kind, found, 0.5)));
		found.keys[0]--;
		EXPECT_EQ(HLLSET_OK, check_query(kind, query_of(kind, found, 0.5)));
	}
}

/* What is wrong with a set is said, whatever the query. */
TEST(Query, RefusesSetsWithoutKeys)
{
	Random random(170);
	Hashes hashes = random_hashes(random, 5000);
	Bytes set = set_of(hashes, 12);

	for (HllsetQueryKind kind : kKinds)
		for (const Bytes &query : {query_of(kind, set, 0.5), query_of(kind, empty(12), 0.5)})
		{
			bool result;

			EXPECT_EQ(HLLSET_COARSE, try_holds(kind, query, set_of(hashes, 8), result));
			EXPECT_EQ(HLLSET_NOT_GRADED, try_holds(kind, query, set_of(hashes, 12, true), result));
			EXPECT_EQ(HLLSET_NOT_A_SET,
					  try_holds(kind, query, subtract(set, set_of(random_hashes(random, 5000), 12)),
								result));
			EXPECT_EQ(HLLSET_TRUNCATED, try_holds(kind, query, {}, result));
			EXPECT_EQ(HLLSET_TRUNCATED, try_holds(kind, {}, set, result));
			EXPECT_EQ(HLLSET_BAD_KIND, try_holds(kind, set, set, result));
		}
}

} // namespace hllset::test
