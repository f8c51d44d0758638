"""config.json: which keys are wanted, which are refused, what differs, what is shown."""

import mattermost_config_core as core
import mattermost_config_from_settings as wants
import pytest

RELEASE = {
    "ServiceSettings": {
        "SiteURL": "",
        "ListenAddress": ":8065",
        "TrustedProxyIPHeader": [],
        "ReadTimeout": 300,
        "EnableLocalMode": False,
        "MaximumLoginAttempts": 10,
    },
    "TeamSettings": {"SiteName": "Mattermost", "EnableUserCreation": True, "ExperimentalViewArchivedChannels": True},
    "FileSettings": {"Directory": "./data/", "AmazonS3SecretAccessKey": ""},
    "EmailSettings": {"SMTPPort": "", "SMTPServer": "", "SendEmailNotifications": False},
    "SqlSettings": {"DriverName": "postgres", "ReplicaLagSettings": []},
    "ExperimentalSettings": {"ClientSideCertEnable": False},
    "PluginSettings": {"Plugins": {}, "PluginStates": {}},
    "ImageProxySettings": {"ImageProxyType": "local"},
}


def faults(config, insist=()):
    return core.faults(core.flatten(config), RELEASE, "11.7.100", insist)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"ServiceSetings": {"SiteURL": "x"}}, "ServiceSetings is not a key of Mattermost 11.7.100's config.json. Did you mean ServiceSettings?"),
        ({"ServiceSettings": {"siteurl": "x"}}, "Did you mean ServiceSettings.SiteURL?"),
        ({"TeamSettings": {"SiteNam": "x"}}, "Did you mean TeamSettings.SiteName?"),
        ({"TeamSettings": {"SMTPPort": "25"}}, "Did you mean EmailSettings.SMTPPort?"),
        ({"EmailSettings": {"SMTPPort": 25}}, "EmailSettings.SMTPPort must be a string, not 25. Write it in quotes: '25'."),
        ({"ServiceSettings": {"EnableLocalMode": "true"}}, "ServiceSettings.EnableLocalMode must be true or false, not 'true'."),
        ({"ServiceSettings": {"ReadTimeout": True}}, "ServiceSettings.ReadTimeout must be a whole number, not true."),
        ({"ServiceSettings": {"ReadTimeout": 1.5}}, "must be a whole number, not 1.5."),
        ({"ServiceSettings": {"TrustedProxyIPHeader": "X"}}, "must be a list, not 'X'."),
        ({"ServiceSettings": {"SiteURL": None}}, "ServiceSettings.SiteURL must be a string, not null."),
        ({"ServiceSettings": {"SiteURL": {"a": 1}}}, "ServiceSettings.SiteURL is a string in Mattermost 11.7.100, not a map with keys."),
        ({"FileSettings": {"AmazonS3SecretAccessKey": ["s3cret"]}}, "must be a string, not (hidden)."),
        ({"ServiceSettings": {"EnableAppBar": True}}, "That key was replaced by ExperimentalSettings.DisableAppBar (the opposite value)."),
    ],
)  # fmt: skip
def test_a_wrong_key_or_type_gets_one_sentence(config, sentence):
    found = faults(config)
    assert len(found) == 1
    assert sentence in found[0]


def test_every_wrong_key_is_named_at_once():
    assert len(faults({"ServiceSettings": {"A": 1, "B": 2}, "Nothing": {"C": 3}})) == 3


def test_right_keys_and_free_maps_of_plugins_pass():
    config = {
        "ServiceSettings": {"SiteURL": "https://x", "ReadTimeout": 5, "TrustedProxyIPHeader": ["X-Real-IP"]},
        "PluginSettings": {"Plugins": {"com.example.p": {"a": {"b": 1}}}, "PluginStates": {"x.y": {"Enable": True}}},
    }
    assert faults(config) == []


def test_a_key_that_is_insisted_on_passes():
    assert faults({"ServiceSettings": {"NewKey": 1}}, insist=["ServiceSettings.NewKey"]) == []


@pytest.mark.parametrize(
    ("key", "written", "asked"),
    [
        (("ServiceSettings", "SiteURL"), "https://chat.example.test", "https://chat.example.test/"),
        (("FileSettings", "Directory"), "/var/opt/mattermost/data/", "/var/opt/mattermost/data"),
        (("EmailSettings", "SMTPServer"), "localhost", ""),
    ],
)
def test_the_servers_own_spelling_is_no_difference(key, written, asked):
    assert core.differences(core.nest({key: written}), {key: asked}) == {}


def test_true_is_not_one():
    assert core.differences({"A": {"b": True}}, {("A", "b"): 1}) == {("A", "b"): 1}


def test_only_changed_keys_are_shown_and_secrets_never():
    config = {"EmailSettings": {"SMTPPassword": "old-s3cret"}, "TeamSettings": {"SiteName": "A"}}
    shown = core.changes(config, {("EmailSettings", "SMTPPassword"): "new-s3cret", ("TeamSettings", "SiteName"): "B"})
    assert shown == {
        "EmailSettings.SMTPPassword": {"old": "(hidden)", "new": "(hidden)"},
        "TeamSettings.SiteName": {"old": "A", "new": "B"},
    }


def test_texts_of_plugins_are_masked():
    shown = core.changes({}, {("PluginSettings", "Plugins", "p", "anything"): "s3cret"})
    assert "s3cret" not in str(shown)


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("SqlSettings", "DataSource", "postgres://u:s3cret@h/d"),
        ("SqlSettings", "DataSourceSearchReplicas", ["s3cret"]),
        ("SqlSettings", "ReplicaLagSettings", [{"DataSource": "s3cret"}]),
        ("ElasticsearchSettings", "ConnectionURL", "https://u:s3cret@search.example.test"),
        ("PluginSettings", "Plugins", {"p": {"anything": "s3cret"}}),
    ],
)
def test_a_whole_configuration_is_shown_without_its_secrets(section, name, value):
    config = {section: {name: value}, "TeamSettings": {"SiteName": "A", "Maps": {}}}
    shown = core.all_shown(config)
    assert "s3cret" not in str(shown)
    assert shown["TeamSettings"] == config["TeamSettings"]
    assert name in shown[section]


@pytest.mark.parametrize(
    ("key", "restart"),
    [
        (("TeamSettings", "SiteName"), False),
        (("PluginSettings", "Plugins", "x", "y"), False),
        (("EmailSettings", "SMTPServer"), False),
        (("ServiceSettings", "ListenAddress"), True),
        (("ServiceSettings", "SomethingNew"), True),
    ],
)
def test_a_restart_only_for_keys_that_need_one_or_are_unknown(key, restart):
    assert core.needs_restart([key]) is restart


@pytest.mark.parametrize(
    ("version", "config", "variables", "sentence"),
    [
        ("11.7.10", {"TeamSettings": {"ExperimentalViewArchivedChannels": False}}, {}, "ExperimentalViewArchivedChannels is false"),
        ("11.7.10", {}, {"MM_TEAMSETTINGS_EXPERIMENTALVIEWARCHIVEDCHANNELS": "false"}, "the environment variable MM_TEAM"),
        ("11.0.0", {"ExperimentalSettings": {"ClientSideCertEnable": True}}, {}, "Set it to false"),
        ("11.0.0", {"SqlSettings": {"DriverName": "mysql"}}, {}, "PostgreSQL"),
        ("12.0.2", {"ImageProxySettings": {"ImageProxyType": "atmos/camo"}}, {}, "Set it to local"),
    ],
)  # fmt: skip
def test_a_value_that_stops_the_version_is_named(version, config, variables, sentence):
    assert sentence in "".join(each.sentence for each in core.blocked(config, version, variables))


def test_the_environment_wins_over_a_blocking_value_in_the_file():
    config = {"TeamSettings": {"ExperimentalViewArchivedChannels": False}}
    assert core.blocked(config, "11.7.10", {"MM_TEAMSETTINGS_EXPERIMENTALVIEWARCHIVEDCHANNELS": "true"}) == []


def test_older_versions_are_not_blocked():
    assert core.blocked({"TeamSettings": {"ExperimentalViewArchivedChannels": False}}, "10.11.9", {}) == []
    assert core.blocked({"ImageProxySettings": {"ImageProxyType": "atmos/camo"}}, "11.7.10", {}) == []


# what the settings want --------------------------------------------------------------------------------------------------


def settings(**over):
    base = {
        "name": "chat.example.test",
        "max_connections": 100,
        "server": {"port": 8065, "local_mode": True, "config": {}, "insist": []},
        "paths": {"run": "/run/mattermost", "state": "/var/opt/mattermost"},
        "mail": {
            "server": "", "port": 587, "security": "starttls", "username": "", "from_address": "a@example.test",
            "from_name": "Mattermost", "skip_certificate_check": False,
        },
        "push": {"service": "disabled", "url": "", "contents": "generic"},
    }  # fmt: skip
    for name, part in over.items():
        base[name] = {**base[name], **part} if isinstance(part, dict) else part
    return base


def nested(which, **over):
    return core.nest(wants.keys(settings(**over))[which])


def test_the_server_listens_on_loopback_and_believes_nginx_about_addresses():
    held = nested(0)
    assert held["ServiceSettings"]["ListenAddress"] == "127.0.0.1:8065"
    assert held["ServiceSettings"]["TrustedProxyIPHeader"] == ["X-Real-IP"]


def test_the_pool_leaves_connections_for_others():
    assert nested(0, max_connections=60)["SqlSettings"]["MaxOpenConns"] == 40
    assert nested(0, max_connections=60)["SqlSettings"]["MaxIdleConns"] == 20


def test_the_smtp_port_is_a_text():
    assert nested(0, mail={"server": "smtp.example.test", "port": 25})["EmailSettings"]["SMTPPort"] == "25"


@pytest.mark.parametrize(("security", "value"), [("plain", ""), ("starttls", "STARTTLS"), ("tls", "TLS")])
def test_mail_security_is_spelled_as_the_server_does(security, value):
    held = nested(0, mail={"server": "smtp.example.test", "security": security})
    assert held["EmailSettings"]["ConnectionSecurity"] == value


def test_without_mail_and_push_an_administrator_may_switch_them_on():
    held, first = nested(0), nested(1)
    assert "EmailSettings" not in held
    assert first["EmailSettings"]["SendEmailNotifications"] is False
    assert first["EmailSettings"]["EnablePreviewModeBanner"] is False
    assert first["EmailSettings"]["SendPushNotifications"] is False


@pytest.mark.parametrize(
    ("push", "server"),
    [
        ({"service": "test"}, "https://push-test.mattermost.com"),
        ({"service": "hosted"}, "https://global.push.mattermost.com"),
        ({"service": "own", "url": "https://push.example.test"}, "https://push.example.test"),
    ],
)
def test_push_goes_where_the_settings_say_and_tells_little(push, server):
    email = nested(0, push=push)["EmailSettings"]
    assert email["PushNotificationServer"] == server
    assert email["SendPushNotifications"] is True
    assert email["PushNotificationContents"] == "generic"


def test_the_users_own_keys_win():
    held = nested(0, server={"config": {"ServiceSettings": {"ListenAddress": "127.0.0.1:9"}}})
    assert held["ServiceSettings"]["ListenAddress"] == "127.0.0.1:9"
    first = nested(1, server={"config": {"LogSettings": {"EnableSentry": True}}})
    assert "EnableSentry" not in first["LogSettings"]


def test_the_key_that_opens_sign_up_is_left_to_the_account_state():
    with_it = {"config": {"TeamSettings": {"EnableUserCreation": True}}}
    assert "TeamSettings" not in nested(0, server=with_it)
    assert wants.sign_up(settings(server=with_it)) is True
    assert wants.sign_up(settings()) is None


def test_our_first_choice_returns_only_when_its_setting_changes():
    first = wants.keys(settings())[1]
    assert wants.due(first, first) == {}
    key = ("EmailSettings", "SendPushNotifications")
    assert wants.due(first, {**first, key: True}) == {key: False}


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"mail": {"server": "smtp.example.test", "from_address": ""}}, "mattermost:mail:from_address"),
        ({"mail": {"username": "me"}}, "mattermost:mail:server"),
        ({"push": {"service": "own"}}, "mattermost:push:url"),
    ],
)
def test_a_setting_that_lacks_its_partner_is_named(over, sentence):
    assert sentence in "".join(wants.faults(settings(**over)))
