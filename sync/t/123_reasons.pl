# SPDX-License-Identifier: PostgreSQL
# Each reason that attention can give has a paragraph in docs/sync-monitoring.md, and a test that makes it and one that heals it; the page's queries for an exporter run.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my ($view) = slurp_file("$root/sync/hllset_sync--1.0.sql") =~ /^(CREATE VIEW hllset_sync\.attention_now .*?);\n/ms or die 'the view is not where it was';
my $page = slurp_file("$root/docs/sync-monitoring.md");

# ---- the reasons: what the branches of the view have in their first column ----

my %reasons;
my ($troubles) = $view =~ /\t\tCASE\n(.*?)\t\tEND AS trouble\n/s;
$reasons{$_} = 1 for $troubles =~ /THEN '(\w+)'::text/g;
for my $branch (split /\nUNION ALL\n/, $view)
{
	my ($column) = $branch =~ /^SELECT (.*?), [\w.]*(?:set_name|NULL)\b/ms;
	next if !ok(defined $column, 'a branch of the view begins with its reason') || $column =~ /^l\.trouble/;
	$reasons{$_} = 1 for $column =~ /(?:THEN |ELSE |^)'(\w+)'::text/g;
	# A state that is a reason.
	if ($branch =~ /THEN '(\w+)'::text ELSE r\.state END AS reason/)
	{
		$reasons{$1} = 1;
		my ($where) = $branch =~ /\n\tWHERE (.*)/s;
		$reasons{$_} = 1 for grep { $_ ne 'paused' } map { /'(\w+)'::text/g } $where =~ /r\.state (?:= '\w+'::text|IN \([^)]*\))/g;
	}
	if ($column =~ /THEN s\.state/)
	{
		$reasons{$_} = 1 for map { /'(\w+)'::text/g } $column =~ /IN \([^)]*\)/g;
	}
	$reasons{waiting_for_slot} = 1 if $column =~ /THEN n\.state/;
}
cmp_ok(scalar(keys %reasons), '>', 25, 'there are many: ' . join ' ', sort keys %reasons);

# ---- the page ----

my %described;
$described{$_}++ for $page =~ /^\*\*`(\w+)`\*\* /mg;
is_deeply([ sort keys %described ], [ sort keys %reasons ], 'docs/sync-monitoring.md has a paragraph for each reason, and for no other');
is_deeply([ grep { $described{$_} != 1 } sort keys %described ], [], 'one for each');

# ---- the tests: each reason is seen, and later there is a row less ----

my $expected = slurp_file("$root/sync/expected/attention.out");
my $fleet = slurp_file("$root/sync/t/122_attention.pl");
for my $reason (sort keys %reasons)
{
	my $by_one_server = $expected =~ /^ $reason +\|.*?^\(0 rows\)/ms;
	my $by_fleet = $fleet =~ /^(?:shows|like)\(.*?\b$reason .*?^\t?(?:healthy|unlike)\(/ms;
	ok($by_one_server || $by_fleet, "$reason is made and healed by a test");
}

# ---- queries that an exporter makes ----

my $node = PostgreSQL::Test::Cluster->new('reasons');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION hllset_sync CASCADE; CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor');
my ($yaml) = $page =~ /^```yaml\n(.*?)^```$/ms;
my @metrics = split /^  - metric_name: /m, $yaml;
shift @metrics;
cmp_ok(scalar(@metrics), '>', 4, 'the page has metrics');
for my $metric (@metrics)
{
	my ($name) = $metric =~ /^(\w+)/;
	my ($query) = $metric =~ /^    query: \|\n((?:      .*\n)+)/m;
	my ($rc, $columns, $err) = $node->psql('postgres', "COPY ($query) TO STDOUT (FORMAT csv, HEADER)", extra_params => [ '-U', 'monitor' ]);
	is($rc, 0, "$name can be asked for") or diag($err);
	my @named = map { my ($list) = $metric =~ /^    $_: \[(.*)\]$/m; split /, /, $list } qw(key_labels values);
	my ($header) = split /\n/, $columns;
	is_deeply([ sort split /,/, $header ], [ sort @named ], "$name: labels and values are the query's columns");
}

$node->stop;
done_testing();
