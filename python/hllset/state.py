# SPDX-License-Identifier: PostgreSQL
"""
Sets: hash -> coupon -> state -> bytes and back (docs/format.md), for whoever ports the format to another language.

decode refuses everything that encode can't have written, so that encode(decode(data)) == data for all data.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import Iterable, Sequence

from .codec import FormatError, Reader, Writer, count_code, demand, field, gaps, plane_of

__all__ = ['FormatError', 'State', 'build', 'cardinality', 'compact', 'coupon', 'decode', 'encode', 'fold', 'is_empty', 'settle', 'union']

VERSION, KIND_SET, COMPACT_BIT, HASH_ID = 1, 1, 16, 1
LEVELS, ADDRESS_BITS = 32, 26
MIN_PRECISION, MAX_PRECISION = 4, 18


# ---- From a hash to a coupon ----

def coupon(hash64: int) -> int:
    return min(64 - hash64.bit_length(), LEVELS - 1) << ADDRESS_BITS | hash64 & (1 << ADDRESS_BITS) - 1


# ---- From coupons to a state ----

@dataclass(frozen=True)
class State:
    precision: int
    compact: bool
    level0: int
    planes: tuple[int, ...]  # one int of 2^precision bits for each level below level0
    tokens: tuple[int, ...]  # sorted coupons of the levels from level0 on, their addresses cut to token_bits unless level0 = 0


def token_bits(precision: int) -> int:
    return min(precision + 8, ADDRESS_BITS)


def room(precision: int) -> int:
    """S, the largest number of tokens"""
    return (1 << precision) // 4


def settle(precision: int, compact: bool, level0: int, planes: Sequence[int], tokens: Iterable[int]) -> State:
    """The state that planes (of the levels below level0) and coupons make together; brings L0 to where it belongs."""
    distinct = set(tokens)
    if level0 == 0 and len(distinct) <= room(precision):
        return State(precision, compact, 0, (), tuple(sorted(distinct)))
    cut = (LEVELS - 1) << ADDRESS_BITS | (1 << token_bits(precision)) - 1
    tokens = sorted({token & cut for token in distinct})
    level0 = LEVELS if compact else max(level0, 1)
    while sum(token >> ADDRESS_BITS >= level0 for token in tokens) > room(precision):
        level0 += 1
    buckets: list[list[int]] = [[] for level in range(LEVELS + 1)]
    for token in tokens:
        buckets[token >> ADDRESS_BITS].append(token & (1 << precision) - 1)
    planes = list(planes) + [0] * (level0 - len(planes))
    planes = tuple(planes[level] | plane_of(buckets[level], precision) for level in range(level0))
    return State(precision, compact, level0, planes, tuple(token for token in tokens if token >> ADDRESS_BITS >= level0))


def build(coupons: Iterable[int], precision: int = 12, compact: bool = False) -> State:
    return settle(precision, compact, 0, (), coupons)


def fold(state: State, precision: int) -> State:
    """The same set at a smaller or equal precision"""
    planes = list(state.planes)
    for half in range(state.precision - 1, precision - 1, -1):
        planes = [(plane >> (1 << half) | plane) & (1 << (1 << half)) - 1 for plane in planes]
    return settle(precision, state.compact, state.level0, planes, state.tokens)


def compact(state: State) -> State:
    return settle(state.precision, True, state.level0, state.planes, state.tokens)


def is_empty(state: State) -> bool:
    return state.level0 == 0 and not state.tokens


def union(a: State, b: State) -> State:
    if is_empty(a) and is_empty(b):
        return build((), max(a.precision, b.precision), a.compact and b.compact)
    if is_empty(a) or is_empty(b):
        return b if is_empty(a) else a
    precision = min(a.precision, b.precision)
    a, b = sorted((fold(a, precision), fold(b, precision)), key=lambda state: state.level0)
    planes = [plane | (a.planes[k] if k < a.level0 else 0) for k, plane in enumerate(b.planes)]
    return settle(precision, a.compact or b.compact, b.level0, planes, a.tokens + b.tokens)


# ---- From a state to bytes ----

def by_level(tokens: Iterable[int]) -> list[list[int]]:
    """The addresses on each level"""
    levels: list[list[int]] = [[] for level in range(LEVELS)]
    for token in tokens:
        levels[token >> ADDRESS_BITS].append(token & (1 << ADDRESS_BITS) - 1)
    return levels


def put_sizes(stream: Writer, levels: list[list[int]], level0: int, p: int) -> None:
    """How many tokens there are, and how many of them are on each level"""
    rest = sum(map(len, levels))
    if level0 < LEVELS:
        stream.put(field(rest, p - 1))
    for k in range(level0, LEVELS - 1):
        stream.put(field(len(levels[k]), rest.bit_length()))
        rest -= len(levels[k])


def put_tokens(stream: Writer, levels: list[list[int]], cells: int) -> None:
    for level in reversed(levels):
        stream.put(''.join(gaps(level, cells)))


def encode(state: State) -> bytes:
    p, level0 = state.precision, state.level0
    m = 1 << p
    counts = [plane.bit_count() for plane in state.planes]
    levels = by_level(state.tokens)
    stream, full, end = Writer(), 0, 0
    if level0 > 0:
        full = len(list(takewhile(lambda count: count == m, counts)))
        end = max([full] + [k + 1 for k, count in enumerate(counts) if count])
        stream.put(field(full, 6) + field(end, 6))
        for k in range(end - 1, full - 1, -1):
            stream.put(count_code(counts[k], counts[k + 1] if k < end - 1 else None, p))
    put_sizes(stream, levels, level0, p)
    put_tokens(stream, levels, 1 << (token_bits(p) if level0 else ADDRESS_BITS))
    for k in range(end - 1, full - 1, -1):
        if 0 < counts[k] < m:
            stream.plane(state.planes[k], p)
    return bytes([VERSION, KIND_SET | COMPACT_BIT * state.compact, p, HASH_ID, level0]) + stream.finish()


def sizes_of(stream: Reader, level0: int, p: int) -> list[int]:
    rest = stream.field(p - 1) if level0 < LEVELS else 0
    demand(rest <= room(p), 'count')
    sizes = [0] * LEVELS
    for k in range(level0, LEVELS):
        sizes[k] = stream.field(rest.bit_length()) if k < LEVELS - 1 else rest
        demand(sizes[k] <= rest, 'count')
        rest -= sizes[k]
    return sizes


def tokens_of(stream: Reader, sizes: list[int], cells: int) -> tuple[int, ...]:
    levels = [[k << ADDRESS_BITS | x for x in stream.gaps(sizes[k], cells)] for k in reversed(range(LEVELS))]
    return tuple(token for level in reversed(levels) for token in level)


def decode(data: bytes) -> State:
    demand(len(data) >= 5, 'truncated')
    version, kind, p, hash_id, level0 = data[:5]
    is_compact = bool(kind & COMPACT_BIT)
    demand(version == VERSION, 'version')
    demand(kind & ~COMPACT_BIT == KIND_SET, 'kind')
    demand(MIN_PRECISION <= p <= MAX_PRECISION, 'precision')
    demand(hash_id == HASH_ID, 'hash')
    demand(level0 in (0, LEVELS) if is_compact else level0 <= LEVELS, 'level')
    m, stream = 1 << p, Reader(data[5:])

    full = end = 0
    if level0 > 0:
        full, end = stream.field(6), stream.field(6)
        demand(full <= end <= level0, 'count')
    counts = [m] * full + [0] * (level0 - full)
    for k in range(end - 1, full - 1, -1):
        counts[k] = stream.count(counts[k + 1] if k < end - 1 else None, p)
    demand(full == end or counts[full] < m and counts[end - 1] > 0, 'count')
    sizes = sizes_of(stream, level0, p)
    demand(level0 == 0 or most_before(p, is_compact, level0, counts, sum(sizes)) > room(p), 'level')

    tokens = tokens_of(stream, sizes, 1 << (token_bits(p) if level0 else ADDRESS_BITS))
    planes = [(1 << m) - 1 if count == m else 0 for count in counts]
    for k in range(end - 1, full - 1, -1):
        if 0 < counts[k] < m:
            planes[k] = stream.plane(counts[k], p)
    stream.finish()
    return State(p, is_compact, level0, tuple(planes), tokens)


def most_before(p: int, is_compact: bool, level0: int, counts: list[int], total: int) -> int:
    """The longest list that can have made L0 rise to level0"""
    if level0 == 1 or is_compact:
        return (sum(counts) << ADDRESS_BITS - p) + (total << ADDRESS_BITS - token_bits(p))
    return (counts[level0 - 1] << token_bits(p) - p) + total


# ---- What a reader may want: the maximum likelihood count ----

def cardinality(state: State) -> float:
    """The n at which the cells of each level are most likely to be as they are (no part of the format; docs/design.md)."""
    if state.level0 == 0:
        return float(len(state.tokens))
    m = 1 << state.precision
    cells = []  # of each level: ones, number of cells, chance that one element hits one given cell
    for k in range(LEVELS):
        if k < state.level0:
            ones, size = state.planes[k].bit_count(), m
        else:
            ones, size = sum(token >> ADDRESS_BITS == k for token in state.tokens), 1 << token_bits(state.precision)
        cells.append((ones, size, 2.0 ** -min(k + 1, LEVELS - 1) / size))
    all_ones = sum(ones for ones, _, _ in cells)
    missing = sum((size - ones) * r for ones, size, r in cells)

    def excess(n: float) -> float:
        if missing == 0:  # no cell is left: the n at which half an empty one is expected
            return sum(size * math.exp(-n * r) for _, size, r in cells) - 0.5
        return sum(ones * r / math.expm1(min(n * r, 700)) for ones, _, r in cells) - missing

    low, high = 1e-3, 1e25
    while high / low > 1 + 1e-14:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    # the bias to first order, scaled to its limit at n >> m as simulated
    information = sum(size * (low * r) ** 2 / math.expm1(min(low * r, 700)) for _, size, r in cells)
    third = sum(size * (low * r) ** 3 / math.expm1(min(low * r, 700)) for _, size, r in cells)
    bias = 0.3 * min(third / (2 * information ** 2) / 0.30793, 1 / m)
    return max(low / (1 + bias), all_ones)
