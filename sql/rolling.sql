-- Unions over windows that move, each compared with the union of the same rows without a window.

CREATE SCHEMA rolling;
SET search_path = rolling, public;

-- days of different sizes, some of them NULL, with few and with many elements in common
CREATE TABLE days AS
SELECT day, day % 3 AS shop, CASE WHEN day % 11 <> 0 THEN s END AS s
FROM generate_series(1, 120) day, LATERAL (SELECT hll_add_agg(x, 10) AS s FROM generate_series(day * 50, day * 50 + 20 * (day % 40)) x) v;

-- windows FRAME of the rows that WANTED leaves: how many, how many are empty, and whether all agree with a join
CREATE FUNCTION agree(frame text, span text, wanted text DEFAULT 'true') RETURNS TABLE (windows bigint, empty bigint, same boolean) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('
		WITH moved AS (
			SELECT shop, day, hll_union_agg(s) FILTER (WHERE %3$s) OVER (PARTITION BY shop ORDER BY day %1$s) AS s FROM days)
		SELECT count(*), count(*) FILTER (WHERE m.s IS NULL), bool_and(m.s IS NOT DISTINCT FROM
			(SELECT hll_union_agg(d.s) FILTER (WHERE %3$s) FROM days d WHERE d.shop = m.shop AND %2$s))
		FROM moved m', frame, span, wanted);
END $$;

SELECT * FROM agree('RANGE 18 PRECEDING', 'd.day BETWEEN m.day - 18 AND m.day');
SELECT * FROM agree('ROWS 6 PRECEDING', 'd.day BETWEEN m.day - 18 AND m.day');
SELECT * FROM agree('GROUPS 2 PRECEDING', 'd.day BETWEEN m.day - 6 AND m.day');
SELECT * FROM agree('ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING', 'd.day BETWEEN m.day - 6 AND m.day + 9');
SELECT * FROM agree('ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', 'd.day >= m.day');
SELECT * FROM agree('ROWS BETWEEN 5 PRECEDING AND 3 PRECEDING', 'd.day BETWEEN m.day - 15 AND m.day - 9');
SELECT * FROM agree('ROWS BETWEEN CURRENT ROW AND CURRENT ROW', 'd.day = m.day');
SELECT * FROM agree('ROWS 6 PRECEDING EXCLUDE CURRENT ROW', 'd.day BETWEEN m.day - 18 AND m.day - 1');

-- rows that are filtered out come and go without a trace
ALTER TABLE days ADD kept boolean;
UPDATE days SET kept = day % 7 < 4;
SELECT * FROM agree('ROWS 4 PRECEDING', 'd.day BETWEEN m.day - 12 AND m.day', 'kept');

-- values of all forms and precisions
CREATE TABLE before AS SELECT * FROM days;
UPDATE days SET s = CASE day % 5 WHEN 0 THEN s::hllset(10, compact) WHEN 1 THEN hll_fold(s, 8) WHEN 2 THEN hllset_of(day) ELSE s END;
SELECT * FROM agree('ROWS 6 PRECEDING', 'd.day BETWEEN m.day - 18 AND m.day');
SELECT * FROM agree('ROWS 20 PRECEDING', 'd.day BETWEEN m.day - 60 AND m.day');

-- among values that are no sets everything is united anew
UPDATE days SET s = b.s FROM before b WHERE b.day = days.day;
UPDATE days SET s = s & (SELECT hll_add_agg(x, 10) FROM generate_series(1, 3000) x) WHERE day % 10 = 3;
SELECT hll_kind(s), count(*) FROM days GROUP BY 1 ORDER BY 1;
SELECT * FROM agree('ROWS 2 PRECEDING', 'd.day BETWEEN m.day - 6 AND m.day');
SELECT * FROM agree('ROWS 6 PRECEDING', 'd.day BETWEEN m.day - 18 AND m.day');

-- and windows that are larger than work_mem are not kept
TRUNCATE days;
INSERT INTO days SELECT day, 0, s FROM generate_series(1, 200) day, LATERAL (SELECT hll_add_agg(x, 10) AS s FROM generate_series(day * 100, day * 100 + 3000) x) v;
SET work_mem = '64kB';
SELECT * FROM agree('ROWS 9 PRECEDING', 'd.day BETWEEN m.day - 9 AND m.day');
SELECT * FROM agree('ROWS 99 PRECEDING', 'd.day BETWEEN m.day - 99 AND m.day');
RESET work_mem;
SELECT * FROM agree('ROWS 99 PRECEDING', 'd.day BETWEEN m.day - 99 AND m.day');

-- what the windows hold is bounded by work_mem, and gone with them
SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE '%hllset rolling%';

-- nor does it grow with the rows that have passed
SELECT count(s), max(bytes) > 0 AS seen, max(bytes) < 300000 AS bounded
FROM (SELECT hll_union_agg(d.s) OVER (ORDER BY n, d.day ROWS 2 PRECEDING) AS s,
		CASE WHEN n = 5 AND d.day = 199 THEN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name ~ 'WindowAgg|hllset rolling' AND d.day > 0) END AS bytes
	FROM days d, generate_series(1, 5) n) v;

-- several at once
SELECT bool_and(week = hll_union(three, week)) AS week_has_three, bool_and(# week >= # three) AS is_larger
FROM (SELECT hll_union_agg(s) OVER (ORDER BY day ROWS 6 PRECEDING) AS week, hll_union_agg(s) OVER (ORDER BY day ROWS 2 PRECEDING) AS three FROM days) v;

SET client_min_messages = warning;
DROP SCHEMA rolling CASCADE;
