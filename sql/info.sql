-- What a value says about itself; other kinds than sets: algebra.sql.

SELECT hll_info(hllset_empty());
SELECT hll_info(hllset_of(1, 2, 3));
SELECT hll_precision(hllset_empty(18)), hll_kind(hllset_empty());
CREATE TABLE sets AS
SELECT p, n, (SELECT hll_add_agg(x, p) FROM generate_series(1, n) x) AS s FROM (VALUES (4), (12)) AS v (p), (VALUES (3), (2000), (100000)) AS w (n);
SELECT bool_and((hll_info(s) ->> 'bytes')::int = octet_length(s::bytea) AND (hll_info(s) ->> 'precision')::int = p AND hll_precision(s) = p) AS agree FROM sets;
-- bytes 2 and 4 of a value are the precision and L0 (docs/format.md)
SELECT bool_and((hll_info(s) ->> 'level0')::int = get_byte(s::bytea, 4) AND p = get_byte(s::bytea, 2)) AS header FROM sets;
SELECT p, n, hll_info(s) ->> 'level0' = '0' AS small, hll_info(s::hllset(4, compact)) -> 'level0' AS compact_level0 FROM sets ORDER BY p, n;

-- the bits are those of the elements' hashes: level = leading zeros, bucket = low bits
CREATE FUNCTION bits_of(n int, p int) RETURNS TABLE (bucket int, level int) LANGUAGE sql AS
$$
	SELECT DISTINCT (h & ((1 << p) - 1))::int, least(strpos(h::bit(64)::text, '1') - 1, 31)
	FROM (SELECT hll_hash(x)::bigint AS h FROM generate_series(1, n) x) y
$$;
SELECT p, n, count(*) = (SELECT count(*) FROM bits_of(n, p)) AS as_many,
	NOT EXISTS (SELECT FROM (SELECT * FROM hll_bits(s) EXCEPT SELECT * FROM bits_of(n, p)) z) AS equal
FROM sets, hll_bits(s) GROUP BY p, n, s ORDER BY p, n;
SELECT * FROM hll_bits(hllset_empty());
SELECT array_agg(b) = array_agg(b ORDER BY b.bucket, b.level) AS in_order FROM hll_bits(hllset_of(1, 2, 3, 4, 5, 6, 7, 8)) b;
SELECT count(*) FROM (SELECT (hll_bits(s)).* FROM sets WHERE n = 3 LIMIT 4) x;
SELECT bucket IS NOT NULL FROM hll_bits(hllset_of(1, 2, 3)) LIMIT 1;

-- equal sets have equal ids, others don't
SELECT hll_digest(hllset_of(1, 2)) = hll_digest(hllset_of(2, 1)) AS equal, count(DISTINCT hll_digest(s)) AS ids FROM sets;
SELECT hll_precision(NULL) IS NULL, hll_kind(NULL) IS NULL, hll_info(NULL) IS NULL, hll_digest(NULL) IS NULL, (SELECT count(*) FROM hll_bits(NULL));

DROP FUNCTION bits_of(int, int);
DROP TABLE sets;
