# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's first file system: busybox, the modules that lead to the host's
files, and /vm, which says what this guest is to do:

    modules   what to insert from /modules, in this order, one a line
    root      exists if the root is not the host's: its directory on the host
    keep      directories of the host to show in spite of a fresh /tmp or /run, or a root
    share     directories of the host that the guest may write to
    virtiofs  exists if the host's files are seen by virtiofs, not 9p
    nonce     marks the end of stdout and of stderr
    job       what to run
    leaks     exists if a leak check is wanted
    kspawn.ko the module, if wanted
"""

from __future__ import annotations

import lzma
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cache import QEMU_DIR, Kernel, Unavailable

# Modules that a guest needs, where they are not built in; the last one for tests.
WANTED_MODULES = ("virtio_pci", "virtio_console", "overlay", "fuse")
# How it gets at the host's files: the cloud flavour has no 9p.
BY_9P = ("9pnet_virtio", "9p")
BY_VIRTIOFS = ("virtiofs",)


def pack(tree: Path) -> bytes:
    """A directory as the kernel wants it, owned by root, uncompressed: unpacking a compressed
    one takes an emulated CPU longer than reading a plain one.  The kernel adds /dev/console."""
    cpio = shutil.which("cpio")
    if cpio is None:
        raise Unavailable("cpio is missing. Try: apt-get install cpio")
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    command = [cpio, "--create", "--format=newc", "--owner=+0:+0", "--dereference", "--quiet"]
    return subprocess.run(command, cwd=tree, input="\n".join(names).encode(), stdout=subprocess.PIPE, check=True).stdout


def plant(tree: Path, busybox: Path, init: str) -> None:
    """Fill it with what every initramfs holds."""
    for name in ("bin", "dev"):
        (tree / name).mkdir()
    (tree / "bin" / "busybox").symlink_to(busybox)
    (tree / "init").write_text(init, encoding="utf-8")
    (tree / "init").chmod(0o755)


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
    """The contents of modules.dep; None if all that a guest needs is built in."""
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
    """The task of one guest."""

    script: str
    nonce: str
    module: Path | None
    root: Path | None
    keep: tuple[Path, ...]
    share: tuple[Path, ...]
    leaks: bool


def build(kernel: Kernel, busybox: Path, job: Job) -> bytes:
    with tempfile.TemporaryDirectory(prefix="kspawn-initramfs-") as scratch:
        tree = Path(scratch)
        plant(tree, busybox, (QEMU_DIR / "lib" / "init.sh").read_text(encoding="utf-8"))
        for name in ("proc", "sys", "modules", "vm"):
            (tree / name).mkdir()
        vm = tree / "vm"

        order = []
        for path in needed_modules(kernel):
            name = _module_name(path.name) + ".ko"
            if path.suffix == ".xz":
                (tree / "modules" / name).write_bytes(lzma.decompress(path.read_bytes()))
            else:
                (tree / "modules" / name).symlink_to(path)
            order.append(name)
        lists: dict[str, Sequence[object]] = {"modules": order, "keep": job.keep, "share": job.share}
        lists["nonce"] = (job.nonce,)
        if job.root:
            lists["root"] = (job.root,)
        for name, items in lists.items():
            (vm / name).write_text("".join(f"{item}\n" for item in items), encoding="utf-8")
        (vm / "job").write_text(job.script, encoding="utf-8")
        (vm / "job").chmod(0o755)
        (vm / "run.sh").symlink_to(QEMU_DIR / "lib" / "run.sh")
        if not shares_by_9p(kernel):
            (vm / "virtiofs").touch()
        if job.leaks:
            (vm / "leaks").touch()
        if job.module:
            (vm / "kspawn.ko").symlink_to(job.module)
        return pack(tree)
