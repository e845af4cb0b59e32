-- Intersections and differences: what the sections share, what only one of them has, what updates have changed. Exact answers beside.
-- In: the tables of prepare.sql, and released (package, version), the index of the release as it came out, without updates.

\qecho
\qecho == What two sections both depend on, and how alike they are, for every pair of sections:
\qecho '     ' SELECT a.section, b.section, in_both, in_both_error FROM wants a, wants b, hll_venn(a.set, b.set)
\qecho
CREATE TABLE wants AS SELECT section, hll_add_agg(target) AS set FROM dependency GROUP BY section;
CREATE TABLE wants_exact AS SELECT DISTINCT section, target FROM dependency;
SELECT clock_timestamp() AS t0 \gset
CREATE TABLE shared AS
SELECT a.section AS a, b.section AS b, v.* FROM wants a JOIN wants b ON a.section < b.section, hll_venn(a.set, b.set) v;
SELECT clock_timestamp() AS t1 \gset
CREATE TABLE shared_exact AS
SELECT a.section AS a, b.section AS b, count(*) AS count
FROM wants_exact a JOIN wants_exact b ON a.target = b.target AND a.section < b.section GROUP BY a.section, b.section;
SELECT clock_timestamp() AS t2 \gset

CREATE VIEW largest AS SELECT section, set FROM wants ORDER BY # set DESC LIMIT 8;
\qecho The eight largest sections: shared dependencies, exact / hllset
SELECT a, b, coalesce(count, 0) || ' / ' || round(in_both) AS cell
FROM shared LEFT JOIN shared_exact USING (a, b)
WHERE a IN (SELECT section FROM largest) AND b IN (SELECT section FROM largest) ORDER BY a, b
\crosstabview a b cell
\qecho The overlap matrix: hll_jaccard(a.set, b.set), the shared part of all that either needs
SELECT a.section AS a, b.section AS b, round(hll_jaccard(a.set, b.set)::numeric, 3) AS jaccard
FROM largest a, largest b ORDER BY a.section, b.section
\crosstabview a b jaccard
\qecho All pairs took (ms):
SELECT count(*) AS pairs, ms(:'t1', :'t2') AS exact, ms(:'t0', :'t1') AS hllset FROM shared;

CREATE TABLE answer (step text, exact bigint, estimate double precision, lower double precision, upper double precision);
INSERT INTO answer
SELECT 'shared by two', coalesce(count, 0), in_both, in_both - 1.96 * in_both_error, in_both + 1.96 * in_both_error
FROM shared LEFT JOIN shared_exact USING (a, b);

\qecho == What a section needs and no other does
\qecho '     ' SELECT a.section, a.set - hll_union_agg(b.set) FROM wants a JOIN wants b ON a.section <> b.section GROUP BY a.section, a.set
\qecho
CREATE TABLE own AS
SELECT a.section, a.set - hll_union_agg(b.set) AS set
FROM wants a JOIN wants b ON a.section <> b.section GROUP BY a.section, a.set;
CREATE TABLE own_exact AS
SELECT section, count(*) AS count
FROM (SELECT min(section) AS section FROM wants_exact GROUP BY target HAVING count(*) = 1) AS t GROUP BY section;
SELECT section, coalesce(count, 0) AS exact, round(estimate) AS hllset, round(lower) AS "95 % from", round(upper) AS "to"
FROM own JOIN largest USING (section) LEFT JOIN own_exact USING (section), hll_cardinality_bounds(own.set)
ORDER BY section;
INSERT INTO answer
SELECT 'in no other', coalesce(count, 0), b.* FROM own LEFT JOIN own_exact USING (section), hll_cardinality_bounds(set) AS b;

\qecho == What more and more sections all need: beyond six sets a sample of the elements answers
\qecho '     ' SELECT hll_intersect_agg(set) OVER (ORDER BY place) FROM ranked
\qecho
CREATE TABLE ranked AS SELECT row_number() OVER (ORDER BY # set DESC) AS place, section, set FROM wants;
CREATE TABLE common AS SELECT place, section, hll_intersect_agg(set) OVER (ORDER BY place) AS set FROM ranked;
CREATE TABLE common_exact AS
SELECT place, count(DISTINCT target) FILTER (WHERE sections = place) AS count
FROM (
	SELECT place, target, count(*) OVER (PARTITION BY target ORDER BY place) AS sections
	FROM wants_exact JOIN ranked USING (section)
) AS t GROUP BY place;
SELECT place AS sections, section AS "and also", hll_kind(set) AS kind, count AS exact, round(estimate) AS hllset,
	round(lower) AS "95 % from", round(upper) AS "to"
FROM common JOIN common_exact USING (place), hll_cardinality_bounds(set) WHERE place BETWEEN 2 AND 9 ORDER BY place;
INSERT INTO answer
SELECT 'in all of', count, b.* FROM common JOIN common_exact USING (place), hll_cardinality_bounds(set) AS b;

\qecho == What updates have changed: packages of the release against those that this machine would install now
\qecho '     ' SELECT * FROM hll_diff(old, new)
\qecho
CREATE TABLE change AS
SELECT d.* FROM (SELECT hll_add_agg(package || ' ' || version) AS set FROM released) AS old,
	(SELECT hll_add_agg(package || ' ' || version) AS set FROM package) AS new, hll_diff(old.set, new.set) AS d;
CREATE TABLE change_exact AS
SELECT count(*) FILTER (WHERE now IS NULL) AS deleted, count(*) FILTER (WHERE now AND old) AS retained,
	count(*) FILTER (WHERE old IS NULL) AS added
FROM (SELECT DISTINCT package || ' ' || version AS id, true AS old FROM released) AS o
	FULL JOIN (SELECT DISTINCT package || ' ' || version AS id, true AS now FROM package) AS n USING (id);
CREATE VIEW changed AS
SELECT v.* FROM change c, change_exact e, LATERAL (VALUES ('superseded', e.deleted, c.deleted),
	('unchanged', e.retained, c.retained), ('new', e.added, c.added)) AS v (what, exact, set);
SELECT what, exact, round(estimate) AS hllset, round(lower) AS "95 % from", round(upper) AS "to"
FROM changed, hll_cardinality_bounds(set);
INSERT INTO answer
SELECT 'changed', exact, b.* FROM changed, hll_cardinality_bounds(set) AS b;

\qecho == All these answers, judged by the exact ones
\qecho '   Small: exact by themselves, but for an element that shares its 31 bits of hash with another. Large: with an interval of 95 %.'
\qecho '   The intervals are made for one answer at a time. The pairs are made of the same few sets: where one of these is seen badly, all of its'
\qecho '   overlaps are off together. So of all pairs, other than of independent ones, more or fewer than 95 in 100 may hold.'
\qecho
CREATE TABLE verdict AS
SELECT step, upper - lower < 1 AS small, abs(estimate - exact) AS deviation, exact BETWEEN lower AND upper AS held FROM answer;
SELECT coalesce(step, 'all') AS step, count(*) AS answers, count(*) FILTER (WHERE small) AS small,
	count(*) FILTER (WHERE small AND deviation = 0) AS exact, count(*) FILTER (WHERE NOT small) AS large,
	count(*) FILTER (WHERE NOT small AND held) AS "within the interval"
FROM verdict v GROUP BY ROLLUP (step) ORDER BY v.step;

DO
$$
DECLARE
	wrong bigint := (SELECT count(*) FROM verdict WHERE small AND deviation > 2);
	held double precision := (SELECT avg(held::int) FROM verdict WHERE NOT small);
BEGIN
	IF wrong > 0 OR held < 0.75 THEN
		RAISE EXCEPTION 'answers out of bounds: % small ones wrong, % of the large ones within their intervals', wrong, held;
	END IF;
END
$$;
