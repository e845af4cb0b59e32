/* SPDX-License-Identifier: PostgreSQL */
/* Writing of planes and token levels. */
#include "codec.hpp"

namespace hllset
{

void
write_plane(BitWriter &out, const uint64_t *plane, int precision, uint32_t ones)
{
	uint32_t	cells = buckets(precision);
	bool		inverted = ones > cells / 2;
	uint64_t	background = inverted ? word_mask(precision) : 0;
	int			parameter = rice_parameter(inverted ? cells - ones : ones, cells);
	uint32_t	next = 0;

	for (size_t i = 0; i < plane_words(precision); i++)
	{
		for (uint64_t word = plane[i] ^ background; word != 0; word &= word - 1)
		{
			uint32_t	position = static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(word));

			out.put_rice(position - next, parameter);
			next = position + 1;
		}
	}
}

void
write_tokens(BitWriter &out, const Coupon *tokens, uint32_t count, int address_bits)
{
	int			parameter = rice_parameter(count, 1u << address_bits);
	uint32_t	next = 0;

	for (uint32_t i = 0; i < count; i++)
	{
		uint32_t	address = address_of(tokens[i]);

		out.put_rice(address - next, parameter);
		next = address + 1;
	}
}

} // namespace hllset
