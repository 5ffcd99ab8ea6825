# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verdicts on tests, from a test program's output and its end."""

from __future__ import annotations

import base64
import re
import signal
from dataclasses import dataclass, field
from typing import Any

# Exit status by which a program of the kernel's selftests says "skipped".
KSFT_SKIP = 4

# Directories of programs that are not GoogleTest's: the kernel's harness, and scripts.
_KSELFTEST = ("abi", "faults")
_SCRIPTS = ("guest",)
_TAP_PLAN = re.compile(r"^1\.\.(\d+)")
_TAP_RESULT = re.compile(r"^(not )?ok (\d+)(?: (?:- )?([^#]*))?(?:# ?(\w+)?.*)?$")


def is_kselftest(name: str) -> bool:
    return name.partition("/")[0] in _KSELFTEST


def is_gtest(name: str) -> bool:
    return name.partition("/")[0] not in _KSELFTEST + _SCRIPTS


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
    results: dict[str, Any] | None = None  # GoogleTest's own, which it writes at its end
    tests: list[Test] = field(default_factory=list)

    def count(self, verdict: str) -> int:
        return sum(test.verdict == verdict for test in self.tests)

    def hear(self, record: dict[str, Any]) -> None:
        """Take in a record of in_guest.py about this program: output, or its end."""
        if record["event"] == "output":
            self.output += base64.b64decode(record["data"])
        elif record["event"] == "end":
            self.status = record["status"]
            self.timed_out = record["timed_out"]
            self.seconds = record["seconds"]
            self.error = record.get("error", "")
            self.results = record.get("results")

    def judge(self) -> None:
        text = self.output.decode(errors="replace").replace("\r\n", "\n")
        lines = text.splitlines()
        if is_gtest(self.name):
            self.tests = _gtest(self.results, lines)
        elif any(_TAP_PLAN.match(line) or _TAP_RESULT.match(line) for line in lines):
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


def _gtest(results: dict[str, Any] | None, lines: list[str]) -> list[Test]:
    if results is None:
        return [Test("(results)", "failed", "the program ended before its tests did:\n" + _tail(lines))]
    tests = gtest_tests(results)
    if failed := [test for test in tests if test.verdict == "failed"]:
        failed[-1].detail += "\nits program's last words:\n" + _tail(lines)
    return tests


def gtest_tests(results: dict[str, Any]) -> list[Test]:
    """Those that were run, by what GoogleTest has written of them."""
    tests = (_gtest_one(test) for suite in results["testsuites"] for test in suite["testsuite"])
    return [test for test in tests if test]


def _gtest_one(told: dict[str, Any]) -> Test | None:
    if told["status"] != "RUN":
        return None  # not asked for
    name = f"{told['classname']}.{told['name']}"
    if failures := [failure["failure"] for failure in told.get("failures", [])]:
        return Test(name, "failed", "\n".join(failures))
    # Why is not among its results in Debian 12's version.
    return Test(name, "skipped" if told["result"] == "SKIPPED" else "passed")


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
