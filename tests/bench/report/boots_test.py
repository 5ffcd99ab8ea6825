# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot measures what it is for, under a name of its own."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "measure"))

import boots  # noqa: E402
import goals  # noqa: E402
from goals_test import CONTEXT, run  # noqa: E402
from measurements import COSTS, ERMS, PARTS, part_of  # noqa: E402

GOALS = goals.load(Path(__file__).parents[1] / "goals.json")


class Short(unittest.TestCase):
    def test_it_has_all_that_is_gated(self) -> None:
        pattern = boots.short(GOALS)
        for cell in (cell for goal in GOALS if goal.gate for cell in goal.cells):
            self.assertRegex(f"{cell}/manual_time", pattern)

    def test_and_not_all_there_is(self) -> None:
        self.assertNotRegex("plain/pool/manual_time", boots.short(GOALS))


class Erms(unittest.TestCase):
    """The same cells as of the costs, and never taken for them."""

    def test_its_guest_is_another(self) -> None:
        self.assertEqual([part for part in PARTS if "--erms" in boots.GUESTS.get(part, [])], [ERMS])

    def test_its_cells_have_a_name_of_their_own(self) -> None:
        data = {"context": dict(CONTEXT), "benchmarks": [run("plain/kspawn", 1) | {"name": "plain/kspawn/x"}]}
        boots._rename(data)  # pylint: disable=protected-access
        self.assertEqual(
            [(one["run_name"], one["name"]) for one in data["benchmarks"] if isinstance(one, dict)],
            [("erms/kspawn", "erms/kspawn/x")],
        )
        self.assertEqual([part_of(name) for name in ("erms/kspawn", "plain/kspawn")], [ERMS, COSTS])

    def test_a_filter_takes_them_by_that_name(self) -> None:
        names = ["plain/glibc", "plain/kspawn", "plain/kspawn_wait"]
        with mock.patch("boots._names", return_value=names):
            for pattern, taken in (
                (".", names),
                ("^erms/kspawn/", ["plain/kspawn"]),
                ("/(glibc|kspawn)/", ["plain/glibc", "plain/kspawn"]),
            ):
                made = boots._renamed(pattern, Path("bench"))  # pylint: disable=protected-access
                found = [name for name in names if re.search(made, f"{name}/manual_time")]
                self.assertEqual(found, taken)


if __name__ == "__main__":
    unittest.main()
