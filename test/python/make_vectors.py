#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Writes test/vectors.tsv (docs/format.md, Test vectors). The same lines every time."""
import ipaddress
import json
import sys
from datetime import date as day, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import xxhash

import tree  # noqa: F401
import algebra_vectors
from hllset import algebra as g
from hllset import codec as c
from hllset import elements as e
from hllset import state as h

PATH = Path(__file__).resolve().parent.parent / 'vectors.tsv'
HEAD = '''\
# SPDX-License-Identifier: PostgreSQL
# Test vectors of hllset's bytes: see docs/format.md, Test vectors. Written by test/python/make_vectors.py.
# Tab-separated; the first column is the kind of the line. Lines that start with # are comments. UTF-8.
# Before the hash lines a database needs:
#   CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'größer');
#   CREATE TYPE pair AS (a int, b text);
#   CREATE DOMAIN posint AS int CHECK (VALUE > 0);
'''
INF = float('inf')
INT64_MAX, INT64_MIN = 2 ** 63 - 1, -2 ** 63
LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 '
# around the lengths at which XXH3 takes another path: 0, 1-3, 4-8, 9-16, 17-128, 129-240, longer; 1,024 is its block
LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 97, 127, 128, 129, 160, 239, 240, 241, 256, 512,
           1000, 1023, 1024, 1025, 2049)


def letters(count):
    return (LETTERS * (count // len(LETTERS) + 1))[:count]


def plain():
    """(type, literal, element) of the families whose literal is the value's own text"""
    for sql, values in (('smallint', (0, 1, -1, 32767, -32768)), ('integer', (0, 1, -1, 42, 2147483647, -2147483648)),
                        ('bigint', (0, 1, -1, 256, 4294967296, INT64_MAX, INT64_MIN)), ('posint', (1, 7))):
        yield from ((sql, str(value), e.integer(value)) for value in values)
    for value in ('0', '0.00', '-0', '1', '1.0', '1.000', '-1.00', '100000000', '9223372036854775807', '9223372036854775807.000',
                  '-9223372036854775808', '9223372036854775808', '-9223372036854775809', '0.5', '0.50', '-0.5', '12345.6', '0.1',
                  '0.0001', '0.00001', '0.00000001', '1.00000001', '10000.0001', '123456789012345678901234567890.123456789', '1e20',
                  '1e40', '1e-40', '99999999999999999999', '-1e131', '1e1000', '3.14159265358979323846', 'NaN', 'Infinity',
                  '-Infinity'):
        yield 'numeric', value, e.numeric(value)
    yield 'numeric(10,2)', '1.005', e.numeric('1.01')
    for value in ('0', '-0', '1', '-1', '0.1', '1.5', '1e300', '-1e-300', '5e-324', '1.7976931348623157e308', 'NaN', 'Infinity',
                  '-Infinity', '9007199254740993'):
        yield 'double precision', value, e.double(float(value))
    for value in ('0', '-0', '1', '0.1', '1.5', '3.4028235e38', '1e-45', 'NaN', 'Infinity', '-Infinity'):
        yield 'real', value, e.real(float(value))
    yield from (('text', letters(count), e.text(letters(count))) for count in LENGTHS)
    for value in ('1', ' ', 'a ', "it's", 'back\\slash', '"quoted"', 'äöüß', 'naïve café', '日本語', '🐘', 'é', 'e\u0301',
                  'NULL'):
        yield 'text', value, e.text(value)
    yield from (('varchar', value, e.text(value)) for value in ('', 'a', 'a  ', 'größer'))
    yield from (('name', value, e.text(value)) for value in ('', 'pg_class', 'größer'))
    for sql, value in (('char(1)', 'a'), ('char(3)', 'a'), ('char(5)', 'a'), ('char(5)', '  a  '), ('char(3)', ''),
                       ('char(4)', '日本')):
        yield sql, value, e.char(value)
    yield from (('"char"', value, e.text(value)) for value in ('', 'a', ' '))
    yield from (('boolean', value, e.boolean(value == 'true')) for value in ('false', 'true'))
    for value in ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
                  '00112233-4455-6677-8899-aabbccddeeff', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'):
        yield 'uuid', value, e.uuid(UUID(value))
    for sql, values in (('inet', ('0.0.0.0', '10.1.2.3', '10.1.2.3/8', '10.1.2.3/32', '255.255.255.255/0', '::', '::1',
                                  '2001:db8::8a2e:370:7334/64', '::ffff:1.2.3.4', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')),
                        ('cidr', ('10.0.0.0/8', '192.168.1.1/32', '2001:db8::/32'))):
        yield from ((sql, value, e.inet(ipaddress.ip_interface(value))) for value in values)
    for sql, values in (('macaddr', ('00:00:00:00:00:00', '08:00:2b:01:02:03', 'ff:ff:ff:ff:ff:ff')),
                        ('macaddr8', ('00:00:00:00:00:00:00:00', '08:00:2b:ff:fe:01:02:03', 'ff:ff:ff:ff:ff:ff:ff:ff'))):
        yield from ((sql, value, e.macaddr(bytes.fromhex(value.replace(':', '')))) for value in values)
    for sql, value in (('bit(1)', '0'), ('bit(1)', '1'), ('bit(3)', '101'), ('bit(8)', '00000001'), ('bit(9)', '100000001'),
                       ('bit varying', ''), ('bit varying', '101'), ('bit varying', '1010'), ('bit varying', '0' * 64),
                       ('bit varying(80)', '1' * 65)):
        yield sql, value, e.bits(value)
    for value in ('0.00', '0.01', '-1.50', '12345.67', '92233720368547758.07', '-92233720368547758.08'):
        yield 'money', value, e.money(int(value.replace('.', '')))
    yield from (('oid', str(value), e.oid(value)) for value in (0, 1, 2147483648, 4294967295))
    yield 'regclass', 'pg_class', e.oid(1259)
    yield 'regtype', 'integer', e.oid(23)
    yield from (('mood', value, e.enum(value)) for value in ('sad', 'ok', 'happy', 'größer'))


def binary():
    for count in LENGTHS:
        value = bytes((7 * i + 1) % 256 for i in range(count))
        yield 'bytea', '\\x' + value.hex(), e.bytea(value)
    yield 'bytea', '\\x00', e.bytea(b'\0')
    yield 'bytea', '\\x000000', e.bytea(b'\0\0\0')
    yield 'bytea', '\\x61', e.bytea(b'a')


def times():
    for value in (day(2000, 1, 1), day(1999, 12, 31), day(1970, 1, 1), day(2024, 2, 29), day(1, 1, 1), day(9999, 12, 31)):
        yield 'date', value.isoformat(), e.date(value)
    yield 'date', '4714-11-24 BC', e.date(-2451545)
    yield 'date', '5874897-12-31', e.date(2145031948)
    for sql, literal, micros in (('time', '00:00:00', 0), ('time', '00:00:00.000001', 1), ('time', '12:34:56.789', 45296789000),
                                 ('time', '23:59:59.999999', 86399999999), ('time', '24:00:00', 86400000000),
                                 ('time(0)', '12:34:56.789', 45297000000)):
        yield sql, literal, e.time(micros)
    for literal, micros, west in (('00:00:00+00', 0, 0), ('12:34:56.789+00', 45296789000, 0), ('12:00:00+02', 43200000000, -7200),
                                  ('11:00:00+01', 39600000000, -3600), ('12:00:00-08', 43200000000, 28800),
                                  ('00:00:00+15:59:59', 0, -57599), ('24:00:00-15:59', 86400000000, 57540),
                                  ('12:00:00+05:30', 43200000000, -19800)):
        yield 'time with time zone', literal, e.timetz(micros, west)
    moments = (datetime(2000, 1, 1), datetime(1999, 12, 31, 23, 59, 59, 999999), datetime(1970, 1, 1), datetime(1, 1, 1),
               datetime(2024, 2, 29, 12, 34, 56, 789000), datetime(9999, 12, 31, 23, 59, 59, 999999))
    for moment in moments:
        yield 'timestamp', str(moment), e.timestamp(moment)
        yield 'timestamptz', f'{moment}+00', e.timestamptz(moment.replace(tzinfo=timezone.utc))
    yield 'timestamptz', '2024-02-29 12:34:56.789-08', e.timestamptz(
        datetime(2024, 2, 29, 12, 34, 56, 789000, timezone(timedelta(hours=-8))))
    for sql, zone, build in (('timestamp', '', e.timestamp), ('timestamptz', '+00', e.timestamptz)):
        yield sql, f'4714-11-24 00:00:00{zone} BC', build(-211813488000000000)
        yield sql, f'294276-12-31 23:59:59.999999{zone}', build(9223371331199999999)
    for sql, build in (('date', e.date), ('timestamp', e.timestamp), ('timestamptz', e.timestamptz)):
        yield sql, 'infinity', build(INF)
        yield sql, '-infinity', build(-INF)
    for literal, fields in (('0', (0, 0, 0)), ('1 month', (1, 0, 0)), ('30 days', (0, 30, 0)), ('720 hours', (0, 0, 2592000000000)),
                            ('1 day', (0, 1, 0)), ('24 hours', (0, 0, 86400000000)), ('-1 microseconds', (0, 0, -1)),
                            ('1 year 2 months 3 days 04:05:06.789', (14, 3, 14706789000)), ('1 month -30 days', (1, -30, 0)),
                            ('178000000 years', (2136000000, 0, 0)), ('-178000000 years', (-2136000000, 0, 0)),
                            ('2147483647 days', (0, 2147483647, 0))):
        yield 'interval', literal, e.interval(*fields)


def nested():
    i, n, t, none = e.integer, e.numeric, e.text, None
    yield 'integer[]', '{}', e.array([])
    yield 'integer[]', '{1,2,3}', e.array([i(1), i(2), i(3)])
    yield 'smallint[]', '{1,2,3}', e.array([i(1), i(2), i(3)])
    yield 'integer[]', '{1,NULL,3}', e.array([i(1), none, i(3)])
    yield 'integer[]', '{NULL}', e.array([none])
    yield 'integer[]', '[0:2]={1,2,3}', e.array([i(1), i(2), i(3)], [(3, 0)])
    yield 'integer[]', '[-5:-4]={1,2}', e.array([i(1), i(2)], [(2, -5)])
    yield 'integer[]', '{{1,2,3},{4,5,6}}', e.array([i(x) for x in range(1, 7)], [(2, 1), (3, 1)])
    yield 'bigint[]', '[0:1][2:3]={{1,2},{NULL,4}}', e.array([i(1), i(2), none, i(4)], [(2, 0), (2, 2)])
    yield 'integer[]', '{{{1},{2}},{{3},{4}}}', e.array([i(x) for x in range(1, 5)], [(2, 1), (2, 1), (1, 1)])
    yield 'numeric[]', '{1.0,1.5,NaN}', e.array([n('1.0'), n('1.5'), n('NaN')])
    yield 'text[]', '{a,"",NULL,"NULL","größer"}', e.array([t('a'), t(''), none, t('NULL'), t('größer')])
    yield 'char(3)[]', '{a,bc}', e.array([e.char('a'), e.char('bc')])
    yield 'double precision[]', '{-0,NaN}', e.array([e.double(-0.0), e.double(float('nan'))])
    yield 'bytea[]', '{"\\\\x00ff"}', e.array([e.bytea(b'\0\xff')])
    yield 'mood[]', '{sad,happy}', e.array([e.enum('sad'), e.enum('happy')])
    yield 'pair[]', '{"(1,a)",NULL}', e.array([e.composite(i(1), t('a')), none])
    yield 'jsonb[]', '{"[1]"}', e.array([e.jsonb([1])])
    yield 'posint[]', '{7}', e.array([i(7)])
    yield 'int2vector', '1 2', e.array([i(1), i(2)], [(2, 0)])
    yield 'oidvector', '1 2', e.array([e.oid(1), e.oid(2)], [(2, 0)])
    yield 'integer[]', '{' + ','.join(map(str, range(100))) + '}', e.array(list(map(i, range(100))))

    whole = e.span(i(1), i(4))
    yield 'int4range', '[1,4)', whole
    yield 'int4range', '[1,3]', whole
    yield 'int8range', '(0,3]', whole
    yield 'int4range', 'empty', e.EMPTY_RANGE
    yield 'int4range', '[1,1)', e.EMPTY_RANGE
    yield 'int4range', '(,)', e.span(none, none)
    yield 'int4range', '[5,)', e.span(i(5), none)
    yield 'int4range', '(,5]', e.span(none, i(6))
    yield 'numrange', '[1.0,2.50]', e.span(n('1.0'), n('2.50'), '[]')
    yield 'numrange', '(1.0,2.50)', e.span(n('1.0'), n('2.50'), '()')
    yield 'daterange', '[2000-01-01,2000-01-31]', e.span(e.date(0), e.date(31))
    yield 'daterange', '[2000-01-01,infinity)', e.span(e.date(0), e.date(INF))
    yield 'daterange', '[2000-01-01,infinity]', e.span(e.date(0), e.date(INF), '[]')
    yield 'tsrange', '[2000-01-01 00:00,2000-01-01 00:01)', e.span(e.timestamp(0), e.timestamp(60000000))
    yield 'tstzrange', '(2000-01-01 00:00+00,)', e.span(e.timestamptz(0), none, '()')
    yield 'int4multirange', '{}', e.multirange()
    yield 'int4multirange', '{[1,4)}', e.multirange(whole)
    yield 'int4multirange', '{[7,9),[1,2),[2,4)}', e.multirange(whole, e.span(i(7), i(9)))
    yield 'nummultirange', '{(,0.5),[1,]}', e.multirange(e.span(none, n('0.5')), e.span(n('1'), none))

    yield 'pair', '(1,a)', e.composite(i(1), t('a'))
    yield 'pair', '(,)', e.composite(none, none)
    yield 'pair', '(-7,"")', e.composite(i(-7), t(''))
    for literal in ('null', 'true', 'false', '""', '"a"', '"größer 日本語"', '"\\u00e9\\ud83d\\udc18"', '0', '1', '1.0', '-1',
                    '1e3', '1.5', '-0.5', '9223372036854775807', '9223372036854775808', '1e20', '1.10', '[]', '{}', '[1]', '[null]', '[[], {}]',
                    '[1, 1.5, "a", null, true, false]', '[[1, [2, [3]]]]', '{"a": 1}', '{"": ""}', '{"b": 1, "a": 2}',
                    '{"bb": 1, "a": 2, "ccc": {"z": [], "y": null}}', '{"a": 1, "a": 2}', '{"ä": 1, "zz": 2, "z": 3}',
                    '{"a": [1, {"b": [true, {"c": "d"}]}]}', '"' + letters(300) + '"'):
        yield 'jsonb', literal, e.jsonb(json.loads(literal, parse_float=Decimal))


def hash_lines():
    for source in (plain, binary, times, nested):
        for sql, literal, element in source():
            yield 'hash', sql, literal, element.family, element.data.hex(), f'{element.hash:016x}'


def keys():
    """16 bytes each: that of SipHash's published vectors, two extreme ones, two of any bits"""
    return [bytes(range(16)), bytes(16), b'\xff' * 16, *(xxhash.xxh3_128_digest(b'key', seed=seed) for seed in (1, 2))]


def keyed_lines():
    """Every element under a key of its own, the others in turn"""
    for n, (_, sql, literal, family, data, _) in enumerate(hash_lines()):
        key = keys()[n % len(keys())]
        hash64 = e.Element(family, bytes.fromhex(data)).keyed_hash(key)
        yield 'keyed', sql, literal, key.hex(), family, data, f'{hash64:016x}'


def coupon_lines():
    hashes = [0, 1, 2 ** 64 - 1, 2 ** 26 - 1, 2 ** 26, 0x0123456789abcdef, 0xfedcba9876543210, 2 ** 32 - 1, 2 ** 64 - 2 ** 32]
    hashes += [1 << bit | 0x2345678 for bit in range(63, 27, -1)]
    hashes += [e.integer(x).hash for x in range(1, 9)]
    for hash64 in hashes:
        coupon = h.coupon(hash64)
        yield 'coupon', f'{hash64:016x}', coupon >> 26, coupon & 2 ** 26 - 1, g.key_of(coupon)


@lru_cache(maxsize=1)
def coupons(first, last):
    return {h.coupon(e.integer(x).hash) for x in range(first, last + 1)}


def integers(first, last, precision, compact=False):
    return h.build(coupons(first, last), precision, compact)


FORMS = {False: 'graded', True: 'compact'}
SIZES = {4: (0, 1, 2, 3, 4, 5, 6, 8, 16, 40, 160, 1000, 100000), 5: (0, 1, 2, 8, 9, 10, 32, 320, 3200),
         6: (0, 1, 2, 16, 17, 64, 640, 6400), 7: (0, 1, 32, 33, 128, 1280), 8: (0, 64, 65, 2560), 9: (0, 128, 129, 5120),
         10: (0, 1, 2, 100, 256, 257, 1024, 10240), 11: (0, 512, 513, 20480),
         12: (0, 1, 2, 100, 1000, 1024, 1025, 2000, 4096, 40960, 400000), 13: (0, 3), 14: (0, 1, 2, 4097, 163840), 15: (0, 4),
         16: (0, 5), 17: (0, 6), 18: (0, 1, 2, 1000)}
DIGESTS = {12: (3000, 10000, 100000, 1000000), 14: (4096, 200000), 16: (16384, 16385, 300000), 18: (65536, 65537, 300000)}


def set_lines():
    start = 1
    for precision, sizes in SIZES.items():
        for size in sizes:
            for compact, form in FORMS.items():
                first, last = (start, start + size - 1) if size < 100 else (-size // 2, size // 2 - 1 + size % 2)
                yield 'set', precision, form, first, last, h.encode(integers(first, last, precision, compact)).hex()
            start += size
    for precision, sizes in DIGESTS.items():
        for size in sizes:
            for compact, form in FORMS.items():
                data = h.encode(integers(1, size, precision, compact))
                yield 'digest', precision, form, 1, size, len(data), xxhash.xxh3_128_hexdigest(data)


def hashes_lines():
    """Sets that hardly occur: high levels, whole planes, colliding addresses"""
    def hash_of(level, address):
        return (1 << 63 - level if level < 31 else 0) | address

    top = [hash_of(31, x) for x in range(5)]
    for precision, hashes in (
            (4, top[:4]), (4, top), (4, top[:1] + [1 << 26 | 1 << 30]), (4, [hash_of(30, x) for x in range(5)]),
            (4, [hash_of(0, x << 12) for x in range(5)]),               # one bucket, one cut address, level 0: L0 = 1
            (4, [hash_of(1, x << 12) for x in range(5)]),               # alike, level 1: L0 = 1 and one token
            (4, [hash_of(1, x << 4) for x in range(5)]),                # five tokens in one bucket: L0 = 2
            (4, [hash_of(k, x) for k in range(3) for x in range(16)]),  # full planes 0 to 2
            (4, [hash_of(k, x) for k in (0, 2) for x in range(16)]),    # a full plane above an empty one
            (4, [hash_of(k, x) for k in range(32) for x in range(16)]),
            (5, [hash_of(3, x) for x in range(16)]),                    # half of a plane
            (5, [hash_of(3, x) for x in range(17)]),
            (18, [0, 2 ** 64 - 1])):
        for compact, form in FORMS.items():
            state = h.build(map(h.coupon, hashes), precision, compact)
            yield 'hashes', precision, form, ' '.join(f'{x:016x}' for x in hashes), h.encode(state).hex()


def operation_lines():
    def number(state):
        return h.encode(state).hex()

    sets = [integers(first, last, p, compact) for first, last, p, compact in (
        (1, 0, 6, False), (1, 0, 5, True), (1, 0, 9, True), (1, 10, 6, False), (8, 16, 6, False), (8, 17, 6, True), (1, 17, 6, False),
        (10, 100, 6, False), (50, 1000, 6, False), (1, 1000, 6, True), (1, 9, 5, False), (5, 300, 5, True), (1, 128, 9, False),
        (1, 700, 9, False), (1, 4, 4, False))]
    for n, a in enumerate(sets):
        for b in sets[n:]:
            yield 'union', number(a), number(b), number(h.union(a, b))
    for a in sets:
        for precision in range(4, a.precision + 1):
            for form in ['compact'] if a.compact else ['graded', 'compact']:
                folded = h.fold(a, precision)
                yield 'fold', number(a), precision, form, number(h.compact(folded) if form == 'compact' else folded)
    for precision, compact, to, form in ((4, False, 18, 'graded'), (5, True, 9, 'graded'), (6, False, 7, 'compact'), (9, True, 5, 'graded')):
        yield 'fold', number(h.build((), precision, compact)), to, form, number(h.build((), to, form == 'compact'))


def craft(precision, level0, *fields, flags=1):
    """Bytes of any stream: fields are (value, width) pairs or lists of positions with the number of cells"""
    stream = ''.join(''.join(h.gaps(*each)) if isinstance(each[0], list) else h.field(*each) for each in fields)
    stream += '0' * (-len(stream) % 8)
    return bytes([1, flags, precision, 1, level0]) + int(stream[::-1] or '0', 2).to_bytes(len(stream) // 8, 'little')


def refused():
    empty, small, graded, big = (h.encode(integers(1, n, p)) for n, p in ((0, 4), (3, 4), (9, 5), (1000, 5)))
    half = h.encode(h.build([x << 26 - 5 for x in range(16)] + [k << 26 | k for k in range(9)], 5))
    for value in (0, 2, 255):
        yield 'version', bytes([value]) + small[1:]
    for value in (0, 15, 1 | 32, 1 | 64, 1 | 128, 255):
        yield 'kind', small[:1] + bytes([value]) + small[2:]
    for value in (0, 3, 19, 255):
        yield 'precision', small[:2] + bytes([value]) + small[3:]
    for value in (0, 2, 255):
        yield 'hash', small[:3] + bytes([value]) + small[4:]
    for level0 in (33, 63, 255):
        yield 'level', big[:4] + bytes([level0]) + big[5:]
    for level0 in (1, 2, 31):  # in a compact set
        yield 'level', craft(4, level0, (1, 6), (1, 6), (0, 3), flags=17)
    for data in (small, graded, big, half):
        yield from (('truncated', data[:size]) for size in sorted({0, 1, 4, 5, 6, 7, len(data) - 1}) if size < len(data))
    yield 'truncated', craft(4, 0, (1, 3), (1, 1))                   # the zeros of a gap without its one
    yield 'truncated', craft(4, 0, (1, 3), (1, 1), (0, 12))
    yield 'truncated', craft(4, 1, (0, 6), (1, 6), (1, 5), (0, 3))
    for data in (empty, small, graded, big, h.encode(integers(1, 40, 4, True))):
        yield 'trailing', data + b'\0'
        yield 'trailing', data + b'\xff'
        yield 'trailing', data + bytes(1000)
    yield 'padding', craft(4, 0, (0, 3), (1, 1))
    yield 'padding', craft(4, 0, (0, 3), (16, 5))
    yield 'padding', craft(18, 0, (0, 17), (64, 7))
    yield 'padding', craft(4, 1, (1, 6), (1, 6), (0, 3), (1, 1))
    yield 'count', craft(4, 3, (2, 6), (1, 6), (0, 3))               # full > end
    yield 'count', craft(4, 3, (4, 6), (4, 6), (0, 3))               # end > L0
    yield 'count', craft(4, 1, (0, 6), (2, 6), (3, 5), (3, 5), (0, 3), ([1, 2, 3], 16), ([1, 2, 3], 16))
    yield 'count', craft(4, 32, (63, 6), (63, 6))
    yield 'count', craft(4, 2, (0, 6), (2, 6), (8, 5), (16, 5), (0, 3), (list(range(8)), 16))   # c_full = m
    yield 'count', craft(4, 2, (0, 6), (2, 6), (0, 5), (8, 5), (4, 3), (4, 3), ([1, 2, 3, 4], 4096), (list(range(8)), 16))
    yield 'count', craft(4, 1, (0, 6), (1, 6), (0, 5), (0, 3))       # c_(end-1) = 0
    yield 'count', craft(4, 1, (0, 6), (1, 6), (17, 5), (0, 3))      # c_k > m
    yield 'count', craft(4, 1, (0, 6), (1, 6), (31, 5), (0, 3))
    yield 'count', craft(4, 2, (0, 6), (2, 6), (17, 5), (8, 5), (0, 3), (list(range(8)), 16))
    yield 'count', craft(4, 3, (0, 6), (3, 6), (1, 5), (17, 5), (8, 5), (0, 3), ([3], 16), (list(range(8)), 16))
    yield 'count', craft(4, 0, (5, 3), (5, 3), ([1, 2, 3, 4, 5], 2 ** 26))                      # t > S
    yield 'count', craft(4, 0, (7, 3), (7, 3), (list(range(7)), 2 ** 26))
    yield 'count', craft(4, 0, (2, 3), (3, 2), ([1, 2, 3], 2 ** 26))                            # t_0 > R
    yield 'count', craft(4, 0, (2, 3), (0, 2), (3, 2), ([1, 2, 3], 2 ** 26))
    yield from positions()
    yield from blocks()
    yield from counts()
    yield from levels()


def positions():
    """A position at M or beyond, by one and by much: in the ones and the zeros of a plane, in tokens of L0 = 0 and L0 > 0"""
    m, cells, full = 16, 2 ** 12, 2 ** 26
    for x in (m, m + 1, 60):
        yield 'position', craft(4, 1, (0, 6), (1, 6), (1, 5), (0, 3), ([x], m))
        yield 'position', craft(4, 1, (0, 6), (1, 6), (m - 1, 5), (0, 3), ([x], m))
        yield 'position', craft(4, 1, (0, 6), (1, 6), (2, 5), (0, 3), ([0, x], m))
    for x in (cells, 2 * cells):
        yield 'position', craft(4, 1, (1, 6), (1, 6), (1, 3), (1, 1), ([x], cells))
    for x in (full, 2 * full):
        yield 'position', craft(4, 0, (1, 3), (1, 1), ([x], full))
        yield 'position', craft(4, 0, (2, 3), (2, 2), ([full - 1, x], full))


def two_streams(precision, level0, front, back):
    """As craft, of texts of 0 and 1"""
    return bytes([1, 1, precision, 1, level0]) + c.packed(front) + c.packed(back)[::-1]


def blocks():
    """One plane of 64 cells in blocks, the first two of which are given; kind ok: as it should be"""
    def plane(count, first, second, *rest):
        head = h.field(0, 6) + h.field(1, 6) + h.field(count, 7) + h.field(0, 5)
        how, _, _ = c.form(count, 6)
        codes = c.CODES[how]
        texts = [each if isinstance(each, str) else codes.get(each) or codes[256] + h.field(each, 8) for each in (first, second, *rest)]
        return head + ''.join(texts[::2]), ''.join(texts[1::2])

    tail = [3, 1, 1, 1, 1, 0]
    escape = c.CODES[0][256]
    yield 'ok', two_streams(6, 1, *plane(8, 1, 1, *tail))
    yield 'ok', two_streams(6, 1, *plane(9, 255, 1, *[0] * 6))                    # an escape
    yield 'ok', two_streams(6, 1, *plane(9, 0, 255, *[0] * 5, 128))
    yield 'ok', two_streams(6, 1, *plane(55, 0, 255, *[0] * 5, 128))              # of the zeros
    yield 'position', two_streams(6, 1, *plane(8, escape + h.field(1, 8), 1, *tail))
    yield 'position', two_streams(6, 1, *plane(8, 1, escape + h.field(1, 8), *tail))
    yield 'count', two_streams(6, 1, *plane(8, 1, 3, *tail))
    yield 'count', two_streams(6, 1, *plane(8, 0, 1, *tail))
    front, back = plane(8, 1, 1, *tail)
    yield 'padding', two_streams(6, 1, front + '1', back)
    yield 'padding', two_streams(6, 1, front, back + '1')
    yield 'trailing', two_streams(6, 1, front + '0' * 8, back)
    head = h.field(0, 6) + h.field(1, 6) + h.field(30, 7) + h.field(0, 5)
    yield 'ok', two_streams(6, 1, head + h.field(2 ** 30 - 1, 64), '')            # plain
    yield 'count', two_streams(6, 1, head + h.field(2 ** 31 - 1, 64), '')
    yield 'truncated', two_streams(6, 1, head + h.field(2 ** 30 - 1, 50), '')


def counts():
    """Of planes 1 and 0 at 6 bits: c_1, then what stands for c_0"""
    def value(c_1, code, c_0):
        stream = c.Writer()
        stream.put(h.field(0, 6) + h.field(2, 6) + h.field(c_1, 7) + code + h.field(0, 5))
        for count in (c_1, c_0):
            if 0 < count < 64:
                stream.plane((1 << count) - 1, 6)
        return bytes([1, 1, 6, 1, 2]) + stream.finish()

    for c_1, c_0 in ((1, 0), (1, 2), (1, 16), (1, 17), (1, 63), (30, 45), (40, 3), (63, 63), (64, 60), (64, 0)):
        yield 'ok', value(c_1, c.count_code(c_0, c_1, 6), c_0)
    plain = '0' * c.PLAIN_QUOTIENT
    yield 'count', value(30, plain + h.field(45, 7), 45)                          # near enough for a code of its own
    yield 'count', value(1, plain + h.field(65, 7), 1)                            # beyond m
    yield 'count', value(64, '01' + h.field(0, 1), 64)                            # m + 1
    yield 'count', value(1, '0001' + h.field(1, 1), 1)                            # less than none
    yield 'count', value(30, c.count_code(64, 30, 6), 64)                         # c_full = m


def levels():
    """L0 that the counts can't have led to, beside the nearest that they can (which hashes_lines and set_lines don't show)"""
    def state(p, compact, level0, tokens, **planes):
        planes = tuple(h.plane_of(range(planes.get(f'c{k}', 0)), p) for k in range(level0))
        return h.encode(h.State(p, compact, level0, planes, tuple((level0 << 26) + x for x in range(tokens))))

    yield 'level', state(4, False, 1, 0)
    yield 'level', state(4, True, 32, 0)
    yield 'level', state(18, True, 32, 0, c0=100, c9=156)
    yield 'ok', state(18, True, 32, 0, c0=100, c9=157)
    yield 'level', state(18, False, 1, 256, c0=255)
    yield 'ok', state(18, False, 1, 257, c0=255)
    yield 'level', state(12, False, 2, 256, c0=4096, c1=3)
    yield 'ok', state(12, False, 2, 257, c0=4096, c1=3)
    yield 'level', state(4, False, 2, 4, c0=16)
    yield 'level', state(4, False, 32, 0, c30=16)
    yield 'ok', state(4, False, 32, 0, c31=1)
    yield 'level', state(12, False, 31, 1024)


def refuse_lines():
    """kind ok: bytes at the edge that are a value"""
    for reason, data in refused():
        try:
            assert h.encode(h.decode(data)) == data and reason == 'ok', (reason, data.hex())
            yield 'accept', data.hex()
        except h.FormatError as error:
            assert error.reason == reason, (reason, error.reason, data.hex())
            yield 'refuse', data.hex(), reason


def algebra_lines():
    yield from algebra_vectors.lines(integers)


def lines():
    yield from HEAD.splitlines()
    for source in (hash_lines, keyed_lines, coupon_lines, set_lines, hashes_lines, operation_lines, refuse_lines, algebra_lines):
        yield from ('\t'.join(map(str, line)) for line in source())


if __name__ == '__main__':
    PATH.write_text(''.join(line + '\n' for line in lines()), encoding='utf-8')
    print(f'{PATH}: {PATH.stat().st_size} bytes', file=sys.stderr)
