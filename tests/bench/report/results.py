# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Google Benchmark has written, as we compare it: one cell per way and scene."""

from __future__ import annotations

import csv
import glob
import json
import re
import statistics
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Scene:
    """A question and its parameters: all that ways have in common."""

    question: str
    parameters: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return "/".join([self.question, *(f"{name}:{value}" for name, value in self.parameters)])


@dataclass(frozen=True)
class Cell:
    """A way in a scene: medians over the repetitions, per start."""

    total: float
    blocked: float
    spread: float  # (largest - smallest) / median of the totals
    repetitions: int


@dataclass
class Results:
    """All of one boot."""

    kernel: str  # as qemu/vm names it
    context: dict[str, str]
    cells: dict[Scene, dict[str, Cell]]
    errors: list[str]

    def cell(self, name: str) -> Cell | None:
        """By "QUESTION/WAY" or "QUESTION/WAY/PARAMETER:VALUE..."."""
        scene, way = _split(name)
        return self.cells.get(scene, {}).get(way)


def _split(name: str) -> tuple[Scene, str]:
    question, way, *rest = name.split("/")
    parameters = tuple(
        (key, int(value))
        for key, colon, value in (part.partition(":") for part in rest)
        if colon and key not in ("repeats", "iterations", "min_time")
    )
    return Scene(question, parameters), way


def _cell(runs: list[dict[str, float]]) -> Cell:
    totals = [run["real_time"] for run in runs]
    median = statistics.median(totals)
    return Cell(
        total=median,
        blocked=statistics.median(run["blocked"] for run in runs),
        spread=(max(totals) - min(totals)) / median,
        repetitions=len(runs),
    )


def load(path: Path, kernel: str) -> Results:
    data = json.loads(path.read_text())
    runs: dict[tuple[Scene, str], list[dict[str, float]]] = {}
    errors = []
    for run in data["benchmarks"]:
        if run.get("error_occurred"):
            errors.append(f"{run['run_name']}: {run['error_message']}")
        elif run["run_type"] == "iteration":
            runs.setdefault(_split(run["run_name"]), []).append(run)
    cells: dict[Scene, dict[str, Cell]] = {}
    for (scene, way), measured in runs.items():
        cells.setdefault(scene, {})[way] = _cell(measured)
    return Results(kernel, data["context"], cells, errors)


def write_csv(path: Path, results: list[Results]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["kernel", "question", "parameters", "way", "unit"]
            + ["total", "spread", "blocked", "repetitions"]
        )
        for boot in results:
            for scene, ways in boot.cells.items():
                parameters = " ".join(f"{name}={value}" for name, value in scene.parameters)
                for way, cell in ways.items():
                    writer.writerow(
                        [boot.kernel, scene.question, parameters, way, boot.context["unit"]]
                        + [f"{cell.total:.0f}", f"{cell.spread:.4f}", f"{cell.blocked:.0f}"]
                        + [cell.repetitions]
                    )


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
