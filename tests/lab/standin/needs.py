"""What the build needs of the machine: Debian packages, installed when we may, else named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


class MissingPackages(Exception):
    """Packages are missing and could not be installed; the text says what to do."""


def has_shared_python(variables: dict) -> bool:
    """True when the running Python has its library as a shared one, which freezing copies.

    variables: what `sysconfig` says. Debian's Python calls itself shared, but its library is a package of its own.
    """
    name = variables.get("INSTSONAME") or variables.get("LDLIBRARY") or ""
    library = Path(variables.get("LIBDIR") or "/usr/lib")
    folders = [library, library / (variables.get("MULTIARCH") or "")]
    return ".so" in name and any((folder / name).exists() for folder in folders)


def missing() -> list[str]:
    """Names of the packages that lack."""
    lacking = [] if shutil.which("objdump") else ["binutils"]
    if not has_shared_python(sysconfig.get_config_vars()):
        lacking.append(f"libpython{sys.version_info[0]}.{sys.version_info[1]}")
    return lacking


def provide() -> None:
    """Install what lacks. Raises MissingPackages where that is not possible."""
    lacking = missing()
    if not lacking:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise MissingPackages(f"Missing on this machine: {' '.join(lacking)}. Install them and run again.")
    print(f"stand-in: installing {' '.join(lacking)} (they stay installed)", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *lacking]):
        done = subprocess.run(["apt-get", "-q", *words], env=environment, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise MissingPackages(f"apt-get {' '.join(words)} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    if missing():
        raise MissingPackages(f"{sys.executable} still lacks {' '.join(missing())}: use Debian's own python3.")
