/* SPDX-License-Identifier: PostgreSQL */
/* What can be asked of one value of any kind, or done to it alone. Contracts: hllset_core.h. */
#pragma once

#include "graded.hpp"

namespace hllset
{

/* Every byte. info may be NULL. */
HllsetStatus check_value(HllsetBytes value, HllsetInfo *info);

size_t estimate_work(HllsetBytes value);
HllsetStatus count_value(HllsetBytes value, void *work, double &result);
HllsetStatus estimate_value(HllsetBytes value, void *work, HllsetEstimate &result);

size_t convert_work(HllsetBytes value);
HllsetStatus convert(HllsetBytes value, int precision, HllsetForm form, void *work,
					 HllsetBytes &result);

size_t add_work(HllsetBytes value);
HllsetStatus add(HllsetBytes value, Coupon full, void *work, HllsetBytes &result);

HllsetStatus may_contain(HllsetBytes value, Coupon full, bool &result);

/* Of a set only. words: 2^precision, zeroed; word b gets bit k if bucket b saw level k. */
HllsetStatus write_bits(HllsetBytes set, uint32_t *words);

} // namespace hllset
