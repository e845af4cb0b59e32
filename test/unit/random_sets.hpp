/* SPDX-License-Identifier: PostgreSQL */
/* Sets to try the algebra on: of any shape, or several that overlap. */
#pragma once

#include "model.hpp"

namespace hllset::test
{

/* A set of any precision up to `finest`, form and shape, with up to a few thousand elements. */
struct Built
{
	Hashes hashes;
	int precision;
	bool compact;
	Bytes bytes;
};

inline Built
random_set(Random &random, int finest = 11)
{
	Built built;
	size_t count = random() % (uint64_t{2} << (random() % 12));

	built.precision =
		kMinPrecision + static_cast<int>(random() % static_cast<uint64_t>(finest - 3));
	built.compact = random() % 3 == 0;
	built.hashes = random_hashes(random, count, kSpreads[random() % std::size(kSpreads)]);
	built.bytes = model_of(built.hashes, built.precision, built.compact);
	return built;
}

/* So many sets that overlap: each takes each of `elements` common hashes with its own chance, and may have some of its own. */
inline std::vector<Hashes>
overlapping_hashes(Random &random, size_t sets, size_t elements)
{
	std::vector<Hashes> made(sets);
	Hashes common = random_hashes(random, elements);

	for (Hashes &hashes : made)
	{
		uint64_t chance = 1 + random() % 8;

		for (uint64_t hash : common)
			if (random() % 8 < chance)
				hashes.push_back(hash);
		for (uint64_t hash : random_hashes(random, random() % (elements / 4 + 1)))
			hashes.push_back(hash);
	}
	return made;
}

/* Sets that overlap, none of which is in the union of others. */
inline std::vector<Bytes>
sets_of(Random &random, size_t count, int precision, bool compact, size_t elements)
{
	std::vector<Bytes> sets;

	for (Hashes &hashes : overlapping_hashes(random, count, elements))
	{
		hashes.push_back(random());
		for (uint64_t hash : random_hashes(random, elements / 4))
			hashes.push_back(hash);
		sets.push_back(set_of(hashes, precision, compact));
	}
	return sets;
}

/* A dense set of precision 5, in which each kind of fault can be made. */
inline Bytes
dense_set()
{
	Random random(80);

	return set_of(random_hashes(random, 200), 5);
}

} // namespace hllset::test
