# SPDX-License-Identifier: PostgreSQL
"""
The same states as state.py, from arrays of numpy: many elements at a time. Only what has to be fast is here; everything else turns these states into
those of state.py.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .state import ADDRESS_BITS, LEVELS, State, room, token_bits

CHUNK = 1 << 15  # elements at a time, so that what is calculated from them stays in the processor's cache

U64 = np.uint64
SECRET = 0x1CAD21F72C81017C ^ 0xDB979083E96DD4DE  # of XXH3, for input of 4 to 8 bytes
PRIME = U64(0x9FB21C651E98DF25)


def rotated(x: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return x << U64(bits) | x >> U64(64 - bits)


def hashes_of_words(words: NDArray[np.uint64], family: int) -> NDArray[np.uint64]:
    """XXH3-64 of each word of 8 bytes, with the seed of the family (XXH3_len_4to8_64b of the reference)"""
    seed = family | int.from_bytes(family.to_bytes(4, 'little'), 'big') << 32
    flip = U64((SECRET - seed) % 2 ** 64)
    x = rotated(words, 32) ^ flip
    x ^= rotated(x, 49) ^ rotated(x, 24)
    x *= PRIME
    x ^= (x >> U64(35)) + U64(8)
    x *= PRIME
    return x ^ x >> U64(28)


def coupons_of_hashes(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Level and address, as coupon() of state.py"""
    # The upper 32 bits are exact as a double, whose exponent is their width.
    width = np.frexp((hashes >> U64(32)).astype(np.float64))[1]
    levels = np.minimum(32 - width, LEVELS - 1).astype(np.uint32)
    return levels << np.uint32(ADDRESS_BITS) | (hashes & U64((1 << ADDRESS_BITS) - 1)).astype(np.uint32)


class Grower:
    """A state to which coupons are added"""

    def __init__(self, precision: int, compact: bool) -> None:
        self.precision, self.compact, self.level0 = precision, compact, 0
        self.tokens: NDArray[np.uint32] = np.empty(0, np.uint32)
        self.planes: NDArray[np.bool_] = np.empty((0, 0), np.bool_)
        self.cut = np.uint32((LEVELS - 1) << ADDRESS_BITS | (1 << token_bits(precision)) - 1)

    def add_words(self, words: NDArray[np.uint64], family: int) -> None:
        for start in range(0, len(words), CHUNK):
            self.add(coupons_of_hashes(hashes_of_words(words[start:start + CHUNK], family)))

    def add_hashes(self, hashes: NDArray[np.uint64]) -> None:
        for start in range(0, len(hashes), CHUNK):
            self.add(coupons_of_hashes(hashes[start:start + CHUNK]))

    def add(self, coupons: NDArray[np.uint32]) -> None:
        if self.level0 == 0:
            coupons = np.unique(np.concatenate((self.tokens, coupons)))
            if len(coupons) <= room(self.precision):
                self.tokens = coupons
                return
            self.leave_small()
        coupons = coupons & self.cut
        low = coupons < self.level0 << ADDRESS_BITS
        self.pour(coupons[low])
        self.keep(coupons[~low])

    def leave_small(self) -> None:
        self.tokens = np.empty(0, np.uint32)
        self.level0 = LEVELS if self.compact else 1
        self.planes = np.zeros((LEVELS, 1 << self.precision), np.bool_)

    def pour(self, coupons: NDArray[np.uint32]) -> None:
        """Those of the levels below level0"""
        self.planes[coupons >> np.uint32(ADDRESS_BITS), coupons & np.uint32((1 << self.precision) - 1)] = True

    def keep(self, coupons: NDArray[np.uint32]) -> None:
        """Those of the other levels, and what they push out"""
        self.tokens = np.unique(np.concatenate((self.tokens, coupons)))
        while len(self.tokens) > room(self.precision):
            self.level0 += 1
            bound = int(np.searchsorted(self.tokens, self.level0 << ADDRESS_BITS))
            self.pour(self.tokens[:bound])
            self.tokens = self.tokens[bound:]

    def add_state(self, state: State) -> None:
        """A set of the same precision and form"""
        if state.level0 > 0:
            if self.level0 == 0:
                small = self.tokens
                self.leave_small()
                self.add(small)
            self.rise(state.level0)
            for level, plane in enumerate(state.planes):
                packed = np.frombuffer(plane.to_bytes((1 << self.precision) // 8, 'little'), np.uint8)
                self.planes[level] |= np.unpackbits(packed, bitorder='little').view(np.bool_)
        self.add(np.array(state.tokens, np.uint32))

    def rise(self, level0: int) -> None:
        if self.level0 < level0:
            self.level0 = level0
            bound = int(np.searchsorted(self.tokens, level0 << ADDRESS_BITS))
            self.pour(self.tokens[:bound])
            self.tokens = self.tokens[bound:]

    def state(self) -> State:
        planes = tuple(int.from_bytes(np.packbits(self.planes[level], bitorder='little').tobytes(), 'little') for level in range(self.level0))
        return State(self.precision, self.compact, self.level0, planes, tuple(self.tokens.tolist()))
