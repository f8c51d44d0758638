"""What one look at a host tells: the script really runs, and its answer becomes the right facts."""

import re
import socket
import subprocess

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller.hosts import probe

GRAINS = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}

CENTOS = """NAME="CentOS Linux"
os\tID="centos"
os\tID_LIKE="rhel fedora"
os\tVERSION_ID="7"
os\tPRETTY_NAME="CentOS Linux 7 (Core)"
arch\tx86_64
time\t1795509748
uid\t0
glibc\tglibc 2.17
init\tsystemd
systemd\t219
locale\tLANG="en_US.UTF-8"
selinux\t1
python\tpython3 3.6.8
program\ttar
program\txz
memory\tMemTotal 1882000
memory\tSwapTotal 0
place\t/opt/mattermost
disk\t4194304 /
mount\t/ rw,noexec,relatime
listen\t00000000:0050 101
listen\t0100007F:1F81 102
listen\t00000000000000000000000001000000:1F81 103
listen\t00000000000000000000000000000000:0016 104
holder\t101 nginx /usr/sbin/nginx (deleted)
holder\t102 mattermost /opt/mattermost/11.7.10/bin/mattermost
addresses\t192.0.2.7 2001:db8::7 
current\t/opt/mattermost/11.7.10/
switching\t11.7.9 11.7.10 back 20260101000000
file\t/etc/mattermost/environment
lock\tprocess 12 since 2026-01-01 00:00:00 UTC
unit\tId=nginx.service
unit\tLoadState=loaded
unit\tActiveState=active
unit\t
unit\tId=ufw.service
unit\tLoadState=not-found
unit\t
unit\tId=certbot-renew.timer
unit\tLoadState=loaded
unit\tActiveState=inactive
postgresql\t5432 90624
postgresql\t5433 
database\tmattermost 84
certificate\t/etc/ssl/chat.pem -----BEGIN CERTIFICATE-----
certificate\t/etc/ssl/chat.pem QUJD
certificate\t/etc/ssl/chat.pem -----END CERTIFICATE-----
end\tok
"""


def settings(pillar=None):
    data = mattermost_settings_data.load(["salt"])
    return core.merge(data, pillar or {}, {}, GRAINS, "chat.example.test")


@pytest.fixture(scope="module")
def local_facts():
    """Facts of the machine that runs the tests, by the real script."""
    made = settings()
    made["paths"]["install"] = (
        "/nowhere/it's a $place"  # the schema refuses it; the script's quoting does not count on that
    )
    text = probe.script(["salt"], made)
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0
    return probe.parse(done.stdout)


def test_the_script_runs_on_a_real_machine(local_facts):
    assert re.fullmatch(r"\d+\.\d+", local_facts["glibc"])
    assert local_facts["memory_kb"]["MemTotal"] > 0
    assert local_facts["grains"]["os_family"]
    assert "tar" in local_facts["programs"]
    assert (local_facts["current"], local_facts["switching"]) == ("", [])


def test_a_path_with_quotes_reaches_the_script_whole(local_facts):
    assert local_facts["disks"][0]["path"] == "/nowhere/it's a $place"
    assert local_facts["disks"][0]["free_mb"] > 0


def test_an_interrupted_switch_is_seen(tmp_path):
    made = settings()
    made["paths"]["work"] = str(tmp_path)
    (tmp_path / "switch").mkdir()
    (tmp_path / "switch/journal").write_text("begin 20260101000000 11.7.9 11.8.0\nstopped\ncopying mattermost_before\n")
    done = subprocess.run(
        ["/bin/sh", "-s"], input=probe.script(["salt"], made), capture_output=True, text=True, timeout=60
    )
    assert probe.parse(done.stdout)["switching"] == ["11.7.9", "11.8.0"]


def test_a_listener_is_seen_with_its_program():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = probe.script(["salt"], settings())
        done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=60)
    mine = [one for one in probe.parse(done.stdout)["listeners"] if one["port"] == port]
    assert len(mine) == 1
    assert mine[0]["address"] == "127.0.0.1"
    assert "python" in mine[0]["exe"] or "pytest" in mine[0]["program"]


def test_facts_of_an_older_host():
    facts = probe.parse(CENTOS)
    assert facts["grains"] == {"os": "CentOS", "os_family": "RedHat", "osmajorrelease": 7, "cpuarch": "x86_64"}
    assert facts["platform"] == "CentOS Linux 7 (Core)"
    assert facts["selinux"] == "enforcing"
    assert facts["locale"] == "en_US.UTF-8"
    assert facts["pythons"] == {"python3": "3.6.8"}
    assert facts["disks"] == [{"path": "/opt/mattermost", "mount": "/", "free_mb": 4096}]
    assert facts["mounts"]["/"] == "rw,noexec,relatime"
    assert facts["current"] == "11.7.10"
    assert facts["switching"] == ["11.7.9", "11.7.10"]
    assert facts["database"] == {"owner": "mattermost", "tables": 84}
    assert facts["postgresql"] == {5432: "9.6", 5433: ""}
    assert facts["lock"].startswith("process 12")
    assert facts["addresses"] == ["192.0.2.7", "2001:db8::7"]
    assert facts["certificates"]["/etc/ssl/chat.pem"].splitlines()[1] == "QUJD"


def test_listeners_have_readable_addresses_and_their_programs():
    found = {(one["address"], one["port"]): one["program"] for one in probe.parse(CENTOS)["listeners"]}
    assert found == {("0.0.0.0", 80): "nginx", ("127.0.0.1", 8065): "mattermost", ("::1", 8065): "", ("::", 22): ""}


def test_a_program_that_was_replaced_while_it_runs_keeps_its_path():
    assert probe.parse(CENTOS)["listeners"][0]["exe"] == "/usr/sbin/nginx"


def test_units_that_do_not_exist_are_left_out():
    units = probe.parse(CENTOS)["units"]
    assert set(units) == {"nginx.service", "certbot-renew.timer"}
    assert units["nginx.service"]["ActiveState"] == "active"


def test_an_answer_that_was_cut_short_is_no_fact():
    with pytest.raises(probe.ProbeError, match="interrupted after this output: .*QUJD"):
        probe.parse(CENTOS[: CENTOS.index("QUJD") + 5])


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ({"ID": "debian", "VERSION_ID": "13"}, ("Debian", "Debian", 13)),
        ({"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_ID": "22.04"}, ("Ubuntu", "Debian", 22)),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora", "VERSION_ID": "9.4"}, ("Rocky", "RedHat", 9)),
        ({"ID": "ol", "ID_LIKE": "fedora", "VERSION_ID": "8.10"}, ("OEL", "RedHat", 8)),
        ({"ID": "arch"}, ("Arch", "Arch", "")),
    ],
)
def test_grains_agree_with_salts(release, expected):
    found = probe.grains(release, "x86_64")
    assert (found["os"], found["os_family"], found["osmajorrelease"]) == expected
