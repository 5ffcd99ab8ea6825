# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole programs: one boot's files are one result, and what is told of it."""

from __future__ import annotations

import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "measure"))
sys.path.append(str(Path(__file__).resolve().parents[3] / "qemu" / "lib"))

import guests  # noqa: E402
import programs  # noqa: E402
from goals_test import CONTEXT, run  # noqa: E402
from measurements import PROGRAMS, boot_of  # noqa: E402

MAKE = [run("make/without/min_time:0.1/manual_time", 4e9), run("make/with", 4.4e9), run("make/alone", 3.8e9)]
PROCESS = [run("process/without", 300000), run("process/with", 430000)]


class Programs(unittest.TestCase):
    def measured(self, *files: list[dict[str, object]]) -> dict[str, object]:
        with tempfile.TemporaryDirectory() as scratch:
            for number, benchmarks in enumerate(files):
                text = json.dumps({"context": CONTEXT, "benchmarks": benchmarks})
                Path(scratch, f"{number}.json").write_text(text, encoding="utf-8")
            whole = guests.results(Path(scratch))
        assert whole is not None
        return whole

    def test_all_that_is_told(self) -> None:
        said = programs.told(
            programs.MAKE, programs.MAKE.options, boot_of(PROGRAMS, self.measured(MAKE, PROCESS))
        )
        self.assertEqual(
            said,
            [
                "make of 50 units and a main program by g++: 4000.0 million instructions without the preload",
                "with it in make and all that it starts: 4400.0, 1.1000",
                "with it in make only (KSPAWN_INHERIT=0): 3800.0, 0.9500",
                "a process that starts nothing, with it: 130 thousand more",
            ],
        )

    def test_where_no_process_was_measured_none_is_told(self) -> None:
        python = [dict(one, run_name=str(one["run_name"]).replace("make", "python")) for one in MAKE]
        said = programs.told(
            programs.PYTHON, {"calls": "7", "rounds": "1"}, boot_of(PROGRAMS, self.measured(python))
        )
        self.assertEqual(len(said), 3)
        self.assertIn("a Python script with 7 calls: 4000.0 million", said[0])

    def test_the_guest_gets_its_options_in_order(self) -> None:
        with tempfile.TemporaryDirectory() as scratch, mock.patch("guests.run", return_value=False) as guest:
            out = Path(scratch)
            options = {"rounds": "2", "compiler": "clang++", "units": "3"}
            found = programs.measure(programs.MAKE, options, "6.1", out, "task", mock.Mock())
        self.assertEqual(found, (False, None))
        self.assertEqual(guest.call_args.args[2][1:], [str(out), "3", "2", "clang++"])


if __name__ == "__main__":
    unittest.main()
