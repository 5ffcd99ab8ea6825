# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library, the preload library and kspawn(1) are built by CMake and a compiler alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
# Kept, so that another run compiles what has changed.
BUILD = REPO / "build/alone"
# The commands of CMake and of the compiler, and a shell.  No dpkg or apt, no qemu, git, clang or bpftool.
COMMANDS = "cmake ninja cc c++ gcc g++ as ld ld.bfd ar ranlib nm strip objdump objcopy readelf sh ccache".split()


class Alone(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-alone-")
        self.addCleanup(scratch.cleanup)
        self.bin, self.home = Path(scratch.name, "bin"), Path(scratch.name, "home")
        self.bin.mkdir()
        self.home.mkdir()
        for name in COMMANDS:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)

    def succeed(self, *command: str | Path) -> str:
        compiler = {name: value for name, value in os.environ.items() if name.startswith(("CCACHE_", "CMAKE_"))}
        environment = compiler | {"PATH": str(self.bin), "HOME": str(self.home)}
        words = [str(self.bin / command[0]), *map(str, command[1:])]
        done = subprocess.run(words, env=environment, cwd=REPO, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def test_it_is_built(self) -> None:
        options = ["-DKSPAWN_TESTS=OFF", "-DKSPAWN_TRACE=OFF", "-G", "Ninja"]
        self.succeed("cmake", "--fresh", "-B", BUILD, "-S", REPO, *options)
        commands = (BUILD / "compile_commands.json").read_text(encoding="utf-8")
        self.assertIn("-Wall", commands)
        self.assertNotIn("-Werror", commands, "a newer compiler would break an install")
        self.assertNotIn("/examples/", commands)
        self.succeed("ninja", "-C", BUILD)
        for name in ("libkspawn.so.0", "libkspawn++.so.0", "libkspawn-preload.so", "kspawn"):
            self.assertTrue((BUILD / name).exists(), name)
        self.assertFalse((BUILD / "kspawn-trace").exists())
        self.assertEqual(list(self.home.iterdir()), [], "something was fetched")
        said = subprocess.run([BUILD / "kspawn", "--version"], capture_output=True, text=True, check=True)
        self.assertRegex(said.stdout, r"^kspawn \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
