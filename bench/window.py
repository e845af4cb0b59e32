#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Time and memory of the moving hll_union_agg beside the same aggregate without moving functions, over sets, frames and work_mem.

On the server that PGHOST and the like name, which must run on this machine, as a superuser. The two take turns, each statement in a
new backend: times are its CPU seconds, the best of all rounds; memory is how far its peak is beyond that of the other. A ratio above
its bar is measured again before it counts. Exit status 1 if a bar is broken.
"""
import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from server import Backend, Session, machine, table

SCHEMA = 'hllset_bench_window'
WORK_MEM = (64, 4096, 65_536)
AGGREGATES = ('plain', 'moving')
BAR, BAR_OF_FEW, MANY = 1.2, 1.5, 8
AGAIN = 3


@dataclass(frozen=True)
class Sets:
    """Row i has the set i % count of those that the query makes. moves: how many rows move, as a share; longest: rows of a frame."""
    name: str
    query: str
    count: int
    moves: float = 1.0
    longest: int = 1440


def random_sets(elements, of, precision=12):
    """The SQL for one of {count} sets with so many elements out of so many."""
    return (f'SELECT n, hll_add_agg(hll_hash((hashint8extended(x * 1000 + n, 7) & 4503599627370495) % {of}), {precision}) AS s '
            f'FROM generate_series(0, {{count}} - 1) AS n, generate_series(1::bigint, {elements}) AS x GROUP BY n')


MIXED = '''SELECT n, CASE WHEN n % 8 = 3 THEN (SELECT hll_add_agg(x) FROM generate_series(1, {large}) AS x)
    ELSE (SELECT hll_add_agg(-x - n * 1000000) FROM generate_series(1, {small}) AS x) END AS s FROM generate_series(0, {{count}} - 1) AS n'''

SETS = (
    Sets('1 element', random_sets(1, 2**50), 2500),
    Sets('50 of 100,000', random_sets(50, 100_000), 2500),
    Sets('1,000 different', random_sets(1000, 2**50), 500),
    Sets('10,000 of 20,000', random_sets(10_000, 20_000), 50),
    Sets('200,000 different', random_sets(200_000, 2**50), 20),
    Sets('the same 200,000', random_sets(200_000, 2**50), 1),
    Sets('p = 10, 20,000 different', random_sets(20_000, 2**50, 10), 50),
    Sets('compact, 200,000 different', random_sets(200_000, 2**50).replace('12) AS s', '12)::hllset(12, compact) AS s'), 20),
    Sets('a million in one of eight, else 5', MIXED.format(large=1_000_000, small=5), 64),
    Sets('a million in one of eight, else 5,000', MIXED.format(large=1_000_000, small=5000), 64, moves=.5),
    Sets('p = 18, 1 element', random_sets(1, 2**50, 18), 2500),
    Sets('p = 18, 200,000 different', random_sets(200_000, 2**50, 18), 12, moves=.02, longest=300),
)


@dataclass(frozen=True)
class Frame:
    """size: how many rows it has about."""
    name: str
    clause: str
    size: int
    order: str = 'ORDER BY i'


FRAMES = (
    Frame('the row', 'ROWS CURRENT ROW', 1),
    Frame('2', 'ROWS 1 PRECEDING', 2),
    Frame('4', 'ROWS 3 PRECEDING', 4),
    Frame('7', 'ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING', 7),
    Frame('8', 'ROWS 7 PRECEDING', 8),
    Frame('8, by four', 'RANGE BETWEEN 1 PRECEDING AND CURRENT ROW', 8, 'ORDER BY i / 4'),
    Frame('8 of 9', 'ROWS 7 PRECEDING', 8, 'PARTITION BY i / 9 ORDER BY i'),
    Frame('8, without one', 'ROWS 7 PRECEDING EXCLUDE CURRENT ROW', 8),
    Frame('12', 'ROWS 11 PRECEDING', 12),
    Frame('16 of 17', 'ROWS 15 PRECEDING', 16, 'PARTITION BY i / 17 ORDER BY i'),
    Frame('16 of 18', 'ROWS 15 PRECEDING', 16, 'PARTITION BY i / 18 ORDER BY i'),
    Frame('30', 'ROWS 29 PRECEDING', 30),
    Frame('300', 'ROWS 299 PRECEDING', 300),
    Frame('1,440', 'ROWS 1439 PRECEDING', 1440),
    Frame('all that follow', 'ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', 200),
)
SMOKE_SETS = ('50 of 100,000', '200,000 different', 'a million in one of eight, else 5')
SMOKE_FRAMES = ('2', '8', '300')


def create(session, sets):
    session.run(f'CREATE SCHEMA {SCHEMA}')
    session.run(f'SET search_path = {SCHEMA}, public')
    session.run('CREATE AGGREGATE moving(hllset) (SFUNC = hll_union_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = hll_union_final, '
                'FINALFUNC_MODIFY = READ_ONLY, MSFUNC = hll_rolling_trans, MINVFUNC = hll_rolling_inverse, MSTYPE = internal, '
                'MSSPACE = 8192, MFINALFUNC = hll_rolling_final, MFINALFUNC_MODIFY = READ_ONLY)')
    session.run('CREATE AGGREGATE plain(hllset) (SFUNC = hll_union_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = hll_union_final, '
                'FINALFUNC_MODIFY = READ_ONLY)')
    for number, kind in enumerate(sets):
        rows = max(rows_of(kind, frame) for frame in FRAMES if frame.size <= kind.longest)
        session.run(f'CREATE TABLE different AS {kind.query.format(count=kind.count)}')
        session.run(f'CREATE UNLOGGED TABLE t{number} AS SELECT i, s FROM generate_series(0, {rows} - 1) AS i '
                    f'JOIN different ON n = i % {kind.count} ORDER BY i')
        session.run('DROP TABLE different')
        session.run(f'VACUUM ANALYZE t{number}')


def rows_of(kind, frame):
    """As many as fill the frame, and as move it in some hundredths of a second."""
    return frame.size + max(3, int(min(40_000 / (frame.size + 8), 2000) * kind.moves))


def statement(aggregate, number, kind, frame):
    return (f'SELECT count(u) FROM (SELECT {aggregate}(s) OVER ({frame.order} {frame.clause}) AS u FROM t{number} '
            f'WHERE i < {rows_of(kind, frame)}) AS w')


def run_once(aggregate, work_mem, sql):
    """(CPU seconds, bytes of growth)"""
    settings = (f'work_mem={work_mem}kB', f'search_path={SCHEMA},public', 'jit=off', 'max_parallel_workers_per_gather=0')
    with Backend(*settings) as backend:
        backend.session.run(f'SELECT {aggregate}(s) OVER (ORDER BY i ROWS 1 PRECEDING) FROM (SELECT i, hllset_of(i) AS s FROM generate_series(1, 5) AS i) AS w')
        cpu, _, growth, _ = backend.measure(sql)
    return cpu, growth


def measure_cell(number, kind, frame, work_mem, rounds):
    bar = BAR if frame.size >= MANY else BAR_OF_FEW
    seconds = {name: [] for name in AGGREGATES}
    growth = {name: [] for name in AGGREGATES}
    for attempt in range(AGAIN):
        for _ in range(rounds):
            for name in AGGREGATES:
                cpu, grown = run_once(name, work_mem, statement(name, number, kind, frame))
                seconds[name].append(cpu)
                growth[name].append(grown)
        ratio = min(seconds['moving']) / min(seconds['plain'])
        if ratio <= bar:
            break
    beyond = min(growth['moving']) - min(growth['plain'])
    allowed = max(1.5 * work_mem * 1024, 4 << 20)
    return {'sets': kind.name, 'frame': frame.name, 'work_mem_kb': work_mem, 'rows': rows_of(kind, frame), 'ratio': ratio, 'bar': bar,
            'plain_s': min(seconds['plain']), 'moving_s': min(seconds['moving']), 'beyond_bytes': beyond, 'allowed_bytes': allowed,
            'broken': ratio > bar or beyond > allowed}


def report(cells, frames):
    by = {(cell['sets'], cell['frame'], cell['work_mem_kb']): cell for cell in cells}
    names = list(dict.fromkeys(cell['sets'] for cell in cells))

    def ratio(name, frame, size):
        return f"{by[name, frame, size]['ratio']:.2f}" if (name, frame, size) in by else ''

    for size in WORK_MEM:
        print(f'\nTime as a ratio to the aggregate without moving functions, by rows of the frame, work_mem {size} kB:')
        table(['sets', *(frame.name for frame in frames)], [[name, *(ratio(name, frame.name, size) for frame in frames)] for name in names])
    print('\nMemory at its peak beyond that aggregate, the largest of all frames, in MB:')
    table(['sets', *(f'work_mem {size} kB' for size in WORK_MEM)],
          [[name, *(f"{max(by[name, frame.name, size]['beyond_bytes'] for frame in frames if (name, frame.name, size) in by) / 1e6:.1f}"
                    for size in WORK_MEM)] for name in names])
    for bar, rows in ((BAR, f'{MANY} rows and more'), (BAR_OF_FEW, 'fewer')):
        print(f"\nThe largest ratio of frames of {rows}: {max((cell['ratio'] for cell in cells if cell['bar'] == bar), default=0):.2f} (bar {bar})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3, help='times that each of the two runs (default 3)')
    parser.add_argument('--sets', default='', metavar='PART', help='only the sets in whose name this is')
    parser.add_argument('--frames', default='', metavar='NAME;...', help='only these frames')
    parser.add_argument('--smoke', action='store_true', help='three kinds of sets and three frames, one round, no bars: does it run at all?')
    parser.add_argument('--json', metavar='FILE', help='write what was measured here')
    options = parser.parse_args()
    sets = [kind for kind in SETS if options.sets in kind.name and (not options.smoke or kind.name in SMOKE_SETS)]
    wanted = options.frames.split(';') if options.frames else SMOKE_FRAMES if options.smoke else [frame.name for frame in FRAMES]
    frames = [frame for frame in FRAMES if frame.name in wanted]
    with Session() as session:
        session.run('CREATE EXTENSION IF NOT EXISTS hllset')
        about = machine(session)
    cells = []
    try:
        with Session() as session:
            create(session, sets)
        for number, kind in enumerate(sets):
            print(kind.name, flush=True)
            for frame in frames:
                for work_mem in WORK_MEM if frame.size <= kind.longest else ():
                    cells.append(measure_cell(number, kind, frame, work_mem, 1 if options.smoke else options.rounds))
    finally:
        with Session() as session:
            session.run(f'DROP SCHEMA IF EXISTS {SCHEMA} CASCADE')
    if options.json:
        Path(options.json).write_text(json.dumps({'machine': about, 'cells': cells}, indent=1), encoding='utf-8')
    report(cells, frames)
    broken = [cell for cell in cells if cell['broken'] and not options.smoke]
    print(f'\nwindow: {len(cells) - len(broken)} of {len(cells)} bounds hold')
    for cell in broken:
        print(f"BROKEN: {cell['sets']}, frame of {cell['frame']}, work_mem {cell['work_mem_kb']} kB: ratio {cell['ratio']:.2f}, "
              f"{cell['beyond_bytes'] / 1e6:.1f} MB beyond")
    raise SystemExit(bool(broken))


if __name__ == '__main__':
    main()
