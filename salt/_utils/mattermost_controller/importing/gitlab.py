"""The Mattermost that GitLab's package brings: its own directories, PostgreSQL and runit. Pure."""

from __future__ import annotations

from mattermost_controller.importing.parse import Login, login, sections, setting
from mattermost_controller.importing.source import Source, build, decoded, file, relative_to, server_variables

TREE = "/opt/gitlab/embedded/service/mattermost"  # where the server is started
PROGRAMS = "/opt/gitlab/embedded/bin"
SOCKETS = "/var/opt/gitlab/postgresql"
SUPERUSER = "gitlab-psql"


def find(facts: dict) -> Source | None:
    """Return the installation, None when there is none. Raises ImportFault."""
    if "gitlab" not in facts:
        return None
    config_path = facts["gitlab_config"][0]
    config = sections(file(facts, "gitlab"), config_path)
    variables = server_variables(_environment(facts.get("gitlab_environment", [])))
    return build(
        "gitlab",
        facts.get("version", []),
        config,
        variables,
        relative_to(TREE),
        config_file=config_path,
        login=_login(setting(config, variables, "SqlSettings", "DataSource")),
        stop_command="gitlab-ctl stop mattermost",
        start_command="gitlab-ctl start mattermost",
        active="run:" in facts.get("gitlab_active", [""])[0].split(";")[0],
        disable_command="""echo "mattermost['enable'] = false" >>/etc/gitlab/gitlab.rb && gitlab-ctl reconfigure""",
    )


def _environment(lines: list[str]) -> dict[str, str]:
    """Return the variables of a directory as runit's chpst takes them: a file each, its first line; an empty one is none."""
    variables = {}
    for line in lines:
        name, _, value = line.partition(" ")
        if decoded(value):
            variables[name] = decoded(value).split("\n")[0].rstrip(" \t")
    return variables


def _login(data_source: str) -> Login:
    """Return how to reach the database: GitLab's own PostgreSQL as its superuser, over its socket."""
    source_login = login(data_source) if data_source else Login("login", "mattermost_production", "")
    source_login = source_login._replace(directory=PROGRAMS)
    if source_login.host and not source_login.host.startswith("/"):
        return source_login
    return source_login._replace(host=source_login.host or SOCKETS, user=SUPERUSER, system_user=SUPERUSER, password="")
