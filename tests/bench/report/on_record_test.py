# SPDX-License-Identifier: LGPL-2.1-or-later
"""A figure that is put on record comes back as it was measured, with where it is from."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import on_record
from goals_test import BEFORE, NOW, boot, boots, run
from measurements import COSTS, PARALLEL, Results, Setting
from ways import Way

KNOWN = {
    "glibc": Way("glibc", "posix_spawn of glibc", "#123456"),
    "kspawn": Way("kspawn", "kspawn", ours=True),
    "musl": Way("musl", "posix_spawn of musl"),
}
PLAIN = Setting("plain")


def recorded(*measured: Results, kernel: str = "6.1") -> list[Results]:
    with tempfile.TemporaryDirectory() as scratch:
        for results in measured:
            for one in results.boots:
                on_record.add(Path(scratch), kernel, one, KNOWN)
        return on_record.load(Path(scratch))


class Recorded(unittest.TestCase):
    def test_figures_and_their_origin(self) -> None:
        results = boot(*(run("plain/kspawn", total, blocked=0.12345, mean=5) for total in (1000.4, 1010.4)))
        results.boots[0].context["options"] = "--icount, kspawn-bench --benchmark_repetitions=2"
        (found,) = recorded(results)
        self.assertEqual((found.kernel, [one.part for one in found.boots]), ("6.1", [COSTS]))
        cell = found.cells[PLAIN]["kspawn"]
        self.assertEqual(cell.values, {"total": 1005, "blocked": 0.1235})
        self.assertEqual((cell.spread, cell.repetitions), (0.0099, 2))
        self.assertEqual(found.boots[0].origin, "2026-01-01, abc")
        self.assertEqual(found.boots[0].run, "", "it would be taken for one of this run")

    def test_parameters(self) -> None:
        (found,) = recorded(boot(run("memory/kspawn/resident:16", 1)))
        self.assertIsNotNone(found.cell("memory/kspawn/resident:16"))

    def test_the_ways_that_have_figures(self) -> None:
        (found,) = recorded(boot(run("plain/kspawn", 1), run("plain/glibc", 2)))
        self.assertEqual(found.ways, {name: KNOWN[name] for name in ("glibc", "kspawn")})

    def test_what_is_not_measured_again_stays(self) -> None:
        both = [run("plain/kspawn", 50), run("plain/glibc", 200)]
        (found,) = recorded(boots((BEFORE, both), (NOW, [run("plain/kspawn", 40)])))
        self.assertEqual([len(one.cells[PLAIN]) for one in found.boots], [2, 1])
        self.assertEqual(found.cells[PLAIN]["kspawn"].total, 40)
        (found,) = recorded(boot(*both), boot(run("plain/kspawn", 40), run("plain/glibc", 100)))
        self.assertEqual([one.cells[PLAIN]["glibc"].total for one in found.boots], [100])

    def test_parts_are_apart(self) -> None:
        locks = boot(run("locks/kspawn/spawners:4", 5, ours=0.0), part=PARALLEL)
        (found,) = recorded(locks, boot(run("plain/kspawn", 1)))
        self.assertEqual([one.part for one in found.boots], [COSTS, PARALLEL])

    def test_the_oldest_kernel_comes_first(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for kernel in ("7.x", "6.12", "6.1"):
                on_record.add(Path(scratch), kernel, boot(run("plain/kspawn", 1)).boots[0], KNOWN)
            self.assertEqual([of.kernel for of in on_record.load(Path(scratch))], ["6.1", "6.12", "7.x"])

    def test_nothing_is_on_record(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            self.assertEqual(on_record.load(Path(scratch, "none")), [])


if __name__ == "__main__":
    unittest.main()
