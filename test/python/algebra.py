# SPDX-License-Identifier: PostgreSQL
"""
Values of all kinds (docs/format.md, The kinds of value): sets are states of hllset.py; here are expressions and samples, the operations
that lead to them, and their bytes.

As there, decode refuses everything that encode can't have written.
"""
from dataclasses import dataclass

import hllset as h

KIND_EXPRESSION, KIND_SAMPLE, KIND_BITS = 2, 3, 15
MAX_SOURCES = 6
OPERATIONS = {'|': lambda a, b: a | b, '&': lambda a, b: a & b, '-': lambda a, b: a & (1 - b), '#': lambda a, b: a ^ b}


class NoTokens(ValueError):
    """A sample was needed of a set that has no tokens."""


@dataclass(frozen=True)
class Expression:
    precision: int
    compact: bool
    sources: tuple  # states, ascending by their bytes
    table: tuple    # 0 or 1 for each mask of sources


@dataclass(frozen=True)
class Sample:
    precision: int
    level0: int
    tokens: tuple
    compact = False


# ---- Operations ----

def combine(operation, a, b):
    """operation: one of OPERATIONS"""
    empty_a, empty_b = is_empty(a), is_empty(b)
    if empty_a and empty_b:
        return h.union(a, b)
    if empty_a or empty_b:
        other = b if empty_a else a
        return other if OPERATIONS[operation](not empty_a, not empty_b) else h.build((), other.precision, other.compact)
    precision, compact = min(a.precision, b.precision), a.compact or b.compact
    if operation == '|' and isinstance(a, h.State) and isinstance(b, h.State):
        return h.union(a, b)
    (sources, left), (more, right) = parts(a), parts(b)
    table = tuple(OPERATIONS[operation](x, y) for y in right for x in left)
    return resolve(precision, compact, sources + more, table)


def fold(value, precision):
    return h.fold(value, precision) if isinstance(value, h.State) else resolve(precision, value.compact, *parts(value))


def parts(value):
    """Sources and table; what is no expression is its own only source."""
    return (value.sources, value.table) if isinstance(value, Expression) else ((value,), (0, 1))


def resolve(precision, compact, sources, table):
    """The value that the table over these sources stands for"""
    if any(isinstance(source, Sample) for source in sources):
        return take_sample(precision, sources, table)
    sources, table = reduce([h.fold(source, precision) for source in sources], table)
    if not sources:
        return h.build((), precision, compact)
    if len(sources) == 1:
        return sources[0]
    if is_small(sources):
        return h.build(chosen(sources, table), precision, compact)
    if len(sources) > MAX_SOURCES:
        return take_sample(precision, sources, table)
    return Expression(precision, any(source.compact for source in sources), tuple(sources), table)


def is_small(sources):
    return all(source.level0 == 0 for source in sources)


def is_empty(value):
    """The empty set; a sample without tokens has only seen nothing."""
    return isinstance(value, h.State) and h.is_empty(value)


def take_sample(precision, sources, table):
    level0 = max(source.level0 for source in sources)
    tokens = chosen(sources, table, level0, h.token_bits(precision))
    while len(tokens) > h.room(precision):
        level0 += 1
        tokens = [token for token in tokens if token >> h.ADDRESS_BITS >= level0]
    if level0 >= h.LEVELS:
        raise NoTokens
    return Sample(precision, level0, tuple(tokens))


def chosen(sources, table, level0=0, bits=h.ADDRESS_BITS):
    """The tokens of level >= level0, cut to so many bits of address, that satisfy the table"""
    cut, masks = (h.LEVELS - 1) << h.ADDRESS_BITS | (1 << bits) - 1, {}
    for i, source in enumerate(sources):
        for token in source.tokens:
            if token >> h.ADDRESS_BITS >= level0:
                masks[token & cut] = masks.get(token & cut, 0) | 1 << i
    return sorted(token for token, mask in masks.items() if table[mask])


# ---- Reduction ----

def rewire(table, places, count):
    """The table over `count` sources where what was source i is present if source places[i] is, never if that is None"""
    return tuple(table[sum((x >> place & 1) << i for i, place in enumerate(places) if place is not None)] for x in range(1 << count))


def keep(sources, table, kept):
    """Without the other sources, and the half of the table in which each of them is present"""
    places = [kept.index(i) if i in kept else None for i in range(len(sources))]
    return [sources[i] for i in kept], rewire(table, places, len(kept))


def merge(sources, table, classes):
    """classes: for each source the number of its first like; each class becomes the union of its members."""
    firsts = sorted(set(classes))
    merged = []
    for first in firsts:
        source = sources[first]
        for i, number in enumerate(classes):
            if number == first != i:
                source = h.union(source, sources[i])
        merged.append(source)
    return merged, rewire(table, [firsts.index(number) for number in classes], len(firsts))


def depends(table, i):
    return any(table[x] != table[x ^ 1 << i] for x in range(len(table)))


def is_union_pair(table, i, j):
    a, b = 1 << i, 1 << j
    return all(table[x | a] == table[x | b] == table[x | a | b] for x in range(len(table)) if not x & (a | b))


def reduce(sources, table):
    sources, table = keep(sources, table, [i for i, source in enumerate(sources) if not is_empty(source)])
    while True:
        sources, table = merge(sources, table, [sources.index(source) for source in sources])
        sources, table = keep(sources, table, [i for i in range(len(sources)) if depends(table, i)])
        classes = [next(i for i in range(j + 1) if i == j or is_union_pair(table, i, j)) for j in range(len(sources))]
        if classes == list(range(len(sources))):
            break
        sources, table = merge(sources, table, classes)
    order = sorted(range(len(sources)), key=lambda i: h.encode(sources[i]))
    return [sources[i] for i in order], rewire(table, [order.index(i) for i in range(len(order))], len(order))


# ---- From a value to bytes ----

def head(kind, compact, precision):
    return bytes([h.VERSION, kind | h.COMPACT_BIT * compact, precision, h.HASH_ID])


def encode(value):
    if isinstance(value, Expression):
        return encode_expression(value.precision, value.compact, [h.encode(source) for source in value.sources], value.table)
    return encode_sample(value) if isinstance(value, Sample) else h.encode(value)


def encode_expression(precision, compact, sources, table):
    bits = sum(bit << x for x, bit in enumerate(table))
    body = b''.join(len(source).to_bytes(4, 'little') + source for source in sources)
    return head(KIND_EXPRESSION, compact, precision) + bytes([len(sources)]) + bits.to_bytes(-(-len(table) // 8), 'little') + body


def encode_sample(sample):
    """A set's bytes without what they say of planes"""
    p, levels, stream = sample.precision, h.by_level(sample.tokens), h.Writer()
    h.put_sizes(stream, levels, sample.level0, p)
    h.put_tokens(stream, levels, 1 << h.token_bits(p))
    return head(KIND_SAMPLE, sample.compact, p) + bytes([sample.level0]) + stream.finish()


def decode(data):
    kind = data[1] & KIND_BITS if len(data) > 4 and data[0] == h.VERSION else h.KIND_SET
    if kind not in (KIND_EXPRESSION, KIND_SAMPLE):
        return h.decode(data)
    h.demand(data[1] & ~(KIND_BITS | h.COMPACT_BIT) == 0, 'kind')
    h.demand(h.MIN_PRECISION <= data[2] <= h.MAX_PRECISION, 'precision')
    h.demand(data[3] == h.HASH_ID, 'hash')
    return decode_expression(data) if kind == KIND_EXPRESSION else decode_sample(data)


def decode_expression(data):
    compact, precision, count = bool(data[1] & h.COMPACT_BIT), data[2], data[4]
    h.demand(2 <= count <= MAX_SOURCES, 'count')
    at = 5 + max((1 << count) // 8, 1)
    h.demand(len(data) >= at, 'truncated')
    bits = int.from_bytes(data[5:at], 'little')
    h.demand(bits & 1 == 0 and bits < 1 << (1 << count), 'expression')
    table = tuple(bits >> x & 1 for x in range(1 << count))
    encoded = []
    for _ in range(count):
        h.demand(len(data) >= at + 4, 'truncated')
        at, end = at + 4, at + 4 + int.from_bytes(data[at:at + 4], 'little')
        h.demand(len(data) >= end, 'truncated')
        encoded.append(data[at:end])
        at = end
    h.demand(at == len(data), 'trailing')
    sources = [decode_source(each) for each in encoded]
    h.demand(all(source.precision == precision and not is_empty(source) for source in sources), 'expression')
    h.demand(encoded == sorted(set(encoded)), 'expression')
    h.demand(all(depends(table, i) for i in range(count)), 'expression')
    h.demand(not any(is_union_pair(table, i, j) for j in range(count) for i in range(j)), 'expression')
    h.demand(not is_small(sources) and compact == any(source.compact for source in sources), 'expression')
    return Expression(precision, compact, tuple(sources), table)


def decode_source(data):
    source = decode(data) if len(data) < 2 or data[1] & KIND_BITS != KIND_EXPRESSION else None
    h.demand(isinstance(source, h.State), 'expression')
    return source


def decode_sample(data):
    p, level0 = data[2], data[4]
    h.demand(0 < level0 < h.LEVELS and not data[1] & h.COMPACT_BIT, 'level')
    stream = h.Reader(data[5:])
    sizes = h.sizes_of(stream, level0, p)
    tokens = h.tokens_of(stream, sizes, 1 << h.token_bits(p))
    stream.finish()
    return Sample(p, level0, tokens)
