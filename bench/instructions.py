#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Counts the instructions of a fixed workload of the core under callgrind and compares them with those in instructions.json.

Unlike a time, the count is the same on a busy machine; it depends on the compiler, which is recorded. Needs valgrind.
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent
RECORD = BENCH / 'instructions.json'


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True)


def build(folder):
    """The workload, linked with the core as CMake builds it."""
    program = folder / 'instructions'
    run('cmake', '-S', BENCH.parent, '-B', folder)
    run('cmake', '--build', folder, '--target', 'hllset_core')
    run('c++', '-std=c++20', '-O2', '-Wall', '-Wextra', '-I', BENCH.parent / 'src', BENCH / 'instructions.cpp',
        folder / 'libhllset_core.a', '-o', program)
    return program


def count(program, folder):
    """{operation: instructions} from callgrind's dumps, one for each mark of the workload."""
    run('valgrind', '-q', '--tool=callgrind', f'--callgrind-out-file={folder}/dump', program)
    counts = {}
    for dump in sorted(folder.glob('dump.*'), key=lambda path: int(path.suffix[1:])):
        lines = dump.read_text().splitlines()
        operation = next(line for line in lines if line.startswith('desc: Trigger:')).rsplit('Client Request: ')[-1]
        totals = next(line for line in lines if line.startswith('totals:'))
        counts[operation] = int(totals.split()[1])
    return counts


def compare(counts, record):
    print(f'{"operation":24}{"instructions":>14}{"before":>14}{"ratio":>8}')
    for operation, now in counts.items():
        before = record.get(operation)
        print(f'{operation:24}{now:14,}' + (f'{before:14,}{now / before:8.3f}' if before else ''))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--update', action='store_true', help='write the counts to instructions.json')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        counts = count(build(Path(name)), Path(name))
    compiler = run('c++', '--version').stdout.splitlines()[0]
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {'compiler': compiler, 'instructions': {}}
    compare(counts, record['instructions'])
    if compiler != record['compiler']:
        print(f'now with {compiler}, before with {record["compiler"]}')
    if options.update:
        RECORD.write_text(json.dumps({'compiler': compiler, 'instructions': counts}, indent=2) + '\n')


if __name__ == '__main__':
    main()
