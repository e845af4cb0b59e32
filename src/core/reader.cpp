/* SPDX-License-Identifier: PostgreSQL */
/* One value, from its highest level down. */
#include "reader.hpp"

namespace hllset
{

HllsetStatus
read_value(const View &view, int least, const Place &place)
{
	Matrix planes = place.planes;

	return walk_levels(
		view, least,
		[&](int level, size_t index, uint64_t word) {
			planes.merge_word(level, index, word, view.counts.precision);
		},
		TokenReader(view.counts, place));
}

bool
keeps_bits(const Counts &counts, const Place &place)
{
	return token_bits(counts.precision, counts.level0) == place.bits();
}

} // namespace hllset
