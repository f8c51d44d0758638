"""Preflight on a live host: for each check, breaking exactly that thing turns exactly that check red, and nothing is put there."""

import functools
import subprocess

import pytest

from tests.scenarios.deployment import Deployment
from tests.scenarios.findings import findings_of, red
from tests.soak import only_some

# Root's files outside of logs and run-time state, and Salt's own folder, which preflight must not even make.
FINGERPRINT = r"""
find /etc /opt /usr/local /var/opt /var/tmp /root -xdev -printf '%p %s %m %u\n' | sort | sha256sum
dpkg-query -W | sha256sum
"""


@pytest.fixture(scope="module")
def host(lab, releases):
    """A deployment on a bare host of its own."""
    with lab.passing("preflight") as name:
        yield Deployment(lab, lab.host(name, as_shipped=True), releases[0])


@pytest.fixture
def fit(host):
    """The same bare host; settings, roster and pinned keys are put back afterwards."""
    with host.settings_put_back():
        yield host
    disconnect(host)


@pytest.fixture
def run(fit):
    """Run preflight alone and return its findings by check."""
    return functools.partial(findings_of, fit, "mattermost.preflight")


def disconnect(deployment):
    """End the ssh connections that Salt keeps: through an open one, no key is asked for again."""
    for socket in deployment.lab.short.iterdir():
        command = ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "any"]
        subprocess.run(command, capture_output=True, timeout=10)


def test_a_bare_host_passes_and_is_left_alone(fit, run):
    before = fit.ssh(FINGERPRINT)
    found = run()
    assert red(found) == set()
    assert len(found) > 15
    assert fit.ssh(FINGERPRINT) == before


def test_a_dry_run_checks_all_of_it(run):
    assert len(run("test=True")) > 15


SETTINGS = [
    ({"relase": {}}, "settings", "mattermost:relase is not a setting. Did you mean release?"),
    ({"server": {"port": "8065"}}, "settings", "mattermost:server:port must be of type integer"),
    ({"server": {"user": "root"}}, "settings", "mattermost:server:user is root"),
    ({"server": {"user": "games"}}, "account", "This account is a system account (UID 5)"),
    ({"paths": {"work": "/var/lib"}}, "settings", "mattermost:paths:work is /var/lib"),
    ({"paths": {"settings": "/etc/systemd"}}, "directories", "/etc/systemd (mattermost:paths:settings)"),
    ({"paths": {"state": "/opt/mattermost"}}, "settings", "are the same directory /opt/mattermost"),
    ({"email": ""}, "email", "mattermost:email is not set"),
    ({"release": {"source": "nowhere/mattermost.tar.gz"}}, "archive-source", "nowhere/mattermost.tar.gz"),
    ({"preflight": {"min_disk_mb": 99999999}}, "disk", "99999999 MiB are required"),
    ({"preflight": {"min_memory_mb": 99999999}}, "memory", "99999999 MiB are required"),
    ({"platform": {"postgresql": {"version": 13}}}, "postgresql", "PostgreSQL 13 would be installed"),
    ({"verify": {"ca_file": "/no/such.pem"}}, "named-files", "no /no/such.pem (mattermost:verify:ca_file)"),
    ({"certificate": {"source": "files"}}, "own-certificate", "must be set to your files"),
    ({"verify": {"address": ""}, "name": "no.such.invalid"}, "public-name", "cannot resolve the DNS name no.such.invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "check", "words"), only_some("checks", SETTINGS, *SETTINGS[::3]))
def test_settings_that_do_not_fit(fit, run, settings, check, words):
    fit.set(**settings)
    found = run()
    assert red(found) == {check}
    assert words in found[check]["sentence"]
    assert found[check]["todo"]


def test_an_archive_on_the_controller_needs_its_sum(fit, run, releases):
    """Elsewhere the vendor's signature lies beside it, and the host checks that."""
    fit.set(release={"sha256": "", "source": str(releases[0].path)})
    found = run()
    assert red(found) == {"checksum"}
    assert "No SHA-256 is known for Mattermost" in found["checksum"]["sentence"]


def test_plain_http_needs_no_address_for_the_authority_and_no_name_that_it_finds(fit, run):
    fit.set(email="", verify={"address": ""}, name="no.such.invalid")
    assert red(run()) == {"email", "public-name"}
    assert red(run('pillar={"preflight": {"site": "non-ssl"}}')) == set()


def test_a_site_that_there_is_not_is_named(fit):
    done = fit.orchestrate("mattermost.preflight", 'pillar={"preflight": {"site": "http"}}')
    assert done.rc != 0
    assert "preflight:site must be ssl or non-ssl, not 'http'." in done.comments


def test_all_faults_of_the_settings_are_told_at_once(fit):
    fit.set(relase={}, server={"prot": 1}, database={"name": "X"})
    done = fit.orchestrate("mattermost.preflight")
    assert done.rc == 1
    for word in ("mattermost:relase", "mattermost:server:prot", "mattermost:database:name"):
        assert word in done.comments


HOSTS = [
    ("mv /usr/bin/python3 /usr/bin/python3.away", "mv /usr/bin/python3.away /usr/bin/python3", "transport", "found: none"),
    ("sed -i.away 's/^VERSION_ID=.*/VERSION_ID=\"9\"/' $(readlink -f /etc/os-release)", "f=$(readlink -f /etc/os-release); mv $f.away $f", "platform", "Debian 9, which is not supported"),
    ("mkdir -p /opt/mattermost && mount -t tmpfs -o size=8m tmpfs /opt/mattermost", "umount /opt/mattermost; rmdir /opt/mattermost", "disk", "/opt/mattermost (for /opt/mattermost) has 8 MiB free"),
    ("mkdir -p /opt/mattermost && mount -t tmpfs -o size=8g,noexec tmpfs /opt/mattermost", "umount /opt/mattermost; rmdir /opt/mattermost", "mounts", "noexec"),
    ("mkdir -p /opt/mattermost/config && echo {} >/opt/mattermost/config/config.json", "rm -r /opt/mattermost", "existing-config", "/opt/mattermost/config/config.json belongs"),
    ("useradd --create-home --shell /bin/bash mattermost", "userdel --remove mattermost", "account", "This account can log in (/bin/bash)"),
    ("groupadd mattermost", "groupdel mattermost", "account", "has a group mattermost"),
    ("mkdir -p /var/opt/mattermost/shop", "rm -r /var/opt/mattermost", "directories", "(mattermost:paths:state) contains files that this bundle did not create: shop"),
    ("printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/mattermost.service", "rm /etc/systemd/system/mattermost.service", "unit", "/etc/systemd/system/mattermost.service belongs to an installation"),
    ("systemd-run -q --unit=in-the-way python3 -m http.server 80", "systemctl stop in-the-way", "ports", "Port 80 is in use by another program: /usr/bin/python3"),
    ("systemd-run -q --unit=in-the-way python3 -m http.server 8065", "systemctl stop in-the-way", "ports", "Port 8065 is in use by"),
    ("mkdir -p -m 700 /run/mattermost-deploy; systemd-run -q --unit=in-the-way flock /run/mattermost-deploy/lock sh -c 'echo process 7 >/run/mattermost-deploy/lock; sleep 60'", "systemctl stop in-the-way", "other-run", "process 7"),
    ("ln -s /opt/mattermost/99.0.0 /opt/current && mkdir -p /opt/mattermost && mv /opt/current /opt/mattermost/", "rm -r /opt/mattermost", "downgrade", "still has the data of Mattermost 99.0.0, but the server was removed"),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "mended", "check", "words"), only_some("checks", HOSTS, *HOSTS[::2]))
def test_a_host_that_does_not_fit(fit, run, broken, mended, check, words):
    fit.ssh(broken)
    try:
        if "in-the-way" in broken:
            wait_for(fit, words)
        found = run()
    finally:
        fit.ssh(mended)
    assert red(found) == {check}
    assert words in found[check]["sentence"]
    assert found[check]["todo"]


def wait_for(deployment, words):
    """Wait until the program in the way has its port or lock."""
    port = words.split()[1] if words.startswith("Port") else None
    there = f"ss -Hltn 'sport = :{port}' | grep -q ." if port else "grep -q 7 /run/mattermost-deploy/lock"
    deployment.ssh(f"for i in $(seq 500); do {{ {there}; }} && exit 0; sleep 0.1; done; exit 1")


def test_a_name_that_leads_elsewhere_is_a_warning_with_both_addresses(fit, run):
    fit.set(verify={"address": ""}, name="localhost")
    found = run()
    assert red(found) == set()
    assert found["public-name"]["level"] == "warning"
    assert "127.0.0.1" in found["public-name"]["sentence"]
    assert fit.host.address in found["public-name"]["sentence"]


def test_an_installation_of_somebody_else_is_not_touched(deployed_host):
    """What a run leaves behind, without the marks of ours, is a stranger's; adopting it is a choice."""
    deployed_host.ssh("rm -rf /etc/mattermost /var/lib/mattermost-deploy /opt/mattermost/current")
    found = findings_of(deployed_host, "mattermost.preflight")
    assert red(found) == {"existing-config", "existing-database"}
    assert "a database mattermost (owner mattermost," in found["existing-database"]["sentence"]
    deployed_host.set(server={"adopt": True})
    adopted = findings_of(deployed_host, "mattermost.preflight")
    assert red(adopted) == set()
    assert adopted["existing-database"]["level"] == "note"


def test_a_refusal_that_is_named_becomes_a_warning(fit, run):
    fit.set(preflight={"min_memory_mb": 99999999, "ignore": ["memory"]})
    found = run()
    assert red(found) == set()
    assert found["memory"]["level"] == "warning"


def test_a_port_that_refuses(fit, run):
    fit.write(port=23)
    assert red(found := run()) == {"reachable"}
    assert "refuses connections to port 23" in found["reachable"]["sentence"]


def test_an_address_that_is_silent(fit, run):
    fit.write(host=str(fit.lab.instance.network[250]), timeout=2)
    assert red(run()) == {"reachable"}


def test_a_host_key_that_is_not_known_is_shown(fit, run):
    disconnect(fit)
    (fit.directory / "known_hosts").write_text("")
    found = run()
    assert red(found) == {"host-key"}
    shown = fit.ssh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert shown in found["host-key"]["sentence"]
    assert f"salt-ssh -i -r {fit.name} uptime" in found["host-key"]["todo"]


def test_what_is_said_about_an_unknown_key_works(fit, run):
    disconnect(fit)
    (fit.directory / "known_hosts").write_text("")
    assert fit.command("salt-ssh", "-i", fit.name, "--raw", "true").rc == 0
    disconnect(fit)
    assert red(run()) == set()


def test_a_changed_host_key_is_refused(fit, run, tmp_path):
    disconnect(fit)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True, timeout=10)
    kind, key, *_ = (tmp_path / "key.pub").read_text().split()
    (fit.directory / "known_hosts").write_text(f"{fit.host.address} {kind} {key}\n")
    found = run()
    assert red(found) == {"host-key"}
    assert "differs from the key in" in found["host-key"]["sentence"]
    assert "ssh-keygen -R" in found["host-key"]["todo"]


def test_a_login_that_is_refused(fit, run):
    fit.write(user="nobody")
    found = run()
    assert red(found) == {"ssh-login"}
    assert "login of nobody by key" in found["ssh-login"]["sentence"]


@pytest.fixture
def deployer(fit):
    """A user of the host who logs in with the lab's key and is not root."""
    fit.ssh("useradd -m deployer && install -d -m 700 -o deployer /home/deployer/.ssh && "
            "install -m 600 -o deployer /root/.ssh/authorized_keys /home/deployer/.ssh/")  # fmt: skip
    yield "deployer"
    disconnect(fit)
    fit.ssh("userdel -rf deployer 2>/dev/null; rm -f /etc/sudoers.d/deployer; true")


def test_a_wrong_password_is_refused(fit, run, deployer):
    fit.entry = {name: value for name, value in fit.entry.items() if name != "priv"}
    try:
        fit.write(user=deployer, passwd="not-this-one")
        found = run()
    finally:
        fit.entry["priv"] = str(fit.lab.ssh_key)
    assert red(found) == {"ssh-login"}
    assert "by password" in found["ssh-login"]["sentence"]
    assert "not-this-one" not in str(found)


def test_a_user_without_sudo_is_refused(fit, run, deployer):
    fit.write(user=deployer)
    found = run()
    assert red(found) == {"sudo"}
    assert "deployer is not root" in found["sudo"]["sentence"]


def test_a_host_without_sudo_or_without_the_right_to_it_is_refused(fit, run, deployer):
    fit.write(user=deployer, sudo=True)
    assert red(run()) == {"sudo"}


def test_a_roster_without_the_host_is_refused(fit):
    fit.set(hosts=["chta.example.test"])
    done = fit.orchestrate("mattermost.preflight")
    assert done.rc == 1
    assert "mattermost:hosts names chta.example.test" in done.comments


@pytest.fixture
def with_sudo(fit):
    """sudo on the host, from the distribution."""
    fit.ssh("command -v sudo || apt-get update -q && apt-get install -qy --no-install-recommends sudo", timeout=180)


def test_sudo_that_wants_a_password_is_told_apart(fit, run, deployer, with_sudo):
    fit.ssh("echo 'deployer ALL=(ALL) ALL' >/etc/sudoers.d/deployer")
    fit.write(user=deployer, sudo=True)
    found = run()
    assert red(found) == {"sudo"}
    assert "requires the password of deployer" in found["sudo"]["sentence"]
    assert "NOPASSWD" in found["sudo"]["todo"]


def test_a_user_with_sudo_is_as_good_as_root(fit, run, deployer, with_sudo):
    fit.ssh("echo 'deployer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deployer")
    fit.write(user=deployer, sudo=True)
    assert red(run()) == set()
