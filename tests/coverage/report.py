#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which lines and branches of kmod/ the tests have run.

OBJECTS is the directory where the module was built (with its *.gcno), COUNTERS
those to which `tests/run --gcov` has copied the *.gcda of its guests.  Prints a
table, and each line that was not run with the reason that uncovered.txt gives.
Fails if a line has no reason or less than REQUIRED percent of the lines were
run.  A line with a reason may have been run: some are reached by a race only.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REQUIRED = 95.0
HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
KMOD = REPO / "kmod"
REASONS = HERE / "uncovered.txt"


@dataclass
class Coverage:
    lines: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    branches: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True)
class Reason:
    file: str
    text: str  # the source itself: the numbers of lines change
    why: str


def measure(files: dict[str, Coverage], counters: Path, objects: Path) -> None:
    """Add what gcov says of each file of kmod/, headers with code too."""
    with tempfile.TemporaryDirectory(prefix="kspawn-coverage-") as scratch:
        work = Path(scratch)
        for data in sorted(counters.glob("*.gcda")):
            notes = objects / "kmod" / data.with_suffix(".gcno").name
            if not notes.exists():
                sys.exit(f"coverage: {notes} is missing; was the module built with KSPAWN_GCOV=1?")
            (work / notes.name).write_bytes(notes.read_bytes())
            (work / data.name).write_bytes(data.read_bytes())
        names = [path.name for path in sorted(work.glob("*.gcda"))]
        if not names:
            sys.exit(f"coverage: there are no counters in {counters}")
        subprocess.run(
            ["gcov", "--json-format", "--branch-probabilities", "--branch-counts", *names],
            cwd=work,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for path in work.glob("*.gcov.json.gz"):
            for entry in json.loads(gzip.decompress(path.read_bytes()))["files"]:
                _add(files, entry)


def _add(files: dict[str, Coverage], entry: dict[str, Any]) -> None:
    path = Path(entry["file"])
    # The module is built in a tree of links to kmod/.
    if "kmod" not in path.parts or "uapi" in path.parts:
        return
    name = "/".join(path.parts[len(path.parts) - path.parts[::-1].index("kmod") :])
    if not (KMOD / name).exists():
        return
    coverage = files[name]
    for line in entry["lines"]:
        number = line["line_number"]
        coverage.lines[number] += line["count"]
        for index, branch in enumerate(line["branches"]):
            coverage.branches[number, index] += branch["count"]


def reasons() -> list[Reason]:
    """FILE: LINE OF SOURCE, and on the lines below it, indented, why."""
    found: list[Reason] = []
    for number, line in enumerate(REASONS.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] in " \t":
            if not found:
                sys.exit(f"coverage: {REASONS}:{number}: a reason for no line")
            last = found.pop()
            found.append(Reason(last.file, last.text, f"{last.why} {line.strip()}".strip()))
            continue
        file, colon, text = line.partition(": ")
        if not colon:
            sys.exit(f"coverage: {REASONS}:{number}: not FILE: LINE")
        found.append(Reason(file, text.strip(), ""))
    for reason in found:
        if not reason.why:
            sys.exit(f"coverage: {REASONS}: {reason.file}: {reason.text}: without a reason")
    return found


def statement(source: list[str], number: int) -> str:
    """The source from a line to the end of what is said there: one line alone
    may stand in several places."""
    parts: list[str] = []
    for line in source[number - 1 : number + 4]:
        parts.append(line.strip())
        if line.rstrip().endswith((";", "{", "}", ":")):
            break
    return " ".join(parts)


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests/coverage/report.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("objects", metavar="OBJECTS", type=Path)
    parser.add_argument("counters", metavar="COUNTERS", type=Path, nargs="+")
    options = parser.parse_args()
    files: dict[str, Coverage] = defaultdict(Coverage)
    for counters in options.counters:
        measure(files, counters, options.objects)
    print(f"{'file':<22} {'lines':>6} {'run':>6} {'':>8}  {'branches':>8} {'taken':>6}")
    all_lines = run_lines = all_branches = taken_branches = 0
    for name, coverage in sorted(files.items()):
        lines, run = len(coverage.lines), sum(map(bool, coverage.lines.values()))
        branches, taken = len(coverage.branches), sum(map(bool, coverage.branches.values()))
        all_lines, run_lines = all_lines + lines, run_lines + run
        all_branches, taken_branches = all_branches + branches, taken_branches + taken
        print(
            f"{name:<22} {lines:>6} {run:>6}  {percent(run, lines)}"
            f"  {branches:>8} {taken:>6}  {percent(taken, branches)}"
        )
    print(
        f"{'all':<22} {all_lines:>6} {run_lines:>6}  {percent(run_lines, all_lines)}"
        f"  {all_branches:>8} {taken_branches:>6}  {percent(taken_branches, all_branches)}"
    )

    known = reasons()
    used: set[Reason] = set()
    unknown = 0
    print("\nlines that were not run:")
    for name, coverage in sorted(files.items()):
        source = (KMOD / name).read_text().splitlines()
        for number, count in sorted(coverage.lines.items()):
            if count:
                continue
            text = statement(source, number)
            why = [reason for reason in known if reason.file == name and reason.text == text]
            used.update(why)
            unknown += not why
            print(f"  {name}:{number}: {text}\n      {why[0].why if why else 'NO REASON'}")
    for reason in known:
        if reason not in used:
            print(f"  {reason.file}: {reason.text}\n      (has a reason, and was run or is gone)")

    failed = 0
    if unknown:
        print(f"coverage: {unknown} lines were not run, and tests/coverage/uncovered.txt says not why")
        failed = 1
    if 100 * run_lines < REQUIRED * all_lines:
        print(f"coverage: less than {REQUIRED} % of the lines were run")
        failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
