# SPDX-License-Identifier: PostgreSQL
# What the TAP tests share: a server of their own, and comparing what queries return.
package HllsetTest;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node is_true is_same plan_of fails_with has_extension);

# A running server; its settings are those of the tests, not of the machine's locale. Options: init (as of Cluster), conf.
sub new_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ], %{ $option{init} // {} });
	$node->append_conf('postgresql.conf', "autovacuum = off\n" . ($option{conf} // ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION hllset') unless $option{bare};
	return $node;
}

# Every column of every row that the query returns is true, and there is a row.
sub is_true
{
	my ($node, $database, $query, $name) = @_;
	my ($rc, $out, $err) = $node->psql($database, $query);
	my $good = $rc == 0 && $out =~ /^t(?:[|\n]t)*$/;
	ok($good, $name) or diag("$query\nreturned:\n$out\n$err");
	return $good;
}

# The query returns the same as another one, which returns something.
sub is_same
{
	my ($node, $database, $query, $expected, $name) = @_;
	isnt($expected, '', "$name: there is something to compare");
	is($node->safe_psql($database, $query), $expected, $name);
	return;
}

sub plan_of
{
	my ($node, $database, $settings, $query, $options) = @_;
	return $node->safe_psql($database, "$settings; EXPLAIN (" . ($options // 'COSTS off') . ") $query");
}

# The statement fails with this SQLSTATE, and its message, detail and hint match.
sub fails_with
{
	my ($node, $database, $statement, $state, $text, $name) = @_;
	my ($rc, $out, $err) = $node->psql($database, "\\set VERBOSITY verbose\n$statement", on_error_stop => 1);
	my $good = $rc != 0 && $err =~ /ERROR:  \Q$state\E: / && $err =~ $text;
	ok($good, $name) or diag("$statement\nrc $rc, returned:\n$out\n$err");
	return $good;
}

sub has_extension
{
	my ($node, $name) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = '$name'") eq '1';
}

1;
