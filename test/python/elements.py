# SPDX-License-Identifier: PostgreSQL
"""
Elements: a value -> its family and canonical bytes -> its hash (docs/format.md, From an element to a hash).

One function for each SQL type, from the Python value that suits it: integer(1), text('a'), array([integer(1), None]), ...
"""
import datetime
import struct
from decimal import Decimal
from typing import NamedTuple

import xxhash

FAMILIES = ('integer numeric float text bytes boolean uuid date time timetz timestamp timestamptz interval inet macaddr '
            'macaddr8 bits money oid enum jsonb array range multirange composite').split()


class Element(NamedTuple):
    family: int
    data: bytes

    @property
    def hash(self):
        return xxhash.xxh3_64_intdigest(self.data, seed=self.family)


def element(family, data):
    return Element(FAMILIES.index(family) + 1, bytes(data))


def integer(value):
    return element('integer', struct.pack('<q', value))


def numeric(value):
    """value: Decimal, int or decimal text."""
    value = Decimal(value)
    if not value.is_finite():
        return element('numeric', [2 if value.is_nan() else 4 if value.is_signed() else 3])
    sign, decimals, exponent = value.as_tuple()
    decimals = ''.join(map(str, decimals)) + '0' * (exponent % 4)
    decimals = decimals.zfill(-(-len(decimals) // 4) * 4)
    digits = [int(decimals[i:i + 4]) for i in range(0, len(decimals), 4)]
    weight = exponent // 4 + len(digits) - 1
    while digits and digits[0] == 0:
        weight -= 1
        del digits[0]
    while digits and digits[-1] == 0:
        del digits[-1]
    if not digits or 4 >= weight >= len(digits) - 1:
        whole = (-1) ** sign * sum(digit * 10000 ** (weight - i) for i, digit in enumerate(digits))
        if -2 ** 63 <= whole < 2 ** 63:
            return integer(whole)
    return element('numeric', struct.pack(f'<Bi{len(digits)}H', sign, weight, *digits))


def double(value):
    """double precision; real is the same with real(value)."""
    if value != value:
        return element('float', bytes.fromhex('000000000000f87f'))
    return element('float', struct.pack('<d', value or 0.0))


def real(value):
    return double(struct.unpack('<f', struct.pack('<f', value))[0])


def text(value):
    return element('text', value.encode())


def char(value):
    """char(n)"""
    return text(value.rstrip(' '))


def bytea(value):
    return element('bytes', value)


def boolean(value):
    return element('boolean', [bool(value)])


def uuid(value):
    """value: uuid.UUID"""
    return element('uuid', value.bytes)


def instant(family, form, value, epoch, unit):
    """A point in time: as int in units since the epoch, as a datetime object, or as a float infinity."""
    if isinstance(value, float):
        bits = struct.calcsize(form) * 8 - 1
        value = 2 ** bits - 1 if value > 0 else -2 ** bits
    elif not isinstance(value, int):
        value = (value - epoch) // unit
    return element(family, struct.pack(form, value))


def date(value):
    return instant('date', '<i', value, datetime.date(2000, 1, 1), datetime.timedelta(days=1))


def timestamp(value):
    return instant('timestamp', '<q', value, datetime.datetime(2000, 1, 1), datetime.timedelta(microseconds=1))


def timestamptz(value):
    epoch = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
    return instant('timestamptz', '<q', value, epoch, datetime.timedelta(microseconds=1))


def time(microseconds):
    return element('time', struct.pack('<q', microseconds))


def timetz(microseconds, seconds_west):
    return element('timetz', struct.pack('<qi', microseconds, seconds_west))


def interval(months=0, days=0, microseconds=0):
    return element('interval', ((months * 30 + days) * 86_400_000_000 + microseconds).to_bytes(16, 'little', signed=True))


def inet(interface):
    """inet and cidr; interface: ipaddress.ip_interface(...)"""
    return element('inet', bytes([interface.version, interface.network.prefixlen]) + interface.packed)


def macaddr(value):
    """macaddr (6 bytes) and macaddr8 (8 bytes)"""
    return element('macaddr' if len(value) == 6 else 'macaddr8', value)


def bits(value):
    """value: text of 0 and 1"""
    packed = int(value.ljust(-(-len(value) // 8) * 8, '0') or '0', 2).to_bytes(-(-len(value) // 8), 'big')
    return element('bits', struct.pack('<I', len(value)) + packed)


def money(value):
    return element('money', struct.pack('<q', value))


def oid(value):
    return element('oid', struct.pack('<I', value))


def enum(label):
    return element('enum', label.encode())


def sized(data):
    return struct.pack('<I', len(data)) + data


def item(value):
    """value: Element or None"""
    return b'\0' if value is None else bytes([value.family]) + sized(value.data)


def array(items, dimensions=None):
    """items in storage order; dimensions: [(length, lower bound), ...], by default one that starts at 1"""
    if dimensions is None:
        dimensions = [(len(items), 1)] if items else []
    head = struct.pack('<I', len(dimensions)) + b''.join(struct.pack('<Ii', *each) for each in dimensions)
    return element('array', head + b''.join(map(item, items)))


def span(lower, upper, bounds='[)'):
    """A range; lower and upper are Elements, or None for an infinite bound."""
    flags = 8 if lower is None else 2 * (bounds[0] == '[')
    flags |= 16 if upper is None else 4 * (bounds[1] == ']')
    return element('range', bytes([flags]) + b''.join(item(each) for each in (lower, upper) if each))


EMPTY_RANGE = element('range', [1])


def multirange(*ranges):
    return element('multirange', struct.pack('<I', len(ranges)) + b''.join(map(item, ranges)))


def composite(*columns):
    return element('composite', struct.pack('<I', len(columns)) + b''.join(map(item, columns)))


def jsonb(value):
    """value: what json.loads(text, parse_float=Decimal) gives"""
    return element('jsonb', json_bytes(value))


def json_bytes(value):
    if value is None or isinstance(value, bool):
        return {None: b'n', True: b't', False: b'f'}[value]
    if isinstance(value, str):
        return b's' + sized(value.encode())
    if isinstance(value, (int, Decimal)):
        number = numeric(value)
        return b'i' + number.data if number.family == 1 else b'd' + sized(number.data)
    if isinstance(value, list):
        return b'a' + struct.pack('<I', len(value)) + b''.join(map(json_bytes, value))
    pairs = sorted(((key.encode(), each) for key, each in value.items()), key=lambda pair: (len(pair[0]), pair[0]))
    return b'o' + struct.pack('<I', len(pairs)) + b''.join(sized(key) + json_bytes(each) for key, each in pairs)
