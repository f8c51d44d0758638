"""nginx as Debian's releases have it, unpacked beside each other and not installed: what platforms use, as far as the machine's mirror has it."""

from __future__ import annotations

import functools
import os
import pathlib
import shutil
import subprocess

from tests.lab import aptsources
from tests.lab.claim import locked
from tests.lab.errors import LabError
from tests.lab.prepare import write
from tests.repository import ROOT

CACHE = pathlib.Path(os.environ.get("LAB_CACHE") or ROOT / ".lab" / "cache") / "nginx"
# version: the suite that has it, and the packages with its program and the libraries of that
SUITES = {
    "1.18.0": ("bullseye", "nginx-core nginx-common libc6 libcrypt1 libpcre3 libssl1.1 zlib1g"),
    "1.22.1": ("bookworm", "nginx nginx-common libc6 libcrypt1 libpcre2-8-0 libssl3 zlib1g"),
    "1.26.3": ("trixie", "nginx nginx-common libc6 libcrypt1 libpcre2-8-0 libssl3t64 libzstd1 zlib1g"),
}


@functools.cache
def unpacked(version: str) -> pathlib.Path | None:
    """Return the folder of nginx *version*, with ``run``, its program, and ``etc/nginx``; None where it can't be had."""
    if version not in SUITES or not shutil.which("apt-get"):
        return None
    folder = CACHE / version
    with locked(CACHE / f"{version}.lock"):
        if not folder.exists():
            aside = CACHE / f"{version}.new"
            shutil.rmtree(aside, ignore_errors=True)
            try:
                _fetch(aside, *SUITES[version])
                aside.rename(folder)
            except (LabError, subprocess.CalledProcessError, StopIteration):
                shutil.rmtree(aside, ignore_errors=True)
                return None
    return folder


def _fetch(folder, suite, packages):
    """Unpack *packages* of *suite* into *folder*, by an apt that has nothing in common with the machine's but mirror and keys."""
    url = aptsources.mirrors({suite for suite, _ in SUITES.values()})["debian"]
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
    _log_nowhere(folder / "usr/sbin/nginx")
    loader = next(path for path in sorted(folder.rglob("ld-linux*")) if path.is_file())
    libraries = sorted({f"$here/{path.parent.relative_to(folder)}" for path in folder.rglob("*.so.*")})
    lines = ["#!/bin/sh", "here=${0%/*}"]
    lines += [
        f'exec "$here/{loader.relative_to(folder)}" --library-path "{":".join(libraries)}" "$here/usr/sbin/nginx" "$@"'
    ]
    write(folder, "run", "\n".join([*lines, ""]), 0o755)
    shutil.rmtree(folder / "apt")


def _log_nowhere(program):
    """Before nginx has read where it logs, it opens a file below /var/log, whose folder only an installed package has; 1.18 cannot be told another."""
    compiled_in = b"/var/log/nginx/error.log\0"
    content = program.read_bytes().replace(compiled_in, b"/dev/null".ljust(len(compiled_in), b"\0"))
    program.write_bytes(content)
