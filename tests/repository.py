"""What git tracks, for the tests that look at the repository itself."""

from __future__ import annotations

import functools
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHELL = ("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash", "# shellcheck shell=sh")
BIN = pathlib.Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess:
    """Run a program in the checkout and return what it said."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@functools.cache
def tracked() -> list[pathlib.Path]:
    """Return the tracked files and those that would be (not ignored), relative to the checkout."""
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0")
    return sorted(pathlib.Path(name) for name in set(names) if name and (ROOT / name).is_file())


@functools.cache
def text(path: pathlib.Path) -> str:
    """Return a tracked file's text; empty for one that is not UTF-8."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def with_suffix(*suffixes: str) -> list[pathlib.Path]:
    """Return the tracked files that end so."""
    return [path for path in tracked() if path.suffix in suffixes]


def scripts() -> list[pathlib.Path]:
    """Return the tracked shell scripts: by name or by their first line."""
    return [path for path in tracked() if path.suffix == ".sh" or text(path).startswith(SHELL)]
