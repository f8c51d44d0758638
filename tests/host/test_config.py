"""The server's configuration on a deployed host: private, complete, and what the rest of the host counts on."""

import json

import pytest

CONFIG = "/var/opt/mattermost/config/config.json"
ENVIRONMENT = "/etc/mattermost/environment"
SOCKET = "/run/mattermost/local.socket"


@pytest.fixture(scope="module")
def config(host):
    """config.json as the server last wrote it."""
    return json.loads(host.check_output("cat %s", CONFIG))


def test_config_belongs_to_the_server_alone(host):
    file = host.file(CONFIG)
    assert (file.user, file.group, file.mode) == ("mattermost", "mattermost", 0o600)


def test_the_servers_folder_of_its_config_is_roots(host):
    """The server may write the file, not put another one in its place."""
    folder = host.file(CONFIG.rpartition("/")[0])
    assert folder.user == "root"
    assert not folder.mode & 0o022


def test_the_environment_is_roots_alone(host):
    file = host.file(ENVIRONMENT)
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)


def test_no_secret_stands_in_config(config):
    """What we set as a secret reaches the server by its environment, which it does not write down."""
    assert config["EmailSettings"]["SMTPPassword"] == ""
    assert "sslmode=disable&connect_timeout=10&user" not in config["SqlSettings"]["DataSource"]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("ServiceSettings", "ListenAddress", "127.0.0.1:8065"),
        ("ServiceSettings", "TrustedProxyIPHeader", ["X-Real-IP"]),
        ("ServiceSettings", "EnableLocalMode", True),
        ("FileSettings", "Directory", "/var/opt/mattermost/data/"),
        ("PluginSettings", "Directory", "/var/opt/mattermost/plugins"),
        ("PluginSettings", "ClientDirectory", "/var/opt/mattermost/client-plugins"),
        ("SqlSettings", "MaxOpenConns", 80),
        ("EmailSettings", "PushNotificationContents", "generic"),
        ("LogSettings", "EnableDiagnostics", False),
        ("LogSettings", "EnableSentry", False),
        ("ServiceSettings", "EnableSecurityFixAlert", False),
    ],
)
def test_config_says(config, section, key, value):
    assert config[section][key] == value


def test_a_fresh_server_has_a_fresh_installs_sessions(config):
    """A config.json that lacks keys gets an old server's defaults, 180 days among them."""
    assert config["ServiceSettings"]["SessionLengthWebInHours"] == 720


def test_users_links_point_to_the_site(config, trial):
    assert config["ServiceSettings"]["SiteURL"] in (trial["URL"], trial["URL"].replace("https://", "http://"))


def test_the_local_socket_is_the_servers_alone(host):
    found = host.file(SOCKET)
    assert found.is_socket
    assert (found.user, found.mode) == ("mattermost", 0o600)
