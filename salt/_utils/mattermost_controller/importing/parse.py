"""What the files of an installation mean: environment files, settings, the login to its database. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import mattermost_json
from mattermost_lines import lines_of

MYSQL = "The installation uses a MySQL database. Migrate it to PostgreSQL first (the vendor's migration guide)."


class ImportFault(ValueError):
    """Nothing that can be imported; the text says why and what to do."""


class Login(NamedTuple):
    """How the database is reached from its host. kind: ``login`` or ``container``; directory: where pg_dump is, "" for PATH."""

    kind: str
    database: str
    user: str
    password: str = ""
    host: str = ""
    port: str = "5432"
    system_user: str = "nobody"
    directory: str = ""
    container: str = ""


def assignments(text: str) -> dict[str, str]:
    """Return the variables of an environment file: quotes as systemd and docker take them, comments passed over."""
    values = {}
    for line in lines_of(text):
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = re.sub(r'\\(["\\`$])', r"\1", value[1:-1])
            elif len(value) > 1 and value[0] == value[-1] == "'":
                value = value[1:-1]
            values[name.strip()] = value
    return values


def sections(text: str, path: str) -> dict:
    """Return the sections of a config.json. path: its path, for the fault. Raises ImportFault."""
    try:
        value = mattermost_json.parse(text)
    except ValueError as err:
        raise ImportFault(
            f"{path} is not valid JSON: {err}. Correct that file on the host from which you import."
        ) from None
    if not isinstance(value, dict):
        raise ImportFault(
            f"{path} is not a JSON object with sections such as ServiceSettings. Correct that file on the host from which you import."
        )
    return value


def setting(config: dict | None, variables: dict, section: str, key: str, default: str = "") -> str:
    """Return one setting as the server takes it: the variable, else config.json's, else *default*."""
    variable = f"MM_{section}_{key}".upper()
    if variable in variables:
        return variables[variable]
    found = (config or {}).get(section)
    value = found.get(key) if isinstance(found, dict) else None
    return default if value is None else str(value)


def is_database(text: str) -> bool:
    """Say whether a DataSource or an MM_CONFIG is the URI of a PostgreSQL database."""
    return text.startswith(("postgres://", "postgresql://"))


def data_source(config: dict | None, variables: dict, override: str | None = None) -> str:
    """Return the DataSource as the server takes it, or the one *override*. Raises ImportFault where its driver is MySQL's."""
    if setting(config, variables, "SqlSettings", "DriverName", "postgres") == "mysql":
        raise ImportFault(MYSQL)
    return setting(config, variables, "SqlSettings", "DataSource") if override is None else override


def login(source: str, **more) -> Login:
    """Return the login that a DataSource (a URI, or ``key=value`` words) names. Raises ImportFault for MySQL's form."""
    if is_database(source):
        parts = urlsplit(source)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        values = {
            "database": unquote(parts.path.lstrip("/")) or query.get("dbname", ""),
            "user": unquote(parts.username or "") or query.get("user", ""),
            "password": unquote(parts.password or "") or query.get("password", ""),
            "host": query.get("host", "") or parts.hostname or "",
            "port": query.get("port", "") or str(parts.port or 5432),
        }
    elif re.search(r"@(tcp|unix)\(", source):
        raise ImportFault(MYSQL)
    else:
        words = dict(re.findall(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)", source))
        clean = {key: value.strip("'").replace("\\'", "'") for key, value in words.items()}
        values = {
            key: clean.get(name, "")
            for key, name in (("database", "dbname"), ("user", "user"), ("password", "password"), ("host", "host"))
        }
        values["port"] = clean.get("port", "5432")
    if not re.fullmatch("[0-9]{1,5}", values["port"]):
        raise ImportFault(
            f"The old server's DataSource names the database port {values['port'][:100]}, which is not a port. Correct SqlSettings:DataSource there."
        )
    return Login(**{"kind": "login", **values, **{key: value for key, value in more.items() if value}})
