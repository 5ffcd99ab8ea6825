# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot for each part of what is measured: its guest, and what comes out of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import page
from measurements import COSTS, PARALLEL, PROGRAMS, describe

# A part that has no figures.
FLAMES = "flames"

BENCH = Path(__file__).resolve().parent.parent
REPO = BENCH.parent.parent
VM = REPO / "qemu" / "vm"
TIMEOUT = 6 * 3600

# What the goals are about, and the ways that everybody knows.
SHORT = (
    r"^plain/(fork|vfork|glibc|musl|kspawn)/"
    r"|^failure/(fork|vfork|glibc|musl|kspawn)/missing:1/"
    r"|^actions/(fork|vfork|glibc|musl|kspawn)/actions:8/attributes:1/"
    r"|^descriptors/(fork|vfork|glibc|musl|kspawn)/descriptors:20000/cloexec:100/"
    r"|^descriptors/(glibc|kspawn)/descriptors:20000/cloexec:0/"
    r"|^descriptors/kspawn/descriptors:1000000/"
    r"|^memory/kspawn/resident:(1|4096)/"
    r"|^traced/(glibc|kspawn)/"
)
# Measured again while kspawn-trace looks on: "plain" then is "traced".
TRACED = ("vfork", "glibc", "kspawn")
# Seconds of the guest's clock for a repetition, and how many repetitions.
SHORT_MEASURE = (0.03, 7)
MEASURE = {COSTS: (0.03, 5), PARALLEL: (1.0, 5)}
# Room for the scene with 4 GiB of touched memory.
MEMORY = "6G"
# With what the emulator takes for itself.
MEMORY_ON_HOST = 8 << 30
GUESTS = {
    COSTS: ["--icount"],
    # Each CPU in a thread of its own: else they would run in turns.
    PARALLEL: ["--smp", "2", "--parallel"],
}
# What counts whole programs, by the question that it answers.
SCRIPTS = {"make": "make_build", "python": "python_script"}
# A kernel was once seen to die as it booted with --parallel.
BOOTS = {COSTS: 1, PARALLEL: 3}


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    bench: Path  # kspawn-bench
    out: Path
    short: bool
    filter: str | None

    def flames(self, kernel: str) -> Path:
        return self.out / "flames" / kernel

    def output(self, kernel: str, part: str) -> Path:
        return self.out / f"{kernel}.{part}.json"


def _say(kernel: str, text: str) -> None:
    print(f"{kernel}: {text}", file=sys.stderr, flush=True)


def _merge(into: Path, more: Path) -> None:
    if more.exists() and into.exists():
        whole = json.loads(into.read_text())
        whole["benchmarks"] += json.loads(more.read_text())["benchmarks"]
        into.write_text(json.dumps(whole, indent=2) + "\n")
        more.unlink()


def _cells(kernel: str, part: str, plan: Plan) -> bool:
    """Run kspawn-bench in one boot; say how it goes."""
    pattern = plan.filter or (SHORT if plan.short else ".")
    seconds, repetitions = SHORT_MEASURE if plan.short else MEASURE[part]
    output = plan.output(kernel, part)
    of_traced = output.with_suffix(".traced.json")
    output.unlink(missing_ok=True)
    of_traced.unlink(missing_ok=True)
    guest = [*GUESTS[part], "--mem", MEMORY]
    command = [str(VM), "--kernel", kernel, *guest, "--share", str(plan.out)]
    command += ["--timeout", str(TIMEOUT), "--log", str(output.with_suffix(".log"))]
    traced = [way for way in TRACED if re.search(pattern, f"traced/{way}/")]
    if traced and part == COSTS:
        command += ["--env", f"TRACED=^plain/({'|'.join(traced)})/"]
    context = describe(REPO)
    context["options"] = f"qemu/vm {' '.join(guest)}, kspawn-bench --benchmark_min_time={seconds}"
    context["options"] += f" --benchmark_repetitions={repetitions}"
    command += ["--", str(BENCH / "guest"), str(output), str(plan.bench), f"--parts={part}"]
    command += [f"--benchmark_filter={pattern}", f"--benchmark_min_time={seconds}"]
    command += [f"--benchmark_repetitions={repetitions}"]
    command += ["--benchmark_display_aggregates_only=true"]
    if part == PARALLEL:
        # The host is not the same all the time, but so for all ways.
        command += ["--benchmark_enable_random_interleaving=true"]
    said = output.with_suffix(".stderr")
    with said.open("w") as stderr, subprocess.Popen(
        command, cwd=REPO, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as vm:
        assert vm.stdout is not None
        for line in vm.stdout:
            if median := re.match(r"(\S+)/manual_time_median\s+(\d+) ns", line):
                _say(kernel, f"{median[1]}: {int(median[2]):,}")
            elif "ERROR OCCURRED" in line:
                _say(kernel, line.rstrip())
    _merge(output, of_traced)
    if output.exists():
        whole = json.loads(output.read_text())
        whole["context"] |= context
        output.write_text(json.dumps(whole, indent=2) + "\n")
    if vm.returncode != 0 or not output.exists():
        print(said.read_text(), end="", file=sys.stderr)
        _say(kernel, f"incomplete (qemu/vm: exit status {vm.returncode})")
    return vm.returncode == 0 and output.exists()


def _programs(kernel: str, plan: Plan) -> bool:
    """Whole programs, each counted by a script of its own."""
    output = plan.output(kernel, PROGRAMS)
    output.unlink(missing_ok=True)
    benchmarks = []
    context = describe(REPO)
    well = True
    for question, script in SCRIPTS.items():
        command = [str(BENCH / script), "--kernel", kernel]
        done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
        well = well and done.returncode == 0
        if done.returncode != 0:
            print(done.stdout, done.stderr, file=sys.stderr)
        for line in done.stdout.splitlines():
            # A count is one of thousands: its clock has microseconds.
            if count := re.search(r"# (?:build|script) (\w+) (\d+) thousand$", line):
                instructions = int(count[2]) * 1000
                benchmarks.append(
                    {
                        "run_name": f"{question}/{count[1]}",
                        "run_type": "iteration",
                        "real_time": instructions,
                    }
                )
                _say(kernel, f"{question}/{count[1]}: {instructions:,}")
            elif release := re.search(r"# kernel (\S+)$", line):
                context["kernel"] = release[1]
            elif cpu := re.search(r"# cpu (.+)$", line):
                context["cpu"] = cpu[1]
            elif glibc := re.search(r"# glibc (\S+)$", line):
                context["glibc"] = glibc[1]
    context |= {"unit": "instructions", "options": ", ".join(f"tests/bench/{s}" for s in SCRIPTS.values())}
    if benchmarks:
        output.write_text(json.dumps({"context": context, "benchmarks": benchmarks}, indent=2) + "\n")
    return well and bool(benchmarks)


def _flames(kernel: str, plan: Plan) -> bool:
    """Folded stacks of each way's plain start, into a directory of the kernel's."""
    out = plan.flames(kernel)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    ways = [way for way in page.WAYS if re.search(plan.filter or ".", f"plain/{way}/")]
    command = [str(VM), "--kernel", kernel, "--icount", "--mem", "2G", "--share", str(out)]
    command += ["--timeout", str(TIMEOUT), "--", str(BENCH / "flames_guest"), str(out)]
    command += [str(plan.bench), *ways]
    done = subprocess.run(
        command, cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        _say(kernel, f"{FLAMES}: incomplete (qemu/vm: exit status {done.returncode})")
    return done.returncode == 0


def _measure(kernel: str, part: str, plan: Plan) -> bool:
    _say(kernel, f"{part}: booting")
    if part == FLAMES:
        return _flames(kernel, plan)
    if part == PROGRAMS:
        return _programs(kernel, plan)
    for _ in range(BOOTS[part]):
        well = _cells(kernel, part, plan)
        if well or plan.output(kernel, part).exists():
            break
    return well


def _guests_at_once(part: str) -> int:
    """Instructions are the same however busy the machine is; times are not."""
    if part == PARALLEL:
        return 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory // MEMORY_ON_HOST))


def measure(kernels: Sequence[str], part: str, plan: Plan) -> list[str]:
    """The kernels of which not all of this part was measured."""
    with ThreadPoolExecutor(_guests_at_once(part)) as pool:
        well = list(pool.map(lambda kernel: _measure(kernel, part, plan), kernels))
    return [kernel for kernel, all_of_it in zip(kernels, well) if not all_of_it]
