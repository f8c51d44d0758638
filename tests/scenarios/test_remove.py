"""A removal keeps the data and brings the host back to what it was; a purge takes the data too. Judged by all that is on it."""

import json
import re
import subprocess
import time

import pytest

from tests.scenarios.census import census, differences
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import ROOT, Deployment

SAID = "what-stays-is-reported"
# The package polkitd gives itself a directory that others have too, and leaves its mode.
POLKIT = r"directory /usr/share/polkit-1/rules\.d "
# What a removal keeps: the data; their owner's account; PostgreSQL, stopped, which alone can read them; the note of it all.
KEPT = "|".join(
    [
        r"/(var/opt|opt|etc)/mattermost\b",
        r"/var/lib/mattermost-deploy\b",
        r"/var/backups/mattermost",
        r"/etc/letsencrypt\b|certbot",
        r"^. (account|group) (mattermost|postgres|ssl-cert|polkitd):",
        r"^. (package|unit) |^. active ",
        r"postgres|ssl-cert|snakeoil|locale|logrotate|/etc/ldap|/etc/rc|sasl|/usr/|/etc/(passwd|group|shadow|gshadow)$",
        r"/etc/ssl/(certs|private)|/var/lib/letsencrypt",
        r"/etc/logrotate|btmp|wtmp",
    ]
)


def remove(deployment, purge=None, *arguments):
    pillar = [] if purge is None else ["pillar=" + json.dumps({"remove": {"purge": purge}})]
    return deployment.orchestrate("mattermost.remove", *pillar, *arguments)


@pytest.fixture(scope="module")
def host(lab, releases):
    """A host that was bare, then deployed, with messages 1 to 9 and a file; what it was like before is in ``before``."""
    with lab.passing("remove") as name:
        deployment = Deployment(lab, lab.host(name, as_shipped=True), releases[0])
        deployment.host.wait_booted()
        deployment.before = census(deployment)
        run = deployment.orchestrate()
        assert run.rc == 0, run
        chat = Chat(deployment)
        deployment.login = chat.login
        deployment.file = chat.upload("picture.bin", b"picture" * 100)
        chat.post(range(1, 10))
        assert deployment.orchestrate("mattermost.backup").rc == 0
        yield deployment


def test_a_purge_of_another_name_is_refused_before_anything(host):
    for told in ("chat.example.com", True, ""):
        run = remove(host, told)
        assert run.rc != 0
        assert f"this host is {host.name}. Nothing was removed." in run.comments
        assert "remove" not in {name for name, stage in run.stages.items() if stage["result"]}
    alone = host.apply("remove", 'pillar={"remove": {"purge": "other"}}')
    assert alone.rc != 0
    assert alone.states["removal-is-meant"]["result"] is False
    assert host.curl("/api/v4/system/ping") != ""


def test_a_dry_run_counts_what_would_go_and_changes_nothing(host):
    before = census(host)
    run = remove(host, host.name, "test=True")
    assert run.rc == 0, run
    said = run.stages[SAID]["comment"]
    assert re.search(r"destroys 1 account and \d+ messages of the database mattermost, 1 file in ", said), said
    assert "1 backup in /var/backups/mattermost" in said
    shown = json.dumps(run.stages["remove"]["changes"])
    for part in (
        "/opt/mattermost",
        "database mattermost",
        "/var/backups/mattermost",
        "postgresql-15",
        "mattermost-backup.timer",
    ):
        assert part in shown
    assert differences(before, census(host), r"/var/(lib/mattermost-deploy|opt/mattermost/logs)|_salt|locks") == []


def test_a_removal_keeps_the_data_and_nothing_else(host):
    serial = host.ssh(f"openssl x509 -noout -serial -in /etc/letsencrypt/live/{host.name}/cert.pem")
    run = remove(host)
    assert run.rc == 0, run
    said = run.stages[SAID]["comment"]
    for place in (
        "/var/lib/postgresql/15/main",
        "/var/opt/mattermost",
        "/etc/mattermost",
        "/var/backups/mattermost",
        "/etc/letsencrypt",
    ):
        assert place in said
    assert "mattermost.ssl" in said
    after = census(host)
    assert differences(host.before, after, KEPT) == []
    assert [line for line in after - host.before if line.startswith("port ")] == []
    gone = [line for line in after if re.match(r"package (nginx|restic|firewalld|certbot) installed", line)]
    assert gone == []
    again = remove(host)
    assert (again.rc, again.changes) == (0, {}), again
    assert differences(after, census(host)) == []
    assert (
        host.ssh(
            f"openssl x509 -noout -serial -in /etc/letsencrypt/live/{host.name}/cert.pem 2>/dev/null || cat /etc/letsencrypt/live/{host.name}/cert.pem | wc -c"
        )
        != ""
    )
    host.serial = serial


def test_the_server_comes_back_with_all_that_was_there(host):
    run = host.orchestrate()
    assert run.rc == 0, run
    chat = Chat(host, host.login)
    assert chat.there() >= set(range(1, 10))
    assert chat.download(host.file) == b"picture" * 100
    assert host.ssh(f"openssl x509 -noout -serial -in /etc/letsencrypt/live/{host.name}/cert.pem") == host.serial
    renewed = host.ssh("certbot renew --no-random-sleep-on-renew --force-renewal 2>&1", timeout=120)
    assert "all renewals succeeded" in renewed.lower(), renewed
    assert host.orchestrate().rc == 0
    assert host.orchestrate().changes == {}


def test_a_purge_that_nginx_refuses_destroys_nothing(host):
    theirs = "/etc/nginx/conf.d/theirs.conf"
    server = 'server { listen 8089; server_name theirs.example.test; return 200 "$mattermost_path"; }'
    host.ssh(f"echo '{server}' >{theirs}; systemctl reload nginx")
    dry = remove(host, host.name, "test=True")
    run = remove(host, host.name)
    host.ssh(f"rm {theirs}")
    assert dry.rc != 0
    assert "nginx would not start without the files of this deployment" in dry.comments
    assert run.rc != 0
    assert "nginx would not start without the files of this deployment" in run.comments
    assert "mattermost_path" in run.comments
    assert host.ssh("mattermost-backup list").strip() != ""
    assert host.ssh("cd /; runuser -u postgres -- psql -Atc 'SELECT count(*) FROM posts' mattermost").strip() != "0"


def test_a_purge_that_lost_its_host_half_way_is_ended_by_the_next(host):
    command = [
        "salt-run",
        "state.orchestrate",
        "mattermost.remove",
        "pillar=" + json.dumps({"remove": {"purge": host.name}}),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, env=host.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            for _ in range(1200):
                if not (host.host.root / "usr/local/sbin/mattermost-switch").exists():
                    break
                time.sleep(0.05)
            else:
                pytest.fail("The removal did not come as far as the programs.")
            host.host.cut()
        finally:
            running.terminate()
    host.host.start()
    host.host.wait_booted()
    run = remove(host, host.name)
    assert run.rc == 0, run
    assert "Nothing is kept." in run.stages[SAID]["comment"]
    after = census(host)
    assert differences(host.before, after, POLKIT) == []
    again = remove(host, host.name)
    assert (again.rc, again.changes) == (0, {}), again
    assert differences(after, census(host)) == []


ADMINS_THINGS = """
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update >/dev/null
apt-get -qq -y install nginx postgresql-15 firewalld >/dev/null
printf 'server {\\n listen 8080;\\n server_name own.example.test;\\n return 200 "own site";\\n}\\n' >/etc/nginx/conf.d/own.conf
systemctl reload nginx
cd /; runuser -u postgres -- psql -qc 'CREATE DATABASE ledger'
runuser -u postgres -- psql -qc "CREATE TABLE entries AS SELECT 42 AS amount" ledger
for scope in '' --permanent; do firewall-cmd -q $scope --add-service=imaps; firewall-cmd -q $scope --add-masquerade; done
useradd --system oddjob
mkdir -p /var/opt/other /usr/local/sbin; echo mine >/usr/local/sbin/mine; echo mine >/var/opt/other/file
"""


def asked(host, port):
    """Return what nginx answers on the host's own *port* for the name of the administrator's site."""
    script = f"""import urllib.request as u
print(u.urlopen(u.Request("http://127.0.0.1:{port}/", headers={{"Host": "own.example.test"}})).read().decode())"""
    return host.ssh(f"python3 - <<'END'\n{script}\nEND").strip()


@pytest.mark.soak("elsewhere")
def test_what_an_administrator_had_before_is_there_afterwards(lab, releases):
    with lab.passing("shared") as name:
        host = Deployment(lab, lab.host(name), releases[0])
        host.host.wait_booted()
        host.ssh(ADMINS_THINGS, timeout=300)
        before = census(host)
        host.set(nginx={"share": True}, database={"share": True})
        run = host.orchestrate()
        assert run.rc == 0, run
        assert not host.ssh("ls /etc/nginx/sites-enabled").split()
        # what somebody installs later is not ours to take away
        host.ssh("apt-get -qq -y install --no-install-recommends less >/dev/null", timeout=120)
        run = remove(host, host.name)
        assert run.rc == 0, run
        since = r"\bless|lessecho|/etc/alternatives/pager|/usr/bin/pager|lesspipe|/usr/lib/mime"
        assert differences(before, census(host), f"{POLKIT}|{since}") == []
        assert "package less installed" in census(host)
        assert asked(host, 8080) == "own site"  # without curl, which came with the deploy
        assert "Welcome to nginx" in asked(host, 80)
        assert host.ssh("cd /; runuser -u postgres -- psql -XAtc 'SELECT amount FROM entries' ledger").strip() == "42"
