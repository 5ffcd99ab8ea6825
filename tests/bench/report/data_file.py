# SPDX-License-Identifier: LGPL-2.1-or-later
"""goals.json and spread.json, so that a diff shows a figure a line."""

from __future__ import annotations

import json
import re
from pathlib import Path


def write(path: Path, data: object) -> None:
    """As JSON, whose innermost lists and objects have a line each."""

    def on_one_line(inner: re.Match[str]) -> str:
        return inner[1] + re.sub(r"\n *", " ", inner[2]) + inner[3]

    # No string in JSON has a newline.
    text = json.dumps(data, indent=2)
    path.write_text(re.sub(r"([\[{])\n *([^\[\]{}]*?)\n *([\]}])", on_one_line, text) + "\n")
