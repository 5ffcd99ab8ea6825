# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 -m kspawn PROGRAM [ARGUMENT...], or -m MODULE in PROGRAM's place: run a Python
program that is not to be changed, with kspawn.install() called before."""

from __future__ import annotations

import os
import runpy
import sys

from . import install

USAGE = "usage: python3 -m kspawn {-m MODULE | PROGRAM} [ARGUMENT...]"


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        print(f"{USAGE}\n\n{__doc__}")
        return
    is_module = arguments[:1] == ["-m"]
    if is_module:
        arguments = arguments[1:]
    if not arguments or (arguments[0].startswith("-") and not is_module):
        print(USAGE, file=sys.stderr)
        raise SystemExit(2)
    install()
    program = arguments[0]
    sys.argv = arguments
    if is_module:
        # Its own directory comes first, as with python3 -m.
        sys.path[0] = os.getcwd()
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(program))
        runpy.run_path(program, run_name="__main__")


main()
