"""A disk whose power is cut: a file system in a file, shut down without its log, as if the machine had stopped.

What this cannot show: a device that loses writes which it had acknowledged.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from pathlib import Path

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN, _IOR('X', 125, __u32)
WITHOUT_LOG = 2  # EXT4_GOING_FLAGS_NOLOGFLUSH, XFS_FSOP_GOING_FLAGS_NOLOGFLUSH
# how each is made, its mebibytes, and how it is mounted: ext4 writes nothing for its age alone, so what nobody flushed is lost
KINDS = {
    "ext4": (("mkfs.ext4", "-q", "-F"), 64, "loop,commit=300"),
    "xfs": (("mkfs.xfs", "-q", "-f"), 320, "loop,nouuid"),
}


class Disk:
    """The file system of *image*, mounted at *place*; both are made. Needs root and a loop device."""

    def __init__(self, image: Path, place: Path, kind: str = "ext4"):
        self.image, self.place = image, place
        command, mebibytes, self.options = KINDS[kind]
        with image.open("wb") as file:
            file.truncate(mebibytes << 20)
        _run(*command, str(image))
        place.mkdir()
        self.mount()

    def mount(self) -> None:
        """Mount it; its log is replayed."""
        _run("mount", "-o", self.options, str(self.image), str(self.place))

    def unmount(self) -> None:
        """Unmount it. Nothing may be at work there any more."""
        _run("umount", str(self.place))

    def flush(self) -> None:
        """Have all that was written so far on the disk."""
        _run("sync", "-f", str(self.place))

    def cut(self) -> None:
        """Lose what nobody flushed, and come up again."""
        folder = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_LOG))
        finally:
            os.close(folder)
        self.unmount()
        # what was started meanwhile may have the file system in a mount namespace of its own, and the same image again would be the same, ended one
        _run("cp", "--sparse=always", str(self.image), f"{self.image}.copy")
        os.replace(f"{self.image}.copy", self.image)
        self.mount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
