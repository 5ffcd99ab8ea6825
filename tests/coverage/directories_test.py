# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files are counted for their directories."""

from __future__ import annotations

import unittest
from typing import Any

import directories
from directories import Count


def file(name: str, *counts: int) -> dict[str, Any]:
    names = ("line_total", "line_covered", "branch_total", "branch_covered")
    return {"filename": name, **dict(zip(names, counts))}


class Directories(unittest.TestCase):
    def test_a_directory_is_the_sum_of_its_files(self) -> None:
        files = [file("b/two.cpp", 10, 5, 4, 1), file("a/c/one.cpp", 1, 1, 0, 0), file("b/one.hpp", 3, 3, 2, 2)]
        self.assertEqual(directories.by_directory(files), {"a/c": Count(1, 1, 0, 0), "b": Count(13, 8, 6, 3)})
        self.assertEqual(list(directories.by_directory(files)), ["a/c", "b"])

    def test_a_row_says_percent_where_there_is_something(self) -> None:
        self.assertEqual(directories.row("b", Count(8, 2, 0, 0)).split(), ["b", "8", "2", "25.0", "%", "0", "0", "-"])


if __name__ == "__main__":
    unittest.main()
