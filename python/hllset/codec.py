# SPDX-License-Identifier: PostgreSQL
"""
Entropy coding of counts, planes and tokens (docs/format.md, Counts, Planes, Gaps, Blocks): one stream from the front, one from the back.

BLOCKS is the table of docs/format.md.
"""
from __future__ import annotations

from typing import Iterable, Iterator

BLOCK_PRECISION, FIRST_CLASS, PLAIN_QUOTIENT = 6, 4, 15
# by class from 4 on: for each number of ones (length, how many bytes have this length, the others one more), length of the escape
BLOCKS = (
    (((2, 1), (4, 6), (7, 28), (9, 3), (11, 70)), 9),
    (((2, 1), (4, 4), (6, 1), (9, 56), (10, 2)), 8),
    (((3, 1), (5, 8), (6, 12), (8, 54), (10, 70), (11, 56)), 9),
    (((3, 1), (5, 8), (6, 11), (8, 56), (9, 2), (11, 56)), 8),
    (((4, 1), (5, 8), (6, 9), (8, 56), (9, 70), (10, 2), (11, 28)), 10),
    (((4, 1), (5, 8), (6, 5), (8, 56), (9, 70), (9, 1), (10, 1), (11, 8), (11, 1)), None),
    (((4, 1), (5, 8), (6, 5), (8, 56), (9, 70), (9, 1), (10, 1), (11, 8), (11, 1)), None),
    (((5, 1), (6, 8), (7, 28), (8, 56), (8, 66), (9, 56), (10, 27), (11, 8), (11, 1)), None),
    (((6, 1), (6, 8), (7, 28), (8, 56), (8, 70), (9, 56), (9, 3), (10, 8), (10, 1)), None),
    (((6, 1), (7, 8), (7, 28), (8, 56), (8, 70), (8, 16), (9, 28), (9, 7), (10, 1)), None),
)


class FormatError(ValueError):
    """The bytes are no value; reason is one word of docs/format.md, Test vectors."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def demand(condition: bool, reason: str) -> None:
    if not condition:
        raise FormatError(reason)


def field(value: int, width: int) -> str:
    """A field of the stream as text of 0 and 1, lowest bit first"""
    return format(value, f'0{width}b')[::-1] if width else ''


def number(text: str) -> int:
    return int(text[::-1] or '0', 2)


def packed(text: str) -> bytes:
    return number(text).to_bytes(-(-len(text) // 8), 'little')


def block_codes(weights: tuple[tuple[int, int], ...], escape: int | None) -> dict[int, str]:
    """The codes of the bytes 0..255 and of the escape (256), without those of the escaped bytes"""
    lengths = {256: escape} if escape else {}
    for ones, (length, count) in enumerate(weights):
        of = [byte for byte in range(256) if byte.bit_count() == ones]
        lengths.update((byte, length if n < count else length + 1) for n, byte in enumerate(of))
    codes: dict[int, str] = {}
    code = last = 0
    for symbol in sorted(lengths, key=lambda symbol: (lengths[symbol], symbol)):
        code <<= lengths[symbol] - last
        codes[symbol], last, code = format(code, f'0{lengths[symbol]}b'), lengths[symbol], code + 1
    return codes


CODES = [block_codes(*row) for row in BLOCKS]
BYTES = [{code: byte for byte, code in codes.items()} for codes in CODES]


# ---- Counts ----

def predicted(above: int, p: int) -> tuple[int, int]:
    """Of a count below one of `above`: what it should be, and the Rice parameter of the difference"""
    m = 1 << p
    return above * (2 * m - above) >> p, (above * (m - above) ** 2 >> 2 * p).bit_length() // 2 + 1


def count_code(count: int, above: int | None, p: int) -> str:
    if p < BLOCK_PRECISION or above is None:
        return field(count, p + 1)
    expected, b = predicted(above, p)
    z = 2 * (count - expected) if count >= expected else 2 * (expected - count) - 1
    if z >> b < PLAIN_QUOTIENT:
        return '0' * (z >> b) + '1' + field(z & (1 << b) - 1, b)
    return '0' * PLAIN_QUOTIENT + field(count, p + 1)


# ---- Gaps ----

def rice_parameter(count: int, cells: int) -> int:
    b = 0
    while count and 133 * count << b < 32 * (2 * cells - count):
        b += 1
    return b


def gaps(positions: list[int], cells: int) -> Iterator[str]:
    b, previous = rice_parameter(len(positions), cells), -1
    for position in positions:
        gap = position - previous - 1
        yield '0' * (gap >> b) + '1' + field(gap & (1 << b) - 1, b)
        previous = position


def ones_of(plane: int) -> list[int]:
    return [x for x, bit in enumerate(bin(plane)[:1:-1]) if bit == '1']


def plane_of(positions: Iterable[int], precision: int) -> int:
    cells = bytearray((1 << precision) // 8)
    for x in positions:
        cells[x >> 3] |= 1 << (x & 7)
    return int.from_bytes(cells, 'little')


# ---- Planes ----

def form(count: int, p: int) -> tuple[int | str, bool, int]:
    """(how the plane is written: 'gaps', a code of blocks or 'plain'; whether its zeros are; how many cells these are)"""
    m = 1 << p
    few = min(count, m - count)
    density = few * 32 >> p
    if p < BLOCK_PRECISION or density < FIRST_CLASS:
        return 'gaps', count > m // 2, few
    if density < FIRST_CLASS + len(BLOCKS):
        return density - FIRST_CLASS, count > m // 2, few
    return 'plain', False, count


class Writer:
    def __init__(self) -> None:
        self.front: list[str] = []
        self.back: list[str] = []

    def put(self, text: str) -> None:
        self.front.append(text)

    def plane(self, plane: int, p: int) -> None:
        m = 1 << p
        how, inverted, _ = form(plane.bit_count(), p)
        if inverted:
            plane ^= (1 << m) - 1
        if how == 'gaps':
            self.front += gaps(ones_of(plane), m)
        elif how == 'plain':
            self.put(field(plane, m))
        elif isinstance(how, int):
            codes, escape = CODES[how], CODES[how].get(256, '')
            for n, byte in enumerate(plane.to_bytes(m // 8, 'little')):
                (self.back if n % 2 else self.front).append(codes.get(byte) or escape + field(byte, 8))

    def finish(self) -> bytes:
        return packed(''.join(self.front)) + packed(''.join(self.back))[::-1]


class Stream:
    """Texts of 0 and 1 with the place up to which they are read"""

    def __init__(self, data: bytes) -> None:
        self.bits, self.at = field(int.from_bytes(data, 'little'), 8 * len(data)), 0

    def text(self, width: int) -> str:
        self.at += width
        demand(self.at <= len(self.bits), 'truncated')
        return self.bits[self.at - width:self.at]

    def field(self, width: int) -> int:
        return number(self.text(width))

    def code(self, codes: dict[str, int]) -> int:
        """The symbol of the code that comes next"""
        text = ''
        while text not in codes:
            text += self.text(1)
        return codes[text]


class Reader:
    def __init__(self, data: bytes) -> None:
        self.size, self.front, self.back = len(data), Stream(data), Stream(data[::-1])
        self.field = self.front.field

    def count(self, above: int | None, p: int) -> int:
        count = self.coded_count(above, p)
        demand(0 <= count <= 1 << p, 'count')
        return count

    def coded_count(self, above: int | None, p: int) -> int:
        if p < BLOCK_PRECISION or above is None:
            return self.field(p + 1)
        expected, b = predicted(above, p)
        high = 0
        while high < PLAIN_QUOTIENT and self.field(1) == 0:
            high += 1
        if high == PLAIN_QUOTIENT:
            count = self.field(p + 1)
            demand(count_code(count, above, p).startswith('0' * PLAIN_QUOTIENT), 'count')
            return count
        z = high << b | self.field(b)
        return expected + (z // 2 if z % 2 == 0 else -(z + 1) // 2)

    def gaps(self, count: int, cells: int) -> list[int]:
        b, position = rice_parameter(count, cells), -1
        positions: list[int] = []
        for _ in range(count):
            one = self.front.bits.find('1', self.front.at)
            demand(one >= 0, 'truncated')
            high, self.front.at = one - self.front.at, one + 1
            position += (high << b) + self.field(b) + 1
            demand(position < cells, 'position')
            positions.append(position)
        return positions

    def block(self, stream: Stream, how: int) -> int:
        byte = stream.code(BYTES[how])
        if byte < 256:
            return byte
        byte = stream.field(8)
        demand(byte not in CODES[how], 'position')
        return byte

    def plane(self, count: int, p: int) -> int:
        m = 1 << p
        how, inverted, few = form(count, p)
        if how == 'gaps':
            plane = plane_of(self.gaps(few, m), p)
        elif how == 'plain':
            plane = self.field(m)
        elif isinstance(how, int):
            plane = int.from_bytes(bytes(self.block(self.back if n % 2 else self.front, how) for n in range(m // 8)), 'little')
        demand(plane.bit_count() == few, 'count')
        return plane ^ (1 << m) - 1 if inverted else plane

    def finish(self) -> None:
        used = -(-self.front.at // 8) - (-self.back.at // 8)
        demand(used <= self.size, 'truncated')
        demand(used == self.size, 'trailing')
        for stream in (self.front, self.back):
            demand('1' not in stream.bits[stream.at:-(-stream.at // 8) * 8], 'padding')
