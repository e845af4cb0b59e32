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

# Five rows change on each side: two are new, two grow, one is deleted.
my $day = 1000;
my $change = sub {
	my ($node) = @_;
	return qq{INSERT INTO daily SELECT d, hll_add_agg('$node' || d, 12) FROM generate_series($day, $day + 1) d GROUP BY d;
		UPDATE daily SET visitors = visitors | hll_add_agg FROM (SELECT hll_add_agg('$node' || $day, 12)) x WHERE day IN (5, 6);
		DELETE FROM daily WHERE day = } . ($day - 2) . ';';
};
my $rows = sub { "SELECT md5(string_agg(day || md5(hllset_send(visitors)), '' ORDER BY day)) FROM $_[0];" };
my $own = $rows->('daily');

$_->safe_psql('postgres', $change->($_->name)) for $eu, $us;
proxy($proxy, 'zero');
run_round($eu, $us);
my %ends = map { $_ => [ split / /, proxy($proxy, "messages $_") ] } 'up', 'down';
my %bytes;
@bytes{ 'up', 'down' } = split / /, proxy($proxy, 'count');
note("$_: $bytes{$_} bytes, messages end after @{ $ends{$_} }") for 'up', 'down';
cmp_ok(@{ $ends{$_} }, '>', 30, "a round of five rows has messages $_") for 'up', 'down';

# One round that is cut and one that is not; returns the rows of eu and its copies of those of us.
my $cut = 0;
my $sweep = sub {
	my ($direction, $bytes) = @_;
	my $round = "CALL hllset_sync.run_round('us');";
	proxy($proxy, "cut $direction $bytes once");
	my (undef, $out, $err) = $eu->psql('postgres', $change->('eu') . "\n$round\n$round\n$own\n" . $rows->("daily_by_node WHERE node = 'us'"), on_error_stop => 0);
	$cut++ if $err =~ /ERROR/;
	return split /\n/, $out;
};

# At the end of each message, and within every third.
my @places;
for my $direction ('down', 'up')
{
	my @at = @{ $ends{$direction} };
	push @places, map { [ $direction, $_ ] } grep { $_ < $bytes{$direction} } @at, map { $at[ 3 * $_ ] + 3 } 0 .. $#at / 3;
}
my @bad;
$day += 2;
$us->safe_psql('postgres', $change->('us'));
for my $place (@places)
{
	my ($eu_rows, $us_copies) = $sweep->(@$place);
	$day += 2;
	my ($us_rows, $eu_copies) = split /\n/, $us->safe_psql('postgres', $own . $rows->("daily_by_node WHERE node = 'eu'") . $change->('us'));
	push @bad, "@$place" unless $us_copies eq $us_rows && $eu_copies eq $eu_rows;
}
is("@bad", '', 'copies are equal to the rows after each cut and one good round');
cmp_ok($cut, '>=', 0.9 * @places, sprintf '%d rounds were cut at %d places', $cut, scalar @places);

done_testing();
