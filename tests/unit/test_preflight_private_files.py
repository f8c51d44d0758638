"""A roster, a pillar or a key with secrets that other accounts of the controller can read is named."""

import os
import tempfile
from pathlib import Path

import pytest
from mattermost_controller.preflight import private_files

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"


@pytest.fixture
def checkout():
    """Below /tmp, for pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chmod(name, 0o755)
        folder = Path(name)
        for path, text in {
            "roster": "chat.example.test:\n  host: 192.0.2.7\n  passwd: s3cret\n",
            "pillar/mattermost.sls": "mattermost:\n  mail:\n    password: s3cret\n",
            "pillar/top.sls": "base: {'*': [mattermost]}\n",
            "salt/mattermost/local/key.pem": KEY.replace("OPENSSH ", ""),
            "salt/mattermost/local/chain.pem": "-----BEGIN CERTIFICATE-----\n",
            "id_ed25519": KEY,
        }.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
            (folder / path).chmod(0o600)
        for path in folder.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
        yield folder


def readable_files(folder, entry=None):
    opts = {"roster_file": str(folder / "roster"), "pillar_roots": {"base": [str(folder / "pillar")]}}
    entry = {"priv": str(folder / "id_ed25519")} if entry is None else entry
    found = private_files.inspect(opts, entry, [str(folder / "salt")])["readable"]
    return [str(Path(path).relative_to(folder)) for path in found]


def test_of_a_master_it_is_said_that_nothing_was_checked():
    found = private_files.readable_secrets({}, {}, {"by_minion": True})
    assert (found.level, "was not checked" in found.sentence) == ("ok", True)


def test_private_files_are_no_finding(checkout):
    assert readable_files(checkout) == []
    assert private_files.readable_secrets({}, {}, {"readable": []}).level == "ok"


@pytest.mark.parametrize("path", ["roster", "pillar/mattermost.sls", "salt/mattermost/local/key.pem", "id_ed25519"])
def test_what_everybody_can_read_is_named_with_what_to_do(checkout, path):
    (checkout / path).chmod(0o644)
    assert readable_files(checkout) == [path]
    finding = private_files.readable_secrets({}, {}, {"readable": [path]})
    assert (finding.level, finding.fix) == ("warning", f"run on the controller: chmod go= {path}")
    assert "s3cret" not in str(finding)


@pytest.mark.parametrize("path", ["pillar/top.sls", "salt/mattermost/local/chain.pem"])
def test_what_holds_no_secret_may_be_read(checkout, path):
    (checkout / path).chmod(0o644)
    assert readable_files(checkout) == []


def test_a_roster_without_a_password_may_be_read(checkout):
    (checkout / "roster").write_text(
        "chat.example.test:\n  host: 192.0.2.7\n  # passwd: like this\n  priv: id_ed25519\n"
    )
    (checkout / "roster").chmod(0o644)
    assert readable_files(checkout) == []


def test_options_of_the_talk_are_passwords_too(checkout):
    (checkout / "roster").write_text("chat:\n  minion_opts:\n    postgres.pass: s3cret\n")
    (checkout / "roster").chmod(0o644)
    assert readable_files(checkout) == ["roster"]


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: no file can be given to another group")
def test_a_group_of_others_counts_and_ones_own_does_not(checkout):
    (checkout / "roster").chmod(0o640)
    assert readable_files(checkout) == []
    os.chown(checkout / "roster", 0, 65534)
    assert readable_files(checkout) == ["roster"]


def test_behind_a_closed_directory_nobody_reads(checkout):
    (checkout / "roster").chmod(0o644)
    checkout.chmod(0o700)
    assert readable_files(checkout) == []


@pytest.mark.parametrize(
    ("value", "is_readable"),
    [
        ("|\n      -----BEGIN PGP MESSAGE-----\n      x\n", False),
        ("{{ salt['sdb.get']('sdb://vault/mail') }}\n", False),
        ("'{{ x }}'\n", False),
        ("|\n      s3cret\n", True),
        ("'s3cret'\n", True),
    ],
)
def test_what_is_encrypted_or_looked_up_may_be_read(checkout, value, is_readable):
    path = checkout / "pillar/mattermost.sls"
    path.write_text(f"mattermost:\n  mail:\n    password: {value}")
    path.chmod(0o644)
    assert bool(readable_files(checkout)) == is_readable
