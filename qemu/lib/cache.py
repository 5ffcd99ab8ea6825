# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files that a guest boots from: kernels, roots, busybox and QEMU, out of the cache that the
scripts in qemu/kernels fill."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import kernel_table

QEMU_DIR = Path(__file__).resolve().parent.parent
REPO = QEMU_DIR.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kspawn"


class Unavailable(Exception):
    """Something that a guest needs is missing; the message is for the user."""


@dataclass(frozen=True)
class Kernel:
    name: str  # as given to --kernel
    directory: Path
    release: str

    @property
    def image(self) -> Path:
        """The file that QEMU boots: unpacked if it can be, to save the guest the work."""
        unpacked = self.directory / "vmlinux"
        return unpacked if unpacked.exists() else self.directory / "vmlinuz"

    @property
    def modules(self) -> Path:
        return self.directory / "modules"


def _path_from(*command: str) -> Path:
    script = QEMU_DIR / "kernels" / command[0]
    result = subprocess.run([script, *command[1:]], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0 or not result.stdout.strip():
        raise Unavailable(f"qemu/kernels/{' '.join(command)} failed")
    return Path(result.stdout.strip())


def kernel(name: str) -> Kernel:
    """Find a kernel, fetching or building it when the cache has none."""
    directory = _path_from("debug") if kernel_table.ROWS[name].is_debug else _path_from("stock", name)
    return Kernel(name, directory, (directory / "release").read_text().strip())


def root(release: str) -> Path:
    """Find the root of a Debian release, making it when the cache has none."""
    return _path_from("root", release)


def emulator() -> Path:
    """The QEMU that emulates fastest, fetched when the cache has none and the host's is old."""
    return _path_from("emulator")


def busybox() -> Path:
    """The static busybox; the script is asked only when it is not there."""
    path = CACHE / "busybox"
    return path if path.exists() else _path_from("busybox")
