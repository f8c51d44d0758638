"""The deployed packet filter: what is let in now and after a boot, and what is not."""

import os
import socket
import subprocess

import pytest


@pytest.fixture(scope="module")
def zone(host):
    """The zone of the default interface; skips where the filter is somebody else's."""
    if not host.exists("firewall-cmd"):
        pytest.skip("firewalld is not deployed on this host.")
    return host.check_output("firewall-cmd --get-default-zone")


@pytest.mark.parametrize("scope", ["", "--permanent"])
@pytest.mark.parametrize("service", ["ssh", "http", "https"])
def test_the_services_are_let_in(host, zone, service, scope):
    assert host.run(f"firewall-cmd {scope} --zone={zone} --query-service={service}").rc == 0


@pytest.mark.parametrize("scope", ["", "--permanent"])
def test_masquerading_is_off(host, zone, scope):
    assert host.run(f"firewall-cmd {scope} --zone={zone} --query-masquerade").rc == 1


def test_the_firewall_starts_at_boot(host, zone):
    firewall = host.service("firewalld")
    assert (firewall.is_running, firewall.is_enabled) == (True, True)


def reachable(address, port):
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("port", [22, 80, 443])
def test_the_port_is_reached_from_here(trial, port):
    assert reachable(trial["ADDRESS"], port)


@pytest.mark.parametrize("port", [8065, 8067, 8074, 5432])
def test_the_port_is_not_reached_from_here(trial, port):
    assert reachable(trial["ADDRESS"], 443), "the positive control"
    assert not reachable(trial["ADDRESS"], port)


def test_a_listener_that_nobody_opened_is_not_reached(host, trial, zone):
    """The filter itself, not merely nobody listening: a program on a port of its own cannot be reached."""
    # the host's Python, or the one that Salt brought
    python = host.check_output("command -v python3 || ls /var/tmp/.*_salt_relenv/bin/python3").split()[0]
    server = f"{python} -c 'import socket,time; s=socket.create_server((\"0.0.0.0\", 18081)); time.sleep(20)'"
    pid = host.check_output(f"{server} >/dev/null 2>&1 & echo $!")
    try:
        waited = "for i in $(seq 100); do ss -Hltn sport = :18081 | grep -q . && exit 0; sleep 0.1; done; exit 1"
        assert host.run(waited).rc == 0
        assert host.run(f"{python} -c 'import socket; socket.create_connection((\"127.0.0.1\", 18081), 5)'").rc == 0
        assert not reachable(trial["ADDRESS"], 18081)
    finally:
        host.run(f"kill {pid}")


def test_ssh_is_let_in_on_the_port_in_use(trial):
    """This very login proves it; the variables name the port where it is not 22."""
    done = subprocess.run(
        ["ssh-keyscan", "-T", "5", "-p", os.environ.get("SSH_PORT", "22"), trial["ADDRESS"]],
        capture_output=True,
        text=True,
    )
    assert "ssh-" in done.stdout
