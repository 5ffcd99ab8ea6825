# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python package: what the standard library starts is started as before, by the kernel.

Run by ctest, without the module, and by tests/guest/python_package.sh.  Each case is a start by Python
itself and the same start after kspawn.install(): their results must be equal, exceptions
included, and the second must have reached the module as often as the case says.
"""

from __future__ import annotations

import asyncio
import errno
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path
from typing import Any, Callable

import kspawn

# subprocess has no other names for what kspawn.install() replaces.
# pylint: disable=protected-access

SPAWNS = Path("/sys/class/misc/kspawn/stats/spawns")
HAS_MODULE = Path("/dev/kspawn").exists()
LIST_DESCRIPTORS = [sys.executable, "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"]


def asked() -> int:
    """How many starts the module was asked for."""
    return int(SPAWNS.read_text(encoding="ascii")) if HAS_MODULE else 0


def outcome(start: Callable[[], Any]) -> Any:
    try:
        return start()
    except Exception as error:  # pylint: disable=broad-except
        details = {name: getattr(error, name, None) for name in ("errno", "filename", "args")}
        return type(error), details, str(error)


def run(*arguments: Any, **options: Any) -> Callable[[], Any]:
    def start() -> tuple[int, Any, Any]:
        done = subprocess.run(*arguments, check=False, **options)
        return done.returncode, done.stdout, done.stderr

    return start


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        self.addCleanup(kspawn.uninstall)
        self.assertEqual(kspawn.available(), HAS_MODULE)

    def same(self, start: Callable[[], Any], starts: int = 1) -> Any:
        """Python's outcome, and that with the package; how many starts must reach the module."""
        kspawn.uninstall()
        before = asked()
        stock = outcome(start)
        self.assertEqual(asked(), before, "Python itself does not use the module")
        kspawn.install()
        # install() asks the module, which counts that as a start.
        before = asked()
        ours = outcome(start)
        reached = asked() - before
        self.assertEqual(ours, stock)
        if HAS_MODULE and starts:
            self.assertGreaterEqual(reached, starts)
        return ours


class Subprocess(Case):
    def test_output(self) -> None:
        self.assertEqual(self.same(run(["echo", "word"], capture_output=True)), (0, b"word\n", b""))

    def test_input(self) -> None:
        self.assertEqual(self.same(run(["cat"], input=b"x" * 200000, stdout=subprocess.PIPE))[0], 0)

    def test_shell(self) -> None:
        script = "echo $0; pwd; umask; echo oops >&2; exit 3"
        self.same(run(script, shell=True, capture_output=True, cwd="/usr", umask=0o27))

    def test_errors_to_output(self) -> None:
        self.same(run(["sh", "-c", "echo a >&2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    def test_environment(self) -> None:
        self.assertEqual(self.same(run(["/usr/bin/env"], env={"A": "b"}, capture_output=True))[1], b"A=b\n")
        self.same(run(["env"], env={"PATH": "/nonesuch:/usr/bin"}, capture_output=True))

    def test_program_that_is_not_there(self) -> None:
        self.assertEqual(self.same(run(["nonesuch"]))[1]["filename"], "nonesuch")
        self.same(run(["/nonesuch/at/all"]))
        self.same(run(["program"], executable="/nonesuch"))

    def test_program_that_cannot_run(self) -> None:
        self.assertEqual(self.same(run(["/etc/passwd"]))[1]["errno"], errno.EACCES)
        self.same(run(["/"]))

    def test_search_goes_on_after_an_error(self) -> None:
        # /etc has a passwd that is no program; what is told is that.
        self.same(run(["passwd"], env={"PATH": "/etc:/nonesuch"}))

    def test_directory_that_is_not_there(self) -> None:
        self.assertEqual(self.same(run(["true"], cwd="/nonesuch"))[1]["errno"], errno.ENOENT)
        self.same(run(["true"], cwd="/etc/passwd"))

    def test_failure_of_neither(self) -> None:
        self.same(run(["true"], process_group=10**6) if sys.version_info >= (3, 11) else run(["true"]))

    def test_ids(self) -> None:
        script = "id -u; id -g; id -G; umask; test $(ps -o sid= -p $$) = $$ && echo session"
        done = self.same(
            run(
                ["sh", "-c", script],
                user=1234,
                group=1235,
                extra_groups=[7, 8],
                umask=0o17,
                start_new_session=True,
                capture_output=True,
            )
        )
        self.assertEqual(done[1].split()[-1], b"session")

    def test_no_groups(self) -> None:
        self.same(run(["id", "-G"], extra_groups=[], user=1, capture_output=True))

    def test_descriptors(self) -> None:
        first, second = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
        self.addCleanup(os.close, first)
        self.addCleanup(os.close, second)
        os.set_inheritable(first, True)
        self.same(run(LIST_DESCRIPTORS, capture_output=True))
        self.same(run(LIST_DESCRIPTORS, capture_output=True, pass_fds=[second]))
        self.same(run(LIST_DESCRIPTORS, capture_output=True, pass_fds=[second, first]))
        self.same(run(LIST_DESCRIPTORS, capture_output=True, close_fds=False))
        self.same(run(["true"], pass_fds=[999]))

    def test_streams_among_the_first_numbers(self) -> None:
        # The child's 0, 1 and 2 come from each other's numbers.
        program = """
import os, subprocess, sys
import kspawn
if sys.argv[1] == "ours":
    kspawn.install()
os.dup2(os.open("/dev/full", os.O_WRONLY), 0)
os.dup2(os.open("out", os.O_RDWR | os.O_CREAT | os.O_TRUNC), 2)
script = "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 > /dev/fd/1; readlink /proc/$$/fd/1 >&2"
subprocess.run(["sh", "-c", script], stdin=2, stdout=0, stderr=2)
subprocess.run(["sh", "-c", script], stdin=1, stdout=2, stderr=1)
os.close(0)
subprocess.run(["sh", "-c", script], stdout=subprocess.DEVNULL, stderr=2)
print(open("out").read(), file=os.fdopen(1, "w"))
"""
        outputs = []
        for who in ("stock", "ours"):
            done = subprocess.run(
                [sys.executable, "-c", program, who], capture_output=True, text=True, check=True
            )
            outputs.append(re.sub(r"\[\d+\]", "[]", done.stdout))
        self.assertEqual(outputs[0], outputs[1])
        self.assertTrue(outputs[0].strip())

    def test_signals(self) -> None:
        script = ["grep", "-E", "Sig(Ign|Blk)", "/proc/self/status"]
        self.same(run(script, capture_output=True))
        self.same(run(script, capture_output=True, restore_signals=False))
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        self.addCleanup(signal.pthread_sigmask, signal.SIG_UNBLOCK, [signal.SIGUSR1])
        self.same(run(script, capture_output=True))

    def test_function_in_the_child_is_python_s(self) -> None:
        def say() -> None:
            os.write(1, b"said ")

        done = self.same(run(["echo", "word"], preexec_fn=say, stdout=subprocess.PIPE), starts=0)
        self.assertEqual(done[1], b"said word\n")

    def test_arguments_of_all_kinds(self) -> None:
        self.same(run([b"echo", Path("/a"), "\udcff", ""], capture_output=True))
        self.same(run(["echo", "a\0b"]), starts=0)
        self.same(run([], capture_output=True), starts=0)
        self.same(run("echo", capture_output=True))

    def test_many_arguments(self) -> None:
        self.same(run(["echo"] + ["word"] * 20000, capture_output=True))
        self.same(run(["echo", "x" * (1 << 18)], capture_output=True))

    def test_nothing_is_left(self) -> None:
        kspawn.install()
        before = os.listdir("/proc/self/fd")
        for _ in range(50):
            self.assertEqual(outcome(run(["nonesuch"]))[0], FileNotFoundError)
            subprocess.run(["true"], check=True, capture_output=True)
        self.assertEqual(os.listdir("/proc/self/fd"), before)
        self.assertRaises(ChildProcessError, os.waitpid, -1, os.WNOHANG)

    def test_threads(self) -> None:
        kspawn.install()
        wrong: list[bytes] = []

        def start(number: int) -> None:
            for _ in range(20):
                done = subprocess.run(["echo", str(number)], capture_output=True, check=True)
                if done.stdout != b"%d\n" % number:
                    wrong.append(done.stdout)

        threads = [threading.Thread(target=start, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_without_memory_for_a_process(self) -> None:
        limits = resource.getrlimit(resource.RLIMIT_NPROC)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NPROC, limits)
        program = """
import resource, subprocess, os, kspawn, sys
if sys.argv[1] == "ours":
    kspawn.install()
os.setuid(4321)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    subprocess.run(["true"])
except OSError as error:
    print(error.errno)
"""
        said = [
            subprocess.run([sys.executable, "-c", program, who], capture_output=True, check=False).stdout
            for who in ("stock", "ours")
        ]
        self.assertEqual(said, [b"%d\n" % errno.EAGAIN] * 2)


class Others(Case):
    def test_popen(self) -> None:
        self.same(lambda: os.popen("echo word; exit 3").read())

    def test_asyncio(self) -> None:
        async def start() -> Any:
            child = await asyncio.create_subprocess_exec("sh", "-c", "cat; exit 4", stdin=-1, stdout=-1)
            return await child.communicate(b"word"), child.returncode

        self.assertEqual(self.same(lambda: asyncio.run(start())), ((b"word", None), 4))
        self.same(lambda: asyncio.run(asyncio.create_subprocess_exec("nonesuch")))

    def test_multiprocessing(self) -> None:
        for method in ("spawn", "forkserver"):
            with self.subTest(method):
                # Those of a fork server are forked from it: only its own start is one.
                program = f"""
import multiprocessing, os, sys
import kspawn
if __name__ == "__main__":
    if sys.argv[1] == "ours":
        kspawn.install()
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        print(pool.map(abs, [-1, 2, -3]))
"""
                script = Path(f"{method}.py")
                script.write_text(program, encoding="ascii")
                said = {}
                for who in ("stock", "ours"):
                    before = asked()
                    done = subprocess.run(
                        [sys.executable, script, who], capture_output=True, text=True, check=True
                    )
                    said[who] = done.stdout, asked() > before
                self.assertEqual(said["stock"][0], said["ours"][0])
                self.assertEqual((said["stock"][1], said["ours"][1]), (False, HAS_MODULE))

    def test_program_that_multiprocessing_cannot_start(self) -> None:
        kspawn.install()
        from multiprocessing import util  # pylint: disable=import-outside-toplevel

        if HAS_MODULE:
            self.assertRaises(FileNotFoundError, util.spawnv_passfds, b"/nonesuch", [b"x"], [])


class Command(Case):
    def say(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kspawn", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_program(self) -> None:
        Path("program.py").write_text(
            "import subprocess, sys, kspawn\n"
            "print(__name__, sys.argv, kspawn.is_installed(), flush=True)\n"
            "subprocess.run(['echo', 'started'])\n"
            "sys.exit(7)\n",
            encoding="ascii",
        )
        before = asked()
        done = self.say("program.py", "-a", "b")
        self.assertEqual(done.stdout, "__main__ ['program.py', '-a', 'b'] True\nstarted\n")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertEqual(asked() > before, HAS_MODULE)

    def test_module(self) -> None:
        Path("amodule.py").write_text("import sys\nprint(__name__, sys.argv[1:])\n", encoding="ascii")
        self.assertEqual(self.say("-m", "amodule", "x").stdout, "__main__ ['x']\n")

    def test_usage(self) -> None:
        self.assertEqual(self.say().returncode, 2)
        self.assertIn("usage", self.say().stderr)
        self.assertEqual(self.say("--help").returncode, 0)


class Installation(Case):
    def test_twice_and_undone(self) -> None:
        before = vars(subprocess).get("_fork_exec"), subprocess._USE_POSIX_SPAWN
        self.assertFalse(kspawn.is_installed())
        for _ in range(2):
            self.assertEqual(kspawn.install(), HAS_MODULE)
            self.assertTrue(kspawn.is_installed())
        kspawn.uninstall()
        kspawn.uninstall()
        after = vars(subprocess).get("_fork_exec"), subprocess._USE_POSIX_SPAWN
        self.assertEqual(after, before)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    unittest.main(verbosity=2)
