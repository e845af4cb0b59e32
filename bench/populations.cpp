/* SPDX-License-Identifier: PostgreSQL */
/*
 * Members of expressions among many users, with the truth beside them: that the sample finds all of its elements, how many others it
 * finds, whether means and sums over it are as sure as is said. Exit status 1 if a bound is broken.
 *
 * usage: populations [POPULATIONS [USERS [TRIALS [TRIAL_USERS]]]], by default 20 of 10,000,000, 1,000 of 1,000,000
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "core/coupon.hpp"
#include "core/sample.hpp"
#include "population.hpp"

namespace hllset::bench
{

namespace
{

/* Of the normal distribution: two-sided 95 %, and what no correct build shows once in ten thousand runs. */
constexpr double k95Percent = 1.96;
constexpr double kSurely = 4;

int failures = 0;

void
expect(bool holds, const char *what)
{
	if (holds)
		return;
	printf("FAILED: %s\n", what);
	failures++;
}

/* ---- found and wrong ---- */

struct Finding
{
	double sampled = 0; /* members of the sample's levels */
	double found = 0;
	double lost =
		0; /* that should be lost, by chance: an element of what is subtracted has their token */
	double wrong = 0;
	double expected = 0; /* wrong ones, by the formula */
	double keys = 0;
	double strange =
		0; /* keys of no member: an element of each of two sets has this token, and none has both */
};

void
find_members(uint64_t number, const World &world, Finding *findings)
{
	Population population(number, world);
	double members[kTermCount] = {};
	double removed[kTermCount] = {};
	double found[kTermCount] = {};
	std::set<uint32_t> of_members[kTermCount];

	for (uint64_t user = 0; user < world.users; user++)
	{
		int level = level_of(coupon_of(hash_of(number, user)));

		for (size_t t = 0; t < kTermCount; t++)
		{
			bool member = kTerms[t].has(world, user);

			members[t] += member;
			removed[t] += !member && kTerms[t].removes(world, user);
			findings[t].sampled += member && level >= population.level(t);
		}
	}
	population.join(world, [&](uint64_t user, size_t t) {
		bool member = kTerms[t].has(world, user);

		found[t] += member;
		findings[t].wrong += !member;
		if (member)
			of_members[t].insert(hllset_core_member_key(hash_of(number, user)));
	});
	for (size_t t = 0; t < kTermCount; t++)
	{
		int bits = kTerms[t].small ? 26 : kPrecision + 8;
		double rate = std::ldexp(1, -population.level(t));
		double chance = rate / (3 * std::ldexp(1, bits));

		findings[t].found += found[t];
		findings[t].expected +=
			found[t] * (static_cast<double>(world.users) - members[t] - removed[t]) * chance;
		findings[t].lost += found[t] * removed[t] * chance;
		findings[t].keys += static_cast<double>(population.keys(t));
		findings[t].strange += static_cast<double>(population.keys(t) - of_members[t].size());
	}
}

/* No further from what was expected than a Poisson number goes. */
bool
is_near(double number, double expected)
{
	return std::abs(number - expected) <= kSurely * std::sqrt(expected + 1) + 1;
}

void
show_findings(int populations, uint64_t users)
{
	World world(users);
	Finding findings[kTermCount];

	for (int p = 0; p < populations; p++)
		find_members(static_cast<uint64_t>(p) + 1, world, findings);
	printf("Members among %llu users, in %d populations together\n",
		   static_cast<unsigned long long>(users), populations);
	printf("%-28s %9s %9s %7s %9s %7s %9s %9s %9s\n", "value", "in sample", "found", "missed",
		   "expected", "wrong", "expected", "of found", "odd keys");
	for (size_t t = 0; t < kTermCount; t++)
	{
		const Finding &f = findings[t];
		double missed = f.sampled - f.found;

		printf("%-28s %9.0f %9.0f %7.0f %9.1f %7.0f %9.1f %8.2f%% %9.0f\n", kTerms[t].name,
			   f.sampled, f.found, missed, f.lost, f.wrong, f.expected, 100 * f.wrong / f.found,
			   f.strange);
		expect(is_near(f.wrong, f.expected), "wrong ones are as many as the formula says");
		expect(is_near(missed, f.lost),
			   "only who shares a token with what is subtracted is missed");
		expect(f.strange <= 0.002 * f.keys + 3, "each key finds a member");
	}
}

/* ---- means and sums ---- */

struct Judgement
{
	int means = 0;
	int sums = 0;
	double sample = 0;
	double mean_error = 0;
	double sum_error = 0;
	double plain_error = 0; /* of the sum over the sample, divided by the rate */
};

struct Moments
{
	double count = 0;
	double sum = 0;
	double squares = 0;

	void
	add(double x)
	{
		count++;
		sum += x;
		squares += x * x;
	}

	double
	mean() const
	{
		return sum / count;
	}

	/* Standard deviation. */
	double
	spread() const
	{
		return std::sqrt((squares - sum * sum / count) / (count - 1));
	}
};

void
judge(uint64_t number, const World &world, Judgement *judgements)
{
	Population population(number, world);
	Moments truth[kTermCount];
	Moments sample[kTermCount];

	for (uint64_t user = 0; user < world.sets[kF].end; user++)
		for (size_t t = 0; t < kTermCount; t++)
			if (kTerms[t].judged && kTerms[t].has(world, user))
				truth[t].add(spent_by(number, user));
	population.join(world, [&](uint64_t user, size_t t) { sample[t].add(spent_by(number, user)); });
	for (size_t t = 0; t < kTermCount; t++)
	{
		if (!kTerms[t].judged)
			continue;

		HllsetEstimate size = population.estimate(t);
		double variation = sample[t].spread() / sample[t].mean();
		double mean_error = sample[t].spread() / std::sqrt(sample[t].count);
		double sum = sample[t].mean() * size.cardinality;
		double relative = std::sqrt(variation * variation / sample[t].count +
									std::pow(size.standard_error / size.cardinality, 2));
		double plain = sample[t].sum / std::ldexp(1, -population.level(t));

		judgements[t].means +=
			std::abs(sample[t].mean() - truth[t].mean()) <= k95Percent * mean_error;
		judgements[t].sums += std::abs(sum - truth[t].sum) <= k95Percent * relative * sum;
		judgements[t].sample += sample[t].count;
		judgements[t].mean_error += std::pow(sample[t].mean() / truth[t].mean() - 1, 2);
		judgements[t].sum_error += std::pow(sum / truth[t].sum - 1, 2);
		judgements[t].plain_error += std::pow(plain / truth[t].sum - 1, 2);
	}
}

/* From 93 to 97 % of enough trials; of fewer, as far off as chance goes. */
bool
is_95_percent(int holding, int trials)
{
	double share = static_cast<double>(holding) / trials;
	double slack = std::max(0.02, kSurely * std::sqrt(0.95 * 0.05 / trials));

	return share >= 0.95 - slack && share <= 0.95 + slack;
}

void
show_judgements(int trials, uint64_t users)
{
	World world(users);
	Judgement judgements[kTermCount];

	for (int trial = 0; trial < trials; trial++)
		judge(static_cast<uint64_t>(trial) + 1000, world, judgements);
	printf("\nMeans and sums over the members found, of %llu users, in %d trials\n",
		   static_cast<unsigned long long>(users), trials);
	printf("%-28s %8s %12s %12s %12s %12s %14s\n", "value", "sample", "mean holds", "sum holds",
		   "error, mean", "error, sum", "sum by rate");
	for (size_t t = 0; t < kTermCount; t++)
	{
		const Judgement &j = judgements[t];

		if (!kTerms[t].judged)
			continue;
		printf("%-28s %8.0f %11.1f%% %11.1f%% %11.2f%% %11.2f%% %13.2f%%\n", kTerms[t].name,
			   j.sample / trials, 100.0 * j.means / trials, 100.0 * j.sums / trials,
			   100 * std::sqrt(j.mean_error / trials), 100 * std::sqrt(j.sum_error / trials),
			   100 * std::sqrt(j.plain_error / trials));
		expect(is_95_percent(j.means, trials), "means are within their stated errors");
		expect(is_95_percent(j.sums, trials), "sums are within their stated errors");
	}
}

} // namespace

} // namespace hllset::bench

int
main(int argc, char **argv)
{
	using namespace hllset::bench;
	double numbers[] = {20, 1e7, 1000, 1e6};

	for (int i = 1; i < argc && i <= static_cast<int>(std::size(numbers)); i++)
		numbers[i - 1] = atof(argv[i]);
	setbuf(stdout, nullptr);
	show_findings(static_cast<int>(numbers[0]), static_cast<uint64_t>(numbers[1]));
	show_judgements(static_cast<int>(numbers[2]), static_cast<uint64_t>(numbers[3]));
	return failures == 0 ? 0 : 1;
}
