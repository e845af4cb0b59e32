-- Who may do what.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_sync_owner;
CREATE ROLE regress_sync_peer LOGIN;
CREATE ROLE regress_sync_reader;
GRANT CREATE ON SCHEMA public TO regress_sync_owner;
\set eu '''11111111-1111-1111-1111-111111111111'''
\set us '''22222222-2222-2222-2222-222222222222'''

-- the owner of a table registers it; what it makes belongs to him
SET ROLE regress_sync_owner;
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
INSERT INTO t VALUES (1, hllset_of(1)::hllset(8));
CALL hllset_sync.register('t');
RESET ROLE;
SELECT regexp_replace(relname, '\d+', 'N') AS relation, relowner::regrole FROM pg_class
WHERE relname IN ('t_global', 't_by_node') OR relname ~ (SELECT '^(dirty|rows|copy)_' || set_id || '$' FROM hllset_sync.sets WHERE set_name = 't') ORDER BY 1;
SET ROLE regress_sync_owner;
SELECT set_name, state FROM hllset_sync.set_status;
SELECT set_name, dirty_estimate FROM hllset_sync.backlog;
CALL hllset_sync.rescan('t');
CALL hllset_sync.prune();
SELECT node IS NOT NULL AS named, k, # s AS n FROM t_by_node;

-- but neither the catalog nor the protocol nor the node is his
SELECT * FROM hllset_sync.sets;
SELECT * FROM hllset_sync.acl;
SELECT * FROM hllset_sync.node;
SELECT * FROM hllset_sync.history;
SELECT * FROM hllset_sync.peers;
SELECT * FROM hllset_sync.named;
SELECT count(*) FROM hllset_sync.origins;
SELECT * FROM hllset_sync.p_sets();
CALL hllset_sync.p_advance('{t}'); SELECT * FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT hllset_sync.rename_node('mine');
SELECT hllset_sync.new_identity();
SELECT hllset_sync.keep_identity();
CALL hllset_sync.drop_origin('x');
CALL hllset_sync.absorb_origin('x');
CREATE TABLE bare (k int PRIMARY KEY);
CREATE TRIGGER mine AFTER INSERT ON bare FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture('1', '1', 'k');
DROP TABLE bare;

-- a peer's role: only what was granted, and pushing for one node only
SELECT hllset_sync.grant_peer('named', 'regress_sync_peer');
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', push => false);
SET ROLE regress_sync_peer;
SELECT set_name, description, may_pull, may_push FROM hllset_sync.p_sets();
CALL hllset_sync.p_advance(NULL); SELECT set_name, head FROM hllset_sync.p_heads(NULL) WHERE set_name IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_fetch('t', ARRAY['\x0000000400000001']::bytea[], 1000000);
SELECT count(*) FROM hllset_sync.p_changes('named', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;
SELECT * FROM hllset_sync.p_cursor('{t}', :eu);
CALL hllset_sync.p_receive('t', :eu, 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us, false);
SELECT count(*) FROM hllset_sync.p_copy_fingerprint('t', :eu);
SELECT * FROM t;
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer');
SELECT * FROM hllset_sync.set_status;
SELECT * FROM hllset_sync.backlog;
SELECT * FROM hllset_sync.count_index(1);
SET ROLE regress_sync_owner;
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', push => true);
SELECT hllset_sync.grant_peer('t', 'regress_sync_reader', node => :eu);
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', node => node_id) FROM hllset_sync.node();
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', pull => false, node => :eu);
SET ROLE regress_sync_peer;
SELECT set_name, may_pull, may_push FROM hllset_sync.p_sets();
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_fetch('t', ARRAY['\x0000000400000001']::bytea[], 1000000);
SELECT count(*) FROM hllset_sync.p_fingerprint('t', 10);
CALL hllset_sync.p_receive('t', :eu, 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us, false);
CALL hllset_sync.p_receive('t', :us, 'us', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us, false);
SET ROLE regress_sync_owner;
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', node => :us);
SET ROLE regress_sync_peer;
CALL hllset_sync.p_receive('t', :eu, 'eu', 'changes', 1, :us, 0, '{}', '{}', '{}', 1, :us, false);
CALL hllset_sync.p_receive('t', :us, 'us', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us, false);
-- a second grant keeps what it does not name
SET ROLE regress_sync_owner;
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer');
SET ROLE regress_sync_peer;
SELECT set_name, may_pull, may_push FROM hllset_sync.p_sets();
CALL hllset_sync.p_receive('t', :eu, 'eu', 'changes', 1, :us, 0, '{}', '{}', '{}', 1, :us, false);
SELECT count(*) FROM hllset_sync.p_copy_fingerprint('t', :us);
SELECT count(*) FROM hllset_sync.p_copy_fingerprint('t', :eu);
SELECT count(*) FROM hllset_sync.p_copy_bucket('t', :eu, '{1}', NULL, 1000, 1000000);
SET ROLE regress_sync_owner;
SELECT hllset_sync.revoke_peer('t', 'regress_sync_peer');
SET ROLE regress_sync_peer;
SELECT * FROM hllset_sync.p_sets();
RESET ROLE;
-- what a group may read its members may, too; nobody speaks for another's node
CREATE ROLE regress_sync_group;
GRANT regress_sync_group TO regress_sync_peer;
CREATE ROLE regress_sync_other LOGIN;
GRANT regress_sync_other TO regress_sync_peer;
SET ROLE regress_sync_owner;
SELECT hllset_sync.grant_peer('t', 'regress_sync_group'), hllset_sync.grant_peer('t', 'regress_sync_other', node => :us);
SET ROLE regress_sync_peer;
SELECT set_name, may_pull, may_push FROM hllset_sync.p_sets();
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;
CALL hllset_sync.p_receive('t', :us, 'us', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us, false);
SELECT * FROM hllset_sync.p_cursor('{t}', :us);
SET ROLE regress_sync_owner;
SELECT hllset_sync.revoke_peer('t', 'regress_sync_group'), hllset_sync.revoke_peer('t', 'regress_sync_other');
RESET ROLE;
DROP ROLE regress_sync_group, regress_sync_other;

-- all sets of an owner, also later ones; all that there are, if it is the extension's owner who says so
CREATE FUNCTION granted() RETURNS TABLE (who text, sets text) LANGUAGE sql AS $$
	SELECT a.role::text, string_agg(s.set_name || CASE WHEN a.push THEN ' +' ELSE '' END, ', ' ORDER BY s.set_name)
	FROM hllset_sync.acl a JOIN hllset_sync.sets s USING (set_id) GROUP BY 1 ORDER BY 1 $$;
CREATE TABLE others (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('others');
SET ROLE regress_sync_reader;
SELECT hllset_sync.grant_peer(NULL, 'regress_sync_peer');
SET ROLE regress_sync_owner;
SELECT hllset_sync.grant_peer(NULL, 'regress_sync_peer', node => :eu);
CREATE TABLE later (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('later');
RESET ROLE;
SELECT * FROM granted();
SELECT hllset_sync.grant_peer(NULL, 'regress_sync_reader');
CREATE TABLE last (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('last');
SELECT * FROM granted();
-- what was not granted for all is an exception, until the set is another one
SET ROLE regress_sync_owner;
SELECT hllset_sync.revoke_peer('later', 'regress_sync_peer');
SELECT hllset_sync.unregister('later');
CALL hllset_sync.register('later');
SELECT hllset_sync.grant_peer('later', 'regress_sync_reader', push => true);
RESET ROLE;
SELECT * FROM granted();
SET ROLE regress_sync_owner;
SELECT hllset_sync.unregister('later'), hllset_sync.forget_set('later');
CALL hllset_sync.register('later');
RESET ROLE;
SELECT * FROM granted();
-- a set that changes hands keeps what it has, and gets what its new owner has granted
ALTER TABLE last OWNER TO regress_sync_owner;
CALL hllset_sync.p_advance('{last}');
SELECT * FROM granted();
-- an owner takes back from his sets; the extension's owner from all
SET ROLE regress_sync_owner;
SELECT hllset_sync.revoke_peer(NULL, 'regress_sync_peer'), hllset_sync.revoke_peer(NULL, 'regress_sync_reader');
RESET ROLE;
SELECT * FROM granted();
SELECT owner, role FROM hllset_sync.acl_all;
SET ROLE regress_sync_peer;
SELECT * FROM hllset_sync.p_sets();
RESET ROLE;
SELECT hllset_sync.revoke_peer(NULL, 'regress_sync_reader');
SELECT * FROM granted();
SELECT count(*) FROM hllset_sync.acl_all;
SET ROLE regress_sync_owner;
SELECT hllset_sync.unregister(n), hllset_sync.forget_set(n) FROM unnest('{later,last}'::text[]) n;
SELECT hllset_sync.put_grant(1, NULL, 'regress_sync_owner', true, NULL, NULL);
RESET ROLE;
SELECT hllset_sync.unregister('others'), hllset_sync.forget_set('others');
DROP FUNCTION granted;
DROP TABLE later, last, others;

-- who monitors sees all sets
RESET ROLE;
GRANT pg_monitor TO regress_sync_reader;
SET ROLE regress_sync_reader;
SELECT DISTINCT set_name FROM hllset_sync.set_status ORDER BY 1;
SELECT set_name FROM hllset_sync.backlog ORDER BY 1;
RESET ROLE;

-- what runs on rows runs as the owner, whoever asks
CREATE FUNCTION whoami() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE INFO 'runs as %', current_user; RETURN NULL; END $$;
SELECT set_id FROM hllset_sync.sets WHERE set_name = 't' \gset
SET ROLE regress_sync_owner;
CREATE TRIGGER spy AFTER INSERT OR DELETE ON hllset_sync.rows_:set_id FOR EACH STATEMENT EXECUTE FUNCTION whoami();
CREATE TRIGGER spy AFTER INSERT OR DELETE ON hllset_sync.copy_:set_id FOR EACH STATEMENT EXECUTE FUNCTION whoami();
RESET ROLE;
SELECT hllset_sync.grant_peer('t', current_user::regrole, node => :eu);
UPDATE t SET s = NULL;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
CALL hllset_sync.p_receive('t', :eu, 'eu', 'changes', 1, :us, 0, '{3}', '{"\\x0000000400000001"}', '{"\\xffffffff"}', 3, :us, false);
CALL hllset_sync.drop_origin('eu');
-- an internal table that was altered is noticed
\set VERBOSITY sqlstate
SET ROLE regress_sync_owner;
DROP TRIGGER spy ON hllset_sync.rows_:set_id;
DROP TRIGGER spy ON hllset_sync.copy_:set_id;
ALTER TABLE hllset_sync.rows_:set_id ALTER k1 TYPE text;
RESET ROLE;
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_fingerprint('t', 10);
SET ROLE regress_sync_owner;
\set VERBOSITY terse
ALTER TABLE hllset_sync.rows_:set_id ALTER k1 TYPE int USING k1::int;
BEGIN;
ALTER TABLE hllset_sync.rows_:set_id ALTER seq DROP NOT NULL;
UPDATE hllset_sync.rows_:set_id SET seq = NULL;
RESET ROLE;
SELECT count(*) FROM hllset_sync.p_fingerprint('t', 10);
ROLLBACK;
BEGIN;
SELECT format('rows_%s_pkey', :set_id) AS pkey \gset
ALTER TABLE hllset_sync.rows_:set_id DROP CONSTRAINT :"pkey", ALTER k1 DROP NOT NULL;
UPDATE hllset_sync.rows_:set_id SET k1 = NULL;
RESET ROLE;
SELECT count(*) FROM hllset_sync.p_fingerprint('t', 10);
ROLLBACK;
SET ROLE regress_sync_owner;
ALTER TABLE hllset_sync.rows_:set_id ALTER digest TYPE text;
RESET ROLE;
SELECT count(*) FROM hllset_sync.p_fingerprint('t', 10);

-- another owner of the table is another owner of the set, unless the old one left something behind that would run as the new one
ALTER TABLE hllset_sync.rows_:set_id ALTER digest TYPE uuid USING digest::uuid;
SELECT current_user AS me \gset
ALTER TABLE t OWNER TO :me;
SET ROLE regress_sync_owner;
CREATE OR REPLACE VIEW t_global AS SELECT k1 AS k, s1::hllset AS s FROM hllset_sync.copy_:set_id;
CREATE TRIGGER spy AFTER INSERT ON hllset_sync.rows_:set_id FOR EACH STATEMENT EXECUTE FUNCTION whoami();
RESET ROLE;
INSERT INTO t VALUES (3, NULL);
CALL hllset_sync.p_advance('{t}'); SELECT set_name, head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT regexp_replace(last_error, '_\d+', '_N') AS last_error FROM hllset_sync.set_status WHERE set_name = 't';
SET ROLE regress_sync_owner;
DROP TRIGGER spy ON hllset_sync.rows_:set_id;
CREATE INDEX evil ON hllset_sync.rows_:set_id ((k1 + 1));
RESET ROLE;
CALL hllset_sync.p_advance('{t}'); SELECT set_name, head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
GRANT CREATE ON SCHEMA public TO regress_sync_reader;
ALTER TABLE t OWNER TO regress_sync_reader;
INSERT INTO t VALUES (2, NULL);
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000);
CALL hllset_sync.p_advance('{t}');
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;
SELECT DISTINCT relowner::regrole FROM pg_class WHERE relname ~ (SELECT '^(dirty|rows|copy)_' || set_id || '$' FROM hllset_sync.sets WHERE set_name = 't');
-- so are the views, but for one that he has altered
SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('t_global', 't_by_node') ORDER BY 1;
SET ROLE regress_sync_reader;
SELECT k, # s AS n FROM t_by_node WHERE k = 1;
RESET ROLE;
SET ROLE regress_sync_owner;
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
RESET ROLE;
DROP TABLE t CASCADE;
SET ROLE regress_sync_reader;
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
RESET ROLE;
CALL hllset_sync.drop_origin('us');

-- what a reader has by the name of a type is not the type of a key
SELECT hllset_sync.grant_peer('named', 'regress_sync_peer');
SET ROLE regress_sync_peer;
CREATE DOMAIN pg_temp.text AS pg_catalog.int4;
SET search_path = pg_temp, pg_catalog;
CALL hllset_sync.p_advance('{named}'::pg_catalog.text[]);
RESET search_path;
DROP DOMAIN pg_temp.text;
RESET ROLE;
SELECT state, state_reason FROM hllset_sync.sets WHERE set_name = 'named';
SELECT hllset_sync.revoke_peer('named', 'regress_sync_peer');

DROP FUNCTION whoami;
DROP OWNED BY regress_sync_owner, regress_sync_peer, regress_sync_reader;
DROP ROLE regress_sync_owner, regress_sync_peer, regress_sync_reader;
