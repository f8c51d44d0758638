"""The status of a deployed host: right when all is well, and each thing that needs somebody turns it on, and nothing else."""

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.lab.shell import wait_until
from tests.scenarios.statuses import STATE, attention, status_of, with_backup
from tests.unit import fake_site

WORK = "/var/lib/mattermost-deploy"


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    with with_backup(lab, releases, deployed_snapshot, "status") as deployment:
        yield deployment


@pytest.fixture
def site(host):
    """The same host; settings are put back afterwards."""
    with host.settings_put_back():
        yield host


# what a look could change: files of the deploy's and the server's own folders, and the services' starts
PRINT = (
    f"find /etc/mattermost /etc/nginx /etc/letsencrypt /etc/systemd /opt/mattermost {WORK} /usr/local /var/opt/mattermost/config "
    "-printf '%p %T@ %m %u %s\\n' | sort; systemctl show -p Id,MainPID,NRestarts mattermost nginx; ls /etc/cron* /tmp"
)


def test_a_healthy_host_is_well_and_nothing_on_it_changes(host, releases):
    before = host.ssh(PRINT)
    run, made = status_of(host)
    assert run.rc == 0, run
    assert host.ssh(PRINT) == before
    assert made["attention"] == []
    server = made["mattermost"]
    assert (server["running"], server["set"], server["installed"]) == (releases[0].version,) * 3
    assert (server["edition"], server["health"], server["state"]) == ("team", "OK", "active")
    assert server["build"]["number"] == f"{releases[0].version}-stand-in"
    assert made["postgresql"]["version"].startswith("15.")
    assert made["postgresql"]["schema"] > 0
    assert made["nginx"]["state"] == "active"
    certificate = made["certificate"]
    assert certificate["served"]
    assert certificate["kind"] == "other CA"
    assert 80 < certificate["days_left"] <= 90
    assert made["backup"]["result"] == "done"
    assert made["backup"]["age_hours"] == 0
    assert made["users"] == {"active": 1, "limit": 250}
    assert made["drift"] == {"looked": True, "drifted": False, "states": [], "reason": ""}
    assert made["newer"]["newest"] is not None
    assert set(made["disks"]) == {"data", "database", "backups"}
    assert f"{host.name} ({host.host.address})" in run.stages[STATE]["comment"]


def test_a_dry_run_looks_too_and_fails_nothing(site):
    site.set(status={"disk_full": 1})
    run, made = status_of(site, "test=True", drift=False)
    assert run.rc == 0, run
    assert attention(made) == {"disk"}


def edited(path, line):
    return f"cp -p {path} /root/kept; echo '{line}' >>{path}", f"cp -p /root/kept {path}"


ALARMS = {
    "server stopped": (
        ("systemctl stop mattermost", "systemctl start mattermost"), {"services", "listeners", "health"}),
    "postgresql stopped": (
        ("systemctl stop postgresql@15-main", "systemctl start postgresql@15-main"), {"services", "postgresql", "health"}),
    "an old backup": (
        (f"cp {WORK}/backup/last-good /root/kept; sed -i 's/^epoch=.*/epoch=1000000000/' {WORK}/backup/last-good; "
         "touch -h -d '-9 days' /etc/systemd/system/timers.target.wants/mattermost-backup.timer",
         f"mv /root/kept {WORK}/backup/last-good; touch -h /etc/systemd/system/timers.target.wants/mattermost-backup.timer"),
        {"backup-age"}),
}  # fmt: skip


@pytest.mark.parametrize("alarm", ALARMS)
def test_one_fault_needs_somebody_and_the_rest_is_still_told(site, alarm):
    (broken, mended), expected = ALARMS[alarm]
    site.ssh(broken)
    try:
        run, made = status_of(site, drift=alarm != "an old backup")
    finally:
        site.ssh(mended)
        site.wait_until_healthy()
    assert attention(made) == expected
    assert all(one["todo"] for one in made["attention"])
    assert made["nginx"]["version"]
    assert made["certificate"]["served"]
    said = run.stages[STATE]["comment"]
    assert made["disks"]["database"]["size"] > 0
    if alarm == "server stopped":
        assert made["drift"]["reason"] == "the server is down."
        assert made["mattermost"]["running"] is None
        assert made["users"]["active"] == 1
        assert "does not answer (inactive)" in said
    if alarm == "postgresql stopped":
        assert made["drift"]["reason"] == "PostgreSQL is down."
        assert made["postgresql"]["version"] is None
        assert made["users"]["active"] is None
        assert made["mattermost"]["running"]


def test_an_edited_file_of_nginx_is_drift_and_named(site):
    broken, mended = edited("/etc/nginx/conf.d/mattermost-base.conf", "# by hand")
    site.ssh(broken)
    try:
        run, made = status_of(site)
    finally:
        site.ssh(mended)
    assert attention(made) == {"drift"}
    (state,) = made["drift"]["states"]
    assert state["stage"] == "nginx-base"
    assert state["state"] in run.stages[STATE]["comment"]


def test_a_run_at_work_on_the_host_leaves_drift_unknown(site):
    lock = "/run/mattermost-deploy/lock"
    site.ssh(
        f"mkdir -p -m 700 /run/mattermost-deploy; systemd-run -q --unit=holder flock {lock} sleep 300; for i in $(seq 500); do flock -n {lock} true || exit 0; sleep 0.1; done; exit 1"
    )
    try:
        _, made = status_of(site)
    finally:
        site.ssh("systemctl stop holder")
    assert made["drift"]["drifted"] is None
    assert "another run is in progress" in made["drift"]["reason"]


def test_a_host_out_of_reach_is_told_beside_the_others(site):
    site.set(hosts=[site.name, "gone.example.test"])
    entries = {site.name: site.entry, "gone.example.test": {**site.entry, "port": 2}}
    (site.directory / "roster").write_text(yaml.safe_dump(entries))
    run = site.orchestrate("mattermost.status", 'pillar={"status": {"drift": false}}')
    made = run.stages[STATE]["status"]
    assert made[site.name]["well"]
    assert not made["gone.example.test"]["reached"]
    assert attention(made["gone.example.test"]) == {"reachable"}
    assert run.rc != 0


def test_an_unknown_option_is_refused(site):
    run = site.orchestrate("mattermost.status", 'pillar={"status": {"drifts": false}}')
    assert (run.rc, run.out) == (1, "")
    assert run.err.strip() == "status:drifts is not a known key. Only status:drift is allowed."


def aged(site, lab, days_left):
    """Put a certificate of the lab's own root in place that has *days_left* of its 90 days; nginx serves it."""
    key = serialization.load_pem_private_key((lab.directory / "ca/authority.key").read_bytes(), None)
    root = x509.load_pem_x509_certificate(lab.authority.root.read_bytes()), key
    leaf = fake_site.certificate(site.name, root, days=90, age=90 - days_left)
    secret = leaf[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    live = f"/etc/letsencrypt/live/{site.name}"
    site.ssh("rm -rf /root/letsencrypt; cp -a /etc/letsencrypt /root/letsencrypt")
    for name, text in (
        ("fullchain", fake_site.pem(leaf[0])),
        ("cert", fake_site.pem(leaf[0])),
        ("privkey", secret.decode()),
    ):
        site.ssh(f"cat >$(readlink -f {live}/{name}.pem) <<'PEM'\n{text}PEM")
    site.ssh("systemctl reload nginx && sleep 0.3")
    return "rm -r /etc/letsencrypt && mv /root/letsencrypt /etc/letsencrypt && systemctl reload nginx"


def test_a_renewal_that_fails_is_told_by_the_host_itself_and_by_the_status(site, lab):
    """The last test of this host: settings of its own stay on it."""
    site.set(
        mail={"server": "mail.lab.test", "port": 25, "security": "plain"}, notify={"mail": "certificates@example.test"}
    )
    run = site.apply("letsencrypt")
    assert run.rc == 0, run
    site.ssh("systemctl start mattermost-certificate.service")  # all is well: nobody is told
    sent = len(lab.mailbox.messages())
    mended = aged(site, lab, days_left=26)
    challenge, renewal = "/etc/nginx/mattermost/challenge.conf", f"/etc/letsencrypt/renewal/{site.name}.conf"
    site.ssh(
        f"cp {challenge} /root/challenge; sed -i 's#root .*#root /nonexistent;#' {challenge}; systemctl reload nginx"
    )
    site.ssh(
        f"cp {renewal} /root/renewal; sed -i 's/^renew_before_expiry.*/renew_before_expiry = 3000 days/' {renewal}"
    )
    try:
        site.ssh("! systemctl start certbot.service", timeout=120)
        site.ssh("! systemctl start mattermost-certificate.service")
        messages = wait_until(lambda: lab.mailbox.messages()[sent:], "A mail", timeout=60)
        run, made = status_of(site, drift=False)
    finally:
        site.ssh(f"cp /root/challenge {challenge}; {mended}")
    (message,) = messages
    assert message["To"] == "certificates@example.test"
    assert "25 days left" in message.get_content()
    assert "unauthorized" in message.get_content().replace("=\n", "")
    assert attention(made) == {"certificate-days"}
    assert "The last renewal failed: unauthorized: " in made["attention"][0]["sentence"]
    assert made["certificate"]["renewal"]["attempt"] == "failed"
    # whether the distribution has security updates for the host is not ours to say
    warnings = {one["check"] for one in made["findings"] if one["level"] == "warning"}
    assert warnings - {"security-packages"} == {"renewal"}
