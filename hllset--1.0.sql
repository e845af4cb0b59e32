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
END
$$;

-- ---- type ----

CREATE TYPE hllset;

CREATE FUNCTION hllset_in(cstring, oid, integer) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
CREATE FUNCTION hllset_out(hllset) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
CREATE FUNCTION hllset_recv(internal, oid, integer) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
CREATE FUNCTION hllset_send(hllset) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllset_typmod_out(integer) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_typmod_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE hllset (
	INPUT = hllset_in, OUTPUT = hllset_out, RECEIVE = hllset_recv, SEND = hllset_send,
	TYPMOD_IN = hllset_typmod_in, TYPMOD_OUT = hllset_typmod_out,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = external, CATEGORY = 'U');
COMMENT ON TYPE hllset IS 'set for approximate distinct counts, kept as a sketch: hllset, hllset(precision) or hllset(precision, compact)';

CREATE FUNCTION hllset(hllset, integer, boolean) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_coerce' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
CREATE FUNCTION hllset(bytea) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_from_bytea' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;

CREATE CAST (hllset AS hllset) WITH FUNCTION hllset(hllset, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (hllset AS hllset) IS 'fold to the precision, and pour into the form, of a type modifier';
CREATE CAST (hllset AS bytea) WITHOUT FUNCTION;
COMMENT ON CAST (hllset AS bytea) IS 'the canonical bytes';
CREATE CAST (bytea AS hllset) WITH FUNCTION hllset(bytea);
COMMENT ON CAST (bytea AS hllset) IS 'the set with these bytes, which are validated';

CREATE FUNCTION hll_fold(hllset, integer) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_fold' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_fold(hllset, integer) IS 'the set as if it had been built with this smaller precision';

-- ---- compare ----

CREATE FUNCTION hllset_eq(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_ne(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_lt(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_le(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_gt(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_ge(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_cmp(hllset, hllset) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_hashcode(hllset) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_hashcode' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hllset_hashcode_extended(hllset, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'hllset_hashcode_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

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
CREATE FUNCTION hllhash_out(hllhash) RETURNS cstring
	AS 'MODULE_PATHNAME', 'hllset_hllhash_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_recv(internal) RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hllhash_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_send(hllhash) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_hllhash_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

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
CREATE FUNCTION hllhash_ne(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_lt(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_le(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_gt(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_ge(hllhash, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_hllhash_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_cmp(hllhash, hllhash) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_hllhash_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_hashcode(hllhash) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_hllhash_hashcode' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hllhash_hashcode_extended(hllhash, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'hllset_hllhash_hashcode_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

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

CREATE FUNCTION hll_hash(anyelement) RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hash_any' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION hll_hash(anyelement) IS 'hash of an element of any supported type';

CREATE FUNCTION hll_hash(text) RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hash_any_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_hash(text) IS 'hash of a text';

CREATE FUNCTION hll_hash("char") RETURNS hllhash
	AS 'MODULE_PATHNAME', 'hllset_hash_any_char' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_hash("char") IS 'hash of a "char"';

-- ---- setops ----

CREATE FUNCTION hllset_empty(p integer DEFAULT 12) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_empty' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hllset_empty(p integer) IS 'the empty set of a precision';

CREATE FUNCTION hllset_of(VARIADIC anycompatiblearray) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION hllset_of(VARIADIC anycompatiblearray) IS 'the set of the arguments, at precision 12; NULLs are ignored';

CREATE FUNCTION hll_add(hllset, anyelement) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_add' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_add(hllset, anyelement) IS 'the set with one more element: an element of any supported type; NULL adds nothing';

CREATE FUNCTION hll_add(hllset, text) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_add_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_add(hllset, text) IS 'the set with one more element: a text; NULL adds nothing';

CREATE FUNCTION hll_add(hllset, "char") RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_add_char' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_add(hllset, "char") IS 'the set with one more element: a "char"; NULL adds nothing';

CREATE FUNCTION hll_add(hllset, hllhash) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_add_hllhash' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_add(hllset, hllhash) IS 'the set with one more element: the element with this hash; NULL adds nothing';

CREATE FUNCTION hll_union(hllset, hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_union' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_union(hllset, hllset) IS 'union; values of different precision meet at the smaller one';

CREATE OPERATOR | (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_union, COMMUTATOR = |);
COMMENT ON OPERATOR | (hllset, hllset) IS 'union; values of different precision meet at the smaller one';

CREATE FUNCTION hll_intersection(hllset, hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_intersection' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_intersection(hllset, hllset) IS 'intersection';

CREATE OPERATOR & (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_intersection, COMMUTATOR = &);
COMMENT ON OPERATOR & (hllset, hllset) IS 'intersection';

CREATE FUNCTION hll_difference(hllset, hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_difference' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_difference(hllset, hllset) IS 'the elements of the first that are not in the second';

CREATE OPERATOR - (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_difference);
COMMENT ON OPERATOR - (hllset, hllset) IS 'the elements of the first that are not in the second';

CREATE FUNCTION hll_symmetric_difference(hllset, hllset) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_symmetric_difference' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
COMMENT ON FUNCTION hll_symmetric_difference(hllset, hllset) IS 'the elements that are in exactly one of the two';

CREATE OPERATOR # (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_symmetric_difference, COMMUTATOR = #);
COMMENT ON OPERATOR # (hllset, hllset) IS 'the elements that are in exactly one of the two';

CREATE FUNCTION hll_diff(old hllset, new hllset, OUT deleted hllset, OUT retained hllset, OUT added hllset)
	AS 'MODULE_PATHNAME', 'hllset_diff' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1200;
COMMENT ON FUNCTION hll_diff(hllset, hllset) IS 'the elements that are gone, that stayed and that came between an old value and a new one';

CREATE FUNCTION hll_may_contain(hllset, anyelement) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_may_contain' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_may_contain(hllset, anyelement) IS 'whether the set may contain an element of any supported type: false is certain';

CREATE FUNCTION hll_may_contain(hllset, text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_may_contain_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_may_contain(hllset, text) IS 'whether the set may contain a text: false is certain';

CREATE FUNCTION hll_may_contain(hllset, "char") RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_may_contain_char' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_may_contain(hllset, "char") IS 'whether the set may contain a "char": false is certain';

CREATE FUNCTION hll_may_contain(hllset, hllhash) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_may_contain_hllhash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_may_contain(hllset, hllhash) IS 'whether the set may contain the element with this hash: false is certain';

-- ---- estimate ----

CREATE FUNCTION hll_cardinality(hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_cardinality' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_cardinality(hllset) IS 'estimated number of elements';

CREATE OPERATOR # (RIGHTARG = hllset, FUNCTION = hll_cardinality);
COMMENT ON OPERATOR # (NONE, hllset) IS 'estimated number of elements';

CREATE FUNCTION hll_cardinality_bounds(hllset, confidence double precision DEFAULT 0.95,
		OUT estimate double precision, OUT lower double precision, OUT upper double precision)
	AS 'MODULE_PATHNAME', 'hllset_cardinality_bounds' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_cardinality_bounds(hllset, double precision) IS 'estimated number of elements and the interval around it that holds the true one with this confidence';

CREATE FUNCTION hll_relative_error(hllset) RETURNS double precision
	AS 'MODULE_PATHNAME', 'hllset_relative_error' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_relative_error(hllset) IS 'relative standard error of the estimated number of elements';

-- ---- measure ----

/* Columns: the sizes of the regions, then their standard errors. */
CREATE FUNCTION hll_venn(a hllset, b hllset,
		OUT only_a double precision, OUT "both" double precision, OUT only_b double precision,
		OUT only_a_error double precision, OUT both_error double precision, OUT only_b_error double precision)
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

-- ---- predicate ----

CREATE FUNCTION hll_contains(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_contains' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION hll_contains(hllset, hllset) IS 'whether no element of the second is seen outside the first; exact for small sets';

CREATE OPERATOR @> (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_contains, COMMUTATOR = <@,
	RESTRICT = contsel, JOIN = contjoinsel);
COMMENT ON OPERATOR @> (hllset, hllset) IS 'whether no element of the second is seen outside the first; exact for small sets';

CREATE FUNCTION hll_contained_by(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_contained_by' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION hll_contained_by(hllset, hllset) IS 'whether no element of the first is seen outside the second; exact for small sets';

CREATE OPERATOR <@ (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_contained_by, COMMUTATOR = @>,
	RESTRICT = contsel, JOIN = contjoinsel);
COMMENT ON OPERATOR <@ (hllset, hllset) IS 'whether no element of the first is seen outside the second; exact for small sets';

CREATE FUNCTION hll_overlaps(hllset, hllset) RETURNS boolean
	AS 'MODULE_PATHNAME', 'hllset_overlaps' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4000;
COMMENT ON FUNCTION hll_overlaps(hllset, hllset) IS 'whether the two are seen to share elements; exact for small sets';

CREATE OPERATOR && (LEFTARG = hllset, RIGHTARG = hllset, FUNCTION = hll_overlaps, COMMUTATOR = &&,
	RESTRICT = contsel, JOIN = contjoinsel);
COMMENT ON OPERATOR && (hllset, hllset) IS 'whether the two are seen to share elements; exact for small sets';

-- ---- info ----

CREATE FUNCTION hll_precision(hllset) RETURNS integer
	AS 'MODULE_PATHNAME', 'hllset_precision' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION hll_precision(hllset) IS 'precision p: 2^p buckets';

CREATE FUNCTION hll_kind(hllset) RETURNS text
	AS 'MODULE_PATHNAME', 'hllset_kind' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_kind(hllset) IS 'kind of value: set, expression or sample';

CREATE FUNCTION hll_info(hllset) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'hllset_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_info(hllset) IS 'what the value is made of';

CREATE FUNCTION hll_digest(hllset) RETURNS uuid
	AS 'MODULE_PATHNAME', 'hllset_digest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION hll_digest(hllset) IS '128-bit content id: equal sets have equal ids';

CREATE FUNCTION hll_bits(hllset, OUT bucket integer, OUT level integer) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'hllset_bits' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 ROWS 1000;
COMMENT ON FUNCTION hll_bits(hllset) IS 'the bits that are set, one row each';

-- ---- aggregate ----

CREATE FUNCTION hll_add_trans(internal, smallint) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_int2' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, smallint, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_int2' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_int4' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, integer, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_int4' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_int8' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, bigint, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_int8' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, numeric) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, numeric, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, real) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_float4' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, real, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_float4' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, double precision) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, double precision, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, text, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, bytea) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_bytea' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, bytea, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_bytea' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, uuid) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, uuid, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_bool' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, boolean, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_bool' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, date) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_date' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, date, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_date' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, timestamp) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_timestamp' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, timestamp, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_timestamp' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_timestamptz' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, timestamptz, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_timestamptz' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, inet) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_inet' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, inet, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_inet' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_jsonb' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, jsonb, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_jsonb' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, oid) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_oid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, oid, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_oid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, "char") RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_char' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, "char", integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_char' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, hllhash) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_hllhash' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, hllhash, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_hllhash' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
CREATE FUNCTION hll_add_trans(internal, anyelement) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_any' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
CREATE FUNCTION hll_add_trans(internal, anyelement, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_add_trans_any' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
CREATE FUNCTION hll_accum_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_accum_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
CREATE FUNCTION hll_accum_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_accum_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
CREATE FUNCTION hll_accum_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_accum_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
CREATE FUNCTION hll_accum_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_accum_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
CREATE FUNCTION hll_accum_count(internal) RETURNS bigint
	AS 'MODULE_PATHNAME', 'hllset_accum_count' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;

CREATE AGGREGATE hll_add_agg(smallint) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(smallint) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(smallint, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(smallint, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(integer) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(integer, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(integer, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(bigint) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(bigint) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(bigint, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(bigint, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(numeric) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(numeric) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(numeric, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(numeric, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(real) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(real) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(real, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(real, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(double precision) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(double precision) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(double precision, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(double precision, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(text) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(text) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(text, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(text, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(bytea) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(bytea) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(bytea, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(bytea, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(uuid) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(uuid) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(uuid, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(uuid, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(boolean) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(boolean) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(boolean, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(boolean, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(date) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(date) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(date, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(date, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(timestamp) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(timestamp) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(timestamp, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(timestamp, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(timestamptz) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(timestamptz) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(timestamptz, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(timestamptz, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(inet) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(inet) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(inet, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(inet, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(jsonb) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(jsonb) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(jsonb, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(jsonb, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(oid) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(oid) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(oid, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(oid, integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg("char") (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg("char") IS 'set of the values';
CREATE AGGREGATE hll_add_agg("char", integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg("char", integer) IS 'set of the values at a precision';
CREATE AGGREGATE hll_add_agg(hllhash) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(hllhash) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(hllhash, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(hllhash, integer) IS 'set of the values at a precision';

/* Without COMBINEFUNC, so that Citus ships this one by its name: it can't run a polymorphic aggregate in two steps. */
CREATE AGGREGATE hll_add_agg(anyelement) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(anyelement) IS 'set of the values';
CREATE AGGREGATE hll_add_agg(anyelement, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	FINALFUNC = hll_accum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_add_agg(anyelement, integer) IS 'set of the values at a precision';

CREATE AGGREGATE approx_count_distinct(text) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(text) IS 'estimated number of distinct values';
CREATE AGGREGATE approx_count_distinct(text, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(text, integer) IS 'estimated number of distinct values, counted at a precision';
CREATE AGGREGATE approx_count_distinct("char") (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct("char") IS 'estimated number of distinct values';
CREATE AGGREGATE approx_count_distinct("char", integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct("char", integer) IS 'estimated number of distinct values, counted at a precision';
CREATE AGGREGATE approx_count_distinct(hllhash) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(hllhash) IS 'estimated number of distinct values';
CREATE AGGREGATE approx_count_distinct(hllhash, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(hllhash, integer) IS 'estimated number of distinct values, counted at a precision';
CREATE AGGREGATE approx_count_distinct(anyelement) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(anyelement) IS 'estimated number of distinct values';
CREATE AGGREGATE approx_count_distinct(anyelement, integer) (SFUNC = hll_add_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_accum_combine, SERIALFUNC = hll_accum_serialize, DESERIALFUNC = hll_accum_deserialize,
	FINALFUNC = hll_accum_count, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE approx_count_distinct(anyelement, integer) IS 'estimated number of distinct values, counted at a precision';

-- ---- union ----

CREATE FUNCTION hll_union_trans(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_union_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
CREATE FUNCTION hll_union_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_union_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
CREATE FUNCTION hll_union_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_union_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
CREATE FUNCTION hll_union_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_union_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
CREATE FUNCTION hll_union_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_union_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;

-- of a window that moves
CREATE FUNCTION hll_rolling_trans(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_rolling_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
CREATE FUNCTION hll_rolling_inverse(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_rolling_inverse' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
CREATE FUNCTION hll_rolling_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_rolling_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;

CREATE AGGREGATE hll_union_agg(hllset) (SFUNC = hll_union_trans, STYPE = internal, SSPACE = 8192,
	COMBINEFUNC = hll_union_combine, SERIALFUNC = hll_union_serialize, DESERIALFUNC = hll_union_deserialize,
	FINALFUNC = hll_union_final, FINALFUNC_MODIFY = READ_ONLY,
	MSFUNC = hll_rolling_trans, MINVFUNC = hll_rolling_inverse, MSTYPE = internal, MSSPACE = 8192,
	MFINALFUNC = hll_rolling_final, MFINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_union_agg(hllset) IS 'union of the values';

-- ---- intersect ----

CREATE FUNCTION hll_intersect_trans(internal, hllset) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_intersect_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
CREATE FUNCTION hll_intersect_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_intersect_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;
CREATE FUNCTION hll_intersect_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'hllset_intersect_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
CREATE FUNCTION hll_intersect_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'hllset_intersect_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 400;
CREATE FUNCTION hll_intersect_final(internal) RETURNS hllset
	AS 'MODULE_PATHNAME', 'hllset_intersect_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 400;

CREATE AGGREGATE hll_intersect_agg(hllset) (SFUNC = hll_intersect_trans, STYPE = internal, SSPACE = 20000,
	COMBINEFUNC = hll_intersect_combine, SERIALFUNC = hll_intersect_serialize, DESERIALFUNC = hll_intersect_deserialize,
	FINALFUNC = hll_intersect_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE hll_intersect_agg(hllset) IS 'intersection of the values, of any number';
