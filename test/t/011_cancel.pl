# SPDX-License-Identifier: PostgreSQL
# A cancelled statement ends: within one call of a function wherever that may take long, and what it leaves behind is whole.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('cancel', conf => "log_statement = none\n");
my $db = 'postgres';
my $canceled = qr/canceling statement due to (?:user request|statement timeout)/;

$node->safe_psql($db, q{
	CREATE TYPE pair AS (a int, b text);
	CREATE SEQUENCE reached;
	CREATE TABLE kept (s hllset, t hllset, e hllset, f hllset, x text, a int[], r pair, j jsonb, n int4range[]);
	INSERT INTO kept SELECT s, t, s & t, s - t, t::text, '{1,2}', '(1,x)', '{"a": [1, 2]}', '{"[1,2)"}'
		FROM (SELECT hll_add_agg(x) AS s, hll_add_agg(x + 3000) AS t FROM generate_series(1, 20000) x) y});

# ---- each function asks whether it shall end: before it returns, so that what comes after it in the row is not reached ----

my $outcome = sub {
	my ($query) = @_;
	my ($rc, $out, $err) = $node->psql($db, "ALTER SEQUENCE reached RESTART; $query");
	my $reached = $node->safe_psql($db, 'SELECT is_called FROM reached');
	return ($rc != 0 && $err =~ $canceled ? 'canceled' : "ended: $out $err") . ($reached eq 't' ? ' late' : '');
};
my $cancel = 'pg_cancel_backend(pg_backend_pid())';
is($outcome->("SELECT $cancel, abs(a[1]), nextval('reached') FROM kept"), 'canceled late', 'a function that does not ask is seen');
for my $call (
	'hllset_of(VARIADIC a)', 'hll_hash(a)', 'hll_hash(r)', 'hll_hash(ROW(1, x))', 'hll_hash(j)', 'hll_hash(n)', 'hll_add(s, a)',
	's | t', 's & t', 's - t', 's # t', 'e | f', 'e & s', 'hll_cardinality(e)', '# e', 'hll_cardinality_bounds(e)', 'hll_relative_error(e)',
	's @> e', 's <@ t', 'e && f', 'hll_venn(s, t)', 'hll_venn(s, t, e)', 'hll_jaccard(s, t)', 'hll_containment(s, t)', 'hll_diff(s, t)',
	'hll_info(e)', 'hll_digest(s)', 'hll_kind(e)', 'hll_fold(s, 8)', 's::hllset(12, compact)', 'x::hllset', 's::bytea::hllset')
{
	is($outcome->("SELECT $cancel, $call, nextval('reached') FROM kept"), 'canceled', $call);
}
for my $aggregate ('hll_union_agg(%s)', 'hll_intersect_agg(%s)')
{
	my $call = sprintf($aggregate, "CASE WHEN $cancel THEN s END");
	is($outcome->("SELECT $call, sum(nextval('reached')) FROM kept"), 'canceled', $aggregate);
}

# ---- statements that would take minutes end when told, and the session goes on ----

$node->safe_psql($db, q{
	-- From the outside in: to make a large type of large ones takes the server itself long.
	DO $$
	BEGIN
		FOR i IN 0 .. 60 LOOP
			EXECUTE format('CREATE TYPE deep%s AS ()', i);
		END LOOP;
		FOR i IN REVERSE 60 .. 1 LOOP
			EXECUTE format('ALTER TYPE deep%s ADD ATTRIBUTE a deep%s, ADD ATTRIBUTE b deep%2$s', i, i - 1);
		END LOOP;
		ALTER TYPE deep0 ADD ATTRIBUTE a int;
	END $$;
	CREATE TABLE six AS SELECT v # hll_add_agg(x + 7000) AS v FROM generate_series(1, 90000) x,
		(SELECT hll_add_agg(x) # hll_add_agg(x + 1000) # hll_add_agg(x + 2000) # hll_add_agg(x + 3000) # hll_add_agg(x + 4000) AS v FROM generate_series(1, 90000) x) y GROUP BY v});
is_true($node, $db, q{SELECT (hll_info(v)->>'sources')::int = 6 FROM six}, 'an expression of six sources');
is_true($node, $db, q{SET statement_timeout = '10s'; SELECT hll_hash(ROW(NULL, NULL)::deep60) = hll_hash(ROW(NULL::int, NULL::int))}, 'a type of 2^60 columns');
my @long = (
	[ 'elements' => 'SELECT approx_count_distinct(x) FROM generate_series(1, 10000000000) x' ],
	[ 'elements of an array' => 'SELECT hllset_of(VARIADIC a) FROM (SELECT array_agg(ARRAY[x]) AS a FROM generate_series(1, 1000000) x) y, generate_series(1, 1000000000)' ],
	[ 'a nested element' => 'SELECT count(hll_hash(a)) FROM (SELECT array_agg(x) AS a FROM generate_series(1, 1000000) x) y, generate_series(1, 1000000000)' ],
	[ 'counts of an expression' => 'SELECT sum(# v) FROM six, generate_series(1, 1000000000)' ],
	[ 'bounds' => 'SELECT count(hll_cardinality_bounds(v)) FROM six, generate_series(1, 1000000000)' ],
	[ 'a predicate' => 'SELECT count(*) FROM six, kept, generate_series(1, 1000000000) WHERE v && s' ],
	[ 'a union' => 'SELECT hll_union_agg(s) FROM kept, generate_series(1, 1000000000)' ],
	[ 'an intersection' => 'SELECT hll_intersect_agg(v & s) FROM six, kept, generate_series(1, 1000000000)' ],
	[ 'a window' => 'SELECT count(u) FROM (SELECT hll_union_agg(s) OVER (ORDER BY g ROWS 1000 PRECEDING) AS u FROM kept, generate_series(1, 300000) g) y' ],
	[ 'groups' => 'SELECT count(s) FROM (SELECT hll_add_agg(x) AS s FROM generate_series(1, 1000000000) x GROUP BY x % 10000) y' ],
	[ 'a loop' => 'DO $$ DECLARE u hllset := hllset_empty(); BEGIN FOR i IN 1 .. 2000000000 LOOP u := hll_add(u, i); END LOOP; END $$' ],);
for my $case (@long)
{
	my ($name, $statement) = @$case;
	my $start = time;
	my ($rc, $out, $err) = $node->psql($db, "SET statement_timeout = '300ms'; $statement");
	my $seconds = time - $start;
	ok($rc != 0 && $err =~ $canceled, "$name: canceled") or diag("$out $err");
	cmp_ok($seconds, '<', 10, sprintf('%s: after %.1f s', $name, $seconds));
}

# ---- a set in memory is whole when a statement that added to it was canceled: of all elements up to one ----

$node->safe_psql($db, q{
	CREATE FUNCTION interrupted(step text) RETURNS boolean LANGUAGE plpgsql AS $$
	DECLARE
		s hllset := hllset_empty();
		n int := 0;
	BEGIN
		BEGIN
			LOOP
				n := n + 1;
				IF step = 'add' THEN
					s := hll_add(s, n);
				ELSE
					s := s | hllset_of(n);
				END IF;
				IF n > 20000 THEN
					PERFORM pg_cancel_backend(pg_backend_pid());
				END IF;
			END LOOP;
		EXCEPTION WHEN query_canceled THEN
			NULL;
		END;
		RETURN s::bytea::hllset = s AND s = (SELECT hll_add_agg(x) FROM generate_series(1, n) x);
	END $$});
is_true($node, $db, q{SELECT interrupted('add'), interrupted('unite')}, 'what a loop has made so far');

# The union itself is cut: before its first step.
is($node->safe_psql($db, q{
	CREATE FUNCTION cut_unions() RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		s hllset := hllset_empty();
		other hllset := (SELECT t FROM kept);
		expected hllset := (SELECT hll_add_agg(x) FROM generate_series(1, 5000) x);
		cut int := 0;
	BEGIN
		FOR i IN 1 .. 5000 LOOP
			s := hll_add(s, i);
		END LOOP;
		FOR i IN 1 .. 20 LOOP
			BEGIN
				s := s | CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN other END;
			EXCEPTION WHEN query_canceled THEN
				cut := cut + 1;
			END;
			ASSERT s = expected AND s::bytea::hllset = s;
		END LOOP;
		RETURN cut;
	END $$;
	SELECT cut_unions()}), 20, 'a union that is cut changes nothing');

# ---- memory: of 200 canceled statements nothing stays ----

SKIP:
{
	skip 'there is no /proc', 1 unless -r '/proc/self/status';
	my $memory = q{SELECT substring(pg_read_file('/proc/self/status') FROM 'VmRSS:\s+(\d+) kB')};
	my $cuts = sub {
		return join(";\n", map { ("SELECT $cancel, # (e # s), hllset_of(VARIADIC a), s | t FROM kept", "SELECT hll_union_agg(CASE WHEN g < 50 OR $cancel THEN s END) FROM kept, generate_series(1, 60) g",
			"SELECT hll_hash(CASE WHEN $cancel THEN a END) FROM kept") } 1 .. $_[0]);
	};
	my ($rc, $out, $err) = $node->psql($db, $cuts->(20) . ";\n$memory;\n" . $cuts->(200) . ";\n$memory", on_error_stop => 0);
	my @kb = grep { /^\d+$/ } split(/\n/, $out);
	is(scalar(() = $err =~ /$canceled/g), 660, 'all were canceled');
	cmp_ok($kb[1] - $kb[0], '<', 4096, "memory grows little, in kB from $kb[0] to $kb[1]");
}

done_testing();
