# SPDX-License-Identifier: PostgreSQL
# The same rows give the same bytes, whatever the plan: order, hashing, spilling, workers, partitions, levels of union, compiled or not.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use Test::More;

my $node = new_node('plans', conf => "max_parallel_workers = 4\nmax_worker_processes = 16\n");
my $db = 'postgres';

$node->safe_psql($db, q{
	CREATE TABLE fact (id int, g int, h int, few int, many int, x bigint, t text, n numeric, u uuid);
	INSERT INTO fact SELECT i, i % 10, i % 7, i % 300, (i::bigint * 7919) % 4000, nullif((i::bigint * i) % 20011, 0), 'user ' || i % 7001, i % 9001 / 8.0,
		md5((i % 6007)::text)::uuid FROM generate_series(1, 40000) i;
	CREATE TABLE parts (LIKE fact) PARTITION BY LIST (g);
	SELECT format('CREATE TABLE part_%s PARTITION OF parts FOR VALUES IN (%s)', g, concat_ws(',', g, g + 5)) FROM generate_series(0, 4) g \gexec
	INSERT INTO parts TABLE fact;
	CREATE INDEX ON fact (t);
	ALTER TABLE fact SET (parallel_workers = 2);
	SELECT format('ALTER TABLE part_%s SET (parallel_workers = 2)', g) FROM generate_series(0, 4) g \gexec
	ANALYZE fact, parts;
});

# Everything that a state knows, as one line for each group: bytes and estimates.
my @aggregates = ('hll_add_agg(x)', 'hll_add_agg(x, 8)', 'hll_add_agg(t, 14)', 'hll_add_agg(n)', 'hll_add_agg(u)', 'hll_add_agg(x) FILTER (WHERE id % 3 = 0)');
my $lines = sub {
	my ($source, $key, @functions) = @_;
	@functions = @aggregates unless @functions;
	my $states = join(', ', map { "$functions[$_] AS s$_" } 0 .. $#functions);
	my $shown = join(', ', map { "md5(hllset_send(s$_)), # s$_, hll_relative_error(s$_)" } 0 .. $#functions);
	my ($column, $by) = $key eq '' ? ('NULL', '') : ($key, "GROUP BY $key");
	return "SELECT k, $shown, c FROM (SELECT $column AS k, $states, approx_count_distinct(t) AS c FROM $source $by) y";
};
my %query = map { $_ => $lines->('fact', $_) } ('g', 'h', 'few', 'many', '');
my $serial = 'SET max_parallel_workers_per_gather = 0; SET enable_hashagg = off; SET jit = off';
# Sorted here, so that no plan needs to.
my $sorted = sub { join("\n", sort split(/\n/, $node->safe_psql($db, $_[0]))) };
my %expected = map { $_ => $sorted->("$serial; $query{$_}") } keys %query;
like(plan_of($node, $db, $serial, $query{g}), qr/GroupAggregate/, 'the reference: sorted, serial');
is(() = $expected{many} =~ /\n/g, 3999, 'the reference has a line for each group');

# Rows are so dear that reading them in parallel pays, and moving them does not.
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 1; SET cpu_tuple_cost = 1; '
	. 'SET min_parallel_table_scan_size = 0; SET jit = off';
my $force = $node->safe_psql($db, q{SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')});

# name, settings, source, key, what the plan with its actual counts must show
my @plans = (
	[ 'hashed', 'SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET jit = off', 'fact', 'g', qr/HashAggregate/ ],
	[
		'hashed and spilled',
		'SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET jit = off; SET work_mem = 64; SET hash_mem_multiplier = 1',
		'fact', 'many', qr/HashAggregate.*Batches: \d{2,}.*Disk Usage/s
	],
	[ 'parallel', $parallel, 'fact', 'g', qr/Finalize .*Workers Launched: 2.*Partial HashAggregate/s ],
	[ 'parallel, no key', $parallel, 'fact', '', qr/Finalize .*Workers Launched: 2.*Partial /s ],
	[ 'parallel, sorted', "$parallel; SET enable_hashagg = off", 'fact', 'g', qr/Finalize GroupAggregate.*Workers Launched: 2.*Partial GroupAggregate/s ],
	[
		'parallel, spilled', "$parallel; SET enable_sort = off; SET work_mem = 64; SET hash_mem_multiplier = 1",
		'fact', 'few', qr/Workers Launched: 2.*Partial HashAggregate.*Disk Usage/s
	],
	[ 'parallel, without the leader', "$parallel; SET parallel_leader_participation = off", 'fact', 'g', qr/Workers Launched: 2.*Partial HashAggregate/s ],
	[
		'whole in one worker', "SET $force = on; SET max_parallel_workers_per_gather = 2; SET jit = off; SET parallel_setup_cost = 1e9",
		'fact', 'g', qr/Workers Launched: 1\n.*Single Copy: true/s
	],
	[
		'partition-wise, in full',
		'SET max_parallel_workers_per_gather = 0; SET enable_partitionwise_aggregate = on; SET jit = off',
		'parts', 'g', qr/Append.*HashAggregate.*part_0.*HashAggregate.*part_1/s
	],
	[
		'partition-wise, in part',
		'SET max_parallel_workers_per_gather = 0; SET enable_partitionwise_aggregate = on; SET jit = off',
		'parts', '', qr/Finalize .*Append.*Partial .*part_0.*Partial .*part_1/s
	],
	[ 'partition-wise and parallel', "$parallel; SET enable_partitionwise_aggregate = on", 'parts', 'g', qr/Workers Launched: [12].*part_0/s ],
	[ 'partition-wise in part and parallel', "$parallel; SET enable_partitionwise_aggregate = on", 'parts', 'h', qr/Finalize .*Workers Launched: [12].*Partial .*part_0/s ],);
if ($node->safe_psql($db, 'SELECT pg_jit_available()') eq 't')
{
	push @plans,
		[
			'compiled, our functions inlined', 'SET max_parallel_workers_per_gather = 0; SET jit = on; SET jit_above_cost = 0; SET jit_inline_above_cost = 0; SET jit_optimize_above_cost = 0',
			'fact', 'g', qr/JIT:.*Inlining true/s
		];
}
for my $plan (@plans)
{
	my ($name, $settings, $source, $key, $shape) = @$plan;
	my $query = $lines->($source, $key);
	like(plan_of($node, $db, $settings, $query, 'ANALYZE, TIMING off'), $shape, "$name: the plan");
	is($sorted->("$settings; $query"), $expected{$key}, $name);
}

# Aggregates that no plan splits, and rows in another order.
for my $inside ('DISTINCT x', 'x ORDER BY t', 'x ORDER BY id DESC', 'DISTINCT x ORDER BY x DESC')
{
	is_true($node, $db,
		"SELECT hll_add_agg($inside) = hll_add_agg(x), hll_add_agg($inside) FILTER (WHERE id < 9000) = hll_add_agg(x) FILTER (WHERE id < 9000) FROM fact GROUP BY g",
		"$inside");
}

# Grouping sets, each beside its plain GROUP BY.
my %grouping = (
	'ROLLUP (g, h)' => '(g, h)|(g)|()',
	'CUBE (g, h)' => '(g, h)|(g)|(h)|()',
	'GROUPING SETS ((g), (h), (g, h), ())' => '(g, h)|(g)|(h)|()');
for my $clause (sort keys %grouping)
{
	my $union = join(' UNION ALL ', map {
		my $columns = $_;
		'SELECT ' . join(', ', map { $columns =~ /$_/ ? "$_" : "NULL" } 'g', 'h') . ", hll_add_agg(x) AS s, approx_count_distinct(t) AS c FROM fact GROUP BY $columns"
	} split(/\|/, $grouping{$clause}));
	my $expected = $node->safe_psql($db, "$serial; SELECT g, h, md5(hllset_send(s)), c FROM ($union) z ORDER BY g, h");
	for my $settings ('SET enable_hashagg = off', 'SET enable_sort = off', 'SET enable_sort = off; SET work_mem = 64; SET hash_mem_multiplier = 1', $parallel)
	{
		is_same($node, $db,
			"$settings; SELECT g, h, md5(hllset_send(s)), c FROM (SELECT g, h, hll_add_agg(x) AS s, approx_count_distinct(t) AS c FROM fact GROUP BY $clause) z ORDER BY g, h",
			$expected, "$clause, $settings");
	}
}

# Two aggregates over one argument share its state; a final function that is called often leaves it as it is.
is_true($node, $db,
	'SELECT c = round(# s), a = s, d = c FROM (SELECT hll_add_agg(t) AS s, approx_count_distinct(t) AS c, hll_add_agg(t) AS a, approx_count_distinct(t) AS d FROM fact GROUP BY many) y',
	'two aggregates share one state');
is_true($node, $db, q{
	SELECT s = (SELECT hll_add_agg(f.x) FROM fact f WHERE f.g = 3 AND f.id <= y.id), c = round(# s), m = (SELECT hll_add_agg(f.x) FROM fact f WHERE f.g = 3 AND f.id BETWEEN y.id - 5000 AND y.id + 1000)
	FROM (SELECT id, hll_add_agg(x) OVER w AS s, approx_count_distinct(x) OVER w AS c, hll_add_agg(x) OVER (ORDER BY id RANGE BETWEEN 5000 PRECEDING AND 1000 FOLLOWING) AS m
		FROM fact WHERE g = 3 WINDOW w AS (ORDER BY id)) y WHERE id % 1000 = 3},
	'window frames');

# Unions of unions: any tree over any cut of the rows.
$node->safe_psql($db, q{
	CREATE TABLE leaves AS SELECT c.name, c.part, hll_add_agg(x) AS s
	FROM fact, LATERAL (VALUES ('by turns', id % 97), ('in blocks', id / 1111), ('one large', (id < 500)::int), ('by value', (x % 13)::int), ('each row', id)) c (name, part)
	WHERE c.name <> 'each row' OR id <= 20000 GROUP BY c.name, c.part;
	ALTER TABLE leaves SET (parallel_workers = 2)});
my $trees = q{
	WITH total AS (SELECT hll_add_agg(x) AS s FROM fact), start AS (SELECT hll_add_agg(x) AS s FROM fact WHERE id <= 20000),
	pairs AS (SELECT name, (part / 2) AS part, hll_union_agg(s) AS s FROM leaves GROUP BY 1, 2),
	ten AS (SELECT name, part % 10, hll_union_agg(s) AS s FROM pairs GROUP BY 1, 2)
	SELECT bool_and(s = CASE name WHEN 'each row' THEN (TABLE start) ELSE (TABLE total) END) AND count(*) = 15 FROM (
		SELECT name, hll_union_agg(s) AS s FROM leaves GROUP BY name UNION ALL SELECT name, hll_union_agg(s) FROM pairs GROUP BY name
		UNION ALL SELECT name, hll_union_agg(s) FROM ten GROUP BY name) y};
is_true($node, $db, "$serial; $trees", 'trees of unions, serial');
is_true($node, $db, "$parallel; $trees", 'trees of unions, parallel');
like(plan_of($node, $db, $parallel, 'SELECT hll_union_agg(s) FROM leaves'), qr/Finalize.*Partial/s, 'unions are split among workers');
is_true($node, $db, q{
	WITH RECURSIVE chain (part, s) AS (
		SELECT 0, s FROM leaves WHERE name = 'by turns' AND part = 0
		UNION ALL SELECT c.part + 1, c.s | l.s FROM chain c JOIN leaves l ON l.name = 'by turns' AND l.part = c.part + 1)
	SELECT s = (SELECT hll_add_agg(x) FROM fact) FROM chain ORDER BY part DESC LIMIT 1}, 'a chain of |');

# Every way down to a precision and form gives what was built there.
for my $size (100, 900, 40000)
{
	is_true($node, $db, qq{
		WITH f AS (SELECT * FROM fact WHERE id <= $size), s AS (SELECT hll_add_agg(x, 18) AS s FROM f)
		SELECT hll_fold(s, p) = b, hll_fold(hll_fold(s, q), p) = b, hll_fold(s, p)::hllset(4, compact) = b::hllset(4, compact),
			hll_fold(s::hllset(18, compact), p) = (SELECT hll_union_agg(hll_fold(s.s, p)::hllset(4, compact)) FROM s WHERE p = 4) IS NOT FALSE,
			(SELECT hll_union_agg(hll_fold(c, p)) FROM (SELECT hll_add_agg(x, q) AS c FROM f GROUP BY id % 9) y) = b,
			(SELECT hll_fold(hll_union_agg(c), p) FROM (SELECT hll_fold(hll_add_agg(x, 18), CASE id % 9 WHEN 4 THEN q ELSE 18 END) AS c FROM f GROUP BY id % 9) y) = b
		FROM s, (SELECT p, (SELECT hll_add_agg(x, p) FROM f) AS b FROM generate_series(4, 16, 3) p) y, LATERAL (SELECT least(p + 2, 18)) z (q)},
		"fold paths of $size rows");
}

done_testing();
