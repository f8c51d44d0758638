"""What a user would set for an EL-shaped host of this lab: its keys are the lab's, its Salt comes from a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.lab import relenv
from tests.lab.el import base as el
from tests.lab.el import shapes


def settings(lab, shape: str, base: Path) -> dict:
    """Return the settings, as below ``mattermost`` of a pillar. shape: its name. base: the host's base system."""
    sites = el.sites(base)
    fingerprint = (sites / "fingerprint").read_text()
    keys = {name: {"fingerprints": [fingerprint]} for name in shapes.SHAPES[shape].settings_keys}
    platform = {"repositories": {"keys": keys}}
    if shapes.SHAPES[shape].restic:
        platform["backup"] = {"program": {"sha256": (sites / "restic.sha256").read_text()}}
    salt = relenv.build(lab.cache)
    with open(salt, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"platform": platform, "relenv": {"source": str(salt), "sha256": sha256}}


def offer(lab, base: Path) -> None:
    """Let the lab's mirror answer for the vendors' package sites: a link for each file, beside another shape's."""
    folder, sites = lab.directory / "sites", el.sites(base)
    for file in sites.glob("*/**/*"):
        if not file.is_file():
            continue
        link = folder / file.relative_to(sites)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink() or link.readlink() != file:
            new = link.with_name(f".{link.name}.new")
            new.unlink(missing_ok=True)
            new.symlink_to(file)
            new.replace(link)
