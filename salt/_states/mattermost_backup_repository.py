"""Ask restic about a repository, password or login that is new to the host, before it is written there (``ask-repository.sh``)."""

from __future__ import annotations

import shlex

import mattermost_subprocess
from mattermost_answer import answer as _ret
from mattermost_lines import lines_of

FACT = 'fact() { printf \'%s\\t%s\\n\' "$1" "$2"; }\n'


def usable(name, script, repository, password="", environment=None, settings="", work=""):
    """Have a repository that opens with its password, or that the first backup can make. Changes nothing.

    name: only the state's name. script: the text of ``tools.sh`` and ``ask-repository.sh``. repository, password and environment:
    of the settings `backup`. settings, work: directories of `paths`, which say what was there before.
    result False when restic does not take them; a repository elsewhere that does not answer is only said.
    """
    values = {
        "BACKUP_REPOSITORY": repository,
        "BACKUP_PASSWORD": password,
        "BACKUP_ENVIRONMENT": "\n".join(f"{key}={value}" for key, value in (environment or {}).items()),
        "SETTINGS": settings,
        "WORK": work,
    }
    variables = "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in values.items())
    text = f"{variables}{script}\n{FACT}ask_repository\n"
    said = mattermost_subprocess.run(["/bin/sh", "-s"], input=text)
    if said.returncode:
        return _ret(
            name,
            False,
            f"restic could not be asked about the backup repository (exit status {said.returncode}): {said.stderr.strip()}",
        )
    for line in lines_of(said.stdout):
        kind, _, words = line.partition("\t")
        key, _, reason = words.partition(" ")
        if kind == "refused":
            return _ret(
                name,
                False,
                f"mattermost:{key}: {reason}. The backup settings on the host stay as they are. Set mattermost:backup:password "
                "to the password of that repository, or correct mattermost:backup:repository.",
            )
        return _ret(
            name,
            True,
            f"mattermost:{key} does not answer this host: {reason}. The next backup tries that repository again.",
        )
    return _ret(
        name,
        True,
        "No fault was found in the settings of the backup repository. If the repository does not exist yet, the first backup creates it.",
    )
