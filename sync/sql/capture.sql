-- What the trigger notes.
SET client_min_messages = warning;
CREATE TABLE t (a int, b text, s hllset(8), note text, PRIMARY KEY (a, b));
CALL hllset_sync.register('t');
CREATE FUNCTION noted() RETURNS TABLE (k1 int, k2 text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('WITH d AS (DELETE FROM hllset_sync.dirty_%s RETURNING *) SELECT * FROM d ORDER BY 1, 2',
		(SELECT set_id FROM hllset_sync.sets WHERE set_name = 't'));
END $$;

INSERT INTO t VALUES (1, 'x', hllset_of(1)), (2, 'y', NULL);
SELECT * FROM noted();
UPDATE t SET s = s | hllset_of(2) WHERE a = 1;
SELECT * FROM noted();
-- another column, and the same value written again
UPDATE t SET note = 'n', s = s;
SELECT * FROM noted();
-- a new key: both
UPDATE t SET a = 3 WHERE a = 1;
SELECT * FROM noted();
UPDATE t SET s = hllset_of(9) WHERE a = 2;
SELECT * FROM noted();
DELETE FROM t WHERE a = 2;
SELECT * FROM noted();
-- undone, in part
BEGIN;
INSERT INTO t VALUES (4, 'kept', hllset_of(1));
SAVEPOINT s;
INSERT INTO t VALUES (5, 'undone', hllset_of(1));
ROLLBACK TO s;
COMMIT;
BEGIN;
DELETE FROM t;
ROLLBACK;
SELECT * FROM noted();
-- conflict and COPY
INSERT INTO t VALUES (4, 'kept', hllset_of(2)) ON CONFLICT (a, b) DO UPDATE SET s = t.s | excluded.s;
INSERT INTO t VALUES (4, 'kept', hllset_of(2)) ON CONFLICT DO NOTHING;
COPY t (a, b) FROM stdin;
6	copied
\.
SELECT * FROM noted();
-- as a replica too
SET session_replication_role = replica;
INSERT INTO t VALUES (7, 'replica', hllset_of(1));
RESET session_replication_role;
SELECT * FROM noted();
-- large values: a change elsewhere leaves the stored one alone
INSERT INTO t SELECT 8, repeat('long', 500), hll_fold(hll_add_agg(g, 16), 8), NULL FROM generate_series(1, 100) g;
SELECT k1, length(k2) FROM noted();
UPDATE t SET note = 'n' WHERE a = 8;
SELECT k1, length(k2) FROM noted();
TRUNCATE t;
SELECT * FROM noted();

-- columns that went away do not stop the user; everything is compared again when they are back
ALTER TABLE t RENAME s TO z;
INSERT INTO t VALUES (9, 'renamed', hllset_of(1));
CALL hllset_sync.p_advance('{t}'); SELECT set_name, head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT hllset_sync.grant_peer('t', current_user::regrole);
CALL hllset_sync.p_advance('{t}'); SELECT set_name, head FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT set_name, state, last_error FROM hllset_sync.set_status WHERE set_name = 't';
ALTER TABLE t RENAME z TO s;
CALL hllset_sync.p_advance('{t}'); SELECT set_name, head, truncated_at FROM hllset_sync.p_heads('{t}') WHERE set_name IS NOT NULL;
SELECT set_name, state, last_error FROM hllset_sync.set_status WHERE set_name = 't';
SELECT seq, key, sketches IS NOT NULL AS there FROM hllset_sync.p_changes('t', 0, NULL, 100, 10, 10000) WHERE key IS NOT NULL;

-- only where register() put it
CREATE TRIGGER mine BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION hllset_sync.capture();
INSERT INTO t VALUES (10, 'x');
DROP TRIGGER mine ON t;
SELECT hllset_sync.capture();
DROP TABLE t CASCADE;
SELECT hllset_sync.unregister('t'), hllset_sync.forget_set('t');
DROP FUNCTION noted;
