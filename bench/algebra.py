#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Errors and intervals of the counts of expressions against what theory allows, and the time of an overlap matrix, through SQL on
the server that PGHOST and the like name. It must be on the same machine.

The elements are always the same, so all but the time repeats, and a broken bound is a fault. Of 200 trials or more the errors are
within 15 % of the theory and 90 to 99 % of the 95 % intervals hold the truth; of fewer, nothing is seen that a correct build shows
once in a million times. Exit status 1 if a bound is broken. The theory is written here again, apart from the core's
(src/core/joint_model.hpp explains it).
"""
import argparse
import functools
import json
import math
import random
import time
from itertools import accumulate, pairwise

from accuracy import (ADDRESS_BITS, CHANCE, LEVELS, Report, binomial_tails, chi_square_tails, elements, first_element,
                      level_probability, normal_tails, percent)
from lopsided import measure_lopsided, print_lopsided
from overlaps import PRECISIONS, measure_overlaps, print_overlaps
from server import Backend, machine, table

PRECISION = 12
FORMS = {'graded': f'hllset({PRECISION})', 'compact': f'hllset({PRECISION}, compact)'}
TOLERANCE = 0.15
COVERAGE = (0.90, 0.99)
ENOUGH = 200
# The normal theory ends where the estimate of a region is no more than this many standard errors from 0.
NEAR = 3

PAIR = ('a & b', 'a - b')
# Root mean square errors from an earlier simulation, in parts of the truth, or of the size of a if that is 0.
JACCARD_ERRORS = {
    ('graded', .5): (.0128, .023), ('graded', .1): (.044, .015), ('graded', .01): (.21, .012), ('graded', 0): (.00045, .012),
    ('compact', .5): (.0128, .023), ('compact', .1): (.049, .015), ('compact', .01): (.33, .012), ('compact', 0): (.0040, .012)}
APART = (.5, .1, .01, 0)
ALIKE = (1, .9, .7)
SINGLE_ERROR = .0101
TRIPLE_ERRORS = {'(a & b) & c': .033, '(a - b) - c': .031, '(a # b) & c': .024, 'a - (b & c)': .015}
QUADRUPLE = ('((a & b) & c) & d', '((a - b) - c) - d', '(a & b) - (c | d)', '(a # b) & (c - d)', '(a - b) | (c - d)')

FULL = {'trials': {100_000: 300, 1_000_000: 300}, 'log': (200, 1_000_000), 'bound': (200, 200_000), 'lopsided': (200, 1_000_000),
        'cases': 10_000, 'matrix': (300, 100_000)}
SMOKE = {'trials': {100_000: 20}, 'log': (10, 100_000), 'bound': (10, 20_000), 'lopsided': (20, 20_000), 'cases': 300, 'matrix': (20, 10_000)}


# ---- theory ----

def pattern_chances(sizes, r):
    """Of each pattern of sources that hit one cell, for the sizes of the regions; region and pattern are masks of sources."""
    chance = [1.0] + [0.0] * (len(sizes) - 1)
    for region, size in enumerate(sizes):
        miss = math.exp(-size * r)
        after = [p * miss for p in chance]
        for pattern, p in enumerate(chance):
            after[pattern | region] -= p * math.expm1(-size * r)
        chance = after
    return chance


def excesses(chance, pattern):
    """d log chance[pattern] / d size, of each region, in units of r."""
    return [-1.0 if region & ~pattern else
            sum(p for other, p in enumerate(chance) if other != pattern and other | region == pattern) / chance[pattern]
            for region in range(1, len(chance))]


def inverse(matrix):
    """Of a symmetric positive definite matrix, by Gauss and Jordan after scaling to a unit diagonal."""
    size = len(matrix)
    scale = [1 / math.sqrt(matrix[i][i]) for i in range(size)]
    rows = [[matrix[i][j] * scale[i] * scale[j] for j in range(size)] + [float(i == j) for j in range(size)]
            for i in range(size)]
    for i in range(size):
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [x - rows[j][i] * y for x, y in zip(rows[j], rows[i])]
    return [[rows[i][size + j] * scale[i] * scale[j] for j in range(size)] for i in range(size)]


@functools.cache
def covariance(sizes, level0):
    """
    Of the maximum likelihood estimates of all regions: inverse Fisher information of the independent Poisson cells. Level k has
    2^p cells below L0, and as many as there are token addresses from L0 up.
    """
    count = len(sizes) - 1
    information = [[0.0] * count for _ in range(count)]
    for level in range(LEVELS):
        cells = 2 ** (PRECISION if level < level0 else min(PRECISION + 8, ADDRESS_BITS))
        r = level_probability(level) / cells
        chance = pattern_chances(sizes, r)
        for pattern, p in enumerate(chance):
            if p > 0:
                e = excesses(chance, pattern)
                for i in range(count):
                    for j in range(i, count):
                        information[i][j] += cells * r * r * p * e[i] * e[j]
    for i in range(count):
        for j in range(i):
            information[i][j] = information[j][i]
    return inverse(information)


def variance(sizes, level0, regions):
    """Of the estimate of a union of regions: that of the model, less the size because the size is fixed."""
    matrix = covariance(sizes, level0)
    return sum(matrix[i - 1][j - 1] for i in regions for j in regions) - sum(sizes[i] for i in regions)


def is_near_zero(sizes, level0):
    """Whether an estimate of some region may come to lie at 0."""
    return any(sizes[i] < NEAR * math.sqrt(max(variance(sizes, level0, [i]), 0)) for i in range(1, len(sizes)))


# ---- points: sources made of parts, and expressions of them ----

class Point:
    """
    Parts are numbered by their place in a layout, a list of sizes. The sources' parts are given by name; expressions are SQL and,
    with ^ for #, Python: there a source is the set of the regions within it.
    """

    def __init__(self, name, layout, sources, expressions, errors=None):
        self.name = name
        self.sources = sources
        self.expressions = expressions
        self.errors = errors or {}
        sizes = [0] * (1 << len(sources))
        for part, size in enumerate(layout):
            sizes[sum(1 << i for i, parts in enumerate(sources.values()) if part in parts)] += size
        sizes[0] = 0
        self.sizes = tuple(sizes)

    def regions(self, expression):
        names = {name: {region for region in range(len(self.sizes)) if region >> i & 1} for i, name in enumerate(self.sources)}
        return eval(expression.replace('#', '^'), {}, names)


def pair_points(n, jaccards=APART):
    """
    A layout and the points on it. Elements of a, of b and of both lie in three rows that are cut where a point needs it, so that
    each source is some whole parts.
    """
    common = {jaccard: round(2 * n * jaccard / (1 + jaccard)) for jaccard in jaccards}
    cuts = {'both': sorted(set(common.values())),
            'a': sorted({0, n // 200, n // 20, *(n - size for size in common.values())})}
    cuts['b'] = cuts['a']
    layout, ends = [], []
    for row in ('both', 'a', 'b'):
        for low, high in pairwise(cuts[row]):
            layout.append(high - low)
            ends.append((row, high))

    def parts(row, size):
        return {part for part, (name, end) in enumerate(ends) if name == row and end <= size}

    points = []
    for jaccard, size in common.items():
        sources = {name: parts('both', size) | parts(name, n - size) for name in 'ab'}
        errors = {form: dict(zip(PAIR, JACCARD_ERRORS.get((form, jaccard), ()))) for form in FORMS}
        if jaccard == 1:
            points.append(Point(f'Jaccard {jaccard}', layout, {'a': sources['a']}, ('a & a',), dict.fromkeys(FORMS, {'a & a': SINGLE_ERROR})))
        else:
            points.append(Point(f'Jaccard {jaccard}', layout, sources, PAIR, errors))
    for factor in (10, 100):
        sources = {'a': parts('a', n), 'b': parts('a', n // factor // 2) | parts('b', n // factor // 2)}
        points.append(Point(f'{factor}:1, half shared', layout, sources, (*PAIR, 'b - a')))
    points.append(Point('20:1, all shared', layout, {'a': parts('a', n), 'b': parts('a', n // 20)}, (*PAIR, 'b - a'),
                        dict.fromkeys(FORMS, {'a & b': SINGLE_ERROR})))
    return layout, points


def alike_points(n):
    layout, points = pair_points(n, (*ALIKE, 0))
    return layout, points[:len(ALIKE)]


def nested_points(n):
    """Four sets with the same number of elements in every region, and the first three of them."""
    sources = {name: {region - 1 for region in range(1, 16) if region >> i & 1} for i, name in enumerate('abcd')}
    layout = [n // 8] * 15
    return layout, [Point('three sets', layout, {name: sources[name] for name in 'abc'}, tuple(TRIPLE_ERRORS),
                          dict.fromkeys(FORMS, TRIPLE_ERRORS)),
                    Point('four sets', layout, sources, QUADRUPLE)]


def make_parts(session, place, trials, layout, precision=PRECISION):
    """parts (place, trial, part, s): the trial's elements one after another, cut by the layout."""
    values = ', '.join(f'({part}, {end - size}, {size})' for part, (size, end) in enumerate(zip(layout, accumulate(layout))))
    session.run(f'INSERT INTO parts SELECT {place}, t, part, (SELECT hll_add_agg(x, {precision}) '
                f'FROM {elements(first_element(place, "t") + " + first", "size")}) '
                f'FROM generate_series(1, {trials}) AS t, (VALUES {values}) AS part (part, first, size)')


def read_point(session, place, point, form):
    """For each trial the highest L0 and, for each expression, (estimate, lower, upper)."""
    sources = ', '.join(f"hll_union_agg(s) FILTER (WHERE part = ANY ('{set(parts)}'))::{FORMS[form]} AS {name}"
                        for name, parts in point.sources.items())
    levels = ', '.join(f"(hll_info({name})->>'level0')::int" for name in point.sources)
    numbers = range(len(point.expressions))
    bounds = ', '.join(f'hll_cardinality_bounds({expression}) AS b{i}' for i, expression in enumerate(point.expressions))
    rows = session.rows(f'SELECT greatest({levels}), {", ".join(f"b{i}.*" for i in numbers)} '
                        f'FROM (SELECT {sources} FROM parts WHERE place = {place} GROUP BY trial OFFSET 0) AS sources, {bounds}')
    return [(int(row[0]), [tuple(map(float, row[1 + 3 * i:4 + 3 * i])) for i in numbers]) for row in rows]


# ---- judgement ----

def judge_coverage(report, what, covered, trials, near_zero=False):
    what = f'{what}: {covered} of {trials} in the interval'
    enough, _ = binomial_tails(covered, trials, COVERAGE[0])
    if trials >= ENOUGH:
        report.demand(COVERAGE[0] * trials <= covered and (near_zero or covered <= COVERAGE[1] * trials), what)
    else:
        report.demand(enough > CHANCE, what)


def judge_errors(report, what, deviations, near_zero=False):
    """Deviations in standard errors of the theory."""
    count = len(deviations)
    squares = sum(z * z for z in deviations)
    ratio = math.sqrt(squares / count)
    bias = sum(deviations) / math.sqrt(count)
    if not near_zero:
        report.demand_likely(chi_square_tails(squares, count), f'{what}: errors {ratio:.3f} of the theory')
        report.demand_likely(normal_tails(bias), f'{what}: bias of {bias:.2f} standard errors')
        report.demand(count < ENOUGH or abs(ratio - 1) <= TOLERANCE, f'{what}: errors {ratio:.3f} of the theory')
    return ratio, bias


def judge_known(report, what, errors, known, near_zero):
    """Not much larger than was known to be possible. Near 0 half of the errors are none, and the mean square varies by √(5/n), not √(2/n)."""
    rmse = math.sqrt(sum(e * e for e in errors) / len(errors))
    most = math.sqrt(1 + 4.9 * math.sqrt(5 / len(errors))) if near_zero else 1 + TOLERANCE
    report.demand(len(errors) < ENOUGH or rmse <= most * known, f'{what}: error {rmse:.5f}, not {known}')


def judge_expression(report, point, n, form, number, trials):
    expression = point.expressions[number]
    what = f'n = {n}, {point.name}, {form}, {expression}'
    regions = point.regions(expression)
    truth = sum(point.sizes[region] for region in regions)
    near_zero = any(is_near_zero(point.sizes, level0) for level0 in {level0 for level0, _ in trials})
    variances = [variance(point.sizes, level0, regions) for level0, _ in trials]
    bounds = [answers[number] for _, answers in trials]
    errors = [estimate - truth for estimate, _, _ in bounds]
    covered = sum(lower <= truth <= upper for _, lower, upper in bounds)
    unit = truth or n
    known = point.errors.get(form, {}).get(expression)
    ratio, bias = judge_errors(report, what, [e / math.sqrt(v) for e, v in zip(errors, variances)], near_zero)
    judge_coverage(report, what, covered, len(trials), near_zero)
    if known:
        judge_known(report, what, [e / unit for e in errors], known, near_zero)
    report.points.append({
        'n': n, 'point': point.name, 'form': form, 'expression': expression, 'truth': truth, 'trials': len(trials),
        'level0': sorted({level0 for level0, _ in trials}), 'near_zero': near_zero, 'known': known,
        'rmse': math.sqrt(sum(e * e for e in errors) / len(trials)) / unit,
        'theory': math.sqrt(sum(variances) / len(trials)) / unit, 'ratio': ratio,
        'bias': sum(errors) / len(trials) / unit, 'bias_z': bias, 'coverage': covered / len(trials)})


def measure_points(session, report, plan):
    session.run('CREATE TEMP TABLE parts (place int, trial int, part int, s hllset)')
    groups = [(points_of, n) for n in plan for points_of in (pair_points, nested_points)] + [(alike_points, n) for n in plan]
    for place, (points_of, n) in enumerate(groups, 200):
        layout, points = points_of(n)
        make_parts(session, place, plan[n], layout)
        for point in points:
            for form in FORMS:
                trials = read_point(session, place, point, form)
                for number in range(len(point.expressions)):
                    judge_expression(report, point, n, form, number, trials)
        session.run('TRUNCATE parts')


# ---- the bound on overlaps ----

def measure_bound(session, report, trials, n):
    layout, points = pair_points(n, ALIKE + APART)
    make_parts(session, 230, trials, layout, max(PRECISIONS))
    measure_overlaps(session, report, points)
    session.run('TRUNCATE parts')


# ---- the intersection of many sets ----

def measure_log(session, report, trials, users):
    """
    A log of days: a twentieth of the users come every day, as many in each of the first thirty, of the others about half on any
    day, in groups.
    """
    groups, place, core = 64, 220, users // 20
    draw = random.Random(1)
    session.run('CREATE TEMP TABLE days (day int, groups int[])')
    days = [[0] + [group for group in range(1, groups + 1) if draw.random() < share or group == 1 and day < 30]
            for day, share in ((day, draw.uniform(.3, .7)) for day in range(200))]
    session.run('INSERT INTO days VALUES ' + ', '.join(f"({day}, '{set(groups)}')" for day, groups in enumerate(days, 1)))
    make_parts(session, place, trials, [core, core] + [(users - 2 * core) // (groups - 1)] * (groups - 1))
    session.run(f'CREATE TEMP TABLE log AS SELECT trial, day, hll_union_agg(s) AS users '
                f'FROM parts JOIN days ON part = ANY (groups) WHERE place = {place} GROUP BY trial, day')
    for count, truth in ((30, 2 * core), (200, core)):
        rows = session.rows(f"SELECT (hll_info(v)->>'level0')::int, b.* FROM (SELECT hll_intersect_agg(users) AS v FROM log "
                            f'WHERE day <= {count} GROUP BY trial ORDER BY trial OFFSET 0) AS agg, hll_cardinality_bounds(v) AS b')
        answers = [(int(level0), *map(float, numbers)) for level0, *numbers in rows]
        what = f'intersection of {count} sets'
        deviations = [(estimate - truth) / math.sqrt(truth * (2 ** level0 - 1)) for level0, estimate, _, _ in answers]
        ratio, bias = judge_errors(report, what, deviations)
        covered = sum(lower <= truth <= upper for _, _, lower, upper in answers)
        judge_coverage(report, what, covered, trials)
        errors = [answer[1] / truth - 1 for answer in answers]
        report.logs.append({
            'sets': count, 'users': users, 'truth': truth, 'trials': trials, 'level0': sorted({answer[0] for answer in answers}),
            'rmse': math.sqrt(sum(e * e for e in errors) / trials), 'ratio': ratio, 'bias': sum(errors) / trials, 'bias_z': bias,
            'coverage': covered / trials})
    session.run('TRUNCATE parts')


# ---- random pairs and triples ----

# An expression, and the sources that it lies within.
CLIPPED = {'a & b': 'ab', 'a - b': 'a', '(a & b) & c': 'abc', '(a - b) - c': 'a', '(a # b) & c': 'c', 'a - (b & c)': 'a',
           '(a | b) & c': 'c', '(a - b) & (c - b)': 'ac'}
# Numbers of which the first ones together are the others together, at the precision of the first.
BALANCES = ((('a & b', 'a - b'), ('a',)), (('a & b', 'a | b'), ('a', 'b')), (('a # b',), ('a - b', 'b - a')),
            (('(a & b) & c', '(a & b) - c'), ('a & b',)), (('(a - b) - c', '(a - b) & c'), ('a - b',)),
            (('(a & b) | c', '(a & b) & c'), ('a & b', 'c')))
SHARES = ('hll_jaccard(a, b)', 'hll_containment(a, b)', 'hll_containment(b, a)', 'hll_cosine(a, b)', 'hll_dice(a, b)')
# The types of a, b and c.
MIXTURES = (('hllset(12)',) * 3, ('hllset(12, compact)',) * 3, ('hllset(14)', 'hllset(12)', 'hllset(10)'),
            ('hllset(10, compact)', 'hllset(12)', 'hllset(11, compact)'))


def make_cases(session, count):
    """Sources are unions of parts of random sizes; each part is in a region of its case, a third of the regions have none."""
    place, pool = 221, 500
    draw = random.Random(2)
    sizes = [round(math.exp(draw.uniform(0, math.log(100_000)))) for _ in range(pool)]
    session.run(f'CREATE TEMP TABLE pool AS SELECT part, (SELECT hll_add_agg(x, 14) FROM '
                f'{elements(first_element(place, "part"), "size")}) AS s '
                f"FROM unnest('{{{', '.join(map(str, sizes))}}}'::int[]) WITH ORDINALITY AS parts (size, part)")
    values = []
    for case in range(count):
        parts = [part if draw.random() < 2 / 3 else 0 for part in draw.sample(range(1, pool + 1), 7)]
        sources = [{part for region, part in enumerate(parts, 1) if region >> i & 1} for i in range(3)]
        values.append(f'({case}, ' + ', '.join(f"'{source}'::int[]" for source in sources) + ')')
    session.run('CREATE TEMP TABLE cases AS SELECT * FROM (VALUES ' + ', '.join(values) + ') AS cases (id, a, b, c)')


def case_columns():
    """The counts of CLIPPED; for each the least count of a source around it, at its precision; count and error of the terms of BALANCES."""
    def folded(term, whole):
        # An empty result, or a part of it, may be finer than what it came from.
        return f'hll_fold({term}, least(hll_precision({term}), hll_precision({whole})))'

    counts = [f'hll_cardinality({expression})' for expression in CLIPPED]
    limits = ['least(' + ', '.join(f'hll_cardinality({folded(name, expression)})' for name in names) + ')'
              for expression, names in CLIPPED.items()]
    terms = [folded(term, sum_[0]) for sum_, other in BALANCES for term in sum_ + other]
    sizes = [f'hll_cardinality({term}), greatest(hll_cardinality({term}), 1) * hll_relative_error({term})' for term in terms]
    return counts, limits, sizes, list(SHARES)


def read_cases(session, types, turn):
    """For each case the numbers of each group of columns"""
    sources = ', '.join(f'(SELECT coalesce(hll_union_agg(s), hllset_empty(14)) FROM pool WHERE part = ANY ({name}))::{type_} '
                        f'AS {name}' for name, type_ in zip('abc', types))
    groups = case_columns()
    selected = ', '.join(f"concat_ws(' ', {', '.join(group)})" for group in groups)
    for row in session.rows(f'SELECT {selected} FROM '
                            f'(SELECT {sources} FROM cases WHERE id % {len(MIXTURES)} = {turn} OFFSET 0) AS sources'):
        yield [list(map(float, group.split())) for group in row]


def imbalances(sizes):
    """Of each of BALANCES, in standard errors of all its terms together; where parts make up a set, in those of the set"""
    terms = iter(zip(sizes[::2], sizes[1::2]))
    for names, others in BALANCES:
        left, right = [next(terms) for _ in names], [next(terms) for _ in others]
        difference = sum(size for size, _ in left) - sum(size for size, _ in right)
        scale = sum(size for size, _ in left + right)
        error = math.sqrt(sum(error ** 2 for _, error in (right if others == ('a',) else left + right)))
        yield 0 if abs(difference) <= 1e-9 * scale else abs(difference) / (error or math.ulp(scale))


def measure_cases(session, report, count):
    make_cases(session, count)
    for turn, types in enumerate(MIXTURES):
        what = ', '.join(types)
        negative, above, off, wrong = [], [], [], []
        for counts, limits, sizes, shares in read_cases(session, types, turn):
            negative += [size for size in counts + sizes if not size >= 0]
            above += [(size, limit) for size, limit in zip(counts, limits) if not size <= limit]
            off.append(list(imbalances(sizes)))
            wrong += [share for share in shares if not 0 <= share <= 1]
        report.demand(not negative, f'{what}: {len(negative)} negative counts, such as {negative[:3]}')
        report.demand(not above, f'{what}: {len(above)} counts above that of a source around them, such as {above[:3]}')
        report.demand(not wrong, f'{what}: {len(wrong)} shares outside of 0 to 1, such as {wrong[:3]}')
        for (left, right), each in zip(BALANCES, zip(*off)):
            far = sum(not x <= 4 for x in each)
            law = ' + '.join(f'({term})' for term in left) + ' = ' + ' + '.join(f'({term})' for term in right)
            report.demand(not far, f'{what}: {far} times {law} is off by more than 4 standard errors')
            report.cases.append({'types': what, 'cases': len(off), 'negative': len(negative), 'above': len(above), 'wrong': len(wrong),
                                 'law': law, 'far': far, 'farthest': max(each)})


# ---- time ----

def measure_matrix(backend, report, sets, size):
    """All pairs of stored sets: disjoint ones, and unions of ten of sixty parts."""
    place = 222
    backend.session.run(
        f'CREATE TEMP TABLE disjoint AS SELECT id, (SELECT hll_add_agg(x, {PRECISION}) FROM '
        f'{elements(first_element(place, "id"), size)}) AS s FROM generate_series(1, {sets}) AS id')
    draw = random.Random(3)
    members = ', '.join(f"({i}, '{set(draw.sample(range(1, 61), 10))}'::int[])" for i in range(sets))
    backend.session.run(
        f'CREATE TEMP TABLE overlapping AS WITH parts AS MATERIALIZED (SELECT part, (SELECT hll_add_agg(x, {PRECISION}) FROM '
        f'{elements(first_element(place + 1, "part"), size // 10)}) AS s FROM generate_series(1, 60) AS part) '
        f'SELECT id, hll_union_agg(s) AS s FROM (VALUES {members}) AS member (id, members) JOIN parts ON part = ANY (members) '
        f'GROUP BY id')
    for kind in ('overlapping', 'disjoint'):
        for form, type_ in FORMS.items():
            backend.session.run(f'CREATE TEMP TABLE stored AS SELECT id, s::{type_} AS s FROM {kind}')
            for expression in ('hll_cardinality(x.s & y.s)', 'hll_jaccard(x.s, y.s)'):
                cpu, _, _, rows = backend.measure(f'SELECT count({expression}) FROM stored AS x JOIN stored AS y ON x.id < y.id')
                pairs = int(rows[0][0])
                report.times.append({'sets': sets, 'n': size, 'kind': kind, 'form': form, 'expression': expression, 'pairs': pairs,
                                     'microseconds': 1e6 * cpu / pairs})
            backend.session.run('DROP TABLE stored')


# ---- output ----

def print_points(report):
    print('\nErrors in %, of the truth, or of the size of a if that is 0. Theory: at the L0 of the states. Ratio: rmse to theory; '
          '* an estimate near 0.')
    table(['expression', 'n', 'point', 'form', 'L0', 'rmse', 'theory', 'known', 'ratio', 'bias', 'bias/se', 'in 95 %'],
          [[p['expression'], p['n'], p['point'], p['form'], ','.join(map(str, p['level0'])), percent(p['rmse']),
            percent(p['theory']), percent(p['known']), f'{p["ratio"]:.3f}{"*" if p["near_zero"] else " "}', percent(p['bias']),
            f'{p["bias_z"]:+.2f}', percent(p['coverage'], 1)] for p in report.points])


def print_others(report):
    print('\nhll_intersect_agg: errors in %')
    table(['sets', 'truth', 'L0', 'rmse', 'ratio', 'bias', 'bias/se', 'in 95 %'],
          [[p['sets'], p['truth'], ','.join(map(str, p['level0'])), percent(p['rmse']), f'{p["ratio"]:.3f}', percent(p['bias']),
            f'{p["bias_z"]:+.2f}', percent(p['coverage'], 1)] for p in report.logs])
    print('\nRandom triples: counts that are negative or above that of a source around them, shares outside of 0 to 1; how often a law in '
          'count is off by more than 4 standard errors, and by how many at most')
    table(['types', 'cases', 'negative', 'above', 'outside', 'law', 'far', 'farthest'],
          [[case['types'], case['cases'], case['negative'], case['above'], case['wrong'], case['law'], case['far'],
            f'{case["farthest"]:.2f}'] for case in report.cases])
    print('\nOverlap matrix: CPU microseconds a pair')
    table(['sets', 'n', 'kind', 'form', 'expression', 'µs'],
          [[p['sets'], p['n'], p['kind'], p['form'], p['expression'], f'{p["microseconds"]:.1f}'] for p in report.times])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--trials', type=int, help='trials of each point, an even number (default 300, of long intersections 200)')
    parser.add_argument('--smoke', action='store_true', help='a few trials, in some seconds')
    parser.add_argument('--json', metavar='FILE', help='write what was measured here')
    options = parser.parse_args()
    plan = SMOKE if options.smoke else FULL
    if options.trials:
        if options.trials % 2:
            parser.error('the number of trials must be even')
        plan |= {'trials': dict.fromkeys(plan['trials'], options.trials), 'log': (options.trials, plan['log'][1])}

    start = time.monotonic()
    report = Report()
    report.overlaps, report.lopsided, report.logs, report.cases, report.times = [], [], [], [], []
    with Backend('jit=off') as backend:
        session = backend.session
        session.run('CREATE EXTENSION IF NOT EXISTS hllset')
        about = machine(session)
        measure_points(session, report, plan['trials'])
        measure_bound(session, report, *plan['bound'])
        measure_lopsided(session, report, *plan['lopsided'])
        measure_log(session, report, *plan['log'])
        measure_cases(session, report, plan['cases'])
        measure_matrix(backend, report, *plan['matrix'])
    print_points(report)
    print_overlaps(report)
    print_lopsided(report)
    print_others(report)
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump({'machine': about, 'points': report.points, 'overlaps': report.overlaps, 'lopsided': report.lopsided,
                       'logs': report.logs, 'cases': report.cases,
                       'times': report.times, 'broken': report.broken}, file, indent=1)
    for what in report.broken:
        print(f'BROKEN: {what}')
    print(f'algebra: {report.bounds - len(report.broken)} of {report.bounds} bounds hold, in {time.monotonic() - start:.0f} s')
    raise SystemExit(bool(report.broken))


if __name__ == '__main__':
    main()
