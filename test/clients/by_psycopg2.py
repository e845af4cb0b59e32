#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""The cases of cases.py by psycopg2, which writes parameters into the statement as literals. Connects as the PG... variables say."""
import datetime
import re
import sys
import uuid

import psycopg2
import psycopg2.extras

NATIVE = {'integer': int, 'bigint': int, 'uuid': uuid.UUID, 'date': datetime.date.fromisoformat, 'text': str}


def values_of(cursor, type, words):
    if type == 'bytea':
        cursor.execute("SELECT s::bytea FROM known WHERE type = 'integer'")
        return [bytes(cursor.fetchone()[0])]
    if type.endswith('[]'):
        return [[NATIVE[type[:-2]](word) for word in words]]
    return [NATIVE[type](word) for word in words]


psycopg2.extras.register_uuid()
connection = psycopg2.connect('')
connection.autocommit = True
cursor = connection.cursor()
for line in open(sys.argv[1], encoding='utf-8'):
    name, type, statement, words = line.rstrip('\n').split('\t')
    values = values_of(cursor, type, words.split(','))
    try:
        cursor.execute(re.sub(r'\$\d', '%s', statement), values)
        answer = cursor.fetchone()[0]
    except psycopg2.Error as error:
        answer = f'ERROR {error.pgcode}'
    print(name, answer, sep='\t')
