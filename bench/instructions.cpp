/* SPDX-License-Identifier: PostgreSQL */
/*
 * A fixed amount of work, for callgrind to count its instructions. Between two marks lies one operation; the mark that ends it names it
 * (see instructions.py). Run without valgrind it just takes a moment.
 */
#include <cstdio>
#include <cstdlib>

#include <valgrind/callgrind.h>

#include "sample.hpp"

namespace hllset::bench
{

namespace
{

constexpr int kPrecision = 12;

using Bytes = std::vector<uint8_t>;

void
begin()
{
	CALLGRIND_ZERO_STATS;
}

void
end(const char *operation, const char *size)
{
	char name[64];

	snprintf(name, sizeof(name), "%s %s", operation, size);
	CALLGRIND_DUMP_STATS_AT(name);
}

void
work_on_hashes()
{
	std::vector<uint8_t> data(32, 'x');
	std::vector<uint8_t> key(HLLSET_HASH_KEY_SIZE, 'k');
	uint64_t sum = 0;

	begin();
	for (int i = 0; i < 1000; i++)
	{
		data[0] = static_cast<uint8_t>(i);
		sum += hllset_core_hash(data.data(), 8 + i % 25, HLLSET_FAMILY_BYTES);
	}
	end("hash", sum != 0 ? "8-32 bytes" : "");

	begin();
	for (int i = 0; i < 1000; i++)
	{
		data[0] = static_cast<uint8_t>(i);
		sum += hllset_core_keyed_hash(data.data(), 8 + i % 25, HLLSET_FAMILY_BYTES, key.data());
	}
	end("keyed hash", sum != 0 ? "8-32 bytes" : "");
}

/* One workspace for all, which is large enough: what it takes to make one is not counted. */
Workspace &
workspace()
{
	static Workspace work;

	return work;
}

/* Lies in the workspace, or is an operand. */
HllsetBytes
combine(HllsetOp op, const Bytes &a, const Bytes &b)
{
	HllsetBytes result = {};

	combine(workspace(), op, view(a), view(b), result);
	return result;
}

Bytes
combined(HllsetOp op, const Bytes &a, const Bytes &b)
{
	HllsetBytes result = combine(op, a, b);

	return {result.data, result.data + result.size};
}

void
venn(const Bytes &a, const Bytes &b)
{
	HllsetBytes values[] = {view(a), view(b)};
	HllsetEstimate regions[4];

	venn(workspace(), values, 2, regions);
}

void
cardinality(const Bytes &value)
{
	double result;

	count(workspace(), view(value), result);
}

Bytes
set_of_integers(uint64_t first, uint64_t count)
{
	Aggregate state(kPrecision, false);

	state.add_integers(first, count);
	return state.bytes();
}

/* The intersection of six large sets. */
Bytes
intersection_of_six(uint64_t first)
{
	Bytes both = set_of_integers(first, 100000);

	for (uint64_t i = 1; i < 6; i++)
		both = combined(HLLSET_INTERSECTION, both, set_of_integers(first + i * 10000, 100000));
	return both;
}

/* Two values at a time; the plan is part of it. */
void
work_on_pairs(uint64_t count, const char *size)
{
	Bytes a = set_of_integers(0, count);
	Bytes b = set_of_integers(count / 2, count);
	Bytes part = set_of_integers(0, count / 4);
	Bytes both = combined(HLLSET_INTERSECTION, a, b);
	HllsetEstimate estimate = {};
	double lower;
	double upper;

	bench::estimate(workspace(), view(a), estimate);
	begin();
	combine(HLLSET_UNION, a, a);
	end("union of equals", size);

	begin();
	combine(HLLSET_UNION, a, part);
	end("union with subset", size);

	begin();
	combine(HLLSET_INTERSECTION, a, b);
	end("and", size);

	begin();
	cardinality(both);
	end("count of and", size);

	begin();
	venn(a, b);
	end("venn", size);

	begin();
	cardinality(a);
	end("count", size);

	begin();
	hllset_core_bounds(&estimate, 0.95, &lower, &upper);
	end("bounds", size);
}

void
work_on_six_sources()
{
	Bytes six = intersection_of_six(0);
	Bytes others = intersection_of_six(200000);

	begin();
	combine(HLLSET_INTERSECTION, six, others);
	end("and", "of six and six");

	begin();
	combine(HLLSET_DIFFERENCE, six, six);
	end("minus", "of the same six");

	begin();
	cardinality(six);
	end("count", "of six");
}

void
work_on_sets(size_t count, bool compact, const char *size)
{
	std::vector<uint64_t> elements = hashes(0, count);
	std::vector<uint64_t> others = hashes(count / 2, count);
	Aggregate a(kPrecision, compact);
	Aggregate b(kPrecision, compact);
	HllsetEstimate estimate = {};

	begin();
	a.add(elements);
	end("build", size);

	begin();
	std::vector<uint8_t> bytes = a.bytes();
	end("encode", size);

	b.add(others);
	std::vector<uint8_t> other = b.bytes();

	begin();
	hllset_core_check(view(bytes), nullptr);
	end("check", size);

	begin();
	bench::estimate(workspace(), view(bytes), estimate);
	end("estimate", size);

	begin();
	combine(HLLSET_UNION, bytes, other);
	end("union", size);

	begin();
	a.unite(view(other));
	end("unite", size);

	begin();
	b.merge(a);
	end("merge", size);
}

} // namespace

} // namespace hllset::bench

int
main()
{
	using namespace hllset::bench;

	HllsetPlan largest;

	largest.work_size = 1 << 20;
	workspace().of(largest);
	work_on_hashes();
	work_on_sets(100, false, "100");
	work_on_sets(10000, false, "10000");
	work_on_sets(100000, false, "100000");
	work_on_sets(100000, true, "100000 compact");
	work_on_pairs(100, "100");
	work_on_pairs(100000, "100000");
	work_on_six_sources();
}
