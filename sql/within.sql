-- Sets that contain a part of one: hll_within, type hllwithin, operator %> and its index.

-- small sets: the share of the query's elements, exactly
CREATE TABLE few AS
SELECT n, e, hllset_of(VARIADIC e) AS s
FROM (SELECT n, ARRAY(SELECT x FROM generate_series(1, 7) x WHERE n >> (x - 1) & 1 = 1) AS e FROM generate_series(0, 127) n) y;
SELECT at_least, count(*) FILTER (WHERE a.s %> hll_within(b.s, at_least)) AS found,
	bool_and(a.s %> hll_within(b.s, at_least) = (cardinality(b.e) > 0 AND shared / greatest(cardinality(b.e), 1)::float >= at_least)) AS exact
FROM few a, few b, (VALUES (0.06::float), (0.1), (0.2), (1 / 3::float), (0.5), (0.6), (2 / 3::float), (1)) v (at_least),
	LATERAL (SELECT count(*) FILTER (WHERE x = ANY (a.e)) AS shared FROM unnest(b.e) x) y
GROUP BY at_least ORDER BY at_least;
SELECT hll_within(s)::text = hll_within(s, 0.5)::text AS is_default FROM (SELECT hllset_of(1, 2, 3) AS s) x;

-- large sets: parts of several sizes of one, at several precisions; those far below the threshold are not found
CREATE TABLE part AS
SELECT p, n, inside, (SELECT hll_add_agg(CASE WHEN x <= n * inside THEN x ELSE -x END, p) FROM generate_series(1, n) x) AS s
FROM (VALUES (12), (13), (18)) v (p), (VALUES (100), (1000), (5000), (40000)) w (n), (VALUES (0::float), (0.2), (0.8), (1)) u (inside);
CREATE TABLE whole AS SELECT p, (SELECT hll_add_agg(x, p) FROM generate_series(1, 60000) x) AS s FROM (VALUES (12), (14), (18)) v (p);
SELECT n, inside, count(*), count(*) FILTER (WHERE whole.s %> hll_within(part.s)) AS found FROM part, whole GROUP BY n, inside ORDER BY n, inside;
-- at every precision the same
SELECT n, inside, count(DISTINCT hll_within(s)::text) AS queries FROM part GROUP BY n, inside ORDER BY n, inside;

-- the empty set is contained in nothing that can be seen, and contains nothing; NULL is no row
SELECT hllset_empty() %> hll_within(hllset_of(1)) AS empty, hllset_of(1) %> hll_within(hllset_empty()) AS of_empty, hllset_empty() %> hll_within(hllset_empty()) AS both,
	NULL %> hll_within(hllset_of(1)) AS in_null, hllset_of(1) %> hll_within(NULL) AS of_null, hllset_of(1) %> hll_within(hllset_of(1), NULL) AS by_null;

-- the type: text and binary forms, as a parameter, in a column
SELECT hll_within(hllset_of(1, 2, 3), 0.25);
SELECT hllset_of(1, 2, 3) %> '\x010500010000000000000000' AS never;
PREPARE find(hllwithin) AS SELECT array_agg(n ORDER BY n) FROM few WHERE s %> $1;
EXECUTE find(hll_within(hllset_of(1, 2, 3), 1));
CREATE TABLE watch AS SELECT 'few' AS name, hll_within(hllset_of(1, 2, 3), 0.7) AS q UNION ALL SELECT 'part', hll_within(s, 0.5) FROM part WHERE p = 12 AND n = 40000 AND inside = 1;
\setenv file `mktemp`
\copy watch TO PROGRAM 'cat >"$file"' (FORMAT binary)
\copy watch FROM PROGRAM 'cat "$file"' (FORMAT binary)
\copy watch TO PROGRAM 'cat >"$file"'
\copy watch FROM PROGRAM 'cat "$file"'
\! rm "$file"
SELECT name, count(*), count(DISTINCT q::text) AS distinct, bool_and(q::text::hllwithin::text = q::text) AS same FROM watch GROUP BY name ORDER BY name;

-- the index: the same rows as a scan, whatever is asked, and it looks at no row again
CREATE TABLE indexed AS
SELECT i, (SELECT hll_add_agg(x, 12 + i % 5) FROM generate_series(i * 40, i * 40 + (array[1, 5, 40, 70, 300, 3000, 30000])[1 + i % 7]) x) AS s FROM generate_series(0, 300) i;
INSERT INTO indexed SELECT 1000 + n, s FROM few;
INSERT INTO indexed VALUES (2000, NULL), (2001, hllset_empty(12)), (2002, hllset_empty(18)), (2003, hllset_of(1)::hllset(12, compact));
CREATE INDEX indexed_s ON indexed USING gin (s hllset_contain_ops);
SELECT q.i, at_least, hll_within(q.s, at_least) AS q INTO asked FROM indexed q, (VALUES (0.06), (0.2), (0.5), (1)) v (at_least) WHERE q.i % 9 = 0;
CREATE FUNCTION found() RETURNS TABLE (asked bigint, found bigint, digest text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT count(DISTINCT q::text), count(i.i), md5(string_agg(format('%s %s %s', a.i, at_least, i.i), ',' ORDER BY a.i, at_least, i.i)) FROM asked a, LATERAL (SELECT i FROM indexed i WHERE s %> a.q OFFSET 0) i;
END $$;
SET enable_seqscan = off;
CREATE TABLE by_index AS SELECT * FROM found();
DO $$
DECLARE
	plan text;
	looked int := 0;
	q hllwithin;
BEGIN
	FOR q IN SELECT a.q FROM asked a LOOP
		EXECUTE 'EXPLAIN (ANALYZE, TIMING off, FORMAT json) SELECT FROM indexed WHERE s %> $1' INTO plan USING q;
		ASSERT plan LIKE '%"Bitmap Index Scan"%', plan;
		ASSERT plan !~ '"Rows Removed by Index Recheck": [^0]', plan;
		looked := looked + 1;
	END LOOP;
	ASSERT looked > 100;
END $$;
SET enable_seqscan = on;
SET enable_bitmapscan = off;
CREATE TABLE by_scan AS SELECT * FROM found();
RESET enable_bitmapscan;
SELECT asked, found, (SELECT digest FROM by_scan) = digest AS same FROM by_index;

-- errors at an insert and when the index is built name the operator class
INSERT INTO indexed VALUES (-1, hllset_empty(11));
INSERT INTO indexed SELECT -1, hll_add_agg(x)::hllset(12, compact) FROM generate_series(1, 2000) x;
INSERT INTO indexed SELECT -1, hll_add_agg(x) - hll_add_agg(x + 1000) FROM generate_series(1, 3000) x;
SELECT count(*) FROM indexed WHERE i < 0;
CREATE TABLE coarse AS SELECT hllset_empty(10) AS s;
CREATE INDEX ON coarse USING gin (s hllset_contain_ops);
CREATE INDEX ON coarse USING gin (s);

DROP TABLE few, part, whole, watch, indexed, asked, by_index, by_scan, coarse;
DROP FUNCTION found();
