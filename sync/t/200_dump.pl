# SPDX-License-Identifier: PostgreSQL
# Dump and restore: sets, copies and peers are there again, under a new identity and with all peers disabled; pg_dump of the restored gives the same.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('node');
my $far = new_node('far');
for ($node, $far)
{
	add_set($_, 'visits');
	add_rows($_, 'visits', 1, 20);
	$_->safe_psql('postgres', "SELECT hllset_sync.grant_peer('named', current_user::regrole); INSERT INTO hllset_sync.named VALUES ('all', hllset_of('" . $_->name . "'::text))");
}
add_peer($node, $far);
run_round($node, $far);
is_synced($node, 'visits', $far, 'before: pulled');
is_synced($far, 'visits', $node, 'before: pushed');

my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');

my $both = sub { my ($sql, $name) = @_; is($node->safe_psql('restored', $sql), $node->safe_psql('postgres', $sql), $name) };

isnt($node->safe_psql('restored', 'SELECT node_id FROM hllset_sync.node()'), $node->safe_psql('postgres', 'SELECT node_id FROM hllset_sync.node()'), 'another node');
is($node->safe_psql('restored', 'SELECT identity FROM hllset_sync.node()'), 'ok', 'of its own');
$both->("SELECT set_name, relid, head, floor, truncated_at, state FROM hllset_sync.sets WHERE set_name = 'visits'", 'the set');
$both->('SELECT day, visitors FROM visits_by_node ORDER BY 1, 2', 'the rows of all nodes');
$both->('SELECT day, visitors FROM visits_global ORDER BY 1', 'the union');
$both->('SELECT server, direction, sets FROM hllset_sync.peers', 'the peer');
$both->("SELECT seq, key, sketches FROM hllset_sync.p_changes('visits', 0, NULL, 1000, 1000, 1000000)", 'the change index');
$both->("CALL hllset_sync.p_advance('{named}'); SELECT key, sketches FROM hllset_sync.p_changes('named', 0, NULL, 1000, 1000, 1000000)", 'named sets, numbered anew');
is($node->safe_psql('restored', "SELECT state FROM hllset_sync.status"), 'paused', 'its peers are disabled');
like(($node->psql('restored', "CALL hllset_sync.run_round('far')"))[2], qr/resume_peer/, 'no round with a peer that is disabled');

# Changes are captured, and new sets do not meet old ones.
$node->safe_psql('restored', 'DELETE FROM visits WHERE day = 1');
is($node->safe_psql('restored', "CALL hllset_sync.p_advance('{visits}'); SELECT head > 20 FROM hllset_sync.p_heads('{visits}') WHERE set_name IS NOT NULL"), 't', 'the trigger works');
$node->safe_psql('restored', 'CREATE TABLE later (k int PRIMARY KEY, s hllset(8))');
$node->safe_psql('restored', "CALL hllset_sync.register('later')");
is($node->safe_psql('restored', 'SELECT count(DISTINCT set_id) FROM hllset_sync.sets'), '3', 'ids of sets go on');
$node->safe_psql('restored', "SELECT hllset_sync.unregister('later'), hllset_sync.forget_set('later'); DROP TABLE later");

# A node of its own: far gets its rows as those of a third, once its role may push for another node.
$far->safe_psql('postgres', "SELECT hllset_sync.grant_peer(s, current_user::regrole, node => '" . id_of($node, 'restored') . "') FROM unnest('{visits,named}'::text[]) s");
$node->safe_psql('restored', "SELECT hllset_sync.rename_node('third'), hllset_sync.resume_peer('far')");
$node->safe_psql('restored', "CALL hllset_sync.run_round('far')");
is($far->safe_psql('postgres', 'SELECT node, count(*) FROM visits_by_node GROUP BY 1 ORDER BY 1'), "far|20\nnode|20\nthird|19", 'the restored node syncs');

# DROP EXTENSION takes restored tables along.
$node->safe_psql('restored', 'DROP EXTENSION hllset_sync CASCADE');
is($node->safe_psql('restored', "SELECT count(*) FROM pg_namespace WHERE nspname = 'hllset_sync'"), '0', 'DROP EXTENSION after a restore');
is($node->safe_psql('restored', 'SELECT count(*) FROM visits'), '19', 'leaves tables of users');

# A template's copy knows that it is one.
$node->safe_psql('template1', 'CREATE DATABASE twin TEMPLATE postgres');
like($node->safe_psql('twin', 'SELECT identity FROM hllset_sync.node()'), qr/new_identity/, 'a copy of the database');
like(($node->psql('twin', "CALL hllset_sync.run_round('far')"))[2], qr/new_identity/, 'does not sync');
$node->safe_psql('twin', 'SELECT hllset_sync.new_identity()');
is($node->safe_psql('twin', 'SELECT identity FROM hllset_sync.node()'), 'ok', 'until it has an identity of its own');

done_testing();
