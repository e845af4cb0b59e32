-- Search: the sections that are most similar to one, by an index of the sets. The exact ranking beside.
-- In: wants (section, set), wants_exact (section, target) and largest of algebra.sql.

\qecho
\qecho == The sections that are most similar to one, in what they depend on, by index:
\qecho '     ' CREATE INDEX ON wants USING gin (set);
\qecho '     ' SELECT section, hll_jaccard(set, q) FROM wants WHERE set % hll_similar_to(q) ORDER BY 2 DESC
\qecho
CREATE INDEX ON wants USING gin (set);
ANALYZE wants;
CREATE TABLE seed AS SELECT section, set FROM largest ORDER BY # set LIMIT 1;
CREATE TABLE alike_exact AS
SELECT o.section, count(*) FILTER (WHERE q.target IS NOT NULL)::float8 / (count(*) + (SELECT count(*) FROM wants_exact WHERE section = (SELECT section FROM seed)) - count(q.target)) AS jaccard
FROM wants_exact o LEFT JOIN wants_exact q ON q.target = o.target AND q.section = (SELECT section FROM seed) GROUP BY o.section;
-- a few dozen rows are sooner scanned, and the planner knows it
SET enable_seqscan = off;
SELECT clock_timestamp() AS t0 \gset
CREATE TABLE alike AS
SELECT w.section, hll_jaccard(w.set, s.set) AS jaccard FROM seed s JOIN wants w ON w.set % hll_similar_to(s.set);
SELECT clock_timestamp() AS t1 \gset
RESET enable_seqscan;
SET enable_bitmapscan = off;
CREATE TABLE alike_scan AS
SELECT w.section FROM seed s JOIN wants w ON w.set % hll_similar_to(s.set);
RESET enable_bitmapscan;

SELECT (SELECT section FROM seed) AS "similar to", e.section, round(e.jaccard::numeric, 3) AS exact, round(a.jaccard::numeric, 3) AS hllset,
	rank() OVER (ORDER BY e.jaccard DESC) AS "exact rank", CASE WHEN a.section IS NOT NULL THEN rank() OVER (ORDER BY a.jaccard DESC NULLS LAST) END AS rank
FROM alike_exact e LEFT JOIN alike a USING (section) WHERE e.section <> (SELECT section FROM seed) ORDER BY e.jaccard DESC LIMIT 12;
\qecho At least a tenth is asked for; what has less may be found or not. It took (ms):
SELECT (SELECT count(*) FROM wants) AS sets, (SELECT count(*) FROM alike) AS found, ms(:'t0', :'t1') AS ms;

DO
$$
BEGIN
	IF EXISTS (SELECT section FROM alike_exact WHERE jaccard >= 0.2 EXCEPT SELECT section FROM alike) THEN
		RAISE EXCEPTION 'a section that shares a fifth of all with another one was not found';
	END IF;
	IF EXISTS ((TABLE alike_scan EXCEPT SELECT section FROM alike) UNION ALL (SELECT section FROM alike EXCEPT TABLE alike_scan)) THEN
		RAISE EXCEPTION 'the index found other sections than a scan';
	END IF;
END
$$;
