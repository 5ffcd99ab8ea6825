# SPDX-License-Identifier: LGPL-2.1-or-later
"""A gate lets an unchanged tree pass, always, and stops one that is worse."""

from __future__ import annotations

import statistics
import tempfile
import unittest
from pathlib import Path

import gates
from gates import FEWEST, FLOOR, K, UNKNOWN, Spread


class Width(unittest.TestCase):
    def test_as_wide_as_the_boots_differ(self) -> None:
        ratios = [0.99, 1.0, 1.01] * 4
        self.assertAlmostEqual(gates.width(ratios), K * statistics.stdev(ratios))

    def test_but_not_narrower_than_the_floor(self) -> None:
        self.assertEqual(gates.width([0.7] * FEWEST), FLOOR)

    def test_too_few_boots_say_nothing(self) -> None:
        self.assertEqual(gates.width([0.7] * (FEWEST - 1)), UNKNOWN)


class File(unittest.TestCase):
    def test_other_kernels_stay(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "spread.json")
            self.assertEqual(gates.load(path), {})
            first, second = (Spread("d", "c", release, "o", {"g": [0.5, 0.25]}) for release in "ab")
            gates.save(path, {"6.1": first})
            gates.save(path, {"6.12": second})
            self.assertEqual(gates.load(path), {"6.1": first, "6.12": second})
            self.assertIn('"g": [0.5, 0.25]\n', path.read_text())


if __name__ == "__main__":
    unittest.main()
