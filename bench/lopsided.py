# SPDX-License-Identifier: PostgreSQL
"""
Intervals of pairs of which one set is small beside the other, or has all its bits where the other is full: a part of algebra.py.
Of 95 % intervals MISSED at most miss the truth on either side, and where the truth is 0 at least as many as ZERO begin there. That chance breaks a
bound happens once in a million.
"""
from accuracy import CHANCE, binomial_tails, elements, percent
from server import table

# Built at this precision; the others are folds, which are the same as if built so.
BUILT = 12
MISSED = 0.08
ZERO = 0.95
# Of the small set, that is in the large one.
SHARES = (0, .1, .5, 1)
EXPRESSIONS = ('a & b', 'a - b', 'b - a', 'a # b')
# The large set is a union of so many pieces of so many elements; the small one has this many, at this precision.
POINTS = ((3, 1_000_000, 16, 12), (2, 1_000_000, 16, 12), (1, 1_000_000, 16, 12), (1, 1_000_000, 10, 12), (1, 1_000_000, 64, 10),
          (1, 250_000, 16, 8), (1, 100_000, 30_000, 8), (1, 20_000, 300, 8), (1, 20_000, 300, 6), (1, 100_000, 1_000, 4))


def first_element(place, trial):
    """So that no two sets share an element: `<<` and `|` have one precedence."""
    return f'(({place}::bigint << 48) | ({trial}::bigint << 28))'


def make_pieces(session, place, unit, count):
    session.run(f'CREATE TEMP TABLE pieces AS SELECT t AS piece, (SELECT hll_add_agg(x, {BUILT}) '
                f'FROM {elements(first_element(place, "t"), unit)}) AS s FROM generate_series(0, {count} - 1) AS t')


def make_small_sets(session, place, size, trials):
    """Of each trial what each share adds to that of the share before it."""
    ends = [round(share * size) for share in SHARES]
    layers = ', '.join(f'({share}, {low}, {high - low})' for share, low, high in zip(SHARES, [0, *ends], ends))
    session.run(f'CREATE TEMP TABLE layers AS SELECT t AS trial, share, coalesce((SELECT hll_add_agg(x, {BUILT}) '
                f'FROM {elements(first_element(place, "t") + " + first", "size")}), hllset_empty({BUILT})) AS s '
                f'FROM generate_series(0, {trials} - 1) AS t, (VALUES {layers}) AS layer (share, first, size)')


def read_trials(session, pieces, count, share, type_):
    """For each trial and expression the ends of the interval."""
    numbers = range(len(EXPRESSIONS))
    bounds = ', '.join(f'hll_cardinality_bounds({expression}) AS b{i}' for i, expression in enumerate(EXPRESSIONS))
    rows = session.rows(
        f'SELECT {", ".join(f"b{i}.lower, b{i}.upper" for i in numbers)} FROM (SELECT '
        f"(hll_union_agg(s) FILTER (WHERE share <= {share}) | (SELECT hll_union_agg(p.s) FROM pieces AS p "
        f'WHERE p.piece IN (SELECT (trial * {pieces} + j) % {count} FROM generate_series(0, {pieces} - 1) AS j)))::{type_} AS a, '
        f'hll_union_agg(s)::{type_} AS b FROM layers GROUP BY trial ORDER BY trial OFFSET 0) AS sets, {bounds}')
    for row in rows:
        ends = list(map(float, row))
        yield list(zip(ends[::2], ends[1::2]))


def judge_intervals(report, what, truth, intervals):
    trials = len(intervals)
    above = sum(upper * (1 + 1e-9) < truth for _, upper in intervals)
    below = sum(lower * (1 - 1e-9) > truth for lower, _ in intervals)
    for side, missed in (('above', above), ('below', below)):
        report.demand(binomial_tails(missed, trials, MISSED)[1] > CHANCE, f'{what}: {missed} of {trials} have the truth {side} them')
    zero = sum(lower == 0 for lower, _ in intervals)
    report.demand(truth > 0 or binomial_tails(zero, trials, ZERO)[0] > CHANCE, f'{what}: {zero} of {trials} begin at 0')
    return {'truth': truth, 'trials': trials, 'above': above / trials, 'below': below / trials, 'zero': zero / trials}


def measure_point(session, report, point, count, trials):
    pieces, unit, small, precision = point
    for share in SHARES:
        shared = round(share * small)
        truths = (shared, pieces * unit, small - shared, pieces * unit + small - shared)
        for form, type_ in (('graded', f'hllset({precision})'), ('compact', f'hllset({precision}, compact)')):
            answers = list(read_trials(session, pieces, count, share, type_))
            for number, (expression, truth) in enumerate(zip(EXPRESSIONS, truths)):
                # what is left of the large set errs as that does, each time anew only while no piece has been used
                judged = answers[:count // pieces] if truth >= pieces * unit - small else answers
                what = f'p = {precision}, {pieces * unit} and {small}, shared {share}, {form}: {expression}'
                report.lopsided.append({
                    'precision': precision, 'large': pieces * unit, 'small': small, 'share': share, 'form': form, 'expression': expression,
                    **judge_intervals(report, what, truth, [answer[number] for answer in judged])})


def measure_lopsided(session, report, trials, most):
    """With as many pieces as trials, but no more than twenty of the largest. Large sets of more than `most` elements are left out."""
    for place, unit in enumerate(sorted({unit for _, unit, *_ in POINTS if unit <= most}), 240):
        count = max(min(trials, 20_000_000 // unit), 20)
        make_pieces(session, place, unit, count)
        for number, point in enumerate(POINTS):
            if point[1] == unit:
                make_small_sets(session, 250 + number, point[2], trials)
                measure_point(session, report, point, count, trials)
                session.run('DROP TABLE layers')
        session.run('DROP TABLE pieces')


def print_lopsided(report):
    print('\nIntervals of lopsided pairs: in % those that have the truth above and below them, and those that begin at 0')
    table(['p', 'a', 'b', 'shared', 'form', 'expression', 'trials', 'above', 'below', 'at 0'],
          [[p['precision'], p['large'], p['small'], p['share'], p['form'], p['expression'], p['trials'], percent(p['above'], 1),
            percent(p['below'], 1), percent(p['zero'], 1)] for p in report.lopsided])
