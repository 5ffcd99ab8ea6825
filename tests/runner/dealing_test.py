# SPDX-License-Identifier: LGPL-2.1-or-later
"""No program is left out, whatever guests there are."""

from __future__ import annotations

import re
import subprocess
import unittest
from pathlib import Path

from dealing import ANY, ROOT, dealt

REPO = Path(__file__).resolve().parents[2]
NAMES = (
    "abi/open",
    "lib/spawn",
    "guest/real_ninja",
    "races/reproducers",
    "preload/objects",
    "report/page",
    "report/html",
)
CHOSEN = [(name, None) for name in NAMES]


def hands(*roots: str) -> list[list[str]]:
    return [[name for name, _ in hand] for hand in dealt(CHOSEN, roots)]


class Dealing(unittest.TestCase):
    def test_one_guest_runs_all(self) -> None:
        self.assertEqual(hands("host"), [list(NAMES)])

    def test_each_runs_what_is_about_the_kernel(self) -> None:
        for hand in hands("host", "host", "trixie"):
            self.assertIn("abi/open", hand)
            self.assertIn("races/reproducers", hand)

    def test_each_root_runs_what_is_about_user_space(self) -> None:
        first, second, other = hands("host", "host", "trixie")
        for name in NAMES:
            if ROOT.match(name) and not ANY.match(name):
                self.assertEqual(1, [*first, *second].count(name), name)
                self.assertIn(name, other)

    def test_one_runs_the_rest(self) -> None:
        everything: list[str] = sum(hands("host", "host", "trixie"), [])
        for name in NAMES:
            if ANY.match(name):
                self.assertEqual(1, everything.count(name), name)

    def test_the_rest_runs_in_the_hosts_root(self) -> None:
        first, second, other = hands("host", "host", "trixie")
        self.assertFalse([name for name in other if ANY.match(name)])
        self.assertTrue([name for name in first + second if ANY.match(name)])

    def test_shared_ones_are_spread(self) -> None:
        first, second = hands("host", "host")
        self.assertLessEqual(abs(len(first) - len(second)), 1)

    def test_names_are_those_of_programs(self) -> None:
        """A name in dealing.py that no program has would say nothing."""
        sources = subprocess.run(
            ["git", "ls-files", "tests"], cwd=REPO, check=False, capture_output=True, text=True
        ).stdout.splitlines()
        if not sources:
            self.skipTest("this is not a clone")
        # races_table and the like are directories of sources.
        known = {re.sub(r"\.\w+$", "", source.removeprefix("tests/")) for source in sources}
        known |= {"/".join(source.split("/")[1:3]) for source in sources}
        for pattern in (ANY, ROOT):
            for directory, names in re.findall(r"(\w+)/\(([\w|$]+)\)", pattern.pattern):
                for name in names.replace("$", "").split("|"):
                    found = [one for one in known if one.startswith(f"{directory}/{name}")]
                    self.assertTrue(found, f"{directory}/{name}")


if __name__ == "__main__":
    unittest.main()
