#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Searches by index over generated sets whose overlaps are known exactly: recall, candidates, bytes, times; beside the ways there are without.

On the server that PGHOST and the like name, which must run on this machine, as a superuser, in a schema of its own. search_sets (a program
beside this one, which run.sh builds) makes the sets. Times are of single statements in a warm cache, in the wall's milliseconds. Exit status 1
if a bar is broken; bars of time count only with --bars, on a quiet machine.
"""
import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

from server import Backend, Session, machine, table

SCHEMA = 'hllset_bench_search'
OF_FAMILY = 40
SEED = 16
BUDGET = '64MB'


class Bench:
    def __init__(self, program, options):
        self.program = program
        self.options = options
        self.bounds = []
        self.figures = []

    def bound(self, name, value, least=None, most=None, of_time=False):
        """A figure that has a bar."""
        broken = (least is not None and value < least) or (most is not None and value > most)
        self.bounds.append({'name': name, 'value': value, 'least': least, 'most': most,
                            'broken': broken and (not of_time or self.options.bars)})
        self.figure(name, value, f'{">=" if least is not None else "<="} {least if least is not None else most:g}')

    def figure(self, name, value, bar=''):
        self.figures.append((name, f'{value:,.4g}' if isinstance(value, float) else f'{value:,}', bar))
        print(f'{name}: {self.figures[-1][1]} {bar}', flush=True)


def settings(*more):
    return (f'search_path={SCHEMA},public', f'maintenance_work_mem={BUDGET}', 'max_parallel_workers_per_gather=0', 'jit=off', 'work_mem=64MB', *more)


def fill(bench, name, families):
    """A table of families * 40 sets, by COPY."""
    with Session(*settings()) as session:
        session.run(f'CREATE UNLOGGED TABLE {name} (id int PRIMARY KEY, family int, n int, s hllset)')
    maker = subprocess.Popen([bench.program, 'sets', str(families), str(SEED), '12'], stdout=subprocess.PIPE)
    subprocess.run(['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-c', f'COPY {SCHEMA}.{name} FROM STDIN (FORMAT binary)'], stdin=maker.stdout, check=True)
    if maker.wait():
        raise SystemExit('search_sets failed')
    with Session(*settings()) as session:
        session.run(f'VACUUM ANALYZE {name}')


def truths(bench, families, queries):
    """{query: {set: (elements of the query, of the set, of both)}}"""
    result = {}
    for line in subprocess.run([bench.program, 'truth', str(families), str(SEED), str(queries)], capture_output=True, check=True, text=True).stdout.splitlines():
        query, other, *sizes = map(int, line.split())
        result.setdefault(query, {})[other] = tuple(sizes)
    return result


def build(bench, name, statement, index, rows):
    """An index: how long it takes, how much memory, how large it is."""
    with Backend(*settings()) as backend:
        _, wall, growth, _ = backend.measure(statement)
        size = int(backend.session.value(f"SELECT pg_relation_size('{index}')"))
        backend.session.run('CHECKPOINT')
    bench.figure(f'{name}: build, s', wall)
    bench.figure(f'{name}: memory beyond, MB, of {BUDGET}', growth / 1e6)
    bench.figure(f'{name}: index bytes a row', size / rows)
    return size / rows


def explained(session, query):
    """(rows of the index scan, rows that were looked at again in vain, rows)"""
    plan = json.loads('\n'.join(line[0] for line in session.rows(f'EXPLAIN (ANALYZE, TIMING off, FORMAT json) {query}')))[0]['Plan']
    stack = [plan]
    while stack:
        node = stack.pop()
        if node['Node Type'] == 'Bitmap Heap Scan':
            return (next(p['Actual Rows'] for p in node['Plans'] if p['Node Type'] == 'Bitmap Index Scan'), node.get('Rows Removed by Index Recheck', 0), node['Actual Rows'])
        stack += node.get('Plans', [])
    raise SystemExit(f'no bitmap scan in {plan}')


def timed(session, query, rounds=3):
    """(best wall milliseconds, the rows)"""
    best = None
    for _ in range(rounds):
        start = time.perf_counter()
        rows = session.rows(query)
        wall = (time.perf_counter() - start) * 1000
        best = wall if best is None else min(best, wall)
    return best, rows


def jaccard(sizes):
    a, b, both = sizes
    return both / (a + b - both)


def similar(bench, families, queries, name):
    rows = families * OF_FAMILY
    fill(bench, 'sets', families)
    with Session(*settings()) as session:
        bench.figure(f'{name}: bytes of a set', float(session.value('SELECT avg(octet_length(s::bytea)) FROM sets WHERE id < 20000')))
    size = build(bench, name, 'CREATE INDEX sets_s ON sets USING gin (s)', 'sets_s', rows)
    if rows >= 1_000_000:
        bench.bound(f'{name}: bytes a row at a million', size, most=350)
    truth = truths(bench, families, queries)
    times, candidates, unrelated, chances, by_overlap = [], [], [], [], {}
    found_all = top_all = found_top = top = 0
    with Session(*settings('enable_seqscan=off')) as session:
        for query, others in truth.items():
            asked = session.value(f'SELECT hll_similar_to(s) FROM sets WHERE id = {query}')
            condition = f"SELECT id FROM sets WHERE s % '{asked}'"
            seen, _, _ = explained(session, condition)
            took, answer = timed(session, condition)
            found = {int(row[0]) for row in answer}
            # of the candidates those of the family are known; no other set shares an element
            known = {int(row[0]) for row in session.rows(
                f'SELECT id FROM sets, (SELECT hll_signature(s) AS q FROM sets WHERE id = {query}) y WHERE family = {query // OF_FAMILY} AND id BETWEEN {query // OF_FAMILY * OF_FAMILY} AND '
                f'{query // OF_FAMILY * OF_FAMILY + OF_FAMILY - 1} AND (SELECT count(*) FROM unnest(hll_signature(s)) k WHERE k = ANY (q)) >= 2')}
            times.append(took)
            candidates.append(seen)
            unrelated.append(seen - len(known & set(others)))
            chances.append(len(found - set(others)))
            del others[query]
            ranked = sorted(others, key=lambda other: -jaccard(others[other]))
            for other in ranked:
                share = jaccard(others[other])
                band = by_overlap.setdefault(int(share * 20) / 20, [0, 0])
                band[0] += other in found
                band[1] += 1
                if share >= 0.1:
                    found_all += other in found
                    top_all += 1
            best = [other for other in ranked[:10] if jaccard(others[other]) >= 0.1]
            found_top += sum(other in found for other in best)
            top += len(best)
    bench.bound(f'{name}: recall of J >= .1 ({top_all} pairs)', found_all / top_all, least=0.98)
    bench.bound(f'{name}: recall of the top 10 ({top} pairs)', found_top / top, least=0.999)
    bench.bound(f'{name}: candidates, mean', statistics.mean(candidates), most=300)
    bench.bound(f'{name}: of which share nothing', statistics.mean(unrelated), most=130)
    bench.figure(f'{name}: found though they share nothing, of all queries', sum(chances))
    bench.bound(f'{name}: query, ms, median', statistics.median(times), most=10, of_time=True)
    scans(bench, name, list(truth)[:3 if rows < 1_000_000 else 1])
    return {f'{band:.2f}': [found / count, count] for band, (found, count) in sorted(by_overlap.items())}


def scans(bench, name, queries):
    with Session(*settings('enable_bitmapscan=off')) as session:
        took = [timed(session, f'SELECT id FROM sets WHERE s % hll_similar_to((SELECT s FROM sets WHERE id = {query}))', 1)[0] for query in queries]
        bench.figure(f'{name}: the same by scan, ms, median', statistics.median(took))
        took = [timed(session, f'SELECT id FROM sets ORDER BY hll_jaccard(s, (SELECT s FROM sets WHERE id = {query})) DESC LIMIT 10', 1)[0] for query in queries]
        bench.figure(f'{name}: exact ranking by hll_jaccard, ms, median', statistics.median(took))


def insertion(bench):
    """What a row costs beyond a table without the index."""
    each = 2000
    took = {}
    for way, index in (('none', None), ('on', 'WITH (fastupdate = on)'), ('off', 'WITH (fastupdate = off)')):
        with Session(*settings()) as session:
            session.run('CREATE UNLOGGED TABLE into_it (LIKE sets)')
            if index:
                session.run(f'INSERT INTO into_it SELECT * FROM sets WHERE id < {4 * each}')
                session.run(f'CREATE INDEX ON into_it USING gin (s) {index}')
            start = time.perf_counter()
            session.run(f'INSERT INTO into_it SELECT * FROM sets WHERE id BETWEEN {5 * each} AND {6 * each - 1}')
            took[way] = (time.perf_counter() - start) * 1e6 / each
            session.run('DROP TABLE into_it')
    bench.figure('insert, us a row, without an index', took['none'])
    bench.figure('insert, us a row more, with fastupdate', took['on'] - took['none'])
    bench.figure('insert, us a row more, without fastupdate', took['off'] - took['none'])


def containing(bench, families, queries, name):
    """Which sets contain at least half of one: the foreign keys of a database with so many columns."""
    rows = families * OF_FAMILY
    fill(bench, 'vals', families)
    build(bench, name, 'CREATE INDEX vals_s ON vals USING gin (s hllset_contain_ops)', 'vals_s', rows)
    truth = truths(bench, families, queries)
    times, rechecked, unrelated = [], 0, 0
    recall = {True: [0, 0], False: [0, 0]}
    below = [0, 0]
    with Session(*settings('enable_seqscan=off')) as session:
        for query, others in truth.items():
            asked = session.value(f'SELECT hll_within(s, 0.5) FROM vals WHERE id = {query}')
            condition = f"SELECT id FROM vals WHERE s %> '{asked}'"
            seen, again, answered = explained(session, condition)
            rechecked += again + seen - answered
            took, answer = timed(session, condition)
            found = {int(row[0]) for row in answer}
            times.append(took)
            unrelated += len(found - set(others))
            del others[query]
            for other, (a, b, both) in others.items():
                if both / a >= 0.5:
                    near = b < 100 * a
                    recall[near][0] += other in found
                    recall[near][1] += 1
                elif both / a < 0.35:
                    below[0] += other in found
                    below[1] += 1
    bench.bound(f'{name}: recall of containment >= .5 below 100 : 1 ({recall[True][1]} pairs)', recall[True][0] / max(recall[True][1], 1), least=0.99)
    bench.figure(f'{name}: the same beyond ({recall[False][1]} pairs)', recall[False][0] / max(recall[False][1], 1))
    bench.figure(f'{name}: share found of containment below .35 ({below[1]} pairs)', below[0] / max(below[1], 1))
    bench.figure(f'{name}: found though they share nothing, of all queries', unrelated)
    bench.bound(f'{name}: rows looked at again', rechecked, most=0)
    bench.bound(f'{name}: query, ms, median', statistics.median(times), most=50, of_time=True)
    bench.figure(f'{name}: query, ms, longest', max(times))
    with Session(*settings('enable_bitmapscan=off')) as session:
        took = [timed(session, f'SELECT id FROM vals WHERE s %> hll_within((SELECT s FROM vals WHERE id = {query}))', 1)[0] for query in list(truth)[:3]]
    bench.figure(f'{name}: the same by scan, ms, median', statistics.median(took))
    with Session(*settings()) as session:
        session.run('DROP TABLE vals')


def popular(bench, columns):
    """Columns of serial ids: each is a beginning of all longer ones, so the posting lists are as long as can be."""
    name = f'{columns:,} columns of serial ids'
    with Session(*settings()) as session:
        session.run('CREATE UNLOGGED TABLE serial AS SELECT i AS id, (300 * (200000 / 300.0) ^ (i / %d.0))::int AS n, NULL::hllset AS s FROM generate_series(0, %d - 1) i' % (columns, columns))
        session.run('''CREATE FUNCTION grow() RETURNS void LANGUAGE plpgsql AS $$
            DECLARE s hllset := hllset_empty(); done int := 0; r record;
            BEGIN
                FOR r IN SELECT id, n FROM serial ORDER BY id LOOP
                    s := s | (SELECT hll_add_agg(x) FROM generate_series(done + 1, r.n) x); done := r.n;
                    UPDATE serial SET s = coalesce(grow.s, hllset_empty()) WHERE id = r.id;
                END LOOP;
            END $$'''.replace('s hllset :=', 'united hllset :=').replace('s := s | (SELECT hll_add_agg(x)', "united := united | coalesce((SELECT hll_add_agg(x)")
                    .replace('generate_series(done + 1, r.n) x);', 'generate_series(done + 1, r.n) x), hllset_empty());').replace('coalesce(grow.s, hllset_empty())', 'united'))
        session.run('SELECT grow()')
        session.run('VACUUM FULL serial')
        session.run('VACUUM ANALYZE serial')
    build(bench, name, 'CREATE INDEX serial_s ON serial USING gin (s hllset_contain_ops)', 'serial_s', columns)
    with Session(*settings('enable_seqscan=off')) as session:
        for place in (0.1, 0.5, 0.9):
            asked = session.value(f'SELECT hll_within(s) FROM serial WHERE id = {int(columns * place)}')
            took, answer = timed(session, f"SELECT id FROM serial WHERE s %> '{asked}'")
            bench.figure(f'{name}: query of the one at {place:.0%} of the sizes, ms ({len(answer)} rows)', took)
        session.run('SET enable_bitmapscan = off; SET enable_seqscan = on')
        took, _ = timed(session, f"SELECT id FROM serial WHERE s %> '{asked}'", 1)
    bench.figure(f'{name}: by scan, ms', took)
    with Session(*settings()) as session:
        session.run('DROP TABLE serial; DROP FUNCTION grow()')


def peers(bench, families):
    """The ways without: MinHash arrays with &&, over all sets; exact intarray GIN, over some."""
    with Session(*settings()) as session:
        rows = int(session.value('SELECT count(*) FROM sets WHERE id < 20000'))
        session.run('CREATE UNLOGGED TABLE hashes AS SELECT id, hll_signature(s) AS k FROM sets WHERE id < 20000')
    build(bench, 'MinHash arrays', 'CREATE INDEX hashes_k ON hashes USING gin (k)', 'hashes_k', rows)
    queries = [i * rows // 20 // OF_FAMILY * OF_FAMILY + i for i in range(20)]
    with Session(*settings('enable_seqscan=off')) as session:
        took, seen = [], []
        for query in queries:
            condition = (f"SELECT id FROM hashes h WHERE k && (SELECT k FROM hashes WHERE id = {query})")
            seen.append(explained(session, condition)[0])
            took.append(timed(session, condition)[0])
        bench.figure('MinHash arrays: candidates, mean', statistics.mean(seen))
        bench.figure('MinHash arrays: query, ms, median', statistics.median(took))
        if session.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'intarray'") == '0':
            return
        session.run('CREATE EXTENSION IF NOT EXISTS intarray')
        session.run('CREATE UNLOGGED TABLE elements (id int, e int[])')
    maker = subprocess.Popen([bench.program, 'elements', str(families), str(SEED)], stdout=subprocess.PIPE)
    subprocess.run(['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-c', f'COPY {SCHEMA}.elements FROM STDIN'], stdin=maker.stdout, check=True)
    count = families * OF_FAMILY
    build(bench, f'intarray, exact, {count} sets', 'CREATE INDEX elements_e ON elements USING gin (e gin__int_ops)', 'elements_e', count)
    with Session(*settings('enable_seqscan=off')) as session:
        bench.figure('intarray: table bytes a row', int(session.value("SELECT pg_table_size('elements')")) / count)
        took = [timed(session, f'SELECT o.id FROM elements q, elements o WHERE q.id = {i * OF_FAMILY % count} AND o.e && q.e AND icount(o.e & q.e) >= 0.1 * icount(o.e | q.e)', 1)[0] for i in range(5)]
        bench.figure('intarray: query, ms, median', statistics.median(took))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--long', action='store_true', help='a million sets, 30,000 columns, 10,000 of serial ids: an hour')
    parser.add_argument('--smoke', action='store_true', help='few sets: does it run at all?')
    parser.add_argument('--bars', action='store_true', help='bars of time count too')
    parser.add_argument('--only', default='', metavar='PART', help='one of similar, containing, popular')
    parser.add_argument('--program', default='search_sets', help='where search_sets is')
    parser.add_argument('--json', metavar='FILE', help='write what was measured here')
    options = parser.parse_args()
    bench = Bench(options.program, options)
    families = 25 if options.smoke else 25_000 if options.long else 500
    columns = 10 if options.smoke else 750 if options.long else 75
    queries = 25 if options.smoke else 500
    with Session() as session:
        session.run('CREATE EXTENSION IF NOT EXISTS hllset')
        session.run(f'DROP SCHEMA IF EXISTS {SCHEMA} CASCADE')
        session.run(f'CREATE SCHEMA {SCHEMA}')
        about = machine(session)
    recall = {}
    try:
        if options.only in ('', 'similar'):
            recall = similar(bench, families, queries, f'{families * OF_FAMILY:,} sets')
            if not options.smoke:
                insertion(bench)
            peers(bench, 2 if options.smoke else 10)
        if options.only in ('', 'containing'):
            containing(bench, columns, min(queries, columns * 5), f'{columns * OF_FAMILY:,} columns')
        if options.only in ('', 'popular'):
            popular(bench, 300 if options.smoke else 10_000 if options.long else 2000)
    finally:
        with Session() as session:
            session.run(f'DROP SCHEMA IF EXISTS {SCHEMA} CASCADE')
    if options.json:
        Path(options.json).write_text(json.dumps({'machine': about, 'figures': bench.figures, 'bounds': bench.bounds, 'recall': recall}, indent=1), encoding='utf-8')
    print()
    table(['', 'value', 'bar'], bench.figures)
    if recall:
        print('\nRecall by the Jaccard index:')
        table(['from', 'found', 'pairs'], [[band, f'{share:.4f}', count] for band, (share, count) in recall.items()])
    broken = [bound for bound in bench.bounds if bound['broken']]
    print(f'\nsearch: {len(bench.bounds) - len(broken)} of {len(bench.bounds)} bounds hold')
    for bound in broken:
        print(f"BROKEN: {bound['name']}: {bound['value']}")
    raise SystemExit(bool(broken))


if __name__ == '__main__':
    main()
