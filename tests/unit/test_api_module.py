"""mattermost_api.config: what a server says of itself, without its secrets."""

import json

import pytest

from tests.fake_server import FakeServer
from tests.states import load_state

CONFIG = {
    "TeamSettings": {"SiteName": "Chat"},
    "FileSettings": {"PublicLinkSalt": "s3cret", "AmazonS3AccessKeyId": ""},
    "PluginSettings": {"Plugins": {"p": {"a": "s3cret"}}},
}


@pytest.fixture
def config(tmp_path):
    """Ask a server that shows secrets over its socket."""
    file, socket = tmp_path / "config.json", tmp_path / "local.socket"
    file.write_text(json.dumps(CONFIG))
    server = FakeServer(socket, file, in_clear=True)
    yield lambda key=None: load_state("mattermost_api", folder="_modules").config(key, socket=str(socket))
    server.close()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("FileSettings.PublicLinkSalt", "(hidden)"),
        ("FileSettings", {"PublicLinkSalt": "(hidden)", "AmazonS3AccessKeyId": ""}),
        ("PluginSettings.Plugins", {"p": {"a": "(hidden)"}}),
        ("TeamSettings.SiteName", "Chat"),
        ("TeamSettings.Nothing", None),
    ],
)
def test_one_key_is_shown_unless_it_is_secret(config, key, value):
    assert config(key) == value


def test_the_whole_is_shown_without_secrets(config):
    shown = config()
    assert "s3cret" not in str(shown)
    assert (shown["TeamSettings"], set(shown)) == (CONFIG["TeamSettings"], set(CONFIG))
