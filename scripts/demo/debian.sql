-- What only the package index can show: grouping sets, a window, other types.

\qecho
\qecho == Every combination at once:
\qecho '     ' SELECT section, kind, hll_add_agg(target) FROM dependency GROUP BY CUBE (section, kind)
\qecho Distinct dependencies, exact / hllset; of the sections only the ten largest
SELECT clock_timestamp() AS t0 \gset
CREATE TABLE cube AS
SELECT section, kind, count(*) AS rows, hll_add_agg(target) AS set FROM dependency GROUP BY CUBE (section, kind);
SELECT clock_timestamp() AS t1 \gset
CREATE TABLE cube_exact AS
SELECT section, kind, count(DISTINCT target) AS count FROM dependency GROUP BY CUBE (section, kind);
SELECT clock_timestamp() AS t2 \gset

WITH shown AS (SELECT section FROM cube WHERE kind IS NULL ORDER BY rows DESC LIMIT 11)
SELECT coalesce(c.section, '(all)') AS section, coalesce(c.kind, '(all)') AS kind,
	count || ' / ' || round(# set) AS cell
FROM cube c JOIN cube_exact e ON (c.section, c.kind) IS NOT DISTINCT FROM (e.section, e.kind)
WHERE coalesce(c.section, '') IN (SELECT coalesce(section, '') FROM shown)
ORDER BY c.section, c.kind
\crosstabview section kind cell

\qecho The two answers took (ms):
SELECT count(*) AS cells, ms(:'t1', :'t2') AS exact, ms(:'t0', :'t1') AS hllset FROM cube;

\qecho == The same from stored sets: a ROLLUP that reads no row of the data
\qecho '     ' SELECT kind, hll_union_agg(set) FROM stored GROUP BY ROLLUP (kind)
CREATE TEMPORARY TABLE stored AS SELECT section, kind, set FROM cube WHERE section IS NOT NULL AND kind IS NOT NULL;
SELECT coalesce(r.kind, '(all)') AS kind, round(# r.set) AS hllset, r.set = c.set AS "same bytes as from the rows"
FROM (SELECT kind, hll_union_agg(set) AS set FROM stored GROUP BY ROLLUP (kind)) AS r
	JOIN cube c ON c.section IS NULL AND c.kind IS NOT DISTINCT FROM r.kind
ORDER BY r.kind;

INSERT INTO cell
SELECT 'dependencies, CUBE', count, # set, hll_relative_error(set),
	format('SELECT target FROM dependency WHERE (%1$L IS NULL OR section = %1$L) AND (%2$L IS NULL OR kind = %2$L)',
		c.section, c.kind)
FROM cube c JOIN cube_exact e ON (c.section, c.kind) IS NOT DISTINCT FROM (e.section, e.kind);

\qecho == A rolling union, which no count(DISTINCT) can do: what packages of this size, half of it and a quarter of it need
\qecho '     ' SELECT class, hll_union_agg(set) OVER (ORDER BY class ROWS 2 PRECEDING) FROM size_class
\qecho
-- Classes of installed size: 2^class kB and more.
CREATE TABLE sized AS
SELECT width_bucket(installed, ARRAY(SELECT 1 << i FROM generate_series(4, 20) AS i)::bigint[]) + 3 AS class, target
FROM dependency WHERE installed IS NOT NULL;
SELECT clock_timestamp() AS t0 \gset
CREATE TABLE size_class AS SELECT class, hll_add_agg(target) AS set FROM sized GROUP BY class;
CREATE TABLE rolling AS
SELECT class, hll_union_agg(set) OVER (ORDER BY class ROWS 2 PRECEDING) AS set FROM size_class;
SELECT clock_timestamp() AS t1 \gset
CREATE TABLE rolling_exact AS
SELECT class, (SELECT count(DISTINCT target) FROM sized s WHERE s.class BETWEEN c.class - 2 AND c.class) AS count
FROM size_class c;
SELECT clock_timestamp() AS t2 \gset

SELECT CASE class WHEN 3 THEN 'below 16 kB' ELSE 'from ' || pg_size_pretty(1024::bigint << class) END AS size,
	count AS exact, round(# set) AS hllset, percent((# set) / count - 1) AS "deviation %",
	percent(hll_relative_error(set)) AS "± %"
FROM rolling JOIN rolling_exact USING (class) ORDER BY class;
\qecho The two answers took (ms):
SELECT ms(:'t1', :'t2') AS exact, ms(:'t0', :'t1') AS hllset;

INSERT INTO cell
SELECT 'dependencies, rolling union', count, # set, hll_relative_error(set),
	format('SELECT target FROM sized WHERE class BETWEEN %s AND %s', class - 2, class)
FROM rolling JOIN rolling_exact USING (class);

\qecho == Any type: SELECT approx_count_distinct(x) FROM package
\qecho
CREATE TEMPORARY TABLE typed (type regtype, expression text, exact bigint, approx bigint, exact_ms numeric, approx_ms numeric);
DO
$$
DECLARE
	x text;
	t timestamptz[];
	type regtype;
	exact bigint;
	approx bigint;
	error double precision;
BEGIN
	FOREACH x IN ARRAY ARRAY['package', 'maintainer', 'version', 'installed', 'size', 'size / 1024.0', 'sqrt(size)',
		'md5', 'sha256', 'size > 100000', 'string_to_array(package, ''-'')', 'jsonb_build_object(section, maintainer)',
		'ROW(section, maintainer)']
	LOOP
		t[1] := clock_timestamp();
		EXECUTE format('SELECT count(DISTINCT %s) FROM package', x) INTO exact;
		t[2] := clock_timestamp();
		EXECUTE format('SELECT approx_count_distinct(%s) FROM package', x) INTO approx;
		t[3] := clock_timestamp();
		EXECUTE format('SELECT hll_relative_error(hll_add_agg(%1$s)), min(pg_typeof(%1$s)::oid) FROM package', x)
			INTO error, type;
		INSERT INTO typed VALUES (type, x, exact, approx, ms(t[1], t[2]), ms(t[2], t[3]));
		INSERT INTO cell VALUES ('approx_count_distinct', exact, approx, error, format('SELECT %s FROM package', x));
	END LOOP;
END
$$;
SELECT type, expression AS x, exact, approx, percent(approx / exact::float8 - 1) AS "deviation %",
	exact_ms AS "exact ms", approx_ms AS "approx ms"
FROM typed;
