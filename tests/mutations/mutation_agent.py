# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's half of tests/mutations/run: does what it is told by one JSON object a
line on its standard input, and answers by one.

  {"do": "insert", "module": FILE, "build": DIRECTORY}   insert a module; the programs
                                    that follow find their build directory there
  {"do": "run", "name": NAME, "command": [...], "limit": SECONDS}
                                    run a program; see tests/runner/in_guest.py for what
                                    is told of it before the answer
  {"do": "remove"}                  remove the module
  {"do": "library", "directory": DIRECTORY}   the programs that follow look for libraries
                                    there first; "": as usual

The answer, {"event": "answer"}, has "error", "" if it was done, and "complaints", the
kernel's since the answer before."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "runner"), str(TOP / "qemu" / "lib")]

import in_guest  # noqa: E402
import kernel_log  # noqa: E402

BUSYBOX = "/run/kspawn-vm/busybox"
# A child's last steps in the module may come after all have seen it end.
REMOVE_SECONDS = 20


class Log:
    """The kernel's log, and what of it has been told."""

    def __init__(self) -> None:
        self._file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        self._text = ""
        self._told = 0
        self._tainted: set[str] = set()

    def _read(self) -> None:
        while True:
            try:
                record = os.read(self._file, 16384)
            except BlockingIOError:
                return
            except BrokenPipeError:
                continue  # it was overwritten before it was read; the next is there
            self._text += record.decode(errors="replace").split("\n", 1)[0].partition(";")[2] + "\n"

    def complaints(self) -> list[str]:
        self._read()
        found = kernel_log.complaints(self._text)
        new, self._told = found[self._told :], len(found)
        tainted = set(kernel_log.taints(int(Path("/proc/sys/kernel/tainted").read_text(encoding="ascii"))))
        if not new:
            new += sorted(tainted - self._tainted)
        self._tainted |= tainted
        return new


def busybox(*arguments: str) -> str:
    done = subprocess.run([BUSYBOX, *arguments], capture_output=True, text=True, check=False)
    return (done.stderr.strip() or f"exit status {done.returncode}") if done.returncode else ""


def insert(module: str, build: str) -> str:
    os.environ["KSPAWN_BUILD"] = build
    return busybox("insmod", module)


def remove() -> str:
    end = time.monotonic() + REMOVE_SECONDS
    while (error := busybox("rmmod", "kspawn")) and time.monotonic() < end:
        time.sleep(0.5)
    # The next exec uses whatever the module has left in the kernel's list of formats.
    busybox("true")
    return error


def use_library(directory: str) -> str:
    os.environ.pop("LD_LIBRARY_PATH", None)
    os.environ |= {"LD_LIBRARY_PATH": directory} if directory else {}
    return ""


def do(request: dict[str, Any]) -> str:
    match request["do"]:
        case "insert":
            return insert(request["module"], request["build"])
        case "run":
            in_guest.run(request["name"], request["command"], request["limit"])
            return ""
        case "remove":
            return remove()
        case "library":
            return use_library(request["directory"])
        case other:
            return f"cannot {other}"


def main() -> None:
    argparse.ArgumentParser(prog="mutation_agent.py", description=__doc__).parse_args()
    log = Log()
    log.complaints()
    in_guest.say(event="answer", error="", complaints=[])  # it is there
    for line in sys.stdin:
        error = do(json.loads(line))
        in_guest.say(event="answer", error=error, complaints=log.complaints())


main()
