#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's half of tests/run: start each program of a list (the arguments, a
JSON array of objects), with a time limit, and report what happens as one JSON
object a line, as it happens: a guest that dies has said what it was doing."""

from __future__ import annotations

import argparse
import base64
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True

from verdicts import is_gtest  # noqa: E402

# A program that has ended, but whose children hold its output open, gets this.
LINGER_SECONDS = 2.0


def say(**record: Any) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def others() -> set[int]:
    """The processes that are neither ours nor the kernel's nor that carry our output."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        is_kernel_thread = int(fields[6]) & 0x00200000
        if fields[0] not in "ZX" and not is_kernel_thread:
            found.add(int(entry.name))
    return found


def kill(pids: set[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def results_in(file: Path) -> dict[str, Any]:
    """The results that GoogleTest wrote there; nothing if it did not come to that."""
    try:
        return {"results": json.loads(file.read_bytes())}
    except (OSError, ValueError):
        return {}


def run(name: str, command: list[str], limit: float) -> None:
    with tempfile.TemporaryDirectory() as directory:
        # Not by its variable, which a program that is a test, too, would inherit.
        results = Path(directory) / "results"
        _run(name, command + ([f"--gtest_output=json:{results}"] if is_gtest(name) else []), limit, results)


def _run(name: str, command: list[str], limit: float, results: Path) -> None:
    say(event="begin", name=name)
    before = others()
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        say(event="end", name=name, status=126, timed_out=False, seconds=0.0, error=str(error))
        return
    assert process.stdout is not None
    pidfd = os.pidfd_open(process.pid)
    selector = selectors.DefaultSelector()
    selector.register(pidfd, selectors.EVENT_READ)
    selector.register(process.stdout, selectors.EVENT_READ)
    deadline = started + limit
    timed_out = False
    while process.stdout in (key.fileobj for key in selector.get_map().values()):
        left = deadline - time.monotonic()
        if left <= 0:
            if pidfd not in selector.get_map():
                break  # the program ended in time; its children only linger
            timed_out = True
            kill(others() - before)
            deadline = time.monotonic() + LINGER_SECONDS
            continue
        for key, _ in selector.select(left):
            if key.fileobj == pidfd:
                selector.unregister(pidfd)
                deadline = time.monotonic() + LINGER_SECONDS
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if data:
                say(event="output", name=name, data=base64.b64encode(data).decode())
            else:
                selector.unregister(process.stdout)
    selector.close()
    try:
        process.wait(max(LINGER_SECONDS, started + limit - time.monotonic()))
    except subprocess.TimeoutExpired:  # it closed its output and went on
        timed_out = True
        kill(others() - before)
        process.wait()
    seconds = time.monotonic() - started
    os.close(pidfd)
    process.stdout.close()
    kill(others() - before)
    more = results_in(results)
    say(event="end", name=name, status=process.returncode, timed_out=timed_out, seconds=seconds, **more)


def keep_coverage(directory: Path) -> None:
    """Copy the counters of a module that was built with KSPAWN_GCOV=1.  Their
    size is only known once they are read, so each is read to its end."""
    source = Path("/sys/kernel/debug/gcov")
    for counters in source.rglob("kmod/*.gcda"):
        target = directory / counters.name
        target.write_bytes(counters.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(prog="in_guest.py", description=__doc__)
    parser.add_argument("programs", type=json.loads, help="a JSON array of {name, command, limit}")
    programs = parser.parse_args().programs
    coverage = os.environ.get("KSPAWN_GCOV_DIR")
    for program in programs:
        run(program["name"], program["command"], program["limit"])
        if coverage:  # each time: the guest may not see the end
            keep_coverage(Path(coverage))
    say(event="done")


if __name__ == "__main__":
    main()
