-- The algebra: kinds of value, laws, exactness, counts, folds, forms, errors.

-- eight sets in all their 256 combinations: set k has the elements x with bit k; a mask tells the combinations that a value holds
CREATE TABLE base AS
SELECT k, (SELECT hll_add_agg(x) FROM generate_series(0, 511) x WHERE x >> k & 1 = 1) AS small, s AS large, s::hllset(10, compact) AS compact,
	(SELECT string_agg((r >> k & 1)::text, '' ORDER BY r) FROM generate_series(0, 255) r)::bit(256) AS mask
FROM generate_series(0, 7) k, LATERAL (SELECT hll_add_agg(x, 10) AS s FROM generate_series(0, 25599) x WHERE x >> k & 1 = 1) y;
CREATE FUNCTION apply(op text, a hllset, b hllset) RETURNS hllset LANGUAGE sql IMMUTABLE STRICT AS
$$
	SELECT CASE op WHEN '|' THEN a | b WHEN '&' THEN a & b WHEN '-' THEN a - b ELSE a # b END
$$;
CREATE FUNCTION apply(op text, a bit, b bit) RETURNS bit(256) LANGUAGE sql IMMUTABLE STRICT AS
$$
	SELECT CASE op WHEN '|' THEN a | b WHEN '&' THEN a & b WHEN '-' THEN a & ~b ELSE a # b END
$$;
CREATE FUNCTION large(VARIADIC which int[]) RETURNS hllset[] LANGUAGE sql STABLE AS
$$
	SELECT array_agg(large ORDER BY n) FROM unnest(which) WITH ORDINALITY u (k, n) JOIN base USING (k)
$$;

-- kinds
SELECT hll_kind(a.large) AS large, hll_kind(a.large & b.large) AS both, hll_kind(a.large - b.large) AS difference, hll_kind(a.large # b.large) AS exclusive, hll_kind(a.large | b.large) AS union,
	hll_kind(a.compact & b.compact) AS compact, hll_kind(a.small & b.small) AS small, hll_kind(a.small - a.small) AS nothing, hll_kind(a.large & b.small) AS mixed
FROM base a, base b WHERE a.k = 0 AND b.k = 1;
SELECT k, hll_kind(v), i -> 'sources' AS sources, i -> 'compact' AS compact, i -> 'precision' AS precision, (i ->> 'level0')::int > 0 AS large, (i ->> 'bytes')::int = octet_length(v::bytea) AS bytes,
	(i ->> 'tokens')::int > 0 AS tokens, (i ->> 'set_bits')::int > 0 AS bits, hll_precision(v)
FROM (SELECT k, hll_intersect_agg(large) OVER w AS v FROM base WINDOW w AS (ORDER BY k)) x, hll_info(v) i ORDER BY k;
SELECT bool_and(hll_union(a, b) = a | b AND hll_intersection(a, b) = a & b AND hll_difference(a, b) = a - b AND hll_symmetric_difference(a, b) = a # b) AS functions
FROM (SELECT a.large AS a, b.large AS b FROM base a, base b UNION ALL SELECT a.small, b.compact FROM base a, base b) x;

-- laws as equal bytes: all small, all large, or all compact
CREATE TABLE triple AS
SELECT v.* FROM base a, base b, base c, LATERAL (VALUES ('small', a.small, b.small, c.small), ('large', a.large, b.large, c.large), ('compact', a.compact, b.compact, c.compact)) v (form, a, b, c)
WHERE a.k <> b.k AND b.k <> c.k AND a.k <> c.k;
SELECT form, count(*), bool_and(a | b = b | a AND (a & b) = (b & a) AND (a # b) = (b # a)) AS commutative, bool_and(a | a = a AND (a & a) = a AND ((a & b) & (a & b)) = (a & b)) AS idempotent,
	bool_and((a | b) | c = a | (b | c) AND ((a & b) & c) = (a & (b & c)) AND ((a # b) # c) = (a # (b # c))) AS associative,
	bool_and((a & (b | c)) = (a & b) | (a & c)) AS distributive, bool_and((a - (b | c)) = ((a - b) - c)) AS minus_union, bool_and((a & (b - c)) = ((a & b) - (a & c))) AS and_minus,
	bool_and((a # b) = (a - b) | (b - a)) AS exclusive, bool_and(a | (a & b) = a) AS absorbed, bool_and((a - a) = (b - b) AND (a - a) = (a & (b - b))) AS nothing, bool_and((a & b) | (a - b) = a) AS parts
FROM triple GROUP BY form ORDER BY form;
SELECT bool_and((a - a) = hllset_empty(12)) FILTER (WHERE form = 'small') AS small, bool_and((a - a) = hllset_empty(10)) FILTER (WHERE form = 'large') AS large,
	bool_and((a - a) = hllset_empty(10)::hllset(10, compact)) FILTER (WHERE form = 'compact') AS compact, bool_and((a & hllset_empty(14)) = (a - a) AND (a - hllset_empty(14)) = a AND (a # hllset_empty(14)) = a) AS empty
FROM triple;
-- of large sets these hold in count only
SELECT bool_and(abs((# x) - (# y)) <= 3 * sqrt((hll_relative_error(x) * (# x)) ^ 2 + (hll_relative_error(y) * (# y)) ^ 2)) AS within_3_errors, count(*) FILTER (WHERE x = y) AS equal_bytes
FROM triple, LATERAL (VALUES (a | (b & c), (a | b) & (a | c)), (a & (a | b), a), (a # b, (a | b) - (a & b))) v (x, y) WHERE form <> 'small';

-- random trees of small sets are exact, and equal the set of the same elements
DO $$
DECLARE
	pool hllset[] := (SELECT array_agg(small ORDER BY k) || array_agg(small ORDER BY k) FROM base);
	masks bit(256)[] := (SELECT array_agg(mask ORDER BY k) || array_agg(mask ORDER BY k) FROM base);
	op text;
	a int;
	b int;
	at int;
BEGIN
	PERFORM setseed(0.5);
	FOR n IN 1..10000 LOOP
		op := substr('|&-#', 1 + floor(random() * 4)::int, 1);
		a := 1 + floor(random() * 16);
		b := 1 + floor(random() * 16);
		at := 9 + floor(random() * 8);
		pool[at] := apply(op, pool[a], pool[b]);
		masks[at] := apply(op, masks[a], masks[b]);
		ASSERT pool[at] = coalesce((SELECT hll_add_agg(x) FROM generate_series(0, 511) x WHERE get_bit(masks[at], x % 256) = 1), hllset_empty()), format('step %s, %s', n, op);
		-- what has become all or nothing starts anew
		IF # pool[at] IN (0, 512) THEN
			pool[at] := pool[at - 8];
			masks[at] := masks[at - 8];
		END IF;
	END LOOP;
END $$;

-- random trees of large sets count right, and the order of writing doesn't matter
CREATE FUNCTION tree(form text, leaves int, OUT value hllset, OUT mirrored hllset, OUT mask bit(256)) LANGUAGE plpgsql AS $$
DECLARE
	v hllset[];
	w hllset[];
	m bit(256)[];
	op text;
	at int;
BEGIN
	SELECT array_agg(s ORDER BY n), array_agg(s ORDER BY n), array_agg(x.mask ORDER BY n) INTO v, w, m
	FROM (SELECT random() AS n, CASE tree.form WHEN 'compact' THEN b.compact ELSE b.large END AS s, b.mask FROM base b ORDER BY 1 LIMIT leaves) x;
	FOR left_over IN REVERSE leaves - 1..1 LOOP
		op := substr('|&-#', 1 + floor(random() * 4)::int, 1);
		at := 1 + floor(random() * left_over);
		v[at] := apply(op, v[at], v[at + 1]);
		w[at] := CASE op WHEN '-' THEN w[at] - w[at + 1] ELSE apply(op, w[at + 1], w[at]) END;
		m[at] := apply(op, m[at], m[at + 1]);
		v := v[:at] || v[at + 2:];
		w := w[:at] || w[at + 2:];
		m := m[:at] || m[at + 2:];
	END LOOP;
	value := v[1];
	mirrored := w[1];
	mask := m[1];
END $$;
SELECT setseed(0.25);
CREATE TABLE grown AS
SELECT form, leaves, t.*, length(replace(t.mask::text, '0', '')) * 100 AS truth FROM unnest('{graded,compact}'::text[]) form, generate_series(2, 6) leaves, generate_series(1, 40) n, tree(form, leaves) t;
SELECT form, count(*), count(DISTINCT hll_kind(value)) AS kinds, bool_and(value = mirrored) AS any_order, bool_and(truth BETWEEN lower AND upper) AS right_count, bool_and(# value >= 0 AND # value < 40000) AS sane
FROM grown, hll_cardinality_bounds(value, 0.999999) GROUP BY form ORDER BY form;
-- six sets met in any order
SELECT op, count(DISTINCT s), min(hll_kind(s)) FROM unnest('{&,#}'::text[]) op, generate_series(1, 20) n, LATERAL (
	SELECT CASE n % 3 WHEN 0 THEN apply(op, apply(op, apply(op, v[1], v[2]), apply(op, v[3], v[4])), apply(op, v[5], v[6]))
		WHEN 1 THEN apply(op, v[1], apply(op, v[2], apply(op, v[3], apply(op, v[4], apply(op, v[5], v[6])))))
		ELSE apply(op, apply(op, apply(op, apply(op, apply(op, v[1], v[2]), v[3]), v[4]), v[5]), v[6]) END AS s
	FROM (SELECT array_agg(large ORDER BY md5(k::text || n)) AS v FROM base WHERE k < 6) y) z GROUP BY op ORDER BY op;

-- beyond six sources: a sample of the elements, and all that is done with it is one too
CREATE TABLE crowd AS SELECT i, hll_add_agg(x) AS s FROM generate_series(1, 9) i, generate_series(1, 20000) x WHERE x <= 15000 OR x % 9 + 1 = i GROUP BY i;
CREATE TABLE met AS SELECT i, hll_intersect_agg(s) OVER (ORDER BY i) AS all_of, s FROM crowd;
SELECT i, hll_kind(all_of), abs((# all_of) - 15000) <= 4 * hll_relative_error(all_of) * (# all_of) AS right_count FROM met WHERE i > 1 ORDER BY i;
SELECT hll_kind(all_of | s), hll_kind(all_of & s), hll_kind(all_of - s), hll_kind(s - all_of), hll_kind(hll_add(all_of, 1)), hll_kind(hll_fold(all_of, 8)), (all_of - s) = (all_of - all_of) AS none_left,
	abs((# (s - all_of)) - 555) <= 4 * sqrt(555 * 2 ^ (hll_info(all_of) ->> 'level0')::int) AS rest FROM met WHERE i = 9;
SELECT bool_and(hll_info(all_of) ->> 'sources' = '1' AND hll_info(all_of) ->> 'set_bits' = '0' AND hll_relative_error(all_of) < 0.1) AS info FROM met WHERE i > 6;
\set VERBOSITY default
SELECT hll_kind(v[1] & v[2] & v[3] & v[4] & v[5] & v[6] & (SELECT compact FROM base WHERE k = 6)) FROM large(0, 1, 2, 3, 4, 5) v;
\set VERBOSITY terse
-- reduced before it is counted: seven sets of which two enter as their union
SELECT hll_kind((((v[1] & v[2]) & v[3]) # (v[4] & v[5])) - (v[6] | v[7])) AS seven_sets, hll_info((((v[1] & v[2]) & v[3]) # (v[4] & v[5])) - (v[6] | v[7])) -> 'sources' AS sources
FROM large(0, 1, 2, 3, 4, 5, 6) v;

-- different precisions meet at the smaller one
SELECT bool_and((hll_fold(a.large, 8) & b.large) = (hll_fold(a.large, 8) & hll_fold(b.large, 8)) AND (a.large - hll_fold(b.large, 8)) = (hll_fold(a.large, 8) - hll_fold(b.large, 8))) AS folded,
	bool_and(hll_fold(a.large & b.large, 8) = (hll_fold(a.large, 8) & hll_fold(b.large, 8)) AND hll_fold(a.compact # b.compact, 8) = (hll_fold(a.compact, 8) # hll_fold(b.compact, 8))) AS fold,
	bool_and(hll_fold(a.large & b.large, 10) = (a.large & b.large)) AS unchanged
FROM base a, base b WHERE a.k <> b.k;
-- a small set of one precision may be large at another
SELECT hll_kind(a.small & b.small), hll_kind(hll_fold(a.small & b.small, 6)), hll_kind(hll_fold(a.small, 6) & b.small), hll_precision(a.small & hll_fold(b.large, 9)) FROM base a, base b WHERE a.k = 0 AND b.k = 1;

-- forms: text, binary, casts, type modifiers, equality and hash
CREATE TABLE form AS
SELECT row_number() OVER () AS id, v FROM (SELECT value FROM grown WHERE hll_kind(value) = 'expression' UNION ALL SELECT all_of FROM met WHERE i > 6) x (v);
SELECT hll_kind(v), bool_and(v::text::hllset = v AND v::bytea::hllset = v AND hllset_send(v) = v::bytea AND hll_digest(v) = hll_digest(v::text::hllset)) AS round_trip,
	count(DISTINCT v) = count(DISTINCT v::text) AS equality
FROM form GROUP BY 1 ORDER BY 1;
SELECT count(*) = (SELECT count(*) FROM form) AS hash_join FROM (SELECT DISTINCT v FROM form) a JOIN form b USING (v);
\setenv file `mktemp`
\copy (SELECT * FROM form ORDER BY hll_kind(v), id) TO PROGRAM 'cat >"$file"' (FORMAT binary)
CREATE TABLE copied (id bigint, v hllset(8));
\copy copied FROM PROGRAM 'cat "$file"' (FORMAT binary)
ALTER TABLE copied ALTER v TYPE hllset;
\copy copied FROM PROGRAM 'cat "$file"' (FORMAT binary)
\! rm "$file"
SELECT count(*) = (SELECT count(*) FROM form) AS copied, bool_and(c.v = f.v) AS same FROM copied c JOIN form f USING (id);
-- a column with a modifier keeps plain sets, however a value comes to it
CREATE TABLE typed (v hllset(8), c hllset(8, compact));
CREATE FUNCTION refused(query text, v hllset, OUT answer text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query USING v;
	answer := 'taken';
EXCEPTION WHEN OTHERS THEN
	answer := SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT hll_kind(v) AS kind, to_jsonb(hll_info(v) -> 'compact') AS compact, query, min(refused(query, v)), max(refused(query, v)) = min(refused(query, v)) AS all
FROM form, unnest(ARRAY['INSERT INTO typed (v) VALUES ($1)', 'INSERT INTO typed (c) VALUES ($1)', 'SELECT $1::hllset(8)', 'SELECT $1::hllset(4, compact)', 'SELECT $1::text::hllset(8)', 'SELECT $1::bytea::hllset(8, compact)',
	'SELECT ARRAY[$1]::hllset(8)[]', 'UPDATE typed SET v = $1', 'INSERT INTO typed VALUES (hllset_empty(), hllset_empty()) ON CONFLICT DO NOTHING', 'ALTER TABLE typed ALTER v SET DEFAULT NULL']) WITH ORDINALITY q (query, n)
GROUP BY 1, 2, query, n ORDER BY 1, 2, n;
DO $$
DECLARE
	v hllset(8);
BEGIN
	SELECT form.v INTO v FROM form WHERE hll_kind(form.v) = 'sample' LIMIT 1;
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE '%', SQLERRM;
END $$;
SELECT bool_and(hll_kind(hll_fold(v, 6)) <> 'set') AS folds_by_function FROM form;
DROP FUNCTION refused(text, hllset);
\set VERBOSITY default
SELECT (a.large & b.large)::hllset(12) FROM base a, base b WHERE a.k = 0 AND b.k = 1;
SELECT (a.large & b.large)::hllset(10, compact) FROM base a, base b WHERE a.k = 0 AND b.k = 1;
SELECT all_of::hllset(12, compact) FROM met WHERE i = 9;
SELECT (a.large & b.compact)::hllset(10) FROM base a, base b WHERE a.k = 0 AND b.k = 1;
SELECT hll_bits(a.large & b.large) FROM base a, base b WHERE a.k = 0 AND b.k = 1;
SELECT hll_bits(all_of) FROM met WHERE i = 9;
\set VERBOSITY terse

-- one element more: the union with its set
SELECT bool_and(hll_add(v, -1) = v | hll_fold(hllset_of(-1), hll_precision(v))) AS add, bool_and(hll_add(v, NULL::int) = v) AS add_nothing FROM form WHERE NOT (hll_info(v) ->> 'compact')::boolean;
-- may contain: never a false no, whatever the value; and a no is possible
SELECT count(*) > 10000 AS asked, bool_and(hll_may_contain(value, x)) AS no_false_negative FROM (SELECT * FROM grown WHERE leaves > 3) g, generate_series(0, 25599, 61) x WHERE get_bit(mask, x % 256) = 1;
SELECT x % 4 AS sources, count(*) FILTER (WHERE NOT hll_may_contain(v[1] & v[2], x)) > 10 AS "and", count(*) FILTER (WHERE NOT hll_may_contain(v[1] - v[2], x)) > 10 AS minus,
	count(*) FILTER (WHERE NOT hll_may_contain(v[1] # v[2], x)) > 10 AS exclusive FROM generate_series(1, 2000) x, large(0, 1) v GROUP BY 1 ORDER BY 1;
SELECT bool_and(hll_may_contain(all_of, x)) AS no_false_negative, count(*) FILTER (WHERE NOT hll_may_contain(all_of, -x)) > 100 AS outside FROM met, generate_series(1, 15000) x WHERE i = 9;

-- what was, stayed and came
SELECT deleted = a.large - b.large AS deleted, retained = (a.large & b.large) AS retained, added = b.large - a.large AS added, deleted | retained = a.large AS parts FROM base a, base b, hll_diff(a.large, b.large) WHERE a.k = 0 AND b.k = 1;
SELECT # deleted, # retained, # added FROM hll_diff(hllset_of(1, 2, 3), hllset_of(3, 4));
SELECT hll_diff(old => hllset_of(1), new => NULL) IS NULL AS strict;

SELECT (NULL & s) IS NULL AND (s & NULL) IS NULL AS "and", (NULL - s) IS NULL AND (s - NULL) IS NULL AS minus, (NULL # s) IS NULL AND (s # NULL) IS NULL AS exclusive FROM hllset_of(1) s;

-- a small set beside a large or a saturated one: where nothing excludes 0, the interval holds it
SELECT name, lower, round(upper) AS upper
FROM (SELECT hll_add_agg(x) AS a FROM generate_series(1, 1000000) x) x, (SELECT hll_add_agg(-x) AS b, hll_add_agg(x) AS c, hll_add_agg(x, 4) AS d FROM generate_series(1, 4) x) y, (SELECT '\x01010401202008'::hllset AS f) z,
	LATERAL (VALUES (1, 'disjoint', a & b), (2, 'within', c - a), (3, 'saturated', f & d), (4, 'saturated', d - f)) v (n, name, value), hll_cardinality_bounds(value) ORDER BY n;

DROP TABLE base, triple, grown, crowd, met, form, copied, typed;
DROP FUNCTION apply(text, hllset, hllset), apply(text, bit, bit), large(int[]), tree(text, int);
