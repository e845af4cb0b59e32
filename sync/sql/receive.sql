-- Copies: written with their cursor, or not at all.
SET client_min_messages = warning;
CREATE ROLE regress_sync_super SUPERUSER LOGIN;
SET ROLE regress_sync_super;
CREATE TABLE t (k int PRIMARY KEY, s hllset(12));
CALL hllset_sync.register('t');
SELECT hllset_sync.grant_peer('t', current_user::regrole, node => '11111111-1111-1111-1111-111111111111');
SELECT hllset_sync.rename_node('here');
\set eu '''11111111-1111-1111-1111-111111111111'''
\set n1 '''00000000-0000-0000-0000-000000000001'''
\set n2 '''00000000-0000-0000-0000-000000000002'''
CREATE FUNCTION packed(k int) RETURNS bytea LANGUAGE sql AS 'SELECT int4send(4) || int4send(k)';
CREATE FUNCTION packed(s hllset) RETURNS bytea LANGUAGE sql AS 'SELECT int4send(length(hllset_send(s))) || hllset_send(s)';
CREATE VIEW copies AS SELECT node, k, round(# s) AS n FROM t_by_node ORDER BY 1, 2;
CREATE PROCEDURE receive(mode text, from_seq bigint, from_nonce uuid, truncated_at bigint, seqs bigint[], keys int[], sets hllset[], to_seq bigint, to_nonce uuid,
	INOUT seq bigint DEFAULT NULL, INOUT nonce uuid DEFAULT NULL, INOUT parts int DEFAULT 0) LANGUAGE plpgsql AS $$
DECLARE
	packed_keys bytea[] := (SELECT coalesce(array_agg(packed(k) ORDER BY n), '{}') FROM unnest(keys) WITH ORDINALITY u (k, n));
	packed_sets bytea[] := (SELECT coalesce(array_agg(packed(s) ORDER BY n), '{}') FROM unnest(sets) WITH ORDINALITY u (s, n));
	more boolean := true;
BEGIN
	WHILE more LOOP
		CALL hllset_sync.p_receive('t', '11111111-1111-1111-1111-111111111111', 'eu', mode, from_seq, from_nonce, truncated_at, seqs, packed_keys, packed_sets,
			to_seq, to_nonce, false, seq, nonce, more);
		parts := parts + 1;
	END LOOP;
END $$;

INSERT INTO t VALUES (1, hllset_of(1));
SELECT * FROM hllset_sync.p_cursor('{t,nothing}', :eu);
CALL receive('changes', 0, NULL, 0, '{1,2,3}', '{1,2,3}', ARRAY[hllset_of(1), hllset_of(1, 2), hllset_of(1, 2, 3)], 3, :n1);
SELECT * FROM copies;
SELECT k, # s AS n FROM t_global ORDER BY k;
SELECT * FROM hllset_sync.p_cursor('{t}', :eu);
-- from elsewhere than where the cursor stands: nothing happens
CALL receive('changes', 0, NULL, 0, '{9}', '{9}', ARRAY[hllset_of(1)], 9, :n2);
CALL receive('changes', 3, :n2, 0, '{9}', '{9}', ARRAY[hllset_of(1)], 9, :n2);
CALL receive('changes', 3, NULL, 0, '{9}', '{9}', ARRAY[hllset_of(1)], 9, :n2);
SELECT count(*) FROM copies;
-- on from there: newer, gone, and older states, which are passed over
CALL receive('changes', 3, :n1, 0, '{4,5,1}', '{1,2,3}', ARRAY[hllset_of(5, 6), NULL, hllset_of(9)], 5, :n1);
SELECT * FROM copies;
-- nothing but the cursor
CALL receive('changes', 5, :n1, 0, '{}', '{}', '{}', 6, :n2);
-- all before a TRUNCATE goes
CALL receive('changes', 6, :n2, 7, '{8}', '{7}', ARRAY[hllset_of(7)], 8, :n2);
SELECT * FROM copies;

-- a repair: whatever the number; the cursor moves at its end
CALL receive('repair', 8, :n2, 0, '{3,9,0}', '{4,5,6}', ARRAY[hllset_of(4), hllset_of(5), NULL], NULL, NULL);
CALL receive('repair', 8, :n2, 0, '{2}', '{4}', ARRAY[hllset_of(4, 44)], NULL, NULL);
SELECT * FROM copies;
CALL receive('repair', 8, :n2, 0, '{9}', '{5}', ARRAY[NULL]::hllset[], NULL, NULL);
CALL receive('rewound', 8, :n2, 0, '{0,12}', '{7,8}', ARRAY[NULL, hllset_of(8)], 5, :n1);
SELECT * FROM copies;
SELECT set_name, node_name, direction, state, cursor_seq, rewinds, orphans FROM hllset_sync.set_status WHERE set_name = 't';
-- orphans have no part in fingerprints; the feed may bring them back, or end them
SELECT sum(n) FROM hllset_sync.p_copy_fingerprint('t', :eu);
SELECT key, seq FROM hllset_sync.p_copy_bucket('t', :eu, (SELECT array_agg(i) FROM generate_series(0, 1023) i), NULL, 1000, 1000000) ORDER BY 1;
CALL receive('changes', 5, :n1, 0, '{6}', '{7}', ARRAY[hllset_of(7)], 6, :n1);
SELECT orphans FROM hllset_sync.set_status WHERE set_name = 't';

-- equal rows have equal fingerprints, on both sides
INSERT INTO t SELECT i, hllset_of(i) FROM generate_series(10, 60) i;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT hllset_sync.grant_peer('t', current_user::regrole, node => '22222222-2222-2222-2222-222222222222');
SELECT array_agg(seq ORDER BY seq) AS seqs, array_agg(key ORDER BY seq) AS keys, array_agg(sketches ORDER BY seq) AS sketches
FROM hllset_sync.p_changes('t', 0, NULL, 100, 100, 100000) WHERE key IS NOT NULL \gset
CALL hllset_sync.p_receive('t', '22222222-2222-2222-2222-222222222222', 'mirror', 'changes', 0, NULL, 0, :'seqs', :'keys', :'sketches', 52, :n1, false);
SELECT count(*) FROM (SELECT * FROM hllset_sync.p_fingerprint('t', 1000)
	EXCEPT SELECT * FROM hllset_sync.p_copy_fingerprint('t', '22222222-2222-2222-2222-222222222222')) d;

-- batches that were begun; a role speaks for one node
SELECT hllset_sync.grant_peer('t', current_user::regrole, node => :eu);
;
CALL receive('changes', 6, :n1, 0, '{}', '{}', '{}', 7, :n1);

-- refused
CALL receive('changes', 7, :n1, 0, '{8}', '{1,2}', ARRAY[hllset_of(1)], 9, :n1);
CALL receive('changes', 7, :n1, 0, '{8,9}', '{1}', ARRAY[hllset_of(1)], 9, :n1);
CALL receive('changes', 7, :n1, 0, '{0}', '{1}', ARRAY[hllset_of(1)], 9, :n1);
CALL receive('repair', 7, :n1, 0, '{0}', '{1}', ARRAY[hllset_of(1)], 9, :n1);
CALL receive('repair', 7, :n1, 0, '{-1}', '{1}', ARRAY[hllset_of(1)], 9, :n1);
CALL receive('changes', 7, :n1, 0, '{8}', '{1}', ARRAY[hllset_of(1)], 6, :n1);
CALL receive('changes', 7, :n1, 0, '{8}', '{1}', ARRAY[hllset_of(1)], NULL, NULL);
CALL receive('changes', 7, :n1, 0, '{NULL}', '{1}', ARRAY[hllset_of(1)], 8, :n1);
CALL receive('other', 7, :n1, 0, '{8}', '{1}', ARRAY[hllset_of(1)], 8, :n1);
CALL receive('changes', 7, :n1, 0, '{8}', '{1}', ARRAY[(SELECT hll_add_agg(g, 12) FROM generate_series(1, 10000) g) & (SELECT hll_add_agg(g, 12) FROM generate_series(5000, 20000) g)], 8, :n1);
CALL receive('changes', 7, :n1, 0, '{8}', '{1}', ARRAY[hllset_of(1)::hllset(9)], 8, :n1);
CALL receive('changes', 7, :n1, 0, '{8}', '{1}', ARRAY[(SELECT hll_add_agg(g, 14) FROM generate_series(1, 1000) g)], 8, :n1);
CALL hllset_sync.p_receive('t', :eu, repeat('x', 64), 'changes', 7, :n1, 0, '{}', '{}', '{}', 8, :n1, false);
CALL hllset_sync.p_receive('nothing', :eu, 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :n1, false);
CALL hllset_sync.p_receive('t', NULL, 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :n1, false);
SELECT * FROM hllset_sync.node() n, hllset_sync.p_cursor('{t}', n.node_id) c WHERE c.seq <> 0;
DO $$
BEGIN
	CALL hllset_sync.p_receive('t', (SELECT node_id FROM hllset_sync.node()), 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, gen_random_uuid(), false, NULL, NULL, NULL);
END $$;
BEGIN;
CALL hllset_sync.p_receive('t', :eu, 'eu', 'changes', 7, :n1, 0, '{}', '{}', '{}', 8, :n1, false);
ROLLBACK;
-- this is of its own rounds only
CALL hllset_sync.p_receive('t', :eu, 'eu', 'attempt', 7, :n1, 0, '{}', '{}', '{}', 8, :n1, false);
SELECT * FROM hllset_sync.p_cursor('{t}', :eu);

-- dropped
CALL hllset_sync.drop_origin('eu');
CALL hllset_sync.drop_origin('22222222-2222-2222-2222-222222222222');
SELECT * FROM hllset_sync.p_cursor('{t}', :eu);
SELECT count(*) FROM copies WHERE node <> 'here';
DROP VIEW copies;
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
DROP TABLE t;
DROP PROCEDURE receive;
DROP FUNCTION packed(int), packed(hllset);
RESET ROLE;
DROP ROLE regress_sync_super;
