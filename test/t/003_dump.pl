# SPDX-License-Identifier: PostgreSQL
# pg_dump and restore, as plain SQL, in custom and in directory form: everything comes back, and a second dump says the same.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump', bare => 1);
my $folder = $PostgreSQL::Test::Utils::tmp_check;

$node->safe_psql('postgres', 'CREATE DATABASE origin');
$node->safe_psql('origin', q{
	CREATE SCHEMA sketch;
	CREATE EXTENSION hllset SCHEMA sketch;
	CREATE SCHEMA app;
	SET search_path = app, sketch;
	CREATE DOMAIN visitors AS hllset(12) DEFAULT hllset_empty() CHECK (hll_cardinality(VALUE) < 1e9) CHECK (VALUE OPERATOR(sketch.<>) hllset_of('forbidden'::text));
	CREATE TABLE daily (
		day date PRIMARY KEY, free hllset, p12 hllset(12) DEFAULT hllset_empty(), c12 hllset(12, compact), d visitors, h hllhash DEFAULT hll_hash('x'::text), l hllset(10)[],
		n double precision GENERATED ALWAYS AS (hll_cardinality(free)) STORED, rough hllset(8, compact) GENERATED ALWAYS AS (free) STORED,
		CHECK (hll_precision(p12) = 12), CHECK (# p12 >= 0));
	INSERT INTO daily (day, free, p12, c12, d, l)
	SELECT '2024-01-01'::date + d, s, s, s, s, ARRAY[s, NULL] FROM (SELECT d, hll_add_agg(x, 14) AS s FROM generate_series(1, 20) d, generate_series(1, d * d * 60) x GROUP BY d) y;
	INSERT INTO daily (day) VALUES ('2023-01-01');
	CREATE INDEX daily_btree ON daily (rough) WHERE n < 100;
	CREATE INDEX daily_hash ON daily USING hash (free);
	CREATE UNIQUE INDEX daily_digest ON daily (hll_digest(free));
	CREATE INDEX daily_expression ON daily ((# (p12 | c12)));
	CREATE TABLE parted (k hllset) PARTITION BY HASH (k);
	CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO parted SELECT hllset_of(x) FROM generate_series(1, 40) x;
	CREATE TABLE listed (k hllset) PARTITION BY LIST (k);
	CREATE TABLE listed_0 PARTITION OF listed FOR VALUES IN ('\x01010c01000000');
	INSERT INTO listed VALUES (hllset_empty());
	CREATE MATERIALIZED VIEW total AS SELECT hll_union_agg(free) AS s, hll_union_agg(c12)::hllset(10, compact) AS c FROM daily;
	CREATE VIEW month AS SELECT date_trunc('month', day) AS month, hll_union_agg(free) AS s, # hll_union_agg(free | p12) AS n, bool_or(free = p12) AS equal,
		approx_count_distinct(h) AS hashes, hll_add_agg(day, 10) FILTER (WHERE free > p12 OR c12 IS NULL) AS days FROM daily GROUP BY 1;
	CREATE FUNCTION grow(s hllset, VARIADIC x text[]) RETURNS hllset LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT s | hllset_of(VARIADIC x); END;
	CREATE AGGREGATE every_visitor (hllset) (SFUNC = hll_union, STYPE = hllset, INITCOND = '\x01010c01000000');
	CREATE STATISTICS pair ON free, p12 FROM daily;
	ANALYZE});

my $state = q{
	SELECT day, md5(d::text), # free, n = # free, # p12, # c12 FROM app.daily d ORDER BY day;
	SELECT tableoid::regclass, count(*), md5(string_agg(k::text, ' ' ORDER BY k)) FROM app.parted GROUP BY tableoid ORDER BY tableoid::regclass::text; SELECT * FROM app.listed;
	SELECT md5(t::text) FROM app.total t; SELECT md5(m::text), n, hashes, # days FROM app.month m ORDER BY month;
	SELECT app.grow('\x01010c01000000', 'a', 'b'), app.every_visitor(k) FROM app.parted;
	SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON attrelid = c.oid JOIN pg_type t ON atttypid = t.oid
		WHERE attnum > 0 AND relnamespace = 'app'::regnamespace ORDER BY attrelid::regclass::text, attnum;
	SELECT indexrelid::regclass, pg_get_indexdef(indexrelid), indisvalid FROM pg_index JOIN pg_class c ON indexrelid = c.oid WHERE relnamespace = 'app'::regnamespace ORDER BY 2;
	SELECT extname, extversion, extnamespace::regnamespace FROM pg_extension ORDER BY 1;
	SELECT pg_get_viewdef('app.month'::regclass)};
my $inspect = sub { return $node->safe_psql($_[0], 'SET search_path = sketch;' . $state) };
my $expected = $inspect->('origin');
is(() = $expected =~ /hllset\(12,compact\)/g, 1, 'modifiers are shown as they were written');
like($expected, qr/hllset\(8,compact\)/, 'and those of generated columns');

my $dump_plain = sub {
	my ($database, $file) = @_;
	$node->command_ok([ 'pg_dump', '--file', $file, '--dbname', $node->connstr($database) ], "pg_dump of $database");
	return slurp_file($file) =~ s/^\\(?:un)?restrict .*$//gmr;
};
my $first = $dump_plain->('origin', "$folder/origin.sql");
like($first, qr/CREATE EXTENSION IF NOT EXISTS hllset WITH SCHEMA sketch/, 'the extension is dumped by name');
unlike($first, qr/CREATE (?:TYPE|FUNCTION sketch|AGGREGATE sketch)/, 'and none of its objects');
like($first, qr/sketch\.hllset\(12,compact\)/, 'a type with its modifiers');

my %restore = (
	plain => sub { return [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--file', "$folder/origin.sql", '--dbname', $node->connstr($_[0]) ] },
	inserts => sub {
		$node->command_ok([ 'pg_dump', '--inserts', '--file', "$folder/inserts.sql", '--dbname', $node->connstr('origin') ], 'pg_dump --inserts');
		return [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--file', "$folder/inserts.sql", '--dbname', $node->connstr($_[0]) ];
	},
	custom => sub {
		$node->command_ok([ 'pg_dump', '-Fc', '--file', "$folder/origin.custom", '--dbname', $node->connstr('origin') ], 'pg_dump -Fc');
		return [ 'pg_restore', '--exit-on-error', '--dbname', $node->connstr($_[0]), "$folder/origin.custom" ];
	},
	directory => sub {
		$node->command_ok([ 'pg_dump', '-Fd', '-j2', '--file', "$folder/origin.dir", '--dbname', $node->connstr('origin') ], 'pg_dump -Fd');
		return [ 'pg_restore', '--exit-on-error', '-j2', '--dbname', $node->connstr($_[0]), "$folder/origin.dir" ];
	});
for my $form (sort keys %restore)
{
	$node->safe_psql('postgres', "CREATE DATABASE $form TEMPLATE template0");
	$node->command_ok($restore{$form}->($form), "$form: restored");
	is($inspect->($form), $expected, "$form: everything came back");
	is($dump_plain->($form, "$folder/$form-again.sql"), $first, "$form: a second dump says the same");
	is($node->safe_psql($form, q{SET enable_seqscan = off; SELECT count(*) FROM app.daily WHERE sketch.hll_digest(free) = (SELECT sketch.hll_digest(free) FROM app.daily WHERE day = '2024-01-20')}),
		'1', "$form: an index finds its row");
}

# A single table goes into a database that has the extension elsewhere, by its data.
$node->safe_psql('postgres', 'CREATE DATABASE other TEMPLATE template0');
$node->safe_psql('other', 'CREATE EXTENSION hllset; CREATE SCHEMA app; CREATE TABLE app.parted (k hllset)');
$node->command_ok([ 'pg_dump', '-Fc', '--data-only', '--load-via-partition-root', '--table', 'app.parted*', '--file', "$folder/data.custom", '--dbname', $node->connstr('origin') ], 'pg_dump --data-only');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--dbname', $node->connstr('other'), "$folder/data.custom" ], 'restored beside another schema');
is($node->safe_psql('other', 'SELECT count(*), # hll_union_agg(k) FROM app.parted'), '40|40', 'the rows came back');

# What can't be read is refused on the way in, and names the place.
my $broken = slurp_file("$folder/origin.sql") =~ s/^(\\\\x01010c010001)\w+$/${1}/mr;
isnt($broken, slurp_file("$folder/origin.sql"), 'a value in the dump is broken');
append_to_file("$folder/broken.sql", $broken);
$node->safe_psql('postgres', 'CREATE DATABASE broken TEMPLATE template0');
$node->command_fails_like([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--file', "$folder/broken.sql", '--dbname', $node->connstr('broken') ],
	qr/invalid input syntax for type hllset: \"\\x01010c010001\".*ends early.*COPY parted_0, line 1, column k/s, 'a broken dump is refused');

# Upgrades of the server keep the type's files apart from its catalog: a dropped extension leaves nothing behind.
fails_with($node, 'custom', 'DROP EXTENSION hllset', '2BP01', qr/cannot drop extension hllset because other objects depend on it/, 'DROP EXTENSION while in use');
$node->safe_psql('custom', 'SET client_min_messages = warning; DROP EXTENSION hllset CASCADE');
is($node->safe_psql('custom', q{SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'app.daily'::regclass AND attnum > 0 AND NOT attisdropped}), 'day', 'DROP EXTENSION CASCADE takes the columns');
is($node->safe_psql('custom', q{SELECT count(*) FROM pg_proc WHERE probin LIKE '%hllset%' OR pronamespace = 'sketch'::regnamespace}), '0', 'and leaves no function');
is($node->safe_psql('custom', q{SELECT (SELECT count(*) FROM app.daily), (SELECT count(*) FROM pg_type WHERE typnamespace = 'sketch'::regnamespace)}), '21|0', 'nor type, and all rows');
$node->safe_psql('custom', 'CREATE EXTENSION hllset SCHEMA sketch');
is($node->safe_psql('custom', 'SELECT sketch.approx_count_distinct(day) FROM app.daily'), '21', 'and it can be made again');

done_testing();
