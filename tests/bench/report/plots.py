# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plots of the results: one for each question, as SVG by gnuplot.

A question with an axis is drawn as lines, one a way, each with its name at its
end; another as bars, in order of size, each with its value.  Kernels stand side
by side, on the same scale.  An axis that spans decades is logarithmic.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from measurements import Results, Scene, measure_unit

GNUPLOT = "gnuplot"
FONT = "DejaVu Sans,Helvetica,Arial,sans-serif"
BOLD = "DejaVu Sans Bold"
INK, FAINT, BACKGROUND = "#222222", "#dddddd", "#ffffff"

# Ours stand out, what everybody knows has a colour of its own, the rest are greys.
GREYS = ("#8a8a8a", "#6f7f8f", "#8f7f6f", "#7f8f6f", "#8f6f7f", "#6f8f8f", "#a0907a")
PANEL_WIDTH, LABEL_WIDTH, LEFT = 430, 260, 75
LINES_HEIGHT, ROW, TOP, BOTTOM = 430, 21, 62, 58
LABEL_STEP = 13.0


@dataclass(frozen=True)
class Plot:
    """What is drawn: a measure of the cells of one question."""

    name: str
    title: str
    question: str
    measure: str
    axis: str = ""  # the parameter on the x axis; none: bars
    axis_title: str = ""
    where: tuple[tuple[str, int], ...] = ()  # parameters that do not vary
    zero: str = ""  # the question that has the value for x = 0, or 3, as `zero_at` says
    zero_at: int = 0
    linear: bool = False


PLOTS = (
    Plot("plain", "Start a program and wait for its end", "plain", "total"),
    Plot("first", "From the call to the program's first instruction", "first", "first"),
    Plot("blocked", "For how long the caller is blocked", "plain", "blocked"),
    Plot("resident", "Touched memory of the caller", "memory", "total", "resident", "MiB touched"),
    Plot("mappings", "Memory mappings of the caller", "memory", "total", "mappings", "mappings"),
    Plot(
        "descriptors",
        "Open descriptors, all close-on-exec",
        "descriptors",
        "total",
        "descriptors",
        "descriptors",
        (("cloexec", 100),),
        "plain",
        3,
    ),
    Plot(
        "cloexec",
        "20,000 descriptors, some of them close-on-exec",
        "descriptors",
        "total",
        "cloexec",
        "percent close-on-exec",
        (("descriptors", 20000),),
        linear=True,
    ),
    Plot(
        "actions",
        "File actions",
        "actions",
        "total",
        "actions",
        "file actions",
        (("attributes", 0),),
        "plain",
        0,
        linear=True,
    ),
    Plot(
        "attributes",
        "8 file actions, SETSIGDEF, SETSIGMASK, SETPGROUP",
        "actions",
        "total",
        where=(("actions", 8), ("attributes", 1)),
    ),
    Plot(
        "arguments",
        "Arguments and environment, half each",
        "arguments",
        "total",
        "arguments",
        "KiB",
    ),
    Plot("threads", "Idle threads of the caller", "threads", "total", "threads", "threads"),
    Plot(
        "throughput",
        "Threads that start programs at once, 2 CPUs (time, not instructions)",
        "throughput",
        "throughput",
        "spawners",
        "threads",
    ),
    Plot("locks", "Waits for contended locks, 4 threads on 2 CPUs", "locks", "waits"),
    Plot("lock_time", "Time in contended locks, 4 threads on 2 CPUs", "locks", "wait"),
    Plot(
        "stall",
        "Longest gap that another thread sees during a start, 256 MiB touched (time)",
        "stall",
        "gap",
        where=(("resident", 256),),
    ),
    Plot("dups", "dup2, each to a descriptor of its own", "dups", "total", "dups", "file actions"),
    Plot("closefrom", "10,000 descriptors and closefrom(3)", "closefrom", "total"),
    Plot(
        "strings",
        "1,000 arguments, 4 threads",
        "strings",
        "total",
        where=(("strings", 1000), ("threads", 4)),
    ),
    Plot("search", "Found in the fourth of seven directories", "search", "total"),
    Plot("missing", "The program is not there", "failure", "total", where=(("missing", 1),)),
    Plot(
        "missing_action",
        "The program is not there, and a file action is asked for",
        "failure",
        "total",
        where=(("missing", 1), ("actions", 1)),
    ),
    Plot("bad_action", "A file action fails", "failure", "total", where=(("bad_action", 1),)),
    Plot(
        "late",
        "Exec fails late: the interpreter is not there",
        "failure",
        "total",
        where=(("late", 1),),
    ),
    Plot("commit", "Memory promised until the exec, 1 GiB touched", "held", "commit"),
    Plot("page_tables", "Page tables added until the exec, 1 GiB touched", "held", "page_tables"),
    Plot("make", "A make build of 51 C++ units", "make", "total"),
    Plot("python", "A Python script of 100 calls", "python", "total"),
    Plot("erms", "Start and wait on a CPU with ERMS", "erms", "total"),
    Plot("traced", "Under kspawn-trace (windows, creds)", "traced", "total"),
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unit(plot: Plot, boot: Results) -> str:
    unit = measure_unit(plot.measure, boot.unit(Scene(plot.question)))
    return {"nanoseconds": "ns", "per start": "a start"}.get(unit, unit)


def _colour(boot: Results, way: str, ways: list[str]) -> str:
    others = [other for other in ways if not boot.way(other).colour]
    return boot.way(way).colour or GREYS[others.index(way) % len(GREYS)]


def human(value: float) -> str:
    """In three digits, as a label."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def series(plot: Plot, boot: Results) -> dict[str, list[tuple[float, float]]]:
    """For each way its points, in order of x; without an axis, one at 0."""
    found: dict[str, list[tuple[float, float]]] = {}
    for scene, ways in boot.cells.items():
        parameters = dict(scene.parameters)
        if scene.question == plot.question:
            at = parameters.pop(plot.axis, None) if plot.axis else 0
            if at is None or parameters != dict(plot.where):
                if not (plot.axis == "" and not plot.where and scene.question in _ONE_SCENE):
                    continue
        elif plot.zero and scene == Scene(plot.zero):
            at = plot.zero_at
        else:
            continue
        for way, cell in ways.items():
            if plot.measure in cell.values:
                found.setdefault(way, []).append((float(at or 0), cell.values[plot.measure]))
    if plot.axis:
        # Ways that only know the axis' zero are not of this plot.
        found = {way: points for way, points in found.items() if len(points) > 1}
    return {way: sorted(points) for way, points in found.items()}


# Questions of one scene, whatever its parameters.
_ONE_SCENE = {"closefrom", "held", "locks", "search"}


def spread(wanted: list[float], step: float, low: float, high: float) -> list[float]:
    """Places at least `step` apart and between `low` and `high`, each as near to the
    one wanted as the others allow; `wanted` is in order."""
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


def _log(values: list[float]) -> bool:
    positive = [value for value in values if value > 0]
    return len(positive) == len(values) and max(positive) / min(positive) >= 10


def _decades(low: float, high: float) -> tuple[float, float]:
    """Round limits outside of the values; on a logarithmic axis a decade or its thirds."""

    def rounded(value: float, up: bool) -> float:
        decade = math.pow(10, math.floor(math.log10(value)))
        steps = [decade * step for step in (1, 2, 5, 10)]
        return min(s for s in steps if s >= value) if up else max(s for s in steps if s <= value)

    return rounded(low * 0.93, False), rounded(high * 1.07, True)


def _step(high: float) -> float:
    """Between ticks, so that there are some five from 0 on."""
    rough = high / 5
    decade = math.pow(10, math.floor(math.log10(rough)))
    return min(decade * step for step in (1, 2, 5, 10) if decade * step >= rough)


def _header(width: int, height: int, title: str) -> list[str]:
    return [
        f"set terminal svg size {width},{height} dynamic font '{FONT},12'"
        f" background rgb '{BACKGROUND}'",
        "set encoding utf8",
        f"set multiplot title {_quoted(title)} font ',15' textcolor rgb '{INK}' offset 0,0.2",
        "set border 3 lc rgb '#666666'",
        "set tics nomirror out scale 0.6",
        f"set grid ytics lc rgb '{FAINT}' lt 1 lw 0.6",
        "unset key",
    ]


def _lines(plot: Plot, boots: list[Results]) -> str:
    of_boot = [series(plot, boot) for boot in boots]
    every = [point for ways in of_boot for points in ways.values() for point in points]
    xs, ys = [x for x, _ in every], [y for _, y in every]
    log_x = not plot.linear and _log(xs)
    log_y = _log(ys)
    low, high = _decades(min(ys), max(ys)) if log_y else (0.0, max(ys) * 1.08)
    width = len(boots) * (PANEL_WIDTH + LABEL_WIDTH)
    script = _header(width, LINES_HEIGHT, plot.title)
    script.append(f"set yrange [{low}:{high}]")
    script += ["set format y '%.0s%c'" if high >= 1000 else "set format y '%g'"]
    ticks = sorted(set(xs))
    if log_x:
        script.append("set logscale x")
        ticks = [x for x in ticks if x > 0]
    if log_y:
        script.append("set logscale y")
    # A linear axis has no room for all of 0, 1, 4, 8.
    shown = [x for x in ticks if log_x or not 0 < x - min(ticks) < (max(ticks) - min(ticks)) / 12]
    tics = ",".join(f"'{human(x) if x >= 10000 else f'{x:,.0f}'}' {x}" for x in shown)
    script.append(f"set xtics ({tics})")
    script.append(f"set xlabel {_quoted(plot.axis_title)}")
    top, bottom = LINES_HEIGHT - TOP, BOTTOM
    for index, (boot, ways) in enumerate(zip(boots, of_boot)):
        left = index * (PANEL_WIDTH + LABEL_WIDTH) + LEFT
        right = (index + 1) * (PANEL_WIDTH + LABEL_WIDTH) - LABEL_WIDTH
        script += [
            f"set lmargin at screen {left / width}",
            f"set rmargin at screen {right / width}",
            f"set tmargin at screen {top / LINES_HEIGHT}",
            f"set bmargin at screen {bottom / LINES_HEIGHT}",
            f"set title {_quoted(f'Linux {boot.kernel}')} offset 0,-0.6",
            f"set ylabel {_quoted(_unit(plot, boot)) if index == 0 else _quoted('')} offset 1,0",
            # gnuplot takes a tick that is exactly at the end for one beyond it.
            f"set xrange [{min(ticks) * 0.9999}:{max(ticks) * 1.0001}]",
            "unset label",
            "unset arrow",
        ]

        def height(value: float) -> float:
            if log_y:
                part = math.log(value / low) / math.log(high / low)
            else:
                part = (value - low) / (high - low)
            return bottom + part * (top - bottom)

        last = {way: points[-1][1] for way, points in ways.items()}
        order = sorted(last, key=last.__getitem__)
        places = spread([height(last[w]) for w in order], LABEL_STEP, bottom - 8.0, top + 8.0)
        drawn = []
        for way, place in zip(order, places):
            points = ways[way]
            colour = _colour(boot, way, list(ways))
            ours = way in ("kspawn", "preload")
            font = f"'{BOLD},11'" if way == "kspawn" else "',10.5'"
            script.append(
                f"set label {_quoted(boot.way(way).words)} at screen {(right + 22) / width},"
                f" screen {place / LINES_HEIGHT} left tc rgb '{colour}' font {font} noenhanced"
            )
            # From where the line ends to its label.
            end = (right + (points[-1][0] == max(ticks)) * 3) / width
            if points[-1][0] == max(ticks):
                script.append(
                    f"set arrow from screen {end}, screen {height(points[-1][1]) / LINES_HEIGHT}"
                    f" to screen {(right + 19) / width}, screen {place / LINES_HEIGHT}"
                    f" nohead lc rgb '{colour}' lw 0.7"
                )
            name = f"$way_{index}_{way}"
            script.append(f"{name} << EOD")
            script += [f"{x} {y}" for x, y in points if x > 0 or not log_x]
            script.append("EOD")
            drawn.append(
                f"{name} using 1:2 with linespoints lc rgb '{colour}' lw {2.6 if ours else 1.4}"
                f" pt 7 ps {0.5 if ours else 0.35}"
            )
        # Ours on top.
        script.append("plot " + ", ".join(sorted(drawn, key=lambda d: "kspawn u" in d)))
    script.append("unset multiplot")
    return "\n".join(script) + "\n"


def _bars(plot: Plot, boots: list[Results]) -> str:
    of_boot = [{way: points[0][1] for way, points in series(plot, boot).items()} for boot in boots]
    values = [value for ways in of_boot for value in ways.values()]
    shown = [value for value in values if value > 0] or [1.0]
    # Bars from 0 are to scale; on a logarithmic axis they are not, but to be seen.
    log = max(shown) / min(shown) >= 30
    low, high = (_decades(min(shown) / 2, max(shown)) if log else (0.0, max(shown)))
    rows = max(len(ways) for ways in of_boot)
    height = TOP + rows * ROW + BOTTOM
    width = len(boots) * (PANEL_WIDTH + LABEL_WIDTH)
    script = _header(width, height, plot.title)
    script += ["unset ytics", "unset grid", "set border 1 lc rgb '#666666'"]
    script += [f"set grid xtics lc rgb '{FAINT}' lt 1 lw 0.6", "set format x '%.0s%c'"]
    script += [f"set xrange [{low}:{high}]", "set style fill solid 1.0 noborder"]
    if log:
        script.append("set logscale x")
    else:
        step = _step(high)
        at = [i * step for i in range(int(high / step) + 1)]
        script.append("set xtics (" + ",".join(f"'{human(x)}' {x}" for x in at) + ")")
    reference = "without" if any("without" in ways for ways in of_boot) else "glibc"
    for index, (boot, ways) in enumerate(zip(boots, of_boot)):
        left = index * (PANEL_WIDTH + LABEL_WIDTH) + LABEL_WIDTH + 12
        right = (index + 1) * (PANEL_WIDTH + LABEL_WIDTH) - 105
        order = sorted(ways, key=ways.__getitem__)
        script += [
            f"set lmargin at screen {left / width}",
            f"set rmargin at screen {right / width}",
            f"set tmargin at screen {(height - TOP) / height}",
            f"set bmargin at screen {BOTTOM / height}",
            f"set title {_quoted(f'Linux {boot.kernel}')} offset 0,-0.6",
            f"set xlabel {_quoted(_unit(plot, boot))}",
            f"set yrange [{rows - 0.4}:-0.6]",
            "unset label",
            "unset object",
        ]
        for row, way in enumerate(order):
            value, colour = ways[way], _colour(boot, way, list(ways))
            font = f"'{BOLD},11'" if way == "kspawn" else "',11'"
            drawn = max(value, low)
            script.append(
                f"set object rect from {low},{row - 0.36} to {drawn},{row + 0.36}"
                f" fc rgb '{colour}' fs solid noborder"
            )
            script.append(
                f"set label {_quoted(boot.way(way).words)} at screen {(left - 8) / width},"
                f" first {row} right tc rgb '{colour}' font {font} noenhanced"
            )
            text = human(value)
            if ways.get(reference) and way != reference:
                ratio = value / ways[reference]
                text += f"  ({ratio:.2f})" if ratio < 100 else f"  ({human(ratio)})"
            script.append(
                f"set label {_quoted(text)} at {drawn},{row} left offset 0.6,0 tc rgb '{INK}'"
                f" font ',10.5' noenhanced"
            )
        script.append("plot NaN notitle")
    script.append("unset multiplot")
    return "\n".join(script) + "\n"


def why_none(results: list[Results]) -> str | None:
    """Why nothing can be drawn, if that is so."""
    if not any(series(plot, boot) for plot in PLOTS for boot in results):
        return "no plots: nothing of what they show was measured (of an axis, two cells of a way)"
    if shutil.which(GNUPLOT) is None:
        return "no plots without gnuplot. Try: .ci/install-deps bench"
    return None


def draw(out: Path, results: list[Results]) -> dict[Plot, Path]:
    """Writes an SVG for each plot of which something was measured; none without gnuplot."""
    if why_none(results) is not None:
        return {}
    out.mkdir(exist_ok=True)
    drawn = {}
    for plot in PLOTS:
        boots = [boot for boot in results if series(plot, boot)]
        path = out / f"{plot.name}.svg"
        path.unlink(missing_ok=True)
        if boots:
            script = (_lines if plot.axis else _bars)(plot, boots)
            path.with_suffix(".gnuplot").write_text(script)
            done = subprocess.run([GNUPLOT], input=script, capture_output=True, text=True, check=False)
            if done.returncode != 0 or not done.stdout:
                raise RuntimeError(f"gnuplot, {plot.name}: {done.stderr}")
            path.write_text(done.stdout)
            drawn[plot] = path
    return drawn
