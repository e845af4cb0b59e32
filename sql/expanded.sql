-- Sets that stay expanded in memory while a loop adds to them.

CREATE SCHEMA loops;
SET search_path = loops, public;

-- ---- what a loop makes is what the aggregate makes ----

CREATE FUNCTION added(count integer, p integer) RETURNS hllset LANGUAGE plpgsql AS $$
DECLARE s hllset := hllset_empty(p);
BEGIN
	FOR i IN 1..count LOOP
		s := hll_add(s, i);
	END LOOP;
	RETURN s;
END $$;

SELECT count(*) AS tried, count(*) FILTER (WHERE added(n, p) = aggregated) AS same
FROM unnest(ARRAY[1, 2, 3, 60, 1000, 5000, 40000]) n, unnest(ARRAY[4, 5, 8, 12, 14, 18]) p,
	LATERAL (SELECT hll_add_agg(i, p) AS aggregated FROM generate_series(1, n) i) a;

-- each kind of element, and more than one step at once
DO $$
DECLARE
	s hllset := hllset_empty();
BEGIN
	FOR i IN 1..3000 LOOP
		s := hll_add(hll_add(hll_add(s, i::text), hll_hash(i)), chr(65 + i % 26)::"char");
		s := hll_add(s, i::numeric / 7);
	END LOOP;
	RAISE NOTICE '%', s = (SELECT hll_add_agg(i::text) | hll_add_agg(i) | hll_add_agg(chr(65 + i % 26)::"char") | hll_add_agg(i::numeric / 7) FROM generate_series(1, 3000) i);
END $$;

-- a compact set, and a start with many elements
DO $$
DECLARE
	s hllset;
BEGIN
	SELECT hll_add_agg(i)::hllset(12, compact) INTO s FROM generate_series(1, 20000) i;
	FOR i IN 20001..21000 LOOP
		s := hll_add(s, i);
	END LOOP;
	RAISE NOTICE '%', s = (SELECT hll_add_agg(i)::hllset(12, compact) FROM generate_series(1, 21000) i);
END $$;

-- ---- unions ----

CREATE TABLE parts AS SELECT i, (SELECT hll_add_agg(j, 9 + i % 5) FROM generate_series(i * 100, i * 300) j) AS s FROM generate_series(1, 40) i;

CREATE FUNCTION united(wanted text) RETURNS hllset LANGUAGE plpgsql AS $$
DECLARE
	total hllset := hllset_empty(14);
	part record;
BEGIN
	FOR part IN EXECUTE 'SELECT * FROM parts WHERE ' || wanted || ' ORDER BY i' LOOP
		total := total | part.s;
	END LOOP;
	RETURN total;
END $$;
SELECT wanted, united(wanted) = (hllset_empty(14) | s) AS same, hll_precision(s)
FROM (SELECT 'i % 5 = 4' AS wanted, hll_union_agg(s) AS s FROM parts WHERE i % 5 = 4
	UNION ALL SELECT 'true', hll_union_agg(s) FROM parts) v;

-- what is no set makes an expression of the union, on either side
DO $$
DECLARE
	a hllset := (SELECT hll_add_agg(i) FROM generate_series(1, 30000) i);
	b hllset := (SELECT hll_add_agg(i) FROM generate_series(20001, 50000) i);
	s hllset := (SELECT hll_add_agg(i) FROM generate_series(60001, 70000) i);
BEGIN
	FOR i IN 1..5 LOOP
		s := hll_add(s, -i);
	END LOOP;
	s := s | (a & b);
	RAISE NOTICE '%, %', hll_kind(s), abs((# s) - 20005) < 1000;
	FOR i IN 1..5 LOOP
		s := hll_add(s, -100 - i);
		s := s | hllset_of(-200 - i);
	END LOOP;
	RAISE NOTICE '%, %', hll_kind(s), abs((# s) - 20015) < 1000;
END $$;

-- ---- a variable is its own value ----

DO $$
DECLARE
	s hllset := hllset_empty();
	early hllset;
	list hllset[] := '{}';
	pair record;
BEGIN
	FOR i IN 1..100 LOOP
		s := hll_add(s, i);
		IF i = 50 THEN
			early := s;
		END IF;
		IF i % 25 = 0 THEN
			list := list || s;
		END IF;
	END LOOP;
	RAISE NOTICE '%, %, %', # early, # s, (SELECT array_agg(# e) FROM unnest(list) e);
	early := hll_add(early, 1000);
	SELECT s AS one, hll_add(s, 2000) AS two, s | early AS three INTO pair;
	RAISE NOTICE '%, %, %, %, %', # s, # early, # pair.one, # pair.two, # pair.three;
	pair.one := hll_add(pair.one, 3000);
	pair.one := hll_add(pair.one, 3001);
	RAISE NOTICE '%, %, %', # s, # pair.one, s <@ pair.one;
END $$;

-- steps that read the variable more than once, in a block with an exception handler too
DO $$
DECLARE
	s hllset := hllset_empty();
	t hllset := hllset_empty();
BEGIN
	FOR i IN 1..1000 LOOP
		s := hll_add(s, (# s)::integer);
		BEGIN
			t := hll_add(t, (# t)::integer);
			t := t | hllset_of(i) | t;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
	RAISE NOTICE '%, %', s = (SELECT hll_add_agg(i) FROM generate_series(0, 999) i), t = (SELECT hll_add_agg(i) FROM generate_series(0, 1000) i);
END $$;

-- what an error ends leaves the variable as it was
DO $$
DECLARE
	s hllset := hllset_empty();
BEGIN
	FOR i IN 1..10 LOOP
		s := hll_add(s, i);
	END LOOP;
	BEGIN
		s := hll_add(hll_add(s, 11), 1 / ((# s) - 10)::integer);
	EXCEPTION WHEN division_by_zero THEN
		RAISE NOTICE '%', # s;
	END;
	s := hll_add(s, NULL::integer);
	RAISE NOTICE '%', # s;
	s := hll_add(NULL::hllset, 1);
	RAISE NOTICE '%', s;
END $$;

-- ---- every function takes what a loop has made ----

DO $$
DECLARE
	s hllset := hllset_empty();
	stored hllset := (SELECT hll_add_agg(i) FROM generate_series(1, 5000) i);
BEGIN
	FOR i IN 1..5000 LOOP
		s := hll_add(s, i);
	END LOOP;
	RAISE NOTICE '%, %, %, %', s = stored, # s = # stored, hll_digest(s) = hll_digest(stored), s::text = stored::text;
	RAISE NOTICE '%, %, %, %', s & stored = stored & s, # (s - stored), s <@ stored, hll_jaccard(stored, s);
	RAISE NOTICE '%', hll_info(s) = hll_info(stored);
	RAISE NOTICE '%, %', hll_fold(s, 10) = hll_fold(stored, 10), s::bytea = stored::bytea;
	RAISE NOTICE '%, %', hll_cardinality_bounds(s) = hll_cardinality_bounds(stored), hll_may_contain(s, 17);
	CREATE TEMP TABLE kept AS SELECT s AS value, ARRAY[s, s] AS list, (s, 1)::text AS pair;
	RAISE NOTICE '%', (SELECT value = stored AND list = ARRAY[stored, stored] AND pair = (stored, 1)::text FROM kept);
	RAISE NOTICE '%', (SELECT hll_union_agg(v) = stored FROM unnest(ARRAY[s, stored]) v);
END $$;

-- a variable with a precision and a form stays what it is
DO $$
DECLARE
	s hllset(12) := hllset_empty();
	folded hllset(10) := hllset_empty(10);
	small hllset(10, compact) := hllset_empty(10);
BEGIN
	FOR i IN 1..3000 LOOP
		s := hll_add(s, i);
		folded := folded | hllset_of(i);
		small := hll_add(small, i);
	END LOOP;
	RAISE NOTICE '%, %, %', hll_precision(s), hll_precision(folded), hll_info(small) ->> 'compact';
	RAISE NOTICE '%, %', folded = s::hllset(10), small = s::hllset(10, compact);
	s := folded;
EXCEPTION WHEN others THEN
	RAISE NOTICE '%', sqlerrm;
END $$;

-- ---- elsewhere ----

-- an aggregate of the user's, whose state is a set: hashed, sorted, as a window
CREATE AGGREGATE added_agg(anyelement) (SFUNC = hll_add, STYPE = hllset, INITCOND = '\x01010c01000000');
CREATE AGGREGATE united_agg(hllset) (SFUNC = hll_union, STYPE = hllset);
CREATE TABLE elements AS SELECT i % 7 AS part, i FROM generate_series(1, 10000) i;
SET enable_sort = off;
SELECT count(*), bool_and(a = b) AS same FROM (SELECT added_agg(i) AS a, hll_add_agg(i) AS b FROM elements GROUP BY part) v;
RESET enable_sort;
SET enable_hashagg = off;
SELECT count(*), bool_and(a = b) AS same FROM (SELECT added_agg(i) AS a, hll_add_agg(i) AS b FROM elements GROUP BY part) v;
RESET enable_hashagg;
SELECT count(*), bool_and(a = b) AS same
FROM (SELECT added_agg(i) OVER w AS a, hll_add_agg(i) OVER w AS b FROM elements WHERE i <= 200 WINDOW w AS (PARTITION BY part ORDER BY i)) v;
SELECT united_agg(s) = hll_union_agg(s) AS same, count(*) FROM parts;

-- rows that come back as rows, and as those of a recursive query
WITH RECURSIVE steps AS (
	SELECT 0 AS i, hllset_empty() AS s
	UNION ALL
	SELECT i + 1, hll_add(s, i) FROM steps WHERE i < 500)
SELECT count(*), bool_and(# s = i) AS right FROM steps;

CREATE FUNCTION running() RETURNS SETOF hllset LANGUAGE plpgsql AS $$
DECLARE s hllset := hllset_empty();
BEGIN
	FOR i IN 1..200 LOOP
		s := hll_add(s, i);
		RETURN NEXT s;
	END LOOP;
END $$;
SELECT count(*), bool_and(# s = n) AS right FROM running() WITH ORDINALITY AS r(s, n);

CREATE TABLE counters (id integer PRIMARY KEY, s hllset NOT NULL);
INSERT INTO counters VALUES (1, hllset_empty());
DO $$
DECLARE s hllset := hllset_empty();
BEGIN
	FOR i IN 1..300 LOOP
		s := hll_add(s, i);
		UPDATE counters SET s = hll_add(counters.s, i) WHERE id = 1;
		INSERT INTO counters VALUES (1, s) ON CONFLICT (id) DO UPDATE SET s = counters.s | excluded.s;
	END LOOP;
	RAISE NOTICE '%', (SELECT c.s = hll_add_agg(i) FROM counters c, generate_series(1, 300) i GROUP BY c.s);
END $$;

-- what is read twice is changed by neither
SELECT # hll_add(s, -1), # hll_add(s, -2), # (s | hllset_of(-5, -6)), # s FROM (SELECT added(10, 12) AS s OFFSET 0) q;
WITH q AS MATERIALIZED (SELECT added(10, 12) AS s) SELECT # hll_add(a.s, -1), # (b.s | hllset_of(-2)), # a.s FROM q a, q b;
SELECT CASE WHEN # s = n THEN # hll_add(s, -1) END AS more, # hll_add(largest, -1) AS of_window, # s AS n, # largest AS largest
FROM (SELECT s, n, last_value(s) OVER (ORDER BY n ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS largest
	FROM (SELECT n, added(n, 12) AS s FROM generate_series(10, 12) n OFFSET 0) q) w;
SELECT # hll_add(u, -1), # hll_add(u, -2), # u FROM (SELECT hll_union_agg(added(n, 12)) AS u FROM generate_series(10, 12) n) q;

-- what a step has replaced is gone
DO $$
DECLARE s hllset := hllset_empty();
BEGIN
	FOR i IN 1..20000 LOOP
		s := hll_add(s, i) | hllset_of(-i);
	END LOOP;
	RAISE NOTICE '%', (SELECT count(*) <= 2 FROM pg_backend_memory_contexts WHERE name = 'expanded hllset');
END $$;

SET client_min_messages = warning;
DROP SCHEMA loops CASCADE;
