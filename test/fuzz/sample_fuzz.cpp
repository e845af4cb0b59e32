/* SPDX-License-Identifier: PostgreSQL */
/*
 * A least level, then a value of any kind. Its keys are ascending, distinct and of their level; from a higher level on they are the rest of
 * them; and they are those of the sample that the algebra takes of the value.
 */
#include "fuzz.hpp"

#include "core/sample.hpp"

using namespace hllset;
using namespace hllset::test;

using Keys = std::vector<uint32_t>;

/* Of those, what is of this level and higher ones. */
static Keys
from_level(const Keys &keys, int level)
{
	Keys rest;

	for (uint32_t key : keys)
		if (static_cast<int>(key >> kKeyBits) >= level)
			rest.push_back(key);
	return rest;
}

static void
check_keys(const Keys &keys, int level)
{
	for (size_t i = 0; i < keys.size(); i++)
	{
		FUZZ_CHECK(static_cast<int>(keys[i] >> kKeyBits) >= level);
		FUZZ_CHECK(keys[i] < 1u << (kKeyBits + 5));
		FUZZ_CHECK(i == 0 || keys[i - 1] < keys[i]);
	}
}

/* Of a value whose every byte is right. */
static void
check_accepted(const Bytes &value, const HllsetInfo &told, const Keys &keys, int level)
{
	if (told.kind == HLLSET_SET && told.precision == kKeyPrecision && told.level0 > 0)
		for (uint32_t key : keys)
			FUZZ_CHECK(may_contain(
				value, make_hash(static_cast<int>(key >> kKeyBits), key & ((1u << kKeyBits) - 1))));
	for (int higher : {level, level + 1, (level + kLevels) / 2})
		if (higher < kLevels)
			FUZZ_CHECK(member_keys(value, higher) == from_level(keys, higher));

	Outcome sampled = try_sample(value);

	if (sampled.status != HLLSET_OK || sampled.itself)
		return;

	int risen = info(sampled.bytes).level0;

	FUZZ_CHECK(risen >= sample_level(value));
	FUZZ_CHECK(member_keys(sampled.bytes) == member_keys(value, risen));
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	int least_level = static_cast<int>(input.number(1) % 36) - 2;
	Bytes value = input.bytes(input.left());
	HllsetInfo told;
	Keys keys;
	int level = 0;
	HllsetStatus status = hllset_core_check(door(value), &told);
	HllsetStatus made = try_member_keys(value, least_level, keys);
	HllsetStatus leveled = hllset_core_sample_level(door(value), least_level, &level);

	FUZZ_CHECK(made == HLLSET_OK || keys.empty());
	if (made == HLLSET_OK)
	{
		FUZZ_CHECK(leveled == HLLSET_OK && level >= least_level && level < kLevels);
		check_keys(keys, level);
	}
	if (status != HLLSET_OK)
		return 0;
	FUZZ_CHECK(made == leveled);
	FUZZ_CHECK(made == HLLSET_OK || made == HLLSET_TOO_COARSE || made == HLLSET_NO_TOKENS ||
			   made == HLLSET_BAD_ARGUMENT);
	FUZZ_CHECK((made == HLLSET_BAD_ARGUMENT) == (least_level < 0 || least_level >= kLevels));
	FUZZ_CHECK(made != HLLSET_TOO_COARSE || told.precision < kKeyPrecision);
	if (made == HLLSET_OK && value.size() > HLLSET_EMPTY_SIZE)
		check_accepted(value, told, keys, level);
	return 0;
}
