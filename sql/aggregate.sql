-- The aggregates: NULLs, precision, every kind of plan.

CREATE TABLE fact (id int, g int, h int, x bigint, t text);
INSERT INTO fact SELECT i, i % 10, i % 7, nullif((i::bigint * i) % 5003, 0), 'user ' || i % 997 FROM generate_series(1, 20000) i;
ANALYZE fact;
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

-- exact while small
SELECT # hll_add_agg(x) = count(DISTINCT x) AS small, # hll_add_agg(t) = count(DISTINCT t) AS text FROM fact WHERE id <= 900;
SELECT approx_count_distinct(t) = count(DISTINCT t) AS text, approx_count_distinct(g), approx_count_distinct(x, 16) = count(DISTINCT x) AS at_16,
	approx_count_distinct(x IS NULL), approx_count_distinct(ROW(g, h)), approx_count_distinct('literal'::text), approx_count_distinct('c'::"char") FROM fact;
SELECT approx_count_distinct(x) = round(# hll_add_agg(x)) AS same_state FROM fact;

-- NULL is no element: a group of NULLs is the empty set, none is NULL; as in postgresql-hll's matrix of NULLs
CREATE VIEW nulls AS SELECT 'no row' AS rows, 1 AS n, 1 AS o, NULL::int AS x, hllset_empty() AS s, NULL::hllset AS united WHERE false
UNION ALL VALUES ('a NULL', 2, 1, NULL, hllset_empty(), NULL), ('NULLs', 3, 1, NULL, hllset_empty(), NULL), ('NULLs', 3, 2, NULL, hllset_empty(), NULL),
	('a value', 4, 1, 1, hllset_of(1), hllset_of(1)), ('NULL, value', 5, 1, NULL, hllset_of(1), NULL), ('NULL, value', 5, 2, 1, hllset_of(1), hllset_of(1)),
	('value, NULL', 6, 1, 1, hllset_of(1), hllset_of(1)), ('value, NULL', 6, 2, NULL, hllset_of(1), NULL), ('values', 7, 1, 1, hllset_of(1, 2), hllset_of(1)), ('values', 7, 2, 2, hllset_of(1, 2), hllset_of(2));
SELECT rows, hll_add_agg(x ORDER BY o) = (array_agg(s))[1] AS set, hll_add_agg(x, 9 ORDER BY o) = hll_fold((array_agg(s))[1], 9) AS at_9, hll_add_agg(hll_hash(x)) = (array_agg(s))[1] AS hashes, approx_count_distinct(x) = # (array_agg(s))[1] AS count,
	hll_add_agg(x) FILTER (WHERE x IS NOT NULL) IS NOT DISTINCT FROM nullif((array_agg(s))[1], hllset_empty()) AS filtered, hll_add_agg(x) FILTER (WHERE false) IS NULL AS none,
	hll_union_agg(united) IS NOT DISTINCT FROM nullif((array_agg(s))[1], hllset_empty()) AS union, hll_intersect_agg(united) IS NULL = (count(united) = 0) AS intersection, hll_union_agg(coalesce(united, hllset_empty(18))) = (array_agg(s))[1] AS with_empties
FROM nulls GROUP BY rows, n ORDER BY n;
SELECT hll_add_agg(x) IS NULL AS set, hll_add_agg(x, 9) IS NULL AS at_9, approx_count_distinct(x) AS count, approx_count_distinct(x, 9) AS count_9, hll_union_agg(s) IS NULL AS union, hll_intersect_agg(s) IS NULL AS intersection FROM nulls WHERE n = 1;
SELECT hll_add_agg(x) IS NULL AS set, approx_count_distinct(x) AS count FROM nulls WHERE n = 1 GROUP BY GROUPING SETS (());
SELECT count(*), bool_and(a = b) AS window FROM (SELECT hll_add_agg(x) OVER w AS a, hll_union_agg(coalesce(united, hllset_empty())) OVER w AS b FROM nulls WINDOW w AS (PARTITION BY n ORDER BY o ROWS 1 PRECEDING)) w;
SELECT hll_add_agg(x) = hll_add_agg(x) FILTER (WHERE x IS NOT NULL) AS ignored FROM fact;
-- an upsert of a batch whose elements are all NULL leaves the stored set as it is
CREATE TABLE kept (k int PRIMARY KEY, s hllset(12) NOT NULL DEFAULT hllset_empty(), t hllset(14) NOT NULL DEFAULT hllset_empty());
INSERT INTO kept (k, s) VALUES (1, hllset_of(1, 2, 3)), (2, hllset_of(4));
INSERT INTO kept AS k (k, s) SELECT k, hll_add_agg(x) FROM (VALUES (1, NULL::int), (1, NULL), (2, 5), (2, NULL), (3, NULL)) v (k, x) GROUP BY k ON CONFLICT (k) DO UPDATE SET s = k.s | excluded.s;
SELECT k, # s, # t, hll_precision(t) FROM kept ORDER BY k;
DROP TABLE kept;

-- precision: one value for all rows of a group, and no column
SELECT hll_precision(hll_add_agg(x)), hll_precision(hll_add_agg(x, 4)), hll_precision(hll_add_agg(x, 18)) FROM fact;
SELECT bool_and((SELECT hll_add_agg(x, p) FROM fact) = (SELECT hll_fold(hll_add_agg(x, 18), p) FROM fact)) AS fold FROM generate_series(4, 18) p;
SELECT hll_precision(hll_add_agg(x, 3 * 3)), hll_precision(hll_add_agg(x, '9')), hll_precision(hll_add_agg(x, 9::smallint)), hll_precision(hll_add_agg(x, (SELECT max(9)))), hll_precision(hll_add_agg(x, length(current_setting('server_version')) * 0 + 9)) FROM fact;
PREPARE at(int) AS SELECT hll_precision(hll_add_agg(x, $1)) FROM fact;
EXECUTE at(9);
SET plan_cache_mode = force_generic_plan;
EXECUTE at(10);
RESET plan_cache_mode;
CREATE FUNCTION refused(query text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query INTO message;
	state := 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
CREATE FUNCTION refusals(suffix text) RETURNS TABLE (argument text, state text, message text) LANGUAGE sql AS $$
	SELECT argument, string_agg(DISTINCT o.state, ', '), string_agg(DISTINCT o.message, ', ') FROM unnest('{g,g + 4,12 + 0 * g,(SELECT g),(SELECT max(f.g) FROM fact f WHERE f.id = fact.id),"coalesce(g, 12)","NULL",NULL::int,3,19,-1,2147483647,(random() * 14)::int + 4}'::text[]) WITH ORDINALITY a (argument, n),
		unnest('{"hll_add_agg(x, %s)","approx_count_distinct(x, %s)","hll_add_agg(nullif(x, x), %s)","hll_add_agg(hll_hash(x), %s)","hll_add_agg(ARRAY[x], %s)"}'::text[]) c (call),
		refused(format('SELECT ' || call || suffix, argument)) o GROUP BY argument, n ORDER BY n $$;
SELECT * FROM refusals(' FROM fact');
SELECT hint FROM unnest('{g,"NULL",3}'::text[]) a (argument), refused(format('SELECT approx_count_distinct(x, %s) FROM fact', argument));
-- so it is in each plan; and a column by which the rows are grouped is one too
SELECT plan, count(*) AS arguments, count(*) FILTER (WHERE state IN ('22023', '22004')) AS refused FROM unnest('{" FROM fact GROUP BY h"," FROM fact GROUP BY g"," FROM (SELECT * FROM fact OFFSET 0) fact"," FILTER (WHERE id > 10) FROM fact"," OVER (ORDER BY id ROWS 3 PRECEDING) FROM fact",
	" OVER () FROM fact"," FROM fact GROUP BY ROLLUP (g, h)"}'::text[]) plan, refusals(plan) GROUP BY plan ORDER BY plan COLLATE "C";
SELECT hll_precision(hll_add_agg(x, 10)) AS ten, hll_precision(hll_add_agg(x, 11)) AS eleven, count(DISTINCT (x, h)) = approx_count_distinct((x, h)) AS pairs FROM fact WHERE id < 1000;
-- a parameter or a constant is none, also where rows are grouped or sorted by it
PREPARE grouped(int) AS SELECT $1 AS p, hll_precision(hll_add_agg(x, $1)) FROM fact GROUP BY 1;
PREPARE in_sets(int) AS SELECT hll_precision(hll_add_agg(x, $1)) FROM fact GROUP BY ROLLUP ($1);
PREPARE in_parts(int) AS SELECT DISTINCT hll_precision(hll_add_agg(x, $1) OVER (PARTITION BY g % 2, $1 ORDER BY $1 + 0)) FROM fact WHERE id < 100;
PREPARE distinct_p(int) AS SELECT hll_precision(hll_add_agg(DISTINCT x, $1)), hll_precision(hll_add_agg(x, $1 ORDER BY x)) FROM fact;
PREPARE of_subquery(int) AS SELECT hll_precision(hll_add_agg(x, p)) FROM (SELECT x, $1 AS p FROM fact UNION ALL SELECT x, $1 FROM fact OFFSET 0) y GROUP BY p;
SET plan_cache_mode = force_generic_plan;
EXECUTE grouped(9);
EXECUTE in_sets(9);
EXECUTE in_parts(9);
EXECUTE distinct_p(9);
EXECUTE of_subquery(9);
RESET plan_cache_mode;
EXECUTE grouped(10);
EXECUTE of_subquery(10);
SET my.p = 9;
SELECT hll_precision(hll_add_agg(x, current_setting('my.p')::int)) FROM fact GROUP BY current_setting('my.p')::int;
DEALLOCATE ALL;
-- a value that comes from outside of the aggregate's rows may differ from group to group
SELECT p, (SELECT hll_precision(hll_add_agg(x, p)) FROM fact) FROM generate_series(8, 10) p;

\set VERBOSITY terse
SELECT hll_add_agg(x, 3) FROM fact;
SELECT hll_add_agg(x, 19) FROM fact;
SELECT approx_count_distinct(x, 0) FROM fact;
SELECT hll_add_agg(x, NULL) FROM fact;
\set VERBOSITY default

-- each overload is the generic function of one type
SELECT hll_add_agg(x::smallint) = hll_add_agg(hll_hash(x::smallint)) AS smallint, hll_add_agg(x::int) = hll_add_agg(hll_hash(x::int)) AS int,
	hll_add_agg(x) = hll_add_agg(hll_hash(x)) AS bigint, hll_add_agg(x::numeric / 8) = hll_add_agg(hll_hash(x::numeric / 8)) AS numeric,
	hll_add_agg(x::real / 8) = hll_add_agg(hll_hash(x::real / 8)) AS real, hll_add_agg(x::float8 / 8) = hll_add_agg(hll_hash(x::float8 / 8)) AS float8,
	hll_add_agg(t) = hll_add_agg(hll_hash(t)) AS text, hll_add_agg(t::bytea) = hll_add_agg(hll_hash(t::bytea)) AS bytea,
	hll_add_agg(md5(t)::uuid) = hll_add_agg(hll_hash(md5(t)::uuid)) AS uuid, hll_add_agg(x > 9) = hll_add_agg(hll_hash(x > 9)) AS boolean,
	hll_add_agg('2000-01-01'::date + g) = hll_add_agg(hll_hash('2000-01-01'::date + g)) AS date,
	hll_add_agg('2000-01-01'::timestamp + x * '1s'::interval) = hll_add_agg(hll_hash('2000-01-01'::timestamp + x * '1s'::interval)) AS timestamp,
	hll_add_agg('2000-01-01 00:00+00'::timestamptz + x * '1s'::interval) = hll_add_agg(hll_hash('2000-01-01 00:00+00'::timestamptz + x * '1s'::interval)) AS timestamptz,
	hll_add_agg('10.0.0.0'::inet + x) = hll_add_agg(hll_hash('10.0.0.0'::inet + x)) AS inet, hll_add_agg(to_jsonb(t)) = hll_add_agg(hll_hash(to_jsonb(t))) AS jsonb,
	hll_add_agg(x::oid) = hll_add_agg(hll_hash(x::oid)) AS oid, hll_add_agg(left(t, 1)::"char") = hll_add_agg(hll_hash(left(t, 1)::"char")) AS char
FROM fact;
SELECT hll_add_agg('10.0.0.0/8'::cidr) = hll_add_agg(hll_hash('10.0.0.0/8'::cidr)) AS cidr, hll_add_agg('pg_class'::regclass) = hll_add_agg(hll_hash('pg_class'::regclass)) AS regclass,
	hll_add_agg('ab '::char(5)) = hll_add_agg(hll_hash('ab'::text)) AS bpchar, hll_add_agg('ab'::name) = hll_add_agg(hll_hash('ab'::varchar)) AS name,
	hll_add_agg('1 day'::interval) = hll_add_agg(hll_hash('24:00'::interval)) AS other, hll_add_agg(ARRAY[1, NULL], 8) = hll_add_agg(hll_hash(ARRAY[1, NULL]), 8) AS other_p;
-- both ways with p
SELECT bool_and(a = hll_fold(b, 9)) FROM (
	SELECT hll_add_agg(x::smallint, 9) AS a, hll_add_agg(x::smallint) AS b FROM fact UNION ALL SELECT hll_add_agg(x::int, 9), hll_add_agg(x::int) FROM fact UNION ALL
	SELECT hll_add_agg(x, 9), hll_add_agg(x) FROM fact UNION ALL SELECT hll_add_agg(x::numeric, 9), hll_add_agg(x::numeric) FROM fact UNION ALL
	SELECT hll_add_agg(x::real, 9), hll_add_agg(x::real) FROM fact UNION ALL SELECT hll_add_agg(x::float8, 9), hll_add_agg(x::float8) FROM fact UNION ALL
	SELECT hll_add_agg(t, 9), hll_add_agg(t) FROM fact UNION ALL SELECT hll_add_agg(t::bytea, 9), hll_add_agg(t::bytea) FROM fact UNION ALL
	SELECT hll_add_agg(md5(t)::uuid, 9), hll_add_agg(md5(t)::uuid) FROM fact UNION ALL SELECT hll_add_agg(x > 9, 9), hll_add_agg(x > 9) FROM fact UNION ALL
	SELECT hll_add_agg('2000-01-01'::date + h, 9), hll_add_agg('2000-01-01'::date + h) FROM fact UNION ALL
	SELECT hll_add_agg('2000-01-01'::timestamp + h * '1s'::interval, 9), hll_add_agg('2000-01-01'::timestamp + h * '1s'::interval) FROM fact UNION ALL
	SELECT hll_add_agg('2000-01-01 00:00+00'::timestamptz + h * '1s'::interval, 9), hll_add_agg('2000-01-01 00:00+00'::timestamptz + h * '1s'::interval) FROM fact UNION ALL
	SELECT hll_add_agg('10.0.0.0'::inet + x, 9), hll_add_agg('10.0.0.0'::inet + x) FROM fact UNION ALL SELECT hll_add_agg(to_jsonb(t), 9), hll_add_agg(to_jsonb(t)) FROM fact UNION ALL
	SELECT hll_add_agg(x::oid, 9), hll_add_agg(x::oid) FROM fact UNION ALL SELECT hll_add_agg(left(t, 1)::"char", 9), hll_add_agg(left(t, 1)::"char") FROM fact UNION ALL
	SELECT hll_add_agg(hll_hash(x), 9), hll_add_agg(hll_hash(x)) FROM fact UNION ALL SELECT hll_add_agg(ROW(x), 9), hll_add_agg(ROW(x)) FROM fact) y;

-- FILTER, DISTINCT and ORDER BY inside, two aggregates over one argument
SELECT hll_add_agg(DISTINCT x) = hll_add_agg(x) AS distinct, hll_add_agg(x ORDER BY t DESC) = hll_add_agg(x) AS ordered, hll_add_agg(DISTINCT x, 9) = hll_add_agg(x, 9) AS distinct_9,
	# hll_add_agg(x) FILTER (WHERE x < 100) = count(DISTINCT x) FILTER (WHERE x < 100) AS filter, hll_union_agg(DISTINCT s) = hll_union_agg(s ORDER BY g) AS union
FROM fact JOIN (SELECT g, hll_add_agg(x) AS s FROM fact GROUP BY g) y USING (g);
SELECT g, # hll_add_agg(h), approx_count_distinct(h), approx_count_distinct(h, 12), # hll_add_agg(h, 12) FROM fact GROUP BY g HAVING approx_count_distinct(h) > 0 ORDER BY g LIMIT 2;

-- grouping sets, sorted, hashed and spilled
CREATE FUNCTION by_sets(OUT rows bigint, OUT wrong bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE s <> (SELECT hll_add_agg(f.x) FROM fact f WHERE f.g = coalesce(y.g, f.g) AND f.h = coalesce(y.h, f.h)))
	FROM (SELECT g, h, hll_add_agg(x) AS s FROM fact GROUP BY CUBE (g, h)) y $$;
SELECT * FROM by_sets();
SET enable_hashagg = off;
SELECT * FROM by_sets();
RESET enable_hashagg;
SELECT count(*) FROM (SELECT g, h, hll_add_agg(x) AS s FROM fact GROUP BY ROLLUP (g, h)) y;
SET work_mem = '64kB';
SET enable_sort = off;
SELECT plan_has('SELECT id % 5000, hll_add_agg(x) FROM fact GROUP BY 1', 'HashAggregate');
SELECT count(*), sum(# s) = 4 * 5000 - count(*) FILTER (WHERE # s < 4) AS exact FROM (SELECT id % 5000, hll_add_agg(id) AS s FROM fact GROUP BY 1) y;
RESET work_mem;
RESET enable_sort;

-- windows: running, moving frame, whole partition
SELECT bool_and(running = (SELECT hll_add_agg(f.x) FROM fact f WHERE f.g = 1 AND f.id <= y.id)) AS running,
	bool_and(moving IS NOT DISTINCT FROM (SELECT hll_add_agg(f.x) FROM fact f WHERE f.g = 1 AND f.id BETWEEN y.id - 40 AND y.id + 20)) AS moving,
	bool_and(whole = (SELECT hll_add_agg(f.x) FROM fact f WHERE f.g = 1)) AS whole, bool_and(count = round(# running)) AS count
FROM (SELECT id, hll_add_agg(x) OVER (ORDER BY id) AS running, hll_add_agg(x) OVER (ORDER BY id ROWS BETWEEN 4 PRECEDING AND 2 FOLLOWING) AS moving,
		hll_add_agg(x) OVER () AS whole, approx_count_distinct(x) OVER (ORDER BY id) AS count FROM fact WHERE g = 1 ORDER BY id LIMIT 300) y;
CREATE TABLE daily AS SELECT id / 500 AS day, hll_add_agg(x) AS s FROM fact GROUP BY 1;
SELECT bool_and(week = (SELECT hll_add_agg(x) FROM fact WHERE id / 500 BETWEEN day - 6 AND day)) AS rolling,
	bool_and(weak = (SELECT hll_add_agg(x) FROM fact WHERE id / 500 BETWEEN day - 6 AND day AND id / 500 <> day)
		OR weak IS NULL AND day = 0) AS excluded
FROM (SELECT day, hll_union_agg(s) OVER (ORDER BY day ROWS 6 PRECEDING) AS week,
	hll_union_agg(s) OVER (ORDER BY day ROWS 6 PRECEDING EXCLUDE CURRENT ROW) AS weak FROM daily) y;

-- union of the parts is the whole; precisions meet at the smallest; one compact set makes it compact; NULLs are skipped
SELECT hll_union_agg(s) = (SELECT hll_add_agg(x) FROM fact) AS whole FROM daily;
SELECT hll_union_agg(hll_fold(s, CASE day WHEN 7 THEN 9 ELSE 11 END)) = (SELECT hll_add_agg(x, 9) FROM fact) AS mixed FROM daily;
SELECT hll_union_agg(CASE day WHEN 7 THEN s::hllset(12, compact) WHEN 9 THEN NULL WHEN 10 THEN hllset_empty() ELSE s END)
	= (SELECT hll_add_agg(x)::hllset(12, compact) FROM fact WHERE id / 500 NOT IN (9, 10)) AS compact FROM daily;
SELECT hll_union_agg(s) = hllset_empty() AS empties FROM (VALUES (hllset_empty()), (hllset_empty(9)), (NULL)) v (s);
SELECT hll_union_agg(s) = hllset_of(1) AS unchanged FROM (VALUES (NULL), (hllset_of(1)), (NULL)) v (s);

-- parallel, partition-wise and two-level plans give the same bytes as serial ones
CREATE TABLE parts (LIKE fact) PARTITION BY HASH (g);
CREATE TABLE part_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parts SELECT * FROM fact;
ANALYZE parts;
DO $$
DECLARE
	source text;
	aggregates text := 'hll_digest(hll_add_agg(x)) AS plain, hll_digest(hll_add_agg(x, 8)) AS at_8, hll_digest(hll_add_agg(t)) AS text,
		approx_count_distinct(ARRAY[x]) AS generic, approx_count_distinct(t, 10) AS text_10, hll_add_agg(x) FILTER (WHERE x < 0) IS NULL AS none,
		approx_count_distinct(x) FILTER (WHERE x < 0) AS zero';
BEGIN
	FOREACH source IN ARRAY '{fact,parts}'::text[] LOOP
		EXECUTE format('CREATE VIEW sets_of_%1$s AS SELECT g, %2$s FROM %1$s GROUP BY g UNION ALL SELECT -h, %2$s FROM %1$s GROUP BY h UNION ALL SELECT NULL, %2$s FROM %1$s',
			source, aggregates);
	END LOOP;
END $$;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE expected AS TABLE sets_of_fact;
CREATE TABLE united AS SELECT hll_union_agg(s) AS s FROM daily;
SELECT count(*), bool_and(none) AS none, max(zero) AS zero FROM expected;
SELECT plan_has('SELECT hll_add_agg(x) FROM fact', 'Partial');
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE daily SET (parallel_workers = 2);
ALTER TABLE fact SET (parallel_workers = 2);
SELECT plan_has('SELECT hll_add_agg(x) FROM fact', 'PARTIAL hll_add_agg') AS concrete, plan_has('SELECT approx_count_distinct(ARRAY[x]) FROM fact', 'PARTIAL approx') AS counted,
	plan_has('SELECT hll_union_agg(s) FROM daily', 'PARTIAL hll_union_agg') AS united, plan_has('SELECT hll_add_agg(ARRAY[x]) FROM fact', 'Partial') AS generic;
SELECT plan_has('TABLE sets_of_fact', 'PARTIAL hll_add_agg');
TABLE sets_of_fact EXCEPT TABLE expected;
SELECT united.s = (SELECT hll_union_agg(s) FROM daily) AS united FROM united;
SET parallel_leader_participation = off;
TABLE sets_of_fact EXCEPT TABLE expected;
SELECT united.s = (SELECT hll_union_agg(s) FROM daily) AS united FROM united;
RESET parallel_leader_participation;
SELECT hll_add_agg(x) IS NULL AS no_rows, approx_count_distinct(t) FROM fact WHERE x < 0;
SELECT hll_union_agg(s) IS NULL AS only_nulls FROM (SELECT nullif(s, s) AS s FROM daily) y;
SET max_parallel_workers_per_gather = 0;
SET enable_partitionwise_aggregate = on;
SELECT plan_has('SELECT h, hll_add_agg(x) FROM parts GROUP BY h', 'PARTIAL hll_add_agg') AS partial;
TABLE sets_of_parts EXCEPT TABLE expected;
SET max_parallel_workers_per_gather = 2;
SELECT plan_has('TABLE sets_of_parts', 'PARTIAL hll_add_agg'), plan_has('TABLE sets_of_parts', 'Gather');
TABLE sets_of_parts EXCEPT TABLE expected;
SELECT h, hll_union_agg(s) = (SELECT hll_add_agg(x) FROM fact f WHERE f.h = y.h) AS two_level
FROM (SELECT g, h, hll_add_agg(x) AS s FROM parts GROUP BY g, h) y GROUP BY h ORDER BY h;
RESET enable_partitionwise_aggregate;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- so do sets that went through text or binary form on their way, as over the wire of a foreign server
SELECT hll_union_agg(s::text::hllset) = hll_union_agg(s) AS text, hll_union_agg(s::bytea::hllset) = hll_union_agg(s) AS binary FROM daily;

-- long texts, stored toasted, compressed and fresh, are the same elements
CREATE TABLE long (t text);
INSERT INTO long SELECT repeat(md5((i % 10)::text), 300) FROM generate_series(1, 500) i;
ALTER TABLE long ALTER t SET STORAGE external;
INSERT INTO long SELECT repeat(md5((i % 10)::text), 300) FROM generate_series(1, 500) i;
SELECT count(*), approx_count_distinct(t), # hll_add_agg(t), hll_add_agg(t) = hll_add_agg(repeat(substr(t, 1, 32), 300)) AS fresh FROM long;

-- what distributed engines rely on: names, one hll_union_agg, results that are sets, states that are combined
SELECT proname, count(*), bool_and(prorettype = 'hllset'::regtype) AS makes_sets, bool_and(aggtranstype = 'internal'::regtype AND aggtransspace > 0) AS internal,
	bool_and(aggcombinefn <> 0 AND aggserialfn <> 0 AND aggdeserialfn <> 0) AS combines,
	bool_and(aggfinalmodify = 'r' AND NOT aggfinalextra AND proparallel = 's' AND NOT proisstrict AND provolatile = 'i') AS properties
FROM pg_proc p JOIN pg_aggregate a ON aggfnoid = p.oid WHERE proname IN ('hll_add_agg', 'hll_union_agg', 'approx_count_distinct') GROUP BY proname ORDER BY proname;

DROP VIEW nulls;
DROP FUNCTION refused(text), refusals(text);
DROP VIEW sets_of_fact, sets_of_parts;
DROP TABLE fact, parts, daily, expected, united, long;
DROP FUNCTION plan_has(text, text), by_sets();
