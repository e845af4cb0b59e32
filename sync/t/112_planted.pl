# SPDX-License-Identifier: PostgreSQL
# The owner of a database plants functions, operators, types, relations and casts of the names that the scripts of both extensions use: in the schema
# of hllset and in the search path of the database. A superuser creates and updates the extensions, reads and calls all of them, and runs none of it.

use strict;
use warnings FATAL => 'all';

use File::Basename;
use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../../test/perl";
use Installation;
use PostgreSQL::Test::Utils;
use Test::More;
use Workers;

my $extension = own_installation();
my %script = map { $_ => slurp_file("$extension/$_--1.0.sql") } 'hllset', 'hllset_sync';

like(slurp_file($_), qr/\\quit\n(?:\s|--.*\n)*SET LOCAL search_path TO pg_catalog, pg_temp;\n/, basename($_) . ': nothing is looked up before the path is set') for glob("$extension/hllset_sync--*.sql");

# An older version of each, that has nothing: its update is the script.
for my $name (keys %script)
{
	append_to_file("$extension/$name--0.9.sql", "SELECT;\n");
	append_to_file("$extension/$name--0.9--1.0.sql", $script{$name});
}

my $node = new_server('planted', "hllset_sync.databases = ''\n");
$node->start;
my $me = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE passerby LOGIN');

# ---- what is planted ----

my %words = map { $_ => 1 } map { /\b([a-z_]\w*)\b/g } values %script;
my %signs = map { $_ => 1 } map { m{(?<![-*/<>=~!@#%^&|`?+])([-*/<>=~!@#%^&|`?+]{1,2})(?![-*/<>=~!@#%^&|`?+])}g } values %script;
delete $signs{'--'};
my $words = join ', ', map { "'$_'" } sort keys %words;
my $signs = join ', ', map { "'$_'" } sort keys %signs;

my $prepare = <<'SQL';
CREATE SCHEMA types;
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA types, evil TO PUBLIC;
CREATE TABLE evil.plants (kind text, name text);
-- The body of all that is planted.
CREATE FUNCTION evil.spring_it(what text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $f$
BEGIN
	RAISE LOG 'planted: % runs as %', what, current_user;
	BEGIN
		ALTER ROLE keeper SUPERUSER;
	EXCEPTION WHEN OTHERS THEN
	END;
	RETURN true;
END $f$;
CREATE TYPE evil.sink AS (a int);
-- True if it can be made: a name that is taken, or a type that PL/pgSQL does not take, is left out.
CREATE FUNCTION evil.try_it(command text, kind text, name text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $f$
BEGIN
	EXECUTE command;
	INSERT INTO evil.plants VALUES (kind, name);
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $f$;
CREATE FUNCTION evil.plant_function(place text, name text, arguments text, result text) RETURNS boolean LANGUAGE sql SET search_path = pg_catalog AS $f$
	SELECT evil.try_it(format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', place, name, arguments, result,
		format('BEGIN PERFORM evil.spring_it(%L); RETURN NULL; END', format('function %s.%s(%s)', place, name, arguments))), 'function', name)
$f$;
CREATE FUNCTION evil.plant_cast(source text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $f$
BEGIN
	PERFORM evil.plant_function('evil', 'sink', source, 'evil.sink');
	RETURN evil.try_it(format('CREATE CAST (%s AS evil.sink) WITH FUNCTION evil.sink(%s) AS IMPLICIT', source, source), 'cast', source);
END $f$;
SQL

# In schema PLACE; once types and functions of the extension are there, also what takes them.
my $plant = <<"SQL";
SET search_path = pg_catalog;
-- functions and procedures: as they are, and with arguments that untyped literals or anything else may fit better
SELECT count(evil.plant_function(:'place', proname, arguments, result)) FROM (
	SELECT DISTINCT proname, arguments, CASE WHEN p.prorettype = 'trigger'::regtype THEN 'text' WHEN arguments ~ 'any' THEN 'anycompatible' WHEN p.prorettype = 'internal'::regtype THEN 'text' ELSE format_type(p.prorettype, NULL) END AS result
	FROM pg_proc p, LATERAL (VALUES (oidvectortypes(p.proargtypes)), (repeat('text, ', p.pronargs)), (repeat('varchar, ', p.pronargs)), (repeat('anycompatible, ', p.pronargs)),
		(repeat('evil.sink, ', p.pronargs)), ('VARIADIC text[]'), ('VARIADIC anycompatiblearray'), (repeat('text, ', p.pronargs - p.pronargdefaults))) a (list), rtrim(list, ', ') AS arguments
	WHERE proname IN ($words) AND pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'types', 'hllset_sync')) AND arguments <> '') f;
SELECT count(evil.try_it(format('CREATE PROCEDURE %I.%I(%s) LANGUAGE plpgsql AS %L', :'place', name, rtrim(repeat(type || ', ', n), ', '), format('BEGIN PERFORM evil.spring_it(%L); END', 'procedure ' || name)), 'procedure', name))
	FROM unnest(ARRAY['register', 'run_round', 'verify']) name, unnest(ARRAY['text', 'anycompatible']) type, generate_series(1, 6) n;
-- names of ours that are not there yet
SELECT count(evil.plant_function(:'place', name, rtrim(repeat(type || ', ', n), ', '), CASE type WHEN 'text' THEN 'boolean' ELSE type END))
	FROM unnest(ARRAY[$words]) name, unnest(ARRAY['text', 'anycompatible']) type, generate_series(1, 3) n WHERE name ~ '^(hll|p_|count_|.*_(peer|origin|identity|status|digest)\$|node\$|capture|rescan|prune)';
-- operators
SELECT count(evil.plant_function('evil', 'operator_' || :'place', concat_ws(', ', "left", "right"), CASE WHEN concat("left", "right") ~ 'any' THEN 'boolean' ELSE result END)),
	count(evil.try_it(format('CREATE OPERATOR %I.%s (FUNCTION = evil.%I, %s)', :'place', oprname, 'operator_' || :'place', concat_ws(', ', 'LEFTARG = ' || "left", 'RIGHTARG = ' || "right")), 'operator', oprname))
	FROM (SELECT oprname, format_type(nullif(oprleft, 0), NULL) AS "left", format_type(oprright, NULL) AS "right", format_type(oprresult, NULL) AS result FROM pg_operator
			WHERE oprname IN ($signs) AND oprnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'types'))
		UNION ALL SELECT sign, type, type, 'boolean' FROM unnest(ARRAY[$signs]) sign, unnest(ARRAY['text', 'varchar', 'anycompatible', 'evil.sink']) type) o;
-- types
SELECT count(evil.try_it(format('CREATE DOMAIN %I.%I AS %s CHECK (evil.spring_it(%L))', :'place', typname, format_type(t.oid, NULL), 'domain ' || typname), 'domain', typname))
	FROM pg_type t WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typname IN ($words, '_text', '_name', 'int2', 'int4', 'int8', 'bool', 'float8', 'char');
SELECT evil.try_it(format('CREATE DOMAIN %I.hllset AS bytea CHECK (evil.spring_it(%L))', :'place', 'domain hllset'), 'domain', 'hllset') WHERE :'place' = 'evil';
-- relations
SELECT count(evil.try_it(format('CREATE VIEW %I.%I AS SELECT r.*, evil.spring_it(%L) AS spring FROM pg_catalog.%I r', :'place', relname, 'view ' || relname, relname), 'view', relname))
	FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relname IN ($words);
SELECT count(evil.try_it(format('CREATE VIEW %I.%I AS SELECT evil.spring_it(%L) AS spring', :'place', name, 'view ' || name), 'view', name))
	FROM unnest(ARRAY['node', 'sets', 'history', 'acl', 'origins', 'cursors', 'peers', 'links', 'peer_state', 'named', 'part', 'set_ids', 'set_status', 'backlog', 'status', 'consumers']) name;
-- casts
SELECT count(evil.plant_cast(type)) FROM unnest(ARRAY['text', 'name', 'oid', 'regclass', 'integer', 'smallint', 'bigint', 'boolean', 'uuid', 'bytea', 'interval', 'timestamptz', 'text[]', 'types.hllset', 'types.hllhash']) type;
GRANT SELECT ON ALL TABLES IN SCHEMA types, evil TO PUBLIC;
SQL

sub plant
{
	my ($db, $place) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/plant.sql';
	append_to_file($file, "\\set place $place\n$plant");
	my ($rc, $out, $err) = $node->psql($db, "\\i $file", extra_params => [ '-U', 'keeper' ]);
	is($err, '', "$db: planted in $place");
	return;
}

my $sprung = sub { return grep { /LOG:  planted: / } split /\n/, substr slurp_file($node->logfile), $_[0] };
sub nothing_ran
{
	my ($from, $what) = @_;
	is(join("\n", $sprung->($from)), '', "$what: nothing planted ran");
	is($node->safe_psql('postgres', "SELECT rolsuper FROM pg_roles WHERE rolname = 'keeper'"), 'f', "$what: the owner is no superuser");
	return;
}

# ---- what a superuser does ----

# All functions, operators, aggregates, views and tables of the extensions, called and read with arguments of just their types.
my $calls = <<'SQL';
SET search_path = pg_catalog;
SELECT CASE prokind WHEN 'p' THEN 'CALL ' ELSE 'SELECT ' END || format('%s.%I(%s%s);', pronamespace::regnamespace, proname, CASE WHEN provariadic <> 0 THEN 'VARIADIC ' END, list) FROM pg_proc p, LATERAL (
	SELECT coalesce(string_agg(CASE t WHEN 'types.hllset'::regtype THEN $$'\x01010c01000000'::types.hllset$$ WHEN 'text'::regtype THEN $$'named'::pg_catalog.text$$
		WHEN 'name'::regtype THEN $$'nobody'::pg_catalog.name$$ WHEN 'interval'::regtype THEN $$'1 ms'::pg_catalog.interval$$ WHEN 'regrole'::regtype THEN $$'passerby'::pg_catalog.regrole$$
		WHEN 'integer'::regtype THEN '7' WHEN 'bigint'::regtype THEN '7::pg_catalog.int8' WHEN 'text[]'::regtype THEN $$'{named}'::pg_catalog.text[]$$ WHEN 'boolean'::regtype THEN 'true'
		WHEN 'bytea'::regtype THEN $$'\x01010c01000000'::pg_catalog.bytea$$ ELSE format('NULL::%s', CASE WHEN t::regtype::text ~ '\.' THEN t::regtype::text ELSE 'pg_catalog.' || (SELECT CASE WHEN typname ~ '^_' THEN substr(typname, 2) || '[]' ELSE quote_ident(typname) END FROM pg_type WHERE oid = t) END) END, ', '), '') AS list
	FROM unnest(proargtypes) t) l
WHERE (pronamespace = 'hllset_sync'::regnamespace OR EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')) AND prorettype <> 'trigger'::regtype
	AND NOT EXISTS (SELECT FROM unnest(proargtypes) t WHERE t IN ('internal'::regtype, 'cstring'::regtype, '"any"'::regtype, 'anyelement'::regtype, 'cstring[]'::regtype, 'types.hllhash'::regtype))
	AND proname NOT IN ('unregister', 'forget_set', 'fdw_validator')
UNION ALL SELECT format($$SELECT %s OPERATOR(types.%s) '\x01010c01000000'::types.hllset;$$, CASE WHEN oprleft <> 0 THEN $$'\x01010c01000000'::types.hllset$$ END, oprname)
	FROM pg_operator WHERE oprright = 'types.hllset'::regtype AND oprnamespace = 'types'::regnamespace AND EXISTS (SELECT FROM pg_depend d WHERE classid = 'pg_operator'::regclass AND objid = pg_operator.oid AND deptype = 'e')
UNION ALL SELECT format('SELECT * FROM hllset_sync.%I;', relname) FROM pg_class WHERE relnamespace = 'hllset_sync'::regnamespace AND relkind IN ('r', 'v')
UNION ALL SELECT format('SELECT DISTINCT x, y FROM (VALUES (NULL::types.hllset, NULL::types.hllhash)) v(x, y) ORDER BY x, y;')
ORDER BY 1;
SQL

my $use = <<'SQL';
CREATE TABLE public.visits (day pg_catalog.int4 PRIMARY KEY, users types.hllset(12));
CALL hllset_sync.register('public.visits'::pg_catalog.regclass);
INSERT INTO public.visits VALUES (1, '\x01010c01000000'), (2, NULL);
INSERT INTO hllset_sync.named VALUES ('one', '\x01010c01000000');
SELECT hllset_sync.grant_peer('visits'::pg_catalog.text, 'passerby'::pg_catalog.regrole);
CALL hllset_sync.p_advance(NULL::pg_catalog.text[], NULL::pg_catalog.text[], NULL::pg_catalog.int8[], NULL::pg_catalog.uuid[], NULL::pg_catalog.uuid);
SELECT head FROM hllset_sync.p_heads(NULL::pg_catalog.text[], NULL::pg_catalog.uuid);
CALL hllset_sync.rescan('visits'::pg_catalog.text);
CALL hllset_sync.prune(NULL::pg_catalog.int8);
TABLE public.visits_global;
TABLE public.visits_by_node;
TABLE hllset_sync.named_global;
SELECT set_name, state FROM hllset_sync.set_status;
SELECT hllset_sync.unregister('visits'::pg_catalog.text), hllset_sync.forget_set('visits'::pg_catalog.text);
DROP TABLE public.visits;
SQL

sub use_all
{
	my ($db) = @_;
	my @calls = split /\n/, $node->safe_psql($db, $calls);
	cmp_ok(scalar @calls, '>', 100, "$db: " . @calls . ' things are called and read');
	my ($rc, $out, $err) = $node->psql($db, join("\n", @calls), on_error_stop => 0);
	# What is wrong with the arguments is said; what is ambiguous, or was not found, would be the test's fault.
	unlike($err, qr/syntax error|is not unique|does not exist\nLINE|ambiguous/, "$db: all of them as they are");
	is($node->safe_psql($db, $use) =~ s/^\s*$//gmr =~ /^visits\|ok$/m, 1, "$db: a table is registered and numbered");
	# Whatever the extensions are made of is theirs or the server's.
	is($node->safe_psql($db, q{
		SET search_path = pg_catalog;
		SELECT DISTINCT pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend d, pg_identify_object(refclassid, refobjid, 0) r
		WHERE (r.schema = 'evil' OR r.schema = 'types' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype IN ('e', 'i')))
			AND ((SELECT identity FROM pg_identify_object(classid, objid, 0)) LIKE '%hllset_sync.%' OR EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e'))}),
		'', "$db: nothing of the extensions depends on what was planted");
	return;
}

# ---- as it goes ----

for my $way ('created', 'updated')
{
	my $make = sub { my ($name, $more) = @_; return $way eq 'created' ? "CREATE EXTENSION $name $more" : "CREATE EXTENSION $name $more VERSION '0.9'; ALTER EXTENSION $name UPDATE TO '1.0'" };
	my $start = -s $node->logfile;
	$node->safe_psql('postgres', "CREATE DATABASE $way OWNER keeper");
	$node->safe_psql($way, "SET ROLE keeper; $prepare; ALTER DATABASE $way SET search_path = types, evil, public, pg_catalog");
	plant($way, $_) for 'types', 'evil';
	$node->safe_psql($way, ($way eq 'created' ? 'SET ROLE keeper;' : '') . $make->('hllset', 'SCHEMA types'));
	plant($way, $_) for 'types', 'evil';
	nothing_ran($start, "$way: hllset");
	$node->safe_psql($way, $make->('hllset_sync', ''));
	nothing_ran($start, "$way: hllset_sync");
	plant($way, $_) for 'types', 'evil';
	use_all($way);
	nothing_ran($start, "$way: all of it");
	diag("$way: " . $node->safe_psql($way, "SELECT pg_catalog.string_agg(n OPERATOR(pg_catalog.||) ' '::pg_catalog.text OPERATOR(pg_catalog.||) kind, ', '::pg_catalog.text) FROM (SELECT kind, pg_catalog.count(*)::pg_catalog.text AS n FROM evil.plants GROUP BY kind) k"));
}

# ---- that the plants would have sprung ----

# Each kind, where somebody does not say what he means.
my %careless = (
	'a function with untyped arguments' => [ "SELECT pg_has_role('pg_monitor', 'USAGE')", qr/function types\.pg_has_role\(text, text\)/ ],
	'a function of just these types' => [ "SELECT now()::text, min(1::pg_catalog.int4)", qr/function types\.min\(integer\)/ ],
	'an operator' => [ "SELECT 1 WHERE 'a'::pg_catalog.text = 'a'::pg_catalog.text", qr/function evil\.operator_types\(text, text\)/ ],
	'a type' => [ "SELECT 'a'::text", qr/domain text/ ],
	'a catalog' => [ 'SELECT * FROM pg_extension', qr/view pg_extension/ ],
	'a table' => [ 'SELECT * FROM named', qr/view named/ ],
	'a procedure' => [ "CALL register('a', 'b')", qr/procedure register/ ],
	'a cast' => [ "SELECT ('a'::pg_catalog.text::evil.sink).a", qr/function evil\.sink\(text\)/ ]);
for my $kind (sort keys %careless)
{
	my $start = -s $node->logfile;
	$node->psql('created', $careless{$kind}[0], extra_params => [ '-U', 'passerby' ]);
	like(join("\n", $sprung->($start)), qr/planted: $careless{$kind}[1] runs as passerby/, "$kind: springs where it is found");
}

$node->stop;
done_testing();
