# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files are counted as places, and when there are too many."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import places

KINDS = """\
[[kind]]
name = "a fruit"
wanted = 1
limit = 3
members = ['[Aa]pple', 'pear']
own = ["pear.c"]

[[kind.except]]
glob = "seen*.c"
why = "was only seen"
"""
TEXTS = {
    "kmod/list.c": "Apple, pear",
    "tests/list.c": "apple\npear\n",
    "tests/example.c": "apple",
    "pear.c": "pear",
    "seen.c": "apple pear",
    "README.md": "apple pear",
}


class Counting(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-places-")
        self.addCleanup(scratch.cleanup)
        self.top = Path(scratch.name)
        for name, text in TEXTS.items():
            (self.top / name).parent.mkdir(exist_ok=True)
            (self.top / name).write_text(text, encoding="utf-8")

    def count(self, kinds: str = KINDS) -> tuple[places.Places, list[str]]:
        path = self.top / "kinds.toml"
        path.write_text(kinds, encoding="utf-8")
        (kind,) = places.load(path)
        path.unlink()
        texts = places.sources(self.top)
        found = places.find(kind, texts)
        return found, places.faults(kind, texts, found)

    def test_places(self) -> None:
        found, faults = self.count()
        self.assertEqual(found.files, ("kmod/list.c", "pear.c", "tests/list.c"))
        self.assertEqual(found.documents, ("README.md",))
        self.assertEqual((found.count(True), found.count(False)), (1, 2))
        self.assertEqual(faults, [])

    def test_a_link_is_no_other_file(self) -> None:
        (self.top / "tests" / "link.c").symlink_to("list.c")
        self.assertEqual(self.count()[0].count(False), 2)

    def test_one_more_than_there_may_be(self) -> None:
        (self.top / "more.py").write_text("pear, apple", encoding="utf-8")
        found, (fault,) = self.count()
        self.assertIn("more.py", found.files)
        self.assertEqual(fault, "a fruit: 4 files to touch, which are more than 3")

    def test_what_is_not_there_any_more(self) -> None:
        for old, new in (('"pear.c"', '"plum.c"'), ("seen*", "heard*"), ("'pear'", "'plum'")):
            with self.subTest(new=new):
                _, faults = self.count(KINDS.replace("limit = 3", "limit = 9").replace(old, new))
                self.assertEqual(len(faults), 1, faults)


if __name__ == "__main__":
    unittest.main()
