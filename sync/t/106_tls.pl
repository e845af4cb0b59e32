# SPDX-License-Identifier: PostgreSQL
# Encrypted connections of a real worker: certificates of servers are verified, those of clients can stand for passwords, passwords can be rotated.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Workers;

plan skip_all => 'the server has no OpenSSL' unless `pg_config --configure` =~ /--with-(openssl|ssl=openssl)/;
plan skip_all => 'there is no program openssl' unless grep { -x "$_/openssl" } split /:/, $ENV{PATH};

# ---- certificates ----

my $dir = PostgreSQL::Test::Utils::tempdir();
my @new_key = qw(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes);

sub openssl
{
	my ($out, $err) = run_command([ 'openssl', @_ ]);
	BAIL_OUT("openssl @_: $err") if $? != 0;
	return;
}

sub make_authority
{
	my ($name) = @_;
	openssl('req', '-x509', @new_key, '-days', 2, '-subj', "/CN=authority $name", '-keyout', "$dir/$name.key", '-out', "$dir/$name.crt");
	return;
}

# A key and its certificate by authority "ours"; EXTENSION is a line of openssl.cnf.
sub make_certificate
{
	my ($name, $extension) = @_;
	append_to_file("$dir/$name.cnf", "$extension\n");
	openssl('req', '-new', @new_key, '-subj', "/CN=$name", '-keyout', "$dir/$name.key", '-out', "$dir/$name.csr");
	openssl('x509', '-req', '-days', 2, '-in', "$dir/$name.csr", '-CA', "$dir/ours.crt", '-CAkey', "$dir/ours.key", '-CAcreateserial', '-extfile', "$dir/$name.cnf",
		'-out', "$dir/$name.crt");
	chmod 0600, "$dir/$name.key" or die;
	return;
}

make_authority($_) for 'ours', 'theirs';
make_certificate('server', 'subjectAltName = DNS:db.far.example');
make_certificate($_, 'extendedKeyUsage = clientAuth') for 'certified', 'somebody';

# ---- a server that asks for passwords or certificates ----

my $node = worker_node('tls', <<"END");
ssl = on
ssl_cert_file = '$dir/server.crt'
ssl_key_file = '$dir/server.key'
ssl_ca_file = '$dir/ours.crt'
hllset_sync.retry_max = '1s'
END
$node->safe_psql('far', "CREATE ROLE certified LOGIN; ALTER ROLE app_sync PASSWORD 'first'; SELECT hllset_sync.grant_peer('visits', 'certified', node => '" . id_of($node, 'app') . "')");
unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local all all trust\nhostssl far certified 127.0.0.1/32 cert\nhostssl far all 127.0.0.1/32 scram-sha-256\n");
$node->reload;

sub add_tls_peer
{
	my ($name, $mapping) = @_;
	my $port = $node->port;
	$node->safe_psql('app', qq{
		CREATE SERVER $name FOREIGN DATA WRAPPER hllset_sync
			OPTIONS (host 'db.far.example', hostaddr '127.0.0.1', port '$port', dbname 'far', sslrootcert '$dir/ours.crt');
		CREATE USER MAPPING FOR hllset_worker SERVER $name OPTIONS ($mapping);
		SELECT hllset_sync.add_peer('$name')});
	return;
}

my $day = 0;
sub is_fine
{
	my ($peer, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	state_is($node, $peer, 'ok', undef, $name, 30);
	$day++;
	$node->safe_psql('far', "INSERT INTO visits VALUES ($day, hllset_of($day))");
	is($node->safe_psql('app', "SELECT hllset_sync.wait_caught_up('$peer'); SELECT count(*) FROM visits_by_node WHERE node = 'far'"), "t\n$day", "$name: rows come");
	return;
}

sub fails
{
	my ($peer, $text, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return state_is($node, $peer, 'backoff', $text, $name, 30);
}

sub alter
{
	my ($what, $options) = @_;
	return $node->safe_psql('app', "ALTER $what OPTIONS ($options)");
}

# A session of the peer's role outlives what was changed for its login.
sub hang_up
{
	my ($role) = @_;
	return $node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '$role'");
}

my $encrypted = 'SELECT ssl, client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = ';

# ---- the server's certificate ----

add_tls_peer('far', "user 'app_sync', password 'first'");
is_fine('far', 'without sslmode');
is($node->safe_psql('far', "$encrypted 'app_sync'"), 't|', 'it is encrypted');
alter('SERVER far', "SET sslrootcert '$dir/theirs.crt'");
fails('far', 'certificate verify failed', 'another authority');
alter('SERVER far', "SET sslrootcert '$dir/ours.crt', SET host 'db.eu.example'");
fails('far', 'does not match host name "db.eu.example"', 'another name, which only verify-full looks at');
alter('SERVER far', "ADD sslmode 'verify-ca'");
is_fine('far', 'not so verify-ca');
alter('SERVER far', "SET host 'db.far.example', SET sslmode 'verify-full'");
is_fine('far', 'the right name');
alter('SERVER far', 'DROP sslmode');
$node->append_conf('postgresql.conf', "ssl = off\n");
$node->append_conf('pg_hba.conf', "host far all 127.0.0.1/32 scram-sha-256\n");
$node->reload;
hang_up('app_sync');
fails('far', 'server does not support SSL, but SSL was required', 'a server without encryption');
$node->append_conf('postgresql.conf', "ssl = on\n");
$node->reload;
is_fine('far', 'encrypted again');

# ---- a password is rotated ----

my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
$node->safe_psql('far', "ALTER ROLE app_sync PASSWORD 'second'");
hang_up('app_sync');
fails('far', 'password authentication failed for user "app_sync"', 'the password is another');
alter('USER MAPPING FOR hllset_worker SERVER far', "SET password 'second'");
is_fine('far', 'the mapping has it, too');
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'without a restart');
unlike(slurp_file($node->logfile), qr/cannot sync:.*(first|second)/, 'no password is in what is said of it');
$node->safe_psql('app', "SELECT hllset_sync.drop_peer('far')");
$node->safe_psql('far', "SELECT hllset_sync.revoke_peer('visits', 'app_sync')");

# ---- the client's certificate ----

add_tls_peer('cert', "user 'certified', sslcert '$dir/certified.crt', sslkey '$dir/certified.key', password_required 'false'");
is_fine('cert', 'a certificate for a password');
is($node->safe_psql('far', "$encrypted 'certified'"), 't|/CN=certified', 'it is that of the role');
my $mapping = 'USER MAPPING FOR hllset_worker SERVER cert';
alter($mapping, "SET sslcert '$dir/somebody.crt', SET sslkey '$dir/somebody.key'");
fails('cert', 'certificate authentication failed for user "certified"', 'the certificate of somebody else');
alter($mapping, "SET sslcert '$dir/certified.crt', SET sslkey '$dir/certified.key', SET password_required 'true', ADD password 'x'");
fails('cert', 'a password is required', 'a certificate does not stand for a password by itself');
alter($mapping, "SET password_required 'false'");
is_fine('cert', 'but if a superuser says so');

$node->safe_psql('app', "CREATE ROLE tenant LOGIN; ALTER SERVER cert OWNER TO tenant; GRANT USAGE ON FOREIGN DATA WRAPPER hllset_sync TO tenant;
	CREATE USER MAPPING FOR tenant SERVER cert OPTIONS (user 'certified', password 'x')");
for my $option ("sslcert '$dir/certified.crt'", "sslkey '$dir/certified.key'", "password_required 'false'")
{
	my ($name) = split / /, $option;
	like(($node->psql('app', "ALTER USER MAPPING FOR tenant SERVER cert OPTIONS (ADD $option)", extra_params => [ '-U', 'tenant' ]))[2],
		qr/only a superuser may set option "$name"/, "the owner of a server can't set $name");
}

$node->stop;
done_testing();
