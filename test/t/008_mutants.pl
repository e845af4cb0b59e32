# SPDX-License-Identifier: PostgreSQL
# Bad bytes: stored values are mutated by the ten thousand. At the doors (cast, text, binary parameter) each mutant is refused, or it is
# canonical. Stored all the same, as on a bad disk, each goes through every function there is: the function reports it or works; the server
# neither ends nor grows. HLLSET_FUZZ sets the number of mutants, HLLSET_SEED where they start.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use Test::More;
use Wire;

my $count = $ENV{HLLSET_FUZZ} || 60000;
my $seed = $ENV{HLLSET_SEED} || 1;
my $node = new_node('mutants', conf => "log_statement = none\nlog_min_error_statement = panic\nlog_min_messages = fatal\nmax_wal_size = 4GB\n");
my $db = 'postgres';
note "$count mutants, seed $seed";

# ---- seeds: every kind and size; large ones are rare, since each takes long ----

$node->safe_psql($db, q{
	CREATE TABLE seeds AS SELECT row_number() OVER (ORDER BY p, n) AS id, b FROM (
		SELECT p, n, (SELECT hll_add_agg(x, p) FROM generate_series(1, n) x)::bytea AS b FROM (VALUES (4, 1), (4, 4), (4, 5), (4, 30), (4, 1000), (4, 100000), (10, 2), (10, 256), (10, 300), (10, 5000), (12, 1), (12, 10), (12, 1024), (12, 1200), (12, 60000),
			(18, 3), (18, 700)) v (p, n)
		UNION ALL SELECT p, 0, hllset_empty(p)::bytea FROM (VALUES (4), (12), (18)) v (p)) y;
	INSERT INTO seeds SELECT 100 + id, b::hllset::hllset(4, compact)::bytea FROM seeds;
	INSERT INTO seeds SELECT 200 + id, hll_fold(b::hllset, 10)::hllset(10, compact)::bytea FROM seeds WHERE hll_precision(b::hllset) >= 10;
	CREATE TABLE large AS SELECT hll_add_agg(x, 18)::bytea AS b FROM generate_series(1, 66000) x;
	-- The bytes as they are, said to be a set: the server's own function joins them with nothing.
	CREATE FUNCTION unchecked(bytea, bytea) RETURNS hllset LANGUAGE internal IMMUTABLE STRICT AS 'byteacat';
	CREATE UNLOGGED TABLE mutants (b bytea, s hllset);
	ALTER TABLE mutants ALTER b SET STORAGE external;

	CREATE FUNCTION below(n int) RETURNS int LANGUAGE sql VOLATILE RETURN floor(random() * n)::int;
	CREATE FUNCTION noise(n int) RETURNS bytea LANGUAGE sql VOLATILE RETURN substr(decode(md5(random()::text) || md5(random()::text), 'hex'), 1, n);
	CREATE FUNCTION mutate(b bytea, other bytea) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
	DECLARE
		size int := octet_length(b);
		at int;
		width int;
	BEGIN
		FOR i IN 0 .. CASE WHEN random() < 0.7 THEN 0 ELSE below(4) END LOOP
			size := octet_length(b);
			EXIT WHEN size < 6;
			-- Most of what matters is decided in the first bytes.
			at := below(CASE WHEN random() < 0.5 THEN size ELSE least(size, 16) END);
			width := 1 + below(least(size - at, 24));
			CASE below(11)
				WHEN 0 THEN b := set_byte(b, at, below(256));
				WHEN 1, 2 THEN b := set_bit(b, at * 8 + below(8), below(2));
				WHEN 3 THEN b := substr(b, 1, at);
				WHEN 4 THEN b := b || noise(width);
				WHEN 5 THEN b := set_byte(b, 4, below(34));
				WHEN 6 THEN b := set_byte(b, 2, 3 + below(17));
				WHEN 7 THEN b := set_byte(b, 1, get_byte(b, 1) # (1 << below(8)));
				WHEN 8 THEN b := substr(b, 1, at) || substr(other, at + 1 + below(3) - 1);
				WHEN 9 THEN b := overlay(b PLACING noise(width) FROM at + 1 FOR width);
				ELSE b := substr(b, 1, at) || substr(b, at + 1 + width);
			END CASE;
		END LOOP;
		IF random() < 0.05 THEN
			b := '\x01'::bytea || substr('\x0111'::bytea, 1 + below(2), 1) || substr('\x040a0c12'::bytea, 1 + below(4), 1) || '\x01'::bytea || noise(1 + below(9));
		END IF;
		RETURN b;
	END $$;
	CREATE FUNCTION fill(n int) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
	DECLARE
		all_seeds bytea[] := (SELECT array_agg(b ORDER BY id) FROM seeds);
		seed bytea;
		m bytea;
	BEGIN
		TRUNCATE mutants;
		FOR i IN 1 .. n LOOP
			seed := CASE WHEN i % 2000 = 0 THEN (SELECT b FROM large) ELSE all_seeds[1 + below(cardinality(all_seeds))] END;
			m := mutate(seed, all_seeds[1 + below(cardinality(all_seeds))]);
			INSERT INTO mutants VALUES (m, unchecked(m, ''));
		END LOOP;
	END $$});

# ---- every function that takes a set, from the catalog, as code that runs fast ----

my $of_extension = q{JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND deptype = 'e' JOIN pg_extension e ON refobjid = e.oid AND extname = 'hllset'};
my @functions = map { [ split(/\|/, $_, -1) ] } split(/\n/, $node->safe_psql($db, qq{
	SELECT proname, array_to_string(proargtypes::regtype[], ';'), CASE WHEN prorettype = 'record'::regtype OR proretset THEN 'record' ELSE prorettype::regtype::text END, prokind, proretset
	FROM pg_proc p $of_extension WHERE 'hllset'::regtype = ANY (proargtypes::oid[]) AND 'internal'::regtype <> ALL (proargtypes::oid[]) AND prorettype <> 'cstring'::regtype ORDER BY p.oid}));
my %argument = (integer => [ 4, 12 ], boolean => ['true'], 'double precision' => [0.95], '"any"' => [ 7, q{'x'::text}, 'hash' ], hllhash => ['hash'], bigint => [42],
	hllsimilar => ['alike'], hllwithin => ['contained']);
my (@calls, %unknown);
for my $function (@functions)
{
	my ($name, $types, $result, $kind, $set) = @$function;
	my @types = split(/;/, $types);
	my @lists = ('');
	my $sets = grep { $_ eq 'hllset' } @types;
	# Which of the sets is the mutant: each alone, then all.
	my @choices = $sets == 1 ? ([0]) : ((map { [$_] } 0 .. $sets - 1), [ 0 .. $sets - 1 ]);
	for my $choice (@choices)
	{
		my @lists = ([]);
		my $place = 0;
		for my $type (@types)
		{
			my @values;
			if ($type eq 'hllset')
			{
				my $here = $place++;
				@values = (grep { $_ == $here } @$choice) ? ($here == 0 ? 'v' : 'w') : ('good');
			}
			else
			{
				@values = @{ $argument{$type} // [] } or $unknown{$type} = 1;
			}
			@lists = map { my $list = $_; map { [ @$list, $_ ] } @values } @lists;
		}
		for my $list (@lists)
		{
			my $call = "$name(" . join(', ', @$list) . ')';
			my $query = $kind eq 'a' ? "SELECT $name(x) FROM (VALUES (" . join('), (', @$list, 'good') . ')) y (x)' : $set eq 't' ? "SELECT count(*) FROM $call" : undef;
			push @calls, [ $call, $result, $query ];
		}
	}
}
push @calls, (map { [ $_, 'hllset', undef ] } 'v::hllset(4)', 'v::hllset(12)', 'v::hllset(12, compact)', 'v::hllset(4, compact)', 'v | w'), [ '# v', 'double precision', undef ], [ 'v = w', 'boolean', undef ], [ 'v < w', 'boolean', undef ],
	[ 'v::text', 'text', undef ], [ 'hll_union_agg(v, w, good)', 'hllset', 'SELECT hll_union_agg(x) FROM (VALUES (good), (v), (w)) y (x)' ];
is(join(', ', sort keys %unknown), '', 'there is an argument of every type');
cmp_ok(scalar @calls, '>', 40, scalar(@calls) . ' calls');

my %variable;
my $blocks = join('', map {
	my ($call, $type, $query) = @{ $calls[$_] };
	$type = 'bigint' if $query && $query =~ /^SELECT count/;
	my $variable = $variable{$type} //= 'r' . keys %variable;
	my $assign = $query ? "$variable := ($query);" : "$variable := $call;";
	my $quoted = $call =~ s/'/''/gr;
	# A set that comes out of a function is good, unless it is, or an expression holds, an argument that came through as it was: it is judged when it is read.
	my $judge = $type eq 'hllset' ? "IF position(v::bytea IN ${variable}::bytea) = 0 AND position(w::bytea IN ${variable}::bytea) = 0 THEN step := 'result of $quoted'; good_result := ${variable}::bytea::hllset; END IF;" : '';
	"BEGIN step := '$quoted'; $assign $judge works := works + 1; EXCEPTION WHEN data_corrupted THEN reported := reported + 1; WHEN invalid_parameter_value OR program_limit_exceeded THEN refused := refused + 1; END;\n"
} 0 .. $#calls);
my $declared = join(' ', map { "$variable{$_} $_;" } sort keys %variable);

$node->safe_psql($db, qq{
	CREATE FUNCTION torture(OUT mutants bigint, OUT works bigint, OUT reported bigint, OUT refused bigint, OUT at_door bigint, OUT passed bigint, OUT text_refused bigint) LANGUAGE plpgsql AS \$\$
	DECLARE
		goods hllset[] := (SELECT array_agg(b::hllset ORDER BY id) FROM seeds WHERE octet_length(b) < 2000);
		m record; v hllset; w hllset := hllset_empty(); good hllset; alike hllsimilar := hll_similar_to(hllset_of(1, 2), 0.06); contained hllwithin := hll_within((SELECT b::hllset FROM seeds WHERE octet_length(b) > 2000 AND hll_precision(b::hllset) = 12 LIMIT 1), 0.06); hash hllhash := hll_hash('x'::text); good_result hllset; step text := ''; digits text; $declared
	BEGIN
		mutants := 0; works := 0; reported := 0; refused := 0; at_door := 0; passed := 0; text_refused := 0;
		FOR m IN SELECT * FROM mutants LOOP
			mutants := mutants + 1;
			v := m.s;
			good := goods[1 + below(cardinality(goods))];
			-- the cast, and what passes it
			BEGIN
				step := 'cast';
				good_result := m.b::hllset;
				passed := passed + 1;
				step := 'canonical';
				ASSERT good_result = v AND good_result::bytea = m.b AND (v | v) = v AND (# v = 0 OR (v | hllset_empty(4)) = v) AND v::text::hllset = v, 'not canonical';
				ASSERT hll_fold(v, hll_precision(v)) = v AND (SELECT hll_union_agg(x) FROM (VALUES (v), (NULL), (v)) y (x)) = v, 'not canonical';
				ASSERT (v | good) = (good | v) AND ((v | good) | v) = (v | good), 'no lattice';
				ASSERT hll_fold(v, 4) = hll_fold(hll_fold(v, (4 + hll_precision(v)) / 2), 4), 'no fold';
				ASSERT (# v) >= 0 AND (# v) < 'infinity' AND (# (v | good)) >= 0 AND hll_relative_error(v) BETWEEN 0 AND CASE WHEN hll_kind(v) = 'sample' AND # v = 0 THEN 2 ^ 31 ELSE 2 END, 'no number';
				ASSERT (SELECT lower >= 0 AND lower <= estimate AND estimate <= upper AND (upper < 'infinity') <> (hll_info(v)->'saturated')::boolean AND estimate = # v FROM hll_cardinality_bounds(v)), 'no interval';
			EXCEPTION WHEN invalid_binary_representation THEN
				at_door := at_door + 1;
				ASSERT step = 'cast', 'passed the cast only';
			END;
			-- text: the same bytes, or with a character changed
			BEGIN
				step := 'text';
				digits := m.b::text;
				IF mutants % 3 = 0 THEN
					digits := overlay(digits PLACING chr(1 + below(126)) FROM 1 + below(length(digits)) FOR below(2));
				END IF;
				good_result := digits::hllset;
				ASSERT good_result::text = lower(digits), 'not canonical';
			EXCEPTION WHEN invalid_text_representation THEN
				text_refused := text_refused + 1;
			END;
			$blocks
			w := v;
		END LOOP;
	EXCEPTION WHEN OTHERS THEN
		RAISE EXCEPTION '%, state %, at %, mutant %', SQLERRM, SQLSTATE, step, left(encode(m.b, 'hex'), 20000);
	END \$\$;
	CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql VOLATILE RETURN substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\\s+(\\d+) kB')::bigint;
});

# ---- through every function, in chunks, so that the state of one chunk is soon gone ----

my $chunk = 5000;
my $chunks = int(($count + $chunk - 1) / $chunk);
my $run = "SELECT setseed($seed / 1000.0); SELECT fill($chunk); SELECT torture(); SELECT peak();" . "SELECT fill($chunk); SELECT * FROM torture();" x ($chunks - 1) . 'SELECT peak()';
my ($rc, $out, $err) = $node->psql($db, $run, on_error_stop => 1, timeout => 30 + $count / 50);
is("$rc$err", '0', 'every call reports its mutant or works') or diag($err);
my @peaks = $out =~ /^(\d+)$/mg;
cmp_ok($peaks[-1] - $peaks[0], '<', 65536, "the backend grows by less than 64 MB (kB at its peak: @peaks)");
my %total;
for my $line ($out =~ /^\(?(\d+(?:[|,]\d+){6})\)?$/mg)
{
	my @number = split(/[|,]/, $line);
	$total{$_} += shift @number for qw(mutants works reported refused at_door passed text_refused);
}
note join(', ', map { "$_ $total{$_}" } sort keys %total);
is($total{mutants}, $chunk * $chunks, 'all mutants were tried');
cmp_ok($total{passed}, '>', $total{mutants} / 100, 'some are values');
cmp_ok($total{at_door}, '>', $total{mutants} / 4, 'many are none');
is($total{at_door} + $total{passed}, $total{mutants}, 'the cast decides');
cmp_ok($total{reported}, '>', 10 * $total{mutants} / 4, 'functions report corruption');
ok($node->poll_query_until($db, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'}), 'the server is up, and no session is left');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'and no backend crashed');

# ---- a table of them: what reads bytes only still works, so that such a table can be mended ----

is_true($node, $db, qq{SELECT count(*) = $chunk, count(DISTINCT s) = count(DISTINCT b), bool_and(s::text = b::text), bool_and(hllset_send(s) = b) FROM mutants}, 'compared, sorted and written');
is_true($node, $db, q{SET enable_sort = off; SELECT (SELECT count(*) FROM (SELECT s FROM mutants GROUP BY s) y) = (SELECT count(*) FROM (SELECT b FROM mutants GROUP BY b) y)}, 'hashed');
is(($node->psql($db, 'ANALYZE mutants; CREATE INDEX ON mutants USING hash (s); VACUUM FULL mutants; REINDEX TABLE mutants'))[0], 0, 'analysed, indexed, rewritten');
is_true($node, $db, q{SET enable_seqscan = off; SELECT bool_and(EXISTS (SELECT FROM mutants n WHERE n.s = m.s AND n.b = m.b)) FROM (SELECT * FROM mutants LIMIT 100) m}, 'found');
fails_with($node, $db, 'SELECT hll_union_agg(s) FROM mutants', 'XX001', qr/hllset value is corrupted.*DETAIL:/s, 'the union of all reports');
fails_with($node, $db, 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT hll_union_agg(s) FROM mutants', 'XX001',
	qr/hllset value is corrupted/, 'also from a worker');

# ---- as binary parameters, over the wire ----

srand($seed);
my $wire = Wire->new($node, $db);
my $echo = $wire->prepare('SELECT $1', $node->safe_psql($db, q{SELECT 'hllset'::regtype::oid}));
my @seeds = map { pack('H*', $_) } split(/\n/, $node->safe_psql($db, q{SELECT encode(b, 'hex') FROM seeds}));
my %wired = (values => 0, refused => 0);
my @odd;
for my $batch (1 .. int($count / 300))
{
	my @values = map {
		my $value = $seeds[ rand @seeds ];
		for (0 .. int(rand 2))
		{
			my $at = int(rand length $value);
			my $kind = int(rand 5);
			if ($kind == 0) { substr($value, $at, 1) = chr(int(rand 256)) if length $value }
			elsif ($kind == 1) { vec($value, $at * 8 + int(rand 8), 1) ^= 1 if length $value }
			elsif ($kind == 2) { substr($value, $at) = '' if rand() < 0.3 }
			elsif ($kind == 3) { $value .= chr(int(rand 256)) }
			else { substr($value, 4, 1) = chr(int(rand 34)) if length $value > 5 }
		}
		$value
	} 1 .. 100;
	$wire->write(join('', map { Wire::execution($echo, $_) } @values));
	for my $value (@values)
	{
		my $result = $wire->result;
		if ($result->{error}) { $wired{refused}++; push @odd, $result->{error} if $result->{error}{C} ne '22P03' }
		else { $wired{values}++; push @odd, unpack('H*', $value) if $result->{rows}[0][0] ne $value }
	}
}
note "binary parameters: $wired{values} values, $wired{refused} refused";
is(scalar @odd, 0, 'binary parameters are refused or come back as they were') or diag(explain($odd[0]));
cmp_ok($wired{refused}, '>', $wired{values} / 5, 'many were refused');
cmp_ok($wired{values}, '>', 0, 'some are values');

done_testing();
