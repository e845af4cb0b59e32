/* SPDX-License-Identifier: PostgreSQL */
/* The laws of docs/format.md (Operations): those that hold as equal bytes, and those that hold in count. */
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/expression.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

static void
expect_laws_of(const Bytes &a, const Bytes &b, const Bytes &c)
{
	for (HllsetOp op : {HLLSET_UNION, HLLSET_INTERSECTION, HLLSET_SYMMETRIC_DIFFERENCE})
	{
		ASSERT_EQ(combine(op, a, b), combine(op, b, a));
		ASSERT_EQ(combine(op, combine(op, a, b), c), combine(op, a, combine(op, b, c)));
	}
	ASSERT_EQ(a, unite(a, a));
	ASSERT_EQ(a, intersect(a, a));
	ASSERT_EQ(intersect(a, unite(b, c)), unite(intersect(a, b), intersect(a, c)));
	ASSERT_EQ(subtract(a, unite(b, c)), subtract(subtract(a, b), c));
	ASSERT_EQ(intersect(a, subtract(b, c)), subtract(intersect(a, b), intersect(a, c)));
	ASSERT_EQ(differ(a, b), unite(subtract(a, b), subtract(b, a)));
	ASSERT_EQ(a, unite(a, intersect(a, b)));
	ASSERT_EQ(0, estimate(subtract(a, a)).cardinality);
	ASSERT_EQ(HLLSET_SET, info(subtract(a, a)).kind);
	ASSERT_EQ(a, unite(intersect(a, b), subtract(a, b)));
}

TEST(AlgebraLaws, LawsOfSetsAsBytes)
{
	Random random(132);

	for (int trial = 0; trial < 120; trial++)
	{
		int p = 4 + trial % 9;
		bool compact = trial / 9 % 2 == 0;
		bool small = trial / 18 % 3 == 0;
		/* small: with the union of the three */
		size_t elements = small ? list_limit(p) / 4 : list_limit(p) * 8;
		std::vector<Bytes> s = sets_of(random, 3, p, compact, elements);

		for (const Bytes &set : s)
			ASSERT_EQ(small, info(set).level0 == 0);
		expect_laws_of(s[0], s[1], s[2]);
		ASSERT_EQ(empty(p, compact), subtract(s[0], s[0]));
		ASSERT_FALSE(HasFailure()) << trial;
	}
}

/* Small sets obey every law of sets. */
TEST(AlgebraLaws, FurtherLawsOfSmallSets)
{
	Random random(133);

	for (int trial = 0; trial < 60; trial++)
	{
		int p = 5 + trial % 8;
		std::vector<Bytes> s = sets_of(random, 3, p, trial % 2 == 0, list_limit(p) / 4);

		ASSERT_EQ(unite(s[0], intersect(s[1], s[2])),
				  intersect(unite(s[0], s[1]), unite(s[0], s[2])));
		ASSERT_EQ(s[0], intersect(s[0], unite(s[0], s[1])));
		ASSERT_EQ(differ(s[0], s[1]), subtract(unite(s[0], s[1]), intersect(s[0], s[1])));
	}
}

static void
expect_equal_count(const Bytes &a, const Bytes &b)
{
	HllsetEstimate x = estimate(a);
	HllsetEstimate y = estimate(b);

	EXPECT_LE(std::fabs(x.cardinality - y.cardinality),
			  3 * std::hypot(x.standard_error, y.standard_error));
}

/* What does not hold as bytes holds in count, within three errors. */
TEST(AlgebraLaws, LawsInCount)
{
	Random random(134);

	for (int trial = 0; trial < 24; trial++)
	{
		bool compact = trial % 2 == 0;
		std::vector<Bytes> s = sets_of(random, 3, 11, compact, 20000 + 5000 * (random() % 20));
		Bytes small = set_of(random_hashes(random, 100), 11, compact);
		Bytes fine = sets_of(random, 1, 12, compact, 30000)[0];

		expect_equal_count(unite(s[0], intersect(s[1], s[2])),
						   intersect(unite(s[0], s[1]), unite(s[0], s[2])));
		expect_equal_count(s[0], intersect(s[0], unite(s[0], s[1])));
		expect_equal_count(differ(s[0], s[1]), subtract(unite(s[0], s[1]), intersect(s[0], s[1])));
		expect_equal_count(unite(unite(s[0], small), intersect(s[1], s[2])),
						   unite(unite(intersect(s[1], s[2]), small), s[0]));
		expect_equal_count(intersect(small, unite(s[0], s[1])),
						   unite(intersect(small, s[0]), intersect(small, s[1])));
		expect_equal_count(intersect(s[0], unite(s[1], fine)),
						   unite(intersect(s[0], s[1]), intersect(s[0], fine)));
		expect_equal_count(subtract(s[0], unite(fine, s[2])), subtract(subtract(s[0], fine), s[2]));
	}
}

/* A value is made of these sets alone: no union has taken the place of its parts. */
static bool
keeps_parts(const Bytes &value, const std::vector<Bytes> &sets)
{
	Expression parts;

	require(parse_expression(door(value), parts));
	for (int i = 0; i < parts.count(); i++)
	{
		Bytes source = copy(parts.sources[i]);

		if (std::find(sets.begin(), sets.end(), source) == sets.end() &&
			info(source).tokens + info(source).set_bits > 0)
			return false;
	}
	return true;
}

/* Joins values in random order. whole turns false if a part is lost before the last step, and so if there are too many parts. */
static Bytes
join(Random &random, HllsetOp op, std::vector<Bytes> values, const std::vector<Bytes> &sets,
	 bool &whole)
{
	std::shuffle(values.begin(), values.end(), random);
	while (values.size() > 1)
	{
		size_t at = random() % (values.size() - 1);

		whole = whole && keeps_parts(values[at], sets) && keeps_parts(values[at + 1], sets);
		if (!whole)
			return values[0];
		values[at] = combine(op, values[at], values[at + 1]);
		values.erase(values.begin() + static_cast<ptrdiff_t>(at) + 1);
	}
	return values[0];
}

/* A function as the union of its minterms. */
static Bytes
by_minterms(Random &random, const std::vector<bool> &table, const std::vector<Bytes> &sets,
			bool &whole)
{
	std::vector<Bytes> terms;

	for (size_t x = 1; x < table.size(); x++)
	{
		std::vector<Bytes> in;
		std::vector<Bytes> out;

		if (!table[x])
			continue;
		for (size_t i = 0; i < sets.size(); i++)
			((x >> i & 1) != 0 ? in : out).push_back(sets[i]);

		Bytes term = join(random, HLLSET_INTERSECTION, in, sets, whole);

		/* what a minterm leaves out is one union if there is more than one: then parts are lost */
		for (const Bytes &other : out)
			term = subtract(term, other);
		terms.push_back(term);
	}
	return join(random, random() % 2 == 0 ? HLLSET_UNION : HLLSET_SYMMETRIC_DIFFERENCE, terms, sets,
				whole);
}

/* A function as a polynomial: the symmetric difference of intersections (Zhegalkin). */
static Bytes
by_polynomial(Random &random, std::vector<bool> table, const std::vector<Bytes> &sets, bool &whole)
{
	std::vector<Bytes> terms;

	for (size_t i = 0; i < sets.size(); i++)
		for (size_t x = 0; x < table.size(); x++)
			if ((x >> i & 1) != 0)
				table[x] = table[x] != table[x ^ size_t{1} << i];
	for (size_t x = 1; x < table.size(); x++)
	{
		std::vector<Bytes> in;

		for (size_t i = 0; i < sets.size(); i++)
			if ((x >> i & 1) != 0)
				in.push_back(sets[i]);
		if (table[x])
			terms.push_back(join(random, HLLSET_INTERSECTION, in, sets, whole));
	}
	return join(random, HLLSET_SYMMETRIC_DIFFERENCE, terms, sets, whole);
}

/* The same function of large sets, however it is written, is the same bytes and so the same number. */
TEST(AlgebraLaws, OneFunctionIsOneValue)
{
	Random random(135);
	int compared = 0;

	for (int trial = 0; trial < 3000; trial++)
	{
		size_t count = 2 + random() % 3;
		std::vector<Bytes> sets = sets_of(random, count, 4, trial % 2 == 0, 60);
		std::vector<bool> table(size_t{1} << count);
		std::vector<Bytes> writings;

		table[1 + random() % (table.size() - 1)] = true;
		for (size_t x = 1; x < table.size(); x++)
			table[x] = table[x] || random() % 2 == 0;
		for (int writing = 0; writing < 6; writing++)
		{
			bool whole = true;
			Bytes value = writing % 2 == 0 ? by_polynomial(random, table, sets, whole)
										   : by_minterms(random, table, sets, whole);

			if (whole)
				writings.push_back(value);
		}
		for (size_t i = 1; i < writings.size(); i++)
		{
			ASSERT_EQ(writings[0], writings[i]) << trial;
			compared++;
		}
	}
	EXPECT_GT(compared, 2000);
}

} // namespace hllset::test
