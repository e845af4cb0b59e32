/* SPDX-License-Identifier: PostgreSQL */
/* Entropy coding of counts, planes and token levels: the only place that knows how they are written. */
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "bits.hpp"
#include "block_code.hpp"
#include "coupon.hpp"
#include "matrix.hpp"

namespace hllset
{

/* Below this precision a plane is no whole word, and too short for anything but gaps and plain counts. */
inline constexpr int kBlockPrecision = 6;

/*
 * The bits behind a value's header: a stream from the front, and one from the back that has half of the blocks, so that two codes
 * can be read at once. They meet in the middle.
 */
class StreamReader
{
public:
	StreamReader() = default;
	StreamReader(const uint8_t *data, size_t size)
		: front(data, size), back(data, size), size_(size)
	{
	}

	/* After the last read: have both streams met, padded by zeros? */
	HllsetStatus
	finish() const
	{
		size_t unread = front.rest() + back.rest();

		if (unread != size_)
			return unread < size_ ? HLLSET_TRUNCATED : HLLSET_TRAILING;
		return front.padding_is_zero() && back.padding_is_zero() ? HLLSET_OK : HLLSET_BAD_PADDING;
	}

	BitReader front;
	BackwardBitReader back;

private:
	size_t size_ = 0;
};

class StreamWriter
{
public:
	/* What is written from both ends fits between begin and end. */
	StreamWriter(uint8_t *begin, uint8_t *end) : front(begin), back(end), end_(end) {}

	/* Closes the gap between the streams; returns one past the last byte. */
	uint8_t *
	finish()
	{
		uint8_t *middle = front.finish();
		uint8_t *rest = back.finish();
		size_t size = static_cast<size_t>(end_ - rest);

		memmove(middle, rest, size);
		return middle + size;
	}

	BitWriter front;
	BackwardBitWriter back;

private:
	uint8_t *end_;
};

/*
 * The (nearly) optimal Golomb-Rice parameter for `count` ones among `cells`: the smallest b whose successor is no better, 2^b >=
 * ln(golden ratio) / -ln(1 - count/cells), with ln(golden ratio) = 64/133 and the logarithm to second order
 * (Kiely, Selecting the Golomb Parameter in Rice Coding, 2004). docs/format.md, Gaps.
 */
constexpr int
rice_parameter(uint32_t count, uint32_t cells)
{
	uint64_t have = uint64_t{133} * count;
	uint64_t need = 32 * (uint64_t{2} * cells - count);
	int b = std::max(std::countl_zero(have) - std::countl_zero(need), 0);

	return have << b < need
			   ? b + 1
			   : b; /* before, both have the same highest bit, or have is the larger one */
}

/* The number of ones of the highest plane. */
HllsetStatus read_plain_count(BitReader &in, int precision, uint32_t &ones);
void write_plain_count(BitWriter &out, int precision, uint32_t ones);

/* The number of ones of a plane below one that has `above`. */
HllsetStatus read_count(BitReader &in, int precision, uint32_t above, uint32_t &ones);
void write_count(BitWriter &out, int precision, uint32_t above, uint32_t ones);

/*
 * Reads `count` > 0 ascending positions below `cells`; sink(position) is called for each. The sink is a copy, so that what it holds by value
 * stays in registers too.
 */
template <typename Sink>
HllsetStatus
read_gaps(BitReader &in, uint32_t count, uint32_t cells, Sink sink)
{
	int parameter = rice_parameter(count, cells);
	uint64_t position = 0;
	/* only copies have their address taken: this one stays in registers, whatever the sink writes */
	BitReader local = in;

	for (uint32_t i = 0; i < count; i++)
	{
		uint64_t gap;

		if (!local.read_near_rice(parameter, gap))
		{
			local.available();
			if (!local.read_near_rice(parameter, gap)) [[unlikely]]
			{
				BitReader slow = local;

				if (!slow.read_rice(parameter, gap))
					return HLLSET_TRUNCATED;
				local = slow;
			}
		}
		position += gap;
		if (position >= cells)
			return HLLSET_BAD_POSITION;
		sink(static_cast<uint32_t>(position));
		position++;
	}
	in = local;
	return HLLSET_OK;
}

/* How a plane with 0 < ones < m is written: docs/format.md, Planes. */
struct PlaneForm
{
	PlaneForm(int precision, uint32_t ones)
		: few(std::min(ones, buckets(precision) - ones)),
		  density_class(precision < kBlockPrecision ? 0 : few >> (precision - 5)),
		  background(few < ones ? word_mask(precision) : 0)
	{
	}

	bool
	is_in_blocks() const
	{
		return density_class >= kFirstBlockClass && density_class < kEndBlockClass;
	}

	uint32_t few;           /* cells with the rarer bit; with 1 if neither is rarer */
	uint32_t density_class; /* their density in 32nds */
	uint64_t background;    /* a word of the other bit */
};

/* A word and its number of ones. */
struct CodedWord
{
	uint64_t bits;
	uint32_t ones;
};

/* Reads the eight blocks of a word with every check: near the end of the data, and where there is an escape. */
HllsetStatus read_hard_word(StreamReader &in, const BlockCode &code, CodedWord &word);

/*
 * A word from eight blocks well before the end of the data, none of them an escape: is_good() in the end. What the streams have given is known
 * to them only after finish().
 */
class EasyWord
{
public:
	EasyWord(StreamReader &in, const BlockCode &code) : in_(in), code_(code)
	{
		is_enough_ =
			in.front.available() >= 4 * kBlockBits && in.back.available() >= 4 * kBlockBits;
	}

	/* The next block of each stream: bits `shift` and up of the word, a multiple of 16. */
	void
	take(int shift)
	{
		word_ |= take_from(in_.front, front_) << shift;
		word_ |= take_from(in_.back, back_) << (shift + 8);
	}

	void
	finish()
	{
		in_.front.account(front_.length());
		in_.back.account(back_.length());
	}

	bool
	is_good() const
	{
		return is_enough_ && !(front_ + back_).has_escape();
	}

	uint64_t
	word() const
	{
		return word_;
	}

	uint32_t
	ones() const
	{
		return (front_ + back_).ones();
	}

private:
	template <typename Reader>
	uint64_t
	take_from(Reader &from, BlockEntry &sum)
	{
		BlockEntry entry = code_.decode[from.peek(kBlockBits)];

		from.shift(entry.length());
		sum = sum + entry;
		return entry.byte();
	}

	StreamReader &in_;
	const BlockCode &code_;
	uint64_t word_ = 0;
	BlockEntry front_; /* sums */
	BlockEntry back_;
	bool is_enough_;
};

/* False if the word is not easy. */
inline bool
read_easy_word(StreamReader &in, const BlockCode &code, CodedWord &word)
{
	EasyWord easy(in, code);

	for (int i = 0; i < 64; i += 16)
		easy.take(i);
	easy.finish();
	word = {easy.word(), easy.ones()};
	return easy.is_good();
}

/* One word from each of two sets. False if not both are easy. */
inline bool
read_two_easy_words(StreamReader &a, const BlockCode &code_a, CodedWord &word_a, StreamReader &b,
					const BlockCode &code_b, CodedWord &word_b)
{
	EasyWord easy_a(a, code_a);
	EasyWord easy_b(b, code_b);

	for (int i = 0; i < 64; i += 16)
	{
		easy_a.take(i);
		easy_b.take(i);
	}
	easy_a.finish();
	easy_b.finish();
	word_a = {easy_a.word(), easy_a.ones()};
	word_b = {easy_b.word(), easy_b.ones()};
	return easy_a.is_good() && easy_b.is_good();
}

/* The three forms of a plane; sink(index, word) is called for each word in turn. */
template <typename Sink>
HllsetStatus
read_gap_plane(BitReader &in, int precision, const PlaneForm &form, Sink &&sink)
{
	uint64_t word = form.background;
	size_t index = 0;
	HllsetStatus status = read_gaps(in, form.few, buckets(precision), [&](uint32_t position) {
		for (; index < position / 64; index++)
		{
			sink(index, word);
			word = form.background;
		}
		word ^= uint64_t{1} << (position % 64);
	});

	if (status != HLLSET_OK)
		return status;
	for (; index < plane_words(precision); index++)
	{
		sink(index, word);
		word = form.background;
	}
	return HLLSET_OK;
}

template <typename Sink>
HllsetStatus
read_block_plane(StreamReader &in, int precision, const PlaneForm &form, Sink &&sink)
{
	const BlockCode &code = block_code(form.density_class);
	/* only copies have their address taken: this one stays in registers, whatever the sink writes */
	StreamReader local = in;
	uint32_t ones = 0;

	for (size_t i = 0; i < plane_words(precision); i++)
	{
		StreamReader ahead = local;
		CodedWord word;

		if (!read_easy_word(ahead, code, word)) [[unlikely]]
		{
			StreamReader hard = local;
			HllsetStatus status = read_hard_word(hard, code, word);

			if (status != HLLSET_OK)
				return status;
			ahead = hard;
		}
		local = ahead;
		ones += word.ones;
		sink(i, word.bits ^ form.background);
	}
	in = local;
	return ones == form.few ? HLLSET_OK : HLLSET_BAD_COUNT;
}

template <typename Sink>
HllsetStatus
read_plain_plane(BitReader &in, int precision, uint32_t ones, Sink &&sink)
{
	for (size_t i = 0; i < plane_words(precision); i++)
	{
		uint32_t low;
		uint32_t high;

		if (!in.read(32, low) || !in.read(32, high))
			return HLLSET_TRUNCATED;

		uint64_t word = uint64_t{high} << 32 | low;

		ones -= ones_of(word);
		sink(i, word);
	}
	return ones == 0 ? HLLSET_OK : HLLSET_BAD_COUNT;
}

/* Reads a plane with 0 < ones < m. */
template <typename Sink>
HllsetStatus
read_plane(StreamReader &in, int precision, uint32_t ones, Sink &&sink)
{
	PlaneForm form(precision, ones);

	if (form.density_class < kFirstBlockClass)
		return read_gap_plane(in.front, precision, form, sink);
	if (form.is_in_blocks())
		return read_block_plane(in, precision, form, sink);
	return read_plain_plane(in.front, precision, ones, sink);
}

/* Writes a plane with 0 < ones < m. */
void write_plane(StreamWriter &out, const uint64_t *plane, int precision, uint32_t ones);

/* Writes the addresses of one level's tokens, count > 0. */
void write_tokens(BitWriter &out, const Coupon *tokens, uint32_t count, int address_bits);

} // namespace hllset
