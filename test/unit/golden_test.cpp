/* SPDX-License-Identifier: PostgreSQL */
/*
 * Counts, errors and measures to their last bit, as test/golden.tsv has them: the same from every compiler and processor. What they should be,
 * other tests say. HLLSET_GOLDEN=FILE writes FILE instead, for a change that means to change them.
 */
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support.hpp"

namespace hllset::test
{

namespace
{

/* Lines "name, bits of the number, the number". */
class Record
{
public:
	void
	add(const std::string &name, double value)
	{
		std::ostringstream line;

		line << name << '\t' << std::hex << std::bit_cast<uint64_t>(value) << '\t';
		line.precision(17);
		line << value;
		lines_.push_back(line.str());
	}

	void
	add(const std::string &name, const HllsetEstimate &made)
	{
		add(name + " cardinality", made.cardinality);
		add(name + " standard_error", made.standard_error);
		add(name + " relative_error", relative_error(made));
		add(name + " variance", made.variance);
		add(name + " slope_below", made.slope_below);
		add(name + " slope_above", made.slope_above);
		for (double confidence : {0.5, 0.95, 0.999999})
		{
			double lower;
			double upper;

			hllset_core_bounds(&made, confidence, &lower, &upper);
			add(name + " lower", lower);
			add(name + " upper", upper);
		}
	}

	const std::vector<std::string> &
	lines() const
	{
		return lines_;
	}

private:
	std::vector<std::string> lines_;
};

Bytes
integers(uint64_t first, uint64_t count, int precision, bool compact)
{
	Hashes hashes;

	for (uint64_t i = first; i < first + count; i++)
		hashes.push_back(hllset_core_hash_word(i, HLLSET_FAMILY_INTEGER));
	return set_of(hashes, precision, compact);
}

/* Every cell of every level. */
Bytes
saturated(int precision)
{
	Hashes hashes;

	for (uint64_t bucket = 0; bucket < buckets(precision); bucket++)
		for (int level = 0; level < kLevels; level++)
			hashes.push_back(make_hash(level, bucket));
	return set_of(hashes, precision, true);
}

std::string
named(const char *what, int precision, bool compact, uint64_t count)
{
	return std::string(what) + " " + std::to_string(precision) + (compact ? " compact " : " ") +
		   std::to_string(count);
}

void
record_sets(Record &record)
{
	for (int precision : {4, 8, 12, 15, 18})
		for (bool compact : {false, true})
			for (uint64_t count : {1, 40, 1000, 20000, 300000})
				record.add(named("set", precision, compact, count),
						   estimate(integers(0, count, precision, compact)));
	record.add("saturated 4", estimate(saturated(4)));
	record.add("saturated 9", estimate(saturated(9)));
}

void
record_pairs(Record &record)
{
	for (int precision : {6, 12})
		for (bool compact : {false, true})
			for (uint64_t first : {0, 100, 15000, 29900, 30000})
			{
				Bytes a = integers(0, 30000, precision, compact);
				Bytes b = integers(first, 30000, precision, compact);
				std::vector<HllsetEstimate> regions = venn({a, b});

				for (size_t x = 1; x < regions.size(); x++)
					record.add(named("venn", precision, compact, first) + " " + std::to_string(x),
							   regions[x]);
				record.add(named("and", precision, compact, first), estimate(intersect(a, b)));
				record.add(named("minus", precision, compact, first), estimate(subtract(a, b)));
			}
}

/* Intersections and symmetric differences of two to seven sets: the last are samples. */
void
record_chains(Record &record)
{
	Bytes both = integers(0, 60000, 12, false);
	Bytes either = both;

	for (uint64_t sets = 2; sets <= 7; sets++)
	{
		Bytes next = integers(sets * 3000, 60000, 12, false);

		both = intersect(both, next);
		either = differ(either, next);
		record.add(named("all of", 12, false, sets), estimate(both));
		record.add(named("odd of", 12, false, sets), estimate(either));
	}
}

} // namespace

TEST(Golden, NumbersToTheLastBit)
{
	Record record;

	record_sets(record);
	record_pairs(record);
	record_chains(record);
	if (const char *path = std::getenv("HLLSET_GOLDEN"))
	{
		std::ofstream file(path);

		for (const std::string &line : record.lines())
			file << line << '\n';
		return;
	}

	std::ifstream file(HLLSET_TEST_DIR "/golden.tsv");
	std::string line;

	for (const std::string &made : record.lines())
	{
		ASSERT_TRUE(std::getline(file, line)) << "golden.tsv ends before " << made;
		ASSERT_EQ(line, made);
	}
	EXPECT_FALSE(std::getline(file, line)) << "golden.tsv goes on with " << line;
}

} // namespace hllset::test
