"""The status of a host: what its answer means, what needs somebody, which newer release fits, and the screen."""

import copy
import subprocess

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller import findings
from mattermost_controller.hosts import probe
from mattermost_controller.releases.look import Look
from mattermost_controller.status import facts as status_facts
from mattermost_controller.status import report, text
from mattermost_controller.verify import site
from mattermost_controller.verify.http import Handshake

from tests.unit import fake_site
from tests.unit.verify_facts import FACTS, GRAINS

DATA = mattermost_settings_data.load(["salt"])
ANSWER = "\n".join(
    f"{key}\t{value}"
    for key, value in (
        ("time", "1000000000"),
        ("current", "/opt/mattermost/11.7.10"),
        ("end", "ok"),
        ("s.uptime", "90000.25"),
        ("s.nginx", "1.22.1"),
        ("s.service", "ActiveState=active"),
        ("s.service", "NRestarts=3"),
        ("s.service", "ActiveEnterTimestampMonotonic=80000000000"),
        ("s.client", '{"Version":"11.7.10","BuildNumber":"1","BuildDate":"d","BuildHash":"h","BuildEnterpriseReady":"false"}'),
        ("s.ping", '{"status":"OK"}'),
        ("s.database_bytes", "8248679"),
        ("s.aside_database", "1000 mattermost_before_11_8_0"),
        ("s.schema", "15 create_drafts"),
        ("s.users", "7"),
        ("s.disk", "data 1000 300 700 / /var/opt/mattermost/data"),
        ("s.disk", "backups 1000 899 101 /mnt disk /var/backups/mattermost"),
        ("s.taken", "data 4"),
        ("s.taken", "backups "),
        ("s.taken", "logs 2048"),
        ("s.backup", "result=done"),
        ("s.backup", "bytes=55000"),
        ("s.release", "11.7.10"),
        ("s.release", "11.7.9"),
        ("s.aside", "12 /var/opt/mattermost/replaced-1"),
        ("s.aside", " /var/lib/mattermost-deploy/put-away"),
        ("s.cluster", "15 /var/lib/postgresql/15/main"),
        ("s.end", "ok"),
    )
)  # fmt: skip
SAME = {"looked": True, "drifted": False, "states": [], "reason": ""}


def settings(pillar=None):
    return core.merge(DATA, {"email": "a@example.test", **(pillar or {})}, {}, GRAINS, "chat.example.test")


def facts(answer=ANSWER):
    told = status_facts.parse(answer)["status"]
    return {**copy.deepcopy(FACTS), "glibc": "2.36", "platform": "Debian GNU/Linux 12", "status": told}


NO_NEWS = Look([], {}, {}, {})


def host_data(found=None, pillar=None, drifted=SAME, seen=None, checked=(), news=NO_NEWS):
    return report.host_data(settings(pillar), found or facts(), seen, drifted, DATA, list(checked), news)


def test_an_answer_is_read():
    told = facts()["status"]
    assert told["complete"]
    assert (told["server_uptime"], told["users"], told["schema"]) == (10000, 7, 15)
    assert told["databases"] == {"mattermost_before_11_8_0": 1000}
    assert told["disks"]["data"]["taken"] == 4096
    assert told["disks"]["backups"]["taken"] is None
    assert told["aside"] == {"/var/opt/mattermost/replaced-1": 12288, "/var/lib/mattermost-deploy/put-away": None}


@pytest.mark.parametrize(
    ("used", "free", "percent"), [("300", "700", 30), ("899", "101", 90), ("1", "999", 1), ("0", "1000", 0)]
)
def test_a_disk_is_as_full_as_df_says(used, free, percent):
    told = status_facts.parse(f"end\tok\ns.disk\tdata 5000 {used} {free} / /data")["status"]
    assert told["disks"]["data"]["used_percent"] == percent


def test_what_a_broken_host_does_not_tell_is_unknown_and_the_rest_is_there():
    whole = [line for line in ANSWER.splitlines() if not line.startswith(("s.client", "s.schema", "s.users", "s.ping"))]
    broken = facts("\n".join(whole).replace("ActiveState=active", "ActiveState=failed"))
    broken["postgresql"] = {}
    data = host_data(broken)
    assert data["mattermost"]["running"] is None
    assert data["mattermost"]["uptime"] is None
    assert data["postgresql"]["version"] is None
    assert data["users"]["active"] is None
    assert data["nginx"]["version"] == "1.22.1"
    said = text.render({"chat": {"address": "192.0.2.7", **data}})
    assert "does not answer (failed); 11.7.10 is installed" in said
    assert "PostgreSQL   does not answer" in said


def test_an_answer_cut_after_the_probe_tells_what_it_can():
    told = status_facts.parse(ANSWER.split("s.client")[0])["status"]
    assert not told["complete"]
    assert told["nginx"] == "1.22.1"


def test_an_answer_cut_in_the_probe_is_refused():
    with pytest.raises(probe.ProbeError):
        status_facts.parse("time\t1\n")


def test_a_healthy_host_needs_nobody():
    data = host_data(pillar={"status": {"disk_full": 95}})
    assert data["well"]
    assert data["attention"] == []
    assert data["mattermost"]["edition"] == "team"
    assert data["mattermost"]["build"] == {"number": "1", "date": "d", "hash": "h", "enterprise_ready": "false"}
    assert data["aside"]["releases"] == ["11.7.9"]
    assert data["aside"]["clusters"] == ["15 /var/lib/postgresql/15/main"]


def test_a_newer_release_is_named_whatever_the_hosts_processor():
    """As a deploy takes it: the table has checksums for few archives of arm64, and the signature serves for the others."""
    given = settings()
    given["release"]["arch"] = "arm64"
    old = {**facts(), "current": "11.7.9"}
    assert report.host_data(given, old, None, SAME, DATA, [], NO_NEWS)["newer"]["line"] == "11.7.10"


def test_json_of_another_form_is_no_answer():
    odd = ANSWER.replace('{"Version":"11.7.10"', '{"Version":["11.7.10"]').replace(
        '{"status":"OK"}', '{"status":["OK"]}'
    )
    assert odd != ANSWER
    assert host_data(facts(odd))["mattermost"]["running"] is None


def test_what_stays_on_the_host_has_its_bounds_beside_it():
    data = host_data(pillar={"kept": {"log_days": 7, "days": 12}, "release": {"keep": 2}})
    assert data["logs"] == {"bytes": 2 << 20, "days": 7}
    assert data["aside"]["bounds"] == {"versions": 2, "days": 12}
    said = text.render({"chat": {"address": "192.0.2.7", **data}})
    assert "logs         2.1 MB; rotated logs are deleted after 7 days" in said
    assert "11.7.9; limits: 2 for old versions and for copies from before upgrades, 12 days for other copies" in said


DRIFTED = {"looked": True, "drifted": True, "states": [{"state": "nginx-is-there", "stage": "nginx-base", "fails": False}], "reason": ""}  # fmt: skip


@pytest.mark.parametrize(
    ("check", "arguments"),
    [
        ("disk", {"pillar": {"status": {"disk_full": 90}}}),
        ("drift", {"drifted": DRIFTED}),
        ("users", {"found": facts(ANSWER.replace("s.users\t7", "s.users\t250"))}),
        ("backup-result", {"found": facts(ANSWER.replace("s.backup\tresult=done", "s.backup\tresult=refused"))}),
        (
            "backup-age",
            {"checked": [findings.refusal("backup-age", "Old.", "salt-run state.orchestrate mattermost.backup")]},
        ),
    ],
)
def test_one_alarm_needs_somebody(check, arguments):
    arguments = {"pillar": {"status": {"disk_full": 95}}, **arguments}
    data = host_data(**arguments)
    assert [one["check"] for one in data["attention"]] == [check]
    assert not data["well"]
    said = text.render({"chat": {"address": "192.0.2.7", **data}})
    assert said.splitlines()[0].startswith(f"chat: {check}: ")
    assert said.splitlines()[1].startswith("  To do: ")
    assert "\nState:\nchat (192.0.2.7), Debian GNU/Linux 12: 1 finding needs attention.\n" in said
    assert data["attention"][0]["todo"]


def test_many_users_are_a_warning_before_they_are_too_many():
    data = host_data(facts(ANSWER.replace("s.users\t7", "s.users\t200")), {"status": {"disk_full": 95}})
    assert data["well"]
    assert [one["check"] for one in data["findings"] if one["level"] == "warning"] == ["users"]


def test_a_host_that_is_out_of_reach_is_one_fault():
    data = report.unreached(findings.refusal("reachable", "It does not answer.", "look."))
    assert not data["well"]
    said = text.render({"chat": {"address": "192.0.2.7", **data}})
    assert said == (
        "chat: reachable: It does not answer.\n  To do: look.\nState:\nchat (192.0.2.7): 1 finding needs attention."
    )


def test_the_served_certificate_is_told_with_its_issuer_and_days():
    ca = fake_site.certificate("Some Authority")
    leaf = fake_site.certificate(issuer=ca, days=90, age=1)[0]
    found = facts()
    found["time"] = leaf.not_valid_before_utc.timestamp() + 86400 + 60 if hasattr(leaf, "not_valid_before_utc") else 0
    shown = report.certificate(settings(), found, {"tls": Handshake("TLSv1.3", fake_site_der(leaf))})
    assert shown["served"]
    assert shown["days_left"] == 88
    assert (shown["kind"], shown["issuer"]) == ("Let's Encrypt", "Some Authority")


def fake_site_der(certificate):
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("pillar", "kind"),
    [
        ({}, "Let's Encrypt"),
        ({"letsencrypt": {"directory_url": "https://acme-staging-v02.api.letsencrypt.org/directory"}}, "Let's Encrypt staging"),
        ({"letsencrypt": {"directory_url": "https://ca.example.test/acme"}}, "other CA"),
        ({"certificate": {"source": "files"}}, "own files"),
    ],
)  # fmt: skip
def test_the_kind_of_issuer_follows_from_the_settings(pillar, kind):
    assert report.issuer_kind(settings(pillar)) == kind


def test_an_error_of_the_server_is_no_configuration():
    told = status_facts.parse(
        'end\tok\ns.client\t{"id":"api.error","message":"No."}\ns.version_id\t11.7.10.1.abc.false'
    )["status"]
    assert told["client"] == {}
    assert told["running"] == "11.7.10"


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "unknown"), (40, "40 s"), (130, "2 min"), (7300, "2 h"), (200000, "2 days")]
)
def test_a_time_is_for_people(seconds, words):
    assert text.period(seconds) == words


def test_the_script_runs_after_the_probe_on_a_real_machine():
    configured = settings({"backup": {"repository": "rest:https://a:hidden@b/"}})
    configured["paths"]["install"] = "/nowhere/it's a $place"
    text = probe.script(["salt"], configured) + status_facts.script(["salt"], configured)
    assert "hidden" not in text
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    told = status_facts.parse(done.stdout)["status"]
    assert told["complete"]
    assert told["uptime"] > 0
    assert told["disks"]["data"]["size"] > 0


@pytest.mark.parametrize(
    ("noted", "key", "row"),
    [
        ({"version": "1.0.0", "breaking_changes": 0}, "1.0.0", "deployed by 1.0.0"),
        ({"version": "0.9.1", "breaking_changes": 0}, "0.9.1", "deployed by 0.9.1; this checkout is 1.0.0"),
        (None, None, "deployed by a version before 1.0.0; this checkout is 1.0.0"),
    ],
)
def test_which_version_of_the_bundle_deployed_the_host(noted, key, row, monkeypatch):
    monkeypatch.setitem(DATA["bundle"], "version", "1.0.0")
    told = host_data({**facts(), "bundle": noted})
    assert told["bundle"] == {"deployed": key, "checkout": "1.0.0"}
    shown = text.render({"chat": {"address": "192.0.2.7", **told}})
    assert f"  bundle       {row}\n" in shown


def test_the_report_of_a_run_tells_where_the_site_is_and_how_long_things_last():
    leaf = fake_site.certificate(days=90)[0]
    tls = {"tls": Handshake("TLSv1.3", fake_site_der(leaf))}
    found = facts()
    found["backup"] = {**found["backup"], "good": found["time"] - 7 * 3600}
    shown = site.summary(settings(), found, tls, "ssl")
    assert shown["url"] == f"https://{settings()['name']}"
    assert shown["version"] == found["current"]
    assert shown["certificate"] == leaf.not_valid_after_utc.strftime("%Y-%m-%d")
    assert shown["backup"] == "7 h ago"
    below = settings()
    below["server"]["path"] = "/chat"
    assert site.summary(below, found, tls, "ssl")["url"] == f"https://{below['name']}/chat"
    assert site.summary(settings(), found, tls, "non-ssl") == {
        **shown,
        "url": f"http://{settings()['name']}",
        "certificate": None,
    }


PATCHES = {
    "off": ((), "ok", "unattended patches are off"),
    "older-bundle": ((), "ok", "unattended patches are off"),
    "done": (("unattended=patches", "result=done", "ended=2026-11-26 04:40:00 +0000", "reason=Mattermost was upgraded."), "ok", "2026-11-26 04:40: Mattermost was upgraded."),
    "new": (("unattended=patches",), "ok", "no window has opened yet"),
    "failed": (("unattended=patches", "result=failed", "ended=2026-11-26 04:40:00 +0000", "reason=The archive was not opened."), "refusal", "04:40: The archive was not opened."),
    "stopped": (("unattended=patches", "result=stopped", "ended=2026-11-26 04:40:00 +0000", "reason=It.", "stopped=It was rolled back."), "refusal", "unattended"),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "level", "row"), PATCHES.values(), ids=PATCHES)
def test_unattended_patches_are_told_and_a_stop_needs_somebody(lines, level, row):
    told = "".join(f"s.patches\t{line}\n" for line in lines)
    data = host_data(facts(ANSWER.replace("s.end\tok", f"{told}s.end\tok")))
    (found,) = [one for one in data["findings"] if one["check"] == "unattended-patches"]
    assert found["level"] == level, found
    if "result=failed" in lines:
        assert found["sentence"] == "The last run of unattended patches failed: The archive was not opened."
    assert row in next(
        line for line in text.render({"a": {**data, "address": "b"}}).splitlines() if line.startswith("  patches")
    )
