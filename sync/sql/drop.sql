-- DROP EXTENSION takes all of its own along, and leaves the tables of users as they are.
SET client_min_messages = warning;
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
CREATE TABLE p (k int PRIMARY KEY, s hllset(8)) PARTITION BY RANGE (k);
CREATE TABLE p1 PARTITION OF p DEFAULT;
INSERT INTO t VALUES (1, hllset_of(1)::hllset(8));
CALL hllset_sync.register('t');
CALL hllset_sync.register('p');
\set VERBOSITY terse
DROP EXTENSION hllset_sync;
\set VERBOSITY default
DROP EXTENSION hllset_sync CASCADE;
\d t
\d p
SELECT k, # s AS n FROM t;
INSERT INTO t VALUES (2, NULL);
INSERT INTO p VALUES (2, NULL);
SELECT relname FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'hllset_sync') OR relname ~ '^(t|p)_(global|by_node)$' ORDER BY 1;
SELECT nspname FROM pg_namespace WHERE nspname = 'hllset_sync';
SELECT proname FROM pg_proc WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'hllset_sync');
-- and again; a schema that somebody else has made is not used
CREATE EXTENSION hllset_sync;
CALL hllset_sync.register('t');
SELECT set_name FROM hllset_sync.sets ORDER BY set_id;
DROP EXTENSION hllset_sync CASCADE;
CREATE ROLE regress_sync_squatter;
CREATE SCHEMA hllset_sync AUTHORIZATION regress_sync_squatter;
-- from 18 on the context has the statement of the script
\set SHOW_CONTEXT never
CREATE EXTENSION hllset_sync;
\set SHOW_CONTEXT errors
DROP SCHEMA hllset_sync;
DROP ROLE regress_sync_squatter;
CREATE EXTENSION hllset_sync;
DROP TABLE t, p;
