#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Checks META.json of both distributions against PGXN's meta spec 1.0 (https://pgxn.org/spec/), and that all files say one version.

usage: test/meta.py [ARCHIVE...]    each .zip as scripts/package.sh makes it; without one, the distributions of the tree
"""
import json
import pathlib
import re
import sys
import zipfile

NUMBER = r"(0|[1-9]\d*)"
VERSION = rf"{NUMBER}\.{NUMBER}\.{NUMBER}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
CONDITION = rf"((==|!=|[<>]=?)\s*)?({VERSION}|0)"
RANGE = rf"{CONDITION}(,\s*{CONDITION})*"
TERM = r"[^/\\\s\x00-\x1f\x7f]{2,}"
TAG = r"[^/\\\x00-\x1f\x7f]{2,255}"  # with spaces: so has the example of the spec, and the schema
URI = r"[a-z][a-z0-9+.-]*://[^\s/]+\S*"
MAIL = r"[^\s<>@]+@[^\s<>@]+"
CONTACT = rf"[^<>]+ <{MAIL}>"

REQUIRED = {"abstract", "license", "maintainer", "meta-spec", "name", "provides", "version"}
OPTIONAL = {"description", "generated_by", "no_index", "prereqs", "release_status", "resources", "tags"}
LICENSES = set("""agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3 lgpl_2_1 lgpl_3_0 mit
    mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source restricted unrestricted unknown""".split())
PHASES = {"configure", "build", "test", "runtime", "develop"}
RELATIONS = {"requires", "recommends", "suggests", "conflicts"}


def matches(pattern, value):
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def text(value):
    return isinstance(value, str) and value.strip() != ""


def listed(value):
    """A string is a list of one."""
    return value if isinstance(value, list) else [value]


def known(keys, allowed):
    return all(key in allowed or re.match("x_.", key, re.I) for key in keys)


class Distribution:
    """META.json at ROOT. Files are looked for in FOLDERS: that of an archive, or what its folder in the tree gets its files from."""

    def __init__(self, name, root, folders):
        self.name = name
        self.folders = folders
        self.root = root
        self.meta = json.loads((root / "META.json").read_text(encoding="utf-8"))
        self.held = 0

    def rule(self, what, holds):
        if not holds:
            sys.exit(f"meta: {self.name}: violated: {what}")
        self.held += 1

    def has(self, path):
        return text(path) and not path.startswith("/") and any((folder / path).is_file() for folder in self.folders)

    def control(self, extension):
        """The settings of the extension's .control file."""
        lines = (self.root / f"{extension}.control").read_text(encoding="utf-8")
        return dict(re.findall(r"^(\w+) *= *'?(.*?)'?$", lines, re.M))

    def check(self):
        meta = self.meta
        self.rule("all required fields are there", REQUIRED <= meta.keys())
        self.rule("no field is unknown", known(meta, REQUIRED | OPTIONAL))
        self.rule("name is a term", matches(TERM, meta["name"]))
        self.rule("abstract, description and generated_by are texts",
                  all(text(meta[key]) for key in ("abstract", "description", "generated_by") if key in meta))
        self.rule("version is a semantic version", matches(VERSION, meta["version"]))
        self.rule("maintainer is one or more of 'name <address>'",
                  meta["maintainer"] and all(matches(CONTACT, one) for one in listed(meta["maintainer"])))
        self.rule("license has PGXN's names", meta["license"] and all(one in LICENSES for one in listed(meta["license"])))
        self.rule("release_status is stable, testing or unstable", meta.get("release_status", "stable") in ("stable", "testing", "unstable"))
        self.rule("tags are tags, none twice", all(matches(TAG, tag) for tag in meta["tags"]) and len(set(meta["tags"])) == len(meta["tags"]))
        self.rule("meta-spec is 1.0 with its address",
                  known(meta["meta-spec"], {"version", "url"}) and matches(r"1\.0\.\d+", meta["meta-spec"]["version"]) and matches(URI, meta["meta-spec"]["url"]))
        self.check_provides()
        self.check_prereqs()
        self.check_resources()

    def check_provides(self):
        provides = self.meta["provides"]
        self.rule("provides is one extension, that of the distribution", list(provides) == [self.meta["name"]])
        one = provides[self.meta["name"]]
        self.rule("its file and version are given, and nothing unknown", {"file", "version"} <= one.keys() and known(one, {"file", "version", "abstract", "docfile"}))
        self.rule("its file is there", self.has(one["file"]))
        self.rule("its docfile is there", self.has(one["docfile"]))
        self.rule("its version is that of the distribution", one["version"] == self.meta["version"])
        version = self.control(self.meta["name"])["default_version"]
        self.rule("its version is default_version of the .control file, and a patch level", one["version"].startswith(version + "."))
        self.rule("its file is the script of default_version", pathlib.PurePosixPath(one["file"]).name == f"{self.meta['name']}--{version}.sql")

    def check_prereqs(self):
        prereqs = self.meta["prereqs"]
        self.rule("prereqs have PGXN's phases and relations",
                  known(prereqs, PHASES) and all(known(relations, RELATIONS) for relations in prereqs.values()))
        self.rule("prereqs are terms with ranges of versions",
                  all(matches(TERM, extension) and (wanted == 0 or matches(RANGE, wanted))
                      for relations in prereqs.values() for wants in relations.values() for extension, wanted in wants.items()))
        wanted = self.control(self.meta["name"]).get("requires", "")
        self.rule("what the .control file requires is a prereq of the runtime", set(re.findall(r"\w+", wanted)) <= prereqs["runtime"]["requires"].keys())

    def check_resources(self):
        resources = self.meta["resources"]
        tracker, repository = resources["bugtracker"], resources["repository"]
        self.rule("resources have PGXN's fields",
                  known(resources, {"homepage", "bugtracker", "repository"}) and known(tracker, {"web", "mailto"}) and known(repository, {"url", "web", "type"}))
        self.rule("resources are addresses",
                  all(matches(URI, address) for address in (resources["homepage"], repository["url"], repository["web"], tracker["web"])))
        self.rule("the repository has a type", matches("[a-z]+", repository["type"]))
        placeholders = re.search(r"@example\.org|//[\w.]*\bexample\.org", json.dumps(self.meta)) is not None
        self.rule("an address is a real one or said to be none (x_placeholder)", placeholders == ("x_placeholder" in resources))


def from_archive(path):
    """PGXN takes one top folder, NAME-VERSION, which is also the name of the archive."""
    with zipfile.ZipFile(path) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    top = zipfile.Path(path, pathlib.Path(path).stem + "/")
    distribution = Distribution(path, top, [top])
    distribution.rule("the archive has one top folder, with its name", tops == {top.name})
    distribution.rule("that name is NAME-VERSION", top.name == f"{distribution.meta['name']}-{distribution.meta['version']}")
    distribution.check()
    distribution.rule("the licence is with it", distribution.has("LICENSE"))
    return distribution.held


def from_tree(tree):
    distributions = [Distribution("META.json", tree, [tree]), Distribution("sync/META.json", tree / "sync", [tree / "sync", tree])]
    for distribution in distributions:
        distribution.check()
    first, second = distributions
    second.rule("its version is that of the type, which it requires", second.meta["version"] == first.meta["version"] == second.meta["prereqs"]["runtime"]["requires"]["hllset"])
    second.rule("licence, maintainer, status, resources and servers are those of the type",
                all(second.meta[key] == first.meta[key] for key in ("license", "maintainer", "release_status", "resources"))
                and second.meta["prereqs"]["runtime"]["requires"]["PostgreSQL"] == first.meta["prereqs"]["runtime"]["requires"]["PostgreSQL"])
    pages = {page: (tree / page).read_text(encoding="utf-8") for page in ("README.md", "CHANGELOG.md", "docs/format.md", "python/pyproject.toml")}
    beta = first.meta["release_status"] == "testing"
    first.rule("README, CHANGELOG and docs/format.md say 1.0 beta just if release_status is testing",
               all(("1.0 beta" in words) == beta for page, words in pages.items() if page.endswith(".md")))
    first.rule("the Python package has that status", ("4 - Beta" in pages["python/pyproject.toml"]) == beta)
    newest = re.match(r"(\S+) \(([^~)-]+)[^)]*\)", (tree / "debian/changelog").read_text(encoding="utf-8"))
    first.rule("debian/changelog begins with that version", newest is not None and newest.groups() == (first.meta["name"], first.meta["version"]))
    first.rule("src/pg/hllset_pg.h tells the server that version", f'.version = "{first.meta["version"]}"' in (tree / "src/pg/hllset_pg.h").read_text(encoding="utf-8"))
    oldest = (tree / "debian/pgversions").read_text(encoding="utf-8").strip()
    first.rule("debian/pgversions begins with the server that is required", f"{oldest.rstrip('+')}.0.0" == first.meta["prereqs"]["runtime"]["requires"]["PostgreSQL"])
    return sum(distribution.held for distribution in distributions)


def main():
    held = sum(map(from_archive, sys.argv[1:])) if sys.argv[1:] else from_tree(pathlib.Path(__file__).resolve().parent.parent)
    print(f"meta: {held} rules hold")


main()
