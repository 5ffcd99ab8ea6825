# SPDX-License-Identifier: LGPL-2.1-or-later
"""From which Debian a kernel comes, and where a module is built for it, on which host."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

COMMON = Path(__file__).resolve().parents[2] / "qemu" / "kernels" / "common.sh"
PROGRAMS = ("scripts/basic/fixdep", "scripts/mod/modpost", "tools/objtool/objtool")


def said(host: str, script: str, path: str | None = None) -> str:
    """The output of a function of common.sh on a host with this suite."""
    text = f'. {COMMON}; host_suite() {{ echo "{host}"; }}; {script}'
    environment = os.environ | ({"PATH": path} if path else {})
    return subprocess.run(
        ("bash", "-c", text), env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def suites(host: str) -> dict[str, str]:
    """Where each kernel comes from on such a host."""
    rows = [line.split() for line in said(host, "kernel_rows").splitlines()]
    return {row[0]: row[4] for row in rows}


def suites_of_table() -> dict[str, list[str]]:
    """Where each kernel can come from."""
    lines = COMMON.with_name("table").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {row[0]: row[4].split(",") for row in rows}


class Kernels(unittest.TestCase):
    def test_a_kernel_of_several_suites_is_that_of_the_host(self) -> None:
        several = {name: of for name, of in suites_of_table().items() if len(of) > 1}
        self.assertTrue(several)
        for name, of in several.items():
            for host in of:
                self.assertEqual(suites(host)[name], host)

    def test_it_is_that_of_the_first_where_the_host_is_another(self) -> None:
        for host in ("sid", ""):
            self.assertEqual(suites(host), {name: of[0] for name, of in suites_of_table().items()})

    def test_a_kernel_of_one_suite_is_that_on_any_host(self) -> None:
        for name, of in suites_of_table().items():
            if len(of) == 1:
                self.assertEqual({suites(host)[name] for host in ("bookworm", "trixie")}, set(of))

    def test_oldest_and_newest_are_the_same_on_any_host(self) -> None:
        for which in ("oldest", "newest"):
            names = {said(host, f"kernel_row {which}").split()[0] for host in ("bookworm", "trixie", "")}
            self.assertEqual(len(names), 1)


class WhereToBuild(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-kernels-")
        self.addCleanup(scratch.cleanup)
        self.build = Path(scratch.name, "build")
        for program in PROGRAMS:
            (self.build / program).parent.mkdir(parents=True)
            shutil.copy("/bin/true", self.build / program)
        # As Debian's headers have it.
        (self.build / ".kernelvariables").write_text(
            "CC = $(if $(DEBIAN_KERNEL_USE_CCACHE),$(CCACHE)) $(CROSS_COMPILE)gcc-77\n", encoding="utf-8"
        )
        compilers = Path(scratch.name, "bin")
        compilers.mkdir()
        (compilers / "gcc-77").symlink_to("/bin/true")
        self.with_compiler = f"{compilers}:{os.environ['PATH']}"

    def place(self, host: str, of: str, path: str | None = None) -> str:
        return said(host, f"release_to_build_in {of} {self.build}", path)

    def test_the_hosts_own_kernels_are_built_for_here(self) -> None:
        self.assertEqual(self.place("trixie", "trixie"), "")
        self.assertEqual(self.place("trixie", "trixie-backports"), "")

    def test_without_the_compiler_of_another_debian_it_is_a_root_of_that(self) -> None:
        self.assertEqual(self.place("bookworm", "trixie-backports"), "trixie")

    def test_with_its_compiler_it_is_here(self) -> None:
        self.assertEqual(self.place("trixie", "bookworm", self.with_compiler), "")

    def test_with_its_compiler_but_programs_that_do_not_run_it_is_a_root(self) -> None:
        modpost = self.build / "scripts" / "mod" / "modpost"
        # A library of the same length in the name that no machine has.
        program = modpost.read_bytes()
        self.assertIn(b"libc.so.6\0", program)
        modpost.write_bytes(program.replace(b"libc.so.6\0", b"libc.so.0\0"))
        self.assertEqual(self.place("bookworm", "trixie", self.with_compiler), "trixie")


if __name__ == "__main__":
    unittest.main()
