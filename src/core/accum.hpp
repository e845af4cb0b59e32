/* SPDX-License-Identifier: PostgreSQL */
/*
 * The state of an aggregate: one flat block with a header, the planes in use, and a table of tokens. What does not fit is
 * answered by HLLSET_NEEDS_ROOM after noting the shape that is wanted; everything is idempotent, so the caller moves the
 * state to a block of that shape and calls again.
 */
#pragma once

#include "format.hpp"
#include "tokens.hpp"

namespace hllset
{

/* Small: no planes, any number of slots. Dense: planes below level0, and slots for S tokens unless compact. */
struct Shape
{
	uint8_t		precision;
	bool		compact;
	bool		dense;
	uint8_t		planes; /* room for so many */
	uint32_t	slots;

	/* A small one in a block that grows by four until it holds so many tokens. */
	static Shape small(int precision, bool compact, uint32_t tokens);

	/* Length of the queue: only a table that fills many cache lines is worth one. */
	uint32_t
	queue() const
	{
		return !dense && slots >= 96 ? 16 : 0;
	}

	/* Bytes of an accumulator of this shape. */
	size_t bytes() const;

	bool operator==(const Shape &other) const = default;
};

} // namespace hllset

struct alignas(uint64_t) HllsetAccum
{
	hllset::Shape shape;
	hllset::Shape wanted; /* set when HLLSET_NEEDS_ROOM is answered */
	int32_t		level0;
	uint32_t	count; /* tokens in the table */
	uint32_t	multiplier; /* of the table */
	uint32_t	queued;

	/* queue, planes, then slots */
	uint32_t *
	queue()
	{
		return reinterpret_cast<uint32_t *>(this + 1);
	}

	uint64_t *
	planes()
	{
		return reinterpret_cast<uint64_t *>(queue() + shape.queue());
	}
};

namespace hllset
{

/*
 * A window on an accumulator with what can be done to it. Tokens wait in a queue beside the header until there are enough to look up
 * at once: with many groups each look-up is a miss of the cache, and these then overlap. While count and queue together fit the
 * table and the limit of a small set the queue can be settled anywhere, even while reading.
 */
class Accum
{
public:
	explicit Accum(HllsetAccum *state)
		: state_(state), matrix_(state->planes(), state->shape.precision),
		  table_(reinterpret_cast<uint32_t *>(matrix_.plane(state->shape.planes)), state->shape.slots,
				 state->multiplier)
	{
	}

	/* Makes an empty accumulator of `shape` in shape.bytes() of memory. */
	static Accum init(HllsetAccum *state, const Shape &shape);

	HllsetStatus add(Coupon full);
	HllsetStatus merge(const View &view);
	HllsetStatus merge(const Accum &other);

	Counts counts() const;
	size_t encode_work() const;
	HllsetBytes encode(void *work) const;

private:
	bool has_room_for(const Counts &operand, int planes);
	HllsetStatus want(const Shape &shape);
	void raise(int level0);
	bool enqueue(Coupon token);
	void settle() const;
	HllsetStatus insert(Coupon token);
	HllsetStatus absorb(Coupon token);
	HllsetStatus normalise();

	HllsetAccum *state_;
	Matrix		matrix_;
	TokenTable	table_;
};

} // namespace hllset
