/* SPDX-License-Identifier: PostgreSQL */
/* Reading of sets to a common L0, and counting of patterns in their planes. */
#include "aligned.hpp"

#include "pair.hpp"

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

/* Of set number i, which has been read: ends its list, and counts the planes that its own counts don't tell of. */
void
Aligned::finish(const View &view, int i)
{
	const Counts &counts = view.counts;
	size_t length = counts.tokens_from(level0_);
	Coupon *list = tokens(i);

	if (!keeps_bits(counts, place(i)))
		length = sort_unique(list, length, spare_);
	list[length] = kNoToken;
	lengths_[i] = static_cast<uint32_t>(length);
	for (int k = 0; with_planes_ && k < level0_; k++)
		ones_[i][k] = counts.precision == precision_ && k < counts.level0 ? counts.ones[k]
																		  : matrix(i).count(k);
}

HllsetStatus
Aligned::add(const View &view)
{
	if (with_planes_)
		matrix(count_).clear(0, level0_);

	HllsetStatus status = read_value(view, with_planes_ ? 0 : level0_, place(count_));

	if (status == HLLSET_OK)
		finish(view, count_++);
	return status;
}

/* No plane is kept but those that tokens are poured into. */
HllsetStatus
Aligned::add(const View &a, const View &b)
{
	if (!with_planes_ || a.counts.precision != precision_ || b.counts.precision != precision_)
	{
		HllsetStatus status = add(a);

		return status == HLLSET_OK ? add(b) : status;
	}

	int end_a = a.counts.level0;
	int end_b = b.counts.level0;
	Matrix poured_a = matrix(0);
	Matrix poured_b = matrix(1);

	is_pair_ = true;
	memset(in_both_, 0, sizeof(in_both_));
	poured_a.clear(end_a, level0_);
	poured_b.clear(end_b, level0_);

	HllsetStatus status =
		walk_pair(a, b, reinterpret_cast<uint64_t *>(spare_), TokenReader(a.counts, place(0)),
				  TokenReader(b.counts, place(1)),
				  [&](int level, size_t index, uint64_t word_a, uint64_t word_b) {
					  if (level >= end_a)
						  word_a = poured_a.plane(level)[index];
					  if (level >= end_b)
						  word_b = poured_b.plane(level)[index];
					  in_both_[level] += ones_of(word_a & word_b);
				  });

	if (status != HLLSET_OK)
		return status;
	count_ = 2;
	finish(a, 0);
	finish(b, 1);
	return HLLSET_OK;
}

/*
 * A source whose plane is full is in every pattern of the level, and one whose plane is empty in none: only among the others there is
 * something to count.
 */
void
Aligned::count_patterns(int level, uint32_t *patterns, uint64_t *scratch) const
{
	uint32_t m = buckets(precision_);
	uint32_t full = 0;
	int mixed[kMaxSources];
	int count = 0;

	if (is_pair_)
	{
		patterns[3] = in_both_[level];
		patterns[1] = ones_[0][level] - patterns[3];
		patterns[2] = ones_[1][level] - patterns[3];
		return;
	}
	for (int i = 0; i < count_; i++)
		if (ones_[i][level] == m)
			full |= 1u << i;
		else if (ones_[i][level] > 0)
			mixed[count++] = i;
	std::fill(patterns, patterns + (size_t{1} << count_), 0);

	size_t words = plane_words(precision_);
	uint32_t in_all[kMaxPatterns] = {m};
	uint32_t size = 1u << count;

	/* first, the cells that are ones in all mixed sets of S: the AND of S without its lowest set with that set */
	for (uint32_t s = 1; s < size; s++)
	{
		int lowest = mixed[std::countr_zero(s)];
		const uint64_t *plane = matrix(lowest).plane(level);
		const uint64_t *rest = scratch + (s & (s - 1)) * words;
		uint64_t *all = scratch + s * words;

		if ((s & (s - 1)) == 0)
		{
			memcpy(all, plane, words * 8);
			in_all[s] = ones_[lowest][level];
			continue;
		}
		for (size_t i = 0; i < words; i++)
			all[i] = rest[i] & plane[i];
		in_all[s] = count_ones(all, words);
	}
	/* then without those that are ones in further sets (Moebius inversion over supersets) */
	for (int i = 0; i < count; i++)
		for (uint32_t s = 0; s < size; s++)
			if ((s >> i & 1) == 0)
				in_all[s] -= in_all[s | 1u << i];
	for (uint32_t s = 0; s < size; s++)
	{
		uint32_t pattern = full;

		for (int i = 0; i < count; i++)
			pattern |= (s >> i & 1) << mixed[i];
		patterns[pattern] = in_all[s];
	}
}

/* Of a pair it is enough to look for what both have. */
void
Aligned::count_token_patterns(uint32_t *patterns, int shift) const
{
	if (count_ != 2)
		return for_each_token([&](Coupon token, uint32_t pattern) {
			patterns[(static_cast<size_t>(level_of(token)) << shift) + pattern]++;
		});

	uint32_t ones[2][kLevels] = {};
	uint32_t both[kLevels] = {};

	for (int i = 0; i < 2; i++)
		count_levels(tokens(i), lengths_[i], ones[i]);
	count_common({tokens(0), lengths_[0]}, {tokens(1), lengths_[1]}, both);
	for (int k = 0; k < kLevels; k++)
	{
		uint32_t *of_level = patterns + (static_cast<size_t>(k) << shift);

		of_level[1] += ones[0][k] - both[k];
		of_level[2] += ones[1][k] - both[k];
		of_level[3] += both[k];
	}
}

} // namespace hllset
