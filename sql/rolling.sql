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

-- ---- the moving aggregate against itself without moving functions, which a volatile filter keeps the server from ----

-- sets of all sizes, precisions and forms, empty ones and NULL, in partitions of 1 to 80 rows, with peers and gaps in their order
CREATE TABLE matrix AS
SELECT part, i, (i * 3 + i % 4) / 5 AS k, i % 7 < 5 AS wanted, CASE WHEN i % 11 = 7 THEN NULL WHEN form = 6 THEN s::hllset(10, compact) WHEN form = 7 THEN hll_fold(s, 5) ELSE s END AS s
FROM unnest(ARRAY[1, 2, 30, 80, 9]) WITH ORDINALITY p (rows, part), LATERAL (SELECT i, hashint4(i * 10 + part::int) & 7 AS form FROM generate_series(1, rows) i) r,
	LATERAL (SELECT coalesce(hll_add_agg(x, 10 + form % 3), hllset_empty(4 + form)) AS s
		FROM generate_series(1 + (i / 9) * 500, (i / 9) * 500 + CASE form WHEN 0 THEN 0 WHEN 1 THEN 4000 WHEN 2 THEN 1 WHEN 3 THEN 700 ELSE form * form END) x) v;
SELECT count(*), count(s), count(DISTINCT hll_precision(s)) AS precisions, count(*) FILTER (WHERE # s = 0) AS empty FROM matrix;

CREATE FUNCTION differences(frame text, argument text DEFAULT 's', wanted text DEFAULT 'true') RETURNS TABLE (windows bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('
		SELECT count(moving), count(*) FILTER (WHERE moving IS DISTINCT FROM plain)
		FROM (SELECT hll_union_agg(%2$s) FILTER (WHERE %3$s) OVER w AS moving, hll_union_agg(%2$s) FILTER (WHERE %3$s AND random() >= 0) OVER w AS plain
			FROM matrix WINDOW w AS (PARTITION BY part ORDER BY k %1$s)) v', frame, argument, wanted);
END $$;

-- every frame with these ends, and of those with an exclusion one in six
CREATE TABLE frames AS
SELECT format('%s BETWEEN %s AND %s %s', mode, f.bound, t.bound, excluded) AS frame, row_number() OVER (ORDER BY mode, f.place, t.place, excluded) AS n
FROM unnest(ARRAY['ROWS', 'RANGE', 'GROUPS']) mode,
	(VALUES (-20, '20 PRECEDING'), (-8, '8 PRECEDING'), (-1, '1 PRECEDING'), (0, 'CURRENT ROW'), (5, '5 FOLLOWING'), (-99, 'UNBOUNDED PRECEDING')) f (place, bound),
	(VALUES (-3, '3 PRECEDING'), (0, 'CURRENT ROW'), (6, '6 FOLLOWING'), (99, 'UNBOUNDED FOLLOWING')) t (place, bound),
	unnest(ARRAY['', 'EXCLUDE CURRENT ROW', 'EXCLUDE TIES', 'EXCLUDE GROUP']) excluded
WHERE f.place <= t.place;
DELETE FROM frames WHERE frame LIKE '%EXCLUDE%' AND n % 6 > 0;
SELECT count(*) AS frames, sum(windows) > 5000 AS windows, sum(different) AS different, string_agg(frame, '; ') FILTER (WHERE different > 0) FROM frames, differences(frame);
SELECT count(*) AS frames, sum(different) AS filtered FROM frames, differences(frame, 's', 'wanted') WHERE frame NOT LIKE '%EXCLUDE%';
SELECT count(*) AS frames, sum(different) AS expressions FROM frames, differences(frame, 'hll_add(hll_fold(s, least(7, hll_precision(s))), i)', 'i % 5 > 0') WHERE frame NOT LIKE '%EXCLUDE%';
SET work_mem = '64kB';
SELECT count(*) AS frames, sum(different) AS little_memory FROM frames, differences(frame);
RESET work_mem;
-- some values are no sets
UPDATE matrix SET s = s & (SELECT hll_add_agg(x, 10) FROM generate_series(1, 30000) x) WHERE i % 13 = 5;
SELECT hll_kind(s), count(*) > 5 AS some FROM matrix GROUP BY 1 ORDER BY 1;
SELECT count(*) AS frames, sum(different) AS no_sets FROM frames, differences(frame) WHERE frame NOT LIKE '%EXCLUDE%';

-- where a window does not fit nothing is kept, until one does
CREATE FUNCTION kept() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'hllset rolling values');
END $$;
CREATE TABLE parts AS
SELECT part, i, s FROM generate_series(1, 5) part, generate_series(1, 60) i, LATERAL (SELECT hll_add_agg(x) AS s FROM generate_series(i, i + CASE WHEN part % 2 = 1 THEN 4000 ELSE 5 END) x) v;
SET work_mem = '64kB';
SELECT part, kept FROM (
	SELECT part, i, hll_union_agg(s) OVER (PARTITION BY part ORDER BY i ROWS 39 PRECEDING) AS s, CASE WHEN i = 60 THEN kept() END AS kept
	FROM parts) v
WHERE i = 60 AND s IS NOT NULL ORDER BY part;
RESET work_mem;
-- nor where no value is taken out
SELECT excluded, kept FROM (
	SELECT i, hll_union_agg(s) OVER (ORDER BY i ROWS 39 PRECEDING EXCLUDE TIES) AS s, 'ties' AS excluded, CASE WHEN i = 60 THEN kept() END AS kept FROM parts WHERE part = 2
	UNION ALL
	SELECT i, hll_union_agg(s) OVER (ORDER BY i ROWS 39 PRECEDING) AS s, 'nothing' AS excluded, CASE WHEN i = 60 THEN kept() END AS kept FROM parts WHERE part = 2) v
WHERE i = 60 AND s IS NOT NULL;

-- several at once
SELECT bool_and(week = hll_union(three, week)) AS week_has_three, bool_and(# week >= # three) AS is_larger
FROM (SELECT hll_union_agg(s) OVER (ORDER BY day ROWS 6 PRECEDING) AS week, hll_union_agg(s) OVER (ORDER BY day ROWS 2 PRECEDING) AS three FROM days) v;

SET client_min_messages = warning;
DROP SCHEMA rolling CASCADE;
