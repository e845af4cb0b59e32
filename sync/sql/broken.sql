-- Tables that change under their set: nothing runs, the state says why, and it heals.
SET client_min_messages = warning;
CREATE TABLE t (k int PRIMARY KEY, u int NOT NULL UNIQUE, s hllset(8), note text);
INSERT INTO t VALUES (1, 1, hllset_of(1)::hllset(8));
CALL hllset_sync.register('t', global_view => '', by_node_view => '');
SELECT hllset_sync.grant_peer('t', current_user::regrole);
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
CREATE VIEW seen AS SELECT h.head, s.state, s.last_error FROM hllset_sync.set_status s LEFT JOIN hllset_sync.sets h USING (set_name) WHERE set_name = 't';

-- what does not matter
ALTER TABLE t DROP note, ADD other int DEFAULT 7;
ALTER TABLE t RENAME TO t2;
ALTER TABLE t2 RENAME TO t;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;

ALTER TABLE t ALTER s TYPE hllset(7);
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
SELECT set_name, signature, description FROM hllset_sync.p_sets();
SELECT * FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;
CALL hllset_sync.rescan('t');
ALTER TABLE t ALTER s TYPE hllset(8) USING hllset_of(1)::hllset(8);
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;

ALTER TABLE t ALTER k TYPE bigint;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
ALTER TABLE t ALTER k TYPE int;
ALTER TABLE t DROP CONSTRAINT t_pkey;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
CREATE UNIQUE INDEX t_key ON t (k);
ALTER TABLE t ALTER k DROP NOT NULL;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
DROP INDEX t_key;
ALTER TABLE t ADD PRIMARY KEY (k);
ALTER TABLE t FORCE ROW LEVEL SECURITY;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
ALTER TABLE t NO FORCE ROW LEVEL SECURITY;
-- rows of heirs would be seen in the table, and not by peers
CREATE TABLE heir () INHERITS (t);
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
DROP TABLE heir;
CREATE TABLE ancestor (k int, u int);
ALTER TABLE t INHERIT ancestor;
CALL hllset_sync.p_advance();
SELECT * FROM seen;
ALTER TABLE t NO INHERIT ancestor;
CALL hllset_sync.p_advance();
SELECT * FROM seen;
CREATE TABLE whole (LIKE t) PARTITION BY RANGE (k);
ALTER TABLE whole ATTACH PARTITION t DEFAULT;
CALL hllset_sync.p_advance();
SELECT * FROM seen;
ALTER TABLE whole DETACH PARTITION t;
DROP TABLE ancestor, whole;
CALL hllset_sync.p_advance();
SELECT * FROM seen;
-- policies that only views would pass by
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CALL hllset_sync.p_advance();
SELECT * FROM seen;
ALTER TABLE t DISABLE ROW LEVEL SECURITY;
ALTER TABLE t SET UNLOGGED;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
ALTER TABLE t SET LOGGED;
DROP TRIGGER hllset_sync_capture ON t;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
DO $$ BEGIN
	EXECUTE format('CREATE TRIGGER hllset_sync_capture AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture(%L, 1, k, s)',
		(SELECT set_id FROM hllset_sync.sets WHERE set_name = 't'));
END $$;
-- written meanwhile, rewritten without a trigger: found when it is whole again
ALTER TABLE t DROP s;
INSERT INTO t VALUES (2, 2);
DELETE FROM t WHERE k = 1;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
ALTER TABLE t ADD s hllset(8);
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
SELECT key, sketches FROM hllset_sync.p_changes('t', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL;

-- policies come to a table with views: they show nothing to those who are subject to them, at once, and the set stops
CREATE TABLE shown (k int PRIMARY KEY, s hllset(8));
INSERT INTO shown VALUES (1, hllset_of(1)::hllset(8));
CALL hllset_sync.register('shown');
SELECT hllset_sync.grant_peer('shown', current_user::regrole);
CALL hllset_sync.p_advance();
CREATE ROLE regress_sync_subject;
GRANT SELECT ON shown, shown_global, shown_by_node TO regress_sync_subject;
CREATE FUNCTION counts() RETURNS text LANGUAGE sql AS $$ SELECT format('%s %s %s', (SELECT count(*) FROM shown), (SELECT count(*) FROM shown_global), (SELECT count(*) FROM shown_by_node)) $$;
SET ROLE regress_sync_subject;
SELECT counts();
RESET ROLE;
ALTER TABLE shown ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON shown USING (k > 1);
SET ROLE regress_sync_subject;
SELECT counts();
RESET ROLE;
SELECT counts();
CALL hllset_sync.p_advance();
SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 'shown';
ALTER TABLE shown DISABLE ROW LEVEL SECURITY;
CALL hllset_sync.p_advance();
SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 'shown';
SET ROLE regress_sync_subject;
SELECT counts();
RESET ROLE;
SELECT hllset_sync.unregister('shown'), hllset_sync.forget_set('shown');
DROP FUNCTION counts;
DROP TABLE shown;
DROP ROLE regress_sync_subject;

-- one set's trouble is not another's
CREATE TABLE fine (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('fine');
SELECT hllset_sync.grant_peer('fine', current_user::regrole);
INSERT INTO fine VALUES (1, NULL);
DROP TABLE t;
CALL hllset_sync.p_advance('{t,fine}'); SELECT set_name, head FROM hllset_sync.p_heads('{t,fine}') WHERE set_name IS NOT NULL;
SELECT * FROM seen;
SELECT hllset_sync.grant_peer('t', current_user::regrole);
-- the same name again is another table
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('t');
DROP VIEW seen;
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
CALL hllset_sync.register('t');
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');

-- an internal table that is gone
SELECT 'dirty_' || set_id AS dirty FROM hllset_sync.sets WHERE set_name = 'fine' \gset
DROP TABLE hllset_sync.:dirty;
\set VERBOSITY terse
DO $$ BEGIN INSERT INTO fine VALUES (2, NULL); EXCEPTION WHEN undefined_table THEN RAISE WARNING 'undefined_table'; END $$;
CALL hllset_sync.p_advance('{fine}'); SELECT set_name, head FROM hllset_sync.p_heads('{fine}') WHERE set_name IS NOT NULL;
SELECT set_name, state, regexp_replace(last_error, '_\d+', '_N') AS last_error FROM hllset_sync.set_status WHERE set_name = 'fine';
SELECT hllset_sync.unregister('fine'), hllset_sync.forget_set('fine');
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
CALL hllset_sync.p_advance('{bad,good}'); SELECT set_name, head, more FROM hllset_sync.p_heads('{bad,good}') WHERE set_name IS NOT NULL;
SELECT set_name, state, regexp_replace(last_error, '_\d+', '_N', 'g') AS last_error FROM hllset_sync.set_status WHERE set_name IN ('bad', 'good') ORDER BY 1;
DELETE FROM bad;
CALL hllset_sync.p_advance('{bad,good}'); SELECT set_name, head, more FROM hllset_sync.p_heads('{bad,good}') WHERE set_name IS NOT NULL;
SELECT set_name, state, last_error FROM hllset_sync.set_status WHERE set_name IN ('bad', 'good') ORDER BY 1;
SELECT hllset_sync.unregister('bad'), hllset_sync.forget_set('bad'), hllset_sync.unregister('good'), hllset_sync.forget_set('good');
DROP TABLE bad, good;

-- keys that are equal though their bytes differ
CREATE COLLATION of_no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE named_rows (k text PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('named_rows', 'texts', global_view => '', by_node_view => '');
SELECT hllset_sync.grant_peer('texts', current_user::regrole);
INSERT INTO named_rows VALUES ('a', hllset_of(1));
CALL hllset_sync.p_advance('{texts}');
ALTER TABLE named_rows ALTER k TYPE text COLLATE of_no_case;
UPDATE named_rows SET k = 'A';
CALL hllset_sync.p_advance('{texts}');
SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 'texts';
SELECT hllset_sync.unregister('texts'), hllset_sync.forget_set('texts');
DROP TABLE named_rows;
DROP COLLATION of_no_case;
