"""What the web server's settings follow from."""

import mattermost_settings_core as core
import mattermost_settings_data
import pytest

DATA = mattermost_settings_data.load(["salt"])
DEBIAN = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
MIB = 1024 * 1024


def merge(pillar):
    return core.merge(DATA, pillar, {}, DEBIAN, "chat.example.test")


def test_nginx_lets_the_servers_largest_file_through():
    assert merge({})["nginx"]["body_limit"] == 101 * MIB
    given = {"server": {"config": {"FileSettings": {"MaxFileSize": 7 * MIB}}}}
    assert merge(given)["nginx"]["body_limit"] == 8 * MIB


def test_the_variable_of_the_servers_largest_file_wins():
    config = {"FileSettings": {"MaxFileSize": 7 * MIB}}
    given = {"server": {"config": config, "environment": {"MM_FILESETTINGS_MAXFILESIZE": str(300 * MIB)}}}
    assert merge(given)["nginx"]["body_limit"] == 301 * MIB


def test_the_site_names_the_certificate_that_its_source_makes():
    acme, own = merge({})["certificate"], merge({"certificate": {"source": "files"}})["certificate"]
    assert acme["chain_file"] == "/etc/letsencrypt/live/chat.example.test/fullchain.pem"
    assert acme["key_file"] == "/etc/letsencrypt/live/chat.example.test/privkey.pem"
    assert own["chain_file"] == "/etc/mattermost/certificate/fullchain.pem"


def test_the_authoritys_root_travels_as_text(tmp_path):
    path = tmp_path / "root.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\n")
    settings = mattermost_settings_data.with_files(merge({"letsencrypt": {"ca_file": str(path)}}))
    assert settings["letsencrypt"]["ca_pem"] == path.read_text()
    assert mattermost_settings_data.with_files(merge({}))["letsencrypt"]["ca_pem"] == ""


@pytest.mark.parametrize(
    ("text", "words"), [(None, "The controller cannot read that file"), ("hello", "contains no certificate")]
)
def test_a_useless_root_is_a_fault_of_the_setting(tmp_path, text, words):
    path = tmp_path / "root.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(core.SettingsError, match=words) as caught:
        mattermost_settings_data.with_files(merge({"letsencrypt": {"ca_file": str(path)}}))
    assert caught.value.faults[0].startswith(f"mattermost:letsencrypt:ca_file is {path}")
