# SPDX-License-Identifier: LGPL-2.1-or-later
"""Building the module with a mutation, for one kernel.

All are built in one tree, of which only the mutated source is compiled anew: a few
seconds each.  What is built lies in a directory of its own that the test programs take
for the build directory, so that one that loads the module again loads the mutant."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "qemu" / "lib"))

import cache  # noqa: E402
from mutation_list import Mutation  # noqa: E402


class NotBuilt(Exception):
    """A mutation that the compiler refuses; the message is the compiler's."""


class Builder:
    """Raises cache.Unavailable if there is no such kernel."""

    def __init__(self, top: Path, kernel: str) -> None:
        found = cache.kernel(kernel)
        self._kernel = found.directory
        self.release = found.release
        self._top = top
        self.directory = top / "build" / "mutations" / self.release
        self._tree = self.directory / "tree"
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = (self.directory / ".lock").open("w", encoding="ascii")
        self._sources = {path.relative_to(top) for path in (top / "kmod").rglob("*.[ch]")} | {Path("Kbuild")}

    def build(self, mutation: Mutation | None) -> Path:
        """The build directory of the tests with the module so changed; None: as it is."""
        changed: dict[Path, bytes] = {path: (self._top / path).read_bytes() for path in self._sources}
        if mutation:
            path = Path(mutation.source)
            changed[path] = mutation.applied(changed[path].decode()).encode()
        place = self.directory / (mutation.name if mutation else "unchanged")
        module = place / "module" / self.release / "kspawn.ko"
        mark = place / ".built"
        digest = self._digest(changed)
        if not (module.exists() and mark.exists() and mark.read_text(encoding="ascii") == digest):
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                self._make(changed)
                module.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._tree / "kspawn.ko", module)
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)
            mark.write_text(digest, encoding="ascii")
        return place

    def _digest(self, sources: dict[Path, bytes]) -> str:
        digest = hashlib.sha256(str(self._kernel).encode())
        for path in sorted(sources):
            digest.update(f"\0{path}\0".encode() + sources[path])
        return digest.hexdigest()

    def _make(self, sources: dict[Path, bytes]) -> None:
        for path, data in sources.items():
            target = self._tree / path
            if not target.exists() or target.read_bytes() != data:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        command = ["make", "--no-print-directory", "-C", str(self._kernel / "build"), f"M={self._tree}"]
        done = subprocess.run(
            [*command, f"-j{os.cpu_count() or 1}", "modules"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotBuilt(done.stdout)
