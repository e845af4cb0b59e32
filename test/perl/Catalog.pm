# SPDX-License-Identifier: PostgreSQL
# What the server's catalogs hold of the extension, by names instead of numbers, so that two databases can be compared.
package Catalog;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use Test::More;

our @EXPORT = qw(catalog_of differences same_lines);

# The key of each catalog, and which of its rows are the extension's.
my %rows = (
	(map { $_ => [ 'oid', "('$_'::regclass, oid) IN (SELECT * FROM members)" ] } qw(pg_cast pg_opclass pg_operator pg_opfamily pg_proc)),
	pg_aggregate => [ 'aggfnoid', q{('pg_proc'::regclass, aggfnoid) IN (SELECT * FROM members)} ],
	pg_amop => [ 'oid', q{('pg_opfamily'::regclass, amopfamily) IN (SELECT * FROM members)} ],
	pg_amproc => [ 'oid', q{('pg_opfamily'::regclass, amprocfamily) IN (SELECT * FROM members)} ],
	pg_extension => [ 'oid', q{extname = 'hllset'} ],
	# An array type is a member in some versions only.
	pg_type => [ 'oid', q{('pg_type'::regclass, oid) IN (SELECT * FROM members) OR ('pg_type'::regclass, typelem) IN (SELECT * FROM members)} ],);

# Its members, and the names of objects; they go with the session.
my $prepare = q{
	CREATE TEMPORARY VIEW members AS SELECT classid, objid FROM pg_depend, pg_extension e WHERE refclassid = 'pg_extension'::regclass AND refobjid = e.oid AND deptype = 'e' AND extname = 'hllset';
	CREATE FUNCTION pg_temp.name_of(class regclass, object oid) RETURNS text LANGUAGE sql AS $$SELECT CASE WHEN object = 0 THEN '-' ELSE (SELECT identity FROM pg_identify_object(class, object, 0)) END$$;
	CREATE FUNCTION pg_temp.names_of(class regclass, objects oid[]) RETURNS text LANGUAGE sql AS $$SELECT string_agg(pg_temp.name_of(class, id), ', ' ORDER BY i) FROM unnest(objects) WITH ORDINALITY u (id, i)$$;
	CREATE FUNCTION pg_temp.object(class oid, object oid, part int) RETURNS text LANGUAGE sql AS $$SELECT type || ' ' || identity FROM pg_identify_object(class, object, part)$$;};

# All of it, as lines: one for each column of each row, and for each comment, dependency and first privilege.
sub catalog_of
{
	my ($node, $database) = @_;
	my $catalogs = join(', ', map { "'$_'" } sort keys %rows);
	my $unknown = $node->safe_psql($database, "$prepare SELECT DISTINCT classid::regclass FROM members WHERE classid::regclass::text NOT IN ($catalogs)");
	BAIL_OUT("the extension has objects in $unknown, which Catalog.pm does not compare yet") if $unknown ne '';
	# The server says which columns there are, and to which catalog those that hold numbers of objects refer.
	my %values;
	for my $column (split(/\n/, $node->safe_psql($database, qq{
		SELECT attrelid::regclass, attname, atttypid::regtype, pktable, is_array FROM pg_attribute
		LEFT JOIN pg_get_catalog_foreign_keys() ON fktable = attrelid AND fkcols = ARRAY[attname::text]
		WHERE attrelid::regclass::text IN ($catalogs) AND attnum > 0 AND attname <> 'oid' ORDER BY attrelid, attnum})))
	{
		my ($catalog, @column) = split(/\|/, $column, -1);
		push @{ $values{$catalog} }, "('$column[0]', " . value_of(@column) . ')';
	}
	my $columns = join(' UNION ALL ', map {
		my ($key, $condition) = @{ $rows{$_} };
		my $class = $key eq 'aggfnoid' ? 'pg_proc' : $_;
		my $values = join(', ', @{ $values{$_} });
		"SELECT format('$_ %s: %s = %s', pg_temp.name_of('$class', $key), name, coalesce(value, 'NULL')) FROM $_, LATERAL (VALUES $values) v (name, value) WHERE $condition"
	} sort keys %rows);
	my $objects = join(' UNION ALL ', map { "SELECT '$_'::regclass, oid FROM $_ WHERE $rows{$_}[1]" } grep { $rows{$_}[0] eq 'oid' } sort keys %rows);
	return [ split(/\n/, $node->safe_psql($database, qq{
		$prepare
		WITH objects AS MATERIALIZED ($objects)
		SELECT replace(line, E'\\n', ' ') FROM (
			$columns
			UNION ALL SELECT 'pg_description ' || pg_temp.object(classoid, objoid, objsubid) || ' = ' || description FROM pg_description WHERE (classoid, objoid) IN (SELECT * FROM objects)
			UNION ALL SELECT 'pg_init_privs ' || pg_temp.object(classoid, objoid, objsubid) || ' = ' || initprivs::text FROM pg_init_privs WHERE (classoid, objoid) IN (SELECT * FROM objects)
			UNION ALL SELECT 'pg_depend ' || pg_temp.object(classid, objid, objsubid) || ' -> ' || pg_temp.object(refclassid, refobjid, refobjsubid) || ' = ' || deptype::text FROM pg_depend WHERE (classid, objid) IN (SELECT * FROM objects)
		) y (line) ORDER BY line COLLATE "C"})) ];
}

# The expression for the text of a column.
sub value_of
{
	my ($column, $type, $refers_to, $is_array) = @_;
	return $is_array eq 't' ? "pg_temp.names_of('$refers_to', $column\::oid[])" : "pg_temp.name_of('$refers_to', $column)" if $refers_to;
	BAIL_OUT("$column holds numbers of objects, and the server does not say of which") if $type =~ /^(?:oid|reg)/;
	return 'pg_get_function_sqlbody(oid)' if $column eq 'prosqlbody';
	# The text of a tree would say where in its script each part stood.
	return "pg_get_expr($column, 0)" if $type eq 'pg_node_tree';
	return "$column\::text";
}

# Lines that only one of the two lists has.
sub differences
{
	my ($have, $want) = @_;
	my %count;
	$count{$_}-- for @$have;
	$count{$_}++ for @$want;
	return map { $count{$_} < 0 ? "only here: $_" : "missing: $_" } sort grep { $count{$_} } keys %count;
}

sub same_lines
{
	my ($have, $want, $name) = @_;
	my @different = differences($have, $want);
	return is(scalar @different, 0, $name) || diag(join("\n", @different[ 0 .. ($#different < 40 ? $#different : 40) ]));
}

1;
