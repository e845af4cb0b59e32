-- Elements that wait on their way into the groups of a hash table arrive, whatever the plan does with it.
CREATE TABLE visit AS SELECT i AS id, i * 7919 % 5003 AS g, i % 7 AS h, i * 31 % 20011 AS x, 'user ' || i * 31 % 20011 AS t FROM generate_series(0, 39999) i;
ANALYZE visit;
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION uses_hash(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		IF line ~ 'HashAggregate|MixedAggregate' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END $$;
-- The digest of all rows with a hash table, and whether it is that of a sorted plan.
CREATE FUNCTION same_if_sorted(query text) RETURNS TABLE (hashed boolean, sorted boolean, rows bigint, same boolean) LANGUAGE plpgsql AS $$
DECLARE digest text := format('SELECT count(*), md5(string_agg(y::text, E''\n'' ORDER BY y::text)) FROM (%s) y', query);
	hash_digest text; sort_digest text;
BEGIN
	SET LOCAL enable_sort = off;
	hashed := uses_hash(query);
	EXECUTE digest INTO rows, hash_digest;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_hashagg = off;
	sorted := NOT uses_hash(query);
	EXECUTE digest INTO rows, sort_digest;
	SET LOCAL enable_hashagg = on;
	same := hash_digest = sort_digest;
	RETURN NEXT;
END $$;

SELECT * FROM same_if_sorted('SELECT g, hll_add_agg(x) AS s FROM visit GROUP BY g');
SELECT * FROM same_if_sorted('SELECT h, hll_add_agg(x) AS s, approx_count_distinct(x) AS n FROM visit GROUP BY h');
SELECT * FROM same_if_sorted('SELECT g, hll_add_agg(t, 10) AS s, hll_add_agg(x) FILTER (WHERE h > 2) AS f, hll_add_agg(ARRAY[x, h]) AS a, hll_add_agg(ROW(x, t)) AS c FROM visit GROUP BY g');
-- with a precision, which may be another one for each aggregate
SELECT * FROM same_if_sorted('SELECT g, hll_add_agg(x, 10) AS s, hll_add_agg(h, 14) AS t FROM visit GROUP BY g');
SELECT * FROM same_if_sorted('SELECT g, h, hll_add_agg(x) AS s FROM visit GROUP BY GROUPING SETS ((g), (h), (g, h))');
-- NULL is no element; a group of nothing else is empty
SELECT * FROM same_if_sorted('SELECT g, hll_add_agg(nullif(x, id % 3)) AS s, hll_add_agg(NULL::text) AS none FROM visit GROUP BY g');

-- a hash table that is written out and read again
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT * FROM same_if_sorted('SELECT g, hll_add_agg(x) AS s, approx_count_distinct(t) AS n FROM visit GROUP BY g');
RESET hash_mem_multiplier;
RESET work_mem;

-- a hash table that is made again for each outer row
SET enable_sort = off;
SELECT uses_hash('SELECT v, (SELECT sum(# s) FROM (SELECT hll_add_agg(x + v) AS s FROM visit WHERE h <> v AND g < 1000 GROUP BY g OFFSET 0) z) FROM generate_series(0, 4) v');
SELECT v, (SELECT sum(# s) FROM (SELECT hll_add_agg(x + v) AS s FROM visit WHERE h <> v AND g < 1000 GROUP BY g OFFSET 0) z) AS sum,
	(SELECT count(*) FROM (SELECT DISTINCT g, x FROM visit WHERE h <> v AND g < 1000) z) AS exact FROM generate_series(0, 4) v;
SELECT v, (SELECT count(*) FROM (SELECT hll_add_agg(id) FROM visit WHERE h = v GROUP BY g OFFSET 0) z) FROM (VALUES (1), (2), (1)) w (v);
-- one that is given up half-way
BEGIN;
DECLARE c CURSOR FOR SELECT # hll_add_agg(x) > 0 AS some FROM visit GROUP BY g;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
DO $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		BEGIN
			PERFORM hll_add_agg(x / (id - 30000 - i)) FROM visit GROUP BY g;
		EXCEPTION WHEN division_by_zero THEN
			RAISE NOTICE 'half-way';
		END;
	END LOOP;
END $$;
SELECT count(*), sum(# s) FROM (SELECT hll_add_agg(x) AS s FROM visit GROUP BY g) y;
RESET enable_sort;

-- final functions more than once for one state, and a window, which has no hash table
SELECT * FROM same_if_sorted('SELECT g, # hll_add_agg(x) AS a, hll_add_agg(x) AS b, hll_add_agg(x)::bytea AS c FROM visit GROUP BY g');
SELECT count(*), sum(n) FROM (SELECT # hll_add_agg(x) OVER (PARTITION BY g ORDER BY id) AS n FROM visit WHERE g < 100) y;
