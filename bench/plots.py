#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Draws docs/plots/*.svg from a folder that holds accuracy.json, algebra.json, search.json and sql.json, as the benchmarks of these names write
them with --json. Of those that are not there nothing is drawn. Without a folder from bench/published, the figures of docs/benchmarks.md and
docs/search.md. Needs python3-matplotlib.
"""
import argparse
import json
import math
from pathlib import Path

import matplotlib

from accuracy import FORMS
from algebra import PRECISION, variance
from overlaps import LOW, LOW_RULE
from style import INK, PAPER, RULE, with_dark

matplotlib.use('svg')
matplotlib.rcParams.update({
    'svg.fonttype': 'none', 'svg.hashsalt': 'hllset', 'font.family': 'sans-serif', 'font.size': 10, 'axes.grid': True,
    'axes.spines.top': False, 'axes.spines.right': False, 'grid.color': RULE, 'legend.frameon': False,
    'legend.fontsize': 9, 'lines.linewidth': 1.5, 'figure.facecolor': PAPER, 'axes.facecolor': PAPER, 'axes.titlesize': 11,
    **dict.fromkeys(('text.color', 'axes.edgecolor', 'axes.labelcolor', 'axes.titlecolor', 'xtick.color', 'ytick.color'), INK)})

from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib import pyplot  # noqa: E402, after the choice of what draws

# Each reads on white and on black.
BLUE, RED, YELLOW, PURPLE, GREEN, PINK, BROWN, GREY = '#2f81c7', '#d1495b', '#d99a2b', '#9673ab', '#4f9d71', '#c06fae', '#9c7450', '#808080'
COLOURS = {'graded': BLUE, 'compact': RED, 'hllset 12': BLUE, 'hll 11': YELLOW, 'hll 14': PURPLE,
           'ds-hll 12': GREEN, 'cpc 12': PINK, 'theta 12': BROWN, 'count(distinct)': GREY}
MARKS = {'hll 11': 's', 'hll 14': '^', 'ds-hll 12': 'v', 'cpc 12': 'D', 'cpc 14': 'D', 'theta 10': 'P', 'theta 12': 'P', 'hllset 12': 'o', 'count(distinct)': 'X'}
# bits x relative variance: of the best code of a bit matrix with the best estimator; of 6-bit registers.
LIMIT = 1.98
HLL = 6 * 1.04 ** 2
# Others whose intersections are drawn, if they were measured.
OVERLAPPING = {'hllset 14 compact': RED, 'hll 11': YELLOW, 'hll 14': PURPLE, 'cpc 12': PINK, 'cpc 14': PINK, 'theta 10': BROWN}
MILLION = 1_000_000
PUBLISHED = Path(__file__).resolve().parent / 'published'
# The precisions of the plot of error and bytes.
DRAWN = (10, 12, 14)


def figure(title, x, y, height=4.2, **scales):
    _, axes = pyplot.subplots(figsize=(6.4, height))
    axes.set(title=title, xlabel=x, ylabel=y, **scales)
    return axes


def number(value, _):
    return f'{value:,.10g}'


def plain_numbers(*axes):
    """1,000 and .1 where matplotlib writes powers."""
    for axis in axes:
        axis.set_major_formatter(number)
        axis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def legend_below(axes, columns=2):
    axes.legend(loc='upper center', bbox_to_anchor=(.5, -.14), ncol=columns)


def refuse_touching(drawn, name):
    """No label touches another: their boxes, as the renderer lays them out."""
    renderer = FigureCanvasAgg(drawn).get_renderer()
    drawn.draw(renderer)
    texts = [text for text in drawn.findobj(matplotlib.text.Text) if text.get_visible() and text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    for i, (text, box) in enumerate(boxes):
        for other, beside in boxes[:i]:
            if box.overlaps(beside) and box.width > 0 and beside.width > 0:
                raise SystemExit(f'{name}: the labels "{other}" and "{text}" touch')


def save(axes, folder, name):
    path = folder / f'{name}.svg'
    axes.figure.savefig(path, bbox_inches='tight', pad_inches=.15, metadata=dict.fromkeys(('Creator', 'Date', 'Format', 'Type')))
    pyplot.close(axes.figure)
    path.write_text(with_dark(path.read_text(encoding='utf-8')), encoding='utf-8')


# ---- plots ----

# Where the name of a peer stands, in points from its mark: off the lines.
BESIDE = {'hll 11': (8, 6, 'left'), 'hll 14': (8, 6, 'left'), 'ds-hll 12': (0, -17, 'center'), 'cpc 11': (0, 14, 'center'), 'cpc 12': (7, 5, 'left')}


def error_of_bytes(accuracy, sql):
    axes = figure('Error of a count and bytes, a million elements', 'bytes', 'relative rmse, %', xscale='log', yscale='log')
    ends = [500, 16_000]
    for name, product, style in (('6-bit HyperLogLog, formula', HLL, ':'), (f'limit of full sets: {LIMIT} bits × variance', LIMIT, '--')):
        axes.plot(ends, [100 * math.sqrt(product / 8 / size) for size in ends], style, color=GREY, label=name)
    for form in FORMS:
        points = [p for p in accuracy['points'] if p['n'] == MILLION and p['form'] == form and p['precision'] in DRAWN]
        # one standard error of a root mean square
        axes.errorbar([p['bytes'] for p in points], [100 * p['rmse'] for p in points],
                      yerr=[100 * p['rmse'] / math.sqrt(2 * p['trials']) for p in points], fmt='o', ms=5, capsize=2,
                      color=COLOURS[form], label=f'hllset, {form}: measured')
        for p in points:
            axes.annotate(p['precision'], (p['bytes'], 100 * p['rmse']), xytext=(0, -17) if form == 'compact' else (9, -3), ha='center' if form == 'compact' else 'left',
                          textcoords='offset points', fontsize=8, color=COLOURS[form])
    peers = [(p['name'], sql['bytes'][p['name']][str(MILLION)], 100 * p['rmse'], 100 * p['rmse_error']) for p in sql['merged']
             if not p['name'].startswith('hllset')]
    peers = [peer for peer in peers if peer[1] < ends[1]]
    axes.errorbar([p[1] for p in peers], [p[2] for p in peers], yerr=[p[3] for p in peers], fmt='s', ms=5, capsize=2, mfc='none',
                  color=INK, label='peers, unions: measured')
    for name, size, error, _ in peers:
        right, up, side = BESIDE.get(name, (6, 4, 'left'))
        axes.annotate(name, (size, error), xytext=(right, up), textcoords='offset points', ha=side, fontsize=8)
    axes.set(xticks=[500, 1000, 2000, 4000, 8000, 16_000], yticks=[.5, 1, 2, 3], ylim=(.35, 5), xlim=(430, 19_000))
    plain_numbers(axes.xaxis, axes.yaxis)
    axes.legend()
    return axes


FORMS_SAID = {'graded': f'hllset {PRECISION}, 3.2 kB', 'compact': f'hllset {PRECISION} compact, 2.4 kB'}


def pair_error(jaccard, n, level0):
    both = 2 * n * jaccard / (1 + jaccard)
    return math.sqrt(variance((0, n - both, n - both, both), level0, (3,))) / both


def error_of_overlap(algebra, sql):
    n = 100_000
    axes = figure(f'Error of # (a & b), |a| = |b| = {n:,}', 'Jaccard index', 'relative rmse, % of the overlap',
                  xscale='log', yscale='log')
    grid = [10 ** (i / 10 - 2.5) for i in range(24)]
    for form in FORMS:
        points = [p for p in algebra['points'] if p['n'] == n and p['form'] == form and p['expression'] == 'a & b'
                  and p['point'].startswith('Jaccard') and p['truth'] > 0]
        level0 = max(points[0]['level0'])
        axes.plot(grid, [100 * pair_error(jaccard, n, level0) for jaccard in grid], color=COLOURS[form],
                  label=f'{FORMS_SAID[form]}: theory')
        axes.plot([float(p['point'].split()[1]) for p in points], [100 * p['rmse'] for p in points], 'o', color=COLOURS[form],
                  label=f'{FORMS_SAID[form]}: measured')
    rule = [100 * LOW_RULE * (1 + jaccard) / (2 * jaccard) / math.sqrt(2 ** PRECISION) for jaccard in grid if jaccard <= LOW]
    axes.plot(grid[:len(rule)], rule, '--', color=GREY, label=f'at most: {LOW_RULE} √(|a| |b| / m)')
    for i, (name, colour) in enumerate(OVERLAPPING.items()):
        points = [p for p in sql['overlaps'] if p['name'] == name]
        if points:
            # a little to the side of each other, where all have the same Jaccard index
            aside = 1.07 ** (i - (len(OVERLAPPING) - 1) / 2)
            axes.plot([p['jaccard'] * aside for p in points], [100 * p['rmse'] for p in points], MARKS.get(name, 'o'), ls=(0, (1, 2)), lw=.8, ms=5,
                      mfc=colour if name == 'cpc 14' else 'none', color=colour, label=f'{name}, {points[0]["bytes"] / 1000:.1f} kB')
    axes.set(xticks=[.01, .1, .5], yticks=[.3, 1, 3, 10, 30, 100, 300], ylim=(.4, 300))
    plain_numbers(axes.xaxis, axes.yaxis)
    legend_below(axes)
    return axes


def bytes_of_size(accuracy, sql):
    axes = figure('Bytes of a value', 'elements', 'mean bytes', xscale='log', yscale='log')
    for form in FORMS:
        sizes = [size for size in accuracy['sizes'] if size['form'] == form]
        axes.plot([size['n'] for size in sizes], [size['mean'] for size in sizes], color=COLOURS[form],
                  ls='-' if form == 'graded' else '--', label=f'hllset({PRECISION}), {form}')
    for name in ('hll 11', 'hll 14', 'ds-hll 12', 'cpc 12', 'theta 12'):
        sizes = sql['bytes'].get(name)
        if sizes:
            axes.plot([int(n) for n in sizes], sizes.values(), f'{MARKS[name]}-', ms=4, lw=.8, color=COLOURS[name], label=name)
    axes.set(xticks=[10 ** i for i in range(0, 8, 2)], yticks=[10, 100, 1000, 10_000])
    plain_numbers(axes.xaxis, axes.yaxis)
    axes.legend()
    return axes


def times_of_jobs(sql):
    jobs = [job for job in sql['jobs'] if not job.get('other_ways')]
    axes = figure(f'Time of an aggregate: ratio to hash only, {sql["rows"]:,} rows', 'ratio', None, height=.36 * len(jobs) + 1.2, xscale='log')
    names = [name for name in COLOURS if name in {result['name'] for result in jobs[0]['results']}]
    for name in reversed(names):
        ratios = [next(r['ratio'] for r in job['results'] if r['name'] == name) for job in jobs]
        axes.plot(ratios, range(len(jobs)), MARKS[name], ms=7 if name == 'hllset 12' else 5, mfc=COLOURS[name] if name == 'hllset 12' else 'none', mew=1.4,
                  color=COLOURS[name], label=name, zorder=3 if name == 'hllset 12' else 2)
    axes.set_yticks(range(len(jobs)), [job['job'].replace(', one group', '') for job in jobs])
    axes.invert_yaxis()
    axes.set(xlim=(.6, 20), xticks=[1, 2, 4, 8, 16])
    axes.axvline(1, color=GREY, lw=.8, zorder=1)
    plain_numbers(axes.xaxis)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc='upper center', bbox_to_anchor=(.3, -.1), ncol=4)
    return axes


def seconds_and_bytes(sql):
    """What a count costs beside the exact ways: the picture of the README."""
    figure_, (left, right) = pyplot.subplots(1, 2, figsize=(8.4, 2.7), gridspec_kw={'wspace': .62})
    jobs = {job['job'].replace(', one group', ''): {r['name']: r['cpu'] for r in job['results']} for job in sql['jobs'] if ', one group' in job['job']}
    kinds = [kind for kind in jobs if 'count(distinct)' in jobs[kind]]
    for i, (name, colour) in enumerate((('count(distinct)', GREY), ('hllset 12', BLUE))):
        bars = left.barh([row + (i - .5) * .38 for row in range(len(kinds))], [jobs[kind][name] for kind in kinds], .36, color=colour, label=name, zorder=2)
        left.bar_label(bars, [f'{jobs[kind][name]:.2g}' for kind in kinds], padding=3, fontsize=8)
    left.set_yticks(range(len(kinds)), kinds)
    left.set(title=f'{sql["rows"]:,} rows counted', xlabel='CPU seconds', xlim=(0, 1.15 * max(jobs[kind]['count(distinct)'] for kind in kinds)))
    left.legend(loc='lower right')
    shown = [(name, sql['bytes'][key][str(MILLION)], colour) for name, key, colour in (
        ('exact (roaring)', 'roaring', GREY), ('theta 12', 'theta 12', GREY), ('hll 14', 'hll 14', GREY), ('hllset 12', 'hllset 12', BLUE),
        ('hllset 12 compact', 'hllset 12 compact', BLUE)) if key in sql['bytes']]
    bars = right.barh(range(len(shown)), [size for _, size, _ in shown], .6, color=[colour for _, _, colour in shown], zorder=2)
    right.bar_label(bars, [f'{size / 1e6:.1f} MB' if size >= 1e6 else f'{size / 1e3:.1f} kB' for _, size, _ in shown], padding=3, fontsize=8)
    right.set_yticks(range(len(shown)), [name for name, _, _ in shown])
    right.set(title='a set of a million integers', xlabel='bytes', xscale='log', xlim=(500, 3e7), xticks=[1e3, 1e5, 1e7])
    right.set_xticks([], minor=True)
    right.xaxis.set_major_formatter(lambda size, _: f'{size / 1e6:g} MB' if size >= 1e6 else f'{size / 1e3:g} kB')
    for axes in (left, right):
        axes.invert_yaxis()
        axes.grid(False, axis='y')
        axes.tick_params(axis='y', length=0)
    return left


def reaches(share, least, of=64):
    """The chance that a binomial reaches a number."""
    return sum(math.comb(of, k) * share ** k * (1 - share) ** (of - k) for k in range(least, of + 1))


def recall_of_overlap(search):
    axes = figure('What s % hll_similar_to(q, at_least) finds', 'Jaccard index', 'share found')
    grid = [i / 200 for i in range(201)]
    for threshold, colour in ((.1, BLUE), (.25, GREEN), (.5, YELLOW), (.8, RED)):
        least = max(k for k in range(65) if reaches(threshold, k) >= .98)
        axes.plot(grid, [reaches(share, least) for share in grid], color=colour, label=f'at_least {threshold}: of 64, {least} shared')
    bands = [(float(band) + .025, *values) for band, values in search['recall'].items()]
    axes.plot([share for share, _, _ in bands], [found for _, found, _ in bands], 'o', ms=4, color=BLUE,
              label=f'0.1, measured: {sum(count for _, _, count in bands):,} pairs')
    legend_below(axes)
    return axes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', type=Path, nargs='?', default=PUBLISHED, help='folder of the JSON files (default bench/published)')
    parser.add_argument('folder', type=Path, nargs='?', default=Path(__file__).parents[1] / 'docs' / 'plots',
                        help='where the plots go (default docs/plots)')
    options = parser.parse_args()
    results = {path.stem: json.loads(path.read_text(encoding='utf-8')) for path in options.results.glob('*.json')}
    options.folder.mkdir(exist_ok=True, parents=True)
    for name, draw, sources in (('error-bytes', error_of_bytes, ('accuracy', 'sql')), ('error-overlap', error_of_overlap, ('algebra', 'sql')),
                                ('bytes', bytes_of_size, ('accuracy', 'sql')), ('times', times_of_jobs, ('sql',)), ('seconds', seconds_and_bytes, ('sql',)),
                                ('recall', recall_of_overlap, ('search',))):
        if all(source in results for source in sources):
            axes = draw(*(results[source] for source in sources))
            if options.results.resolve() == PUBLISHED:
                refuse_touching(axes.figure, name)
            save(axes, options.folder, name)


if __name__ == '__main__':
    main()
