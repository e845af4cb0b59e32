# SPDX-License-Identifier: PostgreSQL
# Every function of the extension, from the catalog: called with NULLs, with the edges of every argument's type, and for long enough that a leak would show.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('calls', conf => "shared_buffers = 2MB\nlog_statement = none\nlog_min_error_statement = panic\nlog_min_messages = fatal\n");
my $db = 'postgres';

$node->safe_psql($db, q{
	CREATE TYPE colour AS ENUM ('red', 'green');
	CREATE DOMAIN short AS varchar(10);
	CREATE TYPE pair AS (a int, b text);
	CREATE TABLE kept (name text PRIMARY KEY, s hllset, t text);
	INSERT INTO kept SELECT 'large', hll_add_agg(x), repeat(md5('x'), 300) FROM generate_series(1, 50000) x;
	-- The state of a call: 'ok', its result if that is NULL, or the SQLSTATE. A set must be a good one.
	CREATE FUNCTION outcome(call text, type text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		is_null boolean;
		good boolean := true;
	BEGIN
		IF type = 'hllset' THEN
			EXECUTE format('SELECT r IS NULL, r::bytea::hllset = r FROM (SELECT %s) y (r)', call) INTO is_null, good;
		ELSE
			EXECUTE format('SELECT (%s) IS NULL', call) INTO is_null;
		END IF;
		RETURN CASE WHEN is_null THEN 'NULL' WHEN good THEN 'ok' ELSE 'bad' END;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE || ' ' || SQLERRM;
	END $$});

my @functions = map { my @f = split(/\|/, $_, -1); { name => $f[0], types => [ split(/;/, $f[1]) ], result => $f[2], kind => $f[3], strict => $f[4] eq 't', set => $f[5] eq 't' } }
	split(/\n/, $node->safe_psql($db, q{
	SELECT proname, array_to_string(proargtypes::regtype[], ';'), prorettype::regtype, prokind, proisstrict, proretset
	FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND deptype = 'e' JOIN pg_extension e ON refobjid = e.oid AND extname = 'hllset' ORDER BY p.oid}));
cmp_ok(scalar @functions, '>', 80, scalar(@functions) . ' functions');

# ---- the edges of each type; the first value is a plain one ----

my $deep = '[' x 500 . ']' x 500;
my %edge = (
	hllset => [
		q{hllset_of(1, 2, 3)}, q{hllset_empty(4)}, q{hllset_empty()}, q{hllset_empty(18)}, q{(SELECT s FROM kept)}, q{(SELECT s FROM kept)::hllset(12, compact)}, q{(SELECT s FROM kept)::hllset(4, compact)},
		q{hllset_empty(18)::hllset(18, compact)}, q{hll_fold((SELECT s FROM kept), 4)}, q{(SELECT hll_add_agg(x, 18) FROM generate_series(1, 3000) x)} ],
	# of functions that take it as VARIADIC
	'hllset[]' => [
		q{VARIADIC ARRAY[hllset_of(1, 2), hllset_of(2, 3)]}, q{VARIADIC '{}'::hllset[]}, q{VARIADIC ARRAY[NULL::hllset]}, q{VARIADIC ARRAY[hllset_of(1), NULL]}, q{VARIADIC array_fill(hllset_of(1), ARRAY[6])},
		q{VARIADIC array_fill(hllset_of(1), ARRAY[7])}, q{VARIADIC ARRAY[(SELECT s FROM kept), hllset_empty(4), (SELECT s FROM kept)::hllset(12, compact), hllset_empty(18)]}, q{VARIADIC '[5:6]={"\\\\x01010c01000000",NULL}'::hllset[]} ],
	integer => [ '12', '4', '18', '3', '19', '0', '-1', '44', '63', '-2147483648', '2147483647' ],
	bigint => [ '1', '0', '-1', '-9223372036854775808', '9223372036854775807' ],
	smallint => [ '1::int2', q{'-32768'::int2} ],
	boolean => [ 'true', 'false' ],
	'double precision' => [ '0.5', '0', '1', '-0.0', '-1', q{'NaN'::float8}, q{'Infinity'::float8}, q{'-Infinity'::float8}, '1e-300::float8', '0.9999999999999999::float8' ],
	real => [ '0.5::real', q{'NaN'::real}, q{'-0'::real} ],
	numeric => [ '1.5', q{'NaN'::numeric}, q{'Infinity'::numeric}, '0.0', '-0.00000000000000000000000000001', q{('1' || repeat('0', 1000))::numeric}, '9223372036854775807.0', '9223372036854775808' ],
	text => [ q{'x'::text}, q{''::text}, q{(SELECT t FROM kept)}, q{repeat('é', 1000000)}, q{'x'::text COLLATE "C"} ],
	'"char"' => [ q{'x'::"char"}, q{''::"char"}, q{'\377'::"char"} ],
	bytea => [ q{'\x01010c01000000'::bytea}, q{''::bytea}, q{'\x00'::bytea}, q{decode(repeat('00', 100000), 'hex')}, q{(SELECT s::bytea FROM kept)} ],
	uuid => [ q{'00000000-0000-0000-0000-000000000000'::uuid} ],
	date => [ q{'2024-02-29'::date}, q{'infinity'::date}, q{'4713-01-01 BC'::date} ],
	'timestamp without time zone' => [ q{'2024-02-29 00:00'::timestamp}, q{'-infinity'::timestamp} ],
	'timestamp with time zone' => [ q{'2024-02-29 00:00+00'::timestamptz}, q{'infinity'::timestamptz} ],
	inet => [ q{'10.0.0.1'::inet}, q{'::/0'::cidr} ],
	jsonb => [ q{'{"a": [1, null, 2.5]}'::jsonb}, q{'{}'::jsonb}, q{'null'::jsonb}, "'$deep'::jsonb", q{to_jsonb(repeat('x', 100000))} ],
	oid => [ '1::oid', '0::oid', q{'kept'::regclass} ],
	hllsimilar => [ q{hll_similar_to(hllset_of(1, 2))}, q{hll_similar_to((SELECT s FROM kept), 1)}, q{hll_similar_to(hllset_empty(), 0.06)} ],
	hllwithin => [ q{hll_within(hllset_of(1, 2))}, q{hll_within((SELECT s FROM kept), 1)}, q{hll_within(hllset_empty(), 0.06)} ],
	hllhash => [ q{'0000000000000001'::hllhash}, q{'ffffffffffffffff'::hllhash}, q{'0000000000000000'::hllhash} ],
	cstring => [ q{'\x01010c01000000'::cstring}, q{''::cstring}, q{'\x'::cstring}, q{'0123456789abcdef'::cstring}, q{'\x010'::cstring}, q{textout(repeat('\x01', 100000))} ],
	'cstring[]' => [ q{'{12}'::cstring[]}, q{'{12,compact}'::cstring[]}, q{'{}'::cstring[]}, q{'{NULL}'::cstring[]}, q{'{12,NULL}'::cstring[]}, q{'{{4,compact},{5,compact}}'::cstring[]}, q{'{4,compact,compact}'::cstring[]},
		q{'{99999999999999999999}'::cstring[]}, q{'{"12 "}'::cstring[]}, q{'{""}'::cstring[]}, q{'{compact}'::cstring[]}, q{'{-1}'::cstring[]}, q{'{19}'::cstring[]}, q{'{0x0c}'::cstring[]}, q{'{12,Compact}'::cstring[]} ],
	anyelement => [
		'7', q{'7.5'::float8}, 'ARRAY[1, NULL]', q{'{}'::int[]}, q{'{{1},{2}}'::int[]}, q{'red'::colour}, q{'x'::short}, q{ROW(1, 'x')::pair}, q{ROW(NULL, NULL)::pair}, q{ROW(1, ROW('x', ARRAY[2]))}, q{'[1,5)'::int4range},
		q{'{[1,2),[5,)}'::int4multirange}, q{'empty'::numrange}, q{B'101'}, q{B''::varbit}, q{'1 day'::interval}, q{'10:00+01'::timetz}, q{'1.50'::money}, q{'08:00:2b:01:02:03'::macaddr}, q{'x'::char(5)}, q{'x'::name}, q{(SELECT kept FROM kept)},
		q{'(1,2)'::point}, q{'{}'::json}, q{'<a/>'::xml}, q{'a'::tsvector}, q{'(0,1)'::tid}, q{hllset_empty()}, q{ARRAY[hllset_empty()]}, q{ROW('(1,2)'::point)}, q{ARRAY['{}'::json]}, q{'{red}'::colour[]}, q{'{x,y}'::short[]}, q{(SELECT array_agg(t) FROM kept)} ],
);
# An element may be of any of these types.
push @{ $edge{anyelement} }, map { @$_ } @edge{ 'bigint', 'smallint', 'boolean', 'double precision', 'real', 'numeric', 'text', '"char"', 'bytea', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone', 'inet', 'jsonb', 'oid', 'hllhash' };
$edge{'"any"'} = $edge{anyelement};
# Where the plain value of the type is none of the argument's: a key has 16 bytes.
my %plain_of = ('hll_hash bytea' => q{'0123456789abcdef'::bytea});
my %null_of = ('anyelement' => 'NULL::int', '"any"' => 'NULL::int', 'hllset[]' => 'VARIADIC NULL::hllset[]');
my @lists = (
	q{VARIADIC ARRAY[1, 2]}, q{VARIADIC '{}'::int[]}, q{1, NULL}, q{'a', 'b'}, q{'a'::text, 'b'::name}, q{1, 2.5, 3::float8}, q{VARIADIC ARRAY[ARRAY['x'], ARRAY[NULL]]}, q{ROW(1, 'x')::pair, NULL}, q{'red'::colour, NULL}, q{1, '(1,2)'::point},
	q{VARIADIC (SELECT array_agg(t) FROM kept)}, q{VARIADIC (SELECT array_agg(x) FROM generate_series(1, 100000) x)}, q{VARIADIC ARRAY[hll_hash(1)]}, q{VARIADIC ARRAY['(1,2)'::point]});
my %state = map { $_ => 1 } ('42804', '42P18', '22023', '22P02', '22P03', '0A000', '22004', '42P22', '42P21', '42883', '42704', '2202E', '22000', '54023');

my $call_of = sub {
	my ($function, @values) = @_;
	my $call = "$function->{name}(" . join(', ', @values) . ')';
	return $function->{set} ? "(SELECT count(*) FROM $call)" : $function->{kind} eq 'a' ? "(SELECT $call FROM generate_series(1, 3))" : $call;
};
my (@calls, %unknown, @internal);
for my $function (@functions)
{
	my @types = @{ $function->{types} };
	if (grep { $_ eq 'internal' } @types)
	{
		push @internal, "$function->{name}(" . join(', ', map { $_ eq 'internal' ? 'NULL::internal' : $_ eq 'anyelement' ? '1' : "NULL::$_" } @types) . ')';
		next;
	}
	# Each argument through its edges while the others are plain, then all sets with all sets, then NULLs.
	my @plain = map { my $edges = $edge{$_} // []; $unknown{$_} = 1 unless @$edges; $plain_of{"$function->{name} $_"} // $edges->[0] } @types;
	next if %unknown;
	for my $place (0 .. $#types)
	{
		for my $value (@{ $edge{ $types[$place] } })
		{
			push @calls, [ $function, '', $call_of->($function, map { $_ == $place ? $value : $plain[$_] } 0 .. $#types) ];
		}
		my $null = $null_of{ $types[$place] } // "NULL::$types[$place]";
		# A set to which NULL is added stays; NULLs alone are the empty set, or none, and a precision or a key must be known.
		my $expected = $types[$place] eq 'bytea' && $function->{name} eq 'hll_hash' ? '22004' : $function->{set} || $function->{name} eq 'hllset_of' ? 'ok' : $function->{kind} eq 'f' ? ($function->{name} eq 'hll_add' && $place == 1 ? 'ok' : 'NULL')
			: $place == 1 ? '22004' : $function->{name} =~ /count|hll_add_agg/ ? 'ok' : 'NULL';
		push @calls, [ $function, $expected, $call_of->($function, map { $_ == $place ? $null : $plain[$_] } 0 .. $#types) ];
	}
	if (@types == 2 && $types[0] eq 'hllset' && $types[1] eq 'hllset')
	{
		for my $a (@{ $edge{hllset} }) { push @calls, [ $function, 'ok', $call_of->($function, $a, $_) ] for @{ $edge{hllset} } }
	}
	push @calls, [ $function, ($function->{kind} eq 'a' || $function->{name} eq 'hll_hash') && @types == 2 ? '22004' : $function->{name} =~ /count|hll_add_agg|hllset_of/ || $function->{set} ? 'ok' : 'NULL',
		$call_of->($function, map { /^(?:anyelement|"any")$/ ? 'NULL::text' : $null_of{$_} // "NULL::$_" } @types) ] if @types;
	push @calls, map { [ $function, '', $call_of->($function, $_) ] } @lists if $function->{name} eq 'hllset_of';
}
is(join(', ', sort keys %unknown), '', 'the edges of every type are known');
cmp_ok(scalar @calls, '>', 1500, scalar(@calls) . ' calls');

my $script = join('', map { my ($function, undef, $call) = @{$_}; my $quoted = $call =~ s/'/''/gr; my $out = $function->{result} eq 'cstring' ? "length(textin($quoted))" : $quoted; "SELECT outcome('$out', '$function->{result}');\n" } @calls);
my ($rc, $out, $err) = $node->psql($db, $script, timeout => 900);
my @outcomes = split(/\n/, $out);
is("$rc $err", '0 ', 'all were made in one session');
is(scalar @outcomes, scalar @calls, 'and answered');
my (@strange, %seen);
for my $i (0 .. $#outcomes)
{
	my ($function, $expected, $call) = @{ $calls[$i] };
	my $state = $outcomes[$i] =~ /^(\w{5}) / ? $1 : $outcomes[$i];
	$seen{$state}++;
	my $good = $expected ? $state eq $expected : ($state eq 'ok' || $state{$state});
	push @strange, ($expected ? "expected $expected: " : '') . substr($call, 0, 200) . " -> $outcomes[$i]" unless $good;
}
note join(', ', map { "$_: $seen{$_}" } sort keys %seen);
is(scalar @strange, 0, 'each gives a result, the documented NULL, or an error of its own') or diag(join("\n", @strange[ 0 .. ($#strange < 30 ? $#strange : 30) ]));
my %refused = (q{hll_add_agg('(1,2)'::point)} => '0A000', q{hll_add_agg('{}'::json)} => '0A000', q{hll_add_agg(hllset_empty())} => '0A000', q{hllset_empty(19)} => '22023', q{hll_cardinality_bounds(hllset_empty(), 'NaN')} => '22023',
	q{hllset_typmod_in('{12,NULL}')} => '22004', q{hllset('\x00'::bytea)} => '22P03');
is($node->safe_psql($db, qq{SELECT left(outcome(\$q\$$_\$q\$, ''), 5)}), $refused{$_}, $_) for sort keys %refused;

# ---- functions over internal states can't be called ----

cmp_ok(scalar @internal, '>', 20, scalar(@internal) . ' functions of internal states');
my $transitions = 0;
for my $call (@internal)
{
	next if $call =~ /_trans/ && $transitions++ % 8;
	like($node->safe_psql($db, qq{SELECT outcome(\$q\$$call\$q\$, '')}), qr/^42846 cannot cast type unknown to internal/, "$call is refused");
}
fails_with($node, $db, q{SELECT hll_accum_combine(hll_add_trans(NULL, 1), NULL)}, '42883', qr/function hll_add_trans\(unknown, integer\) does not exist/, 'nor one inside another');

# ---- elements in every storage form are one element ----

is_true($node, $db, q{
	SELECT a = hll_hash(t || ''), b = hll_hash(ARRAY[t || '', NULL]), c = hll_hash(ROW(1, t || '')::pair) FROM kept, (SELECT hll_hash(t) AS a, hll_hash(ARRAY[t, NULL]) AS b, hll_hash(ROW(1, t)::pair) AS c FROM kept) y}, 'stored and fresh');
$node->safe_psql($db, q{
	DO $$
	DECLARE
		a int[] := '{1}';
		r pair;
		t text;
	BEGIN
		FOR i IN 2 .. 300 LOOP
			a[i] := i;
			ASSERT hll_hash(a) = hll_hash((SELECT array_agg(x) FROM generate_series(1, i) x)), 'expanded array';
		END LOOP;
		r.a := 5;
		r.b := 'x';
		ASSERT hll_hash(r) = hll_hash(ROW(5, 'x')::pair), 'expanded record';
		ASSERT hllset_of(VARIADIC a) = (SELECT hll_add_agg(x) FROM generate_series(1, 300) x), 'expanded argument';
	END $$});
pass('expanded and flat');

# ---- memory: a backend does not grow with the steps in which sets are accumulated ----

# A step that leaves its set behind leaves 10 kB, and no view shows where: an expanded object's context may be nobody's child.
$node->safe_psql($db, q{
	CREATE TYPE holder AS (n int, s hllset);
	CREATE TYPE outer_holder AS (n int, h holder);
	CREATE TABLE trigger_target (n int, s hllset);
	CREATE FUNCTION before_insert() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. 10 LOOP NEW.s := hll_add(NEW.s, NEW.n * 10 + i); END LOOP;
		RETURN NEW;
	END $$;
	CREATE TRIGGER before_insert BEFORE INSERT ON trigger_target FOR EACH ROW EXECUTE FUNCTION before_insert();
	CREATE FUNCTION sql_step(s hllset, i int) RETURNS hllset LANGUAGE sql VOLATILE AS 'SELECT hll_add($1, $2) LIMIT 1';
	CREATE FUNCTION plpgsql_step(s hllset, i int) RETURNS hllset LANGUAGE plpgsql AS 'BEGIN s := hll_add(s, i); RETURN hll_add(s, -i); END';
	CREATE FUNCTION record_step(h holder, i int) RETURNS holder LANGUAGE plpgsql AS 'BEGIN h.s := hll_add(h.s, i); h.n := i; RETURN h; END';
	CREATE PROCEDURE inout_step(INOUT s hllset, i int) LANGUAGE plpgsql AS 'BEGIN s := hll_add(s, i); END';
	CREATE PROCEDURE commits(steps int) LANGUAGE plpgsql AS $$
	DECLARE s hllset := hllset_empty(); h holder := (0, s);
	BEGIN
		FOR i IN 1 .. steps LOOP
			s := hll_add(s, i);
			h.s := hll_add(h.s, i);
			IF i % 50 = 0 THEN COMMIT; ELSIF i % 50 = 25 THEN ROLLBACK; END IF;
		END LOOP;
	END $$;
	CREATE FUNCTION returns_next(steps int) RETURNS SETOF hllset LANGUAGE plpgsql AS 'DECLARE s hllset := hllset_empty(); BEGIN FOR i IN 1 .. steps LOOP s := hll_add(s, i); RETURN NEXT s; END LOOP; END';
	CREATE AGGREGATE added_agg(int) (SFUNC = hll_add, STYPE = hllset, INITCOND = '\x01010c01000000');
	CREATE AGGREGATE united_agg(hllset) (SFUNC = hll_union, STYPE = hllset);
	CREATE TABLE mixed AS SELECT i, CASE WHEN i % 5 = 4 THEN large & other ELSE hllset_of(i, i + 1) END AS s
		FROM generate_series(1, 100) i, (SELECT hll_add_agg(x, 8) AS large, hll_add_agg(x + 500, 8) AS other FROM generate_series(1, 1000) x) y;
	CREATE TABLE updated AS SELECT i AS id, hllset_of(i) AS s FROM generate_series(1, 1000) i});
sub loop_of { my ($declared, $body) = @_; return "DO \$\$ DECLARE $declared; BEGIN FOR i IN 1 .. %d LOOP $body END LOOP; END \$\$" }
# name, what takes so many steps
my @growing = (
	[ 'a variable', loop_of('s hllset := hllset_empty()', 's := hll_add(s, i);') ],
	[ 'a variable by unions', loop_of('s hllset := hllset_empty()', 's := s | hllset_of(i);') ],
	[ 'two in one expression', loop_of('s hllset := hllset_empty()', 's := hll_add(hll_add(s, i), -i) | hllset_of(i, 2 * i);') ],
	[ 'a record', loop_of('r record', 'IF i = 1 THEN SELECT hllset_empty() AS s INTO r; END IF; r.s := hll_add(r.s, i);') ],
	[ 'a record by unions', loop_of('r record', 'IF i = 1 THEN SELECT hllset_empty() AS s INTO r; END IF; r.s := r.s | hllset_of(i);') ],
	[ 'a composite', loop_of('h holder := (0, hllset_empty())', 'h.s := hll_add(h.s, i);') ],
	[ 'a composite as a whole', loop_of('h holder := (0, hllset_empty())', 'h := (i, hll_add(h.s, i));') ],
	[ 'a composite in a composite', loop_of('h outer_holder := (0, (0, hllset_empty()))', 'h.h.s := hll_add((h.h).s, i);') ],
	[ 'an element of an array', loop_of('a hllset[] := ARRAY[hllset_empty(), hllset_empty()]', 'a[1] := hll_add(a[1], i); a[2] := a[2] | hllset_of(i);') ],
	[ 'an element of an array of composites', loop_of('a holder[] := ARRAY[(0, hllset_empty())::holder]', 'a[1].s := hll_add(a[1].s, i);') ],
	[ 'NEW', 'INSERT INTO trigger_target SELECT i, (SELECT hll_add_agg(x) FROM generate_series(1, 1000) x) FROM generate_series(1, %d / 10) i; TRUNCATE trigger_target' ],
	[ 'a recursive query', 'WITH RECURSIVE steps AS (SELECT 0 AS i, hllset_empty() AS s UNION ALL SELECT i + 1, hll_add(s, i) FROM steps WHERE i < %d) SELECT count(s) FROM steps' ],
	[ 'a cursor', 'DO $$ DECLARE s hllset := hllset_empty(); h holder := (0, s); c CURSOR FOR SELECT i FROM generate_series(1, %d) i; BEGIN FOR r IN c LOOP s := hll_add(s, r.i); h.s := hll_add(h.s, r.i); END LOOP; END $$' ],
	[ 'a set-returning function', 'SELECT count(s) FROM returns_next(%d) s' ],
	[ 'a function in SQL', loop_of('s hllset := hllset_empty()', 's := sql_step(s, i);') ],
	[ 'a function in PL/pgSQL', loop_of('s hllset := hllset_empty()', 's := plpgsql_step(s, i);') ],
	[ 'a function of a composite', loop_of('h holder := (0, hllset_empty())', 'h := record_step(h, i);') ],
	[ 'a procedure', loop_of('s hllset := hllset_empty()', 'CALL inout_step(s, i);') ],
	[ 'a procedure that commits', 'CALL commits(%d)' ],
	[ 'a query into a variable', loop_of('s hllset := hllset_empty()', 'SELECT hll_add(s, i) INTO s;') ],
	[ 'a query into a field', loop_of('h holder := (0, hllset_empty())', 'SELECT hll_add(h.s, i) INTO h.s;') ],
	[ 'EXECUTE', loop_of('s hllset := hllset_empty()', q{EXECUTE 'SELECT hll_add($1, $2)' INTO s USING s, i;}) ],
	[ 'blocks with exceptions', loop_of('s hllset := hllset_empty(); h holder := (0, s)', 'BEGIN s := hll_add(s, i); h.s := hll_add(h.s, i); IF i %% 3 = 0 THEN h.s := hll_add(h.s, 1 / (i %% 3)); END IF; EXCEPTION WHEN division_by_zero THEN NULL; END;') ],
	[ 'UPDATE', 'DO $$ BEGIN FOR n IN 1 .. 1 + %d / 1000 LOOP UPDATE updated SET s = hll_add(hll_add(s, n), -n); END LOOP; END $$' ],
	[ 'an aggregate by hll_add', 'SELECT count(s) FROM (SELECT added_agg(i) AS s FROM generate_series(1, %d) i GROUP BY i %% 20) y' ],
	[ 'a window by hll_add', 'SELECT count(s) FROM (SELECT added_agg(i) OVER (PARTITION BY i / 50 ORDER BY i) AS s FROM generate_series(1, %d) i) y' ],
	[ 'an aggregate by | over sets and expressions', 'SELECT count(s) FROM (SELECT united_agg(m.s ORDER BY m.i) AS s FROM mixed m, generate_series(1, 1 + %d / 100) x GROUP BY x) y' ],
	[ 'a window by | over sets and expressions', 'SELECT count(s) FROM (SELECT united_agg(m.s) OVER (PARTITION BY x ORDER BY m.i ROWS 5 PRECEDING) AS s FROM mixed m, generate_series(1, 1 + %d / 100) x) y' ],
	[ 'hll_union_agg over sets and expressions', 'SELECT count(s) FROM (SELECT hll_union_agg(m.s) AS s FROM mixed m, generate_series(1, 1 + %d / 100) x GROUP BY x) y' ],
	[ 'a moving hll_union_agg', 'SELECT count(s) FROM (SELECT hll_union_agg(m.s) OVER (ORDER BY x, m.i ROWS 20 PRECEDING) AS s FROM mixed m, generate_series(1, 1 + %d / 100) x WHERE m.i %% 5 < 4) y' ],
	[ 'a moving hll_union_agg over sets and expressions', 'SELECT count(s) FROM (SELECT hll_union_agg(m.s) OVER (ORDER BY x, m.i ROWS 5 PRECEDING) AS s FROM mixed m, generate_series(1, 1 + %d / 100) x) y' ],);
SKIP:
{
	skip 'there is no /proc', scalar @growing unless -r '/proc/self/status';
	my $resident = q{SELECT 'resident ' || substring(pg_read_file('/proc/self/status') FROM 'VmRSS:\s+(\d+) kB')};
	my $steps = $ENV{HLLSET_STEPS} // 2000; # more show smaller leaks
	for my $case (@growing)
	{
		my ($name, $statement) = @$case;
		my $run = sprintf($statement, $steps);
		# The first times warm up.
		my ($rc, $out, $err) = $node->psql($db, "SET max_parallel_workers_per_gather = 0; SET jit = off;\n$run;\n$run;\n$resident;\n$run;\n$resident", timeout => 900);
		my @sizes = $out =~ /^resident (\d+)$/mg;
		ok(@sizes == 2 && $sizes[1] - $sizes[0] < 2048, "$name: $steps steps more") or diag("@sizes kB $err");
		note(sprintf('%s: %d kB', $name, $sizes[1] - $sizes[0]));
	}
}

# ---- memory: a session's peak, against the same work on few rows ----

$node->safe_psql($db, q{
	CREATE TABLE many (id int, s hllset);
	INSERT INTO many SELECT i, hll_add_agg(hll_hash(x * 1000 + i)) FROM generate_series(1, 400) i, generate_series(1, 9000) x GROUP BY i;
	CREATE TABLE words AS SELECT i, repeat(md5((i % 100)::text), 300) AS t FROM generate_series(1, 200) i;
	ALTER TABLE words ALTER t SET STORAGE external;
	INSERT INTO words SELECT i, repeat(md5((i % 100)::text), 300) FROM generate_series(1, 200) i;
	ANALYZE});
is_true($node, $db, q{SELECT bool_and(octet_length(s::bytea) > 2048), pg_relation_size(reltoastrelid) > 1000000 FROM many, pg_class WHERE relname = 'many' GROUP BY reltoastrelid}, 'the sets are stored out of line');
my $peak = q{SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+) kB')};
SKIP:
{
	skip 'there is no /proc', 11 unless -r '/proc/self/status';
	# name, query over n times the rows, bound in kB
	my @memory = (
		[ 'the union of 100,000 stored sets', 'SELECT hll_union_agg(s) IS NULL FROM many, generate_series(1, %d)', 250, 20480 ],
		[ '| by 10,000 in a loop', 'DO $$ DECLARE u hllset := hllset_empty(); r record; BEGIN FOR r IN SELECT s FROM many, generate_series(1, %d) LOOP u := u | r.s; END LOOP; END $$', 25, 20480 ],
		[ 'estimates of 8,000', 'SELECT count(hll_cardinality(s)) + count(hll_info(s)) + count(hll_fold(s, 8)) + count(s::hllset(12, compact)) FROM many, generate_series(1, %d)', 20, 20480 ],
		[ '20,000 long elements', 'SELECT approx_count_distinct(t), hll_add_agg(ARRAY[t]) IS NULL FROM words, generate_series(1, %d)', 50, 20480 ],
		[ 'rolling unions', 'SELECT count(u) FROM (SELECT hll_union_agg(s) OVER (ORDER BY x, id ROWS 6 PRECEDING) AS u FROM many, generate_series(1, %d) x WHERE id < 100) y', 20, 40960 ],
		[ 'the bits of 600', 'SELECT count(*) FROM many, generate_series(1, %d), hll_bits(s) WHERE id < 61', 10, 20480 ],
		[ 'the samples of 8,000', 'SELECT count(*) FROM many, generate_series(1, %d), hll_sample(s)', 20, 20480 ],
		[ 'the regions of 400 pairs', 'SELECT count(*) FROM many, generate_series(1, %d), hll_regions(s, s | hllset_of(id)) WHERE id < 41', 10, 20480 ],
		[ '20,000 long elements under a key', q{SELECT count(hll_hash(t, '0123456789abcdef')), count(hll_hash(ARRAY[t], '0123456789abcdef')) FROM words, generate_series(1, %d)}, 50, 20480 ],
		[ 'comparing 20,000', 'SELECT count(*) FILTER (WHERE a.s < b.s) FROM many a, many b, generate_series(1, %d) WHERE a.id < 51 AND b.id < 51', 8, 20480 ],
		[ 'a hash table beyond work_mem', q{SET work_mem = '1MB'; SET enable_sort = off; SELECT count(s) FROM (SELECT hll_add_agg(x) AS s FROM generate_series(1, %d00) x GROUP BY x %% 10000) y}, 1500, 20480 ],);
	for my $case (@memory)
	{
		my ($name, $query, $times, $bound) = @$case;
		my ($rc, $out, $err) = $node->psql($db, "SET max_parallel_workers_per_gather = 0; SET jit = off; " . sprintf($query, 1) . "; $peak; " . sprintf($query, $times) . "; $peak", timeout => 900);
		my @lines = split(/\n/, $out);
		my @peaks = $query =~ /^DO/ ? @lines : @lines[ 1, 3 ];
		cmp_ok($peaks[1] - $peaks[0], '<', $bound, "$name: memory at its peak in kB, $peaks[0] and then $peaks[1]") or diag($err);
	}
}

# ---- windows that move, against the same aggregate without moving functions ----

$node->safe_psql($db, q{
	CREATE AGGREGATE plain_union_agg(hllset) (SFUNC = hll_union_trans, STYPE = internal, FINALFUNC = hll_union_final);
	CREATE TABLE minutes AS SELECT i, hll_add_agg(hashint4(i * 50 + x) % 100000) AS s FROM generate_series(1, 700) i, generate_series(1, 50) x GROUP BY i;
	CREATE TABLE fine AS SELECT i, hll_add_agg(i, 18) AS s FROM generate_series(1, 6010) i GROUP BY i;
	CREATE TABLE large AS SELECT i, hll_add_agg(i * 100000 + x, 18) AS s FROM generate_series(1, 40) i, generate_series(1, 30000) x GROUP BY i;
	ANALYZE});
# work_mem in kB, table, frame
my @windows = map { my $work_mem = $_; map { [ $work_mem, @$_ ] } [ 'minutes', 'ROWS 399 PRECEDING' ], [ 'fine', 'ROWS 5999 PRECEDING' ], [ 'large', 'ROWS 30 PRECEDING' ] } 64, 4096, 65536;
SKIP:
{
	skip 'there is no /proc', 3 * @windows unless -r '/proc/self/status';
	for my $window (@windows)
	{
		my ($work_mem, $table, $frame) = @$window;
		my $name = "$frame of $table with $work_mem kB";
		my (%sum, %peak, %seconds);
		for my $aggregate (('plain_union_agg', 'hll_union_agg') x 2)
		{
			my $query = "SELECT sum(hll_cardinality(u)) FROM (SELECT $aggregate(s) OVER (ORDER BY i $frame) AS u FROM $table) y";
			# Of the processor, where the kernel counts it: others that run at the same time are not to be measured.
			my $clock = -r '/proc/self/schedstat' ? q{SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1e9} : 'SELECT extract(epoch FROM clock_timestamp())';
			my ($sum, $peak, $start, undef, $end) = split(/\n/, $node->safe_psql($db, "SET work_mem = $work_mem; SET jit = off; $query; $peak; $clock; $query; $clock"));
			$sum{$aggregate} = $sum;
			$peak{$aggregate} = $peak if !$peak{$aggregate} || $peak < $peak{$aggregate};
			$seconds{$aggregate} = $end - $start if !$seconds{$aggregate} || $end - $start < $seconds{$aggregate};
		}
		my $allowed = 1.5 * $work_mem > 4096 ? 1.5 * $work_mem : 4096;
		is($sum{hll_union_agg}, $sum{plain_union_agg}, "$name: the same counts");
		cmp_ok($peak{hll_union_agg} - $peak{plain_union_agg}, '<', $allowed, "$name: kB beyond the plain aggregate's peak");
		# The bar of bench/window.py is 1.2; here it is as wide as a busy machine demands, and what a window is for shows anyway.
		cmp_ok($seconds{hll_union_agg}, '<', 3 * $seconds{plain_union_agg} + 0.1, sprintf('%s: %.2f s, the plain aggregate %.2f s', $name, @seconds{ 'hll_union_agg', 'plain_union_agg' }));
	}
}
# A single row of these takes many seconds.
for my $aggregate ('plain_union_agg', 'hll_union_agg')
{
	my $start = time;
	fails_with($node, $db, "SET work_mem = '64MB'; SET statement_timeout = '500ms'; SELECT count($aggregate) FROM (SELECT $aggregate(s) OVER (ORDER BY x ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM large, generate_series(1, 5000) x) y",
		'57014', qr/statement timeout/, "$aggregate can be cancelled while it unites a frame");
	my $seconds = time - $start;
	cmp_ok($seconds, '<', 6, sprintf('at once: after %.1f s', $seconds));
}

done_testing();
