# SPDX-License-Identifier: PostgreSQL
# Schemas, owners and neighbours: an empty search path, an extension that moves, an owner who is no superuser, extension hll in the same database.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('schema', bare => 1, conf => "autovacuum = on\nautovacuum_naptime = 1s\nautovacuum_analyze_threshold = 5\n");

# ---- an empty search path ----

$node->safe_psql('postgres', q{CREATE DATABASE empty_path; ALTER DATABASE empty_path SET search_path = ''});
$node->safe_psql('empty_path', q{
	CREATE SCHEMA "S k";
	CREATE EXTENSION hllset SCHEMA "S k";
	CREATE DOMAIN public.visitors AS "S k".hllset(12) CHECK ((OPERATOR("S k".#) VALUE) < 1000000);
	CREATE TABLE public.daily (day int PRIMARY KEY, s "S k".hllset DEFAULT "S k".hllset_empty(), v public.visitors, c "S k".hllset(12, compact), h "S k".hllhash,
		n float8 GENERATED ALWAYS AS ("S k".hll_cardinality(s)) STORED);
	INSERT INTO public.daily (day, s, v, c, h)
	SELECT d, s, s, s, "S k".hll_hash(d) FROM (SELECT d, "S k".hll_add_agg(x) AS s FROM pg_catalog.generate_series(1, 30) d, pg_catalog.generate_series(1, d * 70) x GROUP BY d) y;
	CREATE INDEX by_set ON public.daily (s) WHERE n < 100;
	CREATE INDEX by_hash ON public.daily USING hash (c);
	CREATE INDEX by_union ON public.daily (("S k".hll_digest(s OPERATOR("S k".|) v)));
	CREATE STATISTICS public.of_union ON ("S k".hll_precision(s)), (s OPERATOR("S k".|) v) FROM public.daily;
	CREATE MATERIALIZED VIEW public.total AS SELECT day % 3 AS g, "S k".hll_union_agg(s) AS s FROM public.daily GROUP BY 1;
	CREATE UNIQUE INDEX ON public.total (g);
	CREATE TABLE public.parted (s "S k".hllset) PARTITION BY HASH (s);
	CREATE TABLE public.parted_0 PARTITION OF public.parted FOR VALUES WITH (MODULUS 1, REMAINDER 0)});
my @statements = (
	'SELECT "S k".hll_cardinality(s) = n, OPERATOR("S k".#) s = n, s OPERATOR("S k".=) v, (s OPERATOR("S k".|) v) OPERATOR("S k".=) s FROM public.daily',
	'SELECT s OPERATOR("S k".>=) "S k".hllset_empty(), s OPERATOR("S k".<>) "S k".hllset_empty(), "S k".hll_may_contain(s, 1) FROM public.daily',
	'SELECT s::bytea::"S k".hllset OPERATOR("S k".=) s, s::"S k".hllset(8, compact)::text <> s::text, h::bigint::"S k".hllhash OPERATOR("S k".=) h FROM public.daily',
	'SELECT "S k".hll_union_agg(s) OPERATOR("S k".=) "S k".hll_union_agg(v), "S k".approx_count_distinct(day) = 30, "S k".approx_count_distinct(h) = 30, "S k".hll_add_agg(day::text) IS NOT NULL FROM public.daily',
	q{SELECT "S k".hll_add("S k".hllset_empty(), 'x'::text) OPERATOR("S k".=) "S k".hllset_of('x'::text), "S k".hll_add("S k".hllset_empty(), ARRAY[1, 2]) OPERATOR("S k".=) "S k".hllset_of(VARIADIC '{}'::int[]) IS FALSE},
	'SELECT count(*) = 30 FROM (SELECT DISTINCT s FROM public.daily) y',
	'SELECT count(*) = 30 FROM (SELECT s FROM public.daily GROUP BY s ORDER BY s) y',
	'SELECT count(*) = 30 FROM (SELECT s FROM public.daily UNION SELECT s FROM public.daily) y',
	'SET enable_hashjoin = off; SET enable_nestloop = off; SELECT count(*) = 30 FROM public.daily a FULL JOIN public.daily b ON a.s OPERATOR("S k".=) b.s',
	'SET enable_seqscan = off; SELECT count(*) = 1 FROM public.daily WHERE "S k".hll_digest(s OPERATOR("S k".|) v) = (SELECT "S k".hll_digest(s) FROM public.daily WHERE day = 7)',
	'SET enable_seqscan = off; SELECT count(*) = 1 FROM public.daily WHERE c OPERATOR("S k".=) (SELECT c FROM public.daily WHERE day = 7)',
	'SELECT s OPERATOR("S k".=) ANY (SELECT s FROM public.daily), d = d FROM public.daily d',
	q{SELECT ('x', s)::text LIKE '%01010c%', ARRAY[s] = ARRAY[s], greatest(s, s) OPERATOR("S k".=) s FROM public.daily},
	'BEGIN; UPDATE public.daily SET s = "S k".hll_add(s, 1.5) WHERE day = 1 RETURNING n = 71; ROLLBACK',
	q{BEGIN; INSERT INTO public.parted SELECT s FROM public.daily; SELECT count(*) = 30 FROM public.parted; ROLLBACK},);
my $work = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0';
for my $statement (@statements)
{
	is_true($node, 'empty_path', $statement, $statement =~ s/"S k"/s/gr);
}
is_true($node, 'empty_path', "$work; $statements[3]", 'in parallel');
for my $command ('ANALYZE public.daily', 'VACUUM FULL public.daily', 'REINDEX TABLE public.daily', 'CLUSTER public.daily USING by_set',
	'CREATE INDEX CONCURRENTLY later ON public.daily (("S k".hll_fold(s, 4)))', 'REFRESH MATERIALIZED VIEW public.total', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.total',
	'ALTER TABLE public.daily ALTER c TYPE "S k".hllset(10, compact)', 'ALTER TABLE public.daily ADD CHECK ("S k".hll_precision(s) = 12)')
{
	is(($node->psql('empty_path', $command =~ s/ USING by_set/ USING daily_pkey/r))[0], 0, $command);
}
ok($node->poll_query_until('empty_path', q{SELECT autoanalyze_count > 0 FROM pg_stat_user_tables WHERE relname = 'total'}), 'autovacuum analyses');
like($node->safe_psql('empty_path', q{ANALYZE public.daily; SELECT count(*), min(n_distinct) FROM pg_stats WHERE tablename = 'daily' AND attname IN ('s', 'v', 'c')}), qr/^3\|-/, 'statistics of sets');

# ---- the extension moves ----

my $state = q{SELECT md5(string_agg(d::text, ' ' ORDER BY day)) FROM public.daily d; SELECT md5(string_agg(t::text, ' ' ORDER BY g)) FROM public.total t; SELECT count(*) FROM public.parted};
my $before = $node->safe_psql('empty_path', $state);
$node->safe_psql('empty_path', 'CREATE SCHEMA other');
for my $schema ('other', 'pg_catalog', 'public')
{
	$node->safe_psql('empty_path', "ALTER EXTENSION hllset SET SCHEMA $schema");
	is_same($node, 'empty_path', $state, $before, "moved to $schema: the rows");
	my $failed = grep { my ($rc) = $node->psql('empty_path', s/"S k"/$schema/gr, on_error_stop => 1); $rc } @statements;
	is($failed, 0, "moved to $schema: all statements");
	is(($node->psql('empty_path', 'REFRESH MATERIALIZED VIEW CONCURRENTLY public.total; REINDEX TABLE public.daily; ANALYZE public.daily; INSERT INTO public.daily (day, v) SELECT 0, v FROM public.daily WHERE day = 1; DELETE FROM public.daily WHERE day = 0', on_error_stop => 1))[0],
		0, "moved to $schema: views, indexes, domains and defaults");
}
is($node->safe_psql('empty_path', q{SELECT count(*) FROM pg_depend d, pg_extension e WHERE refobjid = e.oid AND extname = 'hllset' AND classid = 'pg_proc'::regclass AND (SELECT pronamespace FROM pg_proc WHERE oid = objid) <> 'public'::regnamespace}),
	'0', 'all functions moved');

# ---- an owner who is no superuser ----

$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE visitor LOGIN; CREATE DATABASE owned OWNER owner');
my @owner = (extra_params => [ '-U', 'owner' ], on_error_stop => 1);
my @visitor = (extra_params => [ '-U', 'visitor' ], on_error_stop => 1);
my ($rc, $out, $err) = $node->psql('owned', 'CREATE EXTENSION hllset', @visitor);
like($err, qr/permission denied to create extension "hllset"/, 'a user who may not create anything may not create it');
($rc, $out, $err) = $node->psql('owned', q{CREATE EXTENSION hllset; SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'hllset';
	CREATE TABLE daily AS SELECT 1 AS day, hllset_of('a'::text, 'b'::text) AS s; CREATE INDEX ON daily (s); GRANT SELECT ON daily TO visitor}, @owner);
is("$rc|$out|$err", '0|owner|', 'the owner of a database creates it');
($rc, $out, $err) = $node->psql('owned', 'SELECT # s, # hll_add_agg(day), hll_info(s) IS NOT NULL FROM daily GROUP BY s', @visitor);
is("$rc|$out|$err", '0|2|1|t|', 'every user uses it');
($rc, $out, $err) = $node->psql('owned', q{CREATE FUNCTION mine(bytea, integer, boolean) RETURNS hllset AS '$libdir/hllset', 'hllset_coerce' LANGUAGE C}, @owner);
like($err, qr/permission denied for language c/, 'it gives its owner no way to C');
($rc, $out, $err) = $node->psql('owned', q{CREATE CAST (bytea AS hllset) WITHOUT FUNCTION}, @owner);
isnt($rc, 0, 'nor to values that were not validated');
($rc, $out, $err) = $node->psql('owned', 'CREATE SCHEMA elsewhere; ALTER EXTENSION hllset SET SCHEMA elsewhere', @owner);
like($err, qr/must be owner of \w+ hll/, 'to move it takes a superuser: of a trusted extension the objects are his');
($rc, $out, $err) = $node->psql('owned', 'DROP EXTENSION hllset CASCADE; SELECT count(*) FROM daily; CREATE EXTENSION hllset SCHEMA elsewhere; SELECT elsewhere.approx_count_distinct(day) FROM daily', @owner);
is("$rc|$out", "0|1\n1", 'but the owner drops it, and creates it in another schema');

# ---- plpgsql, which the script needs ----

fails_with($node, 'owned', 'DROP EXTENSION plpgsql', '2BP01', qr/extension hllset depends on extension plpgsql/, 'plpgsql is not dropped unawares');
$node->safe_psql('owned', 'DROP EXTENSION plpgsql CASCADE');
($rc, $out, $err) = $node->psql('owned', 'CREATE EXTENSION hllset', @owner);
like($err, qr/required extension "plpgsql" is not installed/, 'without it CREATE EXTENSION says so');
($rc, $out, $err) = $node->psql('owned', q{CREATE EXTENSION hllset CASCADE; CREATE TABLE kept AS SELECT hllset_of(1, 2) AS s}, @owner);
is($rc, 0, 'and CASCADE brings it, also for the owner of the database') or diag($err);
my $dump = "$PostgreSQL::Test::Utils::tmp_check/owned.sql";
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('owned') ], 'a dump');
$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE template0');
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('again') ], 'comes back');
is_same($node, 'again', 'SELECT # s FROM kept', '2', 'a set from the dump');

# ---- extension hll in the same database ----

SKIP:
{
	skip 'extension hll (Debian: postgresql-15-hll) is not there', 17 unless has_extension($node, 'hll');
	$node->safe_psql('postgres', 'CREATE DATABASE neighbours');
	my $both = sub { my ($statements, $name, $expected) = @_; my ($rc, $out, $err) = $node->psql('neighbours', $statements, on_error_stop => 1); is("$rc|$out|$err", "0|$expected|", $name); };
	my $ambiguous = qr/more than one function named "hll_(?:union|add)_agg"/;
	my $path = 'SET search_path = public, hll, sketch';

	$node->safe_psql('neighbours', 'CREATE SCHEMA hll; CREATE SCHEMA sketch; CREATE EXTENSION hll SCHEMA hll');
	fails_with($node, 'neighbours', 'CREATE EXTENSION hllset SCHEMA hll', '55000', qr/extension "hllset" cannot share schema "hll" with extension "hll".*HINT:  Choose another schema: CREATE EXTENSION hllset SCHEMA/s,
		'refused in the schema of hll');
	fails_with($node, 'neighbours', 'SET search_path = hll; CREATE EXTENSION hllset', '55000', qr/cannot share schema/, 'also by the search path');
	$node->safe_psql('neighbours', 'CREATE EXTENSION hllset SCHEMA sketch');
	for my $order ('hll, sketch', 'sketch, hll')
	{
		$both->("SET search_path = public, $order; SELECT # sketch.hll_add_agg(x), hll.hll_cardinality(hll.hll_add_agg(hll_hash_integer(x))) FROM generate_series(1, 100) x GROUP BY x % 2 ORDER BY x % 2",
			"both in one statement, search path $order", "50|50\n50|50");
		$both->("SET search_path = public, $order; SELECT hll_cardinality(hll_union_agg(s)), hll_cardinality(hll_union_agg(h)), # hll_union_agg(s), # hll_union_agg(h)
			FROM (SELECT hllset_of(x) AS s, hll_add(hll_empty(), hll_hash_integer(x)) AS h FROM generate_series(1, 9) x) y", 'without qualification where the types tell', '9|9|9|9');
	}
	$both->("$path; $work; CREATE TABLE t AS SELECT g, hll_add_agg(hll_hash_integer(x)) AS h, sketch.hll_add_agg(x) AS s FROM generate_series(1, 1000) x, LATERAL (SELECT x % 5) y (g) GROUP BY g;
		SELECT count(*), sum(# s) = 1000 FROM t; SELECT round(# hll_union_agg(s)) FROM t WHERE s IN (SELECT s FROM t)", 'both in a table and in parallel', "5|t\n1000");

	# Two later ways into one schema. There hll fails every statement of a session that has loaded it, until they are apart again.
	my $load = "LOAD 'hll'";
	$both->('ALTER EXTENSION hllset SET SCHEMA hll', 'hllset moves to the schema of hll', '');
	fails_with($node, 'neighbours', "$load; SELECT 1", '42725', $ambiguous, 'then hll fails all statements');
	fails_with($node, 'neighbours', 'SELECT count(hll.hll_cardinality(h)) FROM t; SELECT count(*) FROM t', '42725', $ambiguous, 'as soon as it is used');
	$both->("$load; ALTER EXTENSION hllset SET SCHEMA sketch; SELECT count(*) FROM t", 'the way out, in the same session', '5');
	$both->("$load; $path; SELECT sum(# s) FROM t; SELECT round(hll_cardinality(hll_union_agg(h))) BETWEEN 950 AND 1050 FROM t", 'both work again', "1000\nt");
	$node->safe_psql('neighbours', 'DROP EXTENSION hll CASCADE');
	$both->('CREATE EXTENSION hll SCHEMA sketch', 'hll is created in the schema of hllset', '');
	fails_with($node, 'neighbours', "$load; SELECT 1", '42725', $ambiguous, 'then hll fails all statements');
	$both->("$load; ALTER EXTENSION hllset SET SCHEMA public; SELECT sum(# s) FROM t", 'the way out is the same', '1000');
	$both->("$load; SET search_path = public, sketch; SELECT # hll_union_agg(s), hll_cardinality(sketch.hll_add_agg(hll_hash_integer(g))) FROM t", 'both work again', '1000|5');
}

done_testing();
