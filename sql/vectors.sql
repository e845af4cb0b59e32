-- test/vectors.tsv, written by the second implementation (docs/format.md, Test vectors): the server hashes, builds, unites, folds
-- and refuses alike. Shown are the number of lines of each kind, and what differs.
CREATE SCHEMA vectors;
SET search_path = vectors, public;
SET client_min_messages = warning;
SET lc_monetary = 'C';
SET client_encoding = 'UTF8';

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'größer');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN posint AS int CHECK (VALUE > 0);

-- Whole lines, for the kinds have different columns: neither delimiter nor quote occurs.
CREATE TABLE file (number serial, line text);
\copy file (line) FROM PROGRAM 'cat "${PG_ABS_SRCDIR:-.}/test/vectors.tsv"' (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02', ENCODING 'UTF8')
CREATE VIEW vector AS
    SELECT number, f[1] AS kind, f[2] AS a, f[3] AS b, f[4] AS c, f[5] AS d, f[6] AS e, f[7] AS f
    FROM file, string_to_array(line, E'\t') AS f
    WHERE line NOT LIKE '#%';
SELECT kind, count(*) FROM vector GROUP BY kind ORDER BY kind;

CREATE FUNCTION evaluate(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE 'SELECT (' || expression || ')::text' INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- ---- hash: type, literal, family, canonical bytes, hash ----

SELECT a AS type, left(b, 60) AS literal, e AS hash, evaluate(format('hll_hash(%L::%s)', b, a)) AS here
FROM vector
WHERE kind = 'hash' AND e IS DISTINCT FROM evaluate(format('hll_hash(%L::%s)', b, a))
ORDER BY number;

-- added to a set and by an aggregate
SELECT a AS type, left(b, 60) AS literal, e AS hash
FROM vector
WHERE kind = 'hash' AND 'true' IS DISTINCT FROM evaluate(format(
    'SELECT hll_add_agg(x) = s AND hll_add(hllset_empty(), %2$L::%3$s) = s
    FROM (VALUES (%2$L::%3$s)) AS v (x), hll_add(hllset_empty(), %1$L::hllhash) AS s GROUP BY s', e, b, a))
ORDER BY number;

-- ---- keyed: type, literal, key, family, canonical bytes, hash ----

-- so many small statements need no workers, where the server is made to start them
SET max_parallel_workers_per_gather = 0;
SELECT a AS type, left(b, 60) AS literal, f AS hash, evaluate(format('hll_hash(%L::%s, %L)', b, a, '\x' || c)) AS here
FROM vector
WHERE kind = 'keyed' AND f IS DISTINCT FROM evaluate(format('hll_hash(%L::%s, %L)', b, a, '\x' || c))
ORDER BY number;

RESET max_parallel_workers_per_gather;

-- ---- coupon: hash, level, address, key ----

SELECT a AS hash, d AS key, hll_coupon(a::hllhash)
FROM vector
WHERE kind = 'coupon' AND hll_coupon(a::hllhash) IS DISTINCT FROM d::int;

SELECT a AS hash, b AS level, c AS address, bits.*
FROM vector LEFT JOIN LATERAL hll_bits(hll_add(hllset_empty(18), a::hllhash)) AS bits ON true
WHERE kind = 'coupon' AND (bits.level, bits.bucket) IS DISTINCT FROM (b::int, c::int & 262143)
ORDER BY number;

-- ---- set: precision, form, first, last, bytes; digest: precision, form, first, last, size, digest ----

CREATE FUNCTION build(p int, form text, first bigint, last bigint) RETURNS hllset LANGUAGE plpgsql AS $$
DECLARE
    s hllset := coalesce((SELECT hll_add_agg(x, p) FROM generate_series(first, last) AS x), hllset_empty(p));
BEGIN
    RETURN evaluate(format('%L::hllset(%s%s)', s, p, CASE form WHEN 'compact' THEN ', compact' ELSE '' END));
END
$$;

SELECT number, a AS p, b AS form, c AS first, d AS last
FROM vector
WHERE kind = 'set' AND build(a::int, b, c::bigint, d::bigint)::text IS DISTINCT FROM '\x' || e
ORDER BY number;

SELECT number, a AS p, b AS form, c AS first, d AS last
FROM vector, build(a::int, b, c::bigint, d::bigint) AS s
WHERE kind = 'digest' AND (octet_length(s::bytea), hll_digest(s)) IS DISTINCT FROM (e::int, f::uuid)
ORDER BY number;

-- bytes that were written elsewhere are worth the server's own
SELECT number, a AS p, b AS form, c AS first, d AS last
FROM vector, CAST('\x' || e AS hllset) AS s, build(a::int, b, c::bigint, d::bigint) AS own
WHERE kind = 'set' AND (s, hll_precision(s), hll_cardinality(s)) IS DISTINCT FROM (own, a::int, hll_cardinality(own))
ORDER BY number;

-- ---- hashes: precision, form, hashes, bytes ----

SELECT number, a AS p, b AS form, c AS hashes
FROM vector
WHERE kind = 'hashes' AND evaluate(format('(SELECT hll_add_agg(x::hllhash, %s) FROM unnest(string_to_array(%L, '' '')) AS x)::hllset(%s%s)',
    a, c, a, CASE b WHEN 'compact' THEN ', compact' ELSE '' END)) IS DISTINCT FROM '\x' || d
ORDER BY number;

-- ---- union: bytes, bytes, bytes of the result; fold: bytes, precision, form, bytes of the result ----

SELECT number
FROM vector
WHERE kind = 'union' AND ((('\x' || a)::hllset | ('\x' || b)::hllset)::text IS DISTINCT FROM '\x' || c
    OR (('\x' || b)::hllset | ('\x' || a)::hllset)::text IS DISTINCT FROM '\x' || c)
ORDER BY number;

SELECT number
FROM vector
WHERE kind = 'fold' AND evaluate(format('hll_fold(%L::hllset, %s)%s', '\x' || a, b,
        CASE c WHEN 'graded' THEN format('::hllset(%s)', b) WHEN 'compact' THEN format('::hllset(%s, compact)', b) ELSE '' END))
    IS DISTINCT FROM '\x' || d
ORDER BY number;

-- ---- combine: operation, bytes, bytes, bytes of the result or refused ----

SELECT hll_kind(('\x' || d)::hllset) AS kind, count(*) FROM vector WHERE kind = 'combine' AND d <> 'refused' GROUP BY 1 ORDER BY 1;

SELECT number, a AS operation, made
FROM vector, evaluate(format('%L::hllset %s %L', '\x' || b, a, '\x' || c)) AS made
WHERE kind = 'combine' AND made IS DISTINCT FROM '\x' || d AND (d <> 'refused' OR made ~ '^\\x')
ORDER BY number;

SELECT DISTINCT evaluate(format('%L::hllset %s %L', '\x' || b, a, '\x' || c)) AS refused
FROM vector
WHERE kind = 'combine' AND d = 'refused';

-- ---- sample: bytes, least level, level, keys ----

SET max_parallel_workers_per_gather = 0;
SELECT number, evaluate(format('hll_sample_rate(%L, %s)', '\x' || a, b)) AS rate,
    evaluate(format('(SELECT string_agg(k::text, '' '') FROM hll_sample(%L, %s) k)', '\x' || a, b)) AS keys
FROM vector
WHERE kind = 'sample' AND c NOT LIKE '% %' AND (evaluate(format('hll_sample_rate(%L, %s)::numeric', '\x' || a, b))::numeric IS DISTINCT FROM 2.0 ^ -c::int
    OR coalesce(evaluate(format('(SELECT string_agg(k::text, '' '') FROM hll_sample(%L, %s) k)', '\x' || a, b)), '') <> d)
ORDER BY number;

SELECT c AS reason, evaluate(format('hll_sample_rate(%L, %s)', '\x' || a, b)) AS rate, evaluate(format('(SELECT count(*) FROM hll_sample(%L, %s))', '\x' || a, b)) AS keys, count(*)
FROM vector
WHERE kind = 'sample' AND c LIKE '% %'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;
RESET max_parallel_workers_per_gather;

-- ---- refuse: bytes, reason; accept: bytes ----

CREATE FUNCTION attempt(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE 'SELECT ' || expression;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ': ' || detail;
END
$$;

SELECT b AS reason, attempt(format('%L::hllset', '\x' || a)) AS "as text", attempt(format('%L::bytea::hllset', '\x' || a)) AS "as bytea", count(*)
FROM vector
WHERE kind = 'refuse'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

SELECT number FROM vector WHERE kind = 'accept' AND evaluate(format('%L::hllset', '\x' || a)) IS DISTINCT FROM '\x' || a ORDER BY number;

DROP SCHEMA vectors CASCADE;
