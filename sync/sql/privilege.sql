-- Who may do what.
SET client_min_messages = warning;
CREATE ROLE regress_sync_owner;
CREATE ROLE regress_sync_peer;
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
SELECT hllset_sync.rescan('t');
SELECT hllset_sync.prune();
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
SELECT * FROM hllset_sync.p_heads('{t}');
SELECT hllset_sync.rename_node('mine');
SELECT hllset_sync.new_identity();
SELECT hllset_sync.keep_identity();
SELECT hllset_sync.drop_origin('x');
SELECT hllset_sync.absorb_origin('x');
CREATE TABLE bare (k int PRIMARY KEY);
CREATE TRIGGER mine AFTER INSERT ON bare FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture('1', '1', 'k');
DROP TABLE bare;

-- a peer's role: only what was granted, and pushing for one node only
SELECT hllset_sync.grant_peer('named', 'regress_sync_peer');
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', push => false);
SET ROLE regress_sync_peer;
SELECT set_name, description, may_pull, may_push FROM hllset_sync.p_sets();
SELECT set_name, head FROM hllset_sync.p_heads(NULL);
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000);
SELECT count(*) FROM hllset_sync.p_fetch('t', ARRAY['\x0000000400000001']::bytea[]);
SELECT count(*) FROM hllset_sync.p_changes('named', 0, NULL, 10, 10, 1000);
SELECT * FROM hllset_sync.p_cursor('{t}', :eu);
SELECT * FROM hllset_sync.p_receive('t', :eu, 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us);
SELECT hllset_sync.p_attempt('t', :eu);
SELECT count(*) FROM hllset_sync.p_fingerprint('t', :eu, 10);
SELECT * FROM t;
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer');
SELECT * FROM hllset_sync.set_status;
SELECT * FROM hllset_sync.backlog;
SELECT hllset_sync.count_copies(set_id => 1, origin_id => 1::smallint);
SELECT * FROM hllset_sync.count_index(1);
SET ROLE regress_sync_owner;
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', pull => false);
SET ROLE regress_sync_peer;
SELECT set_name, may_pull, may_push FROM hllset_sync.p_sets();
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000);
SELECT count(*) FROM hllset_sync.p_fetch('t', ARRAY['\x0000000400000001']::bytea[]);
SELECT count(*) FROM hllset_sync.p_fingerprint('t', NULL, 10);
SELECT seq FROM hllset_sync.p_receive('t', :eu, 'eu', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us);
SELECT seq FROM hllset_sync.p_receive('t', :us, 'us', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us);
SET ROLE regress_sync_owner;
SELECT hllset_sync.grant_peer('t', 'regress_sync_peer', origin => :us);
SET ROLE regress_sync_peer;
SELECT seq FROM hllset_sync.p_receive('t', :eu, 'eu', 'changes', 1, :us, 0, '{}', '{}', '{}', 1, :us);
SELECT seq FROM hllset_sync.p_receive('t', :us, 'us', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, :us);
SET ROLE regress_sync_owner;
SET ROLE regress_sync_peer;
SELECT count(*) FROM hllset_sync.p_fingerprint('t', :us, 10);
SELECT count(*) FROM hllset_sync.p_fingerprint('t', :eu, 10);
SELECT count(*) FROM hllset_sync.p_bucket('t', :eu, '{1}');
SET ROLE regress_sync_owner;
SELECT hllset_sync.revoke_peer('t', 'regress_sync_peer');
SET ROLE regress_sync_peer;
SELECT * FROM hllset_sync.p_sets();

-- who monitors sees all sets
RESET ROLE;
GRANT pg_monitor TO regress_sync_reader;
SET ROLE regress_sync_reader;
SELECT DISTINCT set_name FROM hllset_sync.set_status ORDER BY 1;
SELECT set_name FROM hllset_sync.backlog ORDER BY 1;
RESET ROLE;

-- what runs on rows runs as the owner, whoever asks
CREATE FUNCTION whoami() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN NULL; END $$;
SELECT set_id FROM hllset_sync.sets WHERE set_name = 't' \gset
SET ROLE regress_sync_owner;
CREATE TRIGGER spy AFTER INSERT OR DELETE ON hllset_sync.rows_:set_id FOR EACH STATEMENT EXECUTE FUNCTION whoami();
CREATE TRIGGER spy AFTER INSERT OR DELETE ON hllset_sync.copy_:set_id FOR EACH STATEMENT EXECUTE FUNCTION whoami();
RESET ROLE;
SELECT hllset_sync.grant_peer('t', current_user::regrole);
UPDATE t SET s = NULL;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT seq FROM hllset_sync.p_receive('t', :eu, 'eu', 'changes', 1, :us, 2, '{}', '{}', '{}', 3, :us);
SELECT hllset_sync.drop_origin('eu');
-- an internal table that was altered is noticed
\set VERBOSITY sqlstate
SET ROLE regress_sync_owner;
DROP TRIGGER spy ON hllset_sync.rows_:set_id;
DROP TRIGGER spy ON hllset_sync.copy_:set_id;
ALTER TABLE hllset_sync.rows_:set_id ALTER k1 TYPE text;
RESET ROLE;
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000);
SELECT count(*) FROM hllset_sync.p_fingerprint('t', NULL, 10);
SET ROLE regress_sync_owner;
\set VERBOSITY terse
ALTER TABLE hllset_sync.rows_:set_id ALTER k1 TYPE int USING k1::int;
ALTER TABLE hllset_sync.rows_:set_id ALTER digest TYPE text;
RESET ROLE;
SELECT count(*) FROM hllset_sync.p_fingerprint('t', NULL, 10);

-- another owner of the table is another owner of the set, unless the old one left something behind that would run as the new one
ALTER TABLE hllset_sync.rows_:set_id ALTER digest TYPE uuid USING digest::uuid;
SELECT current_user AS me \gset
ALTER TABLE t OWNER TO :me;
SET ROLE regress_sync_owner;
CREATE OR REPLACE VIEW t_global AS SELECT k1 AS k, s1::hllset AS s FROM hllset_sync.copy_:set_id;
CREATE TRIGGER spy AFTER INSERT ON hllset_sync.rows_:set_id FOR EACH STATEMENT EXECUTE FUNCTION whoami();
RESET ROLE;
INSERT INTO t VALUES (3, NULL);
SELECT set_name, head FROM hllset_sync.p_heads('{t}');
SELECT regexp_replace(last_error, '_\d+', '_N') AS last_error FROM hllset_sync.set_status WHERE set_name = 't';
SET ROLE regress_sync_owner;
DROP TRIGGER spy ON hllset_sync.rows_:set_id;
CREATE INDEX evil ON hllset_sync.rows_:set_id ((k1 + 1));
RESET ROLE;
SELECT set_name, head FROM hllset_sync.p_heads('{t}');
GRANT CREATE ON SCHEMA public TO regress_sync_reader;
ALTER TABLE t OWNER TO regress_sync_reader;
INSERT INTO t VALUES (2, NULL);
SELECT count(*) FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000);
SELECT DISTINCT relowner::regrole FROM pg_class WHERE relname ~ (SELECT '^(dirty|rows|copy)_' || set_id || '$' FROM hllset_sync.sets WHERE set_name = 't');
-- so are the views, but for one that he has altered
SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('t_global', 't_by_node') ORDER BY 1;
SET ROLE regress_sync_reader;
SELECT k, # s AS n FROM t_by_node WHERE k = 1;
RESET ROLE;
SET ROLE regress_sync_owner;
SELECT hllset_sync.unregister('t');
RESET ROLE;
DROP TABLE t CASCADE;
SET ROLE regress_sync_reader;
SELECT hllset_sync.unregister('t');
RESET ROLE;
SELECT hllset_sync.drop_origin('us');
DROP FUNCTION whoami;
DROP OWNED BY regress_sync_owner, regress_sync_peer, regress_sync_reader;
DROP ROLE regress_sync_owner, regress_sync_peer, regress_sync_reader;
