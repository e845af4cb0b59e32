/* SPDX-License-Identifier: PostgreSQL */
/* The signature of a set: its largest keys, which stand for a random sample of its elements. */
#include "hllset_pg.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(hllset_signature);

static const HllsetAsker asker = {HLLSET_SIMILAR, "function hll_signature"};

static Datum
array_of(HllsetKeys keys)
{
	Datum *elements = palloc(Max(keys.count, 1) * sizeof(Datum));

	for (size_t i = 0; i < keys.count; i++)
		elements[i] = Int32GetDatum((int32) keys.keys[i]);
	return PointerGetDatum(
		construct_array(elements, (int) keys.count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

Datum
hllset_signature(PG_FUNCTION_ARGS)
{
	HllsetBytes set = hllset_bytes(PG_GETARG_HLLSET(0));
	int wanted = PG_GETARG_INT32(1);
	HllsetPlan plan;
	HllsetKeys keys;
	HllsetStatus status;

	CHECK_FOR_INTERRUPTS();
	if (wanted < 1 || wanted > HLLSET_MOST_SIGNATURE_KEYS)
		hllset_refuse_key_number(wanted);
	status = hllset_core_plan_keys(&plan, set);
	if (status == HLLSET_OK)
		status = hllset_core_signature(&plan, wanted, hllset_workspace(&plan), &keys);
	if (status == HLLSET_BAD_ARGUMENT)
		hllset_refuse_more_keys(wanted, hllset_inspect(set).precision);
	if (status != HLLSET_OK)
		hllset_refuse_keys(&asker, status, set);
	return array_of(keys);
}
