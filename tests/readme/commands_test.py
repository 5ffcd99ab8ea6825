# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands that pages print are found, and held against the list of exceptions."""

from __future__ import annotations

import unittest

from commands import Block, Command, Page, joined, read
from lists import Listed, Lists, When, faults

README = """\
# A page

A picture:

    box   ----> box

       |  indented more

Type

    make demo       shows it; and `make no-such-span` in a block is none
    qemu/vm -- sh -c 'a  &&  b' \\
        | sort

- an item
  that goes on, with `make test` and `make
  coverage` in it, `printf()` and `make test` again

    # a comment
    $ make lint

A program, `first.c`:

```c
int main(void) { return 0; }
```

```sh
cc first.c
./a.out
```

The end.
"""


def is_command(span: str) -> bool:
    return span.startswith("make")


def page(text: str = README) -> Page:
    return read(text, is_command, lambda block: block.lines[0].startswith("box"))


def listed(*items: tuple[str, When], why: str = "a reason", texts: tuple[str, ...] = ()) -> Lists:
    return Lists(tuple(Listed(command, when, why) for command, when in items), texts)


class Reading(unittest.TestCase):
    def test_commands_are_found_in_the_order_of_the_page(self) -> None:
        self.assertEqual(
            [(command.line, command.text) for command in page().commands],
            [
                (11, "make demo"),
                (13, "qemu/vm -- sh -c 'a  &&  b' | sort"),
                (16, "make test"),
                (16, "make coverage"),
                (20, "make lint"),
                (29, "cc first.c"),
                (30, "./a.out"),
            ],
        )

    def test_a_program_has_the_name_that_the_text_before_it_says(self) -> None:
        (program,) = page().programs
        self.assertEqual((program.name, program.text), ("first.c", "int main(void) { return 0; }\n"))

    def test_a_name_is_that_of_a_file(self) -> None:
        (program,) = page("A program, `a.c`, of `posix_spawn()` and `kspawn_`:\n\n```c\nint x;\n```\n").programs
        self.assertEqual(program.name, "a.c")
        self.assertEqual(len(page("A list of `kspawn_`:\n\n```c\nint x;\n```\n").unnamed), 1)

    def test_a_program_without_a_name_is_told(self) -> None:
        self.assertEqual([block.line for block in page("A program:\n\n```c\nint x;\n```\n").unnamed], [3])

    def test_a_new_block_holds_commands_unless_it_is_listed_as_text(self) -> None:
        everything = read("Text:\n\n    box  a\n", is_command, lambda block: False)
        self.assertEqual([command.text for command in everything.commands], ["box  a"])

    def test_text_is_known_by_its_whole_first_line(self) -> None:
        lists = listed(texts=("box   ----> box",))
        self.assertTrue(lists.is_text(Block(1, "", ("box   ----> box", "more"))))
        self.assertFalse(lists.is_text(Block(1, "", ("box   ----> box and more",))))


class Several(unittest.TestCase):
    """README and the pages of docs/ are read as one."""

    def pages(self, *texts: str) -> list[Page]:
        return [read(text, is_command, lambda block: False, f"page{n}") for n, text in enumerate(texts)]

    def test_a_command_is_run_once_and_the_first_page_is_named(self) -> None:
        commands, _, wrong = joined(self.pages("Do `make a`.\n", "Do `make b` and `make a`.\n"))
        self.assertEqual(commands, [Command("make a", 1, "page0"), Command("make b", 1, "page1")])
        self.assertEqual(wrong, [])

    def test_a_program_of_two_pages_is_the_same_in_both(self) -> None:
        shown = "A program, `a.c`:\n\n```c\nint x;\n```\n"
        _, programs, wrong = joined(self.pages(shown, shown))
        self.assertEqual(([program.page for program in programs], wrong), (["page0"], []))
        _, _, wrong = joined(self.pages(shown, shown.replace("x", "y")))
        self.assertEqual(wrong, ["page1:3: a.c is another one at page0:3"])

    def test_a_program_without_a_name_is_told_with_its_page(self) -> None:
        pages = self.pages("Nothing.\n", "A program:\n\n```c\nint x;\n```\n")
        (fault,) = faults(listed(), pages, "", "")
        self.assertEqual(fault, "page1:3: a program, and no file's name before it")


class Held(unittest.TestCase):
    CI = "stage make --no-print-directory test\n"

    def faults(self, lists: Lists) -> list[str]:
        everything = Lists((*lists.listed, *listed(("make test", When.CI)).listed), lists.texts)
        return faults(everything, [page()], README, self.CI)

    def test_nothing_is_wrong(self) -> None:
        lists = listed(("make lint", When.NEVER), texts=("box   ----> box",))
        self.assertEqual(self.faults(lists), [])

    def test_what_is_listed_and_not_printed_is_told(self) -> None:
        (fault,) = self.faults(listed(("make gone", When.NIGHTLY)))
        self.assertIn("on no page any more: make gone", fault)
        (fault,) = self.faults(listed(texts=("no such line",)))
        self.assertIn("on no page any more: no such line", fault)

    def test_a_stage_that_ci_has_not_is_told(self) -> None:
        (fault,) = self.faults(listed(("make demo", When.CI)))
        self.assertIn("has none: make demo", fault)

    def test_all_tests_are_not_run_for_a_page(self) -> None:
        self.assertEqual(faults(listed(), [page()], README, self.CI), ["all tests, and not listed: make test"])
        some = page("Those of `make test FILTER='^abi/'`, or `make test-debug`.\n")
        self.assertEqual(faults(listed(), [some], "", self.CI), ["all tests, and not listed: make test-debug"])

    def test_there_is_one_entry_with_a_reason(self) -> None:
        (fault,) = self.faults(listed(("make lint", When.NEVER), why=" "))
        self.assertIn("without a reason: make lint", fault)
        (fault,) = self.faults(listed(("make lint", When.NEVER), ("make lint", When.NIGHTLY)))
        self.assertIn("twice: make lint", fault)


if __name__ == "__main__":
    unittest.main()
