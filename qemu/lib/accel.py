# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether KVM works here.  That /dev/kvm opens proves nothing: there are hosts
where the guest then never executes an instruction.  So boot one, once per boot
of the host, and remember the answer.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from cache import CACHE, Kernel
from initramfs import pack, plant

_PROBE_SECONDS = 10
_SIGN = "kspawn-vm: KVM works"

_INIT = f"""#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
echo "{_SIGN}" >/dev/kmsg
exec /bin/busybox reboot -f
"""


def _boots(qemu: str, kernel: Kernel, busybox: Path) -> bool:
    with tempfile.TemporaryDirectory(prefix="kspawn-vm-") as scratch:
        tree, initrd = Path(scratch, "tree"), Path(scratch, "initrd")
        tree.mkdir()
        plant(tree, busybox, _INIT)
        initrd.write_bytes(pack(tree))
        command = [qemu, "-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults"]
        command += ["-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]
        command += ["-kernel", str(kernel.image), "-initrd", str(initrd)]
        command += ["-append", "console=ttyS0 panic=-1"]
        try:
            result = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return _SIGN.encode() in result.stdout


def kvm_works(qemu: str, kernel: Kernel, busybox: Path) -> bool:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    answer = CACHE / f"kvm-{boot_id}"
    if not answer.exists():
        works = _boots(qemu, kernel, busybox)
        for stale in CACHE.glob("kvm-*"):
            stale.unlink(missing_ok=True)
        answer.write_text("yes" if works else "no", encoding="ascii")
    return answer.read_text() == "yes"
