#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Ten points of a round x five things that go wrong there: fifty cases, each of which must end with equal sets.

    faults.py [CASE...]     a case is point:action; all of them if none is named

Needs a library built with FAULTS=1. Two nodes: b pulls from a and pushes to it. At the point the round fails (error), its process is killed
(kill), or it is held there while the source is killed, the sink is killed, or the wire is cut. Then rows change on both sides, what is down starts
again, and both sides must have the same, and nothing else.
"""
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

from cluster import Cluster

# point -> (node at which it is passed, what makes the round pass it)
POINTS = {
    "after_connect": ("b", "reconnect"),
    "after_hello": ("b", "reconnect"),
    "after_advance": ("a", "pull"),
    "mid_batch": ("b", "pull"),
    "before_apply_commit": ("b", "pull"),
    "after_apply_commit": ("b", "pull"),
    "before_push": ("b", "push"),
    "after_push_commit": ("b", "push"),
    "mid_reconcile": ("b", "reconcile"),
    "mid_scan": ("b", "seed"),
}
ACTIONS = ("error", "kill", "source", "sink", "wire")
TABLES = """
    CREATE TABLE t (key integer PRIMARY KEY, value hllset(10) NOT NULL);
    CREATE TABLE seeded (key integer PRIMARY KEY, value hllset(10) NOT NULL);
    INSERT INTO seeded SELECT i, hllset_of(i) FROM generate_series(1, 100) i;
"""
PATIENCE = 180 # s; a case takes one or two, but not on a machine that is busy


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if condition():
                return
        except psycopg2.Error:
            pass
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def insist(action):
    """ACTION may be done twice. A server that is killed, or restarts since one of its processes was, is waited for."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except psycopg2.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Case:
    def __init__(self, cluster, point, action):
        self.cluster, self.point, self.action = cluster, point, action
        self.place, self.trigger = POINTS[point]
        self.a, self.b = cluster.nodes["a"], cluster.nodes["b"]
        self.passed = cluster.nodes[self.place]

    def write(self, node, first):
        """New rows, changed rows, a deleted one."""
        insist(lambda: self.write_once(node, first))

    def write_once(self, node, first):
        statements = (f"INSERT INTO t SELECT i, hllset_of(i) FROM generate_series({first}, {first + 20}) i "
                      "ON CONFLICT (key) DO UPDATE SET value = t.value | excluded.value",
                      "UPDATE t SET value = hll_add(value, clock_timestamp()::text) WHERE key % 3 = 0",
                      f"DELETE FROM t WHERE key = {first + 5}")
        if self.trigger == "reconcile":
            # All at once: a row that is seen, and is gone when the reconciliation begins anew, is rightly kept as an orphan.
            statements = ("; ".join(statements),)
        for statement in statements:
            node.query(statement)

    def rows(self, node, table, where="true"):
        return node.query(f"SELECT node, key, hll_digest(value) FROM {table}_by_node WHERE {where} ORDER BY 1, 2")

    def equal(self, tables=("t",)):
        return all(self.rows(self.a, table, "node = 'a'") == self.rows(self.b, table, "node = 'a'")
                   and self.rows(self.b, table, "node = 'b'") == self.rows(self.a, table, "node = 'b'")
                   for table in tables)

    def tables(self):
        return ("t", "seeded") if self.trigger == "seed" else ("t",)

    def logged(self, text):
        with open(self.passed.log, errors="replace") as log:
            log.seek(self.mark)
            return text in log.read()

    def set_fault(self, value):
        """By the file, since a server that is killed again and again does not answer."""
        with open(f"{self.passed.folder}/postgresql.auto.conf", "w") as conf:
            conf.write(f"hllset_sync.fault = '{value}'\n")
        self.passed.run("pg_ctl", "-D", self.passed.folder, "reload", check=False)

    def provoke(self):
        if self.trigger == "reconnect":
            self.cluster.links["b", "a"].tell("reset")
        elif self.trigger == "push":
            self.write(self.b, 200)
        elif self.trigger == "seed":
            self.registering = threading.Thread(target=self.register, daemon=True)
            self.registering.start()
        else:
            if self.trigger == "reconcile":
                self.a.query("DELETE FROM hllset_sync.history")
            self.write(self.a, 200)

    def register(self):
        """What is interrupted after the set was made goes on by itself."""
        for node in (self.a, self.b):
            try:
                node.script("CALL hllset_sync.register('seeded')")
            except subprocess.CalledProcessError:
                pass

    def go_wrong(self):
        if self.action == "source":
            self.a.kill()
        elif self.action == "sink":
            self.b.kill()
        elif self.action == "wire":
            self.cluster.links["b", "a"].tell("reset")
        elif self.action == "kill":
            wait_until(lambda: self.logged("terminated by signal 9"), "the server to notice that its process was killed")

    def mend(self):
        self.set_fault("")
        for node, action in ((self.a, "source"), (self.b, "sink")):
            if self.action == action:
                node.start()
        wait_until(lambda: self.alive(self.a) and self.alive(self.b), "the servers to come back")
        if self.trigger == "seed":
            self.registering.join(PATIENCE)
            for node, other in ((self.a, "b"), (self.b, "a")):
                if not insist(lambda: node.query("SELECT true FROM hllset_sync.sets WHERE set_name = 'seeded'")):
                    node.script("CALL hllset_sync.register('seeded')")
                insist(lambda: self.cluster.grant(node.name, "seeded", other))

    @staticmethod
    def alive(node):
        try:
            return bool(node.query("SELECT true"))
        except psycopg2.Error:
            return False

    def run(self):
        self.write(self.a, 0)
        self.write(self.b, 100)
        wait_until(self.equal, "equal sets before the fault")
        with open(self.passed.log, errors="replace") as log:
            self.mark = log.seek(0, 2)
        stopping = self.action in ("source", "sink", "wire")
        self.set_fault(f"{self.point}:{'stop' if stopping else self.action}")
        self.provoke()
        wait_until(lambda: self.logged(f" at {self.point}\n"), "the point to be passed")
        self.go_wrong()
        time.sleep(0.2)
        self.mend()
        self.write(self.a, 300)
        self.write(self.b, 400)
        wait_until(lambda: self.equal(self.tables()), "equal sets")
        self.check_global()
        assert not self.a.crashes() + self.b.crashes(), (self.a.crashes() + self.b.crashes())[0]

    def check_global(self):
        views = [insist(lambda: node.query("SELECT key, hll_digest(value) FROM t_global ORDER BY 1")) for node in (self.a, self.b)]
        assert views[0] == views[1] and views[0], "the global views differ"

    def explain(self):
        for node in filter(self.alive, (self.a, self.b)):
            print(node.name, node.query("SELECT peer, state, failures, last_error FROM hllset_sync.status"),
                  node.query("SELECT set_name, direction, state, cursor_seq, head_seq, last_error FROM hllset_sync.set_status"))

    def clean(self):
        """The next case begins without rows, and without the set that this one registered."""
        for node in (self.a, self.b):
            if self.trigger == "seed":
                insist(lambda: node.query("SELECT hllset_sync.unregister('seeded')"))
            insist(lambda: node.query("DELETE FROM t"))


def main(wanted):
    cases = wanted or [f"{point}:{action}" for point in POINTS for action in ACTIONS]
    folder = tempfile.mkdtemp(prefix="faults.")
    cluster = Cluster(folder, "ab", tables=TABLES, registered=("t",), settings=("hllset_sync.every = '200ms'",), peers=(("b", "a"),))
    failed = []
    try:
        for name in cases:
            start = time.monotonic()
            case = Case(cluster, *name.split(":"))
            try:
                case.run()
                case.clean()
                print(f"ok   {name:32} {time.monotonic() - start:5.1f} s", flush=True)
            except (AssertionError, psycopg2.Error, RuntimeError, subprocess.SubprocessError) as problem:
                print(f"FAIL {name:32} {problem}", flush=True)
                case.explain()
                failed.append(name)
                break
    finally:
        cluster.stop()
        if failed:
            print(f"the servers' logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"faults: {len(cases) - len(failed)} of {len(cases)} cases end with equal sets" if not failed else f"faults: {failed[0]} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
