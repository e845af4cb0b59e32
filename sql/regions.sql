-- The regions of up to six sets.

SET client_min_messages = warning;
CREATE TABLE six AS SELECT n, (SELECT hll_add_agg(x) FROM generate_series(1, 40000) x WHERE hashint4extended(x, n) & 7 < 2 + n % 4) AS s FROM generate_series(1, 6) n;
CREATE TABLE exact AS
SELECT sets, count(*) AS exact FROM (SELECT x, array_agg(n ORDER BY n) AS sets FROM generate_series(1, 40000) x, generate_series(1, 6) n WHERE hashint4extended(x, n) & 7 < 2 + n % 4 GROUP BY x) e GROUP BY sets;

-- small sets: exactly
SELECT sets, cardinality, error < .001 AS exact FROM hll_regions(hllset_of(1, 2, 3, 4), hllset_of(3, 4, 5), hllset_of(4, 5, 9));
SELECT sets, cardinality FROM hll_regions(hllset_of(1, 2));
SELECT sets, cardinality FROM hll_regions(hllset_of(1, 2), hllset_empty(), hllset_of(2)) WHERE cardinality > 0;
SELECT sets, cardinality FROM hll_regions(hllset_empty());

-- large ones: one row for each region, in one order, whose numbers are those of hll_venn
SELECT count(*), count(DISTINCT sets), min(array_length(sets, 1)), max(array_length(sets, 1)), bool_and(sets = ARRAY(SELECT unnest(sets) ORDER BY 1)) AS ascending FROM six, LATERAL (SELECT array_agg(s ORDER BY n) AS all_six FROM six) a, hll_regions(VARIADIC all_six) WHERE n = 1;
SELECT sets, a.cardinality = b.cardinality AND a.error = b.error AS as_venn
FROM (SELECT s AS a, lead(s) OVER w AS b, lead(s, 2) OVER w AS c FROM six WINDOW w AS (ORDER BY n) LIMIT 1) t, hll_venn(t.a, t.b, t.c) v, hll_regions(t.a, t.b, t.c) WITH ORDINALITY AS a (sets, cardinality, error, m)
	JOIN LATERAL unnest(ARRAY[only_a, only_b, only_c, only_ab, only_ac, only_bc, all_three], ARRAY[only_a_error, only_b_error, only_c_error, only_ab_error, only_ac_error, only_bc_error, all_three_error]) WITH ORDINALITY AS b (cardinality, error, m) USING (m)
ORDER BY m;
SELECT sets, a.cardinality = b.cardinality AND a.error = b.error AS as_venn
FROM (SELECT s AS a, lead(s) OVER (ORDER BY n) AS b FROM six LIMIT 1) t, hll_venn(t.a, t.b) v, hll_regions(t.a, t.b) WITH ORDINALITY AS a (sets, cardinality, error, m)
	JOIN LATERAL unnest(ARRAY[only_a, only_b, in_both], ARRAY[only_a_error, only_b_error, in_both_error]) WITH ORDINALITY AS b (cardinality, error, m) USING (m)
ORDER BY m;
SELECT r.cardinality = # s AS one_set FROM six, hll_regions(s) r WHERE n = 1;
-- of all six: near the truth, and together the union
SELECT count(*), count(*) FILTER (WHERE abs(cardinality - coalesce(exact, 0)) <= 2 * error) >= 57 AS within_two_errors, max(abs(cardinality - coalesce(exact, 0)) / error) < 4 AS none_far_off,
	abs(sum(cardinality) / (SELECT # hll_union_agg(s) FROM six) - 1) < .02 AS sum_is_the_union, abs(sum(cardinality) / sum(exact) - 1) < .02 AS near
FROM (SELECT array_agg(s ORDER BY n) AS all_six FROM six) a, hll_regions(VARIADIC all_six) LEFT JOIN exact USING (sets);
-- expressions and samples, other precisions and forms
SELECT sets, round(cardinality::numeric, -3) AS about FROM (SELECT s AS a, lead(s) OVER w AS b, lead(s, 2) OVER w AS c FROM six WINDOW w AS (ORDER BY n) LIMIT 1) t, hll_regions(a & b, hll_fold(b - c, 11), c::hllset(12, compact));
SELECT hll_kind(sample) AS kind, count(*), abs(sum(cardinality) / # (sample | s) - 1) < .1 AS sum_is_the_union, sum(cardinality) FILTER (WHERE sets IN ('{1}', '{2}', '{1,2}')) = 0 AS third_is_the_union
FROM (SELECT (t[1] # t[2] # t[3] # t[4] # t[5] # t[6] # hllset_of(-1)) AS sample, t[1] AS s FROM (SELECT array_agg(s ORDER BY n) AS t FROM six) t) t, hll_regions(sample, s, sample | s) GROUP BY sample, s;

-- NULL is no set, and an array of none has no regions
SELECT count(*) FROM hll_regions(VARIADIC NULL);
SELECT count(*) FROM hll_regions(VARIADIC '{}');
SELECT count(*) FROM hll_regions(VARIADIC ARRAY[[hllset_of(1), hllset_of(2)], [hllset_of(3), hllset_of(4)]]);
\set VERBOSITY terse
SELECT * FROM hll_regions(hllset_of(1), NULL);
SELECT * FROM hll_regions(VARIADIC array_fill(hllset_of(1), ARRAY[7]));
SELECT * FROM hll_regions();
SELECT * FROM hll_regions(1, 2);
-- expressions of so many different sets that there is no telling which element is in which
SELECT count(*) FROM (SELECT array_agg(e) AS many FROM (SELECT hll_intersect_agg(s | (SELECT hll_add_agg(-x) FROM generate_series(1, 500 * n + 9000 * k) x)) AS e FROM six, generate_series(1, 4) k GROUP BY k) x) y, hll_regions(VARIADIC many);
SELECT count(*) FROM (SELECT array_agg(e) AS many FROM (SELECT hll_intersect_agg(s | (SELECT hll_add_agg(-x) FROM generate_series(1, 500 * n + 9000 * k) x)) AS e FROM six, generate_series(1, 3) k GROUP BY k) x) y, hll_regions(VARIADIC many);
SELECT count(*) FROM (SELECT hll_intersect_agg(s::hllset(12, compact)) AS e FROM six) y, hll_regions(e, (SELECT hll_add(s, -1) FROM six WHERE n = 1));
\set VERBOSITY default

DROP TABLE six, exact;
