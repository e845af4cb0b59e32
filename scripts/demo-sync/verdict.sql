-- Large sets within 5 of their own errors of the exact count, small ones within a collision of coupons.
CREATE TEMPORARY TABLE cell AS
SELECT section, exact, hll_cardinality(targets) AS estimate, greatest(hll_relative_error(targets) * exact, 0.4) AS error
FROM dependencies_global JOIN (SELECT section, count(DISTINCT target) AS exact FROM exact.arrived GROUP BY section) e USING (section);

SELECT count(*) AS sections, count(*) FILTER (WHERE round(estimate) = exact) AS "counted exactly",
	max(round((100 * abs(estimate / exact - 1))::numeric, 2)) AS "largest deviation, %",
	(SELECT round((100 * abs(hll_cardinality(hll_union_agg(targets)) / (SELECT count(DISTINCT target) FROM exact.arrived) - 1))::numeric, 2)
	 FROM dependencies_global) AS "of the whole, %"
FROM cell;

DO
$$
BEGIN
	IF EXISTS (SELECT FROM cell WHERE abs(estimate - exact) > 5 * error) OR (SELECT count(*) FROM cell) < 10 THEN
		RAISE EXCEPTION 'counts out of bounds';
	END IF;
END
$$;
