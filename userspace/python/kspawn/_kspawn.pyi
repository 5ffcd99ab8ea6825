# SPDX-License-Identifier: LGPL-2.1-or-later
from typing import Sequence

BEFORE_EXEC: int
IN_CHDIR: int
IN_EXEC: int

def available() -> bool: ...
def spawn(
    paths: Sequence[bytes],
    argv: Sequence[bytes],
    env: Sequence[bytes] | None,
    streams: tuple[int, int, int],
    cwd: bytes | None,
    umask: int,
    restore_signals: bool,
    new_session: bool,
    process_group: int,
    gid: int,
    uid: int,
    groups: Sequence[int] | None,
    keep: Sequence[int],
    close_fds: bool,
    /,
) -> int | tuple[int, int] | None: ...
