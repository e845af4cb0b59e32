-- hll_signature: the largest keys of the elements.

-- of small sets all elements, by the definition in docs/format.md
CREATE FUNCTION key_of(h hllhash, bits integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT least(position('1' in h::bigint::bit(64)::text || '1') - 1, 31) << bits | (h::bigint & ((1 << bits) - 1))::integer
$$;
SELECT n, cardinality(hll_signature(s)) AS keys, hll_signature(s) = model AS is_defined_so
FROM (SELECT n, hll_add_agg(x) AS s, (SELECT array_agg(k ORDER BY k) FROM (SELECT DISTINCT key_of(hll_hash(x), 18) AS k FROM generate_series(1, n) x ORDER BY 1 DESC LIMIT 64) y) AS model
	FROM (VALUES (1), (10), (63), (64), (65), (1000), (1100), (20000)) v (n), generate_series(1, n) x GROUP BY n) z
ORDER BY n;
SELECT hll_signature(hllset_empty()), hll_signature(hllset_of(1, 2, 3)), hll_signature(hllset_of(1, 2, 3), 2), hll_signature(hllset_of(1, 2, 3), keys => 1);
SELECT hll_signature(NULL), hll_signature(hllset_of(1), NULL);

-- the same at every precision, and of a small set in either form
SELECT n, count(DISTINCT hll_signature(s)) AS signatures
FROM (VALUES (100), (1000), (50000)) v (n), generate_series(10, 18) p, LATERAL (SELECT hll_add_agg(x, p) AS s FROM generate_series(1, n) x) y
GROUP BY n ORDER BY n;
SELECT hll_signature(s) = hll_signature(s::hllset(10)) AND hll_signature(s) = hll_signature(s::hllset(12, compact)) AS same FROM (SELECT hll_add_agg(x) AS s FROM generate_series(1, 200) x) y;

-- as many as are wanted, up to 2^p / 16
SELECT p, bool_and(hll_signature(s, k) = (SELECT array_agg(x) FROM unnest(hll_signature(s, (2 ^ p / 16)::int)) WITH ORDINALITY u (x, i) WHERE i > 2 ^ p / 16 - k)) AS suffixes
FROM (VALUES (10), (12), (14)) v (p), LATERAL (SELECT hll_add_agg(x, p) AS s FROM generate_series(1, 30000) x) y, generate_series(1, (2 ^ p / 16)::int, 9) k
GROUP BY p ORDER BY p;

-- of a union, of both: the 64 largest
WITH part AS (SELECT i, (SELECT hll_add_agg(x, 10 + i % 4) FROM generate_series(i * 500, i * 500 + i * i * 100) x) AS s FROM generate_series(1, 12) i)
SELECT count(*), bool_and(hll_signature(a.s | b.s) = (SELECT array_agg(x ORDER BY x) FROM (SELECT x FROM unnest(hll_signature(a.s)) x UNION SELECT x FROM unnest(hll_signature(b.s)) x ORDER BY 1 DESC LIMIT 64) y)) AS merge
FROM part a, part b;
DROP FUNCTION key_of(hllhash, integer);
