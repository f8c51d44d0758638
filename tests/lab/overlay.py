"""Trees made of layers: a writable one over read-only ones that hosts share."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from tests.lab.shell import run


def is_mounted(directory):
    return any(line.split()[1] == str(directory) for line in Path("/proc/self/mounts").read_text().splitlines())


def mount(label, lowers, directory):
    """Lay ``DIRECTORY/upper`` over *lowers* (topmost first) at ``DIRECTORY/root``.

    label: what the mount table shows as the source. Nothing to do when that is done.
    """
    if is_mounted(directory / "root"):
        return
    for part in ("upper", "work", "root"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    # redirect_dir: folders of the layers below are renamed as on any other file system, not refused
    layers = (
        f"redirect_dir=on,lowerdir={':'.join(map(str, lowers))},upperdir={directory}/upper,workdir={directory}/work"
    )
    run(["mount", "-t", "overlay", label, "-o", layers, directory / "root"])


def unmount(directory):
    """Take ``DIRECTORY/root`` apart; harmless when it isn't mounted."""
    if is_mounted(directory / "root"):
        run(["umount", directory / "root"])


@contextlib.contextmanager
def mounted(label, lowers, directory):
    """`mount` for the length of a ``with``, in a fresh *directory*; yields the tree."""
    unmount(directory)
    shutil.rmtree(directory, ignore_errors=True)
    mount(label, lowers, directory)
    try:
        yield directory / "root"
    finally:
        unmount(directory)
