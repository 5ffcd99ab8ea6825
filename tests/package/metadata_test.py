# SPDX-License-Identifier: LGPL-2.1-or-later
"""debian/ agrees with the tree: versions, licences, symbols."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
DEBIAN = REPO / "debian"


def text(name: str) -> str:
    return (REPO / name).read_text(encoding="utf-8")


def project_version() -> str:
    found = re.search(r"^project\(kspawn VERSION (\S+)", text("CMakeLists.txt"), re.MULTILINE)
    assert found
    return found[1]


def nodes() -> dict[str, set[str]]:
    """The symbols of each version in libkspawn's version script."""
    return {
        version: set(re.findall(r"\b(kspawn_\w+);", body))
        for version, body in re.findall(r"^KSPAWN_(\S+) \{(.*?)\n\}", text("userspace/lib/libkspawn.map"), re.M | re.S)
    }


class Version(unittest.TestCase):
    def test_the_newest_is_that_of_the_project(self) -> None:
        self.assertTrue(text("debian/changelog").startswith(f"kspawn ({project_version()}) "))

    def test_both_lists_of_changes_have_the_same_versions(self) -> None:
        ours = re.findall(r"^## (\d+\.\d+)$", text("CHANGELOG.md"), re.MULTILINE)
        debian = re.findall(r"^kspawn \((\d+\.\d+)\.", text("debian/changelog"), re.MULTILINE)
        self.assertTrue(ours)
        self.assertEqual(list(dict.fromkeys(debian)), ours)


class Licences(unittest.TestCase):
    def licence_of(self, name: str) -> str:
        """As debian/copyright has it: the last paragraph that matches says it."""
        found = ""
        for paragraph in text("debian/copyright").split("\n\n"):
            fields = dict(re.findall(r"^(\w+):((?: .*)?(?:\n .*)*)", paragraph, re.MULTILINE))
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in fields.get("Files", "").split()):
                found = fields["License"].strip()
        return found

    @unittest.skipUnless((REPO / ".git").exists(), "git lists the files")
    def test_each_file_has_that_which_it_says(self) -> None:
        command = ["git", "grep", "-m1", "-oE", r"SPDX-License-Identifier: [A-Za-z0-9.-]+( (OR|WITH) [A-Za-z0-9.-]+)?"]
        lines = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout.splitlines()
        self.assertGreater(len(lines), 500)
        for line in lines:
            name, _, licence = line.partition(":SPDX-License-Identifier: ")
            if name != ".ci/check":
                self.assertEqual(self.licence_of(name), licence, name)

    def test_each_licence_has_a_text(self) -> None:
        texts = re.findall(r"^License: (.*)\n ", text("debian/copyright"), re.MULTILINE)
        for licence in re.findall(r"^License: (.*)\n\n", text("debian/copyright"), re.MULTILINE):
            for part in licence.split(" OR "):
                self.assertIn(part, texts)


class Symbols(unittest.TestCase):
    def test_each_version_of_the_library_is_listed(self) -> None:
        lines = [line.split() for line in text("debian/libkspawn0.symbols").splitlines()[1:] if line[0] == " "]
        self.assertIn("0.1", nodes())
        for node, symbols in nodes().items():
            with self.subTest(node):
                if [f"(symver)KSPAWN_{node}", node] in lines:
                    continue
                listed = {name for name, version in lines if name.endswith(f"@KSPAWN_{node}") and version == node}
                names = symbols | {f"KSPAWN_{node}"}
                self.assertEqual(listed, {f"{name}@KSPAWN_{node}" for name in names})

    def test_only_the_version_in_the_making_is_not_listed(self) -> None:
        open_nodes = re.findall(r"\(symver\)KSPAWN_(\S+)", text("debian/libkspawn0.symbols"))
        self.assertTrue(all(project_version().startswith(f"{node}.") for node in open_nodes), open_nodes)


if __name__ == "__main__":
    unittest.main()
