# SPDX-License-Identifier: PostgreSQL
# What the tests of links share: nodes, sets, peers, and whether copies are what they should be.
package LinkTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use FindBin;
use IO::Socket::INET;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(new_node id_of speak add_set add_rows add_peer run_round round_fails rows_of copies_of is_same is_synced lane save_node restore_node recover_node hold await_restart proxy_to proxy);

our (@processes, %pushers);

# A running server with both extensions in database postgres, known to its peers by its name. Options: conf, init, env (of the server), archive.
sub new_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C', @{ $option{init} // [] } ], has_archiving => $option{archive}, allows_streaming => $option{archive});
	$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nlisten_addresses = '127.0.0.1'\n" . ($option{conf} // ''));
	my %env = %{ $option{env} // {} };
	{
		local @ENV{ keys %env } = values %env;
		$node->start;
	}
	make_node($node, $name);
	return $node;
}

sub make_node
{
	my ($node, $name) = @_;
	$node->safe_psql('postgres', "CREATE EXTENSION hllset_sync CASCADE; SELECT hllset_sync.rename_node('$name')");
	return;
}

# A table of sets by day, registered.
sub add_set
{
	my ($node, $set, %option) = @_;
	my $type = $option{type} // 'hllset(12)';
	$node->safe_psql('postgres', "CREATE TABLE $set (day int PRIMARY KEY, visitors $type)");
	$node->safe_psql('postgres', "CALL hllset_sync.register('$set')");
	my $pusher = $pushers{ $node->name };
	$node->safe_psql('postgres', "SELECT hllset_sync.grant_peer('$set', current_user::regrole" . ($pusher ? ", node => '" . id_of($pusher) . "'" : '') . ')');
	return;
}

sub id_of
{
	my ($node, $database) = @_;
	return $node->safe_psql($database // 'postgres', 'SELECT node_id FROM hllset_sync.node()');
}

# From now on NODE pushes to PEER as the role that the tests run as.
sub speak
{
	my ($node, $peer) = @_;
	$pushers{ $peer->name } = $node;
	$peer->safe_psql('postgres', "SELECT hllset_sync.grant_peer(set_name, current_user::regrole, node => '" . id_of($node) . "') FROM hllset_sync.sets JOIN hllset_sync.acl USING (set_id) WHERE role::text = current_user");
	return;
}

# Rows FROM .. TO, each with elements that only this node has.
sub add_rows
{
	my ($node, $set, $from, $to) = @_;
	my $name = $node->name;
	$node->safe_psql('postgres', qq{
		INSERT INTO $set SELECT d, hll_add_agg('$name' || d || '/' || i, 12) FROM generate_series($from, $to) d, generate_series(1, 20) i GROUP BY d
		ON CONFLICT (day) DO UPDATE SET visitors = $set.visitors | excluded.visitors});
	return;
}

# NODE knows PEER as the server of its name. Options: direction, sets, port (of a proxy), database.
sub add_peer
{
	my ($node, $peer, %option) = @_;
	my ($name, $user) = ($peer->name, scalar getpwuid($<));
	my $database = $option{database} // 'postgres';
	my $where = $option{port} ? "host '127.0.0.1', port '$option{port}', sslmode 'disable'" : sprintf("host '%s', port '%d'", $peer->host, $peer->port);
	my $direction = $option{direction} // 'both';
	my $id = id_of($peer, $database);
	speak($node, $peer) if $database eq 'postgres' && $peer != $node;
	my $sets = defined $option{sets} ? "ARRAY['" . join("','", @{ $option{sets} }) . "']" : 'NULL';
	$node->safe_psql('postgres', qq{
		CREATE SERVER "$name" FOREIGN DATA WRAPPER hllset_sync OPTIONS ($where, dbname '$database');
		CREATE USER MAPPING FOR "$user" SERVER "$name" OPTIONS (user '$user', password_required 'false');
		SELECT hllset_sync.add_peer('$name', '$direction', $sets, node => '$id')});
	return;
}

sub run_round
{
	my ($node, $peer) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', sprintf('CALL hllset_sync.run_round(%s)', "'" . $peer->name . "'"));
	die "run_round: $err" if $rc != 0;
	return $err;
}

# The round fails with this SQLSTATE and text.
sub round_fails
{
	my ($node, $peer, $state, $text, $name) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nCALL hllset_sync.run_round('" . $peer->name . "')", on_error_stop => 1);
	my $good = $rc != 0 && $err =~ /ERROR:  \Q$state\E: / && $err =~ $text;
	ok($good, $name) or diag("rc $rc: $err");
	return $good;
}

sub rows_of
{
	my ($node, $set) = @_;
	return $node->safe_psql('postgres', "SELECT day, md5(hllset_send(visitors)) FROM $set ORDER BY day");
}

# What NODE has of the rows of ORIGIN.
sub copies_of
{
	my ($node, $set, $origin) = @_;
	return $node->safe_psql('postgres', "SELECT day, md5(hllset_send(visitors)) FROM ${set}_by_node WHERE node = '" . $origin->name . "' ORDER BY day");
}

# Both have the same lines; tells those that only one has.
sub is_same
{
	my ($got, $expected, $name) = @_;
	my (%got, %expected);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return pass($name) if $got eq $expected;
	@got{ split /\n/, $got } = ();
	@expected{ split /\n/, $expected } = ();
	my @extra = grep { !exists $expected{$_} } sort keys %got;
	my @missing = grep { !exists $got{$_} } sort keys %expected;
	fail($name);
	diag(scalar(@extra) . " unexpected: @extra[ 0 .. ($#extra < 4 ? $#extra : 4) ]\n" . scalar(@missing) . " missing: @missing[ 0 .. ($#missing < 4 ? $#missing : 4) ]");
	return 0;
}

# NODE's copies are the rows of ORIGIN.
sub is_synced
{
	my ($node, $set, $origin, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_same(copies_of($node, $set, $origin), rows_of($origin, $set), $name);
}

# One column of hllset_sync.relations.
sub lane
{
	my ($node, $peer, $set, $direction, $column) = @_;
	return $node->safe_psql('postgres', "SELECT $column FROM hllset_sync.relations WHERE server = '" . $peer->name . "' AND set_name = '$set' AND direction = '$direction'");
}

# ---- backups ----

# A cold copy of a node, and back to it: what a restored backup or a failover with loss does to a history.
sub save_node
{
	my ($node) = @_;
	$node->stop;
	PostgreSQL::Test::Utils::system_or_bail('cp', '-a', $node->data_dir, $node->data_dir . '.saved');
	$node->start;
	return;
}

sub restore_node
{
	my ($node) = @_;
	my $data = $node->data_dir;
	$node->stop('immediate');
	PostgreSQL::Test::Utils::system_or_bail('rm', '-rf', $data);
	PostgreSQL::Test::Utils::system_or_bail('mv', "$data.saved", $data);
	$node->start;
	return;
}

# Point-in-time recovery from the base backup of this name and the archive, up to what TARGET says (recovery_target_... = '...').
sub recover_node
{
	my ($node, $backup, $target) = @_;
	my $wal = $node->safe_psql('postgres', 'SELECT pg_walfile_name(pg_switch_wal())');
	$node->poll_query_until('postgres', "SELECT last_archived_wal >= '$wal' FROM pg_stat_archiver") or die 'the archiver is late';
	$node->stop('immediate');
	PostgreSQL::Test::Utils::system_or_bail('rm', '-rf', $node->data_dir);
	$node->init_from_backup($node, $backup, has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf', "$target\nrecovery_target_action = promote\n");
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'the recovery did not end';
	return;
}

# A session that holds a table of the extension's, so that nobody else may even read it, for 10 minutes at most; returns what ends it.
sub hold
{
	my ($node, $database, $table) = @_;
	my ($in, $out) = ("SET idle_in_transaction_session_timeout = '10min'; BEGIN; LOCK hllset_sync.$table IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n", '');
	my $locker = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($database) ], '<', \$in, '>', \$out);
	$locker->pump until $out =~ /locked/;
	return sub { $in .= "COMMIT;\n\\q\n"; $locker->finish };
}

# Until the server has started again for the COUNTth time since one of its processes was killed; for a moment it answers as if nothing had been.
sub await_restart
{
	my ($node, $count) = @_;
	for (1 .. 1800)
	{
		last if $count <= (() = slurp_file($node->logfile) =~ /all server processes terminated; reinitializing/g);
		sleep 0.1;
	}
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server did not come back';
	return;
}

# ---- a proxy in between ----

# Starts a proxy to a node; returns what proxy() takes.
sub proxy_to
{
	my ($node) = @_;
	my ($listen, $control) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
	my ($out, $err) = ('', '');
	my $process = IPC::Run::start([ '/usr/bin/python3', "$FindBin::RealBin/proxy.py", $listen, $node->port, $control ], '<', \undef, '>', \$out, '2>', \$err);
	$process->pump until $out =~ /ready/ || !$process->pumpable;
	die "proxy: $err" unless $out =~ /ready/;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $control) or die "proxy: $!";
	$socket->autoflush(1);
	push @processes, $process;
	return { port => $listen, socket => $socket };
}

# A command to the proxy, see proxy.py; returns the answer.
sub proxy
{
	my ($proxy, $command) = @_;
	my $socket = $proxy->{socket};
	print $socket "$command\n";
	my $answer = <$socket>;
	chomp $answer;
	return $answer;
}

END
{
	my $status = $?;
	$_->kill_kill for @processes;
	$? = $status;
}

1;
