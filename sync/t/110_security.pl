# SPDX-License-Identifier: PostgreSQL
# What strangers try: to use the worker for what only the server itself may, to read its secrets, to write for others, to hide SQL in names and
# escapes in errors.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Workers;

# The environment of the server could log in anywhere.
my $secret = PostgreSQL::Test::Utils::tempdir();
append_to_file("$secret/pgpass", "*:*:*:*:right\n");
chmod 0600, "$secret/pgpass" or die;
append_to_file("$secret/services", "[far]\npassword=right\nuser=app_sync\n");
my $node = new_server('security', "hllset_sync.retry_max = '1s'\n");
{
	local @ENV{qw(PGPASSFILE PGSERVICEFILE PGSERVICE PGPASSWORD PGUSER)} = ("$secret/pgpass", "$secret/services", 'far', 'right', 'app_sync');
	$node->start;
}
make_node($node);
my ($me, $port, $socket) = ($node->safe_psql('postgres', 'SELECT current_user'), $node->port, $node->host);
$node->safe_psql('postgres', "ALTER ROLE app_sync PASSWORD 'right'; CREATE ROLE trusted LOGIN; CREATE ROLE mallory LOGIN; GRANT CREATE ON DATABASE app TO mallory");
$node->safe_psql('app', 'GRANT USAGE ON FOREIGN DATA WRAPPER hllset_sync TO mallory; GRANT EXECUTE ON FUNCTION hllset_sync.add_peer TO mallory');
unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local far $me peer\nlocal all all trust\nhost all trusted,$me 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
$node->reload;

sub as
{
	my ($role, $database, $sql) = @_;
	my ($rc, $out, $err) = $node->psql($database, $sql, extra_params => [ '-U', $role ]);
	return $rc == 0 ? $out : $err;
}

# ---- the worker's own ways to log in ----

# A server and mappings of mallory, which the worker is to use.
as('mallory', 'app', qq{
	CREATE SERVER lure FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '127.0.0.1', port '$port', dbname 'far', sslmode 'disable');
	CREATE USER MAPPING FOR hllset_worker SERVER lure OPTIONS (user 'app_sync', password 'wrong');
	SELECT hllset_sync.add_peer('lure')});
my $tries = 0;
my $lured = sub {
	my ($mapping, $error, $name, $server) = @_;
	my $since = $node->safe_psql('app', 'SELECT clock_timestamp()');
	$server = $server ? "ALTER SERVER lure OPTIONS ($server);" : '';
	is(as('mallory', 'app', "BEGIN; $server DROP USER MAPPING FOR hllset_worker SERVER lure; CREATE USER MAPPING FOR hllset_worker SERVER lure OPTIONS ($mapping); COMMIT"), '', "$name: is tried");
	poll_ok($node, 'app', "SELECT last_error LIKE '%$error%' FROM hllset_sync.status WHERE last_attempt > '$since'", "$name: $error", 30);
};
$lured->("user 'app_sync', password 'wrong'", 'password authentication failed', 'a wrong password, though PGPASSWORD and .pgpass are right');
$lured->("user 'app_sync'", 'a password is required', 'no password');
$lured->("user 'app_sync', password ''", 'a password is required', 'an empty one');
$lured->("password 'wrong'", 'password authentication failed', 'no user, though PGUSER is set');
$lured->("user 'trusted', password 'right'", 'a password is required', 'a server that trusts local users');
$lured->("user '$me', password 'right'", 'a password is required', 'the superuser');
$lured->("user 'app_sync', password 'right'", 'does not exist', 'options in the name of a database', "SET dbname 'host=$socket user=$me dbname=far'");
$node->safe_psql('app', "ALTER SERVER lure OWNER TO $me; GRANT USAGE ON FOREIGN SERVER lure TO mallory");
$node->safe_psql('app', "ALTER SERVER lure OPTIONS (SET host '$socket', SET dbname 'far'); DROP USER MAPPING FOR hllset_worker SERVER lure;
	CREATE USER MAPPING FOR hllset_worker SERVER lure OPTIONS (user '$me', password 'right')");
poll_ok($node, 'app', "SELECT last_error LIKE 'a password is required%' FROM hllset_sync.status", 'peer authentication', 30);
is($node->safe_psql('far', "SELECT count(*) FROM hllset_sync.origins"), '0', 'none of them said a word');
$node->safe_psql('app', "DROP SERVER lure CASCADE; SELECT hllset_sync.drop_peer('lure')");

# ---- secrets ----

$node->safe_psql('app', qq{
	CREATE SERVER far FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '127.0.0.1', port '$port', dbname 'far', sslmode 'disable');
	CREATE USER MAPPING FOR hllset_worker SERVER far OPTIONS (user 'app_sync', password 'right');
	SELECT hllset_sync.add_peer('far')});
state_is($node, 'far', 'ok', undef, 'the peer is synced', 30);
for my $role ('hllset_worker', 'mallory')
{
	like(as($role, 'app', 'SELECT * FROM pg_user_mapping'), qr/permission denied/, "$role can't read pg_user_mapping");
	is(as($role, 'app', 'SELECT umoptions FROM pg_user_mappings'), '', "$role sees no options");
	is(as($role, 'app', 'SELECT option_value FROM information_schema.user_mapping_options'), '', "$role sees none in the information schema");
	like(as($role, 'app', "SELECT * FROM hllset_sync.$_"), qr/permission denied/, "$role can't read $_") for 'peers', 'relations', 'peer_state', 'acl', 'sets', 'named';
	like(as($role, 'app', "CALL hllset_sync.run_round('far')"), qr/permission denied/, "$role can't use the server");
}
like(as('hllset_worker', 'app', 'SELECT * FROM visits'), qr/permission denied/, 'the worker role has no rights on tables');
like(as('hllset_worker', 'app', "SELECT * FROM hllset_sync.$_"), qr/permission denied for function/, "nor on sets: $_") for q{p_heads('{visits}')}, 'p_sets()';

# ---- another node's rows ----

my $origin = $node->safe_psql('app', 'SELECT node_id FROM hllset_sync.node()');
my $push = "CALL hllset_sync.p_receive('visits', '$origin', 'app', 'repair', 0, NULL, 0, '{}', '{}', '{}', NULL, NULL, false)";
$node->safe_psql('app', 'INSERT INTO visits VALUES (1, hllset_of(1))');
is($node->safe_psql('app', 'SELECT hllset_sync.wait_for_peers()'), 't', 'a row is pushed');
$node->safe_psql('far', "SELECT hllset_sync.grant_peer('visits', 'mallory', node => gen_random_uuid())");
my $no_speaker = qr/role "mallory" does not speak for node $origin in set "visits"/;
like(as('mallory', 'far', $push), $no_speaker, 'another role is not taken for the node');
like(as('mallory', 'far', $_), $no_speaker, "nor told of its copies: $_")
	for "SELECT * FROM hllset_sync.p_copy_fingerprint('visits', '$origin')", "SELECT * FROM hllset_sync.p_copy_bucket('visits', '$origin', '{1}', NULL, 1000, 1000000)";
is(as('mallory', 'far', "SELECT * FROM hllset_sync.p_cursor('{visits}', '$origin')"), '', 'nor how far they are');
$node->safe_psql('far', "SELECT hllset_sync.grant_peer('visits', 'mallory', node => '$origin')");
like(as('mallory', 'far', $push), qr/^1\|.*\|$/, 'unless the owner says so; nothing is done, since the copies are not where he says');
$node->safe_psql('far', "SELECT hllset_sync.revoke_peer('visits', 'mallory')");
like(as('mallory', 'far', $push), qr/set "visits" is not registered, or not granted/, 'and as long as he does');

# ---- more than there is ----

for my $call ('SELECT * FROM hllset_sync.p_heads(%s)', "SELECT * FROM hllset_sync.p_cursor(%s, '$origin')", 'CALL hllset_sync.p_advance(%s)', "CALL hllset_sync.p_advance(NULL, %s, '{}', '{}')")
{
	like(as('app_sync', 'far', sprintf($call, "array_fill('visits'::text, ARRAY[10001])")), qr/more than 10000 sets are named in one call.*max_sets/s, "too many names: $call");
	unlike(as('app_sync', 'far', sprintf($call, "array_fill('visits'::text, ARRAY[10000])")), qr/more than/, 'as many as there may be sets are heard');
}

# ---- a role that is revoked ----

$node->safe_psql('far', "SELECT hllset_sync.revoke_peer('visits', 'app_sync'); INSERT INTO visits VALUES (2, hllset_of(2))");
state_is($node, 'far', 'backoff', 'permission denied for function', 'a worker whose role was revoked', 30);
is($node->safe_psql('app', "SELECT count(*) FROM visits_by_node WHERE node = 'far'"), '0', 'gets nothing more');
$node->safe_psql('far', "SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '$origin')");
state_is($node, 'far', 'ok', undef, 'until it is granted again', 30);
poll_ok($node, 'app', "SELECT count(*) = 1 FROM visits_by_node WHERE node = 'far'", 'and all comes', 30);

# ---- names ----

my $evil = qq{o"r'; DROP TABLE visits; --\n\x{c3}\x{bc}};
(my $node_name = $evil) =~ tr/\n/ /;
my $sql = sub { my $text = $_[0]; $text =~ s/'/''/g; return "'$text'" };
my $id = sub { my $text = $_[0]; $text =~ s/"/""/g; return qq{"$text"} };
my ($table, $name) = ($id->("t$evil"), $sql->("s$evil"));
for my $database ('app', 'far')
{
	$node->safe_psql($database, "CREATE SCHEMA " . $id->("n$evil") . "; CREATE TABLE " . $id->("n$evil") . ".$table (" . $id->("k$evil") . " text PRIMARY KEY, " . $id->("v$evil") . " hllset(12))");
	$node->safe_psql($database, "CALL hllset_sync.register(" . $sql->($id->("n$evil") . ".$table") . "::regclass, $name)");
	$node->safe_psql($database, "INSERT INTO " . $id->("n$evil") . ".$table VALUES (" . $sql->("$database$evil") . ", hllset_of(1)); SELECT hllset_sync.rename_node(" . $sql->("$database$node_name") . ')');
}
$node->safe_psql('far', "CREATE ROLE " . $id->("r$evil") . " LOGIN PASSWORD 'right'; SELECT hllset_sync.grant_peer($name, " . $sql->($id->("r$evil")) . "::regrole, node => '$origin')");
$node->safe_psql('app', "CREATE SERVER " . $id->("p$evil") . " FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '127.0.0.1', port '$port', dbname 'far', sslmode 'disable');
	CREATE USER MAPPING FOR hllset_worker SERVER " . $id->("p$evil") . " OPTIONS (user " . $sql->("r$evil") . ", password 'right'); SELECT hllset_sync.add_peer(" . $sql->("p$evil") . ", node => '" . id_of($node, 'far') . "')");
for ([ 'app', 'far' ], [ 'far', 'app' ])
{
	my ($here, $there) = @$_;
	poll_ok($node, $here, "SELECT count(*) = 1 FROM " . $id->("n$evil") . '.' . $id->("t${evil}_by_node") . " WHERE node = " . $sql->("$there$node_name") . ' AND ' . $id->("k$evil") . ' = ' . $sql->("$there$evil"),
		"names that are none: rows at $here", 30);
}
poll_ok($node, 'app', "SELECT state = 'ok' FROM hllset_sync.status WHERE peer = " . $sql->("p$evil"), 'and the peer is well');
$node->safe_psql('app', "SELECT hllset_sync.drop_peer(" . $sql->("p$evil") . "); CALL hllset_sync.rescan($name)");
is($node->safe_psql('app', "CALL hllset_sync.absorb_origin(" . $sql->("far$node_name") . ')'), '2', 'absorbed'); # with the row of visits
$node->safe_psql('app', "SELECT hllset_sync.unregister($name), hllset_sync.rename_node('app')");
like(as($me, 'app', "SELECT hllset_sync.rename_node(E'app\\x1b[31m')"), qr/must not have control characters/, 'names of nodes are for lines');
is($node->safe_psql($_, "SELECT to_regclass('visits') IS NOT NULL"), 't', "$_: nothing is lost") for 'app', 'far';

# ---- what a peer says ----

my $n = $node->safe_psql('far', "SELECT set_id FROM hllset_sync.sets WHERE set_name = 'visits'");
$node->safe_psql('far', qq{
	CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS \$f\$
	BEGIN
		RAISE EXCEPTION '%', E'\\x1b[31m\\x07bell\\nline' || repeat(U&'\\00fc', 5000);
	END \$f\$;
	CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON hllset_sync.copy_$n FOR EACH ROW EXECUTE FUNCTION shout()});
$node->safe_psql('app', 'INSERT INTO visits VALUES (3, hllset_of(3))');
my $said = "FROM hllset_sync.set_status WHERE set_name = 'visits' AND direction = 'push' AND state = 'error'";
poll_ok($node, 'app', "SELECT last_error LIKE '%\\\\x1B[31m\\\\x07bell line%' $said", 'control characters are escaped', 30);
is($node->safe_psql('app', "SELECT octet_length(last_error) < 1200, last_error ~ '[\\x01-\\x1f\\x7f]', right(last_error, 1) $said"), "t|f|\x{c3}\x{bc}", 'and long texts clipped between characters');
$node->safe_psql('far', 'DROP FUNCTION shout CASCADE');
$node->safe_psql('far', "ALTER ROLE app_sync RENAME TO " . $id->("a\x1b[31m"));
$node->safe_psql('app', "ALTER USER MAPPING FOR hllset_worker SERVER far OPTIONS (SET user " . $sql->("a\x1b[31m") . ", SET password 'wrong')");
state_is($node, 'far', 'backoff', 'password authentication failed for user "a\\\\x1B[31m"', 'also in errors of a connection', 30);
unlike(join("\n", grep { /hllset_sync: peer/ } split /\n/, slurp_file($node->logfile)), qr/[\x00-\x08\x0b-\x1f]/, 'none gets into the log');

$node->stop;
done_testing();
