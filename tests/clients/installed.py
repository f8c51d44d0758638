"""The clients of others with what they need, installed below the lab's cache exactly as their lock files say."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab.claim import locked

HERE = Path(__file__).parent
KINDS = ("javascript", "python")


class Missing(Exception):
    """A client that cannot be had here; the text says why."""


def program(kind, cache, which=shutil.which) -> tuple[list[str], dict[str, str]]:
    """Install a client of KINDS below the folder *cache* where it is not there yet. Returns its command and what its environment needs.

    which: looks a program up. Raises Missing.
    """
    return {"javascript": _javascript, "python": _python}[kind](cache / "clients", which)


def _javascript(cache, which):
    node, npm = which("node"), which("npm")
    if not node or not npm:
        raise Missing("NO NODE: the client of npm is not tried; install node 18 or newer with npm.")
    files = [HERE / "javascript/package.json", HERE / "javascript/package-lock.json"]
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    folder = _once(cache, files, lambda new: _run(install, new))
    return [node, str(HERE / "javascript/client.cjs")], {"NODE_PATH": str(folder / "node_modules")}


def _python(cache, which):
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    install += ["--require-hashes", "--target", ".", "--requirement", "requirements.txt"]
    folder = _once(cache, [HERE / "python/requirements.txt"], lambda new: _run(install, new))
    return [sys.executable, str(HERE / "python/client.py")], {"PYTHONPATH": str(folder)}


def _once(cache, files, install) -> Path:
    """The folder that *install* filled once for what *files* hold and for this Python; who comes second waits for the first."""
    known = hashlib.sha256(sys.version.encode() + b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = cache / f"{files[0].parent.name}-{known[:16]}"
    with locked(cache / "lock"):
        if not folder.exists():
            new = folder.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            for file in files:
                shutil.copy(file, new)
            install(new)
            new.rename(folder)
    return folder


def _run(command, folder):
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180, check=True)
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", "") or "").strip()[-300:]
        raise Missing(f"NO PACKAGE: {folder.stem} cannot be installed: {error} {said}") from None
