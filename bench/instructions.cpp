/* SPDX-License-Identifier: PostgreSQL */
/*
 * A fixed amount of work, for callgrind to count its instructions. Between two marks lies one operation; the mark that ends it names it
 * (see instructions.sh). Run without valgrind it just takes a moment.
 */
#include <cstdio>

#include <valgrind/callgrind.h>

#include "sample.hpp"

namespace hllset::bench
{

namespace
{

constexpr int kPrecision = 12;

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
	uint64_t sum = 0;

	begin();
	for (int i = 0; i < 1000; i++)
	{
		data[0] = static_cast<uint8_t>(i);
		sum += hllset_core_hash(data.data(), 8 + i % 25, HLLSET_FAMILY_BYTES);
	}
	end("hash", sum != 0 ? "8-32 bytes" : "");
}

void
work_on_sets(size_t count, bool compact, const char *size)
{
	std::vector<uint64_t> elements = hashes(0, count);
	std::vector<uint64_t> others = hashes(count / 2, count);
	Aggregate a(kPrecision, compact);
	Aggregate b(kPrecision, compact);
	HllsetBytes result = {};
	HllsetEstimate estimate = {};

	begin();
	a.add(elements);
	end("build", size);

	begin();
	std::vector<uint8_t> bytes = a.bytes();
	end("encode", size);

	b.add(others);
	std::vector<uint8_t> other = b.bytes();
	Block work = block_of(hllset_core_combine_work(HLLSET_UNION, view(bytes), view(other)));

	begin();
	hllset_core_check(view(bytes), nullptr);
	end("check", size);

	begin();
	hllset_core_estimate(view(bytes), nullptr, &estimate);
	end("estimate", size);

	begin();
	hllset_core_combine(HLLSET_UNION, view(bytes), view(other), work.data(), &result);
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

	work_on_hashes();
	work_on_sets(100, false, "100");
	work_on_sets(10000, false, "10000");
	work_on_sets(100000, false, "100000");
	work_on_sets(100000, true, "100000 compact");
}
