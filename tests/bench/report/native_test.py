# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ratios that tests/bench/native computes from results, and from those on record."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import sys
import tempfile
import unittest
from pathlib import Path
from types import ModuleType

import goals

BENCH = Path(__file__).resolve().parents[1]


def native() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("native", str(BENCH / "native"))
    spec = importlib.util.spec_from_loader("native", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["native"] = module  # dataclasses look there
    loader.exec_module(module)
    return module


class Native(unittest.TestCase):
    def test_repetitions_without_their_summary(self) -> None:
        def entry(name: str, time: float, run_type: str = "iteration") -> dict[str, object]:
            return {"run_name": f"plain/{name}/manual_time", "run_type": run_type, "real_time": time}

        entries = [entry("vfork", time) for time in (60, 50, 40, 70, 80)]
        entries += [entry("glibc", time) for time in (100, 120, 80, 110, 90)]
        entries += [entry("vfork", 1, "aggregate"), entry("fork", 1)]
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "results.json")
            path.write_text(json.dumps({"benchmarks": entries}), encoding="ascii")
            clock = native().times(path)
        self.assertEqual(clock.way, [60, 50, 40, 70, 80])
        self.assertAlmostEqual(clock.ratio, 0.6)
        low, high = clock.range
        self.assertLess(low, clock.ratio)
        self.assertLess(clock.ratio, high)

    def test_ratio_of_what_is_on_record(self) -> None:
        def goal(to: str, ratios: dict[str, float], measure: str = "total") -> goals.Goal:
            reached = {kernel: goals.Reached(ratio, "today", "this") for kernel, ratio in ratios.items()}
            return goals.Goal(to, "plain/kspawn", to, measure, at_most=1, reached=reached)

        known = [
            goal("plain/glibc", {"6.1": 0.66, "6.12": 0.7}),
            goal("plain/glibc", {"6.1": 0.1}, "blocked"),
            goal("plain/vfork", {"6.1": 1.1}),
        ]
        self.assertEqual(list(native().by_instructions(known)), ["6.1"])
        self.assertAlmostEqual(native().by_instructions(known)["6.1"], 0.6)

    def test_today_s_record_has_both(self) -> None:
        ratios = native().by_instructions(goals.load(BENCH / "goals.json"))
        self.assertTrue(ratios)
        self.assertTrue(all(0.3 < ratio < 1 for ratio in ratios.values()), ratios)


if __name__ == "__main__":
    unittest.main()
