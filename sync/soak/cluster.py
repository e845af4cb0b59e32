# SPDX-License-Identifier: PostgreSQL
"""Servers that sync with each other through proxies, and can be killed and cut off from each other."""
import itertools
import os
import random
import re
import signal
import socket
import subprocess
import time

import psycopg2

PROXY = os.path.join(os.path.dirname(__file__), "..", "t", "proxy.py")
WORKER = "hllset_worker"
# What a server says when it is killed or stopped, or comes back; when a worker is; and when a link is cut.
OF_FAULTS = re.compile(
    "the database system is (starting up|in recovery mode|shutting down|not yet accepting connections)"
    "|connection to client lost|terminating connection due to (unexpected postmaster exit|administrator command)"
    '|terminating background worker "hllset_sync .*" due to administrator command'
    '|lock file "postmaster.pid" already exists|pre-existing shared memory block')

# In the middle of a password the server takes that for a wrong one.
OF_CUTS = re.compile("incomplete message from client|could not receive data from client")


def process(line):
    """Who wrote this line of a log."""
    found = re.search(r"\[(\d+)\]", line)
    return found and found[1]


def free_port(given=set()):
    """Not one of those that the system gives to outgoing connections: a server that is down for a moment must find its port free."""
    while True:
        port = random.randrange(10240, 32768)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given:
            given.add(port)
            return port


def bindir():
    config = os.environ.get("PG_CONFIG", "pg_config")
    return subprocess.check_output([config, "--bindir"], text=True).strip()


class Node:
    """One server, with a database app in which hllset_sync works."""

    def __init__(self, folder, name, settings=(), environment=None):
        self.name, self.folder, self.environment = name, os.path.join(folder, name), environment
        self.port, self.bindir = free_port(), bindir()
        self.log = self.folder + ".log"
        self.run("initdb", "--no-sync", "-U", "postgres", "-E", "UTF8", "--no-locale", "--auth-local=trust",
                 "--auth-host=scram-sha-256", "-D", self.folder)
        with open(os.path.join(self.folder, "postgresql.conf"), "a") as conf:
            conf.write(f"""
                port = {self.port}
                listen_addresses = '127.0.0.1'
                unix_socket_directories = '{folder}'
                fsync = off
                max_worker_processes = 16
                restart_after_crash = on
                shared_preload_libraries = 'hllset_sync'
                hllset_sync.databases = 'app'
                hllset_sync.worker_role = '{WORKER}'
                hllset_sync.every = '1s'
                hllset_sync.retry_max = '2s'
            """ + "\n".join(settings) + "\n")
        self.host = folder
        self.start()

    def run(self, program, *arguments, check=True, environment=None):
        done = subprocess.run([os.path.join(self.bindir, program), *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment and {**os.environ, **environment})
        if check and done.returncode:
            raise RuntimeError(f"{program}: {done.stdout.decode(errors='replace')}")
        return done.returncode == 0

    def start(self, patience=180):
        """Starts the server; what is left of one that was killed may hold its shared memory for a moment."""
        end = time.monotonic() + patience
        while not self.run("pg_ctl", "-D", self.folder, "-l", self.log, "-w", "-t", "120", "start", check=False, environment=self.environment):
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name} does not start, see {self.log}")
            time.sleep(0.2)

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.folder, "-m", mode, "-w", "stop", check=False)

    def postmaster(self):
        with open(os.path.join(self.folder, "postmaster.pid")) as file:
            return int(file.readline())

    def kill(self):
        """kill -9 of the postmaster; its children go by themselves."""
        try:
            os.kill(self.postmaster(), signal.SIGKILL)
        except (OSError, ValueError):
            pass

    def connect(self, database="app", **options):
        connection = psycopg2.connect(host=self.host, port=self.port, user="postgres", dbname=database, **options)
        connection.autocommit = True
        return connection

    def query(self, sql, arguments=None, database="app"):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, arguments)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def crashes(self):
        """Lines of the log that no kill -9 of a test explains."""
        with open(self.log, errors="replace") as log:
            return [line.strip() for line in log if re.search(r"terminated by signal (?!9:)|TRAP:|PANIC:", line)]

    def errors(self):
        """Errors in the log that neither a kill of a server or of a worker explains nor a link that was cut."""
        with open(self.log, errors="replace") as log:
            lines = log.readlines()
        cut = {process(line) for line in lines if OF_CUTS.search(line)}
        return [line.strip() for line in lines if re.search(r" (ERROR|FATAL):  ", line) and not OF_FAULTS.search(line)
                and not ("password authentication failed" in line and process(line) in cut)]

    def script(self, sql, database="app"):
        """Statement by statement, each in a transaction of its own, as psql does it."""
        subprocess.run([os.path.join(self.bindir, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.host, "-p", str(self.port),
                        "-U", "postgres", "-d", database], input=sql, text=True, check=True, stdout=subprocess.DEVNULL)


class Proxy:
    """The way from one node to another."""

    def __init__(self, target):
        self.port, self.control = free_port(), free_port()
        self.process = subprocess.Popen(["/usr/bin/python3", PROXY, str(self.port), str(target), str(self.control)],
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the proxy does not start")

    def tell(self, command):
        with socket.create_connection(("127.0.0.1", self.control)) as sock, sock.makefile("rw") as file:
            file.write(command + "\n")
            file.flush()
            answer = file.readline().strip()
        if answer == "what?":
            raise ValueError(command)
        return answer

    def stop(self):
        self.process.kill()
        self.process.wait()


class Cluster:
    """Nodes a, b, c...; of each pair in PEERS (all, if left out) the first one has the second as a peer; links[(a, b)] is the way by which a reaches b."""

    def __init__(self, folder, names, settings=(), tables="", registered=(), peers=None, settings_of={}, environment_of=lambda name: None):
        self.nodes = {name: Node(folder, name, [*settings, *settings_of.get(name, ())], environment_of(name)) for name in names}
        self.links = {}
        for name, node in self.nodes.items():
            node.script("CREATE DATABASE app", "postgres")
            node.script(f"CREATE ROLE {WORKER} LOGIN; CREATE EXTENSION hllset_sync CASCADE;"
                        f"SELECT hllset_sync.rename_node('{name}');" + tables)
            for table in registered:
                node.script(f"CALL hllset_sync.register('{table}')")
            for other in names:
                if other != name:
                    node.script(f"CREATE ROLE {other}_sync LOGIN PASSWORD 'secret-{name}-{other}'")
        self.ids = {name: node.query("SELECT node_id::text FROM hllset_sync.node()")[0][0] for name, node in self.nodes.items()}
        for name, other in itertools.permutations(names, 2):
            for table in registered:
                self.grant(name, table, other)
        for name, other in peers or itertools.permutations(names, 2):
            self.join(name, other)

    def grant(self, name, table, other):
        """At NAME the role of OTHER may read the table, and speaks for that node."""
        return self.nodes[name].query("SELECT hllset_sync.grant_peer(%s, %s::regrole, node => %s)", (table, other + "_sync", self.ids[other]))

    def join(self, name, other):
        proxy = self.links[name, other] = Proxy(self.nodes[other].port)
        self.nodes[name].script(
            f"CREATE SERVER {other} FOREIGN DATA WRAPPER hllset_sync OPTIONS (host '127.0.0.1', port '{proxy.port}', dbname 'app', sslmode 'disable');"
            f"CREATE USER MAPPING FOR {WORKER} SERVER {other} OPTIONS (user '{name}_sync', password 'secret-{other}-{name}');"
            f"SELECT hllset_sync.add_peer('{other}', node => '{self.ids[other]}')")

    def heal(self):
        for proxy in self.links.values():
            proxy.tell("heal")

    def stop(self):
        for proxy in self.links.values():
            proxy.stop()
        for node in self.nodes.values():
            node.stop("immediate")
