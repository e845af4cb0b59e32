#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Members of expressions in a table of users, through SQL on the server that PGHOST and the like name, which must run on this machine: the
plans that the planner takes with an index of all users, of one in 256, and without one; what is found beside the exact answers; times.
And what a key costs a hash. Exit status 1 if a plan is no join by index or hash, or if a member is missed or wrong more often than by
chance. bench/populations.cpp has the many populations.
"""
import argparse
import json
import math
import re
from pathlib import Path

from server import Backend, Session, machine, table

SCHEMA = 'hllset_bench_members'
# Sets of users, as thousandths of them, or as a first one and a number.
SETS = {'a': (0, 200), 'b': (100, 300), 'c': (50, 150), 'd': (90, 250), 'e': (400, 420), 'f': (410, 430)}
FEW = 800
# Value, the condition that its members satisfy, whether all 26 bits of an address are compared.
VALUES = (('small', 'in_small', True), ('a', 'in_a', False), ('a - b', 'in_a AND NOT in_b', False),
          ('(a & c) - d', 'in_a AND in_c AND NOT in_d', False), ('e - f', 'in_e AND NOT in_f', False))
# Of a smaller table all of it is as quickly read.
LARGE = 1_000_000
KEY = r"'\x000102030405060708090a0b0c0d0e0f'"
ELEMENTS = {'bigint': 'i', 'uuid': "('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid", 'text of 12': "lpad(i::text, 12, 'x')",
            'text of 100': "lpad(i::text, 100, 'x')"}


def prepare(session, users):
    """Times in seconds, and sizes in bytes"""
    part = users // 1000
    session.run(f'DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}; SET search_path = {SCHEMA}, public')
    session.run(f'CREATE TABLE users AS SELECT i AS id, -ln((hashint8extended(i, 1) & 2147483647) / 2147483648.0 + 1e-10)::real AS spent, '
                f"md5(i::text) AS name FROM generate_series(0, {users - 1}::bigint) i")
    columns = ', '.join(f'hll_add_agg(id) FILTER (WHERE id >= {first * part} AND id < {end * part}) AS {name}' for name, (first, end) in SETS.items())
    session.run(f'CREATE TABLE sets AS SELECT {columns}, hll_add_agg(id) FILTER (WHERE id >= {60 * part} AND id < {60 * part + FEW}) AS small FROM users')
    session.run('VACUUM ANALYZE users; ANALYZE sets')


def conditions(text, users):
    part = users // 1000
    for name, (first, end) in SETS.items():
        text = text.replace(f'in_{name}', f'(id >= {first * part} AND id < {end * part})')
    return text.replace('in_small', f'(id >= {60 * part} AND id < {60 * part + FEW})')


def query(value, kind, least, columns):
    # without an index: that no coupon comes twice is what makes the planner hash them, not sort the users
    sample = f'hll_sample({value}, {least}) coupon' if kind != 'none' else f'LATERAL (SELECT DISTINCT coupon FROM hll_sample({value}, {least}) coupon) distinct_coupon'
    more = f' AND hll_coupon(u.id) >= {least} << 20' if least else ''
    return f'SELECT {columns} FROM sets, {sample} JOIN users u ON hll_coupon(u.id) = coupon WHERE hll_may_contain({value}, u.id){more}'


def plan_of(session, sql):
    """The nodes by which users are reached"""
    lines = [line for line, in session.rows('EXPLAIN (COSTS OFF) ' + sql)]
    at = next(i for i, line in enumerate(lines) if ' on users u' in line)
    scan = lines[at].strip().removeprefix('->').strip()
    joins = [line.strip().removeprefix('->').strip() for line in lines[:at] if re.search(r'Join$|Nested Loop', line)]
    return scan.split(' on ')[0], joins[-1].split('  ')[0] if joins else ''


def best(session, sql, rounds):
    """Milliseconds as the server measures them"""
    times = []
    for _ in range(rounds):
        plan = json.loads('\n'.join(line for line, in session.rows('EXPLAIN (ANALYZE, TIMING OFF, FORMAT json) ' + sql)))
        times.append(plan[0]['Execution Time'])
    return min(times), times[0]


def measure_values(session, users, kind, least, rounds, faults):
    made = []
    for value, members, small in VALUES:
        scan, join = plan_of(session, query(value, kind, least, 'u.*'))
        by_index, by_join = scan.startswith('Index'), 'Hash Join' in join or 'Merge Join' in join
        if not by_index and (not by_join or kind != 'none' and users >= LARGE):
            faults.append(f'{value}, {kind}: the plan is {join}, {scan}')
        warm, first = best(session, query(value, kind, least, 'u.*'), rounds)
        where = conditions(members, users)
        found, right, mean, rate = session.rows(query(value, kind, least, f'count(*), count(*) FILTER (WHERE {where}), avg(spent), min(hll_sample_rate({value}, {least}))'))[0]
        exact, exact_mean, sampled = session.rows(f'SELECT count(*), avg(spent), count(*) FILTER (WHERE hll_coupon(id) >> 20 >= -log(2, {rate}::numeric)) FROM users WHERE {where}')[0]
        found, right, exact, sampled = int(found), int(right), int(exact), int(sampled)
        expected = right * (users - exact) * float(rate) / (3 * 2 ** (26 if small else 20))
        if abs(found - right - expected) > 4 * math.sqrt(expected + 1) + 1 and found - right > expected or sampled - right > 3:
            faults.append(f'{value}, {kind}: {found} found, {right} of {sampled} right, {expected:.1f} wrong ones expected')
        made.append({'index': kind, 'value': value, 'scan': scan, 'join': join, 'found': found, 'right': right, 'in_sample': sampled, 'wrong_expected': expected,
                     'mean': float(mean or 0), 'exact_mean': float(exact_mean), 'rate': float(rate), 'first_ms': first, 'warm_ms': warm})
    return made


def measure(session, options, faults):
    users = options.users
    results = {'machine': machine(session), 'users': users, 'shared_buffers': session.value('SHOW shared_buffers'), 'values': [], 'indexes': {}}
    prepare(session, users)
    results['table_bytes'] = int(session.value("SELECT pg_table_size('users')"))
    results['values'] += measure_values(session, users, 'none', 0, 1, faults)
    for kind, least, predicate in (('one in 256', 8, ' WHERE hll_coupon(id) >= 8 << 20'), ('index', 0, '')):
        seconds = float(timed(session, f'CREATE INDEX members ON users (hll_coupon(id)){predicate}'))
        if predicate:
            # the planner takes no statistics from a partial index
            session.run('CREATE STATISTICS members_of_all ON (hll_coupon(id)) FROM users')
        session.run('ANALYZE users')
        results['indexes'][kind] = {'seconds': seconds, 'bytes': int(session.value("SELECT pg_relation_size('members')"))}
        results['values'] += measure_values(session, users, kind, least, options.rounds, faults)
        session.run('DROP INDEX members; DROP STATISTICS IF EXISTS members_of_all')
    results['exact_ms'] = {value: best(session, f"SELECT avg(spent) FROM users WHERE {conditions(members, users)}", 1)[0] for value, members, _ in VALUES}
    return results


def timed(session, sql):
    """Seconds of a statement that is no query"""
    start = session.value('SELECT extract(epoch FROM clock_timestamp())')
    session.run(sql)
    return session.value(f'SELECT extract(epoch FROM clock_timestamp()) - {start}')


def measure_hashes(rows, rounds):
    """CPU nanoseconds of a hash without and with a key, the best of all rounds, taking turns"""
    made = {}
    with Backend('search_path=' + SCHEMA + ',public', 'max_parallel_workers_per_gather=0') as backend:
        for name, expression in ELEMENTS.items():
            backend.session.run(f'CREATE TEMP TABLE element AS SELECT {expression} AS x FROM generate_series(1, {rows}::bigint) i')
            backend.session.run('SELECT count(x) FROM element')
            times = {'nothing': [], 'hll_hash(x)': [], 'hll_hash(x, key)': []}
            for _ in range(rounds):
                for call, seconds in times.items():
                    sql = {'nothing': 'x', 'hll_hash(x)': call, 'hll_hash(x, key)': f'hll_hash(x, {KEY})'}[call]
                    seconds.append(backend.measure(f'SELECT count({sql}) FROM element')[0])
            made[name] = {call: min(seconds) / rows * 1e9 for call, seconds in times.items()}
            backend.session.run('DROP TABLE element')
    return made


def show(results):
    print(f"{results['users']:,} users, {results['table_bytes'] / 2 ** 20:,.0f} MB, shared_buffers {results['shared_buffers']}, {results['machine']['cpu']}")
    for kind, index in results['indexes'].items():
        print(f"index ({kind}): {index['bytes'] / 2 ** 20:,.0f} MB in {index['seconds']:.1f} s")
    table(['value', 'index', 'join', 'scan', 'found', 'right', 'in sample', 'wrong expected', 'mean', 'exact', 'first ms', 'warm ms', 'exact ms'],
          [[v['value'], v['index'], v['join'], v['scan'], v['found'], v['right'], v['in_sample'], f"{v['wrong_expected']:.1f}", f"{v['mean']:.3f}", f"{v['exact_mean']:.3f}",
            f"{v['first_ms']:.1f}", f"{v['warm_ms']:.1f}", f"{results['exact_ms'][v['value']]:.0f}"] for v in results['values']])
    print('\nns of CPU an element, SELECT count(...)')
    table(['element', *next(iter(results['hashes'].values())), 'the key costs'],
          [[name, *(f'{ns:.0f}' for ns in calls.values()), f"{calls['hll_hash(x, key)'] - calls['hll_hash(x)']:.0f}"] for name, calls in results['hashes'].items()])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--users', type=int, default=10_000_000, help='rows of the table (default 10000000)')
    parser.add_argument('--rounds', type=int, default=5, help='times that each query runs (default 5)')
    parser.add_argument('--smoke', action='store_true', help='200000 users: does it run at all?')
    parser.add_argument('--json', metavar='FILE', help='write what was measured here')
    options = parser.parse_args()
    if options.smoke:
        options.users, options.rounds = 200_000, 1
    faults = []
    with Session() as session:
        session.run('CREATE EXTENSION IF NOT EXISTS hllset')
        results = measure(session, options, faults)
        results['hashes'] = measure_hashes(options.users // 5, options.rounds)
        session.run(f'DROP SCHEMA {SCHEMA} CASCADE')
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding='utf-8')
    show(results)
    for fault in faults:
        print(f'FAULT: {fault}')
    raise SystemExit(bool(faults))


if __name__ == '__main__':
    main()
