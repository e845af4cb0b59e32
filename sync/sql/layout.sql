-- Rows that come and go without the trigger: partitions and triggers that change begin a scan, chunk by chunk, and until it has ended there is more.
SET client_min_messages = warning;
CREATE TABLE t (k int, s hllset(8), PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100);
CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (100) TO (200);
CREATE TABLE t_3 (LIKE t INCLUDING ALL);
CALL hllset_sync.register('t');
SELECT hllset_sync.grant_peer('t', current_user::regrole);
CREATE VIEW heads AS SELECT head, more, scanning FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
-- what peers have, by what the feed says, against the table
CREATE VIEW wrong AS
	SELECT key FROM (SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 1000000, 100000000) WHERE key IS NOT NULL) f
		FULL JOIN (SELECT '\x00000004'::bytea || int4send(k) AS key FROM t) b USING (key) WHERE f.there IS DISTINCT FROM (b.key IS NOT NULL) AND (f.there OR b.key IS NOT NULL);
CREATE PROCEDURE settle() LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		CALL hllset_sync.p_advance();
		EXIT WHEN NOT EXISTS (SELECT FROM hllset_sync.p_heads() WHERE more);
	END LOOP;
END $$;
SET hllset_sync.max_batch_rows = 100000;

-- seeded by pages, whoever calls; scanning from the start
INSERT INTO t SELECT i, NULL FROM generate_series(0, 150) i;
INSERT INTO t_3 SELECT i, NULL FROM generate_series(300, 1050) i;
SELECT * FROM heads;
SET hllset_sync.chunk_rows = 100;
CALL settle();
SELECT * FROM heads;
SELECT * FROM wrong;

-- ATTACH, TRUNCATE of a partition, DETACH, DROP: no trigger of the table's fires
ALTER TABLE t ATTACH PARTITION t_3 FOR VALUES FROM (300) TO (2000);
CALL settle();
SELECT head, more FROM heads;
SELECT * FROM wrong;
TRUNCATE t_2;
CALL settle();
SELECT head, more FROM heads;
SELECT * FROM wrong;
ALTER TABLE t DETACH PARTITION t_3;
INSERT INTO t_3 SELECT i, NULL FROM generate_series(1100, 1200) i;
CALL settle();
SELECT head, more FROM heads;
ALTER TABLE t ATTACH PARTITION t_3 FOR VALUES FROM (300) TO (2000);
CALL settle();
SELECT head, more FROM heads;
SELECT * FROM wrong;
DROP TABLE t_3;
CALL settle();
SELECT head, more FROM heads;
SELECT * FROM wrong;
-- nothing else happens
CALL settle();
SELECT head, more FROM heads;

-- a table that is truncated whole is not read again, whatever was in it; what is written then is noted
SELECT scanned_at AS before FROM hllset_sync.sets WHERE set_name = 't' \gset
UPDATE hllset_sync.sets SET scanned_at = 0 WHERE set_name = 't';
TRUNCATE t;
INSERT INTO t SELECT i, NULL FROM generate_series(90, 110) i;
CALL settle();
SELECT head, truncated_at, more FROM hllset_sync.p_heads('{t}') WHERE set_name = 't';
SELECT scanned_at FROM hllset_sync.sets WHERE set_name = 't';
SELECT * FROM wrong;
CALL settle();
CALL settle();
SELECT index_rows, tombstones FROM hllset_sync.backlog WHERE set_name = 't';
-- unless its triggers were others in between
TRUNCATE t;
ALTER TABLE t DISABLE TRIGGER ALL;
INSERT INTO t VALUES (1, NULL);
ALTER TABLE t ENABLE TRIGGER ALL;
CALL settle();
SELECT head, more FROM heads;
SELECT * FROM wrong;

-- triggers that pg_restore --disable-triggers left as they are for replicas are as they were made again
CALL settle();
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgrelid IN ('t'::regclass, 't_1'::regclass, 't_2'::regclass) ORDER BY 1, 2;
SET session_replication_role = replica;
INSERT INTO t VALUES (2, NULL);
RESET session_replication_role;
CALL settle();
SELECT * FROM wrong;
-- DISABLE is its owner's word: it is said, and nobody waits in vain for what is not seen
ALTER TABLE t_1 DISABLE TRIGGER ALL;
CALL settle();
SELECT set_name, state, last_error FROM hllset_sync.set_status WHERE set_name = 't';
SELECT more FROM heads;
INSERT INTO t VALUES (3, NULL);
CALL settle();
SELECT more FROM heads;
ALTER TABLE t_1 ENABLE ALWAYS TRIGGER hllset_sync_capture;
CALL settle();
SELECT set_name, state, last_error FROM hllset_sync.set_status WHERE set_name = 't';
SELECT * FROM wrong;

-- an index in another order than the key, in both directions
CREATE TABLE u (a text, b int, c date, s hllset(8));
ALTER TABLE u ALTER a SET NOT NULL, ALTER b SET NOT NULL, ALTER c SET NOT NULL;
CREATE UNIQUE INDEX ON u (c DESC, a DESC, b DESC);
INSERT INTO u SELECT 'x' || i % 17, i, '2026-01-01'::date + i % 29, NULL FROM generate_series(1, 1500) i;
CALL hllset_sync.register('u', key_columns => '{b,c,a}', global_view => '', by_node_view => '');
SELECT hllset_sync.grant_peer('u', current_user::regrole);
CALL settle();
SELECT head, more FROM hllset_sync.p_heads('{u}') WHERE set_name = 'u';
SELECT count(DISTINCT key) FROM hllset_sync.p_changes('u', 0, NULL, 1000000, 1000000, 100000000) WHERE key IS NOT NULL;
ALTER TABLE u DISABLE TRIGGER ALL;
DELETE FROM u WHERE b % 3 = 0;
UPDATE u SET s = hllset_of(b)::hllset(8) WHERE b % 100 = 1;
ALTER TABLE u ENABLE TRIGGER ALL;
CALL settle();
SELECT head, more FROM hllset_sync.p_heads('{u}') WHERE set_name = 'u';
SELECT count(*) FILTER (WHERE sketches IS NULL) AS gone, count(*) FILTER (WHERE length(sketches) > 4) AS changed, count(*) FROM hllset_sync.p_changes('u', 0, NULL, 1000000, 1000000, 100000000) WHERE key IS NOT NULL;

-- heads that are known are not told again; the hash tells the order of things apart
SELECT nonce AS hash FROM hllset_sync.p_heads() WHERE set_name IS NULL \gset
SELECT count(*) FROM hllset_sync.p_heads(NULL, :'hash');
INSERT INTO t VALUES (4, NULL);
SELECT set_name, more FROM hllset_sync.p_heads(NULL, :'hash');
CALL settle();
SELECT count(*) > 1 AS told FROM hllset_sync.p_heads(NULL, :'hash');

-- row security is passed by by the views
CREATE TABLE secret (k int PRIMARY KEY, s hllset(8));
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CALL hllset_sync.register('secret');
CALL hllset_sync.register('secret', by_node_view => '');
CALL hllset_sync.register('secret', global_view => '', by_node_view => '');

DROP VIEW wrong, heads;
DROP PROCEDURE settle;
SELECT hllset_sync.unregister(n), hllset_sync.forget_set(n) FROM unnest('{t,u,secret}'::text[]) n;
DROP TABLE t, u, secret;
