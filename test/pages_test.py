#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""That test/pages.py finds what a page says wrong: each case is a page of its own. Needs a server with the extension, as pages.py does."""
import io
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import pages  # noqa: E402

ANSWER = "```\n a\n---\n 1\n```\n"


def sql(text):
    return f"```sql\n{text}\n```\n"


def verdict(text):
    """What pages.py says of a page with this text: None if nothing is wrong"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "wrong.md")
        path.write_text(text, encoding="utf-8")
        try:
            with redirect_stdout(io.StringIO()):
                pages.main([str(path)])
        except pages.Wrong as wrong:
            return str(wrong)
    return None


class Pages(unittest.TestCase):
    def test_what_holds(self):
        good = (sql("SELECT 1 AS a;") + ANSWER, sql("SELECT 1 AS a;") + "\nwords\n\n" + ANSWER, sql("SELECT 1234;  -- 1,234"), sql("SELECT 'ab';  -- \"ab\""),
                     sql("SELECT 1/0;") + "```\nERROR:  division by zero\n```\n", sql("SELECT nothing;") + "```\nERROR:  column \"nothing\" does not exist\n```\n",
                     sql("SELECT 1 AS a;") + ANSWER.replace("1\n", "1\n(1 row)\n"), sql("SELECT 7 AS a;") + "<!-- varies: chance -->\n" + ANSWER,
                     sql("CREATE TEMP TABLE t AS SELECT 1 AS a;") + sql("TABLE t;") + ANSWER, "```sh\necho a\n```\n```\na\n```\n",
                     "<!-- hidden\nCREATE TEMP TABLE t AS SELECT 1 AS a;\n-->\n" + sql("TABLE t;") + ANSWER,
                     "```python\nprint(1)\n```\n```\n1\n```\n", "```text\nnot run\n```\n", sql("SELECT # hllset_of(1, 2) AS a \\gset\nSELECT :a;"))
        self.assertIsNone(verdict("\n".join(good).replace("TABLE t AS", "TABLE IF NOT EXISTS t AS")))

    def test_what_does_not(self):
        for text in (sql("SELECT 2 AS a;") + ANSWER, sql("SELECT 1 AS b;") + ANSWER, sql("SELECT 1/0;"), sql("SELECT 1234;  -- 1,235"), sql("SELECT 12345;  -- 1,234"),
                     sql("SELECT 'ab';  -- \"ac\""), sql("SELECT 1 AS a"), "```sh\nfalse\n```\n", "```sh\necho a\n```\n```\nb\n```\n", "```sh\nfalse | true\n```\n",
                     ANSWER, sql("SELECT 1 AS a;") + ANSWER + ANSWER, "```sql\nSELECT 1;\n", "words\n\n    sudo make install\n", "words\n\n    scripts/demo.sh\n",
                     sql("SELECT 1 AS a, 2 AS b;") + "<!-- varies: chance -->\n" + ANSWER, sql("SELECT 'x' AS a;") + "<!-- varies: chance -->\n" + ANSWER,
                     "```python\nraise SystemExit(1)\n```\n", sql("\\connect nowhere\nSELECT 1;"), sql("SELECT 1;") + "```\nERROR:  division by zero\n```\n"):
            self.assertRegex(verdict(text) or "nothing", "wrong.md: a block that does not end|wrong.md: an indented|wrong.md:[0-9]+: ", text)

    def test_marks_are_counted(self):
        marked = "<!-- not run: because it takes a day -->\n" + sql("SELECT 1/0;")
        self.assertIsNone(verdict(marked))
        known, pages.all_pages = pages.all_pages, lambda: [path]
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "marked.md")
                for text, good in ((marked * 10, True), (marked * 11, False), ("<!-- not run: so -->\n" + sql("SELECT 1;"), False)):
                    path.write_text(text, encoding="utf-8")
                    with self.subTest(text=text):
                        if good:
                            pages.check_marks()
                        else:
                            self.assertRaises(pages.Wrong, pages.check_marks)
        finally:
            pages.all_pages = known


if __name__ == "__main__":
    unittest.main()
