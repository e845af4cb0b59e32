-- Tables that change under their set: nothing runs, the state says why, and it heals.
SET client_min_messages = warning;
CREATE TABLE t (k int PRIMARY KEY, u int NOT NULL UNIQUE, s hllset(8), note text);
INSERT INTO t VALUES (1, 1, hllset_of(1)::hllset(8));
CALL hllset_sync.register('t', global_view => '', by_node_view => '');
SELECT hllset_sync.grant_peer('t', current_user::regrole);
SELECT head FROM hllset_sync.p_heads('{t}');
CREATE VIEW seen AS SELECT h.head, s.state, s.last_error FROM hllset_sync.set_status s LEFT JOIN hllset_sync.sets h USING (set_name) WHERE set_name = 't';

-- what does not matter
ALTER TABLE t DROP note, ADD other int DEFAULT 7;
ALTER TABLE t RENAME TO t2;
ALTER TABLE t2 RENAME TO t;
SELECT head FROM hllset_sync.p_heads('{t}');

ALTER TABLE t ALTER s TYPE hllset(7);
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
SELECT set_name, signature, description FROM hllset_sync.p_sets();
SELECT * FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000);
SELECT hllset_sync.rescan('t');
ALTER TABLE t ALTER s TYPE hllset(8) USING hllset_of(1)::hllset(8);
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;

ALTER TABLE t ALTER k TYPE bigint;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
ALTER TABLE t ALTER k TYPE int;
ALTER TABLE t DROP CONSTRAINT t_pkey;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
CREATE UNIQUE INDEX t_key ON t (k);
ALTER TABLE t ALTER k DROP NOT NULL;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
DROP INDEX t_key;
ALTER TABLE t ADD PRIMARY KEY (k);
ALTER TABLE t FORCE ROW LEVEL SECURITY;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
ALTER TABLE t NO FORCE ROW LEVEL SECURITY;
ALTER TABLE t SET UNLOGGED;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
ALTER TABLE t SET LOGGED;
DROP TRIGGER hllset_sync_capture ON t;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
DO $$ BEGIN
	EXECUTE format('CREATE TRIGGER hllset_sync_capture AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture(%L, 1, k, s)',
		(SELECT set_id FROM hllset_sync.sets WHERE set_name = 't'));
END $$;
-- written meanwhile, rewritten without a trigger: found when it is whole again
ALTER TABLE t DROP s;
INSERT INTO t VALUES (2, 2);
DELETE FROM t WHERE k = 1;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
ALTER TABLE t ADD s hllset(8);
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM seen;
SELECT key, sketches FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000);

-- one set's trouble is not another's
CREATE TABLE fine (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('fine');
SELECT hllset_sync.grant_peer('fine', current_user::regrole);
INSERT INTO fine VALUES (1, NULL);
DROP TABLE t;
SELECT set_name, head FROM hllset_sync.p_heads('{t,fine}');
SELECT * FROM seen;
SELECT hllset_sync.grant_peer('t', current_user::regrole);
-- the same name again is another table
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('t');
DROP VIEW seen;
SELECT hllset_sync.unregister('t');
CALL hllset_sync.register('t');
SELECT hllset_sync.unregister('t');

-- an internal table that is gone
SELECT 'dirty_' || set_id AS dirty FROM hllset_sync.sets WHERE set_name = 'fine' \gset
DROP TABLE hllset_sync.:dirty;
\set VERBOSITY terse
DO $$ BEGIN INSERT INTO fine VALUES (2, NULL); EXCEPTION WHEN undefined_table THEN RAISE WARNING 'undefined_table'; END $$;
SELECT set_name, head FROM hllset_sync.p_heads('{fine}');
SELECT set_name, state, regexp_replace(last_error, '_\d+', '_N') AS last_error FROM hllset_sync.set_status WHERE set_name = 'fine';
SELECT hllset_sync.unregister('fine');
INSERT INTO fine VALUES (2, NULL);
DROP TABLE t, fine;

-- an error while rows are read is a state of the set too
CREATE TABLE bad (k int PRIMARY KEY, s hllset(8));
CREATE TABLE good (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('bad');
CALL hllset_sync.register('good');
SELECT hllset_sync.grant_peer(n, current_user::regrole) FROM unnest('{bad,good}'::text[]) n;
SELECT 'rows_' || set_id AS rows FROM hllset_sync.sets WHERE set_name = 'bad' \gset
ALTER TABLE hllset_sync.:rows ADD CHECK (k1 <> 1);
INSERT INTO bad VALUES (1, NULL);
INSERT INTO good VALUES (1, NULL);
SELECT set_name, head, more FROM hllset_sync.p_heads('{bad,good}');
SELECT set_name, state, regexp_replace(last_error, '_\d+', '_N', 'g') AS last_error FROM hllset_sync.set_status WHERE set_name IN ('bad', 'good') ORDER BY 1;
DELETE FROM bad;
SELECT set_name, head, more FROM hllset_sync.p_heads('{bad,good}');
SELECT set_name, state, last_error FROM hllset_sync.set_status WHERE set_name IN ('bad', 'good') ORDER BY 1;
SELECT hllset_sync.unregister('bad'), hllset_sync.unregister('good');
DROP TABLE bad, good;
