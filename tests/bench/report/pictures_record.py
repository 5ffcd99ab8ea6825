# SPDX-License-Identifier: LGPL-2.1-or-later
"""pictures.json: the figures that README's pictures show, of one boot of each kernel.

For each kernel "context", as tests/bench/run knows it, and "cells": a median for each name.
"ways" has what tables and plots call them, as kspawn-bench did when they were measured.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import measurements
from measurements import COSTS, Boot, Cell, Results
from ways import Way, Ways

WAYS = ("fork", "glibc", "glibc_trixie", "kspawn")
_WAYS = f"({'|'.join(WAYS)})"
PATTERN = (
    rf"^(plain/{_WAYS}/|descriptors/{_WAYS}/descriptors:[0-9]+/cloexec:100/|memory/{_WAYS}/resident:)"
)
# Cells of a picture: the plain start, five numbers of descriptors, four sizes.
CELLS = len(WAYS) * (1 + 5 + 4)
# All that says where a figure is from.
CONTEXT = ("kernel", "unit", "glibc", "libcs", "cpu", "qemu", "options", "commit", "measured")


def _wanted(name: str) -> bool:
    setting, way = measurements.split(name)
    parameters = dict(setting.parameters)
    if way not in WAYS:
        return False
    if setting.question == "descriptors":
        return parameters.get("cloexec") == 100
    return setting.question == "plain" or (setting.question == "memory" and "resident" in parameters)


def _cells(boot: Boot) -> dict[str, int]:
    """The names of the boot's cells, with their medians."""
    cells = {}
    for setting, of_ways in boot.cells.items():
        question, *parameters = str(setting).split("/")
        for way, cell in of_ways.items():
            name = "/".join([question, way, *parameters])
            if _wanted(name):
                cells[name] = round(cell.total)
    return cells


def made(files: dict[str, Path], known: Ways) -> dict[str, Any]:
    """From the newest boot in each file that has all cells; ValueError if none has."""
    kernels = {}
    for kernel, path in files.items():
        boots = [boot for boot in measurements.load(kernel, [(COSTS, path)]).boots if len(_cells(boot)) == CELLS]
        if not boots:
            raise ValueError(f"{path}: no boot has all {CELLS} cells of the pictures")
        context = {key: boots[-1].context[key] for key in CONTEXT if key in boots[-1].context}
        kernels[kernel] = {"context": context, "cells": _cells(boots[-1])}
    said = {way: {key: asdict(known[way])[key] for key in ("words", "colour", "ours")} for way in WAYS}
    return {"ways": said, "kernels": kernels}


def save(path: Path, record: dict[str, Any]) -> None:
    # A figure a line, so that a diff shows which have moved.
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def load(path: Path) -> list[Results]:
    record = json.loads(path.read_text(encoding="utf-8"))
    known = {name: Way(name, **way) for name, way in record["ways"].items()}
    results = []
    for kernel, of_kernel in record["kernels"].items():
        boot = Boot(COSTS, of_kernel["context"])
        for name, median in of_kernel["cells"].items():
            setting, way = measurements.split(name)
            boot.cells.setdefault(setting, {})[way] = Cell({"total": float(median)}, 0.0, 1)
        results.append(Results(kernel, [boot], known))
    return results
