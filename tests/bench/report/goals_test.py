# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lost ratio must not go unseen, and one that was never had must not fail."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import unittest
from pathlib import Path

import goals
import measurements
import on_record
from gates import UNKNOWN, Spread
from goals import Goal, Reached, GoalResult
from measurements import COSTS, PARALLEL, Results, load, part_of

CONTEXT = {
    "kernel": "6.1.0-1-amd64",
    "unit": "instructions",
    "measured": "2026-01-01",
    "commit": "abc",
    "options": "--icount",
    "glibc": "2.36",
    "musl": "1.2.3",
    "qemu": "7.2",
    "cpu": "a CPU",
}
NOW, BEFORE = "now", "before"


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


def boots(*of_each: tuple[str, list[dict[str, object]]], part: str = COSTS) -> Results:
    """From a file to which one boot after the other was added, each of a run."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "6.1.json")
        for name, runs in of_each:
            measurements.add(path, {"context": CONTEXT | {"run": name}, "benchmarks": runs})
        return load("6.1", [(part, path)])


def boot(*runs: dict[str, object], part: str = COSTS) -> Results:
    return boots((NOW, list(runs)), part=part)


REACHED = Reached(0.77, "2026-01-01", "abc")
GOAL = Goal("g", "plain/kspawn", "plain/glibc", "total", at_most=0.72, reached={"6.1": REACHED})
UNGATED = dataclasses.replace(GOAL, gate=False)
EXPECTED = {("6.1", COSTS)}


def verdict(ratio: float | None, goal: Goal = GOAL) -> GoalResult:
    """By a gate that is as wide as if there were no spread, 3 %."""
    return GoalResult(goal, "6.1", ratio)


class LeftOut(unittest.TestCase):
    def test_goals_about_a_way_that_is_not_there(self) -> None:
        other = dataclasses.replace(GOAL, name="other", to="plain/glibc_new")
        less = dataclasses.replace(GOAL, name="less", to_less="dups/glibc_new/dups:1")
        self.assertEqual(goals.without([GOAL, other, less], ["glibc_new"]), [GOAL])
        self.assertEqual(goals.without([GOAL, other, less], []), [GOAL, other, less])


class OnRecord(unittest.TestCase):
    """The goals of this repository."""

    def test_a_goal_that_is_missed_says_what_limits_it(self) -> None:
        bench = Path(__file__).resolve().parent.parent
        verdicts = goals.judge(goals.load(bench / "goals.json"), on_record.load(bench / "record"), {})
        silent = {v.goal.name for v in verdicts if v.ratio is not None and not v.met and not v.goal.limit}
        self.assertEqual(silent, set())


class Loading(unittest.TestCase):
    def test_the_median_of_repetitions(self) -> None:
        name = "plain/kspawn/min_time:0.100/manual_time"
        results = boot(*(run(name, time, blocked=time / 2) for time in (90, 100, 130)))
        cell = results.cell("plain/kspawn")
        assert cell
        self.assertEqual(cell.values, {"total": 100, "blocked": 50})
        self.assertEqual((cell.spread, cell.repetitions), (0.4, 3))

    def test_parameters_are_the_setting(self) -> None:
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
        goal = dataclasses.replace(GOAL, reached={"6.1": dataclasses.replace(REACHED, ratio=0.60)})
        self.assertTrue(verdict(0.70, goal).met)
        self.assertTrue(verdict(0.70, goal).failed)

    def test_a_miss_is_no_failure(self) -> None:
        missed = verdict(0.77, dataclasses.replace(GOAL, required=0.76))
        self.assertFalse(missed.met or missed.as_required or missed.failed)

    def test_nothing_on_record(self) -> None:
        self.assertFalse(verdict(9.0, dataclasses.replace(GOAL, reached={})).failed)

    def test_at_least(self) -> None:
        reached = {"6.1": dataclasses.replace(REACHED, ratio=1.2)}
        goal = Goal("t", "a/b", "a/c", "throughput", at_least=1.3, reached=reached)
        self.assertFalse(verdict(1.2, goal).met)
        self.assertTrue(verdict(1.31, goal).met)
        self.assertFalse(verdict(1.17, goal).failed)
        self.assertTrue(verdict(1.16, goal).failed)

    def test_what_is_not_gated_does_not_fail(self) -> None:
        self.assertFalse(verdict(9.0, UNGATED).failed or verdict(None, UNGATED).failed)

    def test_either_at_most_or_at_least(self) -> None:
        with self.assertRaises(ValueError):
            dataclasses.replace(GOAL, at_least=1.0)
        with self.assertRaises(ValueError):
            dataclasses.replace(GOAL, at_most=None)

    def test_a_goal_and_its_gate_are_two_things(self) -> None:
        goal = dataclasses.replace(GOAL, at_most=1.01, reached={"6.1": Reached(1.0041, "d", "c")})
        missed = GoalResult(goal, "6.1", 1.0102, width=0.02)
        self.assertFalse(missed.met or missed.failed)
        self.assertIn("gate ≤ 1.0242", goals.totals([missed]))

    def test_a_gate_is_as_wide_as_the_spread(self) -> None:
        results = [boot(run("plain/kspawn", 158), run("plain/glibc", 200))]
        noisy, quiet = ([0.77 + by * i for i in range(-5, 6)] for by in (0.002, 0.0001))
        for ratios, failed in ((noisy, False), (quiet, True)):
            spreads = {"6.1": Spread("d", "c", "6.1.0", "", {"g": ratios})}
            (judged,) = goals.judge([GOAL], results, spreads, NOW)
            self.assertEqual((judged.tested, judged.failed), (True, failed))

    def test_a_ratio_is_of_one_boot(self) -> None:
        results = [boot(run("plain/kspawn", 50), run("plain/glibc", 200))]
        self.assertEqual([v.ratio for v in goals.judge([GOAL], results, {}, NOW)], [0.25])

    def test_and_not_of_two(self) -> None:
        both = [run("plain/kspawn", 50), run("plain/glibc", 200)]
        results = [boots((BEFORE, both), (NOW, [run("plain/kspawn", 100)]))]
        (judged,) = goals.judge([GOAL], results, {}, NOW)
        assert judged.boot
        self.assertEqual((judged.ratio, judged.boot.run, judged.tested), (0.25, BEFORE, False))

    def test_what_is_subtracted(self) -> None:
        runs = [run("dups/kspawn/dups:10", 300), run("dups/glibc/dups:10", 400)]
        plain_starts = [run("plain/kspawn", 100), run("plain/glibc", 150)]
        of_actions = dataclasses.replace(
            GOAL,
            of="dups/kspawn/dups:10",
            to="dups/glibc/dups:10",
            of_less="plain/kspawn",
            to_less="plain/glibc",
        )
        (judged,) = goals.judge([of_actions], [boot(*runs, *plain_starts)], {}, NOW)
        self.assertEqual(judged.ratio, 0.8)
        self.assertEqual(set(of_actions.cells), {str(one["run_name"]) for one in runs + plain_starts})
        # All of them are of one boot, or there is no ratio.
        results = boots((BEFORE, runs + plain_starts[:1]), (NOW, plain_starts[1:]))
        (judged,) = goals.judge([of_actions], [results], {}, NOW)
        self.assertIsNone(judged.ratio)

    def test_a_bound_for_each_kernel(self) -> None:
        goal = dataclasses.replace(GOAL, at_most={"6.1": 0.75, "6.12": 1.05})
        self.assertEqual([GoalResult(goal, k, 0.9).met for k in ("6.1", "6.12")], [False, True])
        self.assertTrue(GoalResult(goal, "6.1", 0.75).met)

    def test_without_a_divisor_it_is_the_value(self) -> None:
        goal = Goal("l", "locks/kspawn", None, "ours", at_most=0)
        results = [boot(run("locks/kspawn", 5, ours=0.0), part=PARALLEL)]
        self.assertTrue(goals.judge([goal], results, {}, NOW)[0].met)

    def test_expected_and_not_measured_fails(self) -> None:
        results = [boot(run("plain/glibc", 200))]
        (missing,) = goals.judge([GOAL], results, {}, NOW, EXPECTED)
        self.assertTrue(missing.failed)

    def test_even_if_another_run_has_measured_it(self) -> None:
        both = [run("plain/kspawn", 50), run("plain/glibc", 200)]
        results = [boots((BEFORE, both), (NOW, [run("plain/glibc", 200)]))]
        (missing,) = goals.judge([GOAL], results, {}, NOW, EXPECTED)
        self.assertTrue(missing.failed)

    def test_what_was_not_asked_for_does_not(self) -> None:
        results = [boot(run("plain/glibc", 200))]
        nothing: set[tuple[str, str]] = set()
        for this_run, expected in ((NOW, nothing), (NOW, {("6.12", COSTS)}), (None, nothing)):
            (unknown,) = goals.judge([GOAL], results, {}, this_run, expected)
            self.assertEqual((unknown.ratio, unknown.tested, unknown.failed), (None, False, False))

    def test_an_older_result_is_shown_but_not_put_to_the_test(self) -> None:
        both = [run("plain/kspawn", 200), run("plain/glibc", 200)]
        (old,) = goals.judge([GOAL], [boots((BEFORE, both))], {}, NOW)
        self.assertEqual((old.ratio, old.tested, old.failed), (1.0, False, False))


class Merging(unittest.TestCase):
    """A run leaves what it has not measured as it was."""

    both = [run("plain/kspawn", 50), run("plain/glibc", 200)]

    def test_other_cells_stay(self) -> None:
        results = boots((BEFORE, self.both), (NOW, [run("plain/kspawn", 60)]))
        totals = {way: cell.total for way, cell in results.cells[plain()].items()}
        self.assertEqual(totals, {"kspawn": 60, "glibc": 200})
        places = results.places[plain()]
        self.assertEqual((places["kspawn"].run, places["glibc"].run), (NOW, BEFORE))

    def test_a_boot_of_which_nothing_is_left_goes(self) -> None:
        results = boots(("first", [run("plain/kspawn", 1)]), (BEFORE, self.both), (NOW, self.both))
        self.assertEqual([one.run for one in results.boots], [NOW])

    def test_a_failure_is_over_when_it_is_measured(self) -> None:
        failed = run("plain/kspawn", 0) | {"error_occurred": True, "error_message": "no device"}
        results = boots((BEFORE, [failed, run("plain/glibc", 200)]), (NOW, [run("plain/kspawn", 50)]))
        self.assertEqual(results.errors, [])

    def test_and_does_not_hide_what_was_measured(self) -> None:
        failed = run("plain/kspawn", 0) | {"error_occurred": True, "error_message": "no device"}
        results = boots((BEFORE, self.both), (NOW, [failed]))
        self.assertEqual((results.errors, results.errors_of(NOW)), (["plain/kspawn: no device"],) * 2)
        self.assertEqual(results.errors_of(BEFORE), [])
        self.assertIsNotNone(results.cell("plain/kspawn"))

    def test_a_file_of_google_benchmark_is_one_boot(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "plain.json")
            path.write_text(json.dumps({"context": CONTEXT, "benchmarks": self.both}), encoding="utf-8")
            results = load("6.1", [(COSTS, path)])
        self.assertEqual(results.contexts[COSTS]["unit"], "instructions")
        self.assertEqual(len(results.boots), 1)


def plain() -> measurements.Setting:
    return measurements.Setting("plain")


class Recording(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name, "goals.json")

    def write(self, goal: Goal) -> None:
        self.path.write_text(json.dumps([dataclasses.asdict(goal)]), encoding="utf-8")

    def test_only_what_was_measured(self) -> None:
        self.write(UNGATED)
        (here,) = boot(run("plain/glibc", 200)).boots
        new = GoalResult(UNGATED, "6.12", 0.123456, here)
        goals.record(self.path, [new, GoalResult(UNGATED, "6.1", 0.5, here, False)])
        goals.record(self.path, [verdict(None, UNGATED)])
        reached = goals.load(self.path)[0].reached
        self.assertEqual(reached, {"6.1": REACHED, "6.12": Reached(0.1235, "2026-01-01", "abc")})

    def test_one_boot_is_not_enough_for_a_gate(self) -> None:
        self.write(GOAL)
        (here,) = boot(run("plain/glibc", 200)).boots
        goals.record(self.path, [GoalResult(GOAL, "6.1", 0.5, here)])
        self.assertEqual(goals.load(self.path)[0].reached, GOAL.reached)

    def test_it_takes_the_median_of_many(self) -> None:
        self.write(GOAL)
        spread = Spread("2026-02-02", "def", "6.1.0", "", {"g": [0.5, 0.61234, 0.9]})
        goals.record_medians(self.path, {"6.1": spread})
        self.assertEqual(goals.load(self.path)[0].reached, {"6.1": Reached(0.61234, "2026-02-02", "def")})


class Totals(unittest.TestCase):
    def test_each_goal_counts_once(self) -> None:
        said = goals.totals(
            [verdict(0.7), verdict(0.9), verdict(None), verdict(9.0, UNGATED)]
            + [GoalResult(GOAL, "6.12", 0.5, None, False)]
        )
        self.assertEqual(said.splitlines()[-1], "1 passed, 2 failed")

    def test_other_problems_are_failures(self) -> None:
        said = goals.totals([verdict(0.7)], ["6.1: incomplete"])
        self.assertEqual(said.splitlines()[1:], ["FAIL 6.1: incomplete", "1 passed, 1 failed"])

    def test_a_failure_says_by_what(self) -> None:
        (line, _) = goals.totals([verdict(0.9)]).splitlines()
        self.assertTrue(line.startswith("FAIL 6.1"))
        self.assertTrue(line.endswith("g: 0.9000, gate ≤ 0.7931, on record 0.7700 of 2026-01-01, abc"))
        self.assertAlmostEqual(0.7931, 0.77 * (1 + UNKNOWN))

    def test_the_file_in_the_tree(self) -> None:
        known = goals.load(Path(__file__).parents[1] / "goals.json")
        self.assertEqual(len({goal.name for goal in known}), len(known))
        self.assertTrue(all(part_of(cell) == part_of(g.of) for g in known for cell in g.cells))
        for goal in known:
            self.assertTrue(all(goal.bound(kernel) >= 0 for kernel in ("6.1", "6.12")), goal.name)
            self.assertEqual(goal.of_less is None, goal.to_less is None, goal.name)


if __name__ == "__main__":
    unittest.main()
