# SPDX-License-Identifier: LGPL-2.1-or-later
"""Building the module, for one kernel, or the library with a mutation.

Only the mutated source is compiled anew: a few seconds each."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "qemu" / "lib"))

import cache  # noqa: E402
from mutation_list import Mutation  # noqa: E402


class NotBuilt(Exception):
    """A mutation that the compiler refuses; the message is the compiler's."""


def run(command: list[str], directory: Path) -> str:
    """Run it; its output, or NotBuilt with that if it failed."""
    done = subprocess.run(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotBuilt(done.stdout)
    return done.stdout


class Builder(ABC):
    """Raises cache.Unavailable if there is no such kernel."""

    def __init__(self, top: Path, kernel: str, directory: str, sources: Iterable[Path]) -> None:
        found = cache.kernel(kernel)
        self._kernel = found.directory
        self.release = found.release
        self._top = top
        self.directory = top / "build" / "mutations" / directory.format(release=self.release)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = (self.directory / ".lock").open("w", encoding="ascii")
        self._sources = {path.relative_to(top) for path in sources}

    def build(self, mutation: Mutation | None) -> Path:
        """A directory with what was built so changed; None: as it is."""
        changed: dict[Path, bytes] = {path: (self._top / path).read_bytes() for path in self._sources}
        if mutation:
            path = Path(mutation.source)
            changed[path] = mutation.applied(changed[path].decode()).encode()
        place = self.directory / (mutation.name if mutation else "unchanged")
        mark = place / ".built"
        digest = self._digest(changed)
        if not (mark.exists() and mark.read_text(encoding="ascii") == digest):
            mark.unlink(missing_ok=True)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                self._make(changed, place, Path(mutation.source) if mutation else None)
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)
            mark.write_text(digest, encoding="ascii")
        return place

    def _digest(self, sources: dict[Path, bytes]) -> str:
        digest = hashlib.sha256(str(self._kernel).encode())
        for path in sorted(sources):
            digest.update(f"\0{path}\0".encode() + sources[path])
        return digest.hexdigest()

    @abstractmethod
    def _make(self, sources: dict[Path, bytes], place: Path, changed: Path | None) -> None:
        """Build from the texts of all sources, of which one has changed, into a directory."""


class ModuleBuilder(Builder):
    """All are built in one tree.  The test programs take what is built for their build
    directory, so that one that loads the module again loads the mutant."""

    def __init__(self, top: Path, kernel: str) -> None:
        super().__init__(top, kernel, "{release}", [*(top / "kmod").rglob("*.[ch]"), top / "Kbuild"])
        self._tree = self.directory / "tree"

    def _make(self, sources: dict[Path, bytes], place: Path, changed: Path | None) -> None:
        for path, data in sources.items():
            target = self._tree / path
            if not target.exists() or target.read_bytes() != data:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        command = ["make", "--no-print-directory", "-C", str(self._kernel / "build"), f"M={self._tree}"]
        run([*command, f"-j{os.cpu_count() or 1}", "modules"], self._top)
        module = place / "module" / self.release / "kspawn.ko"
        module.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._tree / "kspawn.ko", module)


class LibraryBuilder(Builder):
    """The objects are those of the build directory, but for the mutated one; what is built
    is a libkspawn.so in a directory of its own."""

    _library = "libkspawn.so"
    _name = "libkspawn.so.0"

    def __init__(self, top: Path, kernel: str) -> None:
        self._build = top / "build"
        if not (self._build / "build.ninja").exists():
            raise NotBuilt(f"{self._build} is not configured: run `make` first")
        user = top / "userspace"
        sources = [*(user / "lib").glob("*.[ch]pp"), *(user / "include").rglob("*.h*"), user / "lib" / "libkspawn.map"]
        super().__init__(top, kernel, "lib", [*sources, top / "kmod" / "uapi" / "kspawn.h"])
        run(["flock", ".lock", "ninja", self._library], self._build)

    def _make(self, sources: dict[Path, bytes], place: Path, changed: Path | None) -> None:
        place.mkdir(parents=True, exist_ok=True)
        if changed is None:
            shutil.copyfile(self._build / self._name, place / self._name)
            return
        source = place / changed.name
        source.write_bytes(sources[changed])
        compile_it, original = self._compile(changed)
        replaced = {str(self._top / changed): str(source), original: str(source) + ".o"}
        command = [replaced.get(word, word) for word in compile_it]
        # A change may leave a variable unused, which is no error here.
        run([*command, f"-iquote{(self._top / changed).parent}", "-Wno-error"], self._build)
        link = [replaced.get(word, word) for word in self._link()]
        link[link.index("-o") + 1] = str(place / self._name)
        run(link, self._build)

    def _compile(self, source: Path) -> tuple[list[str], str]:
        """How it is compiled, and into which object."""
        with (self._build / "compile_commands.json").open(encoding="utf-8") as commands:
            for entry in json.load(commands):
                if entry["file"] == str(self._top / source):
                    words = shlex.split(entry["command"])
                    return words, words[words.index("-o") + 1]
        raise NotBuilt(f"{source} is not compiled")

    def _link(self) -> list[str]:
        steps = run(["ninja", "-t", "commands", self._library], self._build).replace(" && ", "\n")
        for words in map(shlex.split, steps.splitlines()):
            if "-shared" in words:
                return words
        raise NotBuilt(f"{self._library} is not linked")
