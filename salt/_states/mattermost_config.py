"""Keep single keys of Mattermost's config.json, which the server and its administrators write too.

.. code-block:: yaml

    site-address-is-right:
      mattermost_config.merged:
        - name: /var/opt/mattermost/config/config.json
        - paths: {{ mattermost.paths | json }}
        - user: {{ mattermost.server.user }}
        - release: {{ mattermost.release | json }}
        - keys: {ServiceSettings: {SiteURL: https://chat.example.com}}
        - over: {{ mattermost.server.config | json }}
"""

from __future__ import annotations

import mattermost_api_core
import mattermost_config_file as files
import mattermost_release_tree as releases
from mattermost_answer import answer as _ret
from mattermost_config_plan import NotYet, Plan, Refused


def merged(
    name,
    paths,
    user,
    release,
    settings=None,
    environment=None,
    adopt=False,
    keys=None,
    over=None,
    insist=(),
):
    """Set keys of config.json and leave every other key as it is.

    name: absolute path of config.json. paths, user, release: from the merged settings.
    Either settings (the branches name, server, paths, mail, push, and max_connections) with environment
    (mattermost:server:environment) and adopt: config.json is made from the release's own when there is none; one that is
    not ours is taken over only with adopt. Or keys, ``{Section: {Key: value}}`` in a config.json that is there, with
    over (mattermost:server:config): the user's value for one of these keys wins. insist: ``Section.Key`` names to set
    although the release does not know them.

    A running server gets the change through its local socket. Changes hold the keys that change, secrets masked, and
    ``restart: True`` when a running server must be restarted for them.
    Result False, with nothing changed: a key that the release does not know or knows with another type, a value with
    which it would not start, a foreign config.json, a value that the server refuses.
    """
    try:
        plan = Plan(name, paths, user, releases.wanted(paths["install"], release))
        if keys is None:
            plan.want_settings(settings, environment or {}, adopt)
        else:
            plan.want_keys(keys, over or {}, insist)
        changes, restart = plan.changes, plan.restart
        if not __opts__["test"]:
            plan.apply()
    except NotYet as err:
        if __opts__["test"]:
            return _ret(
                name, None, f"Would set keys of {name}. The list of these keys is not known yet, because {err}."
            )
        return _ret(
            name,
            False,
            f"{name} cannot be changed: {err}. Apply the state mattermost.deploy.server to this host first.",
        )
    except Refused as err:
        return _ret(name, False, "\n".join(err.faults))
    except (files.FileError, mattermost_api_core.Refused, mattermost_api_core.Unreachable, OSError) as err:
        return _ret(name, False, f"{name} could not be changed: {err}")
    return _said(name, changes, restart, plan.notes)


def _said(name, changes, restart, notes) -> dict:
    would = "Would change" if __opts__["test"] else "Changed"
    sentences = [
        f"{would} {len(changes)} {'key' if len(changes) == 1 else 'keys'} of {name}."
        if changes
        else f"No key of {name} differs from the settings."
    ]
    if restart:
        before = "" if changes else "An earlier run changed some keys of config.json and did not restart the server. "
        sentences.append(
            f"{before}This run {'would restart' if __opts__['test'] else 'restarts'} the server, which then uses the new values."
        )
    return _ret(
        name,
        None if __opts__["test"] and (changes or restart) else True,
        " ".join(sentences + notes),
        {**changes, **({"restart": True} if restart else {})},
    )
