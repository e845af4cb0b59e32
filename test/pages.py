#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
Runs every SQL and shell block of README.md, docs/*.md and python/README.md, in order, and compares the answers.

usage: test/pages.py [--nodes | --fresh | --list] [--all-languages] [PAGE...]

Without an option the blocks that one server answers, in a database of its own for each page: the server that the PG... variables name, in which
the extension is installed. --nodes runs the blocks for several servers, which the page itself starts. --fresh runs the blocks that install things,
as root, in a root that is thrown away afterwards. --list says what becomes of each block.

A page is written like this:

    ```sql           goes to psql. In README and docs/sync*.md a first line "-- us" names the server that gets it: one of those that the page's block
                     ```sh with initdb starts, else those of docs/sync-setup.md. Only the ports are replaced, and
                     'the node_id of eu' by what it is.
    ```sh            goes to bash, in a folder of the page's own
    ```python, ```js, ```java    go to the interpreter, if what they import is there; --all-languages has them all run
    ```              directly after one of these: what it says, to the letter but for blanks at ends of lines, empty lines, numbers of rows, and where in a
                     statement an error is. An error is an answer. Without an answer a block must not fail.
    ```text, ...     any other language is not run

A comment after a statement, "SELECT ...;  -- 1000", names numbers of two digits and more, or words in quotes, that the block says.
An HTML comment before a block says how it is run:

    <!-- not run: REASON -->       it is not; at most ten of these on all pages together
    <!-- varies: REASON -->        before an answer: numbers may differ, the rest not
    <!-- fresh -->                 runs by --fresh
    <!-- hidden ... -->            the lines are SQL that the reader does not see
    <!-- parts of FILE -->         at the top of a page: its blocks are parts of this script for psql, each with its answer. The script is run.
"""
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_NOT_RUN = 10
PSQL = ["psql", "-XqP", "footer=off", "-P", "pager=off"]
INTERPRETERS = {"python": ["/usr/bin/python3"], "js": ["node"], "java": ["java", "-cp", "/usr/share/java/postgresql.jar"]}
SHELL_WORDS = "sudo make psql apt apt-get cmake scripts/ test/ bench/ pip python3 git".split()
LIMIT, FRESH_LIMIT = 600, 3600  # seconds for one block, and for one that installs things


class Wrong(Exception):
    """What a page says does not hold."""


# ---- Reading a page ----

class Block:
    def __init__(self, page, line, language, text, mark):
        self.page, self.line, self.language, self.text, self.mark = page, line, language, text, mark
        self.answer = None
        self.varies = False

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def node(self):
        """The server that gets it, if it is for one of several"""
        found = re.match(r"-- ([a-z]\w*)\n", self.text) if self.language == "sql" else None
        return found and found[1]

    @property
    def fate(self):
        """Who runs it: "not run", "fresh", "nodes" or "here\""""
        if self.mark.startswith(("not run", "fresh")):
            return self.mark.partition(":")[0]
        return "nodes" if self.node or self.language == "sh" and "initdb" in self.text else "here"


def name_of(path):
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def blocks_of(path):
    """The blocks to run, each with its answer"""
    page, text = name_of(path), path.read_text(encoding="utf-8")
    blocks, mark, mark_end, waits = [], "", -1, None
    pieces = re.finditer(r"^[ \t]*```(?P<language>\w*)\n(?P<text>.*?)^[ \t]*```$|^<!-- (?P<mark>.*?) ?-->$", text, re.M | re.S)
    for piece in pieces:
        line = text.count("\n", 0, piece.start()) + 1
        directly = text[mark_end:piece.start()].strip() == "" if mark_end >= 0 else False
        if piece["mark"] is not None:
            mark, mark_end = piece["mark"], piece.end()
            if mark.startswith("hidden"):
                blocks.append(Block(page, line, "sql", mark.removeprefix("hidden").lstrip(), ""))
                waits, mark_end = None, -1
            continue
        language, own_mark = piece["language"], mark if directly else ""
        mark_end = -1
        if language == "":
            if waits is None:
                raise Wrong(f"{page}:{line}: an answer without a question before it (what is no answer is ```text)")
            waits.answer, waits.varies, waits = piece["text"], own_mark.startswith("varies"), None
        elif language in ("sql", "sh", *INTERPRETERS):
            waits = Block(page, line, language, piece["text"], own_mark)
            blocks.append(waits)
        else:
            waits = None
    if text.count("```") != 2 * len(re.findall(r"^[ \t]*```\w*\n.*?^[ \t]*```$", text, re.M | re.S)):
        raise Wrong(f"{page}: a block that does not end")
    check_indented(page, text)
    return blocks


def check_indented(page, text):
    """A command must not hide from this program by being indented rather than fenced."""
    outside = re.sub(r"^[ \t]*```.*?^[ \t]*```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.M | re.S)
    for found in re.finditer(r"\n\n    (\S+)", outside):
        if found[1] in SHELL_WORDS or found[1].startswith(tuple(word for word in SHELL_WORDS if word.endswith("/"))):
            raise Wrong(f"{page}: an indented command, \"{found[1]} ...\": write ```sh")


def script_of(path):
    found = re.search(r"^<!-- parts of (\S+) -->$", path.read_text(encoding="utf-8"), re.M)
    return found and ROOT / found[1]


# ---- What was said ----

def squeezed(text):
    return [line.rstrip() for line in text.splitlines() if line.strip() and not re.fullmatch(r"\(\d+ rows?\)", line.strip())]


def as_told(lines, expected):
    """Without where in the statement an error is, if the page does not say it"""
    place = re.compile(r"LINE \d+: |\s+\^$|CONTEXT: |QUERY: ")
    return lines if any(map(place.match, expected)) else [line for line in lines if not place.match(line)]


def masked(lines):
    """Without numbers, and without what depends on how wide they are"""
    return [re.sub(r"-+|\s+", " ", re.sub(r"\d[\d.,]*", "0", line)).strip() for line in lines]


def compare(block, said):
    lines = squeezed(said)
    if block.answer is None:
        if any(re.match(r"(ERROR|FATAL|PANIC|psql: error):", line) for line in lines):
            raise Wrong(f"{block}: this fails:\n{block.text}\n{said}")
        check_comments(block, said)
        return
    expected = squeezed(block.answer)
    lines = as_told(lines, expected)
    if (masked(expected) != masked(lines)) if block.varies else (expected != lines):
        raise Wrong(f"{block}: the answer to\n{block.text}\nshould be\n{block.answer}\nbut is\n{said}")


def check_comments(block, said):
    for comment in re.findall(r";[ \t]*--[ \t]*(.*)$", block.text, re.M):
        for word in re.findall(r"\b\d[\d,]*\d\b|\"[^\"]+\"", comment):
            word = word.strip('"').replace(",", "")
            if not re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", said):
                raise Wrong(f"{block}: this should say {comment}:\n{block.text}\n{said}")


# ---- Running ----

def run(command, limit=LIMIT, **options):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit, check=False, **options)
    except subprocess.TimeoutExpired:
        return 1, f"It takes longer than {limit} s.\n"
    return done.returncode, done.stdout


def in_shell(block, text, folder, environment=None, limit=LIMIT):
    status, said = run(["bash", "-euo", "pipefail", "-c", text], limit, cwd=folder, stdin=subprocess.DEVNULL, env=environment)
    if status:
        raise Wrong(f"{block}: this fails:\n{block.text}\n{said}")
    compare(block, said)


class Session:
    """One psql for all blocks of a page"""

    def __init__(self, *arguments):
        self.psql = subprocess.Popen([*PSQL, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                     cwd=ROOT)
        self.ask(None, "SET client_min_messages = warning;\nSET timezone = 'UTC';\n")

    def ask(self, block, text):
        last = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")][-1]
        if not re.search(r";\s*(--.*)?$|^\s*\\|\\\w+", last):
            raise Wrong(f"{block}: the last statement does not end:\n{text}")
        end = f"-- end {random.getrandbits(64)} --"
        try:
            self.psql.stdin.write(f"{text}\n\\echo '{end}'\n")
            self.psql.stdin.flush()
        except BrokenPipeError:
            pass
        said = []
        for line in self.psql.stdout:
            if line.rstrip("\n") == end:
                return "".join(said)
            said.append(line)
        raise Wrong(f"{block}: the connection has ended:\n{text}\n{''.join(said)}")

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()
        self.psql.stdout.close()


def is_runnable(block, all_languages):
    """Whether this machine has what it takes"""
    if block.language in ("sql", "sh") or all_languages:
        return True
    if not Path("/", shutil.which(INTERPRETERS[block.language][0]) or "-").exists():
        return False
    if block.language == "python":
        names = re.findall(r"^\s*(?:import|from) (\w+)", block.text, re.M)
        return run(["/usr/bin/python3", "-c", "\n".join(f"import {name}" for name in names)], cwd="/", env=with_package())[0] == 0
    return Path("/usr/share/nodejs/pg" if block.language == "js" else INTERPRETERS["java"][2]).exists()


def with_package(**variables):
    return {**os.environ, "PYTHONPATH": str(ROOT / "python"), "PYTHONDONTWRITEBYTECODE": "1", "NODE_PATH": "/usr/share/nodejs", **variables}


class Page:
    """The blocks of a page that one server answers, in a database of their own"""

    def __init__(self, path, blocks):
        self.name = name_of(path)
        self.blocks = blocks
        self.database = "page_" + re.sub(r"\W", "_", path.stem.lower())

    def run(self, all_languages):
        self.maintain(f'DROP DATABASE IF EXISTS "{self.database}"')
        self.maintain(f"CREATE DATABASE \"{self.database}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        self.folder = tempfile.mkdtemp(prefix="page.")
        self.session = Session("-d", self.database)
        try:
            if not any(re.search(r"CREATE EXTENSION (?:IF NOT EXISTS )?hllset\b", block.text) for block in self.blocks):
                self.session.ask(None, "CREATE EXTENSION hllset;")
            return sum(self.run_block(block) for block in self.blocks if is_runnable(block, all_languages))
        finally:
            self.session.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.maintain(f'DROP DATABASE "{self.database}" WITH (FORCE)')

    def maintain(self, statement):
        status, said = run([*PSQL, "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", "SET client_min_messages = warning", "-c", statement])
        if status:
            raise Wrong(f"{self.name}: {said}")

    def run_block(self, block):
        environment = with_package(PGDATABASE=self.database)
        if block.language == "sql":
            compare(block, self.session.ask(block, block.text))
        elif block.language == "sh":
            in_shell(block, block.text, self.folder, environment)
        else:
            program = Path(self.folder, "Example.java" if block.language == "java" else "program")
            program.write_text(block.text, encoding="utf-8")
            status, said = run([*INTERPRETERS[block.language], str(program)], cwd=self.folder, env=environment)
            if status:
                raise Wrong(f"{block}: this fails:\n{block.text}\n{said}")
            compare(block, said)
        return 1


class Parts(Page):
    """A page whose blocks are parts of a script: each is in what psql echoes of it, and its answer directly after."""

    def __init__(self, path, blocks):
        super().__init__(path, blocks)
        self.script = script_of(path)

    def run_block(self, block):
        text = "\n".join(["", *squeezed(block.text), *squeezed(block.answer or ""), ""])
        if text not in self.said:
            raise Wrong(f"{block}: not in what {self.script.name} does and says:\n{text}")
        return 1

    def run(self, all_languages):
        self.maintain(f'DROP DATABASE IF EXISTS "{self.database}"')
        self.maintain(f"CREATE DATABASE \"{self.database}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        try:
            run([*PSQL, "-d", self.database, "-c", "CREATE EXTENSION hllset"])
            # As pg_regress runs it: a script may show errors, which name no file if it comes from standard input.
            status, said = run([*PSQL, "-a", "-d", self.database], input=self.script.read_text(encoding="utf-8"))
            if status:
                raise Wrong(f"{self.script}: {said}")
            self.said = "\n".join(["", *squeezed(said), ""])
            return sum(map(self.run_block, self.blocks))
        finally:
            self.maintain(f'DROP DATABASE "{self.database}" WITH (FORCE)')


# ---- Several servers ----

def free_ports(count):
    """Free ports that follow each other, as the page has them."""
    while True:
        first = random.randrange(10240, 32767 - count)  # below those that the system gives to outgoing connections
        sockets = [socket.socket() for _ in range(count)]
        try:
            for number, each in enumerate(sockets):
                each.bind(("127.0.0.1", first + number))
            return [str(first + number) for number in range(count)]
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()


class Nodes:
    """The blocks of a page for several servers, which its own block with initdb starts, or that of another page"""

    def __init__(self, path, blocks, servers):
        self.name, self.servers = name_of(path), servers
        self.blocks = [block for block in blocks if block is not servers]
        names = re.search(r"for node in ([\w ]+);", servers.text)[1].split()
        first = int(re.search(r"^port=(\d+)$", servers.text, re.M)[1])
        self.ports = dict(zip(names, free_ports(len(names))))
        self.replacements = {str(first + number): self.ports[name] for number, name in enumerate(names)}

    def replaced(self, text):
        for port, free in self.replacements.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return re.sub(r"'the node_id of (\w+)'", self.node_id, text)

    def node_id(self, found):
        said = run([*PSQL, "-At", "-h", self.folder, "-p", self.ports[found[1]], "-U", "postgres", "-d", "app", "-c", "SELECT node_id FROM hllset_sync.node()"])[1]
        return f"'{said.strip()}'"

    def run(self, _):
        self.folder = tempfile.mkdtemp(prefix="page.")
        try:
            in_shell(self.servers, self.replaced(self.servers.text), self.folder)
            return 1 + sum(map(self.run_block, self.blocks))
        finally:
            for node in self.ports:
                run(["pg_ctl", "-D", os.path.join(self.folder, node), "-m", "immediate", "stop"])
            shutil.rmtree(self.folder, ignore_errors=True)

    def run_block(self, block):
        if block.language == "sh":
            in_shell(block, self.replaced(block.text), self.folder)
        elif block.node and block.node not in self.ports:
            raise Wrong(f"{block}: there is no server {block.node}")
        else:
            for node in [block.node] if block.node else self.ports:
                session = Session("-h", self.folder, "-p", self.ports[node], "-U", "postgres", "-d", "app")
                try:
                    compare(block, session.ask(block, self.replaced(block.text)))
                finally:
                    session.close()
        return 1


# ---- Which blocks ----

def split(path):
    """The blocks of a page by who runs them. A page that starts servers has all of its blocks run there."""
    fates = {"here": [], "nodes": [], "fresh": [], "not run": []}
    for block in blocks_of(path):
        fates[block.fate].append(block)
    if any(block.language == "sh" for block in fates["nodes"]):
        fates["nodes"] = sorted(fates["nodes"] + fates["here"], key=lambda block: block.line)
        fates["here"] = []
    return fates


def run_fresh(path, blocks):
    """In the tree, where a page's commands are meant to be given"""
    for block in blocks:
        in_shell(block, 'sudo() { "$@"; }\n' + block.text, ROOT, limit=FRESH_LIMIT)
    return len(blocks)


def all_pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *(ROOT / "python").glob("*.md")]


def check_marks():
    marked = [block for path in all_pages() for block in split(path)["not run"]]
    unfounded = [block for block in marked if not re.match(r"not run: .{15}", block.mark)]
    if unfounded or len(marked) > MOST_NOT_RUN:
        raise Wrong(f"{len(marked)} blocks are not run, at most {MOST_NOT_RUN} may be; without a reason: {', '.join(map(str, unfounded))}")


def servers_for(fates):
    """The block that starts the servers: the page's own, else that of docs/sync-setup.md"""
    page = ROOT / "docs/sync-setup.md"
    candidates = fates["nodes"] + (split(page)["nodes"] if page.exists() else [])
    return next(block for block in candidates if block.language == "sh" and "initdb" in block.text)


def main(arguments):
    options = {argument for argument in arguments if argument.startswith("--")}
    paths = [Path(argument).resolve() for argument in arguments if argument not in options] or all_pages()
    fate = "nodes" if "--nodes" in options else "fresh" if "--fresh" in options else "here"
    check_marks()
    if "--list" in options:
        for block, fate in ((block, fate) for path in paths for fate, blocks in split(path).items() for block in blocks):
            print(block, block.language, fate, block.mark, sep="\t")
        return
    for path in paths:
        fates = split(path)
        blocks = fates[fate]
        if not blocks:
            continue
        if fate == "fresh":
            count = run_fresh(path, blocks)
        elif fate == "nodes":
            count = Nodes(path, blocks, servers_for(fates)).run(None)
        else:
            count = (Parts if script_of(path) else Page)(path, blocks).run("--all-languages" in options)
        left_out = len(blocks) - count if fate == "here" else 0
        print(f"pages: {count} blocks of {name_of(path)} do what they say" + (f" ({left_out} want what is not installed)" if left_out else ""), flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Wrong as wrong:
        sys.exit(f"pages: {wrong}")
