# SPDX-License-Identifier: LGPL-2.1-or-later
"""Building takes tools, from wherever they are, and installs none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
INSTALLERS = ("apt", "apt-get", "apt-cache", "dpkg", "dpkg-query", "dpkg-deb", "sudo", "yum", "dnf", "pacman")
SBIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"]


class Tools(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-tools-")
        self.addCleanup(scratch.cleanup)
        self.bin = Path(scratch.name, "bin")
        self.bin.mkdir()
        self.called = Path(scratch.name, "called")
        # All commands there are, but for those that know of packages.
        for directory in [*os.environ["PATH"].split(":"), *SBIN]:
            for path in Path(directory).glob("*"):
                if path.name not in INSTALLERS and not (self.bin / path.name).is_symlink():
                    (self.bin / path.name).symlink_to(path)

    def trip(self, name: str) -> None:
        """Let a command say that it was called."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho {name} >>"{self.called}"\nexit 1\n', encoding="utf-8")
        path.chmod(0o755)

    def run_here(self, *command: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PATH": path or str(self.bin)}
        for name in ("MAKEFLAGS", "MAKELEVEL"):  # of the make that runs these tests
            environment.pop(name, None)
        return subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False)

    def test_the_answer_is_the_same_without_dpkg(self) -> None:
        groups = ["build", "vm", "test", "debug", "fuzz"]
        without = self.run_here(".ci/tools", "--packages", *groups)
        everywhere = self.run_here(".ci/tools", "--packages", *groups, path=os.environ["PATH"])
        self.assertEqual((without.returncode, without.stdout), (everywhere.returncode, everywhere.stdout))
        self.assertEqual(without.stderr, "")

    def test_make_looks_for_tools_without_dpkg(self) -> None:
        done = self.run_here("make", "tools")
        everywhere = self.run_here(".ci/tools", "build", "vm", path=os.environ["PATH"])
        self.assertEqual(done.returncode == 0, everywhere.returncode == 0, done.stderr)
        self.assertNotIn("not Debian", done.stderr)

    def test_what_is_missing_is_said_and_not_installed(self) -> None:
        for name in INSTALLERS:
            self.trip(name)
        # A tool that "command -v" finds in sbin, too, cannot be hidden so.
        (self.bin / "ninja").unlink(missing_ok=True)
        (self.bin / "qemu-system-x86_64").unlink(missing_ok=True)
        done = self.run_here("make")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"missing: .*\bninja\b.*qemu-system-x86_64")
        self.assertRegex(done.stderr, r"ninja-build .*qemu-system-x86\b")
        self.assertIn("make deps", done.stderr)
        self.assertFalse(self.called.exists(), "something was to be installed")

    def test_no_header_is_found_without_a_compiler(self) -> None:
        (self.bin / "g++").unlink(missing_ok=True)
        missing = self.run_here(".ci/tools", "--packages", "build").stdout.split()
        self.assertIn("g++", missing)
        self.assertIn("libfmt-dev", missing)

    def missing_of(self, lines: str) -> str:
        """The packages that .ci/tools misses of a group "mine"."""
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch, "tree")
            shutil.copytree(REPO / ".ci", tree / ".ci")
            shutil.copytree(REPO / "scripts", tree / "scripts")
            with (tree / ".ci" / "packages").open("a", encoding="utf-8") as packages:
                packages.write(lines)
            done = self.run_here(str(tree / ".ci" / "tools"), "--packages", "mine")
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stdout

    def test_a_header_that_is_not_there_is_missed(self) -> None:
        missing = self.missing_of("mine\tlibmine-dev\t<mine/mine.h>\nmine\tlibfmt-dev\t<fmt/format.h>\n")
        self.assertEqual(missing, "libmine-dev\n")

    def test_of_two_names_of_a_package_it_is_that_of_the_debian_here(self) -> None:
        is_12 = "VERSION_CODENAME=bookworm" in Path("/etc/os-release").read_text(encoding="utf-8").split()
        missing = self.missing_of("mine\tlibmine-12|libmine-13\t<mine/mine.h>\n")
        self.assertEqual(missing, f"libmine-{12 if is_12 else 13}\n")

    def test_only_those_targets_install_that_say_so(self) -> None:
        for target in ("all", "userspace", "module", "install", "tools", "matrix", "help", "clean"):
            self.assertNotIn("install-deps", self.run_here("make", "-n", target).stdout, target)
        for target in ("demo", "test", "deps"):
            self.assertTrue(self.run_here("make", "-n", target).stdout.startswith(".ci/install-deps"), target)


if __name__ == "__main__":
    unittest.main()
