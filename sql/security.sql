-- What sets give away and what a key hides: the queries of docs/security.md, which shows parts of this file and what they print.

SET client_min_messages = warning;
CREATE SCHEMA security;
SET search_path = security, public;

-- Thirty thousand customers, of whom a thousand have an illness.
CREATE TABLE customer AS SELECT i AS id, 'customer' || i || '@example.com' AS email, i % 30 = 7 AS ill FROM generate_series(1, 30000) i;

-- the list behind a small set
CREATE TABLE report AS
SELECT hll_add_agg(email) AS ill FROM customer WHERE ill;

SELECT count(*) AS read_from_the_set, count(*) FILTER (WHERE customer.ill) AS right
FROM customer, report WHERE hll_may_contain(report.ill, email);

-- a part of the list behind a large one
CREATE TABLE readers AS
SELECT hll_add_agg(email) AS set FROM customer WHERE id <= 15000;

SELECT count(*) AS read_from_the_set, count(*) FILTER (WHERE id <= 15000) AS right
FROM readers, hll_sample(set) c JOIN customer ON hll_coupon(email) = c WHERE hll_may_contain(set, email);

-- a key
CREATE TABLE hash_key (key bytea NOT NULL CHECK (octet_length(key) = 16));
INSERT INTO hash_key VALUES (uuid_send(gen_random_uuid()));

-- The tests need the same key every time.
UPDATE hash_key SET key = '\xb1946ac92492d2347c6235b4d2611184';

CREATE TABLE keyed_report AS
SELECT hll_add_agg(hll_hash(email, (SELECT key FROM hash_key))) AS ill FROM customer WHERE ill;

SELECT # ill AS count, count(*) FILTER (WHERE hll_may_contain(ill, email)) AS without_key,
	count(*) FILTER (WHERE hll_may_contain(ill, hll_hash(email, '0123456789abcdef'))) AS with_another,
	count(*) FILTER (WHERE hll_may_contain(ill, hll_hash(email, key))) AS with_it
FROM keyed_report, hash_key, (SELECT email FROM customer WHERE ill) c GROUP BY ill;

-- elements that hide
CREATE TABLE visitors AS
SELECT hll_add_agg(id) AS set FROM generate_series(1, 100000) id;
CREATE TABLE hiding AS
SELECT id FROM generate_series(1000001, 1200000) id WHERE hll_hash(id) >= '8000000000000000';

SELECT count(*) AS hiding, round(# visitors.set) AS before, round(# (visitors.set | hll_add_agg(id))) AS with_them
FROM hiding, visitors GROUP BY visitors.set;

SELECT round(# (keyed | hll_add_agg(hll_hash(id, key)))) AS with_them_under_a_key, count(*) + 100000 AS exact
FROM hiding, hash_key, (SELECT hll_add_agg(hll_hash(id, key)) AS keyed FROM generate_series(1, 100000) id, hash_key) k GROUP BY keyed;

-- half of all elements, chosen by the hash without a key, count right under one, as those do that were not chosen
SELECT count(*) AS sets, count(*) FILTER (WHERE abs(keyed - exact) <= 1.96 * error) AS keyed_within_95_percent, count(*) FILTER (WHERE abs(unkeyed - exact) <= 1.96 * error) AS unkeyed_within,
	count(*) FILTER (WHERE abs(keyed - exact) <= 4 * error) AS keyed_within_4_errors
FROM generate_series(2, 40, 2) n, LATERAL (SELECT count(*) AS exact, # hll_add_agg(hll_hash(id, key)) AS keyed, # hll_add_agg(id) AS unkeyed, .0102 * count(*) AS error
	FROM generate_series(n * 100000, n * 100000 + 2000 * n) id, hash_key WHERE hll_hash(id) >= '8000000000000000') c WHERE exact > 1024;

-- nothing counts as more than it is
SELECT # hll_add_agg(bucket::bigint::hllhash) AS crafted FROM generate_series(0, 4095) bucket;

-- who may do what
CREATE ROLE regress_hllset_analyst;
CREATE ROLE regress_hllset_loader;
REVOKE ALL ON hash_key FROM PUBLIC;
GRANT USAGE ON SCHEMA security TO regress_hllset_analyst, regress_hllset_loader;
CREATE TABLE visit (day date, email text);
CREATE TABLE daily (day date PRIMARY KEY, users hllset(12) NOT NULL);
GRANT INSERT ON visit TO regress_hllset_loader;
GRANT SELECT ON daily TO regress_hllset_analyst;

CREATE PROCEDURE roll_up(which date) LANGUAGE sql SECURITY DEFINER SET search_path = security, public, pg_temp AS
$$
	WITH counted AS (DELETE FROM visit WHERE day = which RETURNING day, email)
	INSERT INTO daily
	SELECT day, hll_add_agg(hll_hash(email, (SELECT key FROM hash_key))) FROM counted GROUP BY day
	ON CONFLICT (day) DO UPDATE SET users = daily.users | excluded.users;
$$;
REVOKE ALL ON PROCEDURE roll_up FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE roll_up TO regress_hllset_loader;

SET ROLE regress_hllset_loader;
INSERT INTO visit SELECT date '2026-03-02' + i % 2, 'customer' || i % 700 || '@example.com' FROM generate_series(1, 5000) i;
CALL roll_up('2026-03-02');
CALL roll_up('2026-03-03');
-- what comes late, partly again, is added
INSERT INTO visit SELECT '2026-03-03', 'customer' || i || '@example.com' FROM generate_series(698, 699) i;
CALL roll_up('2026-03-03');
\set VERBOSITY terse
SELECT * FROM hash_key;
SELECT * FROM daily;
RESET ROLE;
SET ROLE regress_hllset_analyst;
SELECT to_char(day, 'Mon DD') AS day, # users AS users FROM daily ORDER BY 1;
SELECT # hll_union_agg(users) AS in_either FROM daily;
SELECT hll_hash('customer1@example.com'::text, key) FROM hash_key;
CALL roll_up('2026-03-02');
\set VERBOSITY default
RESET ROLE;
-- without a key, with a hidden one and with two nothing is added, and no visit is lost
INSERT INTO visit SELECT '2026-03-04', 'customer1@example.com';
\set VERBOSITY terse
BEGIN;
DELETE FROM hash_key;
SAVEPOINT before;
CALL roll_up('2026-03-04');
ROLLBACK TO before;
SELECT count(*) AS visits FROM visit;
INSERT INTO hash_key VALUES ('0123456789abcdef'), ('fedcba9876543210');
SAVEPOINT before;
CALL roll_up('2026-03-04');
ROLLBACK TO before;
SELECT count(*) AS visits FROM visit;
ALTER TABLE hash_key ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON hash_key TO regress_hllset_loader;
SET LOCAL ROLE regress_hllset_loader;
SELECT hll_add_agg(hll_hash(x, (SELECT key FROM hash_key))) FROM generate_series(1, 5) x;
ROLLBACK;
\set VERBOSITY default

-- where a key shows
CREATE INDEX by_member ON customer (hll_coupon(hll_hash(email, '\xb1946ac92492d2347c6235b4d2611184')));

SELECT pg_get_indexdef('by_member'::regclass);
DROP INDEX by_member;

ALTER TABLE customer ADD hash hllhash;
UPDATE customer SET hash = hll_hash(email, (SELECT key FROM hash_key));
CREATE INDEX by_member ON customer (hll_coupon(hash));

SELECT count(*) AS found, count(*) FILTER (WHERE customer.ill) AS right
FROM keyed_report r, hll_sample(r.ill) c JOIN customer ON hll_coupon(hash) = c WHERE hll_may_contain(r.ill, hash);

-- no set knows its key
SELECT # (a | b) AS united, # a AS one, # (a & b) AS both
FROM (SELECT hll_add_agg(hll_hash(id, '0123456789abcdef')) AS a, hll_add_agg(hll_hash(id, 'fedcba9876543210')) AS b FROM generate_series(1, 500) id) k;

-- who can hash can ask
SELECT hll_may_contain(ill, hll_hash('customer7@example.com'::text, key)) AS customer_7, hll_may_contain(ill, hll_hash('customer8@example.com'::text, key)) AS customer_8 FROM keyed_report, hash_key;

-- erasure
CREATE TABLE login AS SELECT date '2026-03-02' + i % 3 AS day, i % 400 + i % 3 * 100 AS user_id FROM generate_series(1, 3000) i;
CREATE TABLE logins AS
SELECT day, hll_add_agg(user_id) AS users FROM login GROUP BY day;

DELETE FROM login WHERE user_id = 450;

SELECT to_char(day, 'Mon DD') AS day, hll_may_contain(users, 450) AS still_there FROM logins ORDER BY 1;

UPDATE logins SET users = (SELECT hll_add_agg(user_id) FROM login WHERE login.day = logins.day) WHERE hll_may_contain(users, 450);

SELECT count(*) FILTER (WHERE hll_may_contain(users, 450)) AS still_there FROM logins;

SET client_min_messages = warning;
DROP SCHEMA security CASCADE;
DROP ROLE regress_hllset_analyst, regress_hllset_loader;
