/* SPDX-License-Identifier: PostgreSQL */
/* What the fuzz targets share: an input taken apart, and conditions whose failure is a finding. */
#pragma once

#include <cstdio>

#include "../unit/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never compiled out, unlike assert. */
#define FUZZ_CHECK(condition)                                               \
	do                                                                      \
	{                                                                       \
		if (!(condition))                                                   \
		{                                                                   \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                   \
	} while (0)

namespace hllset::test
{

/* An expression or a sample by its header: those are the business of expression_fuzz and algebra_fuzz. */
inline bool
is_no_set(const Bytes &value)
{
	return value.size() > 1 && (value[1] & 15) > HLLSET_SET;
}

/* Takes an input from its front; zeros and empty strings when it is used up. */
class Input
{
public:
	Input(const uint8_t *data, size_t size) : next_(data), end_(data + size) {}

	size_t
	left() const
	{
		return static_cast<size_t>(end_ - next_);
	}

	uint64_t
	number(int bytes)
	{
		uint64_t value = 0;

		for (int i = 0; i < bytes && next_ < end_; i++)
			value |= uint64_t{*next_++} << (8 * i);
		return value;
	}

	Bytes
	bytes(size_t size)
	{
		size = std::min(size, left());
		next_ += size;
		return Bytes(next_ - size, next_);
	}

	/* Two bytes of length, then so many bytes. */
	Bytes
	string()
	{
		return bytes(number(2));
	}

private:
	const uint8_t *next_;
	const uint8_t *end_;
};

} // namespace hllset::test
