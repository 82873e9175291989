#!/usr/bin/env python3
"""Goal: a page of claims that lacks a part, or names a test that is not there, is noticed. Method: a small tree, one thing wrong at a time."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import claims  # noqa: E402

PAGE = """# A claim

It holds.

## Who must be trusted

Nobody.

## How to refute it

Try.

## What it does not say

More.

## Tests that try

- `Suite.Name` in `room/a_test.cpp`
"""


class ClaimsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write("room/a_test.cpp", "TEST_F(Suite, Name) {}\nTEST(Suite, NameOfAnother) {}\n")
        self.write("docs/claims/README.md", "# Claims\n\n- [A claim](a.md)\n")
        self.write("docs/claims/a.md", PAGE)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def problems(self, page=PAGE):
        self.write("docs/claims/a.md", page)
        return list(claims.check(self.root))

    def test_a_whole_page_is_fine(self):
        self.assertEqual(self.problems(), [])

    def test_a_test_that_is_not_there_is_noticed(self):
        for wrong in ("Suite.Other", "Other.Name", "Suite.NameOf"):
            self.assertIn(f"has no test {wrong}", self.problems(PAGE.replace("Suite.Name", wrong))[0])
        self.assertIn("is not there", self.problems(PAGE.replace("a_test.cpp", "b_test.cpp"))[0])

    def test_a_page_without_a_part_or_a_test_is_noticed(self):
        self.assertEqual(len(self.problems(PAGE.replace("## How to refute it\n\nTry.\n\n", ""))), 1)
        self.assertIn("says nothing", self.problems(PAGE.replace("Nobody.", ""))[0])
        self.assertIn("says nothing", self.problems(PAGE.replace("- `Suite.Name` in `room/a_test.cpp`\n", ""))[0])
        self.assertIn("names no test", self.problems(PAGE + "- and others\n")[0])

    def test_the_list_and_the_pages_agree(self):
        self.write("docs/claims/b.md", PAGE)
        self.assertIn("README.md: lists", self.problems()[0])


if __name__ == "__main__":
    unittest.main()
