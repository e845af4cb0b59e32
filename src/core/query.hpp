/* SPDX-License-Identifier: PostgreSQL */
/*
 * The two queries to sets that have keys: which are similar to one, and which contain a part of it. Their bytes (docs/format.md), what they hold of,
 * and what an index that knows only shared keys may say of a row.
 */
#pragma once

#include "signature.hpp"

namespace hllset
{

enum class QueryKind : uint8_t
{
	similar = 4,
	contain = 5
};

struct Query
{
	int level0; /* of a query for containing sets */
	double at_least;
	const uint8_t *keys; /* not aligned */
	size_t count;

	Key
	key(size_t i) const
	{
		Key key;

		memcpy(&key, keys + i * sizeof(Key), sizeof(Key));
		return key;
	}
};

bool is_threshold(double at_least);

/* Writes HLLSET_QUERY_HEADER bytes and the keys; returns the size. */
size_t write_query(QueryKind kind, const Keys &keys, double at_least, uint8_t *out);

/* Every byte is checked. */
HllsetStatus read_query(QueryKind kind, HllsetBytes query, Query &result);

/* The fewest of n known elements that are a share `at_least` of them: the smallest t with t / n >= at_least. */
int least_of_known(int n, double at_least);

/*
 * The fewest of n sampled elements that are taken for a share `at_least` of all: the largest number that a binomial(n, at_least) reaches
 * with a chance of 98 %. n <= kMostContainKeys.
 */
int least_of_sampled(int n, double at_least);

/* Whether the set and the query's share at_least of the elements of both. */
HllsetStatus is_similar(const View &set, const Query &query, void *work, bool &result);

/* No row that shares fewer keys with the query is similar. More than the query has, if there is none. */
int least_shared(const Query &query);

/*
 * An index of signatures has shorter keys as its entries. With the 18 bits of a key a million rows share so few that an entry costs more than its rows;
 * each bit less halves their number, and has four times as many rows share two of them by chance. Sets that share keys share their entries, so no row is
 * missed if each key of the query counts whose entry a row has.
 */
inline constexpr int kEntryBits = 17;

constexpr Key
similar_entry(Key key)
{
	return key_of(level_of_key(key, kSignatureBits), key, kEntryBits);
}

/* Whether the set contains at_least of the query's elements. */
HllsetStatus contains_part(const View &set, const Query &query, void *work, bool &result);

/* What decides at each L0 that a row may have. */
HllsetContainPlan plan_contain(const Query &query);

HllsetVerdict judge_contain(const HllsetContainPlan &plan, const char *seen);

} // namespace hllset
