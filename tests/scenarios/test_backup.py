"""Backups, made and proved: every message that was taken before is there, and a bad backup is told."""

import json

import pytest

from tests import doc_commands
from tests.lab.shell import wait_until
from tests.scenarios.backups import WORK, backed_up, clean, restore, status, wait_for_the_site
from tests.scenarios.chat import Chat
from tests.soak import only_some

BACKUP, DRILL = "backup-is-made", "newest-backup-restores"


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    with backed_up(lab, releases, deployed_snapshot, "backup") as deployment:
        yield deployment


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
        chat.posted()
        before = set(chat.taken)
        assert host.orchestrate("mattermost.backup").rc == 0
        chat.posted(1)
    record_property("longest pause while a backup is made, seconds", round(chat.pause, 2))
    print(f"longest pause while a backup is made: {chat.pause:.2f} s")
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


# What exits otherwise where it says what it is there to say.
OTHERWISE = {
    "systemctl status mattermost-backup": 3,
    "./mmctl --local bot list --all": 1,
}  # not running now; there is none


def test_the_commands_of_the_pages_work_on_the_host(host):
    mmctl = "MMCTL_LOCAL_SOCKET_PATH=/run/mattermost/local.socket /opt/mattermost/current/bin/mmctl --local"
    host.ssh(f"{mmctl} user create --username reader --email reader@example.test --password Some-secret-1")
    commands = doc_commands.on_host()
    shell = "\n".join(command for command in commands if command.startswith(("export ", "cd ")))
    failed = {}
    for command in commands:
        before = shell if command.startswith("./") else ":"
        done = host.host.ssh(f"{before}\n{command.replace('NAME', 'reader')}", check=False, timeout=180)
        if done.returncode != OTHERWISE.get(command, 0):
            failed[command] = f"{done.stdout}{done.stderr}exit status {done.returncode}"
        if "restart" in command:
            host.wait_until_healthy()
    assert failed == {}
    assert len(commands) > 30
    host.wait_until_healthy()


@pytest.fixture
def notified_host(host):
    """The host, whose failures are told to the lab's mailbox; what was told since."""
    host.set(
        mail={"server": "mail.lab.test", "port": 25, "security": "plain"},
        backup={"notify": {"mail": "ops@example.test"}},
    )
    assert host.apply("backup").rc == 0
    sent = len(host.lab.mailbox.messages())

    return lambda: wait_until(lambda: host.lab.mailbox.messages()[sent:], "A mail", timeout=60)


FAULTS = {
    "an empty store": (
        "mv /var/opt/mattermost/data /root/data; install -d -o mattermost -g mattermost /var/opt/mattermost/data",
        # on a clone mv copies the snapshot's folder, and the running unit may write to the first one only
        "rm -r /var/opt/mattermost/data; mv /root/data /var/opt/mattermost/data; systemctl restart mattermost",
        "/var/opt/mattermost/data has none"),
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
        "mv /root/backup-password /etc/mattermost/secrets/", "does not open the repository"),
    "a damaged repository": (
        "cp -a /var/backups/mattermost /root/repository; for f in $(find /var/backups/mattermost/data -type f); do : >$f; done",
        "rm -r /var/backups/mattermost; mv /root/repository /var/backups/mattermost", "is damaged"),
    "a repository that is gone": (
        "mv /var/backups/mattermost /root/repository",
        "mv /root/repository /var/backups/mattermost", "contained backups, but cannot be opened"),
    "postgresql stopped": (
        "systemctl stop postgresql@15-main", "systemctl start postgresql@15-main", "PostgreSQL does not report"),
}  # fmt: skip


@pytest.mark.parametrize(
    "fault", only_some("checks", FAULTS, "a table that is gone", "a disk too small", "a damaged repository")
)
def test_a_backup_that_would_be_hollow_fails_and_somebody_is_told(host, notified_host, fault):
    broken, mended, sentence = FAULTS[fault]
    good = host.ssh(f"cat {WORK}/last-good")
    host.ssh(broken)
    try:
        done = host.host.ssh("mattermost-backup now", check=False, timeout=120)
        state = host.ssh("systemctl is-failed mattermost-backup.service", check=False).strip()
        messages = notified_host()
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
        hooked = host.ssh("for i in $(seq 500); do [ -s /root/hooked ] && break; sleep 0.1; done; cat /root/hooked")
    finally:
        host.ssh(f"mv /root/kept.json {config}; systemctl stop hook")
    path, body = hooked.split(" ", 1)
    assert path == "/hooks/secret-of-the-hook"
    assert "config.json is missing or empty" in json.loads(body)["text"]
