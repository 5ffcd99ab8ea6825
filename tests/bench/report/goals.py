# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ratios that we want, and those that we have had.

goals.json is a list.  Each goal divides one cell by another, both of the same
boot: "of" by "to" (names as Google Benchmark has them, without its suffixes), by
their "measure", "total" or "blocked".  "at_most" is what we want; "required", what
must be in any case; "reached" is what was measured for each kernel when it was last
recorded (tests/bench/run --record).  To be worse than that by more than TOLERANCE
is a regression.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import Results

TOLERANCE = 0.03


@dataclass(frozen=True)
class Goal:
    name: str
    of: str
    to: str
    measure: str
    at_most: float
    required: float | None
    reached: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    goal: Goal
    kernel: str
    ratio: float

    @property
    def met(self) -> bool:
        return self.ratio <= self.goal.at_most

    @property
    def worse(self) -> bool:
        reached = self.goal.reached.get(self.kernel)
        return reached is not None and self.ratio > reached * (1 + TOLERANCE)

    @property
    def failed(self) -> bool:
        required = self.goal.required
        return self.worse or (required is not None and self.ratio > required)


def load(path: Path) -> list[Goal]:
    return [Goal(**entry) for entry in json.loads(path.read_text())]


def judge(goals: list[Goal], results: list[Results]) -> list[Verdict]:
    """One verdict for each goal and boot that has measured what it takes."""
    verdicts = []
    for goal in goals:
        for boot in results:
            of, to = boot.cell(goal.of), boot.cell(goal.to)
            if of and to:
                ratio = getattr(of, goal.measure) / getattr(to, goal.measure)
                verdicts.append(Verdict(goal, boot.kernel, ratio))
    return verdicts


def record(path: Path, verdicts: list[Verdict]) -> None:
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    by_name = {entry["name"]: entry for entry in entries}
    for verdict in verdicts:
        reached = by_name[verdict.goal.name].setdefault("reached", {})
        reached[verdict.kernel] = round(verdict.ratio, 4)
    path.write_text(json.dumps(entries, indent=2) + "\n")
