# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot measures what it is for, under a name of its own."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "measure"))
sys.path.append(str(Path(__file__).resolve().parents[3] / "qemu" / "lib"))

import boots  # noqa: E402
import goals  # noqa: E402
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

    def names(self, part: str, said: str) -> list[str]:
        with mock.patch("boots.subprocess.run") as bench:
            bench.return_value.stdout = said
            found = boots._names(Path("bench"), part, "^erms/kspawn/")  # pylint: disable=protected-access
        self.assertIn(f"--parts={part}", bench.call_args.args[0])
        self.assertIn("--benchmark_filter=^erms/kspawn/", bench.call_args.args[0])
        return found

    def test_its_cells_have_a_name_of_their_own(self) -> None:
        self.assertEqual(self.names(ERMS, "erms/kspawn/manual_time\n"), ["erms/kspawn"])
        self.assertEqual([part_of(name) for name in ("erms/kspawn", "plain/kspawn")], [ERMS, COSTS])

    def test_no_cell_of_another_part_is_taken_for_one(self) -> None:
        for part, said in ((ERMS, "plain/kspawn"), (COSTS, "erms/kspawn"), (boots.TRACED, "erms/kspawn")):
            with self.assertRaises(ValueError):
                self.names(part, f"{said}/manual_time\n")


if __name__ == "__main__":
    unittest.main()
