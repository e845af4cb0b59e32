-- Numbers, history, and what is read after a token.
SET client_min_messages = warning;
SET hllset_sync.max_batch_rows = 100000;
SET hllset_sync.max_batch_bytes = '256MB';
CREATE TABLE t (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('t');
SELECT hllset_sync.grant_peer('t', current_user::regrole);
CREATE FUNCTION token(seq bigint) RETURNS uuid LANGUAGE sql AS
	'SELECT history.nonce FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = ''t'' AND seq_to >= seq ORDER BY seq_to LIMIT 1';
CREATE FUNCTION changes(after bigint, max_rows int DEFAULT 100, max_bytes bigint DEFAULT 100000) RETURNS TABLE (seq bigint, key bytea, there boolean, right_nonce boolean) LANGUAGE sql AS
	'SELECT seq, key, sketches IS NOT NULL, nonce = token(seq) FROM hllset_sync.p_changes(''t'', after, token(after), 9223372036854775807, max_rows, max_bytes) WHERE key IS NOT NULL';

CALL hllset_sync.p_advance('{t,nothing,named}'); SELECT set_name, head, nonce, floor, truncated_at, more FROM hllset_sync.p_heads('{t,nothing,named}') WHERE set_name IS NOT NULL;
SELECT * FROM changes(0);
INSERT INTO t SELECT i, hllset_of(i) FROM generate_series(1, 5) i;
SELECT head, nonce = token(5) AS right_nonce FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
CALL hllset_sync.p_advance('{t}'); SELECT head, nonce = token(5) AS right_nonce FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM changes(0);

-- a newer number each time, only for what differs; gone rows stay as such
UPDATE t SET s = s | hllset_of(100) WHERE k = 2;
UPDATE t SET s = s | hllset_of(3) WHERE k = 3;
DELETE FROM t WHERE k = 4;
INSERT INTO t VALUES (6, NULL);
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM changes(0);
SELECT * FROM changes(5);
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
-- written and undone between two looks
UPDATE t SET s = s | hllset_of(7) WHERE k = 1;
UPDATE t SET s = hllset_of(1) WHERE k = 1;
INSERT INTO t VALUES (7, hllset_of(7));
DELETE FROM t WHERE k = 7;
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
-- back again
INSERT INTO t VALUES (4, hllset_of(4));
CALL hllset_sync.p_advance('{t}'); SELECT head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM changes(8);
SELECT seq_from, seq_to FROM hllset_sync.history JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't' ORDER BY 1;

-- limits: rows, bytes (but one row at least), the end
SELECT seq FROM changes(0, max_rows => 2);
SELECT seq FROM changes(0, max_rows => 0);
SELECT seq FROM changes(0, max_bytes => 1);
SELECT seq FROM changes(0, max_bytes => 60);
SELECT seq FROM hllset_sync.p_changes('t', 0, NULL, 6, 100, 100000) WHERE key IS NOT NULL;
SELECT seq FROM hllset_sync.p_changes('t', 9, token(9), 9, 100, 100000) WHERE key IS NOT NULL;
SELECT seq FROM hllset_sync.p_changes('t', 9, token(9), 3, 100, 100000) WHERE key IS NOT NULL;

-- tokens that this history did not give
SELECT seq FROM hllset_sync.p_changes('t', 5, gen_random_uuid(), 9, 100, 100000) WHERE key IS NOT NULL;
SELECT seq FROM hllset_sync.p_changes('t', 5, NULL, 9, 100, 100000) WHERE key IS NOT NULL;
SELECT seq FROM hllset_sync.p_changes('t', 10, gen_random_uuid(), 11, 100, 100000) WHERE key IS NOT NULL;
SELECT seq FROM hllset_sync.p_changes('nothing', 0, NULL, 11, 100, 100000) WHERE key IS NOT NULL;
SELECT seq FROM hllset_sync.p_changes('t', NULL, NULL, 11, 100, 100000) WHERE key IS NOT NULL;

-- TRUNCATE: a number of its own, and what is written after it comes later
TRUNCATE t;
INSERT INTO t VALUES (1, hllset_of(1));
CALL hllset_sync.p_advance('{t}'); SELECT head, truncated_at FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM changes(9);
TRUNCATE t;
CALL hllset_sync.p_advance('{t}'); SELECT head, truncated_at, nonce = token(head) AS right_nonce FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT * FROM changes(9);

-- more than one sequencer takes; how many calls it takes goes by the clock
INSERT INTO t SELECT i, hllset_of(i) FROM generate_series(1, 25000) i;
DO $$
DECLARE
	more boolean := true;
BEGIN
	FOR i IN 1..1000 LOOP
		EXIT WHEN NOT more;
		CALL hllset_sync.p_advance('{t}');
		SELECT h.more INTO STRICT more FROM hllset_sync.p_heads('{t}') h WHERE set_name IS NOT NULL;
	END LOOP;
END $$;
SELECT count(*), count(DISTINCT seq), count(DISTINCT nonce), bool_and(sketches IS NOT NULL) FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100000, 100000000) WHERE key IS NOT NULL;
TRUNCATE t;
CALL hllset_sync.p_advance('{t}'); SELECT more FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;

-- a value that is no plain set, past the column's modifier, which takes none: nothing is said of it to peers, until it is mended
UPDATE pg_attribute SET atttypmod = -1 WHERE attrelid = 't'::regclass AND attname = 's';
INSERT INTO t SELECT 1, (SELECT hll_add_agg(g, 8) FROM generate_series(1, 1000) g) & (SELECT hll_add_agg(g, 8) FROM generate_series(500, 2000) g);
UPDATE pg_attribute SET atttypmod = 8 WHERE attrelid = 't'::regclass AND attname = 's';
INSERT INTO t VALUES (2, hllset_of(2)), (3, hllset_of(3));
SELECT k, hll_kind(s) FROM t ORDER BY k;
CALL hllset_sync.p_advance('{t}'); SELECT more FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100, 100000) WHERE key IS NOT NULL;
SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 't';
UPDATE t SET s = s & hllset_of(5) WHERE k = 3;
UPDATE t SET s = hllset_of(9) WHERE k = 2;
CALL hllset_sync.p_advance('{t}'); SELECT more FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100, 100000) WHERE key IS NOT NULL;
UPDATE t SET s = hllset_of(1);
CALL hllset_sync.p_advance('{t}'); SELECT more FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 1000000, 100, 100000) WHERE key IS NOT NULL;
SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 't';

-- rows by key
SELECT key, sketches IS NOT NULL AS there FROM hllset_sync.p_fetch('t', ARRAY['\x0000000400000001', '\x0000000400000009', '\x0000000400000003']::bytea[], 1000000);
SELECT count(*) FROM hllset_sync.p_fetch('t', ARRAY['\x0000000400000001', '\x0000000400000003']::bytea[], 1);
SELECT * FROM hllset_sync.p_fetch('t', '{}', 1000000);
SELECT * FROM hllset_sync.p_fetch('t', '{NULL}', 1000000);

-- fingerprints: all rows, in ranges; they do not depend on order or history
SELECT sum(n), count(*) FROM hllset_sync.p_fingerprint('t', 1000000);
SELECT sum(n) FROM hllset_sync.p_fingerprint('t', 0);
SELECT key FROM hllset_sync.p_bucket('t', (SELECT array_agg(i) FROM generate_series(0, 1023) i), NULL, 1000, 1000000) ORDER BY key;
SELECT bool_and(b.key IS NOT NULL AND f.n = 1) FROM hllset_sync.p_fingerprint('t', 1000000) f, hllset_sync.p_bucket('t', ARRAY[f.bucket], NULL, 1000, 1000000) b;
SELECT * FROM hllset_sync.p_bucket('t', '{1024}', NULL, 1000, 1000000);
SELECT * FROM hllset_sync.p_bucket('t', '{NULL}', NULL, 1000, 1000000);
SELECT * FROM hllset_sync.p_bucket('t', NULL, NULL, 1000, 1000000);
SELECT d.seq, d.digest = b.digest AS same FROM hllset_sync.p_bucket('t', (SELECT array_agg(i) FROM generate_series(0, 1023) i), NULL, 1000, 1000000) b, hllset_sync.p_digests('t', ARRAY[b.key, '\x00000004ffffffff']) d;
-- in pages
CREATE TABLE long (k int PRIMARY KEY, s hllset(8));
CALL hllset_sync.register('long', global_view => '', by_node_view => '');
SELECT hllset_sync.grant_peer('long', current_user::regrole);
INSERT INTO long SELECT i, hllset_of(i) FROM generate_series(1, 1000) i;
CALL hllset_sync.p_advance('{long}'); SELECT head FROM hllset_sync.p_heads('{long}') WHERE set_name IS NOT NULL;
CREATE TABLE whole AS SELECT * FROM hllset_sync.p_fingerprint('long', 1000);
SELECT sum(n) FROM whole;
SET hllset_sync.chunk_rows = 300;
CREATE PROCEDURE pages(INOUT pages int DEFAULT 0, INOUT listed bigint DEFAULT 0, INOUT same boolean DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	place bytea;
BEGIN
	LOOP
		CREATE TEMP TABLE page AS SELECT * FROM hllset_sync.p_fingerprint('long', 1000, place);
		SELECT p.next INTO place FROM page p WHERE p.next IS NOT NULL;
		pages := pages + 1;
		EXIT WHEN place IS NULL;
		DROP TABLE page;
		COMMIT;
	END LOOP;
	same := NOT EXISTS (SELECT * FROM page EXCEPT SELECT * FROM whole) AND NOT EXISTS (SELECT * FROM whole EXCEPT SELECT * FROM page);
	LOOP
		DROP TABLE page;
		CREATE TEMP TABLE page AS SELECT * FROM hllset_sync.p_bucket('long', (SELECT array_agg(i) FROM generate_series(0, 1023) i), place, 100, 1000000);
		SELECT p.next INTO place FROM page p WHERE p.next IS NOT NULL;
		listed := listed + (SELECT count(p.key) FROM page p);
		EXIT WHEN place IS NULL;
	END LOOP;
	DROP TABLE page;
END $$;
CALL pages();
SELECT * FROM hllset_sync.p_fingerprint('long', 1000, '\x0000000400000005');
SELECT hllset_sync.unregister('long'), hllset_sync.forget_set('long');
RESET hllset_sync.chunk_rows;
DROP TABLE long, whole;
DROP PROCEDURE pages;
SELECT * FROM hllset_sync.p_copy_bucket('t', gen_random_uuid(), '{1}', NULL, 1000, 1000000);

SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
DROP TABLE t;
DROP FUNCTION changes, token;
