# SPDX-License-Identifier: PostgreSQL
# What the tests of the processes share: a server with workers in database "app", and database "far" as its peer.
package Workers;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(id_of new_server worker_node make_node add_server add_far add_hole black_hole state_is pid_of in_time poll_ok quick reload status_of);

my $table = q{
	CREATE TABLE visits (day int PRIMARY KEY, users hllset(12) NOT NULL);
	CALL hllset_sync.register('visits');
};

# Databases app and far with a registered table each, and a role that logs in at far.
sub make_node
{
	my ($node) = @_;
	$node->safe_psql('postgres', "CREATE ROLE hllset_worker LOGIN; CREATE ROLE app_sync LOGIN; CREATE ROLE reader LOGIN");
	for my $database (qw(app far))
	{
		$node->safe_psql('postgres', "CREATE DATABASE $database");
		$node->safe_psql($database, "CREATE EXTENSION hllset_sync CASCADE; SELECT hllset_sync.rename_node('$database'); $table");
	}
	$node->safe_psql('far', "SELECT hllset_sync.grant_peer('visits', 'app_sync', node => '" . id_of($node, 'app') . "')");
	return;
}

sub id_of
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, 'SELECT node_id FROM hllset_sync.node()');
}

# A server with workers, not started and empty.
sub new_server
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ], allows_streaming => 1);
	$node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'hllset_sync'
hllset_sync.databases = 'app'
hllset_sync.worker_role = 'hllset_worker'
hllset_sync.every = '200ms'
listen_addresses = '127.0.0.1'
max_worker_processes = 12
restart_after_crash = on
autovacuum = off
@{[ $conf // '' ]}
END
	return $node;
}

sub worker_node
{
	my $node = new_server(@_);
	$node->start;
	make_node($node);
	return $node;
}

sub add_server
{
	my ($node, $name, $options, $id) = @_;
	my $named = defined $id ? ", node => '$id'" : '';
	$node->safe_psql('app', qq{
		CREATE SERVER $name FOREIGN DATA WRAPPER hllset_sync OPTIONS ($options, sslmode 'disable');
		CREATE USER MAPPING FOR hllset_worker SERVER $name OPTIONS (user 'app_sync', password_required 'false');
		SELECT hllset_sync.add_peer('$name'$named)});
	return;
}

# Database "far" of the same server, by a peer of the name given.
sub add_far
{
	my ($node, $name) = @_;
	my ($host, $port) = ($node->host, $node->port);
	add_server($node, $name // 'far', "host '$host', port '$port', dbname 'far'");
	return;
}

# A socket that takes connections and never says a word.
sub black_hole
{
	return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 100, Proto => 'tcp') // die "no socket: $!";
}

sub add_hole
{
	my ($node, $hole) = @_;
	add_server($node, 'hole', "host '127.0.0.1', port '" . $hole->sockport . "', dbname 'far'");
	return;
}

sub status_of
{
	my ($node, $peer, $column) = @_;
	return $node->safe_psql('app', "SELECT $column FROM hllset_sync.status WHERE peer = '$peer'");
}

# A machine that does other things too may take so many times as long as the bars allow, which are for one that does not. What hangs takes longer.
my $patience = 10;

# TOOK seconds are enough; says so if SECONDS, the bar, are fewer.
sub in_time
{
	my ($took, $seconds) = @_;
	note(sprintf('this took %.2f s, the bar is %g s', $took, $seconds)) if $took > $seconds;
	return $took <= $patience * $seconds;
}

# The query comes to return "t" on every line; the bar is SECONDS, if it is asked for.
sub poll_ok
{
	my ($node, $database, $query, $name, $seconds) = @_;
	my $start = time;
	my ($rc, $out, $err);
	my $pause = 0.05;
	do
	{
		($rc, $out, $err) = $node->psql($database, $query);
		my $took = time - $start;
		return pass($name . (defined $seconds ? sprintf(': %.2f s', $took) : '')) if $rc == 0 && $out =~ /^t(?:\nt)*$/ && in_time($took, $seconds // 10);
		sleep $pause;
		$pause = 0.3 if ($pause *= 1.2) > 0.3; # each look is a process; many at once would be what slows the machine
	} while (time - $start < $patience * ($seconds // 10));
	fail($name);
	diag("$query\nreturned:\n$out\n$err\n" . ($node->psql('app', 'SELECT peer, state, pid, last_error FROM hllset_sync.status'))[1]);
	return 0;
}

sub state_is
{
	my ($node, $peer, $state, $error, $name, $seconds) = @_;
	my $text = defined $error ? "AND last_error LIKE '%$error%'" : '';
	return poll_ok($node, 'app', "SELECT true FROM hllset_sync.status WHERE peer = '$peer' AND state = '$state' $text", $name, $seconds);
}

# The process of this type, in database app.
sub pid_of
{
	my ($node, $type) = @_;
	return $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = '$type' ORDER BY pid LIMIT 1");
}

# The statement succeeds; the bar is SECONDS.
sub quick
{
	my ($node, $database, $statement, $seconds, $name) = @_;
	my $start = time;
	my ($rc, $out, $err) = $node->psql($database, $statement);
	my $took = time - $start;
	ok($rc == 0 && in_time($took, $seconds), sprintf('%s: %.2f s', $name, $took)) or diag("$statement\n$out\n$err");
	return;
}

# Changes settings and reloads.
sub reload
{
	my ($node, %settings) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET $_ = $settings{$_}") for sort keys %settings;
	$node->reload;
	return;
}

1;
