# SPDX-License-Identifier: LGPL-2.1-or-later
"""A figure that is measured again and differs must be told."""

from __future__ import annotations

import unittest

import again
from goals_test import BEFORE, GOAL, NOW, UNGATED, boots, run


class Again(unittest.TestCase):
    RECORD = boots(("", [run("plain/kspawn", 100), run("plain/glibc", 200), run("plain/fork", 500)]))

    def test_cells_and_ratios(self) -> None:
        results = boots((NOW, [run("plain/kspawn", 103), run("plain/glibc", 202), run("plain/new", 7)]))
        of_cells, of_goals = again.differences([GOAL], results, self.RECORD, NOW)
        found = [(one.name, round(one.part, 4)) for one in of_cells]
        self.assertEqual(found, [("plain/kspawn", 0.03), ("plain/glibc", 0.01)])
        self.assertEqual([one.beyond for one in of_cells], [True, False])
        self.assertEqual([(one.name, round(one.part, 4)) for one in of_goals], [("g", 0.0198)])
        self.assertFalse(of_goals[0].beyond)
        said = again.told(of_cells, of_goals)
        self.assertIn("2 counts of instructions, 1 of them off by more than 2%", said)
        self.assertIn("+3.00% 6.1   plain/kspawn: 103, on record 100", said)

    def test_less_is_told_too(self) -> None:
        results = boots((NOW, [run("plain/kspawn", 97), run("plain/glibc", 200)]))
        _, (one,) = again.differences([UNGATED], results, self.RECORD, NOW)
        self.assertTrue(one.beyond)

    def test_another_run_is_not_taken_for_this_one(self) -> None:
        results = boots((BEFORE, [run("plain/kspawn", 100)]))
        self.assertEqual(again.differences([GOAL], results, self.RECORD, NOW), ([], []))


if __name__ == "__main__":
    unittest.main()
