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
