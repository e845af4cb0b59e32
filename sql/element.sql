-- An element's hash depends on its value alone: what = calls equal hashes equal, however it is typed, stored or shown.
SET client_min_messages = warning;
SET search_path = public, element;
CREATE SCHEMA element;

CREATE TYPE element.mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE element.pair AS (a integer, b text);
CREATE TYPE element.textrange AS RANGE (subtype = text, collation = "C", multirange_type_name = element.textmultirange);
CREATE COLLATION element.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- ---- one value of each type: these hashes are part of the format ----

SELECT hll_hash(1) AS "integer", hll_hash(0.5) AS "numeric", hll_hash(1.5::float8) AS "float", hll_hash('a'::text) AS "text";
SELECT hll_hash('\x61'::bytea) AS bytes, hll_hash(true) AS "boolean",
	hll_hash('00112233-4455-6677-8899-aabbccddeeff'::uuid) AS uuid, hll_hash('2024-02-29'::date) AS date;
SELECT hll_hash('12:34:56.789'::time) AS "time", hll_hash('12:34:56.789+02'::timetz) AS timetz,
	hll_hash('2024-02-29 12:34:56.789'::timestamp) AS "timestamp", hll_hash('2024-02-29 12:34:56.789+02'::timestamptz) AS timestamptz;
SELECT hll_hash('1 mon 2 days 3.5 secs'::interval) AS "interval", hll_hash('10.0.0.1/8'::inet) AS inet,
	hll_hash('08:00:2b:01:02:03'::macaddr) AS macaddr, hll_hash('08:00:2b:01:02:03:04:05'::macaddr8) AS macaddr8;
SELECT hll_hash(B'101') AS bits, hll_hash(1.5::numeric::money) AS money, hll_hash(1::oid) AS oid, hll_hash('ok'::mood) AS enum;
SELECT hll_hash('{"b": [1, 2.5, "x"], "aa": {"n": null, "t": true}}'::jsonb) AS jsonb, hll_hash('{1,NULL,2}'::integer[]) AS "array",
	hll_hash('[1,3)'::int4range) AS range, hll_hash('{[1,3),[5,)}'::int4multirange) AS multirange;
SELECT hll_hash(ROW(1, 'a'::text, NULL::integer)) AS composite;

-- ---- equal exactly where = says so, also inside a composite; and as the aggregate's overload for the type sees it ----

CREATE FUNCTION element.compare(type text, VARIADIC "values" text[],
	OUT count bigint, OUT "equal pairs" bigint, OUT hashes bigint, OUT wrong text, OUT "as aggregated" boolean)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('
		WITH v AS MATERIALIZED (SELECT x::%1$s AS x FROM unnest($1) AS x),
		pairs AS (SELECT a.x AS a, b.x AS b, a.x = b.x AS same, hll_hash(a.x) = hll_hash(b.x) AS bare,
			hll_hash(ROW(a.x)) = hll_hash(ROW(b.x)) AS nested FROM v AS a, v AS b)
		SELECT (SELECT count(*) FROM v), count(*) FILTER (WHERE same), (SELECT count(DISTINCT hll_hash(x)) FROM v),
			string_agg(format(''%%s and %%s'', a, b), ''; '') FILTER (WHERE bare <> same OR nested <> same),
			(SELECT hll_add_agg(x) = hll_add_agg(hll_hash(x)) FROM v) FROM pairs', type)
	USING "values" INTO count, "equal pairs", hashes, wrong, "as aggregated";
END
$$;

\pset null '-'
SELECT type, c.* FROM (VALUES
	('smallint', '{-1,0,1,32767,-32768,01}'::text[]),
	('integer', '{-1,0,1,32767,-32768,2147483647,-2147483648,-0}'),
	('bigint', '{-1,0,1,9223372036854775807,-9223372036854775808,2147483648}'),
	('numeric', '{0,0.000,-0,1,1.0,1.00000000000000000000,-1,-1.0,10000,10000.0,9999.9999,0.0001,0.00010,1.0001,10000.0001,0.5,0.50,-0.5,
		1e18,1000000000000000000.00,9223372036854775807,9223372036854775807.0,9223372036854775808,-9223372036854775808,
		-9223372036854775808.000,-9223372036854775809,1e19,99999999999999999999,100000000000000000000,1e20,1.0e-20,1e-20,1e100,1e-100,1e300,
		123456789012345678901234567890,123456789012345678901234567890.0000000000000000000000000000000000000000000000000000000000000000000000000,
		1.5,1.500000000000000000000000000000000000000000000000000000000000000000000000000000000,NaN,Infinity,-Infinity,nan,inf}'),
	('real', '{0,-0,0.1,1.5,-1.5,1e-45,3.4e38,NaN,Infinity,-Infinity,nan,16777217,16777216}'),
	('double precision', '{0,-0,0.1,1.5,-1.5,5e-324,1.7e308,NaN,Infinity,-Infinity,nan,9007199254740993,9007199254740992}'),
	('text', '{"",a,A,"a "," a",aa,"a  "}'),
	('varchar', '{"",a,A,"a "," a",aa,"a  "}'),
	('character(5)', '{"",a,A,"a "," a",aa,"a    "," "}'),
	('name', '{"",a,A,"a ",aa,abcdefghijklmnopqrstuvwxyz}'),
	('"char"', '{"",a,b,aa," "}'),
	('bytea', '{"",\\x00,\\x0000,\\x61,a,\\x6100}'),
	('boolean', '{t,f,true}'),
	('uuid', '{00112233-4455-6677-8899-aabbccddeeff,00112233445566778899AABBCCDDEEFF,00000000-0000-0000-0000-000000000000}'),
	('date', '{2000-01-01,20000101,2000-01-02,1999-12-31,infinity,-infinity,4713-01-01 BC,5874897-12-31}'),
	('time', '{00:00,0:00:00.0,24:00,12:00,12:00:00.000001}'),
	('timetz', '{12:00+00,12:00:00.0+00:00,13:00+01,12:00+01,12:00-01,24:00+00,00:00+00,12:00+00:00:01}'),
	('timestamp', '{2000-01-01,2000-01-01 00:00:00.0,2000-01-01 00:00:00.000001,infinity,-infinity,1999-12-31 24:00,4713-01-01 BC}'),
	('timestamptz', '{2000-01-01 00:00+00,2000-01-01 01:00+01,2000-01-01 01:00+00,infinity,-infinity,1999-12-31 19:00-05}'),
	('interval', '{0,1 mon,30 days,720 hours,1 day,24:00,-1 day,-24:00,1 mon -30 days,1 day -24:00:00.000001,-00:00:00.000001,
		1 year,12 mons,365 days,178000000 years,-178000000 years,2147483640 days,71582788 mons,178000000 years 1 us,1 us}'),
	('inet', '{10.0.0.1,10.0.0.1/32,10.0.0.1/24,10.0.0.0/24,0.0.0.0,0.0.0.0/0,::,::/0,::1,0:0::1,::ffff:10.0.0.1,::1/64}'),
	('cidr', '{10.0.0.1,10.0.0.1/32,10.0.0.0/24,10.0.0/24,10/8,::1,::/0,0/0}'),
	('macaddr', '{08:00:2b:01:02:03,08002b010203,08:00:2b:01:02:04,00:00:00:00:00:00}'),
	('macaddr8', '{08:00:2b:01:02:03:04:05,08002b0102030405,08:00:2b:01:02:03,08:00:2b:ff:fe:01:02:03}'),
	('bit(9)', '{0,1,10,000000000,000000001,100000000}'),
	('bit varying', '{"",0,00,1,10,101,10100000,000000000,x00}'),
	('oid', '{0,1,01,2147483648,4294967295}'),
	('regclass', '{pg_class,pg_catalog.pg_class,pg_type}'),
	('regtype', '{integer,int4,23,text}'),
	('regprocedure', '{now(),pg_catalog.now(),random()}'),
	('element.mood', '{sad,ok,happy,ok}')
) AS t(type, "values"), element.compare(type, VARIADIC "values") AS c;

SELECT type, c.* FROM (VALUES
	('jsonb', ARRAY['null', 'true', 'false', '0', '-0', '0.0', '1', '1.0', '1.00', '1e0', '1e2', '100', '1.5', '1.50', '1e400', '9223372036854775808',
		'""', '"a"', '"1"', '"null"', '[]', '[1]', '[1.0]', '[[1]]', '[1,2]', '[2,1]', '[[1],2]', '[1,[2]]', '[null]', '[""]', '["a","b"]', '["ab"]',
		'{}', '[{}]', '{"a":1,"b":2}', '{"b":2,"a":1.0}', '{"a":2,"b":1}', '{"a":{"b":1}}', '{"a":["b",1]}', '{"bb":1,"a":2}', '{"a":2,"bb":1}',
		'{"a":1,"a":2}', '{"a":2}', '{"a":null}', '{"":1}', '{"a":[]}', '{"a":{}}', '{"a":"1"}', '"\u00e9"', '"\u0065\u0301"']),
	('integer[]', ARRAY['{}', '{1}', '{1,2}', '{2,1}', '{NULL}', '{NULL,NULL}', '{1,NULL}', '{NULL,1}', '{{1,2}}', '{{1},{2}}', '[0:1]={1,2}', '[1:2]={1,2}',
		'[0:0]={1}', '{{1,2},{3,4}}', '{1,2,3,4}', '{{{1}}}', '[-5:-5][1:1]={{1}}', '{{1}}']),
	('numeric[]', ARRAY['{1,1.5}', '{1.0,1.50}', '{1.5,1}', '{NaN}', '{1e20}', '{100000000000000000000.0}']),
	('text[]', ARRAY['{}', '{""}', '{NULL}', '{"NULL"}', '{a,b}', '{ab}', '{a,b,NULL}', '{a,"",b}', '{{a},{b}}', '{{a,b}}', '[0:0]={a}', '{a}']),
	('character(3)[]', ARRAY['{a}', '{"a "}', '{b}', '{"  "}', '{""}']),
	('"char"[]', ARRAY['{a}', '{b}', '{a,b}', '{""}']),
	('double precision[]', ARRAY['{0}', '{-0}', '{NaN}', '{1}', '{nan}']),
	('int2vector', ARRAY['1 2', '2 1', '1', '1  2']),
	('element.mood[]', ARRAY['{ok}', '{sad}', '{ok,sad}', '{ "ok" , sad}']),
	('interval[]', ARRAY['{1 mon}', '{30 days}', '{720:00}', '{31 days}']),
	('int4range', ARRAY['empty', '[1,1)', '(5,6)', '[1,3)', '[1,2]', '(0,3)', '(0,2]', '[1,)', '(0,)', '(,1]', '(,2)', '(,)', '[,]', '[1,4)']),
	('numrange', ARRAY['empty', '[1,2]', '[1.0,2.00]', '[1,2)', '(1,2]', '(1,2)', '[1,1]', '(1,1)', '[1,)', '(1,)', '(,1]', '(,1)', '(,)', '[NaN,NaN]']),
	('daterange', ARRAY['[2000-01-01,2000-01-03)', '[2000-01-01,2000-01-02]', '[2000-01-01,infinity)', '[2000-01-01,infinity]', '[2000-01-01,)']),
	('tstzrange', ARRAY['[2000-01-01 00:00+00,)', '[2000-01-01 01:00+01,)', '(2000-01-01 00:00+00,)', '[2000-01-01 00:00+00,infinity)']),
	('element.textrange', ARRAY['[a,b]', '[a,b)', '["a","b"]', '[aa,b]', '["",b]', '(,b]']),
	('int4multirange', ARRAY['{}', '{empty}', '{[1,3)}', '{[1,2],[2,2]}', '{[1,2),[2,3)}', '{[1,2),[4,5)}', '{[4,5),[1,2)}', '{(,)}', '{(,1),[1,)}', '{[1,)}']),
	('element.textmultirange', ARRAY['{[a,b)}', '{["a","b")}', '{[a,c)}', '{[a,b),[c,d)}', '{}']),
	('element.pair', ARRAY['(1,a)', '(01,"a")', '(1,)', '(1,"")', '(,)', '(,a)', '(2,a)', '(1,"a ")']),
	('element.pair[]', ARRAY['{"(1,a)"}', '{"(01,a)"}', '{"(1,a)","(,)"}', '{NULL}', '{"(,)"}', '{}'])
) AS t(type, "values"), element.compare(type, VARIADIC "values") AS c;

-- what a domain stands for, at any depth
CREATE DOMAIN element.d_int AS integer;
CREATE DOMAIN element.dd_int AS element.d_int CHECK (VALUE > 0);
CREATE DOMAIN element.d_text AS text;
CREATE DOMAIN element.d_mood AS element.mood;
CREATE DOMAIN element.d_ints AS integer[];
CREATE DOMAIN element.d_pair AS element.pair;
CREATE DOMAIN element.d_range AS int4range;
CREATE TYPE element.d_columns AS (a element.dd_int, b element.d_text, c element.d_int[], d element.d_pair);
SELECT hll_hash(5::d_int) = hll_hash(5) AS domain, hll_hash(5::dd_int) = hll_hash(5) AS "of a domain", hll_hash('a'::d_text) = hll_hash('a'::text) AS "text",
	hll_hash('ok'::d_mood) = hll_hash('ok'::mood) AS enum, hll_hash('{1,2}'::d_ints) = hll_hash('{1,2}'::integer[]) AS "of arrays",
	hll_hash('{1,2}'::dd_int[]) = hll_hash('{1,2}'::integer[]) AS "array of", hll_hash('[1,2)'::d_range) = hll_hash('[1,2)'::int4range) AS range,
	hll_hash('(1,a)'::d_pair) = hll_hash('(1,a)'::pair) AS "of a composite",
	hll_hash('(1,a,{2},"(1,a)")'::d_columns) = hll_hash(ROW(1, 'a'::text, ARRAY[2], ROW(1, 'a'::text))) AS "in a composite";

-- types of one family meet, types of different families don't
SELECT hll_hash(1::smallint) = hll_hash(1) AND hll_hash(1) = hll_hash(1::bigint) AND hll_hash(1::bigint) = hll_hash(1.0) AS integers,
	hll_hash(1.5::real) = hll_hash(1.5::float8) AND hll_hash(0.1::real) <> hll_hash(0.1::float8) AS floats,
	hll_hash('a'::character(3)) = hll_hash('a'::character(5)) AND hll_hash('a'::character(3)) = hll_hash('a'::text)
		AND hll_hash('a'::varchar) = hll_hash('a'::name) AND hll_hash('a'::name) = hll_hash('a'::"char") AND hll_hash('a'::"char") = hll_hash('a'::text) AS texts,
	hll_hash('10.0.0.0/8'::inet) = hll_hash('10.0.0.0/8'::cidr) AS inet, hll_hash(B'101') = hll_hash('101'::bit varying) AS bits,
	hll_hash('pg_class'::regclass) = hll_hash(1259::oid) AS oids, hll_hash('{1}'::smallint[]) = hll_hash('{1}'::numeric[]) AS arrays,
	hll_hash('[1,2)'::int4range) = hll_hash('[1,2)'::int8range) AS ranges, hll_hash('(1,a)'::pair) = hll_hash(ROW(1::bigint, 'a'::name)) AS composites;
SELECT count(DISTINCT h) = count(*) AS distinct_families FROM (VALUES
	(hll_hash(0)), (hll_hash(0::float8)), (hll_hash(0::oid)), (hll_hash(0::money)), (hll_hash(false)), (hll_hash('2000-01-01'::date)), (hll_hash('00:00'::time)),
	(hll_hash('00:00+00'::timetz)), (hll_hash('2000-01-01'::timestamp)), (hll_hash('2000-01-01 00:00+00'::timestamptz)), (hll_hash('0'::interval)),
	(hll_hash(''::text)), (hll_hash(''::bytea)), (hll_hash('ok'::text)), (hll_hash('ok'::mood)), (hll_hash('ok'::text::bytea)), (hll_hash('"ok"'::jsonb)),
	(hll_hash('[]'::jsonb)), (hll_hash('{}'::integer[])), (hll_hash('empty'::int4range)), (hll_hash('{}'::int4multirange)), (hll_hash(ROW())),
	(hll_hash(ROW(NULL::integer))), (hll_hash('{NULL}'::integer[])), (hll_hash('00000000-0000-0000-0000-000000000000'::uuid)),
	(hll_hash('00:00:00:00:00:00'::macaddr)), (hll_hash('00:00:00:00:00:00:00:00'::macaddr8)), (hll_hash(''::bit varying))) AS f(h);

-- no setting changes a hash
CREATE TABLE element.setting AS SELECT '2024-02-29 12:34:56+02'::timestamptz AS a, '1 mon 2 days'::interval AS b, 0.1::float8 AS c, '\x61'::bytea AS d,
	1.5::numeric::money AS e, '{"a": 0.10}'::jsonb AS f, ARRAY['2024-02-29'::date] AS g;
CREATE TABLE element.setting_hash AS SELECT hll_hash(s) AS h FROM element.setting AS s;
SET timezone = 'Asia/Kathmandu';
SET datestyle = 'German, DMY';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = -10;
SET bytea_output = 'escape';
SELECT hll_hash(s) = h AS unmoved FROM element.setting AS s, element.setting_hash;
RESET timezone;
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
RESET bytea_output;

-- an enum counts by its label, not by its oid or order
CREATE TYPE element.mood2 AS ENUM ('happy', 'sad');
ALTER TYPE element.mood2 ADD VALUE 'ok' BEFORE 'happy';
SELECT hll_hash('ok'::mood) = hll_hash('ok'::mood2) AS label, hll_hash('ok'::mood) <> hll_hash('sad'::mood2) AS other;
CREATE FUNCTION element.renamed() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	mood element.mood2 := 'sad';
	hashes hllhash[];
BEGIN
	FOR i IN 1..2 LOOP
		hashes[i] := hll_hash(mood);
		IF i = 1 THEN
			ALTER TYPE element.mood2 RENAME VALUE 'sad' TO 'gloomy';
		END IF;
	END LOOP;
	RETURN hashes = ARRAY[hll_hash('sad'::mood), hll_hash('gloomy'::mood2)];
END
$$;
SELECT element.renamed();

-- ---- however a value is stored ----

-- 10 strings of 9,600 characters that compress to a few bytes, and 10 whose compressed form is out of line all the same
CREATE FUNCTION element.soft(integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT repeat(md5($1::text), 300)
$$;
CREATE FUNCTION element.hard(integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT string_agg(repeat(md5($1::text || '/' || j), 2), '' ORDER BY j) FROM generate_series(1, 150) AS j
$$;
CREATE TABLE element.plain (i integer, soft text, hard text);
CREATE TABLE element.pglz (LIKE element.plain);
CREATE TABLE element.lz4 (LIKE element.plain);
ALTER TABLE element.plain ALTER soft SET STORAGE external, ALTER hard SET STORAGE external;
ALTER TABLE element.pglz ALTER soft SET COMPRESSION pglz, ALTER hard SET COMPRESSION pglz;
DO $$
BEGIN
	IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
		ALTER TABLE element.lz4 ALTER soft SET COMPRESSION lz4, ALTER hard SET COMPRESSION lz4;
	END IF;
END
$$;
INSERT INTO element.plain SELECT n % 10, element.soft(n % 10), element.hard(n % 10) FROM generate_series(1, 1000) AS n;
INSERT INTO element.pglz SELECT n % 10, element.soft(n % 10), element.hard(n % 10) FROM generate_series(1, 1000) AS n;
INSERT INTO element.lz4 SELECT n % 10, element.soft(n % 10), element.hard(n % 10) FROM generate_series(1, 1000) AS n;
CREATE VIEW element.stored AS
	SELECT 'plain' AS how, * FROM element.plain UNION ALL
	SELECT 'pglz', * FROM element.pglz UNION ALL
	SELECT 'lz4', * FROM element.lz4;
SELECT how, min(octet_length(soft)) AS soft, min(octet_length(hard)) AS hard, min(pg_column_size(soft)) = 9600 AS soft_plain,
	min(pg_column_size(hard)) = 9600 AS hard_plain, max(pg_column_size(soft)) < 500 AS soft_inline,
	max(pg_column_size(hard)) BETWEEN 4000 AND 9000 AS hard_compressed
FROM element.stored GROUP BY how ORDER BY how;
SELECT coalesce(how, 'all') AS how, count(*), approx_count_distinct(soft) AS soft, approx_count_distinct(hard) AS hard,
	hll_cardinality(hll_add_agg(soft)) AS soft_set, hll_cardinality(hll_add_agg(hard)) AS hard_set
FROM (SELECT * FROM element.stored UNION ALL SELECT 'fresh', n % 10, element.soft(n % 10), element.hard(n % 10) FROM generate_series(1, 1000) AS n) AS s
GROUP BY ROLLUP (how) ORDER BY how;

-- the same inside other types and as other types: built from fresh, plain and compressed parts, then used at once, or stored in three ways
CREATE TABLE element.large (i integer, a text[], b element.pair, c element.textrange, d element.pair[], e bytea, f numeric, g jsonb, h bit varying,
	k element.textmultirange);
CREATE FUNCTION element.make(i integer, soft text, hard text) RETURNS element.large LANGUAGE sql IMMUTABLE AS $$
	SELECT i, ARRAY[hard, NULL, soft], ROW(i, soft)::element.pair, element.textrange('', hard), ARRAY[ROW(i, soft)::element.pair, ROW(NULL, hard)::element.pair],
		hard::bytea, translate(hard, 'abcdef', '012345')::numeric / 10, jsonb_build_object('a', hard, hard, soft),
		translate(hard, '23456789abcdef', '01010101010101')::bit varying, element.textmultirange(element.textrange('', hard), element.textrange('z' || soft, NULL))
$$;
CREATE TABLE element.large_plain (LIKE element.large);
CREATE TABLE element.large_main (LIKE element.large);
DO $$
DECLARE
	name name;
BEGIN
	FOR name IN SELECT attname FROM pg_attribute WHERE attrelid = 'element.large'::regclass AND attnum > 0 AND attlen = -1 LOOP
		EXECUTE format('ALTER TABLE element.large_plain ALTER %I SET STORAGE external', name);
		EXECUTE format('ALTER TABLE element.large_main ALTER %I SET STORAGE %s', name, CASE WHEN name = 'f' THEN 'main' ELSE 'extended' END);
	END LOOP;
END
$$;
INSERT INTO element.large SELECT m.* FROM generate_series(0, 9) AS i, element.make(i, element.soft(i), element.hard(i)) AS m;
INSERT INTO element.large_plain SELECT * FROM element.large;
INSERT INTO element.large_main SELECT m.* FROM (SELECT * FROM element.pglz LIMIT 100) AS p, element.make(p.i, p.soft, p.hard) AS m;
CREATE VIEW element.any_large AS
	SELECT * FROM element.large UNION ALL SELECT * FROM element.large_plain UNION ALL SELECT * FROM element.large_main UNION ALL
	SELECT m.* FROM (SELECT * FROM element.plain LIMIT 100) AS s, element.make(s.i, s.soft, s.hard) AS m UNION ALL
	SELECT m.* FROM (SELECT * FROM element.lz4 LIMIT 100) AS s, element.make(s.i, s.soft, s.hard) AS m UNION ALL
	SELECT m.* FROM generate_series(0, 9) AS i, element.make(i, element.soft(i), element.hard(i)) AS m;
SELECT count(*), approx_count_distinct(a) AS a, approx_count_distinct(b) AS b, approx_count_distinct(c) AS c, approx_count_distinct(d) AS d,
	approx_count_distinct(e) AS e, approx_count_distinct(f) AS f, approx_count_distinct(g) AS g, approx_count_distinct(h) AS h, approx_count_distinct(k) AS k,
	approx_count_distinct(l) AS whole
FROM element.any_large AS l;

-- short headers, and the expanded arrays and records of PL/pgSQL
CREATE TABLE element.short (a text, b numeric, c integer[], d element.pair, e jsonb, f element.textrange, g bit varying, h inet, i text[]);
INSERT INTO element.short VALUES ('a', 1.5, '{1,NULL,3}', '(1,a)', '{"a": [1.50]}', '[a,b)', '101', '10.0.0.1', '{a,NULL}');
SELECT hll_hash(s) = hll_hash(ROW('a'::text, 1.5, '{1,NULL,3}'::integer[], '(1,a)'::pair, '{"a": [1.50]}'::jsonb, '[a,b)'::textrange, B'101', '10.0.0.1'::inet,
		'{a,NULL}'::text[])) AS whole,
	hll_hash(a) = hll_hash('a'::text) AS text, hll_hash(b) = hll_hash(1.5) AS "numeric", hll_hash(c) = hll_hash('{1,NULL,3}'::integer[]) AS "array",
	hll_hash(d) = hll_hash('(1,a)'::pair) AS composite, hll_hash(e) = hll_hash('{"a": [1.50]}'::jsonb) AS jsonb,
	hll_hash(f) = hll_hash('[a,b)'::textrange) AS range, hll_hash(g) = hll_hash(B'101') AS bits, hll_hash(h) = hll_hash('10.0.0.1'::inet) AS inet
FROM element.short AS s;
CREATE FUNCTION element.expanded(OUT "array" boolean, OUT texts boolean, OUT composite boolean, OUT "in a composite" boolean, OUT record boolean)
LANGUAGE plpgsql AS $$
DECLARE
	numbers integer[] := '{5,6,7}';
	words text[] := '{a,b}';
	pair element.pair;
	short element.short;
	anything record;
BEGIN
	numbers[2] := NULL;
	words[2] := repeat('b', 10000);
	pair.a := 1;
	pair.b := repeat('b', 10000);
	short.c := numbers;
	short.d := pair;
	short.i := words;
	SELECT 1 AS x, words AS y INTO anything;
	"array" := hll_hash(numbers) = hll_hash('{5,NULL,7}'::integer[]);
	texts := hll_hash(words) = hll_hash(ARRAY['a', repeat('b', 10000)]);
	composite := hll_hash(pair) = hll_hash(ROW(1, repeat('b', 10000)));
	"in a composite" := hll_hash(short) = hll_hash(ROW(NULL::text, NULL::numeric, ARRAY[5, NULL, 7], ROW(1, repeat('b', 10000)), NULL::jsonb,
		NULL::element.textrange, NULL::bit varying, NULL::inet, ARRAY['a', repeat('b', 10000)]));
	record := hll_hash(anything) = hll_hash(ROW(1, ARRAY['a', repeat('b', 10000)]));
END
$$;
SELECT * FROM element.expanded();

-- ---- composites ----

CREATE TABLE element.columns (a integer, gone text, b text, also_gone integer);
INSERT INTO element.columns VALUES (1, 'x', 'a', 2);
ALTER TABLE element.columns DROP gone, DROP also_gone;
SELECT hll_hash(r) = hll_hash('(1,a)'::pair) AS dropped FROM element.columns AS r;
ALTER TABLE element.columns ADD c integer DEFAULT 7;
SELECT hll_hash(r) = hll_hash(ROW(1, 'a'::text, 7)) AS added FROM element.columns AS r;
CREATE TABLE element.holder (pair element.pair);
INSERT INTO element.holder VALUES ('(1,a)');
ALTER TYPE element.pair ADD ATTRIBUTE c integer;
INSERT INTO element.holder VALUES ('(1,a,)');
SELECT bool_and(hll_hash(pair) = hll_hash('(1,a,)'::pair)) AS added FROM element.holder;
ALTER TYPE element.pair DROP ATTRIBUTE c;
SELECT bool_and(hll_hash(pair) = hll_hash('(1,a)'::pair)) AS dropped FROM element.holder;
CREATE TYPE element.empty AS ();
SELECT hll_hash(ROW()) = hll_hash('()'::element.empty) AS "empty", hll_hash(ROW(NULL::text)) <> hll_hash(ROW()) AS "null",
	hll_hash(ROW(ROW(1))) <> hll_hash(ROW(1)) AS nested;

-- rows of several types in one column, in one array, and again
SELECT approx_count_distinct(x), count(DISTINCT hll_hash(x)) FROM (
	SELECT CASE n % 4 WHEN 0 THEN ROW(1) WHEN 1 THEN ROW('a'::text, n / 40) WHEN 2 THEN ROW(ARRAY[ROW(1)], 1, 2)
		ELSE ROW(ARRAY[ROW(1, 2), ROW('a'::text)], 1, 2) END AS x
	FROM generate_series(0, 79) AS n) AS s;
SELECT hll_hash(r) = hll_hash('(1,a)'::pair) AS subquery FROM (SELECT 1 AS x, 'a'::text AS y OFFSET 0) AS r;
-- a record within a record of the same columns
SELECT hll_hash(ROW(1, ROW(2, ROW(3, NULL::record)))) = hll_hash(ROW(1, ROW(2, ROW(3, NULL::integer)))) AS recursive,
	hll_hash(ROW(1, ROW(2, ROW(3, NULL::record)))) <> hll_hash(ROW(1, ROW(3, ROW(2, NULL::record)))) AS ordered;
-- types that double their size 40 times: each is resolved once. The server is slow to make large types of large ones: hence from the outside in.
DO $$
BEGIN
	FOR i IN 0 .. 40 LOOP
		EXECUTE format('CREATE TYPE element.double%s AS (); CREATE TYPE element.refused%1$s AS ()', i);
	END LOOP;
	FOR i IN REVERSE 40 .. 1 LOOP
		EXECUTE format('ALTER TYPE element.double%s ADD ATTRIBUTE a element.double%s, ADD ATTRIBUTE b element.double%2$s', i, i - 1);
		EXECUTE format('ALTER TYPE element.refused%s ADD ATTRIBUTE a element.refused%s, ADD ATTRIBUTE b element.refused%2$s[]', i, i - 1);
	END LOOP;
	ALTER TYPE element.double0 ADD ATTRIBUTE a integer, ADD ATTRIBUTE b element.mood[], ADD ATTRIBUTE c element.d_pair;
	ALTER TYPE element.refused0 ADD ATTRIBUTE a json;
END $$;
SELECT hll_hash(ROW(NULL, NULL)::double40) = hll_hash(ROW(NULL::integer, NULL::integer)) AS doubled,
	hll_hash('("(1,{ok},""(1,a)"")","(2,,)")'::double1) = hll_hash(ROW(ROW(1, '{ok}'::mood[], '(1,a)'::pair), ROW(2, NULL::integer, NULL::integer))) AS filled;

-- ---- refusals ----

CREATE FUNCTION element.try(expression text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT %s FROM element.collated AS r', expression) INTO message;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END
$$;
CREATE DOMAIN element.d_ci AS text COLLATE element.ci;
CREATE TYPE element.cirange AS RANGE (subtype = text, collation = element.ci);
CREATE TYPE element.with_ci AS (a integer, b element.d_ci);
CREATE TABLE element.collated (a text COLLATE "C", b text COLLATE "POSIX", c text COLLATE element.ci,
	d character(3) COLLATE element.ci, e varchar[] COLLATE element.ci);
INSERT INTO element.collated VALUES ('a', 'a', 'a', 'a', '{a}');
-- a base type as other extensions make them
CREATE TYPE element.foreign_type;
CREATE FUNCTION element.foreign_in(cstring) RETURNS element.foreign_type LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION element.foreign_out(element.foreign_type) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE element.foreign_type (INPUT = element.foreign_in, OUTPUT = element.foreign_out, LIKE = text);
CREATE DOMAIN element.d_json AS json;
CREATE TYPE element.with_json AS (a integer, b element.d_json);
CREATE DOMAIN element.d_with_json AS element.with_json;
CREATE TYPE element.foreign_range AS RANGE (subtype = pg_lsn);
SELECT expression, t.* FROM unnest(ARRAY[
	$$hll_hash('1'::json)$$, $$hll_hash('{}'::xml[])$$, $$hll_hash('(1,2)'::point)$$, $$hll_hash('(1,2),(3,4)'::box)$$, $$hll_hash('<(1,2),3>'::circle)$$,
	$$hll_hash('a'::tsvector)$$, $$hll_hash('a'::tsquery)$$, $$hll_hash('$.a'::jsonpath)$$, $$hll_hash('0/1'::pg_lsn)$$, $$hll_hash('1'::xid)$$,
	$$hll_hash('1'::xid8)$$, $$hll_hash('(0,1)'::tid)$$, $$hll_hash('1:1:'::pg_snapshot)$$, $$hll_hash('a'::refcursor)$$,
	$$hll_hash('a'::element.foreign_type)$$, $$hll_hash(hllset_empty())$$, $$hll_hash(hll_hash(1))$$, $$hll_hash('1'::d_json)$$,
	$$hll_hash('{}'::json[])$$, $$hll_hash('{}'::d_json[])$$, $$hll_hash(ARRAY['a'::refcursor])$$, $$hll_hash('(1,2)'::with_json)$$,
	$$hll_hash('(1,)'::with_json)$$, $$hll_hash('(1,)'::d_with_json)$$, $$hll_hash('{}'::with_json[])$$, $$hll_hash(ROW(1, ROW('1'::json)))$$,
	$$hll_hash(ROW(1, NULL::point))$$, $$hll_hash(ROW('a'))$$, $$hll_hash('empty'::foreign_range)$$, $$hll_hash(ARRAY['empty'::foreign_range])$$,
	$$hll_hash(ROW(NULL, NULL)::refused40)$$, $$hll_hash(ROW(NULL, '{}')::refused40)$$,
	$$hll_hash(textout('a'))$$, $$hll_hash(array_in('{a}', 25, -1))$$
	]) AS expression, element.try(expression) AS t;
-- those of which a hint knows the name
ALTER TYPE element.foreign_type RENAME TO citext;
SELECT t.* FROM element.try($$hll_hash('a'::citext)$$) AS t;
ALTER TYPE element.citext RENAME TO roaringbitmap;
SELECT t.* FROM element.try($$hll_hash('a'::roaringbitmap)$$) AS t;

-- a nondeterministic collation, wherever it comes from; and one that can't be told
SELECT expression, t.* FROM unnest(ARRAY[
	$$hll_hash(c)$$, $$hll_hash('a'::name COLLATE ci)$$, $$hll_hash(d)$$, $$hll_hash('a'::d_ci)$$, $$hll_hash(e)$$, $$hll_hash('{}'::d_ci[])$$,
	$$hll_hash('empty'::cirange)$$, $$hll_hash('{}'::cimultirange)$$, $$hll_hash('(1,)'::with_ci)$$, $$hll_hash('{}'::with_ci[])$$, $$hll_hash(ROW('a'::text COLLATE ci))$$,
	$$hll_hash(ROW(ROW(NULL::d_ci)))$$, $$hll_hash(r)$$, $$hll_add_agg(c)$$, $$approx_count_distinct(c)$$, $$hll_add(hllset_empty(), c)$$, $$hllset_of(c)$$,
	$$hll_may_contain(hllset_empty(), c)$$,
	$$hll_hash(a || b)$$, $$hll_hash(ARRAY[a || b])$$, $$hll_hash(ROW(a || b))$$, $$hll_add_agg(a || b)$$
	]) AS expression, element.try(expression) AS t;
SELECT hll_hash(a) = hll_hash('a'::text) AND hll_hash(b) = hll_hash(a) AND hll_hash('a'::text COLLATE "und-x-icu") = hll_hash('a'::text) AS deterministic FROM element.collated;

-- the type of an argument can't be told in a call without an expression, such as an index's of its support function
CREATE FUNCTION element.bare(integer) RETURNS integer LANGUAGE c IMMUTABLE STRICT AS '$libdir/hllset', 'hllset_hash_any';
CREATE OPERATOR CLASS element.bare FOR TYPE integer USING hash AS OPERATOR 1 =, FUNCTION 1 element.bare(integer);
CREATE INDEX ON element.plain USING hash (i element.bare);

-- nested too deep
CREATE TABLE element.deep AS SELECT (repeat('{"a":[', 2000) || repeat(']}', 2000))::jsonb AS j;
SELECT hll_hash(j) <> hll_hash(j -> 'a') AS deep FROM element.deep;
SET max_stack_depth = '100kB';
\set VERBOSITY sqlstate
SELECT hll_hash(j) FROM element.deep;
\set VERBOSITY default
RESET max_stack_depth;

DROP SCHEMA element CASCADE;
