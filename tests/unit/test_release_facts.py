"""What a release needs of its host, and that everything which asks for the version that a run leaves gets one answer."""

import mattermost_database_plan as plan
import mattermost_release_core as core
import mattermost_release_facts as facts
import mattermost_release_tree as tree
import mattermost_settings_core
import mattermost_settings_data
import pytest
from mattermost_controller.preflight import release as preflight
from mattermost_controller.stages import archive
from mattermost_controller.status import releases

from tests.states import load_state

PATHS = {"work": "/var/lib/mattermost-deploy"}
# default or named version, whether it was named, what is installed -> what a run leaves
CASES = [
    ("11.7.10", False, None, "11.7.10"),
    ("11.7.10", False, "11.7.9", "11.7.9"),
    ("11.7.10", False, "11.8.0", "11.8.0"),
    ("11.8.0", True, None, "11.8.0"),
    ("11.8.0", True, "11.7.9", "11.8.0"),
    ("11.8.0", True, "11.8.0", "11.8.0"),
]
every_case = pytest.mark.parametrize(("version", "pinned", "installed", "left"), CASES)


def release(version="11.7.10", pinned=False):
    return {
        "version": version,
        "pinned": pinned,
        "arch": "amd64",
        "edition": "team",
        "source": "/a.tar.gz",
        "sha256": "ab",
    }


def host(tmp_path, installed):
    if installed:
        (tmp_path / "current").symlink_to(installed)
    return str(tmp_path)


@every_case
def test_a_named_version_wins_then_what_is_installed_then_the_default(version, pinned, installed, left):
    assert facts.effective(release(version, pinned), installed) == left


@every_case
def test_configuration_is_read_from_the_release_that_a_run_leaves(tmp_path, version, pinned, installed, left):
    assert tree.wanted(host(tmp_path, installed), release(version, pinned)) == str(tmp_path / left)


@every_case
def test_an_archive_is_copied_only_when_a_run_changes_the_version(version, pinned, installed, left):
    assert bool(archive.plan(release(version, pinned), PATHS, installed).skip) == (installed == left)


@every_case
def test_preflight_announces_what_a_run_leaves(version, pinned, installed, left):
    found = preflight.downgrade(
        {"release": release(version, pinned), "paths": {"install": "/opt"}}, {"current": installed or ""}, {}
    )
    assert left in found.sentence


@pytest.mark.parametrize(
    ("pinned", "installed", "suits"), [(False, "11.7.10", True), (True, "11.7.10", False), (False, None, False)]
)
@pytest.mark.parametrize("name", ["mattermost_database", "mattermost_database_major"])
def test_postgresql_must_suit_the_release_that_a_run_leaves(tmp_path, name, pinned, installed, suits):
    """14 is at work; 11.7 runs on it and 12.0, which the settings name or have as default, does not."""
    for file in ("config/14/conf.d/mattermost.conf", "data/14/PG_VERSION"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("")
    template = {"config_dir": f"{tmp_path}/config/{{version}}", "data_dir": f"{tmp_path}/data/{{version}}"}
    cluster = {"version": 14, "template": template, "data_dir": f"{tmp_path}/data/14", "bin_dir": "", "socket_dir": ""}
    paths = {"work": str(tmp_path / "work"), "install": host(tmp_path, installed)}
    state, wish = load_state(name), release("12.0.0", pinned)
    if name == "mattermost_database":
        ret = state.compatible("chat", "chat", wish, paths["install"], 59999, cluster, work=paths["work"])
    else:
        ret = state.upgraded("chat", cluster, 59999, wish, paths)
    assert ret["result"] is suits, ret["comment"]
    assert suits or "Mattermost 12.0.0 needs PostgreSQL 15" in ret["comment"]


def test_a_newer_default_is_mentioned_and_upgrades_nothing():
    assert "mattermost:release:version to 11.7.10" in core.note(release(), "11.7.9")
    assert core.note(release("11.8.0", pinned=True), "11.7.9") == ""
    assert core.note(release(), None) == ""
    assert core.note(release("11.7.9"), "11.7.10") == "", "versions are compared as numbers"


@pytest.mark.parametrize("bad", ["11.7", "11.7.x", "", "v11.7.1", "11.7.1/.."])
def test_what_is_no_version_is_refused(bad):
    with pytest.raises(facts.ReleaseError, match="is not a version. Write all three numbers"):
        facts.parse(bad)


@pytest.mark.parametrize(
    ("version", "postgresql", "glibc"),
    [
        ("7.8.0", 10, "2.17"),
        ("7.10.5", 10, "2.17"),
        ("8.0.0", 11, "2.17"),
        ("9.2.0", 11, "2.34"),
        ("10.5.9", 11, "2.17"),
        ("10.6.0", 13, "2.17"),
        ("10.11.0", 13, "2.34"),
        ("10.12.0", 13, "2.17"),
        ("11.7.10", 14, "2.17"),
        ("12.0.0", 15, "2.34"),
        ("12.3.1", 15, "2.34"),
    ],
)
def test_what_a_release_needs(version, postgresql, glibc):
    assert facts.postgresql_minimum(version) == postgresql
    assert facts.glibc_minimum(version) == glibc


def test_team_edition_has_a_user_limit_from_11_on():
    assert facts.user_limit("10.11.2") is None
    assert facts.user_limit("11.0.0") == 250


@pytest.mark.parametrize("version", ["10.5.9", "10.11.0", "11.7.10", "12.0.0"])
def test_preflight_states_and_status_refuse_the_same_hosts(version):
    """One major of PostgreSQL, or one step of the C library, too low: all refuse; just enough: all accept."""
    data = mattermost_settings_data.load(["salt"])
    grains = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
    settings = mattermost_settings_core.merge(data, {"release": {"version": version}}, {}, grains, "chat.example.test")
    for major in range(9, 17):
        fits = major >= facts.postgresql_minimum(version)
        seen = {"postgresql": {5432: f"{major}.1"}, "current": "", "files": []}
        settings["platform"]["postgresql"]["version"] = major
        assert (preflight.postgresql(settings, seen, {}).level == "ok") == fits
        assert (plan.too_old(major, version, "upgrade it") is None) == fits
        assert (releases.newer({version: "ab"}, "10.0.0", "2.40", f"{major}.1")["newest"] == version) == fits


# settings, installed -> what a run leaves while unattended patches are on
UNATTENDED = [
    ("11.7.10", True, "11.7.15", "11.7.15"),
    ("11.7.10", True, "11.7.9", "11.7.10"),
    ("11.7.10", True, "11.8.0", "11.7.10"),
    ("11.8.0", True, "11.7.15", "11.8.0"),
    ("11.7.10", False, "11.7.15", "11.7.15"),
]


@pytest.mark.parametrize(("version", "pinned", "installed", "left"), UNATTENDED)
def test_with_unattended_patches_a_named_version_is_the_least_patch(tmp_path, version, pinned, installed, left):
    wish = {**release(version, pinned), "unattended": "patches"}
    assert facts.effective(wish, installed) == left
    assert tree.wanted(host(tmp_path, installed), wish) == str(tmp_path / left)
    said = preflight.downgrade({"release": wish, "paths": {"install": "/opt"}}, {"current": installed}, {})
    assert said.level == ("refusal" if (version, installed) == ("11.7.10", "11.8.0") else "note" if pinned else "ok")


def test_a_newer_patch_than_the_named_one_is_said_and_a_downgrade_without_unattended_patches():
    wish = {**release("11.7.10", True), "unattended": "patches"}
    said = preflight.downgrade({"release": wish, "paths": {"install": "/opt"}}, {"current": "11.7.15"}, {})
    assert (said.level, "newer than mattermost:release:version (11.7.10)" in said.sentence) == (
        "note",
        True,
    )
    assert "newer than mattermost:release:version (11.7.10)" in core.note(wish, "11.7.15")
    wish["unattended"] = "none"
    assert (
        preflight.downgrade({"release": wish, "paths": {"install": "/opt"}}, {"current": "11.7.15"}, {}).level
        == "refusal"
    )
