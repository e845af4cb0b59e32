/* SPDX-License-Identifier: PostgreSQL */
/*
 * Operations from bytes to bytes: unions of sets, everything against the model of docs/format.md, exact set algebra of small sets,
 * operands of different precision and form. Laws: algebra_laws_test.cpp; what has too many sources: sample_test.cpp.
 */
#include "core/algebra.hpp"

#include <gtest/gtest.h>

#include "algebra_model.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

TEST(Union, IsTheSetOfAllElements)
{
	Random random(40);

	for (int i = 0; i < 400; i++)
	{
		Built a = random_set(random);
		Built b = random_set(random);
		Hashes both = a.hashes;
		Form form = meeting({a.precision, a.compact}, a.hashes.empty(), {b.precision, b.compact},
							b.hashes.empty());

		both.insert(both.end(), b.hashes.begin(), b.hashes.end());
		ASSERT_EQ(model_of(both, form.precision, form.compact), unite(a.bytes, b.bytes));
	}
}

TEST(Union, IsCommutativeAssociativeAndIdempotent)
{
	Random random(41);

	for (int i = 0; i < 400; i++)
	{
		Bytes a = random_set(random).bytes;
		Bytes b = random_set(random).bytes;
		Bytes c = random_set(random).bytes;
		Bytes ab = unite(a, b);

		ASSERT_EQ(ab, unite(b, a));
		ASSERT_EQ(unite(ab, c), unite(a, unite(b, c)));
		ASSERT_EQ(a, unite(a, a));
		ASSERT_EQ(ab, unite(ab, a));
		ASSERT_EQ(ab, unite(ab, b));
	}
}

TEST(Union, TheEmptySetIsNeutral)
{
	Random random(42);

	for (int i = 0; i < 200; i++)
	{
		Built a = random_set(random);

		if (a.hashes.empty())
			continue;
		for (int p = kMinPrecision; p <= kMaxPrecision; p++)
			for (bool compact : {false, true})
			{
				ASSERT_EQ(a.bytes, unite(a.bytes, empty(p, compact)));
				ASSERT_EQ(a.bytes, unite(empty(p, compact), a.bytes));
			}
	}
}

TEST(Union, OperandsNeedNoAlignment)
{
	Random random(43);
	Built a = random_set(random);
	Built b = random_set(random);
	Bytes shifted = {0};

	shifted.insert(shifted.end(), b.bytes.begin(), b.bytes.end());

	HllsetBytes odd = {shifted.data() + 1, b.bytes.size()};
	Outcome made = outcome(a.bytes, [&](HllsetPlan *plan) {
		return hllset_core_plan_combine(plan, HLLSET_UNION, door(a.bytes), odd);
	});

	require(made.status);
	EXPECT_EQ(unite(a.bytes, b.bytes), made.bytes);
}

static HllsetOp
random_op(Random &random)
{
	return kOps[random() % std::size(kOps)];
}

/* Combines, and compares with the model. False if both refuse. */
static bool
expect_model(HllsetOp op, ModelValue &value, Bytes &bytes, const ModelValue &other,
			 const Bytes &other_bytes)
{
	ModelValue wanted = combine_model(op, value, other);
	Outcome made = try_combine(op, bytes, other_bytes);

	EXPECT_EQ(wanted.refused ? HLLSET_TOO_MANY_SOURCES : HLLSET_OK, made.status);
	if (wanted.refused || made.status != HLLSET_OK)
		return false;
	EXPECT_EQ(wanted.bytes(), made.bytes);
	EXPECT_EQ(HLLSET_OK, check(made.bytes));
	value = wanted;
	bytes = made.bytes;
	return true;
}

/*
 * Random programmes over some sets of any precision and form, empty and small ones among them: operations and folds. Every other one
 * takes many large sets in turn, so that samples are made. Each step gives the bytes of the model, or is refused where the model
 * has no tokens.
 */
TEST(Algebra, AgreesWithTheModel)
{
	Random random(130);
	size_t expressions = 0;
	size_t samples = 0;
	size_t refused = 0;

	for (int trial = 0; trial < 160; trial++)
	{
		std::vector<ModelValue> values;
		std::vector<Bytes> bytes;
		int finest = 4 + trial % 3;
		bool mixed = trial % 4 == 0;
		bool many = trial % 2 == 1;
		uint64_t forms = trial % 10 == 1 ? 4 : many ? 1000 : 8;

		for (const Hashes &hashes : overlapping_hashes(random, many ? 10 : 2 + random() % 7,
													   size_t{1} << (many ? 8 : random() % 9)))
		{
			int p = finest - (mixed ? static_cast<int>(random() % 3) % (finest - 3) : 0);

			values.push_back(set_model(hashes, p, random() % forms == 0));
			bytes.push_back(values.back().bytes());
		}

		ModelValue value = values[0];
		Bytes made = bytes[0];

		for (int step = 0; step < 12; step++)
		{
			size_t other = many ? (step + 1) % 10 : random() % values.size();

			if (random() % 12 == 0 && value.precision > 4)
			{
				ModelValue folded = fold_model(value, value.precision - 1);

				ASSERT_EQ(folded.bytes(), convert(made, value.precision - 1));
				value = folded;
				made = folded.bytes();
			}
			else if (!expect_model(random_op(random), value, made, values[other], bytes[other]))
			{
				refused++;
				break;
			}
			ASSERT_FALSE(HasFailure()) << "trial " << trial << " step " << step;
			expressions += value.sources.size() > 1;
			samples += value.is_sample();
			/* both sides of a later operation may be made of many */
			if (!many && random() % 3 == 0)
			{
				values.push_back(value);
				bytes.push_back(made);
				value = values[other];
				made = bytes[other];
			}
		}
	}
	EXPECT_GT(expressions, 500u);
	EXPECT_GT(samples, 100u);
	EXPECT_GT(refused, 2u);
}

/* A value of a random tree over eight sets, and the elements that are really in it. */
struct Exact
{
	Bytes bytes;
	std::set<uint64_t> elements;
};

static Exact
random_tree(Random &random, const std::vector<Exact> &leaves, int depth)
{
	if (depth == 0 || random() % 8 == 0)
		return leaves[random() % leaves.size()];

	HllsetOp op = random_op(random);
	Exact a = random_tree(random, leaves, depth - 1);
	Exact b = random_tree(random, leaves, depth - 1);
	Exact made = {combine(op, a.bytes, b.bytes), {}};
	std::set<uint64_t> all = a.elements;

	all.insert(b.elements.begin(), b.elements.end());
	for (uint64_t element : all)
		if (apply_model(op, a.elements.contains(element), b.elements.contains(element)))
			made.elements.insert(element);
	return made;
}

TEST(Algebra, OfSmallSetsIsExact)
{
	Random random(131);
	std::vector<Exact> leaves;

	for (int trial = 0; trial < 10000; trial++)
	{
		int p = 6 + trial / 100 % 3;
		bool compact = trial / 100 % 2 == 0;

		if (trial % 100 == 0)
		{
			leaves.clear();
			/* so few elements that the union of all is small */
			for (Hashes &hashes : overlapping_hashes(random, 8, list_limit(p) / 2))
			{
				hashes.resize(std::min<size_t>(hashes.size(), list_limit(p) / 8));
				leaves.push_back({set_of(hashes, p, compact), {hashes.begin(), hashes.end()}});
			}
		}

		Exact made = random_tree(random, leaves, 1 + trial % 4);

		ASSERT_EQ(set_of(Hashes(made.elements.begin(), made.elements.end()), p, compact),
				  made.bytes);
		ASSERT_EQ(made.elements.size(), estimate(made.bytes).cardinality);
	}
}

TEST(Algebra, OperandsOfDifferentPrecisionMeetAtTheCoarserOne)
{
	Random random(136);

	for (int trial = 0; trial < 60; trial++)
	{
		Bytes fine = sets_of(random, 1, 9, trial % 2 == 0, 2000)[0];
		Bytes coarse = sets_of(random, 1, 6, trial % 3 == 0, 2000)[0];

		for (HllsetOp op : kOps)
		{
			ASSERT_EQ(combine(op, convert(fine, 6), coarse), combine(op, fine, coarse));
			ASSERT_EQ(combine(op, coarse, convert(fine, 6)), combine(op, coarse, fine));
			ASSERT_EQ(6, info(combine(op, fine, coarse)).precision);
		}
		/* an expression is folded, source by source */
		Bytes both = intersect(fine, sets_of(random, 1, 9, false, 2000)[0]);

		ASSERT_EQ(unite(convert(both, 6), coarse), unite(both, coarse));
		ASSERT_EQ(convert(both, 5), convert(convert(both, 7), 5));
	}
}

/* Values of every kind and form, of precision 6. */
static std::vector<Bytes>
values_of_every_kind(Random &random)
{
	std::vector<Bytes> large = sets_of(random, 3, 6, false, 200);
	Bytes compact = sets_of(random, 1, 6, true, 200)[0];
	Bytes unseen = sample(subtract(large[0], large[1]));

	/* a sample whose tokens are gone: it is no empty set */
	unseen = subtract(unseen, unseen);
	EXPECT_EQ(HLLSET_SAMPLE, info(unseen).kind);
	return {large[0],
			compact,
			set_of({1, 2, 3}, 6),
			set_of({1, 2, 3}, 6, true),
			intersect(large[0], large[1]),
			subtract(intersect(large[0], compact), large[2]),
			sample(large[0]),
			unseen};
}

/* The empty set of any precision and form leaves a value of any kind as it is, or nothing of it. */
TEST(Algebra, TheEmptySetHasNothingToLose)
{
	Random random(137);

	for (const Bytes &value : values_of_every_kind(random))
		for (int p = kMinPrecision; p <= kMaxPrecision; p++)
			for (bool compact : {false, true})
			{
				Bytes none = empty(p, compact);
				Bytes nothing = empty(6, info(value).compact);

				EXPECT_EQ(value, unite(value, none));
				EXPECT_EQ(value, unite(none, value));
				EXPECT_EQ(value, differ(value, none));
				EXPECT_EQ(value, differ(none, value));
				EXPECT_EQ(value, subtract(value, none));
				EXPECT_EQ(nothing, subtract(none, value));
				EXPECT_EQ(nothing, intersect(value, none));
				EXPECT_EQ(nothing, intersect(none, value));
				EXPECT_TRUE(try_combine(HLLSET_UNION, value, none).itself);
			}
}

TEST(Algebra, OfEmptySetsTheFinestStays)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
		for (int q = kMinPrecision; q <= kMaxPrecision; q++)
			for (int forms = 0; forms < 4; forms++)
				for (HllsetOp op : kOps)
					ASSERT_EQ(empty(std::max(p, q), forms == 3),
							  combine(op, empty(p, forms % 2 == 1), empty(q, forms / 2 == 1)));
}

/* What is left of operands that have elements has the coarsest precision and form, as if it had some. */
TEST(Algebra, OperandsWithoutACommonElement)
{
	Bytes fine = set_of({1, 2}, 9);
	Bytes coarse = set_of({3, 4}, 5, true);

	EXPECT_EQ(empty(5, true), intersect(fine, coarse));
	EXPECT_EQ(empty(5, true), intersect(coarse, fine));
	EXPECT_EQ(empty(5, true), subtract(set_of({3}, 9), coarse));
	EXPECT_EQ(empty(9), subtract(fine, fine));
	EXPECT_EQ(empty(5, true), differ(set_of({3, 4}, 9), coarse));
}

/* A compact set that an expression no longer holds leaves it graded. */
TEST(Algebra, WhatIsDroppedLeavesNoTrace)
{
	Random random(138);
	std::vector<Bytes> s = sets_of(random, 2, 6, false, 200);
	Bytes compact = sets_of(random, 1, 6, true, 200)[0];
	Bytes graded = intersect(s[0], s[1]);
	Bytes gone = intersect(graded, unite(intersect(graded, compact), subtract(graded, compact)));

	EXPECT_EQ(graded, gone);
	EXPECT_FALSE(info(gone).compact);
}

} // namespace hllset::test
