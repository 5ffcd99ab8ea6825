# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results of Google Benchmark, as we compare them: one cell per way and setting."""

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

from ways import Way, Ways

# The parts, each measured in a boot of its own, and the questions that they answer.  All
# others are answered by the costs.
COSTS, ERMS, PARALLEL, PROGRAMS = "costs", "erms", "parallel", "programs"
PARTS = (COSTS, ERMS, PARALLEL, PROGRAMS)
_PART_OF = {
    "erms": ERMS,
    "throughput": PARALLEL,
    "locks": PARALLEL,
    "stall": PARALLEL,
    "make": PROGRAMS,
    "python": PROGRAMS,
    "process": PROGRAMS,
}

QEMU = "qemu-system-x86_64"

# Google Benchmark's own members of a run, besides our counters.
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
    """The part that measures a cell or a setting, by its name."""
    return _PART_OF.get(name.split("/")[0], COSTS)


@dataclass(frozen=True)
class Setting:
    """A question and its parameters: all that ways have in common."""

    question: str
    parameters: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return "/".join([self.question, *(f"{name}:{value}" for name, value in self.parameters)])


@dataclass(frozen=True)
class Cell:
    """A way in a setting: medians over the repetitions, of one start."""

    values: dict[str, float]  # "total", "blocked", and what else was counted
    spread: float | None  # (largest - smallest) / median of the totals; None: not on record
    repetitions: int

    @property
    def total(self) -> float:
        return self.values["total"]


@dataclass(eq=False)
class Boot:
    """The cells of one boot.  Figures are compared with those of the same boot only."""

    part: str
    context: dict[str, str]
    cells: dict[Setting, dict[str, Cell]] = field(default_factory=dict)
    errors: dict[tuple[Setting, str], str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The date and the commit."""
        return f"{self.context['measured']}, {self.context['commit']}"

    @property
    def run(self) -> str:
        """Which call of tests/bench/run it was, if it was one."""
        return self.context.get("run", "")

    def cell(self, name: str) -> Cell | None:
        """By "QUESTION/WAY" or "QUESTION/WAY/PARAMETER:VALUE..."."""
        setting, way = split(name)
        return self.cells.get(setting, {}).get(way)

    def supersedes(self, older: Boot) -> bool:
        """Has it all the cells of the other, too, so that nobody needs the other?"""
        return all(
            way in self.cells.get(setting, {}) for setting, ways in older.cells.items() for way in ways
        )


@dataclass
class Results:
    """All of one kernel, from however many boots: of each cell the newest."""

    kernel: str  # as qemu/vm names it
    boots: list[Boot] = field(default_factory=list)  # the oldest first
    ways: Ways = field(default_factory=dict)  # what is known of them

    def way(self, name: str) -> Way:
        return self.ways.get(name) or Way(name, name)

    @property
    def contexts(self) -> dict[str, dict[str, str]]:
        """Where the newest boot of each part is from."""
        newest = {boot.part: boot.context for boot in self.boots}
        return {part: newest[part] for part in PARTS if part in newest}

    @property
    def release(self) -> str:
        return next(iter(self.contexts.values()))["kernel"]

    @property
    def places(self) -> dict[Setting, dict[str, Boot]]:
        """For each cell the newest boot that has it."""
        places: dict[Setting, dict[str, Boot]] = {}
        for boot in self.boots:
            for setting, ways in boot.cells.items():
                places.setdefault(setting, {}).update(dict.fromkeys(ways, boot))
        return places

    @property
    def cells(self) -> dict[Setting, dict[str, Cell]]:
        return {
            setting: {way: boot.cells[setting][way] for way, boot in ways.items()}
            for setting, ways in self.places.items()
        }

    @property
    def errors(self) -> list[str]:
        """All that could not be measured and has not been measured since."""
        said: dict[tuple[Setting, str], str] = {}
        for boot in self.boots:
            said |= boot.errors
            for setting, ways in boot.cells.items():
                for way in ways:
                    said.pop((setting, way), None)
        return list(said.values())

    def errors_of(self, run: str) -> list[str]:
        return [text for boot in self.boots if boot.run == run for text in boot.errors.values()]

    def unit(self, setting: Setting) -> str:
        return self.contexts[part_of(setting.question)]["unit"]

    def cell(self, name: str) -> Cell | None:
        """By "QUESTION/WAY" or "QUESTION/WAY/PARAMETER:VALUE..."."""
        setting, way = split(name)
        return self.cells.get(setting, {}).get(way)

    def boot_of(self, names: Iterable[str]) -> Boot | None:
        """The newest boot that has all of these cells."""
        wanted = list(names)
        for boot in reversed(self.boots):
            if all(boot.cell(name) for name in wanted):
                return boot
        return None


def setting_of(name: str) -> Setting:
    """By "QUESTION" or "QUESTION/PARAMETER:VALUE..."."""
    question, *rest = name.split("/")
    parameters = (part.partition(":") for part in rest)
    return Setting(
        question,
        tuple(
            (key, int(value))
            for key, colon, value in parameters
            if colon and key not in ("repeats", "iterations", "min_time")
        ),
    )


def split(name: str) -> tuple[Setting, str]:
    """By "QUESTION/WAY" or "QUESTION/WAY/PARAMETER:VALUE..."."""
    question, way, *rest = name.split("/")
    return setting_of("/".join([question, *rest])), way


def joined(setting: Setting, way: str) -> str:
    """The name that split() takes apart."""
    question, *parameters = str(setting).split("/")
    return "/".join([question, way, *parameters])


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
        spread=(max(totals) - min(totals)) / median if median else 0.0,
        repetitions=len(runs),
    )


def boot_of(part: str, data: dict[str, Any]) -> Boot:
    """From what Google Benchmark has written."""
    boot = Boot(part, data["context"])
    runs: dict[tuple[Setting, str], list[dict[str, Any]]] = {}
    for run in data["benchmarks"]:
        if run.get("error_occurred"):
            boot.errors[split(run["run_name"])] = f"{run['run_name']}: {run['error_message']}"
        elif run["run_type"] == "iteration":
            runs.setdefault(split(run["run_name"]), []).append(run)
    for (setting, way), measured in runs.items():
        boot.cells.setdefault(setting, {})[way] = _cell(measured)
    return boot


def _read(path: Path) -> list[dict[str, Any]]:
    """The boots in a file: one, if it is Google Benchmark's own."""
    data = json.loads(path.read_text())
    boots: list[dict[str, Any]] = data.get("boots", [data])
    return boots


def load(kernel: str, parts: Iterable[tuple[str, Path]], ways: Ways | None = None) -> Results:
    """From files of one kernel, each of one part."""
    return Results(kernel, [boot_of(part, data) for part, path in parts for data in _read(path)], ways or {})


def add(path: Path, data: dict[str, Any]) -> None:
    """Add a boot to those that the file has, of one kernel and part: what it has not
    measured stays as it was.  A boot of which nothing is left that is not measured again
    goes."""
    new = boot_of("", data)
    kept = [old for old in (_read(path) if path.exists() else []) if not new.supersedes(boot_of("", old))]
    whole = path.with_suffix(".new")
    whole.write_text(json.dumps({"boots": [*kept, data]}, indent=2) + "\n")
    whole.replace(path)


def write_csv(path: Path, results: list[Results]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["kernel", "question", "parameters", "way", "measure"]
            + ["median", "unit", "spread of the total", "repetitions", "date", "commit"]
        )
        for boot in results:
            places = boot.places
            for setting, ways in boot.cells.items():
                parameters = " ".join(f"{name}={value}" for name, value in setting.parameters)
                for way, cell in ways.items():
                    context = places[setting][way].context
                    for measure, value in cell.values.items():
                        writer.writerow(
                            [boot.kernel, setting.question, parameters, way, measure]
                            + [f"{value:.6g}" if value < 1000 else f"{value:.0f}"]
                            + [measure_unit(measure, boot.unit(setting))]
                            + ["" if cell.spread is None else f"{cell.spread:.4f}", cell.repetitions]
                            + [context["measured"], context["commit"]]
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


def describe(repo: Path, emulator: str = QEMU) -> dict[str, str]:
    """All that must be known of a figure and the guest cannot know, for its JSON."""
    git = ["git", "-C", str(repo)]
    commit = _output([*git, "rev-parse", "--short=12", "HEAD"]) or "unknown"
    if _output([*git, "status", "--porcelain", "--untracked-files=no"]):
        commit += "-changed"
    qemu = re.search(r"version (\S+)", _output([emulator, "--version"]))
    return {
        "measured": date.today().isoformat(),
        "commit": commit,
        "qemu": qemu[1] if qemu else "unknown",
        "musl": _musl_version(),
    }
