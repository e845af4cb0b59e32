#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""A peer that lies: what a node reads from it is garbled on the way, and the node must live on.

    hostile.py [--seconds N] [--seed N]

Node b syncs with a, through a proxy that changes what a says, and with c, which is honest. First each kind of malice has its turn: rows without
end, a row that claims to be a gigabyte, a byte a second, columns of other types, zero bytes in texts, an answer that never comes. Then
messages are damaged at random for N seconds. Meanwhile no process of b may crash, the rows of b itself and of c stay what they are, and what comes
from c goes on coming. In the end a speaks the truth again, and a verify makes its copy right, after drop_origin if a seemed to have lost rows. Exit code 1 if anything is wrong.
"""
import argparse
import shutil
import sys
import tempfile
import time

import psycopg2

from cluster import Cluster

TABLES = "CREATE TABLE t (key text PRIMARY KEY, value hllset(10) NOT NULL);"
KINDS = ("endless", "huge", "slow", "types", "nul")


class Hostile:
    def __init__(self, cluster):
        self.cluster = cluster
        self.a, self.b, self.c = (cluster.nodes[name] for name in "abc")
        self.wire = cluster.links["b", "a"]
        self.serial = 0
        self.longest = 0.0

    def write(self, node):
        self.serial += 1
        node.query("INSERT INTO t SELECT 'key ' || i, hllset_of(%s::text) FROM generate_series(1, 20) i "
                   "ON CONFLICT (key) DO UPDATE SET value = t.value | excluded.value", (f"{node.name} {self.serial}",))

    def rows(self, node, owner):
        return node.query("SELECT key, hll_digest(value) FROM t_by_node WHERE node = %s ORDER BY 1", (owner,))

    def equal(self, owner):
        return self.rows(self.b, owner) == self.rows(self.cluster.nodes[owner], owner)

    def honest_goes_on(self):
        """What c writes is at b within seconds, whatever a does; a busy machine may need more of them."""
        self.write(self.c)
        start = time.monotonic()
        while not self.equal("c"):
            if time.monotonic() > start + 90:
                raise AssertionError("the honest peer's rows do not come through")
            time.sleep(0.1)
        self.longest = max(self.longest, time.monotonic() - start)

    def malice(self, command, seconds):
        own = self.rows(self.b, "b")
        # Lies can make b stop talking to a: for seconds if a seems to offer nothing, until this if a seems to be a copied server or to send poison.
        self.b.query("SELECT hllset_sync.resume_peer('a')")
        self.wire.tell("reset")
        self.wire.tell("zero")
        self.wire.tell(command)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.write(self.a)
            self.honest_goes_on()
            time.sleep(0.3)
        _, heard, connections = map(int, self.wire.tell("count").split())
        self.wire.tell("reset")
        self.wire.tell("heal")
        if self.rows(self.b, "b") != own:
            raise AssertionError(f"{command} changed rows of b itself")
        state, error = self.b.query("SELECT state, left(last_error, 100) FROM hllset_sync.status WHERE peer = 'a'")[0]
        print(f"ok   {command:24} {connections:4} connections {heard:9} bytes  {state}: {error}", flush=True)

    def withdraw(self):
        """Rows that a seemed to have lost with a history that was undone, or under the id of a node that nobody is: these only drop_origin withdraws."""
        honest = [node.query("SELECT node_id::text FROM hllset_sync.node()")[0][0] for node in self.cluster.nodes.values()]
        for node_id, orphans in self.b.query("SELECT node_id::text, coalesce(sum(orphans), 0) FROM hllset_sync.origins LEFT JOIN hllset_sync.cursors USING (origin_id) GROUP BY 1"):
            if orphans or node_id not in honest:
                rows = self.b.query("SELECT hllset_sync.drop_origin(%s)", (node_id,))[0][0]
                print(f"  withdrawn: {rows} rows of {'a' if node_id in honest else 'a node that nobody is'}, {orphans} of them without an owner", flush=True)

    def recover(self):
        self.b.query("SELECT hllset_sync.resume_peer('a')")
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                self.b.query("CALL hllset_sync.verify('t', 'a')")
                if self.equal("a"):
                    return
                self.withdraw()
            except psycopg2.Error as error:
                print(f"  {str(error).strip()}")
            time.sleep(0.5)
        raise AssertionError("the copy of a does not become right again")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="hostile.")
    print(f"seed {options.seed}")
    cluster = Cluster(folder, "abc", tables=TABLES, registered=("t",), peers=(("b", "a"), ("b", "c")),
                      settings=("hllset_sync.every = '200ms'", "hllset_sync.io_timeout = '2s'", "hllset_sync.connect_timeout = '2s'", "hllset_sync.retry_max = '1s'"))
    hostile = Hostile(cluster)
    hostile.b.script("CREATE USER MAPPING FOR postgres SERVER a OPTIONS (user 'b_sync', password 'secret-a-b')")
    problem = None
    try:
        for node in cluster.nodes.values():
            hostile.write(node)
        for kind in KINDS:
            hostile.malice(f"garble {kind}", 5)
        hostile.malice("hold", 5)
        for one_in in (50, 5, 20, 2):
            hostile.malice(f"mutate {options.seed} {one_in}", options.seconds / 4)
        hostile.recover()
        if hostile.b.crashes():
            raise AssertionError(f"b crashed: {hostile.b.crashes()[:3]}")
    except (AssertionError, psycopg2.Error) as error:
        problem = error
        print(f"FAIL {error}")
    finally:
        cluster.stop()
        if problem:
            print(f"the servers' logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"the honest peer's rows took {hostile.longest:.1f} s at most")
    print(f"hostile: {'the node lives and is right in the end' if not problem else 'FAILED'}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
