"""Keep a run without preflight and verify, as by a top file, from what only an orchestration does safely.

.. code-block:: yaml

    nothing-is-due-that-needs-an-orchestration:
      mattermost_site.needs_no_orchestration:
        - name: ssl
        - release: {{ mattermost.release | json }}
        - paths: {{ mattermost.paths | json }}
        - breaking_changes: {{ bundle.breaking_changes | json }}
        - acknowledged: {{ mattermost.acknowledged | json }}
"""

from __future__ import annotations

import os

import mattermost_bundle_record as bundle_record
import mattermost_engine as engine
import mattermost_release_tree as tree
from mattermost_answer import answer as _ret
from mattermost_release_facts import effective


def needs_no_orchestration(name, release, paths, breaking_changes, acknowledged=()):
    """Refuse to go on where an upgrade or a breaking change is due, or where the server was moved away. Never reports a change.

    name: the site, ``ssl`` or ``non-ssl``, for the command to name. release, paths: branches of the settings. breaking_changes: as in
    bundle.yaml. acknowledged: IDs of those that the operator has read.
    A host that nothing was deployed to passes.
    """
    installed = tree.current(paths["install"])
    wanted = effective(release, installed)
    command = engine.command((f"mattermost.{name}", engine.UPGRADE[1]), __opts__, paths["work"])
    reason = ""
    if os.path.exists(os.path.join(paths["work"], "moved")):
        reason = (
            f"The server was moved away from this host (see {paths['work']}/moved). This run would start a second "
            "server. Take this host out of the top file. To take the server back with its data from before the move, run "
            f"on this host: sh {paths['work']}/take-back"
        )
    elif installed and installed != wanted:
        reason = (
            f"Mattermost {installed} is deployed on this host, and the settings name {wanted}. The state `mattermost` never changes the "
            f"version. To change to {wanted}, run {command}. To keep {installed}, set mattermost:release:version to {installed}."
        )
    elif installed and (due := _due(breaking_changes, acknowledged, bundle_record.read(paths["work"]))):
        shown = (
            f" To see the changes for this host before that: {command} test=True"
            if engine.has_orchestrations(__opts__, paths["work"])
            else ""
        )
        reason = (
            f"This version of the bundle changes what a deployed host does ({', '.join(due)}). Read CHANGELOG.md, then "
            f"set mattermost:acknowledged: [{', '.join(due)}].{shown}"
        )
    if reason:
        return _ret(name, False, f"Nothing was changed. {reason}")
    return _ret(name, True, "No upgrade, move or breaking change is due on this host.")


def _due(changes, acknowledged, noted):
    """Return the IDs of the breaking changes that this host has not passed. noted: of mattermost_bundle_record."""
    number = noted.get("breaking_changes", "")
    passed = int(number) if number.isdecimal() else 0
    return [each["id"] for each in changes if each["number"] > passed and each["id"] not in acknowledged]
