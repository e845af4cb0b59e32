/* hllset--1.0.sql: everything that CREATE EXTENSION makes, in sections that bear the names of src/pg's files */

\echo Use "CREATE EXTENSION hllset" to load this file. \quit

/*
 * Extension hll makes every statement fail once its own schema holds a second hll_add_agg or hll_union_agg, so the two live in
 * different schemas. The extension is relocatable, so its schema is known only as the one that the search path begins with.
 */
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
			WHERE e.extname OPERATOR(pg_catalog.=) 'hll' AND n.nspname OPERATOR(pg_catalog.=) pg_catalog.current_schema()) THEN
		RAISE EXCEPTION 'extension "hllset" cannot share schema "%" with extension "hll"', pg_catalog.current_schema()
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Choose another schema: CREATE EXTENSION hllset SCHEMA ...';
	END IF;
	IF pg_catalog.to_regprocedure(pg_catalog.quote_ident(pg_catalog.current_schema()) OPERATOR(pg_catalog.||) '.approx_count_distinct(anyelement)') IS NOT NULL THEN
		RAISE EXCEPTION 'schema "%" has an aggregate approx_count_distinct already', pg_catalog.current_schema()
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'TimescaleDB Toolkit has one of that name.',
				HINT = 'Choose another schema: CREATE EXTENSION hllset SCHEMA ...';
	END IF;
END
$$;

-- ---- type ----

CREATE TYPE hllset;

CREATE FUNCTION hllset_in(cstring, oid, integer) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hllset_in(cstring, oid, integer) IS 'internal: input and output of the type';
CREATE FUNCTION hllset_out(hllset) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION hllset_out(hllset) IS 'internal: input and output of the type';
CREATE FUNCTION hllset_recv(internal, oid, integer) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hllset_recv(internal, oid, integer) IS 'internal: input and output of the type';
CREATE FUNCTION hllset_send(hllset) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_send(hllset) IS 'internal: input and output of the type';
CREATE FUNCTION hllset_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_typmod_in(cstring[]) IS 'internal: input and output of the type';
CREATE FUNCTION hllset_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_typmod_out(integer) IS 'internal: input and output of the type';

CREATE TYPE hllset (
	INPUT = hllset_in, OUTPUT = hllset_out, RECEIVE = hllset_recv, SEND = hllset_send,
	TYPMOD_IN = hllset_typmod_in, TYPMOD_OUT = hllset_typmod_out,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = external, CATEGORY = 'U');
COMMENT ON TYPE hllset IS 'set for approximate distinct counts, kept as a sketch: hllset, hllset(precision) or hllset(precision, compact)';

CREATE FUNCTION hllset(hllset, integer, boolean) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_coerce' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hllset(hllset, integer, boolean) IS 'internal: cast';
CREATE FUNCTION hllset(bytea) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_from_bytea' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hllset(bytea) IS 'internal: cast';

CREATE CAST (hllset AS hllset) WITH FUNCTION hllset(hllset, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (hllset AS hllset) IS 'fold to the precision, and pour into the form, of a type modifier';
CREATE CAST (hllset AS bytea) WITHOUT FUNCTION;
COMMENT ON CAST (hllset AS bytea) IS 'the canonical bytes';
CREATE CAST (bytea AS hllset) WITH FUNCTION hllset(bytea) AS ASSIGNMENT;
COMMENT ON CAST (bytea AS hllset) IS 'the set with these bytes, which are validated';

CREATE FUNCTION hll_fold(s hllset, p integer) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_fold' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_fold(hllset, integer) IS 'the set as if it had been built with this smaller precision';

-- ---- compare ----

CREATE FUNCTION hllset_eq(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_eq(hllset, hllset) IS 'internal: implementation of operator =';
CREATE FUNCTION hllset_ne(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_ne(hllset, hllset) IS 'internal: implementation of operator <>';
CREATE FUNCTION hllset_lt(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_lt(hllset, hllset) IS 'internal: implementation of operator <';
CREATE FUNCTION hllset_le(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_le(hllset, hllset) IS 'internal: implementation of operator <=';
CREATE FUNCTION hllset_gt(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_gt(hllset, hllset) IS 'internal: implementation of operator >';
CREATE FUNCTION hllset_ge(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_ge(hllset, hllset) IS 'internal: implementation of operator >=';
CREATE FUNCTION hllset_cmp(hllset, hllset) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_cmp(hllset, hllset) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_hashcode(hllset) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_hashcode' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_hashcode(hllset) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_hashcode_extended(hllset, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'hllset_hashcode_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hllset_hashcode_extended(hllset, bigint) IS 'internal: support of an operator class';

CREATE OPERATOR = (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hllset_eq, COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR = (hllset, hllset) IS 'equal: by canonical bytes';
CREATE OPERATOR <> (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hllset_ne, COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR <> (hllset, hllset) IS 'not equal: by canonical bytes';
CREATE OPERATOR < (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hllset_lt, COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR < (hllset, hllset) IS 'less than: by canonical bytes';
CREATE OPERATOR <= (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hllset_le, COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR <= (hllset, hllset) IS 'less than or equal: by canonical bytes';
CREATE OPERATOR > (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hllset_gt, COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR > (hllset, hllset) IS 'greater than: by canonical bytes';
CREATE OPERATOR >= (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hllset_ge, COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR >= (hllset, hllset) IS 'greater than or equal: by canonical bytes';

CREATE OPERATOR CLASS hllset_ops DEFAULT FOR TYPE hllset USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 hllset_cmp(hllset, hllset), FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS hllset_ops USING btree IS 'by canonical bytes';
CREATE OPERATOR CLASS hllset_ops DEFAULT FOR TYPE hllset USING hash AS
	OPERATOR 1 =, FUNCTION 1 hllset_hashcode(hllset), FUNCTION 2 hllset_hashcode_extended(hllset, bigint);
COMMENT ON OPERATOR CLASS hllset_ops USING hash IS 'by canonical bytes';

-- ---- hllhash ----

CREATE TYPE hllhash;

CREATE FUNCTION hllhash_in(cstring) RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hllhash_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_in(cstring) IS 'internal: input and output of the type';
CREATE FUNCTION hllhash_out(hllhash) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_hllhash_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_out(hllhash) IS 'internal: input and output of the type';
CREATE FUNCTION hllhash_recv(internal) RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hllhash_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_recv(internal) IS 'internal: input and output of the type';
CREATE FUNCTION hllhash_send(hllhash) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_hllhash_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_send(hllhash) IS 'internal: input and output of the type';

CREATE TYPE hllhash (
	INPUT = hllhash_in, OUTPUT = hllhash_out, RECEIVE = hllhash_recv, SEND = hllhash_send,
	LIKE = pg_catalog.int8, CATEGORY = 'U');
COMMENT ON TYPE hllhash IS '64-bit hash of an element, shown as 16 hexadecimal digits';

CREATE CAST (hllhash AS bigint) WITHOUT FUNCTION;
COMMENT ON CAST (hllhash AS bigint) IS 'the same 64 bits as a signed number';
CREATE CAST (bigint AS hllhash) WITHOUT FUNCTION;
COMMENT ON CAST (bigint AS hllhash) IS 'the same 64 bits as a hash';

CREATE FUNCTION hllhash_eq(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_eq(hllhash, hllhash) IS 'internal: implementation of operator =';
CREATE FUNCTION hllhash_ne(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_ne(hllhash, hllhash) IS 'internal: implementation of operator <>';
CREATE FUNCTION hllhash_lt(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_lt(hllhash, hllhash) IS 'internal: implementation of operator <';
CREATE FUNCTION hllhash_le(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_le(hllhash, hllhash) IS 'internal: implementation of operator <=';
CREATE FUNCTION hllhash_gt(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_gt(hllhash, hllhash) IS 'internal: implementation of operator >';
CREATE FUNCTION hllhash_ge(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_ge(hllhash, hllhash) IS 'internal: implementation of operator >=';
CREATE FUNCTION hllhash_cmp(hllhash, hllhash) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_hllhash_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_cmp(hllhash, hllhash) IS 'internal: support of an operator class';
CREATE FUNCTION hllhash_hashcode(hllhash) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_hllhash_hashcode' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_hashcode(hllhash) IS 'internal: support of an operator class';
CREATE FUNCTION hllhash_hashcode_extended(hllhash, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'hllset_hllhash_hashcode_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllhash_hashcode_extended(hllhash, bigint) IS 'internal: support of an operator class';

CREATE OPERATOR = (LEFTARG = hllhash, RIGHTARG = hllhash, FUNCTION = hllhash_eq, COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR = (hllhash, hllhash) IS 'equal: as unsigned numbers';
CREATE OPERATOR <> (LEFTARG = hllhash, RIGHTARG = hllhash, FUNCTION = hllhash_ne, COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR <> (hllhash, hllhash) IS 'not equal: as unsigned numbers';
CREATE OPERATOR < (LEFTARG = hllhash, RIGHTARG = hllhash, FUNCTION = hllhash_lt, COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR < (hllhash, hllhash) IS 'less than: as unsigned numbers';
CREATE OPERATOR <= (LEFTARG = hllhash, RIGHTARG = hllhash, FUNCTION = hllhash_le, COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR <= (hllhash, hllhash) IS 'less than or equal: as unsigned numbers';
CREATE OPERATOR > (LEFTARG = hllhash, RIGHTARG = hllhash, FUNCTION = hllhash_gt, COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR > (hllhash, hllhash) IS 'greater than: as unsigned numbers';
CREATE OPERATOR >= (LEFTARG = hllhash, RIGHTARG = hllhash, FUNCTION = hllhash_ge, COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR >= (hllhash, hllhash) IS 'greater than or equal: as unsigned numbers';

CREATE OPERATOR CLASS hllhash_ops DEFAULT FOR TYPE hllhash USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 hllhash_cmp(hllhash, hllhash), FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS hllhash_ops USING btree IS 'as unsigned numbers';
CREATE OPERATOR CLASS hllhash_ops DEFAULT FOR TYPE hllhash USING hash AS
	OPERATOR 1 =, FUNCTION 1 hllhash_hashcode(hllhash), FUNCTION 2 hllhash_hashcode_extended(hllhash, bigint);
COMMENT ON OPERATOR CLASS hllhash_ops USING hash IS 'as unsigned numbers';

CREATE FUNCTION hll_hash(x "any") RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hash_any' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hll_hash("any") IS 'hash of an element; that of an enum changes when its value is renamed';

/* Not strict: a key that was not found must not make an empty set. */
CREATE FUNCTION hll_hash(x "any", key bytea) RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hash_any_keyed' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION hll_hash("any", bytea) IS 'hash of an element under a key of 16 bytes, without which nobody can tell whose it is';

-- ---- expanded ----

CREATE FUNCTION hll_add_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hll_add_support(internal) IS 'internal: support of the planner';

-- ---- setops ----

CREATE FUNCTION hllset_empty(p integer DEFAULT 12) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_empty' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hllset_empty(p integer) IS 'the empty set of a precision';

CREATE FUNCTION hllset_of(VARIADIC elements "any") RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_of' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION hllset_of(VARIADIC "any") IS 'the set of the arguments, at precision 12; NULLs are ignored';

CREATE FUNCTION hll_add(s hllset, x "any") RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_add' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400 SUPPORT hll_add_support;
COMMENT ON FUNCTION hll_add(hllset, "any") IS 'the set with one more element, or with the element of an hllhash; NULL adds nothing';

CREATE FUNCTION hll_union(a hllset, b hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_union' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_union(hllset, hllset) IS 'union; values of different precision meet at the smaller one';

CREATE OPERATOR | (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_union, COMMUTATOR = |);
COMMENT ON OPERATOR | (hllset, hllset) IS 'union; values of different precision meet at the smaller one';

CREATE FUNCTION hll_intersection(a hllset, b hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_intersection' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_intersection(hllset, hllset) IS 'intersection';

CREATE OPERATOR & (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_intersection, COMMUTATOR = &);
COMMENT ON OPERATOR & (hllset, hllset) IS 'intersection';

CREATE FUNCTION hll_difference(a hllset, b hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_difference' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_difference(hllset, hllset) IS 'the elements of the first that are not in the second';

CREATE OPERATOR - (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_difference);
COMMENT ON OPERATOR - (hllset, hllset) IS 'the elements of the first that are not in the second';

CREATE FUNCTION hll_symmetric_difference(a hllset, b hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_symmetric_difference' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_symmetric_difference(hllset, hllset) IS 'the elements that are in exactly one of the two';

CREATE OPERATOR # (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_symmetric_difference, COMMUTATOR = #);
COMMENT ON OPERATOR # (hllset, hllset) IS 'the elements that are in exactly one of the two';

CREATE FUNCTION hll_diff(old hllset, new hllset, OUT deleted hllset, OUT retained hllset, OUT added hllset)
	AS 'MODULE_PATHNAME', 'hllset_diff' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1200;
COMMENT ON FUNCTION hll_diff(hllset, hllset) IS 'the elements that are gone, that stayed and that came between an old value and a new one';

-- ---- estimate ----

CREATE FUNCTION hll_cardinality(s hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_cardinality' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_cardinality(hllset) IS 'estimated number of elements';

CREATE OPERATOR # (RIGHTARG = hllset, FUNCTION = hll_cardinality);
COMMENT ON OPERATOR # (NONE, hllset) IS 'estimated number of elements';

CREATE FUNCTION hll_cardinality_bounds(s hllset, confidence double precision DEFAULT 0.95,
		OUT estimate double precision, OUT lower double precision, OUT upper double precision)
	AS 'MODULE_PATHNAME', 'hllset_cardinality_bounds' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_cardinality_bounds(hllset, double precision) IS 'estimated number of elements and the interval around it that holds the true one with this confidence';

CREATE FUNCTION hll_relative_error(s hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_relative_error' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_relative_error(hllset) IS 'relative standard error of the estimated number of elements';

-- ---- measure ----

/* Columns: the sizes of the regions, then their standard errors. */
CREATE FUNCTION hll_venn(a hllset, b hllset,
		OUT only_a double precision, OUT in_both double precision, OUT only_b double precision,
		OUT only_a_error double precision, OUT in_both_error double precision, OUT only_b_error double precision)
	AS 'MODULE_PATHNAME', 'hllset_venn' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION hll_venn(hllset, hllset) IS 'estimated numbers of elements in one of the two only and in both, and their standard errors';

CREATE FUNCTION hll_venn(a hllset, b hllset, c hllset,
		OUT only_a double precision, OUT only_b double precision, OUT only_c double precision,
		OUT only_ab double precision, OUT only_ac double precision, OUT only_bc double precision, OUT all_three double precision,
		OUT only_a_error double precision, OUT only_b_error double precision, OUT only_c_error double precision,
		OUT only_ab_error double precision, OUT only_ac_error double precision, OUT only_bc_error double precision,
		OUT all_three_error double precision)
	AS 'MODULE_PATHNAME', 'hllset_venn' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8000;
COMMENT ON FUNCTION hll_venn(hllset, hllset, hllset) IS 'estimated numbers of elements in exactly one, two and all of the three, and their standard errors';

CREATE FUNCTION hll_jaccard(a hllset, b hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_jaccard' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION hll_jaccard(hllset, hllset) IS 'the share of the union that is in both: 1 for equal sets, 0 for disjoint ones';

CREATE FUNCTION hll_containment(a hllset, b hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_containment' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION hll_containment(hllset, hllset) IS 'the share of the first that is in the second';

CREATE FUNCTION hll_cosine(a hllset, b hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_cosine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION hll_cosine(hllset, hllset) IS 'elements in both over the geometric mean of the sizes';

CREATE FUNCTION hll_dice(a hllset, b hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_dice' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION hll_dice(hllset, hllset) IS 'elements in both over the arithmetic mean of the sizes';

-- ---- regions ----

CREATE FUNCTION hll_regions(VARIADIC s hllset[], OUT sets integer[], OUT cardinality double precision, OUT error double precision) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hllset_regions' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 31;
COMMENT ON FUNCTION hll_regions(VARIADIC hllset[]) IS 'estimated numbers of elements that are in exactly these of up to six sets, and their standard errors';

-- ---- predicate ----

CREATE FUNCTION hll_contains(a hllset, b hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_contains' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION hll_contains(hllset, hllset) IS 'whether no element of the second is seen outside the first; exact for small sets';

CREATE OPERATOR @> (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_contains, COMMUTATOR = <@,
	RESTRICT = contsel, JOIN = contjoinsel);
COMMENT ON OPERATOR @> (hllset, hllset) IS 'whether no element of the second is seen outside the first; exact for small sets';

CREATE FUNCTION hll_contained_by(a hllset, b hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_contained_by' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION hll_contained_by(hllset, hllset) IS 'whether no element of the first is seen outside the second; exact for small sets';

CREATE OPERATOR <@ (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_contained_by, COMMUTATOR = @>,
	RESTRICT = contsel, JOIN = contjoinsel);
COMMENT ON OPERATOR <@ (hllset, hllset) IS 'whether no element of the first is seen outside the second; exact for small sets';

CREATE FUNCTION hll_overlaps(a hllset, b hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_overlaps' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4000;
COMMENT ON FUNCTION hll_overlaps(hllset, hllset) IS 'whether the two are seen to share elements; exact for small sets';

CREATE OPERATOR && (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_overlaps, COMMUTATOR = &&,
	RESTRICT = contsel, JOIN = contjoinsel);
COMMENT ON OPERATOR && (hllset, hllset) IS 'whether the two are seen to share elements; exact for small sets';

CREATE FUNCTION hll_may_contain(s hllset, x "any") RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_may_contain' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_may_contain(hllset, "any") IS 'whether the set may contain an element, or the one of an hllhash: false is certain';

-- ---- signature ----

CREATE FUNCTION hll_signature(s hllset, keys integer DEFAULT 64) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'hllset_signature' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_signature(hllset, integer) IS 'the largest keys of the elements, a random sample that sets have in common as they have elements in common';

-- ---- selectivity ----

CREATE FUNCTION hll_search_sel(internal, oid, internal, integer) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_search_sel' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hll_search_sel(internal, oid, internal, integer) IS 'internal: support of the planner';
CREATE FUNCTION hll_search_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_search_joinsel' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hll_search_joinsel(internal, oid, internal, smallint, internal) IS 'internal: support of the planner';

-- ---- similar ----

CREATE TYPE hllsimilar;

CREATE FUNCTION hllsimilar_in(cstring) RETURNS hllsimilar
	AS 'MODULE_PATHNAME', 'hllset_similar_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllsimilar_in(cstring) IS 'internal: input and output of the type';
CREATE FUNCTION hllsimilar_out(hllsimilar) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_similar_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllsimilar_out(hllsimilar) IS 'internal: input and output of the type';
CREATE FUNCTION hllsimilar_recv(internal) RETURNS hllsimilar
	AS 'MODULE_PATHNAME', 'hllset_similar_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllsimilar_recv(internal) IS 'internal: input and output of the type';
CREATE FUNCTION hllsimilar_send(hllsimilar) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_similar_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllsimilar_send(hllsimilar) IS 'internal: input and output of the type';

CREATE TYPE hllsimilar (
	INPUT = hllsimilar_in, OUTPUT = hllsimilar_out, RECEIVE = hllsimilar_recv, SEND = hllsimilar_send,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = external, CATEGORY = 'U');
COMMENT ON TYPE hllsimilar IS 'query for similar sets: a signature and a threshold';

CREATE FUNCTION hll_similar_to(s hllset, at_least double precision DEFAULT 0.1) RETURNS hllsimilar
	AS 'MODULE_PATHNAME', 'hllset_similar_to' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_similar_to(hllset, double precision) IS 'query for the sets that are similar to this one: with a Jaccard index of at_least';

CREATE FUNCTION hllset_is_similar(hllset, hllsimilar) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_is_similar' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION hllset_is_similar(hllset, hllsimilar) IS 'internal: implementation of operator %';

CREATE OPERATOR % (LEFTARG = hllset, RIGHTARG = hllsimilar, FUNCTION = hllset_is_similar, RESTRICT = hll_search_sel, JOIN = hll_search_joinsel);
COMMENT ON OPERATOR % (hllset, hllsimilar) IS 'whether the set is similar, as the query asks';

CREATE FUNCTION hllset_gin_signature(hllset, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_gin_signature' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hllset_gin_signature(hllset, internal, internal) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_gin_similar_query(hllset, internal, smallint, internal, internal, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_gin_similar_query' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_gin_similar_query(hllset, internal, smallint, internal, internal, internal, internal) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_gin_similar_consistent(internal, smallint, hllset, integer, internal, internal, internal, internal) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_gin_similar_consistent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_gin_similar_consistent(internal, smallint, hllset, integer, internal, internal, internal, internal) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_gin_similar_triconsistent(internal, smallint, hllset, integer, internal, internal, internal) RETURNS "char"
	AS 'MODULE_PATHNAME', 'hllset_gin_similar_triconsistent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_gin_similar_triconsistent(internal, smallint, hllset, integer, internal, internal, internal) IS 'internal: support of an operator class';

CREATE OPERATOR CLASS hllset_ops DEFAULT FOR TYPE hllset USING gin AS
	OPERATOR 1 % (hllset, hllsimilar),
	FUNCTION 1 pg_catalog.btint4cmp(integer, integer), FUNCTION 2 hllset_gin_signature(hllset, internal, internal),
	FUNCTION 3 hllset_gin_similar_query(hllset, internal, smallint, internal, internal, internal, internal),
	FUNCTION 4 hllset_gin_similar_consistent(internal, smallint, hllset, integer, internal, internal, internal, internal),
	FUNCTION 6 hllset_gin_similar_triconsistent(internal, smallint, hllset, integer, internal, internal, internal),
	STORAGE integer;
COMMENT ON OPERATOR CLASS hllset_ops USING gin IS 'by signatures, for %';

-- ---- within ----

CREATE TYPE hllwithin;

CREATE FUNCTION hllwithin_in(cstring) RETURNS hllwithin
	AS 'MODULE_PATHNAME', 'hllset_within_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllwithin_in(cstring) IS 'internal: input and output of the type';
CREATE FUNCTION hllwithin_out(hllwithin) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_within_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllwithin_out(hllwithin) IS 'internal: input and output of the type';
CREATE FUNCTION hllwithin_recv(internal) RETURNS hllwithin
	AS 'MODULE_PATHNAME', 'hllset_within_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllwithin_recv(internal) IS 'internal: input and output of the type';
CREATE FUNCTION hllwithin_send(hllwithin) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_within_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllwithin_send(hllwithin) IS 'internal: input and output of the type';

CREATE TYPE hllwithin (
	INPUT = hllwithin_in, OUTPUT = hllwithin_out, RECEIVE = hllwithin_recv, SEND = hllwithin_send,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = external, CATEGORY = 'U');
COMMENT ON TYPE hllwithin IS 'query for containing sets: the sample of a set and a threshold';

CREATE FUNCTION hll_within(s hllset, at_least double precision DEFAULT 0.5) RETURNS hllwithin
	AS 'MODULE_PATHNAME', 'hllset_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION hll_within(hllset, double precision) IS 'query for the sets that contain at_least this share of the elements of this one';

CREATE FUNCTION hllset_contains_part(hllset, hllwithin) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_contains_part' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4000;
COMMENT ON FUNCTION hllset_contains_part(hllset, hllwithin) IS 'internal: implementation of operator %>';

CREATE OPERATOR %> (LEFTARG = hllset, RIGHTARG = hllwithin, FUNCTION = hllset_contains_part, RESTRICT = hll_search_sel, JOIN = hll_search_joinsel);
COMMENT ON OPERATOR %> (hllset, hllwithin) IS 'whether the set contains as much as the query asks';

CREATE FUNCTION hllset_gin_contain_keys(hllset, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_gin_contain_keys' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hllset_gin_contain_keys(hllset, internal, internal) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_gin_within_query(hllset, internal, smallint, internal, internal, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_gin_within_query' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_gin_within_query(hllset, internal, smallint, internal, internal, internal, internal) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_gin_within_consistent(internal, smallint, hllset, integer, internal, internal, internal, internal) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_gin_within_consistent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_gin_within_consistent(internal, smallint, hllset, integer, internal, internal, internal, internal) IS 'internal: support of an operator class';
CREATE FUNCTION hllset_gin_within_triconsistent(internal, smallint, hllset, integer, internal, internal, internal) RETURNS "char"
	AS 'MODULE_PATHNAME', 'hllset_gin_within_triconsistent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hllset_gin_within_triconsistent(internal, smallint, hllset, integer, internal, internal, internal) IS 'internal: support of an operator class';

CREATE OPERATOR CLASS hllset_contain_ops FOR TYPE hllset USING gin AS
	OPERATOR 1 %> (hllset, hllwithin),
	FUNCTION 1 pg_catalog.btint4cmp(integer, integer), FUNCTION 2 hllset_gin_contain_keys(hllset, internal, internal),
	FUNCTION 3 hllset_gin_within_query(hllset, internal, smallint, internal, internal, internal, internal),
	FUNCTION 4 hllset_gin_within_consistent(internal, smallint, hllset, integer, internal, internal, internal, internal),
	FUNCTION 6 hllset_gin_within_triconsistent(internal, smallint, hllset, integer, internal, internal, internal),
	STORAGE integer;
COMMENT ON OPERATOR CLASS hllset_contain_ops USING gin IS 'by samples of elements at precision 12, for %>';

-- ---- info ----

CREATE FUNCTION hll_precision(s hllset) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_precision' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_precision(hllset) IS 'precision p: 2^p buckets';

CREATE FUNCTION hll_kind(s hllset) RETURNS text
	AS 'MODULE_PATHNAME', 'hllset_kind' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_kind(hllset) IS 'kind of value: set, expression or sample';

CREATE FUNCTION hll_info(s hllset) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'hllset_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_info(hllset) IS 'what the value is made of';

CREATE FUNCTION hll_digest(s hllset) RETURNS uuid
	AS 'MODULE_PATHNAME', 'hllset_digest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_digest(hllset) IS '128-bit content id: equal sets have equal ids';

CREATE FUNCTION hll_bits(s hllset, OUT bucket integer, OUT level integer) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hllset_bits' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 ROWS 1000;
COMMENT ON FUNCTION hll_bits(hllset) IS 'the bits that are set, one row each';

-- ---- sample ----

CREATE FUNCTION hll_coupon(x "any") RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_coupon' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hll_coupon("any") IS 'what an element, or the one of an hllhash, is found by among the samples of sets; that of an enum changes when its value is renamed';

/* A set of precision 12 has 512 to 1,024 tokens, of which some satisfy an expression. */
CREATE FUNCTION hll_sample(s hllset, least_level integer DEFAULT 0) RETURNS SETOF integer
	AS 'MODULE_PATHNAME', 'hllset_sample' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400 ROWS 500;
COMMENT ON FUNCTION hll_sample(hllset, integer) IS 'the hll_coupon of a sample of the elements: all of a small set, of others those of high levels';

CREATE FUNCTION hll_sample_rate(s hllset, least_level integer DEFAULT 0) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_sample_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION hll_sample_rate(hllset, integer) IS 'the share of the elements that hll_sample has';

-- ---- aggregate ----

CREATE FUNCTION hll_add_trans(internal, anyelement) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_add_trans(internal, anyelement) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_add_trans(internal, anyelement, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_at_precision' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_add_trans(internal, anyelement, integer) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_add_trans(internal, hllhash) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_hllhash' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_add_trans(internal, hllhash) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_add_trans(internal, hllhash, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_hllhash_at_precision' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_add_trans(internal, hllhash, integer) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_accum_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_accum_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_accum_combine(internal, internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_accum_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_accum_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_accum_serialize(internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_accum_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_accum_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_accum_deserialize(bytea, internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_accum_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_accum_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_accum_final(internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_accum_count(internal) RETURNS bigint
	AS 'MODULE_PATHNAME', 'hllset_accum_count' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_accum_count(internal) IS 'internal: support of an aggregate';

/* Elements have no overload for a type: a cast that the server adds by itself, as of an untyped literal, would change what is counted. */
CREATE AGGREGATE hll_add_agg(x anyelement) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(anyelement) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(x anyelement, p integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(anyelement, integer) IS 'set of the values at precision p';

/* Where a polymorphic aggregate can't be run in two steps, as in Citus 15, this one can: hll_add_agg(hll_hash(x)). */
CREATE AGGREGATE hll_add_agg(hash hllhash) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(hllhash) IS 'set of the elements with these hashes';
CREATE AGGREGATE hll_add_agg(hash hllhash, p integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(hllhash, integer) IS 'set of the elements with these hashes, at precision p';

CREATE AGGREGATE approx_count_distinct(x anyelement) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(anyelement) IS 'estimated number of distinct values';
CREATE AGGREGATE approx_count_distinct(x anyelement, p integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(anyelement, integer) IS 'estimated number of distinct values, counted at precision p';

-- ---- rolling ----

-- hll_union_agg over a window that moves
CREATE FUNCTION hll_rolling_trans(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_rolling_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_rolling_trans(internal, hllset) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_rolling_inverse(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_rolling_inverse' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_rolling_inverse(internal, hllset) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_rolling_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_rolling_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_rolling_final(internal) IS 'internal: support of an aggregate';

-- ---- union ----

CREATE FUNCTION hll_union_trans(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_union_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_union_trans(internal, hllset) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_union_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_union_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_union_combine(internal, internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_union_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_union_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_union_serialize(internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_union_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_union_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_union_deserialize(bytea, internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_union_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_union_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_union_final(internal) IS 'internal: support of an aggregate';

CREATE AGGREGATE hll_union_agg(s hllset) (SFUNC = hll_union_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_union_combine, SERIALFUNC = hll_union_serialize, DESERIALFUNC = hll_union_deserialize,
	FINALFUNC = hll_union_final, FINALFUNC_MODIFY = READ_ONLY,
	MSFUNC = hll_rolling_trans, MINVFUNC = hll_rolling_inverse, MSTYPE = internal, MSSPACE = 8192,
	MFINALFUNC = hll_rolling_final, MFINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_union_agg(hllset) IS 'union of the values';

-- ---- intersect ----

CREATE FUNCTION hll_intersect_trans(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_intersect_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_intersect_trans(internal, hllset) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_intersect_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_intersect_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_intersect_combine(internal, internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_intersect_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_intersect_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_intersect_serialize(internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_intersect_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_intersect_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_intersect_deserialize(bytea, internal) IS 'internal: support of an aggregate';
CREATE FUNCTION hll_intersect_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_intersect_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_intersect_final(internal) IS 'internal: support of an aggregate';

CREATE AGGREGATE hll_intersect_agg(s hllset) (SFUNC = hll_intersect_trans, STYPE = internal, SSPACE = 20000,
	COMBINEFUNC = hll_intersect_combine, SERIALFUNC = hll_intersect_serialize, DESERIALFUNC = hll_intersect_deserialize,
	FINALFUNC = hll_intersect_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_intersect_agg(hllset) IS 'intersection of the values, of any number';
