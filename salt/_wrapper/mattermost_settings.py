"""``salt['mattermost_settings.get']()`` in an SLS over salt-ssh: runs on the controller, without an ssh round trip.

Found through ``ssh_minion_opts: {wrapper_dirs: …}``; at the top of the master configuration the option has no effect.
"""

from __future__ import annotations

import mattermost_settings_core as core
import mattermost_settings_data


def get():
    """Return the host's merged settings; raises with every fault of the settings.

    ``remove`` and ``renew`` are no settings but what a command says: they must never stand in a file. Nor is ``bundle``: it is
    what the host notes of this bundle.
    """
    data = mattermost_settings_data.load(__opts__["__master_opts__"]["file_roots"]["base"])
    settings = mattermost_settings_data.with_files(
        core.merge(
            data,
            __pillar__.get("mattermost") or {},
            __opts__,
            __grains__,
            __opts__["id"],
        )
    )
    asked = {"remove": __pillar__.get("remove") or {}, "renew": __pillar__.get("renew") is True}
    return {**settings, **asked, "bundle": mattermost_settings_data.bundle(data)}
