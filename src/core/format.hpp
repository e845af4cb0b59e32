/* SPDX-License-Identifier: PostgreSQL */
/*
 * The byte layout of docs/format.md. parse() makes a View, the trusted header and counts of a value; walk() reads the
 * positions behind it and checks them on the way, so that every byte is read once and nothing unchecked is used.
 */
#pragma once

#include "codec.hpp"

namespace hllset
{

enum class Kind : uint8_t
{
	set = 1,
	expression = 2,
	sample = 3
};

struct Header
{
	Kind kind;
	bool compact;
	int precision;
};

constexpr size_t kHeaderSize = 4;

/* The four bytes that every value begins with. */
HllsetStatus read_header(HllsetBytes value, Header &header);
void write_header(const Header &header, uint8_t *out);

/* How many cells of each level are ones: all that an estimate needs. Levels below level0 are planes, the others tokens. */
struct Counts
{
	int precision;
	bool compact;
	int level0;
	uint32_t tokens; /* sum over the levels >= level0 */
	uint32_t ones[kLevels];

	uint32_t
	cells(int level) const
	{
		return level < level0 ? buckets(precision) : 1u << token_bits(precision, level0);
	}

	/* Those of the empty set. A sample is never one: where it has no tokens, there may be elements that it does not see. */
	bool
	is_empty() const
	{
		return level0 == 0 && tokens == 0;
	}

	/* How many tokens are on the levels from `least` >= level0 up. */
	uint32_t
	tokens_from(int least) const
	{
		uint32_t sum = 0;

		for (int k = least; k < kLevels; k++)
			sum += ones[k];
		return sum;
	}

	bool operator==(const Counts &other) const = default;
};

struct View
{
	Kind kind;   /* set or sample */
	int8_t full; /* planes below are all ones */
	int8_t end;  /* planes from here on are all zeros */
	Counts counts;
	StreamReader stream; /* the positions */
};

/* Reads a set. A value of another kind is refused: HLLSET_NOT_A_SET. */
HllsetStatus parse(HllsetBytes set, View &view);

/* Reads a set or a sample; a sample is the tokens of a set without its planes. */
HllsetStatus parse_single(HllsetBytes value, View &view);

/* No set of elements has this L0 with these counts. */
bool is_canonical(const Counts &counts);

/* Reads a plane, for plane_sink as walk_levels() has it. */
template <typename PlaneSink>
HllsetStatus
walk_plane(StreamReader &in, const Counts &counts, int level, PlaneSink &&plane_sink)
{
	uint32_t ones = counts.ones[level];

	if (ones > 0 && ones < buckets(counts.precision))
		return read_plane(in, counts.precision, ones,
						  [&](size_t index, uint64_t word) { plane_sink(level, index, word); });
	if (ones > 0)
		for (size_t i = 0; i < plane_words(counts.precision); i++)
			plane_sink(level, i, word_mask(counts.precision));
	return HLLSET_OK;
}

/* Reads the tokens on the levels from `least` up, for level_sink as walk_levels() has it. */
template <typename LevelSink>
HllsetStatus
walk_tokens(const Counts &counts, int least, StreamReader &in, LevelSink &&level_sink)
{
	HllsetStatus status = HLLSET_OK;

	for (int k = kLevels - 1; k >= std::max(counts.level0, least) && status == HLLSET_OK; k--)
		if (counts.ones[k] > 0)
			level_sink(k, [&](auto sink) {
				status = read_gaps(in.front, counts.ones[k], counts.cells(k), sink);
			});
	return status;
}

/*
 * Reads the positions of a parsed value from its highest level down to level `least`: first for each level with tokens
 * level_sink(level, read), which calls read(sink) once for sink(address) in ascending order; then plane_sink(level, index, word) for each
 * word of each plane that is not empty. What lies behind is neither read nor checked.
 */
template <typename PlaneSink, typename LevelSink>
HllsetStatus
walk_levels(const View &view, int least, PlaneSink &&plane_sink, LevelSink &&level_sink)
{
	StreamReader in = view.stream;
	HllsetStatus status = walk_tokens(view.counts, least, in, level_sink);

	for (int k = view.end - 1; k >= least && status == HLLSET_OK; k--)
		status = walk_plane(in, view.counts, k, plane_sink);
	/* full planes have no bits */
	return status == HLLSET_OK && least <= view.full ? in.finish() : status;
}

/* All levels, with token_sink(coupon) for each token. */
template <typename PlaneSink, typename TokenSink>
HllsetStatus
walk(const View &view, PlaneSink &&plane_sink, TokenSink &&token_sink)
{
	return walk_levels(view, 0, plane_sink, [&](int level, auto &&read) {
		read([&](uint32_t address) { token_sink(coupon_at(level, address)); });
	});
}

/* What parse_single() left unchecked. */
HllsetStatus check_positions(const View &view);

/* parse_single and check_positions: every byte is checked. */
HllsetStatus check_single(HllsetBytes value, View &view);

/* The empty set; returns its size, HLLSET_EMPTY_SIZE at most. */
size_t write_empty(int precision, bool compact, uint8_t *out);

/* Whether a value is the empty set. A set as short as that is checked to its last byte. */
HllsetStatus look_for_empty(HllsetBytes value, bool &is_empty);

/* The most bytes that a set of this precision can take with planes up to level0 and so many tokens. */
size_t encoded_bound(int precision, int level0, uint32_t tokens);

/*
 * Writes a normalised state with these counts; its tokens are sorted. Returns the size. With planes, out has room for encoded_bound();
 * without them, for what is written.
 */
size_t encode(const Counts &counts, const Matrix &matrix, const Coupon *tokens, uint8_t *out);

/* The same for a sample: counts has tokens only. */
size_t encode_sample(const Counts &counts, const Coupon *tokens, uint8_t *out);

} // namespace hllset
