# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measuring in a guest: a command in it, and the results that it leaves."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterable, Sequence

from progress import Progress

BENCH = Path(__file__).resolve().parent.parent
REPO = BENCH.parent.parent
TIMEOUT = 6 * 3600

# Says how it goes, from the lines that the guest prints.
Follow = Callable[[Iterable[str], str, Progress], None]


def run(
    kernel: str,
    flags: Sequence[str],
    command: Sequence[str],
    out: Path,
    task: str,
    progress: Progress,
    said: Follow,
) -> bool:
    """Run a command that may write to the directory `out`, in which no results are left: did
    it end well?  If not, what it said on stderr is told."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.json"):
        old.unlink()
    vm = [str(REPO / "qemu" / "vm"), "--kernel", kernel, *flags, "--share", str(out)]
    vm += ["--timeout", str(TIMEOUT), "--log", str(out / "log"), "--", *command]
    with (out / "stderr").open("w") as stderr, subprocess.Popen(
        vm, cwd=REPO, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as guest:
        assert guest.stdout is not None
        said(guest.stdout, task, progress)
    if guest.returncode != 0:
        for line in (out / "stderr").read_text().splitlines():
            progress.say(task, line)
        progress.say(task, f"incomplete (qemu/vm: exit status {guest.returncode})")
    return guest.returncode == 0


def results(out: Path) -> dict[str, Any] | None:
    """All that Google Benchmark has written into the directory, in one boot."""
    whole: dict[str, Any] | None = None
    for path in sorted(out.glob("*.json")):
        data = json.loads(path.read_text())
        if whole is None:
            whole = data
        else:
            whole["benchmarks"] += data["benchmarks"]
    return whole


def follow(names: Sequence[str]) -> Follow:
    """For kspawn-bench, which measures what is named."""

    def said(lines: Iterable[str], task: str, progress: Progress) -> None:
        done = 0
        for line in lines:
            if figure := re.match(r"(\S+)/manual_time(?:_median)?\s+(\d+) ns", line):
                name = re.sub(r"/iterations:\d+$", "", figure[1])
                done += 1
                progress.step(task, f"{done}/{len(names)} {name}: {int(figure[2]):,}")
            elif "ERROR OCCURRED" in line:
                done += 1
                progress.say(task, line.rstrip())
            elif line != "measuring\n":
                continue
            if done < len(names):
                progress.doing(task, f"{done + 1}/{len(names)} {names[done]}")

    return said
