"""Backups of a server whose files change while they are read, and of one whose storage hangs."""

import pytest

from tests.lab.shell import wait_until
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment
from tests.soak import only_some

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
    meanwhile(host, f"echo more >>{DATA}/export/growing; rm -f {DATA}/export/passing; echo ping >{DATA}/testfile")
    host.ssh("mattermost-backup now", timeout=120)
    drill = host.host.ssh("mattermost-restore drill", check=False, timeout=120)
    assert drill.returncode == 0, drill.stdout + drill.stderr
    told = host.ssh("journalctl -u 'mattermost-restore@drill' -o cat --no-pager")
    assert (
        "Files that changed or disappeared during the backup: 2. That is normal: no message needs them. The first is export/growing."
        in told
    )
    stored = host.ssh("mattermost-backup restic ls latest")
    assert f"{DATA}/export/growing" in stored
    assert f"{DATA}/testfile" not in stored, "what a ping makes and removes makes restic stumble"


@pytest.mark.parametrize("damage", only_some("elsewhere", ["rm", "truncate -s 3"], "rm"))
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
    assert "Files are missing or incomplete in the backup" in drill.stdout
    assert path.removeprefix(f"{DATA}/") in drill.stdout


def sql(deployment, statement, database="mattermost"):
    command = f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 {database}"
    return deployment.ssh(f"cd /; {command} <<'END'\n{statement}\nEND")


def test_a_preview_that_a_message_names_is_looked_for_too(host):
    """The stand-in keeps none, so it is given what Mattermost's own table has."""
    path = picture(host)
    host.ssh(f"cp -p {path} {path}_thumb.jpg; cp -p {path} {path}_preview.jpg")
    sql(host, "ALTER TABLE fileinfo ADD thumbnailpath varchar(512), ADD previewpath varchar(512)")
    sql(host, "UPDATE fileinfo SET thumbnailpath = path || '_thumb.jpg', previewpath = path || '_preview.jpg'")
    try:
        for script, passes in (":", True), (f"rm {path}_preview.jpg", False):
            meanwhile(host, script)
            host.ssh("mattermost-backup now", timeout=120)
            drill = host.host.ssh("mattermost-restore drill", check=False, timeout=120)
            assert (drill.returncode == 0) == passes, drill.stdout
        assert "picture.bin_preview.jpg" in drill.stdout
    finally:
        sql(host, "ALTER TABLE fileinfo DROP thumbnailpath, DROP previewpath")
        host.ssh(f"rm -f {path}_*")


def test_a_backup_that_hangs_is_cut_and_told_as_that(host):
    assert host.ssh("systemctl show --value -p TimeoutStartUSec mattermost-backup").strip() == "20h"
    host.set(
        mail={"server": "mail.lab.test", "port": 25, "security": "plain"},
        backup={"notify": {"mail": "ops@example.test"}},
    )
    assert host.apply("backup").rc == 0
    host.ssh(f"printf 'result=failed\\nreason=An old reason.\\n' >{WORK}/backup-report")
    folder = "/etc/systemd/system/mattermost-backup.service.d"
    host.ssh(
        f"mkdir -p {folder}; printf '[Service]\\nTimeoutStartSec=5s\\n' >{folder}/short.conf; systemctl daemon-reload"
    )
    meanwhile(host, "sleep infinity")
    sent = len(host.lab.mailbox.messages())
    try:
        done = host.host.ssh("mattermost-backup now", check=False, timeout=60)
    finally:
        host.ssh(f"rm -r {folder}; systemctl daemon-reload; echo : >/root/meanwhile")
    assert done.returncode == 4
    assert "was stopped before its end (systemd: timeout)" in done.stdout
    message = wait_until(lambda: host.lab.mailbox.messages()[sent:], "A mail", timeout=60)[0].get_content()
    assert "was stopped before its end (systemd: timeout)" in message
    assert "An old reason" not in message
    host.ssh("mattermost-backup now", timeout=120)
    assert len(host.lab.mailbox.messages()) == sent + 1


@pytest.mark.soak("elsewhere")
def test_a_lock_on_a_table_does_not_hold_a_backup_up_for_ever(host):
    """With tenths of a second in place of the ten minutes."""
    program = host.ssh("cat /usr/local/sbin/mattermost-backup")
    assert program.count("600000") == 4, "the two of a dump, and two limits of the server's role"
    host.ssh("cp /usr/local/sbin/mattermost-backup /root/; sed -i s/600000/500/ /usr/local/sbin/mattermost-backup")
    statement = "BEGIN; LOCK TABLE channels; SELECT pg_sleep(60)"
    host.ssh(
        f"cd /; setsid runuser -u postgres -- psql -qc '{statement}' mattermost >/dev/null 2>&1 </dev/null & sleep 1"
    )
    try:
        done = host.host.ssh("mattermost-backup now", check=False, timeout=30)
    finally:
        host.ssh("mv /root/mattermost-backup /usr/local/sbin/")
        host.ssh(
            "cd /; runuser -u postgres -- psql -qc \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'\""
        )
    assert done.returncode == 4
    assert "lock timeout" in done.stdout


OWN = (
    """search_path TO "$user", public, 'A b'""",
    "temp_tablespaces TO ''",
    "work_mem TO '5MB'",
    """application_name TO 'it''s, "quoted"'""",
)
KEPT = """SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
    WHERE datname = '{}' ORDER BY setrole"""


@pytest.mark.soak("elsewhere")
def test_a_restored_database_has_the_settings_of_its_own_as_they_were(host):
    for setting in OWN:
        sql(host, f"ALTER DATABASE mattermost SET {setting}")
    sql(host, f"ALTER ROLE mattermost IN DATABASE mattermost SET {OWN[0]}")
    host.ssh("sed '/^# ---- the command/,$d' /usr/local/sbin/mattermost-restore >/root/functions")
    try:
        host.ssh("cd /; . /root/functions; read_settings; create_like_current beside | super")
        kept = sql(host, KEPT.format("mattermost"))
        assert "it's" in kept
        assert len(kept.splitlines()) == 2
        assert sql(host, KEPT.format("beside")) == kept
    finally:
        sql(host, "DROP DATABASE IF EXISTS beside", "postgres")
        sql(host, "ALTER DATABASE mattermost RESET ALL")
        sql(host, "ALTER ROLE mattermost IN DATABASE mattermost RESET ALL")
