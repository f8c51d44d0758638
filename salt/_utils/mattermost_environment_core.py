"""The server's environment file: its text, what it may hold, and what a variable means.

systemd reads it as root before it starts the server as its own user. Pure functions.
"""

from __future__ import annotations

import difflib
import re
from urllib.parse import quote, urlencode

from mattermost_lines import lines_of

HEADER = "# Managed by Salt (mattermost.deploy.server). Holds secrets: for root alone. Read when the server starts.\n"
NAME = re.compile(r"^MM_[A-Z0-9_]+$")

# Variables that are no keys of config.json.
FURTHER = {"MM_LICENSE", "MM_INSTALL_TYPE", "MM_SERVICEENVIRONMENT", "MM_LOG_PATH", "MM_NO_DOCKER"}
FURTHER_PREFIXES = ("MM_FEATUREFLAGS_", "MM_PLUGINSETTINGS_PLUGINS", "MM_PLUGINSETTINGS_PLUGINSTATES", "MM_CALLS_")

# Variables that would pull the ground from under the other states, and the setting to use.
OURS = {
    "MM_CONFIG": "this bundle sets where config.json is (mattermost:paths:state)",
    "MM_SQLSETTINGS_DRIVERNAME": "only PostgreSQL is supported",
    "MM_SQLSETTINGS_DATASOURCE": "use mattermost:database",
    "MM_SERVICESETTINGS_LISTENADDRESS": "use mattermost:server:port",
    "MM_SERVICESETTINGS_ENABLELOCALMODE": "use mattermost:server:local_mode",
    "MM_SERVICESETTINGS_LOCALMODESOCKETLOCATION": "use mattermost:paths:run",
    "MM_FILESETTINGS_DIRECTORY": "use mattermost:paths:state",
    "MM_PLUGINSETTINGS_DIRECTORY": "use mattermost:paths:state",
    "MM_PLUGINSETTINGS_CLIENTDIRECTORY": "use mattermost:paths:state",
    "MM_LOGSETTINGS_FILELOCATION": "use mattermost:paths:state",
    # nginx speaks plain HTTP with the server, and has the site's ports and certificates
    "MM_SERVICESETTINGS_CONNECTIONSECURITY": "nginx does the site's TLS; run mattermost.ssl",
    "MM_SERVICESETTINGS_USELETSENCRYPT": "nginx does the site's TLS; use mattermost:certificate",
    "MM_SERVICESETTINGS_FORWARD80TO443": "nginx uses port 80, and after mattermost.ssl it redirects http to https",
    # a variable would open sign-up before the first administrator's account exists
    "MM_TEAMSETTINGS_ENABLEUSERCREATION": "use mattermost:server:config (TeamSettings, EnableUserCreation)",
}
# what alone config.json may say of them
NGINXS = {
    "MM_SERVICESETTINGS_CONNECTIONSECURITY": "",
    "MM_SERVICESETTINGS_USELETSENCRYPT": False,
    "MM_SERVICESETTINGS_FORWARD80TO443": False,
}
_TRUTH = {"true": True, "1": True, "t": True, "TRUE": True, "True": True, "T": True}
_FALSE = {"false": False, "0": False, "f": False, "FALSE": False, "False": False, "F": False}


class Unusable(ValueError):
    """A value that cannot stand in an environment file; the text never holds it."""


def data_source(name: str, user: str, socket_dir: str = "", password: str = "", port: int = 5432) -> str:
    """Return the URI by which the server logs in to PostgreSQL on the same host.

    Without a password over the socket in *socket_dir*, as the operating system's user (peer); with one over 127.0.0.1.
    Everything is percent-encoded: one ``@`` or ``/`` of a password left as it is makes another URI.
    """
    if password:
        place = f"{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{port}"
        query = {"sslmode": "disable", "connect_timeout": "10"}
    else:
        place = ""
        query = {"host": socket_dir, "user": user, "sslmode": "disable", "connect_timeout": "10"}
        if port != 5432:  # the port is part of the socket's name
            query["port"] = str(port)
    return f"postgres://{place}/{quote(name, safe='')}?{urlencode(query, safe='/', quote_via=quote)}"


def quoted(value: str) -> str:
    r"""Return *value* as one value of a systemd EnvironmentFile, in double quotes.

    Within them a backslash escapes a double quote, a backslash, a backtick and a dollar; nothing is expanded, a percent
    sign neither. Raises Unusable for control characters: other readers would see another variable after a line break.
    """
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
        raise Unusable("contains a control character or a line break")
    return '"' + re.sub(r'(["\\`$])', r"\\\1", value) + '"'


def rendered(variables: dict) -> str:
    """Return the file's text. Raises Unusable naming the variable."""
    lines = []
    for name, value in sorted(variables.items()):
        try:
            lines.append(f"{name}={quoted(value)}\n")
        except Unusable as err:
            raise Unusable(
                f"{name} {err}. The server cannot read such a value from a file. Remove that character."
            ) from None
    return HEADER + "".join(lines)


def parsed(text: str) -> dict:
    """Return the variables of a file that `rendered` made, or of a plain hand-made one."""
    found = {}
    for line in lines_of(text):
        name, sign, value = line.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = re.sub(r'\\(["\\`$])', r"\1", value[1:-1])
        elif len(value) > 1 and value[0] == value[-1] == "'":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def variable(key: tuple) -> str:
    """Return the variable that overrides a key of config.json."""
    return "MM_" + "_".join(key[:2]).upper()


def meanings(release: dict) -> dict:
    """Return ``{variable: (Section, Key)}`` for every key of the release's config.json."""
    return {
        variable((section, key)): (section, key)
        for section, keys in release.items()
        if isinstance(keys, dict)
        for key in keys
    }


def faults(given: dict, release: dict, version: str, config: dict, insist=()) -> list[str]:
    """Return one sentence for each variable that the server would ignore silently, or that works against other settings.

    given: mattermost:server:environment. release: the release's parsed config.json. config: mattermost:server:config.
    insist: ``Section.Key`` names that the release is said to know.
    """
    known = meanings(release)
    insisted = {variable(tuple(name.split(".", 1))) for name in insist}
    found = []
    for name, value in sorted(given.items()):
        where = f"mattermost:server:environment:{name}"
        if name in OURS:
            found.append(is_ours(name))
            continue
        if name not in known:
            if name not in FURTHER | insisted and not name.startswith(FURTHER_PREFIXES):
                near = difflib.get_close_matches(name, known, n=1)
                found.append(
                    f"{where} is not a variable of Mattermost {version}. The server would ignore it."
                    + (f" Did you mean {near[0]}?" if near else "")
                )
            continue
        section, key = known[name]
        if key in config.get(section, {}):
            found.append(
                f"{section}.{key} is set twice: in mattermost:server:config and in {where}. The server would use the value from the environment. Remove one of the two."
            )
        wanted = unreadable(value, release[section][key])
        if wanted:
            found.append(f"{where} must be {wanted}; otherwise the server ignores it.")
    return found


def is_ours(name: str) -> str:
    """Return the sentence on a variable of `OURS` that is set."""
    return f"mattermost:server:environment:{name} must not be set: {OURS[name]}."


def unreadable(value: str, example) -> str:
    """Return what the server wants in place of *value* for a key whose default is *example*; empty when it can read it."""
    if isinstance(example, bool):
        return "" if value in _TRUTH or value in _FALSE else "true or false"
    if isinstance(example, int):
        return "" if re.fullmatch(r"[+-]?\d+", value) else "a whole number"
    return ""
