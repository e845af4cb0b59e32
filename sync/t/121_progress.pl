# SPDX-License-Identifier: PostgreSQL
# How much of a first copy and of a comparison is left: it only falls, down to zero, whatever is written meanwhile.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use LinkTest qw(proxy_to proxy);
use List::Util qw(uniq);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Workers;

# What is left is shown every two seconds. The way to the peer takes so long that 500 batches take ten of them, however fast the machine is.
my $rows = 1000;
my $node = worker_node('progress', 'hllset_sync.max_batch_rows = 2');
my $proxy = proxy_to($node);
my $status = q{SELECT coalesce(rows_done::text, ''), coalesce(rows_to_do::text, ''), state FROM hllset_sync.set_status WHERE set_name = 'visits' AND direction = 'pull'};

# What is shown until nothing is left, each as [done, to do].
my $watch = sub {
	my ($during) = @_;
	my ($until, @seen) = (time + 900);
	while (time < $until)
	{
		my ($done, $left, $state) = split /\|/, $node->safe_psql('app', $status);
		push @seen, [ $done, $left ] if defined $state && $left ne '';
		$during->() if $during && @seen == 2;
		last if @seen > 2 && $left eq '0' && $state eq 'ok';
		sleep 0.3;
	}
	return @seen;
};
my $falls = sub {
	my ($name, @seen) = @_;
	my @left = map { $_->[1] } @seen;
	note("$name: @{[uniq @left]}");
	cmp_ok(scalar(uniq @left), '>', 3, "$name: what is left is shown as it goes on");
	is(scalar(grep { $left[$_] > $left[ $_ - 1 ] } 1 .. $#left), 0, "$name: it only falls");
	is($left[-1], '0', "$name: to zero");
	return;
};

$node->safe_psql('far', "INSERT INTO visits SELECT d, hllset_of(d) FROM generate_series(1, $rows) d");
$node->safe_psql('far', 'CALL hllset_sync.p_advance()');
proxy($proxy, 'latency 10');
add_server($node, 'far', "host '127.0.0.1', port '$proxy->{port}', dbname 'far'");
# One row, so that what is left of the changes after the copy is never shown.
my @seen = $watch->(sub { $node->safe_psql('far', "INSERT INTO visits SELECT d, hllset_of(d) FROM generate_series($rows + 1, $rows + 1) d ON CONFLICT DO NOTHING") });
$falls->('a first copy', @seen);
is(scalar(grep { $_->[1] > 0 && $_->[0] + $_->[1] != $rows } @seen), 0, 'what is done and what is left are all rows that there were when it began');
is($node->safe_psql('app', q{SELECT hllset_sync.wait_caught_up('far', '180 s')}), 't', 'what was written meanwhile comes, too');
like($node->safe_psql('app', $status), qr/^\d+\|0\|ok$/, 'and nothing is left of that, either');

# Copies that were lost, and a cursor that the source does not know: all is compared.
my $id = $node->safe_psql('app', q{SELECT set_id FROM hllset_sync.sets WHERE set_name = 'visits'});
$node->safe_psql('app', "BEGIN; DELETE FROM hllset_sync.copy_$id; UPDATE hllset_sync.cursors SET nonce = gen_random_uuid() WHERE set_id = $id; COMMIT");
$node->safe_psql('far', 'INSERT INTO visits VALUES (0, hllset_of(0))');
@seen = ();
poll_ok($node, 'app', q{SELECT rows_to_do > 100 FROM hllset_sync.set_status WHERE set_name = 'visits' AND direction = 'pull'}, 'a comparison begins');
$falls->('a comparison', $watch->());
is($node->safe_psql('app', q{SELECT hllset_sync.wait_caught_up('far', '180 s')}), 't', 'it ends');
is($node->safe_psql('app', 'SELECT count(*) FROM visits_global'), $rows + 2, 'with all rows');
$node->stop;
done_testing();
