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

    def __init__(self, release: str, root: Path) -> None:
        self.name = f"a fresh Debian {release}"
        self.place = Place(Path("/srv/kspawn.git"), Path("/root/kspawn"), fresh=True)
        self._release = release
        self._root = root

    def make(self, tree: Path) -> None:
        """Install it, and put what is committed in a tree where it can be cloned from."""
        # The sources are Debian's own: those of this machine are perhaps of another release.
        options = ("--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}")
        subprocess.run(
            ("mmdebstrap", *options, self._release, str(self._root)), stdin=subprocess.DEVNULL, check=True
        )
        bare = self._inside(self.place.tree)
        subprocess.run(("git", "clone", "-q", "--bare", str(tree), str(bare)), check=True)

    def _inside(self, path: Path) -> Path:
        return self._root / path.relative_to("/")

    def has(self, path: Path) -> bool:
        return self._inside(path).exists()

    def environment(self) -> dict[str, str]:
        return {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        }

    def command(self, script: str, directory: Path) -> Sequence[str]:
        # A mount is gone with the last process of the step.  A root is a mount, too.
        enter = (
            'mount --rbind "$1" "$1"\n'
            'for name in proc sys dev; do mount --rbind "/$name" "$1/$name"; done\n'
            'exec chroot "$1" env --chdir="$2" bash -c "$3"'
        )
        return ("unshare", "--mount", "bash", "-euc", enter, "enter", str(self._root), str(directory), script)
