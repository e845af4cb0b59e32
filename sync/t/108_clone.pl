# SPDX-License-Identifier: PostgreSQL
# Two servers with the data of one node, as after a copy of the data directory. If they are reached in turn under one address, the peer that reads from
# them stops, keeps what both have said, and goes on when one of them is gone. If both push to one peer, one of them stops.

use strict;
use warnings FATAL => 'all';

use File::Basename;
use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Workers qw(poll_ok);

my $workers = "shared_preload_libraries = 'hllset_sync'\nhllset_sync.databases = 'postgres'\nhllset_sync.worker_role = 'hllset_worker'\n"
	. "hllset_sync.every = '200ms'\nhllset_sync.retry_max = '1s'\nmax_worker_processes = 12\nlog_statement = none\n";
my $eu = new_node('eu', conf => $workers);
my $us = new_node('us');
$eu->safe_psql('postgres', 'CREATE ROLE hllset_worker LOGIN');
add_set($_, 'daily') for $eu, $us;
add_rows($us, 'daily', 1, 20);
my ($host, $port, $user) = ($us->host, $us->port, scalar getpwuid($<));
$eu->safe_psql('postgres', qq{
	CREATE SERVER us FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR hllset_worker SERVER us OPTIONS (user '$user', password_required 'false');
	SELECT hllset_sync.add_peer('us')});
speak($eu, $us);

my $has_rows = sub {
	my ($from, $to, $name) = @_;
	return poll_ok($eu, 'postgres', "SELECT count(*) = $to - $from + 1 FROM daily_by_node WHERE node = 'us' AND day BETWEEN $from AND $to", $name);
};
$has_rows->(1, 20, 'eu has the rows of us');

# The other server takes the place of the one that runs, and writes before eu, which has missed it, sees it again.
my $data = $us->data_dir;
my $swap = sub {
	my ($day) = @_;
	$us->stop;
	poll_ok($eu, 'postgres', 'SELECT failures > 0 FROM hllset_sync.status', 'the address is missed');
	my $release = hold($eu, 'postgres', 'peers'); # no round begins
	system_or_bail('mv', $data, "$data.now");
	system_or_bail('mv', "$data.other", $data);
	system_or_bail('mv', "$data.now", "$data.other");
	$us->start;
	add_rows($us, 'daily', $day + 1, $day + 5);
	$release->();
};
$us->stop;
system_or_bail('cp', '-a', $data, "$data.other");
$us->start;

add_rows($us, 'daily', 101, 105);
$has_rows->(101, 105, 'the first one writes');
for my $rewind (1 .. 3)
{
	my $day = 100 * $rewind + 100;
	$swap->($day);
	$has_rows->($day + 1, $day + 5, "rewind $rewind: what the one says that is here now");
	poll_ok($eu, 'postgres', "SELECT rewinds = $rewind AND orphans >= 5 FROM hllset_sync.set_status WHERE set_name = 'daily' AND direction = 'pull'",
		"rewind $rewind: is noticed, and the rows of the other one are kept");
	poll_ok($eu, 'postgres', "SELECT state = 'ok' FROM hllset_sync.status", "rewind $rewind: sync goes on") if $rewind < 3;
}

poll_ok($eu, 'postgres', "SELECT state = 'paused' AND pid IS NULL AND last_error = 'two servers claim to be node us' FROM hllset_sync.status", 'three within an hour: the peer is paused');
ok(slurp_file($eu->logfile) =~ /WARNING:  hllset_sync: peer "us": paused: two servers claim to be node us\n/, 'which is logged, though failed attempts went before');
add_rows($us, 'daily', 901, 905);
is($eu->safe_psql('postgres', 'SELECT count(*) FROM daily_by_node WHERE day > 900'), '0', 'nothing moves any more');
for my $day (100, 200, 300, 400)
{
	$has_rows->($day + 1, $day + 5, "the rows that were written as $day + i are here");
}

$eu->safe_psql('postgres', "SELECT hllset_sync.resume_peer('us')");
$has_rows->(901, 905, 'resumed, it goes on with the one that is left');
poll_ok($eu, 'postgres', "SELECT state = 'ok' FROM hllset_sync.status", 'and is well');
$_->stop for $eu, $us;

# ---- both push ----

my $hub = new_node('hub');
my $app = new_node('app', conf => $workers);
add_set($_, 'daily') for $hub, $app;
add_rows($app, 'daily', 1, 20);
speak($app, $hub);
($host, $port) = ($hub->host, $hub->port);
$app->safe_psql('postgres', qq{
	CREATE ROLE hllset_worker LOGIN;
	CREATE SERVER hub FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR hllset_worker SERVER hub OPTIONS (user '$user', password_required 'false');
	SELECT hllset_sync.add_peer('hub', 'push')});
poll_ok($hub, 'postgres', q{SELECT count(*) = 20 FROM daily_by_node WHERE node = 'app'}, 'the hub has the rows of app');
$app->stop;
my $twin = PostgreSQL::Test::Cluster->new('twin');
system_or_bail('mkdir', '-p', dirname($twin->data_dir));
system_or_bail('cp', '-a', $app->data_dir, $twin->data_dir);
$twin->append_conf('postgresql.conf', 'port = ' . $twin->port . "\n");
$_->start for $app, $twin;
add_rows($app, 'daily', 101, 105);
add_rows($twin, 'daily', 201, 205);
my $paused = "SELECT count(*) FROM hllset_sync.status WHERE state = 'paused' AND last_error = 'two servers claim to be node app'";
my $both = sub { return join '', map { $_->safe_psql('postgres', $paused) } $app, $twin };
for (1 .. 600)
{
	last if $both->() ne '00';
	sleep 0.3;
}
# Both, if they look at the same moment, as each does once a minute.
my $paused_at = $both->();
like($paused_at, qr/1/, 'one of both stops');
my ($stopped, $left) = $paused_at =~ /^1/ ? ($app, $twin) : ($twin, $app);
is($stopped->safe_psql('postgres', 'SELECT reason FROM hllset_sync.attention'), 'clone', 'and says why');
$stopped->stop;
$left->safe_psql('postgres', "SELECT hllset_sync.resume_peer('hub')") if $left->safe_psql('postgres', $paused) eq '1';
poll_ok($left, 'postgres', "SELECT hllset_sync.wait_for_peers('daily', '10 s')", 'the other goes on', 60);
my $days = $left->safe_psql('postgres', 'SELECT array_agg(day) FROM daily');
is_same($hub->safe_psql('postgres', "SELECT day, md5(hllset_send(visitors)) FROM daily_by_node WHERE node = 'app' AND day = ANY ('$days') ORDER BY day"), rows_of($left, 'daily'), 'and its rows are at the hub');
$_->stop for $left, $hub;
done_testing();
