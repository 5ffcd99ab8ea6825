# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the first hour is spent: this machine, or a fresh Debian in a root of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from chapters import Place

# A small server has these; the rest comes by `make deps`.
PACKAGES = ("ca-certificates", "git", "make")
# make passes on what it was told to whoever it starts.
NOT_PASSED_ON = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DESTDIR", "KSPAWN_BACKEND")


class Here:
    """This machine, with the packages and the cache that it has."""

    name = "this machine"

    def __init__(self, tree: Path, scratch: Path) -> None:
        self.place = Place(tree, scratch / "kspawn")

    def has(self, path: Path) -> bool:
        return path.exists()

    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}

    def command(self, script: str, directory: Path) -> Sequence[str]:
        return ("env", f"--chdir={directory}", "bash", "-c", script)


class Fresh:
    """A Debian that has been installed just now, in a root of its own, in which nothing was
    downloaded or built yet.  It shares the kernel and the network with this machine."""

    def __init__(self, release: str, tree: Path, scratch: Path) -> None:
        self.name = f"a fresh Debian {release}"
        self.place = Place(Path("/srv/kspawn.git"), Path("/root/kspawn"), fresh=True)
        self._root = scratch / "root"
        # Debian's own sources: those of this machine are perhaps of another release.
        subprocess.run(
            (
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                release,
                str(self._root),
            ),
            stdin=subprocess.DEVNULL,
            check=True,
        )
        bare = self._root / self.place.tree.relative_to("/")
        subprocess.run(("git", "clone", "-q", "--bare", str(tree), str(bare)), check=True)

    def has(self, path: Path) -> bool:
        return (self._root / path.relative_to("/")).exists()

    def environment(self) -> dict[str, str]:
        return {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        }

    def command(self, script: str, directory: Path) -> Sequence[str]:
        # What is mounted is gone with the last process of the step.
        enter = (
            'for name in proc sys dev; do mount --rbind "/$name" "$1/$name"; done\n'
            'exec chroot "$1" env --chdir="$2" bash -c "$3"'
        )
        return ("unshare", "--mount", "bash", "-euc", enter, "enter", str(self._root), str(directory), script)
