# SPDX-License-Identifier: PostgreSQL
# Counting in several places: sets of slices that went through every wire form, and postgres_fdw that counts where the rows are.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('distributed');
my $db = 'postgres';

# ---- what distributed engines look for in the catalog ----

my $of_extension = q{JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND deptype = 'e' JOIN pg_extension e ON refobjid = e.oid AND extname = 'hllset'};
is($node->safe_psql($db, "SELECT count(*) FROM pg_proc p $of_extension WHERE proname = 'hll_union_agg' AND pronargs = 1 AND proargtypes[0] = 'hllset'::regtype AND prorettype = 'hllset'::regtype"), '1', 'hll_union_agg takes one set');
is($node->safe_psql($db, "SELECT count(*) FROM pg_proc p $of_extension WHERE proname = 'hll_union_agg'"), '1', 'and there is no other');
is_true($node, $db, "SELECT bool_and(prorettype = 'hllset'::regtype), bool_and(aggcombinefn <> 0 AND aggserialfn <> 0 AND aggdeserialfn <> 0), count(*) = 6
	FROM pg_aggregate JOIN pg_proc p ON p.oid = aggfnoid $of_extension WHERE proname ~ '_agg\$'", 'set aggregates give sets, in parts');
is_true($node, $db, "SELECT count(*) = 2 FROM pg_proc p $of_extension WHERE proname = 'hll_add_agg' AND proargtypes[0] = 'hllhash'::regtype", 'one takes a concrete type');
is($node->safe_psql($db, "SELECT count(*) FROM pg_type WHERE typname IN ('hllset', 'hllhash', 'hllsimilar', 'hllwithin') AND typsend <> 0 AND typreceive <> 0"), '4', 'the types have a binary form');
is($node->safe_psql($db, "SELECT count(*) FROM pg_proc p $of_extension WHERE provolatile <> 'i' AND proname NOT LIKE 'hll_search_%sel'"), '0', 'every function but the planner\'s estimates is immutable, so a foreign server may run it');

# ---- 32 slices, counted apart, sent in every form, united ----

$node->safe_psql($db, q{
	CREATE TABLE event (shard int, g int, x bigint, t text);
	INSERT INTO event SELECT i % 32, i % 20, (i::bigint * i) % 30011, 'user ' || i % 7001 FROM generate_series(1, 60000) i;
	CREATE TABLE slice AS SELECT shard, g, hll_add_agg(x) AS x, hll_add_agg(t, 14) AS t, hll_add_agg(x, 10)::hllset(10, compact) AS c FROM event GROUP BY shard, g;
	CREATE TABLE whole AS SELECT g, hll_add_agg(x) AS x, hll_add_agg(t, 14) AS t, hll_add_agg(x, 10)::hllset(10, compact) AS c FROM event GROUP BY g});
my $file = "$PostgreSQL::Test::Utils::tmp_check/slice";
for my $format ('text', 'binary', 'csv')
{
	$node->safe_psql($db, "CREATE TABLE $format\_slice (LIKE slice)");
	$node->safe_psql($db, "COPY slice TO '$file' (FORMAT $format); COPY $format\_slice FROM '$file' (FORMAT $format)");
	is_true($node, $db, "SELECT bool_and(u.x = w.x), bool_and(u.t = w.t), bool_and(u.c = w.c), count(*) = 20
		FROM (SELECT g, hll_union_agg(x) AS x, hll_union_agg(t) AS t, hll_union_agg(c) AS c FROM $format\_slice GROUP BY g) u JOIN whole w USING (g)", "32 slices in $format form");
}
is_true($node, $db, q{SELECT hll_union_agg(x) = (SELECT hll_add_agg(x) FROM event), hll_union_agg(t) = (SELECT hll_add_agg(t, 14) FROM event), hll_union_agg(c) = (SELECT hll_add_agg(x, 10)::hllset(10, compact) FROM event) FROM binary_slice}, 'all of them');

# ---- postgres_fdw ----

SKIP:
{
	skip 'extension postgres_fdw is not there', 1 unless has_extension($node, 'postgres_fdw');
	my ($host, $port) = ($node->host, $node->port);
	$node->safe_psql($db, qq{
		CREATE EXTENSION postgres_fdw;
		CREATE DATABASE remote_0;
		CREATE DATABASE remote_1});
	for my $remote (0, 1)
	{
		$node->safe_psql("remote_$remote", 'CREATE EXTENSION hllset; CREATE TABLE event (shard int, g int, x bigint, t text); CREATE TABLE rollup (shard int, g int, s hllset)');
		$node->safe_psql($db, "COPY (SELECT $remote, g, x, t FROM event WHERE shard % 2 = $remote) TO '$file'");
		$node->safe_psql("remote_$remote", "COPY event FROM '$file'; INSERT INTO rollup SELECT shard, g, hll_add_agg(x) FROM event GROUP BY shard, g; ANALYZE");
		$node->safe_psql($db, qq{
			CREATE SERVER s$remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'remote_$remote', extensions 'hllset', async_capable 'true', use_remote_estimate 'true');
			CREATE USER MAPPING FOR CURRENT_USER SERVER s$remote});
	}
	$node->safe_psql($db, q{
		CREATE TABLE far (shard int, g int, x bigint, t text) PARTITION BY LIST (shard);
		CREATE FOREIGN TABLE far_0 PARTITION OF far FOR VALUES IN (0) SERVER s0 OPTIONS (table_name 'event');
		CREATE FOREIGN TABLE far_1 PARTITION OF far FOR VALUES IN (1) SERVER s1 OPTIONS (table_name 'event');
		CREATE TABLE near AS TABLE far;
		CREATE FOREIGN TABLE rollup_0 (shard int, g int, s hllset) SERVER s0 OPTIONS (table_name 'rollup');
		ANALYZE far, near});
	my $wise = 'SET enable_partitionwise_aggregate = on';
	# query over %s, what must be run at the far side
	my @pushed = (
		[ 'sets by the partition key', 'SELECT shard, hll_add_agg(x) FROM %s GROUP BY shard ORDER BY shard', qr/hll_add_agg\(x\)/ ],
		[ 'sets of texts at a precision', 'SELECT shard, g, hll_add_agg(t, 14) FROM %s GROUP BY shard, g ORDER BY shard, g', qr/hll_add_agg\(t, 14\)/ ],
		[ 'a generic set', 'SELECT shard, hll_add_agg(ARRAY[x]) FROM %s GROUP BY shard ORDER BY shard', qr/hll_add_agg\(ARRAY\[x\]\)/ ],
		[ 'counts', 'SELECT shard, g, approx_count_distinct(t) FROM %s GROUP BY shard, g ORDER BY shard, g', qr/approx_count_distinct\(t\)/ ],
		[ 'the cardinality', 'SELECT shard, hll_cardinality(hll_add_agg(x)), # hll_add_agg(t) FROM %s GROUP BY shard ORDER BY shard', qr/hll_cardinality\(public\.hll_add_agg\(x\)\).*OPERATOR\(public\.#\)/s ],
		[ 'FILTER', 'SELECT shard, hll_add_agg(x) FILTER (WHERE g < 5) FROM %s GROUP BY shard ORDER BY shard', qr/hll_add_agg\(x\) FILTER/ ],
		[ 'HAVING', 'SELECT shard, g, hll_add_agg(x) FROM %s GROUP BY shard, g HAVING # hll_add_agg(x) > 1400 ORDER BY shard, g', qr/HAVING \(+OPERATOR\(public\.#\) public\.hll_add_agg/ ],);
	for my $case (@pushed)
	{
		my ($name, $query, $remote) = @$case;
		my $plan = plan_of($node, $db, $wise, sprintf($query, 'far'), 'VERBOSE, COSTS off');
		like($plan, qr/(?:Async )?Foreign Scan.*Relations: Aggregate on \(public\.far_0/s, "$name: aggregated at the far side");
		my $sql = join("\n", $plan =~ /Remote SQL: (.*)/g);
		like($sql, $remote, "$name: by this");
		is_same($node, $db, "$wise; " . sprintf($query, 'far'), $node->safe_psql($db, sprintf($query, 'near')), $name);
	}

	# Two levels: the inner aggregate goes there, the union is made here.
	for my $key ('g', '')
	{
		my ($select, $by, $inner) = $key ? ("$key, ", "GROUP BY $key ORDER BY $key", "$key, ") : ('', '', '');
		my $query = "SELECT ${select}hll_union_agg(u) FROM (SELECT shard, ${inner}hll_add_agg(x) AS u FROM far GROUP BY shard" . ($key ? ", $key" : '') . ") y $by";
		my $plan = plan_of($node, $db, $wise, $query, 'VERBOSE, COSTS off');
		like($plan, qr/hll_union_agg.*Foreign Scan.*Aggregate on.*Remote SQL: [^\n]*hll_add_agg/s, "two levels, key '$key': the plan");
		is_same($node, $db, "$wise; $query", $node->safe_psql($db, "SELECT ${select}hll_add_agg(x) FROM near $by"), "two levels, key '$key'");
	}
	my $one = 'SELECT hll_union_agg(u) FROM (SELECT hll_add_agg(x) AS u FROM far_0 UNION ALL SELECT hll_add_agg(x) FROM far_1) y';
	like(plan_of($node, $db, '', $one, 'VERBOSE, COSTS off'), qr/Aggregate on \(public\.far_0\).*Aggregate on \(public\.far_1\)/s, 'one aggregate for each table: the plan');
	is_same($node, $db, $one, $node->safe_psql($db, 'SELECT hll_add_agg(x) FROM near'), 'one aggregate for each table');
	my $rollup = 'SELECT # hll_union_agg(s) FROM rollup_0';
	like(plan_of($node, $db, '', $rollup, 'VERBOSE, COSTS off'), qr/Remote SQL: [^\n]*hll_union_agg\(s\)/, 'a rollup is united at the far side: the plan');
	is_same($node, $db, $rollup, $node->safe_psql($db, 'SELECT # hll_add_agg(x) FROM near WHERE shard = 0'), 'a rollup is united at the far side');

	# Sets written and compared there.
	is_true($node, $db, q{UPDATE rollup_0 SET s = hll_add(s, -1) WHERE g = 4 RETURNING hll_may_contain(s, -1)}, 'a far update');
	my $compared = q{SELECT count(*) FROM rollup_0 WHERE s > hllset_empty() AND hll_may_contain(s, -1) AND # s > 1};
	like(plan_of($node, $db, '', $compared, 'VERBOSE, COSTS off'), qr/Remote SQL: [^\n]*OPERATOR\(public\.>\)[^\n]*hll_may_contain/, 'conditions on sets: the plan');
	is($node->safe_psql($db, $compared), $node->safe_psql('remote_0', $compared =~ s/rollup_0/rollup/r), 'conditions on sets');

	# No rows: NULL and 0 on both ways. Only NULLs: the empty set.
	for my $where ('x < 0', 'false')
	{
		my $none = "SELECT hll_add_agg(x) IS NULL, approx_count_distinct(x) = 0 FROM far_0 WHERE $where";
		is_true($node, $db, $none, "no rows, $where");
	}
	is_true($node, $db, "$wise; SELECT bool_and(s = hllset_empty()), count(*) = 2 FROM (SELECT shard, hll_add_agg(nullif(x, x)) AS s FROM far GROUP BY shard) y", 'only NULLs');
	is($node->safe_psql($db, "$wise; SELECT hll_union_agg(s) = hllset_empty() FROM (SELECT shard, hll_add_agg(nullif(x, x)) AS s FROM far GROUP BY shard) y"), 't', 'and their union');

	# Without the option the rows come here, with the same result.
	$node->safe_psql($db, 'ALTER SERVER s0 OPTIONS (DROP extensions)');
	my $fetched = 'SELECT hll_add_agg(x) FROM far_0';
	unlike(plan_of($node, $db, '', $fetched, 'VERBOSE, COSTS off'), qr/Remote SQL: [^\n]*hll_add_agg/, 'without the option: the plan');
	is_same($node, $db, $fetched, $node->safe_psql($db, 'SELECT hll_add_agg(x) FROM near WHERE shard = 0'), 'without the option');
}

done_testing();
