# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole programs that start others, with the preload and without: each in a boot of its own,
by a script in the guest."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import guests
import kernel_table
from measurements import PROGRAMS, Boot, boot_of
from progress import Progress

WAYS = ("without", "with", "alone")  # as kspawn-bench names them


@dataclass(frozen=True)
class Program:
    question: str  # as results name it
    command: str  # in tests/bench; with "_guest", the guest's part of it
    words: str  # for the options
    first: str  # the process that starts the others
    measures: tuple[str, ...]  # the question of each cell, which come in random order
    options: Mapping[str, str]  # with their defaults, in the order of the guest's arguments


MAKE = Program(
    "make",
    "make_build",
    "make of {units} units and a main program by {compiler}",
    "make",
    ("make",) * 3 + ("process",) * 2,
    {"units": "50", "rounds": "1", "compiler": "g++"},
)
PYTHON = Program(
    "python",
    "python_script",
    "a Python script with {calls} calls",
    "the script",
    ("python",) * 3,
    {"calls": "100", "rounds": "3"},
)
ALL = (MAKE, PYTHON)


def measure(
    program: Program, options: Mapping[str, str], kernel: str, out: Path, task: str, progress: Progress
) -> tuple[bool, dict[str, Any] | None]:
    """Whether all was measured, and what was."""
    command = [str(guests.BENCH / f"{program.command}_guest"), str(out)]
    command += [options[name] for name in program.options]
    said = guests.follow(program.measures)
    well = guests.run(kernel, ["--icount", "--mem", "3G"], command, out, task, progress, said)
    return well, guests.results(out)


def told(program: Program, options: Mapping[str, str], boot: Boot) -> list[str]:
    cells = {way: boot.cell(f"{program.question}/{way}") for way in WAYS}
    without, everywhere, alone = (cell.total if cell else float("nan") for cell in cells.values())
    lines = [
        f"{program.words.format(**options)}: {without / 1e6:.1f} million instructions without the preload",
        f"with it in {program.first} and all that it starts: {everywhere / 1e6:.1f}, {everywhere / without:.4f}",
        f"with it in {program.first} only (KSPAWN_INHERIT=0): {alone / 1e6:.1f}, {alone / without:.4f}",
    ]
    plain, loaded = (boot.cell(f"process/{way}") for way in ("without", "with"))
    if plain and loaded:
        more = (loaded.total - plain.total) / 1e3
        lines.append(f"a process that starts nothing, with it: {more:.0f} thousand more")
    return lines


def main(program: Program, about: str | None) -> int:
    parser = argparse.ArgumentParser(
        prog=f"tests/bench/{program.command}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kernels = kernel_table.ALWAYS
    parser.add_argument("--kernel", action="append", choices=kernels, help="may be repeated; all by default")
    for name, default in program.options.items():
        parser.add_argument(f"--{name}", default=default, help=f"{default} by default")
    options = vars(parser.parse_args())
    for kernel in options["kernel"] or kernels:
        out = guests.REPO / "build" / "bench" / "last" / f"{kernel}.{program.command}"
        with Progress() as progress:
            progress.doing(kernel, f"counting {program.command}")
            well, data = measure(program, options, kernel, out, kernel, progress)
        if not well or data is None:
            return 1
        for line in told(program, options, boot_of(PROGRAMS, data)):
            print(f"Linux {kernel}: {line}")
        sys.stdout.flush()
    return 0
