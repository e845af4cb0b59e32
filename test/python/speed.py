#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""How fast the Python package is, in CPU time, the best of three. Exit status 1 if integers take longer than python/README.md promises."""
import sys
import time

import tree  # noqa: F401
from hllset import HAS_NUMPY, Builder, Set
from hllset import state as h

PROMISED = 1.0  # million integers a second, with numpy


def seconds(work):
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def without_numpy(call, values):
    builder = Builder(use_numpy=False)
    getattr(builder, call)(values)
    return builder.state


def main():
    integers, texts = list(range(300_000)), [f'user {i}' for i in range(300_000)]
    rates = {'integers of a list, without numpy': len(integers) / seconds(lambda: without_numpy('add_integers', integers)),
             'texts, without numpy': len(texts) / seconds(lambda: without_numpy('add_texts', texts))}
    promised = []
    if HAS_NUMPY:
        import numpy
        array = numpy.arange(3_000_000)
        promised = [len(array) / seconds(lambda: Set.of_integers(array)), len(integers) / seconds(lambda: Set.of_integers(integers))]
        rates.update({'integers of an array': promised[0], 'integers of a list': promised[1],
                      'texts': len(texts) / seconds(lambda: Set.of_texts(texts))})
    for what, rate in rates.items():
        print(f'{what}: {rate / 1e6:.2f} million a second')
    for precision in (12, 18):
        a, b = (Set.of_integers(range(first, first + 1_000_000), precision) for first in (0, 5000))
        data = bytes(a)
        print(f'precision {precision}, {len(data)} bytes: read in {seconds(lambda: Set.from_bytes(data)) * 1e3:.1f} ms, '
              f'written in {seconds(lambda: h.encode(a.value)) * 1e3:.1f}, united in {seconds(lambda: a | b) * 1e3:.1f}, '
              f'counted in {seconds(a.cardinality) * 1e3:.1f}')
    if min(promised, default=PROMISED) * 1e-6 < PROMISED and promised:
        sys.exit(f'speed: less than {PROMISED} million integers a second')


main()
