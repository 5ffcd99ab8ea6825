# SPDX-License-Identifier: LGPL-2.1-or-later
"""How far it is, on stderr: on a terminal one line that moves, in a log a line for each
step, and one when nothing was said for ten seconds."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Callable, TextIO

SILENCE = 10.0  # seconds without a line in a log
REFRESH = 1.0  # of the line on a terminal


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Progress:
    """It tells of tasks that may go on at once, each with a name.  To be used with "with"."""

    def __init__(self, stream: TextIO = sys.stderr, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._moving = stream.isatty()
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._doing: dict[str, str] = {}
        self._said: dict[str, float] = {}
        self._end = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        self._ticker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._ticker.join()
        with self._lock:
            self._erase()

    def doing(self, task: str, text: str) -> None:
        """From now on the task does this, and lasts."""
        with self._lock:
            now = self._now()
            if task not in self._began:
                self._began[task] = self._said[task] = now
                if not self._moving:
                    self._line(f"{task}: {text}")
            self._doing[task] = text
            self._draw()

    def step(self, task: str, text: str) -> None:
        """A step of it is done: a line in a log, and nothing on a terminal, whose line moves
        on with what is done next."""
        if not self._moving:
            self.say(task, text)

    def say(self, task: str, text: str) -> None:
        """A line that stays."""
        with self._lock:
            self._said[task] = self._now()
            self._line(f"{task}: {text}")
            self._draw()

    def done(self, task: str) -> None:
        with self._lock:
            self._doing.pop(task, None)
            self._began.pop(task, None)
            self._said.pop(task, None)
            self._draw()

    def look(self) -> None:
        """Say what the clock makes due."""
        with self._lock:
            now = self._now()
            if self._moving:
                self._draw()
                return
            for task, text in self._doing.items():
                if now - self._said[task] >= SILENCE:
                    self._said[task] = now
                    self._line(f"{task}: {text}, {clock(now - self._began[task])}")

    def _tick(self) -> None:
        while not self._end.wait(REFRESH):
            self.look()

    def _line(self, text: str) -> None:
        self._erase()
        print(text, file=self._stream, flush=True)

    def _erase(self) -> None:
        if self._moving:
            print("\r\033[K", end="", file=self._stream, flush=True)

    def _draw(self) -> None:
        if not self._moving:
            return
        now = self._now()
        text = "   ".join(
            f"{task} {clock(now - self._began[task])} {doing}" for task, doing in self._doing.items()
        )
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text[:width]}", end="", file=self._stream, flush=True)
