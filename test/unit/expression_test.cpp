/* SPDX-License-Identifier: PostgreSQL */
/* The bytes of expressions and samples: written as docs/format.md says, reduced, and what a reader refuses. */
#include "core/expression.hpp"

#include <gtest/gtest.h>

#include "algebra_model.hpp"
#include "random_sets.hpp"

namespace hllset::test
{

/* An expression from its parts, whether or not a reader takes it. */
static Bytes
raw(int precision, bool compact, const std::vector<bool> &table, const std::vector<Bytes> &sources)
{
	Bytes bytes = {1, static_cast<uint8_t>(compact ? 0x12 : 0x02), static_cast<uint8_t>(precision),
				   1, static_cast<uint8_t>(sources.size())};
	BitString bits;

	for (bool bit : table)
		bits.put(bit, 1);
	bits.append_to(bytes);
	for (const Bytes &source : sources)
	{
		for (int i = 0; i < 4; i++)
			bytes.push_back(static_cast<uint8_t>(source.size() >> (8 * i)));
		bytes.insert(bytes.end(), source.begin(), source.end());
	}
	return bytes;
}

/* So many distinct large sets, in the order of their bytes. */
static std::vector<Bytes>
sorted_sets(Random &random, size_t count, int precision, bool compact = false)
{
	std::vector<Bytes> sets;

	for (const Hashes &hashes : overlapping_hashes(random, count, size_t{2} << precision))
		sets.push_back(set_of(hashes, precision, compact));
	std::sort(sets.begin(), sets.end());
	return sets;
}

static const std::vector<bool> kBoth = {false, false, false, true};
static const std::vector<bool> kFirstOnly = {false, true, false, false};

TEST(Expression, WrittenByHand)
{
	Random random(110);
	std::vector<Bytes> sets = sorted_sets(random, 2, 5);

	EXPECT_EQ(raw(5, false, kBoth, sets), intersect(sets[0], sets[1]));
	EXPECT_EQ(raw(5, false, kBoth, sets), intersect(sets[1], sets[0]));
	EXPECT_EQ(raw(5, false, kFirstOnly, sets), subtract(sets[0], sets[1]));
	EXPECT_EQ(raw(5, false, {false, false, true, false}, sets), subtract(sets[1], sets[0]));
	EXPECT_EQ(raw(5, false, {false, true, true, false}, sets), differ(sets[0], sets[1]));
	sets = sorted_sets(random, 2, 5, true);
	EXPECT_EQ(raw(5, true, kBoth, sets), intersect(sets[0], sets[1]));
}

/* The number of sources that remain of well-known forms. */
TEST(Expression, IsReduced)
{
	Random random(111);
	std::vector<Bytes> s = sorted_sets(random, 5, 6);
	auto sources = [](const Bytes &value) {
		return info(value).kind == HLLSET_EXPRESSION ? info(value).sources : 1;
	};

	EXPECT_EQ(2, sources(intersect(s[0], s[1])));
	EXPECT_EQ(2, sources(subtract(subtract(s[0], s[1]), s[2])));
	EXPECT_EQ(2, sources(unite(intersect(s[0], s[1]), intersect(s[0], s[2]))));
	EXPECT_EQ(3, sources(unite(unite(unite(intersect(s[0], s[1]), s[2]), s[3]), s[4])));
	EXPECT_EQ(3, sources(subtract(unite(s[0], s[1]), intersect(s[2], s[3]))));
	EXPECT_EQ(2, sources(unite(subtract(s[0], s[1]), subtract(s[1], s[0]))));
	EXPECT_EQ(s[0], unite(intersect(s[0], s[1]), subtract(s[0], s[1])));
	EXPECT_EQ(4, sources(intersect(intersect(intersect(s[0], s[1]), s[2]), s[3])));
	EXPECT_EQ(4, sources(unite(intersect(s[0], s[1]), intersect(s[2], s[3]))));
	EXPECT_EQ(empty(6), subtract(s[0], s[0]));
	EXPECT_EQ(empty(6), subtract(intersect(s[0], s[1]), s[0]));
}

/* Every table over two and three sources: taken if it is in the canonical form, and only then. */
TEST(Expression, EveryTableIsTakenOrRefused)
{
	Random random(112);

	for (size_t count : {2, 3})
	{
		std::vector<ModelSource> sources;
		std::vector<Bytes> sets;
		size_t accepted = 0;

		for (const Hashes &hashes : overlapping_hashes(random, count, 100))
			sources.push_back(set_model(hashes, 4, false).sources[0]);
		std::sort(sources.begin(), sources.end(),
				  [](const ModelSource &a, const ModelSource &b) { return a.bytes() < b.bytes(); });
		for (const ModelSource &source : sources)
			sets.push_back(source.bytes());
		for (uint32_t word = 0; word < 1u << (1u << count); word++)
		{
			std::vector<bool> table;

			for (uint32_t x = 0; x < 1u << count; x++)
				table.push_back((word >> x & 1) != 0);

			std::vector<ModelSource> reduced = sources;
			std::vector<bool> rest = table;

			Reduction(reduced, rest).run();

			bool canonical = !table[0] && reduced.size() == count;

			ASSERT_EQ(canonical ? HLLSET_OK : HLLSET_BAD_EXPRESSION,
					  check(raw(4, false, table, sets)))
				<< word;
			accepted += canonical;
		}
		/* of two sources: a & b, a - b, b - a, a # b */
		EXPECT_EQ(count == 2 ? 4u : 96u, accepted);
	}
}

/* Random tables of up to six sources, most of them canonical, and mostly not when a source is used like another. */
TEST(Expression, RandomTablesAreTakenOrRefused)
{
	Random random(113);

	for (int trial = 0; trial < 600; trial++)
	{
		size_t count = 4 + random() % 3;
		std::vector<bool> table(size_t{1} << count);
		std::vector<Bytes> sets;
		std::vector<ModelSource> sources;

		for (const Hashes &hashes : overlapping_hashes(random, count, 30))
			sources.push_back(set_model(hashes, 4, random() % 4 == 0).sources[0]);
		std::sort(sources.begin(), sources.end(),
				  [](const ModelSource &a, const ModelSource &b) { return a.bytes() < b.bytes(); });
		for (size_t x = 1; x < table.size(); x++)
			table[x] = random() % 2 == 0;
		if (trial % 3 == 0)
			for (size_t x = 0; x < table.size(); x++)
				table[x] = table[x & ~(size_t{1} << trial / 3 % count)];
		if (trial % 3 == 1)
			for (size_t x = 0; x < table.size(); x++)
				if ((x & 3) != 0)
					table[x] = table[x | 3];

		bool compact = false;
		bool small = true;

		for (const ModelSource &source : sources)
		{
			sets.push_back(source.bytes());
			compact = compact || source.compact;
			small = small && source.state().level0 == 0;
		}

		std::vector<ModelSource> reduced = sources;
		std::vector<bool> rest = table;

		Reduction(reduced, rest).run();

		bool canonical = !small && reduced.size() == count;
		Bytes value = raw(4, compact, table, sets);

		ASSERT_EQ(canonical ? HLLSET_OK : HLLSET_BAD_EXPRESSION, check(value)) << trial;
		ASSERT_EQ(HLLSET_BAD_EXPRESSION, check(raw(4, !compact, table, sets)));
		if (canonical)
		{
			ASSERT_EQ(value, unite(value, value));
			ASSERT_EQ(value, intersect(value, value));
		}
	}
}

class ExpressionRefusal : public testing::Test
{
protected:
	Random random{114};
	std::vector<Bytes> sets = sorted_sets(random, 6, 6);

	/* What stands in place of one of two sources that are fine together. */
	void
	expect_second(HllsetStatus status, const Bytes &other)
	{
		Bytes first = sets[0];
		Bytes second = other;

		if (second < first)
			std::swap(first, second);
		EXPECT_EQ(status, check(raw(6, false, kBoth, {first, second})));
	}
};

TEST_F(ExpressionRefusal, NumberOfSources)
{
	Bytes value = raw(6, false, kBoth, {sets[0], sets[1]});

	ASSERT_EQ(HLLSET_OK, check(value));
	for (int count : {0, 1, 7, 8, 255})
	{
		value[4] = static_cast<uint8_t>(count);
		EXPECT_EQ(HLLSET_BAD_COUNT, check(value));
	}
	/* as many sources as there are, but another number said */
	for (int count : {3, 6})
	{
		value[4] = static_cast<uint8_t>(count);
		EXPECT_NE(HLLSET_OK, check(value));
	}
}

TEST_F(ExpressionRefusal, TableOfNothingAndPadding)
{
	Bytes value = raw(6, false, kBoth, {sets[0], sets[1]});

	for (int bit : {0, 4, 5, 6, 7})
	{
		Bytes spoilt = value;

		spoilt[5] = static_cast<uint8_t>(spoilt[5] | 1 << bit);
		EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(spoilt)) << bit;
	}
}

TEST_F(ExpressionRefusal, DuplicateAndUnsortedSources)
{
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, false, kBoth, {sets[1], sets[0]})));
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, false, kBoth, {sets[0], sets[0]})));

	std::vector<bool> all(8);

	all[7] = true;
	EXPECT_EQ(HLLSET_OK, check(raw(6, false, all, {sets[0], sets[1], sets[2]})));
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, false, all, {sets[0], sets[2], sets[1]})));
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, false, all, {sets[0], sets[1], sets[1]})));
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, false, all, {sets[1], sets[1], sets[2]})));
}

TEST_F(ExpressionRefusal, SourcesThatAreNoLargeSetOfThatPrecision)
{
	Bytes other = convert(sets[1], 5);
	Bytes spoilt = sets[1];

	expect_second(HLLSET_BAD_EXPRESSION, other);
	expect_second(HLLSET_BAD_EXPRESSION, set_of({1}, 7));
	expect_second(HLLSET_BAD_EXPRESSION, empty(6));
	expect_second(HLLSET_BAD_EXPRESSION, empty(6, true));
	expect_second(HLLSET_BAD_EXPRESSION, intersect(sets[1], sets[2]));
	expect_second(HLLSET_BAD_EXPRESSION, sample(sets[1]));
	expect_second(HLLSET_TRUNCATED, {});
	expect_second(HLLSET_TRUNCATED, {1, 1, 6, 1});
	spoilt[0] = 9;
	expect_second(HLLSET_BAD_VERSION, spoilt);
	spoilt = sets[1];
	spoilt[4] = 33;
	expect_second(HLLSET_BAD_LEVEL, spoilt);
	/* one small source is fine, small ones alone are not */
	expect_second(HLLSET_OK, set_of({1, 2, 3}, 6));

	Bytes small[] = {set_of({1, 2}, 6), set_of({2, 3, 4}, 6)};

	if (small[1] < small[0])
		std::swap(small[0], small[1]);
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, false, kBoth, {small[0], small[1]})));
}

TEST_F(ExpressionRefusal, CompactBitThatIsNotThatOfTheSources)
{
	Bytes compact = convert(sets[1], 6, HLLSET_COMPACT);

	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, true, kBoth, {sets[0], sets[1]})));
	EXPECT_EQ(HLLSET_BAD_EXPRESSION, check(raw(6, false, kBoth, {sets[0], compact})));
	EXPECT_EQ(HLLSET_OK, check(raw(6, true, kBoth, {sets[0], compact})));
	EXPECT_EQ(HLLSET_OK, check(raw(6, true, kBoth, {sets[0], set_of({1, 2}, 6, true)})));
}

TEST_F(ExpressionRefusal, EveryTruncationAndTrailingBytes)
{
	std::vector<bool> any(64);

	for (size_t x = 1; x < any.size(); x++)
		any[x] = random() % 2 == 0;
	for (const Bytes &value : {intersect(sets[0], sets[1]), raw(6, false, any, sets)})
	{
		ASSERT_EQ(HLLSET_OK, check(value));
		for (size_t size = 0; size < value.size(); size++)
			ASSERT_EQ(HLLSET_TRUNCATED,
					  check(Bytes(value.begin(), value.begin() + static_cast<ptrdiff_t>(size))));
		for (int extra : {0, 1, 255})
			for (size_t more : {1, 4, 9})
			{
				Bytes longer = value;

				longer.insert(longer.end(), more, static_cast<uint8_t>(extra));
				ASSERT_EQ(HLLSET_TRAILING, check(longer));
			}
	}
}

TEST_F(ExpressionRefusal, LengthsOfSources)
{
	Bytes value = intersect(sets[0], sets[1]);

	for (uint32_t length :
		 {0u, 3u, 4u, 0x7fffffffu, 0x80000000u, 0xffffffffu,
		  static_cast<uint32_t>(sets[0].size() - 1), static_cast<uint32_t>(sets[0].size() + 1)})
	{
		Bytes spoilt = value;

		memcpy(spoilt.data() + 6, &length, sizeof length);
		EXPECT_NE(HLLSET_OK, check(spoilt)) << length;
	}
}

/* What a flip leaves acceptable is canonical: it is its own union and its own intersection. */
TEST_F(ExpressionRefusal, EveryFlippedBit)
{
	size_t accepted = 0;
	std::vector<Bytes> coarse = sorted_sets(random, 3, 4);
	std::vector<Bytes> values = {intersect(coarse[0], coarse[1]),
								 subtract(differ(coarse[0], coarse[1]), coarse[2]), sample(sets[0]),
								 sample(intersect(sets[0], sets[1]))};

	for (const Bytes &value : values)
		for (size_t bit = 0; bit < value.size() * 8; bit++)
		{
			Bytes flipped = value;

			flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1 << (bit % 8));
			if (check(flipped) == HLLSET_OK)
			{
				accepted++;
				ASSERT_EQ(flipped, unite(flipped, flipped));
				ASSERT_EQ(flipped, intersect(flipped, flipped));
			}
		}
	EXPECT_GT(accepted, 200u);
}

/* A sample from its header and fields of the stream: {value, width}. */
static Bytes
raw_sample(int kind, int precision, int level0, const std::vector<std::pair<uint64_t, int>> &fields)
{
	Bytes bytes = {1, static_cast<uint8_t>(kind), static_cast<uint8_t>(precision), 1,
				   static_cast<uint8_t>(level0)};
	BitString bits;

	for (auto [value, width] : fields)
		bits.put(value, width);
	bits.append_to(bytes);
	return bytes;
}

TEST(SampleRefusal, LevelAndForm)
{
	for (int level0 = 1; level0 <= 31; level0++)
	{
		EXPECT_EQ(HLLSET_OK, check(raw_sample(3, 4, level0, {{0, 3}})));
		EXPECT_EQ(HLLSET_BAD_LEVEL, check(raw_sample(0x13, 4, level0, {{0, 3}})));
	}
	for (int level0 : {0, 32, 33, 255})
		for (int kind : {0x03, 0x13})
			EXPECT_EQ(HLLSET_BAD_LEVEL, check(raw_sample(kind, 4, level0, {{0, 3}})));
}

TEST(SampleRefusal, CountsPositionsAndPadding)
{
	/* one token of level 1, address 0, among 2^12 cells: t, t_1, then a stop bit and b = 11 bits */
	ASSERT_EQ(HLLSET_OK, check(raw_sample(3, 4, 1, {{1, 3}, {1, 1}, {1, 1}, {0, 11}})));
	for (uint64_t tokens : {5, 6, 7})
		EXPECT_EQ(HLLSET_BAD_COUNT, check(raw_sample(3, 4, 1, {{tokens, 3}, {0, 200}})));
	EXPECT_EQ(HLLSET_BAD_COUNT, check(raw_sample(3, 4, 1, {{2, 3}, {3, 2}, {0, 60}})));
	EXPECT_EQ(HLLSET_BAD_POSITION,
			  check(raw_sample(3, 4, 1, {{1, 3}, {1, 1}, {0, 2}, {1, 1}, {0, 20}})));
	for (int bit = 3; bit < 8; bit++)
		EXPECT_EQ(HLLSET_BAD_PADDING, check(raw_sample(3, 4, 1, {{1u << bit, 8}})));
}

TEST(SampleRefusal, EveryTruncationAndTrailingBytes)
{
	Random random(115);

	for (const Bytes &set : sorted_sets(random, 2, 6))
	{
		Bytes value = sample(set);

		ASSERT_EQ(HLLSET_OK, check(value));
		ASSERT_EQ(HLLSET_SAMPLE, info(value).kind);
		for (size_t size = 0; size < value.size(); size++)
			ASSERT_EQ(HLLSET_TRUNCATED,
					  check(Bytes(value.begin(), value.begin() + static_cast<ptrdiff_t>(size))));
		for (size_t more : {1, 4, 9})
		{
			Bytes longer = value;

			longer.insert(longer.end(), more, 0);
			ASSERT_EQ(HLLSET_TRAILING, check(longer));
		}
	}
}

TEST(SampleRefusal, IsNoSet)
{
	Random random(116);
	Bytes value = sample(sorted_sets(random, 1, 6)[0]);
	std::vector<uint32_t> words(64);

	EXPECT_EQ(HLLSET_NOT_A_SET, Aggregate(6).try_unite(value));
	EXPECT_EQ(HLLSET_NOT_A_SET, hllset_core_bits(door(value), words.data()));
	EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(value, 6, HLLSET_COMPACT).status);
}

} // namespace hllset::test
