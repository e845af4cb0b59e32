# SPDX-License-Identifier: PostgreSQL
# A database is dropped, renamed, moved or copied while its workers run, one of them in the middle of a peer that never answers.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Workers;

my $node = worker_node('database', "hllset_sync.connect_timeout = '1h'\n");
my $hole = black_hole();
my $workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('hllset_sync scheduler', 'hllset_sync worker')";

add_far($node);
add_hole($node, $hole);
my $all_run = sub {
	state_is($node, 'far', 'ok', undef, "$_[0]: the good peer is synced", 15);
	poll_ok($node, 'app', "SELECT pid IS NOT NULL AND state IN ('connecting', 'backoff') FROM hllset_sync.status WHERE peer = 'hole'",
		"$_[0]: the black hole is tried");
};
$all_run->('at first');

# ---- what does not concern our workers ----

my $stalest = 0;
for (1 .. 20)
{
	my $staleness = status_of($node, 'far', 'extract(epoch FROM staleness)');
	$stalest = $staleness if $staleness > $stalest;
	sleep 0.1;
}
ok(in_time($stalest, 1.2), sprintf('a peer in a black hole delays no other: it is %.2f s behind at most', $stalest));
$node->safe_psql('postgres', 'CREATE DATABASE other');
quick($node, 'postgres', 'DROP DATABASE other', 2, 'DROP DATABASE of another one');

# ---- what does ----

$node->safe_psql('postgres', 'CREATE ROLE stranger LOGIN; CREATE ROLE maker LOGIN CREATEDB');
my $before = $node->safe_psql('app', 'SELECT string_agg(pid::text, $$,$$ ORDER BY peer) FROM hllset_sync.status');
for my $statement ('DROP DATABASE app', 'ALTER DATABASE app RENAME TO stolen', 'ALTER DATABASE app SET TABLESPACE pg_default', 'CREATE DATABASE mine TEMPLATE app')
{
	for my $role (qw(stranger maker))
	{
		isnt(($node->psql('postgres', $statement, extra_params => [ '-U', $role ]))[0], 0, "$role may not: $statement");
	}
}
is($node->safe_psql('app', 'SELECT string_agg(pid::text, $$,$$ ORDER BY peer) FROM hllset_sync.status'), $before, 'and no worker was ended by it');

isnt(($node->psql('postgres', 'CREATE DATABASE far TEMPLATE app'))[0], 0, 'a copy that fails');
$all_run->('after an error');

quick($node, 'postgres', 'CREATE DATABASE copy TEMPLATE app', 3, 'CREATE DATABASE TEMPLATE');
$all_run->('after a copy');

# The copy must not act as the original.
reload($node, 'hllset_sync.databases' => q{'app, copy'});
poll_ok($node, 'copy', "SELECT state = 'identity' AND reason LIKE '%new_identity%' FROM hllset_sync.database_status()", 'the copy stops at its identity');
is($node->safe_psql('copy', 'SELECT count(*) FROM hllset_sync.status WHERE pid IS NOT NULL'), '0', 'and has no workers');
quick($node, 'postgres', 'DROP DATABASE copy', 3, 'DROP DATABASE of a listed one');

my $space = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$space'");
quick($node, 'postgres', 'ALTER DATABASE app SET TABLESPACE elsewhere', 3, 'ALTER DATABASE SET TABLESPACE');
$all_run->('after a move');

quick($node, 'postgres', 'ALTER DATABASE app RENAME TO apple', 3, 'ALTER DATABASE RENAME');
is($node->safe_psql('postgres', $workers), '0', 'nothing runs in a database of another name');
quick($node, 'postgres', 'ALTER DATABASE apple RENAME TO app', 3, 'and back');
$all_run->('after the renaming');

is(($node->psql('postgres', 'BEGIN; DROP DATABASE app'))[0] != 0, 1, 'not in a transaction');
quick($node, 'postgres', 'ALTER DATABASE app CONNECTION LIMIT 5', 2, 'an ALTER DATABASE that does not concern us');
state_is($node, 'far', 'ok', undef, 'the workers stay');

quick($node, 'postgres', 'DROP DATABASE app WITH (FORCE)', 3, 'DROP DATABASE WITH (FORCE)');
is($node->safe_psql('postgres', $workers), '0', 'nothing runs in a database that is gone');
like(slurp_file($node->logfile), qr/WARNING:  hllset_sync: database "app" is not synced: it does not exist/, 'which is said');

$node->safe_psql('far', 'DROP EXTENSION hllset_sync CASCADE; DROP TABLE visits');
$node->safe_psql('postgres', 'DROP DATABASE far; DROP OWNED BY app_sync; DROP ROLE app_sync, hllset_worker, reader');
make_node($node);
poll_ok($node, 'app', "SELECT state = 'ok' FROM hllset_sync.database_status()", 'a new database of the name is looked after', 15);
add_far($node);
add_hole($node, $hole);
$all_run->('in the new database');
quick($node, 'postgres', 'DROP DATABASE app', 3, 'DROP DATABASE');

is(() = slurp_file($node->logfile) =~ /DROP DATABASE was interrupted/g, 0, 'a DROP that goes on is not taken for one that was interrupted');

# ---- stopping ----

$node->safe_psql('postgres', 'DROP DATABASE far; DROP OWNED BY app_sync; DROP ROLE app_sync, hllset_worker, reader');
make_node($node);
poll_ok($node, 'app', "SELECT state = 'ok' FROM hllset_sync.database_status()", 'and once more', 15);
add_hole($node, $hole);
poll_ok($node, 'app', 'SELECT pid IS NOT NULL FROM hllset_sync.status', 'the black hole is tried');
my $start = time;
$node->stop('fast');
my $took = time - $start;
ok(in_time($took, 3), sprintf('a fast stop takes %.2f s', $took));
done_testing();
