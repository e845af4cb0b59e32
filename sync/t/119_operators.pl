# SPDX-License-Identifier: PostgreSQL
# Day to day: one set is paused, resumed and compared anew while the others go on, what was granted is paused, and waits name nodes.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest qw(proxy_to proxy);
use Test::More;
use Time::HiRes qw(sleep time);
use Workers;

my $node = worker_node('operators', "hllset_sync.databases = 'app, far'\nhllset_sync.chunk_rows = 1000\n");
my $proxy = proxy_to($node);
my $at_app = sub { $node->safe_psql('app', $_[0]) };
my $at_far = sub { $node->safe_psql('far', $_[0]) };
my $fails = sub {
	my ($database, $statement, $error, $name, @more) = @_;
	return like(($node->psql($database, $statement, @more))[2], $error, $name);
};
my $state = sub {
	my ($set, $state, $error, $name) = @_;
	return poll_ok($node, 'app', "SELECT bool_and(state = '$state' AND coalesce(last_error, '') LIKE '%$error%') AND count(*) = 2 FROM hllset_sync.set_status WHERE set_name = '$set' AND node_name = 'far'", $name, 20);
};
my $day = 0;
# A row that is written there comes here, by itself.
my $comes = sub {
	my ($set, $name) = @_;
	$at_far->("INSERT INTO $set VALUES (" . ++$day . ", hllset_of($day))");
	return poll_ok($node, 'app', "SELECT count(*) = 1 FROM ${set}_by_node WHERE day = $day AND node = 'far'", $name, 20);
};
my $rounds_pass = sub {
	my $rounds = status_of($node, 'far', 'rounds');
	return poll_ok($node, 'app', "SELECT rounds > $rounds + 3 FROM hllset_sync.status WHERE peer = 'far'", 'rounds pass', 20);
};

for my $set (qw(other large))
{
	$node->safe_psql($_, "CREATE TABLE $set (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('$set')") for 'app', 'far';
}
my ($app_id, $far_id) = map { id_of($node, $_) } 'app', 'far';
$at_far->("SELECT hllset_sync.grant_peer('$_', 'app_sync', node => '$app_id')") for qw(other large);
add_server($node, 'far', "host '127.0.0.1', port '$proxy->{port}', dbname 'far'");
$at_app->("INSERT INTO $_ SELECT -i, hllset_of(i) FROM generate_series(1, 9) i") for qw(visits other);
$at_far->("INSERT INTO $_ SELECT -i, hllset_of(i) FROM generate_series(1, 9) i") for qw(visits other);
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '60 s') AND hllset_sync.wait_for_peers(timeout => '60 s')"), 't', 'all is synced');

# ---- one set is paused ----

$at_app->("SELECT hllset_sync.pause_set('far', 'visits', 'we look at it')");
$state->('visits', 'paused', 'we look at it', 'a set is paused, with the reason');
$at_far->('INSERT INTO visits VALUES (1000, hllset_of(1))');
$at_app->('INSERT INTO visits VALUES (1000, hllset_of(1))');
$comes->('other', 'another set goes on');
$rounds_pass->();
is($at_app->('SELECT count(*) FROM visits_by_node WHERE day = 1000'), '1', 'nothing comes of the paused one');
is($at_far->('SELECT count(*) FROM visits_by_node WHERE day = 1000'), '1', 'nor goes there');
$state->('visits', 'paused', 'we look at it', 'and it stays paused');
is(status_of($node, 'far', 'state, failed_sets'), 'ok|1', 'the peer is well');
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '30 s', 'visits')"), 'f', 'who waits for it is told that it does not come');
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '60 s', 'other')"), 't', 'who waits for another that it is there');
my $remedy = $at_app->("SELECT remedy FROM hllset_sync.attention WHERE reason = 'paused' AND set_name = 'visits' LIMIT 1");
is($remedy, "SELECT hllset_sync.resume_set('far', 'visits')", 'attention says how to go on');
$node->restart;
state_is($node, 'far', 'ok', undef, 'after a restart', 30);
$state->('visits', 'paused', 'we look at it', 'it is still paused');
$at_app->("SELECT hllset_sync.pause_peer('far'), hllset_sync.resume_peer('far')");
state_is($node, 'far', 'ok', undef, 'nor does resuming the peer', 30);
$state->('visits', 'paused', 'we look at it', 'go on with it');
$at_app->($remedy);
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '60 s', 'visits') AND hllset_sync.wait_for_peers('visits', '60 s')"), 't', 'resumed, it is waited for');
is($at_app->('SELECT count(*) FROM visits_by_node WHERE day = 1000') . $at_far->('SELECT count(*) FROM visits_by_node WHERE day = 1000'), '22', 'and all is there');
$state->('visits', 'ok', '', 'it is ok');

# However it meets the rounds.
for my $try (1 .. 10)
{
	sleep rand 0.3;
	$at_app->("SELECT hllset_sync.pause_set('far', 'visits')");
	$rounds_pass->() if $try == 10;
	$at_app->("SELECT hllset_sync.sync_now('far')");
	my $kept = $at_app->("SELECT count(*) FROM hllset_sync.relations WHERE set_name = 'visits' AND state = 'paused'");
	is($kept, '2', 'a pause is not lost') if $kept != 2 || $try == 10;
	$at_app->("SELECT hllset_sync.resume_set('far', 'visits')");
}
$comes->('visits', 'and ends');

$fails->('app', "SELECT hllset_sync.pause_set('far', 'typo')", qr/ERROR:  there is no set "typo"/, 'no such set');
$fails->('app', "SELECT hllset_sync.pause_set('away', 'visits')", qr/ERROR:  server "away" does not exist/, 'no such server');
$fails->('app', "SELECT hllset_sync.pause_set('far', NULL)", qr/ERROR:  there is no set ""/, 'no set');
$fails->('app', "SELECT hllset_sync.resume_set('far', 'visits')", qr/ERROR:  set "visits" is not synced with peer "far", or not in a state for this/, 'what is not paused is not resumed');
$fails->('app', "SELECT hllset_sync.resync_set('far', 'named')", qr/ERROR:  set "named" is not synced with peer "far"/, 'what is not synced is not compared');

# ---- one set is compared anew ----

my %copy = map { $_ => 'hllset_sync.copy_' . $node->safe_psql($_, q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'visits'}) } 'app', 'far';
$node->safe_psql($_, "DELETE FROM $copy{$_} WHERE k1 = -3; UPDATE $copy{$_} SET digest = gen_random_uuid(), s1 = NULL WHERE k1 = -4") for 'app', 'far';
$rounds_pass->();
is($node->safe_psql($_, 'SELECT count(users) FROM visits_by_node WHERE day IN (-3, -4)'), '2', "$_: copies were damaged") for 'app', 'far';
$at_app->("SELECT hllset_sync.resync_set('far', 'visits')");
poll_ok($node, $_, 'SELECT count(users) = 4 FROM visits_by_node WHERE day IN (-3, -4)', "$_: compared anew, they are whole", 20) for 'app', 'far';
poll_ok($node, 'app', 'SELECT sum(resyncs) = 0 FROM hllset_sync.relations', 'and nothing is left to be compared', 20);

# The others don't wait for it. A row of another set is here as soon as if nothing were compared. The way to the peer takes so long that the comparison does
# not end at once, however fast the machine is.
$at_far->('INSERT INTO large SELECT i, hllset_of(i) FROM generate_series(1, 20000) i');
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '300 s', 'large')"), 't', 'a large set');
my $large = 'hllset_sync.copy_' . $at_app->(q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'large'});
$at_app->("UPDATE $large SET digest = gen_random_uuid()");
proxy($proxy, 'latency 20');
$at_app->("SELECT hllset_sync.resync_set('far', 'large')");
my ($latest, $stalest, $looks) = (0, 0, 0);
while ($looks < 200 && $at_app->("SELECT sum(resyncs) FROM hllset_sync.relations WHERE set_name = 'large'") > 0)
{
	$looks++;
	$at_far->('INSERT INTO other VALUES (' . ++$day . ", hllset_of($day))");
	my $start = time;
	sleep 0.02 until $at_app->("SELECT count(*) FROM other_by_node WHERE day = $day AND node = 'far'") || time - $start > 60;
	$latest = time - $start if time - $start > $latest;
	my $staleness = status_of($node, 'far', 'extract(epoch FROM staleness)');
	$stalest = $staleness if $staleness > $stalest;
}
proxy($proxy, 'heal');
note("$looks rows of another set came meanwhile, the last one after $latest s; staleness at most $stalest s");
cmp_ok($looks, '>', 1, 'a large set is compared in parts');
ok(in_time($latest, 2.2), sprintf('meanwhile another set is %.2f s late at most', $latest));
ok(in_time($stalest, 2.2), sprintf('and the peer %.2f s', $stalest));
poll_ok($node, 'app', "SELECT count(*) = 20000 FROM $large c JOIN hllset_sync.origins o USING (origin_id) WHERE digest = hllset_sync.row_digest(s1)", 'then it is whole', 120);

# ---- what was granted is paused ----

$at_far->("SELECT hllset_sync.pause_grant('visits', 'app_sync', 'moving house')");
$state->('visits', 'refused', 'moving house', 'there it is refused, with the reason');
$at_far->('INSERT INTO visits VALUES (1001, hllset_of(1))');
$at_app->('INSERT INTO visits VALUES (1001, hllset_of(1))');
$comes->('other', 'another set goes on');
$rounds_pass->();
is($at_app->('SELECT count(*) FROM visits_by_node WHERE day = 1001') . $at_far->('SELECT count(*) FROM visits_by_node WHERE day = 1001'), '11', 'nothing comes or goes');
is($at_far->("SELECT DISTINCT state, last_error FROM hllset_sync.set_status WHERE set_name = 'visits' AND node_name = 'app'"), 'paused|moving house', 'here it is shown who is paused, and why');
is($at_far->("SELECT paused FROM hllset_sync.consumers WHERE set_name = 'visits' AND node_name = 'app'"), 'moving house', 'among the readers, too');
like($at_app->("SELECT why || remedy FROM hllset_sync.attention WHERE reason = 'refused' AND set_name = 'visits' LIMIT 1"), qr/moving house.*resume_grant/, 'attention there has both');
my $there = $at_far->("SELECT remedy FROM hllset_sync.attention WHERE reason = 'paused' AND set_name = 'visits' AND why LIKE '%moving house'");
is($there, "SELECT hllset_sync.resume_grant('visits', 'app_sync')", 'and attention here');
for my $call ("SELECT hllset_sync.p_changes('visits', 0, NULL, 10, 10, 1000)", "SELECT hllset_sync.p_fetch('visits', '{}', 1000)",
	"CALL hllset_sync.p_receive('visits', '$app_id', 'app', 'changes', 0, NULL, 0, '{}', '{}', '{}', 0, NULL, false)")
{
	$fails->('far', $call, qr/ERROR:  set "visits" is paused for role "app_sync": moving house/, "refused with the reason: $call", extra_params => [ '-U', 'app_sync' ]);
}
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '30 s', 'visits')"), 'f', 'who waits is told that it does not come');
$at_far->($there);
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '60 s', 'visits') AND hllset_sync.wait_for_peers('visits', '60 s')"), 't', 'resumed, it is waited for');
is($at_app->('SELECT count(*) FROM visits_by_node WHERE day = 1001') . $at_far->('SELECT count(*) FROM visits_by_node WHERE day = 1001'), '22', 'and all is there');
is($at_far->('SELECT count(paused), count(held_pull), bool_and(pull AND push) FROM hllset_sync.acl'), '0|0|t', 'as it was granted');

$at_far->("SELECT hllset_sync.grant_peer(NULL, 'app_sync', node => '$app_id')");
$at_far->("SELECT hllset_sync.pause_grant(NULL, 'app_sync')");
$state->($_, 'refused', 'no reason was given', "of all sets: $_") for qw(visits other);
$at_far->("CREATE TABLE later (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('later')");
is($at_far->("SELECT a.pull, a.push, a.paused IS NULL FROM hllset_sync.acl a JOIN hllset_sync.sets s USING (set_id) WHERE s.set_name = 'later'"), 'f|f|f', 'and of one that comes later');
is(status_of($node, 'far', 'state'), 'ok', 'the peer is well itself');
$at_far->("SELECT hllset_sync.grant_peer('visits', 'app_sync')");
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '60 s', 'visits')"), 't', 'granting anew ends a pause');
$at_far->("SELECT hllset_sync.resume_grant(NULL, 'app_sync')");
is($at_app->("SELECT hllset_sync.wait_caught_up('far', '60 s')"), 't', 'so does resuming all');
is($at_far->('SELECT count(paused), count(held_pull), bool_and(pull AND push) FROM hllset_sync.acl'), '0|0|t', 'all are as they were granted');
is($at_far->('SELECT count(paused) FROM hllset_sync.acl_all'), '0', 'in future, too');
$fails->('far', "SELECT hllset_sync.pause_grant('visits', 'reader')", qr/ERROR:  role "reader" was granted no set of yours that is called "visits"/, 'nobody is paused who was granted nothing');
$fails->('far', "SELECT hllset_sync.pause_grant(NULL, 'app_sync')", qr/ERROR:  role "app_sync" was granted no set of yours/, 'nor by somebody else', extra_params => [ '-U', 'reader' ]);

# ---- waits ----

for my $name ('far', $far_id)
{
	is($at_app->("SELECT hllset_sync.sync_now(timeout => '60 s', nodes => '{$name}') AND hllset_sync.wait_caught_up(timeout => '60 s', nodes => '{$name}')"), 't', "a node named as $name");
}
$fails->('app', "SELECT hllset_sync.$_(nodes => '{far, away}')", qr/ERROR:  node "away" is no peer/, "$_: a node that is none") for qw(sync_now wait_caught_up);
$at_app->("SELECT hllset_sync.pause_peer('far')");
$fails->('app', "SELECT hllset_sync.$_(nodes => '{$far_id}')", qr/ERROR:  peer "far" is paused/, "$_: a node that is paused") for qw(sync_now wait_caught_up);
$at_app->("SELECT hllset_sync.resume_peer('far')");
state_is($node, 'far', 'ok', undef, 'resumed', 20);

# A set that is given back is asked for again before anybody is told that it is gone.
my $good = 0;
for (1 .. 8)
{
	$at_far->("SELECT hllset_sync.revoke_peer('visits', 'app_sync')");
	$at_app->("SELECT hllset_sync.sync_now('far', '60 s')") for 1 .. 2;
	$state->('visits', 'withdrawn', '', 'a grant is taken back');
	$at_far->('INSERT INTO visits VALUES (' . ++$day . ", hllset_of($day)); SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '$app_id')");
	$good++ if $at_app->("SELECT hllset_sync.wait_caught_up('far', '60 s', 'visits')") eq 't' && $at_app->("SELECT count(*) FROM visits_by_node WHERE day = $day AND node = 'far'") eq '1';
}
is($good, 8, 'and given again, which a wait finds by itself');

for my $change ("SELECT hllset_sync.alter_peer('far', sets => '{visits}')", "SELECT hllset_sync.pause_set('far', 'visits')", 'ALTER SERVER far OPTIONS (ADD connect_timeout $$5$$)')
{
	for my $wait ("sync_now('far')", "wait_caught_up('far')", 'wait_for_peers()')
	{
		$fails->('app', "BEGIN; $change; SELECT hllset_sync.$wait; ROLLBACK", qr/ERROR:  peers were changed in this transaction.*\nHINT:  Commit it first/, "$wait in a transaction that says: $change");
	}
}
is($at_app->("BEGIN; INSERT INTO visits VALUES (" . ++$day . ", hllset_of(1)); SELECT hllset_sync.wait_caught_up('far', '60 s'); COMMIT"), 't', 'in one that has changed nothing of them it waits');

$node->stop;
done_testing();
