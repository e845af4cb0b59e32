# SPDX-License-Identifier: PostgreSQL
# Rows reach a peer and leave it again: first sync, pull, push, both, from one side and from both.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use Test::More;

my $eu = new_node('eu');
my $us = new_node('us');
add_set($_, 'daily') for $eu, $us;
add_rows($eu, 'daily', 1, 50);
add_rows($us, 'daily', 40, 90);

# ---- one direction ----

add_peer($eu, $us, direction => 'pull');
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'first pull');
is(copies_of($us, 'daily', $eu), '', 'a pull sends nothing');
is(lane($eu, $us, 'daily', 'pull', 'state'), 'ok', 'the relation is ok');
is(lane($eu, $us, 'daily', 'pull', 'cursor_seq = head_seq AND cursor_seq > 0'), 't', 'the cursor has reached the head');
is(lane($eu, $us, 'daily', 'push', '1'), '', 'there is no other lane');

$eu->safe_psql('postgres', "SELECT hllset_sync.alter_peer('us', 'push')");
run_round($eu, $us);
is_synced($us, 'daily', $eu, 'first push');
add_rows($us, 'daily', 91, 95);
run_round($eu, $us);
is(copies_of($eu, 'daily', $us) =~ /^91\|/m, '', 'a push brings nothing');

# ---- both directions from one side ----

$eu->safe_psql('postgres', "SELECT hllset_sync.alter_peer('us', 'both')");
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'both: pull');

my $in_sync = sub {
	my ($what) = @_;
	run_round($eu, $us);
	is_synced($eu, 'daily', $us, "$what: eu has the rows of us");
	is_synced($us, 'daily', $eu, "$what: us has the rows of eu");
	is($eu->safe_psql('postgres', 'SELECT day, hllset_send(visitors) FROM daily_global ORDER BY day'),
		$us->safe_psql('postgres', 'SELECT day, hllset_send(visitors) FROM daily_global ORDER BY day'), "$what: the global views are equal");
};

my $change_both = sub {
	my ($statement) = @_;
	$_->safe_psql('postgres', $statement) for $eu, $us;
};

$change_both->(q{UPDATE daily SET visitors = visitors | hll_add_agg FROM (SELECT hll_add_agg(x, 12) FROM generate_series(1, 500) x) y WHERE day % 7 = 0});
$in_sync->('rows grew');
$change_both->(q{UPDATE daily SET visitors = (SELECT hll_add_agg(x, 12) FROM generate_series(1, 2) x) WHERE day % 5 = 0});
$in_sync->('rows were made anew and smaller');
$change_both->('DELETE FROM daily WHERE day % 3 = 0');
$in_sync->('rows were deleted');
$change_both->('UPDATE daily SET day = day + 1000 WHERE day % 2 = 0');
$in_sync->('keys changed');
$change_both->('BEGIN; DELETE FROM daily WHERE day = 1; ROLLBACK');
$in_sync->('nothing happened');
$eu->safe_psql('postgres', "TRUNCATE daily");
$in_sync->('a table was truncated');
is(copies_of($us, 'daily', $eu), '', 'nothing is left of it');
$eu->safe_psql('postgres', "BEGIN; TRUNCATE daily; INSERT INTO daily SELECT 7, hll_add_agg(7, 12); COMMIT");
$in_sync->('a table was truncated and filled');
$us->safe_psql('postgres', "INSERT INTO daily SELECT 8, hll_add_agg(8, 12) ON CONFLICT DO NOTHING; TRUNCATE daily; INSERT INTO daily SELECT 9, hll_add_agg(9, 12)");
add_rows($eu, 'daily', 2000, 5500);
$in_sync->('more rows than one batch has');

# ---- both sides ----

add_peer($us, $eu, direction => 'both');
add_rows($_, 'daily', 6000, 6010) for $eu, $us;
run_round($us, $eu);
is_synced($eu, 'daily', $us, 'the other side: push');
is_synced($us, 'daily', $eu, 'the other side: pull');
$in_sync->('both sides');

# ---- small batches ----

$_->append_conf('postgresql.conf', "hllset_sync.max_batch_rows = 3\n") for $eu, $us;
$_->reload for $eu, $us;
add_rows($_, 'daily', 7000, 7100) for $eu, $us;
$change_both->('DELETE FROM daily WHERE day BETWEEN 6000 AND 6005');
$in_sync->('small batches');

# ---- values that are no sets ----

# Peers keep the last good copy of a row whose value can't be sent, whatever else is brought or compared, until it is mended or gone.
{
	my $good = copies_of($eu, 'daily', $us);
	my @days = split /\n/, $us->safe_psql('postgres', 'SELECT day FROM daily ORDER BY day LIMIT 3');
	# The column's modifier takes none: they come past it.
	my ($modifier, $column) = ('UPDATE pg_attribute SET atttypmod', q{WHERE attrelid = 'daily'::regclass AND attname = 'visitors'});
	$us->safe_psql('postgres', "$modifier = -1 $column; UPDATE daily SET visitors = a & b FROM (SELECT hll_add_agg(i, 12) FILTER (WHERE i < 6000) AS a, hll_add_agg(i, 12) FILTER (WHERE i > 3000) AS b FROM generate_series(1, 9000) i) x WHERE day IN ($days[0], $days[1], $days[2]); $modifier = 12 $column");
	run_round($eu, $us);
	is_same(copies_of($eu, 'daily', $us), $good, 'peers keep what they have of a row that holds an expression');
	like($us->safe_psql('postgres', "SELECT state, last_error FROM hllset_sync.set_status WHERE set_name = 'daily' LIMIT 1"),
		qr/^error\|row \($days[0]\) holds an expression/, 'the source names the row');
	add_rows($us, 'daily', 8000, 8010);
	run_round($eu, $us);
	like(copies_of($eu, 'daily', $us), qr/^8010\|/m, 'other rows go on');
	my $before = copies_of($eu, 'daily', $us);
	$eu->safe_psql('postgres', "CALL hllset_sync.verify('daily', 'us')");
	is_same(copies_of($eu, 'daily', $us), $before, 'a comparison drops nothing');
	my $head = $us->safe_psql('postgres', "SELECT head FROM hllset_sync.sets WHERE set_name = 'daily'");
	is($us->safe_psql('postgres', "CALL hllset_sync.rescan('daily'); SELECT head FROM hllset_sync.sets WHERE set_name = 'daily'"), $head, 'nor does a rescan find anything');
	$us->safe_psql('postgres', "UPDATE daily SET visitors = hllset_of(2)::hllset(12) WHERE day = $days[0]; DELETE FROM daily WHERE day = $days[1]");
	run_round($eu, $us);
	unlike(copies_of($eu, 'daily', $us), qr/^$days[1]\|/m, 'deleted, it goes');
	$us->safe_psql('postgres', "UPDATE daily SET visitors = hllset_of(3)::hllset(12) WHERE day = $days[2]");
	run_round($eu, $us);
	is_synced($eu, 'daily', $us, 'mended, it comes');
	is($us->safe_psql('postgres', "SELECT state FROM hllset_sync.sets WHERE set_name = 'daily'"), 'ok', 'and the source is well');
}

# ---- sets ----

add_set($_, 'hourly') for $eu, $us;
add_set($eu, 'only_here');
add_rows($_, 'hourly', 1, 3) for $eu, $us;
run_round($eu, $us);
is_synced($eu, 'hourly', $us, 'a second set');
is(lane($eu, $us, 'only_here', 'pull', '1'), '', 'a set of one node is no matter');
$eu->safe_psql('postgres', "SELECT hllset_sync.alter_peer('us', NULL, ARRAY['hourly', 'only_here'])");
add_rows($us, $_, 10, 11) for 'daily', 'hourly';
run_round($eu, $us);
is_synced($eu, 'hourly', $us, 'a set of the list');
is(copies_of($eu, 'daily', $us) =~ /^10\|/m, '', 'a set that is not on the list is left alone');
is(lane($eu, $us, 'only_here', 'pull', 'state, sqlstate'), 'absent|HS002', 'one that the peer lacks is an error');

# ---- pauses ----

$eu->safe_psql('postgres', "SELECT hllset_sync.pause_peer('us', 'holiday')");
round_fails($eu, $us, '55000', qr/is paused: holiday/, 'a paused peer');
$eu->safe_psql('postgres', "SELECT hllset_sync.resume_peer('us')");
run_round($eu, $us);
$eu->safe_psql('postgres', "SELECT hllset_sync.drop_peer('us')");
round_fails($eu, $us, '42704', qr/is not a peer/, 'a dropped peer');
isnt(copies_of($eu, 'hourly', $us), '', 'whose copies stay');

# ---- where a round may run ----

like(($us->psql('postgres', "BEGIN; CALL hllset_sync.run_round('eu')"))[2], qr/cannot run inside a transaction/, 'not in a transaction block');
like(($us->psql('postgres', "DO \$\$ BEGIN PERFORM 1; CALL hllset_sync.run_round('eu'); END \$\$"))[2], qr/^$/, 'in a DO block that may commit');
like(($us->psql('postgres', "CALL hllset_sync.verify('daily', 'eu')"))[1], qr/^2048\|0\|0\|0$/, 'verify finds nothing');

done_testing();
