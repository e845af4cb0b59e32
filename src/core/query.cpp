/* SPDX-License-Identifier: PostgreSQL */
/* Bytes of the queries, the thresholds, and the two ways to answer: from a set, and from the keys that an index has seen of one. */
#include "query.hpp"

namespace hllset
{

namespace
{

constexpr double kLeastThreshold = HLLSET_LEAST_THRESHOLD;

/* How sure a threshold is to let pass what has just the share that is asked for. */
constexpr double kMissed = 0.02;

/* Terms of a binomial below this part of the largest one change no sum that is compared. */
constexpr double kNegligible = 0x1p-80;

struct KeyRule
{
	int bits;
	size_t most;
};

constexpr KeyRule
rule_of(QueryKind kind)
{
	return kind == QueryKind::similar ? KeyRule{kSignatureBits, kSignatureKeys}
									  : KeyRule{kContainBits, kMostContainKeys};
}

HllsetStatus
check_keys(const Query &query, const KeyRule &rule)
{
	Key next = key_of(query.level0, 0, rule.bits);
	Key end = key_of(kLevels, 0, rule.bits);

	if (query.count > rule.most || (query.level0 > 0 && query.count < kLeastKeys))
		return HLLSET_BAD_COUNT;
	for (size_t i = 0; i < query.count; i++)
	{
		Key key = query.key(i);

		if (key < next || key >= end)
			return HLLSET_BAD_KEY;
		next = key + 1;
	}
	return HLLSET_OK;
}

/* Of the keys that are in both, and of all, those among the largest ones of both together. */
struct Shared
{
	int both;
	int all;
};

Shared
compare_signatures(const Keys &a, const Query &b)
{
	Shared shared = {0, 0};
	size_t i = a.count;
	size_t j = b.count;

	for (; (i > 0 || j > 0) && shared.all < static_cast<int>(kSignatureKeys); shared.all++)
	{
		/* one more than a key, so that the end of a list is below all */
		Key x = i > 0 ? a.first[i - 1] + 1 : 0;
		Key y = j > 0 ? b.key(j - 1) + 1 : 0;

		i -= x >= y;
		j -= y >= x;
		shared.both += x == y;
	}
	return shared;
}

/* The keys of the query from a level up, and those of them that are in the set too. */
Shared
compare_from(const Keys &set, const Query &query, int level0)
{
	Shared shared = {0, 0};
	Key least = key_of(level0, 0, kContainBits);
	const Key *next = set.first;
	const Key *end = set.first + set.count;

	for (size_t j = 0; j < query.count; j++)
	{
		Key key = query.key(j);

		if (key < least)
			continue;
		shared.all++;
		while (next < end && *next < key)
			next++;
		shared.both += next < end && *next == key;
	}
	return shared;
}

/* At L0 = 0 both sets are known in full. One shared key is the least that says anything. */
int
least_contained(int n, double at_least, int level0)
{
	int least = level0 == 0 ? least_of_known(n, at_least) : least_of_sampled(n, at_least);

	return std::max(least, 1);
}

} // namespace

bool
is_threshold(double at_least)
{
	return at_least >= kLeastThreshold && at_least <= 1; /* no NaN */
}

size_t
write_query(QueryKind kind, const Keys &keys, double at_least, uint8_t *out)
{
	out[0] = HLLSET_FORMAT_VERSION;
	out[1] = static_cast<uint8_t>(kind);
	out[2] = kind == QueryKind::contain ? static_cast<uint8_t>(keys.level0) : 0;
	out[3] = HLLSET_HASH_ID;
	memcpy(out + 4, &at_least, sizeof(at_least));
	if (keys.count > 0)
		memcpy(out + HLLSET_QUERY_HEADER, keys.first, keys.count * sizeof(Key));
	return HLLSET_QUERY_HEADER + keys.count * sizeof(Key);
}

HllsetStatus
read_query(QueryKind kind, HllsetBytes query, Query &result)
{
	if (query.size > 0 && query.data[0] != HLLSET_FORMAT_VERSION)
		return HLLSET_BAD_VERSION;
	if (query.size < HLLSET_QUERY_HEADER)
		return HLLSET_TRUNCATED;
	if (query.data[1] != static_cast<uint8_t>(kind))
		return HLLSET_BAD_KIND;
	if (query.data[2] >= (kind == QueryKind::contain ? kLevels : 1))
		return HLLSET_BAD_LEVEL;
	if (query.data[3] != HLLSET_HASH_ID)
		return HLLSET_BAD_HASH;
	if ((query.size - HLLSET_QUERY_HEADER) % sizeof(Key) != 0)
		return HLLSET_TRUNCATED;
	result.level0 = query.data[2];
	memcpy(&result.at_least, query.data + 4, sizeof(result.at_least));
	result.keys = query.data + HLLSET_QUERY_HEADER;
	result.count = (query.size - HLLSET_QUERY_HEADER) / sizeof(Key);
	return is_threshold(result.at_least) ? check_keys(result, rule_of(kind)) : HLLSET_BAD_THRESHOLD;
}

int
least_of_known(int n, double at_least)
{
	int least = static_cast<int>(at_least * n);

	/* the quotient decides, for 11 of 20 are a share of 0.55 though 0.55 * 20 is more than 11 */
	while (least > 0 && static_cast<double>(least - 1) / n >= at_least)
		least--;
	while (least < n && static_cast<double>(least) / n < at_least)
		least++;
	return least;
}

/*
 * Terms by their ratios, in units of the largest one, which is at floor((n + 1) x): only +, -, * and /, whose results are the same on every
 * machine. At x = 1 that is the last one, and no ratio is taken.
 */
int
least_of_sampled(int n, double at_least)
{
	double x = at_least;
	int peak = std::min(static_cast<int>((n + 1) * x), n);
	int first = peak;
	double lowest = 1;
	double sum = 1;
	double below = 0;

	for (double term = 1; first > 0; first--)
	{
		term = term * first * (1 - x) / ((n - first + 1) * x);
		if (term < kNegligible)
			break;
		lowest = term;
		sum += term;
	}
	for (double term = 1, k = peak; k < n && term > kNegligible; k++)
	{
		term = term * (n - k) * x / ((k + 1) * (1 - x));
		sum += term;
	}
	for (; first < n && below + lowest <= kMissed * sum; first++)
	{
		below += lowest;
		lowest = lowest * (n - first) * x / ((first + 1) * (1 - x));
	}
	return first;
}

HllsetStatus
is_similar(const View &set, const Query &query, void *work, bool &result)
{
	Keys keys;
	HllsetStatus status = find_signature(set, kSignatureKeys, work, keys);

	if (status != HLLSET_OK)
		return status;

	Shared shared = compare_signatures(keys, query);
	int least = shared.all == static_cast<int>(kSignatureKeys)
					? least_of_sampled(shared.all, query.at_least)
					: least_of_known(shared.all, query.at_least);

	result = query.count > 0 && keys.count > 0 && shared.both >= least;
	return HLLSET_OK;
}

/*
 * With n keys of both together and k of the query, n >= k. If n < 64, at least at_least * n >= at_least * k are shared; if n = 64, at least as many as
 * of 64.
 */
int
least_shared(const Query &query)
{
	int count = static_cast<int>(query.count);
	int sampled = least_of_sampled(static_cast<int>(kSignatureKeys), query.at_least);

	if (query.count == kSignatureKeys)
		return sampled;
	return std::max(std::min(least_of_known(count, query.at_least), sampled), 1);
}

HllsetStatus
contains_part(const View &set, const Query &query, void *work, bool &result)
{
	Keys keys;
	HllsetStatus status = find_contain_keys(set, work, keys);

	if (status != HLLSET_OK)
		return status;

	int level0 = std::max(keys.level0, query.level0);
	Shared shared = compare_from(keys, query, level0);

	result = shared.all > 0 && shared.both >= least_contained(shared.all, query.at_least, level0);
	return HLLSET_OK;
}

HllsetContainPlan
plan_contain(const Query &query)
{
	HllsetContainPlan plan = {};

	plan.keys = static_cast<int>(query.count);
	plan.level0 = query.level0;
	plan.highest =
		query.count > 0 ? level_of_key(query.key(query.count - 1), kContainBits) : query.level0;
	for (int level = query.level0; level <= plan.highest; level++)
	{
		Key least = key_of(level, 0, kContainBits);
		int above = 0;

		while (above < plan.keys &&
			   query.key(query.count - 1 - static_cast<size_t>(above)) >= least)
			above++;
		plan.above[level] = above;
		plan.least[level] = least_contained(above, query.at_least, level);
	}
	return plan;
}

/*
 * A row has one L0 key. It is not asked for at the query's L0 and below, where that of the query decides, nor beyond its highest key, where
 * nothing is shared.
 */
HllsetVerdict
judge_contain(const HllsetContainPlan &plan, const char *seen)
{
	const char *levels = seen + plan.keys;
	int sure = 0;
	int possible = 0;
	int next = 0;
	bool may = false;
	bool must = true;
	bool is_known = false;

	for (int level = plan.highest; level >= plan.level0; level--)
	{
		for (; next < plan.above[level]; next++)
		{
			sure += seen[next] == HLLSET_YES;
			possible += seen[next] != HLLSET_NO;
		}

		char at_level = level > plan.level0 ? levels[level - plan.level0 - 1] : char{HLLSET_MAYBE};

		if (at_level == HLLSET_NO || is_known)
			continue;
		is_known = at_level == HLLSET_YES;
		if (is_known)
		{
			may = false;
			must = true;
		}
		may = may || possible >= plan.least[level];
		must = must && sure >= plan.least[level];
	}
	if (!may)
		return HLLSET_NO;
	return must ? HLLSET_YES : HLLSET_MAYBE;
}

} // namespace hllset
