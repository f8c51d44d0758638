"""Help texts of ``mattermost``."""

from __future__ import annotations

ROOT = """Mattermost stand-in of the lab: the same commands as the server, none of the product.

Usage:
  mattermost [flags]
  mattermost [command]

Available Commands:
  db          Commands related to the database
  help        Help about any command
  server      Run the server
  version     Display version information

Flags:
  -c, --config string   Configuration file to use.
      --disableconfigwatch
  -h, --help            help for mattermost

Use "mattermost [command] --help" for more information about a command.
"""

DB = """Commands related to the database

Usage:
  mattermost db [command]

Available Commands:
{commands}
Flags:
  -h, --help   help for db

Global Flags:
  -c, --config string   Configuration file to use.

Use "mattermost db [command] --help" for more information about a command.
"""

DB_COMMANDS = {
    "downgrade": "Downgrade the database schema",
    "migrate": "Migrate the database if there are any unapplied migrations",
    "reset": "Reset the database to initial state",
    "version": "Returns the recent applied version number",
}


def db(commands: list[str]) -> str:
    lines = "".join(f"  {name:<11} {DB_COMMANDS[name]}\n" for name in commands)
    return DB.format(commands=lines)


def command(name: str, flags: list[str]) -> str:
    lines = "".join(f"      {flag}\n" for flag in [*flags, "--help"])
    return f"Usage:\n  mattermost {name} [flags]\n\nFlags:\n{lines}\nGlobal Flags:\n  -c, --config string   Configuration file to use.\n"
