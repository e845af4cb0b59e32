-- What one server shows in attention, and what heals it. No worker runs here, and nothing is preloaded.
SET client_min_messages = warning;
SET hllset_sync.attention_after = 0;
SELECT hllset_sync.rename_node('here');
\set eu '''11111111-1111-1111-1111-111111111111'''
\set n1 '''00000000-0000-0000-0000-000000000001'''
\set n2 '''00000000-0000-0000-0000-000000000002'''
CREATE ROLE regress_sync_far LOGIN;
CREATE ROLE regress_sync_owner LOGIN;
CREATE FUNCTION look(OUT reason text, OUT set_name text, OUT node text, OUT peer name, OUT why text, OUT remedy text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT reason, set_name, node, peer, regexp_replace(why, 'version [\d.]+', 'version N', 'g'),
		replace(remedy, (SELECT node_id::text FROM hllset_sync.node()), 'ID') FROM hllset_sync.attention ORDER BY 1, 2, 3, 4, 5 $$;
SELECT * FROM look();
CREATE TABLE counted (k int PRIMARY KEY, s hllset(8));
CREATE TABLE parted (k int PRIMARY KEY, s hllset(8)) PARTITION BY RANGE (k);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF parted FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (k);
CREATE TABLE part_2_1 PARTITION OF part_2 FOR VALUES FROM (10) TO (20);
CALL hllset_sync.register('counted');
CALL hllset_sync.register('parted');
SELECT hllset_sync.grant_peer(set_name, current_user::regrole) FROM hllset_sync.sets WHERE set_name IN ('counted', 'parted');
CALL hllset_sync.p_advance();
SELECT * FROM look();

-- version
UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'hllset_sync';
SELECT * FROM look();
UPDATE pg_extension SET extversion = current_setting('hllset_sync.version') WHERE extname = 'hllset_sync';
-- identity
UPDATE hllset_sync.node SET dboid = 1;
SELECT * FROM look();
SELECT hllset_sync.keep_identity() IS NOT NULL;

-- disabled: seen at once, and when it was noted; of a partition, too
ALTER TABLE counted DISABLE TRIGGER hllset_sync_capture;
ALTER TABLE part_2_1 DISABLE TRIGGER ALL;
SELECT * FROM look();
CALL hllset_sync.p_advance();
SELECT * FROM look();
ALTER TABLE ONLY part_2_1 ENABLE ALWAYS TRIGGER hllset_sync_capture;
ALTER TABLE counted ENABLE ALWAYS TRIGGER hllset_sync_capture;
CALL hllset_sync.p_advance();
-- error: only after a while
SELECT 'rows_' || set_id AS index FROM hllset_sync.sets WHERE set_name = 'counted' \gset
ALTER TABLE hllset_sync.:index ADD CONSTRAINT no_seven CHECK (k1 <> 7);
INSERT INTO counted VALUES (7, NULL);
CALL hllset_sync.p_advance();
SELECT * FROM look();
SET hllset_sync.attention_after = '1h';
SELECT * FROM look();
-- unless the clock was set back
UPDATE hllset_sync.sets SET state_since = now() + interval '2h' WHERE set_name = 'counted';
SELECT reason, set_name FROM look();
SET hllset_sync.attention_after = 0;
ALTER TABLE hllset_sync.:index DROP CONSTRAINT no_seven;
CALL hllset_sync.p_advance();
SELECT * FROM look();
-- broken
ALTER TABLE parted DROP CONSTRAINT parted_pkey;
CALL hllset_sync.p_advance('{parted}');
SELECT * FROM look();
ALTER TABLE parted ADD PRIMARY KEY (k);
CALL hllset_sync.p_advance('{parted}');
SELECT * FROM look();
ALTER TABLE counted ENABLE ROW LEVEL SECURITY;
CALL hllset_sync.p_advance();
SELECT * FROM look();
ALTER TABLE counted DISABLE ROW LEVEL SECURITY;
CALL hllset_sync.p_advance();
-- unlogged
ALTER TABLE part_1 SET UNLOGGED;
SELECT * FROM look();
ALTER TABLE part_1 SET LOGGED;
CALL hllset_sync.p_advance();
SELECT * FROM look();

-- the copies of a node that speaks
SELECT hllset_sync.grant_peer('counted', 'regress_sync_far', node => :eu);
CREATE PROCEDURE receive(mode text, from_seq bigint, from_nonce uuid, keys int[], to_seq bigint, to_nonce uuid, name text DEFAULT 'eu') LANGUAGE plpgsql AS $$
DECLARE
	more boolean := true;
	seq bigint;
	nonce uuid;
	seqs bigint[] := (SELECT array_agg(CASE WHEN mode = 'rewound' THEN 0 ELSE from_seq + i END ORDER BY i) FROM generate_subscripts(keys, 1) i);
	packed bytea[] := (SELECT array_agg(int4send(4) || int4send(k)) FROM unnest(keys) k);
	sketches bytea[] := (SELECT array_agg(CASE WHEN mode <> 'rewound' THEN int4send(length(b)) || b END) FROM unnest(keys) k, hllset_send(hllset_of(k)::hllset(8)) b);
BEGIN
	WHILE more LOOP
		CALL hllset_sync.p_receive('counted', '11111111-1111-1111-1111-111111111111', name, mode, from_seq, from_nonce, 0, seqs, packed, sketches,
			to_seq, to_nonce, false, seq, nonce, more);
	END LOOP;
END $$;
SET SESSION AUTHORIZATION regress_sync_far;
CALL receive('changes', 0, NULL, '{1,2,3}', 3, :n1);
RESET SESSION AUTHORIZATION;
SET hllset_sync.attention_after = 0;
SELECT * FROM look();
-- orphans
SET SESSION AUTHORIZATION regress_sync_far;
CALL receive('rewound', 3, :n1, '{2,3}', 1, :n2);
RESET SESSION AUTHORIZATION;
SELECT * FROM look();
-- they are brought home
SET SESSION AUTHORIZATION regress_sync_far;
CALL receive('changes', 1, :n2, '{2,3}', 3, :n2);
RESET SESSION AUTHORIZATION;
SELECT * FROM look();
-- label
SELECT hllset_sync.rename_node('eu');
SELECT * FROM look();
SELECT hllset_sync.rename_node('here');
SELECT * FROM look();
-- crashed
UPDATE hllset_sync.cursors SET attempts = 3;
SELECT * FROM look();
UPDATE hllset_sync.cursors SET attempts = 0;
-- dropping: a call that was interrupted
UPDATE hllset_sync.cursors SET dropping = true, dropping_since = '2026-01-01';
SELECT * FROM look();
CALL hllset_sync.absorb_origin('eu-11111111', 'counted');
UPDATE hllset_sync.origins SET dropping = true, dropping_since = '2026-01-01';
SELECT * FROM look();
CALL hllset_sync.drop_origin('eu-11111111');
SELECT * FROM look();
-- unrefreshed: nobody may, or nobody has for twice as long as between two comparisons
SET SESSION AUTHORIZATION regress_sync_far;
CALL receive('changes', 0, NULL, '{1,2,3}', 3, :n1);
RESET SESSION AUTHORIZATION;
UPDATE hllset_sync.cursors SET applied_at = now() - interval '49 hours', last_verified = now() - interval '49 hours';
SELECT * FROM look();
UPDATE hllset_sync.cursors SET last_verified = now() - interval '47 hours';
SELECT * FROM look();
SELECT hllset_sync.revoke_peer('counted', 'regress_sync_far');
SELECT * FROM look();
CALL hllset_sync.drop_origin('eu');
SELECT * FROM look();

-- peers, without workers
CREATE SERVER regress_sync_server FOREIGN DATA WRAPPER hllset_sync OPTIONS (host 'localhost');
SELECT hllset_sync.add_peer('regress_sync_server');
SELECT * FROM look();
INSERT INTO hllset_sync.peer_state (server, last_attempt, last_success, caught_up_at) VALUES ('regress_sync_server', now(), now(), now());
SET hllset_sync.attention_after = '1h';
SELECT * FROM look();
SELECT hllset_sync.pause_peer('regress_sync_server', 'it is moved');
SELECT * FROM look();
SELECT hllset_sync.resume_peer('regress_sync_server');
SELECT * FROM look();
-- unshared, since nobody may read it, for longer than an hour
UPDATE hllset_sync.sets SET state_since = now() - interval '2h';
SELECT * FROM look();
SELECT hllset_sync.revoke_peer('counted', current_user::regrole);
SELECT * FROM look();
SELECT hllset_sync.grant_peer('counted', 'regress_sync_far');
SELECT * FROM look();
-- restored: the identity is another now
SELECT hllset_sync.new_identity() IS NOT NULL;
SELECT * FROM look();
SELECT hllset_sync.resume_peer('regress_sync_server');
SELECT * FROM look();
-- no_server
DROP SERVER regress_sync_server;
SELECT * FROM look();
SELECT hllset_sync.drop_peer('regress_sync_server');
SELECT * FROM look();

-- a set, described
SELECT hllset_sync.grant_peer('counted', 'regress_sync_far', node => :eu);
SET SESSION AUTHORIZATION regress_sync_far;
CALL receive('changes', 0, NULL, '{1,2,3}', 3, :n1);
RESET SESSION AUTHORIZATION;
SELECT regexp_replace(regexp_replace(line, '\w+ \w+ \d+ [\d:]+ \d+ \w+', 'TIME', 'g'), 'owned by \S+:', 'owned by OWNER:') AS line FROM hllset_sync.describe_set('counted') line;
INSERT INTO counted VALUES (8, NULL);
SELECT line FROM hllset_sync.describe_set('counted') line WHERE line ~ 'wait';
SELECT * FROM hllset_sync.describe_set('nothing');
SET SESSION AUTHORIZATION regress_sync_far;
SELECT * FROM hllset_sync.describe_set('counted');
RESET SESSION AUTHORIZATION;
CALL hllset_sync.drop_origin('eu');

-- who sees what: the owner of a set that, who may use a server this
GRANT CREATE ON SCHEMA public TO regress_sync_owner;
CREATE SERVER regress_sync_server FOREIGN DATA WRAPPER hllset_sync OPTIONS (host 'localhost');
SELECT hllset_sync.add_peer('regress_sync_server'), hllset_sync.pause_peer('regress_sync_server');
ALTER TABLE counted DISABLE TRIGGER hllset_sync_capture;
SET SESSION AUTHORIZATION regress_sync_owner;
CREATE TABLE own (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('own');
ALTER TABLE own DISABLE TRIGGER hllset_sync_capture;
SELECT reason, set_name, peer FROM hllset_sync.attention;
SET jit = off;
SELECT reason, set_name, peer FROM hllset_sync.attention_now;
RESET SESSION AUTHORIZATION;
GRANT USAGE ON FOREIGN SERVER regress_sync_server TO regress_sync_far;
SET SESSION AUTHORIZATION regress_sync_far;
SELECT reason, set_name, peer FROM hllset_sync.attention;
RESET SESSION AUTHORIZATION;
REVOKE USAGE ON FOREIGN SERVER regress_sync_server FROM regress_sync_far;
SET SESSION AUTHORIZATION regress_sync_far;
SELECT reason, set_name, peer FROM hllset_sync.attention;
RESET SESSION AUTHORIZATION;
GRANT pg_monitor TO regress_sync_far;
SET SESSION AUTHORIZATION regress_sync_far;
SELECT reason, set_name, peer FROM hllset_sync.attention ORDER BY 1, 2;
RESET SESSION AUTHORIZATION;
SELECT hllset_sync.drop_peer('regress_sync_server');
DROP SERVER regress_sync_server;

-- no row of a set is read, nor of its change index
SELECT count(*) FROM hllset_sync.find_attention();
CREATE FUNCTION plan() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM hllset_sync.attention_now'; END $$;
SELECT count(*) > 100 AS long, count(*) FILTER (WHERE plan ~ '(copy|rows|dirty)_\d|on (counted|own|parted|part_\w+|named)( |$)') AS scans FROM plan() plan;

SELECT hllset_sync.unregister('counted'), hllset_sync.forget_set('counted'), hllset_sync.unregister('parted'), hllset_sync.forget_set('parted'), hllset_sync.unregister('own'), hllset_sync.forget_set('own');
DROP TABLE counted, parted, own;
DROP FUNCTION look, plan;
DROP PROCEDURE receive;
REVOKE CREATE ON SCHEMA public FROM regress_sync_owner;
DROP ROLE regress_sync_far, regress_sync_owner;
SELECT * FROM hllset_sync.attention;
