# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results as Markdown."""

from __future__ import annotations

from typing import Callable, Iterable

from goals import Verdict
from measurements import Boot, Results, Scene, measure_unit

COMPARED = ("glibc", "musl", "vfork")

MEASURES = {
    "total": "start and wait",
    "mean": "mean",
    "blocked": "caller blocked",
    "first": "to the first instruction",
    "commit": "commit charge",
    "page_tables": "page tables",
    "strict": "strict overcommit",
    "throughput": "throughput",
    "gap": "longest gap, median",
    "longest_gap": "longest gap of all",
    "idle_gap": "without starts",
    "waits": "contended locks",
    "wait": "time in them",
    "ours": "of those, taken by kspawn",
}

QUESTIONS = {
    "plain": "A start, nothing else asked",
    "first": "Up to the program's first instruction",
    "memory": "Memory of the caller",
    "descriptors": "Open descriptors",
    "closefrom": "Descriptors that a closefrom(3) closes",
    "actions": "File actions and attributes",
    "dups": "Many file actions of one kind",
    "arguments": "Arguments and environment",
    "strings": "Arguments, and idle threads of the caller",
    "threads": "Idle threads of the caller",
    "throughput": "Threads that start programs at once, on 2 CPUs",
    "locks": "Contended locks, 4 threads on 2 CPUs",
    "stall": "A thread that only counts, on another CPU",
    "failure": "A start that fails",
    "search": "A program that is searched for",
    "held": "Memory needed until the exec, and a start where memory is accounted strictly",
    "make": "Whole programs: a make build",
    "python": "Whole programs: a Python script that shells out",
    "traced": "The plain start, under kspawn-trace (windows, creds)",
    "erms": "The plain start, on a CPU with ERMS, which clears memory byte by byte",
}


EXPLANATION = (
    "Each figure is for one start of a static program of three instructions and the wait for"
    " its end: the median of a repetition's starts, and of several repetitions. *Spread* is the"
    " distance between the smallest and the largest repetition; *mean* is that of all starts,"
    " in which those are that the clock interrupts. *Caller blocked* is the part of a start that"
    " the caller spends inside the call that starts. *Run* is when and of which commit a row was"
    " measured. Ratios are of figures of the same boot, and blank if there is none."
    " Instructions are counted by the guest's clock, on one CPU without ERMS (of a rep"
    " instruction each round counts, and with ERMS a page is cleared in 4,096 rounds, not in"
    " 512, which is farther from what it takes in time); what is in time was measured"
    " on two emulated CPUs, and only its ratios mean something."
)
GATES = (
    "*Reached* and *missed* are of what we want. What makes `tests/bench/run` fail is the gate: the"
    " ratio on record in tests/bench/goals.json, and what boots of an unchanged tree differ by"
    " (tests/bench/spread.json)."
)
FLAMES = (
    "Where the instructions of a start and the wait go, in the kernel: samples of all CPUs by"
    " perf's cpu-clock, an instruction counter in these guests. It samples when interrupts are"
    " on: what runs with them off is seen where they are turned on again. What perf itself does"
    " in the kernel at an exec or a mapping (perf_event_...) is part of the picture."
)


def _table(header: list[str], rows: list[list[str]]) -> str:
    align = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, align, *rows])


def _ratio(of_kernel: Results, scene: Scene, way: str, to: str, measure: str = "total") -> str:
    """Of two ways, if their newest figures are of the same boot."""
    places = of_kernel.places.get(scene, {})
    boot = places.get(way)
    if boot is None or boot is not places.get(to):
        return ""
    value, base = (boot.cells[scene][one].values.get(measure) for one in (way, to))
    return f"{value / base:.3f}" if base and value is not None else ""


def _named(of_kernel: Results, name: str) -> str:
    way = of_kernel.way(name)
    return _bold(way.words, not way.ours)


def heading(scene: Scene) -> str:
    words: dict[str, Callable[[int], str]] = {
        "descriptors": lambda n: f"{n:,} open descriptors",
        "cloexec": lambda n: f"{n} % of them close-on-exec",
        "actions": lambda n: f"{n} file actions",
        "dups": lambda n: f"{n:,} times dup2, each to a descriptor of its own",
        "closefrom": lambda n: "closefrom(3)" if n else "",
        "attributes": lambda n: "SETSIGDEF, SETSIGMASK, SETPGROUP" if n else "no attributes",
        "missing": lambda n: "no such program",
        "bad_action": lambda n: "an action fails (EBADF)",
        "late": lambda n: "exec fails late (the interpreter is missing)",
        "resident": lambda n: f"{n:,} MiB touched, in pages of 4 KiB",
        "mappings": lambda n: f"{n:,} more mappings",
        "arguments": lambda n: f"{n:,} KiB of arguments and environment, half each",
        "strings": lambda n: f"{n:,} arguments of 64 bytes",
        "path": lambda n: f"{n:,} directories in PATH",
        "found": lambda n: f"it is in number {n}",
        "threads": lambda n: f"{n:,} thread{'s' if n > 1 else ''}",
        "spawners": lambda n: f"{n:,} threads at once",
    }
    return ", ".join(words[name](value) for name, value in scene.parameters)


def table(scene: Scene, boot: Results) -> str:
    ways = boot.cells[scene]
    unit = boot.unit(scene)
    compared = [way for way in COMPARED if way in ways]
    others = [m for m in next(iter(ways.values())).values if m != "total"]
    header = [f"Linux {boot.release}", unit, "spread"] + [f"/ {way}" for way in compared]
    for measure in others:
        of_measure = measure_unit(measure, unit)
        header.append(MEASURES.get(measure, measure) + (f", {of_measure}" if of_measure != unit else ""))
        if measure == "blocked":
            header.append("/ glibc")
    header.append("run")
    places = boot.places[scene]
    rows = []
    for way, cell in ways.items():
        row = [_named(boot, way), f"{cell.total:,.0f}", f"{cell.spread * 100:.1f} %"]
        row += [_ratio(boot, scene, way, other) for other in compared]
        for measure in others:
            value = cell.values.get(measure)
            row.append("" if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}")
            if measure == "blocked":
                row.append(_ratio(boot, scene, way, "glibc", measure))
        rows.append([*row, places[way].origin])
    return _table(header, rows)


def _words(verdict: Verdict) -> str:
    if verdict.ratio is None:
        on_record = f"; on record {verdict.on_record}" if verdict.on_record else ""
        return f"not measured{on_record}"
    word = "reached" if verdict.met else "missed"
    if not verdict.as_required:
        word += f", and {verdict.goal.required:g} is required"
    if verdict.beyond:
        word += f", and beyond the gate: {verdict.on_record} is on record"
    return word


def goals_table(verdicts: list[Verdict]) -> str:
    """For each kernel the ratio, whether it is what we want, the worst one that passes, and
    the run that measured it."""
    kernels = list(dict.fromkeys(verdict.kernel for verdict in verdicts))
    rows = []
    for goal in dict.fromkeys(verdict.goal.name for verdict in verdicts):
        of_goal = {v.kernel: v for v in verdicts if v.goal.name == goal}
        first = next(iter(of_goal.values())).goal
        bounds = list(dict.fromkeys(f"{first.bound(kernel):g}" for kernel in of_goal))
        row = [goal, f"{first.sign} {', '.join(bounds)}"]
        for kernel in kernels:
            verdict = of_goal.get(kernel)
            if verdict is None:
                row += ["", "", "", ""]
                continue
            row.append("" if verdict.ratio is None else f"{verdict.ratio:.3f}")
            row.append(_words(verdict))
            row.append("" if verdict.gate is None else f"{first.sign} {verdict.gate:.3f}")
            row.append(verdict.boot.origin if verdict.boot and verdict.ratio is not None else "")
        rows.append(row)
    header = ["goal", "ratio"]
    for kernel in kernels:
        header += [f"on {kernel}", "", "gate", "run"]
    return _table(header, rows)


def _bold(text: str, met: bool) -> str:
    return text if met else f"**{text}**"


def _short(verdict: Verdict) -> str:
    """The ratio, or that on record with its date; bold if it is not what we want."""
    if verdict.ratio is not None:
        return _bold(f"{verdict.ratio:.3f}", verdict.met)
    if (reached := verdict.on_record) is None:
        return "not measured"
    met = verdict.goal.within(reached.ratio, verdict.goal.bound(verdict.kernel))
    return f"{_bold(f'{reached.ratio:.3f}', met)}, {reached.date}"


def goals_short(verdicts: list[Verdict]) -> str:
    """For each kernel the ratio, and no more."""
    kernels = list(dict.fromkeys(verdict.kernel for verdict in verdicts))
    rows = []
    for goal in dict.fromkeys(verdict.goal.name for verdict in verdicts):
        of_goal = {v.kernel: v for v in verdicts if v.goal.name == goal}
        first = next(iter(of_goal.values())).goal
        bounds = dict.fromkeys(f"{first.bound(kernel):g}" for kernel in of_goal)
        row = [goal, f"{first.sign} {', '.join(bounds)}"]
        rows.append(row + [_short(of_goal[kernel]) if kernel in of_goal else "" for kernel in kernels])
    return _table(["goal", "ratio", *(f"on {kernel}" for kernel in kernels)], rows)


def limits(verdicts: list[Verdict]) -> str:
    """For each goal that is missed, what keeps us from it."""
    missed = {
        v.goal.name: v.goal.limit
        for v in verdicts
        if v.ratio is not None and not v.met and v.goal.limit
    }
    return "\n".join(f"- {name}: {limit}" for name, limit in missed.items())


def origins(boots: Iterable[Boot]) -> list[str]:
    """Where figures are from."""
    lines = []
    for boot in boots:
        said = boot.context
        lines.append(
            f"Linux {said['kernel']}, {boot.part}: glibc {said['glibc']}, musl {said['musl']}, QEMU"
            f" {said['qemu']} ({said['cpu']}), {said['options']}, commit {said['commit']},"
            f" on {said['measured']}"
        )
    return list(dict.fromkeys(lines))


def in_use(results: list[Results], verdicts: list[Verdict], scenes: Iterable[Scene]) -> list[Boot]:
    """The boots that these scenes and verdicts show figures of, by kernel, the oldest first."""
    shown = [v.boot for v in verdicts if v.boot and v.ratio is not None]
    shown += [
        place for boot in results for scene in scenes for place in boot.places.get(scene, {}).values()
    ]
    return [boot for of_kernel in results for boot in of_kernel.boots if boot in shown]


def _one(boot: Results, scene: Scene, way: str) -> list[str]:
    """A way's cost and its ratio to glibc's, or blanks."""
    ways = boot.cells.get(scene, {})
    if way not in ways:
        return ["", ""]
    return [f"{ways[way].total:,.0f}", _ratio(boot, scene, way, "glibc")]


def readme(results: list[Results], verdicts: list[Verdict]) -> str:
    """The plain cost on each kernel side by side, and the goals."""
    header = ["start and wait"]
    for boot in results:
        header += [f"Linux {boot.kernel}", "/ glibc"]
    plain = Scene("plain")
    header.append("run")
    rows = []
    for way in dict.fromkeys(way for boot in results for way in boot.ways):
        places = [boot.places[plain][way] for boot in results if way in boot.places.get(plain, {})]
        if places:
            row = [_named(results[0], way), *(text for boot in results for text in _one(boot, plain, way))]
            rows.append([*row, "; ".join(dict.fromkeys(place.origin for place in places))])
    goals_are = (
        "What we want to reach, and how far we are; the start and the wait are counted where"
        " nothing else is said. What is missed is bold; with a date, it was measured then, and is"
        " not gated:"
    )
    parts = [_table(header, rows), goals_are, goals_short(verdicts)]
    if why := limits(verdicts):
        parts += ["What limits those that are missed:", why]
    measured = origins(in_use(results, verdicts, [plain]))
    parts.append("Measured:\n\n" + "\n".join(f"- {origin}" for origin in measured))
    return "\n\n".join(parts)


def summary(results: list[Results], verdicts: list[Verdict]) -> str:
    """What is worth a terminal: the plain cost, and the goals."""
    parts = []
    for boot in results:
        parts += [table(scene, boot) for scene in boot.cells if scene.question == "plain"]
        parts += [f"- **not measured**: {error}" for error in boot.errors]
    if verdicts:
        parts.append(goals_table(verdicts))
    return "\n\n".join(parts) + "\n"


def whole(results: list[Results], verdicts: list[Verdict]) -> str:
    parts = ["# What it costs to start a program"]
    used = in_use(results, verdicts, (scene for boot in results for scene in boot.cells))
    parts.append("\n".join(f"- {origin}" for origin in origins(used)))
    parts.append(EXPLANATION)
    if verdicts:
        parts += [
            "## Goals",
            goals_table(verdicts),
            GATES,
        ]
        if why := limits(verdicts):
            parts += ["What limits those that are missed:", why]
    scenes = list(dict.fromkeys(scene for boot in results for scene in boot.cells))
    for question, title in QUESTIONS.items():
        of_question = [scene for scene in scenes if scene.question == question]
        if of_question:
            parts.append(f"## {title}")
        for scene in of_question:
            if scene.parameters:
                parts.append(f"### {heading(scene)}")
            parts += [table(scene, boot) for boot in results if scene in boot.cells]
    errors = [f"- Linux {boot.kernel}: {error}" for boot in results for error in boot.errors]
    if errors:
        parts += ["## Not measured", "\n".join(errors)]
    return "\n\n".join(parts) + "\n"
