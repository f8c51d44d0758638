"""What the stand-in makes of a configuration: types, corrections, environment, faults."""

import json

import pytest
from standin import config_model, config_rules, config_values, gojson
from standin.config_backing import ConfigError
from standin.config_store import ConfigStore
from standin.mmctl import configuration
from standin.versions import Build

SALTS = {"SqlSettings": {"AtRestEncryptKey": "k" * 32}, "FileSettings": {"PublicLinkSalt": "s" * 32}}


def complete(build, part=None):
    given = {section: dict(keys) for section, keys in SALTS.items()}
    for section, keys in (part or {}).items():
        given.setdefault(section, {}).update(keys)
    return config_values.complete(given, build)


def store(tmp_path, build, text, environ=None):
    path = tmp_path / "config.json"
    path.write_text(text)
    return path, ConfigStore(build, str(path), environ or {})


def test_the_fresh_file_is_complete_for_its_version(build):
    fresh = config_model.fresh(build)
    assert fresh["ServiceSettings"]["SessionLengthWebInHours"] == 720
    assert fresh["EmailSettings"]["SMTPPort"] == ""
    assert "BleveSettings" not in fresh
    assert "BleveSettings" in config_model.fresh(Build("10.11.100"))


def test_a_missing_key_gets_the_default_for_an_update(build):
    config = complete(build)
    assert config["ServiceSettings"]["SessionLengthWebInHours"] == 4320
    assert config["EmailSettings"]["SendPushNotifications"] is False


def test_values_are_corrected(build):
    part = {"ServiceSettings": {"SiteURL": "https://a.test/"}, "FileSettings": {"Directory": "/srv/data"}}
    config = complete(build, part)
    assert config["ServiceSettings"]["SiteURL"] == "https://a.test"
    assert config["FileSettings"]["Directory"] == "/srv/data/"


def test_unknown_keys_are_dropped_except_below_plugins(build):
    raw = {"Nope": {}, "TeamSettings": {"Nope": 1}, "PluginSettings": {"Plugins": {"x": {"Any": 1}}}}
    part = config_values.known_part(raw, build)
    assert part == {"TeamSettings": {}, "PluginSettings": {"Plugins": {"x": {"Any": 1}}}}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"EmailSettings": {"SMTPPort": 25}}, "cannot unmarshal number into Go struct field EmailSettings"),
        ({"ServiceSettings": {"TrustedProxyIPHeader": "x"}}, "cannot unmarshal string"),
        ({"TeamSettings": {"EnableOpenServer": "true"}}, "of type bool"),
        ({"FileSettings": {"MaxFileSize": True}}, "cannot unmarshal bool"),
    ],
)
def test_a_wrong_type_is_named(build, raw, words):
    text = json.dumps(raw)
    with pytest.raises(ValueError, match=words):
        config_values.known_part(raw, build, text)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"ServiceSettings": {"SiteURL": "chat.test"}}, "Site URL must be a valid URL"),
        ({"TeamSettings": {"SiteName": "x" * 31}}, "less than or equal to 30"),
        ({"SqlSettings": {"DriverName": "oracle"}}, "Invalid driver name"),
        ({"RateLimitSettings": {"PerSec": 0}}, "per sec"),
        ({"PasswordSettings": {"MinimumLength": 4}}, "password length"),
        ({"ServiceSettings": {"CollapsedThreads": "maybe"}}, "CollapsedThreads"),
    ],
)
def test_an_invalid_value_is_refused(build, part, words):
    assert words in config_rules.first_fault(complete(build, part), build)


def test_a_complete_configuration_is_valid(build):
    assert config_rules.first_fault(complete(build), build) is None


@pytest.mark.parametrize(
    ("version", "before", "part"),
    [
        ("11.7.100", "10.11.100", {"TeamSettings": {"ExperimentalViewArchivedChannels": False}}),
        ("11.7.100", "10.11.100", {"ExperimentalSettings": {"ClientSideCertEnable": True}}),
        ("11.7.100", "10.11.100", {"SqlSettings": {"DriverName": "mysql"}}),
        ("12.0.100", "11.10.100", {"ImageProxySettings": {"ImageProxyType": "atmos/camo"}}),
    ],
)
def test_blocking_keys_block_their_version_and_not_the_one_before(version, before, part):
    for number, blocks in ((version, True), (before, False)):
        build = Build(number)
        assert bool(config_rules.first_fault(complete(build, part), build)) is blocks


def test_the_environment_overrides_by_type_and_ignores_what_fits_nothing(build):
    environ = {
        "MM_SERVICESETTINGS_ENABLELOCALMODE": "1",
        "MM_SQLSETTINGS_MAXOPENCONNS": "80",
        "MM_SERVICESETTINGS_TRUSTEDPROXYIPHEADER": "X-Real-IP X-Forwarded-For",
        "MM_TEAMSETTINGS_ENABLEOPENSERVER": "perhaps",
        "MM_TEAMSETTINGS_NOSUCHKEY": "1",
    }
    assert config_values.overrides(environ, build) == {
        ("ServiceSettings", "EnableLocalMode"): True,
        ("SqlSettings", "MaxOpenConns"): 80,
        ("ServiceSettings", "TrustedProxyIPHeader"): ["X-Real-IP", "X-Forwarded-For"],
    }


def test_a_load_rewrites_the_file_once_and_then_leaves_its_bytes(tmp_path, build):
    path, config = store(tmp_path, build, '{"ServiceSettings": {"SiteURL": "https://a.test/?a=1&b=2"}}')
    config.load()
    first = path.read_bytes()
    assert b"\\u0026" in first
    assert not first.endswith(b"\n")
    ConfigStore(build, str(path), {}).load()
    assert path.read_bytes() == first


def test_what_the_environment_sets_is_never_written(tmp_path, build):
    environ = {"MM_SQLSETTINGS_DATASOURCE": "postgres://secret"}
    path, config = store(tmp_path, build, '{"SqlSettings": {"DataSource": "postgres://old"}}', environ)
    config.load()
    assert config["SqlSettings"]["DataSource"] == "postgres://secret"
    config.save(config_values.merge(config.effective, {"TeamSettings": {"SiteName": "New"}}))
    written = json.loads(path.read_text())
    assert written["SqlSettings"]["DataSource"] == "postgres://old"
    assert written["TeamSettings"]["SiteName"] == "New"


@pytest.mark.parametrize(
    "text", ['{"a"', '{"EmailSettings": {"SMTPPort": 25}}', '{"RateLimitSettings": {"PerSec": 0}}']
)
def test_a_bad_file_is_left_alone(tmp_path, build, text):
    path, config = store(tmp_path, build, text)
    with pytest.raises(ConfigError, match=r"parsing error at line 1|Config\.IsValid"):
        config.load()
    assert path.read_text() == text


def test_secrets_come_back_as_stars_and_stars_change_nothing(build):
    config = complete(build)
    shown = config_values.masked(config)
    assert shown["SqlSettings"]["DataSource"] == "*" * 32
    assert config_values.merge(config, config_values.without_masks(shown)) == config


def test_a_patch_replaces_a_map_whole_and_mmctl_merges_before(build):
    config = complete(build, {"PluginSettings": {"Plugins": {"a": {"x": 1}, "b": {"y": 1, "z": 2}}}})
    part = {"PluginSettings": {"Plugins": {"b": {"y": 3}}}, "Nonsense": {"a": 1}}
    whole = configuration.merged(config, part)
    assert whole["PluginSettings"]["Plugins"] == {"a": {"x": 1}, "b": {"y": 3, "z": 2}}
    assert "Nonsense" not in whole
    del part["Nonsense"]
    assert config_values.merge(config, part)["PluginSettings"]["Plugins"] == {"b": {"y": 3}}


def test_json_is_written_with_the_servers_escapes():
    assert gojson.dumps({"a": "<&>", "b": []}, indent=4) == '{\n    "a": "\\u003c\\u0026\\u003e",\n    "b": []\n}'
