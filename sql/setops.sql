-- Making sets, adding, uniting, asking for an element.

SELECT hll_precision(hllset_empty()), hll_precision(hllset_empty(7)), hllset_empty(NULL) IS NULL AS strict;
SELECT # hllset_of(1, 2, 3), # hllset_of('a'::text, 'b'::text, 'a'::text), # hllset_of(1, 2.5, 3::bigint), # hllset_of(VARIADIC '{}'::int[]),
	# hllset_of(NULL), # hllset_of(1, NULL, 2), # hllset_of(VARIADIC '{{1,2},{3,NULL}}'::int[]), hllset_of(VARIADIC NULL::int[]) IS NULL AS strict;
SELECT # hllset_of(VARIADIC array_agg(x)) = 1000 AS thousand, hllset_of(VARIADIC array_agg(x)) = hll_add_agg(x) AS same
FROM generate_series(1, 1000) x;
SELECT hllset_of(VARIADIC array_agg(repeat('x', x))) = hll_add_agg(repeat('x', x)) AS same FROM generate_series(1, 3000) x;
-- every element type of hll_add, hll_hash and the aggregates
SELECT hllset_of(true) = hll_add(hllset_empty(), true), hllset_of('2024-02-29'::date, NULL) = hll_add(hllset_empty(), '2024-02-29'::date),
	hllset_of(VARIADIC '{a,b}'::name[]) = hllset_of('a'::text, 'b'::text);

-- add
SELECT hll_add(hllset_empty(), 'x'::text) = hllset_of('x'::text) AS literal, hll_add(hllset_empty(), NULL) = hllset_empty() AS null_literal,
	hll_add(NULL, 'x'::text) IS NULL AS null_set, hll_add(NULL, NULL) IS NULL AS both,
	hll_add(hllset_of(1), NULL::int) = hllset_of(1) AS null_int, hll_add(hllset_of(1), NULL::hllhash) = hllset_of(1) AS null_hash,
	hll_add(hllset_of(1), NULL::"char") = hllset_of(1) AS null_char;
SELECT hll_add(hllset_of(1, 2), 2) = hllset_of(1, 2) AS there_already, hll_add(hllset_of(1), 2::smallint) = hllset_of(2, 1) AS order_and_width,
	hll_add(hllset_empty(), 'a'::"char") = hllset_of('a'::text) AS char_is_text;
DO $$
DECLARE
	s hllset := hllset_empty(8);
	c hllset := hllset_empty(8)::hllset(8, compact);
BEGIN
	FOR x IN 1..2000 LOOP
		s := hll_add(s, x);
		c := hll_add(c, x);
		IF x % 100 = 0 THEN
			ASSERT s = (SELECT hll_add_agg(y, 8) FROM generate_series(1, x) y);
			ASSERT c = s::hllset(8, compact);
			ASSERT hll_add(s, x / 2) = s;
		END IF;
	END LOOP;
END $$;

-- union: the set of all elements, whatever the sizes
CREATE TABLE part AS
SELECT n, lo, p, (SELECT hll_add_agg(x, p) FROM generate_series(lo + 1, lo + greatest(n, 1)) x) AS s
FROM (VALUES (0), (3), (900), (1100), (40000)) AS v (n), (VALUES (0), (100), (1000000)) AS w (lo), (VALUES (10), (12)) AS y (p);
UPDATE part SET s = hllset_empty(p) WHERE n = 0;
CREATE FUNCTION direct(a part, b part) RETURNS hllset LANGUAGE sql AS
$$
	SELECT coalesce((SELECT hll_add_agg(x, least(a.p, b.p)) FROM
		(SELECT generate_series(a.lo + 1, a.lo + a.n) UNION ALL SELECT generate_series(b.lo + 1, b.lo + b.n)) y (x)), hllset_empty(least(a.p, b.p)))
$$;
SELECT count(*), count(*) FILTER (WHERE a.s | b.s = direct(a, b)) AS exact FROM part a, part b WHERE a.lo < b.lo OR (a.lo = b.lo AND a.n <= b.n);
SELECT bool_and(a.s | b.s = b.s | a.s) AS commutative, bool_and(a.s | a.s = a.s) AS idempotent, bool_and((a.s | hllset_empty()) = hll_fold(a.s, least(a.p, 12))) AS neutral
FROM part a, part b;
SELECT bool_and((a.s | b.s) | c.s = a.s | (b.s | c.s)) AS associative FROM part a, part b, part c WHERE a.lo = 0 AND b.lo = 100 AND c.lo = 1000000;
-- a compact operand makes the union compact
SELECT bool_and(a.s::hllset(10, compact) | b.s = (a.s | b.s)::hllset(10, compact)) AS one, bool_and(a.s::hllset(10, compact) | b.s::hllset(10, compact)
	= (a.s | b.s)::hllset(10, compact)) AS both FROM part a, part b;
SELECT hll_union(hllset_of(1), hllset_of(2)) = hllset_of(1) | hllset_of(2) AS function, hll_union(NULL, hllset_of(1)) IS NULL AS strict;

-- may contain: false is certain
SELECT bool_and(hll_may_contain(s, x)) AS no_false_negative FROM (SELECT hll_add_agg(y, 10) AS s FROM generate_series(1, 20000) y) z, generate_series(1, 20000, 7) x;
SELECT count(*) FILTER (WHERE hll_may_contain(s, -x)) AS false_positives_small FROM (SELECT hll_add_agg(y) AS s FROM generate_series(1, 1000) y) z, generate_series(1, 1000) x;
SELECT hll_may_contain(hllset_empty(), 1), hll_may_contain(hllset_of('a'::text), 'a'::text), hll_may_contain(hllset_of('a'::text), 'b'::text), hll_may_contain(hllset_of('a'::text), 'a'::"char"),
	hll_may_contain(hllset_of(1), NULL) IS NULL AS null_element, hll_may_contain(NULL, 1) IS NULL AS null_set;

DROP FUNCTION direct(part, part);
DROP TABLE part;
