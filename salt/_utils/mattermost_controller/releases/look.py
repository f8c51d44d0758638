"""Ask the release sources, and say what that means for a version: the host's own program, ``mattermost-releases``, runs here.

Needs sh, awk and curl; without one of them the sources count as out of reach. Answers are kept for six hours in Salt's cache.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from typing import NamedTuple

import mattermost_subprocess
from mattermost_lines import lines_of

from mattermost_controller.findings import Finding

PROGRAM = "mattermost/deploy/releases/files/usr/local/sbin/mattermost-releases.jinja"
KNOWN = "mattermost/deploy/releases/files/etc/mattermost/releases-known.conf.jinja"
KINDS = ("page", "list", "advisories", "support")
SECONDS = 180


class Look(NamedTuple):
    """What is known of releases at this moment.

    findings: of one version. values: ``newest``, ``newest_line``, ``ends``, ``security``, ``table_date``, where known.
    listed: newest patch that two of the vendor's sources list, by line. sources: by kind its ``result``, ``reason``, ``entries``, ``newest``.
    """

    findings: list[Finding]
    values: dict
    listed: dict
    sources: dict

    @property
    def is_live(self) -> bool:
        """Whether a source of the vendor answered, so that what is not listed is not there."""
        return self.values.get("live") == "yes"


def for_run(opts: dict, table: dict):
    """Return a function that asks for one run: of *sources* and *version* (see `ask`), once for all hosts that have the same.

    opts: the master's.
    """

    @functools.cache
    def once(sources: tuple, version: str) -> Look:
        return ask(opts["cachedir"], opts["file_roots"]["base"], dict(sources), table, version)

    return lambda sources, version="": once(tuple(sources.items()), version)


def ask(cachedir: str, file_roots: list[str], sources: dict, table: dict, version: str = "") -> Look:
    """Return what the sources and the table say.

    sources: the settings' branch ``release_sources``. table: releases.yaml. version: that runs or will run, "" for none.
    """
    try:
        done = run(cachedir, file_roots, sources, table, "look", version)
    except (OSError, subprocess.TimeoutExpired) as err:
        return parse("", str(err))
    return parse(done.stdout, done.stderr)


def run(
    cachedir: str, file_roots: list[str], sources: dict, table: dict, *arguments: str
) -> subprocess.CompletedProcess:
    """Run the host's program here with *arguments*; for the rest see ``ask``."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(file_roots))  # noqa: S701 - sh and its settings, not HTML
    text = {name: environment.get_template(name) for name in (PROGRAM, KNOWN)}
    conf = "".join(f"{kind}={sources[kind]}\n" for kind in KINDS)
    folder = os.path.join(cachedir, "mattermost-releases", hashlib.sha256(conf.encode()).hexdigest()[:16])
    os.makedirs(folder, mode=0o700, exist_ok=True)
    known, settings = os.path.join(folder, "known"), os.path.join(folder, "conf")
    _write(known, text[KNOWN].render(table=table))
    _write(settings, f"{conf}cache={folder}\ntable={known}\n")
    return mattermost_subprocess.run(
        ["sh", "-s", "--", *arguments],
        input=text[PROGRAM].render(),
        env={**os.environ, "MATTERMOST_RELEASES_SETTINGS": settings},
        timeout=SECONDS,
    )


def parse(text: str, complaint: str = "") -> Look:
    """Return what the program's lines say. complaint: what it wrote to its error output."""
    found, values, listed, sources = [], {}, {}, {}
    for line in lines_of(text):
        kind, *fields = [*line.split("\t"), "", "", "", ""]
        if kind == "asked":
            sources.setdefault(fields[0], {}).update(result=fields[1], reason=fields[2])
        elif kind == "source":
            sources.setdefault(fields[0], {}).update(entries=int(fields[1] or 0), newest=fields[2] or None)
        elif kind == "listed":
            listed[fields[0]] = fields[1]
        elif kind == "value":
            values[fields[0]] = fields[1]
        elif kind == "finding":
            found.append(Finding(*fields[:4]))
    if not values:
        sentence = f"The answers of the release sources could not be read: {complaint.strip()[-200:] or 'no reason was given'}."
        found = [
            Finding(
                "release-sources",
                "warning",
                sentence,
                "to see the answer of each source, run in the checkout: make sources",
            )
        ]
    return Look(found, values, listed, sources)


def _write(path: str, text: str) -> None:
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)
