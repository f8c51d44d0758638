"""Note on the host which version of this bundle deployed it."""

from __future__ import annotations

import mattermost_bundle_record as record

__virtualname__ = "mattermost_bundle"


def __virtual__():
    return __virtualname__


def noted(name, bundle):
    """Have noted which version of this bundle deployed the host.

    name: ``paths.work`` of the settings. bundle: ``version``, and ``breaking_changes``, the number of the last one that this
    version knows.
    """
    place, version = record.path(name), bundle["version"]
    ret = {"name": name, "changes": {}, "result": True, "comment": f"{place} names version {version}."}
    wanted = {key: str(value) for key, value in bundle.items()}
    try:
        old = record.read(name)
        if old == wanted:
            return ret
        changes = {key: {"old": old.get(key, ""), "new": new} for key, new in wanted.items() if old.get(key) != new}
        if __opts__["test"]:
            return ret | {"result": None, "changes": changes, "comment": f"Would note version {version} in {place}."}
        record.write(name, bundle)
    except OSError as err:
        return ret | {"result": False, "comment": f"{place} could not be read or written: {err}"}
    return ret | {"changes": changes}
