# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many files name all members of a kind; see kinds.toml, which says what that tells."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import tomllib  # pylint of Debian 12 does not know it for a standard one

# They are to say what there is, whatever the number of places.
DOCUMENTS = ("*.md", "userspace/man/*", "*/doc/*")
PRODUCT = ("kmod/", "userspace/", "ebpf/")
# It names members of all kinds.
OURSELVES = "tests/places/*"


@dataclass(frozen=True)
class Kind:
    name: str
    wanted: int
    limit: int
    members: tuple[re.Pattern[str], ...]
    own: tuple[str, ...]  # globs
    excepted: tuple[str, ...]  # globs


@dataclass(frozen=True)
class Places:
    """The files that one touches to add one of a kind."""

    kind: Kind
    files: tuple[str, ...]
    documents: tuple[str, ...]

    def count(self, product: bool) -> int:
        return sum(file.startswith(PRODUCT) == product for file in self.files)


def load(path: Path) -> list[Kind]:
    """ValueError, KeyError or TypeError if it cannot be read."""
    return [
        Kind(
            name=item["name"],
            wanted=int(item["wanted"]),
            limit=int(item["limit"]),
            members=tuple(re.compile(member) for member in item["members"]),
            own=tuple(item["own"]),
            excepted=tuple(one["glob"] for one in item.get("except", []) if one["why"]),
        )
        for item in tomllib.loads(path.read_text(encoding="utf-8"))["kind"]
    ]


def _names(top: Path) -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=top, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return set(listed.stdout.split("\0"))
    return {name for path in top.rglob("*") if not (name := str(path.relative_to(top))).startswith("build/")}


def sources(top: Path) -> dict[str, str]:
    """The texts of all files that are tracked or about to be; without git, of all."""
    texts = {}
    for name in sorted(_names(top)):
        path = top / name
        if path.is_file() and not path.is_symlink() and not fnmatch(name, OURSELVES):
            texts[name] = path.read_text(encoding="utf-8", errors="replace")
    return texts


def _is_any(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch(name, glob) for glob in globs)


def find(kind: Kind, texts: dict[str, str]) -> Places:
    naming = {name for name, text in texts.items() if all(member.search(text) for member in kind.members)}
    naming |= {name for name in texts if _is_any(name, kind.own)}
    documents = {name for name in naming if _is_any(name, DOCUMENTS)}
    files = {name for name in naming - documents if not _is_any(name, kind.excepted)}
    return Places(kind, tuple(sorted(files)), tuple(sorted(documents)))


def faults(kind: Kind, texts: dict[str, str], places: Places) -> list[str]:
    """Where the number of places, or a pattern of the kind, is wrong."""
    found = []
    for glob in (*kind.own, *kind.excepted):
        if not any(fnmatch(name, glob) for name in texts):
            found.append(f"{kind.name}: no file is like {glob}")
    for member in kind.members:
        if not any(member.search(text) for text in texts.values()):
            found.append(f"{kind.name}: nothing names {member.pattern}")
    if len(places.files) > kind.limit:
        found.append(f"{kind.name}: {len(places.files)} files to touch, which are more than {kind.limit}")
    return found
