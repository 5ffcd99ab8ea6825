# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results as tables, and as the page that has them all: data, which templates draw
(page.html.jinja, results.md.jinja, record.md.jinja and headline.md.jinja, beside this file)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable

import jinja2

from goals import GoalResult
from measurements import Boot, Results, Setting, measure_unit
from plots import Plot

# The divisor of the others: in the page, in the table on record, and in the page's callers' times.
COMPARED = ("glibc", "glibc_trixie", "musl", "musl_trixie", "vfork")
COMPARED_SHORT = ("glibc", "glibc_trixie")
COMPARED_BLOCKED = ("glibc", "glibc_trixie")
COMPARED_SETTINGS = ("vfork", "clone3", "glibc", "glibc_trixie")

# The questions whose settings have a row each in the table on record, and the way that is shown.
ON_RECORD = ("dynamic", "search", "closefrom", "dups", "words")
SHOWN = "kspawn"

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
    "dynamic": "/bin/true, a program with a dynamic loader and a C library, until it has ended",
    "memory": "Memory of the caller",
    "descriptors": "Open descriptors",
    "closefrom": "Descriptors that a closefrom(3) closes",
    "actions": "File actions and attributes",
    "dups": "Many file actions of one kind",
    "arguments": "Arguments and environment",
    "strings": "Arguments, and idle threads of the caller",
    "words": "Many short arguments, and idle threads of the caller",
    "threads": "Idle threads of the caller",
    "throughput": "Threads that start programs at once, on 4 emulated CPUs",
    "locks": "Contended locks, 4 threads on 4 CPUs",
    "stall": "A thread that only counts, on another CPU",
    "failure": "A start that fails",
    "search": "A program that is searched for",
    "tool": "A tool call, until its output and its status are there",
    "pipeline": "Three programs connected by pipes, until all have ended",
    "held": "Memory needed until the exec, and a start where memory is accounted strictly",
    "make": "Whole programs: a make build",
    "python": "Whole programs: a Python script that shells out",
    "process": "A process that starts nothing, and loads the preload library or not",
    "traced": "The plain start, under kspawn-trace (windows, creds)",
    "erms": "The plain start, on a CPU with ERMS, which clears memory byte by byte",
}


@dataclass(frozen=True)
class Entry:
    """The text in one place of a table."""

    text: str
    mark: str = ""  # what it says, for how it is drawn: "ours", "reached", "missed"

    def __str__(self) -> str:
        return f"**{self.text}**" if self.mark == "ours" else self.text


@dataclass(frozen=True)
class Table:
    """As text it is Markdown."""

    header: list[str]
    rows: list[list[Entry]]

    @classmethod
    def of(cls, header: list[str], rows: Iterable[Iterable[str | Entry]]) -> Table:
        return cls(header, [[Entry(one) if isinstance(one, str) else one for one in row] for row in rows])

    def __str__(self) -> str:
        align = ["---"] + ["---:"] * (len(self.header) - 1)
        rows = [self.header, align, *(list(map(str, row)) for row in self.rows)]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _ratio(of_kernel: Results, setting: Setting, way: str, to: str, measure: str = "total") -> str:
    """Between two ways, if their newest figures are of the same boot."""
    places = of_kernel.places.get(setting, {})
    boot = places.get(way)
    if boot is None or boot is not places.get(to):
        return ""
    value, base = (boot.cells[setting][one].values.get(measure) for one in (way, to))
    return f"{value / base:.3f}" if base and value is not None else ""


def heading(setting: Setting) -> str:
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
        "words": lambda n: f"{n:,} argument{'s' if n > 1 else ''} of 8 bytes",
        "path": lambda n: f"{n:,} directories in PATH",
        "found": lambda n: f"it is in number {n}",
        "threads": lambda n: f"{n:,} thread{'s' if n > 1 else ''}",
        "spawners": lambda n: f"{n:,} threads at once",
    }
    return ", ".join(words[name](value) for name, value in setting.parameters)


def _named(of_kernel: Results, name: str) -> Entry:
    way = of_kernel.way(name)
    return Entry(way.words, "ours" if way.ours else "")


def _divided_by(of_kernel: Results, name: str) -> str:
    """How a column is headed."""
    way = of_kernel.way(name)
    return f"/ {way.words.removeprefix('posix_spawn of ') if way.libc else name}"


def table(setting: Setting, boot: Results) -> Table:
    ways = boot.cells[setting]
    unit = boot.unit(setting)
    compared = [way for way in COMPARED if way in ways]
    blocked = [way for way in COMPARED_BLOCKED if way in ways]
    others = [m for m in next(iter(ways.values())).values if m != "total"]
    header = [f"Linux {boot.release}", unit, "spread"] + [_divided_by(boot, way) for way in compared]
    for measure in others:
        of_measure = measure_unit(measure, unit)
        header.append(MEASURES.get(measure, measure) + (f", {of_measure}" if of_measure != unit else ""))
        if measure == "blocked":
            header += [_divided_by(boot, way) for way in blocked]
    header.append("run")
    places = boot.places[setting]
    rows = []
    for way, cell in ways.items():
        spread = "" if cell.spread is None else f"{cell.spread * 100:.1f} %"
        row: list[str | Entry] = [_named(boot, way), f"{cell.total:,.0f}", spread]
        row += [_ratio(boot, setting, way, other) for other in compared]
        for measure in others:
            value = cell.values.get(measure)
            row.append("" if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}")
            if measure == "blocked":
                row += [_ratio(boot, setting, way, other, measure) for other in blocked]
        rows.append([*row, places[way].origin])
    return Table.of(header, rows)


def _words(verdict: GoalResult) -> Entry:
    if verdict.ratio is None:
        on_record = f"; on record {verdict.on_record}" if verdict.on_record else ""
        return Entry(f"not measured{on_record}")
    word = words = "reached" if verdict.met else "missed"
    if not verdict.as_required:
        words += f", and {verdict.goal.required:g} is required"
    if verdict.beyond:
        words += f", and beyond the gate: {verdict.on_record} is on record"
    return Entry(words, word)


def _goal_rows(
    verdicts: list[GoalResult], columns: Callable[[GoalResult | None], list[str | Entry]]
) -> tuple[list[str], list[list[str | Entry]]]:
    """The kernels; and a row for each goal: its name, its bounds, and columns for each kernel."""
    kernels = list(dict.fromkeys(verdict.kernel for verdict in verdicts))
    rows = []
    for name in dict.fromkeys(verdict.goal.name for verdict in verdicts):
        of_goal = {v.kernel: v for v in verdicts if v.goal.name == name}
        goal = next(iter(of_goal.values())).goal
        bounds = dict.fromkeys(f"{goal.bound(kernel):g}" for kernel in of_goal)
        row: list[str | Entry] = [name, f"{goal.sign} {', '.join(bounds)}"]
        rows.append(row + [one for kernel in kernels for one in columns(of_goal.get(kernel))])
    return kernels, rows


def goals_table(verdicts: list[GoalResult]) -> Table:
    """For each kernel the ratio, whether it is what we want, the worst one that passes, and
    the run that measured it."""

    def columns(verdict: GoalResult | None) -> list[str | Entry]:
        if verdict is None:
            return [""] * 4
        return [
            "" if verdict.ratio is None else f"{verdict.ratio:.3f}",
            _words(verdict),
            "" if verdict.gate is None else f"{verdict.goal.sign} {verdict.gate:.3f}",
            verdict.boot.origin if verdict.boot and verdict.ratio is not None else "",
        ]

    kernels, rows = _goal_rows(verdicts, columns)
    header = [word for kernel in kernels for word in (f"on {kernel}", "", "gate", "run")]
    return Table.of(["goal", "ratio", *header], rows)


def _short(verdict: GoalResult) -> str:
    """The ratio, or that on record with its date; bold if it is not what we want."""
    ratio, date = verdict.ratio, ""
    if ratio is None:
        if (reached := verdict.on_record) is None:
            return "not measured"
        ratio, date = reached.ratio, f", {reached.date}"
    met = verdict.goal.within(ratio, verdict.goal.bound(verdict.kernel))
    return (f"{ratio:.3f}" if met else f"**{ratio:.3f}**") + date


def goals_short(verdicts: list[GoalResult]) -> Table:
    """For each kernel the ratio, and no more."""
    kernels, rows = _goal_rows(verdicts, lambda verdict: [_short(verdict) if verdict else ""])
    return Table.of(["goal", "ratio", *(f"on {kernel}" for kernel in kernels)], rows)


def limits(verdicts: list[GoalResult]) -> dict[str, str]:
    """For each goal that is missed, what keeps us from it."""
    return {
        v.goal.name: v.goal.limit
        for v in verdicts
        if v.ratio is not None and not v.met and v.goal.limit
    }


# All that is said of a boot, besides its part.
ORIGIN = ("kernel", "glibc", "musl", "libcs", "cpu", "qemu", "options", "commit", "measured")


def in_use(results: list[Results], verdicts: list[GoalResult], settings: Iterable[Setting]) -> list[Boot]:
    """The boots that these settings and verdicts show figures of, by kernel, the oldest first; of
    boots that are told alike one."""
    shown = [v.boot for v in verdicts if v.boot and v.ratio is not None]
    shown += [
        place for boot in results for setting in settings for place in boot.places.get(setting, {}).values()
    ]
    used = [boot for of_kernel in results for boot in of_kernel.boots if boot in shown]
    return list({(boot.part, *map(boot.context.get, ORIGIN)): boot for boot in used}.values())


def _plain_costs(results: list[Results]) -> Table:
    """The plain cost on each kernel side by side."""
    plain = Setting("plain")
    measured = {way for of in results for way in of.cells.get(plain, {})}
    compared = [way for way in COMPARED_SHORT if way in measured]
    header = ["start and wait"]
    for of in results:
        header += [f"Linux {of.kernel}", *(_divided_by(of, way) for way in compared)]
    header.append("run")

    def columns(of_kernel: Results, way: str) -> list[str]:
        cell = of_kernel.cells.get(plain, {}).get(way)
        if cell is None:
            return [""] * (1 + len(compared))
        return [f"{cell.total:,.0f}", *(_ratio(of_kernel, plain, way, other) for other in compared)]

    rows: list[list[str | Entry]] = []
    for way in dict.fromkeys(way for of_kernel in results for way in of_kernel.ways):
        places = [of.places[plain][way] for of in results if way in of.places.get(plain, {})]
        if places:
            origins = "; ".join(dict.fromkeys(place.origin for place in places))
            rows.append([_named(results[0], way), *(text for of in results for text in columns(of, way)), origins])
    return Table.of(header, rows)


def _by_setting(results: list[Results]) -> Table | None:
    """The cost of a start in other settings than the plain one, on each kernel side by side."""
    settings = [
        setting
        for question in ON_RECORD
        for setting in dict.fromkeys(setting for of in results for setting in of.cells)
        if setting.question == question and any(SHOWN in of.cells.get(setting, {}) for of in results)
    ]
    if not settings:
        return None
    header = ["start and wait"]
    for of in results:
        header += [f"Linux {of.kernel}", *(_divided_by(of, way) for way in COMPARED_SETTINGS)]

    def columns(of_kernel: Results, setting: Setting) -> list[str]:
        cell = of_kernel.cells.get(setting, {}).get(SHOWN)
        if cell is None:
            return [""] * (1 + len(COMPARED_SETTINGS))
        ratios = [_ratio(of_kernel, setting, SHOWN, other) for other in COMPARED_SETTINGS]
        return [f"{cell.total:,.0f}", *ratios]

    rows: list[list[str | Entry]] = [
        [heading(setting) or QUESTIONS[setting.question], *(text for of in results for text in columns(of, setting))]
        for setting in settings
    ]
    return Table.of(header, rows)


def _image(svg: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.read_bytes()).decode()


def _drawn(template: str, **data: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=template.startswith("page.html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["image"] = _image
    return environment.get_template(template).render(data)


def record(results: list[Results], verdicts: list[GoalResult]) -> str:
    """For docs/costs.md: the plain cost on each kernel side by side, and the goals."""
    return _drawn(
        "record.md.jinja",
        costs=_plain_costs(results),
        settings=_by_setting(results),
        goals=goals_short(verdicts),
        limits=limits(verdicts),
        boots=in_use(
            results,
            verdicts,
            [Setting("plain")] + [one for of in results for one in of.cells if one.question in ON_RECORD],
        ),
    ).rstrip()


def headline(results: list[Results], verdicts: list[GoalResult]) -> str:
    """For README: one sentence."""

    def ratios(name: str) -> str:
        of_goal = [verdict for verdict in verdicts if verdict.goal.name == name]
        found = [v.ratio if v.ratio is not None else v.on_record and v.on_record.ratio for v in of_goal]
        if not found or None in found:
            raise ValueError(f"README's sentence needs what is not measured: {name}")
        return " and ".join(dict.fromkeys(f"{ratio:.2f}" for ratio in found))

    contexts = [boot.context for boot in in_use(results, verdicts, [Setting("plain")])]
    return _drawn(
        "headline.md.jinja",
        kernels=" and ".join(of.kernel for of in results),
        glibc=contexts[-1]["glibc"],
        ratios=ratios,
    ).strip()


def summary(results: list[Results], verdicts: list[GoalResult]) -> str:
    """For a terminal: the plain cost, and the goals."""
    parts: list[object] = []
    for boot in results:
        parts += [table(setting, boot) for setting in boot.cells if setting.question == "plain"]
        parts += [f"- **not measured**: {error}" for error in boot.errors]
    if verdicts:
        parts.append(goals_table(verdicts))
    return "\n\n".join(map(str, parts)) + "\n"


def write(
    out: Path,
    results: list[Results],
    verdicts: list[GoalResult],
    plots: dict[Plot, Path],
    flames: list[tuple[str, Path]],
) -> None:
    """All of it: index.html, and without pictures results.md."""
    settings = list(dict.fromkeys(setting for boot in results for setting in boot.cells))
    data = {
        "boots": in_use(results, verdicts, settings),
        "goals": goals_table(verdicts) if verdicts else None,
        "limits": limits(verdicts),
        "questions": [
            {
                "name": name,
                "title": title,
                "plots": [(plot, svg) for plot, svg in plots.items() if plot.question == name],
                "settings": [
                    (heading(setting), [table(setting, boot) for boot in results if setting in boot.cells])
                    for setting in settings
                    if setting.question == name
                ],
            }
            for name, title in QUESTIONS.items()
            if any(setting.question == name for setting in settings)
        ],
        "flames": [(title, svg.read_text()) for title, svg in flames],
        "errors": [f"Linux {boot.kernel}: {error}" for boot in results for error in boot.errors],
    }
    (out / "index.html").write_text(_drawn("page.html.jinja", **data))
    (out / "results.md").write_text(_drawn("results.md.jinja", **data))
