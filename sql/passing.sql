-- An element counts as the value that it is, however it is passed; what has no type, or is no element, is refused everywhere.
SET client_min_messages = warning;

-- ---- no function takes an element as a string, by which the server would cast to text what has no type or another one ----

CREATE FUNCTION members() RETURNS TABLE (function oid, name text) LANGUAGE sql AS $$
	SELECT p.oid, p.oid::regprocedure::text FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass WHERE e.extname = 'hllset'
$$;
SELECT name FROM members() JOIN pg_proc ON oid = function JOIN unnest(proargtypes) a (type) ON true JOIN pg_type t ON t.oid = a.type
WHERE t.typcategory = 'S' OR t.typname IN ('unknown', 'char', 'bytea') AND name NOT LIKE ALL ('{hllset(bytea),hll\_%\_deserialize(%,"hll_hash(\"any\",bytea)"}');
SELECT name FROM members() WHERE name ~ '^(hll_hash|hll_coupon|hll_add|hll_may_contain|hllset_of|hll_add_agg|approx_count_distinct)\(' ORDER BY name COLLATE "C";
-- what people call has a comment and a name for each argument; what they don't has a comment that says so
SELECT name, obj_description(function, 'pg_proc') AS comment FROM members() JOIN pg_proc ON oid = function
WHERE obj_description(function, 'pg_proc') IS NULL
	OR obj_description(function, 'pg_proc') NOT LIKE 'internal: %' AND pronargs > 0 AND (proargnames IS NULL OR '' = ANY (proargnames[1:pronargs]));
SELECT count(*) FILTER (WHERE obj_description(function, 'pg_proc') LIKE 'internal: %') > 50 AS internal,
	string_agg(DISTINCT proname, ' ' ORDER BY proname) FILTER (WHERE obj_description(function, 'pg_proc') NOT LIKE 'internal: %') AS public
FROM members() JOIN pg_proc ON oid = function;
-- no argument or column that one has to quote
SELECT name, word FROM members() JOIN pg_proc ON oid = function, unnest(proargnames) n (word) JOIN pg_get_keywords() k USING (word) WHERE catcode <> 'U';
-- by name
SELECT hll_precision(s => hllset_empty(p => 9)), hll_precision(hll_fold(s => hllset_empty(), p => 5)), hll_may_contain(s => hllset_of(7), x => 7),
	# hll_union(a => hllset_of(1), b => hllset_of(2)) AS two;

-- ---- every type of element in every way of passing it ----

CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN percent AS smallint CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN word AS varchar(20);
CREATE DOMAIN moods AS mood;
CREATE DOMAIN code AS char(3);
CREATE DOMAIN words AS text[];
CREATE TABLE sample (n serial, type text, literals text[]);
INSERT INTO sample (type, literals) VALUES
	('smallint', '{-1,0,7}'), ('integer', '{-1,0,4711}'), ('bigint', '{4711,4294967296,-5}'), ('numeric', '{4711,0.5,1e30,NaN}'), ('real', '{0.1,-0,4711}'), ('double precision', '{0.1,4711,NaN}'),
	('text', '{4711,a,"",A}'), ('varchar', '{4711,a}'), ('name', '{4711,a}'), ('character(5)', '{4711,a}'), ('"char"', '{4,a}'), ('bytea', '{\\x00,\\x34373131}'), ('boolean', '{t,f}'),
	('uuid', '{00112233-4455-6677-8899-aabbccddeeff,00000000-0000-0000-0000-000000000000}'), ('date', '{2024-02-29,infinity}'), ('time', '{12:34:56}'), ('timetz', '{12:34:56+02}'),
	('timestamp', '{2024-02-29 12:34:56}'), ('timestamptz', '{2024-02-29 12:34:56+02}'), ('interval', '{1 mon,1 day}'), ('inet', '{10.0.0.1,::1}'), ('cidr', '{10.0.0.0/8}'),
	('macaddr', '{08:00:2b:01:02:03}'), ('macaddr8', '{08:00:2b:01:02:03:04:05}'), ('bit(4)', '{0101,1111}'), ('bit varying', '{101,""}'), ('oid', '{4711}'), ('regclass', '{pg_class}'), ('regtype', '{int4}'),
	('jsonb', '{"{\"a\": 1}",4711,"\"4711\""}'), ('int4range', '{"[1,5)",empty}'), ('int4multirange', '{"{[1,5)}"}'), ('mood', '{sad,ok}'), ('pair', '{"(1,a)","(,)"}'), ('percent', '{50}'), ('word', '{4711}'),
	('moods', '{ok}'), ('code', '{ab}'), ('hllhash', '{00000000000012ab}');
-- each expression is true, x being a value of the type and r(x) its hash by the literal's own cast; the ways that need another statement follow
CREATE TABLE way (n serial, name text, query text);
INSERT INTO way (name, query) VALUES
	('column', 'SELECT bool_and(hll_hash(x) = h) FROM element'),
	('coupon', 'SELECT bool_and(hll_coupon(x) = hll_coupon(h)) FROM element'),
	('under a key', 'SELECT bool_and(hll_hash(x, k) = hll_hash(literal::%1$s, k) AND hll_hash(x, k) <> h AND (hll_hash(x, k) = hll_hash(y, k)) = (h = hll_hash(y))) FROM element, (SELECT x FROM element) e (y), (SELECT ''0123456789abcdef''::bytea) key (k)'),
	('literal', 'SELECT bool_and(hll_hash(%2$L::%1$s) = h) FROM element WHERE literal = %2$L'),
	('hll_add', 'SELECT bool_and(hll_add(hllset_empty(), x) = hll_add(hllset_empty(), h)) FROM element'),
	('hll_may_contain', 'SELECT bool_and(hll_may_contain(hll_add(hllset_empty(), h), x) AND NOT hll_may_contain(hllset_of(''other''::text), x)) FROM element'),
	('hllset_of', 'SELECT bool_and(hllset_of(x, NULL, x) = hllset_of(h)) FROM element'),
	('variadic', 'SELECT bool_and(hllset_of(VARIADIC ARRAY[x, NULL]) = hllset_of(h)) FROM element'),
	('aggregate', 'SELECT hll_add_agg(x) = hll_add_agg(h) AND approx_count_distinct(x) = count(DISTINCT h) FROM element'),
	('aggregate, p', 'SELECT hll_add_agg(x, 9) = hll_add_agg(h, 9) AND approx_count_distinct(x, 9) = count(DISTINCT h) FROM element'),
	('distinct, ordered', 'SELECT hll_add_agg(DISTINCT x::text::%1$s) = hll_add_agg(h) AND hll_add_agg(x ORDER BY n DESC) = hll_add_agg(h) FROM element'),
	('filter', 'SELECT hll_add_agg(x) FILTER (WHERE n = 1) = hllset_of((array_agg(h ORDER BY n))[1]) FROM element'),
	('window', 'SELECT bool_and(a = b) FROM (SELECT hll_add_agg(x) OVER w AS a, hll_add_agg(h) OVER w AS b FROM element WINDOW w AS (ORDER BY n ROWS 1 PRECEDING)) w'),
	('grouping sets', 'SELECT bool_and(a = b) FROM (SELECT hll_add_agg(x) AS a, hll_add_agg(h) AS b FROM element GROUP BY ROLLUP (n)) g'),
	('case, coalesce', 'SELECT bool_and(hll_hash(CASE WHEN n > 0 THEN x END) = h AND hll_hash(coalesce(NULL, x)) = h) FROM element'),
	('sub-select', 'SELECT bool_and(hll_hash((SELECT x)) = h) FROM element'),
	('unnest', 'SELECT hll_add_agg(y) = (SELECT hll_add_agg(h) FROM element) FROM unnest(ARRAY(SELECT x FROM element)) y'),
	('row', 'SELECT approx_count_distinct(ROW(x, n)) = count(*) FROM element'),
	('array', 'SELECT approx_count_distinct(ARRAY[x]) = count(DISTINCT h) FROM element'),
	('polymorphic function', 'SELECT bool_and(through(x) = h) FROM element'),
	('parallel', 'SELECT hll_add_agg(x) = hll_add_agg(h) AND approx_count_distinct(x) = count(DISTINCT h) FROM element WHERE n > 0');
CREATE FUNCTION through(anyelement) RETURNS hllhash LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN hll_hash($1); END';
-- false, or the error, of each way that does not hold; and how many there were
CREATE FUNCTION try_ways(type text, literals text[], OUT ways int, OUT wrong text) LANGUAGE plpgsql AS $$
DECLARE
	w record;
	good boolean;
BEGIN
	ways := 0;
	EXECUTE format('CREATE TEMP TABLE element AS SELECT n, literal, literal::%1$s AS x, NULL::hllhash AS h FROM unnest($1) WITH ORDINALITY u (literal, n)', type) USING literals;
	FOR w IN SELECT DISTINCT literal FROM element LOOP
		EXECUTE format('UPDATE element SET h = hll_hash(%L::%s) WHERE literal = %1$L', w.literal, type);
	END LOOP;
	FOR w IN SELECT * FROM way ORDER BY n LOOP
		CONTINUE WHEN type = 'hllhash' AND w.name IN ('row', 'array', 'under a key');
		BEGIN
			EXECUTE format(w.query, type, literals[1]) INTO good;
		EXCEPTION WHEN OTHERS THEN
			good := false;
			wrong := concat_ws(', ', wrong, SQLERRM);
		END;
		ways := ways + 1;
		IF good IS NOT TRUE THEN
			wrong := concat_ws(', ', wrong, w.name);
		END IF;
	END LOOP;
	-- parameters: of the type in a plan made for the value and in one for any, and by EXECUTE USING
	EXECUTE format('PREPARE typed(%s) AS SELECT hll_hash($1), hll_may_contain(hllset_of($1), $1), (SELECT hll_add_agg($1))', type);
	FOR w IN SELECT literal, mode FROM element, unnest('{force_custom_plan,force_generic_plan}'::text[]) mode LOOP
		PERFORM set_config('plan_cache_mode', w.mode, true);
		EXECUTE format('CREATE TEMP TABLE executed AS EXECUTE typed(%L)', w.literal);
		IF NOT (SELECT hll_hash = h AND hll_may_contain AND hll_add_agg = hllset_of(h) FROM executed, element e WHERE e.literal = w.literal) THEN
			wrong := concat_ws(', ', wrong, w.mode);
		END IF;
		DROP TABLE executed;
		ways := ways + 1;
	END LOOP;
	DEALLOCATE typed;
	DROP TABLE element;
END $$;
SELECT type, ways, wrong FROM sample, try_ways(type, literals) ORDER BY n;
-- and with all that can be parallel
DO $$
BEGIN
	PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on', false);
END $$;
SELECT count(*) AS types, sum(ways) AS ways, string_agg(wrong, ', ') AS wrong FROM sample, try_ways(type, literals);
DO $$
BEGIN
	PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'off', false);
END $$;
-- an element of an array, with or without a domain around it
SELECT hllset_of(VARIADIC '{a,b}'::words) = hllset_of('a'::text, 'b'::text) AS domain, hllset_of(VARIADIC '{{1,2},{3,NULL}}'::int[]) = hllset_of(1, 2, 3) AS dimensions,
	hllset_of(VARIADIC NULL::int[]) IS NULL AS "null", # hllset_of(1, 'a'::text, NULL, 2.5, true) AS types, # hllset_of(NULL) AS no_element;

-- ---- what has no type ----

CREATE FUNCTION outcome(query text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query INTO message;
	state := 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
CREATE TABLE no_type (n serial, element text);
INSERT INTO no_type (element) VALUES ('''4711'''), ('(''web'', 4711)'), ('ROW(''web'')'), ('ROW(1, ROW(NULL, ''web''))'), ('ARRAY[ROW(''web'')]'), ('(''4711'')');
SELECT element, call, state, message, hint FROM no_type, unnest('{hll_hash(%s),"hll_hash(%s, ''0123456789abcdef'')",hll_coupon(%s),"hll_add(hllset_empty(), %s)","hll_may_contain(hllset_of(4711), %s)",hllset_of(%s),"hllset_of(4711, %s)",hll_add_agg(%s),
	"hll_add_agg(%s, 12)",approx_count_distinct(%s),"approx_count_distinct(%s, 12)"}'::text[]) WITH ORDINALITY c (call, m), outcome('SELECT ' || format(call, element)) ORDER BY no_type.n, m;
SELECT call, state, message FROM unnest('{hll_hash($1),"hll_hash($1, ''0123456789abcdef'')","hll_hash($1, $2)",hll_coupon($1),"hll_add(hllset_empty(), $1)","hll_may_contain(hllset_of(4711), $1)",hllset_of($1),"hllset_of(1, $1, $2)",hll_add_agg($1),"hll_add_agg($1, 12)",
	approx_count_distinct($1),"approx_count_distinct($1, 12)",hllset_of(VARIADIC $1)}'::text[]) WITH ORDINALITY c (call, n), outcome('PREPARE untyped AS SELECT ' || call) ORDER BY n;
-- the server has typed these before we see them
SELECT hll_hash(x) = hll_hash('4711'::text) AS text FROM (VALUES ('4711')) v (x);
-- an aggregate refuses a type that is no element without a value too
SELECT call, state, message FROM unnest('{hll_add_agg(NULL::json),"hll_add_agg(NULL::point, 9)",approx_count_distinct(NULL::xml),hll_add_agg(NULL::hllset),hll_add_agg(NULL::int[])}'::text[]) WITH ORDINALITY c (call, n), outcome('SELECT ' || call) ORDER BY n;
-- NULL is no element, whatever its type
SELECT hll_hash(NULL) IS NULL, hll_add(hllset_empty(), NULL) = hllset_empty(), hll_may_contain(hllset_empty(), NULL) IS NULL, hll_add(NULL, 1) IS NULL;

-- ---- what is no element: types with implicit casts to those that are, in each category of types ----

CREATE FUNCTION refused(value text) RETURNS TABLE (call text, state text, message text, hint text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT c, o.state, o.message, o.hint FROM unnest('{hll_hash(x),"hll_hash(x, ''0123456789abcdef'')",hll_coupon(x),"hll_add(hllset_empty(), x)","hll_may_contain(hllset_empty(), x)",hllset_of(x),"hll_add_agg(x)","hll_add_agg(x, 12)",approx_count_distinct(x),
		hll_hash(ROW(x)),hll_hash(ARRAY[x]),hllset_of(VARIADIC ARRAY[x])}'::text[]) WITH ORDINALITY u (c, n),
		outcome(format('SELECT %s FROM (SELECT %s AS x) v', c, value)) o ORDER BY n;
END $$;
CREATE TYPE strange;
CREATE FUNCTION strange_in(cstring) RETURNS strange LANGUAGE internal IMMUTABLE STRICT AS 'int8in';
CREATE FUNCTION strange_out(strange) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int8out';
CREATE TYPE strange (INPUT = strange_in, OUTPUT = strange_out, LIKE = bigint);
CREATE CAST (strange AS bigint) WITHOUT FUNCTION AS IMPLICIT;
-- its casts, by each of which an overload would take it
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY '{smallint,integer,numeric,real,double precision,text,varchar,name,"\"char\"",bytea,boolean,uuid,date,timestamp,timestamptz,interval,inet,oid,jsonb,hllset}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION strange_to(strange, %1$s DEFAULT NULL) RETURNS %1$s LANGUAGE sql IMMUTABLE AS ''SELECT $2''', t);
		EXECUTE format('CREATE FUNCTION to_%2$s(strange) RETURNS %1$s LANGUAGE sql IMMUTABLE AS ''SELECT NULL::%1$s''', t, translate(t, ' "', '__'));
		EXECUTE format('CREATE CAST (strange AS %s) WITH FUNCTION to_%s(strange) AS IMPLICIT', t, translate(t, ' "', '__'));
	END LOOP;
END $$;
CREATE FUNCTION in_category(category text, preferred boolean) RETURNS TABLE (calls bigint, states text[]) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE pg_type SET typcategory = category::"char", typispreferred = preferred WHERE oid = 'strange'::regtype;
	RETURN QUERY SELECT count(*), array_agg(DISTINCT r.state || ' ' || r.message) FROM refused('''1''::strange') r;
END $$;
SELECT category, preferred, calls, states FROM unnest('{B,D,I,N,S,T,U,V}'::text[]) category, unnest('{f,t}'::boolean[]) preferred, in_category(category, preferred) ORDER BY 1, 2;
SELECT * FROM refused('''1''::strange');
DROP TYPE strange CASCADE;

-- a range whose bounds are compared otherwise than their type is
CREATE FUNCTION anycase_cmp(text, text) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT bttextcmp(lower($1), lower($2)) $$;
CREATE FUNCTION anycase_lt(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) < lower($2) $$;
CREATE FUNCTION anycase_eq(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) = lower($2) $$;
CREATE OPERATOR <<< (LEFTARG = text, RIGHTARG = text, FUNCTION = anycase_lt);
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = anycase_eq);
CREATE OPERATOR CLASS anycase_ops FOR TYPE text USING btree AS OPERATOR 1 <<<, OPERATOR 3 ===, FUNCTION 1 anycase_cmp(text, text);
CREATE TYPE anycase AS RANGE (subtype = text, subtype_opclass = anycase_ops, collation = "C");
CREATE TYPE letters AS RANGE (subtype = varchar, collation = "C");
CREATE DOMAIN anycases AS anycase;
SELECT * FROM refused('''[a,b)''::anycase') LIMIT 1;
SELECT x, state, message FROM unnest('{"''[a,b)''::anycase","''[a,b)''::anycases","ROW(''[a,b)''::anycase)","ARRAY[''[a,b)''::anycase]","''{[a,b)}''::anycasemultirange","''[a,b)''::letters"}'::text[]) WITH ORDINALITY u (x, n), outcome('SELECT hll_hash(' || x || ') IS NOT NULL') ORDER BY n;
DROP TYPE anycase CASCADE;
DROP OPERATOR CLASS anycase_ops USING btree CASCADE;
DROP OPERATOR FAMILY IF EXISTS anycase_ops USING btree;

-- arrays: VARIADIC was forgotten, or an array is meant as one element
SELECT q, state, message, hint FROM unnest(ARRAY[$$hllset_of(ARRAY[1, 2])$$, $$hllset_of(1, ARRAY[1, 2])$$, $$hllset_of('{1,2}'::int[])$$, $$hllset_of('{a}'::words)$$, $$hll_add(hllset_empty(), ARRAY[1, 2]) IS NOT NULL$$,
	$$hllset_of(hllset_of(1))$$, $$hll_add_agg(hllset_of(1))$$, $$hll_hash(hllset_of(1))$$, $$hllset_of(VARIADIC ARRAY[hllset_of(1)])$$, $$hll_hash('{}'::json)$$, $$hll_hash('(1,2)'::point)$$, $$hll_hash('0/0'::pg_lsn)$$, $$hll_hash('1'::xid8)$$,
	$$hll_hash(ROW('00000000000012ab'::hllhash))$$]) WITH ORDINALITY u (q, n), outcome('SELECT ' || q) ORDER BY n;

DROP TABLE sample, way, no_type;
DROP FUNCTION members(), outcome(text), refused(text), in_category(text, boolean), through(anyelement), try_ways(text, text[]), anycase_cmp(text, text) CASCADE;
DROP TYPE mood, pair, letters CASCADE;
DROP DOMAIN percent, word, code, words;
