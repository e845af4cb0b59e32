#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""That every link of the pages to a file of the tree, and to a heading in it, leads somewhere."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "python").glob("*.md"), *(ROOT / "bench").glob("*.md")]


def without_code(text):
    return re.sub(r"^[ \t]*```.*?^[ \t]*```$", "", text, flags=re.M | re.S)


def anchors(path):
    """As GitHub makes them of headings"""
    found, seen = set(), {}
    for heading in re.findall(r"^#+ (.*)$", without_code(path.read_text(encoding="utf-8")), re.M):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()).strip().replace(" ", "-")
        seen[name] = seen.get(name, -1) + 1
        found.add(name if not seen[name] else f"{name}-{seen[name]}")
    return found


def main():
    wrong, count = [], 0
    for page in PAGES:
        text = re.sub(r"`[^`\n]*`", "", without_code(page.read_text(encoding="utf-8")))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            count += 1
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            if not path.exists():
                wrong.append(f"{page.relative_to(ROOT)}: there is no {target}")
            elif anchor and anchor not in anchors(path):
                wrong.append(f"{page.relative_to(ROOT)}: there is no heading for {target}")
    for line in wrong:
        print(line)
    if wrong or count < 20:
        sys.exit(f"links: {len(wrong)} of {count} lead nowhere")
    print(f"links: {count} rules hold")


main()
