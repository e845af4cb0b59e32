-- Equality, order and hash of hllset, and all that stands on them.

CREATE TABLE sets AS
SELECT k, hll_add_agg(x) AS s FROM generate_series(1, 200) k, generate_series(1, k % 100) x GROUP BY k
UNION ALL SELECT 100, NULL UNION ALL SELECT 200, hllset_empty();
ANALYZE sets;

SELECT hllset_of(1) = hllset_of(1, 1), hllset_of(1) <> hllset_of(2), hllset_of(1) = hllset_of(2), hllset_empty(12) = hllset_empty(13);
-- the order is that of the bytes
SELECT bool_and((a.s < b.s) = (a.s::bytea < b.s::bytea) AND (a.s <= b.s) = (a.s::bytea <= b.s::bytea)
	AND (a.s > b.s) = (a.s::bytea > b.s::bytea) AND (a.s >= b.s) = (a.s::bytea >= b.s::bytea)
	AND (a.s = b.s) = (a.s::bytea = b.s::bytea) AND (a.s <> b.s) = (a.s::bytea <> b.s::bytea)
	AND sign(hllset_cmp(a.s, b.s)) = -sign(hllset_cmp(b.s, a.s))) AS as_bytea
FROM sets a, sets b WHERE a.k < 40 AND b.k < 140;
SELECT hllset_hashcode(hllset_of(1)) = hllset_hashcode_extended(hllset_of(1), 0)::bit(32)::int AS seed_0_agrees,
	hllset_hashcode_extended(hllset_of(1), 0) <> hllset_hashcode_extended(hllset_of(1), 1) AS seed_matters;
SELECT opcname, amname, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
WHERE opcname IN ('hllset_ops', 'hllhash_ops') ORDER BY 1, 2;

CREATE FUNCTION plan_has(query text, node text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		found := found OR line ~ node;
	END LOOP;
	RETURN found;
END $$;

-- DISTINCT, GROUP BY, UNION, EXCEPT, INTERSECT, sorted and hashed
SET enable_sort = off;
SELECT count(*) FROM (SELECT DISTINCT s FROM sets) x;
SELECT plan_has('SELECT s, count(*) FROM sets GROUP BY s', 'HashAggregate');
SELECT n, count(*) FROM (SELECT count(*) AS n FROM sets GROUP BY s) x GROUP BY n ORDER BY n;
RESET enable_sort;
SET enable_hashagg = off;
SELECT count(*) FROM (SELECT DISTINCT s FROM sets) x;
SELECT plan_has('SELECT s, count(*) FROM sets GROUP BY s', 'GroupAggregate');
SELECT n, count(*) FROM (SELECT count(*) AS n FROM sets GROUP BY s) x GROUP BY n ORDER BY n;
RESET enable_hashagg;
SELECT count(*) FROM (SELECT s FROM sets UNION SELECT s FROM sets) x;
SELECT count(*) FROM (SELECT s FROM sets WHERE k > 100 EXCEPT SELECT s FROM sets WHERE k < 50) x;
SELECT count(*) FROM (SELECT s FROM sets WHERE k > 100 INTERSECT SELECT s FROM sets WHERE k < 50) x;
SELECT count(DISTINCT s) FROM sets;
SELECT bool_and(s >= before) AS ordered FROM (SELECT s, lag(s) OVER (ORDER BY s) AS before FROM sets WHERE s IS NOT NULL) x;

-- joins of each kind
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT plan_has('SELECT FROM sets a JOIN sets b ON a.s = b.s', 'Hash Join');
SELECT count(*) FROM sets a JOIN sets b ON a.s = b.s;
SELECT count(*), count(a.k), count(b.k) FROM (SELECT * FROM sets WHERE k < 60) a FULL JOIN (SELECT * FROM sets WHERE k > 130) b ON a.s = b.s;
RESET enable_mergejoin;
SET enable_hashjoin = off;
SELECT plan_has('SELECT FROM sets a JOIN sets b ON a.s = b.s', 'Merge Join');
SELECT count(*) FROM sets a JOIN sets b ON a.s = b.s;
SELECT count(*), count(a.k), count(b.k) FROM (SELECT * FROM sets WHERE k < 60) a FULL JOIN (SELECT * FROM sets WHERE k > 130) b ON a.s = b.s;
RESET enable_nestloop;
SET enable_mergejoin = off;
SELECT count(*) FROM sets a JOIN sets b ON a.s = b.s;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- indexes
SET enable_seqscan = off;
CREATE INDEX sets_hash ON sets USING hash (s);
SELECT plan_has('SELECT FROM sets WHERE s = hllset_empty()', 'Index Scan using sets_hash');
SELECT count(*) FROM sets WHERE s = hllset_empty();
SELECT count(*) FROM sets WHERE s = hllset_of(1);
DROP INDEX sets_hash;
CREATE INDEX sets_btree ON sets (s);
SELECT plan_has('SELECT FROM sets WHERE s > hllset_of(1)', 'Index.*sets_btree');
SELECT count(*) FROM sets WHERE s = hllset_empty();
SELECT count(*) FROM sets WHERE s = hllset_of(1);
SELECT (SELECT count(*) FROM sets WHERE s > hllset_of(1)) + (SELECT count(*) FROM sets WHERE s <= hllset_of(1));
RESET enable_seqscan;
\set VERBOSITY terse
CREATE UNIQUE INDEX ON sets (s);
\set VERBOSITY default
CREATE TABLE distinct_sets AS SELECT DISTINCT s FROM sets WHERE s IS NOT NULL;
CREATE UNIQUE INDEX distinct_s ON distinct_sets (s);
INSERT INTO distinct_sets SELECT s FROM sets WHERE s IS NOT NULL ON CONFLICT (s) DO NOTHING;
SELECT count(*) FROM distinct_sets;
-- long values don't fit an index of their own, their digest does
CREATE TABLE long AS SELECT hll_add_agg(x) AS s FROM generate_series(1, 100000) x;
CREATE UNIQUE INDEX long_digest ON long (hll_digest(s));
\set VERBOSITY terse
INSERT INTO long SELECT s FROM long;
\set VERBOSITY default

-- hash partitioning
CREATE TABLE parted (s hllset) PARTITION BY HASH (s);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT s FROM sets;
SELECT count(*), (SELECT count(*) > 0 FROM parted_0) AND (SELECT count(*) > 0 FROM parted_1) AS spread,
	(SELECT count(*) FROM parted_0 a JOIN parted_1 b ON a.s = b.s) AS split
FROM parted;

-- a materialised view is compared row by row
CREATE MATERIALIZED VIEW summary AS SELECT k % 10 AS g, hll_union_agg(s) AS s FROM sets GROUP BY 1;
CREATE UNIQUE INDEX ON summary (g);
UPDATE sets SET s = hll_add(s, 'new'::text) WHERE k % 10 = 3;
REFRESH MATERIALIZED VIEW CONCURRENTLY summary;
SELECT count(*), count(*) FILTER (WHERE hll_may_contain(s, 'new'::text)) AS fresh FROM summary;

DROP MATERIALIZED VIEW summary;
DROP TABLE sets, distinct_sets, long, parted;
DROP FUNCTION plan_has(text, text);
