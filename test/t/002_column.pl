# SPDX-License-Identifier: PostgreSQL
# Columns of type hllset in all that a table and a query may do with them. Values of every size, stored in line and out of line.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

my $node = new_node('column');
my $db = 'postgres';

$node->safe_psql($db, q{
	CREATE TABLE sets (id int GENERATED ALWAYS AS IDENTITY, n int, s hllset);
	INSERT INTO sets (n, s) SELECT n, s FROM (
		(SELECT n, (SELECT hll_add_agg(x, p) FROM generate_series(1, n) x) AS s FROM (VALUES (4), (12), (14)) v (p), (VALUES (1), (10), (200), (900), (1100), (4000), (60000)) w (n) ORDER BY p DESC, n)
		UNION ALL SELECT 0, hllset_empty(p) FROM generate_series(4, 18) p) y;
	INSERT INTO sets (n, s) SELECT n, s::hllset(12, compact) FROM sets WHERE hll_precision(s) = 12;
	INSERT INTO sets (n, s) SELECT n, s FROM sets WHERE id % 3 = 0;
	INSERT INTO sets (n, s) SELECT x, hllset_of(x, x * 7) FROM generate_series(1, 500) x;
	INSERT INTO sets (n) SELECT NULL FROM generate_series(1, 3);
	ANALYZE sets});
is_true($node, $db, q{SELECT pg_relation_size(reltoastrelid) > 30000, attstorage = 'e' FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid WHERE relname = 'sets' AND attname = 's'},
	'large values lie out of line, uncompressed');

# ---- all that compares: as the same query over the bytes says ----

my @off = map { "SET enable_$_ = off" } qw(hashagg sort hashjoin mergejoin nestloop seqscan memoize);
my ($no_hashagg, $no_sort, $no_hashjoin, $no_mergejoin, $no_nestloop, $no_seqscan, $no_memoize) = @off;
my $small = 'SET work_mem = 64; SET hash_mem_multiplier = 1';
my $join = sub {
	return "SELECT count(*), count(a.id), count(b.id), sum(a.id), sum(b.id) FROM (SELECT * FROM sets WHERE id % 2 = 0) a $_[0] JOIN (SELECT * FROM sets WHERE id % 5 <> 0) b ON COL(a.s) = COL(b.s)";
};
my @queries = (
	[ 'GROUP BY, hashed', $no_sort, qr/HashAggregate/, 'SELECT count(*), sum(c), min(c), max(c) FROM (SELECT count(*) AS c FROM sets GROUP BY COL(s)) y' ],
	[ 'GROUP BY, sorted', $no_hashagg, qr/GroupAggregate/, 'SELECT count(*), sum(c), min(c), max(c) FROM (SELECT count(*) AS c FROM sets GROUP BY COL(s)) y' ],
	[ 'GROUP BY, spilled', "$small; $no_sort", qr/HashAggregate/, 'SELECT count(*), sum(c) FROM (SELECT count(*) AS c FROM sets, generate_series(1, 3) x GROUP BY x, COL(s)) y' ],
	[ 'DISTINCT, hashed', $no_sort, qr/HashAggregate/, 'SELECT count(*) FROM (SELECT DISTINCT COL(s) FROM sets) y' ],
	[ 'DISTINCT, sorted', $no_hashagg, qr/Unique/, 'SELECT count(*) FROM (SELECT DISTINCT COL(s) FROM sets) y' ],
	[ 'DISTINCT ON', '', qr/Unique/, 'SELECT count(*), sum(id) FROM (SELECT DISTINCT ON (COL(s)) id FROM sets ORDER BY COL(s), id) y' ],
	[ 'count(DISTINCT)', '', qr/Aggregate/, 'SELECT count(DISTINCT COL(s)) FROM sets' ],
	[ 'UNION, hashed', $no_sort, qr/HashAggregate/, 'SELECT count(*) FROM (SELECT COL(s) FROM sets UNION SELECT COL(s) FROM sets WHERE id % 2 = 0) y' ],
	[ 'UNION, sorted', $no_hashagg, qr/Unique/, 'SELECT count(*) FROM (SELECT COL(s) FROM sets UNION SELECT COL(s) FROM sets WHERE id % 2 = 0) y' ],
	(map { my ($how, $settings, $plan) = @$_;
		map { [ "$_, $how", $settings, $plan, "SELECT count(*) FROM (SELECT COL(s) FROM sets WHERE id % 3 <> 1 $_ SELECT COL(s) FROM sets WHERE id % 2 = 0) y" ] }
			('EXCEPT', 'EXCEPT ALL', 'INTERSECT', 'INTERSECT ALL') } ([ 'hashed', $no_sort, qr/HashSetOp/ ], [ 'sorted', $no_hashagg, qr/SetOp (?:Except|Intersect)/ ])),
	(map { my ($how, $settings, $plan) = @$_;
		map { [ "$_ JOIN, $how", $settings, $plan, $join->($_) ] } ('INNER', 'LEFT', 'FULL') }
		([ 'hashed', "$no_mergejoin; $no_nestloop", qr/Hash (?:Left |Right |Full )?Join/ ], [ 'merged', "$no_hashjoin; $no_nestloop", qr/Merge (?:Left |Right |Full )?Join/ ])),
	[ 'join, hashed in batches', "$no_mergejoin; $no_nestloop; $small", qr/Hash Full Join/, $join->('FULL') =~ s/(SELECT \* FROM sets)/$1, generate_series(1, 9)/gr ],
	[ 'join, nested', "$no_hashjoin; $no_mergejoin; $no_memoize", qr/Nested Loop/, $join->('') ],
	[ 'IN', $no_sort, qr/Semi Join|HashAggregate/, 'SELECT sum(id) FROM sets WHERE COL(s) IN (SELECT COL(s) FROM sets WHERE id % 5 = 0)' ],
	[ 'NOT EXISTS', '', qr/Anti Join/, 'SELECT sum(id) FROM sets a WHERE NOT EXISTS (SELECT FROM sets b WHERE COL(a.s) = COL(b.s) AND b.id % 5 = 0)' ],
	[ 'ORDER BY', '', qr/Sort/, q{SELECT string_agg(id::text, ' ') FROM (SELECT id FROM sets ORDER BY COL(s), id) y} ],
	[ 'ORDER BY DESC', $small, qr/Sort/, 'SELECT string_agg(r::text, $$ $$) FROM (SELECT rank() OVER (ORDER BY COL(s) DESC NULLS LAST) AS r FROM sets ORDER BY id) y' ],
	[ 'PARTITION BY', '', qr/WindowAgg/, 'SELECT sum(c) FROM (SELECT count(*) OVER (PARTITION BY COL(s)) AS c FROM sets) y' ],
	[ 'least, greatest, rows, arrays', '', qr/Aggregate/,
		'SELECT count(*), count(*) FILTER (WHERE ROW(n % 3, COL(s)) < ROW(1, COL(t))), md5(string_agg(least(COL(s), COL(t))::text, $$ $$ ORDER BY id)),
			count(*) FILTER (WHERE ARRAY[COL(s), COL(t)] < ARRAY[COL(t), COL(s)]), count(*) FILTER (WHERE COL(s) = ANY (ARRAY[COL(t), COL(s)]))
		FROM (SELECT *, lag(s) OVER (ORDER BY id) AS t FROM sets WHERE n < 5000) y' ],
	[ 'recursive UNION', '', qr/Recursive Union/,
		'WITH RECURSIVE r (s, d) AS (SELECT COL(s), 0 FROM sets WHERE n < 20 UNION SELECT s, (d + 1) % 3 FROM r) SELECT count(*) FROM r' ],);
for my $each (@queries)
{
	my ($name, $settings, $plan, $query) = @$each;
	my $bytes = $query =~ s/COL\(([\w.]+)\)/$1::bytea/gr;
	$query =~ s/COL\(([\w.]+)\)/$1/g;
	like(plan_of($node, $db, $settings, $query), $plan, "$name: the plan");
	is_same($node, $db, "$settings; $query", $node->safe_psql($db, $bytes), $name);
}
like(plan_of($node, $db, "$no_mergejoin; $no_nestloop; $small", $join->('FULL') =~ s/(SELECT \* FROM sets)/$1, generate_series(1, 9)/gr =~ s/COL\(([\w.]+)\)/$1/gr, 'ANALYZE, COSTS off, TIMING off'), qr/Batches: (?:[2-9]|\d\d)/, 'there are batches');
my $memoize = "$no_hashjoin; $no_mergejoin; SET enable_seqscan = off";
$node->safe_psql($db, 'CREATE TABLE small AS SELECT id, s FROM sets WHERE n < 30; CREATE INDEX small_s ON small (s); ANALYZE small');
my $lookup = 'SELECT count(*), sum(b.id) FROM (SELECT s FROM small, generate_series(1, 20) ORDER BY id) a JOIN small b ON a.s = b.s';
like(plan_of($node, $db, $memoize, $lookup), qr/Memoize.*Cache Key/s, 'Memoize: the plan');
is_same($node, $db, "$memoize; $lookup", $node->safe_psql($db, $lookup =~ s/a\.s = b\.s/a.s::bytea = b.s::bytea/r), 'Memoize');

# ---- indexes ----

my $ids = sub { "SELECT string_agg(id::text, ' ' ORDER BY id) FROM sets WHERE $_[0]" };
my $pivot = '(SELECT s FROM sets WHERE n = 200 AND hll_precision(s) = 12 ORDER BY id LIMIT 1)';
my %found = map { $_ => $node->safe_psql($db, $ids->("s::bytea $_ $pivot\::bytea AND n < 1000")) } ('=', '<', '<=', '>', '>=');
$node->safe_psql($db, 'CREATE INDEX sets_btree ON sets (s) WHERE n < 1000; CREATE INDEX sets_hash ON sets USING hash (s)');
for my $operator (sort keys %found)
{
	my $query = $ids->("s $operator $pivot AND n < 1000");
	like(plan_of($node, $db, "$no_seqscan; SET enable_bitmapscan = off", $query), $operator eq '=' ? qr/using sets_(?:btree|hash)/ : qr/using sets_btree/, "$operator by an index: the plan");
	is_same($node, $db, "$no_seqscan; SET enable_bitmapscan = off; $query", $found{$operator}, "$operator by an index");
}
my $long = '(SELECT s FROM sets WHERE n = 60000 AND hll_precision(s) = 14)';
like(plan_of($node, $db, $no_seqscan, $ids->("s = $long")), qr/sets_hash/, 'a long value by a hash index: the plan');
is_same($node, $db, "$no_seqscan; " . $ids->("s = $long"), $node->safe_psql($db, $ids->("s::bytea = $long\::bytea")), 'a long value by a hash index');
like(plan_of($node, $db, "$no_seqscan; $no_sort", 'SELECT s FROM small ORDER BY s'), qr/Index Only Scan/, 'ordered by an index only scan: the plan');
is_true($node, $db, "$no_seqscan; $no_sort; SELECT array_agg(s) = (SELECT array_agg(s ORDER BY s::bytea) FROM small) FROM (SELECT s FROM small ORDER BY s) y", 'ordered by an index only scan');
fails_with($node, $db, 'CREATE INDEX ON sets (s) WHERE n = 60000 AND hll_precision(s) = 12', '54000', qr/index row size \d+ exceeds btree version 4 maximum 2704/, 'a value beyond 2,700 bytes meets the limit of btree');
fails_with($node, $db, 'CREATE INDEX ON sets (s)', '54000', qr/index row requires \d+ bytes, maximum size is 8191/, 'a longer one the limit of any index');
fails_with($node, $db, 'CREATE UNIQUE INDEX ON small (s)', '23505', qr/could not create unique index.*is duplicated/s, 'a unique index refuses duplicates');
$node->safe_psql($db, 'CREATE TABLE keyed (s hllset, note text); CREATE UNIQUE INDEX keyed_s ON keyed (hll_digest(s)); INSERT INTO keyed SELECT DISTINCT s FROM sets WHERE s IS NOT NULL');
is($node->safe_psql($db, 'SELECT count(*) = (SELECT count(DISTINCT s::bytea) FROM sets) FROM keyed'), 't', 'a unique index on hll_digest takes values of any length');
fails_with($node, $db, "INSERT INTO keyed SELECT $long", '23505', qr/keyed_s/, 'and refuses a second one');
is($node->safe_psql($db, "INSERT INTO keyed (s) SELECT s FROM sets WHERE s IS NOT NULL ON CONFLICT (hll_digest(s)) DO UPDATE SET note = 'seen' WHERE keyed.note IS NULL AND hll_digest(keyed.s) = hll_digest($long) RETURNING # s > 50000"),
	't', 'and settles conflicts');
like(plan_of($node, $db, $no_seqscan, "SELECT FROM keyed WHERE hll_digest(s) = hll_digest($long)"), qr/keyed_s/, 'and finds them');
SKIP:
{
	skip 'extension amcheck is not there', 1 unless has_extension($node, 'amcheck');
	$node->safe_psql($db, 'CREATE EXTENSION amcheck');
	is($node->psql($db, "SELECT bt_index_parent_check(c, true, true) FROM (VALUES ('sets_btree'::regclass), ('small_s'), ('keyed_s')) v (c)"), 0, 'the btree indexes are sound');
}

# ---- partitions ----

$node->safe_psql($db, q{
	CREATE TABLE hashed (id int, s hllset) PARTITION BY HASH (s);
	CREATE TABLE other (id int, s hllset) PARTITION BY HASH (s);
	SELECT format('CREATE TABLE %s_%s PARTITION OF %1$s FOR VALUES WITH (MODULUS 4, REMAINDER %2$s)', t, r) FROM unnest('{hashed,other}'::text[]) t, generate_series(0, 3) r \gexec
	INSERT INTO hashed SELECT id, s FROM sets;
	INSERT INTO other SELECT id, s FROM sets WHERE id % 2 = 0;
	CREATE TABLE ranged (s hllset) PARTITION BY RANGE (s);
	SELECT format('CREATE TABLE ranged_%s PARTITION OF ranged FOR VALUES FROM (%s) TO (%s)', t, f, u) FROM (VALUES ('low', 'MINVALUE', quote_literal(hllset_empty(12))), ('high', quote_literal(hllset_empty(12)), 'MAXVALUE')) v (t, f, u) \gexec
	INSERT INTO ranged SELECT s FROM sets WHERE s IS NOT NULL;
	CREATE TABLE listed (s hllset) PARTITION BY LIST (s);
	SELECT format('CREATE TABLE listed_%s PARTITION OF listed FOR VALUES IN (%L)', p, hllset_empty(p)) FROM generate_series(4, 6) p \gexec
	CREATE TABLE listed_rest PARTITION OF listed DEFAULT;
	INSERT INTO listed SELECT s FROM sets;
	ANALYZE hashed, other});
is_true($node, $db, q{SELECT count(DISTINCT tableoid) = 4, count(*) = (SELECT count(*) FROM sets), (SELECT max(c) FROM (SELECT count(DISTINCT tableoid) AS c FROM hashed WHERE s IS NOT NULL GROUP BY s) y) = 1 FROM hashed}, 'hash partitions: equal values together');
unlike(plan_of($node, $db, '', 'SELECT id FROM hashed WHERE s = hllset_empty(7)'), qr/Append/, 'hash partitions: pruned');
is($node->safe_psql($db, 'SELECT count(*) FROM hashed WHERE s = hllset_empty(7)'), $node->safe_psql($db, 'SELECT count(*) FROM sets WHERE s = hllset_empty(7)'), 'and found there');
my $pair = 'SELECT count(*), sum(a.id), sum(b.id) FROM hashed a JOIN other b ON a.s = b.s';
like(plan_of($node, $db, 'SET enable_partitionwise_join = on', $pair), qr/Append.*Join.*hashed_0.*Join.*hashed_1/s, 'partition-wise join: the plan');
is_same($node, $db, "SET enable_partitionwise_join = on; $pair", $node->safe_psql($db, $pair =~ s/a\.s = b\.s/a.s::bytea = b.s::bytea/r), 'partition-wise join');
is($node->safe_psql($db, 'UPDATE other SET s = hll_add(s, $$moves$$::text) WHERE s IS NOT NULL; SELECT bool_and(hll_may_contain(s, $$moves$$::text)) AND count(*) = (SELECT count(*) FROM sets WHERE id % 2 = 0 AND s IS NOT NULL) FROM other WHERE s IS NOT NULL'), 't', 'an update moves rows to their partition');
is_true($node, $db, q{SELECT (SELECT bool_and(s::bytea < hllset_empty(12)::bytea) FROM ranged_low), (SELECT bool_and(s::bytea >= hllset_empty(12)::bytea) FROM ranged_high), (SELECT count(*) > 0 FROM ranged_low), (SELECT count(*) FROM ranged) = (SELECT count(s) FROM sets)}, 'range partitions');
is_true($node, $db, q{SELECT (SELECT bool_and(s = hllset_empty(5)) FROM listed_5), (SELECT count(*) = (SELECT count(*) FROM sets) FROM listed)}, 'list partitions');

# ---- generated columns, materialised views, rules of a table ----

$node->safe_psql($db, q{
	CREATE TABLE made (id int PRIMARY KEY, s hllset NOT NULL CHECK (hll_precision(s) <> 11), n float8 GENERATED ALWAYS AS (hll_cardinality(s)) STORED,
		digest uuid GENERATED ALWAYS AS (hll_digest(s)) STORED UNIQUE, rough hllset(10, compact) GENERATED ALWAYS AS (s::hllset(10, compact)) STORED);
	INSERT INTO made SELECT x, hllset_of(x, x + 1, x + 2) FROM generate_series(1, 50) x;
	UPDATE made SET s = hll_add(s, 'more'::text) WHERE id > 25});
is_true($node, $db, 'SELECT bool_and(n = # s AND n = CASE WHEN id > 25 THEN 4 ELSE 3 END), bool_and(digest = hll_digest(s)), bool_and(rough = s::hllset(10, compact)) FROM made', 'generated columns follow their set');
fails_with($node, $db, 'INSERT INTO made VALUES (100, hllset_empty(11))', '23514', qr/made_s_check/, 'a check of a set');
$node->safe_psql($db, q{
	CREATE MATERIALIZED VIEW total AS SELECT id % 5 AS g, hll_union_agg(s) AS s, # hll_union_agg(s) AS n FROM made GROUP BY 1;
	CREATE UNIQUE INDEX ON total (g);
	CREATE MATERIALIZED VIEW by_set AS SELECT s, min(id) AS first FROM made GROUP BY s;
	CREATE UNIQUE INDEX ON by_set (s)});
my $versions = 'SELECT string_agg(g || $$ $$ || xmin, $$,$$ ORDER BY g) FROM total';
my $before = $node->safe_psql($db, $versions);
$node->safe_psql($db, q{UPDATE made SET s = hll_add(s, 'late'::text) WHERE id = 7; REFRESH MATERIALIZED VIEW CONCURRENTLY total; REFRESH MATERIALIZED VIEW CONCURRENTLY by_set});
is_true($node, $db, q{SELECT bool_and(hll_may_contain(t.s, 'late'::text) = (t.g = 2)), bool_and(t.s = (SELECT hll_union_agg(s) FROM made WHERE id % 5 = t.g)), (SELECT count(*) FROM by_set b FULL JOIN made m ON b.s = m.s WHERE b.s IS NULL OR m.s IS NULL OR b.first <> m.id) = 0 FROM total t},
	'a materialised view refreshed concurrently');
my @then = split(/,/, $before);
my @now = split(/,/, $node->safe_psql($db, $versions));
is(join(' ', grep { $then[$_] ne $now[$_] } 0 .. $#then), '2', 'only the row that differs was written');

# ---- storage ----

$node->safe_psql($db, q{CREATE TABLE stored (id int PRIMARY KEY, s hllset, note text); INSERT INTO stored SELECT id, s FROM sets});
my $all = q{SELECT md5(string_agg(id || coalesce(s::text, 'NULL'), ' ' ORDER BY id)) FROM stored};
my $stored = $node->safe_psql($db, $all);
for my $change (
	q{UPDATE stored SET note = 'touched'},
	'VACUUM FULL stored', 'CLUSTER stored USING stored_pkey',
	'ALTER TABLE stored ALTER s SET STORAGE main; UPDATE stored SET s = s::bytea::hllset',
	'ALTER TABLE stored ALTER s SET STORAGE extended; UPDATE stored SET s = s::bytea::hllset; VACUUM FULL stored',
	'ALTER TABLE stored ALTER s SET STORAGE external; ALTER TABLE stored SET (toast_tuple_target = 128); UPDATE stored SET s = s::bytea::hllset',
	'ALTER TABLE stored ALTER s TYPE bytea USING s::bytea; ALTER TABLE stored ALTER s TYPE hllset USING s::hllset',
	'ALTER TABLE stored ADD c hllset DEFAULT hllset_of(1, 2, 3); ALTER TABLE stored DROP c',
	'VACUUM (FREEZE, ANALYZE) stored; REINDEX TABLE stored')
{
	$node->safe_psql($db, $change);
	is_same($node, $db, $all, $stored, $change);
}
is_true($node, $db, q{SELECT # fast.s = 3, fast.s = hllset_of(1, 2, 3) FROM (SELECT (jsonb_populate_record(NULL::stored, jsonb_build_object('s', hllset_of(1, 2, 3)))).s) fast}, 'a record from json');
$node->safe_psql($db, 'DELETE FROM stored WHERE hll_precision(s) < 12; ALTER TABLE stored ALTER s TYPE hllset(10, compact)');
is_true($node, $db, 'SELECT bool_and(a.s = b.s::hllset(10, compact)), count(a.s) > 500 FROM stored a JOIN sets b USING (id) WHERE a.s IS NOT NULL', 'a column changed to another precision and form');
fails_with($node, $db, 'ALTER TABLE stored ALTER s TYPE hllset(11, compact)', '22023', qr/cannot raise hllset precision from 10 to 11/, 'not to a finer one');

# ---- COPY ----

my $file = "$PostgreSQL::Test::Utils::tmp_check/copy";
$node->safe_psql($db, 'CREATE TABLE origin (id int, a hllset, b hllset(12), c hllset(12, compact), h hllhash, l hllset[]); CREATE TABLE copied (LIKE origin);
	INSERT INTO origin SELECT id, s, s, s::hllset(12, compact), hll_hash(id), ARRAY[s, NULL, s] FROM sets WHERE hll_precision(s) >= 12 AND NOT (hll_info(s) ->> $$compact$$)::boolean; INSERT INTO origin VALUES (-1)');
for my $format ('text', 'csv', 'binary')
{
	$node->safe_psql($db, "TRUNCATE copied; COPY origin TO '$file' (FORMAT $format); COPY copied FROM '$file' (FORMAT $format)");
	is_true($node, $db, 'SELECT count(*) > 500, count(*) = (SELECT count(*) FROM origin), (SELECT count(*) FROM (TABLE origin EXCEPT TABLE copied) x) = 0 FROM copied', "COPY, $format");
}
my $bytes = slurp_file($file);
my $empty = pack('H*', '01010c01000000');
is((my $broken = $bytes) =~ s/\Q$empty\E/pack('H*', '01010c01000001')/e, 1, 'a value in the file is broken');
append_to_file("$file.broken", $broken);
fails_with($node, $db, "COPY copied FROM '$file.broken' (FORMAT binary)", '22P03', qr/invalid binary format for type hllset.*COPY copied, line \d+, column [ab]/s, 'COPY refuses a broken value');

# ---- writing: upserts, MERGE, no update is lost ----

$node->safe_psql($db, q{
	CREATE TABLE daily (day int PRIMARY KEY, s hllset NOT NULL);
	INSERT INTO daily SELECT x % 10, hll_add_agg(x) FROM generate_series(1, 1000) x GROUP BY 1 ON CONFLICT (day) DO UPDATE SET s = daily.s | excluded.s;
	INSERT INTO daily SELECT x % 12, hll_add_agg(x) FROM generate_series(501, 1500) x GROUP BY 1 ON CONFLICT (day) DO UPDATE SET s = daily.s | excluded.s});
for my $x (1 .. 3)
{
	$node->safe_psql($db, "INSERT INTO daily VALUES (20, hllset_of('$x'::text)) ON CONFLICT (day) DO UPDATE SET s = hll_add(daily.s, '$x'::text)");
}
is($node->safe_psql($db, q{SELECT string_agg(day || ':' || # s, ' ' ORDER BY day) FROM daily WHERE day > 9}), '10:84 11:84 20:3', 'upserts insert');
is_true($node, $db, q{SELECT s = (SELECT hll_add_agg(x) FROM generate_series(1, 1500) x WHERE (x <= 1000 AND x % 10 = 4) OR (x > 500 AND x % 12 = 4)) FROM daily WHERE day = 4}, 'and unite');
SKIP:
{
	skip 'MERGE came with 15', 1 if $node->safe_psql($db, 'SHOW server_version_num') < 150000;
	$node->safe_psql($db, q{MERGE INTO daily USING (VALUES (20, hllset_of('4'::text)), (21, hllset_of('5'::text))) v (day, s) ON daily.day = v.day
		WHEN MATCHED THEN UPDATE SET s = daily.s | v.s WHEN NOT MATCHED THEN INSERT VALUES (v.day, v.s)});
	is($node->safe_psql($db, q{SELECT string_agg(day || ':' || # s, ' ' ORDER BY day) FROM daily WHERE day > 19}), '20:4 21:1', 'MERGE');
}
$node->safe_psql($db, q{CREATE TABLE visits (s hllset); INSERT INTO visits VALUES (hllset_empty(14)); CREATE SEQUENCE visitor});
$node->pgbench('--client=3 --transactions=150 --protocol=prepared --no-vacuum', 0, [qr{processed: 450/450}], [qr{^$}], 'concurrent updates',
	{ '002_visits' => q{UPDATE visits SET s = hll_add(s, nextval('visitor'))} });
is($node->safe_psql($db, 'SELECT # s FROM visits'), '450', 'no concurrent update is lost');

# ---- prepared statements with binary parameters and results ----

my $wire = Wire->new($node, $db);
my ($hllset, $hllhash, $bytea) = split(/\|/, $node->safe_psql($db, q{SELECT 'hllset'::regtype::oid, 'hllhash'::regtype::oid, 'bytea'::regtype::oid}));
my $same = $wire->prepare('SELECT $1, hllset_send($1) = $2, # $1, $1 | $1', $hllset, $bytea);
my ($count, $wrong) = (0, 0);
for my $hex (split(/\n/, $node->safe_psql($db, q{SELECT encode(s::bytea, 'hex') FROM sets WHERE s IS NOT NULL AND id < 60})))
{
	my $value = pack('H*', $hex);
	my $row = $wire->execute($same, $value, $value)->{rows}[0];
	$count++;
	$wrong++ unless $row && $row->[0] eq $value && $row->[1] eq "\1" && $row->[3] eq $value && length $row->[2] == 8;
}
is("$count, $wrong", '59, 0', 'binary parameters and results');
my $null = $wire->execute($same, undef, '')->{rows}[0];
ok(!defined $null->[0] && !defined $null->[2], 'a NULL parameter');
my $add = $wire->prepare('SELECT hll_add(hllset_empty(), $1) = hllset_of($2::text), $1', $hllhash, 25);
my $hash = pack('H*', $node->safe_psql($db, q{SELECT hll_hash('é'::text)}));
my $row = $wire->execute($add, $hash, "\xc3\xa9")->{rows}[0];
is(unpack('H*', join(' ', @$row)), unpack('H*', "\1 $hash"), 'a binary hash');
my $typed = $wire->prepare('INSERT INTO origin (id, b) VALUES (-2, $1) RETURNING b', $hllset);
for my $case ([ 'coarse', '01010a010001aef53a0d', '22023', qr/cannot raise hllset precision from 10 to 12/ ], [ 'short', '01010c010000', '22P03', qr/invalid binary format for type hllset/ ],
	[ 'long', '01010c0100000000', '22P03', qr/invalid binary format/ ], [ 'empty', '', '22P03', qr/invalid binary format/ ])
{
	my ($name, $hex, $state, $text) = @$case;
	my $error = $wire->execute($typed, pack('H*', $hex))->{error};
	ok($error && $error->{C} eq $state && $error->{M} =~ $text, "a $name parameter is refused") or diag(explain($error));
}
is($wire->execute($add, 'seven b', 'x')->{error}{C}, '08P01', 'a hash that is too short is refused');
is($wire->execute($add, 'nine byte', 'x')->{error}{C}, '22P03', 'a hash that is too long is refused');
is(unpack('H*', $wire->execute($typed, pack('H*', '01010d01000000'))->{rows}[0][0]), '01010c01000000', 'the session goes on, and a finer parameter is folded');
is(unpack('H*', $wire->execute($typed, pack('H*', '011104010000'))->{rows}[0][0]), '01010c01000000', 'an empty one fits whatever it is');

done_testing();
