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

import guests
import programs
from goals import Goal
from guests import BENCH, REPO
from measurements import COSTS, ERMS, PARALLEL, PROGRAMS, QEMU, Results, add, describe, load, part_of
from progress import Progress
from ways import Ways

# A part that has no figures.
FLAMES = "flames"
# In the boot of the costs, kspawn-bench runs once more for it while kspawn-trace looks on.
TRACED = "traced"


# A short run measures, besides the cells that gates are on, those of the first table of
# docs/costs.md, and those of its goals that have no gate yet.
SHORT = (
    r"^plain/(fork|vfork|glibc|glibc_trixie|glibc_sid|clone3|musl|musl_trixie|afork|kspawn"
    r"|kspawn_async|kspawn_wait)/|^tool/tool_|^pipeline/pipeline_|^threads/glibc_trixie/threads:4/"
)
# Seconds of the guest's clock for a repetition, and how many repetitions.  A repetition of
# the costs is the median of its starts, a hundred of a plain one, by a process of its own:
# it is between processes that figures differ, by 1,000 instructions.
MEASURE = {COSTS: (0.015, 7), ERMS: (0.015, 7), PARALLEL: (1.0, 5)}
# Room for the setting with 4 GiB of touched memory.
MEMORY = "6G"
# With what the emulator takes for itself.
MEMORY_ON_HOST = 8 << 30
GUESTS = {
    COSTS: ["--icount"],
    ERMS: ["--icount", "--erms"],
    # Each CPU in a thread of its own: else they would run in turns.
    PARALLEL: ["--smp", "4", "--parallel"],
}
# A kernel was once seen to die as it booted with --parallel, by QEMU 7.2.
BOOTS = {COSTS: 1, ERMS: 1, PARALLEL: 3}


@dataclass(frozen=True)
class Plan:
    """The order for a run."""

    bench: Path  # kspawn-bench
    out: Path
    short: str | None  # a filter, if it is only that of a short run
    filter: str | None
    run: str  # names this call of tests/bench/run, for what it has measured
    ways: Ways

    def flames(self, kernel: str) -> Path:
        return self.out / "flames" / kernel

    @property
    def starting(self) -> list[str]:
        """The ways to start a program, not those of whole programs."""
        return [name for name, way in self.ways.items() if not (way.whole or way.left_out)]

    def last(self, kernel: str, part: str) -> Path:
        """Where the last boot has left its results."""
        return self.out / "last" / f"{kernel}.{part}"

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
    """The cells of a part that kspawn-bench will measure, in order."""
    command = [str(bench), f"--parts={part}", f"--benchmark_filter={pattern}", "--benchmark_list_tests"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    names = [re.sub(r"(/iterations:\d+)?/manual_time$", "", line) for line in said.splitlines()]
    home = COSTS if part == TRACED else part
    if strange := [name for name in names if part_of(name) != home]:
        raise ValueError(f"{part} has no {', '.join(strange)}")
    return names


def _emulator(part: str) -> Path | None:
    """The QEMU for a part, if it is not that of the host: a newer one, if it can be had, for
    CPUs in threads of their own."""
    if part != PARALLEL:
        return None
    said = subprocess.run([str(REPO / "qemu" / "kernels" / "emulator")], stdout=subprocess.PIPE, text=True, check=False)
    return Path(said.stdout.strip()) if said.returncode == 0 and said.stdout.strip() else None


def _one_boot(
    kernel: str, part: str, pattern: str, out: Path, plan: Plan, task: str, progress: Progress
) -> dict[str, Any] | None:
    """Run kspawn-bench in one boot, which may write to the directory `out`; all that it has
    measured, and where it is from."""
    seconds, repetitions = MEASURE[part]
    flags = [*GUESTS[part], "--mem", MEMORY]
    measuring = [f"--benchmark_min_time={seconds}", f"--benchmark_repetitions={repetitions}"]
    emulator = _emulator(part)
    context = describe(REPO, str(emulator) if emulator else QEMU) | {"run": plan.run}
    context["options"] = f"qemu/vm {' '.join(flags)}, kspawn-bench {' '.join(measuring)}"
    if emulator:
        flags += ["--qemu", str(emulator)]
    command = [str(BENCH / "guest"), str(out / "results.json"), str(plan.bench), f"--parts={part}"]
    command += [f"--benchmark_filter={pattern}", *measuring, "--benchmark_display_aggregates_only=true"]
    if part == PARALLEL:
        # The host is not the same all the time, but so for all ways.
        command += ["--benchmark_enable_random_interleaving=true"]
    names = _names(plan.bench, part, pattern)
    if part == COSTS and (traced := _names(plan.bench, TRACED, pattern)):
        flags += ["--env", "TRACED=yes"]
        names += traced
    well = guests.run(kernel, flags, command, out, task, progress, guests.follow(names))
    data = guests.results(out)
    if data is not None:
        data["context"] |= context
        if not well:
            data["incomplete"] = True
    return data


def _cells(kernel: str, part: str, plan: Plan, task: str, progress: Progress) -> bool:
    for _ in range(BOOTS[part]):
        data = _one_boot(kernel, part, plan.pattern, plan.last(kernel, part), plan, task, progress)
        if data is not None:
            add(plan.output(kernel, part), data)
            return not data.get("incomplete", False)
    return False


def _programs(kernel: str, plan: Plan, task: str, progress: Progress) -> bool:
    """Whole programs, each measured by a script of its own."""
    benchmarks: list[dict[str, Any]] = []
    context = describe(REPO) | {"run": plan.run}
    context["options"] = ", ".join(f"tests/bench/{program.command}" for program in programs.ALL)
    complete = True
    for program in programs.ALL:
        out = plan.last(kernel, program.command)
        progress.doing(task, f"tests/bench/{program.command}")
        well, data = programs.measure(program, program.options, kernel, out, task, progress)
        complete = complete and well
        if data is not None:
            benchmarks += data["benchmarks"]
            context = data["context"] | context
    if benchmarks:
        add(plan.output(kernel, PROGRAMS), {"context": context, "benchmarks": benchmarks})
    return complete and bool(benchmarks)


def _flames(kernel: str, plan: Plan, task: str, progress: Progress) -> bool:
    """Folded stacks of each way's plain start, into a directory of the kernel's."""
    ways = [way for way in plan.starting if re.search(plan.filter or ".", f"plain/{way}/")]
    out = plan.flames(kernel)
    for way in ways:
        (out / f"{way}.folded").unlink(missing_ok=True)

    def said(lines: Iterable[str], task: str, progress: Progress) -> None:
        for done, line in enumerate(lines, start=1):
            progress.step(task, f"{done}/{len(ways)} {line.strip()}")
            if done < len(ways):
                progress.doing(task, f"{done + 1}/{len(ways)} {ways[done]}")

    command = [str(BENCH / "flames_guest"), str(out), str(plan.bench), *ways]
    return guests.run(kernel, ["--icount", "--mem", "2G"], command, out, task, progress, said)


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
        out = again(plan, kernel) / str(number)
        data = _one_boot(kernel, COSTS, pattern, out, plan, task, progress)
        if data is not None:
            out.with_suffix(".json").write_text(json.dumps(data, indent=2) + "\n")
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
    """The results of again_and_again()."""
    paths = sorted(again(plan, kernel).glob("*.json"))
    return load(kernel, [(COSTS, path) for path in paths if path.stem.isdecimal()])
