"""A server in a container, as Docker compose makes it, with the database in another or elsewhere. Pure."""

from __future__ import annotations

import os
import re

import mattermost_json

from mattermost_controller.importing.parse import ImportFault, Login, data_source, is_database, login, sections
from mattermost_controller.importing.source import (
    Source,
    build,
    file,
    parse_version,
    pg_dump_directory,
    server_variables,
)

IN_CONTAINER = "/mattermost"  # the image's tree
IMAGE = r"mattermost(?!.*(postgres|mysql|nginx))"


def find(facts: dict) -> Source | None:
    """Return the installation, None when there is none. Raises ImportFault."""
    if "containers" not in facts:
        return None
    containers = mattermost_json.parse(file(facts, "containers") or "[]")
    server = _server(containers)
    if server is None:
        return None
    name, image, container_id = server["Name"].lstrip("/"), server["Config"]["Image"], server["Id"][:12]
    variables = server_variables(
        dict(entry.split("=", 1) for entry in server["Config"].get("Env") or [] if "=" in entry)
    )
    # one in memory has no place on the host: what it holds is lost with the container too
    mounts = {
        mount["Destination"].rstrip("/"): mount["Source"] for mount in server.get("Mounts") or [] if mount.get("Source")
    }
    version_lines = facts.get(f"version_of_{container_id}", [])
    version, is_team = parse_version(version_lines)
    config, config_file, data_source = _settings(facts, container_id, variables, mounts)
    return build(
        "docker",
        version_lines,
        config,
        variables,
        lambda path, what: _path_on_host(mounts, path, what, name),
        version=version or _version_tag(image),
        is_team=is_team or "team" in image,
        config_file=config_file,
        login=_login_from_host(login(data_source, directory=pg_dump_directory(facts)), containers, server),
        stop_command=f"docker stop {name}",
        start_command=f"docker start {name}",
        active=bool((server.get("State") or {}).get("Running")),
        disable_command=f"docker update --restart=no {name}",
    )


def _server(containers: list) -> dict | None:
    """Return the container of the server: the one that runs, where there are several. Raises ImportFault when that says nothing."""
    servers = [each for each in containers if re.search(IMAGE, each["Config"]["Image"])]
    running = [each for each in servers if (each.get("State") or {}).get("Running")]
    candidates = running or servers
    if len(candidates) > 1:
        names = ", ".join(sorted(each["Name"].lstrip("/") for each in candidates))
        raise ImportFault(
            f"The host has several Mattermost servers in containers ({names}). Stop and start them so that only the one to import runs."
        )
    return candidates[0] if candidates else None


def _settings(facts: dict, container_id: str, variables: dict, mounts: dict) -> tuple[dict | None, str, str]:
    """Return config.json's sections, its path on the host, and the DataSource. Sections and path are empty where the database has them."""
    config_location = variables.get("MM_CONFIG", "")
    if is_database(config_location):
        return None, "", variables.get("MM_SQLSETTINGS_DATASOURCE", config_location)
    path = _path_on_host(mounts, config_location or "config/config.json", "configuration", "The server's container")
    text = file(facts, f"config_of_{container_id}")
    config = sections(text, path) if text else None
    return config, path, data_source(config, variables)


def _version_tag(image: str) -> str:
    return image.rpartition(":")[2].removeprefix("release-")


def _path_on_host(mounts: dict, path: str, what: str, name: str) -> str:
    """Return where a path of the container stands on the host."""
    path = os.path.normpath(os.path.join(IN_CONTAINER, path))
    mount_point = max(
        (place for place in mounts if path == place or path.startswith(place + "/")), key=len, default=None
    )
    if mount_point is None:
        raise ImportFault(
            f"{name} keeps its {what} ({path}) only inside the container, so removing the container deletes {path}. Copy "
            f"{path} out of the stopped container (docker cp -a) and mount it at {path} (compose file). Run docker compose up -d. Import again."
        )
    return os.path.normpath(mounts[mount_point] + path[len(mount_point) :])


def _login_from_host(login: Login, containers: list, server: dict) -> Login:
    """Return how to reach the database from the host: through its own container, when it is one beside the server's."""
    for container in containers:
        if container is not server and login.host in _names_of_container(container, server):
            return login._replace(kind="container", container=container["Name"].lstrip("/"))
    for entry in (server.get("HostConfig") or {}).get("ExtraHosts") or []:
        name, _, address = entry.partition(":")
        if name == login.host:
            return login._replace(host="127.0.0.1" if address == "host-gateway" else address)
    return login


def _names_of_container(container: dict, server: dict) -> set:
    """Return the names by which *server* reaches the *container*: those on a network that both are in."""
    of_server, of_container = (
        ((either.get("NetworkSettings") or {}).get("Networks") or {}) for either in (server, container)
    )
    shared = set(of_server) & set(of_container)
    labels, beside = (either["Config"].get("Labels") or {} for either in (container, server))
    project = "com.docker.compose.project"
    is_beside = bool(labels.get(project)) and labels.get(project) == beside.get(project)
    if not shared and not is_beside:
        return set()
    aliases = {alias for network in shared for alias in of_container[network].get("Aliases") or []}
    addresses = {of_container[network].get("IPAddress") for network in shared}
    service = labels.get("com.docker.compose.service") if is_beside else None
    return (aliases | addresses | {service, container["Name"].lstrip("/")}) - {None, ""}
