# SPDX-License-Identifier: PostgreSQL
"""Part of sql.py: errors of counts of unions and of intersections, for the bytes that they take. Nothing here is timed."""
from concurrent.futures import ThreadPoolExecutor
import math
import os

from server import Session

JACCARD = (.5, .1, .01)


def elements(first, count):
    return f'(SELECT generate_series({first}, {first} + {count} - 1) AS x) AS elements'


def built(sketch, first, count):
    return f'(SELECT {sketch.aggregate("bigint")} FROM {elements(first, count)})'


def rmse(estimates, truth):
    """Relative, and its standard error if the errors are normal."""
    value = math.sqrt(sum((estimate / truth - 1) ** 2 for estimate in estimates) / len(estimates))
    return {'rmse': value, 'rmse_error': value / math.sqrt(2 * len(estimates)), 'trials': len(estimates)}


def measure_merged(sketch, n, trials):
    """Of the union of two sets that share nothing, n elements together."""
    half = n // 2
    first = 't::bigint << 24'
    with Session('max_parallel_workers_per_gather=0') as session:
        rows = session.rows(f'SELECT {sketch.count(sketch.merge.format(a="a", b="b"))} FROM ('
                            f'SELECT {built(sketch, f"({first})", half)} AS a, {built(sketch, f"(({first}) + {half})", half)} AS b '
                            f'FROM generate_series(1, {trials}) AS t OFFSET 0) AS sets')
    return {'name': sketch.name, 'n': 2 * half, **rmse([float(row[0]) for row in rows], 2 * half)}


def measure_overlaps(sketch, n, trials):
    """Of the intersection of two sets of n elements, one point for each Jaccard index."""
    first = 't::bigint << 24'
    shared = {jaccard: round(2 * n * jaccard / (1 + jaccard)) for jaccard in JACCARD}
    others = ', '.join(f'{built(sketch, f"(({first}) + {n - count})", n)} AS b{i}' for i, count in enumerate(shared.values()))
    counts = ', '.join(sketch.overlap('a', f'b{i}') for i in range(len(shared)))
    with Session('max_parallel_workers_per_gather=0') as session:
        rows = session.rows(f'SELECT pg_column_size(a), {counts} FROM (SELECT {built(sketch, f"({first})", n)} AS a, {others} '
                            f'FROM generate_series(1, {trials}) AS t OFFSET 0) AS sets')
    size = sum(int(row[0]) for row in rows) / len(rows)
    return [{'name': sketch.name, 'n': n, 'bytes': size, 'jaccard': jaccard, **rmse([float(row[i + 1]) for row in rows], count)}
            for i, (jaccard, count) in enumerate(shared.items())]


def run(kept, overlapping, options):
    """Sketches that are exact have no errors to measure."""
    n, large = (10_000, 100_000) if options.smoke else (100_000, 1_000_000)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        overlaps = [pool.submit(measure_overlaps, sketch, n, options.trials) for sketch in overlapping if sketch.constant]
        merged = [pool.submit(measure_merged, sketch, large, max(options.trials // 2, 1)) for sketch in kept if sketch.constant]
        return [future.result() for future in merged], [point for future in overlaps for point in future.result()]
