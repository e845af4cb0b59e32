#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Many nodes that join by scripts, each linked with each; or few nodes with many sets: what it takes, and what attention says.

    fleet.py [--nodes N] [--every SECONDS]             twenty nodes, one set
    fleet.py --sets N [--nodes N] [--every SECONDS]    so many sets, three nodes

The first node makes the scripts by which all others join. In the first case then every pair must be linked, a changed row must arrive everywhere, and
attention must be empty at all nodes. One node after the other is killed, refused by another, loses a trigger, is there twice: attention must say just that at
each node that can know it, and be empty again after what docs/sync-operations.md says. In the second case it is measured what rounds cost that have nothing to
do, the first sync, a changed row, and the restart of each node. How long things take is told, but is no reason to fail. Fewer than ten
nodes or 500 sets are a trial, not a measurement, and are looked at for a third of the time.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from cluster import Node, Proxy

PATIENCE = 600  # s
SMALL = ("shared_buffers = 16MB", "max_wal_senders = 0", "wal_level = minimal", "autovacuum_max_workers = 1", "jit = off", "restart_after_crash = on",
         "hllset_sync.retry_max = '2s'", "max_locks_per_transaction = 256")
LINES = []


def report(what, value, unit=""):
    LINES.append((what, value, unit))
    print(f"{what:75} {value:>12} {unit}", flush=True)


def wait_until(condition, what, patience=PATIENCE):
    start = time.monotonic()
    while not condition():
        if time.monotonic() > start + patience:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.2)
    return time.monotonic() - start


# ---- what the kernel counts ----

def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def cpu(pid):
    """Seconds that the server has used, its processes of now and of before."""
    spent = 0.0
    for process in [pid, *children(pid)]:
        try:
            with open(f"/proc/{process}/schedstat") as file:
                spent += int(file.read().split()[0]) / 1e9
        except OSError:
            pass
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return spent + sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Bytes that the server's processes have for themselves, without buffers they share."""
    total = 0
    for process in [pid, *children(pid)]:
        try:
            with open(f"/proc/{process}/status") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))
        except OSError:
            pass
    return total


# ---- the fleet ----

class Fleet:
    def __init__(self, folder, count, every, measured, settings, tables):
        self.folder, self.every, self.measured = folder, every, measured
        self.nodes = [Node(folder, f"n{i + 1}", [*SMALL, f"hllset_sync.every = '{every:g}s'", f"max_connections = {count + 12}",
                                                 f"max_worker_processes = {count + 8}", *settings]) for i in range(count)]
        for node in self.nodes:
            node.script("CREATE DATABASE app; ALTER ROLE postgres PASSWORD 'secret'", "postgres")
            node.script(f"CREATE ROLE hllset_worker LOGIN; CREATE EXTENSION hllset_sync CASCADE; SELECT hllset_sync.rename_node('{node.name}'); {tables}")
            node.id = node.query("SELECT node_id::text FROM hllset_sync.node()")[0][0]
            node.connection = node.connect()

    def ask(self, node, sql):
        """By a connection that is there already."""
        with node.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def again(self, node):
        """After a restart"""
        node.connection = node.connect()

    def run_script(self, script):
        """Where it was made, at the first node. Returns how long that takes."""
        path = os.path.join(self.folder, "script.sql")
        with open(path, "w") as file:
            file.write(script)
        first, start = self.nodes[0], time.monotonic()
        done = subprocess.run([os.path.join(first.bindir, "psql"), "-XqAt", "-v", "admin=user=postgres password=secret", "-h", first.host, "-p", str(first.port), "-U", "postgres",
                               "-d", "app", "-f", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        return time.monotonic() - start

    def join(self, node, port=None):
        script = self.nodes[0].query("SELECT hllset_sync.join_script(%s, %s, jsonb_build_object('host', '127.0.0.1', 'port', %s, 'dbname', 'app', 'sslmode', 'disable'))",
                                     (node.name, node.id, port or node.port))[0][0]
        return self.run_script(script), script.count("\n")

    def sum(self, sql):
        return sum(self.ask(node, sql)[0][0] or 0 for node in self.nodes)

    def rounds(self):
        return self.sum("SELECT sum(rounds)::bigint FROM hllset_sync.status")

    def cpu(self):
        return sum(cpu(node.postmaster()) for node in self.nodes)

    def span(self, seconds):
        return seconds if self.measured else seconds / 3

    def idle(self, seconds):
        """Rounds, and CPU seconds, while nobody writes."""
        before = self.rounds(), self.cpu()
        time.sleep(seconds)
        return self.rounds() - before[0], self.cpu() - before[1]

    def statements(self, seconds):
        """Statements of peers, a round."""
        def count(node):
            with open(node.log, errors="replace") as log:
                return len(re.findall(r"LOG:  (?:execute|statement)[^\n]*hllset_sync\.p_", log.read()))

        for node in self.nodes:
            node.script("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()", "postgres")
        time.sleep(2)
        before = self.rounds(), sum(map(count, self.nodes))
        time.sleep(seconds)
        rounds, statements = self.rounds() - before[0], sum(map(count, self.nodes)) - before[1]
        for node in self.nodes:
            node.script("ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf()", "postgres")
        return statements / max(1, rounds)

    def arrivals(self, source, table, others):
        """Seconds until each of the others has a row that is changed at the source now."""
        self.ask(source, f"INSERT INTO {table} VALUES (1, hllset_of(1)) ON CONFLICT (key) DO UPDATE SET value = {table}.value | hllset_of(clock_timestamp()::text)")
        start = time.monotonic()
        digest = self.ask(source, f"SELECT hll_digest(value)::text FROM {table} WHERE key = 1")[0][0]
        took, missing = [], list(others)
        while missing:
            for node in list(missing):
                if self.ask(node, f"SELECT true FROM {table}_by_node WHERE node = '{source.name}' AND key = 1 AND hll_digest(value)::text = '{digest}'"):
                    took.append(time.monotonic() - start)
                    missing.remove(node)
            assert time.monotonic() < start + PATIENCE, f"a changed row of {source.name} does not arrive at {missing[0].name}" if missing else ""
            time.sleep(0.1)
        return took

    def attention(self, node):
        return {(reason, about) for reason, about in self.ask(node, "SELECT DISTINCT reason, coalesce(node, '') FROM hllset_sync.attention")}

    def attention_is(self, what, expected, nodes=None):
        """At each node what EXPECTED says of it, or nothing."""
        nodes, last = nodes or self.nodes, {}

        def same():
            last.update((node.name, self.attention(node)) for node in nodes)
            return all(last[node.name] == expected.get(node.name, set()) for node in nodes)

        try:
            took = wait_until(same, "", 180)
        except AssertionError:
            wrong = {name: (found, expected.get(name, set())) for name, found in last.items() if found != expected.get(name, set())}
            raise AssertionError(f"{what}: attention says, beside what it should: {wrong}") from None
        report(f"{what}: attention says it at {sum(map(bool, expected.values()))} nodes, and nothing else, after" if any(expected.values())
               else f"{what}: attention is empty at {len(nodes)} nodes, after", f"{took:.1f}", "s")

    def stop(self):
        for node in self.nodes:
            node.stop("immediate")


# ---- many nodes ----

class Faults:
    """What goes wrong at one of the nodes, who can know of it, and what mends it."""

    def __init__(self, fleet):
        self.fleet, self.all = fleet, fleet.nodes
        self.first, self.second, self.last = self.all[0], self.all[1], self.all[-1]

    def run(self):
        for fault in (self.killed, self.revoked, self.disabled, self.cloned):
            fault()

    def killed(self):
        middle = self.all[len(self.all) // 2]
        middle.kill()
        others = [node for node in self.all if node is not middle]
        place = self.all.index(middle)
        # Those before it reach out to it; those after it are reached by it.
        expected = {node.name: {("unreachable" if self.all.index(node) < place else "silent_reader", middle.name)} for node in others}
        self.fleet.attention_is("a node is killed", expected, others)
        middle.start()
        self.fleet.again(middle)
        self.fleet.attention_is("it is started again", {})

    def revoked(self):
        refusing = self.all[-2]
        role = f"{self.first.name}_sync"
        refusing.query("SELECT hllset_sync.revoke_peer('visits', %s)", (role,))
        self.fleet.attention_is("a grant is taken back", {self.first.name: {("withdrawn", refusing.name)},
                                                          refusing.name: {("unread", self.first.name), ("unrefreshed", self.first.name)}})
        refusing.query("SELECT hllset_sync.grant_peer('visits', %s, node => %s::uuid)", (role, self.first.id))
        self.fleet.attention_is("it is given again", {})

    def disabled(self):
        name = self.second.query("SELECT tgname FROM pg_trigger WHERE tgrelid = 'visits'::regclass AND tgname LIKE 'hllset_sync%%' ORDER BY 1 LIMIT 1", ())[0][0]
        self.second.query(f"ALTER TABLE visits DISABLE TRIGGER {name}")
        # Those after it are pushed to, and cannot know what it does not see itself.
        self.fleet.attention_is("a trigger is disabled", {self.first.name: {("behind", self.second.name)}, self.second.name: {("disabled", "")}})
        self.second.query(f"ALTER TABLE visits ENABLE ALWAYS TRIGGER {name}")
        self.fleet.attention_is("it is enabled again", {})

    def cloned(self):
        """Two servers with the data of one, under its address in turn."""
        clone, others = self.last, self.all[:-1]
        clone.connection.close()
        clone.stop()
        shutil.copytree(clone.folder, clone.folder + ".other", symlinks=True)
        for turn in range(4):
            if turn:
                clone.connection.close()
                clone.stop()
                os.rename(clone.folder, clone.folder + ".now")
                os.rename(clone.folder + ".other", clone.folder)
                os.rename(clone.folder + ".now", clone.folder + ".other")
            clone.start()
            self.fleet.again(clone)
            clone.query("INSERT INTO visits VALUES (%s, hllset_of(1))", (100 + turn,))
            wait_until(lambda: all(self.seen(node, clone, 100 + turn) for node in others), f"turn {turn} of the clone to be seen")
        self.fleet.attention_is("a node is there twice", {node.name: {("clone", clone.name), ("orphans", clone.name)} for node in others})
        for node in others:
            node.query("SELECT hllset_sync.resume_peer(%s)", (clone.name,))
            node.script(f"CALL hllset_sync.drop_origin('{clone.name}')")
        self.fleet.attention_is("one of them is gone, and copies of it are dropped", {})
        self.fleet.arrivals(clone, "visits", others)

    def seen(self, node, clone, key):
        """Or the peer is paused already."""
        return self.fleet.ask(node, f"SELECT true FROM visits_by_node WHERE node = '{clone.name}' AND key = {key} UNION ALL SELECT true FROM hllset_sync.peers WHERE paused")


def many_nodes(fleet):
    count = len(fleet.nodes)
    took = [fleet.join(node) for node in fleet.nodes[1:]]
    report(f"node 2, node {count}: script of so many lines", f"{took[0][1]}, {took[-1][1]}")
    report("the first and the last script take", f"{took[0][0]:.1f}, {took[-1][0]:.1f}", "s")
    for node in fleet.nodes:
        linked = fleet.ask(node, "SELECT count(*) FROM (SELECT node_id FROM hllset_sync.peers UNION SELECT node FROM hllset_sync.acl) p (id) WHERE id IS NOT NULL")[0][0]
        assert linked == count - 1, f"{node.name} is linked with {linked} nodes"
    for node in fleet.nodes:
        fleet.ask(node, "INSERT INTO visits SELECT i, hllset_of(i) FROM generate_series(2, 11) i")
    report("all rows are everywhere after", f"{wait_until(lambda: fleet.sum('SELECT count(*) FROM visits_by_node') == 10 * count * count, 'all rows everywhere'):.1f}", "s")
    fleet.attention_is("all pairs are linked", {})
    links = count * (count - 1) // 2
    wait_until(lambda: fleet.sum("SELECT count(*) FROM hllset_sync.status WHERE state = 'ok'") == links, "all links to be ok")
    report("links, each a worker at one end and a connection at the other", links)
    report("workers of the first, the last node", f"{count - 1}, 0")
    report("connections of peers at the last node", fleet.ask(fleet.nodes[-1], "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'hllset_sync/%'")[0][0])
    report("memory of all processes together, without shared buffers", f"{sum(memory(node.postmaster()) for node in fleet.nodes) / 2**20:,.0f}", "MB")
    span = fleet.span(30)
    rounds, spent = fleet.idle(span)
    report(f"idle: rounds a second, every {fleet.every:g} s", f"{rounds / span:.1f}")
    report("idle: CPU of all servers together, of one core", f"{spent / span * 100:.1f}", "%")
    report("idle: CPU of a round, both ends and all else", f"{spent / max(1, rounds) * 1000:.1f}", "ms")
    report("idle: statements at the peer a round", f"{fleet.statements(fleet.span(20)):.2f}")
    took = [seconds for source in (fleet.nodes[0], fleet.nodes[count // 2], fleet.nodes[-1]) for _ in range(3)
            for seconds in fleet.arrivals(source, "visits", [node for node in fleet.nodes if node is not source])]
    report(f"a changed row is at another node after, median and worst of {len(took)}", f"{statistics.median(took):.1f}, {max(took):.1f}", "s")
    report("which should be at most", f"{fleet.every + 2:g}", "s")
    Faults(fleet).run()


# ---- many sets ----

def in_step(fleet):
    """Until every link has moved what was there before."""
    def caught_up(node):
        return fleet.ask(node, "SELECT NOT EXISTS (SELECT FROM hllset_sync.peers) OR hllset_sync.wait_caught_up(timeout => '60 s') AND hllset_sync.wait_for_peers(timeout => '60 s')")[0][0]

    return wait_until(lambda: all(map(caught_up, fleet.nodes)), "the nodes to be in step")


def on_the_wire(proxies):
    return sum(sum(map(int, proxy.tell("count").split()[:2])) for proxy in proxies)


def many_sets(fleet, proxies, sets):
    count = len(fleet.nodes)
    # The last one's peers reach it by one proxy, and so on: a link is counted once.
    start = time.monotonic()
    for node in fleet.nodes[1:]:
        proxies.append(Proxy(node.port))
        fleet.join(node, proxies[-1].port)
    spent = fleet.cpu()
    in_step(fleet)
    wait_until(lambda: fleet.sum(f"SELECT count(*) FROM s{sets}_by_node") == count * count, "the last set to be everywhere")
    for node in fleet.nodes:
        copies = fleet.ask(node, "SELECT count(*) FROM hllset_sync.cursors c JOIN hllset_sync.sets s USING (set_id) WHERE s.set_name <> 'named' AND c.seq > 0")[0][0]
        assert copies == sets * (count - 1), f"{node.name} has copies of {copies} sets"
    report(f"first sync of {sets:,} sets of one row, each with each of {count} nodes", f"{time.monotonic() - start:.1f}", "s")
    report("of which CPU of all servers together", f"{fleet.cpu() - spent:.1f}", "s")
    report("bytes of it on the wire", f"{on_the_wire(proxies):,}", "B")
    fleet.attention_is("first sync", {})
    time.sleep(5)
    before, span = on_the_wire(proxies), fleet.span(60)  # once a minute a round looks at all sets
    rounds, spent = fleet.idle(span)
    report("idle: CPU of a round, both ends and all else", f"{spent / max(1, rounds) * 1000:.1f}", "ms")
    report(f"idle: CPU of the {count} servers together, every {fleet.every:g} s, of one core", f"{spent / span * 100:.1f}", "%")
    report(f"idle: bytes of a round, both directions, the mean of {span:g} s", f"{(on_the_wire(proxies) - before) / max(1, rounds):,.0f}", "B")
    report("idle: statements at the peer a round", f"{fleet.statements(fleet.span(15)):.2f}")
    changed_row(fleet, proxies)
    for node in fleet.nodes:
        restart(fleet, proxies, node)


def changed_row(fleet, proxies):
    """Beside as many seconds in which nothing is written; the least of each, since once a minute a round looks at all sets."""
    source, others = fleet.nodes[0], fleet.nodes[1:]
    took, cost = [], {True: [], False: []}
    for written in (5 if fleet.measured else 2) * (True, False):
        before, start = on_the_wire(proxies), time.monotonic()
        if written:
            took += fleet.arrivals(source, "s1", others)
        time.sleep(max(0, start + 6 * fleet.every - time.monotonic()))
        cost[written].append(on_the_wire(proxies) - before)
    report(f"one changed row is at the others after, median and worst of {len(took)}", f"{statistics.median(took):.1f}, {max(took):.1f}", "s")
    report(f"one changed row: bytes, to {len(others)} nodes", f"{min(cost[True]) - min(cost[False]):,}", "B")


def restart(fleet, proxies, node):
    node.connection.close()
    node.stop()
    before = on_the_wire(proxies)
    spent = sum(cpu(other.postmaster()) for other in fleet.nodes if other is not node)
    start = time.monotonic()
    node.start()
    fleet.again(node)
    running = time.monotonic() - start
    in_step(fleet)
    report(f"restart of {node.name}: it is up after, all are in step after", f"{running:.1f}, {time.monotonic() - start:.1f}", "s")
    report(f"restart of {node.name}: CPU of all servers until then", f"{fleet.cpu() - spent:.1f}", "s")
    report(f"restart of {node.name}: bytes until then", f"{on_the_wire(proxies) - before:,}", "B")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=None)
    parser.add_argument("--sets", type=int, default=0)
    parser.add_argument("--every", type=float, default=None)
    options = parser.parse_args()
    count = options.nodes or (3 if options.sets else 20)
    every = options.every or (1 if options.sets or count < 10 else 5)
    tables = "".join(f"CREATE TABLE s{i} (key integer PRIMARY KEY, value hllset(10) NOT NULL); INSERT INTO s{i} VALUES (1, hllset_of({i})); CALL hllset_sync.register('s{i}');\n"
                     for i in range(1, options.sets + 1)) or "CREATE TABLE visits (key integer PRIMARY KEY, value hllset(10) NOT NULL); CALL hllset_sync.register('visits');"
    folder, proxies, good = tempfile.mkdtemp(prefix="fleet."), [], False
    start = time.monotonic()
    measured = options.sets >= 500 if options.sets else count >= 10
    fleet = Fleet(folder, count, every, measured, (f"hllset_sync.attention_after = '{2 * every + 5:g}s'",), tables)
    try:
        report(f"{count} nodes with {options.sets or 1:,} sets are made in", f"{time.monotonic() - start:.0f}", "s")
        if options.sets:
            many_sets(fleet, proxies, options.sets)
        else:
            many_nodes(fleet)
        crashes = [line for node in fleet.nodes for line in node.crashes()]
        assert not crashes, crashes[0]
        good = True
    finally:
        for proxy in proxies:
            proxy.stop()
        fleet.stop()
        if good:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"the servers' logs are in {folder}")
    print(f"fleet: {count} nodes, {options.sets or 1} sets: {len(LINES)} lines, all is as it should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
