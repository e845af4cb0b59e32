/* SPDX-License-Identifier: PostgreSQL */
/* The rules of docs/format.md, From coupons to a state, on a table of tokens that never moves by itself. */
#include "accum.hpp"

namespace hllset
{

namespace
{

/* Powers of two, as the server's allocator rounds up to one; of the first the caller needs some for a head of its own. */
constexpr size_t kStartBytes = 128 - HLLSET_ACCUM_HEAD;
constexpr size_t kFewBytes = 512;

/* Where there are many groups they have few tokens each, and every byte counts; later each move does. */
constexpr size_t
next_block(size_t bytes)
{
	return bytes < kFewBytes ? 2 * std::bit_ceil(bytes) : 4 * bytes;
}
constexpr int kPlaneStep = 4;

/* From where the block happens to lie, which no one outside knows. */
uint16_t
seed_of(const HllsetAccum *state)
{
	return static_cast<uint16_t>(reinterpret_cast<uintptr_t>(state) * 0x9e3779b97f4a7c15 >> 48);
}

constexpr uint8_t
rounded_planes(int planes)
{
	return static_cast<uint8_t>(
		std::min((planes + kPlaneStep - 1) / kPlaneStep * kPlaneStep, kLevels));
}

} // namespace

Shape
Shape::small(int precision, bool compact, uint32_t tokens)
{
	size_t bytes = kStartBytes;
	Shape shape = {static_cast<uint8_t>(precision), compact, false, 0, 0};
	auto fill = [&] {
		shape.slots = static_cast<uint32_t>((bytes - sizeof(HllsetAccum)) / 4);
	};

	for (fill(); TokenTable::capacity(shape.slots) < tokens; fill())
		bytes = next_block(bytes);
	return shape;
}

size_t
Shape::bytes() const
{
	return sizeof(HllsetAccum) + planes * plane_words(precision) * 8 + slots * size_t{4};
}

Accum
Accum::init(HllsetAccum *state, const Shape &shape)
{
	memset(static_cast<void *>(state), 0, shape.bytes());
	state->shape = shape;
	state->seed = seed_of(state);
	if (shape.dense)
		state->level0 = shape.compact ? kLevels : 1;
	return Accum(state);
}

HllsetStatus
Accum::want(const Shape &shape)
{
	state_->wanted = shape;
	return HLLSET_NEEDS_ROOM;
}

/*
 * The shape in which an operand with these counts and planes can be merged without losing anything on the way. What it adds
 * beyond that (tokens that raise L0) asks for room again. An empty state takes the precision and form of what it meets first.
 */
bool
Accum::has_room_for(const Counts &operand, int planes)
{
	const Shape &have = state_->shape;
	Shape least = have;

	least.precision = static_cast<uint8_t>(operand.precision);
	least.compact = operand.compact;
	if (!is_empty())
	{
		least.precision = std::min(least.precision, have.precision);
		least.compact = least.compact || have.compact;
	}
	least.dense = have.dense || operand.level0 > 0 || state_->count > list_limit(least.precision);
	if (least.dense)
	{
		bool pours = least.compact && (state_->count > 0 || operand.tokens > 0);

		if (pours || (least.precision != have.precision && !is_empty()))
			least.planes = kLevels;
		else
			least.planes = std::max(have.planes, rounded_planes(std::max(planes, 1)));
		least.slots = least.compact ? 0 : 2 * list_limit(least.precision);
	}
	else
	{
		uint32_t tokens = std::min(state_->count + operand.tokens, list_limit(least.precision) + 1);

		if (TokenTable::capacity(have.slots) < tokens)
			least = Shape::small(least.precision, least.compact, tokens);
		state_->shape.precision = least.precision;
		state_->shape.compact = least.compact;
	}
	if (least == have)
		return true;
	want(least);
	return false;
}

/* Pours the tokens below a higher L0. The planes must be there. */
void
Accum::raise(int level0)
{
	if (level0 <= state_->level0)
		return;
	state_->count -=
		table_.remove_below(level0, [&](Coupon token) { matrix_.set(level_of(token), token); });
	state_->level0 = static_cast<int8_t>(level0);
}

/* How many leading planes are all ones by now. They stay so: each is looked through once. */
int
Accum::full_planes()
{
	int planes = std::min<int>(state_->level0, state_->shape.planes);

	while (state_->full < planes && matrix_.is_full(state_->full))
		state_->full++;
	return state_->full;
}

HllsetStatus
Accum::normalise()
{
	Shape larger = state_->shape;

	while (state_->count > list_limit(larger.precision))
	{
		if (!larger.dense)
		{
			larger.dense = true;
			larger.planes = larger.compact ? kLevels : kPlaneStep;
			larger.slots = larger.compact ? 0 : 2 * list_limit(larger.precision);
			return want(larger);
		}
		if (state_->level0 == larger.planes)
		{
			larger.planes = rounded_planes(larger.planes + 1);
			return want(larger);
		}
		raise(state_->level0 + 1);
	}
	return HLLSET_OK;
}

HllsetStatus
Accum::insert(Coupon token)
{
	const Shape &shape = state_->shape;

	if (state_->count >= TokenTable::capacity(shape.slots)) [[unlikely]]
		return want(Shape::small(shape.precision, shape.compact, state_->count + 1));
	state_->count += table_.insert(token);
	return state_->count > list_limit(shape.precision) ? normalise() : HLLSET_OK;
}

inline bool
Accum::set(Coupon full)
{
	int level = level_of(full);

	if (level >= std::min<int>(state_->level0, state_->shape.planes))
		return false;
	matrix_.set(level, full);
	return true;
}

HllsetStatus
Accum::add(Coupon token)
{
	Shape &shape = state_->shape;
	int level = level_of(token);

	if (level >= state_->level0)
		return insert(cut(token, token_bits(shape.precision, state_->level0)));
	if (level >= shape.planes) [[unlikely]]
	{
		Shape larger = shape;

		larger.planes = rounded_planes(level + 1);
		return want(larger);
	}
	matrix_.set(level, token);
	return HLLSET_OK;
}

HllsetStatus
Accum::add_apart(HllsetAccum *state, Coupon full)
{
	return Accum(state).add(full);
}

void
Accum::prefetch(Coupon full) const
{
	int level = level_of(full);

	if (level >= state_->level0)
		table_.prefetch(cut(full, token_bits(state_->shape.precision, state_->level0)));
	else if (level < state_->shape.planes)
		matrix_.prefetch(level, full);
}

/* No element was ever added: what has planes has had some, or is about to. */
bool
Accum::is_empty() const
{
	return state_->level0 == 0 && state_->count == 0;
}

/* Nothing comes with it; of two empty ones the finest form stays. */
void
Accum::merge_empty(const Counts &operand)
{
	Shape &shape = state_->shape;

	if (!is_empty())
		return;
	shape.precision = std::max(shape.precision, static_cast<uint8_t>(operand.precision));
	shape.compact = shape.compact && operand.compact;
}

HllsetStatus
Accum::merge(const View &view)
{
	const Counts &counts = view.counts;

	if (counts.is_empty())
	{
		merge_empty(counts);
		return walk(
			view, [](int, size_t, uint64_t) {}, [](Coupon) {});
	}
	if (!has_room_for(counts, counts.compact ? view.end : counts.level0))
		return HLLSET_NEEDS_ROOM;
	raise(counts.compact ? state_->level0 : counts.level0);

	Matrix matrix =
		matrix_; /* a local copy: the compiler must think that the state may change with each bit */
	HllsetStatus added = HLLSET_OK;
	HllsetStatus walked = walk_levels(
		view, full_planes(),
		[&](int level, size_t index, uint64_t word) {
			matrix.merge_word(level, index, word, counts.precision);
		},
		[&](int level, auto &&read) {
			if (level < std::min<int>(state_->level0, state_->shape.planes))
				read([matrix, level](uint32_t address) { matrix.set(level, address); });
			else
				read([this, &added, first = coupon_at(level, 0)](uint32_t address) {
					if (added == HLLSET_OK)
						added = add(first | address);
				});
		});

	return walked != HLLSET_OK ? walked : added;
}

HllsetStatus
Accum::merge(const Accum &other)
{
	const HllsetAccum &from = *other.state_;
	int planes = std::min<int>(from.level0, from.shape.planes);
	Counts counts = other.operand_counts();
	HllsetStatus status = HLLSET_OK;

	if (counts.is_empty())
	{
		merge_empty(counts);
		return HLLSET_OK;
	}
	if (!has_room_for(counts, planes))
		return HLLSET_NEEDS_ROOM;
	raise(counts.compact ? state_->level0 : counts.level0);
	for (int k = state_->full; k < planes; k++)
		matrix_.merge(k, other.matrix_);
	other.table_.for_each([&](Coupon token) {
		if (status == HLLSET_OK)
			status = add(token);
	});
	return status;
}

/* What another needs to know to make room: no level has been looked through. */
Counts
Accum::operand_counts() const
{
	Counts counts = {};

	counts.precision = state_->shape.precision;
	counts.compact = state_->shape.compact;
	counts.level0 = state_->level0;
	counts.tokens = state_->count;
	return counts;
}

/* Without those of the tokens. */
Counts
Accum::matrix_counts() const
{
	Counts counts = operand_counts();

	for (int k = 0; k < std::min<int>(state_->level0, state_->shape.planes); k++)
		counts.ones[k] = matrix_.count(k);
	return counts;
}

Counts
Accum::counts() const
{
	Counts counts = matrix_counts();

	table_.for_each([&](Coupon token) { counts.ones[level_of(token)]++; });
	return counts;
}

size_t
Accum::encode_work() const
{
	return 2 * state_->count * sizeof(Coupon) +
		   encoded_bound(state_->shape.precision, state_->level0, state_->count);
}

HllsetBytes
Accum::encode(void *work) const
{
	/* what is one too many lies where the spare room begins, or the result */
	Coupon *tokens = static_cast<Coupon *>(work);
	Coupon *spare = tokens + state_->count;
	uint8_t *out = reinterpret_cast<uint8_t *>(spare + state_->count);
	Counts counts = matrix_counts();

	table_.copy(tokens, state_->count);
	sort_tokens(tokens, state_->count, spare);
	count_levels(tokens, state_->count, counts.ones);
	return {out, hllset::encode(counts, matrix_, tokens, out)};
}

} // namespace hllset

/* Here and not with the other bodies of the door, so that to set a bit is one piece: this is called for every row. */
HllsetStatus
hllset_core_accum_add(HllsetAccum *accum, uint64_t hash)
{
	hllset::Coupon full = hllset::coupon_of(hash);

	return hllset::Accum(accum).set(full) ? HLLSET_OK : hllset::Accum::add_apart(accum, full);
}

void
hllset_core_accum_prefetch(const HllsetAccum *accum, uint64_t hash)
{
	hllset::reader(accum).prefetch(hllset::coupon_of(hash));
}

/* Bytes of a line of the cache, and of the part of a value that is brought near at once. */
constexpr size_t kLine = 64;
constexpr size_t kNear = 8 * kLine;

HllsetStatus
hllset_core_accum_union(HllsetAccum *accum, HllsetBytes set)
{
	hllset::View view;

	/* the processor sees only after some lines that it is read on */
	for (size_t i = 0; i < set.size && i < kNear; i += kLine)
		__builtin_prefetch(set.data + i);

	HllsetStatus status = hllset::parse(set, view);

	return status == HLLSET_OK ? hllset::Accum(accum).merge(view) : status;
}
