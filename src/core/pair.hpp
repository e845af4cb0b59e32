/* SPDX-License-Identifier: PostgreSQL */
/*
 * Two sets of one precision read side by side. Where both have a plane in blocks, the words of both are decoded in one loop: the processor then
 * follows four streams at once, each of which is a chain of steps that wait for each other.
 */
#pragma once

#include "format.hpp"

namespace hllset
{

/* What a set has on a level: a plane that must be read, or one that is known without. */
struct PairPlane
{
	PairPlane(const View &view, int level)
		: ones(level < view.end ? view.counts.ones[level] : 0),
		  is_coded(ones > 0 && ones < buckets(view.counts.precision)),
		  word(ones > 0 ? word_mask(view.counts.precision) : 0)
	{
	}

	uint32_t ones;
	bool is_coded;
	uint64_t word; /* each word of a plane that is not coded */
};

/* The words of two planes, both in blocks, in turn. */
template <typename Sink>
HllsetStatus
read_two_block_planes(StreamReader &a, const PlaneForm &form_a, StreamReader &b,
					  const PlaneForm &form_b, int precision, Sink &&sink)
{
	const BlockCode &code_a = block_code(form_a.density_class);
	const BlockCode &code_b = block_code(form_b.density_class);
	StreamReader next_a = a;
	StreamReader next_b = b;
	uint32_t ones_a = 0;
	uint32_t ones_b = 0;

	for (size_t i = 0; i < plane_words(precision); i++)
	{
		StreamReader ahead_a = next_a;
		StreamReader ahead_b = next_b;
		CodedWord word_a;
		CodedWord word_b;

		if (!read_two_easy_words(ahead_a, code_a, word_a, ahead_b, code_b, word_b)) [[unlikely]]
		{
			StreamReader hard_a = next_a;
			StreamReader hard_b = next_b;
			HllsetStatus status = read_hard_word(hard_a, code_a, word_a);

			if (status == HLLSET_OK)
				status = read_hard_word(hard_b, code_b, word_b);
			if (status != HLLSET_OK)
				return status;
			ahead_a = hard_a;
			ahead_b = hard_b;
		}
		next_a = ahead_a;
		next_b = ahead_b;
		ones_a += word_a.ones;
		ones_b += word_b.ones;
		sink(i, word_a.bits ^ form_a.background, word_b.bits ^ form_b.background);
	}
	a = next_a;
	b = next_b;
	return ones_a == form_a.few && ones_b == form_b.few ? HLLSET_OK : HLLSET_BAD_COUNT;
}

/* The words of two planes in turn; not if both are empty. scratch: room for one plane. */
template <typename Sink>
HllsetStatus
read_two_planes(StreamReader &a, PairPlane plane_a, StreamReader &b, PairPlane plane_b,
				int precision, uint64_t *scratch, Sink &&sink)
{
	PlaneForm form_a(precision, plane_a.ones);
	PlaneForm form_b(precision, plane_b.ones);

	if (!plane_a.is_coded && !plane_b.is_coded)
	{
		if ((plane_a.word | plane_b.word) != 0)
			for (size_t i = 0; i < plane_words(precision); i++)
				sink(i, plane_a.word, plane_b.word);
		return HLLSET_OK;
	}
	if (!plane_a.is_coded)
		return read_plane(b, precision, plane_b.ones,
						  [&](size_t i, uint64_t word) { sink(i, plane_a.word, word); });
	if (!plane_b.is_coded)
		return read_plane(a, precision, plane_a.ones,
						  [&](size_t i, uint64_t word) { sink(i, word, plane_b.word); });
	if (form_a.is_in_blocks() && form_b.is_in_blocks())
		return read_two_block_planes(a, form_a, b, form_b, precision, sink);

	HllsetStatus status =
		read_plane(a, precision, plane_a.ones, [&](size_t i, uint64_t word) { scratch[i] = word; });

	if (status != HLLSET_OK)
		return status;
	return read_plane(b, precision, plane_b.ones,
					  [&](size_t i, uint64_t word) { sink(i, scratch[i], word); });
}

/*
 * Reads all of two parsed sets of one precision: first the tokens of one and of the other, as walk_levels() has them; then plane_sink(level, index,
 * word of a, word of b) for each word of each level on which one of them has a plane that is not empty. scratch: room for one plane.
 */
template <typename PlaneSink, typename SinkA, typename SinkB>
HllsetStatus
walk_pair(const View &a, const View &b, uint64_t *scratch, SinkA &&level_sink_a,
		  SinkB &&level_sink_b, PlaneSink &&plane_sink)
{
	StreamReader in_a = a.stream;
	StreamReader in_b = b.stream;
	HllsetStatus status = walk_tokens(a.counts, 0, in_a, level_sink_a);

	if (status == HLLSET_OK)
		status = walk_tokens(b.counts, 0, in_b, level_sink_b);
	for (int k = std::max(a.end, b.end) - 1; k >= 0 && status == HLLSET_OK; k--)
		status = read_two_planes(in_a, PairPlane(a, k), in_b, PairPlane(b, k), a.counts.precision,
								 scratch, [&](size_t index, uint64_t word_a, uint64_t word_b) {
									 plane_sink(k, index, word_a, word_b);
								 });
	if (status == HLLSET_OK)
		status = in_a.finish();
	return status == HLLSET_OK ? in_b.finish() : status;
}

} // namespace hllset
