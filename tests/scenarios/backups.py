"""A deployed host with a backup of its messages 1 to 5, and what tests of backups and restores ask it."""

import contextlib
import json

from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

FILE = bytes(range(256)) * 200
WORK = "/var/lib/mattermost-deploy/backup"


@contextlib.contextmanager
def backed_up(lab, releases, deployed_snapshot, name):
    """Yield a deployed host named *name*, with a file and messages 1 to 5, and a backup of them."""
    with lab.passing(name) as clone:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, clone), releases[0])
        wait_for_the_site(deployment)
        chat = Chat(deployment)
        deployment.file = chat.upload("picture.bin", FILE)
        chat.post([1], file_ids=[deployment.file])
        chat.post(range(2, 6))
        run = deployment.orchestrate("mattermost.backup")
        assert run.rc == 0, run
        yield deployment


def wait_for_the_site(deployment):
    deployment.ssh("for i in $(seq 300); do mattermost-switch check && exit; sleep 0.2; done; exit 1", timeout=90)


def restore(deployment, **told):
    return deployment.orchestrate("mattermost.restore", "pillar=" + json.dumps({"restore": told}))


def status(deployment, program="mattermost-backup"):
    shown = deployment.ssh(f"{program} status")
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def databases(deployment):
    sql = "SELECT datname FROM pg_database WHERE datname LIKE 'mattermost%' ORDER BY 1"
    return deployment.ssh(f'cd /; runuser -u postgres -- psql -XAtc "{sql}"').split()


def clean(deployment):
    """Assert that nothing of a backup, a drill or a failed restore is left beside what serves."""
    assert [name for name in databases(deployment) if "drill" in name or "restored" in name] == []
    left = deployment.ssh(
        f"ls -d {WORK}/staging {WORK}/drill {WORK}/open /var/opt/mattermost/.restore-* 2>/dev/null", check=False
    )
    assert left == ""
