/* SPDX-License-Identifier: PostgreSQL */
/* What can be asked of one value of any kind, or done to it alone. Contracts: hllset_core.h. */
#pragma once

#include "census.hpp"
#include "plan.hpp"

namespace hllset
{

/* Every byte. info may be NULL. */
HllsetStatus check_value(HllsetBytes value, HllsetInfo *info);

/* The count of a value, after open(). Only an expression needs a workspace. */
class ValueCount
{
public:
	HllsetStatus open(HllsetBytes value);

	size_t
	work_size() const
	{
		return is_expression_ ? sources_.work_size() : 0;
	}

	/* Without an error; the positions of a set or a sample are not read. */
	HllsetStatus count(void *work, double &result);

	HllsetStatus estimate(void *work, HllsetEstimate &result);

private:
	bool is_expression_ = false;
	View view_; /* of anything else */
	Sources sources_;
};

HllsetStatus plan_convert(HllsetBytes value, int precision, HllsetForm form, HllsetPlan &plan);
HllsetStatus plan_add(HllsetBytes value, Coupon full, HllsetPlan &plan);

HllsetStatus may_contain(HllsetBytes value, Coupon full, bool &result);

/* Of a set only. words: 2^precision, zeroed; word b gets bit k if bucket b saw level k. */
HllsetStatus write_bits(HllsetBytes set, uint32_t *words);

} // namespace hllset
