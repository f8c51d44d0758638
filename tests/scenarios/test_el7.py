"""An EL 7-shaped host: dead mirrors, no Python, yum, SELinux's tools, PGDG's and EPEL's packages; the same command."""

import collections
import re
import shutil
import subprocess

import pytest

from tests.lab.shell import wait_until
from tests.scenarios.deployment import Deployment

CALLS = "/var/lib/lab/calls"
# What a first run changes on the host by programs of the system, each once. `restorecon` of single files is Salt's own.
MADE_ONCE = [
    *[r"yum -qy makecache fast"] * 2,  # the system's repositories, then the vendors'
    r"yum -y install ca-certificates-2021\.\S+",
    r"yum -y install policycoreutils-python postgresql15-server nginx certbot firewalld",
    r"postgresql-15-setup initdb",
    r"restorecon -RF /opt/mattermost/\d+\.\d+\.\d+",
    r"setsebool -P httpd_can_network_connect on",
    r"certbot certonly .*--key-type ecdsa .*",
]
# What only looks, and may be repeated; the file without a folder is labelled by update-ca-certificates of the Debian below this host.
LOOKS = r"yum (--quiet|--version)|getsebool |semanage \w+ -l|restorecon (/|ca-certificates\.crt$)|firewall-cmd .*(--list|--query|--get)"
# What a host has, less what Salt keeps for itself and what its daemons write.
FINGERPRINT = """
rpm -qa; find /etc /opt /usr/local /var/lib /var/opt /home /root -xdev -type f \\
    -not -path '/var/lib/systemd/*' -not -path '/var/lib/lab/*' -not -path '/var/lib/dnf/*' -not -path '/var/lib/rpm/*' \\
    -printf '%p %s %m %u\\n'
"""


@pytest.fixture(scope="module")
def el7(lab, releases):
    with lab.passing("el7") as name:
        yield Deployment(lab, lab.host(name, platform="el7", fresh=True), releases[0])


def calls(el7) -> list:
    """Return the recorded calls since the last time, and forget them."""
    return el7.ssh(f"cat {CALLS}; : > {CALLS}").splitlines()


def doing(recorded) -> list:
    """Return those of the *recorded* calls that do something."""
    return [call for call in recorded if not re.match(LOOKS, call)]


def test_the_host_is_no_debian(el7):
    found = el7.ssh(
        "cd /; for name in python3 python apt-get apt dpkg dnf pg_lsclusters; do command -v $name; done; true"
    )
    assert found == ""
    assert el7.ssh("ls -d /etc/apt /etc/debian_version /usr/lib/postgresql 2>/dev/null; true") == ""


def test_a_dry_run_on_a_bare_host_changes_nothing(el7):
    before = set(el7.ssh(FINGERPRINT).splitlines())
    calls(el7)
    run = el7.orchestrate("mattermost.ssl", "test=True")
    assert run.rc == 0, run
    assert doing(calls(el7)) == []
    assert set(el7.ssh(FINGERPRINT).splitlines()) ^ before == set()


def test_a_key_that_is_not_the_known_one_stops_the_run_before_a_change(el7):
    before = set(el7.ssh(FINGERPRINT).splitlines())
    with el7.settings_put_back():
        el7.settings["mattermost"]["platform"]["repositories"]["keys"]["centos"]["fingerprints"] = ["0" * 40]
        el7.write()
        run = el7.orchestrate()
    assert run.rc == 1, run
    assert "is expected for centos" in run.comments
    assert doing(calls(el7)) == []
    # the notes of what the host is like, and of what deploys it, come before any change to it
    left = set(el7.ssh(FINGERPRINT).splitlines()) ^ before
    assert {line.split()[0] for line in left} <= {
        f"/var/lib/mattermost-deploy/{note}" for note in ("before.json", "bundle", "engine")
    }


def test_a_repository_that_does_not_answer_stops_the_run(el7):
    el7.lab.mirror.fault("status", 503, path="/7.9.2009/updates/x86_64/repodata/repomd.xml")
    before = set(el7.ssh(FINGERPRINT).splitlines())
    try:
        run = el7.orchestrate()
    finally:
        el7.lab.mirror.heal()
    assert run.rc == 1, run
    assert "Stage packages failed" in run.comments
    assert "The repository mattermost-updates is at https://vault.centos.org/7.9.2009/updates/" in run.comments
    assert "mattermost:platform:repositories:system:mattermost-updates:baseurl" in run.comments
    assert set(el7.ssh(FINGERPRINT).splitlines()) ^ before == set()
    assert el7.ssh("rpm -q nginx postgresql15-server certbot | grep -vc 'is not installed'; true").strip() == "0"
    calls(el7)


def test_fresh_then_again(el7):
    first = el7.orchestrate()
    assert first.rc == 0, first
    done = doing(calls(el7))
    counts = collections.Counter(next((p for p in MADE_ONCE if re.fullmatch(p, call)), call) for call in done)
    assert counts == collections.Counter(MADE_ONCE)

    before = el7.main_pids()
    again = el7.orchestrate()
    assert again.rc == 0, again
    assert again.changes == {}
    assert el7.main_pids() == before, "a run that changes nothing restarted something"
    assert doing(calls(el7)) == []
    assert el7.orchestrate("mattermost.ssl", "test=True").changes == {}


def test_the_administrators_repository_file_is_kept_and_its_dead_mirrors_are_off(el7):
    text = el7.ssh("cat /etc/yum.repos.d/CentOS-Base.repo")
    assert text.count("mirrorlist=http://mirrorlist.centos.org/") == 3
    assert text.count("enabled=0") == 3
    assert el7.ssh("yum -q repolist | awk 'NR > 1 {print $1}' | sort").split() == [
        f"mattermost-{name}" for name in ("base", "epel", "extras", "pgdg15", "updates")
    ]


def test_salt_outlives_the_sweeping_of_temporary_folders(el7):
    el7.ssh("echo 'd /var/tmp 1777 root root 1s' > /etc/tmpfiles.d/tmp.conf; touch /var/tmp/canary; sleep 2")
    el7.ssh("systemd-tmpfiles --clean")
    assert el7.ssh("ls /var/tmp/canary 2>/dev/null; true") == ""
    assert el7.ssh("ls /var/tmp/.*_salt_relenv/salt-call | wc -l").strip() == "1"
    assert el7.orchestrate().changes == {}


def test_a_component_works_alone_over_relenv(el7):
    run = el7.apply("nginx-ssl", "--relenv")
    assert run.rc == 0, run
    assert run.changes == {}


SWITCH = "/var/lib/mattermost-deploy/switch"


@pytest.fixture(scope="module")
def newer(el7, releases):
    """The newer version's number; it is unpacked beside the older one, which serves."""
    archive = releases[1]
    if not el7.ssh("ls -d /opt/mattermost/current 2>/dev/null; true"):
        run = el7.orchestrate()
        assert run.rc == 0, run
    shutil.copy(archive.path, el7.host.root / "root")
    tree = f"/opt/mattermost/{archive.version}"
    el7.ssh(f"mkdir {tree} && tar -xzf /root/{archive.path.name} -C {tree} --strip-components=1 --no-same-owner")
    return archive.version


def serves(el7) -> str:
    """The version that was proved healthy just now."""
    return el7.ssh("mattermost-switch check && readlink /opt/mattermost/current").split()[-1]


@pytest.mark.soak("el")
def test_a_failed_upgrade_is_undone_here_too(el7, releases, newer):
    program = f"/opt/mattermost/{newer}/bin/mattermost"
    el7.ssh(f"mv {program} {program}.real; ln -s /bin/false {program}")
    done = el7.host.ssh(f"mattermost-switch to {newer}", check=False, timeout=180)
    el7.ssh(f"mv {program}.real {program}")
    assert done.returncode == 3, done.stdout
    assert serves(el7) == releases[0].version


@pytest.mark.soak("el")
def test_a_full_disk_under_the_journal_stops_an_upgrade_before_the_server(el7, releases, newer):
    before = el7.main_pids()
    el7.ssh(f"mount -t tmpfs -o size=4k none {SWITCH} && touch {SWITCH}/lock && yes >{SWITCH}/full; true")
    try:
        done = el7.host.ssh(f"mattermost-switch to {newer}", check=False, timeout=180)
    finally:
        el7.ssh(f"umount {SWITCH}")
    assert done.returncode == 4, done.stdout
    assert "journalctl -u mattermost-switch" in done.stderr
    assert "could not be written. Free some space on that disk" in el7.ssh("journalctl -u mattermost-switch --no-pager")
    assert el7.main_pids() == before, "the server was touched"
    assert serves(el7) == releases[0].version


@pytest.mark.soak("el")
def test_an_upgrade_outlives_the_network_and_can_be_taken_back(el7, releases, newer):
    def inside(condition):
        wait_until(lambda: el7.host.enter("sh", "-c", condition, check=False).returncode == 0, condition, timeout=90)

    with subprocess.Popen(el7.host.ssh_command(f"mattermost-switch to {newer}"), stdout=subprocess.DEVNULL) as caller:
        try:
            inside(f"grep -q ^begin {SWITCH}/journal")
            subprocess.run(["ip", "link", "set", el7.host.link, "down"], check=True)
            inside(f"test ! -e {SWITCH}/journal && grep -q ^result= {SWITCH}/report")
        finally:
            subprocess.run(["ip", "link", "set", el7.host.link, "up"], check=True)
            caller.kill()
    el7.host.wait()  # the address is found again a moment after the link is up
    assert serves(el7) == newer
    el7.ssh("mattermost-switch back overwrite", timeout=180)
    assert serves(el7) == releases[0].version
