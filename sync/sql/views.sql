-- Views of a set: what they unite, and that conditions on keys reach both tables' indexes.
SET client_min_messages = warning;
CREATE TABLE t (day date, page varchar(20) COLLATE "C", s hllset(10), PRIMARY KEY (day, page));
CALL hllset_sync.register('t', set_name => 'pages', global_view => 'all_pages', by_node_view => 'pages_of');
SELECT 'copy_' || set_id AS copies FROM hllset_sync.sets WHERE set_name = 'pages' \gset
INSERT INTO t SELECT '2026-01-01'::date + i % 30, 'p' || i, hllset_of(i)::hllset(10) FROM generate_series(1, 3000) i;
INSERT INTO hllset_sync.origins VALUES (1, '11111111-1111-1111-1111-111111111111', 'eu');
INSERT INTO hllset_sync.:copies SELECT '2026-01-01'::date + i % 30, 'p' || i, 1, (hllset_of(-i))::hllset(10), i, '00000000-0000-0000-0000-000000000000' FROM generate_series(1, 3000) i;
SET client_min_messages = error;
ANALYZE t, hllset_sync.:copies;
RESET client_min_messages;
SET enable_bitmapscan = off;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		CONTINUE WHEN line ~ 'Group Key'; -- from 16 on it has no keys that are constant
		RETURN NEXT regexp_replace(regexp_replace(line, 'copy_\d+', 'copy_N', 'g'), '''\d+''::oid', 'the table');
	END LOOP;
END $$;
SELECT plan($$SELECT # s FROM all_pages WHERE day = '2026-01-05' AND page = 'p4'$$);
SELECT plan($$SELECT # s FROM pages_of WHERE day = '2026-01-05' AND page = 'p4'$$);
SELECT # s FROM all_pages WHERE day = '2026-01-05' AND page = 'p4';
SELECT # hll_union_agg(s) BETWEEN 5400 AND 6600 FROM all_pages;
SELECT node = 'eu', count(*) FROM pages_of GROUP BY 1 ORDER BY 1;
DELETE FROM hllset_sync.:copies;
DELETE FROM hllset_sync.origins;
SELECT hllset_sync.unregister('pages'), hllset_sync.forget_set('pages');
DROP TABLE t;
DROP FUNCTION plan;
