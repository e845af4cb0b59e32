/* SPDX-License-Identifier: PostgreSQL */
/*
 * The empty set has nothing to lose (docs/format.md, Operations): of whatever precision and form, it leaves no trace in a tree of
 * operations, in a union by an accumulator, in a measure. What each operation makes of it: algebra_test.cpp.
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "algebra_model.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

static bool
is_empty_set(const Bytes &value)
{
	HllsetInfo found = info(value);

	return found.kind == HLLSET_SET && found.level0 == 0 && found.tokens == 0;
}

/* Equal bytes, or two empty sets. */
static testing::AssertionResult
same(const Bytes &a, const Bytes &b)
{
	if (a == b || (is_empty_set(a) && is_empty_set(b)))
		return testing::AssertionSuccess();
	return testing::AssertionFailure()
		   << testing::PrintToString(a) << " is not " << testing::PrintToString(b);
}

static HllsetOp
random_op(Random &random)
{
	return kOps[random() % std::size(kOps)];
}

static Bytes
random_empty(Random &random)
{
	int p = kMinPrecision + static_cast<int>(random() % (kMaxPrecision - kMinPrecision + 1));

	return empty(p, random() % 2 == 0);
}

/* A tree without an element: of empty sets alone, or of what they leave nothing of. */
static Bytes
nothing(Random &random, const std::vector<Bytes> &values, int depth)
{
	if (depth == 0)
		return random_empty(random);

	Bytes none = nothing(random, values, depth - 1);
	const Bytes &value = values[random() % values.size()];

	switch (random() % 5)
	{
		case 0:
			return intersect(none, value);
		case 1:
			return intersect(value, none);
		case 2:
			return subtract(none, value);
		case 3:
			return combine(random_op(random), none, nothing(random, values, depth - 1));
		default:
			return combine(random_op(random), random_empty(random), none);
	}
}

/* A tree that says the same as the value, with empty sets on any of its branches. */
static Bytes
with_empties(Random &random, Bytes value, const std::vector<Bytes> &values)
{
	for (uint64_t left = random() % 4; left > 0; left--)
	{
		Bytes none = nothing(random, values, static_cast<int>(random() % 4));

		switch (random() % 5)
		{
			case 0:
				value = unite(value, none);
				break;
			case 1:
				value = unite(none, value);
				break;
			case 2:
				value = differ(value, none);
				break;
			case 3:
				value = differ(none, value);
				break;
			default:
				value = subtract(value, none);
		}
	}
	return value;
}

using Operand = std::function<Bytes()>;

/* Each call of an operand may give another tree of the same value. */
static void
expect_laws_of(const Operand &a, const Operand &b, const Operand &c)
{
	for (HllsetOp op : {HLLSET_UNION, HLLSET_INTERSECTION, HLLSET_SYMMETRIC_DIFFERENCE})
	{
		EXPECT_TRUE(same(combine(op, a(), b()), combine(op, b(), a())));
		EXPECT_TRUE(
			same(combine(op, combine(op, a(), b()), c()), combine(op, a(), combine(op, b(), c()))));
	}
	EXPECT_TRUE(same(a(), unite(a(), a())));
	EXPECT_TRUE(same(a(), intersect(a(), a())));
	EXPECT_TRUE(
		same(intersect(a(), unite(b(), c())), unite(intersect(a(), b()), intersect(a(), c()))));
	EXPECT_TRUE(same(subtract(a(), unite(b(), c())), subtract(subtract(a(), b()), c())));
	EXPECT_TRUE(same(intersect(a(), subtract(b(), c())),
					 subtract(intersect(a(), b()), intersect(a(), c()))));
	EXPECT_TRUE(same(differ(a(), b()), unite(subtract(a(), b()), subtract(b(), a()))));
	EXPECT_TRUE(same(a(), unite(a(), intersect(a(), b()))));
	EXPECT_TRUE(is_empty_set(subtract(a(), a())));
	EXPECT_TRUE(same(a(), unite(intersect(a(), b()), subtract(a(), b()))));
}

/* The laws of sets of one precision and form, any of which may be empty, with empty sets of all precisions and forms in every term. */
TEST(Empty, LawsOfSetsAsBytes)
{
	Random random(190);

	for (int trial = 0; trial < 240; trial++)
	{
		int p = 4 + trial % 6;
		bool compact = trial % 2 == 0;
		size_t elements = trial / 12 % 2 == 0 ? list_limit(p) / 4 : list_limit(p) * 8;
		std::vector<Bytes> sets = sets_of(random, 3, p, compact, elements);
		std::vector<Operand> operands;

		for (int i = 0; i < 3; i++)
			operands.push_back([&, i] {
				return (trial / 24 >> i & 1) != 0 ? nothing(random, sets, 2)
												  : with_empties(random, sets[i], sets);
			});
		expect_laws_of(operands[0], operands[1], operands[2]);
		ASSERT_FALSE(HasFailure()) << trial;
	}
}

/* A tree, and the same without its empty leaves and what they decide: nothing, if that is all. */
struct Pruned
{
	Bytes tree;
	std::optional<Bytes> without;
};

static Pruned
random_tree(Random &random, const std::vector<Bytes> &leaves, int depth)
{
	if (depth == 0 || random() % 8 == 0)
	{
		const Bytes &leaf = leaves[random() % leaves.size()];

		if (random() % 3 == 0)
			return {random_empty(random), std::nullopt};
		return {leaf, leaf};
	}

	HllsetOp op = random_op(random);
	Pruned a = random_tree(random, leaves, depth - 1);
	Pruned b = random_tree(random, leaves, depth - 1);
	Outcome combined = try_combine(op, a.tree, b.tree);
	Pruned made = {combined.bytes, std::nullopt};

	if (combined.status == HLLSET_TOO_MANY_SOURCES && a.without && b.without)
	{
		EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_combine(op, *a.without, *b.without).status);
		return a;
	}
	require(combined.status);
	if (a.without && b.without)
		made.without = combine(op, *a.without, *b.without);
	else if (apply_model(op, a.without.has_value(), b.without.has_value()))
		made.without = a.without ? a.without : b.without;
	return made;
}

static void
expect_no_trace(Random &random, const std::vector<Bytes> &leaves, int trees)
{
	for (int i = 0; i < trees; i++)
	{
		Pruned made = random_tree(random, leaves, 1 + i % 5);

		ASSERT_EQ(HLLSET_OK, check(made.tree));
		if (made.without)
			ASSERT_TRUE(same(*made.without, made.tree));
		else
			ASSERT_TRUE(is_empty_set(made.tree));
	}
}

/* Leaves are of any precision, form, size and kind. Of compact ones there are few, or too many trees were refused. */
TEST(Empty, LeavesNoTraceInATree)
{
	Random random(191);

	for (int trial = 0; trial < 60; trial++)
	{
		std::vector<Bytes> leaves;
		bool many = trial % 2 == 0;

		for (const Hashes &hashes : overlapping_hashes(random, many ? 9 : 5, 4 + random() % 300))
		{
			int p = 4 + static_cast<int>(random() % 3);

			if (!hashes.empty())
				leaves.push_back(set_of(hashes, p, !many && random() % 3 == 0));
		}
		if (many)
		{
			leaves.push_back(sample(leaves[0]));
			leaves.push_back(differ(leaves[1], leaves[2]));
		}
		expect_no_trace(random, leaves, 200);
		ASSERT_FALSE(HasFailure()) << trial;
	}
}

static Aggregate
aggregate_of(const std::vector<Bytes> &values)
{
	HllsetInfo first = info(values[0]);
	Aggregate aggregate(first.precision, first.compact);

	for (const Bytes &value : values)
		aggregate.unite(value);
	return aggregate;
}

/* What hll_union_agg makes of sets is what `|` does: in any order, in parts that meet as accumulators or as bytes. */
TEST(Empty, UnionsOfManyAgree)
{
	Random random(192);
	int empties = 0;

	for (int trial = 0; trial < 600; trial++)
	{
		std::vector<Bytes> sets;
		size_t count = 1 + random() % 7;

		for (size_t i = 0; i < count; i++)
			sets.push_back(random() % 3 < static_cast<uint64_t>(trial % 4)
							   ? random_empty(random)
							   : random_set(random, 9).bytes);

		Bytes whole = sets[0];

		for (const Bytes &set : sets)
			whole = unite(whole, set);
		empties += is_empty_set(whole);
		std::shuffle(sets.begin(), sets.end(), random);
		ASSERT_EQ(whole, aggregate_of(sets).encode());

		ptrdiff_t cut = static_cast<ptrdiff_t>(random() % count);
		std::vector<Bytes> first(sets.begin(), sets.begin() + cut);
		std::vector<Bytes> rest(sets.begin() + cut, sets.end());
		Aggregate merged = aggregate_of(rest);

		if (!first.empty())
		{
			Aggregate other = aggregate_of(first);
			Bytes as_bytes = unite(merged.encode(), other.encode());

			other.merge(merged);
			merged.merge(aggregate_of(first));
			ASSERT_EQ(whole, as_bytes);
			ASSERT_EQ(whole, other.encode());
		}
		ASSERT_EQ(whole, merged.encode());
	}
	EXPECT_GT(empties, 50);
}

/* An accumulator that took no element is an empty set; from then on it keeps the precision of what it met. */
TEST(Empty, AccumulatorsWithoutElements)
{
	Random random(193);
	Hashes hashes = random_hashes(random, 5000);

	for (size_t count : {1, 40, 5000})
		for (int p : {4, 9, 12})
		{
			Hashes some(hashes.begin(), hashes.begin() + static_cast<ptrdiff_t>(count));
			Aggregate full(p, p == 9);
			Aggregate none(18);
			Aggregate coarse(4, true);

			full.add(some);
			none.merge(full);
			EXPECT_EQ(full.encode(), none.encode());
			coarse.merge(full);
			EXPECT_EQ(full.encode(), coarse.encode());
			none.merge(Aggregate(4, true));
			EXPECT_EQ(full.encode(), none.encode());
			none.add(~uint64_t{0});
			some.push_back(~uint64_t{0});
			EXPECT_EQ(model_of(some, p, p == 9), none.encode());
		}
}

TEST(Empty, FoldsAndTakesAnyForm)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
		for (int q = kMinPrecision; q <= kMaxPrecision; q++)
			for (bool compact : {false, true})
			{
				Bytes none = empty(p, compact);

				ASSERT_EQ(empty(q, compact), convert(none, q));
				ASSERT_EQ(empty(q), convert(none, q, HLLSET_GRADED));
				ASSERT_EQ(empty(q, true), convert(none, q, HLLSET_COMPACT));
				ASSERT_EQ(q == p, try_convert(none, q).itself);
				/* and keeps it when it gets elements */
				ASSERT_EQ(set_of({1}, p, compact), add(none, 1));
			}
	for (int precision : {-1, 3, 19, 100})
		EXPECT_EQ(HLLSET_BAD_PRECISION, try_convert(empty(12), precision).status);
	EXPECT_EQ(HLLSET_BAD_PADDING, try_convert({1, 1, 4, 1, 0, 0x80}, 9).status);
}

static std::vector<double>
numbers_of(const std::vector<HllsetEstimate> &regions)
{
	std::vector<double> numbers;

	for (size_t x = 1; x < regions.size(); x++)
		numbers.insert(numbers.end(), {regions[x].cardinality, regions[x].standard_error});
	return numbers;
}

/* Measures and predicates are those of the others' own precision; six sources beside an empty set are no seven. */
TEST(Empty, CoarsensNoMeasure)
{
	Random random(194);

	for (int trial = 0; trial < 20; trial++)
	{
		std::vector<Bytes> s =
			sets_of(random, 6, 9, trial % 2 == 0, trial % 4 == 3 ? 60 : size_t{3000});
		Bytes all = intersect(intersect(intersect(s[0], s[1]), intersect(s[2], s[3])),
							  intersect(s[4], s[5]));
		std::vector<double> pair = numbers_of(venn({s[0], s[1]}));

		EXPECT_NEAR(estimate(all).cardinality, venn({all, empty(4)})[1].cardinality,
					1e-6 * estimate(s[0]).cardinality);
		for (int i = 0; i < 8; i++)
		{
			Bytes none = random_empty(random);
			std::vector<HllsetEstimate> three = venn({s[0], none, s[1]});

			EXPECT_EQ(pair, numbers_of({three[0], three[1], three[4], three[5]}));
			for (int x : {2, 3, 6, 7})
				EXPECT_EQ(0, three[static_cast<size_t>(x)].cardinality);
			for (const Bytes &value : {s[0], all})
			{
				EXPECT_TRUE(contained(none, value));
				EXPECT_FALSE(overlap(none, value));
				EXPECT_FALSE(overlap(value, none));
			}
			EXPECT_FALSE(contained(s[0], none));
			EXPECT_TRUE(contained(none, random_empty(random)));
			EXPECT_FALSE(overlap(none, random_empty(random)));
			EXPECT_EQ(0, venn({none, random_empty(random), none})[7].cardinality);
		}
		ASSERT_FALSE(HasFailure()) << trial;
	}
}

} // namespace hllset::test
