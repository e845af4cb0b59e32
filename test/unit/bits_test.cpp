/* SPDX-License-Identifier: PostgreSQL */
/* The bit stream: fields and Golomb-Rice codes written, read back, and cut short, at every length of the tail. */
#include <gtest/gtest.h>

#include "model.hpp"

namespace hllset::test
{

struct Field
{
	bool rice;
	int width; /* or parameter */
	uint64_t value;
};

static std::vector<Field>
random_fields(Random &random, size_t count)
{
	std::vector<Field> fields;

	for (size_t i = 0; i < count; i++)
	{
		bool rice = random() % 2 == 0;
		int width = static_cast<int>(random() % (rice ? 27 : 33));
		uint64_t quotient = random() % 20 == 0 ? random() % 300 : random() % 4;
		uint64_t low = width == 0 ? 0 : random() & ((uint64_t{1} << width) - 1);

		/* a written Rice value is a gap of 32 bits */
		if (rice && width > 20)
			quotient %= 32;
		fields.push_back({rice, width, rice ? quotient << width | low : low});
	}
	return fields;
}

static size_t
bits_of(const Field &field)
{
	return static_cast<size_t>(field.rice ? (field.value >> field.width) + 1 + field.width
										  : field.width);
}

static Bytes
write(const std::vector<Field> &fields)
{
	Bytes room(fields.size() * 64 + 8);
	BitWriter out(room.data());

	for (const Field &field : fields)
	{
		if (field.rice)
			out.put_rice(static_cast<uint32_t>(field.value), field.width);
		else
			out.put(field.value, field.width);
	}
	return Bytes(room.data(), out.finish());
}

static Bytes
write_model(const std::vector<Field> &fields)
{
	BitString bits;
	Bytes bytes;

	for (const Field &field : fields)
	{
		if (field.rice)
		{
			for (uint64_t i = 0; i < field.value >> field.width; i++)
				bits.put(0, 1);
			bits.put(1, 1);
		}
		bits.put(field.value & ((uint64_t{1} << field.width) - 1), field.width);
	}
	bits.append_to(bytes);
	return bytes;
}

static bool
read(BitReader &in, const Field &field)
{
	uint32_t narrow = 0;
	uint64_t wide = 0;

	if (field.rice)
		return in.read_rice(field.width, wide) && wide == field.value;
	return in.read(field.width, narrow) && narrow == field.value;
}

TEST(Bits, WriterPutsTheLowestBitFirst)
{
	uint8_t bytes[8];
	BitWriter out(bytes);

	out.put(1, 1);
	out.put(0, 2);
	out.put(0x15, 5);
	out.put(0x3, 2);
	ASSERT_EQ(bytes + 2, out.finish());
	EXPECT_EQ(0xa9, bytes[0]);
	EXPECT_EQ(0x03, bytes[1]);
}

TEST(Bits, NothingWrittenIsNoByte)
{
	uint8_t byte;

	EXPECT_EQ(&byte, BitWriter(&byte).finish());
}

/* The same bits by put() alone, and with long fields among short ones, of which put_long() may follow flush() and itself. */
template <typename Writer>
static void
expect_long_like_short(uint64_t seed)
{
	Random random(seed);

	for (int trial = 0; trial < 200; trial++)
	{
		size_t fields = 1 + random() % 40;
		Bytes room_short(fields * 8 + 16);
		Bytes room_long(fields * 8 + 16);
		bool is_backward = std::is_same_v<Writer, BackwardBitWriter>;
		Writer by_short(room_short.data() + (is_backward ? room_short.size() : 0));
		Writer by_long(room_long.data() + (is_backward ? room_long.size() : 0));

		for (size_t i = 0; i < fields; i++)
		{
			int width = static_cast<int>(random() % 57);
			uint64_t value = random() & ((uint64_t{1} << width) - 1);
			int low = std::min(width, 32);

			by_short.put(value & 0xffffffff, low);
			by_short.put(value >> low, width - low);
			if (random() % 4 == 0)
			{
				by_long.put(value & 0xffffffff, low);
				by_long.put(value >> low, width - low);
				by_long.flush();
			}
			else
				by_long.put_long(value, width);
		}

		std::ptrdiff_t end = by_short.finish() - room_short.data();

		ASSERT_EQ(end, by_long.finish() - room_long.data());
		if (is_backward)
			ASSERT_TRUE(
				std::equal(room_short.begin() + end, room_short.end(), room_long.begin() + end));
		else
			ASSERT_TRUE(
				std::equal(room_short.begin(), room_short.begin() + end, room_long.begin()));
	}
}

TEST(Bits, LongFieldsAreLikeShortOnes)
{
	expect_long_like_short<BitWriter>(8);
	expect_long_like_short<BackwardBitWriter>(9);
}

TEST(Bits, WriterAgreesWithTheModel)
{
	Random random(2);

	for (int i = 0; i < 2000; i++)
	{
		std::vector<Field> fields = random_fields(random, random() % 40);

		ASSERT_EQ(write_model(fields), write(fields));
	}
}

TEST(Bits, ReaderReadsBackWhatWasWritten)
{
	Random random(3);

	for (int i = 0; i < 4000; i++)
	{
		std::vector<Field> fields = random_fields(random, random() % 30);
		Bytes bytes = write(fields);
		BitReader in(bytes.data(), bytes.size());

		for (const Field &field : fields)
			ASSERT_TRUE(read(in, field));
		EXPECT_EQ(0u, in.rest());
		EXPECT_TRUE(in.padding_is_zero());
	}
}

/* The same bytes at every alignment: the reader loads eight at a time while it can. */
TEST(Bits, ReaderNeedsNoAlignment)
{
	Random random(4);
	std::vector<Field> fields = random_fields(random, 100);
	Bytes bytes = write(fields);

	for (size_t shift = 0; shift < 8; shift++)
	{
		Bytes shifted(shift);

		shifted.insert(shifted.end(), bytes.begin(), bytes.end());

		BitReader in(shifted.data() + shift, bytes.size());

		for (const Field &field : fields)
			ASSERT_TRUE(read(in, field));
		EXPECT_EQ(0u, in.rest());
	}
}

/* Cut anywhere, all fields that are whole are read and the first that isn't is refused; nothing past the end is touched. */
TEST(Bits, ReaderStopsAtTheEnd)
{
	Random random(5);

	for (int i = 0; i < 60; i++)
	{
		std::vector<Field> fields = random_fields(random, 12);
		Bytes bytes = write(fields);

		for (size_t size = 0; size < bytes.size(); size++)
		{
			Bytes cut_bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
			BitReader in(cut_bytes.data(), cut_bytes.size());
			size_t used = 0;

			for (const Field &field : fields)
			{
				used += bits_of(field);

				uint64_t value;
				uint32_t narrow;
				bool ok =
					field.rice ? in.read_rice(field.width, value) : in.read(field.width, narrow);

				ASSERT_EQ(used <= size * 8, ok);
				if (!ok)
					break;
			}
		}
	}
}

TEST(Bits, LongRunsOfZeros)
{
	for (size_t zeros : {0, 55, 56, 57, 63, 64, 65, 127, 500, 4000})
		for (int parameter : {0, 1, 13, 26})
		{
			BitString bits;
			Bytes bytes;
			uint64_t value = 0;

			for (size_t i = 0; i < zeros; i++)
				bits.put(0, 1);
			bits.put(1, 1);
			bits.put((uint64_t{1} << parameter) - 1, parameter);
			bits.append_to(bytes);

			BitReader in(bytes.data(), bytes.size());

			ASSERT_TRUE(in.read_rice(parameter, value));
			EXPECT_EQ(((zeros + 1) << parameter) - 1, value);
			EXPECT_FALSE(in.read_rice(parameter, value));
		}
}

TEST(Bits, EndAndPadding)
{
	uint32_t value;
	const Bytes one = {0x05};
	BitReader in(one.data(), 1);

	EXPECT_NE(0u, in.rest());
	ASSERT_TRUE(in.read(1, value));
	EXPECT_EQ(0u, in.rest());
	EXPECT_FALSE(in.padding_is_zero());
	ASSERT_TRUE(in.read(2, value));
	EXPECT_EQ(0u, in.rest());
	EXPECT_TRUE(in.padding_is_zero());
	ASSERT_TRUE(in.read(5, value));
	EXPECT_EQ(0u, in.rest());
	EXPECT_FALSE(in.read(1, value));
	EXPECT_TRUE(in.read(0, value));
}

TEST(Bits, AWholeByteLeftIsNotTheEnd)
{
	for (size_t size = 1; size < 20; size++)
	{
		Bytes zeros(size);
		BitReader in(zeros.data(), zeros.size());
		uint32_t value;

		for (size_t i = 0; i + 1 < size; i++)
			ASSERT_TRUE(in.read(8, value));
		EXPECT_NE(0u, in.rest());
		ASSERT_TRUE(in.read(1, value));
		EXPECT_EQ(0u, in.rest());
		EXPECT_TRUE(in.padding_is_zero());
	}
}

TEST(Bits, NoData)
{
	uint32_t value;
	uint64_t gap;
	BitReader in;

	EXPECT_EQ(0u, in.rest());
	EXPECT_FALSE(in.read(1, value));
	EXPECT_FALSE(in.read_rice(0, gap));
}

} // namespace hllset::test
