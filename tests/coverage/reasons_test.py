# SPDX-License-Identifier: LGPL-2.1-or-later
"""uncovered.txt gives reasons for lines that are there."""

from __future__ import annotations

import unittest

import report


class Reasons(unittest.TestCase):
    def test_each_is_of_a_statement_of_its_file(self) -> None:
        for reason in report.reasons():
            with self.subTest(file=reason.file, text=reason.text):
                source = (report.KMOD / reason.file).read_text(encoding="utf-8").splitlines()
                statements = {report.statement(source, number) for number in range(1, len(source) + 1)}
                self.assertIn(reason.text, statements)


if __name__ == "__main__":
    unittest.main()
