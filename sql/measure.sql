-- Regions, measures of overlap, and how they agree.

-- small sets: exact
SELECT only_a, v.in_both, only_b, greatest(only_a_error, in_both_error, only_b_error) < 1e-3 AS exact FROM hll_venn(hllset_of(1, 2, 3, 4), hllset_of(3, 4, 5)) v;
\x
SELECT * FROM hll_venn(hllset_empty(), hllset_of(1));
SELECT * FROM hll_venn(hllset_of(1), hllset_empty(), hllset_of(1));
\x
SELECT v.in_both, (hll_venn(hllset_of(1), hllset_of(1, 2))).only_b FROM hll_venn(a => hllset_of(1), b => hllset_of(1, 2)) v;
SELECT only_a, only_b, only_c, only_ab, only_ac, only_bc, all_three,
	only_a_error + only_b_error + only_c_error + only_ab_error + only_ac_error + only_bc_error + all_three_error < 5e-3 AS exact
FROM hll_venn(hllset_of(1, 12, 13, 123, 14, 15), hllset_of(2, 12, 23, 123), hllset_of(3, 13, 23, 123, 231, 312, 32));
SELECT hll_jaccard(a, b), hll_containment(a, b), hll_containment(b, a), hll_dice(a, b), round(hll_cosine(a, b)::numeric, 9) AS cosine FROM hllset_of(1, 2, 3, 4) a, hllset_of(3, 4, 5) b;

-- the empty set: all of nothing is shared, nothing of something
CREATE TABLE basic AS
SELECT * FROM (VALUES ('empty', hllset_empty()), ('empty compact', hllset_empty(4)::hllset(4, compact)), ('small', hllset_of(1, 2)),
	('large', (SELECT hll_add_agg(i) FROM generate_series(1, 9999) i)), ('expression', (SELECT hll_add_agg(i) - hll_add_agg(i + 99) FROM generate_series(1, 9999) i))) v (name, s);
SELECT a.name, b.name, hll_jaccard(a.s, b.s), hll_dice(a.s, b.s), hll_cosine(a.s, b.s), hll_containment(a.s, b.s), (hll_venn(a.s, b.s)).in_both, hll_containment(b.s, a.s) AS of_b
FROM basic a, basic b WHERE a.name LIKE 'empty%' ORDER BY 1, 2;
SELECT name, hll_jaccard(s, s), hll_dice(s, s), hll_cosine(s, s), hll_containment(s, s), only_a, only_b FROM basic, hll_venn(s, s) ORDER BY 1;
SELECT only_a + only_b + only_c + only_ab + only_ac + only_bc + all_three AS nothing FROM basic e, hll_venn(s, s, s) WHERE name = 'empty';

-- large sets: within what the standard errors allow
CREATE TABLE large AS
SELECT name, hi - lo AS size, lo, hi, hll_add_agg(x) AS s, hll_add_agg(x)::hllset(12, compact) AS c
FROM (VALUES ('a', 0, 40000), ('b', 20000, 60000), ('c', 36000, 44000), ('d', 60000, 160000)) v (name, lo, hi), generate_series(lo + 1, hi) x GROUP BY name, lo, hi;
CREATE TABLE pair AS
SELECT form, a.name AS a_name, b.name AS b_name, CASE form WHEN 'graded' THEN a.s ELSE a.c END AS a, CASE form WHEN 'graded' THEN b.s ELSE b.c END AS b,
	a.size AS size_a, b.size AS size_b, greatest(least(a.hi, b.hi) - greatest(a.lo, b.lo), 0)::float8 AS shared
FROM large a, large b, (VALUES ('graded'), ('compact')) f (form) WHERE a.name <> b.name;
SELECT form, count(*), bool_and(abs(v.in_both - shared) <= 4 * in_both_error) AS in_both, bool_and(abs(only_a - (size_a - shared)) <= 4 * only_a_error) AS only_a, bool_and(abs(only_b - (size_b - shared)) <= 4 * only_b_error) AS only_b,
	bool_and(in_both_error > 0 AND only_a_error > 0 AND only_b_error > 0 AND in_both_error < 0.55 * sqrt(size_a::float8 * size_b / 4096)) AS errors
FROM pair, hll_venn(a, b) v GROUP BY form ORDER BY form;
-- at most .65 sqrt(|a| |b| / m), up to identical sets
SELECT percent, in_both_error < 0.65 * sqrt((v.only_a + v.in_both) * (v.only_b + v.in_both) / 4096) AS within, in_both_error > 0.56 * sqrt((v.only_a + v.in_both) * (v.only_b + v.in_both) / 4096) AS beyond
FROM (SELECT percent, hll_add_agg(x) AS a, hll_add_agg(x + 400 * (100 - percent)) AS b FROM unnest('{100, 98, 90, 60, 30}'::int[]) percent, generate_series(1, 40000) x GROUP BY percent) s, hll_venn(a, b) v ORDER BY 1;
-- one fit: the measures are those of the regions, and those of the operators
SELECT bool_and(abs(hll_jaccard(a, b) - v.in_both / (only_a + v.in_both + only_b)) < 1e-9) AS jaccard, bool_and(abs(hll_containment(a, b) - v.in_both / (only_a + v.in_both)) < 1e-9) AS containment,
	bool_and(abs(hll_dice(a, b) - 2 * v.in_both / (only_a + 2 * v.in_both + only_b)) < 1e-9) AS dice, bool_and(abs(hll_cosine(a, b) - v.in_both / sqrt((only_a + v.in_both) * (only_b + v.in_both))) < 1e-9) AS cosine,
	bool_and(abs((# (a & b)) - v.in_both) < 1e-4 * size_a) AS "and", bool_and(abs((# (a - b)) - only_a) < 1e-4 * size_a) AS minus, bool_and(abs((# (a # b)) - (only_a + only_b)) < only_a_error + only_b_error) AS exclusive,
	bool_and(abs(hll_relative_error(a & b) * greatest(# (a & b), 1) - in_both_error) < 1e-2 * in_both_error) AS error
FROM pair, hll_venn(a, b) v;
SELECT bool_and(abs(hll_jaccard(a, b) - hll_jaccard(b, a)) < 1e-6 AND abs(hll_dice(a, b) - hll_dice(b, a)) < 1e-6 AND abs(hll_cosine(a, b) - hll_cosine(b, a)) < 1e-6) AS symmetric,
	bool_and(abs((hll_venn(a, b)).only_a - (hll_venn(b, a)).only_b) < 1e-6 * (size_a + size_b)) AS regions FROM pair;
SELECT a_name, b_name, round(hll_jaccard(a, b)::numeric, 1) AS jaccard, round(hll_containment(a, b)::numeric, 1) AS containment, round(hll_cosine(a, b)::numeric, 1) AS cosine, round(hll_dice(a, b)::numeric, 1) AS dice
FROM pair WHERE form = 'graded' ORDER BY 1, 2;
-- three sets, and values of other kinds
SELECT abs(only_a - 20000) <= 4 * only_a_error AS only_a, abs(only_b - 16000) <= 4 * only_b_error AS only_b, abs(only_c - 0) <= 4 * only_c_error AS only_c, abs(only_ab - 16000) <= 4 * only_ab_error AS only_ab,
	abs(only_ac - 0) <= 4 * only_ac_error AS only_ac, abs(only_bc - 4000) <= 4 * only_bc_error AS only_bc, abs(all_three - 4000) <= 4 * all_three_error AS all_three
FROM large a, large b, large c, hll_venn(a.s, b.s, c.s) WHERE a.name = 'a' AND b.name = 'b' AND c.name = 'c';
SELECT abs(v.only_a - 16000) <= 4 * v.only_a_error AS a_and_b_without_c, abs(v.in_both - 4000) <= 4 * v.in_both_error AS with_c, abs(v.only_b - 4000) <= 4 * v.only_b_error AS c_without_a_and_b
FROM large a, large b, large c, hll_venn(a.s & b.s, c.s) v WHERE a.name = 'a' AND b.name = 'b' AND c.name = 'c';
SELECT bool_and(abs(w.only_a + w.only_ac - v.only_a) <= 4 * v.only_a_error AND abs(w.only_ab + w.all_three - v.in_both) <= 4 * v.in_both_error) AS pairs_within_three
FROM large a, large b, large c, hll_venn(a.s, b.s) v, hll_venn(a.s, b.s, c.s) w WHERE a.name <> b.name AND b.name <> c.name AND a.name <> c.name;
-- different precisions
SELECT abs(v.in_both - 20000) <= 4 * v.in_both_error AS in_both, v.in_both_error > 100 AS coarser FROM large a, large b, hll_venn(hll_fold(a.s, 8), b.s) v WHERE a.name = 'a' AND b.name = 'b';

-- no part is negative or larger than the whole, parts add up, measures stay between 0 and 1: over pairs and triples of random sets and trees
CREATE FUNCTION random_set() RETURNS hllset LANGUAGE sql AS
$$
	SELECT s FROM (SELECT floor(random() * 3000)::int AS lo, floor(exp(random() * 9))::int AS n, (random() * 4)::int + 6 AS p OFFSET 0) v, LATERAL (SELECT hll_add_agg(x, p) AS s FROM generate_series(lo, lo + n) x) a
$$;
SELECT setseed(0.1);
CREATE TABLE random AS
SELECT n, CASE n % 3 WHEN 0 THEN a WHEN 1 THEN a & random_set() ELSE a - random_set() END AS a, CASE n % 2 WHEN 0 THEN b ELSE b | (b & c) END AS b, c
FROM (SELECT n, random_set() AS a, random_set() AS b, random_set() AS c FROM generate_series(1, 600) n) x;
SELECT bool_and(# (a & b) BETWEEN 0 AND least(# a, # b) * (1 + 1e-9) + 4 * (hll_relative_error(a) * greatest(# a, 1) + hll_relative_error(b) * greatest(# b, 1))) AS met,
	bool_and(abs((# (a & b)) + (# (a - b)) - (# a)) <= 4 * sqrt((hll_relative_error(a) * greatest(# a, 1)) ^ 2 + (hll_relative_error(a & b) * greatest(# (a & b), 1)) ^ 2
		+ (hll_relative_error(a - b) * greatest(# (a - b), 1)) ^ 2) + 1e-6) AS parts,
	bool_and(# ((a & b) - c) BETWEEN 0 AND 1e6 AND # ((a # b) # c) BETWEEN 0 AND 1e6) AS triples FROM random;
SELECT bool_and(hll_jaccard(a, b) BETWEEN 0 AND 1 AND hll_containment(a, b) BETWEEN 0 AND 1 AND hll_cosine(a, b) BETWEEN 0 AND 1 AND hll_dice(a, b) BETWEEN 0 AND 1) AS between_0_and_1,
	bool_and(hll_jaccard(a, b) <= hll_dice(a, b) AND hll_dice(a, b) <= hll_cosine(a, b) + 1e-9) AS in_order,
	bool_and((SELECT least(only_a, v.in_both, only_b) >= 0 AND greatest(only_a, v.in_both, only_b) < 1e6 AND only_a_error + in_both_error + only_b_error < 1e9 FROM hll_venn(a, b) v)) AS two,
	bool_and((SELECT least(only_a, only_b, only_c, only_ab, only_ac, only_bc, all_three) >= 0 AND only_a_error + only_b_error + only_c_error + only_ab_error + only_ac_error + only_bc_error + all_three_error < 1e9 FROM hll_venn(a, b, c))) AS three
FROM random;
-- at one precision the parts add up to the whole, and a source that holds all of an expression bounds it
SELECT bool_and(abs((# (a.s & b.s)) + (# (a.s - b.s)) - (# a.s)) <= 4 * hll_relative_error(a.s) * (# a.s)) AS parts, bool_and(# (a.s & b.s) <= least(# a.s, # b.s) AND # (a.s - b.s) <= # a.s AND # ((a.s & b.s) - c.s) <= least(# a.s, # b.s)) AS bounded FROM large a, large b, large c;

SELECT hll_venn(NULL, s) IS NULL AND hll_venn(s, NULL, s) IS NULL AND hll_jaccard(s, NULL) IS NULL AND hll_containment(NULL, s) IS NULL AND hll_cosine(s, NULL) IS NULL AND hll_dice(NULL, s) IS NULL AS strict FROM hllset_of(1) s;
\set VERBOSITY terse
-- together more than six compact sets
SELECT hll_venn((((v[1] & v[2]) & v[3]) & v[4]), (((v[5] & v[6]) & v[7]) & v[8])) FROM (SELECT array_agg(s) AS v FROM (SELECT hll_add_agg(x, 8)::hllset(8, compact) AS s FROM generate_series(1, 8) i, generate_series(1, 2000) x WHERE x % 8 <> i GROUP BY i) y) z;

DROP TABLE basic, large, pair, random;
DROP FUNCTION random_set();
