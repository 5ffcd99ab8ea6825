# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library, the preload library and kspawn(1) are built by CMake and a compiler alone: the host's
GCC, where no other command is in reach, clang, and the GCC of a newer Debian in its root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
# Kept, so that another run compiles what has changed.
BUILD = REPO / "build/alone"
# The commands of CMake and of the compiler, and a shell.  No dpkg or apt, no qemu, git, clang or bpftool.
COMMANDS = "cmake ninja cc c++ gcc g++ as ld ld.bfd ar ranlib nm strip objdump objcopy readelf sh ccache".split()
LIBRARIES = ("libkspawn.so.0", "libkspawn++.so.0", "libkspawn-preload.so")


class Alone(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-alone-")
        self.addCleanup(scratch.cleanup)
        self.bin, self.home = Path(scratch.name, "bin"), Path(scratch.name, "home")
        self.bin.mkdir()
        self.home.mkdir()

    def provide(self, *names: str) -> None:
        for name in names:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)

    def succeed(self, *command: str | Path, anywhere: bool = False, prefix: tuple[str | Path, ...] = ()) -> None:
        """Run it with the commands that were provided and no others, or with all of them."""
        compiler = {name: value for name, value in os.environ.items() if name.startswith(("CCACHE_", "CMAKE_"))}
        environment = compiler | {"PATH": str(self.bin), "HOME": str(self.home)}
        words = [*prefix, *command]
        if anywhere:
            # The host's ccache is not in a root, and may not know that compiler.
            environment = {name: value for name, value in os.environ.items() if not name.endswith("_LAUNCHER")}
        else:
            words[0] = self.bin / words[0]
        done = subprocess.run(words, env=environment, cwd=REPO, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")

    def build(self, build: Path, *targets: str, compilers: tuple[str, str] | None = None, **how: Any) -> None:
        options = ["-DKSPAWN_TESTS=OFF", "-DKSPAWN_TRACE=OFF", "-G", "Ninja"]
        if compilers:
            options += [f"-DCMAKE_C_COMPILER={compilers[0]}", f"-DCMAKE_CXX_COMPILER={compilers[1]}"]
            options += ["-DKSPAWN_WERROR=ON", "-DCMAKE_BUILD_TYPE=Debug"]  # this takes half the time
        self.succeed("cmake", "--fresh", "-B", build, "-S", REPO, *options, **how)
        self.succeed("ninja", "-C", build, *targets, **how)
        for name in LIBRARIES:
            self.assertTrue((build / name).exists(), name)

    def compiler_of(self, build: Path) -> str:
        """The name and the version of the C++ compiler, as CMake has found them."""
        (found,) = build.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")
        text = found.read_text(encoding="utf-8")
        words = [re.search(rf'set\(CMAKE_CXX_COMPILER_{name} "([^"]*)"', text) for name in ("ID", "VERSION")]
        return " ".join(word[1] for word in words if word)

    def test_libraries_by_a_compiler_and_nothing_else(self) -> None:
        self.provide(*COMMANDS)
        self.build(BUILD, *LIBRARIES)
        commands = (BUILD / "compile_commands.json").read_text(encoding="utf-8")
        self.assertIn("-Wall", commands)
        self.assertNotIn("-Werror", commands, "a newer compiler would break an install")
        self.assertNotIn("/examples/", commands)
        self.assertEqual(list(self.home.iterdir()), [], "something was fetched")

    def test_everything(self) -> None:
        self.provide(*COMMANDS)
        self.build(BUILD, "all")
        self.assertFalse((BUILD / "kspawn-trace").exists())
        said = subprocess.run([BUILD / "kspawn", "--version"], capture_output=True, text=True, check=True)
        self.assertRegex(said.stdout, r"^kspawn \d+\.\d+\.\d+\n$")

    def test_libraries_by_clang(self) -> None:
        build = BUILD.with_name("alone-clang")
        self.build(build, *LIBRARIES, compilers=("clang", "clang++"), anywhere=True)
        self.assertRegex(self.compiler_of(build), r"^Clang \d+")

    def test_libraries_by_the_compiler_of_a_newer_debian(self) -> None:
        build = BUILD.with_name("alone-trixie")
        in_root = REPO / "qemu/kernels/in-root"
        how: dict[str, Any] = {"anywhere": True, "prefix": (in_root, "trixie")}
        self.build(build, *LIBRARIES, compilers=("gcc", "g++"), **how)
        self.assertRegex(self.compiler_of(build), r"^GNU 1[4-9]\.")


if __name__ == "__main__":
    unittest.main()
