# SPDX-License-Identifier: PostgreSQL
# A reader sets all that he may set in his session, and then does not read what he is sent: none of it concerns the sets of others.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use IO::Socket::UNIX;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $us = new_node('us');
add_set($us, 'daily');
$us->safe_psql('postgres', "CREATE ROLE reader LOGIN; SELECT hllset_sync.grant_peer('daily', 'reader')");
my $day = 0;

# ---- each setting at both ends of what it takes ----

my @settings = split /\n/, $us->safe_psql('postgres', q{
	SELECT format('%I = %L', name, value) FROM pg_settings, unnest(CASE vartype
		WHEN 'bool' THEN ARRAY[CASE setting WHEN 'on' THEN 'off' ELSE 'on' END] WHEN 'enum' THEN enumvals ELSE ARRAY[min_val, max_val] END) value
	WHERE context = 'user' AND vartype <> 'string' AND name !~ 'timeout|default_transaction_read_only' ORDER BY 1});
cmp_ok(scalar(@settings), '>', 150, 'there are many settings that everybody may change');
my @wrong;
for my $setting (@settings)
{
	$day++;
	$us->safe_psql('postgres', "INSERT INTO daily (day, visitors) VALUES ($day, hllset_of(1))");
	my ($rc, $out, $err) = $us->psql('postgres', "SET SESSION AUTHORIZATION reader; SET $setting;\nCALL hllset_sync.p_advance();\n"
		. "SELECT max(head) FROM hllset_sync.p_heads();\nSELECT max(seq) FROM hllset_sync.p_changes('daily', " . ($day - 1) . ", (SELECT nonce FROM hllset_sync.p_heads() WHERE set_name = 'daily'), 1000000, 10, 1000)\n");
	my $set = $us->safe_psql('postgres', "SELECT state, head FROM hllset_sync.sets WHERE set_name = 'daily'");
	push @wrong, "$setting: $set $out $err" if $rc != 0 || $set ne "ok|$day" || $out !~ /^$day$/m;
}
is(join("\n", @wrong), '', 'a set is numbered and read alike under each of them');

# ---- messages that nobody reads ----

# A session of the reader that sends statements and reads nothing.
sub deaf_session
{
	my @statements = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $us->host . '/.s.PGSQL.' . $us->port) or die "no socket: $!";
	my $parameters = "user\0reader\0database\0postgres\0application_name\0deaf\0\0";
	$socket->syswrite(pack('NN', 8 + length $parameters, 196608) . $parameters);
	$socket->syswrite('Q' . pack('N', 5 + length) . "$_\0") for @statements;
	return $socket;
}

my @noisy = map { "SET debug_print_$_ = on" } qw(parse rewritten plan);
for my $level (qw(log debug5))
{
	for my $call ('CALL hllset_sync.p_advance()', "SELECT max(seq) FROM hllset_sync.p_changes('daily', 0, NULL, 1000000, 10, 1000)")
	{
		my $session = deaf_session("SET client_min_messages = $level", @noisy, ($call) x 300);
		my $held = 0;
		for (my $start = time; time - $start < 3; sleep 0.1)
		{
			$us->safe_psql('postgres', 'INSERT INTO daily (day, visitors) VALUES (' . ++$day . ', hllset_of(1))');
			my $stuck = $us->safe_psql('postgres', q{SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'deaf'
				AND a.wait_event = 'ClientWrite' AND l.relation IN ('daily'::regclass, 'hllset_sync.pending'::regclass)});
			$held = $stuck > 0 ? $held + 1 : 0;
		}
		is($held, 0, "$call: who reads no messages ($level) holds nothing up");
		close $session;
	}
}

# ---- locks that are taken before rights are looked at ----

{
	my $loop = "DO 'BEGIN LOOP BEGIN DROP SCHEMA public; EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END'";
	my ($in, $out, $err) = ('', '', '');
	my @sessions = map { IPC::Run::start([ 'psql', '-Xq', '-d', $us->connstr('postgres') . ' user=reader', '-c', "SET statement_timeout = '10min'", '-c', $loop ], '<', \$in, '>', \$out, '2>', \$err) } 1 .. 4;
	$us->poll_query_until('postgres', q{SELECT count(*) = 4 FROM pg_stat_activity WHERE query LIKE 'DO %'});
	my $good = 0;
	for (1 .. 10)
	{
		$us->safe_psql('postgres', 'INSERT INTO daily (day, visitors) VALUES (' . ++$day . ', hllset_of(1)); CALL hllset_sync.p_advance()');
		$good++ if $us->safe_psql('postgres', 'SELECT count(*) FROM hllset_sync.pending') eq '0';
	}
	is($good, 10, 'who drops a schema that is not his, again and again, is in nobody\'s way');
	is($us->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'}), '4', 'and was at it all the time');
	$us->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %'});
	$_->finish for @sessions;
}

done_testing();
