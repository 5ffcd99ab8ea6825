# SPDX-License-Identifier: LGPL-2.1-or-later
"""The extension, which setuptools before 74 does not take from pyproject.toml."""

from __future__ import annotations

import shlex
import subprocess

from setuptools import Extension, setup


def pkg_config(option: str) -> list[str]:
    """Where libkspawn is, if it is not where a compiler looks anyway."""
    command = ["pkg-config", option, "kspawn"]
    try:
        return shlex.split(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return ["-lkspawn"] if option == "--libs" else []


setup(
    ext_modules=[
        Extension(
            "kspawn._kspawn",
            sources=["_kspawn.cpp"],
            language="c++",
            extra_compile_args=["-std=c++20", *pkg_config("--cflags")],
            extra_link_args=pkg_config("--libs"),
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
