-- What the demo has found, on two screens. In: the tables that the other files have made; debian: whether they are of the package index; part: what it is grouped by.

\qecho
SELECT what AS first FROM cost LIMIT 1 \gset
SELECT count(*) AS parts, sum(rows) AS rows FROM part_answer WHERE what = :'first' \gset
\qecho == How many different :first has each :part? One set for each, out of :rows rows. The ten largest of :parts:
\qecho
SELECT coalesce(part, '(none)') AS :"part", rows, exact, round(estimate) AS hllset, percent(estimate / nullif(exact, 0) - 1) AS "deviation %", percent(error) AS "± %", bytes
FROM part_answer WHERE what = :'first' ORDER BY rows DESC LIMIT 10;
\qecho What it took. Pairs and sets can be united later, numbers can not:
SELECT kept, ms, pg_size_pretty(bytes) AS size FROM cost WHERE what = :'first';

\qecho == And all of them together? From the :parts sets, without a look at the rows:
\qecho
SELECT exact, round(estimate) AS hllset, percent(estimate / nullif(exact, 0) - 1) AS "deviation %", exact_ms AS "exact ms", hllset_ms AS "hllset ms",
	same AS "same bytes as from the rows"
FROM whole_answer WHERE what = :'first';

\if :debian
\qecho == What do two sections both need? By set & set, with the interval that holds the truth in 95 of 100 cases:
\qecho
SELECT a || ' & ' || b AS "the largest overlaps", count AS exact, round(in_both) AS hllset, round(greatest(in_both - 1.96 * in_both_error, 0)) AS "from",
	round(in_both + 1.96 * in_both_error) AS "to"
FROM shared JOIN shared_exact USING (a, b) ORDER BY in_both DESC LIMIT 5;

\qecho == What have updates changed since the release? By hll_diff(old, new):
\qecho
SELECT what, exact, round(estimate) AS hllset, round(lower) AS "from", round(upper) AS "to" FROM changed, hll_cardinality_bounds(set);
\endif
