/* SPDX-License-Identifier: PostgreSQL */
/*
 * test/vectors.tsv, which the second implementation wrote (docs/format.md, Test vectors), through the door. What the hash
 * lines say about SQL literals is tested by sql/vectors.sql; here their canonical bytes are hashed.
 */
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "support.hpp"

namespace hllset::test
{

using Fields = std::vector<std::string>;

static std::vector<Fields>
lines_of(const std::string &kind)
{
	std::ifstream file(HLLSET_TEST_DIR "/vectors.tsv");
	std::vector<Fields> lines;

	for (std::string line; std::getline(file, line);)
	{
		if (line.starts_with('#'))
			continue;

		Fields fields(1);

		for (char c : line)
		{
			if (c == '\t')
				fields.emplace_back();
			else
				fields.back() += c;
		}
		if (fields[0] == kind)
			lines.push_back(fields);
	}
	if (lines.empty())
		throw std::runtime_error("test/vectors.tsv has no lines of kind " + kind);
	return lines;
}

static Bytes
from_hex(const std::string &hex)
{
	Bytes bytes;

	for (size_t i = 0; i < hex.size(); i += 2)
		bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
	return bytes;
}

static std::string
to_hex(const uint8_t *data, size_t size)
{
	std::string hex;

	for (size_t i = 0; i < size; i++)
	{
		hex += "0123456789abcdef"[data[i] >> 4];
		hex += "0123456789abcdef"[data[i] & 15];
	}
	return hex;
}

static std::string
to_hex(const Bytes &bytes)
{
	return to_hex(bytes.data(), bytes.size());
}

static uint64_t
hash_from_hex(const std::string &hex)
{
	return std::stoull(hex, nullptr, 16);
}

/* The set of the bigints from first to last. */
static Bytes
set_of_integers(const Fields &line)
{
	Aggregate aggregate(std::stoi(line[1]), line[2] == "compact");

	for (int64_t x = std::stoll(line[3]); x <= std::stoll(line[4]); x++)
		aggregate.add(hllset_core_hash(&x, sizeof x, HLLSET_FAMILY_INTEGER));
	return aggregate.encode();
}

TEST(Vectors, Hash)
{
	for (const Fields &line : lines_of("hash"))
	{
		Bytes bytes = from_hex(line[4]);
		auto family = static_cast<HllsetFamily>(std::stoi(line[3]));

		EXPECT_EQ(hash_from_hex(line[5]), hllset_core_hash(bytes.data(), bytes.size(), family))
			<< line[1] << " " << line[2];
	}
}

TEST(Vectors, Keyed)
{
	for (const Fields &line : lines_of("keyed"))
	{
		Bytes key = from_hex(line[3]);
		Bytes bytes = from_hex(line[5]);
		auto family = static_cast<HllsetFamily>(std::stoi(line[4]));

		ASSERT_EQ(size_t{HLLSET_HASH_KEY_SIZE}, key.size());
		EXPECT_EQ(hash_from_hex(line[6]),
				  hllset_core_keyed_hash(bytes.data(), bytes.size(), family, key.data()))
			<< line[1] << " " << line[2];
	}
}

TEST(Vectors, Sample)
{
	for (const Fields &line : lines_of("sample"))
	{
		Bytes value = from_hex(line[1]);
		int least_level = std::stoi(line[2]);
		std::vector<uint32_t> keys;
		HllsetStatus status = try_member_keys(value, least_level, keys);
		std::string words;

		for (uint32_t key : keys)
		{
			if (!words.empty())
				words += ' ';
			words += std::to_string(key);
		}
		EXPECT_EQ(line[4], words);
		if (line[3] == "too coarse")
			EXPECT_EQ(HLLSET_TOO_COARSE, status);
		else if (line[3] == "no tokens")
			EXPECT_EQ(HLLSET_NO_TOKENS, status);
		else
			EXPECT_EQ(std::stoi(line[3]), sample_level(value, least_level));
	}
}

TEST(Vectors, Coupon)
{
	for (const Fields &line : lines_of("coupon"))
	{
		Coupon coupon = coupon_of(hash_from_hex(line[1]));

		EXPECT_EQ(std::stoi(line[2]), level_of(coupon)) << line[1];
		EXPECT_EQ(std::stoul(line[3]), address_of(coupon)) << line[1];
		EXPECT_EQ(std::stoul(line[4]), hllset_core_member_key(hash_from_hex(line[1]))) << line[1];
	}
}

TEST(Vectors, Set)
{
	for (const Fields &line : lines_of("set"))
	{
		EXPECT_EQ(line[5], to_hex(set_of_integers(line)));
		EXPECT_EQ(line[5], to_hex(reencode(from_hex(line[5]))));
	}
}

TEST(Vectors, Digest)
{
	for (const Fields &line : lines_of("digest"))
	{
		Bytes set = set_of_integers(line);
		uint8_t digest[16];

		hllset_core_digest(door(set), digest);
		EXPECT_EQ(line[5], std::to_string(set.size()));
		EXPECT_EQ(line[6], to_hex(digest, sizeof digest));
	}
}

TEST(Vectors, Hashes)
{
	for (const Fields &line : lines_of("hashes"))
	{
		Hashes hashes;
		std::istringstream words(line[3]);

		for (std::string word; words >> word;)
			hashes.push_back(hash_from_hex(word));
		EXPECT_EQ(line[4], to_hex(set_of(hashes, std::stoi(line[1]), line[2] == "compact")))
			<< line[3];
		EXPECT_EQ(line[4], to_hex(reencode(from_hex(line[4])))) << line[3];
	}
}

TEST(Vectors, Union)
{
	for (const Fields &line : lines_of("union"))
	{
		EXPECT_EQ(line[3], to_hex(unite(from_hex(line[1]), from_hex(line[2]))));
		EXPECT_EQ(line[3], to_hex(unite(from_hex(line[2]), from_hex(line[1]))));
	}
}

TEST(Vectors, Fold)
{
	for (const Fields &line : lines_of("fold"))
	{
		HllsetForm form = line[3] == "compact"  ? HLLSET_COMPACT
						  : line[3] == "graded" ? HLLSET_GRADED
												: HLLSET_AS_IT_IS;

		EXPECT_EQ(line[4], to_hex(convert(from_hex(line[1]), std::stoi(line[2]), form))) << line[1];
	}
}

TEST(Vectors, Combine)
{
	const std::map<std::string, HllsetOp> operations = {{"|", HLLSET_UNION},
														{"&", HLLSET_INTERSECTION},
														{"-", HLLSET_DIFFERENCE},
														{"#", HLLSET_SYMMETRIC_DIFFERENCE}};

	for (const Fields &line : lines_of("combine"))
	{
		Outcome made = try_combine(operations.at(line[1]), from_hex(line[2]), from_hex(line[3]));

		SCOPED_TRACE(line[2] + " " + line[1] + " " + line[3]);
		if (line[4] == "refused")
			EXPECT_EQ(HLLSET_TOO_MANY_SOURCES, made.status);
		else
		{
			EXPECT_EQ(HLLSET_OK, made.status);
			EXPECT_EQ(line[4], to_hex(made.bytes));
			EXPECT_EQ(HLLSET_OK, check(made.bytes));
		}
	}
}

TEST(Vectors, Refuse)
{
	const std::map<std::string, HllsetStatus> statuses = {
		{"truncated", HLLSET_TRUNCATED},       {"trailing", HLLSET_TRAILING},
		{"version", HLLSET_BAD_VERSION},       {"kind", HLLSET_BAD_KIND},
		{"precision", HLLSET_BAD_PRECISION},   {"hash", HLLSET_BAD_HASH},
		{"level", HLLSET_BAD_LEVEL},           {"count", HLLSET_BAD_COUNT},
		{"position", HLLSET_BAD_POSITION},     {"padding", HLLSET_BAD_PADDING},
		{"expression", HLLSET_BAD_EXPRESSION},
	};

	for (const Fields &line : lines_of("refuse"))
		EXPECT_EQ(statuses.at(line[2]), check(from_hex(line[1]))) << line[1];
}

TEST(Vectors, Accept)
{
	for (const Fields &line : lines_of("accept"))
	{
		Bytes value = from_hex(line[1]);

		EXPECT_EQ(HLLSET_OK, check(value)) << line[1];
		if (info(value).kind == HLLSET_SET)
		{
			EXPECT_EQ(line[1], to_hex(reencode(value)));
		}
	}
}

} // namespace hllset::test
