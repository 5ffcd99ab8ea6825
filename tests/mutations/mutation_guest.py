# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest in which modules come and go, and programs are run; the host's half of
mutation_agent.py."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "runner"), str(TOP / "qemu" / "lib")]

import kernel_log  # noqa: E402
from verdicts import Program  # noqa: E402

# Seconds: a boot under emulation on a busy machine; what a guest takes for anything but
# a program; its end.
BOOT = 600
ANSWER = 120
END = 60


class Died(Exception):
    """The guest does not answer any more.  `complaint` is the kernel's first, or ""."""

    def __init__(self, why: str, complaint: str) -> None:
        super().__init__(why)
        self.why = why
        self.complaint = complaint


@dataclass(frozen=True)
class Answer:
    error: str
    complaints: list[str]


class Guest:
    """A guest of the kernel of that name, with the module as it is or without; its log is
    kept in a file."""

    running: list[subprocess.Popen[bytes]] = []

    def __init__(self, kernel: str, log: Path, module: bool) -> None:
        self._log = log
        self._held = b""
        log.unlink(missing_ok=True)
        command = [str(TOP / "qemu" / "vm"), "--kernel", kernel, "--timeout", "86400"]
        command += [] if module else ["--no-module"]
        # Judged here, after each step.  One test touches 4 GiB.
        command += ["--allow-warnings", ".", "--mem", "6G", "--log", str(log), "--env", f"KSPAWN_KERNEL={kernel}"]
        command += ["--", "/usr/bin/python3", str(Path(__file__).with_name("mutation_agent.py"))]
        self._vm = subprocess.Popen(
            command,
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        Guest.running.append(self._vm)
        assert self._vm.stdout is not None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._vm.stdout, selectors.EVENT_READ)
        self._answer(BOOT)

    def insert(self, module: Path, build: Path) -> Answer:
        return self._ask({"do": "insert", "module": str(module), "build": str(build)}, ANSWER)

    def remove(self) -> Answer:
        return self._ask({"do": "remove"}, ANSWER)

    def use_library(self, directory: Path | None) -> Answer:
        """The programs find their libraries there first."""
        return self._ask({"do": "library", "directory": str(directory or "")}, ANSWER)

    def run(self, name: str, command: list[str], limit: float) -> tuple[Program, Answer]:
        """Run a program of the tests; judged."""
        self._send({"do": "run", "name": name, "command": command, "limit": limit})
        program = Program(name)
        answer = self._answer(limit + ANSWER, program)
        program.judge()
        return program, answer

    def end(self) -> None:
        if self._vm.poll() is None:
            assert self._vm.stdin is not None
            try:
                self._vm.stdin.close()
                self._vm.wait(END)
            except (OSError, subprocess.TimeoutExpired):
                self._vm.terminate()
                self._vm.wait()
        self._selector.close()
        Guest.running.remove(self._vm)

    def _ask(self, request: dict[str, Any], seconds: float) -> Answer:
        self._send(request)
        return self._answer(seconds)

    def _send(self, request: dict[str, Any]) -> None:
        assert self._vm.stdin is not None
        try:
            self._vm.stdin.write(json.dumps(request).encode() + b"\n")
            self._vm.stdin.flush()
        except OSError:
            pass  # it is dead, which is found as its answer is read

    def _answer(self, seconds: float, program: Program | None = None) -> Answer:
        deadline = time.monotonic() + seconds
        while True:
            line = self._line(deadline)
            try:
                record: dict[str, Any] = json.loads(line)
            except ValueError:
                continue  # half a line of a guest that dies
            match record["event"]:
                case "answer":
                    return Answer(record["error"], record["complaints"])
                case "output" | "end" if program:
                    program.hear(record)

    def _line(self, deadline: float) -> bytes:
        assert self._vm.stdout is not None
        while b"\n" not in self._held:
            left = deadline - time.monotonic()
            if left <= 0 or not self._selector.select(left):
                self._vm.terminate()
                self._vm.wait()
                raise self._died("the guest hung")
            data = os.read(self._vm.stdout.fileno(), 65536)
            if not data:
                self._vm.wait()
                raise self._died("the guest died")
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return line

    def _died(self, why: str) -> Died:
        log = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        complaints = kernel_log.complaints(log)
        return Died(why, complaints[0] if complaints else "")
