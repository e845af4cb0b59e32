/* SPDX-License-Identifier: PostgreSQL */
/* Counts, writing of planes and token levels, and what of reading is rare. */
#include "codec.hpp"

namespace hllset
{

namespace
{

/* Longer quotients of a count give way to the plain count. */
constexpr int kPlainQuotient = 15;

/*
 * What the number of ones of a plane says of the next one below, where twice as many elements fall: a cell is empty with the
 * chance squared. docs/format.md, Counts.
 */
struct Prediction
{
	Prediction(int precision, uint32_t above)
		: ones(static_cast<int64_t>(uint64_t{above} * (2 * uint64_t{buckets(precision)} - above) >>
									precision))
	{
		uint64_t empty = buckets(precision) - above;

		/* the variance is between once and six times that of which the square root is taken here */
		parameter = std::bit_width(above * empty * empty >> 2 * precision) / 2 + 1;
	}

	int64_t ones;
	int parameter; /* of the Rice code of the difference */
};

/* 0, -1, 1, -2, 2, ... */
uint32_t
zigzag(int64_t difference)
{
	return static_cast<uint32_t>(difference < 0 ? -2 * difference - 1 : 2 * difference);
}

int64_t
unzigzag(uint32_t number)
{
	int64_t half = number >> 1;

	return (number & 1) != 0 ? -half - 1 : half;
}

template <typename Reader>
HllsetStatus
read_block(Reader &in, const BlockCode &code, uint32_t &byte)
{
	int available = in.available();
	BlockEntry entry = code.decode[in.peek(kBlockBits)];
	int length = entry.length();

	if (length > available)
		return HLLSET_TRUNCATED;
	in.consume(length);
	byte = entry.byte();
	if (!entry.has_escape())
		return HLLSET_OK;
	if (!in.read(8, byte))
		return HLLSET_TRUNCATED;
	/* a byte with a code of its own */
	return static_cast<int>(code.encode[byte] >> 24) == length + 8 ? HLLSET_OK
																   : HLLSET_BAD_POSITION;
}

/* Bits that are written one after the other, the lowest first. */
struct Bits
{
	uint64_t bits;
	int width;
};

/* What is beyond 64 bits is lost. */
constexpr Bits
operator+(Bits a, Bits b)
{
	return {a.bits | b.bits << a.width, a.width + b.width};
}

Bits
code_of_block(const BlockCode &code, uint64_t byte)
{
	uint32_t entry = code.encode[byte & 255];

	return {entry & 0xffffff, static_cast<int>(entry >> 24)};
}

/* Every second block of a word, for one of its streams. */
template <typename Writer>
void
write_half_word(Writer &out, const BlockCode &code, uint64_t word)
{
	Bits low = code_of_block(code, word) + code_of_block(code, word >> 16);
	Bits high = code_of_block(code, word >> 32) + code_of_block(code, word >> 48);
	Bits all = low + high;

	/* more only with an escape */
	if (all.width <= 4 * kBlockBits) [[likely]]
		return out.put_long(all.bits, all.width);
	out.put_long(low.bits, low.width);
	out.put_long(high.bits, high.width);
}

void
write_gap_plane(BitWriter &out, const uint64_t *plane, int precision, const PlaneForm &form)
{
	int parameter = rice_parameter(form.few, buckets(precision));
	uint32_t next = 0;

	for (size_t i = 0; i < plane_words(precision); i++)
	{
		for (uint64_t word = plane[i] ^ form.background; word != 0; word &= word - 1)
		{
			uint32_t position =
				static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(word));

			out.put_rice(position - next, parameter);
			next = position + 1;
		}
	}
}

void
write_block_plane(StreamWriter &out, const uint64_t *plane, int precision, const PlaneForm &form)
{
	const BlockCode &code = block_code(form.density_class);
	StreamWriter local = out;

	local.front.flush();
	local.back.flush();
	for (size_t i = 0; i < plane_words(precision); i++)
	{
		uint64_t word = plane[i] ^ form.background;

		write_half_word(local.front, code, word);
		write_half_word(local.back, code, word >> 8);
	}
	out = local;
}

void
write_plain_plane(BitWriter &out, const uint64_t *plane, int precision)
{
	for (size_t i = 0; i < plane_words(precision); i++)
	{
		out.put(plane[i] & 0xffffffff, 32);
		out.put(plane[i] >> 32, 32);
	}
}

} // namespace

HllsetStatus
read_plain_count(BitReader &in, int precision, uint32_t &ones)
{
	if (!in.read(precision + 1, ones))
		return HLLSET_TRUNCATED;
	return ones <= buckets(precision) ? HLLSET_OK : HLLSET_BAD_COUNT;
}

HllsetStatus
read_count(BitReader &in, int precision, uint32_t above, uint32_t &ones)
{
	Prediction predicted(precision, above);
	uint32_t quotient;
	uint32_t low;

	if (precision < kBlockPrecision)
		return read_plain_count(in, precision, ones);
	if (!in.read_unary(kPlainQuotient, quotient))
		return HLLSET_TRUNCATED;
	if (quotient == kPlainQuotient)
	{
		HllsetStatus status = read_plain_count(in, precision, ones);
		uint32_t far = zigzag(static_cast<int64_t>(ones) - predicted.ones) >> predicted.parameter;

		return status == HLLSET_OK && far < kPlainQuotient ? HLLSET_BAD_COUNT : status;
	}
	if (!in.read(predicted.parameter, low))
		return HLLSET_TRUNCATED;

	int64_t value = predicted.ones + unzigzag(quotient << predicted.parameter | low);

	ones = static_cast<uint32_t>(value);
	return value >= 0 && value <= buckets(precision) ? HLLSET_OK : HLLSET_BAD_COUNT;
}

void
write_plain_count(BitWriter &out, int precision, uint32_t ones)
{
	out.put(ones, precision + 1);
}

void
write_count(BitWriter &out, int precision, uint32_t above, uint32_t ones)
{
	Prediction predicted(precision, above);
	uint32_t difference = zigzag(int64_t{ones} - predicted.ones);

	if (precision >= kBlockPrecision && difference >> predicted.parameter < kPlainQuotient)
	{
		out.put_rice(difference, predicted.parameter);
		return;
	}
	if (precision >= kBlockPrecision)
		out.put(0, kPlainQuotient);
	write_plain_count(out, precision, ones);
}

HllsetStatus
read_hard_word(StreamReader &in, const BlockCode &code, CodedWord &word)
{
	word = {0, 0};
	for (int i = 0; i < 64; i += 8)
	{
		uint32_t byte;
		HllsetStatus status =
			i % 16 == 0 ? read_block(in.front, code, byte) : read_block(in.back, code, byte);

		if (status != HLLSET_OK)
			return status;
		word.bits |= uint64_t{byte} << i;
		word.ones += ones_of(byte);
	}
	return HLLSET_OK;
}

void
write_plane(StreamWriter &out, const uint64_t *plane, int precision, uint32_t ones)
{
	PlaneForm form(precision, ones);

	if (form.density_class < kFirstBlockClass)
		write_gap_plane(out.front, plane, precision, form);
	else if (form.density_class < kEndBlockClass)
		write_block_plane(out, plane, precision, form);
	else
		write_plain_plane(out.front, plane, precision);
}

void
write_tokens(BitWriter &out, const Coupon *tokens, uint32_t count, int address_bits)
{
	int parameter = rice_parameter(count, 1u << address_bits);
	uint32_t next = 0;

	for (uint32_t i = 0; i < count; i++)
	{
		uint32_t address = address_of(tokens[i]);

		out.put_rice(address - next, parameter);
		next = address + 1;
	}
}

} // namespace hllset
