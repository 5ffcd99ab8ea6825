# SPDX-License-Identifier: LGPL-2.1-or-later
"""One guest: QEMU's command line, its life, and the four streams (stdin,
stdout, stderr, control) between it and us."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from booting import Booting
from cache import Kernel, Unavailable

_STREAMS = ("control", "stdin", "stdout", "stderr")
_CHUNK = 65536
# How long a guest that has reported may take to power off.
_POWEROFF_SECONDS = 20.0
# How long one may take to boot, on a host that is busy with other things.
_BOOT_SECONDS = 300.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Machine:
    """The hardware that a guest is given."""

    qemu: str
    kernel: Kernel
    initrd: Path
    log: Path
    share: tuple[Path, ...]
    smp: int
    memory: str
    icount: bool
    erms: bool  # an emulated CPU has "enhanced rep movsb/stosb"; that of KVM is the host's
    kvm: bool
    parallel: bool  # emulate each CPU in a thread of its own
    virtiofs: Path | None  # where its server listens; None: 9p
    append: str = ""  # for the kernel, after what all are told

    def command(self, descriptors: dict[str, int]) -> list[str]:
        def escaped(path: Path) -> str:
            return str(path).replace(",", ",,")

        # noacpi: to interpret the interrupt routing in ACPI's language takes the
        # emulated debug kernel longer than its own limit of 30 s per loop.
        # The cloud kernels know no other language.
        append = "console=ttyS0 quiet loglevel=5 panic=-1 oops=panic no_timer_check"
        if self.virtiofs is None:
            append += " pci=noacpi"
        if self.append:
            append += f" {self.append}"
        command = [self.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-machine", "pc,hpet=off,vmport=off", "-m", self.memory]
        command += ["-smp", "1" if self.icount else str(self.smp)]
        if self.kvm:
            command += ["-accel", "kvm", "-cpu", "host"]
        else:
            thread = "multi" if self.parallel and not self.icount else "single"
            # The emulator counts each round of a rep instruction.  With ERMS the kernel clears
            # and copies memory by the byte: a page is 4,096 rounds, and cleared pages are half
            # of what a start costs.  Without, by 8 bytes, which is nearer to what a real CPU
            # takes: vfork and execve are at 0.65 of glibc 2.36 so, at 0.71 with ERMS, and at
            # 0.67 by the clock of a real CPU.
            cpu = "max,la57=off" if self.erms else "max,la57=off,-erms"
            command += ["-accel", f"tcg,thread={thread}", "-cpu", cpu]
        if self.icount:
            command += ["-icount", "shift=0,sleep=off"]
        command += ["-kernel", str(self.kernel.image), "-initrd", str(self.initrd)]
        command += ["-append", append]
        command += ["-chardev", f"file,id=console,path={escaped(self.log)}"]
        command += ["-serial", "chardev:console"]
        command += ["-device", "virtio-serial-pci"]
        for name, descriptor in descriptors.items():
            command += ["-chardev", f"socket,id={name},fd={descriptor}"]
            command += ["-device", f"virtserialport,chardev={name},name={name}"]
        if self.virtiofs:
            # The server works in the guest's memory.
            command += ["-object", f"memory-backend-memfd,id=memory,size={self.memory},share=on"]
            command += ["-machine", "memory-backend=memory"]
            command += ["-chardev", f"socket,id=virtiofs,path={escaped(self.virtiofs)}"]
            command += ["-device", "vhost-user-fs-pci,chardev=virtiofs,tag=host"]
            return command
        exports = [("host", Path("/"), ",readonly=on")]
        exports += [(f"share{i}", path, "") for i, path in enumerate(self.share)]
        for tag, path, options in exports:
            command += [
                "-fsdev",
                f"local,id={tag},path={escaped(path)},security_model=none,multidevs=remap{options}",
                "-device",
                f"virtio-9p-pci,fsdev={tag},mount_tag={tag}",
            ]
        return command


def _die_with_parent() -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return in_child


# Where Debian's QEMU has the server, and where others have it.
_VIRTIOFSD = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")


def serve_virtiofs(listen: Path) -> subprocess.Popen[bytes]:
    """Start the server of the host's files; it ends with the guest that connects.
    It would write what it is told to, so it is given a read-only view of the root."""
    server = next((path for path in _VIRTIOFSD if os.access(path, os.X_OK)), None)
    if server is None or os.geteuid() != 0:
        raise Unavailable("this kernel has no 9p: it needs virtiofsd, and root to run it")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(listen))
        listener.listen(1)
        view = listen.with_name("root")
        view.mkdir()
        script = 'mount --rbind / "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", script, str(view), server]
        command += [f"--fd={listener.fileno()}", "-o", f"source={view}", "-o", "cache=always"]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            preexec_fn=_die_with_parent(),
        )


@dataclass
class GuestEnd:
    """How a guest ended."""

    status: int | None = None  # of the command; None if it never reported
    fatal: str | None = None  # why the guest could not run the command
    tainted: int = 0
    timed_out: bool = False
    did_not_boot: bool = False
    boot_seconds: float | None = None  # from QEMU's start to the command's
    qemu_stderr: str = ""


class _Output:
    """Passes a stream on up to the nonce that ends it."""

    def __init__(self, target: int, nonce: bytes) -> None:
        self._target: int | None = target
        self._mark = nonce + b"\n"
        self._held = b""
        self.ended = False

    def feed(self, data: bytes) -> None:
        self._held += data
        at = self._held.find(self._mark)
        if at >= 0:
            self._write(self._held[:at])
            self._held = b""
            self.ended = True
            return
        # The tail may be the first part of the mark.
        keep = len(self._mark) - 1
        while keep and not self._mark.startswith(self._held[-keep:]):
            keep -= 1
        self._write(self._held[: len(self._held) - keep])
        self._held = self._held[len(self._held) - keep :]

    def flush(self) -> None:
        """The guest is gone: what came is all there is."""
        self._write(self._held)
        self._held = b""

    def _write(self, data: bytes) -> None:
        while data and self._target is not None:
            try:
                data = data[os.write(self._target, data) :]
            except BrokenPipeError:
                self._target = None  # as with ssh: nobody reads; run on


class Guest:
    def __init__(self, machine: Machine, nonce: str, stdin: int | None) -> None:
        self._outcome = GuestEnd()
        self._booting = Booting(machine.kernel.release)
        self._selector = selectors.DefaultSelector()
        self._stdin = stdin
        self._pending = b""  # for the guest's stdin
        self._control = b""
        self._outputs = {"stdout": _Output(1, nonce.encode()), "stderr": _Output(2, nonce.encode())}
        self._ours: dict[str, socket.socket] = {}
        theirs: dict[str, socket.socket] = {}
        for name in _STREAMS:
            self._ours[name], theirs[name] = socket.socketpair()
            self._ours[name].setblocking(False)
        self._started = time.monotonic()
        self._virtiofsd = serve_virtiofs(machine.virtiofs) if machine.virtiofs else None
        self._qemu = subprocess.Popen(
            machine.command({name: end.fileno() for name, end in theirs.items()}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[end.fileno() for end in theirs.values()],
            start_new_session=True,
            preexec_fn=_die_with_parent(),
        )
        for end in theirs.values():
            end.close()

    def run(self, timeout: float) -> GuestEnd:
        """Carry the streams until the guest is gone; it is in any case."""
        try:
            self._serve(self._started + timeout)
        finally:
            if self._outcome.boot_seconds is None:
                self._booting.end()
            self._qemu.kill()
            self._qemu.wait()
            if self._virtiofsd:
                self._virtiofsd.kill()
                self._virtiofsd.wait()
            for end in self._ours.values():
                end.close()
            self._selector.close()
        for output in self._outputs.values():
            output.flush()
        assert self._qemu.stderr is not None
        self._outcome.qemu_stderr = self._qemu.stderr.read().decode(errors="replace")
        return self._outcome

    def _serve(self, deadline: float) -> None:
        pidfd = os.pidfd_open(self._qemu.pid)
        try:
            self._selector.register(pidfd, selectors.EVENT_READ, "qemu")
            for name in ("control", "stdout", "stderr"):
                self._selector.register(self._ours[name], selectors.EVENT_READ, name)
            gone = False
            dismissed = False
            while not gone:
                if not dismissed and self._reported():
                    self._send_line("bye")
                    dismissed = True
                    deadline = min(deadline, time.monotonic() + _POWEROFF_SECONDS)
                left = deadline - time.monotonic()
                if self._outcome.boot_seconds is None:
                    left = min(left, self._started + _BOOT_SECONDS - time.monotonic())
                    self._outcome.did_not_boot = left <= 0
                if left <= 0:
                    # Late in powering off is no failure: all has been said.
                    self._outcome.timed_out = not dismissed
                    return
                if self._outcome.boot_seconds is None:
                    self._booting.tick(time.monotonic() - self._started)
                    left = min(left, 1.0)
                for key, _ in self._selector.select(left):
                    if key.data == "qemu":
                        gone = True
                    else:
                        self._event(key.data)
            for name in ("control", "stdout", "stderr"):  # what is left in the sockets
                while self._receive(name):
                    pass
        finally:
            os.close(pidfd)

    def _reported(self) -> bool:
        outcome = self._outcome
        if outcome.fatal is not None:
            return True
        return outcome.status is not None and all(o.ended for o in self._outputs.values())

    def _event(self, name: str) -> None:
        if name == "caller":
            self._read_caller()
        elif name == "stdin":
            self._write_stdin()
        else:
            self._receive(name)

    def _receive(self, name: str) -> bool:
        try:
            data = self._ours[name].recv(_CHUNK)
        except BlockingIOError:
            return False
        except ConnectionError:
            data = b""
        if not data:
            if name in {key.data for key in self._selector.get_map().values()}:
                self._selector.unregister(self._ours[name])
            return False
        if name == "control":
            self._control += data
            *lines, self._control = self._control.split(b"\n")
            for line in lines:
                self._told(line.decode(errors="replace"))
        else:
            self._outputs[name].feed(data)
        return True

    def _told(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "up":
            self._outcome.boot_seconds = time.monotonic() - self._started
            self._booting.end()
            self._begin_stdin()
        elif word == "tainted":
            self._outcome.tainted = int(rest)
        elif word == "exit":
            self._outcome.status = int(rest)
        elif word == "fatal":
            self._outcome.fatal = rest

    def _send_line(self, line: str) -> None:
        try:
            self._ours["control"].send(line.encode() + b"\n")
        except OSError:
            pass  # the guest has just died; the selector will tell

    # The caller's stdin is read only while nothing waits to be written, so
    # that a guest that does not read does not make us hold it all.

    def _begin_stdin(self) -> None:
        if self._stdin is None:
            self._end_stdin()
            return
        try:
            self._selector.register(self._stdin, selectors.EVENT_READ, "caller")
        except PermissionError:  # a plain file: always ready
            self._read_caller()

    def _read_caller(self) -> None:
        assert self._stdin is not None
        if "caller" in {key.data for key in self._selector.get_map().values()}:
            self._selector.unregister(self._stdin)
        try:
            self._pending = os.read(self._stdin, _CHUNK)
        except OSError:
            self._pending = b""
        if self._pending:
            self._selector.register(self._ours["stdin"], selectors.EVENT_WRITE, "stdin")
        else:
            self._end_stdin()

    def _write_stdin(self) -> None:
        try:
            self._pending = self._pending[self._ours["stdin"].send(self._pending) :]
        except BlockingIOError:
            return
        except OSError:
            self._pending = b""
            self._selector.unregister(self._ours["stdin"])
            return
        if not self._pending:
            self._selector.unregister(self._ours["stdin"])
            self._begin_stdin()

    def _end_stdin(self) -> None:
        # Half a close: a full one would make QEMU drop what it has not read.
        try:
            self._ours["stdin"].shutdown(socket.SHUT_WR)
        except OSError:
            pass
