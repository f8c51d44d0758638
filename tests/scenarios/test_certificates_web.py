"""The web server and the firewall in front of other people's things: broken files, taken ports, ssh elsewhere."""

import pytest

from tests.probe import Probe, Target
from tests.scenarios.afterwards import noticed, state
from tests.scenarios.deployment import Deployment


def pids(deployment):
    main = deployment.ssh("systemctl show -p MainPID nginx")
    return main, deployment.ssh("ps -o pid= --ppid $(systemctl show -p MainPID nginx | cut -d= -f2)").split()


@pytest.fixture
def web(lab, releases, request):
    """A fresh, bare host; the host goes away afterwards."""
    with lab.passing("web") as name:
        yield Deployment(lab, lab.host(name), releases[0])


def test_an_admins_broken_file_is_named_and_nginx_goes_on(deployed_host):
    before = pids(deployed_host)
    deployed_host.ssh("echo 'bogus on;' > /etc/nginx/conf.d/admin.conf")
    deployed_host.set(nginx={"hsts_seconds": 300})
    run = deployed_host.apply("nginx-base")
    assert run.rc != 0
    comment = state(run, "nginx-base-is-configured")["comment"]
    assert "because of /etc/nginx/conf.d/admin.conf, which this bundle did not write: unknown directive" in comment
    assert pids(deployed_host) == before
    assert deployed_host.curl("/api/v4/system/ping") != ""
    assert deployed_host.ssh("cat /etc/nginx/conf.d/mattermost-base.conf").count("63072000") == 1
    # Mended, the same run goes through, by a reload.
    deployed_host.ssh("rm /etc/nginx/conf.d/admin.conf")
    assert deployed_host.apply("nginx-base").rc == 0
    after = pids(deployed_host)
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert deployed_host.apply("nginx-base").changes == {}
    assert pids(deployed_host) == after


def test_a_change_of_the_web_server_loses_nothing(deployed_host):
    deployed_host.set(nginx={"hsts_seconds": 300})
    target = Target(deployed_host.name, address=deployed_host.host.address, ca_file=str(deployed_host.lab.ca_file))
    with Probe(target) as probe:
        run = deployed_host.apply("nginx-base")
    assert list(run.changes) == ["nginx-base-is-configured"]
    assert noticed(probe.report) == []
    assert probe.report.answered["websocket"] > 0


@pytest.mark.soak("web")
@pytest.mark.soak("web")
def test_a_run_that_died_before_the_reload_is_made_up_for(deployed_host):
    before = pids(deployed_host)
    deployed_host.ssh("touch /var/lib/mattermost-deploy/nginx-reload-ssl")
    assert list(deployed_host.apply("nginx-ssl").changes) == ["nginx-serves-the-site-over-https"]
    assert pids(deployed_host)[1] != before[1]


@pytest.mark.soak("web")
def test_another_program_on_port_80_is_named(web):
    web.ssh("systemd-run -q --unit=squatter python3 -m http.server 80")
    run = web.apply("nginx-base")
    assert run.rc != 0
    comment = state(run, "port-80-is-free-for-nginx")["comment"]
    assert comment.startswith("Port 80 is in use by python3 (process ")
    assert web.ssh("command -v nginx || true") == ""


@pytest.mark.soak("web")
def test_an_admins_default_site_is_kept_aside(web):
    web.ssh("mkdir -p /etc/nginx/sites-enabled; echo '# mine' > /etc/nginx/sites-enabled/default")
    run = web.apply("nginx-base")
    assert run.rc == 0, run
    kept = "/var/lib/mattermost-deploy/put-away/etc_nginx_sites-enabled_default"
    assert web.ssh(f"cat {kept}") == "# mine\n"


def test_ssh_on_another_port_is_never_locked_out(web):
    """The port is let in before firewalld first starts, and stays so over strict and a reload."""
    web.ssh("printf 'Port 22\\nPort 2222\\n' > /etc/ssh/sshd_config.d/port.conf; systemctl restart ssh")
    web.write(port=2222)
    known = web.directory / "known_hosts"
    known.write_text(known.read_text() + web.host.known_hosts(f"[{web.host.address}]:2222"))
    web.set(firewall={"strict": True})
    web.write(port=2222)
    run = web.apply("firewall")
    assert run.rc == 0, run
    first = state(run, "firewall-allows-ssh-before-it-starts")["changes"]["zone public"]
    assert "port 2222/tcp opened" in first
    assert state(run, "firewall-lets-the-site-in")["changes"] == {}
    web.ssh("firewall-cmd --reload")
    again = web.apply("firewall")
    assert (again.rc, again.changes) == (0, {}), again


@pytest.mark.soak("web")
def test_what_the_admin_opened_stays_unless_strict(web):
    assert web.apply("firewall").rc == 0
    for scope in ("", "--permanent"):
        web.ssh(f"firewall-cmd -q {scope} --add-service=imaps && firewall-cmd -q {scope} --add-port=5000/udp")
    web.ssh("firewall-cmd -q --add-masquerade")
    run = web.apply("firewall")
    assert state(run, "firewall-lets-the-site-in")["changes"] == {"zone public": ["masquerade off"]}
    listed = web.ssh("firewall-cmd --list-services --permanent; firewall-cmd --list-ports")
    assert "imaps" in listed
    assert "5000/udp" in listed
    web.set(firewall={"strict": True, "ports": ["8443/udp"]})
    assert web.apply("firewall").rc == 0
    for scope in ("", "--permanent"):
        assert web.ssh(f"firewall-cmd {scope} --list-services").split() == ["dhcpv6-client", "http", "https", "ssh"]
        assert web.ssh(f"firewall-cmd {scope} --list-ports").split() == ["8443/udp"]
    assert web.apply("firewall").changes == {}


@pytest.mark.soak("web")
def test_another_packet_filter_is_not_fought(web):
    web.ssh("systemd-run -q --unit=nftables --property=Type=oneshot --remain-after-exit true")
    run = web.apply("firewall")
    comment = state(run, "firewall-allows-ssh-before-it-starts")["comment"]
    assert comment.startswith("nftables filters packets on this host, and firewalld would replace its rules")
    assert web.ssh("command -v firewall-cmd || true") == ""
    web.set(firewall={"manage": False})
    assert web.apply("firewall").rc == 0


@pytest.mark.soak("web")
def test_the_host_of_a_bare_dry_run_stays_bare(web):
    for component in ("nginx-base", "firewall", "letsencrypt", "nginx-ssl", "nginx-non-ssl"):
        run = web.apply(component, "test=True")
        assert run.rc == 0, run
        assert all(part["result"] is not False for part in run.states.values())
    assert web.ssh("command -v nginx certbot firewall-cmd || true") == ""
