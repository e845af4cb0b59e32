# SPDX-License-Identifier: PostgreSQL
# The wire is cut at each message of a round, in both directions: nothing is lost, nothing comes twice, the next round makes it good.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use Test::More;

my $eu = new_node('eu', conf => "log_statement = none\n");
my $us = new_node('us', conf => "log_statement = none\n");
my $proxy = proxy_to($us);
add_set($_, 'daily') for $eu, $us;
add_rows($_, 'daily', 1, 100) for $eu, $us;
add_peer($eu, $us, port => $proxy->{port});
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'first pull');
is_synced($us, 'daily', $eu, 'first push');

# Five rows change on each side: some new, some grown, one deleted.
my $day = 1000;
my $change = sub {
	my ($node) = @_;
	return qq{INSERT INTO daily SELECT d, hll_add_agg('$node' || d, 12) FROM generate_series($day, $day + 1) d GROUP BY d;
		UPDATE daily SET visitors = visitors | hll_add_agg FROM (SELECT hll_add_agg('$node' || $day, 12)) x WHERE day IN (5, 6);
		DELETE FROM daily WHERE day = } . ($day - 2) . ';';
};
my $change_both = sub {
	$day += 2;
	$_->safe_psql('postgres', $change->($_->name)) for $eu, $us;
};

$change_both->();
proxy($proxy, 'zero');
run_round($eu, $us);
my @ends = split / /, proxy($proxy, 'messages');
my ($up, $down) = split / /, proxy($proxy, 'count');
cmp_ok(scalar @ends, '>', 30, "a round of five rows has @{[ scalar @ends ]} messages of the peer, $up bytes up, $down down");

my $state = sub {
	my ($node, $origin) = @_;
	return qq{SELECT md5(string_agg(md5(hllset_send(visitors)), '' ORDER BY day)) FROM daily UNION ALL
		SELECT md5(string_agg(md5(hllset_send(visitors)), '' ORDER BY day)) FROM daily_by_node WHERE node = '$origin'};
};
my ($cut, @bad) = (0);
my $sweep = sub {
	my ($direction, $bytes) = @_;
	$change_both->();
	proxy($proxy, "cut $direction $bytes");
	my ($rc) = $eu->psql('postgres', "CALL hllset_sync.run_round('us')");
	$cut++ if $rc != 0;
	proxy($proxy, 'heal');
	run_round($eu, $us);
	my @here = split /\n/, $eu->safe_psql('postgres', $state->($eu, 'us'));
	my @there = split /\n/, $us->safe_psql('postgres', $state->($us, 'eu'));
	push @bad, "$direction $bytes" unless $here[0] eq $there[1] && $here[1] eq $there[0];
};
# After a message and within the next one; upwards there are no marks, so at regular places.
my %places = map { $_ => 1 } @ends, map { $_ + 3 } @ends;
delete $places{$_} for grep { $_ >= $down } keys %places;
my @down = sort { $a <=> $b } keys %places;
$sweep->('down', $_) for grep { defined } @down[ map { 3 * $_ } 0 .. $#down / 3 ];
my $step = int($up / 40);
$sweep->('up', $_ * $step + 1) for 0 .. 39;
is("@bad", '', 'copies are equal to the rows after each cut and one good round');
cmp_ok($cut, '>=', 60, "$cut rounds were cut");

done_testing();
