# SPDX-License-Identifier: PostgreSQL
# Each byte of a row that arrives is changed in eight ways, each length cut: what comes of it is another value, or one of these errors, and nothing else.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use Test::More;

my $node = new_node('mutants', conf => "log_statement = none\nlog_min_error_statement = panic\n");
my ($origin, $nonce) = ('11111111-1111-1111-1111-111111111111', '00000000-0000-0000-0000-000000000001');
$node->safe_psql('postgres', qq{
	CREATE TABLE t (a boolean, b smallint, c bigint, d uuid, e date, f timestamptz, g text, h bytea, s1 hllset(6), s2 hllset(6), PRIMARY KEY (a, b, c, d, e, f, g, h))});
$node->safe_psql('postgres', qq{CALL hllset_sync.register('t', global_view => '', by_node_view => '')});
$node->safe_psql('postgres', qq{
	SELECT hllset_sync.grant_peer('t', current_user::regrole, node => '$origin');
	INSERT INTO t VALUES
		(true, -32768, 9223372036854775807, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'infinity', '-infinity', 'Gr\x{c3}\x{b6}\x{c3}\x{9f}e', '\\x00ff', hllset_of(1), NULL),
		(false, 0, 0, '00000000-0000-0000-0000-000000000000', '2000-01-01', '2000-01-01 00:00+00', '', '', NULL, NULL),
		(false, 32767, -9223372036854775808, '12345678-9abc-def0-1234-56789abcdef0', '4713-01-01 BC', '294276-12-31 23:59:59.999999+00', repeat('x', 300), repeat('y', 300)::bytea, hllset_of(2), hllset_of(3));
	CREATE FUNCTION mutants(b bytea) RETURNS SETOF bytea LANGUAGE sql AS \$\$
		SELECT set_byte(b, i, (get_byte(b, i) + step) % 256) FROM generate_series(0, length(b) - 1) i, unnest(ARRAY[1, 2, 4, 127, 128, 129, 254, 255]) step
		UNION ALL SELECT substr(b, 1, i) FROM generate_series(0, length(b) - 1) i
		UNION ALL SELECT b || '\\x00'
	\$\$});
$node->safe_psql('postgres', q{CALL hllset_sync.p_advance('{t}')});
$node->safe_psql('postgres', q{CREATE TABLE sent AS SELECT * FROM hllset_sync.p_changes('t', 0, NULL, 100, 100, 100000) WHERE key IS NOT NULL});
is($node->safe_psql('postgres', 'SELECT count(*) FROM sent'), '3', 'the rows are sent');

# The outcomes of delivering the rows that QUERY gives as key and sketches.
sub outcomes
{
	my ($query) = @_;
	my $call = "CALL hllset_sync.p_receive(%L, %L, %L, %L, 0, NULL, 0, %L, %L, %L, NULL, NULL, true)";
	my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT format('$call', 't', '$origin', 'far', 'repair', '{1}', ARRAY[key], ARRAY[sketches]) FROM ($query) q \\gexec\n", on_error_stop => 0);
	my %seen;
	$seen{$_}++ for map { s/: 0x.*//r } $err =~ /ERROR:  (.*)/g;
	my $stored = () = $out =~ /^0\|\|f$/mg;
	my $count = $node->safe_psql('postgres', "SELECT count(*) FROM ($query) q");
	my $failed = 0;
	$failed += $_ for values %seen;
	is($stored + $failed, $count, "$count rows were stored or refused");
	cmp_ok($stored, '>', 0, 'some are other values');
	return join "\n", sort keys %seen;
}

is(outcomes('SELECT m AS key, sketches FROM sent, mutants(key) m WHERE seq <= 2'), join("\n", sort
	'08P01: insufficient data left in message', '08P01: no data left in message', '22008: date out of range', '22008: timestamp out of range',
	'22021: invalid byte sequence for encoding "UTF8"', map { "22P03: a peer sent an invalid value for column \"$_\"" } 'a' .. 'h'), 'keys');
is(outcomes('SELECT key, m AS sketches FROM sent, mutants(sketches) m'), join("\n", sort
	'22023: cannot raise hllset precision from 4 to 6', '22023: cannot raise hllset precision from 5 to 6', '22P03: invalid binary format for type hllset',
	map { "22P03: a peer sent an invalid value for column \"$_\"" } 's1', 's2'), 'sketches');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'the node lives');

done_testing();
