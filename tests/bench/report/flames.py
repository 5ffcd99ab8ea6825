# SPDX-License-Identifier: LGPL-2.1-or-later
"""Flame graphs: folded stacks ("COMMAND;FUNCTION;... SAMPLES" a line) as SVG.

A box is a function, above the one that called it and as wide as its share of all
samples; neighbours are in alphabetical order.  The functions of the module stand out.

Debian 12 has no FlameGraph.  flamegraph.py of linux-perf loads d3-flame-graph from the
network, and the page needs no network.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from ways import Ways

WIDTH, MARGIN, ROW, TOP = 1160, 10, 17, 34
# Narrower than that many pixels is not to be seen.
NARROWEST = 0.3
CHARACTER = 6.3


@dataclass
class Frame:
    samples: int = 0
    callees: dict[str, Frame] = field(default_factory=dict)

    def add(self, stack: list[str], samples: int) -> None:
        self.samples += samples
        if stack:
            self.callees.setdefault(stack[0], Frame()).add(stack[1:], samples)


def read(folded: Path) -> Frame:
    root = Frame()
    for line in folded.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        root.add(stack.split(";"), int(samples))
    return root


def _colour(name: str) -> str:
    if "[kspawn]" in name:
        return "#e8505b"
    shade = crc32(name.encode()) % 40
    if name == "(user space)":
        return "#9cc3e6"
    return f"rgb({238 - shade // 4},{190 + shade},{120 + shade})"


def _depth(frame: Frame, scale: float) -> int:
    visible = [f for f in frame.callees.values() if f.samples * scale >= NARROWEST]
    return 1 + max((_depth(callee, scale) for callee in visible), default=0)


def _boxes(frame: Frame, x: float, bottom: float, scale: float, total: int) -> list[str]:
    boxes = []
    for name, callee in sorted(frame.callees.items()):
        width = callee.samples * scale
        if width >= NARROWEST:
            said = html.escape(f"{name}: {callee.samples / total:.1%}")
            room = int((width - 4) / CHARACTER)
            shown = name if len(name) <= room else name[: room - 1] + "…" if room >= 4 else ""
            boxes.append(
                f'<g><title>{said}</title><rect x="{x:.1f}" y="{bottom - ROW:.0f}"'
                f' width="{max(width - 0.4, 0.2):.1f}" height="{ROW - 1}" fill="{_colour(name)}"/>'
            )
            if shown:
                boxes[-1] += f'<text x="{x + 3:.1f}" y="{bottom - 5:.0f}">{html.escape(shown)}</text>'
            boxes[-1] += "</g>"
            boxes += _boxes(callee, x, bottom - ROW, scale, total)
        x += width
    return boxes


def svg(root: Frame, title: str) -> str:
    scale = (WIDTH - 2 * MARGIN) / root.samples
    height = TOP + _depth(root, scale) * ROW + MARGIN
    boxes = _boxes(root, MARGIN, height - MARGIN, scale, root.samples)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
            f' viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, Helvetica, sans-serif"'
            ' font-size="10.5">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="{WIDTH / 2:.0f}" y="20" font-size="14" text-anchor="middle"'
            f' fill="#222222">{html.escape(title)}</text>',
            *boxes,
            "</svg>\n",
        ]
    )


def draw(directory: Path, kernel: str, ways: Ways) -> list[tuple[str, Path]]:
    """An SVG beside each WAY.folded in there; in the order of the ways."""
    drawn = []
    for name, way in ways.items():
        folded = directory / f"{name}.folded"
        if folded.exists():
            title = f"Linux {kernel}: {way.words}"
            folded.with_suffix(".svg").write_text(svg(read(folded), title))
            drawn.append((title, folded.with_suffix(".svg")))
    return drawn
