# SPDX-License-Identifier: PostgreSQL
# What is refused: options, ways to connect, peers that differ; and what may differ.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $secret = PostgreSQL::Test::Utils::tempdir();
append_to_file("$secret/pgpass", "*:*:*:keyed:right\n");
chmod 0600, "$secret/pgpass" or die;
append_to_file("$secret/services", "[far]\npassword=right\nuser=keyed\n");
my $us = new_node('us');
# The server itself could log in; the role must not be lent that.
my $eu = new_node('eu', env => { PGPASSFILE => "$secret/pgpass", PGSERVICEFILE => "$secret/services", PGSERVICE => 'far' });
add_set($_, 'daily') for $eu, $us;
add_rows($_, 'daily', 1, 10) for $eu, $us;
$us->safe_psql('postgres', "CREATE ROLE keyed LOGIN PASSWORD 'right'; CREATE ROLE trusted LOGIN; "
		. "SELECT hllset_sync.grant_peer('daily', r::regrole, node => '" . id_of($eu) . "') FROM unnest(ARRAY['keyed', 'trusted']) r");
unlink $us->data_dir . '/pg_hba.conf';
$us->append_conf('pg_hba.conf', "local all keyed peer\nlocal all all trust\nhost all keyed 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n");
$us->reload;

sub refused
{
	my ($as, $statement, $state, $text, $name) = @_;
	my ($rc, $out, $err) = $eu->psql('postgres', "\\set VERBOSITY verbose\nSET SESSION AUTHORIZATION $as;\n$statement", on_error_stop => 1);
	my $good = $rc != 0 && $err =~ /ERROR:  \Q$state\E: / && $err =~ $text && $err !~ /'wrong'|password=/;
	ok($good, $name) or diag("$statement\nrc $rc: $out $err");
	return;
}

my $self = getpwuid($<);
my $port = $us->port;
my $far = "host '127.0.0.1', port '$port', dbname 'postgres', sslmode 'disable'";

# ---- options ----

$eu->safe_psql('postgres', "CREATE ROLE worker LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER hllset_sync TO worker; GRANT CREATE ON DATABASE postgres TO worker");
for my $option (qw(service passfile options replication application_name client_encoding requirepeer krbsrvname gssencmode gsslib sslpassword sslkeylogfile
	fallback_application_name user password sslcert sslkey password_required require_auth load_balance_hosts nosuch))
{
	refused($self, "CREATE SERVER bad FOREIGN DATA WRAPPER hllset_sync OPTIONS (host 'h', $option 'x')", 'HV00D', qr/invalid option "$option"/, "server option $option");
}
refused($self, "CREATE SERVER bad FOREIGN DATA WRAPPER hllset_sync OPTIONS (host 'h', sslmode 'none')", 'HV024', qr/sslmode/, 'an unknown sslmode');
for my $hosts ('', "host ''", "host '/tmp'", "host 'a,/tmp'", "host '\@abstract'", "host 'a,'", "host 'a', hostaddr ''", "host 'a', hostaddr '127.0.0.1,'")
{
	refused('worker', 'CREATE SERVER bad FOREIGN DATA WRAPPER hllset_sync' . ($hosts eq '' ? '' : " OPTIONS ($hosts)"), '42501', qr/Unix socket/, "a socket: $hosts");
}
$eu->safe_psql('postgres', "SET SESSION AUTHORIZATION worker; CREATE SERVER us FOREIGN DATA WRAPPER hllset_sync OPTIONS ($far)");
refused('worker', "ALTER SERVER us OPTIONS (SET host '/tmp')", '42501', qr/Unix socket/, 'a socket by ALTER');
refused('worker', "ALTER SERVER us OPTIONS (ADD service 'far')", 'HV00D', qr/invalid option "service"/, 'a service by ALTER');
for my $option ("password_required 'false'", "sslcert '/c'", "sslkey '/k'")
{
	refused('worker', "CREATE USER MAPPING FOR worker SERVER us OPTIONS (user 'keyed', $option)", '42501', qr/only a superuser/, "mapping option $option");
}
refused($self, "CREATE USER MAPPING FOR worker SERVER us OPTIONS (host 'h')", 'HV00D', qr/invalid option "host"/, 'a server option in a mapping');
refused($self, "ALTER FOREIGN DATA WRAPPER hllset_sync OPTIONS (ADD host 'h')", 'HV00D', qr/no valid options/, 'an option of the wrapper');

# ---- who may ----

refused('worker', "SELECT hllset_sync.add_peer('us')", '42501', qr/permission denied for function/, 'add_peer needs a grant');
$eu->safe_psql('postgres', "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA hllset_sync TO worker; GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA hllset_sync TO worker; "
		. "SET SESSION AUTHORIZATION worker; SELECT hllset_sync.add_peer('us', 'both', NULL, '1 min')");
refused('worker', "SELECT hllset_sync.add_peer('us')", '42710', qr/is a peer already/, 'a peer twice');
refused('worker', "SELECT hllset_sync.alter_peer('us', 'sideways')", '22023', qr/invalid direction/, 'an unknown direction');
refused('worker', "SELECT hllset_sync.alter_peer('us', NULL, NULL, '10 ms')", '22023', qr/at least 100 ms/, 'too often');
$eu->safe_psql('postgres', "CREATE ROLE other; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA hllset_sync TO other; GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA hllset_sync TO other");
refused('other', $_, '42501', qr/permission denied for foreign server us/, "no usage: $_")
	for "SELECT hllset_sync.drop_peer('us')", "SELECT hllset_sync.pause_peer('us')", "SELECT hllset_sync.resume_peer('us')", "CALL hllset_sync.run_round('us')",
	"CALL hllset_sync.verify('daily', 'us')";

# ---- passwords ----

my $round = "CALL hllset_sync.run_round('us')";
my $mapping = sub { $eu->safe_psql('postgres', "DROP USER MAPPING IF EXISTS FOR worker SERVER us; CREATE USER MAPPING FOR worker SERVER us OPTIONS ($_[0])") };
refused('worker', $round, '42704', qr/user mapping not found/, 'no mapping');
$mapping->("user 'keyed'");
refused('worker', $round, '2F003', qr/a password is required.*has no password/s, 'no password, though the server has a password file and a service');
$mapping->("user 'keyed', password ''");
refused('worker', $round, '2F003', qr/a password is required/, 'an empty password');
$mapping->("user 'keyed', password 'wrong'");
refused('worker', $round, '08006', qr/password authentication failed/, 'a wrong password, though the server knows the right one');
$mapping->("user 'trusted', password 'right'");
refused('worker', $round, '2F003', qr/did not ask for one/, 'a peer that trusts');
$eu->safe_psql('postgres', "ALTER SERVER us OPTIONS (SET host '" . $us->host . "')");
refused('worker', $round, '42501', qr/Unix socket/, 'a socket is refused again at the connection');
$eu->safe_psql('postgres', "ALTER SERVER us OWNER TO CURRENT_USER; GRANT USAGE ON FOREIGN SERVER us TO worker");
$mapping->("user 'trusted', password 'right'");
refused('worker', $round, '2F003', qr/did not ask for one/, 'a socket of a peer that trusts');
$mapping->("user 'keyed', password 'right'");
refused('worker', $round, '08006', qr/peer authentication failed/i, 'peer authentication');
$eu->safe_psql('postgres', "ALTER SERVER us OPTIONS (SET host '127.0.0.1')");
$eu->safe_psql('postgres', "SET SESSION AUTHORIZATION worker; $round");
is_synced($eu, 'daily', $us, 'the right password');
is_synced($us, 'daily', $eu, 'in both directions');
$eu->safe_psql('postgres', "DROP SERVER us CASCADE; SELECT hllset_sync.drop_peer('us')");
$eu->restart; # without the password file

# ---- peers that differ ----

add_peer($eu, $eu);
round_fails($eu, $eu, 'HS004', qr/peer "eu" is this node/, 'the peer is this node');
add_set($eu, 'narrow', type => 'hllset(10)');
add_set($us, 'narrow', type => 'hllset(14)');
add_rows($us, 'daily', 20, 30);
add_peer($eu, $us);
run_round($eu, $us);
is_synced($eu, 'daily', $us, 'one set goes on');
is(lane($eu, $us, 'narrow', $_, 'state, sqlstate'), 'mismatched|HS003', "$_ of another does not") for 'pull', 'push';
like(lane($eu, $us, 'narrow', 'pull', 'error'), qr/here .*10.* at the peer .*14/, 'and says why');
$us->safe_psql('postgres', "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
$us->safe_psql('latin', 'CREATE EXTENSION hllset_sync CASCADE');
$eu->safe_psql('postgres', "ALTER SERVER us OPTIONS (SET dbname 'latin')");
round_fails($eu, $us, '0A000', qr/encoding of peer "us" differs.*LATIN1 there and UTF8 here/s, 'another encoding');
$us->safe_psql('postgres', 'CREATE DATABASE clone TEMPLATE postgres');
$eu->safe_psql('postgres', "ALTER SERVER us OPTIONS (SET dbname 'clone')");
round_fails($eu, $us, 'HS004', qr/is a copy of another/, 'a copy of a database');
$eu->safe_psql('postgres', "ALTER SERVER us OPTIONS (SET dbname 'nosuch')");
round_fails($eu, $us, '08006', qr/database "nosuch" does not exist/, 'no database');
$eu->safe_psql('postgres', "ALTER SERVER us OPTIONS (SET dbname 'template1')");
round_fails($eu, $us, '3F000', qr/schema "hllset_sync" does not exist/, 'no extension');
$eu->safe_psql('postgres', "ALTER SERVER us OPTIONS (SET dbname 'postgres')");

# ---- what may differ ----

for my $node ($eu, $us)
{
	$node->safe_psql('postgres', "CREATE TABLE moments (d date, t timestamptz, w text, v hllset(12), PRIMARY KEY (d, t, w)); CALL hllset_sync.register('moments')");
	my $other = id_of($node == $eu ? $us : $eu);
	$node->safe_psql('postgres', "SELECT hllset_sync.grant_peer('moments', current_user::regrole, node => '$other'); "
			. "INSERT INTO moments SELECT d, d + interval '1 h', U&'caf\\00e9 ' || d, hll_add_agg(d, 12) FROM (SELECT date '2024-01-02' + i AS d FROM generate_series(0, 30) i) x GROUP BY d");
}
$eu->safe_psql('postgres', "ALTER DATABASE postgres SET datestyle = 'SQL, DMY'; ALTER DATABASE postgres SET timezone = 'Asia/Kolkata'; ALTER DATABASE postgres SET bytea_output = 'escape'");
$us->safe_psql('postgres', "ALTER DATABASE postgres SET datestyle = 'German'; ALTER DATABASE postgres SET timezone = 'America/New_York'; ALTER DATABASE postgres SET search_path = 'nowhere'");
$eu->safe_psql('postgres', "SET client_encoding = 'LATIN1';\nCALL hllset_sync.run_round('us')");
my $moments = sub {
	my ($node, $from) = @_;
	return $node->safe_psql('postgres', "SET datestyle = 'ISO'; SET timezone = 'UTC'; SELECT d, t, w, md5(public.hllset_send(v)) FROM public.$from ORDER BY 1, 2, 3");
};
is_same($moments->($eu, "moments_by_node WHERE node = 'us'"), $moments->($us, 'moments'), 'styles, zones and encodings of sessions, pulled');
is_same($moments->($us, "moments_by_node WHERE node = 'eu'"), $moments->($eu, 'moments'), 'pushed');

done_testing();
