/* SPDX-License-Identifier: PostgreSQL */
/*
 * The longest time that a count, its bounds, a predicate and the overlaps of a value take: over sets as they are, over nearly full ones,
 * and over bytes that are valid though no real elements give them. All values are read from their bytes, by the door.
 *
 *     worst [TRIALS [SEED] | --smoke]        default: 40 of each kind at precisions 4 to 12, a tenth as many at 18
 *
 * Times are of the processor, the best of three, in ms. Exit status 1 if one is above its limit: 5 ms up to precision 12, 50 ms at 18; not with
 * --smoke, which shows in a second that the program runs.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "../test/unit/patterns.hpp"
#include "sample.hpp"

namespace hllset::bench
{

namespace
{

using test::Patterns;
using Random = std::mt19937_64;
using Bytes = std::vector<uint8_t>;

constexpr int kRepeats = 3;

double
now()
{
	timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

/* ---- how often each pattern of sources occurs among the cells of a level, as weights ---- */

using Weights = std::vector<double>;

enum Kind
{
	kReal,    /* overlapping sets of any size */
	kFull,    /* overlapping sets so large that hardly a cell is empty */
	kDensity, /* every level and source by itself, as full as it likes */
	kMixture, /* every level of any patterns */
	kTop,     /* full up to one of the last levels, any patterns from there on */
	kSingle,  /* every level of one pattern, but for a few cells */
	kSampled, /* three times six sets of any size: too many for one estimate, so that their tokens answer */
	kKinds
};

constexpr const char *kNames[] = {"real", "nearly full", "densities", "patterns",
								  "top",  "single",      "18 sets"};

double
uniform(Random &random)
{
	return std::uniform_real_distribution<>(0, 1)(random);
}

Weights
by_density(int sources, Random &random)
{
	Weights weights(size_t{1} << sources, 1.0);

	for (int i = 0; i < sources; i++)
	{
		double rare = random() % 3 == 0 ? uniform(random) : std::exp(-8 * uniform(random));
		double density = random() % 2 == 0 ? rare : 1 - rare;

		for (size_t pattern = 0; pattern < weights.size(); pattern++)
			weights[pattern] *= (pattern >> i & 1) != 0 ? density : 1 - density;
	}
	return weights;
}

Weights
mixture(int sources, Random &random)
{
	Weights weights(size_t{1} << sources, 0.0);

	weights[random() % weights.size()] = 1;
	for (double &weight : weights)
		if (random() % 3 == 0)
			weight += std::exp(6 * uniform(random) - 3);
	return weights;
}

Weights
single(int sources, double rest, Random &random)
{
	Weights weights(size_t{1} << sources, 0.0);

	weights[random() % weights.size()] = 1;
	weights[random() % weights.size()] += rest * uniform(random);
	return weights;
}

std::vector<Weights>
weights_of(Kind kind, int sources, int precision, Random &random)
{
	Patterns model(sources, precision, kLevels);
	double n = kind == kReal ? std::exp(12 + 11 * uniform(random))
							 : std::ldexp(1.0, precision + 22 + static_cast<int>(random() % 12));
	test::Sizes sizes = test::random_sizes(sources, n, random);
	int first = kLevels - 1 - static_cast<int>(random() % 6);
	double rest = std::exp(-10 * uniform(random));
	std::vector<Weights> levels;

	for (int k = 0; k < kLevels; k++)
		if (kind == kReal || kind == kFull)
		{
			std::vector<long double> exact = model.probabilities(sizes, k);

			levels.emplace_back(exact.begin(), exact.end());
		}
		else if (kind == kDensity)
			levels.push_back(by_density(sources, random));
		else if (kind == kMixture || (kind == kTop && k >= first))
			levels.push_back(mixture(sources, random));
		else if (kind == kSingle)
			levels.push_back(single(sources, rest, random));
		else
		{
			levels.emplace_back(size_t{1} << sources, 0.0);
			levels.back().back() = 1;
		}
	return levels;
}

/* ---- bytes ---- */

/* Sets whose cells show patterns drawn by these weights. An element for each one of them: of its level and its bucket, else at random. */
std::vector<Bytes>
draw(const std::vector<Weights> &levels, int sources, int precision, bool compact, Random &random)
{
	std::vector<Aggregate> sets(sources, Aggregate(precision, compact));
	std::vector<Bytes> bytes;

	for (int k = 0; k < kLevels; k++)
	{
		std::discrete_distribution<uint32_t> pattern_of(levels[k].begin(), levels[k].end());

		for (uint64_t bucket = 0; bucket < buckets(precision); bucket++)
		{
			uint64_t first = uint64_t{1} << (63 - k);
			uint64_t address = (random() << precision | bucket) & ((1u << kAddressBits) - 1);

			for (uint32_t left = pattern_of(random); left != 0; left &= left - 1)
				sets[std::countr_zero(left)].add(first | address);
		}
	}
	for (Aggregate &set : sets)
		bytes.push_back(set.bytes());
	return bytes;
}

Bytes
combine(HllsetOp op, const Bytes &a, const Bytes &b)
{
	Workspace work;
	HllsetBytes result;

	if (bench::combine(work, op, view(a), view(b), result) != HLLSET_OK)
		abort();
	return {result.data, result.data + result.size};
}

/* Of the sources from first on: one after the other by # or, of a more general kind, by any operation. */
Bytes
expression(const std::vector<Bytes> &sources, size_t first, size_t end, bool any, Random &random)
{
	Bytes value = sources[first];

	for (size_t i = first + 1; i < end; i++)
		value = combine(any ? static_cast<HllsetOp>(1 + random() % 3) : HLLSET_SYMMETRIC_DIFFERENCE,
						value, sources[i]);
	return value;
}

/* ---- times ---- */

enum Question
{
	kCount,
	kBounds,
	kContained,
	kOverlap,
	kVenn,
	kQuestions
};

struct Case
{
	Bytes whole;
	Bytes parts[3];
};

/* Without the allocation of the workspace, which is the caller's time. */
double
time_once(Question question, const Case &asked)
{
	HllsetBytes whole = view(asked.whole);
	HllsetBytes parts[3] = {view(asked.parts[0]), view(asked.parts[1]), view(asked.parts[2])};
	HllsetEstimate result[8];
	double number;
	bool answer;
	HllsetPlan plan;
	HllsetStatus status;
	double start = now();

	status = question == kCount || question == kBounds
				 ? hllset_core_plan_count(&plan, whole)
				 : hllset_core_plan_census(&plan, parts, question == kVenn ? 3 : 2);

	double planned = now();
	Block work = block_of(status == HLLSET_OK ? plan.work_size : 0);
	double ready = now();

	if (status == HLLSET_OK && question == kCount)
		status = hllset_core_cardinality(&plan, work.data(), &number);
	else if (status == HLLSET_OK && question == kBounds)
		status = hllset_core_estimate(&plan, work.data(), result);
	else if (status == HLLSET_OK && question == kContained)
		status = hllset_core_contained(&plan, work.data(), &answer);
	else if (status == HLLSET_OK && question == kOverlap)
		status = hllset_core_overlap(&plan, work.data(), &answer);
	else if (status == HLLSET_OK)
		status = hllset_core_venn(&plan, work.data(), result);
	/* where parts have made unions of their own, and they are compact, the refusal is what is timed */
	if (status != HLLSET_OK && status != HLLSET_TOO_MANY_SOURCES)
		abort();
	return now() - ready + (planned - start);
}

double
time_of(Question question, const Case &asked)
{
	double best = time_once(question, asked);

	for (int i = 1; i < kRepeats; i++)
		best = std::min(best, time_once(question, asked));
	return best;
}

/* ---- the table ---- */

double
limit_at(int precision)
{
	return precision <= 12 ? 5 : 50;
}

Case
sampled(int precision, Random &random)
{
	Case made;

	for (Bytes &part : made.parts)
	{
		std::vector<Bytes> sets;

		for (int i = 0; i < kMaxSources; i++)
		{
			uint64_t most = uint64_t{4} << precision;
			Aggregate set(precision, false);

			set.add_integers(random() % most, most / 2 + random() % most);
			sets.push_back(set.bytes());
		}
		part = expression(sets, 0, sets.size(), false, random);
	}
	made.whole = made.parts[0];
	return made;
}

Case
joint(int precision, Kind kind, bool compact, bool any, Random &random)
{
	std::vector<Bytes> sets = draw(weights_of(kind, kMaxSources, precision, random), kMaxSources,
								   precision, compact, random);

	return {expression(sets, 0, 6, any, random),
			{expression(sets, 0, 3, any, random), expression(sets, 3, 6, any, random),
			 expression(sets, 1, 5, any, random)}};
}

bool
measure(int precision, Kind kind, int trials, Random &random)
{
	double worst[kQuestions] = {};
	bool holds = true;

	for (int trial = 0; trial < trials; trial++)
	{
		Case asked = kind == kSampled ? sampled(precision, random)
									  : joint(precision, kind, kind != kReal || trial % 2 == 0,
											  trial % 3 == 2, random);

		for (int q = 0; q < kQuestions; q++)
			worst[q] = std::max(worst[q], time_of(static_cast<Question>(q), asked));
	}
	printf("%9d  %-12s", precision, kNames[kind]);
	for (double time : worst)
	{
		printf(" %9.3f", time);
		holds = holds && time <= limit_at(precision);
	}
	puts(holds ? "" : "  BROKEN");
	fflush(stdout);
	return holds;
}

} // namespace

} // namespace hllset::bench

int
main(int count, char **arguments)
{
	using namespace hllset::bench;

	bool smoke = count == 2 && strcmp(arguments[1], "--smoke") == 0;
	int trials = smoke ? 1 : count > 1 ? atoi(arguments[1]) : 40;
	Random random(count > 2 ? strtoull(arguments[2], nullptr, 10) : 1);
	bool holds = true;

	if (count > 3 || trials <= 0)
	{
		fputs("usage: worst [TRIALS [SEED] | --smoke]\n", stderr);
		return 2;
	}
	printf("longest of %d values of six sources each, in ms\n", trials);
	puts("precision  sources          count    bounds  contained   overlap      venn");
	for (int precision : {4, 5, 6, 8, 12, 18})
		for (int kind = 0; kind < kKinds && !(smoke && precision == 18); kind++)
			holds = measure(precision, static_cast<Kind>(kind),
							precision == 18 ? (trials + 9) / 10 : trials, random) &&
					holds;
	puts(holds ? "holds" : "BROKEN");
	return holds || smoke ? 0 : 1;
}
