/* SPDX-License-Identifier: PostgreSQL */
/* The bit stream of docs/format.md: lowest bit of a byte first. The reader never touches a byte past the end. */
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hllset
{

class BitReader
{
public:
	BitReader() = default;
	BitReader(const uint8_t *data, size_t size) : next_(data), end_(data + size)
	{
	}

	/* False at the end of the data. width <= 32. */
	bool
	read(int width, uint32_t &value)
	{
		refill();
		if (width > available_)
			return false;
		value = static_cast<uint32_t>(buffer_ & ((uint64_t{1} << width) - 1));
		consume(width);
		return true;
	}

	/* A Golomb-Rice code: zeros, a one, then the low bits. False at the end of the data. parameter <= 26. */
	bool
	read_rice(int parameter, uint64_t &value)
	{
		/* a refill only when it is needed: a load for each code would be the longest part of the loop */
		if (take_rice(parameter, value)) [[likely]]
			return true;
		refill();
		return take_rice(parameter, value) || read_long_rice(parameter, value);
	}

	/* What is left is less than a byte of zeros. */
	bool
	at_end()
	{
		refill();
		return available_ < 8;
	}

	bool
	padding_is_zero() const
	{
		return (buffer_ & ((uint64_t{1} << available_) - 1)) == 0;
	}

private:
	/* A code that lies within the buffer. */
	bool
	take_rice(int parameter, uint64_t &value)
	{
		int			zeros = std::countr_zero(buffer_);

		if (zeros + 1 + parameter > available_)
			return false;

		uint64_t	low = (buffer_ >> 1) >> zeros;

		value = static_cast<uint64_t>(zeros) << parameter | (low & ((uint64_t{1} << parameter) - 1));
		consume(zeros + 1 + parameter);
		return true;
	}

	void
	consume(int bits)
	{
		buffer_ >>= bits;
		available_ -= bits;
	}

	/* Bits above available_ may already hold the right data: the next load ORs the same bits onto them. */
	void
	refill()
	{
		if (end_ - next_ >= 8) [[likely]]
		{
			uint64_t	word;

			memcpy(&word, next_, 8);
			buffer_ |= word << available_;
			next_ += (63 - available_) >> 3;
			available_ |= 56;
			return;
		}
		while (available_ < 56 && next_ < end_)
		{
			buffer_ |= static_cast<uint64_t>(*next_++) << available_;
			available_ += 8;
		}
	}

	bool
	read_long_rice(int parameter, uint64_t &value)
	{
		uint64_t	quotient = 0;

		for (;;)
		{
			refill();
			if (available_ == 0)
				return false;

			int			zeros = std::countr_zero(buffer_);

			if (zeros < available_)
			{
				uint32_t	low;

				consume(zeros + 1);
				if (!read(parameter, low))
					return false;
				value = (quotient + static_cast<uint64_t>(zeros)) << parameter | low;
				return true;
			}
			quotient += static_cast<uint64_t>(available_);
			consume(available_);
		}
	}

	const uint8_t *next_ = nullptr;
	const uint8_t *end_ = nullptr;
	uint64_t	buffer_ = 0;
	int			available_ = 0;
};

/* Writes to memory that the caller has sized; see encoded_bound. */
class BitWriter
{
public:
	explicit BitWriter(uint8_t *out) : out_(out)
	{
	}

	/* width <= 32, value < 2^width. */
	void
	put(uint64_t value, int width)
	{
		buffer_ |= value << used_;
		used_ += width;
		if (used_ >= 32)
		{
			uint32_t	low = static_cast<uint32_t>(buffer_);

			memcpy(out_, &low, 4);
			out_ += 4;
			buffer_ >>= 32;
			used_ -= 32;
		}
	}

	void
	put_rice(uint32_t value, int parameter)
	{
		uint32_t	quotient = value >> parameter;

		for (; quotient >= 32; quotient -= 32)
			put(0, 32);
		put(uint64_t{1} << quotient, static_cast<int>(quotient) + 1);
		put(value & ((uint64_t{1} << parameter) - 1), parameter);
	}

	/* Pads the last byte with zeros; returns one past it. */
	uint8_t *
	finish()
	{
		for (; used_ > 0; used_ -= 8)
		{
			*out_++ = static_cast<uint8_t>(buffer_);
			buffer_ >>= 8;
		}
		return out_;
	}

private:
	uint8_t    *out_;
	uint64_t	buffer_ = 0;
	int			used_ = 0;
};

} // namespace hllset
