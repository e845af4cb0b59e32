-- The planner and the two ways to search: plans, rows that are expected, precedence. Plans without workers, also where the server is made to use them.
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	scan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	scan := plan -> 0 -> 'Plan';
	-- down to the scan of the table that is searched
	WHILE scan ->> 'Relation Name' IS DISTINCT FROM 'audience' AND scan ->> 'Relation Name' IS DISTINCT FROM 'small' LOOP
		SELECT p INTO scan FROM json_array_elements(scan -> 'Plans') WITH ORDINALITY u (p, n) WHERE p::text ~ '"(audience|small)"' ORDER BY n DESC LIMIT 1;
	END LOOP;
	RETURN format('%s%s, rows %s', scan ->> 'Node Type', ' of ' || (SELECT p ->> 'Node Type' FROM json_array_elements(scan -> 'Plans') p WHERE p ->> 'Node Type' LIKE 'Bitmap%'), scan ->> 'Plan Rows');
END $$;

CREATE TABLE audience AS
SELECT i AS id, 'audience ' || i AS name, i % 10 AS kind, (SELECT hll_add_agg(x) FROM generate_series(i * 10, i * 10 + 40) x) AS users FROM generate_series(1, 40000) i;
CREATE TABLE seed AS SELECT * FROM audience WHERE id IN (77, 777, 7777);
CREATE INDEX audience_similar ON audience USING gin (users);
CREATE INDEX audience_contain ON audience USING gin (users hllset_contain_ops);
CREATE INDEX audience_kind ON audience (kind);
VACUUM ANALYZE audience, seed;

-- a constant, a parameter of a custom and of a generic plan, a sub-select, a join, a lateral join
SELECT plan_of($$SELECT * FROM audience WHERE users % hll_similar_to(hllset_of(1, 2, 3))$$) AS constant;
SELECT plan_of($$SELECT * FROM audience WHERE users %> hll_within(hllset_of(1, 2, 3))$$) AS constant;
SELECT plan_of($$SELECT * FROM audience WHERE users % hll_similar_to((SELECT users FROM seed LIMIT 1), 0.5)$$) AS sub_select;
SELECT plan_of($$SELECT * FROM audience WHERE users %> hll_within((SELECT users FROM seed LIMIT 1))$$) AS sub_select;
SELECT plan_of($$SELECT * FROM seed s JOIN audience a ON a.users % hll_similar_to(s.users)$$) AS joined;
SELECT plan_of($$SELECT * FROM seed s JOIN audience a ON a.users %> hll_within(s.users)$$) AS joined;
SELECT plan_of($$SELECT * FROM seed s, LATERAL (SELECT * FROM audience a WHERE a.users % hll_similar_to(s.users) ORDER BY hll_jaccard(a.users, s.users) DESC LIMIT 5) a$$) AS lateral_join;
SELECT plan_of($$SELECT * FROM seed s WHERE EXISTS (SELECT FROM audience a WHERE a.users % hll_similar_to(s.users))$$) AS semi_join;
SET plan_cache_mode = force_generic_plan;
PREPARE alike(hllset, float) AS SELECT id FROM audience WHERE users % hll_similar_to($1, $2) ORDER BY id;
PREPARE containing(hllset, float) AS SELECT id FROM audience WHERE users %> hll_within($1, $2) ORDER BY id;
SELECT plan_of($$EXECUTE alike(hllset_of(1, 2, 3), 0.5)$$) AS parameter, plan_of($$EXECUTE containing(hllset_of(1, 2, 3), 0.5)$$) AS of_both;
RESET plan_cache_mode;
SELECT users AS seed FROM audience WHERE id = 777 \gset
EXECUTE alike(:'seed', 0.6);
EXECUTE containing(:'seed', 0.6);

-- AND: of two bitmaps, where the other condition finds few enough to pay
SELECT plan_of($$SELECT id FROM audience WHERE users % hll_similar_to((SELECT users FROM seed LIMIT 1)) AND id < 100$$) AS one;
SELECT plan_of($$SELECT id FROM audience WHERE users % hll_similar_to((SELECT users FROM seed LIMIT 1), 0.06) AND users %> hll_within((SELECT users FROM seed LIMIT 1), 0.06) AND kind = 7$$) AS all_three;
SET enable_seqscan = off;
SELECT kind, array_agg(id) FROM audience WHERE users % hll_similar_to((SELECT users FROM seed WHERE id = 777), 0.6) AND users %> hll_within((SELECT users FROM seed WHERE id = 777), 0.6) AND kind IN (7, 8) GROUP BY kind ORDER BY kind;
RESET enable_seqscan;

-- in a small table a scan is cheaper, and few rows are expected
CREATE TABLE small AS SELECT * FROM audience WHERE id <= 20;
CREATE INDEX ON small USING gin (users);
ANALYZE small;
SELECT plan_of(format($$SELECT * FROM small WHERE users %% %L$$, hll_similar_to(users))) AS scanned FROM small WHERE id = 7;

-- the most similar, whatever the threshold must be: it is lowered until there are enough
WITH RECURSIVE seed AS (SELECT users FROM audience WHERE id = 777),
	step AS (SELECT 0.8::float AS at_least, (SELECT count(*) FROM audience a, seed s WHERE a.users % hll_similar_to(s.users, 0.8)) AS found
		UNION ALL SELECT at_least / 2, (SELECT count(*) FROM audience a, seed s WHERE a.users % hll_similar_to(s.users, at_least / 2)) FROM step WHERE found < 6 AND at_least > 0.12)
SELECT id, round(hll_jaccard(a.users, s.users)::numeric, 2) AS jaccard FROM audience a, seed s WHERE a.users % hll_similar_to(s.users, (SELECT min(at_least) FROM step)) ORDER BY 2 DESC, 1 LIMIT 6;

-- foreign keys of a real schema: the server's own catalogs, with those that it declares as truth
CREATE TABLE catalog (tab text, col text, filled bigint, vals hllset);
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT relname AS tab, attname AS col FROM pg_class r JOIN pg_attribute a ON attrelid = r.oid
		WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND attnum > 0 AND atttypid IN ('oid'::regtype, 'regproc'::regtype) LOOP
		EXECUTE format('INSERT INTO catalog SELECT %1$L, %2$L, count(%2$I), hll_add_agg(%2$I::oid) FROM %1$I WHERE %2$I::oid <> 0 HAVING count(*) > 0', c.tab, c.col);
	END LOOP;
END $$;
CREATE INDEX ON catalog USING gin (vals hllset_contain_ops);
CREATE TABLE declared AS SELECT fktable::text AS f, fkcols[1] AS fcol, pktable::text AS k, pkcols[1] AS kcol FROM pg_get_catalog_foreign_keys() JOIN catalog ON (tab, col) = (fktable::text, fkcols[1]) WHERE cardinality(fkcols) = 1 AND NOT is_array;
SET enable_seqscan = off;
CREATE TABLE by_index AS
SELECT f.tab AS f, f.col AS fcol, k.tab AS k, k.col AS kcol FROM catalog f JOIN catalog k ON k.vals %> hll_within(f.vals, 0.9) AND (f.tab, f.col) <> (k.tab, k.col) WHERE # k.vals > 0.95 * k.filled AND hll_containment(f.vals, k.vals) > 0.95;
RESET enable_seqscan;
CREATE TABLE each_with_each AS
SELECT f.tab AS f, f.col AS fcol, k.tab AS k, k.col AS kcol FROM catalog f JOIN catalog k ON (f.tab, f.col) <> (k.tab, k.col) WHERE # k.vals > 0.95 * k.filled AND hll_containment(f.vals, k.vals) > 0.95;
SELECT count(*) > 80 AS declared, count(i.f) > 0.9 * count(*) AS nearly_all_by_index, count(e.f) = count(*) AS all_each_with_each,
	count(*) FILTER (WHERE i.f IS NULL AND (SELECT # vals FROM catalog WHERE (tab, col) = (d.f, d.fcol)) > 50) AS missed_of_more_than_50_values,
	(SELECT count(*) FROM (TABLE by_index EXCEPT TABLE each_with_each) x) AS only_by_index
FROM declared d LEFT JOIN by_index i USING (f, fcol, k, kcol) LEFT JOIN each_with_each e USING (f, fcol, k, kcol);
DROP TABLE catalog, declared, by_index, each_with_each;

-- % binds as the arithmetic operators do, %> as all others
SELECT hllset_of(1) | hllset_of(2, 3) % hll_similar_to(hllset_of(2, 3), 1);
SELECT (hllset_of(1) | hllset_of(2, 3)) % hll_similar_to(hllset_of(1, 2, 3), 1) AS united, hllset_of(1) | hllset_of(2, 3) %> hll_within(hllset_of(1, 2, 3), 1) AS contains;

-- row security: whose policy is not passed must not be told by an error of %, so the policy comes first, and no index of % serves
CREATE FUNCTION is_used(index text, query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan::text LIKE '%"' || index || '"%';
END $$;
CREATE POLICY sevens ON audience USING (kind = 7);
ALTER TABLE audience ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION alike_of_sevens(q hllset, at_least float) RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS
$$ SELECT id FROM audience WHERE users % hll_similar_to(q, at_least) AND kind = 7 ORDER BY id $$;
CREATE ROLE regress_hllset_reader;
GRANT SELECT ON audience TO regress_hllset_reader;
SET enable_seqscan = off;
SELECT is_used('audience_similar', format('SELECT id FROM audience WHERE users %% hll_similar_to(%L, 0.5)', :'seed')) AS by_the_owner;
SET ROLE regress_hllset_reader;
SELECT is_used('audience_similar', format('SELECT id FROM audience WHERE users %% hll_similar_to(%L, 0.5)', :'seed')) AS by_the_reader;
SELECT id FROM audience WHERE users % hll_similar_to(:'seed', 0.5);
SELECT alike_of_sevens(:'seed', 0.5);
RESET ROLE;
RESET enable_seqscan;
SELECT count(*) FILTER (WHERE proleakproof) AS leakproof FROM pg_proc WHERE proname IN ('hllset_is_similar', 'hllset_contains_part');
DROP FUNCTION alike_of_sevens(hllset, float), is_used(text, text);
REVOKE ALL ON audience FROM regress_hllset_reader;
DROP ROLE regress_hllset_reader;

-- gin_fuzzy_search_limit is the server's: it drops rows, here too
SELECT current_setting('gin_fuzzy_search_limit') AS off;

DROP TABLE audience, seed, small;
DROP FUNCTION plan_of(text);
