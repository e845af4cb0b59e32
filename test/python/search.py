# SPDX-License-Identifier: PostgreSQL
"""
Keys of sets and queries by them (docs/format.md, Keys, and queries by them). Chances are fractions, so thresholds are exact.
"""
import struct
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import tree  # noqa: F401
from hllset.state import ADDRESS_BITS, HASH_ID, VERSION, fold

SIMILAR, WITHIN = 4, 5
SIGNATURE_KEYS, LEAST_KEYS = 64, 64
SURE = Fraction(98, 100)


class NoKeys(Exception):
    """The set has none"""


def keys_of(state, bits):
    return sorted({token >> ADDRESS_BITS << bits | token & (1 << bits) - 1 for token in state.tokens})


def demand_keys(state, precision):
    if state.precision < precision or state.compact and state.level0 > 0:
        raise NoKeys


def signature(state, wanted=SIGNATURE_KEYS):
    demand_keys(state, 10)
    keys = keys_of(state, 18)[-wanted:]
    if state.level0 > 0 and len(keys) < wanted:
        raise NoKeys
    return keys


def contain_keys(state):
    """(L0, keys)"""
    demand_keys(state, 12)
    # a small compact set knows its elements as a graded one does
    folded = fold(replace(state, compact=False), 12)
    keys = keys_of(folded, 20)
    if folded.level0 > 0 and len(keys) < LEAST_KEYS:
        raise NoKeys
    return folded.level0, keys


def query(kind, level0, keys, at_least):
    return struct.pack('<BBBBd', VERSION, kind, level0, HASH_ID, at_least) + struct.pack(f'<{len(keys)}I', *keys)


def similar_to(state, at_least):
    return query(SIMILAR, 0, signature(state), at_least)


def within(state, at_least):
    return query(WITHIN, *contain_keys(state), at_least)


@lru_cache(maxsize=None)
def sampled(n, share):
    """The largest number that a binomial reaches with the chance that is asked for: in units of the share's denominator to the n-th power."""
    yes, all_of = Fraction(share).as_integer_ratio()
    no = all_of - yes
    term, chance, least = yes ** n, yes ** n, n
    missed = SURE * all_of ** n
    while chance < missed:
        term = term * no * least // (yes * (n - least + 1))
        chance += term
        least -= 1
    return least


def known(n, share):
    return next(t for t in range(n + 1) if t / n >= share)


def is_similar(state, other, at_least):
    a, b = signature(state), signature(other)
    if not a or not b:
        return False
    both = sorted({*a, *b})[-SIGNATURE_KEYS:]
    shared = len({*both} & {*a} & {*b})
    return shared >= (sampled if len(both) == SIGNATURE_KEYS else known)(len(both), at_least)


def contains(state, other, at_least):
    """Whether the state contains a part of the other"""
    (mine, keys), (theirs, asked) = contain_keys(state), contain_keys(other)
    level0 = max(mine, theirs)
    asked = [key for key in asked if key >> 20 >= level0]
    if not asked:
        return False
    return len({*asked} & {*keys}) >= max((sampled if level0 else known)(len(asked), at_least), 1)
