# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal gets one line that moves, and that nothing else is written into; a log
gets none."""

from __future__ import annotations

import io
import time
import unittest

from moving_line import MovingLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Lines(unittest.TestCase):
    def test_it_moves_on_a_terminal(self) -> None:
        terminal = Terminal()
        with MovingLine(lambda: "6.1 abi/stress", terminal) as line:
            while "stress" not in terminal.getvalue():
                time.sleep(0.05)
            with line.paused():
                terminal.write("ok\n")
        shown = terminal.getvalue()
        self.assertTrue(shown.startswith("\r\033[K6.1 abi/stress"))
        self.assertIn("stress\r\033[Kok\n", shown)
        self.assertTrue(shown.endswith("\r\033[K"))

    def test_it_is_cut_where_the_terminal_ends(self) -> None:
        terminal = Terminal()
        with MovingLine(lambda: "x" * 1000, terminal):
            while "x" not in terminal.getvalue():
                time.sleep(0.05)
        self.assertLess(terminal.getvalue().count("x"), 1000)

    def test_a_log_has_none(self) -> None:
        log = io.StringIO()
        with MovingLine(lambda: "6.1 abi/stress", log) as line:
            time.sleep(1.2)
            with line.paused():
                log.write("ok\n")
        self.assertEqual(log.getvalue(), "ok\n")


if __name__ == "__main__":
    unittest.main()
