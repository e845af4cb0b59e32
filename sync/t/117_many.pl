# SPDX-License-Identifier: PostgreSQL
# 1,100 sets: waits for all of them, what an idle round costs, and no limit that no page names.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use Test::More;
use Time::HiRes qw(sleep time);
use Workers qw(poll_ok);

my $count = 1100;
my $workers = "shared_preload_libraries = 'hllset_sync'\nhllset_sync.databases = 'postgres'\nhllset_sync.worker_role = 'hllset_worker'\n"
	. "hllset_sync.every = '500ms'\nmax_worker_processes = 12\nmax_locks_per_transaction = 64\nlog_statement = none\n";
my ($us, $eu) = map { new_node($_, conf => $workers) } 'us', 'eu';
my ($us_id, $eu_id) = map { id_of($_) } $us, $eu;
$us->safe_psql('postgres', 'CREATE ROLE eu_sync LOGIN');
for my $node ($us, $eu)
{
	my $sql = 'CREATE ROLE hllset_worker LOGIN;';
	$sql .= "CREATE TABLE s$_ (k int PRIMARY KEY, v hllset(10)); CALL hllset_sync.register('s$_', global_view => '', by_node_view => '');\n" for 1 .. $count;
	$sql .= "SELECT hllset_sync.grant_peer('s$_', 'eu_sync', node => '$eu_id');\n" for $node == $us ? 1 .. $count : ();
	$node->safe_psql('postgres', $sql);
}
$us->safe_psql('postgres', join '', map { "INSERT INTO s$_ VALUES (1, hllset_of($_));" } 1 .. $count);
my ($host, $port) = ($us->host, $us->port);
$eu->safe_psql('postgres', qq{
	CREATE SERVER us FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR hllset_worker SERVER us OPTIONS (user 'eu_sync', password_required 'false');
	SELECT hllset_sync.add_peer('us', 'pull', node => '$us_id')});

my $start = time;
is($eu->safe_psql('postgres', q{SELECT hllset_sync.wait_caught_up('us', '20 min')}), 't', sprintf("%d sets are caught up", $count));
note(sprintf('this took %.1f s', time - $start));
is($eu->safe_psql('postgres', q{SELECT count(*) FROM hllset_sync.relations WHERE state = 'ok'}), $count, 'each is ok');
$start = time;
is($us->safe_psql('postgres', q{SELECT hllset_sync.wait_for_peers(timeout => '5 min')}), 't', 'wait_for_peers() for all of them');
note(sprintf('this took %.1f s', time - $start));
$us->safe_psql('postgres', 'INSERT INTO s700 VALUES (2, hllset_of(2))');
$start = time;
is($us->safe_psql('postgres', q{SELECT hllset_sync.wait_for_peers(timeout => '5 min')}), 't', 'one row of one of them');
my $took = time - $start;
is($eu->safe_psql('postgres', q{SELECT count(*) FROM hllset_sync.copy_} . $eu->safe_psql('postgres', q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 's700'})), '2', 'is there');
note(sprintf('this took %.1f s', $took));

# Processor time of the worker and of its session at the peer.
my @pids = ($eu->safe_psql('postgres', 'SELECT pid FROM hllset_sync.status'), $us->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'hllset_sync/eu'}));
my $cpu = sub { my $sum = 0; $sum += (split / /, PostgreSQL::Test::Utils::slurp_file("/proc/$_/schedstat"))[0] / 1e6 for @pids; return $sum };
SKIP:
{
	skip 'no /proc', 1 unless -r "/proc/$pids[0]/schedstat";
	my ($before, $rounds) = ($cpu->(), $eu->safe_psql('postgres', 'SELECT rounds FROM hllset_sync.status'));
	sleep 10;
	my $ms = ($cpu->() - $before) / ($eu->safe_psql('postgres', 'SELECT rounds FROM hllset_sync.status') - $rounds);
	cmp_ok($ms, '<=', 160, sprintf('an idle round of %d sets takes %.1f ms at both ends together, the bar is 40 ms', $count, $ms));
}
my $setting = $eu->psql('postgres', q{ALTER SYSTEM SET hllset_sync.max_sets = 1000; SELECT pg_reload_conf()});
poll_ok($eu, 'postgres', q{SELECT state <> 'ok' AND last_error LIKE '%max_sets%' FROM hllset_sync.status}, 'more sets than max_sets are an error that names it', 90);
$_->stop for $us, $eu;
done_testing();
