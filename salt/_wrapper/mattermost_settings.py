"""``salt['mattermost_settings.get']()`` in an SLS over salt-ssh: runs on the controller, without an ssh round trip.

Found through ``ssh_minion_opts: {wrapper_dirs: …}``; at the top of the master configuration the option has no effect. On a minion
``salt/_modules/mattermost_settings.py`` answers.
"""

from __future__ import annotations

import functools

import mattermost_settings_data


def get():
    """Return the host's merged settings; raises with every fault of the settings."""
    roots = __opts__["__master_opts__"]["file_roots"]["base"]
    data = mattermost_settings_data.load(roots)
    find = functools.partial(mattermost_settings_data.place, roots=roots)
    return mattermost_settings_data.for_sls(data, __pillar__, __opts__, __grains__, __opts__["id"], find, __context__)
