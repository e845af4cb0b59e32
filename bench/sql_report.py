# SPDX-License-Identifier: PostgreSQL
"""Part of sql.py: what was measured as tables, in plain text or in Markdown."""
import re
from dataclasses import dataclass

from server import table
from sql_errors import JACCARD
from sql_jobs import OURS
from sql_stored import SIZES, STORED

PLAIN = ('count(*)', 'hash only', 'count(distinct)')
# Of precisions 11 and 12.
STORED_GOALS = {(100, 'union'): '.5', (10_000, 'union'): '5 / 10', (1_000_000, 'union'): '5 / 10', (100, 'cardinality'): '.4',
                (10_000, 'cardinality'): '5 / 10', (1_000_000, 'cardinality'): '5 / 10'}
STEPS = {'add in a loop': 'one `hll_add` in a loop', 'update': '`UPDATE` with `hll_add`', 'rolling week': 'rolling week',
         'rolling month': 'rolling month', 'week by a join': 'week by a join'}
STEP_GOALS = {'add in a loop': '2', 'rolling week': '200 at 14'}


@dataclass
class Table:
    """key: of its place in a document."""
    key: str
    title: str
    header: list
    rows: list


def short(value, decimals=2):
    """Two decimals or three digits, as .05, 1.50, 12.3 and 1,234."""
    if value < 9.995:
        return f'{value:.{decimals}f}'.removeprefix('0')
    return f'{value:.1f}' if value < 99.95 else f'{value:,.0f}'


def megabytes(value):
    return f'{value / 1e6:,.0f}' if value >= 9.5e6 or value < 50_000 else f'{value / 1e6:.1f}'.removeprefix('0')


def percent(value):
    return short(100 * value)


def columns(jobs):
    """The contenders of all jobs, each where it first comes."""
    return list(dict.fromkeys(result['name'] for job in jobs for result in job['results']))


def of_contenders(job, names, cell):
    results = {result['name']: result for result in job['results']}
    return [cell(results[name]) if name in results else '' for name in names]


def goal(job):
    return short(job['goal']) if job['goal'] else ''


def against(job, key, names):
    """The best round of ours in parts of that of the fastest of these."""
    results = {result['name']: result[key] for result in job['results']}
    if not names:
        return ''
    best = min(names, key=results.get)
    return f'{short(results[OURS] / results[best])} × {best}'


def against_peers(job, key):
    return against(job, key, [result['name'] for result in job['results'] if result['name'] not in PLAIN
                              and not result['name'].startswith('hllset')])


def against_exact(job, key):
    return against(job, key, ['count(distinct)'])


def seconds(value):
    return short(value, 3 if value < .9995 else 2)


# ---- tables ----

def aggregates(results):
    jobs = [job for job in results['jobs'] if not job.get('other_ways')]
    names = columns(jobs)
    rows = [[job['job'], *of_contenders(job, names, lambda r: f'{seconds(r["cpu"])} ({short(r["ratio"])})'), goal(job),
             against_peers(job, 'cpu'), against_exact(job, 'cpu')] for job in jobs]
    return Table('aggregates', 'CPU seconds (ratio to hash only)', ['CPU s (ratio)', *names, 'goal', 'hllset is', 'and'], rows)


def other_ways(results):
    jobs = [job for job in results['jobs'] if job.get('other_ways')]
    names = [name for name in columns(jobs) if name not in ('count(*)', 'hash only', 'count(distinct)')]
    rows = [[job['job'], *of_contenders(job, names, lambda r: f'{seconds(r["cpu"])} ({r["to_ours"]:.2f})')] for job in jobs]
    return Table('other-ways', 'CPU seconds of the same count said in other ways (ratio to hll_add_agg; at most 1.05)',
                 ['CPU s (ratio)', *names], rows)


def memory(results):
    jobs = [job for job in results['jobs'] if job['group']]
    names = [name for name in columns(jobs) if name not in ('count(*)', 'hash only')]
    rows = [[job['job'], *of_contenders(job, names, lambda r: f'{megabytes(r["peak_bytes"])} ({megabytes(1e3 * r["spilt_kb"])})'
                                        + (' sorted' if 'sort' in r['plan'] else '')),
             megabytes(1024 * job['limit_kb'])] for job in jobs]
    return Table('memory', 'MB that the backend grew (MB written to temporary files); limit: 1.3 x work_mem x hash_mem_multiplier',
                 ['MB (temporary)', *names, 'limit'], rows)


def parallel(results):
    jobs = results['parallel']
    names = columns(jobs)

    def cell(result):
        workers = f', {result["planned_workers"]} w' if result['planned_workers'] else ', serial'
        return f'{seconds(result["wall"])} ({short(result["ratio"])}), × {short(result["serial_wall"] / result["wall"])}{workers}'

    rows = [[job['job'], *of_contenders(job, names, cell), goal(job), against_peers(job, 'wall')] for job in jobs]
    return Table('parallel', 'default settings: seconds by the clock (ratio to hash only), speed-up over a serial plan, planned workers',
                 ['s (ratio), speed-up', *names, 'goal', 'hllset is'], rows)


def stored(results):
    cells = {(r['n'], r['what'], r['name']): r['us'] for r in results['stored']}
    keys = [(n, what) for what in ('detoast', 'union', 'cardinality') for n in STORED]

    def cell(name, n, what):
        us = cells[n, what, name]
        return short(us) if what == 'detoast' else f'{short(us)} ({short(us / cells[n, "detoast", name])})'

    rows = [[name, *(cell(name, *key) for key in keys)] for name in results['bytes']]
    rows.append(['goal p = 11 / 12', *(STORED_GOALS.get(key, '') for key in keys)])
    names = {'detoast': 'read', 'union': 'union', 'cardinality': 'count'}
    return Table('stored', 'CPU microseconds for each stored value (ratio to only reading it)',
                 ['', *(f'{names[what]}, n = {n:,}' for n, what in keys)], rows)


def steps(results):
    cells = {(r['what'], r['name']): short(r['us']) for r in results['steps']}
    rows = [[name, *(cells.get((what, name), '') for what in STEPS)] for name in results['bytes']]
    rows.append(['goal', *(STEP_GOALS.get(what, '') for what in STEPS)])
    return Table('steps', 'CPU microseconds of a step: sets of 10,000 elements, one for each day', ['', *STEPS.values()], rows)


def large_unions(results):
    most = max(r['count'] for r in results['large_unions'])
    rows = [['MB', *(megabytes(r['peak_bytes']) + ('' if r['count'] > .9 * most else f' (of {r["count"]:,})')
                     for r in results['large_unions']), '20']]
    return Table('large-unions', f'growth of the backend in a union of {most:,} stored sets of 10,000',
                 ['', *(r['name'] for r in results['large_unions']), 'goal'], rows)


def sizes(results):
    errors = {r['name']: r for r in results['merged']}

    def error(name):
        found = errors.get(name)
        return f'{percent(found["rmse"])} ± {percent(found["rmse_error"])}' if found else 'exact'

    rows = [[name, *(f'{size:,.0f}' for size in of_n.values()), error(name), short(results['rollup_mb'][name])]
            for name, of_n in results['bytes'].items()]
    n = results['merged'][0]['n']
    return Table('bytes', f'mean bytes of a stored value; rmse of unions of {n:,}; a table of the sets of all zipf groups',
                 ['bytes, n =', *(f'{n:,}' for n in SIZES), 'rmse, %, merged', 'zipf rollup, MB'], rows)


def overlaps(results):
    by_name = {}
    for point in results['overlaps']:
        by_name.setdefault(point['name'], []).append(point)
    rows = [[name, f'{points[0]["bytes"]:,.0f}', *(percent(point['rmse']) for point in points)]
            for name, points in sorted(by_name.items(), key=lambda item: item[1][0]['bytes'])]
    first = results['overlaps'][0]
    return Table('overlaps', f'rmse of an intersection in % of it, two sets of {first["n"]:,}, {first["trials"]} trials',
                 ['', 'bytes', *(f'Jaccard {jaccard:g}'.replace('0.', '.') for jaccard in JACCARD)], rows)


def tables(results):
    """Of what there is; a part of all jobs has no more."""
    made = [part for part in (aggregates(results), other_ways(results)) if part.rows]
    if any(job['group'] for job in results['jobs']):
        made.append(memory(results))
    if results['parallel']:
        made.append(parallel(results))
    if 'stored' in results:
        made += [make(results) for make in (stored, steps, large_unions, sizes, overlaps)]
    return made


# ---- output ----

def print_all(results):
    for made in tables(results):
        print(f'\n{made.title}')
        table(made.header, made.rows)


def markdown(made):
    lines = [made.header, ['---'] * len(made.header), *made.rows]
    return ''.join(f'| {" | ".join(line)} |\n'.replace('|  ', '| ') for line in lines)


def comment(made):
    return f'<!-- sql: {made.key} -->\n'


def document(results):
    return '\n'.join(f'{made.title}:\n\n{comment(made)}{markdown(made)}' for made in tables(results))


def put_into(text, results):
    """The document with each table that stands after a comment with its name replaced."""
    for made in tables(results):
        text = re.sub(re.escape(comment(made)) + r'(?:\|.*\n)*', lambda _, made=made: comment(made) + markdown(made), text)
    return text
