/* SPDX-License-Identifier: PostgreSQL */
/* What is done to one value or asked of it: folding, forms, adding, membership, the bit matrix; for sets, expressions and samples. */
#include "core/value.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "algebra_model.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

TEST(Convert, FoldIsTheSetBuiltAtThatPrecision)
{
	Random random(44);

	for (int i = 0; i < 200; i++)
	{
		Built a = random_set(random, 13);

		for (int p = kMinPrecision; p <= a.precision; p++)
			ASSERT_EQ(model_of(a.hashes, p, a.compact), convert(a.bytes, p))
				<< a.precision << " to " << p;
	}
}

TEST(Convert, FoldTakesAnyPath)
{
	Random random(45);

	for (int i = 0; i < 200; i++)
	{
		Built a = random_set(random, 14);
		Bytes stepwise = a.bytes;
		int p = a.precision;

		while (p > 4)
		{
			p -= 1 + static_cast<int>(random() % 3);
			p = std::max(p, 4);
			stepwise = convert(stepwise, p);
			ASSERT_EQ(convert(a.bytes, p), stepwise);
		}
	}
}

TEST(Convert, FoldOfAUnionIsTheUnionOfFolds)
{
	Random random(46);

	for (int i = 0; i < 300; i++)
	{
		Built a = random_set(random);
		Built b = random_set(random);
		int p = 4 + static_cast<int>(random() %
									 static_cast<uint64_t>(std::min(a.precision, b.precision) - 3));

		ASSERT_EQ(convert(unite(a.bytes, b.bytes), p),
				  unite(convert(a.bytes, p), convert(b.bytes, p)));
	}
}

TEST(Convert, GradedIntoCompactPoursTheTokens)
{
	Random random(47);

	for (int i = 0; i < 200; i++)
	{
		Built a = random_set(random);
		int p = 4 + static_cast<int>(random() % static_cast<uint64_t>(a.precision - 3));

		ASSERT_EQ(model_of(a.hashes, p, true), convert(a.bytes, p, HLLSET_COMPACT));
		ASSERT_EQ(convert(convert(a.bytes, p), p, HLLSET_COMPACT),
				  convert(a.bytes, p, HLLSET_COMPACT));
	}
}

TEST(Convert, NothingToDoHandsBackTheOperand)
{
	Bytes graded = empty(10);
	Bytes compact = empty(10, true);

	EXPECT_TRUE(try_convert(graded, 10).itself);
	EXPECT_TRUE(try_convert(graded, 10, HLLSET_GRADED).itself);
	EXPECT_TRUE(try_convert(compact, 10).itself);
	EXPECT_TRUE(try_convert(compact, 10, HLLSET_COMPACT).itself);
	EXPECT_FALSE(try_convert(graded, 10, HLLSET_COMPACT).itself);
	EXPECT_FALSE(try_convert(graded, 9).itself);
}

TEST(Add, IsTheSetWithTheElement)
{
	Random random(48);

	for (int i = 0; i < 150; i++)
	{
		Built a = random_set(random, 8);

		for (uint64_t hash : random_hashes(random, 8, kSpreads[random() % std::size(kSpreads)]))
		{
			a.hashes.push_back(hash);
			a.bytes = add(a.bytes, hash);
			ASSERT_EQ(model_of(a.hashes, a.precision, a.compact), a.bytes);
		}
	}
}

TEST(Add, OfAnElementThatIsThereHandsBackTheOperand)
{
	Random random(49);

	for (int i = 0; i < 100; i++)
	{
		Built a = random_set(random, 8);

		for (size_t k = 0; k < a.hashes.size(); k += 1 + a.hashes.size() / 20)
		{
			Outcome again = try_add(a.bytes, a.hashes[k]);

			ASSERT_EQ(HLLSET_OK, again.status);
			ASSERT_TRUE(again.itself);
			ASSERT_EQ(a.bytes, again.bytes);
		}
	}
}

/* True for what was added; false exactly when adding would change the bytes. */
TEST(MayContain, SaysWhetherTheElementWouldChangeTheSet)
{
	Random random(50);

	for (int i = 0; i < 150; i++)
	{
		Built a = random_set(random);

		for (size_t k = 0; k < a.hashes.size(); k += 1 + a.hashes.size() / 30)
			ASSERT_TRUE(may_contain(a.bytes, a.hashes[k]));
		for (uint64_t hash : random_hashes(random, 30, kSpreads[random() % std::size(kSpreads)]))
			ASSERT_EQ(add(a.bytes, hash) == a.bytes, may_contain(a.bytes, hash));
	}
	EXPECT_FALSE(may_contain(empty(12), 0));
}

TEST(Bits, IsTheMatrixWithTheTokensInIt)
{
	Random random(51);

	for (int i = 0; i < 150; i++)
	{
		Built a = random_set(random);
		std::vector<uint32_t> words(buckets(a.precision));
		std::vector<uint32_t> wanted(buckets(a.precision));

		for (uint64_t hash : a.hashes)
		{
			auto [level, address] = coupon_model(hash);

			wanted[address % wanted.size()] |= 1u << level;
		}
		require(hllset_core_bits(door(a.bytes), words.data()));
		ASSERT_EQ(wanted, words);
	}
}

/* A random expression or sample over sets of one precision, with the hashes that are in each. */
struct Combined
{
	ModelValue value;
	Bytes bytes;
	std::vector<Hashes> hashes;
	std::vector<HllsetOp> ops;

	/* The operations on the real sets. */
	bool
	has(uint64_t hash) const
	{
		auto in = [&](size_t i) {
			return std::find(hashes[i].begin(), hashes[i].end(), hash) != hashes[i].end();
		};
		bool result = in(0);

		for (size_t i = 1; i < hashes.size(); i++)
			result = apply_model(ops[i - 1], result, in(i));
		return result;
	}
};

static Combined
random_combined(Random &random, size_t sources, int precision)
{
	Combined made;

	made.hashes = overlapping_hashes(random, sources, size_t{3} << precision);
	for (size_t i = 0; i < sources; i++)
	{
		ModelValue set = set_model(made.hashes[i], precision, false);

		if (i == 0)
			made.value = set;
		else
		{
			made.ops.push_back(kOps[random() % std::size(kOps)]);
			made.value = combine_model(made.ops.back(), made.value, set);
		}
	}
	made.bytes = made.value.bytes();
	return made;
}

TEST(Convert, OfExpressionsAndSamples)
{
	Random random(150);
	Bytes a = set_of(random_hashes(random, 500), 6);
	Bytes b = set_of(random_hashes(random, 500), 6);
	Bytes compact = intersect(a, convert(b, 6, HLLSET_COMPACT));

	for (const Bytes &value : {intersect(a, b), sample(a)})
	{
		EXPECT_TRUE(try_convert(value, 6).itself);
		EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(value, 6, HLLSET_COMPACT).status);
		EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(value, 6, HLLSET_GRADED).status);
		EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(value, 4, HLLSET_COMPACT).status);
		EXPECT_EQ(HLLSET_RAISES_PRECISION, try_convert(value, 7).status);
		EXPECT_EQ(HLLSET_BAD_PRECISION, try_convert(value, 3).status);
		for (int p = 4; p < 6; p++)
		{
			Bytes folded = convert(value, p);

			EXPECT_EQ(HLLSET_OK, check(folded));
			EXPECT_EQ(p, info(folded).precision);
			EXPECT_EQ(info(value).kind, info(folded).kind);
		}
	}
	EXPECT_TRUE(try_convert(compact, 6).itself);
	EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(compact, 6, HLLSET_GRADED).status);
	EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(compact, 5, HLLSET_GRADED).status);
	EXPECT_TRUE(info(convert(compact, 5)).compact);
	/* a fold may make sources equal, and nothing is left */
	EXPECT_EQ(HLLSET_SET, info(convert(subtract(a, a), 4)).kind);
}

TEST(Add, ToAnExpressionIsAnotherSource)
{
	Random random(151);

	for (int trial = 0; trial < 60; trial++)
	{
		Combined any = random_combined(random, 2 + random() % 7, 4 + trial % 3);
		bool compact = any.value.compact;

		for (int i = 0; i < 3; i++)
		{
			uint64_t hash = random_hashes(random, 1, kSpreads[random() % std::size(kSpreads)])[0];
			ModelValue with = combine_model(HLLSET_UNION, any.value,
											set_model({hash}, any.value.precision, compact));
			Outcome made = try_add(any.bytes, hash);

			ASSERT_EQ(with.refused ? HLLSET_TOO_MANY_SOURCES : HLLSET_OK, made.status);
			if (with.refused)
				continue;
			ASSERT_EQ(with.bytes(), made.bytes);
			ASSERT_TRUE(may_contain(made.bytes, hash));
			any.value = with;
			any.bytes = made.bytes;
		}
	}
}

TEST(Add, ToACompactExpression)
{
	Random random(152);
	Bytes a = set_of(random_hashes(random, 500), 6, true);
	Bytes b = set_of(random_hashes(random, 500), 6, true);
	Bytes with = add(intersect(a, b), 17);

	EXPECT_EQ(unite(intersect(a, b), set_of({17}, 6, true)), with);
	EXPECT_EQ(3, info(with).sources);
	EXPECT_TRUE(may_contain(with, 17));
	/* the elements that are added are one source */
	EXPECT_EQ(3, info(add(with, 18)).sources);
	EXPECT_EQ(add(add(intersect(a, b), 18), 17), add(with, 18));
}

/* What is in an expression of up to six sets is never said to be outside; most of what is not, is. */
TEST(MayContain, IsCertainOfWhatIsOutsideAnExpression)
{
	Random random(153);
	size_t inside = 0;

	for (int trial = 0; trial < 100; trial++)
	{
		Combined any = random_combined(random, 2 + random() % 5, 5);

		for (const Hashes &hashes : any.hashes)
			for (size_t k = 0; k < hashes.size(); k += 3)
				if (any.has(hashes[k]))
				{
					ASSERT_TRUE(may_contain(any.bytes, hashes[k])) << trial;
					inside++;
				}
	}
	EXPECT_GT(inside, 1000u);
}

TEST(MayContain, LooksAtEverySource)
{
	Random random(154);
	Hashes common = random_hashes(random, 2000);
	Hashes left = random_hashes(random, 2000);
	Hashes right = random_hashes(random, 2000);
	size_t wrong = 0;

	left.insert(left.end(), common.begin(), common.end());
	right.insert(right.end(), common.begin(), common.end());

	Bytes a = set_of(left, 12);
	Bytes b = set_of(right, 12);

	for (size_t i = 0; i < 300; i++)
	{
		EXPECT_TRUE(may_contain(intersect(a, b), common[i]));
		EXPECT_TRUE(may_contain(subtract(a, b), left[i]));
		EXPECT_TRUE(may_contain(differ(a, b), right[i]));
		/* a set bit of b may be another element's */
		EXPECT_TRUE(may_contain(subtract(a, b), common[i]));
		wrong += may_contain(intersect(a, b), left[i]);
		wrong += may_contain(subtract(a, b), right[i]);
	}
	EXPECT_LT(wrong, 2 * 300 * 0.5);
	/* small sets are exact */
	a = set_of(Hashes(left.begin(), left.begin() + 100), 12);
	b = set_of(Hashes(left.begin() + 50, left.begin() + 150), 12);
	for (size_t i = 0; i < 200; i++)
		EXPECT_EQ(i >= 50 && i < 100, may_contain(intersect(a, b), left[i]));
}

/* Below its L0 a sample knows nothing; above, its tokens. */
TEST(MayContain, OfASample)
{
	Random random(155);

	for (int trial = 0; trial < 24; trial++)
	{
		Combined any = random_combined(random, 8, 4 + trial % 3);
		HllsetInfo told = info(any.bytes);

		if (told.kind != HLLSET_SAMPLE)
			continue;
		for (uint64_t hash : random_hashes(random, 50, Spread::few_addresses))
		{
			auto [level, address] = coupon_model(hash);
			Pair token = {level, address % (1u << (told.precision + 8))};

			ASSERT_EQ(level < told.level0 || any.value.sources[0].coupons.contains(token),
					  may_contain(any.bytes, hash));
		}
		/* an intersection of sets has the tokens of all that is in all of them */
		Bytes all = sample(set_of(any.hashes[0], 6));

		for (uint64_t hash : any.hashes[0])
			ASSERT_TRUE(may_contain(all, hash));
	}
}

TEST(Info, OfExpressions)
{
	Random random(156);

	for (int trial = 0; trial < 40; trial++)
	{
		Combined any = random_combined(random, 2 + random() % 5, 4 + trial % 3);
		HllsetInfo told = info(any.bytes);
		int level0 = 0;
		size_t tokens = 0;
		size_t ones = 0;

		if (any.value.sources.size() < 2)
			continue;
		for (const ModelSource &source : any.value.sources)
		{
			ModelState state = source.state();

			level0 = std::max(level0, state.level0);
			tokens += state.tokens.size();
			ones += state.matrix.size();
		}
		EXPECT_EQ(HLLSET_EXPRESSION, told.kind);
		EXPECT_EQ(1, told.version);
		EXPECT_EQ(1, told.hash_id);
		EXPECT_EQ(any.value.precision, told.precision);
		EXPECT_EQ(any.value.sources.size(), static_cast<size_t>(told.sources));
		EXPECT_EQ(level0, told.level0);
		EXPECT_EQ(tokens, told.tokens);
		EXPECT_EQ(ones, told.set_bits);
		EXPECT_FALSE(told.compact);
		EXPECT_FALSE(told.saturated);
	}
}

TEST(Info, OfSamples)
{
	Random random(157);
	Bytes set = set_of(random_hashes(random, 5000), 8);
	HllsetInfo told = info(sample(set));

	EXPECT_EQ(HLLSET_SAMPLE, told.kind);
	EXPECT_EQ(8, told.precision);
	EXPECT_EQ(1, told.sources);
	EXPECT_EQ(info(set).level0, told.level0);
	EXPECT_EQ(info(set).tokens, told.tokens);
	EXPECT_EQ(0u, told.set_bits);
	EXPECT_FALSE(told.compact);
}

/* The estimate of a sample is its tokens at its rate. */
TEST(EstimateOf, Samples)
{
	Random random(158);

	for (int trial = 0; trial < 50; trial++)
	{
		Bytes value = sample(set_of(random_hashes(random, 3000 + random() % 20000), 8));
		HllsetInfo told = info(value);
		HllsetEstimate made = estimate(value);

		EXPECT_EQ(std::ldexp(told.tokens, told.level0), made.cardinality);
		EXPECT_EQ(0, made.least);
		EXPECT_EQ(HLLSET_SAMPLED, made.law);
	}
}

} // namespace hllset::test
