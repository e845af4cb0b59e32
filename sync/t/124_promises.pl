# SPDX-License-Identifier: PostgreSQL
# Waits say true of no set that was paused, withdrawn or left out, and of no copies that are gone; a pause holds, and a comparison is that of who asks.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest qw(proxy_to proxy);
use Test::More;
use Time::HiRes qw(sleep time);
use Workers;

my $node = worker_node('promises', "hllset_sync.databases = 'app, far'\nhllset_sync.chunk_rows = 100\nhllset_sync.retry_max = '1s'\n");
my $proxy = proxy_to($node);
my $at_app = sub { $node->safe_psql('app', $_[0]) };
my $at_far = sub { $node->safe_psql('far', $_[0]) };
my $fails = sub {
	my ($statement, $error, $name) = @_;
	return like(($node->psql('app', $statement))[2], $error, $name);
};
my $app_id = id_of($node, 'app');
my $sync = sub { return $at_app->("SELECT hllset_sync.sync_now('$_[0]', '30s')") };
my $all_wait = sub { return poll_ok($node, 'app', "SELECT hllset_sync.wait_caught_up(timeout => '10s') AND hllset_sync.wait_for_peers(timeout => '10s')", $_[0], 90) };
my $state = sub {
	return poll_ok($node, 'app', "SELECT bool_and(state = '$_[0]') FROM hllset_sync.relations WHERE server = 'far' AND set_name = 'visits' AND direction = 'pull'", "the set is $_[0]", 90);
};

$node->safe_psql('postgres', 'CREATE DATABASE third');
$node->safe_psql('third', q{CREATE EXTENSION hllset_sync CASCADE; SELECT hllset_sync.rename_node('third');
	CREATE TABLE visits (day int PRIMARY KEY, users hllset(12) NOT NULL); CALL hllset_sync.register('visits')});
$node->safe_psql('third', "SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '$app_id')");
$node->safe_psql($_, "CREATE TABLE other (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('other')") for qw(app far third);
$node->safe_psql($_, "SELECT hllset_sync.grant_peer('other', 'app_sync', node => '$app_id')") for qw(far third);
add_server($node, 'far', "host '127.0.0.1', port '$proxy->{port}', dbname 'far'");
add_server($node, 'third', sprintf("host '%s', port '%s', dbname 'third'", $node->host, $node->port));
$node->safe_psql($_, "INSERT INTO visits SELECT -i, hllset_of(i) FROM generate_series(1, 9) i") for qw(app far third);
$all_wait->('three nodes are in step');

# ---- a set that is resumed while its peer can't be reached ----

$at_app->("SELECT hllset_sync.pause_set('third', 'visits', 'why')");
$at_app->("INSERT INTO visits VALUES (500, hllset_of(5))");
is($at_app->("SELECT hllset_sync.wait_for_peers('visits', '2s')"), 'f', 'a wait for a paused set');
$node->safe_psql('postgres', "ALTER DATABASE third ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'third'");
poll_ok($node, 'app', "SELECT failures > 0 FROM hllset_sync.status WHERE peer = 'third'", 'the third node is not to be reached', 60);
$at_app->("SELECT hllset_sync.resume_set('third', 'visits')");
is($at_app->("SELECT hllset_sync.wait_for_peers('visits', '3s')"), 'f', 'resumed, and not there yet');
$node->safe_psql('postgres', 'ALTER DATABASE third ALLOW_CONNECTIONS true');
$all_wait->('it is there again');
is($node->safe_psql('third', 'SELECT count(*) FROM visits_by_node WHERE day = 500'), '1', 'with the row');

# ---- a set that was withdrawn while it was paused ----

$at_app->("SELECT hllset_sync.pause_set('far', 'visits', 'why')");
$at_far->("SELECT hllset_sync.revoke_peer('visits', 'app_sync'); INSERT INTO visits VALUES (600, hllset_of(6))");
$sync->('far');
$at_app->("SELECT hllset_sync.resume_set('far', 'visits')");
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '3s')"), 'f', 'resumed, and granted no more');
$state->('withdrawn');
is($at_app->("SELECT count(*) > 0 FROM hllset_sync.attention WHERE set_name = 'visits'"), 't', 'attention names it');
$at_far->("SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '$app_id')");
$state->('ok');
$all_wait->('granted again');
is($at_app->('SELECT count(*) FROM visits_by_node WHERE day = 600'), '1', 'the row has come');

# ---- nodes that a wait names ----

$at_app->("SELECT hllset_sync.alter_peer('third', sets => '{other}')");
$fails->("SELECT hllset_sync.wait_caught_up(set_name => 'visits', timeout => '1s', nodes => '{far,third}')", qr/"third" is no peer for this/, 'of one the set is not synced');
$fails->("SELECT hllset_sync.wait_caught_up('far', set_name => 'visits', timeout => '1s', nodes => '{far,third}')", qr/either a server or nodes/, 'a server and nodes');
$at_app->("SELECT hllset_sync.alter_peer('third', direction => 'push', sets => NULL)");
for my $more ("set_name => 'visits', nodes => '{far,third}'", "set_name => 'visits', nodes => '{third}'", "nodes => '{third}'")
{
	$fails->("SELECT hllset_sync.wait_caught_up(timeout => '1s', $more)", qr/"third" is no peer for this/, "one is only pushed to: $more");
}
$at_app->("SELECT hllset_sync.alter_peer('third', direction => 'both')");
$all_wait->('all in both directions');
is($at_app->("SELECT hllset_sync.wait_caught_up(set_name => 'visits', timeout => '60s', nodes => '{far,third}')"), 't', 'both have it');

# ---- copies that the reader dropped while it does not read ----

my $owner_waits = sub { return $at_far->("SELECT hllset_sync.wait_for_peers('visits', '$_[0]', '{app}')") };
my $loses = sub {
	my ($how) = @_;
	$at_app->("CALL hllset_sync.drop_origin('far')");
	$sync->('far');
	is($at_app->("SELECT count(*) FROM visits_by_node WHERE node = 'far'"), '0', "$how: no copies");
	return is($owner_waits->('3s'), 'f', "$how: the owner is told");
};
my $heals = sub {
	$state->('ok');
	return is($owner_waits->('90s'), 't', "$_[0]: copied again");
};
$at_app->("SELECT hllset_sync.pause_set('far', 'visits', 'why')");
$loses->('paused by the reader');
$at_app->("SELECT hllset_sync.resume_set('far', 'visits')");
$heals->('paused by the reader');
$at_far->("SELECT hllset_sync.pause_grant('visits', 'app_sync', 'why')");
$state->('refused');
$loses->('paused by the owner');
$at_far->("SELECT hllset_sync.resume_grant('visits', 'app_sync')");
$heals->('paused by the owner');
$at_far->("SELECT hllset_sync.revoke_peer('visits', 'app_sync')");
$state->('withdrawn');
$loses->('revoked');
$at_far->("SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '$app_id')");
$heals->('revoked');

# ---- a direction that is added to a set that is paused ----

$at_app->("SELECT hllset_sync.alter_peer('far', direction => 'pull')");
$sync->('far');
$at_app->("SELECT hllset_sync.pause_set('far', 'visits', 'stay away')");
$at_app->("SELECT hllset_sync.alter_peer('far', direction => 'both')");
$at_app->("INSERT INTO visits VALUES (800, hllset_of(5))");
$sync->('far') for 1 .. 2;
is($at_far->('SELECT count(*) FROM visits_by_node WHERE day = 800'), '0', 'nothing is pushed');
$at_app->("SELECT hllset_sync.resume_set('far', 'visits')");
poll_ok($node, 'far', 'SELECT count(*) = 1 FROM visits_by_node WHERE day = 800', 'until it is resumed', 60);

# ---- a comparison that is asked for while one is under way ----

$node->safe_psql($_, "CREATE TABLE large (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('large')") for qw(app far);
$at_far->("SELECT hllset_sync.grant_peer('large', 'app_sync', node => '$app_id'); INSERT INTO large SELECT i, hllset_of(i) FROM generate_series(1, 20000) i");
poll_ok($node, 'app', "SELECT hllset_sync.wait_caught_up('far', '10s', 'large') AND count(*) = 20000 FROM large_by_node WHERE node = 'far'", 'a large set is there', 180);
my $copies = 'hllset_sync.copy_' . $at_app->("SELECT set_id FROM hllset_sync.sets WHERE set_name = 'large'");
# The way to the peer takes so long that the comparison does not end at once, however fast the machine is.
proxy($proxy, 'latency 5');
$at_app->("UPDATE $copies SET digest = gen_random_uuid() WHERE k1 > 10000; SELECT hllset_sync.resync_set('far', 'large')");
my $until = time + 120;
sleep 0.05 while time < $until && $at_app->("SELECT NOT EXISTS (SELECT FROM hllset_sync.relations WHERE server = 'far' AND set_name = 'large' AND direction = 'pull' AND rows_to_do > 0 AND rows_done > 2000)") eq 't';
$at_app->("DELETE FROM $copies WHERE k1 = 1; SELECT hllset_sync.resync_set('far', 'large')");
proxy($proxy, 'heal');
poll_ok($node, 'app', "SELECT sum(resyncs) = 0 FROM hllset_sync.relations WHERE set_name = 'large'", 'both comparisons are done', 180);
is($at_app->("SELECT count(*) FROM $copies"), '20000', 'the second found what was lost behind the first');

$node->stop('fast');
done_testing();
