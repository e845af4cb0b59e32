# SPDX-License-Identifier: PostgreSQL
"""Part of sql.py: aggregates over many rows, their time, memory and temporary files; and whether the planner makes them parallel."""
import json
import math
import re
from dataclasses import dataclass
from statistics import median

from server import Backend

OURS = 'hllset 12'
HASH_ONLY = {'bigint': 'bit_xor(hashint8extended(x, 0))', 'integer': 'bit_xor(hashint4extended(x, 0))',
             'text': 'bit_xor(hashtextextended(x, 0))', 'uuid': 'bit_xor(uuid_hash_extended(x, 0))',
             'date': "bit_xor(hashint4extended(x - '2000-01-01'::date, 0))"}
# The same count said in other ways: at most 1.05 times hllset 12.
OTHER_WAYS = {'hllset approx_count_distinct': 'approx_count_distinct(x)', 'hllset p given': '# hll_add_agg(x, 12)',
              'hllset approx_count_distinct, p given': 'approx_count_distinct(x, 12)'}
SORTED = ' sorted'
SORTS = 'SET enable_hashagg = off'
MULTIPLIER = 2
DEFAULT_WORK_MEM = 4096
MORE_WORK_MEM = 65_536
# 256 MB for so many rows and less for fewer: the memory for a group stays the same.
FULL_ROWS = 10_000_000
FULL_WORK_MEM = 262_144


@dataclass(frozen=True)
class Job:
    """
    goal: of hllset 12, a ratio to hash only. fixed_work_mem: kB, however many rows there are. With other_ways the same count is said in
    other ways too, and no peer takes part.
    """
    name: str
    table: str
    kind: str
    group: str = ''
    goal: float = 0.0
    fixed_work_mem: int = 0
    large: bool = False
    other_ways: bool = False

    def statement(self, aggregate):
        if not self.group:
            return f'SELECT {aggregate} FROM {self.table}'
        return (f'SELECT count(result) FROM (SELECT {aggregate} AS result FROM {self.table} GROUP BY {self.group} OFFSET 0) '
                f'AS grouped')

    def contenders(self, sketches):
        """{name: statement, or a pair of what is done before, and the statement}"""
        plain = {'count(*)': 'count(*)', 'hash only': HASH_ONLY[self.kind], 'count(distinct)': 'count(DISTINCT x)'}
        if self.other_ways:
            plain.update({OURS: '# hll_add_agg(x)', **OTHER_WAYS})
            sketches = ()
        for sketch in sketches:
            if sketch.takes(self.kind):
                aggregate = sketch.aggregate(self.kind)
                plain[sketch.name] = aggregate if self.group else sketch.count(aggregate)
        statements = {name: self.statement(aggregate) for name, aggregate in plain.items()}
        if self.group:
            statements[OURS + SORTED] = SORTS, statements[OURS]
        return statements

    def work_mem(self, options):
        return self.fixed_work_mem or (FULL_WORK_MEM if self.large else options.work_mem)

    def rounds(self, options):
        return (options.rounds + 1) // 2 if self.group else options.rounds


# Goals of groups were seconds of 10,000,000 rows; here they are divided by those of hash only then.
JOBS = (
    Job('bigint, one group', 'bigints', 'bigint', goal=1.10),
    Job('text of 46 bytes, one group', 'texts', 'text', goal=.80),
    Job('uuid, one group', 'uuids', 'uuid', goal=1.10),
    Job('integer, one group', 'integers', 'integer', goal=1.10),
    Job('bigint, said in other ways', 'bigints', 'bigint', other_ways=True),
    Job('text, said in other ways', 'texts', 'text', other_ways=True),
    Job('uuid, said in other ways', 'uuids', 'uuid', other_ways=True),
    Job('date, said in other ways', 'dates', 'date', other_ways=True),
    Job('groups of 1,000', 'grouped', 'bigint', 'of_1000', goal=1.75),
    Job('groups of 40', 'grouped', 'bigint', 'of_40'),
    Job('groups of 40, work_mem 4 MB', 'grouped', 'bigint', 'of_40', fixed_work_mem=DEFAULT_WORK_MEM),
    Job('groups of 10', 'grouped', 'bigint', 'of_10', goal=1.18),
    Job('zipf groups', 'grouped', 'bigint', 'zipf', goal=1.31),
    Job('10M rows, groups of 10', 'large', 'bigint', 'of_10', goal=1.18, large=True),
    Job('10M rows, groups of 10, work_mem 64 MB', 'large', 'bigint', 'of_10', fixed_work_mem=MORE_WORK_MEM, large=True),
    Job('10M rows, groups of 10, work_mem 4 MB', 'large', 'bigint', 'of_10', fixed_work_mem=DEFAULT_WORK_MEM, large=True),
)
# With the server's own settings: nothing asks for workers.
PARALLEL = (
    Job('bigint, one group', 'bigints', 'bigint', goal=1.10),
    Job('10 groups', 'grouped', 'bigint', 'tenth'),
    Job('groups of 1,000', 'grouped', 'bigint', 'of_1000'),
)


# ---- data ----

def load(session, rows, large):
    """Half of the values of a table of one column are distinct; hashes make everything random, the same in every run."""
    distinct = rows // 2
    series = f'FROM generate_series(1::bigint, {rows}) AS i'
    value = f'hashint8extended(i % {distinct}, 1)'
    text = f"'https://example.org/item/' || lpad(to_hex({value}), 16, '0') || '.html'"

    def number(seed, count):
        return f'(hashint8extended(i, {seed}) & 9007199254740991) % {max(count, 1)}'

    tables = {
        'bigints': f'{value} AS x {series}',
        'texts': f'{text} AS x {series}',
        'uuids': f'md5((i % {distinct})::text)::uuid AS x {series}',
        'dates': f"'2000-01-01'::date + (i % {distinct} % 200000)::integer AS x {series}",
        'integers': f'((i % {distinct} * 10368889) & 16777215)::integer AS x {series}',
        'grouped': f'''{number(2, rows // 1000)} AS of_1000, {number(3, rows // 10)} AS of_10, {number(6, rows // 40)} AS of_40,
            {number(7, 10)} AS tenth,
            floor(exp(ln({max(rows // 10, 2)}) * ((hashint8extended(i, 4) & 1048575) / 1048576.0)::float8))::bigint AS zipf,
            hashint8extended(i, 5) AS x {series}'''}
    if large:
        tables['large'] = (f'{number(3, FULL_ROWS // 10)} AS of_10, hashint8extended(i, 5) AS x '
                           f'FROM generate_series(1::bigint, {FULL_ROWS}) AS i')
    for name, query in tables.items():
        session.run(f'CREATE UNLOGGED TABLE {name} AS SELECT {query}')
        session.run(f'VACUUM ANALYZE {name}')


# ---- measurement ----

def settings(work_mem):
    return (f'work_mem={work_mem}', f'hash_mem_multiplier={MULTIPLIER}', 'jit=off', 'max_parallel_workers_per_gather=0')


def warm(backend, installed):
    """Every contender's library is there before its time counts."""
    for name in installed:
        backend.session.run(f"LOAD '{name}'")


def nodes(plan):
    yield plan
    for child in plan.get('Plans', ()):
        yield from nodes(child)


def parts(statement):
    """What is done before, if anything, and the statement."""
    return statement if isinstance(statement, tuple) else ('', statement)


def explain(statement, wanted):
    """The plan in a word, kilobytes that its aggregate held and that were written to temporary files, batches, and workers."""
    before, statement = parts(statement)
    with Backend(*wanted) as backend:
        if before:
            backend.session.run(before)
        rows = backend.session.rows(f'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}')
    plan = json.loads('\n'.join(row[0] for row in rows))[0]['Plan']
    found = list(nodes(plan))
    aggregate = [node for node in found if node['Node Type'] == 'Aggregate'][-1]
    sorts = [node for node in found if node['Node Type'] == 'Sort']
    return {'plan': aggregate['Strategy'].lower() + (', sort' if sorts else ''), 'held_kb': aggregate.get('Peak Memory Usage', 0),
            'batches': aggregate.get('HashAgg Batches', 0), 'spilt_kb': 8 * plan.get('Temp Written Blocks', 0),
            'planned_workers': max(node.get('Workers Planned', 0) for node in found)}


def take_turns(statements, rounds, wanted, installed):
    """
    {name: [(CPU seconds, wall seconds, peak bytes, first value), ...]}, a round of all before the next round. Of a pair the statement is
    measured, not what is done before it.
    """
    runs = {name: [] for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            before, statement = parts(statement)
            with Backend(*wanted) as backend:
                warm(backend, installed)
                if before:
                    backend.session.run(before)
                cpu, wall, peak, rows = backend.measure(statement)
            runs[name].append((cpu, wall, peak, rows[0][0] if rows else None))
    return runs


def ratio(runs, base, clock=0):
    return median(run[clock] / other[clock] for run, other in zip(runs, base))


def run_job(job, sketches, options, installed):
    wanted = settings(job.work_mem(options))
    statements = job.contenders(sketches)
    plans = {name: explain(statement, wanted) for name, statement in statements.items()}
    runs = take_turns(statements, job.rounds(options), wanted, installed)
    results = [{
        'name': name, 'cpu': min(run[0] for run in measured), 'wall': min(run[1] for run in measured),
        'ratio': ratio(measured, runs['hash only']), 'to_ours': ratio(measured, runs[OURS]), 'peak_bytes': max(run[2] for run in measured), 'answer': measured[0][3],
        **plans[name]} for name, measured in runs.items()]
    return {'job': job.name, 'group': bool(job.group), 'other_ways': job.other_ways, 'goal': job.goal, 'limit_kb': 1.3 * MULTIPLIER * job.work_mem(options),
            'results': results}


def run_parallel(job, sketches, options, installed):
    """By the clock, for workers' CPU time is not the backend's. The serial run is the same but for the workers."""
    default = ('jit=off',)
    serial = (*default, 'max_parallel_workers_per_gather=0')
    statements = job.contenders(sketches)
    plans = {name: explain(statement, default) for name, statement in statements.items()}
    runs = take_turns(statements, job.rounds(options), default, installed)
    alone = take_turns(statements, job.rounds(options), serial, installed)
    results = [{
        'name': name, 'wall': min(run[1] for run in measured), 'ratio': ratio(measured, runs['hash only'], clock=1),
        'serial_wall': min(run[1] for run in alone[name]), 'answer': measured[0][3], **plans[name]}
        for name, measured in runs.items()]
    return {'job': job.name, 'group': bool(job.group), 'goal': job.goal, 'results': results}


def run(sketches, options, installed):
    """Yields (kind of job, what was measured of it)."""
    def wanted(job):
        return (options.large or not job.large) and re.search(options.jobs, job.name)

    for job in filter(wanted, JOBS):
        yield 'jobs', run_job(job, sketches, options, installed)
    for job in filter(wanted, PARALLEL):
        yield 'parallel', run_parallel(job, sketches, options, installed)


def exact_answer(job):
    return next(float(result['answer']) for result in job['results'] if result['name'] == 'count(distinct)')


def failures(jobs):
    """Counts of ours that are further from the exact ones than five standard errors."""
    limit = 5 * 0.65 / math.sqrt(2 ** 12)
    return [f'{job["job"]}: {result["name"]} counts {result["answer"]}, not {exact_answer(job):.0f}'
            for job in jobs if not job['group'] for result in job['results']
            if result['name'].startswith('hllset') and abs(float(result['answer']) / exact_answer(job) - 1) > limit]
