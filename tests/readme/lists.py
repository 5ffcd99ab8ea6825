# SPDX-License-Identifier: LGPL-2.1-or-later
"""commands.toml: which commands of README and docs/ are not run when all others are, and why;
which blocks there are no commands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Sequence

import tomllib  # pylint of Debian 12 does not know it for a standard one

from commands import Block, Page


class When(Enum):
    CI = "ci"  # .ci/run has a stage of its own for it
    NIGHTLY = "nightly"  # by --nightly: it takes over two minutes
    GUEST = "guest"  # by --nightly, in a guest: it is for a machine of one's own
    NEVER = "never"


@dataclass(frozen=True)
class Listed:
    command: str
    when: When
    why: str


@dataclass(frozen=True)
class Lists:
    listed: tuple[Listed, ...]
    texts: tuple[str, ...]  # the first lines of blocks

    def when(self, command: str) -> Listed | None:
        return next((item for item in self.listed if item.command == command), None)

    def is_text(self, block: Block) -> bool:
        return bool(block.lines) and block.lines[0].strip() in self.texts


def load(path: Path) -> Lists:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := data.keys() - {"command", "text"}:
        raise ValueError(f"{path}: nobody knows {', '.join(unknown)}")
    return Lists(
        tuple(Listed(item["command"], When(item["when"]), item["why"]) for item in data.get("command", [])),
        tuple(item["begins"] for item in data.get("text", [])),
    )


def faults(lists: Lists, pages: Sequence[Page], texts: str, ci: str) -> list[str]:
    """The faults of the lists, by what the pages have and by their whole text."""
    printed = {command.text for page in pages for command in page.commands}
    found: list[str] = []
    seen: set[str] = set()
    for item in lists.listed:
        if item.command in seen:
            found.append(f"listed twice: {item.command}")
        seen.add(item.command)
        if not item.why.strip():
            found.append(f"listed without a reason: {item.command}")
        if item.command not in printed:
            found.append(f"listed, and on no page any more: {item.command}")
        if item.when is When.CI and _as_stage(item.command) not in ci:
            found.append(f"listed as a stage of .ci/run, which has none: {item.command}")
    # That boots a guest for each kernel and takes an hour, though the page need not say so.
    found += [
        f"all tests, and not listed: {command}"
        for command in sorted(printed - seen)
        if command.startswith(("make test", "tests/run")) and "'" not in command
    ]
    lines = {line.strip() for line in texts.splitlines()}
    found += [f"listed as text, and on no page any more: {text}" for text in lists.texts if text not in lines]
    found += [
        f"{page.name}:{block.line}: a program, and no file's name before it"
        for page in pages
        for block in page.unnamed
    ]
    return found


def _as_stage(command: str) -> str:
    """How .ci/run writes it."""
    return command.replace("make ", "make --no-print-directory ", 1) if command.startswith("make ") else command
