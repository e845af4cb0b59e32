-- Keys and sketches as bytes: what was packed is read again, and nothing else is.
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE TABLE t (a boolean, b smallint, c bigint, d uuid, e date, f timestamptz, g text, h bytea, s1 hllset(6), s2 hllset(6), PRIMARY KEY (a, b, c, d, e, f, g, h));
CALL hllset_sync.register('t', global_view => '', by_node_view => '');
SELECT hllset_sync.grant_peer('t', current_user::regrole, node => '11111111-1111-1111-1111-111111111111');
INSERT INTO t VALUES
	(true, -32768, 9223372036854775807, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'infinity', '-infinity', 'Größe', '\x00ff', hllset_of(1), NULL),
	(false, 0, 0, '00000000-0000-0000-0000-000000000000', '2000-01-01', '2000-01-01 00:00+00', '', '', NULL, NULL),
	(false, 32767, -9223372036854775808, '12345678-9abc-def0-1234-56789abcdef0', '4713-01-01 BC', '294276-12-31 23:59:59.999999+00', repeat('x', 300), repeat('y', 300)::bytea, hllset_of(2), hllset_of(3));
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
CREATE TABLE sent AS SELECT * FROM hllset_sync.p_changes('t', 0, NULL, 100, 100, 100000) WHERE key IS NOT NULL;
SELECT array_agg(seq ORDER BY seq) AS seqs, array_agg(key ORDER BY seq) AS keys, array_agg(sketches ORDER BY seq) AS sketches FROM sent \gset
CALL hllset_sync.p_receive('t', '11111111-1111-1111-1111-111111111111', 'eu', 'changes', 0, NULL, 0, :'seqs', :'keys', :'sketches', 3, '00000000-0000-0000-0000-000000000001', false);
SELECT set_id FROM hllset_sync.sets WHERE set_name = 't' \gset
SELECT a, b, c, d, e, f = t.f AS f, g = t.g AS g, h = t.h AS h, hll_digest(s1) IS NOT DISTINCT FROM hll_digest(t.s1) AS s1, hll_digest(s2) IS NOT DISTINCT FROM hll_digest(t.s2) AS s2
FROM t JOIN hllset_sync.copy_:set_id AS x (a, b, c, d, e, f, g, h, origin_id, s1_, s2_, seq, digest) USING (a, b, c, d, e, f, g, h) ORDER BY 1, 2;
SELECT count(*) FROM (SELECT * FROM hllset_sync.p_fingerprint('t', 100) EXCEPT SELECT * FROM hllset_sync.p_copy_fingerprint('t', '11111111-1111-1111-1111-111111111111')) d;
-- the same bytes whatever the session
SET client_encoding = 'LATIN1';
SET datestyle = 'German';
SET timezone = 'Asia/Tokyo';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
SELECT bool_and(s.key = p.key AND s.sketches IS NOT DISTINCT FROM p.sketches) FROM sent s JOIN hllset_sync.p_changes('t', 0, NULL, 100, 100, 100000) p USING (seq) WHERE p.key IS NOT NULL;
RESET client_encoding;
RESET datestyle;
RESET timezone;
RESET extra_float_digits;
RESET bytea_output;

-- one by one
CREATE TABLE u (k text PRIMARY KEY, s hllset(6));
CALL hllset_sync.register('u', global_view => '', by_node_view => '');
SELECT hllset_sync.grant_peer('u', current_user::regrole, node => '11111111-1111-1111-1111-111111111111');
\set VERBOSITY default
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x000000']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x0000000261']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x7fffffff61']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\xffffffff']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x8000000061']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x000000016100']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x00000003610062']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x00000002c328']::bytea[], 1000000);
SELECT * FROM hllset_sync.p_fetch('u', ARRAY['\x0000000161']::bytea[], 1000000);
CALL hllset_sync.p_receive('u', '11111111-1111-1111-1111-111111111111', 'eu', 'changes', 0, NULL, 0, '{1}', ARRAY['\x0000000161']::bytea[], ARRAY['\x0000000301010c']::bytea[], 1, gen_random_uuid(), false);
CALL hllset_sync.p_receive('u', '11111111-1111-1111-1111-111111111111', 'eu', 'changes', 0, NULL, 0, '{1}', ARRAY[int4send(3000000) || convert_to(repeat('k', 3000000), 'UTF8')], ARRAY[NULL]::bytea[], 1, gen_random_uuid(), false);

CALL hllset_sync.drop_origin('eu');
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
SELECT hllset_sync.unregister('u'), hllset_sync.forget_set('u');
DROP TABLE t, u, sent;
