# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands that pages of Markdown tell their reader to type, and the programs that these
commands are about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Iterable, Sequence

SHELLS = ("sh", "bash", "console", "shell")

_FENCE = re.compile(r"^```(\w*)\s*$")
_INDENTED = re.compile(r"^(?: {4}|\t)")
_SPAN = re.compile(r"`([^`]+)`")
_FILE = re.compile(r"\w[\w-]*\.\w+")
# A column of its own beside a command describes it.
_DESCRIPTION = re.compile(r"\s{3,}")


@dataclass(frozen=True)
class Block:
    """Lines that are set apart."""

    line: int  # of the page, from 1
    language: str  # of a fence; "" if it says none, or if the block is indented
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    text: str
    line: int
    page: str = ""  # the name of the page


@dataclass(frozen=True)
class Program:
    """A file that the reader is shown and the commands use."""

    name: str
    text: str
    line: int
    page: str = ""


@dataclass
class Page:
    commands: list[Command] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    unnamed: list[Block] = field(default_factory=list)  # programs without a file's name
    name: str = ""


def _blocks(text: str) -> tuple[list[Block], dict[int, str]]:
    """The blocks, and the other lines by their number."""
    blocks: list[Block] = []
    prose: dict[int, str] = {}
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        begin = at
        if fence := _FENCE.match(lines[at]):
            while at + 1 < len(lines) and not lines[at + 1].startswith("```"):
                at += 1
            blocks.append(Block(begin + 1, fence[1], tuple(lines[begin + 1 : at + 1])))
            at += 2
        elif _INDENTED.match(lines[at]) and (at == 0 or not lines[at - 1].strip()):
            while at < len(lines) and (_INDENTED.match(lines[at]) or not lines[at].strip()):
                at += 1
            inside = [line.expandtabs(4)[4:] for line in lines[begin:at]]
            blocks.append(Block(begin + 1, "", tuple("\n".join(inside).rstrip().split("\n"))))
        else:
            prose[at + 1] = lines[at]
            at += 1
    return blocks, prose


def _paragraph_before(line: int, prose: dict[int, str]) -> str:
    """The last paragraph that ends above this line."""
    at = line - 1
    while at in prose and not prose[at].strip():
        at -= 1
    words: list[str] = []
    while at in prose and prose[at].strip():
        words.insert(0, prose[at])
        at -= 1
    return " ".join(words)


def _commands_of(block: Block) -> list[Command]:
    found: list[Command] = []
    first = block.line if not block.language else block.line + 1
    held = ""
    for number, line in enumerate(block.lines, first):
        if line.endswith("\\"):
            held += line[:-1].rstrip() + " "
            continue
        whole = (held + line.strip()).strip()
        held = ""
        if whole and not whole.startswith("#"):
            found.append(Command(_DESCRIPTION.split(whole.removeprefix("$ "), maxsplit=1)[0], number))
    return found


def _spans(prose: dict[int, str]) -> list[tuple[int, str]]:
    """The texts between backquotes, which may be broken over two lines."""
    numbers = sorted(prose)
    text = "\n".join(prose[number] for number in numbers)
    return [
        (numbers[text.count("\n", 0, span.start())], " ".join(span[1].split()))
        for span in _SPAN.finditer(text)
        if "\n\n" not in span[1]
    ]


def read(text: str, is_command: Callable[[str], bool], is_text: Callable[[Block], bool], name: str = "") -> Page:
    """Every block but those that are text holds commands, or a program if its fence names
    a language that is not a shell's.  In prose, what is between backquotes is a command if
    is_command() says so."""
    page = Page(name=name)
    blocks, prose = _blocks(text)
    for block in blocks:
        if is_text(block):
            continue
        if block.language and block.language not in SHELLS:
            names = [span for span in _SPAN.findall(_paragraph_before(block.line, prose)) if _FILE.fullmatch(span)]
            if names:
                page.programs.append(Program(names[-1], "\n".join(block.lines) + "\n", block.line, name))
            else:
                page.unnamed.append(block)
        else:
            page.commands += _commands_of(block)
    page.commands += [Command(span, line) for line, span in _spans(prose) if is_command(span)]
    page.commands = _once(
        Command(command.text, command.line, name)
        for command in sorted(page.commands, key=lambda command: command.line)
    )
    return page


def _once(commands: Iterable[Command]) -> list[Command]:
    """A reader who has typed a command once need not again."""
    first: dict[str, Command] = {}
    for command in commands:
        first.setdefault(command.text, command)
    return list(first.values())


def joined(pages: Sequence[Page]) -> tuple[list[Command], list[Program], list[str]]:
    """The commands of all pages, in the order of the pages, the programs, and the faults: a
    program that stands in two pages and is not the same in both."""
    programs: dict[str, Program] = {}
    wrong: list[str] = []
    for page in pages:
        for program in page.programs:
            other = programs.setdefault(program.name, program)
            if other.text != program.text:
                wrong.append(
                    f"{program.page}:{program.line}: {program.name} is another one at {other.page}:{other.line}"
                )
    commands = _once(command for page in pages for command in page.commands)
    return commands, list(programs.values()), wrong
