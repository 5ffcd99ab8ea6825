# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each row says which run it is from."""

from __future__ import annotations

import dataclasses
import tempfile
import unittest
from pathlib import Path

import goals
import page
from goals_test import BEFORE, GOAL, NOW, boots, run
from measurements import Results, Setting
from plots import PLOTS
from ways import Way

PLAIN = Setting("plain")


def mixed() -> Results:
    """kspawn was measured once more, alone."""
    results = boots(
        (BEFORE, [run("plain/glibc", 200), run("plain/kspawn", 150), run("plain/vfork", 160)]),
        (NOW, [run("plain/kspawn", 100), run("plain/vfork", 160)]),
    )
    before, now = (boot.context for boot in results.boots)
    before |= {"measured": "2026-01-01", "commit": "aaa"}
    now |= {"measured": "2026-02-02", "commit": "bbb"}
    results.ways = {
        "glibc": Way("glibc", "posix_spawn of glibc"),
        "kspawn": Way("kspawn", "kspawn", ours=True),
    }
    return results


def rows(table: page.Table) -> dict[str, list[str]]:
    text = [table.header, *(list(map(str, row)) for row in table.rows)]
    return {row[0]: row[1:] for row in text}


class Tables(unittest.TestCase):
    def test_each_row_has_its_run(self) -> None:
        found = rows(page.table(PLAIN, mixed()))
        self.assertEqual(found["posix_spawn of glibc"][-1], "2026-01-01, aaa")
        self.assertEqual(found["**kspawn**"][-1], "2026-02-02, bbb")

    def test_no_ratio_of_two_boots(self) -> None:
        found = rows(page.table(PLAIN, mixed()))
        header = found["Linux 6.1.0-1-amd64"]
        ours = dict(zip(header, found["**kspawn**"]))
        self.assertEqual((ours["/ glibc"], ours["/ vfork"]), ("", "0.625"))


    def test_a_libc_of_another_debian_has_a_column(self) -> None:
        results = boots((NOW, [run("plain/glibc", 200), run("plain/glibc_trixie", 160), run("plain/kspawn", 120)]))
        results.ways = {
            "glibc_trixie": Way("glibc_trixie", "posix_spawn of glibc 9.9 (trixie)", libc="glibc-trixie"),
            "kspawn": Way("kspawn", "kspawn"),
        }
        found = rows(page.table(PLAIN, results))
        ours = dict(zip(found["Linux 6.1.0-1-amd64"], found["kspawn"]))
        self.assertEqual((ours["/ glibc"], ours["/ glibc 9.9 (trixie)"]), ("0.600", "0.750"))
        said = page.record([results], [])
        self.assertIn("| start and wait | Linux 6.1 | / glibc | / glibc 9.9 (trixie) | run |", said)
        self.assertIn("| kspawn | 120 | 0.600 | 0.750 | ", said)

    def test_as_text_it_is_markdown(self) -> None:
        table = page.Table.of(["a", "b"], [["x", page.Entry("y", "ours")], ["z", page.Entry("w", "missed")]])
        self.assertEqual(str(table), "| a | b |\n| --- | ---: |\n| x | **y** |\n| z | w |")


class Pages(unittest.TestCase):
    """All that was measured is on the page, as text: nothing is taken for markup."""

    def test_page_and_markdown(self) -> None:
        results = mixed()
        results.ways["glibc"] = Way("glibc", "<glibc> & *others*")
        verdicts = goals.judge([GOAL], [results], {}, NOW)
        with tempfile.TemporaryDirectory() as scratch:
            svg = Path(scratch, "p.svg")
            svg.write_text("<svg/>", encoding="utf-8")
            plot = next(plot for plot in PLOTS if plot.question == "plain")
            page.write(Path(scratch), [results], verdicts, {plot: svg}, [("flame", svg)])
            shown = Path(scratch, "index.html").read_text(encoding="utf-8")
            text = Path(scratch, "results.md").read_text(encoding="utf-8")
        self.assertIn('<td>&lt;glibc&gt; &amp; *others*</td><td class="whole">200</td>', shown)
        self.assertIn('<td class="ours">kspawn</td><td class="whole">100</td>', shown)
        self.assertIn('<td class="missed">missed</td>', shown)
        self.assertIn('src="data:image/svg+xml;base64,PHN2Zy8+"', shown)
        self.assertIn("<summary>flame</summary>\n<svg/>", shown)
        self.assertIn(str(page.table(PLAIN, results)), text)
        self.assertIn(str(page.goals_table(verdicts)), text)

    def test_boots_that_are_told_alike_are_told_once(self) -> None:
        results = boots((BEFORE, [run("plain/glibc", 2)]), (NOW, [run("plain/kspawn", 1)]))
        self.assertEqual(len(page.in_use([results], [], [PLAIN])), 1)
        self.assertEqual(len(page.in_use([mixed()], [], [PLAIN])), 2)

    def test_record_has_a_row_for_each_setting(self) -> None:
        at = "words/{}/words:100/threads:4"
        results = boots((NOW, [run(at.format("kspawn"), 50), run(at.format("vfork"), 100), run("plain/kspawn", 1)]))
        said = page.record([results], [])
        self.assertIn("| 100 arguments of 8 bytes, 4 threads | 50 | 0.500 |  |  |  |", said)
        self.assertNotIn("Starts by kspawn", page.record([mixed()], []))

    def test_record_says_what_limits_a_goal(self) -> None:
        verdicts = goals.judge([dataclasses.replace(GOAL, limit="as <x>")], [mixed()], {}, NOW)
        said = page.record([mixed()], verdicts)
        self.assertIn("| **kspawn** | 100 |  | 2026-02-02, bbb |", said)
        self.assertIn("\n\n- g: as <x>\n\n", said)
        self.assertTrue(said.endswith(", on 2026-02-02"), "a blank line would follow twice")


class Headline(unittest.TestCase):
    """README's sentence."""

    GOALS = Path(__file__).resolve().parent.parent / "goals.json"

    def test_it_has_the_ratios_on_record(self) -> None:
        known = goals.load(self.GOALS)
        verdicts = goals.judge(known, [mixed()], {})
        said = page.headline([mixed()], verdicts)
        self.assertIn("On Linux 6.1, a start", said)
        self.assertIn("glibc 2.36", said)
        (blocked,) = (goal.reached["6.1"].ratio for goal in known if goal.name == "caller blocked, to glibc")
        self.assertTrue(said.endswith(f"blocked for {blocked:.2f}."), said)

    def test_what_was_measured_comes_before_what_is_on_record(self) -> None:
        verdicts = goals.judge(goals.load(self.GOALS), [mixed()], {})
        self.assertIn("take 0.75 of the\ninstructions", page.headline([mixed()], verdicts))

    def test_what_is_not_measured_is_told(self) -> None:
        with self.assertRaisesRegex(ValueError, "start and wait, to glibc"):
            page.headline([mixed()], [])


class Goals(unittest.TestCase):
    def line(self, results: Results, goal: goals.Goal = GOAL) -> list[str]:
        (verdict,) = goals.judge([goal], [results], {}, NOW)
        return rows(page.goals_table([verdict]))[goal.name]

    def test_a_ratio_has_its_run_and_its_gate(self) -> None:
        self.assertEqual(self.line(mixed()), ["≤ 0.72", "0.750", "missed", "≤ 0.793", "2026-01-01, aaa"])

    def test_what_is_on_record_is_no_measurement(self) -> None:
        line = self.line(boots((NOW, [run("plain/glibc", 200)])))
        said = "not measured; on record 0.7700 of 2026-01-01, abc"
        self.assertEqual(line, ["≤ 0.72", "", said, "≤ 0.793", ""])

    def test_each_kernel_has_its_bound(self) -> None:
        goal = dataclasses.replace(GOAL, at_most={"6.1": 0.72, "6.12": 0.8})
        self.assertEqual(self.line(mixed(), goal)[0], "≤ 0.72")
        verdicts = [goals.GoalResult(goal, kernel, 0.75) for kernel in ("6.1", "6.12")]
        line = rows(page.goals_table(verdicts))[goal.name]
        self.assertEqual((line[0], line[2], line[6]), ("≤ 0.72, 0.8", "missed", "reached"))

    def test_record_has_the_ratio_alone(self) -> None:
        def short(verdict: goals.GoalResult) -> list[str]:
            return rows(page.goals_short([verdict]))[GOAL.name]

        self.assertEqual(short(goals.GoalResult(GOAL, "6.1", 0.7)), ["≤ 0.72", "0.700"])
        self.assertEqual(short(goals.GoalResult(GOAL, "6.1", 0.73)), ["≤ 0.72", "**0.730**"])
        self.assertEqual(short(goals.GoalResult(GOAL, "6.1", None)), ["≤ 0.72", "**0.770**, 2026-01-01"])
        self.assertEqual(short(goals.GoalResult(GOAL, "6.12", None)), ["≤ 0.72", "not measured"])

    def test_not_even_that(self) -> None:
        line = self.line(boots((NOW, [run("plain/glibc", 200)])), dataclasses.replace(GOAL, reached={}))
        self.assertEqual(line, ["≤ 0.72", "", "not measured", "", ""])


if __name__ == "__main__":
    unittest.main()
