"""What verify sees on the host: breaking exactly one thing turns exactly that check red."""

import copy
from types import SimpleNamespace

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller.findings import ok, refusal, skipped
from mattermost_controller.verify import checks, host
from mattermost_controller.verify.http import Answer, Handshake

from tests import states
from tests.unit.verify_facts import FACTS, GRAINS

CHECKS = (
    host.installed,
    host.listeners,
    host.services,
    host.renewal,
    host.certificate_watch,
    host.backup_age,
    host.postgresql,
    host.private_files,
)
DATA = mattermost_settings_data.load(["salt"])


def settings(pillar=None):
    made = core.merge(DATA, {"email": "a@example.test", **(pillar or {})}, {}, GRAINS, "chat.example.test")
    made["nginx"]["body_limit"] = 1000
    return made


def findings_of(change=None, pillar=None):
    """Return the findings by check, after *change* was applied to a healthy host's facts."""
    facts = copy.deepcopy(FACTS)
    if change:
        change(facts)
    found = [check(settings(pillar), facts) for check in CHECKS]
    return {one.check: one for one in found}


def red(found):
    return [name for name, one in found.items() if one.level == "refusal"]


def unit(name, **properties):
    return lambda facts: facts["units"].setdefault(name, {}).update(properties)


def listener(address, port):
    return lambda facts: facts["listeners"].append({"address": address, "port": port, "program": "ncat", "exe": ""})


def mode(path, **found):
    return lambda facts: facts["modes"][path].update(found)


def backup(**hours):
    """Make the moments of a backup that many hours old."""
    return lambda facts: facts["backup"].update({key: facts["time"] - age * 3600 for key, age in hours.items()})


def test_a_fresh_host_need_not_have_a_backup_yet():
    found = findings_of(lambda facts: facts["backup"].update(good=0, since=facts["time"] - 3600))
    assert red(found) == []
    assert "not due yet" in found["backup-age"].sentence


def test_where_no_package_makes_backups_that_is_a_warning():
    without_timer = unit("mattermost-backup.timer", ActiveState="inactive", UnitFileState="disabled")
    found = findings_of(without_timer, {"platform": {"backup": {"by_clock": False}}})
    assert found["backup-age"].level == "warning"
    assert "no restic package" in found["backup-age"].sentence
    assert "by_clock: True" in found["backup-age"].fix


def test_a_healthy_host_passes():
    assert red(findings_of()) == []


@pytest.mark.parametrize(
    ("check", "words", "change"),
    [
        ("installed", "current points to 11.7.9. Expected: 11.7.10", lambda facts: facts.update(current="11.7.9")),
        ("backup-age", "last good backup is 30 h old; backup:max_age is 30 h", backup(good=30)),
        ("backup-age", "has a date in the future", backup(good=-2)),
        ("backup-age", "No backup was made in 40 h", lambda facts: (backup(since=40)(facts), facts["backup"].update(good=0))),
        ("backup-age", "The last attempt failed: No room.", lambda facts: (backup(good=50)(facts), facts["backup"].update(failed="No room."))),
        ("backup-age", "mattermost-backup.timer is inactive", unit("mattermost-backup.timer", ActiveState="inactive")),
        ("backup-age", "not there, not enabled", lambda facts: facts["units"].pop("mattermost-backup.timer")),
        ("listeners", "ncat on 0.0.0.0:8065", listener("0.0.0.0", 8065)),
        ("listeners", "ncat on 192.0.2.7:5432", listener("192.0.2.7", 5432)),
        ("listeners", "ncat on :::8065", listener("::", 8065)),
        ("listeners", "No program listens on port 8065", lambda facts: facts["listeners"].pop(1)),
        ("services", "mattermost is inactive", unit("mattermost.service", ActiveState="inactive")),
        ("services", "nginx is failed", unit("nginx.service", ActiveState="failed")),
        ("services", "nginx is not enabled at boot", unit("nginx.service", UnitFileState="disabled")),
        ("services", "postgresql@15-main is not there", lambda facts: facts["units"].pop("postgresql@15-main.service")),
        ("services", "postgresql is not enabled", unit("postgresql.service", UnitFileState="disabled")),
        ("services", "firewalld is inactive", unit("firewalld.service", ActiveState="inactive")),
        ("renewal", "certbot.timer is inactive", unit("certbot.timer", ActiveState="inactive")),
        ("renewal", "certbot.timer is active, disabled", unit("certbot.timer", UnitFileState="disabled")),
        ("renewal", "certbot.timer is not there", lambda facts: facts["units"].pop("certbot.timer")),
        ("certificate-watch", "mattermost-certificate.timer is inactive", unit("mattermost-certificate.timer", ActiveState="inactive")),
        ("certificate-watch", "not there, not enabled", lambda facts: facts["units"].pop("mattermost-certificate.timer")),
        ("renewal", "no time for its next run", unit("certbot.timer", NextElapseUSecRealtime="")),
        ("postgresql", "PostgreSQL does not answer", lambda facts: facts.update(postgresql={})),
        ("postgresql", "PostgreSQL 13.9 runs, but Mattermost needs PostgreSQL 14 or newer", lambda facts: facts.update(postgresql={5432: "13.9"})),
        ("private-files", "environment belongs to root and has mode 0644", mode("/etc/mattermost/environment", mode=0o644)),
        ("private-files", "config.json belongs to root", mode("/var/opt/mattermost/config/config.json", user="root")),
        ("private-files", "bin/mattermost belongs to mattermost", mode("/opt/mattermost/current/bin/mattermost", user="mattermost")),
        ("private-files", "mode 0775", mode("/opt/mattermost/current/bin/mattermost", mode=0o775)),
    ],
)  # fmt: skip
def test_one_fault_turns_one_check_red(check, words, change):
    pillar = {"release": {"version": "11.7.10"}}
    found = findings_of(change, pillar)
    assert red(found) == [check]
    assert words in found[check].sentence
    assert found[check].fix


def test_a_version_that_was_gone_back_to_on_purpose_is_told_how_to_stay():
    pillar = {"release": {"version": "11.7.10"}}
    older = findings_of(lambda facts: facts.update(current="11.7.9"), pillar)["installed"].fix
    assert "if you went back to 11.7.9, set mattermost:release:version to 11.7.9" in older
    newer = findings_of(lambda facts: facts.update(current="11.8.0"), pillar)["installed"].fix
    assert "went back" not in newer


def test_a_renewal_that_failed_once_is_a_warning_with_the_authoritys_reason():
    found = findings_of(lambda facts: facts.update(renewal={"attempt": "failed", "reason": "dns: no such name"}))
    assert red(found) == []
    assert found["renewal"].level == "warning"
    assert "dns: no such name." in found["renewal"].sentence


def test_a_firewall_that_is_left_alone_is_not_asked_for():
    assert red(findings_of(unit("firewalld.service", ActiveState="inactive"), {"firewall": {"manage": False}})) == []


def observed_site(**changed):
    page = {"content-type": "text/html", "x-version-id": "11.7.10.11.7.10.abc.false"}
    client = b'{"Version": "11.7.10", "BuildEnterpriseReady": "false", "NoAccounts": "false", "SiteURL": "http://chat.example.test"}'
    health = b'{"status": "OK", "database_status": "OK", "filestore_status": "OK"}'
    return {
        "resolved": ["192.0.2.7"],
        "scheme": "http",
        "control": "open",
        "control_http": "open",
        "port_8065": "refused",
        "page": Answer(200, page, b""),
        "ping": Answer(200, page, health),
        "client": Answer(200, page, client),
        "websocket": Answer(101, {}, b""),
        "foreign": Answer(403, {}, b""),
        "upload_at": Answer(100, {}, b""),
        "upload_over": Answer(413, {}, b""),
        "challenge": Answer(404, {}, b""),
        "tls": Handshake("", b"", "connection refused"),
        "old_tls": "refused",
        "redirect": Answer(301, {}, b""),
        "additional": {},
        **changed,
    }


def test_a_plain_site_is_not_asked_for_tls():
    found = {one.check: one for one in checks.run(settings(), copy.deepcopy(FACTS), observed_site(), "non-ssl")}
    assert red(found) == []
    assert not {"certificate-trust", "redirect", "hsts", "renewal"} & set(found)


def test_a_name_that_does_not_resolve_is_one_fault():
    found = {
        one.check: one for one in checks.run(settings(), copy.deepcopy(FACTS), observed_site(resolved=[]), "non-ssl")
    }
    assert red(found) == ["public-name"]
    assert found["page"].level == "skipped"


def test_every_check_keeps_its_name_when_it_is_skipped():
    """A skipped check must be known by the name that it has when it is made."""
    for check in (*checks._TLS, *checks._ALWAYS):
        made = check(settings(), observed_site(), FACTS | {"certificates": {"/a": "no certificate"}})
        assert made.check == checks._name(check)


def test_without_a_websocket_its_origin_is_not_judged():
    broken = observed_site(websocket=Answer(400, {}, b""), foreign=Answer(400, {}, b""))
    found = {one.check: one for one in checks.run(settings(), copy.deepcopy(FACTS), broken, "non-ssl")}
    assert red(found) == ["websocket"]


def test_what_was_not_looked_at_does_not_pass_alone():
    assert [one.level for one in checks._fail_skipped([ok("page", "There."), skipped("version", "Not checked.")])] == [
        "ok",
        "refusal",
    ]
    levels = [one.level for one in checks._fail_skipped([refusal("page", "Gone."), skipped("version", "Not checked.")])]
    assert levels == ["refusal", "skipped"]


def test_a_failure_is_told_first_with_host_check_and_way_out():
    said = checks.report({"chat": [ok("page", "There."), refusal("health", "Ill.", "see the log.")]}, ["chat"], False)
    assert said["result"] is False
    first = said["comment"].splitlines()[0]
    assert first == "Verification failed on chat: health: Ill. To do: see the log."


def test_a_dry_run_fails_nothing():
    said = checks.report({"chat": [refusal("health", "Ill.")]}, ["chat"], True)
    assert said["result"] is None
    assert said["comment"].startswith("A real run verifies chat at its end.")


def test_a_pass_says_so():
    said = checks.report({"chat": [ok("page", "There.")]}, ["chat"], False)
    assert said == {"result": True, "comment": "Verified: 1 checks on chat.\nok  chat  page  There."}


class Odd:
    """A host whose settings cannot be had for what it turns out to be."""

    id, address, user = "odd", "192.0.2.8", "root"

    def settings(self, grains):
        raise core.SettingsError(["Debian 99 is not supported. Supported: Debian 12."])


@pytest.mark.parametrize(("name", "function"), [("verify", "passed"), ("removal", "confirmed")])
def test_a_host_without_settings_is_a_finding(monkeypatch, name, function):
    shell = states.load_state(f"mattermost_{name}")
    inspected = SimpleNamespace(fault=None, facts={"grains": {}, "site": "ssl", "lock": "", "current": "11.7.3"})
    shell.__context__, shell.__pillar__, shell.__low__ = {}, {}, {"__sls__": "x"}
    shell.__opts__ |= {"root_dir": ".", "file_roots": {"base": ["salt"]}}
    monkeypatch.setattr(shell.roster, "targets", lambda *_: [Odd()])
    for place, one, answer in (
        (shell.collect, "log_in", {}),
        (shell.collect, "early_settings", ({"odd": {"name": "odd"}}, {})),
        (shell.collect, "from_hosts", {"odd": inspected}),
    ):
        monkeypatch.setattr(place, one, lambda *_, answer=answer: answer)
    if name == "verify":
        monkeypatch.setattr(shell.observe, "hosts_and_sites", lambda *_: ({"odd": inspected}, {"odd": {}}))
    else:
        monkeypatch.setattr(shell.checkout_lock, "acquire", lambda *_: None)
        monkeypatch.setattr(shell.probe, "script", lambda *_: "")
    ret = getattr(shell, function)("x")
    assert ret["result"] is False
    assert "Debian 99 is not supported" in ret["comment"]
