"""Base systems: one read-only tree per platform, built once a week and shared.

A builder takes ``(platform entry, target directory, package mirror URL)`` and
leaves a complete root file system there. Further builders join ``BUILDERS``.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

from tests.lab.claim import locked
from tests.lab.el import base as el_base
from tests.lab.el import shapes
from tests.lab.shell import run

# Documentation and translations are only weight here.
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")


def key(name, platform, week, source):
    """What a base's directory is called: everything that it depends on, hashed.

    platform: entry of the table. week: ISO year and week, so that updates arrive.
    source: text of all that makes it.
    """
    digest = hashlib.sha256(json.dumps([name, platform, week, source], sort_keys=True).encode())
    return f"{name}-{digest.hexdigest()[:12]}"


def this_week():
    year, week, _ = datetime.date.today().isocalendar()
    return f"{year}-{week:02}"


def ensure(name, platform, cache, mirror):
    """Return the directory of the base of platform *name*, building it when there is none.

    cache: directory that several labs may share. mirror: URL of the lab's package mirror.
    """
    source = Path(__file__).read_text() + SOURCES.get(platform["builder"], str)()
    label = key(name, platform, this_week(), source)
    target = cache / "base" / label
    with locked(cache / "base" / f"{label}.lock"):
        if not target.is_dir():
            print(f"lab: building the base system of {name} (once a week, half a minute)", file=sys.stderr)
            unfinished = target.with_name(f"{label}.tmp")
            if unfinished.exists():
                shutil.rmtree(unfinished)
            BUILDERS[platform["builder"]](platform, unfinished, mirror)
            unfinished.rename(target)
    return target


def debian(platform, target, mirror):
    """A minimal Debian with the platform's packages."""
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            "--mode=root",
            f"--include={','.join(platform['packages'])}",
            '--aptopt=Acquire::Languages "none"',
            *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
            platform["suite"],
            str(target),
            f"{mirror}/debian",
        ],
        timeout=900,
        # mmdebstrap keeps its work in TMPDIR; the host's locale is not to leak in.
        env=dict(os.environ, LC_ALL="C"),
    )


def el(platform, target, mirror):
    """The shape of an EL; its repositories lie beside the tree (`el_base.sites`)."""
    debian(platform, target, mirror)
    el_base.build(shapes.SHAPES[platform["shape"]], target)


BUILDERS = {"debian": debian, "el": el}
# what else a builder is made of
SOURCES = {"el": el_base.source}
