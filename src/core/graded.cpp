/* SPDX-License-Identifier: PostgreSQL */
/* The rules of docs/format.md, From coupons to a state, on sorted token lists. */
#include "graded.hpp"

#include "pair.hpp"
#include "reader.hpp"

namespace hllset
{

namespace
{

constexpr size_t
matrix_words(int precision)
{
	return kLevels * plane_words(precision);
}

/* Room for the tokens of a list while another is merged: an even number, as a plane lies there meanwhile. */
constexpr size_t
held_tokens(int precision, int finest)
{
	return list_limit(precision) + list_limit(finest) + 2;
}

} // namespace

Graded::Room
Graded::room(int precision, int finest)
{
	return {matrix_words(precision), held_tokens(precision, finest), list_limit(finest),
			encoded_bound(precision, kLevels, list_limit(precision))};
}

Graded::Room
Graded::small_room(size_t tokens)
{
	return {0, tokens, tokens, encoded_bound(kMinPrecision, 0, static_cast<uint32_t>(tokens))};
}

Graded::Graded(void *work, int precision, bool compact, const Room &room)
	: precision_(precision), compact_(compact), matrix_(static_cast<uint64_t *>(work), precision),
	  incoming_limit_(room.incoming)
{
	tokens_ = reinterpret_cast<Coupon *>(static_cast<uint64_t *>(work) + room.matrix_words);
	spare_ = tokens_ + room.held;
	incoming_ = spare_ + room.held;
	out_ = reinterpret_cast<uint8_t *>(incoming_ + room.incoming);
}

/* Moves L0 up: clears the new planes, pours the tokens that fall below, and cuts the others if the state was small. */
void
Graded::raise(int level0)
{
	bool was_small = level0_ == 0;
	size_t poured = 0;

	if (level0 <= level0_)
		return;
	matrix_.clear(level0_, level0);
	for (int k = level0_; k < level0; k++)
		poured += matrix_.pour(k, tokens_ + poured, tokens_ + count_);
	level0_ = level0;
	count_ -= poured;
	memmove(tokens_, tokens_ + poured, count_ * sizeof(Coupon));
	if (was_small)
		cut_tokens(token_bits(precision_, level0));
}

void
Graded::cut_tokens(int bits)
{
	if (bits == kAddressBits)
		return;
	for (size_t i = 0; i < count_; i++)
		tokens_[i] = cut(tokens_[i], bits);
	count_ = sort_unique(tokens_, count_, spare_);
}

void
Graded::normalise()
{
	if (level0_ == 0 && count_ > list_limit(precision_))
		raise(first_level0());
	while (count_ > list_limit(precision_))
		raise(level0_ + 1);
}

void
Graded::absorb(Coupon token)
{
	if (level_of(token) < level0_)
		matrix_.set(level_of(token), token);
	else
		incoming_[incoming_count_++] = cut(token, token_bits(precision_, level0_));
}

/* Unites the tokens in incoming_ with the list. */
void
Graded::flush(bool sorted)
{
	if (!sorted)
		incoming_count_ = sort_unique(incoming_, incoming_count_, spare_);
	count_ = unite_sorted({tokens_, count_}, {incoming_, incoming_count_}, spare_);
	std::swap(tokens_, spare_);
	incoming_count_ = 0;
	normalise();
}

HllsetStatus
Graded::merge(const View &view)
{
	const Counts &counts = view.counts;

	raise(compact_ && counts.level0 > 0 ? kLevels : counts.level0);

	Place place = {matrix_, level0_, incoming_};
	HllsetStatus status = read_value(view, 0, place);

	if (status != HLLSET_OK)
		return status;
	incoming_count_ = counts.tokens_from(level0_);
	flush(keeps_bits(counts, place));
	return HLLSET_OK;
}

HllsetStatus
Graded::merge(const View &a, const View &b)
{
	if (a.counts.precision != precision_ || b.counts.precision != precision_)
	{
		HllsetStatus status = merge(a);

		return status == HLLSET_OK ? merge(b) : status;
	}

	int level0 = std::max(a.counts.level0, b.counts.level0);

	/* planes of which walk_pair() will give all words need no clearing: those of both, down to where neither has a bit */
	int written = 0;

	while (written < std::min(a.counts.level0, b.counts.level0) &&
		   (a.counts.ones[written] | b.counts.ones[written]) != 0)
		written++;
	level0_ = compact_ && level0 > 0 ? kLevels : level0;
	matrix_.clear(written, level0_);

	Matrix matrix = matrix_;
	Place place_a = {matrix_, level0_, tokens_};
	Place place_b = {matrix_, level0_, incoming_};
	HllsetStatus status = walk_pair(a, b, reinterpret_cast<uint64_t *>(spare_),
									TokenReader(a.counts, place_a), TokenReader(b.counts, place_b),
									[&](int level, size_t index, uint64_t word_a, uint64_t word_b) {
										uint64_t poured =
											level < written ? 0 : matrix.plane(level)[index];

										matrix.plane(level)[index] = poured | word_a | word_b;
									});

	if (status != HLLSET_OK)
		return status;
	count_ = a.counts.tokens_from(level0_);
	if (!keeps_bits(a.counts, place_a))
		count_ = sort_unique(tokens_, count_, spare_);
	incoming_count_ = b.counts.tokens_from(level0_);
	flush(keeps_bits(b.counts, place_b));
	return HLLSET_OK;
}

bool
Graded::contains(Coupon full) const
{
	if (level_of(full) < level0_)
		return matrix_.test(level_of(full), full);
	return std::binary_search(tokens_, tokens_ + count_,
							  cut(full, token_bits(precision_, level0_)));
}

void
Graded::add(Coupon full)
{
	if (level_of(full) < level0_)
	{
		matrix_.set(level_of(full), full);
		return;
	}

	Coupon token = cut(full, token_bits(precision_, level0_));
	Coupon *end = tokens_ + count_;
	Coupon *place = std::lower_bound(tokens_, end, token);

	if (place != end && *place == token)
		return;
	std::copy_backward(place, end, end + 1);
	*place = token;
	count_++;
	normalise();
}

void
Graded::append(Coupon full)
{
	if (incoming_count_ == incoming_limit_)
		settle();
	absorb(full);
}

void
Graded::settle()
{
	flush(false);
}

Counts
Graded::counts() const
{
	Counts counts = {};

	counts.precision = precision_;
	counts.compact = compact_;
	counts.level0 = level0_;
	counts.tokens = static_cast<uint32_t>(count_);
	for (int k = 0; k < level0_; k++)
		counts.ones[k] = matrix_.count(k);
	count_levels(tokens_, count_, counts.ones);
	return counts;
}

HllsetBytes
Graded::encode(const Counts &counts)
{
	return {out_, hllset::encode(counts, matrix_, tokens_, out_)};
}

} // namespace hllset
