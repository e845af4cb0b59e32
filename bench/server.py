# SPDX-License-Identifier: PostgreSQL
"""Shared by accuracy.py, algebra.py, search.py, sql.py and window.py: a psql that stays open, and what the system says about the backend behind it."""
import os
import platform
import subprocess
import time
from pathlib import Path

MARK = '-- end of answer --'


class Session:
    """
    One psql on the server that PGHOST and the like name, with settings like work_mem=4MB. It ends with the block; an SQL error
    ends the program.
    """

    def __init__(self, *settings):
        options = ' '.join(f'-c {setting}' for setting in ('client_min_messages=warning', *settings))
        self.psql = subprocess.Popen(
            ['psql', '-XqAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, 'PGOPTIONS': options})

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.psql.stdin.close()
        self.psql.wait()

    def rows(self, sql):
        """The answer's rows, each a list of strings."""
        self.psql.stdin.write(f'{sql};\n\\echo {MARK}\n')
        self.psql.stdin.flush()
        rows = []
        for line in self.psql.stdout:
            if line == MARK + '\n':
                return rows
            rows.append(line.rstrip('\n').split('\t'))
        raise SystemExit(f'psql ended in: {sql}')

    def value(self, sql):
        return self.rows(sql)[0][0]

    def run(self, sql):
        self.rows(sql)


class Backend:
    """A session whose server process, on this machine, is watched through /proc."""

    def __init__(self, *settings):
        self.session = Session(*settings)
        self.proc = Path('/proc') / self.session.value('SELECT pg_backend_pid()')

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.session.__exit__()

    def cpu(self):
        """Seconds that it has run on a CPU."""
        return int((self.proc / 'schedstat').read_text().split()[0]) / 1e9

    def memory(self, *fields):
        """The sum of fields of /proc/PID/status, in bytes."""
        status = dict(line.split(':', 1) for line in (self.proc / 'status').read_text().splitlines())
        return sum(int(status[field].split()[0]) for field in fields) * 1024

    def measure(self, sql):
        """(CPU seconds, wall seconds, growth of private memory to its peak in bytes, rows) of a statement."""
        before = self.memory('RssAnon')
        cpu, wall = self.cpu(), time.perf_counter()
        rows = self.session.rows(sql)
        cpu, wall = self.cpu() - cpu, time.perf_counter() - wall
        # The peak counts shared memory and files too; they only grow, so what is there now is what was there then, or more.
        peak = self.memory('VmHWM') - self.memory('RssFile', 'RssShmem')
        return cpu, wall, max(peak - before, 0), rows


def machine(session):
    """What a reader of figures should know."""
    lines = Path('/proc/cpuinfo').read_text().splitlines()
    cpus = [line.split(':')[1].strip() for line in lines if line.startswith('model name')]
    return {'cpu': f'{len(cpus)} x {cpus[0] if cpus else platform.machine()}', 'kernel': platform.release(),
            'server': session.value('SHOW server_version'), 'date': time.strftime('%Y-%m-%d'),
            'extensions': dict(session.rows("SELECT extname, extversion FROM pg_extension WHERE extname <> 'plpgsql'"))}


def table(header, rows):
    """Prints columns of text, the first to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        print('  '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))), flush=True)
