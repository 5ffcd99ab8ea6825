# SPDX-License-Identifier: LGPL-2.1-or-later
"""The words that bash completes for kspawn(1) and kspawn-trace(1): all that --help names."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KSPAWN_INSTALL_BUILD", REPO / "build"))
COMPLETION = REPO / "userspace/completions/kspawn.bash"


def helped(*command: str) -> list[str]:
    """The lines of the options and commands in what a command says to --help."""
    text = subprocess.run([str(BUILD / command[0]), *command[1:], "--help"], capture_output=True, text=True, check=True)
    return [line for line in text.stdout.splitlines() if re.match(r"  \S", line)]


def options_of(*command: str) -> set[str]:
    return {
        re.sub(r"[\[{].*", "", option)
        for line in helped(*command)
        if line.startswith("  -")
        for option in line.split()[0].split(",")
    }


def completed(*words: str) -> list[str]:
    """The words that bash would put in the place of the last word."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ' + (
        '"$(complete -p "${1##*/}" | sed -E "s/.*-F ([^ ]+).*/\\1/")"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    command = ["bash", "-c", script, "bash", str(COMPLETION), str(BUILD / words[0]), *words[1:]]
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, "a-file").touch()
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert done.stderr == "", done.stderr
    return [line for line in done.stdout.splitlines() if line]


class Completion(unittest.TestCase):
    def test_every_option_of_every_command(self) -> None:
        commands = [("kspawn",)] + [("kspawn", name) for name in ("run", "doctor", "demo", "preload", "stats")]
        if (BUILD / "kspawn-trace").exists():
            commands += [("kspawn-trace",), ("kspawn-trace", "report")]
        for command in commands:
            with self.subTest(command):
                options = options_of(*command)
                self.assertIn("--help", options)
                self.assertEqual(set(completed(*command, "-")), options)

    def test_commands(self) -> None:
        names = {line.split()[0] for line in helped("kspawn") if not line.startswith("  -")}
        self.assertIn("doctor", names)
        self.assertLessEqual(names, set(completed("kspawn", "")))
        self.assertEqual(completed("kspawn", "doc"), ["doctor"])

    def test_the_value_of_an_option_is_a_file(self) -> None:
        self.assertEqual(completed("kspawn", "run", "--stdin", "a-"), ["a-file"])
        self.assertEqual(completed("kspawn", "run", "--append", "a-f"), [])

    def test_the_steps_of_the_tour(self) -> None:
        steps = subprocess.run([str(BUILD / "kspawn"), "demo", "--list"], capture_output=True, text=True, check=True)
        self.assertIn("attack", steps.stdout.split())
        self.assertEqual(completed("kspawn", "demo", ""), steps.stdout.split())
        self.assertEqual(completed("kspawn", "demo", "costs", "att"), ["attack"])
        self.assertEqual(completed("kspawn", "demo", "--color", "al"), ["always"])
        self.assertEqual(completed("kspawn", "demo", "attack", "--col"), ["--color"])

    def test_what_follows_the_options_is_a_program(self) -> None:
        for before in ("", "--", "-C /tmp", "--setsid --"):
            self.assertIn("printf", completed("kspawn", "run", *before.split(), "print"))
        self.assertEqual(completed("kspawn", "run", "cat", "a-"), ["a-file"])
        self.assertEqual(completed("kspawn", "run", "cat", "--app"), [])


if __name__ == "__main__":
    unittest.main()
