"""The deployed web server and its certificate: who listens, what is enabled, what renews, what nobody else reads."""

import re

import pytest


@pytest.fixture(scope="module")
def live(host, trial):
    """certbot's folder of the site's certificate."""
    return f"/etc/letsencrypt/live/{trial['HOST_ID']}"


def listeners(host, port):
    """Return the programs that listen on TCP *port* beyond the loopback."""
    lines = host.check_output(f"ss -Hltnp sport = :{port}").splitlines()
    return {re.search(r'\(\("([^"]+)"', line).group(1) for line in lines if not line.split()[3].startswith("127.")}


@pytest.mark.parametrize("port", [80, 443])
def test_nginx_serves_the_web_ports(host, port):
    assert listeners(host, port) == {"nginx"}


def test_nginx_starts_at_boot(host):
    nginx = host.service("nginx")
    assert (nginx.is_running, nginx.is_enabled) == (True, True)


def test_nginx_takes_its_configuration(host):
    """By a copy of the unit's own check; a PID file of its own, because the real one would be emptied."""
    assert host.run("nginx -t -q -g 'error_log /dev/null;'").rc == 0


def test_the_default_site_is_gone(host):
    assert not host.file("/etc/nginx/sites-enabled/default").exists
    assert "Welcome to nginx" not in host.run("curl -s http://127.0.0.1/").stdout


def test_one_site_is_there(host):
    sites = host.check_output("cd /etc/nginx/conf.d && ls mattermost-*.conf").split()
    assert sites == ["mattermost-additional-names.conf", "mattermost-base.conf", "mattermost-ssl.conf"]


def test_no_reload_is_due(host):
    assert host.run("ls /var/lib/mattermost-deploy/nginx-reload-* 2>/dev/null").stdout == ""


def test_no_drop_in_bends_the_unit_here(host):
    """The package of this platform has no fault that would need one."""
    assert not host.file("/etc/systemd/system/nginx.service.d/mattermost.conf").exists


def test_the_workers_are_not_root(host):
    users = set(host.check_output("ps -o user= --ppid $(systemctl show -p MainPID nginx | cut -d= -f2)").split())
    assert users
    assert "root" not in users


def test_nobody_but_root_writes_where_challenges_are_answered(host):
    folder = host.file("/var/www/letsencrypt/.well-known/acme-challenge")
    assert (folder.is_directory, folder.user, folder.group, folder.mode) == (True, "root", "root", 0o755)


def test_a_challenge_is_answered_over_port_80(host, trial):
    path = "/.well-known/acme-challenge/host-test"
    host.check_output(f"echo answer > /var/www/letsencrypt{path}")
    try:
        asked = f"curl -s -o - -w '%{{http_code}}' -H 'Host: {trial['HOST_ID']}' http://127.0.0.1{path}"
        assert host.check_output(asked).split() == ["answer", "200"]
    finally:
        host.check_output(f"rm /var/www/letsencrypt{path}")


def test_the_certificate_is_renewed_by_a_timer(host, platform):
    unit = platform["certbot"]["timer"]
    timer = host.service(unit)
    assert (timer.is_running, timer.is_enabled) == (True, True)
    assert host.check_output(f"systemctl show -p NextElapseUSecRealtime {unit}") != "NextElapseUSecRealtime="


def test_the_renewal_knows_our_webroot_and_when(host, trial, platform):
    text = host.file(f"/etc/letsencrypt/renewal/{trial['HOST_ID']}.conf").content_string
    assert "authenticator = webroot" in text
    assert f"{trial['HOST_ID']} = /var/www/letsencrypt" in text
    told = re.search(r"^renew_before_expiry = \d+ (days|hours|minutes)$", text, re.MULTILINE)
    assert bool(told) is not platform["certbot"]["renews_by_lifetime"], "certbot 4 reckons it from the lifetime"


def test_a_renewal_reloads_nginx(host):
    hook = host.file("/etc/letsencrypt/renewal-hooks/deploy/mattermost-nginx")
    assert (hook.user, hook.mode) == ("root", 0o755)
    before = host.check_output("systemctl show -p MainPID nginx")
    workers = host.check_output("ps -o pid= --ppid $(systemctl show -p MainPID nginx | cut -d= -f2)").split()
    host.check_output(hook.path)
    waited = "for i in $(seq 100); do ps -o pid= -p %s | grep -q . || exit 0; sleep 0.1; done; exit 1"
    assert host.run(waited % workers[0]).rc == 0, "the old worker is still there"
    assert host.check_output("systemctl show -p MainPID nginx") == before


def test_nobody_but_root_reads_the_key(host, live):
    key = host.check_output(f"readlink -f {live}/privkey.pem")
    assert (host.file(key).user, host.file(key).mode) == ("root", 0o600)
    assert host.run(f"runuser -u nobody -- cat {live}/privkey.pem").rc != 0


def test_the_served_certificate_is_the_one_on_disk(host, trial, live):
    asked = f"openssl s_client -connect 127.0.0.1:443 -servername {trial['HOST_ID']} </dev/null 2>/dev/null"
    served = host.check_output(f"{asked} | openssl x509 -noout -fingerprint -sha256")
    assert served == host.check_output(f"openssl x509 -noout -fingerprint -sha256 -in {live}/fullchain.pem")


def test_the_private_authority_is_trusted_by_the_timer_too(host, platform):
    """Only where one is set; a public CA needs neither file."""
    unit = host.run(f"systemctl show -p Environment {platform['certbot']['service']}").stdout
    authority = host.file("/etc/letsencrypt/mattermost-authority.pem")
    assert (f"REQUESTS_CA_BUNDLE={authority.path}" in unit) == authority.exists
