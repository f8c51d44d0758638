"""What minions do in a move or an import (docs/minions.md). Called by mattermost.move and mattermost.import alone."""

from __future__ import annotations

import base64
import importlib
import json
import os
import subprocess
import sys

import mattermost_json


def lead(step, source_id, target_id, way, letter):
    """Lead a *step* of a move or import: see ``mattermost_controller.moving.leading.lead``. The answer holds no secret.

    letter: for this minion, with what else that step needs.
    """
    more = mattermost_json.parse(_package("hosts.seal").opened(_key(), letter)[0])
    return _package("moving.leading").lead(step, source_id, target_id, way, more, __salt__)


def run(letter):
    """Run what a *letter* for this minion says, ``argv`` with ``input``; the reply is sealed too. No secret is in the arguments of *argv*."""
    data, key = _package("hosts.seal").opened(_key(), letter)
    asked = mattermost_json.parse(data)
    try:
        done = _package("hosts.bounded").run(asked["argv"], base64.b64decode(asked["input"]), asked["timeout"])
        told = [done.returncode, *(base64.b64encode(part).decode() for part in (done.stdout, done.stderr))]
    except (subprocess.TimeoutExpired, ValueError) as err:
        told = [124, "", base64.b64encode(str(err).encode()).decode()]
    except OSError as err:
        said = f"The program {asked['argv'][0]} cannot be started: {err.strerror}.\n"
        told = [127, "", base64.b64encode(said.encode()).decode()]
    return _package("hosts.seal").reply(key, json.dumps(told).encode())


def _key():
    with open(os.path.join(__opts__["pki_dir"], "minion.pem"), "rb") as file:
        return file.read()


def _package(name):
    """Import a module of the controller's package, which of all hosts only minions have, and which Salt has in no path of theirs."""
    folder = os.path.join(__opts__["extension_modules"], "utils")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(f"mattermost_controller.{name}")
