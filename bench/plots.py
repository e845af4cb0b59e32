#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Draws docs/plots/*.svg from a folder that holds accuracy.json, algebra.json and sql.json, as the benchmarks of these names write
them with --json. Needs python3-matplotlib.
"""
import argparse
import json
import math
from pathlib import Path

import matplotlib

from accuracy import FORMS
from algebra import PRECISION, variance
from overlaps import LOW, LOW_RULE

matplotlib.use('svg')
matplotlib.rcParams.update({
    'svg.fonttype': 'none', 'svg.hashsalt': 'hllset', 'font.family': 'sans-serif', 'font.size': 10, 'axes.grid': True,
    'axes.spines.top': False, 'axes.spines.right': False, 'grid.color': '#e4e4e4', 'legend.frameon': False,
    'legend.fontsize': 9, 'lines.linewidth': 1.5})

from matplotlib import pyplot  # noqa: E402, after the choice of what draws

COLOURS = {'graded': '#1b6ca8', 'compact': '#d1495b', 'hllset 12': '#1b6ca8', 'hll 11': '#edae49', 'hll 14': '#8d6a9f',
           'ds-hll 12': '#66a182', 'cpc 12': '#c98bb9', 'theta 12': '#7c5c3e', 'count(distinct)': '#777777'}
# bits x relative variance: of the best code of a bit matrix with the best estimator; of 6-bit registers.
LIMIT = 1.98
HLL = 6 * 1.04 ** 2
# Peers whose intersections are drawn, if they were measured.
OVERLAPPING = ('hll 11', 'hll 14', 'cpc 14', 'theta 10')
MILLION = 1_000_000
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


def save(axes, folder, name):
    path = folder / f'{name}.svg'
    axes.figure.savefig(path, bbox_inches='tight', metadata=dict.fromkeys(('Creator', 'Date', 'Format', 'Type')))
    pyplot.close(axes.figure)
    # matplotlib leaves blanks at the ends of lines
    path.write_text('\n'.join(line.rstrip() for line in path.read_text(encoding='utf-8').splitlines()) + '\n', encoding='utf-8')


# ---- plots ----

def error_of_bytes(accuracy, sql):
    axes = figure('Error of a count and bytes, a million elements', 'bytes', 'relative rmse, %', xscale='log', yscale='log')
    ends = [500, 16_000]
    for name, product, style in (('6-bit HyperLogLog, formula', HLL, ':'), (f'limit: {LIMIT} bits × variance', LIMIT, '--')):
        axes.plot(ends, [100 * math.sqrt(product / 8 / size) for size in ends], style, color='#555555', label=name)
    for form in FORMS:
        points = [p for p in accuracy['points'] if p['n'] == MILLION and p['form'] == form and p['precision'] in DRAWN]
        # one standard error of a root mean square
        axes.errorbar([p['bytes'] for p in points], [100 * p['rmse'] for p in points],
                      yerr=[100 * p['rmse'] / math.sqrt(2 * p['trials']) for p in points], fmt='o', ms=5, capsize=2,
                      color=COLOURS[form], label=f'hllset, {form}: measured')
        for p in points:
            axes.annotate(p['precision'], (p['bytes'], 100 * p['rmse']), xytext=(-4, -12 if form == 'compact' else 8),
                          textcoords='offset points', fontsize=8, color=COLOURS[form])
    peers = [(p['name'], sql['bytes'][p['name']][str(MILLION)], 100 * p['rmse'], 100 * p['rmse_error']) for p in sql['merged']
             if not p['name'].startswith('hllset')]
    peers = [peer for peer in peers if peer[1] < ends[1]]
    axes.errorbar([p[1] for p in peers], [p[2] for p in peers], yerr=[p[3] for p in peers], fmt='s', ms=5, capsize=2, mfc='none',
                  color='#333333', label='peers, unions: measured')
    for name, size, error, _ in peers:
        left = name.startswith('cpc')
        axes.annotate(name, (size, error), xytext=(-6 if left else 6, 4), textcoords='offset points',
                      ha='right' if left else 'left', fontsize=8)
    axes.set(xticks=[500, 1000, 2000, 4000, 8000, 16_000], yticks=[.5, 1, 2, 3])
    plain_numbers(axes.xaxis, axes.yaxis)
    axes.legend()
    return axes


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
                  label=f'hllset({PRECISION}), {form}: theory')
        axes.plot([float(p['point'].split()[1]) for p in points], [100 * p['rmse'] for p in points], 'o', color=COLOURS[form],
                  label='measured')
    rule = [100 * LOW_RULE * (1 + jaccard) / (2 * jaccard) / math.sqrt(2 ** PRECISION) for jaccard in grid if jaccard <= LOW]
    axes.plot(grid[:len(rule)], rule, '--', color='#555555', label=f'at most: {LOW_RULE} √(|a| |b| / m)')
    for name, mark in zip(OVERLAPPING, 's^vD'):
        points = [p for p in sql['overlaps'] if p['name'] == name]
        if points:
            axes.plot([p['jaccard'] for p in points], [100 * p['rmse'] for p in points], mark, mfc='none', color='#333333',
                      label=f'{name}, {points[0]["bytes"] / 1000:.1f} kB')
    axes.set(xticks=[.01, .1, .5], yticks=[1, 3, 10, 30, 100, 300, 1000], ylim=(.8, 3000))
    plain_numbers(axes.xaxis, axes.yaxis)
    axes.legend()
    return axes


def bytes_of_size(accuracy, sql):
    axes = figure('Bytes of a value', 'elements', 'mean bytes', xscale='log', yscale='log')
    for form in FORMS:
        sizes = [size for size in accuracy['sizes'] if size['form'] == form]
        axes.plot([size['n'] for size in sizes], [size['mean'] for size in sizes], color=COLOURS[form],
                  ls='-' if form == 'graded' else '--', label=f'hllset({PRECISION}), {form}')
    for name, mark in (('hll 11', 's-'), ('hll 14', '^-'), ('ds-hll 12', 'v-'), ('cpc 12', 'D-'), ('theta 12', 'o-')):
        sizes = sql['bytes'].get(name)
        if sizes:
            axes.plot([int(n) for n in sizes], sizes.values(), mark, ms=4, lw=.8, color=COLOURS[name], label=name)
    axes.set(xticks=[10 ** i for i in range(0, 8, 2)], yticks=[10, 100, 1000, 10_000])
    plain_numbers(axes.xaxis, axes.yaxis)
    axes.legend()
    return axes


def times_of_jobs(sql):
    axes = figure(f'Time of an aggregate: ratio to hash only, {sql["rows"]:,} rows', 'ratio', None, height=8.4, xscale='log')
    names = [name for name in COLOURS if name in {result['name'] for result in sql['jobs'][0]['results']}]
    thick = .8 / len(names)
    for i, name in enumerate(names):
        ratios = [next(r['ratio'] for r in job['results'] if r['name'] == name) for job in sql['jobs']]
        bars = axes.barh([row + (i - (len(names) - 1) / 2) * thick for row in range(len(ratios))],
                         [ratio - 1 for ratio in ratios], thick, left=1, color=COLOURS[name], label=name, zorder=2)
        axes.bar_label(bars, [f'{ratio:.1f}' for ratio in ratios], fontsize=7, padding=2)
    axes.set_yticks(range(len(sql['jobs'])), [job['job'].replace(', one group', '') for job in sql['jobs']])
    axes.invert_yaxis()
    axes.grid(False, axis='y')
    axes.set(xlim=(.6, 40), xticks=[1, 2, 4, 8, 16, 32])
    axes.axvline(1, color='#555555', lw=.8, zorder=3)
    plain_numbers(axes.xaxis)
    axes.legend()
    return axes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', type=Path, help='folder of the JSON files')
    parser.add_argument('folder', type=Path, nargs='?', default=Path(__file__).parents[1] / 'docs' / 'plots',
                        help='where the plots go (default docs/plots)')
    options = parser.parse_args()
    accuracy, algebra, sql = (json.loads((options.results / f'{name}.json').read_text(encoding='utf-8'))
                              for name in ('accuracy', 'algebra', 'sql'))
    options.folder.mkdir(exist_ok=True, parents=True)
    save(error_of_bytes(accuracy, sql), options.folder, 'error-bytes')
    save(error_of_overlap(algebra, sql), options.folder, 'error-overlap')
    save(bytes_of_size(accuracy, sql), options.folder, 'bytes')
    save(times_of_jobs(sql), options.folder, 'times')


if __name__ == '__main__':
    main()
