# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Google Benchmark has written, as we compare it: one cell per way and scene."""

from __future__ import annotations

import csv
import glob
import json
import re
import statistics
import subprocess
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Iterable

# What is measured in one boot each, and the questions that it answers.  All others
# are answered by the costs.
COSTS, PARALLEL, PROGRAMS = "costs", "parallel", "programs"
PARTS = (COSTS, PARALLEL, PROGRAMS)
_PART_OF = {
    "throughput": PARALLEL,
    "locks": PARALLEL,
    "stall": PARALLEL,
    "make": PROGRAMS,
    "python": PROGRAMS,
}

# What Google Benchmark says of a run besides our counters.
_NO_COUNTERS = {
    "family_index",
    "per_family_instance_index",
    "repetitions",
    "repetition_index",
    "threads",
    "iterations",
    "real_time",
    "cpu_time",
}


def part_of(name: str) -> str:
    """The part that measures a cell or a scene, by its name."""
    return _PART_OF.get(name.split("/")[0], COSTS)


@dataclass(frozen=True)
class Scene:
    """A question and its parameters: all that ways have in common."""

    question: str
    parameters: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return "/".join([self.question, *(f"{name}:{value}" for name, value in self.parameters)])


@dataclass(frozen=True)
class Cell:
    """A way in a scene: medians over the repetitions, of one start."""

    values: dict[str, float]  # "total", "blocked", and what else was counted
    spread: float  # (largest - smallest) / median of the totals
    repetitions: int

    @property
    def total(self) -> float:
        return self.values["total"]


@dataclass
class Results:
    """All of one kernel: what is compared is of the same boot."""

    kernel: str  # as qemu/vm names it
    contexts: dict[str, dict[str, str]] = field(default_factory=dict)  # by part
    cells: dict[Scene, dict[str, Cell]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def release(self) -> str:
        return next(iter(self.contexts.values()))["kernel"]

    def unit(self, scene: Scene) -> str:
        return self.contexts[part_of(scene.question)]["unit"]

    def cell(self, name: str) -> Cell | None:
        """By "QUESTION/WAY" or "QUESTION/WAY/PARAMETER:VALUE..."."""
        scene, way = split(name)
        return self.cells.get(scene, {}).get(way)


def split(name: str) -> tuple[Scene, str]:
    question, way, *rest = name.split("/")
    parameters = tuple(
        (key, int(value))
        for key, colon, value in (part.partition(":") for part in rest)
        if colon and key not in ("repeats", "iterations", "min_time")
    )
    return Scene(question, parameters), way


def _cell(runs: list[dict[str, Any]]) -> Cell:
    totals = [run["real_time"] for run in runs]
    median = statistics.median(totals)
    counters = [
        key
        for key, value in runs[0].items()
        if isinstance(value, (int, float)) and key not in _NO_COUNTERS
    ]
    values = {key: statistics.median(run[key] for run in runs) for key in counters}
    return Cell(
        values={"total": median, **values},
        spread=(max(totals) - min(totals)) / median,
        repetitions=len(runs),
    )


def load(kernel: str, parts: Iterable[tuple[str, Path]]) -> Results:
    """What these files of one kernel have, each of one part."""
    results = Results(kernel)
    for part, path in parts:
        data = json.loads(path.read_text())
        results.contexts[part] = data["context"]
        runs: dict[tuple[Scene, str], list[dict[str, Any]]] = {}
        for run in data["benchmarks"]:
            if run.get("error_occurred"):
                results.errors.append(f"{run['run_name']}: {run['error_message']}")
            elif run["run_type"] == "iteration":
                runs.setdefault(split(run["run_name"]), []).append(run)
        for (scene, way), measured in runs.items():
            results.cells.setdefault(scene, {})[way] = _cell(measured)
    return results


def write_csv(path: Path, results: list[Results]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["kernel", "question", "parameters", "way", "measure"]
            + ["median", "unit", "spread of the total", "repetitions"]
        )
        for boot in results:
            for scene, ways in boot.cells.items():
                parameters = " ".join(f"{name}={value}" for name, value in scene.parameters)
                for way, cell in ways.items():
                    for measure, value in cell.values.items():
                        writer.writerow(
                            [boot.kernel, scene.question, parameters, way, measure]
                            + [f"{value:.6g}" if value < 1000 else f"{value:.0f}"]
                            + [measure_unit(measure, boot.unit(scene))]
                            + [f"{cell.spread:.4f}", cell.repetitions]
                        )


def measure_unit(measure: str, unit: str) -> str:
    """The unit of a measure where times are in `unit`."""
    return {
        "commit": "KiB",
        "page_tables": "KiB",
        "strict": "1 if it succeeded",
        "throughput": "starts per second",
        "waits": "per start",
        "ours": "per start",
    }.get(measure, unit)


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def _musl_version() -> str:
    # musl's loader, run by itself, says so.
    loaders = glob.glob("/lib/ld-musl-*.so.1")
    said = re.search(r"Version (\S+)", _output(loaders[:1])) if loaders else None
    return said[1] if said else "unknown"


def describe(repo: Path) -> dict[str, str]:
    """What must be known of a figure and the guest cannot know, for its JSON."""
    git = ["git", "-C", str(repo)]
    commit = _output([*git, "rev-parse", "--short=12", "HEAD"]) or "unknown"
    if _output([*git, "status", "--porcelain", "--untracked-files=no"]):
        commit += "-changed"
    qemu = re.search(r"version (\S+)", _output(["qemu-system-x86_64", "--version"]))
    return {
        "measured": date.today().isoformat(),
        "commit": commit,
        "qemu": qemu[1] if qemu else "unknown",
        "musl": _musl_version(),
    }
