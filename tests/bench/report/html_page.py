# SPDX-License-Identifier: LGPL-2.1-or-later
"""All results as one page that needs nothing but itself: plots, goals, tables."""

from __future__ import annotations

import html
import re
from pathlib import Path

import page
from goals import Verdict
from plots import Plot
from measurements import Boot, Results

STYLE = """
body { font: 15px/1.5 "DejaVu Sans", Helvetica, Arial, sans-serif; color: #222; background: #fff;
  max-width: 1180px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.25em; margin-top: 2.2em; border-top: 1px solid #ddd;
  padding-top: .8em; } h3 { font-size: 1em; }
table { border-collapse: collapse; font-size: .87em; margin: .6em 0; }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #e5e5e5; }
th:first-child, td:first-child { text-align: left; }
td.reached { color: #0b6b3a; } td.missed { color: #a3000f; }
svg { max-width: 100%; height: auto; display: block; margin: .8em 0; }
nav a { margin-right: 1em; white-space: nowrap; }
summary { cursor: pointer; color: #1257a8; }
code { background: #f4f4f4; padding: 0 .2em; }
"""


def _inline(text: str) -> str:
    text = html.escape(text, quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"(?<!\w)\*(.+?)\*(?!\w)", r"<em>\1</em>", text)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", text)


def _table(markdown: str) -> str:
    """From Markdown, as page.py writes it."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in markdown.splitlines()
    ]
    head = "".join(f"<th>{_inline(cell)}</th>" for cell in rows[0])
    body = ""
    for row in rows[2:]:
        cells = ""
        for cell in row:
            word = re.split("[ ,]", cell)[0]
            verdict = word if word in ("reached", "missed") else ""
            cells += f'<td class="{verdict}">{_inline(cell)}</td>' if verdict else f"<td>{_inline(cell)}</td>"
        body += f"<tr>{cells}</tr>\n"
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _list(items: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"


def inlined(path: Path, title: str) -> str:
    """An SVG as part of a page: its names must not meet those of others."""
    svg = re.sub(r"^.*?(?=<svg)", "", path.read_text(), flags=re.DOTALL)
    prefix = re.sub(r"\W", "_", path.stem)
    svg = re.sub(r"\bid=(['\"])", rf"id=\1{prefix}-", svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    svg = re.sub(r"xlink:href=(['\"])#", rf"xlink:href=\1#{prefix}-", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1)


def _origins(boots: list[Boot]) -> str:
    rows = ["| part | kernel | libc | CPU model | options | commit | on |", "|---|"]
    for boot in boots:
        said = boot.context
        rows.append(
            f"| {boot.part} | {said['kernel']} | glibc {said['glibc']}, musl {said['musl']} |"
            f" {said['cpu']}, QEMU {said['qemu']} | {said['options']} | {said['commit']} |"
            f" {said['measured']} |"
        )
    return _table("\n".join(dict.fromkeys(rows)))


def write(
    path: Path,
    results: list[Results],
    verdicts: list[Verdict],
    plots: dict[Plot, Path],
    flames: list[tuple[str, Path]],
) -> None:
    scenes = list(dict.fromkeys(scene for boot in results for scene in boot.cells))
    questions = {
        question: title
        for question, title in page.QUESTIONS.items()
        if any(scene.question == question for scene in scenes)
    }
    parts = [
        "<h1>What it costs to start a program</h1>",
        "<nav>" + "".join(f'<a href="#{q}">{html.escape(t)}</a> ' for q, t in questions.items()),
        '<a href="#flames">Flame graphs</a>' if flames else "",
        "</nav>",
        _origins(page.in_use(results, verdicts, scenes)),
        f"<p>{_inline(page.EXPLANATION)}</p>",
    ]
    if verdicts:
        parts += ["<h2>Goals</h2>", _table(page.goals_table(verdicts))]
        parts.append(f"<p>{_inline(page.GATES)}</p>")
        if why := page.limits(verdicts):
            parts += ["<h3>What limits those that are missed</h3>"]
            parts.append(_list([line.removeprefix("- ") for line in why.splitlines()]))
    for question, title in questions.items():
        parts.append(f'<h2 id="{question}">{html.escape(title)}</h2>')
        for plot, svg in plots.items():
            if plot.question == question:
                parts.append(inlined(svg, plot.title))
        parts.append("<details><summary>Tables</summary>")
        for scene in scenes:
            if scene.question == question:
                if scene.parameters:
                    parts.append(f"<h3>{html.escape(page.heading(scene))}</h3>")
                parts += [_table(page.table(scene, b)) for b in results if scene in b.cells]
        parts.append("</details>")
    if flames:
        parts.append('<h2 id="flames">Flame graphs</h2>')
        parts.append(f"<p>{_inline(page.FLAMES)}</p>")
        for title, svg in flames:
            parts.append(f"<details><summary>{html.escape(title)}</summary>")
            parts.append(inlined(svg, title) + "</details>")
    errors = [f"Linux {boot.kernel}: {error}" for boot in results for error in boot.errors]
    if errors:
        parts += ["<h2>Not measured</h2>", _list(errors)]
    path.write_text(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>kspawn: what it costs to start a program</title><style>{STYLE}</style></head>\n"
        "<body>" + "\n".join(parts) + "</body></html>\n"
    )
