#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Errors, intervals and sizes of counts against what theory allows, through SQL on the server that PGHOST and the like name.

Every bound on an error holds with probability 1 - 1e-6 for a correct build, and the elements are always the same, so a
result repeats: a broken bound is a fault. Exit status 1 if one is broken. The theory is written here again, apart from the
core's (src/core/likelihood.hpp names the sources).
"""
import argparse
import json
import math
import time

from server import Session, machine, table

CHANCE = 1e-6
ADDRESS_BITS = 26
LEVELS = 32
BUILT = 18
PRECISIONS = (4, 6, 8, 10, 12, 14, 16, 18)
FORMS = ('graded', 'compact')
# What docs/benchmarks.md promises of the mean size at precision 12: of sets of so many elements, and of any number.
SMALL_BYTES = {100: 300, 1000: 2500}
LARGE_BYTES = {'graded': 3550, 'compact': 2550}
# Bits of a large compact set at precision 12 times the relative variance of its count, at most; the limit of these bits is 1.98.
BITS_VARIANCE = 2.03

# Of 95 % intervals, over an octave of n: in all so many hold the truth, and so many miss it on either side. Where few elements collide, what
# has been seen is certain and hardly an end can miss: below so many elements there is no lower bound on misses.
COVERED = (0.93, 0.97)
MISSED = (0.01, 0.04)
FEW = 64

FULL = {'trials': dict.fromkeys((0, 1, 10, 100, 1000, 3000, 10_000, 65_536, 100_000, 1_000_000), 300),
        'octaves': (range(6), 2000), 'size_trials': 20, 'size_octaves': 23}
SMOKE = {'trials': {0: 2, 1: 20, 10: 20, 100: 20, 1000: 20, 3000: 20, 10_000: 40, 65_536: 10, 100_000: 10},
         'octaves': (range(3), 400), 'size_trials': 4, 'size_octaves': 15}


# ---- theory ----

def level_probability(level):
    return 2.0 ** -min(level + 1, LEVELS - 1)


def variance(n, precision, level0):
    """
    Of the maximum likelihood estimate from n elements: inverse Fisher information of the independent Poisson cells, less n
    because n is fixed. Level k has 2^p cells below L0, and as many as there are token addresses from L0 up.
    """
    information = 0.0
    for level in range(LEVELS):
        cells = 2 ** (precision if level < level0 else min(precision + 8, ADDRESS_BITS))
        r = level_probability(level) / cells
        information += cells * r * r / math.expm1(min(n * r, 700))
    return 1 / information - n


def expected_collisions(n):
    """Pairs among n elements that share level and address."""
    pair = sum(level_probability(level) ** 2 for level in range(LEVELS)) / 2 ** ADDRESS_BITS
    return n * (n - 1) / 2 * pair


def poisson_tails(k, mean):
    """P(X <= k), P(X >= k)."""
    if mean == 0:
        return 1.0, float(k <= 0)
    term = [math.exp(i * math.log(mean) - mean - math.lgamma(i + 1)) for i in range(k + 1)]
    return min(math.fsum(term), 1.0), 1 - math.fsum(term[:k]) if k <= mean else upper_poisson(k, mean)


def upper_poisson(k, mean):
    """P(X >= k) for k > mean, summed upwards so that small values keep their digits."""
    term = math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
    total = 0.0
    while term > total * 1e-17:
        total += term
        k += 1
        term *= mean / k
    return total


def chi_square_tails(x, degrees):
    """P(X <= x), P(X >= x) for an even number of degrees: the gaps of a Poisson process."""
    at_most, _ = poisson_tails(degrees // 2 - 1, x / 2)
    _, at_least = poisson_tails(degrees // 2, x / 2)
    return at_least, at_most


def normal_tails(z):
    return math.erfc(-z / math.sqrt(2)) / 2, math.erfc(z / math.sqrt(2)) / 2


def binomial_tails(k, n, p):
    term = [math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p))
            for i in range(n + 1)]
    return math.fsum(term[:k + 1]), math.fsum(term[k:])


# ---- measurement ----

class Report:
    """What was measured, and every bound with whether it held."""

    def __init__(self):
        self.points = []
        self.octaves = []
        self.sizes = []
        self.bounds = 0
        self.broken = []

    def demand(self, holds, what):
        self.bounds += 1
        if not holds:
            self.broken.append(what)

    def demand_likely(self, tails, what):
        """Two-sided: neither tail of the theory's distribution is as thin as half the chance that is allowed."""
        self.demand(min(tails) > CHANCE / 2, f'{what} (chance {2 * min(tails):.1e})')


def elements(first, count):
    """A subquery: so many distinct bigints. Their hashes are what is random."""
    return f'(SELECT generate_series({first}, {first} + {count} - 1) AS x) AS elements'


def first_element(place, trial):
    """So that no two sets share an element."""
    return f'({place}::bigint << 40 | ({trial})::bigint << 28)'


def cast(precision, form):
    return f'hllset({precision}, compact)' if form == 'compact' else f'hllset({precision})'


def make_sets(session, trials):
    """sets (n, trial, s), built at the highest precision; the others are folds, which are the same as if built so."""
    session.run('CREATE TEMP TABLE sets (n bigint, trial int, s hllset)')
    for place, (n, count) in enumerate(trials.items()):
        session.run(f'INSERT INTO sets SELECT {n}, t, coalesce((SELECT hll_add_agg(x, {BUILT}) '
                    f'FROM {elements(first_element(place, "t"), n)}), hllset_empty({BUILT})) '
                    f'FROM generate_series(1, {count}) AS t')


def check_folds(session, report, trials):
    for place, n in enumerate(trials):
        if 0 < n <= 100_000:
            for precision in PRECISIONS:
                built = f'(SELECT hll_add_agg(x, {precision}) FROM {elements(first_element(place, 1), n)})'
                same = session.value(f'SELECT {built} = s::hllset({precision}) FROM sets WHERE n = {n} AND trial = 1')
                report.demand(same == 't', f'n = {n}: a set built at precision {precision} is not the fold')


def read_point(session, n, precision, form):
    """A dict for each trial."""
    names = ('estimate', 'lower', 'upper', 'error', 'level0', 'bytes')
    rows = session.rows(
        f"SELECT b.estimate, b.lower, b.upper, hll_relative_error(v), (hll_info(v)->>'level0')::int, octet_length(v::bytea) "
        f'FROM (SELECT s::{cast(precision, form)} AS v FROM sets WHERE n = {n} ORDER BY trial OFFSET 0) AS sets, '
        f'hll_cardinality_bounds(v) AS b')
    return [dict(zip(names, map(float, row))) for row in rows]


def judge_small(report, what, n, trials):
    """Exact but for collisions."""
    missing = [n - trial['estimate'] for trial in trials]
    report.demand(all(short >= 0 and short == int(short) for short in missing), f'{what}: not an exact count')
    report.demand_likely(poisson_tails(int(sum(missing)), expected_collisions(n) * len(trials)),
                         f'{what}: {sum(missing):.0f} elements missing')
    covered = sum(trial['lower'] <= n <= trial['upper'] for trial in trials)
    report.demand(binomial_tails(covered, len(trials), 0.95)[0] > CHANCE, f'{what}: {covered} of {len(trials)} in the interval')


def judge_large(report, what, n, precision, trials):
    deviations = [(trial['estimate'] - n) / math.sqrt(variance(n, precision, int(trial['level0']))) for trial in trials]
    squares = sum(z * z for z in deviations)
    bias = sum(deviations) / math.sqrt(len(trials))
    covered = sum(trial['lower'] <= n <= trial['upper'] for trial in trials)
    report.demand_likely(chi_square_tails(squares, len(trials)),
                         f'{what}: mean square error {squares / len(trials):.3f} of the theory')
    report.demand_likely(normal_tails(bias), f'{what}: bias of {bias:.2f} standard errors')
    report.demand_likely(binomial_tails(covered, len(trials), 0.95),
                         f'{what}: {covered} of {len(trials)} in the interval')
    return squares / len(trials), bias


def judge_economy(report, what, point):
    """
    With the errors as measured, whose squares scatter, and with those of the theory, which judge_large compares with the
    measured ones and which leaves only the bytes.
    """
    _, chance = chi_square_tails(point['trials'] * point['bits_variance'] / BITS_VARIANCE, point['trials'])
    theory = 8 * point['bytes'] * point['theory'] ** 2
    report.demand(chance > CHANCE, f'{what}: {point["bits_variance"]:.3f} bits x variance (chance {chance:.1e})')
    report.demand(theory <= BITS_VARIANCE, f'{what}: {theory:.3f} bits x variance of the theory')


def judge_point(report, n, precision, form, trials):
    what = f'n = {n}, p = {precision}, {form}'
    small = [trial for trial in trials if trial['level0'] == 0]
    large = [trial for trial in trials if trial['level0'] > 0]
    report.demand(n > 2 ** precision / 4 or not large, f'{what}: not small')
    report.demand(n > 1 or all(trial['estimate'] == n for trial in trials), f'{what}: not {n}')
    point = {'n': n, 'precision': precision, 'form': form, 'trials': len(trials),
             'level0': sorted({int(trial['level0']) for trial in trials}),
             'bytes': sum(trial['bytes'] for trial in trials) / len(trials)}
    if n > 0:
        relative = [trial['estimate'] / n - 1 for trial in trials]
        point |= {'rmse': math.sqrt(sum(e * e for e in relative) / len(trials)), 'bias': sum(relative) / len(trials),
                  'reported': sum(trial['error'] for trial in trials) / len(trials),
                  'coverage': sum(trial['lower'] <= n <= trial['upper'] for trial in trials) / len(trials)}
    if small:
        judge_small(report, what, n, small)
        point['missing'] = n * len(small) - sum(trial['estimate'] for trial in small)
        point['missing_expected'] = expected_collisions(n) * len(small)
    if large:
        point['square_ratio'], point['bias_z'] = judge_large(report, what, n, precision, large)
        point['theory'] = math.sqrt(sum(variance(n, precision, int(trial['level0'])) for trial in large) / len(large)) / n
        point['bits_variance'] = 8 * point['bytes'] * point['rmse'] ** 2
    if (precision, form) == (12, 'compact') and n >= 16 * 2 ** precision:
        judge_economy(report, what, point)
    report.points.append(point)


def octave_of(session, place, precision, octave, sets):
    """Of sets of an octave of n, evenly by its logarithm: how many are not small, miss the truth below and above, sum and squares of errors."""
    low = (2 ** precision // 4 + (octave == 0)) * 2 ** octave
    row, = session.rows(
        f'SELECT count(*), count(*) FILTER (WHERE upper < n), count(*) FILTER (WHERE lower > n), sum(estimate / n - 1), '
        f'sum((estimate / n - 1) ^ 2) FROM (SELECT n, hll_add_agg(x, {precision}) AS s '
        f'FROM generate_series(1, {sets}) AS t, LATERAL (SELECT round({low} * 2 ^ ((t - .5) / {sets}))::bigint AS n) AS size, '
        f'LATERAL {elements(first_element(place, "t"), "n")} GROUP BY t, n) AS sets, hll_cardinality_bounds(s) '
        f"WHERE hll_info(s)->>'level0' <> '0'")
    return low, *map(float, row)


def judge_octave(report, precision, low, count, below, above, errors, squares):
    what = f'n = {low} to {2 * low}, p = {precision}'
    covered = count - below - above
    for missed, side in ((below, 'below'), (above, 'above')):
        report.demand(binomial_tails(missed, count, MISSED[1])[1] > CHANCE, f'{what}: {missed} of {count} intervals {side} the truth')
        report.demand(low < FEW or binomial_tails(missed, count, MISSED[0])[0] > CHANCE,
                      f'{what}: only {missed} of {count} intervals {side} the truth')
    report.demand(binomial_tails(covered, count, COVERED[0])[0] > CHANCE, f'{what}: {covered} of {count} in the interval')
    report.demand(low < FEW or binomial_tails(covered, count, COVERED[1])[1] > CHANCE, f'{what}: {covered} of {count} in the interval')
    report.octaves.append({'precision': precision, 'low': low, 'sets': count, 'below': below / count, 'above': above / count,
                           'bias': errors / count, 'bias_z': errors / math.sqrt(squares), 'rmse': math.sqrt(squares / count)})


def measure_octaves(session, report, octaves, sets):
    for precision in (4, 5, 6, 8):
        for octave in octaves:
            low, *numbers = octave_of(session, 120 + 8 * precision + octave, precision, octave, sets)
            judge_octave(report, precision, low, int(numbers[0]), int(numbers[1]), int(numbers[2]), *numbers[3:])


def measure_sizes(session, report, trials, octaves):
    """Sets of growing n at precision 12 as they are stored, each the union of the one before and new elements."""
    grid = sorted({1, 10, 100, 1000, *(round(2 ** (i / 16)) for i in range(7 * 16, octaves * 16 + 1))})
    steps = ', '.join(f'({low}, {high})' for low, high in zip([0, *grid], grid))
    session.run('CREATE TEMP TABLE sizes (n bigint, graded hllset(12), compact hllset(12, compact))')
    session.run(
        f'INSERT INTO sizes SELECT high, s, s FROM ('
        f'SELECT t, high, hll_union_agg(part) OVER (PARTITION BY t ORDER BY high) AS s '
        f'FROM generate_series(1, {trials}) AS t, (VALUES {steps}) AS step (low, high), '
        f'LATERAL (SELECT hll_add_agg(x) AS part FROM {elements(first_element(100, "t") + " + low", "high - low")}) AS parts) AS grown')
    for form in FORMS:
        for n, mean, most, stored in session.rows(
                f'SELECT n, avg(octet_length({form}::bytea)), max(octet_length({form}::bytea)), avg(pg_column_size({form})) '
                f'FROM sizes GROUP BY n ORDER BY n'):
            size = {'n': int(n), 'form': form, 'mean': float(mean), 'max': int(most), 'stored': float(stored)}
            report.sizes.append(size)
            what = f'{form} sets of {n} elements'
            limit = SMALL_BYTES.get(size['n'], LARGE_BYTES[form])
            report.demand(size['mean'] <= limit, f'{what}: {size["mean"]:.0f} bytes on average')


# ---- output ----

def percent(value, digits=3):
    return '' if value is None else f'{100 * value:.{digits}f}'


def print_points(report):
    print('\nErrors in %, over all trials. Theory: at the L0 of the states. Ratio: mean square error to theory. '
          'b x v: bits times relative variance. Missing: by collisions.')
    rows = []
    for p in report.points:
        rows.append([p['n'], p['precision'], p['form'], ','.join(map(str, p['level0'])), percent(p.get('rmse')),
                     percent(p.get('theory')), f'{p["square_ratio"]:.3f}' if 'square_ratio' in p else '',
                     percent(p.get('bias')), f'{p["bias_z"]:+.2f}' if 'bias_z' in p else '', percent(p.get('coverage'), 1),
                     f'{p["bits_variance"]:.3f}' if 'bits_variance' in p else '',
                     f'{p["missing"]:.0f} ({p["missing_expected"]:.2f})' if 'missing' in p else '', f'{p["bytes"]:.0f}'])
    table(['n', 'p', 'form', 'L0', 'rmse', 'theory', 'ratio', 'bias', 'bias/se', 'in 95 %', 'b x v', 'missing', 'bytes'], rows)


def print_octaves(report):
    print('\nGraded sets of an octave of n, in %: of 95 % intervals those that hold the truth, and that lie wholly below or above it.')
    table(['p', 'n from', 'sets', 'in 95 %', 'below', 'above', 'rmse', 'bias', 'bias/se'],
          [[o['precision'], o['low'], o['sets'], percent(1 - o['below'] - o['above'], 1), percent(o['below'], 1), percent(o['above'], 1),
            percent(o['rmse']), percent(o['bias']), f'{o["bias_z"]:+.2f}'] for o in report.octaves])


def print_sizes(report):
    print('\nBytes at precision 12: mean and maximum of the value, mean as stored in a column.')
    by_n = {}
    for size in report.sizes:
        by_n.setdefault(size['n'], {})[size['form']] = size
    shown = [n for n in by_n if n & (n - 1) == 0 or n in (10, 100, 1000)]
    table(['n', *(f'{form} {what}' for form in FORMS for what in ('mean', 'max', 'stored'))],
          [[n, *(f'{by_n[n][form][what]:.0f}' for form in FORMS for what in ('mean', 'max', 'stored'))] for n in shown])
    for form in FORMS:
        largest = max((size for size in report.sizes if size['form'] == form), key=lambda size: size['mean'])
        print(f'largest {form}: {largest["mean"]:.0f} bytes at n = {largest["n"]}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--trials', type=int, help='sets for each n above 1, an even number (default 300)')
    parser.add_argument('--smoke', action='store_true', help='a few trials, in some seconds')
    parser.add_argument('--json', metavar='FILE', help='write what was measured here')
    options = parser.parse_args()
    plan = SMOKE if options.smoke else FULL
    trials = {n: options.trials or count for n, count in plan['trials'].items()}
    if any(count % 2 for count in trials.values()):
        parser.error('the number of trials must be even')

    start = time.monotonic()
    report = Report()
    with Session() as session:
        session.run('CREATE EXTENSION IF NOT EXISTS hllset')
        about = machine(session)
        make_sets(session, trials)
        check_folds(session, report, trials)
        for precision in PRECISIONS:
            for form in FORMS:
                for n in trials:
                    judge_point(report, n, precision, form, read_point(session, n, precision, form))
        measure_octaves(session, report, *plan['octaves'])
        measure_sizes(session, report, plan['size_trials'], plan['size_octaves'])
    print_points(report)
    print_octaves(report)
    print_sizes(report)
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump({'machine': about, 'points': report.points, 'octaves': report.octaves, 'sizes': report.sizes, 'broken': report.broken}, file,
                      indent=1)
    for what in report.broken:
        print(f'BROKEN: {what}')
    held = report.bounds - len(report.broken)
    print(f'accuracy: {held} of {report.bounds} bounds hold, in {time.monotonic() - start:.0f} s')
    raise SystemExit(bool(report.broken))


if __name__ == '__main__':
    main()
