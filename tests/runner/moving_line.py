# SPDX-License-Identifier: LGPL-2.1-or-later
"""One line at the end of a terminal that says what is being done now; nothing in a log."""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
from typing import Callable, Iterator, TextIO


class MovingLine:
    """While it is entered, shows once a second what `words` returns.  Whatever else is
    printed meanwhile is printed in `paused()`."""

    def __init__(self, words: Callable[[], str], stream: TextIO = sys.stderr) -> None:
        self._words = words
        self._stream = stream
        self._shown = stream.isatty()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> MovingLine:
        if self._shown:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._shown:
            self._thread.join()
            self._write("")

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        with self._lock:
            if self._shown:
                self._write("")
            yield

    def _run(self) -> None:
        while not self._ended.wait(1):
            with self._lock:
                self._write(self._words()[: shutil.get_terminal_size().columns - 1])

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\033[K{text}")
        self._stream.flush()
