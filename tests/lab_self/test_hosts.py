"""Hosts live and die as machines do."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab import LabError
from tests.lab.shell import run


def test_a_host_is_a_booted_systemd_machine(host):
    assert host.wait_booted() == "running"


@pytest.mark.parametrize("program", ["curl", "nginx", "psql", "certbot"])
def test_a_host_is_bare(host, program):
    assert host.ssh(f"command -v {program}", check=False).returncode != 0


def test_a_host_has_python_and_no_language(host):
    assert host.ssh("python3 -c 'print(1)'; echo $LANG; cat /etc/default/locale 2>&-", check=False).stdout.split() == [
        "1"
    ]


def test_each_service_of_a_host_has_its_own_processes(lab, host):
    lab.host("two")
    assert "sshd" in host.ssh("systemctl status ssh").stdout
    assert "Failed to kill control group" not in host.ssh("journalctl -b --no-pager").stdout


def test_a_host_installs_packages(host):
    host.ssh("apt-get -qq update && apt-get -qqy install --no-install-recommends netcat-openbsd", timeout=180)
    assert host.ssh("command -v nc").stdout


def test_a_reboot_keeps_the_disk_and_the_ssh_keys(host):
    before = host.boot_id()
    host.ssh("echo kept > /root/note")
    host.reboot()
    assert host.boot_id() != before
    assert host.ssh("cat /root/note").stdout == "kept\n"


def test_a_clean_stop_lets_services_end(host):
    host.ssh(
        "systemd-run --quiet --unit=farewell -p Type=oneshot -p RemainAfterExit=yes "
        "-p 'ExecStop=/bin/touch /root/farewell' /bin/true"
    )
    host.stop()
    assert not host.running
    host.start()
    host.ssh("test -e /root/farewell && rm /root/farewell")


def test_a_power_cut_lets_nobody_say_goodbye(host):
    host.ssh(
        "systemd-run --quiet --unit=farewell -p Type=oneshot -p RemainAfterExit=yes "
        "-p 'ExecStop=/bin/touch /root/farewell' /bin/true"
    )
    host.cut()
    assert not host.running
    host.start()
    assert host.wait_booted() == "running"
    assert host.ssh("test -e /root/farewell", check=False).returncode == 1


def test_a_clone_has_the_disk_but_an_identity_of_its_own(lab):
    origin = lab.host("origin")
    origin.ssh("echo from-origin > /root/note")
    lab.snapshot(origin, "noted")
    clone = lab.clone("noted", "clone")
    origin.start()
    origin.ssh("echo later > /root/note")
    assert clone.ssh("cat /root/note").stdout == "from-origin\n"
    for question in ("cat /etc/machine-id", "hostname", "cat /etc/ssh/ssh_host_ed25519_key.pub"):
        assert clone.ssh(question).stdout != origin.ssh(question).stdout
    clone.remove()
    origin.remove()


def test_a_removed_host_frees_nothing_for_the_next_too_early(lab):
    first = lab.host("short")
    address = first.address
    first.remove()
    second = lab.host("short")
    assert second.address != address
    second.remove()


def test_another_host_key_is_refused(lab, host):
    alias = ["-o", f"HostKeyAlias={host.address}"]
    command = ["ssh", *alias, *host.ssh_command("true")[1:-2], f"root@{lab.get('two').address}", "true"]
    done = run(command, check=False)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_a_shell_needs_no_ssh(host):
    assert host.enter("hostname").stdout == "one\n"


def test_calls_share_a_connection_that_ends_with_the_host(host):
    first, second = (host.ssh("echo $SSH_CONNECTION").stdout for _ in range(2))
    assert first == second
    host.cut()
    assert not host.connection.exists()
    host.start()
    assert host.ssh("echo $SSH_CONNECTION").stdout != first


def test_dropped_packets_and_a_pulled_cable_come_back(lab, host):
    lab.network.drop(f"ip daddr {host.address} tcp dport 22")
    assert run(host.ssh_command("true", connect_timeout=3), check=False).returncode == 255
    assert lab.network.dropped() > 0
    lab.network.heal()
    host.ssh("true")
    lab.network.unplug(host)
    assert run(host.ssh_command("true", connect_timeout=3), check=False).returncode == 255
    lab.network.plug(host)
    host.ssh("true")


def test_a_start_waits_for_the_end_of_the_last_life(lab, host):
    """Seen on a busy machine: the interface of a host whose power was cut was still there when it was to boot again."""
    host.cut()
    run(["ip", "link", "add", host.link, "type", "bridge"])
    with ThreadPoolExecutor() as pool:
        try:
            starting = pool.submit(host.start)
            time.sleep(0.5)
            assert not starting.done()
        finally:
            run(["ip", "link", "del", host.link])
        starting.result()
    assert host.ssh("hostname").stdout == "one\n"


def test_what_stays_of_the_last_life_is_named(host):
    host.cut()
    run(["ip", "link", "add", host.link, "type", "bridge"])
    try:
        with pytest.raises(LabError, match=f"Host one cannot start: {host.link} of its last life is left"):
            host.start(last_life=0.2)
    finally:
        run(["ip", "link", "del", host.link])
    host.start()
