/* SPDX-License-Identifier: PostgreSQL */
/* Times of the joint estimate, from pattern counts on: the fit alone, and the covariance after it. */
#include <benchmark/benchmark.h>

#include <memory>

#include "../test/unit/patterns.hpp"

namespace hllset::bench
{

namespace
{

using test::Patterns;
using test::Sizes;

constexpr int kPrecision = 12;
constexpr int kDraws = 32;

enum Shape
{
	overlapping, /* every region has elements */
	core,        /* a tenth of each source is in all, the rest in no other */
	disjoint
};

Sizes
sizes_of(int sources, Shape shape)
{
	size_t regions = size_t{1} << sources;
	Sizes size(regions, shape == overlapping ? 1e6 / static_cast<double>(regions) : 0.0);

	if (shape != overlapping)
		for (int i = 0; i < sources; i++)
			size[size_t{1} << i] = 9e5;
	if (shape == core)
		size[regions - 1] += 1e5;
	size[0] = 0;
	return size;
}

/* Arguments: sources, shape, 1 if compact. Several draws in turn, so that no branch is learned by heart. */
class Draws
{
public:
	explicit Draws(const benchmark::State &state)
		: sources_(static_cast<int>(state.range(0))), work_(joint_work(sources_))
	{
		std::mt19937_64 random(1);
		int level0 = state.range(2) != 0 ? kLevels : test::level0_of(1e6, kPrecision);

		for (int i = 0; i < kDraws; i++)
		{
			draws_.push_back(std::make_unique<Patterns>(sources_, kPrecision, level0));
			draws_.back()->draw(sizes_of(sources_, static_cast<Shape>(state.range(1))), random);
		}
	}

	const JointCounts &
	next()
	{
		return draws_[++turn_ % kDraws]->counts();
	}

	void *
	work()
	{
		return work_.data();
	}

private:
	int sources_;
	std::vector<uint8_t> work_;
	std::vector<std::unique_ptr<Patterns>> draws_;
	size_t turn_ = 0;
};

void
fit(benchmark::State &state)
{
	Draws draws(state);
	int64_t iterations = 0;

	for (auto _ : state)
	{
		JointFit fit;

		joint_fit(draws.next(), draws.work(), fit);
		benchmark::DoNotOptimize(fit);
		iterations += fit.iterations;
	}
	state.counters["steps"] =
		static_cast<double>(iterations) / static_cast<double>(state.iterations());
}

void
covariance(benchmark::State &state)
{
	Draws draws(state);
	const JointCounts &counts = draws.next();
	JointFit fit;
	Sizes result(size_t{1} << 2 * state.range(0));

	joint_fit(counts, draws.work(), fit);
	for (auto _ : state)
	{
		joint_covariance(counts, fit, draws.work(), result.data());
		benchmark::DoNotOptimize(result.data());
	}
}

void
ratio(benchmark::State &state)
{
	Draws draws(state);

	for (auto _ : state)
		benchmark::DoNotOptimize(joint_likelihood_ratio(draws.next(), 1 << 3, draws.work()));
}

void
cases(benchmark::internal::Benchmark *bench)
{
	bench->ArgNames({"sources", "shape", "compact"})->Unit(benchmark::kMicrosecond);
	bench->ArgsProduct({{2, 3, 4, 5, 6}, {overlapping, core, disjoint}, {0, 1}});
}

BENCHMARK(fit)->Apply(cases);
BENCHMARK(covariance)->Apply(cases);
BENCHMARK(ratio)
	->ArgNames({"sources", "shape", "compact"})
	->Unit(benchmark::kMicrosecond)
	->Args({2, core, 1})
	->Args({2, disjoint, 1});

} // namespace

} // namespace hllset::bench
