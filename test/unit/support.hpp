/* SPDX-License-Identifier: PostgreSQL */
/* What the unit tests and the fuzz targets share: the operations of the door, an aggregate that grows, and hashes of chosen shapes. */
#pragma once

#include <random>

#include "operations.hpp"

namespace hllset::test
{

using Hashes = std::vector<uint64_t>;
using Random = std::mt19937_64;

/* An accumulator in memory that grows as the door's contract says. */
class Aggregate
{
public:
	explicit Aggregate(int precision, bool compact = false)
		: block_(hllset_core_accum_start(precision))
	{
		hllset_core_accum_init(state(), precision, compact);
	}

	void
	add(uint64_t hash)
	{
		require(settle([&] { return hllset_core_accum_add(state(), hash); }));
	}

	void
	add(const Hashes &hashes)
	{
		for (uint64_t hash : hashes)
			add(hash);
	}

	HllsetStatus
	try_unite(const Bytes &set)
	{
		return settle([&] { return hllset_core_accum_union(state(), door(set)); });
	}

	void
	unite(const Bytes &set)
	{
		require(try_unite(set));
	}

	void
	merge(const Aggregate &other)
	{
		require(settle([&] { return hllset_core_accum_merge(state(), other.state()); }));
	}

	Bytes
	encode() const
	{
		Buffer work(hllset_core_accum_encode_work(state()));

		return copy(hllset_core_accum_encode(state(), work.data()));
	}

	HllsetEstimate
	estimate() const
	{
		HllsetEstimate estimate;

		hllset_core_accum_estimate(state(), &estimate);
		return estimate;
	}

	HllsetAccum *
	state() const
	{
		return static_cast<HllsetAccum *>(block_.data());
	}

	size_t
	size() const
	{
		return hllset_core_accum_size(state());
	}

	/* How often it has been moved to a larger place. */
	int
	moves() const
	{
		return moves_;
	}

private:
	template <typename Call>
	HllsetStatus
	settle(Call &&call)
	{
		/* a call never needs more moves than there are shapes between the smallest and the largest */
		for (int left = 40; left > 0; left--)
		{
			HllsetStatus status = call();

			if (status != HLLSET_NEEDS_ROOM)
				return status;

			Buffer larger(hllset_core_accum_want(state()));

			hllset_core_accum_move(static_cast<HllsetAccum *>(larger.data()), state());
			block_ = std::move(larger);
			moves_++;
		}
		throw std::logic_error("an accumulator asks for room without end");
	}

	Buffer block_;
	int moves_ = 0;
};

inline Bytes
set_of(const Hashes &hashes, int precision, bool compact = false)
{
	Aggregate aggregate(precision, compact);

	aggregate.add(hashes);
	return aggregate.encode();
}

/* A hash with so many leading zeros and these bits below its first one. 64 zeros: the hash 0. */
inline uint64_t
make_hash(int zeros, uint64_t low)
{
	if (zeros >= 64)
		return 0;

	uint64_t first = uint64_t{1} << (63 - zeros);

	return first | (low & (first - 1));
}

enum class Spread
{
	uniform,
	many_zeros,   /* levels spread evenly over 0..31, so that L0 climbs high */
	last_level,   /* only levels 28..31: L0 climbs to 32 */
	one_bucket,   /* equal low 18 bits */
	one_level,    /* all elements in one level */
	few_addresses /* eight low halves, all levels */
};

inline constexpr Spread kSpreads[] = {Spread::uniform,    Spread::many_zeros,
									  Spread::last_level, Spread::one_bucket,
									  Spread::one_level,  Spread::few_addresses};

inline Hashes
random_hashes(Random &random, size_t count, Spread spread = Spread::uniform)
{
	Hashes hashes(count);
	int level = static_cast<int>(random() % 32);
	uint64_t bucket = random() & 0x3ffff;

	for (uint64_t &hash : hashes)
	{
		int any = static_cast<int>(random() % 36);
		uint64_t low = random();

		hash = low;
		if (spread == Spread::many_zeros)
			hash = make_hash(any, low);
		else if (spread == Spread::last_level)
			hash = make_hash(28 + any % 4, low);
		else if (spread == Spread::one_bucket)
			hash = (low & ~uint64_t{0x3ffff}) | bucket;
		else if (spread == Spread::one_level)
			hash = make_hash(level, low);
		else if (spread == Spread::few_addresses)
			hash = make_hash(any, (low & 7) * 0x9e3779b97f4a7c15);
	}
	return hashes;
}

} // namespace hllset::test
