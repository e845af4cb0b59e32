-- rescan and prune.
SET client_min_messages = warning;
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('t');
SELECT hllset_sync.grant_peer('t', current_user::regrole);
CREATE FUNCTION token(seq bigint) RETURNS uuid LANGUAGE sql AS
	'SELECT history.nonce FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = ''t'' AND seq_to >= seq ORDER BY seq_to LIMIT 1';
CREATE VIEW shown AS SELECT seq, key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000, 1000, 100000) WHERE key IS NOT NULL;
INSERT INTO t SELECT i, hllset_of(i)::hllset(8) FROM generate_series(1, 6) i;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
CALL hllset_sync.rescan('t');

-- the trigger is passed by: changed, gone, new, no set any more
ALTER TABLE t DISABLE TRIGGER ALL;
UPDATE t SET s = s | hllset_of(100) WHERE k = 1;
DELETE FROM t WHERE k = 2;
INSERT INTO t VALUES (7, NULL);
UPDATE pg_attribute SET atttypmod = -1 WHERE attrelid = 't'::regclass AND attname = 's';
UPDATE t SET s = (SELECT hll_add_agg(g, 8) FROM generate_series(1, 1000) g) & (SELECT hll_add_agg(g, 8) FROM generate_series(500, 2000) g) WHERE k = 3;
UPDATE pg_attribute SET atttypmod = 8 WHERE attrelid = 't'::regclass AND attname = 's';
ALTER TABLE t ENABLE TRIGGER ALL;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
-- what was noted is no difference
UPDATE t SET s = s | hllset_of(100) WHERE k = 4;
CALL hllset_sync.rescan('t');
CALL hllset_sync.rescan('t');
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM shown;
CALL hllset_sync.rescan('t');
SELECT scan IS NULL AND scanned_at > 0 AS noted FROM hllset_sync.sets WHERE set_name = 't';
UPDATE t SET s = NULL WHERE k = 3;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;

-- prune: old tombstones go, and the floor says up to where; one nonce goes on for an hour
DELETE FROM t WHERE k >= 5;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
CALL hllset_sync.prune();
CREATE FUNCTION grow_old() RETURNS void LANGUAGE sql AS
	'UPDATE hllset_sync.history h SET ran = ran - 31 * 86400 FROM hllset_sync.sets s WHERE s.set_id = h.set_id AND set_name = ''t''';
SELECT grow_old();
CALL hllset_sync.prune();
SELECT seq_from, seq_to FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't' ORDER BY 1;
SELECT token(6) AS old_token, head, nonce AS head_token FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL \gset
INSERT INTO t VALUES (9, NULL);
CALL hllset_sync.p_advance('{t}'); SELECT head, floor FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT seq_from, seq_to FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't' ORDER BY 1;
SELECT count(*) FROM hllset_sync.p_changes('t', 6, :'old_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
SELECT grow_old();
CALL hllset_sync.prune();
SELECT * FROM shown;
SELECT head, floor FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
-- a token from before is old, not unknown, and one that a first sync gets now is neither; a peer that had all that there was needs nothing
SELECT count(*) FROM hllset_sync.p_changes('t', 6, :'old_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_changes('t', 6, gen_random_uuid(), 1000, 1000, 100000) WHERE key IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_changes('t', 6, NULL, 1000, 1000, 100000) WHERE key IS NOT NULL;
SELECT seq AS now_seq, nonce AS now_token FROM hllset_sync.p_changes('t', 0, NULL, 1000, 1, 100000) \gset
SELECT count(*) FROM hllset_sync.p_changes('t', :now_seq, :'now_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_changes('t', :head, :'head_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
CALL hllset_sync.prune();
SELECT count(*) FROM hllset_sync.p_changes('t', :now_seq, :'now_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
-- the next floor makes old what a first sync got before it
INSERT INTO t VALUES (10, NULL);
CALL hllset_sync.p_advance('{t}');
SELECT grow_old();
CALL hllset_sync.prune();
SELECT head, floor FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_changes('t', :now_seq, :'now_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
-- ranges go much later, and become one
SELECT token(head) AS last_token, head AS last_head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL \gset
UPDATE hllset_sync.history SET ran = ran - 400 * 86400;
CALL hllset_sync.prune();
SELECT seq_from, seq_to FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't' ORDER BY 1;
SELECT count(*) FROM hllset_sync.p_changes('t', 6, :'old_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
SELECT count(*) FROM hllset_sync.p_changes('t', :last_head, :'last_token', 1000, 1000, 100000) WHERE key IS NOT NULL;
SELECT seq, nonce IS NOT NULL AS tokens FROM hllset_sync.p_changes('t', 0, NULL, 1000, 1000, 100000) WHERE key IS NOT NULL;
DROP FUNCTION grow_old;
DROP VIEW shown;
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
DROP TABLE t;
DROP FUNCTION token;
