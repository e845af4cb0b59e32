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

-- keys of hashes, samples, regions
SELECT each(ARRAY[
	$$SELECT hll_hash(1, NULL)$$,
	$$SELECT hll_hash(1, '\x00')$$,
	$$SELECT hll_hash(hll_hash(1), '0123456789abcdef')$$,
	$$SELECT hll_sample(hllset_of(1), 32)$$,
	$$SELECT hll_sample_rate(hllset_of(1), -1)$$,
	$$SELECT hll_sample(hll_fold(hllset_of(1), 11))$$,
	$$SELECT hll_sample_rate((SELECT hll_add_agg(x) FROM generate_series(1, 2000) x)::hllset(12, compact))$$,
	$$SELECT hll_regions(hllset_of(1), NULL)$$,
	$$SELECT hll_regions(VARIADIC array_fill(hllset_of(1), ARRAY[7]))$$,
	$$SELECT hll_regions(VARIADIC array_agg(s)) FROM (SELECT hll_intersect_agg(e) AS s FROM generate_series(1, 4) k, generate_series(1, 6) n, LATERAL (SELECT hll_add_agg(x) AS e FROM generate_series(1, 1000 * (6 * k + n)) x) e GROUP BY k) x$$]);

-- keys of sets, and queries by them: coarse, compact, expressions, samples, and sets of elements that were chosen by their hashes
CREATE TABLE keyless AS
SELECT (SELECT hll_add_agg(x, 9) FROM generate_series(1, 3) x) AS p9, (SELECT hll_add_agg(x, 11) FROM generate_series(1, 3) x) AS p11,
	(SELECT hll_add_agg(x) FROM generate_series(1, 2000) x)::hllset(12, compact) AS compact,
	(SELECT hll_add_agg(x) - hll_add_agg(x + 1000) FROM generate_series(1, 3000) x) AS expression,
	(SELECT hll_intersect_agg(s) FROM (SELECT hll_add_agg(i * k) AS s FROM generate_series(1, 7) i, generate_series(1, 9000) k GROUP BY i) y) AS sample,
	(SELECT hll_add_agg(hll_hash(x)) FROM generate_series(1, 4000) x WHERE hll_hash(x)::bigint < 0) AS chosen;
CREATE TABLE searched (s hllset);
CREATE TABLE contained (s hllset);
CREATE INDEX ON searched USING gin (s);
CREATE INDEX ON contained USING gin (s hllset_contain_ops);
SELECT hll_info(chosen) ->> 'tokens' AS tokens FROM keyless;
SELECT each(ARRAY[
	$$SELECT hll_signature(p9) FROM keyless$$,
	$$SELECT hll_similar_to(p9) FROM keyless$$,
	$$SELECT hll_within(p11) FROM keyless$$,
	$$SELECT p9 % hll_similar_to(hllset_of(1)) FROM keyless$$,
	$$SELECT p11 %> hll_within(hllset_of(1)) FROM keyless$$,
	$$INSERT INTO searched SELECT p9 FROM keyless$$,
	$$INSERT INTO contained SELECT p11 FROM keyless$$,
	$$SELECT hll_signature(compact) FROM keyless$$,
	$$SELECT hll_similar_to(compact) FROM keyless$$,
	$$SELECT hll_within(compact) FROM keyless$$,
	$$SELECT compact % hll_similar_to(hllset_of(1)) FROM keyless$$,
	$$SELECT compact %> hll_within(hllset_empty()) FROM keyless$$,
	$$INSERT INTO searched SELECT compact FROM keyless$$,
	$$INSERT INTO contained SELECT compact FROM keyless$$,
	$$SELECT hll_signature(expression) FROM keyless$$,
	$$SELECT hll_similar_to(expression) FROM keyless$$,
	$$SELECT hll_within(sample) FROM keyless$$,
	$$SELECT sample % hll_similar_to(hllset_of(1)) FROM keyless$$,
	$$SELECT expression %> hll_within(hllset_of(1)) FROM keyless$$,
	$$INSERT INTO searched SELECT sample FROM keyless$$,
	$$INSERT INTO contained SELECT expression FROM keyless$$,
	$$SELECT hll_signature(chosen, 1) FROM keyless$$,
	$$SELECT hll_similar_to(chosen) FROM keyless$$,
	$$SELECT hll_within(chosen) FROM keyless$$,
	$$SELECT chosen % hll_similar_to(hllset_of(1)) FROM keyless$$,
	$$SELECT chosen %> hll_within(hllset_of(1)) FROM keyless$$,
	$$INSERT INTO searched SELECT chosen FROM keyless$$,
	$$INSERT INTO contained SELECT chosen FROM keyless$$,
	$$CREATE INDEX ON keyless USING gin (chosen hllset_contain_ops)$$,
	$$CREATE INDEX ON keyless USING gin (p9)$$]);
-- numbers of keys, thresholds
SELECT each(ARRAY[
	$$SELECT hll_signature(hllset_of(1), 0)$$,
	$$SELECT hll_signature(hllset_of(1), -2147483648)$$,
	$$SELECT hll_signature(hllset_of(1), 16385)$$,
	$$SELECT hll_signature(s, 257) FROM (SELECT hll_add_agg(x) AS s FROM generate_series(1, 2000) x) y$$,
	$$SELECT hll_signature(s, 65) FROM (SELECT hll_add_agg(x, 10) AS s FROM generate_series(1, 2000) x) y$$,
	$$SELECT hll_similar_to(hllset_of(1), 0)$$,
	$$SELECT hll_similar_to(hllset_of(1), 0.0599)$$,
	$$SELECT hll_similar_to(hllset_of(1), 0.06::real)$$,
	$$SELECT hll_similar_to(hllset_of(1), 10)$$,
	$$SELECT hll_similar_to(hllset_of(1), -0.1)$$,
	$$SELECT hll_similar_to(hllset_of(1), 'NaN')$$,
	$$SELECT hll_within(hllset_of(1), 'Infinity')$$,
	$$SELECT hll_within(hllset_of(1), 1.0000000000000002)$$]);
-- texts and bytes of queries
SELECT each(ARRAY[
	$$SELECT ''::hllsimilar$$,
	$$SELECT '\x'::hllwithin$$,
	$$SELECT 'abc'::hllsimilar$$,
	$$SELECT '\x0104000'::hllsimilar$$,
	$$SELECT '\x01040001'::hllsimilar$$,
	$$SELECT '\x02040001000000000000e03f'::hllsimilar$$,
	$$SELECT '\x01050001000000000000e03f'::hllsimilar$$,
	$$SELECT '\x01040001000000000000e03f'::hllwithin$$,
	$$SELECT hllset_of(1)::text::hllsimilar$$,
	$$SELECT hll_similar_to(hllset_of(1))::text::hllset$$,
	$$SELECT '\x01040101000000000000e03f'::hllsimilar$$,
	$$SELECT '\x01052001000000000000e03f'::hllwithin$$,
	$$SELECT '\x01050101000000000000e03f'::hllwithin$$,
	$$SELECT '\x01040002000000000000e03f'::hllsimilar$$,
	$$SELECT '\x01040001000000000000f07f'::hllsimilar$$,
	$$SELECT '\x01040001000000000000f87f'::hllsimilar$$,
	$$SELECT '\x01040001000000000000a03f'::hllsimilar$$,
	$$SELECT '\x01040001000000000000e03f00'::hllsimilar$$,
	$$SELECT '\x01040001000000000000e03f0200000001000000'::hllsimilar$$,
	$$SELECT '\x01050001000000000000e03f0100000001000000'::hllwithin$$,
	$$SELECT '\x01040001000000000000e03f00008000'::hllsimilar$$,
	$$SELECT '\x01050001000000000000e03f00000002'::hllwithin$$,
	$$SELECT ('\x01040001000000000000e03f' || (SELECT string_agg('0' || to_hex(n / 16) || to_hex(n % 16) || '00000', '' ORDER BY n) FROM generate_series(0, 64) n))::hllsimilar$$]);
CREATE TABLE asked (q hllsimilar);
CREATE TABLE within (q hllwithin);
INSERT INTO asked VALUES (hll_similar_to(hllset_of(1)));
\setenv file `mktemp`
\copy asked TO PROGRAM 'cat >"$file"' (FORMAT binary)
\copy within FROM PROGRAM 'cat "$file"' (FORMAT binary)
\! rm "$file"
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		ASSERT pg_input_is_valid('\x01040001000000000000e03f', 'hllsimilar') AND pg_input_is_valid('\x01050001000000000000e03f', 'hllwithin');
		ASSERT NOT pg_input_is_valid('abc', 'hllsimilar') AND NOT pg_input_is_valid('\x01040001000000000000e03f', 'hllwithin');
	END IF;
END $$;
-- stored bytes that went bad
CREATE FUNCTION unsimilar(bytea, integer, boolean) RETURNS hllsimilar AS '$libdir/hllset', 'hllset_coerce' LANGUAGE C STRICT;
CREATE FUNCTION unwithin(bytea, integer, boolean) RETURNS hllwithin AS '$libdir/hllset', 'hllset_coerce' LANGUAGE C STRICT;
INSERT INTO searched VALUES (hllset_of(1));
INSERT INTO contained VALUES (hllset_of(1));
SET enable_seqscan = off;
SELECT each(ARRAY[
	$$SELECT hllset_of(1) % unsimilar('\x0104', -1, true)$$,
	$$SELECT hllset_of(1) %> unwithin('\x', -1, true)$$,
	$$SELECT unchecked('\x01010c010000', -1, true) % hll_similar_to(hllset_of(1))$$,
	$$SELECT hll_signature(unchecked('\x01010c010000', -1, true))$$,
	$$SELECT hll_within(unchecked('\x01010c01', -1, true))$$,
	$$INSERT INTO searched VALUES (unchecked('\x01010c010000', -1, true))$$,
	$$SELECT count(*) FROM searched WHERE s % unsimilar('\x01040001', -1, true)$$,
	$$SELECT count(*) FROM contained WHERE s %> unwithin('\x01050001000000000000e03f00000002', -1, true)$$,
	$$SELECT count(*) FROM contained WHERE s %> unwithin('\x01050001000000000000e03f', -1, true)$$]);
RESET enable_seqscan;
DROP FUNCTION unsimilar(bytea, integer, boolean), unwithin(bytea, integer, boolean);
DROP TABLE keyless, searched, contained, asked, within;
DROP COLLATION loose;
DROP TYPE inner_json;
DROP TABLE corrupted;
DROP FUNCTION unchecked(bytea, integer, boolean), each(text[]), attempt(text);
