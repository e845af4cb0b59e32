/* SPDX-License-Identifier: PostgreSQL */
/*
 * The regions of six sets against the truth: how many are within their errors, and whether their sum is the union. Exit status 1 if a bound is
 * broken.
 *
 * usage: regions [TRIALS], by default 400
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "sample.hpp"

namespace hllset::bench
{

namespace
{

constexpr int kPrecision = 12;
constexpr int kSix = 6;
constexpr int kRegions = 1 << kSix;

/* Of the normal distribution: two-sided 95 %. */
constexpr double k95Percent = 1.96;

using Bytes = std::vector<uint8_t>;

uint64_t
hash_of(uint64_t trial, uint64_t element)
{
	return hllset_core_hash_word(trial << 32 | element, HLLSET_FAMILY_INTEGER);
}

/* Six sets of a common pool: each takes each of its elements with its own chance, or one of a few that go together. */
std::vector<uint32_t>
draw_masks(uint64_t trial, size_t count)
{
	std::vector<uint32_t> masks(count);
	uint64_t seed = hash_of(trial, 0xffffffff);

	for (size_t i = 0; i < count; i++)
	{
		uint64_t bits = hllset_core_hash_word(hash_of(trial, i), HLLSET_FAMILY_OID);

		for (int s = 0; s < kSix; s++)
			masks[i] |= static_cast<uint32_t>((bits >> 8 * s & 7) < 1 + (seed >> 3 * s & 3)) << s;
		/* a part of them is shared by neighbours alone */
		if (bits >> 60 < 4)
			masks[i] &= 3u << (bits >> 56 & 3);
	}
	return masks;
}

bool
show_regions(int trials)
{
	int holding[kRegions] = {};
	double sum_error = 0;
	double union_error = 0;
	double difference = 0;
	int all = 0;
	int least = trials;

	for (int trial = 0; trial < trials; trial++)
	{
		uint64_t number = static_cast<uint64_t>(trial) + 5000000;
		std::vector<uint32_t> masks = draw_masks(number, 20000 + hash_of(number, 7) % 200000);
		double exact[kRegions] = {};
		double total = 0;
		double sum = 0;
		std::vector<Bytes> bytes;
		HllsetBytes sets[kSix];
		Aggregate whole(kPrecision, false);
		HllsetEstimate regions[kRegions];
		HllsetEstimate united;

		for (uint32_t mask : masks)
			exact[mask]++;
		for (int s = 0; s < kSix; s++)
		{
			Aggregate aggregate(kPrecision, false);

			for (size_t i = 0; i < masks.size(); i++)
				if ((masks[i] >> s & 1) != 0)
					aggregate.add(hash_of(number, i));
			bytes.push_back(aggregate.bytes());
			whole.unite(view(bytes.back()));
		}
		for (int s = 0; s < kSix; s++)
			sets[s] = view(bytes[static_cast<size_t>(s)]);

		Workspace work;

		if (venn(work, sets, kSix, regions) != HLLSET_OK)
			abort();
		hllset_core_accum_estimate(whole.get(), &united);
		for (int x = 1; x < kRegions; x++)
		{
			double off = std::abs(regions[x].cardinality - exact[x]);

			holding[x] += off <= k95Percent * regions[x].standard_error;
			sum += regions[x].cardinality;
			total += exact[x];
		}
		sum_error += std::pow(sum / total - 1, 2);
		union_error += std::pow(united.cardinality / total - 1, 2);
		difference += std::pow(sum / united.cardinality - 1, 2);
	}
	for (int x = 1; x < kRegions; x++)
	{
		all += holding[x];
		least = std::min(least, holding[x]);
	}
	printf("Regions of six sets, in %d trials\n", trials);
	printf("within 1.96 errors: %.2f %% of all, %.1f %% of the region that holds least\n",
		   100.0 * all / (trials * (kRegions - 1.0)), 100.0 * least / trials);
	printf(
		"error of the sum of all regions %.2f %%, of the count of the union %.2f %%, between them "
		"%.2f %%\n",
		100 * std::sqrt(sum_error / trials), 100 * std::sqrt(union_error / trials),
		100 * std::sqrt(difference / trials));
	return all >= 0.93 * trials * (kRegions - 1) &&
		   sum_error <= union_error * (trials < 100 ? 2 : 1.05);
}

} // namespace

} // namespace hllset::bench

int
main(int argc, char **argv)
{
	int trials = argc > 1 ? atoi(argv[1]) : 400;

	return hllset::bench::show_regions(trials) ? 0 : 1;
}
