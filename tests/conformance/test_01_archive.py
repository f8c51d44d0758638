"""Row 1: what is in an archive."""

import json

import pytest

from tests.conformance import contract

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MEMBERS = [
    "mattermost/bin/mattermost",
    "mattermost/bin/mmctl",
    "mattermost/config/config.json",
    "mattermost/client/root.html",
    "mattermost/i18n/en.json",
    "mattermost/templates",
    "mattermost/fonts",
    "mattermost/logs",
    "mattermost/prepackaged_plugins",
    "mattermost/MIT-COMPILED-LICENSE.md",
    "mattermost/NOTICE.txt",
    "mattermost/README.md",
]


def test_everything_is_below_one_directory(release):
    assert {name.split("/")[0] for name in release.members} == {"mattermost"}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_is_there(release, name):
    assert name in release.members


@pytest.mark.parametrize("name", ["data", "plugins", "client/plugins", "ENTERPRISE-EDITION-LICENSE.txt"])
def test_a_member_is_not_there(release, name):
    assert f"mattermost/{name}" not in release.members


def test_programs_are_executable(release):
    for name in ("mattermost", "mmctl"):
        assert release.members[f"mattermost/bin/{name}"].mode & 0o111 == 0o111


def test_the_configuration_is_private(release):
    assert release.members["mattermost/config/config.json"].mode & 0o777 == 0o600


@pytest.mark.parametrize("name", sorted(contract.KEYS))
def test_a_setting_has_its_type_and_fresh_value(release, name):
    kind, value = contract.KEYS[name]
    section, key = name.split(".")
    found = json.loads(release.config.read_text())[section][key]
    assert type(found) is kind, f"{name} is {found!r}"
    if value is not None:
        assert found == value


def test_removed_sections_are_gone(release, rules):
    config = json.loads(release.config.read_text())
    for since, sections in contract.GONE.items():
        for section in sections:
            assert not (rules.at_least(*since) and section in config)


def test_the_archive_is_not_the_empty_file(release):
    assert release.sha256 != EMPTY
