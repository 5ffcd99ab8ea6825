# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lost ratio must not go unseen, and one that was never had must not fail."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import unittest
from pathlib import Path

import goals
from goals import Goal, Verdict
from measurements import COSTS, PARALLEL, Results, load, part_of

CONTEXT = {"kernel": "6.1.0-1-amd64", "unit": "instructions"}


def run(name: str, real_time: float, **counters: float) -> dict[str, object]:
    return {
        "run_name": name,
        "run_type": "iteration",
        "real_time": real_time,
        "cpu_time": 1.0,
        "iterations": 10,
        "time_unit": "ns",
        **counters,
    }


def boot(*runs: dict[str, object], part: str = COSTS) -> Results:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "6.1.json")
        path.write_text(json.dumps({"context": CONTEXT, "benchmarks": list(runs)}))
        return load("6.1", [(part, path)])


GOAL = Goal("g", "plain/kspawn", "plain/glibc", "total", at_most=0.72, reached={"6.1": 0.77})


def verdict(ratio: float | None, goal: Goal = GOAL) -> Verdict:
    return Verdict(goal, "6.1", ratio)


class Loading(unittest.TestCase):
    def test_the_median_of_repetitions(self) -> None:
        name = "plain/kspawn/min_time:0.100/manual_time"
        results = boot(*(run(name, time, blocked=time / 2) for time in (90, 100, 130)))
        cell = results.cell("plain/kspawn")
        assert cell
        self.assertEqual(cell.values, {"total": 100, "blocked": 50})
        self.assertEqual((cell.spread, cell.repetitions), (0.4, 3))

    def test_parameters_are_the_scene(self) -> None:
        results = boot(run("memory/kspawn/resident:16/manual_time", 1))
        self.assertIsNotNone(results.cell("memory/kspawn/resident:16"))
        self.assertIsNone(results.cell("memory/kspawn/resident:1"))

    def test_what_failed_is_no_cell(self) -> None:
        failed = run("plain/kspawn", 0) | {"error_occurred": True, "error_message": "no device"}
        results = boot(failed)
        self.assertIsNone(results.cell("plain/kspawn"))
        self.assertEqual(results.errors, ["plain/kspawn: no device"])


class Judging(unittest.TestCase):
    def test_as_on_record(self) -> None:
        self.assertFalse(verdict(0.77).failed)
        self.assertFalse(verdict(0.77 * 1.029).failed)

    def test_better_than_on_record(self) -> None:
        self.assertFalse(verdict(0.5).failed)

    def test_worse_than_on_record(self) -> None:
        self.assertTrue(verdict(0.77 * 1.031).failed)

    def test_reached_on_record_and_lost(self) -> None:
        goal = dataclasses.replace(GOAL, reached={"6.1": 0.60})
        self.assertTrue(verdict(0.70, goal).met)
        self.assertTrue(verdict(0.70, goal).failed)

    def test_a_miss_is_no_failure(self) -> None:
        missed = verdict(0.77, dataclasses.replace(GOAL, required=0.76))
        self.assertFalse(missed.met or missed.as_required or missed.failed)

    def test_nothing_on_record(self) -> None:
        self.assertFalse(verdict(9.0, dataclasses.replace(GOAL, reached={})).failed)

    def test_at_least(self) -> None:
        goal = Goal("t", "a/b", "a/c", "throughput", at_least=1.3, reached={"6.1": 1.2})
        self.assertFalse(verdict(1.2, goal).met)
        self.assertTrue(verdict(1.31, goal).met)
        self.assertFalse(verdict(1.17, goal).failed)
        self.assertTrue(verdict(1.16, goal).failed)

    def test_what_is_not_gated_does_not_fail(self) -> None:
        goal = dataclasses.replace(GOAL, gate=False)
        self.assertFalse(verdict(9.0, goal).failed or verdict(None, goal).failed)

    def test_either_at_most_or_at_least(self) -> None:
        with self.assertRaises(ValueError):
            dataclasses.replace(GOAL, at_least=1.0)
        with self.assertRaises(ValueError):
            dataclasses.replace(GOAL, at_most=None)

    def test_a_ratio_is_of_one_boot(self) -> None:
        results = [boot(run("plain/kspawn", 50), run("plain/glibc", 200))]
        self.assertEqual([v.ratio for v in goals.judge([GOAL], results, {("6.1", COSTS)})], [0.25])

    def test_without_a_divisor_it_is_the_value(self) -> None:
        goal = Goal("l", "locks/kspawn", None, "ours", at_most=0)
        results = [boot(run("locks/kspawn", 5, ours=0.0), part=PARALLEL)]
        self.assertTrue(goals.judge([goal], results, {("6.1", PARALLEL)})[0].met)

    def test_not_measured_fails(self) -> None:
        results = [boot(run("plain/glibc", 200))]
        (missing,) = goals.judge([GOAL], results, {("6.1", COSTS)})
        self.assertTrue(missing.failed)

    def test_never_measured_by_anyone_does_not(self) -> None:
        goal = dataclasses.replace(GOAL, reached={})
        (unknown,) = goals.judge([goal], [boot(run("plain/glibc", 200))], set())
        self.assertEqual((unknown.ratio, unknown.met, unknown.failed), (None, False, False))

    def test_what_a_filter_left_out_does_not(self) -> None:
        results = [boot(run("plain/glibc", 200))]
        (kept,) = goals.judge([GOAL], results, {("6.1", COSTS)}, complete=False)
        self.assertEqual((kept.ratio, kept.measured), (0.77, False))

    def test_an_older_result_is_shown_but_not_put_to_the_test(self) -> None:
        results = [boot(run("plain/kspawn", 200), run("plain/glibc", 200))]
        (old,) = goals.judge([GOAL], results, {("6.12", COSTS)})
        self.assertEqual((old.ratio, old.measured, old.failed), (1.0, False, False))

    def test_not_asked_for_is_taken_from_the_record(self) -> None:
        results = [boot(run("plain/glibc", 200))]
        (kept,) = goals.judge([GOAL], results, set())
        self.assertEqual((kept.ratio, kept.measured, kept.failed), (0.77, False, False))


class Recording(unittest.TestCase):
    def test_only_what_was_measured(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "goals.json")
            path.write_text(json.dumps([dataclasses.asdict(GOAL)]))
            goals.record(path, [Verdict(GOAL, "6.12", 0.123456), Verdict(GOAL, "6.1", 0.5, False)])
            self.assertEqual(goals.load(path)[0].reached, {"6.1": 0.77, "6.12": 0.1235})
            goals.record(path, [verdict(None)])
            self.assertEqual(goals.load(path)[0].reached["6.1"], 0.77)


class Totals(unittest.TestCase):
    def test_each_goal_counts_once(self) -> None:
        ungated = dataclasses.replace(GOAL, gate=False)
        said = goals.totals(
            [verdict(0.7), verdict(0.9), verdict(None), verdict(9.0, ungated)]
            + [Verdict(GOAL, "6.12", 0.5, False)]
        )
        self.assertEqual(said.splitlines()[-1], "1 passed, 2 failed")

    def test_other_problems_are_failures(self) -> None:
        said = goals.totals([verdict(0.7)], ["6.1: incomplete"])
        self.assertEqual(said.splitlines()[1:], ["FAIL 6.1: incomplete", "1 passed, 1 failed"])

    def test_the_file_in_the_tree(self) -> None:
        known = goals.load(Path(__file__).parents[1] / "goals.json")
        self.assertEqual(len({goal.name for goal in known}), len(known))
        self.assertTrue(all(part_of(g.of) == part_of(g.to) for g in known if g.to))


if __name__ == "__main__":
    unittest.main()
