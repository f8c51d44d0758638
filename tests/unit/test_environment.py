"""The environment file: quoting that systemd undoes, data source names, and variables that are refused."""

import urllib.parse

import mattermost_environment_core as core
import pytest

RELEASE = {
    "ServiceSettings": {"SiteURL": "", "EnableLocalMode": False, "ReadTimeout": 300},
    "TeamSettings": {"SiteName": "", "EnableOpenServer": False},
}
NASTY = "p@ss:w/or#d%1 \"q\" 'a' $HOME `id` \\ é"


def test_without_a_password_the_server_comes_over_the_socket():
    source = core.data_source("mattermost", "mattermost", "/var/run/postgresql")
    assert source == (
        "postgres:///mattermost?host=/var/run/postgresql&user=mattermost&sslmode=disable&connect_timeout=10"
    )


def test_another_port_is_part_of_the_sockets_name():
    assert "port=5433" in core.data_source("m", "m", "/run/postgresql", port=5433)


def test_everything_in_a_password_is_encoded():
    uri = urllib.parse.urlsplit(core.data_source("db", "mm", password=NASTY))
    assert urllib.parse.unquote(uri.password) == NASTY
    assert (uri.hostname, uri.port, uri.path) == ("127.0.0.1", 5432, "/db")


def test_what_is_written_reads_back():
    variables = {"MM_A": NASTY, "MM_B": "", "MM_C": "a b"}
    assert core.parsed(core.rendered(variables)) == variables


def test_quoting_escapes_what_systemd_unescapes():
    assert core.quoted('a"b\\c$d`e%f') == '"a\\"b\\\\c\\$d\\`e%f"'


def test_a_line_break_is_refused_by_name_and_never_shown():
    with pytest.raises(core.Unusable) as caught:
        core.rendered({"MM_X": "s3cret\nMM_Y=1"})
    assert "MM_X" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MM_SERVICESETTINGS_SITURL", "x", "Did you mean MM_SERVICESETTINGS_SITEURL?"),
        ("MM_TEAMSETTINGS_ENABLEOPENSERVER", "yes", "must be true or false"),
        ("MM_SERVICESETTINGS_READTIMEOUT", "5m", "must be a whole number"),
        ("MM_SQLSETTINGS_DATASOURCE", "x", "use mattermost:database"),
        ("MM_SERVICESETTINGS_LISTENADDRESS", "x", "use mattermost:server:port"),
        ("MM_TEAMSETTINGS_ENABLEUSERCREATION", "true", "use mattermost:server:config"),
    ],
)
def test_a_variable_that_would_do_nothing_or_harm_is_refused(name, value, sentence):
    found = core.faults({name: value}, RELEASE, "11.7.100", {})
    assert len(found) == 1
    assert sentence in found[0]


def test_a_key_set_by_variable_and_by_config_is_refused():
    found = core.faults({"MM_TEAMSETTINGS_SITENAME": "A"}, RELEASE, "11.7.100", {"TeamSettings": {"SiteName": "B"}})
    assert "set twice" in found[0]


@pytest.mark.parametrize("name", ["MM_TEAMSETTINGS_SITENAME", "MM_FEATUREFLAGS_X", "MM_LICENSE"])
def test_variables_that_the_server_reads_pass(name):
    assert core.faults({name: "x"}, RELEASE, "11.7.100", {}) == []


def test_a_key_that_is_insisted_on_passes():
    assert core.faults({"MM_TEAMSETTINGS_NEW": "x"}, RELEASE, "11.7.100", {}, ["TeamSettings.New"]) == []
