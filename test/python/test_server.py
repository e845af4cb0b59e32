#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
The two implementations against each other: what the server writes Python reads, what Python writes the server reads, and they
hash, unite, fold, count and refuse alike. The server is the one that psql reaches by PGHOST and the like; a database of
its own is made there and dropped. Seeds are fixed.
"""
import datetime
import json
import os
import random
import struct
import subprocess
import unittest
from decimal import Decimal

import tree  # noqa: F401
import search
from hllset import algebra as g
from hllset import elements as e
from hllset import state as h

DATABASE = 'hllset_second_implementation'
FORMS = {False: '', True: ', compact'}


def psql(statement, database=DATABASE, stdin=b''):
    """What psql prints for one or more statements, as bytes"""
    command = ['psql', '-XqAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-d', database]
    environment = dict(os.environ, PGCLIENTENCODING='UTF8', PGOPTIONS='-c timezone=UTC -c client_min_messages=warning')
    if stdin:
        command += ['-c', statement]
    done = subprocess.run(command, input=stdin or statement.encode(), env=environment, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def rows(statement):
    return [line.split('\t') for line in psql(statement).decode().splitlines()]


def literal(value):
    return "'" + value.replace("'", "''") + "'"


def hexes(states):
    return [h.encode(state).hex() for state in states]


def values(*columns):
    """A VALUES list of quoted texts, numbered so that answers can be put in order"""
    lines = (', '.join([str(number)] + [literal(value) for value in line]) for number, line in enumerate(zip(*columns)))
    return 'VALUES ' + ',\n'.join(f'({line})' for line in lines)


def random_states(rng, count):
    states = []
    for _ in range(count):
        precision, compact = rng.randint(4, 10), rng.random() < 0.4
        coupons = [h.coupon(rng.getrandbits(64)) for _ in range(int(2 ** rng.uniform(0, precision + 3)) - 1)]
        if rng.random() < 0.2:
            coupons += [rng.randint(0, 31) << 26 | rng.getrandbits(26) for _ in range(rng.randint(1, 2 ** precision))]
        states.append(h.build(coupons, precision, compact))
    return states


def random_json(rng, depth=3):
    kind = rng.randrange(8 if depth else 6)
    if kind == 6:
        return [random_json(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {random_text(rng, 4): random_json(rng, depth - 1) for _ in range(rng.randrange(5))}
    return (None, True, False, rng.randint(-10 ** 20, 10 ** 20), rng.randint(-99, 99) / 8, random_text(rng))[kind]


def random_text(rng, longest=300):
    alphabet = rng.choice(('abc', 'ab \'"\\{}(),', 'aäß€日本🐘é'))
    return ''.join(rng.choices(alphabet, k=int(longest ** rng.random()) - rng.randrange(2)))


def random_number(rng):
    digits = ''.join(rng.choices('0000123456789', k=rng.randint(1, 30)))
    point = rng.randint(0, len(digits))
    exponent = rng.choice(('', '', f'e{rng.randint(-50, 50)}'))
    return rng.choice(('', '-')) + (digits[:point] or '0') + '.' + (digits[point:] or '0') + exponent


def random_element(rng):
    """(type, literal, element)"""
    kind = rng.choice(('bigint', 'numeric', 'double precision', 'real', 'text', 'bytea', 'jsonb', 'timestamp', 'interval', 'text[]',
                       'numrange', 'varbit'))
    if kind == 'bigint':
        value = rng.getrandbits(64) - 2 ** 63 >> rng.randrange(64)
        return kind, str(value), e.integer(value)
    if kind == 'numeric':
        value = random_number(rng)
        return kind, value, e.numeric(value)
    if kind in ('double precision', 'real'):
        form, build = ('d', e.double) if kind == 'double precision' else ('f', e.real)
        value, = struct.unpack(form, rng.randbytes(struct.calcsize(form)))
        return kind, repr(value), build(value)
    if kind == 'text':
        value = random_text(rng, 2000)
        return kind, value, e.text(value)
    if kind == 'bytea':
        value = rng.randbytes(int(2000 ** rng.random()))
        return kind, '\\x' + value.hex(), e.bytea(value)
    if kind == 'jsonb':
        value = random_json(rng)
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
        return kind, text, e.jsonb(json.loads(text, parse_float=Decimal))
    if kind == 'timestamp':
        value = datetime.datetime(1, 1, 1) + datetime.timedelta(microseconds=rng.randrange(3 * 10 ** 17))
        return kind, str(value), e.timestamp(value)
    if kind == 'interval':
        value = rng.randint(-9999, 9999), rng.randint(-9999, 9999), rng.randint(-10 ** 12, 10 ** 12)
        return kind, '%d months %d days %d microseconds' % value, e.interval(*value)
    if kind == 'text[]':
        found = [rng.choice((None, random_text(rng, 20))) for _ in range(rng.randrange(5))]
        quoted = ['NULL' if x is None else json.dumps(x, ensure_ascii=False) for x in found]
        return kind, '{' + ','.join(quoted) + '}', e.array([None if x is None else e.text(x) for x in found])
    if kind == 'numrange':
        low, high = sorted((random_number(rng), random_number(rng)), key=Decimal)
        bounds = rng.choice('[(') + rng.choice('])')
        empty = Decimal(low) == Decimal(high) and bounds != '[]'
        element = e.EMPTY_RANGE if empty else e.span(e.numeric(low), e.numeric(high), bounds)
        return kind, f'{bounds[0]}{low},{high}{bounds[1]}', element
    value = ''.join(rng.choices('01', k=rng.randrange(70)))
    return kind, value, e.bits(value)


def setUpModule():
    if 'PGHOST' not in os.environ:
        raise unittest.SkipTest('no server: PGHOST is not set')
    psql(f'DROP DATABASE IF EXISTS {DATABASE}', 'postgres')
    psql(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'", 'postgres')
    unittest.addModuleCleanup(psql, f'DROP DATABASE {DATABASE}', 'postgres')
    psql('CREATE EXTENSION hllset')


class Server(unittest.TestCase):
    maxDiff = 2000

    def test_what_the_server_writes(self):
        """Aggregates over elements of several types, read in text form; equal to Python's own bytes."""
        kinds = {'x': e.integer, "'2000-01-01'::date + x": e.date,
                 "'user ' || x": lambda x: e.text(f'user {x}'),
                 'x / 4.0': lambda x: e.numeric(Decimal(x) / 4),
                 'x::float8 / 3': lambda x: e.double(x / 3),
                 "decode(to_hex(x), 'escape')": lambda x: e.bytea(b'%x' % x),
                 'ARRAY[x, NULL]': lambda x: e.array([e.integer(x), None])}
        for expression, element in kinds.items():
            for precision, compact, count in ((4, False, 30), (8, True, 64), (10, False, 257), (12, False, 5000), (12, True, 5000)):
                (text,), = rows(f'SELECT hll_add_agg({expression}, {precision})::hllset({precision}{FORMS[compact]}) '
                                f'FROM generate_series(1, {count}) AS x')
                own = h.build([h.coupon(element(x).hash) for x in range(1, count + 1)], precision, compact)
                self.assertEqual(h.decode(bytes.fromhex(text.removeprefix('\\x'))), own, expression)
                self.assertEqual(text, '\\x' + h.encode(own).hex(), expression)

    def test_what_python_writes(self):
        """Sets are accepted, come back byte for byte and have the same count."""
        states = random_states(random.Random(1), 300)
        found = rows('SELECT s::hllset, hll_precision(s::hllset), hll_cardinality(s::hllset) '
                     f"FROM ({values(['%s%s' % (chr(92) + 'x', x) for x in hexes(states)])}) AS v (number, s) ORDER BY number")
        self.assertEqual([text for text, _, _ in found], ['\\x' + x for x in hexes(states)])
        for state, (_, precision, count) in zip(states, found, strict=True):
            self.assertEqual(int(precision), state.precision)
            self.assertLessEqual(abs(float(count) - h.cardinality(state)), 1e-8 * float(count))

    def test_binary_copy_is_the_bytes(self):
        states = random_states(random.Random(2), 100)
        data = b''.join(struct.pack('>hi', 1, len(x)) + x for x in map(h.encode, states))
        data = b'PGCOPY\n\xff\r\n\0' + bytes(8) + data + struct.pack('>h', -1)
        psql('CREATE TABLE copied (s hllset)')
        psql('COPY copied FROM STDIN (FORMAT binary)', stdin=data)
        self.assertEqual([text for text, in rows('SELECT s FROM copied')], ['\\x' + x for x in hexes(states)])
        self.assertEqual(psql('COPY copied TO STDOUT (FORMAT binary)'), data)

    def test_unions_and_folds(self):
        rng = random.Random(3)
        a, b = random_states(rng, 300), random_states(rng, 300)
        precisions = [rng.randint(4, state.precision) for state in a]
        found = rows(f"SELECT decode(a, 'hex')::hllset | decode(b, 'hex')::hllset, hll_fold(decode(a, 'hex')::hllset, p::int) "
                     f"FROM ({values(hexes(a), hexes(b), map(str, precisions))}) AS v (number, a, b, p) ORDER BY number")
        self.assertEqual([x for x, _ in found], ['\\x' + x for x in hexes(map(h.union, a, b))])
        self.assertEqual([x for _, x in found], ['\\x' + x for x in hexes(map(h.fold, a, precisions))])
        (text,), = rows(f"SELECT hll_union_agg(decode(a, 'hex')::hllset) FROM ({values(hexes(a))}) AS v (number, a)")
        whole = a[0]
        for state in a:
            whole = h.union(whole, state)
        self.assertEqual(text, '\\x' + h.encode(whole).hex())

    def test_algebra(self):
        """Operations on random sets and on what they make: the same value of whatever kind, or both refuse."""
        rng, steps = random.Random(7), []
        for programme in range(40):
            sets = [state for state in random_states(rng, 15) if programme % 2 or not state.compact]
            made = sets[:1]
            for b in sets + sets:
                operation, a, b = rng.choice('|&-##'), made[-1], rng.choice((b, b, rng.choice(made)))
                try:
                    made.append(g.combine(operation, a, b))
                    result = '\\x' + g.encode(made[-1]).hex()
                except g.NoTokens:
                    result = 'refused'
                steps.append((operation, g.encode(a).hex(), g.encode(b).hex(), result))
        psql('''CREATE FUNCTION operate(operation text, a hllset, b hllset) RETURNS text LANGUAGE plpgsql AS $$
            DECLARE made text;
            BEGIN EXECUTE format('SELECT $1 %s $2', operation) USING a, b INTO made; RETURN made;
            EXCEPTION WHEN program_limit_exceeded THEN RETURN 'refused'; END $$''')
        found = rows(f"SELECT operate(o, decode(a, 'hex')::hllset, decode(b, 'hex')::hllset) "
                     f"FROM ({values(*list(zip(*steps))[:3])}) AS v (number, o, a, b) ORDER BY number")
        for (operation, a, b, result), (text,) in zip(steps, found, strict=True):
            self.assertEqual(text, result, (operation, a, b))
        kinds = [result if result == 'refused' else result[4:6] for _, _, _, result in steps]
        for kind in ('refused', '01', '11', '02', '12', '03'):
            self.assertIn(kind, kinds)

    def test_both_refuse_the_same(self):
        """Values with a flipped bit or two, a byte more or less: what both take has the same bytes and count."""
        rng = random.Random(4)
        mutants = []
        for data in map(h.encode, random_states(rng, 150)):
            for _ in range(20):
                number = int.from_bytes(data, 'little')
                for _ in range(rng.randint(1, 2)):
                    number ^= 1 << rng.randrange(8 * min(len(data), rng.choice((5, 12, 10000))))
                longer = number.to_bytes(len(data), 'little') + rng.randbytes(1)
                mutants.append(longer[:len(data) + rng.choice((0, 0, 0, 0, -1, 1))])
        psql('''CREATE FUNCTION try(bytea) RETURNS text LANGUAGE plpgsql AS
            'BEGIN RETURN hll_cardinality($1::hllset) || chr(9) || ($1::hllset); EXCEPTION WHEN invalid_binary_representation THEN
            RETURN chr(9); END' ''')
        found = rows(f"SELECT try(decode(s, 'hex')) FROM ({values([x.hex() for x in mutants])}) AS v (number, s) ORDER BY number")
        accepted = 0
        for data, (count, text) in zip(mutants, found, strict=True):
            try:
                state = h.decode(data)
            except h.FormatError:
                self.assertEqual(text, '', data.hex())
                continue
            accepted += 1
            self.assertEqual(text, '\\x' + data.hex())
            self.assertLessEqual(abs(float(count) - h.cardinality(state)), 1e-8 * float(count), data.hex())
        self.assertGreater(min(accepted, len(mutants) - accepted), 300)  # else the mutants tested little

    def test_members_of_random_values(self):
        """Keys and rates of samples, of values of all kinds and at all levels"""
        rng, made, wanted = random.Random(8), [], []
        for precision in (12, 12, 13, 14):
            sets = [h.build([h.coupon(rng.getrandbits(64)) for _ in range(int(2 ** rng.uniform(0, 13)))], precision) for _ in range(9)]
            value = sets[0]
            for other in sets[1:]:
                value = g.combine(rng.choice('|&-#'), value, g.combine(rng.choice('|&-#'), other, rng.choice(sets)))
                made += [(value, rng.choice((0, rng.randrange(32))))]
        for value, least in made:
            wanted.append((' '.join(map(str, g.member_keys(value, least))), 2.0 ** -g.sample_level(value, least)))
        found = rows("SELECT (SELECT coalesce(string_agg(c::text, ' ' ORDER BY n), '') FROM hll_sample(decode(s, 'hex')::hllset, l::int) WITH ORDINALITY t (c, n)), "
                     f"hll_sample_rate(decode(s, 'hex')::hllset, l::int) FROM ({values([g.encode(x).hex() for x, _ in made], [str(x) for _, x in made])}) "
                     'AS v (number, s, l) ORDER BY number')
        self.assertEqual([(keys, float(rate)) for keys, rate in found], wanted)

    def test_keyed_hashes_of_random_elements(self):
        rng = random.Random(9)
        elements = [(*random_element(rng), rng.randbytes(16)) for _ in range(2000)]
        for kind in sorted({kind for kind, _, _, _ in elements}):
            mine = [(text, element, key) for sql, text, element, key in elements if sql == kind]
            found = rows(f"SELECT hll_hash(x::{kind}, decode(k, 'hex')) FROM ({values([text for text, _, _ in mine], [key.hex() for _, _, key in mine])}) "
                         'AS v (number, x, k) ORDER BY number')
            for (text, element, key), (hash64,) in zip(mine, found, strict=True):
                self.assertEqual(hash64, f'{element.keyed_hash(key):016x}', (kind, text))

    def test_hashes_of_random_elements(self):
        rng = random.Random(5)
        elements = [random_element(rng) for _ in range(3000)]
        for kind in sorted({kind for kind, _, _ in elements}):
            mine = [(text, element) for sql, text, element in elements if sql == kind]
            found = rows(f'SELECT hll_hash(x::{kind}) FROM ({values([text for text, _ in mine])}) AS v (number, x) ORDER BY number')
            for (text, element), (hash64,) in zip(mine, found, strict=True):
                self.assertEqual(hash64, f'{element.hash:016x}', (kind, text))


class Searches(unittest.TestCase):
    """Keys, queries and what they hold of"""

    THRESHOLDS = (0.06, 0.1, 0.25, 0.55, 0.9, 1)

    def states(self):
        """Overlapping ones, of 0 to 3,000 elements, at precisions that have keys and two that have none"""
        rng = random.Random(16)
        pool = [rng.getrandbits(64) for _ in range(3000)]
        for _ in range(60):
            inside = pool[:int(3000 ** rng.random())] if rng.random() < 0.8 else []
            own = [rng.getrandbits(64) for _ in range(int(1500 ** rng.random()) - 1)]
            coupons = [h.coupon(x) for x in inside + own]
            yield h.build(coupons, rng.choice((9, 10, 11, 12, 12, 12, 13, 14)), rng.random() < 0.1)

    def test_they_agree(self):
        states = list(self.states())
        outcome = ('CREATE FUNCTION outcome(call text, s hllset, q hllset, at_least float8) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN '
                   "EXECUTE 'SELECT ' || call INTO r USING s, q, at_least; RETURN r; EXCEPTION WHEN invalid_parameter_value THEN RETURN 'none'; END $$;")
        psql(outcome)
        pairs = [(s, q, self.THRESHOLDS[(i + j) % 6]) for i, s in enumerate(states) for j, q in enumerate(states)]
        calls = {'hll_signature($1)': lambda s, q, x: '{' + ','.join(map(str, search.signature(s))) + '}',
                 'hll_signature($1, 32)': lambda s, q, x: '{' + ','.join(map(str, search.signature(s, 32))) + '}',
                 'hll_similar_to($1, $3)': lambda s, q, x: '\\x' + search.similar_to(s, x).hex(),
                 'hll_within($1, $3)': lambda s, q, x: '\\x' + search.within(s, x).hex(),
                 '$1 % hll_similar_to($2, $3)': lambda s, q, x: str(search.is_similar(s, q, x)).lower(),
                 '$1 %> hll_within($2, $3)': lambda s, q, x: str(search.contains(s, q, x)).lower()}
        for call, model in calls.items():
            asked = pairs[::5] if '$2' in call else [(s, s, x) for s in states for x in self.THRESHOLDS[:2]]
            rows_of = values(*zip(*(('\\x' + h.encode(s).hex(), '\\x' + h.encode(q).hex(), repr(x)) for s, q, x in asked)))
            got = [line[0] for line in rows(f'SELECT outcome({literal(call)}, s::hllset, q::hllset, x::float8) FROM ({rows_of}) v (i, s, q, x) ORDER BY i')]
            wanted = []
            for s, q, x in asked:
                try:
                    wanted.append(model(s, q, x))
                except search.NoKeys:
                    wanted.append('none')
            self.assertEqual(got, wanted, call)
            self.assertIn('none', got)
            self.assertGreater(len(set(got)), 2)


if __name__ == '__main__':
    unittest.main()
