-- rescan and prune.
SET client_min_messages = warning;
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('t');
SELECT hllset_sync.grant_peer('t', current_user::regrole);
CREATE FUNCTION token(seq bigint) RETURNS uuid LANGUAGE sql AS
	'SELECT nonce FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = ''t'' AND seq_to >= seq ORDER BY seq_to LIMIT 1';
CREATE VIEW shown AS SELECT seq, key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000, 1000, 100000);
INSERT INTO t SELECT i, hllset_of(i)::hllset(8) FROM generate_series(1, 6) i;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT hllset_sync.rescan('t');

-- the trigger is passed by: changed, gone, new, no set any more
ALTER TABLE t DISABLE TRIGGER ALL;
UPDATE t SET s = s | hllset_of(100) WHERE k = 1;
DELETE FROM t WHERE k = 2;
INSERT INTO t VALUES (7, NULL);
UPDATE pg_attribute SET atttypmod = -1 WHERE attrelid = 't'::regclass AND attname = 's';
UPDATE t SET s = (SELECT hll_add_agg(g, 8) FROM generate_series(1, 1000) g) & (SELECT hll_add_agg(g, 8) FROM generate_series(500, 2000) g) WHERE k = 3;
UPDATE pg_attribute SET atttypmod = 8 WHERE attrelid = 't'::regclass AND attname = 's';
ALTER TABLE t ENABLE TRIGGER ALL;
SELECT head FROM hllset_sync.p_heads('{t}');
-- what was noted is no difference
UPDATE t SET s = s | hllset_of(100) WHERE k = 4;
SELECT hllset_sync.rescan('t');
SELECT hllset_sync.rescan('t');
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM shown;
SELECT hllset_sync.rescan('t');
SELECT now() - last_rescan < interval '1 min' AS noted FROM hllset_sync.sets WHERE set_name = 't';
UPDATE t SET s = NULL WHERE k = 3;
SELECT head FROM hllset_sync.p_heads('{t}');

-- prune: old tombstones go, and the history of their time becomes one batch
DELETE FROM t WHERE k >= 5;
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT hllset_sync.prune();
SELECT token(6) AS old_token, token(12) AS new_token \gset
UPDATE hllset_sync.history SET at = now() - interval '31 d' WHERE seq_to <= 12;
SELECT hllset_sync.prune();
SELECT * FROM shown;
SELECT seq_from, seq_to FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't' ORDER BY 1;
SELECT head, floor FROM hllset_sync.p_heads('{t}');
-- a token from before is not on the history any more, one that a first sync gets now is
SELECT count(*) FROM hllset_sync.p_changes('t', 6, :'old_token', 1000, 1000, 100000);
SELECT count(*) FROM hllset_sync.p_changes('t', 6, token(6), 1000, 1000, 100000);
SELECT token(6) AS merged \gset
SELECT hllset_sync.prune();
SELECT token(6) = :'merged' AS kept;
-- the newest batch stays, however old: a peer that had all still stands there when another comes
UPDATE hllset_sync.history SET at = now() - interval '31 d' WHERE at > '-infinity';
SELECT token(head) AS head_token, head FROM hllset_sync.p_heads('{t}') \gset
SELECT hllset_sync.prune();
SELECT count(*) FROM hllset_sync.p_changes('t', :head, :'head_token', 1000, 1000, 100000);
INSERT INTO t VALUES (8, NULL);
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT hllset_sync.prune();
SELECT count(*) FROM hllset_sync.p_changes('t', :head, :'head_token', 1000, 1000, 100000);
UPDATE hllset_sync.history SET at = now() - interval '31 d' WHERE at > '-infinity';
SELECT hllset_sync.prune();
SELECT head, floor FROM hllset_sync.p_heads('{t}');
SELECT * FROM shown;
SELECT seq_from, seq_to FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't' ORDER BY 1;
DROP VIEW shown;
SELECT hllset_sync.unregister('t');
DROP TABLE t;
DROP FUNCTION token;
