# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ratios that we want, and those that we have had.

goals.json is a list.  Each goal divides one cell by another, both of the same
boot: "of" by "to" (names as Google Benchmark has them, without its suffixes), by
their "measure" ("total" where none is named); without "to" it is the value itself.
"of_less" and "to_less" are cells that are subtracted first.  "at_most" (or
"at_least") is what we want, a number or one for each kernel, "required" what should be
in any case; "limit" says what keeps us from it.  "reached" is what was measured for each
kernel when it was last recorded, with the date and the commit: by tests/bench/run
--spread what is gated, by --record the others.

A goal and its gate are two things.  A goal that was never reached is a plan, and shown
as such.  A run fails by the gate: if the ratio is worse than what is on record by more
than boots of an unchanged tree differ (gates.py), or could not be measured.  "gate" is
false for what is measured in time, which is too much the machine's to be held against a
change.

A measured ratio is held against the one on record, which is no measurement: where there is
none, there is no ratio.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Collection, Mapping

import data_file
import gates
from gates import Spread
from measurements import Boot, Results, part_of


# For all kernels, or for each.
Bound = float | Mapping[str, float]


@dataclass(frozen=True)
class Reached:
    """A ratio on record."""

    ratio: float
    date: str
    commit: str

    def __str__(self) -> str:
        return f"{self.ratio:.4f} of {self.date}, {self.commit}"


@dataclass(frozen=True)
class Goal:
    name: str
    of: str
    to: str | None
    measure: str = "total"
    of_less: str | None = None
    to_less: str | None = None
    at_most: Bound | None = None
    at_least: Bound | None = None
    required: float | None = None
    gate: bool = True
    limit: str = ""
    reached: dict[str, Reached] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"{self.name}: at_most or at_least")

    def bound(self, kernel: str) -> float:
        bound = self.at_most if self.at_most is not None else self.at_least
        assert bound is not None
        if isinstance(bound, Mapping):
            # A kernel that has none of its own has that of the newest.
            return bound.get(kernel, list(bound.values())[-1])
        return bound

    @property
    def sign(self) -> str:
        return "≤" if self.at_most is not None else "≥"

    @property
    def cells(self) -> list[str]:
        return [cell for cell in (self.of, self.to, self.of_less, self.to_less) if cell]

    def within(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_most is not None else value >= bound

    def worse_by(self, value: float, part: float) -> float:
        """A value that is worse by this part of it."""
        return value * (1 + part if self.at_most is not None else 1 - part)


@dataclass(frozen=True)
class GoalResult:
    goal: Goal
    kernel: str
    ratio: float | None  # None: no boot has what it takes
    boot: Boot | None = None  # that the ratio is of
    tested: bool = True  # False: it was not to be measured in this run
    width: float = gates.UNKNOWN  # how much worse than on record it may be

    @property
    def met(self) -> bool:
        return self.ratio is not None and self.goal.within(self.ratio, self.goal.bound(self.kernel))

    @property
    def as_required(self) -> bool:
        required = self.goal.required
        return required is None or (
            self.ratio is not None and self.goal.within(self.ratio, required)
        )

    @property
    def on_record(self) -> Reached | None:
        return self.goal.reached.get(self.kernel)

    @property
    def gate(self) -> float | None:
        """The worst ratio that passes."""
        if not self.goal.gate or self.on_record is None:
            return None
        return self.goal.worse_by(self.on_record.ratio, self.width)

    @property
    def beyond(self) -> bool:
        """Does it lie beyond the gate?"""
        gate = self.gate
        return gate is not None and self.ratio is not None and not self.goal.within(self.ratio, gate)

    @property
    def failed(self) -> bool:
        return self.tested and self.goal.gate and (self.ratio is None or self.beyond)


def load(path: Path) -> list[Goal]:
    goals = []
    for entry in json.loads(path.read_text()):
        reached = {kernel: Reached(**had) for kernel, had in entry.pop("reached", {}).items()}
        goals.append(Goal(**entry, reached=reached))
    return goals


def without(goals: list[Goal], left_out: Collection[str]) -> list[Goal]:
    """Those that are about none of these ways."""
    return [
        goal for goal in goals if not any(cell.split("/")[1] in left_out for cell in goal.cells)
    ]


def _difference(boot: Boot, measure: str, name: str, less: str | None) -> float | None:
    found = [boot.cell(one) for one in (name, less) if one]
    values = [cell.values.get(measure) if cell else None for cell in found]
    if any(value is None for value in values):
        return None
    first, *subtracted = (value for value in values if value is not None)
    return first - sum(subtracted)


def ratio(goal: Goal, boot: Boot) -> float | None:
    """In this boot; None if it has not all cells."""
    value = _difference(boot, goal.measure, goal.of, goal.of_less)
    if goal.to is None or value is None:
        return value
    base = _difference(boot, goal.measure, goal.to, goal.to_less)
    return value / base if base else None


def judge(
    goals: list[Goal],
    results: list[Results],
    spreads: Mapping[str, Spread],
    run: str | None = None,
    expected: Collection[tuple[str, str]] = (),
) -> list[GoalResult]:
    """One verdict for each goal and kernel, by the newest boot that has all cells.  It is
    put to the test if that boot is one of this run; or if it is `expected`, by its kernel
    and part, to be measured in this run, and was not."""
    verdicts = []
    for goal in goals:
        for of_kernel in results:
            kernel = of_kernel.kernel
            boots = spreads.get(kernel)
            width = gates.width(boots.ratios.get(goal.name, [])) if boots else gates.UNKNOWN
            boot = of_kernel.boot_of(goal.cells)
            now = boot is not None and run is not None and boot.run == run
            if not now and (kernel, part_of(goal.of)) in expected:
                verdicts.append(GoalResult(goal, kernel, None, None, True, width))
            else:
                value = ratio(goal, boot) if boot else None
                verdicts.append(GoalResult(goal, kernel, value, boot, now, width))
    return verdicts


def _put(path: Path, ratios: Mapping[tuple[str, str], Reached]) -> None:
    """On record, by the goal's name and the kernel."""
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    for entry in entries:
        for (name, kernel), reached in ratios.items():
            if name == entry["name"]:
                entry.setdefault("reached", {})[kernel] = asdict(reached)
    data_file.write(path, entries)


def record(path: Path, verdicts: list[GoalResult]) -> None:
    """Put what was measured in this run on record; not what gates are on, for which one
    boot is too few (record_medians)."""
    _put(
        path,
        {
            (v.goal.name, v.kernel): Reached(round(v.ratio, 4), v.boot.context["measured"], v.boot.context["commit"])
            for v in verdicts
            if v.tested and not v.goal.gate and v.ratio is not None and v.boot is not None
        },
    )


def record_medians(path: Path, spreads: Mapping[str, Spread]) -> None:
    """Put the medians of these boots on record."""
    _put(
        path,
        {
            (name, kernel): Reached(round(statistics.median(ratios), 5), of_kernel.date, of_kernel.commit)
            for kernel, of_kernel in spreads.items()
            for name, ratios in of_kernel.ratios.items()
        },
    )


def spread(goals: list[Goal], of_kernel: Results) -> Spread:
    """The ratios that gates are on, one for each boot that has all of them."""
    gated = [goal for goal in goals if goal.gate]
    whole = [
        (boot, {goal.name: ratio(goal, boot) for goal in gated}) for boot in of_kernel.boots
    ]
    whole = [(boot, found) for boot, found in whole if None not in found.values()]
    if not whole:
        raise ValueError(f"{of_kernel.kernel}: no boot has all that is gated")
    if len(commits := {boot.context["commit"] for boot, _ in whole}) > 1:
        raise ValueError(f"{of_kernel.kernel}: boots of several commits: {', '.join(sorted(commits))}")
    context = whole[-1][0].context
    return Spread(
        date=context["measured"],
        commit=context["commit"],
        kernel=context["kernel"],
        options=context["options"],
        ratios={
            goal.name: [round(value, 5) for _, found in whole if (value := found[goal.name]) is not None]
            for goal in gated
        },
    )


def totals(verdicts: list[GoalResult], problems: Collection[str] = ()) -> str:
    """A line for each goal that was put to the test and for each problem besides, and one
    that counts them."""
    tested = [verdict for verdict in verdicts if verdict.tested and verdict.goal.gate]
    lines = []
    for verdict in tested:
        lines.append(f"{'FAIL' if verdict.failed else 'ok  '} {verdict.kernel:<5} {verdict.goal.name}")
        if verdict.ratio is None:
            lines[-1] += ": not measured"
        else:
            lines[-1] += f": {verdict.ratio:.4f}"
        if verdict.gate is not None:
            lines[-1] += f", gate {verdict.goal.sign} {verdict.gate:.4f}"
        if verdict.on_record is not None:
            lines[-1] += f", on record {verdict.on_record}"
    lines += [f"FAIL {problem}" for problem in problems]
    failed = sum(verdict.failed for verdict in tested)
    passed = len(tested) - failed
    return "\n".join([*lines, f"{passed} passed, {failed + len(problems)} failed"])
