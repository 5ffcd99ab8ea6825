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

REPO = Path(__file__).resolve().parents[2]
# Kept, so that another run compiles what has changed.
BUILD = REPO / "build/alone"
# The commands of CMake and of the compiler, and a shell.  No dpkg or apt, no qemu, git, clang or bpftool.
COMMANDS = "cmake ninja cc c++ gcc g++ as ld ld.bfd ar ranlib nm strip objdump objcopy readelf sh ccache".split()
LIBRARIES = ("libkspawn.so.0", "libkspawn++.so.0", "libkspawn-preload.so")


class Case(unittest.TestCase):
    def succeed(self, *command: str | Path, environment: dict[str, str]) -> None:
        done = subprocess.run(command, env=environment, cwd=REPO, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")

    def build(
        self, build: Path, target: str, *options: str, environment: dict[str, str], within: tuple[str | Path, ...] = ()
    ) -> None:
        """Build a target, "all" or LIBRARIES; `within`: a command that runs another."""
        options = ("-DKSPAWN_TESTS=OFF", "-DKSPAWN_TRACE=OFF", "-G", "Ninja", *options)
        self.succeed(*within, "cmake", "--fresh", "-B", build, "-S", REPO, *options, environment=environment)
        targets = LIBRARIES if target == "libraries" else (target,)
        self.succeed(*within, "ninja", "-C", build, *targets, environment=environment)
        for name in LIBRARIES:
            self.assertTrue((build / name).exists(), name)


class Alone(Case):
    """With COMMANDS and no others in reach."""

    def build_alone(self, target: str) -> None:
        with tempfile.TemporaryDirectory(prefix="kspawn-alone-") as scratch:
            commands, home = Path(scratch, "bin"), Path(scratch, "home")
            commands.mkdir()
            home.mkdir()
            for name in COMMANDS:
                if found := shutil.which(name):
                    (commands / name).symlink_to(found)
            compiler = {name: value for name, value in os.environ.items() if name.startswith(("CCACHE_", "CMAKE_"))}
            # A command is looked for in the PATH that it is given.
            self.build(BUILD, target, environment=compiler | {"PATH": str(commands), "HOME": str(home)})
            self.assertEqual(list(home.iterdir()), [], "something was fetched")
        compiled = (BUILD / "compile_commands.json").read_text(encoding="utf-8")
        self.assertIn("-Wall", compiled)
        self.assertNotIn("-Werror", compiled, "a newer compiler would break an install")
        self.assertNotIn("/examples/", compiled)

    def test_libraries(self) -> None:
        self.build_alone("libraries")

    def test_everything(self) -> None:
        self.build_alone("all")
        self.assertFalse((BUILD / "kspawn-trace").exists())
        said = subprocess.run([BUILD / "kspawn", "--version"], capture_output=True, text=True, check=True)
        self.assertRegex(said.stdout, r"^kspawn \d+\.\d+\.\d+\n$")


class Compilers(Case):
    def build_by(self, name: str, c: str, cxx: str, within: tuple[str | Path, ...] = ()) -> str:
        """The name and the version of the C++ compiler, as CMake has found them."""
        build = BUILD.with_name(f"alone-{name}")
        options = [f"-DCMAKE_C_COMPILER={c}", f"-DCMAKE_CXX_COMPILER={cxx}", "-DKSPAWN_WERROR=ON"]
        options.append("-DCMAKE_BUILD_TYPE=Debug")  # it takes half the time
        # The host's ccache is not in a root, and may not know that compiler.
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_LAUNCHER")}
        self.build(build, "libraries", *options, environment=environment, within=within)
        (found,) = build.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")
        text = found.read_text(encoding="utf-8")
        words = [re.search(rf'set\(CMAKE_CXX_COMPILER_{name} "([^"]*)"', text) for name in ("ID", "VERSION")]
        return " ".join(word[1] for word in words if word)

    def test_libraries_by_clang(self) -> None:
        self.assertRegex(self.build_by("clang", "clang", "clang++"), r"^Clang \d+")

    def test_libraries_by_the_compiler_of_a_newer_debian(self) -> None:
        in_root = (REPO / "qemu/kernels/in-root", "trixie")
        self.assertRegex(self.build_by("trixie", "gcc", "g++", in_root), r"^GNU 1[4-9]\.")


if __name__ == "__main__":
    unittest.main()
