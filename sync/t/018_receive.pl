# SPDX-License-Identifier: PostgreSQL
# What is received: only from who speaks for a node, in parts that hold nothing up, whatever the caller does with his session.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use IO::Socket::UNIX;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $small = "hllset_sync.chunk_rows = 100\nhllset_sync.max_batch_rows = 40\n";
my $eu = new_node('eu', conf => $small . "max_prepared_transactions = 5\n");
my $us = new_node('us', conf => $small);
for my $node ($eu, $us)
{
	add_set($node, $_) for 'daily', 'other';
	add_rows($node, 'daily', 1, 500);
}
add_peer($eu, $us);
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'in small parts: pulled');
is_synced($us, 'daily', $eu, 'pushed');
my ($eu_id, $us_id) = map { id_of($_) } $eu, $us;
my $sql = sub { my ($node, $statement) = @_; return $node->safe_psql('postgres', $statement) };
my $set_id = $sql->($us, "SELECT set_id FROM hllset_sync.sets WHERE set_name = 'daily'");

# ---- nobody is another node ----

$sql->($us, "CREATE ROLE reader LOGIN; CREATE ROLE member LOGIN; CREATE ROLE friends; GRANT friends TO member; CREATE ROLE speaker LOGIN; CREATE ROLE elsewhere LOGIN;
	SELECT hllset_sync.grant_peer('daily', 'reader'), hllset_sync.grant_peer('daily', 'friends'),
		hllset_sync.grant_peer('daily', 'speaker', node => 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'), hllset_sync.grant_peer('other', 'elsewhere', node => '$eu_id')");
my $token = $sql->($us, "SELECT quote_literal(nonce) FROM hllset_sync.cursors WHERE set_id = $set_id");
my $cursor = $sql->($us, "SELECT seq FROM hllset_sync.cursors WHERE set_id = $set_id");
my $receive = "CALL hllset_sync.p_receive('daily', '$eu_id', 'eu', 'changes', $cursor, $token, 0, '{}', '{}', '{}', $cursor + 1000, $token, true)";
my $before = copies_of($us, 'daily', $eu);
for my $role ('reader', 'member', 'speaker', 'elsewhere')
{
	for my $how ($receive, "SELECT hllset_sync.p_hello(1, 9, '$eu_id', 'eu');\n$receive", "SET ROLE speaker;\n$receive",
		"SELECT * FROM hllset_sync.p_copy_fingerprint('daily', '$eu_id')", "SELECT * FROM hllset_sync.p_copy_bucket('daily', '$eu_id', '{1}', NULL, 10, 1000)",
		"SELECT * FROM hllset_sync.p_copy_digests('daily', '$eu_id', '{}')")
	{
		my ($rc, $out, $err) = $us->psql('postgres', $how, extra_params => [ '-U', $role ], on_error_stop => 1);
		like($err, qr/ERROR:  (set "daily" is not registered, or not granted|role "\w+" does not speak for node $eu_id in set "daily"|permission denied to set role)/,
			"$role is not eu: " . substr($how =~ s/\n.*//sr, 0, 60));
	}
	is(($us->psql('postgres', "SELECT count(*) FROM hllset_sync.p_cursor('{daily}', '$eu_id')", extra_params => [ '-U', $role ]))[1], '0', "$role is not told how far eu's copies are");
}
is(copies_of($us, 'daily', $eu), $before, 'nothing was written for eu');
is($sql->($us, "SELECT seq, nonce IS NOT DISTINCT FROM $token FROM hllset_sync.cursors WHERE set_id = $set_id"), "$cursor|t", 'nor was its cursor moved');

# A server that says that it is a node for which somebody speaks here, and one that becomes another.
$sql->($us, 'CREATE DATABASE liar');
$us->safe_psql('liar', "CREATE EXTENSION hllset_sync CASCADE; UPDATE hllset_sync.node SET node_id = '$us_id'");
my ($host, $port, $user) = ($us->host, $us->port, scalar getpwuid($<));
my $add_liar = "CREATE SERVER liar FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname 'liar');
	CREATE USER MAPPING FOR \"$user\" SERVER liar OPTIONS (user '$user', password_required 'false')";
$sql->($eu, "$add_liar; SELECT hllset_sync.add_peer('liar')");
my $lie = sub { return ($eu->psql('postgres', q{CALL hllset_sync.run_round('liar')}))[2] };
like($lie->(), qr/peer "liar" says that it is node $us_id, for which peer "us" speaks here/, 'a server can not take the place of a peer');
$us->safe_psql('liar', "UPDATE hllset_sync.node SET node_id = 'bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb'");
$sql->($eu, "SELECT hllset_sync.grant_peer('daily', 'pg_monitor'::regrole)"); # which is no speaker
is($lie->(), '', 'one for which nobody speaks is taken at its word');
is($sql->($eu, "SELECT node_id FROM hllset_sync.peers WHERE server = 'liar'"), 'bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb', 'and kept to it');
$us->safe_psql('liar', "UPDATE hllset_sync.node SET node_id = 'cccccccc-cccc-cccc-cccc-cccccccccccc'");
like($lie->(), qr/peer "liar" is node cccccccc-.*, not bbbbbbbb-/, 'one that becomes another stops');
$sql->($eu, "SELECT hllset_sync.alter_peer('liar', node => 'cccccccc-cccc-cccc-cccc-cccccccccccc')");
is($lie->(), '', 'until it is named');
$sql->($eu, "SELECT hllset_sync.drop_peer('liar')");
$sql->($eu, "CREATE ROLE us_sync LOGIN; SELECT hllset_sync.drop_peer('us'), hllset_sync.grant_peer('daily', 'us_sync', node => '$us_id'); SELECT hllset_sync.add_peer('us')");
like(($eu->psql('postgres', q{CALL hllset_sync.run_round('us')}))[2], qr/says that it is node $us_id, for which role "us_sync" speaks here/, 'nor one that of a role');
$sql->($eu, "SELECT hllset_sync.alter_peer('us', node => '$us_id')");
run_round($eu, $us);

# ---- nobody holds anything ----

# Locks of the one session of ROLE on what belongs to the set.
my $locks = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE usename = 'holder' AND l.locktype IN ('relation', 'tuple', 'object', 'advisory')
	AND (relation IS NULL OR relation IN ('daily'::regclass, 'hllset_sync.copy_$set_id'::regclass, 'hllset_sync.rows_$set_id'::regclass, 'hllset_sync.cursors'::regclass, 'hllset_sync.origins'::regclass))";
my $holder_id = 'dddddddd-dddd-dddd-dddd-dddddddddddd';
$sql->($us, "CREATE ROLE holder LOGIN; SELECT hllset_sync.grant_peer('daily', 'holder', node => '$holder_id'); CREATE FUNCTION locks() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public AS \$\$ $locks \$\$");
my $as_holder = sub { my ($rc, $out, $err) = $us->psql('postgres', $_[0], extra_params => [ '-U', 'holder' ], on_error_stop => 1); return "$out$err" };
my $call = "CALL hllset_sync.p_receive('daily', '$holder_id', 'holder', 'changes', 0, NULL, 0, '{}', '{}', '{}', 1, '$holder_id', false)";
for my $read ('hllset_sync.p_sets()', 'hllset_sync.p_heads(NULL)', "hllset_sync.p_changes('daily', 0, NULL, 100, 100, 100000)", "hllset_sync.p_fetch('daily', '{}', 1000)", "hllset_sync.p_fingerprint('daily', 1000)", "hllset_sync.p_bucket('daily', '{1}', NULL, 10, 1000)", "hllset_sync.p_digests('daily', '{}')",
	"hllset_sync.p_copy_fingerprint('daily', '$holder_id')", "hllset_sync.p_copy_bucket('daily', '$holder_id', '{1}', NULL, 10, 1000)",
	"hllset_sync.p_copy_digests('daily', '$holder_id', '{}')")
{
	is($as_holder->("BEGIN;\nSELECT FROM $read;\nSELECT public.locks();") =~ s/^\n+//r, '0', "nothing is locked after $read in an open transaction");
}
like($as_holder->("BEGIN;\n$call"), qr/cannot run inside a transaction/, 'a delivery in a transaction block');
like($as_holder->("BEGIN;\n$call;\nPREPARE TRANSACTION 'held'"), qr/cannot run inside a transaction/, 'one to be prepared');
like($as_holder->("DO \$\$ BEGIN PERFORM 1; EXCEPTION WHEN OTHERS THEN NULL; END \$\$; SELECT 1; $call"), qr/^1\n1\|/, 'one after the other');
(my $within = $call) =~ s/, false\)/, false, a, b, c)/;
like($as_holder->("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE plpgsql AS \$\$ DECLARE a bigint; b uuid; c boolean; BEGIN $within; RETURN 1; END \$\$;\nSELECT pg_temp.f(), pg_sleep(1)"), qr/cannot run inside a transaction/, 'one in a function');
like($as_holder->("SELECT 1\\;$call"), qr/cannot run inside a transaction/, 'one of several statements of one message');

# The extended protocol without a Sync at its end: what a function has locked would stay locked.
sub message { my ($tag, $body) = @_; return $tag . pack('N', length($body) + 4) . $body }
my $socket = IO::Socket::UNIX->new(Peer => "$host/.s.PGSQL.$port") or die "no socket: $!";
sub await
{
	my ($wanted) = @_;
	my $text = '';
	for (;;)
	{
		read($socket, my $head, 5) == 5 or die 'the server is gone';
		my ($tag, $size) = unpack('aN', $head);
		read($socket, my $body, $size - 4) if $size > 4;
		return $text if $tag eq $wanted;
		$text .= $body // '' if $tag eq 'E';
		return $text if $tag eq 'E';
	}
}
my $hello = pack('N', 196608) . "user\0holder\0database\0postgres\0\0";
print $socket pack('N', length($hello) + 4) . $hello;
$socket->flush;
await('Z');
(my $next = $call) =~ s/0, NULL, 0, (.*), 1, /1, '$holder_id', 0, $1, 2, /;
print $socket message('P', "\0$next\0" . pack('n', 0)) . message('B', "\0\0" . pack('nnn', 0, 0, 0)) . message('E', "\0" . pack('N', 0)) . message('H', '');
$socket->flush;
is(await('C'), '', 'a delivery without a Sync is done');
is($sql->($us, "SELECT seq FROM hllset_sync.cursors JOIN hllset_sync.origins USING (origin_id) WHERE node_id = '$holder_id'"), '2', 'and committed');
is($sql->($us, 'SELECT locks()'), '0', 'nothing of it is locked');
run_round($eu, $us);
$socket->close;

# A caller that does not want indexes to be used has them used. A session has told what it has scanned when it is gone.
my $alone = sub { $us->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'}) or die 'sessions do not end' };
my $scans = sub { return $sql->($us, "SELECT coalesce(sum(seq_scan), 0), sum(idx_scan) > 0 FROM pg_stat_user_tables WHERE relname IN ('rows_$set_id', 'copy_$set_id')") };
my $keys = "(SELECT array_agg(int4send(4) || int4send(i)) FROM generate_series(1, 40) i)";
$alone->();
$sql->($us, 'SELECT pg_stat_reset()');
$as_holder->("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off; SET enable_tidscan = off; SET random_page_cost = 1e10;
	SELECT count(*) FROM hllset_sync.p_digests('daily', $keys); SELECT count(*) FROM hllset_sync.p_fetch('daily', $keys, 100000);
	SELECT count(*) FROM hllset_sync.p_copy_digests('daily', '$holder_id', $keys); SELECT count(*) FROM hllset_sync.p_fingerprint('daily', 100000); $next");
$alone->();
is($scans->(), '0|t', 'the planner is not told by a caller to read all of a table');

# The key that claims once had.
my $keeper = sub { my ($in, $out) = ("SELECT pg_advisory_lock(1752394611, hashtext('daily$eu_id'));\n\\echo locked\n", '');
	my $h = IPC::Run::start([ 'psql', '-XAtq', '-U', 'holder', '-d', $us->connstr('postgres') ], '<', \$in, '>', \$out); $h->pump until $out =~ /locked/; return sub { $in .= "\\q\n"; $h->finish } };
my $release = $keeper->();
add_rows($eu, 'daily', 501, 505);
run_round($eu, $us);
is_synced($us, 'daily', $eu, 'advisory locks of a stranger keep nothing from coming');
$release->();
$sql->($us, "CALL hllset_sync.drop_origin('$holder_id')");

# ---- in parts ----

# Rows touched by transactions of a statement at most, by the statistics of triggers that count per statement.
$sql->($us, "CREATE TABLE touched (what text, xid bigint, rows bigint); ALTER TABLE touched OWNER TO CURRENT_USER;
	CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN INSERT INTO public.touched SELECT TG_OP, txid_current(), count(*) FROM gone; RETURN NULL; END \$\$;
	CREATE TRIGGER counted AFTER DELETE ON hllset_sync.copy_$set_id REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_rows()");
my $most = sub { return $sql->($us, 'SELECT max(n) <= 100, sum(n) FROM (SELECT sum(rows) AS n FROM touched GROUP BY xid) t; TRUNCATE touched') };
$sql->($eu, 'TRUNCATE daily; INSERT INTO daily SELECT i, hllset_of(i) FROM generate_series(1, 3) i');
add_rows($eu, 'other', 1, 3);
run_round($eu, $us);
is_synced($us, 'daily', $eu, 'a TRUNCATE comes');
is_synced($us, 'other', $eu, 'with the other set');
is($most->(), 't|505', 'in transactions of at most chunk_rows rows');

add_rows($eu, 'daily', 1, 500);
run_round($eu, $us);
SKIP:
{
	skip 'no fault points in this build', 3 if $sql->($us, "LOAD 'hllset_sync'; SELECT current_setting('hllset_sync.fault', true) IS NULL") eq 't';
	my ($rc, $out, $err) = $us->psql('postgres', "SET hllset_sync.fault = 'mid_drop:error';\nCALL hllset_sync.drop_origin('eu')", on_error_stop => 1);
	isnt($rc, 0, 'drop_origin is interrupted');
	add_rows($eu, 'daily', 501, 503);
	run_round($eu, $us);
	like(lane($eu, $us, 'daily', 'push', 'error'), qr/the copies of node "eu" are being dropped/, 'nothing is delivered meanwhile');
}
$most->();
is($sql->($us, q{CALL hllset_sync.drop_origin('eu')}) >= 500, 1, 'drop_origin drops all');
is($most->() =~ /^t/, 1, 'in parts');
is(copies_of($us, 'daily', $eu), '', 'nothing is left');
$sql->($eu, q{SELECT hllset_sync.resume_peer('us')});
run_round($eu, $us);
is_synced($us, 'daily', $eu, 'all comes back from a peer');
my $rows = $sql->($eu, 'SELECT count(*) FROM daily');
is($sql->($us, q{CALL hllset_sync.absorb_origin('eu', 'daily')}), $rows, 'absorb_origin of one set');
is($most->() =~ /^t/, 1, 'in parts');
is($sql->($us, 'SELECT count(*) FROM daily'), $rows, 'unites them with own rows');
is_synced($us, 'other', $eu, 'the other set stays as it is');
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'which are brought like all');

# ---- comparisons by pages ----

for my $node ($eu, $us)
{
	my $id = $sql->($node, "SELECT set_id FROM hllset_sync.sets WHERE set_name = 'daily'");
	$sql->($node, "DELETE FROM hllset_sync.copy_$id WHERE k1 % 3 = 0; UPDATE hllset_sync.copy_$id SET s1 = hllset_empty(12), digest = gen_random_uuid() WHERE k1 % 3 = 1; "
			. "UPDATE hllset_sync.copy_$id SET k1 = -k1 WHERE k1 % 3 = 2");
}
like($sql->($eu, q{CALL hllset_sync.verify('daily', 'us')}), qr/^2048\|\d+\|\d+\|0$/, 'verify repairs what differs everywhere');
is_synced($eu, 'daily', $us, 'pulled copies are right');
is_synced($us, 'daily', $eu, 'and pushed ones');
is($sql->($eu, q{CALL hllset_sync.verify('daily', 'us')}), '2048|0|0|0', 'once');

done_testing();
