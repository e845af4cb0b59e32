#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
What belongs to a function that people call: a comment, names of its arguments, a call in a regression test. The script of the
extension says which functions there are; those whose comment begins with "internal" are not called by people. An operator needs a comment.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    script = (ROOT / 'hllset--1.0.sql').read_text()
    tests = '\n'.join(path.read_text() for path in sorted((ROOT / 'sql').glob('*.sql')))
    comments = {(name, re.sub(r'VARIADIC|\s+', '', types)): text for name, types, text in
                re.findall(r"COMMENT ON (?:FUNCTION|AGGREGATE) (\w+)\(([^)]*)\) IS '((?:[^']|'')*)'", script)}
    wrong = []
    count = 0
    for name, arguments in re.findall(r'CREATE (?:FUNCTION|AGGREGATE) (\w+)\(((?:[^()]|\([^)]*\))*)\)', script):
        inputs = [re.sub(r'\s+DEFAULT.*', '', part.strip()) for part in arguments.split(',') if part.strip() and not part.strip().startswith('OUT ')]
        text = next((text for (other, types), text in comments.items()
                     if other == name and types.count(',') == max(len(inputs) - 1, 0)
                     and all(word in re.sub(r'\s+', '', ' '.join(inputs)) for word in types.split(','))), None)
        if text is None:
            wrong.append(f'{name}({arguments}): no comment')
            continue
        if text.startswith('internal: '):
            continue
        count += 1
        for part in inputs:
            if not re.fullmatch(r'(?:VARIADIC )?[a-z_]\w* (?:"any"|[a-z][a-z ]*(?:\[\])?)', part):
                wrong.append(f'{name}: an argument without a name: {part}')
        if not re.search(rf'\b{name}\(', tests):
            wrong.append(f'{name}: no regression test calls it')
    operators = re.findall(r'CREATE OPERATOR (\S+) \(', script)
    commented = re.findall(r'COMMENT ON OPERATOR (\S+) \(', script)
    wrong += [f'operator {name}: no comment' for name in sorted(set(operators)) if operators.count(name) != commented.count(name)]
    for line in wrong:
        print(line)
    if wrong or count < 30:
        sys.exit(f'functions: {len(wrong)} faults')
    print(f'functions: {count} rules hold')


main()
