#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Faults of operators and of the clock, beside those of soak.py, and a look at every wait that returned t.

    storm.py [--seconds N] [--seed N] [--within SECONDS] [--only KIND[,KIND...]]

Three nodes sync four sets with each other, one of them with synchronous_commit off. While writers insert, replace and delete, partitions are
truncated, attached, detached and dropped, a set is registered anew, grants are withdrawn and given, triggers disabled and enabled, clocks
set back and forth (by libfaketime), prepared transactions left over, readers dropped just before a kill, sources restored from a backup, servers and
workers killed, and links cut.

Probes call wait_caught_up(), wait_for_peers() and sync_now() all the time, with the sets and nodes as they are. A probe reads the rows of an owner, calls,
and, if that returned t, reads the copies, some of them after a kill -9 and restart of their server, and the rows again: a row that stood there all the
time must be there. In the end, after the last fault, copies must be equal to their owners' rows, bit by bit: none missing, none invented, none that
its owner deleted; rows that their owner lost in a restore are orphans, and kept. Exit code 1 if anything is wrong.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

import soak
from cluster import Cluster

NODES = "abc"
DAYS = 5
KEYS = 60
FAKETIME = "faketime/libfaketime.so.1"
TABLES = """
    CREATE TABLE sure (day integer, key integer, value hllset(10) NOT NULL, PRIMARY KEY (day, key));
    CREATE TABLE plain (day integer, key integer, value hllset(10) NOT NULL, PRIMARY KEY (day, key));
    CREATE TABLE anew (day integer, key integer, value hllset(10) NOT NULL, PRIMARY KEY (day, key));
    CREATE TABLE parted (day integer, key integer, value hllset(10) NOT NULL, PRIMARY KEY (day, key)) PARTITION BY LIST (day);
""" + "".join(f"CREATE TABLE parted_{day} PARTITION OF parted FOR VALUES IN ({day});\n" for day in range(DAYS))
SETS = ("sure", "plain", "anew", "parted")
ROWS = "SELECT day, key, hll_digest(value) FROM {}"
COPIES = "SELECT day, key, hll_digest(value) FROM {}_by_node WHERE node = %s"


class Writer(threading.Thread):
    """Inserts, replaces and deletes rows of all sets but "sure", of which it deletes none."""

    def __init__(self, node, seed):
        super().__init__(daemon=True)
        self.node, self.random, self.stopping = node, random.Random(seed), threading.Event()
        self.written = 0

    def run(self):
        while not self.stopping.is_set():
            try:
                connection = self.node.connect(connect_timeout=3)
                while not self.stopping.is_set():
                    self.write(connection)
                    time.sleep(self.random.expovariate(60))
                connection.close()
            except psycopg2.Error:
                time.sleep(0.2)  # killed, or the partition is not there now

    def write(self, connection):
        name, day, key = self.random.choice(SETS), self.random.randrange(DAYS), self.random.randrange(KEYS)
        with connection.cursor() as cursor:
            if name != "sure" and self.random.random() < 0.3:
                cursor.execute(f"DELETE FROM {name} WHERE day = %s AND key = %s", (day, key))
            else:
                self.written += 1
                cursor.execute(f"INSERT INTO {name} VALUES (%s, %s, hllset_of(%s::text)) ON CONFLICT (day, key) DO UPDATE SET value = {name}.value | excluded.value",
                               (day, key, f"{self.node.name} {self.written} {time.time()}"))


class Gate:
    """Probes pass it one beside another; who closes it waits until none is inside."""

    def __init__(self):
        self.condition, self.inside, self.closed = threading.Condition(), 0, False

    def __enter__(self):
        with self.condition:
            self.condition.wait_for(lambda: not self.closed)
            self.inside += 1

    def __exit__(self, *_):
        with self.condition:
            self.inside -= 1
            self.condition.notify_all()

    def close(self):
        with self.condition:
            self.closed = True
            self.condition.wait_for(lambda: self.inside == 0)

    def open(self):
        with self.condition:
            self.closed = False
            self.condition.notify_all()


class Probe(threading.Thread):
    """Calls waits at one node, and looks whether what they said is true."""

    def __init__(self, storm, node, seed):
        super().__init__(daemon=True)
        self.storm, self.node, self.random = storm, node, random.Random(seed)
        self.stopping = threading.Event()
        self.calls = self.true = 0

    def run(self):
        while not self.stopping.is_set():
            try:
                with self.storm.gate:
                    self.random.choice((self.caught_up, self.for_peers))()
            except psycopg2.Error:
                time.sleep(0.3)
            time.sleep(self.random.expovariate(2))

    def others(self):
        return [node for node in self.storm.cluster.nodes.values() if node is not self.node]

    def ask(self, sql, arguments):
        self.calls += 1
        said = self.node.query(sql, arguments)[0][0]
        self.true += bool(said)
        return said

    def caught_up(self):
        """All sets of one peer, or of all: what was there is here."""
        before = {(owner.name, name): self.look(owner, name) for owner in self.others() for name in SETS}
        server = self.random.choice([None, *(owner.name for owner in self.others())])
        if not self.ask("SELECT hllset_sync.wait_caught_up(%s, '15 s')", (server,)):
            return
        self.maybe_kill(self.node)
        for owner in self.others():
            if server in (None, owner.name):
                for name in SETS:
                    self.compare("wait_caught_up", before[owner.name, name], owner, self.node, name)

    def for_peers(self):
        """One set or all: what was here is there."""
        name = self.random.choice((None, *SETS))
        names = SETS if name is None else (name,)
        before = {each: self.look(self.node, each) for each in names}
        if not self.ask("SELECT hllset_sync.wait_for_peers(%s, '15 s')", (name,)):
            return
        for reader in self.others():
            self.maybe_kill(reader)
            for each in names:
                self.compare("wait_for_peers", before[each], self.node, reader, each)

    def look(self, owner, name):
        """Its rows, and how often partitions of it, or it as a set, went or came before at each node."""
        comings = self.storm.comings_of(name)
        return self.storm.rows(owner, name), comings

    def maybe_kill(self, node):
        if self.random.random() < 0.1:
            with self.storm.locks[node.name]:
                node.kill()
                node.start()

    def compare(self, wait, before, owner, reader, name):
        """What the owner had before and has still, READER must have. What was away meanwhile, as a partition or a table that was no set, was gone, rightly."""
        before, comings = before
        copies = self.storm.patiently(lambda: {(day, key): digest for day, key, digest in reader.query(COPIES.format(name), (owner.name,))})
        still = self.storm.patiently(lambda: self.storm.rows(owner, name))
        if any(comings[node.name] % 2 or comings[node.name] != self.storm.comings_of(name)[node.name] for node in (owner, reader)):
            return
        for place, digest in before.items():
            if still.get(place) == digest and copies.get(place) != digest:
                self.storm.problems.append(f"{wait}() at {self.node.name} said t, but {reader.name} lacks row {place} of set {name} of {owner.name}: {digest}, {copies.get(place)} ({time.strftime('%H:%M:%S')})")
                return


class Faults(soak.Faults):
    """One kind after another; each is undone before the next one, or by mend()."""

    def __init__(self, storm, kinds, seed):
        super().__init__(storm.cluster, {kind: 1 for kind in kinds}, seed)
        self.storm, self.prepared = storm, 0

    def pick(self):
        return self.random.choice(list(self.cluster.nodes.values()))

    def day(self):
        return self.random.randrange(DAYS)

    def attempt(self, node, *statements):
        """Each in a transaction of its own. False if the server or a partition is not there now."""
        try:
            for statement in statements:
                node.query(statement)
            return True
        except psycopg2.Error as error:
            self.storm.note(f"{statements[0]}: {str(error).strip().splitlines()[0]}")
            return False

    def kills(self):
        node = self.pick()
        with self.storm.locks[node.name]:
            node.kill()
            time.sleep(self.random.choice((0, 0.5, 2)))
            node.start()
        return True

    def truncate_partition(self):
        return self.attempt(self.pick(), f"TRUNCATE parted_{self.day()}")

    def truncate_table(self):
        return self.attempt(self.pick(), f"TRUNCATE {self.random.choice(('plain', 'parted', 'anew'))}")

    def detach_and_attach(self):
        """Rows come and go while the partition is away."""
        node, day = self.pick(), self.day()
        self.storm.comings[node.name, "parted"] += 1
        gone = self.attempt(node, f"ALTER TABLE parted DETACH PARTITION parted_{day}")
        if gone:
            time.sleep(self.random.uniform(0, 3))
            self.attempt(node, f"DELETE FROM parted_{day} WHERE key % 2 = 0",
                         f"INSERT INTO parted_{day} SELECT {day}, 1000 + i, hllset_of(i::text) FROM generate_series(1, 20) i ON CONFLICT (day, key) DO NOTHING")
            self.storm.insist(node, f"ALTER TABLE parted ATTACH PARTITION parted_{day} FOR VALUES IN ({day})")
        self.storm.comings[node.name, "parted"] += 1
        return gone

    def drop_partition(self):
        node, day = self.pick(), self.day()
        if not self.attempt(node, f"DROP TABLE parted_{day}"):
            return False
        time.sleep(self.random.uniform(0, 3))
        return self.storm.insist(node, f"CREATE TABLE parted_{day} PARTITION OF parted FOR VALUES IN ({day})")

    def register_anew(self):
        """Rows go while nobody looks."""
        node = self.pick()
        self.storm.comings[node.name, "anew"] += 1
        gone = self.attempt(node, "SELECT hllset_sync.unregister('anew')")
        if gone:
            time.sleep(self.random.uniform(0, 3))
            self.attempt(node, "DELETE FROM anew WHERE key % 3 = 0")
            self.storm.insist(node, "CALL hllset_sync.register('anew')")
        self.storm.comings[node.name, "anew"] += 1
        return gone

    def revoke(self):
        node, other = self.random.sample(list(self.cluster.nodes.values()), 2)
        if not self.attempt(node, f"SELECT hllset_sync.revoke_peer('plain', '{other.name}_sync')"):
            return False
        time.sleep(self.random.uniform(0, 5))
        self.storm.patiently(lambda: self.cluster.grant(node.name, "plain", other.name))
        return True

    def disable_triggers(self):
        """What pg_restore --disable-triggers does, whatever is written meanwhile."""
        node = self.pick()
        if not self.attempt(node, "ALTER TABLE plain DISABLE TRIGGER ALL"):
            return False
        self.attempt(node, "INSERT INTO plain SELECT 9, i, hllset_of(clock_timestamp()::text) FROM generate_series(1, 20) i ON CONFLICT (day, key) DO UPDATE SET value = excluded.value",
                     "DELETE FROM plain WHERE day < 9 AND key % 7 = 0")
        time.sleep(self.random.uniform(0, 3))
        return self.storm.insist(node, "ALTER TABLE plain ENABLE TRIGGER ALL")

    def clock(self):
        """Ten minutes, or forty days, back or forth, for a while."""
        node = self.pick()
        self.storm.set_clock(node, self.random.choice(("-10m", "+10m", "-40d", "+40d")))
        time.sleep(self.random.uniform(1, 8))
        self.storm.set_clock(node, "+0")
        return True

    def leave_prepared(self):
        node, self.prepared = self.pick(), self.prepared + 1
        return self.attempt(node, f"BEGIN; INSERT INTO sure VALUES (100, {self.prepared}, hllset_of(clock_timestamp()::text)) ON CONFLICT (day, key) DO NOTHING; PREPARE TRANSACTION 'left {self.prepared}'")

    def new_reader(self):
        """A reader that is seen anew, and a kill soon after."""
        node, other = self.random.sample(list(self.cluster.nodes.values()), 2)
        if not self.attempt(node, f"SELECT hllset_sync.drop_consumer('{other.name}')"):
            return False
        time.sleep(self.random.uniform(0, 2))
        with self.storm.locks[node.name]:
            node.kill()
            node.start()
        return True

    def restore(self):
        """A source goes back to a backup of some seconds ago. Probes rest: what a restored node knew is gone, rightly."""
        node, saved = self.pick(), f"{self.storm.folder}/saved"
        self.storm.gate.close()
        try:
            with self.storm.locks[node.name]:
                node.stop()
                shutil.rmtree(saved, ignore_errors=True)
                shutil.copytree(node.folder, saved, symlinks=True)
                node.start()
                time.sleep(self.random.uniform(1, 4))
                node.stop("immediate")  # until its last process has ended, which may still write files
                shutil.rmtree(node.folder)
                shutil.copytree(saved, node.folder, symlinks=True)
                node.start()
            self.storm.restored.add(node.name)
            # A third rewind within an hour pauses the peers, rightly; a pause begins the count anew.
            for other in self.cluster.nodes.values():
                if other is not node:
                    self.storm.insist(other, f"SELECT hllset_sync.resume_peer('{node.name}')")
        finally:
            self.storm.gate.open()
        return True

    def mend(self):
        for node in self.cluster.nodes.values():
            for (name,) in self.storm.patiently(lambda: node.query("SELECT gid FROM pg_prepared_xacts")):
                node.query(f"{self.random.choice(('COMMIT', 'ROLLBACK'))} PREPARED '{name}'")
        self.cluster.heal()


KINDS = ("kills", "worker_kills", "partitions", "truncate_partition", "truncate_table", "detach_and_attach", "drop_partition", "register_anew", "revoke",
         "disable_triggers", "clock", "leave_prepared", "new_reader", "restore")


class Storm:
    def __init__(self, folder, seed, seconds, kinds):
        self.folder, self.problems, self.notes, self.restored, self.gate = folder, [], set(), set(), Gate()
        settings = ["max_prepared_transactions = 100"]
        self.library = next((f"{path}/{FAKETIME}" for path in self.library_folders() if os.path.exists(f"{path}/{FAKETIME}")), None)
        if "clock" in kinds and self.library is None:
            raise SystemExit("storm: clocks can't be set without libfaketime; install it")
        self.clocks = {name: f"{folder}/clock.{name}" for name in NODES}
        for path in self.clocks.values():
            with open(path, "w") as file:
                file.write("+0\n")
        self.cluster = Cluster(folder, NODES, settings, tables=TABLES, registered=SETS,
                               settings_of={"c": ["synchronous_commit = off"]}, environment_of=self.environment if self.library else lambda name: None)
        for node in self.cluster.nodes.values():
            node.query("CHECKPOINT")  # what c has been told must outlive its first kill
        self.locks = {name: threading.Lock() for name in NODES}
        self.comings = {(name, table): 0 for name in NODES for table in SETS}  # odd: a partition is away, or the table is no set now
        self.writers = [Writer(node, f"{seed} writer {node.name} {i}") for node in self.cluster.nodes.values() for i in range(2)]
        self.probes = [Probe(self, node, f"{seed} probe {node.name} {i}") for node in self.cluster.nodes.values() for i in range(2)]
        self.faults = Faults(self, kinds, f"{seed} faults")
        self.seconds = seconds

    @staticmethod
    def library_folders():
        machine = subprocess.check_output(["uname", "-m"], text=True).strip()
        return f"/usr/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib"

    def environment(self, name):
        return {"LD_PRELOAD": self.library, "FAKETIME_TIMESTAMP_FILE": self.clocks[name], "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set_clock(self, node, offset):
        with open(self.clocks[node.name] + ".new", "w") as file:
            file.write(offset + "\n")
        os.rename(self.clocks[node.name] + ".new", self.clocks[node.name])

    def note(self, text):
        self.notes.add(text)

    def comings_of(self, name):
        return {node: self.comings[node, name] for node in NODES}

    @staticmethod
    def rows(node, name):
        return {(day, key): digest for day, key, digest in node.query(ROWS.format(name))}

    @staticmethod
    def patiently(action, patience=120):
        """The server may be down just now."""
        end = time.monotonic() + patience
        while True:
            try:
                return action()
            except psycopg2.Error:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def insist(self, node, statement):
        self.patiently(lambda: node.query(statement))
        return True

    def run(self):
        threads = [*self.writers, *self.probes]
        for thread in threads:
            thread.start()
        self.faults.run(time.monotonic() + self.seconds)
        for thread in threads:
            thread.stopping.set()
        for thread in threads:
            thread.join()
        self.faults.mend()
        return self.settle()

    def differences(self):
        """(set, owner, reader, row) of copies that are not as their owner's row; orphans apart, where the owner was restored."""
        wrong = []
        for name in SETS:
            for owner in self.cluster.nodes.values():
                rows = self.rows(owner, name)
                for reader in self.cluster.nodes.values():
                    copies = {(day, key): digest for day, key, digest in reader.query(COPIES.format(name), (owner.name,))}
                    orphans = self.orphans(reader, owner, name) if owner.name in self.restored else set()
                    wrong += [(name, owner.name, reader.name, place) for place in rows.keys() | copies.keys()
                              if rows.get(place) != copies.get(place) and place not in orphans]
        return wrong

    @staticmethod
    def orphans(reader, owner, name):
        number = reader.query("SELECT set_id FROM hllset_sync.sets WHERE set_name = %s", (name,))[0][0]
        return set(reader.query(f"SELECT k1, k2 FROM hllset_sync.copy_{number} JOIN hllset_sync.origins USING (origin_id) WHERE node_name = %s AND seq = 0", (owner.name,)))

    def settle(self, patience=120):
        """Seconds from the last fault until all are equal, or None."""
        start = time.monotonic()
        wrong = ["not looked at yet"]
        while wrong and time.monotonic() < start + patience:
            wrong = self.patiently(self.differences)
            if wrong:
                time.sleep(0.2)
        if not wrong:
            return time.monotonic() - start
        self.problems.append(f"{len(wrong)} copies are not as their owner's rows after {patience} s, such as {wrong[:5]}")
        for node in self.cluster.nodes.values():
            print(node.name, node.query("SELECT peer, state, failures, last_error FROM hllset_sync.status"),
                  node.query("SELECT set_name, node_name, direction, state, cursor_seq, head_seq, orphans, last_error FROM hllset_sync.set_status WHERE state <> 'ok'"))
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--within", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default=",".join(KINDS))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="storm.")
    print(f"seed {options.seed}")
    storm = Storm(folder, options.seed, options.seconds, options.only.split(","))
    try:
        start = time.monotonic()
        lasted = storm.run()
        if lasted is not None and lasted > options.within:
            storm.problems.append(f"converged only after {lasted:.1f} s")
        storm.problems += [f"{name} crashed: {line}" for name, node in storm.cluster.nodes.items() for line in node.crashes()[:3]]
        calls, true = (sum(getattr(probe, what) for probe in storm.probes) for what in ("calls", "true"))
        if true == 0:
            storm.problems.append("no wait said t")
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in storm.faults.done.items())
        print(f"storm: {counts} in {time.monotonic() - start:.0f} s; {sum(writer.written for writer in storm.writers)} rows written; {calls} waits, {true} said t; "
              f"converged {'never' if lasted is None else f'{lasted:.2f} s'} after the last fault; {len(storm.problems)} problems")
        for note in sorted(storm.notes)[:10]:
            print(f"  in vain: {note}")
    finally:
        storm.cluster.stop()
        if storm.problems or sys.exc_info()[0]:
            print(f"the servers' logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for problem in storm.problems[:20]:
        print(f"PROBLEM: {problem}")
    return 1 if storm.problems else 0


if __name__ == "__main__":
    sys.exit(main())
