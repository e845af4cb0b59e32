#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""What sync costs, beside what it may cost: bytes on the wire, CPU of trigger and rounds, memory of a worker.

    bars.py [--rows N] [--rounds N] [--lenient]

N rows of the large table (100,000; the bars speak of 1,000,000). With --lenient, for a machine that does other things too, CPU may be four times
what the bar says, and what goes by the clock is shown but not judged.

Bytes are counted by the proxy between two nodes, CPU is the kernel's account of the processes, not the clock; memory is that of the worker alone, without
buffers it shares. Ends with exit code 1 if a bar is missed.
"""
import argparse
from itertools import dropwhile
import shutil
import sys
import tempfile
import time

from cluster import Cluster

# Elements that the large sets don't have; enough of them to change their bits.
MORE = "(SELECT hll_add_agg(-i, 10) FROM generate_series(1, 500000) i)"
WAIT = "SELECT hllset_sync.wait_caught_up(timeout => '600 s')"


def process_status(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))


def cpu(pid):
    """Seconds of CPU that the process has used."""
    with open(f"/proc/{pid}/schedstat") as schedstat:
        return int(schedstat.read().split()[0]) / 1e9


class Bars:
    def __init__(self, cluster, rows, leniency):
        self.cluster, self.rows, self.leniency, self.missed = cluster, rows, leniency, 0
        self.a, self.b = cluster.nodes["a"], cluster.nodes["b"]
        self.wire = cluster.links["b", "a"]

    def bar(self, name, value, most, unit, digits=0):
        good = value <= most * (self.leniency if unit in ("us", "ms", "% more") else 1)
        self.missed += not good
        print(f"{'ok  ' if good else 'MISS'} {name:62} {value:12,.{digits}f}  at most {most:12,.{digits}f} {unit}", flush=True)

    def least(self, name, value, least, unit):
        good = value >= least
        judged = self.leniency == 1
        self.missed += judged and not good
        print(f"{'ok  ' if good else 'MISS' if judged else 'slow'} {name:62} {value:12,.0f} at least {least:12,.0f} {unit}", flush=True)

    def worker(self):
        return self.b.query("SELECT pid FROM hllset_sync.status WHERE peer = 'a'")[0][0]

    def server_side(self):
        return self.a.query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'hllset_sync/%%'", ())[0][0]

    def settle(self):
        assert self.b.query(WAIT)[0][0], "the nodes do not come together"
        assert self.b.query("SELECT hllset_sync.wait_for_peers(timeout => '600 s')")[0][0], "the pushes do not arrive"

    def pause(self):
        self.b.query("SELECT hllset_sync.pause_peer('a')")
        time.sleep(1.5)

    def resume(self):
        self.b.query("SELECT hllset_sync.resume_peer('a')")

    def rounds(self, node=None):
        return (node or self.b).query("SELECT sum(rounds)::int FROM hllset_sync.status")[0][0]

    def bytes_of(self, actions):
        """Bytes of the rounds that carry what one of ACTIONS does, less those of idle ones; the least, since once a minute a round asks more than others."""
        return min(self.bytes_of_one(action) for action in actions)

    def bytes_of_one(self, action):
        self.settle()
        time.sleep(2.5)
        self.wire.tell("zero")
        before = self.rounds()
        action()
        self.settle()
        time.sleep(2.5)
        up, down, _ = map(int, self.wire.tell("count").split())
        return up + down - (self.rounds() - before - 1) * self.idle_bytes

    # ---- the wire ----

    def measure_idle(self):
        self.settle()
        time.sleep(3)
        before = self.rounds()
        self.wire.tell("zero")
        time.sleep(15)
        up, down, _ = map(int, self.wire.tell("count").split())
        self.idle_bytes = (up + down) / max(1, self.rounds() - before)

    def wire_idle(self):
        self.measure_idle()
        self.bar("bytes of an idle round, 10 sets, both directions", self.idle_bytes, 1500, "B")

    def wire_changes(self):
        self.b.query("SELECT hllset_sync.alter_peer('a', sets => ARRAY['large'])")
        self.measure_idle()
        size = self.a.query("SELECT avg(octet_length(hllset_send(value))) FROM large")[0][0]
        def change(first, rows):
            return lambda: self.a.query(f"UPDATE large SET value = value | {MORE} WHERE key BETWEEN {first} AND {first + rows - 1}")

        one = self.bytes_of(change(key, 1) for key in (17, 18, 19))
        self.bar(f"bytes of a round with 1 row of {self.rows:,} changed, set of {size:.0f} B", one, float(size) + 1000, "B")
        count = 2000
        many = self.bytes_of(change(key, count) for key in (100, 100 + count))
        self.bar(f"bytes of a round with {count:,} rows changed", many, 1.1 * count * (float(size) + 100) + 2000, "B")
        self.b.query("SELECT hllset_sync.drop_peer('a')")
        self.b.query("SELECT hllset_sync.add_peer('a', node => %s::uuid)", (self.cluster.ids["a"],))

    def wire_verify(self):
        self.settle()
        self.b.query("SELECT hllset_sync.alter_peer('a', every => '1 h')")
        assert self.b.query("SELECT hllset_sync.sync_now('a', '600 s')")[0][0]
        time.sleep(1)
        self.b.query("CREATE USER MAPPING IF NOT EXISTS FOR postgres SERVER a OPTIONS (user 'b_sync', password 'secret-a-b')")
        self.wire.tell("zero")
        differing = self.b.query("CALL hllset_sync.verify('large', 'a')")[0][1]
        up, down, _ = map(int, self.wire.tell("count").split())
        assert differing == 0, differing
        self.bar(f"bytes of a verify of {self.rows:,} equal rows", up + down, 64 * 1024, "B")
        self.b.query("SELECT hllset_sync.alter_peer('a', every => '1 s')")

    def wire_both(self):
        """The same job with b configured alone, then with both; less the idle rounds that pass, of which there are twice as many then."""
        self.measure_idle()

        def job():
            self.a.query("INSERT INTO large SELECT -i, hllset_of(random()) FROM generate_series(1, 500) i ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            self.b.query("INSERT INTO large SELECT -i, hllset_of(random()) FROM generate_series(1, 500) i ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            time.sleep(3)

        def count(ways):
            self.settle()
            before = sum(self.rounds(node) for node in ways)
            for wire in ways.values():
                wire.tell("zero")
            job()
            self.settle()
            time.sleep(3)
            total = sum(sum(map(int, wire.tell("count").split()[:2])) for wire in ways.values())
            return total - (sum(self.rounds(node) for node in ways) - before) * self.idle_bytes

        def cheapest(ways):
            return min(count(ways) for _ in range(2))

        one = cheapest({self.b: self.wire})
        self.cluster.join("a", "b")
        time.sleep(5)
        two = cheapest({self.b: self.wire, self.a: self.cluster.links["a", "b"]})
        self.bar("bytes if both sides are configured, to one side", two / one, 1.2, "x", 2)
        self.a.query("SELECT hllset_sync.drop_peer('b')")

    # ---- the trigger ----

    def update_costs(self, tables):
        """CPU seconds of an UPDATE of each of the tables, the least of several in turn."""
        connection = self.a.connect()
        costs = {table: [] for table in tables}
        with connection.cursor() as cursor:
            pid = connection.info.backend_pid
            for table in 7 * tables:
                start = cpu(pid)
                cursor.execute(f"UPDATE {table} SET value = value | (SELECT hll_add_agg(random()) FROM generate_series(1, 10))")
                costs[table].append(cpu(pid) - start)
                cursor.execute(f"VACUUM {table}")
        connection.close()
        return [min(costs[table]) for table in tables]

    def capture(self):
        """Two registered tables, whose sets gain ten elements each, beside unregistered ones of the same rows."""
        for name, rows, elements in (("small", 100000, 300), ("large", 20000, 100000)):
            for table in ("plain", "captured"):
                self.a.query(f"CREATE TABLE {table} (day date, page text, value hllset(12) NOT NULL, PRIMARY KEY (day, page))")
                self.a.query(f"INSERT INTO {table} SELECT date '2026-01-01' + i % 100, 'page ' || i / 100, s "
                             f"FROM generate_series(1, {rows}) i, (SELECT hll_add_agg(j) AS s FROM generate_series(1, {elements}) j) v")
            self.a.script("CALL hllset_sync.register('captured')")
            plain, captured = self.update_costs(["plain", "captured"])
            if name == "small":
                self.bar("capture, a row", (captured - plain) / rows * 1e6, 3, "us", 2)
            else:
                self.bar(f"CPU of an UPDATE of {rows:,} rows with sets of {elements:,}, with the trigger", 100 * (captured / plain - 1), 15, "% more", 1)
            self.a.query("SELECT hllset_sync.unregister('captured')")
            self.a.query("DROP TABLE plain, captured")

    # ---- CPU ----

    def idle(self):
        self.settle()
        self.b.query("SELECT hllset_sync.alter_peer('a', every => '100 ms')")
        time.sleep(3)
        worker, server = self.worker(), self.server_side()
        before, start = self.rounds(), (cpu(worker), cpu(server))
        time.sleep(20)
        count = self.rounds() - before
        spent = cpu(worker) - start[0], cpu(server) - start[1]
        for side, seconds in zip(("sink", "source"), spent):
            self.bar(f"CPU of an idle round, 10 sets, at the {side}", seconds / count * 1000, 5, "ms", 2)
        self.b.query("SELECT hllset_sync.alter_peer('a', every => '1 s')")

    # ---- memory, and the first sync ----

    def fill(self, size):
        """Rows with sets of about SIZE bytes."""
        precision = {1: 10, 4: 12}[size]
        self.a.query(f"CREATE TABLE large (key integer PRIMARY KEY, value hllset({precision}) NOT NULL)")
        self.b.query(f"CREATE TABLE large (key integer PRIMARY KEY, value hllset({precision}) NOT NULL)")
        self.a.query(f"INSERT INTO large SELECT i, s FROM generate_series(1, {self.rows}) i, (SELECT hll_add_agg(j, {precision}) AS s FROM generate_series(1, 1000000) j) v")
        for node in (self.b, self.a):
            node.script("CALL hllset_sync.register('large')")
        self.cluster.grant("a", "large", "b")
        self.a.query("SELECT hllset_sync.grant_peer('large', 'postgres')")

    def drop(self):
        for node in (self.a, self.b):
            node.query("SELECT hllset_sync.unregister('large'), hllset_sync.forget_set('large')")
            node.query("DROP TABLE large")

    def advance_all(self):
        while self.a.query("SELECT more FROM hllset_sync.p_heads(ARRAY['large']) WHERE set_name IS NOT NULL")[0][0]:
            self.a.script("CALL hllset_sync.p_advance(ARRAY['large'])")

    def first_sync(self, size):
        self.pause()
        self.fill(size)
        self.advance_all()
        self.resume()
        self.settle_pid()
        worker = self.worker()
        least = process_status(worker, "RssAnon")
        most, start, left = least, time.monotonic(), []
        while not self.b.query("SELECT true FROM hllset_sync.cursors JOIN hllset_sync.sets USING (set_id) WHERE set_name = 'large' AND seq >= %s", (self.rows,)):
            most = max(most, process_status(worker, "RssAnon"))
            left += self.left()
            time.sleep(0.2)
        lasted = time.monotonic() - start
        self.settle()
        self.falls(left + self.left())
        if size == 1:
            self.least(f"rows a second of a first sync, {self.rows:,} rows of 1 kB", self.rows / lasted, 10000, "rows/s")
        self.bar(f"memory of the worker meanwhile, rows of {size} kB", (most - least) / 2**20, 32, "MB", 1)

    def left(self):
        """Rows of the large set that a first copy has to read yet, as it is shown; nothing if it is not."""
        return [row[0] for row in self.b.query("SELECT rows_to_do FROM hllset_sync.set_status WHERE set_name = 'large' AND direction = 'pull' AND rows_to_do IS NOT NULL")]

    def falls(self, left):
        """What is left only falls, down to zero. Before it begins, what is shown is of a set of this name that was there before."""
        left = list(dropwhile(lambda rows: rows == 0, left)) or [0]
        shown = [rows for i, rows in enumerate(left) if i == 0 or rows != left[i - 1]]
        rises = sum(later > earlier for earlier, later in zip(shown, shown[1:]))
        print(f"     what is left of a first copy was shown {len(shown)} times, from {shown[0]:,} on")
        self.bar("times that what is left of a first copy grew", rises, 0, "times")
        self.bar("rows left of a first copy in the end", shown[-1], 0, "rows")

    def settle_pid(self):
        """Until there is a worker."""
        while self.worker() is None:
            time.sleep(0.02)

    def memory(self, rounds):
        """Of rounds that follow each other without a pause."""
        self.settle()
        self.settle_pid()
        worker = self.worker()
        connection = self.b.connect()
        with connection.cursor() as cursor:
            def run(count):
                for _ in range(count):
                    cursor.execute("SELECT hllset_sync.sync_now('a')")

            run(rounds // 10)
            start, first = process_status(worker, "RssAnon"), self.rounds()
            run(rounds)
        connection.close()
        assert self.rounds() >= first + rounds
        assert worker == self.worker(), "the worker was replaced"
        self.bar(f"growth of the worker over {rounds:,} rounds", (process_status(worker, "RssAnon") - start) / 2**20, 2, "MB", 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--lenient", dest="leniency", action="store_const", const=4, default=1)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="bars.")
    tables = "".join(f"CREATE TABLE small{i} (key text PRIMARY KEY, value hllset(12) NOT NULL); INSERT INTO small{i} VALUES ('x', hllset_of({i}));" for i in range(9))
    cluster = Cluster(folder, "ab", tables=tables, registered=[f"small{i}" for i in range(9)], peers=(("b", "a"),),
                      settings=("max_wal_size = '4GB'", "shared_buffers = '256MB'"))
    bars = Bars(cluster, options.rows, options.leniency)
    try:
        bars.capture()
        bars.first_sync(4)
        bars.settle()
        bars.drop()
        bars.first_sync(1)
        bars.wire_idle()
        bars.wire_changes()
        bars.wire_verify()
        bars.idle()
        bars.memory(options.rounds)
        bars.wire_both()
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"bars: {'all hold' if not bars.missed else f'{bars.missed} are missed'}")
    return 1 if bars.missed else 0


if __name__ == "__main__":
    sys.exit(main())
