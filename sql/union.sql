-- hll_union_agg over expressions and samples, beside sets.

CREATE TABLE day AS
SELECT d, hll_add_agg(x, 11) AS s FROM generate_series(1, 20) d, generate_series(1, 20000) x WHERE (x * 7919) % 20011 BETWEEN d * 500 AND d * 500 + 4999 GROUP BY d;
CREATE TABLE value (id serial, f text, s hllset);
INSERT INTO value (f, s) SELECT 'expressions', a.s - b.s FROM day a JOIN day b ON b.d = a.d + 5 WHERE a.d <= 3;
INSERT INTO value (f, s) SELECT 'many expressions', a.s & b.s FROM day a JOIN day b ON b.d = a.d + 5;
INSERT INTO value (f, s) SELECT 'mixed', CASE d % 2 WHEN 0 THEN s ELSE s & lead END FROM (SELECT d, s, lead(s) OVER (ORDER BY d) AS lead FROM day) x WHERE d BETWEEN 2 AND 4;
INSERT INTO value (f, s) SELECT 'mixed precisions', hll_fold(s, 11 - (id % 3)::int) FROM value WHERE f = 'mixed' ORDER BY id;
INSERT INTO value (f, s) SELECT 'samples', hll_intersect_agg(s) OVER (ORDER BY d ROWS 7 PRECEDING) FROM day ORDER BY d;
INSERT INTO value (f, s) SELECT 'sets', s FROM day;
INSERT INTO value (f, s) SELECT 'parts', v FROM (SELECT a.s AS a, b.s AS b FROM day a, day b WHERE a.d = 1 AND b.d = 2) x, LATERAL (VALUES (a & b), (a - b)) y (v);
-- the empty set in every precision and form, alone and beside the others
CREATE TABLE nothing AS SELECT s FROM generate_series(4, 18) p, LATERAL (VALUES (hllset_empty(p)), (set_bit(hllset_empty(p)::bytea, 12, 1)::hllset)) v (s);
INSERT INTO value (f, s) SELECT v.* FROM nothing, LATERAL (VALUES ('empty', s), ('empty and sets', s), ('empty and small', s), ('empty and expressions', s), ('empty and samples', s)) v (f, s);
INSERT INTO value (f, s) SELECT 'empty compact', s FROM nothing WHERE (hll_info(s) -> 'compact')::bool AND hll_precision(s) BETWEEN 7 AND 10;
INSERT INTO value (f, s) SELECT 'empty and sets', s FROM day;
INSERT INTO value (f, s) SELECT 'empty and small', hllset_of(d)::hllset(8, compact) FROM day;
INSERT INTO value (f, s) SELECT 'empty and ' || f, s FROM value WHERE f IN ('expressions', 'samples');
INSERT INTO value (f, s) SELECT f, NULL FROM value GROUP BY f;
ANALYZE value;
CREATE FUNCTION holds(f text, x int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE f
		WHEN 'expressions' THEN x BETWEEN 500 AND 3999
		WHEN 'many expressions' THEN x BETWEEN 3000 AND 12499
		WHEN 'mixed' THEN x BETWEEN 1000 AND 6999
		WHEN 'mixed precisions' THEN x BETWEEN 1000 AND 6999
		WHEN 'samples' THEN x BETWEEN 500 AND 11499
		WHEN 'sets' THEN x BETWEEN 500 AND 14999
		WHEN 'empty' THEN false
		WHEN 'empty compact' THEN false
		WHEN 'empty and sets' THEN x BETWEEN 500 AND 14999
		WHEN 'empty and small' THEN x <= 20
		WHEN 'empty and expressions' THEN x BETWEEN 500 AND 3999
		WHEN 'empty and samples' THEN x BETWEEN 500 AND 11499
		ELSE x BETWEEN 500 AND 5499
	END
$$;
CREATE VIEW united AS SELECT f, hll_union_agg(s) AS s FROM value GROUP BY f;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE expected AS TABLE united;
SELECT f, hll_kind(s), hll_precision(s), hll_info(s) ->> 'sources' AS sources FROM expected ORDER BY f;
-- the count is right, whatever kind the result is
SELECT f, (SELECT count(*) FROM generate_series(1, 20000) x WHERE holds(f, CASE f WHEN 'empty and small' THEN x ELSE (x * 7919) % 20011 END)) BETWEEN lower AND upper AS right_count, hll_relative_error(s) < 0.2 AS precise FROM expected, hll_cardinality_bounds(s, 0.9999) ORDER BY f;
SELECT s = (SELECT s FROM day WHERE d = 1) AS parts FROM expected WHERE f = 'parts';
SELECT s = (SELECT (a.s - b.s) | c.s FROM day a, day b, day c WHERE a.d = 1 AND b.d = 2 AND c.d = 3) AS operators FROM (SELECT hll_union_agg(v) AS s FROM day a, day b, day c, LATERAL (VALUES (c.s), (NULL), (a.s - b.s)) x (v) WHERE a.d = 1 AND b.d = 2 AND c.d = 3) y;
SELECT hll_union_agg(s) = s AS one FROM (SELECT a.s & b.s AS s FROM day a, day b WHERE a.d = 1 AND b.d = 2) x GROUP BY s;
SELECT hll_union_agg(s) IS NULL AS no_rows, (SELECT hll_union_agg(s) IS NULL FROM value WHERE s IS NULL) AS only_nulls FROM value WHERE false;
-- what the operator makes of them one by one
CREATE AGGREGATE by_operator(hllset) (SFUNC = hll_union, STYPE = hllset);
SELECT u.f, bool_and(u.s = e.s) AS same FROM expected e JOIN (SELECT f, by_operator(s ORDER BY id) AS s FROM value GROUP BY f UNION ALL SELECT f, by_operator(s ORDER BY id DESC) FROM value GROUP BY f) u USING (f)
WHERE f ~ 'empty|sets' AND f !~ 'samples' GROUP BY u.f ORDER BY u.f;
SELECT e.f, e.s = w.s AS no_trace FROM expected e JOIN expected w ON e.f = 'empty and ' || w.f ORDER BY e.f;
SELECT s = hllset_empty(18) AS finest FROM expected WHERE f = 'empty';
SELECT s = hllset_empty()::hllset(10, compact) AS finest FROM expected WHERE f = 'empty compact';
SELECT count(*), count(*) FILTER (WHERE moving IS DISTINCT FROM (SELECT by_operator(w.s) FROM value w WHERE w.f = x.f AND w.id BETWEEN x.id - 3 AND x.id + 1)) AS wrong,
	count(*) FILTER (WHERE others IS DISTINCT FROM (SELECT by_operator(w.s) FROM value w WHERE w.f = x.f AND w.id < x.id)) AS wrong_so_far
FROM (SELECT f, id, hll_union_agg(s) OVER (PARTITION BY f ORDER BY id RANGE BETWEEN 3 PRECEDING AND 1 FOLLOWING) AS moving,
	hll_union_agg(s) OVER (PARTITION BY f ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS others FROM value WHERE f ~ 'empty' AND f !~ 'samples|expressions') x;
-- with few sources every plan gives the same bytes; beyond, the same count within the error
CREATE FUNCTION agree(a hllset, b hllset) RETURNS boolean LANGUAGE sql AS $$
	SELECT a = b OR hll_kind(b) = 'sample' AND abs((# a) - (# b)) <= 4 * ((# a) * hll_relative_error(a) + (# b) * hll_relative_error(b))
$$;
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
SELECT bool_and(agree(x.s, e.s)) AS ordered FROM (SELECT f, hll_union_agg(s ORDER BY hll_digest(s)) AS s FROM value GROUP BY f) x JOIN expected e USING (f);
SELECT bool_and(agree(x.s, e.s)) AS repeated FROM (SELECT f, hll_union_agg(s) AS s FROM value, generate_series(1, 2) GROUP BY f) x JOIN expected e USING (f);
SELECT bool_and(agree(x.s, e.s)) AS window_frame FROM (SELECT f, hll_union_agg(s) OVER (PARTITION BY f) AS s FROM value) x JOIN expected e USING (f);
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE value SET (parallel_workers = 2);
SELECT plan_has('TABLE united', 'PARTIAL hll_union_agg') AS parallel;
SELECT bool_and(agree(u.s, e.s)) AS parallel FROM united u JOIN expected e USING (f);
SET parallel_leader_participation = off;
SELECT bool_and(agree(u.s, e.s)) AS workers FROM united u JOIN expected e USING (f);
SELECT hll_union_agg(s) IS NULL AS only_nulls FROM value WHERE s IS NULL;
RESET parallel_leader_participation;
CREATE TABLE parts (LIKE value) PARTITION BY HASH (id);
SELECT format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER %s)', n, n) FROM generate_series(0, 3) n \gexec
INSERT INTO parts SELECT id + 1000 * n, f, s FROM value, generate_series(0, 9) n;
ANALYZE parts;
SET enable_partitionwise_aggregate = on;
SET cpu_tuple_cost = 10;
SET max_parallel_workers_per_gather = 0;
SELECT plan_has('SELECT f, hll_union_agg(s) FROM parts GROUP BY f', 'PARTIAL hll_union_agg') AS partition_wise;
SELECT bool_and(agree(p.s, e.s)) AS partition_wise FROM (SELECT f, hll_union_agg(s) AS s FROM parts GROUP BY f) p JOIN expected e USING (f);
RESET enable_partitionwise_aggregate;
RESET cpu_tuple_cost;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- compact sets unite without end, their expressions over six sources don't
SELECT hll_kind(hll_union_agg(v)) AS kind FROM day a JOIN day b ON b.d = a.d + 5, LATERAL (VALUES (a.s::hllset(11, compact)), (b.s - a.s)) x (v) WHERE a.d < 3;
\set VERBOSITY terse
SELECT hll_union_agg(a.s::hllset(11, compact) & b.s) FROM day a JOIN day b ON b.d = a.d + 5;

DROP VIEW united;
DROP AGGREGATE by_operator(hllset);
DROP TABLE day, value, expected, parts, nothing;
DROP FUNCTION holds(text, int), agree(hllset, hllset), plan_has(text, text);
