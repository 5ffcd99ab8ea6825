# SPDX-License-Identifier: LGPL-2.1-or-later
"""The first hour is that of somebody who reads README."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

from chapters import Place, chapters, first_program

REPO = Path(__file__).resolve().parents[2]
README = (REPO / "README.md").read_text(encoding="utf-8")


def pages() -> str:
    """README and the documents that it leads to."""
    linked = {REPO / link for link in re.findall(r"\]\(([^)#]+\.md)", README)}
    return README + "".join(page.read_text(encoding="utf-8") for page in sorted(linked))


class Chapters(unittest.TestCase):
    chapters = chapters(Place(Path("/a/tree"), Path("/there/kspawn")), README)

    def test_the_commands_are_those_that_a_reader_finds(self) -> None:
        text = pages()
        printed = [step.command for chapter in self.chapters for step in chapter.steps if step.printed]
        self.assertGreater(len(printed), 3)
        for command in printed:
            self.assertRegex(text, rf"(?m)(^    |`){re.escape(command)}(`|\s|$)")

    def test_a_fresh_machine_gets_its_packages_by_a_command_that_a_reader_finds(self) -> None:
        fresh = chapters(Place(Path("/a/tree"), Path("/there/kspawn"), fresh=True), README)
        more = [step for chapter in fresh for step in chapter.steps]
        for step in [step for chapter in self.chapters for step in chapter.steps]:
            more.remove(step)
        self.assertEqual([step.command for step in more], ["make deps"])
        self.assertRegex(pages(), r"(?m)^    make deps\s")
        commands = [step.command for step in fresh[0].steps]
        self.assertLess(commands.index("make deps"), commands.index("make"))

    def test_the_goals_are_those_that_were_set(self) -> None:
        self.assertEqual([chapter.goal for chapter in self.chapters[:2]], [600, 300])
        self.assertLessEqual(sum(chapter.goal for chapter in self.chapters), 3600)
        for chapter in self.chapters:
            self.assertGreater(chapter.limit, chapter.goal)

    def test_the_program_is_the_first_that_the_page_shows(self) -> None:
        self.assertIn("kspawn_spawnp(", first_program(README))


if __name__ == "__main__":
    unittest.main()
