# SPDX-License-Identifier: PostgreSQL
# The wall clock is set back and forth: rounds go on, staleness stays true, and waits wait.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Workers;

plan skip_all => 'needs LD_PRELOAD' if $^O ne 'linux';

my $folder = PostgreSQL::Test::Utils::tempdir;
my ($library, $file) = ("$folder/clock.so", "$folder/clock");
system_or_bail($ENV{CC} // 'cc', '-shared', '-fPIC', '-O', '-o', $library, "$FindBin::RealBin/clock.c");

my $set_clock = sub {
	my ($seconds) = @_;
	open my $out, '+<', $file or die "$file: $!";
	syswrite $out, pack('q', $seconds);
	close $out;
	return;
};
append_to_file($file, pack('q', 0));

my $node = new_server('clock');
{
	local @ENV{qw(LD_PRELOAD WALL_CLOCK)} = ($library, $file);
	$node->start;
}
make_node($node);
add_far($node);
state_is($node, 'far', 'ok', undef, 'the peer is reached');

my $verified = q{SELECT max(last_verified) FROM hllset_sync.set_status WHERE set_name = 'visits'};
my $first;
my $day = 0;
for my $hours (-0.2, -24, 48, 0)
{
	my $before = $node->safe_psql('app', q{SELECT extract(epoch FROM now())::bigint});
	$set_clock->($hours * 3600);
	my $moved = $node->safe_psql('app', "SELECT extract(epoch FROM now())::bigint - $before");
	note("the clock moved by $moved s");
	ok(abs($moved) > 500, "the clock is set: $hours h");
	my $good = 0;
	for (1 .. 5)
	{
		$day++;
		$node->safe_psql('far', "INSERT INTO visits VALUES ($day, hllset_of($day))");
		$good++ if $node->safe_psql('app', q{SELECT hllset_sync.wait_caught_up('far', '20 s')}) eq 't'
			&& $node->safe_psql('app', 'SELECT count(*) FROM visits_global') eq $day;
	}
	is($good, 5, "$hours h: what wait_caught_up() waited for is there");
	$day++;
	$node->safe_psql('far', "INSERT INTO visits VALUES ($day, hllset_of($day))");
	poll_ok($node, 'app', "SELECT count(*) = $day FROM visits_global", "$hours h: rounds go on by themselves", 2);
	is($node->safe_psql('app', q{SELECT hllset_sync.sync_now('far', '20 s')}), 't', "$hours h: sync_now()");
	my $staleness = $node->safe_psql('app', q{SELECT extract(epoch FROM staleness) FROM hllset_sync.status});
	ok($staleness >= 0 && in_time($staleness, 2), "$hours h: staleness is $staleness s");
	# What is known of the sets is read anew.
	$node->safe_psql('app', q{SELECT hllset_sync.alter_peer('far', every => '200 ms')});
	$node->safe_psql('app', q{SELECT hllset_sync.sync_now('far', '20 s')}) for 1 .. 3;
	$first //= $node->safe_psql('app', $verified);
	is($node->safe_psql('app', $verified), $first, "$hours h: nothing is compared before a day of running has passed");
}

# What is away for a while is seen to be, whatever the clock says.
$node->safe_psql('app', q{ALTER SERVER far OPTIONS (SET port '1')});
state_is($node, 'far', 'backoff', undef, 'a peer that is away');
$set_clock->(-7200);
sleep 1;
ok($node->safe_psql('app', q{SELECT extract(epoch FROM staleness) >= 1 FROM hllset_sync.status}) eq 't', 'its staleness grows, though the clock was set back');
$node->stop;
done_testing();
