/* SPDX-License-Identifier: PostgreSQL */
/* The one way in which a value's cells become planes and a list of tokens. */
#pragma once

#include "format.hpp"
#include "tokens.hpp"

namespace hllset
{

/* Where the cells of a value go: below `level0`, which is not below the value's own, into planes, the others to the list. */
struct Place
{
	Matrix planes;
	int level0;
	Coupon *tokens; /* room for as many as the value has from level0 up */

	/* Of each token so many bits of its address are kept. */
	int
	bits() const
	{
		return token_bits(planes.precision(), level0);
	}
};

/* Puts the tokens of each level into their place; walk_tokens() calls it. The list is filled from its end, as the highest level comes first. */
class TokenReader
{
public:
	TokenReader(const Counts &counts, const Place &place)
		: counts_(counts), place_(place), rest_(place.tokens + counts.tokens_from(place.level0))
	{
	}

	template <typename Read>
	void
	operator()(int level, Read &&read)
	{
		Matrix planes = place_.planes;

		if (level < place_.level0)
			return read([planes, level](uint32_t address) { planes.set(level, address); });
		rest_ -= counts_.ones[level];
		read(TokenWriter(rest_, level, place_.bits()));
	}

private:
	const Counts &counts_;
	Place place_;
	Coupon *rest_;
};

/*
 * ORs the planes onto those of the place, and writes the list, with tokens_from(level0) tokens. It is sorted and without duplicates unless its tokens
 * have fewer bits than the value's. Levels below `least` are neither read nor checked.
 */
HllsetStatus read_value(const View &view, int least, const Place &place);

/* The tokens have the bits that the value's own have. */
bool keeps_bits(const Counts &counts, const Place &place);

} // namespace hllset
