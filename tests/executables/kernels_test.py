# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of kernels: its readers agree, and a kernel more is a line more."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
ROW = "5.99-rt\t5.99\trt\tnightly\ttrixie-backports\n"


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


class Kernels(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-kernels-")
        self.addCleanup(scratch.cleanup)
        self.tree = Path(scratch.name)
        for name in ("qemu", "scripts"):
            shutil.copytree(REPO / name, self.tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(REPO / "Makefile", self.tree)
        with (self.tree / "qemu" / "kernels" / "table").open("a", encoding="utf-8") as table:
            table.write(ROW)

    def python(self, expression: str) -> list[str]:
        program = f"import kernel_table; print(*{expression})"
        return run(self.tree / "qemu" / "lib", sys.executable, "-B", "-c", program).stdout.split()

    def test_bash_and_python_read_the_same(self) -> None:
        listed = run(self.tree, "qemu/kernels/list").stdout.split()
        self.assertEqual(listed, self.python("kernel_table.NAMES"))
        self.assertEqual(listed[-1], "5.99-rt")
        always = run(self.tree, "qemu/kernels/list", "always").stdout.split()
        self.assertEqual(always, self.python("kernel_table.ALWAYS"))
        self.assertNotIn("5.99-rt", always)
        tests = run(self.tree, "qemu/kernels/list", "tests").stdout.split()
        of_rows = '(name for name, row in kernel_table.ROWS.items() if row.tested == "tests")'
        self.assertEqual(tests, self.python(of_rows))
        tested = run(self.tree, "make", "-n", "test").stdout
        for name in always + tests:
            self.assertIn(f"--kernel {name}", tested)

    def test_whoever_takes_a_kernel_takes_the_new_one(self) -> None:
        said = run(self.tree, "qemu/vm", "--kernel", "5.98", "--", "true").stderr
        self.assertIn("5.99-rt", said)
        self.assertIn("5.99-rt", run(self.tree, "qemu/kernels/stock", "5.98").stderr)
        self.assertEqual(run(self.tree, "qemu/kernels/stock", "--check", "5.99-rt").returncode, 1)
        nightly = run(self.tree, "make", "-n", "test-nightly").stdout
        self.assertIn("--kernel 5.99-rt", nightly)
        self.assertNotIn("--kernel 5.99-rt", run(self.tree, "make", "-n", "test").stdout)


if __name__ == "__main__":
    unittest.main()
