/* SPDX-License-Identifier: PostgreSQL */
/*
 * A programme over a few sets of 16 or 32 buckets: precision and form of each, elements that they share, then operations and folds.
 * Every value is the one that the model of docs/format.md has, or is refused where that has no tokens.
 */
#include "../unit/algebra_model.hpp"
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

/* The model is slow. */
static constexpr size_t kMostSteps = 10;

struct Value
{
	ModelValue model;
	Bytes bytes;
};

static std::vector<Value>
read_sets(Input &input)
{
	std::vector<Value> values;
	Random random(input.number(2));
	size_t count = 2 + input.number(1) % 8;
	/* one by one: the order of arguments is the compiler's */
	size_t common_count = input.number(1);
	Spread spread = kSpreads[input.number(1) % std::size(kSpreads)];
	Hashes common = random_hashes(random, common_count, spread);

	for (size_t i = 0; i < count; i++)
	{
		uint64_t how = input.number(1);
		Hashes hashes = random_hashes(random, how / 8);

		for (uint64_t hash : common)
			if (random() % 4 < how % 4)
				hashes.push_back(hash);

		bool compact = input.number(1) % 8 == 0;
		ModelValue model = set_model(hashes, 4 + static_cast<int>(how / 4 % 2), compact);

		values.push_back({model, model.bytes()});
	}
	return values;
}

/* Adds what a step makes to the values; nothing if it is refused. */
static void
step(Input &input, std::vector<Value> &values)
{
	uint64_t what = input.number(1);
	const Value a = values[input.number(1) % values.size()];
	const Value b = values[input.number(1) % values.size()];
	ModelValue wanted;
	Outcome made;

	if (what % 8 == 7)
	{
		wanted = fold_model(a.model, 4);
		made = try_convert(a.bytes, 4);
	}
	else
	{
		wanted = combine_model(kOps[what % 4], a.model, b.model);
		made = try_combine(kOps[what % 4], a.bytes, b.bytes);
	}
	FUZZ_CHECK(made.status == (wanted.refused ? HLLSET_TOO_MANY_SOURCES : HLLSET_OK));
	if (wanted.refused)
		return;
	FUZZ_CHECK(made.bytes == wanted.bytes());
	FUZZ_CHECK(check(made.bytes) == HLLSET_OK);
	values.push_back({wanted, made.bytes});
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	std::vector<Value> values = read_sets(input);

	for (size_t i = 0; i < kMostSteps && input.left() > 0; i++)
		step(input, values);
	return 0;
}
