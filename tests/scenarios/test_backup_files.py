"""Backups of a server whose files change while they are read, and of one whose storage hangs."""

import pytest

from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

DATA = "/var/opt/mattermost/data"
WORK = "/var/lib/mattermost-deploy/backup"
# before the host's own; what a test wants to happen between the listing of the files and their reading
RESTIC = '#!/bin/sh\\n[ "$1" != backup ] || . /root/meanwhile\\nexec /usr/bin/restic "$@"\\n'


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    """A deployed host with a message and its file; a test says what happens while files are read by `meanwhile`."""
    with lab.passing("files") as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
        deployment.wait_until_healthy()
        chat = Chat(deployment)
        chat.post([1], file_ids=[chat.upload("picture.bin", b"a picture")])
        deployment.ssh(f"printf '{RESTIC}' >/usr/local/sbin/restic; chmod 755 /usr/local/sbin/restic")
        yield deployment


def meanwhile(deployment, script):
    deployment.ssh(f"cat >/root/meanwhile <<'END'\n{script}\nEND")


def picture(deployment):
    return deployment.ssh(f"find {DATA} -name picture.bin").strip()


def test_a_backup_restores_although_files_that_no_message_names_changed_and_went_away(host):
    host.ssh(f"mkdir -p {DATA}/export; echo old >{DATA}/export/growing; echo old >{DATA}/export/passing")
    meanwhile(host, f"echo more >>{DATA}/export/growing; rm -f {DATA}/export/passing")
    host.ssh("mattermost-backup now", timeout=120)
    drill = host.host.ssh("mattermost-restore drill", check=False, timeout=120)
    assert drill.returncode == 0, drill.stdout + drill.stderr
    told = host.ssh("journalctl -u 'mattermost-restore@drill' -o cat --no-pager")
    assert "2, the first of them export/growing." in told


@pytest.mark.parametrize("damage", ["rm", "truncate -s 3"])
def test_a_backup_without_a_messages_file_or_with_it_cut_does_not_restore(host, damage):
    path = picture(host)
    host.ssh(f"cp -p {path} /root/kept")
    meanwhile(host, f"{damage} {path}")
    try:
        host.ssh("mattermost-backup now", timeout=120)
    finally:
        host.ssh(f"cp -p /root/kept {path}")
    drill = host.host.ssh("mattermost-restore drill", check=False, timeout=120)
    assert drill.returncode != 0
    assert "The backup lacks files" in drill.stdout
    assert path.removeprefix(f"{DATA}/") in drill.stdout
