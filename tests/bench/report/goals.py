# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ratios that we want, and those that we have had.

goals.json is a list.  Each goal divides one cell by another, both of the same
boot: "of" by "to" (names as Google Benchmark has them, without its suffixes), by
their "measure"; without "to" it is the value itself.  "at_most" (or "at_least") is
what we want, "required" what should be in any case; "limit" says what keeps us from
it.  "reached" is what was measured for each kernel when it was last recorded
(tests/bench/run --record).

A run fails by a goal only if it is worse than what is on record by more than
TOLERANCE, or could not be measured: one that was never reached is a plan, and
shown as such.  "gate" is false for what is measured in time, which is too much the
machine's to be held against a change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Collection

from measurements import Results, part_of

TOLERANCE = 0.03


@dataclass(frozen=True)
class Goal:
    name: str
    of: str
    to: str | None
    measure: str
    at_most: float | None = None
    at_least: float | None = None
    required: float | None = None
    gate: bool = True
    limit: str = ""
    reached: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"{self.name}: at_most or at_least")

    @property
    def bound(self) -> float:
        bound = self.at_most if self.at_most is not None else self.at_least
        assert bound is not None
        return bound

    def within(self, value: float, bound: float, tolerance: float = 0.0) -> bool:
        if self.at_most is not None:
            return value <= bound * (1 + tolerance)
        return value >= bound * (1 - tolerance)


@dataclass(frozen=True)
class Verdict:
    goal: Goal
    kernel: str
    ratio: float | None  # None: it was not measured
    measured: bool = True  # False: another run has, if any

    @property
    def met(self) -> bool:
        return self.ratio is not None and self.goal.within(self.ratio, self.goal.bound)

    @property
    def as_required(self) -> bool:
        required = self.goal.required
        return required is None or (
            self.ratio is not None and self.goal.within(self.ratio, required)
        )

    @property
    def worse(self) -> bool:
        reached = self.goal.reached.get(self.kernel)
        return (
            self.measured
            and reached is not None
            and self.ratio is not None
            and not self.goal.within(self.ratio, reached, TOLERANCE)
        )

    @property
    def failed(self) -> bool:
        return self.measured and self.goal.gate and (self.ratio is None or self.worse)


def load(path: Path) -> list[Goal]:
    return [Goal(**entry) for entry in json.loads(path.read_text())]


def _ratio(goal: Goal, boot: Results) -> float | None:
    of = boot.cell(goal.of)
    value = of.values.get(goal.measure) if of else None
    if goal.to is None or value is None:
        return value
    to = boot.cell(goal.to)
    base = to.values.get(goal.measure) if to else None
    return value / base if base else None


def judge(
    goals: list[Goal],
    results: list[Results],
    ran: Collection[tuple[str, str]],
    complete: bool = True,
) -> list[Verdict]:
    """One verdict for each goal and kernel.  `ran` has the kernels and parts that were
    measured now; if they are `complete`, what lacks there is missing."""
    verdicts = []
    for goal in goals:
        for boot in results:
            ratio = _ratio(goal, boot)
            now = (boot.kernel, part_of(goal.of)) in ran
            if ratio is not None or (now and complete):
                verdicts.append(Verdict(goal, boot.kernel, ratio, now))
            else:
                verdicts.append(Verdict(goal, boot.kernel, goal.reached.get(boot.kernel), False))
    return verdicts


def record(path: Path, verdicts: list[Verdict]) -> None:
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    by_name = {entry["name"]: entry for entry in entries}
    for verdict in verdicts:
        if verdict.measured and verdict.ratio is not None:
            reached = by_name[verdict.goal.name].setdefault("reached", {})
            reached[verdict.kernel] = round(verdict.ratio, 4)
    path.write_text(json.dumps(entries, indent=2) + "\n")


def totals(verdicts: list[Verdict], problems: Collection[str] = ()) -> str:
    """A line for each goal that was put to the test and for each problem besides, and one
    that counts them."""
    tested = [verdict for verdict in verdicts if verdict.measured and verdict.goal.gate]
    lines = []
    for verdict in tested:
        lines.append(f"{'FAIL' if verdict.failed else 'ok  '} {verdict.kernel:<5} {verdict.goal.name}")
        if verdict.ratio is None:
            lines[-1] += ": not measured"
        else:
            lines[-1] += f": {verdict.ratio:.4f}"
            if verdict.kernel in verdict.goal.reached:
                lines[-1] += f", on record {verdict.goal.reached[verdict.kernel]:.4f}"
    lines += [f"FAIL {problem}" for problem in problems]
    failed = sum(verdict.failed for verdict in tested)
    passed = len(tested) - failed
    return "\n".join([*lines, f"{passed} passed, {failed + len(problems)} failed"])
