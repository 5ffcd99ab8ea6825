# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cost of one start, by the ways that everybody knows and by ours, side by side."""

from __future__ import annotations

from pathlib import Path

from measurements import COSTS, load
from ways import Ways

SETTING = "plain"
COMPARED = ("fork", "vfork", "glibc", "musl", "kspawn")
# Columns of the longest bar.
LONGEST = 40


def show(path: Path, kernel: str, ways: Ways) -> bool:
    """Print the figures that kspawn-bench has written to this file in one boot of
    this kernel; false if one is missing, or counts anything but instructions."""
    boot = load(kernel, [(COSTS, path)], ways)
    for error in boot.errors:
        print(error)
    cells = {way: boot.cell(f"{SETTING}/{way}") for way in COMPARED}
    measured = {way: cell.total for way, cell in cells.items() if cell}
    if len(measured) != len(COMPARED) or boot.contexts[COSTS]["unit"] != "instructions":
        print("Not all of it could be measured.")
        return False
    most = max(measured.values())
    print(f"  {'':<28}{'instr.':>9}{'/ glibc':>9}")
    for way, total in measured.items():
        ratio = total / measured["glibc"]
        print(f"  {boot.way(way).words:<28}{total:>9,.0f}{ratio:>9.2f}  {'#' * round(total / most * LONGEST)}")
    print()
    return True
