/* SPDX-License-Identifier: PostgreSQL */
/* Times of the core's operations, by precision and number of elements. */
#include <algorithm>

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

	Case(int case_precision, size_t case_count, bool case_compact)
		: precision(case_precision), count(case_count), compact(case_compact)
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

constexpr uint64_t kFirst = 1000000000;

/*
 * Sets of a case, one after the other: of the same one again and again the processor knows each branch. They share
 * three quarters to one quarter of their elements with the set that begins at kFirst.
 */
template <typename T>
class Turns
{
public:
	template <typename Make>
	Turns(const Case &c, Make &&make)
	{
		size_t turns = c.count < 1000000 ? 64 : 8;

		for (size_t i = 0; i < turns; i++)
			items_.push_back(make(c.aggregate(kFirst + c.count / 4 + i * c.count / (2 * turns))));
	}

	/* Room for the largest of what SIZE says of each. */
	template <typename Size>
	Block
	work(Size &&size)
	{
		size_t most = 0;

		for (T &item : items_)
			most = std::max(most, size(item));
		return block_of(most);
	}

	T &
	next()
	{
		at_ = at_ + 1 == items_.size() ? 0 : at_ + 1;
		return items_[at_];
	}

private:
	std::vector<T> items_;
	size_t at_ = 0;
};

class States : public Turns<Aggregate>
{
public:
	explicit States(const Case &c) : Turns(c, [](Aggregate state) { return state; }) {}
};

using Bytes = std::vector<uint8_t>;

class Values : public Turns<Bytes>
{
public:
	explicit Values(const Case &c) : Turns(c, [](Aggregate state) { return state.bytes(); }) {}
};

/* With all elements of the sets of a case. */
Aggregate
all_of(const Case &c)
{
	Aggregate result = c.aggregate(kFirst);

	result.add(hashes(kFirst + c.count, c.count));
	return result;
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
	Aggregate aggregate = all_of(c);
	States others(c);

	for (auto _ : state)
		aggregate.merge(others.next());
}

/* A stored value into the state of a union aggregate. */
void
unite(benchmark::State &state)
{
	Case c(state);
	Aggregate aggregate = all_of(c);
	Values values(c);

	for (auto _ : state)
		benchmark::DoNotOptimize(aggregate.unite(view(values.next())));
	set_bytes(state, values.next().size());
}

/* The same into one that has had millions of elements, so that its lowest planes are full. */
void
unite_late(benchmark::State &state)
{
	Case c(state);
	Aggregate aggregate = all_of(c);
	Values values(c);

	aggregate.add(hashes(kFirst + 2 * c.count, 4000000));
	for (auto _ : state)
		benchmark::DoNotOptimize(aggregate.unite(view(values.next())));
	set_bytes(state, values.next().size());
}

/* a | b of stored values. */
void
unite_bytes(benchmark::State &state)
{
	Case c(state);
	Bytes a = c.aggregate(kFirst).bytes();
	Values values(c);
	Workspace work;
	HllsetBytes result = {};

	for (auto _ : state)
		benchmark::DoNotOptimize(combine(work, HLLSET_UNION, view(a), view(values.next()), result));
	set_bytes(state, a.size());
}

/* All regions of two stored values, and what each costs that an overlap matrix has. */
void
venn(benchmark::State &state)
{
	Case c(state);
	Bytes a = c.aggregate(kFirst).bytes();
	Values values(c);
	HllsetBytes pair[2] = {view(a), {}};
	Workspace work;
	HllsetEstimate regions[4];

	for (auto _ : state)
	{
		pair[1] = view(values.next());
		benchmark::DoNotOptimize(venn(work, pair, 2, regions));
	}
	set_bytes(state, a.size());
}

/* A stored value with itself, as where a row is sent again; and with one that it contains. */
void
unite_known(benchmark::State &state, bool equal)
{
	Case c(state);
	Values values(c);
	Bytes part = Case(c.precision, c.count / 8, c.compact).aggregate(kFirst + c.count / 2).bytes();
	Workspace work;
	HllsetBytes result = {};

	for (auto _ : state)
	{
		const Bytes &value = values.next();
		Bytes same = equal ? value : Bytes();

		benchmark::DoNotOptimize(
			combine(work, HLLSET_UNION, view(value), view(equal ? same : part), result));
	}
}

void
unite_equal(benchmark::State &state)
{
	unite_known(state, true);
}

void
unite_subset(benchmark::State &state)
{
	unite_known(state, false);
}

/* One element more to a stored value, a new one each time. */
void
add_to_bytes(benchmark::State &state)
{
	Case c(state);
	Values values(c);
	Workspace work;
	std::vector<uint64_t> more = hashes(kFirst + 3 * c.count, 1023);
	HllsetBytes result = {};
	size_t i = 0;

	for (auto _ : state)
	{
		HllsetPlan plan;

		hllset_core_plan_add(&plan, view(values.next()), more[i++ % more.size()]);
		benchmark::DoNotOptimize(hllset_core_make(&plan, work.of(plan), &result));
	}
	set_bytes(state, values.next().size());
}

void
encode(benchmark::State &state)
{
	States states{Case(state)};
	Block work =
		states.work([](Aggregate &item) { return hllset_core_accum_encode_work(item.get()); });
	HllsetBytes result = {};

	for (auto _ : state)
	{
		result = hllset_core_accum_encode(states.next().get(), work.data());
		benchmark::DoNotOptimize(result);
	}
	set_bytes(state, result.size);
}

/* Decodes and checks every byte. */
void
check(benchmark::State &state)
{
	Values values{Case(state)};

	for (auto _ : state)
		benchmark::DoNotOptimize(hllset_core_check(view(values.next()), nullptr));
	set_bytes(state, values.next().size());
}

void
estimate(benchmark::State &state)
{
	Values values{Case(state)};
	Workspace work;
	HllsetEstimate result = {};

	for (auto _ : state)
	{
		benchmark::DoNotOptimize(bench::estimate(work, view(values.next()), result));
		benchmark::DoNotOptimize(result);
	}
	set_bytes(state, values.next().size());
}

/* Of the state of an aggregate. */
void
estimate_state(benchmark::State &state)
{
	States states{Case(state)};
	HllsetEstimate result = {};

	for (auto _ : state)
	{
		hllset_core_accum_estimate(states.next().get(), &result);
		benchmark::DoNotOptimize(result);
	}
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
BENCHMARK(unite_late)->Apply(every_case);
BENCHMARK(unite_bytes)->Apply(every_case);
BENCHMARK(unite_equal)->Apply(every_case);
BENCHMARK(unite_subset)->Apply(every_case);
BENCHMARK(venn)->Apply(every_case);
BENCHMARK(add_to_bytes)->Apply(every_case);
BENCHMARK(encode)->Apply(every_case);
BENCHMARK(check)->Apply(every_case);
BENCHMARK(estimate)->Apply(every_case);
BENCHMARK(estimate_state)->Apply(every_case);

} // namespace

} // namespace hllset::bench
