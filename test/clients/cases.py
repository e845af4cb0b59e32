#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
What drivers are tried with, and whether what they got is right. An element is passed as a parameter to each function that takes one, as a
driver passes a value of that type by itself and with a cast; the answer must be right or an error, never a wrong count.

    cases.py write          the cases, one a line: name, type, statement, values; all separated by tabs, values by commas
    cases.py setup          the statements that make the data
    cases.py check FILE     reads what a driver got: name, a tab, and the answer or ERROR and an SQLSTATE
"""
import sys

ELEMENTS = {
    'integer': ('4711', '-12'),
    'bigint': ('1099511627776', '4711'),
    'uuid': ('00112233-4455-6677-8899-aabbccddeeff', '6f9619ff-8b86-d011-b42d-00c04fc964ff'),
    'date': ('2024-02-29', '1999-12-31'),
    'text': ('4711', 'größer, "quoted"'.replace(',', ';')),
}

# Each is true if the set that has both elements has them, counted by number: 2 stays 2, yes is 1.
CALLS = {
    'hll_add': ('hll_cardinality(hll_add(hll_add(s, {0}), {1}))', 2),
    'hll_may_contain': ('hll_may_contain(s, {0})::int * hll_may_contain(s, {1})::int', 1),
    'hllset_of': ('hll_cardinality(s | hllset_of({0}, {1}))', 2),
    'hll_hash': ('hll_cardinality(hll_add(hll_add(s, hll_hash({0})), hll_hash({1})))', 2),
    'hll_add_agg': ('(SELECT hll_cardinality(s | (SELECT hll_add_agg({0}) | hll_add_agg({1}))))', 2),
    'hll_add_agg p': ('(SELECT hll_cardinality(s | (SELECT hll_add_agg({0}, 12) | hll_add_agg({1}, 12))))', 2),
    'approx_count_distinct': ('(SELECT approx_count_distinct({0}) + approx_count_distinct({1}))', 2),
}
UNNEST = 'hll_cardinality(s | (SELECT hll_add_agg(x) FROM unnest({0}) x))'


def cases():
    """(name, type, statement, values, expected, whether an error is right too)"""
    for type, values in ELEMENTS.items():
        source = f" FROM known WHERE type = '{type}'"
        for call, (form, expected) in CALLS.items():
            yield f'{call} {type}', type, 'SELECT ' + form.format('$1', '$2') + source, values, expected, True
            cast = form.format(f'$1::{type}', f'$2::{type}')
            yield f'{call} {type} cast', type, 'SELECT ' + cast + source, values, expected, False
        yield f'unnest {type}', type + '[]', 'SELECT ' + UNNEST.format('$1') + source, values, 2, True
        yield f'unnest {type} cast', type + '[]', 'SELECT ' + UNNEST.format(f'$1::{type}[]') + source, values, 2, False
    # the operators of searches, whose % is a driver's own sign
    for name, operator, query in (('similar', '%', 'hll_similar_to'), ('within', '%>', 'hll_within')):
        yield (name, 'integer', f"SELECT (s {operator} {query}(hllset_of($1::integer, $2::integer), 1))::int FROM known WHERE type = 'integer'",
               ELEMENTS['integer'], 1, False)
    # the bytes of a set, stored again
    yield 'bytea', 'bytea', "UPDATE stored SET s = $1 WHERE hll_cardinality(s) = 0 RETURNING hll_cardinality(s)", ('stored',), 2, False


def setup():
    print('CREATE EXTENSION hllset;')
    print('CREATE TABLE known (type text PRIMARY KEY, s hllset(12) NOT NULL);')
    print("CREATE TABLE stored (s hllset(12));")
    print("INSERT INTO stored VALUES (hllset_empty());")
    for type, values in ELEMENTS.items():
        elements = ', '.join(f"'{value}'::{type}" for value in values)
        print(f"INSERT INTO known VALUES ('{type}', hllset_of({elements}));")


def check(path):
    with open(path, encoding='utf-8') as file:
        got = dict(line.rstrip('\n').split('\t') for line in file)
    wrong = []
    errors = 0
    for name, _, _, _, expected, error_allowed in cases():
        answer = got.pop(name, 'none')
        if answer.startswith('ERROR') and error_allowed:
            errors += 1
        elif answer.startswith('ERROR') or answer == 'none' or float(answer) != expected:
            wrong.append(f'{name}: {answer}, not {expected}')
    wrong += [f'{name}: not asked for' for name in got]
    for line in wrong:
        print(line)
    total = sum(1 for _ in cases())
    if wrong:
        sys.exit(f'clients: {len(wrong)} of {total} cases are wrong')
    print(f'clients: {total} cases hold, {errors} of them by an error')


def main():
    if sys.argv[1:] == ['write']:
        for name, type, statement, values, _, _ in cases():
            print(name, type, statement, ','.join(values), sep='\t')
    elif sys.argv[1:] == ['setup']:
        setup()
    else:
        check(sys.argv[2])


main()
