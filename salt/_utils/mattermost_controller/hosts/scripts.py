"""The scripts of ``salt/mattermost/scripts``, and what they share with the programs on a host, as the controller sends them to a host over ssh."""

from __future__ import annotations

import os
import shlex

TOOLS = "mattermost/deploy/common/tools.sh"  # what all of them begin with, as the programs on a host do


def build(file_roots: list[str], names: tuple[str, ...], values: dict) -> str:
    """Return the scripts *names* one after the other, with *values* put before them as variables of the shell.

    file_roots: directories; the first one that has a script counts. Raises FileNotFoundError when none has it.
    """
    variables = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())
    return variables + "".join(_text(file_roots, name) for name in names)


def _text(file_roots: list[str], name: str) -> str:
    for root in file_roots:
        path = os.path.join(root, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return file.read()
    raise FileNotFoundError(f"The file {name} is missing in {', '.join(map(str, file_roots))}. Get this bundle again.")
