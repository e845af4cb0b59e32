/* SPDX-License-Identifier: PostgreSQL */
/* Keys from the tokens of a set: the highest levels come first in its bytes, and no more is read than is wanted. */
#include "signature.hpp"

namespace hllset
{

namespace
{

/* Why a set does not keep tokens of this precision. */
HllsetStatus
refuse_coarse(const Counts &counts, int least_precision)
{
	if (counts.precision < least_precision)
		return HLLSET_COARSE;
	return counts.compact && counts.level0 > 0 ? HLLSET_NOT_GRADED : HLLSET_OK;
}

/* The keys of the tokens from level `least` up, ascending and distinct. */
HllsetStatus
read_keys(const View &view, int least, int bits, Key *keys, size_t &count)
{
	const Counts &counts = view.counts;
	Key *end = keys + counts.tokens_from(least);
	Key *rest = end;
	bool is_cut = bits < token_bits(counts.precision, counts.level0);
	HllsetStatus status = walk_levels(
		view, least, [](int, size_t, uint64_t) {},
		[&](int level, auto &&read) {
			Key *next = rest -= counts.ones[level];

			read([&](uint32_t address) { *next++ = key_of(level, address, bits); });
			if (is_cut)
				std::sort(rest, next);
		});

	if (status == HLLSET_OK)
		count = static_cast<size_t>(std::unique(keys, end) - keys);
	return status;
}

/* The highest level from which up there are so many tokens, or L0. */
int
level_with(const Counts &counts, size_t tokens)
{
	int level = kLevels;
	size_t sum = 0;

	while (level > counts.level0 && sum < tokens)
		sum += counts.ones[--level];
	return level;
}

/* The lowest level >= `least` from which up there are at most as many keys as a set of the precision of containment keeps. */
int
fold_level0(const Key *keys, size_t count, int least)
{
	int level = least;
	const Key *end = keys + count;

	while (static_cast<size_t>(end - std::lower_bound(keys, end, key_of(level, 0, kContainBits))) >
		   kMostContainKeys)
		level++;
	return level;
}

} // namespace

size_t
keys_work(const View &set)
{
	return list_limit(set.counts.precision) * sizeof(Key);
}

HllsetStatus
find_signature(const View &set, size_t wanted, void *work, Keys &result)
{
	Key *keys = static_cast<Key *>(work);
	size_t count = 0;
	HllsetStatus status = refuse_coarse(set.counts, kSignaturePrecision);

	if (status != HLLSET_OK)
		return status;

	bool is_small = set.counts.level0 == 0;

	if (!is_small && wanted > buckets(set.counts.precision) / 16)
		return HLLSET_BAD_ARGUMENT;

	/* tokens that share a key are so rare that the first try most often has enough */
	for (int least = level_with(set.counts, wanted);; least--)
	{
		status = read_keys(set, least, kSignatureBits, keys, count);
		if (status != HLLSET_OK)
			return status;
		if (count >= wanted || least == set.counts.level0)
			break;
	}
	if (!is_small && count < wanted)
		return HLLSET_FEW_TOKENS;

	size_t left_out = count > wanted ? count - wanted : 0;

	result = {keys + left_out, count - left_out, set.counts.level0};
	return HLLSET_OK;
}

/*
 * S is proportional to 2^p, so L0 does not sink when a set is folded (docs/format.md): its tokens are all that is needed. A level below
 * the one where the keys are too many adds to them, so the first such level from above decides.
 */
HllsetStatus
find_contain_keys(const View &set, void *work, Keys &result)
{
	Key *keys = static_cast<Key *>(work);
	size_t count = 0;
	HllsetStatus status = refuse_coarse(set.counts, kContainPrecision);

	if (status != HLLSET_OK)
		return status;

	const Counts &counts = set.counts;

	for (int least = level_with(counts, kMostContainKeys + 1);; least--)
	{
		status = read_keys(set, least, kContainBits, keys, count);
		if (status != HLLSET_OK)
			return status;
		if (count > kMostContainKeys || least == counts.level0)
			break;
	}

	int level0 = counts.level0;

	/* distinct coupons decide whether a set is small, and distinct keys from which level it keeps tokens */
	if (level0 > 0 || counts.tokens > kMostContainKeys)
		level0 = fold_level0(keys, count, std::max(level0, 1));

	Key *first = std::lower_bound(keys, keys + count, key_of(level0, 0, kContainBits));

	result = {first, static_cast<size_t>(keys + count - first), level0};
	return level0 > 0 && result.count < kLeastKeys ? HLLSET_FEW_TOKENS : HLLSET_OK;
}

} // namespace hllset
