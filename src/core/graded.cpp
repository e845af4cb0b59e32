/* SPDX-License-Identifier: PostgreSQL */
/* The rules of docs/format.md, From coupons to a state, on sorted token lists. */
#include "graded.hpp"

namespace hllset
{

namespace
{

constexpr size_t
matrix_words(int precision)
{
	return kLevels * plane_words(precision);
}

} // namespace

size_t
Graded::work_size(int precision, int finest)
{
	size_t incoming = list_limit(finest);
	size_t held = list_limit(precision) + incoming + 1;

	return matrix_words(precision) * 8 + (2 * held + incoming) * 4 +
		   encoded_bound(precision, kLevels, list_limit(precision));
}

Graded::Graded(void *work, int precision, bool compact, int finest)
	: precision_(precision), compact_(compact), matrix_(static_cast<uint64_t *>(work), precision)
{
	size_t incoming = list_limit(finest);
	size_t held = list_limit(precision) + incoming + 1;

	tokens_ = reinterpret_cast<Coupon *>(static_cast<uint64_t *>(work) + matrix_words(precision));
	spare_ = tokens_ + held;
	incoming_ = spare_ + held;
	incoming_limit_ = incoming;
	out_ = reinterpret_cast<uint8_t *>(incoming_ + incoming);
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
	level0_ = level0;
	for (; poured < count_ && level_of(tokens_[poured]) < level0; poured++)
		matrix_.set(level_of(tokens_[poured]), tokens_[poured]);
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

	int bits = token_bits(precision_, level0_);
	size_t count = counts.tokens_from(level0_);
	Coupon *rest =
		incoming_ + count; /* the highest level comes first: the list is filled from its end */
	Matrix matrix =
		matrix_; /* a local copy: the compiler must think that the state may change with each bit */
	HllsetStatus status = walk_levels(
		view, 0,
		[&](int level, size_t index, uint64_t word) {
			matrix.merge_word(level, index, word, counts.precision);
		},
		[&](int level, auto &&read) {
			if (level < level0_)
				return read([&](uint32_t address) { matrix.set(level, address); });

			Coupon *next = rest -= counts.ones[level];

			read([&](uint32_t address) { *next++ = cut(coupon_at(level, address), bits); });
		});

	if (status != HLLSET_OK)
		return status;
	incoming_count_ = count;
	flush(bits == token_bits(counts.precision, counts.level0));
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

HllsetBytes
Graded::encode()
{
	Counts counts = {};

	counts.precision = precision_;
	counts.compact = compact_;
	counts.level0 = level0_;
	counts.tokens = static_cast<uint32_t>(count_);
	for (int k = 0; k < level0_; k++)
		counts.ones[k] = matrix_.count(k);
	count_levels(tokens_, count_, counts.ones);
	return {out_, hllset::encode(counts, matrix_, tokens_, out_)};
}

} // namespace hllset
