# SPDX-License-Identifier: PostgreSQL
# The encoding of a database, of a client, and other settings of a session don't change what an element is.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../perl";
use HllsetTest;
use Test::More;

my $node = new_node('encoding', bare => 1);
my %database = map { lc $_ => $_ } ('UTF8', 'LATIN1', 'LATIN9', 'WIN1252', 'EUC_JP', 'SQL_ASCII');
for my $name (sort keys %database)
{
	$node->safe_psql('postgres', "CREATE DATABASE $name ENCODING '$database{$name}' TEMPLATE template0");
	$node->safe_psql($name, 'CREATE EXTENSION hllset');
}

# Elements in each database are written as its bytes; convert_from() makes them from UTF-8.
my $hashes = sub {
	my ($name, $bytes) = @_;
	my $text = $name eq 'sql_ascii' ? "convert_from('\\x$bytes'::bytea, 'SQL_ASCII')" : "convert_from('\\x$bytes'::bytea, 'UTF8')";
	my $label = "replace(($text), '''', '''''')";
	return $node->safe_psql($name, qq{
		SET client_min_messages = warning;
		DROP TYPE IF EXISTS colour CASCADE; DROP TYPE IF EXISTS pair CASCADE;
		SELECT format('CREATE TYPE colour AS ENUM (%L, ''other'')', $text) \\gexec
		CREATE TYPE pair AS (a text, b colour);
		SELECT hll_hash($text), hll_hash(($text)::varchar(20)), hll_hash(($text)::char(20)), hll_hash(($text)::name), hll_hash(ARRAY[$text, NULL]),
			hll_hash((enum_range(NULL::colour))[1]), hll_hash(ROW($text, 'other')::pair), hll_hash(ARRAY[(enum_range(NULL::colour))[1]]),
			hll_hash(jsonb_build_object($text, ARRAY[$text, 'x'])), hll_hash(to_jsonb($text)), hll_hash(int4range(1, 5)), hllset_of(VARIADIC ARRAY[$text, 'b']),
			(SELECT hll_add_agg(v) FROM unnest(ARRAY[$text, repeat($text, 5000)]) v), (SELECT hll_add_agg(v) FROM unnest(enum_range(NULL::colour)) v),
			(SELECT approx_count_distinct(v) FROM (VALUES ($text), ($text || ' ')) w (v)), hll_may_contain(hllset_of(VARIADIC ARRAY[$text]), $text)});
};
my %word = ('é' => 'c3a9', 'Ünïcödé' => 'c39c6ec3af63c3b664c3a9', 'ascii' => '6173636969', '' => '');
for my $word (sort keys %word)
{
	my $expected = $hashes->('utf8', $word{$word});
	for my $name (grep { $_ ne 'utf8' && $_ ne 'euc_jp' } sort keys %database)
	{
		is($hashes->($name, $word{$word}), $expected, "'$word' in $database{$name}");
	}
}
is($hashes->('euc_jp', 'e697a5e69cac'), $hashes->('utf8', 'e697a5e69cac'), 'two kanji in EUC_JP');
is($hashes->('win1252', 'e282ac'), $hashes->('utf8', 'e282ac'), 'the euro sign in WIN1252');
is($hashes->('latin9', 'e282ac'), $hashes->('utf8', 'e282ac'), 'and in LATIN9');
isnt($hashes->('utf8', 'c3a9'), $hashes->('utf8', 'c3a8'), 'another letter is another element');

# Bytes that are no text in any encoding: taken as they are.
is_true($node, 'sql_ascii', q{SELECT hll_hash(convert_from('\xff80', 'SQL_ASCII')) <> hll_hash(convert_from('\xff81', 'SQL_ASCII')), # hllset_of(convert_from('\xff80', 'SQL_ASCII')) = 1}, 'bytes that are no text');
is($node->safe_psql('latin1', q{SELECT hll_hash('\xc3a9'::bytea)}), $node->safe_psql('utf8', q{SELECT hll_hash('\xc3a9'::bytea)}), 'bytea is never converted');
is_true($node, 'utf8', q{SELECT hll_hash('A'::"char") = hll_hash('A'::text), hll_hash(convert_from('\xc3a9', 'UTF8')::"char") IS NOT NULL}, '"char"');

# Settings of a session.
my $elements = q{SELECT hll_hash(1.5::float8), hll_hash(0.1::real), hll_hash('2024-02-29 13:00+01'::timestamptz), hll_hash('2024-02-29'::date), hll_hash('1 mon 2 days 03:04'::interval),
	hll_hash(1.5::numeric::money), hll_hash('\x616263'::bytea), hll_hash('{"a": 1.0, "b": "x"}'::jsonb), hll_hash(tstzrange('2024-01-01 00:00+00', NULL)), hll_hash('13:00+01'::timetz), hll_hash('a'::text COLLATE "C"),
	hll_hash(1.50::numeric), hllset_of('x'::text, 'y'::text), hll_hash('a'::text COLLATE "POSIX")};
my $plain = $node->safe_psql('utf8', $elements);
for my $setting (q{DateStyle = 'SQL, DMY'}, q{IntervalStyle = 'iso_8601'}, q{TimeZone = 'Asia/Kathmandu'}, 'extra_float_digits = -10', q{bytea_output = 'escape'}, q{client_encoding = 'LATIN1'},
	q{lc_monetary = 'C'}, 'standard_conforming_strings = on', q{xmloption = 'document'}, 'jit = on', 'row_security = off')
{
	is($node->safe_psql('utf8', "SET $setting; $elements"), $plain, "SET $setting");
}

# Text that a client sends in its own encoding.
is($node->safe_psql('utf8', "SET client_encoding = 'LATIN1'; SELECT hll_hash('\xe9'::text)"), $node->safe_psql('utf8', q{SELECT hll_hash(U&'\00e9'::text)}), 'a client of another encoding');

done_testing();
