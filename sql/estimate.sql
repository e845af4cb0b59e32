-- Counts, their errors and intervals.

SELECT # hllset_empty() AS empty, # hllset_of('x'::text) AS one, hll_relative_error(hllset_empty()) AS error_of_empty;
SELECT hll_cardinality_bounds(hllset_empty()), (hll_cardinality_bounds(hllset_empty(), 0.99)).upper;

-- sets of up to m/4 elements are exact; beyond, the error that the set itself states holds
CREATE TABLE counted AS
SELECT p, n, (SELECT hll_add_agg(hll_hash(x), p) FROM generate_series(1, n) x) AS s
FROM (VALUES (10), (12), (14)) AS v (p), (VALUES (10), (256), (1000), (5000), (20000), (200000)) AS w (n);
SELECT p, n, # s = n AS exact, abs((# s) / n - 1) <= 4 * hll_relative_error(s) AS within_4_errors,
	hll_relative_error(s) * sqrt(2 ^ p) BETWEEN 0 AND 0.66 AS error_as_stated
FROM counted ORDER BY p, n;
SELECT bool_and(# s = hll_cardinality(s) AND # s = (hll_cardinality_bounds(s)).estimate) AS agree,
	bool_and((SELECT lower > 0 AND lower <= estimate AND estimate <= upper AND upper < 'infinity' FROM hll_cardinality_bounds(s))) AS ordered,
	bool_and((SELECT b.lower <= a.lower AND a.upper <= b.upper FROM hll_cardinality_bounds(s, 0.5) a, hll_cardinality_bounds(s, 0.999) b)) AS nested
FROM counted;
-- 95 % is 1.96 standard errors
SELECT bool_and(abs(ln(upper / estimate) / 1.96 / hll_relative_error(s) - 1) < 0.05) AS upper, bool_and(abs(ln(estimate / lower) / 1.96 / hll_relative_error(s) - 1) < 0.05) AS lower
FROM counted, hll_cardinality_bounds(s) WHERE n >= 20000;
-- compact: 3 to 7 percent wider at most
SELECT bool_and(abs((# s::hllset(10, compact)) / n - 1) <= 4 * hll_relative_error(s::hllset(10, compact))) AS compact_within FROM counted WHERE n > 0;
-- the ends of confidence
SELECT (lower <= estimate AND estimate <= upper AND lower >= 0 AND upper < 'infinity') AS finite
FROM (VALUES (1e-300::float8), (0.5), (1 - 1e-16::float8)) v (c), counted, hll_cardinality_bounds(s, c) WHERE p = 12 AND n = 20000;
\set VERBOSITY terse
SELECT hll_cardinality_bounds(hllset_empty(), 0);
SELECT hll_cardinality_bounds(hllset_empty(), 1);
SELECT hll_cardinality_bounds(hllset_empty(), -1);
SELECT hll_cardinality_bounds(hllset_empty(), 'NaN');
SELECT hll_cardinality_bounds(hllset_empty(), 'infinity');
\set VERBOSITY default
SELECT hll_cardinality(NULL) IS NULL, # NULL::hllset IS NULL, hll_relative_error(NULL) IS NULL, hll_cardinality_bounds(NULL) IS NULL,
	hll_cardinality_bounds(hllset_empty(), NULL) IS NULL;

DROP TABLE counted;

-- small sets: their count is short by elements that share a coupon, of 65,536 by 10.7 in the mean; error and upper end say so
CREATE TABLE largest AS SELECT half, hll_add_agg(x, 18) AS s FROM (VALUES (0), (1)) v (half), generate_series(half * 65536 + 1, (half + 1) * 65536) x GROUP BY half;
SELECT hll_info(s)->>'level0' AS level0, # s AS count, 65536 BETWEEN lower AND upper AS bounded, round((hll_relative_error(s) * (# s))::numeric, 1) AS error, upper - estimate AS may_lack, estimate - lower AS may_have_too_many
FROM largest, hll_cardinality_bounds(s) ORDER BY half;
-- two that share nothing seem to share 21 in the mean; the intersection has forgotten what it came from, so every small set says so
SELECT # (a.s & b.s) AS count, lower, upper, round(hll_relative_error(a.s & b.s)::numeric, 3) AS error FROM largest a, largest b, hll_cardinality_bounds(a.s & b.s) WHERE a.half = 0 AND b.half = 1;
SELECT p, lower, upper, round((hll_relative_error(s) * 100)::numeric, 2) AS error
FROM (SELECT p, (SELECT hll_add_agg(x, p) FROM generate_series(1, 100) x) AS s FROM generate_series(12, 18) p) c, hll_cardinality_bounds(s) ORDER BY p;
DROP TABLE largest;

-- a saturated set, every bit of which is set: nothing bounds it from above, nor what lies in it alone
CREATE TABLE saturated AS SELECT '\x01010401202008'::hllset AS f, hll_add_agg(x, 4) AS s FROM generate_series(1, 1000) x;
SELECT name, hll_info(value)->'saturated' AS saturated, lower > 0 AS above_nothing, estimate < 'infinity' AS finite, upper
FROM saturated, LATERAL (VALUES (1, 'f', f), (2, 'f | s', f | s), (3, 'f - s', f - s), (4, 'f # s', f # s)) v (n, name, value), hll_cardinality_bounds(value) ORDER BY n;
SELECT name, hll_info(value)->'saturated' AS saturated, upper <= (SELECT b.upper FROM hll_cardinality_bounds(s) b) AS within_s
FROM saturated, LATERAL (VALUES (1, 's', s), (2, 's - f', s - f), (3, 's & f', s & f)) v (n, name, value), hll_cardinality_bounds(value) ORDER BY n;
SELECT hll_relative_error(f) < 1 AS finite, round(log(2, lower::numeric)) AS log_lower FROM saturated, hll_cardinality_bounds(f);
DROP TABLE saturated;
