# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judge a kernel log: anything the kernel complains about fails the run."""

from __future__ import annotations

import re

_COMPLAINTS = re.compile(
    "|".join(
        (
            r"WARNING: ",
            r"\bBUG\b",
            r"\bOops\b",
            r"kernel BUG at",
            r"\bKASAN\b(?!.*initialized)",
            r"\bKFENCE: (?!initialized)",
            r"\bUBSAN\b",
            r"\bKCSAN\b",
            r"Kernel panic",
            r"general protection fault[,:]",  # a program's has neither
            r"unable to handle",
            r"double fault",
            r"stack guard page was hit",
            r"possible circular locking",
            r"possible recursive locking",
            r"possible irq lock inversion",
            r"possible deadlock",
            r"inconsistent lock state",
            r"suspicious RCU usage",
            r"INFO: trying to register non-static key",
            r"INFO: lockdep is turned off",
            r"MAX_LOCKDEP_\w+ too low",
            r"bad unlock balance",
            r"held lock freed",
            r"lock held when returning to user space",
            r"still has locks held",
            r"sleeping function called",
            r"scheduling while atomic",
            r"INFO: task .* blocked for more than",
            r"detected stall",
            r"self-detected stall",
            r"expedited stalls",
            r"soft lockup",
            r"hard LOCKUP",
            r"workqueue lockup",
            r"unreferenced object",
            r"suspected memory leaks",
            r"refcount_t: ",
            r"list_(?:add|del) corruption",
            r"ODEBUG: ",
            r"Bad page (?:state|map)",
            r"Bad rss-counter",
            r"slab .* Objects remaining",
            r"double-free|use-after-free",
            r"cut here",
            r"Call Trace:",
            r"kspawn-vm: FATAL",
        )
    )
)

# Bits of /proc/sys/kernel/tainted that a complaint sets even if its text is
# new to us: bad page, died, warned, soft lockup.
_TAINTS = {5: "bad page", 7: "the kernel died", 9: "the kernel warned", 14: "soft lockup"}


# A test that makes allocations fail, or memory run out, says so first.  The
# allocator reports some of it, with a trace whose "Call Trace:" follows in one
# of the next lines.
_FAILING_BEGINS = "kspawn-test: allocations are to fail from here on"
_ALLOCATION_FAILED = re.compile(r": (?:page allocation failure: order:|vmalloc error: size )| invoked oom-killer: ")
_TRACE_WITHIN = 8


def _without_failed_allocations(lines: list[str]) -> list[str]:
    failing = False
    trace_until = -1
    kept = []
    for number, line in enumerate(lines):
        failing = failing or _FAILING_BEGINS in line
        if failing and _ALLOCATION_FAILED.search(line):
            trace_until = number + _TRACE_WITHIN
        elif number <= trace_until and "Call Trace:" in line:
            trace_until = -1
        else:
            kept.append(line)
    return kept


def complaints(log: str, allow: re.Pattern[str] | None = None) -> list[str]:
    """The lines with which the kernel complains."""
    return [
        line
        for line in _without_failed_allocations(log.splitlines())
        if _COMPLAINTS.search(line)
        and not (allow and allow.search(line))
    ]


def taints(value: int) -> list[str]:
    """The words of a taint value, but for an out-of-tree, unsigned module."""
    return [text for bit, text in _TAINTS.items() if value & (1 << bit)]


def tail(log: str, lines: int = 40) -> str:
    return "\n".join(log.splitlines()[-lines:])
