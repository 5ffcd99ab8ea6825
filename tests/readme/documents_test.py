# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything that README and docs/ name is there: files, links, parts of pages, functions.  README is
short."""

from __future__ import annotations

import re
import subprocess
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
README = REPO / "README.md"
DOCUMENTS = sorted((REPO / "docs").glob("*.md"))
PAGES = [*sorted(REPO.glob("*.md")), *DOCUMENTS, REPO / "tests" / "README.md"]
# A person reads so many in three minutes.
README_LINES = 150
# Members of what docs/adding.md adds; ours never have such names.
TOYS = re.compile(r"\b(x|xs|of_x|\w+_x|addx_np|\w+_addx_np|CODE|NAME)\b")
LINK = re.compile(r"\]\(([^)]+)\)")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def spans(document: Path) -> set[str]:
    """The texts between backquotes on a line."""
    return set(re.findall(r"`([^`\n]+)`", text_of(document)))


def words() -> set[str]:
    """All names in the texts that are no documents."""
    command = ["git", "grep", "-hoEIw", r"[A-Za-z_]\w+", "--", ":!*.md", ":!tests/readme"]
    return set(subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout.split())


def anchors(page: Path) -> set[str]:
    """The names of a page's headings in links, as they are made of Markdown."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Documents(unittest.TestCase):
    def test_there_are_some(self) -> None:
        self.assertTrue(DOCUMENTS)

    def test_readme_is_short(self) -> None:
        self.assertLessEqual(len(text_of(README).splitlines()), README_LINES)

    def test_readme_leads_to_every_page(self) -> None:
        """By links, over other pages."""
        found, left = {README}, [README]
        while left:
            page = left.pop()
            targets = {page.parent / link.partition("#")[0] for link in LINK.findall(text_of(page))}
            new = {target.resolve() for target in targets if target.suffix == ".md"} - found
            found |= new
            left += new
        self.assertEqual([page.name for page in PAGES if page.resolve() not in found], [])

    def test_links_lead_to_files_and_headings(self) -> None:
        for page in PAGES:
            for link in LINK.findall(text_of(page)):
                if "://" in link:
                    continue
                path, _, anchor = link.partition("#")
                target = page.parent / path if path else page
                self.assertTrue(target.exists(), f"{page.name}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{page.name}: {link}")

    def test_paths_are_there(self) -> None:
        for page in PAGES:
            for path in spans(page):
                if not re.fullmatch(r"[\w.+-]+(/[\w.+-]+)+", path) or path.startswith("build/") or TOYS.search(path):
                    continue
                self.assertTrue((REPO / path).exists() or (page.parent / path).exists(), f"{page.name}: {path}")

    @unittest.skipUnless((REPO / ".git").exists(), "git finds the names")
    def test_functions_are_there(self) -> None:
        known = words()
        for page in PAGES:
            for name in re.findall(r"(\w+)\(\)", " ".join(spans(page))):
                self.assertTrue(name in known or TOYS.search(name), f"{page.name}: {name}()")


if __name__ == "__main__":
    unittest.main()
