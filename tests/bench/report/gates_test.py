# SPDX-License-Identifier: LGPL-2.1-or-later
"""A gate lets an unchanged tree pass, always, and stops one that is worse."""

from __future__ import annotations

import random
import statistics
import tempfile
import unittest
from pathlib import Path

import gates
import goals
from gates import FEWEST, FLOOR, K, UNKNOWN, Spread
from goals import Goal, GoalResult

BENCH = Path(__file__).parents[1]
RUNS = 1000
# Nobody may lose so much unseen.
REGRESSION = 0.03


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
            self.assertIn('"g": [0.5, 0.25]\n', path.read_text(encoding="utf-8"))


class Tree(unittest.TestCase):
    """The gates of this tree, by what was measured."""

    def setUp(self) -> None:
        self.spreads = gates.load(BENCH / "spread.json")
        self.gated = [goal for goal in goals.load(BENCH / "goals.json") if goal.gate]

    def verdict(self, goal: Goal, kernel: str, ratio: float) -> GoalResult:
        return GoalResult(goal, kernel, ratio, width=gates.width(self.spreads[kernel].ratios[goal.name]))

    def measured(self) -> list[tuple[Goal, str, gates.Spread]]:
        """Each gate whose boots were measured."""
        return [
            (goal, kernel, spread)
            for goal in self.gated
            for kernel, spread in self.spreads.items()
            if goal.name in spread.ratios
        ]

    def test_each_was_measured_in_ten_boots(self) -> None:
        self.assertEqual(set(self.spreads), {"6.1", "6.12"})
        for goal in self.gated:
            for kernel, spread in self.spreads.items():
                self.assertIn(kernel, goal.reached, goal.name)
                if goal.reached[kernel].commit != spread.commit:
                    # Recorded anew, after a change that was meant to move it; until
                    # --spread has measured that, the gate is that of a new goal.
                    self.assertNotIn(goal.name, spread.ratios)
                    continue
                self.assertGreaterEqual(len(spread.ratios[goal.name]), FEWEST, f"{kernel}: {goal.name}")

    def test_what_is_on_record_is_their_median(self) -> None:
        for goal, kernel, spread in self.measured():
            median = statistics.median(spread.ratios[goal.name])
            self.assertAlmostEqual(goal.reached[kernel].ratio, median, delta=1e-5)
            self.assertEqual(goal.reached[kernel].commit, spread.commit)

    def test_each_boot_that_was_measured_passes(self) -> None:
        for goal, kernel, spread in self.measured():
            for ratio in spread.ratios[goal.name]:
                self.assertFalse(self.verdict(goal, kernel, ratio).failed, f"{kernel}: {goal.name}")

    def cases(self) -> list[tuple[str, Goal, str, list[float], float, float]]:
        """Each gate: what it is called, the ratios, their deviation, and the gate's width."""
        return [
            (
                f"{kernel}: {goal.name}",
                goal,
                kernel,
                (ratios := spread.ratios[goal.name]),
                statistics.stdev(ratios),
                gates.width(ratios),
            )
            for goal, kernel, spread in self.measured()
        ]

    def test_an_unchanged_tree_passes_a_thousand_times_in_a_thousand(self) -> None:
        # A smoothed bootstrap: a run has one of the boots that were measured, and is as far
        # from it as boots are from each other.  With that it is spread more than they are, by
        # two fifths.
        chance = random.Random(6)
        failed = []
        for name, goal, kernel, ratios, deviation, width in self.cases():
            for _ in range(RUNS):
                ratio = chance.gauss(chance.choice(ratios), deviation)
                if GoalResult(goal, kernel, ratio, width=width).failed:
                    failed.append(f"{name}: {ratio:.4f}")
        self.assertEqual(failed, [])

    def test_one_that_is_worse_does_not_pass_once(self) -> None:
        # Each boot that was measured, and worse by that.
        passed = []
        for name, goal, kernel, ratios, _, width in self.cases():
            for ratio in ratios:
                worse = goal.worse_by(ratio, REGRESSION)
                if not GoalResult(goal, kernel, worse, width=width).failed:
                    passed.append(f"{name}: {worse:.4f}")
        self.assertEqual(passed, [])


if __name__ == "__main__":
    unittest.main()
