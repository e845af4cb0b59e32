/* SPDX-License-Identifier: PostgreSQL */
/* The messages about members: keys of hashes, samples, regions. error.c has the others. */
#include "hllset_pg.h"

static int
hint_at_key(void)
{
	return errhint("A key is made once, as by uuid_send(gen_random_uuid()), and kept where only "
				   "those can read it who may list the elements of a set.");
}

/* What the key is, or was meant to be, is not said: messages are logged. */
void
hllset_refuse_key(size_t size)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("key of hll_hash must be of %d bytes, not %zu", HLLSET_HASH_KEY_SIZE, size),
			 hint_at_key()));
}

void
hllset_refuse_null_key(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("key of hll_hash must not be null"),
			 errdetail("A key that is not found would make an empty set."), hint_at_key()));
}

void
hllset_refuse_keyed_hash(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("hll_hash with a key takes an element, not a hash of it"),
			 errdetail("A hash that was made without a key is found in a list of all elements."),
			 errhint("Write hll_hash(x, key) for an element x.")));
}

/* Why a value has no sample from this level on. */
void
hllset_refuse_sample(HllsetStatus status, HllsetBytes value, int level)
{
	if (status == HLLSET_BAD_ARGUMENT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("level %d is out of range", level),
						errdetail("The least level must be between 0 and %d.", HLLSET_LEVELS - 1),
						errhint("From level 8 on there is one of 256 elements.")));
	if (status == HLLSET_TOO_COARSE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot sample an hllset of precision %d", hllset_inspect(value).precision),
				 errdetail("It does not keep as much of each element as hll_coupon tells."),
				 errhint("Build the set with precision %d or more.", HLLSET_KEY_PRECISION)));
	if (status == HLLSET_NO_TOKENS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("hllset keeps no sample of its elements"),
				 errdetail("A large compact set keeps none, nor does a set whose bits are nearly "
						   "all set, nor an expression that has one of them."),
				 errhint("Build the sets without the modifier \"compact\".")));
	hllset_report(status);
}

void
hllset_refuse_regions(int count)
{
	ereport(ERROR, (errcode(ERRCODE_TOO_MANY_ARGUMENTS),
					errmsg("hll_regions takes up to %d sets, not %d", HLLSET_MAX_VALUES, count),
					errhint("Unite some of them, as by hll_union_agg.")));
}

void
hllset_refuse_null_region(int number)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("set %d of hll_regions must not be null", number),
					errhint("Where a set may be missing write coalesce(s, hllset_empty()).")));
}

void
hllset_refuse_sources(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("hll_regions takes expressions of up to %d different sets together",
					HLLSET_MAX_ALIGNED),
			 errhint("Give it sets: the regions of their sets are those of all expressions.")));
}
