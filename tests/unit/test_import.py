"""Whether an installation can be imported, and what becomes of its settings."""

import json

import mattermost_settings_core
import mattermost_settings_data
import pytest
from mattermost_controller.importing import detect, parse, plan
from mattermost_controller.importing.source import with_settings

from tests.unit.import_facts import CONFIG, by_hand, coded

GRAINS = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
DATA = mattermost_settings_data.load(["salt"])

WISH = {"from": "old", "to": "new", "stop": True, "directory": "", "overwrite": False, "accept": []}
FACTS = {
    "postgresql": "150008",
    "posts": "500",
    "newest": "2000",
    "stored": "1000",
    "database_bytes": "10000000",
    "users": "20",
}
BARE = {"free": "9000000", "database_free": "9000000", "same_disk": "yes"}


def settings(**pillar):
    release = {"version": "11.7.10", **pillar.pop("release", {})}
    branch = {"email": "admin@example.com", "name": "chat.example.com", "release": release, **pillar}
    return mattermost_settings_core.merge(DATA, branch, {}, GRAINS, "new")


def faults(source=None, facts=None, target=None, wish=None, same=False, **pillar):
    source = source or detect.detect(by_hand())
    return plan.incompatibilities(
        {**WISH, **(wish or {})},
        source,
        {**FACTS, **(facts or {})},
        {**BARE, **(target or {})},
        settings(**pillar),
        same,
    )


def test_a_running_server_by_hand_and_a_bare_host_fit():
    assert faults() == []


@pytest.mark.parametrize(
    ("words", "case"),
    [
        ("the same machine", {"same": True}),
        ('"stop": true', {"wish": {"stop": False}}),
        ("cannot be read: FATAL: no (hidden)", {"facts": {"postgresql": "", "refused": "FATAL: no a@b"}}),
        ("A database cannot move to an older PostgreSQL", {"facts": {"postgresql": "160001"}}),
        ("has 3 messages", {"target": {"posts": "3", "newest": "1"}}),
        ("Mount that disk at /var/opt/mattermost instead", {"target": {"mounted": "/var/opt/mattermost/data "}}),
        ("Free some space on that disk", {"target": {"free": "1000"}}),
        ("The source runs Mattermost 11.7.10. Mattermost 11.6.0 is older than 11.7.10", {"release": {"version": "11.6.0"}}),
        ('"accept": ["enterprise"]', {"source": detect.detect(by_hand())._replace(is_team=False)}),
        ("set mattermost:release:edition: enterprise. To import anyway", {"source": detect.detect(by_hand())._replace(is_team=False)}),
        ('set mattermost:release:edition: team. To import anyway, add "accept": ["team"]', {"release": {"edition": "enterprise"}}),
        ('"accept": ["gitlab-sign-in"]', {"source": detect.detect(by_hand({**CONFIG, "GitLabSettings": {"Enable": True}}))}),
        ("serves at most 250 users, but 300 are active", {"source": detect.detect(by_hand())._replace(version="10.11.18"), "facts": {"users": "300"}}),
        ("Mattermost 9.5.0. Mattermost 11.7.10 does not support an upgrade from 9.5.0", {"source": detect.detect(by_hand())._replace(version="9.5.0")}),
        ("has no pg_dump", {"source": detect.detect(by_hand())._replace(login=parse.Login("login", "chat", "mm"))}),
    ],
)  # fmt: skip
def test_a_misfit_is_refused_with_what_to_do(words, case):
    (sentence,) = faults(**case)
    assert words in sentence
    assert "a@b" not in sentence


def test_an_enterprise_server_is_no_misfit_where_that_edition_is_wanted():
    source = detect.detect(by_hand())._replace(is_team=False)
    assert faults(source, release={"edition": "enterprise"}) == []


def test_what_is_accepted_is_no_reason():
    source = detect.detect(by_hand())._replace(is_team=False)
    assert faults(source, wish={"accept": ["enterprise"]}) == []
    assert faults(wish={"accept": ["team"]}, release={"edition": "enterprise"}) == []


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("postgres://mm:x@127.0.0.1:5432/chat?sslmode=disable", []),
        ("user=mm host=/run/postgresql dbname=chat", []),
        ("postgres://mm:x@localhost/other", ["its settings in the database chat and its messages in other"]),
        ("postgres://mm:x@db.example.com/chat", ["(on db.example.com)"]),
    ],
)
def test_settings_and_messages_must_be_in_one_database(named, words):
    place = f"config_place\t{coded('postgres://mm:x@localhost:5432/chat')}"
    source = with_settings(detect.detect(by_hand(None, place)), {"SqlSettings": {"DataSource": named}})
    found = faults(source)
    assert len(found) == len(words)
    assert all(part in sentence for part, sentence in zip(words, found))
    assert "mm:x" not in "".join(found)


def test_a_server_that_stands_still_needs_no_consent():
    source = detect.detect(by_hand())._replace(active=False)
    assert faults(source, wish={"stop": False}) == []
    values = plan.script_values(source, settings(), WISH, "1")
    assert (values["halt"], values["resume"]) == ("true", "true")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "names no host in its pillar"),
        ({"to": "new"}, "import:from is missing"),
        ({"from": "old", "to": ""}, "import:to is '', which is not the roster ID"),
        ({"from": "old", "to": "new", "halt": True}, "import:halt is not a known key"),
        ({"from": "old", "to": "new", "stop": "yes"}, "import:stop is 'yes'"),
        ({"from": "old", "to": "new", "accept": ["all"]}, "import:accept contains all"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused(told, words):
    with pytest.raises(ValueError, match=words):
        plan.parse_request(told)


def test_the_version_is_the_sources_own_unless_named():
    source = detect.detect(by_hand())
    unpinned = mattermost_settings_core.merge(DATA, {"email": "a@example.com"}, {}, GRAINS, "new")
    assert plan.version(source, unpinned, {"11.7.10": "f" * 64}) == "11.7.10"
    assert plan.version(source, settings(release={"version": "11.8.2"}), {}) == "11.8.2"
    with pytest.raises(ValueError, match=r"runs Mattermost 11\.7\.10, and the checksum of that version is not known"):
        plan.version(source, unpinned, {})


def test_the_admins_settings_stay_and_ours_win():
    source = detect.detect(by_hand(None, f"environment\t{coded('MM_TEAMSETTINGS_MAXUSERSPERTEAM=77')}"))
    fresh = {"SqlSettings": {"DataSource": "the deploy's", "DataSourceReplicas": []}}
    merged = plan.merge_config(
        source.config,
        source.variables,
        settings(server={"config": {"TeamSettings": {"EnableOpenServer": True}}}),
        fresh,
    )
    assert merged["TeamSettings"] == {"SiteName": "Named", "MaxUsersPerTeam": 77, "EnableOpenServer": True}
    assert merged["SqlSettings"]["AtRestEncryptKey"] == "k" * 32
    assert merged["SqlSettings"]["DataSource"] == "the deploy's"
    assert merged["SqlSettings"]["DataSourceReplicas"] == []
    assert merged["ServiceSettings"]["SiteURL"] == "https://chat.example.com"
    assert merged["ServiceSettings"]["ListenAddress"] == "127.0.0.1:8065"
    assert merged["FileSettings"]["Directory"] == "/var/opt/mattermost/data/"
    assert merged["PluginSettings"]["Directory"] == "/var/opt/mattermost/plugins"
    assert "a@b" not in json.dumps(merged)
    assert json.loads(plan.render_config(merged)) == merged


def test_a_variable_takes_the_type_of_its_key():
    sections = {"A": {"Flag": False, "Count": 1, "List": [], "Text": "", "Kept": 1}, "B": {"Deep": {"Key": "x"}}}
    variables = {
        "MM_A_FLAG": "1",
        "MM_A_COUNT": "7",
        "MM_A_LIST": "a b",
        "MM_A_TEXT": "5",
        "MM_A_KEPT": "many",
        "MM_B_DEEP": "y",
    }
    assert plan.with_variables(sections, variables) == {
        "A": {"Flag": True, "Count": 7, "List": ["a", "b"], "Text": "5", "Kept": 1},
        "B": {"Deep": {"Key": "x"}},
    }


def test_a_setting_with_which_the_version_would_not_start_is_told_before():
    sections = {**CONFIG, "TeamSettings": {"ExperimentalViewArchivedChannels": False}}
    (sentence,) = plan.unusable_settings(sections, settings())
    assert "TeamSettings.ExperimentalViewArchivedChannels" in sentence
