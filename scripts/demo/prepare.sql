-- The tables of the demo, and what it takes to judge its answers.
CREATE EXTENSION hllset;

-- One row for each package, and one for each dependency with what the demo groups it by.
CREATE TABLE package (section text, maintainer text, package text, version text, installed bigint, size bigint, md5 uuid, sha256 bytea);
CREATE TABLE dependency (section text, maintainer text, package text, installed bigint, kind text, target text);
-- The release as it came out, without its updates.
CREATE TABLE released (package text, version text);

-- Every answer of the demo beside the exact one; elements is the query of what it counts.
CREATE TABLE cell (step text, exact bigint, estimate double precision, error double precision, elements text);

-- What parts.sql finds, for the story that is told in the end.
CREATE TABLE part_answer (what text, part text, rows bigint, exact bigint, estimate double precision, error double precision, bytes integer);
CREATE TABLE cost (what text, kept text, ms numeric, bytes numeric);
CREATE TABLE whole_answer (what text, exact bigint, estimate double precision, error double precision, exact_ms numeric, hllset_ms numeric, same boolean);

-- What the set keeps of a hash (docs/format.md, "From a hash to a coupon"). Two elements of one coupon count as one.
CREATE FUNCTION coupon(hllhash) RETURNS bigint IMMUTABLE STRICT
RETURN (least(position('1' IN $1::bigint::bit(64)::text), 32) << 26) | ($1::bigint & 67108863);

CREATE FUNCTION coupons(elements text) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
	n bigint;
BEGIN
	EXECUTE 'SELECT count(DISTINCT coupon(hll_hash(x))) FROM (' || elements || ') AS e (x)' INTO n;
	RETURN n;
END
$$;

CREATE FUNCTION ms(start timestamptz, stop timestamptz) RETURNS numeric
RETURN round(extract(epoch FROM stop - start) * 1000, 1);
CREATE FUNCTION percent(double precision) RETURNS numeric
RETURN round(100 * $1::numeric, 2);
