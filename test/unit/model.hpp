/* SPDX-License-Identifier: PostgreSQL */
/*
 * The format as docs/format.md says it, in its own words and with no code of the core: sets of coupons, the state that is
 * theirs, and the bytes of a state, one bit at a time. Slow and obvious; what the core makes is compared with it.
 */
#pragma once

#include <set>

#include "block_model.hpp"
#include "support.hpp"

namespace hllset::test
{

/* level and address */
using Pair = std::pair<int, uint32_t>;

struct ModelState
{
	int precision;
	bool compact;
	int level0 = 0;
	std::set<Pair> matrix; /* level and bucket of each one */
	std::set<Pair> tokens;
};

class BitString
{
public:
	void
	put(uint64_t value, int width)
	{
		for (int i = 0; i < width; i++)
			bits_.push_back(i < 64 && (value >> i & 1) != 0);
	}

	void
	put_gaps(const std::vector<uint64_t> &positions, uint64_t cells)
	{
		uint64_t x = positions.size();
		uint64_t next = 0;
		int b = 0;

		while (133 * x * (uint64_t{1} << b) < 32 * (2 * cells - x))
			b++;
		for (uint64_t position : positions)
		{
			uint64_t gap = position - next;

			for (uint64_t i = 0; i < gap >> b; i++)
				put(0, 1);
			put(1, 1);
			put(gap & ((uint64_t{1} << b) - 1), b);
			next = position + 1;
		}
	}

	void
	put_text(const std::string &text)
	{
		for (char bit : text)
			bits_.push_back(bit == '1');
	}

	/* Gaps, blocks or the cells as they are; of the blocks every second one goes to `back`. */
	void put_plane(const std::vector<uint64_t> &ones, int precision, BitString &back);

	/* The number of ones of a plane below one that has `above`. */
	void
	put_count(uint64_t ones, uint64_t above, int p)
	{
		int64_t m = int64_t{1} << p;
		int64_t a = static_cast<int64_t>(above);
		int64_t difference = static_cast<int64_t>(ones) - a * (2 * m - a) / m;
		uint64_t z = static_cast<uint64_t>(difference < 0 ? -2 * difference - 1 : 2 * difference);
		int b = 1;

		for (int64_t w = a * (m - a) * (m - a) / m / m; w >= 2; w /= 4)
			b++;
		if (p < 6)
			put(ones, p + 1);
		else if (z >> b < 15)
		{
			put(0, static_cast<int>(z >> b));
			put(1, 1);
			put(z & ((uint64_t{1} << b) - 1), b);
		}
		else
		{
			put(0, 15);
			put(ones, p + 1);
		}
	}

	void
	append_to(Bytes &bytes) const
	{
		for (size_t i = 0; i < bits_.size(); i++)
		{
			if (i % 8 == 0)
				bytes.push_back(0);
			bytes.back() = static_cast<uint8_t>(bytes.back() | bits_[i] << (i % 8));
		}
	}

private:
	std::vector<bool> bits_;
};

inline int
bit_width(uint64_t value)
{
	int width = 0;

	for (; value > 0; value >>= 1)
		width++;
	return width;
}

/* The positions below `cells` that are not among these. */
inline std::vector<uint64_t>
others(const std::vector<uint64_t> &positions, uint64_t cells)
{
	std::set<uint64_t> taken(positions.begin(), positions.end());
	std::vector<uint64_t> found;

	for (uint64_t position = 0; position < cells; position++)
		if (!taken.contains(position))
			found.push_back(position);
	return found;
}

inline void
BitString::put_plane(const std::vector<uint64_t> &ones, int precision, BitString &back)
{
	uint64_t m = uint64_t{1} << precision;
	bool inverted = ones.size() > m / 2;
	std::vector<uint64_t> few = inverted ? others(ones, m) : ones;
	size_t row = few.size() * 32 / m;
	std::vector<int> blocks(m / 8);

	if (precision < 6 || row < kFirstBlockRow)
		return put_gaps(few, m);
	for (uint64_t position : row < kFirstBlockRow + std::size(kBlockRows) ? few : ones)
		blocks[position / 8] |= 1 << (position % 8);
	if (row >= kFirstBlockRow + std::size(kBlockRows))
	{
		for (int block : blocks)
			put(block, 8);
		return;
	}

	BlockTexts texts = block_texts(kBlockRows[row - kFirstBlockRow]);

	for (size_t i = 0; i < blocks.size(); i++)
		(i % 2 == 0 ? *this : back).put_text(texts[blocks[i]]);
}

/* The bytes of a state, whether or not it is the state of some set. */
inline Bytes
bytes_of(const ModelState &state)
{
	int p = state.precision;
	uint64_t m = uint64_t{1} << p;
	int pt = state.level0 == 0 ? 26 : std::min(p + 8, 26);
	std::vector<std::vector<uint64_t>> planes(32);
	std::vector<std::vector<uint64_t>> tokens(32);
	BitString bits;
	BitString back;
	Bytes backward;
	Bytes bytes = {1, static_cast<uint8_t>(state.compact ? 0x11 : 0x01), static_cast<uint8_t>(p), 1,
				   static_cast<uint8_t>(state.level0)};

	for (auto [level, bucket] : state.matrix)
		planes[level].push_back(bucket);
	for (auto [level, address] : state.tokens)
		tokens[level].push_back(address);

	int full = 0;

	while (full < state.level0 && planes[full].size() == m)
		full++;

	int end = full;

	for (int k = full; k < state.level0; k++)
		if (!planes[k].empty())
			end = k + 1;
	if (state.level0 > 0)
	{
		bits.put(full, 6);
		bits.put(end, 6);
		for (int k = end - 1; k >= full; k--)
			if (k == end - 1)
				bits.put(planes[k].size(), p + 1);
			else
				bits.put_count(planes[k].size(), planes[k + 1].size(), p);
	}
	if (state.level0 < 32)
	{
		uint64_t rest = state.tokens.size();

		bits.put(rest, p - 1);
		for (int k = state.level0; rest > 0 && k < 31; k++)
		{
			bits.put(tokens[k].size(), bit_width(rest));
			rest -= tokens[k].size();
		}
	}
	for (int k = 31; k >= state.level0; k--)
		if (!tokens[k].empty())
			bits.put_gaps(tokens[k], uint64_t{1} << pt);
	for (int k = end - 1; k >= full; k--)
		if (!planes[k].empty() && planes[k].size() < m)
			bits.put_plane(planes[k], p, back);
	bits.append_to(bytes);
	back.append_to(backward);
	bytes.insert(bytes.end(), backward.rbegin(), backward.rend());
	return bytes;
}

inline Pair
coupon_model(uint64_t hash)
{
	int zeros = 0;

	while (zeros < 64 && (hash >> (63 - zeros) & 1) == 0)
		zeros++;
	return {std::min(zeros, 31), static_cast<uint32_t>(hash % (1u << 26))};
}

/* The state of a set of coupons. */
inline ModelState
state_of(const std::set<Pair> &coupons, int precision, bool compact)
{
	ModelState state{precision, compact, 0, {}, coupons};
	size_t limit = (size_t{1} << precision) / 4;
	uint32_t token_cells = 1u << std::min(precision + 8, 26);
	std::set<Pair> pairs;

	if (coupons.size() <= limit)
		return state;
	for (auto [level, address] : coupons)
		pairs.insert({level, address % token_cells});
	state.level0 = compact ? 32 : 1;
	for (;; state.level0++)
	{
		state.tokens.clear();
		for (const Pair &pair : pairs)
			if (pair.first >= state.level0)
				state.tokens.insert(pair);
		if (state.tokens.size() <= limit)
			break;
	}
	for (auto [level, address] : coupons)
		if (level < state.level0)
			state.matrix.insert({level, address % (1u << precision)});
	return state;
}

inline ModelState
state_of(const Hashes &hashes, int precision, bool compact)
{
	std::set<Pair> coupons;

	for (uint64_t hash : hashes)
		coupons.insert(coupon_model(hash));
	return state_of(coupons, precision, compact);
}

inline Bytes
model_of(const Hashes &hashes, int precision, bool compact = false)
{
	return bytes_of(state_of(hashes, precision, compact));
}

struct Form
{
	int precision;
	bool compact;
};

/* Where two sets meet. An empty one has no say; of two the finest stays. */
inline Form
meeting(Form a, bool a_is_empty, Form b, bool b_is_empty)
{
	if (a_is_empty && b_is_empty)
		return {std::max(a.precision, b.precision), a.compact && b.compact};
	if (a_is_empty || b_is_empty)
		return a_is_empty ? b : a;
	return {std::min(a.precision, b.precision), a.compact || b.compact};
}

/* The matrix and tokens of a value, as the core reads them. */
inline ModelState
decode(const Bytes &set)
{
	View view;

	require(hllset::check_single(door(set), view));

	ModelState state{view.counts.precision, view.counts.compact, view.counts.level0, {}, {}};

	require(walk(
		view,
		[&](int level, size_t index, uint64_t word) {
			for (uint32_t bit = 0; bit < 64; bit++)
				if (word >> bit & 1)
					state.matrix.insert({level, static_cast<uint32_t>(index) * 64 + bit});
		},
		[&](Coupon token) {
			state.tokens.insert({level_of(token), address_of(token)});
		}));
	return state;
}

/*
 * Hashes whose set has exactly this state: one for each one of the matrix and each token, and, where L0 says that there
 * were more elements than those, further ones that hide behind them. For an L0 that no set has there are too few.
 */
inline Hashes
witness(const ModelState &state)
{
	size_t limit = (size_t{1} << state.precision) / 4;
	int pt = std::min(state.precision + 8, 26);
	bool from_small = state.level0 == 1 || state.compact;
	int width = from_small ? 26 : pt;
	std::set<Pair> coupons = state.tokens;
	size_t deciding = state.tokens.size();
	auto spread = [&](Pair pair, int have) {
		for (uint64_t above = 1; above < uint64_t{1} << (width - have) && deciding <= limit;
			 above++)
			deciding +=
				coupons.insert({pair.first, pair.second | static_cast<uint32_t>(above << have)})
					.second;
	};

	for (const Pair &one : state.matrix)
		if (coupons.insert(one).second && (from_small || one.first == state.level0 - 1))
			deciding++;
	if (state.level0 > 0)
		for (const Pair &one : state.matrix)
			if (from_small || one.first == state.level0 - 1)
				spread(one, state.precision);
	if (from_small && state.level0 > 0)
		for (const Pair &token : state.tokens)
			spread(token, pt);

	Hashes hashes;

	for (auto [level, address] : coupons)
		hashes.push_back(make_hash(level, address));
	return hashes;
}

} // namespace hllset::test
