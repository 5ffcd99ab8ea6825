# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu/kernels/table, in which its columns are explained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Debian's releases, the oldest first.
RELEASES = ("bookworm", "trixie", "forky", "sid")

_TABLE = Path(__file__).resolve().parent.parent / "kernels" / "table"


@dataclass(frozen=True)
class Row:
    name: str
    series: str
    flavour: str
    tested: str
    suite: str

    @property
    def is_debug(self) -> bool:
        return self.flavour == "debug"

    def newer_release(self, host: str) -> str | None:
        """Its Debian, if that is newer than the host's: what is built on the host runs there."""
        releases = [suite.removesuffix("-backports") for suite in self.suites]
        known = [one for one in RELEASES if one in releases]
        newer = host in RELEASES and known and RELEASES.index(known[0]) > RELEASES.index(host)
        return known[0] if newer else None

    @property
    def suites(self) -> list[str]:
        return self.suite.split(",")


def _rows() -> dict[str, Row]:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    rows = [Row(*line.split()) for line in lines if line and not line.startswith("#")]
    return {row.name: row for row in rows}


ROWS = _rows()
NAMES = tuple(ROWS)
ALWAYS = tuple(row.name for row in ROWS.values() if row.tested == "always")
OLDEST, NEWEST = ALWAYS[0], ALWAYS[-1]
