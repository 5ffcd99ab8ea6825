#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The system's Python: os.posix_spawn, os.posix_spawnp, subprocess, os.popen.

# shellcheck source=tests/preload/guest.bash disable=SC2016,SC2317
. "$(dirname "$0")/../preload/guest.bash"

[ -c /dev/kspawn ] || skip "no /dev/kspawn"
python=/usr/bin/python3

check "os.posix_spawn, os.posix_spawnp" with_preload $python -c '
import os, signal, sys
def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
env = dict(os.environ)
reader, writer = os.pipe()
# actions: what is written to 7 comes out of the pipe; the directory of the file
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "echo out >&7; exit 5"], env,
    file_actions=[(os.POSIX_SPAWN_DUP2, writer, 7), (os.POSIX_SPAWN_CLOSE, 0)])
assert wait(pid) == 5
assert os.read(reader, 100) == b"out\n"
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "read a; test \"$a\" = line"], env,
    file_actions=[(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)])
assert wait(pid) == 0
pid = os.posix_spawnp("sh", ["sh", "-c", "kill -TERM $$; exit 0"], env, setpgroup=0,
    setsigmask=[signal.SIGUSR1], setsigdef=[signal.SIGTERM])
assert wait(pid) == -signal.SIGTERM
pid = os.posix_spawnp("true", ["true"], env, setsid=True, resetids=True)
assert wait(pid) == 0
try:
    os.posix_spawn("/no/such/program", ["x"], env)
    sys.exit("it was found")
except FileNotFoundError as error:
    assert error.filename == "/no/such/program"
try:
    os.waitpid(-1, 0)
    sys.exit("there is a child")
except ChildProcessError:
    pass
' <(echo line)
check "four by the kernel" is "$(counted python3 kernel)" 4
check "one told as not found" is "$(counted python3 failed)" 1
check "no fallback; the module counted the same" no_fallback

check "subprocess with close_fds=False" with_preload $python -c '
import subprocess
for i in range(10):
    done = subprocess.run(["/bin/cat"], input=b"x" * 100000, stdout=subprocess.PIPE, close_fds=False)
    assert done.returncode == 0 and len(done.stdout) == 100000
done = subprocess.run(["/bin/sh", "-c", "echo err >&2; exit 9"], stderr=subprocess.PIPE, close_fds=False)
assert (done.returncode, done.stderr) == (9, b"err\n")
'
check "eleven by the kernel" is "$(counted python3 kernel)" 11
check "no fallback; the module counted the same" no_fallback

# Python 3.13 has posix_spawn() close the others (POSIX_SPAWN_CLOSEFROM).  The starts of older
# ones by vfork(), with close_fds=True, are none of ours.
by_itself=$($python -c 'import os; print(int(hasattr(os, "POSIX_SPAWN_CLOSEFROM")))')
check "subprocess with its defaults" with_preload $python -c '
import subprocess
assert subprocess.run(["/bin/echo", "x"], stdout=subprocess.PIPE).stdout == b"x\n"
'
check "by the kernel since Python 3.13" is "$(counted python3 kernel)" "$by_itself"

check "os.system" with_preload $python -c '
import os
assert os.waitstatus_to_exitcode(os.system("exit 6")) == 6
'
check "by the kernel" is "$(counted python3 system)" 1
check "no fallback; the module counted the same" no_fallback
finish
