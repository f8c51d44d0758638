"""``salt['mattermost_settings.get']()`` in an SLS on a minion, and masterless: the host merges its own settings.

Over salt-ssh ``salt/_wrapper/mattermost_settings.py`` answers, on the controller.

.. code-block:: shell

    salt HOST mattermost_settings.get
"""

from __future__ import annotations

import contextlib
import functools
import os
from multiprocessing import util

import mattermost_config_core as config_core
import mattermost_settings_core as core
import mattermost_settings_data

_DATA = "mattermost_settings.data"  # in __context__, which lasts for one job: each file asks the master


def get(saltenv=None, **command):
    """Return this host's merged settings; raises with every fault of the settings.

    saltenv: the environment of the tree, for a command; an SLS gives none, its run has one. command: what Salt adds for a command, never
    for an SLS. A master keeps the answer to a command: its secrets are hidden.
    """
    if __opts__.get("__role") == "master":  # an SLS given to state.orchestrate: no settings, no change
        raise core.SettingsError(
            [
                "Deploy states are applied to hosts, not to the controller. Run: salt-ssh HOST state.apply NAME (for a minion: salt HOST state.apply NAME)"
            ]
        )
    env = saltenv or __opts__.get("saltenv") or "base"
    if _DATA not in __context__:
        paths = {name: _cached(f"salt://mattermost/{name}.yaml", env) for name in mattermost_settings_data.NAMES}
        __context__[_DATA] = mattermost_settings_data.read(paths)
        # After a run Salt writes the arguments of its states, secrets too, into this file: removed when the job's process ends
        util.Finalize(None, _forget, [os.path.join(__opts__["cachedir"], "highstate.cache.p")], exitpriority=0)
    data = __context__[_DATA]
    find = functools.partial(_named, env=env)
    settings = mattermost_settings_data.for_sls(
        data, __pillar__, __opts__, __grains__, __opts__["id"], find, __context__
    )
    return config_core.all_shown(mattermost_settings_data.hidden(data["schema"], settings)) if command else settings


def _forget(path):
    with contextlib.suppress(OSError):
        os.unlink(path)


def _cached(url, env):
    path = __salt__["cp.cache_file"](url, env)
    if not path:
        raise core.SettingsError(
            [
                f"Salt's file server has no {url} in the environment {env}. Add the folder salt/ of this bundle to file_roots "
                "(or its repository to gitfs_remotes). If the bundle is in another environment, set saltenv."
            ]
        )
    return path


def _named(name, env):
    if not name.startswith(mattermost_settings_data.SHIPPED):
        raise core.SettingsError(
            [
                f"mattermost:letsencrypt:ca_file is {name}, a path on the controller, which a minion cannot read. Set ca_file to a "
                "file of the file server (salt://mattermost/local/NAME), or to the certificate itself, in PEM format."
            ]
        )
    return __salt__["cp.cache_file"](name, env) or name
