# SPDX-License-Identifier: PostgreSQL
# Two nodes with workers of their own: what waits promise, sentence by sentence, and what keeps a database from being synced.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use Test::More;
use Workers;

my $node = worker_node('wait', "hllset_sync.databases = 'app, far'\n");
my ($host, $port) = ($node->host, $node->port);
my $at_app = sub { $node->safe_psql('app', $_[0]) };
my $at_far = sub { $node->safe_psql('far', $_[0]) };
my $fails = sub {
	my ($statement, $error, $name) = @_;
	return like(($node->psql('app', $statement))[2], $error, $name);
};

$fails->('SELECT hllset_sync.sync_now()', qr/ERROR:  there is no peer to wait for/, 'sync_now() without peers');
$fails->('SELECT hllset_sync.wait_caught_up()', qr/ERROR:  there is no peer to wait for/, 'wait_caught_up() without peers');
$fails->(q{SELECT hllset_sync.wait_for_peers('visits')}, qr/ERROR:  no node is known that reads set "visits"/, 'wait_for_peers() without readers');
$fails->('SELECT hllset_sync.wait_for_peers()', qr/ERROR:  no node is known that reads a set/, 'of any set');
$fails->(q{SELECT hllset_sync.wait_for_peers('nothing')}, qr/ERROR:  there is no set "nothing"/, 'nor of none');

# ---- wait_for_peers(): far reads from app, which does not know it as a peer ----

# Its role keeps a grant throughout, and so may call the protocol's functions.
$at_app->(q{CREATE ROLE far_sync LOGIN; CREATE TABLE other (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('other')});
$at_app->(q{SELECT hllset_sync.grant_peer('other', 'far_sync', push => false)});

my ($app_id, $far_id) = map { id_of($node, $_) } 'app', 'far';
$at_app->(qq{SELECT hllset_sync.grant_peer('visits', 'far_sync', node => '$far_id')});
$at_far->(qq{
	CREATE SERVER app FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname 'app', sslmode 'disable');
	CREATE USER MAPPING FOR hllset_worker SERVER app OPTIONS (user 'far_sync', password_required 'false');
	SELECT hllset_sync.add_peer('app', 'pull', node => '$app_id')});
$at_app->('INSERT INTO visits SELECT i, hllset_of(i) FROM generate_series(1, 10) i');
poll_ok($node, 'app', q{SELECT acked_seq = 10 AND behind = 0 AND role::text = 'far_sync' AND node_name = 'far' FROM hllset_sync.consumers WHERE set_name = 'visits'},
	'a consumer is known');

my $good = 0;
for my $day (11 .. 20)
{
	$at_app->("INSERT INTO visits VALUES ($day, hllset_of($day))");
	$good++ if $at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}) eq 't' && $at_far->('SELECT count(*) FROM visits_global') eq $day;
}
is($good, 10, 'wait_for_peers() waits for who pulls');
is($at_app->(q{SELECT hllset_sync.wait_for_peers(nodes => '{far}')}), 't', 'by its name');
is($at_app->(qq{SELECT hllset_sync.wait_for_peers('visits', nodes => '{$far_id}')}), 't', 'by its id');
$fails->(q{SELECT hllset_sync.wait_for_peers(nodes => '{far, away}')}, qr/ERROR:  not all of these nodes read a set/, 'a node that reads nothing');
my $seen = $at_app->(q{SELECT last_seen FROM hllset_sync.consumers WHERE set_name = 'visits'});
poll_ok($node, 'app', qq{SELECT last_seen > '$seen' FROM hllset_sync.consumers WHERE set_name = 'visits'}, 'last_seen moves without changes', 60);

# What is not committed when the call begins is not waited for, whosever it is.
is($at_app->(q{BEGIN; INSERT INTO visits VALUES (100, hllset_of(100)); SAVEPOINT s; INSERT INTO visits VALUES (101, hllset_of(101)); SELECT hllset_sync.wait_for_peers('visits', '60 s'); ROLLBACK}),
	't', 'nor the own transaction');
is($at_app->(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) > 0 FROM visits; SELECT hllset_sync.wait_for_peers('visits', '60 s'); COMMIT}), "t\nt", 'whatever the isolation level');
my ($in, $out) = ("BEGIN; INSERT INTO visits VALUES (102, hllset_of(102));\n\\echo open\n", '');
my $open = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('app') ], '<', \$in, '>', \$out);
$open->pump until $out =~ /open/;
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}), 't', 'an open transaction');
$in .= "ROLLBACK;\n\\q\n";
$open->finish;

$at_far->(q{SELECT hllset_sync.pause_peer('app')});
poll_ok($node, 'far', q{SELECT state = 'paused' AND pid IS NULL FROM hllset_sync.status}, 'the consumer pauses');
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '1 s')}), 'f', 'a consumer that is away has confirmed nothing since, though it has all');
$at_app->('INSERT INTO visits VALUES (21, hllset_of(21))');
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '1 s')}), 'f', 'nor if there is more');
is($at_app->(q{SELECT behind FROM hllset_sync.consumers WHERE set_name = 'visits'}), '1', 'it is behind');
$node->restart;
is($at_app->('SELECT count(*), count(acked_seq), count(last_seen) FROM hllset_sync.consumers'), '1|0|0', 'after a restart a reader is known, and nothing of it');
poll_ok($node, 'app', 'SELECT state IS NOT NULL FROM hllset_sync.database_status() WHERE state = $$ok$$', 'sync runs again', 15);
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '2 s')}), 'f', 'and has confirmed nothing');
$at_app->(q{SELECT hllset_sync.revoke_peer('visits', 'far_sync')});
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '1 s')}), 'f', 'nor does a revoked grant forget it');
$at_far->(q{SELECT hllset_sync.resume_peer('app')});
poll_ok($node, 'far', q{SELECT state = 'withdrawn' FROM hllset_sync.set_status WHERE set_name = 'visits' AND node_name = 'app'}, 'there the set is withdrawn');
is($at_far->(q{SELECT hllset_sync.wait_caught_up('app', '10 s')}), 'f', 'which is not caught up');
is($at_far->(q{SELECT hllset_sync.wait_caught_up('app', '10 s', 'visits')}), 'f', 'nor is this set');
like(($node->psql('app', q{SET ROLE reader; SELECT hllset_sync.drop_consumer('far')}))[2], qr/ERROR:  node "far" reads no set of yours/, 'drop_consumer() is for the owner');
is($at_app->(q{SELECT hllset_sync.drop_consumer('far')}), '1', 'drop_consumer()');
is($at_app->('SELECT count(*) FROM hllset_sync.consumers'), '0', 'forgets it');
$fails->(q{SELECT hllset_sync.wait_for_peers('visits')}, qr/ERROR:  no node is known/, 'then there is nobody to wait for');
$at_app->(qq{SELECT hllset_sync.grant_peer('visits', 'far_sync', node => '$far_id')});
poll_ok($node, 'app', q{SELECT acked_seq = 11 + 10 FROM hllset_sync.consumers WHERE set_name = 'visits'}, 'granted again, it is known again', 15);
is($at_far->(q{SELECT hllset_sync.wait_caught_up('app', '60 s')}), 't', 'and catches up');

# ---- both ways from one side ----

# The writer waits, then asks the other side, and the other way round.
add_far($node);
$at_app->(qq{SELECT hllset_sync.alter_peer('far', node => '$far_id')});
$good = 0;
for my $day (31 .. 40)
{
	$at_app->("INSERT INTO visits VALUES ($day, hllset_of($day))");
	$at_far->("INSERT INTO visits VALUES ($day, hllset_of(-$day))");
	$good++ if $at_app->(q{SELECT hllset_sync.wait_for_peers(timeout => '60 s') AND hllset_sync.wait_caught_up('far', '60 s')}) eq 't'
		&& $at_far->("SELECT # users FROM visits_global WHERE day = $day") eq '2'
		&& $at_app->("SELECT # users FROM visits_global WHERE day = $day") eq '2';
}
is($good, 10, 'what was waited for is there');

# A reader gives a set up, and reads another one on.
$node->safe_psql($_, q{CREATE TABLE more (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('more')}) for 'app', 'far';
$at_far->(qq{SELECT hllset_sync.grant_peer('more', 'app_sync', node => '$app_id'); INSERT INTO more VALUES (1, hllset_of(1))});
poll_ok($node, 'far', q{SELECT hllset_sync.wait_for_peers('visits', '5 s', '{app}') AND hllset_sync.wait_for_peers('more', '5 s', '{app}')}, 'a reader has two sets', 60);
$at_app->(q{SELECT hllset_sync.unregister('visits')});
is($at_far->(q{SELECT hllset_sync.wait_for_peers('visits', '3 s', '{app}')}), 'f', 'it has dropped its copies of one, and confirms it no more');
is($at_far->(q{SELECT hllset_sync.wait_for_peers('more', '60 s', '{app}')}), 't', 'but the other');
$at_app->(q{CALL hllset_sync.register('visits')});
is($at_far->(q{SELECT hllset_sync.wait_for_peers('visits', '120 s', '{app}')}), 't', 'registered anew it has it again');
is($at_app->('SELECT count(*) FROM visits_by_node WHERE node = $$far$$'), $at_far->('SELECT count(*) FROM visits'), 'and has all');

# Pushed only: the reader of before is forgotten, and so is what it confirmed.
$at_far->(q{SELECT hllset_sync.drop_peer('app')});
$at_app->(q{SELECT hllset_sync.drop_consumer('far')});
$good = 0;
for my $day (41 .. 50)
{
	$at_app->("INSERT INTO visits VALUES ($day, hllset_of($day))");
	$good++ if $at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}) eq 't' && $at_far->("SELECT count(*) FROM visits_global WHERE day = $day") eq '1';
}
is($good, 10, 'wait_for_peers() waits for who is pushed to');
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}), 't', 'also if there is nothing new');
$at_far->(q{CALL hllset_sync.drop_origin('app')});
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}), 't', 'copies that were dropped there come back first');
is($at_far->('SELECT count(*) FROM visits_by_node WHERE node = $$app$$'), $at_app->('SELECT count(*) FROM visits'), 'and are there');
my $grant = sprintf(q{SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '%s')}, id_of($node, 'app'));
for my $take_back (q{SELECT hllset_sync.revoke_peer('visits', 'app_sync')}, q{SELECT hllset_sync.unregister('visits')})
{
	$at_far->($take_back);
	$at_far->(q{CALL hllset_sync.drop_origin('app')}) if $take_back =~ /revoke/;
	is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '3 s')}), 'f', "$take_back: they do not, and are not there");
	is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '3 s')}), 'f', 'nor later');
	$at_far->(q{CALL hllset_sync.register('visits')}) if $take_back =~ /unregister/;
	$at_far->($grant);
	is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '120 s')}), 't', 'until they may be pushed again');
	is($at_far->('SELECT count(*) FROM visits_by_node WHERE node = $$app$$'), $at_app->('SELECT count(*) FROM visits'), 'and are there');
}

# A round that began before the call does not count: it may not ask what the call wants to know.
my ($hold, $held, $waited) = ("BEGIN; LOCK hllset_sync.sets IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n", '', '');
my $keeper = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('far') ], '<', \$hold, '>', \$held);
$keeper->pump until $held =~ /locked/;
poll_ok($node, 'postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'far' AND application_name = 'hllset_sync/app' AND wait_event_type = 'Lock'}, 'a round is held at the peer');
my $waiter = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('app'), '-c', q{SELECT hllset_sync.wait_for_peers('visits', '5 s')} ], '>', \$waited);
poll_ok($node, 'postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'SELECT hllset_sync.wait_for_peers%' AND wait_event IN ('Extension', 'HllsetSyncWait')}, 'a call waits');
$hold .= "SELECT hllset_sync.unregister('visits'); COMMIT;\n\\q\n";
$_->finish for $keeper, $waiter;
is($waited, "f\n", 'the peer has dropped them meanwhile');
$at_far->("CALL hllset_sync.register('visits'); $grant");
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '120 s')}), 't', 'and has them again');

# ---- sync_now(), wait_caught_up() ----

# With nothing to wait for they say so, and nothing else.
$at_app->(q{SELECT hllset_sync.pause_peer('far')});
for my $wait ('sync_now', 'wait_caught_up')
{
	my ($rc, $said, $warning) = $node->psql('app', "DO \$\$ DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP PERFORM hllset_sync.$wait(timeout => '1 s'); END LOOP; END \$\$; SELECT hllset_sync.$wait(timeout => '1 s')");
	is("$rc $said $warning", '0 f ', "all peers are paused: $wait()");
}
$at_app->(q{SELECT hllset_sync.resume_peer('far')});

my $rounds = status_of($node, 'far', 'rounds');
is($at_app->(q{SELECT hllset_sync.sync_now('far')}), 't', 'sync_now()');
cmp_ok(status_of($node, 'far', 'rounds'), '>', $rounds, 'is a round');
is($at_app->(q{BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) > 0 FROM visits; SELECT hllset_sync.wait_caught_up('far', '60 s', 'visits'); COMMIT}), "t\nt", 'wait_caught_up() of a set, whatever the isolation level');
is($at_app->(q{SELECT hllset_sync.wait_caught_up('far', '1 s', 'nothing')}), 'f', 'a set that is not pulled is not caught up');
my $id = $at_app->(q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'visits'});
$at_app->("ALTER TABLE hllset_sync.copy_$id ADD CONSTRAINT no_seven CHECK (k1 <> 777)");
$at_far->('INSERT INTO visits VALUES (777, hllset_of(7))');
is($at_app->(q{SELECT hllset_sync.sync_now('far', '30 s')}), 'f', 'sync_now(): a set has an error');
is($at_app->(q{SELECT hllset_sync.wait_caught_up('far', '3 s')}), 'f', 'and is not caught up');
is($at_app->(q{SELECT hllset_sync.wait_caught_up('far', '30 s', 'named')}), 'f', 'one that was never pulled is neither');
$at_app->("ALTER TABLE hllset_sync.copy_$id DROP CONSTRAINT no_seven");
is($at_app->(q{SELECT hllset_sync.wait_caught_up('far', '60 s')}), 't', 'mended');
is($at_app->('SELECT count(*) FROM visits_global WHERE day = 777'), '1', 'it is here');

$at_app->(q{SELECT hllset_sync.pause_peer('far')});
poll_ok($node, 'app', q{SELECT pid IS NULL FROM hllset_sync.status WHERE peer = 'far'}, 'a peer pauses');
$fails->(q{SELECT hllset_sync.wait_caught_up('far')}, qr/ERROR:  peer "far" is paused/, 'a paused peer can not be waited for');
is($at_app->(q{SELECT hllset_sync.wait_caught_up(timeout => '30 s')}), 'f', 'nor is all caught up');
is($at_app->(q{SELECT hllset_sync.wait_for_peers(timeout => '1 s')}), 'f', 'nor is all there');
$at_app->(q{SELECT hllset_sync.resume_peer('far')});
is($at_app->(q{SELECT hllset_sync.wait_caught_up(timeout => '60 s') AND hllset_sync.wait_for_peers(timeout => '60 s')}), 't', 'resumed');

# Rows that no trigger saw, and then a lock, so that nobody can look: no wait says that they are there.
$at_app->(q{INSERT INTO visits VALUES (900, hllset_of(9))});
my ($held_in, $held_out) = ("BEGIN; ALTER TABLE visits DISABLE TRIGGER ALL; INSERT INTO visits VALUES (901, hllset_of(9)); ALTER TABLE visits ENABLE TRIGGER ALL; COMMIT;\n"
	. "BEGIN; LOCK TABLE visits;\n\\echo locked\n", '');
my $holder = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('app') ], '<', \$held_in, '>', \$held_out);
$holder->pump until $held_out =~ /locked/;
my $said = $at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '5 s')});
ok($said eq 'f' || $at_far->('SELECT count(*) FROM visits_by_node WHERE node = $$app$$ AND day = 901') eq '1', "while the table is locked wait_for_peers() says $said");
$held_in .= "COMMIT;\n\\q\n";
$holder->finish;
is($at_app->(q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}), 't', 'when it is not any more, it says t');
is($at_far->('SELECT count(*) FROM visits_by_node WHERE node = $$app$$ AND day >= 900 AND day < 1000'), '2', 'and both rows are there');

# ---- what was waited for survives a crash, though commits here are asynchronous ----

$at_app->('ALTER SYSTEM SET synchronous_commit = off');
$at_app->(q{ALTER SYSTEM SET wal_writer_delay = '10 s'});
$node->restart;
poll_ok($node, 'app', 'SELECT state = $$ok$$ FROM hllset_sync.status', 'sync runs again', 15);
$at_far->('INSERT INTO visits SELECT i, hllset_of(i) FROM generate_series(1000, 1010) i');
is($at_app->(q{SELECT hllset_sync.wait_caught_up('far', '60 s')}), 't', 'caught up, with asynchronous commits');
$node->stop('immediate');
$node->append_conf('postgresql.conf', 'hllset_sync.enabled = off');
$node->start;
is($at_app->('SELECT count(*) FROM visits_by_node WHERE node = $$far$$ AND day >= 1000'), '11', 'what was caught up is still here after a crash');
$node->append_conf('postgresql.conf', 'hllset_sync.enabled = on');
$node->reload;

# ---- a database that may not sync ----

$node->safe_psql('app', q{UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'hllset_sync'; SELECT hllset_sync.pause_peer('far'), hllset_sync.resume_peer('far')});
state_is($node, 'far', 'error', 'restart the server', 'another version of the extension than of the library', 15);
poll_ok($node, 'app', q{SELECT pid IS NULL FROM hllset_sync.status}, 'no worker runs');
$node->safe_psql('app', q{UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'hllset_sync'});
state_is($node, 'far', 'ok', undef, 'the right one', 15);

$node->safe_psql('app', 'UPDATE hllset_sync.peers SET enabled_by = gen_random_uuid()');
state_is($node, 'far', 'paused', 'resume_peer', 'a peer of a restored dump is paused', 15);
$node->safe_psql('app', q{SELECT hllset_sync.resume_peer('far')});
state_is($node, 'far', 'ok', undef, 'until it is resumed');

$node->safe_psql('app', 'UPDATE hllset_sync.node SET dboid = 1');
state_is($node, 'far', 'identity', 'keep_identity', 'a database that is a copy does not sync', 15);
$node->safe_psql('app', 'SELECT hllset_sync.keep_identity()');
state_is($node, 'far', 'ok', undef, 'until it is said what it is', 15);
$node->stop;
done_testing();
