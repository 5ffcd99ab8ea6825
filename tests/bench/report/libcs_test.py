# SPDX-License-Identifier: LGPL-2.1-or-later
"""A C library of another Debian that cannot be had is left out, with the goals about it, and
what is left of an older one is not taken for it."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "measure"))

import libcs  # noqa: E402


class Providing(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.bench = Path(scratch.name, "kspawn-bench")
        self.links = Path(scratch.name, "tests", "bench", "libcs")

    def test_what_can_be_had_is_linked_to(self) -> None:
        there = {"glibc-a": Path("/cache/glibc-a_1"), "musl-b": Path("/cache/musl-b_1")}
        self.assertEqual(libcs.provide(there, self.bench, there.get), [])
        self.assertEqual((self.links / "glibc-a").readlink(), there["glibc-a"])
        there["glibc-a"] = Path("/cache/glibc-a_2")
        self.assertEqual(libcs.provide(there, self.bench, there.get), [])
        self.assertEqual((self.links / "glibc-a").readlink(), there["glibc-a"])
        self.assertEqual((self.links / "musl-b").readlink(), there["musl-b"])

    def test_what_cannot_be_had_is_not(self) -> None:
        libcs.provide(["glibc-a"], self.bench, lambda name: Path("/cache", name))
        self.assertEqual(libcs.provide(["glibc-a"], self.bench, lambda name: None), ["glibc-a"])
        self.assertEqual(list(self.links.iterdir()), [])

    def test_a_libc_of_nowhere_cannot_be_fetched(self) -> None:
        self.assertIsNone(libcs.fetch("no_libc-nowhere"))


if __name__ == "__main__":
    unittest.main()
