# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the demo is shown: a terminal, with colours and signs of life, or a log without."""

from __future__ import annotations

import os
import select
import time
from typing import Mapping, TextIO

# Seconds without a word, after which a terminal is told that something is going on.
SILENCE = 1.0


class Screen:
    def __init__(self, stream: TextIO, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        self._stream = stream
        self.terminal = stream.isatty() and environment.get("TERM") != "dumb"
        self.colours = self.terminal and not environment.get("NO_COLOR")

    def say(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def heading(self, text: str) -> None:
        self.say(f"{self.bold(text)}\n\n")

    def bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self.colours else text

    def bar(self, length: int) -> str:
        hashes = "#" * length
        return f"\033[33m{hashes}\033[0m" if self.colours else hashes

    def show(self, descriptor: int, waiting_for: tuple[str, str]) -> None:
        """Print the output of a descriptor until its end.  While there is none, and no line is
        half written, a terminal shows what is waited for: waiting_for[0] before the first
        output, waiting_for[1] after it."""
        text, since, shown, line_open = waiting_for[0], time.monotonic(), False, False
        while True:
            if not select.select([descriptor], [], [], SILENCE)[0]:
                if self.terminal and not line_open:
                    self.say(f"\r\033[K  {text}: {time.monotonic() - since:.0f} s")
                    shown = True
                continue
            part = os.read(descriptor, 65536)
            if shown:
                self.say("\r\033[K")
            if not part:
                return
            self.say(part.decode(errors="replace"))
            text, since, shown, line_open = waiting_for[1], time.monotonic(), False, not part.endswith(b"\n")
