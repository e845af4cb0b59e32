# SPDX-License-Identifier: PostgreSQL
# Two nodes with workers of their own: what one confirms of the other, and what keeps a database from being synced.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use Workers;

my $node = worker_node('wait', "hllset_sync.databases = 'app, far'\n");
my ($host, $port) = ($node->host, $node->port);

# far reads from app and tells how far it got; app does not know far as a peer.
$node->safe_psql('app', q{CREATE ROLE far_sync LOGIN; SELECT hllset_sync.grant_peer('visits', 'far_sync')});
$node->safe_psql('far', qq{
	CREATE SERVER app FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname 'app', sslmode 'disable');
	CREATE USER MAPPING FOR hllset_worker SERVER app OPTIONS (user 'far_sync', password_required 'false');
	SELECT hllset_sync.add_peer('app', 'pull')});
$node->safe_psql('app', 'INSERT INTO visits SELECT i, hllset_of(i) FROM generate_series(1, 10) i');
poll_ok($node, 'app', q{SELECT acked_seq = 10 AND behind = 0 AND role = 'far_sync' AND node_name = 'far' FROM hllset_sync.consumers WHERE set_name = 'visits'},
	'a consumer is known');

my $good = 0;
for my $day (11 .. 20)
{
	$node->safe_psql('app', "INSERT INTO visits VALUES ($day, hllset_of($day))");
	$good++ if $node->safe_psql('app', q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}) eq 't'
		&& $node->safe_psql('far', 'SELECT count(*) FROM visits_global') eq $day;
}
is($good, 10, 'wait_for_peers() waits for who pulls');

# Nothing is written, yet it is seen that the consumer is there.
my $seen = $node->safe_psql('app', q{SELECT last_seen FROM hllset_sync.consumers WHERE set_name = 'visits'});
poll_ok($node, 'app', qq{SELECT last_seen > '$seen' FROM hllset_sync.consumers WHERE set_name = 'visits'}, 'last_seen moves without changes', 60);

$node->safe_psql('far', q{SELECT hllset_sync.pause_peer('app')});
poll_ok($node, 'far', q{SELECT state = 'paused' AND pid IS NULL FROM hllset_sync.status}, 'the consumer pauses');
$node->safe_psql('app', 'INSERT INTO visits VALUES (21, hllset_of(21))');
is($node->safe_psql('app', q{SELECT hllset_sync.wait_for_peers('visits', '1 s')}), 'f', 'a consumer that is away is not up to date');
is($node->safe_psql('app', q{SELECT behind FROM hllset_sync.consumers WHERE set_name = 'visits'}), '1', 'it is behind');
$node->safe_psql('app', q{SELECT hllset_sync.revoke_peer('visits', 'far_sync')});
is($node->safe_psql('app', q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}), 't', 'one whose right was revoked is no consumer');
is($node->safe_psql('app', 'SELECT count(*) FROM hllset_sync.consumers'), '0', 'nor shown as one');

# Both ways from one side. The writer waits, then asks the other side, and the other way round.
add_far($node);
$good = 0;
for my $day (31 .. 40)
{
	$node->safe_psql('app', "INSERT INTO visits VALUES ($day, hllset_of($day))");
	$node->safe_psql('far', "INSERT INTO visits VALUES ($day, hllset_of(-$day))");
	$good++ if $node->safe_psql('app', q{SELECT hllset_sync.wait_for_peers(timeout => '60 s') AND hllset_sync.wait_caught_up('far', '60 s')}) eq 't'
		&& $node->safe_psql('far', "SELECT # users FROM visits_global WHERE day = $day") eq '2'
		&& $node->safe_psql('app', "SELECT # users FROM visits_global WHERE day = $day") eq '2';
}
is($good, 10, 'what was waited for is there');

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
