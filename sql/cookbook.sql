-- The recipes of docs/cookbook.md, which shows parts of this file and what they print (test/cookbook.sh compares).

SET client_min_messages = warning;
CREATE SCHEMA cookbook;
SET search_path = cookbook, public;

-- The same "random" number from 0 to 99 everywhere.
CREATE FUNCTION percent_of(int, int) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint4extended($1, $2) & 65535) % 100 $$;

-- Users join in one of six months; less than half of them are seen again.
CREATE TABLE visits AS
SELECT m AS month, u AS user_id FROM generate_series(1, 6) m, generate_series(1, 48000) u
WHERE u % 6 + 1 = m OR u % 6 + 1 < m AND percent_of(u, m) < 50 - 6 * (m - u % 6 - 1);
-- Of 40,000 visitors of a shop fewer come to each step; some come to a later step in another way.
CREATE TABLE events AS
SELECT i AS step, (ARRAY['visit', 'search', 'cart', 'address', 'payment'])[i] AS name, u AS user_id
FROM generate_series(1, 5) i, generate_series(1, 40000) u
WHERE percent_of(u, 1) < (ARRAY[100, 60, 30, 18, 12])[i] OR percent_of(u, 2) < 5 AND i = 3 + u % 3;
-- Six sites share a part of their users: the more, the closer their numbers.
CREATE TABLE readers AS
SELECT 'site ' || s AS site, u AS user_id FROM generate_series(1, 6) s, generate_series(1, 60000) u
WHERE abs(u / 6000 - s) < 3 AND percent_of(u, s) < 80;
-- Two weeks of a service: some of its users come every day, most of them seldom.
CREATE TABLE logins AS
SELECT date '2026-03-02' + d AS day, u AS user_id FROM generate_series(0, 13) d, generate_series(1, 30000) u
WHERE percent_of(u, d) < (ARRAY[90, 50, 25, 10, 10, 5])[u % 6 + 1];

-- What is shown beside the answers. A count of tens: below that they may depend on the machine's rounding.
CREATE FUNCTION about(double precision) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT round($1::numeric, -1) $$;
CREATE TABLE exact_cohort AS
SELECT first AS cohort, month, count(*) AS exact FROM visits JOIN (SELECT user_id, min(month) AS first FROM visits GROUP BY 1) f USING (user_id) GROUP BY 1, 2;
CREATE TABLE exact_month AS
SELECT month, count(*) FILTER (WHERE first = month) AS exact_new, count(*) FILTER (WHERE first < month AND last IS NULL) AS exact_back,
	lag(count(*)) OVER (ORDER BY month) - count(last) AS exact_lost
FROM (SELECT month, user_id, min(month) OVER (PARTITION BY user_id) AS first,
	min(month) OVER (PARTITION BY user_id ORDER BY month RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING) AS last FROM visits) v GROUP BY month;
CREATE TABLE exact_funnel AS
SELECT step, count(*) FILTER (WHERE came = step) AS exact FROM (SELECT step, user_id, count(*) OVER (PARTITION BY user_id ORDER BY step) AS came FROM events) e GROUP BY step;
CREATE TABLE exact_week AS
SELECT day, count(DISTINCT l.user_id) AS exact FROM (SELECT DISTINCT day FROM logins) d JOIN LATERAL (SELECT user_id FROM logins WHERE logins.day BETWEEN d.day - 6 AND d.day) l ON true GROUP BY day;
CREATE TABLE exact_overlap AS
SELECT a.site AS a, b.site AS b, count(*) AS exact FROM readers a JOIN readers b USING (user_id) GROUP BY 1, 2;
CREATE TABLE exact_own AS
SELECT site, count(*) AS exact FROM (SELECT min(site) AS site FROM readers GROUP BY user_id HAVING count(*) = 1) r GROUP BY site;
CREATE TABLE exact_days AS
SELECT within, days, count(*) AS exact
FROM (SELECT within, user_id, count(*)::int AS days FROM logins, unnest(ARRAY[5, 14]) within WHERE day < date '2026-03-02' + within GROUP BY 1, 2) l GROUP BY 1, 2;
CREATE TABLE exact_churn AS
SELECT count(*) FILTER (WHERE first AND NOT second) AS deleted, count(*) FILTER (WHERE first AND second) AS retained, count(*) FILTER (WHERE second AND NOT first) AS added
FROM (SELECT bool_or(day = '2026-03-02') AS first, bool_or(day = '2026-03-09') AS second FROM logins GROUP BY user_id) l;

-- retention cohorts
CREATE TABLE monthly AS
SELECT month, hll_add_agg(user_id) AS users FROM visits GROUP BY month;

CREATE VIEW cohort AS
SELECT month, coalesce(users - (hll_union_agg(users) OVER (ORDER BY month ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW)), users) AS users
FROM monthly;

SELECT c.month AS cohort, m.month, about(# seen) AS seen, about(hll_cardinality(seen) * hll_relative_error(seen)) AS error, exact
FROM cohort c JOIN monthly m ON m.month >= c.month, LATERAL (SELECT c.users & m.users AS seen) s,
	exact_cohort e
WHERE e.cohort = c.month AND e.month = m.month
ORDER BY c.month, m.month;

-- new, returning and lost users
SELECT month, about(# come) AS new, exact_new, about(# back) AS back, exact_back, about(# lost) AS lost, exact_lost
FROM (
	SELECT month, users - seen AS come, (users - last) & seen AS back, last - users AS lost
	FROM (
		SELECT month, users, lag(users) OVER (ORDER BY month) AS last,
			hll_union_agg(users) OVER (ORDER BY month ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS seen
		FROM monthly
	) m
) m JOIN exact_month USING (month)
WHERE month > 1
ORDER BY month;

-- a funnel of five steps
CREATE TABLE steps AS
SELECT step, name, hll_add_agg(user_id) AS users FROM events GROUP BY step, name;

SELECT step, name, about(# users) AS at_step, about(# passed) AS passed_all, exact,
	round(100 * (# passed)::numeric / first_value((# passed)::numeric) OVER (ORDER BY step), 1) AS percent
FROM (SELECT *, hll_intersect_agg(users) OVER (ORDER BY step) AS passed FROM steps) s JOIN exact_funnel USING (step)
ORDER BY step;

-- an audience overlap matrix
CREATE TABLE audience AS
SELECT site, hll_add_agg(user_id) AS users FROM readers GROUP BY site;

SELECT a.site, b.site AS with, about(in_both) AS users, about(in_both_error) AS error, exact,
	round((in_both / (only_a + in_both))::numeric, 2) AS part_of_first, round((in_both / (only_b + in_both))::numeric, 2) AS part_of_second
FROM audience a JOIN audience b ON a.site < b.site, hll_venn(a.users, b.users), exact_overlap e
WHERE e.a = a.site AND e.b = b.site
ORDER BY a.site, b.site;

SELECT a.site AS a, b.site AS b, round(hll_jaccard(a.users, b.users)::numeric, 2) AS jaccard
FROM audience a, audience b
ORDER BY a.site, b.site
\crosstabview a b jaccard

SELECT site, about(# own) AS in_no_other, about(hll_cardinality(own) * hll_relative_error(own)) AS error, exact
FROM (
	SELECT a.site, a.users - hll_union_agg(b.users) AS own
	FROM audience a JOIN audience b ON b.site <> a.site
	GROUP BY a.site, a.users
) s JOIN exact_own USING (site)
ORDER BY site;

-- rolling weeks
CREATE TABLE daily AS
SELECT day, hll_add_agg(user_id) AS users FROM logins GROUP BY day;

SELECT to_char(day, 'Mon DD') AS until, about(# users) AS daily, about(# week) AS weekly, exact, round((hll_cardinality(users) / hll_cardinality(week))::numeric, 2) AS share
FROM (SELECT day, users, hll_union_agg(users) OVER (ORDER BY day RANGE '6 days' PRECEDING) AS week FROM daily) w JOIN exact_week USING (day)
WHERE day > '2026-03-07'
ORDER BY day;

-- frequency of visits

CREATE FUNCTION in_exactly(k int, sets hllset[]) RETURNS hllset LANGUAGE plpgsql IMMUTABLE AS
$$
DECLARE
	digits hllset[] := array_fill(hllset_empty(), ARRAY[8]);
	carry hllset;
	moved hllset;
	result hllset;
BEGIN
	FOREACH carry IN ARRAY sets LOOP
		FOR i IN 1..8 LOOP
			moved := digits[i] & carry;
			digits[i] := digits[i] # carry;
			carry := moved;
		END LOOP;
	END LOOP;
	FOR i IN 1..8 LOOP
		IF k >> (i - 1) & 1 = 1 THEN
			result := coalesce(result & digits[i], digits[i]);
		END IF;
	END LOOP;
	FOR i IN 1..8 LOOP
		IF k >> (i - 1) & 1 = 0 THEN
			result := result - digits[i];
		END IF;
	END LOOP;
	RETURN result;
END
$$;

SELECT days, hll_kind(users) AS kind, about(# users) AS users, about(hll_cardinality(users) * hll_relative_error(users)) AS error, exact
FROM generate_series(1, 5) days JOIN exact_days USING (days),
	LATERAL (SELECT in_exactly(days, array_agg(users ORDER BY day)) AS users FROM daily WHERE day < '2026-03-07') d
WHERE within = 5
ORDER BY days;

SELECT days, hll_kind(users) AS kind, about(# users) AS users, about(hll_cardinality(users) * hll_relative_error(users)) AS error, exact
FROM generate_series(1, 14) days JOIN exact_days USING (days),
	LATERAL (SELECT in_exactly(days, array_agg(users ORDER BY day)) AS users FROM daily) d
WHERE within = 14
ORDER BY days;

-- churn between two days
SELECT name, about(estimate) AS users, about(lower) AS lower, about(upper) AS upper, exact
FROM daily a, daily b, hll_diff(a.users, b.users) d, exact_churn e,
	LATERAL (VALUES (1, 'lost', d.deleted, e.deleted), (2, 'kept', d.retained, e.retained), (3, 'new', d.added, e.added)) v (n, name, set, exact),
	hll_cardinality_bounds(set, 0.95)
WHERE a.day = '2026-03-02' AND b.day = '2026-03-09'
ORDER BY n;

SELECT round(1 - hll_containment(a.users, b.users)::numeric, 3) AS churn, round(deleted::numeric / (deleted + retained), 3) AS exact
FROM daily a, daily b, exact_churn
WHERE a.day = '2026-03-02' AND b.day = '2026-03-09';

-- foreign keys of a schema that declares none
CREATE SCHEMA shop;
CREATE TABLE shop.customer AS SELECT 700000 + 3 * i AS id, 'C' || i AS code, 'name ' || i % 900 AS name FROM generate_series(1, 30000) i;
CREATE TABLE shop.product AS SELECT 1000 + i AS id, 'P' || i AS code, i % 40 AS category FROM generate_series(1, 800) i;
CREATE TABLE shop.category AS SELECT i AS id, 'category ' || i AS name FROM generate_series(0, 49) i;
CREATE TABLE shop.purchase AS
SELECT 9000000 + i AS id, 700000 + 3 * (1 + i * 7919 % 25000) AS customer, 1001 + i * 31 % 800 AS product, date '2026-01-01' + i % 90 AS day FROM generate_series(1, 60000) i;
CREATE TABLE shop.complaint AS
SELECT 9000000 + 7 * i AS purchase, CASE WHEN i % 100 = 0 THEN 'gone ' || i ELSE 'C' || 1 + i * 13 % 30000 END AS customer_code FROM generate_series(1, 8000) i;

CREATE TABLE profile (tab text, col text, filled bigint, vals hllset);
DO
$$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT table_name AS tab, column_name AS col FROM information_schema.columns WHERE table_schema = 'shop' LOOP
		EXECUTE format('INSERT INTO profile SELECT %1$L, %2$L, count(%2$I), hll_add_agg(%2$I) FROM shop.%1$I', c.tab, c.col);
	END LOOP;
END
$$;

CREATE FUNCTION chance_unseen(key hllset) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$
	SELECT CASE WHEN hll_info(key) ->> 'level0' = '0' THEN 0
		ELSE 1 - sum(2.0 ^ -(k + 1) * exp(-(# key) * 2.0 ^ -(k + 1 + hll_precision(key)))) END
	FROM generate_series(0, 31) k
$$;

SELECT missing, round((chance_unseen(vals) ^ missing)::numeric, 3) AS chance
FROM profile, unnest(ARRAY[1, 5, 10, 20]) missing
WHERE tab = 'customer' AND col = 'id'
ORDER BY missing;

SELECT f.tab || '.' || f.col AS "column", k.tab || '.' || k.col AS "references", f.vals <@ k.vals AS no_orphan_seen,
	round(contained::numeric, 3) AS contained, round(hll_containment(k.vals, f.vals)::numeric, 2) AS key_used,
	ceil(CASE WHEN f.vals <@ k.vals THEN coalesce(ln(0.01) / ln(nullif(chance_unseen(k.vals), 0)), 0)
		ELSE (hll_cardinality_bounds(f.vals - k.vals, 0.99)).upper END) AS orphans_at_most
FROM profile f JOIN profile k ON f.tab <> k.tab, hll_containment(f.vals, k.vals) contained
WHERE # k.vals > 0.95 * k.filled AND contained > 0.95
ORDER BY key_used DESC, 1, 2;

DROP SCHEMA shop, cookbook CASCADE;
