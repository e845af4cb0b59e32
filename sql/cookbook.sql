-- The recipes of docs/cookbook.md, which shows parts of this file and what they print (test/pages.py compares).

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
-- A hundred thousand customers; half of them bought in May, of whom some bought in June too, beside new ones. What they have spent so far differs much.
CREATE TABLE customer AS
SELECT u AS id, (20 + 380 * (1 - sqrt(1 - percent_of(u, 30) / 100.0)) + u % 7)::int AS spent FROM generate_series(1, 100000) u;
CREATE TABLE purchase AS
SELECT m AS month, u AS customer FROM generate_series(5, 6) m, generate_series(1, 100000) u
WHERE percent_of(u, 31) < 50 AND (m = 5 OR percent_of(u, 32) < 60 - u % 3 * 10) OR m = 6 AND percent_of(u, 31) >= 85;

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
CREATE TABLE exact_left AS
SELECT round(avg(spent), 1) AS exact_mean, percentile_disc(0.9) WITHIN GROUP (ORDER BY spent) AS exact_ninetieth, sum(spent) AS exact_sum
FROM customer WHERE id IN (SELECT customer FROM purchase WHERE month = 5 EXCEPT SELECT customer FROM purchase WHERE month = 6);
CREATE TABLE exact_region AS
SELECT sets, count(*) AS exact FROM (SELECT array_agg(right(site, 1)::int ORDER BY site) AS sets FROM readers WHERE site < 'site 6' GROUP BY user_id) r GROUP BY sets;

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

-- who left: members of a difference
CREATE TABLE buyers AS
SELECT month, hll_add_agg(customer) AS set FROM purchase GROUP BY month;

CREATE INDEX ON customer (hll_coupon(id));
ANALYZE customer, buyers;

CREATE VIEW gone AS
SELECT may.set - june.set AS set FROM buyers may, buyers june WHERE may.month = 5 AND june.month = 6;

SELECT customer.* FROM gone, hll_sample(set) c JOIN customer ON hll_coupon(id) = c
WHERE hll_may_contain(set, id)
ORDER BY spent DESC, id LIMIT 5;

SELECT count(*) AS found, round(avg(spent), 1) AS mean, round((1.96 * stddev(spent) / sqrt(count(*)))::numeric, 1) AS plus_minus, exact_mean,
	percentile_disc(0.9) WITHIN GROUP (ORDER BY spent) AS ninetieth, exact_ninetieth
FROM exact_left, gone, hll_sample(set) c JOIN customer ON hll_coupon(id) = c
WHERE hll_may_contain(set, id)
GROUP BY exact_mean, exact_ninetieth;

SELECT round((mean * # set)::numeric, -3) AS spent,
	round((mean * hll_cardinality(set) * 1.96 * sqrt((deviation / mean) ^ 2 / found + hll_relative_error(set) ^ 2))::numeric, -3) AS plus_minus, exact_sum
FROM exact_left, gone, LATERAL (
	SELECT count(*) AS found, avg(spent)::float8 AS mean, stddev(spent)::float8 AS deviation
	FROM hll_sample(set) c JOIN customer ON hll_coupon(id) = c
	WHERE hll_may_contain(set, id)
) s;

-- an UpSet table
SELECT array_to_string(ARRAY(SELECT CASE WHEN i = ANY (sets) THEN 'x' ELSE '.' END FROM generate_series(1, 5) i), ' ') AS "1 2 3 4 5", about(cardinality) AS users, about(error) AS error, coalesce(exact, 0) AS exact
FROM (SELECT array_agg(users ORDER BY site) AS five FROM audience WHERE site < 'site 6') a, hll_regions(VARIADIC five) LEFT JOIN exact_region USING (sets)
ORDER BY cardinality DESC LIMIT 12;

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

-- foreign keys, by index
CREATE INDEX ON profile USING gin (vals hllset_contain_ops);

SELECT f.tab || '.' || f.col AS "column", k.tab || '.' || k.col AS "references",
	round(contained::numeric, 3) AS contained, round(hll_containment(k.vals, f.vals)::numeric, 2) AS key_used
FROM profile f JOIN profile k ON k.vals %> hll_within(f.vals, 0.9) AND f.tab <> k.tab, hll_containment(f.vals, k.vals) contained
WHERE # k.vals > 0.95 * k.filled AND contained > 0.95
ORDER BY key_used DESC, 1, 2;

-- look-alike audiences
-- 3,000 audiences, each of users who are near its centre; every tenth follows another one.
CREATE TABLE member AS
SELECT a AS audience, c + u AS user_id
FROM (SELECT a, (hashint4extended(CASE WHEN a % 10 = 0 THEN a / 100 * 100 + 1 ELSE a END, 7) & 65535)::int * 40 AS c, 300 + a % 7 * 200 AS n FROM generate_series(1, 3000) a) x, generate_series(0, n) u
WHERE percent_of(u, a) < 60 + a % 5 * 10;

CREATE TABLE campaign AS
SELECT audience AS id, 'campaign ' || audience AS name, hll_add_agg(user_id) AS users FROM member GROUP BY audience;
CREATE INDEX ON campaign USING gin (users);

CREATE TABLE exact_alike AS
SELECT o.audience AS id, count(*)::numeric / (count(*) + (SELECT count(*) FROM member WHERE audience = o.audience) - count(*) + (SELECT count(*) FROM member WHERE audience = 1501) - count(*)) AS exact
FROM member q JOIN member o USING (user_id) WHERE q.audience = 1501 GROUP BY 1;

SELECT a.name, round(hll_jaccard(a.users, seed.users)::numeric, 2) AS jaccard, round(exact, 2) AS exact
FROM campaign seed, campaign a JOIN exact_alike USING (id)
WHERE seed.id = 1501 AND a.users % hll_similar_to(seed.users) AND a.id <> seed.id
ORDER BY jaccard DESC, a.id LIMIT 8;

SELECT (SELECT count(*) FROM exact_alike WHERE exact >= 0.1) AS "exact >= 0.1", count(*) AS "of these found"
FROM campaign seed, campaign a JOIN exact_alike USING (id)
WHERE seed.id = 1501 AND a.users % hll_similar_to(seed.users) AND exact >= 0.1;

CREATE FUNCTION most_similar(seed hllset, wanted bigint) RETURNS TABLE (name text, jaccard double precision) LANGUAGE sql STABLE AS
$$
	WITH threshold AS (
		SELECT coalesce(max(t), 0.06) AS t FROM unnest(ARRAY[0.8, 0.4, 0.2, 0.1]) t
		WHERE (SELECT count(*) FROM campaign WHERE users % hll_similar_to(seed, t)) >= wanted)
	SELECT name, hll_jaccard(users, seed) FROM campaign, threshold
	WHERE users % hll_similar_to(seed, t) ORDER BY 2 DESC, 1 LIMIT wanted
$$;

SELECT most_similar.name, round(jaccard::numeric, 2) AS jaccard FROM campaign a, most_similar(a.users, 3) WHERE a.id = 1501;

-- near-duplicate documents
-- 1,500 texts of 120 words; every tenth is another one with some words exchanged.
CREATE TABLE document AS
SELECT d AS id, string_agg(CASE WHEN d % 10 = 0 AND percent_of(w, d) < d / 10 % 12 THEN 'new' || d || w ELSE 'w' || percent_of(w, CASE WHEN d % 10 = 0 THEN d - 5 ELSE d END) END, ' ' ORDER BY w) AS body
FROM generate_series(1, 1500) d, generate_series(1, 120) w GROUP BY d;

CREATE FUNCTION shingles(body text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS
$$
	SELECT concat_ws(' ', word, lead(word) OVER w, lead(word, 2) OVER w)
	FROM regexp_split_to_table(lower(body), '\W+') WITH ORDINALITY u (word, n) WINDOW w AS (ORDER BY n)
$$;
CREATE TABLE shingled AS
SELECT id, hll_add_agg(shingle) AS s FROM document, shingles(body) shingle GROUP BY id;
CREATE INDEX ON shingled USING gin (s);

CREATE TABLE exact_duplicate AS
WITH s AS (SELECT DISTINCT id, shingle FROM document, shingles(body) shingle), n AS (SELECT id, count(*) AS n FROM s GROUP BY id)
SELECT a.id AS a, b.id AS b, shared / (x.n + y.n - shared)::numeric AS exact
FROM (SELECT a.id AS a, b.id AS b, count(*) AS shared FROM s a JOIN s b USING (shingle) WHERE a.id < b.id GROUP BY 1, 2) p JOIN n x ON x.id = a JOIN n y ON y.id = b, LATERAL (SELECT x.id) a (id), LATERAL (SELECT y.id) b (id);

SELECT a.id AS a, b.id AS b, round(hll_jaccard(a.s, b.s)::numeric, 2) AS jaccard, round(exact, 2) AS exact
FROM shingled a JOIN shingled b ON b.s % hll_similar_to(a.s, 0.5) AND a.id < b.id JOIN exact_duplicate e ON (e.a, e.b) = (a.id, b.id)
ORDER BY exact, a.id LIMIT 5;

SELECT count(*) FILTER (WHERE exact >= 0.5) AS "exact >= 0.5", count(found) FILTER (WHERE exact >= 0.5) AS "of these found", count(found) FILTER (WHERE exact < 0.5) AS "others found"
FROM exact_duplicate e LEFT JOIN (SELECT a.id AS a, b.id AS b, true AS found FROM shingled a JOIN shingled b ON b.s % hll_similar_to(a.s, 0.5) AND a.id < b.id) f USING (a, b);

DROP SCHEMA shop, cookbook CASCADE;
