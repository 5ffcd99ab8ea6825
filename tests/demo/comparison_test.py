# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demo's table, from what Google Benchmark writes."""

from __future__ import annotations

import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench" / "report"))

import comparison  # noqa: E402
from screen import Screen  # noqa: E402

COSTS = {"fork": 500000, "vfork": 250000, "glibc": 330000, "musl": 260000, "kspawn": 247500}


def shown(costs: dict[str, int], unit: str = "instructions") -> tuple[bool, list[str]]:
    runs = [
        {"run_name": f"plain/{way}/manual_time", "run_type": "iteration", "real_time": cost, "iterations": 3}
        for way, cost in costs.items()
    ]
    context = {"unit": unit, "kernel": "6.12.1-amd64"}
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "plain.json")
        path.write_text(json.dumps({"context": context, "benchmarks": runs}), encoding="utf-8")
        well = comparison.show(path, "6.12", {}, Screen(said, {}))
    return well, said.getvalue().splitlines()


class Comparison(unittest.TestCase):
    def test_each_way_has_a_line_with_its_ratio_and_bar(self) -> None:
        well, lines = shown(COSTS)
        self.assertTrue(well)
        rows = [line.split() for line in lines if "#" in line]
        self.assertEqual([row[-3] for row in rows], ["500,000", "250,000", "330,000", "260,000", "247,500"])
        self.assertEqual([row[-2] for row in rows], ["1.52", "0.76", "1.00", "0.79", "0.75"])
        self.assertLessEqual(max(map(len, lines)), 78)
        self.assertEqual([len(row[-1]) for row in rows], [28, 14, 18, 15, 14])

    def test_a_way_that_is_missing_is_told(self) -> None:
        well, lines = shown({way: cost for way, cost in COSTS.items() if way != "kspawn"})
        self.assertFalse(well)
        self.assertEqual(lines, ["Not all of it could be measured."])

    def test_times_are_not_taken_for_instructions(self) -> None:
        self.assertFalse(shown(COSTS, unit="ns")[0])


if __name__ == "__main__":
    unittest.main()
