/* SPDX-License-Identifier: PostgreSQL */
/*
 * Questions and changes, 64 values at a time. Sources 0 to 5 stand for bits within a word, the others for bits of its number.
 */
#include "truth_table.hpp"

namespace hllset
{

namespace
{

constexpr int kWordSources = 6;

/* The bits of a word whose number has bit i. */
constexpr uint64_t kWith[kWordSources] = {0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc,
										  0xf0f0f0f0f0f0f0f0, 0xff00ff00ff00ff00,
										  0xffff0000ffff0000, 0xffffffff00000000};

/* The values of a word where the membership in source i of the first six is the other one. */
constexpr uint64_t
toggled_within(uint64_t word, int i)
{
	int shift = 1 << i;

	return (word & kWith[i]) >> shift | (word & ~kWith[i]) << shift;
}

/* The values without source i of the first six, in the lower half: each step clears one bit of the numbers of those that are left. */
constexpr uint64_t
compressed(uint64_t word, int i)
{
	word &= ~kWith[i];
	for (; i < kWordSources - 1; i++)
		word = (word & ~kWith[i + 1]) | (word & kWith[i + 1]) >> (1 << i);
	return word;
}

/* The table of so many sources, over and over. */
constexpr uint64_t
repeated(uint64_t word, int sources)
{
	for (; sources < kWordSources; sources++)
		word |= word << (1 << sources);
	return word;
}

} // namespace

TruthTable
TruthTable::joined(const TruthTable &left, const TruthTable &right, Apply apply)
{
	TruthTable all(left.sources_ + right.sources_);
	uint64_t own = repeated(left.word(), left.sources_);
	uint64_t block = left.used();

	for (uint32_t w = 0; w < all.words(); w++)
	{
		uint64_t other = 0;

		for (uint32_t x = 0; x < 64 && w * 64 + x < all.size(); x += left.size())
			other |= right.get((w * 64 + x) >> left.sources_) ? block << x : 0;
		all.words_[w] = apply(own, other) & all.used();
	}
	return all;
}

/* Word w with the membership in source i the other way round. */
uint64_t
TruthTable::toggled(uint32_t w, int i) const
{
	return i < kWordSources ? toggled_within(words_[w], i) : words_[w ^ 1u << (i - kWordSources)];
}

/* The bits of word w that stand for a membership in source i. */
uint64_t
TruthTable::with(uint32_t w, int i)
{
	if (i < kWordSources)
		return kWith[i];
	return (w >> (i - kWordSources) & 1) != 0 ? ~uint64_t{0} : 0;
}

/* The bits of each word that are in use. */
uint64_t
TruthTable::used() const
{
	return sources_ < kWordSources ? (uint64_t{1} << size()) - 1 : ~uint64_t{0};
}

bool
TruthTable::depends_on(int i) const
{
	for (uint32_t w = 0; w < words(); w++)
		if (words_[w] != toggled(w, i))
			return true;
	return false;
}

bool
TruthTable::is_within(int i) const
{
	for (uint32_t w = 0; w < words(); w++)
		if ((words_[w] & ~with(w, i)) != 0)
			return false;
	return true;
}

/* Where one of the two holds it is the same whether the other does. */
bool
TruthTable::sees_union_of(int i, int j) const
{
	for (uint32_t w = 0; w < words(); w++)
		if ((((words_[w] ^ toggled(w, i)) & with(w, j)) |
			 ((words_[w] ^ toggled(w, j)) & with(w, i))) != 0)
			return false;
	return true;
}

/* First each value becomes the one to be read, whatever its membership in j; then every second block of them goes. */
void
TruthTable::drop(int j, int same)
{
	TruthTable all = *this;
	uint32_t low = j < kWordSources ? 0 : (1u << (j - kWordSources)) - 1;

	for (uint32_t w = 0; w < words(); w++)
	{
		uint64_t other = with(w, j) ^ (same < 0 ? 0 : with(w, same));

		all.words_[w] = (words_[w] & ~other) | (toggled(w, j) & other);
	}
	*this = TruthTable(sources_ - 1);
	for (uint32_t w = 0; w < words(); w++)
		if (j >= kWordSources)
			words_[w] = all.words_[(w & ~low) << 1 | (w & low)];
		else if (all.words() == 1)
			words_[w] = compressed(all.words_[0], j);
		else
			words_[w] = compressed(all.words_[2 * w], j) | compressed(all.words_[2 * w + 1], j)
															   << 32;
}

void
TruthTable::swap(int i, int j)
{
	TruthTable all = *this;
	const int both[] = {i, j};

	for (uint32_t w = 0; w < words(); w++)
	{
		uint64_t differ = with(w, i) ^ with(w, j);
		uint32_t there = w;

		for (int k : both)
			there ^= k >= kWordSources ? 1u << (k - kWordSources) : 0;

		uint64_t other = all.words_[there];

		for (int k : both)
			other = k < kWordSources ? toggled_within(other, k) : other;
		words_[w] = (all.words_[w] & ~differ) | (other & differ);
	}
}

/* By swaps: what is in its place stays there. */
void
TruthTable::reorder(const int *order)
{
	int source[kMaxSources];

	for (int i = 0; i < sources_; i++)
		source[i] = i;
	for (int i = 0; i < sources_; i++)
	{
		int at = i;

		while (source[at] != order[i])
			at++;
		if (at == i)
			continue;
		swap(i, at);
		source[at] = source[i];
	}
}

} // namespace hllset
