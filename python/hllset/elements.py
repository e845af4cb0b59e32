# SPDX-License-Identifier: PostgreSQL
"""
Elements: a value -> its family and canonical bytes -> its hash (docs/format.md, From an element to a hash).

One function for each SQL type, from the Python value that suits it: integer(1), text('a'), array([integer(1), None]), ...
"""
from __future__ import annotations

import datetime
import struct
from decimal import Decimal
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Iterable, NamedTuple, Sequence
from uuid import UUID

import xxhash

FAMILIES = ('integer numeric float text bytes boolean uuid date time timetz timestamp timestamptz interval inet macaddr '
            'macaddr8 bits money oid enum jsonb array range multirange composite').split()


class Element(NamedTuple):
    family: int
    data: bytes

    @property
    def hash(self) -> int:
        return int(xxhash.xxh3_64_intdigest(self.data, seed=self.family))

    def keyed_hash(self, key: bytes) -> int:
        """key: 16 bytes"""
        return siphash(bytes([self.family]) + self.data, key)


def _rotate(word: int, count: int) -> int:
    return (word << count | word >> 64 - count) % 2 ** 64


def _sip_rounds(count: int, v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    for _ in range(count):
        v0, v2 = (v0 + v1) % 2 ** 64, (v2 + v3) % 2 ** 64
        v1, v3 = _rotate(v1, 13) ^ v0, _rotate(v3, 16) ^ v2
        v0 = _rotate(v0, 32)
        v2, v0 = (v2 + v1) % 2 ** 64, (v0 + v3) % 2 ** 64
        v1, v3 = _rotate(v1, 17) ^ v2, _rotate(v3, 21) ^ v0
        v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


def siphash(message: bytes, key: bytes) -> int:
    """SipHash-2-4 as its paper has it (Aumasson and Bernstein, 2012)"""
    if len(key) != 16:
        raise ValueError(f'a key has 16 bytes, not {len(key)}')
    k0, k1 = int.from_bytes(key[:8], 'little'), int.from_bytes(key[8:], 'little')
    v0, v1, v2, v3 = (int.from_bytes(text, 'big') ^ k for text, k in
                      ((b'somepseu', k0), (b'dorandom', k1), (b'lygenera', k0), (b'tedbytes', k1)))
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) % 256])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start:start + 8], 'little')
        v0, v1, v2, v3 = _sip_rounds(2, v0, v1, v2, v3 ^ word)
        v0 ^= word
    v0, v1, v2, v3 = _sip_rounds(4, v0, v1, v2 ^ 0xff, v3)
    return v0 ^ v1 ^ v2 ^ v3


def element(family: str, data: bytes | Iterable[int]) -> Element:
    return Element(FAMILIES.index(family) + 1, bytes(data))


def integer(value: int) -> Element:
    """smallint, integer, bigint"""
    return element('integer', struct.pack('<q', value))


def numeric(value: Decimal | int | str) -> Element:
    """value: Decimal, int or decimal text."""
    value = Decimal(value)
    if not value.is_finite():
        return element('numeric', [2 if value.is_nan() else 4 if value.is_signed() else 3])
    sign, parts, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    decimals = ''.join(map(str, parts)) + '0' * (exponent % 4)
    decimals = decimals.zfill(-(-len(decimals) // 4) * 4)
    digits = [int(decimals[i:i + 4]) for i in range(0, len(decimals), 4)]
    weight = exponent // 4 + len(digits) - 1
    while digits and digits[0] == 0:
        weight -= 1
        del digits[0]
    while digits and digits[-1] == 0:
        del digits[-1]
    if not digits or 4 >= weight >= len(digits) - 1:
        whole = (-1 if sign else 1) * sum(digit * 10000 ** (weight - i) for i, digit in enumerate(digits))
        if -2 ** 63 <= whole < 2 ** 63:
            return integer(whole)
    return element('numeric', struct.pack(f'<Bi{len(digits)}H', sign, weight, *digits))


def double(value: float) -> Element:
    """double precision; real is the same with real(value)."""
    if value != value:
        return element('float', bytes.fromhex('000000000000f87f'))
    return element('float', struct.pack('<d', value or 0.0))


def real(value: float) -> Element:
    return double(struct.unpack('<f', struct.pack('<f', value))[0])


def text(value: str) -> Element:
    """text, varchar, name"""
    return element('text', value.encode())


def char(value: str) -> Element:
    """char(n)"""
    return text(value.rstrip(' '))


def bytea(value: bytes) -> Element:
    return element('bytes', value)


def boolean(value: bool) -> Element:
    return element('boolean', [bool(value)])


def uuid(value: UUID) -> Element:
    return element('uuid', value.bytes)


def instant(family: str, form: str, value: Any, epoch: Any, unit: datetime.timedelta) -> Element:
    """A point in time: as int in units since the epoch, as a datetime object, or as a float infinity."""
    if isinstance(value, float):
        bits = struct.calcsize(form) * 8 - 1
        value = 2 ** bits - 1 if value > 0 else -2 ** bits
    elif not isinstance(value, int):
        value = (value - epoch) // unit
    return element(family, struct.pack(form, value))


def date(value: datetime.date | int | float) -> Element:
    return instant('date', '<i', value, datetime.date(2000, 1, 1), datetime.timedelta(days=1))


def timestamp(value: datetime.datetime | int | float) -> Element:
    return instant('timestamp', '<q', value, datetime.datetime(2000, 1, 1), datetime.timedelta(microseconds=1))


def timestamptz(value: datetime.datetime | int | float) -> Element:
    epoch = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
    return instant('timestamptz', '<q', value, epoch, datetime.timedelta(microseconds=1))


def time(microseconds: int) -> Element:
    return element('time', struct.pack('<q', microseconds))


def timetz(microseconds: int, seconds_west: int) -> Element:
    return element('timetz', struct.pack('<qi', microseconds, seconds_west))


def interval(months: int = 0, days: int = 0, microseconds: int = 0) -> Element:
    return element('interval', ((months * 30 + days) * 86_400_000_000 + microseconds).to_bytes(16, 'little', signed=True))


def inet(interface: IPv4Interface | IPv6Interface) -> Element:
    """inet and cidr; interface: ipaddress.ip_interface(...)"""
    return element('inet', bytes([interface.version, interface.network.prefixlen]) + interface.packed)


def macaddr(value: bytes) -> Element:
    """macaddr (6 bytes) and macaddr8 (8 bytes)"""
    return element('macaddr' if len(value) == 6 else 'macaddr8', value)


def bits(value: str) -> Element:
    """value: text of 0 and 1"""
    packed = int(value.ljust(-(-len(value) // 8) * 8, '0') or '0', 2).to_bytes(-(-len(value) // 8), 'big')
    return element('bits', struct.pack('<I', len(value)) + packed)


def money(value: int) -> Element:
    """value: in the smallest unit, such as cents"""
    return element('money', struct.pack('<q', value))


def oid(value: int) -> Element:
    return element('oid', struct.pack('<I', value))


def enum(label: str) -> Element:
    return element('enum', label.encode())


def sized(data: bytes) -> bytes:
    return struct.pack('<I', len(data)) + data


def item(value: Element | None) -> bytes:
    return b'\0' if value is None else bytes([value.family]) + sized(value.data)


def array(items: Sequence[Element | None], dimensions: Sequence[tuple[int, int]] | None = None) -> Element:
    """items in storage order; dimensions: [(length, lower bound), ...], by default one that starts at 1"""
    if dimensions is None:
        dimensions = [(len(items), 1)] if items else []
    head = struct.pack('<I', len(dimensions)) + b''.join(struct.pack('<Ii', *each) for each in dimensions)
    return element('array', head + b''.join(map(item, items)))


def span(lower: Element | None, upper: Element | None, bounds: str = '[)') -> Element:
    """A range; lower and upper are Elements, or None for an infinite bound."""
    flags = 8 if lower is None else 2 * (bounds[0] == '[')
    flags |= 16 if upper is None else 4 * (bounds[1] == ']')
    return element('range', bytes([flags]) + b''.join(item(each) for each in (lower, upper) if each))


EMPTY_RANGE = element('range', [1])


def multirange(*ranges: Element) -> Element:
    return element('multirange', struct.pack('<I', len(ranges)) + b''.join(map(item, ranges)))


def composite(*columns: Element | None) -> Element:
    return element('composite', struct.pack('<I', len(columns)) + b''.join(map(item, columns)))


def jsonb(value: Any) -> Element:
    """value: what json.loads(text, parse_float=Decimal) gives"""
    return element('jsonb', json_bytes(value))


def json_bytes(value: Any) -> bytes:
    if value is None:
        return b'n'
    if isinstance(value, bool):
        return b't' if value else b'f'
    if isinstance(value, str):
        return b's' + sized(value.encode())
    if isinstance(value, (int, Decimal)):
        number = numeric(value)
        return b'i' + number.data if number.family == 1 else b'd' + sized(number.data)
    if isinstance(value, list):
        return b'a' + struct.pack('<I', len(value)) + b''.join(map(json_bytes, value))
    pairs = sorted(((key.encode(), each) for key, each in value.items()), key=lambda pair: (len(pair[0]), pair[0]))
    return b'o' + struct.pack('<I', len(pairs)) + b''.join(sized(key) + json_bytes(each) for key, each in pairs)
