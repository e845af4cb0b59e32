#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""A set of very many rows beside one of a single row: how late the small one is, whatever is done to the large one.

    large.py [--rows N] [--worst SECONDS] [--most SECONDS] [--statement-timeout SECONDS]

Node b syncs with a, both directions, every second. The small set's only row is written again and again; how long it takes until b has what was written is its
staleness. Meanwhile the large set is synced for the first time, changed in its layout (so that all of it is looked through), verified, truncated, filled
anew, and its copies are dropped. In each of these phases the staleness is at most WORST seconds (5), 99 of 100 times at most MOST (3),
and the phase ends: b has of the large set what a has. A statement may take so long at most (10 s), far less than any phase with many rows.
Exit code 1 if a bar is missed.
"""
import argparse
import shutil
import sys
import tempfile
import threading
import time

import psycopg2

from cluster import Cluster

TABLES = """
    CREATE TABLE large (key integer PRIMARY KEY, value hllset(10) NOT NULL);
    CREATE TABLE small (key integer PRIMARY KEY, value hllset(10) NOT NULL);
"""
FILL = "INSERT INTO large SELECT i, hll_add(hllset_empty(10), i) FROM generate_series(%s, %s) i"
LOT = 100000


class Sampler(threading.Thread):
    """Writes the small row at a and waits for it at b, one write after the other."""

    def __init__(self, a, b):
        super().__init__(daemon=True)
        self.a, self.b, self.stopping, self.samples = a, b, threading.Event(), []

    def run(self):
        writer, reader = self.a.connect(), self.b.connect()
        number = 0
        with writer.cursor() as write, reader.cursor() as read:
            while not self.stopping.is_set():
                number += 1
                write.execute("INSERT INTO small VALUES (1, hllset_of(%s)) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (number,))
                start = time.monotonic()
                while True:
                    read.execute("SELECT EXISTS (SELECT FROM small_by_node WHERE node = 'a' AND value = hllset_of(%s)::hllset(10))", (number,))
                    late = time.monotonic() - start
                    if read.fetchone()[0] or late > 120 or self.stopping.is_set():
                        break
                    time.sleep(0.02)
                self.samples.append((start, late))
                time.sleep(0.1)

    def between(self, start, end):
        return sorted(late for at, late in self.samples if at + late > start and at < end)


class Large:
    def __init__(self, cluster, options):
        self.a, self.b, self.cluster, self.options, self.missed = cluster.nodes["a"], cluster.nodes["b"], cluster, options, 0
        self.sampler = Sampler(self.a, self.b)

    def fill(self):
        for first in range(1, self.options.rows + 1, LOT):
            self.a.query(FILL, (first, min(first + LOT - 1, self.options.rows)))

    def phase(self, name, *actions):
        """Staleness while ACTIONS run one after the other; each is a function that returns when its work is done."""
        start = time.monotonic()
        for action in actions:
            action()
        end = time.monotonic()
        late = self.sampler.between(start, end)
        if not late:
            late = [0.0]
        worst, most = late[-1], late[int(0.99 * (len(late) - 1))]
        good = worst <= self.options.worst and most <= self.options.most
        self.missed += not good
        print(f"{'ok  ' if good else 'MISS'} {name:44} {end - start:8.1f} s; small set late by {worst:5.2f} s at worst, {most:5.2f} s in 99 of 100, {len(late)} times", flush=True)

    def until_caught_up(self):
        end = time.monotonic() + 7200
        while not self.b.query("SELECT hllset_sync.wait_caught_up('a', '60 s')")[0][0]:
            if time.monotonic() > end:
                raise AssertionError("b does not catch up")

    def until_there(self, rows):
        """One count of so many rows takes seconds, so it is made once."""
        self.until_caught_up()
        count = self.b.query("SELECT count(*) FROM large_by_node WHERE node = 'a'")[0][0]
        if count != rows:
            raise AssertionError(f"b has caught up with {count} rows of {rows}")

    def verify(self):
        self.b.query("CREATE USER MAPPING FOR postgres SERVER a OPTIONS (user 'b_sync', password 'secret-a-b')")
        connection = self.b.connect()
        with connection.cursor() as cursor:
            cursor.execute("CALL hllset_sync.verify('large', 'a')")
            buckets, differing, *_ = cursor.fetchone()
        connection.close()
        if differing:
            raise AssertionError(f"{differing} of {buckets} ranges of copies differed")

    def run(self):
        rows = self.options.rows
        self.a.query("SELECT hllset_sync.pause_peer('b')")
        self.b.query("SELECT hllset_sync.pause_peer('a')")
        self.fill()
        for node, other in ((self.a, "b"), (self.b, "a")):
            node.query(f"SELECT hllset_sync.resume_peer('{other}')")
        self.sampler.start()
        self.phase("first sync", lambda: self.until_there(rows))
        self.phase("layout changed, all is looked through", lambda: self.a.query("CLUSTER large USING large_pkey"), self.until_caught_up)
        self.phase("verify", self.verify)
        self.phase("TRUNCATE", lambda: self.a.query("TRUNCATE large"), lambda: self.until_there(0))
        self.phase("filled anew", self.fill, lambda: self.until_there(rows))
        self.phase("registered anew", lambda: self.a.query("SELECT hllset_sync.unregister('large')"), lambda: self.a.query("CALL hllset_sync.register('large')"), lambda: self.until_there(rows))
        self.sampler.stopping.set()
        self.sampler.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--worst", type=float, default=5)
    parser.add_argument("--most", type=float, default=3)
    parser.add_argument("--statement-timeout", type=float, default=10)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="large.")
    cluster = Cluster(folder, "ab", [f"hllset_sync.statement_timeout = '{options.statement_timeout}s'"], tables=TABLES, registered=("large", "small"))
    large, problem = Large(cluster, options), None
    try:
        large.run()
    except (AssertionError, psycopg2.Error) as error:
        problem = error
        print(f"FAIL {error}")
        for node in cluster.nodes.values():
            print(node.name, node.query("SELECT peer, state, failures, last_error FROM hllset_sync.status"),
                  node.query("SELECT set_name, node_name, direction, state, cursor_seq, head_seq, last_error FROM hllset_sync.set_status"))
    finally:
        cluster.stop()
        if problem or large.missed or sys.exc_info()[0]:
            print(f"the servers' logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print("large: FAILED" if problem or large.missed else f"large: {options.rows:,} rows, all bars hold")
    return 1 if problem or large.missed else 0


if __name__ == "__main__":
    sys.exit(main())
