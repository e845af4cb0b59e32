#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Writers, faults and an oracle: what was acknowledged is everywhere, what was not asked for is nowhere.

    soak.py [--kills N] [--worker-kills N] [--partitions N] [--seconds N] [--within SECONDS] [--keep SECONDS] [--nodes N] [--seed N]

Nodes sync with each other through proxies while writers add elements at each of them. Servers and workers are killed with -9, links are
held, cut, reset and slowed, until all the counts are reached and the time is over. The writers keep what they asked for and what
was acknowledged outside of the servers. After the last fault all copies must be equal to their owner's rows within 30 s (the bar is 5 s; --within). Then, at every
node: each acknowledged element is in its owner's row, each bit of a row is explained by an element that was asked for, and the
global views of all nodes are equal bit by bit. With --keep, no server may have kept too much, or logged an error that no fault explains.
Ends with a line of figures; exit code 1 if anything is wrong.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import psycopg2

from cluster import Cluster

TABLES = """
    CREATE TABLE kept (key text PRIMARY KEY, value hllset(10) NOT NULL);
    CREATE TABLE fleeting (key integer PRIMARY KEY, value hllset(10) NOT NULL);
"""
KEYS = 200
ADD = """
    INSERT INTO kept VALUES (%(key)s, hll_add(hllset_empty(10), %(element)s::text))
    ON CONFLICT (key) DO UPDATE SET value = hll_add(kept.value, %(element)s::text)
"""


class Writer(threading.Thread):
    """Adds elements to rows that are never deleted, and to rows that are; remembers what was asked and what was acknowledged."""

    def __init__(self, node, number, seed):
        super().__init__(daemon=True)
        self.node, self.number, self.random = node, number, random.Random(seed)
        self.stopping = threading.Event()
        self.asked, self.acknowledged = [], []

    def run(self):
        serial = 0
        while not self.stopping.is_set():
            try:
                connection = self.node.connect(connect_timeout=3)
            except psycopg2.Error:
                time.sleep(0.1)
                continue
            try:
                while not self.stopping.is_set():
                    serial += 1
                    self.write(connection, f"{self.node.name}-{self.number}-{serial}")
                    time.sleep(self.random.expovariate(50))
            except psycopg2.Error:
                connection.close()

    def write(self, connection, element):
        kind = self.random.random()
        flushed = self.random.random() < 0.7
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL synchronous_commit = {'on' if flushed else 'off'}")
            if kind < 0.7:
                row = f"key {self.random.randrange(KEYS)}"
                self.asked.append((row, element))
                cursor.execute(ADD, {"key": row, "element": element})
                if self.random.random() < 0.05:
                    time.sleep(self.random.random())
            else:
                self.write_fleeting(cursor, kind, element)
            if kind < 0.7 and self.random.random() < 0.1:
                connection.rollback()
                return
            connection.commit()
        if kind < 0.7 and flushed:
            self.acknowledged.append((row, element))

    def write_fleeting(self, cursor, kind, element):
        key = self.random.randrange(KEYS)
        if kind < 0.85:
            cursor.execute("INSERT INTO fleeting VALUES (%s, hll_add(hllset_empty(10), %s::text)) "
                           "ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, element))
        elif kind < 0.98:
            cursor.execute("DELETE FROM fleeting WHERE key = %s", (key,))
        elif kind < 0.99:
            cursor.execute("UPDATE fleeting SET key = key + 1000 WHERE key = %s "
                           "AND NOT EXISTS (SELECT FROM fleeting f WHERE f.key = fleeting.key + 1000)", (key,))
        else:
            cursor.execute("TRUNCATE fleeting")


class Faults:
    """One fault after another, as many of each kind as asked for."""

    def __init__(self, cluster, wanted, seed):
        self.cluster, self.wanted, self.random = cluster, wanted, random.Random(seed)
        self.done = {kind: 0 for kind in wanted}

    def run(self, until):
        while time.monotonic() < until or any(self.done[kind] < count for kind, count in self.wanted.items()):
            kinds = [kind for kind, count in self.wanted.items() if self.done[kind] < count]
            kind = self.random.choice(kinds or list(self.wanted))
            if getattr(self, kind)():
                self.done[kind] += 1
            time.sleep(self.random.uniform(0.2, 2.5))

    def kills(self):
        node = self.random.choice(list(self.cluster.nodes.values()))
        node.kill()
        time.sleep(self.random.choice((0, 0, 0.5, 2)))
        node.start()
        return True

    def worker_kills(self):
        node = self.random.choice(list(self.cluster.nodes.values()))
        try:
            workers = node.query("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'hllset_sync%%'")
        except psycopg2.Error:
            return False
        if not workers:
            return False
        try:
            os.kill(self.random.choice(workers)[0], self.random.choice((signal.SIGKILL, signal.SIGTERM)))
        except ProcessLookupError:
            return False  # it has just ended by itself
        return True

    def partitions(self):
        names = list(self.cluster.nodes)
        alone = self.random.choice(names)
        cut = [proxy for link, proxy in self.cluster.links.items() if alone in link]
        if self.random.random() < 0.5:
            cut = self.random.sample(cut, 1)
        command = self.random.choice(("hold", "hold up", "hold down", "refuse", "reset", "rate 5000", "latency 200",
                                      f"cut up {self.random.randrange(3000)}", f"cut down {self.random.randrange(8000)}"))
        for proxy in cut:
            proxy.tell(command)
        time.sleep(self.random.uniform(0.2, 3))
        for proxy in cut:
            proxy.tell("reset")
            proxy.tell("heal")
        return True


class Check:
    def __init__(self, cluster):
        self.cluster = cluster
        self.problems = []

    def state_of(self, view):
        """What each node says: rows of (node, key, digest)."""
        return {name: node.query(f"SELECT * FROM ({view}) v ORDER BY 1, 2") for name, node in self.cluster.nodes.items()}

    def converged(self):
        for table in ("kept", "fleeting"):
            states = self.state_of(f"SELECT node, key, hll_digest(value) FROM {table}_by_node")
            owners = self.state_of(f"SELECT node, key, hll_digest(value) FROM {table}_by_node WHERE node = (SELECT node_name FROM hllset_sync.node())")
            whole = sorted(row for rows in owners.values() for row in rows)
            if any(sorted(rows) != whole for rows in states.values()):
                return False
        return True

    def wait(self, patience=120):
        start = time.monotonic()
        while time.monotonic() < start + patience:
            try:
                if self.converged():
                    return time.monotonic() - start
            except psycopg2.Error as error:
                print(f"  still recovering: {str(error).strip()}")
            time.sleep(0.05)
        self.problems.append(f"not converged after {patience} s")
        for name, node in self.cluster.nodes.items():
            print(name, node.query("SELECT peer, state, failures, last_error FROM hllset_sync.status"),
                  node.query("SELECT set_name, node_name, direction, state, cursor_seq, head_seq, last_error FROM hllset_sync.set_status"))
        return None

    def oracle(self, writers):
        """Counts acknowledged elements that are missing and rows with bits that nobody asked for."""
        missing = invented = 0
        for name, node in self.cluster.nodes.items():
            own = [writer for writer in writers if writer.node is node]
            connection = node.connect()
            with connection.cursor() as cursor:
                cursor.execute("CREATE TEMP TABLE asked (key text, element text, acknowledged boolean)")
                acknowledged = {pair for writer in own for pair in writer.acknowledged}
                rows = [(*pair, pair in acknowledged) for writer in own for pair in writer.asked]
                cursor.executemany("INSERT INTO asked VALUES (%s, %s, %s)", rows)
                cursor.execute("SELECT count(*) FROM asked a LEFT JOIN kept k USING (key) "
                               "WHERE acknowledged AND NOT coalesce(hll_may_contain(k.value, a.element), false)")
                missing += cursor.fetchone()[0]
                cursor.execute("SELECT count(*) FROM kept k LEFT JOIN (SELECT key, hll_add_agg(element, 10) AS value FROM asked GROUP BY key) a USING (key) "
                               "WHERE a.value IS NULL OR (a.value | k.value) <> a.value")
                invented += cursor.fetchone()[0]
            connection.close()
        if missing:
            self.problems.append(f"{missing} acknowledged elements are missing")
        if invented:
            self.problems.append(f"{invented} rows have bits that nobody asked for")

    def little_is_left(self, keep):
        """Of notes, of history and of tombstones: what is older than KEEP seconds is forgotten, and the index has just the rows that there are."""
        for _ in range(3):
            time.sleep(1)
            for node in self.cluster.nodes.values():
                for table in ("kept", "fleeting"):
                    node.query(f"UPDATE {table} SET value = hll_add(value, clock_timestamp()::text) WHERE key = (SELECT min(key) FROM {table})")
        time.sleep(1.1 * keep + 30)
        for name, node in self.cluster.nodes.items():
            for table in ("kept", "fleeting"):
                live = node.query(f"SELECT count(*) FROM {table}")[0][0]
                left = node.query("SELECT dirty_estimate, index_rows, tombstones, (SELECT count(*) FROM hllset_sync.history h WHERE h.set_id = s.set_id) "
                                  "FROM hllset_sync.backlog JOIN hllset_sync.sets s USING (set_name) WHERE set_name = %s", (table,))[0]
                size = node.query("SELECT pg_size_pretty(sum(pg_total_relation_size(c.oid))) FROM pg_class c JOIN hllset_sync.sets s ON relname IN ('dirty_' || set_id, 'rows_' || set_id) "
                                  "WHERE set_name = %s", (table,))[0][0]
                dirty, index, tombstones, history = left
                print(f"  {name}.{table}: {live} rows; {dirty} notes, {index} entries, {tombstones} tombstones, {history} batches, {size}")
                if dirty or index != live or tombstones > 3 or history > 110:
                    self.problems.append(f"{name}.{table} keeps too much")

    def same_views(self):
        for table in ("kept", "fleeting"):
            states = self.state_of(f"SELECT key, hll_digest(value) FROM {table}_global")
            if len({tuple(rows) for rows in states.values()}) != 1:
                self.problems.append(f"{table}_global differs between nodes")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--worker-kills", type=int, default=30)
    parser.add_argument("--partitions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0, help="at least so long")
    parser.add_argument("--within", type=float, default=30)
    parser.add_argument("--keep", type=int, default=0, help="tombstones and history so many seconds, and see in the end that no more are there, and no unexplained errors")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--writers", type=int, default=2, help="at each node")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="soak.")
    print(f"seed {options.seed}")
    cluster = Cluster(folder, "abcdefgh"[: options.nodes], tables=TABLES, registered=("kept", "fleeting"),
                      settings=[f"hllset_sync.tombstone_keep = '{options.keep}s'"] if options.keep else ())
    check = Check(cluster)
    try:
        start = time.monotonic()
        writers = [Writer(node, number, f"{options.seed} {node.name} {number}")
                   for node in cluster.nodes.values() for number in range(options.writers)]
        for writer in writers:
            writer.start()
        faults = Faults(cluster, {"kills": options.kills, "worker_kills": options.worker_kills, "partitions": options.partitions}, options.seed)
        faults.run(start + options.seconds)
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join()
        cluster.heal()
        lasted = check.wait()
        if lasted is not None and lasted > options.within:
            check.problems.append(f"converged only after {lasted:.1f} s")
        check.oracle(writers)
        check.same_views()
        if options.keep:
            check.little_is_left(options.keep)
        for name, node in cluster.nodes.items():
            check.problems += [f"{name} crashed: {line}" for line in node.crashes()[:3]]
            if options.keep:
                check.problems += [f"{name}: {line}" for line in node.errors()[:20]]
        asked, acknowledged = (sum(len(getattr(writer, what)) for writer in writers) for what in ("asked", "acknowledged"))
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in faults.done.items())
        print(f"soak: {counts} in {time.monotonic() - start:.0f} s; {asked} elements asked for, {acknowledged} acknowledged; "
              f"converged {'never' if lasted is None else f'{lasted:.2f} s'} after the last fault; {len(check.problems)} problems")
    finally:
        cluster.stop()
        if check.problems or sys.exc_info()[0]:
            print(f"the servers' logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for problem in check.problems:
        print(f"PROBLEM: {problem}")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
