"""The text of PostgreSQL's configuration files: our settings, and our lines among the administrator's.

Pure functions from text to text.
"""

from __future__ import annotations

import re

import mattermost_database_tuning as tuning

BEGIN = "# BEGIN mattermost.deploy.database: managed lines, and first because the first match wins"
END = "# END mattermost.deploy.database"
BLOCK = re.compile(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n", re.M | re.S)
INCLUDE = re.compile(r"^[ \t]*include_dir[ \t]*=?[ \t]*'conf\.d'", re.M)
MAP = "mattermost"  # names of the user maps in pg_ident.conf: who comes as the role into the server's database,
SQL_MAP = SQL_ACCOUNT = "mattermost-sql"  # and the account of backups and the like, which comes into the copies too

HEADER = """\
# Managed by Salt (mattermost.deploy.database); your own settings belong into another file of this folder.
"""

# settings of ours that must hold; for the others the administrator's own value counts
ESSENTIAL = ("listen_addresses", "port")
# PostgreSQL takes these up only when it starts
AT_START = ("listen_addresses", "port", "max_connections", "shared_buffers")


def settings(
    port: int, max_connections: int, machine: tuple[int, int] | None, by_user: dict | None = None
) -> dict[str, str]:
    """Return the settings that a Mattermost on the same host needs, by name.

    machine: the host's memory in KiB and its cores; None leaves memory, planner and checkpoints alone. by_user: the user's,
    which win over what follows from the machine.
    """
    tuned = tuning.tuned(*machine, max_connections) if machine else {}
    return {
        "listen_addresses": "localhost",
        "port": str(port),
        "max_connections": str(max_connections),
        "password_encryption": "scram-sha-256",
        **tuned,
        **{name: tuning.as_text(value) for name, value in (by_user or {}).items()},
    }


def without_others(wanted: dict[str, str], elsewhere: dict[str, str], by_user=()) -> dict[str, str]:
    """Return *wanted* less what the administrator chose in another file: that value counts, and ours would only compete.

    elsewhere: settings of the other files by name. A package's own value is no choice. More connections than ours are
    left alone, fewer are not. by_user: names that the settings of this tree say explicitly; they stay.
    """

    def chosen(name):
        if name not in elsewhere or name in (*ESSENTIAL, "password_encryption") or name in by_user:
            return False
        if name == "max_connections":
            return elsewhere[name].isdigit() and int(elsewhere[name]) > int(wanted[name])
        return elsewhere[name] != tuning.PACKAGED.get(name)

    return {name: value for name, value in wanted.items() if not chosen(name)}


def drop_in(wanted: dict[str, str]) -> str:
    """Return the settings file for conf.d."""
    return HEADER + lines(wanted)


def lines(wanted: dict[str, str]) -> str:
    """Return the settings as the file has them, one a line: in quotes, where PostgreSQL reads ' and \\ as more than text."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "''") for name, value in wanted.items()}
    return "".join(f"{name} = '{value}'\n" for name, value in quoted.items())


def with_include(text: str) -> str:
    """Return a postgresql.conf that reads conf.d, added at its end where it does not yet."""
    if INCLUDE.search(text):
        return text
    return text.rstrip("\n") + "\n\ninclude_dir = 'conf.d'  # added by mattermost.deploy.database\n"


def with_block(text: str, lines: list[str]) -> str:
    """Return *text* with our marked block of *lines* at its top, and every other byte as it was.

    Without lines the block goes. The top, because both files are read until the first match.
    """
    others = BLOCK.sub("", text)
    if not lines:
        return others
    return "\n".join([BEGIN, *lines, END]) + "\n" + others


def hba_lines(auth: str, database: str, role: str, os_user: str) -> list[str]:
    """Return the lines of pg_hba.conf for the server's login. auth: peer or password.

    With peer the role has no password. The first match wins: what is not said here, the role may not do, whatever the
    administrator's lines say. Backups, upgrades and restores come as `SQL_ACCOUNT`, also into the copies of the database.
    """
    copies, others = f"local all {role} peer map={SQL_MAP}", f"host all {role} all reject"
    if auth == "peer":
        return [f"local {database} {role} peer map={MAP}", copies, others]
    loopback = [f"host {database} {role} {address} scram-sha-256" for address in ("127.0.0.1/32", "::1/128")]
    return [copies, *loopback, others]


def ident_lines(auth: str, role: str, os_user: str) -> list[str]:
    """Return the lines of pg_ident.conf: which accounts may log in as the role."""
    server = [f"{MAP} {os_user} {role}", f"{MAP} {SQL_ACCOUNT} {role}"] if auth == "peer" else []
    return [*server, f"{SQL_MAP} {SQL_ACCOUNT} {role}"]


def passfile(host: str, port: int, database: str, role: str, password: str) -> str:
    """Return a password file for libpq (``PGPASSFILE``) with one line."""
    fields = (host, str(port), database, role, password)
    return ":".join(re.sub(r"([:\\])", r"\\\1", field) for field in fields) + "\n"
