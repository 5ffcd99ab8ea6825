# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lists of mutations: kmod/NAME.toml has those of kmod/NAME.c, lib/NAME.toml those of
userspace/lib/NAME.cpp.

Each is a table [[mutation]] with

  name        of letters, digits and hyphens; no other mutation has it
  why         what would go wrong
  find        text that occurs exactly once in the source
  replace     what stands there instead
  caught_by   the test programs of build/tests/abi, or of build/tests/lib, that are most
              likely to fail, the likeliest first; all that the runner runs may.  NAME@libc
              is one of the library that starts programs by libc
  equivalent  only if no test can tell the difference: why
  kernels     only if other kernels do not compile what is changed: the series that do
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib  # pylint of Debian 12 does not know it for a standard one

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "qemu" / "lib"))

import kernel_table  # noqa: E402

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FIELDS = {"name", "why", "find", "replace", "caught_by", "equivalent", "kernels"}


@dataclass(frozen=True)
class Mutation:
    name: str
    source: str  # relative to the top directory
    why: str
    find: str
    replace: str
    caught_by: tuple[str, ...]
    equivalent: str  # "": it is to be caught
    kernels: tuple[str, ...]  # (): all

    def is_of(self, kernel: str) -> bool:
        """Whether it makes a difference there."""
        return not self.kernels or kernel_table.ROWS[kernel].series in self.kernels

    def applied(self, text: str) -> str:
        """The source with this change."""
        if text.count(self.find) != 1:
            raise ValueError(f"{self.name}: its text occurs {text.count(self.find)} times in {self.source}")
        return text.replace(self.find, self.replace)


def _texts(item: dict[str, Any], name: str) -> tuple[str, ...]:
    value = item.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} is not a list of names")
    return tuple(value)


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _read(item: dict[str, Any], source: str) -> Mutation:
    if unknown := item.keys() - _FIELDS:
        raise ValueError(f"nobody knows {', '.join(sorted(unknown))}")
    return Mutation(
        name=_text(item, "name"),
        source=source,
        why=_text(item, "why"),
        find=_text(item, "find"),
        replace=_text(item, "replace"),
        caught_by=_texts(item, "caught_by"),
        equivalent=_text(item, "equivalent"),
        kernels=_texts(item, "kernels"),
    )


def load(directory: Path, sources: str) -> list[Mutation]:
    """All lists of a directory, the name of each of which stands in `sources` for {};
    ValueError with the file's name if one cannot be read."""
    found: list[Mutation] = []
    for path in sorted(directory.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            if unknown := data.keys() - {"mutation"}:
                raise ValueError(f"nobody knows {', '.join(sorted(unknown))}")
            found += [_read(item, sources.format(path.stem)) for item in data.get("mutation", [])]
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
    return found


def faults(mutations: list[Mutation], top: Path, programs: set[str]) -> list[str]:
    """The faults of the lists: of names, of sources below `top`, of the test programs named."""
    found: list[str] = []
    seen: set[str] = set()
    for mutation in mutations:
        name = mutation.name or f"a mutation of {mutation.source}"
        if not _NAME.fullmatch(mutation.name):
            found.append(f"{name}: a name has small letters, digits and single hyphens")
        if mutation.name in seen:
            found.append(f"{name}: listed twice")
        seen.add(mutation.name)
        if not mutation.why.strip():
            found.append(f"{name}: without a reason")
        if not mutation.caught_by:
            found.append(f"{name}: no test program is named")
        found += [f"{name}: no test program {one}" for one in mutation.caught_by if one not in programs]
        if unknown := set(mutation.kernels) - {row.series for row in kernel_table.ROWS.values()}:
            found.append(f"{name}: no series {', '.join(sorted(unknown))}")
        if mutation.find == mutation.replace:
            found.append(f"{name}: changes nothing")
        path = top / mutation.source
        count = path.read_text(encoding="utf-8").count(mutation.find) if mutation.find and path.is_file() else 0
        if not path.is_file():
            found.append(f"{name}: there is no {mutation.source}")
        elif count != 1:
            found.append(f"{name}: its text occurs {count} times in {mutation.source}, not once")
    return found
