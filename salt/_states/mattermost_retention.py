"""Old versions and copies go once the settings no longer keep them: the host program mattermost-kept decides which (remove.sh).

.. code-block:: yaml

    what-earlier-versions-left-is-pruned:
      mattermost_retention.pruned:
        - name: {{ mattermost.paths.work }}/switch

It is called by way of ``mattermost-switch``. What holds messages that are nowhere else stays and is named.
"""

from __future__ import annotations

import os

import mattermost_subprocess
from mattermost_answer import answer as _ret
from mattermost_lines import lines_of

PROGRAM = "/usr/local/sbin/mattermost-switch"


def pruned(name):
    """Remove what the settings no longer keep.

    name: the host program's own directory; while it is not there, nothing can be kept. changes: ``removed``, a list of names.
    Result False when the program fails, with what it said.
    """
    nothing, test = "No old copies or versions are due for removal.", __opts__["test"]
    if not os.path.isdir(name) or (test and not _prunes()):
        return _ret(name, True, nothing)
    done = mattermost_subprocess.run([PROGRAM, "prune", *(["try"] if test else [])])
    if done.returncode:
        return _ret(name, False, done.stderr.strip() or done.stdout.strip())
    gone, stays = parsed(done.stdout)
    sentences = []
    if gone:
        sentences.append(f"{'Would remove' if test else 'Removed'} {', '.join(gone)}.")
    sentences += [
        f"{each}. To remove {each.partition(' ')[0]} nevertheless, run on the host: mattermost-kept forget {each.partition(' ')[0]} anyway"
        for each in stays
    ]
    return _ret(
        name, None if test and gone else True, " ".join(sentences) or nothing, {"removed": gone} if gone else {}
    )


def _prunes() -> bool:
    """Say whether the program that is here knows how: a dry run leaves the one of an older bundle in its place."""
    try:
        with open(PROGRAM, encoding="utf-8") as file:
            return "prune" in file.read()
    except FileNotFoundError:
        return False


def parsed(text: str) -> tuple[list[str], list[str]]:
    """Return what was or would be removed, and what stays although it is old, from the program's ``key=value`` lines."""
    pairs = [line.partition("=") for line in lines_of(text)]
    gone = [value for key, _, value in pairs if key in ("removed", "would")]
    return gone, [value for key, _, value in pairs if key == "stays"]
