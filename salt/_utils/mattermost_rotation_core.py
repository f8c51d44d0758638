"""What the host program mattermost-new-database-password needs to change the password and to put it back. Pure."""

from __future__ import annotations

import mattermost_database_plan as plan
import mattermost_database_scram as scram
import mattermost_environment_core as environment

SOURCE = "MM_SQLSETTINGS_DATASOURCE"


def statement(role: str, verifier: str | None) -> str:
    """Return the statement that gives *role* the password of *verifier*, None for no password."""
    return f"ALTER ROLE {plan.identifier(role)} PASSWORD {plan.literal(verifier) if verifier else 'NULL'};\n"


def made_ready(database: dict, verifier: str | None, text: str, password: str) -> dict[str, str]:
    """Return the program's files, name -> text.

    database: branch of the settings. verifier: what the role has now. text: the server's environment file.
    password: the new one. Every other variable of the file stays.
    """
    variables = environment.parsed(text)
    variables[SOURCE] = environment.data_source(
        database["name"], database["user"], password=password, port=database["port"]
    )
    return {
        "password": password + "\n",
        "forward.sql": statement(database["user"], scram.verifier(password)),
        "back.sql": statement(database["user"], verifier),
        "environment": environment.rendered(variables),
    }
