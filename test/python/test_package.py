#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Tests of what users of the package call, with numpy and without: the vectors again, refusals, COPY's rows. Seeds are fixed."""
import io
import random
import struct
import subprocess
import sys
import unittest
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import tree  # noqa: F401
from hllset import HAS_NUMPY, Builder, CopyWriter, FormatError, Set
from hllset import elements as e
from hllset import state as h

if HAS_NUMPY:
    import numpy
    from hllset import bulk

PACKAGE = Path(tree.__file__).resolve().parents[2] / 'python'
VECTORS = Path(tree.__file__).resolve().parents[1] / 'vectors.tsv'
WAYS = (False, True) if HAS_NUMPY else (False,)


def vectors(kind):
    with open(VECTORS, encoding='utf-8') as file:
        found = [line.rstrip('\n').split('\t')[1:] for line in file if line.startswith(kind + '\t')]
    assert found, kind
    return found


def built(precision, compact, use_numpy, *calls):
    builder = Builder(int(precision), compact, use_numpy)
    for name, values in calls:
        getattr(builder, name)(values)
    return bytes(Set(builder.state)).hex()


class Vectors(unittest.TestCase):
    def test_sets(self):
        for use_numpy in WAYS:
            for precision, form, first, last, data in vectors('set'):
                values = range(int(first), int(last) + 1)
                self.assertEqual(built(precision, form == 'compact', use_numpy, ('add_integers', values)), data)

    def test_digests_of_larger_sets(self):
        import xxhash
        for precision, form, first, last, size, digest in vectors('digest'):
            values = range(int(first), int(last) + 1)
            if len(values) <= 10 ** 5 or HAS_NUMPY:
                data = bytes.fromhex(built(precision, form == 'compact', True, ('add_integers', values)))
                self.assertEqual((len(data), str(UUID(bytes=xxhash.xxh3_128_digest(data)))), (int(size), str(UUID(digest))))

    def test_hashes(self):
        for use_numpy in WAYS:
            for precision, form, hashes, data in vectors('hashes'):
                found = [int(x, 16) for x in hashes.split()]
                self.assertEqual(built(precision, form == 'compact', use_numpy, ('add_hashes', found)), data)
                if use_numpy:
                    self.assertEqual(built(precision, form == 'compact', True, ('add_hashes', numpy.array(found, numpy.uint64))), data)

    def test_values_are_read_and_written(self):
        for a, b, result in vectors('union'):
            self.assertEqual(str(Set.from_bytes(bytes.fromhex(a)) | Set.from_text('\\x' + b)), '\\x' + result)
            self.assertEqual(bytes(Set.union(map(Set.from_bytes, map(bytes.fromhex, (a, b))))).hex(), result)
        for data, _ in vectors('refuse'):
            self.assertRaises(FormatError, Set.from_bytes, bytes.fromhex(data))
        for operation, a, b, result in vectors('combine'):
            if result != 'refused':
                a, b = (Set.from_bytes(bytes.fromhex(x)) for x in (a, b))
                self.assertEqual(bytes({'|': a | b, '&': a & b, '-': a - b, '#': a ^ b}[operation]).hex(), result)


@unittest.skipUnless(HAS_NUMPY, 'there is no numpy')
class Numpy(unittest.TestCase):
    def test_hashes_of_integers(self):
        rng = random.Random(1)
        values = [0, 1, -1, 2 ** 63 - 1, -2 ** 63, *(rng.getrandbits(64) - 2 ** 63 >> rng.randrange(64) for _ in range(20000))]
        found = bulk.hashes_of_words(numpy.array(values, numpy.int64).view(numpy.uint64), 1)
        self.assertEqual(found.tolist(), [e.integer(value).hash for value in values])

    def test_coupons(self):
        rng = random.Random(2)
        hashes = [0, 1, 2 ** 64 - 1, 2 ** 32, 2 ** 32 - 1, 2 ** 33, *(rng.getrandbits(64) >> rng.randrange(64) for _ in range(20000))]
        self.assertEqual(bulk.coupons_of_hashes(numpy.array(hashes, numpy.uint64)).tolist(), list(map(h.coupon, hashes)))

    def test_every_way_to_the_same_state(self):
        """Integers, hashes and whole sets, in pieces of any sizes and order: what one build of all coupons gives"""
        rng = random.Random(3)
        for _ in range(150):
            precision, compact = rng.randint(4, 11), rng.random() < 0.4
            hashes = [rng.getrandbits(64) for _ in range(int(2 ** rng.uniform(0, precision + 4)) - 1)]
            if rng.random() < 0.3:
                hashes += [rng.getrandbits(64) >> rng.randint(20, 40) for _ in range(rng.randint(1, 2 ** precision))]
            whole = h.build(map(h.coupon, hashes), precision, compact)
            builders = [Builder(precision, compact, use_numpy) for use_numpy in WAYS]
            rest = hashes[:]
            while rest:
                part, rest = rest[:rng.randint(1, 3000)], rest[rng.randint(0, 1500):] if rng.random() < 0.5 and len(rest) < 3000 else rest[len(rest[:3000]):]
                for builder in builders:
                    how = rng.randrange(3)
                    if how == 0:
                        builder.add_hashes(part)
                    elif how == 1:
                        builder.add_hashes(numpy.array(part, numpy.uint64))
                    else:
                        builder.add_state(h.build(map(h.coupon, part), rng.randint(precision, 13), compact and rng.random() < 0.5))
            for builder in builders:
                for part in range(0, len(hashes), 2000):
                    builder.add_hashes(hashes[part:part + 2000])
                self.assertEqual(builder.state, whole)

    def test_arrays(self):
        some = [3, -7, 11]
        expected = Set.of_integers(some)
        for kind in (numpy.int8, numpy.int16, numpy.int32, numpy.int64):
            self.assertEqual(Set.of_integers(numpy.array(some, kind)), expected)
        self.assertEqual(Set.of_integers(numpy.array([3, 11], numpy.uint64)), Set.of_integers([3, 11]))
        self.assertEqual(Set.of_integers(numpy.array([[3, -7], [11, 3]], '>i4')), expected)
        self.assertEqual(Set.of_integers(numpy.arange(-70, 70, 1)[::2]), Set.of_integers(range(-70, 70, 2)))
        self.assertEqual(Set.of_integers([numpy.int32(3), -7, 11, None]), expected)
        for wrong in (numpy.array([1.0]), numpy.array([True]), numpy.array(['1']), numpy.array(['2026-01-01'], 'datetime64[D]')):
            self.assertRaises(TypeError, Set.of_integers, wrong)
        self.assertRaises(ValueError, Set.of_integers, numpy.array([2 ** 63], numpy.uint64))


class Refusals(unittest.TestCase):
    def test_what_would_be_another_element(self):
        for use_numpy in WAYS:
            for wrong in ([1.0], [1, 2.5], [True], ['1'], [1, True], [Decimal(1)], [b'1']):
                self.assertRaises(TypeError, Builder(use_numpy=use_numpy).add_integers, wrong)
            for beyond in ([2 ** 63], [-2 ** 63 - 1], [0, 2 ** 70]):
                self.assertRaises(ValueError, Builder(use_numpy=use_numpy).add_integers, beyond)
            for wrong in ([1], [b'a'], [True]):
                self.assertRaises(TypeError, Builder(use_numpy=use_numpy).add_texts, wrong)
            self.assertRaises(TypeError, Builder(use_numpy=use_numpy).add_floats, ['1'])
            for beyond in ([-1], [2 ** 64]):
                self.assertRaises(ValueError, Builder(use_numpy=use_numpy).add_hashes, beyond)
            self.assertRaises(TypeError, Builder(use_numpy=use_numpy).add_hashes, [1.0])
        for precision in (3, 19, -1):
            self.assertRaises(ValueError, Builder, precision)
        self.assertRaises(ValueError, Builder(12).add_state, h.build(range(5000), 11))
        self.assertRaises(ValueError, Builder(12).add_state, h.build(range(5000), 12, True))

    def test_texts_that_are_no_values(self):
        good = str(Set.of_integers([1]))
        for text in ('', 'x', good[2:], good + ' ', good[:4] + ' ' + good[4:], good[:-1], '\\xzz'):
            self.assertRaises(FormatError, Set.from_text, text)
        self.assertEqual(Set.from_text('\\x' + good[2:].upper()), Set.of_integers([1]))

    def test_counts_of_what_is_no_set(self):
        a, b = Set.of_integers(range(5000)), Set.of_integers(range(2500, 9000))
        self.assertEqual((a.kind, (a & b).kind, (a & b & a).kind), ('set', 'expression', 'expression'))
        self.assertRaises(TypeError, (a - b).cardinality)
        self.assertRaises(TypeError, (a - b).compact)
        self.assertRaises(ValueError, a.fold, 13)
        with self.assertRaises(TypeError):
            a | 1

    def test_nothing_is_no_element(self):
        for use_numpy in WAYS:
            builder = Builder(use_numpy=use_numpy)
            builder.add_integers([None, 1]), builder.add_texts([None]), builder.add_floats([None]), builder.add(None)
            self.assertEqual(Set(builder.state), Set.of_integers([1]))


class Types(unittest.TestCase):
    def test_each_way_gives_the_element_of_its_type(self):
        for use_numpy in WAYS:
            builder = Builder(use_numpy=use_numpy)
            builder.add_floats([1, 0.1, -0.0])
            builder.add_texts(['1', 'größer'])
            builder.add_integers(iter([1]))
            expected = Set.of(e.double(1.0), e.double(0.1), e.double(0.0), e.text('1'), e.text('größer'), e.integer(1))
            self.assertEqual(Set(builder.state), expected)
            self.assertEqual(expected.cardinality(), 6)

    def test_equality_and_shape(self):
        a = Set.of_integers(range(5000), precision=14)
        self.assertEqual(len({a, Set.from_bytes(bytes(a)), a.fold(12)}), 2)
        self.assertEqual(repr(a.fold(10).compact())[:38], '<hllset.Set of precision 10, compact, ')
        self.assertNotEqual(a, 1)
        self.assertTrue(Set.empty(9).is_empty and not a.is_empty)
        self.assertEqual(Set.union([]), Set.empty())


class Copy(unittest.TestCase):
    def test_rows(self):
        file = io.BytesIO()
        moment = datetime(2000, 1, 2, tzinfo=timezone(timedelta(hours=1)))
        with CopyWriter(file, 'smallint', 'bigint', 'text', 'date', 'timestamptz', 'uuid', 'boolean', 'hllset') as rows:
            rows.write(1, None, 'ö', date(2000, 1, 2), moment, UUID(int=1), True, Set.of_integers([1]))
        data = bytes(Set.of_integers([1]))
        fields = [b'\0\1', None, 'ö'.encode(), struct.pack('>i', 1), struct.pack('>q', 23 * 3600 * 10 ** 6), UUID(int=1).bytes, b'\1', data]
        row = struct.pack('>h', 8) + b''.join(struct.pack('>i', -1) if x is None else struct.pack('>i', len(x)) + x for x in fields)
        self.assertEqual(file.getvalue(), b'PGCOPY\n\xff\r\n\0' + bytes(8) + row + b'\xff\xff')

    def test_refusals(self):
        for types in ((), ('json',), ('hllset', 'int')):
            self.assertRaises(ValueError, CopyWriter, io.BytesIO(), *types)
        for kind, wrong in (('date', datetime(2000, 1, 1)), ('timestamp', datetime.now(timezone.utc)), ('timestamptz', datetime(2000, 1, 1)), ('text', 1), ('hllset', 7)):
            self.assertRaises(TypeError, CopyWriter(io.BytesIO(), kind).write, wrong)
        self.assertRaises(ValueError, CopyWriter(io.BytesIO(), 'date', 'text').write, date(2000, 1, 1))
        self.assertRaises(FormatError, CopyWriter(io.BytesIO(), 'hllset').write, b'nonsense')

    def test_an_error_leaves_the_rows_without_their_end(self):
        file = io.BytesIO()
        with self.assertRaises(KeyError), CopyWriter(file, 'integer') as rows:
            rows.write(1)
            raise KeyError
        self.assertFalse(file.getvalue().endswith(b'\xff\xff'))


class Without(unittest.TestCase):
    def test_the_package_without_numpy(self):
        """As if numpy were not installed: the same bytes"""
        program = ('import sys; sys.modules["numpy"] = None; import hllset; assert not hllset.HAS_NUMPY; '
                   'print(hllset.Set.of_integers(range(9000)) | hllset.Set.of_texts(map(str, range(99))))')
        said = subprocess.run([sys.executable, '-c', program], env={'PYTHONPATH': str(PACKAGE)}, cwd='/', capture_output=True, text=True, check=True).stdout
        self.assertEqual(said.strip(), str(Set.of_integers(range(9000)) | Set.of_texts(map(str, range(99)))))


if __name__ == '__main__':
    unittest.main()
