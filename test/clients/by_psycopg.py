#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
The cases of cases.py by psycopg2, which writes parameters into the statement as literals, or by psycopg 3, which sends numbers and dates with
their type, and strings without. Connects as the PG... variables say.

    by_psycopg.py psycopg2|psycopg FILE
"""
import datetime
import importlib
import re
import sys
import uuid

NATIVE = {'integer': int, 'bigint': int, 'uuid': uuid.UUID, 'date': datetime.date.fromisoformat, 'text': str}


def values_of(cursor, type, words):
    if type == 'bytea':
        cursor.execute("SELECT s::bytea FROM known WHERE type = 'integer'")
        return [bytes(cursor.fetchone()[0])]
    if type.endswith('[]'):
        return [[NATIVE[type[:-2]](word) for word in words]]
    return [NATIVE[type](word) for word in words]


def main(name, path):
    driver = importlib.import_module(name)
    if name == 'psycopg2':
        importlib.import_module('psycopg2.extras').register_uuid()
    connection = driver.connect('')
    connection.autocommit = True
    cursor = connection.cursor()
    with open(path, encoding='utf-8') as file:
        for line in file:
            case, type, statement, words = line.rstrip('\n').split('\t')
            values = values_of(cursor, type, words.split(','))
            try:
                cursor.execute(re.sub(r'\$\d', '%s', statement.replace('%', '%%')), values)
                answer = cursor.fetchone()[0]
            except driver.Error as error:
                answer = f'ERROR {error.pgcode if name == "psycopg2" else error.sqlstate}'
            print(case, answer, sep='\t')


main(sys.argv[1], sys.argv[2])
