-- Which packages are behind a difference: found by an index among all that anything depends on, beside the exact list.
-- In: the tables of prepare.sql; wants, wants_exact, largest and ranked of algebra.sql.

\qecho
\qecho == Which packages are behind a difference
\qecho '     ' SELECT target FROM hll_sample(a.set - b.set) c JOIN target ON hll_coupon(target) = c WHERE hll_may_contain(a.set - b.set, target)
\qecho
CREATE TABLE target AS SELECT DISTINCT target FROM dependency;
CREATE INDEX ON target (hll_coupon(target));
ANALYZE target;

-- The eight largest sections, and eight of the smallest.
CREATE TABLE chosen AS
SELECT * FROM largest UNION ALL (SELECT section, set FROM wants WHERE # set >= 10 ORDER BY # set LIMIT 8);
CREATE TABLE difference AS
SELECT a.section AS a, b.section AS b, a.set - b.set AS set FROM chosen a JOIN chosen b ON a.section <> b.section;
ANALYZE difference;
SELECT clock_timestamp() AS t0 \gset
CREATE TABLE behind AS
SELECT a, b, hll_sample_rate(set) AS rate, t.target
FROM difference, hll_sample(set) c JOIN target t ON hll_coupon(t.target) = c WHERE hll_may_contain(set, t.target);
SELECT clock_timestamp() AS t1 \gset
CREATE TABLE behind_exact AS
SELECT a.section AS a, b.section AS b, a.target
FROM wants_exact a JOIN chosen c ON c.section = a.section JOIN chosen b ON a.section <> b.section
WHERE NOT EXISTS (SELECT FROM wants_exact w WHERE w.section = b.section AND w.target = a.target);
SELECT clock_timestamp() AS t2 \gset
ANALYZE behind, behind_exact;
-- The members of the sample's levels, which it should find; all of them if both sets are small.
CREATE TABLE behind_sample AS
SELECT a, b, rate, e.target
FROM behind_exact e JOIN (SELECT a, b, hll_sample_rate(set) AS rate FROM difference) d USING (a, b)
WHERE hll_coupon(e.target) >> 20 >= -log(2, rate::numeric);

-- The pair with the shortest list.
SELECT a, b FROM behind_exact JOIN difference d USING (a, b) WHERE hll_sample_rate(d.set) = 1 GROUP BY a, b ORDER BY count(*), a, b LIMIT 1 \gset
\qecho What a small section needs that another small one does not (:a, but not :b): all of it is found
SELECT f.target AS found, e.target AS exact
FROM (SELECT target FROM behind WHERE (a, b) = (:'a', :'b')) f FULL JOIN (SELECT target FROM behind_exact WHERE (a, b) = (:'a', :'b')) e USING (target)
ORDER BY target;

\qecho Of the largest sections a sample is found, its rate one in ...
SELECT e.a, e.b AS "but not", exact, round(1 / rate) AS "one in", sampled AS "exact in the sample", found, found - sampled AS more
FROM (SELECT a, b, count(*) AS exact FROM behind_exact GROUP BY a, b) e JOIN (SELECT a, b, rate, count(*) AS found FROM behind GROUP BY a, b, rate) f USING (a, b)
	JOIN (SELECT a, b, count(*) AS sampled FROM behind_sample GROUP BY a, b) s USING (a, b)
WHERE a IN (SELECT section FROM ranked WHERE place <= 4) AND b IN (SELECT section FROM ranked WHERE place <= 4) ORDER BY a, b;

\qecho All these pairs: members of the samples, missed (they share a token with what is subtracted), and found without being one
CREATE TEMPORARY TABLE members_verdict AS
SELECT (SELECT count(*) FROM behind_sample) AS in_samples,
	(SELECT count(*) FROM behind_sample s WHERE NOT EXISTS (SELECT FROM behind f WHERE (f.a, f.b, f.target) = (s.a, s.b, s.target))) AS missed,
	(SELECT count(*) FROM behind f WHERE NOT EXISTS (SELECT FROM behind_exact e WHERE (f.a, f.b, f.target) = (e.a, e.b, e.target))) AS wrong;
SELECT in_samples AS "in the samples", missed, wrong, ms(:'t1', :'t2') AS "exact ms", ms(:'t0', :'t1') AS "hllset ms" FROM members_verdict;

DO
$$
DECLARE
	v record;
BEGIN
	SELECT * INTO v FROM members_verdict;
	IF v.missed > 0.005 * v.in_samples + 3 OR v.wrong > 0.01 * v.in_samples + 3 THEN
		RAISE EXCEPTION 'members out of bounds: % in the samples, % missed, % wrong', v.in_samples, v.missed, v.wrong;
	END IF;
END
$$;
