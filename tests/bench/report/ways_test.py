# SPDX-License-Identifier: LGPL-2.1-or-later
"""A way to start a program is known in two places: its code, and a line of ways.h."""

from __future__ import annotations

import json
import re
import unittest
from pathlib import Path
from unittest import mock

import ways

BENCH = Path(__file__).resolve().parents[1]
# Nothing singles this way out: a list that names it names all ways.
TOY = "error" + "_pipe"


class Places(unittest.TestCase):
    def test_a_way_is_a_file_and_a_line(self) -> None:
        naming = {
            str(path.relative_to(BENCH))
            for path in BENCH.rglob("*")
            if path.is_file() and path.suffix != ".pyc" and re.search(rf"\b{TOY}\b", path.read_text(encoding="utf-8"))
        }
        self.assertEqual(naming, {"ways/ways.h", f"ways/{TOY}.c"})

    def test_the_report_asks_kspawn_bench(self) -> None:
        listed = [{"name": "b", "words": "B", "colour": "#ffffff", "ours": True}, {"name": "a", "words": "A"}]
        with mock.patch("ways.subprocess.run") as bench:
            bench.return_value.stdout = json.dumps(listed)
            known = ways.listed(Path("kspawn-bench"))
        self.assertEqual(bench.call_args.args[0], ["kspawn-bench", "--list-ways"])
        self.assertEqual(list(known), ["b", "a"])
        self.assertEqual(known["a"], ways.Way("a", "A"))


if __name__ == "__main__":
    unittest.main()
