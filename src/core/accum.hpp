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
	uint8_t precision;
	bool compact;
	bool dense;
	uint8_t planes; /* room for so many */
	uint32_t slots;

	/* A small one in a block that grows until it holds so many tokens. */
	static Shape small(int precision, bool compact, uint32_t tokens);

	/* Bytes of an accumulator of this shape. */
	size_t bytes() const;

	bool operator==(const Shape &other) const = default;
};

} // namespace hllset

struct alignas(uint64_t) HllsetAccum
{
	hllset::Shape shape;
	hllset::Shape wanted; /* set when HLLSET_NEEDS_ROOM is answered */
	int8_t level0;
	uint8_t full;   /* planes below are known to be all ones */
	uint16_t seed;  /* of the table's order */
	uint32_t count; /* tokens in the table */

	/* planes, then slots */
	uint64_t *
	planes()
	{
		return reinterpret_cast<uint64_t *>(this + 1);
	}
};

namespace hllset
{

/* A window on an accumulator with what can be done to it. */
class Accum
{
public:
	explicit Accum(HllsetAccum *state)
		: state_(state), matrix_(state->planes(), state->shape.precision),
		  table_(reinterpret_cast<uint32_t *>(matrix_.plane(state->shape.planes)),
				 state->shape.slots, state->seed * 0x9e3779b1u | 1)
	{
	}

	/* Makes an empty accumulator of `shape` in shape.bytes() of memory. */
	static Accum init(HllsetAccum *state, const Shape &shape);

	/* Sets a bit; false, and nothing done, if it has no plane. */
	bool set(Coupon full);
	HllsetStatus add(Coupon full);

	/* The same, never inlined: who tries set() first then needs no window in memory and no saved registers for it. */
	[[gnu::noinline]] static HllsetStatus add_apart(HllsetAccum *state, Coupon full);

	/* Brings near what an add of it will look at first. */
	void prefetch(Coupon full) const;

	/* Reads nothing of the levels whose planes are all ones: what is wrong with it there stays unseen. */
	HllsetStatus merge(const View &view);
	HllsetStatus merge(const Accum &other);

	Counts counts() const;
	size_t encode_work() const;
	HllsetBytes encode(void *work) const;

private:
	bool is_empty() const;
	void merge_empty(const Counts &operand);
	bool has_room_for(const Counts &operand, int planes);
	HllsetStatus want(const Shape &shape);
	void raise(int level0);
	int full_planes();
	HllsetStatus insert(Coupon token);
	HllsetStatus normalise();
	Counts operand_counts() const;
	Counts matrix_counts() const;

	HllsetAccum *state_;
	Matrix matrix_;
	TokenTable table_;
};

/* A window for reading only. */
inline const Accum
reader(const HllsetAccum *accum)
{
	return Accum(const_cast<HllsetAccum *>(accum));
}

} // namespace hllset
