# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plots of the results: one for each question, as SVG by matplotlib.

A question with an axis is drawn as lines, one a way, each with its name at its
end; another as bars, in order of size, each with its value.  Kernels stand side
by side, on the same scale.  An axis that spans decades is logarithmic.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Sequence

from measurements import Results, Setting, measure_unit, setting_of

GREYS = ("#8a8a8a", "#6f7f8f", "#8f7f6f", "#7f8f6f", "#8f6f7f", "#6f8f8f", "#a0907a")
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.fonttype": "none",  # text remains text
    "svg.hashsalt": "kspawn",  # names in the file that are no chance
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
}
LABEL_STEP = 0.045  # of the height of the axes, from the name of one line to the next


@dataclass(frozen=True)
class Plot:
    """A picture: a measure of the cells of one question."""

    name: str
    title: str
    cells: str  # "QUESTION" or "QUESTION/PARAMETER:VALUE...": the parameters that do not vary
    measure: str = "total"
    axis: str = ""  # the parameter on the x axis; none: bars
    axis_title: str = ""
    plain_at: int | None = None  # the plain start is a point of the lines, at this x
    linear: bool = False

    @property
    def setting(self) -> Setting:
        return setting_of(self.cells)

    @property
    def question(self) -> str:
        return self.setting.question


PLOTS = (
    Plot("plain", "Start a program and wait for its end", "plain"),
    Plot("first", "From the call to the program's first instruction", "first", "first"),
    Plot("blocked", "For how long the caller is blocked", "plain", "blocked"),
    Plot("dynamic", "Start /bin/true and wait for its end", "dynamic"),
    Plot("resident", "Touched memory of the caller", "memory", "total", "resident", "MiB touched"),
    Plot("mappings", "Memory mappings of the caller", "memory", "total", "mappings"),
    Plot(
        "descriptors",
        "Open descriptors, all close-on-exec",
        "descriptors/cloexec:100",
        axis="descriptors",
        plain_at=3,
    ),
    Plot(
        "cloexec",
        "20,000 descriptors, some of them close-on-exec",
        "descriptors/descriptors:20000",
        axis="cloexec",
        axis_title="percent close-on-exec",
        linear=True,
    ),
    Plot(
        "actions",
        "File actions",
        "actions/attributes:0",
        axis="actions",
        axis_title="file actions",
        plain_at=0,
        linear=True,
    ),
    Plot("attributes", "8 file actions, SETSIGDEF, SETSIGMASK, SETPGROUP", "actions/actions:8/attributes:1"),
    Plot("arguments", "Arguments and environment, half each", "arguments", "total", "arguments", "KiB"),
    Plot("threads", "Idle threads of the caller", "threads", "total", "threads"),
    Plot(
        "throughput",
        "Threads that start programs at once, 4 CPUs (time, not instructions)",
        "throughput",
        "throughput",
        "spawners",
        "threads",
    ),
    Plot("locks", "Waits for contended locks, 4 threads on 4 CPUs", "locks/spawners:4", "waits"),
    Plot("lock_time", "Time in contended locks, 4 threads on 4 CPUs", "locks/spawners:4", "wait"),
    Plot(
        "stall",
        "Longest gap that another thread sees during a start, 256 MiB touched (time)",
        "stall/resident:256",
        "gap",
    ),
    Plot("dups", "dup2, each to a descriptor of its own", "dups", "total", "dups", "file actions"),
    Plot(
        "closefrom",
        "Inheritable descriptors, and closefrom(3)",
        "closefrom/cloexec:0/closefrom:1",
        axis="descriptors",
    ),
    Plot("strings", "1,000 arguments, 4 threads", "strings/strings:1000/threads:4"),
    *(
        Plot(
            f"words-{threads}",
            f"Arguments of 8 bytes, {threads} thread{'s' if threads > 1 else ''} of the caller",
            f"words/threads:{threads}",
            axis="words",
            axis_title="arguments",
        )
        for threads in (1, 4)
    ),
    Plot("search", "Found in the fourth of seven directories", "search/path:7/found:4"),
    Plot("tool", "A tool call, until its output and its status are there", "tool"),
    Plot("pipeline", "Three programs connected by pipes, until all have ended", "pipeline"),
    Plot("missing", "The program is not there", "failure/missing:1"),
    Plot("missing_action", "The program is not there, and a file action is asked for", "failure/missing:1/actions:1"),
    Plot("bad_action", "A file action fails", "failure/bad_action:1"),
    Plot("late", "Exec fails late: the interpreter is not there", "failure/late:1"),
    Plot("commit", "Memory promised until the exec, 1 GiB touched", "held/resident:1024", "commit"),
    Plot("page_tables", "Page tables added until the exec, 1 GiB touched", "held/resident:1024", "page_tables"),
    Plot("make", "A make build of 51 C++ units", "make"),
    Plot("python", "A Python script of 100 calls", "python"),
    Plot("erms", "Start and wait on a CPU with ERMS", "erms"),
    Plot("traced", "Under kspawn-trace (windows, creds)", "traced"),
)

# README's, drawn from figures on record (tests/bench/pictures).
PICTURES = (
    Plot(
        "cost-by-descriptors",
        "A start and the wait for its end, by open descriptors (close-on-exec)",
        "descriptors/cloexec:100",
        axis="descriptors",
        axis_title="open descriptors",
        plain_at=3,
    ),
    Plot(
        "cost-by-size",
        "A start and the wait for its end, by the memory of the caller",
        "memory",
        axis="resident",
        axis_title="MiB touched by the caller",
    ),
)

Points = list[tuple[float, float]]


def _unit(plot: Plot, of_kernel: Results) -> str:
    unit = measure_unit(plot.measure, of_kernel.unit(Setting(plot.question)))
    return {"nanoseconds": "ns", "per start": "a start"}.get(unit, unit)


def _colour(of_kernel: Results, name: str, names: list[str]) -> str:
    others = [other for other in names if not of_kernel.way(other).colour]
    return of_kernel.way(name).colour or GREYS[others.index(name) % len(GREYS)]


def human(value: float, _: object = None) -> str:
    """In three digits, as a label; matplotlib's EngFormatter counts decimals instead."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def series(plot: Plot, of_kernel: Results) -> dict[str, Points]:
    """For each way its points, in order of x; without an axis, one at 0."""
    found: dict[str, Points] = {}
    for setting, ways in of_kernel.cells.items():
        parameters = dict(setting.parameters)
        at: int | None = 0
        if plot.plain_at is not None and setting == Setting("plain"):
            at = plot.plain_at
        else:
            if plot.axis:
                at = parameters.pop(plot.axis, None)
            if setting.question != plot.question or parameters != dict(plot.setting.parameters):
                continue
        for way, cell in ways.items():
            if at is not None and plot.measure in cell.values:
                found.setdefault(way, []).append((float(at), cell.values[plot.measure]))
    if plot.axis:
        # A way that is known at one place of the axis only has no line.
        found = {way: points for way, points in found.items() if len(points) > 1}
    return {way: sorted(points) for way, points in found.items()}


def spread(wanted: list[float], step: float, low: float, high: float) -> list[float]:
    """Places at least `step` apart and between `low` and `high`, each as near to the
    one wanted as the others allow; `wanted` is in order.  matplotlib lets names overlap."""
    # Groups of neighbours that touch, each placed around the mean of what it wants.
    groups: list[tuple[list[float], float]] = []  # (offsets wanted from the group's first, start)
    for place in wanted:
        groups.append(([place], place))
        while len(groups) > 1 and groups[-2][1] + len(groups[-2][0]) * step > groups[-1][1]:
            members = groups[-2][0] + groups[-1][0]
            start = sum(want - i * step for i, want in enumerate(members)) / len(members)
            start = max(low, min(start, high - (len(members) - 1) * step))
            groups[-2:] = [(members, start)]
    return [start + i * step for members, start in groups for i in range(len(members))]


def _is_wide(values: list[float], times: float) -> bool:
    """Are all beyond 0, and is the largest so many times the smallest?"""
    return min(values) > 0 and max(values) / min(values) >= times


def _lines(axes: Any, plot: Plot, of_kernel: Results, ways: dict[str, Points]) -> None:
    xs = sorted({x for points in ways.values() for x, _ in points})
    wide = not plot.linear and _is_wide(xs, 10)
    if wide:
        axes.set_xscale("log")
    # A linear axis has no room for all of 0, 1, 4, 8.
    apart = 0 if wide else (xs[-1] - xs[0]) / 12
    shown = [x for x, before in zip(xs, [-apart, *xs]) if x - before >= apart]
    axes.set_xticks(shown, [human(x) for x in shown])
    axes.minorticks_off()
    axes.set_xlabel(plot.axis_title or plot.axis)
    axes.grid(axis="y")
    for name, points in ways.items():
        ours = of_kernel.way(name).ours
        axes.plot(
            *zip(*points),
            color=_colour(of_kernel, name, list(ways)),
            linewidth=2.6 if ours else 1.4,
            marker="o",
            markersize=3,
            zorder=3 if ours else 2,
        )


def _names(axes: Any, of_kernel: Results, ways: dict[str, Points]) -> None:
    """Each line has its name beside its end; to be called when the scale is known."""

    def height(name: str) -> float:
        at = axes.transAxes.inverted().transform(axes.transData.transform(ways[name][-1]))
        return float(at[1])

    order = sorted(ways, key=height)
    for name, place in zip(order, spread([height(name) for name in order], LABEL_STEP, 0.0, 1.0)):
        colour = _colour(of_kernel, name, list(ways))
        axes.annotate(
            of_kernel.way(name).words,
            xy=ways[name][-1],
            xytext=(1.05, place),
            textcoords="axes fraction",
            verticalalignment="center",
            color=colour,
            weight="bold" if of_kernel.way(name).ours else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.7, "relpos": (0, 0.5), "shrinkA": 0},
        )


def _bars(axes: Any, of_kernel: Results, ways: dict[str, Points]) -> None:
    values = {name: points[0][1] for name, points in ways.items()}
    order = sorted(values, key=values.__getitem__)
    reference = values.get("without") or values.get("glibc")

    def said(name: str) -> str:
        if not reference or values[name] == reference:
            return human(values[name])
        ratio = values[name] / reference
        return f"{human(values[name])}  ({f'{ratio:.2f}' if ratio < 100 else human(ratio)})"

    colours = [_colour(of_kernel, name, list(values)) for name in order]
    bars = axes.barh(range(len(order)), [values[name] for name in order], height=0.72, color=colours)
    axes.bar_label(bars, [said(name) for name in order], padding=4)
    axes.set_yticks(range(len(order)), [of_kernel.way(name).words for name in order])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _draw(figure: Any, plot: Plot, shown: list[tuple[Results, dict[str, Points]]]) -> None:
    every = [y for _, ways in shown for points in ways.values() for _, y in points]
    rows = max(len(ways) for _, ways in shown)
    figure.set_size_inches(6.2 * len(shown), 4.6 if plot.axis else 1.2 + 0.23 * rows)
    figure.suptitle(plot.title, fontsize=12)
    panels = figure.subplots(1, len(shown), sharex=True, sharey=bool(plot.axis), squeeze=False)[0]
    for axes, (of_kernel, ways) in zip(panels, shown):
        axes.set_title(f"Linux {of_kernel.kernel}", fontsize=10)
        if plot.axis:
            _lines(axes, plot, of_kernel, ways)
            axes.set_yscale("log" if _is_wide(every, 10) else "linear")
            axes.yaxis.set_major_formatter(human)
            axes.set_ylabel(_unit(plot, of_kernel))
        else:
            _bars(axes, of_kernel, ways)
            # Bars from 0 are to scale; on a logarithmic axis they are not, but to be seen.
            axes.set_xscale("log" if _is_wide([y for y in every if y > 0] or [1], 30) else "linear")
            axes.xaxis.set_major_formatter(human)
            axes.set_xlabel(_unit(plot, of_kernel))
            axes.margins(x=0.25)
            axes.set_ylim(rows - 0.4, -0.6)
    for axes, (of_kernel, ways) in zip(panels, shown):
        if plot.axis:
            if axes.get_yscale() == "linear":
                axes.set_ylim(bottom=0)
            _names(axes, of_kernel, ways)


def why_none(results: list[Results]) -> str | None:
    """Why nothing can be drawn, if that is so."""
    if not any(series(plot, of_kernel) for plot in PLOTS for of_kernel in results):
        return "no plots: nothing of what they show was measured (of an axis, two cells of a way)"
    if find_spec("matplotlib") is None:
        return "no plots without matplotlib. Try: .ci/install-deps bench"
    return None


def _origins(results: list[Results]) -> str:
    """The boots that a picture is of, in words that the file keeps."""
    contexts = [boot.context for of_kernel in results for boot in of_kernel.boots]
    return "; ".join(
        dict.fromkeys(f"Linux {c['kernel']}, commit {c.get('commit')}, on {c.get('measured')}" for c in contexts)
    )


def draw(out: Path, results: list[Results], wanted: Sequence[Plot] = PLOTS) -> dict[Plot, Path]:
    """Writes an SVG for each plot of which something was measured; none without matplotlib.
    The same figures make the same file."""
    if why_none(results) is not None:
        return {}
    # Not before something is drawn: it puts files into the home directory.
    import matplotlib.figure  # pylint: disable=import-outside-toplevel

    out.mkdir(exist_ok=True)
    drawn = {}
    for plot in wanted:
        shown = [(of_kernel, ways) for of_kernel in results if (ways := series(plot, of_kernel))]
        path = out / f"{plot.name}.svg"
        path.unlink(missing_ok=True)
        if shown:
            with matplotlib.rc_context(STYLE):
                figure = matplotlib.figure.Figure(layout="constrained")
                _draw(figure, plot, shown)
                figure.savefig(path, metadata={"Date": None, "Description": _origins(results)})
            drawn[plot] = path
    return drawn
