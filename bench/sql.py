#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Speed, memory and bytes of the aggregates and functions beside count(distinct) and, if it is installed, extension hll
(postgresql-hll).

On the server that PGHOST and the like name, which must run on this machine, in a database of its own. The contenders take
turns, each statement in a new backend, so that a busy machine hurts all alike: times are the backend's CPU seconds, the
best of all rounds, and ratios are medians of the rounds' ratios to "hash only", the scan that computes one hash of each row.
"""
import argparse
import json
import math
import os
import time
from dataclasses import dataclass
from statistics import median

from server import Backend, Session, machine, table

DATABASE = 'hllset_bench'
FULL_ROWS = 10_000_000
STORED = {100: 20_000, 10_000: 4_000, 1_000_000: 2_000}
SIZES = (1, 10, 100, 1000, 10_000, 1_000_000)


@dataclass(frozen=True)
class Sketch:
    """A type with its functions: {x} is an element, {s} a stored value; hashes are by SQL type of the element."""
    name: str
    build: str
    union: str
    cardinality: str
    add: str
    column: str
    hashes: dict
    extension: str = 'hllset'

    def aggregate(self, kind, x='x'):
        return self.build.format(x=self.hashes.get(kind, '{x}').format(x=x))


def hllset(precision, compact=False):
    form = f'hllset({precision}, compact)' if compact else f'hllset({precision})'
    build = 'hll_add_agg({x})' if precision == 12 else f'hll_add_agg({{x}}, {precision})'
    return Sketch(f'hllset {precision}{" compact" if compact else ""}', f'{build}::{form}' if compact else build,
                  'hll_union_agg({s})', 'hll_cardinality({s})', 'hll_add({s}, {x})', form, {})


def hll(log2m):
    """postgresql-hll; a uuid goes through its bytes, as its manual has no hash of one."""
    return Sketch(f'hll {log2m}', f'peer_hll.hll_add_agg({{x}}, {log2m})', 'peer_hll.hll_union_agg({s})',
                  'peer_hll.hll_cardinality({s})', 'peer_hll.hll_add({s}, peer_hll.hll_hash_bigint({x}))', 'peer_hll.hll',
                  {'bigint': 'peer_hll.hll_hash_bigint({x})', 'text': 'peer_hll.hll_hash_text({x})',
                   'uuid': 'peer_hll.hll_hash_bytea(uuid_send({x}))'}, 'hll')


BUILDERS = (hllset(12), hll(11), hll(14))
KEPT = (hllset(11), hllset(12), hllset(11, True), hllset(12, True), hllset(14), hll(11), hll(14))
HASH_ONLY = {'bigint': 'bit_xor(hashint8extended(x, 0))', 'text': 'bit_xor(hashtextextended(x, 0))',
             'uuid': 'bit_xor(uuid_hash_extended(x, 0))'}


@dataclass(frozen=True)
class Job:
    name: str
    table: str
    kind: str
    group: str = ''
    workers: int = 0

    def statement(self, aggregate):
        if not self.group:
            return f'SELECT {aggregate} FROM {self.table}'
        return (f'SELECT count(result) FROM (SELECT {aggregate} AS result FROM {self.table} GROUP BY {self.group} OFFSET 0) '
                f'AS grouped')

    def contenders(self, sketches):
        """{name: statement}"""
        plain = {'count(*)': 'count(*)', 'hash only': HASH_ONLY[self.kind], 'count(distinct)': 'count(DISTINCT x)'}
        for sketch in sketches:
            aggregate = sketch.aggregate(self.kind)
            plain[sketch.name] = aggregate if self.group else sketch.cardinality.format(s=aggregate)
        return {name: self.statement(aggregate) for name, aggregate in plain.items()}


JOBS = (
    Job('bigint, one group', 'bigints', 'bigint'),
    Job('text of 46 bytes, one group', 'texts', 'text'),
    Job('uuid, one group', 'uuids', 'uuid'),
    Job('groups of 1,000', 'grouped', 'bigint', 'few'),
    Job('groups of 10', 'grouped', 'bigint', 'many'),
    Job('zipf groups', 'grouped', 'bigint', 'zipf'),
    Job('bigint, one group, 2 workers', 'bigints', 'bigint', workers=2),
)


# ---- data ----

def load(session, rows):
    """Half of the values of a table of one column are distinct; hashes make everything random, the same in every run."""
    distinct = rows // 2
    series = f'FROM generate_series(1::bigint, {rows}) AS i'
    value = f'hashint8extended(i % {distinct}, 1)'
    session.run(f'CREATE UNLOGGED TABLE bigints AS SELECT {value} AS x {series}')
    text = f"'https://example.org/item/' || lpad(to_hex({value}), 16, '0') || '.html'"
    session.run(f'CREATE UNLOGGED TABLE texts AS SELECT {text} AS x {series}')
    session.run(f'CREATE UNLOGGED TABLE uuids AS SELECT md5((i % {distinct})::text)::uuid AS x {series}')
    session.run(f'''CREATE UNLOGGED TABLE grouped AS SELECT
        (hashint8extended(i, 2) & 9007199254740991) % {max(rows // 1000, 1)} AS few,
        (hashint8extended(i, 3) & 9007199254740991) % {max(rows // 10, 1)} AS many,
        floor(exp(ln({max(rows // 10, 2)}) * ((hashint8extended(i, 4) & 1048575) / 1048576.0)::float8))::bigint AS zipf,
        hashint8extended(i, 5) AS x {series}''')
    for name in ('bigints', 'texts', 'uuids', 'grouped'):
        session.run(f'VACUUM ANALYZE {name}')


def table_of(sketch, n):
    return f'stored_{sketch.name.replace(" ", "_")}_{n}'


def store(session, sketches, sets, scale):
    """Some different sets of each size, and copies of them up to the wanted number of rows; days: one set each."""
    for sketch in sketches:
        built = sketch.aggregate('bigint')
        for n in SIZES:
            rows = max(int(STORED.get(n, sets) * scale), sets)
            session.run(f'CREATE UNLOGGED TABLE {table_of(sketch, n)} (s {sketch.column})')
            session.run(f'INSERT INTO {table_of(sketch, n)} SELECT s FROM (SELECT (SELECT {built} FROM ('
                        f'SELECT generate_series((t::bigint << 32) + 1, (t::bigint << 32) + {n}) AS x) AS elements) AS s '
                        f'FROM generate_series(1, {sets}) AS t OFFSET 0) AS sets, generate_series(1, {rows // sets})')
            session.run(f'VACUUM ANALYZE {table_of(sketch, n)}')
        session.run(f'CREATE UNLOGGED TABLE {table_of(sketch, "days")} AS SELECT day, (SELECT {built} FROM ('
                    f'SELECT generate_series(day * 7000, day * 7000 + 10000) AS x) AS elements) AS s '
                    f'FROM generate_series(1::bigint, 365) AS day')


# ---- measurement ----

def settings(options, workers=0):
    return (f'work_mem={options.work_mem}', 'hash_mem_multiplier=2', 'jit=off',
            f'max_parallel_workers_per_gather={workers}', 'min_parallel_table_scan_size=0')


def nodes(plan):
    yield plan
    for child in plan.get('Plans', ()):
        yield from nodes(child)


def explain(statement, options, workers=0):
    """Plan, and kilobytes that its aggregate or sort held and spilt."""
    with Backend(*settings(options, workers)) as backend:
        rows = backend.session.rows(f'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}')
    found = list(nodes(json.loads('\n'.join(row[0] for row in rows))[0]['Plan']))
    aggregate = [node for node in found if node['Node Type'] == 'Aggregate'][-1]
    sorts = [node for node in found if node['Node Type'] == 'Sort']
    return {'plan': aggregate['Strategy'].lower() + (', sort' if sorts else ''),
            'held_kb': aggregate.get('Peak Memory Usage', 0),
            'spilt_kb': aggregate.get('Disk Usage', 0) +
            sum(sort['Sort Space Used'] for sort in sorts if sort.get('Sort Space Type') == 'Disk')}


def take_turns(statements, options, workers=0):
    """{name: [(CPU seconds, wall seconds, peak bytes, first value), ...]}, a round of all before the next round."""
    runs = {name: [] for name in statements}
    for _ in range(options.rounds):
        for name, statement in statements.items():
            with Backend(*settings(options, workers)) as backend:
                backend.session.run('SELECT hll_cardinality(hllset_empty())')
                cpu, wall, peak, rows = backend.measure(statement)
            runs[name].append((cpu, wall, peak, rows[0][0] if rows else None))
    return runs


def run_job(job, sketches, options):
    statements = job.contenders(sketches)
    plans = {name: explain(statement, options, job.workers) for name, statement in statements.items()}
    runs = take_turns(statements, options, job.workers)
    clock = 1 if job.workers else 0
    results = []
    for name, measured in runs.items():
        results.append({
            'name': name, 'cpu': min(run[0] for run in measured), 'wall': min(run[1] for run in measured),
            'ratio': median(run[clock] / base[clock] for run, base in zip(measured, runs['hash only'])),
            'peak_bytes': max(run[2] for run in measured), 'answer': measured[0][3], **plans[name]})
    return {'job': job.name, 'group': bool(job.group), 'workers': job.workers, 'results': results}


def run_stored(sketches, options):
    """Microseconds of CPU for each stored value."""
    results = []
    for n in STORED:
        for what in ('detoast', 'union', 'cardinality'):
            statements = {}
            for sketch in sketches:
                expression = {'detoast': 'sum(length(set_byte(s::bytea, 0, 0)))', 'union': sketch.union.format(s='s'),
                              'cardinality': f'sum({sketch.cardinality.format(s="s")})'}[what]
                if what == 'union':
                    expression = sketch.cardinality.format(s=expression)
                if what != 'detoast' or sketch.extension == 'hllset':
                    statements[sketch.name] = f'SELECT {expression}, count(*) FROM {table_of(sketch, n)}'
            with Session() as session:
                rows = {sketch.name: int(session.value(f'SELECT count(*) FROM {table_of(sketch, n)}'))
                        for sketch in sketches}
            for name, measured in take_turns(statements, options).items():
                us = [run[0] / rows[name] * 1e6 for run in measured]
                results.append({'n': n, 'what': what, 'name': name, 'us': min(us), 'us_median': median(us),
                                'peak_bytes': max(run[2] for run in measured)})
    return results


def run_loops(sketches, options, scale):
    """Microseconds for one hll_add in a PL/pgSQL loop, and for a row of a rolling union over seven days."""
    adds = max(int(10_000 * scale), 100)
    loops = {}
    windows = {}
    for sketch in sketches:
        add = sketch.add.format(s='v', x='(-i)::bigint')
        loops[sketch.name] = (f'DO $$ DECLARE v {sketch.column}; BEGIN SELECT s INTO v FROM {table_of(sketch, 10_000)} '
                              f'LIMIT 1; FOR i IN 1..{adds} LOOP v := {add}; END LOOP; END $$')
        union = f'{sketch.union.format(s="s")} OVER (ORDER BY day ROWS 6 PRECEDING)'
        windows[sketch.name] = (f'SELECT sum({sketch.cardinality.format(s="week")}) '
                                f'FROM (SELECT {union} AS week FROM {table_of(sketch, "days")}) AS weeks')
    results = []
    for what, statements, count in (('add in a loop', loops, adds), ('rolling week', windows, 365)):
        for name, measured in take_turns(statements, options).items():
            results.append({'what': what, 'name': name, 'us': min(run[0] for run in measured) / count * 1e6})
    return results


def read_bytes(session, sketches):
    return {sketch.name: {n: float(session.value(f'SELECT avg(pg_column_size(s)) FROM {table_of(sketch, n)}'))
                          for n in SIZES} for sketch in sketches}


# ---- output ----

def exact_answer(job):
    return next(float(result['answer']) for result in job['results'] if result['name'] == 'count(distinct)')


def print_job(job):
    clock = 'wall' if job['workers'] else 'cpu'
    print(f'\n{job["job"]}')
    rows = []
    for result in job['results']:
        approximate = not job['group'] and 'hll' in result['name']
        error = f'{100 * (float(result["answer"]) / exact_answer(job) - 1):+.2f}' if approximate else ''
        rows.append([result['name'], f'{result[clock]:.3f}', f'{result["ratio"]:.2f}', f'{result["peak_bytes"] / 1e6:.1f}',
                     f'{result["held_kb"] / 1e3:.1f}', f'{result["spilt_kb"] / 1e3:.1f}', error, result['plan']])
    table(['', f'{clock} s', 'ratio', 'peak MB', 'hash MB', 'spilt MB', 'error %', 'plan'], rows)


def print_stored(stored, loops, sizes):
    names = list(sizes)
    print('\nmicroseconds for each stored value')
    keys = [(n, what) for n in STORED for what in ('detoast', 'union', 'cardinality')]
    cells = {(r['n'], r['what'], r['name']): f'{r["us"]:.2f}' for r in stored}
    table(['n', *names], [[f'{n} {what}', *(cells.get((n, what, name), '') for name in names)] for n, what in keys])
    peaks = {(r['n'], r['name']): f'{r["peak_bytes"] / 1e6:.1f}' for r in stored if r['what'] == 'union'}
    table(['peak MB of the union', *names], [[n, *(peaks[n, name] for name in names)] for n in STORED])
    once = {(r['what'], r['name']): f'{r["us"]:.1f}' for r in loops}
    table(['microseconds', *names],
          [[what, *(once[what, name] for name in names)] for what in ('add in a loop', 'rolling week')])
    print('\nmean bytes of a stored value')
    table(['n', *names], [[n, *(f'{sizes[name][n]:.0f}' for name in names)] for n in SIZES])


def failures(jobs):
    """Counts of ours that are further from the exact ones than five standard errors."""
    limit = 5 * 0.65 / math.sqrt(2 ** 12)
    return [f'{job["job"]}: {result["name"]} counts {result["answer"]}, not {exact_answer(job):.0f}'
            for job in jobs if not job['group'] for result in job['results']
            if result['name'].startswith('hllset') and abs(float(result['answer']) / exact_answer(job) - 1) > limit]


def measure(options):
    with Session() as session:
        session.run('CREATE EXTENSION hllset')
        installed = {'hllset'}
        if session.rows("SELECT name FROM pg_available_extensions WHERE name = 'hll'"):
            session.run('CREATE SCHEMA peer_hll')
            session.run('CREATE EXTENSION hll SCHEMA peer_hll')
            installed.add('hll')
        about = machine(session)
        builders = [sketch for sketch in BUILDERS if sketch.extension in installed]
        kept = [sketch for sketch in KEPT if sketch.extension in installed]
        scale = min(options.rows / 1_000_000, 1)
        load(session, options.rows)
        store(session, kept, options.sets, scale)
        sizes = read_bytes(session, kept)
    print(f'{options.rows} rows, {options.rounds} rounds, work_mem {options.work_mem} kB')
    for name, value in about.items():
        print(f'{name}: {value}')
    jobs = []
    for job in JOBS:
        jobs.append(run_job(job, builders, options))
        print_job(jobs[-1])
    stored = run_stored(kept, options)
    loops = run_loops(kept, options, scale)
    print_stored(stored, loops, sizes)
    return {'machine': about, 'rows': options.rows, 'rounds': options.rounds, 'work_mem_kb': options.work_mem,
            'jobs': jobs, 'stored': stored, 'loops': loops, 'bytes': sizes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', type=int, default=2_000_000, help='rows of each table (default 2000000)')
    parser.add_argument('--rounds', type=int, default=5, help='times that each contender runs (default 5)')
    parser.add_argument('--sets', type=int, default=20, help='different stored sets of each size (default 20)')
    parser.add_argument('--smoke', action='store_true', help='20000 rows, 2 sets, one round: does it run at all?')
    parser.add_argument('--json', metavar='FILE', help='write what was measured here')
    options = parser.parse_args()
    if options.smoke:
        options.rows, options.sets, options.rounds = 20_000, 2, 1
    # 256 MB for the full size: the memory for a group stays the same
    options.work_mem = max(262_144 * options.rows // FULL_ROWS, 4096)

    start = time.monotonic()
    with Session() as session:
        session.run(f'CREATE DATABASE {DATABASE}')
    outside = os.environ.get('PGDATABASE', 'postgres')
    os.environ['PGDATABASE'] = DATABASE
    try:
        results = measure(options)
    finally:
        os.environ['PGDATABASE'] = outside
        with Session() as session:
            session.run(f'DROP DATABASE {DATABASE} WITH (FORCE)')
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump(results, file, indent=1)
    wrong = failures(results['jobs'])
    for line in wrong:
        print(f'WRONG: {line}')
    print(f'took {time.monotonic() - start:.0f} s')
    raise SystemExit(bool(wrong))


if __name__ == '__main__':
    main()
