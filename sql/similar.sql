-- Similar sets: hll_similar_to, type hllsimilar, operator % and its index.

-- small sets: the Jaccard index of the elements, exactly
CREATE TABLE few AS
SELECT n, e, hllset_of(VARIADIC e) AS s
FROM (SELECT n, ARRAY(SELECT x FROM generate_series(1, 7) x WHERE n >> (x - 1) & 1 = 1) AS e FROM generate_series(0, 127) n) y;
SELECT at_least, count(*) FILTER (WHERE a.s % hll_similar_to(b.s, at_least)) AS found,
	bool_and(a.s % hll_similar_to(b.s, at_least) = (least(cardinality(a.e), cardinality(b.e)) > 0 AND shared / either::float >= at_least)) AS exact
FROM few a, few b, (VALUES (0.06::float), (0.1), (0.2), (1 / 3::float), (0.5), (0.6), (2 / 3::float), (1)) v (at_least),
	LATERAL (SELECT count(*) FILTER (WHERE x = ANY (a.e)) AS shared, cardinality(a.e) + cardinality(b.e) - count(*) FILTER (WHERE x = ANY (a.e)) AS either FROM unnest(b.e) x) y
GROUP BY at_least ORDER BY at_least;
SELECT hll_similar_to(s)::text = hll_similar_to(s, 0.1)::text AS is_default FROM (SELECT hllset_of(1, 2, 3) AS s) x;

-- large sets: what is far above or below the threshold
CREATE TABLE ranges AS SELECT i, (SELECT hll_add_agg(x, 10 + i % 5) FROM generate_series(i * 500, i * 500 + 10000) x) AS s FROM generate_series(0, 60) i;
SELECT at_least, array_agg(i ORDER BY i) AS found
FROM ranges, (VALUES (0.1), (0.3), (0.6), (1)) v (at_least), (SELECT s AS q FROM ranges WHERE i = 20) y
WHERE s % hll_similar_to(q, at_least) GROUP BY at_least ORDER BY at_least;

-- the empty set is similar to nothing, and nothing to it; NULL is no row
SELECT hllset_empty() % hll_similar_to(hllset_of(1)) AS empty, hllset_of(1) % hll_similar_to(hllset_empty()) AS to_empty, hllset_empty() % hll_similar_to(hllset_empty()) AS both,
	NULL % hll_similar_to(hllset_of(1)) AS of_null, hllset_of(1) % hll_similar_to(NULL) AS to_null, hllset_of(1) % hll_similar_to(hllset_of(1), NULL) AS by_null;

-- the type: text and binary forms, as a parameter, in a column
SELECT hll_similar_to(hllset_of(1, 2, 3), 0.25);
SELECT hllset_of(1, 2, 3) % '\x04' AS never;
SELECT hllset_of(1, 2, 3) % '\x010400010000000000000000' AS never;
SELECT hllset_of(1, 2, 3) % '\x01040001000000000000d03fb55e0300' AS untyped, hllset_of(4) % '\x01040001000000000000D03Fb55e0300' AS no;
PREPARE find(hllsimilar) AS SELECT array_agg(n ORDER BY n) FROM few WHERE s % $1;
EXECUTE find(hll_similar_to(hllset_of(1, 2, 3), 0.75));
CREATE TABLE watch (name text, q hllsimilar);
INSERT INTO watch SELECT 'few ' || at_least, hll_similar_to(hllset_of(1, 2, 3), at_least) FROM (VALUES (0.7), (1)) v (at_least);
INSERT INTO watch SELECT 'range', hll_similar_to(s, 0.5) FROM ranges WHERE i = 7;
\setenv file `mktemp`
\copy watch TO PROGRAM 'cat >"$file"' (FORMAT binary)
\copy watch FROM PROGRAM 'cat "$file"' (FORMAT binary)
\copy watch TO PROGRAM 'cat >"$file"'
\copy watch FROM PROGRAM 'cat "$file"'
\! rm "$file"
SELECT name, count(*), count(DISTINCT q::text) AS distinct, bool_and(q::text::hllsimilar::text = q::text) AS same FROM watch GROUP BY name ORDER BY name;
SELECT name, count(*) FROM few JOIN (SELECT DISTINCT ON (name) name, q FROM watch) w ON s % q GROUP BY name ORDER BY name;

-- the index: the same rows as a scan, whatever is asked
CREATE TABLE indexed AS
SELECT i, (SELECT hll_add_agg(x, 10 + i % 5) FROM generate_series(i * 40, i * 40 + (array[1, 5, 40, 70, 300, 3000])[1 + i % 6]) x) AS s FROM generate_series(0, 300) i;
INSERT INTO indexed SELECT 1000 + n, s FROM few;
INSERT INTO indexed VALUES (2000, NULL), (2001, hllset_empty(10)), (2002, hllset_empty(18)), (2003, hllset_of(1)::hllset(12, compact));
CREATE INDEX indexed_s ON indexed USING gin (s);
SELECT q.i, at_least, hll_similar_to(q.s, at_least) AS q INTO asked FROM indexed q, (VALUES (0.06), (0.1), (0.5), (1)) v (at_least) WHERE q.i % 9 = 0;
CREATE FUNCTION found() RETURNS TABLE (asked bigint, found bigint, digest text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT count(DISTINCT q::text), count(i.i), md5(string_agg(format('%s %s %s', a.i, at_least, i.i), ',' ORDER BY a.i, at_least, i.i)) FROM asked a, LATERAL (SELECT i FROM indexed i WHERE s % a.q OFFSET 0) i;
END $$;
SET enable_seqscan = off;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS off) SELECT * FROM indexed WHERE s % hll_similar_to(hllset_of(1), 0.5);
RESET max_parallel_workers_per_gather;
CREATE TABLE by_index AS SELECT * FROM found();
SET enable_seqscan = on;
SET enable_bitmapscan = off;
CREATE TABLE by_scan AS SELECT * FROM found();
RESET enable_bitmapscan;
SELECT asked, found, (SELECT digest FROM by_scan) = digest AS same FROM by_index;

-- errors at an insert and when the index is built name the operator class
INSERT INTO indexed VALUES (-1, hllset_empty(9));
INSERT INTO indexed SELECT -1, hll_add_agg(x)::hllset(12, compact) FROM generate_series(1, 2000) x;
INSERT INTO indexed SELECT -1, hll_add_agg(x) - hll_add_agg(x + 1000) FROM generate_series(1, 3000) x;
SELECT count(*) FROM indexed WHERE i < 0;
CREATE TABLE coarse AS SELECT hllset_empty(8) AS s;
CREATE INDEX ON coarse USING gin (s);
CREATE INDEX ON coarse USING gin (s) WHERE hll_precision(s) >= 10;
INSERT INTO coarse VALUES (hllset_of(1)), (hllset_empty(4));
SELECT count(*) FROM coarse WHERE s % hll_similar_to(hllset_of(1));

-- an index of an expression that leaves out what can't be compared, also where a bitmap is lossy, and whole pages are looked at; a partial index fails there
CREATE TABLE wide (i int, s hllset, fill text);
ALTER TABLE wide ALTER fill SET STORAGE plain;
INSERT INTO wide SELECT i, CASE i % 4 WHEN 0 THEN hllset_of(1, 2, i) WHEN 1 THEN hllset_empty(9) WHEN 2 THEN large::hllset(12, compact) ELSE large - hllset_of(1) END, repeat('x', 1900)
FROM generate_series(1, 8000) i, (SELECT hll_add_agg(x) AS large FROM generate_series(1, 1500) x) y;
CREATE INDEX partial ON wide USING gin (s) WHERE i % 4 = 0;
ANALYZE wide;
SET enable_seqscan = off;
SET work_mem = '64kB';
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM wide WHERE s % hll_similar_to(hllset_of(1, 2), 0.5) AND i % 4 = 0;
DROP INDEX partial;
CREATE INDEX ON wide USING gin ((CASE WHEN hll_kind(s) = 'set' AND hll_precision(s) >= 10 AND (hll_info(s) ->> 'level0')::int < 32 THEN s END));
SELECT count(*) FROM wide WHERE (CASE WHEN hll_kind(s) = 'set' AND hll_precision(s) >= 10 AND (hll_info(s) ->> 'level0')::int < 32 THEN s END) % hll_similar_to(hllset_of(1, 2), 0.5);
SET enable_seqscan = on;
SET enable_bitmapscan = off;
SELECT count(*) FROM wide WHERE (CASE WHEN hll_kind(s) = 'set' AND hll_precision(s) >= 10 AND (hll_info(s) ->> 'level0')::int < 32 THEN s END) % hll_similar_to(hllset_of(1, 2), 0.5);
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET work_mem;
RESET max_parallel_workers_per_gather;
DROP TABLE wide;

SELECT oprname, oprleft::regtype, oprright::regtype, oprcode, oprrest, oprjoin, oprcom FROM pg_operator WHERE oprright IN ('hllsimilar'::regtype, 'hllwithin'::regtype) ORDER BY 1;
SELECT opcname, amname, opcdefault, opckeytype::regtype, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod WHERE opcintype = 'hllset'::regtype ORDER BY 1, 2;
DROP TABLE few, ranges, watch, indexed, asked, by_index, by_scan, coarse;
DROP FUNCTION found();
