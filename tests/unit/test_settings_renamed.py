"""A setting under its old name works for one release, and says so; under both names it is refused."""

import copy

import mattermost_settings_core as core
import mattermost_settings_form as form
import mattermost_settings_renamed as renamed
import pytest
from mattermost_controller.hosts import collect

from tests.unit.test_preflight import DATA, GRAINS

VALUE = {"type": "integer", "default": 30}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "retention": {
            "type": "object",
            "additionalProperties": False,
            "default": {},
            "properties": {
                "days": {**VALUE, "x-renamed-from": {"setting": "kept:days", "version": "1.1.0"}},
                "copies": VALUE,
            },
        },
        "schedule": {**VALUE, "x-renamed-from": {"setting": "by_clock", "version": "1.1.0"}},
        "kept": {"type": "object", "additionalProperties": False, "default": {}, "properties": {"messages": VALUE}},
    },
}
OLD = (("kept", "days"), ("by_clock",))
NEW = (("retention", "days"), ("schedule",))


def nested(key, value):
    for name in reversed(key):
        value = {name: value}
    return value


@pytest.mark.parametrize(("old", "new"), zip(OLD, NEW), ids=lambda key: ":".join(key))
def test_the_old_name_sets_the_new_setting_and_says_so(old, new):
    given = nested(old, 7)
    before = copy.deepcopy(given)
    settings, notes, faults = renamed.applied(SCHEMA, given)
    assert settings == nested(new, 7)
    assert faults == []
    assert given == before
    old_name, new_name = ":".join(("mattermost", *old)), ":".join(("mattermost", *new))
    assert notes == [
        f"{old_name} was renamed to {new_name} in version 1.1.0 of this bundle. "
        "Rename that setting in pillar/mattermost.sls, because the next version of the bundle refuses the old name."
    ]


@pytest.mark.parametrize(("old", "new"), zip(OLD, NEW), ids=lambda key: ":".join(key))
@pytest.mark.parametrize("values", [(7, 8), (7, 7), (None, 7)], ids=str)
def test_both_names_at_once_are_refused(old, new, values):
    given = core.deep_merge(nested(old, values[0]), nested(new, values[1]))
    _, notes, faults = renamed.applied(SCHEMA, given)
    old_name, new_name = ":".join(("mattermost", *old)), ":".join(("mattermost", *new))
    assert faults == [f"{old_name} was renamed to {new_name}, and both are set. Keep only {new_name}."]
    assert notes == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"retention": {"days": 7}},
        {"kept": {"messages": 7}},
        {"kept": 7},
        {"kept": None},
        {"schedule": 7, "x": {"by_clock": 1}},
    ],
    ids=str,
)
def test_settings_without_an_old_name_stay_as_they_are(given):
    assert renamed.applied(SCHEMA, given) == (given, [], [])


def test_what_stands_beside_an_old_name_stays():
    settings, _, _ = renamed.applied(SCHEMA, {"kept": {"days": 7, "messages": 1}, "retention": {"copies": 2}})
    assert settings == {"kept": {"messages": 1}, "retention": {"days": 7, "copies": 2}}


def test_a_wrong_value_under_an_old_name_is_refused_under_the_new_one():
    settings, _, _ = renamed.applied(SCHEMA, {"kept": {"days": "seven"}})
    assert [fault.sentence for fault in form.validate(SCHEMA, settings)] == [
        "mattermost:retention:days must be of type integer, not str 'seven'."
    ]
    settings, _, faults = renamed.applied(SCHEMA, {"kept": {"days": 7}, "retention": "none"})
    assert [fault.sentence for fault in form.validate(SCHEMA, settings)] == [
        "mattermost:retention must be of type object, not str 'none'. Write the value as a mapping, {...}."
    ]


@pytest.fixture
def data():
    """The bundle's own data, with a schema in which ``status`` was once ``overview``."""
    changed = copy.deepcopy(DATA)
    changed["schema"]["properties"]["status"]["x-renamed-from"] = {"setting": "overview", "version": "1.1.0"}
    return changed


def merged(data, pillar):
    return core.merge(data, {"email": "a@example.test", **pillar}, {}, GRAINS, "chat.example.test")


def test_the_merge_takes_an_old_name_of_a_whole_section_and_preflight_warns(data):
    settings = merged(data, {"overview": {"disk_full": 80}})
    assert settings["status"]["disk_full"] == 80
    assert "overview" not in settings
    (found,) = collect.settings_findings(settings, is_new=True)
    assert (found.check, found.level) == ("settings", "warning")
    assert found.sentence.startswith("mattermost:overview was renamed to mattermost:status in version 1.1.0")


def test_the_merge_refuses_both_names_with_all_other_faults(data):
    with pytest.raises(core.SettingsError) as caught:
        merged(data, {"overview": {"disk_full": 80}, "status": {"disk_full": 80}, "relase": {}})
    both = "mattermost:overview was renamed to mattermost:status, and both are set. Keep only mattermost:status."
    assert both in caught.value.faults
    assert "mattermost:relase is not a setting. Did you mean release?" in caught.value.faults


def test_an_old_name_that_nobody_renamed_is_refused():
    with pytest.raises(core.SettingsError):
        merged(DATA, {"overview": {"disk_full": 80}})


def test_settings_without_an_old_name_are_valid():
    (found,) = collect.settings_findings(merged(DATA, {}), is_new=True)
    assert found.level == "ok"


def test_each_old_name_of_the_schema_is_no_setting_and_of_this_release():
    """One release accepts an old name: when the bundle's version is raised, ``x-renamed-from`` goes."""
    line = DATA["bundle"]["version"].rpartition(".")[0]
    for old, new, version in renamed.renames(DATA["schema"]):
        assert version.rpartition(".")[0] == line, f"{':'.join(new)}: remove its x-renamed-from"
        part = DATA["schema"]
        for name in old:
            part = part.get("properties", {}).get(name, {})
        assert part == {}, f"{':'.join(old)} is still a setting"
