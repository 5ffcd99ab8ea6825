# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures that are measured a second time: how far they are from those on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence

import goals
from goals import Goal
from measurements import COSTS, Boot, Results, joined

# A figure that anybody measures again comes out as near as that.
TOLERANCE = 0.02
SHOWN = 10


@dataclass(frozen=True)
class Difference:
    kernel: str
    name: str
    before: float
    now: float

    @property
    def part(self) -> float:
        """Relative to the figure on record."""
        return self.now / self.before - 1

    @property
    def beyond(self) -> bool:
        return abs(self.part) > TOLERANCE

    def __str__(self) -> str:
        before, now = (f"{value:,.0f}" if value >= 100 else f"{value:.4f}" for value in (self.before, self.now))
        return f"{self.part:+.2%} {self.kernel:<5} {self.name}: {now}, on record {before}"


def _names(boot: Boot) -> list[str]:
    return [joined(setting, way) for setting, ways in boot.cells.items() for way in ways]


def _newest(results: Results, run: str | None) -> Boot | None:
    """That of the costs, of one run; or without one the newest that has most cells."""
    boots = [boot for boot in results.boots if boot.part == COSTS and run in (None, boot.run)]
    return max(boots, key=lambda boot: len(_names(boot))) if boots else None


def differences(
    known: Iterable[Goal], results: Results, record: Results, run: str
) -> tuple[list[Difference], list[Difference]]:
    """The instructions of each cell of the costs that this run has measured and the record
    has; and the ratios of the goals."""
    now, before = _newest(results, run), _newest(record, None)
    if now is None or before is None:
        return [], []
    of_cells = []
    for name in _names(now):
        new, old = now.cell(name), before.cell(name)
        if new and old:
            of_cells.append(Difference(results.kernel, name, old.total, new.total))
    of_goals = []
    for goal in known:
        ratios = [goals.ratio(goal, boot) for boot in (before, now)]
        if ratios[0] and ratios[1] is not None:
            of_goals.append(Difference(results.kernel, goal.name, ratios[0], ratios[1]))
    return of_cells, of_goals


def _largest(of: Sequence[Difference], what: str) -> list[str]:
    ordered = sorted(of, key=lambda one: -abs(one.part))
    beyond = sum(one.beyond for one in of)
    first = f"{len(of)} {what}, {beyond} of them off by more than {TOLERANCE:.0%}; the largest:"
    return [first, *map(str, ordered[:SHOWN])]


def told(of_cells: Sequence[Difference], of_goals: Sequence[Difference]) -> str:
    """For a terminal."""
    lines = _largest(of_goals, "ratios of goals") + _largest(of_cells, "counts of instructions")
    return "\n".join(lines)
