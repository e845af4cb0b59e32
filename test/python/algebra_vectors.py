# SPDX-License-Identifier: PostgreSQL
"""The lines of test/vectors.tsv about expressions and samples. They take `integers`, which makes sets (make_vectors.py)."""
from dataclasses import replace
from functools import reduce

import tree  # noqa: F401
from hllset import algebra as g
from hllset import state as h


def intersection(values):
    return reduce(lambda a, b: g.combine('&', a, b), values)


def chain(integers, count, precision=4, compact=False):
    """Sets that overlap in a common core and with their neighbours"""
    return [integers(1 - 7 * i, 90 + 11 * i, precision, compact) for i in range(count)]


def values(integers):
    a, b, c, d, *rest = chain(integers, 9)
    x, y = chain(integers, 2, 4, True)
    small, other = integers(1, 3, 4), integers(3, 6, 4)
    ab, cd = g.combine('&', a, b), g.combine('#', c, d)
    six, seven = intersection([a, b, c, d, *rest[:2]]), intersection([a, b, c, d, *rest[:3]])
    return [
        a, b, x, small, integers(1, 2, 4, True), h.build((), 4, True), integers(20, 99, 5), integers(1, 9, 6),
        ab, g.combine('-', a, b), cd, g.combine('-', ab, c), g.combine('&', x, y), g.combine('-', x, a), g.combine('&', a, small),
        g.combine('#', g.combine('-', small, a), other), g.combine('|', ab, cd), g.combine('&', *chain(integers, 2, 5)),
        six, seven, g.combine('-', rest[3], seven), intersection(chain(integers, 8, 5))]


def operand_pairs(integers):
    """Each with each, under one of the operations in turn, and some under all of them"""
    made = values(integers)
    for n, a in enumerate(made):
        for m, b in enumerate(made[:n + 1]):
            yield '|&-#'[(n + m) % 4], a, b
    a, b = made[:2]
    ab, minus = made[8:10]
    for operation in g.OPERATIONS:
        yield from ((operation, *pair) for pair in ((a, b), (b, a), (ab, minus), (minus, ab), (ab, a), (a, made[5]), (made[5], a)))
        yield from ((operation, *pair) for pair in pairs_with_empty(integers))


def pairs_with_empty(integers):
    """The empty set, finer and coarser, in both forms, before and after values of every kind and among its own"""
    empties = [h.build((), precision, compact) for precision in (4, 9) for compact in (False, True)]
    a, b, *more = chain(integers, 7, 6)
    for value in (integers(1, 3, 6), integers(1, 3, 6, True), a, integers(1, 90, 6, True), g.combine('&', a, b), intersection([a, b, *more]),
                  *empties):
        for empty in empties:
            yield from ((value, empty), (empty, value))


def combine_lines(integers):
    for operation, a, b in operand_pairs(integers):
        try:
            result = g.encode(g.combine(operation, a, b)).hex()
        except g.NoTokens:
            result = 'refused'
        yield 'combine', operation, g.encode(a).hex(), g.encode(b).hex(), result


def fold_lines(integers):
    for precision in (5, 7, 10):
        a, b, *more = chain(integers, 8, precision)
        small = integers(1, 2 ** precision // 4, precision)
        for value in (g.combine('-', a, b), g.combine('&', b, small), intersection([a, b, *more]),
                      g.combine('-', *chain(integers, 2, precision, True))):
            yield 'fold', g.encode(value).hex(), precision - 1, 'kept', g.encode(g.fold(value, precision - 1)).hex()
            yield 'fold', g.encode(value).hex(), 4, 'kept', g.encode(g.fold(value, 4)).hex()


def refused_expressions(integers):
    a, b, c = (h.encode(each) for each in sorted(chain(integers, 3), key=h.encode))
    finer, small, empty, compact = (h.encode(each) for each in (integers(1, 90, 5), integers(1, 3, 4), h.build((), 4), integers(1, 90, 4, True)))
    other = h.encode(integers(7, 9, 4))
    good = (0, 1, 0, 0)

    def expression(sources, table=good, is_compact=False):
        return g.encode_expression(4, is_compact, sources, table)

    def ascending(*sources):
        return sorted(sources)

    whole = expression([a, b])
    yield from (('count', whole[:4] + bytes([count]) + whole[5:]) for count in (0, 1, 7, 255))
    yield from (('truncated', whole[:size]) for size in (4, 5, 6, 9, 10, len(whole) - 1))
    yield 'truncated', whole[:6] + (2 ** 32 - 1).to_bytes(4, 'little') + whole[10:]
    yield 'truncated', expression([a[:-1], b])
    yield 'truncated', expression([b'', b])
    yield 'trailing', whole + b'\0'
    yield 'trailing', expression([a, b + b'\0'])
    yield 'kind', whole[:1] + bytes([2 | 32]) + whole[2:]
    yield 'kind', expression([a, b[:1] + b'\x04' + b[2:]])
    yield 'precision', whole[:2] + b'\x03' + whole[3:]
    yield 'hash', whole[:3] + b'\x02' + whole[4:]
    yield 'expression', whole[:2] + b'\x05' + whole[3:]                       # finer than its sources
    yield 'expression', expression(ascending(a, finer))
    yield 'expression', expression(ascending(a, empty))
    yield 'expression', expression(ascending(a, whole))
    yield 'expression', expression(ascending(a, g.encode(intersection(chain(integers, 7)))))
    yield 'expression', expression([a, a])
    yield 'expression', expression([a, a, b], (0, 0, 0, 0, 0, 0, 0, 1))
    yield 'expression', expression([b, a])
    yield 'expression', expression([a, c, b], (0, 0, 0, 0, 0, 0, 0, 1))
    yield 'expression', expression([a, b], (1, 0, 0, 0))                        # what is in none of the sources
    yield 'expression', whole[:5] + bytes([whole[5] | 16]) + whole[6:]          # a padding bit of the table
    yield 'expression', expression([a, b], (0, 0, 0, 0))
    yield 'expression', expression([a, b], (0, 1, 0, 1))                        # does not depend on b
    yield 'expression', expression([a, b], (0, 1, 1, 1))                        # a | b
    yield 'expression', expression([a, b, c], (0, 1, 0, 0, 0, 0, 0, 0))         # a - (b | c)
    yield 'expression', expression([a, b, c], (0, 0, 0, 1, 0, 1, 0, 1))         # a & (b | c)
    yield 'expression', expression(ascending(small, other))                     # small sets
    yield 'expression', expression([a, b], good, True)                          # compact, of graded sources
    yield 'expression', expression(ascending(a, compact))                       # graded, with a compact source
    yield 'ok', expression(ascending(a, compact), good, True)
    yield 'ok', expression(ascending(a, small))
    yield 'ok', expression([a, b, c], (0, 0, 0, 1, 0, 1, 1, 0))


def refused_samples(integers):
    sample = intersection(chain(integers, 7, 6))
    data = g.encode(sample)
    yield 'ok', data
    yield 'ok', g.encode(replace(sample, tokens=()))
    yield 'ok', g.encode(replace(sample, level0=31, tokens=(31 << h.ADDRESS_BITS | 5,)))
    yield from (('level', data[:4] + bytes([level0]) + data[5:]) for level0 in (0, 32, 33, 255))
    yield 'level', data[:1] + bytes([g.KIND_SAMPLE | h.COMPACT_BIT]) + data[2:]
    yield from (('truncated', data[:size]) for size in (4, 5, len(data) - 1))
    yield 'trailing', data + b'\0'
    yield 'padding', g.encode(replace(sample, tokens=()))[:-1] + b'\x80'
    yield 'count', g.encode(replace(sample, tokens=tuple(sample.level0 << h.ADDRESS_BITS | x for x in range(h.room(6) + 1))))


def refuse_lines(integers):
    for source in (refused_expressions, refused_samples):
        for reason, data in source(integers):
            try:
                assert g.encode(g.decode(data)) == data and reason == 'ok', (reason, data.hex())
                yield 'accept', data.hex()
            except h.FormatError as error:
                assert error.reason == reason, (reason, error.reason, data.hex())
                yield 'refuse', data.hex(), reason


def member_lines(integers):
    """Small sets, and large ones that differ in size and L0; kept short by a high least level"""
    def large(first, last, precision=12, compact=False):
        return integers(first, last, precision, compact)

    a, b, c = large(1, 9000), large(4000, 20000), large(1, 1500, 14)
    small, empty = large(1, 40), h.build((), 4)
    made = [small, empty, h.build((), 12, True), large(1, 3, 12, True), large(1, 30, 18), a, g.combine('-', a, b), g.combine('&', a, b),
            g.combine('#', a, small), g.combine('-', c, a), intersection(chain(integers, 7, 12)), intersection([large(i, 9000 + i) for i in range(8)]),
            large(1, 3, 11), large(1, 9000, 11), g.combine('-', large(1, 9000, 11), large(9, 99, 11)),
            large(1, 2000, 12, True), g.combine('&', large(1, 2000, 12, True), a)]
    for value in made:
        for least in (0, 3, 6):
            try:
                keys = g.member_keys(value, least)
                if len(keys) <= 200:
                    yield 'sample', g.encode(value).hex(), least, g.sample_level(value, least), ' '.join(map(str, keys))
            except g.NoTokens:
                yield 'sample', g.encode(value).hex(), least, 'no tokens', ''
            except h.FormatError:
                yield 'sample', g.encode(value).hex(), least, 'too coarse', ''


def lines(integers):
    for source in (combine_lines, fold_lines, refuse_lines, member_lines):
        yield from source(integers)
