# SPDX-License-Identifier: LGPL-2.1-or-later
"""What docs/ names is there: files, links, functions."""

from __future__ import annotations

import re
import subprocess
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted((REPO / "docs").glob("*.md"))
# Members of what docs/adding.md adds; ours never have such names.
TOYS = re.compile(r"\b(x|xs|of_x|\w+_x|addx_np|\w+_addx_np|CODE|NAME)\b")


def spans(document: Path) -> set[str]:
    """What stands between backquotes on a line."""
    return set(re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8")))


def words() -> set[str]:
    """All names in the texts that are no documents."""
    command = ["git", "grep", "-hoEIw", r"[A-Za-z_]\w+", "--", ":!*.md", ":!tests/readme"]
    return set(subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout.split())


class Documents(unittest.TestCase):
    def test_there_are_some(self) -> None:
        self.assertTrue(DOCUMENTS)

    def test_links_lead_to_files(self) -> None:
        for document in DOCUMENTS:
            for link in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
                self.assertTrue((document.parent / link).exists(), f"{document.name}: {link}")

    def test_paths_are_there(self) -> None:
        for document in DOCUMENTS:
            for path in spans(document):
                if not re.fullmatch(r"[\w.+-]+(/[\w.+-]+)+", path) or path.startswith("build/") or TOYS.search(path):
                    continue
                self.assertTrue((REPO / path).exists(), f"{document.name}: {path}")

    @unittest.skipUnless((REPO / ".git").exists(), "git finds the names")
    def test_functions_are_there(self) -> None:
        known = words()
        for document in DOCUMENTS:
            for name in re.findall(r"(\w+)\(\)", " ".join(spans(document))):
                self.assertTrue(name in known or TOYS.search(name), f"{document.name}: {name}()")


if __name__ == "__main__":
    unittest.main()
