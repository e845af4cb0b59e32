-- SPDX-License-Identifier: PostgreSQL
-- Roll-ups in production: distinct users of each tenant, by hour and by day, out of a table of events. docs/rollups.md explains it; test/rollups.py runs it with
-- eight writers, crashes and deletions, and compares every byte. Lift it, rename it, change the columns. Needs: CREATE EXTENSION hllset.
--
--     INSERT INTO rollup.event ...      anybody, at any time, in any order, as often as it happens
--     SELECT rollup.run();              the job, once a minute; one at a time, others wait
--     SELECT rollup.rebuild(day);       after events were changed or deleted by hand
--     SELECT rollup.forget(user_id);    deletes a user's events and rebuilds their days
--     SELECT rollup.retire('90 days', '30 days');   once a day: keeps events for 90 days, hours for 30, days for ever
--
-- Hours and days are those of UTC.

CREATE SCHEMA rollup;

-- What happened. The transaction that wrote an event tells the job which events are new.
CREATE TABLE rollup.event (
	tenant  integer NOT NULL,
	at      timestamptz NOT NULL,
	user_id bigint,                                        -- NULL: nobody to count
	writer  xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX event_writer ON rollup.event (writer);        -- for the job
CREATE INDEX event_at ON rollup.event USING brin (at);     -- for rebuild and retire
CREATE INDEX event_user ON rollup.event (user_id);         -- for forget

CREATE TABLE rollup.hourly (
	hour   timestamptz NOT NULL,
	tenant integer NOT NULL,
	users  hllset(12) NOT NULL,
	PRIMARY KEY (hour, tenant)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE rollup.daily (
	day    date NOT NULL,
	tenant integer NOT NULL,
	users  hllset(12) NOT NULL,
	PRIMARY KEY (day, tenant)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);

-- One row. Whoever writes sets updates it first: so they never wait for each other in a circle, and one that has an older view of the events
-- (REPEATABLE READ) fails instead of bringing back what another one has deleted.
CREATE TABLE rollup.progress (
	one         boolean PRIMARY KEY DEFAULT true CHECK (one),
	watermark   xid8 NOT NULL DEFAULT '0',                 -- all events of older transactions are in the sets
	run_at      timestamptz,                               -- when that was found
	locked_at   timestamptz,
	events_from timestamptz NOT NULL DEFAULT '-infinity',  -- older events are gone: their days can't be rebuilt
	hours_from  timestamptz NOT NULL DEFAULT '-infinity'   -- older hours are gone: late events don't bring them back
);
INSERT INTO rollup.progress DEFAULT VALUES;

-- Brings the events that are new into the sets; returns how many there were. The same events again change nothing.
CREATE FUNCTION rollup.run() RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
	state rollup.progress;
	until xid8;
	events bigint;
BEGIN
	UPDATE rollup.progress SET locked_at = clock_timestamp() RETURNING * INTO STRICT state;
	-- Every older transaction has ended: what it wrote is seen by the statements that follow, and nothing is added to it.
	until := pg_snapshot_xmin(pg_current_snapshot());
	IF state.watermark > pg_snapshot_xmax(pg_current_snapshot()) THEN
		state.watermark := '0';     -- of another server, by a dump
	END IF;

	-- The condition spares what changes nothing: most late events and all repeated ones.
	WITH new AS MATERIALIZED (
		SELECT date_trunc('hour', at, 'UTC') AS hour, tenant, hll_add_agg(user_id, 12) AS users, count(*) AS events
		FROM rollup.event WHERE writer >= state.watermark AND writer < until
		GROUP BY 1, 2
	), hours AS (
		INSERT INTO rollup.hourly AS old (hour, tenant, users)
		SELECT hour, tenant, users FROM new WHERE hour >= state.hours_from ORDER BY hour, tenant
		ON CONFLICT (hour, tenant) DO UPDATE SET users = old.users | excluded.users WHERE NOT excluded.users <@ old.users
	), days AS (
		INSERT INTO rollup.daily AS old (day, tenant, users)
		SELECT (hour AT TIME ZONE 'UTC')::date AS day, tenant, hll_union_agg(users) FROM new GROUP BY day, tenant ORDER BY day, tenant
		ON CONFLICT (day, tenant) DO UPDATE SET users = old.users | excluded.users WHERE NOT excluded.users <@ old.users
	)
	SELECT coalesce(sum(new.events), 0) INTO events FROM new;

	UPDATE rollup.progress SET watermark = until, run_at = statement_timestamp();
	RETURN events;
END
$$;

-- Makes the sets of a day anew from its events, and writes those that differ.
CREATE FUNCTION rollup.rebuild(of_day date) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	state rollup.progress;
	first timestamptz := of_day::timestamp AT TIME ZONE 'UTC';
	past timestamptz := (of_day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
	UPDATE rollup.progress SET locked_at = clock_timestamp() RETURNING * INTO STRICT state;
	IF first < state.events_from THEN
		RAISE EXCEPTION 'cannot rebuild %', of_day
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('The events before %s were retired.', state.events_from);
	END IF;

	DELETE FROM rollup.hourly h
	WHERE hour >= first AND hour < past
		AND NOT EXISTS (SELECT FROM rollup.event e WHERE e.tenant = h.tenant AND at >= h.hour AND at < h.hour + interval '1 hour');
	INSERT INTO rollup.hourly AS old (hour, tenant, users)
	SELECT date_trunc('hour', at, 'UTC') AS hour, tenant, hll_add_agg(user_id, 12)
	FROM rollup.event WHERE at >= greatest(first, state.hours_from) AND at < past
	GROUP BY hour, tenant ORDER BY hour, tenant
	ON CONFLICT (hour, tenant) DO UPDATE SET users = excluded.users WHERE old.users <> excluded.users;

	DELETE FROM rollup.daily d
	WHERE day = of_day AND NOT EXISTS (SELECT FROM rollup.event e WHERE e.tenant = d.tenant AND at >= first AND at < past);
	INSERT INTO rollup.daily AS old (day, tenant, users)
	SELECT of_day, tenant, hll_add_agg(user_id, 12)
	FROM rollup.event WHERE at >= first AND at < past
	GROUP BY tenant ORDER BY tenant
	ON CONFLICT (day, tenant) DO UPDATE SET users = excluded.users WHERE old.users <> excluded.users;
END
$$;

-- A set can't give back one element: what else set its bits is not known. So the user's events go, and their days are made anew.
-- Days whose events were retired keep their sets, in which nobody is named; the number of them is returned.
CREATE FUNCTION rollup.forget(gone bigint) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
	state rollup.progress;
	of_day date;
	kept bigint := 0;
BEGIN
	UPDATE rollup.progress SET locked_at = clock_timestamp() RETURNING * INTO STRICT state;
	FOR of_day IN
		WITH deleted AS (DELETE FROM rollup.event WHERE user_id = gone RETURNING at)
		SELECT DISTINCT (at AT TIME ZONE 'UTC')::date AS day FROM deleted ORDER BY day
	LOOP
		IF of_day::timestamp AT TIME ZONE 'UTC' < state.events_from THEN
			kept := kept + 1;
		ELSE
			PERFORM rollup.rebuild(of_day);
		END IF;
	END LOOP;
	RETURN kept;
END
$$;

-- Deletes what is older, whole days only, and of events only what is in the sets.
CREATE FUNCTION rollup.retire(keep_events interval, keep_hours interval) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	state rollup.progress;
BEGIN
	UPDATE rollup.progress SET locked_at = clock_timestamp() RETURNING * INTO STRICT state;
	state.events_from := greatest(state.events_from, date_trunc('day', statement_timestamp() - keep_events, 'UTC'));
	state.hours_from := greatest(state.hours_from, date_trunc('day', statement_timestamp() - keep_hours, 'UTC'));
	UPDATE rollup.progress SET events_from = state.events_from, hours_from = state.hours_from;
	DELETE FROM rollup.event WHERE at < state.events_from AND writer < state.watermark;
	DELETE FROM rollup.hourly WHERE hour < state.hours_from;
END
$$;
