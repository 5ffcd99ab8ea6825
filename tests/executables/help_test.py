# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every executable of the tree says what it is for when asked with --help, and refuses
an option that it does not know, before it does anything.

They are run in a copy of the tree, with a home of their own, where PATH has what a
script needs to look at its arguments.  All that would start work is there too: a
program that records that it was called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SECONDS = 20
UNKNOWN = "--no-such-option"

# Commands that a script may call before it has looked at its arguments.
ALLOWED = ("bash", "sh", "env", "python3", "dirname", "basename", "realpath", "readlink", "id", "cat", "sed")
# Commands that it may not call, of all that it could.
FORBIDDEN = (
    "apt apt-get apt-cache dpkg dpkg-query dpkg-deb sudo qemu-system-x86_64 make cmake ninja gcc g++ cc c++"
    " clang clang++ git mktemp mkdir rm cp mv ln touch chmod tar xz zstd gzip curl wget insmod rmmod modprobe"
    " kill setpriv unshare mount chroot strace gdb perf java fdfind nice flock tee xargs find perl shellcheck"
    " clang-format clang-tidy sparse mypy pylint cpio"
).split()


def executables() -> list[str]:
    """Those of the files that are tracked or about to be; in an unpacked archive, all."""
    git = ["git", "-C", str(REPO), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(REPO)) for path in REPO.rglob("*") if path.relative_to(REPO).parts[0] != "build"]
    return sorted(
        name for name in listed if name and os.access(REPO / name, os.X_OK) and (REPO / name).is_file()
    )


@dataclass(frozen=True)
class Said:
    status: int | None  # None: not within SECONDS
    out: str
    err: str
    called: str  # what of FORBIDDEN
    left: list[str]  # files that were not there before


def not_ours(directory: str, names: list[str]) -> set[str]:
    """The names in the top directory that do not belong to the tree."""
    return {"build", ".git"} & set(names) if Path(directory) == REPO else set()


class Place:
    """A copy of the tree, and a PATH and a home for what runs in it."""

    def __init__(self, scratch: Path) -> None:
        self.tree = scratch / "tree"
        shutil.copytree(REPO, self.tree, symlinks=True, ignore=not_ours)
        self._bin = scratch / "bin"
        self._bin.mkdir()
        for name in ALLOWED:
            # Not one of those that choose an interpreter when they are called.
            found = sys.executable if name == "python3" else shutil.which(name)
            assert found, f"{name} is missing"
            (self._bin / name).symlink_to(found)
        for name in FORBIDDEN:
            tripwire = self._bin / name
            tripwire.write_text(f'#!/bin/sh\necho "{name} $*" >>"$CALLED"\nexit 1\n', encoding="utf-8")
            tripwire.chmod(0o755)
        self._scratch = scratch

    def run(self, name: str, *arguments: str) -> Said:
        with tempfile.TemporaryDirectory(dir=self._scratch) as own:
            called, home, cwd = Path(own, "called"), Path(own, "home"), Path(own, "cwd")
            home.mkdir()
            cwd.mkdir()
            environment = {"PATH": str(self._bin), "HOME": str(home), "CALLED": str(called), "TMPDIR": str(cwd)}
            try:
                done = subprocess.run(
                    [str(self.tree / name), *arguments],
                    cwd=cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                    check=False,
                )
                status, out, err = done.returncode, done.stdout, done.stderr
            except subprocess.TimeoutExpired:
                status, out, err = None, "", ""
            calls = called.read_text(encoding="utf-8") if called.exists() else ""
            return Said(status, out, err, calls, [str(path) for at in (home, cwd) for path in at.rglob("*")])


class Help(unittest.TestCase):
    place: Place
    _scratch: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls._scratch = tempfile.TemporaryDirectory(prefix="kspawn-executables-")
        cls.place = Place(Path(cls._scratch.name))

    @classmethod
    def tearDownClass(cls) -> None:
        cls._scratch.cleanup()

    def said(self, *arguments: str) -> list[tuple[str, Said]]:
        names = executables()
        self.assertGreater(len(names), 20)
        before = set(self.place.tree.rglob("*"))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            said = list(zip(names, pool.map(lambda name: self.place.run(name, *arguments), names)))
        self.assertEqual(set(self.place.tree.rglob("*")) - before, set(), "one of them has made this")
        return said

    def assert_idle(self, said: Said) -> None:
        self.assertEqual(said.called, "", "it called")
        self.assertEqual(said.left, [], "it made")

    def test_help_is_answered(self) -> None:
        for option in ("--help", "-h"):
            for name, said in self.said(option):
                with self.subTest(name, option=option):
                    self.assertEqual(said.status, 0, said.err)
                    self.assertEqual(said.err, "")
                    self.assertGreater(len(said.out.split()), 5, "it says nothing")
                    self.assertIn(Path(name).stem, said.out, "it does not say how it is called")
                    self.assert_idle(said)

    def test_an_unknown_option_is_refused(self) -> None:
        for name, said in self.said(UNKNOWN):
            with self.subTest(name):
                self.assertNotIn(said.status, (None, 0))
                self.assertEqual(said.out, "")
                self.assertRegex(said.err, f"{UNKNOWN}|arguments are required")
                self.assertNotIn("Traceback", said.err)
                self.assert_idle(said)


if __name__ == "__main__":
    unittest.main()
