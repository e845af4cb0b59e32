# SPDX-License-Identifier: PostgreSQL
# Settings: a wrong one shows what to do about it, a changed one has an effect within two seconds.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Workers;

my $node = worker_node('setting');
my $hole = black_hole();
add_far($node);
state_is($node, 'far', 'ok', undef, 'all is well');

my $launched = "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('hllset_sync scheduler', 'hllset_sync worker')";
my $wrong = sub {
	my ($state, $text, $name) = @_;
	state_is($node, 'far', $state, $text, $name, 15);
	poll_ok($node, 'postgres', "SELECT count(*) = 0 FROM ($launched HAVING count(*) > 0) x", "$name: nothing runs");
};
my $right = sub { state_is($node, 'far', 'ok', undef, "$_[0]: mended", 15) };

# ---- where workers run ----

reload($node, 'hllset_sync.enabled' => 'off');
state_is($node, 'far', 'paused', 'hllset_sync.enabled is off', 'enabled = off', 2);
like(($node->psql('app', 'SELECT hllset_sync.sync_now()'))[2], qr/no workers run in this database.*enabled is off.*run_round/s, 'sync_now() says so');
reload($node, 'hllset_sync.enabled' => 'on');
state_is($node, 'far', 'ok', undef, 'enabled = on', 3);

reload($node, 'hllset_sync.databases' => q{''});
poll_ok($node, 'postgres', "SELECT count(*) = 0 FROM ($launched HAVING count(*) > 0) x", 'databases is empty: nothing runs', 2);
like(($node->psql('app', 'SELECT hllset_sync.sync_now()'))[2], qr/not in hllset_sync.databases.*run_round/s, 'sync_now() says so');
state_is($node, 'far', 'ok', undef, 'the status is that of the last round');
reload($node, 'hllset_sync.databases' => q{'app'});
$right->('databases');

reload($node, 'hllset_sync.worker_role' => q{''});
$wrong->('error', 'hllset_sync.worker_role is not set', 'no role');
reload($node, 'hllset_sync.worker_role' => q{'nobody'});
$wrong->('error', 'CREATE ROLE nobody LOGIN', 'a role that does not exist');
reload($node, 'hllset_sync.worker_role' => q{'hllset_worker'});
$right->('the role');

$node->safe_psql('postgres', 'ALTER ROLE hllset_worker NOLOGIN');
$node->reload;
$wrong->('error', 'ALTER ROLE hllset_worker LOGIN', 'a role that may not log in');
$node->safe_psql('postgres', 'ALTER ROLE hllset_worker LOGIN SUPERUSER');
$node->reload;
$wrong->('error', 'is a superuser', 'a superuser');
reload($node, 'hllset_sync.allow_superuser_worker' => 'on');
$right->('a superuser that is allowed');
$node->safe_psql('postgres', 'ALTER ROLE hllset_worker NOSUPERUSER');
reload($node, 'hllset_sync.allow_superuser_worker' => 'off');
$right->('the role again');

$node->safe_psql('postgres', 'REVOKE CONNECT ON DATABASE app FROM PUBLIC');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'hllset_sync scheduler'");
state_is($node, 'far', 'backoff', 'see the log of the server', 'a role that may not connect', 15);
$node->safe_psql('postgres', 'GRANT CONNECT ON DATABASE app TO PUBLIC');
$right->('the right to connect');

$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS false');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'hllset_sync scheduler'");
poll_ok($node, 'postgres', "SELECT count(*) = 0 FROM ($launched HAVING count(*) > 0) x", 'a database without connections');
$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS true');
$node->reload;
$right->('the database');
like(slurp_file($node->logfile), qr/database "app" is not synced: it allows no connections/, 'which was said');

my ($rc, $out, $err) = $node->psql('postgres', q{ALTER SYSTEM SET hllset_sync.databases = 'a,,b'});
like($err, qr/invalid value for parameter "hllset_sync.databases"/, 'a list that is none');
($rc, $out, $err) = $node->psql('app', 'SET hllset_sync.nothing = 1');
isnt($rc, 0, 'the prefix is reserved') if $node->safe_psql('postgres', 'SHOW server_version_num') >= 150000;

# ---- when they run; each within two seconds ----

my $rounds = sub { status_of($node, 'far', 'rounds') };
reload($node, 'hllset_sync.every' => q{'1h'});
my ($before, $passed);
for (1 .. 10)
{
	$before = $rounds->();
	sleep 2;
	$passed = $rounds->() - $before;
	last if $passed == 0;
}
is($passed, 0, 'every = 1h');
$node->safe_psql('app', "SELECT hllset_sync.pause_peer('far')");
poll_ok($node, 'app', 'SELECT pid IS NULL FROM hllset_sync.status', 'pause_peer() does not wait for that', 2);
$node->safe_psql('app', "SELECT hllset_sync.resume_peer('far')");
poll_ok($node, 'app', "SELECT state = 'ok' AND pid IS NOT NULL FROM hllset_sync.status", 'nor resume_peer()', 2);
$node->safe_psql('app', "ALTER SERVER far OPTIONS (SET dbname 'nowhere')");
state_is($node, 'far', 'backoff', 'nowhere', 'nor ALTER SERVER', 2);
$node->safe_psql('app', "ALTER SERVER far OPTIONS (SET dbname 'far')");
state_is($node, 'far', 'ok', undef, 'nor the next', 2);
$before = $rounds->();
reload($node, 'hllset_sync.every' => q{'100ms'});
poll_ok($node, 'app', "SELECT rounds > $before FROM hllset_sync.status", 'every = 100ms', 2);

reload($node, 'hllset_sync.log_rounds' => 'on');
$node->safe_psql('far', 'INSERT INTO visits SELECT i, hllset_of(i) FROM generate_series(1, 5) i');
$node->safe_psql('app', 'SELECT hllset_sync.wait_caught_up()');
like(slurp_file($node->logfile), qr/LOG:  hllset_sync: peer "far": pulled 5 rows \(\d+ kB\), pushed 0 rows \(\d+ kB\), \d+ sets, \d+ ms/, 'log_rounds = on');
reload($node, 'hllset_sync.log_rounds' => 'off');

reload($node, 'hllset_sync.connect_timeout' => q{'300ms'}, 'hllset_sync.retry_max' => q{'1s'});
add_hole($node, $hole);
state_is($node, 'hole', 'backoff', undef, 'connect_timeout = 300ms', 0.9); # without it 10 s
poll_ok($node, 'app', "SELECT failures > 12 FROM hllset_sync.status WHERE peer = 'hole'", 'retry_max = 1s', 15); # without it ten minutes
poll_ok($node, 'app', "SELECT coalesce(next_attempt < now() + interval '1 s', true) AND last_error !~ 'host|password|127' FROM hllset_sync.status WHERE peer = 'hole'",
	'the error tells nothing of the connection', 5);
my $warnings = () = slurp_file($node->logfile) =~ /peer "hole": cannot sync/g;
cmp_ok($warnings, '<=', 6, 'attempts 1, 2, 4, 8 ... are logged');

# The rest is read by the rounds themselves: what the worker sees is what it was told.
for my $setting (qw(io_timeout statement_timeout lock_timeout max_batch_rows max_batch_bytes max_row_bytes verify_every rescan_every tombstone_keep))
{
	reload($node, "hllset_sync.$setting" => '54321');
	poll_ok($node, 'postgres', "SELECT setting = '54321' FROM pg_settings WHERE name = 'hllset_sync.$setting'", "$setting is read at a reload", 2);
}
state_is($node, 'far', 'ok', undef, 'and the worker goes on');

# ---- who may see it ----

is($node->safe_psql('app', 'SELECT count(*) FROM hllset_sync.status', extra_params => [ '-U', 'reader' ]), '0', 'a stranger sees no peer');
is($node->safe_psql('app', 'SELECT count(*) FROM hllset_sync.worker_status()', extra_params => [ '-U', 'reader' ]), '0', 'nor its worker');
$node->safe_psql('app', 'GRANT USAGE ON FOREIGN SERVER far TO reader');
is($node->safe_psql('app', 'SELECT string_agg(peer, $$,$$) FROM hllset_sync.status', extra_params => [ '-U', 'reader' ]), 'far', 'who may use the server sees it');
like(($node->psql('app', "SELECT hllset_sync.sync_now('hole')", extra_params => [ '-U', 'reader' ]))[2], qr/permission denied for foreign server hole/, 'and no other');
# To wait is to wake workers.
my $waits = sub { return join ' | ', map { my ($rc, $out, $err) = $node->psql('app', "SELECT hllset_sync.$_", extra_params => [ '-U', 'reader' ]); $rc == 0 ? $out : $err =~ s/.*?ERROR:  ([^\n]*).*/$1/sr } @_ };
my @all = ("sync_now(timeout => '1 s')", "wait_caught_up(timeout => '1 s')", "wait_for_peers(timeout => '1 s')", "wait_for_peers('visits', '1 s')");
is($waits->(@all), 'permission denied for foreign server hole | permission denied for foreign server hole | permission denied for set "named" | permission denied for set "visits"', 'who waits for all must be allowed to use all');
$node->safe_psql('app', 'REVOKE USAGE ON FOREIGN SERVER far FROM reader');
is($waits->("sync_now('far', '1 s')", @all), join(' | ', ('permission denied for foreign server far') x 3, 'permission denied for set "named"', 'permission denied for set "visits"'), 'a stranger may wait for nothing');
$node->safe_psql('app', 'GRANT USAGE ON FOREIGN SERVER far, hole TO reader');
like($waits->(@all), qr/^[tf] \| [tf] \| [tf] \| [tf]$/, 'and who may use all servers for all');
$node->safe_psql('app', 'REVOKE USAGE ON FOREIGN SERVER far, hole FROM reader; ALTER TABLE visits OWNER TO reader');
like($waits->("wait_for_peers('visits', '1 s')"), qr/^[tf]$/, 'the owner of a table for its set');
is($waits->("wait_for_peers(timeout => '1 s')"), 'permission denied for set "named"', 'but for no other');
$node->safe_psql('app', 'ALTER TABLE visits OWNER TO CURRENT_USER; GRANT pg_monitor TO reader');
is($node->safe_psql('app', 'SELECT count(*) FROM hllset_sync.status', extra_params => [ '-U', 'reader' ]), '2', 'pg_monitor sees all');

# ---- no slot is free ----

# A round that loses its peer, which is on the same server, because that one stops first would be one that failed.
my $calm = sub {
	reload($node, 'hllset_sync.enabled' => 'off');
	return poll_ok($node, 'postgres', "SELECT count(*) = 0 FROM ($launched HAVING count(*) > 0) x", 'no round is under way');
};
# The server's own launcher of logical replication takes one, ours another.
$node->append_conf('postgresql.conf', "max_worker_processes = 2\n");
$calm->();
$node->restart;
reload($node, 'hllset_sync.enabled' => 'on');
state_is($node, 'far', 'waiting_for_slot', 'max_worker_processes', 'a database waits for a slot', 15);
$node->append_conf('postgresql.conf', "max_worker_processes = 4\n");
$calm->();
$node->restart;
reload($node, 'hllset_sync.enabled' => 'on');
poll_ok($node, 'app', q{SELECT count(*) = 1 FROM hllset_sync.status WHERE state = 'waiting_for_slot' AND last_error LIKE '%max_worker_processes%'},
	'a peer waits for a slot', 15);
sleep 11;
is(() = slurp_file($node->logfile) =~ /peer "\w+": cannot sync: no background worker slot is free/g, 1, 'which is said once');

# ---- nothing is preloaded ----

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$calm->();
$node->restart;
is(status_of($node, 'far', 'state'), 'ok', 'without preload the status is that of the last round');
like(($node->psql('app', "SELECT $_"))[2], qr/not in shared_preload_libraries.*HINT:.*run_round/s, "$_ needs it")
	for ('hllset_sync.sync_now()', 'hllset_sync.wait_caught_up()', 'hllset_sync.wait_for_peers()');
is($node->safe_psql('app', 'SELECT count(*) FROM hllset_sync.consumers'), '0', 'consumers are unknown');
$node->stop;
done_testing();
