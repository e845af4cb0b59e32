# SPDX-License-Identifier: PostgreSQL
# Point-in-time recovery of a node, which so loses its last rows, and its last copies of the peer's: one round later no row is missing anywhere.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use Test::More;

my $eu = new_node('eu', archive => 1);
my $us = new_node('us', archive => 1);
add_set($_, 'daily') for $eu, $us;
add_rows($_, 'daily', 1, 200) for $eu, $us;
add_peer($eu, $us);
run_round($eu, $us);

my $copies = sub {
	my ($node, $origin, $where) = @_;
	return $node->safe_psql('postgres', "SELECT day, md5(hllset_send(visitors)) FROM daily_by_node WHERE node = '" . $origin->name . "' AND $where ORDER BY day");
};
my $global = 'SELECT day, hllset_send(visitors) FROM daily_global ORDER BY day';
my $counted = sub {
	my ($node, $origin) = @_;
	return $node->safe_psql('postgres', "SELECT rewinds, orphans FROM hllset_sync.set_status WHERE set_name = 'daily' AND node_name = '" . $origin->name . "' AND direction = 'pull'");
};

# BACK goes back in time, of which PEER has seen the future; the rows of both come to others from day FROM on. Only eu knows the way to the other.
my $recover = sub {
	my ($back, $peer, $from, $target) = @_;
	my $name = $back->name;
	my $day = sub { $from + $_[0] };
	$back->backup('base');
	add_rows($_, 'daily', $day->(0), $day->(39)) for $back, $peer;
	run_round($eu, $us);
	my $where = $target->();

	add_rows($_, 'daily', $day->(100), $day->(139)) for $back, $peer;
	$_->safe_psql('postgres', 'DELETE FROM daily WHERE day BETWEEN 1 AND 5; UPDATE daily SET visitors = visitors | hllset_of(day) WHERE day BETWEEN 6 AND 10') for $back, $peer;
	run_round($eu, $us);
	is_synced($peer, 'daily', $back, "$name: before");
	is_synced($back, 'daily', $peer, "$name: the other way");
	my $lost = "day BETWEEN " . $day->(100) . ' AND ' . $day->(139);
	my $before = $copies->($peer, $back, $lost);
	is($counted->($peer, $back), '0|0', "$name: nothing was rewound");

	recover_node($back, 'base', $where);
	is($back->safe_psql('postgres', "SELECT count(*), count(*) FILTER (WHERE $lost) FROM daily"), '240|0', "$name: is back in time");
	is($back->safe_psql('postgres', "SELECT count(*) FROM daily_by_node WHERE node = '" . $peer->name . "' AND $lost"), '0', "$name: with its copies");
	# Its head passes that of the past.
	add_rows($back, 'daily', $day->(200), $day->(399));
	like(run_round($eu, $us), qr/WARNING:  hllset_sync: set "daily": history of node $name was rewound; reconciling; 40 rows kept that it no longer has/, "$name: the next round says so");
	is($counted->($peer, $back), '1|40', "$name: and counts it");
	is_same($copies->($peer, $back, $lost), $before, "$name: what it lost is kept at the peer");
	is_same($copies->($peer, $back, "NOT $lost"), rows_of($back, 'daily'), "$name: no row is missing there");
	is_synced($back, 'daily', $peer, "$name: what came from the peer has come again");
	is(run_round($eu, $us), '', "$name: once");
	return $lost;
};

my $lost = $recover->($us, $eu, 1000, sub {
	$us->safe_psql('postgres', "SELECT pg_create_restore_point('before it happened')");
	return "recovery_target_name = 'before it happened'";
});
# Brought home by hand.
my $rows = $eu->safe_psql('postgres', "SELECT format('INSERT INTO daily VALUES (%s, %L);', day, visitors) FROM daily_by_node WHERE node = 'us' AND $lost");
$us->safe_psql('postgres', $rows);
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'us: copied home, all is equal');
is($counted->($eu, $us), '1|0', 'us: no orphans are left');
is($eu->safe_psql('postgres', $global), $us->safe_psql('postgres', $global), 'us: the global views, too');

$_->safe_psql('postgres', 'DELETE FROM daily WHERE day > 200') for $eu, $us;
add_rows($_, 'daily', 1, 200) for $eu, $us;
run_round($eu, $us);
$lost = $recover->($eu, $us, 2000, sub { "recovery_target_time = '" . $eu->safe_psql('postgres', 'SELECT clock_timestamp()') . "'" });
# Brought home by the peer, under its own name.
my $union = $us->safe_psql('postgres', $global);
$us->safe_psql('postgres', "CALL hllset_sync.absorb_origin('eu')");
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'eu: absorbed at the peer, its rows come from there');
is_synced($us, 'daily', $eu, 'eu: and its own as ever');
is($eu->safe_psql('postgres', $global), $us->safe_psql('postgres', $global), 'eu: the global views are equal');
is($us->safe_psql('postgres', $global), $union, 'eu: as before, so no element is lost');

done_testing();
