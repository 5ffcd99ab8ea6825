# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a build directory is configured and built: .ci/configure, .ci/build."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

# As ours, it looks for new sources each time.
PROJECT = """\
cmake_minimum_required(VERSION 3.25)
project(example LANGUAGES NONE)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/*.in)
foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME)
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/${name}
        COMMAND sh -c "! grep FAULT $0 && cp $0 $1" ${source} ${PROJECT_BINARY_DIR}/${name}
        DEPENDS ${source} VERBATIM)
    list(APPEND built ${PROJECT_BINARY_DIR}/${name})
endforeach()
add_custom_target(everything ALL DEPENDS ${built})
"""


class Build(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-build-")
        self.addCleanup(scratch.cleanup)
        self.tree = Path(scratch.name)
        for name in (".ci", "scripts"):
            shutil.copytree(REPO / name, self.tree / name)
        (self.tree / "CMakeLists.txt").write_text(PROJECT, encoding="utf-8")
        self.write("a", "1")

    def write(self, name: str, text: str) -> None:
        (self.tree / f"{name}.in").write_text(text, encoding="utf-8")

    def built(self, name: str) -> str | None:
        path = self.tree / "build" / f"{name}.in"
        return path.read_text(encoding="utf-8") if path.exists() else None

    def make(self, seconds: int = 15) -> subprocess.CompletedProcess[str]:
        commands = f"export PROGRESS_SECONDS={seconds}; .ci/configure build && .ci/build build"
        return subprocess.run(["bash", "-c", commands], cwd=self.tree, capture_output=True, text=True, check=False)

    def test_all_is_built_and_then_nothing_said(self) -> None:
        first = self.make(0)
        self.assertEqual((first.returncode, first.stdout, self.built("a")), (0, "", "1"))
        self.assertEqual(first.stderr.splitlines(), ["configure: asking CMake", "build: user space: 1 of 1"])
        again = self.make(0)
        self.assertEqual((again.returncode, again.stdout, again.stderr), (0, "", ""))

    def test_what_has_changed_is_built(self) -> None:
        self.make()
        self.write("a", "2")
        self.assertEqual(self.make().returncode, 0)
        self.assertEqual(self.built("a"), "2")

    def test_what_is_new_is_built(self) -> None:
        self.make()
        self.write("b", "1")
        self.assertEqual(self.make().returncode, 0)
        self.assertEqual(self.built("b"), "1")

    def test_an_error_is_shown_and_is_the_status(self) -> None:
        self.make()
        self.write("a", "a FAULT here")
        done = self.make()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("FAILED: ", done.stderr)
        self.assertIn("a FAULT here", done.stderr)


if __name__ == "__main__":
    unittest.main()
