# SPDX-License-Identifier: PostgreSQL
# Search by index: over random sets, the rows that an index scan returns are those of a sequential scan, whatever has been done to the table and to the index.
# HLLSET_QUERIES sets how many queries each of the two operators gets, HLLSET_SEED where they start.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $count = $ENV{HLLSET_QUERIES} || 10000;
my $seed = $ENV{HLLSET_SEED} || 1;
my $node = new_node('search', init => { allows_streaming => 1 }, conf => "max_wal_size = 4GB\nlog_statement = none\n");
my $db = 'postgres';
my $phases = 10;
my $each = int(($count + $phases - 1) / $phases);
my $asked = 0;
my %found = ('%' => 0, '%>' => 0);
note "$count queries, seed $seed";

# ---- random sets: parts of a few common ranges with elements of their own, of 0 to 8,000, mostly few; each at a precision of its own ----

$node->safe_psql($db, q{
	CREATE FUNCTION below(n int) RETURNS int LANGUAGE sql VOLATILE RETURN floor(random() * n)::int;
	CREATE FUNCTION make_set(least_precision int, most int) RETURNS hllset LANGUAGE plpgsql VOLATILE AS $$
	DECLARE
		n int := CASE WHEN random() < 0.03 THEN 0 WHEN random() < 0.5 THEN least(most, 60 + below(60)) ELSE floor(most ^ random())::int END;
		inside int := floor(n * CASE below(4) WHEN 0 THEN 0 WHEN 1 THEN 1 ELSE random() END)::int;
		range_start int := below(4) * 1000000 + CASE WHEN random() < 0.5 THEN 0 ELSE below(n + 1) END;
		own int := 10000000 + below(2000000000);
		p int := least_precision + below(16 - least_precision + 1);
		made hllset := (SELECT hll_add_agg(CASE WHEN x <= inside THEN range_start + x ELSE own + x END, p) FROM generate_series(1, n) x);
	BEGIN
		RETURN CASE WHEN made IS NULL THEN hllset_empty(p) WHEN most >= 400 AND n < 100 AND random() < 0.1 THEN hllset(made, 32 + p, true) ELSE made END;
	END $$;
	CREATE TABLE sets (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind int, a hllset, b hllset);
	CREATE TABLE queries (id int, phase int, alike hllsimilar, contained hllwithin);
	CREATE FUNCTION ask(phase int, n int) RETURNS void LANGUAGE sql VOLATILE BEGIN ATOMIC
		-- half of what is asked for is, or is a part of, a set that is there
		INSERT INTO queries SELECT i, phase, hll_similar_to(CASE WHEN random() < 0.5 THEN s.a ELSE hll_fold(s.a, 10) | make_set(10, 100) END, (array[0.06, 0.1, 0.25, 0.5, 0.9, 1])[1 + below(6)]),
			hll_within(CASE WHEN random() < 0.5 THEN s.b ELSE hll_fold(s.b, 12) | make_set(12, 300) END, (array[0.06, 0.1, 0.25, 0.5, 0.9, 1])[1 + below(6)])
		FROM (SELECT i, ids[1 + below(cardinality(ids))] AS id FROM generate_series(1, n) i, (SELECT array_agg(id) AS ids FROM sets WHERE a IS NOT NULL) x) q JOIN sets s USING (id);
	END;
	-- What all queries of a phase find, one line each.
	CREATE FUNCTION answers(operator text, of_phase int) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
	BEGIN
		RETURN QUERY EXECUTE format('SELECT format(''%%s: %%s'', q.id, array_agg(r.id ORDER BY r.id)) FROM queries q, LATERAL (SELECT id FROM sets WHERE %s OFFSET 0) r WHERE phase = $1 GROUP BY q.id ORDER BY q.id',
			CASE operator WHEN '%' THEN 'a % q.alike' ELSE 'b %> q.contained' END) USING of_phase;
	END $$;
	CREATE FUNCTION changes(OUT added int, OUT changed int, OUT deleted int) LANGUAGE plpgsql VOLATILE AS $$
	BEGIN
		UPDATE sets SET a = make_set(10, 400), b = make_set(12, 400) WHERE id % 7 = below(7);
		GET DIAGNOSTICS changed = ROW_COUNT;
		UPDATE sets SET a = hll_add(a, below(1000000)), b = b | make_set(12, 50) WHERE id % 11 = below(11);
		DELETE FROM sets WHERE id % 9 = below(9);
		GET DIAGNOSTICS deleted = ROW_COUNT;
		INSERT INTO sets (kind, a, b) SELECT i % 4, make_set(10, CASE WHEN i % 9 = 0 THEN 8000 ELSE 400 END), make_set(12, CASE WHEN i % 9 = 0 THEN 8000 ELSE 400 END) FROM generate_series(1, 50) i;
		INSERT INTO sets (kind) VALUES (0), (1);
		added := 52;
	END $$});
$node->safe_psql($db, "SELECT setseed($seed / 1000.0); SELECT changes(); SELECT changes(); SELECT changes(); SELECT changes(); SELECT changes(); SELECT changes()");
my $indexes = 'CREATE INDEX sets_a ON sets USING gin (a); CREATE INDEX sets_b ON sets USING gin (b hllset_contain_ops);';
$node->safe_psql($db, "$indexes CREATE INDEX sets_kind ON sets (kind); ANALYZE sets");

my $by_index = 'SET enable_seqscan = off; SET enable_indexscan = off';
my $by_scan = 'SET enable_bitmapscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off';

# Both ways give the same for new queries; on a node that has them already, for these.
my $phase = 0;
my $same = sub {
	my ($name, %option) = @_;
	my $where = $option{node} // $node;
	my $settings = $option{settings} // '';
	unless ($option{again})
	{
		$phase++;
		$node->safe_psql($db, "SELECT setseed(($seed + $phase) / 1000.0); SELECT ask($phase, $each)");
		$asked += $each;
	}
	$option{ready}->() if $option{ready};
	for my $operator ('%', '%>')
	{
		my $indexed = $where->safe_psql($db, "$by_index; $settings SELECT answers('$operator', $phase)");
		my $scanned = $where->safe_psql($db, "$by_scan; $settings SELECT answers('$operator', $phase)");
		my $rows = () = $scanned =~ /\d+(?=[,}])/g;
		ok($indexed eq $scanned && $rows > $each / 2, "$name: $operator by index as by scan ($rows rows of $each queries)") or diag(difference($indexed, $scanned));
		$found{$operator} += $rows;
	}
	return;
};

sub difference
{
	my %scanned = map { $_ => 1 } split(/\n/, $_[1]);
	my @wrong = grep { !$scanned{$_} } split(/\n/, $_[0]);
	return join("\n", 'only by index:', map { substr($_, 0, 300) } @wrong[ 0 .. ($#wrong < 5 ? $#wrong : 5) ]);
}

sub bitmap_scans
{
	my ($settings, $operator) = @_;
	my $condition = $operator eq '%' ? 'a % q.alike' : 'b %> q.contained';
	return $node->safe_psql($db, "$settings; EXPLAIN (COSTS off) SELECT r.id FROM queries q, LATERAL (SELECT id FROM sets WHERE $condition OFFSET 0) r");
}

$same->('built on rows that were there');
like(bitmap_scans($by_index, '%'), qr/Bitmap Index Scan on sets_a/, 'one way is by the index');
like(bitmap_scans($by_index, '%>'), qr/Bitmap Index Scan on sets_b/, 'of either operator');
like(bitmap_scans($by_scan, $_), qr/Seq Scan on sets/, "the other is not, of $_") for '%', '%>';

# ---- rows that come and go: in the pending list, out of it, without one ----

$node->safe_psql($db, 'SELECT setseed(0.5); SELECT changes(); SELECT changes()');
is_true($node, $db, q{CREATE EXTENSION pageinspect; SELECT n_pending_tuples > 0 FROM (VALUES ('sets_a'), ('sets_b')) v (i), gin_metapage_info(get_raw_page(i, 0))}, 'rows wait in the pending lists');
$same->('with a pending list');
$node->safe_psql($db, 'VACUUM sets');
is_true($node, $db, q{SELECT n_pending_tuples = 0 FROM (VALUES ('sets_a'), ('sets_b')) v (i), gin_metapage_info(get_raw_page(i, 0))}, 'VACUUM has moved them');
$same->('after VACUUM');
$node->safe_psql($db, 'ALTER INDEX sets_a SET (fastupdate = off); ALTER INDEX sets_b SET (fastupdate = off); SELECT setseed(0.6); SELECT changes(); SELECT changes()');
$same->('without a pending list');
$node->safe_psql($db, 'VACUUM sets; BEGIN; SELECT setseed(0.7); SELECT changes(); ROLLBACK; BEGIN; SAVEPOINT s; SELECT changes(); ROLLBACK TO s; SELECT changes(); COMMIT');
$same->('after changes that were taken back');

# ---- built in parallel, where the server does it; anew; concurrently ----

$node->safe_psql($db, "DROP INDEX sets_a, sets_b; ALTER TABLE sets SET (parallel_workers = 2); SET min_parallel_table_scan_size = 0; SET max_parallel_maintenance_workers = 2; SET maintenance_work_mem = '64MB'; $indexes");
$same->('built in parallel, if the server does so');
$node->safe_psql($db, 'SET maintenance_work_mem = 1024; REINDEX INDEX sets_a; REINDEX INDEX CONCURRENTLY sets_b; ALTER TABLE sets RESET (parallel_workers)');
$same->('built with little memory, and concurrently');

# ---- how the query is run: JIT, a worker, a bitmap that lost rows, other conditions ----

my $force = $node->safe_psql($db, 'SHOW server_version_num') >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode';
$same->('under JIT', settings => 'SET jit = on; SET jit_above_cost = 0; SET jit_inline_above_cost = 0; SET jit_optimize_above_cost = 0;');
$same->('in a worker', settings => "SET $force = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;", again => 1);
$same->('with little work_mem', settings => q{SET work_mem = '64kB';}, again => 1);
for my $operator ('%', '%>')
{
	my $condition = $operator eq '%' ? 'a % q.alike' : 'b %> q.contained';
	my $query = "SELECT md5(string_agg(format('%s %s', q.id, r.id), ',' ORDER BY q.id, r.id)) FROM queries q, LATERAL (SELECT id FROM sets WHERE $condition AND kind = 2 OFFSET 0) r WHERE phase = $phase";
	my $both = 'a % q.alike AND b %> q.contained';
	my $all = "SELECT count(*), sum(r.id) FROM queries q, LATERAL (SELECT id FROM sets WHERE $both OFFSET 0) r";
	is_same($node, $db, "$by_index; $query", $node->safe_psql($db, "$by_scan; $query"), "$operator beside another condition");
	is_same($node, $db, "$by_index; $all", $node->safe_psql($db, "$by_scan; $all"), 'both operators together') if $operator eq '%';
	# Both bitmaps only pay if the first leaves many rows; that they may be joined is shown where nothing else is allowed.
	like($node->safe_psql($db, "$by_index; SET cpu_operator_cost = 1; EXPLAIN (COSTS off) SELECT r.id FROM queries q, LATERAL (SELECT id FROM sets WHERE $both OFFSET 0) r"), qr/BitmapAnd/, 'by a bitmap of both') if $operator eq '%';
}

# ---- postings against values: every row is found by its own keys, and the server's check, where it has one ----

is_true($node, $db, q{
	SET enable_seqscan = off;
	SELECT count(*) = (SELECT count(*) FROM sets WHERE # a > 0) FROM sets s, LATERAL (SELECT FROM sets r WHERE r.a % hll_similar_to(s.a, 1) AND r.id = s.id OFFSET 0) r}, 'every row is found by its signature');
is_true($node, $db, q{
	SET enable_seqscan = off;
	SELECT count(*) = (SELECT count(*) FROM sets WHERE # b > 0) FROM sets s, LATERAL (SELECT FROM sets r WHERE r.b %> hll_within(s.b, 1) AND r.id = s.id OFFSET 0) r}, 'and by its containment keys');
if ($node->safe_psql($db, 'SHOW server_version_num') >= 180000)
{
	$node->safe_psql($db, q{CREATE EXTENSION amcheck; SELECT gin_index_check('sets_a'), gin_index_check('sets_b')});
	pass('amcheck finds nothing wrong');
}

# ---- elsewhere: after a crash, on a replica, after dump and restore ----

$node->safe_psql($db, 'SELECT setseed(0.8); SELECT changes()');
$node->stop('immediate');
$node->start;
$same->('after a crash');

$node->backup('copy');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($node, 'copy', has_streaming => 1);
$replica->start;
$node->safe_psql($db, 'SELECT setseed(0.9); SELECT changes()');
$same->('on a replica', node => $replica, ready => sub { $node->wait_for_catchup($replica, 'replay', $node->lsn('insert')) });
$replica->stop;

my $dump = "$PostgreSQL::Test::Utils::tmp_check/search.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr($db) ], 'dumped');
$node->safe_psql('template1', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('restored'), $dump ], 'and restored');
for my $operator ('%', '%>')
{
	my $query = "SELECT answers('$operator', $phase)";
	is_same($node, 'restored', "$by_index; $query", $node->safe_psql($db, "$by_scan; $query"), "there too, $operator by index as by scan");
}
is_true($node, 'restored', q{SELECT amname = 'gin' FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname IN ('sets_a', 'sets_b')}, 'by indexes');

cmp_ok($asked, '>=', $count, "$asked queries of each operator, $found{'%'} and $found{'%>'} rows");
$node->stop;
done_testing();
