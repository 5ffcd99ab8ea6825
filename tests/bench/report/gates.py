# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much worse than what is on record a ratio may be before a run fails.

An unchanged tree does not measure the same in each boot: address spaces are laid out
at random, and a start clears a page table more or less by where its stack comes to lie.
spread.json has, for each kernel and each gated goal, the ratios of ten boots or more of
one commit.  Their median is on record in goals.json, and the gate lies K of their
standard deviations beyond it, FLOOR at least.  `tests/bench/run --spread N` measures
all of that anew.

A boot of an unchanged tree differs from the median of ten others with 1.08 times the
standard deviation of a boot, which is itself known from ten boots only: beyond K = 8 it
is once in 80,000 times by Student's distribution.  gates_test.py draws a thousand runs.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Sequence

import data_file

K = 8.0
# Less is not worth a look, however well it could be told: it is 170 instructions of a start
# that fails.
FLOOR = 0.02
# A goal that is new has no spread yet.
UNKNOWN = 0.03
FEWEST = 10


@dataclass(frozen=True)
class Spread:
    """The ratios that an unchanged tree measured on one kernel, boot after boot."""

    date: str
    commit: str
    kernel: str  # its release
    options: str
    ratios: dict[str, list[float]] = field(default_factory=dict)  # by the goal's name


def deviation(ratios: Sequence[float]) -> float:
    """The standard deviation, as a part of the median."""
    return statistics.stdev(ratios) / statistics.median(ratios)


def width(ratios: Sequence[float]) -> float:
    """How much worse a ratio may be, as a part of the one on record."""
    if len(ratios) < FEWEST:
        return UNKNOWN
    return max(FLOOR, K * deviation(ratios))


def load(path: Path) -> dict[str, Spread]:
    """By kernel, as qemu/vm names it; nothing if it was never measured."""
    if not path.exists():
        return {}
    return {kernel: Spread(**entry) for kernel, entry in json.loads(path.read_text()).items()}


def save(path: Path, spreads: dict[str, Spread]) -> None:
    """Together with what the file has of other kernels."""
    whole = load(path) | spreads
    data_file.write(path, {kernel: asdict(whole[kernel]) for kernel in sorted(whole)})
