#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""
That the reference is what the catalogs say: every public function, aggregate, operator, type and setting of both extensions, with the arguments and the result
that it has, and an example whose answer stands beside it. What is described must be there; what is there must be described.

usage: test/reference.py    in the server that the PG... variables name

docs/reference.md has for a function of hllset a line like `hll_fold(s hllset, p integer) → hllset`, and for a type a section. Of
hllset_sync the names and settings must stand on docs/sync.md or another page of sync.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import pages

DOCS = Path(__file__).resolve().parent.parent / "docs"
DATABASE = "reference_of_hllset"

# Internal ones say so in their comments; support functions of types and operator classes too.
FUNCTIONS = """
SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.proretset,
	coalesce((SELECT string_agg(p.proargnames[i] || ' ' || format_type(p.proallargtypes[i], NULL), ', ' ORDER BY i)
		FROM generate_subscripts(p.proargmodes, 1) i WHERE p.proargmodes[i] IN ('o', 't')), '')
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE e.extname = '{}' AND coalesce(obj_description(p.oid, 'pg_proc'), '') NOT LIKE 'internal%'
ORDER BY 1, 2"""
OPERATORS = """
SELECT DISTINCT o.oprname
FROM pg_operator o JOIN pg_depend d ON d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE e.extname = 'hllset' ORDER BY 1"""
TYPES = """
SELECT t.typname FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE e.extname = 'hllset' AND t.typtype = 'b' AND t.typelem = 0 ORDER BY 1"""
OBJECTS_OF_SYNC = """
SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE e.extname = 'hllset_sync' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'fdw_handler'::regtype)
	AND has_function_privilege('public', p.oid, 'EXECUTE')
UNION SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE e.extname = 'hllset_sync' AND has_table_privilege('public', c.oid, 'SELECT') ORDER BY 1"""


def rows(statement, database=DATABASE):
    done = subprocess.run(["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database], input=statement, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return [line.split("\t") for line in done.stdout.splitlines()]


def signature(name, arguments, result, is_set, outputs):
    inputs = ", ".join(part for part in re.split(r", (?![^()]*\))", arguments) if part and not part.startswith("OUT "))
    inputs = re.sub(r"::double precision", "", inputs)
    if outputs:
        result = f"{'SETOF ' if is_set == 't' else ''}({outputs})"
    return f"`{name}({inputs}) → {result}`"


class Reference:
    def __init__(self):
        path = DOCS / "reference.md"
        self.text = path.read_text(encoding="utf-8")
        self.examples = "\n".join(block.text for block in pages.blocks_of(path) if block.answer is not None)
        self.sync = "".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("sync*.md")))
        self.described, self.missing, self.wrong = 0, [], []

    def look_for(self, what, is_described, has_example=True):
        if not is_described:
            self.missing.append(f"{what} is not described")
        elif not has_example:
            self.wrong.append(f"{what} has no example with an answer")
        else:
            self.described += 1

    def functions(self):
        found = set()
        for name, *rest in rows(FUNCTIONS.format("hllset")):
            text = signature(name, *rest)
            found.add(text)
            self.look_for(text, text in self.text, re.search(rf"\b{name}\(", self.examples))
        for text in re.findall(r"^(`\w+\([^`]*\) → [^`]*`)", self.text, re.M):
            if text not in found:
                self.wrong.append(f"{text} is described, but is not there")

    def operators_and_types(self):
        for name, in rows(OPERATORS):
            self.look_for(f"operator {name}", f"`{name}`" in self.text or re.search(rf"^### .*, {re.escape(name)}$", self.text, re.M), f" {name} " in self.examples)
        for name, in rows(TYPES):
            section = re.search(rf"^### {name}$(.*?)^##", self.text, re.M | re.S)
            self.look_for(f"type {name}", section, section and re.search(r"^```sql\n.*?^```\s+^```\n", section[1], re.M | re.S))

    def settings(self):
        for name, in rows("LOAD 'hllset'; SELECT name FROM pg_settings WHERE name LIKE 'hllset.%'"):
            self.look_for(f"setting {name}", f"`{name}`" in self.text)

    def extension_of_sync(self):
        for name, in rows(OBJECTS_OF_SYNC):
            self.look_for(f"hllset_sync.{name}", re.search(rf"\b{name}\b", self.sync))
        for name, in rows("LOAD 'hllset_sync'; SELECT name FROM pg_settings WHERE name LIKE 'hllset_sync.%' AND name <> 'hllset_sync.fault' ORDER BY 1"):
            self.look_for(f"setting {name}", re.search(rf"`(?:hllset_sync\.)?{name.partition('.')[2]}`", self.sync))


def main():
    rows(f"SET client_min_messages = warning; DROP DATABASE IF EXISTS {DATABASE}", "postgres")
    rows(f"CREATE DATABASE {DATABASE}", "postgres")
    reference = Reference()
    try:
        rows("CREATE EXTENSION hllset")
        reference.functions()
        reference.operators_and_types()
        reference.settings()
        if rows("SELECT 1 FROM pg_available_extensions WHERE name = 'hllset_sync'"):
            rows("CREATE EXTENSION hllset_sync")
            reference.extension_of_sync()
    finally:
        rows(f"DROP DATABASE {DATABASE} WITH (FORCE)", "postgres")
    for line in reference.missing + reference.wrong:
        print(f"reference: {line}")
    if reference.wrong or reference.described < 40 or reference.missing:
        sys.exit(f"reference: {len(reference.missing)} are not described, {len(reference.wrong)} are wrong")
    print(f"reference: {reference.described} rules hold")


if __name__ == "__main__":
    os.environ.setdefault("PGOPTIONS", "-c client_min_messages=warning")
    main()
