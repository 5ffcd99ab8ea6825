# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results as Markdown."""

from __future__ import annotations

from goals import TOLERANCE, Verdict
from results import Cell, Results, Scene

WAYS = {
    "fork": "fork, execve",
    "vfork": "vfork, execve, nothing else",
    "glibc": "posix_spawn of glibc",
    "clone3": "posix_spawn with CLONE_CLEAR_SIGHAND",
    "musl": "posix_spawn of musl",
    "error_pipe": "clone(CLONE_VM), error pipe",
    "afork": "afork",
    "thread": "helper thread, vfork",
    "pool": "pool of vforked workers",
    "popen": "popen",
    "system": "system",
    "preload": "posix_spawn, libkspawn-preload",
    "kspawn": "**kspawn**",
}
COMPARED = ("glibc", "musl", "vfork")

QUESTIONS = {
    "plain": "A start, nothing else asked",
    "descriptors": "Open descriptors",
    "actions": "File actions and attributes",
    "failure": "A program that is not there",
    "memory": "Memory of the caller",
    "arguments": "Arguments",
    "traced": "The plain start, under kspawn-trace (windows, creds)",
}


def _table(header: list[str], rows: list[list[str]]) -> str:
    align = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, align, *rows])


def _ratio(cell: Cell, ways: dict[str, Cell], way: str, measure: str = "total") -> str:
    if way not in ways:
        return ""
    return f"{getattr(cell, measure) / getattr(ways[way], measure):.3f}"


def _heading(scene: Scene) -> str:
    words = {
        "descriptors": lambda n: f"{n:,} open descriptors",
        "cloexec": lambda n: f"{n} % of them close-on-exec",
        "actions": lambda n: f"{n} file actions",
        "attributes": lambda n: "SETSIGDEF, SETSIGMASK, SETPGROUP" if n else "no attributes",
        "missing": lambda n: "ENOENT",
        "resident": lambda n: f"{n:,} MiB touched, in pages of 4 KiB",
        "mappings": lambda n: f"{n:,} more mappings",
        "arguments": lambda n: f"{n:,} KiB of arguments",
    }
    return ", ".join(words[name](value) for name, value in scene.parameters)


def _scene(scene: Scene, boot: Results) -> str:
    ways = boot.cells[scene]
    unit = boot.context["unit"]
    header = [f"Linux {boot.context['kernel']}", unit, "spread"]
    header += [f"/ {way}" for way in COMPARED] + ["caller blocked", "/ glibc"]
    rows = [
        [WAYS.get(way, way), f"{cell.total:,.0f}", f"{cell.spread * 100:.1f} %"]
        + [_ratio(cell, ways, other) for other in COMPARED]
        + [f"{cell.blocked:,.0f}", _ratio(cell, ways, "glibc", "blocked")]
        for way, cell in ways.items()
    ]
    return _table(header, rows)


def goals_table(verdicts: list[Verdict]) -> str:
    kernels = list(dict.fromkeys(verdict.kernel for verdict in verdicts))
    rows = []
    for goal in dict.fromkeys(verdict.goal.name for verdict in verdicts):
        of_goal = {v.kernel: v for v in verdicts if v.goal.name == goal}
        row = [goal, f"{next(iter(of_goal.values())).goal.at_most:g}"]
        for kernel in kernels:
            verdict = of_goal.get(kernel)
            if verdict is None:
                row += ["", ""]
                continue
            word = "reached" if verdict.met else "missed"
            if verdict.goal.required is not None and verdict.ratio > verdict.goal.required:
                word += f", and {verdict.goal.required:g} is required"
            if verdict.worse:
                word += f", and worse than {verdict.goal.reached[kernel]:.3f} before"
            row += [f"{verdict.ratio:.3f}", word]
        rows.append(row)
    header = ["goal", "at most"]
    for kernel in kernels:
        header += [f"on {kernel}", ""]
    return _table(header, rows)


def _origin(boot: Results) -> str:
    """Where a boot's figures are from."""
    said = boot.context
    return (
        f"Linux {said['kernel']}, glibc {said['glibc']}, musl {said['musl']}, QEMU {said['qemu']}"
        f" ({said['cpu']}), commit {said['commit']}, on {said['measured']}"
    )


def _one(boot: Results, scene: Scene, way: str) -> list[str]:
    """A way's cost and its ratio to glibc's, or blanks."""
    ways = boot.cells.get(scene, {})
    if way not in ways:
        return ["", ""]
    return [f"{ways[way].total:,.0f}", _ratio(ways[way], ways, "glibc")]


def readme(results: list[Results], verdicts: list[Verdict]) -> str:
    """The plain cost on each kernel side by side, and the goals."""
    header = ["start and wait"]
    for boot in results:
        header += [f"Linux {boot.kernel}", "/ glibc"]
    plain = Scene("plain", ())
    measured = {way for boot in results for way in boot.cells.get(plain, {})}
    rows = [
        [words, *(text for boot in results for text in _one(boot, plain, way))]
        for way, words in WAYS.items()
        if way in measured
    ]
    goals_are = (
        "What we want to reach, and how far we are; all but the third count the start and the"
        " wait:"
    )
    origin = "Measured:\n\n" + "\n".join(f"- {_origin(boot)}" for boot in results)
    return "\n\n".join([_table(header, rows), goals_are, goals_table(verdicts), origin])


def summary(results: list[Results], verdicts: list[Verdict]) -> str:
    """What is worth a terminal: the plain cost, and the goals."""
    parts = []
    for boot in results:
        parts += [_scene(scene, boot) for scene in boot.cells if scene.question == "plain"]
        parts += [f"- **not measured**: {error}" for error in boot.errors]
    if verdicts:
        parts.append(goals_table(verdicts))
    return "\n\n".join(parts) + "\n"


def whole(results: list[Results], verdicts: list[Verdict]) -> str:
    parts = ["# What it costs to start a program"]
    parts.append("\n".join(f"- {_origin(boot)}" for boot in results))
    parts.append(
        "Each figure is the median of several repetitions, for one start of a static program of"
        " three instructions and the wait for its end.  *Spread* is the distance between the"
        " smallest and the largest repetition.  *Caller blocked* is the part of it that the"
        " caller spends inside the call that starts.  Ratios are of figures of the same boot."
    )
    if verdicts:
        parts += [
            "## Goals",
            goals_table(verdicts),
            "A ratio that is worse than the one recorded in tests/bench/goals.json by more than"
            f" {TOLERANCE:.0%}, or than what is required there, makes `tests/bench/run` fail.",
        ]
    scenes = list(dict.fromkeys(scene for boot in results for scene in boot.cells))
    for question, title in QUESTIONS.items():
        of_question = [scene for scene in scenes if scene.question == question]
        if of_question:
            parts.append(f"## {title}")
        for scene in of_question:
            if scene.parameters:
                parts.append(f"### {_heading(scene)}")
            parts += [_scene(scene, boot) for boot in results if scene in boot.cells]
    errors = [f"- Linux {boot.kernel}: {error}" for boot in results for error in boot.errors]
    if errors:
        parts += ["## Not measured", "\n".join(errors)]
    return "\n\n".join(parts) + "\n"
