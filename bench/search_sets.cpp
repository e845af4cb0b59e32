/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets for bench/search.py, and how they truly overlap.
 *
 *     search_sets sets FAMILIES SEED PRECISION [FIRST [END]]      rows for COPY ... (FORMAT binary): id, family, elements, set
 *     search_sets truth FAMILIES SEED QUERIES      lines: id of a query, id of a set, elements of the query, of the set, of both
 *     search_sets elements FAMILIES SEED           lines for COPY: id, array of elements
 *
 * A family is 40 sets over a common range of elements; families share nothing. A set has 300 to 200,000 elements, evenly by their logarithm; those of every
 * second family are within a factor of ten. It is a part of the range, or a part of another set, or a sample of another set's elements with noise: elements of its own. One set of a family
 * is a query, in turn. Elements are the numbers from family * 2^21 on, their hashes those of integers.
 */
#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "sample.hpp"

namespace hllset::bench
{

namespace
{

constexpr int kSetsOfFamily = 40;
constexpr double kFewest = 300;
constexpr double kMost = 200000;
constexpr uint64_t kRange = uint64_t{1} << 20; /* of a family; its noise lies above */

using Bits = std::vector<uint64_t>;

struct Set
{
	Bits bits = Bits(kRange / 64); /* of the range */
	uint64_t noise = 0;            /* elements that no other set has */
	uint64_t first_noise = 0;
	uint64_t inside = 0;

	uint64_t
	size() const
	{
		return inside + noise;
	}

	bool
	has(uint64_t i) const
	{
		return (bits[i / 64] >> (i % 64) & 1) != 0;
	}

	void
	add(uint64_t i)
	{
		inside += !has(i);
		bits[i / 64] |= uint64_t{1} << (i % 64);
	}
};

class Family
{
public:
	Family(uint64_t number, uint64_t seed) : number_(number), random_(seed << 32 | number)
	{
		typical_ = any_number();
		for (int i = 0; i < kSetsOfFamily; i++)
			sets.push_back(make());
	}

	template <typename Sink>
	void
	for_each_element(const Set &set, Sink &&sink) const
	{
		for (uint64_t i = 0; i < kRange; i++)
			if (set.bits[i / 64] == 0)
				i |= 63;
			else if (set.has(i))
				sink(number_ << 21 | i);
		for (uint64_t i = 0; i < set.noise; i++)
			sink(number_ << 21 | (kRange + set.first_noise + i));
	}

	std::vector<Set> sets;

private:
	double
	share()
	{
		return std::generate_canonical<double, 53>(random_);
	}

	uint64_t
	below(uint64_t n)
	{
		return static_cast<uint64_t>(share() * static_cast<double>(n));
	}

	uint64_t
	number_of_elements()
	{
		double n = number_ % 2 == 0 ? typical_ * std::pow(10, share() - 0.5) : any_number();

		return static_cast<uint64_t>(std::clamp(n, kFewest, kMost));
	}

	double
	any_number()
	{
		return kFewest * std::pow(kMost / kFewest, share());
	}

	Set
	make()
	{
		uint64_t n = number_of_elements();
		int kind = sets.empty() ? 0 : static_cast<int>(below(3));

		if (kind == 0)
			return part_of_range(n);

		const Set &other = sets[below(sets.size())];

		return kind == 1 ? part_of(other) : sample_of(other);
	}

	/* Most begin near the front of the range, so that they overlap. */
	Set
	part_of_range(uint64_t n)
	{
		Set set;
		uint64_t start = below(std::min(2 * n, kRange - n));

		for (uint64_t i = start; i < start + n; i++)
			set.add(i);
		return set;
	}

	/* A half of its elements to all, from a random place on. */
	Set
	part_of(const Set &other)
	{
		Set set;
		uint64_t wanted =
			std::max<uint64_t>(static_cast<uint64_t>(other.inside * (0.1 + 0.9 * share())), 1);
		uint64_t skip = below(other.inside - std::min(wanted, other.inside) + 1);

		for (uint64_t i = 0; i < kRange && set.inside < wanted; i++)
			if (other.has(i) && skip-- == 0)
			{
				skip = 0;
				set.add(i);
			}
		return filled(set);
	}

	Set
	sample_of(const Set &other)
	{
		Set set;
		double kept = 0.05 + 0.95 * share();

		for (uint64_t i = 0; i < kRange; i++)
			if (other.has(i) && share() < kept)
				set.add(i);
		set.noise = static_cast<uint64_t>(static_cast<double>(set.inside) * share());
		return filled(set);
	}

	/* With noise up to the fewest elements that a set may have. */
	Set
	filled(Set set)
	{
		if (set.size() < kFewest)
			set.noise = static_cast<uint64_t>(kFewest) - set.inside;
		set.first_noise = next_noise_;
		next_noise_ += set.noise;
		return set;
	}

	uint64_t number_;
	std::mt19937_64 random_;
	double typical_;
	uint64_t next_noise_ = 0;
};

/* Big-endian, as COPY has it. */
void
put(uint64_t value, int bytes)
{
	while (bytes-- > 0)
		putchar(static_cast<int>(value >> (8 * bytes) & 255));
}

void
put_number(uint64_t value)
{
	put(4, 4);
	put(value, 4);
}

void
write_sets(uint64_t first, uint64_t families, uint64_t seed, int precision)
{
	const char header[] = "PGCOPY\n\377\r\n";

	fwrite(header, 1, 11, stdout);
	put(0, 4);
	put(0, 4);
	for (uint64_t f = first; f < families; f++)
	{
		Family family(f, seed);

		for (size_t i = 0; i < family.sets.size(); i++)
		{
			Aggregate aggregate(precision, false);

			family.for_each_element(family.sets[i], [&](uint64_t element) {
				aggregate.add(hllset_core_hash_word(element, HLLSET_FAMILY_INTEGER));
			});

			Block work = block_of(hllset_core_accum_encode_work(aggregate.get()));
			HllsetBytes bytes = hllset_core_accum_encode(aggregate.get(), work.data());

			put(4, 2);
			put_number(f * kSetsOfFamily + i);
			put_number(f);
			put_number(family.sets[i].size());
			put(bytes.size, 4);
			fwrite(bytes.data, 1, bytes.size, stdout);
		}
	}
	put(0xffff, 2);
}

uint64_t
shared(const Set &a, const Set &b)
{
	uint64_t both = &a == &b ? a.noise : 0;

	for (size_t i = 0; i < a.bits.size(); i++)
		both += static_cast<uint64_t>(__builtin_popcountll(a.bits[i] & b.bits[i]));
	return both;
}

void
write_truth(uint64_t families, uint64_t seed, uint64_t queries)
{
	for (uint64_t i = 0; i < queries; i++)
	{
		uint64_t f = i * families / queries;
		Family family(f, seed);
		size_t query = i % kSetsOfFamily;
		const Set &asked = family.sets[query];

		for (size_t j = 0; j < family.sets.size(); j++)
		{
			uint64_t both = shared(asked, family.sets[j]);

			if (both > 0)
				printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
					   f * kSetsOfFamily + query, f * kSetsOfFamily + j, asked.size(),
					   family.sets[j].size(), both);
		}
	}
}

void
write_elements(uint64_t families, uint64_t seed)
{
	for (uint64_t f = 0; f < families; f++)
	{
		Family family(f, seed);

		for (size_t i = 0; i < family.sets.size(); i++)
		{
			char before = '{';

			printf("%" PRIu64 "\t", f * kSetsOfFamily + i);
			family.for_each_element(family.sets[i], [&](uint64_t element) {
				printf("%c%" PRIu64, before, element);
				before = ',';
			});
			printf("}\n");
		}
	}
}

uint64_t
number(const char *text)
{
	return strtoull(text, nullptr, 10);
}

} // namespace

} // namespace hllset::bench

using namespace hllset::bench;

int
main(int argc, char **argv)
{
	if (argc >= 5 && strcmp(argv[1], "sets") == 0)
		write_sets(argc > 5 ? number(argv[5]) : 0, argc > 6 ? number(argv[6]) : number(argv[2]),
				   number(argv[3]), atoi(argv[4]));
	else if (argc == 5 && strcmp(argv[1], "truth") == 0)
		write_truth(number(argv[2]), number(argv[3]), number(argv[4]));
	else if (argc == 4 && strcmp(argv[1], "elements") == 0)
		write_elements(number(argv[2]), number(argv[3]));
	else
		return 2;
	return 0;
}
