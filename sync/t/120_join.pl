# SPDX-License-Identifier: PostgreSQL
# Nodes join and leave by scripts, and one that was restored from a dump takes its old place.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Workers qw(poll_ok reload);

my $workers = "shared_preload_libraries = 'hllset_sync'\nhllset_sync.databases = 'postgres'\nhllset_sync.worker_role = 'the \"worker\"'\n"
	. "hllset_sync.every = '200ms'\nhllset_sync.retry_max = '1s'\nmax_worker_processes = 16\nlog_statement = none\n";
my ($us, $eu, $asia) = map { new_node($_, conf => $workers, init => ['--auth-host=scram-sha-256']) } 'us', 'eu', 'asia';
$us->safe_psql('postgres', q{SELECT hllset_sync.rename_node('zyx''s "us"')});
my %name = (us => q{zyx's "us"}, eu => 'eu', asia => 'asia');
for my $node ($us, $eu, $asia)
{
	$node->safe_psql('postgres', q{CREATE ROLE "the ""worker""" LOGIN; CREATE ROLE owner LOGIN; GRANT CREATE ON SCHEMA public TO owner});
	$node->safe_psql('postgres', "CREATE TABLE visits (day int PRIMARY KEY, visitors hllset(12)); CALL hllset_sync.register('visits')", extra_params => [ '-U', 'owner' ]);
	add_rows($node, 'visits', 1, 20);
}
my %id = map { $_->name => id_of($_) } $us, $eu, $asia;

# What superusers need beside the address: here a socket leads to each.
my $admin = "host='" . $us->host . "' user='" . scalar(getpwuid($<)) . "'";
my $file = PostgreSQL::Test::Utils::tempdir() . '/script.sql';

sub options_of { my ($node, $database) = @_; return sprintf '{"host": "127.0.0.1", "port": %d, "dbname": "%s", "sslmode": "disable"}', $node->port, $database // 'postgres' }

sub join_script
{
	my ($at, $node, $name, $more) = @_;
	return $at->safe_psql('postgres', sprintf(q{SELECT hllset_sync.join_script($n$%s$n$, '%s', '%s'%s)}, $name, $id{ $node->name }, options_of($node), $more // ''));
}

# How psql ends, and what it says, if the script is run where it was made.
sub run_script
{
	my ($at, $script) = @_;
	unlink $file;
	append_to_file($file, $script);
	my ($out, $err);
	my $ok = IPC::Run::run [ 'psql', '-XqAt', '-v', "admin=$admin", '-f', $file, $at->connstr('postgres') ], '>', \$out, '2>', \$err;
	return ($ok, $err);
}

sub script_runs
{
	my ($at, $script, $name) = @_;
	my ($ok, $err) = run_script($at, $script);
	ok($ok, $name) or diag($err);
	return;
}

sub counts_are
{
	my ($node, $set, $expected, $name) = @_;
	return poll_ok($node, 'postgres', "SELECT string_agg(n, ' ' ORDER BY n) = \$e\$$expected\$e\$ FROM (SELECT node || ':' || count(*) AS n FROM ${set}_by_node GROUP BY node) c", $name, 30);
}

# ---- two nodes ----

my $script = join_script($us, $eu, q{e"u'}, ", every => '300 ms'");
unlike($script, qr/secret_\d'?\s*=|password '[^:]/i, 'no password is in the text');
unlike($_, qr/zyx|e"u/, 'no name is in a comment') for grep { /--/ } split /\n/, $script;
script_runs($us, $script, 'the script of two nodes runs');
counts_are($us, 'visits', 'eu:20 zyx\'s "us":20', 'us has the rows of eu');
counts_are($eu, 'visits', 'eu:20 zyx\'s "us":20', 'and eu those of us');
is($us->safe_psql('postgres', 'SELECT server, direction, every, node_id FROM hllset_sync.peers'), "e\"u'|both|00:00:00.3|$id{eu}", 'us has the peer');
is($eu->safe_psql('postgres', 'SELECT count(*) FROM hllset_sync.peers'), '0', 'eu needs none');
is($eu->safe_psql('postgres', q{SELECT bool_and(push AND node = '} . $id{us} . q{') AND count(*) = 2 FROM hllset_sync.acl}), 't', 'at eu it speaks for us in all sets');

# ---- a third one ----

# It would be linked with one of the two only.
like(($eu->psql('postgres', sprintf(q{SELECT hllset_sync.join_script('asia', '%s', '%s')}, $id{asia}, options_of($asia))))[2],
	qr/ERROR:  nodes log in here that are no peers of this one, so their addresses are not known: zyx's "us"\nHINT:  Make the script at a node that has all others as peers/, 'not at a node that does not know the way to all');
my ($ok, $err) = run_script($us, $us->safe_psql('postgres', sprintf(q{SELECT hllset_sync.join_script('asia', '%s', '%s')}, $id{asia}, options_of($eu))));
ok(!$ok && $err =~ /this is another node than the one that the script was made for/, 'a script that reaches another node than it was made for ends');
is($eu->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname LIKE '%\_sync'}), '1', 'and has changed nothing');
script_runs($us, join_script($us, $asia, 'asia'), 'the script of a third node runs');
my $all = 'asia:20 eu:20 zyx\'s "us":20';
counts_are($_, 'visits', $all, $_->name . ' has the rows of all') for $us, $eu, $asia;
is($us->safe_psql('postgres', 'SELECT string_agg(server, $$ $$ ORDER BY server) FROM hllset_sync.peers'), "asia e\"u'", 'us knows the way to all');
is($eu->safe_psql('postgres', 'SELECT server FROM hllset_sync.peers'), 'asia', 'eu to asia');
like(($us->psql('postgres', sprintf(q{SELECT hllset_sync.join_script('asia', '%s', '%s')}, $id{asia}, options_of($asia))))[2], qr/ERROR:  node "asia" is this one, or a peer of it already/, 'no second time');
for my $wrong ([ q{NULL, 'ID', '{}'}, 'a node that joins has a name' ], [ q{E'a\nb', 'ID', '{}'}, 'control characters' ], [ q{'x', 'ID', '{"user": "x"}'}, 'invalid option' ],
	[ q{'x', 'ID', '{"host": null}'}, 'a node that joins has a name' ], [ q{'x', 'ID', '{"host": "a\nb"}'}, 'control characters' ])
{
	my ($arguments, $message) = @$wrong;
	like(($us->psql('postgres', 'SELECT hllset_sync.join_script(' . ($arguments =~ s/ID/11111111-1111-1111-1111-111111111111/r) . ')'))[2], qr/ERROR:  .*$message/, "refused: $arguments");
}

# A set that comes later needs no word more.
for my $node ($us, $eu, $asia)
{
	$node->safe_psql('postgres', "CREATE TABLE later (day int PRIMARY KEY, visitors hllset(12)); CALL hllset_sync.register('later')", extra_params => [ '-U', 'owner' ]);
	add_rows($node, 'later', 1, 5);
}
counts_are($_, 'later', $all =~ s/20/5/gr, $_->name . ': a set that was registered later') for $us, $eu, $asia;

# Whatever stands in an address comes to psql as it is.
my $address = $us->safe_psql('postgres', q{SELECT hllset_sync.script_section(ARRAY[$$dbname=it's a \ "b" :USER$$, 'host=x', 'sslmode=disable'], NULL)});
my ($set) = $address =~ /^(\\set there .*)$/m;
is($us->safe_psql('postgres', "\\set admin ''\n$set\n\\echo :there"), q{dbname='it\\'s a \\\\ "b" :USER' host='x' }, 'quoted for psql and for libpq');

# ---- one leaves ----

like(($us->psql('postgres', q{SELECT hllset_sync.leave_script('nobody')}))[2], qr/ERROR:  none or several nodes are known here as "nobody"/, 'a node that nobody knows');
like(($eu->psql('postgres', "SELECT hllset_sync.leave_script('$id{us}')"))[2], qr/ERROR:  node "$id{us}" is no peer of this one, so its address is not known/, 'a node to which there is no way');
$asia->safe_psql('postgres', 'INSERT INTO visits VALUES (21, hllset_of(21))');
counts_are($_, 'visits', $all =~ s/asia:20/asia:21/r, $_->name . ' has a row that only asia wrote') for $us, $eu;
$script = $us->safe_psql('postgres', q{SELECT hllset_sync.leave_script('asia', 'absorb')});
unlike($_, qr/zyx|e"u|asia/, 'no name is in a comment') for grep { /--/ } split /\n/, $script;
script_runs($us, $script, 'the script of a node that leaves runs');
counts_are($us, 'visits', 'eu:20 zyx\'s "us":21', 'us has taken over what asia had');
counts_are($eu, 'visits', 'eu:20 zyx\'s "us":21', 'and eu has it from there');
is($_->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname = 'asia_sync'}), '0', $_->name . ' has no role for it') for $us, $eu;
is($_->safe_psql('postgres', "SELECT count(*) FROM hllset_sync.peers WHERE node_id = '$id{asia}'"), '0', $_->name . ' has no way to it') for $us, $eu;
is($asia->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname LIKE '%\_sync'}), '0', 'nobody logs in at asia');
is($asia->safe_psql('postgres', q{SELECT count(*) FROM hllset_sync.acl}), '0', 'or has rights there');
like(($us->psql('postgres', q{SELECT hllset_sync.leave_script('asia')}))[2], qr/none or several/, 'us knows it no more');
script_runs($us, $script, 'run again, the script changes nothing');
counts_are($us, 'visits', 'eu:20 zyx\'s "us":21', 'at us, either');

# ---- and comes again ----

script_runs($us, join_script($us, $asia, 'asia'), 'it joins again');
counts_are($_, 'visits', 'asia:21 eu:20 zyx\'s "us":21', $_->name . ' has the rows of all') for $us, $eu, $asia;

# ---- a node that was restored from a dump ----

my $dump = $eu->basedir . '/dump.sql';
$eu->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, $eu->connstr('postgres') ], 'pg_dump of eu');
$eu->safe_psql('postgres', q{INSERT INTO visits SELECT d, hllset_of(d) FROM generate_series(101, 103) d});
counts_are($_, 'visits', 'asia:21 eu:23 zyx\'s "us":21', $_->name . ' has what the dump has not') for $us, $asia;
$eu->safe_psql('template1', 'CREATE DATABASE restored');
$eu->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $eu->connstr('restored') ], 'restored');
reload($eu, 'hllset_sync.databases' => q{'restored'});
my $new = $eu->safe_psql('restored', q{SELECT hllset_sync.rename_node('eu'); SELECT node_id FROM hllset_sync.node()}) =~ s/\s//gr;
isnt($new, $id{eu}, 'with another id');
$us->safe_psql('postgres', q{ALTER SERVER "e""u'" OPTIONS (SET dbname 'restored')});
poll_ok($us, 'postgres', qq{SELECT state <> 'ok' AND last_error LIKE '%is node $new, not $id{eu}%' FROM hllset_sync.status WHERE peer = \$\$e"u'\$\$}, 'us sees that it is another');
like(($us->psql('postgres', "CALL hllset_sync.replace_origin('$_->[0]', '$_->[1]')"))[2], qr/ERROR:  another node is replaced by another one/, "not $_->[2]")
	for [ $new, $new, 'by itself' ], [ $id{us}, $new, 'this one' ], [ $id{eu}, $id{us}, 'by this one' ];

my $rows_in = $us->safe_psql('postgres', q{SELECT rows_in FROM hllset_sync.status WHERE peer = $$e"u'$$});
$us->safe_psql('postgres', "CALL hllset_sync.replace_origin('$id{eu}', '$new')");
# At asia the new one comes first, and what the old one had goes.
$asia->safe_psql('postgres', "SELECT hllset_sync.grant_peer(NULL, oid, node => '$new') FROM pg_roles WHERE rolname LIKE 'e%sync'");
$eu->safe_psql('restored', q{SELECT hllset_sync.resume_peer('asia')});
poll_ok($asia, 'postgres', "SELECT count(*) = 1 FROM hllset_sync.origins WHERE node_id = '$new'", 'asia has rows of the new one', 30);
poll_ok($asia, 'postgres', "SELECT (SELECT count(*) FROM visits_by_node b JOIN hllset_sync.origins o ON o.node_name = b.node WHERE o.node_id = '$new') = 20", 'all of them', 30);
is($asia->safe_psql('postgres', "CALL hllset_sync.replace_origin('$id{eu}', '$new')"), '28', 'asia has dropped what the old one had');
is($_->safe_psql('postgres', "SELECT count(*) FROM hllset_sync.origins WHERE node_id = '$id{eu}'"), '0', $_->name . ' does not know the old one') for $us, $asia;
is($_->safe_psql('postgres', "SELECT (SELECT count(*) FROM hllset_sync.acl WHERE node = '$id{eu}') + (SELECT count(*) FROM hllset_sync.readers WHERE node_id = '$id{eu}')"), '0', $_->name . ': as a reader or speaker, either') for $us, $asia;
poll_ok($us, 'postgres', q{SELECT bool_and(state = 'ok') FROM hllset_sync.status}, 'us is in step with all', 30);
poll_ok($us, 'postgres', "SELECT orphans = 3 FROM hllset_sync.set_status WHERE set_name = 'visits' AND direction = 'pull' AND node_name = 'eu'", 'what the dump had not is kept as orphans', 30);
counts_are($us, 'visits', 'asia:21 eu:23 zyx\'s "us":21', 'us has all that it had');
cmp_ok($us->safe_psql('postgres', q{SELECT rows_in FROM hllset_sync.status WHERE peer = $$e"u'$$}) - $rows_in, '<=', 3, 'hardly any row had to come again');
poll_ok($asia, 'postgres', q{SELECT string_agg(n, ' ' ORDER BY n) ~ '^asia:21 eu[-0-9a-f]*:20 zyx.*:21$' FROM (SELECT node || ':' || count(*) AS n FROM visits_by_node GROUP BY node) c}, 'asia has what the new one has', 30);
$eu->safe_psql('restored', q{INSERT INTO visits VALUES (50, hllset_of(50))});
$us->safe_psql('postgres', q{INSERT INTO visits VALUES (60, hllset_of(60))});
poll_ok($_, 'postgres', "SELECT count(*) = 1 FROM visits_by_node WHERE node LIKE 'eu%' AND day = 50", $_->name . ' gets what it writes', 30) for $us, $asia;
poll_ok($eu, 'restored', q{SELECT count(*) = 1 FROM visits_by_node WHERE node LIKE 'zyx%' AND day = 60}, 'and it what others write', 30);
is($us->safe_psql('postgres', "SELECT hllset_sync.wait_for_peers('visits', '60 s', ARRAY['$new'])"), 't', 'it is waited for');
is($_->safe_psql($_ == $eu ? 'restored' : 'postgres', q{SELECT count(*) FROM hllset_sync.readers r WHERE node_id = '} . $id{eu} . q{'}), '0', $_->name . ': nobody waits for the old one') for $us, $asia;

# ---- a node that is gone ----

$asia->stop('immediate');
script_runs($us, $us->safe_psql('postgres', q{SELECT hllset_sync.leave_script('asia', 'drop', reachable => false)}), 'the script for a node that is gone runs without it');
is($_->[0]->safe_psql($_->[1], "SELECT count(*) FROM hllset_sync.origins WHERE node_id = '$id{asia}'"), '0', $_->[0]->name . ' has no copies of it') for [ $us, 'postgres' ], [ $eu, 'restored' ];
is($_->[0]->safe_psql($_->[1], "SELECT (SELECT count(*) FROM hllset_sync.peers WHERE node_id = '$id{asia}') + (SELECT count(*) FROM hllset_sync.readers WHERE node_id = '$id{asia}') + (SELECT count(*) FROM hllset_sync.acl WHERE node = '$id{asia}')"),
	'0', $_->[0]->name . ' has no word of it') for [ $us, 'postgres' ], [ $eu, 'restored' ];
is($us->safe_psql('postgres', q{SELECT hllset_sync.wait_for_peers('visits', '60 s')}), 't', 'and nobody waits for it');
$_->stop for $us, $eu;
done_testing();
