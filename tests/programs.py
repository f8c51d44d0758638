"""The host programs that the tree joins from several files, whole as they reach a host."""

from __future__ import annotations

import functools

import jinja2

from tests import repository

TREE = repository.ROOT / "salt"
# the deploy state that ships it: its template
TEMPLATES = {
    f"mattermost.deploy.{sls}": TREE / f"mattermost/deploy/{sls.partition('.')[0]}/files/usr/local/sbin/{name}.jinja"
    for sls, name in {
        "server.switch": "mattermost-switch",
        "postgresql": "mattermost-postgresql",
        "rotate": "mattermost-new-database-password",
    }.items()
}


@functools.cache
def joined(name: str) -> str:
    """Return the text of the host program *name*; tests/render proves that a host gets the same."""
    (template,) = (path for path in TEMPLATES.values() if path.stem == name)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TREE), undefined=jinja2.StrictUndefined)
    return environment.get_template(str(template.relative_to(TREE))).render() + "\n"


def installed(name: str, folder):
    """Write the host program *name* alone to *folder* and return its path."""
    path = folder / name
    path.write_text(joined(name))
    path.chmod(0o755)
    return path
