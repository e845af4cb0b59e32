-- The type hllset: text and binary forms, type modifiers, casts, storage.

-- text form
SELECT hllset_empty(), hllset_empty(4), hllset_empty(18), hllset_of(1, 2, 3);
SELECT '\x01010C01000000'::hllset = hllset_empty() AS upper_case_digits;
SELECT hllset_of(1, 2, 3)::text::hllset = hllset_of(1, 2, 3) AS back_from_text;
CREATE TABLE sample AS
SELECT n, p, (SELECT hll_add_agg(x, p) FROM generate_series(1, n) x) AS s
FROM (VALUES (1), (100), (1000), (5000), (100000)) AS v (n), (VALUES (4), (10), (12), (18)) AS w (p);
SELECT count(*), bool_and(s::text::hllset = s) AS text, bool_and(s::bytea::hllset = s) AS bytea,
	bool_and(hllset_send(s) = s::bytea) AS send, bool_and(octet_length(s::text) = 2 + 2 * octet_length(s::bytea)) AS length
FROM sample;

-- type modifiers
CREATE TABLE typed (id int, free hllset, p12 hllset(12), c12 hllset(12, compact));
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'typed'::regclass AND attnum > 1 ORDER BY attnum;
INSERT INTO typed SELECT n, s, s, s FROM sample WHERE p = 18;
SELECT id, hll_precision(free) AS free, hll_precision(p12) AS p12, hll_precision(c12) AS c12,
	p12 = (SELECT s FROM sample WHERE p = 12 AND n = id) AS exact_fold,
	c12 = (SELECT s::hllset(12, compact) FROM sample WHERE p = 12 AND n = id) AS exact_pour,
	hll_info(p12) -> 'compact' AS p12_compact, hll_info(c12) -> 'compact' AS c12_compact
FROM typed ORDER BY id;
-- a modifier that fits changes nothing
SELECT bool_and(p12::hllset(12) = p12) AND bool_and(c12::hllset(12, compact) = c12) AS unchanged FROM typed;
-- on input as on assignment
SELECT hll_precision((SELECT s::text FROM sample WHERE p = 18 AND n = 100)::hllset(10));
SELECT '\x0101120100000000'::hllset(12), '\x0101120100000000'::hllset(12, compact), '\x0101120100000000'::hllset(18, "compact");
SELECT hllset_in('\x01010c01000000', 0, -1), hllset_typmod_out(-1)::text = '' AS no_modifier;
-- too coarse, or compact into graded
INSERT INTO typed (p12) SELECT s FROM sample WHERE p = 10 AND n = 100;
INSERT INTO typed (c12) SELECT s FROM sample WHERE p = 10 AND n = 100;
INSERT INTO typed (p12) VALUES ('\x01010a010001aef53a0d');
INSERT INTO typed (p12) SELECT c12 FROM typed WHERE id = 100;
INSERT INTO typed (free) SELECT c12 FROM typed WHERE id = 100;
DELETE FROM typed WHERE id IS NULL;
-- a domain and an array of a modified type
CREATE DOMAIN rollup AS hllset(10) CHECK (# VALUE < 1000000);
SELECT hll_precision(s::rollup), hll_precision((ARRAY[s, s]::hllset(11)[])[2]) FROM sample WHERE p = 12 AND n = 5000;

-- the empty set has nothing to lose: it goes into any precision and form, also as a default
CREATE TABLE nothing AS SELECT hllset_empty(p) AS s FROM generate_series(4, 18) p;
INSERT INTO nothing SELECT set_bit(s::bytea, 12, 1)::hllset FROM nothing;
SELECT count(DISTINCT s), bool_and(s::hllset(4) = hllset_empty(4) AND s::hllset(14) = hllset_empty(14) AND s::hllset(18) = hllset_empty(18)) AS graded,
	bool_and(s::hllset(4, compact) = hllset_empty(18)::hllset(4, compact) AND hll_info(s::hllset(14, compact)) @> '{"precision": 14, "compact": true}') AS compact,
	bool_and(hll_fold(s, 7)::hllset(7) = hllset_empty(7) AND hll_info(hll_fold(s, 17)) -> 'compact' = hll_info(s) -> 'compact') AS fold,
	bool_and(hllset_in(s::text::cstring, 0, 14) = hllset_empty(14)) AS input FROM nothing;
CREATE TABLE counter (day int PRIMARY KEY, s hllset(14) NOT NULL DEFAULT hllset_empty(), c hllset(12, compact) NOT NULL DEFAULT hllset_empty(),
	l hllset(10)[] DEFAULT ARRAY[hllset_empty()], r rollup DEFAULT hllset_empty(4), literal hllset(14) DEFAULT '\x01010c01000000');
INSERT INTO counter (day) VALUES (1), (2);
INSERT INTO counter SELECT 3, s, s, ARRAY[s, s], s, s FROM nothing LIMIT 1;
INSERT INTO counter (day, s, c) VALUES (4, '\x011104010000', '\x0101120100000000');
UPDATE counter SET s = hllset_empty(), c = hllset_empty(17) WHERE day = 4;
ALTER TABLE counter ADD added hllset(9, compact) DEFAULT hllset_empty(), ALTER literal TYPE hllset(16, compact);
SELECT DISTINCT s = hllset_empty(14) AS s, c = hllset_empty(12)::hllset(12, compact) AS c, l[1] = hllset_empty(10) AS l, r = hllset_empty(10) AS r,
	literal = hllset_empty(16)::hllset(16, compact) AS literal, added = hllset_empty(9)::hllset(9, compact) AS added FROM counter;
-- and then takes elements and sets at the column's precision
UPDATE counter SET s = hll_add(s, 1), c = hll_add(c, 1) WHERE day = 1;
UPDATE counter SET s = s | (SELECT hll_add_agg(x, 14) FROM generate_series(1, 5000) x), c = c | (SELECT s FROM sample WHERE p = 12 AND n = 5000) WHERE day = 2;
INSERT INTO counter AS t (day) VALUES (1), (2) ON CONFLICT (day) DO UPDATE SET s = t.s | excluded.s, c = excluded.c | t.c;
SELECT day, hll_precision(s) AS p, hll_info(c) ->> 'compact' AS compact, s = CASE day WHEN 1 THEN hll_add(hllset_empty(14), 1) ELSE (SELECT hll_add_agg(x, 14) FROM generate_series(1, 5000) x) END AS s,
	c = CASE day WHEN 1 THEN hllset_of(1)::hllset(12, compact) ELSE (SELECT s::hllset(12, compact) FROM sample WHERE p = 12 AND n = 5000) END AS c FROM counter WHERE day < 3 ORDER BY day;
DO $$
DECLARE
	s hllset(14) := hllset_empty();
	c hllset(12, compact) := hllset_empty(4);
BEGIN
	FOR x IN 1..3000 LOOP
		s := hll_add(s, x);
		c := c | hllset_of(x);
	END LOOP;
	ASSERT s = (SELECT hll_add_agg(x, 14) FROM generate_series(1, 3000) x) AND c = (SELECT hll_add_agg(x)::hllset(12, compact) FROM generate_series(1, 3000) x);
	s := hllset_empty(4);
	ASSERT s = hllset_empty(14);
END $$;
DROP TABLE nothing, counter;

-- hll_fold is the cast with a number, and keeps the form
SELECT bool_and(hll_fold(free, 12) = p12) AS graded, bool_and(hll_fold(c12, 10) = p12::hllset(10, compact)) AS compact FROM typed;
SELECT bool_and(hll_fold(a.s, b.p) = b.s) AS every_step FROM sample a JOIN sample b ON a.n = b.n AND a.p >= b.p;

-- stored: as it is, never compressed, out of line when long
SELECT typstorage, typalign, typlen, typcategory FROM pg_type WHERE typname = 'hllset';
CREATE TABLE kept (id int, s hllset);
INSERT INTO kept SELECT n, s FROM sample WHERE p = 12;
SELECT bool_and(k.s = a.s) AS same, bool_and(hll_digest(k.s) = hll_digest(a.s)) AS digest,
	max(pg_relation_size(reltoastrelid)) > 0 AS out_of_line
FROM kept k JOIN sample a ON a.n = k.id AND a.p = 12, pg_class WHERE oid = 'kept'::regclass;
-- also when it was compressed all the same
ALTER TABLE kept ALTER s SET STORAGE extended;
INSERT INTO kept SELECT -1, hllset_of(VARIADIC array_agg(x)) FROM generate_series(1, 900) x;
SELECT # s FROM kept WHERE id = -1;
-- an update that adds nothing does not write the out-of-line bytes again
CREATE FUNCTION stored_values() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT string_agg(DISTINCT chunk_id::text, '' '') FROM ' || (SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'kept'::regclass) INTO result;
	RETURN result;
END $$;
CREATE TABLE stored AS SELECT stored_values() AS before;
UPDATE kept SET s = hll_add(s, 1) WHERE id > 0;
UPDATE kept SET s = s | hllset_of(1) WHERE id > 0;
UPDATE kept SET s = hllset_of(1) | s WHERE id > 0;
UPDATE kept SET s = s::hllset(12) WHERE id > 0;
SELECT before = stored_values() AS same FROM stored;
UPDATE kept SET s = hll_add(s, -1) WHERE id > 0;
SELECT before = stored_values() AS same FROM stored;

-- COPY, text and binary, through typed columns
CREATE TABLE copied (LIKE typed);
\setenv file `mktemp`
\copy typed TO PROGRAM 'cat >"$file"'
\copy copied FROM PROGRAM 'cat "$file"'
\copy typed TO PROGRAM 'cat >"$file"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "$file"' (FORMAT binary)
\! rm "$file"
SELECT count(*), count(DISTINCT copied) FROM copied;
(TABLE copied EXCEPT TABLE typed) UNION ALL (TABLE typed EXCEPT TABLE copied);

-- prepared statements, generated columns, defaults
PREPARE by_value(hllset) AS SELECT count(*) FROM sample WHERE s = $1;
EXECUTE by_value(hllset_empty(12));
CREATE TABLE generated (s hllset DEFAULT hllset_empty(), n float8 GENERATED ALWAYS AS (# s) STORED);
INSERT INTO generated DEFAULT VALUES;
INSERT INTO generated VALUES (hllset_of('a'::text, 'b'::text));
SELECT n FROM generated ORDER BY n;

-- statistics are gathered as for any type with an order
ANALYZE typed;
SELECT attname, n_distinct, null_frac FROM pg_stats WHERE tablename = 'typed' ORDER BY attname;

DROP DOMAIN rollup;
DROP TABLE sample, typed, kept, stored, copied, generated;
DROP FUNCTION stored_values();
