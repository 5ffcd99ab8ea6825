# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C libraries of other Debians that ways are measured with: fetched into the cache, and
linked to from where kspawn-bench looks for them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Callable, Iterable

BENCH = Path(__file__).resolve().parent.parent


def fetch(name: str) -> Path | None:
    """Its directory; why there is none is told on stderr."""
    command = [str(BENCH / "libc"), name]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return Path(said.stdout.strip()) if said.returncode == 0 and said.stdout.strip() else None


def provide(
    names: Iterable[str], bench: Path, fetched: Callable[[str], Path | None] = fetch
) -> list[str]:
    """Let kspawn-bench have those of these names that can be had; the others."""
    missing = []
    for name in names:
        link = bench.parent / "tests" / "bench" / "libcs" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        if directory := fetched(name):
            link.symlink_to(directory)
        else:
            missing.append(name)
    return missing
