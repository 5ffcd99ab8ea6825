# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures on record: tests/bench/record/KERNEL.PART.json, what boots have measured, in
medians.

"boots" has, the oldest first, of each boot its "context", as tests/bench/run knows it, and its
"cells": by their names the median of each measure, and the spread of the total if it was kept.  "ways" has
what tables and plots call the ways, as kspawn-bench did.  tests/bench/run --record adds a boot,
and removes those that have nothing that is not measured again.  The page and README's pictures
are drawn from them.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Iterable, Mapping

import data_file
import measurements
from measurements import COSTS, PARTS, Boot, Cell, Results, Setting
from ways import Way, Ways

# All that says where a figure is from.
CONTEXT = ("kernel", "unit", "glibc", "musl", "libcs", "cpu", "qemu", "options", "commit", "measured")
# The mean counts the starts that the clock interrupts, one in thirty, and their number is chance.
LEFT_OUT = ("mean",)

# The cells of README's pictures: the plain start, five numbers of descriptors, four sizes.
WAYS = ("fork", "glibc", "glibc_trixie", "kspawn")
_WAYS = f"({'|'.join(WAYS)})"
PATTERN = (
    rf"^(plain/{_WAYS}/|descriptors/{_WAYS}/descriptors:[0-9]+/cloexec:100/|memory/{_WAYS}/resident:)"
)
CELLS = len(WAYS) * (1 + 5 + 4)


def _named(boot: Boot) -> dict[str, Cell]:
    """The boot's cells by their names."""
    return {
        measurements.joined(setting, way): cell
        for setting, of_ways in boot.cells.items()
        for way, cell in of_ways.items()
    }


def _short(value: float) -> float:
    """In four digits, or as a whole number."""
    return round(value) if value == round(value) or abs(value) >= 1000 else float(f"{value:.4g}")


def _figures(cell: Cell) -> dict[str, float]:
    values = {measure: _short(value) for measure, value in cell.values.items() if measure not in LEFT_OUT}
    return values if cell.spread is None else values | {"spread": round(cell.spread, 4)}


def _entry(boot: Boot) -> dict[str, Any]:
    context = {key: boot.context[key] for key in CONTEXT if key in boot.context}
    return {"context": context, "cells": {name: _figures(cell) for name, cell in _named(boot).items()}}


def _boot(part: str, entry: Mapping[str, Any]) -> Boot:
    boot = Boot(part, dict(entry["context"]))
    repetitions = re.search(r"--benchmark_repetitions=(\d+)", boot.context["options"])
    for name, figures in entry["cells"].items():
        values = {measure: float(value) for measure, value in figures.items()}
        spread = values.pop("spread", None)
        setting, way = measurements.split(name)
        count = int(repetitions[1]) if repetitions else 1
        boot.cells.setdefault(setting, {})[way] = Cell(values, spread, count)
    return boot


def _ways(known: Ways, boots: Iterable[Boot]) -> dict[str, dict[str, Any]]:
    """The words and peers of the ways that have figures."""
    shown = {way for boot in boots for ways in boot.cells.values() for way in ways}
    defaults = asdict(Way("", ""))
    of_ways = {name: asdict(replace(way, left_out=False)) for name, way in known.items() if name in shown}
    return {
        name: {key: value for key, value in way.items() if key != "name" and value != defaults[key]}
        for name, way in of_ways.items()
    }


def _read(path: Path, part: str) -> tuple[list[Boot], Ways]:
    if not path.exists():
        return [], {}
    record = json.loads(path.read_text(encoding="utf-8"))
    boots = [_boot(part, entry) for entry in record["boots"]]
    return boots, {name: Way(name, **way) for name, way in record["ways"].items()}


def path_of(directory: Path, kernel: str, part: str) -> Path:
    return directory / f"{kernel}.{part}.json"


def add(directory: Path, kernel: str, boot: Boot, known: Ways) -> None:
    """Put what a boot has measured on record; `known` are the ways, in the order of tables."""
    path = path_of(directory, kernel, boot.part)
    boots, before = _read(path, boot.part)
    boots = [*(old for old in boots if not boot.supersedes(old)), boot]
    directory.mkdir(exist_ok=True)
    data_file.write(path, {"ways": _ways(before | known, boots), "boots": [_entry(one) for one in boots]})


def load(directory: Path) -> list[Results]:
    """The record of each kernel that has one, the oldest series first."""

    def series(kernel: str) -> list[str]:
        # "x" is after all numbers.
        return [f"{int(part):08}" if part.isdecimal() else part for part in re.split(r"[.-]", kernel)]

    names = {path.name.rsplit(".", 2)[0] for path in directory.glob("*.json")}
    results = []
    for kernel in sorted(names, key=series):
        of_kernel = Results(kernel)
        for part in PARTS:
            boots, known = _read(path_of(directory, kernel, part), part)
            of_kernel.boots += boots
            of_kernel.ways |= known
        results.append(of_kernel)
    return results


def _is_of_pictures(setting: Setting, way: str) -> bool:
    parameters = dict(setting.parameters)
    if way not in WAYS:
        return False
    if setting.question == "descriptors":
        return parameters.get("cloexec") == 100
    return setting.question == "plain" or (setting.question == "memory" and "resident" in parameters)


def _of_pictures(boot: Boot) -> Boot:
    """The boot with the cells of the pictures alone."""
    picked = Boot(boot.part, boot.context)
    for setting, of_ways in boot.cells.items():
        for way, cell in of_ways.items():
            if _is_of_pictures(setting, way):
                picked.cells.setdefault(setting, {})[way] = cell
    return picked


def of_pictures(results: Iterable[Results]) -> list[Results]:
    """For each kernel the newest boot that has all cells of the pictures, with these alone; of
    other kernels nothing."""
    found = []
    for of_kernel in results:
        picked = [_of_pictures(boot) for boot in of_kernel.boots if boot.part == COSTS]
        whole = [boot for boot in picked if len(_named(boot)) == CELLS]
        if whole:
            found.append(Results(of_kernel.kernel, whole[-1:], of_kernel.ways))
    return found
