# SPDX-License-Identifier: PostgreSQL
# pg_upgrade: sets, copies, peers, cursors and what was not numbered yet are there again. The server is another one, so sync waits for keep_identity().

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Workers;

my $far = worker_node('far', "hllset_sync.databases = ''\n");
my $old = worker_node('old');
my $new = new_server('new');
add_server($old, 'far', sprintf("host '%s', port '%d', dbname 'far'", $far->host, $far->port));
$old->safe_psql('app', "SELECT hllset_sync.grant_peer('visits', 'app_sync')");
$far->safe_psql('far', "SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '" . id_of($old, 'app') . "')");
# Database app of far is a third node, that reads from the one to be upgraded.
$far->safe_psql('app', sprintf(q{
	SELECT hllset_sync.rename_node('third');
	CREATE SERVER app FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '%s', port '%d', dbname 'app', sslmode 'disable');
	CREATE USER MAPPING FOR CURRENT_USER SERVER app OPTIONS (user 'app_sync', password_required 'false');
	SELECT hllset_sync.add_peer('app', 'pull')}, $old->host, $old->port));

my $write = sub {
	my ($node, $database, $from, $to) = @_;
	$node->safe_psql($database, "INSERT INTO visits SELECT d, hllset_of('$database' || d) FROM generate_series($from, $to) d");
};
my $read_by_third = "CALL hllset_sync.run_round('app')";
$write->($old, 'app', 1, 100);
$write->($far, 'far', 51, 150);
is($old->safe_psql('app', 'SELECT hllset_sync.wait_caught_up() AND hllset_sync.wait_for_peers()'), 't', 'before: in step');
$far->safe_psql('app', $read_by_third);

# Changes that nothing has numbered when the server stops.
reload($old, 'hllset_sync.enabled' => 'off');
poll_ok($old, 'app', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type IN ('hllset_sync scheduler', 'hllset_sync worker')", 'the workers stop');
$write->($old, 'app', 101, 110);
$old->safe_psql('app', 'DELETE FROM visits WHERE day <= 10');
$write->($far, 'far', 151, 160);

my %before = map { $_ => $old->safe_psql('app', $_) } 'SELECT node_id, node_name FROM hllset_sync.node()', 'SELECT * FROM visits ORDER BY day',
	'SELECT * FROM visits_by_node ORDER BY node, day', 'SELECT server, direction, paused, enabled_by FROM hllset_sync.peers',
	'SELECT set_id, set_name, relid, signature, head, floor, state FROM hllset_sync.sets ORDER BY set_id', 'SELECT * FROM hllset_sync.cursors ORDER BY set_id, origin_id',
	'SELECT * FROM hllset_sync.history ORDER BY set_id, seq_to', 'SELECT set_id, role, pull, push, node FROM hllset_sync.acl', 'SELECT * FROM hllset_sync.backlog ORDER BY set_name',
	'SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = $$hllset_sync$$::regnamespace ORDER BY 1';

my @options = $old->safe_psql('postgres', 'SHOW server_version_num') >= 150000 ? '--no-sync' : ();
$old->stop;
chomp(my $bindir = `pg_config --bindir`);
chdir $PostgreSQL::Test::Utils::tmp_check or die;
my @upgrade = ('pg_upgrade', @options, '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir, '-s', $new->host, '-p', $old->port, '-P', $new->port);
command_ok([ @upgrade, '--check' ], 'pg_upgrade --check');
command_ok(\@upgrade, 'pg_upgrade');
$new->start;

is($new->safe_psql('app', $_), $before{$_}, "the same: $_") for sort keys %before;
like($new->safe_psql('app', 'SELECT identity FROM hllset_sync.node()'), qr/keep_identity/, 'the database knows that it was moved');
poll_ok($new, 'app', "SELECT state = 'identity' AND last_error LIKE '%keep_identity()%' FROM hllset_sync.status", 'the peer waits, and the status says what for', 30);
is($new->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'hllset_sync worker'"), '0', 'nothing runs');
$far->safe_psql('app', sprintf("ALTER SERVER app OPTIONS (SET host '%s', SET port '%d')", $new->host, $new->port));
like(($far->psql('app', $read_by_third))[2], qr/ERROR:  peer "app": .*keep_identity/, 'nobody reads from it');

my $moved = sub { status_of($new, 'far', 'rows_in + rows_out') };
my $moved_before = $moved->();
$new->safe_psql('app', 'SELECT hllset_sync.keep_identity()');
poll_ok($new, 'app', "SELECT state = 'ok' FROM hllset_sync.status", 'after keep_identity() the peer is synced', 30);
is($new->safe_psql('app', 'SELECT hllset_sync.wait_caught_up() AND hllset_sync.wait_for_peers()'), 't', 'and in step');
$far->safe_psql('app', $read_by_third);
my $rows = 'SELECT day, users FROM';
my $app = $new->safe_psql('app', "$rows visits ORDER BY day");
is($far->safe_psql('far', "$rows visits_by_node WHERE node = 'app' ORDER BY day"), $app, 'its rows are at the peer');
is($far->safe_psql('app', "$rows visits_by_node WHERE node = 'app' ORDER BY day"), $app, 'and at the one that reads them');
is($new->safe_psql('app', "$rows visits_by_node WHERE node = 'far' ORDER BY day"), $far->safe_psql('far', "$rows visits ORDER BY day"), 'those of the peer are here');
is($_->[0]->safe_psql($_->[1], 'SELECT coalesce(sum(rewinds), 0) FROM hllset_sync.set_status'), '0', "$_->[1]: nothing was rewound") for [ $new, 'app' ], [ $far, 'far' ], [ $far, 'app' ];
poll_ok($new, 'app', "SELECT rows_in + rows_out >= $moved_before + 30 FROM hllset_sync.status", 'rows that were written meanwhile have moved', 30);
is($moved->(), $moved_before + 30, 'and no others');

$new->safe_psql('app', 'DROP EXTENSION hllset_sync CASCADE');
is($new->safe_psql('app', "SELECT count(*) FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'hllset_sync')"), '0', 'DROP EXTENSION takes all along');
is($new->safe_psql('app', 'SELECT count(*) FROM visits'), '100', 'but tables of users');
$_->stop for $new, $far;
done_testing();
