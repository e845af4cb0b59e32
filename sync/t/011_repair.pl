# SPDX-License-Identifier: PostgreSQL
# Copies become right again where the feed alone can't do it: forgotten deletions, undone histories, damage; pulled and pushed.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use Test::More;

my $eu = new_node('eu', conf => "hllset_sync.tombstone_keep = '15s'\n");
my $us = new_node('us', conf => "hllset_sync.tombstone_keep = '15s'\n");
add_set($_, 'daily') for $eu, $us;
add_peer($eu, $us);
add_rows($_, 'daily', 1, 3000) for $eu, $us;
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'first sync: pulled');
is_synced($us, 'daily', $eu, 'first sync: pushed');

my $orphans = sub {
	my ($node, $origin) = @_;
	return $node->safe_psql('postgres', "SELECT orphans, rewinds FROM hllset_sync.cursors JOIN hllset_sync.origins USING (origin_id) JOIN hllset_sync.sets USING (set_id)"
			. " WHERE node_name = '" . $origin->name . "' AND set_name = 'daily'");
};

# ---- deletions that were forgotten ----

$_->safe_psql('postgres', 'DELETE FROM daily WHERE day BETWEEN 100 AND 150; CALL hllset_sync.p_advance()') for $eu, $us;
# Numbers of one nonce, which goes on for a tenth of tombstone_keep, are forgotten together: those that follow are to have another one.
sleep 4;
for my $node ($eu, $us)
{
	add_rows($node, 'daily', 3001, 3010);
	$node->safe_psql('postgres', 'CALL hllset_sync.p_advance()');
}
# Longer than that, and by far less than the ten times after which more is forgotten.
sleep 16;
for my $node ($eu, $us)
{
	$node->safe_psql('postgres', 'CALL hllset_sync.prune()');
	is($node->safe_psql('postgres', "SELECT floor > 0 FROM hllset_sync.sets WHERE set_name = 'daily'"), 't', $node->name . ' has forgotten deletions');
}
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'forgotten deletions, pulled');
is_synced($us, 'daily', $eu, 'forgotten deletions, pushed');
is($orphans->($eu, $us), '0|0', 'they are no orphans here');
is($orphans->($us, $eu), '0|0', 'nor there');
add_rows($_, 'daily', 3011, 3020) for $eu, $us;
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'the feed goes on, pulled');
is_synced($us, 'daily', $eu, 'the feed goes on, pushed');

# ---- an owner goes back in time ----

# The owner's head passes the copies' cursor again, with other rows.
my $rewind = sub {
	my ($owner, $copier, $what) = @_;
	save_node($owner);
	add_rows($owner, 'daily', 4001, 4060);
	$owner->safe_psql('postgres', 'DELETE FROM daily WHERE day = 1; UPDATE daily SET visitors = visitors | hll_add_agg FROM (SELECT hll_add_agg(1, 12)) x WHERE day = 2');
	run_round($eu, $us);
	is_synced($copier, 'daily', $owner, "$what: before");
	my $lost = $copier->safe_psql('postgres', "SELECT day, hllset_send(visitors) FROM daily_by_node WHERE node = '" . $owner->name . "' AND day BETWEEN 4001 AND 4060 ORDER BY day");
	restore_node($owner);
	add_rows($owner, 'daily', 5001, 5200);
	my $err = run_round($eu, $us);
	like($err, qr/WARNING:  hllset_sync: set "daily": history of node ${\$owner->name} was rewound; reconciling; 60 rows kept that it no longer has/, "$what: it is said");
	is_same($copier->safe_psql('postgres', "SELECT day, hllset_send(visitors) FROM daily_by_node WHERE node = '" . $owner->name . "' AND day BETWEEN 4001 AND 4060 ORDER BY day"), $lost,
		"$what: rows that only the copies still have are kept");
	is($orphans->($copier, $owner), '60|1', "$what: and counted");
	is_same($copier->safe_psql('postgres', "SELECT day, md5(hllset_send(visitors)) FROM daily_by_node WHERE node = '" . $owner->name . "' AND day NOT BETWEEN 4001 AND 4060 ORDER BY day"),
		rows_of($owner, 'daily'), "$what: all others are as their owner has them");
	is(run_round($eu, $us), '', "$what: once");
	add_rows($owner, 'daily', 4001, 4020);
	run_round($eu, $us);
	is($copier->safe_psql('postgres', "SELECT count(*) FROM daily_by_node WHERE node = '" . $owner->name . "' AND day BETWEEN 4001 AND 4060"), '60', "$what: orphans may get an owner again");
};
$rewind->($us, $eu, 'the source of a pull goes back');
$rewind->($eu, $us, 'the source of a push goes back');

# ---- copies go back in time ----

my $sink_back = sub {
	my ($owner, $copier, $what) = @_;
	save_node($copier);
	add_rows($owner, 'daily', 6001, 6100);
	$owner->safe_psql('postgres', 'DELETE FROM daily WHERE day BETWEEN 6001 AND 6010 OR day BETWEEN 1 AND 10');
	run_round($eu, $us);
	restore_node($copier);
	is(run_round($eu, $us), '', "$what: nothing to be said");
	is_same($copier->safe_psql('postgres', "SELECT day, md5(hllset_send(visitors)) FROM daily_by_node WHERE node = '" . $owner->name . "' AND NOT day BETWEEN 4021 AND 4060 ORDER BY day"),
		rows_of($owner, 'daily'), "$what: copies are right again");
};
$sink_back->($us, $eu, 'the sink of a pull goes back');
$sink_back->($eu, $us, 'the sink of a push goes back');

# ---- damage ----

my $id = $eu->safe_psql('postgres', "SELECT set_id FROM hllset_sync.sets WHERE set_name = 'daily'");
for my $node ($eu, $us)
{
	$node->safe_psql('postgres', "DELETE FROM hllset_sync.copy_$id WHERE k1 BETWEEN 20 AND 29; "
			. "UPDATE hllset_sync.copy_$id SET s1 = hllset_empty(12), digest = gen_random_uuid() WHERE k1 BETWEEN 30 AND 39; "
			. "UPDATE hllset_sync.copy_$id SET k1 = -k1 WHERE k1 BETWEEN 40 AND 49");
}
like($eu->safe_psql('postgres', "CALL hllset_sync.verify('daily', 'us')"), qr/^2048\|\d+\|80\|0$/, 'verify tells what it repairs');
is_same($_->[0]->safe_psql('postgres', "SELECT day, md5(hllset_send(visitors)) FROM daily_by_node WHERE node = '" . $_->[1]->name . "' AND NOT day BETWEEN 4021 AND 4060 ORDER BY day"),
	rows_of($_->[1], 'daily'), 'copies at ' . $_->[0]->name . ' are right') for [ $eu, $us ], [ $us, $eu ];
is($eu->safe_psql('postgres', "CALL hllset_sync.verify('daily', 'us')"), '2048|0|0|0', 'once');

# What passed the triggers by at its owner is found first, but not more often than once an hour.
$_->safe_psql('postgres', "BEGIN; INSERT INTO daily VALUES (7001, hllset_of(7001)::hllset(12)); DELETE FROM hllset_sync.dirty_$id; DELETE FROM hllset_sync.pending; COMMIT") for $eu, $us;
my $unseen = sub { return join ' ', map { $_->safe_psql('postgres', "SELECT count(*) FROM daily_by_node WHERE day = 7001") } $eu, $us };
is($eu->safe_psql('postgres', "CALL hllset_sync.verify('daily', 'us')"), '2048|0|0|0', 'copies are as the index, which was compared with the table lately');
is($unseen->(), '1 1', 'so a row that no trigger saw is not there');
$_->safe_psql('postgres', 'UPDATE hllset_sync.sets SET scanned_at = -3600') for $eu, $us;
is($eu->safe_psql('postgres', "CALL hllset_sync.verify('daily', 'us')"), '2048|0|0|0', 'an hour later owners look at their tables first');
is($unseen->(), '2 2', 'and the row comes');
like(($eu->psql('postgres', "CALL hllset_sync.verify('nosuch', 'us')"))[2], qr/set "nosuch" is not synced with peer "us"/, 'verify of no set');

done_testing();
