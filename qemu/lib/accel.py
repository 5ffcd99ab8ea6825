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
from initramfs import Archive

_PROBE_SECONDS = 10
_SIGN = "kspawn-vm: KVM works"

_INIT = f"""#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
echo "{_SIGN}" >/dev/kmsg
exec /bin/busybox reboot -f
"""


def _boots(qemu: str, kernel: Kernel, busybox: Path) -> bool:
    archive = Archive()
    for name in ("bin", "dev"):
        archive.directory(name)
    archive.character_device("dev/console", 5, 1)
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    archive.file("init", _INIT.encode(), 0o755)
    with tempfile.NamedTemporaryFile(prefix="kspawn-vm-") as initrd:
        initrd.write(archive.bytes())
        initrd.flush()
        command = [qemu, "-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults"]
        command += ["-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]
        command += ["-kernel", str(kernel.image), "-initrd", initrd.name]
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
