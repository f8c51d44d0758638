"""Which version a setting means: a line, a version, nothing; what it is proved by; and that no deployed host changes by itself."""

import mattermost_release_core as release_core
import mattermost_release_facts as release_facts
import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller.preflight import release as preflight

from tests import repository

DATA = mattermost_settings_data.load([str(repository.ROOT / "salt")])
GRAINS = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
ARM = {**GRAINS, "cpuarch": "aarch64"}
SUM = "1" * 64


def release(wanted=None, listed=None, grains=GRAINS, **more):
    given = {**({"version": wanted} if wanted is not None else {}), **more}
    data = mattermost_settings_data.with_listed(DATA, listed or {})
    return core.merge(data, {"email": "a@example.test", "release": given}, {}, grains, "chat.example.test")["release"]


def newest_row(line, arch="amd64"):
    return max((each for each in DATA["releases"][arch] if each.startswith(f"{line}.")), key=release_facts.numbers)


def test_the_default_is_a_line_that_is_supported_longest():
    made = release()
    assert made["line"] == max(DATA["releases"]["lines"].items(), key=lambda each: each[1]["ends"])[0]
    assert (made["version"], made["known_by"]) == (newest_row(made["line"]), "sum")
    assert len(made["sha256"]) == 64


def test_a_line_means_the_newest_patch_that_two_of_the_vendor_list():
    made = release("11.7", {"11.7": "11.7.15"})
    assert (made["version"], made["sha256"], made["known_by"]) == ("11.7.15", "", "listed")
    assert made["source"].endswith("/11.7.15/mattermost-team-11.7.15-linux-amd64.tar.gz")
    assert made["signature"] == f"{made['source']}.sig"
    assert release_core.check_proof(made) == ""


def test_a_source_that_lists_older_ones_takes_nothing_back():
    assert release("11.7", {"11.7": "11.7.2"})["version"] == newest_row("11.7")


def test_numbers_are_compared_as_numbers():
    assert release("11.7", {"11.7": "11.7.9"})["version"] == "11.7.10"
    assert release("11.10")["version"] == newest_row("11.10")


def test_a_line_that_nobody_lists_is_refused():
    made = release("42.1")
    assert made["known_by"] == ""
    with pytest.raises(release_core.ReleaseError, match="Neither this bundle nor two of the vendor's sources"):
        release_core.check_proof(made)
    found = preflight.checksum({"release": made}, {"current": ""}, {})
    assert (found.level, found.check) == ("refusal", "checksum")
    assert release("42.1", {"42.1": "42.1.3"})["version"] == "42.1.3"


def test_a_version_that_a_person_names_needs_its_sum_or_the_signature():
    made = release("42.1.3")
    assert (made["line"], made["known_by"]) == ("", "name")
    found = preflight.checksum({"release": made}, {"current": ""}, {})
    assert found.level == "note"
    assert made["key_fingerprint"] in found.sentence
    assert release("42.1.3", sha256=SUM)["known_by"] == "sum"


def test_an_archive_on_the_controller_needs_its_sum():
    found = preflight.checksum({"release": release("42.1.3", source="/home/a/x.tar.gz")}, {"current": ""}, {})
    assert found.level == "refusal"
    assert "a file on the controller" in found.sentence


def test_on_arm64_a_newer_patch_without_a_sum_is_not_replaced_by_an_older_one():
    made = release("11.7", grains=ARM)
    assert made["version"] == newest_row("11.7") != newest_row("11.7", "arm64")
    assert (made["sha256"], made["known_by"]) == ("", "listed")


@pytest.mark.parametrize(("text", "read"), [("11.10", 11.1), ("11.7", 11.7)])
def test_a_line_without_quotes_is_refused_with_that_reason(text, read):
    with pytest.raises(core.SettingsError) as refused:
        release(read)
    (fault,) = refused.value.faults
    assert fault.startswith(
        f"mattermost:release:version must be of type string, not float {read}. Write the value in quotes"
    )
    assert "11.10 becomes 11.1" in fault


@pytest.mark.parametrize("wrong", ["11", "11.", "11.7.", "v11.7", "11.7.10-rc1", "latest", "11.x", ""])
def test_anything_else_is_refused(wrong):
    with pytest.raises(core.SettingsError, match="mattermost:release:version"):
        release(wrong)


# settings (None: nothing named), what is installed -> what a run leaves, while 11.7.15 is listed
LEFT = [
    (None, "", "11.7.15"),
    (None, "11.7.9", "11.7.9"),
    (None, "11.10.1", "11.10.1"),
    ("11.7", "", "11.7.15"),
    ("11.7", "11.7.9", "11.7.9"),
    ("11.7", "11.6.2", "11.7.15"),
    ("11.7.10", "11.7.9", "11.7.10"),
    ("11.1", "11.10.1", "11.1.3"),
]


@pytest.mark.parametrize(("wanted", "installed", "left"), LEFT)
def test_a_deployed_host_stays_on_its_patch_until_the_settings_name_another(wanted, installed, left):
    made = release(wanted, {"11.7": "11.7.15"})
    assert release_facts.effective(made, installed) == left
    said = preflight.downgrade({"release": made, "paths": {"install": "/opt"}}, {"current": installed}, {})
    assert left in said.sentence


def test_a_newer_patch_of_the_line_is_said_and_not_taken():
    made = release("11.7", {"11.7": "11.7.15"})
    found = preflight.newer_default({"release": made}, {"current": "11.7.10"}, {})
    assert (found.level, "11.7.15" in found.sentence) == ("note", True)


def test_what_a_command_brings_reaches_a_host_and_stands_in_no_setting():
    pillar = {"mattermost": {"email": "a@example.test"}, mattermost_settings_data.LISTED: {"11.7": "11.7.15"}}
    made = mattermost_settings_data.for_sls(DATA, pillar, {}, GRAINS, "chat.example.test", str, {})
    assert made["release"]["version"] == "11.7.15"
    with pytest.raises(core.SettingsError):
        core.merge(DATA, {"listed": {"11.7": "11.7.15"}}, {}, GRAINS, "chat.example.test")


@pytest.mark.parametrize(
    "own",
    [
        {"sha256": SUM},
        {"source": "/srv/mattermost.tar.gz"},
        {"source": "salt://mattermost/local/mattermost-{version}.tar.gz"},
        {"source": "https://mirror.example.test/mattermost.tar.gz"},
    ],
    ids=lambda own: "".join(own.values())[:20],
)
def test_a_persons_own_archive_is_not_taken_for_what_the_vendor_lists(own):
    assert release("11.7", {"11.7": "11.7.15"}, **own)["version"] == newest_row("11.7")
    assert release(None, {line: f"{line}.99" for line in DATA["releases"]["lines"]}, **own) == release(None, **own)
    mirror = {"source": "https://mirror.example.test/{version}.tar.gz"}
    assert release("11.7", {"11.7": "11.7.15"}, **mirror)["version"] == "11.7.15"
