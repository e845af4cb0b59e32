-- Hostile bytes: values that were mutated are refused at the door; if they lie in a table all the same, each function reports them or works.

\set VERBOSITY terse
-- some hundred thousand small statements, for which no worker should be started where the server is made to
SET max_parallel_workers_per_gather = 0;
CREATE TABLE seed AS
SELECT id, (SELECT hll_add_agg(hll_hash(x), p) FROM generate_series(1, n) x)::bytea AS b
FROM ROWS FROM (unnest('{4,4,12,8,4,8,8,12,12,12,12,8,4,8,4,12,8,4}'::int[]), unnest('{60,1,1,3000,3000,60,15,60,100000,3000,15,100000,900,1,100000,900,900,15}'::int[])) WITH ORDINALITY v (p, n, id);
INSERT INTO seed SELECT id + 100, b::hllset::hllset(4, compact)::bytea FROM seed;
-- the n-th mutation of a value: a byte changed, a bit flipped, cut, lengthened, or its header exchanged; the same on every server
CREATE FUNCTION mutate(b bytea, n bigint) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	h bigint := ('x' || substr(md5(n::text), 1, 15))::bit(60)::bigint;
	at int := (h >> 8) % octet_length(b);
BEGIN
	-- most of what matters is decided in the first bytes
	IF h & 64 = 0 THEN
		at := at % least(octet_length(b), 12);
	END IF;
	RETURN CASE h % 7
		WHEN 0 THEN set_byte(b, at, ((h >> 32) & 255)::int)
		WHEN 1 THEN set_bit(b, at * 8 + ((h >> 32) & 7)::int, 1 - get_bit(b, at * 8 + ((h >> 32) & 7)::int))
		WHEN 2 THEN substr(b, 1, at)
		WHEN 3 THEN b || substr(b, at + 1, ((h >> 32) & 15)::int)
		WHEN 4 THEN set_byte(b, 4, ((h >> 32) % 34)::int)
		WHEN 5 THEN set_byte(b, 2, 4 + ((h >> 32) % 15)::int)
		ELSE substr(b, 1, at) || decode(md5(h::text), 'hex') || substr(b, at + 17)
	END;
END $$;
CREATE FUNCTION unchecked(bytea, integer, boolean) RETURNS hllset AS '$libdir/hllset', 'hllset_coerce' LANGUAGE C STRICT;

-- What a call makes of a value: 'ok', or its SQLSTATE. A value that passed validation must pass everywhere, one that did not nowhere.
CREATE FUNCTION outcome(call text, s hllset) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || call USING s;
	RETURN 'ok';
EXCEPTION
	WHEN data_corrupted OR invalid_binary_representation OR invalid_text_representation OR invalid_parameter_value OR program_limit_exceeded THEN
		RETURN SQLSTATE;
END $$;
CREATE TABLE mutant AS
SELECT seed.id, m.b, outcome('$1::bytea::hllset', unchecked(m.b, -1, true)) AS door
FROM seed, generate_series(1, 250) n, mutate(b, seed.id * 1000 + n) m (b);
SELECT count(*) AS mutants, count(*) FILTER (WHERE door = 'ok') BETWEEN 1 AND 4000 AS some_are_values, count(*) FILTER (WHERE door = '22P03') > 4000 AS most_are_refused,
	count(*) FILTER (WHERE door NOT IN ('ok', '22P03')) AS others FROM mutant;
-- what passes is canonical: writing it again through any function that rebuilds it changes nothing
SELECT count(*) FROM (SELECT b::hllset AS s, b FROM mutant WHERE door = 'ok') x
WHERE (s | s)::bytea <> b OR hll_fold(s, hll_precision(s))::bytea <> b OR s::text::hllset::bytea <> b
	OR (SELECT hll_union_agg(y) FROM (VALUES (s), (NULL)) v (y))::bytea <> b
	OR NOT (# s >= 0 AND # s < 'infinity' AND hll_relative_error(s) >= 0);
-- the functions agree with the door, but for those that return the value as it is, seeing from its header that nothing is to be done;
-- a count reads no positions, nor does a union of equal bytes, and an element that is there is found without reading on
SELECT call, count(*) AS differ FROM mutant, unnest(ARRAY['hll_relative_error($1)', 'hll_cardinality_bounds($1)', 'hll_info($1)', 'hll_digest($1)', 'count(*) FROM hll_bits($1)',
	'hll_fold($1, 4)', '$1 | hllset_empty(4)', 'hllset_of(1, 2) | $1', 'hll_union_agg($1)', '$1::hllset(4, compact)', 'hll_may_contain($1, 1)', '$1::text::hllset']) call
WHERE (outcome(call, unchecked(b, -1, true)) = 'ok') <> (door = 'ok')
	AND NOT (call ~ '4' AND call ~ 'fold|compact' AND octet_length(b) > 2 AND get_byte(b, 2) = 4) GROUP BY call;
SELECT count(*) FROM mutant, unnest(ARRAY['# $1', '$1 | $1', 'hll_add($1, hll_hash(1))']) call
WHERE outcome(call, unchecked(b, -1, true)) NOT IN ('ok', 'XX001') OR door = 'ok' AND outcome(call, unchecked(b, -1, true)) <> 'ok';

-- a sample reads tokens only, and refuses coarse values first
SELECT count(*) FROM mutant, unnest(ARRAY['count(*) FROM hll_sample($1)', 'hll_sample_rate($1)', 'count(*) FROM hll_regions($1, hllset_of(1), $1)']) call, outcome(call, unchecked(b, -1, true)) o
WHERE o NOT IN ('ok', 'XX001', '22023') OR door = 'ok' AND o = 'XX001' OR door = 'ok' AND o <> 'ok' AND call ~ 'regions';

-- two operands of different bytes, of which either may be bad; that a compact set and a sample have no union is seen before their positions are
SELECT count(*) AS pairs, count(*) FILTER (WHERE CASE WHEN a = 'ok' AND b = 'ok' THEN union_of <> 'ok' ELSE union_of NOT IN ('XX001', '54000') END) AS wrong
FROM (SELECT door AS a, lead(door) OVER w AS b, lead(mutant.b) OVER w <> mutant.b AS differ, outcome(format('$1 | unchecked(%L, -1, true)', lead(b) OVER w), unchecked(b, -1, true)) AS union_of
	FROM mutant WINDOW w AS (ORDER BY md5(b::text))) x WHERE b IS NOT NULL AND differ;
-- as text: digits are read as they stand
SELECT count(*) AS differ FROM mutant WHERE door <> 'ok' AND outcome('$1::text::hllset', unchecked(b, -1, true)) <> '22P02';

-- expressions and samples
TRUNCATE seed, mutant;
INSERT INTO seed
SELECT row_number() OVER () + 200, v::bytea
FROM (VALUES (4), (8)) v (p), LATERAL (SELECT hll_add_agg(hll_hash(x), p) AS a, hll_add_agg(hll_hash(x + 999), p) AS b, hll_add_agg(hll_hash(x * 3), p)::hllset(4, compact) AS c FROM generate_series(1, 2000) x) y,
	LATERAL (VALUES (a & b), (a - c), ((a # b) - c), ((SELECT hll_intersect_agg(hll_add(a, -i)) FROM generate_series(1, 7) i)), ((SELECT hll_intersect_agg(hll_add(a, -i)) - b FROM generate_series(1, 5) i))) z (v);
INSERT INTO mutant
SELECT seed.id, m.b, outcome('$1::bytea::hllset', unchecked(m.b, -1, true)) FROM seed, generate_series(1, 400) n, mutate(b, seed.id * 1000 + n) m (b);
SELECT count(*) AS mutants, count(*) FILTER (WHERE door = 'ok') BETWEEN 1 AND 2000 AS some_are_values, count(*) FILTER (WHERE door = '22P03') > 2000 AS most_are_refused,
	count(*) FILTER (WHERE door NOT IN ('ok', '22P03')) AS others, count(DISTINCT CASE WHEN door = 'ok' THEN hll_kind(b::hllset) END) AS kinds FROM mutant;
SELECT count(*) FROM (SELECT b::hllset AS s, b FROM mutant WHERE door = 'ok') x
WHERE (s | s)::bytea <> b OR hll_fold(s, hll_precision(s))::bytea <> b OR s::text::hllset::bytea <> b OR (s & s)::bytea <> b
	OR (SELECT hll_union_agg(y) FROM (VALUES (s), (NULL)) v (y))::bytea <> b OR NOT (# s >= 0 AND # s < 'infinity' AND hll_relative_error(s) >= 0);
-- an operation that copies a source as it is need not see that it is bad; one that reads it all does
SELECT call, count(*) AS differ FROM mutant, unnest(ARRAY['hll_relative_error($1)', 'hll_info($1)', 'hll_kind($1)', 'hll_digest($1)', '$1::text::hllset']) call
WHERE (outcome(call, unchecked(b, -1, true)) = 'ok') <> (door = 'ok') AND NOT (call ~ '#|error' AND substr(b, 2, 1) IN ('\x02', '\x12')) GROUP BY call;
SELECT count(*) > 40000 AS survived, count(*) FILTER (WHERE door = 'ok' AND o = 'XX001') AS wrongly_refused
FROM mutant, unnest(ARRAY['# $1', 'hll_cardinality_bounds($1)', 'count(*) FROM hll_bits($1)', 'hll_fold($1, 4)', 'hll_add($1, 1)', 'hllset_of(1, 2) | $1', '$1 & hllset_of(1)', '$1 # $1', 'hllset_of(1) - $1', 'hll_union_agg($1)', 'hll_intersect_agg($1)',
	'$1::hllset(4)', '$1::hllset(4, compact)', 'hll_may_contain($1, 1)', 'hll_venn($1, hllset_of(1))', '$1 @> hllset_of(1)', '$1 && hllset_of(1)', 'hll_jaccard($1, $1)']) call, outcome(call, unchecked(b, -1, true)) o;
SELECT count(*) > 4000 AS pairs, count(*) FILTER (WHERE a = 'ok' AND b = 'ok' AND o NOT IN ('ok', '54000')) AS wrongly_refused
FROM (SELECT door AS a, lead(door) OVER w AS b, outcome(format(q, lead(b) OVER w), unchecked(b, -1, true)) AS o
	FROM mutant, unnest(ARRAY['$1 & unchecked(%L, -1, true)', 'hll_venn($1, unchecked(%1$L, -1, true), unchecked(%1$L, -1, true) | hllset_of(1))', '# ($1 - unchecked(%L, -1, true))', '($1 # unchecked(%L, -1, true)) && $1']) q
	WHERE id % 2 = 0 WINDOW w AS (PARTITION BY q ORDER BY md5(b::text))) x WHERE b IS NOT NULL;

DROP TABLE seed, mutant;
DROP FUNCTION mutate(bytea, bigint), unchecked(bytea, integer, boolean), outcome(text, hllset);
