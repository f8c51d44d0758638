"""Operations on EL-shaped hosts by sudo, each as on Debian: what differs is yum, SELinux's tools, PGDG's cluster, sudo's path, no Python.

EL 8's account has csh and a umask, EL 9's has fish: other login shells that people have.
"""

import json
import re
import shutil
import subprocess

import pytest

from tests.scenarios import deployer
from tests.scenarios import test_rotate as rotating
from tests.scenarios.census import census, differences
from tests.scenarios.chat import Chat
from tests.scenarios.test_move import OTHER, Pair

pytestmark = pytest.mark.soak("el")
FILE = bytes(range(256)) * 300
DAILY = "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer"  # what Debian does each day below EL's names: a lock in /, backups of lists
# the authorities' certificates were made recent, and stay so
UPDATED = r"package ca-certificates "
# what a removal keeps, beside the data: PostgreSQL, stopped, which alone can read them
KEPT = "|".join(
    [
        UPDATED,
        r"/(var/opt|opt|etc)/mattermost\b|/var/lib/mattermost-deploy\b|/var/backups/mattermost|/etc/letsencrypt\b",
        r"/var/lib/(pgsql|letsencrypt)\b|/usr/pgsql-15|/usr/libexec/lab/pg\b|/usr/lib/(systemd|tmpfiles\.d)\S*/postgresql-15",
        r"link /usr/bin/(psql|pg_\w+|create\w+) ",
        r"^. (package|unit) postgresql",
        r"^. (account|group) (mattermost|postgres):",
        r" /etc/(passwd|group|shadow|gshadow)$|file /etc/(passwd|group|shadow|gshadow) ",
    ]
)


def remove(deployment, purge=None):
    pillar = [] if purge is None else ["pillar=" + json.dumps({"remove": {"purge": purge}})]
    return deployment.orchestrate("mattermost.remove", *pillar)


SHELLS = {
    "el7": "",
    "el8": "echo 'umask 077' >/home/deployer/.cshrc; usermod -s /bin/tcsh deployer",
    "el9": "usermod -s /usr/bin/fish deployer; su - deployer -c true",  # fish makes folders at home when it is first there
}


def brings(host, *programs):
    """Put *programs* of this machine, and the libraries that the host lacks, into its file system: EL's own packages are not in the lab."""
    for program in programs:
        path = shutil.which(program) or pytest.skip(f"NO {program} HERE")
        shown = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for file in [path, *re.findall(r"=> (/\S+)", shown)]:
            there = host.root / file.lstrip("/")
            if not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, there)


@pytest.fixture(scope="module", params=SHELLS)
def host(lab, releases, request):
    """A host that was bare, then deployed, with a file and messages 1 to 9; what it was like before is in ``before``.

    In its roster is a bare host with Debian 12 too.
    """
    platform = request.param
    with lab.passing(f"{platform}-operate") as name, lab.passing(f"{platform}-heir") as heir:
        first = lab.host(name, platform=platform)
        first.wait_booted()
        deployment = Pair(lab, first, releases[0], lab.host(heir))
        deployer.make(deployment)
        if SHELLS[platform]:
            brings(first, "tcsh", "fish")
            deployment.ssh(SHELLS[platform])
        deployer.log_in(deployment)
        deployment.ssh(f"systemctl stop {DAILY}")
        deployment.before = census(deployment)
        run = deployment.orchestrate()
        assert run.rc == 0, run
        chat = Chat(deployment)
        deployment.login, deployment.file = chat.login, chat.upload("picture.bin", FILE)
        chat.post(range(1, 10))
        yield deployment


def holds(deployment, login, file, numbers):
    """Assert that a deployment's site serves and holds the messages and the file; return who asked."""
    deployment.wait_until_healthy()
    chat = Chat(deployment, login)
    assert set(numbers) - chat.there() == set()
    assert chat.download(file) == FILE
    return chat


def test_a_removal_keeps_the_data_and_the_server_comes_back_with_them(host):
    run = remove(host)
    assert run.rc == 0, run
    after = census(host)
    assert "\n".join(differences(host.before, after, KEPT)) == ""
    again = remove(host)
    assert (again.rc, again.changes) == (0, {}), again
    run = host.orchestrate()
    assert run.rc == 0, run
    holds(host, host.login, host.file, range(1, 10))
    assert host.orchestrate().changes == {}


def test_secrets_get_new_values(host):
    host.set(database={"auth": "password"})
    assert host.orchestrate().rc == 0
    run = host.orchestrate("mattermost.backup")
    assert run.rc == 0, run
    old = rotating.stored(host)
    run = host.orchestrate("mattermost.rotate")
    assert run.rc == 0, run
    new = rotating.stored(host)
    assert not set(new.values()) & set(old.values())
    rotating.assert_all_have(host, new)
    assert not rotating.logs_in(host, old["database-password"])
    assert not rotating.opens(host, old["backup-password"])


def test_a_backup_is_proved_and_restored(host):
    run = host.orchestrate("mattermost.drill")
    assert run.rc == 0, run
    Chat(host).post([100])
    run = host.orchestrate("mattermost.restore", "pillar=" + json.dumps({"restore": {"overwrite": True}}))
    assert run.rc == 0, run
    assert 100 not in holds(host, host.login, host.file, range(1, 10)).there()


def test_it_goes_back_after_an_upgrade_with_every_message(host, releases):
    host.use(releases[1])
    run = host.orchestrate()
    assert run.rc == 0, run
    Chat(host).post([101])
    run = host.orchestrate("mattermost.rollback")
    assert run.rc == 0, run
    assert host.ssh("readlink /opt/mattermost/current").strip() == releases[0].version
    assert 101 in holds(host, host.login, host.file, range(1, 10)).there()
    host.use(releases[0])
    run = host.orchestrate()
    assert (run.rc, run.changes) == (0, {}), run


def test_it_moves_to_debian_under_load(host, record_property):
    with Chat(host, host.login) as chat:
        chat.posted(11)
        run = host.move(host.name, OTHER)
    assert run.rc == 0, run
    record_property("seconds without a server", run.stages["moved"]["changes"][OTHER]["seconds"])
    taken = set(chat.taken)
    assert len(taken) > 10
    holds(host.there, host.login, host.file, taken | set(range(1, 10)))
    assert host.ssh("systemctl is-active mattermost", check=False).strip() == "inactive"


def test_a_purge_leaves_the_host_that_was_left_as_it_was(host):
    run = remove(host, host.name)
    assert run.rc == 0, run
    assert "Nothing is kept." in run.stages["what-stays-is-reported"]["comment"]
    after = census(host)
    assert "\n".join(differences(host.before, after, UPDATED)) == ""
    found = host.ssh("ls -d /var/cache/dnf/mattermost-* /var/cache/yum/*/*/mattermost-* 2>/dev/null; true")
    assert found == ""
    again = remove(host, host.name)
    assert (again.rc, again.changes) == (0, {}), again
