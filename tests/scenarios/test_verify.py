"""Verify on a deployed host: for each check, breaking exactly that thing turns exactly that check red."""

import functools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.scenarios.deployment import PUBLIC_NAME, Deployment
from tests.scenarios.findings import findings_of, red
from tests.soak import only_some
from tests.unit import fake_site

SITE = "/etc/nginx/mattermost/site.conf"
SERVER = "/etc/nginx/conf.d/mattermost-ssl.conf"
TLS = "/etc/nginx/mattermost/tls.conf"
CLIENT = '{"Version":"11.7.100","BuildEnterpriseReady":"%s","NoAccounts":"%s","EnableUserCreation":"true","SiteURL":"https://%s"}'


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    """A deployment on a deployed host of this module's own."""
    with lab.passing("verify") as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
        deployment.wait_until_healthy()
        yield deployment


@pytest.fixture
def site(host):
    """The same host; settings are put back afterwards."""
    with host.settings_put_back():
        yield host


@pytest.fixture
def run(site):
    """Run verify alone and return its findings by check."""
    return functools.partial(findings_of, site, "mattermost.verify")


def test_a_deployed_host_passes(run):
    found = run()
    assert {one["level"] for one in found.values()} == {"ok"}
    assert len(found) > 20


def edit(path, script):
    """Return commands that edit an nginx file by sed, and that put it back; nginx is reloaded both times."""
    serve = "nginx -t 2>/dev/null && systemctl reload nginx && sleep 0.3"
    return (
        f"cp {path} /root/kept && sed -i '{script}' {path} && ! cmp -s {path} /root/kept && {serve}",
        f"mv /root/kept {path} && {serve}",
    )


def answer(path, body):
    """Return commands that make nginx answer *path* itself, and that end it."""
    return edit(SITE, f"$a location = {path} {{ default_type application/json; return 200 \\x27{body}\\x27; }}")


def fault(variable):
    """Return commands that restart the stand-in with a fault switch, and without."""
    folder = "/run/systemd/system/mattermost.service.d"
    restart = "systemctl daemon-reload && systemctl restart mattermost"
    broken = f"mkdir -p {folder} && printf '[Service]\\nEnvironment=STANDIN_FAULT_{variable}\\n' >{folder}/fault.conf && {restart}"
    return broken, f"rm {folder}/fault.conf && {restart}"


BROKEN = {
    "a port that the firewall closes": ((
        "nft add table inet broken && nft add chain inet broken i '{ type filter hook input priority -200; }' && "
        "nft add rule inet broken i tcp dport 443 reject with tcp reset", "nft delete table inet broken"), {"reachable"}),
    "nginx stopped": (("systemctl stop nginx", "systemctl start nginx"), {"services", "reachable"}),
    "nginx not enabled": (("systemctl disable nginx", "systemctl enable nginx"), {"services"}),
    "firewall stopped": (("systemctl stop firewalld", "systemctl start firewalld"), {"services"}),
    "server stopped": (("systemctl stop mattermost", "systemctl start mattermost"), {"services", "listeners", "health"}),
    "postgresql stopped": (
        ("systemctl stop postgresql@15-main", "systemctl start postgresql@15-main"), {"services", "postgresql", "health"}),
    "server unhealthy": (fault("UNHEALTHY=1"), {"health"}),
    "another version runs": (fault("WRONG_VERSION=11.7.1"), {"version"}),
    "another version is current": (
        ("ln -sfn /opt/mattermost/11.7.99 /opt/mattermost/current", "ln -sfn /opt/mattermost/11.7.100 /opt/mattermost/current"),
        {"installed"}),
    "enterprise": (answer("/api/v4/config/client", CLIENT % ("true", "false", PUBLIC_NAME)), {"edition"}),
    "sign-up open": (answer("/api/v4/config/client", CLIENT % ("false", "true", PUBLIC_NAME)), {"sign-up"}),
    "another site address": (answer("/api/v4/config/client", CLIENT % ("false", "false", "other.example.test")), {"site-address"}),
    "no page": (edit(SITE, "$a location = / { return 404; }"), {"page"}),
    "no websocket": (edit(SITE, "s/^proxy_set_header Upgrade .*/proxy_set_header Upgrade \"\";/"), {"websocket"}),
    "any origin": (edit(SITE, "$a proxy_set_header Origin \"\";"), {"websocket-origin"}),
    "smaller uploads": (edit(SITE, "s/^client_max_body_size .*/client_max_body_size 50m;/"), {"upload-limit"}),
    "larger uploads": (edit(SITE, "s/^client_max_body_size .*/client_max_body_size 500m;/"), {"upload-limit"}),
    "temporary redirect": (edit(SERVER, "s/return 301/return 302/"), {"redirect"}),
    "challenge redirected": (edit(SERVER, "/challenge.conf/d"), {"challenge"}),
    "no hsts": (edit("/etc/nginx/conf.d/mattermost-base.conf", "/max-age/d"), {"hsts"}),
    "old tls": (edit(TLS, "s/^ssl_protocols .*/ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;/; s/^ssl_ciphers .*/ssl_ciphers ALL:@SECLEVEL=0;/"), {"tls-protocol"}),
    "no renewal": (("systemctl stop certbot.timer", "systemctl start certbot.timer"), {"renewal"}),
    "renewal not enabled": (("systemctl disable certbot.timer", "systemctl enable certbot.timer"), {"renewal"}),
    "no backup by the clock": (
        ("systemctl stop mattermost-backup.timer", "systemctl start mattermost-backup.timer"), {"backup-age"}),
    "no backup for days": (
        ("touch -h -d '-3 days' /etc/systemd/system/timers.target.wants/mattermost-backup.timer",
         "touch -h /etc/systemd/system/timers.target.wants/mattermost-backup.timer"), {"backup-age"}),
    "readable secrets": (("chmod 644 /etc/mattermost/environment", "chmod 600 /etc/mattermost/environment"), {"private-files"}),
    "readable configuration": (
        ("chmod 644 /var/opt/mattermost/config/config.json", "chmod 600 /var/opt/mattermost/config/config.json"),
        {"private-files"}),
    "a second listener": (
        ("ip=$(hostname -I | cut -d' ' -f1); systemd-run -q --unit=second python3 -m http.server 8065 --bind $ip; "
         "for i in $(seq 500); do ss -Hltn | grep -q $ip:8065 && exit; sleep 0.1; done; exit 1", "systemctl stop second"),
        {"listeners"}),
    "an inner port forwarded": (
        ("firewall-cmd -q --add-forward-port=port=5432:proto=tcp:toport=22", "firewall-cmd -q --remove-forward-port=port=5432:proto=tcp:toport=22"),
        {"closed-ports"}),
}  # fmt: skip


EVERY_RUN = (
    "a port that the firewall closes", "nginx not enabled", "server unhealthy", "another version is current", "sign-up open",
    "no websocket", "smaller uploads", "challenge redirected", "no renewal", "readable secrets", "a second listener",
)  # fmt: skip


@pytest.mark.parametrize("case", only_some("checks", BROKEN, *EVERY_RUN))
def test_one_fault_turns_one_check_red(site, run, case):
    (broken, mended), expected = BROKEN[case]
    try:
        site.ssh(broken)
        found = run()
    finally:
        site.ssh(mended)
    assert red(found) == expected
    for check in expected:
        assert found[check]["todo"]


@pytest.fixture
def certificate(site):
    """Put another certificate in place of the site's, served or not; the right one comes back afterwards."""
    live = f"/etc/letsencrypt/live/{site.name}"
    site.ssh(f"cp -a {live} /root/live")

    def put(leaf, serve):
        key = leaf[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for name, text in (("fullchain", fake_site.pem(leaf[0])), ("privkey", key.decode())):
            site.ssh(f"rm {live}/{name}.pem && cat >{live}/{name}.pem <<'PEM'\n{text}PEM")
        if serve:
            site.ssh("systemctl reload nginx && sleep 0.3")

    yield put
    site.ssh(f"rm -r {live} && mv /root/live {live} && systemctl reload nginx && sleep 0.3")


@pytest.fixture
def root(lab):
    """The lab's own root, which the trial trusts, as (certificate, key)."""
    key = serialization.load_pem_private_key((lab.directory / "ca/authority.key").read_bytes(), None)
    return x509.load_pem_x509_certificate(lab.authority.root.read_bytes()), key


def test_a_renewed_certificate_that_nginx_does_not_serve(site, run, certificate, root):
    certificate(fake_site.certificate(site.name, root), serve=False)
    assert red(run()) == {"certificate-served"}


def test_a_certificate_of_an_unknown_authority(site, run, certificate):
    certificate(fake_site.certificate(site.name, fake_site.certificate("Nobody")), serve=True)
    assert red(run()) == {"certificate-trust"}


def test_a_certificate_for_another_name(run, certificate, root):
    certificate(fake_site.certificate("other.example.test", root), serve=True)
    assert red(run()) == {"certificate-trust"}


def test_a_certificate_that_was_not_renewed(site, run, certificate, root):
    certificate(fake_site.certificate(site.name, root, days=90, age=85), serve=True)
    found = run()
    assert red(found) == {"certificate-days"}
    assert "4 days left" in found["certificate-days"]["sentence"]


def test_a_round_trip_leaves_nothing_whether_it_succeeds_or_fails(site, run):
    site.set(verify={"round_trip": True})
    broken, mended = edit(SITE, "$a location = /api/v4/posts { return 403; }")
    assert run()["round-trip"]["level"] == "ok"
    try:
        site.ssh(broken)
        found = run()
    finally:
        site.ssh(mended)
    assert red(found) == {"round-trip"}
    assert "The server refused the test message: status 403" in found["round-trip"]["sentence"]
    tables = "SELECT count(*) FROM bots UNION ALL SELECT count(*) FROM teams UNION ALL SELECT count(*) FROM fileinfo"
    assert site.ssh(f'cd /; runuser -u postgres -- psql -XAt -d mattermost -c "{tables}"').split() == ["0", "0", "0"]
    assert site.ssh("find /run/mattermost-verify -type f").split() == ["/run/mattermost-verify/lock"]
    assert site.ssh("find /var/opt/mattermost/data -name round-trip.bin") == ""


def test_a_name_that_does_not_resolve(site, run):
    site.set(verify={"address": ""}, name="no.such.invalid")
    assert red(run()) == {"public-name"}


def test_a_dry_run_fails_nothing_but_says_it(site, run):
    site.ssh("systemctl stop certbot.timer")
    try:
        done = site.orchestrate("mattermost.verify", "test=True")
    finally:
        site.ssh("systemctl start certbot.timer")
    assert done.rc == 0
    stage = done.stages["site-is-verified"]
    assert stage["result"] is None
    assert "certbot.timer is inactive" in stage["comment"]


def test_a_host_that_was_never_deployed(bare):
    done = bare.orchestrate("mattermost.verify", "test=True")
    assert done.rc == 0
    assert done.stages["site-is-verified"]["result"] is None
    assert "nothing is deployed on this host" in done.comments
    wet = bare.orchestrate("mattermost.verify")
    assert wet.rc == 1
    assert "No site is deployed on this host" in wet.comments


def test_a_failure_is_a_sentence_with_host_check_and_way_out(site):
    site.ssh("systemctl stop certbot.timer")
    try:
        done = site.orchestrate("mattermost.verify")
    finally:
        site.ssh("systemctl start certbot.timer")
    first = done.stages["site-is-verified"]["comment"].splitlines()[0]
    assert first.startswith(f"Verification failed on {site.name}: renewal: certbot.timer is inactive")
    assert "To do: run on the host: systemctl enable --now certbot.timer" in first
