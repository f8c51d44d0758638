"""The settings core: what merges, what wins, and one clear sentence for each fault."""

import mattermost_settings_core as core
import mattermost_settings_data
import pytest

DATA = mattermost_settings_data.load(["salt"])
DEBIAN = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}


def merge(pillar=None, options=None, grains=DEBIAN):
    return core.merge(DATA, pillar or {}, options or {}, grains, "chat.example.test")


def test_an_email_is_all_that_production_needs():
    settings = merge({"email": "admin@example.test"})
    assert settings["name"] == "chat.example.test"
    assert settings["server"]["admin"]["email"] == "admin@example.test"
    assert settings["platform"]["postgresql"]["version"] == 15
    assert len(settings["release"]["sha256"]) == 64
    assert settings["release"]["pinned"] is False
    assert settings["release"]["source"].endswith("-linux-amd64.tar.gz")


def test_the_pillar_wins_over_platform_and_defaults():
    settings = merge({"server": {"port": 8066}, "platform": {"nginx": {"user": "web"}}})
    assert settings["server"]["port"] == 8066
    assert settings["platform"]["nginx"]["user"] == "web"
    assert settings["platform"]["nginx"]["packages"] == ["nginx"]


def test_naming_a_version_pins_it():
    assert merge({"release": {"version": "11.7.10"}})["release"]["pinned"] is True


def test_the_roster_options_of_the_talk_are_honoured():
    settings = merge(
        {"database": {"name": "other"}},
        {
            "postgres.host": "localhost",
            "postgres.port": 5432,
            "postgres.user": "postgres",
            "postgres.pass": "superuser",
            "postgres.bins_dir": "/usr/pgsql-9.4/bin",
            "postgres.mm_database_name": "mm",
            "postgres.mm_database_user": "mmuser",
            "postgres.mm_database_pass": "given",
        },
    )
    database = settings["database"]
    assert (database["name"], database["user"], database["password"]) == ("mm", "mmuser", "given")
    assert database["superuser_password"] == "superuser"
    assert database["auth"] == "password"


@pytest.mark.parametrize(
    ("pillar", "sentence"),
    [
        ({"relase": {}}, "mattermost:relase is not a setting. Did you mean release?"),
        ({"server": {"prot": 1}}, "mattermost:server:prot is not a setting. Did you mean port?"),
        (
            {"server": {"port": "8065"}},
            "mattermost:server:port must be of type integer, not str '8065'. Write the value without quotes.",
        ),
        ({"server": {"port": 80}}, "mattermost:server:port is 80, but the minimum is 1024."),
        (
            {"push": {"service": "hostd"}},
            "mattermost:push:service is 'hostd', but must be one of disabled, test, hosted, own. Did you mean hosted?",
        ),
        (
            {"mail": {"password": 7}},
            "mattermost:mail:password must be of type string, not int (hidden). Write the value in quotes, '...'.",
        ),
    ],
)
def test_a_fault_has_one_sentence_with_its_key(pillar, sentence):
    with pytest.raises(core.SettingsError) as caught:
        merge(pillar)
    assert caught.value.faults == [sentence]


def test_all_faults_are_told_at_once():
    with pytest.raises(core.SettingsError) as caught:
        merge(
            {"relase": {}, "server": {"port": "x"}},
            {"postgres.host": "db.example.test"},
            DEBIAN | {"osmajorrelease": 9},
        )
    assert len(caught.value.faults) == 4


def test_a_secret_never_stands_in_a_fault():
    with pytest.raises(core.SettingsError) as caught:
        merge({"mail": {"password": ["s3cret"]}})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("password", ["plain", "pass word: 7#x", 'it\'s "quoted"', "pässwörd", "back\\slash", "50%"])
def test_a_password_that_salt_ssh_carries_is_taken_from_the_roster(password):
    assert core.from_roster({"postgres.pass": password}) == ({"database": {"superuser_password": password}}, [])


@pytest.mark.parametrize("password", ["bäck\\slash", "new\\name", "tab\\tab", 'three"""quotes', 'ä"b', "\\"])
def test_a_password_that_salt_ssh_would_break_is_refused_with_the_better_way(password):
    _, faults = core.from_roster({"postgres.pass": password})
    assert len(faults) == 1
    assert "postgres.pass" in faults[0]
    assert "mattermost:database:superuser_password" in faults[0]
    assert password not in faults[0]
