"""The files that a host gets with some settings, as text, and the programs that read them."""

from __future__ import annotations

import copy
import functools
import itertools
import subprocess
from unittest import mock

import jinja2
import mattermost_settings_core as core
import mattermost_settings_data as data

from tests.render import compiler

_asked = itertools.count()
STATES = [name for name in compiler.DEPLOY if name.count(".") == 2]


@functools.cache
def _host(platform: str) -> compiler.Host:
    return compiler.Host(compiler.GRAINS[platform], {})


def low(platform: str, merged: dict, states=STATES) -> list[dict]:
    """Return the low data of *states* for a host of *platform* whose merged settings these are."""
    with (
        mock.patch.object(core, "merge", side_effect=lambda *_, **__: copy.deepcopy(merged)),
        mock.patch.object(
            data, "KEPT", f"{data.KEPT} {next(_asked)}"
        ),  # a run merges once, and this is one for each call
    ):
        return _host(platform).low(*states)


@functools.cache
def _template(source: str) -> jinja2.Template:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701 (no HTML)
    return environment.from_string((compiler.ROOT / "salt" / source.removeprefix("salt://")).read_text())


def texts(low: list[dict]) -> dict[str, tuple[str, dict]]:
    """Return each file that *low* makes from a template with its text and context, by path."""
    found = {}
    for chunk in low:
        context = chunk.get("context") or {}
        files = [{"path": chunk["name"], "source": chunk["source"]}] if chunk.get("template") == "jinja" else []
        if chunk["state"] == "mattermost_nginx":
            files, context = chunk.get("files", []), {**context, "ipv6": True}
        for file in files:
            if file["source"].endswith(".jinja"):
                found[file["path"]] = _template(file["source"]).render(context), context
    return found


def read_by_sh(path: str, names: list[str]) -> list[str]:
    """Return what our programs read of *names* in the settings file at *path*."""
    script = _value_of() + '\nfile=$1; shift; for name; do printf "%s\\n" "$(value_of "$file" "$name")"; done'
    done = subprocess.run(["sh", "-c", script, "sh", path, *names], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


@functools.cache
def _value_of() -> str:
    tools = (compiler.TREE / "deploy/common/tools.sh").read_text().splitlines()
    return next(line for line in tools if line.startswith("value_of() "))


def systemds_refusals(paths: list) -> list[str]:
    """Return what systemd has against units, but for programs and files that are not here."""
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    missing = ("is not executable: No such file", "Failed to create", "not found.", "Failed to load environment files")
    return [line for line in done.stderr.splitlines() if line.strip() and not any(each in line for each in missing)]
