"""The end of an orchestration: what it came to, as the last thing on the screen. Runs on the controller.

report:
  mattermost_report.shown:
    - order: last
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mattermost_answer import answer as _ret
from mattermost_controller.reporting import finish
from mattermost_controller.stages import batch, stage


def shown(name):
    """Say what the steps before this one changed, or why one failed; the comment is the same text, for ``--out=json``.

    name: only the state's name. It requires nothing and comes last (``order: last``), so it comes after a failure too; a master with
    ``failhard: True`` ends an orchestration before, and Salt's own results are shown. Never reports a change, and does not judge:
    result is True whatever the others are.
    """
    steps = batch.reached(stage.in_order(_plain(__running__)), __context__.get(batch.DONE) or {})
    return _ret(name, True, finish.with_report(__opts__, __context__, steps, is_alone=len(steps) == 1))


def _plain(value):
    """Return what Salt hands to states as what cannot be changed in the dicts and lists that it was."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value
