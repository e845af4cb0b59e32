/* SPDX-License-Identifier: PostgreSQL */
/* Counting and merging of planes. */
#include "matrix.hpp"

namespace hllset
{

uint32_t
count_ones(const uint64_t *words, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += ones_of(words[i]);
	return static_cast<uint32_t>(total);
}

void
Matrix::merge(int level, const Matrix &other) const
{
	const uint64_t *from = other.plane(level);
	size_t words = plane_words(other.precision());

	if (other.precision() == precision_)
	{
		uint64_t *to = plane(level);

		for (size_t i = 0; i < words; i++)
			to[i] |= from[i];
		return;
	}
	for (size_t i = 0; i < words; i++)
		merge_word(level, i, from[i], other.precision());
}

} // namespace hllset
