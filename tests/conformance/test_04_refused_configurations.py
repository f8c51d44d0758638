"""Row 4: a configuration that cannot be used stops the start and stays as it is."""

import json

import pytest

from tests.conformance import contract

PREFIX = "Error: failed to load configuration: failed to create store: unable to load on store creation: "
EVERY_INVALID = sorted(
    {
        (name, repr(value))
        for version in ((11, 0, 0), (12, 0, 0))
        for name, value, _ in contract.Contract(version).invalid_values()
    }
)


def refused(site, words):
    before = site.config_file.read_text()
    server = site.start()
    assert server.wait_end() == 1
    errors = server.error_text()
    assert PREFIX in errors
    assert words in errors
    assert ("Usage:" in errors) is not site.release.contract.at_least(11, 0), "only the form without the word server"
    assert site.config_file.read_text() == before
    return errors.splitlines()[0]


@pytest.mark.parametrize("text", ['{"ServiceSettings": {', "not json", '{"ServiceSettings": {"SiteURL": "x",}}'])
def test_bad_json(site, text):
    site.write_text(text)
    assert "character" in refused(site, "parsing error at line 1")


def test_bad_json_names_the_line(site):
    site.write_text('{\n  "TeamSettings": {\n    "SiteName": oops\n  }\n}')
    refused(site, "parsing error at line 3")


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("EmailSettings.SMTPPort", 25, "number"),
        ("ServiceSettings.TrustedProxyIPHeader", "X-Real-IP", "string"),
        ("TeamSettings.EnableOpenServer", "true", "string"),
    ],
)
def test_a_wrong_type(site, name, value, kind):
    site.write_config({name: value})
    first = refused(site, f"json: cannot unmarshal {kind} into Go struct field")
    assert name.split(".")[1] in first


@pytest.mark.parametrize(("name", "shown"), EVERY_INVALID)
def test_an_invalid_value(site, rules, name, shown):
    known = {(key, repr(value)): (value, words) for key, value, words in rules.invalid_values()}
    if (name, shown) not in known:
        pytest.skip("this version does not refuse it")
    value, words = known[name, shown]
    base = json.loads(site.config_file.read_text())
    base["SqlSettings"]["AtRestEncryptKey"] = "k" * 32
    base["FileSettings"]["PublicLinkSalt"] = "s" * 32
    site.write_config({name: value}, base)
    refused(site, words)


def test_without_the_word_server_the_usage_is_printed_too(site):
    site.write_text("{")
    server = site.start(words=())
    assert server.wait_end() == 1
    assert "Usage:" in server.error_text()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LocalizationSettings.DefaultServerLocale", "xx"),
        ("EmailSettings.PushNotificationContents", "everything"),
        ("FileSettings.Directory", "/proc/nowhere/"),
        ("ExportSettings.RetentionDays", 0),
    ],
)
def test_a_strange_value_that_is_not_refused(site, name, value):
    site.write_config({name: value}, site.config())
    site.up()


def test_an_unknown_log_level_fails_after_the_rewrite(site):
    site.set(LogSettings__ConsoleLevel="LOUD")
    before = site.config_file.read_text()
    server = site.start()
    assert server.wait_end() == 1
    assert "loud is not a standard level" in server.error_text() + server.log_text()
    assert site.config_file.read_text() != before


def test_tls_needs_its_files(site):
    site.set(ServiceSettings__ConnectionSecurity="TLS")
    base = site.config()
    base["SqlSettings"]["AtRestEncryptKey"] = "k" * 32
    base["FileSettings"]["PublicLinkSalt"] = "s" * 32
    site.write_config({}, base)
    refused(site, "Config.IsValid")
