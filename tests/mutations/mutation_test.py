#!/usr/bin/env python3
"""Every planted bug still fits the tree, and a patch that has rotted is noticed."""

import re
import tempfile
import unittest
from pathlib import Path

import mutation

ROOT = Path(__file__).resolve().parents[2]
HEADER = "promise: it is one\nprograms: test_a\ntests: ^a: one\n\n"
DIFF = "--- a/core/a.cpp\n+++ b/core/a.cpp\n@@ -1,3 +1,3 @@\n zero\n-one\n+two\n end\n"


class PlantedBugs(unittest.TestCase):
    def setUp(self):
        self.mutations = mutation.read_mutations(ROOT)

    def test_every_one_fits_the_tree(self):
        for each in self.mutations:
            with self.subTest(each.name):
                self.assertTrue(each.changed_texts(ROOT))

    def test_the_tests_that_shall_notice_it_are_there(self):
        names = mutation.test_names(ROOT)
        for each in self.mutations:
            with self.subTest(each.name):
                self.assertTrue([name for name in names if re.search(each.tests, name)])
                programs = {f"test_{name.partition(':')[0]}" for name in names
                            if re.search(each.tests, name)}
                self.assertLessEqual(programs, set(each.programs))

    def test_numbers_and_promises_are_given_once(self):
        for what in ([each.name.partition("-")[0] for each in self.mutations],
                     [each.promise for each in self.mutations]):
            self.assertEqual(len(what), len(set(what)))


class Reading(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        (self.root / mutation.FOLDER).mkdir(parents=True)
        (self.root / "core").mkdir()
        self.source = self.root / "core/a.cpp"
        self.source.write_text("above\nzero\none\nend\n", "utf-8")

    def read(self, text):
        (self.root / mutation.FOLDER / "01-a.patch").write_text(text, "utf-8")
        return mutation.read_mutations(self.root)

    def test_a_patch_changes_its_lines_wherever_they_stand(self):
        one, = self.read(HEADER + DIFF)
        self.assertEqual((one.name, one.promise, one.programs, one.tests),
                         ("01-a", "it is one", ["test_a"], "^a: one"))
        self.assertEqual(one.changed_texts(self.root),
                         {"core/a.cpp": "above\nzero\ntwo\nend\n"})

    def test_a_patch_that_fits_nowhere_or_twice_is_refused(self):
        one, = self.read(HEADER + DIFF)
        for text in ("zero\nanother\nend\n", "zero\none\nend\nzero\none\nend\n"):
            self.source.write_text(text, "utf-8")
            with self.assertRaises(mutation.MutationError):
                one.changed_texts(self.root)
        self.source.unlink()
        with self.assertRaises(mutation.MutationError):
            one.changed_texts(self.root)

    def test_a_patch_without_a_header_or_a_change_is_refused(self):
        for text in (DIFF, HEADER, HEADER + HEADER + DIFF, HEADER + DIFF + "what?\n",
                     HEADER + DIFF.replace("+two", "+one"), HEADER.replace("^a: one", "") + DIFF,
                     HEADER + DIFF + "+x\n" * mutation.CHANGED_LINES_MAX):
            with self.subTest(text), self.assertRaises(mutation.MutationError):
                self.read(text)

    def test_a_folder_without_patches_is_refused(self):
        with self.assertRaises(mutation.MutationError):
            mutation.read_mutations(self.root)


if __name__ == "__main__":
    unittest.main()
