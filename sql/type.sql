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
INSERT INTO typed (p12) VALUES ('\x01010a01000000');
INSERT INTO typed (p12) SELECT c12 FROM typed WHERE id = 100;
INSERT INTO typed (free) SELECT c12 FROM typed WHERE id = 100;
DELETE FROM typed WHERE id IS NULL;
-- a domain and an array of a modified type
CREATE DOMAIN rollup AS hllset(10) CHECK (# VALUE < 1000000);
SELECT hll_precision(s::rollup), hll_precision((ARRAY[s, s]::hllset(11)[])[2]) FROM sample WHERE p = 12 AND n = 5000;

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
