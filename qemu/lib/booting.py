# SPDX-License-Identifier: LGPL-2.1-or-later
"""That a guest boots, and for how long: a line that moves on a terminal, and is gone when
the command begins."""

from __future__ import annotations

import sys
from typing import TextIO


class Booting:
    def __init__(self, release: str, stream: TextIO = sys.stderr) -> None:
        self._release = release
        self._stream = stream
        self._terminal = stream.isatty()

    def tick(self, seconds: float) -> None:
        self._show(f"vm: booting Linux {self._release}: {seconds:.0f} s")

    def end(self) -> None:
        self._show("")

    def _show(self, text: str) -> None:
        if self._terminal:
            self._stream.write(f"\r\033[K{text}")
            self._stream.flush()
