#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""A source goes back in time, again and again: restored from a backup, it says other things under the same numbers.

    rewind.py [--times N] [--seed N]

Node b reads from a. Each time a is saved, writes and is read, then is killed, restored to what was saved, and writes something else, less or more
than what it has lost. Then b must notice within one round, have every row of a as a has it now, have dropped no row that only it still had,
and count those as orphans. Exit code 1 if anything is wrong.
"""
import argparse
import random
import shutil
import sys
import tempfile
import time

from cluster import Cluster

TABLES = "CREATE TABLE t (key integer PRIMARY KEY, value hllset(10) NOT NULL);"
WAIT = "SELECT hllset_sync.wait_caught_up('a', '180 s')"


class Rewind:
    def __init__(self, cluster, seed):
        self.a, self.b = cluster.nodes["a"], cluster.nodes["b"]
        self.random = random.Random(seed)
        self.next_key = 0

    def write(self, what):
        """New rows, changed rows, deleted ones; returns the keys of the new ones."""
        first, count = self.next_key, self.random.randrange(1, 200)
        self.next_key += count
        self.a.query("INSERT INTO t SELECT i, hllset_of(i) FROM generate_series(%s, %s) i", (first, first + count - 1))
        self.a.query("UPDATE t SET value = hll_add(value, %s::text) WHERE key %% %s = 0", (what, self.random.randrange(3, 20)))
        self.a.query("DELETE FROM t WHERE key < %s AND key %% %s = 0", (first, self.random.randrange(20, 50)))
        return set(range(first, self.next_key))

    def settle(self):
        if not self.b.query(WAIT)[0][0]:
            raise AssertionError(f"b does not catch up: {self.b.query('SELECT state, last_error FROM hllset_sync.status')}")

    def rows(self, node):
        return dict(node.query("SELECT key, hll_digest(value) FROM t_by_node WHERE node = 'a'"))

    def cursor(self):
        return self.b.query("SELECT rewinds, orphans FROM hllset_sync.cursors JOIN hllset_sync.sets USING (set_id) WHERE set_name = 't'")[0]

    def restore(self, saved):
        self.a.stop("immediate")  # until its last process has ended, which may still write files
        shutil.rmtree(self.a.folder)
        shutil.copytree(saved, self.a.folder, symlinks=True)
        self.a.start()

    def once(self, number, saved):
        self.write(f"before {number}")
        self.settle()
        self.a.stop()
        shutil.rmtree(saved, ignore_errors=True)
        shutil.copytree(self.a.folder, saved, symlinks=True)
        self.a.start()
        self.write(f"lost {number}")
        self.settle()
        copies, (rewinds, _) = self.rows(self.b), self.cursor()
        self.b.query("SELECT hllset_sync.pause_peer('a')")
        self.restore(saved)
        self.write(f"after {number}")
        # A third rewind within an hour would pause the peer again, rightly; a pause begins the count anew.
        self.b.query("SELECT hllset_sync.resume_peer('a')")
        self.settle()
        now, there, (after, orphans) = self.rows(self.b), self.rows(self.a), self.cursor()
        if after != rewinds + 1:
            raise AssertionError(f"{after - rewinds} rewinds were noticed")
        wrong = sum(now.get(key) != digest for key, digest in there.items())
        if wrong:
            raise AssertionError(f"{wrong} rows of a are missing or other at b")
        dropped = copies.keys() - now.keys()
        if dropped:
            raise AssertionError(f"{len(dropped)} rows were dropped at b")
        kept = now.keys() - there.keys()
        if len(kept) != orphans:
            raise AssertionError(f"{orphans} orphans are counted, {len(kept)} are there")
        return len(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="rewind.")
    print(f"seed {options.seed}")
    cluster = Cluster(folder, "ab", tables=TABLES, registered=("t",), peers=(("b", "a"),))
    rewind, start, problem = Rewind(cluster, options.seed), time.monotonic(), None
    try:
        for number in range(1, options.times + 1):
            kept = rewind.once(number, folder + "/saved")
            print(f"ok   rewind {number}: {kept} orphans", flush=True)
    except AssertionError as error:
        problem = error
        print(f"FAIL {error}")
    finally:
        cluster.stop()
        if problem or sys.exc_info()[0]:
            print(f"the servers' logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"rewind: {options.times} times in {time.monotonic() - start:.0f} s, nothing lost" if not problem else "rewind: FAILED")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
