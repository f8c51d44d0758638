"""The ways into a host that roster.example shows, each used for a whole run."""

import pytest

from tests.lab.shell import wait_until
from tests.probe import Probe, Target

PASSWORD = "pass word: 7#x"  # with what YAML, a shell and ssh's prompt could trip over
TALK = {
    "postgres.host": "localhost",
    "postgres.port": 5432,
    "postgres.user": "postgres",
    "postgres.pass": "superuser-of-the-talk",
    "postgres.bins_dir": "/usr/pgsql-9.4/bin",
    "postgres.mm_database_name": "talk_database",
    "postgres.mm_database_user": "talk_user",
    "postgres.mm_database_pass": "role-of-the-talk",
}
LOGIN = "PGPASSWORD={password} psql -XAtq -h 127.0.0.1 -U {user} -d {database} -c 'select current_user' 2>&1 || true"


def let_in_by_password(deployment, user):
    """Give *user* a password and let sshd take it."""
    deployment.ssh(f"echo '{user}:{PASSWORD}' | chpasswd")
    deployment.ssh(
        "printf 'PasswordAuthentication yes\\nPermitRootLogin yes\\n' > /etc/ssh/sshd_config.d/00-password.conf"
        " && systemctl reload ssh"
    )


def without_a_key(deployment):
    deployment.entry = {name: value for name, value in deployment.entry.items() if name != "priv"}


@pytest.fixture
def deployer(deployed_host):
    """A user of a deployed host with the lab's key, and sudo installed; what sudo allows is the test's to say."""
    deployed_host.ssh(
        "command -v sudo >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends sudo; };"
        " useradd -m -s /bin/bash deployer && install -d -m 700 -o deployer /home/deployer/.ssh &&"
        " install -m 600 -o deployer /root/.ssh/authorized_keys /home/deployer/.ssh/",
        timeout=180,
    )
    return deployed_host


def changes_nothing(deployment):
    run = deployment.orchestrate()
    assert run.rc == 0, run
    assert run.changes == {}
    alone = deployment.apply("nginx-ssl")
    assert alone.rc == 0, alone
    assert alone.changes == {}


@pytest.mark.soak("checks")
def test_the_entry_of_the_talk_deploys_with_its_names_and_passwords(bare):
    let_in_by_password(bare, "root")
    without_a_key(bare)
    bare.write(passwd=PASSWORD, tty=False, minion_opts=TALK)
    run = bare.orchestrate()
    assert run.rc == 0, run
    role = LOGIN.format(user="talk_user", database="talk_database", password="role-of-the-talk")
    assert bare.ssh(role).strip() == "talk_user"
    superuser = LOGIN.format(user="postgres", database="postgres", password="superuser-of-the-talk")
    assert bare.ssh(superuser).strip() == "postgres"
    wrong = LOGIN.format(user="talk_user", database="talk_database", password="another")
    assert "authentication failed" in bare.ssh(wrong)
    assert bare.orchestrate().changes == {}


@pytest.mark.soak("checks")
def test_a_user_with_sudo_without_a_password(deployer):
    deployer.ssh("echo 'deployer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deployer")
    deployer.write(user="deployer", sudo=True)
    changes_nothing(deployer)


def test_a_user_whose_sudo_wants_a_password(deployer):
    let_in_by_password(deployer, "deployer")
    deployer.ssh("echo 'deployer ALL=(ALL) ALL' >/etc/sudoers.d/deployer")
    without_a_key(deployer)
    deployer.write(user="deployer", sudo=True, passwd=PASSWORD, tty=True)
    changes_nothing(deployer)


def test_another_ssh_port(deployed_host):
    deployed_host.ssh(
        "firewall-cmd -q --add-port=2222/tcp && echo 'Port 2222' >/etc/ssh/sshd_config.d/00-port.conf && systemctl restart ssh"
    )
    lines = (deployed_host.directory / "known_hosts").read_text().splitlines()
    deployed_host.write(port=2222)
    address = deployed_host.host.address
    known = [line.replace(address, f"[{address}]:2222", 1) for line in lines]
    (deployed_host.directory / "known_hosts").write_text("\n".join(known) + "\n")
    run = deployed_host.orchestrate()
    assert run.rc == 0, run
    assert set(run.changes) <= {"firewall"}, run.changes


@pytest.mark.soak("checks")
def test_a_run_that_changes_nothing_loses_no_request(deployed_host):
    wait_until(
        lambda: '"OK"' in deployed_host.curl("/api/v4/system/ping?get_server_status=true"), "The site after the boot"
    )
    target = Target(deployed_host.name, deployed_host.host.address, ca_file=str(deployed_host.lab.ca_file))
    with Probe(target) as probe:
        run = deployed_host.orchestrate()
    assert run.rc == 0, run
    assert run.changes == {}
    assert set(probe.report.answered) == {"new", "kept", "websocket", "upload"}, probe.report
    assert probe.report.lost == [], probe.report
