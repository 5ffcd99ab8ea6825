# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot for each part of what is measured: its guest, and what comes out of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Sequence

from goals import Goal
from measurements import COSTS, ERMS, PARALLEL, PROGRAMS, Results, add, describe, load, part_of
from progress import Progress
from ways import Ways

# A part that has no figures.
FLAMES = "flames"
# In the boot of the costs, kspawn-bench runs once more for it while kspawn-trace looks on.
TRACED = "traced"

BENCH = Path(__file__).resolve().parent.parent
REPO = BENCH.parent.parent
VM = REPO / "qemu" / "vm"
TIMEOUT = 6 * 3600

# Of a short run, besides what gates are on: what README's first table shows.
SHORT = r"^plain/(fork|vfork|glibc|clone3|musl|afork|kspawn|kspawn_async|kspawn_wait)/"
# Seconds of the guest's clock for a repetition, and how many repetitions.  Of the costs a
# repetition is the median of its starts, a hundred of a plain one, by a process of its own:
# it is between processes that figures differ, by 1,000 instructions.
MEASURE = {COSTS: (0.015, 7), ERMS: (0.015, 7), PARALLEL: (1.0, 5)}
# Room for the scene with 4 GiB of touched memory.
MEMORY = "6G"
# With what the emulator takes for itself.
MEMORY_ON_HOST = 8 << 30
GUESTS = {
    COSTS: ["--icount"],
    ERMS: ["--icount", "--erms"],
    # Each CPU in a thread of its own: else they would run in turns.
    PARALLEL: ["--smp", "2", "--parallel"],
}
# What counts whole programs, by the question that it answers.
SCRIPTS = {"make": "make_build", "python": "python_script"}
# A kernel was once seen to die as it booted with --parallel.
BOOTS = {COSTS: 1, ERMS: 1, PARALLEL: 3}


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    bench: Path  # kspawn-bench
    out: Path
    short: str | None  # a filter, if it is only that of a short run
    filter: str | None
    run: str  # names this call of tests/bench/run, for what it has measured
    ways: Ways

    def flames(self, kernel: str) -> Path:
        return self.out / "flames" / kernel

    def output(self, kernel: str, part: str) -> Path:
        """All that was measured, of this run and others."""
        return self.out / f"{kernel}.{part}.json"

    @property
    def pattern(self) -> str:
        return self.filter or self.short or "."


def short(goals: Sequence[Goal]) -> str:
    """A filter for a short run."""
    return f"{SHORT}|{gated(goals)}"


def gated(goals: Sequence[Goal]) -> str:
    """A filter for the cells that gates are on."""
    cells = dict.fromkeys(cell for goal in goals if goal.gate for cell in goal.cells)
    assert all(part_of(cell) == COSTS for cell in cells), "what is gated is counted in instructions"
    return f"^({'|'.join(cells)})/"


def _names(bench: Path, part: str, pattern: str) -> list[str]:
    """What kspawn-bench will measure of a part, in order."""
    command = [str(bench), f"--parts={part}", f"--benchmark_filter={pattern}", "--benchmark_list_tests"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    names = [re.sub(r"(/iterations:\d+)?/manual_time$", "", line) for line in said.splitlines()]
    home = COSTS if part == TRACED else part
    if strange := [name for name in names if part_of(name) != home]:
        raise ValueError(f"{part} has no {', '.join(strange)}")
    return names


def follow(lines: Iterable[str], task: str, names: list[str], progress: Progress) -> None:
    """Say how it goes, from what tests/bench/guest prints while it measures what is named."""
    done = 0
    for line in lines:
        if median := re.match(r"(\S+)/manual_time_median\s+(\d+) ns", line):
            name = re.sub(r"/iterations:\d+$", "", median[1])
            done += 1
            progress.step(task, f"{done}/{len(names)} {name}: {int(median[2]):,}")
        elif "ERROR OCCURRED" in line:
            done += 1
            progress.say(task, line.rstrip())
        elif line != "measuring\n":
            continue
        if done < len(names):
            progress.doing(task, f"{done + 1}/{len(names)} {names[done]}")


def _one_boot(
    kernel: str, part: str, pattern: str, output: Path, plan: Plan, task: str, progress: Progress
) -> dict[str, Any] | None:
    """Run kspawn-bench in one boot, its JSON into `output`; what is in there, and the
    traced, and where it is from."""
    seconds, repetitions = MEASURE[part]
    of_traced = output.with_suffix(".traced.json")
    output.unlink(missing_ok=True)
    of_traced.unlink(missing_ok=True)
    guest = [*GUESTS[part], "--mem", MEMORY]
    command = [str(VM), "--kernel", kernel, *guest, "--share", str(output.parent)]
    command += ["--timeout", str(TIMEOUT), "--log", str(output.with_suffix(".log"))]
    names = _names(plan.bench, part, pattern)
    if part == COSTS and (traced := _names(plan.bench, TRACED, pattern)):
        command += ["--env", "TRACED=yes"]
        names += traced
    context = describe(REPO) | {"run": plan.run}
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
        follow(vm.stdout, task, names, progress)
    data: dict[str, Any] | None = None
    if output.exists():
        data = json.loads(output.read_text())
        assert data is not None
        data["context"] |= context
        if of_traced.exists():
            data["benchmarks"] += json.loads(of_traced.read_text())["benchmarks"]
    if vm.returncode != 0 or data is None:
        for line in said.read_text().splitlines():
            progress.say(task, line)
        progress.say(task, f"incomplete (qemu/vm: exit status {vm.returncode})")
        if data is not None:
            data["incomplete"] = True
    return data


def _cells(kernel: str, part: str, plan: Plan, task: str, progress: Progress) -> bool:
    raw = plan.out / "last" / f"{kernel}.{part}.json"
    raw.parent.mkdir(exist_ok=True)
    for _ in range(BOOTS[part]):
        data = _one_boot(kernel, part, plan.pattern, raw, plan, task, progress)
        if data is not None:
            add(plan.output(kernel, part), data)
            return not data.get("incomplete", False)
    return False


def _programs(kernel: str, plan: Plan, task: str, progress: Progress) -> bool:
    """Whole programs, each counted by a script of its own."""
    benchmarks = []
    context = describe(REPO) | {"run": plan.run}
    well = True
    for number, (question, script) in enumerate(SCRIPTS.items()):
        progress.doing(task, f"{number + 1}/{len(SCRIPTS)} tests/bench/{script}")
        command = [str(BENCH / script), "--kernel", kernel]
        done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
        well = well and done.returncode == 0
        if done.returncode != 0:
            for line in [*done.stdout.splitlines(), *done.stderr.splitlines()]:
                progress.say(task, line)
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
                progress.step(task, f"{question}/{count[1]}: {instructions:,}")
            elif release := re.search(r"# kernel (\S+)$", line):
                context["kernel"] = release[1]
            elif cpu := re.search(r"# cpu (.+)$", line):
                context["cpu"] = cpu[1]
            elif glibc := re.search(r"# glibc (\S+)$", line):
                context["glibc"] = glibc[1]
    context |= {"unit": "instructions", "options": ", ".join(f"tests/bench/{s}" for s in SCRIPTS.values())}
    if benchmarks:
        add(plan.output(kernel, PROGRAMS), {"context": context, "benchmarks": benchmarks})
    return well and bool(benchmarks)


def _flames(kernel: str, plan: Plan, task: str, progress: Progress) -> bool:
    """Folded stacks of each way's plain start, into a directory of the kernel's."""
    ways = [way for way in plan.ways if re.search(plan.filter or ".", f"plain/{way}/")]
    out = plan.flames(kernel)
    out.mkdir(parents=True, exist_ok=True)
    for way in ways:
        (out / f"{way}.folded").unlink(missing_ok=True)
    command = [str(VM), "--kernel", kernel, "--icount", "--mem", "2G", "--share", str(out)]
    command += ["--timeout", str(TIMEOUT), "--", str(BENCH / "flames_guest"), str(out)]
    command += [str(plan.bench), *ways]
    said = out / "stderr"
    with said.open("w") as stderr, subprocess.Popen(
        command, cwd=REPO, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as vm:
        assert vm.stdout is not None
        for done, line in enumerate(vm.stdout, start=1):
            progress.step(task, f"{done}/{len(ways)} {line.strip()}")
            if done < len(ways):
                progress.doing(task, f"{done + 1}/{len(ways)} {ways[done]}")
    if vm.returncode != 0:
        for line in said.read_text().splitlines():
            progress.say(task, line)
        progress.say(task, f"incomplete (qemu/vm: exit status {vm.returncode})")
    return vm.returncode == 0


def _measure(kernel: str, part: str, plan: Plan, progress: Progress) -> bool:
    task = f"{kernel} {part}"
    progress.doing(task, "booting")
    if part == FLAMES:
        well = _flames(kernel, plan, task, progress)
    elif part == PROGRAMS:
        well = _programs(kernel, plan, task, progress)
    else:
        well = _cells(kernel, part, plan, task, progress)
    progress.done(task)
    return well


def _guests_at_once(part: str) -> int:
    """Instructions are the same however busy the machine is; times are not."""
    if part == PARALLEL:
        return 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory // MEMORY_ON_HOST))


def measure(kernels: Sequence[str], part: str, plan: Plan, progress: Progress) -> list[str]:
    """The kernels of which not all of this part was measured."""
    with ThreadPoolExecutor(_guests_at_once(part)) as pool:
        well = list(pool.map(lambda kernel: _measure(kernel, part, plan, progress), kernels))
    return [kernel for kernel, all_of_it in zip(kernels, well) if not all_of_it]


def again(plan: Plan, kernel: str) -> Path:
    """Where the boots of one kernel are that measure() was not asked for but again_and_again()."""
    return plan.out / "spread" / kernel


def again_and_again(
    kernels: Sequence[str], count: int, pattern: str, plan: Plan, progress: Progress
) -> list[str]:
    """Boot each kernel `count` times for the same cells; the boots that failed."""

    def one(kernel: str, number: int) -> str | None:
        task = f"{kernel} boot {number}/{count}"
        progress.doing(task, "booting")
        path = again(plan, kernel) / f"{number}.json"
        data = _one_boot(kernel, COSTS, pattern, path, plan, task, progress)
        if data is not None:
            path.write_text(json.dumps(data, indent=2) + "\n")
        progress.done(task)
        return task if data is None or data.get("incomplete") else None

    for kernel in kernels:
        shutil.rmtree(again(plan, kernel), ignore_errors=True)
        again(plan, kernel).mkdir(parents=True)
    tasks = [(kernel, number + 1) for number in range(count) for kernel in kernels]
    with ThreadPoolExecutor(_guests_at_once(COSTS)) as pool:
        failed = list(pool.map(lambda task: one(*task), tasks))
    return [f"{task}: incomplete" for task in failed if task is not None]


def boots_of(kernel: str, plan: Plan) -> Results:
    """What again_and_again() has measured."""
    paths = sorted(again(plan, kernel).glob("[0-9]*.json"))
    return load(kernel, [(COSTS, path) for path in paths if path.suffixes == [".json"]])
