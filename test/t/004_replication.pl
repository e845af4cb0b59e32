# SPDX-License-Identifier: PostgreSQL
# Logical replication, in text and binary form, with rows that are found by their set (REPLICA IDENTITY FULL); a standby that is read; recovery after a crash.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $publisher = new_node('publisher', bare => 1, init => { allows_streaming => 'logical' });
my $subscriber = new_node('subscriber', conf => "wal_retrieve_retry_interval = 100ms\n");
my $db = 'postgres';

$publisher->safe_psql($db, 'CREATE SCHEMA sketch; CREATE EXTENSION hllset SCHEMA sketch; ALTER DATABASE postgres SET search_path = public, sketch');
my $tables = q{
	CREATE TABLE bag (s hllset, h hllhash, c hllset(12, compact)); ALTER TABLE bag REPLICA IDENTITY FULL;
	CREATE TABLE daily (day int PRIMARY KEY, s hllset(12));
	CREATE TABLE keyed (s hllset NOT NULL, note text); CREATE UNIQUE INDEX keyed_s ON keyed (s); ALTER TABLE keyed REPLICA IDENTITY USING INDEX keyed_s;};
$publisher->safe_psql($db, $tables);
$subscriber->safe_psql($db, $tables);
my $fill = q{
	INSERT INTO bag SELECT s, hll_hash(n), s FROM (SELECT n, hll_add_agg(x) AS s FROM (VALUES (1), (100), (900), (5000), (50000)) v (n), generate_series(1, n) x GROUP BY n) y;
	INSERT INTO bag SELECT * FROM bag WHERE # s = 100;
	INSERT INTO bag VALUES (NULL, NULL, NULL);
	INSERT INTO daily SELECT d, hll_add_agg(x, 14) FROM generate_series(1, 5) d, generate_series(1, d * 900) x GROUP BY d;
	INSERT INTO keyed SELECT hllset_of(x) FROM generate_series(1, 10) x;};
$publisher->safe_psql($db, $fill);
$publisher->safe_psql($db, 'CREATE PUBLICATION sets FOR TABLE bag, daily, keyed');

my $content = q{
	SELECT string_agg(concat_ws(' ', s, h, c), ',' ORDER BY s, h, c) FROM bag; SELECT string_agg(day || ' ' || s, ',' ORDER BY day) FROM daily;
	SELECT string_agg(concat_ws(' ', s, note), ',' ORDER BY s) FROM keyed};
my @changes = (
	[ 'inserts', q{INSERT INTO bag SELECT hll_add(hllset_of(x), 'new'::text), hll_hash(x), hllset_of(x) FROM generate_series(1, 20) x; INSERT INTO daily VALUES (6, hllset_of('six'::text))} ],
	[ 'updates, found by the set', q{UPDATE bag SET s = hll_add(s, 'grown'::text) WHERE # s > 2} ],
	[ 'updates of one of two equal rows', q{UPDATE bag SET h = hll_hash('other'::text) WHERE ctid = (SELECT min(ctid) FROM bag WHERE # s = 101)} ],
	[ 'updates with a key', q{UPDATE daily SET s = s | hllset_of('late'::text) WHERE day > 2} ],
	[ 'updates of the key, which is a set', q{UPDATE keyed SET s = hll_add(s, 'key'::text), note = 'changed' WHERE hll_may_contain(s, 3) OR hll_may_contain(s, 4)} ],
	[ 'an update that leaves the set as it is', q{UPDATE bag SET h = hll_hash('touched'::text) WHERE # s > 1000} ],
	[ 'deletes, found by the set', q{DELETE FROM bag WHERE # s > 4000 OR s IS NULL OR hll_may_contain(s, 7)} ],
	[ 'deletes by the key', q{DELETE FROM keyed WHERE note IS NULL AND s < hllset_of(5); DELETE FROM daily WHERE day = 1} ],);
my $from = $publisher->connstr . " dbname=$db";
for my $binary ('false', 'true')
{
	$subscriber->safe_psql($db, 'TRUNCATE bag, daily, keyed');
	$publisher->safe_psql($db, "TRUNCATE bag, daily, keyed; $fill");
	$subscriber->safe_psql($db, "CREATE SUBSCRIPTION s CONNECTION '$from' PUBLICATION sets WITH (binary = $binary)");
	$subscriber->wait_for_subscription_sync($publisher, 's');
	my $form = $binary eq 'true' ? 'binary' : 'text';
	is_same($subscriber, $db, $content, $publisher->safe_psql($db, $content), "$form: the first copy");
	for my $change (@changes)
	{
		my ($name, $statement) = @$change;
		my $before = $publisher->safe_psql($db, $content);
		$publisher->safe_psql($db, $statement);
		$publisher->wait_for_catchup('s');
		my $expected = $publisher->safe_psql($db, $content);
		isnt($expected, $before, "$form: $name: there are any");
		is($subscriber->safe_psql($db, $content), $expected, "$form: $name");
	}
	$subscriber->safe_psql($db, 'DROP SUBSCRIPTION s');
}

# Sets that come from several places are united on arrival by a trigger: repeating and reordering do no harm.
$subscriber->safe_psql($db, q{
	TRUNCATE daily;
	-- Replication runs with an empty search path.
	CREATE FUNCTION unite() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
	BEGIN
		UPDATE daily SET s = daily.s | NEW.s WHERE day = NEW.day;
		RETURN CASE WHEN FOUND THEN NULL ELSE NEW END;
	END $$;
	CREATE TRIGGER unite BEFORE INSERT ON daily FOR EACH ROW EXECUTE FUNCTION unite();
	ALTER TABLE daily ENABLE ALWAYS TRIGGER unite;
	INSERT INTO daily VALUES (3, hllset_of('here'::text))});
$publisher->safe_psql($db, 'CREATE PUBLICATION daily FOR TABLE daily');
for my $round (1, 2)
{
	$subscriber->safe_psql($db, "CREATE SUBSCRIPTION daily CONNECTION '$from' PUBLICATION daily");
	$subscriber->wait_for_subscription_sync($publisher, 'daily');
	$subscriber->safe_psql($db, 'DROP SUBSCRIPTION daily');
}
my $daily = $publisher->safe_psql($db, q{SELECT string_agg(day || ' ' || CASE day WHEN 3 THEN s | hllset_of('here'::text) ELSE s END, ',' ORDER BY day) FROM daily});
is_same($subscriber, $db, q{SELECT string_agg(day || ' ' || s, ',' ORDER BY day) FROM daily}, $daily, 'rows that come twice are united');

# A standby that is read while it follows, and then a crash.
$publisher->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($publisher, 'base', has_streaming => 1);
$standby->start;
$publisher->safe_psql($db, q{CREATE TABLE later AS SELECT x % 10 AS g, hll_add_agg(x) AS s FROM generate_series(1, 30000) x GROUP BY 1; CREATE INDEX later_hash ON later USING hash (s);
	CREATE INDEX later_digest ON later (hll_digest(s)); UPDATE later SET s = hll_add(s, 'x'::text) WHERE g = 4});
$publisher->wait_for_catchup($standby);
my $query = q{SELECT g, # s, hll_digest(s), hll_info(s), hll_cardinality_bounds(s) FROM later ORDER BY g; SELECT hll_union_agg(s), hll_add_agg(hll_digest(s)) FROM later;
	SET enable_seqscan = off; SELECT g FROM later WHERE s = (SELECT s FROM later ORDER BY g LIMIT 1)};
my $expected = $publisher->safe_psql($db, $query);
is_same($standby, $db, $query, $expected, 'a standby answers the same');
is_same($standby, $db, $content, $publisher->safe_psql($db, $content), 'and has the same rows');
$publisher->stop('immediate');
$publisher->start;
is_same($publisher, $db, $query, $expected, 'recovered after a crash');
$standby->promote;
$standby->safe_psql($db, q{UPDATE later SET s = s | hllset_of('promoted'::text)});
is_true($standby, $db, q{SELECT bool_and(hll_may_contain(s, 'promoted'::text)) FROM later}, 'a standby that was promoted writes');

done_testing();
