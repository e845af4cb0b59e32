/* SPDX-License-Identifier: PostgreSQL */
/*
 * The input is a query for similar or for containing sets, in bytes or in the hexadecimal digits of its text form, and a set. Either is refused or a query
 * that is made again from its parts; then the set is asked, and an index with its keys, which knows nothing of some of them.
 */
#include "../unit/keys.hpp"
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

static Bytes
from_digits(const Bytes &text)
{
	Bytes bytes;

	for (size_t i = 0; i + 1 < text.size(); i += 2)
		bytes.push_back(static_cast<uint8_t>((text[i] & 15) << 4 | (text[i + 1] & 15)));
	return bytes;
}

static Bytes
rewritten(HllsetQueryKind kind, const Bytes &query, const HllsetQuery &read)
{
	FoundKeys keys = {HLLSET_OK, std::vector<uint32_t>(read.count), query[2]};

	for (size_t i = 0; i < read.count; i++)
		memcpy(&keys.keys[i], read.keys + 4 * i, 4);
	return query_of(kind, keys, read.at_least);
}

static void
ask(HllsetQueryKind kind, const Bytes &query, const Bytes &set, Input &input)
{
	bool result = false;
	HllsetStatus status = try_holds(kind, query, set, result);
	FoundKeys row = keys_for(kind, set);

	FUZZ_CHECK(status == row.status);
	if (status != HLLSET_OK)
		return;

	HllsetVerdict verdict = index_verdict(kind, query, row, [] { return false; });
	HllsetVerdict dim = index_verdict(kind, query, row, [&] { return input.number(1) % 4 == 1; });

	FUZZ_CHECK(!result || (verdict != HLLSET_NO && dim != HLLSET_NO));
	FUZZ_CHECK(result || (verdict != HLLSET_YES && dim != HLLSET_YES));
	FUZZ_CHECK(kind == HLLSET_SIMILAR || verdict == (result ? HLLSET_YES : HLLSET_NO));
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	uint64_t form = input.number(1);
	HllsetQueryKind kind = form % 2 == 0 ? HLLSET_SIMILAR : HLLSET_CONTAIN;
	Bytes first = input.bytes(input.number(2));
	Bytes query = form % 4 < 2 ? first : from_digits(first);
	Bytes set = input.bytes(input.number(2));
	HllsetQuery read;
	HllsetStatus status = hllset_core_query_read(kind, door(query), &read);

	FUZZ_CHECK(status == HLLSET_OK || (status >= HLLSET_TRUNCATED && status <= HLLSET_BAD_KEY));
	if (form % 8 >= 4)
	{
		/* a query that is made from the set itself finds it */
		FoundKeys own = keys_for(kind, set);

		if (own.status != HLLSET_OK || own.keys.empty())
			return 0;
		query = query_of(kind, own, 1);
		FUZZ_CHECK(holds(kind, query, set));
		ask(kind, query, set, input);
		return 0;
	}
	if (status != HLLSET_OK)
		return 0;
	FUZZ_CHECK(rewritten(kind, query, read) == query);
	ask(kind, query, set, input);
	return 0;
}
