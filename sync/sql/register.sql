-- Registering tables, and the way back.
SET client_min_messages = warning;

CREATE TABLE daily (day date, page text, visitors hllset(12) NOT NULL, note text, PRIMARY KEY (day, page));
INSERT INTO daily SELECT '2026-01-01', 'p' || i, hllset_of(i) FROM generate_series(1, 3) i;
CALL hllset_sync.register('daily');
SELECT set_name, relid, key_cols, sketch_cols, description, head, floor, truncated_at, state FROM hllset_sync.sets WHERE set_name = 'daily';
SELECT set_name, key_cols, sketch_cols, description, state FROM hllset_sync.sets WHERE set_name = 'named';
SELECT convert_from(signature, 'UTF8') = description AS signed FROM hllset_sync.sets;
-- before 16 the table is named with each column
SELECT replace(regexp_replace(pg_get_viewdef('daily_global'), 'copy_\d+', 'copy_N', 'g'), 'u.', '');
SELECT regexp_replace(pg_get_viewdef('daily_by_node'), 'copy_\d+', 'copy_N', 'g');
SELECT tgname, tgenabled, tgtype FROM pg_trigger WHERE tgrelid = 'daily'::regclass ORDER BY 1;

-- the rows that were there are noted; the next sequencer gives them numbers
SELECT set_name, dirty_estimate, index_rows, tombstones FROM hllset_sync.backlog WHERE set_name = 'daily';
SELECT hllset_sync.grant_peer('daily', current_user::regrole);
CALL hllset_sync.p_advance('{daily}'); SELECT set_name, head, floor, truncated_at, more FROM hllset_sync.p_heads('{daily}') WHERE set_name IS NOT NULL;
SELECT set_name, dirty_estimate, index_rows, tombstones FROM hllset_sync.backlog WHERE set_name = 'daily';

-- other names, key, columns; no views
CREATE TABLE odd ("Seq" bigint NOT NULL, "we""ird" varchar(10) NOT NULL, id serial PRIMARY KEY, a hllset(10, compact), b hllset(12), c hllset(11), UNIQUE ("we""ird", "Seq"));
CALL hllset_sync.register('odd', 'odd ''set"', '{Seq,"we\"ird"}', '{b,a}', '', '');
SELECT set_name, key_cols, sketch_cols, description FROM hllset_sync.sets WHERE relid = 'odd'::regclass;
INSERT INTO odd VALUES (1, 'x', 1, NULL, hllset_of(1, 2), hllset_of(3)), (2, 'y', 2, hllset_of(1), NULL, NULL);
SELECT hllset_sync.grant_peer('odd ''set"', current_user::regrole);
CALL hllset_sync.p_advance(ARRAY['odd ''set"']); SELECT head FROM hllset_sync.p_heads(ARRAY['odd ''set"']) WHERE set_name IS NOT NULL;
SELECT seq, key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('odd ''set"', 0, NULL, 2, 10, 1000) WHERE key IS NOT NULL;
-- a column that is not part of the set does not count
UPDATE odd SET c = hllset_of(4);
CALL hllset_sync.p_advance(ARRAY['odd ''set"']); SELECT head FROM hllset_sync.p_heads(ARRAY['odd ''set"']) WHERE set_name IS NOT NULL;
SELECT hllset_sync.unregister('odd ''set"'), hllset_sync.forget_set('odd ''set"');
DROP TABLE odd;

-- in a transaction block, and undone
BEGIN;
CREATE TABLE brief (k int PRIMARY KEY, s hllset(8));
INSERT INTO brief VALUES (1, hllset_of(1));
CALL hllset_sync.register('brief');
SELECT dirty_estimate FROM hllset_sync.backlog WHERE set_name = 'brief';
ROLLBACK;
SELECT count(*) FROM hllset_sync.sets WHERE set_name = 'brief';

-- every key type
CREATE TABLE typed (a boolean, b smallint, c integer, d bigint, e oid, f uuid, g date, h timestamp, i timestamptz, j text, k varchar, l bytea, s hllset(4),
	PRIMARY KEY (a, b, c, d, e, f, g, h, i, j, k, l));
CALL hllset_sync.register('typed');
SELECT description FROM hllset_sync.sets WHERE set_name = 'typed';
INSERT INTO typed VALUES (true, 1, 2, 3, 4, '00000000-0000-0000-0000-000000000005', '2026-01-06', '2026-01-07 08:09', '2026-01-07 08:09+00', 'ten', 'eleven', '\x0c', hllset_of(1));
SELECT hllset_sync.grant_peer('typed', current_user::regrole);
CALL hllset_sync.p_advance('{typed}'); SELECT head FROM hllset_sync.p_heads('{typed}') WHERE set_name IS NOT NULL;
SELECT seq, key FROM hllset_sync.p_changes('typed', 0, NULL, 1, 10, 1000) WHERE key IS NOT NULL;
DROP TABLE typed CASCADE;
SELECT hllset_sync.unregister('typed'), hllset_sync.forget_set('typed');

-- partitioned
CREATE TABLE parted (k int, s hllset(8), PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CALL hllset_sync.register('parted');
CREATE TABLE parted_2 (s hllset(8), gone int, k int NOT NULL);
ALTER TABLE parted_2 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
INSERT INTO parted VALUES (1, hllset_of(1)), (11, hllset_of(2));
SELECT hllset_sync.grant_peer('parted', current_user::regrole);
CALL hllset_sync.p_advance('{parted}'); SELECT head FROM hllset_sync.p_heads('{parted}') WHERE set_name IS NOT NULL;
UPDATE parted SET k = 2 WHERE k = 11;
TRUNCATE parted_2;
DELETE FROM parted WHERE k = 1;
CALL hllset_sync.p_advance('{parted}'); SELECT head FROM hllset_sync.p_heads('{parted}') WHERE set_name IS NOT NULL;
SELECT seq, key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('parted', 0, NULL, 100, 10, 1000) WHERE key IS NOT NULL;
SELECT hllset_sync.unregister('parted'), hllset_sync.forget_set('parted');
DROP TABLE parted;

-- unregister: nothing of it is left, the table is as it was
CREATE VIEW upon AS SELECT count(*) FROM daily_global;
SELECT hllset_sync.unregister('daily'), hllset_sync.forget_set('daily');
DROP VIEW upon;
SELECT hllset_sync.unregister('daily'), hllset_sync.forget_set('daily');
\d daily
SELECT relname FROM pg_class WHERE relname ~ '^(daily_|dirty_|rows_|copy_)' AND relkind IN ('r', 'v') ORDER BY 1;
SELECT set_name FROM hllset_sync.sets;
SELECT hllset_sync.unregister('named');
SELECT hllset_sync.unregister('nothing');
DROP TABLE daily;
