# SPDX-License-Identifier: PostgreSQL
"""
Values of all kinds (docs/format.md, The kinds of value): sets are states of state.py; here are expressions and samples, the operations
that lead to them, and their bytes.

As there, decode refuses everything that encode can't have written.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Sequence, Union

from . import state as h
from .codec import FormatError, Reader, Writer, demand

KIND_EXPRESSION, KIND_SAMPLE, KIND_BITS = 2, 3, 15
MAX_SOURCES = 6
KEY_BITS, KEY_PRECISION = 20, 12
OPERATIONS: dict[str, Callable[[int, int], int]] = {'|': lambda a, b: a | b, '&': lambda a, b: a & b, '-': lambda a, b: a & (1 - b), '#': lambda a, b: a ^ b}


class NoTokens(ValueError):
    """A sample was needed of a set that has no tokens."""


@dataclass(frozen=True)
class Expression:
    precision: int
    compact: bool
    sources: tuple[h.State, ...]  # states, ascending by their bytes
    table: tuple[int, ...]        # 0 or 1 for each mask of sources


@dataclass(frozen=True)
class Sample:
    precision: int
    level0: int
    tokens: tuple[int, ...]
    compact = False


Source = Union[h.State, Sample]
Value = Union[h.State, Expression, Sample]
Table = Sequence[int]


# ---- Operations ----

def combine(operation: str, a: Value, b: Value) -> Value:
    """operation: one of OPERATIONS"""
    empty_a, empty_b = is_empty(a), is_empty(b)
    if isinstance(a, h.State) and isinstance(b, h.State) and empty_a and empty_b:
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


def fold(value: Value, precision: int) -> Value:
    return h.fold(value, precision) if isinstance(value, h.State) else resolve(precision, value.compact, *parts(value))


def parts(value: Value) -> tuple[tuple[Source, ...], tuple[int, ...]]:
    """Sources and table; what is no expression is its own only source."""
    return (value.sources, value.table) if isinstance(value, Expression) else ((value,), (0, 1))


def resolve(precision: int, compact: bool, sources: Sequence[Source], table: Table) -> Value:
    """The value that the table over these sources stands for"""
    if any(isinstance(source, Sample) for source in sources):
        return take_sample(precision, sources, table)
    states, table = reduce([h.fold(source, precision) for source in sources if isinstance(source, h.State)], table)
    if not states:
        return h.build((), precision, compact)
    if len(states) == 1:
        return states[0]
    if is_small(states):
        return h.build(chosen(states, table), precision, compact)
    if len(states) > MAX_SOURCES:
        return take_sample(precision, states, table)
    return Expression(precision, any(state.compact for state in states), tuple(states), tuple(table))


def is_small(sources: Sequence[Source]) -> bool:
    return all(source.level0 == 0 for source in sources)


def is_empty(value: Value) -> bool:
    """The empty set; a sample without tokens has only seen nothing."""
    return isinstance(value, h.State) and h.is_empty(value)


def take_sample(precision: int, sources: Sequence[Source], table: Table) -> Sample:
    level0 = max(source.level0 for source in sources)
    tokens = chosen(sources, table, level0, h.token_bits(precision))
    while len(tokens) > h.room(precision):
        level0 += 1
        tokens = [token for token in tokens if token >> h.ADDRESS_BITS >= level0]
    if level0 >= h.LEVELS:
        raise NoTokens
    return Sample(precision, level0, tuple(tokens))


def chosen(sources: Sequence[Source], table: Table, level0: int = 0, bits: int = h.ADDRESS_BITS) -> list[int]:
    """The tokens of level >= level0, cut to so many bits of address, that satisfy the table"""
    cut = (h.LEVELS - 1) << h.ADDRESS_BITS | (1 << bits) - 1
    masks: dict[int, int] = {}
    for i, source in enumerate(sources):
        for token in source.tokens:
            if token >> h.ADDRESS_BITS >= level0:
                masks[token & cut] = masks.get(token & cut, 0) | 1 << i
    return sorted(token for token, mask in masks.items() if table[mask])


# ---- Members ----

def key_of(coupon: int) -> int:
    return coupon >> h.ADDRESS_BITS << KEY_BITS | coupon & (1 << KEY_BITS) - 1


def sample_level(value: Value, least: int = 0) -> int:
    """The level from which a value is sampled"""
    sources, _ = parts(value)
    if not is_empty(value):
        demand(value.precision >= KEY_PRECISION, 'precision')
        if any(source.level0 == h.LEVELS for source in sources):
            raise NoTokens
    return max([least] + [source.level0 for source in sources])


def member_keys(value: Value, least: int = 0) -> list[int]:
    """The keys of the sample, ascending"""
    sources, table = parts(value)
    level = sample_level(value, least)
    bits = h.token_bits(value.precision) if level else h.ADDRESS_BITS
    return sorted({key_of(token) for token in chosen(sources, table, level, bits)})


# ---- Reduction ----

def rewire(table: Table, places: Sequence[int | None], count: int) -> tuple[int, ...]:
    """The table over `count` sources where what was source i is present if source places[i] is, never if that is None"""
    return tuple(table[sum((x >> place & 1) << i for i, place in enumerate(places) if place is not None)] for x in range(1 << count))


def keep(sources: list[h.State], table: Table, kept: list[int]) -> tuple[list[h.State], Table]:
    """Without the other sources, and the half of the table in which each of them is present"""
    places = [kept.index(i) if i in kept else None for i in range(len(sources))]
    return [sources[i] for i in kept], rewire(table, places, len(kept))


def merge(sources: list[h.State], table: Table, classes: list[int]) -> tuple[list[h.State], Table]:
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


def depends(table: Table, i: int) -> bool:
    return any(table[x] != table[x ^ 1 << i] for x in range(len(table)))


def is_union_pair(table: Table, i: int, j: int) -> bool:
    a, b = 1 << i, 1 << j
    return all(table[x | a] == table[x | b] == table[x | a | b] for x in range(len(table)) if not x & (a | b))


def reduce(sources: list[h.State], table: Table) -> tuple[list[h.State], Table]:
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

def head(kind: int, compact: bool, precision: int) -> bytes:
    return bytes([h.VERSION, kind | h.COMPACT_BIT * compact, precision, h.HASH_ID])


def encode(value: Value) -> bytes:
    if isinstance(value, Expression):
        return encode_expression(value.precision, value.compact, [h.encode(source) for source in value.sources], value.table)
    return encode_sample(value) if isinstance(value, Sample) else h.encode(value)


def encode_expression(precision: int, compact: bool, sources: Sequence[bytes], table: Table) -> bytes:
    bits = sum(bit << x for x, bit in enumerate(table))
    body = b''.join(len(source).to_bytes(4, 'little') + source for source in sources)
    return head(KIND_EXPRESSION, compact, precision) + bytes([len(sources)]) + bits.to_bytes(-(-len(table) // 8), 'little') + body


def encode_sample(sample: Sample) -> bytes:
    """A set's bytes without what they say of planes"""
    p, levels, stream = sample.precision, h.by_level(sample.tokens), Writer()
    h.put_sizes(stream, levels, sample.level0, p)
    h.put_tokens(stream, levels, 1 << h.token_bits(p))
    return head(KIND_SAMPLE, sample.compact, p) + bytes([sample.level0]) + stream.finish()


def decode(data: bytes) -> Value:
    kind = data[1] & KIND_BITS if len(data) > 4 and data[0] == h.VERSION else h.KIND_SET
    if kind not in (KIND_EXPRESSION, KIND_SAMPLE):
        return h.decode(data)
    demand(data[1] & ~(KIND_BITS | h.COMPACT_BIT) == 0, 'kind')
    demand(h.MIN_PRECISION <= data[2] <= h.MAX_PRECISION, 'precision')
    demand(data[3] == h.HASH_ID, 'hash')
    return decode_expression(data) if kind == KIND_EXPRESSION else decode_sample(data)


def decode_expression(data: bytes) -> Expression:
    compact, precision, count = bool(data[1] & h.COMPACT_BIT), data[2], data[4]
    demand(2 <= count <= MAX_SOURCES, 'count')
    at = 5 + max((1 << count) // 8, 1)
    demand(len(data) >= at, 'truncated')
    bits = int.from_bytes(data[5:at], 'little')
    demand(bits & 1 == 0 and bits < 1 << (1 << count), 'expression')
    table = tuple(bits >> x & 1 for x in range(1 << count))
    encoded = []
    for _ in range(count):
        demand(len(data) >= at + 4, 'truncated')
        at, end = at + 4, at + 4 + int.from_bytes(data[at:at + 4], 'little')
        demand(len(data) >= end, 'truncated')
        encoded.append(data[at:end])
        at = end
    demand(at == len(data), 'trailing')
    sources = [decode_source(each) for each in encoded]
    demand(all(source.precision == precision and not is_empty(source) for source in sources), 'expression')
    demand(encoded == sorted(set(encoded)), 'expression')
    demand(all(depends(table, i) for i in range(count)), 'expression')
    demand(not any(is_union_pair(table, i, j) for j in range(count) for i in range(j)), 'expression')
    demand(not is_small(sources) and compact == any(source.compact for source in sources), 'expression')
    return Expression(precision, compact, tuple(sources), table)


def decode_source(data: bytes) -> h.State:
    source = decode(data) if len(data) < 2 or data[1] & KIND_BITS != KIND_EXPRESSION else None
    if not isinstance(source, h.State):
        raise FormatError('expression')
    return source


def decode_sample(data: bytes) -> Sample:
    p, level0 = data[2], data[4]
    demand(0 < level0 < h.LEVELS and not data[1] & h.COMPACT_BIT, 'level')
    stream = Reader(data[5:])
    sizes = h.sizes_of(stream, level0, p)
    tokens = h.tokens_of(stream, sizes, 1 << h.token_bits(p))
    stream.finish()
    return Sample(p, level0, tokens)
