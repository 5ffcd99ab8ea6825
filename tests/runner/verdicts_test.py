# SPDX-License-Identifier: LGPL-2.1-or-later
"""The runner's own tests: it must not take a broken program for a passing one."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "qemu" / "lib"))

import kernel_log  # noqa: E402
from verdicts import KSFT_SKIP, Program  # noqa: E402


def judged(output: str, status: int | None = 0, name: str = "abi/x", **more: object) -> tuple[int, int, int]:
    program = Program(name, output=output.encode(), status=status, **more)  # type: ignore[arg-type]
    program.judge()
    return program.count("passed"), program.count("failed"), program.count("skipped")


TAP = """TAP version 13
1..3
# Starting 3 tests from 1 test cases.
#  RUN           spawn.one ...
#            OK  spawn.one
ok 1 spawn.one
#  RUN           spawn.two ...
# x.c:3:two:Expected 1 (1) == 2 (2)
not ok 2 spawn.two
#  RUN           spawn.three ...
#      SKIP      no device
ok 3 spawn.three # SKIP no device
# FAILED: 2 / 3 tests passed.
"""

def one(name: str, result: str = "COMPLETED", status: str = "RUN", **more: Any) -> dict[str, Any]:
    return {"name": name, "classname": "Spawn", "status": status, "result": result} | more


# As GoogleTest writes them, but for what is not looked at.
GTEST = {
    "testsuites": [
        {"name": "Spawn", "testsuite": [one("One"), one("Two/0", failures=[{"failure": "x.cpp:3", "type": ""}])]},
        {"name": "I/Spawn", "testsuite": [one("Three", "SKIPPED"), one("Off", "SUPPRESSED", "NOTRUN")]},
    ]
}


class Results(unittest.TestCase):
    def test_tap(self) -> None:
        self.assertEqual(judged(TAP, 1), (1, 1, 1))

    def test_tap_with_too_few_results(self) -> None:
        self.assertEqual(judged("1..2\nok 1 a\n"), (1, 1, 0))

    def test_tap_without_a_plan(self) -> None:
        self.assertEqual(judged("ok 1 a\nok 2 b\n", 0, "guest/x.sh"), (2, 1, 0))
        self.assertEqual(judged("not ok 1 a\n", 0, "guest/x.sh"), (0, 2, 0))

    def test_tap_that_passes_but_exits_with_a_failure(self) -> None:
        self.assertEqual(judged("1..1\nok 1 a\n", 1), (1, 1, 0))

    def test_tap_that_died_after_a_failure(self) -> None:
        self.assertEqual(judged("1..1\nnot ok 1 a\n", -11), (0, 2, 0))

    def test_tap_all_skipped(self) -> None:
        self.assertEqual(judged("1..1\nok 1 a # SKIP why\n", KSFT_SKIP), (0, 0, 1))

    def test_gtest(self) -> None:
        self.assertEqual(judged("", 1, "lib/x", results=GTEST), (1, 1, 1))

    def test_gtest_names_what_failed_and_why(self) -> None:
        program = Program("lib/x", output=b"last words", status=1, results=GTEST)
        program.judge()
        failed = [test for test in program.tests if test.verdict == "failed"]
        self.assertEqual([test.name for test in failed], ["Spawn.Two/0"])
        self.assertIn("x.cpp:3", failed[0].detail)
        self.assertIn("last words", failed[0].detail)

    def test_gtest_that_passes_but_exits_with_a_failure(self) -> None:
        results = {"testsuites": [{"name": "Spawn", "testsuite": [one("One")]}]}
        self.assertEqual(judged("", 0, "lib/x", results=results), (1, 0, 0))
        self.assertEqual(judged("", 1, "lib/x", results=results), (1, 1, 0))

    def test_gtest_without_results(self) -> None:
        self.assertEqual(judged("[ RUN      ] A.B\n[       OK ] A.B (0 ms)\n", 0, "lib/x"), (0, 1, 0))
        passed, failed, _ = judged("[ RUN      ] A.C\n", -6, "lib/x")
        self.assertEqual(passed, 0)
        self.assertGreaterEqual(failed, 1)

    def test_what_in_guest_tells(self) -> None:
        program = Program("lib/x")
        program.hear({"event": "output", "name": "lib/x", "data": "aGVs"})
        program.hear({"event": "output", "name": "lib/x", "data": "bG8="})
        program.hear(
            {"event": "end", "name": "lib/x", "status": 1, "timed_out": False, "seconds": 2.0, "results": GTEST}
        )
        program.judge()
        self.assertEqual((program.output, program.seconds), (b"hello", 2.0))
        self.assertEqual(program.count("failed"), 1)

    def test_exit_status_alone(self) -> None:
        self.assertEqual(judged("hello\n", 0), (1, 0, 0))
        self.assertEqual(judged("hello\n", 1), (0, 1, 0))
        self.assertEqual(judged("no\n", KSFT_SKIP), (0, 0, 1))
        self.assertEqual(judged("", -9, timed_out=True, seconds=300.0), (0, 1, 0))
        self.assertEqual(judged("", None), (0, 1, 0))
        self.assertEqual(judged("", None, error="ENOENT"), (0, 1, 0))


class KernelLog(unittest.TestCase):
    def test_complaints(self) -> None:
        for line in (
            "[    1.0] WARNING: CPU: 0 PID: 1 at kernel/fork.c:1 f+0x1/0x2",
            "[    1.0] BUG: KASAN: slab-use-after-free in f+0x1",
            "[    1.0] Oops: 0000 [#1] PREEMPT SMP",
            "[    1.0] general protection fault, probably for non-canonical address",
            "[    1.0] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
            "[    1.0] WARNING: possible circular locking dependency detected",
            "[    1.0] INFO: task x:1 blocked for more than 120 seconds.",
            "[    1.0] refcount_t: underflow; use-after-free.",
            "[    1.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
        ):
            self.assertTrue(kernel_log.complaints(line), line)

    def test_harmless(self) -> None:
        for line in (
            "[    1.0] kspawn: loading out-of-tree module taints kernel.",
            "[    1.0] traps: x[1] general protection fault ip:7f00 sp:7f01 error:0 in x",
            "[    1.0] x[1]: segfault at 0 ip 0 sp 0 error 4",
            "[    1.0] kasan: KernelAddressSanitizer initialized",
        ):
            self.assertEqual(kernel_log.complaints(line), [], line)

    def test_failed_allocations(self) -> None:
        begin = "[    1.0] kspawn-test: allocations are to fail from here on\n"
        failed = (
            "[    1.0] x: vmalloc error: size 16384, page order 0, failed to allocate pages\n"
            "[    1.0] CPU: 1 UID: 0 PID: 77 Comm: x\n[    1.0] Call Trace:\n"
        )
        trace = "[    1.0] Call Trace:\n"
        self.assertEqual(len(kernel_log.complaints(failed)), 1)
        self.assertEqual(kernel_log.complaints(begin + failed), [])
        self.assertEqual(len(kernel_log.complaints(begin + failed + trace)), 1)
        self.assertEqual(len(kernel_log.complaints(begin + trace)), 1)
        self.assertEqual(len(kernel_log.complaints(begin + failed + "\n" * 9 + trace)), 1)

    def test_taints(self) -> None:
        self.assertEqual(kernel_log.taints((1 << 12) | (1 << 13)), [])
        self.assertEqual(kernel_log.taints(1 << 9), ["the kernel warned"])


if __name__ == "__main__":
    unittest.main()
