"""Values of the host's own config.json are judged before an upgrade: read as the server's account, bounded, and never a secret of it."""

import json
import os
import shutil
import subprocess

import mattermost_config_keys as keys
import pytest
from mattermost_config_core import is_secret
from mattermost_controller.hosts import probe

from tests.config import debian_packages
from tests.soak import in_check
from tests.unit import probing
from tests.unit.test_preflight_upgrade import findings_of, of
from tests.unit.test_probe import settings

AWKS = [["gawk"], *(awk for awk in (["mawk"], ["busybox", "awk"], ["original-awk"]) if shutil.which(awk[0]))]
SECRET = "do-not-tell-me"
CONFIG = {
    "ServiceSettings": {"SiteURL": 'https://chat.example.test/a\\"b', "TLSMinVer": "9", "IdleTimeout": 0, "Empty": ""},
    "GitLabSettings": {"Enable": True, "Secret": SECRET},
    "EmailSettings": {"SMTPPassword": SECRET, "FeedbackEmail": 'IT "{x}" <it@example.test>'},
    "PluginSettings": {"Plugins": {"ServiceSettings": {"TLSMinVer": "1.1"}}, "ServiceSettings": {"TLSMinVer": ["1.0"]}},
    "SqlSettings": {
        "DataSource": SECRET,
        "AtRestEncryptKey": SECRET,
        "DriverName": "postgres",
        "Replicas": ["TLSMinVer"],
    },
}


def asked(tmp_path, text: bytes | None, awk=("awk",)):
    """Return what the real script tells of a host whose config.json is *text*, with the account changed by a program that changes none."""
    made, path = settings(), tmp_path / "bin"
    path.mkdir()
    made["paths"] |= {"state": str(tmp_path / "state"), "install": str(tmp_path / "install")}
    if text is not None:
        (tmp_path / "state/config").mkdir(parents=True)
        (tmp_path / "state/config/config.json").write_bytes(text)
    awk = " ".join([debian_packages.gawk() if awk == ["gawk"] else shutil.which(awk[0]), *awk[1:]])
    timeout = f'shift\nexec {shutil.which("timeout")} 2 "$@"'
    for name, words in {"runuser": 'shift 3\nexec "$@"', "timeout": timeout, "awk": f'exec {awk} "$@"'}.items():
        (path / name).write_text(f"#!/bin/sh\n{words}\n")
        (path / name).chmod(0o755)
    reading = probing.part(probe.script(["salt"], made), "read_config() {", 'for path in "$SETTINGS/environment"')
    script = f"PATH={path}:$PATH\n{reading}"
    done = subprocess.run(["/bin/sh", "-s"], input=script, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert SECRET not in done.stdout
    return done.stdout


@pytest.mark.parametrize("form", in_check([{"indent": 4}, {"separators": (",", ":")}], {"indent": 4}))
@pytest.mark.parametrize("awk", AWKS, ids=" ".join)
def test_the_keys_that_are_asked_for_are_read_from_json_in_any_form(tmp_path, awk, form):
    if awk == ["gawk"] and not debian_packages.gawk():
        pytest.skip("NO GAWK can be had: the probe was not tried under it.")
    text = asked(tmp_path, json.dumps(CONFIG, **form).encode(), awk)
    assert probe.parse(text)["config"] == {
        "ServiceSettings": {"TLSMinVer": "9", "IdleTimeout": 0},
        "GitLabSettings": {"Enable": True},
        "EmailSettings": {"FeedbackEmail": 'IT "{x}" <it@example.test>'},
        "SqlSettings": {"DriverName": "postgres"},
    }


NOT_READ = [
    None,
    b"",
    b"not JSON at all",
    b'{"ServiceSettings": {"TLSMinVer": "1.2"}',
    b'{"A": {"B": "' + b"x" * (1 << 20) + b'"}}',
    b'"' * 5000,
]


@pytest.mark.parametrize(
    "text",
    in_check(NOT_READ, None, NOT_READ[3]),
    ids=["missing", "empty", "words", "cut short", "more than 1 MiB", "quotes"],
)
def test_a_file_that_is_no_whole_configuration_counts_as_not_read(tmp_path, text):
    assert probe.parse(asked(tmp_path, text))["config"] is None


def test_a_value_makes_no_other_fact(tmp_path):
    text = b'{"ServiceSettings": {"TLSMinVer": "1\nusers\t3", "WebserverMode": "a\tb\rc"}}'
    facts = probe.parse(asked(tmp_path, text))
    assert facts["users"] is None
    assert set(facts["config"].get("ServiceSettings", {})) <= {"TLSMinVer", "WebserverMode"}


def test_a_pipe_in_its_place_holds_nobody_up_for_long(tmp_path):
    (tmp_path / "state/config").mkdir(parents=True)
    os.mkfifo(tmp_path / "state/config/config.json")
    assert probe.parse(asked(tmp_path, None))["config"] is None


def test_no_key_that_is_asked_for_holds_a_secret():
    assert [name for name in keys.ASKED if is_secret(tuple(name.split(".")))] == []


def levels(config, wanted="12.0.2", pillar=None, installed="11.7.9"):
    found = of(findings_of(installed, wanted, pillar, config=config), "upgrade-changes")
    return [one for one in found if one.level in ("refusal", "warning")]


@pytest.mark.parametrize(
    ("section", "name", "value", "level"),
    [
        ("ImageProxySettings", "ImageProxyType", "atmos/camo", "refusal"),
        ("ServiceSettings", "TLSMinVer", "1", "refusal"),
        ("ServiceSettings", "WebserverMode", "regular", "refusal"),
        ("ServiceSettings", "SessionLengthWebInHours", 0, "refusal"),
        ("ServiceSettings", "IdleTimeout", -1, "refusal"),
        ("EmailSettings", "FeedbackEmail", "IT <it@example.test>", "refusal"),
        ("ServiceSettings", "ExperimentalEnableHardenedMode", True, "warning"),
        ("GuestAccountsSettings", "AllowEmailAccounts", False, "warning"),
    ],
)
def test_a_value_of_the_hosts_file_is_named_with_its_key_and_file(section, name, value, level):
    (found,) = levels({section: {name: value}})
    assert found.level == level
    assert f"{section}.{name}" in found.sentence
    assert "/var/opt/mattermost/config/config.json" in found.sentence
    assert "it@example.test" not in found.sentence


def test_what_is_fine_or_concerns_another_upgrade_is_not_mentioned():
    fine = {
        "ServiceSettings": {
            "TLSMinVer": "1.2",
            "IdleTimeout": 60.0,
            "WebserverMode": "gzip",
            "SessionLengthWebInHours": None,
        },
        "EmailSettings": {"FeedbackEmail": "it@example.test", "ReplyToAddress": ""},
        "ImageProxySettings": {"ImageProxyType": "local"},
    }
    assert levels(fine) == []
    assert levels({"ServiceSettings": {"TLSMinVer": "1"}}, "11.7.10") == []
    assert levels({"ServiceSettings": {"TLSMinVer": "1"}}, "12.0.2", installed="12.0.1") == []
    assert levels({"ImageProxySettings": {"ImageProxyType": "atmos/camo"}}, "11.7.9") == []


def test_a_setting_that_the_run_writes_counts_and_not_what_the_file_has():
    config = {"ImageProxySettings": {"ImageProxyType": "atmos/camo"}, "ServiceSettings": {"TLSMinVer": "1"}}
    mended = {"ImageProxySettings": {"ImageProxyType": "local"}, "ServiceSettings": {"TLSMinVer": "1.2"}}
    assert levels(config, pillar={"server": {"config": mended}}) == []
    (found,) = levels({}, pillar={"server": {"config": {"ServiceSettings": {"TLSMinVer": "1"}}}})
    assert "mattermost:server:config:ServiceSettings:TLSMinVer" in found.sentence
    (found,) = levels({}, pillar={"server": {"environment": {"MM_SERVICESETTINGS_TLSMINVER": "1"}}})
    assert "mattermost:server:environment:MM_SERVICESETTINGS_TLSMINVER" in found.sentence


def test_the_way_to_go_on_that_is_printed_is_taken():
    config = {"ServiceSettings": {"TLSMinVer": "1"}}
    (found,) = levels(config)
    assert "mattermost:preflight:ignore: [upgrade-changes]" in found.fix
    (found,) = levels(config, pillar={"preflight": {"ignore": ["upgrade-changes"]}})
    assert found.level == "warning"


def test_a_value_with_which_it_certainly_does_not_start_offers_no_way_round():
    (found,) = levels({"ImageProxySettings": {"ImageProxyType": "atmos/camo"}})
    assert found.sentence.endswith("the server refuses to start with this value since 12.0.")
    assert found.fix == "Set it to local in mattermost:server:config."
    assert "ignore" not in found.fix


def test_a_file_that_was_not_read_is_said_and_is_not_taken_for_a_good_one():
    (found,) = levels(None)
    assert found.level == "warning"
    assert "could not be read" in found.sentence
    assert levels(None, "11.7.9") == []
