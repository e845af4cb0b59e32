# SPDX-License-Identifier: PostgreSQL
"""
The bound on the error of an overlap, that users plan with, at small and large precisions and up to identical sets: a part of algebra.py.
In units of √(|a| |b| / m) the standard error of a & b is at most RULE, and at most LOW_RULE up to a Jaccard index of LOW. That chance breaks
the bound on the errors that are made happens once in a million. From precision STATED on those that the values state are within it too, on average;
below, a small overlap may state more than it errs.
"""
import math

from accuracy import CHANCE, binomial_tails, chi_square_tails, percent
from server import table

PRECISIONS = (4, 6, 8, 12, 16, 18)
RULE = 0.65
LOW_RULE = 0.56
LOW = 0.6
STATED = 12
# Of 95 % intervals so many hold the truth.
COVERED = 0.90


def forms(precision):
    return {'graded': f'hllset({precision})', 'compact': f'hllset({precision}, compact)'}


def fold_parts(session, precision):
    """The parts as if they had been built at this precision."""
    session.run('DROP TABLE IF EXISTS folded')
    session.run(f'CREATE TEMP TABLE folded AS SELECT trial, part, hll_fold(s, {precision}) AS s FROM parts')


def read_overlaps(session, point, type_):
    """For each trial the counts of a and b; of a & b count, stated error, and ends of the interval. If there is no b it is a once more."""
    sources = {'b': point.sources['a'], **point.sources}
    a, b = (f"hll_union_agg(s) FILTER (WHERE part = ANY ('{set(sources[name])}'))::{type_} AS {name}" for name in 'ab')
    rows = session.rows(f'SELECT hll_cardinality(a), hll_cardinality(b), estimate, greatest(estimate, 1) * hll_relative_error(a & b), '
                        f'lower, upper FROM (SELECT {a}, {b} FROM folded GROUP BY trial ORDER BY trial OFFSET 0) AS sources, '
                        f'hll_cardinality_bounds(a & b)')
    return [tuple(map(float, row)) for row in rows]


def judge_overlap(report, point, precision, form, trials):
    _, *only, both = point.sizes
    only_a, only_b = only or (0, 0)
    unit = math.sqrt((only_a + both) * (only_b + both) / 2 ** precision)
    jaccard = both / (only_a + only_b + both)
    rule = LOW_RULE if jaccard <= LOW else RULE
    what = f'p = {precision}, {point.name}, {form}'
    squares = sum((estimate - both) ** 2 for _, _, estimate, *_ in trials) / unit ** 2
    # of the sizes that the same sets tell
    stated = [error / math.sqrt(max(a * b, 1) / 2 ** precision) for a, b, _, error, *_ in trials]
    covered = sum(lower <= both <= upper for *_, lower, upper in trials)
    mean = math.sqrt(sum(error ** 2 for error in stated) / len(trials))
    rmse = math.sqrt(squares / len(trials))
    report.demand(chi_square_tails(squares / rule ** 2, len(trials))[1] > CHANCE, f'{what}: error {rmse:.3f} √(|a| |b| / m), not {rule}')
    report.demand(mean <= rule or precision < STATED, f'{what}: stated error {mean:.3f} √(|a| |b| / m), not {rule}')
    report.demand(binomial_tails(covered, len(trials), COVERED)[0] > CHANCE, f'{what}: {covered} of {len(trials)} in the interval')
    report.overlaps.append({'precision': precision, 'point': point.name, 'form': form, 'jaccard': jaccard, 'trials': len(trials),
                            'rmse': rmse, 'stated': mean, 'most_stated': max(stated), 'rule': rule, 'coverage': covered / len(trials)})


def measure_overlaps(session, report, points):
    """Of table parts, which holds the parts of these points at the highest precision. Small sets are left out, which are exact."""
    for precision in PRECISIONS:
        if max(sum(point.sizes) for point in points) <= 2 ** precision / 2:
            continue
        fold_parts(session, precision)
        for point in points:
            for form, type_ in forms(precision).items():
                judge_overlap(report, point, precision, form, read_overlaps(session, point, type_))


def print_overlaps(report):
    print('\nErrors of a & b in units of √(|a| |b| / m): rmse, stated by the values, and the bound.')
    table(['p', 'point', 'form', 'trials', 'rmse', 'stated', 'at most', 'in 95 %'],
          [[o['precision'], o['point'], o['form'], o['trials'], f'{o["rmse"]:.3f}', f'{o["stated"]:.3f}', o['rule'],
            percent(o['coverage'], 1)] for o in report.overlaps])
