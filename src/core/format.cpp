/* SPDX-License-Identifier: PostgreSQL */
/* Headers and counts: reading with every check of docs/format.md, and writing. */
#include "format.hpp"

namespace hllset
{

namespace
{

constexpr uint8_t kKindBits = 0x0f;
constexpr uint8_t kCompactFlag = 0x10;
constexpr int kPlaneIndexBits = 6;

/* Header and L0; the bit stream follows. */
HllsetStatus
read_front(HllsetBytes value, View &view)
{
	Header header;
	Counts &counts = view.counts;
	HllsetStatus status = read_header(value, header);

	if (status != HLLSET_OK)
		return status;
	if (header.kind == Kind::expression)
		return HLLSET_NOT_A_SET;
	if (value.size == kHeaderSize)
		return HLLSET_TRUNCATED;
	view.kind = header.kind;
	counts.precision = header.precision;
	counts.compact = header.compact;
	counts.level0 = value.data[kHeaderSize];
	view.stream = StreamReader(value.data + kHeaderSize + 1, value.size - kHeaderSize - 1);
	if (counts.level0 > kLevels ||
		(counts.compact && counts.level0 != 0 && counts.level0 != kLevels))
		return HLLSET_BAD_LEVEL;
	/* a sample without a rate would be a set, and one without levels nothing */
	if (view.kind == Kind::sample && (counts.level0 == 0 || counts.level0 == kLevels))
		return HLLSET_BAD_LEVEL;
	return HLLSET_OK;
}

HllsetStatus
read_plane_counts(BitReader &in, View &view)
{
	Counts &counts = view.counts;
	uint32_t m = buckets(counts.precision);
	uint32_t full;
	uint32_t end;

	if (!in.read(kPlaneIndexBits, full) || !in.read(kPlaneIndexBits, end))
		return HLLSET_TRUNCATED;
	if (full > end || end > static_cast<uint32_t>(counts.level0))
		return HLLSET_BAD_COUNT;
	view.full = static_cast<int8_t>(full);
	view.end = static_cast<int8_t>(end);
	for (int k = 0; k < view.full; k++)
		counts.ones[k] = m;
	if (full == end)
		return HLLSET_OK;

	HllsetStatus status = read_plain_count(in, counts.precision, counts.ones[end - 1]);

	for (int k = view.end - 2; k >= view.full && status == HLLSET_OK; k--)
		status = read_count(in, counts.precision, counts.ones[k + 1], counts.ones[k]);
	if (status != HLLSET_OK)
		return status;
	return counts.ones[end - 1] > 0 && counts.ones[full] < m ? HLLSET_OK : HLLSET_BAD_COUNT;
}

HllsetStatus
read_token_counts(BitReader &in, Counts &counts)
{
	uint32_t rest;

	if (!in.read(counts.precision - 1, rest))
		return HLLSET_TRUNCATED;
	if (rest > list_limit(counts.precision))
		return HLLSET_BAD_COUNT;
	counts.tokens = rest;
	for (int k = counts.level0; rest > 0; k++)
	{
		if (k == kLevels - 1)
			counts.ones[k] = rest;
		else if (!in.read(std::bit_width(rest), counts.ones[k]))
			return HLLSET_TRUNCATED;
		if (counts.ones[k] > rest)
			return HLLSET_BAD_COUNT;
		rest -= counts.ones[k];
	}
	return HLLSET_OK;
}

void
write_plane_counts(BitWriter &bits, const Counts &counts, int full, int end)
{
	bits.put(static_cast<uint64_t>(full), kPlaneIndexBits);
	bits.put(static_cast<uint64_t>(end), kPlaneIndexBits);
	if (full < end)
		write_plain_count(bits, counts.precision, counts.ones[end - 1]);
	for (int k = end - 2; k >= full; k--)
		write_count(bits, counts.precision, counts.ones[k + 1], counts.ones[k]);
}

void
write_token_counts(BitWriter &bits, const Counts &counts)
{
	uint32_t rest = counts.tokens;

	bits.put(rest, counts.precision - 1);
	for (int k = counts.level0; rest > 0 && k < kLevels - 1; k++)
	{
		bits.put(counts.ones[k], std::bit_width(rest));
		rest -= counts.ones[k];
	}
}

void
write_token_levels(BitWriter &bits, const Counts &counts, const Coupon *tokens)
{
	const Coupon *end = tokens + counts.tokens;
	int address_bits = token_bits(counts.precision, counts.level0);

	while (end > tokens)
	{
		uint32_t count = counts.ones[level_of(end[-1])];

		end -= count;
		write_tokens(bits, end, count, address_bits);
	}
}

uint8_t *
write_front(Kind kind, const Counts &counts, uint8_t *out)
{
	write_header({kind, counts.compact, counts.precision}, out);
	out[kHeaderSize] = static_cast<uint8_t>(counts.level0);
	return out + kHeaderSize + 1;
}

} // namespace

HllsetStatus
read_header(HllsetBytes value, Header &header)
{
	/* the version comes first, so that a later format's value is told from a broken one */
	if (value.size > 0 && value.data[0] != HLLSET_FORMAT_VERSION)
		return HLLSET_BAD_VERSION;
	if (value.size < kHeaderSize)
		return HLLSET_TRUNCATED;

	uint8_t kind = value.data[1] & kKindBits;

	if ((value.data[1] & ~(kKindBits | kCompactFlag)) != 0 || kind < 1 || kind > 3)
		return HLLSET_BAD_KIND;
	if (value.data[2] < kMinPrecision || value.data[2] > kMaxPrecision)
		return HLLSET_BAD_PRECISION;
	if (value.data[3] != HLLSET_HASH_ID)
		return HLLSET_BAD_HASH;
	header = {static_cast<Kind>(kind), (value.data[1] & kCompactFlag) != 0, value.data[2]};
	return HLLSET_OK;
}

void
write_header(const Header &header, uint8_t *out)
{
	out[0] = HLLSET_FORMAT_VERSION;
	out[1] = static_cast<uint8_t>(static_cast<uint8_t>(header.kind) |
								  (header.compact ? kCompactFlag : 0));
	out[2] = static_cast<uint8_t>(header.precision);
	out[3] = HLLSET_HASH_ID;
}

bool
is_canonical(const Counts &counts)
{
	uint32_t limit = list_limit(counts.precision);

	if (counts.tokens > limit)
		return false;
	if (counts.level0 == 0)
		return true;

	/* the largest number of distinct coupons behind these ones is what decides: each cell may hide several */
	uint64_t most = 0;
	int bits = token_bits(counts.precision, counts.level0);

	if (counts.level0 >= 2 && !counts.compact)
	{
		most =
			counts.tokens + (uint64_t{counts.ones[counts.level0 - 1]} << (bits - counts.precision));
		return most > limit;
	}
	for (int k = 0; k < counts.level0; k++)
		most += uint64_t{counts.ones[k]} << (kAddressBits - counts.precision);
	most += uint64_t{counts.tokens} << (kAddressBits - bits);
	return most > limit;
}

HllsetStatus
parse_single(HllsetBytes value, View &view)
{
	view = View{};

	HllsetStatus status = read_front(value, view);
	bool is_set = view.kind == Kind::set;

	if (status == HLLSET_OK && is_set && view.counts.level0 > 0)
		status = read_plane_counts(view.stream.front, view);
	if (status == HLLSET_OK && view.counts.level0 < kLevels)
		status = read_token_counts(view.stream.front, view.counts);
	if (status == HLLSET_OK && is_set && !is_canonical(view.counts))
		status = HLLSET_BAD_LEVEL;
	return status;
}

HllsetStatus
parse(HllsetBytes set, View &view)
{
	HllsetStatus status = parse_single(set, view);

	return status == HLLSET_OK && view.kind != Kind::set ? HLLSET_NOT_A_SET : status;
}

HllsetStatus
check_positions(const View &view)
{
	return walk(
		view, [](int, size_t, uint64_t) {}, [](Coupon) {});
}

HllsetStatus
check_single(HllsetBytes value, View &view)
{
	HllsetStatus status = parse_single(value, view);

	return status == HLLSET_OK ? check_positions(view) : status;
}

HllsetStatus
look_for_empty(HllsetBytes value, bool &is_empty)
{
	Header header;
	View view;
	HllsetStatus status = read_header(value, header);

	is_empty = false;
	if (status != HLLSET_OK || header.kind != Kind::set || value.size > HLLSET_EMPTY_SIZE)
		return status;
	status = check_single(value, view);
	is_empty = status == HLLSET_OK && view.counts.is_empty();
	return status;
}

size_t
encoded_bound(int precision, int level0, uint32_t tokens)
{
	/*
	 * A plane takes at most 9/8 bits a cell (in gaps 1.09, where the parameter changes from 0 to 1; in blocks 1.07, class 8 with
	 * as many escapes as its ones allow) and its count 34 bits; a token at most 26 bits and 3.1 for quotient and stop bit. Slack
	 * for header, token counts and the last words.
	 */
	size_t plane = size_t{buckets(precision)} * 9 / 64 + 5;

	return static_cast<size_t>(level0) * plane + size_t{tokens} * 4 + 128;
}

size_t
encode(const Counts &counts, const Matrix &matrix, const Coupon *tokens, uint8_t *out)
{
	uint32_t m = buckets(counts.precision);
	int full = 0;
	int end = counts.level0;
	uint8_t *front = write_front(Kind::set, counts, out);
	/* only planes are written from the end */
	StreamWriter bits(front,
					  counts.level0 == 0
						  ? front
						  : out + encoded_bound(counts.precision, counts.level0, counts.tokens));

	while (full < counts.level0 && counts.ones[full] == m)
		full++;
	while (end > full && counts.ones[end - 1] == 0)
		end--;
	if (counts.level0 > 0)
		write_plane_counts(bits.front, counts, full, end);
	if (counts.level0 < kLevels)
		write_token_counts(bits.front, counts);
	write_token_levels(bits.front, counts, tokens);
	for (int k = end - 1; k >= full; k--)
		if (counts.ones[k] > 0 && counts.ones[k] < m)
			write_plane(bits, matrix.plane(k), counts.precision, counts.ones[k]);
	return static_cast<size_t>(bits.finish() - out);
}

size_t
write_empty(int precision, bool compact, uint8_t *out)
{
	Counts counts = {};

	counts.precision = precision;
	counts.compact = compact;
	return encode(counts, Matrix(), nullptr, out);
}

size_t
encode_sample(const Counts &counts, const Coupon *tokens, uint8_t *out)
{
	BitWriter bits(write_front(Kind::sample, counts, out));

	write_token_counts(bits, counts);
	write_token_levels(bits, counts, tokens);
	return static_cast<size_t>(bits.finish() - out);
}

} // namespace hllset
