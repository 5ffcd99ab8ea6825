# SPDX-License-Identifier: LGPL-2.1-or-later
"""The steps of somebody's first hour, in the order of README, in three chapters."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "readme"))

from commands import Block, read  # noqa: E402


@dataclass(frozen=True)
class Step:
    command: str  # for a shell, in the clone
    says: str | None = None  # part of what it must print
    printed: bool = True  # README, or a document that it leads to, has this very command
    before: str = ""  # what the reader's shell has been told, so that it is not typed again
    after: str = ""  # what is looked at when it has ended

    @property
    def script(self) -> str:
        return "\n".join(("set -eu", self.before, self.command, self.after))


@dataclass(frozen=True)
class Chapter:
    name: str
    title: str
    goal: int  # seconds that we promise
    limit: int  # and those that are a failure, on a busy machine that emulates its guests
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Place:
    tree: Path  # what is cloned
    clone: Path
    fresh: bool = False  # a machine with none of the packages that building takes

    @property
    def prefix(self) -> Path:
        return self.clone.parent / "usr"


def first_program(readme: str) -> str:
    """The first program in C that README shows."""
    page = read(readme, lambda span: False, _is_text)
    return next(program.text for program in page.programs if program.name.endswith(".c"))


def _is_text(block: Block) -> bool:
    return not block.language


def chapters(place: Place, readme: str) -> tuple[Chapter, ...]:
    prefix = shlex.quote(str(place.prefix))
    # pkg-config and the loader look in /usr alone unless these variables name the prefix.
    told = (
        f'libraries=$(dirname "$(find {prefix} -name libkspawn.so)")\n'
        'export PKG_CONFIG_PATH="$libraries/pkgconfig" LD_LIBRARY_PATH="$libraries"'
    )
    program = f"cat >mine.c <<'END'\n{first_program(readme)}END"
    return (
        Chapter(
            "start",
            "A clone, the module in a virtual machine, and a program started through it",
            600,
            3600,
            (
                Step(f"git clone -q {shlex.quote(str(place.tree))} {shlex.quote(str(place.clone))}", printed=False),
                *((Step("make deps"),) if place.fresh else ()),
                Step("make"),
                Step("qemu/vm -- build/kspawn run -v -- date", "kspawn: started date as process"),
            ),
        ),
        Chapter(
            "trace",
            "A trace of a command of one's own, and its report",
            300,
            1200,
            (
                Step(
                    "qemu/vm -- sh -c 'build/kspawn-trace --json -o /tmp/t -- make -j4 >&2; cat /tmp/t' >trace.json",
                    after="grep -q '\"complete\":true' trace.json",
                ),
                Step(
                    "build/kspawn-trace report trace.json -o report.html",
                    after="grep -qi '<html' report.html",
                ),
            ),
        ),
        Chapter(
            "install",
            "An installation, and a program of one's own that uses it",
            300,
            1200,
            (
                Step(f"make install PREFIX={prefix}", "install_manifest.txt", printed=False),
                Step(
                    "cc mine.c -o mine $(pkg-config --cflags --libs kspawn)",
                    printed=False,
                    before=f"{told}\n{program}",
                ),
                Step("./mine", "UTC", printed=False, before=told),
                Step(
                    'qemu/vm --env LD_LIBRARY_PATH --env KSPAWN_BACKEND=kernel -- ./mine',
                    "UTC",
                    printed=False,
                    before=told,
                ),
                Step("make uninstall", printed=False, after=f'test -z "$(find {prefix} -type f)"'),
            ),
        ),
    )
