#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many lines and branches of userspace/ and ebpf/ the tests have run, by directory.

BUILD is a build directory configured with KSPAWN_COVERAGE=ON, in which programs have run.
A branch that only an exception takes is none of ours, and not counted.  Fails if less than
REQUIRED percent of all lines were run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUIRED = 90.0
REPO = Path(__file__).resolve().parent.parent.parent
SOURCES = ("userspace/(lib|preload|tools|include)/", "ebpf/")


@dataclass
class Count:
    lines: int = 0
    run: int = 0
    branches: int = 0
    taken: int = 0

    def add(self, other: Count) -> None:
        self.lines += other.lines
        self.run += other.run
        self.branches += other.branches
        self.taken += other.taken


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def measured(build: Path) -> list[dict[str, Any]]:
    """The figures of gcovr about each file."""
    command = ["gcovr", "--root", str(REPO), "--object-directory", str(build), "--exclude-throw-branches"]
    command += [f"--filter={source}" for source in SOURCES]
    command += ["--json-summary", "-", str(build)]
    said = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, text=True, check=True).stdout
    files: list[dict[str, Any]] = json.loads(said)["files"]
    return files


def by_directory(files: Iterable[dict[str, Any]]) -> dict[str, Count]:
    found: dict[str, Count] = defaultdict(Count)
    for file in files:
        count = Count(file["line_total"], file["line_covered"], file["branch_total"], file["branch_covered"])
        found[str(Path(file["filename"]).parent)].add(count)
    return dict(sorted(found.items()))


def row(name: str, count: Count) -> str:
    return (
        f"{name:<24} {count.lines:>6} {count.run:>6}  {percent(count.run, count.lines)}"
        f"  {count.branches:>8} {count.taken:>6}  {percent(count.taken, count.branches)}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests/coverage/directories.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("build", metavar="BUILD", type=Path)
    files = measured(parser.parse_args().build)
    total = Count()
    print(f"{'directory':<24} {'lines':>6} {'run':>6} {'':>8}  {'branches':>8} {'taken':>6}")
    for name, count in by_directory(files).items():
        total.add(count)
        print(row(name, count))
    print(row("all", total))
    if 100 * total.run < REQUIRED * total.lines:
        print(f"coverage: less than {REQUIRED} % of the lines were run")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
