# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing that lasts is silent."""

from __future__ import annotations

import io
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "measure"))

import guests  # noqa: E402
from progress import SILENCE, Progress  # noqa: E402


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Steps(unittest.TestCase):
    def setUp(self) -> None:
        self.time = 0.0

    def progress(self, stream: io.StringIO) -> Progress:
        return Progress(stream, lambda: self.time)

    def test_a_log_has_a_line_for_each_step(self) -> None:
        log = io.StringIO()
        progress = self.progress(log)
        progress.doing("6.1", "booting")
        progress.step("6.1", "1/2 plain/glibc: 300")
        self.assertEqual(log.getvalue(), "6.1: booting\n6.1: 1/2 plain/glibc: 300\n")

    def test_and_one_after_ten_seconds_of_silence(self) -> None:
        log = io.StringIO()
        progress = self.progress(log)
        progress.doing("6.1", "booting")
        for self.time in (1.0, 9.0, SILENCE, SILENCE + 1, 2 * SILENCE):
            progress.look()
        progress.done("6.1")
        self.time = 100.0
        progress.look()
        self.assertEqual(log.getvalue(), "6.1: booting\n6.1: booting, 0:10\n6.1: booting, 0:20\n")

    def test_a_terminal_has_one_line_that_moves(self) -> None:
        terminal = Terminal()
        progress = self.progress(terminal)
        progress.doing("6.1", "booting")
        progress.doing("6.12", "booting")
        self.time = 5.0
        progress.look()
        self.assertNotIn("\n", terminal.getvalue())
        self.assertTrue(terminal.getvalue().endswith("\r\033[K6.1 0:05 booting   6.12 0:05 booting"))

    def test_which_what_stays_is_written_above(self) -> None:
        terminal = Terminal()
        progress = self.progress(terminal)
        progress.doing("6.1", "1/2 plain/glibc")
        progress.step("6.1", "1/2 plain/glibc: 300")
        progress.say("6.1", "incomplete")
        self.assertNotIn("300", terminal.getvalue())
        last = terminal.getvalue().split("\r\033[K")
        self.assertEqual(last[-2:], ["6.1: incomplete\n", "6.1 0:00 1/2 plain/glibc"])

    def test_each_cell_is_a_step(self) -> None:
        log = io.StringIO()
        progress = self.progress(log)
        progress.doing("6.1", "booting")
        names = ["plain/glibc", "plain/kspawn", "held/kspawn/resident:1024", "traced/kspawn"]
        failed = "held/kspawn/resident:1024/iterations:1/manual_time ERROR OCCURRED: 'no'\n"
        said = ["measuring\n", "---\n"]
        said += ["plain/glibc/manual_time_mean 310 ns\n", "plain/glibc/manual_time_median 300 ns\n"]
        said += ["plain/kspawn/manual_time_median 1000 ns\n", failed]
        said += ["traced/kspawn/manual_time_median 2000 ns\n"]
        guests.follow(names)(said[:4], "6.1", progress)
        self.time = SILENCE
        progress.look()
        guests.follow(names[1:])(said[4:], "6.1", progress)
        self.assertEqual(
            log.getvalue().splitlines(),
            [
                "6.1: booting",
                "6.1: 1/4 plain/glibc: 300",
                "6.1: 2/4 plain/kspawn, 0:10",
                "6.1: 1/3 plain/kspawn: 1,000",
                f"6.1: {failed.strip()}",
                "6.1: 3/3 traced/kspawn: 2,000",
            ],
        )


if __name__ == "__main__":
    unittest.main()
