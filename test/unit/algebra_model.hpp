/* SPDX-License-Identifier: PostgreSQL */
/*
 * The algebra as docs/format.md says it (Operations), in its own words and with no code of the core: sources are sets of coupons, a
 * truth table is a list of Booleans, and reduction goes one pair at a time until there is none to change.
 */
#pragma once

#include <algorithm>
#include <map>

#include "model.hpp"

namespace hllset::test
{

inline constexpr HllsetOp kOps[] = {HLLSET_UNION, HLLSET_INTERSECTION, HLLSET_DIFFERENCE,
									HLLSET_SYMMETRIC_DIFFERENCE};

inline bool
apply_model(HllsetOp op, bool a, bool b)
{
	return op == HLLSET_UNION          ? a || b
		   : op == HLLSET_INTERSECTION ? a && b
		   : op == HLLSET_DIFFERENCE   ? a && !b
									   : a != b;
}

/* A set, or a sample, of which coupons are the tokens. */
struct ModelSource
{
	int precision;
	bool compact;
	std::set<Pair> coupons;
	int sample_level0 = 0; /* of a sample; a set has 0 */

	/* What is kept of it: all of a sample is tokens. */
	ModelState
	state() const
	{
		if (sample_level0 > 0)
			return {precision, false, sample_level0, {}, coupons};
		return state_of(coupons, precision, compact);
	}

	Bytes
	bytes() const
	{
		if (sample_level0 == 0)
			return bytes_of(state());

		/* as a set without planes, but for the kind and the 12 bits that say that there are none */
		Bytes bytes = {1, 3, static_cast<uint8_t>(precision), 1,
					   static_cast<uint8_t>(sample_level0)};
		BitString bits;
		std::vector<std::vector<uint64_t>> levels(32);
		uint64_t rest = coupons.size();

		for (auto [level, address] : coupons)
			levels[level].push_back(address);
		bits.put(rest, precision - 1);
		for (int k = sample_level0; rest > 0 && k < 31; k++)
		{
			bits.put(levels[k].size(), bit_width(rest));
			rest -= levels[k].size();
		}
		for (int k = 31; k >= sample_level0; k--)
			if (!levels[k].empty())
				bits.put_gaps(levels[k], uint64_t{1} << std::min(precision + 8, 26));
		bits.append_to(bytes);
		return bytes;
	}
};

struct ModelValue
{
	int precision;
	bool compact;
	std::vector<ModelSource> sources;
	std::vector<bool> table;
	bool refused = false; /* more than six sources without tokens */

	bool
	is_sample() const
	{
		return sources.size() == 1 && sources[0].sample_level0 > 0;
	}

	/* The empty set; a sample without tokens is none. */
	bool
	is_empty() const
	{
		return sources.size() == 1 && !is_sample() && sources[0].coupons.empty();
	}

	Bytes
	bytes() const
	{
		if (sources.size() == 1)
			return sources[0].bytes();

		Bytes bytes = {1, static_cast<uint8_t>(compact ? 0x12 : 0x02),
					   static_cast<uint8_t>(precision), 1, static_cast<uint8_t>(sources.size())};
		BitString bits;

		for (bool bit : table)
			bits.put(bit, 1);
		bits.append_to(bytes);
		for (const ModelSource &source : sources)
		{
			Bytes own = source.bytes();

			for (int i = 0; i < 4; i++)
				bytes.push_back(static_cast<uint8_t>(own.size() >> (8 * i)));
			bytes.insert(bytes.end(), own.begin(), own.end());
		}
		return bytes;
	}
};

inline ModelValue
single_model(ModelSource source)
{
	return {source.precision, source.compact, {source}, {false, true}};
}

inline ModelValue
set_model(const Hashes &hashes, int precision, bool compact)
{
	ModelSource source{precision, compact, {}};

	for (uint64_t hash : hashes)
		source.coupons.insert(coupon_model(hash));
	return single_model(source);
}

/* The reduction of a table and its sources: the first change that is found, then again. */
class Reduction
{
public:
	Reduction(std::vector<ModelSource> &sources, std::vector<bool> &table)
		: sources_(sources), table_(table)
	{
	}

	void
	run()
	{
		for (size_t i = 0; i < sources_.size();)
			if (sources_[i].coupons.empty())
				take_out(i, [&](size_t x) { return x; });
			else
				i++;
		while (identify_one() || drop_one() || unite_all())
			;
		sort();
	}

private:
	/* Removes source i; the new table at x is the old one at from(x), x with source i absent. */
	template <typename From>
	void
	take_out(size_t i, From &&from)
	{
		std::vector<bool> rest(table_.size() / 2);

		for (size_t x = 0; x < rest.size(); x++)
			rest[x] = table_[from((x >> i) << (i + 1) | (x & ((size_t{1} << i) - 1)))];
		table_ = rest;
		sources_.erase(sources_.begin() + static_cast<ptrdiff_t>(i));
	}

	std::vector<Bytes>
	all_bytes() const
	{
		std::vector<Bytes> bytes;

		for (const ModelSource &source : sources_)
			bytes.push_back(source.bytes());
		return bytes;
	}

	bool
	identify_one()
	{
		std::vector<Bytes> bytes = all_bytes();

		for (size_t i = 0; i < sources_.size(); i++)
			for (size_t j = i + 1; j < sources_.size(); j++)
				if (bytes[i] == bytes[j])
				{
					take_out(j, [&](size_t x) { return x | (x >> i & 1) << j; });
					return true;
				}
		return false;
	}

	bool
	drop_one()
	{
		for (size_t i = 0; i < sources_.size(); i++)
		{
			bool matters = false;

			for (size_t x = 0; x < table_.size(); x++)
				matters = matters || table_[x] != table_[x ^ size_t{1} << i];
			if (!matters)
			{
				take_out(i, [&](size_t x) { return x; });
				return true;
			}
		}
		return false;
	}

	bool
	unite_one()
	{
		for (size_t i = 0; i < sources_.size(); i++)
			for (size_t j = i + 1; j < sources_.size(); j++)
			{
				size_t bi = size_t{1} << i;
				size_t bj = size_t{1} << j;
				bool pair = true;

				for (size_t x = 0; x < table_.size(); x++)
					if ((x & (bi | bj)) == 0)
						pair = pair && table_[x | bi] == table_[x | bj] &&
							   table_[x | bi] == table_[x | bi | bj];
				if (!pair)
					continue;
				sources_[i].coupons.insert(sources_[j].coupons.begin(), sources_[j].coupons.end());
				sources_[i].compact = sources_[i].compact || sources_[j].compact;
				take_out(j, [&](size_t x) { return x; });
				return true;
			}
		return false;
	}

	/* Before any is compared with another source: a part of the class may be equal to one, which the format does not look for. */
	bool
	unite_all()
	{
		bool changed = false;

		while (unite_one())
			changed = true;
		return changed;
	}

	void
	sort()
	{
		std::vector<Bytes> bytes = all_bytes();

		for (size_t end = sources_.size(); end > 1; end--)
			for (size_t i = 0; i + 1 < end; i++)
				if (bytes[i + 1] < bytes[i])
				{
					std::vector<bool> swapped(table_.size());

					std::swap(bytes[i], bytes[i + 1]);
					std::swap(sources_[i], sources_[i + 1]);
					for (size_t x = 0; x < table_.size(); x++)
					{
						size_t differ = (x >> i ^ x >> (i + 1)) & 1;

						swapped[x] = table_[x ^ (differ << i | differ << (i + 1))];
					}
					table_ = swapped;
				}
	}

	std::vector<ModelSource> &sources_;
	std::vector<bool> &table_;
};

/* The tokens of the elements that satisfy the table. */
inline ModelValue
sample_model(const ModelValue &value)
{
	size_t limit = (size_t{1} << value.precision) / 4;
	uint32_t cells = 1u << std::min(value.precision + 8, 26);
	std::map<Pair, size_t> patterns;
	ModelSource sample{value.precision, false, {}};
	std::set<Pair> kept;

	for (const ModelSource &source : value.sources)
		sample.sample_level0 = std::max(sample.sample_level0, source.state().level0);
	for (size_t i = 0; i < value.sources.size(); i++)
		for (auto [level, address] : value.sources[i].state().tokens)
			if (level >= sample.sample_level0)
				patterns[{level, address % cells}] |= size_t{1} << i;
	for (auto [token, pattern] : patterns)
		if (value.table[pattern])
			sample.coupons.insert(token);
	while (sample.coupons.size() > limit)
	{
		sample.sample_level0++;
		std::erase_if(sample.coupons,
					  [&](const Pair &token) { return token.first < sample.sample_level0; });
	}

	ModelValue made = single_model(sample);

	made.refused = sample.sample_level0 >= 32;
	return made;
}

/* What a table over sources of any precision stands for. */
inline ModelValue
resolve_model(ModelValue value)
{
	bool small = true;

	for (const ModelSource &source : value.sources)
		if (source.sample_level0 > 0)
			return sample_model(value);
	for (ModelSource &source : value.sources)
		source.precision = value.precision;
	Reduction(value.sources, value.table).run();
	if (value.sources.empty())
		return single_model({value.precision, value.compact, {}});
	if (value.sources.size() == 1)
		return single_model(value.sources[0]);
	for (const ModelSource &source : value.sources)
		small = small && source.state().level0 == 0;
	if (small)
	{
		std::map<Pair, size_t> patterns;
		ModelSource result{value.precision, value.compact, {}};

		for (size_t i = 0; i < value.sources.size(); i++)
			for (const Pair &coupon : value.sources[i].coupons)
				patterns[coupon] |= size_t{1} << i;
		for (auto [coupon, pattern] : patterns)
			if (value.table[pattern])
				result.coupons.insert(coupon);
		return single_model(result);
	}
	if (value.sources.size() > 6)
		return sample_model(value);
	value.compact = false;
	for (const ModelSource &source : value.sources)
		value.compact = value.compact || source.compact;
	return value;
}

inline ModelValue
combine_model(HllsetOp op, const ModelValue &a, const ModelValue &b)
{
	bool sets = a.sources.size() == 1 && !a.is_sample() && b.sources.size() == 1 && !b.is_sample();
	Form form =
		meeting({a.precision, a.compact}, a.is_empty(), {b.precision, b.compact}, b.is_empty());

	if (a.is_empty() != b.is_empty() && apply_model(op, !a.is_empty(), !b.is_empty()))
		return a.is_empty() ? b : a;
	if (a.is_empty() || b.is_empty())
		return single_model({form.precision, form.compact, {}});

	/* the union of two states */
	if (op == HLLSET_UNION && sets)
	{
		ModelSource both{form.precision, form.compact, a.sources[0].coupons};

		both.coupons.insert(b.sources[0].coupons.begin(), b.sources[0].coupons.end());
		return single_model(both);
	}

	ModelValue made{form.precision, form.compact, a.sources, {}};

	made.sources.insert(made.sources.end(), b.sources.begin(), b.sources.end());
	for (size_t x = 0; x < size_t{1} << made.sources.size(); x++)
		made.table.push_back(
			apply_model(op, a.table[x & (a.table.size() - 1)], b.table[x >> a.sources.size()]));
	return resolve_model(made);
}

inline ModelValue
fold_model(ModelValue value, int precision)
{
	value.precision = precision;
	return resolve_model(value);
}

} // namespace hllset::test
