#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""
Writes the seeds of the fuzz targets into a folder, one subfolder for each: make_corpus.py FOLDER

They are made by the second implementation (python/hllset): values of several precisions and forms, near-valid mutations of
them, and programmes for the targets that take elements. The committed corpus is what covers every edge that these seeds and
what libFuzzer found from them cover, and some of the valid values besides:

    CC=clang CXX=clang++ cmake -S . -B build -DHLLSET_FUZZ=ON -DHLLSET_SANITIZE=ON && make -C build
    test/fuzz/make_corpus.py seeds
    mkdir found && build/parse_fuzz -max_total_time=300 -max_len=2048 found seeds/parse_fuzz
    build/parse_fuzz -set_cover_merge=1 -use_counters=0 -max_len=1200 test/fuzz/corpus/parse_fuzz seeds/parse_fuzz found
"""

import dataclasses
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))

from hllset import state as hllset  # noqa: E402

rng = random.Random(20)


def hash_of(zeros, low):
    return 0 if zeros >= 64 else 1 << (63 - zeros) | low % (1 << (63 - zeros))


def value(precision, count, compact=False, zeros=None):
    """A set of `count` random elements; zeros: the range of their leading zeros."""
    hashes = [rng.getrandbits(64) if zeros is None else hash_of(rng.randint(*zeros), rng.getrandbits(64))
              for _ in range(count)]
    return hllset.encode(hllset.build([hllset.coupon(h) for h in hashes], precision, compact))


def values():
    made = []
    for precision in (4, 5, 6, 8):
        limit = 2 ** precision // 4
        for compact in (False, True):
            made += [value(precision, count, compact) for count in (0, 1, limit, limit + 1, 20 * limit)]
            made += [value(precision, 6 * limit, compact, zeros) for zeros in ((0, 0), (28, 40), (0, 34))]
    made += [value(12, 30), value(12, 1500), value(12, 1100, True), value(18, 3), value(18, 40, True)]
    # every bucket of every level of a set of 16 buckets
    full = [hllset.coupon(hash_of(level, bucket)) for level in range(32) for bucket in range(16)]
    made += [hllset.encode(hllset.build(full, 4, compact)) for compact in (False, True)]
    return made


def mutated(data):
    data = bytearray(data)
    what = rng.randrange(4)
    if what == 0 and data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif what == 1:
        del data[rng.randrange(len(data)):]
    elif what == 2:
        data += bytes(rng.randrange(1, 3))
    else:
        data[rng.randrange(5)] = rng.choice((0, 1, 2, 4, 5, 17, 31, 32, 33, 255))
    return bytes(data)


def expression(table, sources):
    """Two to six sources of one precision under a truth table, given as a number."""
    size = max(2 ** len(sources) // 8, 1)
    head = bytes([1, 2 | 16 * any(s[1] & 16 for s in sources), sources[0][2], 1, len(sources)])
    return head + table.to_bytes(size, "little") + b"".join(len(s).to_bytes(4, "little") + s for s in sorted(sources))


def samples(data):
    """The tokens of a graded set, as a sample: without the planes and the 12 bits before them. One of two ends is right."""
    state = hllset.decode(data)
    bare = hllset.encode(dataclasses.replace(state, planes=(0,) * len(state.planes)))
    stream = int.from_bytes(bare[5:], "little") >> 12
    longest = -(-(len(bare[5:]) * 8 - 12) // 8)
    ends = [size for size in (longest - 1, longest) if stream < 256 ** size]
    return [bytes([1, 3]) + bare[2:5] + stream.to_bytes(size, "little") for size in ends]


def expressions():
    made = []
    for precision in (4, 5, 6):
        limit = 2 ** precision // 4
        for compact in (False, True):
            sets = [value(precision, rng.choice((3, 5, 20)) * limit, compact) for _ in range(6)]
            made += [expression(table, sets[:2]) for table in (2, 4, 6, 8)]
            made += [expression(rng.getrandbits(2 ** count) & ~1, sets[:count]) for count in (3, 4, 5, 6)]
            made += [expression(8, [sets[0], value(precision, 2, compact)])]
            made += [each for s in sets[:2] if not compact for each in samples(s)]
    return made


def key(coupon, bits):
    return coupon >> 26 << bits | coupon & (1 << bits) - 1


def queries():
    """Queries of both kinds with the keys of a small set, or 64 of those of a large one; each in bytes and in digits, with a set to ask."""
    made = []
    for kind, bits, level0, count in ((4, 18, 0, 3), (4, 18, 0, 64), (5, 20, 0, 12), (5, 20, 1, 80)):
        coupons = [hllset.coupon(hash_of(rng.randint(level0, 6), rng.getrandbits(64))) for _ in range(count)]
        keys = sorted({key(c, bits) for c in coupons})
        query = bytes([1, kind, level0 * (kind == 5), 1]) + struct.pack("<d", rng.choice((0.06, 0.5, 1)))
        query += b"".join(k.to_bytes(4, "little") for k in keys)
        sets = [hllset.encode(hllset.build(coupons[:n], 12)) for n in (0, 2, count)] + [value(12, 1500), value(12, 3, True), value(8, 3)]
        for data in [query] + [mutated(query) for _ in range(4)]:
            for form in range(kind - 4, 8, 2):
                text = data.hex().translate(str.maketrans("abcdef", ":;<=>?")).encode() if form % 4 >= 2 else data
                other = rng.choice(sets)
                made.append(bytes([form]) + len(text).to_bytes(2, "little") + text + len(other).to_bytes(2, "little") + other + noise(40))
    return made


def sampled():
    """Values of precision 12 and around it, with their keys' level before them."""
    made = []
    for precision in (11, 12, 13):
        sets = [value(precision, count) for count in (30, 1500, 3000)]
        made += sets + [value(precision, 1500, True), expression(2, sets[1:]), expression(8, sets[1:]), expression(2, [sets[0], sets[1]])]
        made += [value(precision, 1500, False, (28, 40))] + samples(sets[1])
    return [bytes([level]) + v for v in made for level in (2, rng.randrange(36))]


def together():
    """One to seven values with their lengths."""
    formed = expressions()
    small_values = [value(precision, count, compact) for precision in (4, 5, 8) for count in (0, 3, 60, 300) for compact in (False, True)]
    return [b"".join(len(v).to_bytes(2, "little") + v for v in
                     [rng.choice(formed if rng.random() < 0.2 else small_values) for _ in range(count)])
            for count in range(1, 8) for _ in range(12)]


def noise(size):
    return bytes(rng.getrandbits(8) for _ in range(size))


def main(folder):
    sets = values()
    formed = expressions()
    pairs = [(rng.choice(sets), rng.choice(sets)) for _ in range(60)]
    members, regions = sampled(), together()
    seeds = {
        "parse_fuzz": sets + [mutated(s) for s in sets for _ in range(3)],
        "union_fuzz": [len(a).to_bytes(2, "little") + a + b for a, b in pairs],
        "fold_fuzz": [bytes([rng.randint(4, s[2]), rng.randrange(3)]) + s for s in sets for _ in range(2)],
        "estimate_fuzz": [b"\0" + s for s in sets] + [b"\1" + noise(rng.randrange(3, 120)) for _ in range(60)],
        "add_fuzz": [noise(2 + 5 * rng.randrange(1, 200)) for _ in range(60)],
        "expression_fuzz": formed + [mutated(e) for e in formed for _ in range(4)],
        "algebra_fuzz": [noise(rng.randrange(20, 80)) for _ in range(100)],
        # the last fifteen are of four to six sources
        "joint_fuzz": [noise(rng.randrange(3, 400)) for _ in range(60)]
        + [bytes([many]) + noise(rng.randrange(20, 120)) for many in (15, 31, 47) for _ in range(5)],
        "query_fuzz": queries(),
        "sample_fuzz": members + [m[:1] + mutated(m[1:]) for m in members for _ in range(3)],
        "regions_fuzz": regions + [mutated(r) for r in regions],
        "accum_fuzz": [noise(rng.randrange(2, 80)) for _ in range(100)],
    }
    for target, inputs in seeds.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for number, data in enumerate(inputs):
            with open(os.path.join(folder, target, f"seed{number:03d}"), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
