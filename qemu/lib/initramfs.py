# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's first file system: busybox, the modules that lead to the host's
files, and /vm, which says what this guest is to do:

    modules   what to insert from /modules, in this order, one a line
    keep      directories to show in spite of a fresh /tmp or /run
    share     directories of the host that the guest may write to
    virtiofs  exists if the host's files are seen by virtiofs, not 9p
    nonce     marks the end of stdout and of stderr
    job       what to run
    leaks     exists if a leak check is wanted
    kspawn.ko the module, if wanted
"""

from __future__ import annotations

import lzma
import stat
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cache import QEMU_DIR, Kernel, Unavailable

# What a guest needs of a kernel, where it is not built in; the last one for tests.
WANTED_MODULES = ("virtio_pci", "virtio_console", "overlay", "fuse")
# How it gets at the host's files: the cloud flavour has no 9p.
BY_9P = ("9pnet_virtio", "9p")
BY_VIRTIOFS = ("virtiofs",)


@dataclass
class Archive:
    """A cpio archive in the kernel's format ("newc"), uncompressed: unpacking
    a compressed one takes an emulated CPU longer than reading a plain one."""

    _data: bytearray = field(default_factory=bytearray)
    _inode: int = 0

    def _add(self, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        self._data += b"070701" + b"".join(b"%08X" % value for value in fields) + encoded
        self._pad()
        self._data += content
        self._pad()

    def _pad(self) -> None:
        self._data += b"\0" * (-len(self._data) % 4)

    def directory(self, name: str) -> None:
        self._add(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        self._add(name, stat.S_IFREG | mode, content)

    def character_device(self, name: str, major: int, minor: int) -> None:
        self._add(name, stat.S_IFCHR | 0o600, b"", (major, minor))

    def bytes(self) -> bytes:
        self._add("TRAILER!!!", 0, b"")
        return bytes(self._data)


def _module_name(path: str) -> str:
    return Path(path).name.split(".ko")[0].replace("-", "_")


@dataclass(frozen=True)
class _Modules:
    depends: dict[str, tuple[str, list[str]]]  # by name: the file, and those that it needs
    builtin: set[str]

    def has(self, name: str) -> bool:
        return name in self.builtin or name in self.depends


@cache
def _modules(kernel: Kernel) -> _Modules | None:
    """What modules.dep says; None if all that a guest needs is built in."""
    index = kernel.modules / "modules.dep"
    if not index.exists():
        return None
    depends: dict[str, tuple[str, list[str]]] = {}
    for line in index.read_text().splitlines():
        path, _, rest = line.partition(":")
        depends[_module_name(path)] = (path, rest.split())
    builtin = {
        _module_name(line)
        for line in (kernel.modules / "modules.builtin").read_text().splitlines()
    }
    return _Modules(depends, builtin)


def shares_by_9p(kernel: Kernel) -> bool:
    """Whether the guest sees the host's files by 9p; by virtiofs otherwise."""
    modules = _modules(kernel)
    return modules is None or all(modules.has(name) for name in BY_9P)


def needed_modules(kernel: Kernel) -> list[Path]:
    """The files of WANTED_MODULES and what they depend on, in the order in
    which they can be inserted."""
    modules = _modules(kernel)
    if modules is None:
        return []
    order: list[Path] = []
    for name in (*WANTED_MODULES, *(BY_9P if shares_by_9p(kernel) else BY_VIRTIOFS)):
        if name in modules.builtin:
            continue
        if name not in modules.depends:
            raise Unavailable(f"kernel {kernel.release} has no module {name}")
        path, requires = modules.depends[name]
        for needed in (*reversed(requires), path):
            if kernel.modules / needed not in order:
                order.append(kernel.modules / needed)
    return order


@dataclass(frozen=True)
class Job:
    """What one guest is to do."""

    script: str
    nonce: str
    module: Path | None
    keep: tuple[Path, ...]
    share: tuple[Path, ...]
    leaks: bool


def build(kernel: Kernel, busybox: Path, job: Job) -> bytes:
    archive = Archive()
    for name in ("bin", "dev", "proc", "sys", "modules", "vm"):
        archive.directory(name)
    archive.character_device("dev/console", 5, 1)
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    archive.file("init", (QEMU_DIR / "lib" / "init.sh").read_bytes(), 0o755)

    order = []
    for path in needed_modules(kernel):
        content = path.read_bytes()
        if path.suffix == ".xz":
            content = lzma.decompress(content)
        name = _module_name(path.name)
        archive.file(f"modules/{name}.ko", content)
        order.append(name + ".ko")

    def lines(items: list[str]) -> bytes:
        return "".join(item + "\n" for item in items).encode()

    archive.file("vm/modules", lines(order))
    if not shares_by_9p(kernel):
        archive.file("vm/virtiofs", b"")
    archive.file("vm/keep", lines([str(path) for path in job.keep]))
    archive.file("vm/share", lines([str(path) for path in job.share]))
    archive.file("vm/nonce", job.nonce.encode() + b"\n")
    archive.file("vm/job", job.script.encode(), 0o755)
    archive.file("vm/run.sh", (QEMU_DIR / "lib" / "run.sh").read_bytes())
    if job.leaks:
        archive.file("vm/leaks", b"")
    if job.module:
        archive.file("vm/kspawn.ko", job.module.read_bytes())
    return archive.bytes()
