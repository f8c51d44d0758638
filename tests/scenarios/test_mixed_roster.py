"""A Debian host and an EL 7-shaped one without Python, in one roster and one orchestration; then faults on the latter."""

import contextlib
import hashlib

import pytest

from tests.lab import trial
from tests.lab.el import forge, shapes
from tests.probe import Probe, Target
from tests.scenarios import hosttier
from tests.scenarios.deployment import Deployment
from tests.scenarios.findings import findings_of, red

pytestmark = pytest.mark.soak("el")
DEBIAN, EL7 = "debian.example.test", "el7.example.test"


class Pair:
    """Two deployments driven by the first one's configuration: roster, pillar and pinned keys hold both hosts."""

    def __init__(self, *members):
        self.members = {member.name: member for member in members}
        self.first = members[0]
        self.write()

    def write(self):
        folder = self.first.directory
        every = self.members.items()
        trial.dump(folder / "roster", {name: member.entry for name, member in every})
        known = [member.host.known_hosts(name) for name, member in every]
        (folder / "known_hosts").write_text("".join(known))
        # which hosts a run takes is asked of the pillar without a host
        top = {"*": ["hosts"], **{name: [name.split(".")[0]] for name in self.members}}
        trial.dump(folder / "pillar/top.sls", {"base": top})
        trial.dump(folder / "pillar/hosts.sls", {"mattermost": {"hosts": list(self.members)}})
        for name, member in every:
            trial.dump(folder / "pillar" / f"{name.split('.')[0]}.sls", member.settings)

    def orchestrate(self, *arguments):
        return self.first.orchestrate("mattermost.ssl", *arguments)

    def main_pids(self):
        return {name: member.main_pids() for name, member in self.members.items()}


@pytest.fixture(scope="module")
def pair(lab, releases):
    with lab.passing("mixed-deb") as debian, lab.passing("mixed-el7") as el7:
        yield Pair(
            Deployment(lab, lab.host(debian, fresh=True), releases[0], DEBIAN),
            Deployment(lab, lab.host(el7, platform="el7", fresh=True), releases[0], EL7),
        )


def test_one_run_deploys_both_each_by_its_own_salt(pair):
    run = pair.orchestrate()
    assert run.rc == 0, run
    for name, member in pair.members.items():
        assert name in run.stages["verify"]["comment"], run
        assert '"status":"OK"' in member.curl("/api/v4/system/ping").replace(" ", "")
    debian, el7 = (member.ssh("ls -d /var/tmp/.root_*") for member in pair.members.values())
    assert "relenv" not in debian
    assert el7.split() == [path for path in el7.split() if path.endswith("_salt_relenv")]


def test_again_nothing_changes_and_no_request_is_lost(pair):
    before = pair.main_pids()
    with contextlib.ExitStack() as stack:
        probes = [
            stack.enter_context(Probe(Target(name, member.host.address, ca_file=str(member.lab.ca_file))))
            for name, member in pair.members.items()
        ]
        run = pair.orchestrate()
    assert run.rc == 0, run
    assert run.changes == {}
    assert pair.main_pids() == before
    for probe in probes:
        assert set(probe.report.answered) == {"new", "kept", "websocket", "upload"}, probe.report
        assert probe.report.lost == [], probe.report


def test_the_status_tells_of_both_in_one_go(pair):
    for member in pair.members.values():
        # the machine below is whose it is, and CentOS 7 is past its support
        member.settings["mattermost"]["status"] = {"disk_full": 100, "ignore": ["platform-support"]}
    pair.write()
    run = pair.first.orchestrate("mattermost.status")
    made = run.stages["hosts-are-healthy"]["status"]
    assert run.rc == 0, run
    assert {name: one["drift"]["drifted"] for name, one in made.items()} == dict.fromkeys(pair.members, False)
    assert {name: one["certificate"]["renewal"]["timer"] for name, one in made.items()} == dict.fromkeys(
        pair.members, "active"
    )


@pytest.fixture(scope="module")
def el7(pair):
    """The EL 7-shaped one alone, deployed, with a roster of its own."""
    member = pair.members[EL7]
    if not member.ssh("ls -d /opt/mattermost/current 2>/dev/null; true"):
        run = pair.orchestrate()
        assert run.rc == 0, run
    return member


@pytest.fixture
def fit(el7):
    """The same; its settings are put back afterwards."""
    with el7.settings_put_back():
        yield el7


def refusals(el7) -> dict:
    """Run preflight alone; return the refusals by check."""
    found = findings_of(el7, "mattermost.preflight")
    return {check: found[check]["sentence"] for check in red(found)}


def test_the_host_tier_holds(el7):
    hosttier.holds(el7)


def test_a_backup_is_made_by_restics_own_release(el7):
    assert el7.ssh("rpm -q restic; true").strip() == "package restic is not installed"
    run = el7.orchestrate("mattermost.backup")
    assert run.rc == 0, run
    assert "1 snapshots" in el7.ssh("mattermost-backup list")


def test_restic_can_come_from_a_file_in_the_checkout(fit, local):
    before = fit.ssh("sha256sum /usr/local/bin/restic; rm /usr/local/bin/restic")
    source = local("restic.bz2", (fit.lab.directory / "sites" / shapes.RESTIC).read_bytes())
    fit.settings["mattermost"]["platform"]["backup"]["program"]["source"] = source
    fit.write()
    run = fit.apply("backup", "--relenv")
    assert run.rc == 0, run
    assert list(run.changes) == ["backup-tool-is-there-without-a-package"]
    assert fit.ssh("sha256sum /usr/local/bin/restic") == before


def test_a_package_that_a_stranger_signed_stops_the_stage_and_the_site_goes_on(el7):
    el7.ssh("rpm -e certbot")
    with forge.signed_by_a_stranger(el7.lab, shapes.EPEL_7, "certbot"):
        el7.ssh("yum -q clean all")
        run = el7.orchestrate()
    assert run.rc == 1, run
    assert "Stage packages failed" in run.comments
    assert "certbot" in run.comments
    assert "GPG" in run.comments
    assert el7.ssh("rpm -q certbot; true").strip() == "package certbot is not installed"
    assert '"status":"OK"' in el7.curl("/api/v4/system/ping").replace(" ", "")


def test_what_went_missing_comes_back_and_a_dead_list_of_mirrors_is_switched_off(el7):
    el7.ssh("yum -q clean all; rpm -e --nodeps policycoreutils-python")
    metalink = "https://mirrors.fedoraproject.org/metalink?repo=epel-7&arch=$basearch"
    el7.ssh(f"printf '[epel]\\nname=EPEL\\nmetalink={metalink}\\n' >/etc/yum.repos.d/epel.repo")
    run = el7.orchestrate()
    assert run.rc == 0, run
    assert el7.ssh("rpm -q certbot policycoreutils-python | grep -c el7").strip() == "2"
    assert "enabled=0" in el7.ssh("cat /etc/yum.repos.d/epel.repo")
    assert el7.orchestrate().changes == {}


@pytest.mark.parametrize(
    ("broken", "mended", "check", "words"),
    [
        ("mv /usr/bin/xz /usr/bin/xz.away", "mv /usr/bin/xz.away /usr/bin/xz", "transport", "The host has no xz"),
        ("mv /usr/bin/tar /usr/bin/tar.away", "mv /usr/bin/tar.away /usr/bin/tar", "transport", "The host has no tar"),
        ("systemctl -q mask firewalld", "systemctl -q unmask firewalld", "firewall", "firewalld is masked"),
    ],
)
def test_what_salt_and_the_firewall_need_is_looked_for_first(el7, broken, mended, check, words):
    el7.ssh(broken)
    try:
        found = refusals(el7)
    finally:
        el7.ssh(mended)
    assert list(found) == [check]
    assert words in found[check]


def test_an_nginx_and_a_postgresql_of_others_are_seen(el7):
    """What marks the host as ours is put away: so would a stranger's installation look."""
    marks = "/etc/mattermost /var/lib/mattermost-deploy /opt/mattermost/current /etc/tmpfiles.d/mattermost-salt.conf /var/backups/mattermost"
    el7.ssh("systemctl start mattermost-backup")  # what it leaves there has a password that is put away
    el7.ssh(f"for path in {marks}; do mv $path $path.away; done; touch /etc/nginx/conf.d/shop.conf")
    el7.ssh("runuser -u postgres -- psql -qc 'create database shop'")
    try:
        found = refusals(el7)
    finally:
        el7.ssh(f"for path in {marks}; do mv $path.away $path; done; rm /etc/nginx/conf.d/shop.conf")
        el7.ssh("runuser -u postgres -- psql -qc 'drop database shop'")
    assert set(found) == {"existing-config", "existing-database", "nginx-in-use", "postgresql-in-use"}, found
    assert "/etc/nginx/conf.d/shop.conf" in found["nginx-in-use"]
    assert "1 other database" in found["postgresql-in-use"]
    assert refusals(el7) == {}


def test_a_damaged_archive_of_salt_is_refused_and_the_good_one_stays(fit, tmp_path):
    good = fit.settings["mattermost"]["relenv"]["source"]
    damaged = tmp_path / "salt.tar.xz"
    with open(good, "rb") as file:
        damaged.write_bytes(file.read(1 << 20))
    for source, words in (
        (damaged, "is damaged or contains no salt-call"),
        (tmp_path / "none", "cannot be read on the controller"),
    ):
        sum_of = hashlib.sha256(source.read_bytes()).hexdigest() if source.exists() else "0" * 64
        fit.set(relenv={"source": str(source), "sha256": sum_of})
        run = fit.orchestrate()
        assert run.rc == 1, run
        assert words in run.comments
    assert fit.ssh("ls /var/tmp/.root_*_salt_relenv/salt-call | wc -l").strip() == "1"


def test_the_tree_on_the_host_is_renewed_with_the_archive(fit, tmp_path):
    """Another archive than the one that the tree came from: what was left of the old one is gone."""
    note = "/var/tmp/.root_*_salt_relenv/mattermost-archive"
    sha256 = fit.ssh(f"cat {note}")
    fit.ssh(f"set -- {note}; echo of-another >$1; echo rubbish >${{1%/*}}/salt-call")
    run = fit.orchestrate()
    assert run.rc == 0, run
    assert run.changes == {}
    assert fit.ssh(f"cat {note}") == sha256
    assert "copying Salt with its own Python" in run.err + run.out
