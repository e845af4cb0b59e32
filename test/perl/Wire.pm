# SPDX-License-Identifier: PostgreSQL
# A client that speaks the server's protocol with binary parameters and results, which psql can't send.
package Wire;

use strict;
use warnings FATAL => 'all';

use IO::Socket::UNIX;

# To a server on a Unix socket that trusts everybody; without a user's name as the one who runs the test.
sub new
{
	my ($class, $node, $database, $user) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "connect: $!";
	my $self = bless { socket => $socket, next => 0, buffer => '' }, $class;
	$user //= getpwuid($<);
	my $startup = pack('N', 196608) . "user\0$user\0database\0$database\0client_encoding\0UTF8\0\0";
	$self->write(pack('N', 4 + length $startup) . $startup);
	$self->result;
	return $self;
}

sub write
{
	my ($self, $bytes) = @_;
	while (length $bytes)
	{
		my $sent = syswrite($self->{socket}, $bytes) // die "write: $!";
		substr($bytes, 0, $sent, '');
	}
	return;
}

sub message { my ($type, $body) = @_; return $type . pack('N', 4 + length $body) . $body; }

sub read_bytes
{
	my ($self, $count) = @_;
	while (length $self->{buffer} < $count)
	{
		sysread($self->{socket}, $self->{buffer}, 65536, length $self->{buffer}) or die 'the server closed the connection';
	}
	return substr($self->{buffer}, 0, $count, '');
}

# What a request brought, up to the next ReadyForQuery: rows of columns, and the fields of an error.
sub result
{
	my ($self) = @_;
	my %result = (rows => []);
	while (1)
	{
		my ($type, $length) = unpack('aN', $self->read_bytes(5));
		my $body = $self->read_bytes($length - 4);
		return \%result if $type eq 'Z';
		if ($type eq 'E')
		{
			%{ $result{error} } = map { /^(.)(.*)/s } grep { length } split(/\0/, $body);
		}
		elsif ($type eq 'D')
		{
			my $columns = unpack('n', substr($body, 0, 2, ''));
			my @row;
			for (1 .. $columns)
			{
				my $size = unpack('l>', substr($body, 0, 4, ''));
				push @row, $size < 0 ? undef : substr($body, 0, $size, '');
			}
			push @{ $result{rows} }, \@row;
		}
	}
	return;
}

# Prepares a statement; results come and parameters go in binary form.
sub prepare
{
	my ($self, $query, @types) = @_;
	my $name = 's' . $self->{next}++;
	$self->write(message('P', "$name\0$query\0" . pack('nN*', scalar @types, @types)) . message('S', ''));
	my $result = $self->result;
	die "$query: $result->{error}{M}" if $result->{error};
	return $name;
}

# One execution with these parameters, as bytes for the server; many of them may be written before their results are read.
sub execution
{
	my ($name, @values) = @_;
	my $bind = "\0$name\0" . pack('nnn', 1, 1, scalar @values) . join('', map { defined ? pack('N', length) . $_ : pack('l>', -1) } @values) . pack('nn', 1, 1);
	return message('B', $bind) . message('E', "\0" . pack('N', 0)) . message('S', '');
}

sub execute
{
	my ($self, $name, @values) = @_;
	$self->write(execution($name, @values));
	return $self->result;
}

sub simple
{
	my ($self, $query) = @_;
	$self->write(message('Q', "$query\0"));
	return $self->result;
}

1;
