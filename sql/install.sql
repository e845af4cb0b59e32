-- Installing, moving and describing the extension.

-- everything public has a comment; nothing looks anything up in a schema
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'hllset') AND deptype = 'e'
	AND obj_description(objid, classid::regclass::name) IS NULL
	AND NOT (classid = 'pg_proc'::regclass AND (SELECT proname ~ '^(hll_add_trans|hll_accum_|hll_(union|rolling|intersect)_(trans|inverse|combine|serialize|deserialize|final)$)|^(hllset|hllhash)(|_in|_out|_recv|_send|_typmod_in|_typmod_out|_eq|_ne|_lt|_le|_gt|_ge|_cmp|_hashcode|_hashcode_extended)$'
		FROM pg_proc p WHERE p.oid = objid))
	AND NOT (classid = 'pg_type'::regclass AND (SELECT typelem <> 0 FROM pg_type t WHERE t.oid = objid))
	AND classid <> 'pg_opfamily'::regclass
ORDER BY 1;
SELECT string_agg(proname, ', ' ORDER BY proname) FILTER (WHERE provolatile <> 'i') AS not_immutable, count(*) FILTER (WHERE proparallel <> 's') AS not_parallel_safe, count(*) FILTER (WHERE prolang <> 13 AND prokind = 'f') AS not_in_c,
	string_agg(DISTINCT proname, ', ' ORDER BY proname) FILTER (WHERE NOT proisstrict AND prokind = 'f') AS not_strict
FROM pg_depend JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'hllset') AND deptype = 'e';

-- in any schema, with an empty search path, and after a move
CREATE TABLE kept (s hllset(10, compact), h hllhash);
INSERT INTO kept VALUES (hllset_of(1, 2, 3), hll_hash('x'::text));
CREATE INDEX ON kept (s);
CREATE VIEW counted AS SELECT # s AS n, s | s AS u FROM kept;
CREATE SCHEMA elsewhere;
ALTER EXTENSION hllset SET SCHEMA elsewhere;
SELECT n FROM counted;
SET search_path = '';
SELECT elsewhere.hll_cardinality(s), n, s OPERATOR(elsewhere.=) u AS equal, h FROM public.kept, public.counted;
SELECT OPERATOR(elsewhere.#) elsewhere.hll_add_agg(x), elsewhere.approx_count_distinct(x::text), elsewhere.hll_hash(x) OPERATOR(elsewhere.=) elsewhere.hll_hash(1)
FROM pg_catalog.generate_series(1, 1) x GROUP BY x;
SELECT elsewhere.hll_precision(elsewhere.hll_union_agg(s)) FROM public.kept GROUP BY s;
SELECT DISTINCT h FROM public.kept ORDER BY h;
SELECT count(*) FROM (SELECT s FROM public.kept UNION SELECT s FROM public.kept) x;
REINDEX TABLE public.kept;
RESET search_path;
\d kept
ALTER EXTENSION hllset SET SCHEMA public;
DROP VIEW counted;
DROP TABLE kept;

-- an owner of a database who is no superuser may create it
CREATE ROLE regress_hllset_owner;
BEGIN;
DROP EXTENSION hllset;
GRANT CREATE, USAGE ON SCHEMA elsewhere TO regress_hllset_owner;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_hllset_owner', current_database()) AS allow \gexec
SET LOCAL ROLE regress_hllset_owner;
CREATE EXTENSION hllset SCHEMA elsewhere;
SELECT extname, extowner::regrole, extnamespace::regnamespace FROM pg_extension WHERE extname = 'hllset';
SELECT elsewhere.approx_count_distinct(x) FROM generate_series(1, 5) x;
RESET ROLE;
ROLLBACK;
DROP ROLE regress_hllset_owner;

-- its script is run by plpgsql: where that is missing CREATE EXTENSION says so, or brings it
SELECT string_agg(r.extname, ', ') AS required FROM pg_depend d JOIN pg_extension e ON objid = e.oid JOIN pg_extension r ON refobjid = r.oid
WHERE classid = 'pg_extension'::regclass AND refclassid = 'pg_extension'::regclass AND e.extname = 'hllset';
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION plpgsql CASCADE;
SAVEPOINT without;
CREATE EXTENSION hllset;
ROLLBACK TO without;
CREATE EXTENSION hllset CASCADE;
SELECT # hllset_of(1, 2, 3);
ROLLBACK;

-- not beside extension hll in one schema. A made-up row plays its part, so that it need not be there.
BEGIN;
DROP EXTENSION hllset;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT 1, 'hll', extowner, 'elsewhere'::regnamespace, extrelocatable, extversion FROM pg_extension WHERE extname = 'plpgsql';
CREATE EXTENSION hllset;
SELECT # hllset_of(1, 2, 3);
ROLLBACK;
BEGIN;
DROP EXTENSION hllset;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT 1, 'hll', extowner, 'elsewhere'::regnamespace, extrelocatable, extversion FROM pg_extension WHERE extname = 'plpgsql';
DO $$
DECLARE
	hint text;
BEGIN
	CREATE EXTENSION hllset SCHEMA elsewhere;
EXCEPTION
	WHEN object_not_in_prerequisite_state THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		RAISE NOTICE '%, hint: %', SQLERRM, hint;
END $$;
ROLLBACK;
DROP SCHEMA elsewhere;
SELECT # hllset_of(1, 2, 3);

-- no setting
SELECT count(*) FROM pg_settings WHERE name LIKE 'hllset.%';
