# SPDX-License-Identifier: LGPL-2.1-or-later
"""_posixsubprocess.fork_exec(), on which the standard library builds, through the kernel.

Its arguments are those of CPython's Modules/_posixsubprocess.c, in the two forms that Python
3.9 to 3.13 have.  A call of another form is none of ours: the original gets it.
"""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Callable, Sequence

import _posixsubprocess

from ._kspawn import IN_CHDIR, IN_EXEC, available, spawn

# subprocess has no other names for what install() replaces.
# pylint: disable=protected-access

ForkExec = Callable[..., int]

# With how many arguments it is called: until 3.10, and since 3.11, when a process group came.
UNTIL_3_10, SINCE_3_11 = 21, 23
HIGHEST_DESCRIPTOR, HIGHEST_ID = 2**31 - 1, 2**32 - 2
# subprocess may tell a failed chdir() from others before the exec.
TELLS_CHDIR = "noexec:chdir" in subprocess.Popen._execute_child.__code__.co_consts  # type: ignore[attr-defined]


def _are_numbers(values: Sequence[Any], highest: int) -> bool:
    return all(isinstance(value, int) and 0 <= value <= highest for value in values)


@dataclass(frozen=True)
class Call:
    """The arguments of fork_exec()."""

    argv: Sequence[bytes]
    paths: Sequence[bytes]
    close_fds: bool
    keep: Sequence[int]
    cwd: bytes | None
    env: Sequence[bytes] | None
    streams: tuple[int, int, int]
    error_pipe: int
    restore_signals: bool
    new_session: bool
    process_group: int
    gid: int
    uid: int
    groups: Sequence[int] | None
    umask: int

    @classmethod
    def of(cls, arguments: Sequence[Any]) -> Call | None:
        """None: it is for the original."""
        if len(arguments) not in (UNTIL_3_10, SINCE_3_11):
            return None
        argv, paths, close_fds, keep, cwd, env, *rest = arguments
        p2cread, _, _, c2pwrite, _, errwrite, _, error_pipe, restore_signals, new_session, *rest = rest
        process_group = rest.pop(0) if len(arguments) == SINCE_3_11 else -1
        gid, groups, uid, umask, preexec_fn = rest[:5]
        ids = [number for number in (gid, uid, *(groups or ())) if number is not None]
        # The original refuses these arguments in its own words: it gets the call.
        if (
            preexec_fn is not None
            or error_pipe <= 2
            or not argv
            or not _are_numbers(ids, HIGHEST_ID)
            or not _are_numbers(keep, HIGHEST_DESCRIPTOR)
            or list(keep) != sorted(set(keep))
        ):
            return None
        return cls(
            argv=[os.fsencode(word) for word in argv],
            paths=[os.fsencode(path) for path in paths],
            close_fds=bool(close_fds),
            keep=[fd for fd in keep if fd != error_pipe],
            cwd=None if cwd is None else os.fsencode(cwd),
            env=None if env is None else [os.fsencode(variable) for variable in env],
            streams=(p2cread, c2pwrite, errwrite),
            error_pipe=error_pipe,
            restore_signals=bool(restore_signals),
            new_session=bool(new_session),
            process_group=process_group,
            gid=-1 if gid is None else gid,
            uid=-1 if uid is None else uid,
            groups=None if groups is None else list(groups),
            umask=umask,
        )

    def start(self) -> int | tuple[int, int] | None:
        return spawn(
            self.paths,
            self.argv,
            self.env,
            self.streams,
            self.cwd,
            self.umask,
            self.restore_signals,
            self.new_session,
            self.process_group,
            self.gid,
            self.uid,
            self.groups,
            self.keep,
            self.close_fds,
        )


class Original:
    """The functions and settings that install() replaces."""

    fork_exec: ForkExec = _posixsubprocess.fork_exec
    use_posix_spawn: bool = subprocess._USE_POSIX_SPAWN
    lock = threading.Lock()
    installed = False


def _tell(call: Call, error: int, where: int) -> None:
    """In the words of the original's child, of which subprocess makes an exception."""
    words = "" if where == IN_EXEC else "noexec"
    if where == IN_CHDIR and TELLS_CHDIR:
        words = "noexec:chdir"
    os.write(call.error_pipe, f"OSError:{error:X}:{words}".encode())


@dataclass(frozen=True)
class Failure:
    """A start that the kernel was asked for, and did not make."""

    call: Call
    error: int
    where: int


def _fork_exec(arguments: Sequence[Any]) -> int | Failure:
    """A pid, by the kernel or by the original."""
    call = Call.of(arguments)
    answer = None if call is None else call.start()
    if call is None or answer is None:
        return Original.fork_exec(*arguments)
    return Failure(call, *answer) if isinstance(answer, tuple) else answer


def fork_exec_of_subprocess(*arguments: Any) -> int:
    """Failures go to the error pipe, whose reader raises what it always raises."""
    answer = _fork_exec(arguments)
    if isinstance(answer, Failure):
        _tell(answer.call, answer.error, answer.where)
        return os.getpid()  # no child of ours: the reader waits for it in vain, at once
    return answer


def fork_exec(*arguments: Any) -> int:
    """Failures are exceptions: nobody else reads the error pipe."""
    answer = _fork_exec(arguments)
    if isinstance(answer, Failure):
        raise OSError(answer.error, os.strerror(answer.error), os.fsdecode(answer.call.paths[0]))
    return answer


def install() -> bool:
    """Start programs through kspawn from now on, in this process, whenever the kernel can
    be asked; whether it can be now.  To do it again changes nothing."""
    with Original.lock:
        if not Original.installed:
            _posixsubprocess.fork_exec = fork_exec
            if hasattr(subprocess, "_fork_exec"):
                subprocess._fork_exec = fork_exec_of_subprocess
            else:  # until 3.10
                shim = SimpleNamespace(fork_exec=fork_exec_of_subprocess)
                subprocess._posixsubprocess = shim  # type: ignore[attr-defined]
            # Else the simplest starts would be libc's.
            subprocess._USE_POSIX_SPAWN = False
            Original.installed = True
    return available()


def uninstall() -> None:
    """Start programs as Python does."""
    with Original.lock:
        if Original.installed:
            _posixsubprocess.fork_exec = Original.fork_exec
            if hasattr(subprocess, "_fork_exec"):
                subprocess._fork_exec = Original.fork_exec
            else:
                subprocess._posixsubprocess = _posixsubprocess  # type: ignore[attr-defined]
            subprocess._USE_POSIX_SPAWN = Original.use_posix_spawn
            Original.installed = False


def is_installed() -> bool:
    """Whether install() was called, and uninstall() not since."""
    return Original.installed
