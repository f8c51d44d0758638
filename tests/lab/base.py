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

from tests.lab import overlay, prepare
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


def prepared(name, platform, lower, cache, sources):
    """Return the layer over the base *lower* that has the platform's ``prepared`` packages, made when there is none.

    sources: text for apt, of a mirror by its address.
    Unpacking these is half of what a deployment costs the machine, and nothing that we decide.
    """
    source = Path(__file__).read_text()
    layer = cache / "base" / f"{name}-prepared-{key(lower.name, platform, '', source).rsplit('-', 1)[1]}"
    with locked(cache / "base" / f"{layer.name}.lock"):
        if not layer.is_dir():
            work = layer.with_name(f"{layer.name}.tmp")
            with overlay.mounted(f"{layer.name[:20]}-{os.getpid()}", [lower], work) as root:
                _ask(root, sources)
                (root / "etc/dpkg/dpkg.cfg.d/lab").write_text("force-unsafe-io\n")
                packages = " ".join(platform["prepared"])
                install = (
                    f"apt-get -qq update && apt-get -qqy install --no-install-recommends {packages} && apt-get clean"
                )
                run(
                    ["chroot", root, "sh", "-c", f"{install} && rm -rf /var/lib/apt/lists/*"],
                    timeout=600,
                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
                )
            (work / "upper").rename(layer)
            shutil.rmtree(work)
    return layer


def _ask(root, sources):
    """Have the tree at *root* ask these package sources alone."""
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    prepare.write(root, "etc/apt/sources.list.d/debian.sources", sources)


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
    """The shape of an EL; its repositories lie beside the tree (`el_base.sites`). All shapes begin with the same tree."""
    begin = {key: platform[key] for key in ("suite", "packages")}
    plain = ensure("el-begins", {"builder": "debian", **begin}, target.parent.parent, mirror)
    run(["cp", "-a", plain, target], timeout=300)
    # the tree may have been made by another lab
    _ask(target, prepare.apt_sources(mirror, platform["suite"], ["debian"]))
    el_base.build(shapes.SHAPES[platform["shape"]], target)


BUILDERS = {"debian": debian, "el": el}
# what else a builder is made of
SOURCES = {"el": el_base.source}
