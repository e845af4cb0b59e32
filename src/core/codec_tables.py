#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Writes codec_tables.inc: for each class of density the lengths of the best prefix code of the 256 bytes (docs/format.md, Blocks).

A byte of w ones among cells that are ones with chance q has weight q^w (1 - q)^(8 - w); class j stands for q = (2j + 1)/64. The
bytes with at least `rare` ones share one code, the escape, which the byte itself follows. All in integers: the same lengths anywhere.
"""
from math import comb
from pathlib import Path

CLASSES = range(4, 14)  # x / (m / 32) of the planes that are written in blocks
LIMIT = 11              # bits of the longest code: a table of 2^LIMIT entries decodes it


def limited_lengths(weights):
    """Lengths of the best code of at most LIMIT bits (package-merge: Larmore and Hirschberg, J. ACM 37, 1990)"""
    leaves = sorted((weight, (symbol,)) for symbol, weight in enumerate(weights))
    row = leaves
    for _ in range(LIMIT - 1):
        packages = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(row[::2], row[1::2])]
        row = sorted(leaves + packages)
    lengths = [0] * len(weights)
    for _, symbols in row[:2 * len(weights) - 2]:
        for symbol in symbols:
            lengths[symbol] += 1
    return lengths


def design(j, rare):
    """(cost, lengths of the bytes of each number of ones below rare, length of the escape)"""
    q, rest = 2 * j + 1, 63 - 2 * j
    weight = [q ** w * rest ** (8 - w) for w in range(9)]
    escaped = sum(comb(8, w) * weight[w] for w in range(rare, 9))
    ones = [w for w in range(rare) for _ in range(comb(8, w))]
    lengths = limited_lengths([weight[w] for w in ones] + [escaped] * (rare < 9))
    escape = lengths[-1] if rare < 9 else 0
    cost = sum(weight[w] * length for w, length in zip(ones, lengths)) + escaped * (escape + 8)
    return cost, [sorted(length for w, length in zip(ones, lengths) if w == k) for k in range(rare)], escape


def row(j):
    _, lengths, escape = min(design(j, rare) for rare in range(2, 10))
    assert all(of[-1] <= of[0] + 1 for of in lengths)
    cells = [f'{{{of[0]}, {of.count(of[0])}}}' for of in lengths] + ['{0, 0}'] * (9 - len(lengths))
    return f'\t{{{{{", ".join(cells)}}}, {len(lengths)}, {escape}}}, /* {j} */\n'


def text():
    head = ('/* SPDX-License-Identifier: PostgreSQL */\n'
            '/* Written by codec_tables.py. By class: for each number of ones {length, bytes of this length}, rare, length of the escape. */\n')
    return head + ''.join(map(row, CLASSES))


if __name__ == '__main__':
    Path(__file__).with_suffix('.inc').write_text(text())
