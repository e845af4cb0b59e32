# SPDX-License-Identifier: PostgreSQL
# The life of the processes: they start, sync, follow what is said of a peer, come back after an end, and leave when nothing is left to do.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest qw(await_restart hold);
use PostgreSQL::Test::Utils;
use Test::More;
use Workers;

my $node = worker_node('lifecycle');
my $log = sub { slurp_file($node->logfile) };

# ---- a peer comes ----

poll_ok($node, 'app', "SELECT state = 'ok' FROM hllset_sync.database_status()", 'a database with the extension is looked after');
my $release = hold($node, 'app', 'peer_state'); # where a worker begins to read
add_far($node);
poll_ok($node, 'app', 'SELECT pid IS NOT NULL FROM hllset_sync.worker_status()', 'a peer that was added has a worker');
isnt($node->safe_psql('app', 'SELECT state FROM hllset_sync.worker_status()'), 'ok', 'which is not said to be well before it has done anything');
$release->();
state_is($node, 'far', 'ok', undef, 'then the peer is synced');
like($log->(), qr/LOG:  hllset_sync: peer "far": connected to node far \([0-9a-f-]{36}\), protocol 2, server \d+\.\d+/, 'the connection is logged');
is(status_of($node, 'far', 'node_name'), 'far', 'the status knows the name of the node');

$node->safe_psql('far', 'INSERT INTO visits VALUES (1, hllset_of(1, 2, 3))');
is($node->safe_psql('app', 'SELECT hllset_sync.wait_caught_up()'), 't', 'wait_caught_up()');
is($node->safe_psql('app', 'SELECT # users FROM visits_global'), '3', 'what was committed before is here after it');
$node->safe_psql('app', 'INSERT INTO visits VALUES (1, hllset_of(3, 4))');
is($node->safe_psql('app', 'SELECT hllset_sync.wait_for_peers()'), 't', 'wait_for_peers()');
is($node->safe_psql('far', 'SELECT # users FROM visits_global'), '4', 'what was committed before is there after it');
is($node->safe_psql('app', "SELECT hllset_sync.sync_now('far')"), 't', 'sync_now()');
is(status_of($node, 'far', 'rows_in > 0 AND rows_out > 0 AND rounds > 0 AND failures = 0 AND staleness < interval \'1 min\''), 't', 'the status counts');
like(($node->psql('app', 'SELECT hllset_sync.wait_for_peers($$nope$$)'))[2], qr/there is no set "nope"/, 'no such set');

# ---- it is changed ----

my $pid = status_of($node, 'far', 'pid');
$node->safe_psql('app', "SELECT hllset_sync.alter_peer('far', every => interval '1 hour')");
poll_ok($node, 'app', "SELECT pid <> $pid AND rounds > 0 FROM hllset_sync.status", 'alter_peer() starts another worker');
is($node->safe_psql('app', "SELECT hllset_sync.sync_now('far', '60 s')"), 't', 'sync_now() does not wait for an hour');
$node->safe_psql('app', "SELECT hllset_sync.alter_peer('far', every => interval '200 ms')");

$node->safe_psql('app', "SELECT hllset_sync.pause_peer('far', 'works on the line')");
state_is($node, 'far', 'paused', 'works on the line', 'pause_peer()');
poll_ok($node, 'app', 'SELECT pid IS NULL FROM hllset_sync.status', 'a paused peer has no worker');
like(($node->psql('app', "SELECT hllset_sync.sync_now('far')"))[2], qr/peer "far" is paused/, 'sync_now() of a paused peer');
$node->safe_psql('app', "SELECT hllset_sync.resume_peer('far')");
state_is($node, 'far', 'ok', undef, 'resume_peer()');

$node->safe_psql('app', "ALTER SERVER far OPTIONS (SET dbname 'nowhere')");
state_is($node, 'far', 'backoff', 'nowhere', 'ALTER SERVER has an effect at once');
like($log->(), qr/WARNING:  hllset_sync: peer "far": cannot sync: .*nowhere.*; attempt 1\n/, 'the first failure is logged');
$node->safe_psql('app', "ALTER SERVER far OPTIONS (SET dbname 'far')");
state_is($node, 'far', 'ok', undef, 'so has the next');
like($log->(), qr/LOG:  hllset_sync: peer "far": back after \d\d:\d\d:\d\d, \d+ attempts/, 'the return is logged');

# ---- processes end ----

for my $type ('worker', 'scheduler', 'launcher')
{
	my $before = pid_of($node, "hllset_sync $type");
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($before)");
	poll_ok($node, 'postgres', "SELECT count(*) = 3 AND bool_and(pid <> $before) FROM pg_stat_activity WHERE backend_type LIKE 'hllset_sync %'",
		"a $type that was terminated is started again", 15);
	state_is($node, 'far', 'ok', undef, 'and syncs');
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 47"), '1', 'a worker holds the lock of its peer');

my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
kill 'KILL', status_of($node, 'far', 'pid');
await_restart($node, 1);
poll_ok($node, 'app', "SELECT state = 'ok' FROM hllset_sync.status", 'kill -9 of a worker: the server restarts and syncs again', 30);
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the postmaster is the same');
cmp_ok(status_of($node, 'far', 'rounds'), '>', 0, 'the counts outlived the crash');

# ---- a set is granted late ----

for my $database ('app', 'far')
{
	$node->safe_psql($database, "CREATE TABLE late (day int PRIMARY KEY, users hllset(12) NOT NULL)");
	$node->safe_psql($database, "CALL hllset_sync.register('late')");
}
poll_ok($node, 'app', "SELECT state = 'unshared' FROM hllset_sync.set_status WHERE set_name = 'late'", 'a set that the peer does not grant');
sleep 2; # the peer is asked for its sets once more, in vain
$node->safe_psql('far', "SELECT hllset_sync.grant_peer('late', 'app_sync', node => '" . id_of($node, 'app') . "'); INSERT INTO late VALUES (1, hllset_of(1))");
poll_ok($node, 'app', "SELECT count(*) = 1 FROM late_by_node WHERE node = 'far'", 'is synced within seconds of its grant', 30);

# ---- a peer goes ----

$node->safe_psql('app', "SELECT hllset_sync.drop_peer('far')");
poll_ok($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'hllset_sync worker'", 'drop_peer() ends the worker');
is($node->safe_psql('app', 'SELECT count(*) FROM hllset_sync.status'), '0', 'and its status');

$node->safe_psql('app', "SELECT hllset_sync.add_peer('far')");
state_is($node, 'far', 'ok', undef, 'it is back');
$node->safe_psql('app', 'DROP SERVER far CASCADE');
poll_ok($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'hllset_sync worker'", 'DROP SERVER ends the worker');

add_far($node, 'again');
state_is($node, 'again', 'ok', undef, 'another one');
# It may have been so when the database was made.
my $said = () = $log->() =~ /the extension is not there/g;
quick($node, 'app', 'DROP EXTENSION hllset_sync CASCADE', 3, 'DROP EXTENSION');
poll_ok($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'hllset_sync worker'", 'it ends the workers');
my $scheduler = pid_of($node, 'hllset_sync scheduler');
sleep 3;
is(pid_of($node, 'hllset_sync scheduler'), $scheduler, 'without the extension the scheduler idles');
is(() = $log->() =~ /the extension is not there/g, $said + 1, 'and says so once');
$node->safe_psql('app', 'CREATE EXTENSION hllset_sync');
$node->safe_psql('far', "SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '" . id_of($node, 'app') . "')");
add_far($node, 'once_more');
state_is($node, 'once_more', 'ok', undef, 'CREATE EXTENSION is seen');

unlike($log->(), qr/PANIC|TRAP|terminated by signal (?!9)/, 'nothing crashed by itself');
$node->stop;
done_testing();
