"""Packages of a release of Debian, unpacked in the cache and not installed, as far as the machine's mirror has them."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from tests.lab import aptsources
from tests.lab.claim import locked
from tests.lab.errors import LabError
from tests.lab.prepare import write
from tests.repository import ROOT

# releases of Debian: whose mirror has one of them has the others
SUITES = ("bullseye", "bookworm", "trixie")
CACHE = pathlib.Path(os.environ.get("LAB_CACHE") or ROOT / ".lab" / "cache")


def unpacked(name: str, suite: str, packages: str, finish=lambda folder: None) -> pathlib.Path | None:
    """Return the folder *name* of the cache with *packages* of *suite*; None where they can't be had. finish: called once with it."""
    folder, aside = CACHE / name, CACHE / f"{name}.new"
    if not shutil.which("apt-get"):
        return None
    with locked(CACHE / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(aside, ignore_errors=True)
            try:
                _fetch(aside, suite, packages)
                finish(aside)
                aside.rename(folder)
            except (LabError, subprocess.CalledProcessError, StopIteration):
                shutil.rmtree(aside, ignore_errors=True)
                return None
    return folder


def make_it_run(folder: pathlib.Path, program: str) -> None:
    """Write ``run`` into *folder*: its *program* by its own libraries, whatever the machine's are."""
    loader = next(path for path in sorted(folder.rglob("ld-linux*")) if path.is_file())
    libraries = sorted({f"$here/{path.parent.relative_to(folder)}" for path in folder.rglob("*.so.*")})
    lines = ["#!/bin/sh", "here=${0%/*}"]
    lines += [
        f'exec "$here/{loader.relative_to(folder)}" --library-path "{":".join(libraries)}" "$here/{program}" "$@"'
    ]
    write(folder, "run", "\n".join([*lines, ""]), 0o755)


def gawk() -> str:
    """Return the path of a gawk; empty where it can't be had. Installed, it would become the machine's own awk."""
    if shutil.which("gawk"):
        return "gawk"
    packages = "gawk libc6 libgmp10 libmpfr6 libreadline8 libsigsegv2 libtinfo6"
    folder = unpacked("gawk", "bookworm", packages, lambda made: make_it_run(made, "usr/bin/gawk"))
    return str(folder / "run") if folder else ""


def _fetch(folder, suite, packages):
    """Unpack *packages* of *suite* into *folder*, by an apt that has nothing in common with the machine's but mirror and keys."""
    url = aptsources.mirrors({suite, *SUITES})["debian"]
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / "apt" / part).mkdir(parents=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    write(folder, "apt/sources.list", f"deb [signed-by={keys}] {url} {suite} main\n")
    write(folder, "apt/status", "")
    places = {"Etc": "", "State": "", "State::lists": "lists", "State::status": "status", "Cache": "cache"}
    options = [f"Dir::{name}={folder}/apt/{place}" for name, place in places.items()]
    options += ["APT::Sandbox::User=root", "Acquire::Languages=none"]
    apt = ["apt-get", "-q", *(word for option in options for word in ("-o", option))]
    for command in (["update"], ["download", *packages.split()]):
        subprocess.run([*apt, *command], cwd=folder, check=True, capture_output=True, timeout=300)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
        package.unlink()
    shutil.rmtree(folder / "apt")
