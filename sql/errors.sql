-- Every error: its SQLSTATE, message, detail and hint.

\set VERBOSITY terse
CREATE FUNCTION attempt(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE query INTO result;
	RETURN 'returned ' || coalesce(result, 'NULL');
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN concat_ws(' | ', state, message, nullif(detail, ''), nullif(hint, ''));
END $$;
CREATE FUNCTION each(queries text[]) RETURNS SETOF text LANGUAGE sql AS
$$
	SELECT q || E'\n    ' || attempt(q) FROM unnest(queries) WITH ORDINALITY u (q, n) ORDER BY n
$$;
\pset tuples_only on
\pset format unaligned

-- text
SELECT each(ARRAY[
	$$SELECT ''::hllset$$,
	$$SELECT 'abc'::hllset$$,
	$$SELECT '\x0'::hllset$$,
	$$SELECT '\X01010c01000000'::hllset$$,
	$$SELECT '\x01010c010000 00'::hllset$$,
	$$SELECT ' \x01010c01000000'::hllset$$,
	$$SELECT '\x01010c0100000g'::hllset$$,
	$$SELECT '\001'::hllset$$,
	$$SELECT repeat('x', 64)::hllset$$,
	$$SELECT repeat('x', 65)::hllset$$,
	$$SELECT repeat('ä', 1000)::hllset$$,
	$$SELECT '123'::hllhash$$]);
-- softly, where the server can
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		ASSERT pg_input_is_valid('\x01010c01000000', 'hllset') AND pg_input_is_valid('\x01010c01000000', 'hllset(10)');
		ASSERT NOT pg_input_is_valid('abc', 'hllset') AND NOT pg_input_is_valid('\x01010c0100', 'hllset') AND NOT pg_input_is_valid('\x01010a010001aef53a0d', 'hllset(13)');
		ASSERT NOT pg_input_is_valid('123', 'hllhash');
	END IF;
END $$;
-- each way in which bytes are no value (docs/format.md, What a reader refuses), as text
SELECT each(ARRAY[
	$$SELECT '\x'::hllset$$,
	$$SELECT '\x01010c01'::hllset$$,
	$$SELECT '\x01010c0100'::hllset$$,
	$$SELECT '\x01010c010000'::hllset$$,
	$$SELECT '\x01010c0100000000'::hllset$$,
	$$SELECT '\x02010c01000000'::hllset$$,
	$$SELECT '\x00010c01000000'::hllset$$,
	$$SELECT '\x01000c01000000'::hllset$$,
	$$SELECT '\x01020c01000000'::hllset$$,
	$$SELECT '\x01210c01000000'::hllset$$,
	$$SELECT '\x01010301000000'::hllset$$,
	$$SELECT '\x01011301000000'::hllset$$,
	$$SELECT '\x0101ff01000000'::hllset$$,
	$$SELECT '\x01010c00000000'::hllset$$,
	$$SELECT '\x01010c02000000'::hllset$$,
	$$SELECT '\x01010c01210000'::hllset$$,
	$$SELECT '\x01110c01100000'::hllset$$,
	$$SELECT '\x01110c01200000'::hllset$$,
	$$SELECT '\x010104010240c0d2'::hllset$$,
	$$SELECT '\x0101040100055e'::hllset$$,
	$$SELECT '\x0101040100493a60bf'::hllset$$,
	$$SELECT '\x01010c01000080'::hllset$$,
	$$SELECT '\x01010c01000008'::hllset$$]);
-- expressions and samples that are none
CREATE TABLE four AS
SELECT a, b, c, a - b AS x, (SELECT hll_intersect_agg(s) FROM (SELECT hll_add_agg(i * k, 4) AS s FROM generate_series(1, 7) i, generate_series(1, 50) k GROUP BY i) y) AS t, (a - b)::bytea AS e, substr((a - b)::bytea, 7, 4 + octet_length(a::bytea)) AS first, substr((a - b)::bytea, 11 + octet_length(a::bytea)) AS second
FROM (SELECT hll_add_agg(i, 4) AS a, hll_add_agg(-i, 4) AS b, hll_add_agg(2 * i, 4)::hllset(4, compact) AS c FROM generate_series(1, 50) i) x;
SELECT hll_kind(x), hll_kind(t) FROM four;
SELECT each(ARRAY[
	$$SELECT set_byte(e, 4, 1)::hllset FROM four$$,
	$$SELECT set_byte(e, 4, 7)::hllset FROM four$$,
	$$SELECT set_byte(e, 5, 9)::hllset FROM four$$,
	$$SELECT set_byte(e, 5, 18)::hllset FROM four$$,
	$$SELECT set_byte(e, 5, 10)::hllset FROM four$$,
	$$SELECT set_byte(e, 5, 14)::hllset FROM four$$,
	$$SELECT (substr(e, 1, 6) || second || first)::hllset FROM four$$,
	$$SELECT (substr(e, 1, 6) || first || first)::hllset FROM four$$,
	$$SELECT set_byte(e, 1, 18)::hllset FROM four$$,
	$$SELECT set_byte(e, 2, 5)::hllset FROM four$$,
	$$SELECT set_byte(e, 6, 200)::hllset FROM four$$,
	$$SELECT (e || '\x00')::hllset FROM four$$,
	$$SELECT substr(e, 1, 5)::hllset FROM four$$,
	$$SELECT substr(e, 1, octet_length(e) - 1)::hllset FROM four$$,
	$$SELECT set_byte(t::bytea, 4, 0)::hllset FROM four$$,
	$$SELECT set_byte(t::bytea, 4, 32)::hllset FROM four$$,
	$$SELECT set_byte(t::bytea, 1, 19)::hllset FROM four$$]);
-- what only a set can do, or be
SELECT each(ARRAY[
	$$SELECT hll_bits(x) FROM four$$,
	$$SELECT hll_bits(t) FROM four$$,
	$$SELECT x::hllset(4, compact) FROM four$$,
	$$SELECT t::hllset(4, compact) FROM four$$,
	$$SELECT (a & c)::hllset(4, compact) FROM four$$,
	$$SELECT (a & c)::hllset(4) FROM four$$,
	$$SELECT x::hllset(5) FROM four$$,
	$$SELECT t & c FROM four$$,
	$$SELECT hll_venn(t, c) FROM four$$,
	$$SELECT t <@ c FROM four$$,
	$$SELECT t && c FROM four$$,
	$$SELECT hll_union_agg(v) FROM four, LATERAL (VALUES (t), (c)) y (v)$$]);
DROP TABLE four;
-- binary, by cast; COPY BINARY is below
SELECT each(ARRAY[
	$$SELECT ''::bytea::hllset$$,
	$$SELECT '\x01010c010000'::bytea::hllset$$,
	$$SELECT '\x01010c0100000000'::bytea::hllset$$,
	$$SELECT '\x02010c01000000'::bytea::hllset$$,
	$$SELECT 'any text'::bytea::hllset$$,
	$$SELECT hllset('\x01020c01000000'::bytea)$$]);
-- stored bytes that went bad: made by a cast that does not look
CREATE FUNCTION unchecked(bytea, integer, boolean) RETURNS hllset AS '$libdir/hllset', 'hllset_coerce' LANGUAGE C STRICT;
CREATE TABLE corrupted (s hllset);
INSERT INTO corrupted VALUES (unchecked('\x01010c010000', -1, true));
SELECT each(ARRAY[
	$$SELECT # s FROM corrupted$$,
	$$SELECT hll_relative_error(s) FROM corrupted$$,
	$$SELECT hll_cardinality_bounds(s) FROM corrupted$$,
	$$SELECT hll_precision(unchecked('\x01010c', -1, true))$$,
	$$SELECT hll_kind(s) FROM corrupted$$,
	$$SELECT hll_info(s) FROM corrupted$$,
	$$SELECT hll_digest(s) FROM corrupted$$,
	$$SELECT hll_bits(s) FROM corrupted$$,
	$$SELECT hll_fold(s, 4) FROM corrupted$$,
	$$SELECT s::hllset(4) FROM corrupted$$,
	$$SELECT s::hllset(4, compact) FROM corrupted$$,
	$$SELECT s | hllset_empty() FROM corrupted$$,
	$$SELECT hllset_empty() | s FROM corrupted$$,
	$$SELECT hll_add(s, 1) FROM corrupted$$,
	$$SELECT hll_may_contain(s, 1) FROM corrupted$$,
	$$SELECT hll_union_agg(s) FROM corrupted$$,
	$$SELECT hll_intersect_agg(s) FROM corrupted$$,
	$$SELECT hll_intersect_agg(s) FROM (SELECT hllset_of(i) AS s FROM generate_series(1, 6) i UNION ALL TABLE corrupted) x$$,
	$$SELECT s & hllset_of(1) FROM corrupted$$,
	$$SELECT hllset_of(1) - s FROM corrupted$$,
	$$SELECT hll_venn(s, hllset_of(1)) FROM corrupted$$,
	$$SELECT hll_jaccard(hllset_of(1), s) FROM corrupted$$,
	$$SELECT s @> hllset_of(1) FROM corrupted$$,
	$$SELECT s && hllset_of(1) FROM corrupted$$,
	$$SELECT hll_diff(s, hllset_of(1)) FROM corrupted$$,
	$$SELECT hll_union_agg(s) FROM (SELECT hllset_of(1) AS s UNION ALL TABLE corrupted) x$$,
	$$SELECT s = hllset_empty() FROM corrupted$$,
	$$SELECT s FROM corrupted$$]);
\setenv file `mktemp`
\copy corrupted TO PROGRAM 'cat >"$file"' (FORMAT binary)
\copy corrupted FROM PROGRAM 'cat "$file"' (FORMAT binary)
\copy corrupted TO PROGRAM 'cat >"$file"'
\copy corrupted FROM PROGRAM 'cat "$file"'
\! rm "$file"
-- precision and form
SELECT each(ARRAY[
	$$SELECT hllset_empty(3)$$,
	$$SELECT hllset_empty(19)$$,
	$$SELECT hllset_empty(-2147483648)$$,
	$$SELECT hll_fold(hllset_empty(), 3)$$,
	$$SELECT hll_fold(hllset_empty(), 19)$$,
	$$SELECT hll_fold(hllset_of(1), 13)$$,
	$$SELECT hllset_of(1)::hllset(10)::hllset(12)$$,
	$$SELECT hllset_of(1)::hllset(10)::hllset(12, compact)$$,
	$$SELECT '\x01010a010001aef53a0d'::hllset(12)$$,
	$$SELECT hllset_of(1)::hllset(12, compact)::hllset(12)$$,
	$$SELECT hllset_of(1)::hllset(12, compact)::hllset(10)$$,
	$$SELECT hllset_of(1)::hllset(10, compact)::hllset(12)$$,
	$$SELECT hll_add_agg(1, 3)$$,
	$$SELECT hll_add_agg(1, NULL)$$,
	$$SELECT approx_count_distinct(1, 19)$$]);
-- type modifiers
SELECT each(ARRAY[
	$$SELECT NULL::hllset(3)$$,
	$$SELECT NULL::hllset(19)$$,
	$$SELECT NULL::hllset(compact)$$,
	$$SELECT NULL::hllset(12.5)$$,
	$$SELECT NULL::hllset('')$$,
	$$SELECT NULL::hllset(99999999999)$$,
	$$SELECT NULL::hllset(-12)$$,
	$$SELECT NULL::hllset(12, dense)$$,
	$$SELECT NULL::hllset(12, 'Compact')$$,
	$$SELECT NULL::hllset(12, 12)$$,
	$$SELECT NULL::hllset(12, compact, compact)$$,
	$$SELECT hllset_typmod_in('{}')$$,
	$$SELECT hllset_typmod_in('{{12},{compact}}')$$,
	$$SELECT hllset_typmod_in('{12,NULL}')$$,
	$$SELECT hllset(hllset_empty(), 64, true)$$,
	$$SELECT hllset(hllset_empty(), 1000000, true)$$,
	$$SELECT hllset(hllset_empty(), 76, true)$$,
	$$SELECT hllset(hllset_empty(), -2, true)$$,
	$$SELECT hllset_in('\x01010c01000000', 0, 76)$$,
	$$SELECT hllset_typmod_out(76)$$,
	$$SELECT hllset_typmod_out(3)$$]);
-- wherever a modifier is read: what its five bits of precision and that of compact may say, and that each further bit is refused
CREATE TABLE reader (call text);
INSERT INTO reader VALUES ('hllset(hllset_empty(18), %s, true)'), ($$hllset_in('\x0101120100000000', 0, %s)$$), ('hllset_typmod_out(%s)');
SELECT call, count(*) FILTER (WHERE precision BETWEEN 4 AND 18 AND outcome ~ '^returned') AS accepted,
	count(*) FILTER (WHERE precision NOT BETWEEN 4 AND 18 AND outcome LIKE format('22023 | hllset precision %s is out of range%%', precision)) AS refused
FROM reader, generate_series(0, 63) modifier, LATERAL (SELECT modifier & 31, attempt(format('SELECT ' || call, modifier))) y (precision, outcome)
GROUP BY call ORDER BY call;
SELECT call, count(*) AS modifiers, count(*) FILTER (WHERE outcome LIKE format('22023 | invalid type modifier for type hllset: "%s"%%', modifier)) AS refused
FROM reader, generate_series(0, 63) known, generate_series(6, 31) further, LATERAL (SELECT known | 1 << further) y (modifier),
	LATERAL (SELECT attempt(format('SELECT ' || call, modifier))) z (outcome)
GROUP BY call ORDER BY call;
DROP TABLE reader;
-- elements
SET client_min_messages = warning;
CREATE TYPE inner_json AS (a int, b json);
SELECT each(ARRAY[
	$$SELECT hll_hash('{}'::json)$$,
	$$SELECT hll_hash('(1,2)'::point)$$,
	$$SELECT hll_add(hllset_empty(), '<a/>'::xml)$$,
	$$SELECT hll_may_contain(hllset_empty(), '{}'::json)$$,
	$$SELECT hll_add_agg('{}'::json)$$,
	$$SELECT approx_count_distinct('{}'::json)$$,
	$$SELECT hll_hash(ARRAY['{}'::json])$$,
	$$SELECT hll_hash(ROW(1, '{}')::inner_json)$$,
	$$SELECT hllset_of('{}'::json)$$,
	$$SELECT hll_add_agg(hllset_empty())$$,
	$$SELECT hll_add(hllset_empty(), hllset_empty())$$,
	$$SELECT approx_count_distinct(hllset_empty())$$,
	$$SELECT hll_hash(hll_hash(1))$$,
	$$SELECT hllset_of(hll_hash(1))$$]);
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT each(ARRAY[
	$$SELECT hll_hash('a' COLLATE loose)$$,
	$$SELECT hll_add(hllset_empty(), 'a' COLLATE loose)$$,
	$$SELECT hll_add_agg('a' COLLATE loose)$$,
	$$SELECT hll_hash(ARRAY['a' COLLATE loose])$$,
	$$SELECT hll_hash('a' COLLATE "C") = hll_hash('a' COLLATE loose COLLATE "POSIX")$$]);
-- confidence
SELECT each(ARRAY[
	$$SELECT hll_cardinality_bounds(hllset_empty(), 0)$$,
	$$SELECT hll_cardinality_bounds(hllset_empty(), 1)$$,
	$$SELECT hll_cardinality_bounds(hllset_empty(), 'NaN')$$]);
-- support functions are not for use by hand; how the server says so depends on its version
SELECT q || ' ' || CASE WHEN attempt(q) ~ '^(0A000|42883)' THEN 'is refused' ELSE attempt(q) END FROM unnest(ARRAY[
	$$SELECT hll_accum_final(NULL)$$,
	$$SELECT hll_accum_combine(NULL, NULL)$$,
	$$SELECT hll_accum_deserialize('\x01010c010000', NULL)$$,
	$$SELECT hll_union_deserialize('\x00', NULL)$$,
	$$SELECT hll_intersect_final(NULL)$$,
	$$SELECT hllset_recv(NULL, 0, -1)$$]) q;

DROP COLLATION loose;
DROP TYPE inner_json;
DROP TABLE corrupted;
DROP FUNCTION unchecked(bytea, integer, boolean), each(text[]), attempt(text);
