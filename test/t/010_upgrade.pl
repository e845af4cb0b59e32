# SPDX-License-Identifier: PostgreSQL
# ALTER EXTENSION UPDATE, by the owner of a database in use: afterwards the extension is what CREATE EXTENSION would have made, and all that users
# built on it works as before. The older version is made up, out of the script of the newest, with one of each kind of change that a release may bring.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use Catalog;
use HllsetTest;
use Installation;
use PostgreSQL::Test::Utils;
use Test::More;
use Wire;

my $extension = own_installation();
my ($new) = slurp_file("$extension/hllset.control") =~ /^default_version = '(.+)'$/m;
make_older('0.9');

my $node = new_node('upgrade', bare => 1, conf => "max_parallel_workers_per_gather = 2\n");
my $folder = $PostgreSQL::Test::Utils::tmp_check;
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE DATABASE fresh OWNER keeper');
$node->safe_psql('fresh', 'SET ROLE keeper; CREATE EXTENSION hllset');
my $fresh = catalog_of($node, 'fresh');
cmp_ok(scalar @$fresh, '>', 3500, 'the catalogs say ' . scalar(@$fresh) . ' things of the extension');

update_from('0.9');
refused();
done_testing();

# ---- the older version ----

# Puts a script that installs the older version, and one that updates it, beside those of the extension. Each change is said twice: what the older
# version had instead, and how a release brings it to those who have it: without dropping anything that they may use.
sub make_older
{
	my ($old) = @_;
	my @script = slurp_file("$extension/hllset--$new.sql") =~ /^(DO \$\$\n.*?\n\$\$;|(?:CREATE|COMMENT)\b.*?;)$/gms;
	# The place of the one statement that begins so.
	my $place_of = sub {
		my ($start) = @_;
		my @places = grep { $script[$_] =~ /^\Q$start\E/ } 0 .. $#script;
		@places == 1 or BAIL_OUT("hllset--$new.sql has " . scalar(@places) . " statements that begin with: $start");
		return $places[0];
	};
	# The older version lacks the statements that match; returns them.
	my $without = sub {
		my ($pattern) = @_;
		my @gone = grep { /$pattern/ } @script or BAIL_OUT("hllset--$new.sql has nothing like $pattern");
		@script = grep { !/$pattern/ } @script;
		return @gone;
	};
	# It has another statement instead; returns the one that replaces it.
	my $instead = sub {
		my ($start, $statement) = @_;
		my $place = $place_of->($start);
		my $replacing = $script[$place] =~ s/^CREATE /CREATE OR REPLACE /r;
		$script[$place] = $statement;
		return $replacing;
	};
	# It has other words in a statement.
	my $differs = sub {
		my ($start, $words, $others) = @_;
		my $place = $place_of->($start);
		$script[$place] =~ s/\Q$words\E/$others/ or BAIL_OUT("hllset--$new.sql: no \"$words\" in: $script[$place]");
		return;
	};

	# New functions, operators, aggregates, casts.
	my @update = map { $without->($_) } qr/FUNCTION hll_(?:cosine|dice)\(/, qr/ OPERATOR && /, qr/ hll_intersect_/, qr/ CAST \(bigint AS hllhash\)/, qr/FUNCTION hll_(?:union_combine|union_serialize|union_deserialize|rolling_\w+)\(/;
	# An aggregate that did not know the functions above.
	push @update, $instead->('CREATE AGGREGATE hll_union_agg(s hllset)', 'CREATE AGGREGATE hll_union_agg(s hllset) (SFUNC = hll_union_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = hll_union_final);');
	# A function in another language, one without names of its arguments, and one without a default.
	push @update, $instead->('CREATE FUNCTION hll_containment(', 'CREATE FUNCTION hll_containment(a hllset, b hllset) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
		RETURN hll_cardinality(hll_intersection(a, b)) / hll_cardinality(a);');
	push @update, $instead->('CREATE FUNCTION hll_jaccard(', q{CREATE FUNCTION hll_jaccard(hllset, hllset) RETURNS double precision AS 'MODULE_PATHNAME', 'hllset_jaccard' LANGUAGE C IMMUTABLE STRICT;});
	push @update, $instead->('CREATE FUNCTION hllset_empty(', q{CREATE FUNCTION hllset_empty(p integer) RETURNS hllset AS 'MODULE_PATHNAME', 'hllset_empty' LANGUAGE C IMMUTABLE STRICT;});
	# Attributes of functions, operators and types.
	$differs->('CREATE FUNCTION hll_overlaps(', 'COST 4000', 'COST 1');
	push @update, 'ALTER FUNCTION hll_overlaps(hllset, hllset) COST 4000;';
	$differs->('CREATE FUNCTION hll_digest(', ' PARALLEL SAFE', '');
	push @update, 'ALTER FUNCTION hll_digest(hllset) PARALLEL SAFE;';
	$differs->('CREATE FUNCTION hll_relative_error(', ' STRICT', '');
	push @update, 'ALTER FUNCTION hll_relative_error(hllset) STRICT;';
	$differs->('CREATE FUNCTION hll_bits(', 'ROWS 1000', 'ROWS 10');
	push @update, 'ALTER FUNCTION hll_bits(hllset) ROWS 1000;';
	$differs->('CREATE OPERATOR @>', "\n\tRESTRICT = contsel, JOIN = contjoinsel", 'RESTRICT = eqsel');
	push @update, 'ALTER OPERATOR @> (hllset, hllset) SET (RESTRICT = contsel, JOIN = contjoinsel);';
	# Not the storage of a type: up to version 16 of the server that ends statements that return the type and that a session has prepared.
	$differs->('CREATE TYPE hllset (', ' RECEIVE = hllset_recv,', '');
	push @update, 'ALTER TYPE hllset SET (RECEIVE = hllset_recv);';
	# Members of operator families.
	$differs->('CREATE OPERATOR CLASS hllset_ops DEFAULT FOR TYPE hllset USING btree', ', FUNCTION 4 pg_catalog.btequalimage(oid)', '');
	push @update, 'ALTER OPERATOR FAMILY hllset_ops USING btree ADD FUNCTION 4 (hllset, hllset) pg_catalog.btequalimage(oid);';
	$differs->('CREATE OPERATOR CLASS hllhash_ops DEFAULT FOR TYPE hllhash USING btree', ' OPERATOR 4 >=,', '');
	push @update, 'ALTER OPERATOR FAMILY hllhash_ops USING btree ADD OPERATOR 4 >= (hllhash, hllhash);';
	$differs->('CREATE OPERATOR CLASS hllhash_ops DEFAULT FOR TYPE hllhash USING hash', ', FUNCTION 2 hllhash_hashcode_extended(hllhash, bigint)', '');
	push @update, 'ALTER OPERATOR FAMILY hllhash_ops USING hash ADD FUNCTION 2 (hllhash, hllhash) hllhash_hashcode_extended(hllhash, bigint);';
	# Comments.
	push @update, $without->(qr/^COMMENT ON OPERATOR - /);
	push @update, $script[ $place_of->('COMMENT ON FUNCTION hll_kind(') ];
	$differs->('COMMENT ON FUNCTION hll_kind(', 'kind of value', 'what kind of value');
	# A function that was left out of the extension by mistake, and one that is no more: the last statement, so that all else is done when it fails.
	push @script, 'ALTER EXTENSION hllset DROP FUNCTION hll_may_contain(hllset, "any");';
	push @update, 'ALTER EXTENSION hllset ADD FUNCTION hll_may_contain(hllset, "any");';
	push @script, q{CREATE FUNCTION hll_size(hllset) RETURNS double precision AS 'MODULE_PATHNAME', 'hllset_cardinality' LANGUAGE C IMMUTABLE STRICT;};
	push @update, 'DROP FUNCTION hll_size(hllset);';

	append_to_file("$extension/hllset--$old.sql", join("\n", @script) . "\n");
	append_to_file("$extension/hllset--$old--$new.sql", join("\n", qq{\\echo Use "ALTER EXTENSION hllset UPDATE TO '$new'" to load this file. \\quit}, @update) . "\n");
	return;
}

# ---- a database that goes from one version to the newest ----

# What users build on the extension; it uses nothing that the older version lacks.
sub fill
{
	my ($db) = @_;
	$node->safe_psql($db, q{
		SET ROLE keeper;
		CREATE SCHEMA app;
		SET search_path = app, public;
		CREATE DOMAIN visitors AS hllset(12) CHECK (hll_cardinality(VALUE) < 1e9) CHECK (VALUE <> hllset_of('forbidden'::text));
		CREATE TYPE pair AS (a hllset, b hllhash);
		CREATE FUNCTION plus(s hllset, VARIADIC x text[]) RETURNS hllset LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT s | hllset_of(VARIADIC x); END;
		CREATE FUNCTION share(a hllset, b hllset) RETURNS double precision LANGUAGE sql IMMUTABLE SET search_path = public AS 'SELECT hll_containment(a, b)';
		CREATE FUNCTION merged(a hllset, b hllset) RETURNS hllset LANGUAGE plpgsql STRICT AS $$
		DECLARE
			u hllset := a;
		BEGIN
			u := u | b;
			ASSERT u @> a AND u @> b AND hll_cardinality(u) >= 0;
			RETURN (SELECT hll_union_agg(x) FROM unnest(ARRAY[u, a, b]) x);
		END $$;
		CREATE AGGREGATE every_visitor (hllset) (SFUNC = hll_union, STYPE = hllset, INITCOND = '\x01010c01000000');

		CREATE TABLE stored (
			id int PRIMARY KEY, s hllset, p12 hllset(12) DEFAULT hllset_empty(12), c hllset(12, compact), h hllhash DEFAULT hll_hash('x'::text), d visitors, l hllset(10)[], r pair,
			n double precision GENERATED ALWAYS AS (hll_cardinality(s)) STORED, rough hllset(8, compact) GENERATED ALWAYS AS (s) STORED,
			CHECK (hll_precision(p12) = 12), CHECK (p12 @> hllset_empty(12) AND # s < 50000), CHECK (hll_containment(p12, s) > 0.9));
		INSERT INTO stored (id, s, p12, c, h, d, l, r)
		SELECT id, s, s, s, hll_hash(id), s, ARRAY[s, NULL], ROW(s, hll_hash(id))::pair FROM (SELECT id, hll_add_agg(x, 14) AS s FROM generate_series(1, 40) id, generate_series(1, id * id * 10) x GROUP BY id) y;
		INSERT INTO stored (id) VALUES (0);
		CREATE INDEX stored_btree ON stored (rough);
		CREATE INDEX stored_hash ON stored USING hash (s);
		CREATE UNIQUE INDEX stored_digest ON stored (hll_digest(s));
		CREATE INDEX stored_expression ON stored ((# (p12 | c)));
		CREATE INDEX stored_partial ON stored (id) WHERE s @> hllset_of(100);
		CREATE INDEX stored_h ON stored (h);
		CREATE INDEX stored_h_hash ON stored USING hash (h);
		CREATE STATISTICS stored_pair ON s, p12, (# s) FROM stored;

		CREATE TABLE named (s hllset PRIMARY KEY);
		CREATE TABLE naming (s hllset REFERENCES named);
		INSERT INTO named SELECT hllset_of(x) FROM generate_series(1, 100) x;
		INSERT INTO naming SELECT hllset_of(x % 10 + 1) FROM generate_series(1, 1000) x;
		CREATE INDEX naming_btree ON naming (s);
		CREATE TABLE parted (k hllset) PARTITION BY HASH (k);
		CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		INSERT INTO parted SELECT hllset_of(x) FROM generate_series(1, 40) x;

		CREATE VIEW counted AS
		SELECT id % 3 AS third, hll_union_agg(s) AS u, # hll_union_agg(s | p12) AS n, approx_count_distinct(h) AS hashes, hll_add_agg(id, 10) FILTER (WHERE s > p12 OR c IS NULL) AS ids,
			sum(hll_containment(p12, s)) AS shares, sum(hll_jaccard(p12, s)) AS alike, bool_and(s @> p12) AS whole FROM stored GROUP BY 1;
		CREATE VIEW rolled AS SELECT id, # hll_union_agg(p12) OVER (ORDER BY id ROWS 3 PRECEDING) AS n FROM stored;
		CREATE MATERIALIZED VIEW total AS SELECT hll_union_agg(s) AS s, hll_union_agg(c)::hllset(10, compact) AS c, every_visitor(d) AS d FROM stored;
		CREATE UNIQUE INDEX total_c ON total (c);
		ANALYZE stored, named, naming, parted});
	return;
}

# All that users see of it, as lines.
sub state_of
{
	my ($db) = @_;
	return [ split(/\n/, $node->safe_psql($db, q{
		SET search_path = app, public;
		SELECT id, md5(t::text), # s, n = # s, # p12, # c, # d, # (l[1]), (r).b, hll_digest(s), hll_jaccard(s, c) FROM stored t ORDER BY id;
		SELECT tableoid::regclass, count(*), md5(string_agg(k::text, ' ' ORDER BY k)) FROM parted GROUP BY tableoid ORDER BY tableoid::regclass::text;
		SELECT third, md5(c::text), n, hashes, # ids, shares, alike, whole FROM counted c ORDER BY third;
		SELECT * FROM rolled ORDER BY id; SELECT # s, # c, # d FROM total;
		SELECT # plus(s, 'a', 'b'), share(p12, s), # merged(s, p12) FROM stored ORDER BY id; SELECT # every_visitor(k) FROM parted; SELECT s, count(*) FROM naming GROUP BY s ORDER BY s;
		SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attstorage FROM pg_attribute JOIN pg_class c ON attrelid = c.oid WHERE attnum > 0 AND relnamespace = 'app'::regnamespace ORDER BY attrelid::regclass::text, attnum;
		SELECT pg_get_indexdef(indexrelid), indisvalid, indisready FROM pg_index JOIN pg_class c ON indexrelid = c.oid WHERE relnamespace = 'app'::regnamespace ORDER BY 1;
		SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'app'::regnamespace ORDER BY 1;
		SELECT pg_get_viewdef(oid) FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('v', 'm') ORDER BY relname;
		SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext})) ];
}

sub dump_of
{
	my ($db) = @_;
	my $file = "$folder/$db.sql";
	$node->command_ok([ 'pg_dump', '--file', $file, '--dbname', $node->connstr($db) ], "pg_dump of $db");
	return slurp_file($file) =~ s/^\\(?:un)?restrict .*$//gmr;
}

sub version_of
{
	my ($db) = @_;
	return $node->safe_psql($db, q{SELECT extversion, extowner::regrole FROM pg_extension WHERE extname = 'hllset'});
}

sub update_from
{
	my ($old) = @_;
	my $db = "from_$old";
	$node->safe_psql('postgres', qq{CREATE DATABASE "$db" OWNER keeper});
	$node->safe_psql($db, "SET ROLE keeper; CREATE EXTENSION hllset VERSION '$old'");
	fill($db);
	is(version_of($db), "$old|keeper", "version $old belongs to one who is no superuser");
	my $before = catalog_of($node, $db);
	is(join(' ', sort keys %{ { map { /: (\w+) / => 1 } differences($before, $fresh) } }),
		'pg_aggregate pg_amop pg_amproc pg_cast pg_depend pg_description pg_extension pg_operator pg_proc pg_type', 'it differs from the newest in each of the catalogs');
	my $state = state_of($db);
	cmp_ok(scalar @$state, '>', 200, 'users see ' . scalar(@$state) . ' lines of it');
	my $session = OpenSession->new($node, $db);
	my @answers = $session->answers;
	is(scalar(grep { /: (?:|ERROR.*)$/ } @answers), 0, 'a session has answers') or diag(explain(\@answers));
	is_deeply([ $session->answers ], \@answers, 'and again, from its cached plans');
	like($session->plan_of('total'), qr/^Aggregate\b/, 'its union is of one process');
	unlike($session->plan_of('shares'), qr/hll_containment/, 'its function in SQL is part of the plan');

	# An update that fails, or is rolled back, leaves the older version whole.
	$node->safe_psql($db, 'BEGIN; SET ROLE keeper; ALTER EXTENSION hllset UPDATE; SELECT hll_dice(s, p12), s && p12 FROM app.stored; SELECT hll_intersect_agg(s) FROM app.stored; ROLLBACK');
	same_lines(catalog_of($node, $db), $before, 'rolled back: the older version');
	# It must not wait for a table that others read.
	my $update = "SET ROLE keeper; SET lock_timeout = '20s'; ALTER EXTENSION hllset UPDATE";
	$node->safe_psql($db, 'SET ROLE keeper; CREATE VIEW app.sizes AS SELECT hll_size(s) FROM app.stored');
	fails_with($node, $db, $update, '2BP01', qr/cannot drop function hll_size\(hllset\) because other objects depend on it\nDETAIL:  view app\.sizes depends on function hll_size\(hllset\)/, 'a view uses what the update removes');
	same_lines(catalog_of($node, $db), $before, 'failed at its end: the older version');
	$node->safe_psql($db, 'DROP VIEW app.sizes');
	$node->safe_psql($db, 'SET ROLE keeper; CREATE FUNCTION public.hll_dice(a hllset, b hllset) RETURNS double precision LANGUAGE sql RETURN 2 * hll_cardinality(hll_intersection(a, b)) / (hll_cardinality(a) + hll_cardinality(b))');
	fails_with($node, $db, $update, '42723', qr/function "hll_dice" already exists with same argument types/, 'a user has a function like one that the update brings');
	same_lines(catalog_of($node, $db), $before, 'failed amidst: the older version');
	is(version_of($db), "$old|keeper", 'which it says it is');
	same_lines(state_of($db), $state, 'and works as before');
	$node->safe_psql($db, 'DROP FUNCTION public.hll_dice(hllset, hllset)');

	# The update, while a session is in the middle of a transaction.
	is(scalar $session->begin_reading, 3, 'a cursor of the session reads');
	$node->safe_psql($db, $update);
	is(version_of($db), "$new|keeper", 'updated, by the owner of the database');
	same_lines(catalog_of($node, $db), $fresh, 'the same as one that was created so');
	is(scalar $session->go_on_reading, 38, 'after it the cursor goes on');
	is_deeply([ $session->answers ], \@answers, 'and the rest of the transaction');
	is($session->value('COMMIT'), '', 'which ends well');
	same_lines(state_of($db), $state, 'all that users have is as before');
	is_deeply([ $session->answers ], \@answers, 'and for the session');
	like($session->plan_of('total'), qr/Partial Aggregate/, 'its union is of several processes now');
	like($session->plan_of('shares'), qr/hll_containment/, 'its function is the new one');
	is($session->value('SELECT hll_dice(s, s), # hll_intersect_agg(s) FROM app.stored WHERE id = 7 GROUP BY s'), '1|490', 'it can use what is new');
	still_in_use($db, $session);

	# A dump of it, restored at the newest.
	my $dump = dump_of($db);
	$state = state_of($db);
	$node->safe_psql('postgres', 'CREATE DATABASE restored OWNER keeper TEMPLATE template0');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'keeper', '--file', "$folder/$db.sql", '--dbname', $node->connstr('restored') ], 'a dump is restored by the owner');
	same_lines(catalog_of($node, 'restored'), $fresh, 'where the extension is that of CREATE EXTENSION');
	same_lines(state_of('restored'), $state, 'everything came back');
	is(dump_of('restored'), $dump, 'a second dump says the same');
	sound_indexes($_) for $db, 'restored';
	$node->safe_psql('postgres', 'DROP DATABASE restored');
	return;
}

# Indexes, constraints, partitions and what is stored by expressions still do their work. Writes.
sub still_in_use
{
	my ($db, $session) = @_;
	my $found = sub {
		my ($condition, $index, $count) = @_;
		my $settings = 'SET search_path = app, public; SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0';
		my $query = "SELECT count(*) FROM stored WHERE $condition";
		like(plan_of($node, $db, $settings, $query), qr/\bon $index\b|using $index\b/, "$index serves: $condition");
		is($node->safe_psql($db, "$settings; $query"), $count, "and finds $count");
		return;
	};
	my $set = q{(SELECT hll_add_agg(x, 14) FROM generate_series(1, 490) x)};
	$found->("rough = $set\::hllset(8, compact)", 'stored_btree', 1);
	$found->("s = $set", 'stored_hash', 1);
	$found->("hll_digest(s) = hll_digest($set)", 'stored_digest', 1);
	$found->('(# (p12 | c)) BETWEEN 489 AND 491', 'stored_expression', 1);
	$found->('s @> hllset_of(100) AND id > 2', 'stored_partial', 37);
	$found->('h = hll_hash(7)', 'stored_h\w*', 1);
	$found->(q{h >= 'ffffffffffffffff'}, 'stored_h', 0);
	my $prune = plan_of($node, $db, 'SET search_path = app, public', 'SELECT count(*) FROM parted WHERE k = hllset_of(1)', 'COSTS off');
	is(() = $prune =~ /Scan on parted_/g, 1, 'one partition is enough for one set');

	my %refused = (
		'a unique index' => [ 'INSERT INTO stored (id, s) SELECT 100, s FROM stored WHERE id = 7', '23505' ],
		'a foreign key' => [ 'INSERT INTO naming VALUES (hllset_of(1000))', '23503' ],
		'a foreign key, from the other side' => [ 'DELETE FROM named WHERE s = hllset_of(3)', '23503' ],
		'a check' => [ q{INSERT INTO stored (id, s) SELECT 100, hll_add_agg(x) FROM generate_series(1, 60000) x}, '23514' ],
		'a domain' => [ q{INSERT INTO stored (id, d) VALUES (100, hllset_of('forbidden'::text))}, '23514' ],
		'a partition' => [ 'INSERT INTO parted_0 SELECT k FROM parted_1', '23514' ],);
	for my $case (sort keys %refused)
	{
		my ($statement, $state) = @{ $refused{$case} };
		is(($session->simple($statement)->{error} // { C => 'no error' })->{C}, $state, "$case refuses");
	}
	is($session->value(q{INSERT INTO stored (id, s, c) VALUES (50, hllset_of('a'::text, 'b'::text, 'c'::text), hllset_of(1)) RETURNING # p12, # s, n, hll_precision(rough), h = hll_hash('x'::text)}), '0|3|3|8|t', 'defaults and generated columns');
	is($session->value(q{INSERT INTO naming VALUES (hllset_of(100)) RETURNING # s}), '1', 'a foreign key allows');
	is($session->value('INSERT INTO parted SELECT k FROM parted'), '', 'partitions take rows');
	is($session->value('SELECT count(*), count(DISTINCT (tableoid, k)) FROM parted'), '80|40', 'equal sets go to the partition of those that are there');
	is($session->value('REFRESH MATERIALIZED VIEW CONCURRENTLY total'), '', 'a materialized view is refreshed');
	is($session->value('SELECT # t.s = # u.s, t.s = u.s FROM total t, (SELECT hll_union_agg(s) AS s FROM stored) u'), 't|t', 'and has what it should');
	is($session->value('CREATE INDEX naming_new ON naming (s)'), '', 'an index is built');
	is($session->value(q{SELECT 2 * pg_relation_size('naming_new') < pg_relation_size('naming_btree')}), 't', 'and keeps equal sets once, as the newest version has it');
	$node->safe_psql($db, 'ANALYZE app.stored, app.named, app.naming, app.parted');
	return;
}

# Every index has its rows, in order, as the operator class of the newest version sees it.
sub sound_indexes
{
	my ($db) = @_;
SKIP:
	{
		skip 'there is no extension amcheck', 1 unless has_extension($node, 'amcheck');
		$node->safe_psql($db, 'CREATE EXTENSION amcheck');
		cmp_ok($node->safe_psql($db, q{
			SELECT count(bt_index_check(c.oid, true)::text) FROM pg_class c JOIN pg_am m ON relam = m.oid AND amname = 'btree' WHERE relnamespace = 'app'::regnamespace AND relkind = 'i'}),
			'>', 8, "$db: its indexes are sound");
	}
	return;
}

# ---- ways that lead nowhere ----

sub refused
{
	my $none = qr/has no update path from version/;
	fails_with($node, 'fresh', "ALTER EXTENSION hllset UPDATE TO '0.9'", '22023', qr/extension "hllset" $none "\Q$new\E" to version "0\.9"/, 'there is no way back');
	fails_with($node, 'fresh', "ALTER EXTENSION hllset UPDATE TO '99'", '22023', qr/extension "hllset" $none "\Q$new\E" to version "99"/, 'nor to a version that is not there');
	fails_with($node, 'fresh', "BEGIN; UPDATE pg_extension SET extversion = '0.1' WHERE extname = 'hllset'; ALTER EXTENSION hllset UPDATE", '22023', qr/extension "hllset" $none "0\.1" to version "\Q$new\E"/, 'nor from one');
	fails_with($node, 'postgres', "CREATE EXTENSION hllset VERSION '0.1'", '22023', qr/extension "hllset" has no installation script nor update path for version "0\.1"/, 'nor can it be created');
	is($node->safe_psql('fresh', q{SELECT source, target FROM pg_extension_update_paths('hllset') WHERE path IS NOT NULL}), "0.9|$new", 'the server lists the one way there is');
	same_lines(catalog_of($node, 'fresh'), $fresh, 'nothing was changed');
	return;
}

# ---- a session that stays ----

package OpenSession;

use parent -norequire, 'Wire';

sub new
{
	my ($class, $node, $db) = @_;
	my $self = Wire::new($class, $node, $db, 'keeper');
	$self->{queries} = {
		total => 'SELECT # hll_union_agg(s) FROM stored',
		shares => 'SELECT sum(hll_containment(p12, s)) FROM stored',
		third => 'SELECT n, hashes, # ids, shares, alike FROM counted WHERE third = 1',
		found => q{SELECT id FROM stored WHERE s = (SELECT s FROM stored WHERE id = 9)},
		within => 'SELECT count(*) FROM stored WHERE s @> hllset_of(1, 2)',
		joined => 'SELECT count(*) FROM named JOIN naming USING (s)',
		rolled => 'SELECT max(n) FROM rolled',
		functions => 'SELECT sum(# plus(s, $$x$$)), sum(share(p12, s)), sum(# merged(s, p12)), # every_visitor(d) FROM stored',
		hashes => 'SELECT count(DISTINCT h), count(DISTINCT s) FROM stored',
		text => 'SELECT md5(string_agg(s::text, $$,$$ ORDER BY id)), hll_kind(hll_union_agg(s) & hll_union_agg(p12)) FROM stored',
	};
	for my $statement ('SET search_path = app, public', 'SET plan_cache_mode = force_generic_plan', 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0',
		'CREATE TEMPORARY TABLE kept AS SELECT * FROM stored', map { "PREPARE $_ AS $self->{queries}{$_}" } sort keys %{ $self->{queries} })
	{
		my $failed = $self->value($statement);
		die "$statement: $failed" if $failed ne '';
	}
	$self->{binary} = $self->prepare('SELECT hll_union_agg(s) FROM kept WHERE id <= $1', 23);
	return $self;
}

# What a statement returns, as psql would show it, or its error.
sub value
{
	my ($self, $statement) = @_;
	return text_of($self->simple($statement));
}

sub text_of
{
	my ($result) = @_;
	return "ERROR: $result->{error}{C} $result->{error}{M}" if $result->{error};
	return join("\n", map { join('|', map { $_ // '' } @$_) } @{ $result->{rows} });
}

# Of all that is prepared.
sub answers
{
	my ($self) = @_;
	my $binary = $self->execute($self->{binary}, pack('N', 20));
	return ('binary: ' . ($binary->{error} ? text_of($binary) : unpack('H*', $binary->{rows}[0][0])), map { "$_: " . $self->value("EXECUTE $_") } sort keys %{ $self->{queries} });
}

sub plan_of
{
	my ($self, $name) = @_;
	return $self->value("EXPLAIN (VERBOSE, COSTS off) EXECUTE $name");
}

# The first rows of a cursor over the sets, whose transaction stays open.
sub begin_reading
{
	my ($self) = @_;
	return split(/\n/, $self->value('BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT # s, hll_containment(p12, s), # hll_union_agg(s) OVER (ORDER BY id) FROM stored; FETCH 3 FROM c'));
}

sub go_on_reading
{
	my ($self) = @_;
	return split(/\n/, $self->value('FETCH ALL FROM c'));
}
