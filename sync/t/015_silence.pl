# SPDX-License-Identifier: PostgreSQL
# Peers that say nothing, too much or nonsense are given up in time, and the next round is as if nothing had been.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use Test::More;
use Time::HiRes qw(time);

my $eu = new_node('eu');
my $us = new_node('us');
my $proxy = proxy_to($us);
add_set($_, 'daily') for $eu, $us;
add_rows($_, 'daily', 1, 100) for $eu, $us;
add_peer($eu, $us, port => $proxy->{port});
run_round($eu, $us);

# Only for rounds with a peer that misbehaves: on a busy machine a good one may take as long.
my $impatient = '-c hllset_sync.connect_timeout=500ms -c hllset_sync.io_timeout=500ms';
my $given_up = sub {
	my ($command, $state, $text, $name) = @_;
	add_rows($_, 'daily', 1, 100) for $eu, $us;
	proxy($proxy, $command) if $command;
	my $start = time;
	{
		local $ENV{PGOPTIONS} = $impatient;
		round_fails($eu, $us, $state, $text, $name);
	}
	my $took = time - $start;
	cmp_ok($took, '<=', 9, sprintf('%s: in time (%.1f s)', $name, $took));
	proxy($proxy, 'heal');
	run_round($eu, $us);
	is_synced($eu, 'daily', $us, "$name: pulled again");
	is_synced($us, 'daily', $eu, "$name: pushed again");
};
$given_up->('hold', '08006', qr/could not connect to peer "us": no answer for 500 ms/, 'a black hole');
$given_up->('refuse', '08006', qr/could not connect to peer "us"/, 'a closed door');

# What comes is read row by row and checked.
my $odd = sub {
	my ($command, $name) = @_;
	add_rows($_, 'daily', 1, 100) for $eu, $us;
	proxy($proxy, $command);
	local $ENV{PGOPTIONS} = $impatient;
	my $start = time;
	my ($rc, $out, $err) = $eu->psql('postgres', "SET statement_timeout = '20s'; CALL hllset_sync.run_round('us')");
	my $took = time - $start;
	isnt($rc, 0, "$name is an error");
	cmp_ok($took, '<=', 15, sprintf('%s: in time (%.1f s)', $name, $took));
	unlike($err, qr/server closed the connection|statement timeout/, "$name: this server lives") or diag($err);
	delete local $ENV{PGOPTIONS};
	proxy($proxy, 'heal');
	run_round($eu, $us);
	is_synced($eu, 'daily', $us, "$name: pulled again");
	is_synced($us, 'daily', $eu, "$name: pushed again");
};
$odd->('garble huge', 'a row that claims a gigabyte');
$odd->('garble types', 'columns of other types');
$odd->('garble endless', 'an endless answer');

# A peer that falls silent in the middle of a statement; it is a cancelled one, too, that is soon over.
my ($in, $out, $err) = ("SET statement_timeout = '300ms'; CALL hllset_sync.run_round('us');\n", '', '');
proxy($proxy, 'latency 200');
my $start = time;
$eu->psql('postgres', $in, stderr => \$err);
my $took = time - $start;
cmp_ok($took, '<=', 10, sprintf('a round can be cancelled (%.1f s)', $took));
like($err, qr/canceling statement/, 'and says so');
proxy($proxy, 'heal');

# Random damage never does more than fail.
my $failed = 0;
for my $seed (1 .. 40)
{
	add_rows($_, 'daily', $seed, $seed + 3) for $eu, $us;
	proxy($proxy, "mutate $seed 8");
	local $ENV{PGOPTIONS} = $impatient;
	my ($rc, undef, $text) = $eu->psql('postgres', "CALL hllset_sync.run_round('us')");
	$failed++ if $rc != 0;
	BAIL_OUT("the server died: $text") if $text =~ /server closed the connection/;
	proxy($proxy, 'heal');
}
cmp_ok($failed, '>', 5, "$failed of 40 damaged rounds failed");

done_testing();
