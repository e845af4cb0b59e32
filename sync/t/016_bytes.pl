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
	$node->safe_psql('postgres', "CREATE SERVER $name FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '127.0.0.1', port '$proxy{$name}{port}', dbname 'postgres', sslmode 'disable'); "
			. "CREATE USER MAPPING FOR hllset_worker SERVER $name OPTIONS (user '$user', password_required 'false'); SELECT hllset_sync.add_peer('$name')");
};
my $settle = sub {
	$eu->safe_psql('postgres', "SELECT hllset_sync.wait_caught_up('us')") eq 't' or die 'not caught up';
	$eu->safe_psql('postgres', 'SELECT hllset_sync.wait_for_peers()') eq 't' or die 'peers not caught up';
	sleep 1;
};
my $bytes = sub { my ($name) = @_; my @count = split / /, proxy($proxy{$name}, 'count'); return $count[0] + $count[1] };
my $zero = sub { proxy($proxy{$_}, 'zero') for keys %proxy };
my $rounds = sub { $eu->safe_psql('postgres', "SELECT rounds FROM hllset_sync.status WHERE peer = 'us'") };
# Returns the number of rounds just after one has ended, so that whole rounds are counted.
my $round_end = sub {
	my $begun = $rounds->();
	my $now = $begun;
	$now = $rounds->() while $now == $begun;
	return $now;
};

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
my $before = $round_end->();
my @cpu = $cpu->();
$zero->();
sleep 5;
my $passed = $round_end->() - $before;
my $idle = $bytes->('us') / $passed;
my @after = $cpu->();
@cpu = map { ($after[$_] - $cpu[$_]) / $passed } 0, 1;
cmp_ok($cpu[0], '<=', 5, sprintf('an idle round takes %.2f ms of the worker', $cpu[0]));
cmp_ok($cpu[1], '<=', 5, sprintf('and %.2f ms of the peer', $cpu[1]));
cmp_ok($idle, '<=', 1500, sprintf('an idle round of 10 sets: %.0f bytes', $idle));

# ---- k rows: the sketches are what they are in SQL; at most the idle rounds that pass are added ----

my $size = sub { $_[0]->safe_psql('postgres', "SELECT coalesce(sum(length(hllset_send(visitors))), 0) FROM $sets[0] WHERE day BETWEEN 100001 AND 200000") };
my $moved = sub {
	my ($node, $count, $name) = @_;
	$node->safe_psql('postgres', "DELETE FROM $sets[0] WHERE day > 100000");
	$settle->();
	my $start = $round_end->();
	$zero->();
	$node->safe_psql('postgres', "INSERT INTO $sets[0] SELECT 100000 + d, hll_add_agg(d * 10000 + i, 12) FROM generate_series(1, $count) d, generate_series(1, 300) i GROUP BY d");
	$settle->();
	my $passed = $round_end->() - $start;
	my $all = $bytes->('us');
	my $net = $all - $passed * $idle;
	my $sketches = $size->($node);
	my $bar = $count == 1 ? $sketches + 1024 : 1.1 * ($sketches + 100 * $count) + 2000;
	cmp_ok($net, '<=', $bar, sprintf('%s: %d bytes of sketches cross in %.0f, the bar is %.0f', $name, $sketches, $net, $bar));
	return;
};
$moved->($us, 1, 'one row, pulled');
$moved->($eu, 1, 'one row, pushed');
$moved->($us, 1000, '1,000 rows, pulled');
$moved->($eu, 1000, '1,000 rows, pushed');
$moved->($us, 3500, '3,500 rows, pulled');

# ---- both sides ----

$add_worker_peer->($us, $eu);
$settle->();
$before = $rounds->();
$zero->();
sleep 5;
my $idle_both = ($bytes->('us') + $bytes->('eu')) / ($rounds->() - $before);
my $both = sub {
	my ($node, $count) = @_;
	$node->safe_psql('postgres', "DELETE FROM $sets[0] WHERE day > 100000");
	$settle->();
	my $start = $rounds->();
	$zero->();
	$node->safe_psql('postgres', "INSERT INTO $sets[0] SELECT 100000 + d, hll_add_agg(d * 10000 + i, 12) FROM generate_series(1, $count) d, generate_series(1, 300) i GROUP BY d");
	$settle->();
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
sleep 1;
$zero->();
is($eu->safe_psql('postgres', "CALL hllset_sync.verify('$sets[0]', 'us')"), '1024|0|0|0', 'nothing differs');
my $verify = $bytes->('us');
cmp_ok($verify, '<=', 64 * 1024 + 8 * 1500, "to find that takes $verify bytes, with its connection and the rounds that pass");

done_testing();
