#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Runs the blocks of README.md and docs/sync.md that set up two servers, word for word, and checks what they promise.

Of a page are run, in order, the block ```sh that calls initdb (that of the page before, if it has none) and the blocks ```sql that begin with a line
"-- us" or "-- eu", at that node (the first and the second server). A comment with numbers after a query says what the query gives. Only the ports
are replaced, by free ones. The folder is a temporary one; the servers are stopped in the end.
"""
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile

PORTS = {"us": "5433", "eu": "5434"}


def free_ports():
    """Two free ports that follow each other, as the page has them."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            port = random.randrange(10240, 32767)  # below those that the system gives to outgoing connections
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return {"us": str(port), "eu": str(port + 1)}


def blocks_of(path):
    with open(path, encoding="utf-8") as page:
        return re.findall(r"^```(?:sh|sql)\n(.*?)^```$", page.read(), re.M | re.S)


class Page:
    def __init__(self, path, servers):
        self.path, self.servers = path, servers
        self.blocks = [block for block in blocks_of(path) if re.match(r"-- (us|eu)\n", block)]
        self.ports = free_ports()
        self.folder = tempfile.mkdtemp(prefix="documented.")

    def replaced(self, text):
        for node, port in PORTS.items():
            text = text.replace(port, self.ports[node])
        return text

    def sh(self, block):
        done = subprocess.run(["bash", "-e", "-c", self.replaced(block)], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit(f"{self.path}: this block fails:\n{block}\n{done.stdout}")

    def statements(self, node, block):
        for statement, comment in re.findall(r"((?:[^;']|'[^']*')+;)[ \t]*(?:--[ \t]*(.*))?\n?", self.replaced(block)):
            done = subprocess.run(["psql", "-XqAt", "-F", " ", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.ports[node], "-U", "postgres",
                                   "-d", "app"], input=statement, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                raise SystemExit(f"{self.path}: at {node} this fails:\n{statement}\n{done.stdout}")
            missing = [number for number in re.findall(r"\b\d{2,}\b", comment) if not re.search(rf"\b{number}\b", done.stdout)]
            if missing:
                raise SystemExit(f"{self.path}: at {node} this should give {comment}:\n{statement}\n{done.stdout}")

    def run(self):
        if len(self.blocks) < 2:
            raise SystemExit(f"{self.path}: there are no blocks to run")
        try:
            self.sh(self.servers)
            for block in self.blocks:
                first, _, rest = block.partition("\n")
                self.statements(first.removeprefix("-- "), rest)
        finally:
            self.stop()
        print(f"documented: {len(self.blocks) + 1} blocks of {self.path} do what they say")

    def stop(self):
        for node in PORTS:
            subprocess.run(["pg_ctl", "-D", os.path.join(self.folder, node), "-m", "immediate", "stop"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def main(paths):
    servers = None
    for path in paths:
        servers = next((block for block in blocks_of(path) if "initdb" in block), servers)
        Page(path, servers).run()


if __name__ == "__main__":
    main(sys.argv[1:])
