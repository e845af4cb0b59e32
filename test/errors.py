#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Every error of the type says what to do: it has a hint, or there is a reason for none, which stands here. All errors are in the files src/pg/error*.c."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WITHOUT_HINT = {
    'invalid input syntax for type %s: \\"%s\\"': 'the detail says what the text must be, or why the bytes are no value',
    'invalid binary format for type %s': 'the detail says why the bytes are no value; only their sender can mend them',
    'hllset precision %d is out of range': 'the detail says the range',
}


def reports(text):
    """Each statement that reports an error: from the call to its closing semicolon."""
    for match in re.finditer(r'\b(?:ereport|HLLSET_SOFT_ERROR)\(', text):
        yield text[match.start():text.index(';\n', match.start())]


def message(report):
    words = re.search(r'errmsg\(((?:\s*"(?:[^"\\]|\\.)*")+)', report)
    return ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', words.group(1))) if words else None


def main():
    macros = dict(re.findall(r'#define (\w+)\(\w+\)\s+(.*?[^\\])\n', (ROOT / 'src/pg/error.c').read_text(), re.S))
    wrong = []
    seen = set()
    count = 0
    for path in sorted((ROOT / 'src/pg').glob('*.c')):
        text = path.read_text()
        for report in reports(text):
            for name, body in macros.items():
                report = re.sub(rf'\b{name}\(', lambda _, body=body: body + '(', report)
            if not path.name.startswith('error'):
                wrong.append(f'{path.name}: an error is reported outside of src/pg/error*.c')
                continue
            count += 1
            if 'errmsg' not in report:
                wrong.append(f'no message in: {report[:80]}')
            elif not re.search(r'\b(?:errhint|hint_at_\w+)\(', report):
                if message(report) in WITHOUT_HINT:
                    seen.add(message(report))
                else:
                    wrong.append(f'no hint, and no reason for none: {message(report)}')
            if 'errcode(' not in report:
                wrong.append(f'no errcode: {message(report)}')
    wrong += [f'a reason for an error that is not there: {text}' for text in sorted(set(WITHOUT_HINT) - seen)]
    for line in wrong:
        print(line)
    if wrong or not count:
        sys.exit(f'errors: {len(wrong)} faults')
    print(f'errors: {count} rules hold')


main()
