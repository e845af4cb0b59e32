# SPDX-License-Identifier: PostgreSQL
# States of sets with a peer: what is wrong is shown and logged with its reason, and goes on by itself when the reason is gone.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Workers;

my $node = worker_node('states');
my $state = sub {
	my ($set, $state, $error, $name) = @_;
	is($node->safe_psql('app', q{SELECT count(*) FROM hllset_sync.set_status WHERE state = 'ok' AND last_error IS NOT NULL}), '0', 'no error stands beside ok');
	return poll_ok($node, 'app', "SELECT bool_and(state = '$state' AND coalesce(last_error, '') LIKE '%$error%') FROM hllset_sync.set_status JOIN hllset_sync.relations USING (set_name, direction, state) WHERE set_name = '$set' AND direction = 'pull'", $name);
};
my $at_far = sub { $node->safe_psql('far', $_[0]) };

my $app_id = id_of($node, 'app');
my $grant = sub { $at_far->("SELECT hllset_sync.grant_peer('$_', 'app_sync', node => '$app_id')") for @_ };

# The role keeps a grant, and so may call the protocol's functions.
$node->safe_psql($_, q{CREATE TABLE other (day int PRIMARY KEY, users hllset(12)); CALL hllset_sync.register('other')}) for 'app', 'far';
$grant->('other');
add_far($node);
$at_far->('INSERT INTO visits VALUES (1, hllset_of(1))');
$state->('visits', 'ok', '', 'a set that is synced is ok');

# ---- names that are no sets ----

for my $function (q{alter_peer('far', sets => '{visits, typo}')}, q{add_peer('another', sets => '{typo}')})
{
	$node->safe_psql('app', q{CREATE SERVER another FOREIGN DATA WRAPPER hllset_sync OPTIONS (host 'localhost')}) if $function =~ /add/;
	like(($node->psql('app', "SELECT hllset_sync.$function"))[2], qr/ERROR:  there is no set "typo"\nHINT:  Register/, "no set of this name: $function");
}
like(($node->psql('app', q{SELECT hllset_sync.add_peer('another', sets => '{}')}))[2], qr/ERROR:  sets must name at least one set/, 'a peer for no set');
$node->safe_psql('app', q{SELECT hllset_sync.alter_peer('far', sets => '{named}')});
poll_ok($node, 'app', q{SELECT count(*) = 0 FROM hllset_sync.relations WHERE set_name = 'visits'}, 'a set that is not chosen is none of the peer');
$node->safe_psql('app', q{SELECT hllset_sync.alter_peer('far', every => '300 ms')});
is($node->safe_psql('app', q{SELECT sets FROM hllset_sync.peers WHERE server = 'far'}), '{named}', 'what is not given stays');
$state->('named', 'absent', 'no such set', 'a set that is named and not granted');
$node->safe_psql('app', q{SELECT hllset_sync.alter_peer('far', sets => NULL)});
is($node->safe_psql('app', q{SELECT sets IS NULL FROM hllset_sync.peers WHERE server = 'far'}), 't', 'NULL means all');
$state->('visits', 'ok', '', 'which is synced again');

# ---- withdrawn ----

$at_far->(q{SELECT hllset_sync.revoke_peer('visits', 'app_sync')});
$state->('visits', 'withdrawn', 'any more', 'a grant is taken back');
is(status_of($node, 'far', 'failed_sets'), '1', 'the status counts it');
is(status_of($node, 'far', 'state, last_error IS NULL'), 'ok|t', 'the peer is well itself');
$at_far->('INSERT INTO visits VALUES (2, hllset_of(2))');
is($node->safe_psql('app', q{SELECT hllset_sync.sync_now('far', '30 s')}), 'f', 'a round in which a set can not be synced did not end well');
$grant->('visits');
$state->('visits', 'ok', '', 'it is given again');
is($node->safe_psql('app', 'SELECT count(*) FROM visits_global'), '2', 'with what came meanwhile');
is(status_of($node, 'far', 'failed_sets'), '0', 'the status counts none');

# ---- columns that differ, for a while ----

for my $database ('app', 'far')
{
	my $type = $database eq 'app' ? 'hllset(12)' : 'hllset(10)';
	$node->safe_psql($database, "CREATE TABLE $_ (day int PRIMARY KEY, users $type); CALL hllset_sync.register('$_')") for qw(narrow thin slim);
	$node->safe_psql($database, "INSERT INTO $_ VALUES (1, NULL)") for qw(narrow thin slim);
}
$grant->(qw(narrow thin slim));
$state->($_, 'mismatched', 'here%at the peer', "$_: the columns differ") for qw(narrow thin slim);
poll_ok($node, 'app', q{SELECT failed_sets = 3 FROM hllset_sync.status}, 'three sets fail');
# What is logged while they are mended one after the other is chance.
my ($of_all, @lines) = qr/set "narrow" and 2 others: mismatched: the sets differ: .*; attempt (\d+)$/;
for (1 .. 1800)
{
	@lines = slurp_file($node->logfile) =~ /(WARNING:  hllset_sync: peer "far": set .*mismatched.*)/g;
	last if 3 <= grep { $_ =~ $of_all } @lines;
	sleep 0.1;
}
$at_far->("SELECT hllset_sync.unregister('$_'); ALTER TABLE $_ ALTER users TYPE hllset(12); CALL hllset_sync.register('$_')") for qw(narrow thin slim);
$grant->(qw(narrow thin slim));
$state->($_, 'ok', '', "$_: they agree, and nobody resumed anything") for qw(narrow thin slim);

my @attempts = map { $_ =~ $of_all ? $1 : () } @lines;
ok(@lines >= 3 && @lines <= 12, 'the log has a line at rounds 1, 2, 4, 8 ...: ' . scalar(@lines));
is("@attempts", join(' ', map { $attempts[0] << $_ } keys @attempts), 'each of twice the attempts of the one before');
like($lines[-1], $of_all, 'one for all of them');

# ---- an error that passes ----

my $id = $node->safe_psql('app', q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'visits'});
$node->safe_psql('app', "ALTER TABLE hllset_sync.copy_$id ADD CONSTRAINT no_seven CHECK (k1 <> 7)");
$at_far->('INSERT INTO visits VALUES (7, hllset_of(7)); INSERT INTO narrow VALUES (7, hllset_of(7))');
$state->('visits', 'error', 'no_seven', 'a copy that can not be written');
poll_ok($node, 'app', 'SELECT count(*) = 2 FROM narrow_global', 'the other sets go on');
sleep 12;
$state->('visits', 'error', 'no_seven', 'after many attempts it is still an error, and no pause');
$node->safe_psql('app', "ALTER TABLE hllset_sync.copy_$id DROP CONSTRAINT no_seven");
$state->('visits', 'ok', '', 'mended, it goes on by itself');
is($node->safe_psql('app', 'SELECT count(*) FROM visits_global WHERE day = 7'), '1', 'and the row is there');

# ---- a peer that was away ----

$node->safe_psql('app', q{ALTER SERVER far OPTIONS (SET dbname 'nowhere')});
state_is($node, 'far', 'backoff', 'nowhere', 'a peer that is away has an error');
$node->safe_psql('app', q{ALTER SERVER far OPTIONS (SET dbname 'far')});
state_is($node, 'far', 'ok', undef, 'it is back');
is(status_of($node, 'far', 'last_error IS NULL AND last_sqlstate IS NULL AND last_error_at IS NOT NULL'), 't', 'an error that has passed does not stand beside ok');

# ---- a peer that becomes another node ----

my $new_id = $node->safe_psql('far', 'SELECT hllset_sync.new_identity()');
state_is($node, 'far', 'identity', "is node $new_id, not ", 'the open connection notices');
$at_far->('INSERT INTO visits VALUES (9, hllset_of(9))');
$node->safe_psql('app', "SELECT hllset_sync.alter_peer('far', node => '$new_id')");
state_is($node, 'far', 'ok', undef, 'it is named anew');
is($node->safe_psql('app', q{SELECT hllset_sync.wait_caught_up('far', '20 s')}), 't', 'what it has is waited for');
is($node->safe_psql('app', "SELECT string_agg(day::text, ' ' ORDER BY day) FROM visits_by_node WHERE node LIKE 'far-%'"), '1 2 7 9', 'and kept as that of another node');
$node->stop;
done_testing();
