"""Note on the host which version of this bundle deployed it."""

from __future__ import annotations

import mattermost_bundle_record as record
from mattermost_answer import answer as _ret


def recorded(name, bundle):
    """Have noted which version of this bundle deployed the host.

    name: ``paths.work`` of the settings. bundle: ``version``, and ``breaking_changes``, the number of the last one that this
    version knows.
    """
    place, version = record.path(name), bundle["version"]
    comment = f"{place} records that version {version} of this bundle deployed this host."
    wanted = {key: str(value) for key, value in bundle.items()}
    try:
        old = record.read(name)
        if old == wanted:
            return _ret(name, True, comment)
        changes = {key: {"old": old.get(key, ""), "new": new} for key, new in wanted.items() if old.get(key) != new}
        if __opts__["test"]:
            return _ret(
                name,
                None,
                f"Would record in {place} that version {version} of this bundle deployed this host.",
                changes,
            )
        record.write(name, bundle)
    except OSError as err:
        return _ret(
            name, False, f"{place} could not be read or written: {err}. See on the host whether a disk is full: df -h"
        )
    return _ret(name, True, comment, changes)
