# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cost of one start, by the ways that everybody knows and by ours, side by side."""

from __future__ import annotations

from pathlib import Path

from measurements import COSTS, load
from screen import Screen
from ways import Ways

SETTING = "plain"
COMPARED = ("fork", "vfork", "glibc", "musl", "kspawn")
# Columns of the longest bar: 78 in a line.
LONGEST = 28


def show(path: Path, kernel: str, ways: Ways, screen: Screen) -> bool:
    """Print the figures that kspawn-bench has written to this file in one boot of
    this kernel; false if one is missing, or counts anything but instructions."""
    boot = load(kernel, [(COSTS, path)], ways)
    for error in boot.errors:
        screen.say(f"{error}\n")
    cells = {way: boot.cell(f"{SETTING}/{way}") for way in COMPARED}
    measured = {way: cell.total for way, cell in cells.items() if cell}
    if len(measured) != len(COMPARED) or boot.contexts[COSTS]["unit"] != "instructions":
        screen.say("Not all of it could be measured.\n")
        return False
    most = max(measured.values())
    screen.say(f"  {'':<28}{'instr.':>9}{'/ glibc':>9}\n")
    for way, total in measured.items():
        figures = f"{total:>9,.0f}{total / measured['glibc']:>9.2f}"
        screen.say(f"  {boot.way(way).words:<28}{figures}  {screen.bar(round(total / most * LONGEST))}\n")
    screen.say("\n")
    return True
