# SPDX-License-Identifier: PostgreSQL
# On a hot standby nothing runs; once it is promoted, the workers go on where those of the old primary stopped.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use Test::More;
use Workers;

my $far = worker_node('far', "hllset_sync.databases = ''\n");
my $primary = worker_node('primary');
my ($host, $port) = ($far->host, $far->port);
add_server($primary, 'far', "host '$host', port '$port', dbname 'far'");
$far->safe_psql('far', 'INSERT INTO visits VALUES (1, hllset_of(1, 2))');
is($primary->safe_psql('app', 'SELECT hllset_sync.wait_caught_up()'), 't', 'the primary syncs');

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'hllset_sync%'"), '0', 'nothing runs on a standby');
is($standby->safe_psql('app', 'SELECT # users FROM visits_global'), '2', 'the copies can be read there');
is($standby->safe_psql('app', 'SELECT count(*) FROM hllset_sync.status'), '1', 'and the status');

$primary->stop('fast');
$far->safe_psql('far', 'INSERT INTO visits VALUES (2, hllset_of(3, 4, 5))');
$standby->promote;
poll_ok($standby, 'app', "SELECT state = 'ok' FROM hllset_sync.status", 'after the promotion the peer is synced', 20);
is($standby->safe_psql('app', 'SELECT hllset_sync.wait_caught_up()'), 't', 'and caught up');
is($standby->safe_psql('app', 'SELECT sum(# users) FROM visits_global'), '5', 'with what came in between');
is($standby->safe_psql('app', 'SELECT count(*) FROM hllset_sync.set_status WHERE rewinds > 0'), '0', 'nothing was rewound');
$_->stop for ($standby, $far);
done_testing();
