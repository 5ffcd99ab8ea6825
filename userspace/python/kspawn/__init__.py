# SPDX-License-Identifier: LGPL-2.1-or-later
"""Start programs through kspawn(4), from subprocess and all that is built on it.

    import kspawn
    kspawn.install()

From then on subprocess, os.popen(), asyncio's subprocesses and multiprocessing (its start
methods spawn and forkserver) start programs by one call of the kernel, with the same
arguments, exceptions and results as before.  A start that asks for what the kernel cannot do
(preexec_fn), or that it cannot be asked for (no module, seccomp), is made as it was.  Or,
for a program that is not to be changed:

    python3 -m kspawn PROGRAM [ARGUMENT...]

os.posix_spawn(), os.fork() and os.spawnv() are as they were; kspawn-preload(7) is for the
first.  Since kspawn 0.2.
"""

from ._kspawn import available
from ._posix import install, is_installed, uninstall

__all__ = ["available", "install", "is_installed", "uninstall"]
