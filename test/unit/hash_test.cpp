/* SPDX-License-Identifier: PostgreSQL */
/*
 * Golden hash values: a change of any is a change of the format. They were made by python3-xxhash 3.0.0, a binding of
 * another copy of xxHash (0.8.1), over the lengths at which XXH3 changes its way.
 */
#include <gtest/gtest.h>

#include "core/hash.hpp"
#include "support.hpp"

namespace hllset::test
{

struct Golden
{
	size_t size;
	uint64_t seeded[3]; /* with the seeds 1 (integer), 4 (text), 25 (composite) */
	const char *digest;
};

static const Golden kGolden[] = {
	{0,
	 {0x4dc5b0cc826f6703u, 0xc43113f04ee401deu, 0xf97f24408512c3e9u},
	 "99aa06d3014798d86001c324468d497f"},
	{1,
	 {0x0a187bf012eca100u, 0xf060359931cb3a60u, 0x1d9ba30fe88e11c1u},
	 "495b62073ef70ca44c5cca45d0f4811f"},
	{3,
	 {0x09b2077206b1496du, 0x53ca76354e95bd52u, 0x0ead04e4fd5e69bau},
	 "390cdc5b4a895dd76e3e2670e61106ac"},
	{4,
	 {0x16d938bf1343226du, 0x05a9ee46a780d4f6u, 0xe8e4d54b0818d7aau},
	 "aa6e2f274640a3f43d668af6f2a44d77"},
	{8,
	 {0xd1129f0bf6e39a1du, 0x1ef238b805b49e9eu, 0xf4a9cba575b3f474u},
	 "6a86a3bda6af4e3d61ddbe7f31a6100d"},
	{9,
	 {0xf495c810d169a686u, 0xa6058dd6d4bc0034u, 0x30ceaa2e4e1faaecu},
	 "664c7ca18afd62558c7b67fd458a936b"},
	{16,
	 {0x216fe4ca42fef4ffu, 0xa8613f2f07426a2fu, 0x9f488d175a8b9c16u},
	 "7f9a218b0425449ae2ce54a7c19c730d"},
	{17,
	 {0x426160e58ecd06d5u, 0x87de86832b3b1cd5u, 0xac90326cfc33b613u},
	 "66fc23f6439dbd778d96ef110fcdebb4"},
	{128,
	 {0x172ec533a3e1041cu, 0x1eaa21620934de5du, 0x2bc982732d89dd41u},
	 "aec730751478556cff361dec1385710a"},
	{129,
	 {0x955a5a636a9b3fceu, 0xfe37947c9ee018dbu, 0x06729c173234c539u},
	 "98cd36ccbb5579264545b3a09738e31a"},
	{240,
	 {0x2d3a9751eda787aeu, 0xdcb6d0c3570e6bfcu, 0x0ce0fe5b20dab02cu},
	 "5293e17bf553903d3f2c53e72293711f"},
	{241,
	 {0xc4ea650f07c84b7cu, 0xe9a0e9cff021db4bu, 0x16d911e13053ffbdu},
	 "b53840fe3fedf161956cae592c67279e"},
	{1024,
	 {0xf740a79b90c1bfedu, 0x04081545ec4a7166u, 0x6f7708995cd3592au},
	 "f69630613f24324d70bd377d9574f4bb"},
	{1025,
	 {0x1a123faa74e9cd4bu, 0x2aaec3f1bf399efau, 0xf5a16b828d66d9f8u},
	 "621af7b8277effa466c4487c41e127a7"},
	{5000,
	 {0xd1dda6c682e50fc7u, 0x3fda9519cc46905cu, 0xf4bd1382a8ed8c80u},
	 "61bedb627e4a5fdfe4007929540f095c"},
};

static Bytes
pattern(size_t size)
{
	Bytes bytes(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = static_cast<uint8_t>(i * 131 + 7);
	return bytes;
}

static std::string
digest_of(const Bytes &bytes)
{
	uint8_t digest[16];
	std::string hex;

	hllset_core_digest(door(bytes), digest);
	for (uint8_t byte : digest)
	{
		hex += "0123456789abcdef"[byte >> 4];
		hex += "0123456789abcdef"[byte & 15];
	}
	return hex;
}

TEST(Hash, Xxh3WithTheFamilyAsSeed)
{
	for (const Golden &golden : kGolden)
	{
		Bytes bytes = pattern(golden.size);

		EXPECT_EQ(golden.seeded[0],
				  hllset_core_hash(bytes.data(), bytes.size(), HLLSET_FAMILY_INTEGER));
		EXPECT_EQ(golden.seeded[1],
				  hllset_core_hash(bytes.data(), bytes.size(), HLLSET_FAMILY_TEXT));
		EXPECT_EQ(golden.seeded[2],
				  hllset_core_hash(bytes.data(), bytes.size(), HLLSET_FAMILY_COMPOSITE));
		EXPECT_EQ(golden.seeded[1], hash64(bytes.data(), bytes.size(), 4));
	}
}

/* As the authors of xxHash publish them. */
TEST(Hash, PublishedValuesOfTheEmptyInput)
{
	EXPECT_EQ(0x2d06800538d394c2u, hash64(nullptr, 0, 0));
	EXPECT_EQ("99aa06d3014798d86001c324468d497f", digest_of({}));
}

TEST(Hash, DigestIsTheCanonicalXxh128OfTheBytes)
{
	for (const Golden &golden : kGolden)
		EXPECT_EQ(golden.digest, digest_of(pattern(golden.size))) << golden.size;
}

TEST(Hash, ElementsOfFamilies)
{
	const uint8_t forty_two[8] = {42};

	EXPECT_EQ(0x67572691c5abfc9cu, hllset_core_hash(forty_two, 8, HLLSET_FAMILY_INTEGER));
	EXPECT_EQ(0x31b7742134b8f020u, hllset_core_hash("hello", 5, HLLSET_FAMILY_TEXT));
}

TEST(Hash, InputNeedsNoAlignment)
{
	Bytes bytes = pattern(300);
	Bytes shifted = pattern(301);

	for (size_t size : {1, 7, 8, 16, 100, 200, 300})
	{
		std::copy(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size), shifted.begin() + 1);
		EXPECT_EQ(hash64(bytes.data(), size, 4), hash64(shifted.data() + 1, size, 4));
	}
}

/* The numbers are part of the format. */
TEST(Hash, FamilyNumbers)
{
	EXPECT_EQ(1, HLLSET_FAMILY_INTEGER);
	EXPECT_EQ(5, HLLSET_FAMILY_BYTES);
	EXPECT_EQ(12, HLLSET_FAMILY_TIMESTAMPTZ);
	EXPECT_EQ(20, HLLSET_FAMILY_ENUM);
	EXPECT_EQ(25, HLLSET_FAMILY_COMPOSITE);
}

} // namespace hllset::test
