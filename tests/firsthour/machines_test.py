# SPDX-License-Identifier: LGPL-2.1-or-later
"""A step sees the machine that it is taken on, and nothing of who takes it there."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from machines import Fresh, Here


class Machines(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-machines-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def test_a_step_here_is_in_the_directory_and_has_no_options_of_make(self) -> None:
        here = Here(Path("/a/tree"), self.scratch)
        with mock.patch.dict(os.environ, {"MAKEFLAGS": "n", "KSPAWN_BACKEND": "libc", "MINE": "mine"}):
            said = subprocess.run(
                here.command('echo "$PWD ${MAKEFLAGS-none} ${KSPAWN_BACKEND-none} $MINE"', self.scratch),
                env=here.environment(),
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        self.assertEqual(said, f"{self.scratch.resolve()} none none mine\n")

    def test_a_fresh_machine_has_the_files_of_its_root(self) -> None:
        fresh = Fresh("trixie", self.scratch)
        self.assertFalse(fresh.has(fresh.place.clone))
        (self.scratch / "root" / "kspawn").mkdir(parents=True)
        self.assertTrue(fresh.has(fresh.place.clone))
        self.assertFalse(fresh.has(self.scratch))

    def test_a_fresh_machine_knows_nothing_of_ours(self) -> None:
        with mock.patch.dict(os.environ, {"XDG_CACHE_HOME": "/ours", "CC": "ours", "HOME": "/ours"}):
            environment = Fresh("trixie", self.scratch).environment()
        self.assertEqual(sorted(environment), ["HOME", "LANG", "PATH"])
        self.assertEqual(environment["HOME"], "/root")

    @unittest.skipUnless(os.geteuid() == 0, "only root changes the root")
    def test_a_step_on_a_fresh_machine_is_in_its_root(self) -> None:
        root = self.scratch / "root"
        for name in ("proc", "sys", "dev", "srv", "usr"):
            (root / name).mkdir(parents=True)
        # The programs of this machine, in a root that is otherwise empty.
        for link in ("bin", "lib", "lib64"):
            (root / link).symlink_to(f"usr/{link}")
        fresh = Fresh("trixie", root)
        seen = "test -e /proc/self && test -c /dev/null && test -d /sys/kernel && unshare --mount true"
        step = fresh.command(f"pwd; ls /; {seen}", Path("/srv"))
        around = ("unshare", "--mount", "bash", "-euc", 'mount --bind /usr "$1/usr"; shift; exec "$@"', "around")
        said = subprocess.run(
            (*around, str(root), *step), env=fresh.environment(), capture_output=True, text=True, check=True
        ).stdout
        self.assertEqual(said.split(), ["/srv", "bin", "dev", "lib", "lib64", "proc", "srv", "sys", "usr"])
        self.assertEqual(list((root / "proc").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
