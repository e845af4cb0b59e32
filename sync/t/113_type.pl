# SPDX-License-Identifier: PostgreSQL
# The owner of extension hllset, which is trusted, adds to it what he likes: types and functions of its names, in a schema of his. None is taken for
# the extension's own, and a superuser who registers, rescans and repairs what he is given runs nothing of it, and opens nothing to him.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Workers;

my $node = new_server('type', "hllset_sync.databases = ''\n");
$node->start;
my $me = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE reader LOGIN; CREATE DATABASE app OWNER keeper');
my $keeper = sub { $node->safe_psql('app', $_[0], extra_params => [ '-U', 'keeper' ]) };
$keeper->('CREATE SCHEMA types; GRANT USAGE ON SCHEMA types TO PUBLIC; CREATE EXTENSION hllset SCHEMA types');
$node->safe_psql('app', "CREATE EXTENSION hllset_sync; GRANT CREATE ON SCHEMA public TO PUBLIC");

$keeper->(q{
	CREATE SCHEMA evil;
	GRANT ALL ON SCHEMA evil TO PUBLIC;
	CREATE FUNCTION evil.spring_it(what text) RETURNS boolean LANGUAGE plpgsql AS $f$
	BEGIN
		RAISE LOG 'planted: % runs as %', what, current_user;
		BEGIN
			ALTER ROLE keeper SUPERUSER;
		EXCEPTION WHEN OTHERS THEN
		END;
		RETURN true;
	END $f$});

my $since = 0;
my $sprung = sub { return grep { /LOG:  planted: / && !/runs as keeper$/ } split /\n/, substr slurp_file($node->logfile), $since };
sub nothing_ran
{
	my ($name) = @_;
	is(join("\n", $sprung->()), '', "$name: nothing of his runs as another");
	is($node->safe_psql('postgres', "SELECT rolsuper FROM pg_roles WHERE rolname = 'keeper'"), 'f', "$name: he is no superuser");
	return;
}

# All that a superuser may do with a set of the keeper, whether it works or not; returns the errors.
sub do_all
{
	my ($table, $set) = @_;
	my @did = ("CALL hllset_sync.register('$table', '$set')", "SELECT hllset_sync.grant_peer('$set', '$me')", "INSERT INTO hllset_sync.origins VALUES (9, '99999999-9999-9999-9999-999999999999', 'gone') ON CONFLICT DO NOTHING",
		q{CALL hllset_sync.p_advance()}, q{SELECT * FROM hllset_sync.p_heads(NULL)}, "SELECT * FROM hllset_sync.p_sets()", "SELECT * FROM hllset_sync.p_changes('$set', 0, NULL, 100, 100, 100000)", "CALL hllset_sync.rescan('$set')",
		'CALL hllset_sync.prune()', 'SELECT * FROM hllset_sync.set_status', 'SELECT * FROM hllset_sync.backlog', 'SELECT * FROM hllset_sync.status', "SELECT * FROM hllset_sync.p_fetch('$set', '{\"\\\\x0000000400000001\"}', 1000000)",
		"SELECT * FROM hllset_sync.p_fingerprint('$set', 100)", "CALL hllset_sync.absorb_origin('gone')", "SELECT hllset_sync.unregister('$set')");
	return join "\n", map { ($node->psql('app', $_))[2] } @did;
}

# ---- types that are none of ours ----

my $functions = q{
	CREATE FUNCTION evil.hllset_empty(int) RETURNS evil.hllset LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hllset_empty'); RETURN NULL; END $f$;
	CREATE FUNCTION evil.hll_info(evil.hllset) RETURNS jsonb LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_info'); RETURN '{"format_version": 1, "hash_id": 1}'; END $f$;
	CREATE FUNCTION evil.hll_kind(evil.hllset) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_kind'); RETURN 'set'; END $f$;
	CREATE FUNCTION evil.hll_digest(evil.hllset) RETURNS uuid LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_digest'); RETURN gen_random_uuid(); END $f$;
	CREATE FUNCTION evil.hll_union(evil.hllset, evil.hllset) RETURNS evil.hllset LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_union'); RETURN NULL; END $f$;
	CREATE AGGREGATE evil.hll_union_agg(evil.hllset) (SFUNC = evil.hll_union, STYPE = evil.hllset);
	ALTER EXTENSION hllset ADD FUNCTION evil.hllset_empty(int);
	ALTER EXTENSION hllset ADD FUNCTION evil.hll_info(evil.hllset);
	ALTER EXTENSION hllset ADD FUNCTION evil.hll_kind(evil.hllset);
	ALTER EXTENSION hllset ADD FUNCTION evil.hll_digest(evil.hllset);
	ALTER EXTENSION hllset ADD FUNCTION evil.hll_union(evil.hllset, evil.hllset);
	ALTER EXTENSION hllset ADD AGGREGATE evil.hll_union_agg(evil.hllset);
};
my %types = (
	'a domain over bytea' => [ q{CREATE DOMAIN evil.hllset AS bytea CHECK (evil.spring_it('check'))}, 'DOMAIN', q{'\x00'} ],
	'a domain over hllset' => [ q{CREATE DOMAIN evil.hllset AS types.hllset CHECK (evil.spring_it('check'))}, 'DOMAIN', q{'\x01010c01000000'} ],
	'a composite type' => [ q{CREATE TYPE evil.hllset AS (a types.hllset)}, 'TYPE', q{ROW('\x01010c01000000')} ],
	'an enum' => [ q{CREATE TYPE evil.hllset AS ENUM ('a')}, 'TYPE', q{'a'} ],
	'a range' => [ q{CREATE TYPE evil.hllset AS RANGE (SUBTYPE = types.hllset, MULTIRANGE_TYPE_NAME = evil.many)}, 'TYPE', q{'empty'} ],
	'a multirange' => [ q{CREATE TYPE evil.one AS RANGE (SUBTYPE = int4, MULTIRANGE_TYPE_NAME = evil.hllset)}, 'TYPE', q{'{}'}, 'TYPE evil.one' ]);

for my $name (sort keys %types)
{
	my ($create, $kind, $value, $made) = @{ $types{$name} };
	$since = -s $node->logfile;
	$keeper->("$create; ALTER EXTENSION hllset ADD $kind evil.hllset; $functions");
	$keeper->("CREATE TABLE public.bait (k int PRIMARY KEY, s evil.hllset); INSERT INTO public.bait VALUES (1, $value)");
	like(do_all('public.bait', 'bait'), qr/it has no column of type hllset/, "$name: is none of ours");
	like(($node->psql('app', "CALL hllset_sync.register('public.bait', 'bait', sketch_columns => '{s}')"))[2], qr/column "s" is of type .*, not hllset/, "$name: nor if it is named");
	nothing_ran("$name, from the start");

	# It was ours when it was registered.
	$keeper->(q{DROP TABLE public.bait; CREATE TABLE public.bait (k int PRIMARY KEY, s types.hllset(12)); CALL hllset_sync.register('public.bait', 'bait', NULL, NULL, '', '')});
	$keeper->("ALTER TABLE public.bait ALTER s TYPE evil.hllset USING NULL; INSERT INTO public.bait VALUES (1, $value)");
	like(do_all('public.bait', 'bait'), qr/cannot be used: column "s" of its table is of type .* now/, "$name: breaks the set that it comes into");
	nothing_ran("$name, later");

	# Of the tables of a set, too, he is the owner.
	$keeper->(q{DROP TABLE public.bait; CREATE TABLE public.bait (k int PRIMARY KEY, s types.hllset(12)); CALL hllset_sync.register('public.bait', 'bait', NULL, NULL, '', '')});
	my $id = $node->safe_psql('app', "SELECT set_id FROM hllset_sync.sets WHERE set_name = 'bait'");
	$keeper->("INSERT INTO public.bait VALUES (1, NULL); ALTER TABLE hllset_sync.copy_$id ALTER s1 TYPE evil.hllset USING NULL; ALTER TABLE hllset_sync.rows_$id ALTER digest TYPE evil.hllset USING NULL");
	$node->safe_psql('app', "SELECT hllset_sync.grant_peer('bait', '$me'); INSERT INTO hllset_sync.origins VALUES (9, '99999999-9999-9999-9999-999999999999', 'gone') ON CONFLICT DO NOTHING");
	$node->psql('app', "INSERT INTO hllset_sync.copy_$id (k1, origin_id, s1, seq, digest) VALUES (1, 9, NULL, 1, gen_random_uuid())", extra_params => [ '-U', 'keeper' ]);
	do_all('public.bait', 'bait');
	nothing_ran("$name, in the tables of a set");
	$keeper->('DROP TABLE public.bait');
	$keeper->(join '; ', map { "ALTER EXTENSION hllset DROP $_" } 'FUNCTION evil.hllset_empty(int)', 'FUNCTION evil.hll_info(evil.hllset)', 'FUNCTION evil.hll_kind(evil.hllset)', 'FUNCTION evil.hll_digest(evil.hllset)',
		'FUNCTION evil.hll_union(evil.hllset, evil.hllset)', 'AGGREGATE evil.hll_union_agg(evil.hllset)', "$kind evil.hllset");
	$keeper->('DROP ' . ($made // "$kind evil.hllset") . ' CASCADE');
}

# ---- functions of the names of ours, for our type ----

$since = -s $node->logfile;
$keeper->(q{
	CREATE FUNCTION evil.hllset_empty(int) RETURNS types.hllset LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hllset_empty'); RETURN '\x01010c01000000'; END $f$;
	CREATE FUNCTION evil.hll_kind(types.hllset) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_kind'); RETURN 'set'; END $f$;
	CREATE FUNCTION evil.hll_digest(types.hllset) RETURNS uuid LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_digest'); RETURN gen_random_uuid(); END $f$;
	CREATE FUNCTION evil.hll_union(types.hllset, types.hllset) RETURNS types.hllset LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_union'); RETURN $1; END $f$;
	CREATE AGGREGATE evil.hll_union_agg(types.hllset) (SFUNC = evil.hll_union, STYPE = types.hllset);
	CREATE FUNCTION types.hll_union(types.hllset, VARIADIC types.hllset[]) RETURNS types.hllset LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_union'); RETURN $1; END $f$;
	CREATE FUNCTION types.hll_union(types.hllset, types.hllset, types.hllset) RETURNS types.hllset LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.spring_it('hll_union'); RETURN $1; END $f$;
	CREATE AGGREGATE types.hll_union_agg(types.hllset, types.hllset) (SFUNC = types.hll_union, STYPE = types.hllset)});
$keeper->(join '; ', map { "ALTER EXTENSION hllset ADD $_" } 'FUNCTION evil.hllset_empty(int)', 'FUNCTION evil.hll_kind(types.hllset)', 'FUNCTION evil.hll_digest(types.hllset)',
	'FUNCTION evil.hll_union(types.hllset, types.hllset)', 'AGGREGATE evil.hll_union_agg(types.hllset)');
$keeper->('ALTER DATABASE app SET search_path = evil, types, public, pg_catalog');
$node->safe_psql('app', q{CREATE TABLE public.mine (k int PRIMARY KEY, s types.hllset(12)); INSERT INTO public.mine VALUES (1, types.hllset_of(1::int)::types.hllset(12))});
for my $role ('keeper', $me)
{
	my $run = sub { $node->safe_psql('app', $_[0], extra_params => [ '-U', $role ]) };
	$run->(q{CREATE TABLE public.bait (k int PRIMARY KEY, s types.hllset(12)); CALL hllset_sync.register('public.bait', 'bait'); INSERT INTO public.bait VALUES (1, types.hllset_of(1::int)::types.hllset(12))});
	my $id = $node->safe_psql('app', "SELECT set_id FROM hllset_sync.sets WHERE set_name OPERATOR(pg_catalog.=) 'bait'");
	$node->safe_psql('app', "INSERT INTO hllset_sync.origins VALUES (9, '99999999-9999-9999-9999-999999999999', 'gone') ON CONFLICT DO NOTHING; INSERT INTO hllset_sync.cursors (set_id, origin_id, seq) VALUES ($id, 9, 1); INSERT INTO hllset_sync.copy_$id VALUES (1, 9, types.hllset_of(2::int)::types.hllset(12), 1, pg_catalog.gen_random_uuid())");
	is($node->safe_psql('app', 'SELECT types.hll_cardinality(s) FROM public.bait_global'), '2', "$role: the union is that of the extension");
	$since = -s $node->logfile;
	my $errors = do_all('public.bait', 'bait');
	unlike($errors, qr/(?:has no function|cannot be used|not unique)/, "$role: functions of the same names don't disturb");
	is($node->safe_psql('app', 'SELECT types.hll_cardinality(s) FROM public.bait'), '2', "$role: the copy was absorbed");
	is(join("\n", grep { /LOG:  planted: / } split /\n/, substr slurp_file($node->logfile), $since), '', "$role: nothing of his runs at all");
	nothing_ran("$role: functions of the same names");
	$node->safe_psql('app', 'DROP TABLE public.bait');
}
$keeper->('ALTER DATABASE app RESET search_path');

# ---- a schema that is renamed meanwhile ----

# Statements are texts, with names. He owns the schemas, and puts others in their places while one is at work.
SKIP:
{
	skip 'no fault points in this build', 9 if $node->safe_psql('postgres', "LOAD 'hllset_sync'; SELECT current_setting('hllset_sync.fault', true) IS NULL") eq 't';
	$keeper->('CREATE SCHEMA bed; GRANT ALL ON SCHEMA bed TO PUBLIC');
	$node->safe_psql('app', 'CREATE TABLE bed.bait (k int PRIMARY KEY, s types.hllset(12)); INSERT INTO bed.bait VALUES (1, NULL)');
	skip 'this server does not lock a schema that it renames', 9
		unless $node->safe_psql('app', "BEGIN; ALTER SCHEMA bed RENAME TO cradle; SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_namespace'::regclass AND mode = 'AccessExclusiveLock'");
	for ([ 'views_made', "CALL hllset_sync.register('bed.bait', 'bait')", 'bed', 'types' ], [ 'mid_scan', "CALL hllset_sync.rescan('bait')", 'bed' ], [ 'after_advance', "CALL hllset_sync.p_advance('{bait}')", 'bed' ])
	{
		my ($point, $statement, @schemas) = @$_;
		$since = -s $node->logfile;
		my ($out, $err) = ('', '');
		$node->append_conf('postgresql.conf', "hllset_sync.fault = '$point:stop'");
		$node->reload;
		$node->poll_query_until('app', "SELECT current_setting('hllset_sync.fault') = '$point:stop'");
		$node->safe_psql('app', "SELECT hllset_sync.grant_peer('bait', '$me')") if $point eq 'after_advance';
		my $session = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('app'), '-c', $statement ], '>', \$out, '2>', \$err, IPC::Run::timeout(600));
		$session->pump_nb, sleep 0.05 until substr(slurp_file($node->logfile), $since) =~ /fault stop at $point/;
		like(($node->psql('app', "SET lock_timeout = '200ms'; ALTER SCHEMA $_ RENAME TO away; ALTER SCHEMA evil RENAME TO $_", extra_params => [ '-U', 'keeper' ]))[2], qr/canceling statement due to lock timeout/, "$point: schema $_ can't be renamed meanwhile") for @schemas;
		$node->append_conf('postgresql.conf', "hllset_sync.fault = ''");
		$node->reload;
		$session->finish;
		is($err, '', "$point: and it goes on");
	}

	# The other way round it is not waited for.
	my ($in, $out) = ("BEGIN; ALTER SCHEMA bed RENAME TO cradle;\n\\echo renamed\n", '');
	my $renamer = IPC::Run::start([ 'psql', '-XqAt', '-U', 'keeper', '-d', $node->connstr('app') ], '<', \$in, '>', \$out, IPC::Run::timeout(600));
	$renamer->pump until $out =~ /renamed/;
	is($node->safe_psql('app', "SELECT description FROM hllset_sync.p_sets()"), 'the schema of its table is locked', 'a schema that is being renamed is not waited for');
	$in = "COMMIT;\n";
	$renamer->finish;
	is($node->safe_psql('app', "CALL hllset_sync.rescan('bait'); SELECT state FROM hllset_sync.sets WHERE set_name = 'bait'"), 'ok', 'and afterwards it has another name, which disturbs nobody');
}

# ---- settings of the planner ----

# A trigger of the owner, who sees what the statements inside run with.
$node->safe_psql('app', q{
	CREATE TABLE public.seen AS SELECT name, setting FROM pg_settings WHERE false;
	CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.seen SELECT name, setting FROM pg_settings WHERE category LIKE 'Query Tuning%' AND setting <> boot_val; RETURN NULL; END $f$;
	CREATE TABLE public.looked (k int PRIMARY KEY, s types.hllset(12));
	CALL hllset_sync.register('public.looked');
	SELECT hllset_sync.grant_peer('looked', 'reader')});
my $id = $node->safe_psql('app', "SELECT set_id FROM hllset_sync.sets WHERE set_name = 'looked'");
$node->safe_psql('app', "CREATE TRIGGER look AFTER INSERT ON hllset_sync.rows_$id EXECUTE FUNCTION public.look(); CREATE TRIGGER look AFTER INSERT ON hllset_sync.dirty_$id EXECUTE FUNCTION public.look()");
my $change = join '; ', split /\n/, $node->safe_psql('app', q{
	SELECT format('SET %s = %s', name, quote_literal(CASE vartype WHEN 'bool' THEN CASE boot_val WHEN 'on' THEN 'off' ELSE 'on' END WHEN 'enum' THEN (SELECT v FROM unnest(enumvals) v WHERE v <> boot_val ORDER BY v DESC LIMIT 1)
		ELSE CASE WHEN boot_val = max_val THEN min_val ELSE max_val END END)) FROM pg_settings WHERE category LIKE 'Query Tuning%' AND context = 'user'});
my $changed = () = $change =~ /SET /g;
cmp_ok($changed, '>', 40, "the planner has $changed settings, which the reader changes");
$node->safe_psql('app', 'INSERT INTO looked VALUES (1, NULL)');
my $read = "CALL hllset_sync.p_advance('{looked}'); SELECT head FROM hllset_sync.p_heads('{looked}') WHERE set_name = 'looked'; SELECT count(*) FROM hllset_sync.p_changes('looked', 0, NULL, 10, 10, 1000) WHERE key IS NOT NULL; SELECT count(*) FROM hllset_sync.p_fingerprint('looked', 1)";
is($node->safe_psql('app', "$change; $read", extra_params => [ '-U', 'reader' ]), "1\n1\n1", 'what he calls does what it should');
is($node->safe_psql('app', 'SELECT DISTINCT name, setting FROM public.seen ORDER BY 1'), join("\n", map { "enable_$_|off" } qw(bitmapscan hashjoin mergejoin seqscan sort)) . "\njit|off", 'and none of them reaches what runs inside');
$node->safe_psql('app', "TRUNCATE public.seen; UPDATE looked SET s = types.hllset_of(1::int)::types.hllset(12)");
$node->safe_psql('app', "ALTER TABLE looked DISABLE TRIGGER ALL; INSERT INTO looked VALUES (2, NULL); $change; CALL hllset_sync.rescan('looked')");
is($node->safe_psql('app', "SELECT DISTINCT name, setting FROM public.seen WHERE name NOT LIKE 'enable\\_%' AND name <> 'jit' OR setting <> 'off'"), '', 'nor a rescan');
is($node->safe_psql('app', "$change; CALL hllset_sync.rescan('looked'); SELECT count(*) FROM pg_settings WHERE category LIKE 'Query Tuning%' AND setting = boot_val AND context = 'user'"), '0', 'they are the session\'s again afterwards');

$node->stop;
done_testing();
