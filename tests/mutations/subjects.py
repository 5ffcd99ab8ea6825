# SPDX-License-Identifier: LGPL-2.1-or-later
"""The subjects of mutations: where the lists, the sources and the tests that must notice
are, how a subject is built, and how it comes into a guest."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path

from mutants import Builder, LibraryBuilder, ModuleBuilder
from mutation_guest import Answer, Guest

# Appended to the name of a program that is to start programs by libc.
BY_LIBC = "@libc"


class Subject(ABC):
    name: str
    sources: str  # with {} for the name of a list
    needs_module: bool  # while the guest boots
    long: tuple[str, ...]  # programs that take minutes: run only where a mutation names them

    def __init__(self, top: Path) -> None:
        self._top = top
        self.lists = Path(__file__).resolve().parent / self.name

    @abstractmethod
    def programs(self) -> set[str]:
        """The test programs that a list may name, whether or not they are built."""

    @abstractmethod
    def executable(self, program: str) -> Path: ...

    def command(self, program: str) -> list[str]:
        return [str(self.executable(program))]

    @abstractmethod
    def builder(self, kernel: str) -> Builder: ...

    @abstractmethod
    def enter(self, guest: Guest, builder: Builder, build: Path) -> Answer:
        """The programs that are run from here on meet what was built there."""

    @abstractmethod
    def leave(self, guest: Guest) -> Answer:
        """They do not any more."""


class Module(Subject):
    name = "kmod"
    sources = "kmod/{}.c"
    needs_module = False
    long = ("overcommit", "reload", "stress", "stress_system")

    def programs(self) -> set[str]:
        return {path.stem for path in (self._top / "tests" / "abi").glob("*.c")}

    def executable(self, program: str) -> Path:
        return self._top / "build" / "tests" / "abi" / program

    def builder(self, kernel: str) -> Builder:
        return ModuleBuilder(self._top, kernel)

    def enter(self, guest: Guest, builder: Builder, build: Path) -> Answer:
        return guest.insert(build / "module" / builder.release / "kspawn.ko", build)

    def leave(self, guest: Guest) -> Answer:
        return guest.remove()


class Library(Subject):
    name = "lib"
    sources = "userspace/lib/{}.cpp"
    needs_module = True
    long = ("manual", "tool_demo", "tool_doctor", "tool_run")

    # The programs that tests/guest/libc_backend.sh runs as well.
    _by_libc = (
        "attributes",
        "batch",
        "capture",
        "failure",
        "file_actions",
        "pidfd",
        "search",
        "spawn",
        "spawn_async",
        "spawn_wait",
    )

    def programs(self) -> set[str]:
        names = {path.stem for path in (self._top / "tests" / "lib").glob("*.cpp")}
        return names | {name + BY_LIBC for name in self._by_libc}

    def executable(self, program: str) -> Path:
        return self._top / "build" / "tests" / "lib" / program.removesuffix(BY_LIBC)

    def command(self, program: str) -> list[str]:
        command = super().command(program)
        if not program.endswith(BY_LIBC):
            return command
        return ["env", "--unset=KSPAWN_KERNEL", "KSPAWN_TEST_BACKEND=libc", "KSPAWN_BACKEND=libc", *command]

    def builder(self, kernel: str) -> Builder:
        return LibraryBuilder(self._top, kernel)

    def enter(self, guest: Guest, builder: Builder, build: Path) -> Answer:
        return guest.use_library(build)

    def leave(self, guest: Guest) -> Answer:
        return guest.use_library(None)


def all_subjects(top: Path) -> dict[str, Subject]:
    return {subject.name: subject for subject in (Module(top), Library(top))}


def not_built(subject: Subject) -> list[str]:
    return sorted(name for name in subject.programs() if not os.access(subject.executable(name), os.X_OK))
