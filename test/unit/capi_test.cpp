/* SPDX-License-Identifier: PostgreSQL */
/* The door itself: every status can be had, what info tells, and that any bytes are legal input everywhere. */
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cmath>

#include "random_sets.hpp"

namespace hllset::test
{

/* What each function that takes a set answers to one. */
static void
expect_everywhere(HllsetStatus status, const Bytes &set)
{
	HllsetEstimate estimated;
	std::vector<HllsetEstimate> regions;
	bool answer;
	std::vector<uint32_t> words(buckets(kMaxPrecision));

	EXPECT_EQ(status, check(set));
	EXPECT_EQ(status, try_unite(set, empty(4)).status);
	EXPECT_EQ(status, try_unite(empty(4, true), set).status);
	EXPECT_EQ(status, try_convert(set, 4, HLLSET_COMPACT).status);
	EXPECT_EQ(status, try_add(set, 1).status);
	EXPECT_EQ(status, Aggregate(8).try_unite(set));
	EXPECT_EQ(status, try_estimate(set, estimated));
	EXPECT_EQ(status, try_may_contain(set, 1));
	EXPECT_EQ(status, hllset_core_bits(door(set), words.data()));
	EXPECT_EQ(status, try_venn({set}, regions));
	EXPECT_EQ(status, try_venn({empty(4), set, empty(5, true)}, regions));
	EXPECT_EQ(status, try_contained(set, empty(4), answer));
	EXPECT_EQ(status, try_contained(empty(4), set, answer));
	EXPECT_EQ(status, try_overlap(set, set, answer));
}

static Bytes
patched(size_t index, int value)
{
	Bytes set = dense_set();

	set[index] = static_cast<uint8_t>(value);
	return set;
}

TEST(Status, Ok)
{
	expect_everywhere(HLLSET_OK, dense_set());
	expect_everywhere(HLLSET_OK, empty(4));
	expect_everywhere(HLLSET_OK, empty(18, true));
}

TEST(Status, NeedsRoom)
{
	Random random(81);
	Aggregate aggregate(6);
	Aggregate other(6);

	other.unite(dense_set());
	EXPECT_EQ(HLLSET_NEEDS_ROOM, hllset_core_accum_union(aggregate.state(), door(dense_set())));
	EXPECT_EQ(HLLSET_NEEDS_ROOM, hllset_core_accum_merge(aggregate.state(), other.state()));
	for (uint64_t hash : random_hashes(random, 16))
		EXPECT_EQ(HLLSET_OK, hllset_core_accum_add(aggregate.state(), hash));
	EXPECT_EQ(HLLSET_NEEDS_ROOM, hllset_core_accum_add(aggregate.state(), 17));
	EXPECT_GT(hllset_core_accum_want(aggregate.state()), 0u);
}

/* Numbers that only a caller in C can pass: refused, and nothing is written. */
TEST(Status, BadArgument)
{
	Bytes set = dense_set();
	HllsetBytes value = door(set);
	HllsetBytes many[7] = {value, value, value, value, value, value, value};
	HllsetBytes result = {nullptr, 0};
	HllsetPlan plan;
	bool answer = true;
	Bytes empty_set = empty(5);
	HllsetBytes nothing = door(empty_set);
	Buffer work(1 << 20);
	uint8_t byte = 7;

	for (int number : {-1, 4, 256, INT_MIN, INT_MAX})
	{
		HllsetOp op = static_cast<HllsetOp>(number);

		EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_plan_combine(&plan, op, value, nothing))
			<< number;
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_plan_combine(&plan, op, value, value)) << number;
		EXPECT_EQ(HLLSET_BAD_ARGUMENT,
				  hllset_core_plan_convert(&plan, value, 4, static_cast<HllsetForm>(number)))
			<< number;
	}
	for (int count : {-1, 0, 7, INT_MIN, INT_MAX})
	{
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_plan_census(&plan, many, count)) << count;
	}
	/* a plan of something else makes no value, and one of three values answers no question to two */
	require(hllset_core_plan_census(&plan, many, 3));
	Buffer census(plan.work_size);

	EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_make(&plan, census.data(), &result));
	EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_contained(&plan, census.data(), &answer));
	EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_overlap(&plan, census.data(), &answer));
	for (int precision : {-1, 0, 3, 19, 44, INT_MIN, INT_MAX})
	{
		HllsetStatus status =
			hllset_core_accum_init(static_cast<HllsetAccum *>(work.data()), precision, false);

		EXPECT_EQ(HLLSET_BAD_ARGUMENT, status) << precision;
		EXPECT_EQ(0u, hllset_core_accum_start(precision)) << precision;
		EXPECT_EQ(0u, hllset_core_empty(precision, false, &byte)) << precision;
	}
	EXPECT_EQ(nullptr, result.data);
	EXPECT_TRUE(answer);
	EXPECT_EQ(7, byte);
}

TEST(Status, Truncated)
{
	Bytes set = dense_set();

	set.pop_back();
	expect_everywhere(HLLSET_TRUNCATED, set);
	expect_everywhere(HLLSET_TRUNCATED, {});
	expect_everywhere(HLLSET_TRUNCATED, {1, 1, 4, 1});
}

TEST(Status, Trailing)
{
	Bytes set = dense_set();

	set.push_back(0);
	expect_everywhere(HLLSET_TRAILING, set);
}

TEST(Status, BadVersion)
{
	expect_everywhere(HLLSET_BAD_VERSION, patched(0, 2));
	expect_everywhere(HLLSET_BAD_VERSION, {0});
}

TEST(Status, BadKind)
{
	expect_everywhere(HLLSET_BAD_KIND, patched(1, 0));
	expect_everywhere(HLLSET_BAD_KIND, patched(1, 4));
	expect_everywhere(HLLSET_BAD_KIND, patched(1, 0x81));
}

TEST(Status, BadPrecision)
{
	expect_everywhere(HLLSET_BAD_PRECISION, patched(2, 3));
	expect_everywhere(HLLSET_BAD_PRECISION, patched(2, 19));
}

TEST(Status, BadHash)
{
	expect_everywhere(HLLSET_BAD_HASH, patched(3, 2));
}

TEST(Status, BadLevel)
{
	expect_everywhere(HLLSET_BAD_LEVEL, patched(4, 33));
	expect_everywhere(HLLSET_BAD_LEVEL, patched(1, 0x11));
}

TEST(Status, BadCount)
{
	/* t = 7 of at most 4; full = 63 */
	expect_everywhere(HLLSET_BAD_COUNT, {1, 1, 4, 1, 0, 7});
	expect_everywhere(HLLSET_BAD_COUNT, {1, 1, 4, 1, 1, 0xff, 0xff});
}

TEST(Status, BadPosition)
{
	/* one plane of a one (full 0, end 1, c_0 1, t 0), its gap 16 of 16 cells: 6 + 6 + 5 + 3 bits, then 001 000 */
	expect_everywhere(HLLSET_BAD_POSITION, {1, 1, 4, 1, 1, 0x40, 0x10, 0x40, 0x00});
}

TEST(Status, BadPadding)
{
	expect_everywhere(HLLSET_BAD_PADDING, {1, 1, 4, 1, 0, 0x80});
}

TEST(Status, RaisesPrecision)
{
	EXPECT_EQ(HLLSET_RAISES_PRECISION, try_convert(dense_set(), 7).status);
	EXPECT_EQ(HLLSET_RAISES_PRECISION, try_convert(dense_set(), 18, HLLSET_COMPACT).status);
	EXPECT_EQ(HLLSET_RAISES_PRECISION, try_convert(set_of({1}, 17), 18).status);
}

TEST(Status, NotGraded)
{
	Bytes compact = convert(dense_set(), 5, HLLSET_COMPACT);

	EXPECT_EQ(HLLSET_NOT_GRADED, try_convert(compact, 5, HLLSET_GRADED).status);
	EXPECT_EQ(HLLSET_NOT_GRADED, try_convert(compact, 4, HLLSET_GRADED).status);
	EXPECT_EQ(HLLSET_NOT_GRADED, try_convert(set_of({1}, 6, true), 6, HLLSET_GRADED).status);
}

/* What is told of a value in whose place no set can stand. */
TEST(Status, NotASet)
{
	Random random(84);
	Bytes expression = intersect(dense_set(), set_of(random_hashes(random, 200), 5));
	std::vector<uint32_t> words(buckets(6));

	for (const Bytes &value : {expression, sample(dense_set())})
	{
		EXPECT_EQ(HLLSET_NOT_A_SET, Aggregate(6).try_unite(value));
		EXPECT_EQ(HLLSET_NOT_A_SET, hllset_core_bits(door(value), words.data()));
		EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(value, 5, HLLSET_COMPACT).status);
	}
}

TEST(Status, BadExpression)
{
	Random random(85);
	Bytes expression = intersect(dense_set(), set_of(random_hashes(random, 200), 5));

	EXPECT_EQ(HLLSET_OK, check(expression));
	expression[5] |= 1;
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(expression));
}

TEST(Status, TooManySources)
{
	Random random(86);
	Bytes all = set_of(random_hashes(random, 200), 6, true);

	for (int i = 1; i < 6; i++)
		all = intersect(all, set_of(random_hashes(random, 200), 6, true));
	EXPECT_EQ(HLLSET_OK, check(all));
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_combine(HLLSET_INTERSECTION, all, dense_set()).status);
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_sample(all).status);
}

TEST(Status, ConvertBelowTheSmallestPrecision)
{
	for (int precision : {3, 0, -1, -100})
		EXPECT_EQ(HLLSET_BAD_PRECISION, try_convert(dense_set(), precision).status);
}

/* The cardinality alone is that of the estimate; it needs the counts only. */
TEST(Status, CardinalityReadsTheCounts)
{
	Random random(85);
	Bytes other = set_of(random_hashes(random, 300), 5);
	double cardinality;

	for (const Bytes &value :
		 {dense_set(), empty(4), set_of({1, 2}, 6), convert(dense_set(), 4, HLLSET_COMPACT),
		  sample(dense_set()), intersect(dense_set(), other), differ(dense_set(), other),
		  intersect(dense_set(), set_of({1, 2}, 5))})
	{
		ASSERT_EQ(HLLSET_OK, try_cardinality(value, cardinality));
		EXPECT_EQ(estimate(value).cardinality, cardinality);
	}

	Bytes cut = dense_set();

	cut.pop_back();
	EXPECT_EQ(HLLSET_OK, try_cardinality(cut, cardinality));
	EXPECT_EQ(estimate(dense_set()).cardinality, cardinality);
	cut.resize(7);
	EXPECT_EQ(HLLSET_TRUNCATED, try_cardinality(cut, cardinality));
	EXPECT_EQ(HLLSET_BAD_HASH, try_cardinality(patched(3, 2), cardinality));
}

/* What a look at the first planes finds is handed back with no more read. */
TEST(Status, AddOfWhatIsThere)
{
	Bytes set = dense_set();
	Random random(80);

	for (uint64_t hash : random_hashes(random, 200))
		EXPECT_TRUE(try_add(set, hash).itself);
	EXPECT_FALSE(try_add(set, make_hash(40, 7)).itself);
	EXPECT_EQ(HLLSET_BAD_HASH, try_add(patched(3, 2), 1).status);
}

/* What stays as it is gets handed back with no more than its header checked. */
TEST(Status, ConvertToTheSameReadsTheHeader)
{
	Bytes set = dense_set();

	EXPECT_EQ(HLLSET_BAD_HASH, try_convert(patched(3, 2), 5).status);
	EXPECT_TRUE(try_convert({1, 1, 4, 1, 0, 7}, 4).itself);
	EXPECT_EQ(HLLSET_BAD_COUNT, try_convert({1, 1, 5, 1, 0, 15}, 4).status);
	set.pop_back();
	EXPECT_EQ(HLLSET_TRUNCATED, try_convert(set, 4).status);
	EXPECT_TRUE(try_convert(set, 5).itself);
	EXPECT_EQ(set, try_convert(set, 5).bytes);
}

TEST(Info, TellsTheHeaderAndTheCounts)
{
	Random random(82);

	for (int i = 0; i < 100; i++)
	{
		int p = 4 + i % 8;
		bool compact = i % 3 == 0;
		Hashes hashes = random_hashes(random, random() % 2000, kSpreads[i % std::size(kSpreads)]);
		ModelState state = state_of(hashes, p, compact);
		HllsetInfo told = info(bytes_of(state));

		EXPECT_EQ(1, told.version);
		EXPECT_EQ(1, told.hash_id);
		EXPECT_EQ(HLLSET_SET, told.kind);
		EXPECT_EQ(1, told.sources);
		EXPECT_EQ(p, told.precision);
		EXPECT_EQ(compact, told.compact);
		EXPECT_EQ(state.level0, told.level0);
		EXPECT_EQ(state.tokens.size(), told.tokens);
		EXPECT_EQ(state.matrix.size(), told.set_bits);
		EXPECT_FALSE(told.saturated);
	}
}

TEST(Info, MayBeLeftOut)
{
	EXPECT_EQ(HLLSET_OK, hllset_core_check(door(empty(9)), nullptr));
}

} // namespace hllset::test
