"""What an upgrade takes away or changes is said before it; what a message offers as the way to go on works."""

import types

import pytest
from mattermost_controller.hosts import probe
from mattermost_controller.preflight import checks
from mattermost_controller.releases import changes

from tests.states import load_state
from tests.unit import test_preflight as preflight

SUM = "1" * 64
GITLAB = {"GitLabSettings": {"Enable": True}}


def findings_of(installed, wanted, pillar=None, **facts):
    release = {"version": wanted, "sha256": SUM}
    given = {"release": release, "platform": {"postgresql": {"version": 15}}, **(pillar or {})}
    known = {**preflight.DEPLOYED, "current": installed, "users": 10, **facts}
    return checks.run(preflight.settings(given), {**preflight.GOOD, **known}, preflight.OUTSIDE, "ssl")


def of(found, check):
    return [one for one in found if one.check == check]


@pytest.mark.parametrize(("users", "level"), [(250, "ok"), (251, "refusal"), (None, "refusal")])
def test_the_user_limit_is_judged_before_anything_is_changed(users, level):
    (found,) = of(findings_of("10.11.23", "11.7.10", users=users), "user-limit")
    assert found.level == level
    assert (users is None) == ("could not be counted" in found.sentence)


@pytest.mark.parametrize(("installed", "wanted"), [("11.7.9", "11.7.10"), ("", "11.7.10"), ("10.11.22", "10.11.23")])
def test_a_limit_that_is_no_news_stops_nothing(installed, wanted):
    (found,) = of(findings_of(installed, wanted, users=None), "user-limit")
    assert found.level == "ok"


@pytest.mark.parametrize(
    ("check", "facts"),
    [("user-limit", {"users": 300}), ("user-limit", {"users": None}), ("sign-in", {"config": GITLAB})],
)
def test_the_way_to_go_on_that_is_printed_is_taken(check, facts):
    (found,) = of(findings_of("10.11.23", "11.7.10", **facts), check)
    assert found.level == "refusal"
    assert f"mattermost:preflight:ignore: [{check}]" in found.fix
    again = findings_of("10.11.23", "11.7.10", {"preflight": {"ignore": [check]}}, **facts)
    assert [one.level for one in of(again, check)] == ["warning"]
    assert of(again, "settings") == []


def test_a_sign_in_that_goes_away_stops_the_upgrade_and_no_other_run():
    assert of(findings_of("10.11.23", "11.7.10", config=GITLAB), "sign-in")[0].level == "refusal"
    assert of(findings_of("11.6.0", "11.7.10", config=GITLAB), "sign-in")[0].level == "ok"
    assert of(findings_of("10.11.22", "10.11.23", config=GITLAB), "sign-in")[0].level == "ok"


@pytest.mark.parametrize("flag", ["APPSENABLED", "MOVETHREADSENABLED"])
def test_flags_with_which_a_version_does_not_start_are_refused(flag):
    pillar = {"server": {"environment": {f"MM_FEATUREFLAGS_{flag}": "true"}}}
    refused = [one for one in of(findings_of("11.7.9", "12.0.2", pillar), "upgrade-changes") if one.level == "refusal"]
    assert len(refused) == 1
    assert f"MM_FEATUREFLAGS_{flag} is true" in refused[0].sentence
    assert "Remove this setting" in refused[0].fix
    assert [one.level for one in of(findings_of("11.7.9", "11.7.10", pillar), "upgrade-changes")] == ["ok"]


def test_what_lies_between_two_versions_is_said_oldest_first():
    found = [one.sentence for one in of(findings_of("11.7.9", "12.0.2"), "upgrade-changes")]
    assert [text.split(":")[0] for text in found] == sorted((text.split(":")[0] for text in found), key=changes.numbers)
    assert any("12 million posts" in text for text in found)
    assert any("deletes orphaned thread memberships" in text for text in found)
    assert not any("GitLab" in text for text in found)


def test_a_fresh_host_and_a_patch_hear_of_no_changes():
    assert changes.between("", "12.0.2") == []
    assert changes.between("11.7.9", "11.7.15") == []
    assert changes.between("12.0.2", "11.7.9") == []


def test_of_a_line_that_is_not_known_it_says_so():
    assert "not in this bundle's list" in changes.between("12.0.2", "12.1.0")[-1]
    assert not any("not in this bundle's list" in text for text in changes.between("11.7.9", "12.0.2"))


def test_the_probe_tells_how_many_users_there_are():
    assert probe.parse("uid\t0\nusers\t300\nend\tok")["users"] == 300
    assert probe.parse("uid\t0\nusers\tpsql: error\nend\tok")["users"] is None


@pytest.mark.parametrize(("code", "out"), [(4, ""), (0, ""), (0, "is not the number"), (4, "12")])
def test_a_count_that_fails_on_the_host_is_no_count_of_zero(monkeypatch, code, out):
    state = load_state("mattermost_service")
    monkeypatch.setattr(state, "_run", lambda command: types.SimpleNamespace(returncode=code, stdout=out, stderr=""))
    assert state._users() is None
    assert "could not be counted" in state.core.too_many_users("10.11.23", "11.7.10", state._users())


@pytest.mark.parametrize("wanted", ["11.7.10", None])
def test_a_link_to_what_is_no_version_is_a_finding(wanted):
    found = findings_of("mattermost-10.5", wanted or "11.7.10", {} if wanted else {"release": {}})
    (refused,) = of(found, "downgrade")
    assert refused.level == "refusal"
    assert "/current points to mattermost-10.5, which is not a version" in refused.sentence


def warned(installed="11.7.9", level="warning", **facts):
    return [
        one.sentence for one in of(findings_of(installed, "11.7.10", **facts), "upgrade-changes") if one.level == level
    ]


def test_what_an_interrupted_migration_left_is_a_warning_before_an_upgrade():
    (said,) = warned(invalid_indexes=["idx_posts_a", "idx_posts_b"])
    assert "idx_posts_a, idx_posts_b" in said
    now = 1_764_190_000
    (said,) = warned(migration_lock=now + 9, time=now)
    assert "is held" in said
    (said,) = warned(level="note", migration_lock=now - 9, time=now)
    assert "was interrupted" in said
    assert warned(migration_lock=now - 9, time=now) == []
    assert warned() == []
    assert warned("11.7.10", invalid_indexes=["a"], migration_lock=1) == []


@pytest.mark.parametrize(
    ("row", "lock"),
    [("1764190000000", 1764190000), ("1764190000", 1764190000), ("", None), ("x", None), ("9" * 30, None)],
)
def test_the_probe_tells_what_an_interrupted_migration_left(row, lock):
    told = ("uid\t0", "invalid_index\tidx_a", "invalid_index\tidx b", f"migration_lock\t{row}", "end\tok")
    facts = probe.parse("\n".join(told))
    assert (facts["invalid_indexes"], facts["migration_lock"]) == (["idx_a", "idx b"], lock)
