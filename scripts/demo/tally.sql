-- The verdict over all cells: sets of up to 1,024 elements count exactly, larger ones within their own error.
CREATE TEMPORARY TABLE judged AS
SELECT step, exact <= 1024 AS small,
	CASE WHEN exact <= 1024 THEN estimate = exact END AS exact,
	CASE WHEN exact <= 1024 AND estimate <> exact THEN estimate = coupons(elements) END AS collided,
	CASE WHEN exact > 1024 THEN abs(estimate / exact - 1) / error END AS deviation
FROM cell;

SELECT count(*) AS cells FROM cell \gset
\if :brief
\qecho == All answers of this demo beside the exact ones (--verbose shows them):
\qecho
SELECT 'counts of up to 1,024 elements' AS answers, count(*) AS number, count(*) FILTER (WHERE j.exact) || ' exact' || coalesce(', short by elements that share 31 bits of their hash: ' || nullif(count(*) FILTER (WHERE collided), 0), '') AS judged FROM judged j WHERE small
UNION ALL
SELECT 'larger counts', count(*), count(*) FILTER (WHERE deviation <= 3) || ' within 3 of their own standard errors' FROM judged WHERE NOT small;
\if :debian
SELECT 'overlaps and differences of small sets' AS answers, count(*) AS number, count(*) FILTER (WHERE deviation = 0) || ' exact, the others off by at most ' || max(deviation) AS judged FROM verdict WHERE small
UNION ALL
SELECT 'of large sets', count(*), count(*) FILTER (WHERE held) || ' within their 95 % intervals' FROM verdict WHERE NOT small;
\qecho '(These are made of the same few sets: where one of them is seen badly, all of its overlaps are off together.)'
\endif
\else
\qecho
\qecho == All :cells counts of sets in this demo, judged by the exact ones
\qecho '   Small: up to 1,024 elements, to be exact unless two elements share their 31 bits of hash (5 in 10^9 pairs do).'
\qecho '   Large: deviations in units of the error that the set itself states; 0.3 % are expected beyond 3.'
\qecho
SELECT coalesce(step, 'all') AS step, count(*) AS cells, count(*) FILTER (WHERE small) AS small, count(*) FILTER (WHERE j.exact) AS exact,
	count(*) FILTER (WHERE collided) AS collided, count(*) FILTER (WHERE NOT small) AS large,
	count(*) FILTER (WHERE deviation > 3) AS "beyond 3", count(*) FILTER (WHERE deviation > 5) AS "beyond 5",
	round(max(deviation)::numeric, 2) AS largest
FROM judged j GROUP BY ROLLUP (j.step) ORDER BY j.step;
\endif

DO
$$
DECLARE
	wrong bigint := (SELECT count(*) FROM judged WHERE small AND NOT exact AND NOT collided);
	beyond3 bigint := (SELECT count(*) FROM judged WHERE deviation > 3);
	beyond5 bigint := (SELECT count(*) FROM judged WHERE deviation > 5);
BEGIN
	IF wrong > 0 OR beyond5 > 0 OR beyond3 > greatest(1, 0.02 * (SELECT count(*) FROM judged)) THEN
		RAISE EXCEPTION 'answers out of bounds: % small ones wrong, % beyond 3 errors, % beyond 5', wrong, beyond3, beyond5;
	END IF;
END
$$;
