# SPDX-License-Identifier: PostgreSQL
# What a source does for its readers, whatever becomes of its tables: sets that are registered anew, scans and truncations in chunks, tombstones that
# are forgotten while somebody reads. And what a reader can't do to the others.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $us = new_node('us', conf => "hllset_sync.chunk_rows = 100\nrestart_after_crash = on\n");
my $eu = new_node('eu', conf => "hllset_sync.chunk_rows = 100\n");
add_set($_, 'daily') for $us, $eu;
add_peer($eu, $us);
my $eu_id = $eu->safe_psql('postgres', 'SELECT node_id FROM hllset_sync.node()');
my $faults = $us->safe_psql('postgres', "LOAD 'hllset_sync'; SELECT current_setting('hllset_sync.fault', true) IS NOT NULL") eq 't';

# ---- registered anew ----

add_rows($us, 'daily', 1, 200);
add_rows($eu, 'daily', 1, 50);
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'before');
for my $time (1 .. 4)
{
	$us->safe_psql('postgres', "SELECT hllset_sync.unregister('daily'); DELETE FROM daily WHERE day % 10 = $time; CALL hllset_sync.register('daily')");
	add_rows($us, 'daily', 300 + $time, 300 + $time);
	is(run_round($eu, $us), '', "registered anew, for the ${time}th time: nobody takes it for a history that was undone");
	is_synced($eu, 'daily', $us, 'what is gone is gone');
}
is($eu->safe_psql('postgres', "SELECT orphans, rewinds FROM hllset_sync.cursors JOIN hllset_sync.origins USING (origin_id) JOIN hllset_sync.sets USING (set_id) WHERE set_name = 'daily'"), '0|0', 'no orphans');
is($eu->safe_psql('postgres', 'SELECT paused FROM hllset_sync.peers'), 'f', 'and the peer is not paused');
is($us->safe_psql('postgres', "SELECT count(*) FROM hllset_sync.acl JOIN hllset_sync.sets USING (set_id) WHERE set_name = 'daily'"), '1', 'grants are kept');
is_synced($us, 'daily', $eu, 'copies are brought again');

$us->safe_psql('postgres', "CREATE ROLE other; GRANT CREATE ON SCHEMA public TO other; SELECT hllset_sync.unregister('daily')");
like(($us->psql('postgres', "SET SESSION AUTHORIZATION other; CREATE SCHEMA AUTHORIZATION other; CREATE TABLE public.mine (day int PRIMARY KEY, visitors hllset(12)); CALL hllset_sync.register('mine', 'daily')"))[2],
	qr/permission denied for database|the name of set "daily" belongs to role/, 'another role does not get its readers');
like(($us->psql('postgres', "SET SESSION AUTHORIZATION other; CREATE TABLE public.mine (day int PRIMARY KEY, visitors hllset(12)); CALL hllset_sync.register('mine', 'daily')"))[2],
	qr/the name of set "daily" belongs to role/, 'nor by its name');
like(($us->psql('postgres', "SET SESSION AUTHORIZATION other; SELECT hllset_sync.forget_set('daily')"))[2], qr/no set "daily" of yours/, 'nor does it forget it');
$us->safe_psql('postgres', "CALL hllset_sync.register('daily')");
like(($us->psql('postgres', "SELECT hllset_sync.forget_set('daily')"))[2], qr/HINT:  SELECT hllset_sync.unregister/, 'a set that is registered is not forgotten');

# Forgotten, it is another set: what only its readers have is kept.
$us->safe_psql('postgres', "SELECT hllset_sync.unregister('daily'), hllset_sync.forget_set('daily'); DELETE FROM daily WHERE day < 20; CALL hllset_sync.register('daily');
	SELECT hllset_sync.grant_peer('daily', current_user::regrole, node => '$eu_id')");
like(run_round($eu, $us), qr/was rewound/, 'forgotten and registered: another history');
cmp_ok($eu->safe_psql('postgres', "SELECT orphans FROM hllset_sync.cursors JOIN hllset_sync.sets USING (set_id) WHERE set_name = 'daily'"), '>', 0, 'orphans are kept');
$eu->safe_psql('postgres', "CALL hllset_sync.drop_origin('us')");

# ---- nobody holds anything for others ----

{
	my ($in, $out, $err) = ("BEGIN; SELECT count(*) FROM hllset_sync.p_heads();\n\\echo done\n", '', '');
	my $session = IPC::Run::start([ 'psql', '-XqAt', '-d', $us->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
	add_rows($us, 'daily', 400, 405);
	$session->pump until $out =~ /done/;
	$us->safe_psql('postgres', 'ALTER TABLE daily ADD later int');
	run_round($eu, $us);
	is_synced($eu, 'daily', $us, 'a call of p_heads() in a transaction that stays open stops nobody');
	$in .= "CALL hllset_sync.p_advance();\n\\echo failed\n";
	$session->pump until $out =~ /failed/;
	like($err, qr/p_advance cannot run inside a transaction/, 'and p_advance() is not called in one');
	$in .= "ROLLBACK;\n\\q\n";
	$session->finish;
}

my $restarts = 0;

# ---- in chunks, each of which may be the last one that ends ----

SKIP:
{
	skip 'no fault points in this build', 1 unless $faults;
	my $rows = "SELECT i, hll_add_agg(i, 12) FROM generate_series(1, 3000) i GROUP BY i";
	my $chunks = sub {
		my ($point, $name) = @_;
		my $passed = 0;
		for my $count (1, 2, 5)
		{
			$passed++ if ($us->psql('postgres', "SET hllset_sync.fault = '$point:error:$count'; CALL hllset_sync.p_advance()"))[2] eq '';
			my ($rc, undef, $err) = $us->psql('postgres', "SET hllset_sync.fault = '$point:kill:$count'; CALL hllset_sync.p_advance()");
			await_restart($us, ++$restarts) if $rc != 0;
		}
		is($passed, 3, "$name: an error of one chunk is the set's");
		run_round($eu, $us) for 1 .. 2;
		is_synced($eu, 'daily', $us, "$name: it goes on where it was");
		is($us->safe_psql('postgres', "SELECT state, scan IS NULL FROM hllset_sync.sets WHERE set_name = 'daily'"), 'ok|t', "$name: and is well");
	};
	$us->safe_psql('postgres', "ALTER TABLE daily DISABLE TRIGGER ALL; INSERT INTO daily (day, visitors) $rows ON CONFLICT DO NOTHING; ALTER TABLE daily ENABLE TRIGGER ALL");
	$chunks->('mid_scan', 'scan');
	$us->safe_psql('postgres', "TRUNCATE daily; INSERT INTO daily (day, visitors) SELECT * FROM ($rows) r WHERE i % 2 = 0");
	run_round($eu, $us);
	is_synced($eu, 'daily', $us, 'truncated: the copies follow at once');
	$chunks->('mid_cleanup', 'truncation');
	$us->safe_psql('postgres', 'CALL hllset_sync.p_advance()') for 1 .. 10;
	is($us->safe_psql('postgres', "SELECT index_rows, tombstones FROM hllset_sync.backlog WHERE set_name = 'daily'"), '1500|0', 'and nothing of before is left in the index');
	is($us->safe_psql('postgres', "SELECT count(*) FROM hllset_sync.pending"), '0', 'nor to be done');

	# ---- tombstones are forgotten while somebody reads ----

	$us->append_conf('postgresql.conf', "hllset_sync.tombstone_keep = 0");
	$us->reload;
	$us->safe_psql('postgres', "DELETE FROM daily WHERE day <= 1000; CALL hllset_sync.p_advance(); SELECT pg_sleep(1.1)");
	add_rows($us, 'daily', 5000, 5001);
	$us->safe_psql('postgres', "CALL hllset_sync.p_advance(); SELECT pg_sleep(1.1)");
	my ($seq, $nonce) = split /\|/, $eu->safe_psql('postgres', "SELECT c.seq, c.nonce FROM hllset_sync.cursors c JOIN hllset_sync.sets USING (set_id) WHERE set_name = 'daily'");
	my $set_fault = sub {
		$us->append_conf('postgresql.conf', "hllset_sync.fault = '$_[0]'");
		$us->reload;
		$us->poll_query_until('postgres', "SELECT current_setting('hllset_sync.fault') = '$_[0]'");
	};
	$set_fault->('changes_read:stop');
	my $since = -s $us->logfile;
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-XqAt', '-d', $us->connstr('postgres'), '-v', 'VERBOSITY=verbose',
		'-c', "SELECT count(*) FROM hllset_sync.p_changes('daily', $seq, '$nonce', 1000000, 1000, 1000000)" ], '>', \$out, '2>', \$err, IPC::Run::timeout(600));
	$session->pump_nb, sleep 0.05 until substr(slurp_file($us->logfile), $since) =~ /fault stop at changes_read/;
	is($us->safe_psql('postgres', 'CALL hllset_sync.prune()'), '500', 'tombstones are forgotten while somebody has read');
	$set_fault->('');
	$session->finish;
	like($err, qr/ERROR:  HS007: /, 'who is told that his token is old now');
	is(run_round($eu, $us), '', 'the reader compares, and takes it for no rewind');
	is_synced($eu, 'daily', $us, 'what is gone is gone');
}

done_testing();
