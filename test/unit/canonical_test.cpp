/* SPDX-License-Identifier: PostgreSQL */
/*
 * The one idea: a set of elements has one byte string, however it came about. Random sets are built in another order, with
 * duplicates, in parts of other precisions and forms, united in trees, folded in steps, and compared with the model.
 */
#include <gtest/gtest.h>

#include <algorithm>

#include "model.hpp"

namespace hllset::test
{

struct Case
{
	int precision;
	bool compact;
	Hashes hashes;
	Bytes wanted;
};

static Case
random_case(Random &random)
{
	Case test;
	size_t count = 1 + random() % (uint64_t{1} << (random() % 15));

	test.precision = kMinPrecision + static_cast<int>(random() % 10);
	test.compact = random() % 3 == 0;
	test.hashes = random_hashes(random, count, kSpreads[random() % std::size(kSpreads)]);
	test.wanted = model_of(test.hashes, test.precision, test.compact);
	return test;
}

/*
 * Overlapping parts that together are all elements, each of a precision and form that the whole may have been made of. Some are empty, but not
 * the one of the whole's own precision and form: it would have no say (empty_test.cpp).
 */
static std::vector<Aggregate>
random_parts(Random &random, const Case &test)
{
	std::vector<Aggregate> parts;
	size_t count = 1 + random() % 6;

	for (size_t i = 0; i < count; i++)
	{
		bool exact = i == 0;
		int finer = static_cast<int>(random() % static_cast<uint64_t>(16 - test.precision));

		parts.emplace_back(test.precision + (exact ? 0 : finer),
						   test.compact && (exact || random() % 2 == 0));
	}
	parts[0].add(test.hashes[0]);
	for (uint64_t hash : test.hashes)
	{
		parts[random() % count].add(hash);
		if (random() % 4 == 0)
			parts[random() % count].add(hash);
	}
	return parts;
}

TEST(Canonical, OrderAndDuplicates)
{
	Random random(60);

	for (int i = 0; i < 250; i++)
	{
		Case test = random_case(random);
		Hashes again = test.hashes;

		again.insert(again.end(), test.hashes.begin(), test.hashes.end());
		ASSERT_EQ(test.wanted, set_of(test.hashes, test.precision, test.compact));
		std::sort(again.begin(), again.end());
		ASSERT_EQ(test.wanted, set_of(again, test.precision, test.compact));
		std::reverse(again.begin(), again.end());
		ASSERT_EQ(test.wanted, set_of(again, test.precision, test.compact));
		std::shuffle(again.begin(), again.end(), random);
		ASSERT_EQ(test.wanted, set_of(again, test.precision, test.compact));
	}
}

/* Two values are taken at random and replaced by their union until one is left. */
TEST(Canonical, UnionTrees)
{
	Random random(61);

	for (int i = 0; i < 250; i++)
	{
		Case test = random_case(random);
		std::vector<Bytes> values;

		for (const Aggregate &part : random_parts(random, test))
			values.push_back(part.encode());
		while (values.size() > 1)
		{
			std::shuffle(values.begin(), values.end(), random);

			Bytes last = values.back();

			values.pop_back();
			values.back() = unite(values.back(), last);
		}
		ASSERT_EQ(test.wanted, values[0])
			<< test.precision << " " << test.compact << " " << test.hashes.size();
	}
}

TEST(Canonical, AccumulatorOfValues)
{
	Random random(62);

	for (int i = 0; i < 250; i++)
	{
		Case test = random_case(random);
		std::vector<Aggregate> parts = random_parts(random, test);
		Aggregate whole(random() % 2 == 0 ? kMaxPrecision : test.precision);

		std::shuffle(parts.begin(), parts.end(), random);
		for (const Aggregate &part : parts)
			whole.unite(part.encode());
		ASSERT_EQ(test.wanted, whole.encode())
			<< test.precision << " " << test.compact << " " << test.hashes.size();
	}
}

TEST(Canonical, AccumulatorsMerged)
{
	Random random(63);

	for (int i = 0; i < 250; i++)
	{
		Case test = random_case(random);
		std::vector<Aggregate> parts = random_parts(random, test);

		while (parts.size() > 1)
		{
			std::shuffle(parts.begin(), parts.end(), random);
			parts[parts.size() - 2].merge(parts.back());
			parts.pop_back();
		}
		ASSERT_EQ(test.wanted, parts[0].encode())
			<< test.precision << " " << test.compact << " " << test.hashes.size();
	}
}

/* Elements, stored values and other accumulators into one accumulator, in any mixture. */
TEST(Canonical, AccumulatorOfEverything)
{
	Random random(64);

	for (int i = 0; i < 250; i++)
	{
		Case test = random_case(random);
		std::vector<Aggregate> parts = random_parts(random, test);
		Aggregate whole(test.precision);

		for (const Aggregate &part : parts)
		{
			for (size_t k = 0; k < test.hashes.size() && k < 50; k++)
				whole.add(test.hashes[random() % test.hashes.size()]);
			if (random() % 2 == 0)
				whole.merge(part);
			else
				whole.unite(part.encode());
		}
		ASSERT_EQ(test.wanted, whole.encode())
			<< test.precision << " " << test.compact << " " << test.hashes.size();
	}
}

TEST(Canonical, ElementsAddedToValues)
{
	Random random(65);

	for (int i = 0; i < 60; i++)
	{
		Case test = random_case(random);
		Bytes set = empty(test.precision, test.compact);

		test.hashes.resize(std::min<size_t>(test.hashes.size(), 150));
		for (uint64_t hash : test.hashes)
			set = add(set, hash);
		ASSERT_EQ(model_of(test.hashes, test.precision, test.compact), set);
	}
}

TEST(Canonical, FoldPathsFromTheFinestPrecision)
{
	Random random(66);

	for (int i = 0; i < 40; i++)
	{
		Case test = random_case(random);
		Bytes set = set_of(test.hashes, kMaxPrecision);

		for (int p = kMaxPrecision; p > test.precision;)
		{
			p -= 1 + static_cast<int>(random() % static_cast<uint64_t>(p - test.precision));
			set = convert(set, p);
		}
		ASSERT_EQ(test.wanted,
				  convert(set, test.precision, test.compact ? HLLSET_COMPACT : HLLSET_GRADED));
	}
}

} // namespace hllset::test
