"""Lab hosts shaped like the installations of others that can be imported. They are written by hand; the vendors' packages were not at hand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios import by_hand

SCRIPTS = Path(__file__).parent / "foreign_hosts"


@dataclass(frozen=True)
class Layout:
    """name: of its script. says: how the run calls it. secrets: what must not be seen. login: in its DataSource. port: where people
    reach it. files: what must not change. state: a command that tells what starts by itself. stopped: one that succeeds when the
    server is. accept: for the import."""

    name: str
    says: str
    secrets: tuple
    login: str
    port: int
    files: str
    state: str
    stopped: str
    accept: tuple = ()


LAYOUTS = (
    Layout(
        "database",
        "hand-made",
        ("word of:database", "word%20of"),
        "p%40ss",
        8065,
        "/opt/mattermost/config /srv/chat /etc/mattermost.env",
        "systemctl is-enabled mattermost postgresql",
        "[ $(systemctl is-active mattermost) = inactive ]",
    ),
    Layout(
        "omnibus",
        "omnibus",
        ("Word-of-omnibus",),
        "Word-of-omnibus",
        80,
        "/opt/mattermost/config /var/opt/mattermost /etc/mattermost /etc/nginx",
        "systemctl is-enabled mattermost postgresql nginx",
        "[ $(systemctl is-active mattermost) = inactive ]",
    ),
    Layout(
        "gitlab",
        "gitlab",
        ("Secret-of-gitlab",),
        "gitlab_mattermost",
        8065,
        "/var/opt/gitlab/mattermost /opt/gitlab/etc /opt/gitlab/sv/mattermost/run",
        "systemctl is-enabled gitlab-runsvdir; ls /opt/gitlab/service; gitlab-ctl status postgresql | cut -c1-16",
        "gitlab-ctl status mattermost | grep -q '^down: mattermost:'",
        ("gitlab-sign-in",),
    ),
)


def base(lab, archive) -> str:
    """Make the snapshot that hosts of all layouts begin from, and return its name."""
    with lab.passing("foreign") as name:
        host = lab.host(name)
        (host.root / "root/archive.tar.gz").write_bytes(archive.path.read_bytes())
        host.ssh((SCRIPTS / "base.sh").read_text(), timeout=300)
        return lab.snapshot(host, "foreign")


def install(layout, host) -> None:
    """Set the layout's server up on *host*, with its first account."""
    host.ssh((SCRIPTS / f"{layout.name}.sh").read_text(), timeout=300)
    deadline = time.monotonic() + 120
    while not _has_account(host.address, layout.port):
        assert time.monotonic() < deadline, f"{layout.name}: no answer on port {layout.port} within 120 s."
        time.sleep(0.3)


def _has_account(address, port) -> bool:
    try:
        return by_hand.sign_up(address, port)[0] == 201
    except OSError:
        return False


def prints(layout, host) -> str:
    """What an import must leave as it was: files, and what starts by itself."""
    script = f"find {layout.files} -type f | sort | xargs sha256sum; {layout.state}"
    return host.ssh(script, check=False).stdout
