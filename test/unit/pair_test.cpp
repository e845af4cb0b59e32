/* SPDX-License-Identifier: PostgreSQL */
/* Two sets read side by side are what each is alone, good or bad; a union that changes nothing is one of its operands. */
#include "core/pair.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "random_sets.hpp"

namespace hllset::test
{

namespace
{

/* The words of all planes and all tokens, as a reading of the set alone has them. */
struct Cells
{
	explicit Cells(int precision) : words(kLevels * plane_words(precision)) {}

	bool operator==(const Cells &other) const = default;

	std::vector<uint64_t> words;
	std::vector<Coupon> tokens;
};

HllsetStatus
read_alone(const View &view, Cells &cells)
{
	size_t words = plane_words(view.counts.precision);

	return walk(
		view,
		[&](int level, size_t index, uint64_t word) {
			cells.words[static_cast<size_t>(level) * words + index] = word;
		},
		[&](Coupon token) { cells.tokens.push_back(token); });
}

HllsetStatus
read_together(const View &a, const View &b, Cells &cells_a, Cells &cells_b)
{
	size_t words = plane_words(a.counts.precision);
	std::vector<uint64_t> scratch(words);
	auto tokens_to = [](Cells &cells) {
		return [&](int level, auto &&read) {
			read([&, level](uint32_t address) {
				cells.tokens.push_back(coupon_at(level, address));
			});
		};
	};

	return walk_pair(a, b, scratch.data(), tokens_to(cells_a), tokens_to(cells_b),
					 [&](int level, size_t index, uint64_t word_a, uint64_t word_b) {
						 size_t at = static_cast<size_t>(level) * words + index;

						 cells_a.words[at] = word_a;
						 cells_b.words[at] = word_b;
					 });
}

/* Both ways agree on two sets of one precision, of which one may be bad behind its counts. */
void
expect_same(const Bytes &a, const Bytes &b)
{
	View view_a;
	View view_b;

	if (parse(door(a), view_a) != HLLSET_OK || parse(door(b), view_b) != HLLSET_OK ||
		view_a.counts.precision != view_b.counts.precision)
		return;

	int precision = view_a.counts.precision;
	Cells alone_a(precision);
	Cells alone_b(precision);
	Cells together_a(precision);
	Cells together_b(precision);
	HllsetStatus status_a = read_alone(view_a, alone_a);
	HllsetStatus status_b = read_alone(view_b, alone_b);
	HllsetStatus together = read_together(view_a, view_b, together_a, together_b);

	ASSERT_EQ(status_a == HLLSET_OK && status_b == HLLSET_OK, together == HLLSET_OK)
		<< status_a << " " << status_b << " " << together;
	if (together != HLLSET_OK)
		return;
	ASSERT_EQ(alone_a, together_a);
	ASSERT_EQ(alone_b, together_b);
}

/* Of the precision 4 to 13, any form and shape. */
Bytes
any_set(Random &random, int precision)
{
	size_t count = random() % (uint64_t{2} << (random() % 16));

	return set_of(random_hashes(random, count, kSpreads[random() % std::size(kSpreads)]), precision,
				  random() % 2 == 0);
}

} // namespace

TEST(Pair, TogetherAsAlone)
{
	Random random(1);

	for (int i = 0; i < 1500; i++)
	{
		int precision = 4 + static_cast<int>(random() % 10);

		expect_same(any_set(random, precision), any_set(random, precision));
	}
}

/* Every kind of damage behind the counts is seen, whichever of the two has it. */
TEST(Pair, TogetherAsAloneIfOneIsBad)
{
	Random random(2);

	for (int i = 0; i < 4000; i++)
	{
		int precision = 4 + static_cast<int>(random() % 10);
		Bytes bad = any_set(random, precision);
		Bytes good = any_set(random, precision);

		if (random() % 4 == 0)
			bad.resize(bad.size() - random() % std::min<size_t>(bad.size(), 9));
		else if (random() % 4 == 0)
			bad.push_back(static_cast<uint8_t>(random()));
		else
			bad[bad.size() / 2 + random() % (bad.size() - bad.size() / 2)] ^=
				static_cast<uint8_t>(1 << random() % 8);
		expect_same(bad, good);
		expect_same(good, bad);
	}
}

/* Not a copy of it: the shim then keeps what is stored as it is. */
TEST(Pair, UnionThatChangesNothingIsAnOperand)
{
	Random random(3);

	for (int i = 0; i < 1000; i++)
	{
		int precision = 4 + static_cast<int>(random() % 10);
		bool compact = random() % 2 == 0;
		Hashes hashes = random_hashes(random, 1 + random() % (uint64_t{2} << (random() % 15)));
		Hashes part(hashes.begin(),
					hashes.begin() + static_cast<ptrdiff_t>(random() % hashes.size()));
		Bytes all = set_of(hashes, precision, compact);
		Bytes less = set_of(part, precision, compact);
		Bytes finer = set_of(part, precision + 1, compact);

		EXPECT_TRUE(try_unite(all, Bytes(all)).itself);
		EXPECT_TRUE(try_unite(all, less).itself);
		EXPECT_EQ(all, unite(less, all));
		EXPECT_EQ(all, unite(all, finer));
		if (!compact || !part.empty())
		{
			EXPECT_EQ(all, unite(set_of(compact ? part : hashes, precision + 2 * !compact), all));
		}
	}
}

} // namespace hllset::test
