/* SPDX-License-Identifier: PostgreSQL */
/* The set of one element, in a few bytes of its own. */
#pragma once

#include "format.hpp"

namespace hllset
{

class OneElement
{
public:
	OneElement() = default;

	OneElement(int precision, bool compact, Coupon full)
	{
		Counts counts = {};

		counts.precision = precision;
		counts.compact = compact;
		counts.tokens = 1;
		counts.ones[level_of(full)] = 1;
		size_ = encode(counts, Matrix(), &full, bytes_);
	}

	HllsetBytes
	bytes() const
	{
		return {bytes_, size_};
	}

private:
	uint8_t bytes_[32];
	size_t size_ = 0;
};

} // namespace hllset
