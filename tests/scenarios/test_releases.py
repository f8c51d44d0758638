"""A deployed host and its controller learn of releases from a source of the lab; each thing that needs somebody is planted alone."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.lab import release_source, signer
from tests.lab.release_source import Release, advisory, day
from tests.lab.shell import wait_until
from tests.scenarios.deployment import Deployment
from tests.scenarios.statuses import attention, status_of, with_backup
from tests.soak import only_some

NEWER = "99.0.0"
CACHE = "/var/lib/mattermost-deploy/releases"


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    with with_backup(lab, releases, deployed_snapshot, "releases") as deployment:
        yield deployment


@pytest.fixture
def serve(host, lab, releases):
    """Have the lab's source list *more* beside the installed release, for a controller and a host that remember nothing."""
    version = releases[0].version
    line = version.rpartition(".")[0]

    def change(*more, end=200, advisories=()):
        listed = [*more, Release(version, day(-5))]
        ends = {**{one.line: day(200) for one in listed}, line: day(end)}
        known = [advisory(1, "Low", "10.0.1", day(-40)), *advisories]
        release_source.serve(lab, listed, ends, known)
        for folder in (host.directory / "salt").rglob("mattermost-releases"):
            for path in folder.rglob("*.state"):
                path.unlink()

    yield change
    release_source.serve(lab)
    lab.mirror.heal()


def patch_of(version, number):
    return f"{version.rpartition('.')[0]}.{number}"


def check(host):
    """Let the host look as its timer does; return systemd's result and the host's report."""
    host.ssh("systemctl start mattermost-releases.service || true")
    result = host.ssh("systemctl show -p Result --value mattermost-releases.service").strip()
    report = dict(line.split("=", 1) for line in host.ssh("mattermost-releases status").splitlines())
    return result, report


def test_the_newest_patch_is_well_for_controller_and_host(host, serve, releases):
    serve(Release(NEWER, day(-2)))
    _, made = status_of(host, drift=False)
    assert made["attention"] == []
    assert made["releases"]["live"]
    assert made["releases"]["newest"] == releases[0].version
    result, report = check(host)
    assert (result, report["result"]) == ("success", "done"), report
    assert report["release-sources"] == "ok: The release sources answer."
    assert report["newest_line"] == "99.0"


def test_a_missing_security_patch_is_attention_and_the_host_notifies(host, serve, releases, lab):
    newer = patch_of(releases[0].version, 200)
    serve(Release(newer, day(-1), "Medium to High"))
    run, made = status_of(host, drift=False)
    assert run.rc != 0
    assert attention(made) == {"security-patch"}
    assert made["releases"]["security"] == "High"
    host.ssh(
        "printf 'cat >/root/told\\n' >/root/sendmail; cp -p /usr/local/sbin/mattermost-tell /root/; printf '#!/bin/sh\\ncat >/root/told\\n' >/usr/local/sbin/mattermost-tell"
    )
    try:
        result, report = check(host)
        assert result == "exit-code"
        assert newer in report["what"]
        wait_until(lambda: newer in host.ssh("cat /root/told 2>/dev/null || true"), "The message", timeout=30)
    finally:
        host.ssh("cp -p /root/mattermost-tell /usr/local/sbin/mattermost-tell; systemctl reset-failed")


def test_the_preflight_says_it_and_goes_on(host, serve, releases):
    newer = patch_of(releases[0].version, 200)
    serve(Release(newer, day(-1), "Medium to High"))
    run = host.orchestrate("mattermost.preflight")
    assert run.rc == 0, run
    assert f"Mattermost {newer} of {day(-1)} is the newest patch" in run.comments


def test_a_value_of_the_hosts_own_configuration_is_named_before_an_upgrade(host):
    path = "/var/opt/mattermost/config/config.json"
    with host.settings_put_back():
        host.set(release={"version": "12.0.2", "sha256": "1" * 64})
        host.ssh(
            f'cp -p {path} /root/; sed -i \'s/"TLSMinVer": "1.2"/"TLSMinVer": "1"/\' {path}; grep -q \'"TLSMinVer": "1"\' {path}'
        )
        try:
            run = host.orchestrate("mattermost.preflight")
        finally:
            host.ssh(f"cp -p /root/config.json {path}")
    assert run.rc != 0
    assert f"ServiceSettings.TLSMinVer in {path} is not 1.0, 1.1, 1.2 or 1.3" in run.comments
    assert "could not be read" not in run.comments


def test_a_line_past_its_end_is_attention(host, serve):
    serve(Release(NEWER, day(-2)), end=-1)
    _, made = status_of(host, drift=False)
    assert attention(made) == {"support-end"}
    assert check(host)[1]["support-end"].startswith("refusal")


def test_a_fresh_host_gets_the_newest_listed_patch_by_its_signature_and_by_no_other(lab, releases, tmp_path):
    """Nobody names a version and no table has its sum: two sources list it, and a key that is pinned has signed it."""
    if not shutil.which("gpg"):
        pytest.skip("NO GPG: install gnupg.")
    newest = releases[0]
    line = newest.version.rpartition(".")[0]
    site = lab.directory / "sites" / lab.instance.gateway
    release_source.serve(lab)
    vendor, other = signer.Signer(tmp_path, "vendor"), signer.Signer(tmp_path, "other")
    vendor.key(site / "key")
    where = f"https://{lab.instance.gateway}"
    named = {
        "source": newest.url.replace(newest.version, "{version}"),
        "signature": f"{where}/archive.sig",
        "key": f"{where}/key",
    }
    with lab.passing("signed") as name:
        deployment = Deployment(lab, lab.host(name), None)
        deployment.set(release={"version": line, "key_fingerprint": vendor.fingerprint, **named})
        other.sign(newest.path, site / "archive.sig")
        run = deployment.orchestrate()
        assert run.rc != 0
        assert "another key signed the archive" in run.comments
        assert deployment.ssh("ls /opt/mattermost").strip() == ""
        vendor.sign(newest.path, site / "archive.sig")
        run = deployment.orchestrate()
        assert run.rc == 0, run
        assert deployment.ssh("readlink /opt/mattermost/current").strip().endswith(newest.version)
        assert deployment.orchestrate().changes == {}


FAULTS = {
    "gone": ("status", 404, "answers with the HTTP status 404"),
    "busy": ("status", 503, "answers with the HTTP status 503"),
    "moved": ("status", 301, "redirects to"),
    "cut": ("short", 40, "cannot be reached"),
    "garbage": ("wrong", None, "returned no list of releases"),
}


@pytest.mark.parametrize(("kind", "value", "words"), only_some("checks", FAULTS.values(), FAULTS["gone"]), ids=FAULTS)
def test_sources_that_fail_are_said_and_nothing_is_called_the_newest(host, serve, lab, kind, value, words):
    serve()
    host.ssh(f"rm -rf {CACHE}")
    for name in release_source.FILES.values():
        lab.mirror.fault(kind, value, path=f"/{name}")
    for folder in (host.directory / "salt").rglob("mattermost-releases"):
        for path in [
            *folder.rglob("page*"),
            *folder.rglob("list*"),
            *folder.rglob("advisories*"),
            *folder.rglob("support*"),
        ]:
            path.unlink()
    run, made = status_of(host, drift=False)
    assert not made["releases"]["live"]
    (said,) = [one for one in made["findings"] if one["check"] == "release-sources"]
    assert words in said["sentence"]
    assert "the newest patch of" not in json.dumps(made["findings"])
    assert words in check(host)[1]["release-sources"]


def other_end(lab, releases):
    ends = {one.line: day(200) for one in releases}
    site = lab.directory / "sites" / lab.instance.gateway
    (site / release_source.FILES["support"]).write_text(
        release_source.support(releases, {**ends, releases[0].line: day(-1)})
    )


def one_more_in_the_list(lab, releases):
    more = Release(patch_of(releases[0].version, 200), day(-1), "Critical")
    site = lab.directory / "sites" / lab.instance.gateway
    (site / release_source.FILES["list"]).write_text(release_source.listed([more, *releases]))


# what is planted -> the check that says so, and its words
LIES = {
    "another-end": (other_end, "support-end", "The sources disagree"),
    "a-patch-of-one-source": (one_more_in_the_list, "security-patch", "(list)"),
    "withdrawn": (lambda lab, releases: release_source.serve(lab, [Release(patch_of(releases[0].version, 1), day(-5))], {releases[0].line: day(200)}), "security-patch", "may have been withdrawn"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("plant", "check_name", "words"), only_some("checks", LIES.values(), LIES["a-patch-of-one-source"]), ids=LIES
)
def test_a_source_that_lies_is_said_by_the_host(host, serve, lab, releases, plant, check_name, words):
    serve()
    plant(lab, [Release(releases[0].version, day(-5))])
    host.ssh(f"rm -rf {CACHE}; systemctl reset-failed mattermost-releases.service || true")  # it is started often here
    _, report = check(host)
    assert words in report[check_name], report


class Patching:
    """The deployed host with unattended patches on, and a newer patch of its line in the lab's source, made and signed here."""

    def __init__(self, host, lab, releases, folder):
        self.host, self.lab, self.old = host, lab, releases[0].version
        self.new = patch_of(self.old, 101)
        self.site = lab.directory / "sites" / lab.instance.gateway
        build = [sys.executable, "tests/lab/standin/build.py", self.new, "--output", self.site]
        subprocess.run(build, check=True, stdout=sys.stderr)
        self.vendor, self.other = signer.Signer(folder, "vendor"), signer.Signer(folder, "other")
        self.vendor.key(self.site / "key")
        where = f"https://{lab.instance.gateway}"
        host.set(
            release={
                "unattended": "patches",
                "source": f"{where}/mattermost-team-{{version}}-linux-{{arch}}.tar.gz",
                "signature": f"{where}/{{version}}.sig",
                "key": f"{where}/key",
                "key_fingerprint": self.vendor.fingerprint,
            }
        )
        run = host.apply("releases")
        assert run.rc == 0, run

    def signed_by(self, one):
        one.sign(self.site / f"mattermost-team-{self.new}-linux-amd64.tar.gz", self.site / f"{self.new}.sig")

    def window(self):
        """Let a window begin, as the timer does; return systemd's result, the report and the version that serves."""
        self.host.ssh(f"rm -rf {CACHE}; systemctl start mattermost-patches.service || true", timeout=120)
        result = self.host.ssh("systemctl show -p Result --value mattermost-patches.service").strip()
        report = dict(line.split("=", 1) for line in self.host.ssh("mattermost-patches status").splitlines())
        return result, report, self.host.ssh("readlink /opt/mattermost/current").strip()


@pytest.fixture(scope="module")
def patching(host, lab, releases, tmp_path_factory):
    if not shutil.which("gpg"):
        pytest.skip("NO GPG: install gnupg.")
    return Patching(host, lab, releases, tmp_path_factory.mktemp("keys"))


def test_a_patch_that_is_not_proved_and_another_line_are_not_installed(patching, serve):
    host, before = patching.host, patching.host.ssh("systemctl show -p MainPID mattermost")
    assert "mattermost-patches.timer" in host.ssh("systemctl list-timers --no-legend mattermost-patches.timer")
    serve(Release(NEWER, day(-2)))
    result, report, current = patching.window()
    assert (result, report["result"], current) == ("success", "done", patching.old), report
    serve(Release(NEWER, day(-2)), Release(patching.new, day(-1), "High"))
    patching.signed_by(patching.other)
    result, report, current = patching.window()
    assert (result, report["result"], current) == ("exit-code", "failed", patching.old), report
    assert "another key signed the archive" in report["reason"]
    assert host.ssh(f"ls -d /opt/mattermost/{patching.new} 2>/dev/null || true") == ""
    assert host.ssh("systemctl show -p MainPID mattermost") == before
    assert "unattended-patches" in attention(status_of(host, drift=False)[1])


def test_systemd_begins_the_window_and_the_daily_look_at_the_set_time(patching, serve):
    """The window begins when the settings say; the daily look's hour is put forward. Only the random delay of both is taken away."""
    host, units = patching.host, ("patches", "releases")
    serve(Release(NEWER, day(-2)))
    at = int(host.ssh("date +%s")) + 45
    soon = host.ssh(f"date -d @{at} '+%Y-%m-%d %H:%M:%S'").strip()
    dropin = "/run/systemd/system/mattermost-{}.timer.d"
    try:
        for name, more in zip(units, ("", f"OnCalendar=\\nOnCalendar={soon}\\n")):
            lines = f"[Timer]\\nRandomizedDelaySec=0\\nAccuracySec=1us\\n{more}"
            host.ssh(f"mkdir -p {dropin.format(name)}; printf '{lines}' >{dropin.format(name)}/soon.conf")
        host.set(release={"window": {"begins": soon}})
        run = host.apply("releases")
        assert run.rc == 0, run
        host.ssh("systemctl daemon-reload; systemctl restart mattermost-releases.timer")
        wait_until(lambda: int(host.ssh("date +%s")) > at, "The set time", timeout=60)
        for name in units:
            last = f"systemctl show -p LastTriggerUSec --value mattermost-{name}.timer"
            assert 0 <= int(host.ssh(f'date -d "$({last})" +%s')) - at <= 2, name
            began = f"systemctl show -p ExecMainStartTimestamp --value mattermost-{name}.service"
            assert int(host.ssh(f'date -d "$({began})" +%s')) >= at, name
    finally:
        host.set(release={"window": {"begins": "*-*-* 04:30:00"}})
        host.ssh(f"rm -rf {' '.join(map(dropin.format, units))}; systemctl daemon-reload")


def test_a_patch_that_does_not_start_stops_it_until_a_person_acts(patching, serve):
    """Then it is installed in the next window, the version in the settings is only the lowest patch, and nothing has drifted."""
    host = patching.host
    serve(Release(NEWER, day(-2)), Release(patching.new, day(-1), "High"))
    patching.signed_by(patching.vendor)
    host.ssh("mattermost-patches resume; echo STANDIN_FAULT_FAIL_START=1 >>/etc/mattermost/environment")
    result, report, current = patching.window()
    assert (result, report["result"], current) == ("exit-code", "failed", patching.old), report
    assert f"Mattermost {patching.new} was rolled back to {patching.old}" in report["reason"]
    host.ssh("mattermost-switch check")
    _, report, current = patching.window()
    assert (report["result"], current) == ("stopped", patching.old), report
    host.ssh("sed -i /^STANDIN_FAULT/d /etc/mattermost/environment; mattermost-patches resume; systemctl reset-failed")
    result, report, current = patching.window()
    assert (result, report["result"], current) == ("success", "done", patching.new), report
    run = host.orchestrate()
    assert run.rc == 0, run
    assert "newer than mattermost:release:version" in run.comments
    assert host.ssh("readlink /opt/mattermost/current").strip() == patching.new
    assert status_of(host)[1]["drift"]["drifted"] is False
