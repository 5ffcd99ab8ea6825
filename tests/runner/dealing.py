# SPDX-License-Identifier: LGPL-2.1-or-later
"""On which of several kernels a test program runs.

Each program runs on each kernel, but for these.  A program of ROOT tests user space,
the same start by several libcs, or an unmodified program: one kernel of each root is enough.
So it is for programs about the kernel that take the better part of a minute: each kernel
runs the shorter ones beside them.
In a program of ANY neither has a part: one kernel is enough.  So it is for some that take a
minute or more, and of which what is about a kernel or a libc is tested by others in less time.
`make test-nightly` runs all of them on each kernel (tests/run --all).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

ROOT = re.compile(
    r"(conformance|lib|preload)/|trace/(detaching|ending)$"
    r"|guest/(real_|debuggers$|python_package$)"
    # Long ones about the kernel.
    r"|abi/(callers|pipes_forked|references|stress|stress_state|stress_system|strings)$"
    r"|guest/(fuzz_ioctl|unload)$|races/(traced)$|trace/(kinds)$"
)
# These need no guest: `ctest --test-dir build` runs them.
WITHOUT_GUEST = re.compile(r"(kit|report)/|trace/arithmetic$")
ANY = re.compile(
    rf"{WITHOUT_GUEST.pattern}|command/|trace/(options|printing)$|races/progress$"
    r"|abi/overcommit$|faults/functions$"
    r"|conformance/random$|lib/manual$|preload/forks$"
    r"|guest/(dropping_privileges|libc_backend|go_package|readme|real_make)$"
)


def _sharers(name: str, roots: Sequence[str]) -> list[list[int]]:
    """The groups of guests, by number, of each of which one runs the program."""
    everyone = list(range(len(roots)))
    if ANY.match(name):
        # The host's root has the packages of .ci/packages.
        return [[guest for guest in everyone if roots[guest] == "host"] or everyone]
    if ROOT.match(name):
        return [[guest for guest in everyone if roots[guest] == root] for root in dict.fromkeys(roots)]
    return [[guest] for guest in everyone]


def dealt(chosen: Sequence[tuple[str, Item]], roots: Sequence[str]) -> list[list[tuple[str, Item]]]:
    """The programs of each guest, which have these roots: of those that share a program, the
    guest that has the fewest shared ones so far runs it."""
    hands: list[list[tuple[str, Item]]] = [[] for _ in roots]
    shared = [0] * len(roots)
    for item in chosen:
        for group in _sharers(item[0], roots):
            guest = min(group, key=lambda one: shared[one])
            shared[guest] += len(group) > 1
            hands[guest].append(item)
    return hands
