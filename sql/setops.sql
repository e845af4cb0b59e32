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
	SELECT coalesce((SELECT hll_add_agg(x, p) FROM (SELECT generate_series(a.lo + 1, a.lo + a.n) UNION ALL SELECT generate_series(b.lo + 1, b.lo + b.n)) y (x)), hllset_empty(p))
	FROM (SELECT CASE WHEN a.n = 0 AND b.n = 0 THEN greatest(a.p, b.p) WHEN a.n = 0 THEN b.p WHEN b.n = 0 THEN a.p ELSE least(a.p, b.p) END) z (p)
$$;
SELECT count(*), count(*) FILTER (WHERE a.s | b.s = direct(a, b)) AS exact FROM part a, part b WHERE a.lo < b.lo OR (a.lo = b.lo AND a.n <= b.n);
SELECT bool_and(a.s | b.s = b.s | a.s) AS commutative, bool_and(a.s | a.s = a.s) AS idempotent
FROM part a, part b;
SELECT bool_and((a.s | b.s) | c.s = a.s | (b.s | c.s)) AS associative FROM part a, part b, part c WHERE a.lo = 0 AND b.lo = 100 AND c.lo = 1000000;
-- a compact operand makes the union compact
SELECT bool_and(a.s::hllset(10, compact) | b.s = (a.s | b.s)::hllset(10, compact)) AS one, bool_and(a.s::hllset(10, compact) | b.s::hllset(10, compact)
	= (a.s | b.s)::hllset(10, compact)) AS both FROM part a, part b WHERE a.n > 0 AND b.n > 0;
SELECT hll_union(hllset_of(1), hllset_of(2)) = hllset_of(1) | hllset_of(2) AS function, hll_union(NULL, hllset_of(1)) IS NULL AS strict;

-- the empty set has nothing to lose: of every precision and form it leaves values of every kind as they are, or nothing of them
CREATE TABLE nothing AS SELECT s FROM generate_series(4, 18) p, LATERAL (VALUES (hllset_empty(p)), (set_bit(hllset_empty(p)::bytea, 12, 1)::hllset)) v (s);
CREATE TABLE something AS
SELECT v.* FROM (SELECT hll_add_agg(x, 10) AS a, hll_add_agg(x + 2000, 10) AS b FROM generate_series(1, 5000) x) y, LATERAL (VALUES ('small', hll_add(hllset_empty(10), 1)), ('large', a),
	('compact', a::hllset(10, compact)), ('expression', a & b), ('compact expression', a::hllset(10, compact) - b), ('sample', (SELECT hll_intersect_agg(t) FROM (SELECT hll_add_agg(x + 100 * i, 10) AS t FROM generate_series(1, 7) i, generate_series(1, 5000) x GROUP BY i) z))) v (kind, s);
SELECT kind, hll_kind(v.s), count(*), bool_and(v.s | e.s = v.s AND e.s | v.s = v.s) AS "|", bool_and((v.s # e.s) = v.s AND (e.s # v.s) = v.s) AS "#", bool_and((v.s - e.s) = v.s AND (e.s - v.s) = n) AS "-",
	bool_and((v.s & e.s) = n AND (e.s & v.s) = n) AS "&", bool_and(hll_diff(v.s, e.s) = (v.s, n, n) AND hll_diff(e.s, v.s) = (n, n, v.s)) AS diff,
	bool_and(hll_union(v.s, e.s) = v.s AND hll_symmetric_difference(e.s, v.s) = v.s AND hll_difference(v.s, e.s) = v.s AND hll_intersection(v.s, e.s) = n) AS functions
FROM something v, nothing e, LATERAL (SELECT CASE WHEN kind LIKE 'compact%' THEN hllset_empty()::hllset(10, compact) ELSE hllset_empty(10) END) x (n) GROUP BY kind, hll_kind(v.s) ORDER BY kind;
-- nor does it make a measure or a predicate coarser
SELECT bool_and(hll_venn(v.s, w.s, e.s)::text = hll_venn(v.s, w.s, hllset_empty(10))::text AND (hll_venn(v.s, e.s)).only_a = (hll_venn(v.s, hllset_empty(10))).only_a) AS venn,
	bool_and((SELECT only_ac / (only_a + only_ac + only_c) FROM hll_venn(v.s, e.s, w.s)) = hll_jaccard(v.s, w.s) AND (hll_venn(e.s, v.s, w.s)).only_bc = (hll_venn(v.s, e.s, w.s)).only_ac) AS two_of_three,
	bool_and(e.s <@ v.s AND v.s @> e.s AND NOT v.s && e.s AND NOT e.s && v.s) AS predicates, bool_and(NOT v.s <@ e.s) FILTER (WHERE hll_kind(v.s) = 'set') AS outside,
	bool_and(hll_jaccard(v.s, e.s) = 0 AND hll_dice(e.s, v.s) = 0 AND hll_cosine(v.s, e.s) = 0 AND hll_containment(e.s, v.s) = 1 AND hll_containment(v.s, e.s) = 0) AS measures
FROM something v, something w, nothing e WHERE v.kind IN ('small', 'large', 'expression') AND w.kind IN ('compact', 'sample');
-- of empty sets the finest stays; hll_add keeps the precision of what it adds to
SELECT count(*), bool_and((a.s | b.s) = n AND (a.s & b.s) = n AND (a.s - b.s) = n AND (a.s # b.s) = n) AS finest, bool_and(a.s @> b.s AND NOT a.s && b.s AND hll_jaccard(a.s, b.s) = 1) AS same,
	bool_and(hll_precision(hll_add(a.s, 1)) = hll_precision(a.s)) AS added
FROM nothing a, nothing b, LATERAL (SELECT greatest(hll_precision(a.s), hll_precision(b.s)), (hll_info(a.s) -> 'compact')::bool AND (hll_info(b.s) -> 'compact')::bool) x (p, compact),
	LATERAL (SELECT CASE WHEN compact THEN (SELECT s FROM nothing WHERE hll_precision(s) = p AND (hll_info(s) -> 'compact')::bool) ELSE hllset_empty(p) END) y (n);
DROP TABLE nothing, something;

-- may contain: false is certain
SELECT bool_and(hll_may_contain(s, x)) AS no_false_negative FROM (SELECT hll_add_agg(y, 10) AS s FROM generate_series(1, 20000) y) z, generate_series(1, 20000, 7) x;
SELECT count(*) FILTER (WHERE hll_may_contain(s, -x)) AS false_positives_small FROM (SELECT hll_add_agg(y) AS s FROM generate_series(1, 1000) y) z, generate_series(1, 1000) x;
SELECT hll_may_contain(hllset_empty(), 1), hll_may_contain(hllset_of('a'::text), 'a'::text), hll_may_contain(hllset_of('a'::text), 'b'::text), hll_may_contain(hllset_of('a'::text), 'a'::"char"),
	hll_may_contain(hllset_of(1), NULL) IS NULL AS null_element, hll_may_contain(NULL, 1) IS NULL AS null_set;

DROP FUNCTION direct(part, part);
DROP TABLE part;
