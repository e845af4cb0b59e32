# SPDX-License-Identifier: PostgreSQL
# A thousand rounds: the worker does not grow, and never holds a snapshot, a transaction or a lock while it waits for the network.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest qw(proxy_to proxy);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Workers;

plan skip_all => 'needs /proc' unless -r '/proc/self/status';

my $node = worker_node('rounds', "hllset_sync.every = '100ms'\n");
my $hole = black_hole();
add_far($node);
add_hole($node, $hole);
state_is($node, 'far', 'ok', undef, 'it begins');

my $memory = sub {
	my ($resident) = slurp_file("/proc/$_[0]/status") =~ /^RssAnon:\s+(\d+)/m;
	return $resident;
};
# Rounds that have something to do, and begin at once.
my $rounds = sub {
	$node->safe_psql('app', join(';', map { "INSERT INTO visits VALUES ($_ % 50, hllset_of($_)) ON CONFLICT (day) DO UPDATE SET users = visits.users | excluded.users;"
		. " SELECT hllset_sync.sync_now('far')" } 1 .. $_[0]));
};

my $pid = status_of($node, 'far', 'pid');
my $scheduler = pid_of($node, 'hllset_sync scheduler');
$rounds->(200);
my ($worker_before, $scheduler_before, $rounds_before) = ($memory->($pid), $memory->($scheduler), status_of($node, 'far', 'rounds'));
$rounds->(1000);
is(status_of($node, 'far', 'pid'), $pid, 'the same worker');
cmp_ok(status_of($node, 'far', 'rounds') - $rounds_before, '>=', 1000, 'a thousand rounds');
cmp_ok($memory->($pid) - $worker_before, '<=', 2048, 'the worker grew by ' . ($memory->($pid) - $worker_before) . ' kB');
cmp_ok($memory->($scheduler) - $scheduler_before, '<=', 2048, 'the scheduler grew by ' . ($memory->($scheduler) - $scheduler_before) . ' kB');

# Rounds that fail.
add_server($node, 'nobody', "host '" . $node->host . "', port '" . $node->port . "', dbname 'nobody'");
state_is($node, 'nobody', 'backoff', 'nobody', 'a peer that is not there');
my $fail = sub { $node->safe_psql('app', join(';', ("SELECT hllset_sync.sync_now('nobody')") x $_[0])) };
$fail->(100);
my $failing = status_of($node, 'nobody', 'pid');
my $failing_before = $memory->($failing);
$fail->(500);
cmp_ok(status_of($node, 'nobody', 'failures'), '>=', 600, 'rounds that fail');
cmp_ok($memory->($failing) - $failing_before, '<=', 1024, 'its worker grew by ' . ($memory->($failing) - $failing_before) . ' kB');
is(() = slurp_file($node->logfile) =~ /peer "nobody": cannot sync/g, 10, 'and logged attempts 1, 2, 4 ... 512');

# Sampled in one session every 10 ms: rounds with a peer at once, with one whose answers take 20 ms, and one that never answers. What a sample says
# of a process was not all read at the same moment; what is held counts if the next sample finds it held by the same transaction.
my $proxy = proxy_to($node);
proxy($proxy, 'latency 20');
add_server($node, 'slow', "host '127.0.0.1', port '$proxy->{port}', dbname 'far'", id_of($node, 'far'));
state_is($node, 'slow', 'ok', undef, 'a slow peer');
$node->safe_psql('far', 'INSERT INTO visits SELECT i, hllset_of(i) FROM generate_series(1000, 60000) i');
my $held = $node->safe_psql('postgres', q{
	CREATE TEMP TABLE seen (i int, pid int, state text, started timestamptz, horizon boolean, holder text);
	DO $$
	BEGIN
		FOR i IN 1 .. 500 LOOP
			PERFORM pg_stat_clear_snapshot();
			INSERT INTO seen SELECT i, pid, state, xact_start, backend_xmin IS NOT NULL,
				(SELECT min(virtualtransaction) FROM pg_locks l WHERE l.pid = a.pid AND locktype = 'relation')
			FROM pg_stat_activity a
			WHERE backend_type = 'hllset_sync worker' AND wait_event IN ('Extension', 'HllsetSyncWait');
			PERFORM pg_sleep(0.01);
		END LOOP;
	END $$;
	SELECT count(*) FILTER (WHERE state = 'active') > 100, count(*) FILTER (WHERE s.started = n.started),
		count(*) FILTER (WHERE s.horizon AND n.horizon AND s.started IS NOT DISTINCT FROM n.started), count(*) FILTER (WHERE s.holder = n.holder)
	FROM seen s LEFT JOIN LATERAL (SELECT started, horizon, holder FROM seen n WHERE n.pid = s.pid AND n.i = s.i + 1) n ON true});
is($held, 't|0|0|0', 'no snapshot, transaction or lock in 500 samples of four workers');
$node->stop;
done_testing();
