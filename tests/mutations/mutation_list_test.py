# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists of mutations that do not fit their sources are refused, with words."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import mutation_list

SOURCE = "int one(void)\n{\n\tget();\n\treturn put() + put();\n}\n"
GOOD = """\
[[mutation]]
name = "no-get"
why = "a reference less"
find = '''
	get();
'''
replace = ""
caught_by = ["first"]
"""


class Lists(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-mutations-")
        self.addCleanup(scratch.cleanup)
        self.top = Path(scratch.name)
        self.lists = self.top / "lists" / "kmod"
        self.lists.mkdir(parents=True)
        (self.top / "kmod").mkdir()
        (self.top / "kmod" / "one.c").write_text(SOURCE, encoding="utf-8")

    def load(self, text: str, name: str = "one") -> list[mutation_list.Mutation]:
        (self.lists / f"{name}.toml").write_text(text, encoding="utf-8")
        return mutation_list.load(self.lists, "kmod/{}.c")

    def faults(self, text: str, name: str = "one") -> list[str]:
        return mutation_list.faults(self.load(text, name), self.top, {"first", "second"})

    def test_one_that_fits(self) -> None:
        self.assertEqual(self.faults(GOOD), [])
        (mutation,) = self.load(GOOD)
        self.assertEqual(mutation.source, "kmod/one.c")
        self.assertEqual(mutation.applied(SOURCE), SOURCE.replace("\tget();\n", ""))

    def test_text_that_is_not_there(self) -> None:
        (fault,) = self.faults(GOOD.replace("get();", "take();"))
        self.assertIn("occurs 0 times", fault)

    def test_text_that_is_there_twice(self) -> None:
        text = GOOD.replace("'''\n\tget();\n'''", "'put()'")
        (fault,) = self.faults(text)
        self.assertIn("occurs 2 times", fault)
        with self.assertRaises(ValueError):
            self.load(text)[0].applied(SOURCE)

    def test_no_text(self) -> None:
        faults = self.faults(GOOD.replace("'''\n\tget();\n'''", "''"))
        self.assertIn("no-get: changes nothing", faults)

    def test_no_source(self) -> None:
        (fault,) = self.faults(GOOD, "two")
        self.assertEqual(fault, "no-get: there is no kmod/two.c")

    def test_listed_twice(self) -> None:
        (fault,) = self.faults(GOOD + GOOD)
        self.assertEqual(fault, "no-get: listed twice")

    def test_unknown_program_and_none(self) -> None:
        (fault,) = self.faults(GOOD.replace("first", "third"))
        self.assertEqual(fault, "no-get: no test program third")
        (fault,) = self.faults(GOOD.replace('"first"', ""))
        self.assertEqual(fault, "no-get: no test program is named")

    def test_no_reason(self) -> None:
        (fault,) = self.faults(GOOD.replace("a reference less", " "))
        self.assertEqual(fault, "no-get: without a reason")

    def test_what_cannot_be_read(self) -> None:
        no_list = GOOD.replace('["first"]', "1")
        for text in (GOOD + "caught = 1\n", GOOD + "equivalent = 1\n", "[[change]]\n", "=", no_list):
            with self.subTest(text=text), self.assertRaisesRegex(ValueError, "^one.toml: "):
                self.load(text)


if __name__ == "__main__":
    unittest.main()
