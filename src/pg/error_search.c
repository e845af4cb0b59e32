/* SPDX-License-Identifier: PostgreSQL */
/* The messages of searches: what has no keys, and why; what a query can't be. */
#include "hllset_pg.h"

#include "common/shortest_dec.h"

/* What is wrong with a value whose bytes are right, by the reason that it has no keys. */
void
hllset_refuse_keys(const HllsetAsker *asker, HllsetStatus status, HllsetBytes value)
{
	HllsetInfo info = hllset_inspect(value);
	int least =
		asker->kind == HLLSET_SIMILAR ? HLLSET_SIGNATURE_PRECISION : HLLSET_CONTAIN_PRECISION;

	if (status == HLLSET_COARSE)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s takes no hllset of precision %d", asker->name, info.precision),
			 errdetail("Elements are compared by bits that a set keeps at precision %d and more.",
					   least),
			 errhint("Build the set from its elements with such a precision, as by "
					 "hll_add_agg(x, %d).",
					 HLLSET_DEFAULT_PRECISION)));
	if (status == HLLSET_NOT_GRADED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s takes no large compact hllset", asker->name),
						errdetail("Elements are compared by a sample of them, and a large compact "
								  "set keeps none."),
						errhint("Build the set without the modifier \"compact\".")));
	if (status == HLLSET_NOT_A_SET)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s takes sets only, not an hllset %s", asker->name,
							   info.kind == HLLSET_SAMPLE ? "sample" : "expression"),
						errdetail("The operators &, - and # of large sets make expressions, which "
								  "are counted and not compared."),
						errhint("Build the set from its elements, or unite sets by |.")));
	if (status == HLLSET_FEW_TOKENS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s takes no large hllset whose sample has so few elements", asker->name),
				 errdetail("It is a sample of %u. Only elements that were chosen by their hashes "
						   "make one as small.",
						   info.tokens),
				 errhint("Find out who chose the elements, and build the set without these.")));
	hllset_report(status);
}

void
hllset_refuse_key_number(int keys)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("number of keys %d is out of range", keys),
					errdetail("It must be between 1 and %d.", HLLSET_MOST_SIGNATURE_KEYS),
					errhint("Operator %% compares %d keys, which is the default.",
							HLLSET_SIGNATURE_KEYS)));
}

void
hllset_refuse_more_keys(int keys, int precision)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("an hllset of precision %d has no signature of %d keys", precision, keys),
		 errdetail("A large set of this precision gives up to %d.", (1 << precision) / 16),
		 errhint("Ask for fewer, or build the set from its elements with a higher precision.")));
}

/* With all digits, so that what is just out of range does not look as if it were within. */
void
hllset_refuse_threshold(double at_least)
{
	char digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(at_least, digits);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("at_least %s is out of range", digits),
					errdetail("It must be between %g and 1.", HLLSET_LEAST_THRESHOLD),
					errhint("For 10 percent write 0.1.")));
}

void
hllset_report_query(const HllsetQueryType *type, HllsetStatus status)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("%s value is corrupted", type->name),
					errdetail("%s", hllset_status_detail(status)),
					errhint("Make the query anew by %s.", type->maker.name)));
}
