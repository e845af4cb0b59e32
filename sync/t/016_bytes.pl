# SPDX-License-Identifier: PostgreSQL
# How many bytes cross the wire: idle rounds, changes, verification, both sides.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $workers = "shared_preload_libraries = 'hllset_sync'\nhllset_sync.databases = 'postgres'\nhllset_sync.worker_role = 'hllset_worker'\n"
	. "hllset_sync.every = '300ms'\nmax_worker_processes = 12\nlog_statement = none\n";
my ($eu, $us) = map { new_node($_, conf => $workers) } 'eu', 'us';
my %proxy = (us => proxy_to($us), eu => proxy_to($eu));
my @sets = map { "daily_uniques_$_" } 0 .. 9;
for my $node ($eu, $us)
{
	$node->safe_psql('postgres', 'CREATE ROLE hllset_worker LOGIN');
	add_set($node, $_) for @sets;
	add_rows($node, $_, 1, 20) for @sets;
}
my $user = getpwuid($<);
my $add_worker_peer = sub {
	my ($node, $peer) = @_;
	my $name = $peer->name;
	speak($node, $peer);
	$node->safe_psql('postgres', "CREATE SERVER $name FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '127.0.0.1', port '$proxy{$name}{port}', dbname 'postgres', sslmode 'disable'); "
			. "CREATE USER MAPPING FOR hllset_worker SERVER $name OPTIONS (user '$user', password_required 'false'); SELECT hllset_sync.add_peer('$name', node => '" . id_of($peer) . "')");
};
# All that is to be brought has been, and no round is on its way if they come by request only.
my $settle = sub {
	$eu->safe_psql('postgres', "SELECT hllset_sync.wait_caught_up('us', '5 min') AND hllset_sync.wait_for_peers(timeout => '5 min') AND hllset_sync.sync_now('us', '5 min')") eq 't'
		or die 'not caught up';
};
my $bytes = sub { my ($name) = @_; my @count = split / /, proxy($proxy{$name}, 'count'); return $count[0] + $count[1] };
my $zero = sub { proxy($proxy{$_}, 'zero') for keys %proxy };
my $rounds = sub { $eu->safe_psql('postgres', "SELECT rounds FROM hllset_sync.status WHERE peer = 'us'") };
# A connection that is used less often than once a minute would be closed.
my $by_request = '50s';
my $every = sub {
	my ($time) = @_;
	for my $node ($eu, $us)
	{
		$node->safe_psql('postgres', "ALTER SYSTEM SET hllset_sync.every = '$time'");
		$node->reload;
	}
};
my $least = sub { my @sorted = sort { $a <=> $b } @_; return $sorted[0] };

$add_worker_peer->($eu, $us);
$settle->();
is_synced($eu, $sets[3], $us, 'workers sync');

# ---- idle ----

# Processor time in ms that the worker here and its session there have taken.
my $cpu = sub {
	my @pids = ($eu->safe_psql('postgres', "SELECT pid FROM hllset_sync.status WHERE peer = 'us'"),
		$us->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'hllset_sync/eu'"));
	return map { -r "/proc/$_/schedstat" ? (split / /, slurp_file("/proc/$_/schedstat"))[0] / 1e6 : 0 } @pids;
};
my $before = $rounds->();
my @cpu = $cpu->();
sleep 5;
my @after = $cpu->();
my $passed = $rounds->() - $before;
my @names = ('the worker', 'the peer');
for my $i (0, 1)
{
	my $ms = ($after[$i] - $cpu[$i]) / $passed;
	cmp_ok($ms, '<=', 20, sprintf('an idle round takes %.2f ms of %s, the bar is 5 ms', $ms, $names[$i]));
}

$every->($by_request);
$settle->();
$before = $rounds->();
$zero->();
$eu->safe_psql('postgres', "SELECT hllset_sync.sync_now('us')") eq 't' or die 'a round failed' for 1 .. 20;
my $idle = $bytes->('us') / ($rounds->() - $before);
cmp_ok($idle, '<=', 1500, sprintf('an idle round of 10 sets: %.0f bytes', $idle));

# ---- k rows: the sketches are what they are in SQL; at most the idle rounds that pass are added ----

my $size = sub { $_[0]->safe_psql('postgres', "SELECT coalesce(sum(length(hllset_send(visitors))), 0) FROM $sets[0] WHERE day BETWEEN 100001 AND 200000") };
# Of three times the cheapest: once a minute a round asks more than others.
my $moved = sub {
	my ($node, $count, $name) = @_;
	my @net;
	for (1 .. 3)
	{
		$node->safe_psql('postgres', "DELETE FROM $sets[0] WHERE day > 100000");
		$settle->();
		my $start = $rounds->();
		$zero->();
		$node->safe_psql('postgres', "INSERT INTO $sets[0] SELECT 100000 + d, hll_add_agg(d * 10000 + i, 12) FROM generate_series(1, $count) d, generate_series(1, 300) i GROUP BY d");
		$settle->();
		push @net, $bytes->('us') - ($rounds->() - $start) * $idle;
	}
	my $net = $least->(@net);
	my $sketches = $size->($node);
	my $bar = $count == 1 ? $sketches + 1024 : 1.1 * ($sketches + 100 * $count) + 2000;
	cmp_ok($net, '<=', $bar, sprintf('%s: %d bytes of sketches cross in %s, the bar is %.0f', $name, $sketches, join('/', map { int } @net), $bar));
	return;
};
$moved->($us, 1, 'one row, pulled');
$moved->($eu, 1, 'one row, pushed');
$moved->($us, 1000, '1,000 rows, pulled');
$moved->($eu, 1000, '1,000 rows, pushed');
$moved->($us, 3500, '3,500 rows, pulled');

# ---- both sides ----

$every->('300ms');
$add_worker_peer->($us, $eu);
my $settle_both = sub { $settle->(); sleep 1 };
$settle_both->();
$before = $rounds->();
$zero->();
sleep 5;
my $idle_both = ($bytes->('us') + $bytes->('eu')) / ($rounds->() - $before);
my $both = sub {
	my ($node, $count) = @_;
	$node->safe_psql('postgres', "DELETE FROM $sets[0] WHERE day > 100000");
	$settle_both->();
	my $start = $rounds->();
	$zero->();
	$node->safe_psql('postgres', "INSERT INTO $sets[0] SELECT 100000 + d, hll_add_agg(d * 10000 + i, 12) FROM generate_series(1, $count) d, generate_series(1, 300) i GROUP BY d");
	$settle_both->();
	return $bytes->('us') + $bytes->('eu') - ($rounds->() - $start) * $idle_both;
};
for my $count (1000, 20000)
{
	my $net = $both->($eu, $count);
	my $sketches = $size->($eu);
	cmp_ok($net, '<=', 1.2 * (1.1 * ($sketches + 100 * $count) + 2000), sprintf('both sides, %d rows: %d bytes of sketches cross in %.0f', $count, $sketches, $net));
}

# ---- verification ----

$eu->safe_psql('postgres', "SELECT hllset_sync.pause_peer('us')");
$us->safe_psql('postgres', "SELECT hllset_sync.pause_peer('eu')");
$eu->safe_psql('postgres', "CREATE USER MAPPING FOR \"$user\" SERVER us OPTIONS (user '$user', password_required 'false')");
$eu->safe_psql('postgres', "SELECT hllset_sync.resume_peer('us'); SELECT hllset_sync.alter_peer('us', 'pull')");
$every->($by_request);
is($eu->safe_psql('postgres', "SELECT hllset_sync.wait_caught_up('us', '5 min') AND hllset_sync.sync_now('us', '5 min')"), 't', 'pulled only, by one side only');
$zero->();
is($eu->safe_psql('postgres', "CALL hllset_sync.verify('$sets[0]', 'us')"), '1024|0|0|0', 'nothing differs');
my $verify = $bytes->('us');
cmp_ok($verify, '<=', 64 * 1024 + 2 * 1500, "to find that takes $verify bytes, with its connection");

done_testing();
