"""A vendor's repository with a package that somebody else signed, in place of the right one."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from tests.lab.el import rpm


@contextlib.contextmanager
def signed_by_a_stranger(lab, place: str, package: str):
    """Within, the lab's mirror has at *place* the same repository, its *package* signed by an unknown key.

    place: host name and path, as in a shape's repositories. package: name without version.
    """
    offered = lab.directory / "sites" / place
    right = offered.with_name(f"{offered.name}.right")
    with tempfile.TemporaryDirectory(prefix="forge-") as temporary:  # gpg's socket needs a short path
        copy = Path(temporary) / "repository"
        shutil.copytree(offered, copy)
        signer = rpm.Signer(Path(temporary) / "gpg")
        try:
            signer.sign(copy.glob(f"{package}-[0-9]*.rpm"))
            signer.publish(copy)
        finally:
            signer.close()
        offered.rename(right)
        offered.symlink_to(copy)
        try:
            yield
        finally:
            offered.unlink()
            right.rename(offered)
