/* SPDX-License-Identifier: PostgreSQL */
/* Two sets (length, bytes, bytes): their union is a value, commutative, idempotent, and the accumulator's too. */
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	Bytes a = input.string();
	Bytes b = input.bytes(input.left());

	if (is_no_set(a) || is_no_set(b))
		return 0;

	Outcome united = try_unite(a, b);
	Outcome swapped = try_unite(b, a);
	/* of all empty sets those that leave the form of another alone */
	Aggregate aggregate(kMinPrecision, true);
	Aggregate other(kMinPrecision, true);
	HllsetStatus first = aggregate.try_unite(a);
	HllsetStatus second = other.try_unite(b);

	FUZZ_CHECK(first == check(a) && second == check(b));
	FUZZ_CHECK((united.status == HLLSET_OK) == (first == HLLSET_OK && second == HLLSET_OK));
	FUZZ_CHECK((swapped.status == HLLSET_OK) == (united.status == HLLSET_OK));
	if (united.status != HLLSET_OK)
		return 0;
	FUZZ_CHECK(check(united.bytes) == HLLSET_OK);
	FUZZ_CHECK(swapped.bytes == united.bytes);
	FUZZ_CHECK(unite(united.bytes, a) == united.bytes);
	FUZZ_CHECK(unite(b, united.bytes) == united.bytes);
	FUZZ_CHECK(unite(a, a) == a);
	FUZZ_CHECK(aggregate.encode() == a);
	aggregate.merge(other);
	FUZZ_CHECK(aggregate.encode() == united.bytes);
	other.unite(a);
	FUZZ_CHECK(other.encode() == united.bytes);
	return 0;
}
