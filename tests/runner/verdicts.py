# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test program's output and end say about its tests."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, field

# Exit status by which a program of the kernel's selftests says "skipped".
KSFT_SKIP = 4

_GTEST_RUN = re.compile(r"^\[ RUN      \] (\S+)")
_GTEST_END = re.compile(r"^\[ *(OK|FAILED|SKIPPED) *\] (\S+?),? .*\(\d+ ms\)$")
_GTEST_SUMMARY = re.compile(r"^\[==========\] (\d+) tests? from .* ran\.")
_TAP_PLAN = re.compile(r"^1\.\.(\d+)")
_TAP_RESULT = re.compile(r"^(not )?ok (\d+)(?: (?:- )?([^#]*))?(?:# ?(\w+)?.*)?$")


@dataclass
class Test:
    name: str
    verdict: str  # passed, failed, skipped
    detail: str = ""  # for people: what it printed, or why it failed


@dataclass
class Program:
    """One test program on one kernel."""

    name: str
    output: bytes = b""
    status: int | None = None  # as subprocess has it; None: it never ended
    timed_out: bool = False
    seconds: float = 0.0
    error: str = ""
    tests: list[Test] = field(default_factory=list)

    def count(self, verdict: str) -> int:
        return sum(test.verdict == verdict for test in self.tests)

    def judge(self) -> None:
        text = self.output.decode(errors="replace").replace("\r\n", "\n")
        lines = text.splitlines()
        if any(_GTEST_RUN.match(line) or _GTEST_SUMMARY.match(line) for line in lines):
            self.tests = _gtest(lines)
        elif any(_TAP_PLAN.match(line) for line in lines):
            self.tests = _tap(lines)
        elif not self._trouble():
            self.tests = [Test("(exit status)", "passed")]
            return
        elif self.status == KSFT_SKIP:
            self.tests = [Test("(exit status)", "skipped", text)]
            return
        trouble = self._trouble()
        # A program that says by its exit status what its tests have said is no
        # further failure; one that died or that hides a failure is.
        told = self.status == 1 and self.count("failed") or self.status == KSFT_SKIP
        if trouble and not told:
            self.tests.append(Test("(program)", "failed", f"{trouble}; its last words:\n{_tail(lines)}"))

    def _trouble(self) -> str:
        if self.error:
            return f"cannot be started: {self.error}"
        if self.timed_out:
            return f"killed after {self.seconds:.0f} s"
        if self.status is None:
            return "the guest died meanwhile"
        if self.status < 0:
            try:
                return f"died of {signal.Signals(-self.status).name}"
            except ValueError:
                return f"died of signal {-self.status}"
        if self.status:
            return f"exit status {self.status}"
        return ""


def _tail(lines: list[str], count: int = 30) -> str:
    return "\n".join(lines[-count:])


def _gtest(lines: list[str]) -> list[Test]:
    tests: list[Test] = []
    running: str | None = None
    said: list[str] = []
    announced: int | None = None
    for line in lines:
        if match := _GTEST_RUN.match(line):
            running, said = match[1], []
        elif running and (match := _GTEST_END.match(line)) and match[2] == running:
            verdict = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[match[1]]
            tests.append(Test(running, verdict, "\n".join(said)))
            running = None
        elif match := _GTEST_SUMMARY.match(line):
            announced = int(match[1])
        said.append(line)
    if running:
        tests.append(Test(running, "failed", "did not end\n" + _tail(said)))
    if announced is None:
        tests.append(Test("(summary)", "failed", "the program ended before its tests did"))
    elif announced != len(tests):
        tests.append(Test("(summary)", "failed", f"{announced} tests ran, {len(tests)} told how"))
    return tests


def _tap(lines: list[str]) -> list[Test]:
    tests: list[Test] = []
    planned = 0
    said: list[str] = []
    for line in lines:
        if match := _TAP_PLAN.match(line):
            planned, said = int(match[1]), []
        elif match := _TAP_RESULT.match(line):
            directive = (match[4] or "").upper()
            if directive in ("SKIP", "XFAIL", "TODO"):
                verdict = "skipped"
                said.append(line)
            else:
                verdict = "failed" if match[1] else "passed"
            tests.append(Test((match[3] or "").strip() or match[2], verdict, "\n".join(said)))
            said = []
        else:
            said.append(line)
    if len(tests) != planned:
        detail = f"{planned} tests were planned, {len(tests)} told how they ended\n" + _tail(said)
        tests.append(Test("(plan)", "failed", detail))
    return tests
