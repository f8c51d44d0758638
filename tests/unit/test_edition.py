"""The Enterprise Edition: its archive, its license, and what a change of edition means. No license here is one: only the vendor signs them."""

import base64
import json
import os
import tarfile

import mattermost_config_core as config
import mattermost_license
import mattermost_release_core as core
import mattermost_release_tree as tree
import mattermost_settings_core
import mattermost_settings_data
import pytest
from mattermost_controller.hosts import probe
from mattermost_controller.preflight import edition
from mattermost_controller.status import report
from mattermost_controller.verify import web
from mattermost_controller.verify.http import Answer

from tests.states import load_state
from tests.unit import test_preflight as preflight
from tests.unit import test_release_archive as archives
from tests.unit import unpacking
from tests.unit.hostprogram import patch_host
from tests.unit.test_preflight_upgrade import findings_of, of

DATA = mattermost_settings_data.load(["salt"])
SUM = "1" * 64
NOW = 1_800_000_000
DAY = 86400
LICENSE_FILE = "ENTERPRISE-EDITION-LICENSE.txt"


def license_text(starts=NOW - DAY, expires=NOW + 300 * DAY, **over):
    """Return what has the form of the vendor's file; its signature is none."""
    words = {"id": "x", "starts_at": starts * 1000, "expires_at": expires * 1000, "sku_name": "Enterprise", **over}
    return base64.b64encode(json.dumps(words).encode() + b"s" * 256).decode()


def release(data=DATA, **given):
    settings = {"release": {"edition": "enterprise", **given}}
    return mattermost_settings_core.merge(data, settings, {}, preflight.GRAINS, "chat.example.test")["release"]


def test_the_archive_of_the_enterprise_edition_is_the_vendors_without_team():
    made = release(version="11.7.10")
    assert made["source"] == "https://releases.mattermost.com/11.7.10/mattermost-11.7.10-linux-amd64.tar.gz"
    assert made["signature"] == f"{made['source']}.sig"
    assert core.archive_name("11.7.10", "arm64", "enterprise") == "mattermost-11.7.10-linux-arm64.tar.gz"
    own = "https://mirror.example.test/mattermost-team-{version}.tar.gz"
    assert release(version="11.7.10", source=own)["source"] == own.replace("{version}", "11.7.10")


def test_no_sum_of_the_team_edition_stands_for_it():
    made = release(version="11.0.5")
    assert (made["sha256"], made["known_by"]) == ("", "listed")
    assert release(version="11.0.5", sha256=SUM)["sha256"] == SUM
    assert release(edition="team", version="11.0.5")["sha256"] == DATA["releases"]["amd64"]["11.0.5"]
    made = release(version="11.7.10")
    assert (made["sha256"], made["known_by"]) == (DATA["releases"]["enterprise"]["amd64"]["11.7.10"], "sum")


def test_a_fork_is_proved_by_its_own_sum_and_never_by_the_vendors():
    fork = "https://fork.example.test/{version}/fork-{version}-linux-{arch}.tar.gz"
    made = release(edition="team", version="11.7.10", source=fork, sha256=SUM)
    assert made["source"] == "https://fork.example.test/11.7.10/fork-11.7.10-linux-amd64.tar.gz"
    assert (made["sha256"], made["known_by"]) == (SUM, "sum")
    assert made["sha256"] != DATA["releases"]["amd64"]["11.7.10"]


def test_no_archive_of_one_edition_has_the_sum_of_any_other_archive():
    table = DATA["releases"]
    sums = [each for rows in (table["amd64"], table["arm64"], *table["enterprise"].values()) for each in rows.values()]
    assert len(sums) > 240
    assert len(set(sums)) == len(sums)


def enterprise_archive(folder, **made):
    member = tarfile.TarInfo(f"mattermost/{LICENSE_FILE}")
    member.size = 1
    return archives.archive(folder, extra=[member], enterprise="true", without=("MIT-COMPILED-LICENSE.md",), **made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the archive's server as somebody else")
@pytest.mark.parametrize("made", ["team", "enterprise"])
@pytest.mark.parametrize("wanted", ["team", "enterprise"])
def test_an_archive_is_unpacked_only_as_the_edition_that_it_is(tmp_path, made, wanted):
    (tmp_path / "install").mkdir()
    path = str(enterprise_archive(tmp_path) if made == "enterprise" else archives.archive(tmp_path))
    words = (path, str(tmp_path / "install"), "11.7.100", "root")
    if made == wanted:
        unpacking.unpack(*words, edition=wanted)
        assert tree.edition(str(tmp_path / "install"), "11.7.100") == made
    else:
        with pytest.raises(core.ReleaseError, match="Enterprise Edition|not contain .*ENTERPRISE-EDITION-LICENSE.txt"):
            unpacking.unpack(*words, edition=wanted)
        assert os.listdir(tmp_path / "install") == []


def unpacked(tmp_path, monkeypatch, version, installed):
    """Have the state see a host with 11.7.10 and 11.7.11 of the Team Edition; returns its answer and what it unpacked."""
    for name in ("11.7.10", "11.7.11"):
        server = tmp_path / "opt" / name / "bin/mattermost"
        server.parent.mkdir(parents=True)
        server.write_text("")
        server.chmod(0o755)
    (tmp_path / "opt/current").symlink_to(installed)
    state, done = load_state("mattermost_release"), []
    monkeypatch.setattr(state, "_bring", lambda name, version, release, *more: done.append(release["edition"]))
    made = release(version=version, sha256=SUM)
    return state.unpacked(str(tmp_path / "opt"), made, str(tmp_path / "work"), "nobody"), done


def test_the_edition_of_the_version_that_runs_is_never_exchanged(tmp_path, monkeypatch):
    answer, done = unpacked(tmp_path, monkeypatch, "11.7.10", "11.7.10")
    assert (answer["result"], done) == (False, [])
    assert "The edition changes only together with the version" in answer["comment"]


def test_another_edition_that_was_left_unpacked_does_not_count(tmp_path, monkeypatch):
    answer, done = unpacked(tmp_path, monkeypatch, "11.7.11", "11.7.10")
    assert (answer["result"], done) == (True, ["enterprise"])


def test_a_removed_server_comes_back_in_no_other_version_than_its_datas(tmp_path, monkeypatch):
    answer, done = unpacked(tmp_path, monkeypatch, "11.7.11", "11.7.9")
    assert (answer["result"], done) == (False, [])
    assert "points to 11.7.9, which is missing" in answer["comment"]


def test_a_dry_run_names_the_server_of_the_archive_and_no_long_address(tmp_path):
    state = load_state("mattermost_release", test=True)
    given = release(
        version="11.7.11", sha256=SUM, source="https://me:secret@releases.example.com/11.7.11/mattermost.tar.gz"
    )
    answer = state.unpacked(str(tmp_path / "opt"), given, str(tmp_path / "work"), "nobody")
    assert answer["comment"] == "Would unpack Mattermost 11.7.11 from releases.example.com."


def judged(check, wanted="enterprise", version="11.7.11", pillar=None, **facts):
    given = {"release": {"version": version, "sha256": SUM, "edition": wanted}, **(pillar or {})}
    known = {"config": {}, "users": 10, "time": NOW, **facts}
    (found,) = of(findings_of("11.7.10", version, given, **known), check)
    return found


def test_a_change_of_edition_is_said_before_anything_is_changed():
    found = judged("edition", version="11.7.10", edition="team")
    assert found.level == "refusal"
    assert "set mattermost:release:version to a newer version" in found.fix
    found = judged("edition", edition="team")
    assert (found.level, "10,000 messages" in found.sentence) == ("warning", True)
    found = judged("edition", edition="team", pillar={"server": {"license": license_text()}})
    assert found.level == "note"
    assert judged("edition", "team", edition="team").level == "ok"


def test_going_back_to_the_team_edition_is_refused_and_the_printed_way_is_taken():
    found = judged("edition", "team", edition="enterprise")
    assert (found.level, "locked out" in found.sentence) == ("refusal", True)
    assert "mattermost:preflight:ignore: [edition]" in found.fix
    found = judged("edition", "team", edition="enterprise", pillar={"preflight": {"ignore": ["edition"]}})
    assert found.level == "warning"


def test_limits_of_the_team_edition_stop_no_upgrade_to_the_other():
    gitlab = {"GitLabSettings": {"Enable": True}}
    for check, facts in (("user-limit", {"users": 300}), ("sign-in", {"config": gitlab})):
        release = {"version": "11.7.10", "sha256": SUM, "edition": "enterprise"}
        for edition_, level in (("enterprise", "ok"), ("team", "refusal")):
            (found,) = of(
                findings_of("10.11.23", "11.7.10", {"release": {**release, "edition": edition_}}, **facts), check
            )
            assert found.level == level, check


@pytest.mark.parametrize(
    ("text", "level", "words"),
    [
        (license_text(), "ok", "valid to"),
        (license_text(expires=NOW - 1), "refusal", "expired on"),
        (license_text(expires=NOW + 10 * DAY), "warning", "expires on"),
        (license_text(starts=NOW + DAY), "warning", "begins on"),
        ("LICENSE-SECRET", "refusal", "not the content of a license file"),
        ("TElDRU5TRS1TRUNSRVQ=", "refusal", "not the content of a license file"),
        (license_text(expires_at="soon"), "refusal", "until when it is valid"),
        (license_text(starts_at=True), "refusal", "until when it is valid"),
        (base64.b64encode(b"[" * 70_000).decode(), "refusal", "not the content of a license file"),
    ],
    ids=["good", "expired", "soon", "not yet", "words", "base64", "no date", "no number", "deep"],
)
def test_a_license_is_judged_by_its_form_and_dates_and_never_shown(text, level, words):
    found = judged("license", edition="team", pillar={"server": {"license": text}})
    assert (found.level, words in found.sentence) == (level, True), found
    assert text not in found.sentence + found.fix


def test_an_expired_license_stops_no_change_of_a_host_that_has_it_already():
    pillar = {"server": {"license": license_text(expires=NOW - 1)}}
    assert judged("license", edition="enterprise", pillar=pillar).level == "warning"
    found = judged("license", edition="team", pillar=pillar)
    assert "mattermost:preflight:ignore: [license]" in found.fix
    found = judged("license", edition="team", pillar={**pillar, "preflight": {"ignore": ["license"]}})
    assert found.level == "warning"


@pytest.mark.parametrize("more", [{"release": "team"}, {"environment": {"MM_LICENSE": "x"}}])
def test_a_license_that_nobody_reads_is_refused(more):
    server = {"license": license_text(), **({} if "release" in more else more)}
    found = judged("license", more.get("release", "enterprise"), pillar={"server": server})
    assert found.level == "refusal"


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        ({"IsLicensed": "true", "SkuShortName": "enterprise"}, "ok"),
        ({"IsLicensed": "true", "SkuShortName": "entry"}, "refusal"),
        ({"IsLicensed": "false"}, "refusal"),
        ({}, "skipped"),
    ],
)
def test_verify_asks_the_server_whether_it_took_the_license(answer, level):
    body = json.dumps(answer).encode()
    assert web.license_is_taken({}, {"license": Answer(200, {}, body)}, {}).level == level


@pytest.mark.parametrize(("ready", "level"), [("true", "ok"), ("false", "refusal")])
def test_verify_wants_the_edition_of_the_settings(ready, level):
    settings = {"release": {"edition": "enterprise"}}
    answer = Answer(200, {}, json.dumps({"BuildEnterpriseReady": ready}).encode())
    assert web.edition(settings, {"client": answer}, {}).level == level


def test_status_says_when_a_license_ends():
    assert report.license_lasts(license_text(expires=NOW - 1), NOW).level == "refusal"
    assert edition.license_lasts(license_text(), NOW).level == "ok"
    assert mattermost_license.read(license_text()).product == "Enterprise"


def test_a_patch_keeps_the_edition_of_the_host(tmp_path):
    host = patch_host.Host(tmp_path, ["sh"])
    (tmp_path / "install" / patch_host.OLD / LICENSE_FILE).write_text("x")
    member = tarfile.TarInfo(f"mattermost/{LICENSE_FILE}")
    path = tmp_path / f"mattermost-{patch_host.PATCH}-amd64.tar.gz"
    host.knows(patch_host.PATCH)
    code, said = host.work()
    assert (code, "enterprise false" in said["reason"]) == (4, True)
    patch_host.archive(path, world=tmp_path, enterprise="true", more=[member])
    host.knows(patch_host.PATCH)
    code, said = host.work()
    assert (code, said["result"], said["to"]) == (0, "done", patch_host.PATCH)


def test_what_only_the_team_edition_cannot_do_stops_no_other():
    search = {"SqlSettings": {"DisableDatabaseSearch": True}}
    assert [config.blocked(search, "11.7.10", {}, name) == [] for name in ("team", "enterprise")] == [False, True]


@pytest.mark.parametrize(("there", "level"), [("enterprise", "refusal"), ("team", "ok")])
def test_the_way_to_the_team_edition_meets_its_limits(there, level):
    gitlab = {"GitLabSettings": {"Enable": True}}
    found = findings_of("11.7.9", "11.7.10", edition=there, users=300, config=gitlab)
    assert [one.level for check in ("user-limit", "sign-in") for one in of(found, check)] == [level, level]


@pytest.mark.parametrize("told", ["enterprise", "foo", ""])
def test_a_host_tells_one_of_two_editions(told):
    facts = probe.parse(f"uid\t0\ncurrent\t/opt/mattermost/11.7.10\nedition\t{told}\nend\tok")
    assert facts["edition"] == ("enterprise" if told == "enterprise" else "team")
