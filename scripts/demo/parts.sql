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

INSERT INTO part_answer
SELECT :'what', r.part, rows, count, coalesce(# set, 0), hll_relative_error(set), pg_column_size(set)
FROM rollup r JOIN exact e ON r.part IS NOT DISTINCT FROM e.part;
SELECT part AS :"part", rows, exact, round(estimate) AS hllset, percent(estimate / nullif(exact, 0) - 1) AS "deviation %", percent(error) AS "± %", bytes
FROM part_answer WHERE what = :'what' ORDER BY rows DESC LIMIT 60;

\qecho What it took, the last two of which can be united later:
INSERT INTO cost VALUES
	(:'what', 'exact: the numbers', ms(:'t1', :'t2'), (SELECT sum(pg_column_size(count)) FROM exact)),
	(:'what', 'exact: the distinct pairs', ms(:'t2', :'t3'), (SELECT sum(pg_column_size(pairs)) FROM pairs)),
	(:'what', 'hllset: the sets', ms(:'t0', :'t1'), (SELECT sum(pg_column_size(set)) FROM rollup));
SELECT kept, ms, bytes FROM cost WHERE what = :'what';

\qecho == The whole, from the union of the parts: SELECT '#' hll_union_agg(set) FROM rollup
\qecho
SELECT clock_timestamp() AS t0 \gset
CREATE TABLE whole AS SELECT hll_union_agg(set) AS set FROM rollup;
SELECT clock_timestamp() AS t1 \gset
CREATE TABLE whole_exact AS SELECT count(DISTINCT :element) AS count FROM pairs;
SELECT clock_timestamp() AS t2 \gset
CREATE TABLE whole_rows AS SELECT hll_add_agg(:element) AS set FROM :source;

INSERT INTO whole_answer
SELECT :'what', count, # w.set, hll_relative_error(w.set), ms(:'t1', :'t2'), ms(:'t0', :'t1'), w.set = r.set FROM whole w, whole_exact, whole_rows r;
SELECT exact, round(estimate) AS hllset, percent(estimate / nullif(exact, 0) - 1) AS "deviation %", percent(error) AS "± %", exact_ms AS "exact ms",
	hllset_ms AS "hllset ms", same AS "same bytes as from the rows"
FROM whole_answer WHERE what = :'what';

INSERT INTO cell
SELECT :'what' || ' for each ' || :'part', count, coalesce(# set, 0), hll_relative_error(set),
	format('SELECT %I FROM %I WHERE %I IS NOT DISTINCT FROM %L', :'element', :'source', :'part', r.part)
FROM rollup r JOIN exact e ON r.part IS NOT DISTINCT FROM e.part
UNION ALL
SELECT :'what' || ', the whole', count, coalesce(# set, 0), hll_relative_error(set), format('SELECT %I FROM %I', :'element', :'source')
FROM whole, whole_exact;
DROP TABLE rollup, exact, pairs, whole, whole_exact, whole_rows;
