# SPDX-License-Identifier: PostgreSQL
# What attention shows at each of three nodes when something goes wrong, exactly, and that it is empty again after what docs/sync-monitoring.md says to do.
# Databases us, eu and ap are nodes: eu and ap have us as peer, ap has eu, too. What one server without workers can show is in sql/attention.sql.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use LinkTest qw(await_restart);
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep time);
use Workers qw(id_of in_time poll_ok reload);

my @nodes = qw(us eu ap);
my $server = PostgreSQL::Test::Cluster->new('fleet');
$server->init(extra => [ '--encoding=UTF8', '--locale=C' ], allows_streaming => 1);
# As many workers as it takes: a launcher, that of logical replication, three schedulers, three peers.
$server->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'hllset_sync'
hllset_sync.databases = 'us, eu, ap'
hllset_sync.worker_role = 'hllset_worker'
hllset_sync.every = '200ms'
hllset_sync.retry_max = '1s'
hllset_sync.lock_timeout = '100ms'
max_worker_processes = 8
max_parallel_workers = 0
restart_after_crash = on
autovacuum = off
END
$server->start;

sub at { return $server->safe_psql(@_) }

my $worker_role = 'CREATE ROLE hllset_worker LOGIN; CREATE ROLE eu_sync LOGIN; CREATE ROLE ap_sync LOGIN';
my $add_set = sub {
	my ($set, $type, @where) = @_;
	at($_, "CREATE TABLE $set (day int PRIMARY KEY, users $type); CALL hllset_sync.register('$set')") for @where;
};
my $grant = sub {
	my ($set) = @_;
	at('us', "SELECT hllset_sync.grant_peer('$set', 'eu_sync', node => '" . id_of($server, 'eu') . "')");
	at($_, "SELECT hllset_sync.grant_peer('$set', 'ap_sync', node => '" . id_of($server, 'ap') . "')") for 'us', 'eu';
};
at('postgres', $worker_role);
at('postgres', "CREATE DATABASE $_") for @nodes;
at($_, "CREATE EXTENSION hllset_sync CASCADE; SELECT hllset_sync.rename_node('$_')") for @nodes;
$add_set->('visits', 'hllset(12)', @nodes);
$grant->('visits');
at($_, "INSERT INTO visits SELECT i, hllset_of(i) FROM generate_series(1, 20) i") for @nodes;
my $host = $server->host;
my $port = $server->port;
my $add_peer = sub {
	my ($at, $name, $database, $more) = @_;
	at($at, qq{
		CREATE SERVER $name FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname '$database', sslmode 'disable');
		CREATE USER MAPPING FOR hllset_worker SERVER $name OPTIONS (user '${at}_sync', password_required 'false');
		SELECT hllset_sync.add_peer('$name' @{[ $more // '' ]})});
};
$add_peer->('eu', 'us', 'us');
$add_peer->('ap', 'us', 'us');
$add_peer->('ap', 'eu', 'eu');

# ---- looking ----

sub look
{
	my ($node, $after) = @_;
	return $server->safe_psql($node, "SET hllset_sync.attention_after = '$after'; SELECT concat_ws(' ', reason, set_name, node, peer) FROM hllset_sync.attention ORDER BY 1");
}

# All nodes show these lines and no others; what is not named shows none. It is so twice in a row.
sub shows
{
	my ($name, $expected, $after) = @_;
	my $start = time;
	my ($seen, $is, %is) = 0;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $wanted = join "\n", map { "$_: " . join ', ', sort @{ $expected->{$_} // [] } } @nodes;
	while ($seen < 2 && time - $start < 100)
	{
		sleep 0.2 if %is;
		%is = map { $_ => look($_, $after // '3s') } @nodes;
		$is = join "\n", map { "$_: " . join ', ', split /\n/, $is{$_} } @nodes;
		$seen = $is eq $wanted ? $seen + 1 : 0;
	}
	is($is, $wanted, $name) or diag(map { at($_, 'SELECT * FROM hllset_sync.attention') . "\n" } @nodes);
	return;
}

sub healthy
{
	my ($name, $after) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return shows("$name: all is well again", {}, $after);
}

# The statement that attention says to make, in one of its columns.
sub remedy
{
	my ($node, $reason) = @_;
	my $text = $server->safe_psql($node, "SET hllset_sync.attention_after = '0'; SELECT remedy FROM hllset_sync.attention WHERE reason = '$reason' LIMIT 1");
	my ($statement) = $text =~ /((?:SELECT|CALL) hllset_sync\.\w+\((?:[^()']|'[^']*')*\)|ALTER TABLE ONLY \S+ ENABLE ALWAYS TRIGGER \w+)/;
	die "no statement in: $text" unless defined $statement;
	note("$node: $statement");
	$server->safe_psql($node, $statement);
	return;
}

# What attention says to do, where that is not a statement, or one whose arguments only its reader knows.
sub advises
{
	my ($node, $reason, $advice) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return like($server->safe_psql($node, "SET hllset_sync.attention_after = '0'; SELECT remedy FROM hllset_sync.attention WHERE reason = '$reason'"), $advice, "$node: what helps against $reason");
}

# Keeps a table locked until the function that it returns is called.
sub locked
{
	my ($node, $table) = @_;
	my ($in, $out) = ("BEGIN; LOCK $table IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n", '');
	my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $server->connstr($node) ], '<', \$in, '>', \$out);
	$session->pump until $out =~ /locked/;
	return sub { $in .= "COMMIT;\n\\q\n"; $session->finish; return };
}

healthy('from the start');

# ---- peers ----

at('eu', q{SELECT hllset_sync.pause_peer('us', 'for a while')});
shows('paused', { eu => ['paused us us'], us => ['silent_reader visits eu'] });
remedy('eu', 'paused');
healthy('resumed');

at('ap', 'ALTER SERVER us OPTIONS (SET port \'1\')');
shows('unreachable', { ap => ['unreachable us us'], us => ['silent_reader visits ap'] });
at('ap', "ALTER SERVER us OPTIONS (SET port '$port')");
healthy('reachable');

at('eu', q{ALTER SERVER us OPTIONS (SET dbname 'ap')});
at('ap', "SELECT hllset_sync.grant_peer('visits', 'eu_sync')");
shows('another node answers', { eu => ['peer_identity us us'], us => ['silent_reader visits eu'] });
advises('eu', 'peer_identity', qr/CALL hllset_sync\.replace_origin\(\.\.\.\).*if it is another node, SELECT hllset_sync\.alter_peer\('us', node => \.\.\.\)/);
at('eu', q{ALTER SERVER us OPTIONS (SET dbname 'us')});
at('ap', "SELECT hllset_sync.revoke_peer('visits', 'eu_sync')");
healthy('the right one does');

at('us', q{ALTER FUNCTION hllset_sync.p_hello RENAME TO p_hello_2;
	CREATE FUNCTION hllset_sync.p_hello(integer, integer, uuid, text)
	RETURNS TABLE (proto integer, node_id uuid, node_name text, identity text, ext_version text, server_version integer, encoding text) LANGUAGE plpgsql AS
	$$ BEGIN RAISE 'no common protocol: this node speaks version 3, the peer 2 to 2' USING ERRCODE = '0A000'; END $$});
at('us', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('eu_sync', 'ap_sync') AND datname = 'us'});
shows('protocol', { eu => ['protocol us us'], ap => ['protocol us us'], us => [ 'silent_reader visits ap', 'silent_reader visits eu' ] });
at('us', 'DROP FUNCTION hllset_sync.p_hello; ALTER FUNCTION hllset_sync.p_hello_2 RENAME TO p_hello');
healthy('the same protocol');

# A worker that hangs: its connection is there, and nobody says that anything is wrong.
# It is stopped where it waits, for anywhere else it may hold what the others need.
my $pid = at('eu', q{SELECT pid FROM hllset_sync.status});
for (1 .. 1000)
{
	kill 'STOP', $pid;
	last if at('us', "SELECT wait_event IN ('Extension', 'HllsetSyncWait') FROM pg_stat_activity WHERE pid = $pid") eq 't';
	kill 'CONT', $pid;
	sleep 0.01;
}
shows('stale', { eu => ['stale us us'], us => ['silent_reader visits eu'] });
kill 'CONT', $pid;
healthy('it gets on');

# ---- grants ----

$server->stop;
$server->append_conf('postgresql.conf', "max_worker_processes = 12\n");
$server->start;
healthy('after a restart');
$add_peer->('ap', 'us2', 'us');
shows('speaker', { ap => ['speaker us2'] });
at('ap', "SELECT hllset_sync.alter_peer('us2', node => '" . id_of($server, 'us') . "')");
healthy('two links with one node');
at('ap', q{SELECT hllset_sync.drop_peer('us2')});

$add_set->('fresh', 'hllset(12)', 'us');
at('us', q{SELECT hllset_sync.grant_peer('fresh', 'eu_sync')});
at('us', q{SELECT hllset_sync.revoke_peer('visits', 'eu_sync')});
shows('withdrawn', { eu => ['withdrawn visits us us'], us => [ 'unread visits eu', 'unrefreshed visits eu' ] });
$grant->('visits');
healthy('granted');
at('us', q{SELECT hllset_sync.revoke_peer(set_name, 'eu_sync') FROM unnest('{visits,fresh}'::text[]) set_name});
shows('refused', { eu => ['refused us us'], us => [ 'unread visits eu', 'unrefreshed visits eu' ] });
$grant->('visits');
healthy('granted again');

at('eu', q{SELECT hllset_sync.alter_peer('us', sets => '{visits,named}')});
shows('absent', { eu => ['absent named us us'] });
at('eu', q{SELECT hllset_sync.alter_peer('us', sets => NULL)});
healthy('not asked for');

$add_set->('fresh', 'hllset(12)', 'ap');
at('us', q{SELECT hllset_sync.grant_peer('fresh', 'ap_sync')});
shows('unpushed', { ap => ['unpushed fresh us us'] });
$grant->('visits');
at('us', "SELECT hllset_sync.grant_peer('fresh', 'ap_sync', node => '" . id_of($server, 'ap') . "')");
at('ap', q{SELECT hllset_sync.alter_peer('us', every => '200 ms')});
at('us', 'INSERT INTO fresh VALUES (1, hllset_of(1))');
healthy('named');

$add_set->('alone', 'hllset(12)', 'eu');
shows('unshared', { eu => ['unshared alone'] });
at('eu', q{SELECT hllset_sync.unregister('alone'), hllset_sync.forget_set('alone')});
healthy('unregistered');

# ---- sets ----

at('us', 'ALTER TABLE visits DISABLE TRIGGER hllset_sync_capture');
my $held = { us => ['disabled visits'], eu => ['behind visits us us'], ap => ['behind visits us us'] };
shows('disabled', $held);
remedy('us', 'disabled');
healthy('enabled');

at('us', q{SELECT hllset_sync.unregister('fresh'); ALTER TABLE fresh ALTER users TYPE hllset(10); CALL hllset_sync.register('fresh')});
shows('mismatched', { ap => ['mismatched fresh us us'] });
at('ap', q{SELECT hllset_sync.unregister('fresh'); ALTER TABLE fresh ALTER users TYPE hllset(10); CALL hllset_sync.register('fresh')});
healthy('the columns agree');

at('us', 'ALTER TABLE fresh RENAME users TO people');
shows('broken', { us => ['broken fresh'], ap => ['broken fresh us us'] });
at('us', 'ALTER TABLE fresh RENAME people TO users');
healthy('mended');

my $id = at('ap', q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'visits'});
at('ap', "ALTER TABLE hllset_sync.copy_$id ADD CONSTRAINT no_seven CHECK (k1 <> 77)");
at('us', 'INSERT INTO visits VALUES (77, hllset_of(77))');
shows('error', { ap => ['error visits us us'] });
at('ap', "ALTER TABLE hllset_sync.copy_$id DROP CONSTRAINT no_seven");
healthy('the error is gone');

# What was written can't be numbered, since a table of the set is locked, and a comparison that is due does not get on.
my $us_id = at('us', q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'visits'});
my $unlock = locked('us', "hllset_sync.dirty_$us_id");
at('us', "INSERT INTO hllset_sync.pending VALUES ($us_id, 'k')");
shows('behind', { eu => ['behind visits us us'], ap => ['behind visits us us'] });
at('us', q{UPDATE hllset_sync.sets SET scan = 'rows', scan_after = NULL, scan_since = now() WHERE set_name = 'visits'});
shows('scanning', { us => ['scanning visits'], eu => ['scanning visits us us'], ap => ['scanning visits us us'] }, '1s');
$unlock->();
healthy('not locked');

# The set's table, at one of its readers.
$unlock = locked('eu', 'visits');
shows('a table is locked, of one that reads and is read', { eu => ['broken visits us us'], ap => ['broken visits eu eu'] });
advises('eu', 'broken', qr/^See what holds a lock on the table here/);
$unlock->();
healthy('the table is free');

# ---- readers ----

reload($server, 'hllset_sync.tombstone_keep' => q{'1s'});
at('ap', q{SELECT hllset_sync.pause_peer('us')});
at('us', 'DELETE FROM visits WHERE day = 78');
sleep 2.5;
at('us', 'INSERT INTO visits VALUES (80, hllset_of(80))');
sleep 2.5;
at('us', 'INSERT INTO visits VALUES (81, hllset_of(81)); CALL hllset_sync.prune()');
shows('dropped_back', { ap => ['paused us us'], us => [ 'dropped_back visits ap', 'silent_reader ap' ] });
reload($server, 'hllset_sync.tombstone_keep' => q{'30d'});
at('ap', q{SELECT hllset_sync.resume_peer('us')});
healthy('compared');
is(at('ap', q{SELECT count(*) FILTER (WHERE day = 78), count(*) FILTER (WHERE day = 81) FROM visits_by_node WHERE node = 'us'}), '0|1', 'what was deleted meanwhile is gone');

# ---- histories ----

my $undo = sub {
	my ($statement) = @_;
	at('us', "BEGIN; $statement; UPDATE hllset_sync.history SET nonce = gen_random_uuid() WHERE set_id = $id;
		UPDATE hllset_sync.sets s SET nonce = (SELECT nonce FROM hllset_sync.history h WHERE h.set_id = s.set_id ORDER BY seq_from DESC LIMIT 1) WHERE set_id = $id; COMMIT");
};
my $row = at('us', 'SELECT users::text FROM visits WHERE day = 7');
at($_, q{SELECT hllset_sync.pause_peer('us')}) for 'eu', 'ap';
at('us', 'DELETE FROM visits WHERE day = 7');
poll_ok($server, 'us', 'SELECT count(*) = 0 FROM hllset_sync.pending', 'the deletion has its number');
$undo->('SELECT 1');
at($_, q{SELECT hllset_sync.resume_peer('us')}) for 'eu', 'ap';
shows('orphans', { eu => ['orphans visits us'], ap => ['orphans visits us'] });
at('us', "INSERT INTO visits VALUES (7, '$row')");
healthy('brought home');

$undo->('INSERT INTO visits VALUES (101, hllset_of(101))');
poll_ok($server, $_, q{SELECT count(*) = 1 FROM visits_by_node WHERE node = 'us' AND day = 101}, "$_ has compared") for 'eu', 'ap';
# The third time within an hour pauses a peer; whether the row has come then is chance.
$undo->('INSERT INTO visits VALUES (102, hllset_of(102))');
shows('clone', { eu => ['clone us us'], ap => ['clone us us'], us => [ 'silent_reader ap', 'silent_reader visits eu' ] });
at($_, q{SELECT hllset_sync.resume_peer('us')}) for 'eu', 'ap';
healthy('resumed');

at('ap', q{SELECT hllset_sync.rename_node('eu')});
at('ap', 'INSERT INTO visits VALUES (90, hllset_of(90))');
my ($label) = 'eu-' . substr id_of($server, 'ap'), 0, 8;
poll_ok($server, 'us', "SELECT count(*) = 1 FROM hllset_sync.attention WHERE reason = 'label' AND node = '$label'", 'two nodes of one name');
at('ap', q{SELECT hllset_sync.rename_node('ap')});
at($_, 'INSERT INTO visits VALUES (91, hllset_of(91))') for @nodes;
healthy('renamed');

# ---- databases and workers ----

reload($server, 'hllset_sync.enabled' => 'off');
shows('workers that are switched off', { us => [ 'silent_reader ap', 'silent_reader visits eu', 'workers us' ], eu => [ 'silent_reader visits ap', 'workers eu' ], ap => ['workers ap'] });
reload($server, 'hllset_sync.enabled' => 'on');
healthy('switched on');
reload($server, 'hllset_sync.databases' => q{'us, ap'});
shows('a database that is not listed', { eu => ['workers us us'], us => ['silent_reader visits eu'] });
reload($server, 'hllset_sync.databases' => q{'us, eu, ap'});
healthy('listed');

at('postgres', 'CREATE DATABASE copy TEMPLATE ap');
is(look('copy', '1s'), 'identity ap', 'a copy of a database says what it is');
at('copy', 'SELECT hllset_sync.new_identity()');
is(look('copy', '1s'), "restored eu eu\nrestored us us", 'with a new identity, its peers wait to be resumed');
at('copy', qq{SELECT hllset_sync.drop_peer(server) FROM hllset_sync.peers});
unlike(look('copy', '1s'), qr/restored|identity/, 'or are dropped');
at('postgres', 'DROP DATABASE copy');
healthy('without the copy');

$server->append_conf('postgresql.conf', "max_worker_processes = 7\n");
$server->restart;
poll_ok($server, 'postgres', q{SELECT count(*) >= 5 FROM pg_stat_activity WHERE backend_type LIKE 'hllset_sync%'}, 'there is one slot too few');
my @waiting;
for (1 .. 100)
{
	@waiting = grep { /waiting_for_slot/ } map { split /\n/, look($_, '1h') } @nodes;
	last if @waiting;
	sleep 0.2;
}
like("@waiting", qr/^waiting_for_slot /, 'waiting_for_slot');
$server->append_conf('postgresql.conf', "max_worker_processes = 12\n");
$server->restart;
healthy('with more slots');

# ---- batches that crash the server ----

SKIP:
{
	skip 'no fault points in this build', 1 if at('us', "LOAD 'hllset_sync'; SELECT current_setting('hllset_sync.fault', true) IS NULL") eq 't';
	my $user = scalar getpwuid($<);
	at('ap', "CREATE USER MAPPING FOR \"$user\" SERVER us OPTIONS (user 'ap_sync', password_required 'false')");
	reload($server, 'hllset_sync.enabled' => 'off');
	poll_ok($server, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type LIKE 'hllset_sync%'}, 'no worker runs');
	at('us', 'INSERT INTO visits VALUES (95, hllset_of(95))');
	for my $attempt (1 .. 3)
	{
		$server->psql('ap', "SET hllset_sync.fault = 'before_apply_commit:kill'; CALL hllset_sync.run_round('us')");
		await_restart($server, $attempt);
	}
	reload($server, 'hllset_sync.enabled' => 'on');
	shows('crashed', { ap => ['crashed visits us us'] });
	remedy('ap', 'crashed');
	healthy('resumed after crashes');
}

# ---- what it costs ----

cmp_ok(at('us', q{SELECT count(*) FROM pg_stat_user_tables WHERE relname ~ '^(copy|rows|dirty)_\d'}), '>', 5, 'there are tables of sets');
my $scans = sub { at('us', q{SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_user_tables WHERE relname ~ '^(copy|rows|dirty)_\d' OR schemaname = 'public'}) };
reload($server, 'hllset_sync.enabled' => 'off');
poll_ok($server, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type LIKE 'hllset_sync%'}, 'no worker runs');
# A session has told what it has scanned when it is gone.
my $alone = sub { return poll_ok($server, 'us', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'}, 'no session is left') };
$alone->();
sleep 1.5;
my $before = $scans->();
look('us', '0') for 1 .. 5;
$alone->();
sleep 1.5;
is($scans->(), $before, 'attention reads none of them');

$server->stop;
done_testing();
