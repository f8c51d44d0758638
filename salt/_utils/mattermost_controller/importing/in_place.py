"""An import into the host that the source is on: what clashes, where the source is once it is aside, what is left to do. Pure."""

from __future__ import annotations

import re

from mattermost_controller.importing.parse import setting
from mattermost_controller.importing.source import Source

PROGRAM = "/usr/local/sbin/mattermost-aside"
SUFFIX = ".before-import"
LOOPBACK = ("", "localhost", "127.0.0.1", "::1")


def expected_on_host(source: Source) -> dict:
    """Return what a preflight lets stand on the host: ``tree``, and ``database_port`` where the source's database is there (else 0)."""
    return {
        "tree": source.tree,
        "database_port": int(source.login.port or 5432) if _is_on_this_host(source.login.host) else 0,
    }


def _is_on_this_host(host: str) -> bool:
    return host in LOOPBACK or host.startswith("/")


def incompatibilities(source: Source, settings: dict, facts: dict) -> list[str]:
    """Return one sentence for each reason why the source cannot be taken over in its place, with what to do.

    settings: the host's merged ones. facts: `hosts.probe.parse` of the host.
    """
    if facts["current"]:
        return [
            f"This bundle has already deployed Mattermost {facts['current']} on the host, so there is nothing to import."
        ]
    if source.layout != "hand-made":
        return [
            f"An import in place works only for installations made by hand, and this one is a {source.layout} "
            "installation. Import that installation to another host."
        ]
    reasons, paths = [], settings["paths"]
    used = {
        "its program": source.tree,
        "config.json": source.config_file,
        "files": source.data,
        "plugins": source.plugins,
    }
    for key in ("state", "settings", "work"):
        for what, path in used.items():
            if f"{path}/".startswith(f"{paths[key]}/"):
                reasons.append(
                    f"The source has {what} in {path}, a directory that this bundle uses itself. Set mattermost:paths:{key} to another directory."
                )
                break
    login, database = source.login, settings["database"]
    if login.host in facts["addresses"] and not _is_on_this_host(login.host):
        reasons.append(
            f"The source connects to its database at {login.host}, but after a deploy PostgreSQL listens only on "
            "loopback. Set localhost in the source's SqlSettings.DataSource first."
        )
    if _is_on_this_host(login.host) and int(login.port or 5432) == database["port"]:
        same = [
            f"{key}: {login_value}_new"
            for key, login_value in (("name", login.database), ("user", login.user))
            if login_value == database[key]
        ]
        if same:
            reasons.append(
                f"The source's database {login.database} and its role {login.user} stay, so the new server needs other names. Set "
                f"mattermost:database: {{{', '.join(same)}}}, and keep that setting."
            )
    return reasons


def script_values(source: Source) -> dict:
    """Return what move.sh must know of the source beyond what any import tells: it goes aside when it is stopped."""
    return {
        "fits": f"{PROGRAM} fits {source.tree}",
        "halt": f"{PROGRAM} put {source.tree}",
        "resume": f"{PROGRAM} back",
        "leave": f"{PROGRAM} keep",
    }


def parked(source: Source, install: str) -> Source:
    """Return *source* as it is found when it is aside. install: the directory that got another name."""

    def moved(path: str) -> str:
        return f"{install}{SUFFIX}{path[len(install) :]}" if f"{path}/".startswith(f"{install}/") else path

    names = ("data", "plugins", "client_plugins", "config_file")
    return source._replace(**{name: moved(getattr(source, name)) for name in names})


def site_url(source: Source) -> str:
    """Return the URL that the source knows its site by, which its nginx goes on to serve; "" for none."""
    return setting(source.config, source.variables, "ServiceSettings", "SiteURL")


def port(source: Source) -> int:
    """Return the port that the source listens on."""
    port_text = setting(source.config, source.variables, "ServiceSettings", "ListenAddress", ":8065").rpartition(":")[2]
    return int(port_text) if re.fullmatch("[0-9]{1,5}", port_text) else {"http": 80, "https": 443}.get(port_text, 8065)


def next_steps(request: dict, source: Source, settings: dict, sites: list) -> list[str]:
    """Return what the operator has to know and to do now, a sentence each. sites: files of others' sites in nginx."""
    name, source_id, server_port = settings["name"], request["from"], settings["server"]["port"]
    lines = []
    if port(source) != server_port:
        lines.append(
            f"The old server listened on port {port(source)}, and the new one listens on 127.0.0.1:{server_port}. Change the address in every proxy that connects to the server."
        )
    if sites:
        lines.append(
            f"Your nginx site{'s stay' if len(sites) > 1 else ' stays'} unchanged ({', '.join(sites[:3])}). The server listens only on "
            f"127.0.0.1:{server_port}. To replace the old site, move its file away "
            "(mattermost:nginx:share: True keeps others). Run: salt-run state.orchestrate mattermost.ssl"
        )
    else:
        lines.append(
            f"The server listens only on 127.0.0.1:{server_port}. To serve {name}, run now: salt-run state.orchestrate mattermost.ssl (or .non-ssl)."
        )
    if site_url(source) not in ("", f"https://{name}"):
        lines.append(
            f"The server's links still begin with {site_url(source)} (SiteURL). If people will use another address, set SiteURL in the System Console."
        )
    where = f"{settings['paths']['install']}{SUFFIX}" if source.tree == settings["paths"]["install"] else source.tree
    lines += [
        f"The old server is kept on {source_id}, complete and stopped: folder {where}, unit mattermost.service{SUFFIX}, "
        f"database {source.login.database}.",
        f"To go back to the old server, run on {source_id}: {PROGRAM.rpartition('/')[2]} back overwrite. Only the new server has "
        "the messages posted after the import.",
        "docs/import-in-place.md says how to delete the old server.",
    ]
    return lines
