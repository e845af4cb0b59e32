/* SPDX-License-Identifier: PostgreSQL */
/*
 * A programme for one accumulator: elements, runs of elements, values made of runs, other accumulators of other precisions and
 * forms. At the end, and whenever asked, its bytes are those of the model.
 */
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

/* Keep a run of the target short: the model is slow. */
static constexpr size_t kMostElements = 800;
static constexpr int kMostChecks = 3;

/* A run of elements from one number: how many, in which levels, with which low bits. */
static Hashes
run(Input &input)
{
	uint64_t how = input.number(1);
	Random random(input.number(2));

	return random_hashes(random, how / 8 * 2, kSpreads[how % 8 % std::size(kSpreads)]);
}

struct Machine
{
	Aggregate accumulator;
	Hashes hashes;
	int precision;
	bool compact;

	void
	check() const
	{
		FUZZ_CHECK(accumulator.encode() == model_of(hashes, precision, compact));
		FUZZ_CHECK(hllset_core_accum_precision(accumulator.state()) == precision);
	}

	/* Takes in another accumulator, as it is or as its bytes. */
	void
	meet(Input &input, bool as_bytes)
	{
		int other_precision = kMinPrecision + static_cast<int>(input.number(1) % 9);
		bool other_compact = input.number(1) % 4 == 0;
		Aggregate other(other_precision, other_compact);
		Hashes elements = run(input);

		other.add(elements);
		if (as_bytes)
			accumulator.unite(other.encode());
		else
			accumulator.merge(other);

		Form form = meeting({precision, compact}, hashes.empty(), {other_precision, other_compact},
							elements.empty());

		hashes.insert(hashes.end(), elements.begin(), elements.end());
		precision = form.precision;
		compact = form.compact;
	}
};

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	int precision = kMinPrecision + static_cast<int>(input.number(1) % 9);
	bool compact = input.number(1) % 4 == 0;
	Machine machine{Aggregate(precision, compact), {}, precision, compact};

	int checks = 0;

	while (input.left() > 0 && machine.hashes.size() < kMostElements)
	{
		uint64_t what = input.number(1) % 8;

		if (what < 3)
		{
			int level = static_cast<int>(input.number(1) % 65);

			machine.hashes.push_back(make_hash(level, input.number(4)));
			machine.accumulator.add(machine.hashes.back());
		}
		else if (what < 5)
		{
			Hashes elements = run(input);

			machine.accumulator.add(elements);
			machine.hashes.insert(machine.hashes.end(), elements.begin(), elements.end());
		}
		else if (what < 7)
			machine.meet(input, what == 5);
		else if (checks++ < kMostChecks)
			machine.check();
	}
	machine.check();
	return 0;
}
