"""Backups, restored: newer messages are never lost unasked, and whatever a restore ends by, one whole side serves."""

import contextlib
import time

import pytest

from tests.scenarios.backups import FILE, WORK, backed_up, clean, databases, restore, status, wait_for_the_site
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import POSTGRESQL, Deployment

RESTORE = "backup-is-restored"


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    with backed_up(lab, releases, deployed_snapshot, "restore") as deployment:
        yield deployment


def test_newer_messages_are_refused_then_kept_aside(host):
    chat = Chat(host)
    backup = status(host)["snapshot"]
    chat.post(range(1000, 1004))
    late = chat.upload("late.bin", b"late")
    run = restore(host, snapshot=backup)
    assert run.rc != 0
    assert "has 4 messages that are newer" in run.comments
    assert chat.there() >= {1, 2, 3, 4, 5, 1000, 1003}
    clean(host)

    run = restore(host, snapshot=backup, overwrite=True)
    assert run.rc == 0, run
    assert "4 messages that are newer than the backup" in run.stages[RESTORE]["comment"]
    chat = Chat(host)
    assert chat.there() >= {1, 2, 3, 4, 5}
    assert chat.there() & {1000, 1001, 1002, 1003} == set()
    assert chat.download(host.file) == FILE
    clean(host)
    report = status(host, "mattermost-restore")
    kept, aside = report["database"], report["aside"]
    assert kept in databases(host)
    count = host.ssh(
        f"cd /; runuser -u postgres -- psql -XAtc \"SELECT count(*) FROM posts WHERE message LIKE 'message 100_'\" {kept}"
    )
    assert count.strip() == "4"
    assert host.ssh(f"find {aside}/data -path '*{late}*' -type f -exec cat {{}} +") == "late"
    assert host.orchestrate("mattermost.ssl").changes == {}


UNIT = "/etc/systemd/system/mattermost.service.d/of-a-test.conf"


@contextlib.contextmanager
def before_the_server(host, command):
    """While it is entered, each start of the server runs *command* of a shell first, and fails with it."""
    host.ssh("rm -rf /var/opt/mattermost/replaced-*")
    host.ssh(f"printf '[Service]\\nExecStartPre=/bin/sh -c \"{command}\"\\n' >{UNIT}; systemctl daemon-reload")
    try:
        yield
    finally:
        host.ssh(f"rm {UNIT}; systemctl daemon-reload")


def begin_restore(host):
    """Start a restore and return when its server is starting."""
    host.ssh("setsid mattermost-restore to latest overwrite >/dev/null 2>&1 </dev/null &")
    starting = f"systemctl show -p ActiveState mattermost | grep -q activating && test -e {WORK}/open"
    host.ssh(f"for i in $(seq 300); do {starting} && exit; sleep 0.2; done; exit 1", timeout=90)


def signal(host, name, unit):
    """Send the signal *name* to the main process of *unit* as soon as it has one."""
    pid = f"$(systemctl show --value -p MainPID {unit})"
    host.ssh(f"for i in $(seq 400); do [ {pid} != 0 ] && kill -{name} {pid} && exit; sleep 0.1; done; exit 1")


@pytest.mark.soak("elsewhere")
def test_a_restored_server_that_does_not_start_is_put_back(host):
    Chat(host).post([2000])
    with before_the_server(host, "! ls -d /var/opt/mattermost/replaced-*"):
        run = restore(host, overwrite=True)
    assert run.rc != 0
    assert "The previous server serves again" in run.comments
    wait_for_the_site(host)
    assert Chat(host).there() >= {5, 2000}
    clean(host)


@pytest.mark.soak("elsewhere")
def test_a_restore_that_is_killed_takes_nothing_away_later(host):
    """Whoever kills it once its server answers: what is posted to whatever then serves stays."""
    Chat(host).post([2001])
    restoring = "mattermost-restore@latest:overwrite"
    with before_the_server(host, "! ls -d /var/opt/mattermost/replaced-* || sleep 5"):
        begin_restore(host)
        signal(host, "STOP", restoring)
        wait_for_the_site(host)
        signal(host, "KILL", restoring)
    host.wait_until_healthy()
    Chat(host).post([2002])
    host.ssh("mattermost-restore drill", timeout=120)
    host.wait_until_healthy()
    assert Chat(host).there() >= {5, 2001, 2002}
    assert "interrupted and was rolled back" in status(host, "mattermost-restore")["reason"]
    clean(host)


def test_a_power_cut_in_the_middle_of_a_restore_is_undone_before_the_server_starts(host):
    Chat(host).post([2003])
    postgresql = POSTGRESQL[host.host.platform]
    host.ssh("touch /run/of-a-test")  # gone after the cut
    with before_the_server(host, "test ! -e /run/of-a-test || sleep 300"):
        begin_restore(host)
        host.ssh(f"ln -s /dev/null /etc/systemd/system/{postgresql}.service")
        host.host.cut()
        host.host.start()
        signal(host, "KILL", "mattermost-restore-back")
        time.sleep(3)
        assert host.ssh("systemctl show --value -p ActiveState mattermost").strip() == "inactive"
        host.ssh(f"rm /etc/systemd/system/{postgresql}.service; systemctl daemon-reload; systemctl start {postgresql}")
        wait_for_the_site(host)
    host.wait_until_healthy()
    assert Chat(host).there() >= {5, 2003}
    clean(host)


@pytest.mark.soak("kills")
def test_what_a_killed_restore_fetched_goes_at_once(host):
    """It is secrets, keys and every message, in plain text."""
    slow = "/etc/systemd/system/mattermost-restore@.service.d/of-a-test.conf"
    script = '#!/bin/sh\n/usr/bin/restic "$@" || exit\ncase $* in *--target*) sleep 300 ;; esac\n'
    host.ssh(
        f"mkdir -p /root/slow {slow.rpartition('/')[0]}; printf '{script}' >/root/slow/restic; chmod 755 /root/slow/restic"
    )
    host.ssh(f"printf '[Service]\\nEnvironment=PATH=/root/slow:/usr/sbin:/usr/bin\\n' >{slow}; systemctl daemon-reload")
    fetched = "find /var/opt/mattermost/.restore-* -name database.dump 2>/dev/null"
    try:
        host.ssh("setsid mattermost-restore to latest overwrite >/dev/null 2>&1 </dev/null &")
        host.ssh(f"for i in $(seq 300); do {fetched} | grep -q . && exit; sleep 0.2; done; exit 1", timeout=90)
        signal(host, "KILL", "mattermost-restore@latest:overwrite")
        gone = "! ls -d /var/opt/mattermost/.restore-*"
        host.ssh(f"for i in $(seq 250); do {gone} && exit; sleep 0.2; done; exit 1")
    finally:
        host.ssh(f"rm -r {slow.rpartition('/')[0]} /root/slow; systemctl daemon-reload")
    clean(host)


@pytest.mark.soak("elsewhere")
def test_a_store_that_is_a_file_system_of_its_own_is_told_before_anything_is_fetched(host):
    store = "/var/opt/mattermost/data"
    host.ssh(f"mount --bind {store} {store}")
    try:
        run = restore(host, overwrite=True)
        drill = host.orchestrate("mattermost.drill")
    finally:
        host.ssh(f"umount {store}")
    assert run.rc != 0
    said = f"{store} is a mount point"
    assert said in run.comments
    assert drill.rc == 0
    assert said in drill.comments
    clean(host)


def test_another_host_with_a_newer_version_takes_the_backup_over(host, lab, releases):
    chat = Chat(host)
    host.ssh("mattermost-backup now")
    there = chat.there()
    serial = host.ssh(f"openssl x509 -noout -serial -in /etc/letsencrypt/live/{host.name}/cert.pem")
    password = host.ssh("cat /etc/mattermost/secrets/backup-password").strip()
    other = lab.host("taker")
    try:
        taker = Deployment(lab, other, releases[1])
        host.ssh("tar -C /var/backups -cf /root/taken.tar mattermost")
        source, target = host.host.root / "root/taken.tar", other.root / "root/taken.tar"
        target.write_bytes(source.read_bytes())
        taker.ssh("mkdir -p /var/backups && tar -C /var/backups -xf /root/taken.tar")
        taker.set(backup={"password": password})
        run = restore(taker)
        assert run.rc == 0, run
        assert password not in run.out + run.err
        site = taker.orchestrate("mattermost.ssl")
        assert site.rc == 0, site
        moved = Chat(taker, chat.login)
        assert moved.there() == there
        assert moved.download(host.file) == FILE
        assert taker.ssh(f"openssl x509 -noout -serial -in /etc/letsencrypt/live/{host.name}/cert.pem") == serial
        by_hand = other.ssh("mattermost-restore to latest", check=False)
        assert f"comes from Mattermost {releases[0].version}, and this host has {releases[1].version}" in by_hand.stdout
        assert taker.orchestrate("mattermost.ssl").changes == {}
    finally:
        other.remove()
        lab.names.set(host.name, host.host.address)
