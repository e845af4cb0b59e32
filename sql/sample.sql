-- Members of a value: hll_coupon, hll_sample, hll_sample_rate.

SET client_min_messages = warning;
-- what fits a hash fits an element: the level, then 20 bits of the address
SELECT hll_coupon(1), hll_coupon('a'::text), hll_coupon(hll_hash(1)) = hll_coupon(1) AS of_a_hash, hll_coupon(1.0) = hll_coupon(1::smallint) AS same_element, hll_coupon(NULL) AS "null";
SELECT h, hll_coupon(h), hll_coupon(h) >> 20 AS level, to_hex(hll_coupon(h) & 1048575) AS address
FROM unnest('{ffffffffffffffff,0000000000000000,00000000000fffff,0123456789abcdef,8000000000000000,0000000100000000,0000000200000000}'::hllhash[]) h ORDER BY h;
SELECT bool_and(hll_coupon(x) = (64 - length(ltrim(hll_hash(x)::bigint::bit(64)::text, '0'))) << 20 | (hll_hash(x)::bigint & 1048575)::int) AS of_the_hash FROM generate_series(1, 2000) x;

CREATE TABLE users AS SELECT i AS id, (i * 7919::bigint % 100003)::int AS paid FROM generate_series(1, 60000) i;
CREATE INDEX ON users (hll_coupon(id));
ANALYZE users;
CREATE TABLE sets AS SELECT (SELECT hll_add_agg(i) FROM generate_series(1, 20000) i) AS a, (SELECT hll_add_agg(i) FROM generate_series(10001, 30000) i) AS b,
	(SELECT hll_add_agg(i) FROM generate_series(101, 1000) i) AS small, (SELECT hll_add_agg(i) FROM generate_series(1, 500) i) AS other;
ANALYZE sets;

-- ---- all of a small set, and of what small sets make; elsewhere the elements of high levels ----

SELECT name, hll_sample_rate(s) AS rate, keys, found, members, of_high_levels
FROM (SELECT 'small' AS name, small AS s, int8range(101, 1001) AS ids FROM sets UNION ALL SELECT 'small - other', small - other, '[501,1001)' FROM sets UNION ALL SELECT 'a', a, '[1,20001)' FROM sets
	UNION ALL SELECT 'a - b', a - b, '[1,10001)' FROM sets UNION ALL SELECT 'a & b', a & b, '[10001,20001)' FROM sets UNION ALL SELECT '(a - b) & small', (a - b) & small, '[101,1001)' FROM sets
	UNION ALL SELECT 'empty', hllset_empty(), 'empty' UNION ALL SELECT 'empty, coarse', hllset_empty(4), 'empty') v (name, s, ids),
	LATERAL (SELECT count(*) AS keys FROM hll_sample(s)) k,
	LATERAL (SELECT count(*) AS found, count(*) FILTER (WHERE id::bigint <@ ids) AS members FROM hll_sample(s) c JOIN users ON hll_coupon(id) = c WHERE hll_may_contain(s, id)) f,
	LATERAL (SELECT count(*) AS of_high_levels FROM users WHERE id::bigint <@ ids AND hll_coupon(id) >> 20 >= -log(2, hll_sample_rate(s)::numeric)) l
ORDER BY name COLLATE "C";
-- ascending and distinct; from a level on it is the rest of it
SELECT l, hll_sample_rate(a - b, l) AS rate, count(*), bool_and(c >> 20 >= l) AS of_level, array_agg(c) = (SELECT array_agg(c ORDER BY c) FROM (SELECT DISTINCT c FROM hll_sample(a - b) c WHERE c >= l << 20) d) AS the_rest
FROM sets, generate_series(0, 12, 3) l, hll_sample(a - b, l) c GROUP BY l, a, b ORDER BY l;
SELECT least_level, hll_sample_rate(hllset_of(1), least_level), count(c) FROM unnest('{0,1,31}'::int[]) least_level LEFT JOIN LATERAL hll_sample(hllset_of(1), least_level) c ON true GROUP BY 1 ORDER BY 1;
-- all kinds of value
SELECT hll_kind(s) AS kind, hll_precision(s) AS p, hll_sample_rate(s) AS rate, (SELECT count(*) FROM hll_sample(s)) AS keys FROM (
	SELECT a FROM sets UNION ALL SELECT a # b FROM sets UNION ALL SELECT (SELECT hll_intersect_agg(hll_add(a, -i)) FROM generate_series(1, 8) i) FROM sets
	UNION ALL SELECT small::hllset(12, compact) FROM sets UNION ALL SELECT hll_add_agg(id, 18) FROM users UNION ALL SELECT hll_fold(hll_add_agg(id, 18), 12) FROM users) v (s)
ORDER BY 1, 2, 4;
-- with elements of other types and under a key
CREATE TABLE words AS SELECT 'user ' || i AS word, i FROM generate_series(1, 30000) i;
ANALYZE words;
SELECT count(*) > 100 AS many, count(*) = count(*) FILTER (WHERE i % 2 = 0) AS all_right FROM (SELECT hll_add_agg(word) FILTER (WHERE i % 2 = 0) - hll_add_agg(word) FILTER (WHERE i % 3 = 1 AND i % 2 = 1) AS s FROM words) v,
	hll_sample(s) c JOIN words ON hll_coupon(word) = c WHERE hll_may_contain(s, word);
SELECT count(*) > 100 AS many, count(*) = count(*) FILTER (WHERE i <= 9999) AS all_right FROM (SELECT hll_add_agg(hll_hash(word, '0123456789abcdef')) FILTER (WHERE i <= 9999) AS s FROM words) v,
	hll_sample(s) c JOIN words ON hll_coupon(hll_hash(word, '0123456789abcdef')) = c WHERE hll_may_contain(s, hll_hash(word, '0123456789abcdef'));

-- ---- plans ----

SET random_page_cost = 1.1;
SET max_parallel_workers_per_gather = 0;
-- by an index; without one by a hash or merge join
EXPLAIN (COSTS OFF) SELECT u.* FROM sets, hll_sample(a - b) c JOIN users u ON hll_coupon(u.id) = c WHERE hll_may_contain(a - b, u.id);
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT w.* FROM sets, hll_sample(a - b) c JOIN words w ON hll_coupon(w.i) = c WHERE hll_may_contain(a - b, w.i);
RESET enable_mergejoin;
-- an index of one row in 16
DROP INDEX users_hll_coupon_idx;
CREATE INDEX users_coupon ON users (hll_coupon(id)) WHERE hll_coupon(id) >= 4 << 20;
-- the planner takes no statistics from a partial index
CREATE STATISTICS users_coupon_of_all ON (hll_coupon(id)) FROM users;
ANALYZE users;
CREATE FUNCTION uses_index(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		IF line ~ 'Index Scan using users_coupon' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT uses_index($$SELECT u.* FROM sets, hll_sample(a - b, 4) c JOIN users u ON hll_coupon(u.id) = c WHERE hll_may_contain(a - b, u.id) AND hll_coupon(u.id) >= 4 << 20$$) AS with_the_condition,
	uses_index($$SELECT u.* FROM sets, hll_sample(a - b, 4) c JOIN users u ON hll_coupon(u.id) = c WHERE hll_may_contain(a - b, u.id)$$) AS without;
SELECT (SELECT count(*) FROM users WHERE hll_coupon(id) >= 4 << 20) AS in_the_index, hll_sample_rate(a, 4) AS rate, count(*), count(*) FILTER (WHERE u.id <= 20000) AS members, round(count(*) / hll_sample_rate(a, 4)) AS estimated
FROM sets, hll_sample(a, 4) c JOIN users u ON hll_coupon(u.id) = c WHERE hll_may_contain(a, u.id) AND hll_coupon(u.id) >= 4 << 20 GROUP BY a;
-- the value as a parameter, in a plan for any
PREPARE members(hllset) AS SELECT count(*) FROM hll_sample($1, 4) c JOIN users u ON hll_coupon(u.id) = c WHERE hll_may_contain($1, u.id) AND hll_coupon(u.id) >= 4 << 20;
CREATE FUNCTION count_members(s hllset) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('EXECUTE members(%L)', s) INTO n;
	RETURN n;
END $$;
SET plan_cache_mode = force_generic_plan;
SELECT count_members(a - b) AS members FROM sets;
RESET plan_cache_mode;
RESET random_page_cost;
RESET max_parallel_workers_per_gather;
DEALLOCATE members;
DROP FUNCTION count_members(hllset), uses_index(text);
-- in the list of columns, twice, and stopped early
SELECT count(*) FROM (SELECT hll_sample(small), hll_sample(other) FROM sets) v;
SELECT hll_sample(hllset_of(1, 2, 3)) LIMIT 2;
SELECT i, array_agg(c) FROM generate_series(1, 3) i, hll_sample(hllset_of(i, i + 1)) c GROUP BY i ORDER BY i;

-- ---- what can't be sampled ----

-- elements that were chosen by their hash: a large set of them has no token
SELECT # s > 1000 AS large, hll_sample_rate(s) AS rate, (SELECT count(*) FROM hll_sample(s)) AS keys FROM (SELECT hll_add_agg(x) AS s FROM generate_series(1, 9000) x WHERE hll_hash(x) >= '8000000000000000') v;

SELECT count(*) FROM hll_sample(NULL);
SELECT count(*) FROM hll_sample(hllset_of(1), NULL);
SELECT hll_sample_rate(NULL), hll_sample_rate(hllset_of(1), NULL);
\set VERBOSITY terse
SELECT hll_sample(hll_fold(a, 11)) FROM sets;
SELECT hll_sample_rate(hll_fold(a, 11) - hll_fold(b, 11)) FROM sets;
SELECT hll_sample(hll_add(hllset_empty(11), 1));
SELECT hll_sample(a::hllset(12, compact)) FROM sets;
SELECT hll_sample_rate(a::hllset(12, compact) & b) FROM sets;
SELECT hll_sample(a - (b::hllset(12, compact))) FROM sets;
SELECT hll_sample(hllset_of(1), -1);
SELECT hll_sample(hllset_of(1), 32);
SELECT hll_sample_rate(hllset_empty(), 2147483647);
SELECT hll_coupon(hllset_of(1));
SELECT hll_coupon('a');
SELECT hll_coupon('{}'::json);
\set VERBOSITY default

DROP TABLE users, sets, words;
