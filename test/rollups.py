#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Runs docs/rollups.sql as it is meant to be used, and worse: writers of batches with late and repeated events and without users, jobs side by side, deletions,
retention, and kill -9 of the whole server. At the end every set must be, byte for byte, the one that the events give.

usage: test/rollups.py [--seconds N] [--kills N] [--writers N] [--seed N] [--measure]

--measure says instead what an event costs in WAL, what the tables grow to, and how often upserts without an order deadlock. It starts a server of its own,
of pg_config (or PG_CONFIG), in a temporary folder; the extension must be installed there.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg2
import psycopg2.extras

ROOT = Path(__file__).resolve().parent.parent
DAYS, TENANTS, USERS = 4, 6, 20000
START = "2026-01-01 00:00+00"
FORGOTTEN = range(8)  # users who are deleted in the end, one after the other
# What a client sees of a killed server, and of one that starts.
CRASHES = (psycopg2.OperationalError, psycopg2.InterfaceError)


class Server:
    def __init__(self, *settings):
        self.folder = tempfile.mkdtemp(prefix="rollups.")
        config = os.environ.get("PG_CONFIG", "pg_config")
        self.bin = Path(subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
        self.call("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in ("listen_addresses = ''", f"unix_socket_directories = '{self.folder}'", "timezone = 'UTC'", "fsync = off",
                                                       "autovacuum_naptime = '5s'", "log_min_messages = warning", *settings)))
        self.start()

    @property
    def data(self):
        return Path(self.folder, "data")

    def call(self, program, *arguments, check=True):
        return subprocess.run([self.bin / program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=check)

    def start(self):
        """Also after a kill, whose children may hold the shared memory for a moment"""
        for _ in range(200):
            if self.call("pg_ctl", "-D", self.data, "-l", Path(self.folder, "log"), "-w", "start", check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit(Path(self.folder, "log").read_text(encoding="utf-8"))

    def kill(self):
        os.kill(int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0]), signal.SIGKILL)

    def connect(self):
        connection = psycopg2.connect(host=self.folder, user="postgres", dbname="postgres")
        connection.autocommit = True
        return connection

    def psql(self, text):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", "-d", "postgres"], input=text,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout)
        return done.stdout.strip()

    def stop(self):
        self.call("pg_ctl", "-D", self.data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def prepared(*settings):
    server = Server(*settings)
    server.psql("CREATE EXTENSION hllset;\n" + (ROOT / "docs/rollups.sql").read_text(encoding="utf-8"))
    return server


# ---- What happens ----

def batch(rng, day):
    """Events of one time, some of them late; some have no user, some batches no one at all. Every user comes back often."""
    nobody = rng.random() < 0.05
    events = []
    for _ in range(rng.randint(1, 120)):
        late = rng.randint(0, day) if rng.random() < 0.15 else day
        seconds = late * 86400 + rng.randrange(86400)
        events.append((rng.randrange(TENANTS), seconds, None if nobody or rng.random() < 0.1 else rng.randint(1, USERS) if rng.random() < 0.9 else rng.choice(FORGOTTEN)))
    return events


def insert(cursor, events):
    psycopg2.extras.execute_values(
        cursor, "INSERT INTO rollup.event (tenant, at, user_id) VALUES %s", events, page_size=1000,
        template=f"(%s, timestamptz '{START}' + %s * interval '1 second', %s::bigint)")


class Play:
    """The threads, what they have seen, and when they end"""

    def __init__(self, server, options):
        self.server, self.options = server, options
        self.until = time.monotonic() + options.seconds
        self.seen = Counter()
        self.errors = []

    def repeat(self, name, pause, work):
        """Calls work(cursor, rng) again and again, through crashes; anything else that goes wrong is noted."""
        rng, connection = random.Random(f"{self.options.seed} {name}"), None
        while time.monotonic() < self.until and not self.errors:
            try:
                connection = connection or self.server.connect()
                with connection.cursor() as cursor:
                    work(cursor, rng)
                self.seen[name.split()[0]] += 1
            except CRASHES as error:
                if error.pgcode and not error.pgcode.startswith("57P"):
                    self.errors.append(error)
                self.seen["cut off"] += 1
                connection = None
                time.sleep(0.05)
            except Exception as error:  # a deadlock is one
                self.errors.append(error)
            time.sleep(rng.random() * pause)

    def write(self, cursor, rng):
        day = min(int((1 - (self.until - time.monotonic()) / self.options.seconds) * DAYS), DAYS - 1)
        events = batch(rng, day)
        for _ in range(1 + (rng.random() < 0.2)):  # a fifth is sent again, as after a lost answer
            insert(cursor, events)
            self.seen["events"] += len(events)

    @staticmethod
    def write_long(cursor, rng):
        """A transaction that stays open while younger ones commit"""
        cursor.execute("BEGIN")
        try:
            insert(cursor, batch(rng, rng.randrange(DAYS)))
            time.sleep(rng.random() * 0.5)
            cursor.execute("COMMIT" if rng.random() < 0.8 else "ROLLBACK")
        except psycopg2.Error:
            if not cursor.connection.closed:
                cursor.execute("ROLLBACK")
            raise

    @staticmethod
    def run_job(cursor, _):
        cursor.execute("SELECT rollup.run()")

    # A day that is made anew has what the job may have missed: in the second half nothing is.
    def in_first_half(self):
        return self.until - time.monotonic() > self.options.seconds / 2

    def rebuild(self, cursor, rng):
        if self.in_first_half():
            cursor.execute("SELECT rollup.rebuild(date '2026-01-01' + %s)", (rng.randrange(DAYS),))

    def forget(self, cursor, rng):
        if self.in_first_half():
            cursor.execute("SELECT rollup.forget(%s)", (rng.choice(FORGOTTEN),))

    def kill(self):
        for number in range(self.options.kills):
            time.sleep(max(0, self.until - self.options.seconds + (number + 1) * self.options.seconds / (self.options.kills + 1) - time.monotonic()))
            self.server.kill()
            self.server.start()
            self.seen["kills"] += 1

    def run(self):
        works = [(f"writes {n}", 0.02, self.write) for n in range(self.options.writers - 1)]
        works += [("long 1", 0.1, self.write_long), ("runs 1", 0.1, self.run_job), ("runs 2", 0.3, self.run_job), ("rebuilds 1", 0.5, self.rebuild),
                  ("rebuilds 2", 0.5, self.rebuild), ("forgets 1", 0.3, self.forget), ("forgets 2", 0.3, self.forget)]
        threads = [threading.Thread(target=self.repeat, args=work) for work in works] + [threading.Thread(target=self.kill)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            raise SystemExit(f"rollups: {type(self.errors[0]).__name__}: {self.errors[0]}")


# ---- What must hold ----

DIFFERENT = """
WITH raw AS ({raw})
SELECT count(*) FILTER (WHERE kept.users IS DISTINCT FROM raw.users), count(*)
FROM rollup.{table} AS kept FULL JOIN raw USING ({key}, tenant)"""
HOURLY = DIFFERENT.format(table="hourly", key="hour", raw="SELECT date_trunc('hour', at) AS hour, tenant, hll_add_agg(user_id, 12) AS users FROM rollup.event "
                          "WHERE at >= (SELECT hours_from FROM rollup.progress) GROUP BY 1, 2")
DAILY = DIFFERENT.format(table="daily", key="day", raw="SELECT at::date AS day, tenant, hll_add_agg(user_id, 12) AS users FROM rollup.event GROUP BY 1, 2")


def differing(server, query):
    different, sets = map(int, server.psql(query).split("|"))
    return different, sets


class Checks:
    def __init__(self):
        self.held = 0

    def hold(self, what, condition):
        if not condition:
            raise SystemExit(f"rollups: does not hold: {what}")
        self.held += 1

    def same_bytes(self, server, when):
        for query, table in ((HOURLY, "hourly"), (DAILY, "daily")):
            different, sets = differing(server, query)
            self.hold(f"{when}, the sets of {table} are those of the events ({different} of {sets} are not)", sets > 0 and different == 0)


def play(options):
    server, checks = prepared(), Checks()
    try:
        performance = Play(server, options)
        performance.run()
        seen = performance.seen
        checks.hold("something happened", min(seen["events"], seen["runs"], seen["rebuilds"], seen["forgets"], seen["long"]) > 0 and seen["kills"] == options.kills)
        server.psql("SELECT rollup.run()")
        checks.same_bytes(server, "at rest")
        checks.hold("nothing is left to do", server.psql("SELECT rollup.run()") == "0")
        for user in FORGOTTEN:
            server.psql(f"SELECT rollup.forget({user})")
        checks.same_bytes(server, "after deletions")
        checks.hold("no event of a forgotten user is left", server.psql(f"SELECT count(*) FROM rollup.event WHERE user_id < {len(FORGOTTEN)}") == "0")
        open_transactions(server, checks)
        old_snapshots(server, checks)
        late_events(server, checks)
        retention(server, checks)
        checks.hold("nobody waited in a circle", "deadlock detected" not in Path(server.folder, "log").read_text(encoding="utf-8", errors="replace"))
        print(f"  {seen['events']:,} events in {seen['writes']:,} batches and {seen['long']} long transactions, {seen['runs']} runs, {seen['rebuilds']} rebuilds, "
              f"{seen['forgets']} deletions, {seen['kills']} kills, {seen['cut off']} statements cut off")
    finally:
        server.stop()
    return checks.held


def open_transactions(server, checks):
    """Transactions that commit in another order than they began in"""
    connections = [server.connect() for _ in range(3)]
    for number, connection in enumerate(connections):
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO rollup.event (tenant, at, user_id) VALUES (%s, %s, 1)", (TENANTS + 2 + number, START))
    for connection in reversed(connections):
        connection.commit()
        server.psql("SELECT rollup.run()")
    for connection in connections:
        connection.close()
    checks.hold("events of old transactions are not missed", server.psql(f"SELECT count(*) FROM rollup.daily WHERE tenant >= {TENANTS + 2}") == "3")
    checks.same_bytes(server, "after transactions that overlap")


def old_snapshots(server, checks):
    """A transaction that still sees deleted events must not bring them back."""
    server.psql(f"INSERT INTO rollup.event (tenant, at, user_id) VALUES ({TENANTS + 9}, '{START}', 5)")
    for call in ("rollup.run()", "rollup.rebuild('2026-01-01')", "rollup.forget(6)"):
        connection = server.connect()
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM rollup.event")
            server.psql("SELECT rollup.forget(5)")
            try:
                cursor.execute(f"SELECT {call}")
                connection.commit()
                failed = False
            except psycopg2.errors.SerializationFailure:
                failed = True
        connection.close()
        checks.hold(f"{call} with an older view of the events fails", failed)
    checks.same_bytes(server, "after calls with an older view")


def late_events(server, checks):
    """What was there already changes no row; what is new changes its hour and day only."""
    server.psql("CREATE TABLE before AS SELECT hour, tenant, xmin::text::bigint AS version FROM rollup.hourly")
    server.psql("INSERT INTO rollup.event (tenant, at, user_id) SELECT tenant, at, user_id FROM rollup.event")
    checks.hold("repeated events are read", int(server.psql("SELECT rollup.run()")) > 0)
    checks.hold("repeated events write nothing", server.psql("SELECT count(*) FROM before b FULL JOIN rollup.hourly h USING (hour, tenant) WHERE b.version IS DISTINCT FROM h.xmin::text::bigint") == "0")
    server.psql(f"INSERT INTO rollup.event (tenant, at, user_id) VALUES ({TENANTS + 1}, '{START}', 1)")
    server.psql("SELECT rollup.run()")
    checks.hold("a late event writes one hour", server.psql("SELECT count(*) FROM before b FULL JOIN rollup.hourly h USING (hour, tenant) WHERE b.version IS DISTINCT FROM h.xmin::text::bigint") == "1")
    checks.same_bytes(server, "after late events")


def retention(server, checks):
    """Hours and events go by whole days; a late event of a gone hour counts for its day, and does not make an hour of itself."""
    server.psql("CREATE TABLE kept AS SELECT * FROM rollup.daily")
    interval = f"statement_timestamp() - timestamptz '{START}' - interval '%s hours'"
    server.psql(f"SELECT rollup.retire({interval % 50}, {interval % 75})")
    checks.hold("whole days are gone", server.psql("SELECT min(at)::date || ' ' || (SELECT min(hour)::date FROM rollup.hourly) FROM rollup.event") == "2026-01-03 2026-01-04")
    checks.hold("days stay", server.psql("SELECT count(*) FROM kept FULL JOIN rollup.daily d USING (day, tenant) WHERE kept.users IS DISTINCT FROM d.users") == "0")
    server.psql(f"INSERT INTO rollup.event (tenant, at, user_id) VALUES ({TENANTS + 1}, '{START}', {USERS + 2}); SELECT rollup.run()")
    checks.hold("no hour comes back", server.psql("SELECT min(hour)::date FROM rollup.hourly") == "2026-01-04")
    checks.hold("the day has the late event", server.psql(f"SELECT d.users = kept.users | hllset_of({USERS + 2}) AND d.users <> kept.users FROM kept JOIN rollup.daily d USING (day, tenant) "
                                                          f"WHERE tenant = {TENANTS + 1} AND day = '2026-01-01'") == "t")
    said = subprocess.run(["psql", "-XAt", "-h", server.folder, "-U", "postgres", "-d", "postgres", "-c", "SELECT rollup.rebuild('2026-01-01')"],
                          capture_output=True, text=True, check=False)
    checks.hold("a day without events is not rebuilt", said.returncode == 1 and "cannot rebuild 2026-01-01" in said.stderr)
    checks.hold("a user of a gone day is reported", server.psql(f"SELECT rollup.forget({USERS + 2})") == "1")
    server.psql("UPDATE rollup.progress SET watermark = '4611686018427387904'; INSERT INTO rollup.event (tenant, at, user_id) VALUES (1, '2026-01-04 05:00+00', 7)")
    checks.hold("a watermark of another server starts again", int(server.psql("SELECT rollup.run()")) > 0)
    checks.hold("and ends where this one is", server.psql("SELECT watermark <= pg_snapshot_xmax(pg_current_snapshot()) FROM rollup.progress") == "t")


# ---- What it costs ----

def wal(server):
    return int(server.psql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))


def measure(options):
    measure_inserts()
    for every in (0.2, 1, 5):
        measure_job(options, every)
    for ordered in (True, False):
        measure_deadlocks(ordered)


ROOMY = ("checkpoint_timeout = '1h'", "max_wal_size = '20GB'")  # no full pages after checkpoints


def sizes(server):
    return [int(size) / 1e6 for size in server.psql("SELECT pg_table_size('rollup.hourly') || ' ' || pg_table_size('rollup.daily')").split()]


def measure_job(options, every):
    """Writers and the job, which runs every so many seconds"""
    server = prepared(*ROOMY)
    try:
        performance, jobs, start = Play(server, options), Counter(), wal(server)
        works = [(f"writes {n}", 0.02, performance.write) for n in range(options.writers)]
        works.append(("runs 1", 0, lambda cursor, _: timed_run(cursor, every, jobs)))
        threads = [threading.Thread(target=performance.repeat, args=work) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if performance.errors:
            raise SystemExit(str(performance.errors[0]))
        events, total, grown = performance.seen["events"], wal(server) - start, sizes(server)
        server.psql("VACUUM FULL rollup.hourly; VACUUM FULL rollup.daily;")
        sets = server.psql("SELECT (SELECT count(*) FROM rollup.hourly) + (SELECT count(*) FROM rollup.daily)")
        print(f"every {every} s: {events:,} events, {jobs['runs']} runs, {jobs['seconds'] * 1e6 / max(jobs['events'], 1):.1f} us an event, WAL {total / events:.0f} bytes an event "
              f"in all; {sets} sets in {sum(grown):.1f} MB, after VACUUM FULL {sum(sizes(server)):.1f}", flush=True)
    finally:
        server.stop()


def measure_inserts():
    """What the events take without a job"""
    server, rng, written = prepared(*ROOMY), random.Random(1), 0
    try:
        start = wal(server)
        with server.connect().cursor() as cursor:
            for _ in range(500):
                events = batch(rng, 1)
                insert(cursor, events)
                written += len(events)
        print(f"inserting alone: WAL {(wal(server) - start) / written:.0f} bytes an event", flush=True)
    finally:
        server.stop()


def timed_run(cursor, every, jobs):
    time.sleep(every)
    start = time.monotonic()
    cursor.execute("SELECT rollup.run()")
    jobs["events"] += cursor.fetchone()[0]
    jobs["seconds"] += time.monotonic() - start
    jobs["runs"] += 1


def measure_deadlocks(ordered):
    """Sets without events: eight writers upsert 20 of 40 keys at once, straight into a table."""
    server = Server("deadlock_timeout = '50ms'")
    try:
        server.psql("CREATE EXTENSION hllset; CREATE TABLE t (k integer PRIMARY KEY, s hllset(12) NOT NULL);")
        counts = Counter()

        def writer(number):
            rng, connection = random.Random(number), server.connect()
            with connection.cursor() as cursor:
                for _ in range(30):
                    keys = rng.sample(range(40), 20)
                    try:
                        cursor.execute("INSERT INTO t SELECT k, hllset_of(%s) FROM unnest(%s) k " + ("ORDER BY k " if ordered else "") +
                                       "ON CONFLICT (k) DO UPDATE SET s = t.s | excluded.s", (rng.randrange(10 ** 9), keys))
                        counts["done"] += 1
                    except psycopg2.errors.DeadlockDetected:
                        counts["deadlocks"] += 1

        threads = [threading.Thread(target=writer, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"upserts of 20 keys, {'ordered' if ordered else 'not ordered'}: {counts['deadlocks']} deadlocks of {counts['done'] + counts['deadlocks']}", flush=True)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="store_true")
    options = parser.parse_args()
    if options.measure:
        measure(options)
    else:
        print(f"rollups: {play(options)} rules hold")


if __name__ == "__main__":
    sys.exit(main())
