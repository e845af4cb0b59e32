/* SPDX-License-Identifier: PostgreSQL */
/* The door itself: every status can be had, what info tells, and that any bytes are legal input everywhere. */
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cmath>

#include "model.hpp"

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

/* A dense set of precision 5, in which each kind of fault can be made. */
static Bytes
dense()
{
	Random random(80);

	return set_of(random_hashes(random, 200), 5);
}

static Bytes
patched(size_t index, int value)
{
	Bytes set = dense();

	set[index] = static_cast<uint8_t>(value);
	return set;
}

TEST(Status, Ok)
{
	expect_everywhere(HLLSET_OK, dense());
	expect_everywhere(HLLSET_OK, empty(4));
	expect_everywhere(HLLSET_OK, empty(18, true));
}

TEST(Status, NeedsRoom)
{
	Random random(81);
	Aggregate aggregate(6);
	Aggregate other(6);

	other.unite(dense());
	EXPECT_EQ(HLLSET_NEEDS_ROOM, hllset_core_accum_union(aggregate.state(), door(dense())));
	EXPECT_EQ(HLLSET_NEEDS_ROOM, hllset_core_accum_merge(aggregate.state(), other.state()));
	for (uint64_t hash : random_hashes(random, 16))
		EXPECT_EQ(HLLSET_OK, hllset_core_accum_add(aggregate.state(), hash));
	EXPECT_EQ(HLLSET_NEEDS_ROOM, hllset_core_accum_add(aggregate.state(), 17));
	EXPECT_GT(hllset_core_accum_want(aggregate.state()), 0u);
}

/* Numbers that only a caller in C can pass: refused, and nothing is written. */
TEST(Status, BadArgument)
{
	Bytes set = dense();
	HllsetBytes value = door(set);
	HllsetBytes many[4] = {value, value, value, value};
	HllsetBytes result = {nullptr, 0};
	HllsetEstimate regions[1 << HLLSET_MAX_VALUES] = {};
	Buffer work(1 << 20);
	uint8_t byte = 7;

	for (int number : {-1, 4, 256, INT_MIN, INT_MAX})
	{
		HllsetOp op = static_cast<HllsetOp>(number);

		EXPECT_EQ(0u, hllset_core_combine_work(op, value, value)) << number;
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_combine(op, value, value, work.data(), &result))
			<< number;
		EXPECT_EQ(
			HLLSET_BAD_ARGUMENT,
			hllset_core_convert(value, 4, static_cast<HllsetForm>(number), work.data(), &result))
			<< number;
	}
	for (int count : {-1, 0, 4, INT_MIN, INT_MAX})
	{
		EXPECT_EQ(0u, hllset_core_census_work(many, count)) << count;
		EXPECT_EQ(HLLSET_BAD_ARGUMENT, hllset_core_venn(many, count, work.data(), regions))
			<< count;
	}
	for (int precision : {-1, 0, 3, 19, 44, INT_MIN, INT_MAX})
	{
		HllsetStatus status =
			hllset_core_accum_init(static_cast<HllsetAccum *>(work.data()), precision, false);

		EXPECT_EQ(HLLSET_BAD_ARGUMENT, status) << precision;
		EXPECT_EQ(0u, hllset_core_accum_start(precision)) << precision;
		EXPECT_EQ(0u, hllset_core_empty(precision, false, &byte)) << precision;
	}
	EXPECT_EQ(nullptr, result.data);
	EXPECT_EQ(0, regions[1].cardinality);
	EXPECT_EQ(7, byte);
}

TEST(Status, Truncated)
{
	Bytes set = dense();

	set.pop_back();
	expect_everywhere(HLLSET_TRUNCATED, set);
	expect_everywhere(HLLSET_TRUNCATED, {});
	expect_everywhere(HLLSET_TRUNCATED, {1, 1, 4, 1});
}

TEST(Status, Trailing)
{
	Bytes set = dense();

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
	EXPECT_EQ(HLLSET_RAISES_PRECISION, try_convert(dense(), 7).status);
	EXPECT_EQ(HLLSET_RAISES_PRECISION, try_convert(dense(), 18, HLLSET_COMPACT).status);
	EXPECT_EQ(HLLSET_RAISES_PRECISION, try_convert(set_of({1}, 17), 18).status);
}

TEST(Status, NotGraded)
{
	Bytes compact = convert(dense(), 5, HLLSET_COMPACT);

	EXPECT_EQ(HLLSET_NOT_GRADED, try_convert(compact, 5, HLLSET_GRADED).status);
	EXPECT_EQ(HLLSET_NOT_GRADED, try_convert(compact, 4, HLLSET_GRADED).status);
	EXPECT_EQ(HLLSET_NOT_GRADED, try_convert(set_of({1}, 6, true), 6, HLLSET_GRADED).status);
}

/* What is told of a value in whose place no set can stand. */
TEST(Status, NotASet)
{
	Random random(84);
	Bytes expression = intersect(dense(), set_of(random_hashes(random, 200), 5));
	std::vector<uint32_t> words(buckets(6));

	for (const Bytes &value : {expression, sample(dense())})
	{
		EXPECT_EQ(HLLSET_NOT_A_SET, Aggregate(6).try_unite(value));
		EXPECT_EQ(HLLSET_NOT_A_SET, hllset_core_bits(door(value), words.data()));
		EXPECT_EQ(HLLSET_NOT_A_SET, try_convert(value, 5, HLLSET_COMPACT).status);
	}
}

TEST(Status, BadExpression)
{
	Random random(85);
	Bytes expression = intersect(dense(), set_of(random_hashes(random, 200), 5));

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
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_combine(HLLSET_INTERSECTION, all, dense()).status);
	EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, try_sample(all).status);
}

TEST(Status, ConvertBelowTheSmallestPrecision)
{
	for (int precision : {3, 0, -1, -100})
		EXPECT_EQ(HLLSET_BAD_PRECISION, try_convert(dense(), precision).status);
}

/* The cardinality alone is that of the estimate; it needs the counts only. */
TEST(Status, CardinalityReadsTheCounts)
{
	Random random(85);
	Bytes other = set_of(random_hashes(random, 300), 5);
	double cardinality;

	for (const Bytes &value :
		 {dense(), empty(4), set_of({1, 2}, 6), convert(dense(), 4, HLLSET_COMPACT),
		  sample(dense()), intersect(dense(), other), differ(dense(), other),
		  intersect(dense(), set_of({1, 2}, 5))})
	{
		ASSERT_EQ(HLLSET_OK, try_cardinality(value, cardinality));
		EXPECT_EQ(estimate(value).cardinality, cardinality);
	}

	Bytes cut = dense();

	cut.pop_back();
	EXPECT_EQ(HLLSET_OK, try_cardinality(cut, cardinality));
	EXPECT_EQ(estimate(dense()).cardinality, cardinality);
	cut.resize(7);
	EXPECT_EQ(HLLSET_TRUNCATED, try_cardinality(cut, cardinality));
	EXPECT_EQ(HLLSET_BAD_HASH, try_cardinality(patched(3, 2), cardinality));
}

/* What a look at the first planes finds is handed back with no more read. */
TEST(Status, AddOfWhatIsThere)
{
	Bytes set = dense();
	Random random(80);

	for (uint64_t hash : random_hashes(random, 200))
		EXPECT_TRUE(try_add(set, hash).itself);
	EXPECT_FALSE(try_add(set, make_hash(40, 7)).itself);
	EXPECT_EQ(HLLSET_BAD_HASH, try_add(patched(3, 2), 1).status);
}

/* What stays as it is gets handed back with no more than its header checked. */
TEST(Status, ConvertToTheSameReadsTheHeader)
{
	Bytes set = dense();

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

/* Every function with a value that may be bad: none reads or writes beyond its memory, and what is OK is so for a reason. */
static void
expect_total(const Bytes &value, const Bytes &good, uint64_t hash)
{
	std::vector<HllsetEstimate> regions;
	HllsetEstimate estimated;
	bool answer;
	HllsetStatus status = check(value);
	bool fine = status == HLLSET_OK;

	for (HllsetOp op :
		 {HLLSET_UNION, HLLSET_INTERSECTION, HLLSET_DIFFERENCE, HLLSET_SYMMETRIC_DIFFERENCE})
		for (const Outcome &made : {try_combine(op, value, good), try_combine(op, good, value)})
		{
			ASSERT_TRUE(!fine || made.status == HLLSET_OK ||
						made.status == HLLSET_TOO_MANY_SOURCES);
			ASSERT_TRUE(!fine || made.status != HLLSET_OK || check(made.bytes) == HLLSET_OK);
		}
	for (int precision : {4, 5})
	{
		Outcome made = try_convert(value, precision, HLLSET_AS_IT_IS);

		ASSERT_TRUE(made.status != HLLSET_OK || made.itself || !fine ||
					check(made.bytes) == HLLSET_OK);
	}
	HllsetStatus told = try_estimate(value, estimated);

	ASSERT_TRUE(!fine || told == HLLSET_OK);
	if (told == HLLSET_OK)
	{
		ASSERT_TRUE(std::isfinite(estimated.cardinality) && estimated.cardinality >= 0);
	}
	try_venn({value}, regions);
	try_venn({value, good}, regions);
	try_venn({good, value, value}, regions);
	try_contained(value, good, answer);
	try_overlap(good, value, answer);
	try_sample(value);
	try_add(value, hash);
	try_may_contain(value, hash);
	Aggregate(8).try_unite(value);
}

/* Each function with operands of noise behind a good header: some status, no access beyond them. */
TEST(Door, AnyBytesAreLegalInput)
{
	Random random(83);
	Bytes good = dense();
	std::vector<uint32_t> words(buckets(kMaxPrecision));

	for (int i = 0; i < 20000; i++)
	{
		Bytes set = {1, static_cast<uint8_t>(random() % 4 == 0 ? 0x11 : 1),
					 static_cast<uint8_t>(4 + random() % 7), 1,
					 static_cast<uint8_t>(random() % 4 == 0 ? 32 : random() % 4)};
		size_t size = random() % 60;
		HllsetEstimate estimated;

		for (size_t k = 0; k < size; k++)
			set.push_back(static_cast<uint8_t>(random() & random()));

		HllsetStatus status = check(set);

		ASSERT_EQ(status, try_unite(set, good).status);
		ASSERT_EQ(status, try_unite(good, set).status);

		Outcome converted = try_convert(set, 4, HLLSET_COMPACT);

		ASSERT_TRUE(converted.status == status || converted.itself);

		Outcome added = try_add(set, random());

		ASSERT_TRUE(added.status == status || added.itself);
		ASSERT_EQ(status, Aggregate(8).try_unite(set));
		ASSERT_EQ(status, try_estimate(set, estimated));
		ASSERT_EQ(status, try_may_contain(set, random()));
		ASSERT_EQ(status, hllset_core_bits(door(set), words.data()));
		if (i % 20 == 0)
			expect_total(set, good, random());
	}
}

/* Expressions and samples with bytes changed, sources put in each other's place, lengths that lie. */
TEST(Door, SpoiltExpressionsAndSamplesAreLegalInput)
{
	Random random(87);
	std::vector<Bytes> values;
	Bytes other = set_of(random_hashes(random, 100), 5);
	Bytes all = set_of(random_hashes(random, 100), 4);

	values.push_back(intersect(dense(), set_of(random_hashes(random, 200), 5)));
	values.push_back(intersect(other, set_of(random_hashes(random, 100), 5, true)));
	for (int i = 1; i < 8; i++)
	{
		all = differ(all, set_of(random_hashes(random, 100), 4));
		values.push_back(all);
	}
	values.push_back(sample(dense()));
	for (int i = 0; i < 1500; i++)
	{
		Bytes value = values[random() % values.size()];

		for (uint64_t changes = 1 + random() % 3; changes > 0; changes--)
		{
			/* the first bytes decide the most */
			size_t at =
				random() % (random() % 2 == 0 ? std::min<size_t>(value.size(), 16) : value.size());

			value[at] =
				static_cast<uint8_t>(random() % 2 == 0 ? value[at] ^ 1 << random() % 8 : random());
		}
		if (random() % 8 == 0)
			value.resize(random() % value.size());
		value.shrink_to_fit();
		expect_total(value, values[random() % values.size()], random());
	}
}

TEST(Door, WorkSizesOfWhatIsNoValueAreSmall)
{
	Bytes noise(1000, 0xff);

	EXPECT_LE(hllset_core_combine_work(HLLSET_INTERSECTION, door(noise), door(noise)), 10000u);
	EXPECT_LE(hllset_core_convert_work(door(noise)), 10000u);
	EXPECT_LE(hllset_core_add_work(door(noise)), 10000u);
	EXPECT_LE(hllset_core_sample_work(door(noise)), 10000u);
	EXPECT_LE(hllset_core_estimate_work(door(noise)), 10000u);
}

/* What a tiny value can make a caller allocate is bounded by its precision alone. */
TEST(Door, WorkSizesFollowFromThePrecision)
{
	for (int p = kMinPrecision; p <= kMaxPrecision; p++)
	{
		EXPECT_LE(hllset_core_combine_work(HLLSET_UNION, door(empty(p)), door(empty(p))),
				  1000 + (size_t{15} << p));
		EXPECT_LE(hllset_core_add_work(door(empty(p))), 1000 + (size_t{15} << p));
	}
}

} // namespace hllset::test
