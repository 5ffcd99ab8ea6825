# SPDX-License-Identifier: LGPL-2.1-or-later
"""make install and make uninstall, and programs of others that use what is installed.

build/ is installed; KSPAWN_INSTALL_BUILD names another directory.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("KSPAWN_INSTALL_BUILD", REPO / "build"))
MANIFEST = BUILD / "install_manifest.txt"

# A program needs these symbols to catch an exception of libkspawn++.
TABLES = tuple(
    f"{kind} for kspawn::{name}"
    for kind in ("typeinfo", "typeinfo name", "vtable")
    for name in ("ExitError", "SpawnError")
)

# Some of each part; libraries are where CMake's GNUInstallDirs puts them.
FILES = (
    "bin/kspawn",
    "include/kspawn/spawn.h",
    "include/kspawn/uapi.h",
    "include/kspawn/base.hpp",
    "include/kspawn/command.hpp",
    "include/linux/kspawn.h",
    "lib*/**/libkspawn.so.0",
    "lib*/**/libkspawn++.so.0",
    "lib*/**/libkspawn.a",
    "lib*/**/libkspawn-preload.so",
    "lib*/**/cmake/kspawn/kspawn-config.cmake",
    "lib*/**/pkgconfig/kspawn++.pc",
    "lib/modules-load.d/kspawn.conf",
    "lib/modprobe.d/kspawn.conf",
    "lib/sysusers.d/kspawn.conf",
    "lib/udev/rules.d/60-kspawn.rules",
    "share/bash-completion/completions/kspawn",
    "share/doc/kspawn/CHANGELOG.md",
    "share/doc/kspawn/LICENSES/LGPL-2.1-or-later.txt",
    "share/doc/kspawn/examples/starts_with_epoll.cpp",
    "share/man/man1/kspawn.1",
    "share/man/man3/kspawn_spawn.3",
    "share/man/man7/kspawn.7",
    "src/kspawn-*/dkms.conf",
    "src/kspawn-*/Kbuild",
    "src/kspawn-*/kmod/main.c",
    "src/kspawn-*/kmod/uapi/kspawn.h",
)


def run(
    *command: str | Path, where: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "DESTDIR")}
    return subprocess.run(
        [str(word) for word in command],
        cwd=where or REPO,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def files_below(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())


def one(directory: Path, pattern: str) -> Path:
    found = sorted(directory.glob(pattern))
    assert len(found) == 1, f"{pattern}: {found}"
    return found[0]


class Scratch(unittest.TestCase):
    """A directory of its own; the list of what this machine's owner has installed is put
    back at the end."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="kspawn-install-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        kept = self.scratch / "kept"
        if MANIFEST.exists():
            shutil.move(MANIFEST, kept)
        self.addCleanup(lambda: shutil.move(kept, MANIFEST) if kept.exists() else MANIFEST.unlink(missing_ok=True))

    def succeed(
        self, *command: str | Path, where: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = run(*command, where=where, **environment)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done

    def install(self, prefix: Path, destdir: Path | None = None) -> Path:
        """Return where the files of the prefix are."""
        done = self.succeed("scripts/install", "--prefix", prefix, BUILD, DESTDIR=str(destdir or ""))
        self.assertRegex(done.stdout, r"^install: \d+ files; .*install_manifest.txt lists them\n$")
        return destdir / prefix.relative_to("/") if destdir else prefix

    def uninstall(self, prefix: Path, destdir: Path | None = None) -> None:
        self.succeed("scripts/uninstall", BUILD, DESTDIR=str(destdir or ""))
        self.assertEqual(files_below(prefix), [])
        self.assertEqual([path for path in prefix.rglob("*") if "kspawn" in path.name], [])
        self.assertFalse(MANIFEST.exists())


class Install(Scratch):
    def test_a_prefix(self) -> None:
        prefix = self.install(self.scratch / "prefix")
        for pattern in FILES:
            self.assertTrue(list(prefix.glob(pattern)), f"{pattern} is missing")
        self.uninstall(prefix)

    def test_a_package(self) -> None:
        destdir = self.scratch / "package"
        prefix = self.install(Path("/opt/there"), destdir)
        for pattern in FILES:
            self.assertTrue(list(prefix.glob(pattern)), f"{pattern} is missing")
        self.assertEqual([path for path in files_below(destdir) if not path.is_relative_to(prefix)], [])
        for path in files_below(prefix):
            if not path.is_symlink():
                self.assertNotIn(str(self.scratch).encode(), path.read_bytes(), path)
        self.uninstall(destdir, destdir)

    def test_what_others_have_there_stays(self) -> None:
        prefix = self.scratch / "prefix"
        theirs = [prefix / "share/man/man1/theirs.1", prefix / "share/doc/kspawn/theirs"]
        for path in theirs:
            path.parent.mkdir(parents=True)
            path.write_text("theirs\n", encoding="utf-8")
        self.install(prefix)
        self.succeed("scripts/uninstall", BUILD)
        self.assertEqual(files_below(prefix), sorted(theirs))

    def test_it_is_stripped(self) -> None:
        prefix = self.install(self.scratch / "prefix")
        libraries = [f"lib*/**/libkspawn{name}" for name in (".so.0", "++.so.0", "-preload.so")]
        for pattern in ("bin/kspawn", *libraries):
            sections = self.succeed("readelf", "-SW", one(prefix, pattern)).stdout
            self.assertIn(" .dynsym ", sections)
            self.assertNotIn(" .symtab ", sections, pattern)
            self.assertNotIn(" .debug_info ", sections, pattern)

    def test_nothing_is_installed_where_nothing_is_built(self) -> None:
        empty = self.scratch / "empty"
        empty.mkdir()
        done = run("scripts/install", "--prefix", self.scratch / "prefix", empty)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"is not built\.  To build it, without sudo: make\n$")
        self.assertFalse((self.scratch / "prefix").exists())

    def test_nothing_is_removed_where_nothing_was_installed(self) -> None:
        done = run("scripts/uninstall", BUILD)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nothing was installed", done.stderr)

    def test_make_install_builds_nothing(self) -> None:
        commands = run("make", "-n", "install", "PREFIX=/opt/kspawn", "DESTDIR=/tmp/there").stdout.splitlines()
        self.assertEqual(commands, ["DESTDIR='/tmp/there' scripts/install --prefix '/opt/kspawn' build"])
        self.assertEqual(run("make", "-n", "install").stdout.splitlines(), ["DESTDIR='' scripts/install  build"])
        self.assertEqual(run("make", "-n", "uninstall").stdout.splitlines(), ["DESTDIR='' scripts/uninstall build"])


class Consumer(Scratch):
    """Programs of others, with a prefix that has been moved since it was installed to."""

    def setUp(self) -> None:
        super().setUp()
        there = self.install(self.scratch / "installed")
        self.prefix = there.rename(self.scratch / "moved")
        self.source = self.scratch / "consumer"
        shutil.copytree(HERE, self.source, ignore=shutil.ignore_patterns("*.py", "__pycache__"))

    def start(self, program: Path, libraries: Path | None = None) -> str:
        return self.succeed(program, KSPAWN_BACKEND="libc", LD_LIBRARY_PATH=str(libraries or "")).stdout

    def test_by_cmake(self) -> None:
        build = self.scratch / "build"
        self.succeed("cmake", "-S", self.source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.succeed("cmake", "--build", build)
        self.assertRegex(self.start(build / "in_c"), r"^started from C\n/dev/kspawn \d+\.\d+\.\d+\n$")
        self.assertEqual(self.start(build / "in_cpp"), "started from C++\n")
        self.assertEqual(self.start(build / "in_cpp_static"), "started from C++\n")

    def test_by_pkg_config(self) -> None:
        path = str(one(self.prefix, "lib*/**/pkgconfig"))
        for package, compiler, source, expected in (
            ("kspawn", "cc", "consumer.c", "started from C\n"),
            ("kspawn++", "c++", "consumer.cpp", "started from C++\n"),
        ):
            flags = self.succeed("pkg-config", "--cflags", "--libs", package, PKG_CONFIG_PATH=path).stdout.split()
            # The standard is for the program to choose: the last of two wins.
            self.assertEqual([flag for flag in flags if flag.startswith("-std")], [])
            program = self.scratch / "program"
            standard = ["-std=c++20"] if compiler == "c++" else []
            self.succeed(compiler, *standard, self.source / source, *flags, "-o", program)
            libraries = one(self.prefix, "lib*/**/libkspawn.so.0").parent
            self.assertTrue(self.start(program, libraries).startswith(expected))
            if compiler == "c++":
                self.assertTrue(self.start_as_newer(program, flags, libraries).startswith(expected))

    def start_as_newer(self, program: Path, flags: list[str], libraries: Path) -> str:
        self.succeed("c++", "-std=c++23", self.source / "consumer.cpp", *flags, "-o", program)
        return self.start(program, libraries)

    def test_a_header_says_which_standard_it_needs(self) -> None:
        include = self.prefix / "include"
        headers = sorted(path.relative_to(include) for path in (include / "kspawn").glob("*.hpp"))
        self.assertGreater(len(headers), 10)
        for header in headers:
            source = self.scratch / "source.cpp"
            source.write_text(f"#include <{header}>\n", encoding="utf-8")
            done = run("c++", "-std=c++17", "-fsyntax-only", "-fmax-errors=1", "-I", include, source)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"error: #error .* need C\+\+20: compile with -std=c\+\+20", header)
            self.succeed("c++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", include, source)
        # Those of C are for any C++.
        source.write_text("#include <kspawn/spawn.h>\n", encoding="utf-8")
        self.succeed("c++", "-std=c++98", "-fsyntax-only", "-I", include, source)

    def test_the_library_for_cpp_exports_what_its_headers_declare(self) -> None:
        headers = "".join(path.read_text(encoding="utf-8") for path in (self.prefix / "include/kspawn").glob("*.hpp"))
        library = one(self.prefix, "lib*/**/libkspawn++.so.0")
        lines = self.succeed("nm", "-DC", "--defined-only", library).stdout.splitlines()
        names = set()
        for line in lines:
            _address, kind, symbol = line.split(maxsplit=2)
            self.assertIn(kind, "ATVR", f"{line}: neither weak nor unique")
            symbol, at, version = symbol.partition("@@")
            names.add(symbol)
            if at:
                self.assertEqual(version, "KSPAWNXX_0", line)
            if symbol in ("KSPAWNXX_0", *TABLES):
                continue
            # A function of the namespace, or of one of its classes, but not of what these hold.
            found = re.match(r"kspawn::(?:\w+::)?(~?\w+|operator ?[^(]+)(?:\[abi:cxx11\])?\(", symbol)
            self.assertIsNotNone(found, symbol)
            assert found is not None
            self.assertRegex(headers, rf"(?<![\w~]){re.escape(found[1])}\(", symbol)
            self.assertNotIn("_ptr<kspawn::", symbol)
        self.assertLessEqual(set(TABLES), names)
        self.assertGreater(len(names), 150)

    def test_the_library_for_cpp_finds_that_for_c_beside_itself(self) -> None:
        library = one(self.prefix, "lib*/**/libkspawn++.so.0")
        needed = self.succeed("ldd", library).stdout
        self.assertIn(str(library.parent.resolve() / "libkspawn.so.0"), needed)

    def test_the_tool_runs_and_finds_the_preload_library(self) -> None:
        tool = self.prefix / "bin/kspawn"
        self.assertEqual(self.succeed(tool, "run", "--backend", "libc", "echo", "here").stdout, "here\n")
        said = self.succeed(tool, "preload", "--tree", "sh", "-c", "echo $LD_PRELOAD").stdout
        self.assertEqual(Path(said.strip()), one(self.prefix, "lib*/**/libkspawn-preload.so"))


if __name__ == "__main__":
    unittest.main()
