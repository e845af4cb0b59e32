/* SPDX-License-Identifier: PostgreSQL */
/*
 * The bit streams of docs/format.md: lowest bit of a byte first, from the first byte on or, backward, from the last one.
 * The reader never touches a byte outside of its data.
 */
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace hllset
{

/* A direction of reading: which byte is next. */
class Forward
{
public:
	Forward() = default;
	Forward(const uint8_t *data, size_t size) : next_(data), end_(data + size) {}

	size_t
	left() const
	{
		return static_cast<size_t>(end_ - next_);
	}

	/* The next eight bytes, if so many are left; the first one lowest. */
	uint64_t
	load() const
	{
		uint64_t word;

		memcpy(&word, next_, 8);
		return word;
	}

	uint8_t
	first() const
	{
		return *next_;
	}

	void
	skip(int bytes)
	{
		next_ += bytes;
	}

private:
	const uint8_t *next_ = nullptr;
	const uint8_t *end_ = nullptr;
};

class Backward
{
public:
	Backward() = default;
	Backward(const uint8_t *data, size_t size) : begin_(data), next_(data + size) {}

	size_t
	left() const
	{
		return static_cast<size_t>(next_ - begin_);
	}

	uint64_t
	load() const
	{
		uint64_t word;

		memcpy(&word, next_ - 8, 8);
		return __builtin_bswap64(word);
	}

	uint8_t
	first() const
	{
		return next_[-1];
	}

	void
	skip(int bytes)
	{
		next_ -= bytes;
	}

private:
	const uint8_t *begin_ = nullptr;
	const uint8_t *next_ = nullptr; /* one past it */
};

template <typename Direction>
class BasicBitReader
{
public:
	BasicBitReader() = default;
	BasicBitReader(const uint8_t *data, size_t size) : bytes_(data, size) {}

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

	/* How many zeros there are before a one, which is read too, or before `most` < 32 zeros end it. */
	bool
	read_unary(int most, uint32_t &zeros)
	{
		refill();
		zeros = static_cast<uint32_t>(std::countr_zero(buffer_ | uint64_t{1} << most));

		int length = static_cast<int>(zeros) + (static_cast<int>(zeros) < most ? 1 : 0);

		if (length > available_)
			return false;
		consume(length);
		return true;
	}

	/* A Golomb-Rice code that lies within what has been loaded; false, and nothing done, if it does not. */
	bool
	read_near_rice(int parameter, uint64_t &value)
	{
		/* no more than 63 bits are loaded; the highest one spares a look whether all are zeros */
		int zeros = std::countr_zero(buffer_ | kHighest);
		int length = zeros + 1 + parameter;

		if (length > available_)
			return false;

		uint64_t rest = buffer_ >> 1 >> zeros;

		value =
			(static_cast<uint64_t>(zeros) << parameter) + (rest & ((uint64_t{1} << parameter) - 1));
		buffer_ = rest >> parameter;
		account(length);
		return true;
	}

	/* A Golomb-Rice code: zeros, a one, then the low bits. False at the end of the data. parameter <= 26. */
	bool
	read_rice(int parameter, uint64_t &value)
	{
		/* a refill only when it is needed: a load for each code would be the longest part of the loop */
		if (read_near_rice(parameter, value)) [[likely]]
			return true;
		refill();
		return read_near_rice(parameter, value) || read_long_rice(parameter, value);
	}

	/* How many bits can be peeked at and consumed: at least 56 if that many are left. */
	int
	available()
	{
		refill();
		return available_;
	}

	/* width <= available(). */
	uint32_t
	peek(int width) const
	{
		return static_cast<uint32_t>(buffer_) & ((1u << width) - 1);
	}

	void
	consume(int bits)
	{
		shift(bits);
		account(bits);
	}

	/* The two halves of consume(): several shifts may be accounted for at once. */
	void
	shift(int bits)
	{
		buffer_ >>= bits;
	}

	void
	account(int bits)
	{
		available_ -= bits;
	}

	/* Whole bytes of which nothing has been read. */
	size_t
	rest() const
	{
		return bytes_.left() + static_cast<size_t>(available_ / 8);
	}

	/* Of the byte of which something has been read. */
	bool
	padding_is_zero() const
	{
		return (buffer_ & ((uint64_t{1} << available_ % 8) - 1)) == 0;
	}

private:
	/* Bits above available_ may already hold the right data: the next load ORs the same bits onto them. */
	void
	refill()
	{
		if (bytes_.left() >= 8) [[likely]]
		{
			buffer_ |= bytes_.load() << available_;
			bytes_.skip((63 - available_) >> 3);
			available_ |= 56;
			return;
		}
		while (available_ < 56 && bytes_.left() > 0)
		{
			buffer_ |= static_cast<uint64_t>(bytes_.first()) << available_;
			bytes_.skip(1);
			available_ += 8;
		}
	}

	bool
	read_long_rice(int parameter, uint64_t &value)
	{
		uint64_t quotient = 0;

		for (;;)
		{
			refill();
			if (available_ == 0)
				return false;

			int zeros = std::countr_zero(buffer_);

			if (zeros < available_)
			{
				uint32_t low;

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

	static constexpr uint64_t kHighest = uint64_t{1} << 63;

	Direction bytes_;
	uint64_t buffer_ = 0;
	int available_ = 0;
};

using BitReader = BasicBitReader<Forward>;
using BackwardBitReader = BasicBitReader<Backward>;

/* Writes to memory that the caller has sized; see encoded_bound. Backward: down from one past its end. */
template <typename Direction>
class BasicBitWriter
{
public:
	explicit BasicBitWriter(uint8_t *out) : out_(out) {}

	/* width <= 32, value < 2^width. */
	void
	put(uint64_t value, int width)
	{
		buffer_ |= value << used_;
		used_ += width;
		if (used_ >= 32)
		{
			store(static_cast<uint32_t>(buffer_));
			buffer_ >>= 32;
			used_ -= 32;
		}
	}

	/* The same for width <= 56, after flush() or itself, without a branch. Needs room for eight bytes behind what has been put. */
	void
	put_long(uint64_t value, int width)
	{
		buffer_ |= value << used_;
		used_ += width;
		flush();
	}

	/* Stores all whole bytes. Needs room for eight. */
	void
	flush()
	{
		int bits = used_ & ~7;

		store_word();
		advance(bits / 8);
		buffer_ >>= bits;
		used_ -= bits;
	}

	void
	put_rice(uint32_t value, int parameter)
	{
		uint32_t quotient = value >> parameter;
		uint64_t tail = ((value & ((uint64_t{1} << parameter) - 1)) << 1) | 1;

		while (quotient + static_cast<uint32_t>(parameter) >= 32)
		{
			uint32_t zeros = quotient < 32 ? quotient : 32;

			put(0, static_cast<int>(zeros));
			quotient -= zeros;
		}
		put(tail << quotient, static_cast<int>(quotient) + 1 + parameter);
	}

	/* Pads the last byte with zeros; returns the end of what was written. */
	uint8_t *
	finish()
	{
		for (; used_ > 0; used_ -= 8)
		{
			if constexpr (kBackward)
				*--out_ = static_cast<uint8_t>(buffer_);
			else
				*out_++ = static_cast<uint8_t>(buffer_);
			buffer_ >>= 8;
		}
		return out_;
	}

private:
	static constexpr bool kBackward = std::is_same_v<Direction, Backward>;

	void
	store(uint32_t word)
	{
		if constexpr (kBackward)
		{
			word = __builtin_bswap32(word);
			out_ -= 4;
			memcpy(out_, &word, 4);
		}
		else
		{
			memcpy(out_, &word, 4);
			out_ += 4;
		}
	}

	/* All that waits, and zeros behind it. */
	void
	store_word()
	{
		if constexpr (kBackward)
		{
			uint64_t word = __builtin_bswap64(buffer_);

			memcpy(out_ - 8, &word, 8);
		}
		else
			memcpy(out_, &buffer_, 8);
	}

	void
	advance(int bytes)
	{
		out_ += kBackward ? -bytes : bytes;
	}

	uint8_t *out_;
	uint64_t buffer_ = 0;
	int used_ = 0;
};

using BitWriter = BasicBitWriter<Forward>;
using BackwardBitWriter = BasicBitWriter<Backward>;

} // namespace hllset
