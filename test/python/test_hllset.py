#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Tests of python/hllset: test/vectors.tsv, and the laws that docs/format.md promises. Seeds are fixed."""
import random
import runpy
import unittest
from pathlib import Path

import tree  # noqa: F401
import make_vectors
from hllset import algebra as g
from hllset import codec
from hllset import elements as e
from hllset import state as h

FORMS = {'graded': False, 'compact': True}


def vectors(kind):
    with open(make_vectors.PATH, encoding='utf-8') as file:
        found = [line.rstrip('\n').split('\t')[1:] for line in file if line.startswith(kind + '\t')]
    assert found, kind
    return found


def random_coupons(rng, count):
    return [h.coupon(rng.getrandbits(64)) for _ in range(count)]


def random_state(rng, largest=9):
    """Any precision up to largest, both forms, sizes on both sides of S and far beyond it, sometimes with high levels."""
    precision, compact = rng.randint(4, largest), rng.random() < 0.4
    coupons = random_coupons(rng, int(2 ** rng.uniform(0, precision + 3)) - 1)
    if rng.random() < 0.3:
        coupons += [rng.randint(0, 31) << 26 | rng.getrandbits(26) for _ in range(rng.randint(1, 2 ** precision))]
    return coupons, precision, compact, h.build(coupons, precision, compact)


class Vectors(unittest.TestCase):
    def test_file_is_what_the_maker_writes(self):
        with open(make_vectors.PATH, encoding='utf-8') as file:
            for number, (stands, made) in enumerate(zip(file, make_vectors.lines(), strict=True), 1):
                self.assertEqual(stands, made + '\n', f'line {number}')

    def test_hash(self):
        for sql, literal, family, data, hash64 in vectors('hash'):
            self.assertEqual(f'{e.Element(int(family), bytes.fromhex(data)).hash:016x}', hash64, (sql, literal))
        self.assertEqual({int(family) for _, _, family, _, _ in vectors('hash')}, set(range(1, 26)))

    def test_keyed_hash(self):
        for sql, literal, key, family, data, hash64 in vectors('keyed'):
            self.assertEqual(f'{e.Element(int(family), bytes.fromhex(data)).keyed_hash(bytes.fromhex(key)):016x}', hash64, (sql, literal))

    def test_published_vectors_of_siphash(self):
        """Some of those that its authors publish: of 00 01 02 .., under the key 00 01 .. 0f"""
        for size, hash64 in ((0, 0x726fdb47dd0e0e31), (1, 0x74f839c593dc67fd), (7, 0xab0200f58b01d137), (8, 0x93f5f5799a932462),
                             (15, 0xa129ca6149be45e5), (63, 0x958a324ceb064572)):
            self.assertEqual(e.siphash(bytes(range(size)), bytes(range(16))), hash64, size)
        for size in (0, 8, 15, 17):
            with self.assertRaises(ValueError):
                e.siphash(b'', bytes(size))

    def test_members(self):
        for data, least, level, keys in vectors('sample'):
            value = g.decode(bytes.fromhex(data))
            if level in ('no tokens', 'too coarse'):
                self.assertRaises(g.NoTokens if level == 'no tokens' else h.FormatError, g.member_keys, value, int(least))
                continue
            self.assertEqual(g.sample_level(value, int(least)), int(level))
            self.assertEqual(g.member_keys(value, int(least)), [int(key) for key in keys.split()])

    def test_sets_round_trip(self):
        for precision, form, first, last, data in vectors('set'):
            state = h.decode(bytes.fromhex(data))
            self.assertEqual((state.precision, state.compact), (int(precision), FORMS[form]))
            self.assertEqual(h.encode(state).hex(), data)
            if state.level0 == 0:
                self.assertEqual(len(state.tokens), int(last) - int(first) + 1)

    def test_hashes(self):
        for precision, form, hashes, data in vectors('hashes'):
            state = h.build([h.coupon(int(x, 16)) for x in hashes.split()], int(precision), FORMS[form])
            self.assertEqual(h.encode(state).hex(), data)

    def test_operations(self):
        for a, b, result in vectors('union'):
            a, b = (h.decode(bytes.fromhex(x)) for x in (a, b))
            self.assertEqual(h.encode(h.union(a, b)).hex(), result)
            self.assertEqual(h.encode(h.union(b, a)).hex(), result)
        for data, precision, form, result in vectors('fold'):
            value = g.fold(g.decode(bytes.fromhex(data)), int(precision))
            if g.is_empty(value) and form in FORMS:
                value = h.build((), value.precision, FORMS[form])
            self.assertEqual(g.encode(h.compact(value) if form == 'compact' else value).hex(), result)
        for operation, a, b, result in vectors('combine'):
            a, b = (g.decode(bytes.fromhex(x)) for x in (a, b))
            if result == 'refused':
                self.assertRaises(g.NoTokens, g.combine, operation, a, b)
            else:
                self.assertEqual(g.encode(g.combine(operation, a, b)).hex(), result)

    def test_refusals(self):
        for data, reason in vectors('refuse'):
            with self.assertRaises(h.FormatError, msg=data) as caught:
                g.decode(bytes.fromhex(data))
            self.assertEqual(caught.exception.reason, reason, data)
        self.assertEqual({reason for _, reason in vectors('refuse')}, set(
            'truncated trailing version kind precision hash level count position padding expression'.split()))
        for data, in vectors('accept'):
            self.assertEqual(g.encode(g.decode(bytes.fromhex(data))).hex(), data)


class Elements(unittest.TestCase):
    def test_examples_of_the_page(self):
        self.assertEqual(e.numeric('0.5').data.hex(), '00ffffffff8813')
        self.assertEqual(e.numeric('12345.6').data.hex(), '0001000000010029097017')
        self.assertEqual(e.double(float('nan')).data.hex(), '000000000000f87f')

    def test_equal_values_are_one_element(self):
        for a, b in ((e.numeric('1.00'), e.integer(1)), (e.numeric('-0'), e.integer(0)), (e.numeric('0.50'), e.numeric('5e-1')),
                     (e.double(-0.0), e.double(0)), (e.real(1.5), e.double(1.5)), (e.char('a  '), e.text('a')),
                     (e.interval(months=1), e.interval(days=30)), (e.interval(days=1), e.interval(microseconds=86400000000)),
                     (e.jsonb({'a': 1, 'b': 2}), e.jsonb({'b': 2, 'a': 1})), (e.numeric(2 ** 63 - 1), e.integer(2 ** 63 - 1)),
                     (e.numeric(str(2 ** 63) + '.0'), e.numeric(2 ** 63))):
            self.assertEqual(a, b)

    def test_families_part(self):
        same = [e.integer(1), e.double(1), e.text('1'), e.bytea(b'1'), e.boolean(True), e.date(1), e.time(1), e.timestamp(1),
                e.timestamptz(1), e.money(1), e.oid(1), e.enum('1'), e.jsonb(1), e.array([e.integer(1)]), e.composite(e.integer(1))]
        self.assertEqual(len({x.hash for x in same}), len(same))


class Laws(unittest.TestCase):
    def test_order_and_duplicates_do_not_matter(self):
        rng = random.Random(1)
        for _ in range(60):
            coupons, precision, compact, state = random_state(rng)
            shuffled = coupons + rng.choices(coupons, k=len(coupons)) if coupons else []
            rng.shuffle(shuffled)
            self.assertEqual(h.encode(h.build(shuffled, precision, compact)), h.encode(state))

    def test_parts_unite_to_the_whole_in_any_tree(self):
        rng = random.Random(2)
        for _ in range(60):
            coupons, precision, compact, state = random_state(rng)
            parts = [[] for _ in range(rng.randint(1, 8))]
            for coupon in coupons:
                for _ in range(rng.randint(1, 2)):
                    rng.choice(parts).append(coupon)
            # only one part need be compact for the whole to be, one with elements unless there are none
            first = next((n for n, part in enumerate(parts) if part), None)
            trees = [h.build(part, precision, compact and (first in (n, None) or rng.random() < 0.5)) for n, part in enumerate(parts)]
            while len(trees) > 1:
                rng.shuffle(trees)
                a, b = trees.pop(), trees.pop()
                trees.append(h.decode(h.encode(h.union(a, b))))
            self.assertEqual(trees[0], state)

    def test_folding_is_building_at_the_smaller_precision(self):
        rng = random.Random(3)
        for _ in range(60):
            coupons, precision, compact, state = random_state(rng, 11)
            steps = sorted(rng.sample(range(4, precision + 1), rng.randint(1, precision - 3)), reverse=True)
            for step in steps:
                state = h.fold(state, step)
                self.assertEqual(state, h.build(coupons, step, compact))

    def test_mixed_precisions_and_forms_unite(self):
        rng = random.Random(4)
        for _ in range(60):
            (one, p, x, a), (two, q, y, b) = random_state(rng), random_state(rng)
            if one and two:
                self.assertEqual(h.union(a, b), h.build(one + two, min(p, q), x or y))

    def test_the_empty_set_has_nothing_to_lose(self):
        rng = random.Random(11)
        for _ in range(60):
            value, other = random_state(rng)[3], random_state(rng)[3]
            empty, also = (h.build((), rng.randint(4, 18), rng.random() < 0.5) for _ in range(2))
            if rng.random() < 0.5 and not value.compact and not other.compact:
                value = g.combine(rng.choice('&-#'), value, other)
            if g.is_empty(value):
                continue
            for operation in '|#':
                self.assertEqual(g.combine(operation, value, empty), value)
                self.assertEqual(g.combine(operation, empty, value), value)
            self.assertEqual(g.combine('-', value, empty), value)
            nothing = h.build((), value.precision, value.compact)
            self.assertEqual([g.combine('&', value, empty), g.combine('&', empty, value), g.combine('-', empty, value)], [nothing] * 3)
            for operation in g.OPERATIONS:
                self.assertEqual(g.combine(operation, empty, also),
                                 h.build((), max(empty.precision, also.precision), empty.compact and also.compact))
            self.assertEqual(h.fold(empty, also.precision), h.build((), also.precision, empty.compact))

    def test_compact_is_building_compact(self):
        rng = random.Random(5)
        for _ in range(60):
            coupons, precision, _, state = random_state(rng)
            self.assertEqual(h.compact(state), h.build(coupons, precision, True))


class Codes(unittest.TestCase):
    def test_tables_are_those_of_their_generator(self):
        """Of the core and, which the vectors prove to be the same, of codec.py."""
        path = Path(__file__).resolve().parents[2] / 'src/core/codec_tables.py'
        self.assertEqual(path.with_suffix('.inc').read_text(), runpy.run_path(str(path))['text']())

    def test_codes_are_complete(self):
        for codes in codec.CODES:
            self.assertEqual(sum(2.0 ** -len(code) for code in codes.values()), 1)


class Bytes(unittest.TestCase):
    def test_decode_is_the_inverse_of_encode(self):
        rng = random.Random(6)
        for _ in range(150):
            state = random_state(rng, 12)[3]
            data = h.encode(state)
            self.assertEqual(h.decode(data), state)
            self.assertEqual(h.encode(h.decode(data)), data)

    def check_mutant(self, state, data):
        try:
            other = h.decode(data)
        except h.FormatError:
            return 0
        self.assertNotEqual(other, state)
        self.assertEqual(h.encode(other), data)
        return 1

    def test_flipped_bits_and_cuts(self):
        rng = random.Random(7)
        refused = accepted = 0
        for size in (0, 1, 4, 5, 9, 30, 200, 3000):
            for precision, compact in ((4, False), (5, True), (6, False), (8, True)):
                state = h.build(random_coupons(rng, size), precision, compact)
                data = h.encode(state)
                mutants = [data[:length] for length in range(len(data))]
                number = int.from_bytes(data, 'little')
                mutants += [(number ^ 1 << bit).to_bytes(len(data), 'little') for bit in range(8 * len(data))]
                good = sum(self.check_mutant(state, mutant) for mutant in mutants)
                accepted, refused = accepted + good, refused + len(mutants) - good
        self.assertGreater(min(accepted, refused), 1000)  # else the mutants tested little

    def test_noise(self):
        rng = random.Random(8)
        accepted = 0
        for _ in range(20000):
            head = bytes([1, rng.choice((1, 17)), rng.choice((4, 4, 5, 12)), 1, rng.choice((0, 1, 2, 3, 32))])
            accepted += self.check_mutant(None, head + rng.randbytes(rng.randint(0, 12)))
        self.assertGreater(accepted, 10)

    def test_every_accepted_short_stream_is_a_set(self):
        """All streams of up to two bytes: an accepted state is one that some coupons build."""
        accepted = 0
        for compact, level0 in ((False, 0), (False, 1), (False, 2), (False, 31), (False, 32), (True, 0), (True, 32)):
            for length in (1, 2):
                for number in range(256 ** length):
                    data = bytes([1, 1 + 16 * compact, 4, 1, level0]) + number.to_bytes(length, 'little')
                    try:
                        state = h.decode(data)
                    except h.FormatError:
                        continue
                    accepted += 1
                    self.assertEqual(h.encode(state), data)
                    self.assertEqual(h.build(self.widest(state), 4, compact), state)
        self.assertGreater(accepted, 2)

    def test_states_are_built_by_their_widest_coupons(self):
        """What a decoder lets pass, up to the edge of the L0 rules, is a function of some coupons."""
        rng = random.Random(9)
        for p, compact, level0 in ((5, False, 1), (5, False, 2), (5, True, 32), (4, False, 3), (4, False, 32)):
            for _ in range(40):
                planes = tuple(h.plane_of(rng.sample(range(1 << p), rng.choice((0, 0, 1, 2, 1 << p))), p) for _ in range(level0))
                count = 0 if level0 == 32 else rng.randint(0, h.room(p))
                tokens = {rng.randint(level0, 31) << 26 | rng.getrandbits(p + 8) for _ in range(count)}
                state = h.State(p, compact, level0, planes, tuple(sorted(tokens)))
                try:
                    decoded = h.decode(h.encode(state))
                except h.FormatError as error:
                    self.assertEqual(error.reason, 'level')
                    self.assertNotEqual(h.build(self.widest(state), p, compact), state)
                    continue
                self.assertEqual(decoded, state)
                self.assertEqual(h.build(self.widest(state), p, compact), state)

    @staticmethod
    def widest(state):
        """Coupons that leave this state, if any do: up to S + 1 for each of its cells and tokens."""
        p, found = state.precision, list(state.tokens)
        many = h.room(p) + 1
        for k, plane in enumerate(state.planes):
            for bucket in codec.ones_of(plane):  # addresses differ in their highest bits first, then in those that tokens keep
                tops = range(min(many, 1 << 26 - p))
                found += [k << 26 | bucket | (top & 255) << p | top >> 8 << p + 8 for top in tops]
        if state.level0:
            found += [token | top << p + 8 for token in state.tokens for top in range(min(many, 1 << 18 - p))]
        return found


class Cardinality(unittest.TestCase):
    def test_small_sets_are_counted_exactly(self):
        self.assertEqual([h.cardinality(h.build(range(n))) for n in (0, 1, 1024)], [0, 1, 1024])

    def test_estimates_lie_within_five_standard_errors(self):
        rng = random.Random(10)
        for n in (300, 3000, 30000):
            for compact in (False, True):
                count = h.cardinality(h.build(random_coupons(rng, n), 10, compact))
                self.assertLess(abs(count / n - 1), 5 * 0.6491 / 2 ** 5)


if __name__ == '__main__':
    unittest.main()
