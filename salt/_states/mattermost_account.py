"""Close the race for the first account: whoever makes it rules the server.

The server starts with sign-up closed (config.json). Through its local socket, which the network cannot reach, the
administrator's account is made, and only then sign-up gets the value that is wanted.
"""

from __future__ import annotations

import os

import mattermost_account_core as core
import mattermost_api_core as api
import mattermost_config_core
import mattermost_config_file as files
import mattermost_config_from_settings as wants
import mattermost_service_core
from mattermost_answer import answer as _ret

PEOPLE = "The server has accounts. This run does not change them."


def first_admin(name, paths, server):
    """Make the first administrator when the server has no account of a person, then let sign-up be what is wanted.

    name: root-only file that gets the login. paths, server: from the merged settings.
    Once there is an account, none is ever touched, renamed, deactivated or not; without server.admin.create sign-up stays
    closed until there is one. The password stands in the file alone, never in changes or comment.
    Result False when the server does not answer or refuses.
    """
    admin, socket = server["admin"], os.path.join(paths["run"], "local.socket")
    if not server["local_mode"]:
        return _without_socket(name, files.Note(paths["work"]), admin)
    try:
        note = files.Note(paths["work"])
        had_its_value = note.get("opened", False) or _came_from_elsewhere(paths["work"])
        return _first_admin(name, api.Api(socket), note, admin, server, had_its_value)
    except api.Unreachable as err:
        if __opts__["test"]:
            return _ret(
                name,
                None,
                "Would create the first administrator's account after the start of the server, if the server then has no account.",
            )
        return _ret(name, False, f"{err} See on the host: journalctl -u mattermost")
    except (api.Refused, files.FileError, OSError) as err:
        return _ret(name, False, f"The first administrator's account could not be created or checked: {err}")
    except (AttributeError, KeyError, TypeError) as err:  # JSON of another form than the server's
        said = f"The server answered in an unexpected form ({err!r}). See on the host: journalctl -u mattermost"
        return _ret(name, False, said)


def _without_socket(name, note, admin) -> dict:
    if note.get("opened"):
        return _ret(
            name,
            True,
            "Accounts were not checked, because mattermost:server:local_mode is false. An earlier run found or created some, so no action is needed.",
        )
    return _ret(
        name,
        None if __opts__["test"] else not admin["create"],
        "Sign-up stays closed, because this run cannot look for accounts without the server's local socket. Set "
        "mattermost:server:local_mode: true and deploy. After that deploy you can set local_mode to false again.",
    )


def _came_from_elsewhere(work) -> bool:
    """Say whether a restore, a move or an import brought the data: its sign-up is what an administrator made of it, and
    nothing that this run closed."""
    if os.path.exists(os.path.join(work, "received")):
        return True
    try:
        with open(os.path.join(work, "backup/restore-report"), errors="replace", newline="\n") as file:
            return mattermost_service_core.report(file.read()).get("result") == "done"
    except FileNotFoundError:
        return False


def _first_admin(name, server, note, admin, settings, had_its_value) -> dict:
    config = server.call("GET", "config")
    is_open = mattermost_config_core.look_up(config, wants.SIGN_UP) is True
    has_people = bool(api.people(server))
    plan = core.SignUp(
        has_people=has_people,
        is_open=is_open,
        create=admin["create"],
        wish=wants.sign_up({"server": settings}),
        opened=had_its_value,
        at_first=note.get("sign_up", True),
    )
    changes, sentences = {}, []
    if plan.create:
        changes["account"] = f"{admin['username']} ({admin['email']}), system administrator"
        place = f"{'would be' if __opts__['test'] else 'is'} in {name} on the host"
        sentences.append(f"The password of {admin['username']} {place}. Only root can read that file.")
    if plan.changes_to(is_open):
        changes["TeamSettings.EnableUserCreation"] = {"old": is_open, "new": plan.final}
    if not (has_people or plan.create):
        sentences.append(
            f"Sign-up {'would be' if __opts__['test'] and is_open else 'is'} closed, because the server has no account. Set "
            "mattermost:server:admin:create: true and deploy, or run `mmctl user create` on the host (docs/troubleshooting.md shows how "
            "to call mmctl)."
        )
    if __opts__["test"]:
        return _ret(name, None if changes else True, " ".join(sentences) or PEOPLE, changes)

    if plan.close_now:
        _set_sign_up(server, False)
    if plan.create:
        password = _one_time_password(name, admin, config.get("PasswordSettings", {}).get("MinimumLength", 0))
        core.create_admin(
            server, admin["username"], admin["email"], password, config["EmailSettings"]["RequireEmailVerification"]
        )
    if plan.final != (is_open and not plan.close_now):
        _set_sign_up(server, plan.final)
    if has_people or plan.create:
        note.keep(opened=True)
    return _ret(name, True, " ".join(sentences) or PEOPLE, changes)


def _set_sign_up(server, value) -> None:
    server.call("PUT", "config/patch", mattermost_config_core.nest({wants.SIGN_UP: value}))


def _one_time_password(path, admin, least) -> str:
    """Kept before the account is made: a run that is cut short in between uses the same one again, unless the server
    wants a longer one by now."""
    try:
        with open(path, encoding="utf-8") as file:
            password = core.password_in(file.read(), admin["username"], least)
    except FileNotFoundError:
        password = ""
    password = password or core.new_password(least)
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    files.write(path, core.password_file(admin["username"], admin["email"], password))
    return password
