#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""A peer that lies: what a node reads from it is garbled on the way, and the node must live on.

    hostile.py [--seconds N] [--seed N]

Node b syncs with a, through a proxy that changes what a says, and with c, which is honest. First each kind of malice has its turn: rows without
end, a row that claims to be a gigabyte, one that is, notices, parameters and notifications without end, a byte a second, columns of other types, zero
bytes in texts, an answer that never comes. Then
messages are damaged at random for N seconds. Meanwhile no process of b may crash, the rows of b itself and of c stay what they are, and what comes
from c goes on coming. In the end a speaks the truth again, and a verify makes its copy right, after drop_origin if a seemed to have lost rows. Exit code 1 if anything is wrong.
"""
import argparse
import re
import shutil
import sys
import tempfile
import threading
import time

import psycopg2

from cluster import Cluster

TABLES = "CREATE TABLE t (key text PRIMARY KEY, value hllset(10) NOT NULL);"
KINDS = ("endless", "huge", "giant", "notices", "parameters", "notifies", "slow", "types", "nul")
MOST = 64 * 1024  # kB that a process may take more than when nobody asks for anything


def anonymous(pid):
    """Memory of a process in kB; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1])
    except (OSError, TypeError):
        return 0


class Watch:
    """The most memory that a process takes while something is done."""

    def __init__(self, pid):
        self.pid, self.idle = pid, anonymous(pid)
        self.most, self.ended = self.idle, False
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.ended:
            self.most = max(self.most, anonymous(self.pid))
            time.sleep(0.005)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()

    def check(self, what):
        if self.most - self.idle > MOST:
            raise AssertionError(f"{what}: {self.most - self.idle} kB more than idle")
        return self.most - self.idle


class Hostile:
    def __init__(self, cluster):
        self.cluster = cluster
        self.a, self.b, self.c = (cluster.nodes[name] for name in "abc")
        self.wire = cluster.links["b", "a"]
        self.serial = 0
        self.longest = 0.0
        self.most = 0

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

    def worker(self):
        """The process of b that talks to a."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pid = self.b.query("SELECT pid FROM hllset_sync.status WHERE peer = 'a'")[0][0]
            if pid is not None:
                return pid
            time.sleep(0.1)
        raise AssertionError("b has no worker for a")

    def callers(self):
        """What a peer's role may ask for: the process that answers stays small."""
        self.a.query("CREATE TABLE fat (key integer PRIMARY KEY, value hllset(14) NOT NULL)")
        self.a.query("INSERT INTO fat SELECT i, s FROM generate_series(1, 3000) i, (SELECT hll_add_agg(j, 14) AS s FROM generate_series(1, 1000000) j) v")
        self.a.script("CALL hllset_sync.register('fat')")
        self.cluster.grant("a", "fat", "b")
        me, nonce = self.cluster.ids["b"], "00000000-0000-0000-0000-000000000001"
        key = r"'\x0000000400000001'::bytea"
        every = "(SELECT array_agg(i) FROM generate_series(0, 1023) i)"
        names = "(SELECT array_agg('a name of a set that is not there ' || i) FROM generate_series(1, 10000) i)"
        for statement in ("CALL hllset_sync.p_advance('{fat}')", "CALL hllset_sync.p_advance('{fat}')", "SELECT * FROM hllset_sync.p_heads(NULL)",
                          f"SELECT * FROM hllset_sync.p_fetch('fat', array_fill({key}, ARRAY[20000]), 9223372036854775807)",
                          f"SELECT * FROM hllset_sync.p_digests('fat', array_fill({key}, ARRAY[20000]))",
                          f"SELECT * FROM hllset_sync.p_bucket('fat', {every}, NULL, 2147483647, 9223372036854775807)",
                          "SELECT * FROM hllset_sync.p_fingerprint('fat', 1000000)",
                          f"SELECT * FROM hllset_sync.p_copy_digests('fat', '{me}', array_fill({key}, ARRAY[20000]))",
                          "SELECT * FROM hllset_sync.p_sets()",
                          f"SELECT * FROM hllset_sync.p_heads({names})",
                          f"SELECT * FROM hllset_sync.p_cursor({names}, '{me}')",
                          f"CALL hllset_sync.p_advance(array_fill('fat'::text, ARRAY[10000]), array_fill('fat'::text, ARRAY[10000]), array_fill(0::bigint, ARRAY[10000]), "
                          f"array_fill('{nonce}'::uuid, ARRAY[10000]))",
                          f"CALL hllset_sync.p_receive('fat', '{me}', 'b', 'repair', 0, NULL, 0, array_fill(1::bigint, ARRAY[200000]), array_fill({key}, ARRAY[200000]), "
                          f"array_fill(NULL::bytea, ARRAY[200000]), NULL, '{nonce}', true)",
                          "SELECT * FROM hllset_sync.p_changes('fat', 0, NULL, 1000000, 100000, 9223372036854775807)"):
            connection = psycopg2.connect(host="127.0.0.1", port=self.a.port, user="b_sync", password="secret-a-b", dbname="app")
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SET work_mem = '1GB'")
                cursor.execute("SELECT pg_backend_pid()")
                with Watch(cursor.fetchone()[0]) as watch:
                    cursor.execute(statement)
            connection.close()
            name = re.search(r"p_\w+", statement)[0]
            print(f"ok   {name:24} {watch.check(name):6} kB", flush=True)

    def malice(self, command, seconds):
        own = self.rows(self.b, "b")
        # Lies can make b stop talking to a: for seconds if a seems to offer nothing, until this if a seems to be a copied server or to send poison.
        self.b.query("SELECT hllset_sync.resume_peer('a')")
        self.wire.tell("reset")
        self.wire.tell("zero")
        with Watch(self.worker()) as watch:
            self.wire.tell(command)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self.write(self.a)
                self.honest_goes_on()
                time.sleep(0.3)
        memory = watch.check(command)
        self.most = max(self.most, memory)
        _, heard, connections = map(int, self.wire.tell("count").split())
        self.wire.tell("reset")
        self.wire.tell("heal")
        if self.rows(self.b, "b") != own:
            raise AssertionError(f"{command} changed rows of b itself")
        state, error = self.b.query("SELECT state, left(last_error, 100) FROM hllset_sync.status WHERE peer = 'a'")[0]
        print(f"ok   {command:24} {connections:4} connections {heard:11} bytes {memory:6} kB  {state}: {error}", flush=True)

    def withdraw(self):
        """Rows that a seemed to have lost with a history that was undone, or under the id of a node that nobody is: these only drop_origin withdraws."""
        honest = [node.query("SELECT node_id::text FROM hllset_sync.node()")[0][0] for node in self.cluster.nodes.values()]
        for node_id, orphans in self.b.query("SELECT node_id::text, coalesce(sum(orphans), 0) FROM hllset_sync.origins LEFT JOIN hllset_sync.cursors USING (origin_id) GROUP BY 1"):
            if orphans or node_id not in honest:
                rows = self.b.query("CALL hllset_sync.drop_origin(%s)", (node_id,))[0][0]
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
        hostile.callers()
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
    print(f"the honest peer's rows took {hostile.longest:.1f} s at most; a worker took {hostile.most} kB more than idle at most")
    print(f"hostile: {'the node lives and is right in the end' if not problem else 'FAILED'}")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
