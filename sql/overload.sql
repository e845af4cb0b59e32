-- Which overload a call resolves to: for every base type, and for what has no type.

-- The functions that a query calls, as the server notes them for a view; an aggregate's cast would show as a function too.
CREATE FUNCTION resolves_to(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'CREATE VIEW resolved AS SELECT ' || call || ' AS r FROM (VALUES (1)) v (one)';
	SELECT string_agg(refobjid::regprocedure::text, ' ' ORDER BY refobjid::regprocedure::text COLLATE "C") INTO result
	FROM pg_depend JOIN pg_rewrite w ON w.oid = objid
	WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_proc'::regclass AND ev_class = 'resolved'::regclass;
	DROP VIEW resolved;
	RETURN result;
EXCEPTION
	WHEN ambiguous_function THEN
		RETURN 'ambiguous';
END $$;

-- The table. "cast" tells how the type becomes the argument's: as it is, relabelled, or by a function that keeps the value.
CREATE TABLE resolved_type AS
SELECT format_type(t.oid, NULL) AS type, t.oid AS oid, c.call, resolves_to(format(c.pattern, 'NULL::' || format_type(t.oid, NULL))) AS overload
FROM pg_type t, (VALUES ('hll_add_agg', 'hll_add_agg(%s)'), ('hll_add_agg, p', 'hll_add_agg(%s, 12)'), ('approx_count_distinct', 'approx_count_distinct(%s)'), ('approx_count_distinct, p', 'approx_count_distinct(%s, 12)'),
	('hll_hash', 'hll_hash(%s)'), ('hll_add', 'hll_add(hllset_empty(4), %s)'), ('hll_may_contain', 'hll_may_contain(hllset_empty(4), %s)')) c (call, pattern)
WHERE t.typtype = 'b' AND t.typnamespace = 'pg_catalog'::regnamespace AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
	AND t.typname NOT IN ('pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary');
UPDATE resolved_type SET overload = regexp_replace(overload, ' hllset_empty.*', '');
SELECT type, regexp_replace(overload, 'hll_add_agg\((.*)\)', '\1') AS hll_add_agg,
	CASE WHEN overload LIKE '%(anyelement)' OR overload = 'hll_add_agg(' || type || ')' THEN ''
		ELSE (SELECT CASE castmethod WHEN 'b' THEN 'relabelled' ELSE castfunc::regprocedure::text END FROM pg_cast
			WHERE castsource = r.oid AND casttarget = regexp_replace(overload, 'hll_add_agg\((.*)\)', '\1')::regtype AND castcontext = 'i') END AS cast
FROM resolved_type r WHERE call = 'hll_add_agg' ORDER BY type COLLATE "C";
-- with p it is the same one
SELECT a.type, a.overload, b.overload FROM resolved_type a JOIN resolved_type b USING (oid)
WHERE a.call = 'hll_add_agg' AND b.call = 'hll_add_agg, p' AND b.overload <> replace(a.overload, ')', ',integer)');
SELECT a.type, a.overload, b.overload FROM resolved_type a JOIN resolved_type b USING (oid)
WHERE a.call = 'approx_count_distinct' AND b.call = 'approx_count_distinct, p' AND b.overload <> replace(a.overload, ')', ',integer)');
-- the others have fewer overloads
SELECT call, overload, string_agg(type, ', ' ORDER BY type COLLATE "C") AS types FROM resolved_type
WHERE call IN ('approx_count_distinct', 'hll_hash', 'hll_add', 'hll_may_contain') AND overload NOT LIKE '%anyelement%' GROUP BY call, overload ORDER BY call, overload COLLATE "C";
SELECT call, count(*) FILTER (WHERE overload LIKE '%anyelement)') AS anyelement, count(*) FILTER (WHERE overload = 'ambiguous') AS ambiguous, count(*) FROM resolved_type
WHERE call IN ('approx_count_distinct', 'hll_hash', 'hll_add', 'hll_may_contain') GROUP BY call ORDER BY call;
-- the server's internal types are ambiguous, or shown as text by older servers: none is hashed as it lies
SELECT t, bool_and(resolves_to(format(call, t)) IN ('ambiguous', 'hll_hash(text)', 'hll_add_agg(text)')) AS ambiguous_or_text
FROM unnest('{pg_node_tree,pg_ndistinct,pg_dependencies,pg_mcv_list}'::text[]) t, unnest('{hll_hash(NULL::%s),hll_add_agg(NULL::%s)}'::text[]) call GROUP BY t ORDER BY t;

-- types of one's own: arrays, enums, domains, composites, ranges
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN percent AS smallint CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN word AS varchar(20);
CREATE DOMAIN moods AS mood;
CREATE DOMAIN code AS char(3);
SELECT t AS type, resolves_to(format('hll_add_agg(NULL::%s)', t)), resolves_to(format('hll_hash(NULL::%s)', t)), resolves_to(format('approx_count_distinct(NULL::%s)', t))
FROM unnest('{hllhash,hllset,mood,pair,percent,word,moods,code,int[],text[],mood[],percent[],"\"char\"[]",int4range,int4multirange}'::text[]) WITH ORDINALITY v (t, n) ORDER BY n;

-- what has no type: literals, NULL, parameters; and constants of each kind
SELECT call, resolves_to(call) FROM unnest(ARRAY['hll_hash(''x'')', 'hll_hash(NULL)', 'hll_add_agg(''x'')', 'hll_add_agg(NULL)', 'hll_add_agg(''x'', 12)', 'hll_add_agg(NULL, NULL)',
	'approx_count_distinct(''x'')', 'approx_count_distinct(NULL)', 'approx_count_distinct(NULL, 12)', 'hll_add(NULL, NULL)', 'hll_add(NULL, ''x'')', 'hll_add(''\x01010c01000000'', 1)',
	'hll_may_contain(NULL, ''x'')', 'hll_may_contain(NULL, NULL)', 'hll_union_agg(NULL)', 'hll_add_agg(1)', 'hll_add_agg(10000000000)', 'hll_add_agg(1.5)', 'hll_add_agg(1e3)',
	'hll_add_agg(true)', 'hll_add_agg(current_date)', 'hll_add_agg(now())', 'hll_add_agg(current_user)', 'hll_add_agg(ARRAY[1])', 'hll_add_agg(ROW(1))', 'hll_add_agg(one)',
	'hll_add_agg(one, 12::smallint)', 'hllset_of(1, 2.5)', 'hllset_of(''a'', ''b'')', 'hllset_of(NULL)', 'hll_add_agg(one::text || ''x'')']) WITH ORDINALITY v (call, n) ORDER BY n;
PREPARE hash AS SELECT hll_hash($1);
PREPARE add AS SELECT hll_add($1, $2);
PREPARE contain AS SELECT hll_may_contain($1, $2);
PREPARE aggregate AS SELECT hll_add_agg($1);
PREPARE count AS SELECT approx_count_distinct($1, $2);
SELECT name, parameter_types FROM pg_prepared_statements WHERE name IN ('hash', 'add', 'contain', 'aggregate', 'count') ORDER BY name;
EXECUTE hash('x');
EXECUTE add('\x01010c01000000', 'x');
EXECUTE contain('\x01010c01000000', 'x');
EXECUTE aggregate('x');
EXECUTE count('x', 12);
PREPARE typed(int) AS SELECT hll_hash($1) = hll_hash(7);
EXECUTE typed(7);

DROP TABLE resolved_type;
DROP TYPE mood, pair CASCADE;
DROP DOMAIN percent, word, code;
DROP FUNCTION resolves_to(text);
