# SPDX-License-Identifier: LGPL-2.1-or-later
"""A command that takes long says so: scripts/progress.sh, in a log and on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import time
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def in_log(script: str) -> subprocess.CompletedProcess[str]:
    whole = f". scripts/progress.sh\nPROGRESS_SECONDS=1\n{script}"
    return subprocess.run(["bash", "-c", whole], cwd=REPO, capture_output=True, text=True, check=False)


def on_terminal(script: str) -> str:
    """The text that comes to a terminal that is stderr."""
    master, slave = pty.openpty()
    whole = f". scripts/progress.sh\n{script}"
    environment = os.environ | {"TERM": "xterm"}
    subprocess.run(["bash", "-c", whole], cwd=REPO, stderr=slave, env=environment, check=False)
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 4096):
            text += part
    except OSError:  # all has been read
        pass
    os.close(master)
    return text.decode()


class Ticking(unittest.TestCase):
    def test_a_log_gets_a_line_at_once_and_more_of_what_takes_long(self) -> None:
        done = in_log("far() { echo 3 of 5; }; how_far=far; ticking fetching sleep 2.6")
        lines = done.stderr.splitlines()
        self.assertEqual(lines[0], "fetching")
        self.assertEqual(lines[1], "fetching: 3 of 5, 1 s")
        self.assertIn(len(lines), (2, 3))

    def test_a_terminal_gets_one_line_that_moves_and_goes(self) -> None:
        text = on_terminal("ticking fetching sleep 2.6")
        self.assertEqual(text.count("\n"), 0)
        self.assertIn("\r\033[Kfetching: 1 s\r\033[Kfetching: 2 s", text)
        self.assertTrue(text.endswith("\r\033[K"))

    def test_status_and_output_are_the_commands(self) -> None:
        done = in_log('ticking failing sh -c "echo out; exit 7"')
        self.assertEqual((done.returncode, done.stdout), (7, "out\n"))

    def test_nobody_waits_for_the_clock(self) -> None:
        # A sleep of this clock takes as long as a guest does, and holds the pipes that in_log() reads.
        began = time.monotonic()
        done = in_log('sleep() { command sleep 60; }; said=$(ticking quick command sleep 0.5); echo "$said"')
        self.assertEqual(done.stdout, "\n")
        self.assertLess(time.monotonic() - began, 30)


class Counting(unittest.TestCase):
    def test_what_is_not_progress_is_passed_on(self) -> None:
        done = in_log(r"""printf '[1/2] a\nerror: b\n[2/2] c\n' | counting built '' '^\[([0-9]+)/([0-9]+)\]'""")
        self.assertEqual((done.stdout, done.stderr), ("", "error: b\n"))

    def test_a_log_gets_a_line_now_and_then_and_the_last(self) -> None:
        step = r"printf '[%d/4] step\n'"
        done = in_log(
            f"{{ {step} 1; sleep 1.2; {step} 2; {step} 3; {step} 4; }} |"
            r" counting built '' '^\[([0-9]+)/([0-9]+)\]'"
        )
        self.assertEqual(done.stderr, "built: 2 of 4\nbuilt: 4 of 4\n")

    def test_a_terminal_gets_each(self) -> None:
        text = on_terminal(r"printf '  CC a\n  CC b\n' | counting built 5 '^  CC'")
        self.assertEqual(text, "\r\033[Kbuilt: 1 of 5\r\033[Kbuilt: 2 of 5\r\033[K")


if __name__ == "__main__":
    unittest.main()
