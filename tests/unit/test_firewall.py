"""What a firewalld zone lets in, and that ssh is never among what it closes."""

import socket

import mattermost_firewall_core as core
import mattermost_firewall_firewalld as host
import pytest

from tests import states

PUBLIC = """\
<?xml version="1.0" encoding="utf-8"?>
<zone>
  <short>Public</short>
  <service name="ssh"/>
  <service name="dhcpv6-client"/>
  <service name="cockpit"/>
  <port port="9090" protocol="udp"/>
  <masquerade/>
  <rule family="ipv4"><source address="10.0.0.0/8"/><accept/></rule>
</zone>
"""
WEB = ("http", "https")


def changed(text, ports=(22,), strict=False, masquerade=False):
    changes = core.steps(core.read_zone(text), core.wanted(ports, WEB), strict, masquerade)
    return core.read_zone(core.edit_zone(text, changes)), core.edit_zone(text, changes)


def test_the_site_is_let_in_and_the_rest_stays():
    zone, text = changed(PUBLIC)
    assert zone.services == {"ssh", "dhcpv6-client", "cockpit", "http", "https"}
    assert zone.ports == {"9090/udp"}
    assert "10.0.0.0/8" in text


@pytest.mark.parametrize("strict", [True, False])
def test_a_port_that_the_settings_name_is_let_in(strict):
    goal = core.wanted((22,), WEB, ["8443/udp"])
    assert "8443/udp" in {step.value for step in core.steps(core.read_zone(PUBLIC), goal, strict, False)}
    opened = core.Zone(goal.services, goal.ports | {"9090/udp"}, False)
    assert not [step for step in core.steps(opened, goal, strict, False) if "8443" in step.value]


def test_masquerading_goes_unless_it_is_left_alone():
    assert changed(PUBLIC)[0].masquerade is False
    assert changed(PUBLIC, masquerade=True)[0].masquerade is True


def test_strict_closes_what_is_not_ours():
    zone, _ = changed(PUBLIC, strict=True)
    assert zone.services == {"ssh", "dhcpv6-client", "http", "https"}
    assert zone.ports == frozenset()


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("ports", [(22,), (2222,), (22, 2222)])
def test_ssh_is_open_on_every_port_in_use(ports, strict):
    zone, _ = changed(core.STOCK, ports, strict)
    assert ("ssh" in zone.services) == (22 in ports)
    assert ("2222/tcp" in zone.ports) == (2222 in ports)


def test_ssh_moved_away_from_22_closes_nothing_by_itself():
    zone, _ = changed(PUBLIC, (2222,))
    assert "ssh" in zone.services


def test_openings_come_before_closings():
    goal = core.wanted((2222,), WEB)
    verbs = [step.verb for step in core.steps(core.read_zone(PUBLIC), goal, True, False)]
    assert verbs == sorted(verbs)  # "add" < "remove"


def test_a_fitting_zone_needs_nothing():
    _, text = changed(PUBLIC)
    assert core.steps(core.read_zone(text), core.wanted((22,), WEB), False, False) == []


@pytest.mark.parametrize(
    ("connection", "listening", "configured", "ports"),
    [
        ("10.0.0.1 40000 10.0.0.2 2222", [], "", [2222]),
        ("10.0.0.1 40000 10.0.0.2 2222", [22], "", [22, 2222]),
        ("", [], "Port 2200\n#Port 22\n", [2200]),
        ("", [], "port=2200", [2200]),
        ("", [], "", [22]),  # nothing to see, as under sudo with socket activation: the default
        ("garbage", [], "", [22]),
    ],
)
def test_the_port_of_ssh_is_found(connection, listening, configured, ports):
    assert core.ssh_ports(connection, listening, configured) == ports


def test_another_programs_listener_is_not_sshs():
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        assert listener.getsockname()[1] not in core.sshd_listens()


def test_the_interface_of_the_default_route_is_found():
    routes = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\n"
        "eth0\t00000000\t0100CB0A\t0003\t0\t0\t0\t00000000\t0\n"
    )
    assert core.default_interface(routes) == "eth0"
    assert core.default_interface("Iface\n") == ""


def test_a_step_reads_as_option_and_as_words():
    assert core.Step("add", "port", "2222/tcp").option == "--add-port=2222/tcp"
    assert core.Step("remove", "masquerade").option == "--remove-masquerade"
    assert str(core.Step("remove", "masquerade")) == "masquerade off"
    assert str(core.Step("add", "service", "http")) == "service http opened"


def test_the_bus_answers_are_read():
    assert core.words('as 2 "ssh" "http"\n') == ["ssh", "http"]
    assert core.words('aas 1 2 "2222" "tcp"\n') == ["2222", "tcp"]


MINION = {"master_uri": "tcp://192.0.2.1:4506", "master_ip": "192.0.2.1"}


@pytest.mark.parametrize(
    ("ran_before", "opts", "renewed"),
    [
        # what a master says would be refused for five minutes; systemd calls it running before its rules are in force
        (False, MINION, ["rules", ("192.0.2.1", 4505)]),
        (False, {**MINION, "publish_port": 14505}, ["rules", ("192.0.2.1", 14505)]),
        (True, MINION, []),
        (False, {}, []),  # over ssh and masterless nobody has to be heard
    ],
)
def test_a_minion_hears_its_master_after_firewalld_started(monkeypatch, ran_before, opts, renewed):
    shell = states.load_state("mattermost_firewall")
    shell.__opts__ |= opts
    shell.__context__ = {}
    told = []
    runs = [ran_before, True, True]
    fakes = {
        "running": lambda: runs.pop(0),
        "rival": lambda: None,
        "zone": lambda: "public",
        "default_zone": lambda: "public",
        "zone_file": lambda zone: "<zone/>",
        "runtime": lambda zone: core.read_zone("<zone/>"),
        "ssh_ports": lambda: (22,),
        "wait_for_rules": lambda: told.append("rules") or True,
        "renew_connection": lambda *where: told.append(where),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(shell.host, name, fake)
    monkeypatch.setattr(shell.core, "steps", lambda *_, **__: [])
    shell.prepared("firewalld", ["http"])
    shell.opened("firewalld", ["http"])
    shell.opened("firewalld", ["http"])
    assert told == renewed


@pytest.mark.parametrize(
    ("line", "zone"),
    [("DefaultZone=work", "work"), (" DefaultZone = work ", "work"), ("DefaultZone=", "public"), ("", "public")],
)
def test_the_default_zone_is_read_as_firewalld_reads_it(tmp_path, monkeypatch, line, zone):
    """Else another zone is opened for ssh than the one that firewalld starts with."""
    monkeypatch.setattr(host, "CONF", str(tmp_path / "firewalld.conf"))
    assert host.default_zone() == "public"
    (tmp_path / "firewalld.conf").write_bytes(b"# f\xfcr uns\n#DefaultZone=drop\n" + line.encode() + b"\nLockdown=no\n")
    assert host.default_zone() == zone


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1"])
def test_a_zone_is_read_in_the_encoding_that_it_names(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(host, "OWN", str(tmp_path))
    text = f'<?xml version="1.0" encoding="{encoding[:10].removesuffix("-sig")}"?>\n<zone><short>B\xfcro</short><service name="ssh"/></zone>'
    (tmp_path / "office.xml").write_bytes(text.encode(encoding))
    assert core.read_zone(host.zone_file("office")).services == {"ssh"}
    assert "B\xfcro" in host.zone_file("office")
