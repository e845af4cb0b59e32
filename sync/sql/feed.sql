-- Numbers, history, and what is read after a token.
SET client_min_messages = warning;
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('t');
SELECT hllset_sync.grant_peer('t', current_user::regrole);
CREATE FUNCTION token(seq bigint) RETURNS uuid LANGUAGE sql AS
	'SELECT nonce FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = ''t'' AND seq_to >= seq ORDER BY seq_to LIMIT 1';
CREATE FUNCTION changes(after bigint, max_rows int DEFAULT 100, max_bytes bigint DEFAULT 100000) RETURNS TABLE (seq bigint, key bytea, there boolean, right_nonce boolean) LANGUAGE sql AS
	'SELECT seq, key, sketches IS NOT NULL, nonce = token(seq) FROM hllset_sync.p_changes(''t'', after, token(after), 9223372036854775807, max_rows, max_bytes)';

SELECT set_name, head, nonce, floor, truncated_at, more FROM hllset_sync.p_heads('{t,nothing,named}');
SELECT * FROM changes(0);
INSERT INTO t SELECT i, hllset_of(i) FROM generate_series(1, 5) i;
SELECT head, nonce = token(5) AS right_nonce FROM hllset_sync.p_heads('{t}', false);
SELECT head, nonce = token(5) AS right_nonce FROM hllset_sync.p_heads('{t}');
SELECT * FROM changes(0);

-- a newer number each time, only for what differs; gone rows stay as such
UPDATE t SET s = s | hllset_of(100) WHERE k = 2;
UPDATE t SET s = s | hllset_of(3) WHERE k = 3;
DELETE FROM t WHERE k = 4;
INSERT INTO t VALUES (6, NULL);
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM changes(0);
SELECT * FROM changes(5);
SELECT head FROM hllset_sync.p_heads('{t}');
-- written and undone between two looks
UPDATE t SET s = s | hllset_of(7) WHERE k = 1;
UPDATE t SET s = hllset_of(1) WHERE k = 1;
INSERT INTO t VALUES (7, hllset_of(7));
DELETE FROM t WHERE k = 7;
SELECT head FROM hllset_sync.p_heads('{t}');
-- back again
INSERT INTO t VALUES (4, hllset_of(4));
SELECT head FROM hllset_sync.p_heads('{t}');
SELECT * FROM changes(8);
SELECT seq_from, seq_to FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't' ORDER BY 1;

-- limits: rows, bytes (but one row at least), the end
SELECT seq FROM changes(0, max_rows => 2);
SELECT seq FROM changes(0, max_rows => 0);
SELECT seq FROM changes(0, max_bytes => 1);
SELECT seq FROM changes(0, max_bytes => 60);
SELECT seq FROM hllset_sync.p_changes('t', 0, NULL, 6, 100, 100000);
SELECT seq FROM hllset_sync.p_changes('t', 9, token(9), 9, 100, 100000);
SELECT seq FROM hllset_sync.p_changes('t', 9, token(9), 3, 100, 100000);

-- tokens that this history did not give
SELECT seq FROM hllset_sync.p_changes('t', 5, token(9), 9, 100, 100000);
SELECT seq FROM hllset_sync.p_changes('t', 5, NULL, 9, 100, 100000);
SELECT seq FROM hllset_sync.p_changes('t', 10, token(9), 11, 100, 100000);
SELECT seq FROM hllset_sync.p_changes('nothing', 0, NULL, 11, 100, 100000);
SELECT seq FROM hllset_sync.p_changes('t', NULL, NULL, 11, 100, 100000);

-- TRUNCATE: a number of its own, and what is written after it comes later
TRUNCATE t;
INSERT INTO t VALUES (1, hllset_of(1));
SELECT head, truncated_at FROM hllset_sync.p_heads('{t}');
SELECT * FROM changes(9);
TRUNCATE t;
SELECT head, truncated_at, nonce = token(head) AS right_nonce FROM hllset_sync.p_heads('{t}');
SELECT * FROM changes(9);

-- more than one sequencer takes
INSERT INTO t SELECT i, hllset_of(i) FROM generate_series(1, 25000) i;
SELECT more FROM hllset_sync.p_heads('{t}');
SELECT more FROM hllset_sync.p_heads('{t}');
SELECT more FROM hllset_sync.p_heads('{t}');
SELECT more FROM hllset_sync.p_heads('{t}');
SELECT count(*), count(DISTINCT seq), count(DISTINCT nonce), bool_and(sketches IS NOT NULL) FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100000, 100000000);
TRUNCATE t;
SELECT more FROM hllset_sync.p_heads('{t}');

-- a value that is no plain set, past the column's modifier, which takes none: nothing is said of it to peers, until it is mended
UPDATE pg_attribute SET atttypmod = -1 WHERE attrelid = 't'::regclass AND attname = 's';
INSERT INTO t SELECT 1, (SELECT hll_add_agg(g, 8) FROM generate_series(1, 1000) g) & (SELECT hll_add_agg(g, 8) FROM generate_series(500, 2000) g);
UPDATE pg_attribute SET atttypmod = 8 WHERE attrelid = 't'::regclass AND attname = 's';
INSERT INTO t VALUES (2, hllset_of(2)), (3, hllset_of(3));
SELECT k, hll_kind(s) FROM t ORDER BY k;
SELECT more FROM hllset_sync.p_heads('{t}');
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100, 100000);
SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 't';
UPDATE t SET s = s & hllset_of(5) WHERE k = 3;
UPDATE t SET s = hllset_of(9) WHERE k = 2;
SELECT more FROM hllset_sync.p_heads('{t}');
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100, 100000);
UPDATE t SET s = hllset_of(1);
SELECT more FROM hllset_sync.p_heads('{t}');
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100, 100000);
SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 't';

-- rows by key
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_fetch('t', ARRAY['\x0000000400000001', '\x0000000400000009', NULL, '\x0000000400000003']::bytea[]);
SELECT * FROM hllset_sync.p_fetch('t', '{}');

-- fingerprints: all rows, in ranges; they do not depend on order or history
SELECT sum(n), count(*) FROM hllset_sync.p_fingerprint('t', NULL, 1000000);
SELECT sum(n) FROM hllset_sync.p_fingerprint('t', NULL, 0);
SELECT key FROM hllset_sync.p_bucket('t', NULL, (SELECT array_agg(i) FROM generate_series(0, 1023) i)) ORDER BY key;
SELECT bool_and(b.key IS NOT NULL AND f.n = 1) FROM hllset_sync.p_fingerprint('t', NULL, 1000000) f, hllset_sync.p_bucket('t', NULL, ARRAY[f.bucket]) b;
SELECT * FROM hllset_sync.p_bucket('t', NULL, '{1024}');
SELECT * FROM hllset_sync.p_bucket('t', NULL, '{NULL}');
SELECT * FROM hllset_sync.p_bucket('t', NULL, NULL);
SELECT * FROM hllset_sync.p_bucket('t', gen_random_uuid(), '{1}');

SELECT hllset_sync.unregister('t');
DROP TABLE t;
DROP FUNCTION changes, token;
