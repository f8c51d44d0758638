"""Backups, restored: every message that was taken before is there, newer ones are never lost unasked, and a bad backup is told."""

import json
import time

import pytest

from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

FILE = bytes(range(256)) * 200
BACKUP, RESTORE, DRILL = "backup-is-made", "backup-is-restored", "newest-backup-restores"
WORK = "/var/lib/mattermost-deploy/backup"


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    """A deployed host of this module's own, with a file and messages 1 to 5, and a backup of them."""
    with lab.passing("backup") as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
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


def test_a_backup_says_what_it_holds_and_where_the_password_is(host):
    run = host.orchestrate("mattermost.backup")
    assert run.rc == 0, run
    said = run.stages[BACKUP]["comment"]
    assert "5 messages, 1 files" in said
    assert "secrets/backup-password" in said
    assert host.ssh("cat /etc/mattermost/secrets/backup-password").strip() not in run.out + run.err
    clean(host)


def test_a_drill_compares_and_leaves_nothing(host):
    before = host.ssh("systemctl show --value -p MainPID mattermost")
    run = host.orchestrate("mattermost.drill")
    assert run.rc == 0, run
    assert "5 messages" in run.stages[DRILL]["comment"]
    assert host.ssh("systemctl show --value -p MainPID mattermost") == before
    clean(host)


def test_a_backup_under_load_holds_every_message_taken_before_it(host, record_property):
    with Chat(host) as chat:
        time.sleep(2)
        before = set(chat.taken)
        assert host.orchestrate("mattermost.backup").rc == 0
        time.sleep(1)
    record_property("longest pause while a backup is made, seconds", round(chat.pause, 2))
    print(f"longest pause while a backup is made: {chat.pause:.2f} s")
    assert len(chat.taken) > len(before) > 5
    run = restore(host, overwrite=True)
    assert run.rc == 0, run
    assert before - Chat(host).there() == set()


def test_a_dry_run_makes_and_restores_nothing(host):
    before = status(host)
    for name in ("backup", "restore", "drill"):
        run = host.orchestrate(f"mattermost.{name}", "test=True")
        assert run.rc == 0, run
        assert "Would" in list(run.stages.values())[-1]["comment"]
    assert status(host) == before


def test_newer_messages_are_refused_then_kept_aside(host):
    chat = Chat(host)
    backup = status(host)["snapshot"]
    chat.post(range(1000, 1004))
    late = chat.upload("late.bin", b"late")
    run = restore(host, snapshot=backup)
    assert run.rc != 0
    assert "holds 4 messages that are newer" in run.comments
    assert chat.there() >= {1, 2, 3, 4, 5, 1000, 1003}
    clean(host)

    run = restore(host, snapshot=backup, overwrite=True)
    assert run.rc == 0, run
    assert "4 messages newer than the backup" in run.stages[RESTORE]["comment"]
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


def test_a_restored_server_that_does_not_start_is_put_back(host):
    chat = Chat(host)
    chat.post([2000])
    # a server that refuses to start while what it replaced lies beside it
    drop_in = "/etc/systemd/system/mattermost.service.d"
    script = "! ls -d /var/opt/mattermost/replaced-*"
    host.ssh("rm -rf /var/opt/mattermost/replaced-*")
    host.ssh(
        f"mkdir -p {drop_in}; printf '[Service]\\nExecStartPre=/bin/sh -c \"{script}\"\\n' >{drop_in}/broken.conf; systemctl daemon-reload"
    )
    try:
        run = restore(host, overwrite=True)
    finally:
        host.ssh(f"rm -r {drop_in}; systemctl daemon-reload")
    assert run.rc != 0
    assert "What was there before serves again" in run.comments
    wait_for_the_site(host)
    assert Chat(host).there() >= {5, 2000}
    clean(host)


def test_a_power_cut_in_the_middle_of_a_restore_is_undone_at_boot(host):
    Chat(host).post([2001])
    drop_in = "/etc/systemd/system/mattermost.service.d"
    script = "! ls -d /var/opt/mattermost/replaced-* || sleep 300"
    host.ssh("rm -rf /var/opt/mattermost/replaced-*")
    host.ssh(
        f"mkdir -p {drop_in}; printf '[Service]\\nExecStartPre=/bin/sh -c \"{script}\"\\n' >{drop_in}/hang.conf; systemctl daemon-reload"
    )
    host.ssh("setsid mattermost-restore to latest overwrite >/dev/null 2>&1 </dev/null &")
    host.ssh(
        "for i in $(seq 300); do systemctl show -p ActiveState mattermost | grep -q activating && [ -e /var/lib/mattermost-deploy/backup/open ] && exit; sleep 0.2; done; exit 1",
        timeout=90,
    )
    host.host.cut()
    host.host.start()
    wait_for_the_site(host)
    host.ssh(f"rm -r {drop_in}; systemctl daemon-reload")
    assert Chat(host).there() >= {5, 2001}
    clean(host)


@pytest.fixture
def told(host):
    """The host, whose failures are told to the lab's mailbox; what was told since."""
    host.set(
        mail={"server": "mail.lab.test", "port": 25, "security": "plain"},
        backup={"notify": {"mail": "ops@example.test"}},
    )
    assert host.apply("backup").rc == 0
    sent = len(host.lab.mailbox.messages())

    def since():
        for _ in range(100):
            found = host.lab.mailbox.messages()[sent:]
            if found:
                return found
            time.sleep(0.1)
        return []

    return since


FAULTS = {
    "an empty store": (
        "mv /var/opt/mattermost/data /root/data; install -d -o mattermost -g mattermost /var/opt/mattermost/data",
        # on a clone mv copies the snapshot's folder, and the running unit may write to the first one only
        "rm -r /var/opt/mattermost/data; mv /root/data /var/opt/mattermost/data; systemctl restart mattermost",
        "/var/opt/mattermost/data holds none"),
    "no configuration": (
        "mv /var/opt/mattermost/config/config.json /root/kept.json",
        "mv /root/kept.json /var/opt/mattermost/config/config.json", "config.json is missing or empty"),
    "a table that is gone": (
        "cd /; runuser -u postgres -- psql -qc 'ALTER TABLE fileinfo RENAME TO elsewhere' mattermost",
        "cd /; runuser -u postgres -- psql -qc 'ALTER TABLE elsewhere RENAME TO fileinfo' mattermost", "could not be dumped"),
    "a disk too small": (
f"mount -t tmpfs -o size=2m tmpfs {WORK}", f"umount {WORK}", "MiB are free"),
    "a wrong password": (
        "cp -p /etc/mattermost/secrets/backup-password /root/; echo wrong >/etc/mattermost/secrets/backup-password",
        "mv /root/backup-password /etc/mattermost/secrets/", "does not open with the password"),
    "a damaged repository": (
        "cp -a /var/backups/mattermost /root/repository; for f in $(find /var/backups/mattermost/data -type f); do : >$f; done",
        "rm -r /var/backups/mattermost; mv /root/repository /var/backups/mattermost", "is damaged"),
    "a repository that is gone": (
        "mv /var/backups/mattermost /root/repository",
        "mv /root/repository /var/backups/mattermost", "held backups and cannot be opened"),
    "postgresql stopped": (
        "systemctl stop postgresql@15-main", "systemctl start postgresql@15-main", "PostgreSQL does not tell"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_backup_that_would_be_hollow_fails_and_somebody_is_told(host, told, fault):
    broken, mended, sentence = FAULTS[fault]
    good = host.ssh(f"cat {WORK}/last-good")
    host.ssh(broken)
    try:
        done = host.host.ssh("mattermost-backup now", check=False, timeout=120)
        state = host.ssh("systemctl is-failed mattermost-backup.service", check=False).strip()
        messages = told()
    finally:
        host.ssh(mended)
    assert done.returncode != 0
    assert state == "failed"
    (message,) = messages
    assert sentence in message.get_content(), message.get_content()
    assert message["To"] == "ops@example.test"
    assert host.ssh(f"cat {WORK}/last-good") == good
    clean(host)
    wait_for_the_site(host)


LISTENER = r"""
import http.server
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("/root/hooked", "wb").write(self.path.encode() + b" " + body)
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 9911), Hook).serve_forever()
"""


def test_a_webhook_is_told_and_its_address_is_in_no_argument(host):
    host.set(backup={"notify": {"webhook": "http://127.0.0.1:9911/hooks/secret-of-the-hook"}})
    run = host.apply("backup")
    assert run.rc == 0, run
    assert "secret-of-the-hook" not in run.out + run.err
    host.ssh(f"cat >/root/hook.py <<'END'\n{LISTENER}END\nsystemd-run -q --unit=hook python3 /root/hook.py")
    config = "/var/opt/mattermost/config/config.json"
    host.ssh(f"mv {config} /root/kept.json")
    try:
        assert host.host.ssh("mattermost-backup now", check=False, timeout=120).returncode != 0
        hooked = host.ssh("for i in $(seq 100); do [ -s /root/hooked ] && break; sleep 0.1; done; cat /root/hooked")
    finally:
        host.ssh(f"mv /root/kept.json {config}; systemctl stop hook")
    path, body = hooked.split(" ", 1)
    assert path == "/hooks/secret-of-the-hook"
    assert "config.json is missing or empty" in json.loads(body)["text"]


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
        assert f"is of Mattermost {releases[0].version}, here is {releases[1].version}" in by_hand.stdout
        assert taker.orchestrate("mattermost.ssl").changes == {}
    finally:
        other.remove()
        lab.names.set(host.name, host.host.address)
