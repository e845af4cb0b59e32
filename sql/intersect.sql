-- hll_intersect_agg: any number of values, the same result in every plan.

CREATE TABLE day AS
SELECT d, hll_add_agg(x) AS s FROM generate_series(1, 30) d, generate_series(1, 12000) x WHERE x <= 8000 OR x % 30 >= d GROUP BY d;
CREATE TABLE big (d int, f text, s hllset);
INSERT INTO big SELECT d, 'graded', s FROM day;
INSERT INTO big SELECT d, 'mixed', hll_fold(s, 12 - d % 3) FROM day;
INSERT INTO big SELECT d, 'small', (SELECT hll_add_agg(x, 11 + d % 2) FROM generate_series(1, 300) x WHERE x <= 200 OR x % 30 <> d) FROM day;
INSERT INTO big SELECT d, 'both', CASE WHEN d % 2 = 0 THEN s ELSE (SELECT hll_add_agg(x, 12) FROM generate_series(1, 900) x WHERE x <= 800 OR x % 30 <> d) END FROM day;
INSERT INTO big SELECT d, 'few', s FROM day WHERE d <= 6;
INSERT INTO big SELECT d, 'few compact', s::hllset(12, compact) FROM day WHERE d <= 6;
INSERT INTO big SELECT a.d, 'expressions', a.s - b.s FROM day a JOIN day b ON b.d = a.d + 15;
INSERT INTO big SELECT a.d, 'few expressions', a.s & b.s FROM day a JOIN day b ON b.d = a.d + 15 WHERE a.d <= 3;
INSERT INTO big SELECT d, 'with empty', CASE d WHEN 17 THEN hllset_empty() ELSE s END FROM day;
INSERT INTO big SELECT d, 'disjoint small', hllset_of(d, -d) FROM day;
-- the empty set in every precision and form, alone and beside the others; and small sets without a common element, of several precisions and forms
INSERT INTO big SELECT p, v.* FROM generate_series(4, 18) p, LATERAL (VALUES (hllset_empty(p)), (set_bit(hllset_empty(p)::bytea, 12, 1)::hllset)) n (s),
	LATERAL (VALUES ('empty', n.s), ('empty and few', n.s), ('empty and disjoint', n.s), ('empty and expressions', n.s)) v (f, s);
INSERT INTO big SELECT d, 'empty and few', s FROM big WHERE f = 'few compact' AND d <= 2;
INSERT INTO big SELECT a.d, 'empty and expressions', a.s - b.s FROM day a JOIN day b ON b.d = a.d + 15;
INSERT INTO big SELECT d, v.* FROM day, LATERAL (SELECT CASE d % 4 WHEN 0 THEN hllset_of(d) WHEN 1 THEN hllset_of(d, 1)::hllset(12, compact) WHEN 2 THEN hll_add(hllset_empty(14), d) ELSE hllset_of(d, 7)::hllset(9, compact) END) x (s),
	LATERAL (VALUES ('empty and disjoint', x.s), ('disjoint forms', x.s)) v (f, s);
-- repeated and NULL rows don't matter
INSERT INTO big SELECT d, f, s FROM big ORDER BY md5(d::text || f);
INSERT INTO big SELECT NULL, f, NULL FROM big WHERE d = 1;
ANALYZE big;
CREATE FUNCTION plan_has(query text, node text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS off) ' || query LOOP
		found := found OR line ~ node;
	END LOOP;
	RETURN found;
END $$;
CREATE VIEW met AS SELECT f, hll_intersect_agg(s) AS s FROM big GROUP BY f;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE expected AS TABLE met;
SELECT f, hll_kind(s), hll_precision(s), hll_info(s) ->> 'sources' AS sources, hll_info(s) ->> 'level0' = '0' AS small FROM expected ORDER BY f COLLATE "C";
-- the count: known, or within what the value says of its error
CREATE FUNCTION holds(f text, x int) RETURNS boolean LANGUAGE sql AS $$
	SELECT CASE f
		WHEN 'graded' THEN x <= 8000
		WHEN 'mixed' THEN x <= 8000
		WHEN 'few' THEN x <= 8000 OR x % 30 >= 6
		WHEN 'few compact' THEN x <= 8000 OR x % 30 >= 6
		WHEN 'few expressions' THEN x <= 8000 OR x % 30 >= 18
		WHEN 'expressions' THEN x > 8000 AND x % 30 = 15
		WHEN 'small' THEN x <= 200 OR x <= 300 AND x % 30 = 0
		WHEN 'both' THEN x <= 800 OR x <= 900 AND x % 2 = 0
		ELSE false
	END
$$;
SELECT f, CASE WHEN hll_relative_error(s) < 1e-3 THEN # s = truth ELSE abs((# s) - truth) <= 4 * hll_relative_error(s) * (# s) END AS right_count, truth
FROM expected, LATERAL (SELECT count(*) AS truth FROM generate_series(1, 12000) x WHERE holds(f, x)) y ORDER BY f COLLATE "C";
-- up to six values: what the operators make of them, so with the joint estimate; one value: itself
SELECT hll_intersect_agg(s) = (SELECT (v[1] & v[2]) & (v[3] & v[4]) FROM (SELECT array_agg(s ORDER BY d) AS v FROM day) x) AS operators FROM day WHERE d <= 4;
SELECT bool_and(s = x) AS itself FROM (SELECT s, hll_intersect_agg(s) AS x FROM big WHERE s IS NOT NULL GROUP BY s) y;
-- no rows, or only NULLs
SELECT hll_intersect_agg(s) IS NULL AS no_rows, (SELECT hll_intersect_agg(s) IS NULL FROM big WHERE s IS NULL) AS only_nulls, hll_intersect_agg(NULL::hllset) IS NULL AS literal FROM day WHERE false;

-- every plan gives the same bytes
SELECT count(*) AS ordered FROM (SELECT f, hll_intersect_agg(s ORDER BY hll_digest(s)) AS s FROM big GROUP BY f EXCEPT TABLE expected) x;
SELECT count(*) AS reversed FROM (SELECT f, hll_intersect_agg(s ORDER BY d DESC) AS s FROM big GROUP BY f EXCEPT TABLE expected) x;
SELECT count(*) AS once FROM (SELECT f, hll_intersect_agg(DISTINCT s) AS s FROM big GROUP BY f EXCEPT TABLE expected) x;
SELECT bool_and(s = (SELECT e.s FROM expected e WHERE e.f = x.f)) AS window_frame FROM (SELECT f, hll_intersect_agg(s) OVER (PARTITION BY f) AS s FROM big) x;
SELECT bool_and(s = (SELECT hll_intersect_agg(y.s) FROM day y WHERE y.d BETWEEN x.d - 7 AND x.d)) AS moving_frame FROM (SELECT d, hll_intersect_agg(s) OVER (ORDER BY d ROWS 7 PRECEDING) AS s FROM day) x;
SELECT count(*) AS grouping_sets FROM (SELECT f, hll_intersect_agg(s) AS s FROM big WHERE f NOT IN ('few compact', 'empty and few') GROUP BY ROLLUP (f) HAVING grouping(f) = 0 EXCEPT TABLE expected) x;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE big SET (parallel_workers = 2);
SELECT plan_has('TABLE met', 'PARTIAL hll_intersect_agg') AS parallel;
SELECT count(*) AS parallel FROM (TABLE met EXCEPT TABLE expected) x;
SET parallel_leader_participation = off;
SELECT count(*) AS workers FROM (TABLE met EXCEPT TABLE expected) x;
SELECT hll_intersect_agg(s) IS NULL AS only_nulls FROM big WHERE s IS NULL;
RESET parallel_leader_participation;
CREATE TABLE parts (LIKE big) PARTITION BY HASH (d);
SELECT format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER %s)', n, n) FROM generate_series(0, 3) n \gexec
INSERT INTO parts TABLE big;
ANALYZE parts;
SET enable_partitionwise_aggregate = on;
SET cpu_tuple_cost = 10;
SET max_parallel_workers_per_gather = 0;
SELECT plan_has('SELECT f, hll_intersect_agg(s) FROM parts GROUP BY f', 'PARTIAL hll_intersect_agg') AS partition_wise;
SELECT count(*) AS partition_wise FROM (SELECT f, hll_intersect_agg(s) FROM parts GROUP BY f EXCEPT TABLE expected) x;
RESET enable_partitionwise_aggregate;
RESET cpu_tuple_cost;
-- hash aggregates that spill
SET work_mem = '64kB';
SET enable_sort = off;
SELECT count(*), bool_and(# s = 1) AS exact FROM (SELECT x, hll_intersect_agg(hllset_of(x, d)) AS s FROM generate_series(101, 300) x, generate_series(1, 9) d GROUP BY x) y;
RESET work_mem;
RESET enable_sort;

-- compact sets: up to six distinct ones, in any plan; small ones without end
SELECT # hll_intersect_agg(s::hllset(11, compact)) = 204 AS exact, hll_info(hll_intersect_agg(s::hllset(11, compact))) -> 'compact' AS compact FROM big WHERE f = 'small';
\set VERBOSITY default
SELECT hll_intersect_agg(s::hllset(12, compact)) FROM day WHERE d <= 7;
\set VERBOSITY terse
SELECT hll_intersect_agg(s::hllset(12, compact) ORDER BY d DESC) FROM day;
SELECT hll_intersect_agg(CASE WHEN d = 7 THEN s::hllset(12, compact) ELSE s END) FROM day WHERE d <= 7;
SELECT hll_kind(hll_intersect_agg(s::hllset(12, compact))) FROM day, generate_series(1, 3) WHERE d <= 6;
SET max_parallel_workers_per_gather = 2;
SELECT hll_intersect_agg(s::hllset(12, compact)) FROM big WHERE f = 'graded';
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

DROP VIEW met;
DROP TABLE day, big, expected, parts;
DROP FUNCTION plan_has(text, text), holds(text, int);
