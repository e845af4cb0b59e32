-- The type hllhash.

SELECT hll_hash(1), hll_hash('a'::text), hll_hash('a'::"char"), hll_hash(NULL);
SELECT '00000000000000aB'::hllhash, 'ffffffffffffffff'::hllhash;
SELECT hll_hash(1)::text::hllhash = hll_hash(1) AS text, hll_hash(1)::bigint::hllhash = hll_hash(1) AS bigint,
	hllhash_send(hll_hash(1)) = decode(hll_hash(1)::text, 'hex') AS binary_is_big_endian;
SELECT (-1)::bigint::hllhash, 'ffffffffffffffff'::hllhash::bigint, '8000000000000000'::hllhash::bigint;
\set VERBOSITY terse
SELECT ''::hllhash;
SELECT '0123456789abcde'::hllhash;
SELECT '0123456789abcdef0'::hllhash;
SELECT '0x23456789abcdef'::hllhash;
SELECT ' 123456789abcdef'::hllhash;
\set VERBOSITY default

-- the order is unsigned, like that of the text
CREATE TABLE hashes AS SELECT hll_hash(x) AS h, x FROM generate_series(1, 1000) x;
SELECT bool_and((a.h < b.h) = (a.h::text COLLATE "C" < b.h::text) AND (a.h <= b.h) = (a.h::text COLLATE "C" <= b.h::text)
	AND (a.h > b.h) = (a.h::text COLLATE "C" > b.h::text) AND (a.h >= b.h) = (a.h::text COLLATE "C" >= b.h::text)
	AND (a.h = b.h) = (a.x = b.x) AND (a.h <> b.h) = (a.x <> b.x)) AS as_text
FROM hashes a, hashes b WHERE a.x <= 100 AND b.x <= 120;
SELECT array_agg(h ORDER BY h) = array_agg(h ORDER BY h::text COLLATE "C") AS sorted FROM hashes;
SELECT count(DISTINCT h), count(*) FILTER (WHERE h = hll_hash(7)) AS one FROM hashes;
CREATE INDEX ON hashes (h);
CREATE INDEX ON hashes USING hash (h);
SET enable_seqscan = off;
SELECT x FROM hashes WHERE h = hll_hash(77);
SELECT count(*) FROM hashes WHERE h >= '8000000000000000';
RESET enable_seqscan;
SELECT count(*) FROM hashes a FULL JOIN hashes b ON a.h = b.h;
CREATE TABLE copied (LIKE hashes);
\setenv file `mktemp`
\copy hashes TO PROGRAM 'cat >"$file"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "$file"' (FORMAT binary)
\! rm "$file"
SELECT count(*) FROM copied JOIN hashes USING (h, x);

-- a set of hashes is the set of the elements
SELECT hll_add_agg(h) = hll_add_agg(x) AS aggregate, hll_add_agg(h, 9) = hll_add_agg(x, 9) AS at_9, approx_count_distinct(h) FROM hashes;
SELECT hll_add(hllset_of(1), hll_hash(2)) = hllset_of(1, 2) AS add, hll_may_contain(hllset_of(1), hll_hash(1)) AS contains;

-- under a key: another hash for each key, the same for what is one element, of any type
SELECT hll_hash(1, '\x000102030405060708090a0b0c0d0e0f'), hll_hash('a'::text, '\x000102030405060708090a0b0c0d0e0f');
SELECT hll_hash(1, key) = hll_hash(1.0, key) AND hll_hash(1, key) = hll_hash(1::smallint, key) AND hll_hash('a'::char(3), key) = hll_hash('a'::text, key) AS one_element, hll_hash(1, key) <> hll_hash(1::float8, key) AND hll_hash(1, key) <> hll_hash('1'::text, key) AS other_families,
	hll_hash(ROW(1, 'a'::text), key) = hll_hash(ROW(1.0, 'a'::varchar), key) AND hll_hash(ARRAY[1, 2], key) = hll_hash(ARRAY[1.0, 2], key) AND hll_hash('{"a": 1}'::jsonb, key) = hll_hash('{"a": 1.0}'::jsonb, key) AS nested
FROM (SELECT '\xffffffffffffffffffffffffffffffff'::bytea AS key) k;
SELECT count(DISTINCT hll_hash(x, key)) AS hashes, count(*) FILTER (WHERE hll_hash(x, key) = h) AS unkeyed, approx_count_distinct(hll_hash(x, key)) = approx_count_distinct(hll_hash(x, key) ORDER BY x DESC) AS counted
FROM hashes, unnest(ARRAY['\x00000000000000000000000000000000', '\x00000000000000000000000000000001', decode(md5('key'), 'hex')]) key;
-- the key from a table
CREATE TABLE held (n serial, key bytea);
INSERT INTO held (key) VALUES ('0123456789abcdef');
SELECT count(*) AS same FROM held, hashes WHERE hll_hash(x, key) = hll_hash(x, '\x30313233343536373839616263646566');
-- a set of it knows the elements only by the key
SELECT hll_may_contain(s, hll_hash(1, '0123456789abcdef')) AS "with", hll_may_contain(s, 1) AS without, # s AS count FROM (SELECT hll_add_agg(hll_hash(x, '0123456789abcdef')) AS s FROM generate_series(1, 500) x) v;
SELECT hll_hash(NULL, '0123456789abcdef') IS NULL AND hll_hash(NULL::int, '0123456789abcdef') IS NULL AND hll_hash(NULL::json, '0123456789abcdef') IS NULL AS "null";
\set VERBOSITY terse
SELECT hll_hash(1, NULL);
SELECT hll_hash(NULL, NULL);
SELECT hll_hash(1, (SELECT key FROM held WHERE n = 2));
SELECT approx_count_distinct(hll_hash(x, (SELECT key FROM held WHERE n = 2))) FROM hashes;
SELECT hll_hash(1, '');
SELECT hll_hash(1, '0123456789abcde');
SELECT hll_hash(1, '0123456789abcdef0');
SELECT hll_hash(NULL, '0123456789abcdef0');
SELECT hll_hash(1, '0123456789abcdef'::text);
SELECT hll_hash(hll_hash(1), '0123456789abcdef');
SELECT hll_hash(x, key) FROM held, (SELECT NULL::hllhash AS x) v;
SELECT hll_hash(h, key) FROM held, hashes LIMIT 1;
SELECT hll_hash('a', '0123456789abcdef');
SELECT hll_hash('{}'::json, '0123456789abcdef');
SELECT hll_hash('a' COLLATE "default", '0123456789abcdef');
\set VERBOSITY default
DROP TABLE held;

-- another type of that name, which the owner of the extension may add to it, is none
BEGIN;
CREATE SCHEMA other;
CREATE TYPE other.hllhash AS ENUM ('a');
CREATE TYPE other.letter AS ENUM ('a');
ALTER EXTENSION hllset ADD TYPE other.hllhash;
SELECT hll_hash('a'::other.hllhash) = hll_hash('a'::other.letter) AS by_label, hllset_of('a'::other.hllhash) = hllset_of('a'::other.letter) AS element;
ROLLBACK;

DROP TABLE hashes, copied;
