# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ways to start a program, as kspawn-bench lists them: nobody else says what they are
called."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Way:
    name: str  # in results
    words: str  # in tables and plots
    colour: str = ""  # in plots; none: a grey
    ours: bool = False
    whole: bool = False  # of whole programs, and not of a single start
    libc: str = ""  # of another Debian, by whose loader it is run; none: its own
    left_out: bool = False  # for that libc is not there


Ways = dict[str, Way]


def listed(bench: Path) -> Ways:
    """By name, in the order that tables have."""
    said = subprocess.run([str(bench), "--list-ways"], capture_output=True, text=True, check=True)
    return {way["name"]: Way(**way) for way in json.loads(said.stdout)}
