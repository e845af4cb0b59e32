# SPDX-License-Identifier: PostgreSQL
# What a source believes of its readers, over crashes, restores and lies: eu reads from us, each a server of its own.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Workers qw(poll_ok reload);

my $workers = "shared_preload_libraries = 'hllset_sync'\nhllset_sync.databases = 'postgres'\nhllset_sync.worker_role = 'hllset_worker'\n"
	. "hllset_sync.every = '200ms'\nhllset_sync.retry_max = '1s'\nmax_worker_processes = 12\n";
my $us = new_node('us', conf => $workers);
my $eu = new_node('eu', conf => $workers . "synchronous_commit = off\nwal_writer_delay = '10s'\n");
my ($eu_id, $us_id) = map { $_->safe_psql('postgres', 'SELECT node_id FROM hllset_sync.node()') } $eu, $us;
for ($us, $eu)
{
	$_->safe_psql('postgres', 'CREATE ROLE hllset_worker LOGIN');
	add_set($_, 'daily');
}
add_rows($us, 'daily', 1, 20);
my ($host, $port) = ($us->host, $us->port);
$us->safe_psql('postgres', qq{CREATE ROLE eu_sync LOGIN; SELECT hllset_sync.grant_peer('daily', 'eu_sync', node => '$eu_id')});
$eu->safe_psql('postgres', qq{
	CREATE SERVER us FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR hllset_worker SERVER us OPTIONS (user 'eu_sync', password_required 'false');
	SELECT hllset_sync.add_peer('us', 'pull', node => '$us_id')});

my $wait = sub { return $us->safe_psql('postgres', "SELECT hllset_sync.wait_for_peers('daily', '$_[0] s')") };
my $has = sub { return $eu->safe_psql('postgres', "SELECT count(*) FROM daily_by_node WHERE node = 'us' AND day BETWEEN $_[0] AND $_[1]") };

poll_ok($us, 'postgres', q{SELECT behind = 0 AND acked_seq = 20 FROM hllset_sync.consumers}, 'the reader is known');
is($wait->(60), 't', 'and has all');

# ---- the reader crashes ----

my $good = 0;
for my $crash (1 .. 3)
{
	my $day = 100 * $crash;
	add_rows($us, 'daily', $day, $day + 9);
	my $said = $wait->(60);
	$eu->stop('immediate');
	$eu->append_conf('postgresql.conf', 'hllset_sync.enabled = off');
	$eu->start;
	$good++ if $said eq 't' && $has->($day, $day + 9) eq '10';
	is($wait->(1), 'f', "crash $crash: while it is away, nothing is confirmed");
	$eu->append_conf('postgresql.conf', 'hllset_sync.enabled = on');
	$eu->reload;
}
is($good, 3, 'what the reader has confirmed survives its crash, though it commits asynchronously');
is($wait->(60), 't', 'it is back');

# ---- the source restarts while the reader is away ----

$eu->stop;
for my $how ('fast', 'immediate')
{
	add_rows($us, 'daily', 500, 505);
	$us->stop($how);
	$us->start;
	poll_ok($us, 'postgres', 'SELECT state = $$ok$$ FROM hllset_sync.database_status()', "stopped, $how, and started");
	is($us->safe_psql('postgres', q{SELECT node_name, acked_seq IS NULL FROM hllset_sync.consumers}), 'eu|t', 'the reader is known, what it has is not');
	is($wait->(2), 'f', 'so it has not confirmed');
}
$eu->start;
is($wait->(60), 't', 'until it does');
is($has->(500, 505), '6', 'and has it');

# Numbers of what was said begin anywhere in each life of the server; nothing has changed meanwhile.
for my $said (1, 9223372036854775807)
{
	$eu->stop;
	$us->safe_psql('postgres', "UPDATE hllset_sync.confirmed SET said = $said");
	$us->restart;
	$eu->start;
	is($wait->(60), 't', "what a reader says after a restart counts, if the last life's numbers were as $said");
}

# ---- the source is restored from a backup ----

my $faults = $eu->safe_psql('postgres', "LOAD 'hllset_sync'; SELECT current_setting('hllset_sync.fault', true) IS NOT NULL") eq 't';
for my $restore (1 .. 2)
{
	my $day = 1000 * $restore;
	save_node($us);
	add_rows($us, 'daily', $day, $day + 24);
	is($wait->(60), 't', "restore $restore: before it, the reader has all");
	reload($eu, 'hllset_sync.fault' => q{'mid_reconcile:stop'}) if $faults;
	restore_node($us);
	add_rows($us, 'daily', $day + 50, $day + 55);
	poll_ok($us, 'postgres', 'SELECT state = $$ok$$ FROM hllset_sync.database_status()', "restore $restore: it is up");
	SKIP:
	{
		skip 'no fault points in this build', 1 unless $faults;
		is($wait->(5), 'f', "restore $restore: a token of the history that was undone confirms nothing");
		reload($eu, 'hllset_sync.fault' => q{''});
	}
	is($wait->(60), 't', "restore $restore: the reader confirms");
	is($has->($day + 50, $day + 55), '6', "restore $restore: and has what was written since");
	is($has->($day, $day + 24), '25', "restore $restore: and what was lost with the history");
}

# ---- those who are not the reader ----

$us->safe_psql('postgres', q{CREATE ROLE stranger LOGIN; SELECT hllset_sync.grant_peer('daily', 'stranger')});
$eu->safe_psql('postgres', q{SELECT hllset_sync.pause_peer('us')});
poll_ok($eu, 'postgres', 'SELECT pid IS NULL FROM hllset_sync.status', 'the reader pauses');
add_rows($us, 'daily', 9000, 9005);
my $before = $us->safe_psql('postgres', 'SELECT set_name, node_id, acked_seq FROM hllset_sync.consumers');
my $lies = '';
my ($head, $nonce) = split /\|/, $us->safe_psql('postgres', q{SELECT seq_to, h.nonce FROM hllset_sync.history h JOIN hllset_sync.sets USING (set_id) WHERE set_name = 'daily' ORDER BY seq_to DESC LIMIT 1});
for my $i (1 .. 2200)
{
	my $id = $i == 1 ? "'$eu_id'" : 'gen_random_uuid()';
	$lies .= "SELECT count(*) FROM hllset_sync.p_hello(2, 2, $id, 'liar $i');\nCALL hllset_sync.p_advance('{daily}', '{daily}', '{$head}', '{$nonce}', NULL);\n";
}
my ($rc, $out, $err) = $us->psql('postgres', $lies, extra_params => [ '-U', 'stranger' ]);
is($rc, 0, 'a stranger says 2,200 times that it is somebody') or diag(substr($err, 0, 1000));
is($us->safe_psql('postgres', 'SELECT set_name, node_id, acked_seq FROM hllset_sync.consumers'), $before, 'nobody believes it');
is($wait->(3), 'f', 'nor is there a confirmation');
$eu->safe_psql('postgres', q{SELECT hllset_sync.resume_peer('us')});
is($wait->(60), 't', 'but that of the reader');
is($has->(9000, 9005), '6', 'who has it');

# ---- a reader that was dropped ----

is($us->safe_psql('postgres', q{SELECT hllset_sync.drop_consumer('eu')}), '1', 'the reader is dropped');
add_rows($us, 'daily', 9100, 9100);
poll_ok($us, 'postgres', 'SELECT count(*) = 1 FROM hllset_sync.consumers', 'and known again, since it goes on to read');
is($wait->(60), 't', 'and confirms');
$_->stop for $us, $eu;
done_testing();
