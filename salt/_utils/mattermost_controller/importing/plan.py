"""Whether an installation that was found can be imported, and which settings its server gets here. Pure."""

from __future__ import annotations

import json
import re

import mattermost_config_core as config
import mattermost_config_from_settings as wanted
import mattermost_environment_core as environment
import mattermost_json
import mattermost_release_core as release
import mattermost_service_core as service

from mattermost_controller.given import asked
from mattermost_controller.importing.parse import login, setting
from mattermost_controller.importing.source import Source
from mattermost_controller.moving import plan as move_plan
from mattermost_controller.moving import transfer

ACCEPTED = {
    "enterprise": "The server on {host} is the Enterprise Edition, and the settings set the Team Edition. Features that the Team Edition lacks would be lost. "
    "To keep the edition, set mattermost:release:edition: enterprise.",
    "team": "The server on {host} is the Team Edition, and the settings set the Enterprise Edition, which hides old messages without a license. "
    "To keep the edition, set mattermost:release:edition: team.",
    "gitlab-sign-in": "People on {host} sign in with GitLab, and Team Edition 11.0 and later has no GitLab sign-in. Let these people set a password first (profile, security, sign-in method).",
}
COUNT_ONLY = "0"  # PostgreSQL before 11 knows no such checksum


def parse_request(pillar) -> dict:
    """Return ``{"from", "to", "stop", "directory", "overwrite", "accept", "ssh"}`` of the pillar ``import``. Raises ValueError, one sentence.

    Without ``to`` it is ``from``: the server is taken over in its place.
    """
    example = """pillar='{"import": {"from": "old.example.com", "to": "new.example.com", "stop": true}}'"""
    if not isinstance(pillar, dict) or not pillar:
        raise ValueError(
            f"The command names no host in its pillar. Give `from` and `to`, or only `from` for an import in place. Write them like this, with your own roster IDs: {example}"
        )
    pillar = {"to": pillar.get("from"), **pillar}
    known = {"stop": False, "directory": "", "overwrite": False, "accept": [], "ssh": False}
    asked.check("import", pillar)
    move_plan.check_hosts("import", pillar, example)
    request = {**known, **pillar}
    for key, default in known.items():
        if type(request[key]) is not type(default):
            kind = {bool: "true or false", str: "a text", list: "a list"}[type(default)]
            raise ValueError(f"import:{key} is {request[key]!r}, but must be {kind}.")
    if request["ssh"] and request["from"] == request["to"]:
        raise ValueError(
            "import:ssh needs a second host. Set import:to to the minion that logs in to the source and takes over its server."
        )
    strange = sorted(set(map(str, request["accept"])) - set(ACCEPTED))
    if strange:
        raise ValueError(f"import:accept contains {strange[0]}. Allowed are: {', '.join(ACCEPTED)}.")
    return request


def version(source: Source, settings: dict, known: dict) -> str:
    """Return the version to deploy for an import: the one that the settings name, else the source's own.

    settings: the target's merged ones. known: checksums by version, of the target's processor. Raises ValueError.
    """
    if settings["release"]["pinned"]:
        return settings["release"]["version"]
    if source.version in known:
        return source.version
    raise ValueError(
        f"The source runs Mattermost {source.version}, and the checksum of that version is not known. Set "
        "mattermost:release:version to that version or a newer one. If the archive is a file on the controller, also set mattermost:release:sha256."
    )


def incompatibilities(
    request: dict, source: Source, facts: dict, target: dict, settings: dict, is_same: bool
) -> list[str]:
    """Return one sentence for each reason why the import cannot be, with what to do.

    source, facts: what was found, and the look at its database and files. target: the look at the target. settings: its own.
    """
    source_id, target_id = request["from"], request["to"]
    if is_same:
        return [
            f"{source_id} and {target_id} are the same machine. To import that machine's server in place, name the machine only in import:from."
        ]
    reasons = []
    if source.login.kind == "login" and not source.login.directory:
        reasons.append(
            f"{source_id} has no pg_dump. Install PostgreSQL's client programs there, not older than the PostgreSQL server that has Mattermost's database."
        )
    elif not facts.get("postgresql"):
        reasons.append(
            f"The database of the {source.layout} installation on {source_id} cannot be read: {_reason(source, facts).rstrip('.')}. Check that its PostgreSQL runs, and that the login in its settings is right."
        )
    if source.active and not request["stop"]:
        reasons.append(
            f'The server on {source_id} runs, and an import has to stop it. To allow this, add "stop": true to "import" in the pillar of the command.'
        )
    reasons += _databases(source_id, source)
    reasons += _release(request, source, facts, settings)
    reasons += _postgresql(source_id, target_id, facts, target, settings)
    reasons += move_plan.newer_messages(request, facts, target, key="import")
    return reasons + move_plan.mounts(target_id, target, settings) + move_plan.disk_space(target_id, facts, target)


def _reason(source: Source, facts: dict) -> str:
    answer = facts.get("refused", "").strip() or "no answer"
    return answer.replace(source.login.password, "(hidden)") if source.login.password else answer


def _databases(source_id: str, source: Source) -> list[str]:
    """Return why two databases are in use, when settings in a database name another one for the messages."""
    data_source = setting(source.config, source.variables, "SqlSettings", "DataSource")
    if source.config_file or not data_source:
        return []
    messages_login, settings_login = login(data_source), source.login
    is_same_server = source.layout == "docker" or _local(messages_login.host) == _local(
        settings_login.host
    )  # a container's name is no host's
    if is_same_server and (messages_login.database, messages_login.port) == (
        settings_login.database,
        settings_login.port,
    ):
        return []
    return [
        f"{source_id} has its settings in the database {settings_login.database} and its messages in "
        f"{messages_login.database} (on {messages_login.host or 'that same host'}), but an import reads only one "
        "database. Copy the settings to the database with the messages (mmctl --local config migrate FROM TO), set it in "
        "MM_CONFIG, and restart the server."
    ]


def _local(host: str) -> str:
    return "" if host.startswith("/") or host in ("localhost", "127.0.0.1", "::1") else host


def _release(request: dict, source: Source, facts: dict, settings: dict) -> list[str]:
    reasons, wanted = [], settings["release"]["version"]
    try:
        release.check_hop(source.version, wanted, is_import=True)
    except release.ReleaseError as err:
        reasons.append(f"The source runs Mattermost {source.version}. {err}")
    edition = settings["release"]["edition"]
    editions = edition, "team" if source.is_team else "enterprise"
    too_many = service.too_many_users(source.version, wanted, move_plan.number(facts, "users"), *editions)
    if too_many and "user-limit" not in settings["preflight"]["ignore"]:
        reasons.append(too_many)
    unaccepted = {
        "enterprise": not source.is_team and edition == "team",
        "team": source.is_team and edition == "enterprise",
        "gitlab-sign-in": setting(source.config, source.variables, "GitLabSettings", "Enable").lower() in ("true", "1")
        and release.parse(wanted) >= (11, 0, 0)
        and edition == "team",
    }
    for name, applies in unaccepted.items():
        if applies and name not in request["accept"]:
            reasons.append(
                f'{ACCEPTED[name].format(host=request["from"])} To import anyway, add "accept": ["{name}"] to "import" in the pillar of the command.'
            )
    return reasons


def _postgresql(source_id: str, target_id: str, source: dict, target: dict, settings: dict) -> list[str]:
    source_major = move_plan.number(source, "postgresql") // 10000
    target_major = move_plan.number(target, "postgresql") // 10000 or int(settings["platform"]["postgresql"]["version"])
    if source_major > target_major:
        return [
            f"{source_id} has PostgreSQL {source_major} and {target_id} has PostgreSQL {target_major}. A database cannot move to an older PostgreSQL. Use a target with PostgreSQL {source_major} or newer (docs/postgresql.md)."
        ]
    return []


def script_values(source: Source, settings: dict, request: dict, number: str) -> dict:
    """Return what move.sh must know of the source. settings: the target's. number: of this import."""
    login = source.login
    no_folders = dict.fromkeys(("state", "settings", "certificates"), "/nonexistent")
    return {
        **transfer.script_values(settings, id=number, move_to=request["to"]),
        **no_folders,
        "work": transfer.WORKDIR,
        "maintenance": f"{transfer.WORKDIR}/closed",
        "left": f"{transfer.WORKDIR}/left",
        # one that stood still is not started either
        "halt": source.stop_command if source.active else "true",
        "resume": source.start_command if source.active else "true",
        "units": "",
        "database": login.database,
        "role": login.user,
        "pg_kind": login.kind,
        "pg_host": login.host,
        "pg_password": login.password,
        "pg_system_user": login.system_user,
        "pg_container": login.container,
        "bin_dir": login.directory,
        "database_port": login.port or "5432",
        "data": source.data,
        "plugins": source.plugins,
        "client_plugins": source.client_plugins,
        "config": source.config_file,
    }


def with_variables(sections: dict, variables: dict) -> dict:
    """Return the sections as the server takes them: MM_ variables win, each in the type that its key has.

    A variable whose value cannot be that type is ignored, as the server does.
    """
    result = {}
    for key, value in config.flatten(sections).items():
        variable = variables.get(environment.variable(key)) if len(key) == 2 else None
        if variable is not None:
            result[key] = _typed(variable, value)
    return config.merged(sections, {key: value for key, value in result.items() if value is not None})


def _typed(text: str, example):
    if isinstance(example, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if isinstance(example, int):
        return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else None
    if isinstance(example, list):
        return text.split()
    return text if isinstance(example, str) else None


def merge_config(sections: dict, variables: dict, settings: dict, fresh: dict, site: str = "") -> dict:
    """Return the imported server's config.json: the source's settings, under those that our settings stand for.

    settings: the target's merged ones. fresh: the config.json that the deploy made there, for the keys that name its own database.
    site: URL of the site, else that of the public name.
    """
    derived, _ = wanted.keys({**settings, "max_connections": settings["database"]["max_connections"]})
    of_target = {wanted.SITE: site or f"https://{settings['name']}{settings['server']['path']}"}
    for key in (
        ("SqlSettings", "DataSource"),
        ("SqlSettings", "DataSourceReplicas"),
        ("SqlSettings", "DataSourceSearchReplicas"),
    ):
        value = config.look_up(fresh, key)
        if value is not config.MISSING:
            of_target[key] = value
    configured = config.flatten(settings["server"]["config"])
    return config.merged(with_variables(sections, variables), {**of_target, **derived, **configured})


def unusable_settings(sections: dict, settings: dict) -> list[str]:
    """Return one sentence for each setting of the source with which the wanted version would not start or not work."""
    blocked = config.blocked(sections, settings["release"]["version"], {}, settings["release"]["edition"])
    return [f"The source's {each.sentence}" for each in blocked]


def parse_config(data: bytes, whose: str = "source") -> dict:
    """Return the sections of a config.json. whose: ``source`` or ``target``. Raises ValueError, a sentence."""
    try:
        value = mattermost_json.parse(data)
    except ValueError as err:
        raise ValueError(
            f"The {whose}'s config.json is not valid JSON: {err}. Correct that file on the {whose}, then start the import again."
        ) from None
    if not isinstance(value, dict):
        raise ValueError(
            f"The {whose}'s config.json is not a JSON object with sections such as ServiceSettings. Correct that file on the {whose}, then start the import again."
        )
    return value


def render_config(sections: dict) -> bytes:
    """Return config.json as the server writes it."""
    return json.dumps(sections, indent=4, ensure_ascii=False).encode()


def next_steps(request: dict, source: Source, settings: dict, address: str) -> list[str]:
    """Return what the operator has to do now, a sentence each."""
    name, source_id, target_id = settings["name"], request["from"], request["to"]
    return [
        f"Now change the DNS record of {name} to {target_id} ({address}). Set mattermost:hosts: [{target_id}]. Then run: salt-run state.orchestrate mattermost.ssl (or .non-ssl).",
        f"The {source.layout} installation on {source_id} is stopped and unchanged, but a reboot may start that installation again. To prevent that, run on that host: {source.disable_command}",
        f"To go back to the old installation, without the messages posted after the import, run on {source_id}: {source.start_command}",
    ]
