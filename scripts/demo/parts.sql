-- Counts for each group of a table beside the exact ones, and the whole from the union of the parts.
-- In: what (a name), source (a table), part and element (two columns of it).
\qecho
\qecho == Distinct :what for each :part:
\qecho '     ' SELECT :part, hll_add_agg(:element) AS set FROM :source GROUP BY :part
\qecho

SELECT clock_timestamp() AS t0 \gset
CREATE TABLE rollup AS SELECT :part AS part, count(*) AS rows, hll_add_agg(:element) AS set FROM :source GROUP BY :part;
SELECT clock_timestamp() AS t1 \gset
CREATE TABLE exact AS SELECT :part AS part, count(DISTINCT :element) AS count FROM :source GROUP BY :part;
SELECT clock_timestamp() AS t2 \gset
CREATE TABLE pairs AS SELECT DISTINCT :part, :element FROM :source;
SELECT clock_timestamp() AS t3 \gset

SELECT r.part AS :"part", rows, count AS exact, coalesce(round(# set), 0) AS hllset,
	percent((# set) / nullif(count, 0) - 1) AS "deviation %", percent(hll_relative_error(set)) AS "± %",
	pg_column_size(set) AS bytes
FROM rollup r JOIN exact e ON r.part IS NOT DISTINCT FROM e.part ORDER BY rows DESC LIMIT 60;

\qecho What it took, the last two of which can be united later:
SELECT * FROM (VALUES
	('exact: the numbers', ms(:'t1', :'t2'), (SELECT sum(pg_column_size(count)) FROM exact)),
	('exact: the distinct pairs', ms(:'t2', :'t3'), (SELECT sum(pg_column_size(pairs)) FROM pairs)),
	('hllset: the sets', ms(:'t0', :'t1'), (SELECT sum(pg_column_size(set)) FROM rollup))) AS t ("kept", "ms", "bytes");

\qecho == The whole, from the union of the parts: SELECT '#' hll_union_agg(set) FROM rollup
\qecho
SELECT clock_timestamp() AS t0 \gset
CREATE TABLE whole AS SELECT hll_union_agg(set) AS set FROM rollup;
SELECT clock_timestamp() AS t1 \gset
CREATE TABLE whole_exact AS SELECT count(DISTINCT :element) AS count FROM pairs;
SELECT clock_timestamp() AS t2 \gset
CREATE TABLE whole_rows AS SELECT hll_add_agg(:element) AS set FROM :source;

SELECT count AS exact, round(# w.set) AS hllset, percent((# w.set) / nullif(count, 0) - 1) AS "deviation %",
	percent(hll_relative_error(w.set)) AS "± %", ms(:'t1', :'t2') AS "exact ms", ms(:'t0', :'t1') AS "hllset ms",
	w.set = r.set AS "same bytes as from the rows"
FROM whole w, whole_exact, whole_rows r;

INSERT INTO cell
SELECT :'what' || ' for each ' || :'part', count, coalesce(# set, 0), hll_relative_error(set),
	format('SELECT %I FROM %I WHERE %I IS NOT DISTINCT FROM %L', :'element', :'source', :'part', r.part)
FROM rollup r JOIN exact e ON r.part IS NOT DISTINCT FROM e.part
UNION ALL
SELECT :'what' || ', the whole', count, coalesce(# set, 0), hll_relative_error(set), format('SELECT %I FROM %I', :'element', :'source')
FROM whole, whole_exact;
DROP TABLE rollup, exact, pairs, whole, whole_exact, whole_rows;
