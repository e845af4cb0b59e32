/* SPDX-License-Identifier: PostgreSQL */
/* Entropy coding of ascending positions: the only place that knows how a plane or a token level is written. */
#pragma once

#include <bit>
#include <cstdint>

#include "bits.hpp"
#include "coupon.hpp"
#include "matrix.hpp"

namespace hllset
{

/*
 * The (nearly) optimal Golomb-Rice parameter for `count` ones among `cells`: the smallest b whose successor is no better, 2^b >=
 * ln(golden ratio) / -ln(1 - count/cells), with ln(golden ratio) = 64/133 and the logarithm to second order
 * (Kiely, Selecting the Golomb Parameter in Rice Coding, 2004). docs/format.md, Gaps.
 */
constexpr int
rice_parameter(uint32_t count, uint32_t cells)
{
	uint64_t	have = uint64_t{133} * count;
	uint64_t	need = 32 * (uint64_t{2} * cells - count);
	int			b = 0;

	while (have << b < need)
		b++;
	return b;
}

/* Reads `count` > 0 ascending positions below `cells`; sink(position) is called for each. */
template <typename Sink>
HllsetStatus
read_gaps(BitReader &in, uint32_t count, uint32_t cells, Sink &&sink)
{
	int			parameter = rice_parameter(count, cells);
	uint64_t	position = 0;

	for (uint32_t i = 0; i < count; i++)
	{
		uint64_t	gap;

		if (!in.read_rice(parameter, gap))
			return HLLSET_TRUNCATED;
		position += gap;
		if (position >= cells)
			return HLLSET_BAD_POSITION;
		sink(static_cast<uint32_t>(position));
		position++;
	}
	return HLLSET_OK;
}

/* Reads a plane with 0 < ones < m; sink(index, word) is called for each word of the plane in turn. */
template <typename Sink>
HllsetStatus
read_plane(BitReader &in, int precision, uint32_t ones, Sink &&sink)
{
	uint32_t	cells = buckets(precision);
	bool		inverted = ones > cells / 2;
	uint64_t	background = inverted ? word_mask(precision) : 0;
	uint64_t	word = background;
	size_t		index = 0;
	HllsetStatus status = read_gaps(in, inverted ? cells - ones : ones, cells, [&](uint32_t position) {
		for (; index < position / 64; index++)
		{
			sink(index, word);
			word = background;
		}
		word ^= uint64_t{1} << (position % 64);
	});

	if (status != HLLSET_OK)
		return status;
	for (; index < plane_words(precision); index++)
	{
		sink(index, word);
		word = background;
	}
	return HLLSET_OK;
}

/* Writes a plane with 0 < ones < m. */
void write_plane(BitWriter &out, const uint64_t *plane, int precision, uint32_t ones);

/* Writes the addresses of one level's tokens, count > 0. */
void write_tokens(BitWriter &out, const Coupon *tokens, uint32_t count, int address_bits);

} // namespace hllset
