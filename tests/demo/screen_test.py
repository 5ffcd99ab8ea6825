# SPDX-License-Identifier: LGPL-2.1-or-later
"""The progress that a terminal is shown and a log is not."""

from __future__ import annotations

import io
import os
import threading
import time
import unittest
from typing import Mapping

from screen import SILENCE, Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, *parts: bytes) -> str:
    """All that is written while a guest says these parts, with a silence before each."""
    reader, writer = os.pipe()

    def speak() -> None:
        for part in parts:
            time.sleep(1.5 * SILENCE)
            os.write(writer, part)
        os.close(writer)

    guest = threading.Thread(target=speak)
    guest.start()
    Screen(stream, {}).show(reader, ("booting", "measuring"))
    guest.join()
    os.close(reader)
    return stream.getvalue()


class OnAScreen(unittest.TestCase):
    def test_a_log_has_what_is_said_and_nothing_else(self) -> None:
        self.assertEqual(shown(io.StringIO(), b"one\n", b"two\n"), "one\ntwo\n")

    def test_a_terminal_sees_what_is_waited_for(self) -> None:
        self.assertEqual(
            shown(Terminal(), b"one\n", b"two\n"),
            "\r\033[K  booting: 1 s\r\033[Kone\n\r\033[K  measuring: 1 s\r\033[Ktwo\n",
        )

    def test_a_line_that_is_half_written_is_left_alone(self) -> None:
        self.assertTrue(shown(Terminal(), b"half", b" and half\n").endswith("\r\033[Khalf and half\n"))

    def test_colours_are_for_terminals_whose_owner_wants_them(self) -> None:
        cases: tuple[tuple[io.StringIO, Mapping[str, str], bool], ...] = (
            (io.StringIO(), {}, False),
            (Terminal(), {}, True),
            (Terminal(), {"NO_COLOR": ""}, True),
            (Terminal(), {"NO_COLOR": "1"}, False),
            (Terminal(), {"TERM": "dumb"}, False),
        )
        for stream, environment, colours in cases:
            with self.subTest(environment, terminal=stream.isatty()):
                screen = Screen(stream, environment)
                screen.heading("x")
                self.assertEqual("\033" in stream.getvalue() + screen.bar(1), colours)


if __name__ == "__main__":
    unittest.main()
