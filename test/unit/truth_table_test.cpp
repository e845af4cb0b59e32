/* SPDX-License-Identifier: PostgreSQL */
/* Tables of every size against functions of Booleans. */
#include "core/truth_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support.hpp"

namespace hllset::test
{

static TruthTable
random_table(Random &random, int sources)
{
	TruthTable table(sources);

	for (uint32_t x = 0; x < table.size(); x++)
		table.put(x, random() % 2 == 0);
	return table;
}

/* The table of x -> f(x). */
template <typename Function>
static TruthTable
table_of(int sources, Function &&f)
{
	TruthTable table(sources);

	for (uint32_t x = 0; x < table.size(); x++)
		table.put(x, f(x));
	return table;
}

static bool
equal(const TruthTable &a, const TruthTable &b)
{
	bool same = a.sources() == b.sources();

	for (uint32_t x = 0; x < a.size() && same; x++)
		same = a.get(x) == b.get(x);
	return same;
}

TEST(TruthTable, KeepsWhatIsPut)
{
	Random random(100);

	for (int sources = 0; sources <= TruthTable::kMaxSources; sources++)
	{
		TruthTable table(sources);
		std::vector<bool> wanted(table.size());

		EXPECT_EQ(1u << sources, table.size());
		for (uint32_t x = 0; x < table.size(); x++)
			ASSERT_FALSE(table.get(x));
		for (uint32_t i = 0; i < 3 * table.size(); i++)
		{
			uint32_t x = static_cast<uint32_t>(random() % table.size());
			bool value = random() % 2 == 0;

			table.put(x, value);
			wanted[x] = value;
		}
		for (uint32_t x = 0; x < table.size(); x++)
			ASSERT_EQ(wanted[x], table.get(x));
		for (uint32_t x = 0; x < std::min(table.size(), 64u); x++)
			ASSERT_EQ(wanted[x], (table.word() >> x & 1) != 0);
	}
}

/* Tables that use some sources only, and tables that differ from such a one in a single place. */
TEST(TruthTable, DependsOnWhatItUses)
{
	Random random(101);

	for (int sources = 1; sources <= TruthTable::kMaxSources; sources++)
		for (int trial = 0; trial < 10; trial++)
		{
			uint32_t used = static_cast<uint32_t>(random()) & ((1u << sources) - 1);
			TruthTable any = random_table(random, sources);
			TruthTable table = table_of(sources, [&](uint32_t x) { return any.get(x & used); });
			uint32_t spot = static_cast<uint32_t>(random() % table.size());

			for (int i = 0; i < sources; i++)
				if ((used >> i & 1) == 0)
				{
					ASSERT_FALSE(table.depends_on(i));
				}
			table.put(spot, !table.get(spot));
			for (int i = 0; i < sources; i++)
				if ((used >> i & 1) == 0)
				{
					ASSERT_TRUE(table.depends_on(i)) << sources << " " << i;
				}
		}
}

TEST(TruthTable, IsWithinASourceThatAllIsIn)
{
	Random random(107);

	for (int sources = 1; sources <= TruthTable::kMaxSources; sources++)
		for (int trial = 0; trial < 10; trial++)
		{
			int i = static_cast<int>(random() % static_cast<uint64_t>(sources));
			TruthTable any = random_table(random, sources);
			TruthTable table =
				table_of(sources, [&](uint32_t x) { return (x >> i & 1) != 0 && any.get(x); });
			uint32_t spot = static_cast<uint32_t>(random() % table.size()) & ~(1u << i);

			ASSERT_TRUE(table.is_within(i));
			table.put(spot, true);
			ASSERT_FALSE(table.is_within(i));
		}
}

TEST(TruthTable, SeesTheUnionOfWhatEntersAsOne)
{
	Random random(102);

	for (int sources = 2; sources <= TruthTable::kMaxSources; sources++)
		for (int trial = 0; trial < 10; trial++)
		{
			int i = static_cast<int>(random() % static_cast<uint64_t>(sources));
			int j = static_cast<int>(random() % static_cast<uint64_t>(sources - 1));

			j += j >= i;

			uint32_t both = 1u << i | 1u << j;
			TruthTable any = random_table(random, sources);
			TruthTable table = table_of(
				sources, [&](uint32_t x) { return any.get((x & both) != 0 ? x | both : x); });
			uint32_t spot = static_cast<uint32_t>(random() % table.size()) | 1u << i;

			ASSERT_TRUE(table.sees_union_of(i, j));
			ASSERT_TRUE(table.sees_union_of(j, i));
			table.put(spot, !table.get(spot));
			ASSERT_FALSE(table.sees_union_of(i, j));
			ASSERT_FALSE(table.sees_union_of(j, i));
		}
}

TEST(TruthTable, DropReadsTheValuesWhereASourceIsAbsent)
{
	Random random(103);

	for (int sources = 1; sources <= TruthTable::kMaxSources; sources++)
		for (int j = 0; j < sources; j++)
		{
			TruthTable table = random_table(random, sources);
			TruthTable rest = table;

			rest.drop(j);
			ASSERT_EQ(sources - 1, rest.sources());
			for (uint32_t x = 0; x < table.size(); x++)
				if ((x >> j & 1) == 0)
				{
					uint32_t low = x & ((1u << j) - 1);

					ASSERT_EQ(table.get(x), rest.get(x >> (j + 1) << j | low));
				}
		}
}

TEST(TruthTable, DropOfAnEqualSourceReadsTheValuesWhereBothAgree)
{
	Random random(104);

	for (int sources = 2; sources <= TruthTable::kMaxSources; sources++)
		for (int j = 1; j < sources; j++)
			for (int same = 0; same < j; same++)
			{
				TruthTable table = random_table(random, sources);
				TruthTable rest = table;

				rest.drop(j, same);
				ASSERT_EQ(sources - 1, rest.sources());
				for (uint32_t x = 0; x < table.size(); x++)
					if ((x >> j & 1) == (x >> same & 1))
					{
						uint32_t low = x & ((1u << j) - 1);

						ASSERT_EQ(table.get(x), rest.get(x >> (j + 1) << j | low));
					}
			}
}

TEST(TruthTable, ReorderMovesTheSources)
{
	Random random(105);

	for (int sources = 1; sources <= TruthTable::kMaxSources; sources++)
	{
		std::vector<int> order(sources);
		TruthTable table = random_table(random, sources);
		TruthTable sorted = table;

		std::iota(order.begin(), order.end(), 0);
		std::shuffle(order.begin(), order.end(), random);
		sorted.reorder(order.data());
		/* what is in source i of the new table is in order[i] of the old one */
		for (uint32_t x = 0; x < table.size(); x++)
		{
			uint32_t moved = 0;

			for (int i = 0; i < sources; i++)
				if ((x >> order[i] & 1) != 0)
					moved |= 1u << i;
			ASSERT_EQ(table.get(x), sorted.get(moved));
		}

		std::vector<int> back(sources);

		for (int i = 0; i < sources; i++)
			back[order[i]] = i;
		sorted.reorder(back.data());
		EXPECT_TRUE(equal(table, sorted));
	}
}

TEST(TruthTable, JoinedHasTheSourcesOfBoth)
{
	Random random(106);
	auto only_left = [](uint64_t a, uint64_t b) {
		return a & ~b;
	};

	for (int left = 0; left <= 6; left++)
		for (int right = 0; right <= 6; right++)
		{
			TruthTable a = random_table(random, left);
			TruthTable b = random_table(random, right);
			TruthTable joined = TruthTable::joined(a, b, only_left);

			ASSERT_TRUE(equal(table_of(left + right,
									   [&](uint32_t x) {
										   return a.get(x & (a.size() - 1)) && !b.get(x >> left);
									   }),
							  joined))
				<< left << " " << right;
		}
}

} // namespace hllset::test
