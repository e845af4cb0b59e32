# SPDX-License-Identifier: PostgreSQL
"""Part of sql.py: stored sets: microseconds of a union, a count, an added element; their bytes; the memory of large unions."""
from concurrent.futures import ThreadPoolExecutor
import os
from statistics import median

from server import Session
from sql_jobs import settings, take_turns

# Rows of each size of sets; a size that is not here has only the different sets. Those have so many elements together, or there are --sets.
DIFFERENT = 2_000_000
STORED = {100: 20_000, 10_000: 4_000, 1_000_000: 2_000}
SIZES = (1, 10, 100, 1000, 10_000, 1_000_000)
# No table is larger: there are fewer copies of large sets.
TABLE_BYTES = 400_000_000
UNITED = 100_000
# No more are united of one kind, for some peers keep all that they read.
UNITED_BYTES = 1_100_000_000
DAYS = 365


# ---- data ----

def store_sketch(sketch, sets, scale):
    """Some different sets of each size, and copies of them up to the wanted number of rows; days: one set each."""
    built = sketch.aggregate('bigint')
    with Session() as session:
        for n in SIZES:
            name = sketch.table(n)
            wanted = int(STORED.get(n, sets) * scale)
            different = max(sets, min(wanted, DIFFERENT // n))
            session.run(f'CREATE UNLOGGED TABLE {name} (s {sketch.column})')
            session.run(f'INSERT INTO {name} SELECT (SELECT {built} FROM ('
                        f'SELECT generate_series((t::bigint << 32) + 1, (t::bigint << 32) + {n}) AS x) AS elements) '
                        f'FROM generate_series(1, {different}) AS t')
            size = float(session.value(f'SELECT avg(pg_column_size(s)) FROM {name}'))
            rows = min(wanted, int(TABLE_BYTES / size))
            if rows >= 2 * different:
                session.run(f'INSERT INTO {name} SELECT s FROM {name}, generate_series(2, {rows // different})')
            session.run(f'VACUUM ANALYZE {name}')
        days = sketch.table('days')
        session.run(f'CREATE UNLOGGED TABLE {days} AS SELECT day, (SELECT {built} FROM ('
                    f'SELECT generate_series(day * 7000, day * 7000 + 10000) AS x) AS elements) AS s '
                    f'FROM generate_series(1::bigint, {DAYS}) AS day')
        session.run(f'ALTER TABLE {days} ADD PRIMARY KEY (day)')
        session.run(f'VACUUM ANALYZE {days}')


def store(sketches, options, scale):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for future in [pool.submit(store_sketch, sketch, options.sets, scale) for sketch in sketches]:
            future.result()


def read_bytes(session, sketches):
    return {sketch.name: {n: float(session.value(f'SELECT avg(pg_column_size(s)) FROM {sketch.table(n)}'))
                          for n in SIZES} for sketch in sketches}


# ---- measurement ----

def measure(statements, counts, what, rounds, options, installed):
    """Microseconds of each of so many, and the growth of the backend."""
    results = []
    for name, measured in take_turns(statements, rounds, settings(options.work_mem), installed).items():
        us = [run[0] / counts[name] * 1e6 for run in measured]
        results.append({**what, 'name': name, 'us': min(us), 'us_median': median(us), 'count': counts[name],
                        'peak_bytes': max(run[2] for run in measured)})
    return results


def run_values(sketches, options, installed):
    """Reading alone, a union and a count of stored values."""
    results = []
    for n in STORED:
        with Session() as session:
            counts = {sketch.name: int(session.value(f'SELECT count(*) FROM {sketch.table(n)}')) for sketch in sketches}
        for what in ('detoast', 'union', 'cardinality'):
            statements = {}
            for sketch in sketches:
                expression = {'detoast': 'sum(get_byte(s::bytea, 0))', 'union': sketch.count(sketch.union.format(s='s')),
                              'cardinality': f'sum({sketch.count("s")})'}[what]
                statements[sketch.name] = f'SELECT {expression} FROM {sketch.table(n)}'
            results += measure(statements, counts, {'n': n, 'what': what}, options.rounds, options, installed)
    return results


def run_steps(sketches, options, installed, scale):
    """One element more in a PL/pgSQL loop and in an UPDATE, and a rolling union over seven and thirty days as a window, and over seven by a join."""
    n = 10_000
    adds = max(int(10_000 * scale), 100)
    updates = max(int(1_000 * scale), 10)
    statements = {'add in a loop': {}, 'update': {}, 'rolling week': {}, 'rolling month': {}, 'week by a join': {}}
    for sketch in sketches:
        if sketch.add:
            add = sketch.add.format(s='v', x='(-i)::bigint')
            statements['add in a loop'][sketch.name] = (
                f'DO $$ DECLARE v {sketch.column}; BEGIN SELECT s INTO v FROM {sketch.table(n)} LIMIT 1; '
                f'FOR i IN 1..{adds} LOOP v := {add}; END LOOP; END $$')
            add = sketch.add.format(s='s', x='x')
            statements['update'][sketch.name] = (
                f'DROP TABLE IF EXISTS updated; CREATE UNLOGGED TABLE updated AS '
                f'SELECT hashint8extended(generate_series(1::bigint, {updates}), 9) AS x, s FROM (SELECT s FROM {sketch.table(n)} LIMIT 1) '
                f'AS one; VACUUM ANALYZE updated', f'UPDATE updated SET s = {add}')
        days = sketch.table('days')
        union = sketch.union.format(s='s')
        for what, before in (('rolling week', 6), ('rolling month', 29)) if sketch.windows else ():
            statements[what][sketch.name] = (
                f'SELECT sum({sketch.count("united")}) FROM (SELECT {union} OVER (ORDER BY day ROWS {before} PRECEDING) AS united '
                f'FROM {days}) AS windows')
        statements['week by a join'][sketch.name] = (
            f'SELECT sum({sketch.count("week")}) FROM (SELECT (SELECT {union} FROM {days} AS d '
            f'WHERE d.day BETWEEN e.day - 6 AND e.day) AS week FROM {days} AS e OFFSET 0) AS weeks')
    counts = {'add in a loop': adds, 'update': updates, 'rolling week': DAYS, 'rolling month': DAYS, 'week by a join': DAYS}
    results = []
    for what, of_sketches in statements.items():
        results += measure(of_sketches, dict.fromkeys(of_sketches, counts[what]), {'what': what}, options.rounds, options, installed)
    with Session() as session:
        session.run('DROP TABLE IF EXISTS updated')
    return results


def run_large_unions(sketches, options, installed, scale):
    """The memory of a union of 100,000 values of 10,000 elements, each detoasted anew."""
    statements, counts = {}, {}
    for sketch in sketches:
        table = sketch.table(10_000)
        with Session() as session:
            rows, size = (float(x) for x in session.rows(f'SELECT count(*), avg(pg_column_size(s)) FROM {table}')[0])
        times = max(int(min(UNITED * scale, UNITED_BYTES / size) / rows), 1)
        counts[sketch.name] = int(rows) * times
        statements[sketch.name] = (f'SELECT {sketch.count(sketch.union.format(s="s"))} '
                                   f'FROM {table}, generate_series(1, {times}) AS again')
    return measure(statements, counts, {'what': 'large union'}, 1, options, installed)


def measure_rollups(sketches, options):
    """Megabytes of a table of the sets of all zipf groups, with its TOAST table."""
    sizes = {}
    for sketch in sketches:
        with Session(f'work_mem={options.work_mem}') as session:
            session.run(f'CREATE UNLOGGED TABLE rollup AS SELECT zipf, {sketch.aggregate("bigint")} AS s FROM grouped GROUP BY zipf')
            sizes[sketch.name] = int(session.value("SELECT pg_total_relation_size('rollup')")) / 1e6
            session.run('DROP TABLE rollup')
    return sizes
