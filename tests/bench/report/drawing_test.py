# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plots must show what was measured."""

from __future__ import annotations

import re
import tempfile
import unittest
from importlib.util import find_spec
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import flames
import gates
import on_record
import plots
from measurements import COSTS, Boot, Cell, Results, Setting
from ways import Way


def boot() -> Results:
    def cell(total: float) -> Cell:
        return Cell({"total": total, "blocked": total / 2}, 0.0, 1)

    context = {"kernel": "6.1.0-1-amd64", "unit": "instructions"}
    of_boot = Boot(COSTS, context)
    of_boot.cells[Setting("plain")] = {"glibc": cell(300), "kspawn": cell(200)}
    for count, cost in ((100, 400), (20000, 4000)):
        parameters = (("descriptors", count), ("cloexec", 100))
        of_boot.cells[Setting("descriptors", parameters)] = {
            "glibc": cell(cost),
            "kspawn": cell(210),
        }
    of_boot.cells[Setting("descriptors", (("descriptors", 20000), ("cloexec", 0)))] = {
        "glibc": cell(9000)
    }
    return Results("6.1", [of_boot])


class Series(unittest.TestCase):
    def plot(self, name: str) -> plots.Plot:
        return next(plot for plot in plots.PLOTS if plot.name == name)

    def test_names_are_unique(self) -> None:
        names = [plot.name for plot in plots.PLOTS]
        self.assertEqual(len(set(names)), len(names))

    def test_bars(self) -> None:
        points = plots.series(self.plot("blocked"), boot())
        self.assertEqual(points, {"glibc": [(0, 150)], "kspawn": [(0, 100)]})

    def test_lines_begin_with_the_plain_start(self) -> None:
        points = plots.series(self.plot("descriptors"), boot())
        self.assertEqual(points["glibc"], [(3, 300), (100, 400), (20000, 4000)])

    def test_no_line_of_one_point(self) -> None:
        self.assertNotIn("kspawn", plots.series(self.plot("cloexec"), boot()))


class Nothing(unittest.TestCase):
    """Where nothing is drawn, the reason that is given is the true one."""

    def why(self, results: list[Results], library: object) -> str | None:
        with mock.patch("plots.find_spec", return_value=library):
            return plots.why_none(results)

    def test_matplotlib_is_missing(self) -> None:
        self.assertIn("matplotlib", self.why([boot()], None) or "")

    def test_nothing_was_measured_of_what_plots_show(self) -> None:
        of_boot = Boot(COSTS, {"unit": "instructions"})
        of_boot.cells[Setting("memory", (("resident", 1),))] = {"kspawn": Cell({"total": 1.0}, 0.0, 1)}
        for library in (None, object()):
            why = self.why([Results("6.1", [of_boot])], library)
            self.assertIn("was measured", why or "")
            self.assertNotIn("matplotlib", why or "")

    def test_all_is_well(self) -> None:
        self.assertIsNone(self.why([boot()], object()))


class Pictures(unittest.TestCase):
    """README's: they show what is on record."""

    RECORD = Path(__file__).resolve().parent.parent / "record"
    DOCS = RECORD.parent.parent.parent / "docs"

    def on_record(self) -> list[Results]:
        return on_record.of_pictures(on_record.load(self.RECORD))

    def test_each_kernel_with_gates_has_figures(self) -> None:
        gated = gates.load(self.RECORD.parent / "spread.json")
        self.assertLessEqual(set(gated), {of_kernel.kernel for of_kernel in self.on_record()})

    def test_all_ways_have_all_points(self) -> None:
        points = {"cost-by-descriptors": 6, "cost-by-size": 4}
        for of_kernel in self.on_record():
            for plot in plots.PICTURES:
                drawn = plots.series(plot, of_kernel)
                self.assertEqual(sorted(drawn), sorted(on_record.WAYS))
                self.assertEqual({len(line) for line in drawn.values()}, {points[plot.name]})

    def test_a_boot_that_lacks_a_cell_is_not_taken(self) -> None:
        (first, *_) = self.on_record()
        newer = Boot(COSTS, first.boots[0].context, {Setting("plain"): {"kspawn": Cell({"total": 1.0}, 0.0, 1)}})
        (picked,) = on_record.of_pictures([Results(first.kernel, [*first.boots, newer])])
        self.assertEqual(picked.cells, first.cells)
        self.assertEqual(on_record.of_pictures([Results(first.kernel, [newer])]), [])

    @unittest.skipIf(find_spec("matplotlib") is None, "no matplotlib")
    def test_they_are_what_is_drawn_of_the_record(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for path in plots.draw(Path(scratch), self.on_record(), plots.PICTURES).values():
                there = (self.DOCS / path.name).read_text(encoding="utf-8")
                self.assertEqual(self.texts(there), self.texts(path.read_text(encoding="utf-8")))

    def texts(self, svg: str) -> list[str]:
        """The words, and which boots they are of; places differ with the version of matplotlib."""
        return re.findall(r">([^<>]*\w[^<>]*)</(?:text|dc:description)>", svg)


class Drawn(unittest.TestCase):
    def test_each_figure_is_on_its_plot(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            drawn = plots.draw(Path(scratch), [boot()])
            said = {plot.name: path.read_text(encoding="utf-8") for plot, path in drawn.items()}
        self.assertEqual(set(said), {"plain", "blocked", "descriptors", "cloexec"})
        for text in ("Linux 6.1", "instructions", "kspawn", "200 (0.67)", "300"):
            self.assertIn(text, re.sub(" +", " ", said["plain"]))
        for text in ("glibc", "kspawn", "20k", "descriptors"):
            self.assertIn(text, said["descriptors"])


class Labels(unittest.TestCase):
    def test_they_keep_their_distance(self) -> None:
        places = plots.spread([10, 11, 12, 50], 10, 0, 100)
        self.assertTrue(all(b - a >= 10 for a, b in zip(places, places[1:])))
        self.assertEqual(places[3], 50)

    def test_and_stay_inside(self) -> None:
        places = plots.spread([1, 1, 99, 99], 10, 0, 100)
        self.assertEqual(places, [0, 10, 90, 100])

    def test_figures(self) -> None:
        self.assertEqual([plots.human(x) for x in (5, 254949, 2.9e6)], ["5", "255k", "2.9M"])


class Flames(unittest.TestCase):
    def draw(self, folded: str) -> ElementTree.Element:
        with tempfile.TemporaryDirectory() as scratch:
            Path(scratch, "kspawn.folded").write_text(folded, encoding="utf-8")
            ((_, path),) = flames.draw(Path(scratch), "6.1", {"kspawn": Way("kspawn", "kspawn")})
            return ElementTree.fromstring(path.read_text(encoding="utf-8"))

    def test_widths_are_shares(self) -> None:
        drawn = self.draw("runner;a 1\nrunner;a;b 1\nrunner;c <x> 2\n")
        said = [title.text or "" for title in drawn.iter("{http://www.w3.org/2000/svg}title")]
        self.assertEqual(said, ["runner: 100.0%", "a: 50.0%", "b: 25.0%", "c <x>: 50.0%"])
        widths = [float(r.get("width", "0")) for r in drawn.iter("{http://www.w3.org/2000/svg}rect")]
        self.assertAlmostEqual(widths[2] / widths[1], 0.5, places=2)

    def test_the_module_stands_out(self) -> None:
        text = ElementTree.tostring(self.draw("runner;kspawn_ioctl [kspawn] 1\n")).decode()
        self.assertTrue(re.search("#e8505b", text))


if __name__ == "__main__":
    unittest.main()
