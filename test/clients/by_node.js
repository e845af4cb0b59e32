// SPDX-License-Identifier: PostgreSQL
// The cases of cases.py by node-postgres, which sends every parameter as text without a type. Connects as the PG... variables say.
'use strict';

const fs = require('fs');
const { Client } = require('pg');

const native = {
  integer: Number,
  bigint: BigInt,
  uuid: String,
  date: String,
  text: String,
};

async function valuesOf(client, type, words) {
  if (type === 'bytea') {
    return [(await client.query("SELECT s::bytea AS bytes FROM known WHERE type = 'integer'")).rows[0].bytes];
  }
  if (type.endsWith('[]')) return [words.map(native[type.slice(0, -2)])];
  return words.map(native[type]);
}

async function main() {
  const client = new Client();
  await client.connect();
  for (const line of fs.readFileSync(process.argv[2], 'utf8').trimEnd().split('\n')) {
    const [name, type, statement, words] = line.split('\t');
    let answer;
    try {
      const result = await client.query({ text: statement, values: await valuesOf(client, type, words.split(',')), rowMode: 'array' });
      answer = result.rows[0][0];
    } catch (error) {
      if (!error.code) throw error;
      answer = `ERROR ${error.code}`;
    }
    console.log(`${name}\t${answer}`);
  }
  await client.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
