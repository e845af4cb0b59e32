#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Speed, memory, bytes and errors of the aggregates and functions beside count(distinct) and the peers of peers.py that are installed.

On the server that PGHOST and the like name, which must run on this machine, in a database of its own. The contenders take
turns, each statement in a new backend, so that a busy machine hurts all alike: times are the backend's CPU seconds, the
best of all rounds, and ratios are medians of the rounds' ratios to "hash only", the scan that computes one hash of each row.
"""
import argparse
import json
import os
import time
from pathlib import Path

import peers
import sql_errors
import sql_jobs
import sql_report
import sql_stored
from server import Session, machine

DATABASE = 'hllset_bench'


def say(text):
    print(text, flush=True)


def measure(options):
    start = time.monotonic()

    def step(name):
        say(f'{time.monotonic() - start:5.0f} s: {name}')

    with Session() as session:
        installed = peers.create(session)
        about = machine(session)
        say(f'{options.rows} rows, {options.rounds} rounds, work_mem {options.work_mem} kB')
        for name, value in about.items():
            say(f'{name}: {value}')
        step('tables')
        sql_jobs.load(session, options.rows, options.large)
    builders = peers.present(peers.BUILDERS, installed)
    kept = peers.present(peers.KEPT, installed)
    scale = min(options.rows / 1_000_000, 1)
    results = {'machine': about, 'rows': options.rows, 'rounds': options.rounds, 'work_mem_kb': options.work_mem,
               'jobs': [], 'parallel': []}
    for kind, job in sql_jobs.run(builders, options, installed):
        results[kind].append(job)
        step(f'  {job["job"]}')
    if options.jobs:
        return results
    step('storing sets')
    sql_stored.store(kept, options, scale)
    with Session() as session:
        results['bytes'] = sql_stored.read_bytes(session, kept)
    step('stored values')
    results['stored'] = sql_stored.run_values(kept, options, installed)
    step('single steps')
    results['steps'] = sql_stored.run_steps(kept, options, installed, scale)
    step('large unions')
    results['large_unions'] = sql_stored.run_large_unions(kept, options, installed, scale)
    step('rollups')
    results['rollup_mb'] = sql_stored.measure_rollups(kept, options)
    step('errors')
    results['merged'], results['overlaps'] = sql_errors.run(kept, peers.present(peers.OVERLAPPING, installed), options)
    step('done')
    return results


def measure_in_database(options):
    with Session() as session:
        session.run(f'CREATE DATABASE {DATABASE}')
    outside = os.environ.get('PGDATABASE', 'postgres')
    os.environ['PGDATABASE'] = DATABASE
    try:
        return measure(options)
    finally:
        os.environ['PGDATABASE'] = outside
        with Session() as session:
            session.run(f'DROP DATABASE {DATABASE} WITH (FORCE)')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', type=int, default=2_000_000, help='rows of each table (default 2000000)')
    parser.add_argument('--large', action='store_true', help='also 10,000,000 rows in a million groups: with all peers half an hour more')
    parser.add_argument('--rounds', type=int, default=4, help='times that each contender runs, in groups half of it (default 4)')
    parser.add_argument('--sets', type=int, default=20, help='different stored sets of each size (default 20)')
    parser.add_argument('--trials', type=int, default=200,
                        help='intersections of each kind, and twice the unions, that errors come from (default 200)')
    parser.add_argument('--jobs', metavar='PATTERN', default='', help='only the aggregates whose names match, and nothing else')
    parser.add_argument('--smoke', action='store_true', help='20000 rows, 2 sets, one round: does it run at all?')
    parser.add_argument('--json', metavar='FILE', help='write what was measured here')
    parser.add_argument('--markdown', metavar='FILE', type=Path, help='write the tables here; if it exists, replace those that it has')
    parser.add_argument('--read', metavar='FILE', type=Path, help='measure nothing: show what an earlier --json wrote')
    options = parser.parse_args()
    if options.smoke:
        options.rows, options.sets, options.rounds, options.trials = 20_000, 2, 1, 2
    options.work_mem = max(sql_jobs.FULL_WORK_MEM * options.rows // sql_jobs.FULL_ROWS, sql_jobs.DEFAULT_WORK_MEM)

    results = json.loads(options.read.read_text(encoding='utf-8')) if options.read else measure_in_database(options)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding='utf-8')
    # names of columns that are numbers are strings in JSON
    results = json.loads(json.dumps(results))
    sql_report.print_all(results)
    if options.markdown:
        new = sql_report.put_into(options.markdown.read_text(encoding='utf-8'), results) if options.markdown.exists() \
            else sql_report.document(results)
        options.markdown.write_text(new, encoding='utf-8')
    wrong = sql_jobs.failures(results['jobs'])
    for line in wrong:
        say(f'WRONG: {line}')
    raise SystemExit(bool(wrong))


if __name__ == '__main__':
    main()
