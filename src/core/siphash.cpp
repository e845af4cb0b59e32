/* SPDX-License-Identifier: PostgreSQL */
/*
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF", Indocrypt 2012: two rounds for each word of the message, four at the end. Words
 * are little-endian, as everywhere here.
 */
#include "siphash.hpp"

#include <bit>
#include <cstring>

#include "hllset_core.h"

namespace hllset
{

namespace
{

constexpr size_t kWord = sizeof(uint64_t);

static_assert(kHashKeySize == HLLSET_HASH_KEY_SIZE);

uint64_t
read_word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, kWord);
	return word;
}

/* Up to 7 bytes as a word, the missing ones 0: as two halves that overlap, or as three bytes, without a loop. */
uint64_t
read_few(const uint8_t *bytes, size_t size)
{
	if (size >= kWord / 2)
	{
		uint32_t low;
		uint32_t high;

		memcpy(&low, bytes, sizeof(low));
		memcpy(&high, bytes + size - sizeof(high), sizeof(high));
		return low | uint64_t{high} << 8 * (size - sizeof(high));
	}
	if (size == 0)
		return 0;
	return bytes[0] | uint64_t{bytes[size / 2]} << 8 * (size / 2) |
		   uint64_t{bytes[size - 1]} << 8 * (size - 1);
}

/* The state as the paper has it. The constants are ASCII: "somepseudorandomlygeneratedbytes". */
class SipState
{
public:
	explicit SipState(const uint8_t *key)
	{
		uint64_t k0 = read_word(key);
		uint64_t k1 = read_word(key + kWord);

		v0_ = k0 ^ 0x736f6d6570736575;
		v1_ = k1 ^ 0x646f72616e646f6d;
		v2_ = k0 ^ 0x6c7967656e657261;
		v3_ = k1 ^ 0x7465646279746573;
	}

	void
	take(uint64_t word)
	{
		v3_ ^= word;
		round();
		round();
		v0_ ^= word;
	}

	/* The last word has what is left of the message, at most 7 bytes, and in its highest byte the size of all of it. */
	uint64_t
	finish(size_t size, uint64_t rest)
	{
		take(static_cast<uint64_t>(size) << 56 | rest);
		v2_ ^= 0xff;
		for (int i = 0; i < 4; i++)
			round();
		return v0_ ^ v1_ ^ v2_ ^ v3_;
	}

private:
	void
	round()
	{
		v0_ += v1_;
		v2_ += v3_;
		v1_ = std::rotl(v1_, 13) ^ v0_;
		v3_ = std::rotl(v3_, 16) ^ v2_;
		v0_ = std::rotl(v0_, 32);
		v2_ += v1_;
		v0_ += v3_;
		v1_ = std::rotl(v1_, 17) ^ v2_;
		v3_ = std::rotl(v3_, 21) ^ v0_;
		v2_ = std::rotl(v2_, 32);
	}

	uint64_t v0_;
	uint64_t v1_;
	uint64_t v2_;
	uint64_t v3_;
};

/* What is left of a message of so many bytes, of which the state has taken those before it. */
uint64_t
take_rest(SipState &state, const uint8_t *rest, size_t left, size_t size)
{
	for (; left >= kWord; rest += kWord, left -= kWord)
		state.take(read_word(rest));
	return state.finish(size, read_few(rest, left));
}

} // namespace

uint64_t
siphash(const void *data, size_t size, const uint8_t *key)
{
	SipState state(key);

	return take_rest(state, static_cast<const uint8_t *>(data), size, size);
}

uint64_t
siphash_behind(uint8_t first, const void *data, size_t size, const uint8_t *key)
{
	constexpr size_t kBehind = kWord - 1;
	const uint8_t *bytes = static_cast<const uint8_t *>(data);
	SipState state(key);

	if (size < kBehind)
		return state.finish(size + 1, read_few(bytes, size) << 8 | first);
	state.take(read_few(bytes, kBehind) << 8 | first);
	return take_rest(state, bytes + kBehind, size - kBehind, size + 1);
}

} // namespace hllset

uint64_t
hllset_core_keyed_hash(const void *data, size_t size, HllsetFamily family, const uint8_t *key)
{
	return hllset::siphash_behind(static_cast<uint8_t>(family), data, size, key);
}
