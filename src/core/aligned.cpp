/* SPDX-License-Identifier: PostgreSQL */
/* Reading of sets to a common L0, and counting of patterns in their planes. */
#include "aligned.hpp"

namespace hllset
{

size_t
Aligned::work_size(int sources, int precision, int finest, bool with_planes)
{
	size_t planes = with_planes ? kLevels * plane_words(precision) * 8 : 0;

	return static_cast<size_t>(sources) * planes +
		   static_cast<size_t>(sources + 1) * stride(finest) * sizeof(Coupon);
}

Aligned::Aligned(void *work, int sources, int precision, int level0, int finest, bool with_planes)
	: precision_(precision), level0_(level0), with_planes_(with_planes), stride_(stride(finest)),
	  planes_(static_cast<uint64_t *>(work))
{
	size_t words =
		with_planes ? static_cast<size_t>(sources) * kLevels * plane_words(precision) : 0;

	spare_ = reinterpret_cast<Coupon *>(planes_ + words);
	tokens_ = spare_ + stride_;
}

HllsetStatus
Aligned::add(const View &view)
{
	Matrix planes = matrix(count_);
	Coupon *list = tokens(count_);
	int bits = token_bits(precision_, level0_);
	const Counts &counts = view.counts;
	size_t length = counts.tokens_from(level0_);
	Coupon *rest =
		list + length; /* the highest level comes first: the list is filled from its end */

	if (with_planes_)
		planes.clear(0, level0_);

	HllsetStatus status = walk_levels(
		view, with_planes_ ? 0 : level0_,
		[&](int level, size_t index, uint64_t word) {
			planes.merge_word(level, index, word, counts.precision);
		},
		[&](int level, auto &&read) {
			if (level < level0_)
				return read([&](uint32_t address) { planes.set(level, address); });

			Coupon *next = rest -= counts.ones[level];

			read([&](uint32_t address) { *next++ = cut(coupon_at(level, address), bits); });
		});

	if (status != HLLSET_OK)
		return status;
	if (bits != token_bits(counts.precision, counts.level0))
		length = sort_unique(list, length, spare_);
	list[length] = kNoToken;
	count_++;
	return HLLSET_OK;
}

void
Aligned::count_patterns(int level, uint32_t *patterns, uint64_t *scratch) const
{
	size_t words = plane_words(precision_);
	uint32_t size = 1u << count_;

	/* first, the cells that are ones in all sets of S: the AND of S without its lowest set with that set */
	for (uint32_t s = 1; s < size; s++)
	{
		const uint64_t *lowest = matrix(std::countr_zero(s)).plane(level);
		const uint64_t *rest = scratch + (s & (s - 1)) * words;
		uint64_t *all = scratch + s * words;

		if ((s & (s - 1)) == 0)
			memcpy(all, lowest, words * 8);
		else
			for (size_t i = 0; i < words; i++)
				all[i] = rest[i] & lowest[i];
		patterns[s] = count_ones(all, words);
	}
	/* then without those that are ones in further sets (Moebius inversion over supersets) */
	for (int i = 0; i < count_; i++)
		for (uint32_t s = 1; s < size; s++)
			if ((s >> i & 1) == 0)
				patterns[s] -= patterns[s | 1u << i];
}

} // namespace hllset
