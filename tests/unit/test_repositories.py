"""Repositories of yum: which of the host's own are switched off, and whose keys are taken."""

import pathlib
import types

import mattermost_repositories_core as core
import pytest

from tests.states import load_state

DEAD = ["mirrorlist.example.test", "mirror.example.test"]


@pytest.fixture
def key():
    """A key file as a vendor has it (nobody has its private half), and its fingerprint as gpg says it."""
    path = pathlib.Path(__file__).with_name("vendor-key.asc")
    return types.SimpleNamespace(text=path.read_text(), fingerprint="7A3EF4770F5A667F6B1777850184D1743F96EDE7")


def test_the_fingerprint_is_the_one_that_gpg_tells(key):
    assert core.fingerprints(key.text) == [key.fingerprint]
    assert core.unknown(key.text, [key.fingerprint]) == []
    assert core.unknown(key.text, ["0" * 40]) == [key.fingerprint]


def test_every_key_in_a_file_counts(key):
    assert core.fingerprints(key.text + "\n" + key.text) == [key.fingerprint] * 2


@pytest.mark.parametrize("damage", [lambda text: "<html>", lambda text: text.replace("\n\n", "\n\nAAAA", 1)])
def test_what_is_no_key_is_told(key, damage):
    with pytest.raises(core.RepositoryError, match="OpenPGP key"):
        core.fingerprints(damage(key.text))


REPO = """\
# mine
[base]
name=Base
mirrorlist=http://mirrorlist.example.test/?repo=os
#baseurl=http://mirror.example.test/os/
enabled=1

[own]
name=Our own mirror
baseurl=https://mirror.company.test/os/

[off]
mirrorlist=http://mirrorlist.example.test/?repo=plus
enabled=0
"""


def test_only_what_asks_a_dead_host_is_switched_off():
    text, off = core.without_dead(REPO, DEAD)
    assert off == ["base"]
    kept = [line for line in REPO.splitlines() if line != "enabled=1"]
    assert [line for line in text.splitlines() if "switched off" not in line and line != "enabled=0"] == [
        line for line in kept if line != "enabled=0"
    ]
    assert text.count("enabled=0") == 2
    assert core.without_dead(text, DEAD) == (text, [])


def test_a_section_with_a_working_baseurl_stays():
    repo = "[base]\nmirrorlist=http://mirrorlist.example.test/\nbaseurl=https://mirror.company.test/os/\n"
    assert core.without_dead(repo, DEAD) == (repo, [])


@pytest.fixture
def state(tmp_path, monkeypatch):
    module = load_state("mattermost_repositories")
    module.__grains__ = {"os": "CentOS"}
    for name in ("FOLDER", "KEYS", "APT_SOURCES", "APT_KEYS"):
        monkeypatch.setattr(module, name, str(tmp_path / name.lower()))
    monkeypatch.setattr(core, "MODULES", str(tmp_path / "modules"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/stock.repo").write_text(REPO)
    yum_says(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return module


def yum_says(tmp_path, text, status=0):
    """Let yum end like that, and note how it was called."""
    program = tmp_path / "bin/yum"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\necho \"$@\" >>{tmp_path}/calls\necho '{text}' >&2\nexit {status}\n")
    program.chmod(0o755)


SECTIONS = {
    "mattermost-base": {
        "name": "Base",
        "baseurl": "https://archive.example.test/os/",
        "keys": ["vendor"],
        "os": ["CentOS"],
    },
    "mattermost-extra": {"name": "Extra", "baseurl": "https://archive.example.test/x/", "keys": ["vendor"]},
}


def managed(state, tmp_path, pinned, url="https://localhost:9/key"):
    keys = {"vendor": {"path": str(tmp_path / "on-disk"), "url": url, "fingerprints": [pinned]}}
    return state.managed("mattermost-system", SECTIONS, keys, DEAD, setting="platform:repositories:system")


def files(tmp_path):
    return {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}


def test_repositories_are_set_up_once(state, tmp_path, key):
    (tmp_path / "on-disk").write_text(key.text)
    first = managed(state, tmp_path, key.fingerprint)
    assert first["result"] is True, first["comment"]
    assert len(first["changes"]) == 3
    made = files(tmp_path)
    assert made["RPM-GPG-KEY-mattermost-vendor"] == key.text
    assert "gpgcheck=1" in made["mattermost-system.repo"]
    assert f"gpgkey=file://{tmp_path}/keys/RPM-GPG-KEY-mattermost-vendor" in made["mattermost-system.repo"]
    assert managed(state, tmp_path, key.fingerprint)["changes"] == {}
    assert made["calls"] == files(tmp_path)["calls"] == "-qy makecache fast\n"


def test_repositories_that_a_cut_run_left_are_proved_by_the_next_one(state, tmp_path, key, monkeypatch):
    """The files are there; without the proof yum would stop over one in the middle of a later stage."""
    (tmp_path / "on-disk").write_text(key.text)

    def end(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(state.mattermost_subprocess, "run", end)
        with pytest.raises(KeyboardInterrupt):
            managed(state, tmp_path, key.fingerprint)
    yum_says(tmp_path, "failure: repodata/repomd.xml from mattermost-extra: No more mirrors to try.", 1)
    for _ in range(2):
        again = managed(state, tmp_path, key.fingerprint)
        assert again["result"] is False
        assert "mattermost-extra" in again["comment"]
        assert "restored" not in again["comment"]
    yum_says(tmp_path, "")
    state.__opts__ = {"test": True}
    assert managed(state, tmp_path, key.fingerprint)["result"] is None
    state.__opts__ = {"test": False}
    assert managed(state, tmp_path, key.fingerprint)["result"] is True
    assert managed(state, tmp_path, key.fingerprint)["comment"].endswith("are up to date.")
    assert [name for name in files(tmp_path) if "not-proved" in name] == []


YUM_3 = """\
https://archive.example.test/x/repodata/repomd.xml: [Errno 14] HTTPS Error 503 - Service Unavailable
Trying other mirror.
 One of the configured repositories failed (Extra),
failure: repodata/repomd.xml from mattermost-extra: [Errno 256] No more mirrors to try."""
DNF = 'Error: Failed to download metadata for repo "mattermost-extra": Cannot download repomd.xml: Status code: 503'
ADMINS = "Cannot find a valid baseurl for repo: own/7/x86_64"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            YUM_3,
            ["mattermost-extra is at https://archive.example.test/x/.", "repositories:system:mattermost-extra:baseurl"],
        ),
        (DNF, ["mattermost-extra is at https://archive.example.test/x/.", "Status code: 503"]),
        (
            ADMINS,
            [
                "Cannot find a valid baseurl",
                "The repository own is set in ",
                "stock.repo on the host. Correct that file, or set enabled=0 for own there.",
            ],
        ),
    ],
)
def test_a_repository_that_does_not_answer_is_named_and_all_is_as_before(state, tmp_path, key, said, words):
    (tmp_path / "on-disk").write_text(key.text)
    yum_says(tmp_path, said, 1)
    before = files(tmp_path)
    refused = managed(state, tmp_path, key.fingerprint)
    assert refused["result"] is False
    assert refused["changes"] == {}
    assert [word for word in words if word not in refused["comment"]] == []
    del (now := files(tmp_path))["calls"]
    assert now == before


def test_another_vendors_host_gets_no_archive_of_this_one(state, tmp_path, key):
    (tmp_path / "on-disk").write_text(key.text)
    state.__grains__ = {"os": "RedHat"}
    managed(state, tmp_path, key.fingerprint)
    assert "[mattermost-base]" not in files(tmp_path)["mattermost-system.repo"]
    assert "[mattermost-extra]" in files(tmp_path)["mattermost-system.repo"]


def test_a_strange_key_stops_before_anything_is_changed(state, tmp_path, key, monkeypatch):
    monkeypatch.setattr(state, "_fetched", lambda url, ca_file: key.text)
    before = files(tmp_path)
    refused = managed(state, tmp_path, "0" * 40)
    assert refused["result"] is False
    assert key.fingerprint in refused["comment"]
    assert "mattermost:platform:repositories:keys:vendor:fingerprints" in refused["comment"]
    assert files(tmp_path) == before


def test_a_key_that_cannot_be_fetched_is_told(state, tmp_path, key):
    refused = managed(state, tmp_path, key.fingerprint)
    assert refused["result"] is False
    assert "https://localhost:9/key could not be downloaded" in refused["comment"]


def test_a_dry_run_says_what_it_would_do_and_does_nothing(state, tmp_path, key):
    (tmp_path / "on-disk").write_text(key.text)
    before = files(tmp_path)
    state.__opts__ = {"test": True}
    said = managed(state, tmp_path, key.fingerprint)
    assert said["result"] is None
    assert len(said["changes"]) == 3
    assert files(tmp_path) == before


def test_a_disabled_module_is_left_alone_and_an_enabled_one_would_be_disabled(state, tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/postgresql.module").write_text("[postgresql]\nname = postgresql\nstate = disabled\n")
    state.__opts__ = {"test": True}
    assert state.modules_off("off", ["postgresql"])["result"] is True
    assert state.modules_off("off", ["postgresql", "nginx"])["changes"] == {"nginx": "disabled"}


def test_keys_that_rpm_took_for_ours_are_known_by_their_fingerprints():
    known = {"352c64e5": "gpg-pubkey-352c64e5-52ae6884", "f4a80eb5": "gpg-pubkey-f4a80eb5-53a7ff4b"}
    epel = "91E97D7C4A5E96F17F3E888F6A2FAEA2352C64E5"
    assert core.imported(known, [epel]) == ["gpg-pubkey-352c64e5-52ae6884"]
    assert core.imported({epel.lower(): "gpg-pubkey-6"}, [epel]) == ["gpg-pubkey-6"]
    assert core.imported(known, []) == []


def apt(state, tmp_path, pinned):
    keys = {"vendor": {"path": str(tmp_path / "on-disk"), "url": "https://localhost:9/key", "fingerprints": [pinned]}}
    return state.apt_source("mattermost-x", "https://apt.example.test/apt", "bookworm-x", "main", "vendor", keys)


def test_a_source_of_apt_is_signed_by_the_known_key_and_set_up_once(state, tmp_path, key):
    (tmp_path / "on-disk").write_text(key.text)
    first = apt(state, tmp_path, key.fingerprint)
    assert first["result"] is True, first["comment"]
    made = files(tmp_path)
    assert made["mattermost-x.asc"] == key.text
    assert "Suites: bookworm-x\n" in made["mattermost-x.sources"]
    assert f"Signed-By: {tmp_path}/apt_keys/mattermost-x.asc\n" in made["mattermost-x.sources"]
    assert apt(state, tmp_path, key.fingerprint)["changes"] == {}


def test_a_source_of_apt_with_a_strange_key_is_refused(state, tmp_path, key, monkeypatch):
    monkeypatch.setattr(state, "_fetched", lambda url, ca_file: key.text)
    assert apt(state, tmp_path, "0" * 40)["result"] is False
    assert "mattermost-x.sources" not in files(tmp_path)
