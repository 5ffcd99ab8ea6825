# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/library_abi/run notices a changed record: a symbol that is gone, another size."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ("libkspawn", "libkspawn++")


def compared(records: Path) -> subprocess.CompletedProcess[str]:
    command = [str(HERE / "run"), "--against", str(records)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class LibraryAbi(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-library-abi-")
        self.addCleanup(scratch.cleanup)
        self.records = Path(scratch.name)
        self.restore()

    def restore(self) -> None:
        for name in NAMES:
            (self.records / f"{name}.abi").write_bytes((HERE / f"{name}.abi").read_bytes())

    def change(self, name: str, pattern: str, instead: str) -> None:
        path = self.records / f"{name}.abi"
        text, count = re.subn(pattern, instead, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        self.assertGreater(count, 0, pattern)
        path.write_text(text, encoding="utf-8")

    def test_records_are_small_enough_to_be_kept(self) -> None:
        for name in NAMES:
            self.assertLess((HERE / f"{name}.abi").stat().st_size, 300_000)

    def test_a_function_that_has_gone(self) -> None:
        self.change("libkspawn", "kspawn_spawn_wait_np", "kspawn_spawn_waits_np")
        done = compared(self.records)
        self.assertEqual(done.returncode, 1)
        self.assertIn("kspawn_spawn_waits_np", done.stdout)
        self.assertIn("run --record", done.stderr)

    def test_a_member_function_that_has_gone(self) -> None:
        self.change("libkspawn++", "Command10shell_lineB5cxx11Ev", "Command10shell_textB5cxx11Ev")
        done = compared(self.records)
        self.assertEqual(done.returncode, 1)
        self.assertIn("shell_text", done.stdout)

    def test_a_type_of_another_size(self) -> None:
        for name, kind in (("libkspawn", "kspawn_spawnattr_t"), ("libkspawn++", "Command")):
            with self.subTest(kind):
                self.restore()
                self.change(name, rf"(<class-decl name='{kind}' size-in-bits=')\d+", r"\g<1>1024")
                self.assertEqual(compared(self.records).returncode, 1)

    def test_a_function_that_is_new(self) -> None:
        # A symbol and its function, which is the lines from one tag to the other.
        self.change("libkspawn", r"^ *<elf-symbol name='kspawn_spawn_wait_np'.*\n", "")
        self.change("libkspawn", r"^ *<function-decl name='kspawn_spawn_wait_np'(.*\n)*? *</function-decl>\n", "")
        done = compared(self.records)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
