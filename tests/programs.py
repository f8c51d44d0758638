"""The host programs that the tree joins from several files, whole as they reach a host."""

from __future__ import annotations

import functools

import jinja2

from tests import repository

TREE = repository.ROOT / "salt"
# each with the deploy state that ships it
SHIPPED_BY = {
    "mattermost-aside": "mattermost.deploy.aside",
    "mattermost-switch": "mattermost.deploy.server.switch",
    "mattermost-kept": "mattermost.deploy.server.switch",
    "mattermost-postgresql": "mattermost.deploy.postgresql",
    "mattermost-new-database-password": "mattermost.deploy.rotate",
    "mattermost-new-backup-password": "mattermost.deploy.rotate",
    "mattermost-backup": "mattermost.deploy.backup",
    "mattermost-restore": "mattermost.deploy.backup",
}
TEMPLATES = {
    name: TREE / "/".join(sls.split(".")[:3]) / f"files/usr/local/sbin/{name}.jinja" for name, sls in SHIPPED_BY.items()
}


@functools.cache
def joined(name: str) -> str:
    """Return the text of the host program *name*; tests/render proves that a host gets the same."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TREE), undefined=jinja2.StrictUndefined)
    return environment.get_template(str(TEMPLATES[name].relative_to(TREE))).render() + "\n"


def installed(name: str, folder):
    """Write the host program *name* alone to *folder* and return its path."""
    path = folder / name
    path.write_text(joined(name))
    path.chmod(0o755)
    return path
