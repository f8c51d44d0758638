"""Remove what earlier versions, failed upgrades, going back and restores left, once the settings no longer keep it.

.. code-block:: yaml

    what-earlier-versions-left-is-pruned:
      mattermost_retention.pruned:
        - name: {{ mattermost.paths.work }}/switch

The host program ``mattermost-switch`` decides and removes; what holds messages that are nowhere else stays and is named.
"""

from __future__ import annotations

import os
import subprocess

__virtualname__ = "mattermost_retention"

PROGRAM = "/usr/local/sbin/mattermost-switch"


def __virtual__():
    return __virtualname__


def pruned(name):
    """Remove what the settings no longer keep.

    name: the host program's own directory; while it is not there, nothing can be kept. changes: ``removed``, a list of names.
    Result False when the program fails, with what it said.
    """
    ret = {"name": name, "changes": {}, "result": True, "comment": "Nothing is kept longer than the settings say."}
    test = __opts__["test"]
    if not os.path.isdir(name):
        return ret
    if test and not _prunes():
        return ret
    done = subprocess.run(
        [PROGRAM, "prune", *(["try"] if test else [])], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        return ret | {"result": False, "comment": done.stderr.strip() or done.stdout.strip()}
    gone, stays = parsed(done.stdout)
    said = []
    if gone:
        ret["changes"] = {"removed": gone}
        said.append(f"{'Would remove' if test else 'Removed'} {', '.join(gone)}.")
    said += [f"{each}: remove it by hand with mattermost-switch forget." for each in stays]
    if test and gone:
        ret["result"] = None
    return ret | {"comment": " ".join(said) or ret["comment"]}


def _prunes() -> bool:
    """Say whether the program that is here knows how: a dry run leaves the one of an older bundle in its place."""
    try:
        with open(PROGRAM, encoding="utf-8") as file:
            return "prune" in file.read()
    except FileNotFoundError:
        return False


def parsed(text: str) -> tuple[list[str], list[str]]:
    """Return what was or would be removed, and what stays although it is old, from the program's ``key=value`` lines."""
    pairs = [line.partition("=") for line in text.splitlines()]
    gone = [value for key, _, value in pairs if key in ("removed", "would")]
    return gone, [value for key, _, value in pairs if key == "stays"]
