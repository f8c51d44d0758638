"""Rules on directories: which may be ours, and where they lie beside each other, the system's and other programs'. Pure.

Registered in ``mattermost_settings_rules``.
"""

from __future__ import annotations

import functools
import posixpath

PATHS = ("install", "state", "settings", "work")
# directories that others count on: never ours, and nothing of ours is above them
SYSTEM = (
    "/ /bin /boot /dev /etc /home /lib /lib64 /opt /proc /root /run /sbin /sys /tmp /usr /usr/bin /usr/lib /usr/lib64 /usr/local"
    " /usr/local/bin /usr/local/sbin /usr/sbin /usr/share /var /var/backups /var/cache /var/lib /var/log /var/opt /var/run /var/spool"
    " /var/tmp /var/www"
).split()
VOLATILE = (
    "/boot /dev /proc /run /sys /tmp /var/run /var/tmp /var/lock".split()
)  # emptied at a start, or no disk at all
PARENTS = "/srv /mnt /media /var/local /var/mail".split()  # where each has a directory of its own
FOREIGN = "/bin /home /lib /lib64 /root /sbin /usr/bin /usr/lib /usr/lib64 /usr/sbin /usr/share".split()
REPOSITORY = "mattermost:backup:repository"
SOCKET = "/local.socket"
NEVER_LED_TO = ("/etc", "/usr")  # from elsewhere, by a link
LONGEST = {"path": 1000, "name": 255, "socket": 107}  # bytes; the last two are Linux's own
OUR_RUN = "aside deploy move postgresql rotate.request switch switch.closed switch.hold verify".split()


def _normal(path: str) -> str:
    return "/" + posixpath.normpath(path).lstrip("/")  # to normpath, two slashes at the beginning are not one


@functools.lru_cache(maxsize=4096)
def holds(outer: str, inner: str) -> bool:
    """Say whether *inner* is *outer* or lies in it."""
    return f"{_normal(inner)}/".startswith(f"{_normal(outer).rstrip('/')}/")


def _is_the_systems(path: str) -> bool:
    return any(holds(path, each) for each in SYSTEM)


def _directories(settings: dict) -> dict[str, str]:
    named = {f"mattermost:paths:{name}": settings["paths"][name] for name in (*PATHS, "webroot")}
    repository = settings["backup"]["repository"]
    return named | ({REPOSITORY: repository} if repository.startswith("/") else {})


def _components(settings: dict) -> dict[str, str]:
    """Return the directories of the programs beside the server, by what they are."""
    postgresql, nginx, certbot = (settings["platform"].get(name, {}) for name in ("postgresql", "nginx", "certbot"))
    found = {
        "PostgreSQL's data": postgresql.get("data_dir"),
        "PostgreSQL's configuration": postgresql.get("config_dir"),
        "PostgreSQL's socket": (postgresql.get("socket_dir") or "").replace("/var/run/", "/run/"),
        "nginx's sites": nginx.get("site_dir"),
        "nginx's snippets": nginx.get("snippet_dir"),
        "certbot's files": certbot.get("directory"),
    }
    return {what: path for what, path in found.items() if path}


def paths_are_not_the_systems(settings):
    """Each directory of `paths` except `run`, and a local backup repository, neither is nor contains a system directory (such as `/opt`). Only `webroot` may be in a directory that a restart of the host empties."""
    for name, path in _directories(settings).items():
        real = _normal(path)
        shown = path if path == real else f"{path}, which is {real}"
        if _is_the_systems(path):
            yield f"{name} is {shown}, a system directory. Set a directory that nothing else uses, such as /srv/mattermost."
        elif not name.endswith(":webroot") and any(holds(each, real) for each in VOLATILE):
            yield f"{name} is {shown}, among temporary or system files (as in /tmp, /run or /boot). Set a directory elsewhere, such as below /srv."


def paths_are_no_components(settings):
    """No directory of `paths`, and no local backup repository, is, contains or is inside a directory of PostgreSQL, nginx or certbot."""
    for name, path in [*_directories(settings).items(), ("mattermost:paths:run", settings["paths"]["run"])]:
        met = [
            (what, other)
            for what, other in _components(settings).items()
            if not _is_the_systems(path) and (holds(path, other) or holds(other, path))
        ]
        for what, other in met[:1]:
            yield f"{name} is {path}, but {other} is the directory of {what}. Set a separate directory."


def paths_are_in_the_users_places(settings):
    """No directory of `paths`, and no local backup repository, has `..` in its path, is in a directory of the system's programs, or is in a home directory, which the server cannot read."""
    for name, path in _directories(settings).items():
        if path != _normal(path) and not _is_the_systems(path):
            yield f"{name} is {path}. Write that path without //, . and .., as {_normal(path)}."
        places = [*FOREIGN, *VOLATILE] if name.endswith(":webroot") else FOREIGN
        if any(holds(each, path) for each in places) and not _is_the_systems(path):
            yield f"{name} is {path}, which belongs to the system or its users. Set a directory elsewhere, such as below /srv."
        if path in PARENTS:
            yield f"{name} is {path}, which other programs use too. Set a directory that nothing else uses, such as {path}/mattermost."


def paths_are_not_too_long(settings):
    """No directory of `paths`, and no local backup repository, has a longer path than Linux allows. `paths:run` must be shorter, because the local socket is in it."""
    run = settings["paths"]["run"]
    for name, path in _directories(settings).items():
        if len(path) > LONGEST["path"] or max(map(len, path.split("/"))) > LONGEST["name"]:
            yield f"{name} is too long. Write at most {LONGEST['path']} characters in all, and at most {LONGEST['name']} between two slashes."
    if len(run + SOCKET) > LONGEST["socket"]:
        yield f"mattermost:paths:run is too long for a socket. Write at most {LONGEST['socket'] - len(SOCKET)} characters."


def run_is_not_a_programs(settings):
    """`paths:run` is not one of the directories below /run that this bundle's programs use as root, such as `/run/mattermost-switch`."""
    run = settings["paths"]["run"]
    if run in [f"/run/mattermost-{name}" for name in OUR_RUN]:
        yield f"mattermost:paths:run is {run}, which a program of this bundle uses. Set another directory, such as /run/mattermost."


def paths_are_apart(settings):
    """The directories of `paths` and a backup repository on the host are separate: none is inside another."""
    named = list(_directories(settings).items())
    for index, (name, path) in enumerate(named):
        for other_name, other in named[index + 1 :]:
            if _normal(path) == _normal(other):
                yield f"{name} and {other_name} are the same directory {_normal(path)}. Set a separate directory for each."
            elif holds(path, other) or holds(other, path):
                pair = [f"{name} ({path})", f"{other_name} ({other})"]
                inner, outer = pair if holds(other, path) else reversed(pair)
                yield f"{inner} is inside {outer}. Set directories that do not contain each other."


def astray(settings: dict, real: dict[str, str]) -> dict[str, str]:
    """Return where links lead those directories to that may not be there, written so or not, by key. real: where each is, by its path."""
    repository = settings["backup"]["repository"]
    there = {
        **settings,
        "paths": {name: real.get(path, path) for name, path in settings["paths"].items()},
        "backup": {**settings["backup"], "repository": real.get(repository, repository)},
    }
    faults = _faults(there) - _faults(settings)
    found = {}
    for (name, path), place in zip(_directories(settings).items(), _directories(there).values()):
        led = any(holds(each, place) and not holds(each, path) for each in NEVER_LED_TO) and not holds(
            "/usr/local", place
        )
        if place != path and (led or any(name in fault for fault in faults)):
            found[name] = place
    return found


def _faults(settings: dict) -> set[str]:
    rules = (paths_are_not_the_systems, paths_are_no_components, paths_are_in_the_users_places, paths_are_apart)
    return {fault for rule in rules for fault in rule(settings)}
