/* SPDX-License-Identifier: PostgreSQL */
/* Times of the core's operations, by precision and number of elements. */
#include <benchmark/benchmark.h>

#include "sample.hpp"

namespace hllset::bench
{

namespace
{

/* Arguments of most benchmarks: precision, number of elements, 1 if compact. */
struct Case
{
	explicit Case(const benchmark::State &state)
		: precision(static_cast<int>(state.range(0))), count(static_cast<size_t>(state.range(1))),
		  compact(state.range(2) != 0)
	{
	}

	Aggregate
	aggregate(uint64_t first) const
	{
		Aggregate result(precision, compact);

		result.add(hashes(first, count));
		return result;
	}

	int precision;
	size_t count;
	bool compact;
};

/* Two sets of a case share half of their elements. */
constexpr uint64_t kFirst = 1000000000;

uint64_t
overlapping(const Case &c)
{
	return kFirst + c.count / 2;
}

void
set_bytes(benchmark::State &state, size_t bytes)
{
	state.counters["bytes"] = static_cast<double>(bytes);
}

void
hash(benchmark::State &state)
{
	std::vector<uint8_t> data(static_cast<size_t>(state.range(0)), 'x');

	for (auto _ : state)
	{
		benchmark::DoNotOptimize(data.data());
		benchmark::DoNotOptimize(hllset_core_hash(data.data(), data.size(), HLLSET_FAMILY_BYTES));
	}
}
BENCHMARK(hash)->Arg(8)->Arg(32);

/* One more element, new ones over and over, to a set that keeps its size: small because they are the same half S ones. */
void
add(benchmark::State &state)
{
	Case c(state);
	Aggregate aggregate = c.aggregate(kFirst);
	size_t limit = (size_t{1} << c.precision) / 4;
	bool small = c.count <= limit;
	std::vector<uint64_t> more =
		small ? hashes(kFirst, c.count) : hashes(kFirst + c.count, size_t{1} << 16);
	size_t i = 0;

	for (auto _ : state)
	{
		aggregate.add(more[i]);
		i = i + 1 == more.size() ? 0 : i + 1;
	}
	set_bytes(state, hllset_core_accum_size(aggregate.get()));
}

/* From nothing: the time is of all elements, "items" of one. */
void
build(benchmark::State &state)
{
	Case c(state);
	std::vector<uint64_t> elements = hashes(kFirst, c.count);

	for (auto _ : state)
	{
		Aggregate aggregate(c.precision, c.compact);

		aggregate.add(elements);
		benchmark::DoNotOptimize(aggregate.get());
	}
	state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * c.count));
}

/* Two states of aggregates, as parallel workers hand them over. */
void
merge(benchmark::State &state)
{
	Case c(state);
	Aggregate aggregate = c.aggregate(kFirst);
	Aggregate other = c.aggregate(overlapping(c));

	for (auto _ : state)
		aggregate.merge(other);
}

/* A stored value into the state of a union aggregate. */
void
unite(benchmark::State &state)
{
	Case c(state);
	Aggregate aggregate = c.aggregate(kFirst);
	std::vector<uint8_t> bytes = c.aggregate(overlapping(c)).bytes();

	for (auto _ : state)
		benchmark::DoNotOptimize(aggregate.unite(view(bytes)));
	set_bytes(state, bytes.size());
}

/* a | b of stored values. */
void
unite_bytes(benchmark::State &state)
{
	Case c(state);
	std::vector<uint8_t> a = c.aggregate(kFirst).bytes();
	std::vector<uint8_t> b = c.aggregate(overlapping(c)).bytes();
	Block work = block_of(hllset_core_combine_work(HLLSET_UNION, view(a), view(b)));
	HllsetBytes result = {};

	for (auto _ : state)
		benchmark::DoNotOptimize(
			hllset_core_combine(HLLSET_UNION, view(a), view(b), work.data(), &result));
	set_bytes(state, result.size);
}

/* One element more to a stored value, a new one each time. */
void
add_to_bytes(benchmark::State &state)
{
	Case c(state);
	std::vector<uint8_t> bytes = c.aggregate(kFirst).bytes();
	std::vector<uint64_t> more = hashes(kFirst + c.count, 1024);
	Block work = block_of(hllset_core_add_work(view(bytes)));
	HllsetBytes result = {};
	size_t i = 0;

	for (auto _ : state)
		benchmark::DoNotOptimize(
			hllset_core_add(view(bytes), more[i++ % more.size()], work.data(), &result));
	set_bytes(state, bytes.size());
}

void
encode(benchmark::State &state)
{
	Aggregate aggregate = Case(state).aggregate(kFirst);
	Block work = block_of(hllset_core_accum_encode_work(aggregate.get()));
	HllsetBytes result = {};

	for (auto _ : state)
	{
		result = hllset_core_accum_encode(aggregate.get(), work.data());
		benchmark::DoNotOptimize(result);
	}
	set_bytes(state, result.size);
}

/* Decodes and checks every byte. */
void
check(benchmark::State &state)
{
	std::vector<uint8_t> bytes = Case(state).aggregate(kFirst).bytes();

	for (auto _ : state)
		benchmark::DoNotOptimize(hllset_core_check(view(bytes), nullptr));
	set_bytes(state, bytes.size());
}

void
estimate(benchmark::State &state)
{
	std::vector<uint8_t> bytes = Case(state).aggregate(kFirst).bytes();
	HllsetEstimate result = {};

	for (auto _ : state)
	{
		benchmark::DoNotOptimize(hllset_core_estimate(view(bytes), nullptr, &result));
		benchmark::DoNotOptimize(result);
	}
	set_bytes(state, bytes.size());
}

void
every_case(benchmark::internal::Benchmark *b)
{
	b->ArgNames({"p", "n", "compact"});
	b->ArgsProduct({{8, 10, 12, 14, 16}, {100, 10000, 1000000}, {0, 1}});
}
BENCHMARK(add)->Apply(every_case);
BENCHMARK(build)->Apply(every_case);
BENCHMARK(merge)->Apply(every_case);
BENCHMARK(unite)->Apply(every_case);
BENCHMARK(unite_bytes)->Apply(every_case);
BENCHMARK(add_to_bytes)->Apply(every_case);
BENCHMARK(encode)->Apply(every_case);
BENCHMARK(check)->Apply(every_case);
BENCHMARK(estimate)->Apply(every_case);

} // namespace

} // namespace hllset::bench
